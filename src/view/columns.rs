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
    /// Columns of the terminal below which it is not worth showing.
    pub(super) min: u16,
    /// Columns of the terminal that it takes at most.
    pub(super) max: u16,
    /// Columns with a smaller rank are kept longer when the terminal is narrow.
    pub(super) rank: u8,
    /// The text of one row.
    pub(super) cell: fn(&R) -> Line,
}

impl<R> Spec<R> {
    /// Words, aligned left.
    pub(super) const fn left(title: &'static str, rank: u8, (min, max): (u16, u16), cell: fn(&R) -> Line) -> Self {
        Self { title, sort: None, align: Align::Left, min, max, rank, cell }
    }

    /// Numbers, aligned right.
    pub(super) const fn right(title: &'static str, rank: u8, (min, max): (u16, u16), cell: fn(&R) -> Line) -> Self {
        Self { title, sort: None, align: Align::Right, min, max, rank, cell }
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
    /// The least it can do with.
    pub(super) min: u16,
    /// What the rows on screen would fill.
    pub(super) ideal: u16,
}

/// The width of each column, `None` for those left out.
///
/// First as many columns as possible get their least width, the important ones first; what is left then widens them
/// towards what their texts fill, again the important ones first. So a long name never drives out a column.
pub(super) fn widths(wishes: &[Wish], available: u16) -> Vec<Option<u16>> {
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by_key(|at| wishes[*at].rank);
    let mut chosen = vec![None; wishes.len()];
    let mut left = i32::from(available) + i32::from(GAP);
    for at in &order {
        let least = wishes[*at].min.min(wishes[*at].ideal).max(1);
        let cost = i32::from(least) + i32::from(GAP);
        if cost > left {
            break;
        }
        left -= cost;
        chosen[*at] = Some(least);
    }
    for at in order {
        if let Some(width) = chosen[at].as_mut() {
            let more = i32::from(wishes[at].ideal.saturating_sub(*width)).min(left);
            *width += u16::try_from(more).unwrap_or(0);
            left -= more;
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::{Wish, widths};

    const WISHES: [Wish; 4] = [
        Wish { rank: 0, min: 10, ideal: 20 },
        Wish { rank: 2, min: 4, ideal: 6 },
        Wish { rank: 1, min: 5, ideal: 5 },
        Wish { rank: 3, min: 8, ideal: 30 },
    ];

    #[test]
    fn important_columns_stay_and_grow_first() {
        assert_eq!(widths(&WISHES, 9), [None, None, None, None]);
        assert_eq!(widths(&WISHES, 10), [Some(10), None, None, None]);
        assert_eq!(widths(&WISHES, 20), [Some(13), None, Some(5), None]);
        assert_eq!(widths(&WISHES, 30), [Some(17), Some(4), Some(5), None]);
        assert_eq!(widths(&WISHES, 200), [Some(20), Some(6), Some(5), Some(30)]);
    }

    #[test]
    fn the_sum_never_exceeds_what_is_available() {
        for available in 0..120 {
            let chosen = widths(&WISHES, available);
            let shown: Vec<u16> = chosen.into_iter().flatten().collect();
            let gaps = 2 * u16::try_from(shown.len().saturating_sub(1)).unwrap();
            assert!(shown.iter().sum::<u16>() + gaps <= available.max(1), "{available}");
        }
    }
}
