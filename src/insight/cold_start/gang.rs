//! The starts of pods that wait for one another: those of a Job, or of a gang.

use std::cmp::Reverse;

use super::{ColdStart, PhaseName, percentile};
use crate::fleet::{JobRow, ObjectKey};
use crate::units::Time;

/// Whether the pods of a Job start together and wait for one another, and do not take turns as in one that has more to
/// complete than it may run at a time. Of a work queue, which says nothing of that, they are taken to start together.
pub fn starts_together(job: &JobRow) -> bool {
    job.completions.is_none_or(|wanted| wanted <= job.parallelism)
}

/// The starts of several pods, together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GangStart {
    /// How many pods there are.
    pub pods: usize,
    /// How many of them are still on their way.
    pub open: usize,
    /// The pod that became ready last; of pods on their way the one that is least far, then the oldest.
    pub slowest: ObjectKey,
    /// From the first pod that was ready to the last one; `None` while one is on its way or where it is not known of one.
    pub skew_seconds: Option<i64>,
    /// Each step that any of them has: its median and the longest, in seconds, over the pods that have it.
    pub phases: Vec<GangPhase>,
}

/// One step of several starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GangPhase {
    /// The step.
    pub name: PhaseName,
    /// The median (nearest rank), in seconds.
    pub median_seconds: u64,
    /// The longest, in seconds.
    pub max_seconds: u64,
}

impl GangStart {
    /// Of these starts; `None` where there are none.
    pub fn of(starts: &[&ColdStart], now: Time) -> Option<Self> {
        let slowest = starts.iter().max_by_key(|start| slowness(start))?;
        let ready: Option<Vec<Time>> = starts.iter().map(|start| start.ready()).collect();
        let skew = ready.and_then(|ready| Some(ready.iter().max()?.seconds_since(*ready.iter().min()?)));
        Some(Self {
            pods: starts.len(),
            open: starts.iter().filter(|start| start.open_phase().is_some()).count(),
            slowest: slowest.pod.clone(),
            skew_seconds: skew,
            phases: PhaseName::ALL.into_iter().filter_map(|name| phase(starts, name, now)).collect(),
        })
    }
}

/// Pods on their way are slower than those that are ready; of two the one in the earlier step is, then the one created first.
fn slowness(start: &ColdStart) -> impl Ord {
    let open = start.open_phase().map(|open| Reverse(open.name));
    (open.is_some(), open, start.ended(), Reverse(start.created), start.pod.clone())
}

fn phase(starts: &[&ColdStart], name: PhaseName, now: Time) -> Option<GangPhase> {
    let taken = starts.iter().filter_map(|start| start.phase(name));
    let mut seconds: Vec<u64> = taken.map(|phase| phase.seconds(now).unsigned_abs()).collect();
    seconds.sort_unstable();
    Some(GangPhase { name, median_seconds: percentile(&seconds, 50)?, max_seconds: *seconds.last()? })
}
