//! `events[]`.

use schemars::JsonSchema;
use serde::Serialize;

use super::object::Object;
use super::value::{Id, Stamp, Text, text};
use super::words::{EventClass, EventType};
use crate::app::App;
use crate::fleet::EventRow;
use crate::insight::relation;

/// An Event of Kubernetes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// `metadata.uid`.
    pub uid: Id,
    /// When it was last seen.
    pub at: Stamp,
    /// How often it was seen.
    pub count: u32,
    /// Normal or Warning.
    pub r#type: EventType,
    /// Its reason; some have an empty one.
    pub reason: Text,
    /// The object that the Event is about: `involvedObject`.
    pub object: Object,
    /// The Node it concerns.
    pub node: Option<Text>,
    /// `message`.
    pub message: Text,
    /// The component that wrote it.
    pub source: Text,
    /// The subject, by reason and component.
    pub class: EventClass,
}

pub(super) fn of(app: &App) -> Vec<Event> {
    let mut rows: Vec<&EventRow> = app.fleet.events.iter().filter(|row| app.scope.has_event(&app.fleet, row)).collect();
    rows.sort_unstable_by_key(|row| (row.at, &row.meta.uid));
    rows.into_iter().map(|row| event(app, row)).collect()
}

fn event(app: &App, row: &EventRow) -> Event {
    Event {
        uid: Id(row.meta.uid.clone()),
        at: Stamp(row.at),
        count: row.count,
        r#type: row.kind.into(),
        reason: text(&row.reason),
        object: Object::new(row.object.kind.clone(), &row.object.key),
        node: relation::node_of_event(&app.fleet, row).map(Text),
        message: text(&row.message),
        source: text(&row.source),
        class: row.class.into(),
    }
}
