//! Which columns of a table are shown, and how wide.

use super::Line;
use crate::app::Column;

/// On which side of its column a text stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Align {
    /// Names and words.
    #[default]
    Left,
    /// Numbers and ages.
    Right,
}

/// A column as a screen offers it.
pub(super) struct Spec<R> {
    /// Its title.
    pub(super) title: &'static str,
    /// What `s` sorts by there; `None` where rows cannot be sorted by it.
    pub(super) sort: Option<Column>,
    /// On which side.
    pub(super) align: Align,
    /// How wide it may be.
    pub(super) size: Size,
    /// Columns with a smaller rank are kept longer when the terminal is narrow; those up to [`ESSENTIAL`] are there
    /// before any of the others.
    pub(super) rank: u8,
    /// The text of one row.
    pub(super) cell: fn(&R) -> Line,
}

/// Widths of a column in columns of the terminal: the least that is worth showing, one that is comfortable, the most.
/// A column that its texts do not fill is narrower.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size(pub(super) u16, pub(super) u16, pub(super) u16);

/// The largest rank of a column that answers the question of its screen.
const ESSENTIAL: u8 = 4;

impl<R> Spec<R> {
    /// Words, aligned left.
    pub(super) const fn left(title: &'static str, rank: u8, size: Size, cell: fn(&R) -> Line) -> Self {
        Self { title, sort: None, align: Align::Left, size, rank, cell }
    }

    /// Numbers, aligned right.
    pub(super) const fn right(title: &'static str, rank: u8, size: Size, cell: fn(&R) -> Line) -> Self {
        Self { title, sort: None, align: Align::Right, size, rank, cell }
    }

    /// Sorted by this.
    pub(super) const fn by(mut self, column: Column) -> Self {
        self.sort = Some(column);
        self
    }
}

/// Columns of the terminal between two columns of the table.
pub(super) const GAP: u16 = 2;

/// What is known of a column before the widths are chosen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// See [`Spec::rank`].
    pub(super) rank: u8,
    /// None of them more than the rows on screen fill.
    pub(super) size: Size,
}

/// The width of each column, `None` for those left out.
///
/// First the essential columns get their least width, then a comfortable one; then others join in comfort while there is
/// room; what is left widens all of them. Always the important ones first, so a long text never drives out a column that
/// matters more.
pub(super) fn widths(wishes: &[Wish], available: u16) -> Vec<Option<u16>> {
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by_key(|at| wishes[*at].rank);
    let (essential, others): (Vec<usize>, Vec<usize>) = order.iter().partition(|at| wishes[**at].rank <= ESSENTIAL);
    let mut room = Room { chosen: vec![None; wishes.len()], left: i32::from(available) + i32::from(GAP) };
    essential.iter().for_each(|at| room.admit(*at, wishes[*at].size.0));
    essential.iter().for_each(|at| room.widen(*at, wishes[*at].size.1));
    others.iter().for_each(|at| room.admit(*at, wishes[*at].size.1));
    order.iter().for_each(|at| room.widen(*at, wishes[*at].size.2));
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
    use super::{Size, Wish, widths};

    const WISHES: [Wish; 4] = [
        Wish { rank: 0, size: Size(10, 16, 20) },
        Wish { rank: 6, size: Size(4, 6, 6) },
        Wish { rank: 1, size: Size(5, 5, 5) },
        Wish { rank: 7, size: Size(8, 8, 30) },
    ];

    #[test]
    fn important_columns_stay_and_grow_first() {
        assert_eq!(widths(&WISHES, 4), [None, None, None, None]);
        assert_eq!(widths(&WISHES, 10), [Some(10), None, None, None]);
        assert_eq!(widths(&WISHES, 20), [Some(13), None, Some(5), None]);
        assert_eq!(widths(&WISHES, 30), [Some(20), None, Some(5), None]);
        assert_eq!(widths(&WISHES, 31), [Some(16), Some(6), Some(5), None]);
        assert_eq!(widths(&WISHES, 200), [Some(20), Some(6), Some(5), Some(30)]);
    }

    #[test]
    fn the_sum_never_exceeds_what_is_available() {
        for available in 0..120 {
            let shown: Vec<u16> = widths(&WISHES, available).into_iter().flatten().collect();
            let gaps = 2 * u16::try_from(shown.len().saturating_sub(1)).unwrap();
            assert!(shown.iter().sum::<u16>() + gaps <= available, "{available}");
        }
    }
}
