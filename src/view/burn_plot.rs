//! What everything cost in the last hour, minute by minute: what pods use, what is held, what is idle, one on the other.

use super::{Line, money};
use crate::config::Role;
use crate::insight::cost::{BurnMinute, BurnParts};

/// Rows of a plot that are not of its field: title, axis, legend.
pub(super) const BESIDE_ROWS: usize = 3;

/// Columns of the numbers at both ends.
const LABEL: usize = 9;

/// Below these a field tells nothing.
const SMALLEST: (usize, usize) = (16, 3);

/// What a cell of the field shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Band {
    /// Used by pods that may be moved.
    Used,
    /// Held.
    Held,
    /// Paid before pods run.
    Waiting,
    /// Idle.
    Idle,
    /// All of it, where parts are not known.
    Whole,
}

impl Band {
    /// Signs that differ without colour.
    const fn look(self) -> (char, Role) {
        match self {
            Self::Used => ('█', Role::BarFill),
            Self::Held => ('▓', Role::Protected),
            Self::Waiting => ('▒', Role::Pending),
            Self::Idle => ('░', Role::Warn),
            Self::Whole => ('▒', Role::TextDim),
        }
    }
}

/// Title, field with both ends of its axis, hours, legend; at most as many minutes as there are columns. Nothing where there is
/// no room or nothing was seen.
pub(super) fn lines(minutes: &[Option<BurnMinute>], width: usize, rows: usize) -> Vec<Line> {
    let room = width.saturating_sub(LABEL + 1);
    let shown = &condensed(minutes, room)[..];
    let Some((low, high)) = range(shown).filter(|_| room >= SMALLEST.0 && rows >= SMALLEST.1) else {
        return Vec::new();
    };
    let mut lines = vec![Line::of(Role::Column, "LAST HOUR")];
    lines.extend((0..rows).map(|row| {
        let label = match row {
            0 => money::rate(high),
            last if last + 1 == rows => money::rate(low),
            _ => String::new(),
        };
        let field = Field { low, high, rows };
        shown.iter().fold(Line::of(Role::TextDim, format!("{label:>LABEL$} ")), |line, minute| {
            let (sign, role) = minute.map_or((' ', Role::Text), |minute| field.cell(minute, rows - 1 - row));
            line.and(role, sign.to_string())
        })
    }));
    lines.push(axis(minutes.len(), shown.len()));
    lines.push(legend(shown));
    lines
}

/// The same on so many columns at most: where there are more minutes, each column is the mean of some.
fn condensed(minutes: &[Option<BurnMinute>], room: usize) -> Vec<Option<BurnMinute>> {
    let columns = minutes.len().min(room);
    let part = |at: usize| &minutes[minutes.len() * at / columns..minutes.len() * (at + 1) / columns];
    (0..columns).map(|at| mean(part(at))).collect()
}

fn mean(minutes: &[Option<BurnMinute>]) -> Option<BurnMinute> {
    let known: Vec<BurnMinute> = minutes.iter().flatten().copied().collect();
    let count = i64::try_from(known.len()).ok().filter(|count| *count > 0)?;
    let of = |value: fn(&BurnParts) -> i64| -> Option<i64> {
        let parts = known.iter().map(|minute| minute.parts.as_ref().map(value));
        Some(parts.sum::<Option<i64>>()? / count)
    };
    let parts = || {
        let (held, idle) = (of(|parts| parts.held)?, of(|parts| parts.idle)?);
        Some(BurnParts { held, idle, waiting: of(|parts| parts.waiting)? })
    };
    Some(BurnMinute { total: known.iter().map(|minute| minute.total).sum::<i64>() / count, parts: parts() })
}

/// From a little below the least that pods use to the most of all, so that all parts are seen.
fn range(minutes: &[Option<BurnMinute>]) -> Option<(i64, i64)> {
    let used = |minute: &BurnMinute| minute.total - minute.parts.map_or(0, BurnParts::sum);
    let low = minutes.iter().flatten().map(used).min()?;
    let high = minutes.iter().flatten().map(|minute| minute.total).max()?;
    let span = (high - low).max(high / 20).max(1);
    Some(((low - span / 4).max(0), high + span / 10))
}

/// The field of a plot.
#[derive(Clone, Copy)]
struct Field {
    low: i64,
    high: i64,
    rows: usize,
}

impl Field {
    /// The sign of a cell, `row` rows above the lowest: of the part that reaches its middle; where all ends in it, as much of it
    /// as that fills.
    fn cell(self, minute: BurnMinute, row: usize) -> (char, Role) {
        const STEPS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let rows = i128::try_from(self.rows.max(1)).unwrap_or(1);
        let row = i128::try_from(row).unwrap_or(0);
        let span = i128::from(self.high - self.low).max(1);
        // In eighths of a row above the lowest.
        let height = |rate: i64| (i128::from(rate - self.low) * rows * 8 / span).max(0);
        let (bottom, middle) = (row * 8, row * 8 + 4);
        let filled = height(minute.total) - bottom;
        if filled <= 0 {
            return (' ', Role::Text);
        }
        let band = match minute.parts {
            None => Band::Whole,
            Some(parts) => {
                let used = minute.total - parts.sum();
                let ends =
                    [(Band::Used, used), (Band::Held, used + parts.held), (Band::Waiting, minute.total - parts.idle)];
                let reaching = ends.into_iter().find(|(_, end)| middle < height(*end));
                reaching.map_or(Band::Idle, |(band, _)| band)
            }
        };
        let (sign, role) = band.look();
        if filled >= 8 { (sign, role) } else { (STEPS[usize::try_from(filled).unwrap_or(0).min(8)], role) }
    }
}

/// `60m ago` below the first column, `now` below the last.
fn axis(minutes: usize, columns: usize) -> Line {
    let from = format!("{minutes}m ago");
    let from = if columns > from.len() + "now".len() { from } else { String::new() };
    let gap = columns.saturating_sub(from.len() + "now".len());
    Line::of(Role::TextDim, format!("{} {from}{}now", " ".repeat(LABEL), " ".repeat(gap)))
}

/// What the signs mean, with what each part is now.
fn legend(minutes: &[Option<BurnMinute>]) -> Line {
    let Some(last) = minutes.iter().flatten().next_back() else { return Line::new() };
    let Some(parts) = last.parts else {
        let (sign, role) = Band::Whole.look();
        return Line::of(role, format!("{sign} ")).and(Role::TextDim, "all: what is held and idle is not known");
    };
    let told = [
        (Band::Used, "used", last.total - parts.sum()),
        (Band::Held, "held", parts.held),
        (Band::Waiting, "starting", parts.waiting),
        (Band::Idle, "idle", parts.idle),
    ];
    told.into_iter().filter(|(.., rate)| *rate > 0).fold(Line::new(), |line, (band, word, rate)| {
        let (sign, role) = band.look();
        let gap = if line.is_empty() { "" } else { "  " };
        line.and(Role::Text, gap)
            .and(role, format!("{sign} "))
            .and(Role::TextDim, format!("{word} ${}", money::bare(rate)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "as the hour has it")]
    fn minute(total: i64, held: i64, idle: i64) -> Option<BurnMinute> {
        Some(BurnMinute {
            total: total * 1_000_000,
            parts: Some(BurnParts { held: held * 1_000_000, idle: idle * 1_000_000, waiting: 0 }),
        })
    }

    fn field(minutes: &[Option<BurnMinute>], rows: usize) -> Vec<String> {
        let lines = lines(minutes, 60, rows);
        lines.iter().skip(1).take(rows).map(|line| line.text().chars().skip(LABEL + 1).collect()).collect()
    }

    #[test]
    fn parts_stand_one_on_the_other_with_signs_that_differ_without_colour() {
        let drawn = field(&[minute(300, 50, 50), minute(300, 0, 50), None, minute(300, 0, 0)], 8);
        let column = |at: usize| -> String { drawn.iter().rev().filter_map(|row| row.chars().nth(at)).collect() };
        let order = |at: usize| {
            let mut signs: Vec<char> = column(at).chars().collect();
            signs.dedup();
            signs.into_iter().filter(|sign| matches!(sign, '█' | '▓' | '░')).collect::<String>()
        };
        assert_eq!((order(0), order(1), order(3)), ("█▓░".to_owned(), "█░".to_owned(), "█".to_owned()));
        assert_eq!(column(2).trim(), "", "nobody saw that minute");
    }

    #[test]
    fn the_axis_reaches_from_the_least_that_is_used_to_the_most_of_all_and_says_so() {
        let drawn = lines(&[minute(300, 50, 50), minute(310, 50, 50)], 60, 6);
        let text: Vec<String> = drawn.iter().map(Line::text).collect();
        assert!(text[1].trim_start().starts_with("$321"), "{text:?}");
        assert!(text[6].trim_start().starts_with("$17"), "{text:?}");
        assert_eq!(text.last().map(String::as_str), Some("█ used $210.00  ▓ held $50.00  ░ idle $50.00"), "{text:?}");
        assert!(lines(&[None, None], 60, 6).is_empty() && lines(&[minute(1, 0, 0)], 20, 6).is_empty());
    }

    #[test]
    fn an_hour_fits_into_fewer_columns_than_it_has_minutes() {
        let minutes: Vec<Option<BurnMinute>> =
            (0..60).map(|at| minute(if at < 30 { 100 } else { 300 }, 0, 0)).collect();
        let drawn = lines(&minutes, 40, 4);
        assert_eq!(drawn[1].text().chars().count(), 40);
        let axis = drawn[5].text();
        assert!(axis.trim_start().starts_with("60m ago") && axis.ends_with("now"), "{axis}");
        assert_eq!(condensed(&[None, None, minute(3, 0, 0), None], 2), [None, minute(3, 0, 0)]);
    }

    #[test]
    fn a_flat_hour_has_a_field_too() {
        let drawn = field(&[minute(300, 0, 0); 60], 4);
        assert_eq!(drawn.len(), 4);
        assert!(drawn[3].starts_with('█') && drawn.iter().all(|row| row.chars().count() == 50), "{drawn:?}");
    }
}
