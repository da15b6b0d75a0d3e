//! The rows of Cost, and what lies beneath them.

use std::cmp::Ordering;
use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::filter::Filter;
use super::payers::PayerRow;
use super::rows::RowKey;
use super::screens::{self, Order};
use super::{App, Column, Level, Scope, Screen, Sort};
use crate::fleet::{Kind, ObjectKey};
use crate::insight::cost::{CostGroup, CostKey, GroupBy};

/// Everybody who pays or has paid in the dimension of the shown level, filtered and in order, and how many there were
/// before the filter.
pub fn build(app: &App) -> (Vec<RowKey>, usize) {
    let level = &app.ui.level;
    let all = everybody(app, level.dimension());
    let unfiltered = all.len();
    let filter = Filter::parse(&level.filter, level.table());
    let mut rows: Vec<PayerRow> = all
        .into_iter()
        .map(|who| PayerRow::new(app, (level.dimension(), who)))
        .filter(|row| filter.is_empty() || filter.meets_payer(&row.payer, row.unpriced))
        .collect();
    rows.sort_unstable_by(|a, b| compare(a, b, level.sort));
    (rows.into_iter().map(|row| RowKey::CostKey(Box::new(row.payer))).collect(), unfiltered)
}

fn everybody(app: &App, dimension: GroupBy) -> HashSet<CostGroup, RandomState> {
    let Some(rates) = app.insights.rates() else { return HashSet::default() };
    let of_dimension = |payer: &&CostKey| payer.0 == dimension;
    let paying = rates.by_group().map(|(payer, _)| payer).chain(rates.by_machines().map(|(payer, _)| payer));
    let now = paying.filter(of_dimension).map(|payer| &payer.1);
    let before = app.insights.ledger.payers(dimension).map(|(who, _)| who);
    now.chain(before).chain(app.ui.listing.costs.unpriced_pods.keys()).cloned().collect()
}

/// How two payers stand to one another in an order; names decide between equals.
fn compare(a: &PayerRow, b: &PayerRow, sort: Sort) -> Ordering {
    let by_rank = match sort.column.order {
        Order::CostGroups(rank) => rank(a).cmp(&rank(b)),
        _ => Ordering::Equal,
    };
    sort.directed(by_rank).then_with(|| a.payer.cmp(&b.payer))
}

/// What a payer pays for.
pub fn beneath(app: &App, payer: &CostKey) -> Option<Level> {
    let (screen, scope) = match payer {
        (_, CostGroup::Former) => return None,
        (GroupBy::NodePool, CostGroup::Named(pool)) => (Screen::Fleet, Scope::NodePool(pool.clone())),
        (GroupBy::Node, CostGroup::Named(name)) if app.fleet.node(name).is_some() => {
            (Screen::Pods, Scope::Node(name.clone()))
        }
        (GroupBy::Node, CostGroup::Named(name)) => {
            (Screen::Events, Scope::about(Kind::NodeClaim, &ObjectKey::cluster(name)))
        }
        (GroupBy::Job, CostGroup::Job(key)) => (Screen::Pods, Scope::Job(key.clone())),
        // What no pod requests is there on every machine, on some more than on others.
        (dimension, CostGroup::Nobody) if dimension.is_of_pods() => {
            return Some(by_dollars(Screen::Fleet, &screens::fleet::UNREQUESTED, payer));
        }
        // Most of what a namespace pays is for its Jobs, where it has any.
        (GroupBy::Namespace, CostGroup::Named(name))
            if app.fleet.jobs.iter().any(|job| job.meta.key.namespace == *name) =>
        {
            return Some(by_dollars(Screen::Jobs, &screens::jobs::COST, payer));
        }
        (dimension, _) if dimension.is_of_pods() => {
            return Some(by_dollars(Screen::Pods, &screens::pods::COST, payer));
        }
        _ => (Screen::Fleet, Scope::CostKey(payer.clone())),
    };
    Some(Level::of(screen, Some(scope)))
}

/// What a payer pays for, ordered by a column of dollars.
fn by_dollars(screen: Screen, column: &'static Column, payer: &CostKey) -> Level {
    let sort = Sort { column, reversed: false };
    Level { sort, ..Level::of(screen, Some(Scope::CostKey(payer.clone()))) }
}
