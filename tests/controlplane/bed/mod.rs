//! A real Kubernetes control plane with Karpenter on loopback, for tests and benchmarks.
//!
//! ```text
//! etcd → kube-apiserver → scheduler, controller manager, KWOK → CRDs → Karpenter
//! ```
//!
//! Real programs of pinned versions, built from Go modules ([`go`]), each bed with its
//! own ports, certificates and data folder. Nodes are simulated: Karpenter's KWOK
//! provider sells the machines of `instance_types.csv`, and KWOK plays their kubelets
//! by the rules of `stages.rs`; the names in [`annotation`] steer a pod. What pods answer
//! through the API server's proxy, tests put down themselves ([`Exporters`]).
//!
//! A program that uses this begins its `main` with [`run_if_asked`]. A bed takes about
//! ten seconds and 0.8 GB, so tests share one where they can, each with a namespace
//! ([`Bed::namespace`]) and NodePools ([`Bed::node_pool`]) of its own.

// Tests and benchmarks include this folder each for itself, and each uses a part.
#![allow(dead_code, unused_imports)]

mod api;
mod certificates;
mod components;
mod dcgm;
mod exporters;
mod failure;
pub mod go;
mod gpu_nodes;
mod instance_types;
mod kubeconfig;
pub mod load;
mod manifests;
mod options;
mod ports;
mod readiness;
mod running;
mod scope;
mod stages;
mod supervisor;

pub use api::{Api, Refusal, request};
pub use components::{Component, FEATURE_GATES, Ports};
pub use dcgm::{DcgmDevice, dcgm_page};
pub use exporters::{Answer, Exporters, Page};
pub use failure::{Context, Failure, Result};
pub use go::Karpenter;
pub use gpu_nodes::GpuNodeSpec;
pub use instance_types::{SPOT_SHARES, ZONES, usd_per_hour};
pub use manifests::{DCGM_EXPORTER, JobSpec, NodePoolSpec, PodSpec, annotation, dcgm_exporter};
pub use options::BedOptions;
pub use running::Bed;
pub use scope::{GpuNode, Namespace, NodePool};
pub use supervisor::{Ending, State, run_if_asked};
