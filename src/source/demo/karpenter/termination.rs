//! Termination of a machine: taint, drain, detach, terminate.

use super::super::clock::{MachineStep, Sec, SimEvent};
use super::super::events::{EventText, Recorder};
use super::super::model::{MachineId, Pod, PodId};
use super::super::world::{Item, World};
use super::REPEAT;
use super::disruption::pdb_name;
use super::protection::protects;
use crate::fleet::Kind;
use crate::units::Time;

/// Seconds between two rounds of evictions.
const ROUND: i64 = 5;

impl World {
    /// Deletes a NodeClaim, and with it the Node: both stay until their finalizers are served.
    pub(in super::super) fn begin_deletion(&mut self, id: MachineId, eviction: &'static str) {
        let now = self.now;
        if let Some(node) = self.machines.get_mut(&id).and_then(|machine| machine.node.as_mut()) {
            node.disrupted = true;
            node.deleting = Some(now);
        }
        self.change_claim(id, |claim| {
            claim.deleting = Some(now);
            claim.eviction = eviction;
        });
        self.replacement_failed(id);
        if let Some(end) = self.deadline(id) {
            let words = format!("All pods will be deleted by {}", Time::from_seconds(end));
            self.publish_both(id, &EventText::warning("TerminationGracePeriodExpiring", words), REPEAT);
        }
        self.after(0, SimEvent::Machine(id, MachineStep::Drain));
    }

    /// When the NodeClaim's termination grace period ends, if it has one.
    pub(in super::super) fn deadline(&self, id: MachineId) -> Option<Sec> {
        let claim = self.machines.get(&id)?.claim.as_ref()?;
        Some(claim.deleting? + claim.grace?)
    }

    /// One round: evicts what may be evicted, ends what is out of time, and goes on when nothing is left.
    pub(super) fn drain(&mut self, id: MachineId) {
        if self.machines.get(&id).is_none_or(|machine| machine.claim.as_ref().is_none_or(|c| c.drained.is_some())) {
            return;
        }
        let pods: Vec<PodId> =
            self.pods_on(id).filter(|(_, pod)| pod.is_active() && !pod.is_daemon()).map(|(pod, _)| pod).collect();
        for pod in pods {
            self.evict(id, pod);
        }
        let waiting = self.pods_on(id).filter(|(_, pod)| pod.holds_room() && !pod.is_daemon()).count();
        if waiting > 0 {
            self.say_waiting(id, waiting);
            return self.after(ROUND, SimEvent::Machine(id, MachineStep::Drain));
        }
        let now = self.now;
        self.change_claim(id, |claim| claim.drained = Some(now));
        if let Some(subject) = self.claim_subject(id) {
            self.say_condition(subject, "Drained", "Unknown -> True", "Drained");
        }
        self.after_some((1, 3), SimEvent::Machine(id, MachineStep::Terminate));
    }

    fn evict(&mut self, machine: MachineId, id: PodId) {
        let Some(pod) = self.pods.get(&id) else { return };
        let grace = pod.template.grace;
        if self.deadline(machine).is_some_and(|deadline| self.now >= deadline - grace) {
            return self.end_by_deadline(machine, id, grace);
        }
        if protects(pod, self.now) {
            return;
        }
        if !self.eviction_allowed(pod) {
            return self.say_blocked_eviction(machine, id);
        }
        let reason = self.machines.get(&machine).and_then(|m| m.claim.as_ref()).map_or("", |claim| claim.eviction);
        if let Some(subject) = self.pod_subject(id) {
            self.publish(subject, EventText::normal("Evicted", format!("Evicted pod: {reason}")), REPEAT);
        }
        self.mark_disrupted(id, "EvictionByEvictionAPI", "Eviction API: evicting");
        self.delete_pod(id, grace);
    }

    /// Evicts a pod for a user, as the Eviction API does: budgets decide, and `karpenter.sh/do-not-disrupt` does not.
    ///
    /// # Errors
    /// The words of the API server where the budget of the pod allows no disruption.
    pub(in super::super) fn evict_for_user(&mut self, id: PodId) -> Result<(), String> {
        let Some(pod) = self.pods.get(&id) else { return Ok(()) };
        let (grace, is_running) = (pod.template.grace, pod.is_active() && pod.running.is_some());
        if is_running && !self.eviction_allowed(pod) {
            return Err(self.budget_words(pod));
        }
        self.mark_disrupted(id, "EvictionByEvictionAPI", "Eviction API: evicting");
        self.delete_pod(id, grace);
        Ok(())
    }

    fn mark_disrupted(&mut self, id: PodId, reason: &'static str, message: &'static str) {
        let now = self.now;
        if let Some(pod) = self.pods.get_mut(&id) {
            pod.disrupted = Some((now, reason, message));
        }
        self.touch(Item::Pod(id));
    }

    fn end_by_deadline(&mut self, machine: MachineId, id: PodId, grace: i64) {
        let Some(deadline) = self.deadline(machine) else { return };
        let granted = (deadline - self.now).clamp(1, grace);
        if let Some(subject) = self.pod_subject(id) {
            let words = format!(
                "Deleting the pod to accommodate the terminationTime {} of the node. The pod was granted {granted} seconds of grace-period of its {grace} terminationGracePeriodSeconds. This bypasses the PDB of the pod and the do-not-disrupt annotation.",
                Time::from_seconds(deadline)
            );
            self.publish(subject, EventText::normal("Disrupted", words), REPEAT);
        }
        self.delete_pod(id, granted);
    }

    fn say_blocked_eviction(&mut self, machine: MachineId, id: PodId) {
        let Some(pod) = self.pods.get(&id).filter(|pod| pdb_name(pod).is_some()) else { return };
        let words = format!("Failed to drain node, evicting pod violates a PDB (Pod={}/{})", pod.namespace, pod.name);
        if let Some(subject) = self.node_subject(machine) {
            self.publish(subject, EventText::warning("FailedDraining", words), REPEAT);
        }
    }

    fn say_waiting(&mut self, id: MachineId, waiting: usize) {
        let words = format!("Failed to drain node, {waiting} pods are waiting to be evicted");
        if let Some(subject) = self.node_subject(id) {
            self.publish(subject, EventText::warning("FailedDraining", words), REPEAT);
        }
    }

    /// Volumes are detached; EC2 is told to end the instance.
    pub(super) fn terminate_instance(&mut self, id: MachineId) {
        let now = self.now;
        self.change_claim(id, |claim| {
            claim.detached = Some(now);
            claim.terminating = Some(now);
        });
        self.after_some((24, 42), SimEvent::Machine(id, MachineStep::Gone));
    }

    /// The instance is gone: finalizers are removed, and the objects with them.
    pub(super) fn machine_gone(&mut self, id: MachineId) {
        for subject in [self.node_subject(id), self.claim_subject(id)].into_iter().flatten() {
            self.record(
                Recorder::Karpenter,
                subject,
                EventText::normal("Finalized", "Finalized karpenter.sh/termination"),
            );
        }
        self.remove_machine(id);
    }

    /// EC2 took a spot instance: whatever still ran there is lost.
    pub(super) fn reclaim(&mut self, id: MachineId) {
        self.machine_gone(id);
    }

    /// Removes a machine with its Node and NodeClaim; pod garbage collection takes what was bound to it.
    pub(super) fn remove_machine(&mut self, id: MachineId) {
        self.replacement_failed(id);
        let Some(machine) = self.machines.remove(&id) else { return };
        if machine.node.is_some() {
            self.forget(Kind::Node, "", &machine.name);
            self.dirty.remove(&Item::Node(id));
        }
        if let Some(claim) = &machine.claim {
            self.forget(Kind::NodeClaim, "", &claim.name);
            self.dirty.remove(&Item::Claim(id));
            self.recount_pool(claim.pool);
        }
        let bound: Vec<PodId> = self.pods_on(id).map(|(pod, _)| pod).collect();
        for pod in bound {
            self.remove_pod(pod);
        }
        self.bound.remove(&id);
        for pod in self.pods.values_mut().filter(|pod: &&mut Pod| pod.nominated == Some(id)) {
            pod.nominated = None;
        }
        self.once_after(3, SimEvent::Provision);
    }
}
