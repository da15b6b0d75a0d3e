//! The demand for prices, and when it is sent to the Sources.

use super::Inputs;
use crate::fleet::{Demand, Health, HealthState, Kind, PriceDemand, SourceId};
use crate::insight::picture::Picture;
use crate::units::Time;

/// What was last asked of AWS and of Karpenter, and when.
#[derive(Default)]
pub struct PriceWatch {
    asked: PriceDemand,
    asked_at: Option<Time>,
}

/// Nodes come one by one; their prices are asked for together.
const ASK_EVERY_SECONDS: i64 = 5;

impl PriceWatch {
    /// The demand that was sent last.
    #[cfg(test)]
    pub const fn asked(&self) -> &PriceDemand {
        &self.asked
    }

    /// Completeness changed: what is wanted is asked for without delay.
    pub const fn hurry(&mut self) {
        self.asked_at = None;
    }

    /// Whether it is time to look what is wanted: only where all Nodes are known.
    pub fn is_due(&self, inputs: &Inputs<'_>) -> bool {
        let is_due = self.asked_at.is_none_or(|at| !(0..ASK_EVERY_SECONDS).contains(&inputs.now.seconds_since(at)));
        is_due && inputs.known().all(Kind::Node)
    }

    /// What is wanted from now on, where that differs from what was wanted last.
    pub fn ask(&mut self, inputs: &Inputs<'_>, picture: &Picture) -> Option<Demand> {
        self.asked_at = Some(inputs.now);
        let mut prices = picture.price_demand(inputs.fleet);
        if !has_aws_answered(inputs, &prices) {
            prices.karpenter.clear();
        }
        if prices == self.asked {
            return None;
        }
        let sources = prices.sources_beyond(&self.asked);
        self.asked = prices.clone();
        Some(Demand { prices: Some(prices), sources, ..Demand::default() })
    }
}

/// Whether AWS has said what it can: only what it leaves open is asked of Karpenter.
fn has_aws_answered(inputs: &Inputs<'_>, wanted: &PriceDemand) -> bool {
    let sources = wanted.sources_beyond(&PriceDemand::default());
    let is_waited_for = |health: &Health| {
        matches!(health.state, HealthState::NotNeeded | HealthState::Connecting | HealthState::Syncing)
    };
    [SourceId::AwsSpotPrices, SourceId::AwsOnDemandPrices]
        .into_iter()
        .filter(|source| sources.contains(source))
        .all(|source| inputs.sources.get(&source).is_none_or(|health| !is_waited_for(health)))
}
