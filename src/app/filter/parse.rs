//! From the words of a filter to its terms.

use super::term::{Comparison, GpuUse, Part, Term, Test};
use crate::app::TableSpec;
use crate::app::field::{Field, Measure};
use crate::units::{duration, money, quantity};

/// Between alternatives of a term.
const OR: char = '|';

/// What stands between a field and its value, the longest first.
const OPERATORS: [(&str, Operator); 5] = [
    (">=", Operator::Compare(Comparison::AtLeast)),
    ("<=", Operator::Compare(Comparison::AtMost)),
    (">", Operator::Compare(Comparison::More)),
    ("<", Operator::Compare(Comparison::Less)),
    (":", Operator::Is),
];

#[derive(Clone, Copy)]
enum Operator {
    Is,
    Compare(Comparison),
}

/// `None` for a term that is still being typed: `!`, `pool:`, `gpu>`.
pub(super) fn term(word: &str, table: &TableSpec) -> Result<Option<Term>, String> {
    let (wanted, rest) = match word.strip_prefix('!') {
        Some(rest) => (false, rest),
        None => (true, word),
    };
    let mut any = Vec::new();
    // `pool:gpu|cpu` asks the same field twice.
    let mut asked = None;
    for part in rest.split(OR) {
        let (field, value) = split(part).or_else(|| Some((asked?, part))).unzip();
        asked = field;
        any.extend(match (field, value) {
            (Some((name, operator)), Some(value)) => of_field(name, operator, value, table)?,
            _ if part.is_empty() => None,
            _ => Some(Test::Text(Part::new(part))),
        });
    }
    Ok((!any.is_empty()).then_some(Term { wanted, any }))
}

/// `gpu>0` as the field with its operator, and the value.
fn split(part: &str) -> Option<((&str, Operator), &str)> {
    let at = part.find([':', '>', '<'])?;
    let (name, rest) = part.split_at(at);
    let (sign, operator) = OPERATORS.into_iter().find(|(sign, _)| rest.starts_with(sign))?;
    Some(((name, operator), rest.strip_prefix(sign)?))
}

fn of_field(name: &str, operator: Operator, value: &str, table: &TableSpec) -> Result<Option<Test>, String> {
    let known = table.fields;
    let Some(field) = known.iter().copied().find(|field| field.name() == name) else {
        let names: Vec<&str> = known.iter().map(|field| field.name()).collect();
        return Err(format!("the filter knows no \"{name}:\" here; there are {}", names.join(", ")));
    };
    match operator {
        _ if value.is_empty() => Ok(None),
        Operator::Compare(comparison) => compared(field, comparison, value).map(Some),
        Operator::Is if field.is_number() && field != Field::Gpu => {
            Err(format!("{name} is compared: {name}>{0}, {name}<{0}", field.example()))
        }
        Operator::Is if field.is_yes_or_no() => yes_or_no(field, value).map(Some),
        Operator::Is => Ok(Some(Test::Contains(field, Part::new(value)))),
    }
}

fn compared(field: Field, comparison: Comparison, value: &str) -> Result<Test, String> {
    let name = field.name();
    let number = match field.measure() {
        None => return Err(format!("{name} is no number; write {name}:{value}")),
        Some(Measure::Count) => quantity::millis(value),
        Some(Measure::Dollars) => money::parse_usd(value.trim_start_matches('$')),
        Some(Measure::Seconds) => duration::from_human(value).ok(),
    };
    let number = number.ok_or_else(|| format!("{name}: \"{value}\" is no {}", field.unit()))?;
    Ok(Test::Compare(field, comparison, number))
}

fn yes_or_no(field: Field, value: &str) -> Result<Test, String> {
    let value = value.to_lowercase();
    let is_of_gpus = field == Field::Gpu;
    match value.as_str() {
        _ if "yes".starts_with(&value) => Ok(Test::Is(field, true)),
        _ if "no".starts_with(&value) => Ok(Test::Is(field, false)),
        _ if is_of_gpus && "idle".starts_with(&value) => Ok(Test::Uses(GpuUse::Idle)),
        _ if is_of_gpus && "busy".starts_with(&value) => Ok(Test::Uses(GpuUse::Busy)),
        _ if is_of_gpus => Err(format!("gpu: wants yes, no, idle or busy, or gpu>0, not \"{value}\"")),
        _ => Err(format!("{}: wants yes or no, not \"{value}\"", field.name())),
    }
}
