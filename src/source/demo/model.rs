//! The state of the simulated cluster: what the objects are rendered from.
//!
//! Conditions are not stored: a moment that has come (`Some(second)`) is what makes a condition true, so conditions and
//! their times cannot contradict one another.

use std::collections::BTreeMap;

use super::cast::{CLASSES, POOLS};
use super::catalog::{Image, InstanceType, MIG_PROFILES};
use super::clock::Sec;

pub(super) type MachineId = u32;
pub(super) type PodId = u32;
pub(super) type JobId = u32;
pub(super) type CommandId = u32;
pub(super) type EventId = u32;

/// Amounts of what pods request and nodes offer; memory in MiB.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Amounts {
    /// Thousandths of a core.
    pub(super) cpu: i64,
    /// Memory in MiB.
    pub(super) memory: i64,
    /// `nvidia.com/gpu`.
    pub(super) gpu: i64,
    /// `vpc.amazonaws.com/efa`.
    pub(super) efa: i64,
    /// Instances of each of [`MIG_PROFILES`].
    pub(super) mig: MigInstances,
}

/// How many instances of each of [`MIG_PROFILES`].
pub(super) type MigInstances = [i64; MIG_PROFILES.len()];

const NO_INSTANCES: MigInstances = [0; MIG_PROFILES.len()];

impl Amounts {
    /// CPU and memory only.
    pub(super) const fn plain(cpu: i64, memory: i64) -> Self {
        Self::with_gpu(cpu, memory, 0)
    }

    /// Requests of a pod with GPUs and without EFA.
    pub(super) const fn with_gpu(cpu: i64, memory: i64, gpu: i64) -> Self {
        Self { cpu, memory, gpu, efa: 0, mig: NO_INSTANCES }
    }

    /// Requests of a pod with MIG instances and without EFA.
    pub(super) const fn with_mig(cpu: i64, memory: i64, mig: MigInstances) -> Self {
        Self { mig, ..Self::plain(cpu, memory) }
    }

    /// The sum of both.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            cpu: self.cpu + other.cpu,
            memory: self.memory + other.memory,
            gpu: self.gpu + other.gpu,
            efa: self.efa + other.efa,
            mig: std::array::from_fn(|profile| self.mig[profile] + other.mig[profile]),
        }
    }

    /// Difference; parts may become negative.
    pub(super) fn minus(self, other: Self) -> Self {
        Self {
            cpu: self.cpu - other.cpu,
            memory: self.memory - other.memory,
            gpu: self.gpu - other.gpu,
            efa: self.efa - other.efa,
            mig: std::array::from_fn(|profile| self.mig[profile] - other.mig[profile]),
        }
    }

    /// Whether every part of `self` is within `room`.
    pub(super) fn fits(self, room: Self) -> bool {
        let are_within = self.mig.iter().zip(&room.mig).all(|(wanted, room)| wanted <= room);
        self.cpu <= room.cpu && self.memory <= room.memory && self.gpu <= room.gpu && self.efa <= room.efa && are_within
    }

    /// Whether any device is among them.
    pub(super) const fn has_devices(self) -> bool {
        self.gpu > 0 || !matches!(self.mig, NO_INSTANCES)
    }

    /// Without the devices, which are there only once their plugin has registered them.
    pub(super) const fn without_devices(self) -> Self {
        Self::plain(self.cpu, self.memory)
    }
}

/// The value of `karpenter.sh/capacity-type`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Capacity {
    Spot,
    OnDemand,
    Reserved,
}

impl Capacity {
    /// The value of label `karpenter.sh/capacity-type`.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Spot => "spot",
            Self::OnDemand => "on-demand",
            Self::Reserved => "reserved",
        }
    }
}

/// Placement constraint of the pods of a template.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Anywhere that is not reserved for others.
    Anywhere,
    /// On the managed node group, by label and toleration.
    System,
    /// On one NodePool.
    Pool(usize),
    /// On one instance type, of any pool but the reserved one.
    Type(&'static str),
    /// On on-demand capacity.
    OnDemand,
}

/// Pod template with the timing of its container.
#[derive(Debug)]
pub(super) struct Template {
    /// Name of the only container.
    pub(super) container: &'static str,
    /// Image of the only container.
    pub(super) image: &'static Image,
    /// Requests; limits of GPU, EFA and memory are equal to them.
    pub(super) requests: Amounts,
    /// Nodes on which the pod may run.
    pub(super) place: Place,
    /// Tolerates the taint of GPU nodes.
    pub(super) on_gpu_nodes: bool,
    /// `karpenter.sh/do-not-disrupt` in the template.
    pub(super) do_not_disrupt: Option<&'static str>,
    /// `terminationGracePeriodSeconds`.
    pub(super) grace: i64,
    /// Seconds from the start of the container to readiness.
    pub(super) warm: (i64, i64),
    /// Seconds that it takes to stop after SIGTERM.
    pub(super) stop: (i64, i64),
}

impl Template {
    /// A small service with defaults; the rest is set with record update.
    pub(super) const fn service(container: &'static str, image: &'static Image, requests: Amounts) -> Self {
        Self {
            container,
            image,
            requests,
            place: Place::Anywhere,
            on_gpu_nodes: requests.has_devices(),
            do_not_disrupt: None,
            grace: 30,
            warm: (4, 12),
            stop: (2, 6),
        }
    }
}

/// The nodes on which a DaemonSet runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DaemonNodes {
    /// All of them.
    All,
    /// Those with GPUs.
    WithGpus,
    /// Those with GPUs whose NodePool wants their metrics exported.
    WithExporter,
}

impl DaemonNodes {
    /// Whether nodes of a NodePool are among them; `None` is the managed node group.
    pub(super) fn include(self, pool: Option<&Pool>) -> bool {
        match self {
            Self::All => true,
            Self::WithGpus => pool.is_some_and(|pool| pool.gpu),
            Self::WithExporter => pool.is_some_and(|pool| pool.gpu && pool.has_exporter),
        }
    }
}

/// The simulated DaemonSet.
#[derive(Debug)]
pub(super) struct Daemon {
    pub(super) namespace: &'static str,
    pub(super) name: &'static str,
    pub(super) template: Template,
    pub(super) nodes: DaemonNodes,
    pub(super) host_network: bool,
    pub(super) priority: &'static str,
}

/// A PodDisruptionBudget over the pods of a Deployment.
#[derive(Debug)]
pub(super) struct Pdb {
    pub(super) name: &'static str,
    /// Pods that must stay healthy.
    pub(super) keep: Keep,
}

/// The two ways to write a PodDisruptionBudget.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keep {
    /// `minAvailable`.
    MinAvailable(i64),
    /// `maxUnavailable`.
    MaxUnavailable(i64),
}

/// A Deployment with its one ReplicaSet.
#[derive(Debug)]
pub(super) struct Deployment {
    pub(super) namespace: &'static str,
    pub(super) name: &'static str,
    pub(super) replicas: i64,
    pub(super) template: Template,
    pub(super) pdb: Option<Pdb>,
    /// Creation, in hours before the start.
    pub(super) age_hours: i64,
}

/// Outcome of the pods of a Job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    /// All pods succeed.
    Well,
    /// All pods fail with this exit code.
    Exit(i64),
    /// This percentage fails with exit code 1, the others succeed.
    SomeFail(u64),
}

/// A Job as somebody submits it.
#[derive(Debug)]
pub(super) struct JobSpec {
    pub(super) namespace: &'static str,
    /// Name, or prefix of it where it recurs.
    pub(super) name: &'static str,
    pub(super) template: Template,
    pub(super) indexed: bool,
    pub(super) parallelism: i64,
    pub(super) completions: i64,
    /// Seconds from start to end of a container.
    pub(super) run: (i64, i64),
    pub(super) ending: Ending,
    pub(super) backoff_limit: i64,
    pub(super) ttl: i64,
    pub(super) suspended: bool,
}

impl JobSpec {
    /// Whether its pods run together or not at all: it has a PodGroup then.
    pub(super) const fn is_gang(&self) -> bool {
        self.indexed && self.parallelism > 1 && self.parallelism == self.completions
    }
}

/// The simulated CronJob.
#[derive(Debug)]
pub(super) struct Cron {
    /// The Job it makes.
    pub(super) job: usize,
    pub(super) name: &'static str,
    pub(super) schedule: &'static str,
    /// The schedule as period and phase in seconds.
    pub(super) every: i64,
    pub(super) phase: i64,
}

/// One budget of a NodePool.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) nodes: Allowed,
    /// `None`: all reasons.
    pub(super) reasons: Option<&'static [&'static str]>,
    /// Hour of the day (UTC) and hours of length: a daily window.
    pub(super) window: Option<(i64, i64)>,
}

/// The value of a budget.
#[derive(Clone, Copy, Debug)]
pub(super) enum Allowed {
    Nodes(i64),
    Percent(i64),
}

/// How the device plugin of NVIDIA advertises the GPUs of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sharing {
    /// Each as one unit.
    Whole,
    /// Each as so many units, which take turns.
    TimeSliced(i64),
    /// Each split into these instances, which are resources of their own: the strategy `mixed`.
    Mig(MigInstances),
}

impl Sharing {
    /// What a node offers whose instance type has these amounts.
    fn advertised(self, of_type: Amounts) -> Amounts {
        match self {
            Self::Whole => of_type,
            Self::TimeSliced(replicas) => Amounts { gpu: of_type.gpu * replicas, ..of_type },
            Self::Mig(instances) => Amounts { gpu: 0, mig: instances.map(|count| count * of_type.gpu), ..of_type },
        }
    }
}

/// The simulated NodePool.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) name: &'static str,
    pub(super) weight: Option<i64>,
    pub(super) types: &'static [&'static str],
    pub(super) capacities: &'static [Capacity],
    pub(super) policy: &'static str,
    /// `spec.disruption.consolidateAfter` in seconds; `None` for `Never`.
    pub(super) consolidate_after: Option<i64>,
    pub(super) budgets: &'static [Budget],
    /// `spec.template.spec.expireAfter` in seconds; `None` for `Never`.
    pub(super) expire_after: Option<i64>,
    pub(super) grace: Option<i64>,
    /// GPU nodes: tainted, and with the GPU image.
    pub(super) gpu: bool,
    /// Index of its EC2NodeClass.
    pub(super) class: usize,
    /// How the device plugin advertises their GPUs.
    pub(super) sharing: Sharing,
    /// Whether the DaemonSet of the exporter of GPU metrics selects them.
    pub(super) has_exporter: bool,
    pub(super) replicas: Option<i64>,
    pub(super) limits: &'static [(&'static str, &'static str)],
}

impl Pool {
    /// Its EC2NodeClass.
    pub(super) fn class(&self) -> &'static NodeClass {
        CLASSES.get(self.class).unwrap_or(&CLASSES[0])
    }
}

/// An EC2NodeClass.
#[derive(Debug)]
pub(super) struct NodeClass {
    pub(super) name: &'static str,
    /// Index of its machine images: with the drivers of GPUs, or without.
    pub(super) images: usize,
    pub(super) volume_size: &'static str,
    pub(super) instance_store_policy: Option<&'static str>,
    pub(super) user_data: Option<&'static str>,
    /// How many times as fast images are pulled as without what `user_data` sets up.
    pub(super) pull_speed: i64,
}

/// Identity of an object.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) uid: String,
    pub(super) created: Sec,
    pub(super) version: u64,
    /// Time of the last change.
    pub(super) touched: Sec,
}

/// An EC2 instance with its NodeClaim and Node.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) id: MachineId,
    pub(super) kind: &'static InstanceType,
    pub(super) capacity: Capacity,
    pub(super) zone: usize,
    pub(super) address: String,
    /// Name of its Node.
    pub(super) name: String,
    pub(super) instance_id: String,
    pub(super) claim: Option<Claim>,
    pub(super) node: Option<Node>,
}

impl Machine {
    /// `spec.providerID`.
    pub(super) fn provider_id(&self) -> String {
        let zone = super::catalog::ZONES.get(self.zone).map_or("", |(name, _)| *name);
        format!("aws:///{zone}/{}", self.instance_id)
    }

    /// Whether it is being deleted.
    pub(super) fn is_deleting(&self) -> bool {
        self.claim.as_ref().is_some_and(|claim| claim.deleting.is_some())
            || self.node.as_ref().is_some_and(|node| node.deleting.is_some())
    }

    /// Whether Karpenter has finished setting it up.
    pub(super) fn is_initialized(&self) -> bool {
        self.claim.as_ref().is_some_and(|claim| claim.initialized.is_some())
    }

    /// Its NodePool; `None` for the managed node group.
    pub(super) fn pool(&self) -> Option<&'static Pool> {
        self.claim.as_ref().and_then(|claim| POOLS.get(claim.pool))
    }

    /// How its GPUs are advertised.
    pub(super) fn sharing(&self) -> Sharing {
        self.pool().map_or(Sharing::Whole, |pool| pool.sharing)
    }

    /// Current allocatable resources of its Node; zero without a Node.
    pub(super) fn allocatable_now(&self) -> Amounts {
        self.offered_now(self.kind.allocatable())
    }

    /// Current capacity of its Node; zero without a Node.
    pub(super) fn capacity_now(&self) -> Amounts {
        self.offered_now(self.kind.capacity())
    }

    /// What Karpenter counts in its NodePool: the capacity of its Node once it is initialized, before that of its type.
    pub(super) fn counted_capacity(&self) -> Amounts {
        if self.is_initialized() { self.capacity_now() } else { self.kind.capacity() }
    }

    /// What its Node offers now of what its instance type has.
    fn offered_now(&self, of_type: Amounts) -> Amounts {
        let Some(node) = &self.node else { return Amounts::default() };
        if node.devices.is_some() { self.sharing().advertised(of_type) } else { of_type.without_devices() }
    }
}

/// A NodeClaim: each moment makes a condition true.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) identity: Identity,
    pub(super) name: String,
    pub(super) pool: usize,
    /// Requests of the pods it was made for, with those of the DaemonSets.
    pub(super) requests: Amounts,
    pub(super) pod_count: i64,
    /// Machine image it was launched with.
    pub(super) image: String,
    /// Instance types that would do.
    pub(super) choices: Vec<&'static str>,
    pub(super) launched: Option<Sec>,
    pub(super) registered: Option<Sec>,
    pub(super) initialized: Option<Sec>,
    pub(super) consistent: Option<Sec>,
    pub(super) last_pod_event: Option<Sec>,
    pub(super) consolidatable: Option<Sec>,
    pub(super) drifted: Option<Sec>,
    pub(super) disruption: Option<(Sec, &'static str)>,
    pub(super) deleting: Option<Sec>,
    pub(super) drained: Option<Sec>,
    pub(super) detached: Option<Sec>,
    pub(super) terminating: Option<Sec>,
    pub(super) expire_after: Option<i64>,
    pub(super) grace: Option<i64>,
    /// Reason in the Event of evicted pods: the disruption reason, else `Forceful Termination`.
    pub(super) eviction: &'static str,
    /// Until when the machine is nominated for pending pods.
    pub(super) nominated_until: Sec,
}

/// The simulated Node.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) identity: Identity,
    pub(super) ready: Option<Sec>,
    /// When the device plugin advertised the GPUs; set at once on nodes without.
    pub(super) devices: Option<Sec>,
    /// Karpenter's taint for nodes under disruption.
    pub(super) disrupted: bool,
    /// Somebody has cordoned it.
    pub(super) cordoned: bool,
    pub(super) deleting: Option<Sec>,
    pub(super) do_not_disrupt: Option<String>,
    pub(super) images: Vec<&'static Image>,
    /// Pulls under way: when they end, in milliseconds of Unix time.
    pub(super) pulling: BTreeMap<&'static Image, i64>,
}

/// Owner of a pod.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PodOwner {
    Daemon(usize),
    Deployment(usize),
    Job(JobId),
    /// No controller: a notebook that a user started.
    User,
}

/// A Pod: each moment makes a condition true.
#[derive(Debug)]
pub(super) struct Pod {
    pub(super) identity: Identity,
    pub(super) namespace: &'static str,
    pub(super) name: String,
    pub(super) owner: PodOwner,
    pub(super) template: &'static Template,
    pub(super) index: Option<i64>,
    pub(super) do_not_disrupt: Option<String>,
    pub(super) machine: Option<MachineId>,
    /// The scheduler's refusal, while there is one: since when, and its words.
    pub(super) refused: Option<(Sec, String)>,
    /// Machine that Karpenter makes for it.
    pub(super) nominated: Option<MachineId>,
    pub(super) scheduled: Option<Sec>,
    pub(super) accepted: Option<Sec>,
    pub(super) sandbox: Option<Sec>,
    /// When its image pull began, if it needed one (milliseconds of Unix time).
    pub(super) pull_began: Option<i64>,
    pub(super) running: Option<Sec>,
    pub(super) ready: Option<Sec>,
    /// End of the container, and its exit code.
    pub(super) finished: Option<(Sec, i64)>,
    /// When it was asked to stop; the grace period it got is [`Pod::granted`].
    pub(super) deleting: Option<Sec>,
    pub(super) granted: i64,
    /// Condition DisruptionTarget: since when, reason, message.
    pub(super) disrupted: Option<(Sec, &'static str, &'static str)>,
    /// Seconds that its container runs; set when it starts.
    pub(super) run: i64,
}

impl Pod {
    /// Neither finished nor being deleted.
    pub(super) fn is_active(&self) -> bool {
        self.finished.is_none() && self.deleting.is_none()
    }

    /// Whether its requests count on its node.
    pub(super) fn holds_room(&self) -> bool {
        self.finished.is_none() && self.machine.is_some()
    }

    /// Belongs to a DaemonSet.
    pub(super) fn is_daemon(&self) -> bool {
        matches!(self.owner, PodOwner::Daemon(_))
    }

    /// Counts as healthy for a PodDisruptionBudget.
    pub(super) fn is_healthy(&self) -> bool {
        self.is_active() && self.ready.is_some()
    }
}

/// The simulated Job.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) identity: Identity,
    pub(super) name: String,
    pub(super) spec: &'static JobSpec,
    pub(super) cron: Option<(usize, Sec)>,
    pub(super) started: Option<Sec>,
    pub(super) succeeded: Vec<i64>,
    pub(super) failed: i64,
    /// No new pods before this time: the back-off after a failure.
    pub(super) retry_at: Sec,
    /// The limit of failures is passed; pods still end.
    pub(super) failing: Option<Sec>,
    pub(super) finished: Option<Sec>,
    /// Counts of its status.
    pub(super) counts: JobCounts,
}

/// `status.active`, `ready` and `terminating` of a Job.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct JobCounts {
    pub(super) active: i64,
    pub(super) ready: i64,
    pub(super) terminating: i64,
}

impl Job {
    /// Whether it has completed or failed.
    pub(super) fn is_done(&self) -> bool {
        self.finished.is_some()
    }
}

/// Size and health of a PodDisruptionBudget.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct PdbStatus {
    pub(super) expected: i64,
    pub(super) healthy: i64,
    pub(super) desired: i64,
    pub(super) allowed: i64,
}

/// A disruption command of Karpenter.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) machines: Vec<MachineId>,
    pub(super) reason: &'static str,
    /// Machine that must be ready before these may go.
    pub(super) replacement: Option<MachineId>,
    /// Type, way of buying and requests of a replacement that is still to be requested.
    pub(super) replace_with: Option<(&'static InstanceType, Capacity, Amounts)>,
}
