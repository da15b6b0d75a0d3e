//! Definition of the incidents of Events: what happened to Nodes, each in one row.

use super::column::{Column, Order, columns};
use super::table::{Rows, TableSpec, UseOfRows};
use crate::app::App;
use crate::app::field::Field;
use crate::app::incidents;
use crate::app::rank::Rank;
use crate::insight::incidents::{Incident, IncidentKind};

/// What happened to Nodes.
pub static INCIDENTS: TableSpec = TableSpec {
    name: "incidents",
    noun: "incidents",
    rows: Rows::Incidents,
    joined_kinds: &[],
    columns: COLUMNS,
    rate: None,
    fields: &[Field::Name, Field::Node, Field::Pod, Field::Namespace, Field::Reason, Field::Status, Field::Message],
    use_of_rows: UseOfRows::Open,
};

columns! {
    WHEN = Column::left("when", "AT", 0, (5, 5, 12), "when it began")
        .ordered(Order::Incidents(|incident, _| Rank::most(incident.key.since.micros())));
    WHAT = Column::left("what", "WHAT", 1, (12, 24, 34), "what it is, or why Karpenter does it")
        .ordered(Order::Incidents(|incident, _| Rank::number(gravity(incident.key.kind))));
    OBJECT = Column::left("object", "NODE", 0, (14, 18, 60), "the Node that it concerns; of capacity the NodePool")
        .ordered(Order::Incidents(|incident, _| Rank::text(Some(&incident.key.name))));
    STATE = Column::left("state", "HOW FAR", 2, (16, 17, 30), "how long it took or goes on; of capacity how often it was refused")
        .ordered(Order::Incidents(|incident, _| Rank::most(incident.last.seconds_since(incident.key.since))));
    PODS = Column::left("pods", "PODS HIT", 3, (7, 26, 60), "pods that it concerns, also once the Node is gone")
        .ordered(Order::Incidents(|incident, _| Rank::most_counted(incident.pods.len() as u64)));
    COST = Column::right("cost", "$/H", 1, (7, 8, 10), "what the Node costs; with a minus what is no longer paid for it")
        .ordered(Order::Incidents(cost));
    CLAIM = Column::left("claim", "NODECLAIM", 7, (10, 16, 40), "the NodeClaim behind it, where it is known")
        .ordered(Order::Incidents(|incident, _| Rank::text(incident.claim.as_deref())));
    MESSAGE = Column::left("message", "MESSAGE", 6, (20, 60, 400), "what the newest Event of it says");
}

/// The gravest first.
const fn gravity(kind: IncidentKind) -> i64 {
    match kind {
        IncidentKind::Interruption => 0,
        IncidentKind::NotReady => 1,
        IncidentKind::NoCapacity => 2,
        IncidentKind::Eviction => 3,
        IncidentKind::Disruption => 4,
    }
}

fn cost<'a>(incident: &'a Incident, app: &'a App) -> Rank<'a> {
    Rank::most_of(incidents::rate(app, incident))
}
