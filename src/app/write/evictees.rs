//! The pods that an eviction is about, for the rows that the user chose.

use std::collections::BTreeSet;

use super::super::rows::RowRef;
use super::super::{App, Target, rights};
use super::targets::{Chosen, pods_unknown};
use crate::fleet::{JobRow, Key, Kind, NodeRow, ObjectChange, PodEviction, PodRow, Right};
use crate::insight::{Completeness, relation};

const POOL: &str = "choose one of its nodes";
const EVENT: &str = "choose the pod or the node itself";

/// Sorts out the rows that the user chose: pods, those of Jobs, and those that keep Nodes.
pub(super) fn choose(app: &App, keys: &BTreeSet<Key>) -> Chosen {
    let mut evictees = Evictees { app, chosen: Chosen::default(), seen: BTreeSet::new() };
    keys.iter().for_each(|key| evictees.row(key));
    evictees.chosen
}

struct Evictees<'a> {
    app: &'a App,
    chosen: Chosen,
    seen: BTreeSet<Key>,
}

impl<'a> Evictees<'a> {
    fn row(&mut self, key: &Key) {
        match RowRef::find(self.app, key) {
            Some(RowRef::Pod(pod)) => self.pod(pod),
            Some(RowRef::Node(node)) => self.node(key, node),
            Some(RowRef::Job(job)) => self.job(key, job),
            Some(RowRef::Claim(claim)) => match self.app.fleet.node_of(claim) {
                Some(node) => self.node(key, node),
                None => self.chosen.skip(key, "it has no Node yet"),
            },
            Some(RowRef::Pool(_)) => self.chosen.skip(key, POOL),
            Some(RowRef::Event(_)) => self.chosen.skip(key, EVENT),
            None => self.chosen.skip(key, "it is gone"),
        }
    }

    fn pod(&mut self, pod: &PodRow) {
        let key = Key::new(Kind::Pod, pod.meta.key.clone());
        if !self.seen.insert(key.clone()) {
            return;
        }
        if let Some(reason) = reason_against(self.app, pod) {
            return self.chosen.skip(&key, &reason);
        }
        let change = ObjectChange::Eviction(PodEviction { key, uid: pod.meta.uid.clone() });
        self.chosen.targets.push(Target { change, node: pod.node.clone(), started: pod.started, until: None });
    }

    fn all(&mut self, mut pods: Vec<&'a PodRow>) {
        pods.sort_unstable_by(|a, b| a.meta.key.cmp(&b.meta.key));
        pods.into_iter().for_each(|pod| self.pod(pod));
    }

    /// The pods that keep a Node, which takes knowing all of them.
    fn node(&mut self, key: &Key, node: &NodeRow) {
        if !Completeness::new(&self.app.sources).all(Kind::Pod) {
            return self.chosen.skip(key, "not all of its pods are known");
        }
        let name = &node.meta.key.name;
        let pods: Vec<&PodRow> = self.app.fleet.pods_on(name).filter(|pod| relation::keeps_node(pod)).collect();
        if pods.is_empty() {
            return self.chosen.skip(key, "no pod keeps it: those of DaemonSets and of the node itself go with it");
        }
        self.all(pods);
        self.chosen.nodes.push(name.clone());
    }

    /// All current pods of a Job, which takes knowing all of them.
    fn job(&mut self, key: &Key, job: &JobRow) {
        if let Some(reason) = pods_unknown(self.app, &job.meta.key.namespace) {
            return self.chosen.skip(key, &reason);
        }
        let is_bound = |pod: &&PodRow| pod.is_active() && pod.node.is_some();
        let pods: Vec<&PodRow> = self.app.fleet.pods_of_job(&job.meta.uid).filter(is_bound).collect();
        if pods.is_empty() {
            return self.chosen.skip(key, "it has no active pods on a node");
        }
        self.all(pods);
        self.chosen.jobs.push(key.clone());
    }
}

/// Why a pod is not evicted, in words that follow its name.
fn reason_against(app: &App, pod: &PodRow) -> Option<String> {
    let reason = match () {
        () if pod.phase.is_finished() => "it has finished, and keeps no node",
        () if pod.meta.deletion.is_some() => "it is being deleted already",
        () if pod.node.is_none() => "it is on no node yet",
        () if pod.eviction.of_node => "it is a mirror pod, which only the kubelet of its node can end",
        () if pod.eviction.of_daemon_set => "its DaemonSet makes it anew on the same node",
        () => return rights::missing(app, Right::EvictPods, &pod.meta.key.namespace),
    };
    Some(reason.to_owned())
}
