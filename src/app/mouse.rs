//! The mouse.

use super::{App, Mouse, Overlay, RowKey, detail, logs, navigate, selection, views};
use crate::input::Action;

/// Rows per notch of the wheel.
const WHEEL_ROWS: isize = 3;

/// The mouse did something.
pub fn handle(app: &mut App, mouse: Mouse) {
    match mouse {
        Mouse::Row(key) => click(app, &key),
        Mouse::Title(screen) if app.ui.overlay.is_none() => navigate::show(app, screen),
        Mouse::Column(column) if app.ui.overlay.is_none() => views::sort_by_or_reverse(app, column),
        Mouse::Title(_) | Mouse::Column(_) => {}
        Mouse::WheelUp => wheel(app, -WHEEL_ROWS),
        Mouse::WheelDown => wheel(app, WHEEL_ROWS),
    }
}

/// A click while something lies over the table is not for the table.
fn click(app: &mut App, key: &RowKey) {
    if app.ui.overlay.is_none()
        && let Some(index) = app.ui.listing.rows.iter().position(|row| row == key)
    {
        selection::select(&mut app.ui, index);
    }
}

fn wheel(app: &mut App, rows: isize) {
    let step = if rows < 0 { Action::Up } else { Action::Down };
    match app.ui.overlay {
        None if app.ui.log.is_some() => logs::wheel(app, step, rows.unsigned_abs()),
        None if app.ui.level.detail.is_none() => navigate::rows(app, rows),
        None | Some(Overlay::Help { .. } | Overlay::Sources { .. } | Overlay::Results { .. } | Overlay::Write(_)) => {
            (0..rows.unsigned_abs()).for_each(|_| {
                detail::scroll(app, step);
            });
        }
        Some(_) => {}
    }
}
