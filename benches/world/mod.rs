//! 5,000 Nodes and 100,000 pods in memory, which several benchmarks measure.

use batchtop::app::{App, Msg, Settings, settle, update};
use batchtop::config::{Library, keymap};
use batchtop::fleet::{
    CapacityType, Change, ContainerRole, ContainerStart, Delta, EventClass, EventObject, EventRow, EventType, Health,
    HealthState, Interner, Kind, Meta, NodeRow, ObjectKey, PodRow, PodStart, Price, PriceChange, PriceKey, PriceList,
    Report, SourceId, Sym, Uid,
};
use batchtop::source::kube::decode::{self, RawChange};
use batchtop::units::{Second, Time};
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

/// Pods that start within [`busy_hour`].
pub const STARTS: usize = 10_000;

/// So many pods of Jobs are made anew within the last hour, and the kubelet tells of the pull of each; the Events are
/// dropped afterwards, as they are by the API server.
pub fn busy_hour(app: &mut App) {
    let is_of_job = |pod: &&PodRow| pod.node.is_some() && pod.owner.as_ref().is_some_and(|owner| owner.kind == "Job");
    let pods: Vec<PodRow> = app.fleet.pods.iter().filter(is_of_job).take(STARTS).cloned().collect();
    for (at, pods) in pods.chunks(PAGE).enumerate() {
        let pods: Vec<PodRow> = pods.iter().zip(at * PAGE..).map(|(pod, at)| started(app, pod, at)).collect();
        let events: Vec<EventRow> = pods.iter().map(|pod| pulled(pod, 60 + u32::try_from(at).unwrap_or(0))).collect();
        let gone = events.iter().map(|event| Change::Remove(event.meta.key.clone())).collect();
        tell(app, Delta::Pods(pods.into_iter().map(Change::Upsert).collect()));
        tell(app, Delta::Events(events.into_iter().map(Change::Upsert).collect()));
        tell(app, Delta::Events(gone));
    }
    let now = app.now.plus_seconds(1);
    update(app, Msg::Clock(now));
    settle(app);
}

fn tell(app: &mut App, delta: Delta) {
    let epoch = app.epoch;
    update(app, Msg::Source(epoch, Report::Delta(delta)));
}

/// The same pod, made anew within the last hour and ready two minutes later.
fn started(app: &App, pod: &PodRow, at: usize) -> PodRow {
    const HOUR_SECONDS: usize = 3_600;
    const READY_SECONDS: i64 = 120;
    let ago = i64::try_from(HOUR_SECONDS - at * HOUR_SECONDS / STARTS).unwrap_or(0) + READY_SECONDS;
    let created = app.now.plus_seconds(-ago);
    let meta = Meta { uid: Uid::parse(&format!("start-{at}")), created, ..pod.meta.clone() };
    let name = Sym::new("main");
    let image = Sym::new(&format!("registry.example/ml/train-{}:2.8", at % 40));
    let after = |seconds: i64| Some(Second::from(created.plus_seconds(seconds)));
    let container = ContainerStart {
        started: after(READY_SECONDS - 1),
        is_first_start: true,
        ..ContainerStart::new(name, image, ContainerRole::Main)
    };
    let start = PodStart {
        scheduled: after(2),
        sandbox: after(3),
        ready: after(READY_SECONDS),
        was_ready: true,
        containers: Box::new([container]),
        ..PodStart::default()
    };
    PodRow { meta, start: Some(Box::new(start)), ..pod.clone() }
}

/// The Event of a pull of the first container, which took so long.
pub fn pulled(pod: &PodRow, seconds: u32) -> EventRow {
    let container = pod.start.as_ref().and_then(|start| start.containers.first());
    let image = container.map_or("", |container| &container.image);
    let name = ObjectKey::new(&pod.meta.key.namespace, &format!("{}.{seconds}", pod.meta.key.name));
    let meta = Meta { key: name, ..pod.meta.clone() };
    EventRow {
        at: meta.created,
        first: meta.created.plus_seconds(-i64::from(seconds)),
        meta,
        count: 1,
        kind: EventType::Normal,
        reason: Sym::new("Pulled"),
        object: EventObject { kind: Sym::new("Pod"), key: pod.meta.key.clone() },
        object_uid: Some(pod.meta.uid.clone()),
        container: container.map(|container| container.name.clone()),
        message: Sym::new(&format!(
            "Successfully pulled image \"{image}\" in {seconds}s ({seconds}s including waiting). Image size: 9000000000 bytes."
        )),
        source: Sym::new("kubelet"),
        host: None,
        class: EventClass::Image,
    }
}

/// Decodes objects of a kind.
pub fn decode_page(kind: Kind, page: &[String], interner: &mut Interner) -> (Delta, u64) {
    let raw: Vec<RawChange<'_>> = page.iter().map(|json| RawChange::Upsert(json.as_bytes())).collect();
    decode::delta(kind, &raw, interner)
}
