//! Writes: what is asked, what is confirmed, what is requested, what came of it.
//!
//! One request per object is made, each under the conditions that its change names: values of pods and Nodes are written,
//! `karpenter.sh/do-not-disrupt` or `spec.unschedulable` ([`crate::fleet::ValueChange`]), and pods are evicted
//! ([`crate::fleet::PodEviction`]).

mod confirm;
mod consequences;
mod copies;
mod dialog;
mod evicted;
mod evictees;
mod outcome;
mod sentences;
mod targets;
mod undo;
mod values;

pub use dialog::{act, clock, cordon, evict, paste, protect, types, unprotect};
pub use outcome::{answered, under_way};
pub use undo::undo;
