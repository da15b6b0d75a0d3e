//! Blockers: what stops Karpenter from taking a node.

use super::reason::Reasons;
use crate::fleet::Key;
use crate::insight::sentence::{Fragment, Sentence};
use crate::units::Time;

/// What kind of thing stops Karpenter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum BlockerKind {
    /// A pod's `karpenter.sh/do-not-disrupt`.
    PodAnnotation,
    /// The Node's `karpenter.sh/do-not-disrupt`.
    NodeAnnotation,
    /// A PodDisruptionBudget that allows no disruption.
    Pdb,
    /// A pod under several PodDisruptionBudgets, which the eviction API does not support.
    MultiplePdbs,
    /// A disruption budget of the NodePool.
    Budget,
    /// Consolidation policy `WhenEmpty` on a node that is not empty.
    Policy,
    /// The node has not been quiet for long enough.
    ConsolidateAfter,
    /// `consolidateAfter: Never`.
    ConsolidationDisabled,
    /// The node is not initialized.
    NotInitialized,
    /// Karpenter does not manage the node.
    NotManaged,
    /// The node is being disrupted or deleted already.
    Deleting,
    /// The NodePool is missing.
    NodePoolMissing,
    /// A label is missing without which the node's price is not known.
    MissingLabels,
    /// The NodePool keeps a fixed number of nodes.
    Static,
    /// Karpenter disrupts nothing at all at the moment.
    LoopPaused,
    /// Something is not known without which nothing can be said.
    InputMissing,
    /// Advisory: Karpenter keeps the node for a pending pod.
    Nominated,
    /// Advisory: policy `Balanced` will find the saving too small.
    Balance,
    /// Advisory: Karpenter's simulation found nothing to gain, or no place for the pods.
    Simulation,
}

impl BlockerKind {
    /// As the JSON writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PodAnnotation => "PodAnnotation",
            Self::NodeAnnotation => "NodeAnnotation",
            Self::Pdb => "Pdb",
            Self::MultiplePdbs => "MultiplePdbs",
            Self::Budget => "Budget",
            Self::Policy => "Policy",
            Self::ConsolidateAfter => "ConsolidateAfter",
            Self::ConsolidationDisabled => "ConsolidationDisabled",
            Self::NotInitialized => "NotInitialized",
            Self::NotManaged => "NotManaged",
            Self::Deleting => "Deleting",
            Self::NodePoolMissing => "NodePoolMissing",
            Self::MissingLabels => "MissingLabels",
            Self::Static => "Static",
            Self::LoopPaused => "LoopPaused",
            Self::InputMissing => "InputMissing",
            Self::Nominated => "Nominated",
            Self::Balance => "Balance",
            Self::Simulation => "Simulation",
        }
    }

    /// Whether it only warns: what it stands on cannot be known well enough to change the answer.
    pub const fn is_advisory(self) -> bool {
        matches!(self, Self::Nominated | Self::Balance | Self::Simulation)
    }

    /// Whether it is somebody's protection of what runs there, as opposed to how the NodePool is set up.
    pub const fn is_protection(self) -> bool {
        matches!(self, Self::PodAnnotation | Self::NodeAnnotation | Self::Pdb | Self::MultiplePdbs)
    }
}

/// The evidence of a blocker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Evidence {
    /// The blocker follows from the objects.
    Computed,
    /// An Event of Karpenter's.
    Event,
    /// The objects, and an Event says the same.
    Both,
}

impl Evidence {
    /// As the JSON writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Computed => "computed",
            Self::Event => "event",
            Self::Both => "both",
        }
    }
}

/// One thing that stops Karpenter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Blocker {
    /// The kind of thing that stops Karpenter.
    pub kind: BlockerKind,
    /// The reasons it stops.
    pub reasons: Reasons,
    /// The object to look at.
    pub object: Option<Key>,
    /// When it ends by itself, where that is known.
    pub until: Option<Time>,
    /// One sentence; Karpenter's own where there is one.
    pub message: Sentence,
    /// Whether it follows from objects, from an Event, or from both.
    pub evidence: Evidence,
}

impl Blocker {
    /// Computed, without object or end.
    pub fn new(kind: BlockerKind, reasons: Reasons, message: impl Fragment) -> Self {
        let message = Sentence::of(message);
        Self { kind, reasons, object: None, until: None, message, evidence: Evidence::Computed }
    }

    /// Whether it is a proof, from the objects, that Karpenter's simulation cannot succeed. Of one that proves this for no
    /// reason as a whole it says what it rules out.
    pub fn is_proof(&self) -> bool {
        self.kind == BlockerKind::Simulation && self.evidence == Evidence::Computed
    }

    /// The blocker with the object to look at.
    #[must_use]
    pub fn about(self, object: Key) -> Self {
        Self { object: Some(object), ..self }
    }

    /// The same with its end, where that is known.
    #[must_use]
    pub fn until(self, until: Option<Time>) -> Self {
        Self { until, ..self }
    }
}
