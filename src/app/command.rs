//! Commands after `:`.

use super::effects::Effects;
use super::{App, Effect, Overlay, Screen, Scroll, keys, navigate, notice, picker, views};
use crate::fleet::Sym;
use crate::input::Action;
use crate::insight::cost::GroupBy;
use crate::insight::{Completeness, picture};
use crate::units::spelling;

/// Commands that are no screen and no action.
#[derive(Clone, Copy)]
enum Word {
    Namespace,
    Context,
    Sort,
    Quit,
    QuitAtOnce,
    Results,
}

const WORDS: [(&str, Word); 9] = [
    ("ns", Word::Namespace),
    ("namespace", Word::Namespace),
    ("ctx", Word::Context),
    ("context", Word::Context),
    ("sort", Word::Sort),
    ("q", Word::Quit),
    ("q!", Word::QuitAtOnce),
    ("quit", Word::Quit),
    ("results", Word::Results),
];

/// How many suggestions an unknown command gets.
const SUGGESTIONS: usize = 3;

/// Runs one line.
pub fn run(app: &mut App, line: &str, effects: &mut Effects) {
    let line = line.trim();
    let (name, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let argument = argument.trim();
    if name.is_empty() {
        return;
    }
    if let Some(screen) = Screen::of_command(name) {
        return show(app, screen, argument);
    }
    if let Some(word) = find(&WORDS, name) {
        return run_word(app, word, argument, effects);
    }
    match Action::from_name(name) {
        Some(Action::Command) => {}
        Some(action) => keys::act(app, action, effects),
        None => unknown(app, name),
    }
}

fn find<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
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
        (Word::Quit, _) => navigate::leave_batchtop(app, effects),
        (Word::QuitAtOnce, _) => effects.push(Effect::Quit),
        (Word::Results, _) => results(app),
    }
}

/// A namespace that is not known may still come; it is taken at its word, with a warning.
fn set_namespace(app: &mut App, name: &str) {
    let known = picker::known_namespaces(app);
    let is_known = known.is_empty() || known.contains(name) || name == picker::ALL_NAMESPACES;
    picker::choose_namespace(app, name);
    if is_known {
        return;
    }
    let near = nearest(name, known.iter().map(Sym::as_str));
    notice::warning(app, format!("no namespace \"{name}\" is known{}", did_you_mean(&near)));
}

fn set_context(app: &mut App, name: &str, effects: &mut Effects) {
    if app.cluster.contexts.iter().any(|context| context == name) {
        return picker::connect(app, name, effects);
    }
    let near = nearest(name, app.cluster.contexts.iter().map(String::as_str));
    let text = format!("the kubeconfig has no context \"{name}\"{}", did_you_mean(&near));
    notice::error(app, text);
}

fn set_sort(app: &mut App, name: &str) {
    let spec = app.ui.level.screen.spec();
    if let Some(column) = spec.sortable().find(|column| column.name.eq_ignore_ascii_case(name)) {
        return views::sort_by(app, column);
    }
    let names: Vec<&str> = spec.sortable().map(|column| column.name).collect();
    notice::error(app, format!("no column \"{name}\" to sort by; there are {}", names.join(", ")));
}

fn unknown(app: &mut App, name: &str) {
    let near = nearest(name, names());
    notice::error(app, format!("no command \"{name}\"{}", did_you_mean(&near)));
}

fn did_you_mean(near: &[&str]) -> String {
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) }
}

/// Opens the help.
pub fn help(app: &mut App) {
    open(app, Overlay::Help { scroll: Scroll::default() });
}

/// Opens the list of Sources.
pub fn sources(app: &mut App) {
    open(app, Overlay::Sources { scroll: Scroll::default() });
}

/// Looks for mistakes and wastes, and opens the list.
pub fn findings(app: &mut App) {
    let found =
        Completeness::new(&app.sources).decides_nodes().then(|| picture::findings(&app.fleet, &app.evaluator()));
    open(app, Overlay::Findings { scroll: Scroll::default(), found });
}

/// Opens what became of the newest write.
fn results(app: &mut App) {
    match app.ui.writes.last().map(|write| write.id) {
        Some(write) => open(app, Overlay::Results { write, scroll: Scroll::default() }),
        None => notice::info(app, "nothing has been written yet"),
    }
}

fn open(app: &mut App, overlay: Overlay) {
    app.ui.overlay = Some(overlay);
}

/// All first words of commands.
fn names() -> impl Iterator<Item = &'static str> {
    let actions = Action::ALL.iter().map(|action| action.name());
    let screens = Screen::ALL.into_iter().flat_map(|screen| screen.spec().aliases.iter().copied());
    screens.chain(WORDS.iter().map(|(name, _)| *name)).chain(actions)
}

/// What the last word of a line may become, sorted; view may show it below the line.
pub fn candidates(app: &App, line: &str) -> Vec<String> {
    let (first, last) = match line.split_once(char::is_whitespace) {
        None => (None, line),
        Some((first, rest)) => (Some(first), rest.trim_start()),
    };
    let mut all: Vec<String> = match first.map(|first| find(&WORDS, first)) {
        None => names().map(str::to_owned).collect(),
        Some(Some(Word::Namespace)) => namespace_names(app),
        Some(Some(Word::Context)) => app.cluster.contexts.clone(),
        Some(Some(Word::Sort)) => app.ui.level.screen.spec().sortable().map(|column| column.name.to_owned()).collect(),
        Some(_) if first.and_then(Screen::of_command) == Some(Screen::Cost) => {
            GroupBy::ALL.map(|dimension| dimension.name().replace(' ', "-")).to_vec()
        }
        Some(_) if first.and_then(Screen::of_command).is_some() => namespace_names(app),
        Some(_) => Vec::new(),
    };
    all.retain(|name| name.starts_with(last));
    all.sort_unstable();
    all.dedup();
    all
}

fn namespace_names(app: &App) -> Vec<String> {
    let known = picker::known_namespaces(app);
    std::iter::once(picker::ALL_NAMESPACES.to_owned()).chain(known.iter().map(ToString::to_string)).collect()
}

/// The line with its last word completed as far as all candidates agree, and a space after the only one.
pub fn complete(app: &App, line: &str) -> String {
    let candidates = candidates(app, line);
    let Some(first) = candidates.first() else { return line.to_owned() };
    let common = candidates.iter().skip(1).fold(first.as_str(), |common, other| common_start(common, other));
    let before = line.rfind(char::is_whitespace).map_or("", |at| line.get(..=at).unwrap_or(line));
    let end = if candidates.len() == 1 && takes_argument(common) { " " } else { "" };
    format!("{before}{common}{end}")
}

fn takes_argument(name: &str) -> bool {
    matches!(find(&WORDS, name), Some(Word::Namespace | Word::Context | Word::Sort))
}

fn common_start<'a>(a: &'a str, b: &str) -> &'a str {
    let end = a.char_indices().zip(b.chars()).find(|((_, x), y)| x != y).map(|((at, _), _)| at);
    let end = end.unwrap_or(a.len().min(b.len()));
    a.get(..end).unwrap_or(a)
}

/// The first of the names that may have been meant.
fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut near = spelling::suggestions(typed, names);
    near.truncate(SUGGESTIONS);
    near
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_come_first() {
        assert_eq!(nearest("evnts", names()), ["events", "event"]);
        assert_eq!(nearest("zzzzz", names()), Vec::<&str>::new());
    }
}
