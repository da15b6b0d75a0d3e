//! The figures as a table in Markdown.

use std::fmt::Write;
use std::time::Duration;

use crate::measure::{Churn, Figures, Sync};
use crate::process;

/// The budget for memory holds for this many pods.
const BUDGETED_PODS: usize = 10_000;

const MIB: f64 = (1 << 20) as f64;

/// The table, with the budgets beside what was measured.
pub fn table(figures: &Figures) -> String {
    let mut out = heading(figures);
    for [what, measured, budget] in start(figures).into_iter().chain(steady(figures)) {
        let _ = writeln!(out, "| {what} | {measured} | {budget} |");
    }
    out
}

fn heading(figures: &Figures) -> String {
    let size = figures.size;
    format!(
        "{} nodes, {} pods of {:.1} KB; batchtop {}, Kubernetes {}; {}.\nLoad before: {}. Medians of {} rounds.\n\n\
         | what | measured | budget |\n|---|---|---|\n",
        size.nodes,
        size.pods,
        figures.pod_bytes as f64 / 1000.0,
        env!("CARGO_PKG_VERSION"),
        figures.kubernetes,
        process::machine(),
        figures.load_before,
        figures.syncs.len(),
    )
}

/// Rows of the initial sync.
fn start(figures: &Figures) -> Vec<[String; 3]> {
    let median = |of: fn(&Sync) -> Duration| median(figures.syncs.iter().map(of));
    let wall = self::median(figures.discarded.iter().map(|client| client.wall));
    let processor = self::median(figures.discarded.iter().map(|client| client.processor));
    let complete = median(|sync| sync.complete);
    let times = |time: Duration, of: Duration| format!("{} ({:.2} ×)", seconds(time), ratio(time, of));
    let resident = middle(figures.syncs.iter().map(|sync| sync.memory.resident_kib)).unwrap_or_default();
    let received = middle(figures.syncs.iter().map(|sync| sync.received)).unwrap_or_default();
    let memory_budget = if figures.size.pods <= BUDGETED_PODS { "48 MiB" } else { "200 MiB" };
    vec![
        row("`batchtop --help`", millis(self::median(figures.help.iter().copied())), "15 ms"),
        row("first paint", millis(median(|sync| sync.first_paint)), "150 ms"),
        row("all Nodes on screen", seconds(median(|sync| sync.nodes)), "before pods"),
        row("client that downloads and discards: wall", seconds(wall), ""),
        row("… processor", seconds(processor), ""),
        row("everything on screen: wall", times(complete, wall), "1.5 ×"),
        row("… processor", times(median(|sync| sync.processor), processor), ""),
        row("… processor of the API server", seconds(median(|sync| sync.server)), ""),
        row("… bytes received", format!("{:.1} MB", received as f64 / 1e6), ""),
        row("… resident memory", mib(resident), memory_budget),
        row("peak memory of the whole run", mib(figures.memory.peak_kib), ""),
    ]
}

/// Rows of the time after the initial sync.
fn steady(figures: &Figures) -> Vec<[String; 3]> {
    let mut rows = vec![row("processor, nothing changes", percent(figures.idle_share), "0.5 %")];
    rows.extend(figures.churns.iter().map(churn));
    rows.push(row("resident memory at the end", mib(figures.memory.resident_kib), ""));
    rows.push(row("key press to screen, nothing changes", latencies(&figures.idle_keys), ""));
    let what = format!("key press to screen, {:.0} updates/s", figures.churn_keys_rate);
    rows.push(row(&what, latencies(&figures.churn_keys), "p99 16 ms"));
    rows
}

fn churn(churn: &Churn) -> [String; 3] {
    let what = format!("processor, {:.0} of {} updates/s delivered", churn.delivered, churn.asked);
    row(&what, percent(churn.share), if churn.asked == 200 { "5 %" } else { "" })
}

fn row(what: &str, measured: String, budget: &str) -> [String; 3] {
    [what.to_owned(), measured, budget.to_owned()]
}

fn latencies(presses: &[Duration]) -> String {
    let mut sorted = presses.to_vec();
    sorted.sort_unstable();
    let at = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    let [half, most, all] = [50, 99, 100].map(|percent| millis(at(percent).unwrap_or_default()));
    format!("median {half}, p99 {most}, max {all} ({} presses)", sorted.len())
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    middle(times).unwrap_or_default()
}

fn middle<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut sorted: Vec<T> = values.collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

fn ratio(time: Duration, of: Duration) -> f64 {
    time.as_secs_f64() / of.as_secs_f64().max(f64::MIN_POSITIVE)
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn mib(kib: u64) -> String {
    format!("{:.1} MiB", kib as f64 * 1024.0 / MIB)
}
