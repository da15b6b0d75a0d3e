//! Spot interruptions: two minutes' notice through the interruption queue.

use super::super::clock::{MachineStep, SimEvent};
use super::super::events::EventText;
use super::super::model::{Capacity, MachineId};
use super::super::world::World;
use super::REPEAT;

/// Seconds between EC2's notice and the end of the instance.
const NOTICE: i64 = 120;
/// Seconds between two interruptions somewhere in the fleet.
const BETWEEN: (i64, i64) = (1100, 2300);

impl World {
    /// EC2 takes back one spot instance that is not leaving already.
    pub(in super::super) fn interrupt(&mut self) {
        // Those of the history are entered one by one.
        if self.now >= self.start {
            self.after_some(BETWEEN, SimEvent::Interrupt);
        }
        let spot: Vec<MachineId> = self
            .machines
            .values()
            .filter(|machine| machine.capacity == Capacity::Spot && machine.is_initialized() && !machine.is_deleting())
            .filter(|machine| self.now >= self.start + 3600 || !self.is_showpiece(machine.id))
            .filter(|machine| self.now >= self.start || !self.movable(machine.id).is_empty())
            .map(|machine| machine.id)
            .collect();
        let Some(id) = self.rng.pick(&spot).copied() else { return };
        let place = |id: &MachineId| self.machines.get(id).map(|machine| (machine.kind.name, machine.zone));
        let elsewhere: Vec<MachineId> = spot.iter().filter(|other| place(other) != place(&id)).copied().collect();
        if let Some(other) = self.rng.pick(&elsewhere).copied() {
            // A recommendation only: Karpenter reports it and does nothing.
            let text = EventText::normal("SpotRebalanceRecommendation", "Spot rebalance recommendation was triggered");
            self.publish_both(other, &text, REPEAT);
        }
        let text = EventText::warning("SpotInterrupted", "Spot interruption warning was triggered");
        self.publish_both(id, &text, REPEAT);
        if let Some(subject) = self.claim_subject(id) {
            let words = "Interruption triggered termination for the NodeClaim";
            self.publish(subject, EventText::warning("TerminatingOnInterruption", words), REPEAT);
        }
        if let Some(subject) = self.node_subject(id) {
            let words = "Interruption triggered termination for the Node";
            self.publish(subject, EventText::warning("TerminatingOnInterruption", words), REPEAT);
        }
        self.begin_deletion(id, "Forceful Termination");
        self.after(NOTICE, SimEvent::Machine(id, MachineStep::Reclaim));
    }

    /// Until an hour after the start those nodes are left alone whose story is still to be told: the long-lived ones,
    /// the one with the slow image pull and the one with the late device plugin.
    fn is_showpiece(&self, id: MachineId) -> bool {
        let claim = self.machines.get(&id).and_then(|machine| machine.claim.as_ref());
        let kind = self.machines.get(&id).map_or("", |machine| machine.kind.name);
        let long_lived = claim.is_some_and(|claim| claim.identity.created < self.start - 3 * 3600);
        long_lived || ["g5.12xlarge", "g6.4xlarge"].contains(&kind)
    }
}
