//! Theme and keymap files by name: the embedded ones, and the user's own over them.

use super::problem::{Place, Problem, no_such};

/// Where a file comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// In the binary.
    Embedded,
    /// In the user's configuration directory.
    User,
}

/// One file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text {
    /// Its name without directory and extension.
    pub name: String,
    /// The path to show in problems.
    pub file: String,
    /// What it says.
    pub text: String,
    /// Where it comes from.
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
    /// What the binary carries.
    pub fn embedded() -> Self {
        Self {
            themes: embedded!("themes": "dark", "light", "terminal", "monochrome"),
            keymaps: embedded!("keymaps": "default"),
        }
    }
}

impl Default for Library {
    fn default() -> Self {
        Self::embedded()
    }
}

/// One file of a chain of inheritance, read.
pub(super) struct Layer<T> {
    /// What it says.
    pub(super) content: T,
    /// The name it inherits from, and where it says so.
    pub(super) inherits: Option<(String, Place)>,
}

/// Follows `inherits` from the file `name` on: nearest first. A user's file is followed by the embedded one of its name.
pub(super) fn chain<T>(
    texts: &[Text],
    name: &str,
    what: &str,
    problems: &mut Vec<Problem>,
    mut read: impl FnMut(&Text, &mut Vec<Problem>) -> Layer<T>,
) -> Vec<T> {
    let mut layers = Vec::new();
    let mut seen: Vec<&Text> = Vec::new();
    let mut next = find(texts, name, None);
    if next.is_none() {
        problems.push(Problem::of_file(format!("{what} {name}"), no_such(what, name, &names(texts))));
    }
    while let Some(text) = next {
        seen.push(text);
        let layer = read(text, problems);
        next = match &layer.inherits {
            Some((parent, place)) => inherited(texts, &seen, parent, place, what, problems),
            None => find(texts, &text.name, Some(text)),
        };
        layers.push(layer.content);
    }
    layers
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

fn inherited<'t>(
    texts: &'t [Text],
    seen: &[&'t Text],
    parent: &str,
    place: &Place,
    what: &str,
    problems: &mut Vec<Problem>,
) -> Option<&'t Text> {
    let note = |message| Problem { place: place.clone(), key: "inherits".to_owned(), message };
    let known = texts.iter().any(|text| text.name == parent);
    let found = find(texts, parent, seen.last().copied());
    match found {
        Some(text) if !seen.contains(&text) => return Some(text),
        None if !known => problems.push(note(no_such(what, parent, &names(texts)))),
        _ => {
            let mut round: Vec<&str> = seen.iter().map(|text| text.name.as_str()).collect();
            round.push(parent);
            problems.push(note(format!("goes in a circle: {}", round.join(" → "))));
        }
    }
    None
}

fn names(texts: &[Text]) -> Vec<&str> {
    let mut names: Vec<&str> = texts.iter().map(|text| text.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}
