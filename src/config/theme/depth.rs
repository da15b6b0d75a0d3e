//! How many colours a terminal shows, and the nearest of them to those of a theme.

use super::style::{Colour, Style};
use super::{Theme, ThemeKind};

/// How many colours a terminal shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ColourDepth {
    /// The sixteen of its own palette.
    Sixteen,
    /// 256.
    Palette,
    /// All of 24 bits.
    Full,
}

impl ColourDepth {
    /// As the variables `COLORTERM` and `TERM` tell: the first is set by terminals that show 24 bits
    /// (<https://github.com/termstandard/colors>).
    pub fn of(colorterm: &str, term: &str) -> Self {
        if matches!(colorterm, "truecolor" | "24bit") || term.ends_with("-direct") {
            Self::Full
        } else if term.contains("256") || !colorterm.is_empty() {
            Self::Palette
        } else {
            Self::Sixteen
        }
    }

    /// The colours that terminals of this depth define for all alike; the first sixteen of 256 are the user's own.
    fn colours(self) -> Box<dyn Iterator<Item = Colour>> {
        match self {
            Self::Sixteen => Box::new((0..16).map(Colour::Named)),
            Self::Palette | Self::Full => Box::new((16..=u8::MAX).map(Colour::Indexed)),
        }
    }

    /// The nearest colour of a terminal of this depth.
    fn nearest(self, colour: Colour) -> Colour {
        match (self, colour) {
            (Self::Full, _) | (_, Colour::Named(_)) | (Self::Palette, Colour::Indexed(_)) => colour,
            _ => self.colours().min_by_key(|other| colour.distance(*other)).unwrap_or(colour),
        }
    }
}

impl Theme {
    /// The theme with colours that a terminal of this depth shows. One for 24 bits does not stand out on sixteen colours: see
    /// [`Theme::suits`].
    #[must_use]
    pub fn at(mut self, depth: ColourDepth) -> Self {
        for Style { fg, bg, .. } in self.styles.values_mut() {
            *fg = fg.map(|colour| depth.nearest(colour));
            *bg = bg.map(|colour| depth.nearest(colour));
        }
        self
    }

    /// Whether the theme is made for terminals of this depth.
    pub const fn suits(&self, depth: ColourDepth) -> bool {
        matches!(
            (depth, self.kind),
            (ColourDepth::Palette | ColourDepth::Full, _) | (_, ThemeKind::Ansi16 | ThemeKind::Mono)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_tells_how_many_colours_there_are() {
        for (colorterm, term, depth) in [
            ("truecolor", "xterm-256color", ColourDepth::Full),
            ("24bit", "xterm", ColourDepth::Full),
            ("", "xterm-direct", ColourDepth::Full),
            ("", "xterm-256color", ColourDepth::Palette),
            ("", "screen-256color", ColourDepth::Palette),
            ("yes", "rxvt", ColourDepth::Palette),
            ("", "xterm", ColourDepth::Sixteen),
            ("", "linux", ColourDepth::Sixteen),
            ("", "", ColourDepth::Sixteen),
        ] {
            assert_eq!(ColourDepth::of(colorterm, term), depth, "{colorterm} {term}");
        }
    }

    #[test]
    fn colours_become_the_nearest_that_there_are() {
        let colour = |text| Colour::parse(text).expect("a colour");
        for (of, palette, sixteen) in [
            ("#000000", "16", "black"),
            ("#ffffff", "231", "bright-white"),
            ("#ff0000", "196", "bright-red"),
            ("#808080", "244", "bright-black"),
            ("#87afff", "111", "bright-blue"),
            ("208", "208", "yellow"),
            ("green", "green", "green"),
        ] {
            assert_eq!(ColourDepth::Palette.nearest(colour(of)), colour(palette), "{of}");
            assert_eq!(ColourDepth::Sixteen.nearest(colour(of)), colour(sixteen), "{of}");
            assert_eq!(ColourDepth::Full.nearest(colour(of)), colour(of));
        }
    }
}
