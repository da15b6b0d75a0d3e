//! How often something took how long: in one column for each doubling of time, or in one line for each.

use super::{Line, format, start_words};
use crate::config::Role;
use crate::insight::cold_start::Histogram;

/// The times with which the columns begin, for those that have room for one.
pub(super) const TITLE: &str = " 1s  16s 4m";

/// What a histogram in a row of a table means.
pub(super) const LEGEND: &str = "a column for each doubling of time, under 1s to over 17m: · none ▁ few █ most";

/// One column for each time: a dot where nothing took so long.
pub(super) fn columns(of: &Histogram) -> Line {
    let most = most(of);
    of.counts().iter().fold(Line::new(), |line, count| {
        let role = if *count > 0 { Role::BarFill } else { Role::BarEmpty };
        line.and(role, format::step((*count > 0).then_some(i64::from(*count)), most).to_string())
    })
}

/// One line for each time that something took, and for those between: `16s–32s  ████ 9`.
pub(super) fn lines(of: &Histogram, room: usize) -> Vec<Line> {
    let counts = of.counts();
    let taken = |count: &u32| *count > 0;
    let (Some(first), Some(last)) = (counts.iter().position(taken), counts.iter().rposition(taken)) else {
        return Vec::new();
    };
    let most = most(of);
    let line = |bin: usize| {
        let count = i64::from(counts[bin]);
        let (bar, _) = format::eighths(count.saturating_mul(MILLION) / most.max(1), room);
        Line::of(Role::TextDim, format!("{:>9}  ", span(bin)))
            .and(Role::BarFill, &bar)
            .and(Role::Text, format!("{}{}", if bar.is_empty() { "" } else { " " }, format::count(count)))
    };
    (first..=last).map(line).collect()
}

const MILLION: i64 = 1_000_000;

fn most(of: &Histogram) -> i64 {
    i64::from(of.counts().iter().copied().max().unwrap_or(0))
}

/// `16s–32s`, `< 1s`, `≥ 17m4s`.
fn span(bin: usize) -> String {
    let from = |bin| start_words::length(Histogram::from_seconds(bin));
    match bin {
        0 => "< 1s".to_owned(),
        last if last + 1 == Histogram::BINS => format!("≥ {}", from(last)),
        _ => format!("{}–{}", from(bin), from(bin + 1)),
    }
}
