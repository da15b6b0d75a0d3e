//! The metrics of AMD's device-metrics-exporter.
//!
//! Names, units and labels: device-metrics-exporter pkg/amdgpu/gpuagent/gpuagent_gpu_metrics.go and
//! docs/configuration/metricslist.md. What it calls MB are MiB (pkg/amdgpu/fsysdevice/device.go).

use super::devices::{DeviceList, Drafts, Identity, MEBIBYTE, Measure, Metric, PERCENT, metric};
use super::series::{Series, holder};
use super::{Format, Unreadable};
use crate::fleet::{ExporterKind, Sym};

/// Which metric of power and of temperature there is depends on the generation of the board.
pub(super) const METRICS: &[Metric] = &[
    metric(BUSY, Measure::Busy, PERCENT),
    metric("gpu_used_vram", Measure::Used, MEBIBYTE),
    metric("gpu_total_vram", Measure::Total, MEBIBYTE),
    metric("gpu_package_power", Measure::Power, 1.0),
    metric("gpu_power_usage", Measure::Power, 1.0),
    metric("gpu_average_package_power", Measure::Power, 1.0),
    metric("gpu_junction_temperature", Measure::Temperature, 1.0),
    metric("gpu_edge_temperature", Measure::Temperature, 1.0),
];

/// The one that tells how busy a device is.
pub(super) const BUSY: &str = "gpu_gfx_activity";

/// What installations put before the names; AMD's own dashboards know it as `g_metrics_prefix`.
pub(super) const PREFIX: &str = "amd_";

/// What is put together of device-metrics-exporter's metrics. Each partition of a board is a device.
#[derive(Default)]
pub(super) struct Amd(Drafts);

impl Format for Amd {
    const KIND: ExporterKind = ExporterKind::Amd;

    fn take(&mut self, series: &impl Series) -> bool {
        let name = series.name().strip_prefix(PREFIX).unwrap_or(series.name());
        let found = METRICS.iter().enumerate().find(|(_, metric)| metric.name == name);
        let Some((place, metric)) = found else { return false };
        if let Some(draft) = identity(series).and_then(|identity| self.0.of(identity)) {
            draft.describe(series.number("gpu_id"), series.first_label(&["card_series", "card_model"]), None);
            if is_measured(metric.measure, series) {
                draft.measure(metric.measure, place, series.value() * metric.unit);
            }
            draft.hold(holder(series));
        }
        true
    }

    fn finish(self) -> Result<DeviceList, Unreadable> {
        self.0.readings()
    }
}

/// The number of a partition other than the first one of its board.
fn further_partition(series: &impl Series) -> Option<u32> {
    series.number("gpu_partition_id").filter(|partition| *partition > 0)
}

/// By UUID, which is not exported by default; else by the serial number, which partitions of a board share; else by number.
fn identity(series: &impl Series) -> Option<Identity> {
    let serial = || {
        let serial = series.first_label(&["serial_number"])?;
        Some(further_partition(series).map_or(serial.clone(), |number| Sym::new(&format!("{serial}/{number}"))))
    };
    let numbered = || series.number("gpu_id").map(|index| Sym::new(&format!("gpu{index}")));
    let uuid = series.first_label(&["gpu_uuid"]).or_else(serial).or_else(numbered)?;
    Some(Identity { uuid, mig: None })
}

/// Of partitions other than the first, the driver measures neither power nor activity nor temperature, and the exporter
/// writes zero.
fn is_measured(measure: Measure, series: &impl Series) -> bool {
    let is_of_board = matches!(measure, Measure::Busy | Measure::Power | Measure::Temperature);
    !(is_of_board && series.value() == 0.0 && further_partition(series).is_some())
}
