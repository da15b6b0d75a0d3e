//! Requests of a confirmed write, a few at a time, and what came of them.

use super::super::effects::Effects;
use super::super::{App, Effect, Overlay, Scroll, Verb, Write, notice};
use crate::fleet::{Key, WriteOutcome};

/// How many requests of one write are under way at once.
const IN_FLIGHT: usize = 8;

/// Requests as many of the changes that wait as may be under way.
pub fn issue(app: &mut App, id: u64, effects: &mut Effects) {
    let Some(write) = app.ui.writes.iter_mut().find(|write| write.id == id) else { return };
    let under_way = write.issued - write.items.iter().filter(|item| item.outcome.is_some()).count();
    let from = write.issued;
    write.issued = (from + IN_FLIGHT.saturating_sub(under_way)).min(write.items.len());
    let fresh = write.items.iter().enumerate().take(write.issued).skip(from);
    let verb = write.verb.name();
    for (item, it) in fresh {
        effects.push(Effect::Write { write: id, item, verb, change: it.change.clone() });
    }
}

/// One request has been answered. The row is left alone: the watch brings what the cluster now says.
pub fn answered(app: &mut App, id: u64, item: usize, outcome: WriteOutcome, effects: &mut Effects) {
    let Some(write) = app.ui.writes.iter_mut().find(|write| write.id == id) else { return };
    let issued = write.issued;
    let Some(slot) = write.items.get_mut(item).filter(|slot| item < issued && slot.outcome.is_none()) else {
        return;
    };
    let undone = (outcome == WriteOutcome::Done).then(|| slot.change.key().clone());
    slot.outcome = Some(outcome);
    let undoes = write.undoes;
    if let (Some(original), Some(key)) = (undoes, undone) {
        mark_undone(app, original, &key);
    }
    issue(app, id, effects);
    report(app, id);
}

fn mark_undone(app: &mut App, original: u64, key: &Key) {
    let items = app.ui.writes.iter_mut().filter(|write| write.id == original).flat_map(|write| &mut write.items);
    items.filter(|item| item.change.key() == key).for_each(|item| item.undone = true);
}

fn answered_count(write: &Write) -> usize {
    write.items.iter().filter(|item| item.outcome.is_some()).count()
}

/// How far a write is, once one of its requests is unanswered.
fn progress(write: &Write) -> Option<String> {
    let (answered, all) = (answered_count(write), write.items.len());
    (answered < all).then(|| format!("{} {}: {answered} of {all} answered", write.verb.name(), write.subject))
}

/// The newest write that is under way, in words.
pub fn under_way(app: &App) -> Option<String> {
    app.ui.writes.iter().rev().find_map(progress)
}

/// Says how a write goes, and how it went.
fn report(app: &mut App, id: u64) {
    let Some(write) = app.ui.writes.iter().find(|write| write.id == id) else { return };
    if let Some(progress) = progress(write) {
        notice::info(app, progress);
        return;
    }
    match failures(write) {
        None => {
            let text = format!("{} {}", done(write.verb), write.subject);
            notice::info(app, text);
        }
        Some(text) => {
            let several = write.items.len() > 1;
            notice::error(app, text);
            if several && app.ui.overlay.is_none() {
                app.ui.overlay = Some(Overlay::Results { write: id, scroll: Scroll::default() });
            }
        }
    }
}

const fn done(verb: Verb) -> &'static str {
    match verb {
        Verb::Protect => "protected",
        Verb::Unprotect => "unprotected",
        Verb::Undo => "undone:",
        Verb::Evict => "evicted",
        Verb::Cordon => "cordoned",
        Verb::Uncordon => "uncordoned",
    }
}

/// The first failure with the server's words, and how many there are.
fn failures(write: &Write) -> Option<String> {
    let mut failed =
        write.items.iter().filter_map(|item| Some((item.change.key(), words(write.verb, item.outcome.as_ref()?)?)));
    let (key, words) = failed.next()?;
    let count = failed.count() + 1;
    let of = match write.items.len() {
        1 => String::new(),
        all => format!("{count} of {all} not done; "),
    };
    Some(format!("{} {}: {of}{} {}: {words}", write.verb.name(), write.subject, key.kind.name(), key.object))
}

/// What went wrong, with the server's words; `None` for what went well.
fn words(verb: Verb, outcome: &WriteOutcome) -> Option<String> {
    let done = if verb == Verb::Evict { "evicted" } else { "written" };
    Some(match outcome {
        WriteOutcome::Done => return None,
        WriteOutcome::ChangedBySomebody { now: Some(now) } => {
            format!("changed by somebody, now {now:?}; not {done}")
        }
        WriteOutcome::ChangedBySomebody { now: None } => format!("removed by somebody; not {done}"),
        WriteOutcome::Recreated => format!("recreated under the same name; not {done}"),
        WriteOutcome::Gone => format!("it is gone; not {done}"),
        WriteOutcome::Refused { code, message } => format!("refused ({code}): {message}"),
        WriteOutcome::Unanswered { message } => format!("no answer, it may have been {done}: {message}"),
        WriteOutcome::NotJournaled { message } => format!("not sent, as the journal cannot be written: {message}"),
    })
}
