//! Accelerators of a Node, as far as requests and allocatable tell: what there is, what is usable, what is asked for.

mod hardware;
mod summary;

pub use hardware::{Sharing, Vendor};
pub use summary::{GpuLine, NodeGpu, lines};
