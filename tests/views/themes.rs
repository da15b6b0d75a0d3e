//! Every theme draws every screen, every text in it can be read, and none needs colour to be understood.

use std::collections::BTreeMap;

use batchtop::app::App;
use batchtop::config::theme::{Colour, ThemeKind};
use batchtop::config::{ColourDepth, Library, Role, Theme};
use batchtop::view::{Body, derive};
use ratatui::buffer::Cell;
use ratatui::style::Color;

use crate::fixture::{fleet, press};
use crate::paint::{buffer, role_of, roles_as_colours, theme};

/// The keys that lead to each screen, to its views, details and dialogs.
const PLACES: [&str; 17] = [
    "1",
    "1 v",
    "1 v v v",
    "1 enter",
    "1 space j space",
    "2",
    "2 enter",
    "3",
    "3 space",
    "3 p",
    "4",
    "5",
    "6",
    "7",
    "F",
    "H",
    "?",
];

fn at(keys: &str) -> App {
    let mut app = fleet((120, 40));
    press(&mut app, keys);
    app
}

fn themes() -> Vec<Theme> {
    Library::embedded().themes.iter().map(|text| theme(&text.name)).collect()
}

#[test]
fn every_theme_draws_the_same_text() {
    for keys in PLACES {
        let app = at(keys);
        let drawn = |theme: &Theme| -> Vec<String> {
            buffer(&app, theme).content().iter().map(|cell| cell.symbol().to_owned()).collect()
        };
        let texts: Vec<Vec<String>> = themes().iter().map(drawn).collect();
        assert!(texts.windows(2).all(|pair| pair[0] == pair[1]), "{keys}");
    }
}

/// As xterm shows it on its black background, for what is left to the terminal.
fn seen(colour: Color, otherwise: Colour) -> Colour {
    const NAMED: [Color; 16] = [
        Color::Black,
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::Gray,
        Color::DarkGray,
        Color::LightRed,
        Color::LightGreen,
        Color::LightYellow,
        Color::LightBlue,
        Color::LightMagenta,
        Color::LightCyan,
        Color::White,
    ];
    match colour {
        Color::Rgb(r, g, b) => Colour::Rgb(r, g, b),
        Color::Indexed(number) => Colour::Indexed(number),
        named => match NAMED.iter().position(|known| *known == named) {
            Some(number) => Colour::Named(u8::try_from(number).expect("sixteen")),
            None => otherwise,
        },
    }
}

fn contrast(cell: &Cell) -> f64 {
    let (text, ground) = (seen(cell.fg, Colour::Named(7)), seen(cell.bg, Colour::Named(0)));
    text.contrast(ground)
}

/// What of a role has too little contrast where it was drawn, the worst of each.
fn too_faint(app: &App, theme: &Theme) -> BTreeMap<&'static str, String> {
    let (drawn, roles) = (buffer(app, theme), buffer(app, &roles_as_colours()));
    let mut faint = BTreeMap::new();
    for (cell, of) in drawn.content().iter().zip(roles.content()) {
        let Some(role) = role_of(of).filter(|_| cell.symbol() != " ") else { continue };
        let Some(least) = role.least_contrast() else { continue };
        let wanted = match (theme.name.as_str(), theme.kind) {
            ("high-contrast", _) => 7.0,
            // The terminal's own colours, as its user chose them: at least as a sign.
            (_, ThemeKind::Ansi16) => 3.0,
            _ => least,
        };
        if contrast(cell) < wanted {
            faint.insert(role.name(), format!("{:?} has {:.2}", cell.symbol(), contrast(cell)));
        }
    }
    faint
}

#[test]
fn every_text_of_every_screen_can_be_read_in_every_theme() {
    for keys in PLACES {
        let app = at(keys);
        let coloured = themes().into_iter().filter(|theme| theme.kind != ThemeKind::Mono);
        for theme in coloured {
            for depth in [ColourDepth::Full, ColourDepth::Palette, ColourDepth::Sixteen] {
                if !theme.suits(depth) {
                    continue;
                }
                let faint = too_faint(&app, &theme.clone().at(depth));
                assert!(faint.is_empty(), "{keys}: {} at {depth:?}: {faint:?}", theme.name);
            }
        }
    }
}

#[test]
fn the_check_of_contrast_finds_a_faint_colour() {
    let mut library = Library::embedded();
    let dark = library.themes.iter_mut().find(|text| text.name == "dark").expect("the theme");
    dark.text = dark.text.replace("faint = \"#8c95a4\"", "faint = \"#2c3544\"");
    assert!(too_faint(&at("1"), &Theme::load(&library, "dark").0).contains_key("column"));
}

/// Roles that say in which state something is.
const STATES: [Role; 14] = [
    Role::Ok,
    Role::Warn,
    Role::Bad,
    Role::Info,
    Role::Pending,
    Role::Running,
    Role::Finished,
    Role::Terminating,
    Role::Spot,
    Role::OnDemand,
    Role::Reserved,
    Role::Protected,
    Role::Unknown,
    Role::Stale,
];

/// Words and glyphs of one column that stand for two states: nobody without colours could tell them apart. Numbers are
/// what they are: a colour only says that one of them is worth a look.
fn told_by_colour_alone(app: &App) -> Vec<String> {
    let Body::Table(table) = derive(app).body else { return Vec::new() };
    let colours = theme("colour-blind");
    let mut found = Vec::new();
    for at in 0..table.columns.len() {
        let mut roles: BTreeMap<String, Role> = BTreeMap::new();
        for cell in table.rows.iter().filter_map(|row| row.cells.get(at)) {
            let mut states = cell.spans().iter().filter(|span| STATES.contains(&span.role()));
            let Some(role) = states.next().map(batchtop::view::Span::role) else { continue };
            let text = cell.text();
            if text.trim().is_empty() || text.chars().any(|c| c.is_ascii_digit()) {
                continue;
            }
            let first = *roles.entry(text.clone()).or_insert(role);
            if colours.style(first) != colours.style(role) {
                found.push(format!(
                    "{}: {text:?} is {} and {}",
                    table.columns[at].title.text(),
                    first.name(),
                    role.name()
                ));
            }
        }
    }
    found
}

#[test]
fn no_two_states_of_a_column_differ_by_colour_alone() {
    for keys in PLACES {
        assert_eq!(told_by_colour_alone(&at(keys)), Vec::<String>::new(), "{keys}");
    }
}

#[test]
fn monochrome_sends_no_colour() {
    for keys in PLACES {
        for cell in buffer(&at(keys), &theme("monochrome")).content() {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
        }
    }
}

/// Without colours a selected row is still found, and so is a marked one.
#[test]
fn selected_and_marked_rows_are_seen_in_every_theme() {
    let app = at("1 space");
    let Body::Table(table) = derive(&app).body else { panic!("a table") };
    for theme in themes() {
        let cells = buffer(&app, &theme);
        let look = |row: u16| {
            let cell = &cells[(table.area.x + table.area.width - 1, table.area.y + 1 + row)];
            (cell.bg, cell.modifier)
        };
        let (marked, selected, plain) = (look(0), look(1), look(2));
        assert!(marked != plain && selected != plain && marked != selected, "{}", theme.name);
    }
}

#[test]
fn the_svg_of_a_screen_is_deterministic() {
    let app = fleet((100, 24));
    let draw = || batchtop::ui::svg(&buffer(&app, &theme("dark")), &theme("dark"));
    assert_eq!(draw(), draw());
    assert!(draw().len() < 200_000);
}
