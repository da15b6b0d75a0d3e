//! Accelerators of a Node: what there is (labels, allocatable, hardware of its instance type), what is usable, what is
//! requested, in the units that Kubernetes counts and in the devices that are paid for.

mod hardware;
mod partition;
mod summary;

pub use hardware::{Sharing, Vendor};
pub use partition::Thousandths;
pub use summary::{DevicePlugin, GpuResource, NodeGpu, NodeHardware};
