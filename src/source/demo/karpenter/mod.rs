//! Karpenter: requests machines for pending pods, brings them up, and takes them back.

pub(super) mod disruption;
pub(super) mod interruption;
pub(super) mod lifecycle;
pub(super) mod protection;
pub(super) mod provisioning;
pub(super) mod termination;

/// Default window in which Karpenter's recorder does not repeat itself.
pub(super) const REPEAT: i64 = 120;
