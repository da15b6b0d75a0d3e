//! `nodes[].disruption`, and what else the disruption room says.

use schemars::JsonSchema;
use serde::Serialize;

use super::object::Object;
use super::value::{Stamp, Text, text};
use super::words::{BlockerKind, DisruptionReason, Evidence, HazardKind, Verdict};
use crate::app::App;
use crate::fleet::ObjectKey;
use crate::insight::disruption::{self, NodeInputs, Reason, hazards, words};
use crate::insight::insights::DriftPlaces;

/// May Karpenter take a Node, what holds it, and what ends it all the same.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Disruption {
    /// The headline answer to "may Karpenter take this node?".
    pub verdict: Verdict,
    /// The headline as a sentence.
    pub headline: String,
    /// The answer for each reason.
    pub may: May,
    /// What the Node is, whatever stops Karpenter.
    pub facts: Facts,
    /// Before when Karpenter does not take it, as long as nothing but the time changes.
    pub not_before: NotBefore,
    /// Where it stands among the drifted nodes that Karpenter tries; null where it may not be taken as drifted now, and where that
    /// is not known of another node.
    pub drift_place: Option<DriftPlace>,
    /// What stops Karpenter, in the order in which it asks.
    pub blockers: Vec<Blocker>,
    /// What ends the Node or its protected pods in spite of protection.
    pub hazards: Vec<Hazard>,
    /// Since when Karpenter would have taken it but for annotations and PodDisruptionBudgets; null where it is not held.
    pub held_since: Option<Stamp>,
}

/// Whether Karpenter may take a Node: true where every gate that can be known is open, null where an app is missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct May {
    /// Because it is empty.
    pub empty: Option<bool>,
    /// Because it has drifted.
    pub drifted: Option<bool>,
    /// Because its pods may fit elsewhere.
    pub underutilized: Option<bool>,
}

/// What a Node is. Whether Karpenter may take it for that is `may`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// Whether it is empty as its Karpenter counts it; null where that is not known.
    pub empty: Option<bool>,
    /// Why it is drifted; null where it is not, or its NodeClaim is not known.
    pub drifted: Option<Drifted>,
    /// Since when it has been quiet for consolidateAfter; null where it has not.
    pub consolidatable_since: Option<Stamp>,
}

/// Why a Node is drifted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drifted {
    /// Karpenter's word for it.
    pub reason: Text,
    /// Since when.
    pub since: Option<Stamp>,
}

/// For each reason the latest end of what stops it; null where nothing does any more, where it does not apply, and where something
/// that stops it has no known end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct NotBefore {
    /// As empty, with the time for which Karpenter watches whether the Node stays empty. Where nothing stops it, the time for which
    /// it watches a Node that has been quiet for consolidateAfter only now.
    pub empty: Option<Stamp>,
    /// As drifted.
    pub drifted: Option<Stamp>,
    /// As underutilized.
    pub underutilized: Option<Stamp>,
}

/// Where a Node stands among the drifted nodes that Karpenter tries one after another until it can take one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftPlace {
    /// Counted from one; nodes that Karpenter tries in no order that is known share a place.
    pub place: usize,
    /// How many drifted nodes it tries.
    pub of: usize,
}

/// One thing that stops Karpenter.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Blocker {
    /// The kind of thing that stops Karpenter.
    pub kind: BlockerKind,
    /// The reasons that it stops; none where a proof rules out a deletion and leaves open a replacement by a cheaper node.
    pub reasons: Vec<DisruptionReason>,
    /// The object to look at.
    pub object: Option<Object>,
    /// When it ends by itself.
    pub until: Option<Stamp>,
    /// One sentence, Karpenter's own where there is one.
    pub message: String,
    /// Whether it follows from objects, from an Event, or from both.
    pub evidence: Evidence,
    /// Whether it only warns and does not change `may`.
    pub advisory: bool,
}

/// What ends a Node or its pods in spite of protection.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hazard {
    /// The kind of thing that ends the node or the pod.
    pub kind: HazardKind,
    /// When it begins.
    pub at: Option<Stamp>,
    /// The explanation in one sentence.
    pub message: String,
    /// The protected pods that it reaches.
    pub pods: Vec<ReachedPod>,
}

/// A protected pod that a hazard reaches.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReachedPod {
    /// Namespace of the pod.
    pub namespace: Text,
    /// Name of the pod.
    pub name: Text,
    /// When it is deleted by force; null for an unknown time, and where the Node waits for it for ever.
    pub killed_at: Option<Stamp>,
}

/// Of a Node, by the verdict that was `found` of it.
pub(super) fn of(app: &App, case: &NodeInputs<'_>, found: &disruption::Disruption, places: &DriftPlaces) -> Disruption {
    let place = places.get(&case.node.meta.key.name).filter(|_| found.may.get(Reason::Drifted) == Some(true));
    Disruption {
        verdict: found.verdict.into(),
        headline: words::headline(found).machine_text(),
        may: May {
            empty: found.may.get(Reason::Empty),
            drifted: found.may.get(Reason::Drifted),
            underutilized: found.may.get(Reason::Underutilized),
        },
        facts: facts(disruption::Facts::of(case)),
        not_before: not_before(disruption::NotBefore::of(case, found)),
        drift_place: place.map(|at| DriftPlace { place: at.place, of: at.of }),
        blockers: found.blockers.iter().map(blocker).collect(),
        hazards: hazards::of_node(case, found).iter().map(hazard).collect(),
        held_since: app.insights.held.since(case, found).map(Stamp),
    }
}

fn facts(found: disruption::Facts) -> Facts {
    let drifted = |drift: disruption::Drift| Drifted { reason: text(&drift.reason), since: drift.since.map(Stamp) };
    Facts {
        empty: found.empty,
        drifted: found.drifted.map(drifted),
        consolidatable_since: found.consolidatable_since.map(Stamp),
    }
}

fn not_before(found: disruption::NotBefore) -> NotBefore {
    let disruption::NotBefore { empty, drifted, underutilized } = found;
    NotBefore { empty: empty.map(Stamp), drifted: drifted.map(Stamp), underutilized: underutilized.map(Stamp) }
}

fn blocker(found: &disruption::Blocker) -> Blocker {
    Blocker {
        kind: found.kind.into(),
        reasons: found.reasons.iter().map(Into::into).collect(),
        object: found.object.as_ref().map(Object::of),
        until: found.until.map(Stamp),
        message: found.message.machine_text(),
        evidence: found.evidence.into(),
        advisory: found.kind.is_advisory(),
    }
}

fn hazard(found: &hazards::Hazard) -> Hazard {
    Hazard {
        kind: found.kind.into(),
        at: found.at.map(Stamp),
        message: found.message.machine_text(),
        pods: found.pods.iter().map(|one| reached(&one.pod, one.killed_at.map(Stamp))).collect(),
    }
}

fn reached(pod: &ObjectKey, killed_at: Option<Stamp>) -> ReachedPod {
    ReachedPod { namespace: text(&pod.namespace), name: text(&pod.name), killed_at }
}
