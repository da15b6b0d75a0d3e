//! The order of a listing.

use std::cmp::Ordering;

use super::payers::RatesByUid;
use super::rank::Rank;
use super::rows::RowRef;
use super::screens::Order;
use super::{App, Column, Sort};

/// Puts rows in order; names decide between equals.
pub fn sort(rows: &mut Vec<RowRef<'_>>, sort: Sort, app: &App) {
    let rates = match sort.column.order {
        Order::Rates(rates) => Some(rates(app)),
        _ => None,
    };
    let mut ranked: Vec<_> = rows.drain(..).map(|row| (rank(row, sort.column, rates.as_ref(), app), row)).collect();
    ranked.sort_unstable_by(|a, b| compare(a, b, sort));
    rows.extend(ranked.into_iter().map(|(_, row)| row));
}

/// How two rows stand to one another, in an order in which each row has a rank of its own.
pub fn order(a: RowRef<'_>, b: RowRef<'_>, sort: Sort, app: &App) -> Ordering {
    let rank = |row| rank(row, sort.column, None, app);
    compare(&(rank(a), a), &(rank(b), b), sort)
}

/// The rank of a row in the natural order of a column. Whoever pays nothing, or not as much as is known, comes last.
fn rank<'a>(row: RowRef<'a>, column: &Column, rates: Option<&RatesByUid<'_>>, app: &'a App) -> Rank<'a> {
    match (column.order, rates) {
        (Order::Rank(rank), _) => rank(row, app),
        (Order::Rates(_), Some(rates)) => Rank::most_of(rates.get(&row.meta().uid).copied()),
        _ => Rank::LAST,
    }
}

fn compare(a: &(Rank<'_>, RowRef<'_>), b: &(Rank<'_>, RowRef<'_>), sort: Sort) -> Ordering {
    let by_key = || a.1.meta().key.cmp(&b.1.meta().key).then_with(|| a.1.kind().cmp(&b.1.kind()));
    a.0.compare(b.0, sort).then_with(by_key)
}
