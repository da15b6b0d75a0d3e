//! A small fleet, in which every name says what its row is there for.

use batchtop::fleet::{
    Change, ClusterFacts, Delta, DisruptionBudgetRow, EventClass, EventObject, EventRow, Eviction, GpuCount, Health,
    HealthState, JobRow, KarpenterApi, Kind, Labels, Meta, NamespaceRow, NodeClaimRow, NodePoolRow, NodeRow, ObjectKey,
    Owner, PodPhase, PodRow, PodSelector, Report, ResourceVersion, Resources, SourceId, Status, Sym, Uid, WorkloadRow,
};
use batchtop::units::Time;

use crate::rows::{self, condition};

/// Noon, when every story begins.
pub fn noon() -> Time {
    Time::parse("2026-11-21T12:00:00Z").unwrap()
}

pub fn hours_ago(hours: i64) -> Time {
    noon().plus_seconds(-3600 * hours)
}

fn sym(text: &str) -> Sym {
    Sym::new(text)
}

pub fn meta(namespace: &str, name: &str) -> Meta {
    Meta {
        uid: uid(namespace, name),
        resource_version: ResourceVersion::Number(100),
        ..rows::meta(namespace, name, hours_ago(24))
    }
}

fn uid(namespace: &str, name: &str) -> Uid {
    Uid::parse(&format!("uid of {namespace}/{name}"))
}

/// Those that have a value.
pub fn labels(pairs: &[(&str, &str)]) -> Labels {
    let pairs: Vec<(&str, &str)> = pairs.iter().copied().filter(|(_, value)| !value.is_empty()).collect();
    rows::labels(&pairs)
}

fn gpus(count: i64) -> Resources {
    let gpus = if count == 0 { Vec::new() } else { vec![GpuCount { resource: sym("nvidia.com/gpu"), count }] };
    Resources { cpu_millis: 4_000, memory_bytes: 1 << 34, pods: 110, gpus, ..Resources::default() }
}

pub fn node(name: &str, pool: &str) -> NodeRow {
    let (kind, zone, capacity, count) = match pool {
        "gpu" => ("p5.48xlarge", "us-east-1a", "spot", 8),
        _ => ("m7i.2xlarge", "us-east-1b", "on-demand", 0),
    };
    NodeRow {
        labels: labels(&[
            ("karpenter.sh/nodepool", pool),
            ("karpenter.sh/registered", "true"),
            ("karpenter.sh/initialized", "true"),
            ("karpenter.sh/capacity-type", capacity),
            ("node.kubernetes.io/instance-type", kind),
            ("topology.kubernetes.io/zone", zone),
        ]),
        provider_id: Some(sym(&format!("aws:///{name}"))),
        conditions: vec![condition("Ready", Status::True, hours_ago(23))],
        capacity: gpus(count),
        allocatable: gpus(count),
        kubelet_version: sym("v1.34.2"),
        ..rows::node(meta("", name))
    }
}

pub fn claim(name: &str, pool: &str, node: Option<&str>) -> NodeClaimRow {
    let reached: &[&str] = if node.is_some() { &["Launched", "Registered", "Initialized"] } else { &["Launched"] };
    NodeClaimRow {
        labels: labels(&[("karpenter.sh/nodepool", pool), ("node.kubernetes.io/instance-type", "p5.48xlarge")]),
        requests: gpus(8),
        node_name: node.map(sym),
        provider_id: node.map(|node| sym(&format!("aws:///{node}"))),
        capacity: gpus(8),
        allocatable: gpus(8),
        conditions: reached.iter().map(|kind| condition(kind, Status::True, hours_ago(23))).collect(),
        ..rows::claim(meta("", name))
    }
}

pub fn pool(name: &str) -> NodePoolRow {
    let conditions = vec![condition("Ready", Status::True, hours_ago(23))];
    NodePoolRow { conditions, ..rows::pool(meta("", name)) }
}

/// A PodDisruptionBudget that lets no pod go.
pub fn budget(namespace: &str, name: &str) -> DisruptionBudgetRow {
    DisruptionBudgetRow {
        current_healthy: 2,
        desired_healthy: 2,
        expected_pods: 2,
        ..rows::disruption_budget(meta(namespace, name), PodSelector::Nothing)
    }
}

pub fn pod(namespace: &str, name: &str, node: &str) -> PodRow {
    PodRow {
        node: Some(node).filter(|node| !node.is_empty()).map(sym),
        started: Some(hours_ago(6)),
        requests: gpus(0).into(),
        ..rows::pod(meta(namespace, name))
    }
}

/// A pod of a Job.
pub fn pod_of(job: &str, name: &str, node: &str) -> PodRow {
    let owner = rows::owning_job(job, &uid("ml", job));
    PodRow { owner: Some(owner.into()), requests: gpus(2).into(), ..pod("ml", name, node) }
}

/// A pod of another owner than a Job.
pub fn owned(kind: &str, name: &str, pod: PodRow) -> PodRow {
    let api_version = sym(if kind == "RayCluster" { "ray.io/v1" } else { "apps/v1" });
    let owner = Owner { uid: uid(&pod.meta.key.namespace, name), api_version, kind: sym(kind), name: sym(name) };
    let eviction = Eviction { of_daemon_set: kind == "DaemonSet", ..Eviction::default() };
    PodRow { owner: Some(owner.into()), eviction: eviction.into(), ..pod }
}

pub fn finished(pod: PodRow, phase: PodPhase) -> PodRow {
    PodRow { phase, status: sym(phase.name()), ..pod }
}

pub fn pending(pod: PodRow) -> PodRow {
    PodRow { phase: PodPhase::Pending, status: sym("Pending"), started: None, node: None, ..pod }
}

pub fn protected(pod: PodRow, value: &str) -> PodRow {
    PodRow { do_not_disrupt: Some(sym(value)), ..pod }
}

pub fn job(namespace: &str, name: &str) -> JobRow {
    JobRow {
        parallelism: 3,
        completions: Some(3),
        requests: gpus(2),
        started: Some(hours_ago(7)),
        ..rows::job(meta(namespace, name))
    }
}

/// A Job that is suspended, and that asks for no queue itself.
pub fn suspended_job(namespace: &str, name: &str) -> JobRow {
    JobRow { suspended: true, started: None, ..job(namespace, name) }
}

/// The Workload by which Kueue holds a Job.
pub fn workload(job: &JobRow) -> WorkloadRow {
    rows::workload(meta(&job.meta.key.namespace, &format!("job-{}", job.meta.key.name)), job)
}

pub fn event(name: &str, minutes_ago: i64, reason: &str, kind: &str, object: &ObjectKey) -> EventRow {
    let namespace = if object.namespace.is_empty() { "default" } else { &object.namespace };
    let at = noon().plus_seconds(-60 * minutes_ago);
    let object = EventObject { kind: sym(kind), key: object.clone() };
    let message = sym(&format!("{reason} happened"));
    EventRow { message, ..rows::event(meta(namespace, name), at, EventClass::Blocked, reason, object) }
}

pub fn upserts<R>(rows: Vec<R>) -> Vec<Change<R>> {
    let rows = rows.into_iter().map(Change::Upsert);
    std::iter::once(Change::Begin).chain(rows).chain([Change::Commit]).collect()
}

pub fn health(kind: Kind, state: HealthState) -> Report {
    Report::Health(SourceId::Kind(kind), Health { state, objects: 7, ..Health::default() })
}

pub fn facts() -> ClusterFacts {
    ClusterFacts {
        context: "prod-ml".to_owned(),
        karpenter_api: KarpenterApi::V1,
        karpenter_crd_version: Some("1.14".to_owned()),
        contexts: ["lab", "prod-ml", "prod-web"].map(str::to_owned).to_vec(),
        ..ClusterFacts::default()
    }
}

/// Two NodePools, four Nodes, a NodeClaim without Node, three Jobs, eight pods, three Events.
pub fn small() -> Vec<Report> {
    let mut broken = node("gpu-broken", "gpu");
    broken.conditions = vec![condition("Ready", Status::False, hours_ago(1))];
    let train = JobRow { active: 3, ready: 2, ..job("ml", "train") };
    let done = JobRow {
        conditions: vec![condition("Complete", Status::True, hours_ago(2))],
        succeeded: 3,
        ..job("ml", "done")
    };
    let eval = JobRow {
        conditions: vec![condition("Failed", Status::True, hours_ago(1))],
        failed: 7,
        ..job("vision", "eval")
    };
    let crash = PodRow { status: sym("CrashLoopBackOff"), restarts: 9, ..pod("vision", "crash", "cpu-a") };
    let young = PodRow { started: Some(hours_ago(1)), ..pod_of("train", "train-1", "gpu-a") };
    let leaving = Meta { deletion: Some(noon()), ..meta("vision", "leaving") };
    vec![
        Report::Cluster(Box::new(facts())),
        Report::Delta(Delta::Nodes(upserts(vec![node("cpu-a", "cpu"), node("gpu-a", "gpu"), broken, node("lab", "")]))),
        Report::Delta(Delta::NodeClaims(upserts(vec![
            claim("gpu-claim", "gpu", Some("gpu-a")),
            claim("gpu-new", "gpu", None),
        ]))),
        Report::Delta(Delta::NodePools(upserts(vec![pool("gpu"), pool("cpu")]))),
        Report::Delta(Delta::Jobs(upserts(vec![train, done, eval]))),
        Report::Delta(Delta::Pods(upserts(vec![
            pod_of("train", "train-0", "gpu-a"),
            protected(young, "4h"),
            pending(pod_of("train", "train-2", "")),
            finished(pod_of("done", "done-0", "gpu-a"), PodPhase::Succeeded),
            pod("kube-system", "dns", "cpu-a"),
            crash,
            PodRow { meta: leaving, ..pod("vision", "leaving", "cpu-a") },
            pod("ml", "alone", "lab"),
        ]))),
        Report::Delta(Delta::Events(upserts(vec![
            event("e1", 30, "DisruptionBlocked", "Node", &ObjectKey::cluster("gpu-a")),
            event("e2", 10, "Evicted", "Pod", &ObjectKey::new("ml", "train-0")),
            event("e3", 20, "Launched", "NodeClaim", &ObjectKey::cluster("gpu-new")),
        ]))),
        health(Kind::Node, HealthState::Live),
        health(Kind::Pod, HealthState::Live),
    ]
}

/// A Job `ml/wide` with many running pods.
pub fn wide(pods: usize) -> Vec<Report> {
    let pods = (0..pods).map(|n| pod_of("wide", &format!("wide-{n:02}"), "gpu-a")).collect();
    vec![
        Report::Cluster(Box::new(facts())),
        Report::Delta(Delta::Nodes(upserts(vec![node("gpu-a", "gpu")]))),
        Report::Delta(Delta::Jobs(upserts(vec![JobRow { active: 40, ready: 40, ..job("ml", "wide") }]))),
        Report::Delta(Delta::Pods(upserts(pods))),
        health(Kind::Pod, HealthState::Live),
    ]
}

pub fn namespaces(names: &[&str]) -> Report {
    Report::Delta(Delta::Namespaces(upserts(names.iter().map(|name| NamespaceRow { meta: meta("", name) }).collect())))
}

pub fn upsert_pod(pod: PodRow) -> Report {
    Report::Delta(Delta::Pods(vec![Change::Upsert(pod)]))
}

pub fn remove_pod(namespace: &str, name: &str) -> Report {
    Report::Delta(Delta::Pods(vec![Change::Remove(ObjectKey::new(namespace, name))]))
}

pub fn upsert_job(job: JobRow) -> Report {
    Report::Delta(Delta::Jobs(vec![Change::Upsert(job)]))
}

pub fn upsert_workload(workload: WorkloadRow) -> Report {
    Report::Delta(Delta::Workloads(vec![Change::Upsert(workload)]))
}

pub fn upsert_node(node: NodeRow) -> Report {
    Report::Delta(Delta::Nodes(vec![Change::Upsert(node)]))
}

pub fn upsert_claim(claim: NodeClaimRow) -> Report {
    Report::Delta(Delta::NodeClaims(vec![Change::Upsert(claim)]))
}

pub fn upsert_event(event: EventRow) -> Report {
    Report::Delta(Delta::Events(vec![Change::Upsert(event)]))
}
