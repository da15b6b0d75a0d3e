//! `:set`: settings for as long as batchtop runs.

use super::effects::Effects;
use super::{App, Effect, Overlay, Settings, completion, listing, mistake_in_columns, notice, views};
use crate::config::{Applies, SETTINGS, Setting, SettingKind, SettingOrigin, SettingValue, setting};

/// Names of the files from which themes and keymaps can be chosen.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FileNames {
    /// Themes, built in and the user's own.
    pub themes: Vec<String>,
    /// Keymaps, built in and the user's own.
    pub keymaps: Vec<String>,
}

/// `:set NAME VALUE`, `:set NAME=VALUE`; without a value it says which is in force.
pub fn run(app: &mut App, argument: &str, effects: &mut Effects) {
    let (name, value) = argument.split_once([' ', '=']).unwrap_or((argument, ""));
    let Some(setting) = SETTINGS.iter().copied().find(|setting| setting.key.eq_ignore_ascii_case(name)) else {
        return unknown(app, name);
    };
    match value.trim().trim_start_matches('=').trim_start() {
        "" => tell(app, setting),
        value => set(app, setting, value, effects),
    }
}

fn unknown(app: &mut App, name: &str) {
    let keys = || SETTINGS.iter().map(|setting| setting.key);
    let near = completion::nearest(name, keys());
    let text = match name {
        "" => format!("set which? {}", keys().collect::<Vec<_>>().join(", ")),
        name => format!("no setting \"{name}\"{}", completion::did_you_mean(&near)),
    };
    notice::error(app, text);
}

/// Says which value is in force, and where it comes from.
fn tell(app: &mut App, setting: &'static Setting) {
    let text = match app.settings.values.get(setting) {
        Some((value, origin)) => format!("{} = {} ({origin})", setting.key, value.toml()),
        None => format!("{} is not set: {}", setting.key, setting.without),
    };
    notice::info(app, text);
}

/// Sets a value that was typed.
pub fn set(app: &mut App, setting: &'static Setting, typed: &str, effects: &mut Effects) {
    let value = match setting.read_typed(typed).and_then(|value| known(app, setting, value)) {
        Ok(value) => value,
        Err(message) => return notice::error(app, message),
    };
    let line = format!("{} = {}", setting.key, value.toml());
    let since = match setting.applies {
        Applies::AtOnce => "",
        Applies::NextConnection => " from the next connection on (:ctx)",
    };
    notice::info(app, format!("{line}{since} while batchtop runs; to keep it, write it into config.toml"));
    effects.push(Effect::Set { setting, value });
}

/// The value, where what it names exists.
fn known(app: &App, setting: &'static Setting, value: SettingValue) -> Result<SettingValue, String> {
    let files = &app.settings.files;
    match (&value, setting.kind) {
        (SettingValue::Text(name), SettingKind::Theme) => is_among(&files.themes, "theme", name),
        (SettingValue::Text(name), SettingKind::Keymap) => is_among(&files.keymaps, "keymap", name),
        (SettingValue::Switch(false), _) if *setting == setting::READONLY => may_write(app),
        (SettingValue::Names(names), SettingKind::Columns) => match mistake_in_columns(setting.key, names) {
            Some((_, message)) => Err(format!("{}: {message}", setting.key)),
            None => Ok(()),
        },
        _ => Ok(()),
    }
    .map(|()| value)
}

/// Whoever starts batchtop for others, so that it writes nothing, is not overruled by them.
fn may_write(app: &App) -> Result<(), String> {
    match app.settings.values.get(&setting::READONLY) {
        Some((SettingValue::Switch(true), origin @ (SettingOrigin::Flag(_) | SettingOrigin::Environment(_)))) => {
            Err(format!("readonly: {origin} keeps batchtop from writing for as long as it runs"))
        }
        _ => Ok(()),
    }
}

fn is_among(known: &[String], what: &str, name: &str) -> Result<(), String> {
    if known.iter().any(|known| known == name) { Ok(()) } else { Err(no_such(known, what, name)) }
}

fn no_such(known: &[String], what: &str, name: &str) -> String {
    let near = completion::nearest(name, known.iter().map(String::as_str));
    format!("no {what} \"{name}\"{}; there are {}", completion::did_you_mean(&near), known.join(", "))
}

/// Other settings are in force from now on.
pub fn configure(app: &mut App, settings: Settings) {
    let before = std::mem::replace(&mut app.settings, settings);
    if before.scope.namespaces != app.settings.scope.namespaces {
        app.scope.namespaces.clone_from(&app.settings.scope.namespaces);
    }
    if app.settings.readonly && matches!(app.ui.overlay, Some(Overlay::Write(_))) {
        app.ui.overlay = None;
        notice::warning(app, "read-only from now on: the dialog was left");
    }
    app.ui.pressed.clear();
    let (insights, inputs) = app.insights_mut();
    insights.note_settings(&inputs);
    // A column of a label may be gone.
    if !views::sortable(app).contains(&app.ui.level.sort.column) {
        app.ui.level.sort = app.ui.level.screen.spec().first_sort(app.ui.level.view);
    }
    listing::note_parts(app);
    app.ui.listing.dirty = true;
}
