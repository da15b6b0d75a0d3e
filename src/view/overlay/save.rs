//! The dialog before something is saved.

use super::super::Line;
use super::super::context::FrameContext;
use super::super::panel::Sheet;
use crate::app::SaveDialog;
use crate::config::Role;
use crate::input::{Action, Context};

/// Columns of the name that are seen at once.
const NAME_COLUMNS: usize = 68;

/// Text of the dialog.
pub(super) fn sheet(frame: &FrameContext<'_>, dialog: &SaveDialog) -> Sheet {
    let what = if frame.app.ui.log.is_some() { " save the log " } else { " save the table or the picture " };
    let mut sheet = Sheet::new(Line::of(Role::Title, what));
    let hints = [(Action::Open, "save"), (Action::Right, "another form"), (Action::Back, "leave")];
    sheet.hint = super::hint(frame, Context::Dialog, &hints);
    let mut forms = Line::new();
    for (at, format) in dialog.formats.iter().enumerate() {
        let (mark, role) = if at == dialog.chosen { ("(•)", Role::Choice) } else { ("( )", Role::Text) };
        forms = forms.spaced("  ").and(role, format!("{mark} {}", format.words()));
    }
    sheet.lines.push(forms);
    let (line, column) = super::field("file ", &dialog.name, NAME_COLUMNS);
    sheet.cursor = Some((sheet.lines.len(), column));
    sheet.lines.push(line);
    sheet.lines.extend(dialog.error.iter().map(|error| Line::of(Role::NoticeError, format!("△ {error}"))));
    sheet
}
