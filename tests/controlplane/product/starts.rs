//! Starts with chosen delays, and what batchtop tells of them.

use std::time::Duration;

use jiff::Timestamp;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::gpus::PATIENCE;
use super::program::Program;
use crate::bed::{Bed, Context, JobSpec, NodePoolSpec, PodSpec, Result, annotation, usd_per_hour};
use crate::shared::{full, trial};
use crate::tests_bed::{ensure, equal};

/// How far a step may be from its chosen length.
const TOLERANCE_SECONDS: i64 = 2;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("starts::a_cold_gpu_start_is_told_with_its_dollars", a_cold_gpu_start),
        trial("starts::warm_cached_and_gang_starts_take_the_times_that_were_chosen", chosen_times),
        trial("starts::capacity_that_was_refused_is_told_until_it_comes_and_after", refused_capacity),
        trial("starts::a_late_device_plugin_is_the_cause_and_then_a_step", a_late_device_plugin),
        trial("starts::a_pull_that_fails_is_told_until_it_comes_through", a_pull_that_fails),
        trial("starts::what_events_told_is_missing_once_they_are_gone", events_that_are_gone),
    ]
}

/// The steps of a new machine.
const OF_MACHINES: [&str; 5] = ["WaitingForCapacity", "Launch", "Boot", "Register", "Initialize"];

fn snapshot(bed: &Bed) -> Result<Value> {
    Program::new(bed.admin_kubeconfig())?.snapshot(&["--no-state"])
}

/// The start of the only pod of a Job.
fn start_of(bed: &Bed, namespace: &str, job: &str) -> Result<Value> {
    let document = snapshot(bed)?;
    let starts = document["coldStarts"].as_array().cloned().unwrap_or_default();
    let found = starts.into_iter().find(|start| start["namespace"] == namespace && start["job"] == job);
    found.context(format!("a start of {namespace}/{job}"))
}

/// The same, once its step is this one; `None` for one that is over.
fn start_in(bed: &Bed, namespace: &str, job: &str, step: Option<&str>) -> Result<Value> {
    bed.wait_for(&format!("start of {job} in step {step:?}"), PATIENCE, || {
        std::thread::sleep(Duration::from_secs(1));
        let start = start_of(bed, namespace, job)?;
        Ok(Some(start).filter(|start| start["openPhase"].as_str() == step))
    })
}

fn seconds(start: &Value, step: &str) -> Option<i64> {
    let steps = start["phases"].as_array()?;
    steps.iter().find(|phase| phase["name"] == step)?["seconds"].as_i64()
}

fn took(start: &Value, step: &str, wanted: i64) -> Result<()> {
    let found = seconds(start, step).context(format!("{step} of {start}"))?;
    let is_near = (found - wanted).abs() <= TOLERANCE_SECONDS;
    ensure(is_near, || format!("{step} took {found} s in place of {wanted} s: {start}"))
}

fn has_not(start: &Value, steps: &[&str]) -> Result<()> {
    let found = steps.iter().find(|step| seconds(start, step).is_some());
    ensure(found.is_none(), || format!("{found:?} in {start}"))
}

/// A time of the API server, in seconds.
fn instant(value: &Value) -> Result<i64> {
    let time: Timestamp = value.as_str().context(format!("a time in {value}"))?.parse().context("a time")?;
    Ok(time.as_second())
}

/// When a condition of an object took its present status.
fn since(object: &Value, kind: &str) -> Result<i64> {
    let conditions = object["status"]["conditions"].as_array().context("conditions")?;
    let found = conditions.iter().find(|condition| condition["type"] == kind && condition["status"] == "True");
    instant(&found.context(format!("{kind} of {object}"))?["lastTransitionTime"])
}

/// What the API server has of a start: the pod of the Job, and its NodeClaim.
struct Objects {
    pod: Value,
    claim: Value,
}

impl Objects {
    fn of(bed: &Bed, start: &Value) -> Result<Self> {
        let text = |key: &str| start[key].as_str().context(format!("{key} of {start}"));
        let pod = format!("/api/v1/namespaces/{}/pods/{}", text("namespace")?, text("pod")?);
        let claim = format!("/apis/karpenter.sh/v1/nodeclaims/{}", text("nodeClaim")?);
        Ok(Self { pod: bed.api().get(&pod)?, claim: bed.api().get(&claim)? })
    }

    /// The steps of the machine are those between the times that the API server has of it.
    fn tell_of_machine(&self, start: &Value, created: i64) -> Result<()> {
        let requested = instant(&self.claim["metadata"]["creationTimestamp"])?;
        let [launched, registered, initialized] =
            ["Launched", "Registered", "Initialized"].map(|kind| since(&self.claim, kind));
        let (launched, registered, initialized) = (launched?, registered?, initialized?);
        took(start, "WaitingForCapacity", requested - instant(&self.pod["metadata"]["creationTimestamp"])?)?;
        took(start, "Launch", launched - requested)?;
        took(start, "Boot", created - launched)?;
        took(start, "Register", registered - created)?;
        took(start, "Initialize", initialized - registered)
    }
}

fn node_created(bed: &Bed, start: &Value) -> Result<i64> {
    let name = start["node"].as_str().context("a Node")?;
    instant(&bed.api().get(&format!("/api/v1/nodes/{name}"))?["metadata"]["creationTimestamp"])
}

/// A class of machines that boot so long; NodePools name it.
fn class_that_boots(bed: &Bed, name: &str, delay: &str) -> Result<Value> {
    bed.apply(&json!({
        "apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass",
        "metadata": {"name": name}, "spec": {"nodeRegistrationDelay": delay},
    }))?;
    Ok(json!({"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": name}))
}

fn adds_up(start: &Value) -> Result<()> {
    let steps = start["phases"].as_array().context("steps")?;
    let sum: i64 = steps.iter().filter_map(|phase| phase["seconds"].as_i64()).sum();
    equal(&json!(sum), &start["totalSeconds"])
}

fn a_cold_gpu_start() -> Result<()> {
    let bed = full()?;
    let name = bed.unique("cold");
    let class = class_that_boots(&bed, &name, "6s")?;
    let spec = NodePoolSpec::new(&name).instance_types(&["p4d.24xlarge"]).template("nodeClassRef", class);
    let pool = bed.node_pool(spec)?;
    let namespace = bed.namespace("cold")?;
    let pod = PodSpec::new().gpus(4).on_pool(&pool);
    let pod = pod.annotation(annotation::SANDBOX, "4s").annotation(annotation::PULL, "6s");
    let pod = pod.annotation(annotation::PULL_TOTAL, "15s").annotation(annotation::PULL_SIZE, "1000000");
    bed.apply(&JobSpec::new(&namespace, "train", pod).build())?;
    let start = start_in(&bed, &namespace, "train", None)?;
    equal(&start["complete"], &json!(true))?;
    took(&start, "Boot", 6)?;
    took(&start, "Sandbox", 4)?;
    took(&start, "Pull", 15)?;
    took(&start, "Start", 0)?;
    adds_up(&start)?;
    let image = &start["images"][0];
    let told = json!([image["pullSeconds"], image["waitSeconds"], image["bytes"], image["cached"]]);
    equal(&told, &json!([6, 9, 1_000_000, false]))?;
    let objects = Objects::of(&bed, &start)?;
    objects.tell_of_machine(&start, node_created(&bed, &start)?)?;
    // Half of the machine's accelerators, from its launch until the pod was ready.
    let billed = since(&objects.pod, "Ready")? - since(&objects.claim, "Launched")?;
    let wanted = usd_per_hour("p4d.24xlarge")? / 2.0 * billed as f64 / 3600.0;
    let paid = start["usdWaiting"].as_f64().context("dollars")?;
    ensure((paid - wanted).abs() < 0.0001, || format!("paid {paid}, wanted {wanted}"))
}

/// A Job beside one whose machine has room, one whose image is on a new machine, and four pods of which one pulls longer.
fn chosen_times() -> Result<()> {
    let bed = full()?;
    let large = |prefix: &str| NodePoolSpec::new(&bed.unique(prefix)).instance_types(&["c6i.2xlarge"]);
    let gang_name = bed.unique("gang");
    let class = class_that_boots(&bed, &gang_name, "5s")?;
    let gang_spec = NodePoolSpec::new(&gang_name).instance_types(&["c6i.2xlarge"]).template("nodeClassRef", class);
    let (warm, cached, gang) =
        (bed.node_pool(large("warm"))?, bed.node_pool(large("cached"))?, bed.node_pool(gang_spec)?);
    let namespace = bed.namespace("chosen")?;
    let pulls = |pool: &str, pull: &str| PodSpec::new().on_pool(pool).annotation(annotation::PULL, pull);
    bed.apply(&JobSpec::new(&namespace, "first", pulls(&warm, "2s")).build())?;
    let there = PodSpec::new().on_pool(&cached).annotation(annotation::IMAGE_PRESENT, "");
    bed.apply(&JobSpec::new(&namespace, "cached", there.annotation(annotation::SANDBOX, "6s")).build())?;
    bed.apply(&JobSpec::new(&namespace, "gang", pulls(&gang, "3s")).pods(4).build())?;
    let slow = bed.wait_for("four pods", PATIENCE, || {
        let pods = bed.pods_of_job(&namespace, "gang")?;
        let name = pods.first().and_then(|pod| pod["metadata"]["name"].as_str()).map(str::to_owned);
        Ok(name.filter(|_| pods.len() == 4))
    })?;
    bed.annotate(&namespace.core(&format!("pods/{slow}")), annotation::PULL, Some("14s"))?;

    start_in(&bed, &namespace, "first", None)?;
    let again = pulls(&warm, "5s").annotation(annotation::SANDBOX, "4s");
    bed.apply(&JobSpec::new(&namespace, "warm", again).build())?;
    start_in(&bed, &namespace, "cached", None)?;
    // Its Event may come after it is ready.
    let start = bed.wait_for("what is told of its image", PATIENCE, || {
        let start = start_of(&bed, &namespace, "cached")?;
        Ok((!start["images"][0]["cached"].is_null()).then_some(start))
    })?;
    equal(&json!([start["complete"], start["images"][0]["cached"]]), &json!([true, true]))?;
    took(&start, "Sandbox", 6)?;
    took(&start, "Start", 0)?;
    has_not(&start, &["Pull"])?;
    Objects::of(&bed, &start)?.tell_of_machine(&start, node_created(&bed, &start)?)?;
    adds_up(&start)?;

    let start = start_in(&bed, &namespace, "warm", None)?;
    equal(&start["complete"], &json!(true))?;
    has_not(&start, &OF_MACHINES)?;
    for (step, wanted) in [("Schedule", 0), ("Sandbox", 4), ("Pull", 5), ("Start", 0)] {
        took(&start, step, wanted)?;
    }
    adds_up(&start)?;

    let members = bed.wait_for("four starts that are over", PATIENCE, || {
        let starts = snapshot(&bed)?["coldStarts"].as_array().cloned().unwrap_or_default();
        let of_gang = |start: &Value| start["namespace"] == *namespace && start["job"] == "gang";
        let members: Vec<Value> = starts.into_iter().filter(of_gang).collect();
        let is_over = members.len() == 4 && members.iter().all(|start| start["openPhase"].is_null());
        Ok(Some(members).filter(|_| is_over))
    })?;
    for start in &members {
        took(start, "Pull", if start["pod"] == *slow { 14 } else { 3 })?;
        took(start, "Boot", 5)?;
        adds_up(start)?;
    }
    Ok(())
}

/// Karpenter gives up a NodeClaim for which the provider has no capacity; another one comes through.
fn refused_capacity() -> Result<()> {
    let bed = full()?;
    let name = bed.unique("refused");
    let namespace = bed.namespace("refused")?;
    bed.apply(&JobSpec::new(&namespace, "train", PodSpec::new().on_pool(&name)).build())?;
    let pod = bed.wait_for("a pod that has no place", PATIENCE, || {
        let pods = bed.pods_of_job(&namespace, "train")?;
        Ok(pods.into_iter().find(|pod| !pod["status"]["conditions"].is_null()))
    })?;
    // The provider answers so where the class of a NodeClaim is gone.
    let refused = format!("{name}-x1");
    let on_demand = json!([
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
        {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["c6i.2xlarge"]},
    ]);
    bed.apply(&json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodeClaim",
        "metadata": {"name": refused, "labels": {"karpenter.sh/nodepool": name}},
        "spec": {
            "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "gone"},
            "requirements": on_demand, "resources": {"requests": {"cpu": "1"}}, "expireAfter": "Never",
        },
    }))?;
    nominate(&bed, &pod, &refused)?;
    let is_refused = || {
        let start = start_of(&bed, &namespace, "train")?;
        Ok(Some(start).filter(|start| start["cause"]["reason"] == "InsufficientCapacity"))
    };
    let waiting = bed.wait_for("start that waits for capacity", PATIENCE, is_refused)?;
    equal(&json!([waiting["openPhase"], waiting["usdWaiting"]]), &json!(["WaitingForCapacity", null]))?;
    equal(&waiting["launchFailures"][0]["nodeClaim"], &json!(refused))?;

    let pool = bed.node_pool(NodePoolSpec::new(&name).instance_types(&["c6i.2xlarge"]))?;
    let start = start_in(&bed, &namespace, "train", None)?;
    let failures = start["launchFailures"].as_array().context("failures")?;
    let told: Vec<&Value> = failures.iter().flat_map(|one| [&one["nodeClaim"], &one["reason"]]).collect();
    equal(&json!(told), &json!([refused, "InsufficientCapacityError"]))?;
    equal(&start["nodePool"], &json!(pool.to_string()))?;
    Objects::of(&bed, &start)?.tell_of_machine(&start, node_created(&bed, &start)?)?;
    adds_up(&start)
}

/// What Karpenter says of a pod when it has made a NodeClaim for it.
fn nominate(bed: &Bed, pod: &Value, claim: &str) -> Result<()> {
    let now = Timestamp::now().as_second();
    let now = Timestamp::from_second(now).context("whole seconds")?.to_string();
    let (name, namespace) = (&pod["metadata"]["name"], &pod["metadata"]["namespace"]);
    bed.apply(&json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": format!("{claim}.nominated"), "namespace": namespace},
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": namespace, "name": name,
            "uid": pod["metadata"]["uid"]},
        "reason": "Nominated", "type": "Normal", "message": format!("Pod should schedule on: nodeclaim/{claim}"),
        "source": {"component": "karpenter"}, "firstTimestamp": now, "lastTimestamp": now, "count": 1,
    }))
}

fn a_late_device_plugin() -> Result<()> {
    let bed = full()?;
    let spec = NodePoolSpec::new(&bed.unique("late")).instance_types(&["p4d.24xlarge"]);
    let pool = bed.node_pool(spec.annotation(annotation::LATE_DEVICES, ""))?;
    let namespace = bed.namespace("late")?;
    bed.apply(&JobSpec::new(&namespace, "train", PodSpec::new().gpus(8).on_pool(&pool)).build())?;
    let waiting = bed.wait_for("start that waits for its devices", PATIENCE, || {
        let start = start_of(&bed, &namespace, "train")?;
        Ok(Some(start).filter(|start| start["cause"]["reason"] == "ResourceNotRegistered"))
    })?;
    equal(&waiting["openPhase"], &json!("Initialize"))?;
    std::thread::sleep(Duration::from_secs(10));
    let node = waiting["node"].as_str().context("a node")?.to_owned();
    bed.advertise(&node, "nvidia.com/gpu", (8, 8))?;
    let advertised = Timestamp::now().as_second();
    let start = start_in(&bed, &namespace, "train", None)?;
    let objects = Objects::of(&bed, &start)?;
    took(&start, "Initialize", advertised - since(&objects.claim, "Registered")?)?;
    objects.tell_of_machine(&start, node_created(&bed, &start)?)?;
    adds_up(&start)
}

fn a_pull_that_fails() -> Result<()> {
    let bed = full()?;
    let pool = bed.node_pool(NodePoolSpec::new(&bed.unique("failing")))?;
    let namespace = bed.namespace("failing")?;
    let pod = PodSpec::new().on_pool(&pool).annotation(annotation::PULL_ERROR, "not found");
    bed.apply(&JobSpec::new(&namespace, "train", pod).build())?;
    let start = start_in(&bed, &namespace, "train", Some("Pull"))?;
    equal(&start["cause"]["reason"], &json!("ImagePullFailed"))?;
    equal(&start["images"][0]["failures"], &json!(1))?;
    equal(&start["images"][0]["error"], &json!("not found"))?;
    bed.annotate_pods_of_job(&namespace, "train", annotation::PULL, "3s")?;
    let start = start_in(&bed, &namespace, "train", None)?;
    // When it is tried again is the kubelet's choice: from the first try to the end of the one that came through.
    let events = bed.events_about("Pod", start["pod"].as_str().context("a pod")?)?;
    let of = |reason: &str, time: &str| {
        let event = events.iter().find(|event| event["reason"] == reason).context(reason.to_owned())?;
        instant(&event[time])
    };
    took(&start, "Pull", of("Pulled", "lastTimestamp")? - of("Pulling", "firstTimestamp")?)?;
    equal(&start["images"][0]["pullSeconds"], &json!(3))?;
    took(&start, "Start", 0)?;
    equal(&start["images"][0]["cached"], &json!(false))?;
    adds_up(&start)
}

fn events_that_are_gone() -> Result<()> {
    let bed = full()?;
    let pool = bed.node_pool(NodePoolSpec::new(&bed.unique("gone")))?;
    let namespace = bed.namespace("gone")?;
    let pod = PodSpec::new().on_pool(&pool).annotation(annotation::PULL, "8s");
    bed.apply(&JobSpec::new(&namespace, "train", pod.annotation(annotation::SANDBOX, "4s")).build())?;
    let before = start_in(&bed, &namespace, "train", None)?;
    took(&before, "Pull", 8)?;
    bed.kubectl(&["delete", "events", "--all", "-n", &namespace])?;
    let after = start_of(&bed, &namespace, "train")?;
    equal(&after["complete"], &json!(false))?;
    equal(&after["totalSeconds"], &before["totalSeconds"])?;
    has_not(&after, &["Pull"])?;
    for step in ["Launch", "Boot", "Register", "Initialize", "Schedule", "Sandbox", "Ready"] {
        equal(&json!(seconds(&after, step)), &json!(seconds(&before, step))).context(step)?;
    }
    took(&after, "Sandbox", 4)?;
    took(&after, "Start", 8)?;
    adds_up(&after)
}
