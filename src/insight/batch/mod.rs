//! Jobs: how far they are, and what they wait for.

use crate::fleet::{Condition, JobRow, Status, Sym, WorkloadRow};
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
    /// What Kueue says of a Job that it holds, verbatim.
    pub message: Option<Sym>,
    /// When it was complete or failed.
    pub finished: Option<Time>,
}

/// The progress of a Job in pods.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Pods that succeeded.
    pub done: i64,
    /// Pods that must succeed; unknown for a work queue, which ends when its pods say so.
    pub wanted: Option<i64>,
}

/// The label by which Kueue finds the LocalQueue of a Job.
const QUEUE_LABEL: &str = "kueue.x-k8s.io/queue-name";

/// The status of a Job, from its conditions first and its counts last (api/batch/v1/types.go). Of a suspended one its
/// Workload decides, if Kueue has made one.
pub fn state(job: &JobRow, workload: Option<&WorkloadRow>) -> JobState {
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
        return suspended(job, workload);
    }
    let status = if job.ready > 0 { JobStatus::Running } else { JobStatus::Pending };
    JobState { status, reason: None, message: None, finished: None }
}

/// Kueue admits no inactive Workload until somebody makes it active, and a finished one holds nothing. A Job that has
/// none yet is known by its label.
fn suspended(job: &JobRow, workload: Option<&WorkloadRow>) -> JobState {
    let workload = workload.filter(|workload| !Condition::is_true(&workload.conditions, "Finished"));
    let is_queued = workload.map_or_else(|| labelled_queue(job).is_some(), |workload| workload.is_active);
    let unmet = workload.and_then(unmet);
    JobState {
        status: if is_queued { JobStatus::Queued } else { JobStatus::Suspended },
        reason: unmet.and_then(reason).or_else(|| met(job, "Suspended").and_then(reason)),
        message: unmet.map(|condition| &condition.message).filter(|message| !message.is_empty()).cloned(),
        finished: None,
    }
}

/// Why Kueue has not admitted a Workload: quota is reserved before admission checks are made, and as long as it is not,
/// `Admitted` only repeats that (kueue apis/kueue/v1beta2/workload_types.go).
fn unmet(workload: &WorkloadRow) -> Option<&Condition> {
    let unmet = |kind| Condition::find(&workload.conditions, kind).filter(|found| found.status == Status::False);
    unmet("QuotaReserved").or_else(|| unmet("Admitted"))
}

/// How far a Job is.
pub fn progress(job: &JobRow) -> Progress {
    Progress { done: job.succeeded, wanted: job.completions }
}

/// The Kueue LocalQueue in which the Workload of a Job is, or that the Job asks for before it has one.
pub fn queue<'a>(job: &'a JobRow, workload: Option<&'a WorkloadRow>) -> Option<&'a Sym> {
    workload.and_then(|workload| workload.queue.as_ref()).or_else(|| labelled_queue(job))
}

fn labelled_queue(job: &JobRow) -> Option<&Sym> {
    job.labels.get(QUEUE_LABEL)
}

fn met<'a>(job: &'a JobRow, kind: &str) -> Option<&'a Condition> {
    Condition::find(&job.conditions, kind).filter(|condition| condition.status == Status::True)
}

fn reason(condition: &Condition) -> Option<Sym> {
    Some(&condition.reason).filter(|reason| !reason.is_empty()).cloned()
}

fn decided(status: JobStatus, condition: &Condition, finished: Option<Time>) -> JobState {
    JobState { status, reason: reason(condition), message: None, finished }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::testing::{CREATED, condition, job, labels, met, sym, workload};

    fn seen(job: &JobRow) -> (JobStatus, Option<String>, Option<Time>) {
        let state = state(job, None);
        (state.status, state.reason.map(|reason| reason.to_string()), state.finished)
    }

    #[test]
    fn job_conditions_outrank_pod_counts() {
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
        assert_eq!(queue(&row, None), Some(&sym("research")));
        row.conditions = met(&["Suspended", "Complete"]);
        assert_eq!(seen(&row).0, JobStatus::Complete, "what is finished is not waiting");
        row.suspended = false;
        row.conditions.clear();
        assert_eq!(seen(&row).0, JobStatus::Pending);
    }

    fn said(kind: &str, status: Status, reason: &str, message: &str) -> Condition {
        Condition { message: sym(message), ..condition(kind, status, reason) }
    }

    #[test]
    fn a_suspended_job_has_the_status_that_its_workload_gives() {
        const SHORT: &str = "couldn't assign flavors to pod set main: insufficient unused quota for nvidia.com/gpu in \
                             flavor h100, 8 more needed";
        let no_quota = || said("QuotaReserved", Status::False, "WaitingForQuota", SHORT);
        let repeated = || said("Admitted", Status::False, "NoReservation", "The workload has no reservation");
        let quota = || said("QuotaReserved", Status::True, "QuotaReserved", "Quota reserved in ClusterQueue gpu");
        let unchecked = || said("Admitted", Status::False, "UnsatisfiedAdmissionChecks", "checks are pending");
        let evicted = || said("Evicted", Status::True, "Preempted", "Preempted to accommodate a workload");
        let silent = || said("QuotaReserved", Status::False, "", "");
        let unknown = || said("QuotaReserved", Status::Unknown, "Odd", "odd");
        let own = "JobSuspended";
        for (why, conditions, reason, message) in [
            ("nothing is said yet", vec![], own, None),
            ("there is no quota", vec![no_quota()], "WaitingForQuota", Some(SHORT)),
            ("quota comes first", vec![repeated(), no_quota()], "WaitingForQuota", Some(SHORT)),
            ("checks come after", vec![quota(), unchecked()], "UnsatisfiedAdmissionChecks", Some("checks are pending")),
            ("it was evicted", vec![evicted(), no_quota()], "WaitingForQuota", Some(SHORT)),
            ("only that is said", vec![repeated()], "NoReservation", Some("The workload has no reservation")),
            ("no words", vec![silent()], own, None),
            ("a status that is not known", vec![unknown()], own, None),
            ("it is about to be resumed", vec![quota(), met(&["Admitted"])[0].clone()], own, None),
        ] {
            let mut row = JobRow {
                suspended: true,
                conditions: vec![condition("Suspended", Status::True, own)],
                ..job("ml", "train")
            };
            let mut held = WorkloadRow { conditions, ..workload("job-train", &row) };
            let told = |row: &JobRow, held: &WorkloadRow| {
                let state = state(row, Some(held));
                (state.status, state.reason.map(|it| it.to_string()), state.message.map(|it| it.to_string()))
            };
            let words = (Some(reason.to_owned()), message.map(str::to_owned));
            assert_eq!(told(&row, &held), (JobStatus::Queued, words.0.clone(), words.1.clone()), "{why}");
            held.is_active = false;
            row.labels = labels(&[("kueue.x-k8s.io/queue-name", "research")]);
            assert_eq!(told(&row, &held), (JobStatus::Suspended, words.0, words.1), "{why}, and it is inactive");
            held.conditions.push(condition("Finished", Status::True, "OutOfSync"));
            assert_eq!(told(&row, &held), (JobStatus::Queued, Some(own.to_owned()), None), "{why}, and it is finished");
            row.suspended = false;
            held.conditions.pop();
            assert_eq!(told(&row, &held), (JobStatus::Pending, None, None), "{why}, and it is not suspended");
        }
    }

    #[test]
    fn the_queue_of_the_workload_outranks_the_label_of_the_job() {
        let mut row = job("ml", "train");
        let mut held = workload("job-train", &row);
        assert_eq!(queue(&row, Some(&held)), None);
        row.labels = labels(&[("kueue.x-k8s.io/queue-name", "research")]);
        assert_eq!(queue(&row, Some(&held)), Some(&sym("research")));
        held.queue = Some(sym("default"));
        assert_eq!(queue(&row, Some(&held)), Some(&sym("default")));
    }

    #[test]
    fn a_work_queue_job_has_no_wanted_number_of_completions() {
        let mut row = job("ml", "train");
        row.succeeded = 2;
        row.completions = None;
        assert_eq!(progress(&row), Progress { done: 2, wanted: None });
    }
}
