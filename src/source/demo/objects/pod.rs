//! core/v1 Pod.

use serde_json::{Value, json};

use super::super::cast::{DAEMONS, POOLS};
use super::super::clock::Sec;
use super::super::model::{Place, Pod, PodId, PodOwner, Template};
use super::super::names;
use super::super::world::World;
use super::{condition, metadata, owner, resource_list, stamp, stamp_of};

fn phase(pod: &Pod) -> &'static str {
    match (pod.finished, pod.running) {
        (Some((_, 0)), _) => "Succeeded",
        (Some(_), _) => "Failed",
        (None, Some(_)) => "Running",
        (None, None) => "Pending",
    }
}

/// The conditions that the kubelet sets once it has the pod.
fn kubelet_conditions(pod: &Pod, accepted: Sec, list: &mut Vec<Value>) {
    let not_ready = format!("containers with unready status: [{}]", pod.template.container);
    list.push(match (pod.sandbox, pod.finished) {
        (_, Some((at, _))) => condition("PodReadyToStartContainers", "False", at, "", ""),
        (Some(at), None) => condition("PodReadyToStartContainers", "True", at, "", ""),
        (None, None) => condition("PodReadyToStartContainers", "False", accepted, "", ""),
    });
    let ended = pod.finished.map(|(_, code)| if code == 0 { "PodCompleted" } else { "PodFailed" });
    list.push(condition(
        "Initialized",
        "True",
        accepted,
        if ended == Some("PodCompleted") { "PodCompleted" } else { "" },
        "",
    ));
    for kind in ["Ready", "ContainersReady"] {
        list.push(match (pod.finished, pod.ready) {
            (Some((at, _)), _) => condition(kind, "False", at, ended.unwrap_or_default(), ""),
            (None, Some(at)) => condition(kind, "True", at, "", ""),
            (None, None) => condition(kind, "False", accepted, "ContainersNotReady", &not_ready),
        });
    }
}

fn conditions(pod: &Pod) -> Value {
    let mut list = Vec::new();
    match (pod.scheduled, &pod.refused) {
        (Some(at), _) => list.push(condition("PodScheduled", "True", at, "", "")),
        (None, Some((since, words))) => list.push(condition("PodScheduled", "False", *since, "Unschedulable", words)),
        (None, None) => {}
    }
    if let Some(accepted) = pod.accepted {
        kubelet_conditions(pod, accepted, &mut list);
    }
    if let Some((at, reason, message)) = pod.disrupted {
        list.push(condition("DisruptionTarget", "True", at, reason, message));
    }
    Value::Array(list)
}

fn container_state(pod: &Pod) -> Value {
    match (pod.finished, pod.running) {
        (Some((at, code)), began) => json!({ "terminated": {
            "exitCode": code,
            "reason": if code == 0 { "Completed" } else { "Error" },
            "startedAt": stamp_of(began),
            "finishedAt": stamp(at),
        } }),
        (None, Some(began)) => json!({ "running": { "startedAt": stamp(began) } }),
        (None, None) => json!({ "waiting": { "reason": "ContainerCreating" } }),
    }
}

fn container_statuses(pod: &Pod) -> Value {
    if pod.accepted.is_none() {
        return Value::Null;
    }
    let started = pod.running.is_some() && pod.finished.is_none();
    json!([{
        "name": pod.template.container,
        "image": pod.template.image.name,
        "imageID": if pod.running.is_some() { pod.template.image.name } else { "" },
        "ready": pod.ready.is_some() && pod.finished.is_none(),
        "started": started,
        "restartCount": 0,
        "state": container_state(pod),
    }])
}

/// Somebody has looked into a notebook with a debugger once.
fn ephemeral_containers(pod: &Pod) -> Value {
    match (pod.owner, pod.running) {
        (PodOwner::User, Some(_)) => {
            json!([{ "name": "debugger", "image": "python:3.13-slim", "targetContainerName": pod.template.container }])
        }
        _ => Value::Null,
    }
}

fn ephemeral_statuses(pod: &Pod) -> Value {
    match (pod.owner, pod.running) {
        (PodOwner::User, Some(began)) => json!([{
            "name": "debugger",
            "image": "python:3.13-slim",
            "state": { "terminated": { "exitCode": 0, "reason": "Completed", "startedAt": stamp(began), "finishedAt": stamp(began) } },
        }]),
        _ => Value::Null,
    }
}

fn tolerations(pod: &Pod) -> Value {
    if pod.is_daemon() {
        return json!([{ "operator": "Exists" }]);
    }
    let mut list = vec![
        json!({ "key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 }),
        json!({ "key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 }),
    ];
    if pod.template.on_gpu_nodes {
        list.push(json!({ "key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule" }));
    }
    if pod.template.place == Place::System {
        list.push(json!({ "key": "CriticalAddonsOnly", "operator": "Exists" }));
    }
    Value::Array(list)
}

fn node_selector(place: Place) -> Value {
    match place {
        Place::Anywhere => Value::Null,
        Place::System => json!({ "eks.amazonaws.com/nodegroup": "system" }),
        Place::Pool(pool) => json!({ "karpenter.sh/nodepool": POOLS[pool].name }),
        Place::Type(kind) => json!({ "node.kubernetes.io/instance-type": kind }),
        Place::OnDemand => json!({ "karpenter.sh/capacity-type": "on-demand" }),
    }
}

/// The container as its author wrote it; memory and devices have equal limits.
pub(super) fn container(template: &Template) -> Value {
    let requests = resource_list(template.requests, None);
    let mut limits = requests.clone();
    limits["cpu"] = Value::Null;
    json!({
        "name": template.container,
        "image": template.image.name,
        "imagePullPolicy": "IfNotPresent",
        "resources": { "requests": requests, "limits": limits },
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    })
}

/// Owner and labels that a pod gets from its controller.
struct Origin {
    owner: Value,
    labels: Value,
    priority: (&'static str, i64),
    restart: &'static str,
    generate_name: String,
}

fn priority_value(class: &str) -> i64 {
    match class {
        "system-node-critical" => 2_000_001_000,
        "system-cluster-critical" => 2_000_000_000,
        _ => 0,
    }
}

impl World {
    pub(super) fn render_pod(&self, id: PodId) -> Option<Value> {
        let pod = self.pods.get(&id)?;
        let origin = self.origin(pod);
        let mut meta = metadata(&pod.identity, pod.namespace, &pod.name);
        if !origin.generate_name.is_empty() {
            meta["generateName"] = json!(origin.generate_name);
        }
        meta["labels"] = origin.labels;
        meta["ownerReferences"] = origin.owner;
        meta["annotations"] = json!({
            "karpenter.sh/do-not-disrupt": pod.do_not_disrupt,
            "batch.kubernetes.io/job-completion-index": pod.index.map(|index| index.to_string()),
        });
        // The Job controller takes its finalizer off when it has counted the pod.
        if matches!(pod.owner, PodOwner::Job(_)) && pod.finished.is_none() {
            meta["finalizers"] = json!(["batch.kubernetes.io/job-tracking"]);
        }
        if let Some(since) = pod.deleting {
            meta["deletionTimestamp"] = json!(stamp(since + pod.granted));
            meta["deletionGracePeriodSeconds"] = json!(pod.granted);
        }
        let node = pod.machine.and_then(|machine| self.machines.get(&machine));
        let host = matches!(pod.owner, PodOwner::Daemon(at) if DAEMONS[at].host_network);
        let address = pod.sandbox.map(|_| match node {
            Some(machine) if host => machine.address.clone(),
            _ => names::pod_address(id),
        });
        Some(json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": meta,
            "spec": {
                "containers": [container(pod.template)],
                "ephemeralContainers": ephemeral_containers(pod),
                "nodeName": node.map(|machine| machine.name.clone()),
                "nodeSelector": node_selector(pod.template.place),
                "tolerations": tolerations(pod),
                "hostNetwork": host.then_some(true),
                "priority": origin.priority.1,
                "priorityClassName": (!origin.priority.0.is_empty()).then_some(origin.priority.0),
                "restartPolicy": origin.restart,
                "schedulerName": "default-scheduler",
                "serviceAccountName": "default",
                "dnsPolicy": "ClusterFirst",
                "enableServiceLinks": true,
                "terminationGracePeriodSeconds": pod.template.grace,
            },
            "status": {
                "phase": phase(pod),
                "conditions": conditions(pod),
                "containerStatuses": container_statuses(pod),
                "ephemeralContainerStatuses": ephemeral_statuses(pod),
                "startTime": stamp_of(pod.accepted),
                "hostIP": pod.accepted.and(node).map(|machine| machine.address.clone()),
                "podIP": address,
                "qosClass": "Burstable",
            },
        }))
    }

    fn origin(&self, pod: &Pod) -> Origin {
        match pod.owner {
            PodOwner::Daemon(at) => self.origin_daemon(at),
            PodOwner::Deployment(at) => self.origin_deployment(at),
            PodOwner::Job(job) => self.origin_job(job, pod.index),
            PodOwner::User => Origin {
                owner: Value::Null,
                labels: json!({ "app.kubernetes.io/name": "jupyterhub", "component": "singleuser-server",
                    "hub.jupyter.org/username": pod.name.trim_start_matches("jupyter-") }),
                priority: ("", 0),
                restart: "OnFailure",
                generate_name: String::new(),
            },
        }
    }

    fn origin_daemon(&self, at: usize) -> Origin {
        let daemon = &DAEMONS[at];
        let uid = self.daemons.get(at).map_or("", String::as_str);
        Origin {
            owner: owner("apps/v1", "DaemonSet", daemon.name, uid),
            labels: json!({ "app.kubernetes.io/name": daemon.name, "pod-template-generation": "1" }),
            priority: (daemon.priority, priority_value(daemon.priority)),
            restart: "Always",
            generate_name: format!("{}-", daemon.name),
        }
    }

    fn origin_deployment(&self, at: usize) -> Origin {
        let deployment = &super::super::cast::DEPLOYMENTS[at];
        let (hash, uid) =
            self.deployments.get(at).map_or(("", ""), |state| (state.hash.as_str(), state.replica_set.uid.as_str()));
        let name = self.replica_set_name(at);
        let class = if deployment.namespace == "kube-system" { "system-cluster-critical" } else { "" };
        Origin {
            owner: owner("apps/v1", "ReplicaSet", &name, uid),
            labels: json!({ "app.kubernetes.io/name": deployment.name, "pod-template-hash": hash }),
            priority: (class, priority_value(class)),
            restart: "Always",
            generate_name: format!("{name}-"),
        }
    }

    fn origin_job(&self, id: u32, index: Option<i64>) -> Origin {
        let job = self.jobs.get(&id);
        let (name, uid) = job.map_or(("", ""), |job| (job.name.as_str(), job.identity.uid.as_str()));
        let generate = index.map_or_else(|| format!("{name}-"), |index| format!("{name}-{index}-"));
        Origin {
            owner: owner("batch/v1", "Job", name, uid),
            labels: json!({
                "batch.kubernetes.io/controller-uid": uid,
                "batch.kubernetes.io/job-name": name,
                "batch.kubernetes.io/job-completion-index": index.map(|index| index.to_string()),
                "controller-uid": uid,
                "job-name": name,
                "scheduling.x-k8s.io/pod-group": job.filter(|job| job.spec.is_gang()).map(|job| job.name.as_str()),
            }),
            priority: ("", 0),
            restart: "Never",
            generate_name: generate,
        }
    }
}
