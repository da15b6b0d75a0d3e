//! The middle of the screen: a table, or why there is none, or details.

use super::facts::Seen;
use super::layout::Layout;
use super::panel::Laid;
use super::screen::{Area, Body, Border, Placed};
use super::table::table;
use super::{claims, cost, detail, events, fleet, health, jobs, pods};
use crate::app::Screen;

/// Table and details.
pub(super) fn derive(app: &Seen<'_>, layout: &Layout) -> (Body, Option<Laid>) {
    let Some(open) = &app.ui.level.detail else { return (rows(app, layout.body), None) };
    let sheet = detail::sheet(app, open);
    match layout.split() {
        (Some(left), right) => (rows(app, left), Some(sheet.fill(right, Border::Left))),
        (None, all) => (Body::Covered, Some(sheet.fill(all, Border::None))),
    }
}

fn rows(app: &Seen<'_>, area: Area) -> Body {
    if app.ui.listing.rows.is_empty() {
        return Body::Face(face(app, area));
    }
    Body::Table(match app.ui.level.screen {
        Screen::Fleet => table(app, area, &fleet::columns(app), |key| fleet::row(app, key.object()?)),
        Screen::Jobs => table(app, area, &jobs::columns(), |key| jobs::row(app, key.object()?)),
        Screen::Pods => table(app, area, &pods::columns(app), |key| pods::row(app, key.object()?)),
        Screen::Claims => table(app, area, &claims::columns(app), |key| claims::row(app, key.object()?)),
        Screen::Cost => table(app, area, &cost::columns(app), |key| cost::row(app, key)),
        Screen::Events => table(app, area, &events::columns(), |key| events::row(app, key.object()?)),
    })
}

/// Sentences in the middle, each broken where it is too long.
fn face(app: &Seen<'_>, area: Area) -> Vec<Placed> {
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
