//! Definition of the screen Events: what happened, on one time line.

use super::column::{Column, Order, columns};
use super::incidents::INCIDENTS;
use super::spec::{Narrowing, ScreenSpec, all_of, always};
use super::table::{Rows, TableSpec, UseOfRows};
use super::view::View;
use crate::app::field::Field;
use crate::app::rank::{self, Rank};
use crate::app::{App, RowRef, Scope};
use crate::fleet::{EventClass, EventRow, Kind};
use crate::input::Action;

/// Definition of the screen Events.
pub static SPEC: ScreenSpec = ScreenSpec {
    title: "Events",
    action: Action::Events,
    aliases: &["events", "ev", "event"],
    own_kinds: &[Kind::Event],
    counted_kinds: &[],
    table: TableSpec {
        name: "Events",
        noun: "events",
        rows: Rows::Objects { list, arrange: None },
        joined_kinds: &[Kind::Pod, Kind::Job, Kind::NodeClaim, Kind::Node],
        columns: COLUMNS,
        rate: None,
        fields: &[
            Field::Name,
            Field::Namespace,
            Field::Node,
            Field::Kind,
            Field::Reason,
            Field::Status,
            Field::Source,
            Field::Message,
        ],
        use_of_rows: UseOfRows::Open,
    },
    views: VIEWS,
    count: |app| all_of(app, Kind::Event, SPEC.narrowed_by, app.fleet.events.len()),
    narrowed_by: Narrowing::NamespacesAndLabels,
    is_offered: always,
};

columns! {
    LAST = Column::right("last", "LAST", 1, (5, 6, 6), "time since it was last seen")
        .ranked(|row, _| of_event(row, |event| Rank::most(event.at.micros())));
    COUNT = Column::right("count", "COUNT", 6, (5, 6, 6), "how often it was seen")
        .ranked(|row, _| of_event(row, |event| Rank::most(i64::from(event.count))));
    REASON = Column::left("reason", "REASON", 2, (14, 24, 30), "its reason, with the glyph of its class")
        .ranked(|row, _| of_event(row, |event| Rank::text(Some(&event.reason))));
    OBJECT = Column::left("object", "OBJECT", 3, (16, 32, 60), "the object it is about")
        .ranked(|row, _| of_event(row, |event| Rank::text(Some(&event.object.key.name))));
    NAMESPACE = Column::order_only("namespace", Order::Rank(rank::namespace), "its namespace");
    NODE = Column::left("node", "NODE", 7, (10, 28, 60), "the Node it concerns").ranked(rank::node);
    CLASS = Column::order_only("class", Order::Rank(class), "blocked, disrupting, interruption, eviction, the rest");
    SOURCE = Column::order_only("source", Order::Rank(source), "the component that wrote it");
    TYPE = Column::left("type", "TYPE", 8, (7, 7, 7), "Normal or Warning");
    COST = Column::right("cost", "$/H", 9, (5, 8, 16), "dollars per hour of the Node it concerns");
    PODS_HIT = Column::left("hit", "PODS HIT", 5, (12, 24, 40), "pods that it concerns, protected ones first");
    MESSAGE = Column::left("message", "MESSAGE", 4, (22, 60, 400), "its message");
}

static VIEWS: &[View] = &[
    View::of_table(
        "incidents",
        "what happened to nodes, each disruption, interruption and failure in one row",
        &INCIDENTS,
    ),
    View::of("blocked", "what Karpenter may not take, and why", |row, _| is_of(row, &[EventClass::Blocked])),
    View::of("capacity", "capacity that is requested, launched or registered", |row, _| {
        is_of(row, &[EventClass::Provisioning])
    }),
    View::all("all", "all Events"),
];

/// The view of all Events.
pub fn all_events() -> &'static View {
    VIEWS.last().unwrap_or_else(|| SPEC.first_view())
}

fn is_of(row: RowRef<'_>, classes: &[EventClass]) -> bool {
    matches!(row, RowRef::Event(event) if classes.contains(&event.class))
}

/// Events about one object are all shown, wherever they stand.
fn list(app: &App) -> Vec<RowRef<'_>> {
    let (fleet, scope) = (&app.fleet, &app.scope);
    match &app.ui.level.scope {
        Some(Scope::About(object)) => fleet.events.about(object).map(RowRef::Event).collect(),
        _ => fleet.events.iter().filter(|event| scope.has_event(fleet, event)).map(RowRef::Event).collect(),
    }
}

fn of_event<'a>(row: RowRef<'a>, rank: impl Fn(&'a EventRow) -> Rank<'a>) -> Rank<'a> {
    match row {
        RowRef::Event(event) => rank(event),
        _ => Rank::LAST,
    }
}

fn class<'a>(row: RowRef<'a>, _: &'a App) -> Rank<'a> {
    of_event(row, |event| Rank::number(event.class as i64))
}

fn source<'a>(row: RowRef<'a>, _: &'a App) -> Rank<'a> {
    of_event(row, |event| Rank::text(Some(&event.source)))
}
