//! Jobs and CronJobs.

use std::sync::Arc;

use super::table::rows;
use super::{Condition, Labels, Meta, Owner, Resources, Stamps, Sym};
use crate::units::Time;

/// What a Job makes of a pod that is evicted: the action of the first rule of its podFailurePolicy that is about condition
/// `DisruptionTarget`. A rule about exit codes that stands before it may decide otherwise (kubernetes
/// pkg/controller/job/pod_failure_policy.go).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DisruptedPods {
    /// It counts as a failure against the backoffLimit, as it does without such a rule.
    #[default]
    Counted,
    /// It does not count.
    Ignored,
    /// The Job fails as a whole.
    FailJob,
    /// The index of the pod fails.
    FailIndex,
}

/// One batch/v1 Job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobRow {
    /// Key, uid and times, from `metadata`.
    pub meta: Meta,
    /// `metadata.labels`.
    pub labels: Labels,
    /// The controller (a CronJob, a JobSet), else the first owner.
    pub owner: Option<Arc<Owner>>,
    /// `spec.suspend`.
    pub suspended: bool,
    /// `spec.parallelism`; 1 where absent.
    pub parallelism: i64,
    /// `spec.completions`.
    pub completions: Option<i64>,
    /// `spec.backoffLimit`; 6 where absent.
    pub backoff_limit: i64,
    /// What `spec.podFailurePolicy` says of pods that are disrupted.
    pub disrupted_pods: DisruptedPods,
    /// `spec.activeDeadlineSeconds`.
    pub active_deadline_seconds: Option<i64>,
    /// Effective requests of one pod of the template.
    pub requests: Resources,
    /// `status.active`.
    pub active: i64,
    /// `status.ready`.
    pub ready: i64,
    /// `status.succeeded`.
    pub succeeded: i64,
    /// `status.failed`.
    pub failed: i64,
    /// `status.startTime`; reset on every resume.
    pub started: Option<Time>,
    /// `status.completionTime`; only of a successful Job.
    pub completed: Option<Time>,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
    /// Annotation `karpenter.sh/do-not-disrupt` on the Job itself, which nothing reads.
    pub do_not_disrupt: Option<Sym>,
    /// The same annotation in the pod template, which every pod of the Job inherits.
    pub template_do_not_disrupt: Option<Sym>,
    /// Annotations that hold a time, Kubernetes' own aside.
    pub stamps: Stamps,
}

rows!(JobRow);

/// One batch/v1 CronJob.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CronJobRow {
    /// Key, uid and times, from `metadata`.
    pub meta: Meta,
    /// `spec.schedule`.
    pub schedule: Sym,
    /// `spec.timeZone`.
    pub time_zone: Option<Sym>,
    /// `spec.suspend`.
    pub suspended: bool,
    /// Number of Jobs in `status.active`.
    pub active: i64,
    /// `status.lastScheduleTime`.
    pub last_schedule: Option<Time>,
    /// `status.lastSuccessfulTime`.
    pub last_success: Option<Time>,
}

rows!(CronJobRow);
