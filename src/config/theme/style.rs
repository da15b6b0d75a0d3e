//! Styles: colours and modifiers, independent of the terminal crate.

use std::fmt;

/// A terminal colour.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Colour {
    /// One of the sixteen that the terminal's own palette defines, 0 to 15.
    Named(u8),
    /// One of 256.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// The sixteen names, by number.
pub const NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

impl Colour {
    /// From `#rrggbb`, one of [`NAMES`], or a number from 0 to 255.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(hex) = text.strip_prefix('#') {
            return parse_hex(hex);
        }
        let named = NAMES.iter().position(|name| *name == text).and_then(|at| u8::try_from(at).ok()).map(Self::Named);
        named.or_else(|| text.parse().ok().map(Self::Indexed))
    }

    /// As red, green, blue; the sixteen named colours as in xterm.
    pub fn rgb(self) -> (u8, u8, u8) {
        match self {
            Self::Rgb(r, g, b) => (r, g, b),
            Self::Named(n) => SIXTEEN[usize::from(n) % 16],
            Self::Indexed(n) if n < 16 => SIXTEEN[usize::from(n)],
            Self::Indexed(n) if n < 232 => cube(n - 16),
            Self::Indexed(n) => {
                let level = 8 + 10 * (n - 232);
                (level, level, level)
            }
        }
    }

    /// How far two colours are apart: the square of their distance in red, green and blue.
    pub fn distance(self, other: Self) -> u32 {
        let ((r, g, b), (other_r, other_g, other_b)) = (self.rgb(), other.rgb());
        [(r, other_r), (g, other_g), (b, other_b)].iter().map(|(one, two)| u32::from(one.abs_diff(*two)).pow(2)).sum()
    }

    /// Relative luminance as WCAG 2.2 defines it, from 0 to 1.
    pub fn luminance(self) -> f64 {
        let (r, g, b) = self.rgb();
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }

    /// Contrast ratio as WCAG 2.2 defines it, from 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }
}

/// xterm's defaults.
const SIXTEEN: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

fn cube(n: u8) -> (u8, u8, u8) {
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    (level(n / 36), level(n / 6 % 6), level(n % 6))
}

fn linear(channel: u8) -> f64 {
    let value = f64::from(channel) / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

fn parse_hex(hex: &str) -> Option<Colour> {
    if hex.len() != 6 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let bits = u32::from_str_radix(hex, 16).ok()?;
    let [_, r, g, b] = bits.to_be_bytes();
    Some(Colour::Rgb(r, g, b))
}

/// In the syntax of theme files.
impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(n) => f.write_str(NAMES[usize::from(*n) % 16]),
            Self::Indexed(n) => write!(f, "{n}"),
            Self::Rgb(r, g, b) => write!(f, "#{r:02x}{g:02x}{b:02x}"),
        }
    }
}

/// One modifier of a style.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "each variant is the modifier of that name")]
pub enum Modifier {
    Bold,
    Dim,
    Italic,
    Underline,
    Reverse,
}

impl Modifier {
    /// Every modifier.
    pub const ALL: [Self; 5] = [Self::Bold, Self::Dim, Self::Italic, Self::Underline, Self::Reverse];

    /// Name in theme files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bold => "bold",
            Self::Dim => "dim",
            Self::Italic => "italic",
            Self::Underline => "underline",
            Self::Reverse => "reverse",
        }
    }
}

/// Style of a role. What is `None` or not listed is inherited from the text below it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Style {
    /// Colour of the text.
    pub fg: Option<Colour>,
    /// Colour behind the text.
    pub bg: Option<Colour>,
    /// Modifiers, sorted.
    pub modifiers: Vec<Modifier>,
}

#[cfg(test)]
mod tests {
    use super::Colour;

    #[test]
    fn a_colour_is_written_as_it_is_parsed() {
        for text in ["#1a2b3c", "bright-black", "red", "0", "208"] {
            assert_eq!(Colour::parse(text).map(|colour| colour.to_string()).as_deref(), Some(text));
        }
        for bad in ["", "#12345", "#12345g", "#+12345", "orange", "256", "-1"] {
            assert_eq!(Colour::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn contrast_is_computed_as_in_wcag() {
        let (black, white) = (Colour::Rgb(0, 0, 0), Colour::Rgb(255, 255, 255));
        assert!((black.contrast(white) - 21.0).abs() < 1e-9);
        assert!((Colour::Rgb(0x77, 0x77, 0x77).contrast(white) - 4.48).abs() < 0.01);
        assert_eq!(Colour::Indexed(255).rgb(), (238, 238, 238));
        assert_eq!(Colour::Indexed(196).rgb(), (255, 0, 0));
    }
}
