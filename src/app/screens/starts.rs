//! Definition of the screen Starts: where the time went between the creation of a pod and its readiness.

use super::column::{Column, Order, columns};
use super::spec::{Narrowing, ScreenSpec, all_of, always};
use super::start_gangs::GANGS;
use super::start_images::IMAGES;
use super::start_nodes::NODES;
use super::table::{Rows, TableSpec, UseOfRows};
use super::view::View;
use crate::app::depends::{START_COSTS, STARTS, STARTS_BY_TIME};
use crate::app::field::Field;
use crate::app::payers::RatesByUid;
use crate::app::rank::{self, Rank};
use crate::app::{App, RowRef, Scope};
use crate::fleet::{Kind, PodRow};
use crate::input::Action;
use crate::insight::cold_start::ColdStart;
use crate::insight::insights::{Dependency, Part};
use crate::insight::picture::starts::cost_at;

/// Definition of the screen Starts.
pub static SPEC: ScreenSpec = ScreenSpec {
    title: "Starts",
    action: Action::Starts,
    aliases: &["starts", "start"],
    own_kinds: &[Kind::Pod],
    counted_kinds: &[Kind::Event, Kind::Node, Kind::NodeClaim],
    table: TableSpec {
        name: "Starts",
        noun: "starts of pods",
        rows: Rows::Objects { list, arrange: None },
        joined_kinds: &[Kind::Job, Kind::Node],
        columns: COLUMNS,
        rate: None,
        fields: &[
            Field::Name,
            Field::Namespace,
            Field::Pool,
            Field::Node,
            Field::Job,
            Field::Owner,
            Field::Start,
            Field::Image,
            Field::Status,
            Field::Gpu,
        ],
        use_of_rows: UseOfRows::Protect,
    },
    views: VIEWS,
    count: |app| all_of(app, Kind::Pod, SPEC.narrowed_by, app.insights.starts.count()),
    narrowed_by: Narrowing::NamespacesAndLabels,
    is_offered: always,
};

columns! {
    ATTENTION = Column::order_only("attention", Order::Rates(worst_first), ATTENTION_HELP).depends_on(START_COSTS);
    NAME = Column::left("name", "POD", 0, (16, 24, 64), "name of the pod").ranked(rank::name);
    NAMESPACE = Column::left("namespace", "NS", 7, (6, 10, 24), "its namespace").ranked(rank::namespace);
    STEP = Column::left("step", "STEP", 1, (10, 20, 22), "the step that goes on, or that it is ready; ? where not all was observed")
        .ranked(step)
        .depends_on(STARTS);
    TOTAL = Column::right("total", "TOTAL", 1, (6, 7, 8), "all steps together, until now where one goes on")
        .ranked(|row, app| of_start(row, app, |start| Rank::most(start.total_seconds(app.now))))
        .depends_on(STARTS_BY_TIME);
    ETA = Column::right("eta", "ETA", 4, (4, 4, 4), "until its images are there, if it takes as long as starts before it")
        .ranked(eta)
        .depends_on(STARTS_BY_TIME);
    WATERFALL = Column::left("waterfall", "", 3, (18, 18, 70), "its steps on one time axis; the signs are explained below");
    WAITING = Column::right("waiting", "$ WAIT", 2, (7, 7, 10), "what its part of the Node cost before it was ready")
        .ordered(Order::Rates(costs))
        .depends_on(START_COSTS);
    CAUSE = Column::left("cause", "WAITS FOR", 4, (22, 64, 200), "what the open step waits for, and since when");
    TYPE = Column::left("type", "TYPE", 6, (8, 13, 18), "instance type of its Node")
        .ranked(|row, app| of_start(row, app, |start| Rank::text(start.instance_type.as_deref())))
        .depends_on(STARTS);
    JOB = Column::left("job", "JOB", 9, (8, 18, 40), "the Job of the pod")
        .ranked(|row, app| of_start(row, app, |start| Rank::text(start.job.as_deref())))
        .depends_on(STARTS);
    POOL = Column::left("pool", "POOL", 9, (4, 8, 20), "NodePool of its Node")
        .ranked(|row, app| of_start(row, app, |start| Rank::text(start.pool.as_deref())))
        .depends_on(STARTS);
    NODE = Column::left("node", "NODE", 10, (10, 14, 60), "its Node, also the one that is meant for it")
        .ranked(|row, app| of_start(row, app, |start| Rank::text(start.node.as_deref())))
        .depends_on(STARTS);
    AGE = Column::right("age", "AGE", 8, (4, 5, 6), "time since the pod was created").ranked(rank::age);
}

const ATTENTION_HELP: &str = "those that go on first, then the most dollars, then the longest";

static VIEWS: &[View] = &[
    View::all("pods", "the starts of pods, one by one").depends_on(STARTS),
    View::of_table("gangs", "the pods of each Job together, which wait for the last of them", &GANGS)
        .depends_on(GANGS_DEPEND_ON),
    View::of_table(
        "images",
        "how images come to Nodes, by instance type and NodePool, earlier sessions included",
        &IMAGES,
    ),
    View::of_table("nodes", "how long the machines of each NodePool take, earlier sessions included", &NODES),
];

const GANGS_DEPEND_ON: &[Dependency] = &[Dependency::Part(Part::Starts), Dependency::Kind(Kind::Job)];

/// The pods of the level whose start is known.
fn list(app: &App) -> Vec<RowRef<'_>> {
    let (fleet, starts) = (&app.fleet, &app.insights.starts);
    let is_known = |pod: &&PodRow| starts.of_pod(&pod.meta.key).is_some();
    let pods: Vec<&PodRow> = match &app.ui.level.scope {
        Some(Scope::Node(node)) => fleet.pods_on(node).filter(|pod| app.scope.has_pod(pod)).filter(is_known).collect(),
        Some(Scope::Job(job)) => match fleet.jobs.get(job) {
            Some(job) => fleet.pods_of_job(&job.meta.uid).filter(is_known).collect(),
            None => Vec::new(),
        },
        _ => {
            let pods = starts.all().filter_map(|start| fleet.pods.get(&start.pod));
            pods.filter(|pod| app.scope.has_pod(pod)).collect()
        }
    };
    pods.into_iter().map(RowRef::Pod).collect()
}

fn of_start<'a>(row: RowRef<'a>, app: &'a App, rank: impl Fn(&'a ColdStart) -> Rank<'a>) -> Rank<'a> {
    match row {
        RowRef::Pod(pod) => app.insights.starts.of_pod(&pod.meta.key).map_or(Rank::LAST, rank),
        _ => Rank::LAST,
    }
}

/// By the step that goes on, the earliest first; then those that are over.
fn step<'a>(row: RowRef<'a>, app: &'a App) -> Rank<'a> {
    of_start(row, app, |start| Rank::number(start.open_phase().map_or(i64::MAX - 1, |open| open.name as i64)))
}

fn eta<'a>(row: RowRef<'a>, app: &'a App) -> Rank<'a> {
    of_start(row, app, |start| app.insights.starts.eta_seconds(start, app.now).map_or(Rank::LAST, Rank::number))
}

/// What each start has cost before its pod was ready, in micro-dollars.
fn costs(app: &App) -> RatesByUid<'_> {
    let starts = &app.insights.starts;
    let rates = app.insights.picture.start_rates(&app.fleet, starts.all());
    let cost = |start: &ColdStart| cost_at(*rates.get(&start.uid)?, start, app.now);
    starts.all().filter_map(|start| Some((&start.uid, cost(start)?))).collect()
}

/// A number for each start: those that go on have the largest, then the most dollars, then the longest.
fn worst_first(app: &App) -> RatesByUid<'_> {
    let costs = costs(app);
    let rank = |start: &ColdStart| {
        let micro_usd = costs.get(&start.uid).copied().unwrap_or(0);
        rank::worst_start(start.open_phase().is_some(), micro_usd, start.total_seconds(app.now))
    };
    app.insights.starts.all().map(|start| (&start.uid, rank(start))).collect()
}
