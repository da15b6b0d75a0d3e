//! Taking back the last write: exactly what stood there before, under the same conditions.

use super::super::{App, Skipped, Target, Verb, Write, WriteItem, notice};
use super::targets::{self, Chosen};
use super::{dialog, outcome};
use crate::fleet::{Fleet, Key, Kind, ObjectChange, ValueChange, WriteOutcome};

/// Asks whether to take back the last write but an eviction of which something is left to take back.
pub fn undo(app: &mut App) {
    if dialog::refuse_readonly(app, Verb::Undo) {
        return;
    }
    if let Some(progress) = outcome::under_way(app) {
        return notice::warning(app, format!("{progress}; undo when it is"));
    }
    let Some(write) = app.ui.writes.iter().rev().find(|write| is_undoable(write)) else {
        return nothing(app);
    };
    let eviction = eviction_since(app, write.id);
    let (id, chosen) = (write.id, choose(&app.fleet, write));
    let what = format!("{} {}", write.verb.name(), targets::subject(&chosen));
    if let (true, Some(first)) = (chosen.targets.is_empty(), chosen.skipped.first()) {
        let text = format!("nothing to undo: {} {}: {}", first.key.kind.name(), first.key.object, first.reason);
        return notice::warning(app, text);
    }
    let mut dialog = dialog::of(app, Verb::Undo, what);
    (dialog.targets, dialog.skipped, dialog.undoes) = (chosen.targets, chosen.skipped, Some(id));
    dialog.notes.extend(eviction);
    dialog::open(app, dialog);
}

fn nothing(app: &mut App) {
    match app.ui.writes.last().filter(|write| write.verb == Verb::Evict) {
        Some(write) => {
            let text = format!("{}: an eviction cannot be undone", subject(write));
            notice::warning(app, text);
        }
        None => notice::info(app, "nothing to undo"),
    }
}

/// `evict pod ml/train-0`.
fn subject(write: &Write) -> String {
    format!("{} {}", write.verb.name(), write.subject)
}

/// What the user may mean to undo instead: the newest eviction that came after a write.
fn eviction_since(app: &App, write: u64) -> Option<String> {
    let mut newer = app.ui.writes.iter().rev().take_while(|newer| newer.id != write);
    let eviction = newer.find(|newer| newer.verb == Verb::Evict)?;
    Some(format!("{} stays: an eviction cannot be undone", subject(eviction)))
}

fn is_undoable(write: &Write) -> bool {
    matches!(write.verb, Verb::Protect | Verb::Unprotect | Verb::Cordon | Verb::Uncordon)
        && write.items.iter().any(left)
}

/// Only what was certainly written is taken back, and only once.
fn left(item: &WriteItem) -> bool {
    item.outcome == Some(WriteOutcome::Done) && !item.undone
}

fn choose(fleet: &Fleet, write: &Write) -> Chosen {
    let mut chosen = Chosen::default();
    for item in write.items.iter().filter(|item| left(item)) {
        let Some(change) = item.change.value() else { continue };
        match target(fleet, change) {
            Ok(target) => chosen.targets.push(target),
            Err(reason) => chosen.skipped.push(Skipped { key: change.key.clone(), reason }),
        }
    }
    chosen
}

/// The way back of one change, for the same object only. The watch may not have brought our own write yet, so both what
/// we wrote and what stood there before count as unchanged; the server has the last word on that.
fn target(fleet: &Fleet, done: &ValueChange) -> Result<Target, String> {
    let (meta, value) = targets::present(fleet, &done.key, done.value).ok_or("it is gone")?;
    if meta.uid != done.uid {
        return Err("recreated under the same name".to_owned());
    }
    if value != done.to && value != done.from {
        return Err(format!(
            "changed by somebody since, now {}",
            value.map_or("absent".to_owned(), |v| format!("{v:?}"))
        ));
    }
    Ok(Target {
        change: ObjectChange::Value(ValueChange {
            key: done.key.clone(),
            value: done.value,
            uid: done.uid.clone(),
            resource_version: meta.resource_version.to_string(),
            from: done.to.clone(),
            to: done.from.clone(),
        }),
        node: node(fleet, &done.key),
        started: None,
        until: None,
    })
}

fn node(fleet: &Fleet, key: &Key) -> Option<crate::fleet::Sym> {
    match key.kind {
        Kind::Pod => fleet.pods.get(&key.object)?.node.clone(),
        _ => Some(key.object.name.clone()),
    }
}
