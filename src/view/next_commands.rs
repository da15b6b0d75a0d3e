//! Karpenter's next commands, in the line below the table of Fleet.

use super::context::FrameContext;
use super::{Line, format, words};
use crate::app::{Rows, Screen};
use crate::config::Role;
use crate::insight::disruption::NextCommand;

/// How many nodes of a command are named where there is room, and where there is little.
const MOST_NAMED: [usize; 2] = [3, 1];

/// The commands in as many words as fit; empty where none can be told, and where the rows are no nodes.
pub(super) fn line(frame: &FrameContext<'_>, width: usize) -> Line {
    let (level, commands) = (&frame.app.ui.level, frame.app.insights.next_commands());
    let lists_nodes = level.screen == Screen::Fleet && matches!(level.table().rows, Rows::Objects { .. });
    if commands.is_empty() || !lists_nodes {
        return Line::new();
    }
    let written = MOST_NAMED.map(|most| in_one(frame, commands, most));
    let [long, short] = written;
    if long.width() <= width { long } else { short.cut(width) }
}

fn in_one(frame: &FrameContext<'_>, commands: &[NextCommand], most: usize) -> Line {
    let all: Vec<String> = commands.iter().map(|command| one(frame, command, most)).collect();
    Line::of(Role::TextDim, format!(" Karpenter next: {} ", all.join(" · ")))
}

/// `Empty ip-10-0-3-7, ip-10-0-3-9 in 20s`.
fn one(frame: &FrameContext<'_>, command: &NextCommand, most: usize) -> String {
    let name = |name| words::node_name(name, frame.app.ui.size.0);
    let named: Vec<String> = command.nodes.iter().take(most).map(|node| name(node).to_string()).collect();
    let more = command.nodes.len().saturating_sub(most);
    let more = if more > 0 { format!(" +{more}") } else { String::new() };
    format!("{} {}{more} {}", command.reason.name(), named.join(", "), when(frame, command))
}

/// A command that is due comes at any moment; of a later one the earliest moment is known.
fn when(frame: &FrameContext<'_>, command: &NextCommand) -> String {
    match command.from.seconds_since(frame.app.now) {
        seconds @ 1.. => format!("in {}", format::age(seconds)),
        _ => "at any moment".to_owned(),
    }
}
