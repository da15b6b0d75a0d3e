//! Whom a NodeOverlay means (karpenter 1.14, pkg/apis/v1alpha1/nodeoverlay.go).

use std::cmp::Reverse;

use super::machine::Machine;
use crate::fleet::{Condition, NodeOverlayRow, OverlayPrice, Requirement, Status, Sym, Table};

/// The NodeOverlay that prices a machine: of those that mean it and say a price the heaviest, of equals the last by name.
pub fn first<'a>(overlays: &'a Table<NodeOverlayRow>, machine: &Machine<'_>) -> Option<(&'a Sym, &'a OverlayPrice)> {
    // Karpenter applies them to what it launches, and to nothing else.
    machine.node_pool()?;
    let pricing = overlays.iter().filter(|row| row.price.is_some() && is_valid(row) && means(row, machine));
    let row = pricing.min_by_key(|row| (Reverse(row.weight), Reverse(&row.meta.key.name)))?;
    Some((&row.meta.key.name, row.price.as_ref()?))
}

/// One that Karpenter has found fault with (a conflict, a value out of range) is not applied; one that it has not looked
/// at, because the feature gate is off, still tells what somebody pays.
fn is_valid(row: &NodeOverlayRow) -> bool {
    !["ValidationSucceeded", "Ready"]
        .iter()
        .any(|kind| Condition::find(&row.conditions, kind).is_some_and(|condition| condition.status == Status::False))
}

fn means(row: &NodeOverlayRow, machine: &Machine<'_>) -> bool {
    row.requirements.iter().all(|requirement| is_met(requirement, machine.labels.get(&requirement.key)))
}

/// An operator of a future version is met by nothing: no price is better than a wrong one.
fn is_met(requirement: &Requirement, value: Option<&Sym>) -> bool {
    let listed = |value: &Sym| requirement.values.contains(value);
    let compared = |holds: fn(&i64, &i64) -> bool| {
        let number = |text: Option<&Sym>| text.and_then(|text| text.parse::<i64>().ok());
        number(value).zip(number(requirement.values.first())).is_some_and(|(value, bound)| holds(&value, &bound))
    };
    match requirement.operator.as_str() {
        "In" => value.is_some_and(listed),
        "NotIn" => value.is_none_or(|value| !listed(value)),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => compared(i64::gt),
        "Lt" => compared(i64::lt),
        "Gte" => compared(i64::ge),
        "Lte" => compared(i64::le),
        _ => false,
    }
}
