//! The sums of what everything costs per hour, kept up to date machine by machine.

use std::hash::Hash;

use super::gpus::GpuState;
use super::spend::{OwnerShare, PodOwner, machine};
use super::{Map, Picture};
use crate::fleet::{Fleet, Kind, ObjectKey, Sym};
use crate::insight::Completeness;
use crate::insight::cost::{Cost, CostGroup, CostPart, CostRates, GroupBy, Machine, Machines, PerPart};
use crate::insight::gpu::{ByClass, GpuClass};
use crate::insight::phase;
use crate::units::money;

/// What is known of the protection of a Node; `None` where not everything is known that decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NodeProtection {
    /// Whether annotations or PodDisruptionBudgets stop Karpenter for at least one reason.
    pub is_protected: Option<bool>,
    /// Whether nothing else stops Karpenter for at least one reason.
    pub is_held: Option<bool>,
}

/// What is known of a Node besides its picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NodeFacts {
    /// Its protection.
    pub protection: NodeProtection,
    /// Its devices by class; `None` where it is not known how many there are, or what they do.
    pub classes: Option<ByClass>,
    /// [What of it is paid](Picture::waiting_rate) for pods that do not run yet.
    pub waiting: Option<i64>,
}

impl NodeFacts {
    /// Of a Node with this protection, with the accelerators of this state, if it has any, and with what is paid for waiting.
    pub fn new(protection: NodeProtection, gpus: Option<&GpuState>, waiting: Option<i64>) -> Self {
        Self { protection, classes: gpus.and_then(|state| state.activity.counted_by_class()), waiting }
    }
}

/// What the picture changed of the things that pay, so that the sums can follow.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Touched {
    /// Nodes that came, went or changed.
    pub nodes: Vec<Sym>,
    /// NodeClaims that came, went or changed.
    pub claims: Vec<ObjectKey>,
    /// Owners of pods whose rates changed.
    pub owners: Vec<PodOwner>,
}

impl Touched {
    /// Notes that a Node's picture is another one now, and the owners whose rates changed with it.
    pub(super) fn note_node(&mut self, name: &Sym, before: &[OwnerShare], after: &[OwnerShare]) {
        self.nodes.push(name.clone());
        self.owners.extend(before.iter().chain(after).map(|(owner, _)| owner.clone()));
    }
}

/// The part of one machine in the sums.
#[derive(Clone, PartialEq, Eq, Debug)]
struct MachineRate {
    kind: Kind,
    rate: Option<i64>,
    lacks_fee: bool,
    unrequested: i64,
    unallocated_gpu: Option<i64>,
    /// What of it is paid for pods that do not run yet; `None` where there are none.
    waiting: Option<i64>,
    /// Whether it is on its way to be a Node.
    is_starting: bool,
    protection: NodeProtection,
    groups: [CostGroup; GroupBy::OF_MACHINES.len()],
    /// Its rate by what its accelerators do; empty where it has none.
    classes: Vec<(GpuClass, i64)>,
}

impl MachineRate {
    /// A machine that costs this much and of which nothing else is known.
    fn new(kind: Kind, machine: &Machine<'_>, cost: &Cost) -> Self {
        Self {
            kind,
            rate: cost.rate(),
            lacks_fee: cost.lacks_fee(),
            unrequested: 0,
            unallocated_gpu: None,
            waiting: None,
            is_starting: false,
            protection: NodeProtection::default(),
            groups: GroupBy::OF_MACHINES.map(|dimension| machine.payer(dimension)),
            classes: Vec::new(),
        }
    }

    /// The parts of the total to which the machine belongs, and with how much. What no pod requests of a NodeClaim is no
    /// waste: no pod can be there yet.
    fn parts(&self) -> Vec<(CostPart, i64)> {
        let rate = self.rate.unwrap_or(0);
        let mut parts = Vec::new();
        match self.kind {
            Kind::Node => parts.push((CostPart::Unrequested, self.unrequested)),
            _ if self.is_starting => parts.push((CostPart::Starting, rate)),
            _ => {}
        }
        parts.extend(self.unallocated_gpu.map(|amount| (CostPart::UnallocatedGpu, amount)));
        parts.extend(self.waiting.map(|amount| (CostPart::Waiting, amount)));
        if self.protection.is_protected == Some(true) {
            parts.push((CostPart::Protected, rate));
        }
        if self.protection.is_held == Some(true) {
            parts.extend([(CostPart::Held, rate), (CostPart::HeldUnrequested, self.unrequested)]);
        }
        parts
    }

    /// What the machine adds to the sums of each of its groups.
    fn summed(&self) -> Machines {
        Machines {
            count: 1,
            unpriced: u64::from(self.rate.is_none()),
            held: if self.protection.is_held == Some(true) { self.rate.unwrap_or(0) } else { 0 },
            unrequested: if self.kind == Kind::Node { self.unrequested } else { 0 },
        }
    }

    /// As whom it pays by class of its accelerators, and with how much.
    fn by_class(&self) -> Vec<(CostGroup, i64)> {
        if self.classes.is_empty() {
            return vec![(CostGroup::Nobody, self.rate.unwrap_or(0))];
        }
        self.classes.iter().map(|(class, rate)| (CostGroup::Named(Sym::new(class.name())), *rate)).collect()
    }

    /// What a part of it adds to the sums of a class. What no pod requests of CPU and memory is of no class.
    fn summed_of_class(&self, rate: i64) -> Machines {
        let held = if self.protection.is_held == Some(true) { rate } else { 0 };
        Machines { held, unrequested: 0, ..self.summed() }
    }
}

/// The rate of a Node by what its accelerators do, in equal parts for each device: the parts add up to it exactly. All of it
/// is of no known class where that of its devices is not known.
fn rate_by_class(rate: i64, classes: Option<ByClass>) -> Vec<(GpuClass, i64)> {
    let counted = classes.filter(|classes| classes.total() > 0);
    let Some(classes) = counted else { return vec![(GpuClass::Unknown, rate)] };
    let weights = GpuClass::ALL.map(|class| i128::from(classes.get(class)));
    let parts = GpuClass::ALL.into_iter().zip(money::split(rate, &weights));
    parts.filter(|(class, _)| classes.get(*class) > 0).collect()
}

/// What the pods of one owner add to the sums.
#[derive(Clone, PartialEq, Eq, Debug)]
struct OwnerRate {
    rate: i64,
    groups: [CostGroup; GroupBy::OF_PODS.len()],
}

/// A sum over machines, some of which may have no price.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct PartSum {
    rate: i64,
    unpriced: u64,
}

impl PartSum {
    /// A sum to which only machines without a price belong is not zero but unknown; beside others it is a lower bound.
    fn known(self) -> Option<i64> {
        (self.rate > 0 || self.unpriced == 0).then_some(self.rate)
    }
}

/// The sums, and what each machine and each owner adds to them. Equal to what is computed from nothing as soon as
/// everything that was touched has been set.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RateSums {
    nodes: Map<Sym, MachineRate>,
    claims: Map<ObjectKey, MachineRate>,
    owners: Map<PodOwner, OwnerRate>,
    parts: PerPart<PartSum>,
    /// Nodes of which it is not known whether they are protected, or held.
    undecided: u64,
    machines_total: i64,
    rates: CostRates,
}

impl RateSums {
    /// The sums computed from nothing, with which tests compare those that followed changes.
    #[cfg(test)]
    pub fn full(fleet: &Fleet, picture: &Picture, facts: impl Fn(&Sym) -> NodeFacts) -> Self {
        let mut sums = Self::default();
        for node in fleet.nodes.iter() {
            let name = &node.meta.key.name;
            sums.set_node(fleet, picture, name, facts(name));
        }
        for claim in fleet.node_claims.iter() {
            sums.set_claim(fleet, picture, &claim.meta.key);
        }
        for owner in picture.owners() {
            sums.set_owner(fleet, picture, owner);
        }
        sums
    }

    /// Everything that is paid, as it was published last.
    pub const fn rates(&self) -> &CostRates {
        &self.rates
    }

    /// Brings the totals up to date, as far as they are known, with what the accelerators cost that are requested and do
    /// nothing. Says whether all machines are known, and whether a total changed.
    pub fn publish(
        &mut self,
        known: &Completeness<'_>,
        cluster_fixed: Option<i64>,
        idle_gpu: Option<i64>,
    ) -> (bool, bool) {
        let are_machines_known = known.all(Kind::Node) && known.all(Kind::NodeClaim);
        let are_pods_known = known.all(Kind::Pod);
        let is_protection_known = known.decides_nodes() && self.undecided == 0;
        let mut parts = PerPart::default();
        for part in CostPart::ALL {
            let is_known = are_pods_known && (!part.is_of_protection() || is_protection_known);
            let rate = if part == CostPart::IdleGpu { idle_gpu } else { self.parts.get(part).known() };
            parts.set(part, rate.filter(|_| is_known));
        }
        let total = self.machines_total.saturating_add(cluster_fixed.unwrap_or(0));
        let rates = &mut self.rates;
        let before = (rates.total, rates.cluster_fixed, rates.are_pods_known, rates.parts);
        (rates.total, rates.cluster_fixed, rates.are_pods_known, rates.parts) =
            (total, cluster_fixed, are_pods_known, parts);
        (are_machines_known, before != (total, cluster_fixed, are_pods_known, parts))
    }

    /// Every owner of which the sums have something.
    pub fn owners(&self) -> impl Iterator<Item = &PodOwner> {
        self.owners.keys()
    }

    /// Follows a Node. Says whether a sum changed.
    pub fn set_node(&mut self, fleet: &Fleet, picture: &Picture, name: &Sym, facts: NodeFacts) -> bool {
        let NodeFacts { protection, classes, waiting } = facts;
        let new = fleet.node(name).zip(picture.node(name)).map(|(node, said)| MachineRate {
            unrequested: said.spend.unrequested,
            unallocated_gpu: said.gpu.as_ref().map(|_| said.spend.unallocated_gpu),
            waiting,
            protection,
            classes: said
                .gpu
                .as_ref()
                .map(|_| rate_by_class(said.cost.rate().unwrap_or(0), classes))
                .unwrap_or_default(),
            ..MachineRate::new(Kind::Node, &machine(fleet, node, None), &said.cost)
        });
        self.replace(|sums| &mut sums.nodes, name, new)
    }

    /// Follows a NodeClaim: it adds what it costs while it is billed and has no Node; no pod requests any of that. Says
    /// whether a sum changed.
    pub fn set_claim(&mut self, fleet: &Fleet, picture: &Picture, key: &ObjectKey) -> bool {
        let row = fleet.node_claims.get(key);
        let said = row.and_then(|row| picture.claim(row)).filter(|said| said.node.is_none());
        let new = row.zip(said.and_then(|said| said.cost.as_ref())).map(|(claim, cost)| MachineRate {
            unrequested: cost.rate().unwrap_or(0),
            is_starting: !phase::is_terminating(claim),
            protection: NodeProtection { is_protected: Some(false), is_held: Some(false) },
            ..MachineRate::new(Kind::NodeClaim, &Machine::of_claim(claim), cost)
        });
        self.replace(|sums| &mut sums.claims, key, new)
    }

    /// Follows the owner of pods. Says whether a sum changed.
    pub fn set_owner(&mut self, fleet: &Fleet, picture: &Picture, owner: &PodOwner) -> bool {
        let groups = || GroupBy::OF_PODS.map(|dimension| owner.payer(fleet, dimension));
        let new = picture.rate_of_owner(owner).map(|rate| OwnerRate { rate, groups: groups() });
        let old = self.owners.remove(owner);
        if old == new {
            self.owners.extend(new.map(|new| (owner.clone(), new)));
            return false;
        }
        if let Some(old) = &old {
            self.add_owner(old, -1);
        }
        if let Some(new) = new {
            self.add_owner(&new, 1);
            self.owners.insert(owner.clone(), new);
        }
        true
    }

    fn replace<K: Clone + Eq + Hash>(
        &mut self,
        table: fn(&mut Self) -> &mut Map<K, MachineRate>,
        key: &K,
        new: Option<MachineRate>,
    ) -> bool {
        let old = table(self).remove(key);
        if old == new {
            table(self).extend(new.map(|new| (key.clone(), new)));
            return false;
        }
        if let Some(old) = &old {
            self.add_machine(old, -1);
        }
        if let Some(new) = new {
            self.add_machine(&new, 1);
            table(self).insert(key.clone(), new);
        }
        true
    }

    /// Adds a machine to every sum (`sign` 1), or takes it away (`sign` -1).
    fn add_machine(&mut self, machine: &MachineRate, sign: i64) {
        let rate = machine.rate.unwrap_or(0);
        self.machines_total += sign * rate;
        count(&mut self.rates.unpriced, machine.rate.is_none(), sign);
        count(&mut self.rates.without_fee, machine.lacks_fee, sign);
        count(&mut self.undecided, machine.protection.is_held.is_none(), sign);
        for (part, amount) in machine.parts() {
            let mut sum = self.parts.get(part);
            sum.rate += sign * amount;
            count(&mut sum.unpriced, machine.rate.is_none(), sign);
            self.parts.set(part, sum);
        }
        for dimension in GroupBy::OF_PODS {
            self.rates.add((dimension, CostGroup::Nobody), sign * machine.unrequested);
        }
        let summed = machine.summed();
        for (dimension, who) in GroupBy::OF_MACHINES.into_iter().zip(&machine.groups) {
            let payer = (dimension, who.clone());
            self.rates.add_machines(&payer, summed, sign);
            self.rates.add(payer, sign * rate);
        }
        for (who, part) in machine.by_class() {
            let payer = (GroupBy::DeviceClass, who);
            self.rates.add_machines(&payer, machine.summed_of_class(part), sign);
            self.rates.add(payer, sign * part);
        }
    }

    fn add_owner(&mut self, owner: &OwnerRate, sign: i64) {
        for (dimension, who) in GroupBy::OF_PODS.into_iter().zip(&owner.groups) {
            self.rates.add((dimension, who.clone()), sign * owner.rate);
        }
    }
}

/// Counts one up or down, if at all.
fn count(counter: &mut u64, is_counted: bool, sign: i64) {
    if is_counted {
        *counter = counter.saturating_add_signed(sign);
    }
}
