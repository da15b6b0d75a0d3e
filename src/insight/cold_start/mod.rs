//! Cold starts: where the time went between "created" and "ready", for each pod.
//!
//! A [`ColdStart`] is a waterfall of [`Phase`]s. It is a function of what the Fleet has of the pod, of its Node and NodeClaim
//! and of its Job; no part of it depends on the time, but a phase that goes on has no end, and its length is that until now.

pub mod acceleration;
mod capacity;
mod cause;
mod containers;
#[cfg(test)]
mod evidence_tests;
mod expectations;
mod first_run;
mod gang;
mod hints;
pub mod history;
#[cfg(test)]
mod later_starts_tests;
#[cfg(test)]
mod properties;
mod queue;
mod statistics;
#[cfg(test)]
mod tests;
mod waterfall;

pub use capacity::{LaunchFailure, LaunchFailureReason};
pub use cause::{Cause, CauseReason};
pub use containers::ImageStart;
pub use expectations::Expectations;
pub use gang::{GangPhase, GangStart, starts_together};
pub use hints::hints;
pub use history::{ClusterHistory, StartHistory};
pub use queue::KUEUE_GROUP;
pub use statistics::{Histogram, ImageStatistics, PoolStatistics, StartStatistics, percentile};

use std::cmp::Reverse;
use std::fmt;

use crate::fleet::{CLOSED_STARTS, Fleet, Nomination, ObjectKey, PodRow, Sym, Uid};
use crate::units::{Second, Time};

/// A step on the way of a pod to its work, in the order in which they come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PhaseName {
    /// A queue holds the Job back.
    Queued,
    /// The Job was suspended, and no queue held it back.
    Suspended,
    /// The pod has scheduling gates.
    Gated,
    /// There is no Node for it, and none is on its way.
    WaitingForCapacity,
    /// The cloud makes the machine.
    Launch,
    /// The machine boots.
    Boot,
    /// Karpenter takes the Node over.
    Register,
    /// The Node becomes ready, its startup taints go, its devices are advertised.
    Initialize,
    /// The scheduler binds the pod.
    Schedule,
    /// Volumes are mounted, and the sandbox with its network is made.
    Sandbox,
    /// Images are pulled.
    Pull,
    /// Init containers are at work.
    Init,
    /// The containers are made and started.
    Start,
    /// The containers run, and the pod is not ready yet.
    Ready,
}

impl PhaseName {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Queued,
        Self::Suspended,
        Self::Gated,
        Self::WaitingForCapacity,
        Self::Launch,
        Self::Boot,
        Self::Register,
        Self::Initialize,
        Self::Schedule,
        Self::Sandbox,
        Self::Pull,
        Self::Init,
        Self::Start,
        Self::Ready,
    ];

    /// As the JSON writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Suspended => "Suspended",
            Self::Gated => "Gated",
            Self::WaitingForCapacity => "WaitingForCapacity",
            Self::Launch => "Launch",
            Self::Boot => "Boot",
            Self::Register => "Register",
            Self::Initialize => "Initialize",
            Self::Schedule => "Schedule",
            Self::Sandbox => "Sandbox",
            Self::Pull => "Pull",
            Self::Init => "Init",
            Self::Start => "Start",
            Self::Ready => "Ready",
        }
    }
}

impl fmt::Display for PhaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What tells when a phase ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Evidence {
    /// An Event.
    Event,
    /// A condition.
    Condition,
    /// Another field of an object.
    Status,
    /// Something else than the end itself.
    Derived,
}

/// One step of a start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Phase {
    /// The step.
    pub name: PhaseName,
    /// What tells of its end; of one that goes on, of what it is.
    pub source: Evidence,
    start: Second,
    end: Option<Second>,
    /// How long it took, less than from start to end where other steps lie between. Of one that goes on what is to be taken
    /// from the time since `runs_since`: other steps since then.
    spent_seconds: i32,
    runs_since: Option<Second>,
}

impl Phase {
    /// One that is over and took so many seconds of the time from its start to its end.
    fn over(name: PhaseName, (start, end): (Time, Time), spent_seconds: i64, source: Evidence) -> Self {
        let spent_seconds = i32::try_from(spent_seconds).unwrap_or(i32::MAX);
        Self { name, source, start: start.into(), end: Some(end.into()), spent_seconds, runs_since: None }
    }

    /// One that began at `start` and goes on; it takes all of the time since `runs_since` that other steps have not taken.
    fn open(name: PhaseName, start: Time, runs_since: Time, of_others_seconds: i64, source: Evidence) -> Self {
        let spent_seconds = i32::try_from(-of_others_seconds).unwrap_or(i32::MIN);
        Self { name, source, start: start.into(), end: None, spent_seconds, runs_since: Some(runs_since.into()) }
    }

    /// When it began.
    pub fn start(&self) -> Time {
        self.start.time()
    }

    /// When it ended; `None` while it goes on.
    pub fn end(&self) -> Option<Time> {
        self.end.map(Second::time)
    }

    /// Whether it goes on.
    pub const fn is_open(&self) -> bool {
        self.end.is_none()
    }

    /// How long it has taken, in seconds.
    pub fn seconds(&self, now: Time) -> i64 {
        let running = self.runs_since.map_or(0, |since| now.seconds_since(since.time()));
        (i64::from(self.spent_seconds) + running).max(0)
    }
}

/// The start of one pod.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ColdStart {
    /// The pod.
    pub pod: ObjectKey,
    /// Its uid.
    pub uid: Uid,
    /// When it was created.
    pub created: Time,
    /// Name of the Job that controls it.
    pub job: Option<Sym>,
    /// Its Node; the one that is meant for it before it is bound.
    pub node: Option<Sym>,
    /// The NodeClaim behind that, or in place of it.
    pub claim: Option<Sym>,
    /// Their NodePool.
    pub pool: Option<Sym>,
    /// Their instance type.
    pub instance_type: Option<Sym>,
    /// Their zone.
    pub zone: Option<Sym>,
    /// Whether the Node was made after the pod.
    pub is_node_new: bool,
    /// The image of each container: init containers first, then as in the spec.
    pub images: Vec<ImageStart>,
    /// The steps, as they came; the one that goes on is the last.
    pub phases: Vec<Phase>,
    /// Whether containers have been started again.
    pub is_restarted: bool,
    /// Whether every step has been observed, and the first start is known.
    pub is_complete: bool,
    /// What the open step waits for.
    pub cause: Option<Cause>,
    /// Capacity that Karpenter had in mind for the pod and did not get, the oldest first.
    pub launch_failures: Vec<LaunchFailure>,
    /// Since when the pod has kept a machine busy that is paid: a new one from its launch on, another one since the pod was
    /// bound. `None` before.
    pub billed_since: Option<Time>,
}

impl ColdStart {
    /// Of a pod; `None` where its start is not known or is none of interest: of DaemonSets, mirror pods, pods that are being
    /// deleted, and pods that have ended without a container that ran.
    pub fn of(fleet: &Fleet, pod: &PodRow) -> Option<Self> {
        waterfall::of(fleet, pod)
    }

    /// The step that goes on.
    pub fn open_phase(&self) -> Option<&Phase> {
        self.phases.last().filter(|phase| phase.is_open())
    }

    /// A step, where it was observed.
    pub fn phase(&self, name: PhaseName) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.name == name)
    }

    /// When the first step began.
    pub fn began(&self) -> Option<Time> {
        self.phases.first().map(Phase::start)
    }

    /// When the last step ended; `None` while one goes on.
    pub fn ended(&self) -> Option<Time> {
        self.phases.last().and_then(Phase::end)
    }

    /// When the pod was ready; `None` before, and where nobody told.
    pub fn ready(&self) -> Option<Time> {
        self.phase(PhaseName::Ready).and_then(Phase::end)
    }

    /// How long all steps have taken, in seconds.
    pub fn total_seconds(&self, now: Time) -> i64 {
        self.phases.iter().map(|phase| phase.seconds(now)).sum()
    }

    /// For how many seconds a machine has been paid for the pod before it was ready; zero before there is one.
    pub fn billed_seconds(&self, now: Time) -> i64 {
        let until = self.ended().unwrap_or(now);
        self.billed_since.map_or(0, |since| until.seconds_since(since).max(0))
    }
}

/// Those of these starts that are told: the ones that go on, then those of the newest pods, at most [`CLOSED_STARTS`] in
/// all; by namespace and name.
pub fn newest<'a>(starts: impl Iterator<Item = &'a ColdStart>) -> Vec<&'a ColdStart> {
    let mut starts: Vec<&ColdStart> = starts.collect();
    starts.sort_by_key(|start| (start.open_phase().is_none(), Reverse(start.created)));
    starts.truncate(CLOSED_STARTS);
    starts.sort_unstable_by_key(|start| &start.pod);
    starts
}

/// The newest nomination of a pod.
fn newest_nomination(pod: &PodRow) -> Option<&Nomination> {
    pod.start.as_ref()?.nominations.last()
}
