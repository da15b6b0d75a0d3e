//! One table of rows of one kind.

use std::hash::{Hash, Hasher};

use foldhash::fast::RandomState;
use indexmap::{Equivalent, IndexSet};

use super::{Change, Meta, ObjectKey};

/// A projected object.
pub trait Row {
    /// Key, uid and times of the object.
    fn meta(&self) -> &Meta;

    /// Its identity, to be changed.
    fn meta_mut(&mut self) -> &mut Meta;
}

/// All rows of one kind, by key.
///
/// A relist (`Begin` … `Commit`) removes what it did not mention only when it commits, so the table is never empty in
/// between.
///
/// Rows are large. They lie side by side in about the order in which they came, so that none of the memory between them is
/// empty, and so that whoever goes through all of them finds what came together near together.
pub struct Table<R> {
    rows: IndexSet<Slot<R>, RandomState>,
    round: u64,
}

/// A row and the round of lists that last mentioned it; as an entry of the set it is its key, which thus is kept once.
struct Slot<R> {
    row: R,
    seen: u64,
}

impl<R: Row> Slot<R> {
    fn key(&self) -> &ObjectKey {
        &self.row.meta().key
    }
}

impl<R: Row> PartialEq for Slot<R> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<R: Row> Eq for Slot<R> {}

impl<R: Row> Hash for Slot<R> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl<R: Row> Equivalent<Slot<R>> for ObjectKey {
    fn equivalent(&self, slot: &Slot<R>) -> bool {
        self == slot.key()
    }
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Self { rows: IndexSet::default(), round: 0 }
    }
}

impl<R: Row> Table<R> {
    /// The row of this key.
    pub fn get(&self, key: &ObjectKey) -> Option<&R> {
        self.rows.get(key).map(|slot| &slot.row)
    }

    /// All rows, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &R> {
        self.rows.iter().map(|slot| &slot.row)
    }

    /// Number of rows.
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
                if let Some(old) = self.rows.swap_take(&key) {
                    changed(Some(&old.row), None);
                }
            }
            Change::Commit => self.remove_unseen(&mut changed),
        }
    }

    /// The key stays that of the row before: whatever mentions the object (indices, listings) then shares one text with
    /// it, however often the object changes.
    fn upsert(&mut self, mut row: R, changed: &mut impl FnMut(Option<&R>, Option<&R>)) {
        let before = self.rows.get(&row.meta().key);
        if let Some(before) = before {
            row.meta_mut().key = before.key().clone();
        }
        changed(before.map(|slot| &slot.row), Some(&row));
        self.rows.replace(Slot { row, seen: self.round });
    }

    fn remove_unseen(&mut self, changed: &mut impl FnMut(Option<&R>, Option<&R>)) {
        let round = self.round;
        self.rows.retain(|slot| {
            if slot.seen != round {
                changed(Some(&slot.row), None);
            }
            slot.seen == round
        });
    }
}
