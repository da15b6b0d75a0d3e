//! Overlays of the table: help, sources, pickers, dialogs, results.

mod help;
mod owners;
mod picker;
mod prefix;
mod results;
mod save;
mod sort;
mod sources;
mod write;

use super::context::FrameContext;
use super::panel::{Laid, Sheet};
use super::{Line, footer};
use crate::app::{Overlay, Scroll};
use crate::config::Role;
use crate::input::{Action, Context};

/// Columns of the widest dialog.
const WIDEST: u16 = 100;

/// The overlay in its place; a line that is being typed is no overlay, it stands in the footer.
pub(super) fn derive(frame: &FrameContext<'_>) -> Option<Laid> {
    let size = frame.app.ui.size;
    let Some(overlay) = frame.app.ui.overlay.as_ref() else { return prefix::derive(frame) };
    Some(match overlay {
        Overlay::Prompt(_) => return None,
        Overlay::Help { scroll } => scrolled(help::sheet(frame), *scroll).float(size, WIDEST),
        Overlay::Sources { scroll } => scrolled(sources::sheet(frame), *scroll).float(size, WIDEST),
        Overlay::Results { write, scroll } => scrolled(results::sheet(frame, *write), *scroll).float(size, WIDEST),
        Overlay::Picker(picker) => picker::sheet(frame, picker).float(size, 60),
        Overlay::Save(dialog) => save::sheet(frame, dialog).float(size, WIDEST),
        Overlay::Sort(picker) => sort::sheet(frame, picker).float(size, WIDEST),
        Overlay::Owners(owners) => owners::sheet(frame, owners).float(size, WIDEST),
        Overlay::Write(dialog) => write::sheet(frame, dialog).float(size, WIDEST),
    })
}

fn scrolled(sheet: Sheet, scroll: Scroll) -> Sheet {
    Sheet { scroll: scroll.line, ..sheet }
}

/// ` enter do it   esc leave `, as the keymap has them.
fn hint(frame: &FrameContext<'_>, context: Context, actions: &[(Action, &str)]) -> Line {
    let mut line = Line::new();
    for (action, word) in actions {
        if let Some(keys) = frame.app.settings.keymap.keys_of(context, *action) {
            line = line.spaced(" ").and(Role::Key, format!(" {keys}")).and(Role::TextDim, format!(" {word}"));
        }
    }
    line.spaced(" ")
}

/// A typed text behind a label: the line, and the column of its cursor.
fn field(label: &str, input: &tui_input::Input, limit: usize) -> (Line, usize) {
    let line = Line::of(Role::TextDim, label);
    let start = line.width();
    let (value, at) = footer::visible(input.value(), input.cursor(), limit);
    (line.and(Role::Input, value), start + at)
}
