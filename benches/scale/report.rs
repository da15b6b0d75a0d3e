//! Figures as tables in Markdown, with the budgets beside them.

use std::fmt::Write;

use super::figures::{Figures, Growth, Latency, RivalFigures};

/// Up to this many pods the budgets of a small fleet hold.
const SMALL_FLEET_PODS: usize = 10_000;

/// Budgets that depend on the size of the fleet.
struct Budgets {
    resident_mib: u32,
    peak_mib: Option<u32>,
    churn_key_p99_ms: u32,
}

const SMALL_FLEET: Budgets = Budgets { resident_mib: 40, peak_mib: None, churn_key_p99_ms: 8 };
const LARGE_FLEET: Budgets = Budgets { resident_mib: 96, peak_mib: Some(128), churn_key_p99_ms: 16 };

/// All tables.
pub fn tables(figures: &Figures) -> String {
    let mut out = heading(figures);
    let rows: Vec<[String; 3]> = start(figures).into_iter().chain(steady(figures)).collect();
    table(&mut out, ["what", "measured", "budget"], &rows);
    if !figures.growth.is_empty() {
        out.push_str("\nUntil everything is on the screen, by the number of pods:\n\n");
        let rows: Vec<[String; 4]> = figures.growth.iter().map(growth).collect();
        table(&mut out, ["pods", "time", "processor", "resident memory"], &rows);
    }
    if !figures.rivals.is_empty() {
        out.push_str("\nOthers until the number of all pods (eks-node-viewer: Nodes) was on their screens:\n\n");
        let rows: Vec<[String; 5]> = figures.rivals.iter().map(rival).collect();
        table(&mut out, ["program", "time", "processor", "resident memory; most ever", "idle, of one core"], &rows);
    }
    out
}

fn heading(figures: &Figures) -> String {
    format!(
        "{} nodes and {} pods of {:.1} KB on a real API server over loopback; batchtop {}, Kubernetes {}; {}, API server and \
         load on the same machine. Medians of {} rounds.\n\n",
        grouped(figures.nodes),
        grouped(figures.pods),
        figures.pod_bytes as f64 / 1000.0,
        figures.batchtop_version,
        figures.kubernetes_version.trim_start_matches('v'),
        figures.machine,
        figures.rounds,
    )
}

fn table<const COLUMNS: usize>(out: &mut String, header: [&str; COLUMNS], rows: &[[String; COLUMNS]]) {
    let _ = writeln!(out, "| {} |\n|{}", header.join(" | "), "---|".repeat(COLUMNS));
    for row in rows {
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
}

/// Rows of the initial sync.
fn start(figures: &Figures) -> Vec<[String; 3]> {
    let (complete, discarding, budgets) = (figures.complete, figures.discarding, budgets(figures.pods));
    let times = |value: f64, of: f64| value / of.max(f64::MIN_POSITIVE);
    let resident = format!("{}; {}", mib(complete.resident_mib), mib(figures.peak_mib));
    let memory = match budgets.peak_mib {
        Some(peak) => format!("{}; {peak} MiB", budgets.resident_mib),
        None => format!("{} MiB", budgets.resident_mib),
    };
    vec![
        row("`batchtop --help`", millis(figures.help_ms), "15 ms"),
        row("first paint", millis(complete.first_paint_ms), "50 ms"),
        row("all Nodes on screen", seconds(complete.nodes_seconds), "before pods"),
        row(
            "everything on screen",
            format!(
                "{}, {:.2} × a client that only downloads JSON and discards it",
                seconds(complete.seconds),
                times(complete.seconds, discarding.seconds)
            ),
            "1.1 ×",
        ),
        row(
            "processor until then",
            format!(
                "{}, {:.2} × the discarding client (the API server: {})",
                seconds(complete.processor_seconds),
                times(complete.processor_seconds, discarding.processor_seconds),
                seconds(complete.server_processor_seconds)
            ),
            "1.3 ×",
        ),
        row("received until then", format!("{:.1} MB", complete.received_megabytes), ""),
        row("resident memory then; most ever", resident, &memory),
    ]
}

/// Rows of the time after the initial sync.
fn steady(figures: &Figures) -> Vec<[String; 3]> {
    let mut rows = vec![row("processor while nothing changes", percent(figures.idle_percent), "0.2 %")];
    for churn in &figures.churns {
        let budget = if churn.asked == 200 { "3 %" } else { "" };
        rows.push(row(
            &format!("processor at {:.0} updates/s", churn.delivered),
            percent(churn.processor_percent),
            budget,
        ));
    }
    let under_churn = format!("key press to screen, {:.0} updates/s", figures.keys_churn_rate);
    let churn_budget = format!("median 4 ms, p99 {} ms", budgets(figures.pods).churn_key_p99_ms);
    rows.push(row("key press to screen, nothing changes", latency(figures.keys_idle), "median 4 ms, max 8 ms"));
    rows.push(row(&under_churn, latency(figures.keys_churn), &churn_budget));
    rows.push(row("filter typed and entered, to its rows", latency(figures.filter), "50 ms"));
    rows
}

fn growth(growth: &Growth) -> [String; 4] {
    [grouped(growth.pods), seconds(growth.seconds), seconds(growth.processor_seconds), mib(growth.resident_mib)]
}

fn rival(rival: &RivalFigures) -> [String; 5] {
    let stopped = || rival.stopped.clone().unwrap_or_else(|| "never".to_owned());
    [
        rival.name.clone(),
        rival.seconds.map_or_else(stopped, seconds),
        seconds(rival.processor_seconds),
        format!("{}; {}", mib(rival.resident_mib), mib(rival.peak_mib)),
        rival.idle_percent.map_or_else(String::new, percent),
    ]
}

fn budgets(pods: usize) -> Budgets {
    if pods <= SMALL_FLEET_PODS { SMALL_FLEET } else { LARGE_FLEET }
}

fn row(what: &str, measured: String, budget: &str) -> [String; 3] {
    [what.to_owned(), measured, budget.to_owned()]
}

fn latency(latency: Latency) -> String {
    let Latency { median_ms, p99_ms, max_ms, count } = latency;
    format!("median {}, p99 {}, max {} ({count} times)", millis(median_ms), millis(p99_ms), millis(max_ms))
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.2} s")
}

fn millis(milliseconds: f64) -> String {
    format!("{milliseconds:.1} ms")
}

fn percent(percent: f64) -> String {
    format!("{percent:.1} %")
}

fn mib(mib: f64) -> String {
    format!("{mib:.1} MiB")
}

/// A number as batchtop writes it: `10,000`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    String::from_utf8_lossy(&groups.join(&b","[..])).into_owned()
}
