//! Cells and sentence of Fleet's devices: accelerators one by one.

use super::columns::Shown;
use super::context::FrameContext;
use super::table::table;
use super::{Line, TableView, format, money, words};
use crate::app::screens::device_columns as columns;
use crate::app::{Column, DeviceRow, Devices, RowKey, find_device};
use crate::config::Role;
use crate::fleet::{DeviceReading, Utilization};
use crate::insight::gpu::{ExporterState, GpuClass};

/// Look of devices one by one.
pub(super) const VIEW: TableView = TableView {
    table: |frame, area| table(frame, area, &columns(frame), |key| row(frame, key)),
    sentence: |frame, key| row(frame, key).map(|row| row.sentence()),
    columns: || cells().iter().map(|shown| shown.column).collect(),
};

/// From this width of the terminal on bars are long, unless details stand beside the table.
const ROOMY_FROM: u16 = 100;

/// A row of devices, from which its cells are written.
struct Row<'a> {
    frame: &'a FrameContext<'a>,
    device: DeviceRow<'a>,
}

/// The row of a key.
fn row<'a>(frame: &'a FrameContext<'a>, key: &RowKey) -> Option<Row<'a>> {
    let device = find_device(frame.app, key.device()?)?;
    Some(Row { frame, device })
}

/// The columns. Where they would be empty for what is on screen, those of MIG and of errors are left out.
fn columns<'a>(frame: &FrameContext<'_>) -> Vec<Shown<Row<'a>>> {
    let is_any = |is: fn(&DeviceReading) -> bool| {
        let shown = frame.app.ui.listing.rows.iter().skip(frame.app.ui.level.offset).take(frame.app.ui.page_rows);
        let mut readings = shown.filter_map(|key| find_device(frame.app, key.device()?)?.reading());
        readings.any(is)
    };
    let has_mig = is_any(|reading| reading.mig.is_some());
    let has_xid = is_any(|reading| reading.xid.is_some_and(|xid| xid > 0));
    let is_left_out =
        |column: &'static Column| (!has_mig && *column == columns::MIG) || (!has_xid && *column == columns::XID);
    cells().into_iter().filter(|shown| !is_left_out(shown.column)).collect()
}

/// All columns in the order in which they stand.
fn cells<'a>() -> Vec<Shown<Row<'a>>> {
    vec![
        Shown::new(&columns::NODE, Row::node),
        Shown::new(&columns::INDEX, Row::number),
        Shown::new(&columns::MODEL, Row::model),
        Shown::new(&columns::MIG, Row::mig),
        Shown::new(&columns::POD, Row::pod),
        Shown::new(&columns::JOB, Row::job),
        Shown::new(&columns::CLASS, Row::class),
        Shown::new(&columns::UTILIZATION, Row::utilization),
        Shown::new(&columns::MEMORY, Row::memory),
        Shown::new(&columns::POWER, Row::power),
        Shown::new(&columns::TEMPERATURE, Row::temperature),
        Shown::new(&columns::XID, Row::xid),
        Shown::new(&columns::COST, Row::cost),
    ]
}

/// Marks of a bar.
pub(super) fn bar_width(frame: &FrameContext<'_>) -> usize {
    let is_narrow = frame.app.ui.size.0 < ROOMY_FROM || frame.app.ui.level.detail.is_some();
    if is_narrow { 4 } else { 8 }
}

/// `▇▇▇▇▇▇▇▁  91%`; of what nobody tells dots instead of a bar.
pub(super) fn utilization(frame: &FrameContext<'_>, utilization: Option<Utilization>, role: Role) -> Line {
    let width = bar_width(frame);
    match utilization {
        None => Line::of(Role::BarEmpty, "·".repeat(width)).and(Role::Unknown, format!(" {:>4}", format::UNKNOWN)),
        Some(utilization) => {
            let (full, free) = format::bar(utilization.millionths().into(), ALL_MILLIONTHS, width);
            let percent = format!(" {:>4}", format::utilization(utilization));
            Line::of(Role::BarFill, full).and(Role::BarEmpty, free).and(role, percent)
        }
    }
}

const ALL_MILLIONTHS: i64 = 1_000_000;

impl<'a> Row<'a> {
    fn reading(&self) -> Option<&'a DeviceReading> {
        self.device.reading()
    }

    /// A cell that only an exporter can fill.
    fn of_reading(&self, cell: impl Fn(&DeviceReading) -> Option<Line>) -> Line {
        let Some(reading) = self.reading() else { return Line::new() };
        let line = cell(reading).unwrap_or_else(|| Line::of(Role::Unknown, format::UNKNOWN));
        if self.is_stale() { line.all(Role::Stale) } else { line }
    }

    fn is_stale(&self) -> bool {
        self.device.state.activity.exporter.state == ExporterState::Stale
    }

    fn node_name(&self) -> &'a str {
        words::node_name(&self.device.node.meta.key.name, self.frame.app.ui.size.0)
    }

    fn node(&self) -> Line {
        Line::of(Role::TextStrong, self.node_name())
    }

    /// `3` of a board, `3/1` of an instance on it, `8×` of eight boards of which nobody tells.
    fn number(&self) -> Line {
        match self.device.what {
            Devices::Silent(Some(count)) => Line::of(Role::TextDim, format!("{}×", format::count(count))),
            Devices::Silent(None) => Line::of(Role::Unknown, format!("{}×", format::UNKNOWN)),
            Devices::Told(reading, _) => {
                let board = reading.index.map_or_else(|| format::UNKNOWN.to_owned(), |index| index.to_string());
                let instance = reading.mig.as_ref().map_or_else(String::new, |mig| format!("/{}", mig.id));
                Line::plain(format!("{board}{instance}"))
            }
        }
    }

    fn model(&self) -> Line {
        words::or_none(self.device.model())
    }

    fn mig(&self) -> Line {
        self.reading().and_then(|reading| reading.mig.as_ref()).map_or_else(Line::new, |mig| Line::plain(&mig.profile))
    }

    fn pod(&self) -> Line {
        if self.reading().is_none() {
            return self.silence();
        }
        match (self.device.holders().as_slice(), self.device.activity()) {
            ([], Some(activity)) if activity.is_held => Line::of(Role::Unknown, "? no pod is named"),
            ([], _) => Line::of(Role::TextDim, format::NONE),
            ([pod], _) => Line::plain(pod.to_string()),
            ([pod, more @ ..], _) => Line::plain(pod.to_string()).and(Role::TextDim, format!(" +{}", more.len())),
        }
    }

    /// What pods request, and why nothing is told of the devices: `3/8 requested, no exporter`.
    fn silence(&self) -> Line {
        let requested = match self.frame.gpus_requested(self.device.gpu) {
            words::Count::Known(count) => count.to_string(),
            words::Count::Unknown(sign) => sign.to_owned(),
        };
        let words = format!("{requested}/{} requested, {}", self.device.gpu.advertised, self.why_silent());
        Line::of(Role::TextDim, words)
    }

    /// In as few words as possible: the sentence and the details tell more.
    fn why_silent(&self) -> &'static str {
        if !self.device.is_all_of_node() {
            return "not in the exporter's answer";
        }
        match self.device.state.activity.exporter.state {
            ExporterState::None => "no exporter",
            ExporterState::Pending => "no answer yet",
            ExporterState::Forbidden => "exporter is forbidden",
            ExporterState::Failed => "exporter cannot be read",
            ExporterState::Stale => "read too long ago",
            ExporterState::Live | ExporterState::NoPodLabels => "exporter tells of none",
        }
    }

    fn job(&self) -> Line {
        let job = self.device.pod(self.frame.app).and_then(|pod| pod.job_owner());
        job.map_or_else(Line::new, |job| Line::plain(&job.name))
    }

    fn class(&self) -> Line {
        words::gpu_class(self.device.class())
    }

    fn utilization(&self) -> Line {
        if self.reading().is_none() {
            let is_free = matches!(self.device.class(), GpuClass::Stranded | GpuClass::Unallocated);
            return if is_free { Line::of(Role::TextDim, format::NONE) } else { self.unknown() };
        }
        let role = match self.device.class() {
            _ if self.is_stale() => Role::Stale,
            GpuClass::Busy => Role::Gpu,
            GpuClass::Rogue => Role::Bad,
            GpuClass::Unknown | GpuClass::Unallocated => Role::TextDim,
            GpuClass::Idle | GpuClass::Parked | GpuClass::Stranded => Role::Warn,
        };
        utilization(self.frame, self.device.utilization(), role)
    }

    fn unknown(&self) -> Line {
        let is_pending = self.device.state.activity.exporter.state == ExporterState::Pending;
        Line::of(Role::Unknown, if is_pending { format::NOT_YET } else { format::UNKNOWN })
    }

    /// `▇▇▁▁▁▁▁▁ 12 of 80 GiB`.
    fn memory(&self) -> Line {
        let width = bar_width(self.frame);
        self.of_reading(|reading| {
            let used = i64::try_from(reading.memory_used_bytes?).unwrap_or(i64::MAX);
            let Some(total) = reading.memory_total_bytes else { return Some(Line::plain(format::bytes(used))) };
            let total = i64::try_from(total).unwrap_or(i64::MAX);
            let (full, free) = format::bar(used, total, width);
            let words = format!(" {}", format::bytes_of(used, total));
            Some(Line::of(Role::BarFill, full).and(Role::BarEmpty, free).and(Role::Text, words))
        })
    }

    fn power(&self) -> Line {
        self.of_reading(|reading| Some(Line::plain((reading.power_milliwatts? / MILLIWATTS_PER_WATT).to_string())))
    }

    fn temperature(&self) -> Line {
        self.of_reading(|reading| Some(Line::plain(reading.temperature_celsius?.to_string())))
    }

    /// Neither of devices without an error nor of those whose exporter does not tell.
    fn xid(&self) -> Line {
        self.of_reading(|reading| {
            let xid = reading.xid.filter(|xid| *xid > 0);
            Some(xid.map_or_else(Line::new, |xid| Line::of(Role::Bad, xid.to_string())))
        })
    }

    fn cost(&self) -> Line {
        money::part_of(self.frame, self.device.cost, self.device.rate)
    }

    /// What a colleague would say about it.
    fn sentence(&self) -> Line {
        let line =
            Line::of(Role::TextStrong, self.name()).and(Role::Text, " of ").and(Role::TextStrong, self.node_name());
        let parts: Vec<String> = match self.reading() {
            Some(reading) => [self.state(), self.figures(reading), Some(self.who())].into_iter().flatten().collect(),
            None => vec![self.silent()],
        };
        line.and(Role::Text, format!(": {}", parts.join("; ")))
    }

    fn name(&self) -> String {
        match self.device.what {
            Devices::Silent(Some(count)) => format::plural(count, "device"),
            Devices::Silent(None) => "devices".to_owned(),
            Devices::Told(reading, _) => match &reading.mig {
                Some(mig) => format!("MIG instance {} of {}", mig.id, reading.uuid),
                None => reading.uuid.to_string(),
            },
        }
    }

    /// `idle for 12m`.
    fn state(&self) -> Option<String> {
        let activity = self.device.activity()?;
        let since = activity.since.map(|since| format::age(self.frame.app.now.seconds_since(since)));
        let since = since.map_or_else(String::new, |since| format!(" for {since}"));
        Some(format!("{}{since}", activity.class.name().to_lowercase()))
    }

    /// An error, then how old the figures are.
    fn figures(&self, reading: &DeviceReading) -> Option<String> {
        let xid = reading.xid.filter(|xid| *xid > 0).map(|xid| format!("XID {xid}"));
        let as_of = self.device.state.activity.exporter.as_of;
        let read = as_of.map(|at| format!("read {} ago", format::age(self.frame.app.now.seconds_since(at))));
        let parts: Vec<String> = xid.into_iter().chain(read).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    fn who(&self) -> String {
        let pods: Vec<String> = self.device.holders().iter().map(ToString::to_string).collect();
        match (pods.is_empty(), self.device.activity().is_some_and(|activity| activity.is_held)) {
            (true, true) => "requested, and the exporter names no pod".to_owned(),
            (true, false) => "no pod has it".to_owned(),
            (false, _) => pods.join(", "),
        }
    }

    /// What is known without a reading.
    fn silent(&self) -> String {
        let gpu = self.device.gpu;
        let requested = self.frame.gpus_requested(gpu);
        let requested = match requested {
            words::Count::Known(count) => format!("{count} of {} requested", gpu.advertised),
            words::Count::Unknown(_) => self.frame.pods_unknown().to_owned(),
        };
        let activity = &self.device.state.activity;
        let message = activity.exporter.message.as_ref().map(|why| format::sentence(self.frame.app.now, why));
        let message = message.map_or_else(String::new, |why| format!(": {why}"));
        format!("{} ({}{message}); {requested}", self.device.class().name().to_lowercase(), self.why_silent())
    }
}

const MILLIWATTS_PER_WATT: u32 = 1_000;
