//! Accelerators as a device plugin advertises them, counted by batchtop.

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::program::Program;
use crate::bed::{
    Bed, Context, GpuNode, GpuNodeSpec, JobSpec, Namespace, NodePool, NodePoolSpec, PodSpec, Result, annotation,
    usd_per_hour,
};
use crate::shared::{full, trial};
use crate::tests_bed::{ensure, equal};

pub(super) const PATIENCE: Duration = Duration::from_mins(2);

const GPU: &str = "nvidia.com/gpu";

pub fn trials() -> Vec<Trial> {
    vec![
        trial("gpus::a_gpu_node_with_cpu_pods_alone_is_paid_for_nothing", a_gpu_node_with_cpu_pods_alone),
        trial("gpus::whole_devices_are_counted_until_the_last_pod_ends", whole_devices),
        trial("gpus::time_sliced_units_are_shares_of_devices", time_sliced_units),
        trial("gpus::mig_instances_are_parts_of_devices", mig_instances),
        trial("gpus::a_late_device_plugin_is_told_and_forgotten", a_late_device_plugin),
        trial("gpus::karpenter_waits_for_a_late_device_plugin", karpenter_waits_for_a_late_device_plugin),
        trial("gpus::an_unhealthy_device_is_told", an_unhealthy_device),
    ]
}

/// What is expected of the accelerators of a Node.
pub(super) struct Wanted {
    pub(super) physical: i64,
    pub(super) units: Vec<Units>,
    pub(super) sharing: &'static str,
    pub(super) device_plugin: &'static str,
    /// Price of the Node; without one, or without units, there are no dollars.
    pub(super) usd_per_hour: f64,
}

/// What is expected of one resource.
pub(super) struct Units {
    pub(super) resource: &'static str,
    pub(super) advertised: i64,
    pub(super) allocatable: i64,
    pub(super) requested: i64,
    /// Of a device.
    pub(super) physical_requested: f64,
}

impl Units {
    /// So many units, each a device, all of which can be allocated.
    pub(super) fn whole(advertised: i64, requested: i64) -> Self {
        let physical_requested = requested as f64;
        Self { resource: GPU, advertised, allocatable: advertised, requested, physical_requested }
    }

    fn json(&self) -> Value {
        json!({
            "resource": self.resource,
            "advertised": self.advertised,
            "allocatable": self.allocatable,
            "requested": self.requested,
            "physicalRequested": thousandths(&json!(self.physical_requested)),
        })
    }
}

impl Wanted {
    /// Whole devices of a Node of this type.
    fn whole(instance_type: &str, advertised: i64, requested: i64) -> Result<Self> {
        Ok(Self {
            physical: advertised,
            units: vec![Units::whole(advertised, requested)],
            sharing: "None",
            device_plugin: "Ready",
            usd_per_hour: usd_per_hour(instance_type)?,
        })
    }

    fn sum(&self, count: fn(&Units) -> i64) -> i64 {
        self.units.iter().map(count).sum()
    }

    /// The part of the rate that nobody requests, in micro-dollars.
    fn unallocated(&self) -> Value {
        let (advertised, requested) = (self.sum(|one| one.advertised), self.sum(|one| one.requested));
        if advertised == 0 {
            return Value::Null;
        }
        let share = 1.0 - requested as f64 / advertised as f64;
        micros(&json!(self.usd_per_hour * share))
    }

    pub(super) fn check(&self, node: &Value) -> Result<()> {
        let gpu = &node["gpu"];
        let found = json!({
            "physical": gpu["physical"],
            "advertised": gpu["advertised"],
            "allocatable": gpu["allocatable"],
            "requested": gpu["requested"],
            "physicalRequested": thousandths(&gpu["physicalRequested"]),
            "sharing": gpu["sharing"],
            "devicePlugin": gpu["devicePlugin"],
            "unallocatedUsdPerHour": micros(&gpu["unallocatedUsdPerHour"]),
            "resources": items(&gpu["resources"]).map(|one| {
                let mut one = one.clone();
                one["physicalRequested"] = thousandths(&one["physicalRequested"]);
                one
            }).collect::<Vec<_>>(),
        });
        let units: Vec<Value> = self.units.iter().map(Units::json).collect();
        // Parts of boards are rounded once they are added up.
        let devices: f64 = self.units.iter().map(|one| one.physical_requested).sum();
        equal(
            &found,
            &json!({
                "physical": self.physical,
                "advertised": self.sum(|one| one.advertised),
                "allocatable": self.sum(|one| one.allocatable),
                "requested": self.sum(|one| one.requested),
                "physicalRequested": thousandths(&json!(devices)),
                "sharing": self.sharing,
                "devicePlugin": self.device_plugin,
                "unallocatedUsdPerHour": self.unallocated(),
                "resources": units,
            }),
        )
    }
}

pub(super) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// A number of devices or dollars in whole parts of it; null stays null.
pub(super) fn parts(number: &Value, of_one: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "a few devices, a few dollars")]
    let whole = |number: f64| (number * of_one).round() as i64;
    number.as_f64().map_or(Value::Null, |number| json!(whole(number)))
}

fn thousandths(devices: &Value) -> Value {
    parts(devices, 1e3)
}

pub(super) fn micros(usd: &Value) -> Value {
    parts(usd, 1e6)
}

/// The whole cluster, in which the sums over the Nodes are the totals.
pub(super) fn snapshot(bed: &Bed) -> Result<Value> {
    let document = Program::new(bed.admin_kubeconfig())?.snapshot(&[])?;
    let totals = &document["totals"];
    for (name, of_one) in
        [("advertised", 1.0), ("allocatable", 1.0), ("requested", 1.0), ("physical", 1.0), ("physicalRequested", 1e3)]
    {
        equal(&parts(&totals["gpu"][name], of_one), &sum(&document, name, of_one)).context(name)?;
    }
    // A Node without a price or without units has no dollars, and takes none from the sum.
    let unallocated: i64 = of_gpus(&document, "unallocatedUsdPerHour", 1e6).filter_map(|one| one.as_i64()).sum();
    equal(&micros(&totals["cost"]["unallocatedGpuUsdPerHour"]), &json!(unallocated))?;
    Ok(document)
}

/// A number of all Nodes with accelerators.
fn of_gpus<'a>(document: &'a Value, name: &'a str, of_one: f64) -> impl Iterator<Item = Value> + 'a {
    let gpus = items(&document["nodes"]).map(|node| &node["gpu"]).filter(|gpu| gpu.is_object());
    gpus.map(move |gpu| parts(&gpu[name], of_one))
}

/// Their sum; null where one of them is.
fn sum(document: &Value, name: &str, of_one: f64) -> Value {
    of_gpus(document, name, of_one).map(|one| one.as_i64()).sum::<Option<i64>>().map_or(Value::Null, Value::from)
}

pub(super) fn node<'a>(document: &'a Value, name: &str) -> Result<&'a Value> {
    items(&document["nodes"]).find(|node| node["name"] == name).context(format!("no Node {name}"))
}

/// Rule, severity and message of what is said of a Node's devices that cannot be used.
fn findings(document: &Value, node: &str) -> Vec<(String, String, String)> {
    let about = items(&document["findings"]).filter(|found| found["object"]["name"] == node);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let gpu = about.filter(|found| found["rule"] == "GpuUnhealthy" || found["rule"] == "DevicePluginMissing");
    gpu.map(|found| (text(&found["rule"]), text(&found["severity"]), text(&found["message"]))).collect()
}

fn told(rule: &str, severity: &str, message: &str) -> Vec<(String, String, String)> {
    vec![(rule.to_owned(), severity.to_owned(), message.to_owned())]
}

/// The one Node of a pool, once the pod of this Job runs on it and Karpenter has taken it over.
pub(super) fn node_of(bed: &Bed, pool: &NodePool<'_>, namespace: &Namespace<'_>, job: &str) -> Result<String> {
    bed.wait_for(&format!("initialized node for {job}"), PATIENCE, || {
        let pods = bed.pods_of_job(namespace, job)?;
        let running = pods.iter().find(|pod| pod["status"]["phase"] == "Running");
        let node = running.and_then(|pod| pod["spec"]["nodeName"].as_str()).map(str::to_owned);
        let is_ready =
            pool.nodes()?.iter().any(|node| node["metadata"]["labels"]["karpenter.sh/initialized"] == "true");
        Ok(node.filter(|_| is_ready))
    })
}

/// A pod that stands on this Node, whatever the Node says.
pub(super) fn stand(bed: &Bed, namespace: &Namespace<'_>, node: &GpuNode<'_>, name: &str, pod: PodSpec) -> Result<()> {
    let pod = pod.cpu("100m").memory("64Mi").field("nodeName", json!(&**node));
    bed.api().create(&namespace.core("pods"), &pod.build(namespace, name))?;
    bed.wait_for(&format!("running pod {name}"), PATIENCE, || {
        let pod = bed.api().get(&namespace.core(&format!("pods/{name}")))?;
        Ok((pod["status"]["phase"] == "Running").then_some(()))
    })
}

fn a_gpu_node_with_cpu_pods_alone() -> Result<()> {
    let bed = full()?;
    let pool = bed.node_pool(NodePoolSpec::new(&bed.unique("stranded")).instance_types(&["g5.12xlarge"]))?;
    let namespace = bed.namespace("stranded")?;
    bed.apply(&JobSpec::new(&namespace, "prepare", PodSpec::new().on_pool(&pool)).build())?;
    let name = node_of(&bed, &pool, &namespace, "prepare")?;
    let document = snapshot(&bed)?;
    let row = node(&document, &name)?;
    equal(&row["podCount"], &json!(1))?;
    equal(&row["gpu"]["model"], &json!("a10g"))?;
    Wanted::whole("g5.12xlarge", 4, 0)?.check(row)
}

/// On shapes with several devices: what pods do not request, then what they leave behind.
fn whole_devices() -> Result<()> {
    let bed = full()?;
    for (instance_type, requested) in [("g5.xlarge", 1), ("p4d.24xlarge", 8), ("p5.48xlarge", 3)] {
        let pool = bed.node_pool(NodePoolSpec::new(&bed.unique("whole")).instance_types(&[instance_type]))?;
        let namespace = bed.namespace("whole")?;
        bed.apply(&JobSpec::new(&namespace, "train", PodSpec::new().gpus(requested).on_pool(&pool)).build())?;
        let name = node_of(&bed, &pool, &namespace, "train")?;
        let devices = if instance_type == "g5.xlarge" { 1 } else { 8 };
        let document = snapshot(&bed)?;
        Wanted::whole(instance_type, devices, i64::from(requested))?.check(node(&document, &name)?)?;

        bed.annotate_pods_of_job(&namespace, "train", annotation::COMPLETE, "")?;
        bed.wait_for("finished pod", PATIENCE, || {
            Ok((bed.pods_of_job(&namespace, "train")?[0]["status"]["phase"] == "Succeeded").then_some(()))
        })?;
        let document = snapshot(&bed)?;
        let row = node(&document, &name)?;
        equal(&row["podCount"], &json!(0))?;
        Wanted::whole(instance_type, devices, 0)?.check(row)?;
        equal(&findings(&document, &name), &Vec::new())?;
    }
    Ok(())
}

fn time_sliced_units() -> Result<()> {
    let bed = full()?;
    let made = bed.gpu_node(&GpuNodeSpec::new(&bed.unique("sliced"), "g5.12xlarge")?.time_sliced(4))?;
    let namespace = bed.namespace("sliced")?;
    for number in 0..6 {
        stand(&bed, &namespace, &made, &format!("notebook-{number}"), PodSpec::new().gpus(1))?;
    }
    let document = snapshot(&bed)?;
    let row = node(&document, &made)?;
    equal(&row["gpu"]["model"], &json!("NVIDIA-A10G"))?;
    Wanted {
        physical: 4,
        units: vec![Units { physical_requested: 1.5, ..Units::whole(16, 6) }],
        sharing: "TimeSlicing",
        device_plugin: "Ready",
        usd_per_hour: usd_per_hour("g5.12xlarge")?,
    }
    .check(row)
}

/// Two of eight devices are split: 4 + 3 slices of 7 each.
fn mig_instances() -> Result<()> {
    let bed = full()?;
    let spec = GpuNodeSpec::new(&bed.unique("split"), "p5.48xlarge")?.mig_mixed(2, &[("1g.10gb", 4), ("3g.40gb", 1)]);
    let made = bed.gpu_node(&spec)?;
    let namespace = bed.namespace("split")?;
    let pods = [
        ("train", PodSpec::new().gpus(2)),
        ("serve", PodSpec::new().accelerator("nvidia.com/mig-1g.10gb", 3)),
        ("tune", PodSpec::new().accelerator("nvidia.com/mig-3g.40gb", 1)),
    ];
    for (name, pod) in pods {
        stand(&bed, &namespace, &made, name, pod)?;
    }
    let document = snapshot(&bed)?;
    let row = node(&document, &made)?;
    equal(&row["gpu"]["resource"], &json!("nvidia.com/mig-1g.10gb")).context("the one with most units")?;
    let instances = |resource, count, requested, physical_requested| Units {
        resource,
        physical_requested,
        ..Units::whole(count, requested)
    };
    Wanted {
        physical: 8,
        units: vec![
            Units::whole(6, 2),
            instances("nvidia.com/mig-1g.10gb", 8, 3, 3.0 / 7.0),
            instances("nvidia.com/mig-3g.40gb", 2, 1, 3.0 / 7.0),
        ],
        sharing: "Mig",
        device_plugin: "Ready",
        usd_per_hour: usd_per_hour("p5.48xlarge")?,
    }
    .check(row)
}

fn a_late_device_plugin() -> Result<()> {
    let bed = full()?;
    let spec = GpuNodeSpec::new(&bed.unique("late"), "g5.12xlarge")?.without_device_plugin();
    let made = bed.gpu_node(&spec)?;
    let document = snapshot(&bed)?;
    let nothing = Wanted {
        units: vec![Units::whole(0, 0)],
        device_plugin: "NotRegistered",
        ..Wanted::whole("g5.12xlarge", 4, 0)?
    };
    nothing.check(node(&document, &made)?)?;
    let message = "its 4 devices are not advertised as nvidia.com/gpu";
    equal(&findings(&document, &made), &told("DevicePluginMissing", "Info", message))?;

    bed.advertise(&made, GPU, (4, 4))?;
    let document = snapshot(&bed)?;
    Wanted::whole("g5.12xlarge", 4, 0)?.check(node(&document, &made)?)?;
    equal(&findings(&document, &made), &Vec::new())
}

fn karpenter_waits_for_a_late_device_plugin() -> Result<()> {
    let bed = full()?;
    let spec = NodePoolSpec::new(&bed.unique("waiting")).instance_types(&["p4d.24xlarge"]);
    let pool = bed.node_pool(spec.annotation(annotation::LATE_DEVICES, ""))?;
    let namespace = bed.namespace("waiting")?;
    bed.apply(&JobSpec::new(&namespace, "train", PodSpec::new().gpus(8).on_pool(&pool)).build())?;
    let name = bed.wait_for("claim that waits for its devices", PATIENCE, || {
        let claims = pool.claims()?;
        let waits =
            claims.iter().find(|claim| claim["status"]["conditions"].to_string().contains("ResourceNotRegistered"));
        Ok(waits.and_then(|claim| claim["status"]["nodeName"].as_str()).map(str::to_owned))
    })?;
    let document = snapshot(&bed)?;
    let row = node(&document, &name)?;
    equal(&row["gpu"]["devicePlugin"], &json!("NotRegistered"))?;
    equal(&row["gpu"]["physical"], &json!(8))?;
    equal(&row["gpu"]["advertised"], &json!(0))?;

    bed.advertise(&name, GPU, (8, 8))?;
    equal(&node_of(&bed, &pool, &namespace, "train")?, &name)?;
    let document = snapshot(&bed)?;
    Wanted::whole("p4d.24xlarge", 8, 8)?.check(node(&document, &name)?)
}

fn an_unhealthy_device() -> Result<()> {
    let bed = full()?;
    let made = bed.gpu_node(&GpuNodeSpec::new(&bed.unique("sick"), "p5.48xlarge")?.unhealthy(1))?;
    let namespace = bed.namespace("sick")?;
    stand(&bed, &namespace, &made, "train", PodSpec::new().gpus(4))?;
    let document = snapshot(&bed)?;
    let wanted = Wanted {
        units: vec![Units { allocatable: 7, ..Units::whole(8, 4) }],
        device_plugin: "Unhealthy",
        ..Wanted::whole("p5.48xlarge", 8, 4)?
    };
    wanted.check(node(&document, &made)?)?;
    let message = "1 of 8 nvidia.com/gpu cannot be allocated";
    equal(&findings(&document, &made), &told("GpuUnhealthy", "Warning", message))?;

    bed.advertise(&made, GPU, (8, 8))?;
    let document = snapshot(&bed)?;
    ensure(findings(&document, &made).is_empty(), || "a healthy Node has a finding".to_owned())
}
