//! Where the parts of the screen are, by the size of the terminal.

use super::screen::Area;
use crate::app::Ui;

/// Below this nothing useful fits.
pub(super) const SMALLEST: (u16, u16) = (40, 10);

/// From this width on details stand beside the table.
pub(super) const BESIDE_FROM: u16 = 140;

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
    /// Where Cost sums up, above the table.
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
    /// With so many rows taken off the top of the body.
    pub(super) fn with_summary(self, rows: u16) -> Self {
        if rows == 0 {
            return self;
        }
        let rows = rows.min(self.body.height);
        let summary = Area { height: rows, ..self.body };
        let body = Area { y: self.body.y + rows, height: self.body.height - rows, ..self.body };
        Self { summary: Some(summary), body, ..self }
    }

    /// Of a terminal that is not too small.
    pub(super) fn of((width, height): (u16, u16)) -> Self {
        let row = |y| Area::row(0, y, width);
        let (sentence, footer) = (row(height.saturating_sub(2)), row(height.saturating_sub(1)));
        if height < Ui::SPACIOUS_FROM {
            let body = Area { x: 0, y: 2, width, height: height.saturating_sub(4) };
            return Self {
                title: row(0),
                totals: None,
                tabs: row(1),
                upper_rule: None,
                summary: None,
                body,
                lower_rule: None,
                sentence,
                footer,
            };
        }
        // The frame's rows include the titles of the columns, which are the first row of the body.
        let body = Area { x: 0, y: 4, width, height: height.saturating_sub(Ui::FRAME_ROWS - 1) };
        Self {
            title: row(0),
            totals: Some(row(1)),
            tabs: row(2),
            upper_rule: Some(row(3)),
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
}

#[cfg(test)]
mod tests {
    use super::Layout;
    use crate::app::{Level, Screen, Ui};

    #[test]
    fn a_page_of_the_app_is_what_the_eye_sees_as_one() {
        for height in 10..100 {
            let ui = Ui { size: (80, height), ..Ui::default() };
            assert_eq!(usize::from(Layout::of(ui.size).body.height - 1), ui.page());
            let ui = Ui { level: Level::of(Screen::Cost, None), ..ui };
            let layout = Layout::of(ui.size).with_summary(ui.summary_rows());
            assert_eq!(usize::from(layout.body.height - 1), ui.page());
        }
    }

    #[test]
    fn parts_do_not_overlap() {
        for height in 10..60 {
            let layout = Layout::of((80, height));
            let below = layout.body.y + layout.body.height;
            assert_eq!(layout.lower_rule.map_or(layout.sentence.y, |rule| rule.y), below);
            assert_eq!(layout.footer.y, height - 1);
        }
    }
}
