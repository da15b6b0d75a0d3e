//! What the benchmark measures, as numbers: written as JSON, and read again by the test of the README.
//!
//! Milliseconds and seconds are wall time unless named processor time. Memory is in MiB (2^20 bytes), a share of the processor
//! in percent of one core.

use serde::{Deserialize, Serialize};

/// Everything measured in one run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Figures {
    /// Version of batchtop.
    pub batchtop_version: String,
    /// Version of the API server.
    pub kubernetes_version: String,
    /// Cores, processor and memory.
    pub machine: String,
    /// Load averages before anything began.
    pub load_before: String,
    /// Nodes, each with its NodeClaim.
    pub nodes: usize,
    /// Pods.
    pub pods: usize,
    /// One pod as the server returns it, bytes.
    pub pod_bytes: usize,
    /// How often everything was read; medians are reported.
    pub rounds: usize,
    /// Median of `batchtop --help`.
    pub help_ms: f64,
    /// The client that downloads and discards.
    pub discarding: Discarding,
    /// batchtop from its start until everything is on its screen.
    pub complete: Complete,
    /// Processor while nothing changes.
    pub idle_percent: f64,
    /// Processor while pods change.
    pub churns: Vec<Churn>,
    /// Key press to screen while nothing changes.
    pub keys_idle: Latency,
    /// Key press to screen while pods change.
    pub keys_churn: Latency,
    /// Updates that came each second while these keys were pressed.
    pub keys_churn_rate: f64,
    /// A filter typed and entered, to its rows.
    pub filter: Latency,
    /// Resident memory at the end of all that.
    pub resident_at_end_mib: f64,
    /// The most resident memory that ever was.
    pub peak_mib: f64,
    /// Until everything is on the screen, by the number of pods.
    pub growth: Vec<Growth>,
    /// Other programs found on PATH.
    pub rivals: Vec<RivalFigures>,
}

/// The client that downloads and discards.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Discarding {
    /// Until it had everything.
    pub seconds: f64,
    /// Its processor time.
    pub processor_seconds: f64,
}

/// batchtop from its start until everything is on its screen.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Complete {
    /// Until the first frame.
    pub first_paint_ms: f64,
    /// Until all Nodes were on the screen.
    pub nodes_seconds: f64,
    /// Until everything was.
    pub seconds: f64,
    /// Processor time until then.
    pub processor_seconds: f64,
    /// Processor time of the API server until then.
    pub server_processor_seconds: f64,
    /// Received until then, TLS and all: 10^6 bytes.
    pub received_megabytes: f64,
    /// Resident memory then.
    pub resident_mib: f64,
}

/// Processor while pods change.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Churn {
    /// Updates each second that were asked for.
    pub asked: u32,
    /// Updates each second that the server took.
    pub delivered: f64,
    /// Processor meanwhile.
    pub processor_percent: f64,
}

/// How long something took until the screen showed it.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Latency {
    /// Half of them took no longer.
    pub median_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// How many were measured.
    pub count: usize,
}

/// Until everything is on the screen, at a number of pods.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Growth {
    /// Pods.
    pub pods: usize,
    /// Until everything was on the screen.
    pub seconds: f64,
    /// Processor time until then.
    pub processor_seconds: f64,
    /// Resident memory then.
    pub resident_mib: f64,
}

/// Another program on the same fleet.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RivalFigures {
    /// Name of the program, and what it says of its version.
    pub name: String,
    /// Until the number of all its rows was on its screen; `None` where it never was.
    pub seconds: Option<f64>,
    /// Processor time until then, or until it was stopped.
    pub processor_seconds: f64,
    /// Resident memory then.
    pub resident_mib: f64,
    /// The most resident memory that ever was.
    pub peak_mib: f64,
    /// Processor while nothing changes, once it is complete.
    pub idle_percent: Option<f64>,
    /// Why it was stopped before it was complete.
    pub stopped: Option<String>,
}
