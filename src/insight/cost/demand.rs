//! The demand for the price of a machine: only what no earlier source in the chain has.

use super::chain::{CHINA, PriceQuery, Why, explain, is_told_by_aws};
use crate::fleet::{CapacityType, PriceDemand, RegionDemand};

/// Notes what is wanted to price a machine.
pub fn note(demand: &mut PriceDemand, query: &PriceQuery<'_>, devices: Devices) {
    if query.machine.cloud() != Some("aws") {
        return;
    }
    let Some(region) = query.machine.region().filter(|region| !region.starts_with(CHINA)) else { return };
    let mut wanted = RegionDemand::default();
    if depends_on_lists(query) {
        note_price(&mut wanted, query);
        if let Some(name) = query.machine.instance_type().filter(|_| !is_told_by_aws(query)) {
            demand.karpenter.insert(name.clone());
        }
    }
    if let Some(name) = query.machine.instance_type() {
        wanted.auto_mode.extend(query.machine.is_auto_mode().then(|| name.clone()));
        wanted.hardware.extend((devices == Devices::Uncounted).then(|| name.clone()));
    }
    if wanted != RegionDemand::default() {
        let known = demand.regions.entry(region.clone()).or_default();
        known.on_demand.append(&mut wanted.on_demand);
        known.spot.append(&mut wanted.spot);
        known.spot_history.append(&mut wanted.spot_history);
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

fn note_price(wanted: &mut RegionDemand, query: &PriceQuery<'_>) {
    if query.machine.is_fargate() {
        wanted.fargate = true;
        return;
    }
    let Some(name) = query.machine.instance_type().filter(|_| query.machine.is_linux()) else { return };
    match query.machine.capacity_type {
        // What is saved against on-demand capacity is told, too.
        Some(CapacityType::Spot) => {
            wanted.spot_history.insert(name.clone());
            wanted.spot.insert(name.clone()) | wanted.on_demand.insert(name.clone())
        }
        Some(CapacityType::OnDemand | CapacityType::Reserved) => wanted.on_demand.insert(name.clone()),
        None => false,
    };
}

/// Whether the price is one of a list, was made from one, or is not known.
fn depends_on_lists(query: &PriceQuery<'_>) -> bool {
    let Some(Ok(quote)) = explain(query).pop().map(|step| step.answer) else { return true };
    let mut why = &quote.why;
    while let Why::RuleAdjusts(_, _, base) | Why::OverlayAdjusts(_, _, base) = why {
        why = &base.why;
    }
    matches!(why, Why::Listed(..) | Why::Discounted(..) | Why::Fargate(..))
}
