//! Columns of groups of devices.

use super::column::{Column, Order, columns};
use crate::app::devices::DeviceGroupRow;

columns! {
    ATTENTION = Column::order_only(
        "attention",
        Order::DeviceGroups(|row| (-row.sums.wasted.unwrap_or(0), -row.sums.rate, "")),
        "dollars of devices that do nothing, then the dearest",
    );
    NAME = Column::left("name", "NAME", 0, (16, 24, 60), "the group: the title says by what devices are grouped")
        .ordered(Order::DeviceGroups(|row| (0, 0, &row.name)));
    DEVICES = Column::right("devices", "DEVICES", 2, (5, 7, 9), "how many there are, each MIG instance as one")
        .ordered(Order::DeviceGroups(|row| (-row.sums.devices, 0, "")));
    UTILIZATION = Column::left("util", "UTIL", 3, (4, 13, 13), "mean of those that are requested, else of all")
        .ordered(Order::DeviceGroups(|row| (busy(row), 0, "")));
    COST = Column::right("cost", "$/H", 1, (8, 9, 16), "dollars per hour")
        .ordered(Order::DeviceGroups(|row| (-row.sums.rate, 0, "")));
    WASTED = Column::right("idle", "IDLE $/H", 2, (8, 9, 16), "dollars per hour of devices that do nothing")
        .ordered(Order::DeviceGroups(|row| (row.sums.wasted.map_or(1, |wasted| -wasted), 0, "")));
    SHARE = Column::left("share", "IDLE", 5, (6, 10, 20), "share of its dollars for devices that do nothing");
}

/// The busiest has the smallest number; of which nobody tells come last.
fn busy(row: &DeviceGroupRow) -> i64 {
    row.sums.utilization.map_or(1, |utilization| -i64::from(utilization.millionths()))
}
