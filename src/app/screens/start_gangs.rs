//! Definition of the gangs of Starts: the pods of each Job together.

use super::column::{Column, Order, columns};
use super::table::{Rows, TableSpec, UseOfRows};
use crate::app::depends::{START_COSTS, STARTS_BY_TIME};
use crate::app::field::Field;
use crate::app::payers::RatesByUid;
use crate::app::rank::{self, Rank};
use crate::app::{App, RowRef, gangs};
use crate::fleet::Kind;
use crate::insight::cold_start::GangStart;

/// The Jobs with the starts of several pods.
pub static GANGS: TableSpec = TableSpec {
    name: "gangs",
    noun: "Jobs whose pods start together",
    rows: Rows::Objects { list, arrange: None },
    joined_kinds: &[Kind::Pod],
    columns: COLUMNS,
    rate: None,
    fields: &[Field::Name, Field::Namespace, Field::Status, Field::Owner, Field::Gpu],
    use_of_rows: UseOfRows::Protect,
};

columns! {
    ATTENTION = Column::order_only("attention", Order::Rates(worst_first), ATTENTION_HELP).depends_on(START_COSTS);
    NAME = Column::left("name", "JOB", 0, (16, 24, 64), "name of the Job").ranked(rank::name);
    NAMESPACE = Column::left("namespace", "NS", 7, (6, 10, 24), "its namespace").ranked(rank::namespace);
    READY = Column::left("ready", "PODS", 1, (12, 18, 22), "how many of its pods are still starting")
        .ranked(|row, app| of_gang(row, app, |gang| Rank::most(i64::try_from(gang.open).unwrap_or(i64::MAX))))
        .depends_on(STARTS_BY_TIME);
    SKEW = Column::right("skew", "SKEW", 2, (6, 7, 8), "from the first pod that was ready to the last one")
        .ranked(|row, app| of_gang(row, app, |gang| Rank::most_of(gang.skew_seconds)))
        .depends_on(STARTS_BY_TIME);
    LONGEST = Column::left("longest", "LONGEST STEP", 4, (12, 24, 40), "the step with the longest median, and its maximum");
    WATERFALL = Column::left("waterfall", "", 3, (18, 18, 70), "the steps of the slowest pod on one time axis");
    WAITING = Column::right("waiting", "$ WAIT", 2, (7, 7, 10), "what all waited for the last cost")
        .ordered(Order::Rates(costs))
        .depends_on(START_COSTS);
    SLOWEST = Column::left("slowest", "SLOWEST POD", 5, (12, 24, 60), "the pod that was ready last, or is least far")
        .ranked(slowest)
        .depends_on(STARTS_BY_TIME);
}

const ATTENTION_HELP: &str = "those with pods that still start first, then the most dollars, then the largest skew";

fn list(app: &App) -> Vec<RowRef<'_>> {
    let gangs = gangs::all(app).into_iter().map(|(job, _)| job);
    gangs.filter(|job| app.scope.has_job(job)).map(RowRef::Job).collect()
}

fn of_gang<'a>(row: RowRef<'a>, app: &'a App, rank: impl Fn(GangStart) -> Rank<'a>) -> Rank<'a> {
    let RowRef::Job(job) = row else { return Rank::LAST };
    GangStart::of(&gangs::starts_of(app, job), app.now).map_or(Rank::LAST, rank)
}

fn slowest<'a>(row: RowRef<'a>, app: &'a App) -> Rank<'a> {
    let RowRef::Job(job) = row else { return Rank::LAST };
    let gang = GangStart::of(&gangs::starts_of(app, job), app.now);
    let pod = gang.and_then(|gang| app.fleet.pods.get(&gang.slowest));
    Rank::text(pod.map(|pod| pod.meta.key.name.as_str()))
}

/// What each gang has cost before its last pod was ready, in micro-dollars.
fn costs(app: &App) -> RatesByUid<'_> {
    let mut costs = RatesByUid::default();
    for (job, starts) in gangs::all(app) {
        let micros = app.insights.picture.gang_start_cost(&app.fleet, &starts, app.now);
        costs.extend(micros.map(|micros| (&job.meta.uid, micros)));
    }
    costs
}

/// A number for each gang: those of which pods still start have the largest, then the most dollars, then the largest skew.
fn worst_first(app: &App) -> RatesByUid<'_> {
    let mut ranks = RatesByUid::default();
    for (job, starts) in gangs::all(app) {
        let micros = app.insights.picture.gang_start_cost(&app.fleet, &starts, app.now).unwrap_or(0);
        let is_open = starts.iter().any(|start| start.open_phase().is_some());
        let skew = GangStart::of(&starts, app.now).and_then(|gang| gang.skew_seconds).unwrap_or(0);
        ranks.insert(&job.meta.uid, rank::worst_start(is_open, micros, skew));
    }
    ranks
}
