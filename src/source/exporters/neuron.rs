//! The metrics of AWS's neuron-monitor, as its companion `neuron-monitor-prometheus.py` serves them.
//!
//! It tells of NeuronCores, and only of those that a process uses; of devices it tells how many there are, how much memory
//! each has, and since when it does how many cores. The cores of all devices are numbered through.

use std::collections::BTreeMap;

use super::devices::{DeviceList, Drafts, Identity, Measure};
use super::series::{HolderLabel, Series, holder};
use super::{Format, MAX_DEVICES, Unreadable};
use crate::fleet::{ExporterKind, Sym, Utilization};

/// How busy a core was, as a ratio.
pub(super) const UTILIZATION: &str = "neuroncore_utilization_ratio";

/// Memory of the device that a core uses, in bytes, one metric for each purpose.
pub(super) const CORE_MEMORY: &str = "neuroncore_memory_usage_";

/// Memory that a process uses, in bytes, by where it is.
pub(super) const RUNTIME_MEMORY: &str = "neuron_runtime_memory_used_bytes";

/// What the devices are, in labels.
pub(super) const HARDWARE: &str = "neuron_hardware_info";

/// The cores of a device by the family of the instance type, for neuron-monitors that do not tell (AWS Neuron
/// documentation, "NeuronCores architecture"). Later families are of a time when they do.
const CORES_BY_FAMILY: [(&str, u32); 4] = [("inf1", 4), ("inf2", 2), ("trn1", 2), ("trn1n", 2)];

/// Cores that are read of one page: no device has more than eight.
const MAX_CORES: usize = MAX_DEVICES * 8;

/// What is put together of neuron-monitor's metrics.
///
/// After a process has ended, its series stay until no process is left. Of several series for one core the last one counts:
/// that of the process that came last.
#[derive(Default)]
pub(super) struct Neuron {
    cores: BTreeMap<u32, Core>,
    hardware: Hardware,
    /// Memory of devices that a process uses.
    runtime_memory_bytes: Option<f64>,
}

#[derive(Default)]
struct Core {
    /// Number of its device, where a label tells.
    device: Option<u32>,
    ratio: Option<f64>,
    /// By purpose.
    memory_bytes: BTreeMap<Sym, f64>,
    holder: HolderLabel,
}

#[derive(Default)]
struct Hardware {
    devices: Option<u32>,
    cores_per_device: Option<u32>,
    device_memory_bytes: Option<f64>,
    model: Option<Sym>,
    /// Of the instance type, for example `inf2`.
    family: Option<Sym>,
}

impl Format for Neuron {
    const KIND: ExporterKind = ExporterKind::Neuron;

    fn take(&mut self, series: &impl Series) -> bool {
        match series.name() {
            UTILIZATION => self.take_core(series, |core, value| core.ratio = Some(value)),
            HARDWARE => self.hardware.take(series),
            RUNTIME_MEMORY if series.label("memory_location").as_deref() == Some("neuron_device") => {
                self.runtime_memory_bytes = Some(series.value());
            }
            RUNTIME_MEMORY => {}
            name => match name.strip_prefix(CORE_MEMORY).map(Sym::new) {
                Some(purpose) => self.take_core(series, |core, value| {
                    core.memory_bytes.insert(purpose, value);
                }),
                None => return false,
            },
        }
        true
    }

    fn finish(self) -> Result<DeviceList, Unreadable> {
        let devices = self.devices().ok_or(Unreadable::CoresWithoutDevices)?;
        let memory_of_only_device = self.runtime_memory_bytes.filter(|_| devices.len() == 1);
        let mut drafts = Drafts::default();
        for (number, cores) in &devices {
            let identity = Identity { uuid: Sym::new(&format!("neuron{number}")), mig: None };
            let Some(draft) = drafts.of(identity) else { break };
            draft.describe(Some(*number), self.hardware.model.clone(), None);
            let used_bytes = memory_bytes(cores).or(memory_of_only_device);
            let total_bytes = self.hardware.device_memory_bytes;
            let values = [(Measure::Busy, mean(cores)), (Measure::Used, used_bytes), (Measure::Total, total_bytes)];
            for (measure, value) in values {
                value.into_iter().for_each(|value| draft.measure(measure, 0, value));
            }
            cores.iter().for_each(|core| draft.hold(core.holder.clone()));
        }
        drafts.readings()
    }
}

impl Neuron {
    fn take_core(&mut self, series: &impl Series, set: impl FnOnce(&mut Core, f64)) {
        self.hardware.take_family(series);
        let Some(number) = series.number("neuroncore") else { return };
        if self.cores.len() >= MAX_CORES && !self.cores.contains_key(&number) {
            return;
        }
        let core = self.cores.entry(number).or_default();
        let device = series.number("neurondevice").or_else(|| series.number("neuron_device_index"));
        core.device = device.or(core.device);
        let label = holder(series);
        core.holder = if label == HolderLabel::None { core.holder.clone() } else { label };
        set(core, series.value());
    }

    /// The cores of each device; `None` where it is not known which core is of which.
    fn devices(&self) -> Option<BTreeMap<u32, Vec<&Core>>> {
        let mut devices: BTreeMap<u32, Vec<&Core>> = BTreeMap::new();
        let most = u32::try_from(MAX_DEVICES).unwrap_or(u32::MAX);
        for number in 0..self.hardware.devices.unwrap_or(0).min(most) {
            devices.entry(number).or_default();
        }
        for (number, core) in &self.cores {
            let counted = || number.checked_div(self.hardware.cores_per_device()?);
            devices.entry(core.device.or_else(counted)?).or_default().push(core);
        }
        Some(devices)
    }
}

impl Hardware {
    fn take(&mut self, series: &impl Series) {
        self.take_family(series);
        let above_zero = |name| series.number(name).filter(|number| *number > 0);
        self.devices = above_zero("neuron_device_count").or(self.devices);
        self.cores_per_device = above_zero("neuroncore_per_device_count").or(self.cores_per_device);
        let memory_bytes = series.label("neuron_device_memory_size").and_then(|bytes| bytes.parse().ok());
        self.device_memory_bytes = memory_bytes.or(self.device_memory_bytes);
        self.model = series.first_label(&["neuron_device_type"]).or_else(|| self.model.take());
    }

    fn take_family(&mut self, series: &impl Series) {
        let instance_type = series.label("instance_type");
        let family = instance_type.as_deref().and_then(|name| name.split_once('.')).map(|(family, _)| Sym::new(family));
        self.family = self.family.take().or(family);
    }

    fn cores_per_device(&self) -> Option<u32> {
        let of_family = |family: &Sym| CORES_BY_FAMILY.iter().find(|(name, _)| family == name).map(|(_, cores)| *cores);
        self.cores_per_device.or_else(|| self.family.as_ref().and_then(of_family))
    }
}

/// The mean of the cores that are told of; `None` of none.
fn mean(cores: &[&Core]) -> Option<f64> {
    let ratios = cores.iter().filter_map(|core| Utilization::from_ratio(core.ratio?));
    let mean = Utilization::mean(ratios.map(|ratio| (ratio, 1)))?;
    Some(f64::from(mean.millionths()) / f64::from(Utilization::FULL.millionths()))
}

/// What all cores use for all purposes; not a number where one of them is none.
fn memory_bytes(cores: &[&Core]) -> Option<f64> {
    let mut parts = cores.iter().flat_map(|core| core.memory_bytes.values()).peekable();
    parts.peek()?;
    Some(parts.map(|bytes| if *bytes < 0.0 { f64::NAN } else { *bytes }).sum())
}
