//! What a device or a Node's devices are doing, in one word, and by which thresholds.

use crate::fleet::Utilization;

/// What the accelerators of a Node are doing, or one of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum GpuClass {
    /// Requested, and busy.
    Busy,
    /// Requested, and neither busy nor holding memory.
    Idle,
    /// Requested, holding memory, and not busy.
    Parked,
    /// Used by something that has not requested it.
    Rogue,
    /// Requested by no pod, on a Node that other pods keep. Only of a Node.
    Stranded,
    /// Requested by no pod.
    Unallocated,
    /// What it is doing is not known.
    Unknown,
}

impl GpuClass {
    /// Every class.
    pub const ALL: [Self; 7] =
        [Self::Busy, Self::Idle, Self::Parked, Self::Rogue, Self::Stranded, Self::Unallocated, Self::Unknown];

    /// As the JSON writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Busy => "Busy",
            Self::Idle => "Idle",
            Self::Parked => "Parked",
            Self::Rogue => "Rogue",
            Self::Stranded => "Stranded",
            Self::Unallocated => "Unallocated",
            Self::Unknown => "Unknown",
        }
    }

    /// The class of a name, in lower case as on screen; `None` if there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name().eq_ignore_ascii_case(name))
    }

    /// Whether somebody pays for it and it does nothing.
    pub const fn is_waste(self) -> bool {
        matches!(self, Self::Idle | Self::Parked | Self::Stranded | Self::Unallocated)
    }

    /// Whether something computes on it.
    pub const fn is_working(self) -> bool {
        matches!(self, Self::Busy | Self::Rogue)
    }
}

/// Where one class ends and the next begins; the user's configuration may set them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GpuThresholds {
    /// From this utilization on a device is busy.
    pub busy: Utilization,
    /// From this share of its memory on a device is parked; from [`PARKED_BYTES`] on in any case.
    pub parked_memory: Utilization,
    /// For so long after its start nothing is said of a pod's devices: images are pulled, models loaded.
    pub grace_seconds: i64,
    /// For so long a device must be less active until its class says so.
    pub dwell_seconds: i64,
}

/// So much memory in use is never a driver's own.
pub const PARKED_BYTES: u64 = 1 << 30;

const SECONDS_PER_MINUTE: i64 = 60;

impl Default for GpuThresholds {
    fn default() -> Self {
        Self {
            busy: Utilization::percent(5),
            parked_memory: Utilization::percent(10),
            grace_seconds: 10 * SECONDS_PER_MINUTE,
            dwell_seconds: 2 * SECONDS_PER_MINUTE,
        }
    }
}

/// What is measured of a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Measured {
    pub(super) utilization: Option<Utilization>,
    pub(super) memory_used_bytes: Option<u64>,
    pub(super) memory_total_bytes: Option<u64>,
}

/// Who has requested a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Hold {
    /// No pod.
    Free,
    /// Pods of which the first started so many seconds ago; zero where none has started yet.
    Held { seconds: i64 },
}

impl Hold {
    pub(super) const fn is_held(self) -> bool {
        matches!(self, Self::Held { .. })
    }
}

impl GpuThresholds {
    /// The class of a device at one moment.
    pub(super) fn class_of_device(&self, measured: Measured, hold: Hold) -> GpuClass {
        let is_busy = measured.utilization.map(|utilization| utilization >= self.busy);
        match hold {
            Hold::Free if is_busy == Some(true) || self.holds_memory(measured) => GpuClass::Rogue,
            Hold::Free => GpuClass::Unallocated,
            Hold::Held { seconds } if seconds < self.grace_seconds => GpuClass::Unknown,
            Hold::Held { .. } => match is_busy {
                None => GpuClass::Unknown,
                Some(true) => GpuClass::Busy,
                Some(false) if self.holds_memory(measured) => GpuClass::Parked,
                Some(false) => GpuClass::Idle,
            },
        }
    }

    fn holds_memory(&self, measured: Measured) -> bool {
        let share = |total: u64| share_of(total, self.parked_memory);
        let limit = measured.memory_total_bytes.map_or(PARKED_BYTES, |total| share(total).min(PARKED_BYTES));
        measured.memory_used_bytes.is_some_and(|used| used > 0 && used >= limit)
    }
}

fn share_of(total: u64, share: Utilization) -> u64 {
    let bytes = u128::from(total) * u128::from(share.millionths()) / u128::from(Utilization::FULL.millionths());
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELD: Hold = Hold::Held { seconds: 3_600 };

    fn class(percent: Option<u32>, memory: (Option<u64>, Option<u64>), hold: Hold) -> GpuClass {
        let measured = Measured {
            utilization: percent.map(Utilization::percent),
            memory_used_bytes: memory.0,
            memory_total_bytes: memory.1,
        };
        GpuThresholds::default().class_of_device(measured, hold)
    }

    #[test]
    fn a_device_is_classed_by_use_memory_and_request() {
        const GIB: u64 = 1 << 30;
        let little = (Some(GIB / 2), Some(80 * GIB));
        for (percent, memory, hold, want) in [
            (Some(5), little, HELD, GpuClass::Busy),
            (Some(4), little, HELD, GpuClass::Idle),
            (Some(4), (Some(GIB), Some(80 * GIB)), HELD, GpuClass::Parked),
            (Some(0), (Some(GIB / 2), Some(4 * GIB)), HELD, GpuClass::Parked),
            (Some(0), (Some(GIB - 1), None), HELD, GpuClass::Idle),
            (Some(0), (Some(GIB), None), HELD, GpuClass::Parked),
            (Some(0), (Some(0), Some(0)), HELD, GpuClass::Idle),
            (Some(0), (None, Some(GIB)), HELD, GpuClass::Idle),
            (None, (Some(GIB), None), HELD, GpuClass::Unknown),
            (Some(99), little, Hold::Held { seconds: 599 }, GpuClass::Unknown),
            (Some(99), little, Hold::Held { seconds: 600 }, GpuClass::Busy),
            (Some(5), little, Hold::Free, GpuClass::Rogue),
            (Some(0), (Some(GIB), Some(80 * GIB)), Hold::Free, GpuClass::Rogue),
            (Some(4), little, Hold::Free, GpuClass::Unallocated),
            (None, (None, None), Hold::Free, GpuClass::Unallocated),
            (None, (Some(GIB), None), Hold::Free, GpuClass::Rogue),
        ] {
            assert_eq!(class(percent, memory, hold), want, "{percent:?} {memory:?} {hold:?}");
        }
    }
}
