//! One table of rows of one kind.

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use super::{Change, Meta, ObjectKey};

/// A projected object.
pub trait Row {
    /// Its identity.
    fn meta(&self) -> &Meta;
}

/// All rows of one kind, by key.
///
/// A relist (`Begin` … `Commit`) removes what it did not mention only when it commits, so the table is never empty in
/// between.
///
/// Rows are large. They lie side by side in about the order in which they came, so that none of the memory between them is
/// empty, and so that whoever goes through all of them finds what came together near together.
pub struct Table<R> {
    rows: IndexMap<ObjectKey, (R, u64), RandomState>,
    round: u64,
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Self { rows: IndexMap::default(), round: 0 }
    }
}

impl<R: Row> Table<R> {
    /// One row.
    pub fn get(&self, key: &ObjectKey) -> Option<&R> {
        self.rows.get(key).map(|(row, _)| row)
    }

    /// All rows, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &R> {
        self.rows.values().map(|(row, _)| row)
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Applies one change and tells `changed` of each row that went or came: (old, new).
    pub fn apply(&mut self, change: Change<R>, mut changed: impl FnMut(Option<&R>, Option<&R>)) {
        match change {
            Change::Begin => self.round += 1,
            Change::Upsert(row) => self.upsert(row, &mut changed),
            Change::Remove(key) => {
                if let Some((old, _)) = self.rows.swap_remove(&key) {
                    changed(Some(&old), None);
                }
            }
            Change::Commit => self.remove_unseen(&mut changed),
        }
    }

    fn upsert(&mut self, row: R, changed: &mut impl FnMut(Option<&R>, Option<&R>)) {
        if let Some(slot) = self.rows.get_mut(&row.meta().key) {
            changed(Some(&slot.0), Some(&row));
            *slot = (row, self.round);
            return;
        }
        changed(None, Some(&row));
        self.rows.insert(row.meta().key.clone(), (row, self.round));
    }

    fn remove_unseen(&mut self, changed: &mut impl FnMut(Option<&R>, Option<&R>)) {
        let round = self.round;
        self.rows.retain(|_, (row, seen)| {
            if *seen != round {
                changed(Some(row), None);
            }
            *seen == round
        });
    }
}
