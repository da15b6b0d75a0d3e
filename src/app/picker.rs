//! Lists to pick from: namespaces and contexts.

use std::collections::BTreeSet;

use tui_input::Input;

use super::effects::Effects;
use super::{App, Effect, Level, Overlay, Picker, PickerKind, line, listing, logs, notice, scroll, source, write};
use crate::fleet::{LogRun, Sym};
use crate::input::{Action, Chord};

/// The entry that means no narrowing.
pub const ALL_NAMESPACES: &str = "all";

/// Opens the list of namespaces to narrow rows to.
pub fn namespaces(app: &mut App) {
    let known = known_namespaces(app);
    let items = std::iter::once(ALL_NAMESPACES.to_owned()).chain(known.iter().map(ToString::to_string)).collect();
    let current = current_namespace(app);
    open(app, PickerKind::Namespaces, items, &current);
}

/// Opens the list of the kubeconfig's contexts to connect to.
pub fn contexts(app: &mut App) {
    if app.cluster.contexts.is_empty() {
        return notice::warning(app, "there is no kubeconfig with contexts to choose from");
    }
    let (items, current) = (app.cluster.contexts.clone(), app.cluster.context.clone());
    open(app, PickerKind::Contexts, items, &current);
}

/// Opens a list; the current item is selected.
pub fn open(app: &mut App, kind: PickerKind, items: Vec<String>, current: &str) {
    let selected = items.iter().position(|item| item == current).unwrap_or(0);
    app.ui.overlay = Some(Overlay::Picker(Picker { kind, items, input: Input::default(), selected }));
}

/// All namespaces, or where they may not be listed those that pods and Jobs are seen in.
pub fn known_namespaces(app: &App) -> BTreeSet<Sym> {
    let fleet = &app.fleet;
    if !fleet.namespaces.is_empty() {
        return fleet.namespaces.iter().map(|row| row.meta.key.name.clone()).collect();
    }
    let mut seen: BTreeSet<Sym> = BTreeSet::new();
    let keys = fleet.pods.iter().map(|pod| &pod.meta.key).chain(fleet.jobs.iter().map(|job| &job.meta.key));
    for key in keys {
        if !seen.contains(&key.namespace) {
            seen.insert(key.namespace.clone());
        }
    }
    seen
}

/// A key that types into the line above the list.
pub fn types(app: &mut App, chord: Chord) -> bool {
    let Some(picker) = picker(app) else { return false };
    if !line::type_into(&mut picker.input, chord) {
        return false;
    }
    picker.selected = 0;
    true
}

/// Pastes into the line above the list.
pub fn paste(app: &mut App, text: &str) {
    if let Some(picker) = picker(app) {
        line::paste(&mut picker.input, text);
        picker.selected = 0;
    }
}

/// An action while the picker is open.
pub fn act(app: &mut App, action: Action, effects: &mut Effects) {
    let page = app.ui.page_rows;
    let Some(picker) = picker(app) else { return };
    let last = picker.matching().len().saturating_sub(1);
    match action {
        Action::Open => pick(app, effects),
        Action::Back | Action::Quit => close(app),
        action => picker.selected = scroll::moved(picker.selected, action, last, page),
    }
}

fn picker(app: &mut App) -> Option<&mut Picker> {
    match &mut app.ui.overlay {
        Some(Overlay::Picker(picker)) => Some(picker),
        _ => None,
    }
}

fn close(app: &mut App) {
    app.ui.overlay = None;
    logs::choice_left(app);
}

/// Nothing that matches means that nothing is picked, and the picker stays.
fn pick(app: &mut App, effects: &mut Effects) {
    let Some(picker) = picker(app) else { return };
    let Some(item) = picker.matching().get(picker.selected).map(|item| (*item).to_owned()) else { return };
    let kind = picker.kind;
    app.ui.overlay = None;
    match kind {
        PickerKind::Namespaces => choose_namespace(app, &item),
        PickerKind::Contexts => connect(app, &item, effects),
        PickerKind::LogPods => logs::open_named(app, &item, effects),
        PickerKind::LogContainers => logs::choose(app, &item, LogRun::Present),
    }
}

/// Narrows to one namespace, or to none in particular.
pub fn choose_namespace(app: &mut App, name: &str) {
    if name == ALL_NAMESPACES {
        narrow(app, None);
        return notice::info(app, "Jobs, Pods and Events of all namespaces");
    }
    narrow(app, Some(BTreeSet::from([name.to_owned()])));
    notice::info(app, format!("Jobs, Pods and Events of namespace {name} only; totals are of the whole cluster"));
}

fn narrow(app: &mut App, namespaces: Option<BTreeSet<String>>) {
    app.scope.namespaces = namespaces;
    listing::refresh(app);
}

fn current_namespace(app: &App) -> String {
    let first = app.scope.namespaces.as_ref().and_then(|names| names.first());
    first.map_or(ALL_NAMESPACES, String::as_str).to_owned()
}

/// Connects to another context. Everything that belongs to the old one goes at once, so that nothing of it can be taken
/// for the new one's.
pub fn connect(app: &mut App, context: &str, effects: &mut Effects) {
    if let Some(progress) = write::under_way(app) {
        return notice::warning(app, format!("{progress}; wait before changing the context"));
    }
    source::forget(app, context);
    let ui = &mut app.ui;
    ui.level = Level::of(ui.level.screen, None);
    ui.outer.clear();
    ui.places_before.clear();
    ui.places_after.clear();
    ui.remembered.clear();
    ui.marks.clear();
    ui.writes.clear();
    ui.overlay = None;
    ui.log = None;
    listing::refresh(app);
    notice::info(app, format!("connecting to {context}"));
    effects.push(Effect::Connect { context: context.to_owned(), epoch: app.epoch });
}
