//! The log of a container: which one is asked for, what is told of it, and which of its lines are shown.

use super::effects::Effects;
use super::log_buffer::{Direction, LogEntry};
use super::{App, Effect, LogGeometry, LogPosition, LogState, LogView, detail, notice, rights};
use crate::fleet::{LogQuestion, LogReport, LogRun, ObjectKey, Right};
use crate::input::Action;

/// Lines above one that was found, where it was not on screen.
const LINES_ABOVE_FOUND: u64 = 3;

/// Opens the log of a pod that was picked from a list.
pub fn open_named(app: &mut App, name: &str, effects: &mut Effects) {
    if let Some((namespace, name)) = name.split_once('/') {
        open_pod(app, ObjectKey::new(namespace, name), effects);
    }
}

/// Opens the log of a pod, and asks for its containers.
pub fn open_pod(app: &mut App, pod: ObjectKey, effects: &mut Effects) {
    if let Some(missing) = rights::missing(app, Right::ReadLogs, &pod.namespace) {
        return notice::warning(app, format!("no log of pod {pod}: {missing}"));
    }
    app.ui.log = Some(Box::new(LogView::of(pod.clone())));
    effects.push(Effect::AskContainers { epoch: app.epoch, pod });
}

/// Looks at a run of a container from its newest lines on.
pub fn choose(app: &mut App, container: &str, run: LogRun) {
    let number = app.ui.next_log;
    let Some(log) = &mut app.ui.log else { return };
    app.ui.next_log += 1;
    let search = log.buffer.search().map(|search| search.text.clone());
    **log = LogView {
        number: Some(number),
        container: container.to_owned(),
        run,
        containers: std::mem::take(&mut log.containers),
        long_lines: log.long_lines,
        times: log.times,
        ..LogView::of(log.pod.clone())
    };
    log.buffer.look_for(&search.unwrap_or_default());
}

/// The list of containers was left: without a chosen one there is nothing to look at.
pub fn choice_left(app: &mut App) {
    if app.ui.log.as_ref().is_some_and(|log| log.number.is_none()) {
        close(app);
    }
}

/// Leaves the log.
pub fn close(app: &mut App) {
    app.ui.log = None;
}

/// Asks for the log that is looked at, and no longer for one that is not. Done after every message, so that whatever closes
/// the log also ends its stream.
pub fn keep_in_step(app: &mut App, effects: &mut Effects) {
    let shown = app.ui.log.as_ref().and_then(|log| log.number);
    if app.ui.followed_log == shown {
        return;
    }
    app.ui.followed_log = shown;
    match (shown, &app.ui.log) {
        (Some(number), Some(log)) => effects.push(Effect::FollowLog { number, question: question(log) }),
        _ => effects.push(Effect::LeaveLog),
    }
}

fn question(log: &LogView) -> LogQuestion {
    let restarts = log.containers.iter().find(|it| it.name == log.container).map_or(0, |it| it.restarts);
    LogQuestion { pod: log.pod.clone(), container: log.container.clone(), run: log.run, restarts }
}

/// A log tells something; one that is no longer looked at is not heard.
pub fn told(app: &mut App, number: u64, report: LogReport) {
    let now = app.now;
    let Some(log) = app.ui.log.as_mut().filter(|log| log.number == Some(number)) else { return };
    match report {
        LogReport::Live => log.state = LogState::Live,
        LogReport::Lines(lines) => lines.iter().for_each(|line| log.buffer.take(line)),
        LogReport::Restarted => log.buffer.push(LogEntry::Restarted),
        LogReport::Ended(words) => log.state = LogState::Ended(words),
        LogReport::Waiting(words) => log.state = LogState::Waiting(words),
        LogReport::Forbidden(words) => log.state = LogState::Forbidden(words),
        LogReport::Gone(words) => log.state = LogState::Gone(words),
        LogReport::Failed { message, next_try_seconds } => {
            let seconds = i64::try_from(next_try_seconds).unwrap_or(i64::MAX);
            log.state = LogState::Failed { message, next_try: Some(now.plus_seconds(seconds)) };
        }
    }
}

/// The last frame tells which lines it showed.
pub fn laid_out(app: &mut App, geometry: Option<LogGeometry>) {
    if let Some(log) = &mut app.ui.log {
        log.geometry = geometry.or(log.geometry);
    }
}

/// Scrolls, where the action does that. At the end the log is followed again.
pub fn scroll(app: &mut App, action: Action) -> bool {
    let Some(log) = &mut app.ui.log else { return false };
    let first = log.first_shown();
    let geometry = log.geometry.unwrap_or(LogGeometry { first, above: first, below: first, end: first });
    let first = match action {
        Action::Up => first.saturating_sub(1),
        Action::Down => first + 1,
        Action::PageUp => geometry.above,
        Action::PageDown => geometry.below,
        Action::Top => log.buffer.first(),
        Action::Bottom => u64::MAX,
        _ => return false,
    };
    show_from(log, first, geometry.end);
    true
}

/// Shows the lines from a number on; the newest ones where none lie below them.
fn show_from(log: &mut LogView, first: u64, end: u64) {
    let first = first.max(log.buffer.first());
    log.position = if first >= end { LogPosition::End } else { LogPosition::From(first) };
}

/// Looks for a text: at first for its newest match on screen or above it.
pub fn look_for(app: &mut App, text: &str) {
    let Some(log) = &mut app.ui.log else { return };
    log.buffer.look_for(text);
    if !text.is_empty() {
        find(app, Direction::Older);
    }
}

/// Goes to the next line with what is looked for.
pub fn find(app: &mut App, direction: Direction) {
    let Some(log) = &mut app.ui.log else { return };
    let Some(search) = log.buffer.search() else {
        return notice::info(app, "nothing is looked for; search first");
    };
    let text = search.text.clone();
    let below = log.geometry.filter(|_| log.position != LogPosition::End).map_or(u64::MAX, |shown| shown.below);
    let Some(found) = log.buffer.find(below, direction) else {
        return notice::info(app, format!("no line contains \"{text}\""));
    };
    let (first, end) = (log.first_shown(), log.geometry.map_or(u64::MAX, |shown| shown.end));
    let is_on_screen = match log.position {
        LogPosition::End => found >= first,
        LogPosition::From(first) => (first..below).contains(&found),
    };
    let first = if is_on_screen { first } else { found.saturating_sub(LINES_ABOVE_FOUND) };
    // Near the end the newest page shows it already. What comes later must not move it away.
    log.position = LogPosition::From(first.min(end).max(log.buffer.first()));
}

/// Scrolls by lines with the wheel.
pub fn wheel(app: &mut App, step: Action, lines: usize) {
    (0..lines).for_each(|_| {
        scroll(app, step);
    });
}

/// Whether a log has the keys.
pub fn is_on_top(app: &App) -> bool {
    app.ui.log.is_some() && app.ui.overlay.is_none()
}

/// The last frame tells how far the text on top can be scrolled; that of a log has numbers of its own.
pub fn text_laid_out(app: &mut App, scroll_end: usize, geometry: Option<LogGeometry>) {
    if is_on_top(app) {
        laid_out(app, geometry);
    } else {
        detail::laid_out(app, scroll_end);
    }
}
