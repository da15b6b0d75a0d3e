//! The line at the bottom: a filter, or a command.

use tui_input::Input;

use super::history::Recall;
use super::{App, Overlay, Prompt, PromptKind, completion, filter, line, listing, logs, picker, save, write};
use crate::input::{Chord, KeyCode};

/// Opens the filter with what it says now, and a space behind it: what is typed next is a term of its own.
pub fn filter(app: &mut App) {
    let mut text = app.ui.level.filter.clone();
    if !text.is_empty() {
        text.push(' ');
    }
    open(app, PromptKind::Filter, text);
}

/// Opens the line for a text that is looked for in a log.
pub fn search(app: &mut App) {
    open(app, PromptKind::Search, String::new());
}

/// Opens an empty command line.
pub fn command(app: &mut App) {
    open(app, PromptKind::Command, String::new());
}

fn open(app: &mut App, kind: PromptKind, text: String) {
    let (before, selected) = (app.ui.level.filter.clone(), app.ui.level.selected.clone());
    app.ui.overlay = Some(Overlay::Prompt(Prompt { kind, input: Input::new(text), before, selected, recalled: None }));
}

/// A key while a line is typed. Returns the command that is to be run, once it is complete.
pub fn press(app: &mut App, chord: Chord) -> Option<String> {
    match chord.key {
        KeyCode::Enter => return submit(app),
        KeyCode::Escape => cancel(app),
        KeyCode::Tab => complete(app),
        KeyCode::Up => recall(app, Recall::Older),
        KeyCode::Down => recall(app, Recall::Newer),
        KeyCode::Backspace if is_empty(app) => cancel(app),
        _ => edit(app, |input| {
            line::edit(input, chord);
        }),
    }
    None
}

/// Text was pasted: into the line that is being typed, wherever that is.
pub fn paste(app: &mut App, text: &str) {
    match app.ui.overlay {
        Some(Overlay::Prompt(_)) => edit(app, |input| line::paste(input, text)),
        Some(Overlay::Picker(_)) => picker::paste(app, text),
        Some(Overlay::Write(_)) => write::paste(app, text),
        Some(Overlay::Save(_)) => save::paste(app, text),
        _ => {}
    }
}

fn is_empty(app: &App) -> bool {
    matches!(&app.ui.overlay, Some(Overlay::Prompt(prompt)) if prompt.input.value().is_empty())
}

fn edit(app: &mut App, change: impl FnOnce(&mut Input)) {
    let Some(Overlay::Prompt(prompt)) = &mut app.ui.overlay else { return };
    change(&mut prompt.input);
    prompt.recalled = None;
    if prompt.kind == PromptKind::Filter {
        let text = prompt.input.value().to_owned();
        set_filter(app, text);
    }
}

/// Rows follow while the filter is typed.
fn set_filter(app: &mut App, text: String) {
    if app.ui.level.filter != text {
        listing::set_filter(app, text);
    }
}

fn submit(app: &mut App) -> Option<String> {
    let Some(Overlay::Prompt(prompt)) = app.ui.overlay.take() else { return None };
    let line = prompt.input.value().trim().to_owned();
    app.ui.history.add(prompt.kind, &line);
    match prompt.kind {
        PromptKind::Command => Some(line),
        PromptKind::Filter => {
            set_filter(app, line);
            listing::follow_filter(app);
            filter::report(app);
            None
        }
        PromptKind::Search => {
            logs::look_for(app, &line);
            None
        }
    }
}

/// Puts back the filter and the selection as they were.
fn cancel(app: &mut App) {
    if let Some(Overlay::Prompt(prompt)) = app.ui.overlay.take()
        && app.ui.level.filter != prompt.before
    {
        app.ui.level.selected = prompt.selected;
        listing::set_filter(app, prompt.before);
        listing::follow_filter(app);
    }
}

/// Puts a line that was typed earlier in place of the present one.
fn recall(app: &mut App, which: Recall) {
    let Some(Overlay::Prompt(prompt)) = &app.ui.overlay else { return };
    let (kind, recalled) = (prompt.kind, prompt.recalled);
    let Some((at, line)) = app.ui.history.recall(kind, recalled, which) else { return };
    edit(app, |input| *input = Input::new(line));
    if let Some(Overlay::Prompt(prompt)) = &mut app.ui.overlay {
        prompt.recalled = at;
    }
}

fn complete(app: &mut App) {
    let Some(Overlay::Prompt(prompt)) = &app.ui.overlay else { return };
    let completed = completion::complete(app, prompt.kind, prompt.input.value());
    edit(app, |input| *input = Input::new(completed));
}
