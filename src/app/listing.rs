//! The rows of the shown level.

use std::collections::HashMap;

use super::filter::Filter;
use super::patch::{self, Patched};
use super::rows::{RowKey, RowRef};
use super::{App, Column, Costs, Effect, Scope, Screen, Ui, payers, sorting};
use crate::fleet::{Changed, Fleet, Key, Kind};
use crate::insight::insights::Part;
use crate::units::Time;

/// Puts the rows in order where something changed.
pub fn refresh_if_dirty(app: &mut App) -> Vec<Effect> {
    if app.ui.listing.dirty {
        refresh(app);
    } else if !app.ui.listing.touched.is_empty() {
        patch(app);
    }
    Vec::new()
}

/// The terminal has another size: the selected row stays visible.
pub fn resize(app: &mut App, width: u16, height: u16) -> Vec<Effect> {
    app.ui.size = (width, height);
    keep_visible(&mut app.ui);
    Vec::new()
}

/// Notes what a Delta changed; the rows are put in order before the next frame.
pub fn note(app: &mut App, changed: &Changed) {
    note_parts(app);
    if patch::applies(&app.ui.level) {
        app.ui.listing.touched.extend(changed.pods.iter().cloned());
        return;
    }
    let depends = changed.kinds.iter().any(|kind| depends(app, *kind)) || (changed.prices && asks_prices(app));
    app.ui.listing.dirty |= depends;
}

const SECONDS_PER_MINUTE: i64 = 60;

/// The time was `before` a moment ago: orders and filters that depend on the minute are put right before the next frame.
pub fn note_time(app: &mut App, before: Time) {
    let minute = |time: Time| time.seconds().div_euclid(SECONDS_PER_MINUTE);
    if minute(before) == minute(app.now) {
        return;
    }
    let level = &app.ui.level;
    let depends = level.screen == Screen::Jobs || !level.filter.is_empty() || level.sort.column == Column::Protection;
    app.ui.listing.dirty |= depends;
}

/// Parts of the insights may have changed: orders and filters by them follow before the next frame.
pub fn note_parts(app: &mut App) {
    let changed = app.insights.take_changed();
    let depends = |part: &Part| match part {
        Part::Picture | Part::ProtectedPods | Part::PriceDemand => false,
        Part::Karpenter => true,
        Part::Verdicts => asks_verdicts(app),
        Part::Rates => asks_prices(app),
        Part::Ledger => app.ui.level.screen == Screen::Cost || app.ui.level.sort.column == Column::Paid,
    };
    app.ui.listing.dirty |= changed.iter().any(depends);
}

/// Whether rows are ordered or filtered by what machines cost.
fn asks_prices(app: &App) -> bool {
    let level = &app.ui.level;
    let sorted = matches!(level.sort.column, Column::Cost | Column::Unrequested);
    level.screen == Screen::Cost || sorted || Filter::parse(&level.filter, level.screen).asks_prices()
}

/// Whether rows are ordered or filtered by what is said of Nodes.
fn asks_verdicts(app: &App) -> bool {
    let level = &app.ui.level;
    let sorted = matches!(level.sort.column, Column::Attention | Column::Verdict | Column::Until);
    level.screen == Screen::Fleet && (sorted || Filter::parse(&level.filter, level.screen).asks_verdicts())
}

/// Whether the rows of the shown level, or their order, depend on a kind.
fn depends(app: &App, kind: Kind) -> bool {
    let level = &app.ui.level;
    own_kinds(level.screen).contains(&kind) || (looks_further(app) && joined_kinds(level.screen).contains(&kind))
}

/// The kinds of the rows themselves.
const fn own_kinds(screen: Screen) -> &'static [Kind] {
    match screen {
        Screen::Fleet => &[Kind::Node, Kind::NodeClaim],
        Screen::Jobs => &[Kind::Job],
        Screen::Pods => &[Kind::Pod],
        Screen::Claims => &[Kind::NodePool, Kind::NodeClaim],
        Screen::Events => &[Kind::Event],
        // They follow the rates, which follow everything once a second.
        Screen::Cost => &[],
    }
}

/// The kinds in which filters, selectors, levels and orders find what they ask of a row: they may come after the row.
const fn joined_kinds(screen: Screen) -> &'static [Kind] {
    match screen {
        Screen::Fleet | Screen::Jobs => &[Kind::Pod],
        Screen::Pods => &[Kind::Job, Kind::Node],
        Screen::Claims => &[Kind::Node],
        Screen::Events => &[Kind::Pod, Kind::Job, Kind::NodeClaim, Kind::Node],
        Screen::Cost => &[],
    }
}

/// Whether something asks more of a row than the row itself says.
fn looks_further(app: &App) -> bool {
    let level = &app.ui.level;
    match level.screen {
        Screen::Events => app.scope.selector.is_some() || level.filter.contains("node:"),
        Screen::Claims => app.scope.node_selector.is_some(),
        Screen::Pods => level.scope.is_some() || !level.filter.is_empty() || level.sort.column == Column::Cost,
        Screen::Fleet | Screen::Jobs => !level.filter.is_empty() || sums_pods(level.sort.column),
        Screen::Cost => false,
    }
}

/// Whether the order by a column is one by sums over pods.
const fn sums_pods(column: Column) -> bool {
    matches!(column, Column::Pods | Column::Cpu | Column::Memory | Column::Protection)
}

/// Builds the rows anew and finds the selection among them.
pub fn refresh(app: &mut App) {
    if app.ui.level.screen == Screen::Cost {
        app.ui.listing.costs = Costs::of(app);
    }
    let (rows, unfiltered) = build(app);
    let listing = &mut app.ui.listing;
    (listing.rows, listing.unfiltered, listing.dirty) = (rows, unfiltered, false);
    listing.touched.clear();
    follow_marks(app);
    reselect(app);
}

/// Mends the places of the pods that changed, where that is less work than listing all.
fn patch(app: &mut App) {
    let touched = std::mem::take(&mut app.ui.listing.touched);
    let mut rows = std::mem::take(&mut app.ui.listing.rows);
    match patch::pods(app, &mut rows, &touched) {
        Patched::Done => {
            app.ui.listing.unfiltered = rows.len();
            app.ui.listing.rows = rows;
            follow_marks(app);
            reselect(app);
        }
        Patched::TooMuch => refresh(app),
    }
}

/// The rows of the shown level, filtered and in order, and how many there were before the filter.
pub fn build(app: &App) -> (Vec<RowKey>, usize) {
    let level = &app.ui.level;
    if level.screen == Screen::Cost {
        return payers::build(app);
    }
    let mut rows = candidates(app);
    let unfiltered = rows.len();
    let filter = Filter::parse(&level.filter, level.screen);
    if !filter.is_empty() {
        let mut scratch = String::new();
        rows.retain(|row| filter.matches(*row, app, &mut scratch));
    }
    sorting::sort(&mut rows, level.sort, app);
    if level.screen == Screen::Claims {
        rows = as_tree(&rows);
    }
    (rows.into_iter().map(|row| row.key().into()).collect(), unfiltered)
}

/// The rows of the shown level before its filter.
fn candidates(app: &App) -> Vec<RowRef<'_>> {
    let (fleet, scope) = (&app.fleet, &app.scope);
    match app.ui.level.screen {
        Screen::Fleet => nodes(app),
        Screen::Jobs => fleet.jobs.iter().filter(|job| scope.has_job(job)).map(RowRef::Job).collect(),
        Screen::Pods => pods(app),
        Screen::Claims => claims(app),
        Screen::Events => events(app),
        Screen::Cost => Vec::new(),
    }
}

/// Nodes, and NodeClaims that have none yet.
fn nodes(app: &App) -> Vec<RowRef<'_>> {
    let (fleet, scope) = (&app.fleet, &app.scope);
    let nodes = fleet.nodes.iter().filter(|node| scope.has_node(node)).map(RowRef::Node);
    let waiting = app.insights.picture.claims_without_node(fleet).filter(|claim| scope.has_claim(fleet, claim));
    let rows = nodes.chain(waiting.map(RowRef::Claim));
    match &app.ui.level.scope {
        Some(Scope::NodePool(pool)) => rows.filter(|row| row.node_pool(fleet) == Some(pool)).collect(),
        Some(Scope::Payer(payer)) => rows.filter(|row| payers::is_machine_of(fleet, *row, payer)).collect(),
        _ => rows.collect(),
    }
}

fn pods(app: &App) -> Vec<RowRef<'_>> {
    let (fleet, scope) = (&app.fleet, &app.scope);
    match &app.ui.level.scope {
        Some(Scope::Node(node)) => fleet.pods_on(node).filter(|pod| scope.has_pod(pod)).map(RowRef::Pod).collect(),
        Some(Scope::Job(job)) => match fleet.jobs.get(job) {
            Some(job) => fleet.pods_of_job(&job.meta.uid).map(RowRef::Pod).collect(),
            None => Vec::new(),
        },
        Some(Scope::Payer(payer)) => {
            let pods = fleet.pods.iter().filter(|pod| scope.has_pod(pod) && payers::is_pod_of(fleet, pod, payer));
            pods.map(RowRef::Pod).collect()
        }
        _ => fleet.pods.iter().filter(|pod| scope.has_pod(pod)).map(RowRef::Pod).collect(),
    }
}

fn claims(app: &App) -> Vec<RowRef<'_>> {
    let pools = app.scope.pools(&app.fleet).into_iter().map(RowRef::Pool);
    let claims = app.fleet.node_claims.iter().filter(|claim| app.scope.has_claim(&app.fleet, claim));
    pools.chain(claims.map(RowRef::Claim)).collect()
}

/// Events about one object are all shown, wherever they stand.
fn events(app: &App) -> Vec<RowRef<'_>> {
    let (fleet, scope) = (&app.fleet, &app.scope);
    match &app.ui.level.scope {
        Some(Scope::About(object)) => fleet.events.about(object).map(RowRef::Event).collect(),
        _ => fleet.events.iter().filter(|event| scope.has_event(fleet, event)).map(RowRef::Event).collect(),
    }
}

/// Each NodePool followed by its NodeClaims; NodeClaims whose NodePool is not listed come last. Keeps the order within.
fn as_tree<'a>(rows: &[RowRef<'a>]) -> Vec<RowRef<'a>> {
    let is_pool = |row: &RowRef<'_>| matches!(row, RowRef::Pool(_));
    let pools = rows.iter().copied().filter(is_pool);
    let mut beneath: HashMap<&str, Vec<RowRef<'a>>> =
        pools.clone().map(|pool| (pool.meta().key.name.as_str(), Vec::new())).collect();
    let mut orphans = Vec::new();
    for row in rows.iter().copied() {
        let RowRef::Claim(claim) = row else { continue };
        match claim.node_pool().and_then(|pool| beneath.get_mut(pool.as_str())) {
            Some(siblings) => siblings.push(row),
            None => orphans.push(row),
        }
    }
    let with_claims = |pool: RowRef<'a>| {
        let claims = beneath.remove(pool.meta().key.name.as_str()).unwrap_or_default();
        std::iter::once(pool).chain(claims)
    };
    pools.flat_map(with_claims).chain(orphans).collect()
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
    keep_visible(ui);
}

/// Most often a row is where it was.
fn position(rows: &[RowKey], key: &RowKey, guess: usize) -> Option<usize> {
    match rows.get(guess) {
        Some(row) if row == key => Some(guess),
        _ => rows.iter().position(|row| row == key),
    }
}

/// Scrolls no further than needed to see the selected row, and leaves no empty space below the last one.
pub fn keep_visible(ui: &mut Ui) {
    let (page, cursor, count) = (ui.page(), ui.listing.cursor, ui.listing.rows.len());
    let lowest = cursor.saturating_sub(page - 1);
    let offset = ui.level.offset.clamp(lowest, cursor.max(lowest));
    ui.level.offset = offset.min(count.saturating_sub(page));
}
