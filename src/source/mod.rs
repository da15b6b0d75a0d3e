//! The outside, turned into reports for the fleet.

pub mod kube;
