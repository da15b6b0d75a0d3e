//! 5,000 Nodes and 100,000 pods in memory, which several benchmarks measure.

use batchtop::app::{App, Msg, Settings, update};
use batchtop::config::{Library, keymap};
use batchtop::fleet::{
    CapacityType, Delta, Health, HealthState, Interner, Kind, NodeRow, Price, PriceChange, PriceKey, PriceList, Report,
    SourceId,
};
use batchtop::source::kube::decode::{self, RawChange};
use batchtop::units::Time;
use serde_json::Value;

use crate::bed::load::returned;

/// Nodes, each with its NodeClaim.
pub const NODES: usize = 5_000;

/// Pods.
pub const PODS: usize = 100_000;

/// Objects of a page, and pods that change at a time.
pub const PAGE: usize = 500;

const SEED: u64 = 1;
const SIZE: (u16, u16) = (200, 60);

/// Two hours after every object was created.
const NOW: &str = "2026-11-21T12:00:00Z";

/// The App with everything in it; tells `note` after each kind of objects, and after the prices, how many came.
pub fn app(mut note: impl FnMut(&str, usize)) -> App {
    let keymap = keymap(&Library::embedded(), "default").0.keymap;
    let settings = Settings { keymap, ..Settings::default() };
    let mut app = App::new(settings, Time::parse(NOW).unwrap_or_default());
    let mut interner = Interner::default();
    let (width, height) = SIZE;
    update(&mut app, Msg::Resize { width, height });
    let budgets = (0..returned::workloads(PODS)).filter_map(returned::disruption_budget);
    let objects: [(Kind, Box<dyn Iterator<Item = Value>>); 6] = [
        (Kind::Node, Box::new((0..NODES).map(|index| returned::node(NODES, index, SEED)))),
        (Kind::NodeClaim, Box::new((0..NODES).map(|index| returned::node_claim(NODES, index, SEED)))),
        (Kind::Job, Box::new((0..returned::workloads(PODS)).filter_map(returned::job))),
        (Kind::NodePool, Box::new(returned::node_pools().into_iter())),
        (Kind::PodDisruptionBudget, Box::new(budgets)),
        (Kind::Pod, Box::new((0..PODS).map(pod))),
    ];
    for (kind, objects) in objects {
        note(kind.name(), fill(&mut app, kind, objects, &mut interner));
    }
    let (epoch, prices) = (app.epoch, prices(&app));
    let priced = prices.len();
    update(&mut app, Msg::Source(epoch, Report::Delta(Delta::Prices(prices))));
    note("price", priced);
    for source in SourceId::all() {
        let health = Health { state: HealthState::Live, ..Health::default() };
        let epoch = app.epoch;
        update(&mut app, Msg::Source(epoch, Report::Health(source, health)));
    }
    app
}

/// A price of every Node, as AWS would list it.
fn prices(app: &App) -> Vec<PriceChange> {
    let price = |node: &NodeRow| {
        let (list, place, capacity_type) = match node.capacity_type()? {
            CapacityType::Spot => (PriceList::AwsSpot, node.zone()?, CapacityType::Spot),
            _ => (PriceList::AwsOnDemand, node.region()?, CapacityType::OnDemand),
        };
        let key = PriceKey { place: place.clone(), instance_type: node.instance_type()?.clone(), capacity_type };
        Some(PriceChange::Listed(list, key, Price { micro_usd_per_hour: 1_234_567, as_of: app.now }))
    };
    app.fleet.nodes.iter().filter_map(price).collect()
}

/// A pod as the API server returns it.
pub fn pod(index: usize) -> Value {
    returned::pod(NODES, PODS, index, SEED)
}

fn fill(app: &mut App, kind: Kind, mut objects: impl Iterator<Item = Value>, interner: &mut Interner) -> usize {
    let mut count = 0;
    loop {
        let page: Vec<String> = objects.by_ref().take(PAGE).map(|object| object.to_string()).collect();
        if page.is_empty() {
            return count;
        }
        count += page.len();
        let (delta, undecodable) = decode_page(kind, &page, interner);
        assert_eq!(undecodable, 0, "a {kind:?} cannot be decoded");
        let epoch = app.epoch;
        update(app, Msg::Source(epoch, Report::Delta(delta)));
    }
}

/// Decodes objects of a kind.
pub fn decode_page(kind: Kind, page: &[String], interner: &mut Interner) -> (Delta, u64) {
    let raw: Vec<RawChange<'_>> = page.iter().map(|json| RawChange::Upsert(json.as_bytes())).collect();
    decode::delta(kind, &raw, interner)
}
