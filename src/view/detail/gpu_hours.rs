//! For how long the pods of a Job held accelerators, and for how long these were busy.

use super::super::context::FrameContext;
use super::super::{Line, format};
use super::Page;
use crate::app::PastTold;
use crate::config::Role;
use crate::fleet::JobRow;

/// What batchtop has seen itself, then what a Prometheus server knows since the Job started; each with its source.
pub(super) fn facts(frame: &FrameContext<'_>, job: &JobRow, page: &mut Page) {
    let clock = |at| format::clock(frame.app.now, at);
    if let Some(seen) = frame.app.insights.gpus.seconds_of_job(&job.meta.uid) {
        let line = hours(seen.held(), seen.busy(), seen.efficiency_millionths());
        let source = format!("  seen by batchtop since {}", clock(seen.began()));
        page.fact("GPU-hours", line.and(Role::TextDim, source));
    }
    match frame.past(&job.meta.key) {
        None => {}
        Some(Err(why)) => page.fact("GPU-hours", Line::of(Role::Bad, format!("✗ since its start: {why}"))),
        Some(Ok(past)) => {
            let PastTold::Job(seconds) = &past.told else { return };
            let share = i128::from(seconds.busy) * ALL_MILLIONTHS;
            let share = share.checked_div(seconds.held.into()).and_then(|share| i64::try_from(share).ok());
            let age = format::age(frame.app.now.seconds_since(past.at));
            let source = format!("  since its start, by Prometheus {}, asked {age} ago", past.server);
            let line = match seconds.held {
                0 => Line::of(Role::Unknown, format!("{} no metrics of its pods", format::UNKNOWN)),
                held => hours(held, Some(seconds.busy), share),
            };
            page.fact("GPU-hours", line.and(Role::TextDim, source));
        }
    }
}

const ALL_MILLIONTHS: i128 = 1_000_000;

/// `1.4 of 2.0 busy (70%)`.
fn hours(held: i64, busy: Option<i64>, efficiency_millionths: Option<i64>) -> Line {
    let Some(busy) = busy else {
        return Line::plain(format!("{} held", in_hours(held))).and(Role::Unknown, ", ? busy");
    };
    let percent = efficiency_millionths.and_then(|share| format::percent(share, 1_000_000));
    let percent = percent.map_or_else(String::new, |percent| format!(" ({percent})"));
    Line::plain(format!("{} busy of {} held{percent}", in_hours(busy), in_hours(held)))
}

/// With one decimal, rounded.
fn in_hours(seconds: i64) -> String {
    const SECONDS_PER_TENTH: i64 = 360;
    let tenths = (seconds + SECONDS_PER_TENTH / 2) / SECONDS_PER_TENTH;
    format!("{}.{}", format::count(tenths / 10), tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_rounded_and_an_unknown_use_is_no_zero() {
        assert_eq!([0, 179, 180, 3_600, 36_000_000].map(in_hours), ["0.0", "0.0", "0.1", "1.0", "10,000.0"]);
        assert_eq!(hours(7_200, Some(3_600), Some(500_000)).text(), "1.0 busy of 2.0 held (50%)");
        assert_eq!(hours(7_200, None, None).text(), "2.0 held, ? busy");
    }
}
