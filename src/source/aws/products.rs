//! Reads prices from items of the AWS Price List (`pricing:GetProducts`).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::request::{Answer, PriceItem};
use crate::fleet::Sym;
use crate::units::{Time, money};

/// One document of `PriceList`. The terms of reserved instances, most of its size, are skipped.
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
    price_dimensions: BTreeMap<String, PriceDimension>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PriceDimension {
    unit: String,
    price_per_unit: BTreeMap<String, String>,
}

/// A price of an item, and the date from which it is in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Offer {
    micro_usd_per_hour: i64,
    effective: Option<Time>,
}

/// Which items of a price list are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ItemKind {
    /// EC2 instances, on-demand.
    OnDemand,
    /// EKS Auto Mode fees and Fargate rates.
    Eks,
}

/// Collects the prices of the items of a price list.
pub(super) struct PriceListReader {
    kind: ItemKind,
    now: Time,
    offers: BTreeMap<ProductKey, Vec<Offer>>,
    /// Products with no price in US dollars.
    foreign: BTreeSet<ProductKey>,
    /// Items that could not be parsed.
    pub(super) unreadable: u64,
}

/// The product that an item prices.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum ProductKey {
    /// By instance type.
    Instance(String),
    FargateVcpu,
    FargateGb,
}

impl PriceListReader {
    pub(super) fn new(kind: ItemKind, now: Time) -> Self {
        Self { kind, now, offers: BTreeMap::new(), foreign: BTreeSet::new(), unreadable: 0 }
    }

    /// Reads one item.
    pub(super) fn add(&mut self, document: &str) {
        let read = serde_json::from_str(document).map_err(|_| ()).and_then(|item: Item| {
            let Some(key) = self.product_key(&item.product)? else { return Ok(()) };
            self.add_terms(&key, &item.terms)
        });
        self.unreadable += u64::from(read.is_err());
    }

    /// The product of an item; `None` if it is of another kind than those read, an error if it names no instance type.
    fn product_key(&self, product: &Product) -> Result<Option<ProductKey>, ()> {
        match self.kind {
            ItemKind::OnDemand => instance(product).map(Some).ok_or(()),
            ItemKind::Eks if attribute(product, "operation") == Some("EKSAutoUsage") => {
                instance(product).map(Some).ok_or(())
            }
            ItemKind::Eks => Ok(fargate(product)),
        }
    }

    fn add_terms(&mut self, key: &ProductKey, terms: &Terms) -> Result<(), ()> {
        for term in terms.on_demand.values() {
            let effective = term.effective_date.as_deref().and_then(Time::parse);
            if effective.is_some_and(|from| from > self.now) {
                continue;
            }
            for dimension in term.price_dimensions.values() {
                self.add_price(key, dimension, effective)?;
            }
        }
        Ok(())
    }

    fn add_price(&mut self, key: &ProductKey, dimension: &PriceDimension, effective: Option<Time>) -> Result<(), ()> {
        if matches!(key, ProductKey::Instance(_)) && !is_hour(&dimension.unit) {
            return Err(());
        }
        let Some(text) = dimension.price_per_unit.get("USD") else {
            if dimension.price_per_unit.is_empty() {
                return Err(());
            }
            self.foreign.insert(key.clone());
            return Ok(());
        };
        let micro_usd_per_hour = money::parse_usd(text).ok_or(())?;
        // AWS lists what is billed elsewhere, or not at all, at zero.
        if micro_usd_per_hour > 0 {
            self.offers.entry(key.clone()).or_default().push(Offer { micro_usd_per_hour, effective });
        }
        Ok(())
    }

    /// One answer for each product of the items.
    pub(super) fn answers(self) -> Vec<(PriceItem, Answer)> {
        let price_item = match self.kind {
            ItemKind::OnDemand => PriceItem::OnDemand,
            ItemKind::Eks => PriceItem::Fee,
        };
        let mut found: BTreeMap<ProductKey, Answer> =
            self.foreign.into_iter().map(|key| (key, Answer::Foreign)).collect();
        found.extend(self.offers.iter().map(|(key, offers)| (key.clone(), newest_price(offers))));
        let fargate = fargate_rates(found.remove(&ProductKey::FargateVcpu), found.remove(&ProductKey::FargateGb));
        let instances = found.into_iter().filter_map(|(key, answer)| match key {
            ProductKey::Instance(name) => Some((price_item(Sym::new(&name)), answer)),
            ProductKey::FargateVcpu | ProductKey::FargateGb => None,
        });
        instances.chain(fargate.map(|answer| (PriceItem::Fargate, answer))).collect()
    }
}

/// The query API writes `instanceType`, the bulk files write `instancetype`.
fn attribute<'p>(product: &'p Product, name: &str) -> Option<&'p str> {
    let found = product.attributes.iter().find(|(name_in_list, _)| name_in_list.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

fn instance(product: &Product) -> Option<ProductKey> {
    attribute(product, "instanceType").map(|name| ProductKey::Instance(name.to_owned()))
}

/// By the usage type, for example `USE1-Fargate-vCPU-Hours:perCPU`; other processors, systems and disks have others.
fn fargate(product: &Product) -> Option<ProductKey> {
    let usage = attribute(product, "usagetype")?;
    if !usage.contains("Fargate") || ["ARM", "Windows", "Ephemeral", "Spot"].iter().any(|other| usage.contains(other)) {
        return None;
    }
    let by_vcpu = usage.contains("vCPU-Hours").then_some(ProductKey::FargateVcpu);
    by_vcpu.or_else(|| usage.contains("GB-Hours").then_some(ProductKey::FargateGb))
}

fn is_hour(unit: &str) -> bool {
    ["hrs", "hour", "hours"].iter().any(|hour| unit.eq_ignore_ascii_case(hour))
}

/// The price with the latest effective date; ambiguous if several have it.
fn newest_price(offers: &[Offer]) -> Answer {
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

/// Fargate rates; `None` unless both are known, because a pod is charged for both.
fn fargate_rates(vcpu: Option<Answer>, gb: Option<Answer>) -> Option<Answer> {
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

    fn read(kind: ItemKind, documents: &[String]) -> (Vec<(PriceItem, Answer)>, u64) {
        let mut reader = PriceListReader::new(kind, Time::parse(NOW).expect("a time"));
        documents.iter().for_each(|document| reader.add(document));
        let unreadable = reader.unreadable;
        (reader.answers(), unreadable)
    }

    fn on_demand(name: &str, answer: Answer) -> (PriceItem, Answer) {
        (PriceItem::OnDemand(Sym::new(name)), answer)
    }

    #[test]
    fn prices_are_read_to_the_micro_dollar_and_a_zero_price_is_skipped() {
        let (found, unreadable) = read(
            ItemKind::OnDemand,
            &[usd("g5.xlarge", "1.0060000000"), usd("p4d.24xlarge", "21.9576420000"), usd("m5.large", "0.0000000000")],
        );
        let expected =
            [on_demand("g5.xlarge", Answer::Rate(1_006_000)), on_demand("p4d.24xlarge", Answer::Rate(21_957_642))];
        assert_eq!((found.as_slice(), unreadable), (&expected[..], 0));
    }

    #[test]
    fn unreadable_price_items_are_counted_and_the_others_are_used() {
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
        let (found, unreadable) = read(ItemKind::OnDemand, &documents);
        assert_eq!((found, unreadable), (vec![on_demand("m5.large", Answer::Rate(96_000))], 6));
    }

    #[test]
    fn a_price_in_another_currency_is_marked_foreign() {
        let price = term(&json!({"CNY": "7.1"}), NOW, "Hrs");
        let (found, unreadable) = read(ItemKind::OnDemand, &[item(&json!({"instanceType": "m5.large"}), &[price])]);
        assert_eq!((found, unreadable), (vec![on_demand("m5.large", Answer::Foreign)], 0));
    }

    #[test]
    fn the_newest_effective_price_counts_and_a_tie_is_ambiguous() {
        let of = |first: (&str, &str), second: (&str, &str)| {
            let terms = [first, second].map(|(price, date)| term(&json!({"USD": price}), date, "Hrs"));
            read(ItemKind::OnDemand, &[item(&json!({"instanceType": "x"}), &terms)]).0.remove(0).1
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
    fn two_items_with_different_prices_for_one_type_are_ambiguous() {
        let (found, _) = read(ItemKind::OnDemand, &[usd("m5.large", "0.096"), usd("m5.large", "0.1")]);
        assert_eq!(found, [on_demand("m5.large", Answer::Ambiguous)]);
    }

    #[test]
    fn auto_mode_fees_of_both_spellings_and_fargate_rates_are_read() {
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
        let (found, unreadable) = read(ItemKind::Eks, &documents);
        let fee = |name: &str, rate| (PriceItem::Fee(Sym::new(name)), Answer::Rate(rate));
        let fargate = (PriceItem::Fargate, Answer::Fargate(40_480, 4_445));
        assert_eq!((found, unreadable), (vec![fee("c5.large", 10_200), fee("m5.large", 11_520), fargate], 0));
    }

    #[test]
    fn a_fargate_rate_without_memory_is_unknown() {
        let price = [term(&json!({"USD": "0.04"}), NOW, "hours")];
        let (found, _) = read(ItemKind::Eks, &[item(&json!({"usagetype": "USE1-Fargate-vCPU-Hours:perCPU"}), &price)]);
        assert_eq!(found, []);
    }
}
