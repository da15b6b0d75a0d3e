//! What exporters tell, joined with what pods request.

use super::*;
use crate::fleet::{
    DeviceHolder, DeviceReading, Exporter, ExporterKind, GpuFailure, MigInstance, NodeAnswers, NodeDevices, NodeRow,
    ObjectKey, PodPhase, PodRow, Resources, Utilization,
};
use crate::insight::testing::{NOW, bare_device, eviction_of, labels, node, owner, pod, resources, sym};

const GPU: &str = "nvidia.com/gpu";

/// A Node with so many NVIDIA devices, its pods, and what an exporter tells of it.
struct Bench {
    node: NodeRow,
    pods: Vec<PodRow>,
    known: Option<NodeDevices>,
    prometheus: Option<NodeDevices>,
    thresholds: GpuThresholds,
    before: Option<NodeActivity>,
    seconds: i64,
}

fn bench(units: &[(&str, i64)], with: &[(&str, &str)]) -> Bench {
    let (capacity, allocatable) = (resources(0, 0, units), resources(0, 0, units));
    let node = NodeRow { capacity, allocatable, labels: labels(with), ..node("a") };
    Bench {
        node,
        pods: Vec::new(),
        known: None,
        prometheus: None,
        thresholds: GpuThresholds::default(),
        before: None,
        seconds: 0,
    }
}

/// With 8 whole devices.
fn of_eight() -> Bench {
    bench(&[(GPU, 8)], &[])
}

fn exporter_pod() -> PodRow {
    let mut row = PodRow { labels: labels(&[("app", "nvidia-dcgm-exporter")]), ..pod("gpu", "dcgm", Some("a")) };
    eviction_of(&mut row).of_daemon_set = true;
    row
}

fn exporter() -> Exporter {
    Exporter { kind: ExporterKind::Dcgm, pod: ObjectKey::new("gpu", "dcgm") }
}

impl Bench {
    fn pod(mut self, name: &str, units: &[(&str, i64)]) -> Self {
        let requests = resources(500, 1 << 30, units);
        self.pods.push(PodRow { requests: requests.into(), ..pod("ml", name, Some("a")) });
        self
    }

    fn with(mut self, change: impl FnOnce(&mut PodRow)) -> Self {
        self.pods.last_mut().map(change);
        self
    }

    fn told(mut self, devices: Vec<DeviceReading>) -> Self {
        if !self.pods.iter().any(|pod| pod.meta.key.name == "dcgm") {
            self.pods.push(exporter_pod());
        }
        let known = NodeDevices { exporter: exporter(), as_of: Some(NOW), devices, failure: None, ..silent() };
        self.known = Some(known);
        self
    }

    fn gpu(&self) -> NodeGpu {
        let mut requested = Resources::default();
        for gpu in self.pods.iter().flat_map(|pod| &pod.requests.gpus) {
            match requested.gpus.iter_mut().find(|known| known.resource == gpu.resource) {
                Some(known) => known.count += gpu.count,
                None => requested.gpus.push(gpu.clone()),
            }
        }
        let known =
            NodeHardware { node: &self.node, requested: &requested, promised: None, accelerator: None, dra: None };
        NodeGpu::of(known).expect("accelerators")
    }

    fn told_of_node(&self) -> NodeAnswers<'_> {
        NodeAnswers { exporter: self.known.as_ref(), prometheus: self.prometheus.as_ref() }
    }

    fn activity(&self) -> NodeActivity {
        let pods: Vec<&PodRow> = self.pods.iter().collect();
        let requesting: Vec<&PodRow> = self.pods.iter().filter(|pod| pod.requests.gpu_total() > 0).collect();
        NodeActivity::of(ActivityInput {
            gpu: &self.gpu(),
            pods: &pods,
            requesting: &requesting,
            are_pods_known: true,
            told: self.told_of_node(),
            thresholds: &self.thresholds,
            before: self.before.as_ref(),
            now: NOW.plus_seconds(self.seconds),
        })
    }

    /// Goes on with what was found, after so many seconds and with other readings.
    fn later(mut self, seconds: i64, devices: Vec<DeviceReading>) -> Self {
        self.before = Some(self.activity());
        self.seconds += seconds;
        let mut bench = self.told(devices);
        if let Some(known) = &mut bench.known {
            known.as_of = Some(NOW.plus_seconds(bench.seconds));
        }
        bench
    }

    fn class(&self) -> GpuClass {
        self.activity().class
    }
}

/// An exporter that has not told anything.
fn silent() -> NodeDevices {
    NodeDevices {
        exporter: exporter(),
        as_of: None,
        devices: Vec::new(),
        remark: None,
        failure: None,
        failed_before: Vec::new(),
    }
}

/// A board that is busy for so many percent, held by these pods.
fn board(uuid: &str, percent: u32, pods: &[&str]) -> DeviceReading {
    let holders = pods.iter().map(|name| DeviceHolder { pod: ObjectKey::new("ml", name), container: None });
    DeviceReading { utilization: Some(Utilization::percent(percent)), holders: holders.collect(), ..bare_device(uuid) }
}

fn instance(board_uuid: &str, id: u32, profile: &str, percent: u32, pods: &[&str]) -> DeviceReading {
    DeviceReading { mig: Some(MigInstance { id, profile: sym(profile) }), ..board(board_uuid, percent, pods) }
}

fn percent(of: Option<Utilization>) -> Option<f64> {
    of.map(|utilization| f64::from(utilization.millionths()) / 10_000.0)
}

/// Counts of physical devices by class, those that are there.
fn counts(activity: &NodeActivity) -> Vec<(GpuClass, i64)> {
    let counts = activity.by_class.expect("physical devices are known");
    GpuClass::ALL.into_iter().map(|class| (class, counts.get(class))).filter(|(_, count)| *count > 0).collect()
}

#[test]
fn held_devices_make_the_class_and_the_mean_of_a_node() {
    let busy = of_eight().pod("train", &[(GPU, 2)]).told(vec![
        board("G0", 90, &["train"]),
        board("G1", 0, &["train"]),
        board("G2", 0, &[]),
    ]);
    let activity = busy.activity();
    assert_eq!((activity.class, percent(activity.utilization)), (GpuClass::Busy, Some(45.0)));
    let want = [(GpuClass::Busy, 1), (GpuClass::Idle, 1), (GpuClass::Unallocated, 6)];
    assert_eq!(counts(&activity), want, "five boards of which nothing is told are not held");
    assert_eq!(activity.reason.machine_text(), "1 of 2 requested devices busy");
    assert_eq!(activity.exporter.state, ExporterState::Live);
}

#[test]
fn without_an_exporter_held_devices_are_unknown_and_others_unallocated() {
    let held = of_eight().pod("train", &[(GPU, 3)]).activity();
    assert_eq!((held.class, held.utilization), (GpuClass::Unknown, None));
    assert_eq!(counts(&held), [(GpuClass::Unallocated, 5), (GpuClass::Unknown, 3)]);
    assert_eq!(held.exporter.state, ExporterState::None);
    assert_eq!(held.reason.machine_text(), "no exporter of GPU metrics runs on the node");
    assert_eq!(of_eight().class(), GpuClass::Unallocated);
}

#[test]
fn a_node_is_stranded_only_by_pods_that_keep_it() {
    assert_eq!(of_eight().pod("web", &[]).class(), GpuClass::Stranded);
    let of_daemon_set = of_eight().pod("proxy", &[]).with(|pod| eviction_of(pod).of_daemon_set = true);
    assert_eq!(of_daemon_set.class(), GpuClass::Unallocated);
    let mirror = of_eight().pod("static", &[]).with(|pod| eviction_of(pod).of_node = true);
    assert_eq!(mirror.class(), GpuClass::Unallocated);
    let told = of_eight().pod("web", &[]).told(vec![board("G0", 0, &[])]).activity();
    assert_eq!(counts(&told), [(GpuClass::Unallocated, 8)], "of the Node only");
    assert_eq!(told.reason.machine_text(), "no pod requests a device, and 1 pod without keep the node");
}

#[test]
fn use_without_a_request_is_rogue_even_beside_busy_devices() {
    let node = of_eight().pod("train", &[(GPU, 1)]).told(vec![board("G0", 90, &["train"]), board("G1", 60, &[])]);
    let activity = node.activity();
    assert_eq!((activity.class, percent(activity.utilization)), (GpuClass::Rogue, Some(90.0)));
    let gone = of_eight().told(vec![board("G0", 90, &["gone"])]);
    assert_eq!(gone.class(), GpuClass::Rogue, "the pod is no longer there");
    let other = of_eight().pod("web", &[]).told(vec![board("G0", 90, &["web"])]);
    assert_eq!(other.class(), GpuClass::Rogue, "the pod requests none");
}

#[test]
fn without_labels_of_pods_the_busiest_devices_count_as_held() {
    let readings = || vec![board("G0", 0, &[]), board("G1", 80, &[]), board("G2", 40, &[]), board("G3", 0, &[])];
    let activity = of_eight().pod("train", &[(GPU, 3)]).told(readings()).activity();
    assert_eq!((activity.class, percent(activity.utilization)), (GpuClass::Busy, Some(40.0)));
    assert_eq!(activity.exporter.state, ExporterState::NoPodLabels);
    let want = [(GpuClass::Busy, 2), (GpuClass::Idle, 1), (GpuClass::Unallocated, 5)];
    assert_eq!(counts(&activity), want);
    assert_eq!(activity.of_pod(NodeAnswers::default(), &ObjectKey::new("ml", "train")).class, None);
    let shared = bench(&[(GPU, 8)], &[("nvidia.com/gpu.replicas", "4")]).pod("a", &[(GPU, 3)]).told(readings());
    assert_eq!(percent(shared.activity().utilization), Some(80.0), "three replicas of four are one device");
}

#[test]
fn nothing_is_said_of_devices_whose_pods_have_just_started() {
    let young = |seconds: i64| {
        let bench = of_eight().pod("train", &[(GPU, 1)]).with(|pod| pod.started = Some(NOW.plus_seconds(-seconds)));
        bench.told(vec![board("G0", 0, &["train"])])
    };
    assert_eq!((young(599).class(), young(600).class()), (GpuClass::Unknown, GpuClass::Idle));
    assert_eq!(young(1).activity().reason.machine_text(), "the pods that request devices started less than 10m ago");
    let mut pending = young(3_600);
    for pod in &mut pending.pods {
        pod.phase = PodPhase::Pending;
    }
    assert_eq!(pending.class(), GpuClass::Unknown, "its containers have not started");
    let joined = young(5).pod("old", &[(GPU, 1)]).told(vec![board("G0", 0, &["train", "old"])]);
    assert_eq!(joined.class(), GpuClass::Idle, "another pod has had the device for longer");
}

#[test]
fn instances_are_weighted_by_their_slices_and_a_board_counts_once() {
    let units = [("nvidia.com/mig-1g.10gb", 1), ("nvidia.com/mig-3g.40gb", 1)];
    let with = [("karpenter.k8s.aws/instance-gpu-count", "2"), ("nvidia.com/mig.strategy", "mixed")];
    let readings = vec![
        instance("G0", 1, "3g.40gb", 80, &["large"]),
        instance("G0", 7, "1g.10gb", 0, &["small"]),
        board("G1", 0, &[]),
    ];
    let bench = bench(&units, &with).pod("small", &[(units[0].0, 1)]).pod("large", &[(units[1].0, 1)]).told(readings);
    let activity = bench.activity();
    assert_eq!((activity.class, percent(activity.utilization)), (GpuClass::Busy, Some(60.0)));
    assert_eq!(counts(&activity), [(GpuClass::Busy, 1), (GpuClass::Unallocated, 1)]);
    let small = activity.of_pod(bench.told_of_node(), &ObjectKey::new("ml", "small"));
    assert_eq!((small.class, percent(small.utilization), small.is_shared), (Some(GpuClass::Idle), Some(0.0), false));
}

#[test]
fn a_shared_device_is_told_as_such_and_only_to_those_who_are_named() {
    let bench = bench(&[(GPU, 4)], &[("nvidia.com/gpu.replicas", "4"), ("nvidia.com/gpu.sharing-strategy", "mps")]);
    let bench = bench.pod("one", &[(GPU, 1)]).pod("two", &[(GPU, 1)]).pod("three", &[(GPU, 1)]);
    let bench = bench.told(vec![DeviceReading {
        memory_used_bytes: Some(4 << 30),
        memory_total_bytes: Some(80 << 30),
        ..board("G0", 30, &["one", "two"])
    }]);
    let activity = bench.activity();
    assert_eq!(counts(&activity), [(GpuClass::Busy, 1)]);
    assert_eq!((activity.memory_used_bytes, activity.memory_total_bytes), (Some(4 << 30), Some(80 << 30)));
    let of = |name| activity.of_pod(bench.told_of_node(), &ObjectKey::new("ml", name));
    assert_eq!((percent(of("one").utilization), of("one").is_shared), (Some(30.0), true));
    assert_eq!(of("three"), PodActivity { is_shared: true, ..PodActivity::default() }, "there is no other device");
}

#[test]
fn the_state_of_an_exporter_says_how_it_is_read() {
    let exported = |known| {
        let mut bench = of_eight().pod("train", &[(GPU, 1)]).told(vec![board("G0", 50, &["train"])]);
        bench.known = known;
        let status = bench.activity().exporter;
        (status.state, status.message.map(|message| message.machine_text()))
    };
    let words = |text: &str| Some(text.to_owned());
    let known = |seconds: i64, failure: Option<GpuFailure>| {
        let devices = vec![board("G0", 50, &["train"])];
        let as_of = Some(NOW.plus_seconds(-seconds));
        Some(NodeDevices {
            exporter: exporter(),
            as_of,
            devices,
            failure: failure.map(|failure| (NOW, failure)),
            ..silent()
        })
    };
    let failed = || Some(GpuFailure::Failed(sym("it hangs")));
    assert_eq!(exported(None), (ExporterState::Pending, words("it has not answered yet")));
    assert_eq!(exported(known(180, None)), (ExporterState::Live, None));
    assert_eq!(exported(known(181, None)), (ExporterState::Stale, None));
    assert_eq!(exported(known(60, failed())), (ExporterState::Stale, words("it hangs")));
    assert_eq!(exported(known(601, failed())), (ExporterState::Failed, words("it hangs")));
    let forbidden = || Some(GpuFailure::Forbidden(sym("no")));
    assert_eq!(exported(known(601, forbidden())), (ExporterState::Forbidden, words("no")));
    let of_another = known(0, None)
        .map(|known| NodeDevices { exporter: Exporter { pod: ObjectKey::new("gpu", "other"), ..exporter() }, ..known });
    assert_eq!(exported(of_another).0, ExporterState::Pending);
}

/// What one of them told so many seconds ago, one device that is busy for so many percent, and why it tells nothing since.
fn told_ago(exporter: Exporter, seconds: i64, percent: u32, failure: Option<GpuFailure>) -> NodeDevices {
    let devices = vec![board("G0", percent, &["train"])];
    NodeDevices {
        exporter,
        as_of: Some(NOW.plus_seconds(-seconds)),
        devices,
        failure: failure.map(|why| (NOW, why)),
        ..silent()
    }
}

fn by_prometheus() -> Exporter {
    Exporter { kind: ExporterKind::Prometheus, ..exporter() }
}

#[test]
fn prometheus_counts_only_where_the_exporter_tells_nothing_newer() {
    let failed = || Some(GpuFailure::Failed(sym("it hangs")));
    let hangs = |who| NodeDevices { as_of: None, devices: Vec::new(), ..told_ago(who, 0, 0, failed()) };
    let own = |seconds, failure| Some(told_ago(exporter(), seconds, 10, failure));
    let prometheus = |seconds| Some(told_ago(by_prometheus(), seconds, 90, None));
    let found = |known, prometheus, with_pod| {
        let mut bench = of_eight().pod("train", &[(GPU, 1)]);
        bench.pods.extend(Some(exporter_pod()).filter(|_| with_pod));
        (bench.known, bench.prometheus) = (known, prometheus);
        let activity = bench.activity();
        let status = activity.exporter;
        let kind = status.exporter.map(|exporter| exporter.kind);
        (percent(activity.utilization), status.state, kind, status.is_unread)
    };
    let (dcgm, other) = (Some(ExporterKind::Dcgm), Some(ExporterKind::Prometheus));
    let live = ExporterState::Live;
    assert_eq!(found(own(60, None), prometheus(1), true), (Some(10.0), live, dcgm, false), "a fresh one wins");
    assert_eq!(found(own(60, failed()), prometheus(1), true), (Some(90.0), live, other, true));
    assert_eq!(found(own(60, failed()), prometheus(90), true), (Some(10.0), ExporterState::Stale, dcgm, true));
    assert_eq!(found(own(300, None), prometheus(1), true), (Some(90.0), live, other, false), "it is not fresh");
    assert_eq!(found(own(60, None), prometheus(1), false), (Some(90.0), live, other, true), "its pod is gone");
    assert_eq!(found(None, prometheus(1), true), (Some(90.0), live, other, false), "it has not answered yet");
    assert_eq!(found(Some(hangs(exporter())), prometheus(1), true), (Some(90.0), live, other, true));
    let old = found(Some(hangs(exporter())), prometheus(601), true);
    assert_eq!(old, (None, ExporterState::Failed, dcgm, true));
    assert_eq!(found(None, None, false), (None, ExporterState::None, None, true));
    let stale = Some(told_ago(by_prometheus(), 60, 90, failed()));
    assert_eq!(found(None, stale, false), (Some(90.0), ExporterState::Stale, other, true));
}

#[test]
fn where_neither_tells_the_message_says_it_of_both() {
    let refused = |who, words| {
        let failure = Some((NOW, GpuFailure::Forbidden(sym(words))));
        Some(NodeDevices { exporter: who, failure, ..silent() })
    };
    let mut bench = of_eight().pod("train", &[(GPU, 1)]);
    bench.prometheus = refused(by_prometheus(), "no Services");
    let status = |bench: &Bench| {
        let status = bench.activity().exporter;
        (status.state, status.message.map(|message| message.machine_text()))
    };
    assert_eq!(status(&bench), (ExporterState::None, Some("Prometheus: no Services".to_owned())));
    bench.pods.push(exporter_pod());
    bench.known = refused(exporter(), "no pods");
    assert_eq!(status(&bench), (ExporterState::Forbidden, Some("no pods; Prometheus: no Services".to_owned())));
    bench.known = Some(told_ago(exporter(), 0, 0, None));
    assert_eq!(status(&bench), (ExporterState::Live, None), "it was asked before");
}

#[test]
fn prometheus_is_not_asked_of_devices_that_no_exporter_tells_of() {
    let unread = |resource| bench(&[(resource, 4)], &[]).activity().exporter.is_unread;
    assert_eq!([GPU, "amd.com/gpu", "aws.amazon.com/neuron"].map(unread), [true; 3]);
    assert_eq!(["google.com/tpu", "habana.ai/gaudi"].map(unread), [false; 2]);
    let mut pending = of_eight();
    pending.pods.push(PodRow { phase: PodPhase::Pending, ..exporter_pod() });
    let status = pending.activity().exporter;
    assert_eq!((status.is_unread, status.pod), (true, Some(exporter().pod)));
}

#[test]
fn old_readings_are_no_readings() {
    let mut bench = of_eight().pod("train", &[(GPU, 1)]).told(vec![board("G0", 50, &["train"])]);
    bench.seconds = 601;
    let activity = bench.activity();
    assert_eq!((activity.class, activity.utilization, activity.devices.len()), (GpuClass::Unknown, None, 0));
}

#[test]
fn exporters_are_found_by_labels_or_by_their_daemon_set() {
    let find = |vendor, with: &[(&str, &str)], of: Option<&str>| {
        let mut row = PodRow { labels: labels(with), ..pod("x", "some-pod", Some("a")) };
        if let Some(name) = of {
            row.owner = Some(owner("DaemonSet", name, &crate::fleet::Uid::parse("uid")));
            eviction_of(&mut row).of_daemon_set = true;
        }
        find_exporters(vendor, [&row].into_iter()).first().map(|found| found.kind)
    };
    let (dcgm, amd, neuron) = (Some(ExporterKind::Dcgm), Some(ExporterKind::Amd), Some(ExporterKind::Neuron));
    for (vendor, label, value, want) in [
        (Vendor::Nvidia, "app", "nvidia-dcgm-exporter", dcgm),
        (Vendor::Nvidia, "app.kubernetes.io/name", "dcgm-exporter", dcgm),
        (Vendor::Nvidia, "app.kubernetes.io/name", "gke-managed-dcgm-exporter", dcgm),
        (Vendor::Nvidia, "k8s-app", "dcgm-exporter", dcgm),
        (Vendor::Nvidia, "app", "dcgm-exporter-config", None),
        (Vendor::Amd, "app.kubernetes.io/name", "device-metrics-exporter", amd),
        (Vendor::Amd, "app", "dcgm-exporter", None),
        (Vendor::Aws, "app", "neuron-monitor", neuron),
        (Vendor::Google, "app", "dcgm-exporter", None),
    ] {
        assert_eq!(find(vendor, &[(label, value)], None), want, "{label}={value}");
    }
    assert_eq!(find(Vendor::Nvidia, &[], Some("gpu-dcgm-exporter")), dcgm);
}

#[test]
fn of_several_exporters_one_that_runs_is_read_and_the_others_are_named() {
    let mut bench = of_eight().told(vec![board("G0", 0, &[])]);
    bench.pods.push(PodRow {
        phase: PodPhase::Pending,
        meta: pod("gpu", "a-second", Some("a")).meta,
        ..exporter_pod()
    });
    let status = bench.activity().exporter;
    assert_eq!((status.state, status.running), (ExporterState::Live, Some(exporter())));
    let message = status.message.map(|message| message.machine_text());
    assert_eq!(message.as_deref(), Some("not the only exporter on the node: also gpu/a-second"));
}

#[test]
fn a_device_becomes_busy_at_once_and_idle_after_a_while() {
    let busy = || vec![board("G0", 90, &["train"])];
    let idle = || vec![board("G0", 0, &["train"])];
    let bench = of_eight().pod("train", &[(GPU, 1)]).told(busy());
    assert_eq!(bench.activity().since, None, "how long it has been so is not known");
    let bench = bench.later(60, idle());
    assert_eq!(bench.class(), GpuClass::Busy);
    let bench = bench.later(119, idle());
    assert_eq!(bench.class(), GpuClass::Busy);
    let bench = bench.later(1, idle());
    let activity = bench.activity();
    assert_eq!((activity.class, activity.since), (GpuClass::Idle, Some(NOW.plus_seconds(180))));
    let bench = bench.later(15, busy());
    assert_eq!(bench.class(), GpuClass::Busy);
    let bench = bench.later(15, idle()).later(15, busy()).later(110, idle());
    assert_eq!(bench.class(), GpuClass::Busy, "the time begins anew");
}

#[test]
fn a_device_that_is_given_back_is_unallocated_at_once() {
    let bench = of_eight().pod("train", &[(GPU, 1)]).told(vec![board("G0", 90, &["train"])]);
    let mut bench = bench.later(15, vec![board("G0", 0, &[])]);
    bench.pods.retain(|pod| pod.meta.key.name != "train");
    assert_eq!(bench.class(), GpuClass::Unallocated);
}

#[test]
fn more_boards_than_there_are_said_to_be_do_not_break_the_sum() {
    let with = [("karpenter.k8s.aws/instance-gpu-count", "1")];
    let bench = bench(&[(GPU, 1)], &with).pod("train", &[(GPU, 1)]);
    let activity = bench.told(vec![board("G0", 0, &[]), board("G1", 50, &["train"])]).activity();
    assert_eq!(counts(&activity), [(GpuClass::Busy, 1)]);
}

#[test]
fn another_exporter_is_asked_where_the_first_fails() {
    let second = || ObjectKey::new("gpu", "dcgm-2");
    let status = |known: NodeDevices| {
        let mut bench = of_eight();
        bench.pods.extend([exporter_pod(), PodRow { meta: pod("gpu", "dcgm-2", Some("a")).meta, ..exporter_pod() }]);
        bench.known = Some(known);
        let status = bench.activity().exporter;
        let asked = status.running.expect("one runs").pod.name;
        (asked.to_string(), status.state, status.message.map(|message| message.machine_text()).unwrap_or_default())
    };
    let failure = || Some((NOW, GpuFailure::Failed(sym("it hangs"))));
    let of = |pod: ObjectKey| Exporter { pod, ..exporter() };
    let first_failed = NodeDevices { failure: failure(), ..silent() };
    let message = "it hangs; not the only exporter on the node: also gpu/dcgm".to_owned();
    assert_eq!(status(first_failed), ("dcgm-2".to_owned(), ExporterState::Failed, message));
    let second_told =
        NodeDevices { exporter: of(second()), as_of: Some(NOW), devices: vec![board("G0", 0, &[])], ..silent() };
    assert_eq!(status(second_told).0, "dcgm-2", "it goes on being asked");
    let both =
        NodeDevices { exporter: of(second()), failure: failure(), failed_before: vec![exporter().pod], ..silent() };
    assert_eq!((status(both.clone()).0, status(both).1), ("dcgm-2".to_owned(), ExporterState::Failed));
}

#[test]
fn what_an_answer_has_that_cannot_be_used_is_said() {
    let mut bench =
        of_eight().pod("train", &[(GPU, 2)]).told(vec![board("G0", 9, &["train"]), board("G1", 9, &["gone"])]);
    bench.known.as_mut().expect("an answer").remark = Some(sym("line 3 is unreadable"));
    let status = bench.activity().exporter;
    let message = status.message.map(|message| message.machine_text());
    let want = "line 3 is unreadable; it names pods that hold no device here: ml/gone";
    assert_eq!((status.state, message.as_deref()), (ExporterState::Live, Some(want)));
}

#[test]
fn labels_that_name_only_pods_without_devices_are_none() {
    let bench =
        of_eight().pod("train", &[(GPU, 1)]).pod("web", &[]).told(vec![board("G0", 70, &["web"]), board("G1", 0, &[])]);
    let activity = bench.activity();
    assert_eq!((activity.exporter.state, activity.class), (ExporterState::NoPodLabels, GpuClass::Busy));
    assert_eq!(counts(&activity), [(GpuClass::Busy, 1), (GpuClass::Unallocated, 7)]);
}

#[test]
fn the_reason_is_that_of_the_devices_that_are_requested() {
    let silent_board = DeviceReading { utilization: None, ..board("G0", 0, &["train"]) };
    let bench = of_eight().pod("train", &[(GPU, 1)]).told(vec![silent_board, board("G1", 0, &[])]);
    let words = bench.activity().reason.machine_text();
    assert_eq!(words, "the exporter does not tell how busy the requested devices are");
}

#[test]
fn instances_weigh_exactly_what_they_are_of_a_board() {
    let profiles = [("nvidia.com/mig-1g.10gb", "1g.10gb"), ("nvidia.com/mig-4g.40gb", "4g.40gb")];
    let units = profiles.map(|(resource, _)| (resource, 1));
    let bench = bench(&units, &[]).pod("small", &units[..1]).pod("large", &units[1..]);
    let bench =
        bench.told(vec![instance("G0", 1, "4g.40gb", 0, &["large"]), instance("G0", 7, "1g.10gb", 100, &["small"])]);
    assert_eq!(percent(bench.activity().utilization), Some(20.0));
}
