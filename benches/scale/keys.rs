//! Keys, and how long it takes until the screen shows what they did.

use std::thread;
use std::time::{Duration, Instant};

use crate::bed::Result;
use crate::bed::load::{self, PODS_PER_WORKLOAD};
use crate::figures::Latency;
use crate::report::grouped;
use crate::terminal::{Terminal, row_of};

/// Presses of each key.
const PRESSES: usize = 100;

const PAGE_DOWN: &str = "\x1b[6~";
const ENTER: &str = "\r";
const ESCAPE: &str = "\x1b";

/// The row of the screen, from 0, that ends in the selected row and the number of rows.
const POSITION: usize = 2;

/// Filters that are typed.
const FILTERS: usize = 20;

/// Shows the pods: nothing else has so many rows, or rows that change so often.
pub fn show_pods(terminal: &mut Terminal, pods: usize) -> Result<()> {
    terminal.send("3")?;
    wait_for_position(terminal, "the Pods screen", &format!("/{}", grouped(pods))).map(drop)
}

/// How long each press takes until the position on the screen has changed: `j` and page down in turn.
///
/// The pauses differ, so that presses do not fall in step with the frames that data causes.
pub fn press(terminal: &mut Terminal) -> Result<Latency> {
    let mut presses = Vec::with_capacity(2 * PRESSES);
    for number in 0..PRESSES {
        for (key, name) in [("j", "j"), (PAGE_DOWN, "PgDn")] {
            let before = terminal.row(POSITION);
            let pressed = Instant::now();
            terminal.send(key)?;
            let seen = terminal.wait(name, |screen| row_of(screen, POSITION) != before)?;
            presses.push(seen.duration_since(pressed));
            thread::sleep(Duration::from_millis(30 + (number as u64 * 37) % 41));
        }
    }
    Ok(latency(presses))
}

/// How long it takes from the name of a workload, typed and entered at once as a filter, to its rows.
pub fn filter(terminal: &mut Terminal, fleet: &load::Fleet) -> Result<Latency> {
    let mut filters = Vec::with_capacity(FILTERS);
    for number in 0..FILTERS {
        let Some(workload) = workload(fleet, number) else { continue };
        let typed = Instant::now();
        terminal.send(&format!("/{workload}{ENTER}"))?;
        let position = format!("/{PODS_PER_WORKLOAD} of {}", grouped(fleet.pods));
        let seen = wait_for_position(terminal, &format!("the pods of {workload}"), &position)?;
        filters.push(seen.duration_since(typed));
        terminal.send(ESCAPE)?;
        wait_for_position(terminal, "all pods again", &format!("/{}", grouped(fleet.pods)))?;
    }
    Ok(latency(filters))
}

/// The name of a workload that has all its pods: one far from that of the number before.
fn workload(fleet: &load::Fleet, number: usize) -> Option<&str> {
    let whole = fleet.running.len() / PODS_PER_WORKLOAD * PODS_PER_WORKLOAD;
    let (_, pod) = fleet.running.get(number * whole / FILTERS)?;
    pod.rsplitn(3, '-').nth(2)
}

/// Waits until the row of the position ends like this.
fn wait_for_position(terminal: &Terminal, what: &str, end: &str) -> Result<Instant> {
    terminal.wait(what, |screen| row_of(screen, POSITION).trim_end().ends_with(end))
}

/// The middle and the longest of several times.
fn latency(mut times: Vec<Duration>) -> Latency {
    times.sort_unstable();
    let at = |percent: usize| {
        let time = times.get((times.len() * percent).div_ceil(100).saturating_sub(1));
        time.map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    };
    Latency { median_ms: at(50), p99_ms: at(99), max_ms: at(100), count: times.len() }
}
