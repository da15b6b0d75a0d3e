//! From which nodes Karpenter's next commands come: in the line below the table of Fleet, and in the details of these nodes.

use super::context::FrameContext;
use super::{Line, format, words};
use crate::config::Role;
use crate::fleet::Sym;
use crate::insight::disruption::{NextCommand, Reason};
use crate::units::Time;

/// Of more nodes only the first are named.
const MOST_NAMES: usize = 3;

/// A command that comes within this many seconds is not counted down: the line would change each second.
const SOON_SECONDS: i64 = 30;

/// The gaps around what is written into a rule, and the rule itself at both ends.
const MARGIN: usize = 6;

/// All that is told, in as many words as fit; nothing where not even the shortest do.
pub(super) fn line(frame: &FrameContext<'_>, width: usize) -> Line {
    let commands = frame.app.insights.last_next_commands();
    if commands.is_empty() {
        return Line::new();
    }
    let in_words = |most: usize| {
        let words: Vec<String> = commands.iter().map(|command| in_line(frame, command, most)).collect();
        format!(" Karpenter takes next: {} ", words.join(" · "))
    };
    let counted: Vec<String> =
        commands.iter().map(|one| format!("{} {}", one.nodes.len(), one.reason.name())).collect();
    let forms = [in_words(MOST_NAMES), in_words(1), format!(" next: {} ", counted.join(" · "))];
    let fitting = forms.into_iter().find(|form| super::text::width(form) + MARGIN <= width);
    fitting.map_or_else(Line::new, |form| Line::of(Role::TextDim, form))
}

fn in_line(frame: &FrameContext<'_>, command: &NextCommand, most: usize) -> String {
    let one_of = if is_one_of_several(command) { "one of " } else { "" };
    let nodes = names(frame, &command.nodes, most);
    format!("{one_of}{nodes} as {}{}", command.reason.name(), when(frame.app.now, command))
}

/// Empty nodes go together; of drifted ones that have the same place one goes.
fn is_one_of_several(command: &NextCommand) -> bool {
    command.reason == Reason::Drifted && command.nodes.len() > 1
}

fn names(frame: &FrameContext<'_>, nodes: &[Sym], most: usize) -> String {
    let shown = nodes.iter().take(most).map(|name| words::node_name(name, frame.app.ui.size.0));
    let shown: Vec<&str> = shown.collect();
    match nodes.len().saturating_sub(most) {
        0 => shown.join(", "),
        more => format!("{} +{more}", shown.join(", ")),
    }
}

/// ` within half a minute`, ` at 14:20`, ` from 14:20`; nothing where it may come now and nobody knows when it does.
fn when(now: Time, command: &NextCommand) -> String {
    let is_ahead = command.from > now.plus_seconds(SOON_SECONDS);
    match command.to {
        Some(_) if !is_ahead => " within half a minute".to_owned(),
        Some(_) => format!(" at {}", format::clock(now, command.from)),
        None if is_ahead => format!(" from {}", format::clock(now, command.from)),
        None => String::new(),
    }
}

/// What is told of one node, for its details.
pub(super) fn of_node(frame: &FrameContext<'_>, name: &Sym) -> Vec<Line> {
    let commands = frame.app.insights.last_next_commands().iter().filter(|command| command.nodes.contains(name));
    commands.map(|command| of_command(frame, command)).collect()
}

fn of_command(frame: &FrameContext<'_>, command: &NextCommand) -> Line {
    let others = format::plural(command.nodes.len().saturating_sub(1), "other node");
    let whom = match command.nodes.len() {
        0 | 1 => "it".to_owned(),
        _ if is_one_of_several(command) => format!("it or {others}"),
        _ => format!("it and {others}, as far as budgets allow"),
    };
    let (reason, when) = (command.reason.name(), when(frame.app.now, command));
    Line::of(Role::Info, format!("i Karpenter's next command for {reason}{when}: {whom}"))
        .and(Role::TextDim, ", as long as nothing changes")
}
