//! Hazards: what ends a node, or a pod, in spite of protection.

use super::blocker::{Blocker, BlockerKind};
use super::evidence;
use super::node_inputs::{BrokenNodes, NodeInputs};
use super::reason::Reason;
use super::verdict::{self, Disruption};
use super::{budgets, protection};
use crate::fleet::{Condition, NodeClassRef, NodeRow, ObjectKey, PodRow, Status, Sym};
use crate::insight::interruption::{self, PREEMPTIBLE_SECONDS, Signal, SignalKind, SpotKind};
use crate::insight::karpenter::{is_of_auto_mode, is_of_aws};
use crate::insight::phase;
use crate::insight::sentence::{Part, Sentence, sentence};
use crate::units::{Lifetime, Time};

/// The kind of thing that ends a node or a pod.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum HazardKind {
    /// The NodeClaim's expireAfter.
    Expiration,
    /// The cloud has given notice.
    SpotInterruption,
    /// The cloud has warned that notice may follow.
    RebalanceRecommendation,
    /// Drift passes over pods that may not be evicted, because the NodeClaim has a terminationGracePeriod.
    DriftOverridesProtection,
    /// The capacity block that was paid for ends.
    CapacityBlockEnd,
    /// The node is broken and is replaced.
    HardwareRepair,
    /// EKS Auto Mode keeps no instance longer than this.
    MaxLifetime,
    /// The NodePool has more nodes than replicas.
    StaticScaleDown,
}

impl HazardKind {
    /// As the JSON writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expiration => "Expiration",
            Self::SpotInterruption => "SpotInterruption",
            Self::RebalanceRecommendation => "RebalanceRecommendation",
            Self::DriftOverridesProtection => "DriftOverridesProtection",
            Self::CapacityBlockEnd => "CapacityBlockEnd",
            Self::HardwareRepair => "HardwareRepair",
            Self::MaxLifetime => "MaxLifetime",
            Self::StaticScaleDown => "StaticScaleDown",
        }
    }
}

/// A protected pod that a hazard reaches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reached {
    /// Key of the pod.
    pub pod: ObjectKey,
    /// When it is ended at the soonest; `None` for an unknown time, and where the node waits for it for ever.
    pub killed_at: Option<Time>,
}

/// What ends a node or a pod in spite of protection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hazard {
    /// The kind of thing that ends it.
    pub kind: HazardKind,
    /// When it begins, where that is known.
    pub at: Option<Time>,
    /// The explanation in one sentence.
    pub message: Sentence,
    /// The pods that are protected now and that it reaches.
    pub pods: Vec<Reached>,
    /// Whether protected pods are ended by it, as opposed to keeping the node from ending. A pod with a `killed_at` is ended
    /// in any case.
    pub ends_pods: bool,
}

/// How long after a spot interruption notice the instance goes (AWS: two minutes).
const SPOT_NOTICE_SECONDS: i64 = 120;

/// How long a rebalance recommendation is worth telling.
const REBALANCE_SECONDS: i64 = 3600;

/// EKS Auto Mode ends every instance after 21 days.
const MAX_LIFETIME_SECONDS: i64 = 21 * 86_400;

/// How long before the end of a capacity block Karpenter deletes the NodeClaim (aws pkg/apis/v1/ec2nodeclass_status.go).
const BLOCK_LEAD_SECONDS: i64 = 40 * 60;

/// How long before the end of a capacity block EC2 begins to terminate its instances.
const BLOCK_TERMINATION_SECONDS: i64 = 30 * 60;

/// The verdict of a node, and its hazards.
pub fn judged(case: &NodeInputs<'_>) -> (Disruption, Vec<Hazard>) {
    let disruption = verdict::judge(case);
    let hazards = of_node(case, &disruption);
    (disruption, hazards)
}

/// All hazards of a node.
pub fn of_node(case: &NodeInputs<'_>, disruption: &Disruption) -> Vec<Hazard> {
    let found = [
        expiration(case),
        interruption(case),
        rebalance(case),
        drift(case, disruption),
        block_end(case),
        repair(case),
        max_lifetime(case),
        scale_down(case),
    ];
    found.into_iter().flatten().collect()
}

/// Whether a drain waits for a pod: not for one that tolerates Karpenter's taint, and not for a mirror pod, annotated or not;
/// they go with the instance as soon as the others have left (karpenter pkg/utils/pod/scheduling.go, IsDrainable).
fn is_waited_for(pod: &PodRow) -> bool {
    !pod.eviction.tolerates_disrupted && !pod.eviction.of_node
}

/// Why nothing keeps such a pod once its node is deleted.
const NOT_WAITED_FOR: &str = "no drain waits for a pod that tolerates karpenter.sh/disrupted";

/// When a protected pod is ended at the soonest if the NodeClaim is deleted at `at`
/// (karpenter pkg/controllers/node/termination/terminator): its own grace before the terminationGracePeriod ends.
fn killed_after(case: &NodeInputs<'_>, pod: &PodRow, at: Time) -> Option<Time> {
    let claim = case.claim?;
    if !is_waited_for(pod) {
        return Some(at);
    }
    let deadline = claim.termination_at.or_else(|| Some(at.plus_seconds(claim.termination_grace_seconds?)))?;
    Some(deadline.plus_seconds(-pod.termination_grace_seconds).max(at))
}

fn reached(case: &NodeInputs<'_>, killed_at: impl Fn(&PodRow) -> Option<Time>) -> Vec<Reached> {
    case.protected().map(|pod| Reached { pod: pod.meta.key.clone(), killed_at: killed_at(pod) }).collect()
}

/// Whether a drain has an end.
fn drain_ends(case: &NodeInputs<'_>) -> bool {
    case.claim.is_some_and(|claim| claim.termination_grace_seconds.is_some() || claim.termination_at.is_some())
}

/// From creation on, by the NodeClaim's own expireAfter, whatever the NodePool says now
/// (karpenter pkg/controllers/nodeclaim/expiration).
fn expiration(case: &NodeInputs<'_>) -> Option<Hazard> {
    let claim = case.claim?;
    let at = claim.expires_at()?;
    let Lifetime::Seconds(seconds) = claim.expire_after else { return None };
    if phase::is_terminating(claim) && claim.meta.deletion.is_some_and(|deleted| deleted < at) {
        return None;
    }
    let ends_pods = drain_ends(case);
    let what_then = if ends_pods {
        "); protected pods are deleted when the terminationGracePeriod ends"
    } else {
        "); the node is drained then and waits for protected pods"
    };
    let message = sentence!["expires ", at, " (expireAfter ", Part::Seconds(seconds), what_then];
    let pods = reached(case, |pod| killed_after(case, pod, at));
    Some(Hazard { kind: HazardKind::Expiration, at: Some(at), message, pods, ends_pods })
}

/// Karpenter deletes the NodeClaim as soon as it hears of it (aws pkg/controllers/interruption).
fn interruption(case: &NodeInputs<'_>) -> Option<Hazard> {
    match verdict::interruption(case) {
        Some(event) => Some(reclaim(case, &event.message, Some(event.at))),
        None => signal(case, SignalKind::Reclaim).map(|signal| reclaim(case, &signal.reason, signal.at)),
    }
}

/// The sign that tells so of spot capacity, be it no Event.
fn signal(case: &NodeInputs<'_>, kind: SignalKind) -> Option<Signal> {
    SpotKind::of(case.node, case.claim)?;
    interruption::of_node(case.node, &case.events, case.now).filter(|signal| signal.kind == kind)
}

/// Of an instance of which these words were given at that time; `None` for a taint, which does not say when.
fn reclaim(case: &NodeInputs<'_>, words: &Sym, given: Option<Time>) -> Hazard {
    let notice = SpotKind::of(case.node, case.claim).map_or(SPOT_NOTICE_SECONDS, SpotKind::notice_seconds);
    let at = given.map(|given| given.plus_seconds(notice));
    let when = at.map(|at| sentence![": the instance goes at ", at]);
    let message = sentence![words, when.unwrap_or_else(|| Sentence::of(": the instance is taken back"))];
    let pods = reached(case, |pod| {
        let killed = killed_after(case, pod, given.unwrap_or(case.now));
        at.map_or(killed, |at| Some(killed.map_or(at, |killed| killed.min(at))))
    });
    Hazard { kind: HazardKind::SpotInterruption, at, message, pods, ends_pods: true }
}

fn rebalance(case: &NodeInputs<'_>) -> Option<Hazard> {
    let is_recent = |event: &&&crate::fleet::EventRow| {
        matches!(event.reason.as_str(), "SpotRebalanceRecommendation" | "RebalanceRecommendation")
            && evidence::is_fresh(event, case.now, REBALANCE_SECONDS - 1)
    };
    let told = case.events.iter().find(is_recent).map(|event| event.message.clone());
    let words = told.or_else(|| signal(case, SignalKind::Rebalance).map(|signal| signal.reason))?;
    let message = sentence![&words, ": an interruption has become more likely"];
    let kind = HazardKind::RebalanceRecommendation;
    Some(Hazard { kind, at: None, message, pods: Vec::new(), ends_pods: false })
}

/// Where pods would have stopped drift, and nothing else stops it for good. What passes by itself, like nodes that use up the
/// budget, only puts it off.
fn drift(case: &NodeInputs<'_>, disruption: &Disruption) -> Option<Hazard> {
    let of_pods = [BlockerKind::PodAnnotation, BlockerKind::Pdb, BlockerKind::MultiplePdbs];
    let stopped = disruption.firm().any(|blocker| of_pods.contains(&blocker.kind));
    let in_the_way: Vec<&Blocker> =
        disruption.firm().filter(|blocker| blocker.reasons.contains(Reason::Drifted)).collect();
    let overrides = case.is_drifted() && case.drift_overrides_pods() && stopped;
    if !overrides || in_the_way.iter().any(|blocker| stops_drift_for_good(case, blocker)) {
        return None;
    }
    let at = in_the_way.into_iter().filter_map(|blocker| passes_at(case, blocker)).max();
    let message = Sentence::of("drifted, and the NodeClaim has a terminationGracePeriod: pods do not stop Karpenter");
    let pods = reached(case, |_| None);
    Some(Hazard { kind: HazardKind::DriftOverridesProtection, at, message, pods, ends_pods: true })
}

/// Before when a blocker of drift cannot pass; `None` for now. A budget that opens may be free of what uses it up by then, and
/// a pause may end at any time.
fn passes_at(case: &NodeInputs<'_>, blocker: &Blocker) -> Option<Time> {
    let budgets = case.pool.filter(|_| blocker.kind == BlockerKind::Budget)?.budgets;
    budgets.allows_at(Reason::Drifted, case.now).filter(|at| *at > case.now)
}

/// Whether a blocker of drift stays as it is until somebody changes something.
fn stops_drift_for_good(case: &NodeInputs<'_>, blocker: &Blocker) -> bool {
    match blocker.kind {
        BlockerKind::NodeAnnotation | BlockerKind::NotManaged | BlockerKind::Deleting => true,
        // That no NodePool is Ready passes by itself.
        BlockerKind::NodePoolMissing => blocker.object.is_some(),
        BlockerKind::Static => case.pool.is_none_or(|pool| pool.scales_down().is_none()),
        BlockerKind::Budget => case.pool.is_none_or(|pool| pool.budgets.allows_at(Reason::Drifted, case.now).is_none()),
        _ => false,
    }
}

fn block_end(case: &NodeInputs<'_>) -> Option<Hazard> {
    let ends = case.block_ends?;
    let at = ends.plus_seconds(-BLOCK_LEAD_SECONDS);
    let gone = ends.plus_seconds(-BLOCK_TERMINATION_SECONDS);
    let message = sentence!["the capacity block ends ", ends, "; Karpenter deletes the node 40 minutes before"];
    let pods = reached(case, |pod| Some(killed_after(case, pod, at).map_or(gone, |killed| killed.min(gone))));
    Some(Hazard { kind: HazardKind::CapacityBlockEnd, at: Some(at), message, pods, ends_pods: true })
}

/// Conditions after which a node is replaced, the statuses that are bad, and after how many seconds.
type Repairs = &'static [(&'static str, &'static [Status], i64)];

/// Of the AWS provider (aws pkg/cloudprovider/cloudprovider.go, RepairPolicies).
const REPAIRS_OF_AWS: Repairs = &[
    ("AcceleratedHardwareReady", &[Status::False], 600),
    ("Ready", &[Status::False, Status::Unknown], 1800),
    ("StorageReady", &[Status::False], 1800),
    ("NetworkingReady", &[Status::False], 1800),
    ("KernelReady", &[Status::False], 1800),
    ("ContainerRuntimeReady", &[Status::False], 1800),
];

/// Of KWOK's provider (karpenter kwok/cloudprovider/cloudprovider.go, RepairPolicies), and, as the sooner is the safer answer,
/// of those that are not known.
const REPAIRS_OF_OTHERS: Repairs = &[("Ready", &[Status::False, Status::Unknown], 600)];

fn repairs(class: Option<&NodeClassRef>) -> Repairs {
    if class.is_some_and(|class| is_of_aws(&class.group)) { REPAIRS_OF_AWS } else { REPAIRS_OF_OTHERS }
}

fn class_of<'a>(case: &NodeInputs<'a>) -> Option<&'a NodeClassRef> {
    case.claim.and_then(|claim| claim.node_class.as_ref())
}

fn repair(case: &NodeInputs<'_>) -> Option<Hazard> {
    if !case.repairs || case.claim.is_none() || case.repairs_pause.is_some() {
        return None;
    }
    let broken = repairs(class_of(case)).iter().filter_map(|(kind, bad, seconds)| {
        let found = Condition::find(&case.node.conditions, kind)?;
        let since = found.last_transition.filter(|_| bad.contains(&found.status))?;
        Some((since.plus_seconds(*seconds), *kind, found.status))
    });
    let (at, kind, status) = broken.min_by_key(|(at, ..)| *at)?;
    let message =
        sentence!["condition ", kind, " is ", status.name(), ": the node is replaced ", at, ", whatever protects it"];
    let pods = reached(case, |_| Some(at));
    Some(Hazard { kind: HazardKind::HardwareRepair, at: Some(at), message, pods, ends_pods: true })
}

fn max_lifetime(case: &NodeInputs<'_>) -> Option<Hazard> {
    let of_auto_mode = || {
        let claim = case.claim.filter(|claim| is_of_auto_mode(claim))?;
        let at = claim.meta.created.plus_seconds(MAX_LIFETIME_SECONDS);
        Some((at, sentence!["EKS Auto Mode ends every instance after 21 days: ", at]))
    };
    let of_google = || {
        SpotKind::of(case.node, case.claim).filter(|kind| *kind == SpotKind::GcpPreemptible)?;
        let at = case.node.meta.created.plus_seconds(PREEMPTIBLE_SECONDS);
        Some((at, sentence!["Google ends every preemptible VM after 24 hours: ", at]))
    };
    let (at, message) = of_auto_mode().or_else(of_google)?;
    let pods = reached(case, |_| Some(at));
    Some(Hazard { kind: HazardKind::MaxLifetime, at: Some(at), message, pods, ends_pods: true })
}

/// Protected nodes are sorted last and are taken all the same (karpenter pkg/controllers/static/deprovisioning).
fn scale_down(case: &NodeInputs<'_>) -> Option<Hazard> {
    let pool = case.pool?;
    let (replicas, staying) = (pool.row.replicas?, pool.scales_down()?);
    if case.claim.is_some_and(|claim| phase::is_terminating(claim) || phase::is_chosen(claim)) {
        return None;
    }
    let name = &pool.row.meta.key.name;
    let message =
        sentence!["NodePool \"", name, "\" has ", staying, " nodes for ", replicas, " replicas: some are deleted"];
    let pods = reached(case, |_| None);
    Some(Hazard { kind: HazardKind::StaticScaleDown, at: None, message, pods, ends_pods: drain_ends(case) })
}

/// Whether the annotation of a pod will hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outlook {
    /// The annotation's state.
    pub protection: protection::Protection,
    /// Whether it holds to its end; `None` where there is none, or where something is not known that could end the pod.
    pub holds: Option<bool>,
    /// When the pod is ended in spite of it, the soonest if several things do so; `None` where nothing does, and where that
    /// may be at any time.
    pub fails_at: Option<Time>,
    /// Why not, and what it does not protect from; the soonest first.
    pub gaps: Vec<Sentence>,
}

impl Outlook {
    /// Whether the pod may be ended in spite of its annotation before `time`.
    pub fn fails_before(&self, time: Time) -> bool {
        self.holds == Some(false) && self.fails_at.is_none_or(|at| at < time)
    }
}

/// Why a pod is ended in spite of its annotation, and when; `None` for any time.
type Gap = (Option<Time>, Sentence);

/// How long after a pod was bound Karpenter may still act on what it saw before: its validation takes 15 s.
const FRESH_SECONDS: i64 = 15;

/// The outlook of a pod whose annotation is not in force, or whose node nothing is known of.
pub fn of_annotation(found: protection::Protection) -> Outlook {
    use protection::ProtectionState::{Elapsed, Ineffective, Invalid, None as Absent, Permanent, Until};
    let gap = match found.state {
        Absent | Permanent | Until => None,
        Invalid => Some(ignored(found.problem.clone())),
        Elapsed => Some(found.until.map_or_else(|| Sentence::of("has ended"), |until| sentence!["ended ", until])),
        Ineffective => Some(Sentence::of("a pod that has finished or is being deleted protects nothing")),
    };
    let holds = if gap.is_some() { Some(false) } else { None };
    Outlook { protection: found, holds, fails_at: None, gaps: gap.into_iter().collect() }
}

fn ignored(problem: Option<String>) -> Sentence {
    match problem {
        Some(problem) => sentence!["ignored: ", problem],
        None => Sentence::of("ignored: not a value Karpenter understands"),
    }
}

/// The outlook of a pod on a node.
pub fn of_pod(case: &NodeInputs<'_>, hazards: &[Hazard], pod: &PodRow) -> Outlook {
    let found = protection::of_pod(pod, case.now, case.karpenter);
    if !found.state.is_active() {
        return of_annotation(found);
    }
    let end = found.until;
    let mut gaps: Vec<Gap> = hazards.iter().filter_map(|hazard| gap_of(hazard, pod, end)).collect();
    gaps.extend(leaving(case, pod, end));
    gaps.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.machine_text().cmp(&b.1.machine_text())));
    let is_certain = knows_what_ends_it(case) && !is_assumed(case, &found);
    let holds = if gaps.is_empty() { is_certain.then_some(true) } else { Some(false) };
    let fails_at = gaps.first().and_then(|(at, _)| *at);
    let mut gaps: Vec<Sentence> = gaps.into_iter().map(|(_, gap)| gap).collect();
    if is_assumed(case, &found) {
        gaps.push(Sentence::of("durations need Karpenter 1.12, and its version is not known"));
    }
    gaps.extend(cautions(case, hazards, pod, end));
    Outlook { protection: found, holds, fails_at, gaps }
}

/// Whether a duration may be nothing to the Karpenter that is here.
fn is_assumed(case: &NodeInputs<'_>, found: &protection::Protection) -> bool {
    found.state == protection::ProtectionState::Until && case.doubts(case.karpenter.durations())
}

/// Without the NodeClaim nobody knows when it expires and whether it has a terminationGracePeriod, without the NodePool not
/// whether it scales down.
fn knows_what_ends_it(case: &NodeInputs<'_>) -> bool {
    let knows_claim = case.claim.is_some() || case.complete.claims;
    let knows_pool = case.pool.is_some() || case.claim.is_none() || case.complete.pools;
    let is_counted = case.complete.claims || case.pool.is_none_or(|pool| pool.row.replicas.is_none());
    // Too many broken nodes may become fewer, and then this one is replaced.
    let may_be_repaired = case.repairs_pause.is_some();
    !case.is_legacy() && knows_claim && knows_pool && is_counted && !case.end_is_hidden && !may_be_repaired
}

/// Whether a condition of a node is one for which Karpenter would replace it, if it was told to do so.
pub fn is_broken(case: &NodeInputs<'_>) -> bool {
    is_broken_node(case.node, class_of(case))
}

/// The same of a Node by the NodeClass of its NodePool.
pub fn is_broken_node(node: &NodeRow, class: Option<&NodeClassRef>) -> bool {
    let is_bad = |(kind, bad, _): &(&str, &[Status], i64)| {
        Condition::find(&node.conditions, kind).is_some_and(|found| bad.contains(&found.status))
    };
    repairs(class).iter().any(is_bad)
}

/// Why a hazard ends a pod before its protection does.
fn gap_of(hazard: &Hazard, pod: &PodRow, end: Option<Time>) -> Option<Gap> {
    let reached = hazard.pods.iter().find(|one| one.pod == pod.meta.key)?;
    let is_later = |at: Time| end.is_some_and(|end| end <= at);
    let why = || {
        if hazard.ends_pods { hazard.message.clone() } else { sentence![&hazard.message, "; ", NOT_WAITED_FOR] }
    };
    match reached.killed_at {
        _ if !hazard.ends_pods && is_waited_for(pod) => None,
        Some(killed) if is_later(killed) => None,
        Some(killed) => Some((Some(killed), sentence!["killed ", killed, ": ", why()])),
        None if hazard.at.is_some_and(is_later) => None,
        None => Some((hazard.at, why())),
    }
}

/// A node that is leaving already takes the pod along when its terminationGracePeriod ends, for whatever reason it leaves.
fn leaving(case: &NodeInputs<'_>, pod: &PodRow, end: Option<Time>) -> Option<Gap> {
    let claim = case.claim?;
    let at_any_time = |why: Sentence| Some((None, why));
    if Condition::is_true(&claim.conditions, "InstanceTerminating") {
        return at_any_time(Sentence::of("the instance is being terminated"));
    }
    // The NodeClaim of a Node that is deleted is deleted, too (pkg/controllers/node/termination).
    let Some(since) = claim.meta.deletion.or(case.node.meta.deletion) else {
        let chosen = budgets::is_chosen_node(case.node, Some(claim));
        return match (chosen, is_waited_for(pod)) {
            (true, false) => at_any_time(sentence!["Karpenter is replacing the node, and ", NOT_WAITED_FOR]),
            (true, true) if drain_ends(case) => {
                at_any_time(Sentence::of("Karpenter is replacing the node, and its terminationGracePeriod ends it"))
            }
            _ => None,
        };
    };
    if !is_waited_for(pod) {
        return at_any_time(sentence!["the node is being deleted, and ", NOT_WAITED_FOR]);
    }
    let killed = killed_after(case, pod, since)?;
    let is_sooner = end.is_none_or(|end| killed < end);
    let gap = || sentence!["killed ", killed, ": the node is being deleted and its terminationGracePeriod ends"];
    is_sooner.then(|| (Some(killed), gap()))
}

/// Karpenter may have decided before it saw the pod: consolidation looks at the pods again after 15 s, drift never does
/// (pkg/controllers/disruption/drift.go).
fn fresh(case: &NodeInputs<'_>, pod: &PodRow) -> Option<Sentence> {
    let age = case.now.seconds_since(pod.started.unwrap_or(pod.meta.created));
    let may_be_chosen = case.claim_is("Consolidatable") || case.is_drifted();
    let is_fresh = may_be_chosen && age < FRESH_SECONDS;
    is_fresh.then(|| sentence!["started ", age, " s ago: Karpenter may have decided before it saw the pod"])
}

/// The node is replaced when fewer are broken.
fn too_many_broken(case: &NodeInputs<'_>) -> Option<Sentence> {
    let BrokenNodes { broken, all } = case.repairs_pause?;
    Some(sentence![
        "the node is broken, and replaced whatever protects it once no more than a fifth of its NodePool's nodes are: now ",
        broken,
        " of ",
        all
    ])
}

/// What the annotation does not stop, though nothing says that it will come.
fn cautions(case: &NodeInputs<'_>, hazards: &[Hazard], pod: &PodRow, end: Option<Time>) -> Vec<Sentence> {
    let mut cautions: Vec<Sentence> = fresh(case, pod).into_iter().chain(too_many_broken(case)).collect();
    let waits = |hazard: &&Hazard| {
        matches!(hazard.kind, HazardKind::Expiration | HazardKind::StaticScaleDown)
            && !hazard.ends_pods
            && is_waited_for(pod)
            && hazard.at.is_none_or(|at| end.is_none_or(|end| at < end))
    };
    cautions.extend(hazards.iter().find(waits).map(|hazard| hazard.message.clone()));
    cautions.extend(SpotKind::of(case.node, case.claim).map(|kind| match kind.notice_seconds() {
        30 => Sentence::of("spot: the cloud may take the instance with half a minute's notice"),
        _ => Sentence::of("spot: the cloud may take the instance with two minutes' notice"),
    }));
    cautions
}
