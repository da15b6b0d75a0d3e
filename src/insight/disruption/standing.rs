//! Where a node stands between Karpenter and what holds it, in one word: what glyphs, filters and orders are made of.

use super::blocker::{Blocker, BlockerKind};
use super::hazards::{Hazard, HazardKind};
use super::verdict::{Disruption, Verdict};
use crate::fleet::ObjectKey;
use crate::units::Time;

/// Where a node stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Standing {
    /// The cloud takes it back.
    Interrupted,
    /// Annotations or PodDisruptionBudgets protect it, and something ends it before they do.
    WillNotHold,
    /// On its way out.
    Terminating,
    /// Chosen by Karpenter.
    Disrupting,
    /// Not initialized yet.
    Starting,
    /// Nothing but annotations and PodDisruptionBudgets stops Karpenter.
    Held,
    /// Annotations or PodDisruptionBudgets stop Karpenter, and so does something else.
    Protected,
    /// Karpenter may take it.
    Candidate,
    /// Something that decides is not known.
    Unknown,
    /// How its NodePool is set up, or a pause, keeps it for now.
    Kept,
    /// Karpenter does not manage the node.
    NotManaged,
}

impl Standing {
    /// All, what needs a look first in front.
    pub const ALL: [Self; 11] = [
        Self::Interrupted,
        Self::WillNotHold,
        Self::Terminating,
        Self::Disrupting,
        Self::Starting,
        Self::Held,
        Self::Protected,
        Self::Candidate,
        Self::Unknown,
        Self::Kept,
        Self::NotManaged,
    ];

    /// Of a node.
    pub fn of(disruption: &Disruption, hazards: &[Hazard]) -> Self {
        match disruption.verdict {
            Verdict::NotManaged => Self::NotManaged,
            Verdict::Unknown => Self::Unknown,
            Verdict::Terminating => Self::Terminating,
            Verdict::BeingDisrupted => Self::Disrupting,
            Verdict::SpotInterrupted => Self::Interrupted,
            _ if hazards.iter().any(|hazard| hazard.kind == HazardKind::SpotInterruption) => Self::Interrupted,
            Verdict::NotInitialized => Self::Starting,
            _ if broken_by(disruption, hazards).is_some() => Self::WillNotHold,
            Verdict::ProtectedByNode | Verdict::ProtectedByPod | Verdict::BlockedByPdb if disruption.is_held() => {
                Self::Held
            }
            Verdict::ProtectedByNode | Verdict::ProtectedByPod | Verdict::BlockedByPdb => Self::Protected,
            verdict if verdict.is_candidate() => Self::Candidate,
            _ => Self::Kept,
        }
    }
}

/// What ends a node, or a protected pod on it, before what holds it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Broken<'a> {
    /// The hazard itself.
    pub hazard: &'a Hazard,
    /// When the pod is ended, or the node where no pod is; `None` for any time.
    pub at: Option<Time>,
    /// The pod that it ends; `None` where it ends the whole node.
    pub pod: Option<&'a ObjectKey>,
}

impl Broken<'_> {
    /// When it begins: that of the hazard, else of the end that it brings.
    pub fn begins(&self) -> Option<Time> {
        self.hazard.at.or(self.at)
    }
}

/// The soonest thing that ends what is held now; one that may come at any time counts as the soonest.
pub fn broken_by<'a>(disruption: &Disruption, hazards: &'a [Hazard]) -> Option<Broken<'a>> {
    let holding = || disruption.firm().filter(|blocker| blocker.kind.is_protection());
    let broken = hazards.iter().flat_map(|hazard| holding().filter_map(move |blocker| breaks(hazard, blocker)));
    broken.min_by_key(|broken| (broken.at, broken.begins()))
}

/// An annotation or a PodDisruptionBudget that a hazard outlasts. The annotation of a pod has an end; nothing else has.
fn breaks<'a>(hazard: &'a Hazard, blocker: &Blocker) -> Option<Broken<'a>> {
    // The Node's annotation stops nothing once the node is drained; a pod's own annotation, or a PDB, the drain waits for.
    let drains = hazard.kind == HazardKind::Expiration && blocker.kind == BlockerKind::NodeAnnotation;
    if !hazard.ends_pods && !drains {
        return None;
    }
    if blocker.kind != BlockerKind::PodAnnotation {
        return Some(Broken { hazard, at: hazard.at, pod: None });
    }
    let key = &blocker.object.as_ref()?.object;
    let reached = hazard.pods.iter().find(|reached| reached.pod == *key)?;
    let at = reached.killed_at.or(hazard.at);
    let is_over = blocker.until.is_some_and(|until| at.is_some_and(|at| until <= at));
    (!is_over).then_some(Broken { hazard, at, pod: Some(&reached.pod) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Key, Kind};
    use crate::insight::Sentence;
    use crate::insight::disruption::hazards::Reached;
    use crate::insight::disruption::{May, Reasons};
    use crate::insight::testing::CREATED;

    fn at(seconds: i64) -> Time {
        CREATED.plus_seconds(seconds)
    }

    fn pod() -> ObjectKey {
        ObjectKey::new("ml", "train-0")
    }

    fn disruption(verdict: Verdict, kind: BlockerKind, until: Option<i64>) -> Disruption {
        let blocker = Blocker::new(kind, Reasons::ALL, "").about(Key::new(Kind::Pod, pod())).until(until.map(at));
        Disruption {
            verdict,
            may: May { yes: Reasons::NONE, no: Reasons::ALL },
            applies: Reasons::ALL,
            blockers: vec![blocker],
            disagreement: None,
            assumed: false,
        }
    }

    fn expires(killed: Option<i64>) -> Hazard {
        let pods = vec![Reached { pod: pod(), killed_at: killed.map(at) }];
        Hazard {
            kind: HazardKind::Expiration,
            at: Some(at(100)),
            message: Sentence::default(),
            pods,
            ends_pods: killed.is_some(),
        }
    }

    #[test]
    fn a_protection_that_ends_before_the_pod_is_killed_holds() {
        let of = |until, killed| {
            let protected = disruption(Verdict::ProtectedByPod, BlockerKind::PodAnnotation, until);
            Standing::of(&protected, &[expires(killed)])
        };
        assert_eq!(of(Some(400), Some(400)), Standing::Held, "killed when it ends anyway");
        assert_eq!(of(Some(401), Some(400)), Standing::WillNotHold);
        assert_eq!(of(None, Some(400)), Standing::WillNotHold);
        assert_eq!(of(None, None), Standing::Held, "the drain waits for it");
    }

    #[test]
    fn a_drain_ignores_the_annotation_of_a_node() {
        let of = |kind, verdict| Standing::of(&disruption(verdict, kind, None), &[expires(None)]);
        assert_eq!(of(BlockerKind::NodeAnnotation, Verdict::ProtectedByNode), Standing::WillNotHold);
        assert_eq!(of(BlockerKind::Pdb, Verdict::BlockedByPdb), Standing::Held);
        assert_eq!(of(BlockerKind::Budget, Verdict::BlockedByBudget), Standing::Kept);
    }

    #[test]
    fn a_hazard_without_a_time_is_named_before_one_with_a_time() {
        let drifted = Hazard { kind: HazardKind::DriftOverridesProtection, at: None, ..expires(Some(400)) };
        let drifted = Hazard { pods: vec![Reached { pod: pod(), killed_at: None }], ..drifted };
        let protected = disruption(Verdict::ProtectedByPod, BlockerKind::PodAnnotation, None);
        let hazards = [expires(Some(400)), drifted];
        assert_eq!(broken_by(&protected, &hazards).map(|broken| broken.at), Some(None));
        assert_eq!(broken_by(&protected, &hazards[..1]).map(|broken| broken.at), Some(Some(at(400))));
    }

    #[test]
    fn an_interruption_outranks_a_candidate_verdict_but_not_terminating() {
        let notice = Hazard { kind: HazardKind::SpotInterruption, ..expires(Some(400)) };
        let of =
            |verdict| Standing::of(&disruption(verdict, BlockerKind::Simulation, None), std::slice::from_ref(&notice));
        assert_eq!(of(Verdict::ConsolidationCandidate), Standing::Interrupted);
        assert_eq!(of(Verdict::Terminating), Standing::Terminating);
    }
}
