//! The pages of the simulated dcgm-exporter.

use std::fmt::Write as _;

use super::cast::{DAEMON_DCGM, DAEMONS, DEPLOYMENTS, POOL_NOTEBOOKS};
use super::catalog::{Gpu, MIG_PROFILES, MigProfile};
use super::clock::Sec;
use super::model::{Amounts, Machine, Place, Pod, PodId, PodOwner, Sharing};
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

/// What one device does.
#[derive(Clone, Copy)]
struct Activity {
    /// Thousandths of the time.
    busy: i64,
    /// Thousandths of the memory.
    memory: i64,
}

const NOTHING: Activity = Activity { busy: 0, memory: 6 };

impl Activity {
    /// What a device does that does both.
    fn plus(self, other: Self) -> Self {
        Self { busy: (self.busy + other.busy).min(1000), memory: (self.memory + other.memory).min(1000) }
    }
}

/// A device of which the exporter tells: a GPU, or one MIG instance of it.
struct Device<'a> {
    /// Number of the GPU.
    board: i64,
    /// The instance, with its number on the GPU.
    mig: Option<(&'static MigProfile, u32)>,
    /// MiB of its memory.
    memory_mib: i64,
    /// The pods that have it: several where it is shared.
    holders: Vec<(PodId, &'a Pod)>,
}

/// Metrics as dcgm-exporter writes them, each with its type and then one line for each device.
fn text(world: &World, machine: &Machine, gpu: &Gpu) -> String {
    let devices = devices(world, machine, gpu);
    let activities: Vec<Activity> = devices.iter().map(|device| activity(world, machine, device)).collect();
    let labels: Vec<String> = devices.iter().map(|device| labels(machine, gpu, device)).collect();
    let mut text = String::new();
    let mut metric = |name: &str, value: &dyn Fn(&Device<'_>, Activity) -> String| {
        let _ = writeln!(text, "# TYPE {name} gauge");
        for ((device, labels), activity) in devices.iter().zip(&labels).zip(&activities) {
            let _ = writeln!(text, "{name}{{{labels}}} {}", value(device, *activity));
        }
    };
    // Its power and its temperature are those of the whole GPU, whatever instance is asked.
    let of_board = |board: i64| of_board(board, &devices, &activities);
    let used = |device: &Device<'_>, activity: Activity| device.memory_mib * activity.memory / 1000;
    metric("DCGM_FI_PROF_GR_ENGINE_ACTIVE", &|_, activity| format!("{:.6}", activity.busy as f64 / 1000.0));
    metric("DCGM_FI_DEV_FB_USED", &|device, activity| used(device, activity).to_string());
    metric("DCGM_FI_DEV_FB_FREE", &|device, activity| (device.memory_mib - used(device, activity)).to_string());
    metric("DCGM_FI_DEV_POWER_USAGE", &|device, _| {
        let activity = of_board(device.board);
        format!("{}.{:03}", watts(gpu, activity), activity.memory)
    });
    metric("DCGM_FI_DEV_GPU_TEMP", &|device, _| {
        (31 + device.board % 4 + of_board(device.board).busy * 38 / 1000).to_string()
    });
    metric("DCGM_FI_DEV_XID_ERRORS", &|_, _| "0".to_owned());
    text
}

/// What a whole GPU does: of MIG instances the mean, by their slices.
fn of_board(board: i64, devices: &[Device<'_>], activities: &[Activity]) -> Activity {
    let parts = devices.iter().zip(activities).filter(|(device, _)| device.board == board);
    let slices = |device: &Device<'_>| device.mig.map_or(SLICES, |(profile, _)| profile.slices);
    parts.fold(Activity { busy: 0, memory: 0 }, |sum, (device, activity)| {
        let share = |amount: i64| amount * slices(device) / SLICES;
        sum.plus(Activity { busy: share(activity.busy), memory: share(activity.memory) })
    })
}

/// Compute slices of a GPU.
const SLICES: i64 = 7;

/// From a tenth of its limit while it idles to nearly all of it.
fn watts(gpu: &Gpu, activity: Activity) -> i64 {
    let limit = match gpu.name {
        "h100" => 700,
        "a100" => 400,
        "l4" => 72,
        "t4" => 70,
        _ => 300,
    };
    limit / 10 + limit * 85 * activity.busy / 100_000
}

/// The devices of a machine, each with the pods that have it, in the order in which they came.
fn devices<'a>(world: &'a World, machine: &Machine, gpu: &Gpu) -> Vec<Device<'a>> {
    match machine.sharing() {
        Sharing::Whole => boards(world, machine, gpu, 1),
        Sharing::TimeSliced(replicas) => boards(world, machine, gpu, replicas),
        Sharing::Mig(instances) => (0..gpu.count)
            .flat_map(|board| (0..).zip(instances).map(move |(profile, count)| (board, profile, count)))
            .flat_map(|(board, profile, count)| instances_of(world, machine, board, (profile, count)))
            .collect(),
    }
}

/// Whole GPUs, each given to so many units of requests.
fn boards<'a>(world: &'a World, machine: &Machine, gpu: &Gpu, replicas: i64) -> Vec<Device<'a>> {
    let units: Vec<(PodId, &Pod)> = units(world, machine, |requests| requests.gpu).collect();
    let replicas = usize::try_from(replicas).unwrap_or(1);
    let board = |board: i64| {
        let first = usize::try_from(board).unwrap_or(0) * replicas;
        let holders = units.iter().skip(first).take(replicas).copied().collect();
        Device { board, mig: None, memory_mib: gpu.driver_memory_mib, holders }
    };
    (0..gpu.count).map(board).collect()
}

/// The instances of one profile on a GPU.
fn instances_of<'a>(
    world: &'a World,
    machine: &Machine,
    board: i64,
    (profile, count): (usize, i64),
) -> impl Iterator<Item = Device<'a>> {
    let count = usize::try_from(count).unwrap_or(0);
    let before = usize::try_from(board).unwrap_or(0) * count;
    let mut units = units(world, machine, move |requests| requests.mig[profile]).skip(before);
    let (profile, memory_mib) = (&MIG_PROFILES[profile], MIG_PROFILES[profile].memory_mib);
    profile.ids.into_iter().take(count).map(move |id| {
        let holders = units.next().into_iter().collect();
        Device { board, mig: Some((profile, id)), memory_mib, holders }
    })
}

/// The pod of each unit of a resource that is requested on a machine.
fn units<'a>(
    world: &'a World,
    machine: &Machine,
    requested: impl Fn(&Amounts) -> i64,
) -> impl Iterator<Item = (PodId, &'a Pod)> {
    let requesting = world.pods_on(machine.id).filter(|(_, pod)| pod.holds_room());
    requesting.flat_map(move |held| (0..requested(&held.1.template.requests)).map(move |_| held))
}

/// Labels as of an exporter without `KUBERNETES_VIRTUAL_GPUS`: of the pods that share a device it names the last one only.
fn labels(machine: &Machine, gpu: &Gpu, device: &Device<'_>) -> String {
    let index = device.board;
    let mig = device
        .mig
        .map_or_else(String::new, |(profile, id)| format!("GPU_I_PROFILE=\"{}\",GPU_I_ID=\"{id}\",", profile.name));
    let (namespace, name, container) = device
        .holders
        .last()
        .map_or(("", "", ""), |(_, pod)| (pod.namespace, pod.name.as_str(), pod.template.container));
    format!(
        "gpu=\"{index}\",UUID=\"{}\",pci_bus_id=\"00000000:{:02X}:00.0\",device=\"nvidia{index}\",modelName=\"{}\",\
         {mig}Hostname=\"{}\",container=\"{container}\",namespace=\"{namespace}\",pod=\"{name}\"",
        uuid(machine, index),
        0x1c + index,
        gpu.product.replace('-', " "),
        machine.name,
    )
}

fn uuid(machine: &Machine, board: i64) -> String {
    let mut rng = Rng::new(u64::from(machine.id) << 8 | board.unsigned_abs());
    let (high, low) = (rng.bits(), rng.bits());
    format!(
        "GPU-{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

/// What a device does for all pods that have it.
fn activity(world: &World, machine: &Machine, device: &Device<'_>) -> Activity {
    if device.holders.is_empty() {
        return if device.mig.is_some() { left_behind(world) } else { without_pod(world, machine, device.board) };
    }
    let each = device.holders.iter().map(|(id, pod)| of_pod(world, device.board, (*id, pod)));
    each.fold(Activity { busy: 0, memory: 0 }, Activity::plus)
}

/// What a pod does with its device, by what the pod is: Jobs train, a server of models is asked or is not, a notebook waits
/// for its user.
fn of_pod(world: &World, board: i64, (id, pod): (PodId, &Pod)) -> Activity {
    let mut rng = Rng::new(u64::from(id) << 16 | (world.now / SECONDS).unsigned_abs() << 4 | board.unsigned_abs());
    let ready = pod.ready.filter(|at| world.now >= *at + LOADING_SECONDS);
    match pod.owner {
        _ if ready.is_none() => Activity { busy: 0, memory: if pod.running.is_some() { 120 } else { 6 } },
        PodOwner::Job(_) => Activity { busy: rng.between((860, 985)), memory: 720 + 20 * (board % 4) },
        PodOwner::Deployment(_) if id % 2 == 0 => Activity { busy: rng.between((180, 460)), memory: 610 },
        PodOwner::Deployment(_) => Activity { busy: 0, memory: 610 },
        PodOwner::User if pod.template.place == Place::Pool(POOL_NOTEBOOKS) => shared_notebook(world, &mut rng, id),
        PodOwner::User if id % 2 == 0 => Activity { busy: 0, memory: 310 },
        PodOwner::User | PodOwner::Daemon(_) => NOTHING,
    }
}

/// A cell of it runs now and then; between them its data stay in memory.
fn shared_notebook(world: &World, rng: &mut Rng, id: PodId) -> Activity {
    const EVERY_SECONDS: Sec = 900;
    const TAKES_SECONDS: Sec = 150;
    let phase = (world.now - world.start + i64::from(id) * 170).rem_euclid(EVERY_SECONDS);
    let is_running = phase >= EVERY_SECONDS - TAKES_SECONDS;
    Activity { busy: if is_running { rng.between((150, 400)) } else { 0 }, memory: 210 }
}

/// Until a model is loaded.
const LOADING_SECONDS: Sec = 45;

/// A process has outlived the pod to which a MIG instance was given, and goes on computing.
fn left_behind(world: &World) -> Activity {
    let mut rng = Rng::new((world.now / SECONDS).unsigned_abs());
    Activity { busy: rng.between((310, 420)), memory: 260 }
}

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
