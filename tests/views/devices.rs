//! Fleet's devices: accelerators one by one, and in groups.

use batchtop::app::{App, Msg, update};
use batchtop::fleet::*;

use crate::fixture::{
    HOUR, ago, clock, empty, fleet, frame, labels, now, pod, press, report, resources, set_health, upsert,
};
use crate::paint::{body, body_with_roles, snapshot, text};
use crate::screens::SIZES;

const P5: &str = "ip-10-0-12-34.ec2.internal";
const G5: &str = "ip-10-0-12-80.ec2.internal";
const AUTO: &str = "ip-10-0-12-91.ec2.internal";

fn device(node: &str, index: u32, percent: u32, gib: u64, pods: &[&str]) -> DeviceReading {
    let holders = pods.iter().map(|pod| DeviceHolder { pod: ObjectKey::new("ml", pod), container: None });
    DeviceReading {
        uuid: Sym::new(&format!("GPU-{}-{index}", node.len())),
        index: Some(index),
        model: Some(Sym::new("NVIDIA H100 80GB HBM3")),
        mig: None,
        utilization: Some(Utilization::percent(percent)),
        memory_used_bytes: Some(gib << 30),
        memory_total_bytes: Some(80 << 30),
        power_milliwatts: Some(70_000 + 6_000 * percent),
        temperature_celsius: Some(31 + i16::try_from(percent / 3).unwrap_or(0)),
        xid: Some(0),
        holders: holders.collect(),
    }
}

fn answer(node: &str, devices: Result<Vec<DeviceReading>, GpuFailure>) -> Report {
    let exporter = Exporter { kind: ExporterKind::Dcgm, pod: exporter(node).meta.key };
    Report::Delta(Delta::Gpus(vec![GpuAnswer {
        node: Sym::new(node),
        exporter,
        at: ago(12),
        devices: devices.map(Into::into),
    }]))
}

fn exporter(node: &str) -> PodRow {
    let mut row = pod(&format!("dcgm-{node}"), None, Some(node), 9 * HOUR, resources(100, 1, 0));
    row.labels = labels(&[("app", "dcgm-exporter")]);
    row
}

/// Every state of a device once: on `12-34` boards with pods, an error and a stranger; on `12-80` boards that are split or
/// not told; `12-91` may not be read.
fn devices(size: (u16, u16)) -> App {
    let mut app = fleet(size);
    let p5 = vec![
        device(P5, 0, 97, 61, &["train-0-x0k2p"]),
        device(P5, 1, 93, 60, &["train-1-x1k2p"]),
        device(P5, 2, 0, 0, &["train-2-x2k2p"]),
        device(P5, 3, 1, 44, &["train-3-x3k2p"]),
        DeviceReading { xid: Some(79), ..device(P5, 4, 100, 12, &["train-4-x4k2p"]) },
        DeviceReading { utilization: None, memory_total_bytes: None, ..device(P5, 5, 0, 12, &["train-5-x5k2p"]) },
        device(P5, 6, 9, 20, &["train-6-x6k2p", "guest"]),
        device(P5, 7, 34, 20, &[]),
    ];
    let mig = |id, profile: &str| Some(MigInstance { id, profile: Sym::new(profile) });
    let a30 = |device: DeviceReading| DeviceReading { model: Some(Sym::new("NVIDIA A30")), xid: None, ..device };
    let g5 = vec![
        a30(DeviceReading { mig: mig(1, "2g.12gb"), ..device(G5, 0, 71, 3, &["train-7-b8d1q"]) }),
        a30(DeviceReading { mig: mig(2, "1g.6gb"), ..device(G5, 0, 0, 0, &[]) }),
        a30(device(G5, 1, 55, 9, &["train-7-b8d1q"])),
        a30(DeviceReading {
            index: None,
            power_milliwatts: None,
            temperature_celsius: None,
            ..device(G5, 2, 0, 0, &[])
        }),
    ];
    for node in [P5, G5, AUTO] {
        report(&mut app, Report::Delta(Delta::Pods(upsert(exporter(node)))));
    }
    let forbidden = GpuFailure::Forbidden(Sym::new("pods \"dcgm\" is forbidden: cannot get resource \"pods/proxy\""));
    for told in [answer(P5, Ok(p5)), answer(G5, Ok(g5)), answer(AUTO, Err(forbidden))] {
        report(&mut app, told);
    }
    later(&mut app);
    press(&mut app, "d");
    app
}

fn later(app: &mut App) {
    clock(app, now().plus_seconds(1));
    clock(app, now().plus_seconds(2));
    frame(app);
}

fn devices_after(size: (u16, u16), keys: &str) -> App {
    let mut app = devices(size);
    press(&mut app, keys);
    app
}

#[test]
fn devices_one_by_one() {
    for size in SIZES {
        snapshot!(format!("devices_{}x{}", size.0, size.1), body_with_roles(&devices(size)));
    }
}

#[test]
fn devices_in_groups() {
    for (dimension, keys) in
        [("node", "d"), ("job", "d d"), ("namespace", "d d d"), ("nodepool", "D D"), ("model", "D")]
    {
        for size in [(80, 24), (120, 40), (200, 60)] {
            let app = devices_after(size, keys);
            snapshot!(format!("devices_by_{dimension}_{}x{}", size.0, size.1), body(&app));
        }
    }
}

#[test]
fn a_device_beside_the_details_of_its_node() {
    snapshot!("devices_detail_200x60", body(&devices_after((200, 60), "j enter")));
}

/// Ten minutes of readings every 30 seconds, with a gap in which the exporter was not read; a device that comes and goes.
fn with_history(size: (u16, u16)) -> App {
    let mut app = devices(size);
    let mig = |id, profile: &str| Some(MigInstance { id, profile: Sym::new(profile) });
    for step in (0..20).filter(|step| !(12..15).contains(step)) {
        let at = now().plus_seconds(3 + 30 * i64::from(step));
        clock(&mut app, at);
        let p5 = (0..8).map(|index| device(P5, index, (index * 14 + step * 5) % 101, 20, &["train-0-x0k2p"]));
        let p5 = p5.filter(|device| step % 10 < 4 || device.index != Some(7)).collect();
        let g5 = vec![
            DeviceReading { mig: mig(1, "2g.12gb"), ..device(G5, 0, 71, 3, &["train-7-b8d1q"]) },
            DeviceReading { mig: mig(2, "1g.6gb"), utilization: None, ..device(G5, 0, 0, 0, &[]) },
        ];
        for (node, devices) in [(P5, p5), (G5, g5)] {
            let exporter = Exporter { kind: ExporterKind::Dcgm, pod: exporter(node).meta.key };
            let answer = GpuAnswer { node: Sym::new(node), exporter, at, devices: Ok(devices.into()) };
            report(&mut app, Report::Delta(Delta::Gpus(vec![answer])));
        }
    }
    let end = now().plus_seconds(615);
    clock(&mut app, end);
    clock(&mut app, end.plus_seconds(1));
    frame(&mut app);
    app
}

/// The part of the details of a Node that is about its accelerators.
fn accelerators(app: &App) -> String {
    let shown = text(app);
    let lines: Vec<&str> = shown.lines().skip_while(|line| !line.contains("ACCELERATORS")).collect();
    let end = lines.iter().position(|line| line.contains(" PODS")).unwrap_or(lines.len());
    lines[..end].iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_last_fifteen_minutes_of_devices() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        for (name, filter) in [("boards", "12-34"), ("instances", "12-80")] {
            let mut app = with_history(size);
            let typed: Vec<String> = filter.chars().map(String::from).collect();
            press(&mut app, &format!("/ {} enter enter", typed.join(" ")));
            let is_there = |app: &App| ["ACCELERATORS", "read from"].iter().all(|words| text(app).contains(words));
            (0..100).for_each(|_| {
                if !is_there(&app) {
                    press(&mut app, "j");
                }
            });
            snapshot!(format!("history_{name}_{}x{}", size.0, size.1), accelerators(&app));
        }
    }
}

/// The answer of a Prometheus server about an object whose details are open.
fn answer_of_past(app: &mut App, key: Key, told: HistoryTold) {
    let server = "monitoring/prometheus:9090".parse().expect("an address");
    let result = Ok(Some(HistoryAnswer { server, told }));
    update(app, Msg::History { epoch: app.epoch, key, result });
    let end = app.now.plus_seconds(12);
    clock(app, end);
    frame(app);
}

#[test]
fn what_prometheus_knows_of_the_past() {
    for size in [(80, 60), (120, 60), (200, 60)] {
        let mut app = devices_after(size, "/ 1 2 - 3 4 enter enter");
        let step = |step: i64| now().plus_seconds(30 * step - 900);
        let boards = |at: u32| (0..8).map(|index| device(P5, index, (index * 14 + at * 5) % 101, 20, &[])).collect();
        let samples = (0..25_u32).map(|at| (step(at.into()), boards(at))).collect();
        answer_of_past(&mut app, Key::new(Kind::Node, ObjectKey::cluster(P5)), HistoryTold::Node(samples));
        let is_there = |app: &App| ["ACCELERATORS", "read from"].iter().all(|words| text(app).contains(words));
        (0..100).for_each(|_| {
            if !is_there(&app) {
                press(&mut app, "j");
            }
        });
        press(&mut app, &"j ".repeat(10));
        snapshot!(format!("past_of_node_{}x{}", size.0, size.1), accelerators(&app));

        let mut app = devices_after(size, "2 / t r a i n enter enter");
        (1..4).for_each(|minute| clock(&mut app, now().plus_seconds(60 * minute)));
        let key =
            app.ui.level.detail.as_ref().and_then(|detail| detail.object()).expect("the details of a Job").clone();
        answer_of_past(&mut app, key, HistoryTold::Job(DeviceSeconds { held: 316_800, busy: 289_000 }));
        let shown = text(&app);
        let hours: Vec<&str> = shown.lines().skip_while(|line| !line.contains("PROGRESS")).take(16).collect();
        snapshot!(format!("past_of_job_{}x{}", size.0, size.1), hours.join("\n"));
    }
}

/// No exporter runs anywhere: one row for each Node with accelerators.
#[test]
fn devices_without_exporters() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        let mut app = fleet(size);
        later(&mut app);
        press(&mut app, "d");
        snapshot!(format!("devices_no_exporter_{}x{}", size.0, size.1), body_with_roles(&app));
    }
}

#[test]
fn the_sentence_about_a_device_says_what_the_row_has_no_room_for() {
    let sentence = |filter: &str| {
        let typed: Vec<String> = filter.chars().map(String::from).collect();
        let mut app = devices_after((160, 24), &format!("/ {} enter", typed.join(" ")));
        app.ui.notice = None;
        let shown = text(&app);
        let lines: Vec<&str> = shown.lines().collect();
        lines.get(lines.len() - 2).map(|line| line.trim().to_owned()).unwrap_or_default()
    };
    let said = ["pod:train-4", "class:rogue", "pod:guest", "node:12-91", "12-80"].map(sentence);
    snapshot!("devices_sentences", said.join("\n"));
}

/// Nothing is known, and a cluster without accelerators.
#[test]
fn no_devices() {
    let mut app = empty((80, 24));
    press(&mut app, "d");
    snapshot!("devices_connecting", body(&app));
    set_health(&mut app, Kind::Node, HealthState::Live);
    snapshot!("devices_none", body(&app));
    press(&mut app, "d");
    snapshot!("devices_none_by_node", body(&app));
}
