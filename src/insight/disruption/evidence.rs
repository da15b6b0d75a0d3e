//! Karpenter's own Events as evidence. They confirm or extend what was computed and never replace it: one message a node
//! goes out per window whatever else is true, much is decided in silence, and what an Event said may have changed since.

use super::blocker::{Blocker, BlockerKind, Evidence};
use super::node_inputs::NodeInputs;
use super::protection;
use super::reason::{Reason, Reasons};
use crate::fleet::{EventRow, Key, Kind, ObjectKey, PodRow};
use crate::insight::interruption::CLOCKS_DIFFER_SECONDS;
use crate::units::Time;

/// How long a `DisruptionBlocked` Event speaks of the present: while its cause lasts it is repeated after two minutes
/// (karpenter pkg/events/recorder.go), by a loop that comes round every ten seconds.
const BLOCKED_SECONDS: i64 = 150;

/// The same for `Unconsolidatable`, which is repeated after 15 minutes.
const UNCONSOLIDATABLE_SECONDS: i64 = 20 * 60;

/// The same for a node that is kept for a pending pod: the nomination lasts 20 s and is renewed while the pod waits.
const NOMINATED_SECONDS: i64 = 40;

/// An Event as young as this that names what the objects do not show is a disagreement, not merely out of date. An annotation
/// says itself whether it was in force when the Event was written.
const DISAGREEMENT_SECONDS: i64 = 15;

/// What an Event names as the thing that stops Karpenter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said<'a> {
    /// The kind of thing that the Event names.
    pub kind: BlockerKind,
    /// The objects it names as `namespace/name`.
    pub objects: Vec<&'a str>,
}

/// Sentences of `DisruptionBlocked`, in every version's wording, by what they contain.
const BLOCKED: [(&str, BlockerKind); 15] = [
    ("has \"karpenter.sh/do-not-disrupt\" annotation", BlockerKind::PodAnnotation),
    ("does not support multiple PDBs", BlockerKind::MultiplePdbs),
    ("prevents pod evictions", BlockerKind::Pdb),
    ("isruption is blocked through the \"karpenter.sh/do-not-disrupt\" annotation", BlockerKind::NodeAnnotation),
    ("isn't initialized", BlockerKind::NotInitialized),
    ("does not have an associated node", BlockerKind::NotInitialized),
    ("marked for deletion", BlockerKind::Deleting),
    ("nominated for a pending pod", BlockerKind::Nominated),
    ("label=karpenter.sh/nodepool)", BlockerKind::NodePoolMissing),
    ("required label \"karpenter.sh/nodepool\"", BlockerKind::NodePoolMissing),
    ("odePool not found", BlockerKind::NodePoolMissing),
    ("nstance Type \"", BlockerKind::MissingLabels),
    ("\" not found", BlockerKind::NodePoolMissing),
    ("contain both a node and a nodeclaim", BlockerKind::NotInitialized),
    ("Not all pods would schedule", BlockerKind::Simulation),
];

/// Sentences of `Unconsolidatable` that speak of how things are set up; all others are about its simulation.
const SET_UP: [(&str, BlockerKind); 5] = [
    ("has consolidation disabled", BlockerKind::ConsolidationDisabled),
    ("has consolidation policy WhenEmpty", BlockerKind::Policy),
    ("has non-empty consolidation disabled", BlockerKind::Policy),
    ("ode does not have label", BlockerKind::MissingLabels),
    ("nstance Type \"", BlockerKind::MissingLabels),
];

/// What an Event on a Node or NodeClaim says stops Karpenter.
pub fn said(event: &EventRow) -> Option<Said<'_>> {
    let message = event.message.as_str();
    let known = |sentences: &[(&str, BlockerKind)]| {
        sentences.iter().find(|(part, _)| message.contains(part)).map(|(_, kind)| *kind)
    };
    let kind = match event.reason.as_str() {
        "DisruptionBlocked" => known(&BLOCKED)?,
        "Unconsolidatable" => known(&SET_UP).unwrap_or(BlockerKind::Simulation),
        _ => return None,
    };
    Some(Said { kind, objects: objects(message) })
}

/// What stands as `(Pod=ns/name)`, `(PodDisruptionBudget=[ns/a ns/b])`, or, up to 1.4, as `Pod "ns/name"`.
fn objects(message: &str) -> Vec<&str> {
    let in_brackets = message.rsplit_once('(').and_then(|(_, rest)| rest.split_once('=')).map(|(_, names)| names);
    let in_quotes = || message.split_once('"').and_then(|(_, rest)| rest.split_once('"')).map(|(name, _)| name);
    let names = in_brackets.or_else(in_quotes).unwrap_or_default();
    let names = names.split([' ', ',']).map(|name| name.trim_matches(['[', ']', ')']));
    names.filter(|name| name.contains('/')).collect()
}

/// Whether an Event is at most so old; one from the future, beyond what clocks differ, is not believed.
pub fn is_fresh(event: &EventRow, now: Time, seconds: i64) -> bool {
    (-CLOCKS_DIFFER_SECONDS..=seconds).contains(&now.seconds_since(event.at))
}

fn window(event: &EventRow) -> i64 {
    if event.reason == "Unconsolidatable" { UNCONSOLIDATABLE_SECONDS } else { BLOCKED_SECONDS }
}

/// Marks the blockers that an Event of the present names as well.
pub fn confirm(case: &NodeInputs<'_>, blockers: &mut [Blocker]) {
    let fresh = case.events.iter().filter(|event| is_fresh(event, case.now, window(event)));
    for said in fresh.filter_map(|event| said(event)) {
        let same = |blocker: &&mut Blocker| blocker.kind == said.kind && names(&said, blocker);
        blockers.iter_mut().filter(same).for_each(|blocker| blocker.evidence = Evidence::Both);
    }
    let of_pool = case.pool.map_or(Reasons::NONE, |pool| pool.budget_events);
    let exhausted = blockers.iter_mut().filter(|blocker| blocker.kind == BlockerKind::Budget);
    exhausted.filter(|blocker| !blocker.reasons.and(of_pool).is_empty()).for_each(|blocker| {
        blocker.evidence = Evidence::Both;
    });
}

/// Whether an Event names the object of a blocker, or none at all. Of several PDBs the sentence names all.
fn names(said: &Said<'_>, blocker: &Blocker) -> bool {
    let Some(object) = &blocker.object else { return true };
    match said.kind {
        BlockerKind::PodAnnotation | BlockerKind::Pdb => {
            let name = object.object.to_string();
            said.objects.iter().any(|one| *one == name)
        }
        _ => true,
    }
}

/// What only Karpenter knows, as far as its Events tell: advisory, because they may be out of date.
pub fn advisory(case: &NodeInputs<'_>) -> Vec<Blocker> {
    [nominated(case), simulation(case), drift_simulation(case), no_instance_types(case)].into_iter().flatten().collect()
}

fn nominated(case: &NodeInputs<'_>) -> Option<Blocker> {
    let event = newest(case, BlockerKind::Nominated)?;
    let until = event.at.plus_seconds(NOMINATED_SECONDS);
    (until > case.now).then(|| from_event(case, event, BlockerKind::Nominated, Reasons::ALL).until(Some(until)))
}

/// What the last simulation of consolidation found, unless a pod has come or gone since.
fn simulation(case: &NodeInputs<'_>) -> Option<Blocker> {
    let is_current = |event: &&&EventRow| {
        event.reason == "Unconsolidatable"
            && is_fresh(event, case.now, UNCONSOLIDATABLE_SECONDS)
            && case.claim.and_then(|claim| claim.last_pod_event).is_none_or(|pods| event.at > pods)
    };
    let event = case.events.iter().find(is_current)?;
    let said = said(event)?;
    // That its NodePool does not list the instance type any more only Karpenter knows.
    let is_unlisted = said.kind == BlockerKind::MissingLabels && names_its_instance_type(case, event);
    let is_simulation = said.kind == BlockerKind::Simulation || is_unlisted;
    // Emptiness says this of every node, empty or not (karpenter pkg/controllers/disruption/emptiness.go).
    let of_emptiness = event.message.contains("has buffer pods");
    let only = Reasons::only(if of_emptiness { Reason::Empty } else { Reason::Underutilized });
    is_simulation.then(|| from_event(case, event, BlockerKind::Simulation, only))
}

/// Drift says in `DisruptionBlocked` that the pods of a node have no other place.
fn drift_simulation(case: &NodeInputs<'_>) -> Option<Blocker> {
    let event = case.events.iter().find(|event| event.reason == "DisruptionBlocked")?;
    let is_simulation = said(event).is_some_and(|said| said.kind == BlockerKind::Simulation);
    (is_simulation && case.is_drifted() && is_fresh(event, case.now, BLOCKED_SECONDS))
        .then(|| from_event(case, event, BlockerKind::Simulation, Reasons::only(Reason::Drifted)))
}

fn names_its_instance_type(case: &NodeInputs<'_>, event: &EventRow) -> bool {
    let instance_type = case.label("node.kubernetes.io/instance-type");
    instance_type.is_some_and(|name| event.message.contains(&format!("nstance Type \"{name}\" not found")))
}

/// A NodePool that is there and offers no instance types is not found either, for reasons that may be Karpenter's alone
/// (pkg/controllers/disruption/types.go, NewCandidate).
fn no_instance_types(case: &NodeInputs<'_>) -> Option<Blocker> {
    let pool = case.pool?;
    let is_told = |event: &&&EventRow| {
        event.reason == "DisruptionBlocked"
            && said(event).is_some_and(|said| said.kind == BlockerKind::NodePoolMissing)
            && pool.row.meta.created < event.at
            && is_fresh(event, case.now, BLOCKED_SECONDS)
    };
    let event = case.events.iter().find(is_told)?;
    Some(from_event(case, event, BlockerKind::Simulation, Reasons::ALL))
}

fn newest<'a>(case: &NodeInputs<'a>, kind: BlockerKind) -> Option<&'a EventRow> {
    case.events.iter().copied().find(|event| said(event).is_some_and(|said| said.kind == kind))
}

fn from_event(case: &NodeInputs<'_>, event: &EventRow, kind: BlockerKind, reasons: Reasons) -> Blocker {
    let blocker = Blocker::new(kind, reasons, &event.message);
    Blocker { evidence: Evidence::Event, ..blocker.about(Key::new(Kind::Node, case.node.meta.key.clone())) }
}

/// What Karpenter said a moment ago, of something that is still there, and that nevertheless does not stop it as far as the
/// objects show.
pub fn disagreement<'a>(case: &NodeInputs<'a>, blockers: &[Blocker]) -> Option<&'a EventRow> {
    let is_unseen = |event: &&EventRow| {
        let is_told = |said: &Said<'_>| blockers.iter().any(|blocker| blocker.kind == said.kind);
        said(event).is_some_and(|said| !is_told(&said) && is_still_there(case, event, &said))
    };
    case.events.iter().copied().find(is_unseen)
}

/// Whether what an Event names is there still: what somebody took away since is no disagreement.
fn is_still_there(case: &NodeInputs<'_>, event: &EventRow, said: &Said<'_>) -> bool {
    let keys: Vec<ObjectKey> = said.objects.iter().filter_map(|name| key(name)).collect();
    let budget = |key: &ObjectKey| case.budgets.get(key);
    let is_young = is_fresh(event, case.now, DISAGREEMENT_SECONDS);
    match said.kind {
        BlockerKind::PodAnnotation => {
            let means_nothing = |pod: &PodRow| !protection::is_protected(pod, event.at, case.karpenter);
            let mut named = case.annotated.iter().filter(|pod| keys.contains(&pod.meta.key));
            is_fresh(event, case.now, BLOCKED_SECONDS) && named.any(|pod| means_nothing(pod))
        }
        _ if !is_young => false,
        BlockerKind::Pdb => keys.iter().any(|key| budget(key).is_some_and(|row| row.disruptions_allowed == 0)),
        BlockerKind::MultiplePdbs => keys.iter().all(|key| budget(key).is_some()),
        BlockerKind::NodeAnnotation => case.node_annotation().is_some(),
        _ => false,
    }
}

/// The reasons for which an Event on a NodePool says that its budgets allow nothing, if it speaks of the present.
pub fn exhausted_reasons<'a>(events: impl Iterator<Item = &'a EventRow>, now: Time) -> Reasons {
    let fresh = events.filter(|event| event.reason == "DisruptionBlocked" && is_fresh(event, now, BLOCKED_SECONDS));
    fresh
        .flat_map(|event| {
            let message = event.message.as_str();
            Reason::ALL.into_iter().filter(move |reason| message.contains(&format!("reason {} due", reason.name())))
        })
        .collect()
}

/// The key that `namespace/name` stands for.
pub fn key(text: &str) -> Option<ObjectKey> {
    text.split_once('/').map(|(namespace, name)| ObjectKey::new(namespace, name))
}
