//! Dollars, against sums that kubectl and jq make.

use std::fs;
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::Value;

use super::program::Program;
use crate::bed::{Bed, BedOptions, Context, JobSpec, Namespace, NodePoolSpec, PodSpec, Result};
use crate::shared::trial;
use crate::tests_bed::{ensure, equal};

const PATIENCE: Duration = Duration::from_mins(2);

/// Pods, each of which needs a node of its own.
const PODS: u32 = 3;

pub fn trials() -> Vec<Trial> {
    vec![trial("money::totals_are_what_jq_adds_up", totals_are_what_jq_adds_up)]
}

/// The price that Karpenter's KWOK provider writes on each node, in micro-dollars.
const LABEL: &str = r#".metadata.labels["eks-node-viewer/instance-price"] | tonumber * 1000000 | round"#;

fn totals_are_what_jq_adds_up() -> Result<()> {
    let bed = Bed::start(&BedOptions::full())?;
    let namespace = bed.namespace("money")?;
    make_nodes(&bed, &namespace)?;
    let program = Program::new(bed.admin_kubeconfig())?;
    by_label(&bed, &program)?;
    by_price_file(&bed, &program)
}

/// On-demand and spot nodes of two NodePools, which stay as they are.
fn make_nodes(bed: &Bed, namespace: &Namespace<'_>) -> Result<()> {
    for (name, capacity) in [("stable", "on-demand"), ("cheap", "spot")] {
        let spec = NodePoolSpec::new(name).instance_types(&["m7i.xlarge"]).capacity_types(&[capacity]);
        bed.apply(&spec.build())?;
        let pod = PodSpec::new().cpu("2500m").on_pool(name);
        bed.apply(&JobSpec::new(namespace, name, pod).pods(PODS).build())?;
    }
    bed.wait_for("all pods to run", PATIENCE, || {
        let pods = bed.api().list("/api/v1/pods?fieldSelector=status.phase%3DRunning")?;
        Ok((pods.len() >= 2 * PODS as usize).then_some(()))
    })?;
    bed.stop_karpenter()
}

/// A whole number that jq makes of all Nodes.
fn jq(bed: &Bed, program: &str) -> Result<i64> {
    let nodes = bed.kubectl(&["get", "nodes", "-o", "json"])?;
    let answer = bed.jq(program, &nodes)?;
    answer.trim().parse::<i64>().context(format!("jq {program}: {answer}"))
}

fn micros(value: &Value) -> Result<i64> {
    let usd = value.as_f64().context(format!("{value} is no number"))?;
    #[expect(clippy::cast_possible_truncation, reason = "a few dollars")]
    let micros = (usd * 1e6).round() as i64;
    Ok(micros)
}

fn part(document: &Value, field: &str, name: &Value) -> Result<i64> {
    let parts = document["totals"]["cost"][field].as_array().context(field)?;
    let found = parts.iter().find(|part| part["name"] == *name).context(format!("{field} of {name}"))?;
    micros(&found["usdPerHour"])
}

fn sum(values: impl Iterator<Item = Result<i64>>) -> Result<i64> {
    values.sum()
}

fn by_label(bed: &Bed, program: &Program) -> Result<()> {
    let document = program.snapshot(&["--strict"])?;
    let cost = &document["totals"]["cost"];
    let total = jq(bed, &format!("[.items[] | {LABEL}] | add"))?;
    ensure(total > 0, || "nodes have prices".to_owned())?;
    equal(&micros(&cost["usdPerHour"])?, &total)?;
    equal(&cost["unpricedNodes"], &0.into())?;
    for node in document["nodes"].as_array().into_iter().flatten() {
        equal(&node["cost"]["source"], &"Label".into())?;
    }
    for capacity in ["spot", "on-demand"] {
        let of = format!(r#".metadata.labels["karpenter.sh/capacity-type"] == "{capacity}""#);
        let wanted = jq(bed, &format!("[.items[] | select({of}) | {LABEL}] | add"))?;
        equal(&part(&document, "byCapacityType", &capacity.into())?, &wanted)?;
    }
    shares_add_up(&document, total)
}

/// Pods and what nobody requests pay for the nodes to the micro-dollar.
fn shares_add_up(document: &Value, total: i64) -> Result<()> {
    let namespaces = document["totals"]["cost"]["byNamespace"].as_array().context("byNamespace")?;
    equal(&sum(namespaces.iter().map(|part| micros(&part["usdPerHour"])))?, &total)?;
    let pods = document["pods"].as_array().context("pods")?;
    let unrequested = micros(&document["totals"]["cost"]["unrequestedUsdPerHour"])?;
    equal(&(sum(pods.iter().map(|pod| micros(&pod["usdPerHour"])))? + unrequested), &total)
}

fn by_price_file(bed: &Bed, program: &Program) -> Result<()> {
    let named = bed.kubectl(&["get", "nodes", "-o", "jsonpath={.items[0].metadata.name}"])?;
    let folder = tempfile::tempdir().context("a folder")?;
    let file = folder.path().join("prices.toml");
    let prices = format!(
        "version = 1\nas_of = 2026-11-01\n\n[cluster]\ncontrol_plane_per_hour = 0.10\n\n\
         [[rule]]\nweight = 5\nmatch = {{ capacity = \"spot\" }}\nper_hour = 0.0333\n\n\
         [[rule]]\nmatch = {{ instance = \"*\" }}\nadjust = \"-18%\"\n\n\
         [[node]]\nname = \"{named}\"\nper_hour = 1.5\n"
    );
    fs::write(&file, prices).context(file.display())?;
    let path = file.display().to_string();
    let document = program.snapshot(&["--strict", "--prices", &path])?;
    let by_hand = format!(
        r#"[.items[] | if .metadata.name == "{named}" then 1500000
           elif .metadata.labels["karpenter.sh/capacity-type"] == "spot" then 33300
           else ({LABEL}) * 0.82 | round end] | add"#
    );
    let machines = jq(bed, &by_hand)?;
    equal(&micros(&document["totals"]["cost"]["usdPerHour"])?, &(machines + 100_000))?;
    shares_add_up(&document, machines)
}
