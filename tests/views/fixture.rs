//! A small fleet made by hand: every state that a screen shows differently is in it once.

use std::sync::Arc;

use batchtop::app::{App, Msg, Settings, settle, update};
use batchtop::config::{Library, keymap};
use batchtop::fleet::*;
use batchtop::input::Chord;
use batchtop::insight::cost::Ledger;
use batchtop::units::{Lifetime, Time};

use crate::rows;
pub use crate::rows::labels;

pub fn at(clock: &str) -> Time {
    Time::parse(&format!("2026-11-21T{clock}Z")).expect("a time")
}

pub fn now() -> Time {
    at("12:04:00")
}

pub fn ago(seconds: i64) -> Time {
    now().plus_seconds(-seconds)
}

pub const HOUR: i64 = 3600;
pub const DAY: i64 = 24 * HOUR;

pub fn meta(namespace: &str, name: &str, age_seconds: i64) -> Meta {
    rows::meta(namespace, name, ago(age_seconds))
}

pub fn condition(kind: &str, status: Status, seconds_ago: i64, reason: &str, message: &str) -> Condition {
    let since = rows::condition(kind, status, ago(seconds_ago));
    Condition { reason: Sym::new(reason), message: Sym::new(message), ..since }
}

pub fn resources(cpu_millis: i64, gib: i64, gpus: i64) -> Resources {
    let gpu = GpuCount { resource: Sym::new("nvidia.com/gpu"), count: gpus };
    let gpus = if gpus > 0 { vec![gpu] } else { Vec::new() };
    Resources { cpu_millis, memory_bytes: gib << 30, pods: 110, gpus, ..Resources::default() }
}

pub struct Machine {
    pool: &'static str,
    kind: &'static str,
    capacity: &'static str,
    zone: &'static str,
    size: Resources,
}

pub fn p5() -> Machine {
    Machine {
        pool: "gpu",
        kind: "p5.48xlarge",
        capacity: "on-demand",
        zone: "us-east-1b",
        size: resources(191_450, 1_940, 8),
    }
}

pub fn g5() -> Machine {
    Machine { pool: "gpu", kind: "g5.12xlarge", capacity: "spot", zone: "us-east-1a", size: resources(47_810, 180, 4) }
}

pub fn m7i() -> Machine {
    Machine { pool: "cpu", kind: "m7i.2xlarge", capacity: "spot", zone: "us-east-1c", size: resources(7_910, 29, 0) }
}

fn machine_labels(machine: &Machine) -> Labels {
    labelled(machine, &[])
}

fn labelled(machine: &Machine, more: &[(&str, &str)]) -> Labels {
    let own = [
        ("karpenter.sh/nodepool", machine.pool),
        ("karpenter.sh/capacity-type", machine.capacity),
        ("karpenter.sh/registered", "true"),
        ("karpenter.sh/initialized", "true"),
        ("node.kubernetes.io/instance-type", machine.kind),
        ("topology.kubernetes.io/zone", machine.zone),
        ("topology.kubernetes.io/region", "us-east-1"),
    ];
    labels(&[&own, more].concat())
}

pub fn node(name: &str, age_seconds: i64, machine: &Machine) -> NodeRow {
    NodeRow {
        labels: machine_labels(machine),
        provider_id: Some(Sym::new(&format!("aws:///{}/i-{name}", machine.zone))),
        conditions: vec![
            condition("Ready", Status::True, age_seconds - 60, "KubeletReady", "kubelet is posting ready status"),
            condition("MemoryPressure", Status::False, age_seconds - 60, "KubeletHasSufficientMemory", ""),
        ],
        capacity: machine.size.clone(),
        allocatable: machine.size.clone(),
        kubelet_version: Sym::new("v1.34.2-eks-2f4a6c1"),
        ..rows::node(meta("", name, age_seconds))
    }
}

pub fn claim(name: &str, node: Option<&str>, age_seconds: i64, machine: &Machine) -> NodeClaimRow {
    let steps = [("Launched", 20), ("Registered", 70), ("Initialized", 120)];
    let reached = steps.iter().filter(|(step, after)| node.is_some() || (*step == "Launched" && age_seconds > *after));
    NodeClaimRow {
        labels: machine_labels(machine),
        node_class: Some(NodeClassRef {
            group: Sym::new("karpenter.k8s.aws"),
            kind: Sym::new("EC2NodeClass"),
            name: Sym::new("default"),
        }),
        expire_after: Lifetime::Seconds(30 * DAY),
        termination_grace_seconds: Some(600),
        requests: resources(8_000, 32, 0),
        node_name: node.map(Sym::new),
        provider_id: Some(Sym::new(&format!("aws:///{}/i-{}", machine.zone, node.unwrap_or(name)))),
        capacity: machine.size.clone(),
        allocatable: machine.size.clone(),
        conditions: reached.map(|(step, after)| condition(step, Status::True, age_seconds - after, step, "")).collect(),
        ..rows::claim(meta("", name, age_seconds))
    }
}

pub fn pod(name: &str, job: Option<&str>, node: Option<&str>, age_seconds: i64, requests: Resources) -> PodRow {
    PodRow {
        owner: job.map(|job| rows::owning_job(job, &meta("ml", job, 0).uid).into()),
        node: node.map(Sym::new),
        started: node.map(|_| ago(age_seconds - 30)),
        requests: requests.into(),
        ..rows::pod(meta("ml", name, age_seconds))
    }
}

pub fn protected(pod: PodRow, value: &str) -> PodRow {
    PodRow { do_not_disrupt: Some(Sym::new(value)), ..pod }
}

pub fn job(name: &str, age_seconds: i64, completions: i64) -> JobRow {
    JobRow {
        parallelism: completions,
        completions: Some(completions),
        requests: resources(8_000, 64, 1),
        started: Some(ago(age_seconds - 2)),
        ..rows::job(meta("ml", name, age_seconds))
    }
}

fn nodes() -> Vec<NodeRow> {
    let leaving = NodeRow {
        taints: vec![Taint {
            key: Sym::new("karpenter.sh/disrupted"),
            value: Sym::new(""),
            effect: Sym::new("NoSchedule"),
        }],
        ..node("ip-10-0-31-7.ec2.internal", 6 * HOUR, &m7i())
    };
    let broken = NodeRow {
        conditions: vec![condition(
            "Ready",
            Status::Unknown,
            190,
            "NodeStatusUnknown",
            "Kubelet stopped posting node status.",
        )],
        labels: labelled(&m7i(), &[("eks-node-viewer/instance-price", "0")]),
        ..node("ip-10-0-31-9.ec2.internal", 3 * DAY, &m7i())
    };
    let auto = NodeRow {
        labels: labelled(&g5(), &[("eks.amazonaws.com/compute-type", "auto")]),
        ..node("ip-10-0-12-91.ec2.internal", 41 * 60, &g5())
    };
    let own = NodeRow {
        labels: labels(&[("node.kubernetes.io/instance-type", "t3.large")]),
        cordoned: true,
        ..node("ip-10-0-0-5.ec2.internal", 90 * DAY, &m7i())
    };
    let held =
        NodeRow { do_not_disrupt: Some(Sym::new("true")), ..node("ip-10-0-12-34.ec2.internal", 11 * HOUR, &p5()) };
    vec![held, node("ip-10-0-12-80.ec2.internal", 29 * DAY + 23 * HOUR, &g5()), auto, leaving, broken, own]
}

fn claims() -> Vec<NodeClaimRow> {
    vec![
        claim("gpu-h665f", Some("ip-10-0-12-34.ec2.internal"), 11 * HOUR, &p5()),
        claim("gpu-c02ml", Some("ip-10-0-12-80.ec2.internal"), 29 * DAY + 23 * HOUR, &g5()),
        claim("gpu-q7777", Some("ip-10-0-12-91.ec2.internal"), 41 * 60, &g5()),
        claim("cpu-wl72n", Some("ip-10-0-31-7.ec2.internal"), 6 * HOUR, &m7i()),
        claim("cpu-wl9xz", Some("ip-10-0-31-9.ec2.internal"), 3 * DAY, &m7i()),
        claim("gpu-n3w00", None, 72, &p5()),
    ]
}

pub fn pool(name: &str, budgets: Vec<Budget>) -> NodePoolRow {
    NodePoolRow {
        weight: 10,
        consolidate_after: Lifetime::Seconds(30),
        budgets: Some(budgets),
        expire_after: Lifetime::Seconds(30 * DAY),
        termination_grace_seconds: Some(600),
        limits: vec![(Sym::new("nvidia.com/gpu"), Sym::new("64"))],
        usage: vec![(Sym::new("cpu"), Sym::new("480")), (Sym::new("nvidia.com/gpu"), Sym::new("16"))],
        conditions: vec![condition("Ready", Status::True, DAY, "Ready", "")],
        ..rows::pool(meta("", name, 90 * DAY))
    }
}

pub fn budget(nodes: &str) -> Budget {
    Budget { nodes: Sym::new(nodes), reasons: None, schedule: None, duration: None }
}

fn pools() -> Vec<NodePoolRow> {
    let night = Budget {
        nodes: Sym::new("0"),
        reasons: Some(vec![Sym::new("Drifted")]),
        schedule: Some(Sym::new("0 18 * * *")),
        duration: Some(Sym::new("8h")),
    };
    let unready = NodePoolRow {
        conditions: vec![condition(
            "Ready",
            Status::False,
            600,
            "NodeClassNotReady",
            "EC2NodeClass \"default\" is not ready",
        )],
        ..pool("cpu", vec![budget("20%")])
    };
    vec![pool("gpu", vec![budget("10%"), night]), unready]
}

fn jobs() -> Vec<JobRow> {
    let train = JobRow { active: 8, ready: 8, ..job("train", 2 * HOUR, 8) };
    let sweep = JobRow { active: 2, ready: 1, succeeded: 3, failed: 1, ..job("sweep", 41 * 60, 8) };
    let waiting = JobRow { active: 1, ..job("render", 72, 1) };
    let suspended = JobRow { suspended: true, started: None, ..job("paused", 5 * HOUR, 4) };
    let failed = JobRow {
        failed: 7,
        conditions: vec![condition(
            "Failed",
            Status::True,
            300,
            "BackoffLimitExceeded",
            "Job has reached the specified backoff limit",
        )],
        ..job("broken", 20 * 60, 1)
    };
    let done = JobRow {
        succeeded: 1,
        completed: Some(ago(1800)),
        conditions: vec![condition("Complete", Status::True, 1800, "CompletionsReached", "")],
        owner: Some(Arc::new(Owner {
            api_version: Sym::new("batch/v1"),
            kind: Sym::new("CronJob"),
            name: Sym::new("nightly"),
            uid: Uid::parse("ml/nightly"),
        })),
        ..job("nightly-29", HOUR, 1)
    };
    vec![train, sweep, waiting, suspended, failed, done]
}

fn pods() -> Vec<PodRow> {
    let gpu = |count| resources(8_000, 64, count);
    let p5_node = Some("ip-10-0-12-34.ec2.internal");
    let g5_node = Some("ip-10-0-12-80.ec2.internal");
    let mut pods: Vec<PodRow> = (0..7)
        .map(|n| protected(pod(&format!("train-{n}-x{n}k2p"), Some("train"), p5_node, 2 * HOUR, gpu(1)), "true"))
        .collect();
    pods.push(protected(pod("train-7-b8d1q", Some("train"), g5_node, 2 * HOUR, gpu(2)), "4h"));
    pods.push(protected(
        pod("sweep-3-ab12c", Some("sweep"), Some("ip-10-0-12-91.ec2.internal"), 40 * 60, gpu(1)),
        "10m",
    ));
    pods.push(protected(pod("sweep-4-zz91k", Some("sweep"), g5_node, 40 * 60, resources(4_000, 16, 0)), "2d"));
    pods.push(PodRow {
        phase: PodPhase::Pending,
        status: Sym::new("Pending"),
        unschedulable: Sym::new("0/6 nodes are available: 6 Insufficient nvidia.com/gpu."),
        containers_ready: 0,
        ..pod("render-0-qq41x", Some("render"), None, 72, gpu(8))
    });
    pods.push(PodRow {
        phase: PodPhase::Failed,
        status: Sym::new("OOMKilled"),
        containers_ready: 0,
        restarts: 3,
        ..protected(pod("broken-0-k1k1k", Some("broken"), g5_node, 20 * 60, gpu(0)), "true")
    });
    pods.push(PodRow {
        phase: PodPhase::Succeeded,
        status: Sym::new("Completed"),
        containers_ready: 0,
        ..pod("nightly-29-8s2lq", Some("nightly-29"), g5_node, HOUR, gpu(0))
    });
    let mut leaving = pod("web-6d5c4-hj2kz", None, Some("ip-10-0-31-7.ec2.internal"), 5 * HOUR, resources(500, 1, 0));
    leaving.meta.deletion = Some(now().plus_seconds(20));
    leaving.meta.deletion_grace_seconds = 30;
    leaving.status = Sym::new("Terminating");
    pods.push(leaving);
    pods
}

pub fn event(
    name: &str,
    seconds_ago: i64,
    class: EventClass,
    reason: &str,
    object: (&str, &str, &str),
    message: &str,
) -> EventRow {
    let meta = meta(if object.1.is_empty() { "default" } else { object.1 }, name, seconds_ago + 600);
    let object = EventObject { kind: Sym::new(object.0), key: ObjectKey::new(object.1, object.2) };
    EventRow { message: Sym::new(message), ..rows::event(meta, ago(seconds_ago), class, reason, object) }
}

fn events() -> Vec<EventRow> {
    vec![
        EventRow {
            count: 41,
            ..event(
                "a",
                300,
                EventClass::Blocked,
                "DisruptionBlocked",
                ("Node", "", "ip-10-0-12-80.ec2.internal"),
                "Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=ml/train-7-b8d1q)",
            )
        },
        event(
            "b",
            90,
            EventClass::Disrupting,
            "DisruptionTerminating",
            ("NodeClaim", "", "cpu-wl72n"),
            "Disrupting NodeClaim: Empty",
        ),
        EventRow {
            kind: EventType::Warning,
            ..event(
                "c",
                70,
                EventClass::Scheduling,
                "FailedScheduling",
                ("Pod", "ml", "render-0-qq41x"),
                "0/6 nodes are available: 6 Insufficient nvidia.com/gpu.",
            )
        },
        event(
            "d",
            65,
            EventClass::Provisioning,
            "Nominated",
            ("Pod", "ml", "render-0-qq41x"),
            "Pod should schedule on: nodeclaim/gpu-n3w00",
        ),
        EventRow {
            kind: EventType::Warning,
            ..event(
                "e",
                3700,
                EventClass::Interruption,
                "SpotInterrupted",
                ("NodeClaim", "", "gpu-old11"),
                "Spot interruption warning was triggered",
            )
        },
    ]
}

/// What AWS asks, but for the node that is nobody's; one node is prepaid, and the fee of another is not known.
fn prices() -> Vec<PriceChange> {
    let price = |micro_usd_per_hour| Price { micro_usd_per_hour, as_of: ago(240) };
    let key = |place: &str, machine: &Machine| PriceKey {
        place: Sym::new(place),
        instance_type: Sym::new(machine.kind),
        capacity_type: if machine.capacity == "spot" { CapacityType::Spot } else { CapacityType::OnDemand },
    };
    let spot =
        |machine: Machine, rate| PriceChange::Listed(PriceList::AwsSpot, key(machine.zone, &machine), price(rate));
    vec![
        PriceChange::Listed(PriceList::AwsOnDemand, key("us-east-1", &p5()), price(55_040_000)),
        spot(g5(), 1_984_400),
        spot(m7i(), 142_300),
    ]
}

pub fn relist<R>(rows: Vec<R>) -> Vec<Change<R>> {
    let rows = rows.into_iter().map(Change::Upsert);
    [Change::Begin].into_iter().chain(rows).chain([Change::Commit]).collect()
}

pub fn health(state: HealthState) -> Health {
    Health { state, objects: 12_300, as_of: Some(ago(42)), next_try: Some(now().plus_seconds(8)), ..Health::default() }
}

pub fn report(app: &mut App, report: Report) {
    let epoch = app.epoch;
    update(app, Msg::Source(epoch, report));
    frame(app);
}

/// A frame, as the event loop draws one: rows are put in order, and the App is told what was laid out.
pub fn frame(app: &mut App) {
    update(app, Msg::Frame);
    let geometry = batchtop::view::derive(app).geometry;
    update(app, Msg::Geometry(geometry));
}

pub fn set_health(app: &mut App, kind: Kind, state: HealthState) {
    let live = Health { next_try: None, ..health(state) };
    let health = if state == HealthState::Live { live } else { health(state) };
    report(app, Report::Health(SourceId::Kind(kind), health));
}

/// Connected, and nothing known yet.
pub fn empty(size: (u16, u16)) -> App {
    let (loaded, problems) = keymap(&Library::embedded(), "default");
    assert_eq!(problems, []);
    let settings = Settings { keymap: loaded.keymap, version: "0.1.0".to_owned(), ..Settings::default() };
    let mut app = App::new(settings, now());
    update(&mut app, Msg::Resize { width: size.0, height: size.1 });
    let facts = ClusterFacts {
        context: "prod-ml".to_owned(),
        server: "https://k8s.example:6443".to_owned(),
        identity: Some("jo".to_owned()),
        kubernetes_version: Some("v1.34.2".to_owned()),
        karpenter_api: KarpenterApi::V1,
        karpenter_crd_version: Some("1.14".to_owned()),
        contexts: vec!["prod-ml".to_owned(), "lab".to_owned()],
        ..ClusterFacts::default()
    };
    report(&mut app, Report::Cluster(Box::new(facts)));
    app
}

/// All of it, live.
pub fn fleet(size: (u16, u16)) -> App {
    let mut app = empty(size);
    for delta in [
        Delta::Nodes(relist(nodes())),
        Delta::NodeClaims(relist(claims())),
        Delta::NodePools(relist(pools())),
        Delta::Jobs(relist(jobs())),
        Delta::Pods(relist(pods())),
        Delta::Events(relist(events())),
        Delta::Prices(prices()),
    ] {
        report(&mut app, Report::Delta(delta));
    }
    for kind in Kind::ALL {
        set_health(&mut app, kind, HealthState::Live);
    }
    for source in SourceId::of_group(SourceGroup::Prices) {
        report(&mut app, Report::Health(source, Health { next_try: None, ..health(HealthState::Live) }));
    }
    clock(&mut app, now());
    frame(&mut app);
    app
}

/// The same after batchtop has looked on for so long; everything is as old as before.
pub fn after(app: &mut App, seconds: i64) {
    let end = app.now;
    app.insights.ledger = Ledger::default();
    let mut at = end.plus_seconds(-seconds);
    while at < end {
        clock(app, at);
        at = at.plus_seconds(10);
    }
    clock(app, end);
    frame(app);
}

/// A second passes, and with it all work that it brings.
pub fn clock(app: &mut App, now: Time) {
    update(app, Msg::Clock(now));
    settle(app);
}

/// All of it, after these keys.
pub fn fleet_after(size: (u16, u16), keys: &str) -> App {
    let mut app = fleet(size);
    press(&mut app, keys);
    app
}

/// Cost after batchtop has looked on for an hour, and after these keys.
pub fn cost_after_an_hour(size: (u16, u16), keys: &str) -> App {
    let mut app = fleet_after(size, &format!("6 {keys}"));
    after(&mut app, 3_600);
    app
}

/// Keys one after another, separated by spaces.
pub fn press(app: &mut App, keys: &str) {
    for key in keys.split_whitespace() {
        update(app, Msg::Key(key.parse::<Chord>().expect("a key")));
        frame(app);
    }
}

/// A pod whose every text is hostile.
pub fn hostile_pod(text: &str) -> PodRow {
    let mut row = pod("x", None, Some(text), 60, resources(1, 1, 1));
    row.meta.key = ObjectKey::new(text, text);
    row.status = Sym::new(text);
    row.unschedulable = Sym::new(text);
    row.do_not_disrupt = Some(Sym::new(text));
    row
}

/// A Node whose every text is hostile.
pub fn hostile_node(text: &str) -> NodeRow {
    let mut row = node(text, 60, &g5());
    row.labels = labels(&[
        ("karpenter.sh/nodepool", text),
        ("node.kubernetes.io/instance-type", text),
        ("topology.kubernetes.io/zone", text),
    ]);
    row.conditions =
        vec![condition(text, Status::False, 5, text, text), condition("Ready", Status::False, 5, text, text)];
    row.taints = vec![Taint { key: Sym::new(text), value: Sym::new(text), effect: Sym::new(text) }];
    row.kubelet_version = Sym::new(text);
    row.do_not_disrupt = Some(Sym::new(text));
    row
}

/// What an exporter tells of the hostile Node, and of another, in hostile texts.
pub fn hostile_devices(text: &str) -> Vec<GpuAnswer> {
    let reading = |mig| DeviceReading {
        uuid: Sym::new(text),
        index: None,
        model: Some(Sym::new(text)),
        mig,
        utilization: Some(Utilization::FULL),
        memory_used_bytes: Some(u64::MAX),
        memory_total_bytes: Some(u64::MAX),
        power_milliwatts: Some(u32::MAX),
        temperature_celsius: Some(i16::MIN),
        xid: Some(u32::MAX),
        holders: vec![DeviceHolder { pod: ObjectKey::new(text, text), container: Some(Sym::new(text)) }],
    };
    let mig = MigInstance { id: u32::MAX, profile: Sym::new(text) };
    let answer = |node: &str| GpuAnswer {
        node: Sym::new(node),
        exporter: Exporter { kind: ExporterKind::Dcgm, pod: ObjectKey::new(text, text) },
        at: now(),
        devices: Ok(vec![reading(None), reading(Some(mig.clone())), reading(None)].into()),
    };
    vec![answer(text), answer("ip-10-0-12-80.ec2.internal")]
}

/// An Event whose every text is hostile.
pub fn hostile_event(text: &str) -> EventRow {
    event(text, 5, EventClass::Other, text, (text, text, text), text)
}

/// A Job whose every text is hostile.
pub fn hostile_job(text: &str) -> JobRow {
    let mut row = job(text, 60, 1);
    row.meta.key = ObjectKey::new(text, text);
    row.conditions = vec![condition("Failed", Status::True, 5, text, text)];
    row
}

/// The Workload of Job `ml/paused`, which Kueue does not admit for this reason.
pub fn workload_of_paused(message: &str) -> WorkloadRow {
    let conditions = vec![condition("QuotaReserved", Status::False, 60, "WaitingForQuota", message)];
    let workload = rows::workload(meta("ml", "job-paused-1f2e3", 5 * HOUR), &job("paused", 5 * HOUR, 4));
    WorkloadRow { queue: Some(Sym::new("research")), conditions, ..workload }
}

pub fn upsert<R>(row: R) -> Vec<Change<R>> {
    vec![Change::Upsert(row)]
}
