//! core/v1 Pod.

use std::cell::Cell;
use std::sync::Arc;

use serde::Deserialize;

use super::amounts::raise;
use super::meta::{SlimMeta, time};
use super::placement::{Mobility, placement};
use super::pod_spec::{PodSpec, Toleration, effective_requests};
use super::pod_status::{ContainerStatus, PodStatus, columns};
use super::text::{bounded, bounded_name, or_default};
use super::{DecodeError, Project, pod_start};
use crate::fleet::kinds::Pods;
use crate::fleet::{Eviction, Interner, Placement, PodPhase, PodRow, RareAnnotations, Resources, Sym};

/// What the API server defaults `terminationGracePeriodSeconds` to (kubernetes pkg/apis/core/v1/defaults.go).
const DEFAULT_TERMINATION_GRACE_SECONDS: i64 = 30;

/// One pod, as far as it is read.
#[derive(Deserialize)]
pub(super) struct SlimPod<'a> {
    #[serde(borrow)]
    pub(super) metadata: SlimMeta<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub(super) spec: PodSpec<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub(super) status: PodStatus<'a>,
}

impl Project for Pods {
    type Slim<'a> = SlimPod<'a>;

    fn row(slim: &SlimPod<'_>, interner: &mut Interner) -> Result<PodRow, DecodeError> {
        let meta = slim.metadata.meta(interner)?;
        let (requests, has_doubtful_requests) = shared_requests(slim, interner)?;
        let eviction = eviction(slim, interner);
        let placement = placement(&slim.spec, mobility(&eviction), interner);
        let placement = interner.placement(Placement { has_doubtful_requests, ..placement });
        let columns = columns(&slim.spec, &slim.status, meta.deletion);
        Ok(PodRow {
            labels: slim.metadata.labels(interner),
            owner: slim.metadata.owner(interner),
            node: slim.spec.node_name.some().map(|name| interner.sym(&bounded_name(name))),
            phase: PodPhase::parse(&slim.status.phase),
            status: interner.sym(&bounded_name(&columns.status)),
            unschedulable: unschedulable(&slim.status, interner),
            started: time("status.startTime", &slim.status.start_time)?,
            requests,
            placement,
            restarts: columns.restarts,
            containers_ready: columns.ready,
            containers: columns.total,
            termination_grace_seconds: slim
                .spec
                .termination_grace_period_seconds
                .unwrap_or(DEFAULT_TERMINATION_GRACE_SECONDS),
            do_not_disrupt: slim.metadata.do_not_disrupt(interner),
            rare: rare_annotations(slim, interner).boxed(),
            start: pod_start::start(slim, interner)?,
            eviction,
            meta,
        })
    }
}

fn rare_annotations(slim: &SlimPod<'_>, interner: &mut Interner) -> RareAnnotations {
    RareAnnotations {
        capacity_provisioned: slim.metadata.capacity_provisioned(interner),
        volcano_group: slim.metadata.volcano_group(interner),
        stamps: slim.metadata.stamps(interner),
    }
}

fn mobility(eviction: &Eviction) -> Mobility {
    if eviction.of_daemon_set || eviction.of_node { Mobility::OfItsNode } else { Mobility::Movable }
}

/// What it requests, and whether versions of Karpenter differ about that.
fn shared_requests(slim: &SlimPod<'_>, interner: &mut Interner) -> Result<(Arc<Resources>, bool), DecodeError> {
    let is_resized = Cell::new(false);
    let mut requests = requests(slim, &is_resized, interner)?;
    if let Some(claim) = &slim.status.extended_resource_claim_status {
        // The claim has the devices, and is counted by itself.
        let is_served = |name: &str| claim.request_mappings.iter().any(|mapping| &*mapping.resource_name == name);
        requests.gpus.retain(|gpu| !is_served(&gpu.resource));
    }
    requests.fraction = slim.metadata.gpu_fraction().map(Box::new);
    Ok((interner.resources(requests), is_resized.get() || slim.spec.has_pod_level_requests()))
}

fn eviction(slim: &SlimPod<'_>, interner: &mut Interner) -> Arc<Eviction> {
    let (meta, spec) = (&slim.metadata, &slim.spec);
    let eviction = Eviction {
        of_daemon_set: meta.is_owned_by("apps/v1", "DaemonSet"),
        of_stateful_set: meta.is_owned_by("apps/v1", "StatefulSet"),
        of_node: meta.is_owned_by("v1", "Node"),
        tolerates_disrupted: spec.tolerations.iter().any(Toleration::tolerates_disrupted),
        unready: is_unready(&slim.status),
        priority: spec.priority,
        deletion_cost: meta.deletion_cost(interner),
    };
    interner.eviction(eviction)
}

fn is_unready(status: &PodStatus<'_>) -> bool {
    status.conditions.iter().any(|condition| condition.is("Ready", "False"))
}

fn unschedulable(status: &PodStatus<'_>, interner: &mut Interner) -> Sym {
    let refusal =
        status.conditions.iter().find(|condition| &*condition.kind == "PodScheduled" && &*condition.status == "False");
    interner.sym(&bounded(refusal.map_or("", |condition| &condition.message)))
}

/// Effective requests of a pod that may be in the middle of an in-place resize: until the kubelet has let go of the old
/// size, the larger one counts; a size that the node can never grant does not count (KEP-1287). Notes where a container holds
/// something else than its spec says.
fn requests(slim: &SlimPod<'_>, is_resized: &Cell<bool>, interner: &mut Interner) -> Result<Resources, DecodeError> {
    let status = &slim.status;
    let infeasible = status
        .conditions
        .iter()
        .any(|condition| &*condition.kind == "PodResizePending" && &*condition.reason == "Infeasible");
    let held = |name: &str, wanted: Resources, interner: &mut Interner| {
        let container = find(&status.container_statuses, name).or_else(|| find(&status.init_container_statuses, name));
        let Some((container, actual)) = container.and_then(|found| Some((found, found.resources.as_ref()?))) else {
            return Ok(wanted);
        };
        let mut held = actual.requests.resources(interner)?;
        raise(&mut held, &container.allocated_resources.resources(interner)?);
        is_resized.set(is_resized.get() || held != wanted);
        if !infeasible {
            raise(&mut held, &wanted);
        }
        Ok(held)
    };
    effective_requests(&slim.spec, &held, interner)
}

fn find<'s, 'a>(statuses: &'s [ContainerStatus<'a>], name: &str) -> Option<&'s ContainerStatus<'a>> {
    statuses.iter().find(|status| &*status.name == name)
}
