//! Prices, as they are told: by the user's file, by AWS, by Karpenter, by the table that comes with batchtop.
//!
//! Which of them counts for a Node is for [`crate::insight::cost`] to say.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;

use super::{CapacityType, SpotHistory, SpotPlace, Sym};
use crate::units::{Time, money};

/// A price, and when it was known to hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Price {
    /// Micro-dollars per hour.
    pub micro_usd_per_hour: i64,
    /// When its source said so.
    pub as_of: Time,
}

/// A list of prices by instance type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PriceList {
    /// EC2 spot prices by zone.
    AwsSpot,
    /// EC2 on-demand prices by region.
    AwsOnDemand,
    /// The fee of EKS Auto Mode by region, on top of the instance's price.
    AutoModeFee,
    /// Karpenter's own prices by zone, from its metrics.
    Karpenter,
    /// On-demand prices by region that come with batchtop.
    Embedded,
}

/// What a price in a [`PriceList`] is of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PriceKey {
    /// A region, or a zone in lists by zone.
    pub place: Sym,
    /// The instance type.
    pub instance_type: Sym,
    /// How the capacity is bought.
    pub capacity_type: CapacityType,
}

/// What AWS asks for a pod on Fargate in one region (Linux, x86).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FargateRates {
    /// For one vCPU.
    pub vcpu: Price,
    /// For one GB of memory.
    pub gb: Price,
}

/// Hardware of an instance type, from EC2's DescribeInstanceTypes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InstanceType {
    /// Name of the instance type, for example `m7i.2xlarge`.
    pub name: Sym,
    /// vCPUs, where known.
    pub vcpus: Option<u32>,
    /// Memory in MiB, where known.
    pub memory_mib: Option<u64>,
    /// Its accelerators; `None` where it has none.
    pub accelerator: Option<Accelerator>,
}

/// The accelerators of an instance type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accelerator {
    /// The model as EC2 names it, for example `L40S`.
    pub name: Sym,
    /// Devices; a part of a device counts as one.
    pub count: u32,
    /// Memory of all devices in MiB, where known.
    pub memory_mib: Option<u64>,
}

/// A change of a price: relative or absolute. Written `-15%` or `+0.20`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Adjustment {
    /// By so many millionths of the price.
    Millionths(i64),
    /// By so many micro-dollars per hour.
    MicroUsdPerHour(i64),
}

impl Adjustment {
    /// From a sign and a number, with or without a percent sign; nothing can be taken off more than all of it.
    ///
    /// Source: `priceAdjustment` of a NodeOverlay (karpenter pkg/apis/v1alpha1/nodeoverlay.go).
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, number) = match text.split_at_checked(1)? {
            ("+", number) => (1, number),
            ("-", number) => (-1, number),
            _ => return None,
        };
        let Some(percent) = number.strip_suffix('%') else {
            return Some(Self::MicroUsdPerHour(sign * money::parse_usd(number)?));
        };
        // A percent is a hundredth, and so ten thousand millionths.
        let millionths = sign * (money::parse_usd(percent)? / 100);
        (millionths >= -1_000_000).then_some(Self::Millionths(millionths))
    }

    /// A price in micro-dollars per hour after the change; never below zero.
    pub fn apply_to(self, micro_usd_per_hour: i64) -> i64 {
        let changed = match self {
            Self::MicroUsdPerHour(by) => micro_usd_per_hour.saturating_add(by),
            Self::Millionths(by) => after_millionths(micro_usd_per_hour, by),
        };
        changed.max(0)
    }
}

const MILLION: i128 = 1_000_000;

/// Rounded half up.
fn after_millionths(price: i64, by: i64) -> i64 {
    let exact = i128::from(price) * (MILLION + i128::from(by));
    i64::try_from((exact + MILLION / 2).div_euclid(MILLION)).unwrap_or(i64::MAX)
}

/// The user's own prices: a file, read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UserPrices {
    /// The file, as it is called on screen.
    pub file: String,
    /// The day on which they were right, at its beginning in UTC.
    pub as_of: Time,
    /// After how many days they are doubtful.
    pub max_age_days: i64,
    /// Taken off list prices.
    pub discount: Discount,
    /// What the control plane costs, in micro-dollars per hour.
    pub control_plane_micro_usd_per_hour: Option<i64>,
    /// The fee of EKS Auto Mode where AWS does not tell it, in millionths of the instance's on-demand price.
    pub auto_mode_fee_millionths: Option<i64>,
    /// Rates by name of the Node.
    pub nodes: BTreeMap<Sym, NodeRate>,
    /// Rules: by weight, the heaviest first, then in the order of the file.
    pub rules: Vec<PriceRule>,
}

impl UserPrices {
    /// Whether the file is older than it allows: more than `max_age_days` whole days have passed since `as_of`.
    pub fn is_outdated(&self, now: Time) -> bool {
        now.days_since(self.as_of) > self.max_age_days
    }
}

/// What is taken off list prices, in millionths.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Discount {
    /// Off on-demand prices.
    pub on_demand_millionths: i64,
    /// Off spot prices.
    pub spot_millionths: i64,
    /// Off the fee of EKS Auto Mode.
    pub auto_mode_fee_millionths: i64,
}

/// A rate that the user gives to one Node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeRate {
    /// Micro-dollars per hour; zero is prepaid.
    pub micro_usd_per_hour: i64,
    /// Note of the user, which `prices explain` repeats.
    pub note: Option<Sym>,
    /// The line of the file.
    pub line: usize,
}

/// A rule of the user's file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PriceRule {
    /// Conditions that a Node must meet for the rule to price it.
    pub matches: RuleMatch,
    /// Price of a Node that meets them.
    pub rate: RuleRate,
    /// Note of the user, which `prices explain` repeats.
    pub note: Option<Sym>,
    /// The line of the file.
    pub line: usize,
}

/// What a Node must be like; everything given must fit. In texts `*` stands for any characters.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RuleMatch {
    /// `aws`, `gcp`, `azure`, or the scheme of the providerID of another.
    pub cloud: Option<Sym>,
    /// Region of the Node.
    pub region: Option<Sym>,
    /// Zone of the Node.
    pub zone: Option<Sym>,
    /// Instance type of the Node.
    pub instance: Option<Sym>,
    /// Capacity type of the Node.
    pub capacity: Option<Sym>,
    /// NodePool of the Node.
    pub node_pool: Option<Sym>,
    /// A label, and its value.
    pub label: Option<(Sym, Sym)>,
}

/// The price that a rule of the price file gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RuleRate {
    /// For the Node, in micro-dollars per hour; zero is prepaid.
    PerHour(i64),
    /// For its parts, in micro-dollars per hour, added up.
    Parts(PartRates),
    /// Changes the price that the sources after the file give.
    Adjust(Adjustment),
}

/// Rates of the parts of a Node, in micro-dollars per hour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PartRates {
    /// For the Node without its accelerators.
    pub node: i64,
    /// For each accelerator (device where known, else as advertised).
    pub gpu: i64,
    /// For each vCPU of its capacity.
    pub vcpu: i64,
    /// For each GiB of memory of its capacity.
    pub gib: i64,
}

/// A change of what is known of prices.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PriceChange {
    /// The user's file was read, or is there no more.
    User(Option<Box<UserPrices>>),
    /// A price of a list came or changed.
    Listed(PriceList, PriceKey, Price),
    /// The course of a spot price came or changed.
    SpotHistory(SpotPlace, Box<SpotHistory>),
    /// The ID of a zone, which is the same in all accounts, by the zone's name in the account of the credentials.
    ZoneId(Sym, Sym),
    /// Fargate's rates in a region.
    Fargate(Sym, FargateRates),
    /// Hardware of an instance type.
    InstanceType(InstanceType),
}

/// All prices that are known.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Prices {
    /// The user's own.
    pub user: Option<Box<UserPrices>>,
    lists: HashMap<(PriceList, PriceKey), Price, RandomState>,
    spot_histories: BTreeMap<SpotPlace, SpotHistory>,
    zone_ids: BTreeMap<Sym, Sym>,
    fargate: HashMap<Sym, FargateRates, RandomState>,
    instance_types: HashMap<Sym, InstanceType, RandomState>,
}

impl Prices {
    /// Applies one change.
    pub fn apply(&mut self, change: PriceChange) {
        match change {
            PriceChange::User(prices) => self.user = prices,
            PriceChange::Listed(list, key, price) => drop(self.lists.insert((list, key), price)),
            PriceChange::SpotHistory(place, history) => drop(self.spot_histories.insert(place, *history)),
            PriceChange::ZoneId(zone, id) => drop(self.zone_ids.insert(zone, id)),
            PriceChange::Fargate(region, rates) => drop(self.fargate.insert(region, rates)),
            PriceChange::InstanceType(found) => drop(self.instance_types.insert(found.name.clone(), found)),
        }
    }

    /// The price of a list.
    pub fn listed(&self, list: PriceList, key: &PriceKey) -> Option<Price> {
        // One lookup needs an owned pair; cloning symbols shares their text.
        self.lists.get(&(list, key.clone())).copied()
    }

    /// Every price of a list.
    pub fn list(&self, list: PriceList) -> impl Iterator<Item = (&PriceKey, Price)> {
        self.lists.iter().filter(move |((of, _), _)| *of == list).map(|((_, key), price)| (key, *price))
    }

    /// The course of a spot price; `None` where AWS has not told it.
    pub fn spot_history(&self, place: &SpotPlace) -> Option<&SpotHistory> {
        self.spot_histories.get(place)
    }

    /// Every course of a spot price that is known.
    pub fn spot_histories(&self) -> impl Iterator<Item = (&SpotPlace, &SpotHistory)> {
        self.spot_histories.iter()
    }

    /// The ID of a zone, as spot prices name it; `None` where they do not.
    pub fn zone_id(&self, zone: &str) -> Option<&Sym> {
        self.zone_ids.get(zone)
    }

    /// Fargate's rates in a region.
    pub fn fargate(&self, region: &str) -> Option<FargateRates> {
        self.fargate.get(region).copied()
    }

    /// Hardware of an instance type; `None` where EC2 has not told it.
    pub fn instance_type(&self, name: &str) -> Option<&InstanceType> {
        self.instance_types.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_adjustment_needs_a_sign() {
        assert_eq!(Adjustment::parse("-15%"), Some(Adjustment::Millionths(-150_000)));
        assert_eq!(Adjustment::parse("+2.5%"), Some(Adjustment::Millionths(25_000)));
        assert_eq!(Adjustment::parse("-100%"), Some(Adjustment::Millionths(-1_000_000)));
        assert_eq!(Adjustment::parse("+0.20"), Some(Adjustment::MicroUsdPerHour(200_000)));
        assert_eq!(Adjustment::parse("-.5"), Some(Adjustment::MicroUsdPerHour(-500_000)));
        for rubbish in ["", "15%", "0.2", "-101%", "+", "+%", "- 5", "±5", "+5 %"] {
            assert_eq!(Adjustment::parse(rubbish), None, "{rubbish}");
        }
    }

    #[test]
    fn adjusted_prices_are_rounded_and_never_negative() {
        assert_eq!(Adjustment::Millionths(-150_000).apply_to(55_040_000), 46_784_000);
        assert_eq!(Adjustment::Millionths(100_000).apply_to(5), 6);
        assert_eq!(Adjustment::MicroUsdPerHour(-10).apply_to(5), 0);
        assert_eq!(Adjustment::MicroUsdPerHour(200_000).apply_to(5), 200_005);
    }
}
