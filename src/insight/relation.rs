//! What belongs to what.

use crate::fleet::{EventRow, Fleet, JobRow, ObjectKey, Owner, PodRow, Row, Sym, Table};

/// The object that somebody wrote and from which a pod came: Deployment behind ReplicaSet, CronJob or JobSet behind
/// Job, else the pod's own owner. Where the link is not known (not read, or deleted) the chain ends before it.
pub fn top_owner<'a>(fleet: &'a Fleet, pod: &'a PodRow) -> Option<&'a Owner> {
    let owner = pod.owner.as_ref()?;
    let above = match owner.kind.as_str() {
        "Job" => fleet.job(&owner.uid).and_then(|job| job.owner.as_ref()),
        "ReplicaSet" => owned(&fleet.replica_sets, pod, owner).and_then(|set| set.owner.as_ref()),
        _ => None,
    };
    Some(above.unwrap_or(owner))
}

/// The Job that controls a pod.
pub fn job_of<'a>(fleet: &'a Fleet, pod: &PodRow) -> Option<&'a JobRow> {
    let owner = pod.owner.as_ref().filter(|owner| owner.kind == "Job")?;
    fleet.job(&owner.uid)
}

/// The name of the Job that controls a pod, also where the Job itself is not known.
pub fn job_name(pod: &PodRow) -> Option<&Sym> {
    pod.owner.as_ref().filter(|owner| owner.kind == "Job").map(|owner| &owner.name)
}

/// The owner of a pod in the table of its kind, unless the name is somebody else's by now.
fn owned<'a, R: Row>(table: &'a Table<R>, pod: &PodRow, owner: &Owner) -> Option<&'a R> {
    let key = ObjectKey { namespace: pod.meta.key.namespace.clone(), name: owner.name.clone() };
    table.get(&key).filter(|row| row.meta().uid == owner.uid)
}

/// The Node that an Event concerns: the one it speaks of, that of its NodeClaim or pod, else that of the kubelet which
/// wrote it.
pub fn node_of_event(fleet: &Fleet, event: &EventRow) -> Option<Sym> {
    let key = &event.object.key;
    let found = match event.object.kind.as_str() {
        "Node" => Some(key.name.clone()),
        "NodeClaim" => fleet.node_claims.get(key).and_then(|claim| {
            claim.node_name.clone().or_else(|| fleet.node_of(claim).map(|node| node.meta.key.name.clone()))
        }),
        "Pod" => fleet.pods.get(key).and_then(|pod| pod.node.clone()),
        _ => None,
    };
    found.or_else(|| event.host.clone())
}
