use std::collections::BTreeSet;

use super::*;
use crate::fleet::{
    Budget, ControllerRow, Delta, DeviceHolder, DeviceReading, DisruptionBudgetRow, EventClass, EventObject, EventRow,
    Eviction, Exporter, ExporterKind, GpuAnswer, Health, HealthState, ImageSetup, JobRow, KarpenterApi, LoopState,
    NodeClaimRow, NodeClassRef, NodeClassRow, NodePoolRow, NodeRate, NodeRow, PodSelector, PriceChange, ReplicaSetRow,
    SourceId, Sources, Status, Uid, UserPrices, Utilization, Volume,
};
use crate::insight::cold_start::{Histogram, ImageStatistics};
use crate::insight::gpu::GpuThresholds;
use crate::insight::karpenter::Provenance;
use crate::insight::picture::{GpuSettings, GpuState, GpuStates, SpotSettings};
use crate::insight::spot::{EventSources, SpotNodes};
use crate::insight::testing::{
    MANAGED_LABELS, NOW, bare_device, claim, condition, fleet, job, labels, met, meta, node, owner, pod, pool,
    resources, sym, upserts,
};
use crate::insight::{Completeness, KarpenterVersion, Picture, testing};
use crate::rows;
use crate::units::Selector;

/// What the accelerators of each Node do.
fn gpu_states(fleet: &Fleet, picture: &Picture) -> GpuStates {
    let settings =
        GpuSettings { are_pods_known: true, are_claims_known: true, thresholds: &GpuThresholds::default(), now: NOW };
    let of_node = |node: &NodeRow| {
        let name = &node.meta.key.name;
        Some((name.clone(), GpuState::of(fleet, picture, name, settings, None)?))
    };
    fleet.nodes.iter().filter_map(of_node).collect()
}

fn spot_nodes(fleet: &Fleet, picture: &Picture, karpenter: &KarpenterVersion) -> SpotNodes {
    let sources = EventSources::default();
    let settings = SpotSettings { karpenter, sources, checkpoint_annotation: "batchtop.io/last-checkpoint", now: NOW };
    let names = fleet.nodes.iter().map(|node| &node.meta.key.name);
    names.filter_map(|name| Some((name.clone(), picture.spot_node(fleet, name, settings)?))).collect()
}

/// A node of NodePool `gpu` that Karpenter may take as empty, with everything that makes it so.
struct World {
    node: NodeRow,
    claim: NodeClaimRow,
    pool: NodePoolRow,
    more: Vec<Delta>,
    images: Vec<ImageStatistics>,
    /// Of Karpenter.
    version: &'static str,
}

impl World {
    fn new() -> Self {
        let mut row = node("a");
        row.provider_id = Some(sym("i-1"));
        row.labels = labels(&[&MANAGED_LABELS[..], &[("eks-node-viewer/instance-price", "55.04")]].concat());
        let mut behind = claim("c");
        behind.provider_id = Some(sym("i-1"));
        behind.conditions = met(&["Launched", "Registered", "Initialized", "Consolidatable"]);
        Self { node: row, claim: behind, pool: pool("gpu"), more: Vec::new(), images: Vec::new(), version: "1.14.1" }
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
        let karpenter = KarpenterVersion {
            version: Some(self.version.to_owned()),
            how: Provenance::Image,
            api: KarpenterApi::V1,
            auto_mode: false,
        };
        let picture = Picture::full(&fleet);
        let evaluator = Evaluator::new(&fleet, &picture, &Completeness::new(&sources), &karpenter, NOW);
        let (gpus, spot) = (gpu_states(&fleet, &picture), spot_nodes(&fleet, &picture, &karpenter));
        findings(&fleet, &evaluator, NodeStates { gpus: &gpus, spot: &spot, images: &self.images })
    }

    /// Severity, rule and object of each.
    fn found(self) -> Vec<(Severity, &'static str, String)> {
        let say = |found: Finding| (found.severity, found.rule.id, format!("{} {}", found.kind, found.object));
        self.findings().into_iter().map(say).collect()
    }
}

fn one(severity: Severity, rule: &'static str, object: &str) -> Vec<(Severity, &'static str, String)> {
    vec![(severity, rule, object.to_owned())]
}

#[expect(clippy::unnecessary_wraps, reason = "as the NodePool has it")]
fn budget(nodes: &str, schedule: Option<&str>) -> Option<Vec<Budget>> {
    let duration = schedule.map(|_| sym("1h"));
    Some(vec![Budget { nodes: sym(nodes), reasons: None, schedule: schedule.map(sym), duration }])
}

#[test]
fn a_quiet_cluster_has_no_findings() {
    assert_eq!(World::new().found(), []);
}

/// With a NodeClaim that has had no instance for so many seconds.
fn launching(age: i64) -> World {
    let mut row = claim("new");
    row.meta.created = NOW.plus_seconds(-age);
    row.conditions = vec![condition("Launched", Status::Unknown, "LaunchFailed")];
    World::new().with(Delta::NodeClaims(upserts(vec![row])))
}

/// With a NodeClaim, and a controller of Karpenter for each of these numbers of replicas.
fn with_controllers(replicas: &[i64]) -> World {
    let controller = |(n, replicas): (usize, &i64)| ControllerRow {
        meta: meta("kube-system", &format!("karpenter-{n}")),
        replicas: *replicas,
        has_interruption_queue: true,
        ..testing::controller()
    };
    let rows = replicas.iter().enumerate().map(controller).collect();
    launching(1).with(Delta::Controllers(upserts(rows)))
}

#[test]
fn karpenter_is_stopped_where_no_controller_has_replicas() {
    let rules = |replicas: &[i64]| {
        let found = with_controllers(replicas).findings();
        found.into_iter().filter(|finding| finding.rule.id == "KarpenterStopped").count()
    };
    assert_eq!((rules(&[]), rules(&[0]), rules(&[0, 0]), rules(&[0, 1])), (0, 1, 2, 0));
}

/// What the controller's metrics said of the loop, so many seconds ago.
fn loop_state(unsynced_seconds: Option<i64>, age: i64) -> Delta {
    let controller = ObjectKey::new("kube-system", "karpenter");
    Delta::LoopState(LoopState { controller, unsynced_seconds, as_of: NOW.plus_seconds(-age) })
}

#[test]
fn karpenter_is_stuck_where_it_says_so_and_no_object_explains_it() {
    let found = |state| World::new().with(state).found();
    assert_eq!(
        found(loop_state(Some(400), 5)),
        one(Severity::Warning, "KarpenterStuck", "Deployment kube-system/karpenter")
    );
    assert_eq!(found(loop_state(None, 5)), []);
    assert_eq!(found(loop_state(Some(60), 5)), [], "it may just have started");
    assert_eq!(found(loop_state(Some(400), 3_600)), [], "nobody knows what it would say now");
    assert_eq!(found(loop_state(Some(400), -5)), [], "a clock that runs ahead says nothing");
    let explained = launching(90).with(loop_state(Some(90), 5)).found();
    assert_eq!(explained, one(Severity::Warning, "LoopPaused", "NodeClaim new"));
}

#[test]
fn a_paused_disruption_loop_is_info_at_first_and_later_a_warning() {
    let launching = |age: i64| launching(age).found();
    assert_eq!(launching(5), one(Severity::Info, "LoopPaused", "NodeClaim new"));
    assert_eq!(launching(90), one(Severity::Warning, "LoopPaused", "NodeClaim new"));
    let budget = budget_row(PodSelector::Invalid(sym("no operator")), 1, (1, 1, 2));
    let unreadable = World::new().with(Delta::DisruptionBudgets(upserts(vec![budget]))).found();
    assert_eq!(unreadable, one(Severity::Critical, "LoopPaused", "PodDisruptionBudget ml/guard"));
}

/// For whoever asks why a Job does not run this is the better half.
#[test]
fn a_pause_says_that_pending_pods_wait_too_and_for_how_long() {
    let said = |version: &'static str| {
        let found = World { version, ..launching(90) }.findings();
        let found = found.iter().find(|finding| finding.rule.id == "LoopPaused").unwrap();
        (found.message.machine_text(), found.hint.to_string())
    };
    let (message, hint) = said("1.14.1");
    assert!(
        message.ends_with("Karpenter disrupts no node of its own accord, and makes none for pending pods"),
        "{message}"
    );
    assert!(hint.contains("five minutes"), "{hint}");
    assert!(said("1.6.3").1.contains("fifteen minutes"), "before 1.7 only the registration has a time limit");
}

/// With a pod whose eviction costs nothing.
fn cheap_pod() -> World {
    let eviction = Eviction { priority: i32::MIN, ..Eviction::default() };
    World::new().with(Delta::Pods(upserts(vec![PodRow { eviction: eviction.into(), ..pod("ml", "p", Some("a")) }])))
}

#[test]
fn pods_without_disruption_cost_cause_a_delete_and_launch_loop() {
    assert_eq!(cheap_pod().found(), one(Severity::Critical, "DeleteLaunchLoop", "Node a"));
    let mut never = cheap_pod();
    never.pool.consolidate_after = crate::units::Lifetime::Never;
    assert_eq!(never.found(), []);
}

/// With a drifted node beside the empty one.
fn drifted_beside_empty() -> World {
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
    drifted
}

#[test]
fn emptiness_that_starves_drift_is_a_finding() {
    assert_eq!(drifted_beside_empty().found(), one(Severity::Warning, "EmptinessStarvesDrift", "NodePool gpu"));
}

/// An Event of Karpenter's on Node `a`, a moment ago.
fn blocked(message: &str) -> Delta {
    let node = EventObject { kind: sym("Node"), key: ObjectKey::cluster("a") };
    let at = NOW.plus_seconds(-1);
    let event = rows::event(meta("default", "said"), at, EventClass::Blocked, "DisruptionBlocked", node);
    Delta::Events(upserts(vec![EventRow { message: sym(message), ..event }]))
}

/// With a node that is kept for a pod that waits for so many seconds.
fn nominated(pending_seconds: i64) -> World {
    let mut waiting = PodRow { unschedulable: sym("0/1 nodes are available"), ..pod("ml", "waiting", None) };
    waiting.meta.created = NOW.plus_seconds(-pending_seconds);
    let event = blocked("Node is nominated for a pending pod");
    World::new().with(Delta::Pods(upserts(vec![waiting]))).with(event)
}

#[test]
fn a_node_nominated_for_two_minutes_is_a_finding() {
    assert_eq!(nominated(120).found(), one(Severity::Warning, "LongNomination", "Node a"));
    assert_eq!(nominated(119).found(), [], "it may just be being placed");
}

/// With an Event that speaks of a PodDisruptionBudget that selects nothing on the node.
fn event_disagrees() -> World {
    let elsewhere = PodSelector::Matching(Selector::parse("app=elsewhere").unwrap());
    let event = blocked("Pdb prevents pod evictions (PodDisruptionBudget=[ml/guard])");
    World::new().with(Delta::DisruptionBudgets(upserts(vec![budget_row(elsewhere, 0, (1, 1, 2))]))).with(event)
}

#[test]
fn a_karpenter_event_that_contradicts_the_objects_is_a_finding() {
    let found = event_disagrees().findings();
    let [finding] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((finding.severity, finding.rule.id), (Severity::Warning, "EventDisagrees"));
    let said =
        "Karpenter says \"Pdb prevents pod evictions (PodDisruptionBudget=[ml/guard])\", which the objects do not show";
    assert_eq!(finding.message.machine_text(), said);
}

fn with_pool(change: fn(&mut NodePoolRow)) -> World {
    let mut world = World::new();
    change(&mut world.pool);
    world
}

fn class_not_found(pool: &mut NodePoolRow) {
    pool.node_class = Some(NodeClassRef { group: sym("karpenter.k8s.aws"), kind: sym("EC2NodeClass"), name: sym("x") });
    pool.conditions = vec![condition("NodeClassReady", Status::False, "NodeClassNotFound")];
}

#[test]
fn misconfigured_node_pools_are_findings() {
    let with = |change: fn(&mut NodePoolRow)| with_pool(change).found();
    assert_eq!(with(|pool| pool.budgets = budget("0", None)), one(Severity::Info, "NothingAllowed", "NodePool gpu"));
    let broken = with(|pool| pool.budgets = budget("1", Some("0 0 30 2 7")));
    assert_eq!(broken, one(Severity::Warning, "BudgetUnreadable", "NodePool gpu"));
    let not_ready =
        with(|pool| pool.conditions = vec![condition("NodeClassReady", Status::False, "NodeClassNotFound")]);
    assert_eq!(not_ready, one(Severity::Warning, "NodeClassNotReady", "NodePool gpu"));
    let annotated = with(|pool| pool.do_not_disrupt = Some(sym("true")));
    assert_eq!(annotated, one(Severity::Warning, "AnnotationIgnored", "NodePool gpu"));
    let gone = with(class_not_found);
    let rules: Vec<&str> = gone.into_iter().map(|(_, rule, _)| rule).collect();
    assert_eq!(rules, ["NodePoolMissing", "NodeClassNotReady"]);
}

#[test]
fn not_ready_nodes_that_use_up_a_budget_are_a_finding() {
    let mut world = World::new();
    world.pool.budgets = budget("1", None);
    world.node.conditions = vec![condition("Ready", Status::False, "")];
    let found = world.findings();
    let [finding] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((finding.severity, finding.rule.id), (Severity::Warning, "NothingAllowed"));
    let said = "what is allowed for Empty, Drifted, Underutilized is used up by 1 node not ready or being disrupted";
    assert_eq!(finding.message.machine_text(), said);
}

#[test]
fn annotations_that_karpenter_does_not_read_are_findings() {
    let value = Some(sym("true"));
    let on_job = JobRow { do_not_disrupt: value.clone(), ..job("ml", "train") };
    let in_template = JobRow { template_do_not_disrupt: value.clone(), ..on_job.clone() };
    let jobs = |row: JobRow| World::new().with(Delta::Jobs(upserts(vec![row]))).found();
    assert_eq!(jobs(on_job), one(Severity::Warning, "AnnotationIgnored", "Job ml/train"));
    assert_eq!(jobs(in_template), []);
    let deployment = owner("Deployment", "api", &Uid::parse("d"));
    let set = ReplicaSetRow { meta: meta("web", "api-5d"), owner: Some(deployment), do_not_disrupt: value.clone() };
    let sets = World::new().with(Delta::ReplicaSets(upserts(vec![set]))).found();
    assert_eq!(sets, one(Severity::Warning, "AnnotationIgnored", "Deployment web/api"));
    let mut on_claim = World::new();
    on_claim.claim.do_not_disrupt = value;
    assert_eq!(on_claim.found(), one(Severity::Warning, "AnnotationIgnored", "NodeClaim c"));
    let mut on_node = World::new();
    on_node.node.do_not_disrupt = Some(sym("1h"));
    assert_eq!(on_node.found(), one(Severity::Warning, "AnnotationIgnored", "Node a"));
}

/// With an annotated pod.
fn protected(value: &str) -> World {
    let row = PodRow { do_not_disrupt: Some(sym(value)), ..pod("ml", "p", Some("a")) };
    World::new().with(Delta::Pods(upserts(vec![row])))
}

/// With a protected pod on a node that expires so many hours after its creation.
fn expiring(hours: i64) -> World {
    let mut world = protected("true");
    world.claim.expire_after = crate::units::Lifetime::Seconds(hours * 3600);
    world.claim.termination_grace_seconds = Some(600);
    world
}

/// With a protected pod on a node that is being deleted.
fn stuck() -> World {
    let mut world = protected("true");
    world.claim.meta.deletion = Some(NOW.plus_seconds(-600));
    world
}

#[test]
fn invalid_and_expiring_protection_and_a_stuck_termination_are_findings() {
    assert_eq!(protected("1d").found(), one(Severity::Warning, "ProtectionInvalid", "Pod ml/p"));
    assert_eq!(protected("true").found(), []);
    let expiring = |hours: i64| expiring(hours).found();
    assert_eq!(expiring(2), one(Severity::Critical, "ProtectionWillNotHold", "Pod ml/p"));
    assert_eq!(expiring(100), [], "not worth a warning yet");
    assert_eq!(stuck().found(), one(Severity::Warning, "StuckTerminating", "Node a"));
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

/// With these PodDisruptionBudgets.
fn with_budgets(rows: Vec<DisruptionBudgetRow>) -> World {
    World::new().with(Delta::DisruptionBudgets(upserts(rows)))
}

fn all() -> PodSelector {
    PodSelector::Matching(Selector::parse("").unwrap())
}

/// With a pod under two PodDisruptionBudgets.
fn under_two_budgets() -> World {
    let twin = DisruptionBudgetRow { meta: meta("ml", "twin"), ..budget_row(all(), 1, (2, 1, 2)) };
    let pods = Delta::Pods(upserts(vec![pod("ml", "p", Some("a"))]));
    with_budgets(vec![budget_row(all(), 1, (2, 1, 2)), twin]).with(pods)
}

#[test]
fn pdbs_that_never_allow_evictions_or_overlap_are_findings() {
    let of = with_budgets;
    let never = of(vec![budget_row(all(), 0, (2, 2, 2))]).found();
    assert_eq!(never, one(Severity::Warning, "PdbNeverAllows", "PodDisruptionBudget ml/guard"));
    assert_eq!(of(vec![budget_row(all(), 0, (1, 1, 2))]).found(), [], "one is unhealthy now");
    let uncounted = || of(vec![budget_row(all(), 0, (0, 0, 0))]);
    assert_eq!(uncounted().found(), [], "it holds no node");
    let holding = uncounted().with(Delta::Pods(upserts(vec![pod("ml", "p", Some("a"))])));
    assert_eq!(holding.found(), one(Severity::Warning, "PdbNeverAllows", "PodDisruptionBudget ml/guard"));
    assert_eq!(under_two_budgets().found(), one(Severity::Warning, "MultiplePdbs", "Pod ml/p"));
}

#[test]
fn the_most_severe_finding_comes_first() {
    let mut world = World::new();
    world.pool.budgets = budget("0", None);
    world.node.do_not_disrupt = Some(sym("1h"));
    let severities: Vec<Severity> = world.found().into_iter().map(|(severity, ..)| severity).collect();
    assert_eq!(severities, [Severity::Warning, Severity::Info]);
}

/// With a node of these labels beside its usual ones, without a price.
fn labelled(pairs: &[(&str, &str)]) -> World {
    let mut world = World::new();
    world.node.labels = labels(&[&MANAGED_LABELS[..], pairs].concat());
    world
}

/// A node of EKS Auto Mode, with a price and without a fee.
fn without_fee() -> World {
    labelled(&[("eks-node-viewer/instance-price", "55.04"), ("eks.amazonaws.com/compute-type", "auto")])
}

/// With an old price file, which names a node that is not there.
fn old_price_file() -> World {
    let rate = |line| NodeRate { micro_usd_per_hour: 1, note: None, line };
    let user = UserPrices {
        file: "prices.toml".to_owned(),
        as_of: NOW.plus_seconds(-46 * 86_400),
        max_age_days: 45,
        nodes: [(sym("a"), rate(3)), (sym("aa"), rate(7))].into(),
        ..UserPrices::default()
    };
    World::new().with(Delta::Prices(vec![PriceChange::User(Some(Box::new(user)))]))
}

#[test]
fn unpriced_nodes_unused_price_rules_and_an_old_price_file_are_findings() {
    assert_eq!(labelled(&[]).found(), one(Severity::Warning, "PriceUnknown", "Node a"));
    assert_eq!(without_fee().found(), one(Severity::Info, "FeeUnknown", "Node a"));
    let found = old_price_file().findings();
    let said: Vec<_> = found.iter().map(|found| (found.rule.id, found.message.machine_text())).collect();
    assert_eq!(
        said,
        [
            ("PriceRuleUnused", "line 7: there is no node aa".to_owned()),
            ("PriceFileOld", "the price file is 46 days old; its max_age_days is 45".to_owned()),
        ]
    );
}

/// A Node created so long ago that should have eight GPUs, and advertises and can allocate so many.
fn with_gpus(age_seconds: i64, advertised: i64, allocatable: i64, product: &str) -> World {
    let mut world = World::new();
    let gpus = [
        ("karpenter.k8s.aws/instance-gpu-manufacturer", "nvidia"),
        ("karpenter.k8s.aws/instance-gpu-count", "8"),
        ("eks-node-viewer/instance-price", "55.04"),
        ("nvidia.com/gpu.product", product),
    ];
    world.node.labels = labels(&[&MANAGED_LABELS[..], &gpus].concat());
    world.node.meta.created = NOW.plus_seconds(-age_seconds);
    world.node.capacity = resources(8_000, 0, &[("nvidia.com/gpu", advertised)]);
    world.node.allocatable = resources(8_000, 0, &[("nvidia.com/gpu", allocatable)]);
    world
}

#[test]
fn accelerators_that_cannot_be_used_are_findings() {
    let told = |world: World| -> Vec<_> {
        world
            .findings()
            .into_iter()
            .map(|found| (found.severity, found.rule.id, found.message.machine_text()))
            .collect()
    };
    let missing = "its 8 devices are not advertised as nvidia.com/gpu".to_owned();
    assert_eq!(told(with_gpus(599, 0, 0, "H100")), [(Severity::Info, "DevicePluginMissing", missing.clone())]);
    assert_eq!(told(with_gpus(600, 0, 0, "H100")), [(Severity::Warning, "DevicePluginMissing", missing)]);
    let unhealthy = "1 of 8 nvidia.com/gpu cannot be allocated".to_owned();
    let idle = || {
        let words = "no pod requests a device; the node costs $55.04/h".to_owned();
        let exporter = "no exporter of GPU metrics runs on it".to_owned();
        [(Severity::Info, "GpuUnallocated", words), (Severity::Info, "ExporterMissing", exporter)]
    };
    let graver = |rule, words| [vec![(Severity::Warning, rule, words)], idle().to_vec()].concat();
    assert_eq!(told(with_gpus(600, 8, 7, "H100")), graver("GpuUnhealthy", unhealthy));
    assert_eq!(told(with_gpus(600, 8, 8, "H100")), idle());
    let invalid = "its label nvidia.com/gpu.product is A100-MIG-INVALID".to_owned();
    assert_eq!(told(with_gpus(600, 8, 8, "A100-MIG-INVALID")), graver("MigInvalid", invalid));
}

/// Two devices, of which the first is busy for so many percent and has memory in use, with a pod that requests one.
fn exported(percent: u32, used_bytes: u64, holder: Option<&str>) -> World {
    exported_beside(percent, used_bytes, holder, 0)
}

/// The same with another utilization of the second device, which nobody has requested.
fn exported_beside(percent: u32, used_bytes: u64, holder: Option<&str>, other: u32) -> World {
    let requests = resources(500, 1 << 30, &[("nvidia.com/gpu", 1)]).into();
    let train = PodRow { requests, ..pod("ml", "train", Some("a")) };
    let labels = labels(&[("app", "nvidia-dcgm-exporter")]);
    let exporter = PodRow { labels, ..pod("gpu", "dcgm", Some("a")) };
    let holder = holder.map(|name| DeviceHolder { pod: ObjectKey::new("ml", name), container: None });
    let device = DeviceReading {
        utilization: Some(Utilization::percent(percent)),
        memory_used_bytes: Some(used_bytes),
        holders: holder.into_iter().collect(),
        ..bare_device("GPU-0")
    };
    let other = DeviceReading { utilization: Some(Utilization::percent(other)), ..bare_device("GPU-1") };
    let answer = GpuAnswer {
        node: sym("a"),
        exporter: Exporter { kind: ExporterKind::Dcgm, pod: exporter.meta.key.clone() },
        at: NOW,
        devices: Ok(vec![device, other].into()),
    };
    let world = with_gpus(600, 2, 2, "H100").with(Delta::Pods(upserts(vec![train, exporter])));
    world.with(Delta::Gpus(vec![answer]))
}

fn stranded() -> World {
    with_gpus(600, 8, 8, "H100").with(Delta::Pods(upserts(vec![pod("web", "api", Some("a"))])))
}

#[test]
fn what_wasted_accelerators_cost_is_told() {
    let message = |world: World, rule: &str| {
        let found = world.findings().into_iter().find(|finding| finding.rule.id == rule);
        found.map(|finding| finding.message.machine_text())
    };
    let idle = message(exported(0, 0, Some("train")), "GpuIdle");
    assert_eq!(idle.as_deref(), Some("1 of 1 requested device idle; the node costs $55.04/h"));
    let rogue = message(exported_beside(90, 0, Some("train"), 50), "GpuRogue");
    assert_eq!(rogue.as_deref(), Some("1 device in use that no pod requests"));
}

/// With so many spot Nodes beside it, of AWS, in these zones, and a pod on each.
fn on_spot(zones: &[&str], pod_of: impl Fn(&str) -> PodRow) -> World {
    let name = |at: usize| format!("s{at}");
    let spot = |(at, zone): (usize, &&str)| NodeRow {
        labels: labels(&[
            ("karpenter.sh/capacity-type", "spot"),
            ("karpenter.sh/nodepool", "spot"),
            ("node.kubernetes.io/instance-type", "g5.xlarge"),
            ("topology.kubernetes.io/zone", zone),
            ("eks-node-viewer/instance-price", "1"),
        ]),
        provider_id: Some(sym(&format!("aws:///{zone}/i-{at}"))),
        ..node(&name(at))
    };
    let nodes = zones.iter().enumerate().map(spot).collect();
    let pods = (0..zones.len()).map(|at| pod_of(&name(at))).collect();
    World::new().with(Delta::Nodes(upserts(nodes))).with(Delta::Pods(upserts(pods)))
}

fn asking(grace_seconds: i64) -> impl Fn(&str) -> PodRow {
    move |node| PodRow { termination_grace_seconds: grace_seconds, ..pod("ml", &format!("on-{node}"), Some(node)) }
}

fn of_spot(world: World) -> Vec<(Severity, &'static str, String)> {
    let ids = ["InterruptionQueueMissing", "SpotPoolNotDiverse", "GraceLongerThanNotice", "ProtectedOnSpot"];
    world.found().into_iter().filter(|(_, id, _)| ids.contains(id)).collect()
}

fn controller(has_interruption_queue: bool) -> Delta {
    Delta::Controllers(upserts(vec![ControllerRow { has_interruption_queue, ..testing::controller() }]))
}

fn without_queue() -> World {
    on_spot(&["us-east-1a"], asking(30)).with(controller(false))
}

#[test]
fn a_missing_interruption_queue_is_a_finding_where_nodes_of_aws_need_one() {
    let missing = one(Severity::Warning, "InterruptionQueueMissing", "Deployment kube-system/karpenter");
    assert_eq!(of_spot(without_queue()), missing);
    assert_eq!(of_spot(on_spot(&["us-east-1a"], asking(30)).with(controller(true))), []);
    assert_eq!(of_spot(World::new().with(controller(false))), [], "no spot nodes");
    let handler = labels(&[("k8s-app", "aws-node-termination-handler")]);
    let handler = PodRow { labels: handler, ..pod("kube-system", "nth", Some("s0")) };
    assert_eq!(of_spot(without_queue().with(Delta::Pods(upserts(vec![handler])))), [], "somebody else handles it");
}

#[test]
fn three_spot_nodes_in_one_pool_are_not_diverse() {
    let zones = ["us-east-1a", "us-east-1a", "us-east-1a"];
    assert_eq!(of_spot(on_spot(&zones, asking(30))), one(Severity::Warning, "SpotPoolNotDiverse", "NodePool spot"));
    assert_eq!(of_spot(on_spot(&zones[1..], asking(30))), []);
    assert_eq!(of_spot(on_spot(&["us-east-1a", "us-east-1a", "us-east-1b"], asking(30))), []);
}

/// Two pods of a Job, with an annotation, on spot nodes.
fn protected_on_spot() -> World {
    let train = job("ml", "train");
    on_spot(&["us-east-1a", "us-east-1b"], move |node| PodRow {
        owner: Some(owner("Job", "train", &train.meta.uid)),
        do_not_disrupt: Some(sym("true")),
        ..asking(30)(node)
    })
}

#[test]
fn work_that_a_reclaim_cuts_short_and_protection_that_stops_none_are_findings() {
    let cut_short = one(Severity::Warning, "GraceLongerThanNotice", "Pod ml/on-s0");
    assert_eq!(of_spot(on_spot(&["us-east-1a"], asking(121))), cut_short);
    assert_eq!(of_spot(on_spot(&["us-east-1a"], asking(120))), []);
    assert_eq!(of_spot(protected_on_spot()), one(Severity::Info, "ProtectedOnSpot", "Job ml/train"));
}

/// With an image that is pulled to Nodes of NodePool `gpu`.
fn pulling(p50_millis: u64, pulls: u64) -> World {
    let image = ImageStatistics {
        image: sym("registry.example/ml/train:2"),
        instance_type: Some(sym("p5.48xlarge")),
        pool: Some(sym("gpu")),
        pulls,
        cached: 1,
        failed: 0,
        p50_millis: Some(p50_millis),
        p95_millis: Some(p50_millis),
        bytes: None,
        bytes_per_second: None,
        histogram: Histogram::default(),
    };
    World { images: vec![image], ..with_setup(ImageSetup::default()) }
}

/// With an EC2NodeClass that says so of images.
fn with_setup(images: ImageSetup) -> World {
    let mut world = World::new();
    let class = NodeClassRef { group: sym("karpenter.k8s.aws"), kind: sym("EC2NodeClass"), name: sym("gpu") };
    world.pool.node_class = Some(class);
    let row = NodeClassRow { meta: meta("", "gpu"), conditions: Vec::new(), reservations: Vec::new(), images };
    world.with(Delta::Ec2NodeClasses(upserts(vec![row])))
}

fn data_volume(initialization_mib_per_second: Option<i64>) -> ImageSetup {
    let volume = Volume {
        device: sym("/dev/xvdb"),
        snapshot: Some(sym("snap-1")),
        initialization_mib_per_second,
        throughput_mib_per_second: None,
        iops: None,
    };
    ImageSetup { is_bottlerocket: true, volumes: vec![volume], ..ImageSetup::default() }
}

fn with_lazy_snapshot() -> World {
    with_setup(data_volume(None))
}

#[test]
fn pulls_that_take_long_are_told_where_nothing_is_in_place_and_they_are_many() {
    let found =
        |world: World| -> Vec<&'static str> { world.findings().into_iter().map(|finding| finding.rule.id).collect() };
    assert_eq!(found(pulling(120_000, 5)), ["PullsTakeLong"]);
    assert_eq!(found(pulling(59_000, 5)), [""; 0], "short ones");
    assert_eq!(found(pulling(120_000, 2)), [""; 0], "a few");
    let with_snapshot = World { images: pulling(120_000, 5).images, ..with_setup(data_volume(Some(300))) };
    assert_eq!(found(with_snapshot), [""; 0], "something is in place");
    assert_eq!(found(World { images: pulling(120_000, 5).images, ..World::new() }), [""; 0], "nothing is known of it");
    let told = pulling(120_000, 5).findings();
    assert_eq!(
        told[0].message.machine_text(),
        "registry.example/ml/train:2 takes 2m to be pulled to p5.48xlarge, the median of 5 pulls, and 1 of 6 starts \
         found it there"
    );
}

/// A cluster in which each rule finds something.
fn examples() -> Vec<(&'static str, World)> {
    vec![
        ("LoopPaused", launching(90)),
        ("KarpenterStopped", with_controllers(&[0])),
        ("KarpenterStuck", World::new().with(loop_state(Some(400), 5))),
        ("EmptinessStarvesDrift", drifted_beside_empty()),
        ("DeleteLaunchLoop", cheap_pod()),
        ("LongNomination", nominated(600)),
        ("NodePoolMissing", with_pool(class_not_found)),
        ("NodeClassNotReady", with_pool(class_not_found)),
        ("NothingAllowed", with_pool(|pool| pool.budgets = budget("0", None))),
        ("BudgetUnreadable", with_pool(|pool| pool.budgets = budget("1", Some("0 0 30 2 7")))),
        ("AnnotationIgnored", with_pool(|pool| pool.do_not_disrupt = Some(sym("true")))),
        ("ProtectionInvalid", protected("1d")),
        ("ProtectionWillNotHold", expiring(2)),
        ("MultiplePdbs", under_two_budgets()),
        ("PdbNeverAllows", with_budgets(vec![budget_row(all(), 0, (2, 2, 2))])),
        ("StuckTerminating", stuck()),
        ("InterruptionQueueMissing", without_queue()),
        ("SpotPoolNotDiverse", on_spot(&["us-east-1a"; 3], asking(30))),
        ("GraceLongerThanNotice", on_spot(&["us-east-1a"], asking(121))),
        ("ProtectedOnSpot", protected_on_spot()),
        ("EventDisagrees", event_disagrees()),
        ("DevicePluginMissing", with_gpus(600, 0, 0, "H100")),
        ("GpuUnhealthy", with_gpus(600, 8, 7, "H100")),
        ("MigInvalid", with_gpus(600, 8, 8, "A100-MIG-INVALID")),
        ("GpuRogue", exported_beside(90, 0, Some("train"), 50)),
        ("GpuIdle", exported(0, 0, Some("train"))),
        ("GpuParked", exported(0, 2 << 30, Some("train"))),
        ("GpuStranded", stranded()),
        ("GpuUnallocated", with_gpus(600, 8, 8, "H100")),
        ("ExporterMissing", stranded()),
        ("ExporterWithoutPodLabels", exported(50, 0, None)),
        ("PullsTakeLong", pulling(120_000, 5)),
        ("SnapshotReadLazily", with_lazy_snapshot()),
        ("PriceUnknown", labelled(&[])),
        ("FeeUnknown", without_fee()),
        ("PriceRuleUnused", old_price_file()),
        ("PriceFileOld", old_price_file()),
    ]
}

#[test]
fn every_finding_rule_applies_to_its_example() {
    let examples = examples();
    let with_example: Vec<&str> = examples.iter().map(|(id, _)| *id).collect();
    assert_eq!(rules().map(|rule| rule.id).collect::<Vec<_>>(), with_example, "one example for each rule, in order");
    for (id, world) in examples {
        let found = world.findings();
        assert!(found.iter().any(|finding| finding.rule.id == id), "{id}: {found:?}");
    }
}

#[test]
fn every_finding_rule_has_a_unique_id_and_an_explanation() {
    let ids: BTreeSet<&str> = rules().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), rules().count());
    for rule in rules() {
        assert!(rule.id.chars().all(|letter| letter.is_ascii_alphanumeric()), "{rule:?}");
        assert!(rule.help.ends_with('.') && !rule.hint.is_empty(), "{rule:?}");
    }
}
