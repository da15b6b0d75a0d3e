//! Themes: the style of each [`Role`].

mod depth;
mod file;
mod role;
mod style;

use std::collections::BTreeMap;

pub use depth::ColourDepth;
use file::{Paint, RawStyle, ThemeFile};
pub use role::Role;
pub use style::{Colour, Modifier, NAMES, Style};

use super::library::{FileSet, Library, chain};
use super::problem::{Problem, no_such};

/// Terminal background and colours that a theme is made for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ThemeKind {
    /// Light text on a dark background.
    #[default]
    Dark,
    /// Dark text on a light background.
    Light,
    /// The terminal's own sixteen colours, on its own background.
    Ansi16,
    /// No colour at all.
    Mono,
}

impl ThemeKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Dark, Self::Light, Self::Ansi16, Self::Mono];

    /// Name in theme files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Ansi16 => "ansi16",
            Self::Mono => "mono",
        }
    }
}

/// Name of the theme that is used in place of the default one where a terminal shows sixteen colours.
pub const SIXTEEN_COLOURS: &str = "terminal";

/// Name of the theme that is used if `NO_COLOR` is set.
pub const MONOCHROME: &str = "monochrome";

/// Name of the theme that is used if none is chosen.
pub const DEFAULT: &str = "dark";

/// Styles of all roles.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Theme {
    /// Name, for example `dark`.
    pub name: String,
    /// Terminal that it is made for.
    pub kind: ThemeKind,
    styles: BTreeMap<Role, Style>,
}

impl Theme {
    /// Style of a role; plain if the theme does not define one.
    pub fn style(&self, role: Role) -> &Style {
        static PLAIN: Style = Style { fg: None, bg: None, modifiers: Vec::new() };
        self.styles.get(&role).unwrap_or(&PLAIN)
    }

    /// Roles without a style.
    pub fn missing(&self) -> impl Iterator<Item = Role> {
        Role::ALL.iter().copied().filter(|role| !self.styles.contains_key(role))
    }

    /// The theme of this name, merged with those it inherits from, and all mistakes found.
    pub fn load(library: &Library, name: &str) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let shelf = FileSet { what: "theme", texts: &library.themes, fallback: DEFAULT };
        let layers = chain(shelf, name, &mut problems, file::read);
        let theme = resolve(name, &layers, &mut problems);
        problems.sort();
        (theme, problems)
    }
}

/// Merges the files, the nearest last, and resolves palette names afterwards, so that a file that changes an inherited
/// palette also changes the inherited styles.
fn resolve(name: &str, layers: &[ThemeFile], problems: &mut Vec<Problem>) -> Theme {
    let mut palette = BTreeMap::new();
    let mut raw: BTreeMap<Role, &RawStyle> = BTreeMap::new();
    for layer in layers.iter().rev() {
        palette.extend(layer.palette.iter().map(|(name, colour)| (name.as_str(), *colour)));
        raw.extend(layer.styles.iter().map(|(role, style)| (*role, style)));
    }
    let styles = raw.into_iter().map(|(role, style)| (role, look_up(style, &palette, problems))).collect();
    let kind = layers.iter().find_map(|layer| layer.kind).unwrap_or_default();
    let theme = Theme { name: name.to_owned(), kind, styles };
    note_missing(&theme, layers, problems);
    theme
}

fn note_missing(theme: &Theme, layers: &[ThemeFile], problems: &mut Vec<Problem>) {
    let missing: Vec<&str> = theme.missing().map(Role::name).collect();
    if let (Some(last), false) = (layers.last(), missing.is_empty()) {
        let message = format!("no style for {}; add them, or a line like inherits = \"{DEFAULT}\"", missing.join(", "));
        problems.push(Problem { key: "styles".to_owned(), ..Problem::of_file(last.file.clone(), message) });
    }
}

fn look_up(raw: &RawStyle, palette: &BTreeMap<&str, Colour>, problems: &mut Vec<Problem>) -> Style {
    let mut colour = |paint: &Option<Paint>| match paint {
        None => None,
        Some(Paint::Colour(colour)) => Some(*colour),
        Some(Paint::Palette { name, place, key }) => {
            let found = palette.get(name.as_str()).copied().or_else(|| Colour::parse(name));
            if found.is_none() {
                let names: Vec<&str> = palette.keys().copied().collect();
                let hint = "; or #rrggbb, a number from 0 to 255, or a name like bright-red";
                let message = no_such("colour", name, &names) + hint;
                problems.push(Problem { place: place.clone(), key: key.clone(), message });
            }
            found
        }
    };
    Style { fg: colour(&raw.fg), bg: colour(&raw.bg), modifiers: raw.modifiers.clone() }
}
