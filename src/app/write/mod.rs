//! Protecting and unprotecting: what is asked, what is confirmed, what is requested, what came of it.
//!
//! The only thing written is `karpenter.sh/do-not-disrupt` on pods and Nodes, one request per object, each under the
//! conditions that [`crate::fleet::AnnotationChange`] names.

mod confirm;
mod consequences;
mod dialog;
mod outcome;
mod targets;
mod undo;
mod values;

pub use dialog::{act, clock, paste, protect, types, unprotect};
pub use outcome::{answered, under_way};
pub use undo::undo;
