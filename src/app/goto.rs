//! From a name that is typed to the row of the object.

use super::object_names::keys;
use super::{App, Level, RowKey, Screen, completion, listing, navigate, notice, picker};
use crate::fleet::{Key, Kind, ObjectKey};

const fn screen_of(kind: Kind) -> Screen {
    match kind {
        Kind::Job => Screen::Jobs,
        Kind::Pod => Screen::Pods,
        _ => Screen::Fleet,
    }
}

/// Selects the row of an object by its name, `namespace/name`, or a part of either that no other one has; whatever filter
/// and namespaces hide it are taken away.
pub fn goto(app: &mut App, kind: Kind, typed: &str) {
    match find(app, kind, typed) {
        Found::One(key) => select(app, Key::new(kind, key)),
        Found::Several(count) => {
            let screen = screen_of(kind);
            show(
                app,
                Level {
                    filter: format!("name:{}", typed.rsplit('/').next().unwrap_or(typed)),
                    ..Level::of(screen, None)
                },
            );
            notice::info(app, format!("{count} {} have {typed} in their names", kind.resource()));
        }
        Found::None => {
            let known = keys(app, kind);
            let near = completion::nearest(typed, known.iter().map(|key| key.name.as_str()));
            let text = format!("no {} \"{typed}\" is known{}", kind.name(), completion::did_you_mean(&near));
            notice::error(app, text);
        }
    }
}

enum Found {
    None,
    One(ObjectKey),
    Several(usize),
}

/// The one of this name, else the only one with this in its name.
fn find(app: &App, kind: Kind, typed: &str) -> Found {
    let known = keys(app, kind);
    let is_it = |key: &&&ObjectKey| *key.name == *typed || key.to_string() == typed;
    let exact: Vec<&&ObjectKey> = known.iter().filter(is_it).collect();
    let alike: Vec<&&ObjectKey> =
        if exact.is_empty() { known.iter().filter(|key| key.to_string().contains(typed)).collect() } else { exact };
    match alike.as_slice() {
        [] => Found::None,
        [one] => Found::One((**one).clone()),
        several => Found::Several(several.len()),
    }
}

fn select(app: &mut App, key: Key) {
    let row = RowKey::from(key);
    let level = Level { selected: Some(row.clone()), ..Level::of(screen_of_row(&row), None) };
    show(app, level);
    let is_listed = |app: &App| app.ui.listing.rows.contains(&row);
    if !is_listed(app) && app.scope.namespaces.is_some() {
        app.ui.level.selected = Some(row.clone());
        picker::choose_namespace(app, picker::ALL_NAMESPACES);
    }
    if !is_listed(app) {
        notice::warning(app, "the labels given on the command line hide it");
    }
}

fn screen_of_row(row: &RowKey) -> Screen {
    row.object().map_or(Screen::Fleet, |key| screen_of(key.kind))
}

fn show(app: &mut App, level: Level) {
    navigate::show(app, level.screen);
    navigate::replace(app, level);
    listing::refresh(app);
}
