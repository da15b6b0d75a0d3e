//! A screen as text: what is written, and below it which role each piece has.

use std::collections::BTreeMap;

use batchtop::app::App;
use batchtop::config::theme::{Colour, Modifier};
use batchtop::config::{Library, Role, Theme};
use batchtop::ui::draw;
use batchtop::view::derive;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub fn theme(name: &str) -> Theme {
    let (theme, problems) = Theme::load(&Library::embedded(), name);
    assert_eq!(problems, []);
    theme
}

pub fn buffer(app: &App, theme: &Theme) -> Buffer {
    let screen = derive(app);
    let mut buffer = Buffer::empty(Rect::new(0, 0, screen.size.0, screen.size.1));
    draw(&screen, theme, &mut buffer);
    buffer
}

/// The text alone.
pub fn text(app: &App) -> String {
    rows(&buffer(app, &theme("dark"))).join("\n")
}

fn rows(buffer: &Buffer) -> Vec<String> {
    let row = |y| {
        let mut text = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            text.push_str(symbol);
            x += u16::try_from(unicode_width::UnicodeWidthStr::width(symbol)).unwrap_or(1).max(1);
        }
        text.trim_end().to_owned()
    };
    (0..buffer.area.height).map(row).collect()
}

/// The text, then the same rows with one letter for each role, then what the letters mean.
pub fn with_roles(app: &App) -> String {
    let theme = roles_as_colours();
    let buffer = buffer(app, &theme);
    let mut letters: BTreeMap<u8, char> = BTreeMap::new();
    let mut layer = Vec::new();
    for y in 0..buffer.area.height {
        let row: String = (0..buffer.area.width)
            .map(|x| {
                let cell = &buffer[(x, y)];
                let ratatui::style::Color::Rgb(role, _, _) = cell.fg else { return ' ' };
                let selected = cell.modifier.contains(ratatui::style::Modifier::REVERSED);
                if cell.symbol() == " " && !selected {
                    return ' ';
                }
                if role == 0 && selected {
                    return '#';
                }
                let next = char::from(b'a' + u8::try_from(letters.len() % 26).unwrap_or(0));
                let next = if letters.len() < 26 { next } else { next.to_ascii_uppercase() };
                *letters.entry(role).or_insert(next)
            })
            .collect();
        layer.push(row.trim_end().to_owned());
    }
    let legend: Vec<String> =
        letters.iter().map(|(role, letter)| format!("{letter} {}", Role::ALL[usize::from(*role)].name())).collect();
    format!("{}\n\n{}\n\n{}\n", rows(&buffer).join("\n"), layer.join("\n"), legend.join(", "))
}

/// A theme in which each role has a colour that is its number.
fn roles_as_colours() -> Theme {
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
