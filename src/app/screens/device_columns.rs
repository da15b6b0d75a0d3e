//! Columns of devices one by one.

use super::column::{Column, DeviceRank, Order, columns};
use crate::app::App;
use crate::app::devices::DeviceRow;
use crate::app::rank::{Rank, thousandths};
use crate::fleet::{DeviceReading, Kind, Sym};
use crate::insight::gpu::GpuClass;
use crate::insight::insights::Dependency;

/// What who has a device depends on.
const PODS: &[Dependency] = &[Dependency::Kind(Kind::Pod)];

columns! {
    ATTENTION = Column::order_only("attention", Order::Devices(attention), ATTENTION_HELP);
    NODE = Column::left("node", "NODE", 0, (14, 18, 60), "its Node")
        .of_devices(|row, _| Rank::text(Some(&row.node.meta.key.name)).into());
    INDEX = Column::right("index", "#", 1, (1, 3, 6), "number of its board, and of its MIG instance; 8× for eight boards")
        .of_devices(|row, _| index(row).into());
    MODEL = Column::left("model", "MODEL", 7, (6, 14, 30), "its model")
        .of_devices(|row, _| Rank::text(row.model().map(Sym::as_str)).into());
    MIG = Column::left("mig", "MIG", 8, (4, 8, 16), "profile of the MIG instance")
        .of_devices(|row, _| mig(row).into());
    POD = Column::left("pod", "POD", 4, (12, 28, 60), "the pod that has it; or what is requested, and why no more")
        .of_devices(|row, _| pod(row).into())
        .depends_on(PODS);
    JOB = Column::left("job", "JOB", 8, (6, 16, 40), "the Job of that pod")
        .of_devices(|row, app| job(row, app).into())
        .depends_on(PODS);
    CLASS = Column::left("class", "GPU IS", 2, (6, 11, 11), "what it does: busy, idle, parked, unallocated, rogue …")
        .of_devices(|row, _| Rank::number(class(row.class())).into());
    UTILIZATION = Column::left("util", "UTIL", 3, (4, 13, 13), "how busy it is")
        .of_devices(|row, _| Rank::most_of(row.utilization().map(|it| it.millionths().into())).into());
    MEMORY = Column::left("memory", "MEMORY", 5, (8, 24, 26), "memory in use, of how much")
        .of_devices(|row, _| of_reading(row, memory).into());
    POWER = Column::right("power", "W", 9, (3, 5, 6), "watts that it draws")
        .of_devices(|row, _| of_reading(row, |it| it.power_milliwatts.map(i64::from)).into());
    TEMPERATURE = Column::right("temperature", "°C", 9, (3, 4, 5), "its temperature")
        .of_devices(|row, _| of_reading(row, |it| it.temperature_celsius.map(i64::from)).into());
    XID = Column::right("xid", "XID", 6, (3, 5, 6), "the last XID error of NVIDIA's driver")
        .of_devices(|row, _| of_reading(row, |it| it.xid.map(i64::from).filter(|xid| *xid > 0)).into());
    COST = Column::right("cost", "$/H", 1, (6, 9, 16), "its part of its Node's dollars per hour")
        .of_devices(|row, _| Rank::most_of(row.rate).into());
}

const ATTENTION_HELP: &str = "dollars of devices that do nothing, then what they do, then the least busy";

/// Dollars of devices that do nothing, then the class, then the least busy.
fn attention<'a>(row: &DeviceRow<'a>, _: &'a App) -> DeviceRank<'a> {
    let busy = row.utilization().map_or(i64::MAX, |utilization| utilization.millionths().into());
    DeviceRank { first: Rank::most(row.wasted.unwrap_or(0)), then: (class(row.class()), busy) }
}

/// The worst has the smallest number.
const fn class(class: GpuClass) -> i64 {
    match class {
        GpuClass::Idle => 0,
        GpuClass::Parked => 1,
        GpuClass::Stranded => 2,
        GpuClass::Unallocated => 3,
        GpuClass::Rogue => 4,
        GpuClass::Unknown => 5,
        GpuClass::Busy => 6,
    }
}

/// By what an exporter tells, the most first.
fn of_reading<'a>(row: &DeviceRow<'a>, of: impl Fn(&DeviceReading) -> Option<i64>) -> Rank<'a> {
    Rank::most_of(row.reading().and_then(of))
}

fn index<'a>(row: &DeviceRow<'a>) -> Rank<'a> {
    row.reading().and_then(|it| it.index).map_or(Rank::LAST, |index| Rank::number(index.into()))
}

fn mig<'a>(row: &DeviceRow<'a>) -> Rank<'a> {
    Rank::text(row.reading().and_then(|it| it.mig.as_ref()).map(|mig| &*mig.profile))
}

fn pod<'a>(row: &DeviceRow<'a>) -> Rank<'a> {
    Rank::text(row.holders().first().map(|pod| &*pod.name))
}

fn job<'a>(row: &DeviceRow<'a>, app: &'a App) -> Rank<'a> {
    Rank::text(row.pod(app).and_then(|pod| pod.job_owner()).map(|owner| &*owner.name))
}

/// In thousandths of what there is.
fn memory(reading: &DeviceReading) -> Option<i64> {
    let (used, total) = reading.memory_used_bytes.zip(reading.memory_total_bytes)?;
    Some(thousandths(i64::try_from(used).ok()?, i64::try_from(total).ok()?))
}
