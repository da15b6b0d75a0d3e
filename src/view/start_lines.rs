//! A start in several lines, as the details and `batchtop starts` show it: its steps, its images, what it waits for.

use super::waterfall::Axis;
use super::{Line, format, start_words, waterfall};
use crate::app::App;
use crate::config::Role;
use crate::insight::Sentence;
use crate::insight::cold_start::{self, CauseReason, ColdStart, Evidence, GangStart, Phase};

/// Columns of a line about a step besides its bar.
pub(crate) const BESIDE_BAR: usize = 53;

/// Columns of the name of a step.
const STEP_WIDTH: usize = 18;

/// The lines of a start; bars are as wide as `bar`.
pub(crate) fn of(app: &App, start: &ColdStart, bar: usize) -> Vec<Line> {
    let mut lines = vec![start_words::headline(app, start)];
    lines.extend(start_words::place(start).map(|place| Line::of(Role::TextDim, place)));
    lines.extend(start.phases.iter().map(|phase| step(app, start, phase, bar)));
    lines.extend(start.images.iter().map(|image| {
        Line::of(Role::TextDim, format!("image {} ({}): ", image.image, image.container))
            .then(start_words::image(start, image))
    }));
    lines.extend(start_words::launch_failures(start, app.now).map(|words| Line::of(Role::Warn, words)));
    lines.extend(waits(app, start));
    lines.extend(cold_start::hints(start).iter().map(|hint| hint_line(app, hint)));
    lines
}

fn hint_line(app: &App, hint: &Sentence) -> Line {
    Line::of(Role::Info, "→ ").and(Role::Text, format::sentence(app.now, hint))
}

/// `Pull  7m21s  12:04:05  told by Events  ███`.
fn step(app: &App, start: &ColdStart, phase: &Phase, bar: usize) -> Line {
    let began = format::clock_seconds(app.now, phase.start());
    let length = format::span(phase.seconds(app.now));
    Line::plain(format!("{:<STEP_WIDTH$} {length:>8}  ", phase.name))
        .and(Role::TextDim, format!("{began:<8}  {:<10}  ", evidence(phase)))
        .then(waterfall::step_on_axis(start, phase, app.now, bar))
}

/// What tells of the end of a step, or of what it is while it goes on.
const fn evidence(phase: &Phase) -> &'static str {
    match phase.source {
        Evidence::Event => "Event",
        Evidence::Condition => "condition",
        Evidence::Status => "status",
        Evidence::Derived => "derived",
    }
}

/// What it waits for, in all words of who knows.
fn waits(app: &App, start: &ColdStart) -> Vec<Line> {
    let Some(words) = start_words::waits_for(start, app.now) else { return Vec::new() };
    let words = Line::of(Role::Pending, format!("◌ {words}"));
    // That an image is being pulled has been said.
    let cause = start.cause.as_ref().filter(|cause| cause.reason != CauseReason::ImagePull);
    let Some(cause) = cause else { return vec![words] };
    let since =
        cause.since.map_or_else(String::new, |since| format!(" since {}", format::clock_seconds(app.now, since)));
    let told = format!("{} {}{since}: {}", cause.object.kind.name(), cause.object.object.name, cause.message);
    vec![words, Line::of(Role::TextDim, told)]
}

/// Columns of a line with a bar besides it: the length of the start.
pub(crate) const BESIDE_BARS: usize = 12;

/// The bars of several starts on the time axis that they have in common.
pub(crate) struct Bars<'a> {
    app: &'a App,
    starts: &'a [&'a ColdStart],
    axis: Axis,
    width: usize,
}

impl<'a> Bars<'a> {
    /// Of these starts, so many columns wide.
    pub(crate) fn of(app: &'a App, starts: &'a [&'a ColdStart], width: usize) -> Self {
        let axis = Axis::of(starts.iter().map(|start| start.total_seconds(app.now)));
        Self { app, starts, axis, width }
    }

    /// The axis, below the bars.
    pub(crate) fn axis(&self) -> Line {
        Line::of(Role::TextDim, format!("{:BESIDE_BARS$}{}", "", self.axis.title(self.width)))
    }

    /// How long a start takes, and its bar.
    pub(crate) fn bar(&self, start: &ColdStart) -> Line {
        let length = format::span(start.total_seconds(self.app.now));
        let gap = BESIDE_BARS - 2;
        Line::plain(format!("{length:>gap$}  ")).then(waterfall::bar(start, self.app.now, self.axis, self.width))
    }

    /// What the signs in the bars mean.
    pub(crate) fn legend(&self) -> Line {
        let starts = self.starts.iter().copied();
        waterfall::legend(waterfall::steps_drawn(starts, self.app.now, self.axis, self.width))
    }
}

/// The starts of pods that wait for one another: a summary, then each step with its median and its maximum; nothing where
/// there are none.
pub(crate) fn of_gang(app: &App, starts: &[&ColdStart]) -> Vec<Line> {
    let Some(gang) = GangStart::of(starts, app.now) else { return Vec::new() };
    let mut lines = vec![Line::plain(start_words::gang(app, starts, &gang))];
    let ready = start_words::first_and_last_ready(starts, app.now);
    lines.extend(ready.map(|ready| Line::plain(format!("ready: {ready}"))));
    lines.extend(gang.phases.iter().map(|phase| {
        let (median, most) = (start_words::length(phase.median_seconds), start_words::length(phase.max_seconds));
        Line::plain(format!("{:<STEP_WIDTH$} median {median:>8}, at most {most}", phase.name))
    }));
    lines
}
