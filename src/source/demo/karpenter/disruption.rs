//! Karpenter's disruption loop: candidates, Events of blocked nodes, and disruption commands.

use super::super::cast::{DEPLOYMENTS, POOLS};
use super::super::catalog::InstanceType;
use super::super::clock::SimEvent;
use super::super::controllers::daemon_overhead;
use super::super::events::EventText;
use super::super::model::{
    Allowed, Amounts, Capacity, Command, Machine, MachineId, Place, Pod, PodId, PodOwner, Template,
};
use super::super::scheduler::selects;
use super::super::world::World;
use super::REPEAT;
use super::protection::protects;
use super::provisioning::MachineRequest;

/// Seconds between two passes.
const PASS: i64 = 10;
/// Karpenter waits this long and checks again before it takes an empty or underutilized node.
const VALIDATION: i64 = 15;
/// `Unconsolidatable` is repeated after this time only.
const UNCONSOLIDATABLE: i64 = 900;

const EMPTY: &str = "Empty";
const DRIFTED: &str = "Drifted";
const UNDERUTILIZED: &str = "Underutilized";

/// Number of nodes that the budgets of a pool allow to be disrupted.
#[derive(Clone, Copy)]
struct BudgetRoom {
    /// Nodes that the budget allows in all.
    allowed: i64,
    /// Nodes that the budget allows besides those that are being disrupted.
    left: i64,
}

/// Reason why a node is not a candidate.
struct Obstacle {
    words: String,
    /// A pod or a PodDisruptionBudget: drift passes it where the NodeClaim has a termination grace period.
    by_pod: bool,
}

impl Obstacle {
    fn by_node(words: &str) -> Self {
        Self { words: words.to_owned(), by_pod: false }
    }
}

/// Result of a scheduling simulation without the node.
enum Simulation {
    /// The pods fit on other nodes.
    Delete,
    /// The pods need one new machine.
    Replace(&'static InstanceType, Capacity, Amounts),
    /// No machine of the pool would do.
    Stuck,
}

impl World {
    /// One pass of the loop.
    pub(in super::super) fn disrupt(&mut self) {
        self.after(PASS, SimEvent::Disrupt);
        self.mark_quiet();
        if self.is_paused() || self.validating.is_some() {
            return;
        }
        let candidates = self.candidates();
        let _ = self.take_empty(&candidates) || self.take_drifted() || self.consolidate(&candidates);
    }

    /// Nothing is judged while a NodeClaim has no provider id.
    fn is_paused(&self) -> bool {
        self.machines.values().any(|machine| machine.claim.as_ref().is_some_and(|claim| claim.launched.is_none()))
    }

    /// Sets `Consolidatable` where no pod came or went for the pool's `consolidateAfter`.
    fn mark_quiet(&mut self) {
        let now = self.now;
        let quiet: Vec<MachineId> = self
            .machines
            .values()
            .filter(|machine| !machine.is_deleting())
            .filter_map(|machine| {
                let claim = machine.claim.as_ref()?;
                let pool = &POOLS[claim.pool];
                let wait = pool.consolidate_after.filter(|_| pool.replicas.is_none())?;
                let since = claim.last_pod_event.or(claim.initialized)?;
                (claim.initialized.is_some() && claim.consolidatable.is_none() && now - since >= wait)
                    .then_some(machine.id)
            })
            .collect();
        for id in quiet {
            self.change_claim(id, |claim| claim.consolidatable = Some(now));
        }
    }

    /// Machines that Karpenter is already disrupting.
    fn is_queued(&self, id: MachineId) -> bool {
        self.commands.values().any(|command| command.machines.contains(&id))
    }

    /// Judges every node, says what holds it, and returns those that nothing holds.
    fn candidates(&mut self) -> Vec<MachineId> {
        let ids: Vec<MachineId> =
            self.machines.values().filter(|m| m.claim.is_some()).map(|machine| machine.id).collect();
        let mut free = Vec::new();
        for id in ids {
            if self.is_queued(id) {
                continue;
            }
            let pods: Vec<PodId> = self.pods_on(id).map(|(pod, _)| pod).collect();
            for pod in pods {
                self.say_protection(pod);
            }
            match self.machines.get(&id).and_then(|machine| self.obstacle(machine)) {
                None => free.push(id),
                Some(obstacle) => {
                    self.publish_both(id, &EventText::normal("DisruptionBlocked", obstacle.words), REPEAT);
                }
            }
        }
        free
    }

    /// The first thing that keeps a machine from being a candidate, in Karpenter's order.
    fn obstacle(&self, machine: &Machine) -> Option<Obstacle> {
        let claim = machine.claim.as_ref()?;
        let Some(node) = &machine.node else {
            return Some(Obstacle::by_node("Nodeclaim does not have an associated node"));
        };
        if claim.initialized.is_none() {
            return Some(Obstacle::by_node("Node isn't initialized"));
        }
        if machine.is_deleting() {
            return Some(Obstacle::by_node("Node is deleting or marked for deletion"));
        }
        if claim.nominated_until > self.now {
            return Some(Obstacle::by_node("Node is nominated for a pending pod"));
        }
        if node.do_not_disrupt.as_deref() == Some("true") {
            return Some(Obstacle::by_node(
                "Disruption is blocked through the \"karpenter.sh/do-not-disrupt\" annotation",
            ));
        }
        self.pod_obstacle(machine.id).map(|words| Obstacle { words, by_pod: true })
    }

    fn pod_obstacle(&self, id: MachineId) -> Option<String> {
        let protected = self.pods_on(id).find(|(_, pod)| protects(pod, self.now));
        if let Some((_, pod)) = protected {
            let words =
                format!("Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod={}/{})", pod.namespace, pod.name);
            return Some(words);
        }
        let held = self.pods_on(id).filter(|(_, pod)| pod.is_active()).find(|(_, pod)| !self.eviction_allowed(pod));
        held.and_then(|(_, pod)| pdb_name(pod))
            .map(|name| format!("Pdb prevents pod evictions (PodDisruptionBudget=[{name}])"))
    }

    /// Pods that would have to go elsewhere.
    pub(super) fn movable(&self, id: MachineId) -> Vec<&Pod> {
        self.pods_on(id).map(|(_, pod)| pod).filter(|pod| pod.is_active() && !pod.is_daemon()).collect()
    }

    fn is_empty(&self, id: MachineId) -> bool {
        self.movable(id).is_empty()
    }

    fn pool_of(&self, id: MachineId) -> usize {
        self.machines.get(&id).and_then(|machine| machine.claim.as_ref()).map_or(0, |claim| claim.pool)
    }

    fn is_quiet(&self, id: MachineId) -> bool {
        let claim = self.machines.get(&id).and_then(|machine| machine.claim.as_ref());
        claim.is_some_and(|claim| claim.consolidatable.is_some())
    }

    /// How many nodes of a pool the budgets allow for a reason; `None` where no budget limits it.
    fn budget(&self, pool: usize, reason: &str) -> Option<BudgetRoom> {
        let of_pool = self.machines.values().filter(|machine| {
            machine
                .claim
                .as_ref()
                .is_some_and(|claim| claim.pool == pool && claim.initialized.is_some() && claim.terminating.is_none())
        });
        let (total, disrupting) = of_pool.fold((0, 0), |(total, disrupting), machine| {
            let consumes = machine.is_deleting() || self.is_queued(machine.id);
            (total + 1, disrupting + i64::from(consumes))
        });
        let hour = self.now.rem_euclid(86_400) / 3600;
        let allowed = POOLS[pool]
            .budgets
            .iter()
            .filter(|budget| budget.reasons.is_none_or(|reasons| reasons.contains(&reason)))
            .filter(|budget| budget.window.is_none_or(|(from, hours)| (hour - from).rem_euclid(24) < hours))
            .map(|budget| match budget.nodes {
                Allowed::Nodes(nodes) => nodes,
                Allowed::Percent(percent) => (percent * total + 99) / 100,
            })
            .min()?;
        Some(BudgetRoom { allowed, left: (allowed - disrupting).max(0) })
    }

    /// Whether the budgets allow nothing at all for a reason.
    fn allows_none(&self, pool: usize, reason: &str) -> bool {
        self.budget(pool, reason).is_some_and(|room| room.allowed == 0)
    }

    /// Whether the budgets allow one more node than these for a reason.
    fn allows_beyond(&self, taken: i64, pool: usize, reason: &str) -> bool {
        self.budget(pool, reason).is_none_or(|room| room.left > taken)
    }

    /// Pools whose budgets allow nothing for a reason are told so when there is any candidate.
    fn say_budgets(&mut self, reason: &str) {
        for pool in 0..POOLS.len() {
            if self.usage.get(pool).is_some_and(|(nodes, _)| *nodes > 0) && self.allows_none(pool, reason) {
                let words = format!("No allowed disruptions for disruption reason {reason} due to blocking budget");
                if let Some(subject) = self.pool_subject(pool) {
                    self.publish(subject, EventText::normal("DisruptionBlocked", words), 60);
                }
            }
        }
    }

    /// Emptiness: one command takes all empty nodes that budgets allow.
    fn take_empty(&mut self, candidates: &[MachineId]) -> bool {
        let mut empty = Vec::new();
        for id in candidates {
            let pool = self.pool_of(*id);
            if POOLS[pool].replicas.is_some() {
                continue;
            }
            if POOLS[pool].consolidate_after.is_none() {
                self.say_disabled(*id, pool);
            } else if self.is_empty(*id) && self.is_quiet(*id) {
                empty.push(*id);
            }
        }
        if empty.is_empty() {
            return false;
        }
        self.say_budgets(EMPTY);
        let machines = self.within_budget(empty, EMPTY);
        if machines.is_empty() {
            return false;
        }
        self.start_validation(Command { machines, reason: EMPTY, replacement: None, replace_with: None });
        true
    }

    fn say_disabled(&mut self, id: MachineId, pool: usize) {
        let words = format!("NodePool \"{}\" has consolidation disabled", POOLS[pool].name);
        self.publish_both(id, &EventText::normal("Unconsolidatable", words), UNCONSOLIDATABLE);
    }

    fn within_budget(&self, ids: Vec<MachineId>, reason: &str) -> Vec<MachineId> {
        let mut taken = vec![0; POOLS.len()];
        ids.into_iter()
            .filter(|id| {
                let pool = self.pool_of(*id);
                let room = self.allows_beyond(taken[pool], pool, reason);
                taken[pool] += i64::from(room);
                room
            })
            .collect()
    }

    fn start_validation(&mut self, command: Command) {
        let id = self.fresh_id();
        self.validating = Some(id);
        self.commands.insert(id, command);
        self.after(VALIDATION, SimEvent::Validate(id));
    }

    /// After the wait: everything is checked again; what changed is left alone.
    pub(in super::super) fn validate(&mut self, id: u32) {
        self.validating = None;
        let Some(mut command) = self.commands.remove(&id) else { return };
        let before = command.machines.len();
        command.machines.retain(|machine| self.still_valid(*machine, command.reason));
        let whole = command.machines.len() == before;
        if command.machines.is_empty() || (command.reason == UNDERUTILIZED && !whole) {
            return;
        }
        if command.reason == UNDERUTILIZED && !self.still_moves(&command) {
            return;
        }
        self.execute(command);
    }

    fn still_valid(&self, id: MachineId, reason: &str) -> bool {
        let Some(machine) = self.machines.get(&id) else { return false };
        let right = if reason == EMPTY { self.is_empty(id) } else { !self.is_empty(id) };
        right
            && self.is_quiet(id)
            && self.obstacle(machine).is_none()
            && self.allows_beyond(0, self.pool_of(id), reason)
    }

    fn still_moves(&self, command: &Command) -> bool {
        command.machines.first().is_some_and(|id| match self.simulate(*id) {
            Simulation::Delete => command.replace_with.is_none(),
            Simulation::Replace(..) => command.replace_with.is_some(),
            Simulation::Stuck => false,
        })
    }

    /// Drift: one node per pass, the longest drifted first, without validation wait.
    fn take_drifted(&mut self) -> bool {
        let mut drifted: Vec<(bool, i64, MachineId)> = Vec::new();
        for machine in self.machines.values() {
            let Some(claim) = machine.claim.as_ref() else { continue };
            let Some(since) = claim.drifted.filter(|_| !self.is_queued(machine.id)) else { continue };
            let free = self.obstacle(machine).is_none_or(|it| it.by_pod && claim.grace.is_some());
            if free && POOLS[claim.pool].replicas.is_none() {
                drifted.push((!self.is_empty(machine.id), since, machine.id));
            }
        }
        drifted.sort_unstable();
        if drifted.is_empty() {
            return false;
        }
        self.say_budgets(DRIFTED);
        let next = drifted.iter().map(|(_, _, id)| *id).find(|id| self.allows_beyond(0, self.pool_of(*id), DRIFTED));
        let Some(id) = next else { return false };
        let replace_with = match self.simulate(id) {
            Simulation::Delete => None,
            Simulation::Replace(kind, capacity, requests) => Some((kind, capacity, requests)),
            Simulation::Stuck => return false,
        };
        self.execute(Command { machines: vec![id], reason: DRIFTED, replacement: None, replace_with });
        true
    }

    /// Single-node consolidation: the first node whose pods fit elsewhere, or in something cheaper.
    fn consolidate(&mut self, candidates: &[MachineId]) -> bool {
        let mut spoken = false;
        for id in candidates {
            let pool = self.pool_of(*id);
            let spec = &POOLS[pool];
            if spec.replicas.is_some() || spec.consolidate_after.is_none() || self.is_empty(*id) {
                continue;
            }
            if spec.policy == "WhenEmpty" {
                let words =
                    format!("NodePool \"{}\" has consolidation policy WhenEmpty, but node is not empty", spec.name);
                self.publish_both(*id, &EventText::normal("Unconsolidatable", words), UNCONSOLIDATABLE);
                continue;
            }
            if !self.is_quiet(*id) {
                continue;
            }
            if !spoken {
                self.say_budgets(UNDERUTILIZED);
                spoken = true;
            }
            if self.allows_beyond(0, pool, UNDERUTILIZED) && self.consolidate_one(*id) {
                return true;
            }
        }
        false
    }

    fn consolidate_one(&mut self, id: MachineId) -> bool {
        let Some(machine) = self.machines.get(&id) else { return false };
        let (price, capacity, name) = (machine.kind.price_as(machine.capacity), machine.capacity, machine.name.clone());
        let replace_with = match self.simulate(id) {
            Simulation::Delete => None,
            Simulation::Replace(_, Capacity::Spot, _) if capacity == Capacity::Spot => {
                let words = "SpotToSpotConsolidation is disabled, can't replace a spot node with a spot node";
                self.publish_both(id, &EventText::normal("Unconsolidatable", words), UNCONSOLIDATABLE);
                return false;
            }
            Simulation::Replace(kind, bought, requests) if kind.price_as(bought) < price => {
                let savings = price - kind.price_as(bought);
                let words = format!(
                    "Consolidation candidate: replace: [{name}] -> [1 replacement] (savings: ${}.{:02})",
                    savings / 1_000_000,
                    savings % 1_000_000 / 10_000
                );
                self.publish_both(id, &EventText::normal("ConsolidationCandidate", words), REPEAT);
                Some((kind, bought, requests))
            }
            Simulation::Replace(..) | Simulation::Stuck => {
                let text = EventText::normal("Unconsolidatable", "Can't replace with a cheaper node");
                self.publish_both(id, &text, UNCONSOLIDATABLE);
                return false;
            }
        };
        self.start_validation(Command { machines: vec![id], reason: UNDERUTILIZED, replacement: None, replace_with });
        true
    }

    /// Tries to place the pods of a machine on the others, else on one new machine.
    fn simulate(&self, id: MachineId) -> Simulation {
        let mut pods: Vec<&Pod> = self.movable(id).into_iter().filter(|pod| !protects(pod, self.now)).collect();
        pods.sort_by_key(|pod| (-pod.template.requests.cpu, pod.identity.version));
        let mut rooms: Vec<(&Machine, Amounts)> = self
            .machines
            .values()
            .filter(|machine| machine.id != id && self.takes_moved_pods(machine))
            .map(|machine| (machine, machine.allocatable_now().minus(self.used_on(machine.id).0)))
            .collect();
        let mut left = Vec::new();
        for pod in pods {
            let room = rooms.iter_mut().find(|(machine, room)| {
                pod.template.requests.fits(*room)
                    && tolerates(machine, pod.template)
                    && selects(machine, pod.template.place)
            });
            match room {
                Some((_, room)) => *room = room.minus(pod.template.requests),
                None => left.push(pod.template),
            }
        }
        self.simulate_machine(id, &left)
    }

    fn simulate_machine(&self, id: MachineId, left: &[&'static Template]) -> Simulation {
        // The template that is hardest to please decides; the others of a node want no more.
        let Some(strictest) = left.iter().max_by_key(|template| template.place != Place::Anywhere) else {
            return Simulation::Delete;
        };
        let pool = self.pool_of(id);
        let (daemons, _) = daemon_overhead(&POOLS[pool]);
        let requests = left.iter().fold(daemons, |sum, template| sum.plus(template.requests));
        match self.cheapest(pool, strictest, requests) {
            Some((kind, capacity, _)) => Simulation::Replace(kind, capacity, requests),
            None => Simulation::Stuck,
        }
    }

    /// Destinations are nodes that are up, staying, and outside their own `consolidateAfter`.
    fn takes_moved_pods(&self, machine: &Machine) -> bool {
        machine.is_initialized() && !machine.is_deleting() && !self.is_queued(machine.id) && self.is_quiet(machine.id)
    }

    /// Taints the nodes, then takes them at once or after a replacement is ready.
    fn execute(&mut self, mut command: Command) {
        let now = self.now;
        for id in &command.machines {
            if let Some(node) = self.machines.get_mut(id).and_then(|machine| machine.node.as_mut()) {
                node.disrupted = true;
            }
            let reason = command.reason;
            self.change_claim(*id, |claim| claim.disruption = Some((now, reason)));
        }
        let Some((kind, capacity, requests)) = command.replace_with else { return self.finish_command(&command) };
        let pool = command.machines.first().map_or(0, |id| self.pool_of(*id));
        let pods = command.machines.first().map_or(0, |id| self.movable(*id).len() + 5);
        let pods = i64::try_from(pods).unwrap_or(0);
        let planned = MachineRequest { pool, kind, capacity, requests, pods, choices: vec![kind.name] };
        let replacement = self.request_machine(&planned);
        if let Some(subject) = self.claim_subject(replacement) {
            let launching =
                EventText::normal("DisruptionLaunching", format!("Launching NodeClaim: {}", command.reason));
            self.publish(subject.clone(), launching, REPEAT);
            let waiting =
                EventText::normal("DisruptionWaitingReadiness", "Waiting on readiness to continue disruption");
            self.publish(subject, waiting, REPEAT);
        }
        command.replacement = Some(replacement);
        let id = self.fresh_id();
        self.commands.insert(id, command);
    }

    fn finish_command(&mut self, command: &Command) {
        for id in &command.machines {
            if self.machines.get(id).is_none_or(Machine::is_deleting) {
                continue;
            }
            if let Some(subject) = self.node_subject(*id) {
                let text = EventText::normal("DisruptionTerminating", format!("Disrupting Node: {}", command.reason));
                self.publish(subject, text, REPEAT);
            }
            if let Some(subject) = self.claim_subject(*id) {
                let text =
                    EventText::normal("DisruptionTerminating", format!("Disrupting NodeClaim: {}", command.reason));
                self.publish(subject, text, REPEAT);
            }
            self.begin_deletion(*id, command.reason);
        }
    }

    /// A machine came up: if a command waited for it, the old ones go.
    pub(super) fn replacement_ready(&mut self, id: MachineId) {
        for command in self.commands_waiting_for(id) {
            self.finish_command(&command);
        }
    }

    /// A machine did not come: the command that waited for it is rolled back.
    pub(super) fn replacement_failed(&mut self, id: MachineId) {
        for command in self.commands_waiting_for(id) {
            for machine in command.machines {
                self.roll_back(machine);
            }
        }
    }

    fn commands_waiting_for(&mut self, id: MachineId) -> Vec<Command> {
        let ids: Vec<u32> =
            self.commands.iter().filter(|(_, command)| command.replacement == Some(id)).map(|(id, _)| *id).collect();
        ids.iter().filter_map(|id| self.commands.remove(id)).collect()
    }

    fn roll_back(&mut self, id: MachineId) {
        if self.machines.get(&id).is_none_or(Machine::is_deleting) {
            return;
        }
        if let Some(node) = self.machines.get_mut(&id).and_then(|machine| machine.node.as_mut()) {
            node.disrupted = false;
        }
        self.change_claim(id, |claim| claim.disruption = None);
        self.wake_scheduler();
    }
}

/// Whether a template tolerates the taints of a pool's nodes.
fn tolerates(machine: &Machine, template: &Template) -> bool {
    machine.claim.as_ref().is_some_and(|claim| !POOLS[claim.pool].gpu || template.on_gpu_nodes)
}

/// Namespace and name of the PodDisruptionBudget over a pod.
pub(super) fn pdb_name(pod: &Pod) -> Option<String> {
    let PodOwner::Deployment(at) = pod.owner else { return None };
    let deployment = DEPLOYMENTS.get(at)?;
    deployment.pdb.as_ref().map(|pdb| format!("{}/{}", deployment.namespace, pdb.name))
}
