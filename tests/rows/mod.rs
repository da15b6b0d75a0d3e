//! One row of every kind with everything unremarkable filled in: the only place in the tests that names every field.
//!
//! The library's unit tests and the integration tests share it, so that a new field of a row is a line here. It holds
//! no more than what all of them use; what each of them adds (times, labels, machines) stands in their own fixtures,
//! as `PodRow { node, ..rows::pod(meta) }`.

use batchtop::fleet::{
    Condition, DisruptedPods, DisruptionBudgetRow, EventClass, EventObject, EventRow, EventType, Eviction, JobRow,
    Labels, Meta, NodeClaimRow, NodePoolRow, NodeRow, NodeTemplate, ObjectKey, Owner, Placement, PodPhase, PodRow,
    PodSelector, ResourceVersion, Resources, Status, Sym, Uid, WorkloadRow,
};
use batchtop::units::{Lifetime, Time};

/// Of resource version 1, not being deleted; the uid is `uid-` and the key.
pub fn meta(namespace: &str, name: &str, created: Time) -> Meta {
    let key = ObjectKey::new(namespace, name);
    Meta {
        uid: Uid::parse(&format!("uid-{key}")),
        key,
        resource_version: ResourceVersion::Number(1),
        created,
        deletion: None,
        deletion_grace_seconds: 0,
    }
}

/// Labels as pairs of key and value.
pub fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::new(pairs.iter().map(|(key, value)| (Sym::new(key), Sym::new(value))).collect())
}

/// A condition without reason and message.
pub fn condition(kind: &str, status: Status, since: Time) -> Condition {
    Condition {
        kind: Sym::new(kind),
        status,
        reason: Sym::new(""),
        message: Sym::new(""),
        last_transition: Some(since),
    }
}

/// The Job that owns a pod.
pub fn owning_job(name: &str, uid: &Uid) -> Owner {
    Owner { api_version: Sym::new("batch/v1"), kind: Sym::new("Job"), name: Sym::new(name), uid: uid.clone() }
}

/// Without labels, conditions and capacity; schedulable.
pub fn node(meta: Meta) -> NodeRow {
    NodeRow {
        meta,
        labels: Labels::default(),
        owner: None,
        provider_id: None,
        cordoned: false,
        taints: Vec::new(),
        conditions: Vec::new(),
        capacity: Resources::default(),
        allocatable: Resources::default(),
        do_not_disrupt: None,
        kubelet_version: Sym::new("v1.36.0"),
    }
}

/// Not launched yet; without labels, requests and capacity. It never expires and may terminate for as long as it takes.
pub fn claim(meta: Meta) -> NodeClaimRow {
    NodeClaimRow {
        meta,
        labels: Labels::default(),
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

/// Without conditions and limits; its budgets are not given. It consolidates at once, and its nodes never expire.
pub fn pool(meta: Meta) -> NodePoolRow {
    NodePoolRow {
        meta,
        node_class: None,
        template: NodeTemplate::default(),
        weight: 0,
        replicas: None,
        consolidation_policy: Sym::new("WhenEmptyOrUnderutilized"),
        consolidate_after: Lifetime::Seconds(0),
        budgets: None,
        expire_after: Lifetime::Never,
        termination_grace_seconds: None,
        limits: Vec::new(),
        usage: Vec::new(),
        conditions: Vec::new(),
        do_not_disrupt: None,
    }
}

/// Running with one container, of no owner and on no node; it requests nothing.
pub fn pod(meta: Meta) -> PodRow {
    PodRow {
        meta,
        labels: Labels::default(),
        owner: None,
        node: None,
        phase: PodPhase::Running,
        status: Sym::new("Running"),
        unschedulable: Sym::new(""),
        started: None,
        requests: Resources::default().into(),
        restarts: 0,
        containers_ready: 1,
        containers: 1,
        termination_grace_seconds: 30,
        do_not_disrupt: None,
        rare: None,
        eviction: Eviction::default().into(),
        placement: Placement::default().into(),
        start: None,
    }
}

/// Not suspended and not started; one pod is wanted, none is there, and it requests nothing.
pub fn job(meta: Meta) -> JobRow {
    JobRow {
        meta,
        labels: Labels::default(),
        owner: None,
        suspended: false,
        parallelism: 1,
        completions: Some(1),
        backoff_limit: 6,
        disrupted_pods: DisruptedPods::Counted,
        active_deadline_seconds: None,
        requests: Resources::default(),
        active: 0,
        ready: 0,
        succeeded: 0,
        failed: 0,
        started: None,
        completed: None,
        conditions: Vec::new(),
        do_not_disrupt: None,
        template_do_not_disrupt: None,
        stamps: Box::default(),
    }
}

/// Active, of this Job; without queue and conditions.
pub fn workload(meta: Meta, job: &JobRow) -> WorkloadRow {
    let owner = Some(owning_job(&job.meta.key.name, &job.meta.uid));
    WorkloadRow { meta, owner: owner.map(Into::into), queue: None, is_active: true, conditions: Vec::new() }
}

/// A PodDisruptionBudget of these pods: one is there, one must stay, none may go.
pub fn disruption_budget(meta: Meta, selector: PodSelector) -> DisruptionBudgetRow {
    DisruptionBudgetRow {
        meta,
        selector,
        always_allows_unhealthy: false,
        blocks_fully: false,
        disruptions_allowed: 0,
        current_healthy: 1,
        desired_healthy: 1,
        expected_pods: 1,
    }
}

/// Karpenter's, seen once, without a message.
pub fn event(meta: Meta, at: Time, class: EventClass, reason: &str, object: EventObject) -> EventRow {
    EventRow {
        meta,
        at,
        first: at,
        count: 1,
        kind: EventType::Normal,
        reason: Sym::new(reason),
        object,
        object_uid: None,
        container: None,
        message: Sym::new(""),
        source: Sym::new("karpenter"),
        host: None,
        class,
    }
}
