//! Writes text with roles into the cells of a buffer.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier as Attribute, Style as Look};

use crate::config::theme::{Colour, Modifier, Style};
use crate::config::{Role, Theme};
use crate::view::{Area, Line};

/// A buffer with the theme to draw with.
pub(super) struct Painter<'a> {
    theme: &'a Theme,
    buffer: &'a mut Buffer,
}

impl<'a> Painter<'a> {
    /// Fills everything with the background of [`Role::Text`].
    pub(super) fn new(theme: &'a Theme, buffer: &'a mut Buffer) -> Self {
        let mut painter = Self { theme, buffer };
        let all = Area { x: 0, y: 0, width: painter.buffer.area.width, height: painter.buffer.area.height };
        painter.clear(all);
        painter
    }

    /// Empties an area.
    pub(super) fn clear(&mut self, area: Area) {
        let rect = self.rect(area);
        let look = look(self.theme.style(Role::Text));
        for position in rect.positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.reset();
                cell.set_style(look);
            }
        }
    }

    /// Writes a line from `x` on, at most `width` columns.
    pub(super) fn line(&mut self, line: &Line, x: u16, y: u16, width: u16) {
        let end = x.saturating_add(width).min(self.buffer.area.right());
        let mut at = x;
        for span in line.spans() {
            if at >= end || y >= self.buffer.area.bottom() {
                return;
            }
            let look = look(self.theme.style(span.role()));
            (at, _) = self.buffer.set_stringn(at, y, span.text(), usize::from(end - at), look);
        }
    }

    /// Lays a role over what is already there.
    pub(super) fn over(&mut self, area: Area, role: Role) {
        let rect = self.rect(area);
        self.buffer.set_style(rect, look(self.theme.style(role)));
    }

    /// Writes the same symbol into every cell of an area.
    pub(super) fn repeat(&mut self, symbol: &str, area: Area, role: Role) {
        let look = look(self.theme.style(role));
        for position in self.rect(area).positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.set_symbol(symbol).set_style(look);
            }
        }
    }

    fn rect(&self, area: Area) -> Rect {
        Rect::new(area.x, area.y, area.width, area.height).intersection(self.buffer.area)
    }
}

/// Converts a style of the theme to ratatui's.
fn look(style: &Style) -> Look {
    let attributes = style.modifiers.iter().map(|modifier| attribute(*modifier)).collect();
    Look { fg: style.fg.map(color), bg: style.bg.map(color), add_modifier: attributes, ..Look::default() }
}

const fn attribute(modifier: Modifier) -> Attribute {
    match modifier {
        Modifier::Bold => Attribute::BOLD,
        Modifier::Dim => Attribute::DIM,
        Modifier::Italic => Attribute::ITALIC,
        Modifier::Underline => Attribute::UNDERLINED,
        Modifier::Reverse => Attribute::REVERSED,
    }
}

/// The sixteen names are sent as such, so that the terminal's own palette applies.
const fn color(colour: Colour) -> Color {
    match colour {
        Colour::Rgb(r, g, b) => Color::Rgb(r, g, b),
        Colour::Indexed(n) => Color::Indexed(n),
        Colour::Named(n) => match n % 16 {
            0 => Color::Black,
            1 => Color::Red,
            2 => Color::Green,
            3 => Color::Yellow,
            4 => Color::Blue,
            5 => Color::Magenta,
            6 => Color::Cyan,
            7 => Color::Gray,
            8 => Color::DarkGray,
            9 => Color::LightRed,
            10 => Color::LightGreen,
            11 => Color::LightYellow,
            12 => Color::LightBlue,
            13 => Color::LightMagenta,
            14 => Color::LightCyan,
            _ => Color::White,
        },
    }
}
