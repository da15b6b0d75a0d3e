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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::testing::{CREATED, condition, job, labels, met, sym};

    fn seen(job: &JobRow) -> (JobStatus, Option<String>, Option<Time>) {
        let state = state(job);
        (state.status, state.reason.map(|reason| reason.to_string()), state.finished)
    }

    #[test]
    fn conditions_come_before_counts() {
        let finished = CREATED.plus_seconds(60);
        let mut row = job("ml", "train");
        assert_eq!(seen(&row), (JobStatus::Pending, None, None));
        row.active = 1;
        assert_eq!(seen(&row), (JobStatus::Pending, None, None), "its pod is not ready yet");
        row.ready = 1;
        assert_eq!(seen(&row), (JobStatus::Running, None, None));
        row.conditions = vec![condition("FailureTarget", Status::True, "BackoffLimitExceeded")];
        assert_eq!(seen(&row), (JobStatus::Running, Some("BackoffLimitExceeded".to_owned()), None));
        row.conditions.push(condition("Failed", Status::True, "BackoffLimitExceeded"));
        assert_eq!(seen(&row), (JobStatus::Failed, Some("BackoffLimitExceeded".to_owned()), Some(CREATED)));
        row.conditions = vec![condition("Complete", Status::True, "CompletionsReached")];
        row.completed = Some(finished);
        assert_eq!(seen(&row), (JobStatus::Complete, Some("CompletionsReached".to_owned()), Some(finished)));
        row.conditions = vec![condition("Complete", Status::False, "")];
        assert_eq!(seen(&row), (JobStatus::Running, None, None));
    }

    #[test]
    fn a_suspended_job_with_a_queue_is_queued() {
        let mut row = job("ml", "train");
        row.suspended = true;
        assert_eq!(seen(&row), (JobStatus::Suspended, None, None), "its controller has not said so yet");
        row.conditions = vec![condition("Suspended", Status::True, "JobSuspended")];
        assert_eq!(seen(&row), (JobStatus::Suspended, Some("JobSuspended".to_owned()), None));
        row.labels = labels(&[("kueue.x-k8s.io/queue-name", "research")]);
        assert_eq!(seen(&row).0, JobStatus::Queued);
        assert_eq!(queue(&row), Some(&sym("research")));
        row.conditions = met(&["Suspended", "Complete"]);
        assert_eq!(seen(&row).0, JobStatus::Complete, "what is finished is not waiting");
        row.suspended = false;
        row.conditions.clear();
        assert_eq!(seen(&row).0, JobStatus::Pending);
    }

    #[test]
    fn a_work_queue_has_no_known_end() {
        let mut row = job("ml", "train");
        row.succeeded = 2;
        row.completions = None;
        assert_eq!(progress(&row), Progress { done: 2, wanted: None });
    }
}
