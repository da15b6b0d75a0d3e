//! Reads one theme file.

use std::collections::BTreeMap;

use super::{Colour, Modifier, Role, ThemeKind};
use crate::config::document::{Document, Value, join};
use crate::config::library::{KeyUse, Layer, Text, read_layer};
use crate::config::problem::{Place, Problem, no_such};
use toml::de::{DeTable, DeValue};

/// A colour, or the name of a palette colour.
#[derive(Clone, Debug)]
pub(super) enum Paint {
    /// A colour.
    Colour(Colour),
    /// A palette name, with its place for the problem if no palette defines it.
    Palette {
        /// Name.
        name: String,
        /// Place in the file.
        place: Place,
        /// Key, for example `styles.warn.fg`.
        key: String,
    },
}

/// A style whose palette names are not resolved yet.
#[derive(Clone, Debug, Default)]
pub(super) struct RawStyle {
    /// Colour of the text.
    pub(super) fg: Option<Paint>,
    /// Colour behind it.
    pub(super) bg: Option<Paint>,
    /// Modifiers, sorted.
    pub(super) modifiers: Vec<Modifier>,
}

/// Contents of one file.
#[derive(Clone, Debug, Default)]
pub(super) struct ThemeFile {
    /// File name, for problems of the file as a whole.
    pub(super) file: String,
    /// `kind`.
    pub(super) kind: Option<ThemeKind>,
    /// `[palette]`.
    pub(super) palette: BTreeMap<String, Colour>,
    /// `[styles]`.
    pub(super) styles: BTreeMap<Role, RawStyle>,
}

const KEYS: [&str; 4] = ["inherits", "kind", "palette", "styles"];
const STYLE_KEYS: [&str; 7] = ["bg", "bold", "dim", "fg", "italic", "reverse", "underline"];

/// Reads one file of a chain.
pub(super) fn read(text: &Text, problems: &mut Vec<Problem>) -> Layer<ThemeFile> {
    let content = ThemeFile { file: text.file.clone(), ..ThemeFile::default() };
    read_layer(text, problems, &KEYS, content, |content, document, key, value| {
        match key {
            "kind" => content.kind = kind(document, value),
            "palette" => content.palette = palette(document, value),
            "styles" => content.styles = styles(document, value),
            _ => return KeyUse::Unknown,
        }
        KeyUse::Read
    })
}

fn kind(document: &mut Document<'_>, value: &Value<'_>) -> Option<ThemeKind> {
    let text = document.string("kind", value)?;
    let found = ThemeKind::ALL.into_iter().find(|kind| kind.name() == text);
    if found.is_none() {
        document.note(&value.span(), "kind", no_such("kind", text, &ThemeKind::ALL.map(ThemeKind::name)));
    }
    found
}

fn palette<'t>(document: &mut Document<'t>, value: &Value<'t>) -> BTreeMap<String, Colour> {
    let Some(table) = document.table("palette", value) else { return BTreeMap::new() };
    let mut palette = BTreeMap::new();
    for (name, value) in table {
        let key = join("palette", name.get_ref());
        if let Some(colour) = literal(document, &key, value) {
            palette.insert(name.get_ref().to_string(), colour);
        }
    }
    palette
}

fn literal(document: &mut Document<'_>, key: &str, value: &Value<'_>) -> Option<Colour> {
    let text = colour_text(document, key, value)?;
    let colour = Colour::parse(text);
    if colour.is_none() {
        let names = super::NAMES.join(", ");
        let message = format!("invalid colour: \"{text}\"; allowed: #rrggbb, a number from 0 to 255, {names}");
        document.note(&value.span(), key, message);
    }
    colour
}

/// A string, or the digits of a number.
fn colour_text<'v>(document: &mut Document<'_>, key: &str, value: &'v Value<'_>) -> Option<&'v str> {
    match value.get_ref() {
        DeValue::Integer(number) => Some(number.as_str()),
        _ => document.string(key, value),
    }
}

fn styles<'t>(document: &mut Document<'t>, value: &Value<'t>) -> BTreeMap<Role, RawStyle> {
    let Some(table) = document.table("styles", value) else { return BTreeMap::new() };
    let mut styles = BTreeMap::new();
    for (name, value) in table {
        let key = join("styles", name.get_ref());
        let style = style(document, &key, value);
        if let Some(role) = Role::from_name(name.get_ref()) {
            styles.insert(role, style);
        } else {
            let names: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
            document.note(&name.span(), &key, no_such("role", name.get_ref(), &names));
        }
    }
    styles
}

/// `"red"`, or `{ fg = "red", bold = true }`.
fn style<'t>(document: &mut Document<'t>, key: &str, value: &Value<'t>) -> RawStyle {
    match value.get_ref() {
        DeValue::Table(table) => style_table(document, key, table),
        _ => RawStyle { fg: paint(document, key, value), ..RawStyle::default() },
    }
}

fn style_table<'t>(document: &mut Document<'t>, path: &str, table: &DeTable<'t>) -> RawStyle {
    let mut style = RawStyle::default();
    for (name, value) in table {
        let key = join(path, name.get_ref());
        let modifier = Modifier::ALL.into_iter().find(|modifier| modifier.name() == name.get_ref());
        match (name.get_ref().as_ref(), modifier) {
            ("fg", _) => style.fg = paint(document, &key, value),
            ("bg", _) => style.bg = paint(document, &key, value),
            (_, Some(modifier)) if document.boolean(&key, value) == Some(true) => style.modifiers.push(modifier),
            (_, Some(_)) => {}
            (_, None) => document.note_unknown_key(name, path, &STYLE_KEYS),
        }
    }
    style.modifiers.sort_unstable();
    style
}

/// A name that is not a colour is taken as a palette name and resolved after all files have been read.
fn paint(document: &mut Document<'_>, key: &str, value: &Value<'_>) -> Option<Paint> {
    let text = colour_text(document, key, value)?;
    if text.starts_with('#') || text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        return literal(document, key, value).map(Paint::Colour);
    }
    let place = document.place(&value.span());
    Some(Paint::Palette { name: text.to_owned(), place, key: key.to_owned() })
}
