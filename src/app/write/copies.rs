//! Nodes judged twice: as everything is, and as it would be after a write.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::super::{App, Target};
use crate::fleet::{ChangedValue, Key, Kind, NodeClaimRow, NodeRow, ObjectChange, ObjectKey, PodRow, Sym};
use crate::insight::disruption::{Disruption, Hazard, NodeInputs, NodePods, Verdict, hazards, verdict};
use crate::insight::picture::Evaluator;
use crate::units::Lifetime;

/// What a node would be, and is.
pub(super) struct Change<'a> {
    pub(super) node: &'a NodeRow,
    pub(super) before: Disruption,
    pub(super) after: Disruption,
    pub(super) hazards: Vec<Hazard>,
    /// `spec.disruption.consolidateAfter` of its NodePool, where that is known.
    pub(super) consolidate_after: Option<Lifetime>,
    /// Whether pods and PodDisruptionBudgets are known: without them nothing is freed and nothing is a candidate.
    pub(super) is_known: bool,
}

/// The Nodes of which a write changes something and that Karpenter manages, by name.
pub(super) fn managed<'a>(app: &'a App, targets: &[Target]) -> Vec<Change<'a>> {
    let copies = Copies::of(app, targets);
    let evaluator = app.evaluator();
    let changes = copies.nodes(app).into_iter().map(|node| copies.change(app, &evaluator, node));
    changes.filter(|change| change.before.verdict != Verdict::NotManaged).collect()
}

/// The rows that a write changes, as they would be.
#[derive(Default)]
struct Copies {
    /// Pods with another annotation, by the Nodes on which they are.
    pods: HashMap<Sym, BTreeMap<ObjectKey, PodRow>>,
    /// Nodes with another annotation, by name.
    nodes: HashMap<Sym, NodeRow>,
    /// Pods that would be gone, by the Nodes on which they are.
    evicted: HashMap<Sym, BTreeSet<ObjectKey>>,
}

impl Copies {
    fn of(app: &App, targets: &[Target]) -> Self {
        let mut copies = Self::default();
        for target in targets {
            match &target.change {
                ObjectChange::Value(change) if change.value == ChangedValue::DoNotDisrupt => {
                    copies.add(app, &change.key, change.to.as_deref().map(Sym::new));
                }
                // Whether a Node takes new pods means nothing for its disruption.
                ObjectChange::Value(_) => {}
                ObjectChange::Eviction(eviction) => {
                    copies.evict(&eviction.key.object, target.node.as_ref());
                }
            }
        }
        copies
    }

    fn evict(&mut self, pod: &ObjectKey, node: Option<&Sym>) {
        if let Some(node) = node {
            self.evicted.entry(node.clone()).or_default().insert(pod.clone());
        }
    }

    fn add(&mut self, app: &App, key: &Key, value: Option<Sym>) {
        match key.kind {
            Kind::Pod => {
                let Some(row) = app.fleet.pods.get(&key.object) else { return };
                let Some(node) = row.node.clone() else { return };
                let changed = PodRow { do_not_disrupt: value, ..row.clone() };
                self.pods.entry(node).or_default().insert(key.object.clone(), changed);
            }
            Kind::Node => {
                let row = app.fleet.nodes.get(&key.object);
                let changed = row.map(|row| NodeRow { do_not_disrupt: value, ..row.clone() });
                self.nodes.extend(changed.map(|row| (key.object.name.clone(), row)));
            }
            _ => {}
        }
    }

    /// The Nodes of which something changes, by name.
    fn nodes<'a>(&self, app: &'a App) -> Vec<&'a NodeRow> {
        let names: BTreeSet<&Sym> = self.pods.keys().chain(self.nodes.keys()).chain(self.evicted.keys()).collect();
        names.into_iter().filter_map(|name| app.fleet.node(name)).collect()
    }

    fn change<'a>(&self, app: &'a App, evaluator: &Evaluator<'a>, node: &'a NodeRow) -> Change<'a> {
        let before = evaluator.case(node);
        let name = &node.meta.key.name;
        let evicted = self.evicted.get(name);
        let pods = match evicted {
            Some(evicted) => left(app, name, evicted),
            None => without_annotations(before.pods, self.pods.get(name)),
        };
        let claim = before.claim.filter(|_| evicted.is_some()).map(|claim| disturbed(claim, &before));
        let after = NodeInputs {
            node: self.nodes.get(name).unwrap_or(node),
            claim: claim.as_ref().or(before.claim),
            annotated: self.annotated(&before),
            pods: &pods,
            ..before.clone()
        };
        let disruption = verdict::judge(&after);
        Change {
            node,
            before: verdict::judge(&before),
            hazards: hazards::of_node(&after, &disruption),
            after: disruption,
            consolidate_after: before.pool.map(|pool| pool.row.consolidate_after),
            is_known: before.complete.pods && before.complete.budgets,
        }
    }

    /// The pods of a Node that would carry the annotation.
    fn annotated<'a>(&'a self, case: &NodeInputs<'a>) -> Vec<&'a PodRow> {
        let name = &case.node.meta.key.name;
        let (changed, evicted) = (self.pods.get(name), self.evicted.get(name));
        let is_touched = |key: &ObjectKey| {
            changed.is_some_and(|pods| pods.contains_key(key)) || evicted.is_some_and(|pods| pods.contains(key))
        };
        let untouched = case.annotated.iter().copied().filter(|pod| !is_touched(&pod.meta.key));
        let changed = changed.into_iter().flat_map(BTreeMap::values);
        let touched = changed.filter(|pod| pod.do_not_disrupt.is_some() && pod.is_active());
        let mut all: Vec<&PodRow> = untouched.chain(touched).collect();
        all.sort_unstable_by(|a, b| a.meta.key.cmp(&b.meta.key));
        all
    }
}

/// What the pods that stay on a Node mean for it.
fn left(app: &App, node: &str, evicted: &BTreeSet<ObjectKey>) -> NodePods {
    let mut pods = NodePods::default();
    let stays = |pod: &&PodRow| !evicted.contains(&pod.meta.key);
    app.fleet.pods_on(node).filter(stays).for_each(|pod| pods.add(pod, app.insights.picture.budget_index()));
    pods.finish();
    pods
}

/// A pod that carries no annotation any more is evicted like any other.
fn without_annotations(pods: &NodePods, changed: Option<&BTreeMap<ObjectKey, PodRow>>) -> NodePods {
    let mut pods = pods.clone();
    for budgeted in &mut pods.budgeted {
        let pod = changed.and_then(|changed| changed.get(&budgeted.pod));
        budgeted.annotated &= pod.is_none_or(|pod| pod.do_not_disrupt.is_some());
    }
    pods
}

/// A NodeClaim after one of its pods has begun to go: the wait for consolidateAfter begins anew, unless it is none
/// (karpenter pkg/controllers/nodeclaim/disruption/consolidation.go).
fn disturbed(claim: &NodeClaimRow, case: &NodeInputs<'_>) -> NodeClaimRow {
    let is_at_once = case.pool.is_some_and(|pool| pool.row.consolidate_after == Lifetime::Seconds(0));
    let mut claim = NodeClaimRow { last_pod_event: Some(case.now), ..claim.clone() };
    claim.conditions.retain(|condition| is_at_once || condition.kind != "Consolidatable");
    claim
}
