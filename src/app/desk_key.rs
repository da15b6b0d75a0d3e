//! The key of the front desk.

use super::desk::{is_shown, look};
use super::{App, listing, navigate, views};

/// Shows the front desk above the present level, or leaves it.
pub fn toggle(app: &mut App) {
    app.ui.overlay = None;
    let is_open = is_shown(&app.ui.level) && app.ui.level.detail.is_none();
    if is_open && !app.ui.outer.is_empty() {
        return navigate::leave_level(app);
    }
    look(app);
    if is_shown(&app.ui.level) {
        app.ui.level.detail = None;
        return listing::refresh(app);
    }
    match app.ui.outer.iter().position(is_shown) {
        Some(at) => navigate::leave_to(app, at),
        None => navigate::push(app, views::of_desk()),
    }
}
