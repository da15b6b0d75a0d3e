//! Which part of a table or a text is visible.

use super::LogGeometry;
use crate::input::Action;

/// Sizes that the last frame laid out and that keys go by. They are the view's to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Geometry {
    /// Rows of the table that fit, at least one.
    pub page_rows: usize,
    /// The largest first line of the text on top (an overlay, else the details) that leaves no empty line below it; zero
    /// where all of it is visible, and where there is no text.
    pub scroll_end: usize,
    /// Lines of the log on top; `None` where there is none.
    pub log: Option<LogGeometry>,
}

/// The position in a text that may be longer than its panel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Scroll {
    /// Index of the first visible line. Before the end is known it may lie beyond it; the view then shows the last lines.
    pub line: usize,
    /// The largest useful `line`, as of the last frame; `None` until the text has been laid out.
    pub end: Option<usize>,
}

/// The index of the selected line of a list after an action; the same after one that does not move.
pub fn moved(selected: usize, action: Action, last: usize, page: usize) -> usize {
    match action {
        Action::Up => selected.saturating_sub(1),
        Action::Down => (selected + 1).min(last),
        Action::PageUp => selected.saturating_sub(page),
        Action::PageDown => (selected + page).min(last),
        Action::Top => 0,
        Action::Bottom => last,
        _ => selected,
    }
}

impl Scroll {
    /// Back to the first line.
    pub const fn to_top(&mut self) {
        self.line = 0;
    }

    /// On to the last lines. Where the end is not known yet, this is beyond every end.
    pub fn to_bottom(&mut self) {
        self.line = self.end.unwrap_or(usize::MAX);
    }

    /// Towards the top.
    pub const fn up(&mut self, lines: usize) {
        self.line = self.line.saturating_sub(lines);
    }

    /// Towards the end, and not past it where it is known.
    pub fn down(&mut self, lines: usize) {
        self.line = self.line.saturating_add(lines).min(self.end.unwrap_or(usize::MAX));
    }

    /// The text was laid out: this is its end.
    pub fn laid_out(&mut self, end: usize) {
        (self.line, self.end) = (self.line.min(end), Some(end));
    }
}

/// Index of the first row to show, for a table that showed `offset` as its first one: scrolls no further than needed to
/// see the row at `cursor`, and leaves no empty space below the last of `count` rows. View and App both go by this, so
/// that a selected row is never out of sight.
pub fn first_visible_row(offset: usize, cursor: usize, page_rows: usize, count: usize) -> usize {
    let lowest = cursor.saturating_sub(page_rows.saturating_sub(1));
    offset.clamp(lowest, cursor.max(lowest)).min(count.saturating_sub(page_rows))
}

#[cfg(test)]
mod tests {
    use super::{Scroll, first_visible_row};

    #[test]
    fn the_row_at_the_cursor_is_always_on_the_page() {
        for (count, page_rows) in [(1, 1), (1, 10), (9, 3), (40, 16)] {
            for cursor in 0..count {
                for offset in 0..=count + page_rows {
                    let first = first_visible_row(offset, cursor, page_rows, count);
                    assert!((first..first + page_rows).contains(&cursor), "{cursor} of {count}, from {first}");
                    assert!(first == 0 || first + page_rows <= count, "no empty space below the last row");
                }
            }
        }
    }

    #[test]
    fn a_table_scrolls_no_further_than_needed() {
        assert_eq!(first_visible_row(5, 7, 10, 40), 5);
        assert_eq!(first_visible_row(5, 3, 10, 40), 3);
        assert_eq!(first_visible_row(5, 15, 10, 40), 6);
    }

    #[test]
    fn scrolling_before_the_text_length_is_known_is_applied_later() {
        let mut scroll = Scroll::default();
        scroll.to_bottom();
        scroll.laid_out(20);
        assert_eq!(scroll.line, 20);
        let mut scroll = Scroll::default();
        scroll.down(3);
        scroll.laid_out(20);
        scroll.down(30);
        scroll.up(1);
        assert_eq!(scroll.line, 19);
        scroll.laid_out(5);
        assert_eq!(scroll.line, 5);
    }
}
