//! The objects that a write would change, and those that it leaves alone, for the rows that the user chose.

use std::collections::BTreeSet;

use super::super::rows::RowRef;
use super::super::{App, Skipped, Target, Verb, rights, status};
use crate::fleet::{
    ChangedValue, Fleet, JobRow, Key, Kind, Meta, NodeRow, ObjectChange, PodRow, Right, SourceId, Sym, ValueChange,
};
use crate::insight::Completeness;
use crate::insight::disruption::{Blocker, BlockerKind};

/// Karpenter's rule for NodeClaims (karpenter pkg/controllers/state/statenode.go, Annotations).
const CLAIM: &str = "Karpenter reads this annotation on the Node, not on the NodeClaim";
const POOL: &str = "Karpenter does not read this annotation on a NodePool; protect its nodes, or set a budget of 0";
const EVENT: &str = "an Event cannot be protected";

/// What a write would change, and what it leaves alone.
#[derive(Default)]
pub struct Chosen {
    /// The objects to change.
    pub targets: Vec<Target>,
    /// The objects to leave alone.
    pub skipped: Vec<Skipped>,
    /// The Jobs whose pods are among the targets.
    pub jobs: Vec<Key>,
    /// The Nodes that were chosen for the pods on them.
    pub nodes: Vec<Sym>,
}

/// Sorts out the rows of which the annotation is to change.
pub fn choose(app: &App, keys: &BTreeSet<Key>, verb: Verb) -> Chosen {
    let mut chosen = Chosen::default();
    let mut seen = BTreeSet::new();
    for key in keys {
        match RowRef::find(app, key) {
            Some(RowRef::Pod(pod)) => chosen.pod(app, pod, verb, &mut seen),
            Some(RowRef::Node(node)) if verb == Verb::Unprotect && node.do_not_disrupt.is_none() => {
                chosen.protecting_pods(app, node, &mut seen);
            }
            Some(RowRef::Node(node)) => chosen.node(app, node),
            Some(RowRef::Job(job)) => chosen.job(app, job, verb, &mut seen),
            Some(RowRef::Claim(_)) => chosen.skip(key, CLAIM),
            Some(RowRef::Pool(_)) => chosen.skip(key, POOL),
            Some(RowRef::Event(_)) => chosen.skip(key, EVENT),
            None => chosen.skip(key, "it is gone"),
        }
    }
    chosen
}

impl Chosen {
    /// Leaves an object alone.
    pub(super) fn skip(&mut self, key: &Key, reason: &str) {
        self.skipped.push(Skipped { key: key.clone(), reason: reason.to_owned() });
    }

    fn pod(&mut self, app: &App, pod: &PodRow, verb: Verb, seen: &mut BTreeSet<Key>) {
        let key = Key::new(Kind::Pod, pod.meta.key.clone());
        if !seen.insert(key.clone()) {
            return;
        }
        let right = || rights::missing(app, Right::PatchPods, &pod.meta.key.namespace);
        match reason_against(pod, verb).map(str::to_owned).or_else(right) {
            Some(reason) => self.skip(&key, &reason),
            None => self.targets.push(Target {
                change: change(&pod.meta, Kind::Pod, pod.do_not_disrupt.as_ref()),
                node: pod.node.clone(),
                started: pod.started,
                until: None,
            }),
        }
    }

    /// The pods that protect a Node without an annotation of its own.
    fn protecting_pods(&mut self, app: &App, node: &NodeRow, seen: &mut BTreeSet<Key>) {
        let name = &node.meta.key.name;
        let mut pods: Vec<&PodRow> = app.fleet.pods_on(name).filter(|pod| status::is_protected(pod, app)).collect();
        if pods.is_empty() {
            return self.skip(&Key::new(Kind::Node, node.meta.key.clone()), &unprotected(app, node));
        }
        pods.sort_unstable_by(|a, b| a.meta.key.cmp(&b.meta.key));
        pods.into_iter().for_each(|pod| self.pod(app, pod, Verb::Unprotect, seen));
        self.nodes.push(name.clone());
    }

    fn node(&mut self, app: &App, node: &NodeRow) {
        let key = Key::new(Kind::Node, node.meta.key.clone());
        if node.meta.deletion.is_some() {
            return self.skip(&key, "it is being deleted, which the annotation does not stop");
        }
        if let Some(reason) = rights::missing(app, Right::PatchNodes, "") {
            return self.skip(&key, &reason);
        }
        self.targets.push(Target {
            change: change(&node.meta, Kind::Node, node.do_not_disrupt.as_ref()),
            node: Some(node.meta.key.name.clone()),
            started: None,
            until: None,
        });
    }

    fn cordon(&mut self, app: &App, node: &NodeRow, verb: Verb) {
        let key = Key::new(Kind::Node, node.meta.key.clone());
        let is_to_be = verb == Verb::Cordon;
        if node.cordoned == is_to_be {
            return self.skip(&key, if is_to_be { "it is cordoned already" } else { "it is not cordoned" });
        }
        if let Some(reason) = rights::missing(app, Right::PatchNodes, "") {
            return self.skip(&key, &reason);
        }
        let change = ValueChange {
            key,
            value: ChangedValue::Unschedulable,
            uid: node.meta.uid.clone(),
            resource_version: node.meta.resource_version.to_string(),
            from: unschedulable(node),
            to: is_to_be.then(|| CORDONED.to_owned()),
        };
        let node = Some(node.meta.key.name.clone());
        self.targets.push(Target { change: ObjectChange::Value(change), node, started: None, until: None });
    }

    /// All current pods of a Job, which takes knowing all of them.
    fn job(&mut self, app: &App, job: &JobRow, verb: Verb, seen: &mut BTreeSet<Key>) {
        let key = Key::new(Kind::Job, job.meta.key.clone());
        if let Some(reason) = pods_unknown(app, &job.meta.key.namespace) {
            return self.skip(&key, &reason);
        }
        let mut pods: Vec<&PodRow> = app.fleet.pods_of_job(&job.meta.uid).filter(|pod| pod.is_active()).collect();
        if pods.is_empty() {
            return self.skip(&key, "it has no active pods");
        }
        pods.sort_unstable_by(|a, b| a.meta.key.cmp(&b.meta.key));
        pods.into_iter().for_each(|pod| self.pod(app, pod, verb, seen));
        self.jobs.push(key);
    }
}

/// Why there is no annotation to take off a Node and its pods, and what holds it in their place.
fn unprotected(app: &App, node: &NodeRow) -> String {
    if !Completeness::new(&app.sources).without_gap(Kind::Pod) {
        return "it does not carry the annotation, and not all pods are known".to_owned();
    }
    let disruption = app.evaluator().node(node);
    let mut blockers = disruption.firm();
    match blockers.find(|blocker| matches!(blocker.kind, BlockerKind::Pdb | BlockerKind::MultiplePdbs)) {
        Some(Blocker { kind: BlockerKind::Pdb, object: Some(key), .. }) => {
            format!("PodDisruptionBudget {} protects it, and no annotation does", key.object)
        }
        Some(_) => "several PodDisruptionBudgets protect it, and no annotation does".to_owned(),
        None => "neither it nor a pod on it carries the annotation".to_owned(),
    }
}

fn reason_against(pod: &PodRow, verb: Verb) -> Option<&'static str> {
    match () {
        () if pod.phase.is_finished() => Some("it has finished, and Karpenter ignores finished pods"),
        () if pod.meta.deletion.is_some() => Some("it is being deleted, and Karpenter ignores such pods"),
        () if verb == Verb::Unprotect && pod.do_not_disrupt.is_none() => Some("it does not carry the annotation"),
        () => None,
    }
}

/// Why not all pods of a namespace are known, if they are not.
pub(super) fn pods_unknown(app: &App, namespace: &str) -> Option<String> {
    let known = Completeness::new(&app.sources);
    if known.in_namespace(Kind::Pod, namespace) {
        return None;
    }
    if known.readable(Kind::Pod) {
        return Some(format!("its pods are not known: those of namespace {namespace} may not be read"));
    }
    let how = match app.sources.get(&SourceId::Kind(Kind::Pod)) {
        Some(health) => format!("source pods is {} ({} read)", health.state.name(), health.objects),
        None => "source pods has not answered yet".to_owned(),
    };
    Some(format!("not all of its pods are known, {how}; try again when it is Live"))
}

/// Sorts out the rows that are to take no new pods, or to take them again.
pub fn choose_nodes(app: &App, keys: &BTreeSet<Key>, verb: Verb) -> Chosen {
    let mut chosen = Chosen::default();
    for key in keys {
        match RowRef::find(app, key) {
            Some(RowRef::Node(node)) => chosen.cordon(app, node, verb),
            Some(RowRef::Claim(claim)) => match app.fleet.node_of(claim) {
                Some(node) => chosen.cordon(app, node, verb),
                None => chosen.skip(key, "it has no Node yet"),
            },
            Some(_) => chosen.skip(key, "only a Node can be cordoned"),
            None => chosen.skip(key, "it is gone"),
        }
    }
    chosen
}

fn change(meta: &Meta, kind: Kind, value: Option<&Sym>) -> ObjectChange {
    ObjectChange::Value(ValueChange {
        key: Key::new(kind, meta.key.clone()),
        value: ChangedValue::DoNotDisrupt,
        uid: meta.uid.clone(),
        resource_version: meta.resource_version.to_string(),
        from: value.map(ToString::to_string),
        to: None,
    })
}

/// What a Node that takes no new pods has in `spec.unschedulable`.
const CORDONED: &str = "true";

fn unschedulable(node: &NodeRow) -> Option<String> {
    node.cordoned.then(|| CORDONED.to_owned())
}

/// What stands on an object now: its identity and a value of it.
pub fn present<'a>(fleet: &'a Fleet, key: &Key, value: ChangedValue) -> Option<(&'a Meta, Option<String>)> {
    match (RowRef::find_in(fleet, key)?, value) {
        (RowRef::Node(node), ChangedValue::Unschedulable) => Some((&node.meta, unschedulable(node))),
        (RowRef::Pod(pod), ChangedValue::DoNotDisrupt) => {
            Some((&pod.meta, pod.do_not_disrupt.as_ref().map(ToString::to_string)))
        }
        (RowRef::Node(node), ChangedValue::DoNotDisrupt) => {
            Some((&node.meta, node.do_not_disrupt.as_ref().map(ToString::to_string)))
        }
        _ => None,
    }
}

/// The objects in words: `pod ml/train-0`, `8 pods of Job ml/train`, `2 nodes`.
pub fn subject(chosen: &Chosen) -> String {
    let pods = chosen.targets.iter().filter(|target| target.change.key().kind == Kind::Pod);
    let nodes = chosen.targets.iter().filter(|target| target.change.key().kind == Kind::Node);
    let of = match (chosen.jobs.as_slice(), chosen.nodes.as_slice()) {
        ([job], []) => format!(" of Job {}", job.object),
        (jobs, []) if !jobs.is_empty() => format!(" of {} Jobs", jobs.len()),
        ([], [node]) => format!(" on node {node}"),
        ([], nodes) if !nodes.is_empty() => format!(" on {} nodes", nodes.len()),
        _ => String::new(),
    };
    let parts = [words(pods, "pod", &of), words(nodes, "node", "")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

fn words<'a>(mut targets: impl Iterator<Item = &'a Target> + Clone, noun: &str, of: &str) -> Option<String> {
    match targets.clone().count() {
        0 => None,
        1 => targets.next().map(|target| format!("{noun} {}{of}", target.change.key().object)),
        n => Some(format!("{n} {noun}s{of}")),
    }
}
