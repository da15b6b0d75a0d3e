//! The machine of a pod: which one it is, and how it came to be.

use super::{Evidence, PhaseName, newest_nomination};
use crate::fleet::{Condition, Fleet, NodeClaimRow, NodeRow, ObjectKey, PodRow, PodStart, Status, Sym};
use crate::units::Time;

/// The machine on which a pod runs, or will run as far as Karpenter has said.
#[derive(Clone, Copy, Default)]
pub(super) struct Machine<'a> {
    pub(super) node: Option<&'a NodeRow>,
    pub(super) claim: Option<&'a NodeClaimRow>,
}

/// The end of a step on a machine's way, where it has been reached.
pub(super) type Edge = (PhaseName, Option<Time>, Evidence);

impl<'a> Machine<'a> {
    /// Of a pod: its Node, else the newest capacity that Karpenter had in mind for it and that is still there.
    pub(super) fn of(fleet: &'a Fleet, pod: &PodRow) -> Self {
        if let Some(name) = &pod.node {
            let node = fleet.node(name);
            return Self { node, claim: node.and_then(|node| fleet.claim_of(node)) };
        }
        let nominations = pod.start.as_ref().map_or(&[][..], |start| &start.nominations);
        let found = nominations.iter().rev().find_map(|nomination| {
            let claim = nomination.claim.as_ref().and_then(|name| fleet.node_claims.get(&ObjectKey::cluster(name)));
            let claim = claim.filter(|claim| claim.meta.deletion.is_none());
            let named = || nomination.claim.is_none().then(|| fleet.node(nomination.node.as_ref()?)).flatten();
            let node = claim.map_or_else(named, |claim| fleet.node_of(claim));
            (claim.is_some() || node.is_some()).then_some(Self { node, claim })
        });
        found.unwrap_or_default()
    }

    /// Whether it is made for pods like this one: its Node was created after the pod, or will be.
    pub(super) fn is_new_for(&self, pod: &PodRow) -> bool {
        self.node.map_or(self.claim.is_some(), |node| node.meta.created > pod.meta.created)
    }

    /// The steps from the request for it to a Node that takes pods, each with its end where it has been reached.
    pub(super) fn edges(&self) -> Vec<Edge> {
        let booted = self.node.map(|node| node.meta.created);
        let Some(claim) = self.claim else {
            // Nobody tells what came before the Node.
            return vec![(PhaseName::WaitingForCapacity, booted, Evidence::Status)];
        };
        vec![
            (PhaseName::WaitingForCapacity, Some(claim.meta.created), Evidence::Status),
            (PhaseName::Launch, claim.true_since("Launched"), Evidence::Condition),
            (PhaseName::Boot, booted, Evidence::Status),
            (PhaseName::Register, claim.true_since("Registered"), Evidence::Condition),
            (PhaseName::Initialize, claim.true_since("Initialized"), Evidence::Condition),
        ]
    }

    /// Since when it is paid.
    pub(super) fn launched(&self) -> Option<Time> {
        let launched = self.claim.and_then(|claim| claim.true_since("Launched"));
        // One without NodeClaim had been launched before it registered, nobody tells when.
        launched.or_else(|| self.node.filter(|_| self.claim.is_none()).map(|node| node.meta.created))
    }

    pub(super) fn pool(&self) -> Option<&'a Sym> {
        self.node.and_then(NodeRow::node_pool).or_else(|| self.claim.and_then(NodeClaimRow::node_pool))
    }

    pub(super) fn instance_type(&self) -> Option<&'a Sym> {
        self.node.and_then(NodeRow::instance_type).or_else(|| self.claim.and_then(NodeClaimRow::instance_type))
    }

    pub(super) fn zone(&self) -> Option<&'a Sym> {
        self.node.and_then(NodeRow::zone).or_else(|| self.claim.and_then(NodeClaimRow::zone))
    }
}

/// A NodeClaim for a pod that did not become a machine.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LaunchFailure {
    /// When that was known.
    pub at: Time,
    /// Name of the NodeClaim.
    pub claim: Sym,
    /// Why, in one word.
    pub reason: LaunchFailureReason,
    /// The words of the cloud, empty where there are none.
    pub message: Sym,
}

/// Why a NodeClaim did not become a machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LaunchFailureReason {
    /// The cloud had none of the machines that would do.
    InsufficientCapacity,
    /// It was deleted before it was launched, and nobody said why.
    Deleted,
}

impl LaunchFailureReason {
    /// As the JSON writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InsufficientCapacity => "InsufficientCapacityError",
            Self::Deleted => "NodeClaimDeleted",
        }
    }
}

/// The NodeClaims that Karpenter had in mind for a pod and that failed, the oldest first.
pub(super) fn launch_failures(fleet: &Fleet, start: &PodStart) -> Vec<LaunchFailure> {
    let next = start.nominations.iter().skip(1).map(|next| next.at).map(Some).chain([None]);
    let failures = start.nominations.iter().zip(next).filter_map(|(nomination, next)| {
        let claim = nomination.claim.clone()?;
        let launch = fleet.launch(&claim);
        if let Some((at, message)) = launch.and_then(|launch| launch.insufficient.clone()) {
            let reason = LaunchFailureReason::InsufficientCapacity;
            return Some(LaunchFailure { at: at.time(), claim, reason, message });
        }
        let is_there = fleet.node_claims.get(&ObjectKey::cluster(&claim)).is_some();
        let has_failed = nomination.node.is_none() && fleet.was_launched(&claim) == Some(false);
        let at = next.unwrap_or(nomination.at).time();
        let failed = LaunchFailure { at, claim, reason: LaunchFailureReason::Deleted, message: Sym::new("") };
        (!is_there && has_failed).then_some(failed)
    });
    let mut failures: Vec<LaunchFailure> = failures.collect();
    failures.sort_unstable();
    failures
}

/// Whether the newest capacity for a pod failed, and nothing has taken its place.
pub(super) fn newest_failure<'a>(pod: &PodRow, failures: &'a [LaunchFailure]) -> Option<&'a LaunchFailure> {
    let newest = newest_nomination(pod)?.claim.as_ref()?;
    failures.iter().find(|failure| failure.claim == *newest)
}

/// A condition of a NodeClaim that is not `True`.
pub(super) fn unmet<'a>(claim: &'a NodeClaimRow, kind: &str) -> Option<&'a Condition> {
    Condition::find(&claim.conditions, kind).filter(|condition| condition.status != Status::True)
}
