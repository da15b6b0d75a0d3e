//! The rows of Fleet's devices: one by one, or in groups.

use std::cmp::Ordering;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::devices::{self, DeviceGroup, DeviceGroupBy, DeviceGroupRow, DeviceRow, DeviceSums};
use super::filter::{Asked, Filter};
use super::rank::Rank;
use super::rows::RowKey;
use super::screens::{DeviceRank, Order};
use super::{App, RateOfRows, Scope, Sort, machines};

/// The sums of each group of devices that is listed.
pub type DeviceGroups = HashMap<DeviceGroup, DeviceSums, RandomState>;

/// Devices of the shown level, filtered and in order.
pub struct ListedDevices {
    /// Identities of the rows, in their order.
    pub rows: Vec<RowKey>,
    /// How many there were before the filter.
    pub unfiltered: usize,
    /// What they cost together.
    pub rate: RateOfRows,
    /// The sums of the groups; empty where devices are listed one by one.
    pub groups: DeviceGroups,
}

/// Every device of the shown level that meets the filter.
pub fn one_by_one(app: &App) -> ListedDevices {
    let level = &app.ui.level;
    let all = all(app);
    let unfiltered = all.len();
    let filter = Filter::parse(&level.filter, level.table());
    let asked = Asked::new(app);
    let rows = all.into_iter().filter(|row| filter.is_empty() || filter.meets_device(row, &asked));
    let mut ranked: Vec<(DeviceRank<'_>, DeviceRow<'_>)> = rows.map(|row| (rank(&row, level.sort, app), row)).collect();
    ranked.sort_unstable_by(|a, b| compare(a, b, level.sort));
    let rate = sum(ranked.iter().map(|(_, row)| row));
    let rows = ranked.iter().map(|(_, row)| RowKey::Device(Box::new(row.key()))).collect();
    ListedDevices { rows, unfiltered, rate, groups: DeviceGroups::default() }
}

/// All devices of the shown level, in no order.
fn all(app: &App) -> Vec<DeviceRow<'_>> {
    let rows = machines::listed_nodes(app).flat_map(|node| devices::of_node(app, node));
    match &app.ui.level.scope {
        Some(Scope::DeviceGroup((by, group))) => rows.filter(|row| DeviceGroup::of(row, *by, app) == *group).collect(),
        _ => rows.collect(),
    }
}

fn sum<'a>(rows: impl Iterator<Item = &'a DeviceRow<'a>>) -> RateOfRows {
    rows.fold(RateOfRows::default(), |mut sum, row| {
        match row.rate {
            Some(rate) => sum.micro_usd_per_hour = sum.micro_usd_per_hour.saturating_add(rate),
            None => sum.unpriced += 1,
        }
        sum
    })
}

fn rank<'a>(row: &DeviceRow<'a>, sort: Sort, app: &'a App) -> DeviceRank<'a> {
    match sort.column.order {
        Order::Devices(rank) => rank(row, app),
        _ => DeviceRank::from(Rank::LAST),
    }
}

/// How two devices stand to one another in an order; Nodes, then numbers of boards and instances decide between equals.
fn compare(a: &(DeviceRank<'_>, DeviceRow<'_>), b: &(DeviceRank<'_>, DeviceRow<'_>), sort: Sort) -> Ordering {
    let by_rank = a.0.first.compare(b.0.first, sort).then_with(|| sort.directed(a.0.then.cmp(&b.0.then)));
    by_rank.then_with(|| by_place(&a.1, &b.1))
}

fn by_place(a: &DeviceRow<'_>, b: &DeviceRow<'_>) -> Ordering {
    // Devices of which nobody tells come last.
    let place = |row: &DeviceRow<'_>| {
        row.reading().map_or((u32::MAX, None), |reading| {
            (reading.index.unwrap_or(u32::MAX - 1), reading.mig.as_ref().map(|mig| mig.id))
        })
    };
    let by_node = a.node.meta.key.name.cmp(&b.node.meta.key.name);
    let by_number = by_node.then_with(|| place(a).cmp(&place(b)));
    by_number.then_with(|| a.reading().map(|one| &one.uuid).cmp(&b.reading().map(|one| &one.uuid)))
}

/// The groups of all devices of the shown level, those that meet the filter.
pub fn in_groups(app: &App, by: DeviceGroupBy) -> ListedDevices {
    let level = &app.ui.level;
    let mut members: HashMap<DeviceGroup, Vec<DeviceRow<'_>>, RandomState> = HashMap::default();
    for row in all(app) {
        members.entry(DeviceGroup::of(&row, by, app)).or_default().push(row);
    }
    let unfiltered = members.len();
    let filter = Filter::parse(&level.filter, level.table());
    let mut rows: Vec<DeviceGroupRow> = Vec::new();
    let mut rate = RateOfRows::default();
    for (group, devices) in members {
        let row = DeviceGroupRow { name: group.words(by), key: (by, group), sums: DeviceSums::of(&devices) };
        if filter.is_empty() || filter.meets_device_group(&row) {
            let of_group = sum(devices.iter());
            rate.micro_usd_per_hour = rate.micro_usd_per_hour.saturating_add(of_group.micro_usd_per_hour);
            rate.unpriced += of_group.unpriced;
            rows.push(row);
        }
    }
    rows.sort_unstable_by(|a, b| compare_groups(a, b, level.sort));
    let groups = rows.iter().map(|row| (row.key.1.clone(), row.sums)).collect();
    let rows = rows.into_iter().map(|row| RowKey::DeviceGroup(Box::new(row.key))).collect();
    ListedDevices { rows, unfiltered, rate, groups }
}

/// How two groups stand to one another in an order; names decide between equals.
fn compare_groups(a: &DeviceGroupRow, b: &DeviceGroupRow, sort: Sort) -> Ordering {
    let by_rank = match sort.column.order {
        Order::DeviceGroups(rank) => rank(a).cmp(&rank(b)),
        _ => Ordering::Equal,
    };
    sort.directed(by_rank).then_with(|| a.key.cmp(&b.key))
}
