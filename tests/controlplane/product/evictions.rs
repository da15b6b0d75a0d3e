//! Evictions as the real API server carries them out, and as its PodDisruptionBudgets refuse them.

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::gpus::stand;
use super::program::Program;
use crate::bed::{Bed, GpuNode, GpuNodeSpec, Namespace, PodSpec, Result};
use crate::pty::Session;
use crate::shared::{full, trial};
use crate::tests_bed::{ensure, equal};

const PATIENCE: Duration = Duration::from_mins(2);

pub fn trials() -> Vec<Trial> {
    vec![
        trial("evictions::a_pod_that_keeps_a_gpu_node_is_evicted", a_pod_that_keeps_a_gpu_node_is_evicted),
        trial("evictions::a_budget_refuses_in_its_own_words", a_budget_refuses_in_its_own_words),
    ]
}

/// A pod that is ready and asks for no GPU, on a GPU node of its own.
fn pod_on_gpu_node<'a>(bed: &'a Bed, namespace: &Namespace<'_>, name: &str) -> Result<(GpuNode<'a>, Value)> {
    let node = bed.gpu_node(&GpuNodeSpec::new(&bed.unique("kept"), "g5.12xlarge")?)?;
    stand(bed, namespace, &node, name, PodSpec::new().label("app", name))?;
    let path = namespace.core(&format!("pods/{name}"));
    let pod = bed.wait_for("a ready pod", PATIENCE, || {
        let pod = bed.api().get(&path)?;
        let is_ready = |one: &Value| one["type"] == "Ready" && one["status"] == "True";
        let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
        Ok(conditions.is_some_and(|all| all.iter().any(is_ready)).then_some(pod))
    })?;
    Ok((node, pod))
}

/// The dialog for a pod, on a screen of its own.
fn dialog(program: &Program, name: &str) -> Session {
    let mut screen = program.dashboard(&[], (200, 40));
    screen.wait_for("live");
    screen.send(&format!("3/{name}\r"));
    screen.wait_until("the running pod", |text| text.contains(name) && text.contains("Running"));
    screen.send("X");
    screen.wait_for("an eviction cannot be undone");
    screen
}

/// What the journal says of evictions: stage, uid, outcome.
fn journal(bed: &Bed, program: &Program) -> Result<Vec<[Value; 3]>> {
    bed.wait_for("two lines in the journal", PATIENCE, || {
        let entries = program.journal()?;
        let told: Vec<[Value; 3]> = entries
            .iter()
            .filter(|entry| entry["verb"] == "evict")
            .map(|entry| [entry["stage"].clone(), entry["uid"].clone(), entry["outcome"].clone()])
            .collect();
        Ok((told.len() >= 2).then_some(told))
    })
}

fn a_pod_that_keeps_a_gpu_node_is_evicted() -> Result<()> {
    let bed = full()?;
    let namespace = bed.namespace("evict")?;
    let name = bed.unique("keeper");
    let (_node, pod) = pod_on_gpu_node(&bed, &namespace, &name)?;
    let uid = pod["metadata"]["uid"].clone();
    let program = Program::new(bed.admin_kubeconfig())?;
    let mut screen = dialog(&program, &name);
    screen.send("\r");
    screen.wait_for("evicted pod");
    let path = namespace.core(&format!("pods/{name}"));
    bed.wait_for("the pod to go", PATIENCE, || {
        let pod = bed.api().find(&path)?;
        Ok(pod.is_none_or(|pod| pod["metadata"]["deletionTimestamp"].is_string()).then_some(()))
    })?;
    let wanted = [[json!("intent"), uid.clone(), Value::Null], [json!("result"), uid, json!("done")]];
    equal(&journal(&bed, &program)?.as_slice(), &wanted.as_slice())
}

fn a_budget_refuses_in_its_own_words() -> Result<()> {
    let bed = full()?;
    let namespace = bed.namespace("budgeted")?;
    let name = bed.unique("guarded");
    let (_node, pod) = pod_on_gpu_node(&bed, &namespace, &name)?;
    let uid = pod["metadata"]["uid"].clone();
    bed.apply(&json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"namespace": &*namespace, "name": "guard"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": name}}},
    }))?;
    let budget = format!("/apis/policy/v1/namespaces/{}/poddisruptionbudgets/guard", &*namespace);
    bed.wait_for("a budget that counts its pod", PATIENCE, || {
        Ok((bed.api().get(&budget)?["status"]["currentHealthy"] == 1).then_some(()))
    })?;
    let program = Program::new(bed.admin_kubeconfig())?;
    let mut screen = dialog(&program, &name);
    screen.wait_for("allows nothing now: 1 of 1 is going to be refused");
    screen.send("\r");
    let shown = screen.wait_for("refused (429)");
    ensure(shown.contains("Cannot evict pod as it would violate"), || shown.clone())?;
    let pod = bed.api().get(&namespace.core(&format!("pods/{name}")))?;
    ensure(pod["metadata"]["deletionTimestamp"].is_null(), || "the pod is evicted all the same".to_owned())?;
    let wanted = [[json!("intent"), uid.clone(), Value::Null], [json!("result"), uid, json!("refused")]];
    equal(&journal(&bed, &program)?.as_slice(), &wanted.as_slice())?;
    let message = program.journal()?.last().map_or(Value::Null, |entry| entry["message"].clone());
    let counts = "The disruption budget guard needs 1 healthy pods and has 1 currently";
    ensure(message.as_str().is_some_and(|text| text.contains(counts)), || format!("{message}"))
}
