//! The dialog before a write: what, where, for how long, and what it will not do.

use super::super::facts::Seen;
use super::super::panel::Sheet;
use super::super::{Line, format};
use super::results::value;
use crate::app::{DurationChoice, Target, Verb, WriteDialog};
use crate::config::Role;
use crate::fleet::Kind;
use crate::input::{Action, Context};

/// The whole dialog.
pub(super) fn sheet(app: &Seen<'_>, dialog: &WriteDialog) -> Sheet {
    let title = format!(" {} {} in context {} ", dialog.verb.name(), dialog.subject, dialog.context);
    let mut sheet = Sheet::new(Line::of(Role::Title, title));
    sheet.indent = 4;
    sheet.hint = super::hint(
        app,
        Context::Dialog,
        &[(Action::Open, "do it"), (Action::Back, "leave"), (Action::Right, "next choice")],
    );
    // On a small terminal what is below may be hidden: what decides comes first, the title has named the objects.
    choices(&mut sheet, dialog);
    sheet.lines.extend(dialog.ends.iter().map(|ends| Line::of(Role::Protected, format!("▣ {ends}"))));
    sheet.lines.extend(dialog.error.iter().map(|error| Line::of(Role::NoticeError, format!("✗ {error}"))));
    number(&mut sheet, dialog);
    targets(app, &mut sheet, dialog);
    sheet.lines.extend(dialog.skipped.iter().take(room(app)).map(|skipped| {
        Line::of(Role::Warn, format!("△ not {}: ", skipped.key.object)).and(Role::Text, &skipped.reason)
    }));
    sheet.lines.extend(dialog.notes.iter().map(|note| Line::of(Role::TextDim, format!("· {note}"))));
    sheet
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

/// How many objects are named; all of them are counted in the title.
fn room(app: &Seen<'_>) -> usize {
    usize::from(app.ui.size.1.saturating_sub(14)).clamp(2, 20)
}

fn targets(app: &Seen<'_>, sheet: &mut Sheet, dialog: &WriteDialog) {
    let named = room(app);
    sheet.lines.extend(dialog.targets.iter().take(named).map(|target| line(app, dialog, target)));
    let rest = dialog.targets.len().saturating_sub(named);
    if rest > 0 {
        sheet.lines.push(Line::of(Role::TextDim, format!("  and {} more", format::count(rest))));
    }
}

/// `ml/train-0  on gpu-h665f  none → "4h", ends 15:02`.
fn line(app: &Seen<'_>, dialog: &WriteDialog, target: &Target) -> Line {
    let change = &target.change;
    let place = match &target.node {
        Some(node) if change.key.kind != Kind::Node => format!("  on {node}"),
        _ => String::new(),
    };
    let line = Line::of(Role::TextStrong, format!("  {}", change.key.object)).and(Role::TextDim, place);
    if dialog.error.is_some() {
        return line.and(Role::TextDim, format!("  now {}", value(change.from.as_deref())));
    }
    let until = target.until.map_or_else(String::new, |until| format!(", ends {}", format::clock(app.now, until)));
    line.and(Role::Text, format!("  {} → {}{until}", value(change.from.as_deref()), value(change.to.as_deref())))
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
