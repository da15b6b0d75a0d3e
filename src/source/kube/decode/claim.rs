//! karpenter.sh NodeClaim, v1 and v1beta1, and what v1alpha5 had in its place: Machine.

use serde::Deserialize;

use super::amounts::ResourceList;
use super::condition::{SlimCondition, conditions};
use super::karpenter::{SlimClassRef, lifetime, seconds};
use super::meta::{SlimMeta, SlimTime, time};
use super::text::{Text, bounded_name, or_default};
use super::{DecodeError, Project};
use crate::fleet::kinds::NodeClaims;
use crate::fleet::{Condition, Interner, NodeClaimRow};

/// One NodeClaim, as far as it is read.
#[derive(Deserialize)]
pub(super) struct SlimClaim<'a> {
    #[serde(borrow)]
    metadata: SlimMeta<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    spec: ClaimSpec<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    status: ClaimStatus<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ClaimSpec<'a> {
    /// `machineTemplateRef` is v1alpha5's.
    #[serde(borrow, deserialize_with = "or_default", alias = "machineTemplateRef")]
    node_class_ref: SlimClassRef<'a>,
    #[serde(borrow)]
    expire_after: Text<'a>,
    #[serde(borrow)]
    termination_grace_period: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    resources: ClaimResources<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ClaimResources<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    requests: ResourceList<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ClaimStatus<'a> {
    #[serde(borrow)]
    node_name: Text<'a>,
    #[serde(borrow, rename = "providerID")]
    provider_id: Text<'a>,
    #[serde(borrow)]
    last_pod_event_time: SlimTime<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    capacity: ResourceList<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    allocatable: ResourceList<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    conditions: Vec<SlimCondition<'a>>,
}

impl Project for NodeClaims {
    type Slim<'a> = SlimClaim<'a>;

    fn row(slim: &SlimClaim<'_>, interner: &mut Interner) -> Result<NodeClaimRow, DecodeError> {
        let (spec, status) = (&slim.spec, &slim.status);
        Ok(NodeClaimRow {
            meta: slim.metadata.meta(interner)?,
            labels: slim.metadata.labels(interner),
            node_class: spec.node_class_ref.class(interner),
            expire_after: lifetime(&spec.expire_after),
            termination_grace_seconds: seconds(&spec.termination_grace_period),
            termination_at: slim.metadata.termination_at(),
            requests: spec.resources.requests.resources(interner)?,
            node_name: status.node_name.some().map(|name| interner.sym(&bounded_name(name))),
            provider_id: status.provider_id.some().map(|id| interner.sym(&bounded_name(id))),
            capacity: status.capacity.resources(interner)?,
            allocatable: status.allocatable.resources(interner)?,
            last_pod_event: time("status.lastPodEventTime", &status.last_pod_event_time)?,
            conditions: renamed(conditions(&status.conditions, interner)?, interner),
            do_not_disrupt: slim.metadata.do_not_disrupt(interner),
        })
    }
}

/// The conditions by the names that they have of a NodeClaim: those of a Machine are called `MachineLaunched`,
/// `MachineRegistered` and so on (karpenter v0.31 pkg/apis/v1alpha5/machine_status.go).
fn renamed(mut conditions: Vec<Condition>, interner: &mut Interner) -> Vec<Condition> {
    for condition in &mut conditions {
        if let Some(name) = condition.kind.strip_prefix("Machine").filter(|name| !name.is_empty()) {
            condition.kind = interner.sym(name);
        }
    }
    conditions
}
