//! Interned strings. A Fleet repeats few strings very often: namespaces, nodes, owners, label sets, event messages.

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::Hash;
use std::ops::Deref;
use std::sync::Arc;

use arcstr::ArcStr;
use foldhash::fast::RandomState;

use super::{Eviction, Owner, Placement, Resources};

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

/// A label: its key and its value.
type Label = (Sym, Sym);

/// The labels of one object.
///
/// Thousands of objects differ in a label or two: their number in a Job, the host of a Node, the id of a run. What they have
/// in common is kept once. How the labels of an object are split is of no consequence but for memory.
#[derive(Clone, Default)]
pub struct Labels {
    /// Those that objects of one template have in common, by key.
    common: Arc<Box<[Label]>>,
    /// Those that tell such objects apart, by key.
    own: Box<[Label]>,
}

impl Labels {
    /// From pairs in any order; of a repeated key the last one counts.
    pub fn new(mut pairs: Vec<Label>) -> Self {
        keep_last_of_each_key(&mut pairs);
        Self { common: Arc::new(pairs.into_boxed_slice()), own: Box::default() }
    }

    /// The value of `key`. Lists are short, and most keys differ in length, which is seen without a look at their text: a
    /// search by order would follow a pointer at each step.
    pub fn get(&self, key: &str) -> Option<&Sym> {
        self.common.iter().chain(&self.own).find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// All pairs in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&Sym, &Sym)> {
        let (mut common, mut own) = (self.common.iter().peekable(), self.own.iter().peekable());
        std::iter::from_fn(move || {
            let is_own_first = match (common.peek(), own.peek()) {
                (Some(common), Some(own)) => own.0 < common.0,
                (None, Some(_)) => true,
                (_, None) => false,
            };
            let (key, value) = if is_own_first { own.next()? } else { common.next()? };
            Some((key, value))
        })
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.common, &other.common) && self.own == other.own) || self.iter().eq(other.iter())
    }
}

impl Eq for Labels {}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Puts pairs in the order of their keys.
fn keep_last_of_each_key<K: Ord, V>(pairs: &mut Vec<(K, V)>) {
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    pairs.reverse();
    pairs.dedup_by(|a, b| a.0 == b.0);
    pairs.reverse();
}

/// Keys of labels that number the objects of one template: each value is that of many objects, but of one for each template.
///
/// Sources: kubernetes staging/src/k8s.io/api (batch/v1, apps/v1), the operators of Kubeflow, JobSet and LeaderWorkerSet.
/// One that is missing here only takes more memory.
const NUMBERING_KEYS: [&str; 7] = [
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/job-completion-index",
    "jobset.sigs.k8s.io/job-global-index",
    "jobset.sigs.k8s.io/job-index",
    "leaderworkerset.sigs.k8s.io/group-index",
    "leaderworkerset.sigs.k8s.io/worker-index",
    "training.kubeflow.org/replica-index",
];

/// How often a key came with a value that no text had been before.
#[derive(Default)]
struct Novelty {
    labels: u32,
    new_values: u32,
}

impl Novelty {
    /// From how many labels on it is known what values a key has.
    const KNOWN_FROM: u32 = 64;

    /// Whether most objects have a value of their own.
    const fn is_of_one_object(&self) -> bool {
        self.labels >= Self::KNOWN_FROM && self.new_values > self.labels / 2
    }

    /// Takes one more label into account. Once a key is known for values of one object each it stays so: when objects are
    /// listed again, no value is new.
    fn note(&mut self, is_new: bool) {
        if !self.is_of_one_object() {
            self.labels = self.labels.saturating_add(1);
            self.new_values = self.new_values.saturating_add(u32::from(is_new));
        }
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
    labels: Shared<Box<[Label]>>,
    novelty: HashMap<Sym, Novelty, RandomState>,
    owners: Shared<Owner>,
    requests: Shared<Resources>,
    evictions: Shared<Eviction>,
    placements: Shared<Placement>,
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

    /// The labels of these texts, with the part shared that other objects have, too. Of a repeated key the last one counts.
    pub fn labels(&mut self, mut pairs: Vec<(Cow<'_, str>, &str)>) -> Labels {
        self.sweep_when_doubled();
        keep_last_of_each_key(&mut pairs);
        let (mut common, mut own) = (Vec::with_capacity(pairs.len()), Vec::new());
        for (key, value) in pairs {
            let key = self.sym(&key);
            if NUMBERING_KEYS.contains(&key.as_str()) {
                own.push((key, self.sym(value)));
            } else if self.is_of_one_object(&key, value) {
                own.push((key, Sym::new(value)));
            } else {
                common.push((key, self.sym(value)));
            }
        }
        Labels { common: share(&mut self.labels, common.into_boxed_slice()), own: own.into_boxed_slice() }
    }

    /// Whether the values of this key, of which this is one, are as a rule those of one object each.
    fn is_of_one_object(&mut self, key: &Sym, value: &str) -> bool {
        let novelty = self.novelty.entry(key.clone()).or_default();
        novelty.note(!self.syms.contains(value));
        novelty.is_of_one_object()
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

    /// The shared value equal to this one: pods of one template demand the same of a node.
    pub fn placement(&mut self, placement: Placement) -> Arc<Placement> {
        self.sweep_when_doubled();
        share(&mut self.placements, placement)
    }

    fn len(&self) -> usize {
        self.syms.len()
            + self.labels.len()
            + self.novelty.len()
            + self.owners.len()
            + self.requests.len()
            + self.evictions.len()
            + self.placements.len()
    }

    fn sweep_when_doubled(&mut self) {
        if self.len() < self.sweep_at.max(SWEEP_FLOOR) {
            return;
        }
        // Those that hold symbols come before the symbols.
        self.owners.retain(is_held);
        self.requests.retain(is_held);
        self.evictions.retain(is_held);
        self.placements.retain(is_held);
        self.labels.retain(is_held);
        // Held here and among the symbols, if nowhere else.
        self.novelty.retain(|key, _| ArcStr::strong_count(&key.0).is_some_and(|count| count > 2));
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

    fn labels_of(interner: &mut Interner, pairs: &[(&'static str, &str)]) -> Labels {
        interner.labels(pairs.iter().map(|(key, value)| (Cow::Borrowed(*key), *value)).collect())
    }

    fn plain(pairs: &[(&str, &str)]) -> Labels {
        Labels::new(pairs.iter().map(|(key, value)| (Sym::new(key), Sym::new(value))).collect())
    }

    #[test]
    fn labels_that_differ_in_the_number_of_a_pod_share_the_rest() {
        let mut interner = Interner::default();
        let pairs = |index| [("app", "train"), ("batch.kubernetes.io/job-completion-index", index), ("team", "ml")];
        let (first, second) = (labels_of(&mut interner, &pairs("0")), labels_of(&mut interner, &pairs("1")));
        assert!(Arc::ptr_eq(&first.common, &second.common));
        assert_ne!(first, second);
        assert_eq!((&first, &second), (&plain(&pairs("0")), &plain(&pairs("1"))));
        assert_eq!(second.get("batch.kubernetes.io/job-completion-index").map(Sym::as_str), Some("1"));
        let keys: Vec<&str> = second.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["app", "batch.kubernetes.io/job-completion-index", "team"]);
    }

    #[test]
    fn labels_with_a_value_for_each_object_are_found_out_and_equal_those_of_before() {
        let mut interner = Interner::default();
        let list = |interner: &mut Interner| -> Vec<Labels> {
            let of = |number: usize| (format!("run-{number}"), format!("app-{}", number / 20));
            let values: Vec<_> = (0..400).map(of).collect();
            values.iter().map(|(run, app)| labels_of(interner, &[("run", run), ("app", app)])).collect()
        };
        let (first, again) = (list(&mut interner), list(&mut interner));
        assert_eq!(first, again);
        assert!(Arc::ptr_eq(&first[398].common, &first[399].common), "the same application");
        assert!(Arc::ptr_eq(&first[399].common, &again[399].common));
        let lists: HashSet<*const Box<[Label]>> = again.iter().map(|labels| Arc::as_ptr(&labels.common)).collect();
        assert_eq!(lists.len(), 20, "one for each application");
    }
}
