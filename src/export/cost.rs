//! Dollars: `cost` of Nodes and NodeClaims, `totals.cost`.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::value::{Stamp, Text, text};
use super::words::CostSource;
use crate::app::App;
use crate::fleet::{CapacityType, Kind, ObjectKey, PodRow, Uid};
use crate::insight::Completeness;
use crate::insight::cost::{self, CostGroup, CostPart, CostRates, GroupBy};
use crate::insight::picture::{self, ConsolidationSavings};
use crate::units::money::MICROS;

/// Dollars, or dollars per hour, with at most six decimals; kept in micro-dollars.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(inline)]
pub struct Usd(#[schemars(with = "f64")] pub i64);

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0 as f64 / MICROS as f64)
    }
}

/// The price of a machine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// All components that are known together; null where the instance's price is not.
    pub usd_per_hour: Option<Usd>,
    /// The source of the price.
    pub source: CostSource,
    /// When it was known to hold; null where the source does not say.
    pub as_of: Option<Stamp>,
    /// The components of the price.
    pub components: Components,
    /// Whether EKS Auto Mode asks a fee that nobody tells; it is then missing in `usdPerHour`.
    pub auto_mode_fee_unknown: bool,
}

/// The components of a price, in dollars per hour.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Components {
    /// Price of the instance; null where no source has it.
    pub instance: Option<Usd>,
    /// The fee of EKS Auto Mode; null where there is none or nobody tells.
    pub auto_mode_fee: Option<Usd>,
}

/// What the cluster costs per hour; null while it is not known.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Nodes, NodeClaims without a Node, and the control plane; a lower bound where some have no price.
    pub usd_per_hour: Option<Usd>,
    /// The control plane.
    pub cluster_fixed_usd_per_hour: Option<Usd>,
    /// What of it is for protected Nodes: annotations or PodDisruptionBudgets stop Karpenter for at least one reason.
    pub protected_usd_per_hour: Option<Usd>,
    /// Nodes that Karpenter would take but for annotations and PodDisruptionBudgets.
    pub held_usd_per_hour: Option<Usd>,
    /// The part of them that no pod requests.
    pub held_unrequested_usd_per_hour: Option<Usd>,
    /// What no pod requests, of all Nodes.
    pub unrequested_usd_per_hour: Option<Usd>,
    /// Accelerators that no pod requests.
    pub unallocated_gpu_usd_per_hour: Option<Usd>,
    /// Accelerators that pods request and that do nothing, over the Nodes of which that is known.
    pub idle_gpu_usd_per_hour: Option<Usd>,
    /// What pods pay of their Nodes that are on their way to be ready: the rate at which the `usdWaiting` of open `coldStarts`
    /// grows.
    pub waiting_usd_per_hour: Option<Usd>,
    /// Machines that are billed and whose price nobody tells.
    pub unpriced_nodes: Option<u64>,
    /// By NodePool; null for machines that have none.
    pub by_node_pool: Vec<Part>,
    /// By namespace of the pods that share each Node; null for what no pod requests, and for NodeClaims without a Node.
    pub by_namespace: Vec<Part>,
    /// By capacity type; null where it is not known.
    pub by_capacity_type: Vec<Part>,
    /// What Karpenter itself says that its moves save.
    pub karpenter_moves: Vec<KarpenterMoves>,
}

/// The rate of one payer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// Name of the payer.
    pub name: Option<String>,
    /// Rate of the payer, in dollars per hour.
    pub usd_per_hour: Usd,
}

/// Savings of a consolidation, as Karpenter's Events tell them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KarpenterMoves {
    /// The NodePool of the nodes that would go.
    pub node_pool: Option<Text>,
    /// `candidate`, `approved`, or `rejected` and why.
    pub outcome: String,
    /// Number of nodes that would go.
    pub nodes: u64,
    /// What they would save together; null where no Event says it.
    pub usd_per_hour: Option<Usd>,
    /// When the newest was told.
    pub at: Stamp,
}

/// `None` where the insights say nothing of the machine, for example of one that the cloud has not launched.
pub(super) fn of(cost: Option<&cost::Cost>) -> Cost {
    Cost {
        usd_per_hour: cost.and_then(cost::Cost::rate).map(Usd),
        source: cost.and_then(cost::Cost::source).into(),
        as_of: cost.and_then(|cost| cost.instance.as_of()).map(Stamp),
        components: Components {
            instance: cost.and_then(|cost| cost.instance.as_ref().value().copied()).map(Usd),
            auto_mode_fee: cost.and_then(|cost| cost.fee.known()).map(Usd),
        },
        auto_mode_fee_unknown: cost.is_some_and(cost::Cost::lacks_fee),
    }
}

pub(super) fn totals(app: &App) -> Totals {
    let rates = app.insights.rates();
    let part = |part| rates.and_then(|rates| rates.parts.get(part)).map(Usd);
    Totals {
        usd_per_hour: rates.and_then(CostRates::known_total).map(Usd),
        cluster_fixed_usd_per_hour: picture::cluster_fixed(&app.fleet, &app.cluster).map(Usd),
        protected_usd_per_hour: part(CostPart::Protected),
        held_usd_per_hour: part(CostPart::Held),
        held_unrequested_usd_per_hour: part(CostPart::HeldUnrequested),
        unrequested_usd_per_hour: part(CostPart::Unrequested),
        unallocated_gpu_usd_per_hour: part(CostPart::UnallocatedGpu),
        idle_gpu_usd_per_hour: part(CostPart::IdleGpu),
        waiting_usd_per_hour: part(CostPart::Waiting),
        unpriced_nodes: rates.map(|rates| rates.unpriced),
        by_node_pool: parts(rates, GroupBy::NodePool),
        by_namespace: parts(rates, GroupBy::Namespace),
        by_capacity_type: parts(rates, GroupBy::CapacityType),
        karpenter_moves: picture::consolidation_savings(&app.fleet).iter().map(karpenter_moves).collect(),
    }
}

/// Those of one dimension, by name.
fn parts(rates: Option<&CostRates>, wanted: GroupBy) -> Vec<Part> {
    let rates = rates.into_iter().flat_map(CostRates::by_group);
    let of_dimension = rates.filter(|((dimension, _), _)| *dimension == wanted);
    let mut parts: Vec<Part> =
        of_dimension.map(|((_, who), rate)| Part { name: name(who), usd_per_hour: Usd(rate) }).collect();
    parts.sort_unstable_by(|a, b| (a.name.is_none(), &a.name).cmp(&(b.name.is_none(), &b.name)));
    parts
}

fn name(who: &CostGroup) -> Option<String> {
    match who {
        CostGroup::Named(name) => Some(name.to_string()),
        CostGroup::Capacity(capacity) => Some(CapacityType::name(*capacity).to_owned()),
        CostGroup::Job(key) | CostGroup::Owner(_, key) => Some(key.to_string()),
        CostGroup::Nobody | CostGroup::OtherPods | CostGroup::Former => None,
    }
}

fn karpenter_moves(moves: &ConsolidationSavings) -> KarpenterMoves {
    KarpenterMoves {
        outcome: moves.outcome.words(),
        node_pool: moves.node_pool.as_ref().map(text),
        nodes: moves.nodes,
        usd_per_hour: moves.micro_usd_per_hour.map(Usd),
        at: Stamp(moves.at),
    }
}

/// What each pod pays, computed once for each Node.
pub(super) struct PodRates<'a> {
    is_known: bool,
    /// Of pods on Nodes whose price is known.
    rates: HashMap<&'a ObjectKey, i64, RandomState>,
}

impl<'a> PodRates<'a> {
    /// Of all pods.
    pub(super) fn new(app: &'a App, known: &Completeness<'_>) -> Self {
        let shares = app.fleet.nodes.iter().flat_map(|node| app.insights.picture.rates_on(&app.fleet, node));
        Self { is_known: known.all(Kind::Pod), rates: shares.map(|(pod, rate)| (&pod.meta.key, rate)).collect() }
    }

    /// What one pod pays: nothing where it is on no Node or has finished, null where the price of its Node is not known.
    pub(super) fn of_pod(&self, pod: &PodRow) -> Option<Usd> {
        self.micros(pod).map(Usd)
    }

    /// Of the pods of a Job together.
    pub(super) fn of_job(&self, app: &App, uid: &Uid) -> Option<Usd> {
        let rates = app.fleet.pods_of_job(uid).map(|pod| self.micros(pod));
        rates.sum::<Option<i64>>().filter(|_| self.is_known).map(Usd)
    }

    fn micros(&self, pod: &PodRow) -> Option<i64> {
        if !self.is_known {
            return None;
        }
        match pod.node.as_ref().filter(|_| pod.holds_resources()) {
            None => Some(0),
            Some(_) => self.rates.get(&pod.meta.key).copied(),
        }
    }
}
