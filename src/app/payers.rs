//! Payers: what they pay, of which machines and pods, and what Cost says besides its rows.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;

use super::App;
use super::rows::RowRef;
use crate::fleet::{Fleet, NodeRow, PodRow, Sym, Uid};
use crate::insight::cost::{Account, Cost, CostGroup, CostKey, CostSource, GroupBy, Machine, Machines, NoPrice};
use crate::insight::gpu::GpuClass;
use crate::insight::picture::{self, ConsolidationSavings};
use crate::units::{Reading, Time};

/// Dollars of one payer, now and so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Paying {
    /// Micro-dollars per hour, as far as that is known.
    pub rate: i64,
    /// Dollars paid since batchtop started to watch, and for how long they were seen.
    pub paid: Account,
    /// Count and rates of its machines; all zero in dimensions of pods.
    pub machines: Machines,
    /// Machines, or in dimensions of pods pods on machines, whose price nobody tells.
    pub unpriced: u64,
}

/// What Cost says besides its rows; as of when they were listed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Costs {
    /// Pods on machines that nobody prices, by payer; in dimensions of pods.
    pub unpriced_pods: HashMap<CostGroup, u64, RandomState>,
    /// The sources of the machines' prices.
    pub sources: Vec<Sourced>,
    /// Machines that nobody prices, the first by name; at most [`Costs::MOST_UNPRICED`].
    pub unpriced: Vec<Unpriced>,
    /// Savings that Karpenter announces for its consolidations, in Events.
    pub moves: Vec<ConsolidationSavings>,
}

/// The number of machines that one source prices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sourced {
    /// The source of the prices.
    pub source: CostSource,
    /// Number of machines that this source prices.
    pub machines: u64,
    /// When the oldest of the prices was known to hold; `None` where the source does not say.
    pub oldest: Option<Time>,
}

/// A machine that nobody prices.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unpriced {
    /// The name of the Node or NodeClaim.
    pub name: Sym,
    /// Reason in the words of the last price source that was asked.
    pub reason: String,
}

impl Costs {
    /// Most machines without a price that are named.
    pub const MOST_UNPRICED: usize = 8;

    /// Sums over all machines as they are now.
    pub(super) fn of(app: &App) -> Self {
        let (fleet, dimension) = (&app.fleet, app.ui.level.dimension());
        let unpriced_pods = if dimension.is_of_pods() {
            picture::unpriced_pods(fleet, &app.insights.picture, dimension)
        } else {
            HashMap::default()
        };
        Self {
            unpriced_pods,
            sources: sources(app),
            unpriced: unpriced(app),
            moves: picture::consolidation_savings(fleet),
        }
    }
}

/// All machines that are billed, with what they cost.
fn machines(app: &App) -> impl Iterator<Item = (&Sym, &Cost)> {
    let nodes = app.fleet.nodes.iter().filter_map(|node| {
        let name = &node.meta.key.name;
        Some((name, &app.insights.picture.node(name)?.cost))
    });
    let claims = app.insights.picture.claims_without_node(&app.fleet);
    let claims = claims.filter_map(|claim| {
        let cost = app.insights.picture.claim(claim)?.cost.as_ref()?;
        Some((&claim.meta.key.name, cost))
    });
    nodes.chain(claims)
}

fn sources(app: &App) -> Vec<Sourced> {
    let mut sums: BTreeMap<CostSource, Sourced> = BTreeMap::new();
    for (_, cost) in machines(app) {
        let Reading::Known { source, as_of, .. } = cost.instance else { continue };
        let sum = sums.entry(source).or_insert(Sourced { source, machines: 0, oldest: as_of });
        sum.machines += 1;
        sum.oldest = sum.oldest.into_iter().chain(as_of).min();
    }
    sums.into_values().collect()
}

fn unpriced(app: &App) -> Vec<Unpriced> {
    let reasons = machines(app).filter_map(|(name, cost)| Some((name, cost.instance.reason()?)));
    let mut reasons: Vec<(&Sym, &NoPrice)> = reasons.collect();
    reasons.sort_by_key(|(name, _)| *name);
    let named = reasons.into_iter().take(Costs::MOST_UNPRICED);
    named.map(|(name, why)| Unpriced { name: name.clone(), reason: why.to_string() }).collect()
}

/// What a payer pays now and has paid.
pub fn paying(app: &App, payer: &CostKey) -> Paying {
    let rates = app.insights.rates();
    let machines = rates.map(|rates| rates.machines_of(payer)).unwrap_or_default();
    let pods = app.ui.listing.costs.unpriced_pods.get(&payer.1).copied().unwrap_or_default();
    Paying {
        rate: rates.and_then(|rates| rates.rate_of(payer)).unwrap_or_default(),
        paid: app.insights.ledger.paid_by(payer),
        machines,
        unpriced: if payer.0.is_of_pods() { pods } else { machines.unpriced },
    }
}

/// A payer with everything that it can be ordered by. Rates are in micro-dollars per hour.
pub struct PayerRow {
    /// Dimension and group.
    pub payer: CostKey,
    /// Name of the group, as it stands on screen.
    pub name: String,
    /// Rate, as far as it is known.
    pub rate: i64,
    /// Micro-dollars paid since batchtop started to watch.
    pub paid: i64,
    /// Number of its machines.
    pub machines: i64,
    /// Part of the rate that is for held machines.
    pub held: i64,
    /// Part of the rate that no pod requests.
    pub unrequested: i64,
    /// Number of machines, or of pods on machines, without a known price.
    pub unpriced: u64,
}

impl PayerRow {
    /// What is known of a payer now.
    pub fn new(app: &App, payer: CostKey) -> Self {
        let paying = paying(app, &payer);
        Self {
            name: payer.1.words(payer.0),
            payer,
            rate: paying.rate,
            paid: paying.paid.micro_usd(),
            machines: i64::try_from(paying.machines.count).unwrap_or(i64::MAX),
            held: paying.machines.held,
            unrequested: paying.machines.unrequested,
            unpriced: paying.unpriced,
        }
    }
}

/// Rates of objects in micro-dollars per hour, by uid.
pub type RatesByUid<'a> = HashMap<&'a Uid, i64, RandomState>;

/// What a machine, or the machines of a NodePool, cost in micro-dollars per hour, as far as that is known.
pub fn machine_rate(row: RowRef<'_>, app: &App) -> Option<i64> {
    let of_node = |node: &NodeRow| app.insights.picture.node(&node.meta.key.name)?.cost.rate();
    match row {
        RowRef::Node(node) => of_node(node),
        RowRef::Claim(claim) => match app.fleet.node_of(claim) {
            Some(node) => of_node(node),
            None => app.insights.picture.claim(claim)?.cost.as_ref()?.rate(),
        },
        RowRef::Pool(pool) => {
            let payer = (GroupBy::NodePool, CostGroup::Named(pool.meta.key.name.clone()));
            app.insights.rates()?.rate_of(&payer)
        }
        RowRef::Pod(_) | RowRef::Job(_) | RowRef::Event(_) => None,
    }
}

/// The rates of all pods, summed by the object that they are asked for. A Node is shared between all of its pods at once,
/// so that this is done once for an order and not once for a row.
pub fn pod_rates<'a>(app: &'a App, of: impl Fn(&'a PodRow) -> Option<&'a Uid>) -> RatesByUid<'a> {
    let mut sums = RatesByUid::default();
    for node in app.fleet.nodes.iter() {
        for (pod, rate) in app.insights.picture.rates_on(&app.fleet, node) {
            if let Some(uid) = of(pod) {
                *sums.entry(uid).or_default() += rate;
            }
        }
    }
    sums
}

/// Whether a row of Fleet is a machine for which somebody pays.
pub fn is_machine_of(app: &App, row: RowRef<'_>, (dimension, who): &CostKey) -> bool {
    if *dimension == GroupBy::DeviceClass {
        return has_devices_of(app, row, who);
    }
    let machine = match row {
        RowRef::Node(node) => picture::machine(&app.fleet, node, None),
        RowRef::Claim(claim) => Machine::of_claim(claim),
        _ => return false,
    };
    dimension.is_of_pods() || machine.payer(*dimension) == *who
}

/// Whether a row of Fleet has accelerators of a class, or has none.
fn has_devices_of(app: &App, row: RowRef<'_>, class: &CostGroup) -> bool {
    let RowRef::Node(node) = row else { return *class == CostGroup::Nobody };
    let state = app.insights.gpus.of_node(&node.meta.key.name);
    let CostGroup::Named(name) = class else { return state.is_none() };
    let classes = state.and_then(|state| state.activity.counted_by_class()).filter(|classes| classes.total() > 0);
    let wanted = GpuClass::from_name(name);
    match classes {
        Some(classes) => wanted.is_some_and(|class| classes.get(class) > 0),
        None => state.is_some() && wanted == Some(GpuClass::Unknown),
    }
}

/// Whether a pod is one for which somebody pays.
pub fn is_pod_of(fleet: &Fleet, pod: &PodRow, (dimension, who): &CostKey) -> bool {
    picture::payer_of_pod(fleet, pod, *dimension) == *who
}
