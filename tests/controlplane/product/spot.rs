//! Spot capacity of three clouds by its labels, and what batchtop tells before, during and after a reclaim.

use std::time::{Duration, Instant};

use jiff::{Span, Timestamp};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::program::Program;
use crate::bed::{Bed, BedOptions, Context, Result};
use crate::shared::trial;
use crate::tests_bed::{ensure, equal};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("spot::a_reclaim_is_told_before_during_and_after", a_reclaim_is_told),
        trial("spot::whoever_tells_of_a_reclaim_is_understood", whoever_tells),
        trial("spot::gangs_of_each_system_lose_their_quorum_with_a_pool", gangs_lose_their_quorum),
    ]
}

const KARPENTER: (&str, &str) = ("karpenter.sh/capacity-type", "spot");

/// A Node of a cloud in a zone, with a pod that asks for so many seconds to end.
fn node(bed: &Bed, name: &str, provider: (&str, &str), label: (&str, &str), grace_seconds: i64) -> Result<()> {
    let (cloud, zone) = provider;
    bed.apply(&json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": {
            "node.kubernetes.io/instance-type": "g5.xlarge", "topology.kubernetes.io/zone": zone, label.0: label.1}},
        "spec": {"providerID": format!("{cloud}/{zone}/{name}")},
    }))?;
    bed.apply(&json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("on-{name}"), "namespace": "default",
            "annotations": {"karpenter.sh/do-not-disrupt": "true"}},
        "spec": {"nodeName": name, "terminationGracePeriodSeconds": grace_seconds,
            "containers": [{"name": "c", "image": "i"}]},
    }))
}

/// What Karpenter's interruption controller writes about a Node, so many seconds ago.
fn interrupted(bed: &Bed, name: &str, seconds_ago: i64) -> Result<Timestamp> {
    let words = ("karpenter", "SpotInterrupted", "Spot interruption warning was triggered");
    told(bed, ("Node", name), words, seconds_ago)
}

/// An Event by a component with a reason and a message, so many seconds ago.
fn told(
    bed: &Bed,
    (kind, name): (&str, &str),
    (component, reason, message): (&str, &str, &str),
    seconds_ago: i64,
) -> Result<Timestamp> {
    let at = Timestamp::now().checked_sub(Span::new().seconds(seconds_ago)).context("a moment ago")?;
    let at = Timestamp::from_second(at.as_second()).context("whole seconds")?;
    bed.apply(&json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": format!("{name}.{}", reason.to_lowercase()), "namespace": "default"},
        "involvedObject": {"apiVersion": "v1", "kind": kind, "name": name, "uid": name},
        "reason": reason, "type": "Warning", "message": message,
        "source": {"component": component}, "firstTimestamp": at.to_string(), "lastTimestamp": at.to_string(),
        "count": 1,
    }))?;
    Ok(at)
}

fn controller(bed: &Bed) -> Result<()> {
    let labels = json!({"app.kubernetes.io/name": "karpenter"});
    let queue = json!([{"name": "INTERRUPTION_QUEUE", "value": "prod"}]);
    let image = "public.ecr.aws/karpenter/controller:1.14.1";
    bed.apply(&json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "karpenter", "namespace": "kube-system", "labels": labels},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
            "containers": [{"name": "controller", "image": image, "env": queue}]}}},
    }))
}

fn spot<'a>(document: &'a Value, name: &str) -> Result<&'a Value> {
    let nodes = document["nodes"].as_array().context("nodes")?;
    Ok(&nodes.iter().find(|node| node["name"] == name).context(name)?["spot"])
}

/// These fields of a Node's `spot`.
fn of(document: &Value, name: &str, fields: &[&str]) -> Result<Value> {
    let found = spot(document, name)?;
    Ok(fields.iter().map(|field| found[*field].clone()).collect())
}

fn pool<'a>(document: &'a Value, kind: &str) -> Result<&'a Value> {
    document["spotPools"].as_array().and_then(|pools| pools.iter().find(|pool| pool["kind"] == kind)).context(kind)
}

fn a_reclaim_is_told() -> Result<()> {
    let bed = Bed::start(&BedOptions::api_only())?;
    let program = Program::new(bed.admin_kubeconfig())?;
    node(&bed, "a", ("aws://", "us-east-1a"), KARPENTER, 300)?;
    node(&bed, "b", ("aws://", "us-east-1a"), KARPENTER, 30)?;
    let before = program.snapshot(&[])?;
    equal(&of(&before, "a", &["kind", "state", "risk", "coverage"])?, &json!(["AwsSpot", "Blind", null, 0.0]))?;
    controller(&bed)?;
    let before = program.snapshot(&[])?;
    equal(&of(&before, "a", &["state", "signal", "endsAt", "floor"])?, &json!(["Calm", null, null, null]))?;
    let fields = ["nodes", "pods", "podsProtected", "podsCutShort"];
    let counts = |document: &Value| -> Result<Value> {
        let found = pool(document, "AwsSpot")?;
        Ok(fields.iter().map(|field| found[*field].clone()).collect())
    };
    equal(&counts(&before)?, &json!([2, 2, 2, 1]))?;

    let at = interrupted(&bed, "a", 30)?;
    let during = program.snapshot(&[])?;
    let ends = at.checked_add(Span::new().seconds(120)).context("two minutes later")?.to_string();
    let signal = json!({"reason": "SpotInterrupted", "source": "karpenter", "at": at.to_string()});
    let told = of(&during, "a", &["state", "signal", "endsAt", "risk"])?;
    equal(&told, &json!(["Reclaiming", signal, ends, 100]))?;
    equal(
        &of(&during, "b", &["state", "risk", "floor"])?,
        &json!(["Calm", 70, {"value": 0.7, "reason": "SiblingReclaimed"}]),
    )?;
    equal(&pool(&during, "AwsSpot")?["state"], &json!("Reclaiming"))?;
    equal(&during["totals"]["spot"]["reclaiming"], &json!(1))?;
    let row =
        during["nodes"].as_array().and_then(|nodes| nodes.iter().find(|node| node["name"] == "a")).context("a")?;
    let kinds: Vec<&Value> =
        row["disruption"]["hazards"].as_array().context("hazards")?.iter().map(|one| &one["kind"]).collect();
    equal(&json!(kinds), &json!(["SpotInterruption"]))?;

    bed.api().delete("/api/v1/namespaces/default/pods/on-a?gracePeriodSeconds=0")?;
    bed.api().delete("/api/v1/nodes/a")?;
    let after = program.snapshot(&[])?;
    equal(&of(&after, "b", &["state", "risk"])?, &json!(["Calm", 70]))
        .context("it remembers the pool of a node that is gone")?;
    equal(&counts(&after)?, &json!([1, 1, 1, 0]))?;
    equal(&after["totals"]["spot"]["reclaiming"], &json!(0))?;
    of_other_clouds(&bed, &program)
}

fn of_other_clouds(bed: &Bed, program: &Program) -> Result<()> {
    node(bed, "gke", ("gce://p", "us-central1-a"), ("cloud.google.com/gke-spot", "true"), 16)?;
    node(bed, "day", ("gce://p", "us-central1-b"), ("cloud.google.com/gke-preemptible", "true"), 15)?;
    node(bed, "aks", ("azure://", "eastus-1"), ("kubernetes.azure.com/scalesetpriority", "spot"), 30)?;
    bed.api().patch(
        "/api/v1/nodes/gke",
        &json!({"spec": {"taints": [{"key": "cloud.google.com/impending-node-termination", "effect": "NoSchedule"}]}}),
    )?;
    let document = program.snapshot(&[])?;
    let fields = ["kind", "state", "endsAt", "risk"];
    equal(&of(&document, "gke", &fields)?, &json!(["GcpSpot", "Reclaiming", null, 100]))?;
    equal(&of(&document, "aks", &fields)?, &json!(["AzureSpot", "Calm", null, null]))?;
    let nodes = document["nodes"].as_array().context("nodes")?;
    let day = nodes.iter().find(|node| node["name"] == "day").context("day")?;
    let created: Timestamp = day["createdAt"].as_str().context("a time")?.parse().context("a time")?;
    let ends = created.checked_add(Span::new().hours(24)).context("a day later")?.to_string();
    equal(&of(&document, "day", &fields)?, &json!(["GcpPreemptible", "Calm", ends, null]))?;
    equal(&json!(nodes.iter().map(|node| &node["capacityType"]).collect::<Vec<_>>()), &json!(vec!["spot"; nodes.len()]))
}

const HANDLER: &str = "aws-node-termination-handler";

/// The state of each Node, by name.
fn states(document: &Value, names: &[&str]) -> Result<Value> {
    names.iter().map(|name| Ok(spot(document, name)?["state"].clone())).collect()
}

fn whoever_tells() -> Result<()> {
    let bed = Bed::start(&BedOptions::api_only())?;
    let program = Program::new(bed.admin_kubeconfig())?;
    for (name, zone) in [("a", "us-east-1a"), ("b", "us-east-1b"), ("c", "us-east-1c"), ("d", "us-east-1d")] {
        node(&bed, name, ("aws://", zone), KARPENTER, 30)?;
    }
    node(&bed, "group", ("aws://", "us-east-1e"), ("eks.amazonaws.com/capacityType", "SPOT"), 30)?;
    let label = json!({"metadata": {"labels": {"eks.amazonaws.com/nodegroup": "workers"}}});
    bed.api().patch("/api/v1/nodes/group", &label)?;
    let names = ["a", "b", "c", "d", "group"];
    equal(&states(&program.snapshot(&[])?, &names)?, &json!(["Blind", "Blind", "Blind", "Blind", "Calm"]))?;

    let taint = |key: &str| json!({"spec": {"taints": [{"key": key, "effect": "NoSchedule"}]}});
    bed.api().patch("/api/v1/nodes/a", &taint("aws-node-termination-handler/spot-itn"))?;
    bed.api().patch("/api/v1/nodes/b", &taint("aws-node-termination-handler/rebalance-recommendation"))?;
    let condition = json!({"type": "Ready", "status": "False", "reason": "KubeletNotReady",
        "message": "node is shutting down", "lastTransitionTime": Timestamp::now().to_string()});
    bed.api().patch("/api/v1/nodes/c/status", &json!({"status": {"conditions": [condition]}}))?;
    let document = program.snapshot(&[])?;
    let wanted = json!(["Reclaiming", "Rebalance", "Reclaiming", "Calm", "Calm"]);
    equal(&states(&document, &names)?, &wanted).context("who has told once will tell again")?;
    equal(&of(&document, "a", &["endsAt", "risk"])?, &json!([null, 100])).context("a taint has no time")?;
    equal(&of(&document, "b", &["endsAt", "risk"])?, &json!([null, 80]))?;
    equal(&spot(&document, "c")?["signal"]["source"], &json!("condition"))?;

    let words = (HANDLER, "SQSTermination", "Spot Interruption event received. Instance will be interrupted");
    let at = told(&bed, ("Node", "a"), words, 20)?;
    let refused = "NodeClaim x event: insufficient capacity, We currently do not have sufficient g5.xlarge capacity in \
                   the Availability Zone you requested (us-east-1d).";
    told(&bed, ("NodeClaim", "x"), ("karpenter", "InsufficientCapacityError", refused), 20)?;
    told(&bed, ("Node", "group"), ("karpenter", "InstanceUnhealthy", "An unhealthy warning was triggered"), 20)?;
    let document = program.snapshot(&[])?;
    let ends = at.checked_add(Span::new().seconds(120)).context("two minutes later")?.to_string();
    equal(&spot(&document, "a")?["endsAt"], &json!(ends)).context("the event has the time that the taint lacks")?;
    let floor = json!({"value": 0.6, "reason": "InsufficientCapacity"});
    equal(&of(&document, "d", &["state", "risk", "floor"])?, &json!(["Calm", 60, floor]))?;
    equal(&of(&document, "group", &["state", "signal"])?, &json!(["Calm", null]))?;
    equal(&document["totals"]["spot"]["largestPoolShare"], &json!(0.2))?;
    let found: Vec<&Value> =
        document["findings"].as_array().context("findings")?.iter().map(|one| &one["rule"]).collect();
    let protected = found.iter().filter(|rule| ***rule == "ProtectedOnSpot").count();
    equal(&protected, &names.len())
}

/// Group, version, plural and kind of what declares a gang.
const GANGS: [(&str, &str, &str, &str); 3] = [
    ("scheduling.x-k8s.io", "v1alpha1", "podgroups", "PodGroup"),
    ("scheduling.volcano.sh", "v1beta1", "podgroups", "PodGroup"),
    ("jobset.x-k8s.io", "v1alpha2", "jobsets", "JobSet"),
];

/// Serves what declares gangs, as the CustomResourceDefinitions of the systems name it, and waits until it is served.
fn serve_gangs(bed: &Bed) -> Result<()> {
    for (group, version, plural, kind) in GANGS {
        let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
        bed.apply(&json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.{group}"),
                "annotations": {"api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/scheduler-plugins/pull/50"}},
            "spec": {"group": group, "scope": "Namespaced",
                "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind},
                "versions": [{"name": version, "served": true, "storage": true, "schema": schema}]},
        }))?;
        let path = format!("/apis/{group}/{version}/{plural}");
        let started = Instant::now();
        while bed.api().list(&path).is_err() {
            ensure(started.elapsed() < SERVED_WITHIN, || format!("{path} is not served"))?;
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(())
}

/// An API server serves a new definition within a second.
const SERVED_WITHIN: Duration = Duration::from_secs(30);

/// A running member of a gang, which its labels or annotations name.
fn member(bed: &Bed, name: &str, node: &str, of: (&str, &str, &str), is_ready: bool) -> Result<()> {
    let (place, key, gang) = of;
    bed.apply(&json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", place: {key: gang}},
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": "i"}]},
    }))?;
    let ready = if is_ready { "True" } else { "False" };
    let container = json!({"name": "c", "ready": is_ready, "image": "i", "imageID": "", "restartCount": 0,
        "state": {"running": {"startedAt": Timestamp::now().to_string()}}});
    let status = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": ready}],
        "containerStatuses": [container]});
    bed.api().patch(&format!("/api/v1/namespaces/default/pods/{name}/status"), &json!({"status": status})).map(drop)
}

/// Who names its gang how.
const COSCHEDULING: (&str, &str) = ("labels", "scheduling.x-k8s.io/pod-group");
const VOLCANO: (&str, &str) = ("annotations", "scheduling.k8s.io/group-name");
const JOB_SET: (&str, &str) = ("labels", "jobset.sigs.k8s.io/jobset-name");

fn gangs_lose_their_quorum() -> Result<()> {
    let bed = Bed::start(&BedOptions::api_only())?;
    let program = Program::new(bed.admin_kubeconfig())?;
    let source = |document: &Value, name: &str| -> Result<Value> {
        let sources = document["sources"].as_array().context("sources")?;
        Ok(sources.iter().find(|source| source["name"] == name).context(name.to_owned())?["state"].clone())
    };
    let systems = ["coscheduling", "volcano", "jobset"];
    let unserved = program.snapshot(&[])?;
    for system in systems {
        equal(&source(&unserved, system)?, &json!("Absent"))?;
    }
    serve_gangs(&bed)?;
    for (name, zone) in [("a", "us-east-1a"), ("b", "us-east-1b")] {
        node(&bed, name, ("aws://", zone), KARPENTER, 30)?;
    }
    let group = |version: &str, name: &str, min_member: i64| {
        bed.apply(&json!({"apiVersion": version, "kind": "PodGroup",
            "metadata": {"name": name, "namespace": "default"}, "spec": {"minMember": min_member}}))
    };
    group("scheduling.x-k8s.io/v1alpha1", "all", 2)?;
    group("scheduling.x-k8s.io/v1alpha1", "spare", 1)?;
    group("scheduling.volcano.sh/v1beta1", "volcano", 2)?;
    group("scheduling.volcano.sh/v1beta1", "waits", 2)?;
    // Two replicas of a Job with two pods, and one with one.
    let job = |pods: i64| json!({"spec": {"parallelism": pods, "completions": pods}});
    bed.apply(&json!({
        "apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet",
        "metadata": {"name": "set", "namespace": "default"},
        "spec": {"replicatedJobs": [
            {"name": "workers", "replicas": 2, "template": job(2)}, {"name": "driver", "replicas": 1, "template": job(1)}]},
    }))?;
    let of = |(place, key): (&'static str, &'static str), gang: &'static str| (place, key, gang);
    for (name, node, gang, is_ready) in [
        ("all-0", "a", of(COSCHEDULING, "all"), true),
        ("all-1", "b", of(COSCHEDULING, "all"), true),
        ("spare-0", "a", of(COSCHEDULING, "spare"), true),
        ("spare-1", "b", of(COSCHEDULING, "spare"), true),
        ("volcano-0", "a", of(VOLCANO, "volcano"), true),
        ("volcano-1", "a", of(VOLCANO, "volcano"), true),
        ("waits-0", "a", of(VOLCANO, "waits"), true),
        ("waits-1", "b", of(VOLCANO, "waits"), false),
        ("set-0", "b", of(JOB_SET, "set"), true),
        ("set-1", "b", of(JOB_SET, "set"), true),
        ("set-2", "b", of(JOB_SET, "set"), true),
        ("set-3", "b", of(JOB_SET, "set"), true),
        ("set-4", "b", of(JOB_SET, "set"), true),
    ] {
        member(&bed, name, node, gang, is_ready)?;
    }
    let document = program.snapshot(&[])?;
    for system in systems {
        equal(&source(&document, system)?, &json!("Live"))?;
    }
    let losing = |document: &Value, pool: &str| -> Result<Value> {
        let pools = document["spotPools"].as_array().context("spot pools")?;
        let found = pools.iter().find(|found| found["pool"] == pool).context(pool.to_owned())?;
        Ok(found["gangsLosingQuorum"].as_array().context("gangs")?.iter().map(|gang| gang["name"].clone()).collect())
    };
    // `spare` has one left; `waits` has no quorum that it could lose.
    equal(&losing(&document, "g5.xlarge/us-east-1a")?, &json!(["all", "volcano"]))?;
    equal(&losing(&document, "g5.xlarge/us-east-1b")?, &json!(["all", "set"]))?;

    // The pool goes: what was told is what happens.
    let ready = |gang: &str| -> Result<usize> {
        let pods = bed.api().list("/api/v1/namespaces/default/pods")?;
        let is_of = |pod: &&Value| {
            let named = |(place, key): (&str, &str)| pod["metadata"][place][key] == gang;
            let conditions = pod["status"]["conditions"].as_array();
            let is_ready =
                conditions.is_some_and(|all| all.iter().any(|one| one["type"] == "Ready" && one["status"] == "True"));
            is_ready && [COSCHEDULING, VOLCANO, JOB_SET].into_iter().any(named)
        };
        Ok(pods.iter().filter(is_of).count())
    };
    for pod in bed.api().list("/api/v1/namespaces/default/pods")? {
        if pod["spec"]["nodeName"] == "a" {
            let name = pod["metadata"]["name"].as_str().context("a name")?;
            bed.api().delete(&format!("/api/v1/namespaces/default/pods/{name}?gracePeriodSeconds=0"))?;
        }
    }
    bed.api().delete("/api/v1/nodes/a")?;
    let left = [("all", 1), ("spare", 1), ("volcano", 0), ("waits", 0), ("set", 5)];
    for (gang, wanted) in left {
        equal(&ready(gang)?, &wanted).context(gang)?;
    }
    let after = program.snapshot(&[])?;
    equal(&losing(&after, "g5.xlarge/us-east-1b")?, &json!(["set", "spare"])).context("all has lost it already")
}
