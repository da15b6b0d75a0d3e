//! What keys do with logs of containers: opening one, and while it is looked at.

use super::effects::Effects;
use super::log_buffer::Direction;
use super::rows::RowRef;
use super::{App, Effect, LineTimes, LogState, LongLines, PickerKind, logs, notice, picker, prompt, save, selection};
use crate::fleet::{Epoch, Key, Kind, LOG_LINE_BYTES, LogRun, ObjectKey, PodContainer, PodRow};
use crate::input::Action;

/// Columns that one key moves sideways.
const SIDEWAYS_COLUMNS: usize = 20;

/// Opens the log of the opened or selected pod; where several pods are meant, asks which.
pub fn open(app: &mut App, effects: &mut Effects) {
    let pods = pods(app);
    match pods.as_slice() {
        [] => notice::info(app, "no pod is known here whose log could be shown"),
        [pod] => logs::open_pod(app, pod.clone(), effects),
        _ => {
            let items = pods.iter().map(ToString::to_string).collect();
            picker::open(app, PickerKind::LogPods, items, "");
        }
    }
}

/// The pods that the opened or selected object is about: itself, those of a Job, those that have a device. Those that run
/// come first.
fn pods(app: &App) -> Vec<ObjectKey> {
    let keys = selection::subjects(app);
    let mut pods: Vec<ObjectKey> = keys.iter().flat_map(|key| pods_of(app, key)).collect();
    pods.sort();
    pods.sort_by_key(|pod| !app.fleet.pods.get(pod).is_some_and(PodRow::is_active));
    pods
}

fn pods_of(app: &App, key: &Key) -> Vec<ObjectKey> {
    match RowRef::find(app, key) {
        Some(RowRef::Pod(pod)) => vec![pod.meta.key.clone()],
        Some(RowRef::Job(job)) => app.fleet.pods_of_job(&job.meta.uid).map(|pod| pod.meta.key.clone()).collect(),
        Some(RowRef::Event(event)) if event.object.kind.as_str() == Kind::Pod.name() => vec![event.object.key.clone()],
        _ => Vec::new(),
    }
}

/// The containers of the pod are known: the only one is chosen, of several the user chooses.
pub fn containers_told(app: &mut App, epoch: Epoch, pod: &ObjectKey, result: Result<Vec<PodContainer>, String>) {
    let is_current = epoch == app.epoch;
    let Some(log) = app.ui.log.as_mut().filter(|log| is_current && log.pod == *pod && log.containers.is_empty()) else {
        return;
    };
    match result {
        Err(message) => log.state = LogState::Failed { message, next_try: None },
        Ok(containers) => {
            log.containers = containers;
            match log.containers.as_slice() {
                [] => log.state = LogState::Gone(format!("pod {pod} has no containers")),
                [only] => {
                    let name = only.name.clone();
                    logs::choose(app, &name, LogRun::Present);
                }
                _ => choose_container(app),
            }
        }
    }
}

/// Opens the list of the pod's containers.
fn choose_container(app: &mut App) {
    let Some(log) = &app.ui.log else { return };
    let items: Vec<String> = log.containers.iter().map(|container| container.name.clone()).collect();
    let current = log.container.clone();
    match items.len() {
        0 => notice::info(app, "the containers of the pod are not known yet"),
        1 => notice::info(app, "the pod has one container"),
        _ => picker::open(app, PickerKind::LogContainers, items, &current),
    }
}

/// An action while a log is looked at; `false` where it means nothing of its own there.
pub fn act(app: &mut App, action: Action, effects: &mut Effects) -> bool {
    match action {
        Action::Back | Action::Quit => leave(app, action),
        Action::Logs => logs::close(app),
        Action::Search => prompt::search(app),
        Action::NextMatch => logs::find(app, Direction::Newer),
        Action::PreviousMatch => logs::find(app, Direction::Older),
        Action::Wrap => wrap(app),
        Action::Timestamps => show_times(app),
        Action::Left => sideways(app, Sideways::Left),
        Action::Right => sideways(app, Sideways::Right),
        Action::PreviousRun => other_run(app),
        Action::Containers => choose_container(app),
        Action::Copy => copy(app, effects),
        Action::Save => save::open(app),
        _ => return logs::scroll(app, action),
    }
    true
}

/// Leaves what is looked for, then the log.
fn leave(app: &mut App, action: Action) {
    let Some(log) = &mut app.ui.log else { return };
    if action == Action::Back && log.buffer.search().is_some() {
        log.buffer.look_for("");
    } else {
        logs::close(app);
    }
}

fn wrap(app: &mut App) {
    let Some(log) = &mut app.ui.log else { return };
    log.long_lines = match log.long_lines {
        LongLines::Wrapped => LongLines::Cut { from_column: 0 },
        LongLines::Cut { .. } => LongLines::Wrapped,
    };
}

fn show_times(app: &mut App) {
    let Some(log) = &mut app.ui.log else { return };
    log.times = match log.times {
        LineTimes::Shown => LineTimes::Hidden,
        LineTimes::Hidden => LineTimes::Shown,
    };
}

/// Where to move the lines that are cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sideways {
    /// Towards their beginning.
    Left,
    /// Towards their end.
    Right,
}

fn sideways(app: &mut App, to: Sideways) {
    let Some(log) = &mut app.ui.log else { return };
    let LongLines::Cut { from_column } = &mut log.long_lines else {
        return notice::info(app, "long lines go on below; only lines that are cut move sideways");
    };
    *from_column = match to {
        Sideways::Left => from_column.saturating_sub(SIDEWAYS_COLUMNS),
        Sideways::Right => (*from_column + SIDEWAYS_COLUMNS).min(LOG_LINE_BYTES),
    };
}

fn other_run(app: &mut App) {
    let Some(log) = app.ui.log.as_ref().filter(|log| log.number.is_some()) else { return };
    let run = match log.run {
        LogRun::Present => LogRun::Previous,
        LogRun::Previous => LogRun::Present,
    };
    let container = log.container.clone();
    logs::choose(app, &container, run);
}

fn copy(app: &mut App, effects: &mut Effects) {
    let Some(log) = &app.ui.log else { return };
    let name = log.pod.name.to_string();
    notice::info(app, format!("copied {name}"));
    effects.push(Effect::Copy(name));
}
