//! Definition of the screen Pods.

use super::column::{Column, Order, columns};
use super::spec::{Narrowing, ScreenSpec, all_of, always};
use super::table::{Rows, TableSpec, UseOfRows};
use super::view::View;
use crate::app::depends::{GPUS, GPUS_OF_POD, STARTS_BY_TIME, VERDICTS};
use crate::app::field::Field;
use crate::app::payers::RatesByUid;
use crate::app::rank::{self, Rank};
use crate::app::{App, RowRef, Scope, payers, status};
use crate::fleet::{Kind, PodRow};
use crate::input::Action;
use crate::insight::disruption::pods::is_reschedulable;
use crate::insight::disruption::{Standing, protection};
use crate::insight::insights::{Dependency, Part};
use crate::units::Time;

/// Definition of the screen Pods.
pub static SPEC: ScreenSpec = ScreenSpec {
    title: "Pods",
    action: Action::Pods,
    aliases: &["pods", "po", "pod"],
    own_kinds: &[Kind::Pod],
    counted_kinds: &[],
    table: TableSpec {
        name: "Pods",
        noun: "pods",
        rows: Rows::Objects { list, arrange: None },
        joined_kinds: &[Kind::Job, Kind::Node, Kind::ReplicaSet],
        columns: COLUMNS,
        rate: None,
        fields: &[
            Field::Name,
            Field::Namespace,
            Field::Pool,
            Field::Node,
            Field::Job,
            Field::Owner,
            Field::Status,
            Field::Start,
            Field::Protected,
            Field::Gpu,
            Field::Dollars,
            Field::Age,
            Field::Dies,
        ],
        use_of_rows: UseOfRows::Protect,
    },
    views: VIEWS,
    count: |app| all_of(app, Kind::Pod, SPEC.narrowed_by, app.fleet.pods.len()),
    narrowed_by: Narrowing::NamespacesAndLabels,
    is_offered: always,
};

columns! {
    ATTENTION = Column::order_only("attention", Order::Rank(rank::attention), "what needs a look first");
    NAME = Column::left("name", "NAME", 0, (18, 24, 64), "name of the pod").ranked(rank::name);
    NAMESPACE = Column::left("namespace", "NS", 3, (8, 14, 24), "its namespace").ranked(rank::namespace);
    NODE = Column::left("node", "NODE", 5, (16, 20, 60), "the Node it is bound to").ranked(rank::node);
    STATUS = Column::left("status", "STATUS", 1, (11, 18, 26), "its status in kubectl's word").ranked(rank::status);
    OWNER = Column::left("owner", "OWNER", 9, (8, 20, 40), "what somebody wrote and it came from").ranked(rank::owner);
    RESTARTS = Column::right("restarts", "RESTARTS", 8, (8, 8, 8), "restarts of its containers")
        .ranked(|row, _| of_pod(row, |pod| Rank::most(i64::from(pod.restarts))));
    START = Column::right("start", "START", 7, (5, 8, 20), "how long its start took, or the step that goes on")
        .ranked(|row, app| of_pod(row, |pod| Rank::most_of(start_seconds(pod, app))))
        .depends_on(STARTS_BY_TIME);
    CPU = Column::right("cpu", "CPU", 7, (5, 6, 6), "cores it requests")
        .ranked(|row, _| of_pod(row, |pod| Rank::most(pod.requests.cpu_millis)));
    MEMORY = Column::right("memory", "MEM", 8, (7, 8, 8), "memory it requests")
        .ranked(|row, _| of_pod(row, |pod| Rank::most(pod.requests.memory_bytes)));
    GPU = Column::right("gpu", "GPU", 4, (3, 4, 4), "accelerators it requests")
        .ranked(rank::gpus)
        .depends_on(GPUS_OF_POD);
    BUSY = Column::right("busy", "BUSY", 6, (4, 5, 5), "how busy its accelerators are")
        .ranked(|row, app| Rank::most_of(utilization(row, app)))
        .depends_on(&[GPUS, Dependency::Kind(Kind::Node)]);
    COST = Column::right("cost", "$/H", 4, (9, 9, 16), "dollars per hour: its share of its node")
        .ordered(Order::Rates(rates))
        .depends_on(&[
            // The others on its Node share its rate.
            Dependency::Kind(Kind::Pod),
            Dependency::Kind(Kind::Node),
            Dependency::Prices,
            Dependency::Kind(Kind::NodeOverlay),
            Dependency::Part(Part::Rates),
        ]);
    PROTECTION = Column::left("protection", "PROTECTION", 2, (15, 18, 22), "whether and until when it is protected")
        .ranked(rank::protection)
        .depends_on(&[Dependency::Minute]);
    UNTIL = Column::order_only("until", Order::Rank(until), "when its protection ends, or sooner what ends its Node")
        .depends_on(&[Dependency::Minute, VERDICTS]);
    AGE = Column::right("age", "AGE", 4, (5, 6, 6), "time since it was created").ranked(rank::age);
    READY = Column::right("ready", "READY", 7, (5, 6, 6), "containers that are ready, of all");
    GAP = Column::left("gap", "GAP", 6, (16, 30, 70), "the gravest thing that its protection does not stop");
}

static VIEWS: &[View] = &[
    View::all("all", "all pods"),
    View::of("work", "pods that would have to run elsewhere: none of a DaemonSet, and none that is finished", is_work),
    View::of("protected", "pods that are protected now", is_protected)
        .depends_on(&[Dependency::Minute])
        .ordered_by(&UNTIL),
];

fn is_work(row: RowRef<'_>, _: &App) -> bool {
    matches!(row, RowRef::Pod(pod) if is_reschedulable(pod))
}

fn is_protected(row: RowRef<'_>, app: &App) -> bool {
    matches!(row, RowRef::Pod(pod) if status::is_protected(pod, app))
}

/// Pods of the level: on a Node, of a Job, of a payer, or all.
fn list(app: &App) -> Vec<RowRef<'_>> {
    let (fleet, scope) = (&app.fleet, &app.scope);
    match &app.ui.level.scope {
        Some(Scope::Node(node)) => fleet.pods_on(node).filter(|pod| scope.has_pod(pod)).map(RowRef::Pod).collect(),
        Some(Scope::Job(job)) => match fleet.jobs.get(job) {
            Some(job) => fleet.pods_of_job(&job.meta.uid).map(RowRef::Pod).collect(),
            None => Vec::new(),
        },
        Some(Scope::CostKey(payer)) => {
            let pods = fleet.pods.iter().filter(|pod| scope.has_pod(pod) && payers::is_pod_of(fleet, pod, payer));
            pods.map(RowRef::Pod).collect()
        }
        _ => fleet.pods.iter().filter(|pod| scope.has_pod(pod)).map(RowRef::Pod).collect(),
    }
}

fn of_pod<'a>(row: RowRef<'a>, rank: impl Fn(&'a PodRow) -> Rank<'a>) -> Rank<'a> {
    match row {
        RowRef::Pod(pod) => rank(pod),
        _ => Rank::LAST,
    }
}

fn until<'a>(row: RowRef<'a>, app: &'a App) -> Rank<'a> {
    of_pod(row, |pod| {
        let by_itself = protection::of_pod(pod, app.now, &app.insights.karpenter).until;
        Rank::time(by_itself.into_iter().chain(end_of_node(pod, app)).min())
    })
}

/// When the Node of a pod begins to end in spite of what protects it; now where that is at any time.
fn end_of_node(pod: &PodRow, app: &App) -> Option<Time> {
    let summary = app.insights.verdicts.summary(app.fleet.node(pod.node.as_ref()?)?)?;
    let is_broken = matches!(summary.standing, Standing::WillNotHold | Standing::Interrupted);
    is_broken.then(|| summary.ends_at.unwrap_or(app.now))
}

fn rates(app: &App) -> RatesByUid<'_> {
    payers::pod_rates(app, |pod| Some(&pod.meta.uid))
}

/// How long its start took or has taken, in seconds.
fn start_seconds(pod: &PodRow, app: &App) -> Option<i64> {
    app.insights.starts.of_pod(&pod.meta.key).map(|start| start.total_seconds(app.now))
}

/// How busy the accelerators of a pod are, in millionths.
fn utilization(row: RowRef<'_>, app: &App) -> Option<i64> {
    let RowRef::Pod(pod) = row else { return None };
    let activity = app.insights.gpus.of_pod(&app.fleet, pod)?;
    activity.utilization.map(|utilization| utilization.millionths().into())
}
