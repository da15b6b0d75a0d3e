//! What is known of the market for spot capacity besides prices: what the Spot Instance Advisor of AWS publishes.
//!
//! What it means for the Nodes of the cluster is for [`crate::insight::spot`] to say.

use std::collections::BTreeMap;

use super::Sym;
use crate::units::Time;

/// Rate at which capacity of an instance type was taken back in a region in the last month, as the Spot Instance
/// Advisor publishes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AdvisorRange {
    /// Less than 5 %.
    Below5,
    /// 5 to 10 %.
    Below10,
    /// 10 to 15 %.
    Below15,
    /// 15 to 20 %.
    Below20,
    /// More than 20 %.
    Above20,
}

impl AdvisorRange {
    /// All ranges, the calmest first: the index is the one that AWS writes.
    pub const ALL: [Self; 5] = [Self::Below5, Self::Below10, Self::Below15, Self::Below20, Self::Above20];

    /// The range of an index of AWS, 0 to 4.
    pub fn of_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }

    /// As AWS writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Below5 => "<5%",
            Self::Below10 => "5-10%",
            Self::Below15 => "10-15%",
            Self::Below20 => "15-20%",
            Self::Above20 => ">20%",
        }
    }
}

/// The user's copy of the data of the Spot Instance Advisor, for Linux.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Advisor {
    /// The file, as it is called on screen.
    pub file: String,
    /// When the file was written: it does not say itself of when it is.
    pub as_of: Time,
    /// Ranges by region and instance type.
    pub regions: BTreeMap<Sym, BTreeMap<Sym, AdvisorRange>>,
}

/// Older data does not count: ranges change from month to month.
pub const ADVISOR_MAX_AGE_DAYS: i64 = 30;

impl Advisor {
    /// Whether the file is too old to count: more than [`ADVISOR_MAX_AGE_DAYS`] whole days.
    pub fn is_outdated(&self, now: Time) -> bool {
        now.days_since(self.as_of) > ADVISOR_MAX_AGE_DAYS
    }

    /// The range of an instance type in a region; `None` where the file has none, or is too old to count.
    pub fn range(&self, region: &str, instance_type: &str, now: Time) -> Option<AdvisorRange> {
        let ranges = self.regions.get(region).filter(|_| !self.is_outdated(now))?;
        ranges.get(instance_type).copied()
    }

    /// Number of instance types, each counted in each region.
    pub fn entries(&self) -> usize {
        self.regions.values().map(BTreeMap::len).sum()
    }
}

/// A change of what is known of the market for spot capacity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SpotMarketChange {
    /// The file of the advisor was read, or is there no more.
    Advisor(Option<Box<Advisor>>),
}

/// What is known of the market for spot capacity.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SpotMarket {
    /// The user's copy of the data of the Spot Instance Advisor.
    pub advisor: Option<Box<Advisor>>,
}

impl SpotMarket {
    /// Applies one change.
    pub fn apply(&mut self, change: SpotMarketChange) {
        match change {
            SpotMarketChange::Advisor(advisor) => self.advisor = advisor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_counts_for_30_days_in_its_region() {
        let types = [(Sym::new("g5.xlarge"), AdvisorRange::Above20)].into();
        let regions = [(Sym::new("us-east-1"), types)].into();
        let advisor = Advisor { file: "a.json".to_owned(), as_of: Time::from_seconds(0), regions };
        let after = |days: i64| Time::from_seconds(days * 86_400);
        assert_eq!(advisor.range("us-east-1", "g5.xlarge", after(30)), Some(AdvisorRange::Above20));
        assert_eq!(advisor.range("us-east-1", "g5.xlarge", after(31)), None);
        assert_eq!(advisor.range("eu-west-1", "g5.xlarge", after(0)), None);
        assert_eq!(advisor.range("us-east-1", "g5.2xlarge", after(0)), None);
        assert_eq!(advisor.entries(), 1);
    }
}
