//! core/v1 Node.

use serde::Deserialize;

use super::amounts::ResourceList;
use super::condition::{SlimCondition, conditions};
use super::meta::SlimMeta;
use super::placement::SlimTaint;
use super::text::{Text, bounded_name, or_default};
use super::{DecodeError, Project};
use crate::fleet::kinds::Nodes;
use crate::fleet::{Interner, NodeRow};

/// One Node, as far as it is read. Its up to 50 images are skipped.
#[derive(Deserialize)]
pub(super) struct SlimNode<'a> {
    #[serde(borrow)]
    metadata: SlimMeta<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    spec: NodeSpec<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    status: NodeStatus<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NodeSpec<'a> {
    #[serde(borrow, rename = "providerID")]
    provider_id: Text<'a>,
    #[serde(deserialize_with = "or_default")]
    unschedulable: bool,
    #[serde(borrow, deserialize_with = "or_default")]
    taints: Vec<SlimTaint<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct NodeStatus<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    conditions: Vec<SlimCondition<'a>>,
    #[serde(borrow, deserialize_with = "or_default")]
    capacity: ResourceList<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    allocatable: ResourceList<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    node_info: NodeInfo<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct NodeInfo<'a> {
    #[serde(borrow)]
    kubelet_version: Text<'a>,
}

impl Project for Nodes {
    type Slim<'a> = SlimNode<'a>;

    fn row(slim: &SlimNode<'_>, interner: &mut Interner) -> Result<NodeRow, DecodeError> {
        Ok(NodeRow {
            meta: slim.metadata.meta(interner)?,
            labels: slim.metadata.labels(interner),
            owner: slim.metadata.owner(interner),
            provider_id: slim.spec.provider_id.some().map(|id| interner.sym(&bounded_name(id))),
            cordoned: slim.spec.unschedulable,
            taints: slim.spec.taints.iter().map(|taint| taint.taint(interner)).collect(),
            conditions: conditions(&slim.status.conditions, interner)?,
            capacity: slim.status.capacity.resources(interner)?,
            allocatable: slim.status.allocatable.resources(interner)?,
            do_not_disrupt: slim.metadata.do_not_disrupt(interner),
            kubelet_version: interner.sym(&bounded_name(&slim.status.node_info.kubelet_version)),
        })
    }
}
