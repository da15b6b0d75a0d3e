//! Commands after `:`.

use super::completion::{self, Word};
use super::effects::Effects;
use super::{App, Column, Effect, Screen, actions, goto, navigate, notice, picker, set, texts, views};
use crate::fleet::Sym;
use crate::input::Action;

/// Runs the command that was typed after `:`; an empty line does nothing.
pub fn run(app: &mut App, line: &str, effects: &mut Effects) {
    let line = line.trim();
    let (name, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let argument = argument.trim();
    if name.is_empty() {
        return;
    }
    let goes_to_an_object = matches!(completion::word(name), Some(Word::Goto(_))) && !argument.is_empty();
    if let Some(screen) = Screen::of_command(name).filter(|_| !goes_to_an_object) {
        return show(app, screen, argument);
    }
    if let Some(word) = completion::word(name) {
        return run_word(app, word, argument, effects);
    }
    match Action::from_name(name) {
        Some(Action::Command) => {}
        Some(action) => actions::act(app, action, effects),
        None => unknown(app, name),
    }
}

/// As in k9s, a screen's name may be followed by a namespace; that of Cost by a dimension.
fn show(app: &mut App, screen: Screen, namespace: &str) {
    navigate::show(app, screen);
    if screen == Screen::Cost && !namespace.is_empty() {
        return views::group_by(app, namespace);
    }
    if !namespace.is_empty() {
        set_namespace(app, namespace);
    }
}

fn run_word(app: &mut App, word: Word, argument: &str, effects: &mut Effects) {
    match (word, argument) {
        (Word::Namespace, "") => picker::namespaces(app),
        (Word::Namespace, name) => set_namespace(app, name),
        (Word::Context, "") => picker::contexts(app),
        (Word::Context, name) => set_context(app, name, effects),
        (Word::Sort, name) => set_sort(app, name),
        (Word::By, name) => views::group_by(app, name),
        (Word::Set, argument) => set::run(app, argument, effects),
        (Word::Theme, name) => set::run(app, &format!("theme {name}"), effects),
        (Word::Keymap, name) => set::run(app, &format!("keymap {name}"), effects),
        (Word::Quit, _) => navigate::leave_batchtop(app, effects),
        (Word::QuitAtOnce, _) => effects.push(Effect::Quit),
        (Word::Results, _) => texts::results(app),
        (Word::Goto(kind), name) => goto::goto(app, kind, name),
    }
}

/// A namespace that is not known is refused, as long as any is: nobody looks for the reason of an empty screen in a typo.
fn set_namespace(app: &mut App, name: &str) {
    let known = picker::known_namespaces(app);
    if known.is_empty() || known.contains(name) || name == picker::ALL_NAMESPACES {
        return picker::choose_namespace(app, name);
    }
    let near = completion::nearest(name, known.iter().map(Sym::as_str));
    notice::error(app, format!("no namespace \"{name}\" is known{}", completion::did_you_mean(&near)));
}

fn set_context(app: &mut App, name: &str, effects: &mut Effects) {
    if app.cluster.contexts.iter().any(|context| context == name) {
        return picker::connect(app, name, effects);
    }
    let near = completion::nearest(name, app.cluster.contexts.iter().map(String::as_str));
    let text = format!("the kubeconfig has no context \"{name}\"{}", completion::did_you_mean(&near));
    notice::error(app, text);
}

fn set_sort(app: &mut App, name: &str) {
    let columns = views::sortable(app);
    let is_named = |column: &&&'static Column| app.settings.columns.name_of(column).eq_ignore_ascii_case(name);
    let is_titled = |column: &&&'static Column| !column.title.is_empty() && column.title.eq_ignore_ascii_case(name);
    if let Some(column) = columns.iter().find(is_named).or_else(|| columns.iter().find(is_titled)) {
        return views::sort_by(app, column);
    }
    let names: Vec<_> = columns.iter().map(|column| app.settings.columns.name_of(column)).collect();
    notice::error(app, format!("no column \"{name}\" to sort by; there are {}", names.join(", ")));
}

fn unknown(app: &mut App, name: &str) {
    let near = completion::nearest(name, completion::names());
    notice::error(app, format!("no command \"{name}\"{}", completion::did_you_mean(&near)));
}
