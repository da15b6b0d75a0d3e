//! The Fleet: all tables, and the indices that join them.

use std::collections::{BTreeSet, HashMap, HashSet};

use foldhash::fast::RandomState;

use super::kind_table::kind_table;
use super::start_index::{Launch, Launches, StartIndex};
use super::{
    Change, ClaimedDevice, Delta, DeviceClassRow, EventRow, EventTable, GangKey, GangRow, GpuAnswer, GpuDevices,
    GpuPart, JobRow, Kind, LoopState, Meta, NodeClaimRow, NodeRow, NodeUsage, ObjectKey, PodRow, PoolKey, PriceChange,
    Prices, ResourceClaimRow, ResourceSliceRow, Row, Slot, SpotMarket, Sym, Table, Uid, WorkloadRow,
};

type Slots = HashSet<Slot, RandomState>;
/// The rows of one table that have something in common.
type Index<K> = HashMap<K, Slots, RandomState>;

macro_rules! define_fleet {
    ($($(#[$doc:meta])* $kind:ident => $rows:ident($row:ident) in $table:ident: $store:ident, by $apply:ident {
        $($spec:tt)*
    })+) => {
        /// All rows of all kinds, with their indices, all prices, what is told of spot capacity and of accelerators, and usage.
        #[derive(Default)]
        #[expect(missing_docs, reason = "each table is named after its kind")]
        pub struct Fleet {
            $(pub $table: table_type!($store, $row),)+
            pub prices: Prices,
            pub spot_market: SpotMarket,
            pub gpus: GpuDevices,
            pub node_usage: NodeUsage,
            pub loop_state: Option<LoopState>,
            pods_by_node: Index<Sym>,
            pods_by_job: Index<Uid>,
            pods_by_gang: Index<GangKey>,
            workloads_by_job: Index<Uid>,
            workloads_by_other: Index<Uid>,
            annotated_pods: BTreeSet<ObjectKey>,
            job_by_uid: HashMap<Uid, Slot, RandomState>,
            nodes_by_provider: Index<Sym>,
            claims_by_provider: Index<Sym>,
            claims_by_node_name: Index<Sym>,
            slices_by_node: Index<Sym>,
            slices_by_pool: Index<PoolKey>,
            resource_claims_by_pool: Index<PoolKey>,
            resource_claims_by_pod: Index<Uid>,
            starts: StartIndex,
            launches: Launches,
        }

        impl Fleet {
            /// Applies a batch of changes and says what they touched.
            pub fn apply(&mut self, delta: Delta) -> Changed {
                let (fleet, mut changed) = (self, Changed::default());
                match delta {
                    $(Delta::$rows(changes) => apply_changes!($apply, fleet.$table, changes, $kind, changed),)+
                    Delta::Prices(changes) => fleet.apply_prices(changes, &mut changed),
                    Delta::SpotMarket(change) => {
                        changed.spot_market = true;
                        fleet.spot_market.apply(change);
                    }
                    Delta::Gpus(answers) => fleet.apply_gpus(answers, &mut changed),
                    Delta::NodeUsage(usage) => {
                        changed.node_usage = fleet.node_usage != usage;
                        fleet.node_usage = usage;
                    }
                    // Only findings look at it, which are not kept.
                    Delta::LoopState(state) => fleet.loop_state = Some(state),
                }
                changed
            }
        }
    };
}

/// The type of a table.
macro_rules! table_type {
    (Table, $row:ident) => { Table<super::$row> };
    ($store:ident, $row:ident) => { $store };
}

/// Applies changes of a kind, with or without indices.
macro_rules! apply_changes {
    (plain, $fleet:ident.$table:ident, $changes:ident, $kind:ident, $changed:ident) => {
        apply_plain(&mut $fleet.$table, $changes, Kind::$kind, &mut $changed)
    };
    ($apply:ident, $fleet:ident.$table:ident, $changes:ident, $kind:ident, $changed:ident) => {
        $changes.into_iter().for_each(|change| $fleet.$apply(change, &mut $changed))
    };
}

kind_table!(define_fleet);

/// What a Delta touched, so that only that is derived anew.
#[derive(Default, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each says of one table whether it changed")]
pub struct Changed {
    /// Kinds with at least one changed row.
    pub kinds: BTreeSet<Kind>,
    /// Pods that changed.
    pub pods: BTreeSet<ObjectKey>,
    /// Names of Nodes that changed, or whose pods, NodeClaim, ResourceSlices or ResourceClaims did.
    pub nodes: BTreeSet<Sym>,
    /// Jobs that changed, or whose pods, Workload or ResourceClaims did.
    pub jobs: BTreeSet<Uid>,
    /// What Kueue holds back and is no Job, such as JobSets and pods: their Workload changed; also JobSets that came or went.
    pub queued: BTreeSet<Uid>,
    /// NodeClaims that changed, or whose Node did.
    pub claims: BTreeSet<ObjectKey>,
    /// Whether prices changed.
    pub prices: bool,
    /// Whether something else became known of instance types.
    pub instance_types: bool,
    /// Whether something else became known of the market for spot capacity.
    pub spot_market: bool,
    /// Names of Nodes of whose devices an exporter told.
    pub gpus: BTreeSet<Sym>,
    /// Whether the usage of a Node changed.
    pub node_usage: bool,
    /// Pods of whose start an Event told, or whose start is not kept any more.
    pub starts: BTreeSet<ObjectKey>,
    /// Names of NodeClaims of whose launch an Event told, or that are gone.
    pub launches: BTreeSet<Sym>,
}

impl Fleet {
    fn apply_prices(&mut self, changes: Vec<PriceChange>, changed: &mut Changed) {
        changed.prices = !changes.is_empty();
        changed.instance_types = changes.iter().any(|one| matches!(one, PriceChange::InstanceType(_)));
        changes.into_iter().for_each(|change| self.prices.apply(change));
    }

    fn apply_gpus(&mut self, answers: Vec<GpuAnswer>, changed: &mut Changed) {
        for answer in answers {
            // A Node may be gone before its exporter answers.
            if self.node(&answer.node).is_some() {
                changed.gpus.insert(answer.node.clone());
                self.gpus.apply(answer);
            }
        }
    }

    fn apply_event(&mut self, change: Change<EventRow>, changed: &mut Changed) {
        changed.kinds.insert(Kind::Event);
        if let Change::Upsert(event) = &change {
            self.note_start(event, changed);
        }
        self.events.apply(change);
    }

    /// What an Event tells of a start is kept with the pod, which outlives it.
    fn note_start(&mut self, event: &EventRow, changed: &mut Changed) {
        if event.object.kind == *Kind::NodeClaim.name() {
            let told_before = self.launches.are_told();
            if self.launches.note(event) {
                changed.launches.insert(event.object.key.name.clone());
            }
            // NodeClaims of which nobody knew whether they had been launched have not been.
            if self.launches.are_told() != told_before {
                let is_for_claim =
                    |pod: &&PodRow| pod.start.as_ref().is_some_and(|start| !start.nominations.is_empty());
                changed.starts.extend(self.pods.iter().filter(is_for_claim).map(|pod| pod.meta.key.clone()));
            }
            return;
        }
        let Some(pod) = self.pods.get_mut(&event.object.key).filter(|pod| event.concerns(Kind::Pod, &pod.meta)) else {
            return;
        };
        if pod.start.as_mut().is_some_and(|start| start.note(event)) {
            changed.starts.insert(pod.meta.key.clone());
        }
    }

    /// Puts into the start of a pod that comes what is known of it besides its status. A start that was given up for those
    /// of newer pods stays so.
    fn complete_start(&self, pod: &mut PodRow) {
        let before = self.pods.get(&pod.meta.key).filter(|before| before.meta.uid == pod.meta.uid);
        if before.is_some_and(|before| before.start.is_none()) {
            pod.start = None;
        }
        let Some(start) = &mut pod.start else { return };
        if let Some(before) = before.and_then(|before| before.start.as_ref()) {
            return start.take_over(before);
        }
        for event in self.events.concerning(Kind::Pod, &pod.meta) {
            start.note(event);
        }
    }

    /// The pods on their way to be ready for the first time, in no order.
    #[cfg(test)]
    pub fn open_starts(&self) -> impl Iterator<Item = &PodRow> {
        self.pods.iter().filter(|pod| pod.is_starting())
    }

    /// The pods whose start is over and still known, the newest first: at most [`CLOSED_STARTS`](super::CLOSED_STARTS).
    pub fn closed_starts(&self) -> impl Iterator<Item = &PodRow> {
        self.starts.closed().filter_map(|slot| self.pods.at(slot))
    }

    /// What is remembered of the launch of a NodeClaim that failed or is gone.
    pub fn launch(&self, claim: &str) -> Option<&Launch> {
        self.launches.get(claim)
    }

    fn apply_pod(&mut self, mut change: Change<PodRow>, changed: &mut Changed) {
        if let Change::Upsert(pod) = &mut change {
            self.complete_start(pod);
        }
        let starts = &mut self.starts;
        let (by_node, by_job, annotated) = (&mut self.pods_by_node, &mut self.pods_by_job, &mut self.annotated_pods);
        let by_gang = &mut self.pods_by_gang;
        let (claims_by_pod, mut claiming) = (&self.resource_claims_by_pod, Vec::new());
        self.pods.apply(change, |slot, old, new| {
            changed.kinds.insert(Kind::Pod);
            let uids = old.into_iter().chain(new).map(|pod| &pod.meta.uid);
            claiming.extend(uids.filter(|uid| claims_by_pod.contains_key(*uid)).cloned());
            let (old_node, new_node) = (old.and_then(|p| p.node.as_ref()), new.and_then(|p| p.node.as_ref()));
            let (old_job, new_job) = (old.and_then(job_uid), new.and_then(job_uid));
            changed.nodes.extend(old_node.into_iter().chain(new_node).cloned());
            changed.jobs.extend(old_job.into_iter().chain(new_job).cloned());
            let Some(key) = new.or(old).map(|pod| &pod.meta.key) else { return };
            changed.pods.insert(key.clone());
            if let Some(old) = old {
                starts.remove(slot, old);
            }
            if let Some(new) = new {
                starts.insert(slot, new);
            }
            reindex(by_node, slot, old_node, new_node);
            reindex(by_job, slot, old_job, new_job);
            let [old_gang, new_gang] = [old, new].map(|pod| pod.and_then(PodRow::gang));
            reindex(by_gang, slot, old_gang.as_ref(), new_gang.as_ref());
            if new.is_some_and(|pod| pod.do_not_disrupt.is_some()) {
                annotated.insert(key.clone())
            } else {
                annotated.remove(key)
            };
        });
        changed.starts.extend(self.starts.shrink(&mut self.pods));
        // Where the first pod of a claim stands may decide where its devices are.
        for uid in claiming {
            self.resource_claims_of_uid(&uid).for_each(|claim| self.note_consumers(claim, changed));
        }
    }

    fn apply_node(&mut self, change: Change<NodeRow>, changed: &mut Changed) {
        let (by_provider, gpus) = (&mut self.nodes_by_provider, &mut self.gpus);
        let (claims_by_provider, claims_by_name) = (&self.claims_by_provider, &self.claims_by_node_name);
        let claims = &self.node_claims;
        let (pods, pods_by_node) = (&self.pods, &self.pods_by_node);
        self.nodes.apply(change, |slot, old, new| {
            changed.kinds.insert(Kind::Node);
            let [before, after] = [old, new].map(|row| row.and_then(NodeRow::gpu_memory_mib));
            if let Some(row) = old.or(new).filter(|_| before != after) {
                let on_node = pods_by_node.get(&row.meta.key.name).into_iter().flatten();
                let by_memory = on_node.filter_map(|slot| pods.at(*slot)).filter(|pod| takes_memory(pod));
                changed.jobs.extend(by_memory.filter_map(job_uid).cloned());
            }
            for row in old.into_iter().chain(new) {
                changed.nodes.insert(row.meta.key.name.clone());
                let joined = row.provider_id.as_ref().and_then(|id| claims_by_provider.get(id));
                let named = claims_by_name.get(&row.meta.key.name);
                let rows = joined.into_iter().chain(named).flatten().filter_map(|slot| claims.at(*slot));
                changed.claims.extend(rows.map(|claim| claim.meta.key.clone()));
            }
            reindex(by_provider, slot, old.and_then(NodeRow::provider), new.and_then(NodeRow::provider));
            // Another Node under its name has other devices.
            if let Some(gone) = old.filter(|old| new.is_none_or(|new| new.meta.uid != old.meta.uid)) {
                gpus.forget(&gone.meta.key.name);
            }
        });
    }

    fn apply_claim(&mut self, change: Change<NodeClaimRow>, changed: &mut Changed) {
        let (by_provider, by_name) = (&mut self.claims_by_provider, &mut self.claims_by_node_name);
        let launches = &mut self.launches;
        let (nodes, nodes_by_provider) = (&self.nodes, &self.nodes_by_provider);
        self.node_claims.apply(change, |slot, old, new| {
            changed.kinds.insert(Kind::NodeClaim);
            if let Some(gone) = old.filter(|_| new.is_none()) {
                launches.note_gone(gone);
                changed.launches.insert(gone.meta.key.name.clone());
            }
            for row in old.into_iter().chain(new) {
                changed.claims.insert(row.meta.key.clone());
                let joined = row.provider_id.as_ref().and_then(|id| nodes_by_provider.get(id));
                let rows = joined.into_iter().flatten().filter_map(|slot| nodes.at(*slot));
                changed.nodes.extend(rows.map(|node| node.meta.key.name.clone()));
                changed.nodes.extend(row.node_name.clone());
            }
            let (old_id, new_id) = (old.and_then(NodeClaimRow::provider), new.and_then(NodeClaimRow::provider));
            let (old_name, new_name) =
                (old.and_then(|row| row.node_name.as_ref()), new.and_then(|row| row.node_name.as_ref()));
            reindex(by_provider, slot, old_id, new_id);
            reindex(by_name, slot, old_name, new_name);
        });
    }

    fn apply_job(&mut self, change: Change<JobRow>, changed: &mut Changed) {
        let by_uid = &mut self.job_by_uid;
        self.jobs.apply(change, |slot, old, new| {
            changed.kinds.insert(Kind::Job);
            changed.jobs.extend(old.into_iter().chain(new).map(|row| row.meta.uid.clone()));
            if let Some(old) = old {
                by_uid.remove(&old.meta.uid);
            }
            if let Some(new) = new {
                by_uid.insert(new.meta.uid.clone(), slot);
            }
        });
    }

    fn apply_workload(&mut self, change: Change<WorkloadRow>, changed: &mut Changed) {
        let (by_job, by_other) = (&mut self.workloads_by_job, &mut self.workloads_by_other);
        self.workloads.apply(change, |slot, old, new| {
            changed.kinds.insert(Kind::Workload);
            let job = |row: Option<&WorkloadRow>| Some(row?.job_owner()?.uid.clone());
            let (old_job, new_job) = (job(old), job(new));
            changed.jobs.extend(old_job.iter().chain(&new_job).cloned());
            reindex(by_job, slot, old_job.as_ref(), new_job.as_ref());
            let other = |row: Option<&WorkloadRow>| Some(row?.other_owner()?.uid.clone());
            let (old_other, new_other) = (other(old), other(new));
            changed.queued.extend(old_other.iter().chain(&new_other).cloned());
            reindex(by_other, slot, old_other.as_ref(), new_other.as_ref());
        });
    }

    fn apply_job_set(&mut self, change: Change<GangRow>, changed: &mut Changed) {
        self.job_sets.apply(change, |_, old, new| {
            changed.kinds.insert(Kind::JobSet);
            // Of its other fields nothing but the gang follows.
            if old.is_none() || new.is_none() {
                changed.queued.extend(old.into_iter().chain(new).map(|row| row.meta.uid.clone()));
            }
        });
    }

    fn apply_resource_slice(&mut self, change: Change<ResourceSliceRow>, changed: &mut Changed) {
        let (by_node, by_pool, mut pools) = (&mut self.slices_by_node, &mut self.slices_by_pool, BTreeSet::new());
        self.resource_slices.apply(change, |slot, old, new| {
            changed.kinds.insert(Kind::ResourceSlice);
            for row in old.into_iter().chain(new) {
                changed.nodes.extend(row.nodes().cloned());
                pools.insert(row.pool.clone());
            }
            reindex_all(by_node, slot, old.map(ResourceSliceRow::nodes), new.map(ResourceSliceRow::nodes));
            reindex(by_pool, slot, old.map(|row| &row.pool), new.map(|row| &row.pool));
        });
        // What a slice says decides about its whole pool, and about the claims of it.
        for pool in pools {
            changed.nodes.extend(self.slices_of_pool(&pool).flat_map(ResourceSliceRow::nodes).cloned());
            self.resource_claims_of_pool(&pool).for_each(|claim| self.note_consumers(claim, changed));
        }
    }

    fn apply_resource_claim(&mut self, change: Change<ResourceClaimRow>, changed: &mut Changed) {
        let (by_pool, by_pod) = (&mut self.resource_claims_by_pool, &mut self.resource_claims_by_pod);
        let mut touched = Vec::new();
        self.resource_claims.apply(change, |slot, old, new| {
            changed.kinds.insert(Kind::ResourceClaim);
            touched.extend(old.into_iter().chain(new).cloned());
            let pools = |row: &'_ ResourceClaimRow| row.devices.iter().map(|device| device.pool.clone()).collect();
            let pods = |row: &'_ ResourceClaimRow| row.consumers().map(|(_, uid)| uid.clone()).collect();
            let [old_pools, new_pools]: [Vec<PoolKey>; 2] = [old, new].map(|row| row.map_or_else(Vec::new, pools));
            let [old_pods, new_pods]: [Vec<Uid>; 2] = [old, new].map(|row| row.map_or_else(Vec::new, pods));
            reindex_all(by_pool, slot, Some(old_pools.iter()), Some(new_pools.iter()));
            reindex_all(by_pod, slot, Some(old_pods.iter()), Some(new_pods.iter()));
        });
        for claim in touched {
            let pools = claim.devices.iter().map(|device| &device.pool);
            let nodes = pools.flat_map(|pool| self.slices_of_pool(pool)).flat_map(ResourceSliceRow::nodes);
            changed.nodes.extend(nodes.cloned());
            self.note_consumers(&claim, changed);
        }
    }

    /// The pods of a claim: their Nodes and Jobs.
    fn note_consumers(&self, claim: &ResourceClaimRow, changed: &mut Changed) {
        for pod in self.consumers(claim) {
            changed.nodes.extend(pod.node.clone());
            changed.jobs.extend(job_uid(pod).cloned());
        }
    }

    /// The ResourceSlices with devices of a Node, and those of them that have none left.
    pub fn slices_on<'a>(&'a self, node: &str) -> impl Iterator<Item = &'a ResourceSliceRow> {
        self.slices_by_node.get(node).into_iter().flatten().filter_map(|slot| self.resource_slices.at(*slot))
    }

    /// The ResourceSlices of a pool, outdated ones included.
    pub fn slices_of_pool<'a>(&'a self, pool: &PoolKey) -> impl Iterator<Item = &'a ResourceSliceRow> {
        self.slices_by_pool.get(pool).into_iter().flatten().filter_map(|slot| self.resource_slices.at(*slot))
    }

    /// The ResourceClaims that have devices of a pool.
    pub fn resource_claims_of_pool<'a>(&'a self, pool: &PoolKey) -> impl Iterator<Item = &'a ResourceClaimRow> {
        let slots = self.resource_claims_by_pool.get(pool).into_iter().flatten();
        slots.filter_map(|slot| self.resource_claims.at(*slot))
    }

    /// The ResourceClaims that are reserved for a pod, or were made for it: those of which it is one of the
    /// [`Fleet::consumers`].
    pub fn resource_claims_of_pod<'a>(&'a self, pod: &'a PodRow) -> impl Iterator<Item = &'a ResourceClaimRow> {
        let Meta { key, uid, .. } = &pod.meta;
        let is_it = move |(name, other): (&Sym, &Uid)| *name == key.name && other == uid;
        let claims = self.resource_claims_of_uid(uid);
        claims.filter(move |claim| claim.meta.key.namespace == key.namespace && claim.consumers().any(is_it))
    }

    fn resource_claims_of_uid<'a>(&'a self, uid: &Uid) -> impl Iterator<Item = &'a ResourceClaimRow> {
        let slots = self.resource_claims_by_pod.get(uid).into_iter().flatten();
        slots.filter_map(|slot| self.resource_claims.at(*slot))
    }

    /// The pods that share in what a claim has, in its order; those that are gone or are others of the same name left out.
    pub fn consumers<'a>(&'a self, claim: &'a ResourceClaimRow) -> impl Iterator<Item = &'a PodRow> {
        claim.consumers().filter_map(|(name, uid)| {
            let key = ObjectKey { namespace: claim.meta.key.namespace.clone(), name: name.clone() };
            self.pods.get(&key).filter(|pod| pod.meta.uid == *uid)
        })
    }

    /// The Node that has a claimed device: the one that its ResourceSlice names, else the only one of its pool, else that of
    /// the first pod of the claim that has one.
    pub fn node_of_device<'a>(&'a self, claim: &'a ResourceClaimRow, claimed: &ClaimedDevice) -> Option<&'a Sym> {
        let slices = || self.slices_of_pool(&claimed.pool);
        let newest = slices().map(|slice| slice.generation).max();
        let listed = slices().filter(|slice| Some(slice.generation) == newest).find_map(|slice| {
            let device = slice.devices.iter().find(|device| device.name == claimed.device)?;
            slice.node_of(device)
        });
        let nodes = || slices().flat_map(ResourceSliceRow::nodes);
        let only = || nodes().min().filter(|first| nodes().max() == Some(*first));
        listed.or_else(only).or_else(|| self.consumers(claim).find_map(|pod| pod.node.as_ref()))
    }

    /// The pods bound to a Node, finished ones included.
    pub fn pods_on<'a>(&'a self, node: &str) -> impl Iterator<Item = &'a PodRow> {
        self.pods_by_node.get(node).into_iter().flatten().filter_map(|slot| self.pods.at(*slot))
    }

    /// The pods of a gang, in no order.
    pub fn pods_of_gang(&self, gang: &GangKey) -> impl Iterator<Item = &PodRow> {
        self.pods_by_gang.get(gang).into_iter().flatten().filter_map(|slot| self.pods.at(*slot))
    }

    /// The pods whose controller is this Job.
    pub fn pods_of_job<'a>(&'a self, uid: &Uid) -> impl Iterator<Item = &'a PodRow> {
        self.pods_by_job.get(uid).into_iter().flatten().filter_map(|slot| self.pods.at(*slot))
    }

    /// The pods that carry `karpenter.sh/do-not-disrupt`, whatever its value, by key.
    pub fn annotated_pods(&self) -> impl Iterator<Item = &PodRow> {
        self.annotated_pods.iter().filter_map(|key| self.pods.get(key))
    }

    /// The NodeClaim behind a Node: by providerID as Karpenter joins them, else by `status.nodeName` unless both have
    /// a providerID (names are used again, and an old NodeClaim may still be there). Of several the newest.
    pub fn claim_of(&self, node: &NodeRow) -> Option<&NodeClaimRow> {
        let rows = |slots: Option<&'_ Slots>| newest(slots, &self.node_claims);
        rows(node.provider().and_then(|id| self.claims_by_provider.get(id))).or_else(|| {
            rows(self.claims_by_node_name.get(&node.meta.key.name)).filter(|claim| same_machine(claim, node))
        })
    }

    /// The Node of a NodeClaim, joined as in [`Self::claim_of`]; `None` before it registers.
    pub fn node_of(&self, claim: &NodeClaimRow) -> Option<&NodeRow> {
        let joined = claim.provider().and_then(|id| self.nodes_by_provider.get(id));
        newest(joined, &self.nodes).or_else(|| {
            let key = ObjectKey { namespace: Sym::new(""), name: claim.node_name.clone()? };
            self.nodes.get(&key).filter(|node| same_machine(claim, node))
        })
    }

    /// The Workload that Kueue has made for a Job; of several the newest, which has taken the place of the others.
    pub fn workload_of(&self, job: &JobRow) -> Option<&WorkloadRow> {
        newest(self.workloads_by_job.get(&job.meta.uid), &self.workloads)
    }

    /// The Workload that Kueue has made for something else than a Job, such as a JobSet or a pod, by the uid of that; of
    /// several the newest.
    pub fn workload_of_other(&self, owner: &Uid) -> Option<&WorkloadRow> {
        newest(self.workloads_by_other.get(owner), &self.workloads)
    }

    /// Whether a NodeClaim that is gone was launched before; `None` where nobody knows.
    pub fn was_launched(&self, claim: &str) -> Option<bool> {
        self.launches.was_launched(claim)
    }

    /// A Job by its uid.
    pub fn job(&self, uid: &Uid) -> Option<&JobRow> {
        self.jobs.at(*self.job_by_uid.get(uid)?)
    }

    /// A DeviceClass by its name.
    pub fn device_class(&self, name: &str) -> Option<&DeviceClassRow> {
        self.device_classes.get(&ObjectKey::cluster(name))
    }

    /// A Node by its name.
    pub fn node(&self, name: &str) -> Option<&NodeRow> {
        self.nodes.get(&ObjectKey::cluster(name))
    }
}

/// The Job that controls a pod.
fn job_uid(pod: &PodRow) -> Option<&Uid> {
    pod.job_owner().map(|owner| &owner.uid)
}

/// For a kind without indices.
fn apply_plain<R: Row>(table: &mut Table<R>, changes: Vec<Change<R>>, kind: Kind, changed: &mut Changed) {
    if !changes.is_empty() {
        changed.kinds.insert(kind);
    }
    changes.into_iter().for_each(|change| table.apply(change, |_, _, _| ()));
}

fn reindex<K: Eq + std::hash::Hash + Clone>(index: &mut Index<K>, slot: Slot, old: Option<&K>, new: Option<&K>) {
    if old == new {
        return;
    }
    if let Some(old) = old
        && let Some(bucket) = index.get_mut(old)
    {
        bucket.remove(&slot);
        if bucket.is_empty() {
            index.remove(old);
        }
    }
    if let Some(new) = new {
        index.entry(new.clone()).or_default().insert(slot);
    }
}

/// The same for rows that stand under several keys.
fn reindex_all<'k, K, I>(index: &mut Index<K>, slot: Slot, old: Option<I>, new: Option<I>)
where
    K: Eq + std::hash::Hash + Clone + 'k,
    I: Iterator<Item = &'k K>,
{
    old.into_iter().flatten().for_each(|key| reindex(index, slot, Some(key), None));
    new.into_iter().flatten().for_each(|key| reindex(index, slot, None, Some(key)));
}

/// Whether a pod takes a part of devices that is told by their memory.
fn takes_memory(pod: &PodRow) -> bool {
    pod.requests.fraction.as_ref().is_some_and(|fraction| matches!(fraction.part, GpuPart::MemoryMib(_)))
}

/// The newest of these rows, of equally old ones the last by name.
fn newest<'a, R: Row>(slots: Option<&Slots>, table: &'a Table<R>) -> Option<&'a R> {
    slots?.iter().filter_map(|slot| table.at(*slot)).max_by_key(|row| (row.meta().created, &row.meta().key))
}

/// Whether nothing says that these are two machines.
fn same_machine(claim: &NodeClaimRow, node: &NodeRow) -> bool {
    claim.provider().zip(node.provider()).is_none_or(|(one, other)| one == other)
}
