//! Dialogs and texts: where they are, and which of their lines are visible.

use super::screen::{Area, Border, Panel};
use super::{Line, format};
use crate::config::Role;

/// A text before it has a place.
pub(super) struct Sheet {
    /// Title of the panel.
    pub(super) title: Line,
    /// All lines, not yet broken.
    pub(super) lines: Vec<Line>,
    /// Columns by which broken lines are indented.
    pub(super) indent: usize,
    /// Index of the first line to show; beyond the end the last lines are shown.
    pub(super) scroll: usize,
    /// Line below the text: keys.
    pub(super) hint: Line,
    /// What the line below begins with where not all is visible.
    pub(super) scroll_hint: Line,
    /// Position of what is typed: index of the line before wrapping, and column.
    pub(super) cursor: Option<(usize, usize)>,
}

/// A panel, and how far it can be scrolled.
pub(super) struct Laid {
    /// Panel with its visible lines.
    pub(super) panel: Panel,
    /// The largest useful scroll.
    pub(super) scroll_end: usize,
    /// Column and row of the terminal where the cursor blinks.
    pub(super) cursor: Option<(u16, u16)>,
}

impl Sheet {
    /// Nothing but a title.
    pub(super) fn new(title: Line) -> Self {
        Self {
            title,
            lines: Vec::new(),
            indent: 2,
            scroll: 0,
            hint: Line::new(),
            scroll_hint: Line::new(),
            cursor: None,
        }
    }

    /// In a given place.
    pub(super) fn fill(self, area: Area, border: Border) -> Laid {
        let mut panel = Panel { area, border, title: self.title, lines: Vec::new(), hint: Line::new() };
        let inside = panel.inside();
        let mut lines: Vec<Line> = Vec::new();
        let mut cursor = None;
        for (at, line) in self.lines.into_iter().enumerate() {
            let typed_here = self.cursor.filter(|(line, _)| *line == at).map(|(_, column)| column);
            cursor = cursor.or(typed_here.map(|column| (lines.len(), column)));
            lines.extend(line.wrap(usize::from(inside.width), self.indent));
        }
        let page = usize::from(inside.height);
        let scroll_end = lines.len().saturating_sub(page);
        let start = self.scroll.min(scroll_end);
        let width = usize::from(panel.text_area().width);
        let position = position(start, page, lines.len());
        panel.title = with_position(panel.title, position, width);
        let scrolls = if scroll_end > 0 { self.scroll_hint } else { Line::new() };
        panel.hint = scrolls.then(self.hint).cut(width);
        panel.lines =
            lines.into_iter().skip(start).take(page).map(|line| line.cut(usize::from(inside.width))).collect();
        let cursor = cursor.and_then(|at| on_screen(at, start, inside));
        Laid { panel, scroll_end, cursor }
    }

    /// In a box in the middle of the screen, as wide and high as its lines want and the screen allows.
    pub(super) fn float(self, size: (u16, u16), widest: u16) -> Laid {
        let longest = self.lines.iter().chain([&self.title, &self.hint]).map(Line::width).max().unwrap_or(0);
        let wanted = u16::try_from(longest + 4).unwrap_or(u16::MAX).max(30);
        let width = wanted.min(widest).min(size.0.saturating_sub(2)).max(1);
        let inner = usize::from(width.saturating_sub(4));
        let broken: usize = self.lines.iter().map(|line| line.clone().wrap(inner, self.indent).len()).sum();
        let height = u16::try_from(broken + 2).unwrap_or(u16::MAX).min(size.1.saturating_sub(2)).max(1);
        let area =
            Area { x: (size.0.saturating_sub(width)) / 2, y: (size.1.saturating_sub(height)) / 2, width, height };
        self.fill(area, Border::Box)
    }
}

/// The cell of the cursor, where its line is visible.
fn on_screen((line, column): (usize, usize), start: usize, inside: Area) -> Option<(u16, u16)> {
    let row = u16::try_from(line.checked_sub(start)?).ok().filter(|row| *row < inside.height)?;
    let column = u16::try_from(column).ok()?.min(inside.width.saturating_sub(1));
    Some((inside.x + column, inside.y + row))
}

/// `12–30 of 57`, where not all is visible.
fn position(start: usize, page: usize, all: usize) -> Line {
    if all <= page {
        return Line::new();
    }
    let end = (start + page).min(all);
    let text = format!(" {}–{} of {} ", format::count(start + 1), format::count(end), format::count(all));
    Line::of(Role::TextDim, text)
}

/// A title with a position at its right end.
pub(super) fn with_position(title: Line, position: Line, width: usize) -> Line {
    let left = title.cut(width.saturating_sub(position.width()));
    let gap = width.saturating_sub(left.width() + position.width());
    if position.is_empty() { left } else { left.and(Role::Text, " ".repeat(gap)).then(position) }
}
