//! The pages of the simulated dcgm-exporter.

use std::fmt::Write as _;

use super::cast::{DAEMON_DCGM, DAEMONS, DEPLOYMENTS};
use super::catalog::Gpu;
use super::clock::Sec;
use super::model::{Machine, Pod, PodId, PodOwner};
use super::rng::Rng;
use super::simulation::Simulation;
use super::world::World;
use crate::fleet::{
    Delta, Exporter, ExporterKind, GpuAnswer, GpuFailure, Health, HealthState, ObjectKey, Report, SourceId, Sym,
};
use crate::source::exporters;
use crate::units::Time;

/// Interval of the metrics, in simulated seconds: that of dcgm-exporter.
pub(super) const SECONDS: i64 = 30;

/// What every exporter answers now, and the health of their Source. There is no Prometheus server.
pub(super) fn reports(simulation: &Simulation) -> [Report; 4] {
    let at = simulation.now();
    let answers: Vec<GpuAnswer> = pages(&simulation.world).into_iter().map(|page| page.answer(at)).collect();
    let health =
        Health { state: HealthState::Live, objects: answers.len() as u64, as_of: Some(at), ..Health::default() };
    [
        Report::Delta(Delta::Gpus(answers)),
        Report::Health(SourceId::GpuExporters, health),
        Report::Delta(Delta::Gpus(without_prometheus(&simulation.world, at))),
        Report::Health(SourceId::Prometheus, Health::prometheus_not_needed()),
    ]
}

/// What is said in the place of a Prometheus server of the machines whose exporter does not run yet.
fn without_prometheus(world: &World, at: Time) -> Vec<GpuAnswer> {
    let is_without = |machine: &&Machine| {
        machine.kind.gpu.is_some() && !world.pods_on(machine.id).any(|(_, pod)| is_running_exporter(pod))
    };
    let answer = |machine: &Machine| GpuAnswer {
        node: Sym::new(&machine.name),
        exporter: Exporter { kind: ExporterKind::Prometheus, pod: ObjectKey::cluster("prometheus") },
        at,
        devices: Err(GpuFailure::Failed(Sym::new("the demo has no server"))),
    };
    world.machines.values().filter(is_without).map(answer).collect()
}

/// The page of one exporter.
struct Page {
    node: String,
    pod: ObjectKey,
    text: String,
}

impl Page {
    /// As a Source tells it: through the same reading as the page of a real exporter.
    fn answer(self, at: Time) -> GpuAnswer {
        let read = exporters::read(ExporterKind::Dcgm, self.text.as_bytes());
        GpuAnswer {
            node: Sym::new(&self.node),
            exporter: Exporter { kind: ExporterKind::Dcgm, pod: self.pod },
            at,
            devices: read.map_err(|unreadable| GpuFailure::Failed(Sym::new(&unreadable.to_string()))),
        }
    }
}

fn pages(world: &World) -> Vec<Page> {
    let of_machine = |machine: &Machine| {
        let gpu = machine.kind.gpu.as_ref()?;
        let (_, exporter) = world.pods_on(machine.id).find(|(_, pod)| is_running_exporter(pod))?;
        let pod = ObjectKey::new(DAEMONS[DAEMON_DCGM].namespace, &exporter.name);
        Some(Page { node: machine.name.clone(), pod, text: text(world, machine, gpu) })
    };
    world.machines.values().filter_map(of_machine).collect()
}

fn is_running_exporter(pod: &Pod) -> bool {
    pod.owner == PodOwner::Daemon(DAEMON_DCGM) && pod.ready.is_some() && pod.is_active()
}

/// What one GPU does.
struct Activity {
    /// Thousandths of the time.
    busy: i64,
    /// Thousandths of the memory.
    memory: i64,
}

const NOTHING: Activity = Activity { busy: 0, memory: 6 };

/// Metrics as dcgm-exporter writes them, each with its type and then one line for each GPU.
fn text(world: &World, machine: &Machine, gpu: &Gpu) -> String {
    let holders = holders(world, machine, gpu.count);
    let activities: Vec<Activity> =
        (0_i64..).zip(&holders).map(|(index, holder)| activity(world, machine, index, *holder)).collect();
    let labels: Vec<String> = (0_i64..)
        .zip(&holders)
        .map(|(index, holder)| labels(machine, gpu, index, holder.map(|(_, pod)| pod)))
        .collect();
    let mut text = String::new();
    let mut metric = |name: &str, value: &dyn Fn(i64, &Activity) -> String| {
        let _ = writeln!(text, "# TYPE {name} gauge");
        for ((index, labels), activity) in (0_i64..).zip(&labels).zip(&activities) {
            let _ = writeln!(text, "{name}{{{labels}}} {}", value(index, activity));
        }
    };
    let used = |activity: &Activity| gpu.driver_memory_mib * activity.memory / 1000;
    metric("DCGM_FI_PROF_GR_ENGINE_ACTIVE", &|_, activity| format!("{:.6}", activity.busy as f64 / 1000.0));
    metric("DCGM_FI_DEV_FB_USED", &|_, activity| used(activity).to_string());
    metric("DCGM_FI_DEV_FB_FREE", &|_, activity| (gpu.driver_memory_mib - used(activity)).to_string());
    metric("DCGM_FI_DEV_POWER_USAGE", &|_, activity| format!("{}.{:03}", watts(gpu, activity), activity.memory));
    metric("DCGM_FI_DEV_GPU_TEMP", &|index, activity| (31 + index % 4 + activity.busy * 38 / 1000).to_string());
    metric("DCGM_FI_DEV_XID_ERRORS", &|_, _| "0".to_owned());
    text
}

/// From a tenth of its limit while it idles to nearly all of it.
fn watts(gpu: &Gpu, activity: &Activity) -> i64 {
    let limit = match gpu.name {
        "h100" => 700,
        "a100" => 400,
        "l4" => 72,
        _ => 300,
    };
    limit / 10 + limit * 85 * activity.busy / 100_000
}

/// The pod that has each GPU, in the order in which they came.
fn holders<'a>(world: &'a World, machine: &Machine, count: i64) -> Vec<Option<(PodId, &'a Pod)>> {
    let requesting = world.pods_on(machine.id).filter(|(_, pod)| pod.holds_room() && pod.template.requests.gpu > 0);
    let units = requesting.flat_map(|held| (0..held.1.template.requests.gpu).map(move |_| Some(held)));
    let count = usize::try_from(count).unwrap_or(0);
    units.chain(std::iter::repeat(None)).take(count).collect()
}

fn labels(machine: &Machine, gpu: &Gpu, index: i64, holder: Option<&Pod>) -> String {
    let mut rng = Rng::new(u64::from(machine.id) << 8 | index.unsigned_abs());
    let (high, low) = (rng.bits(), rng.bits());
    let uuid = format!(
        "GPU-{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    );
    let (namespace, name, container) =
        holder.map_or(("", "", ""), |pod| (pod.namespace, pod.name.as_str(), pod.template.container));
    format!(
        "gpu=\"{index}\",UUID=\"{uuid}\",pci_bus_id=\"00000000:{:02X}:00.0\",device=\"nvidia{index}\",modelName=\"{}\",\
         Hostname=\"{}\",container=\"{container}\",namespace=\"{namespace}\",pod=\"{name}\"",
        0x1c + index,
        gpu.product.replace('-', " "),
        machine.name,
    )
}

/// What the GPU of a pod does, by what the pod is: Jobs train, a server of models is asked or is not, a notebook waits for
/// its user.
fn activity(world: &World, machine: &Machine, index: i64, holder: Option<(PodId, &Pod)>) -> Activity {
    let Some((id, pod)) = holder else { return without_pod(world, machine, index) };
    let mut rng = Rng::new(u64::from(id) << 16 | (world.now / SECONDS).unsigned_abs() << 4 | index.unsigned_abs());
    let ready = pod.ready.filter(|at| world.now >= *at + LOADING_SECONDS);
    match pod.owner {
        _ if ready.is_none() => Activity { busy: 0, memory: if pod.running.is_some() { 120 } else { 6 } },
        PodOwner::Job(_) => Activity { busy: rng.between((860, 985)), memory: 720 + 20 * (index % 4) },
        PodOwner::Deployment(_) if id % 2 == 0 => Activity { busy: rng.between((180, 460)), memory: 610 },
        PodOwner::Deployment(_) => Activity { busy: 0, memory: 610 },
        PodOwner::User if id % 2 == 0 => Activity { busy: 0, memory: 310 },
        PodOwner::User | PodOwner::Daemon(_) => NOTHING,
    }
}

/// Until a model is loaded.
const LOADING_SECONDS: Sec = 45;

/// The container of the vector database sees all GPUs of its node. When its index is made anew, that uses one of them,
/// which the pod has not requested.
fn without_pod(world: &World, machine: &Machine, index: i64) -> Activity {
    const GPU_OF_INDEX: i64 = 5;
    const EVERY_SECONDS: Sec = 1800;
    const TAKES_SECONDS: Sec = 240;
    let is_database = |pod: &Pod| {
        matches!(pod.owner, PodOwner::Deployment(at) if DEPLOYMENTS[at].name == "vector-db") && pod.ready.is_some()
    };
    let is_due = (world.now - world.start).rem_euclid(EVERY_SECONDS) >= EVERY_SECONDS - TAKES_SECONDS;
    if index == GPU_OF_INDEX && is_due && world.pods_on(machine.id).any(|(_, pod)| is_database(pod)) {
        Activity { busy: 230, memory: 140 }
    } else {
        NOTHING
    }
}
