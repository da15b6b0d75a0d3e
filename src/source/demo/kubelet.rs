//! The kubelet: takes bound pods, pulls images, starts and stops containers.

use super::cast::{DAEMON_CNI, DAEMON_DEVICES};
use super::catalog::pull_rate;
use super::clock::{MachineStep, PodStep, SimEvent};
use super::events::{EventText, Recorder};
use super::model::{Ending, Machine, PodId, PodOwner};
use super::world::{Item, World};

/// How long the kubelet waits before it looks again whether the network is there.
const NETWORK_WAIT: i64 = 2;

impl World {
    /// The next step of a pod; one that is being deleted only has its end before it.
    pub(super) fn step_pod(&mut self, id: PodId, step: PodStep) {
        let Some(pod) = self.pods.get(&id) else { return };
        if step == PodStep::Stopped {
            return self.stopped(id);
        }
        if !pod.is_active() {
            return;
        }
        match step {
            PodStep::Accept => self.accept(id),
            PodStep::Sandbox => self.sandbox(id),
            PodStep::Pulled => self.pulled(id),
            PodStep::Start => self.start_container(id),
            PodStep::Ready => self.become_ready(id),
            PodStep::Finish => self.finish(id),
            PodStep::Stopped => {}
        }
    }

    fn accept(&mut self, id: PodId) {
        let now = self.now;
        if let Some(pod) = self.pods.get_mut(&id) {
            pod.accepted = Some(now);
        }
        self.touch(Item::Pod(id));
        self.after_some((1, 3), SimEvent::Pod(id, PodStep::Sandbox));
    }

    /// The sandbox needs the network, which needs the CNI, unless the pod uses the host's.
    fn sandbox(&mut self, id: PodId) {
        if !self.has_network(id) {
            return self.after(NETWORK_WAIT, SimEvent::Pod(id, PodStep::Sandbox));
        }
        let now = self.now;
        if let Some(pod) = self.pods.get_mut(&id) {
            pod.sandbox = Some(now);
        }
        self.touch(Item::Pod(id));
        self.look_for_image(id);
    }

    fn has_network(&self, id: PodId) -> bool {
        let Some(pod) = self.pods.get(&id) else { return false };
        let ready = pod.machine.and_then(|machine| self.machines.get(&machine)?.node.as_ref()?.ready).is_some();
        ready || matches!(pod.owner, PodOwner::Daemon(at) if super::cast::DAEMONS[at].host_network)
    }

    fn look_for_image(&mut self, id: PodId) {
        let Some((machine, image)) = self.pods.get(&id).and_then(|pod| Some((pod.machine?, pod.template.image))) else {
            return;
        };
        let draw = self.rng.between((0, 100));
        let begins = self.now * 1000;
        let speed = self.machines.get(&machine).and_then(Machine::pool).map_or(1, |pool| pool.class().pull_speed);
        let took = image.bytes * 1000 / (pull_rate(image.bytes, draw) * speed);
        let Some(node) = self.machines.get_mut(&machine).and_then(|machine| machine.node.as_mut()) else { return };
        if node.images.contains(&image) {
            let words = format!("Container image \"{}\" already present on machine", image.name);
            self.kubelet_event(id, EventText::normal("Pulled", words));
            return self.after(1, SimEvent::Pod(id, PodStep::Start));
        }
        // A second pull of the same image waits for the first.
        let ends = *node.pulling.entry(image).or_insert(begins + took);
        if let Some(pod) = self.pods.get_mut(&id) {
            pod.pull_began = Some(begins);
        }
        self.kubelet_event(id, EventText::normal("Pulling", format!("Pulling image \"{}\"", image.name)));
        self.after((ends - begins + 999) / 1000, SimEvent::Pod(id, PodStep::Pulled));
    }

    fn pulled(&mut self, id: PodId) {
        let Some((machine, began, image)) =
            self.pods.get(&id).and_then(|pod| Some((pod.machine?, pod.pull_began?, pod.template.image)))
        else {
            return;
        };
        let Some(node) = self.machines.get_mut(&machine).and_then(|machine| machine.node.as_mut()) else { return };
        let ended = node.pulling.get(image).copied().unwrap_or(self.now * 1000);
        if !node.images.contains(&image) {
            node.images.push(image);
            self.touch(Item::Node(machine));
        }
        let took = go_millis(ended - began);
        let words = format!(
            "Successfully pulled image \"{}\" in {took} ({took} including waiting). Image size: {} bytes.",
            image.name, image.bytes
        );
        self.kubelet_event(id, EventText::normal("Pulled", words));
        self.after(1, SimEvent::Pod(id, PodStep::Start));
    }

    fn start_container(&mut self, id: PodId) {
        let Some((template, owner, machine)) = self.pods.get(&id).map(|pod| (pod.template, pod.owner, pod.machine))
        else {
            return;
        };
        let run = self.run_seconds(owner);
        let now = self.now;
        if let Some(pod) = self.pods.get_mut(&id) {
            pod.running = Some(now);
            pod.run = run.unwrap_or(0);
        }
        self.kubelet_event(id, EventText::normal("Created", format!("Created container: {}", template.container)));
        self.kubelet_event(id, EventText::normal("Started", format!("Started container {}", template.container)));
        self.touch(Item::Pod(id));
        self.after_some(template.warm, SimEvent::Pod(id, PodStep::Ready));
        if let Some(run) = run {
            self.after(run.max(template.warm.1 + 1), SimEvent::Pod(id, PodStep::Finish));
        }
        match (owner, machine) {
            (PodOwner::Daemon(DAEMON_CNI), Some(machine)) => {
                self.after_some((5, 9), SimEvent::Machine(machine, MachineStep::NodeReady));
            }
            (PodOwner::Daemon(DAEMON_DEVICES), Some(machine)) => {
                self.after_some((16, 38), SimEvent::Machine(machine, MachineStep::DevicesReady));
            }
            _ => {}
        }
    }

    /// Only the containers of Jobs end by themselves.
    fn run_seconds(&mut self, owner: PodOwner) -> Option<i64> {
        let PodOwner::Job(job) = owner else { return None };
        let run = self.jobs.get(&job)?.spec.run;
        Some(self.rng.between(run))
    }

    fn become_ready(&mut self, id: PodId) {
        let now = self.now;
        let Some(pod) = self.pods.get_mut(&id) else { return };
        pod.ready = Some(now);
        let owner = pod.owner;
        self.touch(Item::Pod(id));
        self.notify_owner(owner);
    }

    fn finish(&mut self, id: PodId) {
        let Some(PodOwner::Job(job)) = self.pods.get(&id).map(|pod| pod.owner) else { return };
        let code = match self.jobs.get(&job).map_or(Ending::Well, |job| job.spec.ending) {
            Ending::Well => 0,
            Ending::Exit(code) => code,
            Ending::SomeFail(percent) => i64::from(self.rng.chance(percent)),
        };
        let now = self.now;
        if let Some(pod) = self.pods.get_mut(&id) {
            pod.finished = Some((now, code));
        }
        self.touch(Item::Pod(id));
        self.note_pod_event(id);
        self.pod_of_job_ended(job, id, code);
        self.wake_scheduler();
    }

    /// Asks a pod to stop, with a grace period; what never ran goes at once.
    pub(super) fn delete_pod(&mut self, id: PodId, grace: i64) {
        let Some(pod) = self.pods.get(&id) else { return };
        if pod.deleting.is_some() {
            return;
        }
        if pod.machine.is_none() || pod.finished.is_some() {
            return self.remove_pod(id);
        }
        let (stop, runs, container) = (pod.template.stop, pod.running.is_some(), pod.template.container);
        let drawn = self.rng.between(stop).min(grace).max(1);
        let now = self.now;
        if let Some(pod) = self.pods.get_mut(&id) {
            pod.deleting = Some(now);
            pod.granted = grace;
        }
        if runs {
            self.kubelet_event(id, EventText::normal("Killing", format!("Stopping container {container}")));
        }
        self.touch(Item::Pod(id));
        self.note_pod_event(id);
        let owner = self.pods.get(&id).map(|pod| pod.owner);
        self.after(if runs { drawn } else { 1 }, SimEvent::Pod(id, PodStep::Stopped));
        if let Some(owner) = owner {
            self.notify_owner(owner);
        }
    }

    fn stopped(&mut self, id: PodId) {
        if self.pods.get(&id).is_some_and(|pod| pod.deleting.is_some()) {
            self.remove_pod(id);
        }
    }

    /// The pod object goes away; its owner makes up for it.
    pub(super) fn remove_pod(&mut self, id: PodId) {
        let Some(pod) = self.pods.remove(&id) else { return };
        if let Some(pods) = pod.machine.and_then(|machine| self.bound.get_mut(&machine)) {
            pods.remove(&id);
        }
        self.forget(crate::fleet::Kind::Pod, pod.namespace, &pod.name);
        self.dirty.remove(&Item::Pod(id));
        self.notify_owner(pod.owner);
        self.wake_scheduler();
    }

    /// Tells the controller behind a pod that something changed.
    pub(super) fn notify_owner(&mut self, owner: PodOwner) {
        match owner {
            PodOwner::Job(job) => self.once_after(0, SimEvent::SyncJob(job)),
            PodOwner::Deployment(at) => {
                self.refresh_pdb(at);
                self.once_after(0, SimEvent::SyncDeployment(at));
            }
            PodOwner::Daemon(_) | PodOwner::User => {}
        }
    }

    fn kubelet_event(&mut self, id: PodId, text: EventText) {
        let Some(mut subject) = self.pod_subject(id) else { return };
        let Some(pod) = self.pods.get(&id) else { return };
        subject.field = Some(format!("spec.containers{{{}}}", pod.template.container));
        let host = pod.machine.and_then(|machine| self.machines.get(&machine)).map(|machine| machine.name.clone());
        self.record(Recorder::Kubelet(host.unwrap_or_default()), subject, text);
    }
}

/// A duration as Go prints it, cut to milliseconds: `685ms`, `4.2s`, `7m3.25s`.
pub(super) fn go_millis(millis: i64) -> String {
    crate::units::duration::format_go(millis.max(0).saturating_mul(1_000_000))
}
