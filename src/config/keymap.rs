//! Keymap files.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::document::{Document, Value, join};
use super::library::{FileSet, KeyUse, Layer, Library, Text, chain, read_layer};
use super::problem::{Place, Problem, no_such};
use crate::input::{Action, Binding, Chord, Context, Keymap, spell};

/// A keymap, and the actions that its files leave without a key on purpose.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LoadedKeymap {
    /// The bindings.
    pub keymap: Keymap,
    /// Actions listed in `unbound`.
    pub unbound: BTreeSet<Action>,
}

/// One `[[bind]]` or `[[unbind]]` in one context.
#[derive(Clone, Debug)]
struct Entry {
    context: Context,
    chords: Vec<Chord>,
    /// `None` for `[[unbind]]`.
    action: Option<Action>,
    place: Place,
}

/// Contents of one file.
#[derive(Default)]
struct KeymapFile {
    file: String,
    entries: Vec<Entry>,
    unbound: BTreeSet<Action>,
}

/// Name of the keymap that is used if none is chosen.
pub const DEFAULT: &str = "default";

const KEYS: [&str; 4] = ["bind", "inherits", "unbind", "unbound"];

/// The keymap of this name, merged with those it inherits from, and all mistakes found.
pub fn keymap(library: &Library, name: &str) -> (LoadedKeymap, Vec<Problem>) {
    let mut problems = Vec::new();
    let shelf = FileSet { what: "keymap", texts: &library.keymaps, fallback: DEFAULT };
    let layers = chain(shelf, name, &mut problems, read);
    let mut loaded = LoadedKeymap::default();
    let mut placed: Vec<Entry> = Vec::new();
    for layer in layers.iter().rev() {
        note_repeated(&layer.entries, &mut problems);
        loaded.unbound.extend(&layer.unbound);
        for entry in &layer.entries {
            placed.retain(|known| known.context != entry.context || known.chords != entry.chords);
            placed.extend(entry.action.map(|_| entry.clone()));
        }
    }
    note_prefixes(&placed, &mut problems);
    let binding = |entry: Entry| Some(Binding { context: entry.context, chords: entry.chords, action: entry.action? });
    loaded.keymap = Keymap::new(placed.into_iter().filter_map(binding).collect());
    if let Some(layer) = layers.first() {
        note_unbound(&loaded, &layer.file, &mut problems);
    }
    problems.sort();
    (loaded, problems)
}

/// Reports keys that are bound twice in one context of one file, where only the last would apply.
fn note_repeated(entries: &[Entry], problems: &mut Vec<Problem>) {
    for (at, entry) in entries.iter().enumerate() {
        let same = |other: &&Entry| {
            other.context == entry.context
                && other.chords == entry.chords
                && other.action.is_some() == entry.action.is_some()
        };
        if let Some(first) = entries[..at].iter().find(same) {
            let message = format!(
                "\"{}\" is bound twice in {}, first in line {}",
                spell(&entry.chords),
                entry.context.name(),
                first.place.line
            );
            problems.push(Problem { place: entry.place.clone(), key: "bind.on".to_owned(), message });
        }
    }
}

/// Reports keys that are a prefix of others in the same context: the longer sequence could never be completed.
fn note_prefixes(entries: &[Entry], problems: &mut Vec<Problem>) {
    for longer in entries {
        let hides = |shorter: &&Entry| {
            longer.chords.len() > shorter.chords.len()
                && longer.chords.starts_with(&shorter.chords)
                && (shorter.context == longer.context
                    || shorter.context == Context::Global
                    || longer.context == Context::Global)
        };
        if let Some(shorter) = entries.iter().find(hides) {
            let later = if shorter.place > longer.place { shorter } else { longer };
            let message = format!(
                "\"{}\" ({} in {}) begins \"{}\" ({} in {}), which can therefore not be pressed",
                spell(&shorter.chords),
                shorter.action.map_or("", Action::name),
                shorter.context.name(),
                spell(&longer.chords),
                longer.action.map_or("", Action::name),
                longer.context.name(),
            );
            problems.push(Problem { place: later.place.clone(), key: "bind.on".to_owned(), message });
        }
    }
}

fn note_unbound(loaded: &LoadedKeymap, file: &str, problems: &mut Vec<Problem>) {
    let bound: BTreeSet<Action> = loaded.keymap.bindings().iter().map(|binding| binding.action).collect();
    let lost = Action::ALL.iter().filter(|action| !bound.contains(action) && !loaded.unbound.contains(action));
    let names: Vec<&str> = lost.map(|action| action.name()).collect();
    if !names.is_empty() {
        let message =
            format!("no key for {}; bind them, list them in unbound, or inherit \"default\"", names.join(", "));
        problems.push(Problem { key: "bind".to_owned(), ..Problem::of_file(file, message) });
    }
}

fn read(text: &Text, problems: &mut Vec<Problem>) -> Layer<KeymapFile> {
    let content = KeymapFile { file: text.file.clone(), ..KeymapFile::default() };
    read_layer(text, problems, &KEYS, content, |content, document, key, value| {
        match key {
            "unbound" => content.unbound = unbound(document, value),
            "unbind" => content.entries.splice(0..0, entries(document, "unbind", value)).for_each(drop),
            "bind" => content.entries.extend(entries(document, "bind", value)),
            _ => return KeyUse::Unknown,
        }
        KeyUse::Read
    })
}

fn unbound<'t>(document: &mut Document<'t>, value: &Value<'t>) -> BTreeSet<Action> {
    let names = document.strings("unbound", value);
    names.into_iter().filter_map(|(name, span)| action(document, "unbound", name, &span)).collect()
}

fn entries<'t>(document: &mut Document<'t>, path: &str, value: &Value<'t>) -> Vec<Entry> {
    let Some(array) = document.array(path, value) else { return Vec::new() };
    let mut entries = Vec::new();
    for item in array {
        if let Some(table) = document.table(path, item) {
            entries.extend(entry(document, path, table, &item.span()));
        }
    }
    entries
}

/// One entry for each context; empty if the table has a mistake.
fn entry<'t>(document: &mut Document<'t>, path: &str, table: &DeTable<'t>, span: &Range<usize>) -> Vec<Entry> {
    let (mut chords, mut run, mut contexts) = (None, None, Some(vec![Context::Global]));
    let wanted: &[&str] = if path == "bind" { &["in", "on", "run"] } else { &["in", "on"] };
    for (key, value) in table {
        let name: &str = key.get_ref();
        let at = join(path, name);
        match name {
            "on" => chords = parse_chords(document, &at, value),
            "run" if wanted.contains(&name) => {
                run = document.string(&at, value).and_then(|name| action(document, &at, name, &value.span()));
            }
            "in" => contexts = parse_contexts(document, &at, value),
            _ => document.note_unknown_key(key, path, wanted),
        }
    }
    for key in wanted.iter().filter(|key| **key != "in" && !table.contains_key(**key)) {
        document.note(span, path, format!("\"{key}\" is missing"));
    }
    let (Some(chords), Some(contexts)) = (chords, contexts) else { return Vec::new() };
    if path == "bind" && run.is_none() {
        return Vec::new();
    }
    let place = document.place(span);
    let entry = |context| Entry { context, chords: chords.clone(), action: run, place: place.clone() };
    contexts.into_iter().map(entry).collect()
}

fn action(document: &mut Document<'_>, key: &str, name: &str, span: &Range<usize>) -> Option<Action> {
    let found = Action::from_name(name);
    if found.is_none() {
        let names: Vec<&str> = Action::ALL.iter().map(|action| action.name()).collect();
        document.note(span, key, no_such("action", name, &names));
    }
    found
}

fn parse_chords(document: &mut Document<'_>, key: &str, value: &Value<'_>) -> Option<Vec<Chord>> {
    let text = document.string(key, value)?;
    let parsed: Result<Vec<Chord>, String> = text.split_whitespace().map(str::parse).collect();
    match parsed {
        Ok(chords) if !chords.is_empty() => return Some(chords),
        Ok(_) => document.note(&value.span(), key, "is empty; write for example \"g g\" or \"ctrl-d\""),
        Err(reason) => {
            let allowed = "allowed: a character, space, enter, esc, tab, backtab, backspace, del, ins, up, down, left, \
                           right, pgup, pgdn, home, end, f1 to f24, each after ctrl- or alt-";
            document.note(&value.span(), key, format!("{reason}; {allowed}"));
        }
    }
    None
}

fn parse_contexts<'t>(document: &mut Document<'t>, key: &str, value: &Value<'t>) -> Option<Vec<Context>> {
    let named = match value.get_ref() {
        DeValue::Array(_) => document.strings(key, value),
        _ => vec![(document.string(key, value)?, value.span())],
    };
    let mut contexts = Vec::new();
    for (name, span) in named {
        let Ok(context) = name.parse() else {
            document.note(&span, key, no_such("context", name, &Context::ALL.map(Context::name)));
            return None;
        };
        contexts.push(context);
    }
    Some(contexts)
}
