//! State of the simulation, its changes, and the dispatch of events.

use std::collections::{BTreeMap, BTreeSet};

use super::cast::{CRONS, DEPLOYMENTS, POOL_RENDER, POOLS};
use super::clock::{Agenda, Sec, SimEvent};
use super::events::EventLog;
use super::model::{
    Amounts, Command, CommandId, EventId, Identity, Job, JobId, Machine, MachineId, PdbStatus, Pod, PodId,
};
use super::names;
use super::rng::Rng;
use crate::fleet::Kind;

/// Reference to an object of the simulation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Item {
    Node(MachineId),
    Claim(MachineId),
    Pool(usize),
    Pod(PodId),
    Job(JobId),
    /// The PodGroup of a Job whose pods run together or not at all.
    PodGroup(JobId),
    Cron(usize),
    Pdb(usize),
    Event(EventId),
    ReplicaSet(usize),
    Namespace(usize),
    NodeClass(usize),
    Controller,
}

impl Item {
    /// The kind of the object.
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Node(_) => Kind::Node,
            Self::Claim(_) => Kind::NodeClaim,
            Self::Pool(_) => Kind::NodePool,
            Self::Pod(_) => Kind::Pod,
            Self::Job(_) => Kind::Job,
            Self::PodGroup(_) => Kind::PodGroup,
            Self::Cron(_) => Kind::CronJob,
            Self::Pdb(_) => Kind::PodDisruptionBudget,
            Self::Event(_) => Kind::Event,
            Self::ReplicaSet(_) => Kind::ReplicaSet,
            Self::Namespace(_) => Kind::Namespace,
            Self::NodeClass(_) => Kind::Ec2NodeClass,
            Self::Controller => Kind::KarpenterDeployment,
        }
    }
}

/// An object that is gone: kind, namespace, name.
pub(super) type RemovedObject = (Kind, String, String);

/// State of a CronJob.
#[derive(Debug)]
pub(super) struct CronState {
    pub(super) identity: Identity,
    pub(super) last: Option<Sec>,
    pub(super) last_success: Option<Sec>,
    /// Active Jobs: name and uid.
    pub(super) active: Vec<(String, String)>,
}

/// State of a Deployment.
#[derive(Debug)]
pub(super) struct DeploymentState {
    pub(super) replica_set: Identity,
    pub(super) hash: String,
    pub(super) pdb: Option<(Identity, PdbStatus)>,
}

/// State of the simulation.
#[derive(Debug)]
pub(super) struct World {
    /// Start of the visible simulation.
    pub(super) start: Sec,
    /// Current simulated second.
    pub(super) now: Sec,
    pub(super) rng: Rng,
    pub(super) agenda: Agenda,
    pub(super) machines: BTreeMap<MachineId, Machine>,
    pub(super) pods: BTreeMap<PodId, Pod>,
    /// Pods by the machine that they are bound to.
    pub(super) bound: BTreeMap<MachineId, BTreeSet<PodId>>,
    pub(super) jobs: BTreeMap<JobId, Job>,
    pub(super) pools: Vec<Identity>,
    /// `status.resources` of each NodePool: machines and their capacity.
    pub(super) usage: Vec<(i64, Amounts)>,
    pub(super) crons: Vec<CronState>,
    pub(super) deployments: Vec<DeploymentState>,
    pub(super) namespaces: Vec<Identity>,
    pub(super) classes: Vec<Identity>,
    /// The current machine image of each kind, and since when it is current.
    pub(super) images: Vec<(String, Sec)>,
    pub(super) controller: Identity,
    pub(super) daemons: Vec<String>,
    pub(super) events: EventLog,
    pub(super) commands: BTreeMap<CommandId, Command>,
    /// The command that is in its validation wait; the loop does nothing else meanwhile.
    pub(super) validating: Option<CommandId>,
    /// Offerings that EC2 did not have, until when Karpenter leaves them alone.
    pub(super) unavailable: BTreeMap<(&'static str, &'static str), Sec>,
    pub(super) dirty: BTreeSet<Item>,
    pub(super) gone: Vec<RemovedObject>,
    version: u64,
    last_id: u32,
}

impl World {
    /// An empty world at `now`, which is before `start`.
    pub(super) fn new(seed: u64, start: Sec, now: Sec) -> Self {
        let mut world = Self {
            start,
            now,
            rng: Rng::new(seed),
            agenda: Agenda::default(),
            machines: BTreeMap::new(),
            pods: BTreeMap::new(),
            bound: BTreeMap::new(),
            jobs: BTreeMap::new(),
            pools: Vec::new(),
            usage: vec![(0, Amounts::default()); POOLS.len()],
            crons: Vec::new(),
            deployments: Vec::new(),
            namespaces: Vec::new(),
            classes: Vec::new(),
            images: Vec::new(),
            controller: Identity { uid: String::new(), created: now, version: 0, touched: now },
            daemons: Vec::new(),
            events: EventLog::default(),
            commands: BTreeMap::new(),
            validating: None,
            unavailable: BTreeMap::new(),
            dirty: BTreeSet::new(),
            gone: Vec::new(),
            version: 184_220_000,
            last_id: 0,
        };
        world.found();
        world
    }

    /// Runs all events up to `until`.
    pub(super) fn run_until(&mut self, until: Sec) {
        while let Some((at, event)) = self.agenda.next_until(until) {
            self.now = at;
            self.happen(event);
        }
        self.now = self.now.max(until);
    }

    fn happen(&mut self, event: SimEvent) {
        match event {
            SimEvent::Schedule => self.schedule_pods(),
            SimEvent::SyncJob(job) => self.sync_job(job),
            SimEvent::DeleteJob(job) => self.delete_job(job),
            SimEvent::SyncDeployment(deployment) => self.sync_deployment(deployment),
            SimEvent::Submit(entry) => self.submit(entry),
            SimEvent::Cron(cron) => self.run_cron(cron),
            SimEvent::Pod(pod, step) => self.step_pod(pod, step),
            SimEvent::Machine(machine, step) => self.step_machine(machine, step),
            SimEvent::Provision => self.provision(),
            SimEvent::Disrupt => self.disrupt(),
            SimEvent::Validate(command) => self.validate(command),
            SimEvent::Interrupt => self.interrupt(),
            SimEvent::ReleaseImage => self.release_image(),
            SimEvent::ForgetEvents => self.forget_events(),
        }
    }

    /// Schedules an event in `seconds`.
    pub(super) fn after(&mut self, seconds: i64, event: SimEvent) {
        self.agenda.enter(self.now + seconds.max(0), event);
    }

    /// Schedules an event in a random number of seconds of a range.
    pub(super) fn after_some(&mut self, seconds: (i64, i64), event: SimEvent) {
        let drawn = self.rng.between(seconds);
        self.after(drawn, event);
    }

    /// Schedules an event unless it is scheduled already.
    pub(super) fn once_after(&mut self, seconds: i64, event: SimEvent) {
        if !self.agenda.has((self.now, self.now + seconds), event) {
            self.after(seconds, event);
        }
    }

    /// An id that no other thing of the world has.
    pub(super) fn fresh_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }

    /// The identity of an object created at `created`.
    pub(super) fn identity(&mut self, created: Sec) -> Identity {
        self.version += 1;
        Identity { uid: names::uid(&mut self.rng), created, version: self.version, touched: self.now }
    }

    /// Records a change of an object: it gets a new resourceVersion.
    pub(super) fn touch(&mut self, item: Item) {
        self.version += 1;
        let (version, now) = (self.version, self.now);
        if let Some(identity) = self.identity_of(item) {
            identity.version = version;
            identity.touched = now;
        }
        self.dirty.insert(item);
    }

    fn identity_of(&mut self, item: Item) -> Option<&mut Identity> {
        match item {
            Item::Node(id) => Some(&mut self.machines.get_mut(&id)?.node.as_mut()?.identity),
            Item::Claim(id) => Some(&mut self.machines.get_mut(&id)?.claim.as_mut()?.identity),
            Item::Pool(at) => self.pools.get_mut(at),
            Item::Pod(id) => Some(&mut self.pods.get_mut(&id)?.identity),
            Item::Job(id) => Some(&mut self.jobs.get_mut(&id)?.identity),
            // It never changes.
            Item::PodGroup(_) => None,
            Item::Cron(at) => Some(&mut self.crons.get_mut(at)?.identity),
            Item::Pdb(at) => Some(&mut self.deployments.get_mut(at)?.pdb.as_mut()?.0),
            Item::Event(id) => self.events.identity(id),
            Item::ReplicaSet(at) => Some(&mut self.deployments.get_mut(at)?.replica_set),
            Item::Namespace(at) => self.namespaces.get_mut(at),
            Item::NodeClass(at) => self.classes.get_mut(at),
            Item::Controller => Some(&mut self.controller),
        }
    }

    /// Says that a machine's Node and NodeClaim changed, as far as they exist.
    pub(super) fn touch_machine(&mut self, id: MachineId) {
        self.touch_claim(id);
        if self.machines.get(&id).is_some_and(|machine| machine.node.is_some()) {
            self.touch(Item::Node(id));
        }
    }

    /// Says that a machine's NodeClaim changed, if it has one.
    pub(super) fn touch_claim(&mut self, id: MachineId) {
        if self.machines.get(&id).is_some_and(|machine| machine.claim.is_some()) {
            self.touch(Item::Claim(id));
        }
    }

    /// Records the removal of an object.
    pub(super) fn forget(&mut self, kind: Kind, namespace: &str, name: &str) {
        self.gone.push((kind, namespace.to_owned(), name.to_owned()));
    }

    /// The pods bound to a machine, finished ones included, in the order of their creation.
    pub(super) fn pods_on(&self, machine: MachineId) -> impl Iterator<Item = (PodId, &Pod)> {
        let ids = self.bound.get(&machine).into_iter().flatten();
        ids.filter_map(|id| Some((*id, self.pods.get(id)?)))
    }

    /// Puts a pod on a machine.
    pub(super) fn put(&mut self, id: PodId, machine: MachineId) {
        if let Some(pod) = self.pods.get_mut(&id) {
            pod.machine = Some(machine);
            self.bound.entry(machine).or_default().insert(id);
        }
    }

    /// Requests of the pods that take room on a machine, and how many they are.
    pub(super) fn used_on(&self, machine: MachineId) -> (Amounts, i64) {
        self.pods_on(machine)
            .filter(|(_, pod)| pod.holds_room())
            .fold((Amounts::default(), 0), |(sum, count), (_, pod)| (sum.plus(pod.template.requests), count + 1))
    }

    /// The identity of one entry of each static table.
    fn found(&mut self) {
        // The others come with the machines of the concentrated one.
        for _ in &POOLS[..POOL_RENDER] {
            let identity = self.identity(self.start - 212 * 86_400);
            self.pools.push(identity);
        }
        for _ in &CRONS {
            let identity = self.identity(self.start - 163 * 86_400);
            self.crons.push(CronState { identity, last: None, last_success: None, active: Vec::new() });
        }
        for deployment in &DEPLOYMENTS {
            let created = self.start - deployment.age_hours * 3600;
            let replica_set = self.identity(created);
            let pdb = deployment.pdb.as_ref().map(|_| (self.identity(created), PdbStatus::default()));
            let hash = names::template_hash(&mut self.rng);
            self.deployments.push(DeploymentState { replica_set, hash, pdb });
        }
        for _ in &super::cast::NAMESPACES {
            let identity = self.identity(self.start - 240 * 86_400);
            self.namespaces.push(identity);
        }
        for _ in 0..2 {
            let identity = self.identity(self.start - 212 * 86_400);
            self.classes.push(identity);
        }
        self.controller = self.identity(self.start - 19 * 86_400);
        for _ in &super::cast::DAEMONS {
            let uid = names::uid(&mut self.rng);
            self.daemons.push(uid);
        }
    }
}
