//! Jobs: how far they are, and what they wait for.

use crate::fleet::{Condition, JobRow, Status, Sym};
use crate::units::Time;

/// Where a Job stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum JobStatus {
    /// Suspended, and no queue is known to resume it.
    Suspended,
    /// Suspended until its queue (Kueue) admits it.
    Queued,
    /// Not suspended, but none of its pods is ready.
    Pending,
    /// At least one of its pods is ready, or it is about to be complete or failed and its last pods are ending.
    Running,
    /// Condition `Complete`.
    Complete,
    /// Condition `Failed`.
    Failed,
}

impl JobStatus {
    /// As the JSON writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Suspended => "Suspended",
            Self::Queued => "Queued",
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Complete => "Complete",
            Self::Failed => "Failed",
        }
    }

    /// Whether it will never run again.
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Complete | Self::Failed)
    }

    /// Whether its pods run or are to run now.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Pending | Self::Running)
    }
}

/// The status of a Job, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobState {
    /// Where it stands.
    pub status: JobStatus,
    /// The reason of the condition that decided it, for example `BackoffLimitExceeded`.
    pub reason: Option<Sym>,
    /// When it was complete or failed.
    pub finished: Option<Time>,
}

/// How many pods of a Job are done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Pods that succeeded.
    pub done: i64,
    /// Pods that must succeed; unknown for a work queue, which ends when its pods say so.
    pub wanted: Option<i64>,
}

/// The label by which Kueue finds the LocalQueue of a Job.
const QUEUE_LABEL: &str = "kueue.x-k8s.io/queue-name";

/// The status of a Job, from its conditions first and its counts last (api/batch/v1/types.go).
pub fn state(job: &JobRow) -> JobState {
    if let Some(failed) = met(job, "Failed") {
        return decided(JobStatus::Failed, failed, failed.last_transition);
    }
    if let Some(complete) = met(job, "Complete") {
        return decided(JobStatus::Complete, complete, job.completed.or(complete.last_transition));
    }
    if let Some(ending) = met(job, "FailureTarget").or_else(|| met(job, "SuccessCriteriaMet")) {
        return decided(JobStatus::Running, ending, None);
    }
    if job.suspended {
        let status = if queue(job).is_some() { JobStatus::Queued } else { JobStatus::Suspended };
        let reason = met(job, "Suspended").and_then(reason);
        return JobState { status, reason, finished: None };
    }
    let status = if job.ready > 0 { JobStatus::Running } else { JobStatus::Pending };
    JobState { status, reason: None, finished: None }
}

/// How far a Job is.
pub fn progress(job: &JobRow) -> Progress {
    Progress { done: job.succeeded, wanted: job.completions }
}

/// The Kueue LocalQueue that a Job was submitted to.
pub fn queue(job: &JobRow) -> Option<&Sym> {
    job.labels.get(QUEUE_LABEL)
}

fn met<'a>(job: &'a JobRow, kind: &str) -> Option<&'a Condition> {
    Condition::find(&job.conditions, kind).filter(|condition| condition.status == Status::True)
}

fn reason(condition: &Condition) -> Option<Sym> {
    Some(&condition.reason).filter(|reason| !reason.is_empty()).cloned()
}

fn decided(status: JobStatus, condition: &Condition, finished: Option<Time>) -> JobState {
    JobState { status, reason: reason(condition), finished }
}
