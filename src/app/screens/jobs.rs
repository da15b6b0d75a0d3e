//! Definition of the screen Jobs.

use super::column::{Column, Order, columns};
use super::spec::{Narrowing, ScreenSpec, all_of, always};
use super::table::{Rows, TableSpec, UseOfRows};
use super::view::View;
use crate::app::depends::{GPUS, GPUS_OF_PODS, PRICES};
use crate::app::field::Field;
use crate::app::payers::RatesByUid;
use crate::app::rank::{self, Rank, thousandths};
use crate::app::{App, RowRef, Scope, payers, status};
use crate::fleet::{JobRow, Kind};
use crate::input::Action;
use crate::insight::batch::JobStatus;
use crate::insight::cost::{CostGroup, GroupBy};
use crate::insight::insights::{Dependency, Part};

/// Definition of the screen Jobs.
pub static SPEC: ScreenSpec = ScreenSpec {
    title: "Jobs",
    action: Action::Jobs,
    aliases: &["jobs", "job", "batch"],
    own_kinds: &[Kind::Job],
    counted_kinds: &[Kind::Pod],
    table: TableSpec {
        name: "Jobs",
        noun: "jobs",
        rows: Rows::Objects { list, arrange: None },
        joined_kinds: &[Kind::Pod, Kind::Workload],
        columns: COLUMNS,
        rate: None,
        fields: &[
            Field::Name,
            Field::Namespace,
            Field::Status,
            Field::Owner,
            Field::Protected,
            Field::Gpu,
            Field::Dollars,
            Field::Age,
            Field::Dies,
        ],
        use_of_rows: UseOfRows::Protect,
    },
    views: VIEWS,
    count: |app| all_of(app, Kind::Job, SPEC.narrowed_by, app.fleet.jobs.len()),
    narrowed_by: Narrowing::NamespacesAndLabels,
    is_offered: always,
};

/// What tells how a suspended Job stands.
const WORKLOAD: Dependency = Dependency::Kind(Kind::Workload);

columns! {
    ATTENTION = Column::order_only("attention", Order::Rank(rank::attention), "what needs a look first")
        .depends_on(&[WORKLOAD, Dependency::Minute]);
    NAME = Column::left("name", "NAME", 0, (16, 20, 60), "name of the Job").ranked(rank::name);
    NAMESPACE = Column::left("namespace", "NS", 3, (8, 14, 24), "its namespace").ranked(rank::namespace);
    STATUS = Column::left("status", "STATUS", 1, (11, 11, 14), "how it stands")
        .ranked(rank::status)
        .depends_on(&[WORKLOAD]);
    WHY = Column::left("why", "WHY", 3, (13, 30, 60), "why it failed, is queued, or what its pods wait for");
    PROGRESS = Column::right("progress", "PROGRESS", 2, (8, 11, 14), "pods that succeeded, of those that must")
        .ranked(|row, _| of_job(row, |job| thousandths(job.succeeded, job.completions.unwrap_or(0))));
    ACTIVE = Column::right("active", "ACTIVE", 5, (6, 7, 7), "pods that are pending or running")
        .ranked(|row, _| of_job(row, |job| job.active));
    READY = Column::right("ready", "READY", 7, (5, 7, 7), "pods that are ready");
    FAILED = Column::right("failed", "FAILED", 6, (6, 8, 8), "pods that failed, of those that may")
        .ranked(|row, _| of_job(row, |job| job.failed));
    GPU = Column::right("gpu", "GPU", 4, (3, 5, 5), "accelerators that its pods request")
        .ranked(rank::gpus)
        .depends_on(GPUS_OF_PODS);
    BUSY = Column::right("busy", "BUSY", 5, (4, 5, 5), "how busy the accelerators of its pods are")
        .ranked(|row, app| Rank::most_of(utilization(row, app)))
        .depends_on(&[GPUS, Dependency::Kind(Kind::Pod)]);
    EFFICIENCY = Column::right("efficiency", "EFF", 7, (4, 5, 5), "GPU-hours busy, of the GPU-hours held since batchtop started")
        .ranked(|row, app| Rank::most_of(efficiency(row, app)))
        .depends_on(&[GPUS]);
    COST = Column::right("cost", "$/H", 4, (6, 7, 12), "dollars per hour of its pods, each a share of its node")
        .ordered(Order::Rates(rates))
        .depends_on(PRICES);
    PAID = Column::right("paid", "PAID", 8, (6, 7, 12), "dollars that its pods have cost since batchtop started")
        .ranked(|row, app| of_job(row, |job| paid(job, app)))
        .depends_on(&[Dependency::Part(Part::Ledger)]);
    PROTECTION = Column::left("protection", "PROTECTED", 4, (9, 9, 11), "its protected pods, of the active ones")
        .ranked(rank::protection)
        .depends_on(&[Dependency::Kind(Kind::Pod), Dependency::Minute]);
    AGE = Column::right("age", "AGE", 4, (5, 6, 6), "time since it was created").ranked(rank::age);
    DURATION = Column::right("duration", "DURATION", 8, (8, 8, 8), "how long it ran or has been running")
        .ranked(|row, app| of_job(row, |job| seconds(job, app)))
        .depends_on(&[Dependency::Minute]);
    OWNER = Column::left("owner", "OWNER", 9, (8, 20, 36), "what controls it").ranked(rank::owner);
}

static VIEWS: &[View] = &[
    View::all("all", "all Jobs"),
    View::of("waiting", "Jobs that wait for a queue or for their first pod", is_waiting).depends_on(&[WORKLOAD]),
];

fn is_waiting(row: RowRef<'_>, app: &App) -> bool {
    let RowRef::Job(job) = row else { return false };
    matches!(status::job_state(job, app).status, JobStatus::Queued | JobStatus::Pending)
}

/// Jobs of the level: of a namespace that pays, or all.
fn list(app: &App) -> Vec<RowRef<'_>> {
    let jobs = app.fleet.jobs.iter().filter(|job| app.scope.has_job(job));
    match &app.ui.level.scope {
        Some(Scope::CostKey((GroupBy::Namespace, CostGroup::Named(name)))) => {
            jobs.filter(|job| job.meta.key.namespace == *name).map(RowRef::Job).collect()
        }
        _ => jobs.map(RowRef::Job).collect(),
    }
}

/// Rank by which the Job with the largest number comes first.
fn of_job<'a>(row: RowRef<'a>, number: impl Fn(&'a JobRow) -> i64) -> Rank<'a> {
    match row {
        RowRef::Job(job) => Rank::most(number(job)),
        _ => Rank::LAST,
    }
}

fn rates(app: &App) -> RatesByUid<'_> {
    payers::pod_rates(app, |pod| Some(&pod.job_owner()?.uid))
}

fn paid(job: &JobRow, app: &App) -> i64 {
    let payer = (GroupBy::Job, CostGroup::Job(job.meta.key.clone()));
    app.insights.ledger.paid_by(&payer).micro_usd()
}

/// How long a Job ran or has been running.
fn seconds(job: &JobRow, app: &App) -> i64 {
    let finished = app.insights.picture.job(job).and_then(|job| job.state.finished);
    job.started.map_or(-1, |started| finished.unwrap_or(app.now).seconds_since(started))
}

/// How busy the accelerators of a Job are, in millionths.
fn utilization(row: RowRef<'_>, app: &App) -> Option<i64> {
    let RowRef::Job(job) = row else { return None };
    let utilization = app.insights.gpus.utilization_of_job(&app.fleet, &job.meta.uid);
    utilization.map(|utilization| utilization.millionths().into())
}

/// The share of the time in which the accelerators of a Job were busy, in millionths.
fn efficiency(row: RowRef<'_>, app: &App) -> Option<i64> {
    let RowRef::Job(job) = row else { return None };
    app.insights.gpus.seconds_of_job(&job.meta.uid)?.efficiency_millionths()
}
