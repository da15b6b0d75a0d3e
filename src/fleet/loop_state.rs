//! What a Karpenter says of itself.

use super::ObjectKey;
use crate::units::Time;

/// How Karpenter's memory of the cluster stands to the cluster, by its own metrics. While the two differ it neither takes nodes
/// nor makes any (karpenter pkg/controllers/state/cluster.go, Synced).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoopState {
    /// The Deployment of the controller that said so.
    pub controller: ObjectKey,
    /// For how many seconds they have differed; `None` while they do not.
    pub unsynced_seconds: Option<i64>,
    /// When it was read.
    pub as_of: Time,
}
