//! The initial state of the simulation: running machines with services and long Jobs.

use std::collections::BTreeMap;

use super::cast::{
    CRONS, DEPLOY_API, DEPLOY_EMBEDDER, DEPLOY_INGRESS, DEPLOY_KARPENTER, DEPLOY_OCR, DEPLOY_RERANKER, DEPLOY_TRITON,
    DEPLOY_VECTORS, JOB_BILLING, JOB_EMBED, JOB_PRETRAIN, JOB_RENDER, JOB_REWARD, JOBS, NOTEBOOK, POOL_CPU, POOL_GPU,
    POOL_MIG, POOL_NOTEBOOKS, POOL_OCR, POOL_RENDER, POOL_RESERVED, POOL_STATIC, POOLS, PROGRAMME, SHARED_NOTEBOOK,
};
use super::catalog::instance_type;
use super::clock::{MachineStep, PodStep, Sec, SimEvent};
use super::controllers::{NewPod, daemon_overhead};
use super::karpenter::provisioning::MachineRequest;
use super::model::{Amounts, Capacity, JobId, Machine, MachineId, Node, PodId, PodOwner, Template};
use super::names;
use super::rng::Rng;
use super::world::World;

/// Seconds of history that are played before the start, so that Events and finished Jobs exist.
pub(super) const HISTORY: i64 = 9000;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Pods on a machine of the initial state; times in seconds before the start.
enum OldPods {
    /// This many pods of a Deployment.
    Service(usize, i64),
    /// A pod of a Job, started that long ago.
    Work(usize, Option<i64>, i64),
    /// A user's notebook with its annotation, if it has one, started that long ago.
    Notebook(&'static Template, &'static str, Option<&'static str>, i64),
}

/// A machine of the initial state.
struct OldMachine {
    kind: &'static str,
    capacity: Capacity,
    /// `None`: the managed node group.
    pool: Option<usize>,
    age: i64,
    /// `karpenter.sh/do-not-disrupt` on the Node.
    note: Option<&'static str>,
    crew: &'static [OldPods],
}

const fn old(kind: &'static str, capacity: Capacity, pool: usize, age: i64, crew: &'static [OldPods]) -> OldMachine {
    OldMachine { kind, capacity, pool: Some(pool), age, note: None, crew }
}

const SYSTEM: &[OldPods] = &[
    OldPods::Service(DEPLOY_KARPENTER, 1),
    OldPods::Service(DEPLOY_KARPENTER + 1, 1),
    OldPods::Service(DEPLOY_KARPENTER + 2, 1),
    OldPods::Service(DEPLOY_KARPENTER + 3, 1),
];

const PRETRAIN_AGE: i64 = 11 * HOUR + 540;

const fn pretrain(first: i64) -> [OldPods; 2] {
    let start = PRETRAIN_AGE - 160;
    [OldPods::Work(JOB_PRETRAIN, Some(first), start), OldPods::Work(JOB_PRETRAIN, Some(first + 1), start)]
}

static OLD: &[OldMachine] = &[
    OldMachine { pool: None, ..old("m7i.xlarge", Capacity::OnDemand, 0, 33 * DAY, SYSTEM) },
    OldMachine { pool: None, ..old("m7i.xlarge", Capacity::OnDemand, 0, 33 * DAY - 95, SYSTEM) },
    old(
        "m7i.2xlarge",
        Capacity::OnDemand,
        POOL_CPU,
        14 * DAY + 2500,
        &[OldPods::Service(DEPLOY_INGRESS, 2), OldPods::Service(DEPLOY_API, 4)],
    ),
    old(
        "m7i.2xlarge",
        Capacity::OnDemand,
        POOL_CPU,
        9 * DAY + 9900,
        &[OldPods::Service(DEPLOY_INGRESS, 1), OldPods::Service(DEPLOY_API, 4)],
    ),
    old("c7i.2xlarge", Capacity::OnDemand, POOL_CPU, 22 * HOUR + 800, &[OldPods::Service(DEPLOY_API, 4)]),
    old(
        "m7i.xlarge",
        Capacity::OnDemand,
        POOL_CPU,
        27 * HOUR + 1900,
        &[
            OldPods::Service(DEPLOY_KARPENTER + 4, 1),
            OldPods::Service(DEPLOY_KARPENTER + 5, 1),
            OldPods::Service(DEPLOY_KARPENTER + 6, 1),
            OldPods::Service(DEPLOY_API + 1, 4),
            OldPods::Service(DEPLOY_API + 2, 1),
        ],
    ),
    old("r7i.2xlarge", Capacity::Spot, POOL_CPU, 5 * DAY + 4000, &[OldPods::Work(JOB_BILLING, None, 5 * HOUR)]),
    old("p5.48xlarge", Capacity::OnDemand, POOL_GPU, PRETRAIN_AGE, &pretrain(0)),
    old("p5.48xlarge", Capacity::OnDemand, POOL_GPU, PRETRAIN_AGE, &pretrain(2)),
    old("p5.48xlarge", Capacity::OnDemand, POOL_GPU, PRETRAIN_AGE - 1, &pretrain(4)),
    old("p5.48xlarge", Capacity::OnDemand, POOL_GPU, PRETRAIN_AGE - 1, &pretrain(6)),
    // Expires 40 minutes after the start, with two training pods on it.
    old("g5.12xlarge", Capacity::Spot, POOL_GPU, 30 * DAY - 2400, &[OldPods::Work(JOB_REWARD, None, 12_060)]),
    old("g5.48xlarge", Capacity::OnDemand, POOL_GPU, 3 * DAY + 4 * HOUR, &[OldPods::Service(DEPLOY_VECTORS, 2)]),
    old(
        "g5.2xlarge",
        Capacity::OnDemand,
        POOL_GPU,
        6 * DAY + 7000,
        &[OldPods::Notebook(&NOTEBOOK, "jupyter-mkowalski", Some("true"), 6 * DAY + 6700)],
    ),
    old(
        "g5.xlarge",
        Capacity::Spot,
        POOL_GPU,
        21 * HOUR + 1100,
        &[OldPods::Notebook(&NOTEBOOK, "jupyter-adas", Some("1d"), 21 * HOUR + 700)],
    ),
    old("g6.12xlarge", Capacity::OnDemand, POOL_STATIC, 7 * DAY + 20 * HOUR, &[OldPods::Service(DEPLOY_TRITON, 2)]),
    old("g6.12xlarge", Capacity::OnDemand, POOL_STATIC, 7 * DAY + 20 * HOUR - 2, &[OldPods::Service(DEPLOY_TRITON, 2)]),
    old("p4d.24xlarge", Capacity::Reserved, POOL_RESERVED, 12 * DAY + 3000, &[OldPods::Work(JOB_EMBED, None, 15_300)]),
    OldMachine { note: Some("true"), ..old("p4d.24xlarge", Capacity::Reserved, POOL_RESERVED, 12 * DAY + 3010, &[]) },
    old(
        "p5.4xlarge",
        Capacity::OnDemand,
        POOL_MIG,
        5 * DAY + 3100,
        &[OldPods::Service(DEPLOY_EMBEDDER, 2), OldPods::Service(DEPLOY_RERANKER, 1)],
    ),
    old("g6.2xlarge", Capacity::OnDemand, POOL_NOTEBOOKS, 3 * DAY + 1900, SHARED_NOTEBOOKS),
    old("g4dn.2xlarge", Capacity::OnDemand, POOL_OCR, 6 * DAY + 4400, &[OldPods::Service(DEPLOY_OCR, 1)]),
];

/// Spot nodes of one type in one zone.
static CONCENTRATED: [OldMachine; 4] = [
    old("g6.2xlarge", Capacity::Spot, POOL_RENDER, 2 * DAY + 5100, &[OldPods::Work(JOB_RENDER, None, 27 * HOUR + 600)]),
    old("g6.2xlarge", Capacity::Spot, POOL_RENDER, 2 * DAY + 5098, &[OldPods::Work(JOB_RENDER, None, 27 * HOUR + 600)]),
    old(
        "g6.2xlarge",
        Capacity::Spot,
        POOL_RENDER,
        27 * HOUR + 900,
        &[OldPods::Work(JOB_RENDER, None, 27 * HOUR + 600)],
    ),
    old(
        "g6.2xlarge",
        Capacity::Spot,
        POOL_RENDER,
        27 * HOUR + 890,
        &[OldPods::Work(JOB_RENDER, None, 27 * HOUR + 600)],
    ),
];

/// The zone in which they all are.
const CONCENTRATED_ZONE: usize = 1;

/// Their chance is their own: what else happens in the demo does not depend on whether they are there.
const CONCENTRATED_SEED: u64 = 0x5b07_b007;

const SHARED_NOTEBOOKS: &[OldPods] = &[
    OldPods::Notebook(&SHARED_NOTEBOOK, "jupyter-lchen", None, 3 * DAY + 1500),
    OldPods::Notebook(&SHARED_NOTEBOOK, "jupyter-okafor", None, 28 * HOUR),
    OldPods::Notebook(&SHARED_NOTEBOOK, "jupyter-priya", None, 5 * HOUR + 700),
];

/// When the current machine image of each kind was released, before the start.
const IMAGE_AGES: [i64; 2] = [31 * HOUR, 8 * DAY + 5 * HOUR];

impl World {
    /// Creates the initial state and schedules the events to come.
    pub(super) fn populate(&mut self) {
        let former: Vec<String> = IMAGE_AGES.iter().map(|_| names::image_id(&mut self.rng)).collect();
        for age in IMAGE_AGES {
            let image = names::image_id(&mut self.rng);
            self.images.push((image, self.start - age));
        }
        let mut jobs = BTreeMap::new();
        for old in OLD {
            let id = self.place_machine(old, &former);
            for crew in old.crew {
                self.place_crew(id, old, crew, &mut jobs);
            }
        }
        self.place_concentrated(&former, &mut jobs);
        for at in 0..self.deployments.len() {
            self.refresh_pdb(at);
        }
        for job in jobs.values() {
            self.recount_job(*job);
        }
        for pool in 0..POOLS.len() {
            self.recount_pool(pool);
        }
        self.enter_programme();
    }

    /// A NodePool with nodes in one zone.
    fn place_concentrated(&mut self, former: &[String], jobs: &mut BTreeMap<usize, JobId>) {
        let chance = std::mem::replace(&mut self.rng, Rng::new(CONCENTRATED_SEED));
        for _ in POOL_RENDER..POOLS.len() {
            let pool = self.identity(self.start - 90 * DAY);
            self.pools.push(pool);
        }
        let class = self.identity(self.start - 20 * DAY);
        self.classes.push(class);
        for old in &CONCENTRATED {
            let id = self.place_machine(old, former);
            for crew in old.crew {
                self.place_crew(id, old, crew, jobs);
            }
        }
        self.rng = chance;
    }

    fn enter_programme(&mut self) {
        for (at, entry) in PROGRAMME.iter().enumerate() {
            self.agenda.enter(self.start + entry.at, SimEvent::Submit(at));
        }
        for (at, cron) in CRONS.iter().enumerate() {
            let next = (self.now - cron.phase).div_euclid(cron.every) * cron.every + cron.every + cron.phase;
            self.agenda.enter(next, SimEvent::Cron(at));
        }
        for seconds in [-1500, -4, 420] {
            self.agenda.enter(self.start + seconds, SimEvent::Interrupt);
        }
        self.agenda.enter(self.start + 900, SimEvent::ReleaseImage);
        self.after(3, SimEvent::Disrupt);
        self.after(60, SimEvent::ForgetEvents);
    }

    /// A machine that started without errors.
    fn place_machine(&mut self, old: &OldMachine, former: &[String]) -> MachineId {
        let created = self.start - old.age;
        let id = match old.pool {
            Some(pool) => self.place_claimed(old, pool, created, former),
            None => self.place_unmanaged(old),
        };
        let boot = if old.pool.is_some_and(|pool| POOLS[pool].gpu) { 58 } else { 34 };
        let identity = self.identity(created + boot);
        let joined = created + boot;
        if let Some(machine) = self.machines.get_mut(&id) {
            let devices = if machine.kind.gpu.is_some() { joined + 41 } else { joined };
            machine.node = Some(Node {
                identity,
                ready: Some(joined + 14),
                devices: Some(devices),
                disrupted: false,
                cordoned: false,
                deleting: None,
                do_not_disrupt: old.note.map(str::to_owned),
                images: Vec::new(),
                pulling: BTreeMap::new(),
            });
        }
        self.touch_machine(id);
        self.place_daemons(id, joined);
        id
    }

    fn place_unmanaged(&mut self, old: &OldMachine) -> MachineId {
        let id = self.fresh_id();
        let machine = self.build_machine(id, instance_type(old.kind), old.capacity);
        self.machines.insert(id, machine);
        id
    }

    fn place_claimed(&mut self, old: &OldMachine, pool: usize, created: Sec, former: &[String]) -> MachineId {
        let kind = instance_type(old.kind);
        let spec = &POOLS[pool];
        let (daemons, count) = daemon_overhead(spec);
        let (requests, pods) = first_requests(old, (daemons, count), kind.allocatable());
        let planned = MachineRequest { pool, kind, capacity: old.capacity, requests, pods, choices: vec![old.kind] };
        let id = self.build_claimed(&planned);
        if pool == POOL_RENDER {
            self.move_to_zone(id, CONCENTRATED_ZONE);
        }
        let images = spec.class().images;
        let released = self.images.get(images).map_or(0, |(_, at)| *at);
        let slow = if spec.gpu { 104 } else { 51 };
        let (jitter, check) = (self.rng.between((20, 280)), self.rng.between((0, 299)));
        if let Some(claim) = self.machines.get_mut(&id).and_then(|machine: &mut Machine| machine.claim.as_mut()) {
            claim.identity.created = created;
            claim.launched = Some(created + 3);
            claim.registered = Some(created + if spec.gpu { 60 } else { 35 });
            claim.initialized = Some(created + slow);
            claim.consistent = Some(created + slow);
            claim.last_pod_event = (!old.crew.is_empty()).then_some(created + slow + 2);
            claim.nominated_until = created + slow + 20;
            if created < released {
                claim.image = former.get(images).cloned().unwrap_or_default();
                claim.drifted = Some(released + jitter);
            }
        }
        self.after(check, SimEvent::Machine(id, MachineStep::CheckDrift));
        if let Some(seconds) = spec.expire_after {
            self.agenda.enter(created + seconds, SimEvent::Machine(id, MachineStep::Expire));
        }
        id
    }

    /// Puts a machine that is being placed into a zone.
    fn move_to_zone(&mut self, id: MachineId, zone: usize) {
        let address = self.free_address(zone);
        if let Some(machine) = self.machines.get_mut(&id) {
            machine.zone = zone;
            machine.name = names::node_name(&address);
            machine.address = address;
        }
    }

    /// The DaemonSets' pods, running since the node came.
    fn place_daemons(&mut self, machine: MachineId, joined: Sec) {
        for at in self.daemons_on(machine) {
            let pod = self.create_daemon_pod(at, joined);
            self.settle(pod, machine, joined, 9);
        }
    }

    fn place_crew(&mut self, machine: MachineId, old: &OldMachine, crew: &OldPods, jobs: &mut BTreeMap<usize, JobId>) {
        match crew {
            OldPods::Service(at, pods) => {
                for _ in 0..*pods {
                    // A service's pods are as old as its template or its node, whichever is younger.
                    let hours = super::cast::DEPLOYMENTS.get(*at).map_or(0, |deployment| deployment.age_hours);
                    let created = self.start - (hours * HOUR - 40).min(old.age - 150);
                    let pod = self.create_replica(*at, created);
                    self.settle(pod, machine, created + 1, 25);
                }
            }
            OldPods::Work(job, index, ago) => self.place_work(machine, (*job, *index, *ago), jobs),
            OldPods::Notebook(template, name, note, ago) => self.place_notebook(machine, template, (name, *note), *ago),
        }
    }

    fn place_work(&mut self, machine: MachineId, work: (usize, Option<i64>, i64), jobs: &mut BTreeMap<usize, JobId>) {
        let (at, index, ago) = work;
        let spec = &JOBS[at];
        let created = self.start - ago;
        let submitted = created - if at == JOB_PRETRAIN { 150 } else { 1 };
        let id = match jobs.get(&at) {
            Some(id) => *id,
            None => self.create_job(spec, spec.name.to_owned(), None, submitted),
        };
        jobs.insert(at, id);
        if let Some(job) = self.jobs.get_mut(&id) {
            job.started = Some(submitted);
        }
        let pod = self.create_pod_of_job(id, spec, spec.name, index, submitted);
        self.settle(pod, machine, created, 380);
        let run = self.rng.between(spec.run);
        let Some(began) = self.pods.get_mut(&pod).and_then(|pod| {
            pod.run = run;
            pod.running
        }) else {
            return;
        };
        self.agenda.enter((began + run).max(self.now + 60), SimEvent::Pod(pod, PodStep::Finish));
    }

    fn place_notebook(
        &mut self,
        machine: MachineId,
        template: &'static Template,
        (name, note): (&str, Option<&str>),
        ago: i64,
    ) {
        let new =
            NewPod { namespace: "research", prefix: name.to_owned(), owner: PodOwner::User, template, index: None };
        let created = self.start - ago;
        let id = self.create_pod(&new, created);
        if let Some(pod) = self.pods.get_mut(&id) {
            name.clone_into(&mut pod.name);
            pod.do_not_disrupt = note.map(str::to_owned);
        }
        self.settle(id, machine, created + 1, 150);
    }

    /// Makes a pod one that was bound at `bound` and has long been running; `pull` seconds went to its image.
    fn settle(&mut self, id: PodId, machine: MachineId, bound: Sec, pull: i64) {
        self.put(id, machine);
        let Some(pod) = self.pods.get_mut(&id) else { return };
        let running = bound + 3 + pull;
        pod.scheduled = Some(bound);
        pod.accepted = Some(bound);
        pod.sandbox = Some(bound + 2);
        pod.running = Some(running);
        pod.ready = Some(running + pod.template.warm.1);
        let image = pod.template.image;
        if let Some(node) = self.machines.get_mut(&machine).and_then(|machine| machine.node.as_mut())
            && !node.images.contains(&image)
        {
            node.images.push(image);
        }
    }
}

/// What a machine was made for: the DaemonSets' pods, and as many others as fit on whole GPUs. Karpenter does not know in how
/// many units a device plugin advertises a GPU; more pods come when it has.
fn first_requests(old: &OldMachine, daemons: (Amounts, i64), room: Amounts) -> (Amounts, i64) {
    crew_requests(old).fold(daemons, |(sum, pods), template| {
        let more = sum.plus(template.requests);
        if more.fits(room) { (more, pods + 1) } else { (sum, pods) }
    })
}

/// The templates of the pods of a machine.
fn crew_requests(old: &OldMachine) -> impl Iterator<Item = &'static Template> {
    old.crew.iter().flat_map(|crew| match crew {
        OldPods::Service(at, pods) => {
            let template = &super::cast::DEPLOYMENTS[*at].template;
            vec![template; usize::try_from(*pods).unwrap_or(0)]
        }
        OldPods::Work(job, _, _) => vec![&JOBS[*job].template],
        OldPods::Notebook(template, ..) => vec![*template],
    })
}
