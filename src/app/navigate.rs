//! Moving: among rows, levels and screens.

use super::effects::Effects;
use super::{
    App, Effect, Level, Place, RowKey, RowRef, Scope, Screen, Ui, cost_groups, listing, notice, selection, views, write,
};
use crate::fleet::{Key, Kind};

/// Moves the selection by rows, at most to either end.
pub fn rows(app: &mut App, by: isize) {
    let index = app.ui.listing.cursor.saturating_add_signed(by);
    selection::select(&mut app.ui, index);
}

/// Moves the selection by pages of the table as it was last drawn.
pub fn pages(app: &mut App, by: isize) {
    let page = isize::try_from(app.ui.page_rows).unwrap_or(isize::MAX);
    rows(app, by.saturating_mul(page));
}

/// To the first row, and stays with the first row whatever comes.
pub fn top(app: &mut App) {
    app.ui.level.selected = None;
    app.ui.listing.cursor = 0;
}

/// To the last row.
pub fn bottom(app: &mut App) {
    selection::select(&mut app.ui, usize::MAX);
}

/// Marks or unmarks the selected row, and goes on to the next.
pub fn mark(app: &mut App) {
    if let Some(key) = selection::current(&app.ui).and_then(|row| selection::marked(&app.ui, row)).cloned() {
        if !app.ui.marks.remove(&key) {
            app.ui.marks.insert(key);
        }
        rows(app, 1);
    }
}

/// Marks every listed row, or unmarks them where all are marked.
pub fn mark_all(app: &mut App) {
    let objects: Vec<Key> =
        app.ui.listing.rows.iter().filter_map(|row| selection::marked(&app.ui, row)).cloned().collect();
    let marks = &mut app.ui.marks;
    if objects.iter().all(|key| marks.contains(key)) {
        objects.iter().for_each(|key| {
            marks.remove(key);
        });
    } else {
        marks.extend(objects);
    }
}

/// Copies the name of the opened or selected object, of a device its identity.
pub fn copy(app: &mut App, effects: &mut Effects) {
    let Some(name) = selection::name(app) else { return };
    notice::info(app, format!("copied {name}"));
    effects.push(Effect::Copy(name));
}

/// The term of the filter by which only held nodes are listed.
const HELD: &str = "held:yes";

/// Shows only the nodes that are held, or all again; the rest of the filter stays.
pub fn held(app: &mut App) {
    if app.ui.level.screen != Screen::Fleet {
        show(app, Screen::Fleet);
    }
    let filter = &app.ui.level.filter;
    let others: Vec<&str> = filter.split_whitespace().filter(|term| *term != HELD).collect();
    let had_it = others.len() < filter.split_whitespace().count();
    let terms: Vec<&str> = if had_it { others } else { others.into_iter().chain([HELD]).collect() };
    let filter = terms.join(" ");
    listing::set_filter(app, filter);
    listing::follow_filter(app);
}

/// Leaves the filter, then the level. The row that was found by filtering stays selected among all others.
pub fn back(app: &mut App) {
    if app.ui.level.filter.is_empty() {
        leave_level(app);
    } else {
        let cursor = app.ui.listing.cursor;
        selection::select(&mut app.ui, cursor);
        listing::set_filter(app, String::new());
        listing::follow_filter(app);
    }
}

/// Shows the level above the present one, if there is one.
pub fn leave_level(app: &mut App) {
    if !app.ui.outer.is_empty() {
        leave(app);
        step_out(app);
    }
}

/// Shows the level of this index among those above the present one.
pub fn leave_to(app: &mut App, at: usize) {
    leave(app);
    app.ui.outer.truncate(at + 1);
    step_out(app);
}

fn step_out(app: &mut App) {
    if let Some(outer) = app.ui.outer.pop() {
        app.ui.level = outer;
        arrive(app);
    }
}

/// Leaves the level; batchtop itself from the outermost one.
pub fn quit(app: &mut App, effects: &mut Effects) {
    if !app.ui.outer.is_empty() {
        leave_level(app);
        return;
    }
    leave_batchtop(app, effects);
}

/// Leaves batchtop from wherever the user is, unless answers to a write are still wanted: whoever left would never learn
/// what became of it.
pub fn leave_batchtop(app: &mut App, effects: &mut Effects) {
    match write::under_way(app) {
        Some(progress) => notice::warning(app, format!("{progress}; wait, or leave with ctrl-c")),
        None => effects.push(Effect::Quit),
    }
}

/// Goes into the selected row.
pub fn into(app: &mut App) {
    let beneath = match selection::current(&app.ui) {
        None => return,
        Some(RowKey::CostKey(payer)) => cost_groups::beneath(app, payer),
        Some(RowKey::Device(device)) => Some(Level::of(Screen::Pods, Some(Scope::Node(device.node.clone())))),
        Some(RowKey::Observed(observed)) => Some(views::of_observed(observed)),
        Some(RowKey::Incident(incident)) => Some(views::of_incident(app, incident)),
        Some(RowKey::DeviceGroup(group)) => Some(views::of_devices(Scope::DeviceGroup((**group).clone()))),
        Some(RowKey::SpotZone(zone)) => zone.0.as_ref().map(views::of_spot_nodes_in),
        Some(RowKey::SpotPool(pool)) => Some(views::of_spot_nodes(Scope::SpotPool((**pool).clone()))),
        Some(RowKey::Object(key)) => match RowRef::find(app, key) {
            None => return,
            Some(row) => of_beneath(app, row),
        },
        Some(RowKey::Matter(_)) => selection::subject(app).and_then(|key| of_beneath(app, RowRef::find(app, &key)?)),
    };
    match beneath {
        Some(level) => push(app, level),
        None => notice::info(app, "there is nothing beneath this row; open it for its details"),
    }
}

fn of_beneath(app: &App, row: RowRef<'_>) -> Option<Level> {
    beneath(app, row).map(|(screen, scope)| Level::of(screen, Some(scope)))
}

/// What lies beneath a row.
fn beneath(app: &App, row: RowRef<'_>) -> Option<(Screen, Scope)> {
    Some(match row {
        RowRef::Pool(pool) => (Screen::Fleet, Scope::NodePool(pool.meta.key.name.clone())),
        RowRef::Node(node) => (Screen::Pods, Scope::Node(node.meta.key.name.clone())),
        // Among gangs it is their starts that are looked at.
        RowRef::Job(job) if app.ui.level.screen == Screen::Starts => (Screen::Starts, Scope::Job(job.meta.key.clone())),
        RowRef::Job(job) => (Screen::Pods, Scope::Job(job.meta.key.clone())),
        RowRef::Claim(claim) => match app.fleet.node_of(claim) {
            Some(node) => (Screen::Pods, Scope::Node(node.meta.key.name.clone())),
            None => (Screen::Events, Scope::about(Kind::NodeClaim, &claim.meta.key)),
        },
        RowRef::Pod(pod) => (Screen::Events, Scope::about(Kind::Pod, &pod.meta.key)),
        RowRef::Event(_) => return None,
    })
}

/// Shows a level below the present one.
pub fn push(app: &mut App, level: Level) {
    leave(app);
    let outer = std::mem::replace(&mut app.ui.level, level);
    app.ui.outer.push(outer);
    arrive(app);
}

/// Shows the outermost level of a screen, as it was left.
pub fn show(app: &mut App, screen: Screen) {
    let ui = &mut app.ui;
    ui.overlay = None;
    ui.log = None;
    ui.level.detail = None;
    if ui.level.screen == screen && ui.outer.is_empty() {
        return;
    }
    leave(app);
    let ui = &mut app.ui;
    let shown = std::mem::take(&mut ui.level);
    let mut outermost = ui.outer.drain(..).next().unwrap_or(shown);
    outermost.detail = None;
    ui.remembered.insert(outermost.screen, outermost);
    ui.level = ui.remembered.remove(&screen).unwrap_or_else(|| Level::of(screen, None));
    arrive(app);
}

/// The present level is about to be left: it can be gone back to, and its marks wait there.
fn leave(app: &mut App) {
    app.ui.level.marks = std::mem::take(&mut app.ui.marks);
    let place = Place { level: app.ui.level.clone(), outer: app.ui.outer.clone() };
    let before = &mut app.ui.places_before;
    before.push(place);
    let surplus = before.len().saturating_sub(Ui::PLACES_KEPT);
    before.drain(..surplus);
    app.ui.places_after.clear();
}

/// Another level is shown, with the marks that were left there.
fn arrive(app: &mut App) {
    app.ui.log = None;
    app.ui.marks = std::mem::take(&mut app.ui.level.marks);
    app.ui.listing.cursor = 0;
    listing::refresh(app);
}

/// In place of the present level another one of its screen.
pub fn replace(app: &mut App, level: Level) {
    app.ui.level = level;
    app.ui.marks.clear();
    app.ui.listing.cursor = 0;
}

/// Shows where the user was before.
pub fn go_back(app: &mut App) {
    match app.ui.places_before.pop() {
        Some(place) => {
            let left = exchange(app, place);
            app.ui.places_after.push(left);
        }
        None => notice::info(app, "there is nothing to go back to"),
    }
}

/// Shows where the user was before going back.
pub fn go_forward(app: &mut App) {
    match app.ui.places_after.pop() {
        Some(place) => {
            let left = exchange(app, place);
            app.ui.places_before.push(left);
        }
        None => notice::info(app, "there is nothing to go forward to"),
    }
}

/// Shows a place, and says which one that was.
fn exchange(app: &mut App, place: Place) -> Place {
    app.ui.level.marks = std::mem::take(&mut app.ui.marks);
    let level = std::mem::replace(&mut app.ui.level, place.level);
    let outer = std::mem::replace(&mut app.ui.outer, place.outer);
    arrive(app);
    Place { level, outer }
}

/// The screen before or after the shown one, around the ends.
pub fn neighbour(app: &App, by: isize) -> Screen {
    let screens: Vec<Screen> = Screen::shown(app).collect();
    selection::neighbour_in(&screens, app.ui.level.screen, by)
}
