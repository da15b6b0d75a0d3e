//! What is known of the market for spot capacity besides prices: what the Spot Instance Advisor of AWS publishes, and
//! placement scores.
//!
//! What it means for the Nodes of the cluster is for [`crate::insight::spot`] to say.

use std::collections::{BTreeMap, BTreeSet};

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

/// What EC2 scores: so much spot capacity in one zone, of any of these instance types.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PlacementConfiguration {
    /// The instance types, [`Self::LEAST_TYPES`] to [`Self::MOST_TYPES`].
    pub instance_types: BTreeSet<Sym>,
    /// How many instances: a power of two, for a new number is a new configuration, of which there are few a day.
    pub instances: u32,
}

impl PlacementConfiguration {
    /// For fewer types the score is always low, whatever capacity there is (`GetSpotPlacementScores`).
    pub const LEAST_TYPES: usize = 3;
    /// More are not taken (`GetSpotPlacementScores`).
    pub const MOST_TYPES: usize = 1_000;

    /// So many instances, rounded up to a power of two, of these types; `None` where there are too few types or too many.
    pub fn new(instance_types: BTreeSet<Sym>, instances: u32) -> Option<Self> {
        let is_scored = (Self::LEAST_TYPES..=Self::MOST_TYPES).contains(&instance_types.len());
        let instances = instances.max(1).checked_next_power_of_two()?;
        is_scored.then_some(Self { instance_types, instances })
    }
}

/// Spot capacity of a NodePool in a region.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PlacementPlace {
    /// The region.
    pub region: Sym,
    /// Name of the NodePool.
    pub node_pool: Sym,
}

/// How likely a request for spot capacity of a NodePool was to succeed, zone by zone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlacementScores {
    /// 1 to 10 by the ID of the zone, which is the same in all accounts; of ten zones at most.
    pub zones: BTreeMap<Sym, u8>,
    /// When EC2 scored it.
    pub as_of: Time,
}

/// Older scores do not count: each is of its moment.
pub const PLACEMENT_MAX_AGE_SECONDS: i64 = 60 * 60;

impl PlacementScores {
    /// The score of a zone; `None` where EC2 gave none, or it is too old to count.
    pub fn score(&self, zone_id: &str, now: Time) -> Option<u8> {
        let counts = now.seconds_since(self.as_of) <= PLACEMENT_MAX_AGE_SECONDS;
        self.zones.get(zone_id).copied().filter(|_| counts)
    }
}

/// A change of what is known of the market for spot capacity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SpotMarketChange {
    /// The file of the advisor was read, or is there no more.
    Advisor(Option<Box<Advisor>>),
    /// EC2 has scored the spot capacity of a NodePool.
    Placement(PlacementPlace, PlacementScores),
}

/// What is known of the market for spot capacity.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SpotMarket {
    /// The user's copy of the data of the Spot Instance Advisor.
    pub advisor: Option<Box<Advisor>>,
    placements: BTreeMap<PlacementPlace, PlacementScores>,
}

impl SpotMarket {
    /// How EC2 scored the spot capacity of a NodePool last; `None` where it has not.
    pub fn placement(&self, place: &PlacementPlace) -> Option<&PlacementScores> {
        self.placements.get(place)
    }

    /// Applies one change.
    pub fn apply(&mut self, change: SpotMarketChange) {
        match change {
            SpotMarketChange::Advisor(advisor) => self.advisor = advisor,
            SpotMarketChange::Placement(place, scores) => drop(self.placements.insert(place, scores)),
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

    #[test]
    fn a_configuration_has_three_types_or_more_and_a_power_of_two_of_instances() {
        let of = |types: u32, instances| {
            let types = (0..types).map(|number| Sym::new(&format!("m{number}.large"))).collect();
            PlacementConfiguration::new(types, instances).map(|found| found.instances)
        };
        assert_eq!([of(2, 4), of(3, 4), of(1_000, 4), of(1_001, 4)], [None, Some(4), Some(4), None]);
        assert_eq!([0, 1, 3, 5, 33].map(|instances| of(3, instances)), [1, 1, 4, 8, 64].map(Some));
        assert_eq!(of(3, u32::MAX), None);
    }

    #[test]
    fn a_placement_score_counts_for_an_hour_in_its_zone() {
        let scores = PlacementScores { zones: [(Sym::new("use1-az2"), 3)].into(), as_of: Time::from_seconds(0) };
        let after = |minutes: i64| Time::from_seconds(minutes * 60);
        assert_eq!(scores.score("use1-az2", after(60)), Some(3));
        assert_eq!(scores.score("use1-az2", after(61)), None);
        assert_eq!(scores.score("use1-az1", after(0)), None);
    }
}
