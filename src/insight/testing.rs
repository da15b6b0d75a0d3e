//! Rows for tests: what a real cluster would have, with everything unremarkable filled in.

use crate::fleet::{
    Change, Condition, Delta, Eviction, Fleet, GpuCount, JobRow, Labels, Meta, NodeClaimRow, NodePoolRow, NodeRow,
    ObjectKey, Owner, PodPhase, PodRow, Resources, Status, Sym, Uid,
};
use crate::units::{Lifetime, Time};

/// When everything was created.
pub(crate) const CREATED: Time = Time::from_seconds(1_790_000_000);

/// A moment an hour later.
pub(crate) const NOW: Time = Time::from_seconds(1_790_003_600);

pub(crate) fn sym(text: &str) -> Sym {
    Sym::new(text)
}

/// The uid is `uid-` and the key.
pub(crate) fn meta(namespace: &str, name: &str) -> Meta {
    let key = ObjectKey::new(namespace, name);
    Meta {
        uid: Uid::parse(&format!("uid-{key}")),
        key,
        resource_version: "1".into(),
        created: CREATED,
        deletion: None,
        deletion_grace_seconds: None,
    }
}

pub(crate) fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::new(pairs.iter().map(|(key, value)| (sym(key), sym(value))).collect())
}

pub(crate) fn condition(kind: &str, status: Status, reason: &str) -> Condition {
    Condition { kind: sym(kind), status, reason: sym(reason), message: sym(""), last_transition: Some(CREATED) }
}

pub(crate) fn met(kinds: &[&str]) -> Vec<Condition> {
    kinds.iter().map(|kind| condition(kind, Status::True, kind)).collect()
}

pub(crate) fn resources(cpu_millis: i64, memory_bytes: i64, gpus: &[(&str, i64)]) -> Resources {
    let gpus = gpus.iter().map(|(resource, count)| GpuCount { resource: sym(resource), count: *count }).collect();
    Resources { cpu_millis, memory_bytes, pods: 0, gpus }
}

pub(crate) fn owner(kind: &str, name: &str, uid: &Uid) -> Owner {
    let api_version = if kind == "Job" { "batch/v1" } else { "apps/v1" };
    Owner { api_version: sym(api_version), kind: sym(kind), name: sym(name), uid: uid.clone() }
}

/// What a node of NodePool `gpu` has that Karpenter has initialized.
pub(crate) const MANAGED_LABELS: [(&str, &str); 6] = [
    ("karpenter.sh/initialized", "true"),
    ("karpenter.sh/registered", "true"),
    ("karpenter.sh/nodepool", "gpu"),
    ("karpenter.sh/capacity-type", "on-demand"),
    ("topology.kubernetes.io/zone", "us-east-1a"),
    ("node.kubernetes.io/instance-type", "p5.48xlarge"),
];

/// Ready, initialized, of no NodePool.
pub(crate) fn node(name: &str) -> NodeRow {
    NodeRow {
        meta: meta("", name),
        labels: labels(&[("karpenter.sh/initialized", "true"), ("karpenter.sh/registered", "true")]),
        owner: None,
        provider_id: None,
        cordoned: false,
        taints: Vec::new(),
        conditions: met(&["Ready"]),
        capacity: resources(4000, 16 << 30, &[]),
        allocatable: resources(3900, 15 << 30, &[]),
        do_not_disrupt: None,
        kubelet_version: sym("v1.36.0"),
    }
}

/// Running, of no owner.
pub(crate) fn pod(namespace: &str, name: &str, node: Option<&str>) -> PodRow {
    PodRow {
        meta: meta(namespace, name),
        labels: Labels::default(),
        owner: None,
        node: node.map(sym),
        phase: PodPhase::Running,
        status: sym("Running"),
        unschedulable: sym(""),
        started: Some(CREATED),
        requests: resources(500, 1 << 30, &[]),
        restarts: 0,
        containers_ready: 1,
        containers: 1,
        termination_grace_seconds: 30,
        do_not_disrupt: None,
        capacity_provisioned: None,
        eviction: Eviction::default(),
    }
}

/// Not suspended, one pod wanted, none there.
pub(crate) fn job(namespace: &str, name: &str) -> JobRow {
    JobRow {
        meta: meta(namespace, name),
        labels: Labels::default(),
        owner: None,
        suspended: false,
        parallelism: 1,
        completions: Some(1),
        backoff_limit: 6,
        active_deadline_seconds: None,
        requests: resources(500, 1 << 30, &[]),
        active: 0,
        ready: 0,
        succeeded: 0,
        failed: 0,
        started: Some(CREATED),
        completed: None,
        conditions: Vec::new(),
        do_not_disrupt: None,
        template_do_not_disrupt: None,
    }
}

/// Without conditions, of NodePool `gpu`.
pub(crate) fn claim(name: &str) -> NodeClaimRow {
    NodeClaimRow {
        meta: meta("", name),
        labels: labels(&[("karpenter.sh/nodepool", "gpu")]),
        node_class: None,
        expire_after: Lifetime::Never,
        termination_grace_seconds: None,
        termination_at: None,
        requests: Resources::default(),
        node_name: None,
        provider_id: None,
        capacity: Resources::default(),
        allocatable: Resources::default(),
        last_pod_event: None,
        conditions: Vec::new(),
        do_not_disrupt: None,
    }
}

/// Ready, without budgets.
pub(crate) fn pool(name: &str) -> NodePoolRow {
    NodePoolRow {
        meta: meta("", name),
        node_class: None,
        weight: 0,
        replicas: None,
        consolidation_policy: sym("WhenEmptyOrUnderutilized"),
        consolidate_after: Lifetime::Seconds(0),
        budgets: Some(Vec::new()),
        expire_after: Lifetime::Never,
        termination_grace_seconds: None,
        limits: Vec::new(),
        usage: Vec::new(),
        conditions: met(&["Ready"]),
        do_not_disrupt: None,
    }
}

pub(crate) fn upserts<R>(rows: Vec<R>) -> Vec<Change<R>> {
    rows.into_iter().map(Change::Upsert).collect()
}

pub(crate) fn fleet(deltas: Vec<Delta>) -> Fleet {
    let mut fleet = Fleet::default();
    for delta in deltas {
        fleet.apply(delta);
    }
    fleet
}
