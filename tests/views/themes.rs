//! Every theme draws every screen, and none of them needs colour to be understood.

use batchtop::config::Library;

use crate::fixture::{fleet, press};
use crate::paint::{buffer, theme};

#[test]
fn every_theme_draws_the_same_text() {
    let mut app = fleet((120, 40));
    for keys in ["1", "2", "3", "4", "5", "6", "?"] {
        press(&mut app, keys);
        let texts: Vec<Vec<String>> = Library::embedded()
            .themes
            .iter()
            .map(|text| {
                buffer(&app, &theme(&text.name)).content().iter().map(|cell| cell.symbol().to_owned()).collect()
            })
            .collect();
        assert!(texts.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

#[test]
fn monochrome_sends_no_colour() {
    let app = fleet((120, 40));
    for cell in buffer(&app, &theme("monochrome")).content() {
        assert_eq!((cell.fg, cell.bg), (ratatui::style::Color::Reset, ratatui::style::Color::Reset));
    }
}

#[test]
fn the_svg_of_a_screen_is_deterministic() {
    let app = fleet((100, 24));
    let draw = || batchtop::ui::svg(&buffer(&app, &theme("dark")), &theme("dark"));
    assert_eq!(draw(), draw());
    assert!(draw().len() < 200_000);
}
