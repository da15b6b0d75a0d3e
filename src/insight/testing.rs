//! Rows for unit tests: those of [`rows`], as a real cluster would have them an hour after their creation.

use std::sync::Arc;

pub(crate) use crate::fleet::testing::{pool_key, resource_claim, slice, slice_device};
use crate::fleet::{
    Change, Condition, ControllerRow, Delta, DeviceReading, Eviction, Fleet, GpuCount, JobRow, Meta, NodeClaimRow,
    NodePoolRow, NodeRow, Owner, PodRow, Resources, Status, Sym, Uid, WorkloadRow,
};
use crate::rows;
pub(crate) use crate::rows::labels;
use crate::units::Time;

/// When everything was created.
pub(crate) const CREATED: Time = Time::from_seconds(1_790_000_000);

/// A moment an hour later.
pub(crate) const NOW: Time = Time::from_seconds(1_790_003_600);

pub(crate) fn sym(text: &str) -> Sym {
    Sym::new(text)
}

/// Created at [`CREATED`].
pub(crate) fn meta(namespace: &str, name: &str) -> Meta {
    rows::meta(namespace, name, CREATED)
}

pub(crate) fn condition(kind: &str, status: Status, reason: &str) -> Condition {
    Condition { reason: sym(reason), ..rows::condition(kind, status, CREATED) }
}

pub(crate) fn met(kinds: &[&str]) -> Vec<Condition> {
    kinds.iter().map(|kind| condition(kind, Status::True, kind)).collect()
}

pub(crate) fn resources(cpu_millis: i64, memory_bytes: i64, gpus: &[(&str, i64)]) -> Resources {
    let gpus = gpus.iter().map(|(resource, count)| GpuCount { resource: sym(resource), count: *count }).collect();
    Resources { cpu_millis, memory_bytes, gpus, ..Resources::default() }
}

/// Karpenter's Deployment, whose version, feature gates and queue are not known.
pub(crate) fn controller() -> ControllerRow {
    ControllerRow {
        meta: meta("kube-system", "karpenter"),
        image: sym(""),
        feature_gates: None,
        hides_feature_gates: false,
        replicas: 1,
        has_interruption_queue: false,
    }
}

/// What decides about the eviction of this pod alone, to be changed.
pub(crate) fn eviction_of(pod: &mut PodRow) -> &mut Eviction {
    Arc::make_mut(&mut pod.eviction)
}

pub(crate) fn owner(kind: &str, name: &str, uid: &Uid) -> Arc<Owner> {
    let job = rows::owning_job(name, uid);
    let owner = if kind == "Job" { job } else { Owner { api_version: sym("apps/v1"), kind: sym(kind), ..job } };
    owner.into()
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
        labels: labels(&[("karpenter.sh/initialized", "true"), ("karpenter.sh/registered", "true")]),
        conditions: met(&["Ready"]),
        capacity: resources(4000, 16 << 30, &[]),
        allocatable: resources(3900, 15 << 30, &[]),
        ..rows::node(meta("", name))
    }
}

/// Running, of no owner.
pub(crate) fn pod(namespace: &str, name: &str, node: Option<&str>) -> PodRow {
    PodRow {
        node: node.map(sym),
        started: Some(CREATED),
        requests: resources(500, 1 << 30, &[]).into(),
        ..rows::pod(meta(namespace, name))
    }
}

/// Not suspended, one pod wanted, none there.
pub(crate) fn job(namespace: &str, name: &str) -> JobRow {
    JobRow { requests: resources(500, 1 << 30, &[]), started: Some(CREATED), ..rows::job(meta(namespace, name)) }
}

/// Of a Job in its namespace, without conditions.
pub(crate) fn workload(name: &str, job: &JobRow) -> WorkloadRow {
    rows::workload(meta(&job.meta.key.namespace, name), job)
}

/// Without conditions, of NodePool `gpu`.
pub(crate) fn claim(name: &str) -> NodeClaimRow {
    NodeClaimRow { labels: labels(&[("karpenter.sh/nodepool", "gpu")]), ..rows::claim(meta("", name)) }
}

/// Ready, without budgets.
pub(crate) fn pool(name: &str) -> NodePoolRow {
    NodePoolRow { budgets: Some(Vec::new()), conditions: met(&["Ready"]), ..rows::pool(meta("", name)) }
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

/// A whole board of which nothing is told but its identity.
pub(crate) fn bare_device(uuid: &str) -> DeviceReading {
    DeviceReading {
        uuid: sym(uuid),
        index: None,
        model: None,
        mig: None,
        utilization: None,
        memory_used_bytes: None,
        memory_total_bytes: None,
        power_milliwatts: None,
        temperature_celsius: None,
        xid: None,
        holders: Vec::new(),
    }
}
