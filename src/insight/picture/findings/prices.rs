//! Prices that are not known, and lines of the price file without effect.

use std::collections::BTreeSet;

use super::{Occurrence, Rule, RuleInput, Severity};
use crate::fleet::{Kind, NodeRow, ObjectKey, UserPrices};
use crate::insight::cost::Cost;
use crate::insight::sentence::{Fragment, Sentence, sentence};

/// The rules of this family.
pub const RULES: &[Rule] = &[
    Rule {
        id: "PriceUnknown",
        severity: Severity::Warning,
        help: "No source knows a price of some nodes. Every sum of dollars is too low by what they cost.",
        hint: "give them one in the price file; batchtop prices explain NODE lists every source that was asked",
        check: unpriced_nodes,
    },
    Rule {
        id: "FeeUnknown",
        severity: Severity::Info,
        help: "Nodes of EKS Auto Mode cost a fee on top of their instance, and it is not known. Every sum of dollars \
               is too low by it.",
        hint: "let batchtop ask AWS (pricing:GetProducts), or set cluster.auto_mode_fee_ratio in the price file",
        check: nodes_without_fee,
    },
    Rule {
        id: "PriceRuleUnused",
        severity: Severity::Info,
        help: "A rule or a name in the price file matches no node. It is often misspelled.",
        hint: "correct or remove it",
        check: unused_lines,
    },
    Rule {
        id: "PriceFileOld",
        severity: Severity::Info,
        help: "The price file is older than the age that it sets for itself (max_age_days).",
        hint: "look at the prices again, and set as_of to that day",
        check: old_file,
    },
];

/// One finding for all of them: in a cluster without prices there would be one for each node.
fn unpriced_nodes(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let Some((first, count)) = first_with(input, |cost| cost.rate().is_none()) else { return Vec::new() };
    let said = input.evaluator.picture().node(&first.meta.key.name);
    let why = said.and_then(|said| said.cost.instance.reason()).map(|why| sentence![": ", why.to_string()]);
    let message = sentence![have(count), " no price, which the sums leave out; the first is this one", why];
    vec![Occurrence::new(Kind::Node.name(), &first.meta.key, message)]
}

fn nodes_without_fee(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let Some((first, count)) = first_with(input, Cost::lacks_fee) else { return Vec::new() };
    let message = sentence![have(count), " an EKS Auto Mode fee that is not known, and the sums leave it out"];
    vec![Occurrence::new(Kind::Node.name(), &first.meta.key, message)]
}

fn have(count: usize) -> Sentence {
    if count == 1 { Sentence::of("1 node has") } else { sentence![count, " nodes have"] }
}

/// The first by name of the Nodes whose cost is like this, and how many there are.
fn first_with<'a>(input: &RuleInput<'a>, is_like_this: impl Fn(&Cost) -> bool) -> Option<(&'a NodeRow, usize)> {
    let is_one = |node: &&NodeRow| {
        let known = input.evaluator.picture().node(&node.meta.key.name);
        known.is_some_and(|known| is_like_this(&known.cost))
    };
    let found: Vec<&NodeRow> = input.fleet.nodes.iter().filter(is_one).collect();
    Some((found.iter().copied().min_by_key(|node| &node.meta.key)?, found.len()))
}

fn unused_lines(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let Some(user) = input.fleet.prices.user.as_deref() else { return Vec::new() };
    let used = used_lines(input);
    let rules = user.rules.iter().map(|rule| (rule.line, Sentence::of("this rule prices no node")));
    let nodes = user.nodes.iter().map(|(name, rate)| (rate.line, sentence!["there is no node ", name]));
    let unused = rules.chain(nodes).filter(|(line, _)| !used.contains(line));
    unused.map(|(line, why)| in_file(user, sentence!["line ", line, ": ", why])).collect()
}

/// The lines that decide the price of some Node or NodeClaim.
fn used_lines(input: &RuleInput<'_>) -> BTreeSet<usize> {
    let picture = input.evaluator.picture();
    let of_nodes = picture.nodes.values().map(|node| &node.cost);
    let of_claims = input.fleet.node_claims.iter().filter_map(|claim| picture.claim(claim)?.cost.as_ref());
    of_nodes.chain(of_claims).filter_map(|cost| cost.line).collect()
}

fn old_file(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let Some(user) = input.fleet.prices.user.as_deref() else { return Vec::new() };
    let now = input.evaluator.now();
    if !user.is_outdated(now) {
        return Vec::new();
    }
    let days = now.days_since(user.as_of);
    let message = sentence!["the price file is ", days, " days old; its max_age_days is ", user.max_age_days];
    vec![in_file(user, message)]
}

fn in_file(user: &UserPrices, message: impl Fragment) -> Occurrence {
    Occurrence::new("PriceFile", &ObjectKey::cluster(&user.file), message)
}
