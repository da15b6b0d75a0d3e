//! What runs on Nodes uses of their CPU and memory, as it is measured.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::Sym;
use crate::units::Time;

/// What a Node uses, from its NodeMetrics (`metrics.k8s.io`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// CPU, in thousandths of a core, as the mean over some seconds before `at`.
    pub cpu_millis: i64,
    /// Memory that cannot be given to others (working set).
    pub memory_bytes: i64,
    /// When it was measured.
    pub at: Time,
}

/// The usage of Nodes, by name.
pub type NodeUsage = HashMap<Sym, Usage, RandomState>;
