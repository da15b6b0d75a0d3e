//! The owners of pods, each with the command that scales it to nothing.

use super::super::context::FrameContext;
use super::super::panel::Sheet;
use super::super::{Line, format};
use crate::app::{Owners, ScaledOwner};
use crate::config::Role;
use crate::input::{Action, Context};
use crate::insight::gpu::Thousandths;

/// Lines above the selected owner that stay visible.
const LINES_ABOVE: usize = 2;

/// Text of the list; batchtop runs none of the commands.
pub(super) fn sheet(frame: &FrameContext<'_>, owners: &Owners) -> Sheet {
    let mut sheet = Sheet::new(Line::of(Role::Title, format!(" owners of the pods of {} ", owners.subject)));
    sheet.indent = 4;
    sheet.hint = super::hint(
        frame,
        Context::Text,
        &[(Action::Copy, "copy the command"), (Action::Down, "next"), (Action::Back, "close")],
    );
    let about = "each command ends the pods of its owner; batchtop runs none of them";
    sheet.lines.push(Line::of(Role::TextDim, about));
    for (at, owner) in owners.items.iter().enumerate() {
        if at == owners.selected {
            sheet.scroll = sheet.lines.len().saturating_sub(LINES_ABOVE);
        }
        sheet.lines.extend(lines(owner, at == owners.selected));
    }
    sheet
}

fn lines(owner: &ScaledOwner, is_selected: bool) -> Vec<Line> {
    let (mark, role) = if is_selected { ("▸", Role::Choice) } else { (" ", Role::TextStrong) };
    let gpus = match owner.gpus {
        Thousandths(0) => String::new(),
        gpus => format!(", {} GPU", format::thousandths(gpus)),
    };
    let name = format!("{mark} {} {} ", owner.kind, owner.object);
    let name = Line::of(role, name).and(Role::TextDim, format!(" {}{gpus}", format::plural(owner.pods, "pod")));
    let command = match &owner.command {
        Some(command) => Line::of(Role::Text, format!("    {command}")),
        None => Line::of(Role::Unknown, format!("    no command is known that scales a {}", owner.kind)),
    };
    let note = owner.note.iter().map(|note| Line::of(Role::TextDim, format!("    · {note}")));
    [name, command].into_iter().chain(note).collect()
}
