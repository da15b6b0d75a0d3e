//! The middle of the screen: a table, or why there is none, or details.

use super::context::FrameContext;
use super::layout::Layout;
use super::panel::Laid;
use super::screen::{Area, Body, Border, Placed};
use super::{detail, health};

/// Lays out the table, or sentences in its place, and the details where they are open.
pub(super) fn derive(frame: &FrameContext<'_>, layout: &Layout) -> (Body, Option<Laid>) {
    let Some(open) = &frame.app.ui.level.detail else { return (rows(frame, layout.body), None) };
    let sheet = detail::sheet(frame, open);
    match layout.split() {
        (Some(left), right) => (rows(frame, left), Some(sheet.fill(right, Border::Left))),
        (None, all) => (Body::Covered, Some(sheet.fill(all, Border::None))),
    }
}

/// Where the table is; `None` where details cover it.
pub(super) fn table_area(frame: &FrameContext<'_>, layout: &Layout) -> Option<Area> {
    if frame.app.ui.level.detail.is_some() { layout.split().0 } else { Some(layout.body) }
}

fn rows(frame: &FrameContext<'_>, area: Area) -> Body {
    if frame.app.ui.listing.rows.is_empty() {
        return Body::Face(face(frame, area));
    }
    Body::Table((frame.table_view().table)(frame, area))
}

/// Sentences in the middle, each broken where it is too long.
fn face(frame: &FrameContext<'_>, area: Area) -> Vec<Placed> {
    let limit = usize::from(area.width.saturating_sub(8)).max(1);
    let lines: Vec<_> = health::empty(frame).into_iter().flat_map(|line| line.wrap(limit, 0)).collect();
    let height = u16::try_from(lines.len()).unwrap_or(area.height).min(area.height);
    let top = area.y + (area.height - height) / 2;
    let place = |(line, y): (super::Line, u16)| {
        let width = u16::try_from(line.width()).unwrap_or(area.width).min(area.width);
        Placed { area: Area::row(area.x + (area.width - width) / 2, y, width), line }
    };
    lines.into_iter().zip(top..top + height).map(place).collect()
}
