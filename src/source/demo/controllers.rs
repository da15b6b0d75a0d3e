//! The controllers of kube-controller-manager: DaemonSets, ReplicaSets, PodDisruptionBudgets.

use super::cast::{DAEMONS, DEPLOYMENTS, POOLS};
use super::clock::Sec;
use super::events::{EventText, Recorder, Subject};
use super::model::{Amounts, Keep, Machine, MachineId, PdbStatus, Pod, PodId, PodOwner, Pool, Template};
use super::names;
use super::world::{Item, World};

/// Requests and number of the DaemonSet pods on a node of a pool.
pub(super) fn daemon_overhead(pool: &Pool) -> (Amounts, i64) {
    DAEMONS
        .iter()
        .filter(|daemon| daemon.nodes.include(Some(pool)))
        .fold((Amounts::default(), 0), |(sum, count), daemon| (sum.plus(daemon.template.requests), count + 1))
}

/// A pod to be made.
pub(super) struct NewPod {
    pub(super) namespace: &'static str,
    /// Name up to the random suffix.
    pub(super) prefix: String,
    pub(super) owner: PodOwner,
    pub(super) template: &'static Template,
    pub(super) index: Option<i64>,
}

impl World {
    /// Creates a pod; the scheduler or its DaemonSet binds it.
    pub(super) fn create_pod(&mut self, new: &NewPod, created: Sec) -> PodId {
        let id = self.fresh_id();
        let name = format!("{}-{}", new.prefix, names::suffix(&mut self.rng));
        let identity = self.identity(created);
        let pod = Pod {
            identity,
            namespace: new.namespace,
            name,
            owner: new.owner,
            template: new.template,
            index: new.index,
            do_not_disrupt: new.template.do_not_disrupt.map(str::to_owned),
            machine: None,
            refused: None,
            nominated: None,
            scheduled: None,
            accepted: None,
            sandbox: None,
            pull_began: None,
            running: None,
            ready: None,
            finished: None,
            deleting: None,
            granted: 0,
            disrupted: None,
            run: 0,
        };
        self.pods.insert(id, pod);
        self.touch(Item::Pod(id));
        self.wake_scheduler();
        id
    }

    /// The DaemonSet controller puts its pods on a new node; the scheduler binds them in the same second.
    pub(super) fn start_daemons(&mut self, machine: MachineId) {
        for at in self.daemons_on(machine) {
            let id = self.create_daemon_pod(at, self.now);
            self.bind(id, machine);
        }
    }

    /// The DaemonSets that select a machine.
    pub(super) fn daemons_on(&self, machine: MachineId) -> Vec<usize> {
        let pool = self.machines.get(&machine).and_then(Machine::pool);
        let daemons = DAEMONS.iter().enumerate();
        daemons.filter(|(_, daemon)| daemon.nodes.include(pool)).map(|(at, _)| at).collect()
    }

    /// A pod of a DaemonSet, not bound yet.
    pub(super) fn create_daemon_pod(&mut self, at: usize, created: Sec) -> PodId {
        let daemon = &DAEMONS[at];
        let new = NewPod {
            namespace: daemon.namespace,
            prefix: daemon.name.to_owned(),
            owner: PodOwner::Daemon(at),
            template: &daemon.template,
            index: None,
        };
        self.create_pod(&new, created)
    }

    /// Whether a machine belongs to a pool of GPU nodes.
    pub(super) fn is_gpu_node(&self, machine: MachineId) -> bool {
        self.machines
            .get(&machine)
            .and_then(|machine| machine.claim.as_ref())
            .is_some_and(|claim| POOLS[claim.pool].gpu)
    }

    /// The ReplicaSet controller makes up for pods that are going.
    pub(super) fn sync_deployment(&mut self, at: usize) {
        let Some(deployment) = DEPLOYMENTS.get(at) else { return };
        let active = self.pods.values().filter(|pod| pod.owner == PodOwner::Deployment(at) && pod.is_active()).count();
        for _ in active..usize::try_from(deployment.replicas).unwrap_or(0) {
            let id = self.create_replica(at, self.now);
            let name = self.pods.get(&id).map(|pod| pod.name.clone()).unwrap_or_default();
            if let Some(subject) = self.replica_set_subject(at) {
                let text = EventText::normal("SuccessfulCreate", format!("Created pod: {name}"));
                self.record(Recorder::ReplicaSets, subject, text);
            }
        }
        self.touch(Item::ReplicaSet(at));
        self.refresh_pdb(at);
    }

    /// A pod of a Deployment, not bound yet.
    pub(super) fn create_replica(&mut self, at: usize, created: Sec) -> PodId {
        let deployment = &DEPLOYMENTS[at];
        let new = NewPod {
            namespace: deployment.namespace,
            prefix: self.replica_set_name(at),
            owner: PodOwner::Deployment(at),
            template: &deployment.template,
            index: None,
        };
        self.create_pod(&new, created)
    }

    /// Name of a Deployment's ReplicaSet.
    pub(super) fn replica_set_name(&self, at: usize) -> String {
        let name = DEPLOYMENTS.get(at).map_or("", |deployment| deployment.name);
        let hash = self.deployments.get(at).map_or("", |state| state.hash.as_str());
        format!("{name}-{hash}")
    }

    fn replica_set_subject(&self, at: usize) -> Option<Subject> {
        Some(Subject {
            api_version: "apps/v1",
            kind: "ReplicaSet",
            namespace: DEPLOYMENTS.get(at)?.namespace.to_owned(),
            name: self.replica_set_name(at),
            uid: self.deployments.get(at)?.replica_set.uid.clone(),
            field: None,
        })
    }

    /// The disruption controller counts the healthy pods of a budget.
    pub(super) fn refresh_pdb(&mut self, at: usize) {
        let Some(pdb) = DEPLOYMENTS.get(at).and_then(|deployment| deployment.pdb.as_ref()) else { return };
        let healthy =
            self.pods.values().filter(|pod| pod.owner == PodOwner::Deployment(at) && pod.is_healthy()).count();
        let healthy = i64::try_from(healthy).unwrap_or(i64::MAX);
        let expected = DEPLOYMENTS[at].replicas;
        let desired = match pdb.keep {
            Keep::MinAvailable(pods) => pods,
            Keep::MaxUnavailable(pods) => (expected - pods).max(0),
        };
        let status = PdbStatus { expected, healthy, desired, allowed: (healthy - desired).max(0) };
        let Some((_, old)) = self.deployments.get_mut(at).and_then(|state| state.pdb.as_mut()) else { return };
        if *old != status {
            *old = status;
            self.touch(Item::Pdb(at));
        }
    }

    /// What the API server says of a pod that its budget keeps (kubernetes pkg/registry/core/pod/storage/eviction.go).
    pub(super) fn budget_words(&self, pod: &Pod) -> String {
        let budget = match pod.owner {
            PodOwner::Deployment(at) => DEPLOYMENTS
                .get(at)
                .and_then(|deployment| deployment.pdb.as_ref())
                .zip(self.deployments.get(at).and_then(|state| state.pdb.as_ref()).map(|(_, status)| status)),
            _ => None,
        };
        let counts = budget.map_or_else(String::new, |(pdb, status)| {
            let (name, desired, healthy) = (pdb.name, status.desired, status.healthy);
            format!(" The disruption budget {name} needs {desired} healthy pods and has {healthy} currently")
        });
        format!("Cannot evict pod as it would violate the pod's disruption budget.{counts}")
    }

    /// Whether the eviction API would let a pod go now.
    pub(super) fn eviction_allowed(&self, pod: &Pod) -> bool {
        let PodOwner::Deployment(at) = pod.owner else { return true };
        let Some((_, status)) = self.deployments.get(at).and_then(|state| state.pdb.as_ref()) else { return true };
        status.allowed > 0
    }
}
