//! Which objects cannot be decoded.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use crate::fleet::ObjectKey;

/// How many are known by their keys at most; more of them are only counted.
const MAX_NAMED: usize = 10_000;

/// The objects of one kind that cannot be decoded now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Undecodable {
    named: HashSet<ObjectKey, RandomState>,
    /// Those of which no key is known: they are counted until everything is read again.
    nameless: u64,
}

impl Undecodable {
    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.nameless.saturating_add(u64::try_from(self.named.len()).unwrap_or(u64::MAX))
    }

    /// One more cannot be decoded; its key, where that can be read.
    pub(crate) fn add(&mut self, key: Option<ObjectKey>) {
        match key {
            Some(key) if self.named.len() < MAX_NAMED || self.named.contains(&key) => {
                self.named.insert(key);
            }
            _ => self.nameless += 1,
        }
    }

    /// An object is gone, or can be decoded.
    pub(crate) fn remove(&mut self, key: &ObjectKey) {
        self.named.remove(key);
    }

    /// Everything is read anew.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_keys_are_kept_than_the_limit_and_all_are_counted() {
        let mut undecodable = Undecodable::default();
        let key = |number: usize| ObjectKey::new("ml", &number.to_string());
        for _ in 0..2 {
            (0..MAX_NAMED).for_each(|number| undecodable.add(Some(key(number))));
        }
        undecodable.add(Some(key(MAX_NAMED)));
        undecodable.add(None);
        assert_eq!((undecodable.named.len(), undecodable.count()), (MAX_NAMED, MAX_NAMED as u64 + 2));
        undecodable.remove(&key(0));
        assert_eq!(undecodable.count(), MAX_NAMED as u64 + 1);
        undecodable.clear();
        assert_eq!(undecodable.count(), 0);
    }
}
