//! Definition of the screen Cost: dollars by NodePool, namespace, Job and more.

use super::column::{Column, Order, columns};
use super::spec::{Narrowing, ScreenSpec, always};
use super::table::{Rows, TableSpec, UseOfRows};
use super::view::View;
use crate::app::field::Field;
use crate::fleet::Kind;
use crate::input::Action;
use crate::insight::cost::GroupBy;

/// Definition of the screen Cost.
pub static SPEC: ScreenSpec = ScreenSpec {
    title: "Cost",
    action: Action::Cost,
    aliases: &["cost"],
    own_kinds: &[Kind::Node, Kind::NodeClaim],
    counted_kinds: &[Kind::Pod],
    table: TableSpec {
        name: "Cost",
        noun: "payers",
        rows: Rows::CostGroups,
        joined_kinds: &[],
        columns: COLUMNS,
        rate: None,
        fields: &[Field::Name, Field::Namespace, Field::Kind, Field::Price],
        use_of_rows: UseOfRows::Enter,
    },
    views: VIEWS,
    count: |_| None,
    narrowed_by: Narrowing::Nothing,
    is_offered: always,
};

columns! {
    // Of what is not priced nobody knows how much it is.
    ATTENTION = Column::order_only(
        "attention",
        Order::CostGroups(|row| (i64::from(row.unpriced == 0), -row.rate, "")),
        "what is not priced, then the dearest",
    );
    MARK = Column::left("mark", "", 1, (1, 1, 1), "△ where something is not priced");
    NAME = Column::left("name", "NAME", 0, (16, 24, 60), "who pays: the title says by what dollars are grouped")
        .ordered(Order::CostGroups(|row| (0, 0, &row.name)));
    COST = Column::right("cost", "$/H", 1, (8, 9, 16), "dollars per hour now")
        .ordered(Order::CostGroups(|row| (-row.rate, 0, "")));
    PAID = Column::right("paid", "PAID", 2, (7, 9, 14), "dollars since batchtop started")
        .ordered(Order::CostGroups(|row| (-row.paid, 0, "")));
    NODES = Column::right("nodes", "NODES", 4, (5, 6, 7), "machines")
        .ordered(Order::CostGroups(|row| (-row.machines, 0, "")));
    HELD = Column::right("held", "HELD $/H", 5, (8, 9, 12), "dollars per hour of held machines")
        .ordered(Order::CostGroups(|row| (-row.held, 0, "")));
    UNREQUESTED = Column::right("unrequested", "UNREQ $/H", 6, (9, 9, 12), "dollars per hour that no pod requests")
        .ordered(Order::CostGroups(|row| (-row.unrequested, 0, "")));
    SHARE = Column::left("share", "SHARE", 3, (12, 20, 40), "share of the dollars of all machines, as a bar");
    PERCENT = Column::right("percent", "%", 2, (4, 4, 4), "share of the dollars of all machines");
    MONTH = Column::right("month", "PER MONTH", 5, (9, 9, 12), "what the rate comes to in a month of 730 hours");
    UNPRICED = Column::right("unpriced", "UNPRICED", 4, (8, 8, 12), "machines, or pods on them, without a known price");
}

static VIEWS: &[View] = &[
    View::by(GroupBy::NodePool, "dollars by NodePool"),
    View::by(GroupBy::Namespace, "dollars by namespace of pods"),
    View::by(GroupBy::Job, "dollars by Job of pods"),
    View::by(GroupBy::Owner, "dollars by Deployment, CronJob, Job or other owner of pods"),
    View::by(GroupBy::CapacityType, "dollars by capacity type"),
    View::by(GroupBy::InstanceType, "dollars by instance type"),
    View::by(GroupBy::Zone, "dollars by zone"),
    View::by(GroupBy::DeviceClass, "dollars by what GPUs do: busy, idle, parked, rogue, stranded, unallocated"),
    View::by(GroupBy::Node, "dollars by node"),
];
