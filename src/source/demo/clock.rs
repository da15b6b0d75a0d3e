//! The queue of scheduled events.
//!
//! Everything that changes the state is a [`SimEvent`] at a whole second. They are taken strictly in order, so the
//! state at a moment does not depend on how often it was read before.

use std::collections::BTreeMap;

use super::model::{CommandId, JobId, MachineId, PodId};

/// Whole seconds since the Unix epoch: the resolution of `metav1.Time`.
pub(super) type Sec = i64;

/// A scheduled event of the simulation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SimEvent {
    /// kube-scheduler looks at all unbound pods.
    Schedule,
    /// The Job controller looks at one Job.
    SyncJob(JobId),
    /// `ttlSecondsAfterFinished` of a finished Job is over.
    DeleteJob(JobId),
    /// A ReplicaSet is brought to its size.
    SyncDeployment(usize),
    /// Somebody submits the n-th entry of the programme.
    Submit(usize),
    /// A CronJob is due.
    Cron(usize),
    /// The next step of a pod.
    Pod(PodId, PodStep),
    /// The next step of a machine.
    Machine(MachineId, MachineStep),
    /// Karpenter's batch window for pending pods closes.
    Provision,
    /// One pass of Karpenter's disruption loop.
    Disrupt,
    /// The validation wait of a disruption command is over.
    Validate(CommandId),
    /// EC2 announces that it takes a spot instance back.
    Interrupt,
    /// A new machine image is released for the NodeClass of CPU nodes.
    ReleaseImage,
    /// The API server forgets Events older than an hour.
    ForgetEvents,
}

/// Steps of a pod on its node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PodStep {
    /// The kubelet takes the pod.
    Accept,
    /// Sandbox and network are there; the image is looked for.
    Sandbox,
    /// The image has arrived.
    Pulled,
    /// The container runs.
    Start,
    /// The readiness probe succeeds.
    Ready,
    /// The container ends by itself.
    Finish,
    /// The container has ended after it was asked to.
    Stopped,
}

/// Steps of a machine, from request to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum MachineStep {
    /// EC2 answers the fleet request.
    Launch,
    /// The kubelet registers the Node.
    Join,
    /// Karpenter adopts the Node.
    Register,
    /// The kubelet reports Ready: the CNI is up.
    NodeReady,
    /// The device plugin has advertised the GPUs.
    DevicesReady,
    /// Karpenter finds everything in place.
    Initialize,
    /// Karpenter compares the machine with its NodeClass.
    CheckDrift,
    /// `expireAfter` is over.
    Expire,
    /// Karpenter's eviction round.
    Drain,
    /// Volumes are detached; EC2 is asked to terminate.
    Terminate,
    /// EC2 says that the instance is gone.
    Gone,
    /// EC2 takes a spot instance away, drained or not.
    Reclaim,
}

/// The queue: by time, then in the order of entry.
#[derive(Default, Debug)]
pub(super) struct Agenda {
    due: BTreeMap<(Sec, u64), SimEvent>,
    entries: u64,
}

impl Agenda {
    /// Schedules an event at `at`.
    pub(super) fn enter(&mut self, at: Sec, event: SimEvent) {
        self.entries += 1;
        self.due.insert((at, self.entries), event);
    }

    /// Takes the earliest entry that is due at `until` or before.
    pub(super) fn next_until(&mut self, until: Sec) -> Option<(Sec, SimEvent)> {
        let entry = self.due.first_entry().filter(|entry| entry.key().0 <= until)?;
        let at = entry.key().0;
        Some((at, entry.remove()))
    }

    /// Whether this event is scheduled between `from` and `until`; used to schedule it only once.
    pub(super) fn has(&self, (from, until): (Sec, Sec), event: SimEvent) -> bool {
        self.due.range((from, 0)..=(until, u64::MAX)).any(|(_, due)| *due == event)
    }

    /// Number of scheduled events.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.due.len()
    }
}
