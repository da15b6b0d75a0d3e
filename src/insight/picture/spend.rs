//! How the rates of machines are shared between owners of pods, and what no pod requests.

use std::sync::Arc;

use super::{Map, Picture, spot_placement};
use crate::fleet::{ClusterFacts, Fleet, NodeClaimRow, NodeRow, ObjectKey, Owner, PodRow, PriceDemand, Sym, Uid};
use crate::insight::cost::demand::{self, Devices};
use crate::insight::cost::{
    Claimant, Cost, CostGroup, FargateSize, GroupBy, Machine, PriceQuery, Shares, Whole, of_machine, shares,
};
use crate::insight::gpu::{self, NodeGpu, Sharing, Thousandths};
use crate::insight::relation;
use crate::units::money;

/// The owner of pods that pay.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PodOwner {
    /// What their owner reference names, and the namespace in which it is.
    Owner(Arc<Owner>, Sym),
    /// A pod that nothing owns.
    Pod(ObjectKey),
}

/// The same, borrowed from a pod: a Node's pods are put in order by it, and most of them have few owners.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum OwnerRef<'a> {
    Owner(&'a Arc<Owner>, &'a Sym),
    Pod(&'a ObjectKey),
}

impl<'a> From<&&'a PodRow> for OwnerRef<'a> {
    fn from(pod: &&'a PodRow) -> Self {
        pod.owner.as_ref().map_or(Self::Pod(&pod.meta.key), |owner| Self::Owner(owner, &pod.meta.key.namespace))
    }
}

impl From<OwnerRef<'_>> for PodOwner {
    fn from(owner: OwnerRef<'_>) -> Self {
        match owner {
            OwnerRef::Owner(owner, namespace) => Self::Owner(Arc::clone(owner), namespace.clone()),
            OwnerRef::Pod(key) => Self::Pod(key.clone()),
        }
    }
}

impl PodOwner {
    fn of(pod: &PodRow) -> Self {
        OwnerRef::from(&pod).into()
    }

    /// As whom its pods pay in a dimension of pods; nobody in those of machines.
    pub(super) fn payer(&self, fleet: &Fleet, dimension: GroupBy) -> CostGroup {
        match dimension {
            GroupBy::Namespace => CostGroup::Named(self.namespace().clone()),
            GroupBy::Job if self.is_job() => CostGroup::Job(self.key()),
            GroupBy::Job => CostGroup::OtherPods,
            GroupBy::Owner => top_owner(fleet, self),
            _ => CostGroup::Nobody,
        }
    }

    const fn namespace(&self) -> &Sym {
        match self {
            Self::Owner(_, namespace) => namespace,
            Self::Pod(key) => &key.namespace,
        }
    }

    fn is_job(&self) -> bool {
        matches!(self, Self::Owner(owner, _) if owner.is_batch_job())
    }

    fn key(&self) -> ObjectKey {
        match self {
            Self::Owner(owner, namespace) => ObjectKey { namespace: namespace.clone(), name: owner.name.clone() },
            Self::Pod(key) => key.clone(),
        }
    }
}

/// What the pods of an owner pay of one Node, in micro-dollars per hour.
pub type OwnerShare = (PodOwner, i64);

/// How the rate of a Node is shared, in micro-dollars per hour.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Spend {
    /// What the pods of each owner pay, in the order of owners.
    pub owners: Vec<OwnerShare>,
    /// Part of the rate that no pod requests.
    pub unrequested: i64,
    /// For accelerators that no pod requests.
    pub unallocated_gpu: i64,
}

/// The price of a Node; the size of the pod tells that of a Fargate machine.
pub(super) fn node_cost(fleet: &Fleet, node: &NodeRow, gpu: Option<&NodeGpu>, pods: &[&PodRow]) -> Cost {
    of_machine(&node_price_query(fleet, node, gpu, pods.iter().copied()))
}

/// The pods are looked at only where the machine is one of Fargate.
fn node_price_query<'a, 'p>(
    fleet: &'a Fleet,
    node: &'a NodeRow,
    gpu: Option<&NodeGpu>,
    mut pods: impl Iterator<Item = &'p PodRow>,
) -> PriceQuery<'a> {
    let mut machine = machine(fleet, node, gpu.and_then(|gpu| gpu.physical));
    if machine.is_fargate() {
        machine.fargate = pods.find_map(|pod| FargateSize::parse(pod.capacity_provisioned()?));
    }
    PriceQuery { machine, prices: &fleet.prices, overlays: &fleet.node_overlays }
}

/// A Node with all that is known of it: before Karpenter has registered it, it lacks the labels by which lists find it,
/// and its NodeClaim has them.
pub fn machine<'a>(fleet: &'a Fleet, node: &'a NodeRow, devices: Option<i64>) -> Machine<'a> {
    let own = Machine::of_node(node, devices);
    let claim = fleet.claim_of(node).filter(|_| !node.is_registered());
    claim.map_or(own, |claim| Machine { name: own.name, ..Machine::of_claim(claim) })
}

/// Everything that is asked for the price of a Node.
pub fn price_query<'a>(fleet: &'a Fleet, picture: &Picture, node: &'a NodeRow) -> PriceQuery<'a> {
    let gpu = picture.node(&node.meta.key.name).and_then(|said| said.gpu.as_ref());
    node_price_query(fleet, node, gpu, fleet.pods_on(&node.meta.key.name).filter(|pod| pod.holds_resources()))
}

/// How a Node's rate is shared between the pods on it that have not finished.
pub(super) fn spend(fleet: &Fleet, node: &NodeRow, cost: &Cost, gpu: Option<&NodeGpu>, pods: &[&PodRow]) -> Spend {
    let Some(rate) = cost.rate() else { return Spend::default() };
    let shares = pod_shares(fleet, node, rate, gpu, pods);
    let mut paying: Vec<(OwnerRef<'_>, i64)> = pods
        .iter()
        .zip(&shares.pods)
        .filter(|(_, share)| **share > 0)
        .map(|(pod, share)| (pod.into(), *share))
        .collect();
    paying.sort_unstable_by_key(|(owner, _)| *owner);
    let by_owner = paying.chunk_by(|one, next| one.0 == next.0);
    let sum = |pods: &[(OwnerRef<'_>, i64)]| pods.iter().map(|(_, share)| share).sum();
    Spend {
        owners: by_owner.filter_map(|pods| Some((pods.first()?.0.into(), sum(pods)))).collect(),
        unrequested: shares.unrequested,
        unallocated_gpu: gpu.map_or(0, |gpu| unallocated(rate, gpu)),
    }
}

pub(super) fn pod_shares(fleet: &Fleet, node: &NodeRow, rate: i64, gpu: Option<&NodeGpu>, pods: &[&PodRow]) -> Shares {
    if Machine::of_node(node, None).is_fargate() && !pods.is_empty() {
        // The machine is billed by its pod, whatever Kubernetes sees of it.
        return Shares { pods: money::split(rate, &vec![1; pods.len()]), unrequested: 0 };
    }
    let claimants: Vec<Claimant<'_>> = pods
        .iter()
        .map(|pod| Claimant {
            uid: &pod.meta.uid,
            requests: &pod.requests,
            gpu_thousandths: counted_gpus(fleet, pod, gpu).0,
        })
        .collect();
    let gpu_thousandths = Thousandths::units(gpu.map_or(0, |gpu| gpu.advertised)).0;
    shares(Whole { micro_usd_per_hour: rate, allocatable: &node.allocatable, gpu_thousandths }, &claimants)
}

/// The accelerators of a pod by which the Node is shared: of AWS Neuron only one view counts.
fn counted_gpus(fleet: &Fleet, pod: &PodRow, gpu: Option<&NodeGpu>) -> Thousandths {
    let Some(gpu) = gpu else { return Thousandths::default() };
    gpu::held_by(fleet, pod, |resource| gpu.resources.iter().any(|one| one.resource == resource))
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
        let shares = pod_shares(fleet, node, rate, said.gpu.as_ref(), &pods);
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
        let mut pods = fleet.pods_of_job(uid).filter(|pod| pod.holds_resources());
        let is_priced = |name: &Sym| self.node(name).is_some_and(|said| said.cost.rate().is_some());
        let rate = fleet.pods_of_job(uid).next().and_then(|pod| self.rate_of_owner(&PodOwner::of(pod)));
        pods.all(|pod| pod.node.as_ref().is_none_or(is_priced)).then(|| rate.unwrap_or(0))
    }

    /// What has to be asked of AWS and of Karpenter.
    pub fn price_demand(&self, fleet: &Fleet) -> PriceDemand {
        let controller = fleet.controllers.iter().map(|row| &row.meta.key).min().cloned();
        let mut demand = PriceDemand { controller, ..PriceDemand::default() };
        for node in fleet.nodes.iter() {
            let gpu = self.node(&node.meta.key.name).and_then(|said| said.gpu.as_ref());
            let is_uncounted = gpu.is_some_and(|gpu| gpu.physical.is_none() && is_advertised(fleet, node, gpu));
            let devices = if is_uncounted { Devices::Uncounted } else { Devices::Counted };
            demand::note(&mut demand, &price_query(fleet, self, node), devices);
        }
        for claim in self.claims_without_node(fleet) {
            demand::note(&mut demand, &claim_price_query(fleet, claim), Devices::Counted);
        }
        let claim_of = |node: &NodeRow| self.node(&node.meta.key.name).and_then(|said| said.claim.clone());
        spot_placement::note_demand(&mut demand, fleet, claim_of);
        demand
    }

    /// What the pods of one owner pay, in micro-dollars per hour; `None` where they pay nothing.
    pub(super) fn rate_of_owner(&self, owner: &PodOwner) -> Option<i64> {
        self.rates_by_owner.get(owner).copied()
    }

    /// Every owner of pods that pay.
    pub fn owners(&self) -> impl Iterator<Item = &PodOwner> {
        self.rates_by_owner.keys()
    }
}

/// Whether the Node itself tells of its accelerators, or the slices of its drivers do. What only pods tell of comes and goes
/// with them, and is not worth a question.
fn is_advertised(fleet: &Fleet, node: &NodeRow, gpu: &NodeGpu) -> bool {
    match gpu.sharing {
        Sharing::Dra => fleet.slices_on(&node.meta.key.name).any(|slice| !slice.devices.is_empty()),
        _ => !node.capacity.gpus.is_empty() || gpu::is_labelled(node),
    }
}

/// Where two lists of the same order differ: what is before and behind that is left out. A pod that comes, goes or changes
/// as a rule leaves alone what the owners of the other pods on its Node pay.
pub(super) fn differing<'a>(before: &'a [OwnerShare], after: &'a [OwnerShare]) -> (&'a [OwnerShare], &'a [OwnerShare]) {
    let start = before.iter().zip(after).take_while(|(old, new)| old == new).count();
    let (before, after) = (&before[start..], &after[start..]);
    let end = before.iter().rev().zip(after.iter().rev()).take_while(|(old, new)| old == new).count();
    (&before[..before.len() - end], &after[..after.len() - end])
}

/// Adds what owners pay of a Node to what they pay together.
pub(super) fn add_rates(sums: &mut RatesByOwner, shares: &[OwnerShare]) {
    for (owner, rate) in shares {
        *sums.entry(owner.clone()).or_default() += rate;
    }
}

/// Takes what owners pay of a Node from what they pay together.
pub(super) fn take_rates(sums: &mut RatesByOwner, shares: &[OwnerShare]) {
    for (owner, rate) in shares {
        let Some(sum) = sums.get_mut(owner) else { continue };
        *sum -= rate;
        if *sum == 0 {
            sums.remove(owner);
        }
    }
}

/// Everything that is asked for the price of a NodeClaim.
pub fn claim_price_query<'a>(fleet: &'a Fleet, claim: &'a NodeClaimRow) -> PriceQuery<'a> {
    PriceQuery { machine: Machine::of_claim(claim), prices: &fleet.prices, overlays: &fleet.node_overlays }
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

/// What somebody wrote: the Deployment behind a ReplicaSet, the CronJob or JobSet behind a Job.
fn top_owner(fleet: &Fleet, owner: &PodOwner) -> CostGroup {
    let PodOwner::Owner(own, namespace) = owner else { return CostGroup::Owner(Sym::new("Pod"), owner.key()) };
    let above = relation::owner_link(fleet, &own.kind, &owner.key()).and_then(|link| link.owner);
    let top = above.unwrap_or(own);
    CostGroup::Owner(top.kind.clone(), ObjectKey { namespace: namespace.clone(), name: top.name.clone() })
}

/// As whom a pod pays in a dimension of pods; nobody in those of machines.
pub fn payer_of_pod(fleet: &Fleet, pod: &PodRow, dimension: GroupBy) -> CostGroup {
    PodOwner::of(pod).payer(fleet, dimension)
}

/// How many pods of each payer are on Nodes whose price nobody tells: what they pay is not known either.
pub fn unpriced_pods(fleet: &Fleet, picture: &Picture, dimension: GroupBy) -> Map<CostGroup, u64> {
    let mut unpriced: Map<CostGroup, u64> = Map::default();
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
