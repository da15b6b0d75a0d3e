//! batchtop: a terminal dashboard for batch jobs and GPU fleets on Kubernetes with Karpenter.

pub mod fleet;
pub mod units;
