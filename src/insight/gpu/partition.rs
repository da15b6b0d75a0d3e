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

/// An exact count of devices and parts of devices, so that only the sum of many is rounded: seven sevenths are one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Boards {
    part: i128,
    /// Never less than one.
    whole: i128,
}

impl Boards {
    /// No device.
    pub(super) const NONE: Self = Self { part: 0, whole: 1 };
    /// One device.
    pub(super) const ONE: Self = Self { part: 1, whole: 1 };

    fn of(part: i64, whole: i64) -> Self {
        Self { part: part.into(), whole: whole.max(1).into() }
    }

    /// One MIG instance of this profile; `None` where the profile does not tell its compute slices.
    pub(super) fn of_instance(profile: &str, model: Option<&str>) -> Option<Self> {
        let whole = slices_of_board(model);
        Some(Self::of(slices(profile)?.min(whole), whole))
    }

    /// The same, shared by so many pods.
    fn shared_by(self, replicas: i64) -> Self {
        Self { whole: self.whole.saturating_mul(replicas.max(1).into()), ..self }
    }

    fn times(self, units: i64) -> Self {
        Self { part: self.part.saturating_mul(units.into()), ..self }
    }

    /// Both together.
    pub(super) fn plus(self, more: Self) -> Self {
        let common = gcd(self.whole, more.whole);
        let of = |part: i128, other: i128| part.saturating_mul(other / common);
        let whole = self.whole.saturating_mul(more.whole / common);
        Self { part: of(self.part, more.whole).saturating_add(of(more.part, self.whole)), whole }
    }

    /// Rounded to the nearest thousandth.
    pub(super) fn thousandths(self) -> Thousandths {
        let doubled = self.part.saturating_mul(2_000).saturating_add(self.whole);
        Thousandths(i64::try_from(doubled / self.whole.saturating_mul(2)).unwrap_or(i64::MAX))
    }
}

/// The greatest common divisor of two positive numbers.
fn gcd(one: i128, other: i128) -> i128 {
    if other == 0 { one } else { gcd(other, one % other) }
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
pub(super) fn devices(known: Devices<'_>, resource: &Sym, advertised: i64, units: i64) -> Option<Boards> {
    if units == 0 {
        return Some(Boards::NONE);
    }
    if resource.as_str() == NEURON_CORE {
        let physical = known.physical.filter(|physical| *physical > 0 && advertised > 0)?;
        return Some(Boards::of(physical, advertised).times(units));
    }
    let part = if is_partition(known, resource) { partition(known, resource)? } else { Boards::ONE };
    let replicas = hardware::replicas(known.node, resource);
    let is_shared = matches!(known.sharing, Sharing::TimeSlicing | Sharing::Mps) || resource.ends_with(SHARED);
    if is_shared && replicas == 1 {
        return None;
    }
    Some(part.shared_by(replicas).times(units))
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
    // What was mixed before stays in the capacity with zero.
    node.capacity.gpus.iter().any(|gpu| gpu.count > 0 && gpu.resource.starts_with(MIG))
}

/// The part that the profile names: `1g.10gb` is one compute slice of seven, of an A30 one of four.
fn partition(known: Devices<'_>, resource: &str) -> Option<Boards> {
    let of_node = || hardware::mig_profile(known.node);
    Boards::of_instance(resource.strip_prefix(MIG).or_else(of_node)?, known.model)
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

/// The weight of a board among MIG instances: all slices of both kinds of boards are whole numbers of it.
pub(super) const WHOLE_WEIGHT: u64 = SLICES.unsigned_abs() * SLICES_OF_A30.unsigned_abs();

/// The weight of a MIG instance: its share of the board's compute slices; one slice where the profile cannot be read.
pub(super) fn weight(profile: &str, model: Option<&str>) -> u64 {
    let whole = slices_of_board(model).unsigned_abs();
    slices(profile).map_or(1, i64::unsigned_abs).min(whole) * (WHOLE_WEIGHT / whole)
}
