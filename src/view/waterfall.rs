//! The steps of starts as bars on a common time axis. Each step has a sign of its own, so that they can be told apart
//! without colour.

use std::collections::BTreeSet;

use super::{Line, format};
use crate::config::Role;
use crate::insight::cold_start::{ColdStart, Phase, PhaseName};
use crate::units::Time;

/// The sign of a step in bars, one column wide. Neighbours in the order of steps differ most.
pub(super) const fn sign(step: PhaseName) -> char {
    match step {
        PhaseName::Queued => '·',
        PhaseName::Suspended => '‖',
        PhaseName::Gated => ':',
        PhaseName::WaitingForCapacity => '░',
        PhaseName::Launch => '>',
        PhaseName::Boot => '▒',
        PhaseName::Register => '+',
        PhaseName::Initialize => '▚',
        PhaseName::Schedule => '-',
        PhaseName::Sandbox => '=',
        PhaseName::Pull => '█',
        PhaseName::Init => '≡',
        PhaseName::Start => '▄',
        PhaseName::Ready => '▁',
    }
}

/// Whose time it is: that of somebody who holds the pod back, of the cloud, of the machine, of the registry, of the pod.
pub(super) const fn role(step: PhaseName) -> Role {
    match step {
        PhaseName::Queued | PhaseName::Suspended | PhaseName::Gated | PhaseName::Schedule => Role::TextDim,
        PhaseName::WaitingForCapacity => Role::Warn,
        PhaseName::Launch | PhaseName::Boot | PhaseName::Register | PhaseName::Initialize => Role::Info,
        PhaseName::Pull => Role::BarFill,
        PhaseName::Sandbox | PhaseName::Init | PhaseName::Start | PhaseName::Ready => Role::Ok,
    }
}

/// The time axis of several bars: from the begin of each start to this many seconds later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Axis {
    seconds: i64,
}

/// The last times of axes: their halves are round, too.
const ROUND_SECONDS: [i64; 20] = [
    10, 20, 40, 60, 120, 240, 360, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 172_800, 345_600,
    691_200, 2_592_000,
];

/// A start this many times as long as the median ends beyond the axis, unless it is one of half an hour: a pod that has
/// waited for days leaves the others legible.
const OUTLIER: i64 = 8;

/// What is no longer is always seen to its end: among many starts with images that were there, the few that took minutes are
/// what one looks for.
const ALWAYS_SEEN_SECONDS: i64 = 1_800;

impl Axis {
    /// For starts that took so long; those of more than half an hour that are much longer than the median end beyond it.
    pub(super) fn of(seconds: impl Iterator<Item = i64>) -> Self {
        let mut seconds: Vec<i64> = seconds.collect();
        seconds.sort_unstable();
        let median = seconds.get(seconds.len() / 2).copied().unwrap_or(0).max(1);
        let most = median.saturating_mul(OUTLIER).max(ALWAYS_SEEN_SECONDS);
        let longest = seconds.into_iter().filter(|one| *one <= most).max().unwrap_or(median);
        let round = ROUND_SECONDS.into_iter().find(|round| *round >= longest);
        Self { seconds: round.unwrap_or(longest) }
    }

    /// `0        5m       10m`, as wide as the bars.
    pub(super) fn title(self, width: usize) -> String {
        let room = width.saturating_sub(1);
        let (middle, end) = (short(self.seconds / 2), short(self.seconds));
        let half = room / 2;
        let before = half.saturating_sub(1);
        let rest = room.saturating_sub(1 + before + middle.chars().count() + end.chars().count());
        if before > 1 && rest > 1 {
            return format!("0{}{middle}{}{end}", " ".repeat(before), " ".repeat(rest));
        }
        format!("0{}{end}", " ".repeat(room.saturating_sub(1 + end.chars().count())))
    }

    /// The column at which so many seconds end, of so many columns; beyond them for what is beyond the axis.
    pub(super) fn column(self, seconds: i64, columns: usize) -> usize {
        let columns = i128::try_from(columns).unwrap_or(0);
        let column = (i128::from(seconds.max(0)) * columns + i128::from(self.seconds) / 2) / i128::from(self.seconds);
        usize::try_from(column).unwrap_or(usize::MAX)
    }
}

/// A time on the axis in as few columns as possible: `30s`, `5m`, `2h`.
fn short(seconds: i64) -> String {
    if seconds == 60 { "1m".to_owned() } else { format::age(seconds) }
}

/// The steps that a bar of this width shows, each with its columns. One column is kept for a mark at the end.
fn drawn(start: &ColdStart, now: Time, axis: Axis, width: usize) -> Vec<(&Phase, usize)> {
    let room = width.saturating_sub(1);
    let (mut spent, mut columns) = (0, 0);
    let mut drawn: Vec<(&Phase, usize)> = Vec::new();
    for phase in &start.phases {
        spent += phase.seconds(now);
        let until = axis.column(spent, room).min(room);
        drawn.push((phase, until.saturating_sub(columns)));
        columns = until;
    }
    // However short it was, it is there.
    if columns == 0
        && let Some((_, longest)) = drawn.iter_mut().max_by_key(|(phase, _)| phase.seconds(now))
    {
        *longest = 1;
    }
    drawn.retain(|(_, columns)| *columns > 0);
    drawn
}

/// The steps of a start one behind the other: `…` where the last one goes on, `»` where it ends beyond the axis.
pub(super) fn bar(start: &ColdStart, now: Time, axis: Axis, width: usize) -> Line {
    let bar = drawn(start, now, axis, width)
        .into_iter()
        .fold(Line::new(), |line, (phase, columns)| line.and(role(phase.name), segment(phase, now, columns)));
    let is_beyond = axis.column(start.total_seconds(now), width.saturating_sub(1)) > width.saturating_sub(1);
    match start.open_phase() {
        Some(open) => bar.and(role(open.name), format::NOT_YET),
        None if is_beyond => bar.and(Role::TextDim, "»"),
        None => bar,
    }
}

/// `███ Pull 7m21s ████`, as much of it as fits.
fn segment(phase: &Phase, now: Time, columns: usize) -> String {
    let sign = sign(phase.name);
    let fill = |columns: usize| sign.to_string().repeat(columns);
    let labels = [format!(" {} {} ", phase.name, format::span(phase.seconds(now))), format!(" {} ", phase.name)];
    match labels.iter().find(|label| label.chars().count() + 2 <= columns) {
        Some(label) => format!("{sign}{label}{}", fill(columns - label.chars().count() - 1)),
        None => fill(columns),
    }
}

/// The steps that have columns in the bars of these starts.
pub(super) fn steps_drawn<'a>(
    starts: impl Iterator<Item = &'a ColdStart>,
    now: Time,
    axis: Axis,
    width: usize,
) -> BTreeSet<PhaseName> {
    starts.flat_map(|start| drawn(start, now, axis, width)).map(|(phase, _)| phase.name).collect()
}

/// The steps of machines.
pub(super) fn steps_of_machines() -> BTreeSet<PhaseName> {
    [PhaseName::Launch, PhaseName::Boot, PhaseName::Register, PhaseName::Initialize].into()
}

/// The signs of steps with their names: `░ WaitingForCapacity  █ Pull`.
pub(super) fn legend(steps: BTreeSet<PhaseName>) -> Line {
    steps.into_iter().fold(Line::new(), |line, step| {
        line.spaced("  ").and(role(step), sign(step).to_string()).and(Role::TextDim, format!(" {step}"))
    })
}

/// One step on the axis of its own start, where it lies between the others.
pub(super) fn step_on_axis(start: &ColdStart, phase: &Phase, now: Time, width: usize) -> Line {
    let axis = Axis { seconds: start.total_seconds(now).max(1) };
    let began = start.began().map_or(0, |began| phase.start().seconds_since(began));
    let from = axis.column(began, width).min(width.saturating_sub(1));
    let least = usize::from(phase.seconds(now) > 0);
    let columns = axis.column(phase.seconds(now), width).max(least).min(width - from.min(width));
    let line = Line::plain(" ".repeat(from)).and(role(phase.name), sign(phase.name).to_string().repeat(columns));
    if phase.is_open() { line.and(role(phase.name), format!(" {}", format::NOT_YET)) } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_sign_of_its_own_that_is_one_column_wide() {
        let signs: BTreeSet<char> = PhaseName::ALL.into_iter().map(sign).collect();
        assert_eq!(signs.len(), PhaseName::ALL.len());
        assert!(signs.iter().all(|sign| super::super::text::width(&sign.to_string()) == 1));
    }

    #[test]
    fn the_axis_is_round_and_leaves_outliers_out() {
        let end = |seconds: &[i64]| Axis::of(seconds.iter().copied()).seconds;
        assert_eq!([end(&[]), end(&[0]), end(&[11]), end(&[61, 200])], [10, 10, 20, 240]);
        assert_eq!(end(&[30, 50, 60, 90_000]), 60, "one that is much longer than the others");
        assert_eq!(end(&[5, 5, 5, 600]), 600, "cold starts among warm ones");
        assert_eq!(end(&[90_000]), 172_800);
        assert_eq!(end(&[9_000_000]), 9_000_000, "longer than the longest round one");
    }

    #[test]
    fn the_title_of_the_axis_is_as_wide_as_the_bars() {
        let title = |width| Axis { seconds: 600 }.title(width);
        assert_eq!(title(22), "0         5m      10m");
        assert_eq!(title(10), "0     10m");
        for width in 1..60 {
            assert!(title(width).chars().count() <= width.max(4), "{width}");
        }
    }
}
