//! What EC2 says of instance types: vCPUs, memory, accelerators.

use super::wants::{Answer, What};
use crate::fleet::{Accelerator, InstanceType, Sym};

/// One instance type of `DescribeInstanceTypes`, as far as it is told.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Described {
    pub(super) name: String,
    pub(super) vcpus: Option<i32>,
    pub(super) memory_mib: Option<i64>,
    /// `GpuInfo`; Habana's Gaudi stands here, too.
    pub(super) gpu: Option<Block>,
    /// `NeuronInfo`.
    pub(super) neuron: Option<Block>,
    /// `InferenceAcceleratorInfo`.
    pub(super) inference: Option<Block>,
}

/// The devices of one block.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Block {
    pub(super) devices: Vec<Device>,
    /// Memory of all devices.
    pub(super) total_mib: Option<i32>,
}

/// One kind of device.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Device {
    pub(super) name: String,
    /// Whole devices; 0 where the instance has a part of one, which AWS says is intended.
    pub(super) count: Option<i32>,
    /// Devices, where a part of one counts as one.
    pub(super) logical: Option<i32>,
    pub(super) memory_mib: Option<i32>,
}

/// What is to be told of it. Nothing where a family of accelerators is described without any: that is a gap in the
/// description, as the one of trn2u.48xlarge, and no instance without accelerators.
pub(super) fn answer(described: &Described) -> (What, Answer) {
    let name = Sym::new(&described.name);
    let accelerator = block(described).map(accelerator);
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
    (What::Hardware(name), answer)
}

/// inf1 and inf2 stand in two blocks, of which the one for Neuron counts; so Karpenter has it.
fn block(described: &Described) -> Option<&Block> {
    described.gpu.as_ref().or(described.neuron.as_ref()).or(described.inference.as_ref())
}

/// `None` where the block does not say how many of what.
fn accelerator(block: &Block) -> Option<Accelerator> {
    let name = &block.devices.first().filter(|device| !device.name.is_empty())?.name;
    let count = block.devices.iter().try_fold(0_u32, |sum, device| Some(sum + devices(device)?))?;
    Some(Accelerator { name: Sym::new(name), count, memory_mib: memory(block) })
}

fn devices(device: &Device) -> Option<u32> {
    let known = |count: Option<i32>| count.and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
    known(device.logical).or(known(device.count))
}

/// The total, unless it contradicts the devices by more than a hundredth: then the smaller, for the memory of one device
/// has been told as that of all (aws-cli #8970).
fn memory(block: &Block) -> Option<u64> {
    let total = block.total_mib.and_then(|mib| u64::try_from(mib).ok()).filter(|mib| *mib > 0);
    let of = |device: &Device| Some(u64::from(devices(device)?) * u64::try_from(device.memory_mib?).ok()?);
    let sum = block.devices.iter().try_fold(0, |sum, device| Some(sum + of(device)?)).filter(|mib| *mib > 0);
    match (total, sum) {
        (Some(total), Some(sum)) if total.abs_diff(sum) * 100 > total => Some(total.min(sum)),
        (total, sum) => total.or(sum),
    }
}

/// Families that are nothing without their accelerators: g5, gr6, p5, trn2, inf2, dl1, vt1, f2 and their like.
fn is_accelerated(name: &str) -> bool {
    let family = name.split('.').next().unwrap_or_default();
    let letters: String = family.chars().take_while(char::is_ascii_alphabetic).collect();
    ["g", "gr", "p", "trn", "inf", "dl", "vt", "f"].contains(&letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(name: &str, count: i32, logical: Option<i32>, each: i32, total: i32) -> Block {
        let device = Device { name: name.into(), count: Some(count), logical, memory_mib: Some(each) };
        Block { devices: vec![device], total_mib: Some(total) }
    }

    fn described(name: &str) -> Described {
        Described { name: name.into(), vcpus: Some(4), memory_mib: Some(16_384), ..Described::default() }
    }

    /// Name, count and memory of the accelerators, of which there may be none, as words.
    fn found(described: &Described) -> String {
        let mib = |mib: Option<u64>| mib.map_or("?".to_owned(), |mib| mib.to_string());
        match answer(described).1 {
            Answer::Hardware(found) => found
                .accelerator
                .map_or("none".to_owned(), |it| format!("{} × {}, {} MiB", it.count, it.name, mib(it.memory_mib))),
            _ => "unknown".to_owned(),
        }
    }

    #[test]
    fn a_part_of_a_device_counts_as_one() {
        let gpu = Some(block("L4", 0, Some(1), 2_861, 2_861));
        let found = found(&Described { gpu, ..described("g6f.large") });
        assert_eq!(found, "1 × L4, 2861 MiB");
    }

    #[test]
    fn what_stands_in_two_blocks_is_counted_once() {
        let neuron = Some(block("Inferentia2", 12, None, 32_768, 393_216));
        let inference = Some(block("Inferentia2", 12, None, 32_768, 393_216));
        let found = found(&Described { neuron, inference, ..described("inf2.48xlarge") });
        assert_eq!(found, "12 × Inferentia2, 393216 MiB");
    }

    #[test]
    fn no_block_is_unknown_where_there_must_be_one_and_none_elsewhere() {
        for name in ["trn2u.48xlarge", "p9.48xlarge", "g9e.xlarge", "gr6.4xlarge", "inf3.xlarge", "dl3.24xlarge"] {
            assert_eq!(answer(&described(name)).1, Answer::Nothing, "{name}");
        }
        for name in ["m5.large", "i4g.large", "u7i-12tb.224xlarge", "hpc7g.16xlarge", "is4gen.large", "mac2.metal"] {
            assert_eq!(found(&described(name)), "none", "{name}");
        }
        let gpu = Some(Block::default());
        assert_eq!(found(&Described { gpu, ..described("m5.large") }), "unknown", "a block that says nothing");
        let gpu = Some(block("L4", 0, None, 22_888, 22_888));
        assert_eq!(found(&Described { gpu, ..described("g6.xlarge") }), "unknown", "no number is not zero");
    }

    #[test]
    fn of_two_totals_that_contradict_each_other_the_smaller_counts() {
        let of = |each, total| {
            let gpu = Some(block("L4", 8, None, each, total));
            found(&Described { gpu, ..described("g6.48xlarge") })
        };
        assert_eq!(of(183_105, 183_105), "8 × L4, 183105 MiB");
        assert_eq!(of(22_888, 183_104), "8 × L4, 183104 MiB");
        assert_eq!(of(22_888, 183_000), "8 × L4, 183000 MiB", "a hundredth is rounding");
    }
}
