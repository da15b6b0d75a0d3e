//! What rows are compared by.

use std::cmp::Ordering;

use super::rows::RowRef;
use super::{App, Sort, status};
use crate::fleet::PodRow;
use crate::units::Time;

/// What a row is compared by, computed once per row: a number, then a text; names decide between equals.
#[derive(Clone, Copy)]
pub struct Rank<'a> {
    /// Compared first; the smallest comes first.
    pub number: i64,
    /// Compared where numbers are equal.
    pub text: &'a str,
}

impl<'a> Rank<'a> {
    /// Of rows that have nothing in the column: they stay last when the order is reversed.
    pub const LAST: Self = Self::number(i64::MAX);

    /// Whether it is [`Rank::LAST`].
    pub const fn is_absent(self) -> bool {
        self.number == i64::MAX
    }

    /// Rank by which the smallest number comes first.
    pub const fn number(number: i64) -> Self {
        Self { number, text: "" }
    }

    /// Rank by the alphabet; rows without the text come last.
    pub fn text(text: Option<&'a str>) -> Self {
        match text {
            Some(text) => Self { number: 0, text },
            None => Self::LAST,
        }
    }

    /// Rank by which the largest number comes first.
    pub const fn most(number: i64) -> Self {
        Self::number(number.saturating_neg())
    }

    /// The same of what is counted.
    pub fn most_counted(count: u64) -> Self {
        Self::most(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// How two ranks stand to one another in an order; what has nothing in the column stays last when it is reversed.
    pub fn compare(self, other: Self, sort: Sort) -> Ordering {
        let by_rank = self.number.cmp(&other.number).then_with(|| self.text.cmp(other.text));
        self.is_absent().cmp(&other.is_absent()).then(sort.directed(by_rank))
    }

    /// Rank by which the largest number comes first; rows without a number come last.
    pub fn most_of(number: Option<i64>) -> Self {
        number.map_or(Self::LAST, Self::most)
    }

    /// Rank by which the earliest time comes first; rows without a time come last.
    pub fn time(time: Option<Time>) -> Self {
        Self::number(time.map_or(i64::MAX, Time::micros))
    }
}

/// What needs a look first; machines then NodePool by NodePool.
pub fn attention<'a>(row: RowRef<'a>, app: &'a App) -> Rank<'a> {
    let text = match row {
        RowRef::Node(_) | RowRef::Claim(_) => row.node_pool(&app.fleet).map_or("", |pool| pool),
        _ => "",
    };
    Rank { number: status::attention(row, app), text }
}

/// Rank by the name of the object.
pub fn name<'a>(row: RowRef<'a>, _: &'a App) -> Rank<'a> {
    Rank::text(Some(&row.meta().key.name))
}

/// Rank by the namespace of the object.
pub fn namespace<'a>(row: RowRef<'a>, _: &'a App) -> Rank<'a> {
    Rank::text(Some(&row.meta().key.namespace))
}

/// Rank by the NodePool: that of a pod is its Node's.
pub fn node_pool<'a>(row: RowRef<'a>, app: &'a App) -> Rank<'a> {
    Rank::text(row.node_pool(&app.fleet).map(|pool| &**pool))
}

/// Rank by the instance type of a machine.
pub fn instance_type<'a>(row: RowRef<'a>, _: &'a App) -> Rank<'a> {
    Rank::text(row.instance_type().map(|name| &**name))
}

/// Rank by the capacity type of a machine, in words.
pub fn capacity<'a>(row: RowRef<'a>, _: &'a App) -> Rank<'a> {
    Rank::text(row.capacity())
}

/// Rank by the zone of a machine.
pub fn zone<'a>(row: RowRef<'a>, _: &'a App) -> Rank<'a> {
    Rank::text(row.zone().map(|zone| &**zone))
}

/// Rank by the Node that a row is, is on, or speaks of.
pub fn node<'a>(row: RowRef<'a>, _: &'a App) -> Rank<'a> {
    Rank::text(row.node().map(|node| &**node))
}

/// Rank by the name of the controlling owner.
pub fn owner<'a>(row: RowRef<'a>, _: &'a App) -> Rank<'a> {
    Rank::text(row.owner().map(|owner| &**owner))
}

/// Rank by which the youngest object comes first.
pub fn age<'a>(row: RowRef<'a>, _: &'a App) -> Rank<'a> {
    Rank::most(row.meta().created.micros())
}

/// Rank by the word for the state of a row.
pub fn status<'a>(row: RowRef<'a>, app: &'a App) -> Rank<'a> {
    Rank::text(Some(status::word(row, app)))
}

/// Rank by which the most accelerators come first.
pub fn gpus<'a>(row: RowRef<'a>, app: &'a App) -> Rank<'a> {
    Rank::most(row.gpus(app).0)
}

/// By protected pods, the most first; a protected Node comes before all others.
pub fn protection<'a>(row: RowRef<'a>, app: &'a App) -> Rank<'a> {
    let count = |pods: &mut dyn Iterator<Item = &PodRow>| {
        i64::try_from(pods.filter(|pod| status::is_protected(pod, app)).count()).unwrap_or(i64::MAX)
    };
    Rank::most(match row {
        RowRef::Node(node) if status::is_protected_node(node) => i64::MAX,
        RowRef::Node(node) => count(&mut app.fleet.pods_on(&node.meta.key.name)),
        RowRef::Job(job) => count(&mut app.fleet.pods_of_job(&job.meta.uid)),
        RowRef::Pod(pod) => i64::from(status::is_protected(pod, app)),
        _ => 0,
    })
}

/// Thousandths that `part` is of `whole`.
pub fn thousandths(part: i64, whole: i64) -> i64 {
    let thousandths = i128::from(part) * 1_000 / i128::from(whole.max(1));
    i64::try_from(thousandths).unwrap_or(i64::MAX)
}

/// One number by which the ones that go on come first, then the most micro-dollars, then the most seconds.
pub fn worst_start(is_open: bool, micro_usd: i64, seconds: i64) -> i64 {
    let seconds = seconds.clamp(0, (1 << SECONDS_BITS) - 1);
    let micro_usd = micro_usd.clamp(0, (1 << DOLLARS_BITS) - 1);
    (i64::from(is_open) << (SECONDS_BITS + DOLLARS_BITS)) | (micro_usd << SECONDS_BITS) | seconds
}

/// Two weeks and more: whoever waits longer waits as long.
const SECONDS_BITS: u32 = 21;

/// A million dollars and more, in micro-dollars.
const DOLLARS_BITS: u32 = 40;
