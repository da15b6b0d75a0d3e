//! Few pods changed among very many: their places are mended instead of listing all anew.
//!
//! At 100,000 pods listing all takes longer than a frame; a pod that stays where it was takes a binary search.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;

use super::filter::{Asked, Filter};
use super::rows::{RowKey, RowRef};
use super::{App, Screen, Ui, sorting};
use crate::fleet::{Key, Kind, ObjectKey};
use crate::insight::insights::Dependency;

/// More changed pods than this are not looked at one by one.
const MOST_TOUCHED: usize = 2_000;

/// Whether places were mended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Patched {
    /// The rows are as if they had been listed anew.
    Done,
    /// Listing anew is less work; the rows are as they were.
    TooMuch,
}

/// Only where no pod changes the place of another one, and all rows are known.
pub fn applies(ui: &Ui) -> bool {
    let level = &ui.level;
    let knows_all = ui.listing.all.is_some() || ui.listed_filter().is_empty();
    let is_all = level.scope.is_none() && knows_all && level.view.keeps.is_none();
    let of_pods = Dependency::Kind(Kind::Pod);
    let filter = Filter::parse(ui.listed_filter(), level.table());
    let is_of_others =
        level.sort.column.dependencies.contains(&of_pods) || filter.dependencies(level.table()).contains(&of_pods);
    level.screen == Screen::Pods && is_all && !is_of_others
}

/// Mends the places of the pods that changed, in a list of those that meet a filter. All other rows are in order.
pub fn pods(app: &App, rows: &mut Vec<RowKey>, touched: &BTreeSet<ObjectKey>, filter: &Filter) -> Patched {
    if touched.len() > MOST_TOUCHED {
        return Patched::TooMuch;
    }
    let asked = Asked::new(app);
    let is_moved = |key: &&ObjectKey| match wanted(&asked, key, filter) {
        Some(row) => !is_in_place(app, rows, row, touched),
        None => true,
    };
    let moved: Vec<&ObjectKey> = touched.iter().filter(is_moved).collect();
    if !moved.is_empty() {
        take_out(rows, &moved);
        put_in(app, rows, moved.into_iter().filter_map(|key| wanted(&asked, key, filter)).collect());
    }
    Patched::Done
}

/// Takes the rows of these pods out, where they are listed.
///
/// A listed name is that of the pod in the Fleet before it changed ([`is_key_of`]), and so is that in `moved`: of a pod that
/// was made anew under the same name it is that of the one before, which went first. So the address of a name tells which
/// rows are meant, and the names of all the others, which lie all over the memory, are not read.
fn take_out(rows: &mut Vec<RowKey>, moved: &[&ObjectKey]) {
    let by_address: HashMap<usize, &ObjectKey, RandomState> =
        moved.iter().map(|key| (key.name.address(), *key)).collect();
    let is_moved = |key: &ObjectKey| by_address.get(&key.name.address()).is_some_and(|moved| *moved == key);
    rows.retain(|row| row.object().is_none_or(|key| !is_moved(&key.object)));
}

/// So many rows are put in one by one, each of which moves the rows behind it.
const ONE_BY_ONE: usize = 16;

/// Puts rows that are not listed into their places.
fn put_in(app: &App, rows: &mut Vec<RowKey>, fresh: Vec<RowRef<'_>>) {
    if fresh.len() > ONE_BY_ONE {
        merge(app, rows, fresh);
        return;
    }
    for row in fresh {
        rows.insert(place(app, rows, row), row.key().into());
    }
}

/// The pod, where it is to be listed.
fn wanted<'a>(asked: &Asked<'a>, key: &ObjectKey, filter: &Filter) -> Option<RowRef<'a>> {
    let app = asked.app();
    let row = app.fleet.pods.get(key).filter(|pod| app.scope.has_pod(pod)).map(RowRef::Pod)?;
    filter.matches(row, asked).then_some(row)
}

/// Whether a pod is listed between two rows that did not change and between which it belongs.
fn is_in_place(app: &App, rows: &[RowKey], row: RowRef<'_>, touched: &BTreeSet<ObjectKey>) -> bool {
    let at = place(app, rows, row);
    if !rows.get(at).and_then(RowKey::object).is_some_and(|found| is_key_of(&found.object, row)) {
        return false;
    }
    let stands = |neighbour: Option<&RowKey>, wanted: Ordering| {
        let neighbour = neighbour.and_then(RowKey::object);
        neighbour.is_none_or(|other| !touched.contains(&other.object) && order(app, other, row) == Some(wanted))
    };
    stands(at.checked_sub(1).and_then(|before| rows.get(before)), Ordering::Less)
        && stands(rows.get(at + 1), Ordering::Greater)
}

/// Whether a listed key is that of the row in the Fleet, the text of its name included: of a pod that was made anew under
/// the same name it is not, and would not be found again by its address.
fn is_key_of(listed: &ObjectKey, row: RowRef<'_>) -> bool {
    let key = &row.meta().key;
    listed == key && listed.name.address() == key.name.address()
}

/// The index before which a row belongs. Rows that changed may mislead the search; its finding is checked.
fn place(app: &App, rows: &[RowKey], row: RowRef<'_>) -> usize {
    rows.partition_point(|other| other.object().and_then(|key| order(app, key, row)) == Some(Ordering::Less))
}

/// How a listed row stands to another; `None` for one that is gone.
fn order(app: &App, listed: &Key, row: RowRef<'_>) -> Option<Ordering> {
    let listed = RowRef::find(app, listed)?;
    Some(sorting::order(listed, row, app.ui.level.sort, app))
}

/// Puts rows that are not listed into their places, all in one pass over those that are.
fn merge(app: &App, rows: &mut Vec<RowKey>, mut fresh: Vec<RowRef<'_>>) {
    sorting::sort(&mut fresh, app.ui.level.sort, app);
    let places: Vec<usize> = fresh.iter().map(|row| place(app, rows, *row)).collect();
    let mut merged = Vec::with_capacity(rows.len() + fresh.len());
    let mut listed = std::mem::take(rows).into_iter();
    for (at, (row, place)) in fresh.into_iter().zip(places).enumerate() {
        merged.extend(listed.by_ref().take(place + at - merged.len()));
        merged.push(row.key().into());
    }
    merged.extend(listed);
    *rows = merged;
}
