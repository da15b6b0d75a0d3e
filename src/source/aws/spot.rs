//! Reads current spot prices from rows of `DescribeSpotPriceHistory`.

use std::collections::BTreeMap;

use super::request::{Answer, PriceItem, ZonePrice};
use crate::fleet::{SpotHistory, Sym};
use crate::units::{Time, money};

/// One row of `DescribeSpotPriceHistory`; text that the response lacks is empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct SpotRow {
    pub(super) instance_type: String,
    pub(super) zone: String,
    /// ID of the zone, for example `use1-az2`.
    pub(super) zone_id: String,
    /// Product description, for example `Linux/UNIX`.
    pub(super) product: String,
    /// US dollars per hour, decimal.
    pub(super) usd: String,
    /// Start of validity.
    pub(super) at: Option<Time>,
}

/// Product descriptions of Linux. The second dates from EC2-Classic; which of the two an account gets differs.
pub(super) const LINUX_PRODUCTS: [&str; 2] = ["Linux/UNIX", "Linux/UNIX (Amazon VPC)"];

impl SpotRow {
    fn is_of_linux(&self) -> bool {
        LINUX_PRODUCTS.contains(&self.product.as_str())
    }

    /// From when on which price is in force, in micro-dollars per hour; `None` where the row is incomplete.
    fn step(&self) -> Option<(Time, i64)> {
        let is_named = !self.instance_type.is_empty() && !self.zone.is_empty();
        self.at.zip(money::parse_usd(&self.usd)).filter(|_| is_named)
    }
}

/// Collects the newest price of each instance type and zone.
#[derive(Default)]
pub(super) struct SpotPriceReader {
    /// By instance type and zone: start of validity, micro-dollars per hour.
    newest: BTreeMap<(String, String), (Time, i64)>,
    /// IDs of zones, by name.
    zone_ids: BTreeMap<String, Sym>,
    /// Rows that could not be parsed.
    pub(super) unreadable: u64,
}

impl SpotPriceReader {
    /// Adds one row. The order of rows is not guaranteed.
    pub(super) fn add(&mut self, row: SpotRow) {
        if !row.is_of_linux() {
            return;
        }
        let Some((at, rate)) = row.step() else {
            self.unreadable += 1;
            return;
        };
        if !row.zone_id.is_empty() {
            self.zone_ids.insert(row.zone.clone(), Sym::new(&row.zone_id));
        }
        let newest = self.newest.entry((row.instance_type, row.zone)).or_insert((at, 0));
        // Of two with the same time the higher: cost is overstated rather than understated.
        *newest = (*newest).max((at, rate));
    }

    /// Current prices by zone, for each instance type of the rows.
    pub(super) fn answers(self) -> Vec<(PriceItem, Answer)> {
        let mut types: BTreeMap<String, Vec<ZonePrice>> = BTreeMap::new();
        for ((name, zone), (_, rate)) in self.newest.into_iter().filter(|(_, (_, rate))| *rate > 0) {
            let zone_id = self.zone_ids.get(&zone).cloned();
            types.entry(name).or_default().push(ZonePrice { zone: Sym::new(&zone), zone_id, micro_usd_per_hour: rate });
        }
        types.into_iter().map(|(name, zones)| (PriceItem::Spot(Sym::new(&name)), Answer::Zones(zones))).collect()
    }
}

/// Rows of one instance type and zone that are kept, the first: AWS tells the newest first, and repeats a price once a day.
const MOST_STEPS: usize = 1_024;

/// Collects all prices of each instance type and zone.
#[derive(Default)]
pub(super) struct SpotHistoryReader {
    /// By instance type and zone: starts of validity with micro-dollars per hour.
    steps: BTreeMap<(String, String), Vec<(Time, i64)>>,
    /// Rows that could not be parsed.
    pub(super) unreadable: u64,
}

impl SpotHistoryReader {
    /// Adds one row, in any order.
    pub(super) fn add(&mut self, row: SpotRow) {
        if !row.is_of_linux() {
            return;
        }
        let Some(step) = row.step().filter(|(_, rate)| *rate > 0) else {
            self.unreadable += 1;
            return;
        };
        let steps = self.steps.entry((row.instance_type, row.zone)).or_default();
        if steps.len() < MOST_STEPS {
            steps.push(step);
        }
    }

    /// Courses by zone, for each instance type of the rows.
    pub(super) fn answers(self, now: Time) -> Vec<(PriceItem, Answer)> {
        let mut types: BTreeMap<String, Vec<(Sym, SpotHistory)>> = BTreeMap::new();
        for ((name, zone), steps) in self.steps {
            let history = SpotHistory::of_steps(steps, now);
            types.entry(name).or_default().extend(history.map(|history| (Sym::new(&zone), history)));
        }
        types
            .into_iter()
            .map(|(name, zones)| (PriceItem::SpotHistory(Sym::new(&name)), Answer::Histories(zones)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(zone: &str, product: &str, usd: &str, at: i64) -> SpotRow {
        let at = Some(Time::from_seconds(at));
        let zone_id = zone.replace("us-east-1", "use1-az-");
        let (instance_type, zone) = ("g5.xlarge".into(), zone.into());
        SpotRow { instance_type, zone, zone_id, product: product.into(), usd: usd.into(), at }
    }

    #[test]
    fn both_linux_descriptions_count_as_one_product_and_the_newest_row_wins() {
        let [plain, vpc] = LINUX_PRODUCTS;
        let mut spot = SpotPriceReader::default();
        for row in [
            row("us-east-1a", plain, "0.40", 20),
            row("us-east-1a", vpc, "0.41", 30),
            row("us-east-1a", plain, "0.39", 10),
            row("us-east-1b", vpc, "0.5", 5),
            row("us-east-1b", plain, "0.6", 5),
            row("us-east-1c", "Windows", "9", 50),
            row("us-east-1c", plain, "0", 50),
        ] {
            spot.add(row);
        }
        assert_eq!(spot.unreadable, 0);
        let price = |zone: &str, id: &str, micro_usd_per_hour| ZonePrice {
            zone: Sym::new(zone),
            zone_id: Some(Sym::new(id)),
            micro_usd_per_hour,
        };
        let zones = vec![price("us-east-1a", "use1-az-a", 410_000), price("us-east-1b", "use1-az-b", 600_000)];
        assert_eq!(spot.answers(), [(PriceItem::Spot(Sym::new("g5.xlarge")), Answer::Zones(zones))]);
    }

    #[test]
    fn the_course_of_a_price_is_that_of_its_type_and_zone_under_either_description() {
        let [plain, vpc] = LINUX_PRODUCTS;
        let mut spot = SpotHistoryReader::default();
        let now = Time::from_seconds(1_000_000);
        for row in [
            row("us-east-1a", plain, "0.42", 900_000),
            row("us-east-1a", vpc, "0.40", 500_000),
            row("us-east-1b", plain, "0.5", 100),
            row("us-east-1b", "Windows", "9", 100),
            row("us-east-1c", plain, "free", 100),
        ] {
            spot.add(row);
        }
        assert_eq!(spot.unreadable, 1);
        let answers = spot.answers(now);
        let [(PriceItem::SpotHistory(name), Answer::Histories(zones))] = &answers[..] else { panic!("{answers:?}") };
        let prices: Vec<_> =
            zones.iter().map(|(zone, found)| (zone.as_str(), found.now, found.lowest, found.highest)).collect();
        assert_eq!(name.as_str(), "g5.xlarge");
        let wanted = [("us-east-1a", 420_000, 400_000, 420_000), ("us-east-1b", 500_000, 500_000, 500_000)];
        assert_eq!(prices, wanted);
    }

    #[test]
    fn an_incomplete_spot_row_is_counted_as_unreadable() {
        let mut spot = SpotPriceReader::default();
        spot.add(row("", LINUX_PRODUCTS[0], "1", 1));
        spot.add(row("us-east-1a", LINUX_PRODUCTS[0], "free", 1));
        spot.add(SpotRow { at: None, ..row("us-east-1a", LINUX_PRODUCTS[0], "1", 1) });
        assert_eq!((spot.unreadable, spot.answers()), (3, Vec::new()));
    }
}
