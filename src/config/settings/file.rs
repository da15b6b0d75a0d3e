//! Reads `config.toml`.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::super::document::{Document, Value, join};
use super::super::problem::{Place, Problem};
use super::kind::SettingValue;
use super::table::{SETTINGS, Setting};
use crate::units::glob;

/// What `config.toml` sets; flags and environment take precedence over it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    pub(super) layer: Layer,
    /// What is set for contexts, in the order of the file.
    pub(super) contexts: Vec<ContextSettings>,
}

/// What is set for the contexts of a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ContextSettings {
    /// The name; a star stands for any characters.
    pub(super) pattern: String,
    pub(super) layer: Layer,
}

/// Values that are set, by key.
pub(super) type Layer = BTreeMap<&'static str, Placed>;

/// A value with its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placed {
    /// The value.
    pub value: SettingValue,
    /// Where it stands.
    pub place: Place,
    /// The key before it, with the tables that it is in.
    pub path: String,
    /// Of a list of texts the places of its items.
    pub items: Vec<Place>,
}

/// The key at the top under which are the settings for contexts.
pub(super) const CONTEXT: &str = "context";

impl Settings {
    /// Whether anything is set for contexts.
    pub fn has_contexts(&self) -> bool {
        !self.contexts.is_empty()
    }

    /// What is set for a context: first by the patterns that it fits, in the order of the file, then by its own name.
    pub(super) fn of_context(&self, name: &str) -> Vec<&ContextSettings> {
        let mut fitting: Vec<&ContextSettings> =
            self.contexts.iter().filter(|context| glob::matches(&context.pattern, name)).collect();
        fitting.sort_by_key(|context| context.pattern == name);
        fitting
    }

    /// Where a setting is set: for all contexts, then for some.
    pub fn all(&self, setting: &Setting) -> impl Iterator<Item = &Placed> {
        let of_contexts = self.contexts.iter().filter_map(|context| context.layer.get(setting.key));
        self.layer.get(setting.key).into_iter().chain(of_contexts)
    }
}

/// Reads `config.toml`; `file` is its name in problems.
pub fn parse(file: &str, text: &str) -> (Settings, Vec<Problem>) {
    let (mut document, table) = Document::parse(file, text);
    let mut settings = Settings::default();
    for (key, value) in &table {
        let name: &str = key.get_ref();
        if name == CONTEXT {
            settings.contexts = contexts(&mut document, value);
        } else if !read(&mut document, &mut settings.layer, "", name, value) {
            let mut known = names();
            known.push(CONTEXT);
            known.sort_unstable();
            document.note_unknown_key(key, "", &known);
        }
    }
    (settings, document.into_problems())
}

fn contexts<'t>(document: &mut Document<'t>, value: &Value<'t>) -> Vec<ContextSettings> {
    let Some(table) = document.table(CONTEXT, value) else { return Vec::new() };
    let mut found = Vec::new();
    for (key, value) in table {
        let (pattern, path): (&str, String) = (key.get_ref(), join(CONTEXT, key.get_ref()));
        let mut layer = Layer::new();
        let Some(table) = document.table(&path, value) else { continue };
        for (key, value) in table {
            if !read(document, &mut layer, &path, key.get_ref(), value) {
                document.note_unknown_key(key, &path, &names());
            }
        }
        found.push((key.span().start, ContextSettings { pattern: pattern.to_owned(), layer }));
    }
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, context)| context).collect()
}

/// Keys of settings and of their tables, sorted.
fn names() -> Vec<&'static str> {
    let of = |setting: &&'static Setting| match setting.parts() {
        ("", key) => key,
        (table, _) => table,
    };
    let mut names: Vec<&str> = SETTINGS.iter().map(of).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Keys of a table, sorted.
fn names_in(table: &str) -> Vec<&'static str> {
    let mut names: Vec<&str> =
        SETTINGS.iter().map(|setting| setting.parts()).filter(|(of, _)| *of == table).map(|(_, key)| key).collect();
    names.sort_unstable();
    names
}

/// Reads a setting, or a table of settings. `false` where there is no such key. `prefix` stands before the key in problems.
fn read<'t>(document: &mut Document<'t>, layer: &mut Layer, prefix: &str, name: &str, value: &Value<'t>) -> bool {
    let path = join(prefix, name);
    if let Some(setting) = Setting::find(name).filter(|setting| setting.parts().0.is_empty()) {
        put(document, layer, setting, &path, value);
        return true;
    }
    if names_in(name).is_empty() {
        return false;
    }
    if let Some(table) = document.table(&path, value) {
        read_table(document, layer, name, &path, table);
    }
    true
}

fn read_table<'t>(document: &mut Document<'t>, layer: &mut Layer, name: &str, path: &str, table: &DeTable<'t>) {
    for (key, value) in table {
        match Setting::find(&format!("{name}.{}", key.get_ref())) {
            Some(setting) => put(document, layer, setting, &join(path, key.get_ref()), value),
            None => document.note_unknown_key(key, path, &names_in(name)),
        }
    }
}

fn put<'t>(document: &mut Document<'t>, layer: &mut Layer, setting: &'static Setting, path: &str, value: &Value<'t>) {
    let Some(read) = setting.kind.read(document, path, value) else { return };
    let items = match value.get_ref() {
        DeValue::Array(items) => {
            let texts = items.iter().filter(|item| matches!(item.get_ref(), DeValue::String(_)));
            texts.map(|item| document.place(&item.span())).collect()
        }
        _ => Vec::new(),
    };
    let place = document.place(&value.span());
    layer.insert(setting.key, Placed { value: read, place, path: path.to_owned(), items });
}
