//! From key presses to what they do in the layer that is on top.

use super::effects::Effects;
use super::{App, Effect, Overlay, actions, command, notice, picker, prompt, save, sort_picker, write};
use crate::input::{Action, Chord, Context, KeyCode, Lookup};

/// Leaves whatever is on screen, and cannot be bound to anything else: the way out that always works.
const INTERRUPT: Chord = Chord { key: KeyCode::Char('c'), ctrl: true, alt: false, shift: false };

/// A key was pressed.
pub fn press(app: &mut App, chord: Chord, effects: &mut Effects) {
    if chord == INTERRUPT {
        return effects.push(Effect::Quit);
    }
    notice::key_pressed(app);
    if matches!(app.ui.overlay, Some(Overlay::Prompt(_))) {
        if let Some(line) = prompt::press(app, chord) {
            command::run(app, &line, effects);
        }
        return;
    }
    if picker::types(app, chord)
        || write::types(app, chord)
        || save::types(app, chord)
        || sort_picker::types(app, chord)
    {
        return;
    }
    app.ui.pressed.push(chord);
    app.ui.is_prefix_explained = false;
    match lookup(app) {
        Lookup::Pending => {}
        Lookup::Action(action) => {
            app.ui.pressed.clear();
            actions::act(app, action, effects);
        }
        Lookup::Nothing => start_over(app, chord, effects),
    }
}

/// A key that does not go on what was pressed before may begin something of its own.
fn start_over(app: &mut App, chord: Chord, effects: &mut Effects) {
    let was_longer = app.ui.pressed.len() > 1;
    app.ui.pressed.clear();
    if was_longer && chord.key != KeyCode::Escape {
        return press(app, chord, effects);
    }
    if app.ui.overlay.is_none() && chord.key != KeyCode::Escape {
        let help = app.settings.keymap.keys_of(Context::Table, Action::Help);
        let help = help.unwrap_or_else(|| ":help".to_owned());
        notice::info(app, format!("{chord} does nothing here; {help} shows the keys"));
    }
}

/// In the details of an object the keys of the table still mean what they mean there, unless text needs them.
fn lookup(app: &App) -> Lookup {
    let keymap = &app.settings.keymap;
    let (context, fallback) = contexts(app);
    match (keymap.lookup(context, &app.ui.pressed), fallback) {
        (Lookup::Nothing, Some(fallback)) => keymap.lookup(fallback, &app.ui.pressed),
        (found, _) => found,
    }
}

/// The keys that may follow those pressed so far, each with what they lead to; empty where none wait for others.
pub fn continuations(app: &App) -> Vec<(&[Chord], Action)> {
    let (keymap, pressed) = (&app.settings.keymap, &app.ui.pressed);
    if pressed.is_empty() {
        return Vec::new();
    }
    let (context, fallback) = contexts(app);
    let mut found = keymap.continuations(context, pressed);
    let further = fallback.map(|fallback| keymap.continuations(fallback, pressed)).unwrap_or_default();
    for (rest, action) in further {
        if !found.iter().any(|(known, _)| *known == rest) {
            found.push((rest, action));
        }
    }
    found
}

fn contexts(app: &App) -> (Context, Option<Context>) {
    match &app.ui.overlay {
        Some(Overlay::Picker(_) | Overlay::Write(_) | Overlay::Save(_) | Overlay::Sort(_)) => (Context::Dialog, None),
        Some(_) => (Context::Text, None),
        None if app.ui.log.is_some() => (Context::Log, Some(Context::Text)),
        None if app.ui.level.detail.is_some() => (Context::Text, Some(Context::Table)),
        None => (Context::Table, None),
    }
}
