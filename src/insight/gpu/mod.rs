//! Accelerators of a Node: what there is (labels, allocatable, hardware of its instance type), what is usable, what is
//! requested.

mod hardware;
mod summary;

pub use hardware::{Sharing, Vendor};
pub use summary::{GpuLine, NodeGpu, lines};
