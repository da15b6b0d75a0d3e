//! Writes: what is asked, what is confirmed, what is requested, what came of it.
//!
//! Two things are written, one request per object, each under the conditions that its change names:
//! `karpenter.sh/do-not-disrupt` on pods and Nodes ([`crate::fleet::AnnotationChange`]), and evictions of pods
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

pub use dialog::{act, clock, evict, paste, protect, types, unprotect};
pub use outcome::{answered, under_way};
pub use undo::undo;
