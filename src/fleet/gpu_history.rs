//! What a Prometheus server is asked about the past of accelerators when details are opened, and what it tells.

use super::{DeviceReading, ObjectKey, ServiceAddress, Sym};
use crate::units::Time;

/// The time of which something is asked, and in which steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HistoryPeriod {
    /// Its beginning.
    pub from: Time,
    /// Its end.
    pub to: Time,
    /// How far apart the values are, at least one second.
    pub step_seconds: i64,
}

/// A question about the past of accelerators.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HistoryQuestion {
    /// How busy each device of a Node was.
    Node {
        /// Its name.
        node: Sym,
        /// The pod of its exporter, where it is known.
        exporter: Option<ObjectKey>,
        /// When.
        period: HistoryPeriod,
    },
    /// For how long the pods of a Job held devices, and for how long these were busy.
    Job {
        /// The Job.
        job: ObjectKey,
        /// When.
        period: HistoryPeriod,
    },
}

/// What a server told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistoryAnswer {
    /// The server that was asked.
    pub server: ServiceAddress,
    /// What it told.
    pub told: HistoryTold,
}

/// What a server told, by what it was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HistoryTold {
    /// The devices of a Node at several times, the oldest first.
    Node(Vec<(Time, Vec<DeviceReading>)>),
    /// The devices of a Job's pods.
    Job(DeviceSeconds),
}

/// Seconds of devices, one for each device and second.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DeviceSeconds {
    /// For so long pods had devices.
    pub held: i64,
    /// For so long these were busy.
    pub busy: i64,
}
