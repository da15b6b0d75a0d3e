//! The order of a listing.

use std::cmp::Ordering;

use super::rows::RowRef;
use super::{App, Column, Effect, Screen, Sort, listing, navigate, notice, status};
use crate::fleet::{Fleet, PodRow};
use crate::units::Time;

impl Screen {
    /// The columns by which a screen can be sorted, in the order in which `s` goes through them.
    pub const fn columns(self) -> &'static [Column] {
        use Column::{
            Active, Age, Attention, Capacity, Class, Count, Cpu, Duration, Expires, Failed, Gpu, InstanceType, Last,
            Memory, Name, Namespace, Node, NodePool, Object, Owner, Pods, Progress, Protection, Reason, Restarts,
            Source, Status, Until, Version, Weight, Zone,
        };
        match self {
            Self::Fleet => &[
                Attention,
                Name,
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
                Version,
            ],
            Self::Jobs => {
                &[Attention, Name, Namespace, Status, Progress, Active, Failed, Gpu, Protection, Age, Duration, Owner]
            }
            Self::Pods => {
                &[Attention, Name, Namespace, Node, Status, Owner, Restarts, Cpu, Memory, Gpu, Protection, Until, Age]
            }
            Self::Claims => &[Attention, Name, Status, InstanceType, Capacity, Zone, Node, Age, Expires, Weight],
            Self::Events => &[Last, Count, Reason, Object, Namespace, Node, Class, Source],
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
    const fn number(number: i64) -> Self {
        Self { number, text: "" }
    }

    /// Rows without the text come last.
    fn text(text: Option<&'a str>) -> Self {
        match text {
            Some(text) => Self { number: 0, text },
            None => Self { number: 1, text: "" },
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
pub fn sort(rows: &mut Vec<RowRef<'_>>, sort: Sort, fleet: &Fleet, now: Time) {
    let mut ranked: Vec<_> = rows.drain(..).map(|row| (rank(row, sort.column, fleet, now), row)).collect();
    ranked.sort_unstable_by(|a, b| compare(a, b, sort));
    rows.extend(ranked.into_iter().map(|(_, row)| row));
}

fn compare(a: &(Rank<'_>, RowRef<'_>), b: &(Rank<'_>, RowRef<'_>), sort: Sort) -> Ordering {
    let by_rank = a.0.number.cmp(&b.0.number).then_with(|| a.0.text.cmp(b.0.text));
    let by_rank = if sort.reversed { by_rank.reverse() } else { by_rank };
    let by_key = || a.1.meta().key.cmp(&b.1.meta().key).then_with(|| a.1.kind().cmp(&b.1.kind()));
    by_rank.then_with(by_key)
}

/// The rank of a row in the natural order of a column.
pub fn rank<'a>(row: RowRef<'a>, column: Column, fleet: &'a Fleet, now: Time) -> Rank<'a> {
    let meta = row.meta();
    match column {
        Column::Attention => attention(row, fleet, now),
        Column::Name => Rank::text(Some(&meta.key.name)),
        Column::Namespace => Rank::text(Some(&meta.key.namespace)),
        Column::NodePool => Rank::text(row.node_pool(fleet).map(|pool| &**pool)),
        Column::InstanceType => Rank::text(row.instance_type().map(|name| &**name)),
        Column::Capacity => Rank::text(row.capacity()),
        Column::Zone => Rank::text(row.zone().map(|zone| &**zone)),
        Column::Node => Rank::text(row.node().map(|node| &**node)),
        Column::Owner => Rank::text(row.owner().map(|owner| &**owner)),
        Column::Age => Rank::most(meta.created.micros()),
        Column::Status | Column::Phase => Rank::text(Some(status::word(row))),
        Column::Gpu => Rank::most(row.gpus()),
        Column::Protection => Rank::most(protection(row, fleet, now)),
        _ => rank_of_kind(row, column, fleet),
    }
}

fn attention<'a>(row: RowRef<'a>, fleet: &'a Fleet, now: Time) -> Rank<'a> {
    let text = match row {
        RowRef::Node(_) | RowRef::Claim(_) => row.node_pool(fleet).map_or("", |pool| pool),
        _ => "",
    };
    Rank { number: status::attention(row, now), text }
}

/// Columns that only some kinds have.
fn rank_of_kind<'a>(row: RowRef<'a>, column: Column, fleet: &'a Fleet) -> Rank<'a> {
    match row {
        RowRef::Node(node) => match column {
            Column::Pods => {
                Rank::most(fleet.pods_on(&node.meta.key.name).filter(|pod| pod.is_active()).count().cast_signed() as i64)
            }
            Column::Cpu => Rank::most(share(fleet, node, |r| r.cpu_millis)),
            Column::Memory => Rank::most(share(fleet, node, |r| r.memory_bytes)),
            Column::Version => Rank::text(Some(&node.kubelet_version)),
            _ => Rank::number(0),
        },
        RowRef::Claim(claim) => match column {
            Column::Expires => Rank::time(claim.expires_at()),
            _ => Rank::number(i64::MAX),
        },
        RowRef::Pool(pool) => match column {
            Column::Weight => Rank::most(pool.weight),
            _ => Rank::number(0),
        },
        RowRef::Pod(pod) => match column {
            Column::Restarts => Rank::most(i64::from(pod.restarts)),
            Column::Cpu => Rank::most(pod.requests.cpu_millis),
            Column::Memory => Rank::most(pod.requests.memory_bytes),
            Column::Until => Rank::time(status::protected_until(pod)),
            _ => Rank::number(0),
        },
        RowRef::Job(job) => match column {
            Column::Progress => Rank::most(job.succeeded.saturating_mul(1_000) / job.completions.unwrap_or(1).max(1)),
            Column::Active => Rank::most(job.active),
            Column::Failed => Rank::most(job.failed),
            Column::Duration => Rank::time(job.started),
            _ => Rank::number(0),
        },
        RowRef::Event(event) => match column {
            Column::Last => Rank::most(event.at.micros()),
            Column::Count => Rank::most(i64::from(event.count)),
            Column::Reason => Rank::text(Some(&event.reason)),
            Column::Object => Rank::text(Some(&event.object.key.name)),
            Column::Class => Rank::number(event.class as i64),
            Column::Source => Rank::text(Some(&event.source)),
            _ => Rank::number(0),
        },
    }
}

/// How many protected pods a row stands for; a protected Node comes before all others.
fn protection(row: RowRef<'_>, fleet: &Fleet, now: Time) -> i64 {
    let count = |pods: &mut dyn Iterator<Item = &PodRow>| {
        pods.filter(|pod| status::is_protected(pod, now)).count().cast_signed() as i64
    };
    match row {
        RowRef::Node(node) if node.do_not_disrupt.as_ref().is_some_and(|value| value == "true") => i64::MAX,
        RowRef::Node(node) => count(&mut fleet.pods_on(&node.meta.key.name)),
        RowRef::Job(job) => count(&mut fleet.pods_of_job(&job.meta.uid)),
        RowRef::Pod(pod) => i64::from(status::is_protected(pod, now)),
        _ => 0,
    }
}

/// Thousandths of a Node's allocatable amount that its pods request.
fn share(fleet: &Fleet, node: &crate::fleet::NodeRow, amount: fn(&crate::fleet::Resources) -> i64) -> i64 {
    let pods = fleet.pods_on(&node.meta.key.name).filter(|pod| pod.holds_resources());
    let requested: i128 = pods.map(|pod| i128::from(amount(&pod.requests))).sum();
    let thousandths = requested * 1_000 / i128::from(amount(&node.allocatable).max(1));
    i64::try_from(thousandths).unwrap_or(i64::MAX)
}
