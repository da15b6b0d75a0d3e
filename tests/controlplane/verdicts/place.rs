//! Where a scenario stands in a running bed, and what can be done to it there.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::scenario::WORK;
use crate::bed::{Bed, Context, PodSpec, Result, annotation};

/// The annotation that asks Karpenter to leave a pod or a node alone.
pub const DO_NOT_DISRUPT: &str = "karpenter.sh/do-not-disrupt";

/// Long enough for a loaded machine.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// The objects of one scenario. All of them bear its name.
pub struct Place<'a> {
    /// The cluster.
    pub bed: &'a Bed,
    /// Name of the scenario, its NodePool and its namespace.
    pub name: &'static str,
    /// The node that the scenario asks about.
    pub node: String,
    /// Its NodeClaim.
    pub claim: String,
}

impl Place<'_> {
    /// Path of the pods of the namespace.
    pub fn pods(&self) -> String {
        format!("/api/v1/namespaces/{}/pods", self.name)
    }

    /// Path of a pod.
    pub fn pod(&self, name: &str) -> String {
        format!("{}/{name}", self.pods())
    }

    /// Path of the subject's Node.
    pub fn node(&self) -> String {
        format!("/api/v1/nodes/{}", self.node)
    }

    /// Path of the subject's NodeClaim.
    pub fn claim(&self) -> String {
        format!("/apis/karpenter.sh/v1/nodeclaims/{}", self.claim)
    }

    /// Path of the NodePool.
    pub fn pool(&self) -> String {
        format!("/apis/karpenter.sh/v1/nodepools/{}", self.name)
    }

    /// Merges a change into the NodePool.
    pub fn patch_pool(&self, change: &Value) -> Result<()> {
        self.bed.api().patch(&self.pool(), change).map(drop)
    }

    /// Replaces the NodePool's budgets.
    pub fn set_budgets(&self, budgets: &Value) -> Result<()> {
        self.patch_pool(&json!({"spec": {"disruption": {"budgets": budgets}}}))
    }

    /// Protects the subject's Node with this value, or no more.
    pub fn protect_node(&self, value: Option<&str>) -> Result<()> {
        self.bed.annotate(&self.node(), DO_NOT_DISRUPT, value)
    }

    /// Protects the pod [`WORK`] with this value, or no more.
    pub fn protect_pod(&self, value: Option<&str>) -> Result<()> {
        self.bed.annotate(&self.pod(WORK), DO_NOT_DISRUPT, value)
    }

    /// Protects the pod [`WORK`] for a duration that ends this long from now: it counts
    /// from the pod's start, so that a slow bed cannot have used it up.
    pub fn protect_pod_for(&self, seconds: i64) -> Result<()> {
        let pod = self.bed.api().get(&self.pod(WORK))?;
        let elapsed = Timestamp::now().duration_since(time(&pod["status"]["startTime"])?);
        self.protect_pod(Some(&format!("{}s", elapsed.as_secs() + seconds)))
    }

    /// Removes a pod at once.
    pub fn remove_pod(&self, name: &str) -> Result<()> {
        self.bed.api().delete(&format!("{}?gracePeriodSeconds=0", self.pod(name)))
    }

    /// Waits until a pod runs.
    pub fn await_running(&self, pod: &str) -> Result<()> {
        self.bed.wait_for(&format!("running {}/{pod}", self.name), PATIENCE, || {
            Ok((self.bed.api().get(&self.pod(pod))?["status"]["phase"] == "Running").then_some(()))
        })
    }

    /// Puts a pod on the subject, past the scheduler, and waits until it runs.
    pub fn put_pod(&self, name: &str, pod: &PodSpec) -> Result<()> {
        self.put_object(name, &self.placed(name, pod))
    }

    /// The same with an owner.
    pub fn put_pod_of(&self, owner: &Value, name: &str, pod: &PodSpec) -> Result<()> {
        let mut pod = self.placed(name, pod);
        pod["metadata"]["ownerReferences"] = json!([owner]);
        self.put_object(name, &pod)
    }

    /// Puts a pod on another node, past the scheduler, and waits until it runs.
    pub fn put_pod_on(&self, node: &str, name: &str, pod: &PodSpec) -> Result<()> {
        self.put_object(name, &self.placed_on(node, name, pod))
    }

    fn placed(&self, name: &str, pod: &PodSpec) -> Value {
        self.placed_on(&self.node, name, pod)
    }

    fn placed_on(&self, node: &str, name: &str, pod: &PodSpec) -> Value {
        let pod = pod.clone().on_pool(self.name).label("app", name);
        pod.field("nodeName", json!(node)).build(self.name, name)
    }

    fn put_object(&self, name: &str, pod: &Value) -> Result<()> {
        self.bed.api().create(&self.pods(), pod)?;
        self.await_running(name)
    }

    /// Puts a pod on the subject that fits on no other node, because of a label that only this one has.
    pub fn pin_pod(&self, name: &str) -> Result<()> {
        let key = "test.batchtop.io/only";
        self.patch_node(&json!({"metadata": {"labels": {key: self.name}}}))?;
        self.put_pod(name, &PodSpec::new().cpu("100m").on_nodes_with(key, self.name))
    }

    /// Waits until a Job's pod runs.
    pub fn await_job(&self, job: &str) -> Result<()> {
        self.bed.wait_for(&format!("pod of Job {}/{job}", self.name), PATIENCE, || {
            let pods = self.bed.pods_of_job(self.name, job)?;
            Ok(pods.iter().any(|pod| pod["status"]["phase"] == "Running").then_some(()))
        })
    }

    /// Waits until a Deployment has its pod.
    pub fn await_deployment(&self, name: &str) -> Result<()> {
        let path = format!("/apis/apps/v1/namespaces/{}/deployments/{name}", self.name);
        self.bed.wait_for(&format!("Deployment {}/{name}", self.name), PATIENCE, || {
            Ok((self.bed.api().get(&path)?["status"]["readyReplicas"] == 1).then_some(()))
        })
    }

    /// The pod succeeds.
    pub fn complete_pod(&self, name: &str) -> Result<()> {
        self.bed.annotate(&self.pod(name), annotation::COMPLETE, Some("now"))?;
        self.bed.wait_for(&format!("end of {}/{name}", self.name), PATIENCE, || {
            Ok((self.bed.api().get(&self.pod(name))?["status"]["phase"] == "Succeeded").then_some(()))
        })
    }

    /// The pod is deleted but, held by the simulated kubelet, stays Terminating.
    pub fn leave_pod_terminating(&self, name: &str) -> Result<()> {
        self.bed.annotate(&self.pod(name), annotation::HOLD_TERMINATING, Some(""))?;
        self.bed.api().delete(&self.pod(name))
    }

    /// Makes the disruption controller compute these budgets again: when a pod changes it
    /// looks at one of the budgets that select it only.
    pub fn refresh_pdbs(&self, names: &[&str]) -> Result<()> {
        let path = |name| format!("/apis/policy/v1/namespaces/{}/poddisruptionbudgets/{name}", self.name);
        names.iter().try_for_each(|name| self.bed.annotate(&path(name), "test.batchtop.io/refresh", Some("now")))
    }

    /// Removes a PodDisruptionBudget.
    pub fn remove_pdb(&self, name: &str) -> Result<()> {
        self.bed.api().delete(&format!("/apis/policy/v1/namespaces/{}/poddisruptionbudgets/{name}", self.name))
    }

    /// Deletes the NodeClaim of a Node; Karpenter's finalizer then waits for its pods.
    pub fn delete_claim_of(&self, node: &str) -> Result<()> {
        let node = self.bed.api().get(&format!("/api/v1/nodes/{node}"))?;
        let claim = node["metadata"]["ownerReferences"][0]["name"].as_str().context("a Node of nobody")?;
        self.bed.api().delete(&format!("/apis/karpenter.sh/v1/nodeclaims/{claim}"))
    }

    /// Deletes the NodePool; `Orphan` leaves its NodeClaims, `Background` takes them along.
    pub fn delete_pool(&self, propagation: &str) -> Result<()> {
        self.bed.api().delete(&format!("{}?propagationPolicy={propagation}", self.pool()))?;
        self.bed.wait_for(&format!("end of NodePool {}", self.name), PATIENCE, || {
            Ok(self.bed.api().find(&self.pool())?.is_none().then_some(()))
        })
    }

    /// Waits until the object at a path is this old.
    pub fn await_age(&self, path: &str, age: SignedDuration) -> Result<()> {
        let created = time(&self.bed.api().get(path)?["metadata"]["creationTimestamp"])?;
        self.bed.wait_for(&format!("age of {path}"), PATIENCE, || {
            Ok((Timestamp::now().duration_since(created) >= age).then_some(()))
        })
    }

    /// Waits until the garbage collector has come to the subject's NodeClaim.
    pub fn await_deletion(&self) -> Result<()> {
        self.bed.wait_for(&format!("deletion of {}", self.claim), PATIENCE, || {
            let claim = self.bed.api().find(&self.claim())?;
            Ok(claim.is_none_or(|claim| !claim["metadata"]["deletionTimestamp"].is_null()).then_some(()))
        })
    }

    /// Merges a change into the subject's Node.
    pub fn patch_node(&self, change: &Value) -> Result<()> {
        self.bed.api().patch(&self.node(), change).map(drop)
    }

    /// Takes a label off the subject's Node.
    pub fn unlabel_node(&self, key: &str) -> Result<()> {
        self.patch_node(&json!({"metadata": {"labels": {key: null}}}))
    }

    /// Makes a Node NotReady for good.
    pub fn make_not_ready(&self, node: &str) -> Result<()> {
        let path = format!("/api/v1/nodes/{node}");
        self.bed.annotate(&path, annotation::NOT_READY, Some(""))?;
        let mut status = self.bed.api().get(&path)?["status"].take();
        let conditions = status["conditions"].as_array_mut().context("a Node without conditions")?;
        for condition in conditions.iter_mut().filter(|condition| condition["type"] == "Ready") {
            condition["status"] = json!("False");
        }
        let change = json!({"status": {"conditions": conditions}});
        self.bed.api().patch(&format!("{path}/status"), &change).map(drop)
    }

    /// The Node on which a pod is.
    pub fn node_of(&self, pod: &str) -> Result<String> {
        let pod = self.bed.api().get(&self.pod(pod))?;
        Ok(pod["spec"]["nodeName"].as_str().context("a pod that is not bound")?.to_owned())
    }

    /// Sets `consolidateAfter` so that it ends this long from now, counted as Karpenter
    /// counts: from the last pod that came or went.
    pub fn quiet_in(&self, seconds: i64) -> Result<()> {
        let claim = self.bed.api().get(&self.claim())?;
        let elapsed = Timestamp::now().duration_since(time(&claim["status"]["lastPodEventTime"])?);
        let after = format!("{}s", elapsed.as_secs() + seconds);
        self.patch_pool(&json!({"spec": {"disruption": {"consolidateAfter": after}}}))
    }
}

/// A budget of 0 in a window that is open now and closes at a full minute, half a minute
/// or more from now.
pub fn closing_window() -> Value {
    let hours_minutes = |time: Timestamp| (time.as_second() / 60) % (24 * 60);
    let now = Timestamp::now();
    let end = now.as_second().rem_euclid(60) / 30 + 1;
    let begin = hours_minutes(now - SignedDuration::from_mins(5));
    let schedule = format!("{} {} * * *", begin % 60, begin / 60);
    json!([{"nodes": "0", "schedule": schedule, "duration": format!("{}m", 5 + end)}])
}

/// A time of Kubernetes.
pub fn time(value: &Value) -> Result<Timestamp> {
    value.as_str().context(format!("no time: {value}"))?.parse().context(value)
}
