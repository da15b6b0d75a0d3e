//! Interned strings. A Fleet repeats few strings very often: namespaces, nodes, owners, label sets, event messages.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;
use std::ops::Deref;
use std::sync::Arc;

use arcstr::ArcStr;
use foldhash::fast::RandomState;

use super::{Eviction, Owner, Resources};

/// An interned string: eight bytes, shared by everything that mentions it.
///
/// Equality and order are those of the text, so symbols of different interners compare as one would expect.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Sym(ArcStr);

/// One symbol is mostly compared with itself (the namespaces of two pods), which takes no look at the text.
impl Ord for Sym {
    fn cmp(&self, other: &Self) -> Ordering {
        if ArcStr::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.cmp(&other.0) }
    }
}

impl PartialOrd for Sym {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Sym {
    /// A symbol of its own, for text that is not expected to repeat (a pod's name).
    pub fn new(text: &str) -> Self {
        Self(ArcStr::from(text))
    }

    /// Where the text lies in memory. Two symbols of the same address are one; of different addresses they may still be
    /// equal.
    pub fn address(&self) -> usize {
        self.0.as_ptr().addr()
    }

    /// The text of the symbol.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Sym {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Sym {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Sym {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Sym {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl PartialEq<str> for Sym {
    fn eq(&self, other: &str) -> bool {
        self.0.as_str() == other
    }
}

impl PartialEq<&str> for Sym {
    fn eq(&self, other: &&str) -> bool {
        self.0.as_str() == *other
    }
}

impl fmt::Display for Sym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Sym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0.as_str(), f)
    }
}

/// The labels of one object, sorted by key; objects with equal labels share one list.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Labels(Arc<Box<[(Sym, Sym)]>>);

impl Labels {
    /// From pairs in any order; of a repeated key the last one counts.
    pub fn new(mut pairs: Vec<(Sym, Sym)>) -> Self {
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.reverse();
        pairs.dedup_by(|a, b| a.0 == b.0);
        pairs.reverse();
        Self(Arc::new(pairs.into_boxed_slice()))
    }

    /// The value of `key`. Lists are short, and most keys differ in length, which is seen without a look at their text: a
    /// search by order would follow a pointer at each step.
    pub fn get(&self, key: &str) -> Option<&Sym> {
        self.iter().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// All pairs in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&Sym, &Sym)> {
        self.0.iter().map(|(k, v)| (k, v))
    }
}

/// Below this size the interner is never swept.
const SWEEP_FLOOR: usize = 4096;

/// Hands out one [`Sym`] per distinct text. Each Source has its own, so nothing is shared between tasks.
///
/// Bounded by what is alive: whenever it has doubled, entries that nobody else holds are dropped.
#[derive(Default)]
pub struct Interner {
    syms: HashSet<Sym, RandomState>,
    labels: HashSet<Labels, RandomState>,
    owners: Shared<Owner>,
    requests: Shared<Resources>,
    evictions: Shared<Eviction>,
    sweep_at: usize,
}

/// Values that many rows have in common.
type Shared<T> = HashSet<Arc<T>, RandomState>;

impl Interner {
    /// The symbol for `text`.
    pub fn sym(&mut self, text: &str) -> Sym {
        if let Some(sym) = self.syms.get(text) {
            return sym.clone();
        }
        self.sweep_when_doubled();
        let sym = Sym::new(text);
        self.syms.insert(sym.clone());
        sym
    }

    /// The shared list for these labels.
    pub fn labels(&mut self, pairs: Vec<(Sym, Sym)>) -> Labels {
        let labels = Labels::new(pairs);
        if let Some(known) = self.labels.get(&labels) {
            return known.clone();
        }
        self.sweep_when_doubled();
        self.labels.insert(labels.clone());
        labels
    }

    /// The shared owner reference equal to this one: the pods of a Job have the same.
    pub fn owner(&mut self, owner: Owner) -> Arc<Owner> {
        self.sweep_when_doubled();
        share(&mut self.owners, owner)
    }

    /// The shared amounts equal to these: pods of one template request the same.
    pub fn resources(&mut self, resources: Resources) -> Arc<Resources> {
        self.sweep_when_doubled();
        share(&mut self.requests, resources)
    }

    /// The shared value equal to this one: pods of one template differ at most in readiness.
    pub fn eviction(&mut self, eviction: Eviction) -> Arc<Eviction> {
        self.sweep_when_doubled();
        share(&mut self.evictions, eviction)
    }

    fn len(&self) -> usize {
        self.syms.len() + self.labels.len() + self.owners.len() + self.requests.len() + self.evictions.len()
    }

    fn sweep_when_doubled(&mut self) {
        if self.len() < self.sweep_at.max(SWEEP_FLOOR) {
            return;
        }
        // Those that hold symbols come before the symbols.
        self.owners.retain(is_held);
        self.requests.retain(is_held);
        self.evictions.retain(is_held);
        self.labels.retain(|labels| Arc::strong_count(&labels.0) > 1);
        // A text without a count is static, the empty one: it takes no memory of its own.
        self.syms.retain(|sym| ArcStr::strong_count(&sym.0).is_some_and(|count| count > 1));
        self.sweep_at = 2 * self.len();
    }
}

/// The value of the set that equals this one, which joins the set where there is none.
fn share<T: Eq + Hash>(known: &mut Shared<T>, value: T) -> Arc<T> {
    if let Some(shared) = known.get(&value) {
        return Arc::clone(shared);
    }
    let shared = Arc::new(value);
    known.insert(Arc::clone(&shared));
    shared
}

/// Whether anything besides the interner holds it.
fn is_held<T>(shared: &Arc<T>) -> bool {
    Arc::strong_count(shared) > 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Uid;

    #[test]
    fn equal_symbols_share_one_allocation() {
        let mut interner = Interner::default();
        let (a, b) = (interner.sym("ml"), interner.sym("ml"));
        assert!(ArcStr::ptr_eq(&a.0, &b.0));
    }

    #[test]
    fn unused_symbols_are_swept() {
        let mut interner = Interner::default();
        let kept = interner.sym("kept");
        for n in 0..SWEEP_FLOOR * 3 {
            interner.sym(&format!("pod-{n}"));
        }
        assert!(interner.syms.len() <= 2 * SWEEP_FLOOR, "{}", interner.syms.len());
        assert!(ArcStr::ptr_eq(&kept.0, &interner.sym("kept").0));
    }

    #[test]
    fn owners_that_nobody_holds_are_swept_whatever_their_uid() {
        let mut interner = Interner::default();
        for n in 0..SWEEP_FLOOR * 3 {
            let name = interner.sym(&format!("job-{n}"));
            let kind = interner.sym("Job");
            interner.owner(Owner { uid: Uid::parse(&format!("no-uuid-{n}")), api_version: kind.clone(), kind, name });
        }
        assert!(interner.len() <= SWEEP_FLOOR + 1, "{}", interner.len());
    }

    #[test]
    fn labels_are_found_by_key_and_the_last_of_a_repeated_key_counts() {
        let pair = |k: &str, v: &str| (Sym::new(k), Sym::new(v));
        let labels = Labels::new(vec![pair("b", "2"), pair("a", "1"), pair("b", "3")]);
        assert_eq!(labels.get("b").map(Sym::as_str), Some("3"));
        assert_eq!(labels.get("c"), None);
        assert_eq!(labels.iter().count(), 2);
    }
}
