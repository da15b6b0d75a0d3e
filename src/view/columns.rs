//! Which columns of a table are shown, and how wide.

use std::borrow::Cow;

use super::Line;
use crate::app::{Column, WidthRange};

/// A column of a table with what writes its cells.
pub(super) struct Shown<R> {
    /// Definition of the column: name, importance, order.
    pub(super) column: &'static Column,
    /// Title as shown, which may differ from that of the definition.
    pub(super) title: Cow<'static, str>,
    /// Columns of the terminal that it may take.
    pub(super) widths: WidthRange,
    /// Rank in which it gives way, as in [`Column::importance`].
    pub(super) importance: u8,
    /// Writes the cell of one row.
    pub(super) cell: fn(&R) -> Line,
    /// The same in fewer words, where the column has no room for all of them.
    pub(super) shorter: Option<fn(&R) -> Line>,
}

impl<R> Clone for Shown<R> {
    fn clone(&self) -> Self {
        Self { title: self.title.clone(), ..*self }
    }
}

impl<R> Shown<R> {
    /// The column as its definition has it.
    pub(super) const fn new(column: &'static Column, cell: fn(&R) -> Line) -> Self {
        let title = Cow::Borrowed(column.title);
        Self { column, title, widths: column.widths, importance: column.importance, cell, shorter: None }
    }

    /// The same column with a title of its own.
    pub(super) fn titled(mut self, title: impl Into<Cow<'static, str>>) -> Self {
        self.title = title.into();
        self
    }

    /// The same column with fewer words where there is no room for all.
    pub(super) const fn or_shorter(mut self, cell: fn(&R) -> Line) -> Self {
        self.shorter = Some(cell);
        self
    }

    /// The same column where it answers the question of the view.
    pub(super) const fn essential(mut self) -> Self {
        self.importance = 2;
        self
    }

    /// The same column where the user chose it.
    pub(super) fn chosen(mut self) -> Self {
        self.importance = self.importance.min(Column::ESSENTIAL);
        self
    }

    /// The same column with a fixed width.
    pub(super) const fn of_width(mut self, width: u16) -> Self {
        self.widths = WidthRange::fixed(width);
        self
    }
}

/// Columns of the terminal between two columns of the table.
pub(super) const GAP: u16 = 2;

/// What is known of a column before the widths are chosen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// Rank in which columns give way, as in [`Column::importance`].
    pub(super) importance: u8,
    /// None of them more than the rows on screen fill.
    pub(super) widths: WidthRange,
}

/// The width of each column, `None` for those left out.
///
/// First the essential columns get their least width, then a comfortable one; then others join in comfort while there is
/// room; what is left widens all of them. Always the important ones first, so a long text never drives out a column that
/// matters more.
pub(super) fn widths(wishes: &[Wish], available: u16) -> Vec<Option<u16>> {
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by_key(|at| wishes[*at].importance);
    let (essential, others): (Vec<usize>, Vec<usize>) =
        order.iter().partition(|at| wishes[**at].importance <= Column::ESSENTIAL);
    let mut room = Room { chosen: vec![None; wishes.len()], left: i32::from(available) + i32::from(GAP) };
    essential.iter().for_each(|at| room.admit(*at, wishes[*at].widths.min));
    essential.iter().for_each(|at| room.widen(*at, wishes[*at].widths.preferred));
    others.iter().for_each(|at| room.admit(*at, wishes[*at].widths.preferred));
    order.iter().for_each(|at| room.widen(*at, wishes[*at].widths.max));
    room.chosen
}

/// What has been given out so far.
struct Room {
    chosen: Vec<Option<u16>>,
    left: i32,
}

impl Room {
    /// Gives a column a width, if there is room for all of it.
    fn admit(&mut self, at: usize, width: u16) {
        let cost = i32::from(width.max(1)) + i32::from(GAP);
        if cost <= self.left {
            self.left -= cost;
            self.chosen[at] = Some(width.max(1));
        }
    }

    /// Widens a column towards a width as far as there is room.
    fn widen(&mut self, at: usize, width: u16) {
        if let Some(chosen) = self.chosen[at].as_mut() {
            let more = i32::from(width.saturating_sub(*chosen)).min(self.left);
            *chosen += u16::try_from(more).unwrap_or(0);
            self.left -= i32::from(u16::try_from(more).unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{WidthRange, Wish, widths};

    const fn wish(importance: u8, min: u16, preferred: u16, max: u16) -> Wish {
        Wish { importance, widths: WidthRange { min, preferred, max } }
    }

    const WISHES: [Wish; 4] = [wish(0, 10, 16, 20), wish(6, 4, 6, 6), wish(1, 5, 5, 5), wish(7, 8, 8, 30)];

    #[test]
    fn important_columns_are_kept_and_widened_first() {
        assert_eq!(widths(&WISHES, 4), [None, None, None, None]);
        assert_eq!(widths(&WISHES, 10), [Some(10), None, None, None]);
        assert_eq!(widths(&WISHES, 20), [Some(13), None, Some(5), None]);
        assert_eq!(widths(&WISHES, 30), [Some(20), None, Some(5), None]);
        assert_eq!(widths(&WISHES, 31), [Some(16), Some(6), Some(5), None]);
        assert_eq!(widths(&WISHES, 200), [Some(20), Some(6), Some(5), Some(30)]);
    }

    #[test]
    fn the_widths_of_columns_never_exceed_the_available_width() {
        for available in 0..120 {
            let shown: Vec<u16> = widths(&WISHES, available).into_iter().flatten().collect();
            let gaps = 2 * u16::try_from(shown.len().saturating_sub(1)).unwrap();
            assert!(shown.iter().sum::<u16>() + gaps <= available, "{available}");
        }
    }
}
