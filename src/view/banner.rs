//! The line above the table while the cloud takes nodes back: which go when, what cannot end in time, and how far what
//! comes in their place is.

use super::context::FrameContext;
use super::{Line, format, words};
use crate::config::Role;
use crate::fleet::{Kind, Sym};
use crate::insight::insights::Reclaiming;

/// The line in as many words as fit; `None` while nothing is taken back.
pub(super) fn line(frame: &FrameContext<'_>, width: usize) -> Option<Line> {
    let going = frame.app.insights.spot.reclaiming();
    let (first, others) = going.nodes.split_first()?;
    let [lead, long_lead] = leads(frame, going, first, others.len());
    let pods = pods(frame, going);
    let [replaced, long_replaced] = replaced(frame, going);
    let forms = [
        [Some(&long_lead), Some(&pods), Some(&long_replaced)],
        [Some(&lead), Some(&pods), Some(&long_replaced)],
        [Some(&lead), Some(&pods), Some(&replaced)],
        [Some(&lead), Some(&pods), None],
        [Some(&lead), None, None],
    ];
    let written = forms.iter().map(|parts| in_one(parts.iter().flatten().map(|part| part.as_str())));
    let mut written: Vec<Line> = written.collect();
    let fitting = written.iter().position(|line| line.width() <= width).unwrap_or(written.len() - 1);
    Some(written.swap_remove(fitting).cut(width))
}

/// The first part as an alarm, the others as text.
fn in_one<'a>(parts: impl Iterator<Item = &'a str>) -> Line {
    let add = |line: Line, part: &str| {
        if line.is_empty() {
            Line::of(Role::Bad, format!(" ! {part}"))
        } else {
            line.and(Role::Text, format!(" · {part}"))
        }
    };
    parts.filter(|part| !part.is_empty()).fold(Line::new(), add)
}

/// Which nodes go when, in few words and in more.
fn leads(frame: &FrameContext<'_>, going: &Reclaiming, first: &Sym, others: usize) -> [String; 2] {
    if others == 0 {
        let name = words::node_name(first, frame.app.ui.size.0);
        let pool = frame.app.insights.spot.node(first).map(|node| format!(" ({})", node.pool));
        let lead = format!("{name} {}", goes(frame, first));
        return [lead.clone(), lead + &pool.unwrap_or_default()];
    }
    let lead = format!("{} go, the first {}", format::plural(others + 1, "node"), left(frame, first));
    let name = |name: &Sym| format!("{} {}", words::node_name(name, frame.app.ui.size.0), left(frame, name));
    let named: Vec<String> = going.nodes.iter().take(MOST_NAMES).map(name).collect();
    let more = if others + 1 > MOST_NAMES { ", …" } else { "" };
    [lead, format!("{} go: {}{more}", format::plural(others + 1, "node"), named.join(", "))]
}

/// Of more nodes only the first are named.
const MOST_NAMES: usize = 3;

/// `goes in 1:32`; of a Node whose end is not told, or is past, that it goes any moment.
pub(super) fn goes(frame: &FrameContext<'_>, name: &str) -> String {
    format!("goes {}", left(frame, name))
}

fn left(frame: &FrameContext<'_>, name: &str) -> String {
    let end = frame.app.insights.spot.node(name).and_then(|node| node.ends_at);
    match end.map(|end| end.seconds_since(frame.app.now)) {
        Some(seconds @ 1..) => format!("in {}", format::countdown(seconds)),
        _ => "any moment".to_owned(),
    }
}

/// The pods that are still there, and those that cannot end in time.
fn pods(frame: &FrameContext<'_>, going: &Reclaiming) -> String {
    if !frame.all(Kind::Pod) {
        return frame.pods_unknown().to_owned();
    }
    let pods = format::plural(going.pods, "pod");
    match going.pods_cut_short {
        0 => pods,
        short => format!("{pods}, {} without time to end", format::count(short)),
    }
}

/// How far the pods are that their owners have created since, in few words and in more; empty where that is not known.
pub(super) fn replaced(frame: &FrameContext<'_>, going: &Reclaiming) -> [String; 2] {
    let found = &going.replacements;
    if !frame.all(Kind::Pod) || !found.is_known {
        return [String::new(), String::new()];
    }
    if found.pods == 0 {
        return ["no new pods yet", "their owners have created no new pods yet"].map(str::to_owned);
    }
    let ready = format!("{} of {} ready", format::count(found.ready), format::plural(found.pods, "new pod"));
    let mut parts = vec![ready.clone()];
    let claims: Vec<String> = found
        .claims
        .iter()
        .take(MOST_NAMES)
        .map(|(name, phase)| format!("{name} {}", words::claim(*phase).word.to_lowercase()))
        .collect();
    let more = if found.claims.len() > MOST_NAMES { ", …" } else { "" };
    parts.extend((!claims.is_empty()).then(|| format!("{}{more}", claims.join(", "))));
    let without = found.without_capacity;
    parts.extend((without > 0).then(|| format!("{} without capacity", format::count(without))));
    [ready, parts.join(", ")]
}
