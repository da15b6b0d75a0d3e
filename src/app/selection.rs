//! The selected row, and what keys act on.

use super::{App, Detail, RowKey, Ui};
use crate::fleet::Key;

/// The row at the cursor; `None` while there are no rows.
pub fn current(ui: &Ui) -> Option<&RowKey> {
    ui.listing.rows.get(ui.listing.cursor)
}

/// Selects the row of this index, or the last one.
pub fn select(ui: &mut Ui, index: usize) {
    let index = index.min(ui.listing.rows.len().saturating_sub(1));
    if let Some(key) = ui.listing.rows.get(index) {
        ui.level.selected = Some(key.clone());
        ui.listing.cursor = index;
    }
}

/// The object an action is about: that of the details where they are open, else the selected row.
pub fn subject(app: &App) -> Option<Key> {
    let opened = app.ui.level.detail.as_ref().map(|Detail { key, .. }| key.clone());
    opened.or_else(|| current(&app.ui)?.object().cloned())
}

/// The entry before or after, around the ends; the first one for an entry that is not there.
pub fn neighbour_in<T: Copy + PartialEq>(all: &[T], entry: T, by: isize) -> T {
    let Some(at) = all.iter().position(|other| *other == entry) else { return all.first().copied().unwrap_or(entry) };
    let next = (at.cast_signed() + by).rem_euclid(all.len().cast_signed());
    all.get(next.cast_unsigned()).copied().unwrap_or(entry)
}
