//! Few pods changed among very many: their places are mended instead of listing all anew.
//!
//! At 100,000 pods listing all takes longer than a frame; a pod that stays where it was takes a binary search.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};

use foldhash::fast::RandomState;

use super::rows::RowRef;
use super::{App, Level, Screen, sorting};
use crate::fleet::{Key, Kind, ObjectKey};

/// More changed pods than this are not looked at one by one.
const MOST_TOUCHED: usize = 2_000;

/// More pods than this are not moved one by one: each shifts all rows behind it.
const MOST_MOVED: usize = 64;

/// Whether places were mended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Patched {
    /// The rows are as if they had been listed anew.
    Done,
    /// Listing anew is less work; the rows are as they were.
    TooMuch,
}

/// Only where a pod's place depends on nothing but the pod, and rows are all there are.
pub fn applies(level: &Level) -> bool {
    level.screen == Screen::Pods && level.scope.is_none() && level.filter.is_empty()
}

/// Mends the places of the pods that changed. All other rows are in order.
pub fn pods(app: &App, rows: &mut Vec<Key>, touched: &BTreeSet<ObjectKey>) -> Patched {
    if touched.len() > MOST_TOUCHED {
        return Patched::TooMuch;
    }
    let moved: HashSet<&ObjectKey, RandomState> =
        touched.iter().filter(|key| !is_in_place(app, rows, key, touched)).collect();
    if moved.len() > MOST_MOVED {
        return Patched::TooMuch;
    }
    if !moved.is_empty() {
        rows.retain(|row| !moved.contains(&row.object));
        moved.into_iter().for_each(|key| insert(app, rows, key));
    }
    Patched::Done
}

/// The pod, where it is to be listed.
fn wanted<'a>(app: &'a App, key: &ObjectKey) -> Option<RowRef<'a>> {
    app.fleet.pods.get(key).filter(|pod| app.scope.has_pod(pod)).map(RowRef::Pod)
}

/// Whether a pod is listed between two rows that did not change and between which it belongs.
fn is_in_place(app: &App, rows: &[Key], key: &ObjectKey, touched: &BTreeSet<ObjectKey>) -> bool {
    let Some(row) = wanted(app, key) else { return false };
    let at = place(app, rows, row);
    if rows.get(at).is_none_or(|found| found.object != *key) {
        return false;
    }
    let stands = |neighbour: Option<&Key>, wanted: Ordering| {
        neighbour.is_none_or(|other| !touched.contains(&other.object) && order(app, other, row) == Some(wanted))
    };
    stands(at.checked_sub(1).and_then(|before| rows.get(before)), Ordering::Less)
        && stands(rows.get(at + 1), Ordering::Greater)
}

/// The index before which a row belongs. Rows that changed may mislead the search; its finding is checked.
fn place(app: &App, rows: &[Key], row: RowRef<'_>) -> usize {
    rows.partition_point(|other| order(app, other, row) == Some(Ordering::Less))
}

/// How a listed row stands to another; `None` for one that is gone.
fn order(app: &App, listed: &Key, row: RowRef<'_>) -> Option<Ordering> {
    let listed = RowRef::find(app, listed)?;
    Some(sorting::order(listed, row, app.ui.level.sort, app))
}

fn insert(app: &App, rows: &mut Vec<Key>, key: &ObjectKey) {
    if let Some(row) = wanted(app, key) {
        let at = place(app, rows, row);
        rows.insert(at, Key::new(Kind::Pod, key.clone()));
    }
}
