//! Theme and keymap files by name: built-in ones, and the user's own, which are merged over those of the same name.

use super::document::{Document, Value};
use super::problem::{Place, Problem, no_such};

/// Origin of a theme or keymap file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Built into the binary.
    Embedded,
    /// From the user's configuration directory.
    User,
}

/// One file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text {
    /// File name without directory and extension.
    pub name: String,
    /// Path, as shown in problems.
    pub file: String,
    /// Contents.
    pub text: String,
    /// Origin.
    pub origin: Origin,
}

/// All theme files and all keymap files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Library {
    /// Themes.
    pub themes: Vec<Text>,
    /// Keymaps.
    pub keymaps: Vec<Text>,
}

macro_rules! embedded {
    ($directory:literal: $($name:literal),+) => {
        vec![$(Text {
            name: $name.to_owned(),
            file: concat!($directory, "/", $name, ".toml").to_owned(),
            text: include_str!(concat!("../../", $directory, "/", $name, ".toml")).to_owned(),
            origin: Origin::Embedded,
        }),+]
    };
}

impl Library {
    /// The files built into the binary.
    pub fn embedded() -> Self {
        Self {
            themes: embedded!(
                "themes":
                "dark",
                "light",
                "high-contrast",
                "colour-blind",
                "catppuccin-mocha",
                "tokyo-night",
                "terminal",
                "monochrome"
            ),
            keymaps: embedded!("keymaps": "default", "vim", "emacs"),
        }
    }
}

impl Default for Library {
    fn default() -> Self {
        Self::embedded()
    }
}

/// The contents of one file of a chain of inheritance.
pub(super) struct Layer<T> {
    /// Contents.
    pub(super) content: T,
    /// Name in `inherits`, and its place.
    pub(super) inherits: Option<(String, Place)>,
}

/// Reads one file of a chain: `inherits` here, every other key by `read_key`, which returns whether it knows the key.
pub(super) fn read_layer<'t, T>(
    text: &'t Text,
    problems: &mut Vec<Problem>,
    keys: &[&str],
    mut content: T,
    read_key: impl Fn(&mut T, &mut Document<'t>, &str, &Value<'t>) -> KeyUse,
) -> Layer<T> {
    let (mut document, table) = Document::parse(&text.file, &text.text);
    let mut inherits = None;
    for (key, value) in &table {
        if key.get_ref() == "inherits" {
            let name = document.string("inherits", value);
            inherits = name.map(|name| (name.to_owned(), document.place(&value.span())));
        } else if read_key(&mut content, &mut document, key.get_ref(), value) == KeyUse::Unknown {
            document.note_unknown_key(key, "", keys);
        }
    }
    problems.extend(document.into_problems());
    Layer { content, inherits }
}

/// Whether a key of a file is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum KeyUse {
    /// The key was read.
    Read,
    /// There is no such key.
    Unknown,
}

/// All theme files, or all keymap files.
#[derive(Clone, Copy)]
pub(super) struct FileSet<'t> {
    /// Word for one of them in problems: `theme` or `keymap`.
    pub(super) what: &'static str,
    /// The files.
    pub(super) texts: &'t [Text],
    /// Built-in file that is used if a name is unknown.
    pub(super) fallback: &'static str,
}

/// Follows `inherits` from the file `name` on: nearest first. A user's file is followed by the embedded one of its
/// name.
pub(super) fn chain<T>(
    shelf: FileSet<'_>,
    name: &str,
    problems: &mut Vec<Problem>,
    mut read: impl FnMut(&Text, &mut Vec<Problem>) -> Layer<T>,
) -> Vec<T> {
    let mut layers = Vec::new();
    let mut seen: Vec<&Text> = Vec::new();
    let mut next = find(shelf.texts, name, None);
    if next.is_none() {
        problems.push(Problem::of_file(format!("{} {name}", shelf.what), no_such(shelf.what, name, &shelf.names())));
        next = shelf.embedded_fallback(&seen);
    }
    while let Some(text) = next {
        seen.push(text);
        let layer = read(text, problems);
        next = match &layer.inherits {
            Some((parent, place)) => inherited(shelf, &seen, parent, place).unwrap_or_else(|problem| {
                problems.push(problem);
                shelf.embedded_fallback(&seen)
            }),
            None => find(shelf.texts, &text.name, Some(text)),
        };
        layers.push(layer.content);
    }
    layers
}

impl<'t> FileSet<'t> {
    fn names(&self) -> Vec<&'t str> {
        let mut names: Vec<&str> = self.texts.iter().map(|text| text.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The embedded fallback, unless it is in the chain already.
    fn embedded_fallback(&self, seen: &[&Text]) -> Option<&'t Text> {
        let is_it = |text: &&Text| text.origin == Origin::Embedded && text.name == self.fallback;
        self.texts.iter().find(is_it).filter(|text| !seen.contains(text))
    }
}

/// The file of this name that lies below `above` (a user's file lies above the embedded one).
fn find<'t>(texts: &'t [Text], name: &str, above: Option<&Text>) -> Option<&'t Text> {
    let of = |origin| texts.iter().find(|text| text.name == name && text.origin == origin);
    match above {
        None => of(Origin::User).or_else(|| of(Origin::Embedded)),
        Some(above) if above.name == name && above.origin == Origin::User => of(Origin::Embedded),
        Some(above) if above.name == name => None,
        Some(_) => find(texts, name, None),
    }
}

/// The file that the last one of `seen` inherits from.
fn inherited<'t>(
    shelf: FileSet<'t>,
    seen: &[&'t Text],
    parent: &str,
    place: &Place,
) -> Result<Option<&'t Text>, Problem> {
    let problem = |message| Problem { place: place.clone(), key: "inherits".to_owned(), message };
    if !shelf.texts.iter().any(|text| text.name == parent) {
        return Err(problem(no_such(shelf.what, parent, &shelf.names())));
    }
    match find(shelf.texts, parent, seen.last().copied()) {
        Some(text) if !seen.contains(&text) => Ok(Some(text)),
        _ => {
            let mut round: Vec<&str> = seen.iter().map(|text| text.name.as_str()).collect();
            round.push(parent);
            Err(problem(format!("circular inheritance: {}", round.join(" → "))))
        }
    }
}
