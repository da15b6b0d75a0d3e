//! Definition of Fleet's devices: accelerators one by one, and in groups.

use super::table::{Rows, TableSpec, UseOfRows};
use super::view::{Grouping, View};
use super::{device_columns, device_group_columns};
use crate::app::depends::{GPUS, PRICES};
use crate::app::devices::DeviceGroupBy;
use crate::app::field::Field;
use crate::fleet::Kind;
use crate::insight::insights::Dependency;

/// Devices one by one.
pub static DEVICES: TableSpec = TableSpec {
    name: "devices",
    noun: "devices",
    rows: Rows::Devices,
    joined_kinds: &[Kind::Pod],
    columns: device_columns::COLUMNS,
    rate: None,
    fields: &[
        Field::Node,
        Field::Pool,
        Field::Type,
        Field::Zone,
        Field::Capacity,
        Field::Model,
        Field::Pod,
        Field::Namespace,
        Field::Job,
        Field::Class,
        Field::Held,
        Field::Verdict,
        Field::By,
        Field::Protected,
        Field::Price,
        Field::Gpu,
        Field::Dollars,
    ],
    use_of_rows: UseOfRows::OpenNode,
};

/// Groups of devices, each with its sums.
pub static GROUPS: TableSpec = TableSpec {
    name: "devices in groups",
    noun: "groups of devices",
    rows: Rows::DeviceGroups,
    joined_kinds: &[Kind::Pod],
    columns: device_group_columns::COLUMNS,
    rate: None,
    fields: &[Field::Name, Field::Namespace, Field::Price],
    use_of_rows: UseOfRows::Enter,
};

/// The view that lists devices one by one.
pub(super) const VIEW: View = View::of_table("devices", "accelerators one by one, the worst money first", &DEVICES);

/// The view that groups them by a dimension.
pub(super) const fn view_by(by: DeviceGroupBy) -> View {
    let (name, help) = match by {
        DeviceGroupBy::Node => ("GPUs by node", "accelerators by node, with their sums"),
        DeviceGroupBy::Job => ("GPUs by Job", "accelerators by the Job that has them"),
        DeviceGroupBy::Namespace => ("GPUs by namespace", "accelerators by namespace of pods"),
        DeviceGroupBy::NodePool => ("GPUs by NodePool", "accelerators by NodePool"),
        DeviceGroupBy::Model => ("GPUs by model", "accelerators by model"),
    };
    let mut view = View::of_table(name, help, &GROUPS);
    view.grouping = Some(Grouping::Devices(by));
    view
}

/// What the rows depend on besides the Nodes and NodeClaims: all that makes them and their order.
pub(super) fn dependencies() -> impl Iterator<Item = Dependency> {
    [GPUS].into_iter().chain(PRICES.iter().copied())
}

/// The same of groups: who has a device decides where it belongs.
pub(super) fn dependencies_of_groups() -> impl Iterator<Item = Dependency> {
    dependencies().chain([Dependency::Kind(Kind::Pod)])
}
