//! Prices that are missing, and prices of the user that mean nobody.

use std::collections::BTreeSet;

use super::findings::{Finding, Rule, Severity};
use super::{Picture, spend};
use crate::fleet::{Fleet, NodeRow, ObjectKey, UserPrices};
use crate::insight::cost::why_unknown;
use crate::units::Time;

const SECONDS_PER_DAY: i64 = 86_400;

/// All of them.
pub(super) fn of_prices(fleet: &Fleet, picture: &Picture, now: Time) -> Vec<Finding> {
    let user = fleet.prices.user.as_deref();
    let mut found: Vec<Finding> = unpriced(fleet, picture).into_iter().collect();
    found.extend(without_fee(fleet, picture));
    found.extend(user.into_iter().flat_map(|user| unused(fleet, picture, user)));
    found.extend(user.and_then(|user| outdated(user, now)));
    found
}

/// One finding for all of them: in a cluster without prices there would be one for each node.
fn unpriced(fleet: &Fleet, picture: &Picture) -> Option<Finding> {
    let said = |node: &NodeRow| picture.node(&node.meta.key.name).map(|said| said.cost);
    let (first, count) = first(fleet, |node| said(node).is_some_and(|cost| cost.rate().is_none()))?;
    let why = why_unknown(&spend::asking(fleet, picture, first));
    let why = why.map_or_else(String::new, |pass| format!(": {pass}"));
    Some(Finding {
        severity: Severity::Warning,
        rule: Rule::PriceUnknown,
        kind: "Node",
        object: first.meta.key.clone(),
        message: format!("{} no price, which the sums leave out; the first is this one{why}", have(count)),
        hint: "give them one in the price file; batchtop prices explain NODE tells who was asked".to_owned(),
    })
}

fn without_fee(fleet: &Fleet, picture: &Picture) -> Option<Finding> {
    let lacks = |node: &NodeRow| picture.node(&node.meta.key.name).is_some_and(|said| said.cost.lacks_fee());
    let (first, count) = first(fleet, lacks)?;
    Some(Finding {
        severity: Severity::Info,
        rule: Rule::FeeUnknown,
        kind: "Node",
        object: first.meta.key.clone(),
        message: format!("{} a fee of EKS Auto Mode that nobody tells, and the sums leave it out", have(count)),
        hint: "let batchtop ask AWS (pricing:GetProducts), or set cluster.auto_mode_fee_ratio in the price file"
            .to_owned(),
    })
}

fn have(count: usize) -> String {
    if count == 1 { "1 node has".to_owned() } else { format!("{count} nodes have") }
}

/// The first of these nodes by name, and how many there are.
fn first(fleet: &Fleet, is_one: impl Fn(&NodeRow) -> bool) -> Option<(&NodeRow, usize)> {
    let found: Vec<&NodeRow> = fleet.nodes.iter().filter(|node| is_one(node)).collect();
    Some((found.iter().copied().min_by_key(|node| &node.meta.key)?, found.len()))
}

/// Rules and names that price nothing are often typing errors.
fn unused(fleet: &Fleet, picture: &Picture, user: &UserPrices) -> Vec<Finding> {
    let of_claims = fleet.node_claims.iter().filter_map(|claim| picture.claim(claim)?.cost);
    let used: BTreeSet<usize> =
        picture.nodes.values().map(|said| said.cost).chain(of_claims).filter_map(|cost| cost.line).collect();
    let rules = user.rules.iter().map(|rule| (rule.line, "this rule prices no node".to_owned()));
    let nodes = user.nodes.iter().map(|(name, rate)| (rate.line, format!("there is no node {name}")));
    let idle = rules.chain(nodes).filter(|(line, _)| !used.contains(line));
    idle.map(|(line, what)| of_file(user, Rule::PriceRuleUnused, format!("line {line}: {what}"), "mend or remove it"))
        .collect()
}

fn outdated(user: &UserPrices, now: Time) -> Option<Finding> {
    let days = now.seconds_since(user.as_of) / SECONDS_PER_DAY;
    let message = format!("the price file is {days} days old; its max_age_days is {}", user.max_age_days);
    (days > user.max_age_days)
        .then(|| of_file(user, Rule::PriceFileOld, message, "look at the prices again, and set as_of to that day"))
}

fn of_file(user: &UserPrices, rule: Rule, message: String, hint: &str) -> Finding {
    Finding {
        severity: Severity::Info,
        rule,
        kind: "PriceFile",
        object: ObjectKey::cluster(&user.file),
        message,
        hint: hint.to_owned(),
    }
}
