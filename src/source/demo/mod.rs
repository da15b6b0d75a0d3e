//! The demo: a simulated cluster that produces Kubernetes objects.
//!
//! What comes out is JSON as an API server would return it; it passes through the same decoding as a real cluster's
//! objects, so the demo can show nothing that a real cluster could not. The simulation is deterministic: equal seed,
//! start and clock reading give equal bytes, however often the state was read in between.
//!
//! * [`clock`]: the queue of scheduled events; [`world`]: all state and the dispatch; [`model`]: its types.
//! * [`cast`]: pools, services and Jobs; [`catalog`]: instance types and images; [`genesis`]: the initial state.
//! * [`scheduler`], [`kubelet`], [`jobs`], [`controllers`], [`karpenter`]: behaviour of the components of these names.
//! * [`prices`]: simulated AWS prices. [`exporter`]: simulated metrics of GPUs; [`usage`]: of nodes. [`objects`]: JSON from state; [`simulation`]: the public interface; [`run()`]:
//!   the Source.

mod cast;
mod catalog;
mod clock;
mod controllers;
mod events;
mod exporter;
mod genesis;
mod jobs;
mod karpenter;
mod kubelet;
mod logs;
mod model;
mod names;
mod objects;
mod prices;
mod rng;
mod run;
mod scheduler;
mod simulation;
mod usage;
mod world;

pub use run::{CONTEXT, DemoClock, Request, Settings, deltas, facts, first_reports, once, run};
pub use simulation::{Change, Simulation};

#[cfg(test)]
mod tests;
