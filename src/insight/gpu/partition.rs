//! What a unit of an extended resource is of a device: a device, a share of one, or a part that its hardware splits off.

use super::hardware::{self, Sharing};
use crate::fleet::{NodeRow, Sym};

/// Thousandths of a device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Thousandths(pub i64);

impl Thousandths {
    /// In whole devices, a part of one counted as one.
    pub const fn ceil(self) -> i64 {
        self.0.div_euclid(1_000) + (self.0.rem_euclid(1_000) > 0) as i64
    }

    /// Of so many whole units.
    pub const fn units(count: i64) -> Self {
        Self(count.saturating_mul(1_000))
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, more: Self) -> Self {
        Self(self.0.saturating_add(more.0))
    }
}

/// Units of a resource as devices: `units × part ÷ whole`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Part {
    part: i64,
    whole: i64,
}

impl Part {
    const DEVICE: Self = Self { part: 1, whole: 1 };

    /// The same, shared by so many pods.
    const fn shared_by(self, replicas: i64) -> Self {
        Self { part: self.part, whole: self.whole.saturating_mul(replicas) }
    }

    /// Rounded to the nearest thousandth.
    fn of(self, units: i64) -> Thousandths {
        let (part, whole) = (i128::from(self.part), i128::from(self.whole.max(1)));
        let thousandths = (i128::from(units) * 1_000 * part * 2 + whole) / (2 * whole);
        Thousandths(i64::try_from(thousandths).unwrap_or(i64::MAX))
    }
}

/// Boards and parts of boards, added up before they are rounded.
#[derive(Default)]
pub(super) struct PartCount {
    boards: i64,
    /// Compute slices of boards that have seven, and of those that have four.
    sevenths: i64,
    quarters: i64,
}

impl PartCount {
    /// One more board.
    pub(super) const fn add_board(&mut self) {
        self.boards += 1;
    }

    /// One more MIG instance of this profile; `None` where the profile does not tell its compute slices.
    pub(super) fn add_part(&mut self, profile: &str, model: Option<&str>) -> Option<()> {
        let (slices, whole) = (slices(profile)?, slices_of_board(model));
        let sum = if whole == SLICES_OF_A30 { &mut self.quarters } else { &mut self.sevenths };
        *sum += slices.min(whole);
        Some(())
    }

    /// All of them.
    pub(super) fn total(&self) -> Thousandths {
        let parts = [(self.boards, 1), (self.sevenths, SLICES), (self.quarters, SLICES_OF_A30)];
        parts.into_iter().fold(Thousandths(0), |sum, (units, whole)| sum.plus(Part { part: 1, whole }.of(units)))
    }
}

/// What is known of a Node's devices.
#[derive(Clone, Copy)]
pub(super) struct Devices<'a> {
    pub(super) node: &'a NodeRow,
    pub(super) sharing: Sharing,
    /// How many there are.
    pub(super) physical: Option<i64>,
    /// The model, where it is told.
    pub(super) model: Option<&'a str>,
}

/// How many devices `units` of a resource are; `None` where nothing tells what one of them is. None are none, whatever they
/// are.
pub(super) fn devices(known: Devices<'_>, resource: &Sym, advertised: i64, units: i64) -> Option<Thousandths> {
    if units == 0 {
        return Some(Thousandths(0));
    }
    if resource.as_str() == NEURON_CORE {
        let physical = known.physical.filter(|physical| *physical > 0 && advertised > 0)?;
        return Some(Part { part: physical, whole: advertised }.of(units));
    }
    let part = if is_partition(known, resource) { partition(known, resource)? } else { Part::DEVICE };
    let replicas = hardware::replicas(known.node, resource);
    let is_shared = matches!(known.sharing, Sharing::TimeSlicing | Sharing::Mps) || resource.ends_with(SHARED);
    if is_shared && replicas == 1 {
        return None;
    }
    Some(part.shared_by(replicas).of(units))
}

/// A core of an AWS Neuron device, which has several.
const NEURON_CORE: &str = "aws.amazon.com/neuroncore";

/// The end of a resource whose devices are shared, where the device plugin renames it.
const SHARED: &str = ".shared";

/// Whether one unit is an instance of MIG: by its name under the strategy `mixed`, under the others by the Node.
fn is_partition(known: Devices<'_>, resource: &str) -> bool {
    let is_whole_node_split = known.sharing == Sharing::Mig && !has_mixed_resources(known.node);
    resource.starts_with(MIG) || (resource == NVIDIA && is_whole_node_split)
}

const NVIDIA: &str = "nvidia.com/gpu";
const MIG: &str = "nvidia.com/mig-";

fn has_mixed_resources(node: &NodeRow) -> bool {
    node.capacity.gpus.iter().any(|gpu| gpu.resource.starts_with(MIG))
}

/// The part that the profile names: `1g.10gb` is one compute slice of seven, of an A30 one of four.
fn partition(known: Devices<'_>, resource: &str) -> Option<Part> {
    let of_node = || hardware::mig_profile(known.node);
    let profile = resource.strip_prefix(MIG).or_else(of_node)?;
    let whole = slices_of_board(known.model);
    Some(Part { part: slices(profile)?.min(whole), whole })
}

/// The compute slices of a board, and those of the one that has fewer.
const SLICES: i64 = 7;
const SLICES_OF_A30: i64 = 4;

/// The compute slices of a whole board.
fn slices_of_board(model: Option<&str>) -> i64 {
    if model.is_some_and(|model| model.contains("A30")) { SLICES_OF_A30 } else { SLICES }
}

/// The compute slices of a MIG profile.
fn slices(profile: &str) -> Option<i64> {
    profile.split_once('g')?.0.parse().ok().filter(|slices| (1..=7).contains(slices))
}

/// The weight of a board among MIG instances.
pub(super) const WHOLE_WEIGHT: u64 = 1_000;

/// The weight of a MIG instance: its share of the board's compute slices in thousandths; one slice where the profile cannot
/// be read.
pub(super) fn weight(profile: &str, model: Option<&str>) -> u64 {
    let whole = slices_of_board(model);
    let part = Part { part: slices(profile).unwrap_or(1).min(whole), whole };
    part.of(1).0.unsigned_abs()
}
