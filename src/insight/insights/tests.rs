//! The oracle: whatever happens, every derived value equals what is computed from nothing.

use std::cell::Cell;
use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prop_oneof;
use proptest::sample::select;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::*;
use crate::fleet::{
    Accelerator, Advisor, AdvisorRange, Budget, CapacityType, Change, ClassRequest, ControllerRow, Delta,
    DeviceClassRow, DeviceHolder, DeviceReading, DisruptionBudgetRow, EventClass, EventObject, EventRow, Exporter,
    ExporterKind, GangRow, GpuAnswer, GpuFailure, HealthState, InstanceType, JobRow, KarpenterApi, NodeClaimRow,
    NodeClassRef, NodeClassRow, NodeOperator, NodeOverlayRow, NodePoolRow, NodeRequirement, NodeRow, NodeTemplate,
    ObjectKey, OverlayPrice, PodPhase, PodRow, PodSelector, PodStart, Price, PriceChange, PriceKey, PriceList,
    RareAnnotations, ReplicaSetRow, Reservation, ResourceClaimRow, ResourceSliceRow, SliceDevice, SourceId,
    SpotMarketChange, Status, Sym, Taint, Uid, UserPrices, Utilization, WorkloadRow,
};
use crate::insight::cold_start::{ColdStart, LaunchFailureReason};
use crate::insight::gpu::GpuThresholds;
use crate::insight::picture::{self, NodeFacts, NodeProtection, RateSums};
use crate::insight::spot::SpotThresholds;
use crate::insight::testing;
use crate::insight::testing::{
    CREATED, NOW, bare_device, claim, condition, job, labels, met, meta, node, owner, pod, pool, resource_claim,
    resources, slice, slice_device, sym, upserts, workload,
};
use crate::rows;
use crate::units::{Lifetime, Selector};

thread_local! {
    /// A declaration that is left out, to see whether the oracle notices.
    static OMITTED: Cell<Option<(Part, Dependency)>> = const { Cell::new(None) };
}

pub(super) fn is_omitted(part: Part, dependency: Dependency) -> bool {
    OMITTED.get() == Some((part, dependency))
}

/// All rates, computed from nothing; `None` while not all Nodes and NodeClaims are known.
fn cost_rates(inputs: &Inputs<'_>, insights: &Insights) -> Option<CostRates> {
    let facts = |name: &Sym| {
        let is_paid = |start: &&ColdStart| start.open_phase().is_some() && start.billed_since.is_some();
        let starts = insights.starts.all().filter(is_paid).filter(|start| start.node.as_ref() == Some(name));
        let waiting = insights.picture.waiting_rate(inputs.fleet, name, starts);
        NodeFacts::new(insights.verdicts.protection(name), insights.gpus.of_node(name), waiting)
    };
    let mut sums = RateSums::full(inputs.fleet, &insights.picture, facts);
    let fixed = picture::cluster_fixed(inputs.fleet, inputs.cluster);
    let (are_known, _) = sums.publish(&inputs.known(), fixed, insights.gpus.sums().idle_rate());
    are_known.then(|| sums.rates().clone())
}

impl Insights {
    /// Everything computed from nothing, with nothing left to do.
    pub(crate) fn full(inputs: &Inputs<'_>) -> Self {
        let mut insights = Self::new(inputs);
        let names: BTreeSet<Sym> = inputs.fleet.nodes.iter().map(|node| node.meta.key.name.clone()).collect();
        insights.picture = Picture::full(inputs.fleet);
        insights.starts = Starts::full(inputs.fleet);
        insights.protected_pods = ProtectedPods::full(inputs.fleet, inputs.now, &insights.karpenter);
        insights.verdicts.note_nodes(inputs.fleet, &names);
        insights.gpus.touch(&insights.picture, names.iter());
        insights.spot.touch(&names);
        insights.spot.note_pods(inputs.fleet, &inputs.fleet.pods.iter().map(|pod| pod.meta.key.clone()).collect());
        insights.spot.note_events(inputs.fleet);
        insights.rates.touch(Touched {
            nodes: names.into_iter().collect(),
            claims: inputs.fleet.node_claims.iter().map(|claim| claim.meta.key.clone()).collect(),
            owners: insights.picture.owners().cloned().collect(),
        });
        insights.dirty.extend(Part::ALL);
        insights.settle(inputs);
        insights
    }

    /// Follows everything that is behind; no time passes.
    fn settle(&mut self, inputs: &Inputs<'_>) {
        self.price_watch.hurry();
        self.gpus.hurry();
        self.command_watch.hurry();
        self.tick(inputs, inputs.now);
        while self.has_work() {
            self.work(inputs);
        }
    }
}

/// Spot Nodes and pools computed from nothing but what was seen of them, which is history.
fn spot(inputs: &Inputs<'_>, found: &Insights) -> Spot {
    let mut spot = Spot::default();
    let SpotRecord { server, memory } = found.spot.record();
    spot.load([(server, memory)].into());
    spot.touch(inputs.fleet.nodes.iter().map(|node| &node.meta.key.name));
    spot.note_pods(inputs.fleet, &inputs.fleet.pods.iter().map(|pod| pod.meta.key.clone()).collect());
    spot.note_events(inputs.fleet);
    spot.follow_cluster(inputs);
    spot.begin_second(inputs);
    while spot.has_work() {
        spot.evaluate_slice(inputs, &found.picture, &found.karpenter);
    }
    spot
}

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    Delta(Delta),
    Health(SourceId, HealthState),
    Cluster(Box<ClusterFacts>),
    Seconds(i64),
}

/// Everything known, and the insights that follow it.
struct World {
    fleet: Fleet,
    sources: Sources,
    cluster: ClusterFacts,
    now: Time,
    insights: Insights,
    /// What should have been paid, in micro-dollars per hour times seconds.
    paid: i128,
}

fn inputs<'a>(fleet: &'a Fleet, sources: &'a Sources, cluster: &'a ClusterFacts, now: Time) -> Inputs<'a> {
    Inputs {
        fleet,
        sources,
        cluster,
        karpenter_version: None,
        gpu_thresholds: &WITHOUT_DWELL,
        spot_thresholds: &SpotThresholds::DEFAULT,
        checkpoint_annotation: CHECKPOINT,
        now,
        longest_tick_seconds: 3_600,
    }
}

impl World {
    fn new() -> Self {
        let live = || Health { state: HealthState::Live, ..Health::default() };
        let sources = SourceId::all().map(|source| (source, live())).collect();
        let cluster = ClusterFacts { karpenter_api: KarpenterApi::V1, ..ClusterFacts::default() };
        let fleet = Fleet::default();
        let insights = Insights::full(&inputs(&fleet, &sources, &cluster, NOW));
        Self { fleet, sources, cluster, now: NOW, insights, paid: 0 }
    }

    fn take(&mut self, step: &Step) {
        match step.clone() {
            Step::Delta(delta) => {
                let changed = self.fleet.apply(delta);
                self.insights.note(&inputs(&self.fleet, &self.sources, &self.cluster, self.now), &changed);
            }
            Step::Health(source, state) => {
                let health = Health { state, ..Health::default() };
                let before = self.sources.insert(source, health);
                let inputs = inputs(&self.fleet, &self.sources, &self.cluster, self.now);
                self.insights.note_health(&inputs, source, before.as_ref());
            }
            Step::Cluster(facts) => {
                self.cluster = *facts;
                self.insights.note_cluster(&inputs(&self.fleet, &self.sources, &self.cluster, self.now));
            }
            Step::Seconds(seconds) => self.pass(seconds),
        }
        self.insights.settle(&inputs(&self.fleet, &self.sources, &self.cluster, self.now));
    }

    fn pass(&mut self, seconds: i64) {
        let before = self.now;
        self.now = before.plus_seconds(seconds);
        let rate = self.insights.rates().map_or(0, |rates| rates.total);
        self.paid += i128::from(rate) * i128::from(seconds);
        self.insights.tick(&inputs(&self.fleet, &self.sources, &self.cluster, self.now), before);
    }

    /// Compares every part with what is computed from nothing.
    fn compare(&self) -> Result<(), TestCaseError> {
        let inputs = inputs(&self.fleet, &self.sources, &self.cluster, self.now);
        let (found, wanted) = (&self.insights, Insights::full(&inputs));
        // Nothing else is asked for while not all Nodes are known.
        let is_asked = inputs.known().all(Kind::Node);
        let equal = |part: Part, is_equal: bool| {
            if is_equal { Ok(()) } else { Err(TestCaseError::fail(format!("{part:?} is behind"))) }
        };
        equal(Part::Picture, found.picture == wanted.picture)?;
        equal(Part::Starts, found.starts.all().eq(wanted.starts.all()))?;
        equal(Part::Karpenter, found.karpenter == wanted.karpenter)?;
        equal(Part::ProtectedPods, found.protected_pods == wanted.protected_pods)?;
        equal(Part::ProtectedPods, found.totals(&inputs) == wanted.totals(&inputs))?;
        equal(Part::Verdicts, found.verdicts.summaries() == wanted.verdicts.summaries())?;
        let commands = found.next_commands(&inputs).unwrap_or_default();
        equal(Part::Verdicts, found.last_next_commands() == commands && commands == wanted.last_next_commands())?;
        equal(Part::Rates, found.rates() == wanted.rates())?;
        equal(Part::Rates, found.rates().cloned() == cost_rates(&inputs, found))?;
        equal(Part::Gpus, found.gpus.states() == wanted.gpus.states())?;
        equal(Part::Gpus, found.gpus.sums() == wanted.gpus.sums())?;
        let are_pods_known = inputs.known().all(Kind::Pod);
        equal(Part::Gpus, !(is_asked && are_pods_known) || found.gpus.asked() == wanted.gpus.asked())?;
        equal(Part::GpuHistory, self.readings_are_remembered())?;
        // While nothing changes, sums grow every few seconds.
        let is_paid = found.payments.are_made_at(self.now);
        equal(Part::Ledger, !is_paid || found.ledger.total().exact() == self.paid)?;
        let (spot, seen) = (spot(&inputs, found), found.spot.record());
        equal(Part::Spot, seen.server == inputs.cluster.server && found.spot.sources() == spot.sources())?;
        equal(Part::Spot, found.spot.nodes() == spot.nodes())?;
        equal(Part::Spot, found.spot.pools().eq(spot.pools()) && found.spot.totals() == spot.totals())?;
        equal(Part::Spot, found.spot.zones().eq(spot.zones()))?;
        equal(Part::Spot, found.spot.nodes().keys().all(|name| found.spot.score_of(name).is_some()))?;
        // A demand without a price is none, whoever would be asked.
        let asked =
            |insights: &Insights| Some(insights.price_watch.asked().clone()).filter(|asked| !asked.is_nothing());
        equal(Part::PriceDemand, !is_asked || asked(found) == asked(&wanted))?;
        self.held_nodes_are_remembered()
    }

    /// How busy devices were is history, and cannot be computed from nothing; that the last reading is in it can, and that no
    /// Node is remembered that is gone.
    fn readings_are_remembered(&self) -> bool {
        let is_remembered = |node: &NodeRow| {
            let name = &node.meta.key.name;
            let history = self.insights.gpu_history.of_node(name);
            let is_own = history.is_none_or(|history| history.is_of(&node.meta.uid));
            let told = gpu_history::newest(self.fleet.gpus.of_node(name));
            is_own
                && told.is_none_or(|(at, told)| {
                    let last = |reading| history.and_then(|history| history.of_device(reading, at).last().copied()?);
                    told.devices
                        .iter()
                        .all(|reading| reading.utilization.is_none() || last(reading) == reading.utilization)
                })
        };
        self.fleet.nodes.iter().all(is_remembered)
            && self.insights.gpu_history.names().all(|name| self.fleet.node(name).is_some())
    }

    /// Since when a Node is held is history, and cannot be computed from nothing; whether it is held now can.
    fn held_nodes_are_remembered(&self) -> Result<(), TestCaseError> {
        let inputs = inputs(&self.fleet, &self.sources, &self.cluster, self.now);
        let evaluator = self.insights.evaluator(&inputs);
        for node in self.fleet.nodes.iter() {
            let protection = self.insights.verdicts.protection(&node.meta.key.name);
            let case = evaluator.case(node);
            let since = self.insights.held.since(&case, &crate::insight::disruption::judge(&case));
            let is_remembered = since.is_some() || protection.is_held != Some(true) || case.claim.is_none();
            if !is_remembered && self.insights.held.is_seen(&node.meta.uid) != Some(true) {
                return Err(TestCaseError::fail("a held Node is not remembered"));
            }
        }
        Ok(())
    }
}

const INSTANCE_TYPE: &str = "p5.48xlarge";
const RESERVATION: (&str, &str) = ("karpenter.k8s.aws/capacity-reservation-id", "cr-1");

fn managed(name: &str, more: &[(&str, &str)]) -> NodeRow {
    of_type(name, INSTANCE_TYPE, more)
}

fn of_type(name: &str, instance_type: &str, more: &[(&str, &str)]) -> NodeRow {
    let own = [
        ("karpenter.sh/initialized", "true"),
        ("karpenter.sh/registered", "true"),
        ("karpenter.sh/nodepool", "gpu"),
        ("karpenter.sh/capacity-type", "on-demand"),
        ("topology.kubernetes.io/region", "us-east-1"),
        ("topology.kubernetes.io/zone", "us-east-1a"),
        ("node.kubernetes.io/instance-type", instance_type),
    ];
    let mut row = node(name);
    row.labels = labels(&[&own[..], more].concat());
    row.provider_id = Some(sym(&format!("aws:///us-east-1a/i-{name}")));
    row.capacity = resources(96_000, 1 << 40, &[("nvidia.com/gpu", 8)]);
    row.allocatable = row.capacity.clone();
    row
}

fn nodes() -> Vec<Delta> {
    let broken = NodeRow { conditions: vec![condition("Ready", Status::False, "KubeletStopped")], ..managed("a", &[]) };
    let without_devices = |row: NodeRow| NodeRow {
        capacity: resources(96_000, 1 << 40, &[]),
        allocatable: resources(96_000, 1 << 40, &[]),
        ..row
    };
    let one = |row: NodeRow| Delta::Nodes(vec![Change::Upsert(row)]);
    vec![
        one(managed("a", &[])),
        one(managed("a", &[RESERVATION])),
        one(NodeRow { do_not_disrupt: Some(sym("true")), ..managed("a", &[]) }),
        one(managed("b", &[])),
        one(broken),
        one(of_type("c", "m7i.large", &[])),
        one(without_devices(managed("b", &[]))),
        Delta::Nodes(vec![Change::Remove(ObjectKey::cluster("c"))]),
        Delta::Nodes(vec![Change::Remove(ObjectKey::cluster("b"))]),
    ]
}

fn class_ref(group: &str) -> NodeClassRef {
    NodeClassRef { group: sym(group), kind: sym("EC2NodeClass"), name: sym("default") }
}

fn claims() -> Vec<Delta> {
    let row = |node: &str, conditions: &[&str]| {
        let provider_id = Some(sym(&format!("aws:///us-east-1a/i-{node}")));
        let instance_type = if node == "new" { "g5.xlarge" } else { INSTANCE_TYPE };
        let labels = of_type(node, instance_type, &[]).labels;
        let node_class = Some(class_ref("karpenter.k8s.aws"));
        let conditions = met(conditions);
        NodeClaimRow { labels, node_class, provider_id, conditions, ..claim(&format!("c-{node}")) }
    };
    let of = |node: &str, conditions: &[&str]| Delta::NodeClaims(vec![Change::Upsert(row(node, conditions))]);
    let ready = ["Launched", "Registered", "Initialized", "Consolidatable"];
    let promised = resources(96_000, 1 << 40, &[("nvidia.com/gpu", 8)]);
    vec![
        of("a", &ready),
        of("a", &ready[..3]),
        of("a", &[&ready[..], &["Drifted"]].concat()),
        of("b", &ready),
        Delta::NodeClaims(vec![Change::Upsert(NodeClaimRow { capacity: promised, ..row("b", &ready) })]),
        of("new", &ready[..1]),
        Delta::NodeClaims(vec![Change::Remove(ObjectKey::cluster("c-new"))]),
    ]
}

fn pools() -> Vec<Delta> {
    let closed = Budget { nodes: sym("0"), reasons: None, schedule: None, duration: None };
    let types = NodeRequirement {
        key: sym("node.kubernetes.io/instance-type"),
        operator: NodeOperator::In,
        values: ["g5.xlarge", "g6.xlarge", "p5.48xlarge"].map(sym).into(),
    };
    let balanced = NodePoolRow { consolidation_policy: sym("Balanced"), ..pool("gpu") };
    let rows = [
        pool("gpu"),
        NodePoolRow { consolidation_policy: sym("WhenEmpty"), ..pool("gpu") },
        NodePoolRow { budgets: Some(vec![closed]), ..pool("gpu") },
        NodePoolRow { consolidate_after: Lifetime::Never, ..pool("gpu") },
        balanced,
        NodePoolRow { node_class: Some(class_ref("karpenter.azure.com")), ..pool("gpu") },
        NodePoolRow { template: NodeTemplate { requirements: vec![types], ..NodeTemplate::default() }, ..pool("gpu") },
    ];
    rows.map(|row| Delta::NodePools(vec![Change::Upsert(row)])).into()
}

fn pods() -> Vec<Delta> {
    let work = |name: &str, node: &str, of: (&str, &str, &str)| PodRow {
        owner: Some(owner(of.0, of.1, &Uid::parse(of.2))),
        labels: labels(&[("app", "work")]),
        requests: resources(4_000, 1 << 30, &[("nvidia.com/gpu", 2)]).into(),
        ..pod("ml", name, Some(node))
    };
    let (train, web) = (("Job", "train", "uid-train"), ("ReplicaSet", "web-1", "uid-web-1"));
    let protected = |value: &str| PodRow { do_not_disrupt: Some(sym(value)), ..work("p1", "a", train) };
    let upsert = |row: PodRow| Delta::Pods(vec![Change::Upsert(row)]);
    vec![
        upsert(work("p1", "a", train)),
        upsert(protected("true")),
        upsert(protected("2h")),
        upsert(work("p2", "b", web)),
        upsert(work("p3", "a", web)),
        Delta::Pods(vec![Change::Remove(ObjectKey::new("ml", "p1"))]),
    ]
}

fn workloads() -> Vec<Delta> {
    let train = |owner| JobRow { owner, active: 1, ..JobRow { meta: with_uid("train"), ..job("ml", "train") } };
    let web = |owner| ReplicaSetRow { meta: with_uid("web-1"), owner, do_not_disrupt: None };
    vec![
        Delta::Jobs(upserts(vec![train(None)])),
        Delta::Jobs(upserts(vec![train(Some(owner("CronJob", "nightly", &Uid::parse("nightly"))))])),
        Delta::Jobs(vec![Change::Remove(ObjectKey::new("ml", "train"))]),
        Delta::ReplicaSets(upserts(vec![web(None)])),
        Delta::ReplicaSets(upserts(vec![web(Some(owner("Deployment", "web", &Uid::parse("web"))))])),
    ]
}

/// What Kueue says of the suspended Job `train`.
fn held_jobs() -> Vec<Delta> {
    let train = JobRow { suspended: true, ..JobRow { meta: with_uid("train"), ..job("ml", "train") } };
    let says = |reason: &str, is_active| {
        let conditions = vec![condition("QuotaReserved", Status::False, reason)];
        let row = WorkloadRow { is_active, conditions, ..workload("job-train", &train) };
        Delta::Workloads(upserts(vec![row]))
    };
    vec![
        Delta::Jobs(upserts(vec![train.clone()])),
        says("WaitingForQuota", true),
        says("WaitingForPodsReady", true),
        says("WaitingForQuota", false),
        Delta::Workloads(vec![Change::Remove(ObjectKey::new("ml", "job-train"))]),
    ]
}

fn with_uid(name: &str) -> crate::fleet::Meta {
    crate::fleet::Meta { uid: Uid::parse(&format!("uid-{name}")), ..meta("ml", name) }
}

fn guards() -> Vec<Delta> {
    let guard = |allowed| {
        let work = PodSelector::Matching(Selector::parse("app=work").unwrap());
        DisruptionBudgetRow { disruptions_allowed: allowed, ..rows::disruption_budget(meta("ml", "guard"), work) }
    };
    vec![
        Delta::DisruptionBudgets(upserts(vec![guard(0)])),
        Delta::DisruptionBudgets(upserts(vec![guard(1)])),
        Delta::DisruptionBudgets(vec![Change::Remove(ObjectKey::new("ml", "guard"))]),
    ]
}

fn events() -> Vec<Delta> {
    let told = |reason: &str, message: &str, class| {
        let object = EventObject { kind: sym("Node"), key: ObjectKey::cluster("a") };
        let meta = meta("default", &format!("a.{reason}"));
        EventRow { message: sym(message), ..rows::event(meta, NOW, class, reason, object) }
    };
    vec![
        Delta::Events(upserts(vec![told("SpotInterrupted", "Spot interruption warning", EventClass::Interruption)])),
        Delta::Events(upserts(vec![told(
            "Unconsolidatable",
            "Can't remove without creating 2 candidates",
            EventClass::Blocked,
        )])),
    ]
}

fn classes_and_controllers() -> Vec<Delta> {
    let class = |ends: i64| {
        let reservation =
            Reservation { id: sym(RESERVATION.1), is_capacity_block: true, ends_at: NOW.plus_seconds(ends) };
        NodeClassRow {
            meta: meta("", "default"),
            conditions: Vec::new(),
            reservations: vec![reservation],
            images: crate::fleet::ImageSetup::default(),
        }
    };
    let controller = |image: &str, gates: Option<&str>| {
        let version = image.rsplit(':').next().unwrap_or_default();
        let row = ControllerRow {
            image: sym(image),
            feature_gates: gates.map(sym),
            // It changes by itself, too.
            has_interruption_queue: version == "1.14.1" && gates.is_none(),
            ..testing::controller()
        };
        Delta::Controllers(upserts(vec![row]))
    };
    vec![
        Delta::Ec2NodeClasses(upserts(vec![class(3_600)])),
        Delta::Ec2NodeClasses(upserts(vec![class(7_200)])),
        controller("public.ecr.aws/karpenter/controller:1.14.1", None),
        controller("public.ecr.aws/karpenter/controller:1.14.1", Some("NodeRepair=true")),
        controller("public.ecr.aws/karpenter/controller:1.4.0", None),
        // Of which provider it is, NodePools tell.
        controller("mirror.example.com/karpenter/controller:1.4.0", None),
    ]
}

fn prices() -> Vec<Delta> {
    let listed = |micro_usd_per_hour| {
        let key = PriceKey {
            place: sym("us-east-1"),
            instance_type: sym(INSTANCE_TYPE),
            capacity_type: CapacityType::OnDemand,
        };
        PriceChange::Listed(PriceList::AwsOnDemand, key, Price { micro_usd_per_hour, as_of: NOW })
    };
    let accelerator = Some(Accelerator { name: sym("H100"), count: 8, memory_mib: None });
    let hardware = InstanceType { name: sym(INSTANCE_TYPE), vcpus: None, memory_mib: None, accelerator };
    let user = UserPrices { control_plane_micro_usd_per_hour: Some(600_000), as_of: NOW, ..UserPrices::default() };
    let overlay = |price| NodeOverlayRow {
        meta: meta("", "cheap"),
        requirements: Vec::new(),
        weight: 1,
        price,
        conditions: Vec::new(),
    };
    vec![
        Delta::Prices(vec![listed(55_040_000)]),
        Delta::Prices(vec![listed(44_000_000)]),
        Delta::Prices(vec![PriceChange::InstanceType(hardware)]),
        Delta::Prices(vec![PriceChange::User(Some(Box::new(user)))]),
        Delta::Prices(vec![PriceChange::User(None)]),
        Delta::NodeOverlays(upserts(vec![overlay(Some(OverlayPrice::Absolute(1_000_000)))])),
        Delta::NodeOverlays(vec![Change::Remove(ObjectKey::cluster("cheap"))]),
    ]
}

/// An exporter on Node `a`, and what it tells; history has no part in the comparison, so classes follow at once.
const WITHOUT_DWELL: GpuThresholds = GpuThresholds {
    busy: Utilization::percent(5),
    parked_memory: Utilization::percent(10),
    grace_seconds: 7_200,
    dwell_seconds: 0,
};

fn gpus() -> Vec<Delta> {
    let exporter = |phase| {
        let labels = labels(&[("app", "nvidia-dcgm-exporter")]);
        Delta::Pods(upserts(vec![PodRow { labels, phase, ..pod("gpu", "exporter", Some("a")) }]))
    };
    let answer = |devices| {
        let exporter = Exporter { kind: ExporterKind::Dcgm, pod: ObjectKey::new("gpu", "exporter") };
        Delta::Gpus(vec![GpuAnswer { node: sym("a"), exporter, at: NOW, devices }])
    };
    let device = |uuid: &str, percent: u32, holder: Option<&str>| {
        let holders = holder.map(|name| DeviceHolder { pod: ObjectKey::new("ml", name), container: None });
        DeviceReading {
            utilization: Some(Utilization::percent(percent)),
            holders: holders.into_iter().collect(),
            ..bare_device(uuid)
        }
    };
    let failure = || GpuFailure::Failed(sym("it hangs"));
    let by_prometheus = |devices| {
        let exporter = Exporter { kind: ExporterKind::Prometheus, pod: ObjectKey::new("gpu", "exporter") };
        Delta::Gpus(vec![GpuAnswer { node: sym("a"), exporter, at: NOW, devices }])
    };
    vec![
        exporter(PodPhase::Running),
        exporter(PodPhase::Pending),
        answer(Ok(vec![device("G1", 91, Some("p1")), device("G2", 0, Some("p3")), device("G3", 0, None)].into())),
        answer(Ok(vec![device("G1", 0, Some("p1")), device("G2", 40, None)].into())),
        answer(Ok(vec![device("G1", 0, None), device("G2", 0, None)].into())),
        answer(Err(failure())),
        by_prometheus(Ok(vec![device("G1", 50, Some("p1")), device("G2", 0, None)].into())),
        by_prometheus(Err(failure())),
    ]
}

/// What drivers of Dynamic Resource Allocation have on Nodes `a`, `b` and `c`, and who claims it.
fn dra() -> Vec<Delta> {
    let board = slice_device;
    let slices = |rows: Vec<ResourceSliceRow>| Delta::ResourceSlices(upserts(rows));
    let tainted = SliceDevice { is_tainted: true, ..board("gpu-1") };
    let incomplete = ResourceSliceRow { slice_count: 2, generation: 2, ..slice("a", vec![board("gpu-0")]) };
    let claims = |row: ResourceClaimRow| Delta::ResourceClaims(upserts(vec![row]));
    let train = Uid::parse("uid-train");
    let pod =
        |name: &str, node: &str| PodRow { owner: Some(owner("Job", "train", &train)), ..pod("ml", name, Some(node)) };
    let (p1, p4) = (pod("p1", "a"), pod("p4", "c"));
    let waits = ResourceClaimRow {
        requests: [ClassRequest { class: sym("gpus"), count: 2 }].into(),
        ..resource_claim("wants", "a", &[], &[&p4])
    };
    let class = |is_accelerator| {
        let row = DeviceClassRow { meta: meta("", "gpus"), is_accelerator };
        Delta::DeviceClasses(upserts(vec![row]))
    };
    vec![
        slices(vec![slice("a", vec![board("gpu-0"), board("gpu-1")])]),
        slices(vec![slice("a", vec![board("gpu-0"), tainted])]),
        slices(vec![incomplete]),
        slices(vec![slice("b", vec![board("gpu-0")])]),
        Delta::ResourceSlices(vec![Change::Remove(ObjectKey::cluster("a-gpu"))]),
        Delta::Pods(upserts(vec![p4.clone()])),
        claims(resource_claim("has", "a", &["gpu-0"], &[&p1])),
        claims(resource_claim("has", "elsewhere", &["gpu-0", "gpu-1"], &[&p1, &p4])),
        claims(resource_claim("has", "b", &["gpu-0"], &[])),
        claims(waits),
        Delta::ResourceClaims(vec![Change::Remove(ObjectKey::new("ml", "has"))]),
        class(true),
        class(false),
    ]
}

/// A pod of Job `train` on its way to be ready.
fn starting(name: &str, node: Option<&str>) -> PodRow {
    let start = PodStart { scheduled: Some(CREATED.plus_seconds(1).into()), ..PodStart::default() };
    let owner = Some(owner("Job", "train", &Uid::parse("uid-train")));
    PodRow { owner, phase: PodPhase::Pending, start: Some(Box::new(start)), ..pod("ml", name, node) }
}

/// What an Event tells of the start of a pod.
fn told(pod: &str, reason: &str, message: &str) -> Delta {
    let object = EventObject { kind: sym("Pod"), key: ObjectKey::new("ml", pod) };
    let row = rows::event(meta("ml", &format!("{pod}.{reason}")), CREATED, EventClass::Image, reason, object);
    Delta::Events(upserts(vec![EventRow { message: sym(message), ..row }]))
}

/// Pods that start from the beginning: `p5` on Node `c`, and `p6`, for which Karpenter has NodeClaim `c-new` in mind.
fn pods_that_start() -> [Delta; 3] {
    let nominated = told("p6", "Nominated", "Pod should schedule on: nodeclaim/c-new");
    let pods = [starting("p5", Some("c")), starting("p6", None)].map(|row| Delta::Pods(upserts(vec![row])));
    let [p5, p6] = pods;
    [p5, p6, nominated]
}

/// What becomes of their start.
fn starts() -> Vec<Delta> {
    let second = |seconds: i64| CREATED.plus_seconds(seconds);
    let ready = |mut row: PodRow| {
        row.start.iter_mut().for_each(|start| start.was_ready = true);
        row
    };
    let train = |conditions| JobRow {
        meta: crate::fleet::Meta { created: second(-100), ..with_uid("train") },
        conditions,
        ..job("ml", "train")
    };
    let resumed = rows::condition("Suspended", Status::False, second(-10));
    let admitted = vec![rows::condition("Admitted", Status::True, second(-20))];
    let workload = WorkloadRow { conditions: admitted, ..workload("job-train", &train(Vec::new())) };
    // A JobSet that Kueue holds back, and a Node that is meant for `p6`.
    let set = || owner("JobSet", "set", &Uid::parse("uid-set"));
    let of_set = WorkloadRow { owner: Some(set()), meta: meta("ml", "jobset-set"), ..workload.clone() };
    let set_meta = crate::fleet::Meta { created: second(-200), ..with_uid("set") };
    let meant = managed("new", &[("eks-node-viewer/instance-price", "1")]);
    vec![
        Delta::Jobs(upserts(vec![JobRow { owner: Some(set()), ..train(Vec::new()) }])),
        Delta::Workloads(upserts(vec![of_set])),
        Delta::Workloads(vec![Change::Remove(ObjectKey::new("ml", "job-train"))]),
        Delta::JobSets(upserts(vec![GangRow { meta: set_meta, min_member: 1 }])),
        Delta::JobSets(vec![Change::Remove(ObjectKey::new("ml", "set"))]),
        Delta::Nodes(upserts(vec![meant])),
        Delta::Pods(vec![Change::Remove(ObjectKey::new("ml", "p6"))]),
        Delta::Pods(upserts(vec![starting("p6", None)])),
        Delta::Pods(upserts(vec![ready(starting("p5", Some("c")))])),
        Delta::Jobs(upserts(vec![train(Vec::new())])),
        Delta::Jobs(upserts(vec![train(vec![resumed])])),
        Delta::Workloads(upserts(vec![workload])),
        told("p5", "FailedMount", "MountVolume.SetUp failed"),
    ]
}

/// What the Spot Instance Advisor says of the spot Nodes' type; `None` where there is no file.
fn advisor(range: Option<AdvisorRange>) -> Delta {
    let of = |range| {
        let regions = [(sym("us-east-1"), [(sym(INSTANCE_TYPE), range)].into())].into();
        Box::new(Advisor { file: "advisor.json".to_owned(), as_of: NOW, regions })
    };
    Delta::SpotMarket(SpotMarketChange::Advisor(range.map(of)))
}

const CHECKPOINT: &str = "batchtop.io/last-checkpoint";

/// A spot Node, what runs on it, who would tell of its end, and what is told.
fn spot_node() -> Vec<Delta> {
    let labels = labels(&[
        ("karpenter.sh/nodepool", "gpu"),
        ("karpenter.sh/capacity-type", "spot"),
        ("topology.kubernetes.io/region", "us-east-1"),
        ("topology.kubernetes.io/zone", "us-east-1a"),
        ("node.kubernetes.io/instance-type", INSTANCE_TYPE),
    ]);
    let row = |name: &str| NodeRow { labels: labels.clone(), ..managed(name, &[]) };
    let tainted =
        Taint { key: sym("aws-node-termination-handler/spot-itn"), value: sym(""), effect: sym("NoSchedule") };
    let one = |row: NodeRow| Delta::Nodes(upserts(vec![row]));
    let work = PodRow {
        do_not_disrupt: Some(sym("2h")),
        termination_grace_seconds: 600,
        owner: Some(owner("Job", "train", &Uid::parse("uid-train"))),
        ..pod("ml", "p5", Some("s"))
    };
    let in_gang = RareAnnotations {
        volcano_group: Some(sym("group")),
        stamps: [(sym(CHECKPOINT), NOW)].into(),
        ..RareAnnotations::default()
    };
    let in_gang = PodRow { rare: in_gang.boxed(), ..work.clone() };
    let handler = PodRow {
        labels: crate::insight::testing::labels(&[("app.kubernetes.io/name", "aws-node-termination-handler")]),
        ..pod("kube-system", "nth", Some("a"))
    };
    let told = |name: &str, reason: &str| {
        let object = EventObject { kind: sym("Node"), key: ObjectKey::cluster(name) };
        let meta = meta("default", &format!("{name}.{reason}"));
        Delta::Events(upserts(vec![rows::event(meta, NOW, EventClass::Interruption, reason, object)]))
    };
    let refused = {
        let object = EventObject { kind: sym("NodeClaim"), key: ObjectKey::cluster("c") };
        let reason = "InsufficientCapacityError";
        let row = rows::event(meta("default", "c.refused"), NOW, EventClass::Provisioning, reason, object);
        EventRow { message: sym("no p5.48xlarge capacity in us-east-1a"), ..row }
    };
    vec![
        one(row("s")),
        one(row("t")),
        one(NodeRow { taints: vec![tainted], ..row("s") }),
        Delta::Nodes(vec![Change::Remove(ObjectKey::cluster("t"))]),
        Delta::Pods(upserts(vec![work.clone()])),
        Delta::Pods(upserts(vec![in_gang])),
        Delta::Pods(upserts(vec![handler])),
        Delta::Pods(vec![Change::Remove(ObjectKey::new("kube-system", "nth"))]),
        told("s", "SpotInterrupted"),
        told("t", "SpotRebalanceRecommendation"),
        Delta::Events(vec![Change::Remove(ObjectKey::new("default", "s.SpotInterrupted"))]),
        Delta::Events(upserts(vec![refused])),
        advisor(Some(AdvisorRange::Above20)),
        advisor(Some(AdvisorRange::Below5)),
        advisor(None),
    ]
}

fn steps() -> Vec<Step> {
    let deltas = [
        nodes(),
        claims(),
        pools(),
        pods(),
        workloads(),
        held_jobs(),
        guards(),
        events(),
        classes_and_controllers(),
        prices(),
        gpus(),
        dra(),
        starts(),
    ];
    let known = |kind, state| Step::Health(SourceId::Kind(kind), state);
    let aws = |state| Step::Health(SourceId::AwsOnDemandPrices, state);
    let cluster = |server: &str, karpenter_api| {
        Step::Cluster(Box::new(ClusterFacts { server: server.to_owned(), karpenter_api, ..ClusterFacts::default() }))
    };
    let mut steps: Vec<Step> = deltas.into_iter().flatten().map(Step::Delta).collect();
    // The last of all: what is told of its devices is told of a Node that exists.
    steps.push(Step::Delta(Delta::Nodes(vec![Change::Remove(ObjectKey::cluster("a"))])));
    steps.extend([
        known(Kind::Pod, HealthState::Syncing),
        known(Kind::Pod, HealthState::Live),
        known(Kind::Node, HealthState::Forbidden),
        known(Kind::Node, HealthState::Live),
        known(Kind::KarpenterDeployment, HealthState::Forbidden),
        known(Kind::KarpenterDeployment, HealthState::Live),
        aws(HealthState::Connecting),
        aws(HealthState::Live),
        cluster("https://abc.gr7.us-east-1.eks.amazonaws.com", KarpenterApi::V1),
        cluster("https://10.0.0.1", KarpenterApi::V1Beta1),
        Step::Seconds(3),
        Step::Seconds(60),
        Step::Seconds(45 * 60),
    ]);
    steps
}

/// What else happens to spot Nodes.
fn spot_steps() -> Vec<Step> {
    let events = |state| Step::Health(SourceId::Kind(Kind::Event), state);
    let of_nodes = spot_node().into_iter().map(Step::Delta);
    of_nodes.chain([HealthState::Forbidden, HealthState::Live].map(events)).collect()
}

/// Everything that can happen.
fn all_steps() -> Vec<Step> {
    [steps(), spot_steps()].concat()
}

/// Two Nodes, and what runs and starts on them.
fn busy_world() -> World {
    let mut world = World::new();
    let first = [nodes(), claims(), pools(), pods(), workloads()].map(|deltas| deltas[0].clone());
    let others = [nodes()[3].clone(), claims()[3].clone(), pods()[3].clone(), workloads()[3].clone()];
    let others = others.into_iter().chain(pods_that_start());
    first.into_iter().chain(others).for_each(|delta| world.take(&Step::Delta(delta)));
    world
}

/// A world in which most of what can depend on something does: the fewer steps it takes until it does, the sooner a case
/// notices.
fn world_of_cases() -> World {
    let mut world = busy_world();
    let reserved = nodes()[1].clone();
    let [exporter, _, answer, ..] = &gpus()[..] else { panic!("what exporters tell") };
    let [.., pod, _, _, _, claim, _, _, _] = &dra()[..] else { panic!("who claims devices") };
    let spot = spot_node()[0].clone();
    let told = [reserved, spot, pods()[4].clone(), prices()[0].clone(), exporter.clone(), answer.clone()];
    told.into_iter().chain([pod.clone(), claim.clone()]).for_each(|delta| world.take(&Step::Delta(delta)));
    world
}

/// A step of a case, and whether everything is compared after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Look {
    /// It is.
    Compare,
    /// It is not: the step cannot have brought about a difference.
    Skip,
}

/// Runs so many cases of these steps.
fn run(
    steps: impl Strategy<Value = (Step, Look)>,
    cases: u32,
    max_shrink_iters: u32,
) -> Result<(), TestError<Vec<(Step, Look)>>> {
    let config = Config { cases, max_shrink_iters, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    runner.run(&vec(steps, 1..24), |steps| {
        let mut world = world_of_cases();
        for (step, look) in &steps {
            world.take(step);
            if *look == Look::Compare {
                world.compare()?;
            }
        }
        world.compare()
    })
}

/// Any of these steps, looked at alike.
fn any_of(steps: impl IntoIterator<Item = Step>, look: Look) -> impl Strategy<Value = (Step, Look)> {
    select(steps.into_iter().map(|step| (step, look)).collect::<Vec<_>>())
}

#[test]
fn every_incremental_part_equals_a_full_computation() {
    if let Err(error) = run(any_of(all_steps(), Look::Compare), 300, 256) {
        panic!("{error}");
    }
}

/// All that each of these steps touches, taken in turn: parts that depend on it included.
fn touched(steps: &[Step]) -> Vec<BTreeSet<Dependency>> {
    let mut fleet = world_of_cases().fleet;
    let of_step = |step: &Step| {
        let direct = match step.clone() {
            Step::Delta(delta) => Dependency::of_delta(&fleet.apply(delta)),
            Step::Health(..) => vec![Dependency::Completeness],
            Step::Cluster(_) => vec![Dependency::Cluster],
            Step::Seconds(_) => vec![Dependency::Minute],
        };
        let mut touched = BTreeSet::from_iter(direct);
        for part in Part::ALL {
            if part.dependencies().iter().any(|dependency| touched.contains(dependency)) {
                touched.insert(Dependency::Part(part));
            }
        }
        touched
    };
    steps.iter().map(of_step).collect()
}

/// Some dependencies matter only after several other steps. A case that notices ends the run.
const MOST_CASES_UNTIL_NOTICED: u32 = 6_000;

/// Whether the comparison detects that the part does not follow this. Half of the steps are such as touch it: without them
/// nothing differs, and after the others nothing differs that did not before.
fn is_noticed(steps: &[Step], touched: &[BTreeSet<Dependency>], part: Part, omitted: Dependency) -> bool {
    let does_touch = |(_, touched): &(&Step, &BTreeSet<Dependency>)| touched.contains(&omitted);
    let touching: Vec<Step> = steps.iter().zip(touched).filter(does_touch).map(|(step, _)| step.clone()).collect();
    if touching.is_empty() {
        return false;
    }
    let steps = prop_oneof![any_of(touching, Look::Compare), any_of(steps.to_vec(), Look::Skip)];
    OMITTED.set(Some((part, omitted)));
    let is_noticed = run(steps, MOST_CASES_UNTIL_NOTICED, 0).is_err();
    OMITTED.set(None);
    is_noticed
}

#[test]
fn the_comparison_detects_every_omitted_dependency() {
    let steps = all_steps();
    let touched = touched(&steps);
    let all = Part::ALL.into_iter().flat_map(|part| part.dependencies().iter().map(move |cause| (part, *cause)));
    let unnoticed: Vec<(Part, Dependency)> =
        all.filter(|(part, cause)| !is_noticed(&steps, &touched, *part, *cause)).collect();
    assert_eq!(unnoticed, []);
}

#[test]
fn a_node_is_neither_held_nor_free_while_pods_are_syncing() {
    let mut world = busy_world();
    let annotated = pods()[1].clone();
    world.take(&Step::Delta(annotated));
    let protection = |world: &World| world.insights.verdicts.protection(&sym("a"));
    assert_eq!(protection(&world), NodeProtection { is_protected: Some(true), is_held: Some(true) });
    world.take(&Step::Health(SourceId::Kind(Kind::Pod), HealthState::Syncing));
    assert_eq!(protection(&world), NodeProtection { is_protected: Some(true), is_held: None }, "the pod is there");
    world.take(&Step::Delta(pods()[0].clone()));
    assert_eq!(protection(&world), NodeProtection::default());
}

#[test]
fn dollars_are_paid_from_the_moment_at_which_rates_become_known_again() {
    let mut world = busy_world();
    world.take(&Step::Delta(prices()[0].clone()));
    let nodes = SourceId::Kind(Kind::Node);
    world.take(&Step::Health(nodes, HealthState::Forbidden));
    world.take(&Step::Seconds(60));
    world.take(&Step::Health(nodes, HealthState::Live));
    assert_eq!(world.insights.ledger.total().exact(), 0, "no rate was known for any time");
    world.take(&Step::Seconds(60));
    let rate = world.insights.rates().expect("known").total;
    assert!(rate > 0);
    assert_eq!(world.insights.ledger.total().exact(), i128::from(rate) * 60);
}

/// More Nodes than are evaluated in a second.
const MANY_NODES: usize = 3_000;

#[test]
fn hurried_verdicts_are_current_for_any_number_of_nodes() {
    let mut world = World::new();
    let pods = SourceId::Kind(Kind::Pod);
    world.take(&Step::Health(pods, HealthState::Syncing));
    let nodes = (0..MANY_NODES).map(|number| managed(&format!("n{number}"), &[])).collect();
    world.take(&Step::Delta(Delta::Nodes(upserts(nodes))));
    let before = world.sources.insert(pods, Health { state: HealthState::Live, ..Health::default() });
    let inputs = inputs(&world.fleet, &world.sources, &world.cluster, world.now);
    world.insights.note_health(&inputs, pods, before.as_ref());
    world.insights.tick(&inputs, world.now);
    let wanted = Insights::full(&inputs);
    let is_of_now = |insights: &Insights| insights.verdicts.summaries() == wanted.verdicts.summaries();
    assert!(!is_of_now(&world.insights), "now that all pods are known, verdicts are others");
    world.insights.hurry(&inputs);
    while world.insights.has_work() {
        world.insights.work(&inputs);
    }
    assert!(is_of_now(&world.insights));
}

#[test]
fn the_gpu_seconds_of_a_job_add_up_until_it_is_gone() {
    let mut world = busy_world();
    // Job `train` has a pod with two devices on Node `a`.
    let [exporter, _, busy, ..] = &gpus()[..] else { panic!("what exporters tell") };
    world.take(&Step::Delta(exporter.clone()));
    world.take(&Step::Delta(busy.clone()));
    let seconds = |world: &World| {
        let sums = world.insights.gpus.seconds_of_job(&Uid::parse("uid-train"));
        sums.map(|sums| (sums.held(), sums.busy()))
    };
    assert_eq!(seconds(&world), None);
    world.take(&Step::Seconds(60));
    assert_eq!(seconds(&world), Some((120, Some(109))), "91 %");
    world.take(&Step::Seconds(2 * 60));
    assert_eq!(seconds(&world), Some((360, Some(327))));
    world.take(&Step::Seconds(90 * 60));
    assert_eq!(seconds(&world), Some((360, Some(327))), "a suspended machine has seen nothing");
    world.take(&Step::Delta(Delta::Jobs(vec![Change::Remove(ObjectKey::new("ml", "train"))])));
    world.take(&Step::Seconds(60));
    assert_eq!(seconds(&world), None);
}

/// Whether a snapshot may stop to wait for what is told of accelerators.
fn have_answered(world: &World) -> bool {
    world.insights.gpus.have_answered(&inputs(&world.fleet, &world.sources, &world.cluster, world.now))
}

#[test]
fn prometheus_is_asked_at_once_of_nodes_whose_exporter_cannot_be_read() {
    let mut world = World::new();
    let exporter = Exporter { kind: ExporterKind::Dcgm, pod: ObjectKey::new("gpu", "exporter") };
    let answer = |kind, devices| {
        let exporter = Exporter { kind, ..exporter.clone() };
        Delta::Gpus(vec![GpuAnswer { node: sym("a"), exporter, at: NOW, devices }])
    };
    // Without `settle`, which asks for everything without delay.
    let take = |world: &mut World, delta| -> Vec<Demand> {
        let changed = world.fleet.apply(delta);
        let inputs = inputs(&world.fleet, &world.sources, &world.cluster, world.now);
        world.insights.note(&inputs, &changed);
        world.insights.tick(&inputs, world.now);
        let mut demands = Vec::new();
        while world.insights.has_work() {
            demands.extend(world.insights.work(&inputs).demand.filter(|demand| demand.gpus.is_some()));
        }
        demands
    };
    take(&mut world, nodes()[0].clone());
    world.insights.gpus.hurry();
    let demands = take(&mut world, nodes()[0].clone());
    let asked = world.insights.gpus.asked();
    assert_eq!((asked.exporters.len(), asked.prometheus.len()), (0, 1), "it has no exporter");
    assert_eq!(demands.iter().flat_map(|demand| &demand.sources).count(), 0, "no exporter will report");
    world.take(&Step::Delta(gpus()[0].clone()));
    let asked = world.insights.gpus.asked().clone();
    assert_eq!((asked.exporters.len(), asked.prometheus.len()), (1, 0));
    assert!(!have_answered(&world));
    let refused = answer(ExporterKind::Dcgm, Err(GpuFailure::Forbidden(sym("no"))));
    let demands = take(&mut world, refused);
    let wanted = [(sym("a"), Some(exporter.pod.clone()))].into();
    assert_eq!(demands.last().and_then(|demand| demand.gpus.as_ref()).map(|gpus| &gpus.prometheus), Some(&wanted));
    assert!(!have_answered(&world), "Prometheus has not");
    take(&mut world, answer(ExporterKind::Prometheus, Err(GpuFailure::Failed(sym("there is none")))));
    assert!(have_answered(&world));
    take(&mut world, answer(ExporterKind::Dcgm, Ok(vec![bare_device("G1")].into())));
    world.take(&Step::Seconds(60));
    assert!(world.insights.gpus.asked().prometheus.is_empty() && have_answered(&world));
}

#[test]
fn what_was_observed_of_starts_counts_for_its_own_cluster_once_that_is_recognized() {
    let record = crate::insight::cold_start::history::MachineRecord {
        at: NOW.into(),
        pool: sym("gpu"),
        launch_seconds: 1,
        boot_seconds: 2,
        register_seconds: 3,
        initialize_seconds: 4,
    };
    let history = |uid: &str| crate::insight::cold_start::StartHistory {
        machines: [(Uid::parse(uid), record.clone())].into(),
        ..crate::insight::cold_start::StartHistory::default()
    };
    let kept = || [("uid-kube".to_owned(), history("a")), ("elsewhere".to_owned(), history("b"))].into();
    let machines = |world: &World| world.insights.starts.history().machines.keys().cloned().collect::<Vec<Uid>>();
    let namespaces = SourceId::Kind(Kind::Namespace);
    let mut world = World::new();
    world.insights.starts.load(kept());
    world.take(&Step::Health(namespaces, HealthState::Syncing));
    assert_eq!(machines(&world), [], "it is not known yet which cluster this is");
    let row = crate::fleet::NamespaceRow {
        meta: crate::fleet::Meta { uid: Uid::parse("uid-kube"), ..meta("", "kube-system") },
    };
    world.take(&Step::Delta(Delta::Namespaces(upserts(vec![row]))));
    assert_eq!(machines(&world), [Uid::parse("a")]);
    // Nobody may read Namespaces: the API server's address tells.
    let mut world = World::new();
    world.insights.starts.load(kept());
    let server = "elsewhere".to_owned();
    world.take(&Step::Cluster(Box::new(ClusterFacts { server, ..ClusterFacts::default() })));
    assert_eq!(machines(&world), [Uid::parse("b")]);
}

#[test]
fn a_launch_that_failed_is_told_of_a_pod_that_has_another_node_by_now() {
    let mut world = World::new();
    let told = |name: &str, reason: &str, message: &str, object: EventObject| {
        let row = rows::event(meta("default", name), NOW, EventClass::Provisioning, reason, object);
        Step::Delta(Delta::Events(upserts(vec![EventRow { message: sym(message), ..row }])))
    };
    let pod = || EventObject { kind: sym("Pod"), key: ObjectKey::new("ml", "p5") };
    let claim = EventObject { kind: sym("NodeClaim"), key: ObjectKey::cluster("x") };
    world.take(&Step::Delta(Delta::Pods(upserts(vec![starting("p5", Some("c"))]))));
    world.take(&told("p5.nominated", "Nominated", "Pod should schedule on: nodeclaim/x", pod()));
    let reasons = |world: &World| -> Vec<LaunchFailureReason> {
        let starts = &world.insights.starts;
        assert!(starts.all().eq(Starts::full(&world.fleet).all()));
        starts.all().flat_map(|start| &start.launch_failures).map(|failure| failure.reason).collect()
    };
    assert_eq!(reasons(&world), [], "nobody saw whether it was launched");
    world.take(&Step::Delta(Delta::NodeClaims(vec![Change::Upsert(testing::claim("x"))])));
    world.take(&Step::Delta(Delta::NodeClaims(vec![Change::Remove(ObjectKey::cluster("x"))])));
    assert_eq!(reasons(&world), [LaunchFailureReason::Deleted]);
    world.take(&told("x.refused", "InsufficientCapacityError", "NodeClaim x event: no capacity", claim));
    assert_eq!(reasons(&world), [LaunchFailureReason::InsufficientCapacity]);
}

#[test]
fn what_spot_capacity_saves_is_added_up_while_nodes_are_seen() {
    let listed = |list, place: &str, capacity_type, micro_usd_per_hour| {
        let key = PriceKey { place: sym(place), instance_type: sym(INSTANCE_TYPE), capacity_type };
        PriceChange::Listed(list, key, Price { micro_usd_per_hour, as_of: NOW })
    };
    let mut world = World::new();
    world.take(&Step::Delta(Delta::Prices(vec![
        listed(PriceList::AwsSpot, "us-east-1a", CapacityType::Spot, 20_000_000),
        listed(PriceList::AwsOnDemand, "us-east-1", CapacityType::OnDemand, 50_000_000),
    ])));
    world.take(&Step::Delta(spot_node()[0].clone()));
    let saved = |world: &World| {
        let spot = &world.insights.spot;
        spot.saved(&spot.node("s").expect("a spot node").pool)
    };
    assert_eq!(saved(&world), None);
    world.take(&Step::Seconds(60));
    assert_eq!(saved(&world), Some(500_000), "a sixtieth of 30 dollars");
    world.take(&Step::Health(SourceId::Kind(Kind::Event), HealthState::Forbidden));
    world.take(&Step::Seconds(60));
    assert_eq!(saved(&world), Some(1_000_000), "Events have no part in it");
    let nodes = |state| Step::Health(SourceId::Kind(Kind::Node), state);
    world.take(&nodes(HealthState::Stale));
    world.take(&Step::Seconds(5 * 60));
    world.take(&nodes(HealthState::Live));
    assert_eq!(saved(&world), Some(1_000_000), "while Nodes are not seen nothing is counted");
    world.take(&Step::Seconds(60));
    assert_eq!(saved(&world), Some(1_500_000));
    assert_eq!(world.insights.spot.saved_in_all(), Some(1_500_000));
    world.take(&Step::Delta(Delta::Nodes(vec![Change::Remove(ObjectKey::cluster("s"))])));
    assert_eq!(world.insights.spot.saved_in_all(), Some(1_500_000), "what a pool saved stays when it is gone");
}

#[test]
fn spot_nodes_are_watched_while_everything_is_seen_that_tells_of_an_interruption() {
    let mut world = World::new();
    let controller = classes_and_controllers().into_iter().find(|delta| matches!(delta, Delta::Controllers(_)));
    world.take(&Step::Delta(spot_node()[0].clone()));
    world.take(&Step::Seconds(60));
    let observed = |world: &World| {
        let key = world.insights.spot.node("s").expect("a spot node").pool.clone();
        let observed = world.insights.spot.memory().observed(&key, &SpotThresholds::DEFAULT, world.now);
        (observed.interruption_millionths, observed.node_seconds)
    };
    assert_eq!(observed(&world), (0, 0), "nothing would tell");
    world.take(&Step::Delta(controller.expect("a controller with a queue")));
    world.take(&Step::Seconds(2 * 60));
    assert_eq!(observed(&world), (0, 120));
    let events = |state| Step::Health(SourceId::Kind(Kind::Event), state);
    world.take(&events(HealthState::Stale));
    world.take(&Step::Seconds(5 * 60));
    world.take(&events(HealthState::Live));
    world.take(&Step::Seconds(60));
    assert_eq!(observed(&world), (0, 180), "while Events are not read nothing is watched");
    let told = |at: Time| {
        let object = EventObject { kind: sym("Node"), key: ObjectKey::cluster("s") };
        let class = EventClass::Interruption;
        let row = rows::event(meta("default", "s.notice"), at, class, "SpotInterrupted", object);
        Step::Delta(Delta::Events(upserts(vec![row])))
    };
    world.take(&told(world.now.plus_seconds(-120)));
    assert_eq!(observed(&world), (0, 180), "it came before");
    world.take(&Step::Delta(Delta::Nodes(vec![Change::Remove(ObjectKey::cluster("s"))])));
    let Delta::Nodes(again) = spot_node()[0].clone() else { panic!("a node") };
    let again = again.into_iter().map(|change| match change {
        Change::Upsert(row) => {
            let uid = Uid::parse("another");
            Change::Upsert(NodeRow { meta: crate::fleet::Meta { uid, created: world.now, ..row.meta.clone() }, ..row })
        }
        other => other,
    });
    world.take(&Step::Delta(Delta::Nodes(again.collect())));
    world.take(&told(world.now.plus_seconds(1)));
    assert_eq!(observed(&world), (1_000_000, 180));
}
