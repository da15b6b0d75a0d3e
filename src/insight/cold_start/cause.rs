//! What an open step waits for, in the words of who knows.

use super::capacity::{LaunchFailure, LaunchFailureReason, Machine, newest_failure, unmet};
use super::first_run::FirstRun;
use super::{Phase, PhaseName};
use crate::fleet::{Key, Kind, NodeClaimRow, PodRow, PodStart, PullFailure, Sym, TroubleKind};
use crate::units::{Second, Time};

/// What a start waits for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cause {
    /// The kind of it.
    pub reason: CauseReason,
    /// The words of who knows.
    pub message: Sym,
    /// The object that is waited for.
    pub object: Key,
    /// Since when, where that is known.
    pub since: Option<Time>,
}

/// What kind of thing a start waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CauseReason {
    /// The cloud has none of the machines that would do.
    InsufficientCapacity,
    /// The NodeClass is not ready.
    NodeClassNotReady,
    /// A resource that was requested is not advertised: the device plugin, or a DRA driver, is late.
    ResourceNotRegistered,
    /// Startup taints are still there.
    StartupTaintsExist,
    /// The Node is not ready.
    NodeNotReady,
    /// The machine has not joined as a Node.
    NodeNotFound,
    /// No Node takes the pod.
    Unschedulable,
    /// An image is pulled.
    ImagePull,
    /// An image cannot be pulled.
    ImagePullFailed,
    /// An init container is at work, or fails.
    InitContainer,
    /// A volume is not mounted.
    Volume,
    /// There is no network.
    Network,
    /// None of these.
    Unknown,
}

impl CauseReason {
    /// Of the reason of a NodeClaim's condition that is not met (karpenter pkg/controllers/nodeclaim/lifecycle).
    fn of_condition(reason: &str) -> Self {
        match reason {
            "ResourceNotRegistered" | "DRADriverPoolsNotPublished" => Self::ResourceNotRegistered,
            "StartupTaintsExist" => Self::StartupTaintsExist,
            "NodeNotReady" | "KnownEphemeralTaintsExist" => Self::NodeNotReady,
            "NodeNotFound" => Self::NodeNotFound,
            _ if reason.starts_with("InsufficientCapacity") => Self::InsufficientCapacity,
            _ if reason.starts_with("NodeClass") => Self::NodeClassNotReady,
            _ => Self::Unknown,
        }
    }
}

/// What the open step of a pod waits for; `None` where nobody says.
pub(super) fn of(
    pod: &PodRow,
    start: &PodStart,
    runs: &[FirstRun<'_>],
    machine: Machine<'_>,
    open: &Phase,
    failures: &[LaunchFailure],
) -> Option<Cause> {
    let claim = |condition| machine.claim.and_then(|claim| of_claim(claim, condition, open));
    match open.name {
        PhaseName::WaitingForCapacity => of_capacity(pod, start, failures),
        PhaseName::Launch => claim("Launched"),
        PhaseName::Boot | PhaseName::Register => claim("Registered"),
        PhaseName::Initialize => claim("Initialized"),
        PhaseName::Schedule => unschedulable(pod, start),
        PhaseName::Sandbox => trouble(pod, start),
        PhaseName::Pull => of_pull(pod, runs),
        PhaseName::Init => of_init(pod, runs),
        PhaseName::Start | PhaseName::Ready => of_containers(pod, start),
        PhaseName::Queued | PhaseName::Suspended | PhaseName::Gated => None,
    }
}

fn of_pod(pod: &PodRow, reason: CauseReason, message: Sym, since: Option<Time>) -> Cause {
    let object = Key::new(Kind::Pod, pod.meta.key.clone());
    Cause { reason, message, object, since }
}

fn of_capacity(pod: &PodRow, start: &PodStart, failures: &[LaunchFailure]) -> Option<Cause> {
    let failed =
        newest_failure(pod, failures).filter(|failed| failed.reason == LaunchFailureReason::InsufficientCapacity);
    if let Some(failed) = failed {
        let object = Key::new(Kind::NodeClaim, crate::fleet::ObjectKey::cluster(&failed.claim));
        let since = failures.first().map(|first| first.at);
        return Some(Cause {
            reason: CauseReason::InsufficientCapacity,
            message: failed.message.clone(),
            object,
            since,
        });
    }
    // Capacity that is on its way is the newer answer.
    let promised = start.nominations.last().map(|newest| newest.at).max(start.scaled_up);
    let told = start.no_capacity.as_deref().filter(|told| promised.is_none_or(|promised| promised <= told.at));
    if let Some(told) = told {
        return Some(of_pod(pod, CauseReason::Unschedulable, told.message.clone(), Some(told.since.time())));
    }
    unschedulable(pod, start)
}

fn unschedulable(pod: &PodRow, start: &PodStart) -> Option<Cause> {
    let message = Some(&pod.unschedulable).filter(|message| !message.is_empty())?;
    Some(of_pod(pod, CauseReason::Unschedulable, message.clone(), start.unscheduled.map(Second::time)))
}

fn of_claim(claim: &NodeClaimRow, condition: &str, open: &Phase) -> Option<Cause> {
    let condition = unmet(claim, condition)?;
    let message = if condition.message.is_empty() { &condition.reason } else { &condition.message };
    Some(Cause {
        reason: CauseReason::of_condition(&condition.reason),
        message: message.clone(),
        object: Key::new(Kind::NodeClaim, claim.meta.key.clone()),
        since: Some(open.start()),
    })
}

fn trouble(pod: &PodRow, start: &PodStart) -> Option<Cause> {
    let trouble = start.trouble.as_ref()?;
    let reason = match trouble.kind {
        TroubleKind::Volume => CauseReason::Volume,
        TroubleKind::Network => CauseReason::Network,
    };
    Some(of_pod(pod, reason, trouble.event.message.clone(), Some(trouble.event.since.time())))
}

/// A pull that failed says more than one that goes on.
fn of_pull(pod: &PodRow, runs: &[FirstRun<'_>]) -> Option<Cause> {
    let is_open = |run: &&FirstRun<'_>| !run.is_image_there() && run.earliest_start().is_none();
    let open = || runs.iter().filter(is_open);
    let failing = |run: &&FirstRun<'_>| run.failures().next().is_some() || run.is_waiting_for_image();
    if let Some(run) = open().find(failing) {
        let since = run.failures().map(|failure| failure.since.time()).min().or(run.pulling);
        let told = run.failures().last().map(|failure: &PullFailure| failure.error.clone());
        let waiting = || run.container.waiting.as_ref().map(|waiting| words(&waiting.reason, &waiting.message));
        return Some(of_pod(pod, CauseReason::ImagePullFailed, told.or_else(waiting)?, since));
    }
    let run = open().find(|run| run.pulling.is_some())?;
    let message = Sym::new(&format!("Pulling image \"{}\"", run.container.image));
    Some(of_pod(pod, CauseReason::ImagePull, message, run.pulling))
}

fn of_init(pod: &PodRow, runs: &[FirstRun<'_>]) -> Option<Cause> {
    let is_at_work = |run: &&FirstRun<'_>| {
        let has_run = run.earliest_start().is_some() || run.container.is_restarted();
        run.is_init() && run.container.finished.is_none() && has_run
    };
    let run = runs.iter().find(is_at_work)?;
    let message = match &run.container.waiting {
        Some(waiting) => words(&waiting.reason, &waiting.message),
        None => Sym::new(&format!("init container \"{}\" runs", run.container.name)),
    };
    Some(of_pod(pod, CauseReason::InitContainer, message, run.started))
}

fn of_containers(pod: &PodRow, start: &PodStart) -> Option<Cause> {
    let waiting = start.containers.iter().find_map(|container| container.waiting.as_ref())?;
    Some(of_pod(pod, CauseReason::Unknown, words(&waiting.reason, &waiting.message), None))
}

fn words(reason: &Sym, message: &Sym) -> Sym {
    if message.is_empty() { reason.clone() } else { message.clone() }
}
