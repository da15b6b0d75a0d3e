//! The metrics of NVIDIA's dcgm-exporter.
//!
//! Names and units: dcgm-exporter etc/default-counters.csv, etc/dcp-metrics-included.csv, and for those in lower case
//! etc/1.x-compatibility-metrics.csv. Labels: internal/pkg/rendermetrics/render_metrics.go and
//! internal/pkg/transformation/const.go.

use super::devices::{DeviceList, Drafts, Identity, MEBIBYTE, Measure, Metric, PERCENT, metric};
use super::series::{Series, holder};
use super::{Format, Unreadable};
use crate::fleet::{ExporterKind, Sym};

/// How busy the engines were comes first: the other one, whether any kernel ran at all, is not told of MIG instances.
pub(super) const METRICS: &[Metric] = &[
    metric("DCGM_FI_PROF_GR_ENGINE_ACTIVE", Measure::Busy, 1.0),
    metric("DCGM_FI_DEV_GPU_UTIL", Measure::Busy, PERCENT),
    metric("DCGM_FI_DEV_FB_USED", Measure::Used, MEBIBYTE),
    metric("DCGM_FI_DEV_FB_FREE", Measure::Free, MEBIBYTE),
    metric("DCGM_FI_DEV_FB_RESERVED", Measure::Reserved, MEBIBYTE),
    metric("DCGM_FI_DEV_FB_TOTAL", Measure::Total, MEBIBYTE),
    metric("DCGM_FI_DEV_POWER_USAGE", Measure::Power, 1.0),
    metric("DCGM_FI_DEV_GPU_TEMP", Measure::Temperature, 1.0),
    metric("DCGM_FI_DEV_XID_ERRORS", Measure::Xid, 1.0),
    metric("dcgm_gpu_utilization", Measure::Busy, PERCENT),
    metric("dcgm_fb_used", Measure::Used, MEBIBYTE),
    metric("dcgm_fb_free", Measure::Free, MEBIBYTE),
    metric("dcgm_power_usage", Measure::Power, 1.0),
    metric("dcgm_gpu_temp", Measure::Temperature, 1.0),
    metric("dcgm_xid_errors", Measure::Xid, 1.0),
];

/// Those that tell how busy a device is.
pub(super) const BUSY: [&str; 3] = ["DCGM_FI_PROF_GR_ENGINE_ACTIVE", "DCGM_FI_DEV_GPU_UTIL", "dcgm_gpu_utilization"];

/// What is told as a ratio, and in percent where that is not told.
pub(super) const PERCENT_AFTER_RATIO: [&str; 2] = ["DCGM_FI_PROF_GR_ENGINE_ACTIVE", "DCGM_FI_DEV_GPU_UTIL"];

/// What is put together of dcgm-exporter's metrics.
///
/// Of a GPU that several pods share there is one series for each, all with the value of the whole device: they are one
/// device with several holders.
#[derive(Default)]
pub(super) struct Dcgm(Drafts);

impl Format for Dcgm {
    const KIND: ExporterKind = ExporterKind::Dcgm;

    fn take(&mut self, series: &impl Series) -> bool {
        let found = METRICS.iter().enumerate().find(|(_, metric)| metric.name == series.name());
        let Some((place, metric)) = found else { return false };
        if let Some(draft) = identity(series).and_then(|identity| self.0.of(identity)) {
            let text = |names: &[&str]| series.first_label(names);
            draft.describe(series.number("gpu"), text(&["modelName", "model_name"]), text(&["GPU_I_PROFILE"]));
            draft.measure(metric.measure, place, series.value() * metric.unit);
            draft.hold(holder(series));
        }
        true
    }

    fn finish(self) -> Result<DeviceList, Unreadable> {
        self.0.readings()
    }
}

/// By the UUID of the board, else by its number. An instance whose number is none is of no known device.
fn identity(series: &impl Series) -> Option<Identity> {
    let uuid = series.first_label(&["UUID", "uuid"]);
    let uuid = uuid.or_else(|| series.number("gpu").map(|index| Sym::new(&format!("gpu{index}"))))?;
    let mig = series.label("GPU_I_ID").map(|id| id.parse()).transpose().ok()?;
    Some(Identity { uuid, mig })
}
