//! The tick of the clock.

use std::collections::BTreeSet;

use super::{App, RowKey, RowRef, desk, listing, notice, write};
use crate::fleet::{Key, Sym};
use crate::units::Time;

/// The Nodes of the visible rows, and of the details that are open.
fn nodes_on_screen(app: &App) -> BTreeSet<Sym> {
    let level = &app.ui.level;
    let of_object = |key: &Key| RowRef::find(app, key)?.node().cloned();
    let of_row = |row: &RowKey| match row {
        RowKey::Object(key) => of_object(key),
        RowKey::Device(device) => Some(device.node.clone()),
        RowKey::Matter(matter) => of_object(app.ui.desk.find(matter)?.about.as_ref()?),
        _ => None,
    };
    let rows = app.ui.listing.rows.iter().skip(level.offset).take(app.ui.page_rows).filter_map(of_row);
    rows.chain(level.detail.as_ref().and_then(|detail| of_object(detail.object()?))).collect()
}

/// Takes over the time, and with it everything that depends on the time.
pub fn tick(app: &mut App, now: Time) {
    let before = std::mem::replace(&mut app.now, now);
    let visible = nodes_on_screen(app);
    let (insights, inputs) = app.insights_mut();
    insights.gpus.look_at(visible);
    insights.tick(&inputs, before);
    listing::note_time(app, before);
    desk::tick(app);
    notice::expire(app);
    // Whoever knows what follows has pressed it by now.
    app.ui.is_prefix_explained = !app.ui.pressed.is_empty();
    write::clock(app);
}
