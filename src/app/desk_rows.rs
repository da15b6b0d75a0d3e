//! The rows of the front desk.

use std::cmp::Ordering;

use super::field::Field;
use super::filter::Filter;
use super::rank::Rank;
use super::rows::RowKey;
use super::screens::{Order, Urgency};
use super::{App, Listed, Sort, desk};
use crate::insight::picture::Matter;

/// A matter with its place among all.
type Placed<'a> = (usize, &'a Matter);

/// Everything that meets the filter of the shown level.
pub fn build(app: &App, urgency: Urgency) -> Listed {
    let level = &app.ui.level;
    let filter = Filter::parse(&level.filter, level.table());
    let is_listed = |matter: &&Matter| urgency == Urgency::Any || matter.needs_somebody();
    let all: Vec<&Matter> = app.ui.desk.matters().unwrap_or_default().iter().filter(is_listed).collect();
    let kept = all.iter().copied().enumerate().filter(|(_, matter)| filter.is_empty() || meets(&filter, matter));
    let mut ranked: Vec<(Rank<'_>, Placed<'_>)> = kept.map(|one| (rank(one, level.sort), one)).collect();
    ranked.sort_unstable_by(|a, b| compare(a, b, level.sort));
    let rate = desk::sum(ranked.iter().map(|(_, (_, matter))| *matter));
    let rows = ranked.into_iter().map(|(_, (_, matter))| RowKey::Matter(Box::new(matter.key.clone()))).collect();
    Listed { rows, unfiltered: all.len(), rate }
}

fn meets(filter: &Filter, matter: &Matter) -> bool {
    let (message, hint) = (matter.message.machine_text(), matter.hint.machine_text());
    let object = matter.key.object.to_string();
    filter.meets_texts(&[
        (Field::Name, &object),
        (Field::Namespace, &matter.key.object.namespace),
        (Field::Kind, &matter.key.kind),
        (Field::Reason, matter.key.concern.name()),
        (Field::Reason, matter.key.rule),
        (Field::Message, &message),
        (Field::Message, &hint),
    ])
}

fn rank((place, matter): Placed<'_>, sort: Sort) -> Rank<'_> {
    match sort.column.order {
        Order::Matters(rank) => rank(place, matter),
        _ => Rank::LAST,
    }
}

/// How two matters stand to one another in an order; their places among all decide between equals.
fn compare(a: &(Rank<'_>, Placed<'_>), b: &(Rank<'_>, Placed<'_>), sort: Sort) -> Ordering {
    a.0.compare(b.0, sort).then_with(|| a.1.0.cmp(&b.1.0))
}
