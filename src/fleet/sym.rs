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

/// A label: its key and its value.
type Label = (Sym, Sym);

/// The labels of one object.
///
/// Thousands of objects differ in one label alone: their number in a Job, their name in a StatefulSet, the host of a Node.
/// What they have in common is kept once.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Labels {
    /// Those that objects of one kind have in common, by key.
    common: Arc<Box<[Label]>>,
    /// Those that tell such objects apart, by key.
    own: Box<[Label]>,
}

/// Keys of labels whose value is another one for each object of a kind.
///
/// Sources: kubernetes staging/src/k8s.io/api (batch/v1, apps/v1, core/v1 well_known_labels.go), the operators of Kubeflow,
/// JobSet and LeaderWorkerSet, NVIDIA's feature discovery, eksctl. One that is missing here only takes more memory.
const OWN_KEYS: [&str; 12] = [
    "alpha.eksctl.io/instance-id",
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/job-completion-index",
    "jobset.sigs.k8s.io/job-global-index",
    "jobset.sigs.k8s.io/job-index",
    "jobset.sigs.k8s.io/job-key",
    "kubernetes.io/hostname",
    "leaderworkerset.sigs.k8s.io/group-index",
    "leaderworkerset.sigs.k8s.io/worker-index",
    "nvidia.com/gfd.timestamp",
    "statefulset.kubernetes.io/pod-name",
    "training.kubeflow.org/replica-index",
];

impl Labels {
    /// From pairs in any order; of a repeated key the last one counts.
    pub fn new(pairs: Vec<Label>) -> Self {
        let (common, own) = split(pairs);
        Self { common: Arc::new(common), own }
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

/// The labels that objects of one kind have in common and those that tell them apart, each by key.
fn split(mut pairs: Vec<Label>) -> (Box<[Label]>, Box<[Label]>) {
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    pairs.reverse();
    pairs.dedup_by(|a, b| a.0 == b.0);
    pairs.reverse();
    let (own, common): (Vec<Label>, Vec<Label>) =
        pairs.into_iter().partition(|(key, _)| OWN_KEYS.contains(&key.as_str()));
    (common.into_boxed_slice(), own.into_boxed_slice())
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

    /// These labels, with the part shared that other objects have, too.
    pub fn labels(&mut self, pairs: Vec<Label>) -> Labels {
        self.sweep_when_doubled();
        let (common, own) = split(pairs);
        Labels { common: share(&mut self.labels, common), own }
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
        self.labels.retain(is_held);
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

    #[test]
    fn labels_that_differ_in_the_number_of_a_pod_share_the_rest() {
        let mut interner = Interner::default();
        let mut of = |index: &str| {
            let pairs = [("app", "train"), ("batch.kubernetes.io/job-completion-index", index), ("team", "ml")];
            interner.labels(pairs.map(|(key, value)| (Sym::new(key), Sym::new(value))).into())
        };
        let (first, second) = (of("0"), of("1"));
        assert!(Arc::ptr_eq(&first.common, &second.common));
        assert_ne!(first, second);
        let texts = |labels: &Labels| labels.iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>();
        assert_eq!(texts(&first), ["train", "0", "ml"]);
        assert_eq!(texts(&second), ["train", "1", "ml"]);
        assert_eq!(second.get("batch.kubernetes.io/job-completion-index").map(Sym::as_str), Some("1"));
    }
}
