//! The order of a listing.

use std::cmp::Ordering;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::rows::RowRef;
use super::{App, Column, Effect, Screen, Sort, listing, navigate, notice, status};
use crate::fleet::{EventRow, JobRow, NodeClaimRow, NodePoolRow, NodeRow, PodRow, Uid};
use crate::insight::cost::{Dimension, Who};
use crate::insight::disruption::protection;
use crate::insight::insights::VerdictSummary;
use crate::units::Time;

impl Screen {
    /// The columns by which a screen can be sorted, in the order in which `s` goes through them.
    pub const fn columns(self) -> &'static [Column] {
        use Column::{
            Active, Age, Attention, Capacity, Class, Cost, Count, Cpu, Duration, Expires, Failed, Gpu, Held,
            InstanceType, Last, Memory, Name, Namespace, Node, NodePool, Nodes, Object, Owner, Paid, Pods, Progress,
            Protection, Reason, Restarts, Source, Status, Unrequested, Until, Verdict, Version, Weight, Zone,
        };
        match self {
            Self::Fleet => &[
                Attention,
                Name,
                Verdict,
                Until,
                Cost,
                NodePool,
                InstanceType,
                Capacity,
                Zone,
                Age,
                Status,
                Pods,
                Cpu,
                Memory,
                Gpu,
                Protection,
                Unrequested,
                Version,
            ],
            Self::Jobs => &[
                Attention, Name, Namespace, Status, Progress, Active, Failed, Gpu, Cost, Paid, Protection, Age,
                Duration, Owner,
            ],
            Self::Pods => &[
                Attention, Name, Namespace, Node, Status, Owner, Restarts, Cpu, Memory, Gpu, Cost, Protection, Until,
                Age,
            ],
            Self::Claims => &[Attention, Name, Status, Cost, InstanceType, Capacity, Zone, Node, Age, Expires, Weight],
            Self::Events => &[Last, Count, Reason, Object, Namespace, Node, Class, Source],
            Self::Cost => &[Attention, Name, Cost, Paid, Nodes, Held, Unrequested],
        }
    }

    /// The order in which a screen is first shown: what needs a look first.
    pub const fn first_sort(self) -> Sort {
        let column = match self {
            Self::Events => Column::Last,
            _ => Column::Attention,
        };
        Sort { column, reversed: false }
    }
}

/// Sorts by the column after or before the present one.
pub fn by_neighbour(app: &mut App, by: isize) -> Vec<Effect> {
    let level = &app.ui.level;
    let column = navigate::neighbour_in(level.screen.columns(), level.sort.column, by);
    by_column(app, column)
}

/// Sorts by a column in its natural order.
pub fn by_column(app: &mut App, column: Column) -> Vec<Effect> {
    app.ui.level.sort = Sort { column, reversed: false };
    listing::refresh(app);
    notice::info(app, format!("sorted by {}", column.name()))
}

/// Reverses the order.
pub fn reverse(app: &mut App) -> Vec<Effect> {
    let sort = &mut app.ui.level.sort;
    sort.reversed = !sort.reversed;
    listing::refresh(app);
    Vec::new()
}

/// What a row is compared by, computed once per row: a number, then a text; names decide between equals.
#[derive(Clone, Copy)]
pub struct Rank<'a> {
    number: i64,
    text: &'a str,
}

impl<'a> Rank<'a> {
    /// Of rows that have nothing in the column: they stay last when the order is reversed.
    const LAST: Self = Self::number(i64::MAX);

    const fn is_absent(self) -> bool {
        self.number == i64::MAX
    }

    const fn number(number: i64) -> Self {
        Self { number, text: "" }
    }

    /// Rows without the text come last.
    fn text(text: Option<&'a str>) -> Self {
        match text {
            Some(text) => Self { number: 0, text },
            None => Self::LAST,
        }
    }

    /// The largest first.
    const fn most(number: i64) -> Self {
        Self::number(number.saturating_neg())
    }

    /// The earliest first; rows without a time come last.
    fn time(time: Option<Time>) -> Self {
        Self::number(time.map_or(i64::MAX, Time::micros))
    }
}

/// Sorts rows.
pub fn sort(rows: &mut Vec<RowRef<'_>>, sort: Sort, app: &App) {
    let shares = Shares::of(app, sort.column);
    let ranked = |row| (shares.rank(row).unwrap_or_else(|| rank(row, sort.column, app)), row);
    let mut ranked: Vec<_> = rows.drain(..).map(ranked).collect();
    ranked.sort_unstable_by(|a, b| compare(a, b, sort));
    rows.extend(ranked.into_iter().map(|(_, row)| row));
}

/// What pods or Jobs pay. A Node is shared between all of its pods at once, so that this is done once for an order and not
/// once for a row.
struct Shares<'a>(Option<HashMap<&'a Uid, i64, RandomState>>);

impl<'a> Shares<'a> {
    fn of(app: &'a App, column: Column) -> Self {
        match (column, app.ui.level.screen) {
            (Column::Cost, Screen::Pods) => Self(Some(shares(app, |pod| Some(&pod.meta.uid)))),
            (Column::Cost, Screen::Jobs) => Self(Some(shares(app, |pod| Some(&pod.job_owner()?.uid)))),
            _ => Self(None),
        }
    }

    /// Who pays nothing, or not as much as is known, comes last.
    fn rank<'b>(&self, row: RowRef<'_>) -> Option<Rank<'b>> {
        let rate = self.0.as_ref()?.get(&row.meta().uid);
        Some(rate.map_or(Rank::LAST, |rate| Rank::most(*rate)))
    }
}

/// The rates of all pods, summed by the object that they are asked for.
fn shares<'a>(app: &'a App, of: impl Fn(&'a PodRow) -> Option<&'a Uid>) -> HashMap<&'a Uid, i64, RandomState> {
    let mut sums: HashMap<&Uid, i64, RandomState> = HashMap::default();
    for node in app.fleet.nodes.iter() {
        for (pod, rate) in app.insights.picture.rates_on(&app.fleet, node) {
            if let Some(uid) = of(pod) {
                *sums.entry(uid).or_default() += rate;
            }
        }
    }
    sums
}

/// How two rows stand to one another.
pub fn order(a: RowRef<'_>, b: RowRef<'_>, sort: Sort, app: &App) -> Ordering {
    compare(&(rank(a, sort.column, app), a), &(rank(b, sort.column, app), b), sort)
}

fn compare(a: &(Rank<'_>, RowRef<'_>), b: &(Rank<'_>, RowRef<'_>), sort: Sort) -> Ordering {
    let by_absence = a.0.is_absent().cmp(&b.0.is_absent());
    let by_rank = a.0.number.cmp(&b.0.number).then_with(|| a.0.text.cmp(b.0.text));
    let by_rank = by_absence.then(if sort.reversed { by_rank.reverse() } else { by_rank });
    let by_key = || a.1.meta().key.cmp(&b.1.meta().key).then_with(|| a.1.kind().cmp(&b.1.kind()));
    by_rank.then_with(by_key)
}

/// The rank of a row in the natural order of a column.
pub fn rank<'a>(row: RowRef<'a>, column: Column, app: &'a App) -> Rank<'a> {
    let meta = row.meta();
    match column {
        Column::Attention => attention(row, app),
        Column::Name => Rank::text(Some(&meta.key.name)),
        Column::Namespace => Rank::text(Some(&meta.key.namespace)),
        Column::NodePool => Rank::text(row.node_pool(&app.fleet).map(|pool| &**pool)),
        Column::InstanceType => Rank::text(row.instance_type().map(|name| &**name)),
        Column::Capacity => Rank::text(row.capacity()),
        Column::Zone => Rank::text(row.zone().map(|zone| &**zone)),
        Column::Node => Rank::text(row.node().map(|node| &**node)),
        Column::Owner => Rank::text(row.owner().map(|owner| &**owner)),
        Column::Age => Rank::most(meta.created.micros()),
        Column::Status | Column::Phase => Rank::text(Some(status::word(row, app))),
        Column::Gpu => Rank::most(row.gpus()),
        Column::Protection => Rank::most(protected(row, app)),
        Column::Cost => machine_rate(row, app).map_or(Rank::LAST, Rank::most),
        _ => rank_of_kind(row, column, app),
    }
}

fn attention<'a>(row: RowRef<'a>, app: &'a App) -> Rank<'a> {
    let text = match row {
        RowRef::Node(_) | RowRef::Claim(_) => row.node_pool(&app.fleet).map_or("", |pool| pool),
        _ => "",
    };
    Rank { number: status::attention(row, app), text }
}

/// What a machine, or the machines of a NodePool, cost in micro-dollars per hour, as far as that is known.
fn machine_rate(row: RowRef<'_>, app: &App) -> Option<i64> {
    let of_node = |node: &NodeRow| app.insights.picture.node(&node.meta.key.name)?.cost.rate();
    match row {
        RowRef::Node(node) => of_node(node),
        RowRef::Claim(claim) => match app.fleet.node_of(claim) {
            Some(node) => of_node(node),
            None => app.insights.picture.claim(claim)?.cost?.rate(),
        },
        RowRef::Pool(pool) => {
            let payer = (Dimension::NodePool, Who::Named(pool.meta.key.name.clone()));
            app.insights.rates()?.rate_of(&payer)
        }
        RowRef::Pod(_) | RowRef::Job(_) | RowRef::Event(_) => None,
    }
}

/// Columns that only some kinds have.
fn rank_of_kind<'a>(row: RowRef<'a>, column: Column, app: &'a App) -> Rank<'a> {
    match row {
        RowRef::Node(node) => rank_of_node(node, column, app),
        RowRef::Claim(claim) => rank_of_claim(claim, column),
        RowRef::Pool(pool) => rank_of_pool(pool, column),
        RowRef::Pod(pod) => rank_of_pod(pod, column, app),
        RowRef::Job(job) => rank_of_job(job, column, app),
        RowRef::Event(event) => rank_of_event(event, column),
    }
}

/// By standing, then by the object that holds it.
fn verdict_rank(judged: &VerdictSummary) -> Rank<'_> {
    Rank { number: judged.standing as i64, text: judged.by.as_deref().unwrap_or_default() }
}

fn rank_of_node<'a>(node: &'a NodeRow, column: Column, app: &'a App) -> Rank<'a> {
    let judged = app.insights.verdicts.of(node);
    match column {
        Column::Verdict => return judged.map_or(Rank::LAST, verdict_rank),
        Column::Until => return Rank::time(judged.and_then(|judged| judged.ends_at)),
        _ => {}
    }
    let Some(picture) = app.insights.picture.node(&node.meta.key.name) else { return Rank::LAST };
    match column {
        Column::Pods => Rank::most(i64::try_from(picture.pod_count).unwrap_or(i64::MAX)),
        Column::Cpu => Rank::most(thousandths(picture.cpu_requested_millis, node.allocatable.cpu_millis)),
        Column::Memory => Rank::most(thousandths(picture.memory_requested_bytes, node.allocatable.memory_bytes)),
        Column::Version => Rank::text(Some(&node.kubelet_version)),
        Column::Unrequested if picture.cost.rate().is_some() => Rank::most(picture.spend.unrequested),
        _ => Rank::LAST,
    }
}

fn rank_of_claim(claim: &NodeClaimRow, column: Column) -> Rank<'_> {
    match column {
        Column::Expires => Rank::time(claim.expires_at()),
        _ => Rank::LAST,
    }
}

fn rank_of_pool(pool: &NodePoolRow, column: Column) -> Rank<'_> {
    match column {
        Column::Weight => Rank::most(pool.weight),
        _ => Rank::LAST,
    }
}

fn rank_of_pod<'a>(pod: &'a PodRow, column: Column, app: &App) -> Rank<'a> {
    match column {
        Column::Restarts => Rank::most(i64::from(pod.restarts)),
        Column::Cpu => Rank::most(pod.requests.cpu_millis),
        Column::Memory => Rank::most(pod.requests.memory_bytes),
        Column::Until => Rank::time(protection::of_pod(pod, app.now, &app.insights.karpenter).until),
        _ => Rank::LAST,
    }
}

fn rank_of_job<'a>(job: &'a JobRow, column: Column, app: &App) -> Rank<'a> {
    match column {
        Column::Progress => Rank::most(thousandths(job.succeeded, job.completions.unwrap_or(0))),
        Column::Active => Rank::most(job.active),
        Column::Failed => Rank::most(job.failed),
        Column::Duration => Rank::most(job_seconds(job, app)),
        Column::Paid => {
            let payer = (Dimension::Job, Who::Job(job.meta.key.clone()));
            Rank::most(app.insights.ledger.paid_by(&payer).micro_usd())
        }
        _ => Rank::LAST,
    }
}

/// How long a Job ran or has been running.
fn job_seconds(job: &JobRow, app: &App) -> i64 {
    let finished = app.insights.picture.job(job).and_then(|job| job.state.finished);
    job.started.map_or(-1, |started| finished.unwrap_or(app.now).seconds_since(started))
}

fn rank_of_event(event: &EventRow, column: Column) -> Rank<'_> {
    match column {
        Column::Last => Rank::most(event.at.micros()),
        Column::Count => Rank::most(i64::from(event.count)),
        Column::Reason => Rank::text(Some(&event.reason)),
        Column::Object => Rank::text(Some(&event.object.key.name)),
        Column::Class => Rank::number(event.class as i64),
        Column::Source => Rank::text(Some(&event.source)),
        _ => Rank::LAST,
    }
}

/// How many protected pods a row stands for; a protected Node comes before all others.
fn protected(row: RowRef<'_>, app: &App) -> i64 {
    let count = |pods: &mut dyn Iterator<Item = &PodRow>| {
        i64::try_from(pods.filter(|pod| status::is_protected(pod, app)).count()).unwrap_or(i64::MAX)
    };
    match row {
        RowRef::Node(node) if status::is_protected_node(node) => i64::MAX,
        RowRef::Node(node) => count(&mut app.fleet.pods_on(&node.meta.key.name)),
        RowRef::Job(job) => count(&mut app.fleet.pods_of_job(&job.meta.uid)),
        RowRef::Pod(pod) => i64::from(status::is_protected(pod, app)),
        _ => 0,
    }
}

/// Thousandths that `part` is of `whole`.
fn thousandths(part: i64, whole: i64) -> i64 {
    let thousandths = i128::from(part) * 1_000 / i128::from(whole.max(1));
    i64::try_from(thousandths).unwrap_or(i64::MAX)
}
