//! What spot capacity of a pool costs, how that came about in the last seven days, and where the same costs less.

use super::{Picture, spend};
use crate::fleet::{CapacityType, Fleet, NodeRow, PriceKey, PriceList, Prices, SpotHistory, SpotPlace, Sym};
use crate::insight::cost::chain;
use crate::insight::interruption::SpotKind;
use crate::insight::spot::{PriceRatio, SpotPool};
use crate::units::Time;

/// The spot price of a pool, as AWS tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolPrice<'a> {
    /// Micro-dollars per hour now.
    pub now: i64,
    /// The lowest price of the last seven days.
    pub lowest: i64,
    /// The highest price of the last seven days.
    pub highest: i64,
    /// Now against the on-demand price; `None` where that is not known.
    pub ratio: Option<PriceRatio>,
    /// The last seven days.
    pub history: &'a SpotHistory,
    /// When the price of now was asked for.
    pub as_of: Time,
}

impl<'a> PoolPrice<'a> {
    /// Of a pool; `None` where AWS has not told the course of its price.
    pub fn of(fleet: &'a Fleet, picture: &Picture, pool: &SpotPool) -> Option<Self> {
        let place = place_of(pool)?;
        let history = fleet.prices.spot_history(&place)?;
        let (now, as_of) = price_now(&fleet.prices, &place)?;
        let node = pool.members.keys().find_map(|name| fleet.node(name))?;
        let on_demand = chain::on_demand(&spend::price_query(fleet, picture, node));
        Some(Self {
            now,
            lowest: history.lowest.min(now),
            highest: history.highest.max(now),
            ratio: on_demand.and_then(|on_demand| PriceRatio::of(now, on_demand)),
            history,
            as_of,
        })
    }

    /// How far it is above its mean of the last day, in millionths of that; negative where below.
    pub fn above_day_mean_millionths(&self) -> i64 {
        difference_millionths(self.now, self.history.day_mean)
    }

    /// How far it is above its mean of the last seven days, in millionths of that; negative where below.
    pub fn above_week_mean_millionths(&self) -> i64 {
        difference_millionths(self.now, self.history.week_mean)
    }
}

/// Where the same costs less.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheaperPlace {
    /// Instance type and zone.
    pub place: SpotPlace,
    /// Micro-dollars per hour now.
    pub now: i64,
    /// By how much it is below the price of the pool, in millionths of that.
    pub less_millionths: i64,
}

/// Where a pool's capacity costs less in its region: facts, and no advice.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cheaper {
    /// The same instance type in other zones, the cheapest first.
    pub zones: Vec<CheaperPlace>,
    /// Other types of spot Nodes of the cluster that have as many CPUs and accelerators and about as much memory, in any
    /// zone, the cheapest first.
    pub types: Vec<CheaperPlace>,
}

impl Cheaper {
    /// Than this pool at this price. Only types are compared of which AWS was asked: those of spot Nodes of the cluster.
    pub fn than(fleet: &Fleet, pool: &SpotPool, price: i64) -> Self {
        let Some(own) = place_of(pool) else { return Self::default() };
        let region = pool.members.keys().find_map(|name| fleet.node(name)?.region().cloned());
        let shape = shape(fleet, &own.instance_type);
        let is_in_region = |place: &SpotPlace| region.as_ref().is_some_and(|region| place.zone.starts_with(&**region));
        let cheaper = |(place, _): (&SpotPlace, &SpotHistory)| {
            let (now, _) = price_now(&fleet.prices, place)?;
            let less_millionths = -difference_millionths(now, price);
            (now < price).then(|| CheaperPlace { place: place.clone(), now, less_millionths })
        };
        let all = fleet.prices.spot_histories().filter(|(place, _)| is_in_region(place)).filter_map(cheaper);
        let (mut zones, others): (Vec<_>, Vec<_>) =
            all.partition(|found| found.place.instance_type == own.instance_type);
        let is_alike = |found: &CheaperPlace| {
            let other = self::shape(fleet, &found.place.instance_type);
            shape.zip(other).is_some_and(|(one, other)| one.is_like(other))
        };
        let mut types: Vec<CheaperPlace> = others.into_iter().filter(is_alike).collect();
        for found in [&mut zones, &mut types] {
            found.sort_by(|a, b| a.now.cmp(&b.now).then_with(|| a.place.cmp(&b.place)));
        }
        Self { zones, types }
    }
}

/// Instance type and zone of a pool of AWS, where both are known.
fn place_of(pool: &SpotPool) -> Option<SpotPlace> {
    let (instance_type, zone) = (pool.key.instance_type.clone()?, pool.key.zone.clone()?);
    (pool.kind == SpotKind::AwsSpot).then_some(SpotPlace { instance_type, zone })
}

/// The price that was told last: prices are asked for more often than their courses.
fn price_now(prices: &Prices, place: &SpotPlace) -> Option<(i64, Time)> {
    let SpotPlace { instance_type, zone } = place.clone();
    let key = PriceKey { place: zone, instance_type, capacity_type: CapacityType::Spot };
    let listed = prices.listed(PriceList::AwsSpot, &key).map(|price| (price.micro_usd_per_hour, price.as_of));
    let last = prices.spot_history(place).map(|history| (history.now, history.as_of));
    [listed, last].into_iter().flatten().max_by_key(|(_, as_of)| *as_of)
}

/// What a machine has, as its Node says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Shape {
    cpu_millis: i64,
    memory_bytes: i64,
    gpus: i64,
}

impl Shape {
    /// Whether it is of the same shape: hypervisors keep some memory, and not all of them as much.
    const fn is_like(self, other: Self) -> bool {
        let (least, most) = if self.memory_bytes < other.memory_bytes {
            (self.memory_bytes, other.memory_bytes)
        } else {
            (other.memory_bytes, self.memory_bytes)
        };
        self.cpu_millis == other.cpu_millis && self.gpus == other.gpus && most / 10 * 9 <= least
    }
}

/// Of the first Node of an instance type.
fn shape(fleet: &Fleet, instance_type: &Sym) -> Option<Shape> {
    let is_of_type = |node: &&NodeRow| node.instance_type() == Some(instance_type);
    let capacity = &fleet.nodes.iter().find(is_of_type)?.capacity;
    let gpus = capacity.gpus.iter().map(|gpu| gpu.count).max().unwrap_or(0);
    Some(Shape { cpu_millis: capacity.cpu_millis, memory_bytes: capacity.memory_bytes, gpus })
}

fn difference_millionths(price: i64, base: i64) -> i64 {
    let difference = (i128::from(price) - i128::from(base)) * 1_000_000;
    difference.checked_div(i128::from(base)).and_then(|share| i64::try_from(share).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_alike_with_equal_cpus_and_accelerators_and_about_as_much_memory() {
        const GIB: i64 = 1 << 30;
        let own = Shape { cpu_millis: 4_000, memory_bytes: 16 * GIB, gpus: 1 };
        for (other, wanted) in [
            (own, true),
            (Shape { memory_bytes: 15 * GIB, ..own }, true),
            (Shape { memory_bytes: 14 * GIB, ..own }, false),
            (Shape { memory_bytes: 32 * GIB, ..own }, false),
            (Shape { cpu_millis: 8_000, ..own }, false),
            (Shape { gpus: 0, ..own }, false),
        ] {
            assert_eq!((own.is_like(other), other.is_like(own)), (wanted, wanted), "{other:?}");
        }
    }

    #[test]
    fn a_difference_is_told_against_the_base() {
        assert_eq!((difference_millionths(90, 100), difference_millionths(125, 100)), (-100_000, 250_000));
        assert_eq!(difference_millionths(5, 0), 0);
    }
}
