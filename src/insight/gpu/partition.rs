//! What a unit of an extended resource is of a device: a device, a share of one, or a part that its hardware splits off.

use super::hardware::{self, Sharing};
use crate::fleet::{NodeRow, Sym};

/// Thousandths of a device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Thousandths(pub i64);

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
    let slices: i64 = profile.split_once('g')?.0.parse().ok().filter(|slices| (1..=7).contains(slices))?;
    let whole = if known.model.is_some_and(|model| model.contains("A30")) { 4 } else { 7 };
    Some(Part { part: slices.min(whole), whole })
}
