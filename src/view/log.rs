//! The log of a container, in place of table and details.

use super::context::FrameContext;
use super::layout::Layout;
use super::panel::with_position;
use super::screen::{Area, Body, Border, Panel, Placed, Screen};
use super::{Line, format, header, sentence, text, words};
use crate::app::{Geometry, LineTimes, LogEntry, LogGeometry, LogPosition, LogSearch, LogState, LogView, LongLines};
use crate::config::Role;
use crate::fleet::{ContainerRole, ContainerState, LOG_TAIL_LINES, LogLine, LogRun, ObjectKey, PodContainer, Right};
use crate::units::Time;

/// Columns by which lines are indented that go on below.
const INDENT: usize = 2;

/// The whole screen while a log is looked at: the first line, the log, what is known of the way to it.
pub(super) fn screen(frame: &FrameContext<'_>, layout: &Layout, log: &LogView) -> Screen {
    let size = frame.app.ui.size;
    let area = Area { x: 0, y: 1, width: size.0, height: size.1.saturating_sub(3) };
    let mut panel = Panel { area, border: Border::None, title: Line::new(), lines: Vec::new(), hint: Line::new() };
    let page = Page::of(frame, log, panel.inside());
    panel.title = with_position(title(log), position(log, &page), usize::from(panel.text_area().width));
    panel.lines = page.lines;
    let status = sentence::notice(frame).unwrap_or_else(|| status(frame, log));
    let status = Line::plain(" ").then(status).cut(usize::from(size.0));
    Screen {
        size,
        lines: vec![header::title(frame, layout.title), Placed { area: layout.sentence, line: status }],
        tabs: Vec::new(),
        rules: Vec::new(),
        body: Body::Covered,
        detail: Some(panel),
        overlay: None,
        cursor: None,
        geometry: Geometry { page_rows: layout.page_rows(), scroll_end: 0, log: Some(page.geometry) },
    }
}

fn title(log: &LogView) -> Line {
    let line = Line::of(Role::TextDim, "log of ").and(Role::Title, log.pod.to_string());
    let line = match log.container.as_str() {
        "" => line,
        name => line.and(Role::TextDim, "  container ").and(Role::Title, name),
    };
    match log.run {
        LogRun::Present => line,
        LogRun::Previous => line.and(Role::Warn, "  previous run"),
    }
}

/// Which lines are seen, and of how many.
fn position(log: &LogView, page: &Page) -> Line {
    if log.buffer.is_empty() {
        return Line::new();
    }
    match log.position {
        LogPosition::End => Line::of(Role::TextDim, format!(" {} ", format::plural(log.buffer.len(), "line"))),
        LogPosition::From(_) => {
            let (from, to) = (page.geometry.first + 1, page.end);
            let text =
                format!(" {}–{} of {} ", format::count(from), format::count(to), format::count(log.buffer.end()));
            Line::of(Role::TextDim, text)
        }
    }
}

/// What is known of the way to the log, and how it is shown.
fn status(frame: &FrameContext<'_>, log: &LogView) -> Line {
    let mut line = state(frame, log);
    if let Some(search) = log.buffer.search() {
        line = line.and(Role::Text, "  ").then(found(search));
    }
    if log.position != LogPosition::End {
        line.push(Role::Warn, "  not following");
    }
    if log.buffer.first() > 0 {
        let dropped = format::count(log.buffer.first());
        line.push(Role::TextDim, format!("  {dropped} older lines dropped"));
    }
    line
}

fn found(search: &LogSearch) -> Line {
    let all = format::count(search.matches.len());
    let place = search.place().map_or_else(String::new, |place| format!("{} of ", format::count(place)));
    Line::of(Role::Input, format!("/{}", search.text)).and(Role::TextDim, format!(" {place}{all}"))
}

fn state(frame: &FrameContext<'_>, log: &LogView) -> Line {
    match &log.state {
        LogState::Connecting => Line::of(Role::Pending, "◌ connecting"),
        LogState::Live => Line::of(Role::Running, "● live"),
        LogState::Ended(words) => Line::of(Role::TextDim, format!("■ {words}")),
        LogState::Waiting(words) => Line::of(Role::Pending, format!("◌ the container waits: {words}")),
        LogState::Forbidden(words) => {
            let right = Right::ReadLogs;
            let hint = format!("; {} prints the right", right.manifest());
            Line::of(Role::Warn, format!("⊘ you may not {}: {words}", right.words())).and(Role::Text, hint)
        }
        LogState::Gone(words) => Line::of(Role::Bad, format!("✗ {words}")),
        LogState::Failed { message, next_try } => {
            let next = next_try.map_or_else(String::new, |at| {
                format!("; next try {}", format::relative(frame.app.now, at.max(frame.app.now)))
            });
            Line::of(Role::Bad, format!("✗ {message}{next}"))
        }
    }
}

/// The lines that fit, and where among all they are.
struct Page {
    lines: Vec<Line>,
    /// One past the number of the last line of which something is seen.
    end: u64,
    geometry: LogGeometry,
}

/// How lines are laid out.
struct Paper<'a> {
    log: &'a LogView,
    now: Time,
    width: usize,
    height: usize,
}

impl Page {
    fn of(frame: &FrameContext<'_>, log: &LogView, inside: Area) -> Self {
        let (width, height) = (usize::from(inside.width), usize::from(inside.height));
        let paper = Paper { log, now: frame.app.now, width, height };
        let (first, end) = (log.buffer.first(), log.buffer.end());
        let (newest, newest_lines) = paper.upwards(end);
        let (shown, lines, below) = match log.position {
            LogPosition::From(from) if from < newest => paper.downwards(from.max(first)),
            _ => (newest, newest_lines, end),
        };
        let (above, _) = paper.upwards(shown);
        let lines = if log.buffer.is_empty() { face(frame, log, width) } else { lines };
        let geometry = LogGeometry {
            first: shown,
            above: above.min(shown.saturating_sub(1)).max(first),
            below: below.max(shown + 1),
            end: newest,
        };
        Self { lines, end: below, geometry }
    }
}

impl Paper<'_> {
    /// The page that ends before the line of this number: the number of its first line, and its rows. Of a line that has no
    /// room the last rows are seen.
    fn upwards(&self, end: u64) -> (u64, Vec<Line>) {
        let mut rows: Vec<Vec<Line>> = Vec::new();
        let (mut number, mut used) = (end, 0);
        while used < self.height && number > self.log.buffer.first() {
            let Some(entry) = self.log.buffer.get(number - 1) else { break };
            let of_entry = self.rows(entry, number - 1);
            // A page begins with a whole line, unless it is longer than the page.
            if used > 0 && used + of_entry.len() > self.height {
                break;
            }
            number -= 1;
            used += of_entry.len();
            rows.push(of_entry);
        }
        let lines: Vec<Line> = rows.into_iter().rev().flatten().collect();
        let surplus = lines.len().saturating_sub(self.height);
        (number, lines.into_iter().skip(surplus).collect())
    }

    /// The page from the line of this number on: its number, its rows, and the number of the first line of the next page.
    fn downwards(&self, from: u64) -> (u64, Vec<Line>, u64) {
        let mut lines: Vec<Line> = Vec::new();
        let mut number = from;
        while let Some(entry) = self.log.buffer.get(number) {
            let of_entry = self.rows(entry, number);
            if lines.len() + of_entry.len() > self.height {
                break;
            }
            lines.extend(of_entry);
            number += 1;
        }
        // What is left of the page shows the beginning of the next line.
        if let Some(entry) = self.log.buffer.get(number) {
            lines.extend(self.rows(entry, number));
            lines.truncate(self.height);
        }
        (from, lines, number.max(from + 1))
    }

    /// The rows of one line.
    fn rows(&self, entry: &LogEntry, number: u64) -> Vec<Line> {
        let line = match entry {
            LogEntry::Restarted => {
                return vec![Line::of(Role::Warn, "── the container was restarted ──").cut(self.width)];
            }
            LogEntry::Line(line) => line,
        };
        match self.log.long_lines {
            LongLines::Wrapped => self.line(line, number, 0).wrap(self.width, INDENT),
            LongLines::Cut { from_column } => vec![self.line(line, number, from_column).cut(self.width)],
        }
    }

    fn line(&self, line: &LogLine, number: u64, from_column: usize) -> Line {
        let mut shown = match (self.log.times, line.at) {
            (LineTimes::Hidden, _) => Line::new(),
            (LineTimes::Shown, Some(at)) => {
                Line::of(Role::TextDim, format!("{} ", format::clock_seconds(self.now, at)))
            }
            (LineTimes::Shown, None) => Line::of(Role::Unknown, format!("{} ", format::UNKNOWN)),
        };
        shown = shown.then(marked(text::without_head(&line.text, from_column), self.log.buffer.search(), number));
        if line.cut_bytes > 0 {
            shown.push(
                Role::Warn,
                format!(" … {} more", format::bytes(i64::try_from(line.cut_bytes).unwrap_or(i64::MAX))),
            );
        }
        shown
    }
}

/// A text in which every place of what is looked for stands out.
fn marked(shown: &str, search: Option<&LogSearch>, number: u64) -> Line {
    let Some(search) = search.filter(|search| search.is_in(shown)) else { return Line::plain(shown) };
    let role = if search.at == Some(number) { Role::Choice } else { Role::Input };
    let wanted = search.text.to_lowercase();
    let mut line = Line::new();
    let mut rest = shown;
    while let Some((before, found, after)) = split_at(rest, &wanted) {
        line.push(Role::Text, before);
        line.push(role, found);
        rest = after;
    }
    line.and(Role::Text, rest)
}

/// A text before, at and after the first place of another one, in whichever case.
fn split_at<'t>(text: &'t str, wanted: &str) -> Option<(&'t str, &'t str, &'t str)> {
    let starts = text.char_indices().map(|(at, _)| at);
    let found = starts.filter_map(|at| Some((at, length_of_match(text.get(at..)?, wanted)?)));
    let (at, length) = found.into_iter().next()?;
    Some((text.get(..at)?, text.get(at..at + length)?, text.get(at + length..)?))
}

/// How many bytes of the beginning of a text are the wanted one, which is in lower case.
fn length_of_match(text: &str, wanted: &str) -> Option<usize> {
    let mut left = wanted;
    for (at, c) in text.char_indices() {
        if left.is_empty() {
            return Some(at).filter(|at| *at > 0);
        }
        for lower in c.to_lowercase() {
            left = left.strip_prefix(lower)?;
        }
    }
    left.is_empty().then_some(text.len()).filter(|length| *length > 0)
}

/// What stands in place of lines as long as there are none.
fn face(frame: &FrameContext<'_>, log: &LogView, width: usize) -> Vec<Line> {
    let mut lines = state(frame, log).wrap(width, INDENT);
    let about = match (&log.state, log.run) {
        (LogState::Live, _) => "nothing has been written yet".to_owned(),
        (LogState::Ended(_), _) => "it has written nothing, or its log is no longer kept".to_owned(),
        (LogState::Connecting, _) => format!("the last {} lines are asked for", format::count(LOG_TAIL_LINES)),
        _ => return lines,
    };
    lines.extend(Line::of(Role::TextDim, about).wrap(width, INDENT));
    lines
}

/// The state of a pod of this name (`ml/train-0`), for a list.
pub(super) fn of_pod(frame: &FrameContext<'_>, name: &str) -> Line {
    let pod = name.split_once('/').map(|(namespace, name)| ObjectKey::new(namespace, name));
    pod.and_then(|pod| frame.app.fleet.pods.get(&pod)).map_or_else(Line::new, words::pod)
}

/// What is known of a container of the pod whose log is looked at, for a list.
pub(super) fn of_container(frame: &FrameContext<'_>, name: &str) -> Line {
    let containers = frame.app.ui.log.as_ref().map_or(&[][..], |log| &log.containers);
    containers.iter().find(|it| it.name == name).map_or_else(Line::new, |it| container(frame.app.now, it))
}

/// The part of a container in a word; none for a main container.
const fn role(role: Option<ContainerRole>) -> &'static str {
    match role {
        Some(ContainerRole::Main) => "",
        Some(ContainerRole::Sidecar) => "sidecar",
        Some(ContainerRole::Init) => "init",
        None => "ephemeral",
    }
}

fn container(now: Time, container: &PodContainer) -> Line {
    let state = match &container.state {
        ContainerState::Unknown => Line::of(Role::Unknown, "? not known"),
        ContainerState::Waiting(words) => Line::of(Role::Pending, format!("◌ {words}")),
        ContainerState::Running(since) => {
            let since =
                since.map_or_else(String::new, |since| format!(" for {}", format::age(now.seconds_since(since))));
            Line::of(Role::Running, format!("● running{since}"))
        }
        ContainerState::Ended { words, .. } => Line::of(Role::TextDim, format!("■ {words}")),
    };
    let mut line = Line::of(Role::TextDim, role(container.role)).spaced(" ").then(state);
    if container.restarts > 0 {
        line.push(Role::Warn, format!("  {}", format::plural(container.restarts, "restart")));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::split_at;

    #[test]
    fn a_text_is_found_in_whichever_case_and_at_the_end() {
        assert_eq!(split_at("Step LOSS 2", "loss"), Some(("Step ", "LOSS", " 2")));
        assert_eq!(split_at("a loss", "loss"), Some(("a ", "loss", "")));
        assert_eq!(split_at("los", "loss"), None);
        assert_eq!(split_at("", ""), None);
        assert_eq!(split_at("ÜBER", "über"), Some(("", "ÜBER", "")));
        assert_eq!(split_at("aab", "ab"), Some(("a", "ab", "")));
    }
}
