//! `batchtop snapshot` says what `kubectl get` says.

use std::collections::BTreeMap;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::program::Program;
use crate::bed::{Bed, BedOptions, Context, JobSpec, NodePoolSpec, PodSpec, Result, load};
use crate::shared::trial;
use crate::tests_bed::{ensure, equal};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("snapshot::agrees_with_kubectl", agrees_with_kubectl),
        trial("snapshot::rows_are_narrowed_and_totals_are_not", rows_are_narrowed_and_totals_are_not),
        trial("snapshot::an_empty_cluster_without_karpenter", an_empty_cluster_without_karpenter),
    ]
}

/// A bed in which nothing moves, so that two readers see the same.
fn quiet_bed() -> Result<Bed> {
    let bed = Bed::start(&BedOptions::api_only())?;
    load::fleet(&bed, 12, 260, 3)?;
    bed.apply(&NodePoolSpec::new("gpu").budget(json!({"nodes": "20%"})).build())?;
    let pod = || PodSpec::new().gpus(2).annotation("karpenter.sh/do-not-disrupt", "true");
    bed.apply(&JobSpec::new("default", "train", pod()).pods(3).build())?;
    Ok(bed)
}

fn agrees_with_kubectl() -> Result<()> {
    let bed = quiet_bed()?;
    let document = Program::new(bed.admin_kubeconfig())?.snapshot(&["--strict"])?;
    let kubectl = |kind: &str| -> Result<Vec<Value>> {
        Ok(bed.kubectl_json(&["get", kind, "-A", "-o", "json"])?["items"].as_array().cloned().unwrap_or_default())
    };
    for (kind, field, same) in [
        ("nodes", "nodes", same_node as fn(&Value, &Value) -> Result<()>),
        ("pods", "pods", same_pod),
        ("jobs.batch", "jobs", same_job),
        ("nodeclaims.karpenter.sh", "nodeClaims", same_claim),
        ("nodepools.karpenter.sh", "nodePools", same_pool),
    ] {
        let wanted = kubectl(kind)?;
        let rows = by_name(&document[field]);
        equal(&rows.len(), &wanted.len()).context(field)?;
        for object in &wanted {
            let key = (text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"]));
            let row = rows.get(&key).context(format!("{field}: {key:?}"))?;
            same(object, row).context(format!("{field} {}", object["metadata"]["name"]))?;
        }
    }
    equal(&document["totals"]["nodes"], &json!(kubectl("nodes")?.len()))?;
    equal(&document["totals"]["pods"], &json!(kubectl("pods")?.len()))?;
    equal(&document["totals"]["nodeClaims"], &json!(kubectl("nodeclaims.karpenter.sh")?.len()))?;
    sums_of_nodes(&document, &kubectl("pods")?)
}

fn by_name(rows: &Value) -> BTreeMap<(&str, &str), &Value> {
    rows.as_array().into_iter().flatten().map(|row| ((text(&row["namespace"]), text(&row["name"])), row)).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// What both sides write in the same words.
fn same_fields(object: &Value, row: &Value, fields: &[(&str, &str)]) -> Result<()> {
    for (pointer, field) in fields {
        let wanted = object.pointer(pointer).cloned().unwrap_or(Value::Null);
        equal(&row[*field], &wanted).context(field)?;
    }
    Ok(())
}

fn same_node(object: &Value, row: &Value) -> Result<()> {
    let label = |name: &str| object["metadata"]["labels"].get(name).cloned().unwrap_or(Value::Null);
    equal(&row["nodePool"], &label("karpenter.sh/nodepool"))?;
    equal(&row["instanceType"], &label("node.kubernetes.io/instance-type"))?;
    equal(&row["zone"], &label("topology.kubernetes.io/zone"))?;
    equal(&row["capacityType"], &label("karpenter.sh/capacity-type"))?;
    equal(&row["cordoned"], &json!(object["spec"]["unschedulable"] == true))?;
    equal(&row["ready"], &json!(condition(object, "Ready") == "True"))?;
    equal(&row["cpuAllocatableMillis"], &json!(millis(&object["status"]["allocatable"]["cpu"])))?;
    same_fields(
        object,
        row,
        &[("/metadata/uid", "uid"), ("/metadata/name", "name"), ("/metadata/creationTimestamp", "createdAt")],
    )
}

fn condition<'a>(object: &'a Value, kind: &str) -> &'a str {
    let conditions = object["status"]["conditions"].as_array();
    conditions.into_iter().flatten().find(|found| found["type"] == kind).map_or("", |found| text(&found["status"]))
}

/// CPU as the bed writes it: cores, or thousandths with `m`.
fn millis(quantity: &Value) -> i64 {
    let text = text(quantity);
    let number = |digits: &str| digits.parse::<i64>().unwrap_or_default();
    text.strip_suffix('m').map_or_else(|| number(text) * 1000, number)
}

fn same_pod(object: &Value, row: &Value) -> Result<()> {
    let annotation = object["metadata"]["annotations"].get("karpenter.sh/do-not-disrupt").cloned();
    equal(&row["protection"]["value"], &annotation.unwrap_or(Value::Null))?;
    equal(&row["gpuRequested"], &json!(requested_gpus(object)))?;
    let fields = [
        ("/metadata/namespace", "namespace"),
        ("/metadata/uid", "uid"),
        ("/metadata/name", "name"),
        ("/spec/nodeName", "node"),
        ("/status/phase", "phase"),
        ("/status/startTime", "startedAt"),
        ("/metadata/creationTimestamp", "createdAt"),
    ];
    same_fields(object, row, &fields)
}

fn requested_gpus(pod: &Value) -> i64 {
    let containers = pod["spec"]["containers"].as_array();
    let of = |container: &Value| text(&container["resources"]["requests"]["nvidia.com/gpu"]).parse().unwrap_or(0);
    containers.into_iter().flatten().map(of).sum()
}

fn same_job(object: &Value, row: &Value) -> Result<()> {
    let count = |name: &str| object["status"].get(name).cloned().unwrap_or(json!(0));
    for name in ["active", "ready", "succeeded", "failed"] {
        equal(&row[name], &count(name)).context(name)?;
    }
    let fields = [
        ("/metadata/namespace", "namespace"),
        ("/metadata/uid", "uid"),
        ("/metadata/name", "name"),
        ("/spec/completions", "completions"),
        ("/spec/parallelism", "parallelism"),
        ("/spec/backoffLimit", "backoffLimit"),
        ("/status/startTime", "startedAt"),
    ];
    same_fields(object, row, &fields)
}

fn same_claim(object: &Value, row: &Value) -> Result<()> {
    let conditions = object["status"]["conditions"].as_array().map_or(0, Vec::len);
    equal(&row["conditions"].as_array().map_or(0, Vec::len), &conditions)?;
    let fields = [
        ("/metadata/uid", "uid"),
        ("/metadata/name", "name"),
        ("/status/nodeName", "nodeName"),
        ("/metadata/creationTimestamp", "createdAt"),
        ("/metadata/labels/karpenter.sh~1nodepool", "nodePool"),
        ("/metadata/labels/node.kubernetes.io~1instance-type", "instanceType"),
    ];
    same_fields(object, row, &fields)
}

fn same_pool(object: &Value, row: &Value) -> Result<()> {
    let budgets = object["spec"]["disruption"]["budgets"].as_array().cloned().unwrap_or_default();
    equal(&row["budgets"].as_array().map_or(0, Vec::len), &budgets.len())?;
    for (wanted, shown) in budgets.iter().zip(row["budgets"].as_array().into_iter().flatten()) {
        equal(&shown["nodes"], &wanted["nodes"])?;
    }
    equal(&row["limits"], object["spec"].get("limits").unwrap_or(&json!({})))?;
    let fields = [("/metadata/name", "name"), ("/spec/disruption/consolidationPolicy", "policy")];
    same_fields(object, row, &fields)
}

/// Sums per node, added up once more from kubectl's pods.
fn sums_of_nodes(document: &Value, pods: &[Value]) -> Result<()> {
    let mut requested: BTreeMap<&str, i64> = BTreeMap::new();
    let mut active: BTreeMap<&str, i64> = BTreeMap::new();
    for pod in pods {
        let finished = matches!(text(&pod["status"]["phase"]), "Succeeded" | "Failed");
        if finished {
            continue;
        }
        let node = text(&pod["spec"]["nodeName"]);
        *requested.entry(node).or_default() += requested_gpus(pod);
        *active.entry(node).or_default() += 1;
    }
    let mut with_gpu = 0;
    for node in document["nodes"].as_array().into_iter().flatten() {
        let name = text(&node["name"]);
        equal(&node["podCount"], &json!(active.get(name).unwrap_or(&0))).context(name)?;
        if node["gpu"].is_object() {
            with_gpu += 1;
            equal(&node["gpu"]["requested"], &json!(requested.get(name).unwrap_or(&0))).context(name)?;
        }
    }
    ensure(with_gpu > 0, || "no node with GPUs was compared".to_owned())
}

fn rows_are_narrowed_and_totals_are_not() -> Result<()> {
    let bed = quiet_bed()?;
    let program = Program::new(bed.admin_kubeconfig())?;
    let (all, narrow) = (program.snapshot(&[])?, program.snapshot(&["-n", "default", "--node-selector", "no=where"])?);
    equal(&narrow["totals"], &all["totals"])?;
    equal(&narrow["nodes"], &json!([]))?;
    let pods = narrow["pods"].as_array().map_or(0, Vec::len);
    let wanted = bed.kubectl_json(&["get", "pods", "-n", "default", "-o", "json"])?;
    equal(&pods, &wanted["items"].as_array().map_or(0, Vec::len))?;
    equal(&narrow["jobs"].as_array().map_or(0, Vec::len), &1)?;
    equal(&narrow["metadata"]["scope"]["namespaces"], &json!(["default"]))?;
    let run = program.run(&["snapshot", "-l", "a in b"])?;
    equal(&run.code, &Some(2))?;
    ensure(run.err.contains("a in b"), || run.err.clone())
}

fn an_empty_cluster_without_karpenter() -> Result<()> {
    let bed = Bed::start(&BedOptions::api_only().without_karpenter())?;
    let document = Program::new(bed.admin_kubeconfig())?.snapshot(&["--strict"])?;
    equal(&document["nodes"], &json!([]))?;
    equal(&document["metadata"]["karpenter"]["api"], &json!("absent"))?;
    let sources = document["sources"].as_array().cloned().unwrap_or_default();
    let state = |name: &str| {
        sources.iter().find(|source| source["name"] == name).map_or(Value::Null, |source| source["state"].clone())
    };
    equal(&state("nodes"), &json!("Live"))?;
    equal(&state("nodeclaims"), &json!("Absent"))
}
