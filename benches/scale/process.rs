//! Process and machine statistics of Linux.

use std::fs;
use std::time::Duration;

use crate::bed::{Context, Result};

/// Units of `/proc/PID/stat`; Linux shows these to user space whatever the kernel's own tick is (`USER_HZ`).
const TICKS_PER_SECOND: u32 = 100;

/// Processor time that a process has used: user and system, all threads.
pub fn processor(id: u32) -> Result<Duration> {
    let path = format!("/proc/{id}/stat");
    let text = fs::read_to_string(&path).context(&path)?;
    // The second field is a name in parentheses, which may hold spaces.
    let (_, rest) = text.rsplit_once(')').context(&path)?;
    // Fields 14 and 15 of the whole line.
    let ticks: u32 = rest.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
    Ok(Duration::from_secs(1) * ticks / TICKS_PER_SECOND)
}

/// Memory of a process.
#[derive(Clone, Copy)]
pub struct Memory {
    /// Resident now, KiB.
    pub resident_kib: u64,
    /// The most that ever was, KiB.
    pub peak_kib: u64,
}

/// Memory of a process now.
pub fn memory(id: u32) -> Result<Memory> {
    let path = format!("/proc/{id}/status");
    let text = fs::read_to_string(&path).context(&path)?;
    let field = |name| number_after(&text, name).context(format!("{path}: {name}"));
    Ok(Memory { resident_kib: field("VmRSS:")?, peak_kib: field("VmHWM:")? })
}

/// Memory of this machine that is not in use, MiB.
pub fn available_mib() -> f64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    number_after(&text, "MemAvailable:").unwrap_or_default() as f64 / 1024.0
}

/// Memory of this machine, MiB.
pub fn total_mib() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    number_after(&text, "MemTotal:").unwrap_or_default() / 1024
}

/// Cores, processor and memory of this machine as text.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model);
    format!("{cores} cores of {model}, {} GiB", total_mib() >> 10)
}

/// Load averages of the machine.
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

fn number_after(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
