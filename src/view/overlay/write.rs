//! The dialog before a write: what, where, for how long, and what it will not do.

use super::super::context::FrameContext;
use super::super::layout::SPACIOUS_FROM;
use super::super::panel::Sheet;
use super::super::{Line, footer, format};
use super::results::written;
use crate::app::{Consequence, DurationChoice, Severity, Target, Verb, WriteDialog};
use crate::config::Role;
use crate::fleet::{Kind, ObjectChange, ObjectKey};
use crate::input::{Action, Context};
use crate::insight::relation;

/// Text of the dialog, what is typed and decides first.
pub(super) fn sheet(frame: &FrameContext<'_>, dialog: &WriteDialog) -> Sheet {
    let title = format!(" {} {} {} ", dialog.verb.name(), dialog.subject, place(dialog));
    let mut sheet = Sheet::new(Line::of(Role::Title, title));
    sheet.indent = 4;
    sheet.scroll = dialog.scroll.line;
    sheet.scroll_hint = super::hint(frame, Context::Dialog, &[(Action::PageDown, "more")]);
    sheet.hint = super::hint(frame, Context::Dialog, footer::of_dialog(dialog));
    // What is below comes into view by scrolling: where, and what decides and is typed, come first. On a low terminal a
    // long address comes after them, else it could hide the line that is typed.
    let is_low = frame.app.ui.size.1 < SPACIOUS_FROM;
    sheet.lines.extend((!is_low).then(|| cluster(dialog)));
    choices(&mut sheet, dialog);
    number(&mut sheet, dialog);
    sheet.lines.extend(is_low.then(|| cluster(dialog)));
    sheet.lines.extend(dialog.error.iter().map(|error| Line::of(Role::NoticeError, format!("✗ {error}"))));
    sheet.lines.extend(dialog.ends.iter().map(|ends| Line::of(Role::Protected, format!("▣ {ends}"))));
    sheet.lines.extend(dialog.consequences.iter().map(|it| consequence(frame, it)));
    // Whoever confirms can see every object that will change, and every one that will not.
    sheet.lines.extend(dialog.targets.iter().map(|target| line(frame, dialog, target)));
    sheet.lines.extend(dialog.skipped.iter().map(|skipped| {
        Line::of(Role::Warn, format!("△ not {}: ", skipped.key.object)).and(Role::Text, &skipped.reason)
    }));
    sheet.lines.extend(dialog.notes.iter().map(|note| Line::of(Role::TextDim, format!("· {note}"))));
    sheet
}

fn consequence(frame: &FrameContext<'_>, consequence: &Consequence) -> Line {
    let (glyph, role) = match consequence.severity {
        Severity::Info => ("→", Role::Text),
        Severity::Warning | Severity::Error => ("△", Role::Warn),
    };
    Line::of(role, format!("{glyph} {}", format::sentence(frame.app.now, &consequence.text)))
}

/// Which cluster the title names: without a context only the server tells.
fn place(dialog: &WriteDialog) -> String {
    match dialog.context.as_str() {
        "" => format!("on {}", dialog.server),
        context => format!("in context {context}"),
    }
}

/// Both names of the cluster, where a long title cannot cut them off.
fn cluster(dialog: &WriteDialog) -> Line {
    let server = Line::of(Role::TextDim, "server ").then(match dialog.server.as_str() {
        "" => Line::of(Role::Unknown, format::UNKNOWN),
        server => Line::of(Role::TextStrong, server),
    });
    match dialog.context.as_str() {
        "" => server,
        context => {
            Line::of(Role::TextDim, "context ").and(Role::TextStrong, context).and(Role::Text, "  ").then(server)
        }
    }
}

/// One choice after another, the chosen one with a dot.
fn choices(sheet: &mut Sheet, dialog: &WriteDialog) {
    if dialog.verb != Verb::Protect {
        return;
    }
    let mut line = Line::new();
    for (at, choice) in dialog.choices.iter().enumerate() {
        let is_chosen = at == dialog.chosen;
        let (mark, role) = if is_chosen { ("(•)", Role::Choice) } else { ("( )", Role::Text) };
        line = line.spaced("  ").and(role, format!("{mark} {}", words(choice)));
        if *choice == DurationChoice::Other {
            let (typed, column) = super::field(" ", &dialog.other, 20);
            if is_chosen && !dialog.typing_number {
                sheet.cursor = Some((sheet.lines.len(), line.width() + column));
            }
            line = line.then(typed);
        }
    }
    sheet.lines.push(line);
}

fn words(choice: &DurationChoice) -> String {
    match choice {
        DurationChoice::UntilFinished => "until finished".to_owned(),
        DurationChoice::Hours(hours) => format!("{hours}h"),
        DurationChoice::Other => "other:".to_owned(),
    }
}

/// `ml/train-0  on gpu-h665f  none → "4h", ends 15:02`.
fn line(frame: &FrameContext<'_>, dialog: &WriteDialog, target: &Target) -> Line {
    let key = target.change.key();
    let place = match &target.node {
        Some(node) if key.kind != Kind::Node => format!("  on {node}"),
        _ => String::new(),
    };
    let line = Line::of(Role::TextStrong, format!("  {}", key.object)).and(Role::TextDim, place);
    let change = match &target.change {
        ObjectChange::Value(change) => change,
        ObjectChange::Eviction(_) => return line.and(Role::TextDim, "  ").then(owner(frame, &key.object)),
    };
    if dialog.error.is_some() {
        return line.and(Role::TextDim, format!("  now {}", written(change.value, change.from.as_deref())));
    }
    let until =
        target.until.map_or_else(String::new, |until| format!(", ends {}", format::clock(frame.app.now, until)));
    line.and(
        Role::Text,
        format!(
            "  {} → {}{until}",
            written(change.value, change.from.as_deref()),
            written(change.value, change.to.as_deref())
        ),
    )
}

/// Who made a pod.
fn owner(frame: &FrameContext<'_>, pod: &ObjectKey) -> Line {
    let pod = frame.app.fleet.pods.get(pod);
    match pod.map(|pod| relation::top_owner(&frame.app.fleet, pod)) {
        Some(Some(owner)) => Line::of(Role::Text, format!("of {} {}", owner.kind, owner.name)),
        Some(None) => Line::of(Role::Warn, "△ no owner"),
        None => Line::of(Role::Unknown, "is gone"),
    }
}

/// For many objects their number has to be typed.
fn number(sheet: &mut Sheet, dialog: &WriteDialog) {
    if !dialog.wants_number() {
        return;
    }
    let label = format!("type {} to confirm: ", dialog.targets.len());
    let (line, column) = super::field(&label, &dialog.typed, 12);
    if dialog.typing_number {
        sheet.cursor = Some((sheet.lines.len(), column));
    }
    sheet.lines.push(line);
}
