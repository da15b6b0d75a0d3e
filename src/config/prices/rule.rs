//! `[[rule]]` and `[[node]]` of a TOML price file.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::amount;
use super::rate::RateFields;
use crate::config::document::{Document, Value, join};
use crate::config::problem::no_such;
use crate::fleet::{Adjustment, CapacityType, NodeRate, PriceRule, RuleMatch, RuleRate, Sym};

const RULE_KEYS: [&str; 9] =
    ["adjust", "includes_gpu", "match", "note", "per_gib_hour", "per_gpu_hour", "per_hour", "per_vcpu_hour", "weight"];
const MATCH_KEYS: [&str; 7] = ["capacity", "cloud", "instance", "label", "pool", "region", "zone"];
const NODE_KEYS: [&str; 3] = ["name", "note", "per_hour"];
const MAX_WEIGHT: i64 = 1_000_000;

/// All `[[rule]]` entries by descending weight, then in the order of the file.
pub(super) fn rules<'t>(document: &mut Document<'t>, value: &Value<'t>) -> Vec<PriceRule> {
    let mut weighed: Vec<(i64, PriceRule)> = Vec::new();
    for (table, span) in tables(document, "rule", value) {
        weighed.extend(rule(document, table, &span));
    }
    // A stable sort keeps rules of equal weight in the order of the file.
    weighed.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    weighed.into_iter().map(|(_, rule)| rule).collect()
}

/// Tables of an array of tables.
fn tables<'v, 't>(
    document: &mut Document<'t>,
    key: &str,
    value: &'v Value<'t>,
) -> Vec<(&'v DeTable<'t>, Range<usize>)> {
    if matches!(value.get_ref(), DeValue::Table(_)) {
        document.note(
            &value.span(),
            key,
            format!("must be an array of tables: write [[{key}]], also for a single entry"),
        );
        return Vec::new();
    }
    let Some(array) = document.array(key, value) else { return Vec::new() };
    array.iter().filter_map(|item| Some((document.table(key, item)?, item.span()))).collect()
}

fn rule<'t>(document: &mut Document<'t>, table: &DeTable<'t>, span: &Range<usize>) -> Option<(i64, PriceRule)> {
    let (mut weight, mut matches, mut note) = (0, None, None);
    for (key, value) in table {
        let name: &str = key.get_ref();
        let path = join("rule", name);
        match name {
            "weight" => {
                weight = document.integer(&path, value, -MAX_WEIGHT..=MAX_WEIGHT).unwrap_or_default();
            }
            "match" => matches = Some(rule_match(document, value)),
            "note" => note = symbol(document, &path, value),
            _ if RULE_KEYS.contains(&name) => {}
            _ => document.note_unknown_key(key, "rule", &RULE_KEYS),
        }
    }
    if matches.is_none() {
        document.note(span, "rule", "\"match\" is missing; match = {} matches every node");
    }
    let rate = rate(document, table, span)?;
    Some((weight, PriceRule { matches: matches?, rate, note, line: document.line(span) }))
}

fn rate(document: &mut Document<'_>, table: &DeTable<'_>, span: &Range<usize>) -> Option<RuleRate> {
    let mut rate_of = |key: &str| table.get(key).map(|value| dollars(document, &join("rule", key), value));
    let [per_hour, per_gpu_hour, per_vcpu_hour, per_gib_hour] =
        ["per_hour", "per_gpu_hour", "per_vcpu_hour", "per_gib_hour"].map(&mut rate_of);
    // A field with a mistake gets a valid value here, so that it is not reported a second time.
    let flag = |value| document.boolean("rule.includes_gpu", value).unwrap_or(per_gpu_hour.is_none());
    let includes_gpu = table.get("includes_gpu").map(flag);
    let adjust = table.get("adjust").map(|value| adjustment(document, value));
    let fields = RateFields { per_hour, includes_gpu, per_gpu_hour, per_vcpu_hour, per_gib_hour, adjust };
    fields.rate().map_err(|message| document.note(span, "rule", message)).ok()
}

/// An amount in micro-dollars per hour. Zero if it is invalid, which is recorded (the file is not used then).
pub(super) fn dollars(document: &mut Document<'_>, key: &str, value: &Value<'_>) -> i64 {
    let Some(text) = document.number(key, value) else { return 0 };
    amount::dollars(text).map_err(|message| document.note(&value.span(), key, message)).unwrap_or_default()
}

fn adjustment(document: &mut Document<'_>, value: &Value<'_>) -> Adjustment {
    const KEY: &str = "rule.adjust";
    let none = Adjustment::Millionths(0);
    let Some(text) = document.string(KEY, value) else { return none };
    Adjustment::parse(text).unwrap_or_else(|| {
        let allowed = "allowed: a sign and a percentage or dollars per hour, for example \"-15%\" or \"+0.20\"";
        document.note(&value.span(), KEY, format!("invalid adjustment: {text:?}; {allowed}"));
        none
    })
}

fn rule_match<'t>(document: &mut Document<'t>, value: &Value<'t>) -> RuleMatch {
    let mut matches = RuleMatch::default();
    let Some(table) = document.table("rule.match", value) else { return matches };
    for (key, value) in table {
        let name: &str = key.get_ref();
        let path = join("rule.match", name);
        match name {
            "cloud" => matches.cloud = pattern(document, &path, value),
            "region" => matches.region = pattern(document, &path, value),
            "zone" => matches.zone = pattern(document, &path, value),
            "instance" => matches.instance = pattern(document, &path, value),
            "capacity" => matches.capacity = capacity(document, &path, value),
            "pool" => matches.node_pool = pattern(document, &path, value),
            "label" => matches.label = label(document, &path, value),
            _ => document.note_unknown_key(key, "rule.match", &MATCH_KEYS),
        }
    }
    matches
}

fn pattern(document: &mut Document<'_>, key: &str, value: &Value<'_>) -> Option<Sym> {
    let text = document.string(key, value)?;
    if text.is_empty() {
        document.note(&value.span(), key, "is empty and matches nothing; leave it out to match everything");
    }
    Some(Sym::new(text))
}

fn capacity(document: &mut Document<'_>, key: &str, value: &Value<'_>) -> Option<Sym> {
    let text = document.string(key, value)?;
    check_capacity(text).map_err(|message| document.note(&value.span(), key, message)).ok()?;
    Some(Sym::new(text))
}

/// Rejects unknown capacity types, which would silently match nothing.
pub(super) fn check_capacity(text: &str) -> Result<(), String> {
    let names = [CapacityType::OnDemand, CapacityType::Reserved, CapacityType::Spot].map(CapacityType::name);
    let is_one = text.contains('*') || names.contains(&text);
    if is_one { Ok(()) } else { Err(no_such("capacity type", text, &names)) }
}

fn label(document: &mut Document<'_>, key: &str, value: &Value<'_>) -> Option<(Sym, Sym)> {
    let text = document.string(key, value)?;
    let (name, wanted) = text.split_once('=').unwrap_or_default();
    if name.is_empty() || name.contains('*') || wanted.starts_with('=') {
        let message = format!("invalid label: {text:?}; write it like \"team=ml\"; its value may contain *");
        document.note(&value.span(), key, message);
        return None;
    }
    Some((Sym::new(name), Sym::new(wanted)))
}

/// All `[[node]]` entries by node name.
pub(super) fn nodes<'t>(document: &mut Document<'t>, value: &Value<'t>) -> BTreeMap<Sym, NodeRate> {
    let mut rates: BTreeMap<Sym, NodeRate> = BTreeMap::new();
    for (table, span) in tables(document, "node", value) {
        let Some((name, rate)) = node(document, table, &span) else { continue };
        match rates.get(&name) {
            Some(first) => {
                let message = format!("{:?} is defined twice, first in line {}", name.as_str(), first.line);
                document.note(&span, "node.name", message);
            }
            None => drop(rates.insert(name, rate)),
        }
    }
    rates
}

fn node<'t>(document: &mut Document<'t>, table: &DeTable<'t>, span: &Range<usize>) -> Option<(Sym, NodeRate)> {
    let (mut node_name, mut rate, mut note) = (None, None, None);
    for (key, value) in table {
        let name: &str = key.get_ref();
        let path = join("node", name);
        match name {
            "name" => node_name = pattern(document, &path, value),
            "per_hour" => rate = Some(dollars(document, &path, value)),
            "note" => note = symbol(document, &path, value),
            _ => document.note_unknown_key(key, "node", &NODE_KEYS),
        }
    }
    for key in ["name", "per_hour"].into_iter().filter(|key| !table.contains_key(*key)) {
        document.note(span, "node", format!("\"{key}\" is missing"));
    }
    Some((node_name?, NodeRate { micro_usd_per_hour: rate?, note, line: document.line(span) }))
}

fn symbol(document: &mut Document<'_>, key: &str, value: &Value<'_>) -> Option<Sym> {
    document.string(key, value).map(Sym::new)
}
