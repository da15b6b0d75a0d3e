//! The outside, turned into reports for the fleet.

pub mod demo;
pub mod kube;
