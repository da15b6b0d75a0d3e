//! The gates between a node and its disruption, in Karpenter's order, each with the sentence that Karpenter has for it.
//!
//! karpenter pkg/controllers/disruption: types.go (NewCandidate), then ShouldDisrupt and the budgets of each method.

use super::blocker::{Blocker, BlockerKind};
use super::budgets::{self, UNLIMITED};
use super::node_inputs::{NodeInputs, Pause, PoolInputs};
use super::pods::Budgeted;
use super::protection;
use super::reason::{Reason, Reasons};
use crate::fleet::{Condition, DisruptionBudgetRow, Key, Kind, NodeClaimRow, NodePoolRow, ObjectKey, PodRow, Status};
use crate::insight::karpenter::{AUTO_MODE_GROUP, EmptyRule, Support, is_of_aws};
use crate::insight::phase;
use crate::insight::sentence::{Part, Sentence, sentence};
use crate::units::{Lifetime, quantity};

/// One question that Karpenter asks before it takes a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Gate {
    /// Is anything disrupted at all?
    Loop,
    /// Does Karpenter manage it?
    Managed,
    /// Is it being disrupted already?
    Queue,
    /// Is it initialized?
    Initialized,
    /// Is it being deleted?
    Deletion,
    /// Is the Node annotated?
    NodeAnnotation,
    /// Is there a NodePool?
    Pool,
    /// Is a pod annotated?
    PodAnnotations,
    /// May its pods be evicted?
    PodBudgets,
    /// Does the NodePool keep a fixed number of nodes?
    Static,
    /// Is consolidation disabled?
    Consolidation,
    /// Are the labels there that its price depends on?
    Labels,
    /// Does the policy allow it?
    Policy,
    /// Has it been quiet for long enough?
    Quiet,
    /// Do the NodePool's budgets allow it?
    Budgets,
    /// Is there a NodePool on which pods could be placed?
    Placement,
}

/// Why a gate cannot be decided for some reasons.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Undecided {
    /// What may stop these reasons.
    pub blocker: Blocker,
    /// Why it is not known whether it does.
    pub doubt: Doubt,
}

/// Why a gate cannot decide.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doubt {
    /// Not all objects of the kind are known.
    Objects(Kind),
    /// The rules of the API version are not judged.
    Legacy,
    /// The versions of Karpenter that may run here differ.
    Version,
    /// What EKS Auto Mode does is not public.
    AutoMode,
    /// A pass that began before the loop was paused may still act.
    Pass,
}

/// The answer of one gate for a node.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GateResult {
    /// Blockers that this gate found.
    pub blockers: Vec<Blocker>,
    /// What this gate cannot decide.
    pub undecided: Vec<Undecided>,
}

impl GateResult {
    const OPEN: Self = Self { blockers: Vec::new(), undecided: Vec::new() };

    fn closed(blocker: Blocker) -> Self {
        Self { blockers: vec![blocker], undecided: Vec::new() }
    }

    fn undecided(blocker: Blocker, doubt: Doubt) -> Self {
        Self::OPEN.or_undecided(Some(blocker), doubt)
    }

    /// The same, with what may stop more reasons.
    fn or_undecided(mut self, blockers: impl IntoIterator<Item = Blocker>, doubt: Doubt) -> Self {
        self.undecided.extend(blockers.into_iter().map(|blocker| Undecided { blocker, doubt }));
        self
    }

    /// The reasons that are stopped here.
    pub fn stopped(&self) -> Reasons {
        self.blockers.iter().fold(Reasons::NONE, |all, blocker| all.or(blocker.reasons))
    }

    /// The reasons of which nothing can be said here.
    pub fn unknown(&self) -> Reasons {
        self.undecided.iter().fold(Reasons::NONE, |all, one| all.or(one.blocker.reasons))
    }

    /// The same, but undecided for these reasons unless all objects of the kind are known.
    fn needs(mut self, case: &NodeInputs<'_>, kind: Kind, reasons: Reasons) -> Self {
        let open = reasons.without(self.stopped());
        if !case.knows(kind) && !open.is_empty() {
            let message = sentence!["not all ", kind.resource(), " are known"];
            let blocker = Blocker::new(BlockerKind::InputMissing, open, message);
            self.undecided.push(Undecided { blocker, doubt: Doubt::Objects(kind) });
        }
        self
    }
}

impl Gate {
    /// All of them, in Karpenter's order.
    pub const ALL: [Self; 16] = [
        Self::Loop,
        Self::Managed,
        Self::Queue,
        Self::Initialized,
        Self::Deletion,
        Self::NodeAnnotation,
        Self::Pool,
        Self::PodAnnotations,
        Self::PodBudgets,
        Self::Static,
        Self::Consolidation,
        Self::Labels,
        Self::Policy,
        Self::Quiet,
        Self::Budgets,
        Self::Placement,
    ];

    /// The answer of the gate for a node.
    pub fn rule(self, case: &NodeInputs<'_>) -> GateResult {
        match self {
            Self::Managed => managed(case),
            _ if case.claim.is_none() || case.is_legacy() => GateResult::OPEN,
            Self::Loop => disruption_loop(case),
            Self::Queue => queue(case),
            Self::Initialized => initialized(case),
            Self::Deletion => deletion(case),
            Self::NodeAnnotation => node_annotation(case),
            Self::Pool => node_pool(case),
            Self::PodAnnotations => pod_annotations(case),
            Self::PodBudgets => pod_budgets(case),
            Self::Labels => labels(case),
            Self::Static | Self::Consolidation | Self::Policy | Self::Quiet | Self::Budgets | Self::Placement => {
                case.pool.map_or(GateResult::OPEN, |pool| self.rule_of_pool(case, &pool))
            }
        }
    }

    fn rule_of_pool(self, case: &NodeInputs<'_>, pool: &PoolInputs<'_>) -> GateResult {
        match self {
            Self::Static => keeps_number(case, pool),
            Self::Consolidation => consolidation(pool.row),
            Self::Policy => policy(case, pool.row),
            Self::Quiet => quiet(case, pool.row),
            Self::Budgets => pool_budgets(case, pool),
            Self::Placement => placement(case, pool),
            _ => GateResult::OPEN,
        }
    }
}

/// Karpenter disrupts nothing while a NodeClaim that it manages has no providerID (pkg/controllers/state/cluster.go,
/// Synced), or while it cannot read a PodDisruptionBudget (pkg/utils/pdb/pdb.go, NewLimits).
fn disruption_loop(case: &NodeInputs<'_>) -> GateResult {
    match case.pause {
        None => GateResult::OPEN.needs(case, Kind::NodeClaim, Reasons::ALL),
        Some(Pause::Launching(claim)) => launching(case, claim),
        Some(Pause::Unreadable(budget)) => {
            let key = &budget.meta.key;
            let message =
                sentence!["disruption loop paused: the selector of PodDisruptionBudget ", key, " cannot be read"];
            let blocker = Blocker::new(BlockerKind::LoopPaused, Reasons::ALL, message);
            GateResult::closed(blocker.about(Key::new(Kind::PodDisruptionBudget, key.clone())))
        }
    }
}

/// Whether the loop is paused is asked once, when a pass begins. The pass then goes through all methods, each of which may
/// look at the nodes again 15 s later, but not at the pause (pkg/controllers/disruption/controller.go, validation.go).
fn launching(case: &NodeInputs<'_>, claim: &NodeClaimRow) -> GateResult {
    let age = case.now.seconds_since(claim.meta.created);
    if age < USUAL_LAUNCH_SECONDS {
        return GateResult::OPEN.needs(case, Kind::NodeClaim, Reasons::ALL);
    }
    let message = sentence!["disruption loop paused: NodeClaim ", &claim.meta.key.name, " has no providerID"];
    let ends = claim.meta.created.plus_seconds(case.karpenter.launch_timeout_seconds());
    let blocker = Blocker::new(BlockerKind::LoopPaused, Reasons::ALL, message)
        .about(Key::new(Kind::NodeClaim, claim.meta.key.clone()))
        .until(Some(ends).filter(|ends| *ends > case.now));
    if age < case.pass_seconds { GateResult::undecided(blocker, Doubt::Pass) } else { GateResult::closed(blocker) }
}

/// A launch that takes no longer is one that goes well: it says nothing of the loop.
pub const USUAL_LAUNCH_SECONDS: i64 = 20;

/// How long a pass of the loop takes at most where it finds nothing to simulate: the validations of three methods, 15 s each.
const VALIDATIONS_SECONDS: i64 = 45;

/// How long it takes at most: consolidation stops looking after one and three minutes (multinodeconsolidation.go,
/// singlenodeconsolidation.go).
const LONGEST_PASS_SECONDS: i64 = VALIDATIONS_SECONDS + 60 + 180;

/// How long a pass that began before the loop was paused may still act, with so many nodes: one second for each is more than
/// a simulation takes.
pub fn pass_seconds(nodes: usize) -> i64 {
    let simulations = i64::try_from(nodes).unwrap_or(i64::MAX);
    VALIDATIONS_SECONDS.saturating_add(simulations).min(LONGEST_PASS_SECONDS)
}

/// A Node without NodeClaim is not Karpenter's (pkg/controllers/state/statenode.go, ValidateNodeDisruptable).
fn managed(case: &NodeInputs<'_>) -> GateResult {
    if case.is_legacy() {
        let message = sentence!["the rules of ", case.karpenter.api.name(), " are not judged"];
        return GateResult::undecided(Blocker::new(BlockerKind::InputMissing, Reasons::ALL, message), Doubt::Legacy);
    }
    if case.claim.is_some() {
        return GateResult::OPEN;
    }
    if !case.complete.claims {
        return GateResult::OPEN.needs(case, Kind::NodeClaim, Reasons::ALL);
    }
    GateResult::closed(Blocker::new(BlockerKind::NotManaged, Reasons::ALL, "Node isn't managed by karpenter"))
}

/// A node that Karpenter has chosen is no candidate any more (types.go, `queue.HasAny`). Its taint and the condition
/// `DisruptionReason` tell; a rollback removes both, deletion is the next gate's.
fn queue(case: &NodeInputs<'_>) -> GateResult {
    if is_deleting(case) || !budgets::is_chosen_node(case.node, case.claim) {
        return GateResult::OPEN;
    }
    let blocker = Blocker::new(BlockerKind::Deleting, Reasons::ALL, "Candidate is already being disrupted");
    GateResult::closed(blocker.about(node_key(case)))
}

/// By the Node's label, not by the NodeClaim's condition (statenode.go, Initialized).
fn initialized(case: &NodeInputs<'_>) -> GateResult {
    if case.node.is_initialized() {
        return GateResult::OPEN;
    }
    let blocker = Blocker::new(BlockerKind::NotInitialized, Reasons::ALL, "Node isn't initialized");
    GateResult::closed(blocker.about(node_key(case)))
}

/// statenode.go, MarkedForDeletion; a Node that somebody deletes takes its NodeClaim along.
fn deletion(case: &NodeInputs<'_>) -> GateResult {
    if !is_deleting(case) {
        return GateResult::OPEN;
    }
    let message = "Node is deleting or marked for deletion";
    GateResult::closed(Blocker::new(BlockerKind::Deleting, Reasons::ALL, message).about(node_key(case)))
}

/// Whether the Node, its NodeClaim or its instance is being deleted.
fn is_deleting(case: &NodeInputs<'_>) -> bool {
    case.node.meta.deletion.is_some() || case.claim.is_some_and(phase::is_terminating)
}

/// Only exactly `"true"`, and whatever the NodeClaim's terminationGracePeriod (statenode.go, ValidateNodeDisruptable).
fn node_annotation(case: &NodeInputs<'_>) -> GateResult {
    if case.node_annotation().is_none_or(|value| value != "true") {
        return GateResult::OPEN;
    }
    let message = "Disruption is blocked through the \"karpenter.sh/do-not-disrupt\" annotation";
    GateResult::closed(Blocker::new(BlockerKind::NodeAnnotation, Reasons::ALL, message).about(node_key(case)))
}

/// A node needs the label of a NodePool, and that NodePool must be there and offer instance types (types.go).
fn node_pool(case: &NodeInputs<'_>) -> GateResult {
    let Some(name) = case.label("karpenter.sh/nodepool") else {
        let message = "Node doesn't have required label (label=karpenter.sh/nodepool)";
        return GateResult::closed(
            Blocker::new(BlockerKind::NodePoolMissing, Reasons::ALL, message).about(node_key(case)),
        );
    };
    let offers = case.pool.map_or(Offers::Nothing, |pool| offers(&pool));
    if case.pool.is_none() && !case.complete.pools {
        return GateResult::OPEN.needs(case, Kind::NodePool, Reasons::ALL);
    }
    let blocker = |kind, message| {
        Blocker::new(kind, Reasons::ALL, message).about(Key::new(Kind::NodePool, ObjectKey::cluster(name)))
    };
    match offers {
        Offers::InstanceTypes => GateResult::OPEN,
        Offers::Unknown => {
            let message = sentence![
                "the NodeClass of NodePool ",
                name,
                " is being deleted, and what EKS Auto Mode does then is not known"
            ];
            GateResult::undecided(blocker(BlockerKind::InputMissing, message), Doubt::AutoMode)
        }
        Offers::Nothing => {
            let message = sentence!["NodePool not found (NodePool=", name, ")"];
            GateResult::closed(blocker(BlockerKind::NodePoolMissing, message))
        }
    }
}

/// Whether a NodePool offers instance types. Of one that does not Karpenter says that it is not found.
enum Offers {
    InstanceTypes,
    Nothing,
    Unknown,
}

/// On AWS a NodePool whose NodeClass is not there or is being deleted offers none (aws pkg/cloudprovider/cloudprovider.go,
/// resolveNodeClassFromNodePool), nor does one without subnets (pkg/providers/instancetype/instancetype.go). The source of
/// EKS Auto Mode is closed: there it is only likely of a NodeClass that is being deleted. Other providers may do without.
fn offers(pool: &PoolInputs<'_>) -> Offers {
    let Some(class) = pool.row.node_class.as_ref().filter(|class| is_of_aws(&class.group)) else {
        return Offers::InstanceTypes;
    };
    let ready = Condition::find(&pool.row.conditions, "NodeClassReady").filter(|found| found.status == Status::False);
    let reason = ready.map_or("", |found| found.reason.as_str());
    if reason == "NodeClassTerminating" && class.group == AUTO_MODE_GROUP {
        Offers::Unknown
    } else if matches!(reason, "NodeClassNotFound" | "NodeClassTerminating") || pool.lacks_subnets {
        Offers::Nothing
    } else {
        Offers::InstanceTypes
    }
}

/// Active pods with the annotation, mirror pods and those of DaemonSets included (statenode.go, ValidatePodsDisruptable).
fn pod_annotations(case: &NodeInputs<'_>) -> GateResult {
    let reasons = case.stopped_by_pods();
    let (doubtful, certain): (Vec<&PodRow>, Vec<&PodRow>) =
        case.protected().partition(|pod| case.doubts_protection_of(pod));
    let blockers = certain.into_iter().map(|pod| protected_pod(case, pod, reasons)).collect();
    let doubts = doubtful.into_iter().map(|pod| doubtful_pod(case, pod, reasons));
    GateResult { blockers, undecided: Vec::new() }.or_undecided(doubts, Doubt::Version).needs(case, Kind::Pod, reasons)
}

/// Karpenter before 1.12 takes a duration for nothing.
fn doubtful_pod(case: &NodeInputs<'_>, pod: &PodRow, reasons: Reasons) -> Blocker {
    let value = pod.do_not_disrupt.as_ref().map_or("", |value| value.as_str()).to_owned();
    let message = sentence![
        "Karpenter reads \"",
        value,
        "\" of pod ",
        &pod.meta.key,
        " only since 1.12, and its version is not known"
    ];
    Blocker::new(BlockerKind::InputMissing, reasons, message)
        .about(Key::new(Kind::Pod, pod.meta.key.clone()))
        .until(protection::of_pod(pod, case.now, case.karpenter).until)
}

fn protected_pod(case: &NodeInputs<'_>, pod: &PodRow, reasons: Reasons) -> Blocker {
    let message = sentence!["Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=", &pod.meta.key, ")"];
    let until = protection::of_pod(pod, case.now, case.karpenter).until;
    Blocker::new(BlockerKind::PodAnnotation, reasons, message)
        .about(Key::new(Kind::Pod, pod.meta.key.clone()))
        .until(until)
}

/// Evictable pods under a PodDisruptionBudget that allows nothing, or under several (pkg/utils/pdb/pdb.go).
fn pod_budgets(case: &NodeInputs<'_>) -> GateResult {
    let reasons = case.stopped_by_pods();
    let asked = || {
        let is_asked = |one: &&Budgeted| !(one.annotated && case.is_protected_key(&one.pod));
        case.pods.budgeted.iter().filter(is_asked)
    };
    let blockers = distinct(asked().flat_map(|one| blocking_budgets(case, one, reasons)));
    let doubts = distinct(asked().filter_map(|one| doubtful_budgets(case, one, reasons)));
    GateResult { blockers, undecided: Vec::new() }
        .or_undecided(doubts, Doubt::Version)
        .needs(case, Kind::Pod, reasons)
        .needs(case, Kind::PodDisruptionBudget, reasons)
}

/// One blocker for each sentence.
fn distinct(blockers: impl Iterator<Item = Blocker>) -> Vec<Blocker> {
    let mut distinct: Vec<Blocker> = Vec::new();
    for blocker in blockers {
        if distinct.iter().all(|known| known.message != blocker.message) {
            distinct.push(blocker);
        }
    }
    distinct
}

/// Several budgets that all allow a disruption stop Karpenter since 1.7.
fn doubtful_budgets(case: &NodeInputs<'_>, budgeted: &Budgeted, reasons: Reasons) -> Option<Blocker> {
    let (keys, pod) = (&*budgeted.budgets, &budgeted.pod);
    let is_doubtful = keys.len() > 1
        && case.doubts(case.karpenter.several_budgets())
        && budgets_that_allow_nothing(case, budgeted).is_empty();
    is_doubtful.then(|| {
        let names = Sentence::joined(keys, " ");
        let message = sentence![
            "several PodDisruptionBudgets (",
            names,
            ") of pod ",
            pod,
            " stop Karpenter only since 1.7, and its version is not known",
        ];
        Blocker::new(BlockerKind::InputMissing, reasons, message).about(Key::new(Kind::Pod, pod.clone()))
    })
}

fn blocking_budgets(case: &NodeInputs<'_>, budgeted: &Budgeted, reasons: Reasons) -> Vec<Blocker> {
    let keys = &*budgeted.budgets;
    let support = case.karpenter.several_budgets();
    if keys.len() > 1 && support != Support::No && !case.doubts(support) {
        return vec![several_budgets(keys, &budgeted.pod, reasons)];
    }
    budgets_that_allow_nothing(case, budgeted).into_iter().map(|key| one_budget(key, reasons)).collect()
}

/// Those that stop a disruption each by itself.
fn budgets_that_allow_nothing<'a>(case: &NodeInputs<'_>, budgeted: &'a Budgeted) -> Vec<&'a ObjectKey> {
    let keys = &*budgeted.budgets;
    let rows: Vec<(&ObjectKey, &DisruptionBudgetRow)> =
        keys.iter().filter_map(|key| Some((key, case.budgets.get(key)?))).collect();
    // Up to 1.6 the first of several that always lets unhealthy pods go decided, in an order that nobody knows.
    if budgeted.unready && rows.iter().any(|(_, row)| row.always_allows_unhealthy) {
        return Vec::new();
    }
    rows.into_iter().filter(|(_, row)| row.disruptions_allowed == 0).map(|(key, _)| key).collect()
}

fn one_budget(key: &ObjectKey, reasons: Reasons) -> Blocker {
    let message = sentence!["Pdb prevents pod evictions (PodDisruptionBudget=[", key, "])"];
    Blocker::new(BlockerKind::Pdb, reasons, message).about(Key::new(Kind::PodDisruptionBudget, key.clone()))
}

fn several_budgets(keys: &[ObjectKey], pod: &ObjectKey, reasons: Reasons) -> Blocker {
    let message = not_evictable(keys);
    Blocker::new(BlockerKind::MultiplePdbs, reasons, message).about(Key::new(Kind::Pod, pod.clone()))
}

/// Karpenter's sentence for a pod under several PodDisruptionBudgets.
pub fn not_evictable(budgets: &[ObjectKey]) -> Sentence {
    let names = Sentence::joined(budgets, " ");
    sentence!["Eviction does not support multiple PDBs (PodDisruptionBudget(s)=[", names, "])"]
}

/// A NodePool with `spec.replicas` consolidates nothing (emptiness.go, consolidation.go) and replaces drifted nodes only
/// when no node is too many and its limit leaves room for one more (staticdrift.go).
fn keeps_number(case: &NodeInputs<'_>, pool: &PoolInputs<'_>) -> GateResult {
    let Some(replicas) = pool.row.replicas else { return GateResult::OPEN };
    let key = || Key::new(Kind::NodePool, pool.row.meta.key.clone());
    let name = &pool.row.meta.key.name;
    let fixed = Blocker::new(
        BlockerKind::Static,
        Reasons::GRACEFUL,
        sentence!["NodePool \"", name, "\" keeps ", replicas, " nodes (spec.replicas) and is never consolidated"],
    );
    let mut result = GateResult::closed(fixed.about(key()));
    if !case.is_drifted() {
        return result;
    }
    let drifted = Reasons::only(Reason::Drifted);
    if let Some(message) = no_replacement(pool, replicas) {
        result.blockers.push(Blocker::new(BlockerKind::Static, drifted, message).about(key()));
    }
    result.needs(case, Kind::NodeClaim, drifted)
}

/// Why a NodePool of fixed size replaces no drifted node at the moment.
fn no_replacement(pool: &PoolInputs<'_>, replicas: i64) -> Option<Sentence> {
    let name = &pool.row.meta.key.name;
    let limit = pool.row.limits.iter().find(|(resource, _)| resource == "nodes");
    let limit = limit.and_then(|(_, amount)| quantity::units(amount));
    if let Some(staying) = pool.scales_down() {
        let nodes = sentence!["NodePool \"", name, "\" has ", staying, " nodes"];
        Some(sentence![nodes, " for ", replicas, " replicas: it scales down first"])
    } else if limit.is_some_and(|limit| i64::try_from(pool.claims.all).unwrap_or(i64::MAX) >= limit) {
        Some(sentence!["NodePool \"", name, "\" is at its limit of nodes, which leaves no room for a replacement"])
    } else {
        None
    }
}

/// `consolidateAfter: Never`. The API's default is zero; what is nevertheless absent is never to Karpenter.
fn consolidation(pool: &NodePoolRow) -> GateResult {
    if matches!(pool.consolidate_after, Lifetime::Seconds(_)) {
        return GateResult::OPEN;
    }
    let message = sentence!["NodePool \"", &pool.meta.key.name, "\" has consolidation disabled"];
    let blocker = Blocker::new(BlockerKind::ConsolidationDisabled, Reasons::GRACEFUL, message);
    GateResult::closed(blocker.about(Key::new(Kind::NodePool, pool.meta.key.clone())))
}

/// Labels without which the node's price is not known. Since 1.1 they do not matter for an empty node, nor for drift
/// (consolidation.go); before they did for every reason (statenode.go, types.go of 1.0).
fn labels(case: &NodeInputs<'_>) -> GateResult {
    let lacks = |key: &str| case.label(key).is_none();
    let message = if lacks("node.kubernetes.io/instance-type") {
        Sentence::of("Instance Type \"\" not found")
    } else if lacks("karpenter.sh/capacity-type") {
        lacks_label("karpenter.sh/capacity-type")
    } else if lacks("topology.kubernetes.io/zone") {
        lacks_label("topology.kubernetes.io/zone")
    } else {
        return GateResult::OPEN;
    };
    let blocker = |reasons| Blocker::new(BlockerKind::MissingLabels, reasons, message.clone()).about(node_key(case));
    let support = case.karpenter.labels_for_consolidation_only();
    if support == Support::No {
        return GateResult::closed(blocker(Reasons::ALL));
    }
    let consolidation = Reasons::only(Reason::Underutilized);
    let is_consolidated = case.pool.is_some() && case.is_empty() == Some(false);
    let result = if is_consolidated { GateResult::closed(blocker(consolidation)) } else { GateResult::OPEN };
    let others = case.doubts(support).then(|| {
        let message =
            sentence![message.clone(), ", which stops every reason before 1.1, and Karpenter's version is not known"];
        Blocker::new(BlockerKind::InputMissing, Reasons::ALL.without(consolidation), message).about(node_key(case))
    });
    result.or_undecided(others, Doubt::Version)
}

fn lacks_label(key: &'static str) -> Sentence {
    sentence!["Node does not have label \"", key, "\""]
}

/// `WhenEmpty` on a node that is not empty. Any other value, known or not, lets Karpenter go on (consolidation.go).
fn policy(case: &NodeInputs<'_>, pool: &NodePoolRow) -> GateResult {
    if case.doubts_emptiness() {
        let message =
            "pods that cost nothing to evict leave a node empty only since 1.14, and Karpenter's version is not known";
        let blocker = Blocker::new(BlockerKind::InputMissing, Reasons::GRACEFUL, message);
        return GateResult::undecided(blocker.about(node_key(case)), Doubt::Version);
    }
    if pool.consolidation_policy != "WhenEmpty" || case.is_empty() != Some(false) {
        return GateResult::OPEN.or_undecided(drift_of_empty(case), Doubt::Version);
    }
    let name = &pool.meta.key.name;
    let message = match case.karpenter.empty_rule() {
        EmptyRule::NoEvictionCost => {
            sentence!["NodePool \"", name, "\" has consolidation policy WhenEmpty, but node is not empty"]
        }
        EmptyRule::NoPodToMove => sentence!["NodePool \"", name, "\" has non-empty consolidation disabled"],
    };
    let blocker = Blocker::new(BlockerKind::Policy, Reasons::only(Reason::Underutilized), message);
    GateResult::closed(blocker.about(Key::new(Kind::NodePool, pool.meta.key.clone())))
}

/// What Karpenter 1.5 and 1.6 do with a drifted node without pods to move changed within these versions (drift.go).
fn drift_of_empty(case: &NodeInputs<'_>) -> Option<Blocker> {
    let message =
        "not all releases of Karpenter 1.5 and 1.6 replace a drifted node without pods before it goes as an empty one";
    let blocker = Blocker::new(BlockerKind::InputMissing, Reasons::only(Reason::Drifted), message);
    case.doubts_drift().then(|| blocker.about(node_key(case)))
}

/// Karpenter asks the condition `Consolidatable`, which it sets when the node has been quiet for consolidateAfter.
fn quiet(case: &NodeInputs<'_>, pool: &NodePoolRow) -> GateResult {
    let Lifetime::Seconds(seconds) = pool.consolidate_after else { return GateResult::OPEN };
    if pool.replicas.is_some() || case.claim_is("Consolidatable") {
        return GateResult::OPEN;
    }
    let message = sentence!["not quiet for consolidateAfter ", Part::Seconds(seconds), " yet"];
    let blocker = Blocker::new(BlockerKind::ConsolidateAfter, Reasons::GRACEFUL, message);
    GateResult::closed(blocker.about(node_key(case)).until(case.quiet_at()))
}

/// The NodePool's budgets, for the reasons that the node's state gives (controller.go asks them last).
fn pool_budgets(case: &NodeInputs<'_>, pool: &PoolInputs<'_>) -> GateResult {
    let mut result = GateResult::OPEN;
    // A node that is on its way already, or does not count yet, is stopped by that, not by the budget it uses up itself.
    if is_deleting(case) || budgets::is_chosen_node(case.node, case.claim) || !case.node.is_initialized() {
        return result;
    }
    for reason in Reason::ALL {
        if case.applies(reason) != Some(true) {
            continue;
        }
        let allowed = pool.budgets.allowed(reason, case.now);
        let is_certain = counts_are_known(case) || (allowed == 0 && pool.budgets.counted > 0);
        if pool.budgets.remaining(reason, case.now) == 0 && is_certain {
            result.blockers.push(exhausted(case, pool, reason));
        } else if allowed < UNLIMITED {
            let only = Reasons::only(reason);
            result = result.needs(case, Kind::Node, only).needs(case, Kind::NodeClaim, only);
        }
    }
    result
}

/// Whatever has to be simulated needs a NodePool for the pods that would move: one of the same provider that is Ready, not static
/// and not being deleted. Without one Karpenter ends the whole pass with `no nodepools found` (pkg/controllers/provisioning/
/// provisioner.go, NewScheduler; drift.go). Empty nodes and static NodePools do not ask.
fn placement(case: &NodeInputs<'_>, pool: &PoolInputs<'_>) -> GateResult {
    if case.has_ready_pool || pool.row.replicas.is_some() {
        return GateResult::OPEN;
    }
    let may_apply = |reason: &Reason| *reason != Reason::Empty && case.applies(*reason) != Some(false);
    let simulated: Reasons = Reason::ALL.into_iter().filter(may_apply).collect();
    if simulated.is_empty() || !case.complete.pools {
        return GateResult::OPEN.needs(case, Kind::NodePool, simulated);
    }
    let message = "no nodepools found: none that pods could be placed on is Ready";
    GateResult::closed(Blocker::new(BlockerKind::NodePoolMissing, simulated, message))
}

/// Whether the nodes that count for budgets are all known. If not, a share of them may be more than it seems, and a budget
/// that allows any may have some left.
const fn counts_are_known(case: &NodeInputs<'_>) -> bool {
    case.complete.nodes && case.complete.claims
}

fn exhausted(case: &NodeInputs<'_>, pool: &PoolInputs<'_>, reason: Reason) -> Blocker {
    let (budgets, name) = (pool.budgets, &pool.row.meta.key.name);
    let allowed = budgets.allowed(reason, case.now);
    let message = if allowed <= 0 {
        sentence!["No allowed disruptions for disruption reason ", reason.name(), " due to blocking budget"]
    } else {
        let (counted, used) = (budgets.counted, budgets.disrupting);
        let left = sentence!["NodePool \"", name, "\" allows ", allowed, " of ", counted, " nodes for ", reason.name()];
        sentence![left, ", and ", used, " are not ready or being disrupted"]
    };
    Blocker::new(BlockerKind::Budget, Reasons::only(reason), message)
        .about(Key::new(Kind::NodePool, pool.row.meta.key.clone()))
        .until(if counts_are_known(case) {
            budgets.opens_at(reason, case.now)
        } else {
            budgets.allows_at(reason, case.now)
        })
}

fn node_key(case: &NodeInputs<'_>) -> Key {
    Key::new(Kind::Node, case.node.meta.key.clone())
}
