//! The state of a row in one word, and how soon it needs a look.

use super::App;
use super::rows::RowRef;
use crate::fleet::{EventType, JobRow, NodeClaimRow, NodeRow, PodPhase, PodRow};
use crate::insight::batch::{self, JobState, JobStatus};
use crate::insight::disruption::protection::{self, NodeAnnotation};
use crate::insight::disruption::{Outlook, ProtectionState, Standing};
use crate::insight::insights::VerdictSummary;
use crate::insight::phase::{ClaimPhase, NodePhase};
use crate::insight::picture::{GpuState, NodeProtection, is_contrary};

/// How long a failed Job stays at the top.
const RECENT_SECONDS: i64 = 24 * 3600;

/// The state of a row in the word that filters and orders use.
pub fn word<'a>(row: RowRef<'a>, app: &App) -> &'a str {
    match row {
        RowRef::Node(node) => node_phase(node, app).name(),
        RowRef::Claim(claim) => claim_phase(claim, app).name(),
        RowRef::Pool(pool) if pool.is_ready() => "Ready",
        RowRef::Pool(_) => "NotReady",
        RowRef::Pod(pod) => &pod.status,
        RowRef::Job(job) => job_state(job, app).status.name(),
        RowRef::Event(event) => match event.kind {
            EventType::Normal => "Normal",
            EventType::Warning => "Warning",
        },
    }
}

/// The step of a pod's start that goes on, or `over` once there is none; `None` where its start is not known.
pub fn start(pod: &PodRow, app: &App) -> Option<&'static str> {
    let start = app.insights.starts.of_pod(&pod.meta.key)?;
    Some(start.open_phase().map_or(OVER, |open| open.name.name()))
}

/// The word for a start that is over.
const OVER: &str = "over";

/// The phase of a Node, as the picture has it.
pub fn node_phase(node: &NodeRow, app: &App) -> NodePhase {
    let pictured = app.insights.picture.node(&node.meta.key.name).map(|node| node.phase);
    pictured.unwrap_or_else(|| NodePhase::of(node, app.fleet.claim_of(node)))
}

/// The phase of a NodeClaim, as the picture has it.
pub fn claim_phase(claim: &NodeClaimRow, app: &App) -> ClaimPhase {
    app.insights.picture.claim(claim).map_or_else(|| ClaimPhase::of(claim), |claim| claim.phase)
}

/// The state of a Job, as the picture has it.
pub fn job_state(job: &JobRow, app: &App) -> JobState {
    let pictured = app.insights.picture.job(job).map(|job| job.state.clone());
    pictured.unwrap_or_else(|| batch::state(job, app.fleet.workload_of(job)))
}

/// What needs a look first has the smallest number.
pub fn attention(row: RowRef<'_>, app: &App) -> i64 {
    match row {
        RowRef::Pod(pod) => pod_attention(pod),
        RowRef::Job(job) => job_attention(job, app),
        RowRef::Event(event) => -event.at.micros(),
        RowRef::Node(node) => node_attention(node, app),
        RowRef::Claim(claim) => claim_attention(claim_phase(claim, app)),
        RowRef::Pool(pool) => i64::from(pool.is_ready()),
    }
}

/// How near the end of what is held has to be to come before everything else.
const SOON_SECONDS: i64 = 24 * 3600;

/// How long a deletion takes before it looks stuck.
const STUCK_SECONDS: i64 = 600;

/// What is about to be lost, what is stuck, what is on its way out or in, where Karpenter and the accelerators disagree, what
/// is held, what may be taken, the rest. What
/// comes and goes by the minute, such as a node's quiet time, moves no row.
fn node_attention(node: &NodeRow, app: &App) -> i64 {
    let phase = node_phase(node, app);
    let judged = app.insights.verdicts.summary(node);
    let ends_soon = |judged: &VerdictSummary| judged.ends_at.is_none_or(|at| at.seconds_since(app.now) < SOON_SECONDS);
    match (phase, judged.map(|judged| judged.standing)) {
        (NodePhase::NotReady, _) | (_, Some(Standing::Interrupted)) => 0,
        (_, Some(Standing::WillNotHold)) if judged.is_some_and(ends_soon) => 0,
        (NodePhase::Terminating, _) if is_stuck(node, app) => 0,
        (NodePhase::Terminating, _) => 1,
        (NodePhase::Disrupting, _) => 2,
        (NodePhase::Starting, _) => 3,
        (NodePhase::Running, _) if disagrees(RowRef::Node(node), app) == Some(true) => 4,
        (NodePhase::Running, Some(Standing::Held | Standing::Protected | Standing::WillNotHold)) => 5,
        (NodePhase::Running, Some(Standing::Candidate)) => 6,
        (NodePhase::Running, _) => 7,
    }
}

fn is_stuck(node: &NodeRow, app: &App) -> bool {
    let claim = app.fleet.claim_of(node).and_then(|claim| claim.meta.deleting_since());
    let since = node.meta.deleting_since().into_iter().chain(claim).min();
    since.is_some_and(|since| app.now.seconds_since(since) > STUCK_SECONDS)
}

/// What orders and filters know of the verdict of a row.
pub fn judged<'a>(row: RowRef<'_>, app: &'a App) -> Option<&'a VerdictSummary> {
    match row {
        RowRef::Node(node) => app.insights.verdicts.summary(node),
        _ => None,
    }
}

/// Whether a Node is protected and held; `None` for other rows.
pub fn protection(row: RowRef<'_>, app: &App) -> Option<NodeProtection> {
    judged(row, app).map(|summary| summary.protection)
}

/// What the accelerators of a Node do; `None` where it has none, and for other rows.
pub fn gpu_state<'a>(row: RowRef<'_>, app: &'a App) -> Option<&'a GpuState> {
    match row {
        RowRef::Node(node) => app.insights.gpus.of_node(&node.meta.key.name),
        _ => None,
    }
}

/// Whether Karpenter's verdict on a Node and its accelerators tell different stories; `None` while that is not known.
pub fn disagrees(row: RowRef<'_>, app: &App) -> Option<bool> {
    let (judged, state) = (judged(row, app)?, gpu_state(row, app)?);
    is_contrary(judged.verdict, judged.may_be_taken, judged.protection.is_held, state.activity.class)
}

const fn claim_attention(phase: ClaimPhase) -> i64 {
    match phase {
        ClaimPhase::Terminating => 1,
        ClaimPhase::Launching | ClaimPhase::Registering | ClaimPhase::Initializing => 3,
        ClaimPhase::Ready => 7,
    }
}

fn job_attention(job: &JobRow, app: &App) -> i64 {
    let state = job_state(job, app);
    let is_recent = state.finished.is_none_or(|at| app.now.seconds_since(at) < RECENT_SECONDS);
    match state.status {
        JobStatus::Failed if is_recent => 0,
        JobStatus::Pending => 1,
        JobStatus::Running => 2,
        JobStatus::Queued => 3,
        JobStatus::Suspended => 4,
        JobStatus::Failed => 5,
        JobStatus::Complete => 6,
    }
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

/// Whether a pod is protected now.
pub fn is_protected(pod: &PodRow, app: &App) -> bool {
    protection::is_protected(pod, app.now, &app.insights.karpenter)
}

/// Whether a Node itself is protected.
pub fn is_protected_node(node: &NodeRow) -> bool {
    protection::of_node(node) == NodeAnnotation::Protects
}

/// All that [`shield_word`] can say.
pub const SHIELD_WORDS: [&str; 9] =
    ["dies", "will not hold", "not known", "holds", "until", "from its start", "ended", "ignored: invalid", "over"];

/// How far the protection of a pod goes, in the word that its row begins with; `None` where it carries no annotation.
pub const fn shield_word(outlook: &Outlook) -> Option<&'static str> {
    use ProtectionState::{Elapsed, Ineffective, Invalid, Permanent, Until};
    Some(match (outlook.protection.state, outlook.holds) {
        (ProtectionState::None, _) => return None,
        (Permanent | Until, Some(false)) if outlook.fails_at.is_some() => "dies",
        (Permanent | Until, Some(false)) => "will not hold",
        (Permanent | Until, None) => "not known",
        (Permanent, Some(true)) => "holds",
        (Until, Some(true)) if outlook.protection.until.is_some() => "until",
        (Until, Some(true)) => "from its start",
        (Elapsed, _) => "ended",
        (Invalid, _) => "ignored: invalid",
        (Ineffective, _) => "over",
    })
}
