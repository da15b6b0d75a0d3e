//! Renders a buffer as SVG, byte for byte reproducibly.
//!
//! One `<text>` per run of equal style with an explicit `x` for each cell, because renderers fall back to fonts of
//! other widths as soon as one glyph is missing; for the same reason lines, blocks, shades and braille are drawn as
//! shapes and never as glyphs.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use crate::config::theme::{Colour, Style, ThemeKind};
use crate::config::{Role, Theme};

/// Size of a cell in tenths of a pixel, so that positions are exact without floating point.
const CELL: (u32, u32) = (84, 180);
/// Baseline below the top of a cell, in tenths of a pixel.
const BASELINE: u32 = 135;
/// Margin, in tenths of a pixel.
const MARGIN: u32 = 100;
/// Font size in pixels.
const FONT_SIZE: u32 = 14;

/// Style of a cell with defaults resolved.
#[derive(Clone, PartialEq, Eq)]
struct Ink {
    fg: (u8, u8, u8),
    bg: (u8, u8, u8),
    modifier: Modifier,
}

/// Draws a buffer.
pub fn svg(buffer: &Buffer, theme: &Theme) -> String {
    let picture = Picture { buffer, ground: ground(theme) };
    let (width, height) = (left(buffer.area.width) + MARGIN, top(buffer.area.height) + MARGIN);
    let mut out = String::new();
    let size = format!("width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\"", tenths(width), tenths(height));
    let _ = writeln!(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" {size} shape-rendering=\"crispEdges\">");
    let font = "font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\"";
    let _ = writeln!(out, "<rect width=\"100%\" height=\"100%\" fill=\"{}\"/>", hex(picture.ground.bg));
    let _ = writeln!(out, "<g {font} font-size=\"{FONT_SIZE}\" xml:space=\"preserve\">");
    for y in 0..buffer.area.height {
        picture.row(&mut out, y);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// Colours assumed for those of the terminal.
fn ground(theme: &Theme) -> Ink {
    let Style { fg, bg, .. } = theme.style(Role::Text).clone();
    let (dark_on_light, black, white) = (theme.kind == ThemeKind::Light, (17, 17, 17), (229, 229, 229));
    let (default_fg, default_bg) = if dark_on_light { (black, white) } else { (white, black) };
    Ink { fg: fg.map_or(default_fg, Colour::rgb), bg: bg.map_or(default_bg, Colour::rgb), modifier: Modifier::empty() }
}

/// A buffer that is being drawn.
struct Picture<'a> {
    buffer: &'a Buffer,
    ground: Ink,
}

/// Cells of equal style next to one another.
struct Run {
    from: u16,
    cells: Vec<(u16, String)>,
    to: u16,
    ink: Ink,
}

/// The left edge of a column.
fn left(column: u16) -> u32 {
    MARGIN + u32::from(column) * CELL.0
}

/// The upper edge of a row.
fn top(row: u16) -> u32 {
    MARGIN + u32::from(row) * CELL.1
}

impl Picture<'_> {
    fn row(&self, out: &mut String, y: u16) {
        let runs = self.runs(y);
        runs.iter().for_each(|run| self.background(out, run, y));
        runs.iter().for_each(|run| foreground(out, run, y));
    }

    fn runs(&self, y: u16) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let mut hidden = 0;
        for x in 0..self.buffer.area.width {
            let Some(cell) = self.buffer.cell((x, y)) else { continue };
            let ink = self.ink(cell);
            // The cell behind a wide character holds a blank of its own, which is not shown.
            let symbol = if hidden > 0 { String::new() } else { cell.symbol().to_owned() };
            hidden = if hidden > 0 {
                hidden - 1
            } else {
                unicode_width::UnicodeWidthStr::width(symbol.as_str()).saturating_sub(1)
            };
            match runs.last_mut().filter(|run| run.ink == ink) {
                Some(run) => {
                    run.to = x + 1;
                    run.cells.push((x, symbol));
                }
                None => runs.push(Run { from: x, to: x + 1, cells: vec![(x, symbol)], ink }),
            }
        }
        runs
    }

    fn ink(&self, cell: &Cell) -> Ink {
        let fg = resolve(cell.fg).unwrap_or(self.ground.fg);
        let bg = resolve(cell.bg).unwrap_or(self.ground.bg);
        let reversed = cell.modifier.contains(Modifier::REVERSED);
        let (fg, bg) = if reversed { (bg, fg) } else { (fg, bg) };
        let fg = if cell.modifier.contains(Modifier::DIM) { mix(fg, bg) } else { fg };
        Ink { fg, bg, modifier: cell.modifier & (Modifier::BOLD | Modifier::ITALIC | Modifier::UNDERLINED) }
    }

    fn background(&self, out: &mut String, run: &Run, y: u16) {
        if run.ink.bg != self.ground.bg {
            let width = left(run.to) - left(run.from);
            rect(out, (left(run.from), top(y)), (width, CELL.1), &hex(run.ink.bg), 10);
        }
    }
}

fn foreground(out: &mut String, run: &Run, y: u16) {
    let (mut places, mut text) = (Vec::new(), String::new());
    for (x, symbol) in run.cells.iter().filter(|(_, symbol)| !symbol.trim().is_empty()) {
        if !shape(out, symbol, (left(*x), top(y)), &hex(run.ink.fg)) {
            // One coordinate per character; those of one cell share it.
            places.extend(symbol.chars().map(|_| tenths(left(*x))));
            text.push_str(symbol);
        }
    }
    if !text.is_empty() {
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" fill=\"{}\"{}>{}</text>",
            places.join(" "),
            tenths(top(y) + BASELINE),
            hex(run.ink.fg),
            attributes(run.ink.modifier),
            escape(&text)
        );
    }
    if run.ink.modifier.contains(Modifier::UNDERLINED) {
        let width = left(run.to) - left(run.from);
        rect(out, (left(run.from), top(y) + CELL.1 - 20), (width, 10), &hex(run.ink.fg), 10);
    }
}

fn attributes(modifier: Modifier) -> String {
    let mut text = String::new();
    if modifier.contains(Modifier::BOLD) {
        text.push_str(" font-weight=\"bold\"");
    }
    if modifier.contains(Modifier::ITALIC) {
        text.push_str(" font-style=\"italic\"");
    }
    text
}

/// Draws a character that is a shape; `false` where it is a letter.
fn shape(out: &mut String, symbol: &str, at: (u32, u32), fill: &str) -> bool {
    let mut chars = symbol.chars();
    let (Some(c), None) = (chars.next(), chars.next()) else { return false };
    match c {
        '─' | '│' | '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' => {
            lines(out, c, at, fill);
        }
        '\u{2580}'..='\u{2595}' => block(out, c, at, fill),
        '\u{2800}'..='\u{28ff}' => braille(out, c, at, fill),
        _ => return false,
    }
    true
}

/// Arms of a box-drawing character: left, right, up, down.
const fn arms(c: char) -> [bool; 4] {
    match c {
        '─' => [true, true, false, false],
        '│' => [false, false, true, true],
        '┌' => [false, true, false, true],
        '┐' => [true, false, false, true],
        '└' => [false, true, true, false],
        '┘' => [true, false, true, false],
        '├' => [false, true, true, true],
        '┤' => [true, false, true, true],
        '┬' => [true, true, false, true],
        '┴' => [true, true, true, false],
        _ => [true; 4],
    }
}

fn lines(out: &mut String, c: char, (x, y): (u32, u32), fill: &str) {
    let (middle_x, middle_y) = (x + CELL.0 / 2 - 5, y + CELL.1 / 2 - 5);
    let [left, right, up, down] = arms(c);
    let from_x = if left { x } else { middle_x };
    let to_x = if right { x + CELL.0 } else { middle_x + 10 };
    let from_y = if up { y } else { middle_y };
    let to_y = if down { y + CELL.1 } else { middle_y + 10 };
    if left || right {
        rect(out, (from_x, middle_y), (to_x - from_x, 10), fill, 10);
    }
    if up || down {
        rect(out, (middle_x, from_y), (10, to_y - from_y), fill, 10);
    }
}

/// U+2580 to U+2595: halves, eighths and shades. Blocks leave a thin gap at the right, so that they can be counted.
fn block(out: &mut String, c: char, (x, y): (u32, u32), fill: &str) {
    let (width, height) = CELL;
    let hair = 8;
    let code = u32::from(c);
    match c {
        '▀' => rect(out, (x, y), (width, height / 2), fill, 10),
        '\u{2581}'..='\u{2588}' => {
            let tall = height * (code - 0x2580) / 8;
            rect(out, (x, y + height - tall), (width - hair, tall), fill, 10);
        }
        '\u{2589}'..='\u{258f}' => rect(out, (x, y), (width * (0x2590 - code) / 8, height), fill, 10),
        '▐' => rect(out, (x + width / 2, y), (width / 2, height), fill, 10),
        '░' | '▒' | '▓' => rect(out, (x, y), (width, height), fill, (code - 0x2590) * 10 / 4),
        '▔' => rect(out, (x, y), (width, height / 8), fill, 10),
        _ => rect(out, (x + width * 7 / 8, y), (width / 8, height), fill, 10),
    }
}

/// Bits of a braille pattern: dots 1 to 8 as (column, row).
const DOTS: [(u32, u32); 8] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)];

fn braille(out: &mut String, c: char, (x, y): (u32, u32), fill: &str) {
    let bits = u32::from(c) - 0x2800;
    for (bit, (column, row)) in DOTS.iter().enumerate() {
        if bits >> bit & 1 == 1 {
            let (cx, cy) = (x + CELL.0 * (2 * column + 1) / 4, y + CELL.1 * (2 * row + 1) / 8);
            let _ = writeln!(out, "<circle cx=\"{}\" cy=\"{}\" r=\"1.2\" fill=\"{fill}\"/>", tenths(cx), tenths(cy));
        }
    }
}

/// A rectangle; `opacity` in tenths.
fn rect(out: &mut String, (x, y): (u32, u32), (width, height): (u32, u32), fill: &str, opacity: u32) {
    let opacity = if opacity >= 10 { String::new() } else { format!(" fill-opacity=\"{}\"", tenths(opacity)) };
    let (x, y, width, height) = (tenths(x), tenths(y), tenths(width), tenths(height));
    let _ = writeln!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"{opacity}/>");
}

fn tenths(value: u32) -> String {
    if value.is_multiple_of(10) { (value / 10).to_string() } else { format!("{}.{}", value / 10, value % 10) }
}

fn hex((r, g, b): (u8, u8, u8)) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Two thirds of the first and a third of the second: how terminals show dim text.
fn mix(a: (u8, u8, u8), b: (u8, u8, u8)) -> (u8, u8, u8) {
    let channel = |a: u8, b: u8| u8::try_from((2 * u16::from(a) + u16::from(b)) / 3).unwrap_or(a);
    (channel(a.0, b.0), channel(a.1, b.1), channel(a.2, b.2))
}

fn resolve(color: Color) -> Option<(u8, u8, u8)> {
    let named = |n| Some(Colour::Named(n).rgb());
    match color {
        Color::Reset => None,
        Color::Rgb(r, g, b) => Some((r, g, b)),
        Color::Indexed(n) => Some(Colour::Indexed(n).rgb()),
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => named(8),
        Color::LightRed => named(9),
        Color::LightGreen => named(10),
        Color::LightYellow => named(11),
        Color::LightBlue => named(12),
        Color::LightMagenta => named(13),
        Color::LightCyan => named(14),
        Color::White => named(15),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::{Color, Style};

    use super::svg;
    use crate::config::{Library, Theme};

    #[test]
    fn an_svg_places_each_letter_and_draws_symbols_as_shapes() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 1));
        buffer.set_string(0, 0, "a<─▇⠓b", Style::new().fg(Color::Rgb(1, 2, 3)));
        let (theme, _) = Theme::load(&Library::embedded(), "dark");
        let picture = svg(&buffer, &theme);
        assert!(picture.contains("<text x=\"10 18.4 52\" y=\"23.5\" fill=\"#010203\">a&lt;b</text>"), "{picture}");
        assert_eq!(picture.matches("<circle").count(), 3);
        assert!(!picture.contains('─') && !picture.contains('▇'));
        assert_eq!(picture, svg(&buffer, &theme));
    }
}
