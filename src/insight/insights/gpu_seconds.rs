//! How long the pods of Jobs have held accelerators, and how long these were busy, as far as batchtop has seen it.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::Inputs;
use crate::fleet::{Fleet, Sym, Uid, Utilization};
use crate::insight::gpu::{self, Thousandths};
use crate::insight::picture::{self, GpuState};
use crate::units::Time;

/// The sums of one Job, in thousandths of accelerators times seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GpuSeconds {
    /// When the first of them began.
    began: Time,
    held: i64,
    /// The part of it in which it was known how busy they were.
    known: i64,
    /// In millionths of that.
    busy_millionths: i128,
}

impl GpuSeconds {
    /// Since when they have been counted.
    pub const fn began(&self) -> Time {
        self.began
    }

    /// Seconds for which its pods have held accelerators, one for each accelerator.
    pub const fn held(&self) -> i64 {
        self.held / THOUSAND
    }

    /// Seconds for which these were busy; `None` where nothing has told it.
    pub fn busy(&self) -> Option<i64> {
        let thousandths = i64::try_from(self.busy_millionths / MILLION).unwrap_or(i64::MAX);
        (self.known > 0).then_some(thousandths / THOUSAND)
    }

    /// The share of the time in which they were busy, in millionths, of that in which it was known; `None` where it never was.
    pub fn efficiency_millionths(&self) -> Option<i64> {
        self.busy_millionths.checked_div(self.known.into()).and_then(|share| i64::try_from(share).ok())
    }

    fn add(&mut self, requested: Thousandths, seconds: i64, utilization_millionths: Option<u32>) {
        let held = requested.0.saturating_mul(seconds);
        self.held = self.held.saturating_add(held);
        let Some(millionths) = utilization_millionths else { return };
        self.known = self.known.saturating_add(held);
        self.busy_millionths += i128::from(held) * i128::from(millionths);
    }
}

const THOUSAND: i64 = 1_000;
const MILLION: i128 = 1_000_000;

/// The sums of all Jobs that hold or have held accelerators and still exist.
#[derive(Default)]
pub(super) struct GpuAccounts {
    jobs: HashMap<Uid, GpuSeconds, RandomState>,
    /// Until when each Node has been counted.
    counted: HashMap<Sym, Time, RandomState>,
}

/// Every Node is evaluated each minute; a longer time is that of a suspended machine.
const LONGEST_SECONDS: i64 = 150;

impl GpuAccounts {
    /// Of one Job; `None` where none of its pods has been seen with an accelerator.
    pub(super) fn of_job(&self, uid: &Uid) -> Option<&GpuSeconds> {
        self.jobs.get(uid)
    }

    /// Adds the time since a Node was counted last to the Jobs of its pods, at what is told of its devices now.
    pub(super) fn count(&mut self, inputs: &Inputs<'_>, name: &Sym, state: &GpuState) {
        let Some(since) = self.counted.insert(name.clone(), inputs.now) else { return };
        let longest = LONGEST_SECONDS.max(inputs.longest_tick_seconds);
        let seconds = inputs.now.seconds_since(since);
        if !(1..=longest).contains(&seconds) {
            return;
        }
        for pod in inputs.fleet.pods_on(name).filter(|pod| pod.holds_resources()) {
            let job = pod.job_owner().filter(|owner| inputs.fleet.job(&owner.uid).is_some());
            let requested = gpu::requested_by(inputs.fleet, pod);
            let Some(job) = job.filter(|_| requested.0 > 0) else { continue };
            let age = pod.started.map_or(0, |at| inputs.now.seconds_since(at).max(0));
            let activity = picture::activity_of_pod(inputs.fleet, &state.activity, pod);
            let utilization = activity.and_then(|activity| activity.utilization);
            let new = || GpuSeconds { began: since, ..GpuSeconds::default() };
            let sums = self.jobs.entry(job.uid.clone()).or_insert_with(new);
            sums.add(requested, seconds.min(age), utilization.map(Utilization::millionths));
        }
    }

    /// Forgets a Node that is gone.
    pub(super) fn forget(&mut self, name: &str) {
        self.counted.remove(name);
    }

    /// Forgets Jobs that are gone.
    pub(super) fn prune(&mut self, fleet: &Fleet) {
        self.jobs.retain(|uid, _| fleet.job(uid).is_some());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_time_is_only_that_of_which_it_is_known() {
        let mut sums = GpuSeconds::default();
        let devices = Thousandths::units;
        sums.add(devices(8), 60, None);
        assert_eq!((sums.held(), sums.busy(), sums.efficiency_millionths()), (480, None, None));
        sums.add(devices(8), 60, Some(750_000));
        sums.add(devices(4), 30, Some(0));
        assert_eq!((sums.held(), sums.busy()), (1_080, Some(360)));
        assert_eq!(sums.efficiency_millionths(), Some(600_000), "of the 600 that are known");
    }
}
