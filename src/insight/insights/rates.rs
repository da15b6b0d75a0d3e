//! The cost rates by payer, kept up to date in slices.

use foldhash::fast::RandomState;
use indexmap::IndexSet;

use super::{Gpus, Inputs, Starts, Verdicts};
use crate::fleet::{ObjectKey, Sym};
use crate::insight::cost::CostRates;
use crate::insight::picture::{self, NodeFacts, Picture, PodOwner, RateSums, Touched};

type Pending<K> = IndexSet<K, RandomState>;

/// The rates, and which of those who pay they have still to follow.
#[derive(Default)]
pub struct Rates {
    sums: RateSums,
    are_known: bool,
    nodes: Pending<Sym>,
    claims: Pending<ObjectKey>,
    owners: Pending<PodOwner>,
    /// Whether what stands above the owners of pods may have changed.
    are_owners_stale: bool,
}

/// What tells of Nodes besides their picture.
#[derive(Clone, Copy)]
pub struct NodeSources<'a> {
    /// Their protection.
    pub verdicts: &'a Verdicts,
    /// What their accelerators do.
    pub gpus: &'a Gpus,
    /// The starts on them.
    pub starts: &'a Starts,
}

impl NodeSources<'_> {
    fn facts(self, inputs: &Inputs<'_>, picture: &Picture, name: &Sym) -> NodeFacts {
        let waiting = picture.waiting_rate(inputs.fleet, name, self.starts.billed_on(name));
        NodeFacts::new(self.verdicts.protection(name), self.gpus.of_node(name), waiting)
    }
}

/// How many machines and owners are followed at a time: about a millisecond.
const SLICE: usize = 512;

impl Rates {
    /// The rates as of at most a second ago; `None` while not all Nodes and NodeClaims are known.
    pub fn known(&self) -> Option<&CostRates> {
        self.are_known.then(|| self.sums.rates())
    }

    /// The picture has changed so.
    pub fn touch(&mut self, touched: Touched) {
        self.nodes.extend(touched.nodes);
        self.claims.extend(touched.claims);
        self.owners.extend(touched.owners);
    }

    /// The protection of these Nodes has changed, or what their accelerators do.
    pub fn touch_nodes(&mut self, names: impl IntoIterator<Item = Sym>) {
        self.nodes.extend(names);
    }

    /// Jobs or ReplicaSets changed, and with them perhaps what stands above the owners of pods.
    pub const fn touch_owners(&mut self) {
        self.are_owners_stale = true;
    }

    /// A second has passed: owners that changed since are followed together, for it takes as long to follow all.
    pub fn begin_second(&mut self) {
        if std::mem::take(&mut self.are_owners_stale) {
            self.owners.extend(self.sums.owners().cloned());
        }
    }

    /// Whether everything has been followed.
    pub fn is_settled(&self) -> bool {
        self.nodes.is_empty() && self.claims.is_empty() && self.owners.is_empty()
    }

    /// Follows the next slice. Says whether a rate changed.
    pub fn follow(&mut self, inputs: &Inputs<'_>, picture: &Picture, known: NodeSources<'_>) -> bool {
        let mut has_changed = false;
        for name in next(&mut self.nodes) {
            let facts = known.facts(inputs, picture, &name);
            has_changed |= self.sums.set_node(inputs.fleet, picture, &name, facts);
        }
        for key in next(&mut self.claims) {
            has_changed |= self.sums.set_claim(inputs.fleet, picture, &key);
        }
        for owner in next(&mut self.owners) {
            has_changed |= self.sums.set_owner(inputs.fleet, picture, &owner);
        }
        has_changed
    }

    /// Tells what is known of the sums now. Says whether that changed.
    pub fn publish(&mut self, inputs: &Inputs<'_>, idle_gpu: Option<i64>) -> bool {
        let fixed = picture::cluster_fixed(inputs.fleet, inputs.cluster);
        let (are_known, has_changed) = self.sums.publish(&inputs.known(), fixed, idle_gpu);
        let was_known = std::mem::replace(&mut self.are_known, are_known);
        has_changed || was_known != are_known
    }
}

fn next<K>(pending: &mut Pending<K>) -> Pending<K>
where
    K: std::hash::Hash + Eq,
{
    pending.split_off(pending.len().saturating_sub(SLICE))
}
