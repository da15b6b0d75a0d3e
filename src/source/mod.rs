//! The outside, turned into reports for the fleet.

pub mod aws;
pub mod demo;
pub mod exporters;
pub mod kube;
pub mod prices;
