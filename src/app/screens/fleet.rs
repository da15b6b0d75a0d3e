//! Definition of the screen Fleet: Nodes, and NodeClaims that have no Node yet.

use super::column::{Column, Order, columns};
use super::desk;
use super::devices;
use super::spec::{Narrowing, ScreenSpec, all_of, always};
use super::table::{Rows, TableSpec, UseOfRows};
use super::view::View;
use crate::app::depends::{GPUS, GPUS_THERE, PRICES, SPOT, VERDICTS};
use crate::app::devices::DeviceGroupBy;
use crate::app::field::Field;
use crate::app::rank::{self, Rank, thousandths};
use crate::app::{App, RowRef, machines, payers, status};
use crate::fleet::{CapacityType, Kind, NodeRow, Usage};
use crate::input::Action;
use crate::insight::cost::CostPart;
use crate::insight::disruption::Standing;
use crate::insight::insights::{Dependency, Part, VerdictSummary};
use crate::insight::phase::ClaimPhase;
use crate::insight::picture::NodePicture;
use crate::insight::spot::SpotState;

/// Definition of the screen Fleet.
pub static SPEC: ScreenSpec = ScreenSpec {
    title: "Fleet",
    action: Action::Fleet,
    aliases: &["fleet", "no", "node", "nodes"],
    own_kinds: &[Kind::Node, Kind::NodeClaim],
    counted_kinds: &[Kind::Pod],
    table: TableSpec {
        name: "Fleet",
        noun: "nodes",
        rows: Rows::Objects { list: machines::listed, arrange: None },
        joined_kinds: &[Kind::Pod],
        columns: COLUMNS,
        rate: Some(payers::machine_rate),
        fields: &[
            Field::Name,
            Field::Pool,
            Field::Type,
            Field::Zone,
            Field::Capacity,
            Field::Status,
            Field::Held,
            Field::Drifted,
            Field::Verdict,
            Field::By,
            Field::Protected,
            Field::Gpu,
            Field::Class,
            Field::Price,
            Field::Dollars,
            Field::Age,
            Field::Dies,
        ],
        use_of_rows: UseOfRows::Protect,
    },
    views: VIEWS,
    count,
    narrowed_by: Narrowing::NodeLabels,
    is_offered: always,
};

const POD: Dependency = Dependency::Kind(Kind::Pod);

columns! {
    ATTENTION = Column::order_only("attention", Order::Rank(rank::attention), "what needs a look first")
        .depends_on(&[VERDICTS, GPUS, Dependency::Minute]);
    MARK = Column::left("mark", "", 1, (1, 1, 1), "where the node stands, as a glyph");
    NAME = Column::left("name", "NODE", 0, (14, 18, 60), "name of the Node, or of a NodeClaim without one")
        .ranked(rank::name);
    VERDICT = Column::left("verdict", "KARPENTER", 2, (17, 32, 60), "what Karpenter may do with it, or what stops it")
        .ranked(|row, app| status::judged(row, app).map_or(Rank::LAST, verdict))
        .depends_on(&[VERDICTS]);
    UNTIL = Column::left("until", "UNTIL", 5, (7, 9, 18), "when that ends: the protection, or sooner what ends it")
        .ranked(|row, app| Rank::time(status::judged(row, app).and_then(|judged| judged.ends_at)))
        .depends_on(&[VERDICTS]);
    COST = Column::right("cost", "$/H", 4, (9, 9, 16), "dollars per hour")
        .ranked(|row, app| Rank::most_of(payers::machine_rate(row, app)))
        .depends_on(PRICES);
    NODE_POOL = Column::left("pool", "POOL", 6, (6, 14, 24), "its NodePool").ranked(rank::node_pool);
    INSTANCE_TYPE = Column::left("type", "TYPE", 3, (12, 12, 20), "its instance type").ranked(rank::instance_type);
    CAPACITY = Column::left("capacity", "CAP", 6, (4, 4, 4), "spot, on-demand or reserved").ranked(rank::capacity);
    ZONE = Column::left("zone", "ZONE", 8, (8, 16, 16), "its zone").ranked(rank::zone);
    RISK = Column::left("risk", "RISK", 8, (5, 7, 8), "how likely the cloud takes it: 0 to 100, and evidence H A S P")
        .ranked(risk)
        .depends_on(&[SPOT]);
    AGE = Column::right("age", "AGE", 6, (5, 6, 6), "time since it was created").ranked(rank::age);
    STATUS = Column::left("status", "STATUS", 7, (13, 16, 26), "starting, running, disrupting, terminating, not ready")
        .ranked(rank::status);
    PODS = Column::right("pods", "PODS", 7, (4, 6, 6), "pods bound to it that are not finished")
        .ranked(|row, app| of_node(row, app, pod_count))
        .depends_on(&[POD]);
    CPU = Column::right("cpu", "CPU", 6, (4, 6, 6), "share of its cpu that pods request")
        .ranked(|row, app| of_node(row, app, cpu))
        .depends_on(&[POD]);
    MEMORY = Column::right("memory", "MEM", 8, (4, 6, 6), "share of its memory that pods request")
        .ranked(|row, app| of_node(row, app, memory))
        .depends_on(&[POD]);
    CPU_USED = Column::right("cpu-used", "CPU USED", 9, (8, 8, 8), "share of its cpu that is in use")
        .ranked(|row, app| of_usage(row, app, cpu_used))
        .depends_on(&[Dependency::NodeUsage]);
    MEMORY_USED = Column::right("memory-used", "MEM USED", 9, (8, 8, 8), "share of its memory that is in use")
        .ranked(|row, app| of_usage(row, app, memory_used))
        .depends_on(&[Dependency::NodeUsage]);
    GPU = Column::left("gpu", "GPU", 4, (8, 12, 16), "accelerators that pods request, of those it has")
        .ranked(rank::gpus)
        .depends_on(GPUS_THERE);
    BUSY = Column::right("busy", "BUSY", 4, (5, 5, 6), "how busy the accelerators are that pods request")
        .ranked(|row, app| Rank::most_of(utilization(row, app)))
        .depends_on(&[GPUS]);
    CLASS = Column::left("class", "GPU IS", 7, (6, 11, 11), "what the accelerators do: busy, idle, parked, stranded …")
        .ranked(|row, app| Rank::text(class(row, app)))
        .depends_on(&[GPUS]);
    GPU_WASTE = Column::order_only("gpu-waste", Order::Rank(|row, app| Rank::most_of(wasted_on_gpus(row, app))), "dollars of accelerators that do nothing")
        .depends_on(GPU_DOLLARS);
    PROTECTION = Column::left("protection", "PROTECTED", 8, (9, 16, 18), "its own protection, or its protected pods")
        .ranked(rank::protection)
        .depends_on(&[POD, Dependency::Minute]);
    UNREQUESTED = Column::right("unrequested", "UNREQ $/H", 9, (9, 9, 12), "part of its dollars that no pod requests")
        .ranked(|row, app| of_node(row, app, unrequested))
        .depends_on(UNREQUESTED_DOLLARS);
    VERSION = Column::left("version", "VERSION", 10, (8, 20, 24), "version of its kubelet")
        .ranked(|row, app| of_node(row, app, |_, node| Rank::text(Some(&node.kubelet_version))));
    WASTE = Column::order_only("waste", Order::Rank(|row, app| Rank::most_of(wasted(row, app))), "dollars wasted")
        .depends_on(WASTED_DOLLARS);
}

const WASTED_DOLLARS: &[Dependency] =
    &[POD, VERDICTS, Dependency::Prices, Dependency::Kind(Kind::NodeOverlay), Dependency::Part(Part::Rates)];

const UNREQUESTED_DOLLARS: &[Dependency] =
    &[POD, Dependency::Prices, Dependency::Kind(Kind::NodeOverlay), Dependency::Part(Part::Rates)];

const GPU_DOLLARS: &[Dependency] =
    &[POD, GPUS, Dependency::Prices, Dependency::Kind(Kind::NodeOverlay), Dependency::Part(Part::Rates)];

static VIEWS: &[View] = &[
    View::all("all", "all nodes, and NodeClaims that have none yet"),
    View::of("waste", "nodes whose dollars are held or requested by no pod, the most first", is_wasteful)
        .depends_on(WASTED_DOLLARS)
        .ordered_by(&WASTE),
    View::of("held", "nodes that nothing but protection keeps from Karpenter", is_held).depends_on(&[VERDICTS]),
    View::of("idle GPUs", "nodes whose accelerators do nothing, the dearest first", has_idle_gpus)
        .depends_on(GPU_DOLLARS)
        .ordered_by(&GPU_WASTE),
    View::of("spot", "spot capacity, by risk", is_spot).depends_on(&[SPOT]).ordered_by(&RISK),
    View::of("going", "nodes that are disrupted, terminating or taken back by the cloud", is_going)
        .depends_on(&[VERDICTS]),
    desk::VIEW,
    desk::VIEW_OF_ALL,
    devices::VIEW,
    devices::view_by(DeviceGroupBy::Node),
    devices::view_by(DeviceGroupBy::Job),
    devices::view_by(DeviceGroupBy::Namespace),
    devices::view_by(DeviceGroupBy::NodePool),
    devices::view_by(DeviceGroupBy::Model),
];

/// By standing, then by the object that holds it.
fn verdict(judged: &VerdictSummary) -> Rank<'_> {
    Rank { number: judged.standing as i64, text: judged.by.as_deref().unwrap_or_default() }
}

/// A rank that only Nodes have.
fn of_node<'a>(row: RowRef<'a>, app: &'a App, rank: impl Fn(&'a NodePicture, &'a NodeRow) -> Rank<'a>) -> Rank<'a> {
    let RowRef::Node(node) = row else { return Rank::LAST };
    app.insights.picture.node(&node.meta.key.name).map_or(Rank::LAST, |picture| rank(picture, node))
}

fn pod_count<'a>(picture: &'a NodePicture, _: &'a NodeRow) -> Rank<'a> {
    Rank::most(i64::try_from(picture.pod_count).unwrap_or(i64::MAX))
}

fn cpu<'a>(picture: &'a NodePicture, node: &'a NodeRow) -> Rank<'a> {
    Rank::most(thousandths(picture.cpu_requested_millis, node.allocatable.cpu_millis))
}

fn memory<'a>(picture: &'a NodePicture, node: &'a NodeRow) -> Rank<'a> {
    Rank::most(thousandths(picture.memory_requested_bytes, node.allocatable.memory_bytes))
}

fn of_usage<'a>(row: RowRef<'a>, app: &'a App, share: fn(&NodeRow, &Usage) -> i64) -> Rank<'a> {
    let RowRef::Node(node) = row else { return Rank::LAST };
    Rank::most_of(app.fleet.node_usage.get(&node.meta.key.name).map(|usage| share(node, usage)))
}

fn cpu_used(node: &NodeRow, usage: &Usage) -> i64 {
    thousandths(usage.cpu_millis, node.allocatable.cpu_millis)
}

fn memory_used(node: &NodeRow, usage: &Usage) -> i64 {
    thousandths(usage.memory_bytes, node.allocatable.memory_bytes)
}

/// Nothing is known of what has no price.
fn unrequested<'a>(picture: &'a NodePicture, _: &'a NodeRow) -> Rank<'a> {
    Rank::most_of(picture.cost.rate().map(|_| picture.spend.unrequested))
}

/// Micro-dollars per hour that a Node wastes: all of a held one, of another the part that no pod requests. `None` where
/// that is not known.
fn wasted(row: RowRef<'_>, app: &App) -> Option<i64> {
    let RowRef::Node(node) = row else { return None };
    // Known as soon as all pods are.
    app.insights.rates()?.parts.get(CostPart::Unrequested)?;
    let picture = app.insights.picture.node(&node.meta.key.name)?;
    let rate = picture.cost.rate()?;
    Some(if is_held(row, app) { rate } else { picture.spend.unrequested })
}

fn is_wasteful(row: RowRef<'_>, app: &App) -> bool {
    wasted(row, app).is_some_and(|rate| rate > 0)
}

fn is_held(row: RowRef<'_>, app: &App) -> bool {
    status::protection(row, app).is_some_and(|protection| protection.is_held == Some(true))
}

/// How busy the accelerators of a Node are, in millionths.
fn utilization(row: RowRef<'_>, app: &App) -> Option<i64> {
    status::gpu_state(row, app)?.activity.utilization.map(|utilization| utilization.millionths().into())
}

fn class(row: RowRef<'_>, app: &App) -> Option<&'static str> {
    status::gpu_state(row, app).map(|state| state.activity.class.name())
}

fn has_idle_gpus(row: RowRef<'_>, app: &App) -> bool {
    status::gpu_state(row, app).is_some_and(|state| state.activity.class.is_waste())
}

/// Micro-dollars per hour for accelerators of a Node that nobody requests, or that do nothing.
fn wasted_on_gpus(row: RowRef<'_>, app: &App) -> Option<i64> {
    let RowRef::Node(node) = row else { return None };
    let idle = status::gpu_state(row, app)?.idle_rate;
    let said = app.insights.picture.node(&node.meta.key.name)?;
    said.wasted_on_gpus(idle)
}

/// Nodes that are taken back, then by risk, of equal risk by spot pool; where it is not known last.
fn risk<'a>(row: RowRef<'a>, app: &'a App) -> Rank<'a> {
    const ABOVE_EVERY_RISK: i64 = 1_000;
    let RowRef::Node(node) = row else { return Rank::LAST };
    let (name, spot) = (&node.meta.key.name, &app.insights.spot);
    match (spot.node(name), spot.score_of(name).and_then(|score| score.risk)) {
        (Some(found), _) if found.state == SpotState::Reclaiming => Rank::most(ABOVE_EVERY_RISK),
        (_, Some(risk)) => Rank { text: row.instance_type().map_or("", |name| name), ..Rank::most(risk.into()) },
        (_, None) => Rank::LAST,
    }
}

fn is_spot(row: RowRef<'_>, _: &App) -> bool {
    row.capacity() == Some(CapacityType::Spot.name())
}

fn is_going(row: RowRef<'_>, app: &App) -> bool {
    let is_interrupted = || status::judged(row, app).is_some_and(|judged| judged.standing == Standing::Interrupted);
    match row {
        RowRef::Node(node) => status::node_phase(node, app).is_leaving() || is_interrupted(),
        RowRef::Claim(claim) => status::claim_phase(claim, app) == ClaimPhase::Terminating,
        _ => false,
    }
}

fn count(app: &App) -> Option<usize> {
    let claims = app.insights.picture.count_of_claims_without_node();
    all_of(app, Kind::Node, SPEC.narrowed_by, app.fleet.nodes.len() + claims)
}
