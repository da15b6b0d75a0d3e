//! Rows of the real API server's lists are the same in JSON and in protobuf.

use std::time::Duration;

use batchtop::fleet::{Delta, Kind};
use batchtop::source::kube::{decode, first_page, list_media_types};
use http::{Request, header};
use http_body_util::BodyExt;
use kube::client::Body;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::bed::{Bed, BedOptions, Context, Failure, Result};
use crate::shared::trial;
use crate::tests_bed::{ensure, equal};

pub fn trials() -> Vec<Trial> {
    vec![trial("encodings::rows_are_the_same_in_json_and_protobuf", rows_are_the_same_in_json_and_protobuf)]
}

/// The kinds of which the API server writes protobuf.
const KINDS: [Kind; 9] = [
    Kind::Node,
    Kind::Pod,
    Kind::Job,
    Kind::CronJob,
    Kind::PodDisruptionBudget,
    Kind::Event,
    Kind::ReplicaSet,
    Kind::Namespace,
    Kind::KarpenterDeployment,
];

fn rows_are_the_same_in_json_and_protobuf() -> Result<()> {
    let bed = Bed::start(&BedOptions::api_only())?;
    create(&bed)?;
    for kind in KINDS {
        let (path, accept_json) = first_page(kind);
        let json = rows(&bed, kind, &path, accept_json, b"{")?;
        let protobuf = rows(&bed, kind, &path, &list_media_types(kind), b"k8s\0")?;
        ensure(!json.is_empty(), || format!("no {} to compare", kind.name()))?;
        equal(&protobuf, &json).context(kind.name())?;
    }
    // Custom resources come in JSON, whatever is asked for; so are all others read whose versions differ in their numbers.
    for kind in Kind::ALL.into_iter().filter(|kind| !KINDS.contains(kind)) {
        equal(&&*list_media_types(kind), &first_page(kind).1)?;
    }
    Ok(())
}

/// The rows of a list, as the API server answers when this media type is asked for; the answer has to begin so.
fn rows(bed: &Bed, kind: Kind, path: &str, accept: &str, begin: &[u8]) -> Result<Vec<Delta>> {
    let request = Request::get(path).header(header::ACCEPT, accept).body(Body::empty()).context(path)?;
    let body = bed.api().runtime().block_on(async {
        let response = bed.api().client().send(request).await.context(path)?;
        response.into_body().collect().await.context(path)
    })?;
    let body = body.to_bytes();
    ensure(body.starts_with(begin), || format!("{path}: another encoding: {:?}", body.get(..20)))?;
    let (rows, undecodable) = decode::list(kind, &body).map_err(Failure::new)?;
    equal(&undecodable, &0).context(format!("{path}: {accept}: {rows:?}"))?;
    Ok(rows)
}

/// Objects with something in every field that is read.
fn create(bed: &Bed) -> Result<()> {
    let api = bed.api();
    for (path, object) in objects() {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        api.create(path, &object)?;
        if let Some(status) = object.get("status") {
            api.patch(&format!("{path}/{name}/status"), &json!({"status": status}))?;
        }
    }
    // With a finalizer it stays, and is being deleted.
    api.delete("/api/v1/namespaces/default/pods/ending")?;
    let is_ending = || -> Result<bool> {
        Ok(api.get("/api/v1/namespaces/default/pods/ending")?["metadata"]["deletionTimestamp"].is_string())
    };
    for _ in 0..100 {
        if is_ending()? {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(Failure::new("the pod is not being deleted"))
}

fn objects() -> Vec<(&'static str, Value)> {
    vec![
        ("/api/v1/nodes", node()),
        ("/api/v1/namespaces/default/pods", pod("running", &json!({}))),
        ("/api/v1/namespaces/default/pods", pod("ending", &json!(["batchtop.io/test"]))),
        ("/apis/batch/v1/namespaces/default/jobs", job()),
        ("/apis/batch/v1/namespaces/default/cronjobs", cron_job()),
        ("/apis/policy/v1/namespaces/default/poddisruptionbudgets", disruption_budget("all", &json!({}))),
        ("/apis/policy/v1/namespaces/default/poddisruptionbudgets", disruption_budget("some", &selector())),
        (
            "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
            held_for_ever("none", &json!({"maxUnavailable": 0})),
        ),
        (
            "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
            held_for_ever("all-stay", &json!({"minAvailable": "100%"})),
        ),
        ("/api/v1/namespaces/default/events", event()),
        ("/apis/events.k8s.io/v1/namespaces/default/events", new_event()),
        ("/apis/apps/v1/namespaces/default/replicasets", workload("ReplicaSet", &json!([owner("Deployment")]))),
        ("/apis/apps/v1/namespaces/default/deployments", workload("Deployment", &json!([]))),
    ]
}

fn owner(kind: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": kind, "name": "above", "uid": "0a1b2c3d-0000-4fff-8123-00000000000f",
        "controller": true})
}

fn node() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": "n1", "labels": {"karpenter.sh/nodepool": "gpu", "empty": ""},
            "annotations": {"karpenter.sh/do-not-disrupt": "true"}, "ownerReferences": [
            {"apiVersion": "karpenter.sh/v1", "kind": "NodeClaim", "name": "c", "uid": "u", "blockOwnerDeletion": true}]},
        "spec": {"providerID": "aws:///us-east-1a/i-1", "unschedulable": true,
            "taints": [{"key": "a", "value": "b", "effect": "NoSchedule"}, {"key": "c", "effect": "NoExecute"}]},
        "status": {
            "capacity": {"cpu": "96", "memory": "1152Gi", "pods": "110", "nvidia.com/gpu": "8"},
            "allocatable": {"cpu": "95690m", "memory": "1143123456Ki", "pods": "110", "nvidia.com/gpu": "7"},
            "conditions": [
                {"type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": "…\u{2026}",
                    "lastHeartbeatTime": "2026-11-21T10:00:00Z", "lastTransitionTime": "2026-11-21T09:59:59Z"},
                {"type": "MemoryPressure", "status": "Unknown", "lastHeartbeatTime": null, "lastTransitionTime": null}],
            "nodeInfo": {"kubeletVersion": "v1.36.3", "machineID": "", "systemUUID": "", "bootID": "", "kernelVersion": "",
                "osImage": "", "containerRuntimeVersion": "", "kubeProxyVersion": "", "operatingSystem": "",
                "architecture": ""},
            "images": [{"names": ["registry.example/train:1"], "sizeBytes": 12_345_678_901_i64}],
        },
    })
}

fn pod(name: &str, finalizers: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "finalizers": finalizers.as_array(), "labels": {"app": "train", "index": "0"},
            "ownerReferences": [owner("StatefulSet")],
            "annotations": {"karpenter.sh/do-not-disrupt": "4h", "other": "x".repeat(5_000),
                "controller.kubernetes.io/pod-deletion-cost": "-7", "CapacityProvisioned": "0.25vCPU 0.5GB",
                "gpu-fraction": "0.5", "gpu-fraction-num-devices": "2"}},
        "spec": {
            "nodeName": "n1", "terminationGracePeriodSeconds": 600,
            "nodeSelector": {"team": "ml"},
            "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b", "c"]}]},
                {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}]}}},
            "volumes": [{"name": "scratch", "emptyDir": {}},
                {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
            "tolerations": [{"operator": "Exists"}, {"key": "karpenter.sh/disrupted", "operator": "Equal", "value": "",
                "effect": "NoSchedule"}],
            "initContainers": [
                {"name": "first", "image": "i", "resources": {"requests": {"cpu": "2"}}},
                {"name": "sidecar", "image": "i", "restartPolicy": "Always", "resources": {"requests": {"cpu": "50m"}}}],
            "containers": [
                {"name": "main", "image": "registry.example/train:1", "env": [{"name": "A", "value": "b"}],
                    "ports": [{"containerPort": 80}, {"containerPort": 81, "hostPort": 81, "hostIP": "10.0.0.1"}],
                    "resources": {"requests": {"cpu": "1500m", "memory": "1.5Gi"}, "limits": {"nvidia.com/gpu": "2"}}},
                {"name": "other", "image": "i"}],
        },
        "status": {
            "phase": "Running", "reason": "Odd", "message": "words", "startTime": "2026-11-21T10:00:01Z",
            "extendedResourceClaimStatus": {"resourceClaimName": "made", "requestMappings": [
                {"containerName": "main", "resourceName": "nvidia.com/gpu", "requestName": "container-0-request-0"}]},
            "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"},
                {"type": "Ready", "status": "False", "lastTransitionTime": "2026-11-21T10:00:02Z"}],
            "initContainerStatuses": [
                {"name": "first", "image": "i", "imageID": "", "ready": true, "restartCount": 1,
                    "state": {"terminated": {"exitCode": 0, "reason": "Completed",
                        "startedAt": "2026-11-21T10:00:01Z", "finishedAt": "2026-11-21T10:00:02Z"}}},
                {"name": "sidecar", "image": "i", "imageID": "", "ready": true, "restartCount": 2, "started": true,
                    "state": {"running": {"startedAt": "2026-11-21T10:00:02Z"}}}],
            "containerStatuses": [
                {"name": "main", "image": "i", "imageID": "", "ready": false, "restartCount": 4, "started": false,
                    "allocatedResources": {"cpu": "2", "memory": "2Gi"},
                    "resources": {"requests": {"cpu": "3", "memory": "1Gi"}, "limits": {"nvidia.com/gpu": "2"}},
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
                    "lastState": {"terminated": {"exitCode": 137, "signal": 9}}},
                {"name": "other", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
                    "state": {"terminated": {"exitCode": 3, "signal": 9}}}],
        },
    })
}

fn template() -> Value {
    json!({
        "metadata": {"labels": {"app": "train"}, "annotations": {"karpenter.sh/do-not-disrupt": "true"}},
        "spec": {"restartPolicy": "Never", "containers": [
            {"name": "controller", "image": "public.ecr.aws/karpenter/controller:1.14.1",
                "env": [{"name": "FEATURE_GATES", "value": "SpotToSpotConsolidation=true"}],
                "resources": {"requests": {"cpu": "1", "memory": "64Mi"}}}]},
    })
}

fn job() -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "train", "labels": {"team": "ml"}, "annotations": {"karpenter.sh/do-not-disrupt": "no"}},
        "spec": {"parallelism": 4, "completions": 8, "completionMode": "Indexed", "backoffLimit": 0,
            "activeDeadlineSeconds": 36_000, "suspend": false,
            "podFailurePolicy": {"rules": [{"action": "Ignore",
                "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]}, "template": template()},
        "status": {"startTime": "2026-11-21T10:00:00Z", "active": 3, "ready": 2, "succeeded": 1, "failed": 1,
            "completedIndexes": "0", "uncountedTerminatedPods": {},
            "conditions": [{"type": "Suspended", "status": "False", "reason": "JobResumed", "message": "Job resumed",
                "lastProbeTime": "2026-11-21T10:00:00Z", "lastTransitionTime": "2026-11-21T10:00:00Z"}]},
    })
}

fn cron_job() -> Value {
    let active = json!([{"kind": "Job", "namespace": "default", "name": "nightly-1"}]);
    json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"},
        "spec": {"schedule": "0 3 * * *", "timeZone": "Europe/Berlin", "suspend": true,
            "jobTemplate": {"spec": {"template": template()}}},
        "status": {"active": active, "lastScheduleTime": "2026-11-21T02:00:00Z",
            "lastSuccessfulTime": "2026-11-20T03:12:34Z"},
    })
}

fn selector() -> Value {
    json!({"matchLabels": {"app": "train"}, "matchExpressions": [
        {"key": "tier", "operator": "In", "values": ["a", "b"]}, {"key": "canary", "operator": "DoesNotExist"}]})
}

fn disruption_budget(name: &str, selector: &Value) -> Value {
    json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name},
        "spec": {"maxUnavailable": "30%", "selector": selector, "unhealthyPodEvictionPolicy": "AlwaysAllow"},
        "status": {"disruptionsAllowed": 1, "currentHealthy": 3, "desiredHealthy": 2, "expectedPods": 4},
    })
}

fn held_for_ever(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name}, "spec": spec})
}

fn event() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "old-recorder"},
        "involvedObject": {"kind": "Node", "name": "n1"}, "reason": "DisruptionBlocked", "message": "Pdb prevents",
        "type": "Normal", "count": 7, "source": {"component": "karpenter", "host": "h"},
        "firstTimestamp": "2026-11-21T10:00:00Z", "lastTimestamp": "2026-11-21T10:20:00Z",
    })
}

fn new_event() -> Value {
    json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "new-recorder"},
        "regarding": {"kind": "Pod", "namespace": "default", "name": "running"}, "reason": "FailedScheduling",
        "note": "0/1 nodes", "type": "Warning", "eventTime": "2026-11-21T10:09:00.000001Z", "action": "Scheduling",
        "reportingController": "default-scheduler", "reportingInstance": "s-1",
        "series": {"count": 3, "lastObservedTime": "2026-11-21T10:09:30.123456Z"},
    })
}

fn workload(kind: &str, owners: &Value) -> Value {
    let mut template = template();
    template["spec"]["restartPolicy"] = json!("Always");
    json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": {"name": "karpenter", "labels": {"app.kubernetes.io/name": "karpenter"}, "ownerReferences": owners,
            "annotations": {"karpenter.sh/do-not-disrupt": "true"}},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "train"}}, "template": template},
    })
}
