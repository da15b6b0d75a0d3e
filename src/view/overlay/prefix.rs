//! What may follow the keys that were pressed, where they wait for others.

use super::super::context::FrameContext;
use super::super::panel::{Laid, Sheet};
use super::super::screen::Area;
use super::super::{Line, text};
use crate::app;
use crate::config::Role;
use crate::input::{Action, Chord, spell};

/// Columns of the widest of these lists.
const WIDEST: u16 = 70;

/// The list in the corner above the footer, beside what is read; `None` while nothing waits, or not yet for long.
pub(super) fn derive(frame: &FrameContext<'_>) -> Option<Laid> {
    let ui = &frame.app.ui;
    if !ui.is_prefix_explained {
        return None;
    }
    let rest = app::continuations(frame.app);
    let keys: Vec<String> = rest.iter().map(|(chords, _)| spell(chords)).collect();
    let widest = keys.iter().map(|keys| text::width(keys)).max()?;
    let entry = |(keys, (_, action)): (&String, &(&[Chord], Action))| {
        let gap = " ".repeat(widest.saturating_sub(text::width(keys)) + 2);
        Line::of(Role::Key, keys).and(Role::Text, gap).and(Role::Text, action.description())
    };
    let mut sheet = Sheet::new(Line::of(Role::Title, format!(" {} … ", spell(&ui.pressed))));
    sheet.indent = widest + 2;
    sheet.lines = keys.iter().zip(&rest).map(entry).collect();
    let mut laid = sheet.float(ui.size, WIDEST);
    laid.panel.area = corner(laid.panel.area, ui.size);
    Some(laid)
}

/// At the right, above the line below the table, the sentence and the footer.
fn corner(area: Area, (width, height): (u16, u16)) -> Area {
    const BELOW: u16 = 3;
    let x = width.saturating_sub(area.width.saturating_add(1));
    let y = height.saturating_sub(area.height.saturating_add(BELOW));
    Area { x, y, ..area }
}
