//! What exporters tell of accelerators, read by batchtop through the real proxy of the API server.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::{Span, Timestamp};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::gpus::{PATIENCE, items, micros, node, node_of, parts, snapshot, stand};
use super::program::Program;
use crate::bed::{
    Answer, Bed, BedOptions, Context, DCGM_EXPORTER, DcgmDevice, GpuNode, GpuNodeSpec, JobSpec, Namespace,
    NodePoolSpec, Page, PodSpec, Result, dcgm_exporter, dcgm_page, usd_per_hour,
};
use crate::shared::{full, trial};
use crate::tests_bed::{ensure, equal};

/// Shape of the Nodes here: four A10G.
const SHAPE: &str = "g5.12xlarge";
const DEVICES: u32 = 4;

/// Longer than the grace that a pod has before its devices count as idle.
const OLD_MINUTES: i64 = 60;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("exporters::busy_devices_are_busy", busy_devices),
        trial("exporters::idle_devices_cost_their_rate", idle_devices),
        trial("exporters::parked_devices_keep_memory", parked_devices),
        trial("exporters::devices_of_a_young_pod_are_unknown", devices_of_a_young_pod),
        trial("exporters::a_rogue_process_is_found", a_rogue_process),
        trial("exporters::nothing_held_needs_no_exporter", nothing_held_needs_no_exporter),
        trial("exporters::devices_of_one_node_differ", devices_of_one_node_differ),
        trial("exporters::without_pod_labels_the_busiest_count", without_pod_labels),
        trial("exporters::one_of_the_pods_that_share_a_device_is_named", pods_that_share_a_device),
        trial("exporters::mig_instances_are_busy_each_for_itself", busy_mig_instances),
        trial("exporters::what_is_no_page_of_metrics_is_told", what_is_no_page_of_metrics),
        trial("exporters::a_silent_one_holds_up_no_other", a_silent_exporter),
        trial("exporters::without_the_right_it_says_so", without_the_right),
        trial("exporters::prometheus_tells_where_pods_may_not_be_read", prometheus_in_place_of_the_exporter),
        trial("exporters::each_is_asked_once_and_not_all_at_a_time", each_is_asked_once),
        trial("exporters::a_held_node_with_idle_devices_disagrees", a_held_node_with_idle_devices),
        trial("exporters::a_busy_node_that_karpenter_takes_disagrees", a_busy_node_that_karpenter_takes),
    ]
}

/// One Node with an exporter, and with a pod `train` that holds devices.
struct Scene<'a> {
    bed: &'a Bed,
    namespace: &'a Namespace<'a>,
    node: GpuNode<'a>,
    exporter: String,
}

impl<'a> Scene<'a> {
    fn new(bed: &'a Bed, namespace: &'a Namespace<'a>, spec: &GpuNodeSpec) -> Result<Self> {
        let node = bed.gpu_node(spec)?;
        bed.apply(&dcgm_exporter(namespace, ("kubernetes.io/hostname", &node)))?;
        let exporter = bed.pod_on(namespace, &node, DCGM_EXPORTER)?;
        Ok(Self { bed, namespace, node, exporter })
    }

    /// A pod on the Node that is past its grace.
    fn pod(&self, name: &str, pod: PodSpec) -> Result<()> {
        stand(self.bed, self.namespace, &self.node, name, pod)?;
        age(self.bed, self.namespace, name)
    }

    fn answers(&self, answer: impl Into<Answer>) -> Result<()> {
        self.bed.answer(self.namespace, &self.exporter, 9400, answer).map(drop)
    }

    fn tells(&self, devices: &[DcgmDevice]) -> Result<()> {
        self.answers(Page::metrics(dcgm_page(&self.node, devices)))
    }

    /// The Node's row, with the totals checked.
    fn row(&self) -> Result<(Value, Value)> {
        let document = snapshot(self.bed)?;
        totals_agree(&document)?;
        Ok((node(&document, &self.node)?.clone(), document))
    }

    fn device(&self, index: u32) -> DcgmDevice {
        // The serial sets devices of different Nodes apart.
        let serial = self.node.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
        DcgmDevice::new(index, serial)
    }

    fn held(&self, index: u32) -> DcgmDevice {
        self.device(index).held_by(self.namespace, "train")
    }

    fn check_source(&self, row: &Value) -> Result<()> {
        let exporter = &row["gpu"]["exporter"];
        equal(&exporter["state"], &json!("Live"))?;
        equal(&exporter["kind"], &json!("Dcgm"))?;
        equal(&exporter["namespace"], &json!(&**self.namespace))?;
        equal(&exporter["pod"], &json!(self.exporter))?;
        equal(&exporter["message"], &Value::Null)?;
        ensure(exporter["asOf"].is_string() && row["gpu"]["asOf"].is_string(), || format!("no time: {row}"))?;
        equal(&row["gpu"]["source"], &json!("Dcgm"))
    }
}

/// With a scene on a Node of [`SHAPE`] of its own.
fn on_a_node(name: &str, act: impl FnOnce(&Scene<'_>) -> Result<()>) -> Result<()> {
    let bed = full()?;
    with(&bed, &GpuNodeSpec::new(&bed.unique(name), SHAPE)?, act)
}

fn with(bed: &Bed, spec: &GpuNodeSpec, act: impl FnOnce(&Scene<'_>) -> Result<()>) -> Result<()> {
    let namespace = bed.namespace("scene")?;
    act(&Scene::new(bed, &namespace, spec)?)
}

/// The same with a pod `train` that holds all devices.
fn with_train(name: &str, act: impl FnOnce(&Scene<'_>) -> Result<()>) -> Result<()> {
    on_a_node(name, |scene| {
        scene.pod("train", PodSpec::new().gpus(DEVICES))?;
        act(scene)
    })
}

/// Makes a pod one that has run for an hour.
fn age(bed: &Bed, namespace: &Namespace<'_>, name: &str) -> Result<()> {
    let path = namespace.core(&format!("pods/{name}"));
    let then = Timestamp::now().checked_sub(Span::new().minutes(OLD_MINUTES)).context("an hour ago")?;
    let then = json!(format!("{then:.0}"));
    let mut containers = bed.api().get(&path)?["status"]["containerStatuses"].take();
    for container in containers.as_array_mut().into_iter().flatten() {
        container["state"]["running"]["startedAt"] = then.clone();
    }
    let status = json!({"status": {"startTime": then, "containerStatuses": containers}});
    bed.api().patch(&format!("{path}/status"), &status).map(drop)
}

/// Physical devices by class: each is in one of the Node's, and the Nodes' sums are the totals; not known where it is not
/// known of a Node, such as that of another test whose driver has told nothing yet, how many devices it has.
fn totals_agree(document: &Value) -> Result<()> {
    let gpus = || items(&document["nodes"]).map(|node| &node["gpu"]).filter(|gpu| gpu.is_object());
    let nodes = || gpus().filter(|gpu| gpu["byClass"].is_object());
    let count = |gpu: &Value, class: &str| gpu["byClass"][class].as_i64().unwrap_or_default();
    for gpu in nodes() {
        let all = ["Busy", "Idle", "Parked", "Rogue", "Unallocated", "Unknown"].map(|class| count(gpu, class));
        equal(&json!(all.iter().sum::<i64>()), &gpu["physical"]).context("sum of the classes")?;
    }
    let totals = &document["totals"]["gpu"];
    let is_every_node_counted = gpus().count() == nodes().count();
    let known = |sum: i64| is_every_node_counted.then_some(sum);
    for (field, class) in
        [("busy", "Busy"), ("idle", "Idle"), ("parked", "Parked"), ("rogue", "Rogue"), ("unknown", "Unknown")]
    {
        equal(&totals[field].as_i64(), &known(nodes().map(|gpu| count(gpu, class)).sum())).context(field)?;
    }
    let free = totals["stranded"].as_i64().zip(totals["unallocated"].as_i64());
    let free_of_nodes = nodes().map(|gpu| count(gpu, "Unallocated")).sum();
    equal(&free.map(|(stranded, unallocated)| stranded + unallocated), &known(free_of_nodes))?;
    // Over the Nodes of which it is known; not known where it is known of none.
    let idle = gpus().filter_map(|gpu| micros(&gpu["idleUsdPerHour"]).as_i64()).reduce(|sum, one| sum + one);
    equal(&micros(&document["totals"]["cost"]["idleGpuUsdPerHour"]), &json!(idle))
}

/// Class, percent and memory (MiB) of the Node's accelerators.
fn check(row: &Value, class: &str, percent: Option<i64>, memory_mib: i64) -> Result<()> {
    let gpu = &row["gpu"];
    equal(&gpu["class"], &json!(class)).context(&gpu["classReason"])?;
    ensure(gpu["classReason"].is_string(), || "no reason".to_owned())?;
    equal(&parts(&gpu["utilizationPercent"], 1.0), &percent.map_or(Value::Null, Value::from))?;
    equal(&gpu["memoryUsedBytes"], &json!(memory_mib << 20))?;
    equal(&gpu["memoryTotalBytes"], &json!(i64::from(DEVICES) * (22_888 << 20)))
}

fn rate() -> Result<Value> {
    Ok(micros(&json!(usd_per_hour(SHAPE)?)))
}

fn pod_gpu<'a>(document: &'a Value, namespace: &str, name: &str) -> Result<&'a Value> {
    let pod = items(&document["pods"]).find(|pod| pod["namespace"] == namespace && pod["name"] == name);
    Ok(&pod.context(format!("no pod {name}"))?["gpu"])
}

fn rules(document: &Value, node: &str) -> Vec<String> {
    let about = items(&document["findings"]).filter(|found| found["object"]["name"] == node);
    about.filter_map(|found| found["rule"].as_str()).map(str::to_owned).collect()
}

fn busy_devices() -> Result<()> {
    with_train("busy", |scene| {
        scene.tells(&[0, 1, 2, 3].map(|index| scene.held(index).busy(91).memory(20_000)))?;
        let (row, document) = scene.row()?;
        check(&row, "Busy", Some(91), 80_000)?;
        scene.check_source(&row)?;
        equal(&row["gpu"]["byClass"]["Busy"], &json!(4))?;
        equal(&micros(&row["gpu"]["idleUsdPerHour"]), &json!(0))?;
        let pod = pod_gpu(&document, scene.namespace, "train")?;
        equal(&pod["requested"], &json!(4))?;
        equal(&parts(&pod["utilizationPercent"], 1.0), &json!(91))?;
        equal(&pod["class"], &json!("Busy"))?;
        equal(&pod["shared"], &json!(false))?;
        equal(&pod_gpu(&document, scene.namespace, &scene.exporter)?, &&Value::Null)
    })
}

fn idle_devices() -> Result<()> {
    with_train("idle", |scene| {
        scene.tells(&[0, 1, 2, 3].map(|index| scene.held(index).memory(400)))?;
        let (row, document) = scene.row()?;
        check(&row, "Idle", Some(0), 1_600)?;
        equal(&row["gpu"]["byClass"]["Idle"], &json!(4))?;
        equal(&micros(&row["gpu"]["idleUsdPerHour"]), &rate()?)?;
        ensure(rules(&document, &scene.node).contains(&"GpuIdle".to_owned()), || "no finding".to_owned())
    })
}

fn parked_devices() -> Result<()> {
    with_train("parked", |scene| {
        scene.tells(&[0, 1, 2, 3].map(|index| scene.held(index).memory(18_000)))?;
        let (row, document) = scene.row()?;
        check(&row, "Parked", Some(0), 72_000)?;
        equal(&row["gpu"]["byClass"]["Parked"], &json!(4))?;
        equal(&micros(&row["gpu"]["idleUsdPerHour"]), &rate()?)?;
        ensure(rules(&document, &scene.node).contains(&"GpuParked".to_owned()), || "no finding".to_owned())
    })
}

fn devices_of_a_young_pod() -> Result<()> {
    on_a_node("young", |scene| {
        stand(scene.bed, scene.namespace, &scene.node, "train", PodSpec::new().gpus(DEVICES))?;
        scene.tells(&[0, 1, 2, 3].map(|index| scene.held(index)))?;
        let (row, _) = scene.row()?;
        check(&row, "Unknown", Some(0), 0)?;
        equal(&row["gpu"]["byClass"]["Unknown"], &json!(4))?;
        equal(&row["gpu"]["idleUsdPerHour"], &Value::Null)
    })
}

fn a_rogue_process() -> Result<()> {
    on_a_node("rogue", |scene| {
        let mut devices = [0, 1, 2, 3].map(|index| scene.device(index));
        devices[2] = scene.device(2).busy(60).memory(9_000);
        scene.tells(&devices)?;
        let (row, document) = scene.row()?;
        check(&row, "Rogue", Some(15), 9_000)?;
        equal(&row["gpu"]["byClass"]["Rogue"], &json!(1))?;
        equal(&row["gpu"]["byClass"]["Unallocated"], &json!(3))?;
        equal(&micros(&row["gpu"]["unallocatedUsdPerHour"]), &rate()?)?;
        ensure(rules(&document, &scene.node).contains(&"GpuRogue".to_owned()), || "no finding".to_owned())
    })
}

fn nothing_held_needs_no_exporter() -> Result<()> {
    let bed = full()?;
    let node_without = bed.gpu_node(&GpuNodeSpec::new(&bed.unique("bare"), SHAPE)?)?;
    let namespace = bed.namespace("bare")?;
    let class = || -> Result<(Value, Value)> {
        let document = snapshot(&bed)?;
        totals_agree(&document)?;
        let gpu = node(&document, &node_without)?["gpu"].clone();
        Ok((gpu["class"].clone(), gpu["exporter"]["state"].clone()))
    };
    equal(&class()?, &(json!("Unallocated"), json!("None")))?;
    stand(&bed, &namespace, &node_without, "prepare", PodSpec::new())?;
    equal(&class()?, &(json!("Stranded"), json!("None")))?;
    stand(&bed, &namespace, &node_without, "train", PodSpec::new().gpus(1))?;
    equal(&class()?, &(json!("Unknown"), json!("None")))
}

/// The mean is that of the devices that are held; a device of its own class each.
fn devices_of_one_node_differ() -> Result<()> {
    on_a_node("mixed", |scene| {
        scene.pod("train", PodSpec::new().gpus(3))?;
        scene.tells(&[
            scene.held(0).busy(90).memory(20_000),
            scene.held(1).memory(20_000),
            scene.held(2).memory(100),
            scene.device(3),
        ])?;
        let (row, _) = scene.row()?;
        check(&row, "Busy", Some(30), 40_100)?;
        let by_class = &row["gpu"]["byClass"];
        for (class, count) in
            [("Busy", 1), ("Parked", 1), ("Idle", 1), ("Unallocated", 1), ("Rogue", 0), ("Unknown", 0)]
        {
            equal(&by_class[class], &json!(count)).context(class)?;
        }
        Ok(())
    })
}

fn without_pod_labels() -> Result<()> {
    on_a_node("anonymous", |scene| {
        scene.pod("train", PodSpec::new().gpus(2))?;
        scene.tells(&[
            scene.device(0),
            scene.device(1).busy(80).memory(20_000),
            scene.device(2),
            scene.device(3).busy(60).memory(20_000),
        ])?;
        let (row, document) = scene.row()?;
        check(&row, "Busy", Some(70), 40_000)?;
        equal(&row["gpu"]["exporter"]["state"], &json!("NoPodLabels"))?;
        let pod = pod_gpu(&document, scene.namespace, "train")?;
        equal(&pod["utilizationPercent"], &Value::Null)?;
        let found = rules(&document, &scene.node);
        ensure(found.contains(&"ExporterWithoutPodLabels".to_owned()), || format!("{found:?}"))
    })
}

fn pods_that_share_a_device() -> Result<()> {
    let bed = full()?;
    let spec = GpuNodeSpec::new(&bed.unique("shared"), SHAPE)?.time_sliced(4);
    with(&bed, &spec, |scene| {
        for name in ["train", "notebook"] {
            scene.pod(name, PodSpec::new().gpus(1))?;
        }
        // The exporter names one pod of a device.
        scene.tells(&[scene.held(0).busy(55).memory(8_000), scene.device(1), scene.device(2), scene.device(3)])?;
        let (row, document) = scene.row()?;
        equal(&row["gpu"]["class"], &json!("Busy"))?;
        equal(&parts(&row["gpu"]["utilizationPercent"], 1.0), &json!(55))?;
        equal(&parts(&pod_gpu(&document, scene.namespace, "train")?["utilizationPercent"], 1.0), &json!(55))?;
        equal(&pod_gpu(&document, scene.namespace, "notebook")?["utilizationPercent"], &Value::Null)
    })
}

/// The first of eight A100 is split into four instances of one slice and one of three.
fn busy_mig_instances() -> Result<()> {
    let bed = full()?;
    let spec = GpuNodeSpec::new(&bed.unique("split"), "p4d.24xlarge")?.mig_mixed(1, &[("1g.5gb", 4), ("3g.20gb", 1)]);
    with(&bed, &spec, |scene| {
        scene.pod("train", PodSpec::new().accelerator("nvidia.com/mig-3g.20gb", 1))?;
        scene.pod("serve", PodSpec::new().accelerator("nvidia.com/mig-1g.5gb", 1))?;
        let mut devices = vec![
            scene.held(0).instance("3g.20gb", 1).busy(80).memory(10_000),
            scene.device(0).held_by(scene.namespace, "serve").instance("1g.5gb", 7),
        ];
        devices.extend((1..8).map(|index| scene.device(index)));
        scene.tells(&devices)?;
        let (row, document) = scene.row()?;
        equal(&row["gpu"]["class"], &json!("Busy"))?;
        // Weighted by slices: (3 × 80 + 1 × 0) ÷ 4.
        equal(&parts(&row["gpu"]["utilizationPercent"], 1.0), &json!(60))?;
        equal(&row["gpu"]["byClass"]["Busy"], &json!(1)).context("a split board counts as its busiest instance")?;
        equal(&row["gpu"]["byClass"]["Unallocated"], &json!(7))?;
        equal(&parts(&pod_gpu(&document, scene.namespace, "serve")?["utilizationPercent"], 1.0), &json!(0))
    })
}

fn what_is_no_page_of_metrics() -> Result<()> {
    with_train("broken", |scene| {
        let wrong: [(&str, Answer); 5] = [
            ("a page for people", Page::html("<!DOCTYPE html><html><body>Sign in</body></html>").into()),
            ("an error", Page::metrics("collecting failed").status(500).into()),
            ("an empty page", Page::metrics("").into()),
            ("10 MB", Page::metrics(vec![b'#'; 10 << 20]).into()),
            ("a connection that closes", Answer::Close),
        ];
        for (what, answer) in wrong {
            scene.answers(answer)?;
            let (row, _) = scene.row().context(what)?;
            equal(&row["gpu"]["exporter"]["state"], &json!("Failed")).context(what)?;
            ensure(row["gpu"]["exporter"]["message"].is_string(), || format!("{what}: no message"))?;
            equal(&row["gpu"]["class"], &json!("Unknown")).context(what)?;
            equal(&row["gpu"]["utilizationPercent"], &Value::Null).context(what)?;
        }
        Ok(())
    })
}

/// A bed of its own: every snapshot waits for it.
fn a_silent_exporter() -> Result<()> {
    let bed = Bed::start(&BedOptions::full())?;
    with(&bed, &GpuNodeSpec::new("silent", SHAPE)?, |silent| {
        silent.pod("train", PodSpec::new().gpus(DEVICES))?;
        silent.answers(Answer::Hang)?;
        with(&bed, &GpuNodeSpec::new("talking", SHAPE)?, |talking| {
            talking.pod("train", PodSpec::new().gpus(DEVICES))?;
            talking.tells(&[0, 1, 2, 3].map(|index| talking.held(index).busy(91)))?;
            let document = Program::new(bed.admin_kubeconfig())?.snapshot(&["--timeout", "15s"])?;
            let gpu = &node(&document, &silent.node)?["gpu"];
            equal(&gpu["exporter"]["state"], &json!("Failed"))?;
            equal(&gpu["class"], &json!("Unknown"))?;
            equal(&node(&document, &talking.node)?["gpu"]["class"], &json!("Busy"))
        })
    })
}

/// The program as a user with the printed role, made with these arguments, without one of its rights and with others.
fn without_right(bed: &Bed, arguments: &[&str], left_out: &str, more: &Value) -> Result<Program> {
    let user = bed.unique("blind");
    let program = Program::new(bed.kubeconfig_for(&user, None)?)?;
    bed.apply_yaml(&program.run(&[&["rbac", "viewer"], arguments].concat())?.out)?;
    let path = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    let mut rules = bed.api().get(&format!("{path}/batchtop-viewer"))?["rules"].take();
    let is_left_out = |rule: &Value| items(&rule["resources"]).any(|resource| resource == left_out);
    let rules = rules.as_array_mut().context("no rules")?;
    rules.retain(|rule| !is_left_out(rule));
    rules.extend(items(more).cloned());
    bed.api().create(path, &json!({"metadata": {"name": user}, "rules": rules}))?;
    let (role, user) = (format!("--clusterrole={user}"), format!("--user={user}"));
    bed.kubectl(&["create", "clusterrolebinding", &bed.unique("blind"), &role, &user])?;
    Ok(program)
}

/// A user with all rights of the printed viewer but that of reading through pods.
fn without_the_right() -> Result<()> {
    with_train("refused", |scene| {
        scene.tells(&[0, 1, 2, 3].map(|index| scene.held(index).busy(91)))?;
        let document = without_right(scene.bed, &[], "pods/proxy", &json!([]))?.snapshot(&[])?;
        let gpu = &node(&document, &scene.node)?["gpu"];
        equal(&gpu["exporter"]["state"], &json!("Forbidden"))?;
        ensure(gpu["exporter"]["message"].as_str().is_some_and(|text| text.contains("pods/proxy")), || {
            gpu.to_string()
        })?;
        equal(&gpu["class"], &json!("Unknown"))
    })
}

/// What a Prometheus server answers that has scraped the exporter of the scene: all devices as busy as this.
fn scraped(scene: &Scene<'_>, percent: u32) -> String {
    let series = |index: u32| {
        let labels = json!({
            "__name__": "DCGM_FI_DEV_GPU_UTIL",
            "gpu": index.to_string(),
            "UUID": format!("GPU-{}-{index}", &*scene.node),
            "Hostname": scene.exporter,
            "namespace": &**scene.namespace,
            "pod": scene.exporter,
            "exported_namespace": &**scene.namespace,
            "exported_pod": "train",
        });
        json!({"metric": labels, "value": [Timestamp::now().as_second(), percent.to_string()]})
    };
    let result: Vec<Value> = (0..DEVICES).map(series).collect();
    json!({"status": "success", "data": {"resultType": "vector", "result": result}}).to_string()
}

/// A Service that is found by its label. Its server has the address of the exporter's pod, and another port.
fn serve_prometheus(scene: &Scene<'_>, answer: impl Into<Answer>) -> Result<SocketAddr> {
    let (label, value) = DCGM_EXPORTER;
    scene.bed.apply(&json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": &**scene.namespace, "name": "scraper", "labels": {"operated-prometheus": "true"}},
        "spec": {"selector": {label: value}, "ports": [{"name": "web", "port": 9090}]},
    }))?;
    let address = scene.bed.answer(scene.namespace, &scene.exporter, 9090, answer)?;
    let path = scene.namespace.core("services/scraper:web/proxy/");
    scene.bed.wait_for("endpoints of the Service", PATIENCE, || Ok(scene.bed.api().try_text(&path).ok()))?;
    Ok(address)
}

/// Who may read through Services, but not through pods.
fn prometheus_in_place_of_the_exporter() -> Result<()> {
    with_train("scraped", |scene| {
        scene.tells(&[0, 1, 2, 3].map(|index| scene.held(index).busy(12)))?;
        let address = serve_prometheus(scene, Page::metrics(scraped(scene, 91)))?;
        let lists_services = json!([{"apiGroups": [""], "resources": ["services"], "verbs": ["list"]}]);
        let program = without_right(scene.bed, &["--with-gpu-metrics"], "pods/proxy", &lists_services)?;
        let document = program.snapshot(&[])?;
        let row = node(&document, &scene.node)?;
        equal(&row["gpu"]["class"], &json!("Busy"))?;
        equal(&parts(&row["gpu"]["utilizationPercent"], 1.0), &json!(91))?;
        equal(&row["gpu"]["source"], &json!("Prometheus"))?;
        let exporter = &row["gpu"]["exporter"];
        equal(&exporter["state"], &json!("Live"))?;
        equal(&exporter["kind"], &json!("Prometheus"))?;
        equal(&exporter["pod"], &json!(scene.exporter))?;
        let pod = pod_gpu(&document, scene.namespace, "train")?;
        equal(&parts(&pod["utilizationPercent"], 1.0), &json!(91))?;
        equal(&pod["source"], &json!("Prometheus"))?;
        let asked = scene.bed.exporters().asked(address);
        ensure(asked.iter().any(|path| path.starts_with("/api/v1/query?query=")), || format!("{asked:?}"))?;

        // Who may read the exporter itself goes by it.
        let (row, _) = scene.row()?;
        equal(&row["gpu"]["source"], &json!("Dcgm"))?;
        equal(&parts(&row["gpu"]["utilizationPercent"], 1.0), &json!(12))?;

        // A server that answers something else is said beside the refusal.
        scene.bed.answer(scene.namespace, &scene.exporter, 9090, Page::html("<html>sign in</html>"))?;
        let document = program.snapshot(&[])?;
        let exporter = &node(&document, &scene.node)?["gpu"]["exporter"];
        equal(&exporter["state"], &json!("Forbidden"))?;
        let message = exporter["message"].as_str().unwrap_or_default();
        ensure(message.contains("pods/proxy") && message.contains("; Prometheus: "), || message.to_owned())
    })
}

/// Twelve exporters that take a second each.
fn each_is_asked_once() -> Result<()> {
    const NODES: u32 = 12;
    // Its own: the other tests' exporters are asked here too.
    let bed = Bed::start(&BedOptions::full())?;
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        nodes.push(bed.gpu_node(&GpuNodeSpec::new(&bed.unique("many"), SHAPE)?)?);
    }
    let namespace = bed.namespace("many")?;
    bed.apply(&dcgm_exporter(&namespace, ("nvidia.com/gpu.present", "true")))?;
    let mut addresses = Vec::new();
    for (serial, node) in (0..).zip(&nodes) {
        let exporter = bed.pod_on(&namespace, node, DCGM_EXPORTER)?;
        let page = Page::metrics(dcgm_page(node, &[DcgmDevice::new(0, serial)])).after(Duration::from_secs(1));
        addresses.push(bed.answer(&namespace, &exporter, 9400, page)?);
    }
    let document = snapshot(&bed)?;
    for (node_name, address) in nodes.iter().zip(addresses) {
        equal(&node(&document, node_name)?["gpu"]["exporter"]["state"], &json!("Live"))?;
        equal(&bed.exporters().asked(address), &vec!["/metrics".to_owned()])?;
    }
    let most = bed.exporters().most_open();
    ensure((2..=8).contains(&most), || format!("{most} requests at a time"))
}

/// Karpenter would take the Node but for its pod's annotation, and its devices do nothing.
fn a_held_node_with_idle_devices() -> Result<()> {
    let bed = full()?;
    let spec = NodePoolSpec::new(&bed.unique("held")).instance_types(&[SHAPE]).budget(json!({"nodes": "100%"}));
    let pool = bed.node_pool(spec)?;
    let namespace = bed.namespace("held")?;
    let pod = PodSpec::new().gpus(DEVICES).on_pool(&pool).annotation("karpenter.sh/do-not-disrupt", "true");
    bed.apply(&JobSpec::new(&namespace, "train", pod).build())?;
    let name = node_of(&bed, &pool, &namespace, "train")?;
    let pod = bed.pods_of_job(&namespace, "train")?[0]["metadata"]["name"].take();
    let pod = pod.as_str().context("pod without name")?;
    age(&bed, &namespace, pod)?;
    bed.apply(&dcgm_exporter(&namespace, ("karpenter.sh/nodepool", &pool)))?;
    let exporter = bed.pod_on(&namespace, &name, DCGM_EXPORTER)?;
    let tell = |percent| {
        let device = |index| DcgmDevice::new(index, 99).busy(percent).held_by(&namespace, pod);
        let page = dcgm_page(&name, &[0, 1, 2, 3].map(device));
        bed.answer(&namespace, &exporter, 9400, Page::metrics(page))
    };
    tell(0)?;
    let document = snapshot(&bed)?;
    let gpu = &node(&document, &name)?["gpu"];
    equal(&gpu["class"], &json!("Idle"))?;
    equal(&gpu["disagrees"], &json!(true))?;
    ensure(gpu["disagreement"].is_string(), || gpu.to_string())?;
    tell(95)?;
    let document = snapshot(&bed)?;
    let gpu = &node(&document, &name)?["gpu"];
    equal(&gpu["class"], &json!("Busy"))?;
    equal(&gpu["disagrees"], &json!(false))?;
    equal(&gpu["disagreement"], &Value::Null)
}

/// Karpenter sees one GPU of four requested and a cheaper type for it; that the GPU trains, only batchtop says.
fn a_busy_node_that_karpenter_takes() -> Result<()> {
    let bed = full()?;
    let closed = json!({"nodes": "0"});
    let spec = NodePoolSpec::new(&bed.unique("taken")).instance_types(&[SHAPE, "g5.xlarge"]).consolidate_after("0s");
    let mut pool = bed.node_pool(spec.budget(closed))?;
    let namespace = bed.namespace("taken")?;
    // Only the large type has room for the first; the second fits beside it, and stays.
    let pod = |gpus| PodSpec::new().cpu("1").gpus(gpus).on_pool(&pool);
    bed.apply(&JobSpec::new(&namespace, "large", pod(3)).build())?;
    let name = node_of(&bed, &pool, &namespace, "large")?;
    bed.apply(&JobSpec::new(&namespace, "train", pod(1)).build())?;
    equal(&node_of(&bed, &pool, &namespace, "train")?, &name)?;
    let train = bed.pods_of_job(&namespace, "train")?[0]["metadata"]["name"].take();
    let train = train.as_str().context("pod without name")?;
    age(&bed, &namespace, train)?;
    bed.apply(&dcgm_exporter(&namespace, ("karpenter.sh/nodepool", &pool)))?;
    let exporter = bed.pod_on(&namespace, &name, DCGM_EXPORTER)?;
    let devices = [0, 1, 2, 3].map(|index| DcgmDevice::new(index, 77));
    let [first, others @ ..] = devices;
    let page = dcgm_page(&name, &[vec![first.busy(91).held_by(&namespace, train)], others.to_vec()].concat());
    bed.answer(&namespace, &exporter, 9400, Page::metrics(page))?;
    bed.kubectl(&["-n", &namespace, "delete", "job", "large", "--cascade=foreground", "--wait=true"])?;
    pool.update(|spec| spec.no_budgets().budget(json!({"nodes": "100%"})))?;
    let row = bed.wait_for("a node that Karpenter may take", PATIENCE, || {
        let row = node(&snapshot(&bed)?, &name)?.clone();
        Ok((row["disruption"]["may"]["Underutilized"] == json!(true)).then_some(row))
    })?;
    let gpu = &row["gpu"];
    equal(&gpu["class"], &json!("Busy"))?;
    equal(&gpu["disagrees"], &json!(true))?;
    let sentence = gpu["disagreement"].as_str().unwrap_or_default();
    ensure(sentence.starts_with("Karpenter: candidate (CPU requests "), || sentence.to_owned())?;
    ensure(sentence.ends_with(" · GPUs: 1/4 requested, 91 % busy"), || sentence.to_owned())?;
    bed.wait_for("Karpenter to take the node", PATIENCE, || {
        let nodes = pool.nodes()?;
        Ok(nodes.iter().all(|node| node["metadata"]["name"] != json!(name)).then_some(()))
    })
}
