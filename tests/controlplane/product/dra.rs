//! Accelerators that a driver of Dynamic Resource Allocation advertises and the real scheduler allocates.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::gpus::{PATIENCE, Units, Wanted, items, node, snapshot};
use crate::bed::{Bed, Context, GpuNode, GpuNodeSpec, Namespace, PodSpec, Result};
use crate::shared::{full, trial};
use crate::tests_bed::{ensure, equal};

const DRIVER: &str = "gpu.nvidia.com";
const MACHINE: &str = "p5.48xlarge";
const USD_PER_HOUR: f64 = 8.0;
const API: &str = "/apis/resource.k8s.io/v1";

pub fn trials() -> Vec<Trial> {
    vec![
        trial("dra::devices_are_counted_as_they_are_claimed", devices_are_counted_as_they_are_claimed),
        trial("dra::devices_that_overlap_are_counted_in_boards", devices_that_overlap_are_counted_in_boards),
        trial("dra::a_class_as_a_resource_counts_once", a_class_as_a_resource_counts_once),
        trial("dra::pods_that_claim_together_share_a_device", pods_that_claim_together_share_a_device),
    ]
}

/// A Node without a device plugin, of which neither a label nor its type tells how many devices it has.
fn machine<'b>(bed: &'b Bed, name: &str) -> Result<GpuNode<'b>> {
    let made = bed.gpu_node(&GpuNodeSpec::new(&bed.unique(name), MACHINE)?.without_device_plugin())?;
    let labels = json!({
        "karpenter.k8s.aws/instance-gpu-count": null, "node.kubernetes.io/instance-type": null,
        "eks-node-viewer/instance-price": USD_PER_HOUR.to_string(),
    });
    bed.api().patch(&made.path(), &json!({"metadata": {"labels": labels}}))?;
    Ok(made)
}

/// The metadata of an object that goes with a Node.
fn owned(bed: &Bed, node: &GpuNode<'_>, name: &str) -> Result<Value> {
    let uid = bed.api().get(&node.path())?["metadata"]["uid"].clone();
    let owner = json!({"apiVersion": "v1", "kind": "Node", "name": &**node, "uid": uid});
    Ok(json!({"name": name, "ownerReferences": [owner]}))
}

/// What the driver writes for a Node: one of `of` slices.
fn publish(bed: &Bed, node: &GpuNode<'_>, (number, of): (usize, usize), what: (&str, &Value)) -> Result<String> {
    let name = format!("{}-{number}", &**node);
    let mut slice = json!({
        "apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": owned(bed, node, &name)?,
        "spec": {
            "driver": DRIVER, "nodeName": &**node,
            "pool": {"name": &**node, "generation": 1, "resourceSliceCount": of},
        },
    });
    slice["spec"][what.0] = what.1.clone();
    bed.api().create(&format!("{API}/resourceslices"), &slice)?;
    Ok(name)
}

fn board(number: usize) -> Value {
    json!({
        "name": format!("gpu-{number}"),
        "attributes": {
            "type": {"string": "gpu"}, "uuid": {"string": format!("GPU-{number}")},
            "productName": {"string": "NVIDIA H100 80GB HBM3"},
        },
        "capacity": {"memory": {"value": "80Gi"}},
    })
}

/// A class of its own, for all devices of the driver on this Node.
fn class(bed: &Bed, node: &GpuNode<'_>) -> Result<String> {
    let object = json!({
        "apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass", "metadata": owned(bed, node, node)?,
        "spec": {"selectors": [{"cel": {"expression": format!("device.driver == '{DRIVER}'")}}]},
    });
    bed.api().create(&format!("{API}/deviceclasses"), &object)?;
    Ok(node.to_string())
}

fn claim(bed: &Bed, namespace: &Namespace<'_>, name: &str, request: &Value) -> Result<()> {
    let object = json!({
        "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim",
        "metadata": {"name": name, "namespace": &**namespace},
        "spec": {"devices": {"requests": [{"name": "gpus", "exactly": request}]}},
    });
    bed.api().create(&format!("{API}/namespaces/{}/resourceclaims", &**namespace), &object).map(drop)
}

/// A pod for this Node.
fn pod(node: &GpuNode<'_>) -> PodSpec {
    let pod = PodSpec::new().cpu("100m").memory("64Mi").on_nodes_with("kubernetes.io/hostname", node);
    pod.field("tolerations", json!([{"operator": "Exists"}]))
}

/// Lets the scheduler place a pod, and KWOK run it.
fn run(bed: &Bed, namespace: &Namespace<'_>, name: &str, pod: &PodSpec) -> Result<()> {
    bed.api().create(&namespace.core("pods"), &pod.build(namespace, name))?;
    bed.wait_for(&format!("running pod {name}"), PATIENCE, || {
        let pod = bed.api().get(&namespace.core(&format!("pods/{name}")))?;
        Ok((pod["status"]["phase"] == "Running").then_some(()))
    })
}

/// The same for a pod with this claim.
fn run_with(bed: &Bed, namespace: &Namespace<'_>, name: &str, node: &GpuNode<'_>, claim: &str) -> Result<()> {
    let claims = json!([{"name": "gpus", "resourceClaimName": claim}]);
    run(bed, namespace, name, &pod(node).field("resourceClaims", claims))
}

fn units(advertised: i64, requested: i64, physical_requested: f64) -> Units {
    Units { resource: DRIVER, physical_requested, ..Units::whole(advertised, requested) }
}

fn wanted(physical: i64, units: Units, device_plugin: &'static str) -> Wanted {
    Wanted { physical, units: vec![units], sharing: "Dra", device_plugin, usd_per_hour: USD_PER_HOUR }
}

fn of_pod<'d>(document: &'d Value, namespace: &Namespace<'_>, name: &str) -> Result<&'d Value> {
    let is_it = |pod: &&Value| pod["namespace"] == **namespace && pod["name"] == name;
    items(&document["pods"]).find(is_it).context(format!("no pod {name}"))
}

/// Of eight boards one is tainted; two are claimed by a pod, and a claim for administration takes none away.
fn devices_are_counted_as_they_are_claimed() -> Result<()> {
    let bed = full()?;
    let made = machine(&bed, "dra")?;
    let mut boards: Vec<Value> = (0..8).map(board).collect();
    boards[7]["taints"] = json!([{"key": "gpu.nvidia.com/xid", "value": "79", "effect": "NoSchedule"}]);
    let slice = publish(&bed, &made, (0, 1), ("devices", &json!(boards)))?;
    let class = class(&bed, &made)?;
    let namespace = bed.namespace("dra")?;
    let admin = json!({"metadata": {"labels": {"resource.kubernetes.io/admin-access": "true"}}});
    bed.api().patch(&format!("/api/v1/namespaces/{}", &*namespace), &admin)?;
    let document = snapshot(&bed)?;
    wanted(8, Units { allocatable: 7, ..units(8, 0, 0.0) }, "Unhealthy").check(node(&document, &made)?)?;

    claim(&bed, &namespace, "two", &json!({"deviceClassName": class, "count": 2}))?;
    claim(
        &bed,
        &namespace,
        "monitor",
        &json!({"deviceClassName": class, "allocationMode": "All", "adminAccess": true, "tolerations": [{"operator": "Exists"}]}),
    )?;
    run_with(&bed, &namespace, "train", &made, "two")?;
    run_with(&bed, &namespace, "watch", &made, "monitor")?;
    let document = snapshot(&bed)?;
    let row = node(&document, &made)?;
    wanted(8, Units { allocatable: 7, ..units(8, 2, 2.0) }, "Unhealthy").check(row)?;
    equal(&row["gpu"]["resource"], &json!(DRIVER))?;
    equal(&row["gpu"]["vendor"], &json!("nvidia"))?;
    let train = of_pod(&document, &namespace, "train")?;
    equal(&json!([train["gpuRequested"], train["gpu"]["requested"]]), &json!([2, 2]))?;
    let watch = of_pod(&document, &namespace, "watch")?;
    equal(&json!([watch["gpuRequested"], watch["gpu"]]), &json!([0, null]))?;
    // Only the pod with devices pays.
    equal(&json!(train["usdPerHour"].as_f64() > Some(0.0)), &json!(true))?;
    equal(&watch["usdPerHour"], &json!(0.0))?;
    let sources = items(&document["sources"]).map(|source| &source["name"]);
    ensure(sources.filter(|name| **name == "resourceclaims").count() == 1, || "no source for claims".to_owned())?;

    // A newer generation of which a slice is missing: nothing can be allocated until it comes.
    let path = format!("{API}/resourceslices/{slice}");
    let newer = json!({"spec": {"pool": {"generation": 2, "resourceSliceCount": 2}}});
    bed.api().patch(&path, &newer)?;
    let document = snapshot(&bed)?;
    let gpu = &node(&document, &made)?["gpu"];
    let found = json!([gpu["physical"], gpu["advertised"], gpu["requested"]]);
    equal(&found, &json!([null, 0, 2]))
}

/// Two boards, the first of which can be split: what overlaps is counted once.
fn devices_that_overlap_are_counted_in_boards() -> Result<()> {
    let bed = full()?;
    let made = machine(&bed, "partitions")?;
    let counters = |slices: u32| json!({"memory-slices": {"value": slices.to_string()}});
    let sets = json!([{"name": "gpu-0", "counters": counters(8)}, {"name": "gpu-1", "counters": counters(8)}]);
    let consumes =
        |number: usize, slices: u32| json!([{"counterSet": format!("gpu-{number}"), "counters": counters(slices)}]);
    let mut devices: Vec<Value> = (0..2).map(board).collect();
    for (number, device) in devices.iter_mut().enumerate() {
        device["consumesCounters"] = consumes(number, 8);
    }
    devices.extend((0..7).map(|place| {
        json!({
            "name": format!("gpu-0-mig-1g10gb-19-{place}"),
            "attributes": {
                "type": {"string": "mig"}, "profile": {"string": "1g.10gb"}, "parentUUID": {"string": "GPU-0"},
            },
            "consumesCounters": consumes(0, 1),
        })
    }));
    publish(&bed, &made, (0, 2), ("sharedCounters", &sets))?;
    publish(&bed, &made, (1, 2), ("devices", &json!(devices)))?;
    let class = class(&bed, &made)?;
    let namespace = bed.namespace("partitions")?;
    let document = snapshot(&bed)?;
    wanted(2, units(2, 0, 0.0), "Ready").check(node(&document, &made)?)?;

    let part = json!([{"cel": {"expression": format!("device.attributes['{DRIVER}'].type == 'mig'")}}]);
    claim(&bed, &namespace, "part", &json!({"deviceClassName": class, "selectors": part}))?;
    run_with(&bed, &namespace, "tune", &made, "part")?;
    let document = snapshot(&bed)?;
    wanted(2, units(2, 1, 1.0 / 7.0), "Ready").check(node(&document, &made)?)?;
    equal(&of_pod(&document, &namespace, "tune")?["gpuRequested"], &json!(1))
}

/// The scheduler serves the resource that stands for a class with a claim: it is counted as that, and not once more.
fn a_class_as_a_resource_counts_once() -> Result<()> {
    let bed = full()?;
    let made = machine(&bed, "implicit")?;
    publish(&bed, &made, (0, 1), ("devices", &json!((0..4).map(board).collect::<Vec<_>>())))?;
    let class = class(&bed, &made)?;
    let namespace = bed.namespace("implicit")?;
    let resource = format!("deviceclass.resource.kubernetes.io/{class}");
    run(&bed, &namespace, "train", &pod(&made).accelerator(&resource, 3))?;
    let pod = bed.api().get(&namespace.core("pods/train"))?;
    let served = &pod["status"]["extendedResourceClaimStatus"];
    ensure(served.is_object(), || format!("the scheduler made no claim: {pod}"))?;
    let document = snapshot(&bed)?;
    wanted(4, units(4, 3, 3.0), "Ready").check(node(&document, &made)?)?;
    equal(&of_pod(&document, &namespace, "train")?["gpuRequested"], &json!(3))
}

fn pods_that_claim_together_share_a_device() -> Result<()> {
    let bed = full()?;
    let made = machine(&bed, "together")?;
    publish(&bed, &made, (0, 1), ("devices", &json!((0..2).map(board).collect::<Vec<_>>())))?;
    let class = class(&bed, &made)?;
    let namespace = bed.namespace("together")?;
    claim(&bed, &namespace, "one", &json!({"deviceClassName": class}))?;
    for name in ["left", "right"] {
        run_with(&bed, &namespace, name, &made, "one")?;
    }
    let document = snapshot(&bed)?;
    wanted(2, units(2, 1, 1.0), "Ready").check(node(&document, &made)?)?;
    let requested = |name| Ok(of_pod(&document, &namespace, name)?["gpu"]["requested"].clone());
    equal(&json!([requested("left")?, requested("right")?]), &json!([0.5, 0.5]))
}
