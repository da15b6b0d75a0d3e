//! The details of one object, and scrolling in text.

use super::effects::Effects;
use super::{App, Detail, DetailText, Effect, Fetched, Opened, Overlay, Scroll, gpu_history, notice, selection};
use crate::fleet::{Epoch, Key, Kind};
use crate::input::Action;

/// Opens the details of the selected row.
pub fn open(app: &mut App, effects: &mut Effects) {
    open_with(app, DetailText::Readable, effects);
}

/// Opens the YAML of the selected row.
pub fn open_yaml(app: &mut App, effects: &mut Effects) {
    open_with(app, DetailText::Yaml, effects);
}

/// What is shown at once comes from the Fleet; what only the details show is fetched each time they are opened.
fn open_with(app: &mut App, text: DetailText, effects: &mut Effects) {
    let Some(of) = selection::to_open(app) else { return };
    let cursor = app.ui.listing.cursor;
    selection::select(&mut app.ui, cursor);
    let object = if let Opened::Object(key) = &of { Some(key.clone()) } else { None };
    let text = match &object {
        // What is no object has no YAML, and of some kinds there is nothing else.
        None => DetailText::Readable,
        Some(key) if !has_page(key.kind) => DetailText::Yaml,
        Some(_) => text,
    };
    // What is fetched now takes the place of what was to be fetched for the editor.
    app.ui.to_edit = None;
    app.ui.level.detail = Some(Detail { of, scroll: Scroll::default(), text, fetched: None, gpu_past: None });
    if let Some(key) = object {
        effects.push(Effect::Fetch { epoch: app.epoch, key: key.clone() });
        gpu_history::ask(app, &key, effects);
    }
}

/// Whether there is a readable text about objects of a kind.
const fn has_page(kind: Kind) -> bool {
    matches!(kind, Kind::Node | Kind::Pod | Kind::Job | Kind::NodeClaim | Kind::NodePool | Kind::Event)
}

/// Closes the details; the table is shown again.
pub fn close(app: &mut App) {
    app.ui.level.detail = None;
}

/// Shows the YAML of the opened object, or its text again.
pub fn toggle_yaml(app: &mut App) {
    if let Some(detail) = app.ui.level.detail.as_mut().filter(|detail| detail.object().is_some()) {
        detail.text = match detail.text {
            DetailText::Readable => DetailText::Yaml,
            DetailText::Yaml => DetailText::Readable,
        };
        detail.scroll = Scroll::default();
    }
}

/// Shows the opened or selected object in the user's editor; fetches it first, unless its details have it.
pub fn edit(app: &mut App, effects: &mut Effects) {
    let Some(key) = selection::subject(app) else {
        return notice::info(app, "this row is no object that could be shown in an editor");
    };
    let opened = app.ui.level.detail.as_ref().filter(|detail| detail.is_of(&key));
    if let Some(Ok(fetched)) = opened.and_then(|detail| detail.fetched.as_ref()) {
        return effects.push(in_editor(&key, fetched));
    }
    notice::info(app, format!("fetching {} {} for the editor", key.kind.name(), key.object));
    effects.push(Effect::Fetch { epoch: app.epoch, key: key.clone() });
    app.ui.to_edit = Some(key);
}

fn in_editor(key: &Key, fetched: &Fetched) -> Effect {
    Effect::Edit { name: format!("{}-{}", key.kind.name(), key.object.name), text: fetched.yaml.clone() }
}

/// The object that was to be shown in the editor was fetched, or not.
fn fetched_for_editor(app: &mut App, key: &Key, result: &Result<Fetched, String>, effects: &mut Effects) {
    app.ui.to_edit = None;
    match result {
        Ok(fetched) => effects.push(in_editor(key, fetched)),
        Err(why) => notice::error(app, format!("{} {} cannot be shown: {why}", key.kind.name(), key.object)),
    }
}

/// An object was fetched; it may have been closed meanwhile, or belong to another cluster.
pub fn fetched(app: &mut App, epoch: Epoch, key: &Key, result: Result<Fetched, String>, effects: &mut Effects) {
    if epoch == app.epoch && app.ui.to_edit.as_ref() == Some(key) {
        fetched_for_editor(app, key, &result, effects);
    }
    if epoch == app.epoch
        && let Some(detail) = app.ui.level.detail.as_mut().filter(|detail| detail.is_of(key))
    {
        detail.fetched = Some(result);
    }
}

/// The last frame tells how far the text on top can be scrolled.
pub fn laid_out(app: &mut App, scroll_end: usize) {
    if let Some(scroll) = scroll_of(app) {
        scroll.laid_out(scroll_end);
    }
}

/// Scrolls the text on top, where the action does that.
pub fn scroll(app: &mut App, action: Action) -> bool {
    let page = app.ui.page_rows;
    let Some(scroll) = scroll_of(app) else { return false };
    match action {
        Action::Up => scroll.up(1),
        Action::Down => scroll.down(1),
        Action::PageUp => scroll.up(page),
        Action::PageDown => scroll.down(page),
        Action::Top => scroll.to_top(),
        Action::Bottom => scroll.to_bottom(),
        _ => return false,
    }
    true
}

fn scroll_of(app: &mut App) -> Option<&mut Scroll> {
    match &mut app.ui.overlay {
        Some(Overlay::Help { scroll } | Overlay::Sources { scroll } | Overlay::Results { scroll, .. }) => Some(scroll),
        Some(Overlay::Write(dialog)) => Some(&mut dialog.scroll),
        Some(_) => None,
        None => app.ui.level.detail.as_mut().map(|detail| &mut detail.scroll),
    }
}
