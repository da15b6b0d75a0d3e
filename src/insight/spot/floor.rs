//! Facts below which no estimate may fall.

/// What has happened, or is certain to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FloorReason {
    /// The end of a preemptible VM, which Google sets 24 hours after its creation, is near.
    PreemptibleDeadline,
    /// The cloud had no capacity for this type in this zone a moment ago.
    InsufficientCapacity,
    /// Another node of the pool was taken back a moment ago; they mostly go together.
    SiblingReclaimed,
    /// AWS has warned that notice may follow.
    Rebalance,
    /// The cloud has given notice.
    Reclaiming,
}

impl FloorReason {
    /// As the JSON writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PreemptibleDeadline => "PreemptibleDeadline",
            Self::InsufficientCapacity => "InsufficientCapacity",
            Self::SiblingReclaimed => "SiblingReclaimed",
            Self::Rebalance => "Rebalance",
            Self::Reclaiming => "Reclaiming",
        }
    }
}

/// The least that a risk can be. Of two the higher one counts, of equal ones the graver reason: that is their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Floor {
    /// Millionths of the highest risk.
    pub millionths: u32,
    /// The fact.
    pub reason: FloorReason,
}

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;

/// How long the loss of a sibling counts in full, and until when it has faded.
const SIBLING_IN_FULL_SECONDS: i64 = 10 * MINUTE;
const SIBLING_SECONDS: i64 = 60 * MINUTE;
const SIBLING_MILLIONTHS: i64 = 700_000;

/// How long a lack of capacity counts.
const CAPACITY_SECONDS: i64 = 10 * MINUTE;
const CAPACITY_MILLIONTHS: u32 = 600_000;

/// When the end of a preemptible VM begins to count, when it comes, and how much it counts then.
const DEADLINE_COUNTS_SECONDS: i64 = 22 * HOUR;
const DEADLINE_SECONDS: i64 = 24 * HOUR;
const DEADLINE_MILLIONTHS: i64 = 900_000;

impl Floor {
    /// Of a node that the cloud has given notice of.
    pub const RECLAIMING: Self = Self { millionths: 1_000_000, reason: FloorReason::Reclaiming };
    /// Of a node that AWS has recommended to replace.
    pub const REBALANCE: Self = Self { millionths: 800_000, reason: FloorReason::Rebalance };

    /// Of a node of whose pool another one was given notice so many seconds ago. `None` once that has faded.
    pub fn sibling_reclaimed(seconds_ago: i64) -> Option<Self> {
        let left = (SIBLING_SECONDS - seconds_ago).clamp(0, SIBLING_SECONDS - SIBLING_IN_FULL_SECONDS);
        let value = SIBLING_MILLIONTHS * left / (SIBLING_SECONDS - SIBLING_IN_FULL_SECONDS);
        Self::above_zero(value, FloorReason::SiblingReclaimed)
    }

    /// Of a pool for which a request found no capacity so many seconds ago. `None` once that is too long ago.
    pub fn insufficient_capacity(seconds_ago: i64) -> Option<Self> {
        let floor = Self { millionths: CAPACITY_MILLIONTHS, reason: FloorReason::InsufficientCapacity };
        (seconds_ago <= CAPACITY_SECONDS).then_some(floor)
    }

    /// Of a preemptible VM that was created so many seconds ago. `None` while its end is far.
    pub fn preemptible_deadline(age_seconds: i64) -> Option<Self> {
        let within = (age_seconds - DEADLINE_COUNTS_SECONDS).clamp(0, DEADLINE_SECONDS - DEADLINE_COUNTS_SECONDS);
        let value = DEADLINE_MILLIONTHS * within / (DEADLINE_SECONDS - DEADLINE_COUNTS_SECONDS);
        Self::above_zero(value, FloorReason::PreemptibleDeadline)
    }

    fn above_zero(millionths: i64, reason: FloorReason) -> Option<Self> {
        u32::try_from(millionths).ok().filter(|value| *value > 0).map(|millionths| Self { millionths, reason })
    }
}
