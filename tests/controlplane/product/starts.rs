//! Starts with chosen delays, and what batchtop tells of them.

use std::time::Duration;

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
        trial("starts::a_late_device_plugin_is_the_cause_and_then_a_step", a_late_device_plugin),
        trial("starts::a_pull_that_fails_is_told_until_it_comes_through", a_pull_that_fails),
        trial("starts::what_events_told_is_missing_once_they_are_gone", events_that_are_gone),
    ]
}

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
    ensure(is_near, || format!("{step} took {found} s in place of {wanted} s"))
}

fn adds_up(start: &Value) -> Result<()> {
    let steps = start["phases"].as_array().context("steps")?;
    let sum: i64 = steps.iter().filter_map(|phase| phase["seconds"].as_i64()).sum();
    equal(&json!(sum), &start["totalSeconds"])
}

fn a_cold_gpu_start() -> Result<()> {
    let bed = full()?;
    let pool = bed.node_pool(NodePoolSpec::new(&bed.unique("cold")).instance_types(&["p4d.24xlarge"]))?;
    let namespace = bed.namespace("cold")?;
    let pod = PodSpec::new().gpus(8).on_pool(&pool);
    let pod = pod.annotation(annotation::SANDBOX, "4s").annotation(annotation::PULL, "6s");
    let pod = pod.annotation(annotation::PULL_TOTAL, "15s").annotation(annotation::PULL_SIZE, "1000000");
    bed.apply(&JobSpec::new(&namespace, "train", pod).build())?;
    let start = start_in(&bed, &namespace, "train", None)?;
    equal(&start["complete"], &json!(true))?;
    took(&start, "Sandbox", 4)?;
    took(&start, "Pull", 15)?;
    adds_up(&start)?;
    let image = &start["images"][0];
    let told = json!([image["pullSeconds"], image["waitSeconds"], image["bytes"], image["cached"]]);
    equal(&told, &json!([6, 9, 1_000_000, false]))?;
    let names: Vec<&str> =
        start["phases"].as_array().into_iter().flatten().filter_map(|one| one["name"].as_str()).collect();
    for step in ["WaitingForCapacity", "Launch", "Boot", "Register", "Initialize", "Schedule"] {
        ensure(names.contains(&step), || format!("{step} is missing in {names:?}"))?;
    }
    let before_launch = seconds(&start, "WaitingForCapacity").unwrap_or(0) + seconds(&start, "Launch").unwrap_or(0);
    let billed = start["totalSeconds"].as_i64().unwrap_or(0) - before_launch;
    let wanted = usd_per_hour("p4d.24xlarge")? * billed as f64 / 3600.0;
    let paid = start["usdWaiting"].as_f64().context("dollars")?;
    ensure((paid - wanted).abs() < 0.001, || format!("paid {paid}, wanted {wanted}"))
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
    let start = start_in(&bed, &namespace, "train", None)?;
    ensure(seconds(&start, "Initialize") >= Some(10), || format!("{start}"))?;
    adds_up(&start)
}

fn a_pull_that_fails() -> Result<()> {
    let bed = full()?;
    let pool = bed.node_pool(NodePoolSpec::new(&bed.unique("refused")))?;
    let namespace = bed.namespace("refused")?;
    let pod = PodSpec::new().on_pool(&pool).annotation(annotation::PULL_ERROR, "not found");
    bed.apply(&JobSpec::new(&namespace, "train", pod).build())?;
    let start = start_in(&bed, &namespace, "train", Some("Pull"))?;
    equal(&start["cause"]["reason"], &json!("ImagePullFailed"))?;
    equal(&start["images"][0]["failures"], &json!(1))?;
    equal(&start["images"][0]["error"], &json!("not found"))?;
    bed.annotate_pods_of_job(&namespace, "train", annotation::PULL, "3s")?;
    let start = start_in(&bed, &namespace, "train", None)?;
    ensure(seconds(&start, "Pull") >= Some(3), || format!("{start}"))?;
    equal(&start["images"][0]["cached"], &json!(false))?;
    adds_up(&start)
}

fn events_that_are_gone() -> Result<()> {
    let bed = full()?;
    let pool = bed.node_pool(NodePoolSpec::new(&bed.unique("gone")))?;
    let namespace = bed.namespace("gone")?;
    let pod = PodSpec::new().on_pool(&pool).annotation(annotation::PULL, "8s");
    bed.apply(&JobSpec::new(&namespace, "train", pod).build())?;
    let before = start_in(&bed, &namespace, "train", None)?;
    bed.kubectl(&["delete", "events", "--all", "-n", &namespace])?;
    let after = start_of(&bed, &namespace, "train")?;
    equal(&after["complete"], &json!(false))?;
    equal(&after["totalSeconds"], &before["totalSeconds"])?;
    ensure(seconds(&after, "Pull").is_none(), || format!("{after}"))?;
    for step in ["Launch", "Boot", "Register", "Initialize", "Schedule"] {
        equal(&json!(seconds(&after, step)), &json!(seconds(&before, step))).context(step)?;
    }
    adds_up(&after)
}
