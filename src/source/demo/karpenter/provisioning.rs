//! From pending pods to NodeClaims: batch, pack, choose, request.

use super::super::cast::POOLS;
#[cfg(test)]
use super::super::catalog::INSTANCE_TYPES;
use super::super::catalog::{InstanceType, ZONES, instance_type};
use super::super::clock::{MachineStep, SimEvent};
use super::super::controllers::daemon_overhead;
use super::super::events::EventText;
use super::super::model::{Amounts, Capacity, Claim, Machine, MachineId, Place, PodId, Template};
use super::super::names;
use super::super::scheduler::selects;
use super::super::world::{Item, World};
use super::REPEAT;

/// An instance type with limited capacity, and how many of it EC2 has.
const SCARCE: (&str, usize) = ("p5.48xlarge", 4);
/// Nominated Events of one batch: the recorder allows 5 a second in bursts of 10.
const NOMINATED_BURST: usize = 10;
/// Seconds that a nomination holds: twice the batch window of 10 s.
pub(super) const NOMINATION: i64 = 20;

/// Requirements of a new machine.
#[derive(Clone, Debug)]
pub(in super::super) struct MachineRequest {
    pub(in super::super) pool: usize,
    pub(in super::super) kind: &'static InstanceType,
    pub(in super::super) capacity: Capacity,
    pub(in super::super) requests: Amounts,
    pub(in super::super) pods: i64,
    pub(in super::super) choices: Vec<&'static str>,
}

/// The pools a template may go to, by weight.
fn pools_for(template: &Template) -> Vec<usize> {
    match template.place {
        Place::System => Vec::new(),
        Place::Pool(pool) => {
            if POOLS[pool].replicas.is_none() {
                vec![pool]
            } else {
                Vec::new()
            }
        }
        Place::Type(kind) => (0..POOLS.len())
            .filter(|pool| POOLS[*pool].types.contains(&kind) && POOLS[*pool].replicas.is_none())
            .collect(),
        Place::Anywhere | Place::OnDemand if template.requests.gpu > 0 => vec![super::super::cast::POOL_GPU],
        Place::Anywhere | Place::OnDemand => vec![super::super::cast::POOL_CPU],
    }
}

/// Whether a template accepts a way of buying.
fn accepts(template: &Template, capacity: Capacity) -> bool {
    template.place != Place::OnDemand || capacity == Capacity::OnDemand
}

/// Whether a template accepts an instance type.
fn accepts_kind(template: &Template, kind: &InstanceType) -> bool {
    !matches!(template.place, Place::Type(wanted) if wanted != kind.name)
}

impl World {
    /// The batch window closed: pods that the scheduler refused get machines.
    pub(in super::super) fn provision(&mut self) {
        let waiting: Vec<PodId> = self
            .pods
            .iter()
            .filter(|(_, pod)| pod.machine.is_none() && pod.is_active() && pod.refused.is_some())
            .filter(|(_, pod)| pod.nominated.is_none_or(|machine| !self.machines.contains_key(&machine)))
            .map(|(id, _)| *id)
            .collect();
        let mut open: Vec<(MachineRequest, Vec<PodId>)> = Vec::new();
        for id in waiting {
            if let Some(machine) = self.in_flight_for(id) {
                self.nominate(id, machine);
            } else if !self.add_to_planned(id, &mut open) {
                self.no_machine_for(id);
            }
        }
        self.order(open);
    }

    fn order(&mut self, planned_machines: Vec<(MachineRequest, Vec<PodId>)>) {
        let mut spoken = 0;
        for (planned, pods) in planned_machines {
            let machine = self.request_machine(&planned);
            for pod in pods {
                self.nominate(pod, machine);
                spoken += 1;
                if spoken <= NOMINATED_BURST {
                    self.say_nominated(pod, machine);
                }
            }
        }
    }

    fn nominate(&mut self, pod: PodId, machine: MachineId) {
        if let Some(pod) = self.pods.get_mut(&pod) {
            pod.nominated = Some(machine);
        }
        let until = self.now + NOMINATION;
        if let Some(claim) = self.machines.get_mut(&machine).and_then(|machine| machine.claim.as_mut()) {
            claim.nominated_until = until;
        }
    }

    fn say_nominated(&mut self, pod: PodId, machine: MachineId) {
        let Some(subject) = self.pod_subject(pod) else { return };
        let Some(claim) = self.machines.get(&machine).and_then(|machine| machine.claim.as_ref()) else { return };
        let words = format!("Pod should schedule on: nodeclaim/{}", claim.name);
        self.publish(subject, EventText::normal("Nominated", words), REPEAT);
    }

    /// A machine on its way that has room for the pod.
    fn in_flight_for(&self, id: PodId) -> Option<MachineId> {
        let template = self.pods.get(&id)?.template;
        self.machines
            .values()
            .filter(|machine| !machine.is_initialized() && !machine.is_deleting())
            .find(|machine| {
                let Some(claim) = &machine.claim else { return false };
                let pool_fits = !POOLS[claim.pool].gpu || template.on_gpu_nodes;
                pool_fits && selects(machine, template.place) && self.expected_room(machine, template)
            })
            .map(|machine| machine.id)
    }

    fn expected_room(&self, machine: &Machine, template: &Template) -> bool {
        let Some(claim) = &machine.claim else { return false };
        let (daemons, _) = daemon_overhead(&POOLS[claim.pool]);
        let promised = self
            .pods
            .values()
            .filter(|pod| pod.is_active() && (pod.nominated == Some(machine.id) || pod.machine == Some(machine.id)))
            .filter(|pod| !pod.is_daemon())
            .fold(daemons, |sum, pod| sum.plus(pod.template.requests));
        promised.plus(template.requests).fits(machine.kind.allocatable())
    }

    /// Adds a pod to a planned machine of this batch, or plans a new machine for it.
    fn add_to_planned(&mut self, id: PodId, open: &mut Vec<(MachineRequest, Vec<PodId>)>) -> bool {
        let Some(template) = self.pods.get(&id).map(|pod| pod.template) else { return false };
        let pools = pools_for(template);
        for (planned, pods) in open.iter_mut() {
            let pure = pods.first().and_then(|first| self.pods.get(first)).is_some_and(|first| {
                first.template.place == template.place && first.template.on_gpu_nodes == template.on_gpu_nodes
            });
            let requests = planned.requests.plus(template.requests);
            if !pure || !pools.contains(&planned.pool) {
                continue;
            }
            if let Some((kind, capacity, choices)) = self.cheapest(planned.pool, template, requests) {
                *planned =
                    MachineRequest { kind, capacity, requests, choices, pods: planned.pods + 1, pool: planned.pool };
                pods.push(id);
                return true;
            }
        }
        for pool in pools {
            let (daemons, count) = daemon_overhead(&POOLS[pool]);
            let requests = daemons.plus(template.requests);
            if !self.is_full(pool)
                && let Some((kind, capacity, choices)) = self.cheapest(pool, template, requests)
            {
                open.push((MachineRequest { pool, kind, capacity, requests, pods: count + 1, choices }, vec![id]));
                return true;
            }
        }
        false
    }

    /// Whether a pool's `limits.nodes` is used up.
    fn is_full(&self, pool: usize) -> bool {
        let limit =
            POOLS[pool].limits.iter().find(|(name, _)| *name == "nodes").and_then(|(_, n)| n.parse::<i64>().ok());
        limit.is_some_and(|limit| self.usage.get(pool).is_some_and(|(nodes, _)| *nodes >= limit))
    }

    /// The cheapest offering of a pool that carries the requests, and all types that would.
    pub(in super::super) fn cheapest(
        &self,
        pool: usize,
        template: &Template,
        requests: Amounts,
    ) -> Option<(&'static InstanceType, Capacity, Vec<&'static str>)> {
        let fitting: Vec<&'static InstanceType> = POOLS[pool]
            .types
            .iter()
            .map(|name| instance_type(name))
            .filter(|kind| accepts_kind(template, kind) && requests.fits(kind.allocatable()))
            .filter(|kind| requests.gpu > 0 || kind.gpus() == 0 || matches!(template.place, Place::Type(_)))
            .collect();
        let offered = |kind: &&'static InstanceType, capacity: Capacity| {
            accepts(template, capacity) && self.is_offered(kind.name, capacity)
        };
        let (kind, capacity) = POOLS[pool]
            .capacities
            .iter()
            .flat_map(|capacity| {
                fitting.iter().filter(|kind| offered(kind, *capacity)).map(move |kind| (*kind, *capacity))
            })
            .min_by_key(|(kind, capacity)| (kind.price_as(*capacity), kind.name))?;
        Some((kind, capacity, fitting.iter().map(|kind| kind.name).collect()))
    }

    /// Whether Karpenter may ask for an offering: sold at all, and not refused within the last three minutes.
    fn is_offered(&self, kind: &'static str, capacity: Capacity) -> bool {
        let never_spot = kind == SCARCE.0 && capacity == Capacity::Spot;
        let refused = self.unavailable.get(&(kind, capacity.label())).is_some_and(|until| *until > self.now);
        !never_spot && !refused
    }

    /// Whether EC2 has an offering at this moment.
    pub(super) fn in_stock(&mut self, id: MachineId) -> bool {
        let Some(machine) = self.machines.get(&id) else { return false };
        let (kind, capacity) = (machine.kind, machine.capacity);
        if kind.name == SCARCE.0 {
            let running = self
                .machines
                .values()
                .filter(|other| other.kind.name == SCARCE.0)
                .filter(|other| other.claim.as_ref().is_some_and(|claim| claim.launched.is_some()))
                .count();
            return running < SCARCE.1;
        }
        // The last minutes of the history go as planned, so that the first screen has its whole cast.
        let planned = (self.start - 600..self.start).contains(&self.now);
        capacity != Capacity::Spot || kind.gpu.is_none() || planned || !self.rng.chance(8)
    }

    /// Nothing can be launched for a pod at the moment.
    fn no_machine_for(&mut self, id: PodId) {
        let Some(template) = self.pods.get(&id).map(|pod| pod.template) else { return };
        // Static pools launch nothing for pods; their replicas come back by themselves.
        let Some(pool) = pools_for(template).first().copied() else { return };
        let (daemons, count) = daemon_overhead(&POOLS[pool]);
        let requests = daemons.plus(template.requests);
        let words = format!(
            "Failed to schedule pod, no instance type has the required offering, requirements={}, resources={}",
            requirements_text(pool, template),
            resources_text(requests, count + 1)
        );
        if let Some(subject) = self.pod_subject(id) {
            self.publish(subject, EventText::warning("FailedScheduling", words), 300);
        }
        self.once_after(10, SimEvent::Provision);
    }

    /// Creates the NodeClaim of a planned machine; EC2 answers within seconds.
    pub(in super::super) fn request_machine(&mut self, planned: &MachineRequest) -> MachineId {
        let id = self.build_claimed(planned);
        self.recount_pool(planned.pool);
        self.after_some((2, 4), SimEvent::Machine(id, MachineStep::Launch));
        id
    }

    /// A machine with a NodeClaim as it is when it was just created.
    pub(in super::super) fn build_claimed(&mut self, planned: &MachineRequest) -> MachineId {
        let id = self.fresh_id();
        let identity = self.identity(self.now);
        let machine = self.build_machine(id, planned.kind, planned.capacity);
        let pool = &POOLS[planned.pool];
        let claim = Claim {
            identity,
            name: format!("{}-{}", pool.name, names::suffix(&mut self.rng)),
            pool: planned.pool,
            requests: planned.requests,
            pod_count: planned.pods,
            image: self.images.get(pool.class().images).map(|(image, _)| image.clone()).unwrap_or_default(),
            choices: planned.choices.clone(),
            launched: None,
            registered: None,
            initialized: None,
            consistent: None,
            last_pod_event: None,
            consolidatable: None,
            drifted: None,
            disruption: None,
            deleting: None,
            drained: None,
            detached: None,
            terminating: None,
            expire_after: pool.expire_after,
            grace: pool.grace,
            eviction: "Forceful Termination",
            nominated_until: 0,
        };
        self.machines.insert(id, Machine { claim: Some(claim), ..machine });
        self.touch(Item::Claim(id));
        id
    }

    /// An instance with its names and addresses, without NodeClaim or Node.
    pub(in super::super) fn build_machine(
        &mut self,
        id: MachineId,
        kind: &'static InstanceType,
        capacity: Capacity,
    ) -> Machine {
        let zones = ZONES.len() as u64;
        let zone = usize::try_from(self.rng.below(zones)).unwrap_or(0);
        let address = self.free_address(zone);
        let name = names::node_name(&address);
        let instance_id = names::instance_id(&mut self.rng);
        Machine { id, kind, capacity, zone, address, name, instance_id, claim: None, node: None }
    }

    pub(in super::super) fn free_address(&mut self, zone: usize) -> String {
        loop {
            let host = u32::try_from(self.rng.below(3900)).unwrap_or(0);
            let address = names::node_address(zone, host);
            if !self.machines.values().any(|machine| machine.address == address) {
                return address;
            }
        }
    }

    /// A machine counts for something else in its NodePool than before.
    pub(in super::super) fn recount_pool_of(&mut self, id: MachineId) {
        if let Some(pool) = self.machines.get(&id).and_then(|machine| machine.claim.as_ref()).map(|claim| claim.pool) {
            self.recount_pool(pool);
        }
    }

    /// `status.resources` of a NodePool: what its machines have.
    pub(in super::super) fn recount_pool(&mut self, pool: usize) {
        let usage = self
            .machines
            .values()
            .filter(|machine| machine.claim.as_ref().is_some_and(|claim| claim.pool == pool))
            .fold((0, Amounts::default()), |(count, sum), machine| (count + 1, sum.plus(machine.counted_capacity())));
        if let Some(slot) = self.usage.get_mut(pool) {
            *slot = usage;
        }
        self.touch(Item::Pool(pool));
    }
}

/// A pool's requirements with those of a pod, as Karpenter prints them.
fn requirements_text(pool: usize, template: &Template) -> String {
    let spec = &POOLS[pool];
    let types = match template.place {
        Place::Type(kind) => kind.to_owned(),
        _ => spec.types.join(" "),
    };
    let class = spec.class().name;
    format!(
        "karpenter.k8s.aws/ec2nodeclass In [{class}], karpenter.sh/capacity-type In [{}], karpenter.sh/nodepool In [{}], kubernetes.io/arch In [amd64], node.kubernetes.io/instance-type In [{types}]",
        spec.capacities.iter().map(|capacity| capacity.label()).rev().collect::<Vec<_>>().join(" "),
        spec.name,
    )
}

/// Resources, as Karpenter prints them.
fn resources_text(requests: Amounts, pods: i64) -> String {
    let mut parts = vec![format!("\"cpu\":\"{}m\"", requests.cpu), format!("\"memory\":\"{}Mi\"", requests.memory)];
    if requests.gpu > 0 {
        parts.push(format!("\"nvidia.com/gpu\":\"{}\"", requests.gpu));
    }
    parts.push(format!("\"pods\":\"{pods}\""));
    if requests.efa > 0 {
        parts.push(format!("\"vpc.amazonaws.com/efa\":\"{}\"", requests.efa));
    }
    format!("{{{}}}", parts.join(","))
}

/// Every type is known under its own name.
#[cfg(test)]
#[test]
fn every_instance_type_of_a_node_pool_is_in_the_catalog() {
    for pool in &POOLS {
        for name in pool.types {
            assert!(INSTANCE_TYPES.iter().any(|kind| kind.name == *name), "{name}");
        }
    }
}
