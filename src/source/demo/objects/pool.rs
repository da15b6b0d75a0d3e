//! karpenter.sh/v1 NodePool and karpenter.k8s.aws/v1 EC2NodeClass.

use serde_json::{Map, Value, json};

use super::super::cast::{CLASSES, POOLS};
use super::super::kubelet::go_millis;
use super::super::model::{Allowed, Budget, Pool};
use super::super::world::World;
use super::claim::lifetime;
use super::node::EXPORTER_LABEL;
use super::{condition, metadata, resource_list};

fn budget(budget: &Budget) -> Value {
    let nodes = match budget.nodes {
        Allowed::Nodes(nodes) => nodes.to_string(),
        Allowed::Percent(percent) => format!("{percent}%"),
    };
    json!({
        "nodes": nodes,
        "reasons": budget.reasons,
        "schedule": budget.window.map(|(hour, _)| format!("0 {hour} * * *")),
        "duration": budget.window.map(|(_, hours)| go_millis(hours * 3_600_000)),
    })
}

fn template_labels(pool: &Pool) -> Value {
    if pool.gpu && !pool.has_exporter { json!({ EXPORTER_LABEL: "false" }) } else { Value::Null }
}

fn spec(pool: &Pool) -> Value {
    let class = pool.class().name;
    let taints = if pool.gpu {
        json!([{ "key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule" }])
    } else {
        Value::Null
    };
    let capacities: Vec<&str> = pool.capacities.iter().map(|capacity| capacity.label()).collect();
    let limits: Map<String, Value> = pool.limits.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    json!({
        "weight": pool.weight,
        "replicas": pool.replicas,
        "limits": limits,
        "disruption": {
            "consolidationPolicy": pool.policy,
            "consolidateAfter": lifetime(pool.consolidate_after),
            "budgets": pool.budgets.iter().map(budget).collect::<Vec<_>>(),
        },
        "template": { "metadata": { "labels": template_labels(pool) }, "spec": {
            "nodeClassRef": { "group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": class },
            "expireAfter": lifetime(pool.expire_after),
            "terminationGracePeriod": pool.grace.map(|seconds| go_millis(seconds * 1000)),
            "taints": taints,
            "requirements": [
                { "key": "karpenter.sh/capacity-type", "operator": "In", "values": capacities },
                { "key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"] },
                { "key": "node.kubernetes.io/instance-type", "operator": "In", "values": pool.types },
            ],
        } },
    })
}

impl World {
    pub(super) fn render_pool(&self, at: usize) -> Option<Value> {
        let (pool, identity) = (POOLS.get(at)?, self.pools.get(at)?);
        let (nodes, sum) = self.usage.get(at).copied()?;
        let mut meta = metadata(identity, "", pool.name);
        meta["generation"] = json!(4);
        meta["annotations"] = json!({
            "karpenter.sh/nodepool-hash": format!("{}", 11_400_714_819_323_198_485_u64.wrapping_mul(at as u64 + 3)),
            "karpenter.sh/nodepool-hash-version": "v3",
        });
        let mut usage = resource_list(sum, None);
        usage["nodes"] = json!(nodes.to_string());
        let created = identity.created;
        let mut conditions: Vec<Value> = ["NodeClassReady", "NodeRegistrationHealthy", "Ready", "ValidationSucceeded"]
            .iter()
            .map(|kind| condition(kind, "True", created + 2, kind, ""))
            .collect();
        for entry in &mut conditions {
            entry["observedGeneration"] = json!(4);
            entry["message"] = json!("");
        }
        Some(json!({
            "apiVersion": "karpenter.sh/v1",
            "kind": "NodePool",
            "metadata": meta,
            "spec": spec(pool),
            "status": { "resources": usage, "nodes": nodes, "conditions": conditions },
        }))
    }

    pub(super) fn render_class(&self, at: usize) -> Option<Value> {
        let (identity, class) = (self.classes.get(at)?, CLASSES.get(at)?);
        let (image, _) = self.images.get(class.images)?;
        let variant = ["amazon-eks-node-al2023-x86_64-standard", "amazon-eks-node-al2023-x86_64-nvidia"];
        let variant = variant.get(class.images)?;
        let kinds = [
            "AMIsReady",
            "InstanceProfileReady",
            "Ready",
            "SecurityGroupsReady",
            "SubnetsReady",
            "ValidationSucceeded",
        ];
        let conditions: Vec<Value> = kinds
            .iter()
            .map(|kind| {
                let mut entry = condition(kind, "True", identity.created + 3, kind, "");
                entry["message"] = json!("");
                entry
            })
            .collect();
        Some(json!({
            "apiVersion": "karpenter.k8s.aws/v1",
            "kind": "EC2NodeClass",
            "metadata": metadata(identity, "", class.name),
            "spec": {
                "amiSelectorTerms": [{ "alias": "al2023@latest" }],
                "role": "KarpenterNodeRole-demo",
                "instanceStorePolicy": class.instance_store_policy,
                "userData": class.user_data,
                "subnetSelectorTerms": [{ "tags": { "karpenter.sh/discovery": "demo" } }],
                "securityGroupSelectorTerms": [{ "tags": { "karpenter.sh/discovery": "demo" } }],
                "blockDeviceMappings": [{
                    "deviceName": "/dev/xvda",
                    "ebs": { "volumeSize": class.volume_size, "volumeType": "gp3", "encrypted": true },
                }],
            },
            "status": {
                "amis": [{ "id": image, "name": format!("{variant}-1.34-v20261118") }],
                "conditions": conditions,
            },
        }))
    }
}
