//! The overlay of a write's results, object by object.

use super::super::context::FrameContext;
use super::super::panel::Sheet;
use super::super::{Line, format};
use crate::app::{Verb, WriteItem};
use crate::config::Role;
use crate::fleet::{ChangedValue, ObjectChange, WriteOutcome};
use crate::input::{Action, Context};

/// Text about the results of the write of this number.
pub(super) fn sheet(frame: &FrameContext<'_>, number: u64) -> Sheet {
    let Some(write) = frame.app.ui.writes.iter().find(|write| write.id == number) else {
        return Sheet::new(Line::of(Role::Title, " no longer known "));
    };
    let mut sheet = Sheet::new(Line::of(Role::Title, format!(" {} {} ", write.verb.name(), write.subject)));
    sheet.indent = 4;
    let hints: &[(Action, &str)] = match write.verb {
        Verb::Evict => &[(Action::Back, "close")],
        Verb::Protect | Verb::Unprotect | Verb::Undo | Verb::Cordon | Verb::Uncordon => {
            &[(Action::Back, "close"), (Action::Undo, "undo")]
        }
    };
    sheet.hint = super::hint(frame, Context::Text, hints);
    let done = write.items.iter().filter(|item| item.outcome == Some(WriteOutcome::Done)).count();
    let (noun, what) = if write.verb == Verb::Evict { ("pod", "evicted") } else { ("object", "written") };
    let all = format::plural(write.items.len(), noun);
    sheet.lines.push(Line::plain(format!("{} of {all} {what}", format::count(done))));
    sheet.lines.extend(write.items.iter().map(item));
    sheet
}

fn item(item: &WriteItem) -> Line {
    let (glyph, role, words) = outcome(item);
    let name = format!("{glyph} {}", item.change.key().object);
    let undone = if item.undone { ", taken back since" } else { "" };
    Line::of(role, name).and(Role::Text, format!("  {words}{undone}"))
}

fn outcome(item: &WriteItem) -> (&'static str, Role, String) {
    match &item.outcome {
        None => ("◌", Role::Pending, "waits for an answer".to_owned()),
        Some(WriteOutcome::Done) => ("✓", Role::Ok, done(&item.change)),
        Some(WriteOutcome::ChangedBySomebody { now }) => (
            "△",
            Role::Warn,
            format!("changed by somebody to {} meanwhile; {}", value(now.as_deref()), not_done(&item.change)),
        ),
        Some(WriteOutcome::Recreated) => {
            ("△", Role::Warn, format!("recreated under the same name; {}", not_done(&item.change)))
        }
        Some(WriteOutcome::Gone) => ("△", Role::Warn, format!("is gone; {}", not_done(&item.change))),
        Some(WriteOutcome::Refused { code, message }) => ("✗", Role::Bad, format!("refused ({code}): {message}")),
        Some(WriteOutcome::Unanswered { message }) => {
            ("?", Role::Bad, format!("no answer, may have been {}: {message}", participle(&item.change)))
        }
        Some(WriteOutcome::NotJournaled { message }) => {
            ("✗", Role::Bad, format!("not requested, because the journal cannot be written: {message}"))
        }
    }
}

/// What is so since the change was made.
fn done(change: &ObjectChange) -> String {
    match change {
        ObjectChange::Value(change) => format!("now {}", written(change.value, change.to.as_deref())),
        ObjectChange::Eviction(_) => "evicted".to_owned(),
    }
}

fn not_done(change: &ObjectChange) -> String {
    format!("nothing was {}", participle(change))
}

const fn participle(change: &ObjectChange) -> &'static str {
    match change {
        ObjectChange::Value(_) => "written",
        ObjectChange::Eviction(_) => "evicted",
    }
}

/// The annotation's value as the dialogs write it.
pub(super) fn value(value: Option<&str>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| format!("\"{value}\""))
}

/// A value as the dialogs write it.
pub(super) fn written(of: ChangedValue, now: Option<&str>) -> String {
    match (of, now) {
        (ChangedValue::DoNotDisrupt, now) => value(now),
        (ChangedValue::Unschedulable, Some(_)) => "cordoned".to_owned(),
        (ChangedValue::Unschedulable, None) => "schedulable".to_owned(),
    }
}
