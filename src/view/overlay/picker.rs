//! A list to pick from.

use super::super::context::FrameContext;
use super::super::panel::Sheet;
use super::super::{Line, format, log};
use crate::app::{Picker, PickerKind};
use crate::config::Role;
use crate::input::{Action, Context};

/// What was typed, and the items that match around the selected one.
pub(super) fn sheet(frame: &FrameContext<'_>, picker: &Picker) -> Sheet {
    let title = match picker.kind {
        PickerKind::Namespaces => " namespaces ",
        PickerKind::Contexts => " contexts ",
        PickerKind::LogPods => " log of which pod ",
        PickerKind::LogContainers => " log of which container ",
    };
    let mut sheet = Sheet::new(Line::of(Role::Title, title));
    sheet.indent = 0;
    sheet.hint = super::hint(frame, Context::Dialog, &[(Action::Open, "choose"), (Action::Back, "leave")]);
    let (line, column) = super::field("› ", &picker.input, 40);
    sheet.cursor = Some((0, column));
    sheet.lines.push(line);
    sheet.lines.extend(items(frame, picker));
    sheet
}

/// What is known of an item, behind its name.
fn note(frame: &FrameContext<'_>, kind: PickerKind, name: &str) -> Line {
    match kind {
        PickerKind::Namespaces | PickerKind::Contexts => Line::new(),
        PickerKind::LogPods => log::of_pod(frame, name),
        PickerKind::LogContainers => log::of_container(frame, name),
    }
}

fn items(frame: &FrameContext<'_>, picker: &Picker) -> Vec<Line> {
    let matching = picker.matching();
    if matching.is_empty() {
        return vec![Line::of(Role::TextDim, format!("none of {} matches", format::count(picker.items.len())))];
    }
    let page = usize::from(frame.app.ui.size.1.saturating_sub(6)).clamp(1, 20);
    let selected = picker.selected.min(matching.len() - 1);
    let start = (selected + 1).saturating_sub(page);
    let item = |(at, name): (usize, &&str)| {
        let is_selected = at == selected;
        let line = if is_selected {
            Line::of(Role::Choice, format!("▸ {name} "))
        } else {
            Line::plain(format!("  {name} "))
        };
        line.then(note(frame, picker.kind, name))
    };
    matching.iter().enumerate().skip(start).take(page).map(item).collect()
}
