//! Top-level keys of a TOML price file.

use toml::de::{DeTable, DeValue};

use super::rule::{dollars, nodes, rules};
use super::{DEFAULT_MAX_AGE_DAYS, amount};
use crate::config::document::{Document, Value, join};
use crate::config::problem::Problem;
use crate::fleet::{Discount, UserPrices};
use crate::units::Time;

const KEYS: [&str; 8] = ["as_of", "cluster", "currency", "discount", "max_age_days", "node", "rule", "version"];
const DISCOUNT_KEYS: [&str; 3] = ["auto_mode_fee", "on_demand", "spot"];
const CLUSTER_KEYS: [&str; 2] = ["auto_mode_fee_ratio", "control_plane_per_hour"];

/// The only supported version of the format.
const VERSION: i64 = 1;
const MAX_DAYS: i64 = 3_650;

/// Reads the file.
pub(super) fn parse(file: &str, text: &str) -> Result<UserPrices, Vec<Problem>> {
    let (mut document, table) = Document::parse(file, text);
    if !document.is_sound() {
        // Missing keys are a consequence of the syntax error.
        return Err(document.into_problems());
    }
    let prices = read(&mut document, file, &table);
    if document.is_sound() { Ok(prices) } else { Err(document.into_problems()) }
}

fn read<'t>(document: &mut Document<'t>, file: &str, table: &DeTable<'t>) -> UserPrices {
    let mut prices = UserPrices { file: file.to_owned(), max_age_days: DEFAULT_MAX_AGE_DAYS, ..UserPrices::default() };
    for (key, value) in table {
        let name: &str = key.get_ref();
        match name {
            "version" => check_version(document, value),
            "currency" => check_currency(document, value),
            "as_of" => prices.as_of = as_of(document, value).unwrap_or_default(),
            "max_age_days" => {
                prices.max_age_days = document.integer(name, value, 1..=MAX_DAYS).unwrap_or_default();
            }
            "discount" => prices.discount = discount(document, value),
            "cluster" => cluster(document, value, &mut prices),
            "rule" => prices.rules = rules(document, value),
            "node" => prices.nodes = nodes(document, value),
            _ => document.note_unknown_key(key, "", &KEYS),
        }
    }
    for (key, example) in [("version", "version = 1"), ("as_of", "as_of = 2026-11-01")] {
        if !table.contains_key(key) {
            document.note_of_file(key, format!("is missing; write for example {example}"));
        }
    }
    prices
}

fn check_version(document: &mut Document<'_>, value: &Value<'_>) {
    let is_known = matches!(value.get_ref(), DeValue::Integer(number) if number.as_str() == VERSION.to_string());
    if !is_known {
        document.note(
            &value.span(),
            "version",
            format!("is not supported by this batchtop; write version = {VERSION}"),
        );
    }
}

fn check_currency(document: &mut Document<'_>, value: &Value<'_>) {
    if let Some(currency) = document.string("currency", value)
        && currency != "USD"
    {
        let message =
            format!("unsupported currency: {currency:?}; convert all amounts to US dollars and write \"USD\"");
        document.note(&value.span(), "currency", message);
    }
}

/// A TOML date, or one in quotes.
fn as_of(document: &mut Document<'_>, value: &Value<'_>) -> Option<Time> {
    let text = match value.get_ref() {
        DeValue::Datetime(day) => day.to_string(),
        _ => document.string("as_of", value)?.to_owned(),
    };
    amount::day(&text).map_err(|message| document.note(&value.span(), "as_of", message)).ok()
}

fn discount<'t>(document: &mut Document<'t>, value: &Value<'t>) -> Discount {
    let mut discount = Discount::default();
    let Some(table) = document.table("discount", value) else { return discount };
    for (key, value) in table {
        let name: &str = key.get_ref();
        match name {
            "on_demand" => discount.on_demand_millionths = share(document, "discount.on_demand", value),
            "spot" => discount.spot_millionths = share(document, "discount.spot", value),
            "auto_mode_fee" => discount.auto_mode_fee_millionths = share(document, "discount.auto_mode_fee", value),
            _ => document.note_unknown_key(key, "discount", &DISCOUNT_KEYS),
        }
    }
    discount
}

fn cluster<'t>(document: &mut Document<'t>, value: &Value<'t>, prices: &mut UserPrices) {
    let Some(table) = document.table("cluster", value) else { return };
    for (key, value) in table {
        let name: &str = key.get_ref();
        let path = join("cluster", name);
        match name {
            "control_plane_per_hour" => {
                prices.control_plane_micro_usd_per_hour = Some(dollars(document, &path, value));
            }
            "auto_mode_fee_ratio" => prices.auto_mode_fee_millionths = Some(share(document, &path, value)),
            _ => document.note_unknown_key(key, "cluster", &CLUSTER_KEYS),
        }
    }
}

/// A share of a whole in millionths; zero if it is invalid, which is recorded.
fn share(document: &mut Document<'_>, key: &str, value: &Value<'_>) -> i64 {
    let Some(text) = document.number(key, value) else { return 0 };
    amount::share(text).map_err(|message| document.note(&value.span(), key, message)).unwrap_or_default()
}
