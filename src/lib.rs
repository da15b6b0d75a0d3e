//! batchtop: a terminal dashboard for batch jobs and GPU fleets on Kubernetes with Karpenter.

pub mod app;
pub mod config;
pub mod export;
pub mod fleet;
pub mod input;
pub mod insight;
pub mod source;
pub mod ui;
pub mod units;
pub mod view;
