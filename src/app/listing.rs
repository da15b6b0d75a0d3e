//! The rows of the shown level.

use super::device_rows::ListedDevices;
use super::filter::{Asked, Filter};
use super::patch::{self, Patched};
use super::rows::{RowKey, RowRef};
use super::screens::{Narrowing, Rows};
use super::{
    App, Costs, DeviceGroupBy, DeviceGroups, DeviceMap, EventDensity, Geometry, Listed, RateOfRows, Scope, Screen,
    cost_groups, depends, desk_rows, device_rows, first_visible_row, incident_rows, incidents, logs, observed_rows,
    sorting, spot_pools, spot_zones,
};
use crate::fleet::{Changed, Fleet, Key, Kind};
use crate::insight::insights::{Dependency, Part};
use crate::units::Time;

/// Puts the rows in order where something changed.
pub fn refresh_if_dirty(app: &mut App) {
    follow_filter(app);
    if app.ui.listing.dirty {
        refresh(app);
    } else if !app.ui.listing.touched.is_empty() {
        patch(app);
    }
}

/// The terminal has another size; the next frame keeps the selected row in sight.
pub fn resize(app: &mut App, width: u16, height: u16) {
    app.ui.size = (width, height);
}

/// A frame was laid out: its first row is where the next one scrolls from, and keys go by its sizes.
pub fn laid_out(app: &mut App, geometry: Geometry) {
    let Geometry { page_rows, scroll_end, log } = geometry;
    let ui = &mut app.ui;
    ui.page_rows = page_rows;
    ui.level.offset = first_visible_row(ui.level.offset, ui.listing.cursor, page_rows, ui.listing.rows.len());
    logs::text_laid_out(app, scroll_end, log);
}

/// Notes what a Delta changed; the rows are put in order before the next frame.
pub fn note(app: &mut App, changed: &Changed) {
    note_parts(app);
    let mut causes = Dependency::of_delta(changed);
    if patch::applies(&app.ui) {
        app.ui.listing.touched.extend(changed.pods.iter().cloned());
        causes.retain(|cause| *cause != Dependency::Kind(Kind::Pod));
    }
    note_causes(app, &causes);
}

const SECONDS_PER_MINUTE: i64 = 60;

/// The time was `before` a moment ago: orders and filters that depend on the minute are put right before the next frame.
pub fn note_time(app: &mut App, before: Time) {
    let minute = |time: Time| time.seconds().div_euclid(SECONDS_PER_MINUTE);
    if minute(before) != minute(app.now) {
        note_causes(app, &[Dependency::Minute]);
    }
}

/// Parts of the insights may have changed: orders and filters by them follow before the next frame.
pub fn note_parts(app: &mut App) {
    let changed: Vec<Dependency> = app.insights.take_changed().into_iter().map(Dependency::Part).collect();
    note_causes(app, &changed);
}

/// All rows are listed anew before the next frame where they depend on one of these.
fn note_causes(app: &mut App, causes: &[Dependency]) {
    if !causes.is_empty() && !app.ui.listing.dirty {
        app.ui.listing.dirty = dependencies(app).iter().any(|dependency| causes.contains(dependency));
    }
}

/// Everything on which the rows of the shown level and their order depend.
fn dependencies(app: &App) -> Vec<Dependency> {
    let level = &app.ui.level;
    let spec = level.screen.spec();
    let mut all = spec.own_dependencies(level.view);
    // Which annotations protect differs from version to version.
    all.push(Dependency::Part(Part::Karpenter));
    all.extend(level.sort.column.dependencies);
    all.extend(level.view.dependencies);
    all.extend(Filter::parse(&level.filter, level.table()).dependencies(level.table()));
    if matches!(level.scope, Some(Scope::SpotPool(_))) {
        all.push(depends::SPOT);
    }
    if level.scope.is_some() || is_narrowed(app, spec.narrowed_by) {
        all.extend(level.table().joined_dependencies());
    }
    all
}

/// Whether labels given on the command line narrow the rows.
fn is_narrowed(app: &App, by: Narrowing) -> bool {
    match by {
        Narrowing::NodeLabels => app.scope.node_selector.is_some(),
        Narrowing::NamespacesAndLabels => app.scope.selector.is_some(),
        Narrowing::Nothing => false,
    }
}

/// Builds the rows anew and finds the selection among them.
pub fn refresh(app: &mut App) {
    if app.ui.level.screen == Screen::Cost {
        app.ui.listing.costs = Costs::of(app);
    }
    if matches!(app.ui.level.table().rows, Rows::Devices) {
        app.ui.listing.device_map = DeviceMap::of(app);
    }
    if app.ui.level.screen == Screen::Events {
        app.ui.listing.density = EventDensity::of(app);
    }
    if matches!(app.ui.level.table().rows, Rows::Incidents) {
        app.ui.listing.incidents = incidents::all(app);
    }
    let built = build(app);
    let listing = &mut app.ui.listing;
    (listing.rows, listing.unfiltered, listing.rate) = (built.rows, built.unfiltered, built.rate);
    listing.device_groups = built.groups;
    listing.dirty = false;
    listing.touched.clear();
    listing.filter_before = None;
    listing.all = None;
    follow_marks(app);
    reselect(app);
}

/// The shown level has another filter. Rows follow it before anything looks at them: of letters that come at once, the last
/// one counts.
pub fn set_filter(app: &mut App, filter: String) {
    let before = std::mem::replace(&mut app.ui.level.filter, filter);
    app.ui.listing.filter_before.get_or_insert(before);
}

/// Lists the rows that meet the filter that was typed, in the order in which they were.
pub fn follow_filter(app: &mut App) {
    if app.ui.listing.filter_before.is_none() {
        return;
    }
    if !app.ui.listing.dirty && !app.ui.listing.touched.is_empty() {
        patch(app);
    }
    let Some(before) = app.ui.listing.filter_before.take() else { return };
    let level = &app.ui.level;
    let (before, filter) = (Filter::parse(&before, level.table()), Filter::parse(&level.filter, level.table()));
    if is_in_order(app) && list_meeting(app, &before, &filter) {
        app.ui.listing.rate = app.ui.level.table().rate.map(|rate| sum(rates(app, rate)));
        reselect(app);
    } else {
        refresh(app);
    }
}

/// Lists the rows that meet `filter`: out of those that are listed where it only leaves out more than the one before, as with
/// each letter that is typed, else out of all. `false` where all are not known.
fn list_meeting(app: &mut App, before: &Filter, filter: &Filter) -> bool {
    let (mut rows, all) = (std::mem::take(&mut app.ui.listing.rows), app.ui.listing.all.take());
    let asked = Asked::new(app);
    let meets = |key: &RowKey| find(app, key).is_some_and(|row| filter.matches(row, &asked));
    let (rows, all) = if !before.is_empty() && filter.narrows(before) {
        rows.retain(meets);
        (rows, all)
    } else {
        let Some(all) = (if before.is_empty() { Some(rows) } else { all }) else { return false };
        if filter.is_empty() {
            (all, None)
        } else {
            (all.iter().filter(|key| meets(key)).cloned().collect(), Some(all))
        }
    };
    (app.ui.listing.rows, app.ui.listing.all) = (rows, all);
    true
}

fn find<'a>(app: &'a App, key: &RowKey) -> Option<RowRef<'a>> {
    RowRef::find(app, key.object()?)
}

/// What each listed row costs.
fn rates(app: &App, rate: fn(RowRef<'_>, &App) -> Option<i64>) -> impl Iterator<Item = Option<i64>> {
    app.ui.listing.rows.iter().map(move |key| rate(find(app, key)?, app))
}

/// Whether rows are objects in their order, with no change that is still to be followed.
fn is_in_order(app: &App) -> bool {
    let listing = &app.ui.listing;
    let are_plain = matches!(app.ui.level.table().rows, Rows::Objects { arrange: None, .. });
    are_plain && !listing.dirty && listing.touched.is_empty()
}

/// Mends the places of the pods that changed, where that is less work than listing all.
fn patch(app: &mut App) {
    let listing = &mut app.ui.listing;
    let touched = std::mem::take(&mut listing.touched);
    let (mut rows, mut all) = (std::mem::take(&mut listing.rows), listing.all.take());
    let filter = Filter::parse(app.ui.listed_filter(), app.ui.level.table());
    let mend = |rows: &mut Vec<RowKey>, filter: &Filter| patch::pods(app, rows, &touched, filter) == Patched::Done;
    if all.as_mut().is_none_or(|all| mend(all, &Filter::default())) && mend(&mut rows, &filter) {
        app.ui.listing.unfiltered = all.as_ref().unwrap_or(&rows).len();
        (app.ui.listing.rows, app.ui.listing.all) = (rows, all);
        follow_marks(app);
        reselect(app);
    } else {
        refresh(app);
    }
}

/// The rows of a level, filtered and in order.
struct Built {
    rows: Vec<RowKey>,
    unfiltered: usize,
    rate: Option<RateOfRows>,
    groups: DeviceGroups,
}

impl From<ListedDevices> for Built {
    fn from(listed: ListedDevices) -> Self {
        let ListedDevices { rows, unfiltered, rate, groups } = listed;
        Self { rows, unfiltered, rate: Some(rate), groups }
    }
}

impl From<Listed> for Built {
    fn from(listed: Listed) -> Self {
        let Listed { rows, unfiltered, rate } = listed;
        Self { rows, unfiltered, rate: Some(rate), groups: DeviceGroups::default() }
    }
}

fn build(app: &App) -> Built {
    let level = &app.ui.level;
    let table = level.table();
    let (list, arrange) = match table.rows {
        Rows::Objects { list, arrange } => (list, arrange),
        Rows::CostGroups => {
            let (rows, unfiltered) = cost_groups::build(app);
            return Built { rows, unfiltered, rate: None, groups: DeviceGroups::default() };
        }
        Rows::Observed(of) => {
            let (rows, unfiltered) = observed_rows::build(app, of);
            return Built { rows, unfiltered, rate: None, groups: DeviceGroups::default() };
        }
        Rows::Incidents => {
            let (rows, unfiltered) = incident_rows::build(app);
            return Built { rows, unfiltered, rate: None, groups: DeviceGroups::default() };
        }
        Rows::Devices => return device_rows::one_by_one(app).into(),
        Rows::SpotPools => return spot_pools::build(app).into(),
        Rows::SpotZones => return spot_zones::build(app).into(),
        Rows::Matters(urgency) => return desk_rows::build(app, urgency).into(),
        Rows::DeviceGroups => {
            let by = level.device_grouping().unwrap_or(DeviceGroupBy::Node);
            return device_rows::in_groups(app, by).into();
        }
    };
    let mut rows = list(app);
    if let Some(keeps) = level.view.keeps {
        rows.retain(|row| keeps(*row, app));
    }
    let unfiltered = rows.len();
    let filter = Filter::parse(&level.filter, level.table());
    if !filter.is_empty() {
        let asked = Asked::new(app);
        rows.retain(|row| filter.matches(*row, &asked));
    }
    sorting::sort(&mut rows, level.sort, app);
    let rate = table.rate.map(|rate| sum(rows.iter().map(|row| rate(*row, app))));
    if let Some(arrange) = arrange {
        rows = arrange(rows);
    }
    let rows = rows.into_iter().map(|row| row.key().into()).collect();
    Built { rows, unfiltered, rate, groups: DeviceGroups::default() }
}

fn sum(rates: impl Iterator<Item = Option<i64>>) -> RateOfRows {
    rates.fold(RateOfRows::default(), |sum, rate| match rate {
        Some(rate) => RateOfRows { micro_usd_per_hour: sum.micro_usd_per_hour.saturating_add(rate), ..sum },
        None => RateOfRows { unpriced: sum.unpriced + 1, ..sum },
    })
}

/// Where a row went: on Fleet a NodeClaim becomes its Node's row.
fn heir(fleet: &Fleet, screen: Screen, key: &Key) -> Option<Key> {
    if screen != Screen::Fleet || key.kind != Kind::NodeClaim {
        return None;
    }
    let node = fleet.node_of(fleet.node_claims.get(&key.object)?)?;
    Some(Key::new(Kind::Node, node.meta.key.clone()))
}

/// Marks follow their rows and go with them; a mark that only the filter hides stays.
fn follow_marks(app: &mut App) {
    if app.ui.marks.is_empty() {
        return;
    }
    let (fleet, screen) = (&app.fleet, app.ui.level.screen);
    let marks = std::mem::take(&mut app.ui.marks);
    app.ui.marks = marks
        .into_iter()
        .map(|key| heir(fleet, screen, &key).unwrap_or(key))
        .filter(|key| RowRef::find_in(fleet, key).is_some())
        .collect();
}

/// Finds the selected row; where it vanished, the row that took its place is selected.
fn reselect(app: &mut App) {
    let heir = app.ui.level.selected.as_ref().and_then(|key| heir(&app.fleet, app.ui.level.screen, key.object()?));
    let ui = &mut app.ui;
    if let Some(heir) = heir {
        ui.level.selected = Some(heir.into());
    }
    let rows = &ui.listing.rows;
    let last = rows.len().saturating_sub(1);
    ui.listing.cursor = match &ui.level.selected {
        None => 0,
        Some(key) => position(rows, key, ui.listing.cursor).unwrap_or(ui.listing.cursor.min(last)),
    };
    if ui.level.selected.is_some() && !rows.is_empty() {
        ui.level.selected = rows.get(ui.listing.cursor).cloned();
    }
}

/// Most often a row is where it was.
fn position(rows: &[RowKey], key: &RowKey, guess: usize) -> Option<usize> {
    match rows.get(guess) {
        Some(row) if row == key => Some(guess),
        _ => rows.iter().position(|row| row == key),
    }
}
