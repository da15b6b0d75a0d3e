//! Definition of the front desk: what needs somebody now.

use super::column::{Column, Order, columns};
use super::table::{Rows, TableSpec, Urgency, UseOfRows};
use super::view::View;
use crate::app::field::Field;
use crate::app::rank::Rank;
use crate::insight::picture::Matter;

/// What needs somebody now.
pub static DESK: TableSpec = table("front desk", Urgency::Now);

/// The same, and what is only good to know.
pub static FINDINGS: TableSpec = table("all findings", Urgency::Any);

const fn table(name: &'static str, urgency: Urgency) -> TableSpec {
    TableSpec {
        name,
        noun: "matters",
        rows: Rows::Matters(urgency),
        joined_kinds: &[],
        columns: COLUMNS,
        rate: None,
        fields: &[Field::Name, Field::Namespace, Field::Kind, Field::Reason, Field::Message],
        use_of_rows: UseOfRows::Protect,
    }
}

/// The view that lists what needs somebody now.
pub(super) const VIEW: View =
    View::of_table("front desk", "what needs somebody now: by deadline, then by dollars", &DESK);

/// The view that lists everything.
pub(super) const VIEW_OF_ALL: View =
    View::of_table("all findings", "the front desk, and findings that are only good to know", &FINDINGS);

columns! {
    ATTENTION = Column::order_only(
        "attention",
        Order::Matters(|place, _| Rank::number(i64::try_from(place).unwrap_or(i64::MAX))),
        "deadline, then dollars per hour",
    );
    MARK = Column::left("mark", "", 1, (1, 1, 1), "✗ what loses work, △ what costs or misleads, ◌ what waits, · good to know");
    WHEN = Column::right("when", "WHEN", 1, (6, 9, 12), "when it is too late, else since when it has been so")
        .ordered(Order::Matters(|_, matter| when(matter)));
    COST = Column::right("cost", "$/H", 2, (5, 7, 12), "dollars per hour that are paid for nothing")
        .ordered(Order::Matters(|_, matter| Rank::most_of(matter.rate)));
    WHAT = Column::left("what", "WHAT", 0, (16, 24, 48), "the object that it is about: enter opens it, p and u protect and unprotect")
        .ordered(Order::Matters(|_, matter| Rank::text(Some(&matter.key.object.name))));
    WHY = Column::left("why", "WHY", 1, (20, 44, 90), "what is the matter")
        .ordered(Order::Matters(|_, matter| Rank::text(Some(matter.key.concern.name()))));
    TODO = Column::left("do", "WHAT TO DO", 5, (20, 40, 90), "what the user can do about it");
}

/// Deadlines first, the soonest in front; then what has been so for longest.
fn when(matter: &Matter) -> Rank<'_> {
    match (matter.deadline, matter.since) {
        (Some(at), _) => Rank::number(at.micros() / 2 - i64::MAX / 2),
        (None, since) => Rank::time(since),
    }
}
