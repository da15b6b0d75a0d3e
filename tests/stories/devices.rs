//! Fleet's devices: accelerators one by one, and in groups.

use batchtop::app::{App, Detail, Msg, PastTold, Screen, devices_of_node};
use batchtop::fleet::{CapacityType, Delta};
use batchtop::fleet::{
    DeviceHolder, DeviceReading, Epoch, Exporter, ExporterKind, GpuAnswer, GpuFailure, GpuFraction, GpuPart,
    HealthState, HistoryAnswer, HistoryTold, Key, Kind, MigInstance, NodeRow, ObjectKey, PodRow, Price, PriceChange,
    PriceKey, PriceList, Report, Resources, Sym, Uid, Utilization,
};
use batchtop::insight::cost::{CostGroup, GroupBy};

use crate::dsl::{Story, row_name, story};
use crate::fixture::{
    facts, health, hours_ago, job, labels, node, noon, pod, pod_of, protected, upsert_node, upsert_pod, upserts,
};

/// A price of the instance type of `gpu-a`, in micro-dollars per hour, that eight boards do not share evenly.
const RATE: i64 = 55_040_003;

fn device(index: u32, percent: u32, pods: &[&str]) -> DeviceReading {
    let holders = pods.iter().map(|pod| DeviceHolder { pod: ObjectKey::new("ml", pod), container: None });
    DeviceReading {
        uuid: Sym::new(&format!("GPU-{index}")),
        index: Some(index),
        model: Some(Sym::new("NVIDIA H100")),
        mig: None,
        utilization: Some(Utilization::percent(percent)),
        memory_used_bytes: Some(1 << 29),
        memory_total_bytes: Some(80 << 30),
        power_milliwatts: Some(123_456),
        temperature_celsius: Some(41),
        xid: Some(0),
        holders: holders.collect(),
    }
}

fn instance(index: u32, id: u32, profile: &str) -> DeviceReading {
    DeviceReading { mig: Some(MigInstance { id, profile: Sym::new(profile) }), ..device(index, 0, &[]) }
}

fn answer(node: &str, devices: Result<Vec<DeviceReading>, GpuFailure>) -> Report {
    let exporter = Exporter { kind: ExporterKind::Dcgm, pod: ObjectKey::new("gpu", &format!("dcgm-{node}")) };
    let answer = GpuAnswer { node: Sym::new(node), exporter, at: noon(), devices: devices.map(Into::into) };
    Report::Delta(Delta::Gpus(vec![answer]))
}

/// What one device of a Node did when it was read last, and how often it was read in the last fifteen minutes.
fn remembered(told: &Story, node: &str, device: &DeviceReading) -> (Option<u32>, usize) {
    let Some(history) = told.app.insights.gpu_history.of_node(node) else { return (None, 0) };
    let course = history.of_device(device, told.app.now);
    (course.iter().flatten().last().map(|last| last.whole_percent()), course.iter().flatten().count())
}

fn exporter(node: &str) -> Report {
    let app = labels(&[("app.kubernetes.io/name", "dcgm-exporter")]);
    upsert_pod(batchtop::fleet::PodRow { labels: app, ..pod("gpu", &format!("dcgm-{node}"), node) })
}

fn priced() -> Report {
    let key = PriceKey {
        place: Sym::new("us-east-1a"),
        instance_type: Sym::new("p5.48xlarge"),
        capacity_type: CapacityType::Spot,
    };
    let price = Price { micro_usd_per_hour: RATE, as_of: hours_ago(1) };
    Report::Delta(Delta::Prices(vec![PriceChange::Listed(PriceList::AwsSpot, key, price)]))
}

fn with_region(row: NodeRow) -> NodeRow {
    let pairs: Vec<(&str, &str)> = row.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let region = [("topology.kubernetes.io/region", "us-east-1")];
    NodeRow { labels: labels(&[&pairs[..], &region[..]].concat()), ..row }
}

/// `gpu-a` with eight boards, one of them idle, two busy, one in use that no pod requests; `gpu-dark` without an exporter.
fn devices() -> Story {
    let told = vec![
        device(0, 91, &["train-0"]),
        device(1, 0, &["train-0"]),
        device(2, 80, &["train-1"]),
        device(3, 50, &[]),
        device(4, 0, &[]),
        device(5, 0, &[]),
        device(6, 0, &[]),
        device(7, 0, &[]),
    ];
    let reports = vec![
        Report::Cluster(Box::new(facts())),
        Report::Delta(Delta::Nodes(upserts(vec![
            with_region(node("gpu-a", "gpu")),
            with_region(node("gpu-dark", "gpu")),
            node("cpu-a", "cpu"),
        ]))),
        Report::Delta(Delta::NodeClaims(upserts(Vec::new()))),
        Report::Delta(Delta::Jobs(upserts(vec![job("ml", "train")]))),
        Report::Delta(Delta::Pods(upserts(vec![
            pod_of("train", "train-0", "gpu-a"),
            protected(pod_of("train", "train-1", "gpu-a"), "true"),
            pod_of("train", "train-2", "gpu-dark"),
        ]))),
        exporter("gpu-a"),
        priced(),
        health(Kind::Node, HealthState::Live),
        health(Kind::NodeClaim, HealthState::Live),
        health(Kind::Pod, HealthState::Live),
        answer("gpu-a", Ok(told)),
    ];
    story(reports).later().keys(": 'by' space 'node' enter V")
}

#[test]
fn a_pod_with_a_part_of_a_device_is_as_busy_as_the_device_that_is_reserved_for_it() {
    let group = labels(&[("runai-gpu-group", "g1")]);
    let reserves = "gpu-reservation-gpu-a-x7k2p";
    let reservation = pod("kai-resource-reservation", reserves, "gpu-a");
    let whole = pod_of("train", "any", "gpu-a").requests;
    let reservation = PodRow { labels: group.clone(), requests: whole, ..reservation };
    let fraction = Some(Box::new(GpuFraction { part: GpuPart::Thousandths(500), devices: 1 }));
    let member = pod("ml", "notebook", "gpu-a");
    let requests = Resources { fraction, ..(*member.requests).clone() };
    let member = PodRow { labels: group, requests: requests.into(), ..member };
    let stranger = PodRow { labels: labels(&[("runai-gpu-group", "g2")]), ..member.clone() };
    let stranger = PodRow { meta: pod("ml", "other", "gpu-a").meta, ..stranger };
    let second = PodRow { meta: pod("ml", "second", "gpu-a").meta, ..member.clone() };
    let holder = DeviceHolder { pod: reservation.meta.key.clone(), container: None };
    let device = DeviceReading { holders: vec![holder], ..device(0, 91, &[]) };
    let told = vec![upsert_pod(reservation), upsert_pod(member.clone()), upsert_pod(stranger.clone())];
    let told = devices().told(told).told(vec![answer("gpu-a", Ok(vec![device]))]).later();
    let of = |told: &Story, pod: &PodRow| told.app.insights.gpus.of_pod(&told.app.fleet, pod);
    let found = of(&told, &member).expect("activity of the device that is reserved");
    assert_eq!((found.utilization, found.is_shared), (Some(Utilization::percent(91)), false));
    assert_eq!(of(&told, &stranger), None, "nothing is reserved for its group");
    let told = told.told(vec![upsert_pod(second)]).later();
    assert!(of(&told, &member).expect("activity").is_shared);
}

impl Story {
    /// What accelerators do is found out once a second; then a frame of data is drawn.
    fn later(self) -> Self {
        self.seconds(2).told(Vec::new())
    }
}

fn names(told: &Story) -> Vec<String> {
    told.app.ui.listing.rows.iter().map(row_name).collect()
}

/// The rates of all rows of a Node, and its own.
fn rates(app: &App, name: &str) -> (i64, Option<i64>) {
    let node = app.fleet.node(name).unwrap();
    let rows = devices_of_node(app, node);
    let rate = app.insights.picture.node(name).and_then(|said| said.cost.rate());
    (rows.iter().filter_map(|row| row.rate).sum(), rate)
}

#[test]
fn devices_that_do_nothing_come_first_by_dollars_then_others_by_class_and_use() {
    let told = devices().screen(Screen::Fleet);
    assert_eq!(told.app.ui.level.view.name, "devices");
    // Of the Node without an exporter six of eight devices are requested by no pod, which is most dollars.
    told.rows(&[
        "gpu-dark/*",
        "gpu-a/GPU-1",
        "gpu-a/GPU-4",
        "gpu-a/GPU-5",
        "gpu-a/GPU-6",
        "gpu-a/GPU-7",
        "gpu-a/GPU-3",
        "gpu-a/GPU-2",
        "gpu-a/GPU-0",
    ]);
}

#[test]
fn rates_of_devices_add_up_to_the_rate_of_their_node_to_the_micro_dollar() {
    let told = devices();
    assert_eq!(rates(&told.app, "gpu-a"), (RATE, Some(RATE)));
    assert_eq!(rates(&told.app, "gpu-dark"), (RATE, Some(RATE)));
    assert_eq!(told.app.ui.listing.rate.map(|sum| sum.micro_usd_per_hour), Some(2 * RATE));
    // An exporter that leaves out boards, and boards that are split.
    let split = vec![instance(0, 1, "3g.40gb"), instance(0, 2, "1g.10gb"), device(1, 0, &[])];
    let told = told.told(vec![answer("gpu-a", Ok(split))]).later();
    assert_eq!(rates(&told.app, "gpu-a"), (RATE, Some(RATE)));
    let mut rows = names(&told);
    rows.sort_unstable();
    assert_eq!(rows, ["gpu-a/*", "gpu-a/GPU-0/1", "gpu-a/GPU-0/2", "gpu-a/GPU-1", "gpu-dark/*"]);
}

#[test]
fn the_selected_device_stays_selected_when_rows_move_and_when_everything_is_listed_anew() {
    let told =
        devices().keys("/ 'class:rogue' enter").rows(&["gpu-a/GPU-3"]).keys("esc").selected("device gpu-a/GPU-3");
    let told = told.keys("S S r").selected("device gpu-a/GPU-3");
    let all = vec![with_region(node("gpu-a", "gpu")), node("cpu-a", "cpu")];
    let told = told.told(vec![Report::Delta(Delta::Nodes(upserts(all)))]).later();
    let told = told.selected("device gpu-a/GPU-3");
    assert!(!names(&told).contains(&"gpu-dark/*".to_owned()));
    // Another use of the device is no other device.
    let devices = vec![device(2, 0, &["train-1"]), device(3, 0, &["train-0"])];
    let told = told.told(vec![answer("gpu-a", Ok(devices))]).later().selected("device gpu-a/GPU-3");
    let gone = told.told(vec![answer("gpu-a", Ok(vec![device(2, 0, &["train-1"])]))]).later();
    assert!(!names(&gone).contains(&"gpu-a/GPU-3".to_owned()));
}

#[test]
fn a_filter_asks_a_device_its_pod_its_job_and_its_node() {
    for (filter, rows) in [
        ("class:idle", vec!["gpu-a/GPU-1"]),
        ("pod:train-1", vec!["gpu-a/GPU-2"]),
        ("job:train", vec!["gpu-a/GPU-1", "gpu-a/GPU-2", "gpu-a/GPU-0"]),
        ("ns:ml !class:busy", vec!["gpu-a/GPU-1"]),
        ("node:dark", vec!["gpu-dark/*"]),
        ("model:h100 class:rogue", vec!["gpu-a/GPU-3"]),
        ("pool:cpu", vec![]),
        ("GPU-4", vec!["gpu-a/GPU-4"]),
        ("p5 class:busy price:aws", vec!["gpu-a/GPU-2", "gpu-a/GPU-0"]),
    ] {
        devices().keys(&format!("/ '{}' enter", filter.replace(' ', "' space '"))).rows(&rows);
    }
}

#[test]
fn enter_opens_the_node_and_l_leads_to_its_pods() {
    let told = devices().keys("j enter").asks(&["fetch Node gpu-a", "ask the past of Node gpu-a"]);
    assert_eq!(told.app.ui.level.detail.as_ref().and_then(Detail::object).map(|key| &*key.object.name), Some("gpu-a"));
    let told = told.keys("esc l").screen(Screen::Pods);
    assert!(names(&told).contains(&"ml/train-0".to_owned()));
    let told = told.keys("esc").screen(Screen::Fleet).selected("device gpu-a/GPU-1");
    assert_eq!(told.app.ui.level.view.name, "devices");
    told.keys("Y").asks(&["copy GPU-1"]);
}

#[test]
fn protect_and_unprotect_are_about_the_pods_of_the_device() {
    devices().keys("j p").asks_to("protect pod ml/train-0 in prod-ml");
    devices().keys("/ 'pod:train-1' enter u").asks_to("unprotect pod ml/train-1 in prod-ml");
    devices().keys("/ 'GPU-4' enter p").says("no pod is known to have this device").nothing_open();
    devices().keys("p").says("no pod is known to have this device").nothing_open();
    // In the details of its Node they are about the Node.
    devices().keys("j enter p").asks_to("protect node gpu-a in prod-ml");
}

#[test]
fn devices_cannot_be_marked_and_marks_of_nodes_do_not_stay_unseen() {
    devices().keys("space space ctrl-a").marks(&[]);
    let told = devices().keys(": 'fleet' enter").keys("v v v v v v v v v v v v v v");
    assert_eq!(told.app.ui.level.view.name, "devices");
    let told = told.keys("V V V V V V V V space");
    assert_eq!((told.app.ui.level.view.name, told.app.ui.marks.len()), ("all", 1));
    told.keys("V V").marks(&[]);
}

#[test]
fn a_node_whose_exporter_does_not_answer_keeps_one_row() {
    let told = devices();
    let failed = answer("gpu-dark", Err(GpuFailure::Failed(Sym::new("connection refused"))));
    let told = told.told(vec![exporter("gpu-dark"), failed]).later().keys("/ 'node:dark' enter").rows(&["gpu-dark/*"]);
    // It tells of its devices, and for ten minutes what it told counts.
    let told = told.told(vec![answer("gpu-dark", Ok(vec![device(0, 0, &["train-2"])]))]).later();
    assert_eq!(names(&told), ["gpu-dark/GPU-0", "gpu-dark/*"]);
    // What depends on the time follows within a minute.
    told.seconds(665).later().rows(&["gpu-dark/*"]);
}

#[test]
fn devices_are_grouped_by_node_job_namespace_pool_and_model() {
    devices().keys(": 'by' space 'node' enter").rows(&["gpu-dark", "gpu-a"]);
    devices().keys(": 'by' space 'job' enter").rows(&["(not told)", "(no pod)", "ml/train"]);
    devices().keys("d d d").rows(&["(not told)", "(no pod)", "ml"]);
    devices().keys(": 'by' space 'pool' enter").rows(&["gpu"]);
    devices().keys("D").rows(&["(not told)", "NVIDIA H100"]);
    devices().keys(": 'by' space 'zone' enter").says("devices cannot be grouped by \"zone\"; there are node, Job");
    devices().keys("2 : 'by' space 'node' enter").says("only Cost groups dollars, and Fleet devices");
}

#[test]
fn the_sums_of_a_group_are_those_of_its_devices_and_enter_shows_them() {
    let told = devices().keys(": 'by' space 'job' enter G").selected("Job ml/train");
    let sums: Vec<_> = told.app.ui.listing.device_groups.values().copied().collect();
    assert_eq!(sums.iter().map(|sums| sums.rate).sum::<i64>(), 2 * RATE);
    assert_eq!(sums.iter().map(|sums| sums.devices).sum::<i64>(), 16);
    let told = told.keys("enter").rows(&["gpu-a/GPU-1", "gpu-a/GPU-2", "gpu-a/GPU-0"]);
    // In a group the other views of Fleet show the machines that have such devices.
    let told = told.keys("V V V").screen(Screen::Fleet);
    assert_eq!(told.app.ui.level.view.name, "going");
    told.keys("V V V V V").rows(&["gpu-a"]).keys("esc").selected("Job ml/train");
}

#[test]
fn an_order_or_filter_of_nodes_does_not_stay_on_devices() {
    let told = devices().keys("V V V V V V b : 'sort' space 'zone' enter");
    assert_eq!(told.app.ui.level.sort.column.name, "zone");
    let told = told.keys("v v v v v v");
    assert_eq!((told.app.ui.level.view.name, told.app.ui.level.sort.column.name), ("devices", "attention"));
    // What both know of stays in the filter.
    assert_eq!(told.app.ui.level.filter, "held:yes");
    told.keys("esc / 'status:running' enter").says("the filter knows no \"status:\" here");
}

/// What a Prometheus server tells of a device of `gpu-a`: so many percent each half minute of the last five minutes.
fn past(percent: u32) -> HistoryAnswer {
    let at = |step: i64| noon().plus_seconds(-30 * step);
    let samples = (2..12).rev().map(|step| (at(step), vec![device(0, percent, &["train-0"])])).collect();
    HistoryAnswer { server: "monitoring/prom:9090".parse().unwrap(), told: HistoryTold::Node(samples) }
}

fn history(epoch: u64, name: &str, result: Result<Option<HistoryAnswer>, String>) -> Msg {
    Msg::History { epoch: Epoch(epoch), key: Key::new(Kind::Node, ObjectKey::cluster(name)), result }
}

#[test]
fn the_past_is_asked_when_details_are_opened_and_belongs_to_them() {
    let of_past = |told: &Story| told.app.ui.level.detail.as_ref().and_then(|detail| detail.gpu_past.clone());
    let mut told = devices().keys("j enter").asks(&["fetch Node gpu-a", "ask the past of Node gpu-a"]);
    let epoch = told.app.epoch.0;
    told.send(history(epoch + 1, "gpu-a", Ok(Some(past(40)))));
    told.send(history(epoch, "gpu-dark", Ok(Some(past(40)))));
    assert_eq!(of_past(&told), None, "of another cluster, and of another Node");
    told.send(history(epoch, "gpu-a", Ok(Some(past(40)))));
    let Some(Ok(past_told)) = of_past(&told) else { panic!("an answer") };
    let PastTold::Node(known) = &past_told.told else { panic!("the past of a Node") };
    let course = known.of_device(&device(0, 0, &[]), told.app.now);
    assert_eq!(course.iter().flatten().map(|one| one.whole_percent()).collect::<Vec<_>>(), [40; 11]);
    told.send(history(epoch, "gpu-a", Err("it hangs".to_owned())));
    assert_eq!(of_past(&told), Some(Err("it hangs".to_owned())));
    let mut told = told.keys("esc");
    told.send(history(epoch, "gpu-a", Ok(Some(past(40)))));
    assert!(told.app.ui.level.detail.is_none());
    // Nothing is asked of a Node without accelerators; of a Job with some.
    let told = told.keys(": 'fleet' enter v v v v v v v v v v v v").keys("V V V V V V / 'cpu-a' enter enter");
    let told = told.asks(&["fetch Node cpu-a"]).keys("esc esc 2 enter");
    told.asks(&["fetch Job ml/train", "ask the past of Job ml/train"]);
}

#[test]
fn what_devices_did_is_forgotten_with_their_node() {
    let told = devices();
    assert_eq!(remembered(&told, "gpu-a", &device(0, 0, &[])), (Some(91), 1));
    assert_eq!(remembered(&told, "gpu-dark", &device(0, 0, &[])), (None, 0));
    // Another Node comes under the name, with devices of its own.
    let mut other = with_region(node("gpu-a", "gpu"));
    other.meta.uid = Uid::parse("uid of another Node");
    let told = told.told(vec![upsert_node(other)]);
    assert_eq!(remembered(&told, "gpu-a", &device(0, 0, &[])), (None, 0));
    assert!(told.app.fleet.gpus.of_node("gpu-a").exporter.is_none(), "what the other one told is not of it");
    let told = told.told(vec![answer("gpu-a", Ok(vec![device(0, 7, &[])]))]);
    assert_eq!(remembered(&told, "gpu-a", &device(0, 0, &[])), (Some(7), 1));
}

#[test]
fn without_accelerators_there_are_no_devices() {
    let reports = vec![
        Report::Cluster(Box::new(facts())),
        Report::Delta(Delta::Nodes(upserts(vec![node("cpu-a", "cpu")]))),
        health(Kind::Node, HealthState::Live),
    ];
    let told = story(reports).later().keys("d").rows(&[]);
    assert_eq!(told.app.ui.level.view.name, "devices");
    told.told(vec![upsert_node(node("gpu-a", "gpu"))]).later().rows(&["gpu-a/*"]);
}

#[test]
fn dollars_by_class_of_the_devices_add_up_to_those_of_all_machines() {
    let told = devices().keys("6 : 'by' space 'class' enter").says("dollars by GPU class");
    let rates = told.app.insights.rates().expect("all machines are known");
    let of = |class: &str| rates.rate_of(&(GroupBy::DeviceClass, CostGroup::Named(Sym::new(class)))).unwrap_or(0);
    assert_eq!((of("Idle"), of("Busy")), (6_880_000, 13_760_001));
    let all: i64 = rates.by_group().filter(|((by, _), _)| *by == GroupBy::DeviceClass).map(|(_, rate)| rate).sum();
    assert_eq!(all, 2 * RATE);
    told.keys("'/idle' enter enter").rows(&["gpu-a"]);
}
