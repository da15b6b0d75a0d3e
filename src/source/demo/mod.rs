//! The demo: a simulated cluster that produces Kubernetes objects.
//!
//! What comes out is JSON as an API server would return it; it passes through the same decoding as a real cluster's
//! objects, so the demo can show nothing that a real cluster could not. The simulation is deterministic: equal seed,
//! start and clock reading give equal bytes, however often somebody looked in between.
//!
//! * [`clock`]: what is due when; [`world`]: all state and the dispatch; [`model`]: the types of the state.
//! * [`cast`] and [`catalog`]: who is who; [`genesis`]: how it stood before the history begins.
//! * [`scheduler`], [`kubelet`], [`jobs`], [`controllers`], [`karpenter`]: behaviour, each after its namesake.
//! * [`prices`]: what AWS would ask for it. [`objects`]: JSON from state; [`simulation`]: the outside of it all; [`run()`]: the demo as a Source.

mod cast;
mod catalog;
mod clock;
mod controllers;
mod events;
mod genesis;
mod jobs;
mod karpenter;
mod kubelet;
mod model;
mod names;
mod objects;
mod prices;
mod rng;
mod run;
mod scheduler;
mod simulation;
mod world;

pub use run::{DemoClock, Request, Settings, deltas, facts, first_reports, once, run};
pub use simulation::{Change, Simulation};

#[cfg(test)]
mod tests;
