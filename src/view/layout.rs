//! Where the parts of the screen are, by the size of the terminal.

use super::screen::Area;
use crate::app::Screen;

/// Below this nothing useful fits.
pub(super) const SMALLEST: (u16, u16) = (40, 10);

/// From this width on details stand beside the table.
pub(super) const BESIDE_FROM: u16 = 140;

/// From this height on a terminal has room for totals and rules.
pub(super) const SPACIOUS_FROM: u16 = 16;

/// From this height on there is room for all that Cost says besides its rows.
pub(super) const SUMMARY_ROOMY_FROM: u16 = 40;

/// Rows in which Cost sums up where there is little room.
pub(super) const SUMMARY_ROWS: u16 = 5;

/// Rows in which Cost sums up from [`SUMMARY_ROOMY_FROM`] on.
const ROOMY_SUMMARY_ROWS: u16 = 15;

/// Rows of a spacious terminal that are not of the body: title, totals, tabs and rule above; rule, sentence and footer
/// below.
const FRAME_ROWS: u16 = 7;

/// The same on a terminal that is too low for totals and rules.
const LOW_FRAME_ROWS: u16 = 4;

/// A body with less rows gives none to a banner: titles, and a few rows.
const LOWEST_BODY: u16 = 4;

/// The parts of the screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Layout {
    /// Context, version, health.
    pub(super) title: Area,
    /// Counts; not on small terminals.
    pub(super) totals: Option<Area>,
    /// Screens, filter, order.
    pub(super) tabs: Area,
    /// The line above the table; not on small terminals.
    pub(super) upper_rule: Option<Area>,
    /// The line about nodes that are taken back; only while there are some.
    pub(super) banner: Option<Area>,
    /// Sums of Cost, or a map of GPUs, above the table; not on other screens.
    pub(super) summary: Option<Area>,
    /// Table, or what stands in its place.
    pub(super) body: Area,
    /// The line below the table; not on small terminals.
    pub(super) lower_rule: Option<Area>,
    /// The sentence about the selected row.
    pub(super) sentence: Area,
    /// Keys, or a line that is typed.
    pub(super) footer: Area,
}

impl Layout {
    /// Of a terminal of this size (columns, rows) that shows this screen.
    pub(super) fn of(size: (u16, u16), screen: Screen) -> Self {
        Self::without_summary(size).with_summary(summary_rows(screen, size.1))
    }

    /// The same with a line for the banner, which is taken off the body: it covers nothing.
    pub(super) fn with_banner(self) -> Self {
        if self.body.height < LOWEST_BODY {
            return self;
        }
        let below = |area: Area| Area { y: area.y + 1, ..area };
        let body = Area { height: self.body.height - 1, ..below(self.body) };
        let y = self.summary.map_or(self.body.y, |summary| summary.y);
        Self { banner: Some(Area::row(0, y, self.body.width)), summary: self.summary.map(below), body, ..self }
    }

    /// The same with so many rows taken off the top of the body.
    pub(super) fn with_summary(self, rows: u16) -> Self {
        if rows == 0 {
            return self;
        }
        let rows = rows.min(self.body.height);
        let summary = Area { height: rows, ..self.body };
        let body = Area { y: self.body.y + rows, height: self.body.height - rows, ..self.body };
        Self { summary: Some(summary), body, ..self }
    }

    fn without_summary((width, height): (u16, u16)) -> Self {
        let row = |y| Area::row(0, y, width);
        let (sentence, footer) = (row(height.saturating_sub(2)), row(height.saturating_sub(1)));
        if height < SPACIOUS_FROM {
            let body = Area { x: 0, y: 2, width, height: height.saturating_sub(LOW_FRAME_ROWS) };
            return Self {
                title: row(0),
                totals: None,
                tabs: row(1),
                upper_rule: None,
                banner: None,
                summary: None,
                body,
                lower_rule: None,
                sentence,
                footer,
            };
        }
        let body = Area { x: 0, y: 4, width, height: height.saturating_sub(FRAME_ROWS) };
        Self {
            title: row(0),
            totals: Some(row(1)),
            tabs: row(2),
            upper_rule: Some(row(3)),
            banner: None,
            summary: None,
            body,
            lower_rule: Some(row(height.saturating_sub(3))),
            sentence,
            footer,
        }
    }

    /// Table and details: beside one another where both fit, else the details alone.
    pub(super) fn split(&self) -> (Option<Area>, Area) {
        if self.body.width < BESIDE_FROM {
            return (None, self.body);
        }
        let left = self.body.width / 2;
        let right = Area { x: left, width: self.body.width - left, ..self.body };
        (Some(Area { width: left, ..self.body }), right)
    }

    /// Rows of the table that fit into the body, at least one.
    pub(super) fn page_rows(&self) -> usize {
        page_rows(self.body)
    }
}

/// Rows of a table that fit into its area below the titles of its columns, at least one.
pub(super) fn page_rows(table: Area) -> usize {
    usize::from(table.height.saturating_sub(1).max(1))
}

/// Rows above the table in which a screen sums up.
const fn summary_rows(screen: Screen, height: u16) -> u16 {
    match (screen, height) {
        (Screen::Cost, SUMMARY_ROOMY_FROM..) => ROOMY_SUMMARY_ROWS,
        (Screen::Cost, SPACIOUS_FROM..) => SUMMARY_ROWS,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::Layout;
    use crate::app::Screen;

    #[test]
    fn layout_areas_do_not_overlap_on_any_screen() {
        for (height, screen) in (10..100).flat_map(|height| Screen::ALL.map(|screen| (height, screen))) {
            let layout = Layout::of((80, height), screen);
            let below = layout.body.y + layout.body.height;
            assert_eq!(layout.summary.map_or(layout.body.y, |area| area.y + area.height), layout.body.y);
            assert_eq!(layout.lower_rule.map_or(layout.sentence.y, |rule| rule.y), below);
            assert_eq!(layout.footer.y, height - 1);
            // A banner takes a line of the body, above the summary.
            let with = layout.with_banner();
            let Some(banner) = with.banner else { continue };
            assert_eq!((banner.y, with.lower_rule), (layout.summary.unwrap_or(layout.body).y, layout.lower_rule));
            assert_eq!(with.summary.unwrap_or(with.body).y, banner.y + 1);
            assert_eq!(with.summary.map_or(with.body.y, |area| area.y + area.height), with.body.y);
            assert_eq!(with.page_rows() + 1, layout.page_rows(), "{height} {screen:?}");
        }
    }

    #[test]
    fn a_page_has_the_rows_of_the_body_below_the_column_titles() {
        let page_rows = |height, screen| Layout::of((80, height), screen).page_rows();
        for (height, fleet, cost) in [(10, 5, 5), (15, 10, 10), (16, 8, 3), (24, 16, 11), (39, 31, 26), (40, 32, 17)] {
            assert_eq!((page_rows(height, Screen::Fleet), page_rows(height, Screen::Cost)), (fleet, cost), "{height}");
        }
        assert_eq!(page_rows(1, Screen::Fleet), 1, "it is never empty");
    }
}
