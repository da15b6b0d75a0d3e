//! Who pays for the machines, and what of it is wasted.

use std::collections::BTreeMap;

use super::{Map, NodePicture, Picture};
use crate::fleet::{ClusterFacts, Fleet, Kind, NodeClaimRow, NodeRow, ObjectKey, PodRow, PriceDemand, Sym, Uid};
use crate::insight::Known;
use crate::insight::cost::demand::{self, Devices};
use crate::insight::cost::{
    Asking, Claimant, Cost, CostRates, Dimension, FargateSize, Machine, Machines, Payer, Shares, Waste, Who, Whole,
    of_machine, shares,
};
use crate::insight::gpu::NodeGpu;
use crate::insight::phase;
use crate::units::money;

/// Who owns pods that pay: their own owner, or they themselves.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PodOwner {
    /// The namespace.
    pub namespace: Sym,
    /// The kind; `None` for a pod that nothing owns.
    pub kind: Option<Sym>,
    /// The name.
    pub name: Sym,
    /// Whether it is a Job of Kubernetes itself.
    pub is_job: bool,
}

impl PodOwner {
    fn of(pod: &PodRow) -> Self {
        let owner = pod.owner.as_ref();
        Self {
            namespace: pod.meta.key.namespace.clone(),
            kind: owner.map(|owner| owner.kind.clone()),
            name: owner.map_or(&pod.meta.key.name, |owner| &owner.name).clone(),
            is_job: pod.job_owner().is_some(),
        }
    }

    /// As whom its pods pay in a dimension of pods; nobody in those of machines.
    fn payer(&self, fleet: &Fleet, dimension: Dimension) -> Who {
        match dimension {
            Dimension::Namespace => Who::Named(self.namespace.clone()),
            Dimension::Job if self.is_job => Who::Job(self.key()),
            Dimension::Job => Who::OtherPods,
            Dimension::Owner => top_owner(fleet, self),
            _ => Who::Nobody,
        }
    }

    fn key(&self) -> ObjectKey {
        ObjectKey { namespace: self.namespace.clone(), name: self.name.clone() }
    }
}

/// How the rate of a Node is shared, in micro-dollars per hour.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Spend {
    /// What the pods of each owner pay, by owner.
    pub owners: Vec<(PodOwner, i64)>,
    /// What no pod requests.
    pub unrequested: i64,
    /// For accelerators that no pod requests.
    pub unallocated_gpu: i64,
}

/// The price of a Node; the size of the pod tells that of a Fargate machine.
pub(super) fn node_cost(fleet: &Fleet, node: &NodeRow, gpu: Option<&NodeGpu>, pods: &[&PodRow]) -> Cost {
    of_machine(&node_asking(fleet, node, gpu, pods))
}

fn node_asking<'a>(fleet: &'a Fleet, node: &'a NodeRow, gpu: Option<&NodeGpu>, pods: &[&PodRow]) -> Asking<'a> {
    let mut machine = machine(fleet, node, gpu.and_then(|gpu| gpu.physical));
    if machine.is_fargate() {
        machine.fargate = pods.iter().find_map(|pod| FargateSize::parse(pod.capacity_provisioned.as_ref()?));
    }
    Asking { machine, prices: &fleet.prices, overlays: &fleet.node_overlays }
}

/// A Node with all that is known of it: before Karpenter has registered it, it lacks the labels by which lists find it,
/// and its NodeClaim has them.
pub fn machine<'a>(fleet: &'a Fleet, node: &'a NodeRow, devices: Option<i64>) -> Machine<'a> {
    let own = Machine::of_node(node, devices);
    let claim = fleet.claim_of(node).filter(|_| !node.is_registered());
    claim.map_or(own, |claim| Machine { name: own.name, ..Machine::of_claim(claim) })
}

/// Everything that is asked for the price of a Node.
pub fn asking<'a>(fleet: &'a Fleet, picture: &Picture, node: &'a NodeRow) -> Asking<'a> {
    let pods: Vec<&PodRow> = fleet.pods_on(&node.meta.key.name).filter(|pod| pod.holds_resources()).collect();
    let gpu = picture.node(&node.meta.key.name).and_then(|said| said.gpu.as_ref());
    node_asking(fleet, node, gpu, &pods)
}

/// How a Node's rate is shared between the pods on it that have not finished.
pub(super) fn spend(node: &NodeRow, cost: &Cost, gpu: Option<&NodeGpu>, pods: &[&PodRow]) -> Spend {
    let Some(rate) = cost.rate() else { return Spend::default() };
    let shares = pod_shares(node, rate, gpu, pods);
    let mut owners: BTreeMap<PodOwner, i64> = BTreeMap::new();
    for (pod, share) in pods.iter().zip(&shares.pods).filter(|(_, share)| **share > 0) {
        *owners.entry(PodOwner::of(pod)).or_default() += share;
    }
    Spend {
        owners: owners.into_iter().collect(),
        unrequested: shares.unrequested,
        unallocated_gpu: gpu.map_or(0, |gpu| unallocated(rate, gpu)),
    }
}

fn pod_shares(node: &NodeRow, rate: i64, gpu: Option<&NodeGpu>, pods: &[&PodRow]) -> Shares {
    if Machine::of_node(node, None).is_fargate() && !pods.is_empty() {
        // The machine is billed by its pod, whatever Kubernetes sees of it.
        return Shares { pods: money::split(rate, &vec![1; pods.len()]), unrequested: 0 };
    }
    let claimants: Vec<Claimant<'_>> = pods
        .iter()
        .map(|pod| Claimant { uid: &pod.meta.uid, requests: &pod.requests, gpus: counted_gpus(pod, gpu) })
        .collect();
    let gpus = gpu.map_or(0, |gpu| gpu.advertised);
    shares(Whole { micro_usd_per_hour: rate, allocatable: &node.allocatable, gpus }, &claimants)
}

/// The accelerators of a pod by which the Node is shared: of AWS Neuron only one view counts.
fn counted_gpus(pod: &PodRow, gpu: Option<&NodeGpu>) -> i64 {
    let is_counted = |resource: &Sym| gpu.is_some_and(|gpu| gpu.resource.split(',').any(|name| *resource == name));
    pod.requests.gpus.iter().filter(|one| is_counted(&one.resource)).map(|one| one.count).sum()
}

fn unallocated(rate: i64, gpu: &NodeGpu) -> i64 {
    let (free, requested) = ((gpu.advertised - gpu.requested).max(0), gpu.requested.clamp(0, gpu.advertised));
    money::split(rate, &[i128::from(free), i128::from(requested)])[0]
}

impl Picture {
    /// What each pod on a Node pays of it, in micro-dollars per hour; nothing where the price is not known.
    pub fn rates_on<'a>(&self, fleet: &'a Fleet, node: &NodeRow) -> Vec<(&'a PodRow, i64)> {
        let Some(said) = self.node(&node.meta.key.name) else { return Vec::new() };
        let Some(rate) = said.cost.rate() else { return Vec::new() };
        let pods: Vec<&PodRow> = fleet.pods_on(&node.meta.key.name).filter(|pod| pod.holds_resources()).collect();
        let shares = pod_shares(node, rate, said.gpu.as_ref(), &pods);
        pods.into_iter().zip(shares.pods).collect()
    }

    /// What a pod pays of its Node, in micro-dollars per hour: zero where it is on none or has finished, `None` where the
    /// price of the Node is not known.
    pub fn pod_rate(&self, fleet: &Fleet, pod: &PodRow) -> Option<i64> {
        let Some(node) = pod.node.as_ref().filter(|_| pod.holds_resources()) else { return Some(0) };
        let node = fleet.node(node)?;
        let rates = self.rates_on(fleet, node);
        rates.into_iter().find(|(other, _)| other.meta.uid == pod.meta.uid).map(|(_, rate)| rate)
    }

    /// What the pods of a Job pay, in micro-dollars per hour; `None` where the price of one of their Nodes is not known.
    pub fn job_rate(&self, fleet: &Fleet, uid: &Uid) -> Option<i64> {
        let mut nodes: Vec<&NodeRow> = Vec::new();
        for pod in fleet.pods_of_job(uid).filter(|pod| pod.holds_resources()) {
            let Some(name) = &pod.node else { continue };
            let node = fleet.node(name).filter(|_| self.node(name).is_some_and(|said| said.cost.rate().is_some()))?;
            if !nodes.iter().any(|known| known.meta.key == node.meta.key) {
                nodes.push(node);
            }
        }
        let of_job = |pod: &PodRow| pod.job_owner().is_some_and(|owner| owner.uid == *uid);
        let rates = nodes.into_iter().flat_map(|node| self.rates_on(fleet, node));
        Some(rates.filter(|(pod, _)| of_job(pod)).map(|(_, rate)| rate).sum())
    }

    /// What has to be asked of AWS and of Karpenter.
    pub fn price_demand(&self, fleet: &Fleet) -> PriceDemand {
        let controller = fleet.controllers.iter().map(|row| &row.meta.key).min().cloned();
        let mut demand = PriceDemand { controller, ..PriceDemand::default() };
        for node in fleet.nodes.iter() {
            let gpu = self.node(&node.meta.key.name).and_then(|said| said.gpu.as_ref());
            let is_uncounted = gpu.is_some_and(|gpu| gpu.physical.is_none());
            let devices = if is_uncounted { Devices::Uncounted } else { Devices::Counted };
            demand::note(&mut demand, &asking(fleet, self, node), devices);
        }
        for claim in self.claims_without_node(fleet) {
            demand::note(&mut demand, &claim_asking(fleet, claim), Devices::Counted);
        }
        demand
    }

    pub(super) fn add_spend(&mut self, spend: &Spend) {
        for (owner, rate) in &spend.owners {
            *self.rates_by_owner.entry(owner.clone()).or_default() += rate;
        }
    }

    pub(super) fn take_spend(&mut self, spend: &Spend) {
        for (owner, rate) in &spend.owners {
            let Some(sum) = self.rates_by_owner.get_mut(owner) else { continue };
            *sum -= rate;
            if *sum == 0 {
                self.rates_by_owner.remove(owner);
            }
        }
    }
}

/// Everything that is asked for the price of a NodeClaim.
pub fn claim_asking<'a>(fleet: &'a Fleet, claim: &'a NodeClaimRow) -> Asking<'a> {
    Asking { machine: Machine::of_claim(claim), prices: &fleet.prices, overlays: &fleet.node_overlays }
}

/// What EKS asks for the control plane of a cluster in standard support, in micro-dollars per hour.
pub const EKS_CONTROL_PLANE: i64 = 100_000;

/// What the control plane costs: as the user says, else what EKS asks where the cluster is one of EKS.
pub fn cluster_fixed(fleet: &Fleet, cluster: &ClusterFacts) -> Option<i64> {
    let given = fleet.prices.user.as_ref().and_then(|user| user.control_plane_micro_usd_per_hour);
    given.or_else(|| is_eks(fleet, cluster).then_some(EKS_CONTROL_PLANE))
}

/// Whether a cluster is one of EKS: by its API server's address, else, behind a proxy, by the version that it tells where
/// machines of AWS run; EKS Anywhere, which is not billed so, tells the like elsewhere.
fn is_eks(fleet: &Fleet, cluster: &ClusterFacts) -> bool {
    let tells = || cluster.kubernetes_version.as_ref().is_some_and(|version| version.contains("-eks-"));
    let is_on_aws = |node: &NodeRow| node.provider().is_some_and(|id| id.starts_with("aws://"));
    is_of_eks(&cluster.server) || (tells() && fleet.nodes.iter().any(is_on_aws))
}

fn is_of_eks(server: &str) -> bool {
    let host = server.split_once("://").map_or(server, |(_, rest)| rest);
    let host = host.split([':', '/']).next().unwrap_or(host);
    host.ends_with(".eks.amazonaws.com") || host.ends_with(".eks.amazonaws.com.cn")
}

/// Everything that is paid per hour; `None` while not all Nodes and NodeClaims are known. `held` says of a Node whether it
/// is held, as far as that is known.
pub fn burn(
    fleet: &Fleet,
    picture: &Picture,
    known: &Known<'_>,
    cluster_fixed: Option<i64>,
    held: impl Fn(&NodeRow) -> Option<bool>,
) -> Option<CostRates> {
    if !known.all(Kind::Node) || !known.all(Kind::NodeClaim) {
        return None;
    }
    let mut sums = Sums { burn: CostRates { cluster_fixed, ..CostRates::default() }, waste: Wasted::default() };
    for node in fleet.nodes.iter() {
        if let Some(said) = picture.node(&node.meta.key.name) {
            sums.add_node(fleet, node, said, &held);
        }
    }
    for claim in picture.claims_without_node(fleet) {
        if let Some(cost) = picture.claim(claim).and_then(|said| said.cost) {
            sums.add_claim(claim, &cost);
        }
    }
    picture.rates_by_owner.iter().for_each(|(owner, rate)| sums.add_owner(fleet, owner, *rate));
    Some(sums.finish(known))
}

struct Sums {
    burn: CostRates,
    waste: Wasted,
}

#[derive(Default)]
struct Wasted {
    is_held_unknown: bool,
    held: Sum,
    held_unrequested: Sum,
    unrequested: Sum,
    unallocated_gpu: Sum,
    waiting: Sum,
}

/// A sum over machines, some of which may have no price.
#[derive(Default)]
struct Sum {
    rate: i64,
    has_unpriced: bool,
}

impl Sum {
    /// A part of the rate of a machine.
    fn add(&mut self, of: Option<i64>, rate: i64) {
        self.rate = self.rate.saturating_add(rate);
        self.has_unpriced |= of.is_none();
    }

    /// A sum to which only machines without a price belong is not zero but unknown; beside others it is a lower bound.
    fn known(&self) -> Option<i64> {
        (self.rate > 0 || !self.has_unpriced).then_some(self.rate)
    }
}

impl Sums {
    fn pay(&mut self, payer: Payer, rate: i64) {
        if rate > 0 {
            *self.burn.by_payer.entry(payer).or_default() += rate;
        }
    }

    /// Machines pay in the dimensions of machines.
    fn add_machine(&mut self, machine: &Machine<'_>, cost: &Cost, waste: Machines) {
        self.burn.without_fee += u64::from(cost.lacks_fee());
        self.burn.unpriced += u64::from(cost.rate().is_none());
        self.burn.total = self.burn.total.saturating_add(cost.rate().unwrap_or(0));
        for dimension in Dimension::OF_MACHINES {
            let payer = (dimension, machine.payer(dimension));
            let sum = self.burn.machines.entry(payer.clone()).or_default();
            sum.count += 1;
            sum.unpriced += u64::from(cost.rate().is_none());
            sum.held += waste.held;
            sum.unrequested += waste.unrequested;
            self.pay(payer, cost.rate().unwrap_or(0));
        }
    }

    fn add_node(&mut self, fleet: &Fleet, node: &NodeRow, said: &NodePicture, held: impl Fn(&NodeRow) -> Option<bool>) {
        let (rate, spend) = (said.cost.rate().unwrap_or(0), &said.spend);
        for dimension in Dimension::OF_PODS {
            self.pay((dimension, Who::Nobody), spend.unrequested);
        }
        let of = said.cost.rate();
        self.waste.unrequested.add(of, spend.unrequested);
        if said.gpu.is_some() {
            self.waste.unallocated_gpu.add(of, spend.unallocated_gpu);
        }
        if said.is_waiting {
            self.waste.waiting.add(of, rate);
        }
        let is_held = held(node);
        self.waste.is_held_unknown |= is_held.is_none();
        let held = if is_held == Some(true) { rate } else { 0 };
        if is_held == Some(true) {
            self.waste.held.add(of, rate);
            self.waste.held_unrequested.add(of, spend.unrequested);
        }
        let waste = Machines { held, unrequested: spend.unrequested, ..Machines::default() };
        self.add_machine(&machine(fleet, node, None), &said.cost, waste);
    }

    /// What is billed and has no Node yet waits, unless it is on its way out; no pod requests any of it.
    fn add_claim(&mut self, claim: &NodeClaimRow, cost: &Cost) {
        let rate = cost.rate().unwrap_or(0);
        if !phase::is_terminating(claim) {
            self.waste.waiting.add(cost.rate(), rate);
        }
        for dimension in Dimension::OF_PODS {
            self.pay((dimension, Who::Nobody), rate);
        }
        self.add_machine(&Machine::of_claim(claim), cost, Machines::default());
    }

    /// Pods pay in the dimensions of pods.
    fn add_owner(&mut self, fleet: &Fleet, owner: &PodOwner, rate: i64) {
        for dimension in Dimension::OF_PODS {
            self.pay((dimension, owner.payer(fleet, dimension)), rate);
        }
    }

    fn finish(self, known: &Known<'_>) -> CostRates {
        let Self { mut burn, waste } = self;
        burn.total += burn.cluster_fixed.unwrap_or(0);
        let are_pods_known = known.all(Kind::Pod);
        let with_pods = |sum: &Sum| sum.known().filter(|_| are_pods_known);
        let is_held_known = are_pods_known && !waste.is_held_unknown;
        burn.waste = Waste {
            held: waste.held.known().filter(|_| is_held_known),
            held_unrequested: waste.held_unrequested.known().filter(|_| is_held_known),
            unrequested: with_pods(&waste.unrequested),
            unallocated_gpu: with_pods(&waste.unallocated_gpu),
            waiting: with_pods(&waste.waiting),
        };
        if !are_pods_known {
            burn.by_payer.retain(|(dimension, _), _| !dimension.is_of_pods());
        }
        burn
    }
}

/// What somebody wrote: the Deployment behind a ReplicaSet, the CronJob or JobSet behind a Job.
fn top_owner(fleet: &Fleet, owner: &PodOwner) -> Who {
    let Some(kind) = &owner.kind else { return Who::Owner(Sym::new("Pod"), owner.key()) };
    let above = match kind.as_str() {
        "Job" => fleet.jobs.get(&owner.key()).and_then(|job| job.owner.as_ref()),
        "ReplicaSet" => fleet.replica_sets.get(&owner.key()).and_then(|set| set.owner.as_ref()),
        _ => None,
    };
    let (kind, name) = above.map_or((kind, &owner.name), |above| (&above.kind, &above.name));
    Who::Owner(kind.clone(), ObjectKey { namespace: owner.namespace.clone(), name: name.clone() })
}

/// As whom a pod pays in a dimension of pods; nobody in those of machines.
pub fn payer_of_pod(fleet: &Fleet, pod: &PodRow, dimension: Dimension) -> Who {
    PodOwner::of(pod).payer(fleet, dimension)
}

/// How many pods of each payer are on Nodes whose price nobody tells: what they pay is not known either.
pub fn unpriced_pods(fleet: &Fleet, picture: &Picture, dimension: Dimension) -> Map<Who, u64> {
    let mut unpriced: Map<Who, u64> = Map::default();
    let is_unpriced = |name: &Sym| picture.node(name).is_some_and(|said| said.cost.rate().is_none());
    for node in fleet.nodes.iter().filter(|node| is_unpriced(&node.meta.key.name)) {
        for pod in fleet.pods_on(&node.meta.key.name).filter(|pod| pod.holds_resources()) {
            *unpriced.entry(payer_of_pod(fleet, pod, dimension)).or_default() += 1;
        }
    }
    unpriced
}

/// Rates by owner of pods.
pub(super) type RatesByOwner = Map<PodOwner, i64>;
