//! The verdicts of all Nodes, for orders, filters and dollars.
//!
//! A verdict follows pods, PodDisruptionBudgets, NodePools, NodeClaims, Events and the time; evaluating thousands of Nodes
//! for each change would take all of the time there is. So Nodes are evaluated in rounds, a share of them each second and in
//! slices; Nodes that changed, or whose pods did, in the next second; and new Nodes at once. What is visible of a row is
//! evaluated anew for each frame.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;
use indexmap::IndexSet;

use crate::fleet::{Fleet, NodeRow, Sym};
use crate::insight::disruption::{
    Disruption, DriftPlace, Hazard, HeldMemory, NextCommand, NodeInputs, Places, Reason, Standing, Turn, Verdict,
    drift_places, hazards, next_commands, standing,
};
use crate::insight::picture::{Evaluator, NodeProtection};
use crate::units::Time;

/// Where drifted nodes stand among those that Karpenter tries, by name.
pub type DriftPlaces = HashMap<Sym, DriftPlace, RandomState>;

/// Of the verdict of one Node what orders, filters and sums ask for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerdictSummary {
    /// The headline answer to "may Karpenter take this node?".
    pub verdict: Verdict,
    /// Where the Node stands.
    pub standing: Standing,
    /// Whether Karpenter may take the Node for any reason.
    pub may_be_taken: bool,
    /// When that ends: what protects it, or sooner what ends that.
    pub ends_at: Option<Time>,
    /// The object of which the headline speaks, as `kind/namespace/name` with the kind in lower case.
    pub by: Option<String>,
    /// Whether annotations or PodDisruptionBudgets protect the Node, and whether they alone do.
    pub protection: NodeProtection,
    /// When Karpenter can choose the Node, and what decides who comes before it.
    pub turn: Turn,
}

impl VerdictSummary {
    /// Of a Node by its disruption and hazards, as of an evaluation that knew this much.
    fn new(case: &NodeInputs<'_>, disruption: &Disruption, hazards: &[Hazard], inputs: InputState) -> Self {
        let broken = standing::broken_by(disruption, hazards);
        let object = disruption.main_blocker().and_then(|blocker| blocker.object.as_ref());
        Self {
            verdict: disruption.verdict,
            standing: Standing::of(disruption, hazards),
            may_be_taken: !disruption.may.yes.is_empty(),
            ends_at: broken.map_or_else(|| disruption.until(), |broken| broken.begins()),
            protection: NodeProtection::new(disruption, inputs),
            turn: Turn::of(case, disruption),
            by: object.map(|key| format!("{}/{}", key.kind.name().to_lowercase(), key.object)),
        }
    }
}

impl NodeProtection {
    fn new(disruption: &Disruption, inputs: InputState) -> Self {
        let is_complete = inputs == InputState::Complete;
        // What protects is there, whatever else is not known; that nothing does takes everything to be known.
        let is_protected = disruption.is_protected();
        let is_held = is_complete.then(|| disruption.is_held());
        Self { is_protected: (is_protected || is_complete).then_some(is_protected), is_held }
    }
}

/// Whether everything was known at an evaluation that decides about Nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum InputState {
    /// Everything that decides was read.
    Complete,
    /// Something was not read, or only in part.
    Incomplete,
}

/// The verdicts of all Nodes, each as of its last evaluation.
#[derive(Default)]
pub struct Verdicts {
    summaries: HashMap<Sym, VerdictSummary, RandomState>,
    /// Nodes to evaluate now, the next one last.
    due: IndexSet<Sym, RandomState>,
    /// Nodes that changed, or whose pods did, and whose turn comes in a later second.
    touched: IndexSet<Sym, RandomState>,
    /// Nodes of this round whose turn comes in a later second.
    later: Vec<Sym>,
}

/// How many Nodes are evaluated at a time: about a millisecond and a half.
const NODES_PER_SLICE: usize = 256;

/// How many Nodes of a round are evaluated in a second, so that a busy cluster takes less than a hundredth of a core; and
/// how many of those that changed, beside them.
const NODES_PER_SECOND: usize = 1_024;

impl Verdicts {
    /// Whether a Node is protected and held, as far as that is known.
    pub fn protection(&self, name: &Sym) -> NodeProtection {
        self.summaries.get(name).map_or_else(NodeProtection::default, |summary| summary.protection)
    }

    /// The verdict on a Node; `None` before its first evaluation.
    pub fn summary(&self, node: &NodeRow) -> Option<&VerdictSummary> {
        self.summaries.get(&node.meta.key.name)
    }

    /// Karpenter's next command of each reason, as far as it can be told, as of the last evaluations.
    pub(super) fn next_commands(&self, now: Time, places: impl Fn(&Sym, Reason) -> Places) -> Vec<NextCommand> {
        next_commands(self.summaries.iter().map(|(name, summary)| (name, &summary.turn)), now, places)
    }

    /// Whether Karpenter's simulation finds places for the pods of a Node.
    pub(super) fn places(evaluator: &Evaluator<'_>, fleet: &Fleet, name: &Sym, reason: Reason) -> Places {
        fleet.node(name).map_or(Places::Missing, |node| evaluator.places(node, reason))
    }

    /// Where drifted nodes stand among those that Karpenter tries, as of the last evaluations.
    pub(super) fn drift_places(&self) -> DriftPlaces {
        drift_places(self.summaries.iter().map(|(name, summary)| (name, &summary.turn)))
    }

    /// All that were evaluated, by name of the Node.
    #[cfg(test)]
    pub(super) const fn summaries(&self) -> &HashMap<Sym, VerdictSummary, RandomState> {
        &self.summaries
    }

    /// Whether a slice waits to be evaluated now.
    pub(super) fn has_work(&self) -> bool {
        !self.due.is_empty()
    }

    /// Nodes that came are evaluated at once, Nodes that went are forgotten.
    pub(super) fn note_nodes(&mut self, fleet: &Fleet, changed: &BTreeSet<Sym>) {
        for name in changed {
            let exists = fleet.node(name).is_some();
            if !exists {
                self.summaries.remove(name);
            } else if !self.summaries.contains_key(name) {
                self.due.insert(name.clone());
            }
        }
    }

    /// Pods of these Nodes changed: only they are evaluated again, with the next second.
    pub(super) fn note_pods_of(&mut self, nodes: &BTreeSet<Sym>) {
        self.touched.extend(nodes.iter().cloned());
    }

    /// What waits for a later second is due now.
    pub(super) fn hurry(&mut self) {
        self.due.extend(self.touched.drain(..).chain(self.later.drain(..)));
    }

    /// Something changed on which verdicts depend: a new round begins when the present one has ended. Says whether it did.
    pub(super) fn begin_round(&mut self) -> bool {
        let has_ended = self.due.is_empty() && self.later.is_empty();
        if has_ended {
            self.later = self.summaries.keys().cloned().collect();
        }
        has_ended
    }

    /// A second has passed: the next share of the round is due.
    pub(super) fn begin_second(&mut self) {
        let kept = self.later.len().saturating_sub(NODES_PER_SECOND);
        let first = self.touched.len().min(NODES_PER_SECOND);
        self.due.extend(self.touched.drain(..first).chain(self.later.drain(kept..)));
    }

    /// Evaluates the next slice. Where everything is known that decides, `held` follows which of the Nodes are held.
    /// The Nodes whose summary changed.
    pub(super) fn evaluate_slice(
        &mut self,
        evaluator: &Evaluator<'_>,
        fleet: &Fleet,
        inputs: InputState,
        held: &mut HeldMemory,
    ) -> Vec<Sym> {
        let mut changed = Vec::new();
        let slice = self.due.split_off(self.due.len().saturating_sub(NODES_PER_SLICE));
        for node in slice.iter().filter_map(|name| fleet.node(name)) {
            let case = evaluator.case(node);
            let (disruption, hazards) = hazards::judged(&case);
            if inputs == InputState::Complete {
                held.observe(&case, &disruption);
            }
            let new = VerdictSummary::new(&case, &disruption, &hazards, inputs);
            let name = &node.meta.key.name;
            if self.summaries.get(name) != Some(&new) {
                self.summaries.insert(name.clone(), new);
                changed.push(name.clone());
            }
        }
        changed
    }
}
