//! What is kept of records that would grow for ever: the newest.

use std::collections::BTreeMap;

/// Drops the oldest of these records until no more than `most` are left.
pub fn keep_newest<K: Ord + Clone, V, T: Ord>(records: &mut BTreeMap<K, V>, most: usize, at: impl Fn(&V) -> T) {
    let excess = records.len().saturating_sub(most);
    if excess == 0 {
        return;
    }
    let mut by_age: Vec<(T, K)> = records.iter().map(|(key, record)| (at(record), key.clone())).collect();
    by_age.sort_unstable();
    by_age.iter().take(excess).for_each(|(_, key)| drop(records.remove(key)));
}
