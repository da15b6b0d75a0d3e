//! `DescribeInstanceTypes`: vCPUs, memory and accelerators of instance types.

use super::request::{Answer, PriceItem};
use crate::fleet::{Accelerator, InstanceType, Sym};

/// One instance type of `DescribeInstanceTypes`; fields that the response lacks are `None`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct InstanceDescription {
    pub(super) name: String,
    pub(super) vcpus: Option<i32>,
    pub(super) memory_mib: Option<i64>,
    /// `GpuInfo`; includes Habana Gaudi.
    pub(super) gpu: Option<AcceleratorInfo>,
    /// `NeuronInfo`.
    pub(super) neuron: Option<AcceleratorInfo>,
    /// `InferenceAcceleratorInfo`.
    pub(super) inference: Option<AcceleratorInfo>,
}

/// `GpuInfo`, `NeuronInfo` or `InferenceAcceleratorInfo`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct AcceleratorInfo {
    pub(super) devices: Vec<Device>,
    /// Memory of all devices together, in MiB.
    pub(super) total_mib: Option<i32>,
}

/// One model of device of an [`AcceleratorInfo`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Device {
    /// Model, for example `L4`.
    pub(super) name: String,
    /// Whole devices; 0 for a fraction of one, which AWS says is intended.
    pub(super) count: Option<i32>,
    /// Logical devices; a fraction of one counts as one.
    pub(super) logical: Option<i32>,
    /// Memory of each, in MiB.
    pub(super) memory_mib: Option<i32>,
}

/// The answer for one instance type. [`Answer::Nothing`] if an accelerated family is described without accelerators:
/// that is a gap in EC2's description (trn2u.48xlarge has it), not an instance without accelerators.
pub(super) fn answer(described: &InstanceDescription) -> (PriceItem, Answer) {
    let name = Sym::new(&described.name);
    let accelerator = accelerator_info(described).map(accelerator);
    let answer = match accelerator {
        Some(None) => Answer::Nothing,
        None if is_accelerated(&described.name) => Answer::Nothing,
        known => Answer::Hardware(InstanceType {
            name: name.clone(),
            vcpus: described.vcpus.and_then(|n| u32::try_from(n).ok()),
            memory_mib: described.memory_mib.and_then(|mib| u64::try_from(mib).ok()),
            accelerator: known.flatten(),
        }),
    };
    (PriceItem::Hardware(name), answer)
}

/// inf1 and inf2 are described twice; like Karpenter, prefers `NeuronInfo`.
fn accelerator_info(described: &InstanceDescription) -> Option<&AcceleratorInfo> {
    described.gpu.as_ref().or(described.neuron.as_ref()).or(described.inference.as_ref())
}

/// `None` if name or count of the devices is missing.
fn accelerator(info: &AcceleratorInfo) -> Option<Accelerator> {
    let name = &info.devices.first().filter(|device| !device.name.is_empty())?.name;
    let count = info.devices.iter().try_fold(0_u32, |sum, device| Some(sum + device_count(device)?))?;
    Some(Accelerator { name: Sym::new(name), count, memory_mib: memory(info) })
}

fn device_count(device: &Device) -> Option<u32> {
    let known = |count: Option<i32>| count.and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
    known(device.logical).or(known(device.count))
}

/// Memory of all devices, in MiB: the total, or, if it differs from the sum of the devices by more than 1 %, the
/// smaller of both, because EC2 has reported wrong totals (aws-cli #8970).
fn memory(info: &AcceleratorInfo) -> Option<u64> {
    let total = info.total_mib.and_then(|mib| u64::try_from(mib).ok()).filter(|mib| *mib > 0);
    let device_mib = |device: &Device| Some(u64::from(device_count(device)?) * u64::try_from(device.memory_mib?).ok()?);
    let sum = info.devices.iter().try_fold(0, |sum, device| Some(sum + device_mib(device)?)).filter(|mib| *mib > 0);
    match (total, sum) {
        (Some(total), Some(sum)) if total.abs_diff(sum) * 100 > total => Some(total.min(sum)),
        (total, sum) => total.or(sum),
    }
}

/// Whether all instance types of the family have accelerators: g5, gr6, p5, trn2, inf2, dl1, vt1, f2 and the like.
fn is_accelerated(name: &str) -> bool {
    let family = name.split('.').next().unwrap_or_default();
    let letters: String = family.chars().take_while(char::is_ascii_alphabetic).collect();
    ["g", "gr", "p", "trn", "inf", "dl", "vt", "f"].contains(&letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &str, count: i32, logical: Option<i32>, each: i32, total: i32) -> AcceleratorInfo {
        let device = Device { name: name.into(), count: Some(count), logical, memory_mib: Some(each) };
        AcceleratorInfo { devices: vec![device], total_mib: Some(total) }
    }

    fn described(name: &str) -> InstanceDescription {
        InstanceDescription {
            name: name.into(),
            vcpus: Some(4),
            memory_mib: Some(16_384),
            ..InstanceDescription::default()
        }
    }

    /// Count, name and memory of the accelerators as text.
    fn found(described: &InstanceDescription) -> String {
        let mib = |mib: Option<u64>| mib.map_or("?".to_owned(), |mib| mib.to_string());
        match answer(described).1 {
            Answer::Hardware(found) => found
                .accelerator
                .map_or("none".to_owned(), |it| format!("{} × {}, {} MiB", it.count, it.name, mib(it.memory_mib))),
            _ => "unknown".to_owned(),
        }
    }

    #[test]
    fn a_partial_gpu_counts_as_one_accelerator() {
        let gpu = Some(info("L4", 0, Some(1), 2_861, 2_861));
        let found = found(&InstanceDescription { gpu, ..described("g6f.large") });
        assert_eq!(found, "1 × L4, 2861 MiB");
    }

    #[test]
    fn an_accelerator_listed_in_two_blocks_is_counted_once() {
        let neuron = Some(info("Inferentia2", 12, None, 32_768, 393_216));
        let inference = Some(info("Inferentia2", 12, None, 32_768, 393_216));
        let found = found(&InstanceDescription { neuron, inference, ..described("inf2.48xlarge") });
        assert_eq!(found, "12 × Inferentia2, 393216 MiB");
    }

    #[test]
    fn a_missing_accelerator_block_is_unknown_for_accelerated_families_only() {
        for name in ["trn2u.48xlarge", "p9.48xlarge", "g9e.xlarge", "gr6.4xlarge", "inf3.xlarge", "dl3.24xlarge"] {
            assert_eq!(answer(&described(name)).1, Answer::Nothing, "{name}");
        }
        for name in ["m5.large", "i4g.large", "u7i-12tb.224xlarge", "hpc7g.16xlarge", "is4gen.large", "mac2.metal"] {
            assert_eq!(found(&described(name)), "none", "{name}");
        }
        let gpu = Some(AcceleratorInfo::default());
        assert_eq!(
            found(&InstanceDescription { gpu, ..described("m5.large") }),
            "unknown",
            "a block that says nothing"
        );
        let gpu = Some(info("L4", 0, None, 22_888, 22_888));
        assert_eq!(found(&InstanceDescription { gpu, ..described("g6.xlarge") }), "unknown", "no number is not zero");
    }

    #[test]
    fn the_smaller_of_two_contradictory_memory_totals_counts() {
        let of = |each, total| {
            let gpu = Some(info("L4", 8, None, each, total));
            found(&InstanceDescription { gpu, ..described("g6.48xlarge") })
        };
        assert_eq!(of(183_105, 183_105), "8 × L4, 183105 MiB");
        assert_eq!(of(22_888, 183_104), "8 × L4, 183104 MiB");
        assert_eq!(of(22_888, 183_000), "8 × L4, 183000 MiB", "a hundredth is rounding");
    }
}
