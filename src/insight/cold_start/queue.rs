//! What held a pod, or what made it, back: Kueue, or nothing but the Job's own `spec.suspend`.
//!
//! Volcano tells no time at which it let a PodGroup go: its status has a phase only (volcano-apis
//! pkg/apis/scheduling/v1beta1/types.go).

use super::PhaseName;
use crate::fleet::{Condition, Fleet, JobRow, ObjectKey, Owner, PodRow, Status, WorkloadRow};
use crate::insight::relation;
use crate::units::Time;

/// The label of the pods that Kueue admits together: the name of their Workload (kueue pkg/controller/jobs/pod/constants).
pub const KUEUE_GROUP: &str = "kueue.x-k8s.io/pod-group-name";

/// The time that a pod had to wait before it was made.
pub(super) struct Held {
    /// As which step it counts.
    pub(super) name: PhaseName,
    /// When what was held back was created.
    pub(super) since: Time,
    /// When it was let go.
    pub(super) until: Time,
}

/// What a pod had to wait for before it was made; `None` where that was nothing, or goes on.
pub(super) fn before(fleet: &Fleet, pod: &PodRow) -> Option<Held> {
    let job = relation::job_of(fleet, pod);
    let Some((workload, since)) = workload_before(fleet, pod, job) else { return suspended(job?) };
    // A Job is resumed as soon as its Workload is admitted.
    let resumed = || job.and_then(resumed);
    let until = admitted(workload).or_else(resumed)?;
    Some(Held { name: PhaseName::Queued, since, until })
}

/// When Kueue let a pod go that it had held back itself, by a scheduling gate; `None` where it did not, or has not yet.
pub(super) fn ungated(fleet: &Fleet, pod: &PodRow) -> Option<Time> {
    let of_group = || {
        let name = pod.labels.get(KUEUE_GROUP)?;
        fleet.workloads.get(&ObjectKey { namespace: pod.meta.key.namespace.clone(), name: name.clone() })
    };
    admitted(fleet.workload_of_other(&pod.meta.uid).or_else(of_group)?)
}

/// The Workload of the Job, of what made that, or of what else made the pod, and when what it is of was created.
fn workload_before<'a>(fleet: &'a Fleet, pod: &PodRow, job: Option<&JobRow>) -> Option<(&'a WorkloadRow, Time)> {
    if let Some(job) = job
        && let Some(workload) = fleet.workload_of(job)
    {
        return Some((workload, job.meta.created));
    }
    let owner = job.map_or(pod.owner.as_deref(), |job| job.owner.as_deref())?;
    let workload = fleet.workload_of_other(&owner.uid)?;
    // Kueue makes a Workload as soon as there is something to hold back.
    Some((workload, created(fleet, pod, owner).unwrap_or(workload.meta.created)))
}

/// When the owner of a Workload was created, where objects of its kind are read.
fn created(fleet: &Fleet, pod: &PodRow, owner: &Owner) -> Option<Time> {
    let key = ObjectKey { namespace: pod.meta.key.namespace.clone(), name: owner.name.clone() };
    let set = fleet.job_sets.get(&key).filter(|set| set.meta.uid == owner.uid)?;
    Some(set.meta.created)
}

/// When a Workload was let go: admitted, else once it had its quota.
fn admitted(workload: &WorkloadRow) -> Option<Time> {
    let since = |kind| {
        let condition = Condition::find(&workload.conditions, kind)?;
        condition.last_transition.filter(|_| condition.status == Status::True)
    };
    since("Admitted").or_else(|| since("QuotaReserved"))
}

fn suspended(job: &JobRow) -> Option<Held> {
    Some(Held { name: PhaseName::Suspended, since: job.meta.created, until: resumed(job)? })
}

/// When a Job was resumed: the condition is there only where it has been suspended (kubernetes
/// pkg/controller/job/job_controller.go).
fn resumed(job: &JobRow) -> Option<Time> {
    let suspended = Condition::find(&job.conditions, "Suspended")?;
    suspended.last_transition.filter(|_| suspended.status == Status::False)
}
