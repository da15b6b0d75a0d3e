//! Cells and sentence of Fleet's devices in groups.

use super::columns::Shown;
use super::context::FrameContext;
use super::table::table;
use super::{Line, TableView, devices, format, money, words};
use crate::app::screens::device_group_columns as columns;
use crate::app::{DeviceGroup, DeviceGroupBy, DeviceGroupKey, DeviceSums, RowKey};
use crate::config::Role;

/// Look of groups of devices.
pub(super) const VIEW: TableView = TableView {
    table: |frame, area| table(frame, area, &cells(frame.app.ui.level.device_grouping()), |key| row(frame, key)),
    sentence: |frame, key| row(frame, key).map(|row| row.sentence()),
    columns: || cells(None).iter().map(|shown| shown.column).collect(),
};

/// A group, from which its cells are written.
struct Row<'a> {
    frame: &'a FrameContext<'a>,
    key: DeviceGroupKey,
    sums: DeviceSums,
}

/// The row of a key, with the sums as of when the groups were listed.
fn row<'a>(frame: &'a FrameContext<'a>, key: &RowKey) -> Option<Row<'a>> {
    let key = key.device_group()?.clone();
    let sums = *frame.app.ui.listing.device_groups.get(&key.1)?;
    Some(Row { frame, key, sums })
}

/// All columns in the order in which they stand.
fn cells<'a>(by: Option<DeviceGroupBy>) -> Vec<Shown<Row<'a>>> {
    vec![
        Shown::new(&columns::NAME, Row::name).titled(title(by)),
        Shown::new(&columns::DEVICES, Row::devices),
        Shown::new(&columns::UTILIZATION, Row::utilization),
        Shown::new(&columns::COST, Row::cost),
        Shown::new(&columns::WASTED, Row::wasted),
        Shown::new(&columns::SHARE, Row::share),
    ]
}

const fn title(by: Option<DeviceGroupBy>) -> &'static str {
    match by {
        None => "NAME",
        Some(DeviceGroupBy::Node) => "NODE",
        Some(DeviceGroupBy::Job) => "JOB",
        Some(DeviceGroupBy::Namespace) => "NAMESPACE",
        Some(DeviceGroupBy::NodePool) => "NODEPOOL",
        Some(DeviceGroupBy::Model) => "MODEL",
    }
}

impl Row<'_> {
    fn words(&self) -> String {
        let words = self.key.1.words(self.key.0);
        match self.key.0 {
            DeviceGroupBy::Node => words::node_name(&words, self.frame.app.ui.size.0).to_owned(),
            _ => words,
        }
    }

    fn name(&self) -> Line {
        let role = match self.key.1 {
            DeviceGroup::Named(_) | DeviceGroup::Job(_) => Role::TextStrong,
            _ => Role::TextDim,
        };
        Line::of(role, self.words())
    }

    fn devices(&self) -> Line {
        match (self.sums.devices, self.sums.uncounted) {
            (0, 1..) => Line::of(Role::Unknown, format::UNKNOWN),
            (devices, 1..) => Line::of(Role::Warn, "≥ ").and(Role::Gpu, format::count(devices)),
            (devices, 0) => Line::of(Role::Gpu, format::count(devices)),
        }
    }

    fn utilization(&self) -> Line {
        devices::utilization(self.frame, self.sums.utilization, Role::Gpu)
    }

    fn cost(&self) -> Line {
        match (self.sums.rate, self.sums.unpriced) {
            (0, 1..) => money::unknown(self.frame),
            (rate, 1..) => Line::of(Role::Warn, "≥ ").and(Role::Text, money::bare(rate)),
            (0, 0) => Line::of(Role::TextDim, format::NONE),
            (rate, 0) => Line::plain(money::bare(rate)),
        }
    }

    fn wasted(&self) -> Line {
        match self.sums.wasted {
            None => Line::of(Role::Unknown, format::UNKNOWN),
            Some(0) => Line::of(Role::TextDim, format::NONE),
            Some(wasted) => Line::of(Role::Warn, money::bare(wasted)),
        }
    }

    fn share(&self) -> Line {
        let Some(wasted) = self.sums.wasted.filter(|_| self.sums.rate > 0) else { return Line::new() };
        let (full, rest) = format::bar(wasted, self.sums.rate, devices::bar_width(self.frame));
        Line::of(Role::Warn, full).and(Role::BarEmpty, rest)
    }

    /// What a colleague would say about it.
    fn sentence(&self) -> Line {
        let line = Line::of(Role::TextDim, format!("{} ", self.key.0.name())).and(Role::TextStrong, self.words());
        let count = match (self.sums.devices, self.sums.uncounted) {
            (devices, 0) => format::plural(devices, "device"),
            (devices, _) => format!("at least {}", format::plural(devices, "device")),
        };
        let rate = match self.sums.rate {
            0 => String::new(),
            rate => format!(", {}", money::rate(rate)),
        };
        let wasted = self.sums.wasted.filter(|wasted| *wasted > 0);
        let wasted = wasted
            .map_or_else(String::new, |wasted| format!(", {} of it for devices that do nothing", money::rate(wasted)));
        line.and(Role::Text, format!(": {count}{rate}{wasted}; enter shows them"))
    }
}
