//! From one way of looking at the rows of a screen to another: views, groupings and orders.

use super::screens::View;
use super::{App, Column, Screen, Sort, listing, notice, selection};
use crate::insight::cost::GroupBy;

/// The view after or before the present one, around the ends.
pub fn by_neighbour(app: &mut App, by: isize) {
    let level = &app.ui.level;
    let spec = level.screen.spec();
    if spec.views.len() < 2 {
        return notice::info(app, format!("there is one view of {}", spec.title));
    }
    let views: Vec<&'static View> = spec.views.iter().collect();
    let view = selection::neighbour_in(&views, level.view, by);
    show(app, view);
}

/// Shows the rows of the level in another view. An order that the user has chosen stays.
pub fn show(app: &mut App, view: &'static View) {
    let level = &mut app.ui.level;
    let spec = level.screen.spec();
    if level.sort == spec.first_sort(level.view) {
        level.sort = spec.first_sort(view);
    }
    if level.view.grouping != view.grouping {
        (level.selected, level.offset) = (None, 0);
        app.ui.listing.cursor = 0;
    }
    app.ui.level.view = view;
    listing::refresh(app);
    notice::info(app, words(view));
}

fn words(view: &View) -> String {
    match view.grouping {
        Some(dimension) => format!("dollars by {}", dimension.name()),
        None => format!("{}: {}", view.name, view.help),
    }
}

/// Groups dollars by the dimension after or before the present one.
pub fn group_by_neighbour(app: &mut App, by: isize) {
    if app.ui.level.screen != Screen::Cost {
        return notice::info(app, "only Cost groups dollars; 6 shows it");
    }
    by_neighbour(app, by);
}

/// Groups dollars by the dimension of a name.
pub fn group_by(app: &mut App, name: &str) {
    let view_of = |dimension| Screen::Cost.spec().views.iter().find(|view| view.grouping == Some(dimension));
    if let Some(view) = GroupBy::from_name(name).and_then(view_of) {
        return show(app, view);
    }
    let names = GroupBy::ALL.map(|dimension| dimension.name().replace(' ', "-")).join(", ");
    notice::error(app, format!("dollars cannot be grouped by \"{name}\"; there are {names}"));
}

/// Sorts by the column after or before the present one.
pub fn sort_by_neighbour(app: &mut App, by: isize) {
    let level = &app.ui.level;
    let columns: Vec<&'static Column> = level.table().sortable().collect();
    let column = selection::neighbour_in(&columns, level.sort.column, by);
    sort_by(app, column);
}

/// Sorts by a column in its natural order.
pub fn sort_by(app: &mut App, column: &'static Column) {
    app.ui.level.sort = Sort { column, reversed: false };
    listing::refresh(app);
    notice::info(app, format!("sorted by {}", column.name));
}

/// Reverses the order of the rows.
pub fn reverse(app: &mut App) {
    let sort = &mut app.ui.level.sort;
    sort.reversed = !sort.reversed;
    listing::refresh(app);
}
