//! Relations between objects: owners, and the Nodes of Events.

use crate::fleet::{EventRow, Fleet, JobRow, ObjectKey, Owner, PodRow, Sym, Uid};

/// The object that somebody wrote and from which a pod came: Deployment behind ReplicaSet, CronJob or JobSet behind
/// Job, else the pod's own owner. Where the link is not known (not read, or deleted) the chain ends before it.
pub fn top_owner<'a>(fleet: &'a Fleet, pod: &'a PodRow) -> Option<&'a Owner> {
    let owner = pod.owner.as_ref()?;
    let key = ObjectKey { namespace: pod.meta.key.namespace.clone(), name: owner.name.clone() };
    // The name may be somebody else's by now.
    let link = owner_link(fleet, &owner.kind, &key).filter(|link| *link.uid == owner.uid);
    Some(link.and_then(|link| link.owner).unwrap_or(owner))
}

/// A Job or ReplicaSet, and what made it.
pub struct OwnerLink<'a> {
    /// Its own `metadata.uid`.
    pub uid: &'a Uid,
    /// CronJob, JobSet or Deployment; `None` where somebody wrote the object itself.
    pub owner: Option<&'a Owner>,
}

/// The object of this kind and name, if it is of a kind that others make on somebody's behalf, and known.
pub fn owner_link<'a>(fleet: &'a Fleet, kind: &str, key: &ObjectKey) -> Option<OwnerLink<'a>> {
    match kind {
        "Job" => fleet.jobs.get(key).map(|job| OwnerLink { uid: &job.meta.uid, owner: job.owner.as_deref() }),
        "ReplicaSet" => {
            fleet.replica_sets.get(key).map(|set| OwnerLink { uid: &set.meta.uid, owner: set.owner.as_deref() })
        }
        _ => None,
    }
}

/// Whether a pod keeps its Node: neither a DaemonSet's nor the Node's own, and active.
pub fn keeps_node(pod: &PodRow) -> bool {
    pod.is_active() && !pod.eviction.of_daemon_set && !pod.eviction.of_node
}

/// The Job that controls a pod.
pub fn job_of<'a>(fleet: &'a Fleet, pod: &PodRow) -> Option<&'a JobRow> {
    fleet.job(&pod.job_owner()?.uid)
}

/// The name of the Job that controls a pod, also where the Job itself is not known.
pub fn job_name(pod: &PodRow) -> Option<&Sym> {
    pod.job_owner().map(|owner| &owner.name)
}

/// The Node that an Event concerns: the one it speaks of, that of its NodeClaim or pod, else that of the kubelet which
/// wrote it.
pub fn node_of_event(fleet: &Fleet, event: &EventRow) -> Option<Sym> {
    let key = &event.object.key;
    let found = match event.object.kind.as_str() {
        "Node" => Some(key.name.clone()),
        // Cluster-scoped, whatever namespace the Event gives it (see [`EventRow::speaks_of`]).
        "NodeClaim" => fleet.node_claims.get(&ObjectKey::cluster(&key.name)).and_then(|claim| {
            claim.node_name.clone().or_else(|| fleet.node_of(claim).map(|node| node.meta.key.name.clone()))
        }),
        "Pod" => fleet.pods.get(key).and_then(|pod| pod.node.clone()),
        _ => None,
    };
    found.or_else(|| event.host.clone())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fleet::{Delta, ReplicaSetRow, Uid};
    use crate::insight::testing::{fleet, job, meta, owner, pod, upserts};

    #[test]
    fn the_top_owner_of_a_pod_is_its_deployment_or_cron_job() {
        let set = ReplicaSetRow {
            meta: meta("web", "api-5d"),
            owner: Some(owner("Deployment", "api", &Uid::parse("d"))),
            do_not_disrupt: None,
        };
        let nightly = JobRow { owner: Some(owner("CronJob", "nightly", &Uid::parse("c"))), ..job("ml", "nightly-1") };
        let known =
            fleet(vec![Delta::ReplicaSets(upserts(vec![set.clone()])), Delta::Jobs(upserts(vec![nightly.clone()]))]);
        let top = |kind: &str, namespace: &str, name: &str, uid: &Uid| {
            let pod = PodRow { owner: Some(owner(kind, name, uid)), ..pod(namespace, "p", None) };
            let top = top_owner(&known, &pod).map(|owner| format!("{}/{}", owner.kind, owner.name));
            (top.unwrap_or_default(), job_name(&pod).map(Sym::to_string))
        };
        assert_eq!(top("ReplicaSet", "web", "api-5d", &set.meta.uid), ("Deployment/api".to_owned(), None));
        assert_eq!(top("ReplicaSet", "web", "api-5d", &Uid::parse("old")).0, "ReplicaSet/api-5d");
        let want = ("CronJob/nightly".to_owned(), Some("nightly-1".to_owned()));
        assert_eq!(top("Job", "ml", "nightly-1", &nightly.meta.uid), want);
        assert_eq!(top("Job", "ml", "gone", &Uid::parse("g")).0, "Job/gone");
        let mut volcano = owner("Job", "mpi", &Uid::parse("v"));
        Arc::make_mut(&mut volcano).api_version = Sym::new("batch.volcano.sh/v1alpha1");
        assert_eq!(job_name(&PodRow { owner: Some(volcano), ..pod("ml", "mpi-0", None) }), None);
        assert_eq!(top("DaemonSet", "web", "logs", &Uid::parse("l")).0, "DaemonSet/logs");
        assert_eq!(top_owner(&known, &pod("web", "bare", None)), None);
    }
}
