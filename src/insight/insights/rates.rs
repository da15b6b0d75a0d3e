//! What everything costs per hour.

use super::{Inputs, Verdicts};
use crate::insight::cost::CostRates;
use crate::insight::picture::{self, Picture};

/// All rates, computed from nothing; `None` while not all Nodes and NodeClaims are known.
pub fn cost_rates(inputs: &Inputs<'_>, picture: &Picture, verdicts: &Verdicts) -> Option<CostRates> {
    let known = inputs.known();
    let is_decided = known.decides_nodes();
    let fixed = picture::cluster_fixed(inputs.fleet, inputs.cluster);
    picture::burn(inputs.fleet, picture, &known, fixed, |node| {
        verdicts.of(node).filter(|_| is_decided).and_then(|summary| summary.is_held)
    })
}
