//! What the simulated nodes use of their CPU and memory.

use super::clock::Sec;
use super::model::{Machine, Pod, PodId};
use super::rng::Rng;
use super::simulation::Simulation;
use super::world::World;
use crate::fleet::{Delta, Health, HealthState, NodeUsage, Report, SourceId, Sym, Usage};
use crate::units::Time;

/// Interval of the measurements, in simulated seconds.
pub(super) const SECONDS: i64 = 30;

/// What the kubelet and the system of a node use, in thousandths of a core and in MiB.
const SYSTEM: (i64, i64) = (90, 640);

/// What metrics-server would answer now, and its health.
pub(super) fn reports(simulation: &Simulation) -> [Report; 2] {
    let at = simulation.now();
    let world = &simulation.world;
    let machines = world.machines.values().filter(|machine| is_ready(machine));
    let usage: NodeUsage = machines.map(|machine| (Sym::new(&machine.name), usage(world, machine, at))).collect();
    let health = Health { state: HealthState::Live, objects: usage.len() as u64, as_of: Some(at), ..Health::default() };
    [Report::Delta(Delta::NodeUsage(usage)), Report::Health(SourceId::NodeMetrics, health)]
}

fn is_ready(machine: &Machine) -> bool {
    machine.node.as_ref().is_some_and(|node| node.ready.is_some())
}

fn usage(world: &World, machine: &Machine, at: Time) -> Usage {
    let running = world.pods_on(machine.id).filter(|(_, pod)| pod.running.is_some() && pod.is_active());
    let used = running.map(|(id, pod)| of_pod(id, pod, world.now));
    let (cpu_millis, memory_mib) = used.fold(SYSTEM, |sum, pod| (sum.0 + pod.0, sum.1 + pod.1));
    Usage { cpu_millis, memory_bytes: memory_mib << 20, at }
}

/// A pod uses a part of what it requests, more or less CPU from time to time.
fn of_pod(id: PodId, pod: &Pod, now: Sec) -> (i64, i64) {
    let requests = pod.template.requests;
    let cpu = Rng::new(u64::from(id) << 16 | (now / SECONDS).unsigned_abs()).between((350, 850));
    let memory = Rng::new(u64::from(id)).between((450, 900));
    (requests.cpu * cpu / 1000, requests.memory * memory / 1000)
}
