//! Embedded price tables: on-demand prices and accelerators of EC2 instance types, as of the date in each table.
//!
//! Only the regions of the table have prices; a price of one region is never used for another.

use std::str::FromStr;

use crate::fleet::{Accelerator, CapacityType, InstanceType, Price, PriceChange, PriceKey, PriceList, Sym};
use crate::units::{Time, money};

const ON_DEMAND: &str = include_str!("on_demand.tsv");
const ACCELERATORS: &str = include_str!("accelerators.tsv");

/// Cell of the tables for an unknown value.
const UNKNOWN: &str = "-";

/// On-demand prices by region and instance type, and the accelerators of instance types that have some.
///
/// FPGAs and video encoders are left out: pods do not request them as they do GPUs.
pub fn embedded() -> Vec<PriceChange> {
    let mut changes = Vec::with_capacity(ON_DEMAND.lines().count() + ACCELERATORS.lines().count());
    changes.extend(on_demand());
    changes.extend(lines(ACCELERATORS).filter_map(instance_type).map(PriceChange::InstanceType));
    changes
}

/// Lines of a table without comments.
fn lines(table: &str) -> impl Iterator<Item = &str> {
    table.lines().filter(|line| !line.starts_with('#'))
}

/// Date of a table, as the start of that day in UTC.
fn as_of(table: &str) -> Time {
    let day = table.lines().find_map(|line| line.strip_prefix("# as_of: ")).unwrap_or_default();
    Time::parse(&format!("{day}T00:00:00Z")).unwrap_or_default()
}

fn on_demand() -> impl Iterator<Item = PriceChange> {
    let as_of = as_of(ON_DEMAND);
    let mut region = Sym::new("");
    lines(ON_DEMAND).filter_map(move |line| {
        let [place, instance_type, dollars] = cells(line)?;
        // Lines are grouped by region, and the lines of a group share one symbol.
        if *region != *place {
            region = Sym::new(place);
        }
        let key = PriceKey {
            place: region.clone(),
            instance_type: Sym::new(instance_type),
            capacity_type: CapacityType::OnDemand,
        };
        let price = Price { micro_usd_per_hour: money::parse_usd(dollars)?, as_of };
        Some(PriceChange::Listed(PriceList::Embedded, key, price))
    })
}

fn instance_type(line: &str) -> Option<InstanceType> {
    let [name, vcpus, memory, model, count, device_memory] = cells(line)?;
    let accelerator =
        Accelerator { name: Sym::new(model), count: count.parse().ok()?, memory_mib: known(device_memory).ok()? };
    Some(InstanceType {
        name: Sym::new(name),
        vcpus: known(vcpus).ok()?,
        memory_mib: known(memory).ok()?,
        accelerator: Some(accelerator),
    })
}

fn cells<const N: usize>(line: &str) -> Option<[&str; N]> {
    let cells: Vec<&str> = line.split('\t').collect();
    cells.try_into().ok()
}

/// Value of a cell; `None` if it is unknown, an error if it is malformed.
fn known<T: FromStr>(cell: &str) -> Result<Option<T>, T::Err> {
    if cell == UNKNOWN { Ok(None) } else { cell.parse().map(Some) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fleet::Prices;

    fn prices() -> Prices {
        let mut prices = Prices::default();
        embedded().into_iter().for_each(|change| prices.apply(change));
        prices
    }

    fn price(prices: &Prices, region: &str, instance_type: &str) -> Option<i64> {
        let key = PriceKey {
            place: Sym::new(region),
            instance_type: Sym::new(instance_type),
            capacity_type: CapacityType::OnDemand,
        };
        prices.listed(PriceList::Embedded, &key).map(|price| price.micro_usd_per_hour)
    }

    /// Every line counts once, and none is at no price: that would be prepaid.
    #[test]
    fn the_embedded_price_tables_are_well_formed() {
        let prices = prices();
        let listed: Vec<(&PriceKey, Price)> = prices.list(PriceList::Embedded).collect();
        assert_eq!(listed.len(), lines(ON_DEMAND).count());
        assert_eq!(listed.len(), 1_367 + 549 + 770);
        let day = Time::parse("2026-07-20T00:00:00Z").expect("a day");
        for (key, price) in listed {
            assert!(price.micro_usd_per_hour > 0, "{key:?}");
            assert!(key.instance_type.split_once('.').is_some_and(|(_, size)| !size.is_empty()), "{key:?}");
            assert_eq!(price.as_of, day);
        }
        let sorted: BTreeSet<&str> = lines(ON_DEMAND).collect();
        assert!(lines(ON_DEMAND).eq(sorted), "lines are in order, so that a change is a small one");
        assert_eq!(lines(ACCELERATORS).filter_map(instance_type).count(), lines(ACCELERATORS).count());
        let names: BTreeSet<&str> = lines(ACCELERATORS).filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(names.len(), lines(ACCELERATORS).count());
        assert_eq!(embedded().len(), lines(ON_DEMAND).count() + lines(ACCELERATORS).count());
    }

    #[test]
    fn published_prices_are_embedded_exactly() {
        let prices = prices();
        for (instance_type, micros) in [
            ("p5.48xlarge", 55_040_000),
            ("p4d.24xlarge", 21_957_642),
            ("p5en.48xlarge", 63_296_000),
            ("p6-b200.48xlarge", 113_932_800),
            ("g5.xlarge", 1_006_000),
            ("g6e.12xlarge", 10_492_640),
            ("g6f.large", 202_000),
            ("g4dn.metal", 7_824_000),
            ("trn1.2xlarge", 1_343_750),
            ("inf2.48xlarge", 12_981_270),
            ("m7i.large", 100_800),
            ("m7i-flex.large", 95_760),
            ("c7g.large", 72_500),
            ("a1.medium", 25_500),
        ] {
            assert_eq!(price(&prices, "us-east-1", instance_type), Some(micros), "{instance_type}");
        }
        assert_eq!(price(&prices, "us-gov-east-1", "c5.large"), Some(102_000));
        assert_eq!(price(&prices, "us-gov-west-1", "x8i.large"), Some(262_600));
    }

    #[test]
    fn an_unpublished_price_is_unknown_and_not_taken_from_another_region() {
        let prices = prices();
        for unknown in ["p5e.48xlarge", "p6e-gb200.36xlarge", "trn2.3xlarge", "trn2.48xlarge", "dl2q.24xlarge"] {
            assert_eq!(price(&prices, "us-east-1", unknown), None, "{unknown}");
        }
        assert_eq!(price(&prices, "eu-west-1", "m7i.large"), None);
    }

    #[test]
    fn every_accelerated_family_is_priced() {
        let prices = prices();
        let families: BTreeSet<&str> = prices
            .list(PriceList::Embedded)
            .filter(|(key, _)| *key.place == *"us-east-1")
            .filter_map(|(key, _)| Some(key.instance_type.split_once('.')?.0))
            .collect();
        for family in [
            "g4ad", "g4dn", "g5", "g5g", "g6", "g6e", "g6f", "gr6", "gr6f", "g7", "g7e", "p3", "p3dn", "p4d", "p4de",
            "p5", "p5en", "p6-b200", "p6-b300", "trn1", "trn1n", "inf1", "inf2", "dl1",
        ] {
            assert!(families.contains(family), "{family}");
        }
    }

    #[test]
    fn accelerators_count_devices_and_a_partial_device_counts_as_one() {
        let prices = prices();
        let accelerator = |name: &str| {
            let found = prices.instance_type(name).and_then(|found| found.accelerator.clone());
            found.map(|found| (found.name.to_string(), found.count, found.memory_mib))
        };
        assert_eq!(accelerator("p5.48xlarge"), Some(("H100".into(), 8, Some(655_360))));
        assert_eq!(accelerator("g6f.large"), Some(("L4".into(), 1, Some(2_861))));
        assert_eq!(accelerator("inf2.24xlarge"), Some(("Inferentia2".into(), 6, Some(196_608))));
        assert_eq!(accelerator("p6e-gb200.36xlarge"), Some(("GB200".into(), 4, None)));
        let old = prices.instance_type("p2.xlarge").map(|found| (found.vcpus, found.memory_mib));
        assert_eq!(old, Some((None, None)));
        for unknown in ["trn2u.48xlarge", "m7i.large", "f2.6xlarge"] {
            assert_eq!(prices.instance_type(unknown), None, "{unknown}");
        }
    }
}
