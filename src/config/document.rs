//! Reads a TOML file value by value, and collects all mistakes instead of stopping at the first.

use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::lines::Lines;
use super::problem::{Place, Problem, no_such};

/// A value with its byte range in the file.
pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// Most mistakes of one file that are kept; a last one says that there are more.
const MAX_PROBLEMS: usize = 1_000;

/// A file that is being read, with the mistakes found so far.
pub(super) struct Document<'t> {
    name: &'t str,
    text: &'t str,
    lines: Lines,
    problems: Vec<Problem>,
}

impl<'t> Document<'t> {
    /// Parses the text; a part with a syntax error is skipped and becomes a problem.
    pub(super) fn parse(name: &'t str, text: &'t str) -> (Self, DeTable<'t>) {
        let mut document = Self { name, text, lines: Lines::of(text), problems: Vec::new() };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            document.note(&error.span().unwrap_or(0..0), "", error.message());
        }
        (document, table.into_inner())
    }

    /// Whether no mistake has been found so far.
    pub(super) fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    /// All mistakes in the order of the file.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort();
        self.problems
    }

    /// Records a mistake at a byte range.
    pub(super) fn note(&mut self, span: &Range<usize>, key: &str, message: impl Into<String>) {
        if self.problems.len() > MAX_PROBLEMS {
            return;
        }
        if self.problems.len() == MAX_PROBLEMS {
            self.note_of_file("", format!("has more mistakes; these are the first {MAX_PROBLEMS} that were found"));
            return;
        }
        let problem = Problem { place: self.place(span), key: key.to_owned(), message: message.into() };
        self.problems.push(problem);
    }

    /// Records a mistake of the file as a whole.
    pub(super) fn note_of_file(&mut self, key: &str, message: impl Into<String>) {
        self.problems.push(Problem { key: key.to_owned(), ..Problem::of_file(self.name, message) });
    }

    /// Records an unknown key.
    pub(super) fn note_unknown_key(&mut self, key: &Spanned<std::borrow::Cow<'_, str>>, path: &str, allowed: &[&str]) {
        let name = key.get_ref();
        self.note(&key.span(), &join(path, name), no_such("key", name, allowed));
    }

    /// Line and column of the start of a byte range.
    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        let (line, start) = self.lines.at(span.start);
        let before = self.text.get(start..span.start).unwrap_or_default();
        Place { file: self.name.to_owned(), line, column: before.chars().count() + 1 }
    }

    /// Line of the start of a byte range; cheap even where one line holds everything.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.lines.at(span.start).0
    }

    /// A string; anything else is recorded as a mistake, as in the methods below.
    pub(super) fn string<'v>(&mut self, key: &str, value: &'v Value<'_>) -> Option<&'v str> {
        match value.get_ref() {
            DeValue::String(text) => Some(text),
            other => self.mismatch(key, value, "a quoted string", other),
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, key: &str, value: &Value<'_>) -> Option<bool> {
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            other => self.mismatch(key, value, "true or false", other),
        }
    }

    /// A decimal number as text, quoted or not, so that it is never rounded to a binary fraction.
    pub(super) fn number<'v>(&mut self, key: &str, value: &'v Value<'_>) -> Option<&'v str> {
        match value.get_ref() {
            DeValue::String(text) => Some(text),
            DeValue::Float(number) => Some(number.as_str()),
            DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str()),
            other => self.mismatch(key, value, "a decimal number", other),
        }
    }

    /// A whole number within `allowed`.
    pub(super) fn integer(&mut self, key: &str, value: &Value<'_>, allowed: RangeInclusive<i64>) -> Option<i64> {
        if let DeValue::Integer(number) = value.get_ref() {
            let parsed = i64::from_str_radix(number.as_str(), number.radix()).ok();
            if let Some(known) = parsed.filter(|known| allowed.contains(known)) {
                return Some(known);
            }
        }
        let (least, most) = (allowed.start(), allowed.end());
        self.note(&value.span(), key, format!("must be a whole number from {least} to {most}"));
        None
    }

    /// A table.
    pub(super) fn table<'v>(&mut self, key: &str, value: &'v Value<'t>) -> Option<&'v DeTable<'t>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(table),
            other => self.mismatch(key, value, "a table", other),
        }
    }

    /// An array.
    pub(super) fn array<'v>(&mut self, key: &str, value: &'v Value<'t>) -> Option<&'v DeArray<'t>> {
        match value.get_ref() {
            DeValue::Array(array) => Some(array),
            other => self.mismatch(key, value, "an array in square brackets", other),
        }
    }

    /// Strings of an array with their byte ranges; other values are recorded as mistakes and left out.
    pub(super) fn strings<'v>(&mut self, key: &str, value: &'v Value<'t>) -> Vec<(&'v str, Range<usize>)> {
        let Some(array) = self.array(key, value) else { return Vec::new() };
        array.iter().filter_map(|item| Some((self.string(key, item)?, item.span()))).collect()
    }

    fn mismatch<T>(&mut self, key: &str, value: &Value<'_>, wanted: &str, found: &DeValue<'_>) -> Option<T> {
        self.note(&value.span(), key, format!("must be {wanted}, not {}", type_name(found)));
        None
    }
}

/// `path.key`, the key in quotes where TOML requires them.
pub(super) fn join(path: &str, key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let key = if bare { key.to_owned() } else { format!("{key:?}") };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(number) if number.radix() != 10 => "a hexadecimal, octal or binary number",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
