//! From one way of looking at the rows of a screen to another: views, groupings and orders.

use super::field::Field;
use super::screens::{Grouping, Rows, View, desk, devices, fleet};
use super::{
    App, Column, DeviceGroupBy, Level, ObservedKey, Scope, Screen, Sort, filter, incidents, listing, notice, selection,
};
use crate::fleet::{Kind, ObjectKey, Sym};
use crate::insight::cost::GroupBy;
use crate::insight::incidents::{IncidentKey, IncidentKind};

/// The view after or before the present one, around the ends.
pub fn by_neighbour(app: &mut App, by: isize) {
    let level = &app.ui.level;
    let spec = level.screen.spec();
    let views = spec.views_offered(app);
    if views.len() < 2 {
        return notice::info(app, format!("there is one view of {}", spec.title));
    }
    let view = selection::neighbour_in(&views, level.view, by);
    show(app, view);
}

/// Shows the rows of the level in another view. An order that the user has chosen stays.
pub fn show(app: &mut App, view: &'static View) {
    let level = &mut app.ui.level;
    let spec = level.screen.spec();
    let is_other_table = level.table() != spec.table_of(view);
    if is_other_table || level.sort == spec.first_sort(level.view) {
        level.sort = spec.first_sort(view);
    }
    if is_other_table || level.view.grouping != view.grouping {
        (level.selected, level.offset) = (None, 0);
        app.ui.listing.cursor = 0;
    }
    if is_other_table {
        app.ui.marks.clear();
    }
    app.ui.level.view = view;
    if matches!(app.ui.level.table().rows, Rows::Matters(_)) {
        super::desk::look(app);
    }
    listing::refresh(app);
    notice::info(app, words(view));
    // Rows of another kind may know other words.
    filter::report(app);
}

fn words(view: &View) -> String {
    match view.grouping {
        Some(Grouping::Dollars(dimension)) => format!("dollars by {}", dimension.name()),
        Some(Grouping::Devices(_)) | None => format!("{}: {}", view.name, view.help),
    }
}

/// Groups dollars or devices by the dimension after or before the present one.
pub fn group_by_neighbour(app: &mut App, by: isize) {
    match app.ui.level.screen {
        Screen::Cost => by_neighbour(app, by),
        Screen::Fleet => {
            let views: Vec<&'static View> = of_device_tables().collect();
            let view = selection::neighbour_in(&views, app.ui.level.view, by);
            show(app, view);
        }
        _ => notice::info(app, "only Cost groups dollars, and Fleet devices; 6 and 1 show them"),
    }
}

/// The views of Fleet that list devices, one by one and in groups.
fn of_device_tables() -> impl Iterator<Item = &'static View> {
    let is_of_devices =
        |view: &&View| view.table.is_some_and(|table| matches!(table.rows, Rows::Devices | Rows::DeviceGroups));
    Screen::Fleet.spec().views.iter().filter(is_of_devices)
}

/// A level of what needs somebody now.
pub fn of_desk() -> Level {
    let view = Screen::Fleet.spec().views.iter().find(|view| view.table == Some(&desk::DESK));
    let view = view.unwrap_or_else(|| Screen::Fleet.spec().first_view());
    Level::of_view(Screen::Fleet, view, None)
}

/// A level of devices one by one.
pub fn of_devices(scope: Scope) -> Level {
    let view = of_device_tables().find(|view| view.table == Some(&devices::DEVICES));
    let view = view.unwrap_or_else(|| Screen::Fleet.spec().first_view());
    Level::of_view(Screen::Fleet, view, Some(scope))
}

/// A level of spot nodes.
pub fn of_spot_nodes(scope: Scope) -> Level {
    Level::of_view(Screen::Fleet, spot_nodes(), Some(scope))
}

/// The spot nodes of a zone.
pub fn of_spot_nodes_in(zone: &Sym) -> Level {
    let filter = format!("{}:{zone}", Field::Zone.name());
    Level { filter, ..Level::of_view(Screen::Fleet, spot_nodes(), None) }
}

fn spot_nodes() -> &'static View {
    let view = Screen::Fleet.spec().views.iter().find(|view| view.order == Some(&fleet::RISK));
    view.unwrap_or_else(|| Screen::Fleet.spec().first_view())
}

/// The starts that pulled an image, or the machines of a NodePool.
pub fn of_observed(observed: &ObservedKey) -> Level {
    match observed {
        ObservedKey::NodePool(name) => Level::of(Screen::Fleet, Some(Scope::NodePool(name.clone()))),
        ObservedKey::Image { image, .. } => {
            let filter = format!("{}:{image}", Field::Image.name());
            Level { filter, ..Level::of(Screen::Starts, None) }
        }
    }
}

/// The Events about what an incident concerns.
pub fn of_incident(app: &App, key: &IncidentKey) -> Level {
    let claim = incidents::find(app, key).and_then(|incident| incident.claim.as_ref());
    let (kind, name) = match (key.kind, claim) {
        (IncidentKind::NoCapacity, _) => (Kind::NodePool, &key.name),
        (_, Some(claim)) if *claim == key.name => (Kind::NodeClaim, claim),
        _ => (Kind::Node, &key.name),
    };
    Level::of(Screen::Events, Some(Scope::about(kind, &ObjectKey::cluster(name))))
}

/// Groups the rows of the shown screen by the dimension of a name: dollars on Cost, devices on Fleet.
pub fn group_by(app: &mut App, name: &str) {
    let screen = app.ui.level.screen;
    let grouping = match screen {
        Screen::Cost => GroupBy::from_name(name).map(Grouping::Dollars),
        Screen::Fleet => DeviceGroupBy::from_name(name).map(Grouping::Devices),
        _ => return notice::info(app, "only Cost groups dollars, and Fleet devices; 6 and 1 show them"),
    };
    let view_of = |grouping| screen.spec().views.iter().find(|view| view.grouping == Some(grouping));
    if let Some(view) = grouping.and_then(view_of) {
        return show(app, view);
    }
    let what = if screen == Screen::Cost { "dollars" } else { "devices" };
    let names = dimensions(screen).join(", ");
    notice::error(app, format!("{what} cannot be grouped by \"{name}\"; there are {names}"));
}

/// The names by which the rows of a screen can be grouped.
pub fn dimensions(screen: Screen) -> Vec<String> {
    let names = screen.spec().views.iter().filter_map(|view| view.grouping.map(Grouping::name));
    names.map(|name| name.replace(' ', "-")).collect()
}

/// The columns that rows can be sorted by: those of the table, and those of labels that it shows.
pub fn sortable(app: &App) -> Vec<&'static Column> {
    let table = app.ui.level.table();
    table.sortable().chain(app.settings.columns.labels_of(app.ui.level.screen, table)).collect()
}

/// Sorts by the column after or before the present one.
pub fn sort_by_neighbour(app: &mut App, by: isize) {
    let column = selection::neighbour_in(&sortable(app), app.ui.level.sort.column, by);
    sort_by(app, column);
}

/// Sorts by the column of this name, and from the other end where rows are sorted by it already.
pub fn sort_by_name(app: &mut App, name: &str) {
    let level = &app.ui.level;
    match level.table().sortable().find(|column| column.name == name) {
        Some(column) => sort_by_or_reverse(app, column),
        None => notice::info(app, format!("{} cannot be sorted by {name}", level.table().noun)),
    }
}

/// Sorts by a column, and from the other end where rows are sorted by it already.
pub fn sort_by_or_reverse(app: &mut App, column: &'static Column) {
    if *column == *app.ui.level.sort.column { reverse(app) } else { sort_by(app, column) }
}

/// Sorts by a column in its natural order.
pub fn sort_by(app: &mut App, column: &'static Column) {
    app.ui.level.sort = Sort { column, reversed: false };
    listing::refresh(app);
    let name = app.settings.columns.name_of(column);
    notice::info(app, format!("sorted by {name}"));
}

/// Reverses the order of the rows.
pub fn reverse(app: &mut App) {
    let sort = &mut app.ui.level.sort;
    sort.reversed = !sort.reversed;
    listing::refresh(app);
}
