//! What has to be asked of AWS and of Karpenter to price a machine: nothing that an earlier source has told.

use super::chain::{Asking, CHINA, Why, explain, is_told_by_aws};
use crate::fleet::{CapacityType, PriceDemand, RegionDemand};

/// Notes what is wanted to price a machine.
pub fn note(demand: &mut PriceDemand, asking: &Asking<'_>, devices: Devices) {
    if asking.machine.cloud() != Some("aws") {
        return;
    }
    let Some(region) = asking.machine.region().filter(|region| !region.starts_with(CHINA)) else { return };
    let mut wanted = RegionDemand::default();
    if depends_on_lists(asking) {
        note_price(&mut wanted, asking);
        if let Some(name) = asking.machine.instance_type().filter(|_| !is_told_by_aws(asking)) {
            demand.karpenter.insert(name.clone());
        }
    }
    if let Some(name) = asking.machine.instance_type() {
        wanted.auto_mode.extend(asking.machine.is_auto_mode().then(|| name.clone()));
        wanted.hardware.extend((devices == Devices::Uncounted).then(|| name.clone()));
    }
    if wanted != RegionDemand::default() {
        let known = demand.regions.entry(region.clone()).or_default();
        known.on_demand.append(&mut wanted.on_demand);
        known.spot.append(&mut wanted.spot);
        known.auto_mode.append(&mut wanted.auto_mode);
        known.hardware.append(&mut wanted.hardware);
        known.fargate |= wanted.fargate;
    }
}

/// Whether it is known how many devices a machine has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Devices {
    /// It has none, or their number is known.
    Counted,
    /// It has some, and no label tells how many.
    Uncounted,
}

fn note_price(wanted: &mut RegionDemand, asking: &Asking<'_>) {
    if asking.machine.is_fargate() {
        wanted.fargate = true;
        return;
    }
    let Some(name) = asking.machine.instance_type().filter(|_| asking.machine.is_linux()) else { return };
    match asking.machine.capacity_type {
        Some(CapacityType::Spot) => wanted.spot.insert(name.clone()),
        Some(CapacityType::OnDemand | CapacityType::Reserved) => wanted.on_demand.insert(name.clone()),
        None => false,
    };
}

/// Whether the price is one of a list, was made from one, or is not known.
fn depends_on_lists(asking: &Asking<'_>) -> bool {
    let Some(Ok(quote)) = explain(asking).pop().map(|step| step.answer) else { return true };
    let mut why = &quote.why;
    while let Why::RuleAdjusts(_, _, base) | Why::OverlayAdjusts(_, _, base) = why {
        why = &base.why;
    }
    matches!(why, Why::Listed(..) | Why::Discounted(..) | Why::Fargate(..))
}
