//! Lifecycle of a machine: launched, joined, registered, ready, initialized; drift and expiry.

use std::collections::BTreeMap;

use super::super::cast::POOLS;
use super::super::clock::{MachineStep, SimEvent};
use super::super::events::{EventText, Recorder};
use super::super::model::{Claim, MachineId, Node};
use super::super::world::{Item, World};
use super::REPEAT;
use super::provisioning::NOMINATION;

/// How long Karpenter leaves an offering alone that EC2 did not have.
const REFUSED_FOR: i64 = 180;
/// Seconds between two comparisons of a NodeClaim with its NodeClass.
const DRIFT_CHECK: i64 = 300;

impl World {
    /// The next step of a machine.
    pub(in super::super) fn step_machine(&mut self, id: MachineId, step: MachineStep) {
        if !self.machines.contains_key(&id) {
            return;
        }
        match step {
            MachineStep::Launch => self.launch(id),
            MachineStep::Join => self.join(id),
            MachineStep::Register => self.register(id),
            MachineStep::NodeReady => self.node_ready(id),
            MachineStep::DevicesReady => self.devices_ready(id),
            MachineStep::Initialize => self.initialize(id),
            MachineStep::CheckDrift => self.check_drift(id),
            MachineStep::Expire => self.expire(id),
            MachineStep::Drain => self.drain(id),
            MachineStep::Terminate => self.terminate_instance(id),
            MachineStep::Gone => self.machine_gone(id),
            MachineStep::Reclaim => self.reclaim(id),
        }
    }

    /// Changes a NodeClaim and says so.
    pub(in super::super) fn change_claim(&mut self, id: MachineId, change: impl FnOnce(&mut Claim)) {
        if let Some(claim) = self.machines.get_mut(&id).and_then(|machine| machine.claim.as_mut()) {
            change(claim);
            self.touch_machine(id);
        }
    }

    fn claim_condition(&mut self, id: MachineId, kind: &'static str) {
        if let Some(subject) = self.claim_subject(id) {
            self.say_condition(subject, kind, "Unknown -> True", kind);
        }
    }

    fn launch(&mut self, id: MachineId) {
        let Some(machine) = self.machines.get(&id) else { return };
        if machine.is_deleting() {
            return;
        }
        if !self.in_stock(id) {
            return self.no_capacity(id);
        }
        let now = self.now;
        self.change_claim(id, |claim| claim.launched = Some(now));
        self.claim_condition(id, "Launched");
        let boot = if self.is_gpu_node(id) { (46, 68) } else { (26, 38) };
        self.after_some(boot, SimEvent::Machine(id, MachineStep::Join));
    }

    /// EC2 has none: the NodeClaim is deleted at once and the offering left alone for three minutes.
    fn no_capacity(&mut self, id: MachineId) {
        let Some(machine) = self.machines.get(&id) else { return };
        let (kind, capacity) = (machine.kind.name, machine.capacity.label());
        let zone = super::super::catalog::ZONES.get(machine.zone).map_or("", |(zone, _)| *zone);
        let words = format!(
            "insufficient capacity, with fleet error(s), InsufficientInstanceCapacity: We currently do not have sufficient {kind} capacity in the Availability Zone you requested ({zone}). Our system will be working on provisioning additional capacity."
        );
        if let (Some(claim), Some(subject)) = (&machine.claim, self.claim_subject(id)) {
            let words = format!("NodeClaim {} event: {words}", claim.name);
            self.publish(subject, EventText::warning("InsufficientCapacityError", words), REPEAT);
        }
        self.unavailable.insert((kind, capacity), self.now + REFUSED_FOR);
        self.replacement_failed(id);
        self.remove_machine(id);
        self.once_after(8, SimEvent::Provision);
    }

    fn join(&mut self, id: MachineId) {
        let Some(machine) = self.machines.get(&id) else { return };
        if machine.is_deleting() {
            return;
        }
        let no_devices = machine.kind.gpu.is_none();
        let name = machine.name.clone();
        let now = self.now;
        let identity = self.identity(now);
        if let Some(machine) = self.machines.get_mut(&id) {
            machine.node = Some(Node {
                identity,
                ready: None,
                devices: no_devices.then_some(now),
                disrupted: false,
                cordoned: false,
                deleting: None,
                do_not_disrupt: None,
                images: Vec::new(),
                pulling: BTreeMap::new(),
            });
        }
        if let Some(subject) = self.node_subject(id) {
            self.record(
                Recorder::Kubelet(name.clone()),
                subject.clone(),
                EventText::normal("Starting", "Starting kubelet."),
            );
            let words = format!("Node {name} event: Registered Node {name} in Controller");
            self.record(Recorder::Nodes, subject, EventText::normal("RegisteredNode", words));
        }
        self.touch_machine(id);
        self.start_daemons(id);
        self.after_some((1, 2), SimEvent::Machine(id, MachineStep::Register));
    }

    fn register(&mut self, id: MachineId) {
        let now = self.now;
        self.change_claim(id, |claim| claim.registered = Some(now));
        self.claim_condition(id, "Registered");
        self.wake_scheduler();
    }

    fn node_ready(&mut self, id: MachineId) {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(&id) else { return };
        let name = machine.name.clone();
        let Some(node) = machine.node.as_mut().filter(|node| node.ready.is_none()) else { return };
        node.ready = Some(now);
        self.touch_machine(id);
        if let Some(subject) = self.node_subject(id) {
            let words = format!("Node {name} status is now: NodeReady");
            self.record(Recorder::Kubelet(name), subject.clone(), EventText::normal("NodeReady", words));
            self.say_condition(subject, "Ready", "False -> True", "KubeletReady");
        }
        self.wake_scheduler();
        self.after_some((1, 2), SimEvent::Machine(id, MachineStep::Initialize));
    }

    fn devices_ready(&mut self, id: MachineId) {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(&id) else { return };
        let Some(node) = machine.node.as_mut().filter(|node| node.devices.is_none()) else { return };
        node.devices = Some(now);
        self.touch_machine(id);
        self.wake_scheduler();
        self.after_some((1, 3), SimEvent::Machine(id, MachineStep::Initialize));
    }

    /// Initialized once registered, ready, and every resource that was requested is there.
    fn initialize(&mut self, id: MachineId) {
        let now = self.now;
        let Some(machine) = self.machines.get(&id) else { return };
        let (Some(claim), Some(node)) = (&machine.claim, &machine.node) else { return };
        let waits =
            claim.registered.is_none() || node.ready.is_none() || (claim.requests.gpu > 0 && node.devices.is_none());
        if waits || claim.initialized.is_some() || machine.is_deleting() {
            return;
        }
        let expire_after = claim.expire_after;
        let created = claim.identity.created;
        self.change_claim(id, |claim| {
            claim.initialized = Some(now);
            claim.consistent = Some(now);
            claim.nominated_until = claim.nominated_until.max(now + NOMINATION);
        });
        self.claim_condition(id, "Initialized");
        self.claim_condition(id, "Ready");
        self.recount_pool_of(id);
        self.replacement_ready(id);
        self.after(DRIFT_CHECK, SimEvent::Machine(id, MachineStep::CheckDrift));
        if let Some(seconds) = expire_after {
            self.agenda.enter(created + seconds, SimEvent::Machine(id, MachineStep::Expire));
        }
    }

    /// Compares the machine's image with the NodeClass' current one.
    fn check_drift(&mut self, id: MachineId) {
        let Some(machine) = self.machines.get(&id) else { return };
        let Some(claim) = machine.claim.as_ref() else { return };
        let current = self.images.get(POOLS[claim.pool].class().images).map(|(image, _)| image.as_str());
        if claim.drifted.is_none() && current != Some(claim.image.as_str()) && !machine.is_deleting() {
            let now = self.now;
            self.change_claim(id, |claim| claim.drifted = Some(now));
        }
        self.after(DRIFT_CHECK, SimEvent::Machine(id, MachineStep::CheckDrift));
    }

    /// A new image is released; NodeClaims drift as they are compared with it.
    pub(in super::super) fn release_image(&mut self) {
        let image = super::super::names::image_id(&mut self.rng);
        if let Some(current) = self.images.get_mut(0) {
            *current = (image, self.now);
        }
        self.touch(Item::NodeClass(0));
        self.after(7 * 86_400, SimEvent::ReleaseImage);
    }

    fn expire(&mut self, id: MachineId) {
        if self.machines.get(&id).is_some_and(|machine| !machine.is_deleting()) {
            self.begin_deletion(id, "Forceful Termination");
        }
    }

    /// A pod was bound to the machine, ended or was asked to go: it is not quiet.
    pub(in super::super) fn note_pod_event(&mut self, pod: super::super::model::PodId) {
        let Some(pod) = self.pods.get(&pod).filter(|pod| !pod.is_daemon()) else { return };
        let Some(machine) = pod.machine else { return };
        let now = self.now;
        let Some(claim) = self.machines.get(&machine).and_then(|machine| machine.claim.as_ref()) else { return };
        // Karpenter writes this time at most every ten seconds.
        if claim.last_pod_event.is_some_and(|last| now - last < 10) {
            return;
        }
        self.change_claim(machine, |claim| {
            claim.last_pod_event = Some(now);
            claim.consolidatable = None;
        });
    }
}
