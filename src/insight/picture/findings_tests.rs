use super::*;
use crate::fleet::{
    Budget, Delta, Eviction, Health, HealthState, JobRow, KarpenterApi, NodeClassRef, NodeRate, NodeRow, PodSelector,
    PriceChange, ReplicaSetRow, SourceId, Sources, Uid, UserPrices,
};
use crate::insight::testing::{
    MANAGED_LABELS, NOW, claim, condition, fleet, job, labels, met, meta, node, owner, pod, pool, sym, upserts,
};
use crate::insight::{KarpenterVersion, Known, Picture};
use crate::rows;
use crate::units::Selector;

/// A node of NodePool `gpu` that Karpenter may take as empty, with everything that makes it so.
struct World {
    node: NodeRow,
    claim: NodeClaimRow,
    pool: NodePoolRow,
    more: Vec<Delta>,
}

impl World {
    fn new() -> Self {
        let mut row = node("a");
        row.provider_id = Some(sym("i-1"));
        row.labels = labels(&[&MANAGED_LABELS[..], &[("eks-node-viewer/instance-price", "55.04")]].concat());
        let mut behind = claim("c");
        behind.provider_id = Some(sym("i-1"));
        behind.conditions = met(&["Launched", "Registered", "Initialized", "Consolidatable"]);
        Self { node: row, claim: behind, pool: pool("gpu"), more: Vec::new() }
    }

    fn with(mut self, delta: Delta) -> Self {
        self.more.push(delta);
        self
    }

    fn findings(self) -> Vec<Finding> {
        let mut deltas = vec![
            Delta::Nodes(upserts(vec![self.node])),
            Delta::NodeClaims(upserts(vec![self.claim])),
            Delta::NodePools(upserts(vec![self.pool])),
        ];
        deltas.extend(self.more);
        let fleet = fleet(deltas);
        let live = || Health { state: HealthState::Live, ..Health::default() };
        let sources: Sources = SourceId::all().map(|source| (source, live())).collect();
        let karpenter = KarpenterVersion { api: KarpenterApi::V1, ..KarpenterVersion::default() };
        let picture = Picture::full(&fleet);
        findings(&fleet, &Judge::new(&fleet, &picture, &Known::new(&sources), &karpenter, NOW))
    }

    /// Severity, rule and object of each.
    fn found(self) -> Vec<(Severity, Rule, String)> {
        let say = |found: Finding| (found.severity, found.rule, format!("{} {}", found.kind, found.object));
        self.findings().into_iter().map(say).collect()
    }
}

fn one(severity: Severity, rule: Rule, object: &str) -> Vec<(Severity, Rule, String)> {
    vec![(severity, rule, object.to_owned())]
}

#[expect(clippy::unnecessary_wraps, reason = "as the NodePool has it")]
fn budget(nodes: &str, schedule: Option<&str>) -> Option<Vec<Budget>> {
    let duration = schedule.map(|_| sym("1h"));
    Some(vec![Budget { nodes: sym(nodes), reasons: None, schedule: schedule.map(sym), duration }])
}

#[test]
fn nothing_is_wrong_with_a_quiet_cluster() {
    assert_eq!(World::new().found(), []);
}

#[test]
fn a_paused_loop_is_news_at_first_and_a_warning_later() {
    let launching = |age: i64| {
        let mut row = claim("new");
        row.meta.created = NOW.plus_seconds(-age);
        row.conditions = vec![condition("Launched", Status::Unknown, "LaunchFailed")];
        World::new().with(Delta::NodeClaims(upserts(vec![row]))).found()
    };
    assert_eq!(launching(5), one(Severity::Info, Rule::LoopPaused, "NodeClaim new"));
    assert_eq!(launching(90), one(Severity::Warning, Rule::LoopPaused, "NodeClaim new"));
    let budget = budget_row(PodSelector::Invalid(sym("no operator")), 1, (1, 1, 2));
    let unreadable = World::new().with(Delta::DisruptionBudgets(upserts(vec![budget]))).found();
    assert_eq!(unreadable, one(Severity::Critical, Rule::LoopPaused, "PodDisruptionBudget ml/guard"));
}

#[test]
fn pods_that_cost_nothing_make_a_node_empty_and_come_back() {
    let free = crate::fleet::PodRow {
        eviction: Eviction { priority: i32::MIN, ..Eviction::default() },
        ..pod("ml", "p", Some("a"))
    };
    let world = || World::new().with(Delta::Pods(upserts(vec![free.clone()])));
    assert_eq!(world().found(), one(Severity::Critical, Rule::DeleteLaunchLoop, "Node a"));
    let mut never = world();
    never.pool.consolidate_after = crate::units::Lifetime::Never;
    assert_eq!(never.found(), []);
}

#[test]
fn drifted_nodes_that_wait_for_empty_ones() {
    let mut drifted = World::new();
    let mut other = drifted.node.clone();
    other.meta = meta("", "b");
    other.provider_id = Some(sym("i-2"));
    let mut behind = drifted.claim.clone();
    behind.meta = meta("", "d");
    behind.provider_id = Some(sym("i-2"));
    behind.conditions = met(&["Launched", "Registered", "Initialized", "Drifted"]);
    drifted.more = vec![
        Delta::Nodes(upserts(vec![other])),
        Delta::NodeClaims(upserts(vec![behind])),
        Delta::Pods(upserts(vec![pod("ml", "p", Some("b"))])),
    ];
    assert_eq!(drifted.found(), one(Severity::Warning, Rule::EmptinessStarvesDrift, "NodePool gpu"));
}

#[test]
fn what_is_wrong_with_a_node_pool() {
    let with = |change: fn(&mut NodePoolRow)| {
        let mut world = World::new();
        change(&mut world.pool);
        world.found()
    };
    assert_eq!(
        with(|pool| pool.budgets = budget("0", None)),
        one(Severity::Info, Rule::NothingAllowed, "NodePool gpu")
    );
    let broken = with(|pool| pool.budgets = budget("1", Some("0 0 30 2 7")));
    assert_eq!(broken, one(Severity::Warning, Rule::BudgetUnreadable, "NodePool gpu"));
    let not_ready =
        with(|pool| pool.conditions = vec![condition("NodeClassReady", Status::False, "NodeClassNotFound")]);
    assert_eq!(not_ready, one(Severity::Warning, Rule::NodeClassNotReady, "NodePool gpu"));
    let annotated = with(|pool| pool.do_not_disrupt = Some(sym("true")));
    assert_eq!(annotated, one(Severity::Warning, Rule::AnnotationIgnored, "NodePool gpu"));
    let gone = with(|pool| {
        pool.node_class =
            Some(NodeClassRef { group: sym("karpenter.k8s.aws"), kind: sym("EC2NodeClass"), name: sym("x") });
        pool.conditions = vec![condition("NodeClassReady", Status::False, "NodeClassNotFound")];
    });
    let rules: Vec<Rule> = gone.into_iter().map(|(_, rule, _)| rule).collect();
    assert_eq!(rules, [Rule::NodePoolMissing, Rule::NodeClassNotReady]);
}

#[test]
fn nodes_that_are_not_ready_use_up_what_is_allowed() {
    let mut world = World::new();
    world.pool.budgets = budget("1", None);
    world.node.conditions = vec![condition("Ready", Status::False, "")];
    let found = world.findings();
    let [finding] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((finding.severity, finding.rule), (Severity::Warning, Rule::NothingAllowed));
    let said = "what is allowed for Empty, Drifted, Underutilized is used up by 1 node not ready or being disrupted";
    assert_eq!(finding.message, said);
}

#[test]
fn annotations_that_nothing_reads() {
    let value = Some(sym("true"));
    let on_job = JobRow { do_not_disrupt: value.clone(), ..job("ml", "train") };
    let in_template = JobRow { template_do_not_disrupt: value.clone(), ..on_job.clone() };
    let jobs = |row: JobRow| World::new().with(Delta::Jobs(upserts(vec![row]))).found();
    assert_eq!(jobs(on_job), one(Severity::Warning, Rule::AnnotationIgnored, "Job ml/train"));
    assert_eq!(jobs(in_template), []);
    let deployment = owner("Deployment", "api", &Uid::parse("d"));
    let set = ReplicaSetRow { meta: meta("web", "api-5d"), owner: Some(deployment), do_not_disrupt: value.clone() };
    let sets = World::new().with(Delta::ReplicaSets(upserts(vec![set]))).found();
    assert_eq!(sets, one(Severity::Warning, Rule::AnnotationIgnored, "Deployment web/api"));
    let mut on_claim = World::new();
    on_claim.claim.do_not_disrupt = value;
    assert_eq!(on_claim.found(), one(Severity::Warning, Rule::AnnotationIgnored, "NodeClaim c"));
    let mut on_node = World::new();
    on_node.node.do_not_disrupt = Some(sym("1h"));
    assert_eq!(on_node.found(), one(Severity::Warning, Rule::AnnotationIgnored, "Node a"));
}

#[test]
fn protection_that_means_nothing_or_ends_too_soon() {
    let protected = |value: &str| {
        let row = crate::fleet::PodRow { do_not_disrupt: Some(sym(value)), ..pod("ml", "p", Some("a")) };
        World::new().with(Delta::Pods(upserts(vec![row])))
    };
    assert_eq!(protected("1d").found(), one(Severity::Warning, Rule::ProtectionInvalid, "Pod ml/p"));
    assert_eq!(protected("true").found(), []);
    let expiring = |hours: i64| {
        let mut world = protected("true");
        world.claim.expire_after = crate::units::Lifetime::Seconds(hours * 3600);
        world.claim.termination_grace_seconds = Some(600);
        world.found()
    };
    assert_eq!(expiring(2), one(Severity::Critical, Rule::ProtectionWillNotHold, "Pod ml/p"));
    assert_eq!(expiring(100), [], "not worth a warning yet");
    let mut stuck = protected("true");
    stuck.claim.meta.deletion = Some(NOW.plus_seconds(-600));
    assert_eq!(stuck.found(), one(Severity::Warning, Rule::StuckTerminating, "Node a"));
}

fn budget_row(
    selector: PodSelector,
    allowed: i64,
    (healthy, desired, expected): (i64, i64, i64),
) -> DisruptionBudgetRow {
    DisruptionBudgetRow {
        disruptions_allowed: allowed,
        current_healthy: healthy,
        desired_healthy: desired,
        expected_pods: expected,
        ..rows::disruption_budget(meta("ml", "guard"), selector)
    }
}

#[test]
fn budgets_of_pods_that_hold_for_ever() {
    let all = || PodSelector::Matching(Selector::parse("").unwrap());
    let of = |rows: Vec<DisruptionBudgetRow>| World::new().with(Delta::DisruptionBudgets(upserts(rows)));
    let never = of(vec![budget_row(all(), 0, (2, 2, 2))]).found();
    assert_eq!(never, one(Severity::Warning, Rule::PdbNeverAllows, "PodDisruptionBudget ml/guard"));
    assert_eq!(of(vec![budget_row(all(), 0, (1, 1, 2))]).found(), [], "one is unhealthy now");
    let uncounted = || of(vec![budget_row(all(), 0, (0, 0, 0))]);
    assert_eq!(uncounted().found(), [], "it holds no node");
    let holding = uncounted().with(Delta::Pods(upserts(vec![pod("ml", "p", Some("a"))])));
    assert_eq!(holding.found(), one(Severity::Warning, Rule::PdbNeverAllows, "PodDisruptionBudget ml/guard"));
    let twin = DisruptionBudgetRow { meta: meta("ml", "twin"), ..budget_row(all(), 1, (2, 1, 2)) };
    let two =
        of(vec![budget_row(all(), 1, (2, 1, 2)), twin]).with(Delta::Pods(upserts(vec![pod("ml", "p", Some("a"))])));
    assert_eq!(two.found(), one(Severity::Warning, Rule::MultiplePdbs, "Pod ml/p"));
}

#[test]
fn the_gravest_comes_first() {
    let mut world = World::new();
    world.pool.budgets = budget("0", None);
    world.node.do_not_disrupt = Some(sym("1h"));
    let severities: Vec<Severity> = world.found().into_iter().map(|(severity, ..)| severity).collect();
    assert_eq!(severities, [Severity::Warning, Severity::Info]);
}

#[test]
fn nodes_without_a_price_and_lines_that_price_nobody() {
    let mut world = World::new();
    world.node.labels = labels(&MANAGED_LABELS);
    assert_eq!(world.found(), one(Severity::Warning, Rule::PriceUnknown, "Node a"));
    let mut auto = World::new();
    auto.node.labels = labels(
        &[
            &MANAGED_LABELS[..],
            &[("eks-node-viewer/instance-price", "55.04"), ("eks.amazonaws.com/compute-type", "auto")],
        ]
        .concat(),
    );
    assert_eq!(auto.found(), one(Severity::Info, Rule::FeeUnknown, "Node a"));
    let rate = |line| NodeRate { micro_usd_per_hour: 1, note: None, line };
    let user = UserPrices {
        file: "prices.toml".to_owned(),
        as_of: NOW.plus_seconds(-46 * 86_400),
        max_age_days: 45,
        nodes: [(sym("a"), rate(3)), (sym("aa"), rate(7))].into(),
        ..UserPrices::default()
    };
    let prices = Delta::Prices(vec![PriceChange::User(Some(Box::new(user)))]);
    let found = World::new().with(prices).findings();
    let said: Vec<_> = found.iter().map(|found| (found.rule, found.message.as_str())).collect();
    assert_eq!(
        said,
        [
            (Rule::PriceRuleUnused, "line 7: there is no node aa"),
            (Rule::PriceFileOld, "the price file is 46 days old; its max_age_days is 45"),
        ]
    );
}
