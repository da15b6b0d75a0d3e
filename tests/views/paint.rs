//! A screen as text: what is written, and below it which role each cell has.
//!
//! Snapshots never hold a whole screen. [`body`] is the middle of it, or the overlay where there is one; `chrome.rs` has
//! the rest: header, tabs, rules, sentence and footer. The letters of the roles are always those of [`LEGEND`], which
//! is also the snapshot `roles_legend`.

use std::collections::BTreeSet;
use std::ops::Range;

use batchtop::app::App;
use batchtop::config::theme::{Colour, Modifier};
use batchtop::config::{Library, Role, Theme};
use batchtop::ui::draw;
use batchtop::view::{Area, Screen, derive};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style;

/// The letter of each role, the same in every snapshot.
///
/// A row that is selected or marked has the letters of what is written in it, and that of the row's role between them.
const LEGEND: &[(Role, char)] = &[
    (Role::Text, 't'),
    (Role::TextDim, 'd'),
    (Role::TextStrong, 's'),
    (Role::Border, '-'),
    (Role::BorderFocus, '='),
    (Role::Title, 'T'),
    (Role::Header, 'H'),
    (Role::Tab, 'a'),
    (Role::TabActive, 'A'),
    (Role::Column, 'c'),
    (Role::ColumnSorted, 'C'),
    (Role::RowSelected, '#'),
    (Role::RowMarked, '_'),
    (Role::Ok, 'o'),
    (Role::Warn, 'w'),
    (Role::Bad, 'b'),
    (Role::Info, 'i'),
    (Role::Pending, 'p'),
    (Role::Running, 'r'),
    (Role::Finished, 'f'),
    (Role::Terminating, 'l'),
    (Role::Spot, 'S'),
    (Role::OnDemand, 'O'),
    (Role::Reserved, 'R'),
    (Role::Gpu, 'g'),
    (Role::Protected, 'P'),
    (Role::Unknown, '?'),
    (Role::Stale, '~'),
    (Role::BarFill, '+'),
    (Role::BarEmpty, '.'),
    (Role::Key, 'k'),
    (Role::Input, 'I'),
    (Role::Choice, 'h'),
    (Role::NoticeInfo, '1'),
    (Role::NoticeWarning, '2'),
    (Role::NoticeError, '3'),
];

fn letter(role: Role) -> char {
    LEGEND.iter().find(|(other, _)| *other == role).expect("a letter for every role").1
}

#[test]
fn every_style_role_has_its_own_letter() {
    let listed: Vec<Role> = LEGEND.iter().map(|(role, _)| *role).collect();
    assert_eq!(listed, Role::ALL, "the legend has every role once, in the order of the list of roles");
    let letters: BTreeSet<char> = LEGEND.iter().map(|(_, letter)| *letter).collect();
    assert_eq!(letters.len(), LEGEND.len(), "two roles share a letter");
    assert!(letters.iter().all(char::is_ascii_graphic), "one visible column each: {letters:?}");
    let legend: Vec<String> = LEGEND.iter().map(|(role, letter)| format!("{letter} {}", role.name())).collect();
    snapshot!("roles_legend", legend.join("\n"));
}

/// Compares with `snapshots/{name}.snap`; a macro, so that the snapshot names the file of the test.
macro_rules! snapshot {
    ($name:expr, $content:expr) => {{
        let (name, content): (&str, &str) = (&$name, &$content);
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, content);
        });
    }};
}
pub(crate) use snapshot;

pub fn theme(name: &str) -> Theme {
    let (theme, problems) = Theme::load(&Library::embedded(), name);
    assert_eq!(problems, []);
    theme
}

pub fn buffer(app: &App, theme: &Theme) -> Buffer {
    buffer_of(&derive(app), theme)
}

fn buffer_of(screen: &Screen, theme: &Theme) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, screen.size.0, screen.size.1));
    draw(screen, theme, &mut buffer);
    buffer
}

/// All of the screen, without roles: to look for words in.
pub fn text(app: &App) -> String {
    let screen = derive(app);
    let all = Area { x: 0, y: 0, width: screen.size.0, height: screen.size.1 };
    rows(&buffer_of(&screen, &theme("dark")), all).join("\n")
}

/// The overlay where there is one, else the rows between header and footer.
pub fn body(app: &App) -> String {
    let screen = derive(app);
    joined(rows(&buffer_of(&screen, &theme("dark")), body_area(&screen)))
}

/// The same, then the same rows with the letter of each cell's role.
pub fn body_with_roles(app: &App) -> String {
    let screen = derive(app);
    with_roles(&screen, body_area(&screen))
}

/// The parts of the screen around its body, each full rows of the terminal.
#[derive(Clone, Copy)]
pub enum Chrome {
    /// The rows above the tabs: where we are, how alive it is, what there is.
    Header,
    /// Tabs, filter, order and position.
    Tabs,
    /// The rules above and below the body, with what is written into them.
    Rules,
    /// The sentence, and the keys or the line that is typed.
    Footer,
}

/// A part of the screen as if nothing lay over it, and its roles; empty where the terminal is too low for it.
pub fn chrome_with_roles(app: &App, part: Chrome) -> String {
    let screen = Screen { overlay: None, ..derive(app) };
    let (tabs, middle) = (tabs_row(&screen), middle(&screen));
    let (from, to) = match part {
        Chrome::Header => (0, tabs),
        Chrome::Tabs => (tabs, tabs + 1),
        Chrome::Rules => {
            let rules = screen.rules.iter().map(|rule| with_roles(&screen, rule.area));
            return rules.collect::<Vec<_>>().join("\n");
        }
        Chrome::Footer => {
            let below = screen.lines.iter().map(|line| line.area.y).filter(|y| *y >= middle.end);
            (below.min().expect("a sentence"), screen.size.1)
        }
    };
    with_roles(&screen, full_rows(&screen, from..to))
}

/// The first cell outside of the overlay that is drawn otherwise than without it.
pub fn beside_overlay(app: &App) -> Option<(u16, u16)> {
    let (screen, theme) = (derive(app), theme("dark"));
    let overlay = screen.overlay.as_ref().expect("an overlay").area;
    let (with, without) = (buffer_of(&screen, &theme), buffer_of(&Screen { overlay: None, ..screen.clone() }, &theme));
    let cells = with.area.positions().map(|position| (position.x, position.y));
    cells.filter(|(x, y)| !overlay.contains(*x, *y)).find(|cell| with[*cell] != without[*cell])
}

fn body_area(screen: &Screen) -> Area {
    screen.overlay.as_ref().map_or_else(|| full_rows(screen, middle(screen)), |overlay| overlay.area)
}

fn tabs_row(screen: &Screen) -> u16 {
    screen.tabs.first().expect("tabs").placed.area.y
}

/// Between the rules; without rules between the tabs and the sentence.
fn middle(screen: &Screen) -> Range<u16> {
    if let [upper, lower] = screen.rules.as_slice() {
        return upper.area.y + 1..lower.area.y;
    }
    let tabs = tabs_row(screen);
    let below = screen.lines.iter().map(|line| line.area.y).filter(|y| *y > tabs);
    tabs + 1..below.min().expect("a sentence")
}

fn full_rows(screen: &Screen, rows: Range<u16>) -> Area {
    Area { x: 0, y: rows.start, width: screen.size.0, height: rows.end - rows.start }
}

fn with_roles(screen: &Screen, area: Area) -> String {
    let buffer = buffer_of(screen, &roles_as_colours());
    format!("{}\n\n{}\n", joined(rows(&buffer, area)), joined(letters(&buffer, area)))
}

/// One text for each row of an area.
fn rows(buffer: &Buffer, area: Area) -> Vec<String> {
    let row = |y| {
        let mut text = String::new();
        let mut x = area.x;
        while x < area.x + area.width {
            let symbol = buffer[(x, y)].symbol();
            text.push_str(symbol);
            x += u16::try_from(unicode_width::UnicodeWidthStr::width(symbol)).unwrap_or(1).max(1);
        }
        text.trim_end().to_owned()
    };
    (area.y..area.y + area.height).map(row).collect()
}

fn letters(buffer: &Buffer, area: Area) -> Vec<String> {
    let row = |y| (area.x..area.x + area.width).map(|x| letter_of(&buffer[(x, y)])).collect::<String>();
    (area.y..area.y + area.height).map(|y| row(y).trim_end().to_owned()).collect()
}

/// The role of what is written in a cell drawn with [`roles_as_colours`].
pub fn role_of(cell: &Cell) -> Option<Role> {
    match cell.fg {
        style::Color::Rgb(number, _, _) => Role::ALL.get(usize::from(number)).copied(),
        _ => None,
    }
}

/// The letter of a cell drawn with [`roles_as_colours`].
fn letter_of(cell: &Cell) -> char {
    match cell.fg {
        style::Color::Rgb(..) if cell.symbol() != " " => role_of(cell).map_or(' ', letter),
        style::Color::Rgb(..) if cell.modifier.contains(style::Modifier::REVERSED) => letter(Role::RowSelected),
        style::Color::Rgb(..) if cell.modifier.contains(style::Modifier::UNDERLINED) => letter(Role::RowMarked),
        _ => ' ',
    }
}

/// The rows as one text; how many empty rows follow is said in words.
fn joined(mut rows: Vec<String>) -> String {
    let all = rows.len();
    rows.truncate(rows.iter().rposition(|row| !row.is_empty()).map_or(0, |last| last + 1));
    match all - rows.len() {
        0 => {}
        1 => rows.push("(1 empty row)".to_owned()),
        empty => rows.push(format!("({empty} empty rows)")),
    }
    rows.join("\n")
}

/// A theme in which each role has a colour that is its number.
pub fn roles_as_colours() -> Theme {
    let mut text = String::from("kind = \"dark\"\n[styles]\n");
    for (number, role) in Role::ALL.iter().enumerate() {
        let fg = Colour::Rgb(u8::try_from(number).expect("few roles"), 0, 0);
        let style = match role {
            Role::RowSelected => format!("{{ {} = true }}", Modifier::Reverse.name()),
            Role::RowMarked => format!("{{ {} = true }}", Modifier::Underline.name()),
            _ => format!("{{ fg = \"{fg}\" }}"),
        };
        text += &["\"", role.name(), "\" = ", &style, "\n"].concat();
    }
    let mut library = Library::embedded();
    library.themes[0].text = text;
    let (theme, problems) = Theme::load(&library, "dark");
    assert_eq!(problems, []);
    theme
}
