//! Items of AWS's price list: what they say of a price.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::wants::{Answer, What};
use crate::fleet::Sym;
use crate::units::{Time, money};

/// One document of `PriceList`, without the terms of reserved instances, which are most of it.
#[derive(Deserialize)]
struct Item {
    product: Product,
    #[serde(default)]
    terms: Terms,
}

#[derive(Deserialize)]
struct Product {
    attributes: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
struct Terms {
    #[serde(rename = "OnDemand", default)]
    on_demand: BTreeMap<String, Term>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Term {
    effective_date: Option<String>,
    price_dimensions: BTreeMap<String, Dimension>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dimension {
    unit: String,
    price_per_unit: BTreeMap<String, String>,
}

/// A price that an item names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Offer {
    micro_usd_per_hour: i64,
    effective: Option<Time>,
}

/// Which items of the list are looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Looking {
    /// On-demand prices of EC2.
    OnDemand,
    /// Fees of EKS Auto Mode, and Fargate's rates.
    Eks,
}

/// What the items of a list add up to.
pub(super) struct Harvest {
    looking: Looking,
    now: Time,
    offers: BTreeMap<Thing, Vec<Offer>>,
    /// Items whose prices are in another currency only.
    foreign: BTreeSet<Thing>,
    /// Items that could not be read.
    pub(super) unreadable: u64,
}

/// What an item prices.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Thing {
    Instance(String),
    FargateVcpu,
    FargateGb,
}

impl Harvest {
    pub(super) fn new(looking: Looking, now: Time) -> Self {
        Self { looking, now, offers: BTreeMap::new(), foreign: BTreeSet::new(), unreadable: 0 }
    }

    /// Reads one item.
    pub(super) fn add(&mut self, document: &str) {
        let read = serde_json::from_str(document).map_err(|_| ()).and_then(|item: Item| {
            let Some(thing) = self.thing(&item.product)? else { return Ok(()) };
            self.take(&thing, &item.terms)
        });
        self.unreadable += u64::from(read.is_err());
    }

    /// What the item prices; `None` where it is none of what is looked for.
    fn thing(&self, product: &Product) -> Result<Option<Thing>, ()> {
        match self.looking {
            Looking::OnDemand => instance(product).map(Some).ok_or(()),
            Looking::Eks if attribute(product, "operation") == Some("EKSAutoUsage") => {
                instance(product).map(Some).ok_or(())
            }
            Looking::Eks => Ok(fargate(product)),
        }
    }

    fn take(&mut self, thing: &Thing, terms: &Terms) -> Result<(), ()> {
        for term in terms.on_demand.values() {
            let effective = term.effective_date.as_deref().and_then(Time::parse);
            if effective.is_some_and(|from| from > self.now) {
                continue;
            }
            for dimension in term.price_dimensions.values() {
                self.price(thing, dimension, effective)?;
            }
        }
        Ok(())
    }

    fn price(&mut self, thing: &Thing, dimension: &Dimension, effective: Option<Time>) -> Result<(), ()> {
        if matches!(thing, Thing::Instance(_)) && !is_hour(&dimension.unit) {
            return Err(());
        }
        let Some(text) = dimension.price_per_unit.get("USD") else {
            if dimension.price_per_unit.is_empty() {
                return Err(());
            }
            self.foreign.insert(thing.clone());
            return Ok(());
        };
        let micro_usd_per_hour = money::parse_usd(text).ok_or(())?;
        // AWS lists what is billed elsewhere, or not at all, at zero.
        if micro_usd_per_hour > 0 {
            self.offers.entry(thing.clone()).or_default().push(Offer { micro_usd_per_hour, effective });
        }
        Ok(())
    }

    /// What was found, of every instance type that there was.
    pub(super) fn answers(self) -> Vec<(What, Answer)> {
        let what = match self.looking {
            Looking::OnDemand => What::OnDemand,
            Looking::Eks => What::Fee,
        };
        let mut found: BTreeMap<Thing, Answer> =
            self.foreign.into_iter().map(|thing| (thing, Answer::Foreign)).collect();
        found.extend(self.offers.iter().map(|(thing, offers)| (thing.clone(), choose(offers))));
        let fargate = rates(found.remove(&Thing::FargateVcpu), found.remove(&Thing::FargateGb));
        let instances = found.into_iter().filter_map(|(thing, answer)| match thing {
            Thing::Instance(name) => Some((what(Sym::new(&name)), answer)),
            Thing::FargateVcpu | Thing::FargateGb => None,
        });
        instances.chain(fargate.map(|answer| (What::Fargate, answer))).collect()
    }
}

/// The query API writes `instanceType`, the bulk files write `instancetype`.
fn attribute<'p>(product: &'p Product, name: &str) -> Option<&'p str> {
    let found = product.attributes.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

fn instance(product: &Product) -> Option<Thing> {
    attribute(product, "instanceType").map(|name| Thing::Instance(name.to_owned()))
}

/// By the usage type, for example `USE1-Fargate-vCPU-Hours:perCPU`; other processors, systems and disks have others.
fn fargate(product: &Product) -> Option<Thing> {
    let usage = attribute(product, "usagetype")?;
    if !usage.contains("Fargate") || ["ARM", "Windows", "Ephemeral", "Spot"].iter().any(|other| usage.contains(other)) {
        return None;
    }
    let by_vcpu = usage.contains("vCPU-Hours").then_some(Thing::FargateVcpu);
    by_vcpu.or_else(|| usage.contains("GB-Hours").then_some(Thing::FargateGb))
}

fn is_hour(unit: &str) -> bool {
    ["hrs", "hour", "hours"].iter().any(|hour| unit.eq_ignore_ascii_case(hour))
}

/// Of several prices the one that holds since the latest date.
fn choose(offers: &[Offer]) -> Answer {
    let newest = offers.iter().map(|offer| offer.effective).max().flatten();
    let mut rates: Vec<i64> =
        offers.iter().filter(|offer| offer.effective == newest).map(|offer| offer.micro_usd_per_hour).collect();
    rates.sort_unstable();
    rates.dedup();
    match rates[..] {
        [] => Answer::Nothing,
        [rate] => Answer::Rate(rate),
        _ => Answer::Ambiguous,
    }
}

/// One of the two alone prices no pod.
fn rates(vcpu: Option<Answer>, gb: Option<Answer>) -> Option<Answer> {
    match (vcpu?, gb?) {
        (Answer::Rate(vcpu), Answer::Rate(gb)) => Some(Answer::Fargate(vcpu, gb)),
        (Answer::Foreign, _) | (_, Answer::Foreign) => Some(Answer::Foreign),
        _ => Some(Answer::Ambiguous),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: &str = "2026-11-22T12:00:00Z";

    fn term(price: &Value, effective: &str, unit: &str) -> Value {
        json!({"effectiveDate": effective, "priceDimensions": {"S.T.D": {"unit": unit, "pricePerUnit": price}}})
    }

    fn item(attributes: &Value, terms: &[Value]) -> String {
        let terms: serde_json::Map<String, Value> =
            terms.iter().enumerate().map(|(at, term)| (format!("S.T{at}"), term.clone())).collect();
        json!({"product": {"attributes": attributes}, "terms": {"OnDemand": terms, "Reserved": {"x": 1}}}).to_string()
    }

    fn usd(name: &str, price: &str) -> String {
        item(&json!({"instanceType": name}), &[term(&json!({"USD": price}), "2026-11-01T00:00:00Z", "Hrs")])
    }

    fn read(looking: Looking, documents: &[String]) -> (Vec<(What, Answer)>, u64) {
        let mut harvest = Harvest::new(looking, Time::parse(NOW).expect("a time"));
        documents.iter().for_each(|document| harvest.add(document));
        let unreadable = harvest.unreadable;
        (harvest.answers(), unreadable)
    }

    fn on_demand(name: &str, answer: Answer) -> (What, Answer) {
        (What::OnDemand(Sym::new(name)), answer)
    }

    #[test]
    fn prices_are_read_to_the_micro_dollar_and_zero_is_none() {
        let (found, unreadable) = read(
            Looking::OnDemand,
            &[usd("g5.xlarge", "1.0060000000"), usd("p4d.24xlarge", "21.9576420000"), usd("m5.large", "0.0000000000")],
        );
        let expected =
            [on_demand("g5.xlarge", Answer::Rate(1_006_000)), on_demand("p4d.24xlarge", Answer::Rate(21_957_642))];
        assert_eq!((found.as_slice(), unreadable), (&expected[..], 0));
    }

    #[test]
    fn what_cannot_be_read_is_counted_and_the_rest_counts() {
        let type_only = json!({"instanceType": "c5.large"});
        let documents = [
            "{".to_owned(),
            "[]".to_owned(),
            item(&json!({"vcpu": "2"}), &[term(&json!({"USD": "1"}), NOW, "Hrs")]),
            item(&type_only, &[term(&json!({"USD": "1e3"}), NOW, "Hrs")]),
            item(&type_only, &[term(&json!({"USD": "1"}), NOW, "Quantity")]),
            item(&type_only, &[term(&json!({}), NOW, "Hrs")]),
            usd("m5.large", "0.096"),
        ];
        let (found, unreadable) = read(Looking::OnDemand, &documents);
        assert_eq!((found, unreadable), (vec![on_demand("m5.large", Answer::Rate(96_000))], 6));
    }

    #[test]
    fn other_currencies_are_no_dollars() {
        let price = term(&json!({"CNY": "7.1"}), NOW, "Hrs");
        let (found, unreadable) = read(Looking::OnDemand, &[item(&json!({"instanceType": "m5.large"}), &[price])]);
        assert_eq!((found, unreadable), (vec![on_demand("m5.large", Answer::Foreign)], 0));
    }

    #[test]
    fn of_two_prices_the_newer_holds_and_of_equally_old_ones_none() {
        let of = |first: (&str, &str), second: (&str, &str)| {
            let terms = [first, second].map(|(price, date)| term(&json!({"USD": price}), date, "Hrs"));
            read(Looking::OnDemand, &[item(&json!({"instanceType": "x"}), &terms)]).0.remove(0).1
        };
        let (old, new, later) = ("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "2027-01-01T00:00:00Z");
        assert_eq!(of(("2", old), ("1", new)), Answer::Rate(1_000_000));
        assert_eq!(of(("2", new), ("1", old)), Answer::Rate(2_000_000));
        assert_eq!(of(("1", new), ("2", new)), Answer::Ambiguous);
        assert_eq!(of(("1", new), ("1.0000000000", new)), Answer::Rate(1_000_000));
        assert_eq!(of(("1", old), ("2", later)), Answer::Rate(1_000_000), "what is announced does not hold yet");
        assert_eq!(of(("2", "never"), ("1", new)), Answer::Rate(1_000_000), "a date is newer than none");
    }

    #[test]
    fn two_items_for_one_type_are_two_prices() {
        let (found, _) = read(Looking::OnDemand, &[usd("m5.large", "0.096"), usd("m5.large", "0.1")]);
        assert_eq!(found, [on_demand("m5.large", Answer::Ambiguous)]);
    }

    #[test]
    fn fees_are_found_in_both_spellings_and_fargate_beside_them() {
        let dollar = |price: &str, unit: &str| [term(&json!({"USD": price}), NOW, unit)];
        let fee = |key: &str, name: &str, price: &str| {
            item(&json!({key: name, "operation": "EKSAutoUsage", "usagetype": "EKS-Auto"}), &dollar(price, "Hours"))
        };
        let usage = |usage: &str, price: &str| item(&json!({"usagetype": usage}), &dollar(price, "hours"));
        let documents = [
            fee("instanceType", "m5.large", "0.01152"),
            fee("instancetype", "c5.large", "0.0102"),
            usage("USE1-Fargate-vCPU-Hours:perCPU", "0.04048"),
            usage("USE1-Fargate-GB-Hours", "0.004445"),
            usage("USE1-Fargate-ARM-GB-Hours", "0.003"),
            usage("USE1-Fargate-EphemeralStorage-GB-Hours", "0.000111"),
            usage("USE1-AmazonEKS-Hours:perCluster", "0.10"),
        ];
        let (found, unreadable) = read(Looking::Eks, &documents);
        let fee = |name: &str, rate| (What::Fee(Sym::new(name)), Answer::Rate(rate));
        let fargate = (What::Fargate, Answer::Fargate(40_480, 4_445));
        assert_eq!((found, unreadable), (vec![fee("c5.large", 10_200), fee("m5.large", 11_520), fargate], 0));
    }

    #[test]
    fn half_of_fargate_is_nothing() {
        let price = [term(&json!({"USD": "0.04"}), NOW, "hours")];
        let (found, _) = read(Looking::Eks, &[item(&json!({"usagetype": "USE1-Fargate-vCPU-Hours:perCPU"}), &price)]);
        assert_eq!(found, []);
    }
}
