//! When the ledger is paid: from one second to the next while the cluster is seen, at the rates that held.

use super::Inputs;
use crate::fleet::{HealthState, Kind, SourceId};
use crate::insight::cost::{CostRates, Ledger};
use crate::units::Time;

/// When the ledger was last paid.
#[derive(Default)]
pub struct Payments {
    paid_at: Option<Time>,
}

/// While rates stay as they are, sums grow no more often, so that an idle screen is not drawn.
const PAY_EVERY_SECONDS: i64 = 10;

/// From this age on what a stale Source told is of the past.
const UNSEEN_FROM_SECONDS: i64 = 60;

impl Payments {
    /// Whether sums are so old that they grow though rates stay as they are, or the clock was set back.
    pub fn are_due(&self, now: Time) -> bool {
        self.paid_at.is_none_or(|at| !(0..PAY_EVERY_SECONDS).contains(&now.seconds_since(at)))
    }

    /// Whether what has accrued until then is paid.
    #[cfg(test)]
    pub fn are_made_at(&self, now: Time) -> bool {
        self.paid_at == Some(now)
    }

    /// Pays what has accrued at the rates that held until now. While the cluster is not seen nothing is paid.
    pub fn pay(&mut self, inputs: &Inputs<'_>, ledger: &mut Ledger, rates: Option<&CostRates>) {
        let seen = rates.filter(|_| is_seen(inputs));
        ledger.look(inputs.now, seen, inputs.longest_tick_seconds);
        self.paid_at = Some(inputs.now);
    }
}

/// Whether the API server has told of machines lately; to read everything again takes a moment.
fn is_seen(inputs: &Inputs<'_>) -> bool {
    [Kind::Node, Kind::NodeClaim].into_iter().all(|kind| {
        inputs.sources.get(&SourceId::Kind(kind)).is_none_or(|health| {
            let age_seconds = health.as_of.map_or(0, |as_of| inputs.now.seconds_since(as_of));
            health.state != HealthState::Stale || age_seconds < UNSEEN_FROM_SECONDS
        })
    })
}
