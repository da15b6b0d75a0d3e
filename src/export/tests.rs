use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::{GpuDetail, schema, snapshot};
use crate::app::{App, Settings};
use crate::fleet::{
    Budget, ClusterFacts, ContainerRole, ContainerStart, ControllerRow, Delta, DeviceHolder, DeviceReading, EventClass,
    EventObject, EventRow, Exporter, ExporterKind, GpuAnswer, Health, HealthState, JobRow, KarpenterApi, Kind,
    NodeClaimRow, NodeClassRef, NodePoolRow, NodeRow, ObjectKey, PodPhase, PodRow, PodStart, SourceId, Sources, Sym,
    Usage, Utilization, WorkloadRow,
};
use crate::insight::testing::{
    CREATED, NOW, bare_device, claim, condition, fleet, job, labels, met, meta, node, owner, pod, pool, resources, sym,
    upserts, workload,
};
use crate::insight::{Insights, Scope, testing};
use crate::rows;
use crate::units::{Lifetime, Selector};

const GPU: &str = "nvidia.com/gpu";

/// The owned parts that a snapshot is made of.
struct World {
    deltas: Vec<Delta>,
    sources: Sources,
    cluster: ClusterFacts,
    scope: Scope,
}

impl World {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text()).expect("JSON")
    }

    fn text(&self) -> String {
        let settings = Settings { readonly: true, version: "0.1.0".to_owned(), ..Settings::default() };
        let mut app = App::new(settings, NOW);
        app.fleet = fleet(self.deltas.clone());
        (app.sources, app.cluster, app.scope) = (self.sources.clone(), self.cluster.clone(), self.scope.clone());
        app.insights = Insights::full(&app.inputs());
        serde_json::to_string_pretty(&snapshot(&app, GpuDetail::Devices)).expect("JSON")
    }

    fn set(&mut self, kind: Kind, state: HealthState) {
        self.sources.insert(SourceId::Kind(kind), Health { state, ..Health::default() });
    }
}

fn world(deltas: Vec<Delta>) -> World {
    let live = || Health { state: HealthState::Live, objects: 1, as_of: Some(NOW), ..Health::default() };
    World {
        deltas: [vec![controller("1.14.1")], deltas].concat(),
        sources: Kind::ALL.into_iter().map(|kind| (SourceId::Kind(kind), live())).collect(),
        cluster: ClusterFacts {
            context: "prod".to_owned(),
            server: "https://10.0.0.1:6443".to_owned(),
            kubernetes_version: Some("v1.36.3".to_owned()),
            karpenter_api: KarpenterApi::V1,
            ..ClusterFacts::default()
        },
        scope: Scope::default(),
    }
}

/// Karpenter's controller, whose image tells the version.
fn controller(version: &str) -> Delta {
    let image = sym(&format!("public.ecr.aws/karpenter/controller:{version}"));
    Delta::Controllers(upserts(vec![ControllerRow { image, has_interruption_queue: true, ..testing::controller() }]))
}

fn gpu_node() -> NodeRow {
    let pairs = [
        ("karpenter.sh/nodepool", "gpu"),
        ("karpenter.sh/initialized", "true"),
        ("karpenter.sh/capacity-type", "spot"),
        ("node.kubernetes.io/instance-type", "p5.48xlarge"),
        ("topology.kubernetes.io/region", "us-east-1"),
        ("topology.kubernetes.io/zone", "us-east-1a"),
        ("karpenter.k8s.aws/instance-gpu-name", "h100"),
    ];
    NodeRow {
        labels: labels(&pairs),
        provider_id: Some(sym("aws:///us-east-1a/i-1")),
        capacity: resources(192_000, 2 << 40, &[(GPU, 8)]),
        allocatable: resources(191_000, 2 << 40, &[(GPU, 7)]),
        do_not_disrupt: Some(sym("true")),
        ..node("gpu-1")
    }
}

fn claims() -> Vec<NodeClaimRow> {
    let known = labels(&[
        ("karpenter.sh/nodepool", "gpu"),
        ("karpenter.sh/capacity-type", "spot"),
        ("node.kubernetes.io/instance-type", "p5.48xlarge"),
        ("topology.kubernetes.io/zone", "us-east-1a"),
    ]);
    let ready = NodeClaimRow {
        labels: known,
        expire_after: Lifetime::Seconds(86_400),
        termination_grace_seconds: Some(3600),
        provider_id: Some(sym("aws:///us-east-1a/i-1")),
        conditions: met(&["Launched", "Registered", "Initialized"]),
        ..claim("gpu-abc")
    };
    vec![ready, claim("gpu-new")]
}

fn gpu_pool() -> NodePoolRow {
    let budget = |nodes: &str, schedule: Option<&str>, duration: Option<&str>| Budget {
        nodes: sym(nodes),
        reasons: schedule.map(|_| vec![sym("Underutilized")]),
        schedule: schedule.map(sym),
        duration: duration.map(sym),
    };
    NodePoolRow {
        node_class: Some(NodeClassRef { group: sym("karpenter.k8s.aws"), kind: sym("EC2NodeClass"), name: sym("gpu") }),
        weight: 10,
        consolidate_after: Lifetime::Never,
        budgets: Some(vec![budget("10%", None, None), budget("0", Some("0 9 * * mon-fri"), Some("8h"))]),
        limits: vec![(sym(GPU), sym("64"))],
        usage: vec![(sym("cpu"), sym("192")), (sym(GPU), sym("8"))],
        ..pool("gpu")
    }
}

fn train() -> JobRow {
    JobRow {
        parallelism: 2,
        completions: Some(2),
        active: 1,
        ready: 1,
        succeeded: 1,
        owner: Some(owner("CronJob", "nightly", &meta("ml", "nightly").uid)),
        labels: labels(&[("team", "vision")]),
        ..job("ml", "train")
    }
}

fn pods() -> Vec<PodRow> {
    let job = train();
    let member = |name: &str, value: &str| PodRow {
        owner: Some(owner("Job", "train", &job.meta.uid)),
        labels: labels(&[("team", "vision")]),
        requests: resources(8000, 64 << 30, &[(GPU, 4)]).into(),
        do_not_disrupt: Some(sym(value)),
        ..pod("ml", name, Some("gpu-1"))
    };
    let running = member("train-0", "4h");
    let done = PodRow { phase: PodPhase::Succeeded, ..member("train-1", "true") };
    let waiting = PodRow { phase: PodPhase::Pending, started: None, ..pod("web", "api-0", None) };
    vec![waiting, done, running]
}

/// The exporter on the Node, and the four devices of which it tells: one is busy, and one nobody has requested.
fn exporter() -> PodRow {
    PodRow { labels: labels(&[("app", "nvidia-dcgm-exporter")]), ..pod("monitoring", "dcgm-1", Some("gpu-1")) }
}

fn devices() -> GpuAnswer {
    let device = |index: u32, percent: u32| DeviceReading {
        index: Some(index),
        model: Some(sym("NVIDIA H100 80GB HBM3")),
        utilization: Some(Utilization::percent(percent)),
        memory_used_bytes: Some(60 << 30),
        memory_total_bytes: Some(80 << 30),
        power_milliwatts: Some(612_500),
        temperature_celsius: Some(61),
        xid: Some(0),
        holders: vec![DeviceHolder { pod: ObjectKey::new("ml", "train-0"), container: Some(sym("main")) }],
        ..bare_device(&format!("GPU-{index}"))
    };
    let rogue = DeviceReading { holders: Vec::new(), ..device(1, 33) };
    GpuAnswer {
        node: sym("gpu-1"),
        exporter: Exporter { kind: ExporterKind::Dcgm, pod: ObjectKey::new("monitoring", "dcgm-1") },
        at: NOW,
        devices: Ok(vec![device(0, 91), rogue].into()),
    }
}

fn events() -> Vec<EventRow> {
    let event = |namespace: &str, name: &str, kind: &str, key: ObjectKey, class| {
        let object = EventObject { kind: sym(kind), key };
        let message = sym("Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=ml/train-0)");
        let at = CREATED.plus_seconds(30);
        EventRow { count: 3, message, ..rows::event(meta(namespace, name), at, class, "DisruptionBlocked", object) }
    };
    vec![
        event("default", "e2", "NodeClaim", ObjectKey::cluster("gpu-abc"), EventClass::Blocked),
        event("ml", "e1", "Pod", ObjectKey::new("ml", "train-0"), EventClass::Other),
    ]
}

fn everything() -> World {
    world(vec![
        Delta::Nodes(upserts(vec![node("cpu-1"), gpu_node()])),
        Delta::NodeClaims(upserts(claims())),
        Delta::NodePools(upserts(vec![gpu_pool(), pool("cpu")])),
        Delta::Jobs(upserts(vec![train()])),
        Delta::Pods(upserts([pods(), vec![exporter()]].concat())),
        Delta::Gpus(vec![devices()]),
        Delta::NodeUsage(
            [(sym("gpu-1"), Usage { cpu_millis: 6_120, memory_bytes: 51 << 30, at: NOW })].into_iter().collect(),
        ),
        Delta::Events(upserts(events())),
    ])
}

/// Whether the document is as the schema says, and if not, why.
fn complaints(document: &Value) -> Vec<String> {
    let schema = serde_json::to_value(schema()).expect("JSON");
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema");
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path)).collect()
}

#[test]
fn the_committed_schema_equals_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/export/snapshot.schema.json");
    let generated = format!("{}\n", serde_json::to_string_pretty(&schema()).expect("JSON"));
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &generated).expect("a writable schema");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == generated, "run the tests once with UPDATE_SCHEMA=1 and commit {}", path.display());
}

#[test]
fn a_snapshot_conforms_to_its_schema() {
    assert_eq!(complaints(&everything().json()), Vec::<String>::new());
    let mut nothing = world(Vec::new());
    nothing.sources.clear();
    nothing.cluster = ClusterFacts::default();
    nothing.deltas.clear();
    assert_eq!(complaints(&nothing.json()), Vec::<String>::new());
}

#[test]
fn the_schema_requires_every_field_and_allows_additional_ones() {
    let mut document = everything().json();
    document["nodes"][0]["fromTheFuture"] = Value::Bool(true);
    assert_eq!(complaints(&document), Vec::<String>::new());
    document["nodes"][0].as_object_mut().expect("an object").remove("gpu");
    document["pods"][0]["phase"] = Value::from("Sleeping");
    document["metadata"]["generatedAt"] = Value::from("today");
    assert_eq!(complaints(&document).len(), 3);
}

#[test]
fn a_full_fleet_is_written_as_in_the_committed_document() {
    insta::assert_snapshot!(everything().text());
}

#[test]
fn unknown_values_are_null() {
    let mut world = everything();
    world.set(Kind::Pod, HealthState::Syncing);
    world.set(Kind::NodeClaim, HealthState::Forbidden);
    world.set(Kind::Job, HealthState::Absent);
    let json = world.json();
    for pointer in [
        "/totals/pods",
        "/totals/podsProtected",
        "/totals/nodeClaims",
        "/totals/nodesStarting",
        "/totals/gpu/requested",
        "/nodes/1/podCount",
        "/nodes/1/cpuRequestedMillis",
        "/nodes/1/gpu/requested",
        "/jobs/0/podsProtected",
        "/nodePools/0/disrupting",
    ] {
        assert_eq!(json.pointer(pointer), Some(&Value::Null), "{pointer}");
    }
    assert_eq!((&json["totals"]["nodes"], &json["totals"]["jobsActive"]), (&Value::from(2), &Value::from(1)));
    assert_eq!(complaints(&json), Vec::<String>::new());
}

#[test]
fn sums_over_partly_readable_namespaces_are_null() {
    let mut world = everything();
    let narrow = |world: &mut World, kind, to: &str| {
        let health = world.sources.get_mut(&SourceId::Kind(kind)).expect("a source");
        health.namespaces = Some(vec![Sym::new(to)]);
    };
    narrow(&mut world, Kind::Pod, "ml");
    let json = world.json();
    assert_eq!((&json["totals"]["pods"], &json["nodes"][1]["podCount"]), (&Value::Null, &Value::Null));
    assert_eq!((&json["jobs"][0]["podsProtected"], &json["totals"]["nodes"]), (&Value::from(1), &Value::from(2)));
    assert_eq!(json["totals"]["jobsActive"], Value::from(1), "Jobs are read everywhere");
    narrow(&mut world, Kind::Pod, "web");
    narrow(&mut world, Kind::Job, "ml");
    let json = world.json();
    let job = &json["jobs"][0];
    assert_eq!((&job["podsProtected"], &job["gpuRequested"]), (&Value::Null, &Value::Null), "its pods are not read");
    assert_eq!(json["totals"]["jobsActive"], Value::Null);
}

#[test]
fn a_spot_node_that_is_taken_back_is_told_with_what_goes_with_it() {
    let mut world = everything();
    let at = NOW.plus_seconds(-20);
    let object = EventObject { kind: sym("NodeClaim"), key: ObjectKey::cluster("gpu-abc") };
    let notice = rows::event(meta("default", "notice"), at, EventClass::Interruption, "SpotInterrupted", object);
    let slow = PodRow { termination_grace_seconds: 101, ..pods().remove(2) };
    world.deltas.push(Delta::Events(upserts(vec![EventRow { source: sym("karpenter"), ..notice }])));
    world.deltas.push(Delta::Pods(upserts(vec![slow])));
    let json = world.json();
    assert_eq!(complaints(&json), Vec::<String>::new());
    let (node, pool) = (&json["nodes"][1]["spot"], &json["spotPools"][0]);
    let ends = serde_json::to_value(super::value::Stamp(at.plus_seconds(120))).expect("a time");
    assert_eq!((&node["kind"], &node["state"], &node["endsAt"]), (&"AwsSpot".into(), &"Reclaiming".into(), &ends));
    assert_eq!(
        (&node["signal"]["reason"], &node["signal"]["source"]),
        (&"SpotInterrupted".into(), &"karpenter".into())
    );
    assert_eq!(node["floor"], serde_json::json!({"value": 1, "reason": "Reclaiming"}));
    assert_eq!((&node["risk"], &node["coverage"], &node["pool"]), (&100.into(), &0.0.into(), &pool["pool"]));
    assert_eq!(pool["pool"], "p5.48xlarge/us-east-1a");
    assert_eq!((&pool["nodes"], &pool["pods"], &pool["podsProtected"]), (&1.into(), &2.into(), &1.into()));
    assert_eq!((&pool["podsCutShort"], &pool["hazard"]), (&1.into(), &Value::Null), "100 s are left");
    let job = serde_json::json!({"namespace": "ml", "name": "train", "completedWork": 0.5, "lostSeconds": 3600});
    assert_eq!(pool["jobs"], serde_json::json!([job]));
    assert_eq!(
        (&json["totals"]["spot"]["reclaiming"], &json["totals"]["spot"]["largestPoolShare"]),
        (&1.into(), &1.into())
    );
    assert_eq!(json["nodes"][0]["spot"], Value::Null);
    world.set(Kind::Pod, HealthState::Syncing);
    assert_eq!(world.json()["spotPools"][0]["podsCutShort"], Value::Null);
}

#[test]
fn a_job_held_by_kueue_is_queued_with_kueues_reason() {
    let held = JobRow { suspended: true, ..train() };
    let mut world = world(vec![Delta::Jobs(upserts(vec![held.clone()]))]);
    let told = |world: &World| {
        let job = &world.json()["jobs"][0];
        ["status", "reason", "message"].map(|field| job[field].clone())
    };
    assert_eq!(told(&world), ["Suspended".into(), Value::Null, Value::Null]);
    let mut row = workload("job-train", &held);
    row.conditions = vec![condition("QuotaReserved", crate::fleet::Status::False, "Pending")];
    let says = |row: &WorkloadRow| Delta::Workloads(upserts(vec![row.clone()]));
    world.deltas.push(says(&row));
    assert_eq!(told(&world), ["Queued".into(), "Pending".into(), Value::Null]);
    row.conditions[0].message = sym("LocalQueue research doesn't exist");
    world.deltas.push(says(&row));
    assert_eq!(told(&world), ["Queued", "Pending", "LocalQueue research doesn't exist"].map(Value::from));
    assert_eq!(complaints(&world.json()), Vec::<String>::new());
}

/// The names in each list.
fn names(json: &Value) -> [Vec<String>; 6] {
    ["nodes", "nodeClaims", "nodePools", "pods", "jobs", "events"].map(|list| {
        let rows = json[list].as_array().expect("a list").iter();
        rows.map(|row| row["name"].as_str().or(row["uid"].as_str()).expect("a name").to_owned()).collect()
    })
}

fn owned(lists: [&[&str]; 6]) -> [Vec<String>; 6] {
    lists.map(|list| list.iter().map(|name| (*name).to_owned()).collect())
}

const ALL_PODS: &[&str] = &["train-0", "train-1", "dcgm-1", "api-0"];
const ALL_NODES: &[&str] = &["cpu-1", "gpu-1"];
const ALL_CLAIMS: &[&str] = &["gpu-abc", "gpu-new"];
const ALL_EVENTS: &[&str] = &["uid-default/e2", "uid-ml/e1"];

#[test]
fn a_scope_narrows_lists_and_never_totals() {
    let mut world = everything();
    let all = world.json();
    assert_eq!(names(&all), owned([ALL_NODES, ALL_CLAIMS, &["cpu", "gpu"], ALL_PODS, &["train"], ALL_EVENTS]));
    world.scope = Scope { namespaces: Some(BTreeSet::from(["web".to_owned()])), ..Scope::default() };
    let web = world.json();
    assert_eq!(names(&web), owned([ALL_NODES, ALL_CLAIMS, &["cpu", "gpu"], &["api-0"], &[], &[]]));
    world.scope = Scope { selector: Some(Selector::parse("team=vision").unwrap()), ..Scope::default() };
    let vision = world.json();
    let want = [ALL_NODES, ALL_CLAIMS, &["cpu", "gpu"], &["train-0", "train-1"], &["train"], &["uid-ml/e1"]];
    assert_eq!(names(&vision), owned(want));
    let by_label = |text: &str| Scope { node_selector: Some(Selector::parse(text).unwrap()), ..Scope::default() };
    world.scope = by_label("topology.kubernetes.io/zone=us-east-1a");
    let zone = world.json();
    assert_eq!(names(&zone), owned([&["gpu-1"], &["gpu-abc"], &["gpu"], ALL_PODS, &["train"], ALL_EVENTS]));
    world.scope = by_label("karpenter.sh/nodepool=cpu");
    assert_eq!(names(&world.json()), owned([&[], &[], &["cpu"], ALL_PODS, &["train"], ALL_EVENTS]));
    for narrowed in [&web, &vision, &zone] {
        assert_eq!(narrowed["totals"], all["totals"]);
        assert_eq!(complaints(narrowed), Vec::<String>::new());
    }
    assert_eq!(vision["metadata"]["scope"]["selector"], "team=vision");
    assert_eq!(web["metadata"]["scope"]["namespaces"], serde_json::json!(["web"]));
}

#[test]
fn a_duration_is_invalid_protection_before_karpenter_1_12() {
    let mut world = everything();
    let state = |world: &World| world.json()["pods"][0]["protection"]["state"].clone();
    assert_eq!(state(&world), "Until");
    world.deltas.push(controller("1.11.0"));
    assert_eq!(
        (state(&world), world.json()["totals"]["podsProtected"].clone()),
        (Value::from("Invalid"), Value::from(0))
    );
}

#[test]
fn a_node_that_is_not_ready_uses_up_the_budget_of_its_pool() {
    let mut world = everything();
    let broken = NodeRow { conditions: vec![condition("Ready", crate::fleet::Status::Unknown, "")], ..gpu_node() };
    world.deltas.push(Delta::Nodes(upserts(vec![broken])));
    let json = world.json();
    assert_eq!(
        (&json["nodePools"][1]["nodes"], &json["nodePools"][1]["disrupting"]),
        (&Value::from(1), &Value::from(1))
    );
    assert_eq!(json["nodes"][1]["phase"], "NotReady");
}

/// A pod that pulls its image on a Node that was made for it, NOW being an hour after its creation.
fn pulling_pod() -> Vec<Delta> {
    let second = |seconds: i64| Some(CREATED.plus_seconds(seconds).into());
    let met =
        |kind: &str, seconds: i64| rows::condition(kind, crate::fleet::Status::True, CREATED.plus_seconds(seconds));
    let container = ContainerStart {
        pulling: second(160),
        ..ContainerStart::new(sym("main"), sym("train:1"), ContainerRole::Main)
    };
    let start = PodStart {
        scheduled: second(150),
        sandbox: second(155),
        containers: [container].into(),
        ..PodStart::default()
    };
    let pod = PodRow {
        phase: PodPhase::Pending,
        requests: resources(1000, 1 << 30, &[(GPU, 4)]).into(),
        start: Some(Box::new(start)),
        ..pod("ml", "slow", Some("gpu-1"))
    };
    let machine = NodeRow {
        meta: rows::meta("", "gpu-1", CREATED.plus_seconds(100)),
        labels: labels(&[
            ("karpenter.sh/nodepool", "gpu"),
            ("karpenter.sh/initialized", "true"),
            ("karpenter.sh/registered", "true"),
            ("node.kubernetes.io/instance-type", "p5.48xlarge"),
            ("topology.kubernetes.io/zone", "us-east-1a"),
            ("eks-node-viewer/instance-price", "55.04"),
        ]),
        ..gpu_node()
    };
    let claim = NodeClaimRow {
        meta: rows::meta("", "gpu-abc", CREATED.plus_seconds(5)),
        conditions: vec![met("Launched", 40), met("Registered", 110), met("Initialized", 145)],
        ..claims().remove(0)
    };
    vec![Delta::Nodes(upserts(vec![machine])), Delta::NodeClaims(upserts(vec![claim])), Delta::Pods(upserts(vec![pod]))]
}

#[test]
fn a_start_is_told_with_its_steps_its_cause_and_its_dollars() {
    let json = world(pulling_pod()).json();
    let start = &json["coldStarts"][0];
    for (field, want) in [
        ("namespace", serde_json::json!("ml")),
        ("pod", serde_json::json!("slow")),
        ("job", Value::Null),
        ("node", serde_json::json!("gpu-1")),
        ("nodeClaim", serde_json::json!("gpu-abc")),
        ("nodePool", serde_json::json!("gpu")),
        ("instanceType", serde_json::json!("p5.48xlarge")),
        ("zone", serde_json::json!("us-east-1a")),
        ("totalSeconds", serde_json::json!(3600)),
        // Half of the GPUs, from launch until now: 55.04 / 2 × 3,560 s.
        ("usdWaiting", serde_json::json!(27.214_222)),
        ("complete", serde_json::json!(true)),
        ("restarted", serde_json::json!(false)),
        ("openPhase", serde_json::json!("Pull")),
        ("launchFailures", serde_json::json!([])),
    ] {
        assert_eq!(start[field], want, "{field}");
    }
    let cause = serde_json::json!({"reason": "ImagePull", "message": "Pulling image \"train:1\"",
        "object": {"kind": "Pod", "namespace": "ml", "name": "slow"},
        "since": CREATED.plus_seconds(160).to_string()});
    assert_eq!(start["cause"], cause);
    let image = serde_json::json!({"name": "train:1", "container": "main", "init": false, "pullSeconds": null,
        "waitSeconds": null, "bytes": null, "cached": false, "seemsCached": false, "failures": 0, "error": null});
    assert_eq!(start["images"][0], image);
    let steps: Vec<(&str, i64)> = start["phases"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| (step["name"].as_str().expect("a name"), step["seconds"].as_i64().expect("seconds")))
        .collect();
    let want = [
        ("WaitingForCapacity", 5),
        ("Launch", 35),
        ("Boot", 60),
        ("Register", 10),
        ("Initialize", 35),
        ("Schedule", 5),
        ("Sandbox", 5),
        ("Pull", 3_445),
    ];
    assert_eq!(steps, want);
    assert_eq!(json["totals"]["cost"]["waitingUsdPerHour"], serde_json::json!(27.52));
}
