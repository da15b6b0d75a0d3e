//! Kinds of which little is kept.

use super::{Condition, Meta, Owner, Row, Sym};

/// One policy/v1 PodDisruptionBudget.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DisruptionBudgetRow {
    /// Identity.
    pub meta: Meta,
    /// `status.disruptionsAllowed`.
    pub disruptions_allowed: i64,
    /// `status.currentHealthy`.
    pub current_healthy: i64,
    /// `status.desiredHealthy`.
    pub desired_healthy: i64,
    /// `status.expectedPods`.
    pub expected_pods: i64,
}

/// One apps/v1 ReplicaSet, for the Deployment behind a pod.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplicaSetRow {
    /// Identity.
    pub meta: Meta,
    /// The Deployment.
    pub owner: Option<Owner>,
}

/// One core/v1 Namespace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamespaceRow {
    /// Identity.
    pub meta: Meta,
}

/// One karpenter.sh NodeOverlay.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeOverlayRow {
    /// Identity.
    pub meta: Meta,
}

/// One NodeClass: EC2NodeClass of karpenter.k8s.aws, or NodeClass of eks.amazonaws.com.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeClassRow {
    /// Identity.
    pub meta: Meta,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
}

/// The Deployment that runs Karpenter's controller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ControllerRow {
    /// Identity.
    pub meta: Meta,
    /// The image of the controller's container.
    pub image: Sym,
}

macro_rules! rows {
    ($($row:ty),+) => { $(impl Row for $row {
        fn meta(&self) -> &Meta {
            &self.meta
        }
    })+ };
}

rows!(DisruptionBudgetRow, ReplicaSetRow, NamespaceRow, NodeOverlayRow, NodeClassRow, ControllerRow);
