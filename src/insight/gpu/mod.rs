//! Accelerators of a Node: what there is (labels, allocatable, hardware of its instance type), what is usable, what is
//! requested, in the units that Kubernetes counts and in the devices that are paid for; and what they do, as exporters tell.

mod activity;
mod class;
mod dra;
mod exporter;
mod hardware;
pub mod history;
mod partition;
mod rates;
mod reason;
mod shared;
mod summary;
#[cfg(test)]
mod tests;

pub use activity::{ActivityInput, ByClass, DeviceActivity, NodeActivity, PodActivity};
pub use class::{GpuClass, GpuThresholds, PARKED_BYTES};
pub use dra::{DraDevices, held_by, is_asking, requested_by};
pub use exporter::{ExporterState, ExporterStatus, FoundExporter, find as find_exporters};
pub use hardware::{Sharing, Vendor, is_labelled};
pub use partition::Thousandths;
pub use rates::{DeviceRates, silent_boards, weight as weight_of_device};
pub use shared::{reservation_of, shares_with_others};
pub use summary::{DevicePlugin, GpuResource, NodeGpu, NodeHardware};
