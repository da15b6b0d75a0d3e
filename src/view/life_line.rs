//! The rest of a life on one line: now, what ends it, when it is killed, and when its protection would have ended.

use super::{Line, format};
use crate::config::Role;
use crate::insight::disruption::{Hazard, HazardKind, Outlook, ProtectionState};
use crate::units::Time;

/// Something that comes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Mark {
    at: Time,
    sign: char,
    role: Role,
    words: String,
}

/// Behind this sign it does not live any more.
const KILLED: char = '✗';

/// More marks nobody reads.
const MOST_MARKS: usize = 4;

/// The least of dashes between two marks.
const LEAST_DASHES: usize = 2;

/// `now ●──────┬ 22:20 expires ──────✗ 22:50 killed ╌╌╌◧ 00:25 "4h" would have ended`; dashes are as long as the time between, as
/// far as there is room. `None` where nothing comes.
pub(super) fn line(now: Time, mut marks: Vec<Mark>, width: usize) -> Option<Line> {
    marks.retain(|mark| mark.at > now);
    marks.sort_by_key(|mark| mark.at);
    marks.dedup();
    marks.truncate(MOST_MARKS);
    let last = marks.last()?.at;
    let words = |mark: &Mark| format!("{} {} {}", mark.sign, format::clock(now, mark.at), mark.words);
    let taken: usize = marks.iter().map(|mark| words(mark).chars().count() + 1).sum();
    let room = width.saturating_sub(taken + START.chars().count() + marks.len() * LEAST_DASHES);
    let whole = usize::try_from(last.seconds_since(now)).unwrap_or(1).max(1);
    let (mut line, mut from, mut dash) = (Line::of(Role::Text, START), now, "─");
    for (at, mark) in marks.iter().enumerate() {
        let seconds = usize::try_from(mark.at.seconds_since(from)).unwrap_or(0);
        let dashes = LEAST_DASHES + room.saturating_mul(seconds) / whole;
        let gap = if at == 0 { "" } else { " " };
        line = line.and(Role::TextDim, format!("{gap}{}", dash.repeat(dashes))).and(mark.role, words(mark));
        from = mark.at;
        dash = if mark.sign == KILLED { "╌" } else { dash };
    }
    Some(line)
}

const START: &str = "now ●";

/// What ends a Node; things that have no time are told beside.
pub(super) fn of_hazards(hazards: &[Hazard]) -> Vec<Mark> {
    hazards.iter().filter_map(|hazard| Some(mark(hazard.at?, '┬', Role::Text, words(hazard.kind).to_owned()))).collect()
}

const fn words(kind: HazardKind) -> &'static str {
    match kind {
        HazardKind::Expiration => "expires",
        HazardKind::SpotInterruption => "taken back",
        HazardKind::RebalanceRecommendation => "may be taken back",
        HazardKind::DriftOverridesProtection => "drift takes it",
        HazardKind::CapacityBlockEnd => "capacity block ends",
        HazardKind::HardwareRepair => "repaired",
        HazardKind::MaxLifetime => "oldest it may be",
        HazardKind::StaticScaleDown => "scaled down",
    }
}

/// When pods on a Node are killed: the first of them.
pub(super) fn of_killed(hazards: &[Hazard]) -> Option<Mark> {
    let reached = hazards.iter().filter(|hazard| hazard.ends_pods).flat_map(|hazard| &hazard.pods);
    let first = reached.filter_map(|reached| Some((reached.killed_at?, &reached.pod.name))).min()?;
    Some(mark(first.0, KILLED, Role::Bad, format!("{} killed", first.1)))
}

/// When a protection ends; `None` of `"true"`, and where there is none.
pub(super) fn of_outlook(outlook: &Outlook) -> Vec<Mark> {
    let killed = outlook.fails_at.filter(|_| outlook.holds == Some(false));
    let value = outlook.protection.value.as_ref().map_or("", |value| value.as_str());
    let until = outlook.protection.until.filter(|_| outlook.protection.state == ProtectionState::Until);
    let ends = until.map(|until| {
        let words = if killed.is_some_and(|killed| killed < until) { "would have ended" } else { "ends" };
        mark(until, '◧', Role::Protected, format!("\"{value}\" {words}"))
    });
    killed.map(|at| mark(at, KILLED, Role::Bad, "killed".to_owned())).into_iter().chain(ends).collect()
}

/// When what protects a Node ends, where all of it does.
pub(super) fn of_protection(ends: Time) -> Mark {
    mark(ends, '◧', Role::Protected, "protection ends".to_owned())
}

const fn mark(at: Time, sign: char, role: Role, words: String) -> Mark {
    Mark { at, sign, role, words }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(clock: &str) -> Time {
        Time::parse(&format!("2026-11-21T{clock}:00Z")).unwrap()
    }

    fn text(now: &str, marks: Vec<Mark>, width: usize) -> Option<String> {
        line(at(now), marks, width).map(|line| line.text())
    }

    fn three() -> Vec<Mark> {
        let named = |clock, sign, words: &str| mark(at(clock), sign, Role::Text, words.to_owned());
        vec![
            named("22:50", KILLED, "killed"),
            named("23:50", '◧', "\"4h\" would have ended"),
            named("22:20", '┬', "expires"),
        ]
    }

    #[test]
    fn what_comes_stands_in_order_and_is_dotted_behind_the_end() {
        let found = text("21:50", three(), 100).unwrap();
        let want =
            "now ●─────────┬ 22:20 expires ─────────✗ 22:50 killed ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌◧ 23:50 \"4h\" would have ended";
        assert_eq!(found, want);
        assert!(found.chars().count() <= 100);
    }

    #[test]
    fn the_line_keeps_its_marks_where_there_is_little_room_and_is_not_drawn_of_what_is_past() {
        let narrow = text("21:50", three(), 40).unwrap();
        assert_eq!(narrow, "now ●──┬ 22:20 expires ──✗ 22:50 killed ╌╌◧ 23:50 \"4h\" would have ended");
        let late = text("23:00", three(), 80).unwrap();
        assert!(late.starts_with("now ●─") && !late.contains("killed"), "{late}");
        assert_eq!(text("23:55", three(), 80), None);
    }
}
