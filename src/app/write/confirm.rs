//! From a confirmed dialog to requests.

use super::super::effects::Effects;
use super::super::{App, Overlay, Ui, Verb, Write, WriteDialog, WriteItem, notice};
use super::{outcome, targets, values};
use crate::fleet::{Fleet, ObjectChange};

/// Writes what the dialog says, or says in it why that cannot be done as it stands.
pub fn confirm(app: &mut App, effects: &mut Effects) {
    let Some(Overlay::Write(mut dialog)) = app.ui.overlay.take() else { return };
    values::refresh(&mut dialog, app.now);
    match objection(&dialog) {
        None => begin(app, *dialog, effects),
        Some(error) => stay(app, dialog, error),
    }
}

/// Back to the dialog; with the duration in order, what is missing is the number.
fn stay(app: &mut App, mut dialog: Box<WriteDialog>, error: String) {
    dialog.typing_number = dialog.wants_number() && duration_error(&dialog).is_none();
    dialog.error = Some(error);
    dialog.scroll.to_top();
    app.ui.overlay = Some(Overlay::Write(dialog));
}

fn duration_error(dialog: &WriteDialog) -> Option<String> {
    match dialog.verb {
        Verb::Protect => values::wanted_seconds(dialog).err(),
        Verb::Unprotect | Verb::Undo | Verb::Evict | Verb::Cordon | Verb::Uncordon => None,
    }
}

fn objection(dialog: &WriteDialog) -> Option<String> {
    duration_error(dialog).or_else(|| {
        let count = dialog.targets.len();
        let confirmed = !dialog.wants_number() || dialog.typed.value().trim() == count.to_string();
        (!confirmed).then(|| format!("type {count} to {} {count} objects", dialog.verb.name()))
    })
}

fn begin(app: &mut App, dialog: WriteDialog, effects: &mut Effects) {
    let id = app.ui.next_write;
    app.ui.next_write += 1;
    let items = dialog.targets.into_iter().map(|target| item(&app.fleet, target.change)).collect();
    let (verb, subject, undoes) = (dialog.verb, dialog.subject, dialog.undoes);
    notice::info(app, format!("{} {subject} …", verb.name()));
    app.ui.writes.push(Write { id, verb, subject, items, issued: 0, undoes });
    forget_oldest(&mut app.ui);
    app.ui.marks.clear();
    outcome::issue(app, id, effects);
}

/// An annotated object may have changed in other ways while the dialog was open: the newest version of it with the value
/// that the user saw is asked for.
fn item(fleet: &Fleet, mut change: ObjectChange) -> WriteItem {
    if let Some(change) = change.value_mut()
        && let Some((meta, value)) = targets::present(fleet, &change.key, change.value)
        && meta.uid == change.uid
        && value == change.from
    {
        change.resource_version = meta.resource_version.to_string();
    }
    WriteItem { change, outcome: None, undone: false }
}

/// Writes that are under way are never forgotten.
fn forget_oldest(ui: &mut Ui) {
    if ui.writes.len() > Ui::WRITES_KEPT
        && let Some(at) = ui.writes.iter().position(|write| write.items.iter().all(|item| item.outcome.is_some()))
    {
        ui.writes.remove(at);
    }
}
