//! The state of a row in one word, and how soon it needs a look.

use super::rows::RowRef;
use crate::fleet::{Condition, EventType, JobRow, NodeClaimRow, NodeRow, PodPhase, PodRow};
use crate::units::{Time, duration};

/// How long a failed Job stays at the top.
const RECENT_SECONDS: i64 = 24 * 3600;

/// The state of a row in the word that filters and orders use.
pub fn word(row: RowRef<'_>) -> &str {
    match row {
        RowRef::Node(node) => node_word(node),
        RowRef::Claim(claim) => claim_word(claim),
        RowRef::Pool(pool) if pool.is_ready() => "Ready",
        RowRef::Pool(_) => "NotReady",
        RowRef::Pod(pod) => &pod.status,
        RowRef::Job(job) => job_word(job),
        RowRef::Event(event) => match event.kind {
            EventType::Normal => "Normal",
            EventType::Warning => "Warning",
        },
    }
}

fn node_word(node: &NodeRow) -> &'static str {
    let starting = node.node_pool().is_some() && !node.is_initialized();
    match () {
        () if node.meta.deletion.is_some() => "Terminating",
        () if node.has_disrupted_taint() => "Disrupting",
        () if starting => "Starting",
        () if !node.is_ready() => "NotReady",
        () => "Running",
    }
}

fn claim_word(claim: &NodeClaimRow) -> &'static str {
    let is = |condition| Condition::is_true(&claim.conditions, condition);
    match () {
        () if claim.meta.deletion.is_some() => "Terminating",
        () if is("Initialized") => "Ready",
        () if is("Registered") => "Initializing",
        () if is("Launched") => "Registering",
        () => "Launching",
    }
}

fn job_word(job: &JobRow) -> &'static str {
    let is = |condition| Condition::is_true(&job.conditions, condition);
    match () {
        () if is("Complete") || is("SuccessCriteriaMet") => "Complete",
        () if is("Failed") || is("FailureTarget") => "Failed",
        () if job.suspended => "Suspended",
        () if job.ready > 0 => "Running",
        () => "Pending",
    }
}

/// What needs a look first has the smallest number.
pub fn attention(row: RowRef<'_>, now: Time) -> i64 {
    match row {
        RowRef::Pod(pod) => pod_attention(pod),
        RowRef::Job(job) => job_attention(job, now),
        RowRef::Event(event) => -event.at.micros(),
        RowRef::Node(_) | RowRef::Claim(_) | RowRef::Pool(_) => word_attention(word(row)),
    }
}

fn word_attention(word: &str) -> i64 {
    match word {
        "NotReady" => 0,
        "Terminating" => 1,
        "Disrupting" => 2,
        "Launching" | "Registering" | "Initializing" | "Starting" => 3,
        _ => 4,
    }
}

fn job_attention(job: &JobRow, now: Time) -> i64 {
    match job_word(job) {
        "Failed" if failed_recently(job, now) => 0,
        "Pending" => 1,
        "Running" => 2,
        "Suspended" => 3,
        "Failed" => 4,
        _ => 5,
    }
}

fn failed_recently(job: &JobRow, now: Time) -> bool {
    let failed_at = Condition::find(&job.conditions, "Failed").and_then(|condition| condition.last_transition);
    failed_at.is_none_or(|at| now.seconds_since(at) < RECENT_SECONDS)
}

/// Failing, leaving, pending, running, failed for good, done.
fn pod_attention(pod: &PodRow) -> i64 {
    match pod.phase {
        PodPhase::Succeeded => 5,
        PodPhase::Failed => 4,
        PodPhase::Unknown => 0,
        PodPhase::Pending | PodPhase::Running if is_failing(&pod.status) => 0,
        PodPhase::Pending | PodPhase::Running if pod.meta.deletion.is_some() => 1,
        PodPhase::Pending => 2,
        PodPhase::Running => 3,
    }
}

/// Reasons with which kubectl's STATUS column says that a container does not come up.
fn is_failing(status: &str) -> bool {
    ["BackOff", "Err", "Invalid", "OOMKilled", "CannotRun"].iter().any(|part| status.contains(part))
}

/// Whether Karpenter heeds this annotation on a pod now (karpenter pkg/utils/pod/scheduling.go, IsDoNotDisruptActive).
pub fn is_protected(pod: &PodRow, now: Time) -> bool {
    let Some(value) = pod.do_not_disrupt.as_ref().filter(|_| pod.is_active()) else { return false };
    value == "true" || duration_micros(value).is_some_and(|micros| is_within(pod, micros, now))
}

/// The clock of a duration starts with the pod.
fn is_within(pod: &PodRow, micros: i64, now: Time) -> bool {
    pod.started.is_none_or(|started| now < started.plus_micros(micros))
}

fn duration_micros(value: &str) -> Option<i64> {
    duration::parse_go(value).ok().filter(|nanos| *nanos > 0).map(|nanos| nanos / 1_000)
}

/// When the protection of a pod ends, where it has an end.
pub fn protected_until(pod: &PodRow) -> Option<Time> {
    let micros = duration_micros(pod.do_not_disrupt.as_ref()?)?;
    Some(pod.started?.plus_micros(micros))
}
