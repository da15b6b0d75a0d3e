//! The accelerators of a Node: what there is, what pods request, what each device does.

use super::super::context::FrameContext;
use super::super::layout::Layout;
use super::super::{Line, format, sparkline, words};
use super::Page;
use crate::app::{GpuPast, PastTold};
use crate::config::Role;
use crate::fleet::{DeviceReading, Exporter, ExporterKind, Kind, NodeRow};
use crate::insight::gpu::history::{self, Course, SLOTS};
use crate::insight::gpu::{
    DeviceActivity, DevicePlugin, ExporterState, ExporterStatus, GpuClass, NodeActivity, NodeGpu, Sharing,
};
use crate::insight::picture::{CpuShare, Disagreement};
use crate::units::Time;

/// The section of a Node that has accelerators.
pub(super) fn section(frame: &FrameContext<'_>, node: &NodeRow, page: &mut Page) {
    let Some(gpu) = frame.node(node).and_then(|picture| picture.gpu.as_ref()) else { return };
    page.section("ACCELERATORS");
    requests(frame, gpu, page);
    device_plugin(frame, node, gpu, page);
    let Some(state) = frame.app.insights.gpus.of_node(&node.meta.key.name) else { return };
    let activity = &state.activity;
    disagreement(frame, node, gpu, activity, page);
    page.fact("now", class(frame, activity));
    last_minutes(frame, node, activity, page);
    page.fact("read from", exporter(frame, &activity.exporter));
    devices(frame, node, activity, page);
}

fn requests(frame: &FrameContext<'_>, gpu: &NodeGpu, page: &mut Page) {
    let model = gpu.model.as_ref().map_or_else(String::new, |model| format!(" {model}"));
    let line = words::gpus(frame.gpus_requested(gpu), gpu.advertised)
        .and(Role::TextDim, format!(" requested{model} ({})", gpu.resource));
    page.fact("requests", line);
    let each = if gpu.resources.len() > 1 { gpu.resources.as_slice() } else { &[] };
    for one in each {
        page.fact(
            "",
            words::gpus(frame.if_pods_known(one.requested), one.advertised)
                .and(Role::TextDim, format!(" {}", one.resource)),
        );
    }
    if let (Some(physical), Some(devices)) = (gpu.physical, gpu.physical_requested.filter(|_| frame.all(Kind::Pod)))
        && gpu.sharing != Sharing::None
    {
        let words =
            format!("{} of {physical} requested ({})", format::thousandths(devices), words::sharing(gpu.sharing));
        page.fact("devices", Line::plain(words));
    }
}

/// What is wrong with the device plugin, and since when.
fn device_plugin(frame: &FrameContext<'_>, node: &NodeRow, gpu: &NodeGpu, page: &mut Page) {
    let words = match gpu.device_plugin {
        DevicePlugin::Ready => return,
        DevicePlugin::NotRegistered => format!("device plugin: {} is not registered", gpu.resource),
        DevicePlugin::Unhealthy => {
            format!("{} advertised but not allocatable", format::count(gpu.advertised - gpu.allocatable))
        }
    };
    let since = plugin_since(frame, node, gpu).map(|since| format::age(frame.app.now.seconds_since(since)));
    let since = since.map_or_else(String::new, |age| format!(" for {age}"));
    page.fact("", Line::of(Role::Warn, format!("△ {words}{since}")));
}

/// As batchtop has seen it; of a resource that the Node has never had, since there is the Node. The kubelet keeps a resource
/// whose plugin has gone, with zero.
fn plugin_since(frame: &FrameContext<'_>, node: &NodeRow, gpu: &NodeGpu) -> Option<Time> {
    let state = frame.app.insights.gpus.of_node(&node.meta.key.name);
    let seen = state.and_then(|state| state.activity.device_plugin.1);
    let is_new = gpu.device_plugin == DevicePlugin::NotRegistered
        && !node.capacity.gpus.iter().any(|units| units.resource == gpu.resource);
    seen.or_else(|| is_new.then_some(node.meta.created))
}

fn disagreement(frame: &FrameContext<'_>, node: &NodeRow, gpu: &NodeGpu, activity: &NodeActivity, page: &mut Page) {
    let Some(picture) = frame.node(node) else { return };
    let found = Disagreement::of(&frame.evaluator().node(node), gpu, activity, CpuShare::of(node, picture));
    if let Disagreement::Because(sentence) = found {
        let words = format!("{} {}", words::DISAGREES, format::sentence(frame.app.now, &sentence));
        page.item(Line::of(Role::Warn, words));
    }
}

/// The class, since when, and why.
fn class(frame: &FrameContext<'_>, activity: &NodeActivity) -> Line {
    let since = activity
        .since
        .map_or_else(String::new, |since| format!(" for {}", format::age(frame.app.now.seconds_since(since))));
    let reason = format::sentence(frame.app.now, &activity.reason);
    words::gpu_class(activity.class).and(Role::Text, since).and(Role::TextDim, format!("  {reason}"))
}

/// Which exporter, how old its figures are, and what to do where there are none.
fn exporter(frame: &FrameContext<'_>, status: &ExporterStatus) -> Line {
    let name = status.exporter.as_ref().map_or_else(String::new, exporter_name);
    let age =
        status.as_of.map_or_else(String::new, |at| format!(", {} ago", format::age(frame.app.now.seconds_since(at))));
    let why = status.message.as_ref().map(|message| format::sentence(frame.app.now, message)).unwrap_or_default();
    match status.state {
        ExporterState::Live if why.is_empty() => Line::plain(format!("{name}{age}")),
        ExporterState::Live => Line::plain(format!("{name}{age}")).and(Role::Warn, format!("  △ {why}")),
        ExporterState::NoPodLabels => {
            let words = format!("  △ it names no pod: the busiest devices count as requested. {why}");
            Line::plain(format!("{name}{age}")).and(Role::Warn, words)
        }
        ExporterState::Pending => Line::of(Role::Unknown, format!("{name}: {} no answer yet", format::NOT_YET)),
        ExporterState::None => {
            let words = "? no exporter: run dcgm-exporter, device-metrics-exporter or neuron-monitor as a DaemonSet";
            let why = if why.is_empty() { why } else { format!("; {why}") };
            Line::of(Role::Unknown, format!("{words}{why}"))
        }
        ExporterState::Forbidden => {
            let words = format!("✗ {name}: {why}; batchtop rbac viewer --with-gpu-metrics prints the rights");
            Line::of(Role::Bad, words)
        }
        ExporterState::Failed => Line::of(Role::Bad, format!("✗ {name}: {why}")),
        ExporterState::Stale => Line::of(Role::Stale, format!("{name}{age}: {why}")),
    }
}

/// The pod, or the Service of Prometheus where the pod is not known; with who told of it.
fn exporter_name(exporter: &Exporter) -> String {
    match exporter.kind {
        ExporterKind::Prometheus => format!("{} by Prometheus", exporter.pod),
        ExporterKind::Dcgm | ExporterKind::Amd | ExporterKind::Neuron => exporter.pod.to_string(),
    }
}

fn devices(frame: &FrameContext<'_>, node: &NodeRow, activity: &NodeActivity, page: &mut Page) {
    for (reading, device) in activity.each_device(frame.app.fleet.gpus.of_node(&node.meta.key.name)) {
        let (own, past) = (own_course(frame, node, reading), past_course(frame, node, reading));
        page.item(device_line(frame, reading, device, &history::either(&own, &past)));
    }
}

/// What batchtop has read of a device itself.
fn own_course(frame: &FrameContext<'_>, node: &NodeRow, reading: &DeviceReading) -> Course {
    let history = frame.app.insights.gpu_history.of_node(&node.meta.key.name);
    history.map_or(history::UNKNOWN, |history| history.of_device(reading, frame.app.now))
}

/// What a Prometheus server has told of it.
fn past_course(frame: &FrameContext<'_>, node: &NodeRow, reading: &DeviceReading) -> Course {
    match frame.past(&node.meta.key).and_then(|past| past.as_ref().ok()).map(|past| &past.told) {
        Some(PastTold::Node(history)) => history.of_device(reading, frame.app.now),
        Some(PastTold::Job(_)) | None => history::UNKNOWN,
    }
}

/// The last fifteen minutes of the Node, and who told of them.
fn last_minutes(frame: &FrameContext<'_>, node: &NodeRow, activity: &NodeActivity, page: &mut Page) {
    if activity.devices.is_empty() {
        return;
    }
    let told = frame.app.fleet.gpus.of_node(&node.meta.key.name);
    let own = history::of_node(activity, told, |reading| own_course(frame, node, reading));
    let past = history::of_node(activity, told, |reading| past_course(frame, node, reading));
    let course = history::either(&own, &past);
    let line = sparkline::of(&course, room(frame), words::gpu_class_role(activity.class));
    let now = activity.utilization.map_or_else(|| format::UNKNOWN.to_owned(), format::utilization);
    let line = line.and(Role::Gpu, format!(" {now:>4}"));
    page.fact("busy", line.and(Role::TextDim, format!("  last 15 min, {}", source(&own))));
    if own.contains(&None)
        && let Some(past_told) = frame.past(&node.meta.key)
    {
        page.fact("", source_of_past(frame, past_told, &past));
    }
}

/// Who told of the minutes that batchtop has not read.
fn source_of_past(frame: &FrameContext<'_>, told: &Result<Box<GpuPast>, String>, course: &Course) -> Line {
    match told {
        Err(why) => Line::of(Role::Bad, format!("✗ the other minutes: {why}")),
        Ok(past) => {
            let age = format::age(frame.app.now.seconds_since(past.at));
            let is_silent = course.iter().all(Option::is_none);
            let what = if is_silent { "nothing of the other minutes" } else { "the other minutes" };
            Line::of(Role::TextDim, format!("{what} by Prometheus {}, asked {age} ago", past.server))
        }
    }
}

/// How many of the minutes of a course batchtop has read itself.
fn source(own: &Course) -> String {
    match own.iter().flatten().count() {
        SLOTS => "read by batchtop".to_owned(),
        known => format!("batchtop read {} of them", known.div_ceil(2)),
    }
}

/// Columns for a course.
fn room(frame: &FrameContext<'_>) -> usize {
    let (_, details) = Layout::of(frame.app.ui.size, frame.app.ui.level.screen).split();
    if details.width >= ROOMY_FROM { SLOTS } else { SLOTS / 2 }
}

/// From this width of the details on a course has a column for each of its slots.
const ROOMY_FROM: u16 = 110;

/// A device in one line: number, how busy, memory, power, temperature, errors, and who has it.
fn device_line(
    frame: &FrameContext<'_>,
    reading: &DeviceReading,
    device: Option<&DeviceActivity>,
    course: &Course,
) -> Line {
    let class = device.map_or(GpuClass::Unknown, |device| device.class);
    let number = reading.index.map_or_else(|| reading.uuid.to_string(), |index| index.to_string());
    let mig = reading.mig.as_ref().map_or_else(String::new, |mig| format!(" {}", mig.profile));
    let line = Line::of(Role::TextDim, format!("{:<10}", format!("{number}{mig}")));
    let line = line.then(sparkline::of(course, room(frame), words::gpu_class_role(class))).then(utilization(reading));
    let line = line.and(Role::Text, " ").then(padded(words::gpu_class(class)));
    let facts = [memory(reading), power(reading), temperature(reading)].into_iter().flatten();
    let line = line.and(Role::TextDim, format!(" {:<34}", facts.collect::<Vec<String>>().join("  ")));
    let line = match reading.xid.filter(|xid| *xid != 0) {
        Some(xid) => line.and(Role::Bad, format!("XID {xid} ")),
        None => line,
    };
    let pods: Vec<String> = reading.holders.iter().map(|holder| holder.pod.to_string()).collect();
    line.and(Role::Text, pods.join(", "))
}

/// The longest class.
const CLASS_WIDTH: usize = "unallocated".len();

fn padded(line: Line) -> Line {
    let gap = CLASS_WIDTH.saturating_sub(line.width());
    line.and(Role::Text, " ".repeat(gap))
}

fn utilization(reading: &DeviceReading) -> Line {
    match reading.utilization {
        None => Line::of(Role::Unknown, format!(" {:>4}", format::UNKNOWN)),
        Some(utilization) => Line::of(Role::Gpu, format!(" {:>4}", format::utilization(utilization))),
    }
}

fn memory(reading: &DeviceReading) -> Option<String> {
    let bytes = |bytes: u64| format::bytes(i64::try_from(bytes).unwrap_or(i64::MAX));
    match (reading.memory_used_bytes, reading.memory_total_bytes) {
        (Some(used), Some(total)) => Some(format!("{} of {}", bytes(used), bytes(total))),
        (Some(used), None) => Some(bytes(used)),
        _ => None,
    }
}

fn power(reading: &DeviceReading) -> Option<String> {
    reading.power_milliwatts.map(|milliwatts| format!("{} W", milliwatts / 1_000))
}

fn temperature(reading: &DeviceReading) -> Option<String> {
    reading.temperature_celsius.map(|celsius| format!("{celsius} °C"))
}
