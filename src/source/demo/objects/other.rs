//! Kinds of which little is shown: PodDisruptionBudget, ReplicaSet, Namespace, Karpenter's Deployment.

use serde_json::{Value, json};

use super::super::cast::{DEPLOY_KARPENTER, DEPLOYMENTS, NAMESPACES};
use super::super::catalog::{KARPENTER, KARPENTER_VERSION};
use super::super::model::Keep;
use super::super::world::World;
use super::{condition, metadata, mirrored, owner};

impl World {
    pub(super) fn render_pdb(&self, at: usize) -> Option<Value> {
        let deployment = DEPLOYMENTS.get(at)?;
        let pdb = deployment.pdb.as_ref()?;
        let (identity, status) = self.deployments.get(at)?.pdb.as_ref()?;
        let mut spec = json!({ "selector": { "matchLabels": { "app.kubernetes.io/name": deployment.name } } });
        match pdb.keep {
            Keep::MinAvailable(pods) => spec["minAvailable"] = json!(pods),
            Keep::MaxUnavailable(pods) => spec["maxUnavailable"] = json!(pods),
        }
        let (allowed, reason) =
            if status.allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
        let mut meta = metadata(identity, deployment.namespace, pdb.name);
        meta["generation"] = json!(1);
        Some(json!({
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": meta,
            "spec": spec,
            "status": {
                "observedGeneration": 1,
                "expectedPods": status.expected,
                "currentHealthy": status.healthy,
                "desiredHealthy": status.desired,
                "disruptionsAllowed": status.allowed,
                "conditions": [condition("DisruptionAllowed", allowed, identity.touched, reason, "")],
            },
        }))
    }

    pub(super) fn render_replica_set(&self, at: usize) -> Option<Value> {
        let (deployment, state) = (DEPLOYMENTS.get(at)?, self.deployments.get(at)?);
        let mut meta = metadata(&state.replica_set, deployment.namespace, &self.replica_set_name(at));
        meta["labels"] = json!({ "app.kubernetes.io/name": deployment.name, "pod-template-hash": state.hash });
        let uid = if at == DEPLOY_KARPENTER { self.controller.uid.clone() } else { self.deployment_uid(at) };
        meta["ownerReferences"] = owner("apps/v1", "Deployment", deployment.name, &uid);
        Some(json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta }))
    }

    /// Deployments themselves are not served here; their uid follows from the ReplicaSet's.
    fn deployment_uid(&self, at: usize) -> String {
        let uid = self.deployments.get(at).map_or("", |state| state.replica_set.uid.as_str());
        mirrored(uid)
    }

    pub(super) fn render_namespace(&self, at: usize) -> Option<Value> {
        let (name, identity) = (NAMESPACES.get(at)?, self.namespaces.get(at)?);
        let mut meta = metadata(identity, "", name);
        meta["labels"] = json!({ "kubernetes.io/metadata.name": name });
        Some(json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": meta,
            "spec": { "finalizers": ["kubernetes"] },
            "status": { "phase": "Active" },
        }))
    }

    pub(super) fn render_controller(&self) -> Value {
        let deployment = &DEPLOYMENTS[DEPLOY_KARPENTER];
        let mut meta = metadata(&self.controller, deployment.namespace, deployment.name);
        meta["labels"] = json!({
            "app.kubernetes.io/name": "karpenter",
            "app.kubernetes.io/instance": "karpenter",
            "app.kubernetes.io/version": KARPENTER_VERSION,
            "helm.sh/chart": format!("karpenter-{KARPENTER_VERSION}"),
        });
        let selector = json!({ "app.kubernetes.io/name": "karpenter", "app.kubernetes.io/instance": "karpenter" });
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": meta,
            "spec": {
                "replicas": deployment.replicas,
                "selector": { "matchLabels": selector },
                "template": {
                    "metadata": { "labels": selector },
                    "spec": { "containers": [{ "name": "controller", "image": KARPENTER.name, "env": [
                        { "name": "FEATURE_GATES", "value": "ReservedCapacity=true,SpotToSpotConsolidation=false,NodeRepair=false,NodeOverlay=false,StaticCapacity=true" },
                        { "name": "INTERRUPTION_QUEUE", "value": "demo" },
                    ] }] },
                },
            },
            "status": {
                "replicas": deployment.replicas,
                "readyReplicas": deployment.replicas,
                "availableReplicas": deployment.replicas,
                "updatedReplicas": deployment.replicas,
            },
        })
    }
}
