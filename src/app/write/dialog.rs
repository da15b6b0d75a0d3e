//! The dialog before a write.

use std::collections::{BTreeMap, BTreeSet};

use tui_input::Input;

use super::super::effects::Effects;
use super::super::{App, DurationChoice, Overlay, Scroll, Verb, WriteDialog, detail, line, notice, selection};
use super::targets::{self, Chosen};
use super::{confirm, consequences, evictees, values};
use crate::fleet::{JobRow, KarpenterApi, Kind, NodeRow, ObjectKey, Sym};
use crate::input::{Action, Chord};
use crate::insight::karpenter::Support;
use crate::insight::relation;

/// Asks for how long to protect the marked rows, else the selected one.
pub fn protect(app: &mut App) {
    ask(app, Verb::Protect);
}

/// Asks whether to remove the protection of the marked rows, else of the selected one.
pub fn unprotect(app: &mut App) {
    ask(app, Verb::Unprotect);
}

/// Asks whether to evict the marked or selected pods, those of a Job, or those that keep a Node.
pub fn evict(app: &mut App) {
    ask(app, Verb::Evict);
}

/// Asks whether to cordon the marked or selected Nodes, or to uncordon them where all of them are cordoned.
pub fn cordon(app: &mut App) {
    let keys = selection::chosen(app);
    let nodes: Vec<&NodeRow> = keys.iter().filter_map(|key| app.fleet.nodes.get(&key.object)).collect();
    let are_cordoned = !nodes.is_empty() && nodes.iter().all(|node| node.cordoned);
    ask(app, if are_cordoned { Verb::Uncordon } else { Verb::Cordon });
}

fn ask(app: &mut App, verb: Verb) {
    if refuse_readonly(app, verb) {
        return;
    }
    let keys = selection::chosen(app);
    let chosen = match verb {
        Verb::Evict => evictees::choose(app, &keys),
        Verb::Cordon | Verb::Uncordon => targets::choose_nodes(app, &keys, verb),
        Verb::Protect | Verb::Unprotect | Verb::Undo => targets::choose(app, &keys, verb),
    };
    if chosen.targets.is_empty() {
        return nothing_to_do(app, verb, &chosen);
    }
    let choices = choices(app, verb, &chosen);
    let mut dialog = of(app, verb, targets::subject(&chosen));
    dialog.notes = notes(app, verb, &chosen);
    dialog.choices = choices;
    (dialog.targets, dialog.skipped) = (chosen.targets, chosen.skipped);
    open(app, dialog);
}

/// Says that nothing is written, where that is so.
pub fn refuse_readonly(app: &mut App, verb: Verb) -> bool {
    if app.settings.readonly {
        notice::warning(app, format!("readonly: {} does nothing; :set readonly says who wants that", verb.name()));
    }
    app.settings.readonly
}

fn nothing_to_do(app: &mut App, verb: Verb, chosen: &Chosen) {
    let Some(first) = chosen.skipped.first() else { return notice::info(app, nothing_chosen(app)) };
    let more = match chosen.skipped.len() - 1 {
        0 => String::new(),
        n => format!(" (and {n} more)"),
    };
    // The name last: it is on the selected row, and may be cut.
    let (kind, object) = (first.key.kind.name(), &first.key.object);
    notice::warning(app, format!("nothing to {}: {} ({kind} {object}){more}", verb.name(), first.reason));
}

fn nothing_chosen(app: &App) -> &'static str {
    if selection::is_of_device(app) {
        "no pod is known to have this device; enter opens its node"
    } else {
        "no row is selected"
    }
}

/// An empty dialog of this verb.
pub fn of(app: &App, verb: Verb, subject: String) -> WriteDialog {
    WriteDialog {
        verb,
        context: app.cluster.context.clone(),
        server: app.cluster.server.clone(),
        subject,
        targets: Vec::new(),
        skipped: Vec::new(),
        choices: Vec::new(),
        chosen: 0,
        other: Input::default(),
        typed: Input::default(),
        typing_number: false,
        ends: None,
        consequences: Vec::new(),
        notes: Vec::new(),
        undoes: None,
        error: None,
        scroll: Scroll::default(),
    }
}

/// Shows a dialog, with values and consequences as of now.
pub fn open(app: &mut App, mut dialog: WriteDialog) {
    focus(&mut dialog);
    values::refresh(&mut dialog, app.now);
    dialog.consequences = consequences::of(app, &dialog);
    app.ui.overlay = Some(Overlay::Write(Box::new(dialog)));
}

/// Durations only for pods, and only where Karpenter reads them.
fn choices(app: &App, verb: Verb, chosen: &Chosen) -> Vec<DurationChoice> {
    use DurationChoice::{Hours, Other, UntilFinished};
    match verb {
        Verb::Protect if app.insights.karpenter.durations_understood() && !has_nodes(chosen) => {
            vec![UntilFinished, Hours(1), Hours(4), Hours(12), Other]
        }
        Verb::Protect => vec![UntilFinished],
        Verb::Unprotect | Verb::Undo | Verb::Evict | Verb::Cordon | Verb::Uncordon => Vec::new(),
    }
}

fn has_nodes(chosen: &Chosen) -> bool {
    chosen.targets.iter().any(|target| target.change.key().kind == Kind::Node)
}

/// What is assumed, and what it will not do.
fn notes(app: &App, verb: Verb, chosen: &Chosen) -> Vec<String> {
    let mut notes = Vec::new();
    if verb == Verb::Protect {
        notes.extend(durations_note(app, chosen));
        notes.extend(replaced(chosen));
        notes.extend(unread(app, chosen));
    }
    notes.extend(retries(app, verb, chosen));
    notes
}

fn durations_note(app: &App, chosen: &Chosen) -> Option<String> {
    if !has_nodes(chosen) {
        return version_note(app);
    }
    let has_pods = chosen.targets.iter().any(|target| target.change.key().kind == Kind::Pod);
    let alone = if has_pods { "; mark the pods alone to choose a duration" } else { "" };
    Some(format!("no durations: on a Node Karpenter reads only \"true\"{alone}"))
}

/// What is assumed of Karpenter, where something is.
fn version_note(app: &App) -> Option<String> {
    let version = app.insights.karpenter.version.as_deref().unwrap_or("of this API version");
    match app.insights.karpenter.durations() {
        Support::Yes => None,
        Support::No => Some(format!("no durations: Karpenter {version} reads only \"true\", durations came with 1.12")),
        Support::Assumed => Some(
            "durations are assumed to be read: Karpenter's version is not known, and those before 1.12 ignore them"
                .to_owned(),
        ),
    }
}

fn replaced(chosen: &Chosen) -> Option<String> {
    let values: Vec<&str> = chosen.targets.iter().filter_map(|target| target.change.value()?.from.as_deref()).collect();
    let distinct: BTreeSet<String> = values.iter().map(|value| format!("{value:?}")).collect();
    match values.len() {
        0 => None,
        n => Some(format!("{n} of {} carry a value already, it is replaced: {}", chosen.targets.len(), join(distinct))),
    }
}

/// The first few, and how many more.
fn join(texts: BTreeSet<String>) -> String {
    const SHOWN: usize = 3;
    let more = texts.len().saturating_sub(SHOWN);
    let shown = texts.into_iter().take(SHOWN).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// Where nothing reads the annotation.
fn unread(app: &App, chosen: &Chosen) -> Option<String> {
    if app.cluster.karpenter_api == KarpenterApi::Absent {
        return Some("this cluster serves no Karpenter API: nothing is known to read the annotation".to_owned());
    }
    let unmanaged = |name: &&Sym| app.fleet.node(name).is_some_and(|node| node.node_pool().is_none());
    let count = chosen.targets.iter().filter_map(|target| target.node.as_ref()).filter(unmanaged).count();
    match count {
        0 => None,
        n => Some(format!(
            "{n} of {} on nodes that Karpenter does not manage: nothing reads it there",
            chosen.targets.len()
        )),
    }
}

/// Pods that a Job will make later take the annotation from its template only.
fn retries(app: &App, verb: Verb, chosen: &Chosen) -> Option<String> {
    let jobs = jobs(app, chosen);
    let in_template = jobs.values().filter(|job| job.template_do_not_disrupt.is_some()).count();
    let of = if jobs.len() == 1 { "this Job".to_owned() } else { format!("these {} Jobs", jobs.len()) };
    match verb {
        Verb::Protect if in_template < jobs.len() => {
            Some(format!("retries of {of} will not be protected: the template lacks the annotation"))
        }
        Verb::Unprotect if in_template > 0 => {
            Some(format!("retries of {of} will be protected again: the template carries the annotation"))
        }
        _ => None,
    }
}

/// The Jobs that were chosen, and those of pods that were.
fn jobs<'a>(app: &'a App, chosen: &Chosen) -> BTreeMap<&'a ObjectKey, &'a JobRow> {
    let of_rows = chosen.jobs.iter().filter_map(|job| app.fleet.jobs.get(&job.object));
    let pods = chosen.targets.iter().filter_map(|target| app.fleet.pods.get(&target.change.key().object));
    let of_pods = pods.filter_map(|pod| relation::job_of(&app.fleet, pod));
    of_rows.chain(of_pods).map(|job| (&job.meta.key, job)).collect()
}

/// Runs a change on the open dialog, then brings its values up to date.
fn with_dialog(app: &mut App, change: impl FnOnce(&mut WriteDialog)) {
    let now = app.now;
    let Some(Overlay::Write(dialog)) = &mut app.ui.overlay else { return };
    change(dialog);
    values::refresh(dialog, now);
    tell_consequences(app);
}

/// What it changes follows what is chosen, the clock and the cluster.
fn tell_consequences(app: &mut App) {
    let told = match &app.ui.overlay {
        Some(Overlay::Write(dialog)) => consequences::of(app, dialog),
        _ => return,
    };
    if let Some(Overlay::Write(dialog)) = &mut app.ui.overlay {
        dialog.consequences = told;
    }
}

/// What would be written follows the clock.
pub fn clock(app: &mut App) {
    with_dialog(app, |_| ());
}

/// An action while the dialog is open.
pub fn act(app: &mut App, action: Action, effects: &mut Effects) {
    match action {
        Action::Open => confirm::confirm(app, effects),
        Action::Back | Action::Quit => app.ui.overlay = None,
        Action::Left => with_dialog(app, |dialog| choose(dialog, -1)),
        Action::Right => with_dialog(app, |dialog| choose(dialog, 1)),
        Action::Up | Action::Down if has_two_lines(app) => with_dialog(app, change_focus),
        _ => {
            detail::scroll(app, action);
        }
    }
}

/// Whether both a duration and the number are typed, between which up and down move.
fn has_two_lines(app: &App) -> bool {
    matches!(&app.ui.overlay, Some(Overlay::Write(dialog)) if dialog.wants_number() && is_other(dialog))
}

/// What is chosen and typed stands at the top, and has to be seen.
fn choose(dialog: &mut WriteDialog, by: isize) {
    dialog.scroll.to_top();
    if !dialog.choices.is_empty() {
        let count = dialog.choices.len().cast_signed();
        dialog.chosen = (dialog.chosen.cast_signed() + by).rem_euclid(count).cast_unsigned();
    }
    dialog.error = None;
    dialog.typing_number = false;
    focus(dialog);
}

/// The number takes what is typed unless a duration does.
fn focus(dialog: &mut WriteDialog) {
    dialog.typing_number |= dialog.wants_number() && !is_other(dialog);
}

fn change_focus(dialog: &mut WriteDialog) {
    dialog.scroll.to_top();
    dialog.typing_number = !dialog.typing_number && dialog.wants_number();
    focus(dialog);
}

fn is_other(dialog: &WriteDialog) -> bool {
    dialog.choices.get(dialog.chosen) == Some(&DurationChoice::Other)
}

/// The line that takes what is typed, if there is one.
fn line_of(dialog: &mut WriteDialog) -> Option<&mut Input> {
    match () {
        () if dialog.typing_number => Some(&mut dialog.typed),
        () if is_other(dialog) => Some(&mut dialog.other),
        () => None,
    }
}

/// A key that types into a line of the dialog.
pub fn types(app: &mut App, chord: Chord) -> bool {
    let mut typed = false;
    with_dialog(app, |dialog| {
        typed = line_of(dialog).is_some_and(|input| line::type_into(input, chord));
        if typed {
            dialog.error = None;
            dialog.scroll.to_top();
        }
    });
    typed
}

/// Pastes into a line of the dialog.
pub fn paste(app: &mut App, text: &str) {
    with_dialog(app, |dialog| {
        if let Some(input) = line_of(dialog) {
            line::paste(input, text);
        }
        dialog.error = None;
        dialog.scroll.to_top();
    });
}
