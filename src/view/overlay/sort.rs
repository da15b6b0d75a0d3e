//! The columns that rows can be sorted by.

use super::super::context::FrameContext;
use super::super::panel::Sheet;
use super::super::{Line, text};
use crate::app::{SortChoice, SortPicker};
use crate::config::Role;
use crate::input::{Action, Context};

/// Lines above the selected column that stay visible.
const LINES_ABOVE: usize = 4;

/// Text of the list.
pub(super) fn sheet(frame: &FrameContext<'_>, picker: &SortPicker) -> Sheet {
    let table = frame.app.ui.level.table();
    let mut sheet = Sheet::new(Line::of(Role::Title, format!(" sort {} by ", table.noun)));
    let hints = [(Action::Open, "sort"), (Action::Down, "next"), (Action::Back, "leave")];
    sheet.hint = super::hint(frame, Context::Dialog, &hints);
    sheet.indent = 4;
    sheet.scroll = picker.selected.saturating_sub(LINES_ABOVE);
    let width = |choice: &SortChoice| text::width(&frame.app.settings.columns.name_of(choice.column));
    let widest = picker.choices.iter().map(width).max().unwrap_or(0);
    let line = |(at, choice): (usize, &SortChoice)| line(frame, choice, at == picker.selected, widest);
    sheet.lines.extend(picker.choices.iter().enumerate().map(line));
    sheet
}

fn line(frame: &FrameContext<'_>, choice: &SortChoice, is_selected: bool, widest: usize) -> Line {
    let sort = frame.app.ui.level.sort;
    let direction = match (sort.column == choice.column, sort.reversed) {
        (false, _) => " ",
        (true, false) => "↓",
        (true, true) => "↑",
    };
    let letter = choice.letter.map_or_else(|| " ".to_owned(), |letter| letter.to_string());
    let (mark, role) = if is_selected { ("▸ ", Role::Choice) } else { ("  ", Role::Text) };
    let name = format!("{:<widest$} {direction} ", frame.app.settings.columns.name_of(choice.column));
    Line::of(role, mark)
        .and(Role::Key, letter)
        .and(Role::Text, "  ")
        .and(role, name)
        .and(Role::TextDim, choice.column.help)
}
