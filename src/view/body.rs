//! The middle of the screen: a table, or why there is none, or details.

use super::context::FrameContext;
use super::layout::Layout;
use super::panel::Laid;
use super::screen::{Area, Body, Border, Placed};
use super::{detail, health, screen_view};

/// Table and details.
pub(super) fn derive(app: &FrameContext<'_>, layout: &Layout) -> (Body, Option<Laid>) {
    let Some(open) = &app.ui.level.detail else { return (rows(app, layout.body), None) };
    let sheet = detail::sheet(app, open);
    match layout.split() {
        (Some(left), right) => (rows(app, left), Some(sheet.fill(right, Border::Left))),
        (None, all) => (Body::Covered, Some(sheet.fill(all, Border::None))),
    }
}

fn rows(app: &FrameContext<'_>, area: Area) -> Body {
    if app.ui.listing.rows.is_empty() {
        return Body::Face(face(app, area));
    }
    Body::Table((screen_view(app.ui.level.screen).table)(app, area))
}

/// Sentences in the middle, each broken where it is too long.
fn face(app: &FrameContext<'_>, area: Area) -> Vec<Placed> {
    let limit = usize::from(area.width.saturating_sub(8)).max(1);
    let lines: Vec<_> = health::empty(app).into_iter().flat_map(|line| line.wrap(limit, 0)).collect();
    let height = u16::try_from(lines.len()).unwrap_or(area.height).min(area.height);
    let top = area.y + (area.height - height) / 2;
    let place = |(line, y): (super::Line, u16)| {
        let width = u16::try_from(line.width()).unwrap_or(area.width).min(area.width);
        Placed { area: Area::row(area.x + (area.width - width) / 2, y, width), line }
    };
    lines.into_iter().zip(top..top + height).map(place).collect()
}
