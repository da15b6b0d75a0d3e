//! The values that a dialog would write now: they follow the choice and the clock.

use super::super::{DurationChoice, Target, Verb, WriteDialog};
use crate::fleet::Kind;
use crate::units::{Time, duration};

const SECONDS_PER_MINUTE: i64 = 60;
const SECONDS_PER_HOUR: i64 = 3_600;

/// Brings the dialog up to date with its choice and the clock.
pub fn refresh(dialog: &mut WriteDialog, now: Time) {
    if dialog.verb != Verb::Protect {
        return;
    }
    match wanted_seconds(dialog) {
        Ok(None) => forever(dialog),
        Ok(Some(seconds)) => for_seconds(dialog, seconds, now),
        Err(_) => unknown(dialog),
    }
}

/// How long is chosen: `None` for as long as the annotation stands. The error is a sentence.
pub fn wanted_seconds(dialog: &WriteDialog) -> Result<Option<i64>, String> {
    match dialog.choices.get(dialog.chosen) {
        Some(DurationChoice::Hours(hours)) => Ok(Some(i64::from(*hours) * SECONDS_PER_HOUR)),
        Some(DurationChoice::Other) => match dialog.other.value().trim() {
            "" => Err("type for how long, for example 90m or 2h 30m".to_owned()),
            text => duration::from_human(text).map(Some),
        },
        Some(DurationChoice::UntilFinished) | None => Ok(None),
    }
}

/// Sets the value that would be written.
fn write(target: &mut Target, value: Option<String>) {
    if let Some(change) = target.change.value_mut() {
        change.to = value;
    }
}

fn forever(dialog: &mut WriteDialog) {
    for target in &mut dialog.targets {
        write(target, Some("true".to_owned()));
        target.until = None;
    }
    let all_nodes = dialog.targets.iter().all(|target| target.change.key().kind == Kind::Node);
    let ends = if all_nodes { "until somebody removes it" } else { "until the pod finishes, or somebody removes it" };
    dialog.ends = Some(ends.to_owned());
}

fn unknown(dialog: &mut WriteDialog) {
    for target in &mut dialog.targets {
        write(target, None);
        target.until = None;
    }
    dialog.ends = None;
}

/// Karpenter counts a duration from the pod's start. The user means from now: so what has already run is added.
fn for_seconds(dialog: &mut WriteDialog, seconds: i64, now: Time) {
    for target in &mut dialog.targets {
        let value = value_seconds(target.started, seconds, now);
        write(target, Some(duration::format_compact(value)));
        target.until = target.started.map(|started| started.plus_seconds(value));
    }
    dialog.ends = Some(ends(&dialog.targets, seconds, now));
}

/// What has to be written so that the protection lasts this long from now: up to a minute more, so that the value is one
/// that a person can read and does not change every second.
fn value_seconds(started: Option<Time>, seconds: i64, now: Time) -> i64 {
    let Some(started) = started else { return seconds };
    let run = now.seconds_since(started).max(0);
    if run == 0 {
        return seconds;
    }
    let total = run.saturating_add(seconds);
    total.saturating_add((SECONDS_PER_MINUTE - total.rem_euclid(SECONDS_PER_MINUTE)) % SECONDS_PER_MINUTE)
}

/// One sentence: until when, and why the value differs from what was chosen.
fn ends(targets: &[Target], seconds: i64, now: Time) -> String {
    let started = targets.iter().filter_map(|target| target.until);
    let waiting = targets.iter().filter(|target| target.started.is_none()).count();
    let chosen = duration::format_compact(seconds);
    let from_start = match waiting {
        0 => None,
        1 if targets.len() == 1 => Some(format!("for {chosen} from its start: it has not started yet")),
        n => Some(format!("{n} not yet started: for {chosen} from their start")),
    };
    let until = started.min().map(|first| {
        let values = written(targets);
        format!(
            "until {}, {chosen} from now: Karpenter counts from the pod's start, so {values} is written",
            clock(first, now)
        )
    });
    until.into_iter().chain(from_start).collect::<Vec<_>>().join("; ")
}

/// `"10h3m"`, or the shortest and the longest of several.
fn written(targets: &[Target]) -> String {
    let mut started: Vec<_> = targets.iter().filter_map(|target| Some((target.until?, target.started?))).collect();
    started.sort_unstable_by_key(|(until, started)| until.seconds_since(*started));
    let text = |pair: Option<&(Time, Time)>| {
        pair.map(|(until, started)| duration::format_compact(until.seconds_since(*started))).unwrap_or_default()
    };
    let (shortest, longest) = (text(started.first()), text(started.last()));
    if shortest == longest { format!("\"{shortest}\"") } else { format!("\"{shortest}\" to \"{longest}\"") }
}

/// `15:02 UTC`, with the date where it is not today.
pub fn clock(at: Time, now: Time) -> String {
    let (at, now) = (at.to_string(), now.to_string());
    let (date, rest) = at.split_once('T').unwrap_or(("", &at));
    let time = rest.get(..5).unwrap_or(rest);
    if now.starts_with(date) { format!("{time} UTC") } else { format!("{date} {time} UTC") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_value_adds_the_time_since_the_start_rounded_up_to_minutes() {
        let now = Time::from_seconds(100_000);
        let started = |seconds_ago: i64| Some(now.plus_seconds(-seconds_ago));
        for (started, want) in [
            (None, 14_400),
            (started(0), 14_400),
            (started(-5), 14_400),
            (started(1), 14_460),
            (started(60), 14_460),
            (started(61), 14_520),
            (started(6 * 3600), 36_000),
        ] {
            assert_eq!(value_seconds(started, 14_400, now), want, "{started:?}");
        }
    }

    #[test]
    fn protection_never_ends_before_the_chosen_time() {
        let now = Time::from_seconds(1_000_000);
        for run in 0..500 {
            let until = now.plus_seconds(-run).plus_seconds(value_seconds(Some(now.plus_seconds(-run)), 3600, now));
            assert!((3600..3660).contains(&until.seconds_since(now)), "{run}");
        }
    }
}
