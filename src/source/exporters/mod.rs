//! The metrics of accelerators, as their exporters and a Prometheus server tell them.
//!
//! * [`dcgm`], [`amd`], [`neuron`]: one format each; [`prometheus`]: what a server has scraped of any of them, [`range`]: and
//!   what it tells of the past.
//! * [`series`]: a value with its labels; [`devices`]: devices put together from such values, and checked.
//!
//! A value that cannot be right (not a number, negative, beyond what any device has) is unknown, never zero. Names and other
//! texts of labels are kept as they are: who shows them makes them harmless.

mod amd;
mod dcgm;
mod devices;
mod neuron;
mod prometheus;
mod range;
mod series;
#[cfg(test)]
mod tests;

pub use prometheus::{Division, Places, add_answer, queries, read_answer};
pub use range::{period, range_query, read_range};

use std::fmt;

use crate::fleet::{ExporterKind, GpuReadings, Sym};
use crate::units::exposition::{BadLines, Exposition};
use devices::DeviceList;
use series::Series;

/// Devices that are read of one page; the largest servers have 64 with all partitions.
pub const MAX_DEVICES: usize = 1024;

/// Containers that are read of one device: time-slicing and MPS share one among at most 48.
pub const MAX_HOLDERS: usize = 64;

/// Why nothing can be read of what an exporter answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unreadable {
    /// There is nothing on the page.
    Empty,
    /// The page is HTML: that of something else, or of an error.
    Html,
    /// The page is JSON.
    Json,
    /// No metric on the page is one that is read of this kind of exporter; its unreadable lines may be why.
    NoMetric(ExporterKind, Option<BadLines>),
    /// No metric says of which device it is.
    NoDevice,
    /// NeuronCores are told of, but not how many of them a device has.
    CoresWithoutDevices,
    /// A Prometheus server has no page for it: it is asked by [`queries`].
    NoPage,
    /// It is no answer of a Prometheus server to a query.
    NoAnswer,
    /// The Prometheus server answered with an error, in its own words.
    Refused(String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it answered with an empty page"),
            Self::Html => f.write_str("it answered with a page of HTML"),
            Self::Json => f.write_str("it answered with JSON instead of metrics"),
            Self::NoMetric(kind, bad) => {
                write!(f, "no metric of {} that batchtop reads is on the page", program(*kind))?;
                bad.map_or(Ok(()), |bad| write!(f, "; {bad}"))
            }
            Self::NoDevice => f.write_str("no metric on the page says of which device it is"),
            Self::CoresWithoutDevices => {
                f.write_str("neuron_hardware_info, which tells how many cores a device has, is not on the page")
            }
            Self::NoPage => f.write_str("a Prometheus server is asked by a query, not for a page"),
            Self::NoAnswer => f.write_str("it is not the answer of a Prometheus server to a query"),
            Self::Refused(words) => write!(f, "the Prometheus server answered with an error: {words}"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// The name of the program that is the exporter.
const fn program(kind: ExporterKind) -> &'static str {
    match kind {
        ExporterKind::Dcgm => "dcgm-exporter",
        ExporterKind::Amd => "device-metrics-exporter",
        ExporterKind::Neuron => "neuron-monitor",
        ExporterKind::Prometheus => "Prometheus",
    }
}

/// What is put together of one Node's series.
trait Format: Default {
    /// Whose metrics they are.
    const KIND: ExporterKind;

    /// Takes one value over; false if the format has no such metric, or none that is read.
    fn take(&mut self, series: &impl Series) -> bool;

    /// The devices in order, or why there are none.
    fn finish(self) -> Result<DeviceList, Unreadable>;
}

/// Reads the page of an exporter: its devices, ordered by index, identity and MIG instance.
///
/// # Errors
/// When nothing on the page can be read, and what it is instead.
pub fn read(kind: ExporterKind, page: &[u8]) -> Result<GpuReadings, Unreadable> {
    match kind {
        ExporterKind::Dcgm => read_page::<dcgm::Dcgm>(page),
        ExporterKind::Amd => read_page::<amd::Amd>(page),
        ExporterKind::Neuron => read_page::<neuron::Neuron>(page),
        ExporterKind::Prometheus => Err(Unreadable::NoPage),
    }
}

fn read_page<F: Format>(page: &[u8]) -> Result<GpuReadings, Unreadable> {
    let (mut format, mut has_metrics) = (F::default(), false);
    let mut lines = Exposition::new(page);
    for sample in lines.samples() {
        has_metrics |= format.take(&sample);
    }
    let bad_lines = lines.bad_lines();
    if !has_metrics {
        return Err(other_page(F::KIND, page, bad_lines));
    }
    let DeviceList { devices, impossible } = format.finish()?;
    let of_lines = bad_lines.map(|bad| bad.to_string());
    let of_values = (impossible > 0).then(|| impossible_values(impossible));
    let remarks: Vec<String> = of_lines.into_iter().chain(of_values).collect();
    let remark = (!remarks.is_empty()).then(|| Sym::new(&remarks.join("; ")));
    Ok(GpuReadings { devices, remark })
}

/// What is said of values that cannot be right.
fn impossible_values(count: usize) -> String {
    match count {
        1 => "1 value is below zero or not a number".to_owned(),
        count => format!("{count} values are below zero or not a number"),
    }
}

/// What a page is that has no metric of an exporter.
fn other_page(kind: ExporterKind, page: &[u8], bad: Option<BadLines>) -> Unreadable {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    match page.strip_prefix(BYTE_ORDER_MARK).unwrap_or(page).trim_ascii_start().first() {
        None => Unreadable::Empty,
        Some(b'<') => Unreadable::Html,
        Some(b'{' | b'[') => Unreadable::Json,
        Some(_) => Unreadable::NoMetric(kind, bad),
    }
}
