//! One table of rows of one kind.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::{Change, Meta, ObjectKey};

/// A projected object.
pub trait Row {
    /// Key, uid and times of the object.
    fn meta(&self) -> &Meta;

    /// Its identity, to be changed.
    fn meta_mut(&mut self) -> &mut Meta;
}

/// Makes rows of types that have a field `meta`.
macro_rules! rows {
    ($($row:ty),+) => { $(impl $crate::fleet::table::Row for $row {
        fn meta(&self) -> &$crate::fleet::Meta {
            &self.meta
        }

        fn meta_mut(&mut self) -> &mut $crate::fleet::Meta {
            &mut self.meta
        }
    })+ };
}
pub(super) use rows;

/// The place of a row in its table. It is the same as long as the object is there, and is then used again.
///
/// Four bytes, by which an index names a row in place of the sixteen of its key, and finds it without a comparison.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Slot(u32);

impl Slot {
    /// Of the row at this position. Memory for so many rows that a number of 32 bits does not count them is nowhere.
    #[expect(clippy::cast_possible_truncation, reason = "rows take hundreds of bytes each")]
    const fn new(position: usize) -> Self {
        Self(position as u32)
    }

    const fn position(self) -> usize {
        self.0 as usize
    }
}

/// All rows of one kind, by key.
///
/// A relist (`Begin` … `Commit`) removes what it did not mention only when it commits, so the table is never empty in
/// between.
pub struct Table<R> {
    rows: Rows<R>,
    slots: HashTable<Slot>,
    hasher: RandomState,
    round: u32,
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Self { rows: Rows::default(), slots: HashTable::new(), hasher: RandomState::default(), round: 0 }
    }
}

impl<R: Row> Table<R> {
    /// The row of this key.
    pub fn get(&self, key: &ObjectKey) -> Option<&R> {
        self.at(self.slot(key)?)
    }

    /// The row in this slot.
    pub fn at(&self, slot: Slot) -> Option<&R> {
        self.rows.get(slot).map(|entry| &entry.row)
    }

    /// The row in this slot, to change what no index is made of.
    pub(super) fn at_mut(&mut self, slot: Slot) -> Option<&mut R> {
        self.rows.get_mut(slot).map(|entry| &mut entry.row)
    }

    /// The row of this key, to change what no index is made of.
    pub(super) fn get_mut(&mut self, key: &ObjectKey) -> Option<&mut R> {
        self.at_mut(self.slot(key)?)
    }

    /// All rows, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &R> {
        self.rows.iter().map(|(_, entry)| &entry.row)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Applies one change and tells `changed` of each row that went or came: its slot, (old, new).
    pub fn apply(&mut self, change: Change<R>, mut changed: impl FnMut(Slot, Option<&R>, Option<&R>)) {
        match change {
            Change::Begin => self.round = self.round.wrapping_add(1),
            Change::Upsert(row) => self.upsert(row, &mut changed),
            Change::Remove(key) => {
                if let Some(slot) = self.slot(&key) {
                    self.remove(slot, &mut changed);
                }
            }
            Change::Commit => self.remove_unseen(&mut changed),
        }
    }

    fn slot(&self, key: &ObjectKey) -> Option<Slot> {
        self.slots.find(self.hasher.hash_one(key), |slot| self.rows.is_of(*slot, key)).copied()
    }

    fn upsert(&mut self, row: R, changed: &mut impl FnMut(Slot, Option<&R>, Option<&R>)) {
        match self.slot(&row.meta().key) {
            Some(slot) => self.replace(slot, row, changed),
            None => self.insert(row, changed),
        }
    }

    fn insert(&mut self, row: R, changed: &mut impl FnMut(Slot, Option<&R>, Option<&R>)) {
        let hash = self.hasher.hash_one(&row.meta().key);
        let slot = self.rows.insert(Entry { row, seen: self.round });
        let (rows, hasher) = (&self.rows, &self.hasher);
        self.slots.insert_unique(hash, slot, |slot| rows.key(*slot).map_or(0, |key| hasher.hash_one(key)));
        changed(slot, None, self.at(slot));
    }

    /// The key stays that of the row before: whatever mentions the object (listings, pictures) then shares one text with
    /// it, however often the object changes.
    fn replace(&mut self, slot: Slot, mut row: R, changed: &mut impl FnMut(Slot, Option<&R>, Option<&R>)) {
        let Some(entry) = self.rows.get_mut(slot) else { return };
        row.meta_mut().key = entry.row.meta().key.clone();
        changed(slot, Some(&entry.row), Some(&row));
        *entry = Entry { row, seen: self.round };
    }

    fn remove(&mut self, slot: Slot, changed: &mut impl FnMut(Slot, Option<&R>, Option<&R>)) {
        let Some(entry) = self.rows.remove(slot) else { return };
        let hash = self.hasher.hash_one(&entry.row.meta().key);
        if let Ok(found) = self.slots.find_entry(hash, |other| *other == slot) {
            found.remove();
        }
        changed(slot, Some(&entry.row), None);
    }

    fn remove_unseen(&mut self, changed: &mut impl FnMut(Slot, Option<&R>, Option<&R>)) {
        let unseen = self.rows.iter().filter(|(_, entry)| entry.seen != self.round).map(|(slot, _)| slot);
        for slot in unseen.collect::<Vec<Slot>>() {
            self.remove(slot, changed);
        }
    }
}

/// A row and the round of lists that last mentioned it.
struct Entry<R> {
    row: R,
    seen: u32,
}

/// How many rows lie side by side.
const CHUNK_ROWS: usize = 256;

/// Rows by slot.
///
/// They are large, and lie in chunks, in about the order in which they came: a table that grows neither moves what it has,
/// nor keeps room for as much again; and whoever goes through all rows finds what came together near together.
struct Rows<R> {
    chunks: Vec<Vec<Option<Entry<R>>>>,
    /// How many slots there are, free ones included.
    places: usize,
    /// Slots of rows that went.
    free: Vec<Slot>,
}

impl<R> Default for Rows<R> {
    fn default() -> Self {
        Self { chunks: Vec::new(), places: 0, free: Vec::new() }
    }
}

impl<R> Rows<R> {
    fn get(&self, slot: Slot) -> Option<&Entry<R>> {
        self.chunks.get(slot.position() / CHUNK_ROWS)?.get(slot.position() % CHUNK_ROWS)?.as_ref()
    }

    fn place_mut(&mut self, slot: Slot) -> Option<&mut Option<Entry<R>>> {
        self.chunks.get_mut(slot.position() / CHUNK_ROWS)?.get_mut(slot.position() % CHUNK_ROWS)
    }

    fn get_mut(&mut self, slot: Slot) -> Option<&mut Entry<R>> {
        self.place_mut(slot)?.as_mut()
    }

    fn iter(&self) -> impl Iterator<Item = (Slot, &Entry<R>)> {
        let places = self.chunks.iter().flatten().enumerate();
        places.filter_map(|(position, place)| Some((Slot::new(position), place.as_ref()?)))
    }

    /// Puts a row into a slot that is free.
    fn insert(&mut self, entry: Entry<R>) -> Slot {
        if let Some(slot) = self.free.pop()
            && let Some(place) = self.place_mut(slot)
        {
            *place = Some(entry);
            return slot;
        }
        let slot = Slot::new(self.places);
        if self.places.is_multiple_of(CHUNK_ROWS) {
            self.chunks.push(Vec::new());
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.push(Some(entry));
        }
        self.places += 1;
        slot
    }

    fn remove(&mut self, slot: Slot) -> Option<Entry<R>> {
        let entry = self.place_mut(slot)?.take()?;
        self.free.push(slot);
        Some(entry)
    }
}

impl<R: Row> Rows<R> {
    fn key(&self, slot: Slot) -> Option<&ObjectKey> {
        self.get(slot).map(|entry| &entry.row.meta().key)
    }

    fn is_of(&self, slot: Slot, key: &ObjectKey) -> bool {
        self.key(slot) == Some(key)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::fleet::ReplicaSetRow;
    use crate::insight::testing::meta;

    fn row(name: &str) -> ReplicaSetRow {
        ReplicaSetRow { meta: meta("ml", name), owner: None, do_not_disrupt: None }
    }

    /// Applies a change as an index would, which knows rows by slot alone.
    fn follow(table: &mut Table<ReplicaSetRow>, index: &mut HashMap<Slot, ObjectKey>, change: Change<ReplicaSetRow>) {
        table.apply(change, |slot, old, new| {
            assert_eq!(index.remove(&slot).as_ref(), old.map(|row| &row.meta.key));
            index.extend(new.map(|row| (slot, row.meta.key.clone())));
        });
    }

    #[test]
    fn an_index_by_slot_has_all_rows_whatever_goes_comes_and_comes_back() {
        let (mut table, mut index) = (Table::default(), HashMap::new());
        let names: Vec<String> = (0..1_000).map(|number| format!("row-{number}")).collect();
        names.iter().for_each(|name| follow(&mut table, &mut index, Change::Upsert(row(name))));
        for name in names.iter().step_by(3) {
            follow(&mut table, &mut index, Change::Remove(ObjectKey::new("ml", name)));
        }
        for name in names.iter().step_by(2) {
            follow(&mut table, &mut index, Change::Upsert(row(name)));
        }
        follow(&mut table, &mut index, Change::Begin);
        for name in names.iter().step_by(5) {
            follow(&mut table, &mut index, Change::Upsert(row(name)));
        }
        follow(&mut table, &mut index, Change::Commit);
        assert_eq!((table.len(), table.iter().count(), index.len()), (200, 200, 200));
        for (slot, key) in &index {
            assert_eq!(table.at(*slot).map(|row| &row.meta.key), Some(key));
            assert!(table.get(key).is_some());
        }
        assert!(table.rows.chunks.len() <= 4, "slots of rows that went are used again");
        assert!(table.get(&ObjectKey::new("ml", "row-1")).is_none());
    }
}
