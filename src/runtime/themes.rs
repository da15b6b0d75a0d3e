//! `batchtop themes`: the themes, on a terminal each with a sample of its colours.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};

use super::options::Options;
use crate::config::theme::{Colour, Modifier, Style};
use crate::config::{ColourDepth, Origin, Role, Text, Theme};
use crate::units::text::printable;

/// What a sample shows, with the role of each piece.
const SAMPLE: [(&str, Role); 15] = [
    ("train-0 ", Role::TextStrong),
    ("default ", Role::TextDim),
    ("● running ", Role::Running),
    ("◌ starting ", Role::Pending),
    ("✗ failed ", Role::Bad),
    ("↓ going ", Role::Terminating),
    ("▣ held ", Role::Protected),
    ("▲ dies 14:20 ", Role::Warn),
    ("spot ", Role::Spot),
    ("od ", Role::OnDemand),
    ("resv ", Role::Reserved),
    ("8/8 ", Role::Gpu),
    ("▇▇▇", Role::BarFill),
    ("▁▁ ", Role::BarEmpty),
    (" selected ", Role::RowSelected),
];

/// The list as it is printed to standard output.
pub fn list(options: &Options) -> String {
    let environment = |name: &str| std::env::var(name).unwrap_or_default();
    let term = environment("TERM");
    let is_coloured = io::stdout().is_terminal() && environment("NO_COLOR").is_empty() && term != "dumb";
    let depth = is_coloured.then(|| ColourDepth::of(&environment("COLORTERM"), &term));
    let mut text = String::new();
    for theme in &options.library.themes {
        let _ = writeln!(text, "{}", printable(&title(options, theme)));
        if let Some(depth) = depth {
            let _ = writeln!(text, "  {}", sample(&Theme::load(&options.library, &theme.name).0.at(depth)));
        }
    }
    text
}

/// Name and origin; a star before the one that is used.
fn title(options: &Options, theme: &Text) -> String {
    let mark = if theme.name == options.theme_name { '*' } else { ' ' };
    let origin = match theme.origin {
        Origin::Embedded => "built in",
        Origin::User => theme.file.as_str(),
    };
    format!("{mark} {:<18} {origin}", theme.name)
}

/// A line in the colours of a theme.
fn sample(theme: &Theme) -> String {
    let ground = theme.style(Role::Text);
    let pieces = SAMPLE.iter().map(|(text, role)| format!("{}{text}", codes(theme.style(*role), ground)));
    pieces.collect::<String>() + RESET
}

const RESET: &str = "\u{1b}[0m";

/// What makes a terminal write in a style; what the style leaves open is that of the ground (ECMA-48 §8.3.117, SGR).
fn codes(style: &Style, ground: &Style) -> String {
    let mut codes = vec!["0".to_owned()];
    codes.extend(style.modifiers.iter().map(|modifier| attribute(*modifier).to_owned()));
    codes.extend(style.fg.or(ground.fg).map(|colour| paint(colour, 38)));
    codes.extend(style.bg.or(ground.bg).map(|colour| paint(colour, 48)));
    format!("\u{1b}[{}m", codes.join(";"))
}

const fn attribute(modifier: Modifier) -> &'static str {
    match modifier {
        Modifier::Bold => "1",
        Modifier::Dim => "2",
        Modifier::Italic => "3",
        Modifier::Underline => "4",
        Modifier::Reverse => "7",
    }
}

/// `layer` is 38 for text and 48 for what is behind it.
fn paint(colour: Colour, layer: u8) -> String {
    match colour {
        Colour::Rgb(red, green, blue) => format!("{layer};2;{red};{green};{blue}"),
        Colour::Indexed(number) => format!("{layer};5;{number}"),
        // The sixteen have codes of their own, which terminals of sixteen colours understand, too.
        Colour::Named(number @ 8..) => (u16::from(layer) + 52 + u16::from(number % 8)).to_string(),
        Colour::Named(number) => (layer - 8 + number).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Library;

    #[test]
    fn a_sample_has_the_colours_of_its_theme_and_the_same_text_in_each() {
        let library = Library::embedded();
        let plain: String = SAMPLE.iter().map(|(text, _)| *text).collect();
        let mut samples = Vec::new();
        for text in &library.themes {
            let sample = sample(&Theme::load(&library, &text.name).0);
            let shown: String = sample
                .split('\u{1b}')
                .map(|piece| piece.strip_prefix('[').and_then(|piece| piece.split_once('m')).map_or(piece, |it| it.1))
                .collect();
            assert_eq!(shown, plain, "{}", text.name);
            assert!(sample.ends_with(RESET));
            samples.push(sample);
        }
        samples.sort();
        samples.dedup();
        assert_eq!(samples.len(), library.themes.len(), "no two look alike");
    }

    #[test]
    fn the_sixteen_colours_have_their_own_codes() {
        assert_eq!(paint(Colour::Named(1), 38), "31");
        assert_eq!(paint(Colour::Named(9), 38), "91");
        assert_eq!(paint(Colour::Named(15), 48), "107");
        assert_eq!(paint(Colour::Named(0), 48), "40");
        assert_eq!(paint(Colour::Rgb(1, 2, 3), 48), "48;2;1;2;3");
    }
}
