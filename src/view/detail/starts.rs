//! Where the time of starts went: that of a pod, of the pods of a Job, of those on a Node.

use super::super::context::FrameContext;
use super::super::{Line, format, start_lines, start_words};
use super::Page;
use crate::config::Role;
use crate::fleet::{JobRow, Kind, NodeRow, PodRow};
use crate::insight::cold_start::ColdStart;

const NARROWEST_BAR: usize = 8;

const WIDEST_BAR: usize = 40;

/// Wider than that of a step: all of a start stands in one bar.
const WIDEST_AXIS: usize = 70;

/// The waterfall of a pod; nothing of pods whose start is of no interest, as those of DaemonSets.
pub(super) fn of_pod(frame: &FrameContext<'_>, pod: &PodRow, page: &mut Page) {
    let Some(start) = frame.app.insights.starts.of_pod(&pod.meta.key) else { return };
    page.section("START");
    start_lines::of(frame.app, start, bar_width(frame)).into_iter().for_each(|line| page.item(line));
    if !frame.readable(Kind::Event) {
        let words = format!(
            "{} Events are {}: of pulls and of capacity nothing is known",
            format::UNKNOWN,
            frame.not_read(Kind::Event)
        );
        page.item(Line::of(Role::Unknown, words));
    }
}

/// What a line of the details leaves for bars.
fn bar_width(frame: &FrameContext<'_>) -> usize {
    frame.panel_width().saturating_sub(start_lines::BESIDE_BAR + AROUND_LINE).clamp(NARROWEST_BAR, WIDEST_BAR)
}

/// Columns of the panel around a line.
const AROUND_LINE: usize = 6;

/// What a line of the details leaves for bars with nothing beside them but their length.
fn axis_width(frame: &FrameContext<'_>) -> usize {
    frame.panel_width().saturating_sub(start_lines::BESIDE_BARS + AROUND_LINE).clamp(NARROWEST_BAR, WIDEST_AXIS)
}

/// The pods of a Job together.
pub(super) fn of_job(frame: &FrameContext<'_>, job: &JobRow, page: &mut Page) {
    let starts = known(frame, frame.app.fleet.pods_of_job(&job.meta.uid));
    if starts.is_empty() {
        return;
    }
    page.section("STARTS");
    start_lines::of_gang(frame.app, &starts).into_iter().for_each(|line| page.item(line));
    let mut slowest_first = starts;
    in_order(frame, &mut slowest_first);
    waterfalls(frame, &slowest_first, |start| Line::of(Role::TextStrong, &start.pod.name), page);
    if !frame.pods_known_of(job) {
        page.item(Line::of(Role::Unknown, format!("{} not all of its pods are known", format::UNKNOWN)));
    }
}

/// The starts on a Node, those that go on first, then the longest.
pub(super) fn of_node(frame: &FrameContext<'_>, node: &NodeRow, page: &mut Page) {
    let mut starts = known(frame, frame.app.fleet.pods_on(&node.meta.key.name));
    if starts.is_empty() {
        return;
    }
    in_order(frame, &mut starts);
    page.section("STARTS");
    let told = |start: &ColdStart| {
        let words = format!("  {}", start_words::sentence(frame.app, start));
        Line::of(Role::TextStrong, start.pod.to_string()).and(Role::TextDim, words)
    };
    waterfalls(frame, &starts, told, page);
}

/// Those that go on, then the longest.
fn in_order(frame: &FrameContext<'_>, starts: &mut [&ColdStart]) {
    let now = frame.app.now;
    starts.sort_by_key(|start| (start.open_phase().is_none(), -start.total_seconds(now), &start.pod));
}

/// Each start with these words and its bar, on the time axis that they have in common.
fn waterfalls(frame: &FrameContext<'_>, starts: &[&ColdStart], words: impl Fn(&ColdStart) -> Line, page: &mut Page) {
    let shown = starts.get(..MOST_STARTS).unwrap_or(starts);
    let bars = start_lines::Bars::of(frame.app, shown, axis_width(frame));
    for start in shown {
        page.item(start_words::state(start).and(Role::Text, "  ").then(words(start)));
        page.item(bars.bar(start));
    }
    page.item(bars.axis());
    page.item(bars.legend());
    if starts.len() > MOST_STARTS {
        page.item(Line::of(Role::TextDim, format!("and {} more", format::count(starts.len() - MOST_STARTS))));
    }
}

/// The Starts screen has them all.
const MOST_STARTS: usize = 20;

fn known<'a>(frame: &FrameContext<'a>, pods: impl Iterator<Item = &'a PodRow>) -> Vec<&'a ColdStart> {
    pods.filter_map(|pod| frame.app.insights.starts.of_pod(&pod.meta.key)).collect()
}
