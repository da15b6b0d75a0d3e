//! Sentences about what a write changes, and about the Nodes of which it does.

use super::super::{App, Consequence, Severity};
use super::copies::Change;
use crate::fleet::Kind;
use crate::insight::disruption::Disruption;
use crate::insight::sentence::{Fragment, Sentence};

/// More Nodes are only counted.
const MOST_NAMED: usize = 4;

/// A consequence that calls for nothing.
pub(super) fn info(text: impl Fragment) -> Consequence {
    Consequence { severity: Severity::Info, text: Sentence::of(text) }
}

/// A consequence to think about.
pub(super) fn warning(text: impl Fragment) -> Consequence {
    Consequence { severity: Severity::Warning, text: Sentence::of(text) }
}

/// A consequence for a Node: `rest` begins with a verb and is the same for all Nodes alike, `detail` is for one alone.
pub(super) struct Told {
    pub(super) severity: Severity,
    pub(super) rest: String,
    pub(super) detail: String,
}

/// The same for each Node, without a detail.
pub(super) fn told(severity: Severity, rest: String) -> Told {
    Told { severity, rest, detail: String::new() }
}

/// One sentence for all Nodes of which the same is to be said.
pub(super) fn each(changes: &[Change<'_>], say: impl Fn(&Change<'_>) -> Option<Told>) -> Vec<Consequence> {
    let mut groups: Vec<(Told, Vec<&str>)> = Vec::new();
    for change in changes {
        let Some(told) = say(change) else { continue };
        match groups.iter_mut().find(|(known, _)| (known.severity, &known.rest) == (told.severity, &told.rest)) {
            Some((_, nodes)) => nodes.push(name(change)),
            None => groups.push((told, vec![name(change)])),
        }
    }
    groups.into_iter().map(|(told, nodes)| sentence(&told, &nodes)).collect()
}

fn sentence(told: &Told, nodes: &[&str]) -> Consequence {
    let text = match nodes {
        [one] => format!("node {one} {}{}", told.rest, told.detail),
        many => format!("{} {}", named(many), of_many(&told.rest)),
    };
    Consequence { severity: told.severity, text: Sentence::of(text) }
}

/// The verb in the plural.
fn of_many(rest: &str) -> String {
    let (verb, behind) = rest.split_once(' ').unwrap_or((rest, ""));
    let verb = if verb == "is" { "are" } else { verb.strip_suffix('s').unwrap_or(verb) };
    format!("{verb} {behind}")
}

/// Said first where nothing can be said about Karpenter.
pub(super) fn unknown(app: &App, changes: &[Change<'_>]) -> Option<Consequence> {
    if changes.iter().all(|change| change.is_known) {
        return None;
    }
    let known = crate::insight::Completeness::new(&app.sources);
    let missing: Vec<&str> = [Kind::Pod, Kind::PodDisruptionBudget]
        .into_iter()
        .filter(|kind| !known.all(*kind))
        .map(Kind::resource)
        .collect();
    Some(warning(format!("what this means for Karpenter is not known: not all {} are read", missing.join(" and "))))
}

/// `node a`, `nodes a, b`, `8 nodes`.
pub(super) fn named(nodes: &[&str]) -> String {
    match nodes {
        [one] => format!("node {one}"),
        few if few.len() <= MOST_NAMED => format!("{} nodes ({})", few.len(), few.join(", ")),
        many => format!("{} nodes", many.len()),
    }
}

/// Whether Karpenter may take the Node for a reason.
pub(super) fn may(disruption: &Disruption) -> bool {
    !disruption.may.yes.is_empty()
}

/// The name of its Node.
pub(super) fn name<'a>(change: &Change<'a>) -> &'a str {
    change.node.meta.key.name.as_str()
}
