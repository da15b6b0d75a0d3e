//! The answer: may Karpenter take this node?

use super::balance;
use super::blocker::{Blocker, BlockerKind};
use super::evidence;
use super::gates::{Gate, GateResult};
use super::node_inputs::NodeInputs;
use super::reason::{May, Reason, Reasons};
use crate::fleet::EventRow;
use crate::units::Time;

/// The headline answer to "may Karpenter take this node?".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "each is the word for what its row of the decision table says")]
pub enum Verdict {
    NotManaged,
    Unknown,
    Terminating,
    BeingDisrupted,
    SpotInterrupted,
    NotInitialized,
    ProtectedByNode,
    NodePoolMissing,
    ProtectedByPod,
    BlockedByPdb,
    BlockedByBudget,
    Static,
    ConsolidationDisabled,
    ConsolidateAfterPending,
    BlockedByPolicy,
    MissingLabels,
    LoopPaused,
    Unconsolidatable,
    EmptyCandidate,
    DriftCandidate,
    ConsolidationCandidate,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 21] = [
        Self::NotManaged,
        Self::Unknown,
        Self::Terminating,
        Self::BeingDisrupted,
        Self::SpotInterrupted,
        Self::NotInitialized,
        Self::ProtectedByNode,
        Self::NodePoolMissing,
        Self::ProtectedByPod,
        Self::BlockedByPdb,
        Self::BlockedByBudget,
        Self::Static,
        Self::ConsolidationDisabled,
        Self::ConsolidateAfterPending,
        Self::BlockedByPolicy,
        Self::MissingLabels,
        Self::LoopPaused,
        Self::Unconsolidatable,
        Self::EmptyCandidate,
        Self::DriftCandidate,
        Self::ConsolidationCandidate,
    ];

    /// As the JSON writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotManaged => "NotManaged",
            Self::Unknown => "Unknown",
            Self::Terminating => "Terminating",
            Self::BeingDisrupted => "BeingDisrupted",
            Self::SpotInterrupted => "SpotInterrupted",
            Self::NotInitialized => "NotInitialized",
            Self::ProtectedByNode => "ProtectedByNode",
            Self::NodePoolMissing => "NodePoolMissing",
            Self::ProtectedByPod => "ProtectedByPod",
            Self::BlockedByPdb => "BlockedByPdb",
            Self::BlockedByBudget => "BlockedByBudget",
            Self::Static => "Static",
            Self::ConsolidationDisabled => "ConsolidationDisabled",
            Self::ConsolidateAfterPending => "ConsolidateAfterPending",
            Self::BlockedByPolicy => "BlockedByPolicy",
            Self::MissingLabels => "MissingLabels",
            Self::LoopPaused => "LoopPaused",
            Self::Unconsolidatable => "Unconsolidatable",
            Self::EmptyCandidate => "EmptyCandidate",
            Self::DriftCandidate => "DriftCandidate",
            Self::ConsolidationCandidate => "ConsolidationCandidate",
        }
    }

    /// The headline of a node that may be taken for a reason.
    const fn candidate(reason: Reason) -> Self {
        match reason {
            Reason::Empty => Self::EmptyCandidate,
            Reason::Drifted => Self::DriftCandidate,
            Reason::Underutilized => Self::ConsolidationCandidate,
        }
    }

    /// Whether Karpenter may take the node.
    pub const fn is_candidate(self) -> bool {
        matches!(self, Self::EmptyCandidate | Self::DriftCandidate | Self::ConsolidationCandidate)
    }
}

/// Whether Karpenter may take one node, and what stops it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Disruption {
    /// The headline answer.
    pub verdict: Verdict,
    /// The answer for each reason.
    pub may: May,
    /// The reasons that the node's state gives: drifted, and empty or not empty.
    pub applies: Reasons,
    /// What stops Karpenter, in the order of the gates, the advisory ones last.
    pub blockers: Vec<Blocker>,
    /// What Karpenter said a moment ago and the objects do not show.
    pub disagreement: Option<String>,
    /// Whether rules that differ between versions of Karpenter were assumed to be the newest.
    pub assumed: bool,
}

/// How long an interruption is awaited: the notice is two minutes, and the NodeClaim is deleted at once.
const INTERRUPTION_SECONDS: i64 = 180;

/// The rows of the decision table: the first gate that stops one of the reasons gives the headline. Rows that pods stop are
/// left out where drift passes over them.
const ROWS: [(Gate, Reasons, Verdict); 18] = [
    (Gate::Managed, Reasons::ALL, Verdict::NotManaged),
    (Gate::Deletion, Reasons::ALL, Verdict::Terminating),
    (Gate::Queue, Reasons::ALL, Verdict::BeingDisrupted),
    (Gate::Initialized, Reasons::ALL, Verdict::NotInitialized),
    (Gate::NodeAnnotation, Reasons::ALL, Verdict::ProtectedByNode),
    (Gate::Pool, Reasons::ALL, Verdict::NodePoolMissing),
    (Gate::PodAnnotations, Reasons::ALL, Verdict::ProtectedByPod),
    (Gate::PodBudgets, Reasons::ALL, Verdict::BlockedByPdb),
    (Gate::Budgets, Reasons::only(Reason::Drifted), Verdict::BlockedByBudget),
    (Gate::Static, Reasons::ALL, Verdict::Static),
    (Gate::Consolidation, Reasons::ALL, Verdict::ConsolidationDisabled),
    (Gate::Quiet, Reasons::ALL, Verdict::ConsolidateAfterPending),
    (Gate::Budgets, Reasons::only(Reason::Empty), Verdict::BlockedByBudget),
    (Gate::Policy, Reasons::ALL, Verdict::BlockedByPolicy),
    (Gate::Labels, Reasons::ALL, Verdict::MissingLabels),
    (Gate::Budgets, Reasons::only(Reason::Underutilized), Verdict::BlockedByBudget),
    (Gate::Placement, Reasons::ALL, Verdict::NodePoolMissing),
    (Gate::Loop, Reasons::ALL, Verdict::LoopPaused),
];

/// What each gate says of a node, in Karpenter's order.
pub fn explain(case: &NodeInputs<'_>) -> [(Gate, GateResult); Gate::ALL.len()] {
    Gate::ALL.map(|gate| (gate, gate.rule(case)))
}

/// What a gate says, without the words.
struct Said {
    gate: Gate,
    stopped: Reasons,
    unknown: Reasons,
    /// Those of the unknown ones for which it is only not known whether a pause stops them yet.
    pausing: Reasons,
}

/// Asks every gate about a node.
pub fn judge(case: &NodeInputs<'_>) -> Disruption {
    let results = explain(case);
    let said = results.each_ref().map(|(gate, result)| Said {
        gate: *gate,
        stopped: result.stopped(),
        unknown: result.unknown(),
        pausing: pausing(result),
    });
    let may = may(case, &said);
    let doubts = undecided(&results);
    let mut blockers: Vec<Blocker> = results.into_iter().flat_map(|(_, result)| result.blockers).collect();
    blockers.extend(doubts);
    evidence::confirm(case, &mut blockers);
    let disagreement = evidence::disagreement(case, &blockers).map(|event| event.message.to_string());
    if case.claim.is_some() {
        blockers.extend(balance::blocker(case));
        blockers.extend(evidence::advisory(case));
    }
    Disruption {
        verdict: headline(case, may, &said, &blockers),
        may,
        applies: Reason::ALL.into_iter().filter(|reason| case.applies(*reason) == Some(true)).collect(),
        blockers,
        disagreement,
        assumed: case.karpenter.is_assumed(),
    }
}

/// For a reason that does not apply, or that a gate stops, no; for one that a gate cannot decide, not known.
fn may(case: &NodeInputs<'_>, said: &[Said]) -> May {
    let all = |of: fn(&Said) -> Reasons| said.iter().fold(Reasons::NONE, |all, one| all.or(of(one)));
    let applies = |wanted: bool| -> Reasons {
        Reason::ALL.into_iter().filter(|reason| case.applies(*reason) == Some(wanted)).collect()
    };
    let (stopped, unknown) = (all(|one| one.stopped), all(|one| one.unknown));
    May { yes: applies(true).without(stopped).without(unknown), no: applies(false).or(stopped) }
}

/// What is not decided: one blocker for each sentence, with all its reasons.
fn undecided(results: &[(Gate, GateResult)]) -> Vec<Blocker> {
    let mut all: Vec<Blocker> = Vec::new();
    for one in results.iter().flat_map(|(_, result)| &result.undecided) {
        match all.iter_mut().find(|known| known.message == one.blocker.message) {
            Some(known) => known.reasons = known.reasons.or(one.blocker.reasons),
            None => all.push(one.blocker.clone()),
        }
    }
    all
}

/// The reasons that a pause stops, unless a pass that began before it still acts.
fn pausing(result: &GateResult) -> Reasons {
    let pauses = result.undecided.iter().filter(|one| one.blocker.kind == BlockerKind::LoopPaused);
    pauses.fold(Reasons::NONE, |all, one| all.or(one.blocker.reasons))
}

fn headline(case: &NodeInputs<'_>, may: May, said: &[Said], blockers: &[Blocker]) -> Verdict {
    if let Some(reason) = first_open(case, may) {
        let nothing_found = |blocker: &Blocker| {
            blocker.kind == BlockerKind::Simulation && blocker.reasons.contains(Reason::Underutilized)
        };
        return match Verdict::candidate(reason) {
            Verdict::ConsolidationCandidate if blockers.iter().any(nothing_found) => Verdict::Unconsolidatable,
            candidate => candidate,
        };
    }
    // What stops one reason is no headline as long as another may be open.
    let pausing = said.iter().fold(Reasons::NONE, |all, one| all.or(one.pausing));
    let is_decided = |one: &Said| one.unknown.without(one.pausing).and(may.unknown()).is_empty();
    if !(may.unknown().without(pausing).is_empty() && said.iter().all(is_decided)) {
        return Verdict::Unknown;
    }
    if is_only_paused(case, said) {
        return Verdict::LoopPaused;
    }
    let pods_matter = !(case.drift_overrides_pods() && case.is_drifted());
    let of_pods = |gate: Gate| matches!(gate, Gate::PodAnnotations | Gate::PodBudgets);
    let mut rows = ROWS.iter().filter(|(gate, ..)| pods_matter || !of_pods(*gate));
    let found = rows.find(|row| is_stopped(**row, said)).map_or(Verdict::Unknown, |(.., verdict)| *verdict);
    match found {
        Verdict::NotManaged | Verdict::Terminating | Verdict::BeingDisrupted | Verdict::Unknown => found,
        _ if interruption(case).is_some() => Verdict::SpotInterrupted,
        _ => found,
    }
}

/// Whether Karpenter would take the node for some reason but for the pause.
fn is_only_paused(case: &NodeInputs<'_>, said: &[Said]) -> bool {
    let (paused, others): (Vec<&Said>, Vec<&Said>) = said.iter().partition(|one| one.gate == Gate::Loop);
    let all = |gates: &[&Said]| gates.iter().fold(Reasons::NONE, |all, one| all.or(one.stopped).or(one.pausing));
    let stopped_by_pause_alone = all(&paused).without(all(&others));
    stopped_by_pause_alone.iter().any(|reason| case.applies(reason) == Some(true))
}

/// Emptiness comes before drift since 1.5.
fn first_open(case: &NodeInputs<'_>, may: May) -> Option<Reason> {
    let order = if case.karpenter.emptiness_first() {
        Reason::ALL
    } else {
        [Reason::Drifted, Reason::Empty, Reason::Underutilized]
    };
    order.into_iter().find(|reason| may.yes.contains(*reason))
}

fn is_stopped((gate, reasons, _): (Gate, Reasons, Verdict), said: &[Said]) -> bool {
    said.iter().any(|one| one.gate == gate && !one.stopped.and(reasons).is_empty())
}

/// The notice that the cloud takes the instance, while it is to be expected.
pub fn interruption<'a>(case: &NodeInputs<'a>) -> Option<&'a EventRow> {
    let is_notice = |event: &&&EventRow| {
        matches!(
            event.reason.as_str(),
            "SpotInterrupted" | "SpotInterruption" | "CapacityReservationInstanceInterrupted"
        ) && evidence::is_fresh(event, case.now, INTERRUPTION_SECONDS - 1)
    };
    case.events.iter().find(is_notice).copied()
}

impl Disruption {
    /// The blockers that count.
    pub fn firm(&self) -> impl Iterator<Item = &Blocker> {
        self.blockers.iter().filter(|blocker| !blocker.kind.is_advisory())
    }

    /// The reasons for which nothing but protection stops Karpenter: annotations and PodDisruptionBudgets.
    pub fn held_for(&self) -> Reasons {
        let stops = |reason: Reason| self.firm().filter(move |blocker| blocker.reasons.contains(reason));
        let only_protection = |reason: &Reason| {
            stops(*reason).next().is_some() && stops(*reason).all(|blocker| blocker.kind.is_protection())
        };
        self.applies.iter().filter(only_protection).collect()
    }

    /// Whether an annotation or a PodDisruptionBudget stops Karpenter for at least one reason. A node that is on its way
    /// out, or not Karpenter's, is past that.
    pub fn is_protected(&self) -> bool {
        let is_past = matches!(self.verdict, Verdict::NotManaged | Verdict::Terminating | Verdict::BeingDisrupted);
        !is_past && self.firm().any(|blocker| blocker.kind.is_protection())
    }

    /// Whether nothing but annotations and PodDisruptionBudgets stops Karpenter: lift them, and it may take the node.
    /// Every held node is protected, not the other way round.
    pub fn is_held(&self) -> bool {
        self.may.yes.is_empty() && !self.held_for().is_empty()
    }

    /// The blocker that the headline speaks of: the first of the kind that it names.
    pub fn main_blocker(&self) -> Option<&Blocker> {
        let kinds: &[BlockerKind] = match self.verdict {
            Verdict::ProtectedByNode => &[BlockerKind::NodeAnnotation],
            Verdict::NodePoolMissing => &[BlockerKind::NodePoolMissing],
            Verdict::ProtectedByPod => &[BlockerKind::PodAnnotation],
            Verdict::BlockedByPdb => &[BlockerKind::Pdb, BlockerKind::MultiplePdbs],
            Verdict::BlockedByBudget => &[BlockerKind::Budget],
            Verdict::Static => &[BlockerKind::Static],
            Verdict::ConsolidationDisabled => &[BlockerKind::ConsolidationDisabled],
            Verdict::ConsolidateAfterPending => &[BlockerKind::ConsolidateAfter],
            Verdict::BlockedByPolicy => &[BlockerKind::Policy],
            Verdict::MissingLabels => &[BlockerKind::MissingLabels],
            Verdict::LoopPaused => &[BlockerKind::LoopPaused],
            Verdict::NotInitialized => &[BlockerKind::NotInitialized],
            Verdict::Unconsolidatable => &[BlockerKind::Simulation],
            Verdict::Unknown => &[BlockerKind::InputMissing],
            _ => &[],
        };
        self.blockers.iter().find(|blocker| kinds.contains(&blocker.kind))
    }

    /// Until when the headline holds at least, if nothing but the time changes; `None` where no end is known. Several
    /// things of the same kind end with the last.
    pub fn until(&self) -> Option<Time> {
        let kind = self.main_blocker()?.kind;
        let mut last = None;
        for blocker in self.blockers.iter().filter(|blocker| blocker.kind == kind) {
            last = last.max(Some(blocker.until?));
        }
        last
    }
}
