//! What the cloud takes back now, and how far what comes in its place is.

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::{Fleet, NodeClaimRow, ObjectKey, PodRow, Sym, Uid};
use crate::insight::phase::ClaimPhase;
use crate::insight::spot::{SpotNode, SpotNodes, SpotState};
use crate::units::Time;

/// What the cloud takes back now, in sums that a frame can show.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reclaiming {
    /// Nodes that go, the first to go first; those whose end is not known last.
    pub nodes: Vec<Sym>,
    /// Active pods that are still there.
    pub pods: u64,
    /// Those of them that need longer to end than they get.
    pub pods_cut_short: u64,
    /// Pods that have come in place of those that were there.
    pub replacements: Replacements,
}

/// Pods that their owners have created since the notice, by how far they are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Replacements {
    /// Whether it is known whose pods go; where all of them had gone before somebody looked, it is not.
    pub is_known: bool,
    /// All of them.
    pub pods: u64,
    /// Those that are ready.
    pub ready: u64,
    /// Those that have no Node, nor a NodeClaim that is meant for them.
    pub without_capacity: u64,
    /// NodeClaims that are being set up for them, each with where it stands.
    pub claims: BTreeMap<Sym, ClaimPhase>,
}

/// Nodes that are taken back, and the pods that have come in place of theirs.
#[derive(Default)]
pub(super) struct Reclaims {
    nodes: BTreeMap<Sym, Reclaim>,
    successors: BTreeSet<ObjectKey>,
}

/// A Node that is taken back.
struct Reclaim {
    uid: Uid,
    /// When the notice was given; where that is not told, when it was first seen.
    since: Time,
    /// Who controls the pods that were seen there: they go, and are still wanted.
    owners: BTreeSet<Uid>,
}

/// How many pods are followed; of a notice for more nobody reads how far each is.
const SUCCESSOR_CAPACITY: usize = 4_096;

impl Reclaims {
    /// Follows which Nodes are taken back, and whose pods are there.
    pub fn follow(&mut self, fleet: &Fleet, nodes: &SpotNodes, now: Time) {
        let is_going = |name: &Sym, uid: &Uid| going(nodes, name).is_some_and(|node| node.uid == *uid);
        self.nodes.retain(|name, reclaim| is_going(name, &reclaim.uid));
        let mut has_grown = false;
        for (name, node) in nodes.iter().filter(|(_, node)| node.state == SpotState::Reclaiming) {
            let since = node.signal.as_ref().and_then(|signal| signal.at).unwrap_or(now);
            let new = || Reclaim { uid: node.uid.clone(), since, owners: BTreeSet::new() };
            let reclaim = self.nodes.entry(name.clone()).or_insert_with(new);
            let before = reclaim.owners.len();
            let there = fleet.pods_on(name).filter(|pod| pod.holds_resources());
            reclaim.owners.extend(there.filter_map(controller));
            has_grown |= reclaim.owners.len() > before;
        }
        if self.nodes.is_empty() {
            self.successors.clear();
        } else if has_grown {
            // Some may have come before it was known whose they are.
            let found = fleet.pods.iter().filter(|pod| self.is_successor(pod)).map(|pod| pod.meta.key.clone());
            self.successors = found.take(SUCCESSOR_CAPACITY).collect();
        }
    }

    /// These pods came, changed or went.
    pub fn note_pods(&mut self, fleet: &Fleet, changed: &BTreeSet<ObjectKey>) {
        if self.nodes.is_empty() {
            return;
        }
        for key in changed {
            if fleet.pods.get(key).is_some_and(|pod| self.is_successor(pod)) {
                if self.successors.len() < SUCCESSOR_CAPACITY {
                    self.successors.insert(key.clone());
                }
            } else {
                self.successors.remove(key);
            }
        }
    }

    /// The sums over what goes, and over what comes in its place.
    pub fn sum(&self, fleet: &Fleet, nodes: &SpotNodes) -> Reclaiming {
        let mut found: Vec<(&Sym, &SpotNode)> =
            self.nodes.keys().filter_map(|name| Some((name, nodes.get(name)?))).collect();
        found.sort_by_key(|(name, node)| (node.ends_at.is_none(), node.ends_at, (*name).clone()));
        let sum = |of: fn(&SpotNode) -> u64| found.iter().map(|(_, node)| of(node)).sum();
        Reclaiming {
            pods: sum(|node| node.stake.pods),
            pods_cut_short: sum(|node| node.stake.pods_cut_short),
            nodes: found.iter().map(|(name, _)| (*name).clone()).collect(),
            replacements: self.replacements(fleet),
        }
    }

    fn replacements(&self, fleet: &Fleet) -> Replacements {
        let is_known = self.nodes.values().any(|reclaim| !reclaim.owners.is_empty());
        let mut sum = Replacements { is_known, ..Replacements::default() };
        for pod in self.successors.iter().filter_map(|key| fleet.pods.get(key)).filter(|pod| self.is_successor(pod)) {
            sum.pods += 1;
            sum.ready += u64::from(pod.is_ready());
            let claim = claim_of(fleet, pod);
            sum.without_capacity += u64::from(pod.node.is_none() && claim.is_none());
            let phase = claim.map(|claim| (claim.meta.key.name.clone(), ClaimPhase::of(claim)));
            sum.claims.extend(phase.filter(|(_, phase)| *phase != ClaimPhase::Ready));
        }
        sum
    }

    /// Whether its owner has created it since a notice for a Node on which the owner had another.
    fn is_successor(&self, pod: &PodRow) -> bool {
        let Some(owner) = controller(pod).filter(|_| pod.is_active()) else { return false };
        let replaces = |(name, reclaim): (&Sym, &Reclaim)| {
            pod.meta.created >= reclaim.since && reclaim.owners.contains(&owner) && pod.node.as_ref() != Some(name)
        };
        self.nodes.iter().any(replaces)
    }
}

fn going<'a>(nodes: &'a SpotNodes, name: &str) -> Option<&'a SpotNode> {
    nodes.get(name).filter(|node| node.state == SpotState::Reclaiming)
}

/// Who creates another pod in its place, wherever there is room; a DaemonSet does not.
fn controller(pod: &PodRow) -> Option<Uid> {
    let is_bound_to_node = pod.eviction.of_daemon_set || pod.eviction.of_node;
    Some(&pod.owner.as_ref()?.uid).filter(|_| !is_bound_to_node).cloned()
}

/// The NodeClaim of its Node, else the newest one that Karpenter has in mind for it.
fn claim_of<'a>(fleet: &'a Fleet, pod: &PodRow) -> Option<&'a NodeClaimRow> {
    if let Some(name) = &pod.node {
        return fleet.claim_of(fleet.node(name)?);
    }
    let nominations = pod.start.as_ref().map_or(&[][..], |start| &start.nominations);
    let claims = nominations.iter().rev().filter_map(|nomination| nomination.claim.as_ref());
    let mut claims = claims.filter_map(|name| fleet.node_claims.get(&ObjectKey::cluster(name)));
    claims.find(|claim| claim.meta.deletion.is_none())
}
