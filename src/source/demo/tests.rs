//! The laws that a real cluster cannot break, held over seeds and hours.

use std::collections::BTreeMap;

use super::catalog;
use super::model::{Amounts, PodOwner};
use super::simulation::{Change, Simulation};
use super::world::World;
use crate::units::Time;

fn start() -> Time {
    Time::parse("2026-11-20T12:00:00Z").unwrap_or_default()
}

#[test]
#[ignore = "prints the cluster for a human"]
fn show() {
    let began = std::time::Instant::now();
    let mut simulation = Simulation::new(1, start());
    eprintln!("made in {:?}", began.elapsed());
    print_world(&simulation);
    for hours in [1, 6, 24] {
        let began = std::time::Instant::now();
        let changes = simulation.advance(start().plus_seconds(hours * 3600));
        eprintln!("\n=== +{hours}h, {} changes in {:?}", changes.len(), began.elapsed());
        print_world(&simulation);
    }
}

fn print_world(simulation: &Simulation) {
    let world = simulation.world();
    eprintln!("{} machines {} pods {} jobs {} events, agenda {}", world.machines.len(), world.pods.len(), world.jobs.len(), world.events.events.len(), world.agenda.len());
    for machine in world.machines.values() {
        let pods: Vec<String> = world.pods_on(machine.id).filter(|(_, pod)| !pod.is_daemon()).map(|(_, pod)| {
            let state = if pod.deleting.is_some() { "x" } else if pod.finished.is_some() { "." } else if pod.running.is_some() { "R" } else { "P" };
            format!("{}{state}", pod.name)
        }).filter(|name| !name.ends_with('.')).collect();
        let claim = machine.claim.as_ref();
        let age = claim.map_or(0, |c| world.now - c.identity.created);
        let flags: Vec<&str> = [
            (claim.is_some_and(|c| c.initialized.is_none()), "starting"),
            (claim.is_some_and(|c| c.drifted.is_some()), "drifted"),
            (claim.is_some_and(|c| c.consolidatable.is_some()), "quiet"),
            (claim.is_some_and(|c| c.disruption.is_some()), "disrupting"),
            (machine.is_deleting(), "deleting"),
        ].into_iter().filter(|(on, _)| *on).map(|(_, name)| name).collect();
        eprintln!("{:14} {:12} {:9} {:>8}s used {:?} {:?} {}", claim.map_or("-", |c| c.name.as_str()), machine.kind.name, machine.capacity.label(), age, {let (a, _) = world.used_on(machine.id); (a.cpu, a.gpu)}, flags, pods.join(" "));
    }
    for pod in world.pods.values().filter(|pod| pod.machine.is_none()) {
        eprintln!("waiting {} {:?}", pod.name, pod.refused);
    }
    for job in world.jobs.values() {
        eprintln!("job {}/{} {:?} ok {} failed {} done {}", job.spec.namespace, job.name, job.counts, job.succeeded.len(), job.failed, job.is_done());
    }
    let mut reasons: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for event in world.events.events.values() {
        *reasons.entry((event.subject.kind, event.said.reason)).or_default() += 1;
    }
    eprintln!("{reasons:?}");
    for event in world.events.events.values().filter(|e| e.subject.kind == "Node" && ["DisruptionBlocked", "Unconsolidatable"].contains(&e.said.reason)) {
        eprintln!("  {} x{} {} {}", event.subject.name, event.count, event.said.reason, event.said.message);
    }
}
