//! Mistakes and wastes worth telling, over the whole cluster.

use std::collections::{BTreeMap, BTreeSet};

use super::judge::{Answer, Judge};
use super::price_findings::of_prices;
use crate::fleet::{
    Condition, DisruptionBudgetRow, Fleet, Kind, NodeClaimRow, NodePoolRow, NodeRow, ObjectKey, PodRow, Status, Sym,
};
use crate::insight::disruption::{
    BlockerKind, Outlook, Pause, PoolBudgets, ProtectionState, Reason, Reasons, Verdict, words,
};
use crate::insight::phase;
use crate::units::Time;

/// How much a finding matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Good to know.
    Info,
    /// It costs money, or protects less than somebody thinks.
    Warning,
    /// Work is being lost, or nothing moves at all.
    Critical,
}

/// What rule found it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Rule {
    /// Karpenter disrupts nothing of its own accord.
    LoopPaused,
    /// Empty nodes keep Karpenter from drifted ones.
    EmptinessStarvesDrift,
    /// A node counts as empty though pods run there, which then come back.
    DeleteLaunchLoop,
    /// A node is kept for a pod that stays pending.
    LongNomination,
    /// Nodes whose NodePool is gone.
    NodePoolMissing,
    /// A NodePool whose NodeClass is not ready.
    NodeClassNotReady,
    /// A NodePool that allows no disruption now.
    NothingAllowed,
    /// A budget that Karpenter cannot read.
    BudgetUnreadable,
    /// An annotation where nothing reads it.
    AnnotationIgnored,
    /// A pod's annotation with a value that means nothing.
    ProtectionInvalid,
    /// A pod that will be ended in spite of its annotation within a day.
    ProtectionWillNotHold,
    /// Pods under several PodDisruptionBudgets, which no eviction passes.
    MultiplePdbs,
    /// A PodDisruptionBudget that can never allow a disruption.
    PdbNeverAllows,
    /// A node that is being deleted and waits for a pod for ever.
    StuckTerminating,
    /// Karpenter says something that the objects do not show.
    EventDisagrees,
    /// Nodes whose price nobody tells.
    PriceUnknown,
    /// Nodes whose fee of EKS Auto Mode nobody tells.
    FeeUnknown,
    /// A line of the price file that prices nothing.
    PriceRuleUnused,
    /// A price file that is older than it says it may be.
    PriceFileOld,
}

impl Rule {
    /// As the JSON writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LoopPaused => "LoopPaused",
            Self::EmptinessStarvesDrift => "EmptinessStarvesDrift",
            Self::DeleteLaunchLoop => "DeleteLaunchLoop",
            Self::LongNomination => "LongNomination",
            Self::NodePoolMissing => "NodePoolMissing",
            Self::NodeClassNotReady => "NodeClassNotReady",
            Self::NothingAllowed => "NothingAllowed",
            Self::BudgetUnreadable => "BudgetUnreadable",
            Self::AnnotationIgnored => "AnnotationIgnored",
            Self::ProtectionInvalid => "ProtectionInvalid",
            Self::ProtectionWillNotHold => "ProtectionWillNotHold",
            Self::MultiplePdbs => "MultiplePdbs",
            Self::PdbNeverAllows => "PdbNeverAllows",
            Self::StuckTerminating => "StuckTerminating",
            Self::EventDisagrees => "EventDisagrees",
            Self::PriceUnknown => "PriceUnknown",
            Self::FeeUnknown => "FeeUnknown",
            Self::PriceRuleUnused => "PriceRuleUnused",
            Self::PriceFileOld => "PriceFileOld",
        }
    }
}

/// A mistake or a waste.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What rule found it.
    pub rule: Rule,
    /// The kind of the object; not only those that batchtop reads.
    pub kind: &'static str,
    /// The object.
    pub object: ObjectKey,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// A loop that is paused for longer than any launch that goes well.
const PAUSED_SECONDS: i64 = 60;

/// A drifted node that waits for longer than this is starved.
const STARVED_SECONDS: i64 = 300;

/// A pod that is pending for longer than this is not just being placed.
const PENDING_SECONDS: i64 = 120;

/// Ends of protected pods further away than this are not worth a warning yet.
const SOON_SECONDS: i64 = 86_400;

/// Everything worth telling, the gravest first.
pub fn findings(fleet: &Fleet, judge: &Judge<'_>) -> Vec<Finding> {
    let answers: Vec<Answer<'_>> = fleet.nodes.iter().map(|node| judge.answer(node)).collect();
    of_answers(fleet, judge, &answers)
}

/// The same from answers that are there already, one for each Node.
pub fn of_answers(fleet: &Fleet, judge: &Judge<'_>, answers: &[Answer<'_>]) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(judge.pauses().map(|pause| paused(pause, judge.now())));
    found.extend(starving(fleet, judge.now(), answers));
    found.extend(answers.iter().filter_map(loops));
    found.extend(nominations(fleet, answers, judge.now()));
    found.extend(missing_pools(answers));
    found.extend(fleet.node_pools.iter().flat_map(|pool| of_pool(judge, pool)));
    found.extend(ignored_annotations(fleet));
    let placed = answers.iter().flat_map(|answer| &answer.pods);
    found.extend(placed.filter_map(|(pod, outlook)| of_protection(judge.now(), pod, outlook)));
    let unplaced = fleet.annotated_pods().filter(|pod| pod.node.is_none());
    found.extend(unplaced.filter_map(|pod| of_protection(judge.now(), pod, &judge.pod(pod))));
    found.extend(fleet.disruption_budgets.iter().filter_map(never_allows));
    found.extend(uncounted(fleet, answers));
    found.extend(several_budgets(answers));
    found.extend(answers.iter().filter_map(|one| stuck(fleet, judge.now(), one)));
    found.extend(answers.iter().filter_map(disagrees));
    found.extend(of_prices(fleet, judge.picture(), judge.now()));
    found.sort_unstable_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.cmp(b)));
    found
}

fn finding(severity: Severity, rule: Rule, (kind, object): (Kind, &ObjectKey), message: String, hint: &str) -> Finding {
    Finding { severity, rule, kind: kind.name(), object: object.clone(), message, hint: hint.to_owned() }
}

/// `1 node`, `2 nodes`.
fn plural(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn paused(pause: Pause<'_>, now: Time) -> Finding {
    match pause {
        Pause::Launching(claim) => launching(claim, now),
        Pause::Unreadable(budget) => finding(
            Severity::Critical,
            Rule::LoopPaused,
            (Kind::PodDisruptionBudget, &budget.meta.key),
            "its selector cannot be read, so Karpenter disrupts nothing of its own accord in the whole cluster"
                .to_owned(),
            "correct spec.selector",
        ),
    }
}

fn launching(claim: &NodeClaimRow, now: Time) -> Finding {
    let seconds = now.seconds_since(claim.meta.created);
    let severity = if seconds < PAUSED_SECONDS { Severity::Info } else { Severity::Warning };
    let launched = Condition::find(&claim.conditions, "Launched");
    let why = launched.filter(|found| found.status != Status::True).map_or("", |found| found.message.as_str());
    let message = format!(
        "it has had no providerID for {seconds} s, and until it has one Karpenter disrupts no node of its own accord{}{why}",
        if why.is_empty() { "" } else { ": " }
    );
    let hint = "look at its condition Launched; Karpenter deletes it five minutes after its creation";
    finding(severity, Rule::LoopPaused, (Kind::NodeClaim, &claim.meta.key), message, hint)
}

/// Emptiness runs first and again after each success: as long as one NodePool yields empty nodes, nothing else happens.
fn starving(fleet: &Fleet, now: Time, judged: &[Answer<'_>]) -> Option<Finding> {
    let waits = |node: &NodeRow| {
        let since = fleet.claim_of(node).and_then(|claim| claim.true_since("Drifted"));
        since.is_some_and(|since| now.seconds_since(since) >= STARVED_SECONDS)
    };
    let waiting = judged.iter().filter(|one| one.disruption.may.yes.contains(Reason::Drifted) && waits(one.node));
    let empty: Vec<&Answer<'_>> = judged.iter().filter(|one| one.disruption.may.yes.contains(Reason::Empty)).collect();
    let (count, first) = (waiting.count(), empty.first()?);
    let pool = first.node.node_pool()?;
    (count > 0).then(|| {
        let empty = plural(u64::try_from(empty.len()).unwrap_or(u64::MAX), "empty node");
        let drifted = plural(u64::try_from(count).unwrap_or(u64::MAX), "drifted node");
        let message = format!("Karpenter takes empty nodes first: {empty} before {drifted}");
        let hint = "raise its budget for Empty, or find out why it keeps producing empty nodes";
        finding(
            Severity::Warning,
            Rule::EmptinessStarvesDrift,
            (Kind::NodePool, &ObjectKey::cluster(pool)),
            message,
            hint,
        )
    })
}

fn loops(one: &Answer<'_>) -> Option<Finding> {
    let is_empty = one.disruption.applies.contains(Reason::Empty) && one.reschedulable > 0;
    let never = one.disruption.firm().any(|blocker| {
        matches!(blocker.kind, BlockerKind::ConsolidationDisabled | BlockerKind::Static | BlockerKind::NotManaged)
    });
    if !is_empty || never {
        return None;
    }
    let message = format!(
        "{} here whose eviction costs nothing to Karpenter, so the node counts as empty: evicted, they come \
         back on a new node, and so on",
        plural(u64::from(one.reschedulable), "pod")
    );
    let hint =
        "raise their priority above -33554432 or their pod-deletion-cost above -134217728, or set consolidateAfter";
    Some(finding(Severity::Critical, Rule::DeleteLaunchLoop, (Kind::Node, &one.node.meta.key), message, hint))
}

fn nominations(fleet: &Fleet, judged: &[Answer<'_>], now: Time) -> Vec<Finding> {
    let is_nominated =
        |one: &&Answer<'_>| one.disruption.blockers.iter().any(|blocker| blocker.kind == BlockerKind::Nominated);
    let mut nominated = judged.iter().filter(is_nominated).peekable();
    if nominated.peek().is_none() {
        return Vec::new();
    }
    let is_waiting =
        |pod: &&PodRow| !pod.unschedulable.is_empty() && now.seconds_since(pod.meta.created) >= PENDING_SECONDS;
    let Some(pod) = fleet.pods.iter().filter(is_waiting).min_by_key(|pod| (pod.meta.created, &pod.meta.key)) else {
        return Vec::new();
    };
    let message = format!("Karpenter keeps it for a pending pod; {} has been pending the longest", pod.meta.key);
    let hint = "find out why the pod is not bound: Karpenter does not disrupt the node as long as it waits";
    nominated
        .map(|one| {
            finding(Severity::Warning, Rule::LongNomination, (Kind::Node, &one.node.meta.key), message.clone(), hint)
        })
        .collect()
}

fn missing_pools(judged: &[Answer<'_>]) -> Vec<Finding> {
    let mut pools: BTreeMap<&Sym, u64> = BTreeMap::new();
    let misses = |one: &&Answer<'_>| one.disruption.firm().any(|blocker| blocker.kind == BlockerKind::NodePoolMissing);
    for one in judged.iter().filter(misses) {
        if let Some(pool) = one.node.node_pool() {
            *pools.entry(pool).or_default() += 1;
        }
    }
    let say = |(pool, nodes): (&Sym, u64)| {
        let nodes = plural(nodes, "node");
        let message = format!(
            "Karpenter does not find it, and takes none of its {nodes} of its own accord; expiry still ends them"
        );
        let hint = "create the NodePool or its NodeClass again, or delete the NodeClaims";
        finding(Severity::Warning, Rule::NodePoolMissing, (Kind::NodePool, &ObjectKey::cluster(pool)), message, hint)
    };
    pools.into_iter().map(say).collect()
}

fn of_pool(judge: &Judge<'_>, pool: &NodePoolRow) -> Vec<Finding> {
    let Some(budgets) = judge.budgets(&pool.meta.key.name) else { return Vec::new() };
    [class_not_ready(pool), unreadable(pool, budgets), nothing_allowed(judge, pool, budgets)]
        .into_iter()
        .flatten()
        .collect()
}

fn class_not_ready(pool: &NodePoolRow) -> Option<Finding> {
    let ready = Condition::find(&pool.conditions, "NodeClassReady").filter(|found| found.status != Status::True)?;
    let message = format!("its NodeClass is not ready: {} {}", ready.reason, ready.message);
    let hint = "it launches no nodes; look at the conditions of the NodeClass";
    Some(finding(
        Severity::Warning,
        Rule::NodeClassNotReady,
        (Kind::NodePool, &pool.meta.key),
        message.trim_end().to_owned(),
        hint,
    ))
}

fn unreadable(pool: &NodePoolRow, budgets: &PoolBudgets) -> Option<Finding> {
    let why = budgets.broken()?;
    let message =
        format!("Karpenter cannot read one of its budgets and therefore allows nothing for any reason: {why}");
    let hint = "correct schedule and duration of the budget";
    Some(finding(Severity::Warning, Rule::BudgetUnreadable, (Kind::NodePool, &pool.meta.key), message, hint))
}

fn nothing_allowed(judge: &Judge<'_>, pool: &NodePoolRow, budgets: &PoolBudgets) -> Option<Finding> {
    let now = judge.now();
    let closed: Reasons = Reason::ALL.into_iter().filter(|reason| budgets.remaining(*reason, now) == 0).collect();
    if closed.is_empty() || budgets.counted == 0 || !judge.counts_are_known() || budgets.broken().is_some() {
        return None;
    }
    let forbidden: Reasons = closed.iter().filter(|reason| budgets.allowed(*reason, now) == 0).collect();
    let consumed = closed.without(forbidden);
    let mut parts = Vec::new();
    if !forbidden.is_empty() {
        parts.push(format!("its budgets allow nothing for {}", words::list(forbidden)));
    }
    if !consumed.is_empty() {
        let (used, reasons) = (budgets.disrupting, words::list(consumed));
        let used = plural(used, "node");
        parts.push(format!("what is allowed for {reasons} is used up by {used} not ready or being disrupted"));
    }
    let opens = closed.iter().filter_map(|reason| budgets.opens_at(reason, now)).min();
    let until = opens.map_or_else(String::new, |at| format!("; the next window opens {at}"));
    let severity = if consumed.is_empty() { Severity::Info } else { Severity::Warning };
    let hint =
        if consumed.is_empty() { "that may be as you want it" } else { "mend or remove the nodes that are not ready" };
    let message = format!("{}{until}", parts.join("; "));
    Some(finding(severity, Rule::NothingAllowed, (Kind::NodePool, &pool.meta.key), message, hint))
}

/// Objects that somebody annotated and nobody asks. What comes from a Deployment is seen on its ReplicaSets, to which its
/// controller copies the annotation.
fn ignored_annotations(fleet: &Fleet) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |kind: &'static str, object: &ObjectKey, value: &Sym, hint: &str| {
        let message = format!("karpenter.sh/do-not-disrupt: \"{value}\" has no effect here");
        let (severity, rule, object) = (Severity::Warning, Rule::AnnotationIgnored, object.clone());
        found.push(Finding { severity, rule, kind, object, message, hint: hint.to_owned() });
    };
    let on_template = "put it into the pod template (spec.template.metadata.annotations)";
    for job in fleet.jobs.iter() {
        if let Some(value) = job.do_not_disrupt.as_ref().filter(|_| job.template_do_not_disrupt.is_none()) {
            say("Job", &job.meta.key, value, on_template);
        }
    }
    let mut deployments: BTreeMap<ObjectKey, &Sym> = BTreeMap::new();
    for set in fleet.replica_sets.iter() {
        if let (Some(value), Some(owner)) = (&set.do_not_disrupt, &set.owner) {
            let key = ObjectKey { namespace: set.meta.key.namespace.clone(), name: owner.name.clone() };
            deployments.insert(key, value);
        }
    }
    deployments.iter().for_each(|(key, value)| say("Deployment", key, value, on_template));
    for claim in fleet.node_claims.iter() {
        let is_only_here =
            || fleet.node_of(claim).is_some_and(|node| node.is_registered() && node.do_not_disrupt.is_none());
        if let Some(value) = claim.do_not_disrupt.as_ref().filter(|_| is_only_here()) {
            say(
                "NodeClaim",
                &claim.meta.key,
                value,
                "annotate the Node: Karpenter does not read it here after registration",
            );
        }
    }
    for pool in fleet.node_pools.iter() {
        if let Some(value) = &pool.do_not_disrupt {
            say(
                "NodePool",
                &pool.meta.key,
                value,
                "put it into spec.template.metadata.annotations, or annotate the Nodes",
            );
        }
    }
    for node in fleet.nodes.iter() {
        if let Some(value) = node.do_not_disrupt.as_ref().filter(|value| *value != "true") {
            say("Node", &node.meta.key, value, "a Node is protected by exactly \"true\"; durations are for pods");
        }
    }
    found
}

fn of_protection(now: Time, pod: &PodRow, outlook: &Outlook) -> Option<Finding> {
    let gap = outlook.gaps.first().filter(|_| outlook.holds == Some(false))?;
    let (severity, rule, hint) = match outlook.protection.state {
        ProtectionState::Invalid => {
            (Severity::Warning, Rule::ProtectionInvalid, "use \"true\" or a duration such as \"4h\"")
        }
        ProtectionState::Permanent | ProtectionState::Until if outlook.fails_before(now.plus_seconds(SOON_SECONDS)) => {
            (Severity::Critical, Rule::ProtectionWillNotHold, "finish or move the work before, or checkpoint it")
        }
        _ => return None,
    };
    Some(finding(severity, rule, (Kind::Pod, &pod.meta.key), gap.clone(), hint))
}

/// Healthy as it is wanted, with as many pods wanted as there are: it allows no eviction, now or later.
fn never_allows(row: &DisruptionBudgetRow) -> Option<Finding> {
    let never = row.expected_pods > 0 && row.desired_healthy >= row.expected_pods && row.disruptions_allowed == 0;
    never.then(|| {
        let message = format!(
            "it wants {} of {} pods healthy: no pod may ever be evicted",
            row.desired_healthy, row.expected_pods
        );
        let hint = "allow at least one disruption, or its pods hold every node they run on";
        finding(Severity::Warning, Rule::PdbNeverAllows, (Kind::PodDisruptionBudget, &row.meta.key), message, hint)
    })
}

/// Without a controller that says how many pods there are to be, only an integer minAvailable can be computed
/// (kubernetes pkg/controller/disruption): anything else stays at nothing allowed.
fn uncounted(fleet: &Fleet, judged: &[Answer<'_>]) -> Vec<Finding> {
    let expecting_none = fleet.disruption_budgets.iter().filter(|row| row.expected_pods == 0);
    let expecting_none: BTreeSet<&ObjectKey> = expecting_none.map(|row| &row.meta.key).collect();
    let blocking = judged.iter().flat_map(|one| &one.disruption.blockers).filter(|one| one.kind == BlockerKind::Pdb);
    let keys = blocking.filter_map(|one| Some(&one.object.as_ref()?.object));
    let keys: BTreeSet<&ObjectKey> = keys.filter(|key| expecting_none.contains(key)).collect();
    let hint = "for pods without a controller use an integer minAvailable";
    let say = |key: &ObjectKey| {
        let message = "it selects pods and yet expects none (expectedPods 0): no pod may ever be evicted".to_owned();
        finding(Severity::Warning, Rule::PdbNeverAllows, (Kind::PodDisruptionBudget, key), message, hint)
    };
    keys.into_iter().map(say).collect()
}

fn several_budgets(judged: &[Answer<'_>]) -> Vec<Finding> {
    let of_kind = |one: &Answer<'_>| -> Vec<Finding> {
        let several = one.disruption.blockers.iter().filter(|blocker| blocker.kind == BlockerKind::MultiplePdbs);
        let pods = several.filter_map(|blocker| blocker.object.as_ref().map(|pod| (pod, blocker)));
        let hint = "make the selectors of the PodDisruptionBudgets disjoint: no eviction passes several";
        pods.map(|(pod, blocker)| {
            let message = blocker.message.clone();
            finding(Severity::Warning, Rule::MultiplePdbs, (Kind::Pod, &pod.object), message, hint)
        })
        .collect()
    };
    judged.iter().flat_map(of_kind).collect()
}

/// Without terminationGracePeriod a deleted NodeClaim waits for its protected pods as long as they are protected.
fn stuck(fleet: &Fleet, now: Time, one: &Answer<'_>) -> Option<Finding> {
    if one.disruption.verdict != Verdict::Terminating {
        return None;
    }
    let claim =
        fleet.claim_of(one.node).filter(|claim| phase::is_terminating(claim) && claim.termination_at.is_none())?;
    let since = claim.meta.deletion.filter(|since| now.seconds_since(*since) >= STARVED_SECONDS)?;
    let protected = one.pods.iter().filter(|(_, outlook)| outlook.protection.state.is_active());
    let pods: Vec<String> = protected.map(|(pod, _)| pod.meta.key.to_string()).collect();
    (!pods.is_empty()).then(|| {
        let message = format!("being deleted since {since}, and waits for protected pods: {}", pods.join(", "));
        let hint =
            "it costs money until they end; remove their annotation, or set a terminationGracePeriod for new nodes";
        finding(Severity::Warning, Rule::StuckTerminating, (Kind::Node, &one.node.meta.key), message, hint)
    })
}

fn disagrees(one: &Answer<'_>) -> Option<Finding> {
    let said = one.disruption.disagreement.as_ref()?;
    let message = format!("Karpenter says \"{said}\", which the objects do not show");
    let hint = "if it stays, please report it with a snapshot: the answer for this node may be wrong";
    Some(finding(Severity::Warning, Rule::EventDisagrees, (Kind::Node, &one.node.meta.key), message, hint))
}

#[cfg(test)]
#[path = "findings_tests.rs"]
mod tests;
