//! Spot and preemptible capacity: how likely a pool is to lose its nodes, and what goes with them.
//!
//! A [`SpotNode`] is where one Node stands and what goes with it; a [`SpotPool`] is all Nodes of an instance type in a
//! zone, which tend to be taken back together. [`SpotMemory`] is what batchtop has seen of pools itself.
//!
//! The risk of a pool is a [`Score`] from 0 to 100 over those inputs that are known. Below a limit of coverage there is
//! no number. What has happened already is no estimate but a fact: a [`Floor`], which holds whatever the inputs say.

mod floor;
mod hazard;
pub mod memory;
mod node;
mod pool;
#[cfg(test)]
mod pool_tests;
mod refusal;
mod score;
#[cfg(test)]
mod score_tests;
pub mod thresholds;

pub use floor::{Floor, FloorReason};
pub use hazard::{Hazard, Observed, Prior};
pub use memory::SpotMemory;
pub use node::{EventSources, SpotNode, SpotNodes, SpotPoolKey, SpotState, Stake};
pub use pool::{PoolHistory, SpotPool, SpotTotals, SpotZone, SpotZoneKey, SpotZones};
pub use refusal::Refusal;
pub use score::{Evidence, PlacementScore, PriceRatio, Score, ScoreInput, ScoreInputs, Term};
pub use thresholds::SpotThresholds;

/// What the score cannot tell, for help and manual.
pub const LIMITS: &str = "\
Limits of the score:
- Its weights, and the 200 node-hours that the prior counts for, are judgement. They are not
  fitted to data.
- The range of the Spot Instance Advisor is the rate at which AWS took back capacity of that
  type in the whole region in a month. It is not the chance of one node.
- Nodes of one pool tend to be taken back together. The chance of one node understates what
  several lose at once.
- A placement score tells how likely a request for capacity is to succeed. It says nothing about
  running nodes.
- Nothing is estimated for GKE and AKS: their nodes have floors only.";
