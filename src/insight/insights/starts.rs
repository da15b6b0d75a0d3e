//! The starts of pods, kept up to date pod by pod, and the history of pulls and machines.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::RandomState;

use super::Inputs;
use crate::fleet::{Changed, Fleet, Kind, ObjectKey, PodRow, SourceId, Sym, Uid};
use crate::insight::cold_start::{ClusterHistory, ColdStart, Expectations, KUEUE_GROUP, StartHistory, StartStatistics};
use crate::insight::relation;
use crate::units::Time;

/// The starts that are known, and what was observed of earlier ones.
#[derive(Default)]
pub struct Starts {
    known: BTreeMap<ObjectKey, ColdStart>,
    /// Pods without a Node, which follow the NodeClaims that Karpenter has in mind for them.
    unbound: BTreeSet<ObjectKey>,
    /// Those that go on while a machine is paid for them, by the name of its Node.
    billed: HashMap<Sym, BTreeSet<ObjectKey>, RandomState>,
    /// Nodes of such starts of which something changed since this was last asked.
    billed_changed: BTreeSet<Sym>,
    history: StartHistory,
    /// What was kept of earlier sessions, of clusters that have not been recognized, by cluster.
    kept: BTreeMap<String, StartHistory>,
    /// The cluster, once it is recognized.
    cluster: Option<String>,
    /// Whether something has been observed since it was last written down.
    is_unwritten: bool,
    /// The sums over what was observed, as of at most a second ago.
    statistics: StartStatistics,
    /// What of it is to be expected, as of the same moment.
    expectations: Expectations,
    /// Whether something has been observed since these were made.
    is_observed: bool,
}

/// The Namespace whose uid is that of the cluster.
const CLUSTER_NAMESPACE: &str = "kube-system";

impl Starts {
    /// Everything computed from nothing.
    #[cfg(test)]
    pub(super) fn full(fleet: &Fleet) -> Self {
        let mut starts = Self::default();
        starts.follow_all(fleet);
        starts
    }

    /// All that are known, by namespace and name; as of now in all but the length of their open step.
    pub fn all(&self) -> impl Iterator<Item = &ColdStart> {
        self.known.values()
    }

    /// The start of a pod, where it is known.
    pub fn of_pod(&self, pod: &ObjectKey) -> Option<&ColdStart> {
        self.known.get(pod)
    }

    /// Those that go on while this Node is paid for them.
    pub fn billed_on(&self, node: &Sym) -> impl Iterator<Item = &ColdStart> {
        self.billed.get(node).into_iter().flatten().filter_map(|pod| self.known.get(pod))
    }

    /// The Nodes of such starts of which something changed since this was last asked.
    pub(super) fn take_billed_changed(&mut self) -> BTreeSet<Sym> {
        std::mem::take(&mut self.billed_changed)
    }

    /// How many are known.
    pub fn count(&self) -> usize {
        self.known.len()
    }

    /// The sums over what was observed, as of at most a second ago.
    pub const fn statistics(&self) -> &StartStatistics {
        &self.statistics
    }

    /// What was observed of pulls and machines, here and in earlier sessions.
    pub const fn history(&self) -> &StartHistory {
        &self.history
    }

    /// Takes in what was kept of earlier sessions; that of the cluster counts as soon as it is known which one it is.
    pub fn load(&mut self, kept: BTreeMap<String, StartHistory>) {
        self.kept = kept;
    }

    /// Recognizes the cluster, once that can be told.
    pub(super) fn recognize(&mut self, inputs: &Inputs<'_>) {
        if self.cluster.is_some() {
            return;
        }
        self.cluster = cluster(inputs);
        if let Some(kept) = self.cluster.as_ref().and_then(|cluster| self.kept.remove(cluster)) {
            self.history.load(kept);
            self.is_observed = true;
        }
    }

    /// Sums up what was observed since this was last done: all at once, for each sum is over thousands of observations.
    /// Says whether there was something.
    pub(super) fn sum_up(&mut self) -> bool {
        let is_observed = std::mem::take(&mut self.is_observed);
        if is_observed {
            self.statistics = self.history.statistics();
            self.expectations = self.history.expectations();
        }
        is_observed
    }

    /// How many seconds a start still takes, as those before it took, a second ago at most; `None` where that cannot be told.
    pub fn eta_seconds(&self, start: &ColdStart, now: Time) -> Option<i64> {
        self.expectations.eta_seconds(start, now)
    }

    /// Without the cluster, before another one is read; what was observed of it counts again when it is read again.
    pub(super) fn without_cluster(mut self) -> Self {
        self.kept.extend(self.cluster.map(|cluster| (cluster, self.history)));
        Self { kept: self.kept, ..Self::default() }
    }

    /// What was observed of this cluster, here and in earlier sessions; `None` while it is not known which one it is.
    pub fn record(&self) -> Option<ClusterHistory> {
        Some(ClusterHistory { cluster: self.cluster.clone()?, history: self.history.clone() })
    }

    /// The same, where something was observed since this was last asked.
    pub(super) fn take_record(&mut self) -> Option<ClusterHistory> {
        let record = self.record().filter(|_| self.is_unwritten)?;
        self.is_unwritten = false;
        Some(record)
    }

    /// Follows what a Delta changed in the Fleet; the Fleet is the one after it. Says whether a start changed.
    pub(super) fn follow(&mut self, fleet: &Fleet, changed: &Changed) -> bool {
        for key in &changed.claims {
            if let Some(claim) = fleet.node_claims.get(key) {
                let is_new = self.history.note_claim(fleet, claim);
                self.note_observed(is_new);
            }
        }
        for name in &changed.launches {
            let is_new = self.history.note_launch(fleet, name);
            self.note_observed(is_new);
        }
        let mut has_changed = false;
        for key in self.touched(fleet, changed) {
            has_changed |= self.follow_pod(fleet, &key);
        }
        has_changed
    }

    /// The pods whose start may have changed.
    ///
    /// A change of a pod names its Node and its Job too; the other pods of these start as they did before.
    fn touched(&self, fleet: &Fleet, changed: &Changed) -> BTreeSet<ObjectKey> {
        let is_changed = |kinds: &[Kind]| kinds.iter().any(|kind| changed.kinds.contains(kind));
        let mut touched: BTreeSet<ObjectKey> = changed.pods.union(&changed.starts).cloned().collect();
        let mut add_started = |pod: &PodRow| {
            if pod.start.is_some() {
                touched.insert(pod.meta.key.clone());
            }
        };
        let are_machines_changed = is_changed(&[Kind::Node, Kind::NodeClaim]);
        if are_machines_changed {
            changed.nodes.iter().flat_map(|node| fleet.pods_on(node)).for_each(&mut add_started);
        }
        if is_changed(&[Kind::Job, Kind::Workload]) {
            changed.jobs.iter().flat_map(|uid| fleet.pods_of_job(uid)).for_each(&mut add_started);
        }
        if !changed.queued.is_empty() {
            let is_held =
                |key: &&ObjectKey| fleet.pods.get(key).is_some_and(|pod| is_queued(fleet, pod, &changed.queued));
            touched.extend(self.known.keys().filter(is_held).cloned());
        }
        let is_launch_changed = is_changed(&[Kind::NodeClaim]) || !changed.launches.is_empty();
        if is_launch_changed || are_machines_changed {
            let claims = changed.claims.iter().map(|key| &key.name);
            let names: BTreeSet<&Sym> = claims.chain(&changed.launches).chain(&changed.nodes).collect();
            let is_for = |key: &&ObjectKey| fleet.pods.get(key).is_some_and(|pod| is_nominated_to(pod, &names));
            if is_launch_changed {
                // That a NodeClaim failed is told of each pod that it was for, also once the pod has another Node.
                touched.extend(self.known.keys().filter(is_for).cloned());
            } else {
                touched.extend(self.unbound.iter().filter(is_for).cloned());
            }
        }
        touched
    }

    #[cfg(test)]
    fn follow_all(&mut self, fleet: &Fleet) {
        let keys: Vec<ObjectKey> =
            fleet.open_starts().chain(fleet.closed_starts()).map(|pod| pod.meta.key.clone()).collect();
        keys.iter().for_each(|key| {
            self.follow_pod(fleet, key);
        });
        fleet.node_claims.iter().for_each(|claim| {
            self.history.note_claim(fleet, claim);
        });
    }

    /// The Node of this start is another one now, or what its pod takes of it may have changed.
    fn note_billed(&mut self, key: &ObjectKey, new: Option<&ColdStart>) {
        let before = self.known.get(key).and_then(billed_node);
        let now = new.and_then(billed_node);
        self.billed_changed.extend(before.into_iter().chain(now).cloned());
        if before == now {
            return;
        }
        if let Some(node) = before
            && let Some(pods) = self.billed.get_mut(node)
        {
            pods.remove(key);
            if pods.is_empty() {
                self.billed.remove(node);
            }
        }
        if let Some(node) = now {
            self.billed.entry(node.clone()).or_default().insert(key.clone());
        }
    }

    const fn note_observed(&mut self, is_new: bool) {
        self.is_unwritten |= is_new;
        self.is_observed |= is_new;
    }

    /// Says whether the start of this pod changed.
    fn follow_pod(&mut self, fleet: &Fleet, key: &ObjectKey) -> bool {
        let pod = fleet.pods.get(key);
        let new = pod.and_then(|pod| ColdStart::of(fleet, pod));
        if pod.is_some_and(|pod| pod.is_starting() && pod.node.is_none()) {
            self.unbound.insert(key.clone());
        } else {
            self.unbound.remove(key);
        }
        self.note_billed(key, new.as_ref());
        if self.known.get(key) == new.as_ref() {
            return false;
        }
        match new {
            Some(new) => {
                let is_new = self.history.note_start(&new);
                self.note_observed(is_new);
                self.known.insert(key.clone(), new);
            }
            None => drop(self.known.remove(key)),
        }
        true
    }
}

/// The Node that is paid for a start that goes on.
fn billed_node(start: &ColdStart) -> Option<&Sym> {
    let is_billed = start.open_phase().is_some() && start.billed_since.is_some();
    start.node.as_ref().filter(|_| is_billed)
}

/// Which cluster this is; `None` while that cannot be told.
fn cluster(inputs: &Inputs<'_>) -> Option<String> {
    let namespace = inputs.fleet.namespaces.get(&ObjectKey::cluster(CLUSTER_NAMESPACE));
    let health = inputs.sources.get(&SourceId::Kind(Kind::Namespace));
    let is_told = health.is_some_and(|health| health.state.is_settled());
    let server = || Some(inputs.cluster.server.clone()).filter(|server| is_told && !server.is_empty());
    namespace.map(|namespace| namespace.meta.uid.to_string()).or_else(server)
}

/// Whether Kueue may have held a pod back with one of these owners of Workloads, or in a group.
fn is_queued(fleet: &Fleet, pod: &PodRow, owners: &BTreeSet<Uid>) -> bool {
    let own = pod.owner.as_ref().map(|owner| &owner.uid);
    let above = relation::job_of(fleet, pod).and_then(|job| job.owner.as_ref()).map(|owner| &owner.uid);
    let mut uids = [Some(&pod.meta.uid), own, above].into_iter().flatten();
    uids.any(|uid| owners.contains(uid)) || pod.labels.get(KUEUE_GROUP).is_some()
}

/// Whether Karpenter had one of these NodeClaims or Nodes in mind for a pod.
fn is_nominated_to(pod: &PodRow, names: &BTreeSet<&Sym>) -> bool {
    let nominations = pod.start.iter().flat_map(|start| &start.nominations);
    nominations.flat_map(|one| one.claim.iter().chain(&one.node)).any(|name| names.contains(name))
}
