//! `batchtop gpus`: what the accelerators do, the worst first, once.

mod condition;

use std::fmt::Write as _;
use std::process::ExitCode;

use condition::{Condition, Outcome};

use super::failure::{EXIT_FAILED, EXIT_INTERRUPTED, Failure};
use super::{commands, snapshot};
use crate::cli::{Cli, GpuFormat, Gpus};
use crate::export::{self, Gpu, GpuReport, Node, Usd};
use crate::fleet::Kind;
use crate::view;

/// Runs the command.
pub fn run(cli: &Cli, args: &Gpus) -> Result<ExitCode, Failure> {
    let conditions = args.fail_on.iter().map(|text| parse(text)).collect::<Result<Vec<_>, _>>()?;
    let timeout = snapshot::parse_timeout(&args.timeout)?;
    let Some(app) = snapshot::read(cli, timeout)? else { return Ok(ExitCode::from(EXIT_INTERRUPTED)) };
    snapshot::require(&app, &[Kind::Node, Kind::Pod], "batchtop rbac viewer --with-gpu-metrics")?;
    let report = export::gpu_report(&app);
    match args.output {
        Some(GpuFormat::Json) => commands::print(&(snapshot::json(&report)? + "\n"))?,
        Some(GpuFormat::Wide) => commands::print_lines(&text(&report, WIDE))?,
        None => commands::print_lines(&text(&report, NARROW))?,
    };
    verdict(args, &conditions, &report)
}

fn parse(text: &str) -> Result<Condition, Failure> {
    let hint = "write --fail-on 'idle>$50' for dollars per hour, or 'rogue>0' for devices";
    Condition::parse(text).map_err(|why| Failure::usage(format!("--fail-on {text:?}: {why}"), hint))
}

/// Says which limits are passed, or cannot be checked; each is a failure.
fn verdict(args: &Gpus, conditions: &[Condition], report: &GpuReport) -> Result<ExitCode, Failure> {
    let mut complaints = Vec::new();
    for (text, condition) in args.fail_on.iter().zip(conditions) {
        match condition.check(report) {
            Outcome::Within => {}
            Outcome::Beyond => complaints.push(format!("{text} is the case")),
            Outcome::Unknown => complaints.push(format!("{text} cannot be checked: it is not known")),
        }
    }
    if complaints.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure { message: complaints.join("; "), hint: String::new(), code: EXIT_FAILED })
}

/// A column: its title and its cells. Numbers stand to the right.
struct Column {
    title: &'static str,
    is_number: bool,
    cell: fn(&Node, &Gpu) -> String,
}

const fn words(title: &'static str, cell: fn(&Node, &Gpu) -> String) -> Column {
    Column { title, is_number: false, cell }
}

const fn number(title: &'static str, cell: fn(&Node, &Gpu) -> String) -> Column {
    Column { title, is_number: true, cell }
}

const UNKNOWN: &str = "?";
const NONE: &str = "-";

const NARROW: &[Column] = &[
    words("NODE", |node, _| node.name.0.to_string()),
    words("TYPE", |node, _| maybe(node.instance_type.as_ref().map(|name| name.0.to_string()))),
    number("GPU", requested),
    number("BUSY", busy),
    words("CLASS", |_, gpu| word(&gpu.class)),
    words("KARPENTER", |node, gpu| mark(gpu) + &word(&node.disruption.verdict)),
    number("$/H", |node, _| usd(node.cost.usd_per_hour)),
    number("WASTED $/H", wasted),
];

const WIDE: &[Column] = &[
    words("NODE", |node, _| node.name.0.to_string()),
    words("POOL", |node, _| maybe(node.node_pool.as_ref().map(|name| name.0.to_string()))),
    words("TYPE", |node, _| maybe(node.instance_type.as_ref().map(|name| name.0.to_string()))),
    words("MODEL", |_, gpu| maybe(gpu.model.as_ref().map(|name| name.0.to_string()))),
    number("GPU", requested),
    number("BUSY", busy),
    number("MEMORY", memory),
    words("CLASS", |_, gpu| word(&gpu.class)),
    words("KARPENTER", |node, gpu| mark(gpu) + &word(&node.disruption.verdict)),
    number("$/H", |node, _| usd(node.cost.usd_per_hour)),
    number("IDLE $/H", |_, gpu| usd(gpu.idle_usd_per_hour)),
    number("FREE $/H", |_, gpu| usd(gpu.unallocated_usd_per_hour)),
    words("EXPORTER", |_, gpu| word(&gpu.exporter.state)),
    words("WHY", |_, gpu| gpu.disagreement.clone().unwrap_or_else(|| gpu.class_reason.clone())),
];

/// A lower bound where it is not known whether requested devices do nothing.
fn wasted(node: &Node, gpu: &Gpu) -> String {
    match node.wasted_on_gpus().filter(|wasted| *wasted > 0 || gpu.idle_usd_per_hour.is_some()) {
        Some(wasted) if gpu.idle_usd_per_hour.is_none() => format!("≥{}", usd(Some(Usd(wasted)))),
        known => usd(known.map(Usd)),
    }
}

fn maybe(text: Option<String>) -> String {
    text.unwrap_or_else(|| NONE.to_owned())
}

/// As the JSON writes it.
fn word(word: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(word).unwrap_or_default();
    value.as_str().unwrap_or(UNKNOWN).to_owned()
}

fn mark(gpu: &Gpu) -> String {
    if gpu.disagrees == Some(true) { "≠ ".to_owned() } else { String::new() }
}

fn requested(_: &Node, gpu: &Gpu) -> String {
    let requested = gpu.requested.map_or_else(|| UNKNOWN.to_owned(), |requested| requested.to_string());
    format!("{requested}/{}", gpu.advertised)
}

fn busy(_: &Node, gpu: &Gpu) -> String {
    let percent = gpu.utilization_percent.map(|percent| format!("{}%", percent.0.whole_percent()));
    match (percent, gpu.requested) {
        // Of devices that nobody has requested only their use is worth a number.
        (_, Some(0)) if !gpu.class.is_working() => NONE.to_owned(),
        (Some(percent), _) => percent,
        (None, _) => UNKNOWN.to_owned(),
    }
}

fn memory(_: &Node, gpu: &Gpu) -> String {
    let (Some(used), Some(total)) = (gpu.memory_used_bytes, gpu.memory_total_bytes) else { return UNKNOWN.to_owned() };
    let gib = |bytes: u64| bytes >> 30;
    format!("{}/{}Gi", gib(used), gib(total))
}

fn usd(rate: Option<Usd>) -> String {
    rate.map_or_else(|| UNKNOWN.to_owned(), |rate| view::rate_in_column(rate.0))
}

/// The table, and the sums below it.
fn text(report: &GpuReport, columns: &[Column]) -> String {
    let with_gpus: Vec<(&Node, &Gpu)> =
        report.nodes.iter().filter_map(|node| Some((node, node.gpu.as_ref()?))).collect();
    let mut lines: Vec<Vec<String>> = vec![columns.iter().map(|column| column.title.to_owned()).collect()];
    lines.extend(with_gpus.iter().map(|(node, gpu)| columns.iter().map(|column| (column.cell)(node, gpu)).collect()));
    let width = |at: usize| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(columns).zip(&widths).map(|((cell, column), width)| {
            if column.is_number { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        let _ = writeln!(text, "{}", cells.collect::<Vec<String>>().join("  ").trim_end());
    }
    let _ = write!(text, "\n{}", sums(report));
    text
}

fn rate(rate: Option<Usd>) -> String {
    rate.map_or_else(|| format!("${UNKNOWN}/h"), |rate| view::rate(rate.0))
}

fn sums(report: &GpuReport) -> String {
    let gpu = &report.totals.gpu;
    let count = |count: Option<i64>| count.map_or_else(|| UNKNOWN.to_owned(), |count| count.to_string());
    let classes = [
        ("busy", gpu.busy),
        ("idle", gpu.idle),
        ("parked", gpu.parked),
        ("rogue", gpu.rogue),
        ("stranded", gpu.stranded),
        ("unallocated", gpu.unallocated),
        ("unknown", gpu.unknown),
    ];
    let classes: Vec<String> = classes
        .into_iter()
        .filter(|(_, of)| *of != Some(0))
        .map(|(name, of)| format!("{} {name}", count(of)))
        .collect();
    let cost = &report.totals.cost;
    format!(
        "{} physical devices: {}\nidle {}, not requested {}\n",
        count(gpu.physical),
        classes.join(", "),
        rate(cost.idle_gpu_usd_per_hour),
        rate(cost.unallocated_gpu_usd_per_hour),
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn gpus(more: &[&str]) -> Result<ExitCode, Failure> {
        let cli = Cli::try_parse_from([&["batchtop", "--demo", "gpus"], more].concat()).expect("parses");
        let Some(crate::cli::Command::Gpus(args)) = &cli.command else { panic!("another command") };
        run(&cli, args)
    }

    #[test]
    fn a_limit_that_is_passed_is_a_failure_with_its_words() {
        let failed = |limit: &str| gpus(&["--fail-on", limit]).err().map(|failure| (failure.message, failure.code));
        assert_eq!(failed("unallocated>$1"), Some(("unallocated>$1 is the case".to_owned(), EXIT_FAILED)));
        assert_eq!(failed("idle>$1000000"), None);
    }

    #[test]
    fn the_report_names_every_node_once_the_worst_first() {
        let cli = Cli::try_parse_from(["batchtop", "--demo", "gpus"]).expect("parses");
        let app = snapshot::read(&cli, std::time::Duration::from_mins(1)).ok().flatten().expect("the demo");
        let report = export::gpu_report(&app);
        let wasted: Vec<i64> = report.nodes.iter().map(|node| node.wasted_on_gpus().unwrap_or(0)).collect();
        assert!(wasted.len() > 10 && wasted.is_sorted_by(|a, b| a >= b), "{wasted:?}");
        let (narrow, wide) = (text(&report, NARROW), text(&report, WIDE));
        for node in &report.nodes {
            assert_eq!(narrow.matches(&*node.name.0).count(), 1, "{narrow}");
        }
        assert!(wide.contains("Karpenter: ") && narrow.contains("≠ "), "{wide}");
    }
}
