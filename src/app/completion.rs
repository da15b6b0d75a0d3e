//! The names of commands, and what a line that is typed after `:` may become.

use super::field::Field;
use super::{App, PromptKind, Screen, column_names, object_names, picker, views};
use crate::config::{SETTINGS, Setting, SettingKind};
use crate::fleet::Kind;
use crate::input::Action;
use crate::units::spelling;

/// Commands that are no screen and no action.
#[derive(Clone, Copy)]
pub enum Word {
    Namespace,
    Context,
    Sort,
    By,
    Set,
    Theme,
    Keymap,
    Quit,
    QuitAtOnce,
    Results,
    /// To an object of a kind.
    Goto(Kind),
}

const WORDS: [(&str, Word); 16] = [
    ("ns", Word::Namespace),
    ("namespace", Word::Namespace),
    ("ctx", Word::Context),
    ("context", Word::Context),
    ("sort", Word::Sort),
    ("by", Word::By),
    ("set", Word::Set),
    ("theme", Word::Theme),
    ("keymap", Word::Keymap),
    ("q", Word::Quit),
    ("q!", Word::QuitAtOnce),
    ("quit", Word::Quit),
    ("results", Word::Results),
    ("node", Word::Goto(Kind::Node)),
    ("pod", Word::Goto(Kind::Pod)),
    ("job", Word::Goto(Kind::Job)),
];

/// How many suggestions an unknown command gets.
const SUGGESTIONS: usize = 3;

/// The command of a name, in whichever case.
pub fn word(name: &str) -> Option<Word> {
    WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, word)| *word)
}

/// All first words of commands.
pub fn names() -> impl Iterator<Item = &'static str> {
    let actions = Action::ALL.iter().map(|action| action.name());
    let screens = Screen::ALL.into_iter().flat_map(|screen| screen.spec().aliases.iter().copied());
    screens.chain(WORDS.iter().map(|(name, _)| *name)).chain(actions)
}

/// What the last word of a command may become, sorted.
fn candidates(app: &App, line: &str) -> Vec<String> {
    let (first, rest) = match line.split_once(char::is_whitespace) {
        None => (None, line),
        Some((first, rest)) => (Some(first), rest.trim_start()),
    };
    let last = rest.rsplit(char::is_whitespace).next().unwrap_or(rest);
    let mut all: Vec<String> = match first.map(word) {
        None => names().map(str::to_owned).collect(),
        Some(Some(Word::Namespace)) => namespace_names(app),
        Some(Some(Word::Context)) => app.cluster.contexts.clone(),
        Some(Some(Word::Sort)) => {
            let names =
                views::sortable(app).into_iter().map(|column| app.settings.columns.name_of(column).into_owned());
            names.collect()
        }
        Some(Some(Word::Set)) => set_candidates(app, rest),
        Some(Some(Word::Theme)) => app.settings.files.themes.clone(),
        Some(Some(Word::Keymap)) => app.settings.files.keymaps.clone(),
        Some(Some(Word::By)) => views::dimensions(app.ui.level.screen),
        Some(Some(Word::Goto(kind))) => object_names::names(app, kind, last),
        Some(_) if first.and_then(Screen::of_command) == Some(Screen::Cost) => views::dimensions(Screen::Cost),
        Some(_) if first.and_then(Screen::of_command).is_some() => namespace_names(app),
        Some(_) => Vec::new(),
    };
    all.retain(|name| name.starts_with(last));
    all.sort_unstable();
    all.dedup();
    all
}

/// What may follow `:set`: the name of a setting, then a value of it.
fn set_candidates(app: &App, rest: &str) -> Vec<String> {
    let Some((name, _)) = rest.split_once(char::is_whitespace) else {
        return SETTINGS.iter().map(|setting| setting.key.to_owned()).collect();
    };
    let Some(setting) = Setting::find(name) else { return Vec::new() };
    match setting.kind {
        SettingKind::Theme => app.settings.files.themes.clone(),
        SettingKind::Keymap => app.settings.files.keymaps.clone(),
        SettingKind::Namespaces => picker::known_namespaces(app).iter().map(ToString::to_string).collect(),
        SettingKind::Columns => column_names(setting.key).names.into_iter().map(str::to_owned).collect(),
        kind => kind.choices().iter().map(|choice| (*choice).to_owned()).collect(),
    }
}

fn namespace_names(app: &App) -> Vec<String> {
    let known = picker::known_namespaces(app);
    std::iter::once(picker::ALL_NAMESPACES.to_owned()).chain(known.iter().map(ToString::to_string)).collect()
}

/// What the last word of a line may become, by the use of the line.
pub fn candidates_of(app: &App, kind: PromptKind, line: &str) -> Vec<String> {
    match kind {
        PromptKind::Command => candidates(app, line),
        PromptKind::Filter => filter_candidates(app, line),
        PromptKind::Search => Vec::new(),
    }
}

/// What the last term of a filter may become: the fields of the table, and the values of those that have few.
fn filter_candidates(app: &App, line: &str) -> Vec<String> {
    let table = app.ui.level.table();
    let last = line.rsplit(char::is_whitespace).next().unwrap_or(line);
    let (sign, word) = last.strip_prefix('!').map_or(("", last), |word| ("!", word));
    let words: Vec<String> = match word.split_once(':') {
        None => table.fields.iter().flat_map(|field| field.starts()).collect(),
        Some((name, _)) => {
            let field = table.fields.iter().copied().find(|field| field.name() == name);
            let values = field.map_or_else(Vec::new, |field| filter_values(app, field));
            values.into_iter().map(|value| format!("{name}:{value}")).collect()
        }
    };
    let mut words: Vec<String> =
        words.iter().filter(|one| one.starts_with(word)).map(|one| format!("{sign}{one}")).collect();
    words.sort_unstable();
    words.dedup();
    if last.is_empty() { Vec::new() } else { words }
}

/// The values of a field that has few.
fn filter_values(app: &App, field: Field) -> Vec<String> {
    let fixed: &[&str] = match field {
        Field::Gpu => &["yes", "no", "idle", "busy"],
        Field::Protected | Field::Held | Field::Drifted => &["yes", "no"],
        Field::Capacity => &["spot", "on-demand", "reserved"],
        Field::Namespace => return picker::known_namespaces(app).iter().map(ToString::to_string).collect(),
        Field::Pool => return app.fleet.node_pools.iter().map(|pool| pool.meta.key.name.to_string()).collect(),
        _ => &[],
    };
    fixed.iter().map(|value| (*value).to_owned()).collect()
}

/// The line with its last word completed as far as all candidates agree, and a space after the only one.
pub fn complete(app: &App, kind: PromptKind, line: &str) -> String {
    let candidates = candidates_of(app, kind, line);
    let Some(first) = candidates.first() else { return line.to_owned() };
    let common = candidates.iter().skip(1).fold(first.as_str(), |common, other| common_start(common, other));
    let before = line.rfind(char::is_whitespace).map_or("", |at| line.get(..=at).unwrap_or(line));
    let takes_more = takes_argument(common) || Setting::find(common).is_some();
    let end = if candidates.len() == 1 && takes_more { " " } else { "" };
    format!("{before}{common}{end}")
}

fn takes_argument(name: &str) -> bool {
    matches!(
        word(name),
        Some(
            Word::Namespace
                | Word::Context
                | Word::Sort
                | Word::By
                | Word::Set
                | Word::Theme
                | Word::Keymap
                | Word::Goto(_)
        )
    )
}

fn common_start<'a>(a: &'a str, b: &str) -> &'a str {
    let end = a.char_indices().zip(b.chars()).find(|((_, x), y)| x != y).map(|((at, _), _)| at);
    let end = end.unwrap_or(a.len().min(b.len()));
    a.get(..end).unwrap_or(a)
}

/// The first of the names that may have been meant.
pub fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut near = spelling::suggestions(typed, names);
    near.truncate(SUGGESTIONS);
    near
}

/// The end of a sentence about a name that is not known: `; did you mean events, event?`, or nothing.
pub fn did_you_mean(near: &[&str]) -> String {
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_are_ordered_by_similarity() {
        assert_eq!(nearest("evnts", names()), ["events", "event"]);
        assert_eq!(nearest("zzzzz", names()), Vec::<&str>::new());
    }
}
