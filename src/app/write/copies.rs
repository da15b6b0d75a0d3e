//! Nodes judged twice: as everything is, and as it would be after a write.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::super::{App, Target};
use crate::fleet::{Key, Kind, NodeClaimRow, NodeRow, ObjectChange, ObjectKey, PodRow, Sym};
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
    /// Pods with another annotation.
    pods: HashMap<ObjectKey, PodRow>,
    /// Nodes with another annotation, by name.
    nodes: HashMap<Sym, NodeRow>,
    /// Pods that would be gone, with the Nodes on which they are.
    evicted: BTreeMap<ObjectKey, Sym>,
}

impl Copies {
    fn of(app: &App, targets: &[Target]) -> Self {
        let mut copies = Self::default();
        for target in targets {
            match &target.change {
                ObjectChange::Annotation(change) => copies.add(app, &change.key, change.to.as_deref().map(Sym::new)),
                ObjectChange::Eviction(eviction) => {
                    copies.evicted.extend(target.node.clone().map(|node| (eviction.key.object.clone(), node)));
                }
            }
        }
        copies
    }

    fn add(&mut self, app: &App, key: &Key, value: Option<Sym>) {
        match key.kind {
            Kind::Pod => {
                let row = app.fleet.pods.get(&key.object);
                let changed = row.map(|row| PodRow { do_not_disrupt: value, ..row.clone() });
                self.pods.extend(changed.map(|row| (key.object.clone(), row)));
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
        let of_pods = self.pods.values().filter_map(|pod| pod.node.as_ref());
        let names: BTreeSet<&Sym> = of_pods.chain(self.nodes.keys()).chain(self.evicted.values()).collect();
        names.into_iter().filter_map(|name| app.fleet.node(name)).collect()
    }

    fn change<'a>(&self, app: &'a App, evaluator: &Evaluator<'a>, node: &'a NodeRow) -> Change<'a> {
        let before = evaluator.case(node);
        let name = &node.meta.key.name;
        let loses_pods = self.evicted.values().any(|other| other == name);
        let pods = if loses_pods { self.left(app, name) } else { without_annotations(before.pods, &self.pods) };
        let claim = before.claim.filter(|_| loses_pods).map(|claim| disturbed(claim, &before));
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

    /// What the pods that stay on a Node mean for it.
    fn left(&self, app: &App, node: &str) -> NodePods {
        let mut pods = NodePods::default();
        let stays = |pod: &&PodRow| !self.evicted.contains_key(&pod.meta.key);
        app.fleet.pods_on(node).filter(stays).for_each(|pod| pods.add(pod, app.insights.picture.budget_index()));
        pods.finish();
        pods
    }

    /// The pods of a Node that would carry the annotation.
    fn annotated<'a>(&'a self, case: &NodeInputs<'a>) -> Vec<&'a PodRow> {
        let is_touched = |key: &ObjectKey| self.pods.contains_key(key) || self.evicted.contains_key(key);
        let untouched = case.annotated.iter().copied().filter(|pod| !is_touched(&pod.meta.key));
        let here = |pod: &&PodRow| pod.node.as_ref() == Some(&case.node.meta.key.name);
        let touched = self.pods.values().filter(here).filter(|pod| pod.do_not_disrupt.is_some() && pod.is_active());
        let mut all: Vec<&PodRow> = untouched.chain(touched).collect();
        all.sort_unstable_by(|a, b| a.meta.key.cmp(&b.meta.key));
        all
    }
}

/// A pod that carries no annotation any more is evicted like any other.
fn without_annotations(pods: &NodePods, changed: &HashMap<ObjectKey, PodRow>) -> NodePods {
    let mut pods = pods.clone();
    for budgeted in &mut pods.budgeted {
        budgeted.annotated &= changed.get(&budgeted.pod).is_none_or(|pod| pod.do_not_disrupt.is_some());
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
