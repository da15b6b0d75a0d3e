//! `batchtop starts [POD|JOB]`: where the time of starts went, once.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::ExitCode;

use super::failure::{EXIT_CLUSTER, EXIT_INTERRUPTED, Failure};
use super::{commands, snapshot};
use crate::app::App;
use crate::cli::{Cli, StartFormat, Starts};
use crate::export::{self, ColdStart, Image, Phase, StartReport};
use crate::fleet::{Kind, PodRow, SourceId};
use crate::insight::cold_start::{self, GangStart};
use crate::insight::relation;
use crate::units::duration;
use crate::view;

/// As many names are offered in place of one that no start has.
const NAMES_OFFERED: usize = 3;

/// Width of the time axis, in cells.
const AXIS: usize = 40;

/// Runs the command.
pub fn run(cli: &Cli, args: &Starts) -> Result<ExitCode, Failure> {
    let timeout = snapshot::parse_timeout(&args.timeout)?;
    let Some(app) = snapshot::read(cli, timeout)? else { return Ok(ExitCode::from(EXIT_INTERRUPTED)) };
    essential(&app)?;
    let report = report(&app, args.name.as_deref())?;
    match args.output {
        Some(StartFormat::Json) => commands::print(&(snapshot::json(&report)? + "\n")),
        None => commands::print_lines([text(&report), gang(&app, &report)].concat().trim_end()),
    }
}

/// Without pods there is nothing to tell.
fn essential(app: &App) -> Result<(), Failure> {
    let pods = SourceId::Kind(Kind::Pod);
    if snapshot::is_complete(app, pods) {
        return Ok(());
    }
    let hint = "batchtop rbac viewer prints the permissions that it needs";
    Err(Failure { message: snapshot::sentence(app, pods), hint: hint.into(), code: EXIT_CLUSTER })
}

fn report(app: &App, name: Option<&str>) -> Result<StartReport, Failure> {
    let Some(name) = name else { return Ok(export::start_report(app, |_| true)) };
    let report = export::start_report(app, |pod| is_of(pod, name));
    if report.cold_starts.is_empty() { Err(unknown(app, name)) } else { Ok(report) }
}

/// Whether a pod, or the Job that controls it, has this name: alone or as `namespace/name`.
fn is_of(pod: &PodRow, name: &str) -> bool {
    let (namespace, name) = name.split_once('/').map_or((None, name), |(namespace, name)| (Some(namespace), name));
    let is_named = pod.meta.key.name == *name || relation::job_name(pod).is_some_and(|job| *job == *name);
    is_named && namespace.is_none_or(|namespace| pod.meta.key.namespace == *namespace)
}

fn unknown(app: &App, name: &str) -> Failure {
    let starts = export::start_report(app, |_| true).cold_starts;
    let names = starts.iter().flat_map(|start| [Some(&start.pod), start.job.as_ref()]).flatten();
    let names: Vec<&str> = names.map(|name| &*name.0).collect::<BTreeSet<&str>>().into_iter().collect();
    let near = crate::units::spelling::nearest(name, &names, NAMES_OFFERED);
    let hint = if near.is_empty() {
        "the starts of finished pods are known while the pods exist, those of DaemonSets are not told".to_owned()
    } else {
        format!("the nearest: {}", near.join(", "))
    };
    Failure::usage(format!("no start is known of a pod or Job {name:?}"), hint)
}

fn text(report: &StartReport) -> String {
    if report.cold_starts.is_empty() {
        return "no starts are known".to_owned();
    }
    report.cold_starts.iter().map(waterfall).collect::<Vec<String>>().join("\n")
}

/// What the pods of one Job make together, where there are several; nothing where the report is on others, too.
fn gang(app: &App, report: &StartReport) -> String {
    let Some(first) = report.cold_starts.first() else { return String::new() };
    let Some(job) = &first.job else { return String::new() };
    let is_of_job = |start: &ColdStart| (&start.namespace, &start.job) == (&first.namespace, &first.job);
    if report.cold_starts.len() < 2 || !report.cold_starts.iter().all(is_of_job) {
        return String::new();
    }
    let is_told = |start: &&cold_start::ColdStart| report.cold_starts.iter().any(|told| told.uid.0 == start.uid);
    let starts: Vec<&cold_start::ColdStart> = app.insights.starts.all().filter(is_told).collect();
    let Some(gang) = GangStart::of(&starts, app.now) else { return String::new() };
    let mut text = format!("\nJob {}: {} pods, the slowest {}", job.0, gang.pods, gang.slowest.name);
    if gang.open > 0 {
        let _ = write!(text, ", {} still starting", gang.open);
    }
    text.extend(gang.skew_seconds.map(|skew| format!(", ready within {}", length(skew))));
    let paid = app.insights.picture.gang_start_cost(&app.fleet, &starts, app.now);
    let until = if gang.open > 0 { "so far" } else { "before the last was ready" };
    text.extend(paid.map(|usd| format!(", {} {until}", view::amount(usd))));
    text.push('\n');
    for phase in &gang.phases {
        let seconds = |seconds: u64| length(i64::try_from(seconds).unwrap_or(i64::MAX));
        let (median, most) = (seconds(phase.median_seconds), seconds(phase.max_seconds));
        let _ = writeln!(text, "  {:<18} median {median:>8}, at most {most}", phase.name.name());
    }
    text
}

/// One start: a headline, a line for each step on a common axis, then what else is known.
fn waterfall(start: &ColdStart) -> String {
    let mut text = format!("{}/{}  {}", start.namespace.0, start.pod.0, length(start.total_seconds));
    let until = if start.open_phase.is_some() { "so far" } else { "before it was ready" };
    let paid = start.usd_waiting.map(|usd| format!("  {} {until}", view::amount(usd.0)));
    text.push_str(&paid.unwrap_or_default());
    let notes = [
        (start.open_phase.is_some(), "still starting"),
        (start.restarted, "restarted since"),
        (!start.complete, "incomplete: not every step was observed"),
    ];
    let notes: Vec<&str> = notes.into_iter().filter(|(is_so, _)| *is_so).map(|(_, words)| words).collect();
    if !notes.is_empty() {
        let _ = write!(text, "  ({})", notes.join("; "));
    }
    text.push('\n');
    let _ = writeln!(text, "  {}", place(start));
    start.phases.iter().for_each(|phase| line(&mut text, start, phase));
    start.images.iter().for_each(|image| {
        let _ = writeln!(text, "  image {}: {}", image.name.0, image_words(image));
    });
    text.push_str(&launch_failures(start).unwrap_or_default());
    if let Some(cause) = &start.cause {
        let since = cause.since.map(|since| format!(" since {}", since.0)).unwrap_or_default();
        let _ = writeln!(text, "  waits{since}: {} ({}/{})", cause.message.0, cause.object.kind.0, cause.object.name.0);
    }
    text
}

/// How many launches failed, and how the last one did: all words of the cloud are in the JSON.
fn launch_failures(start: &ColdStart) -> Option<String> {
    let (first, last) = (start.launch_failures.first()?, start.launch_failures.last()?);
    let count = start.launch_failures.len();
    let launches = if count == 1 { "launch" } else { "launches" };
    let (name, why) = (&last.node_claim.0, word(&last.reason));
    Some(format!("  {count} {launches} failed since {}, the last of NodeClaim {name}: {why}\n", first.at.0))
}

/// Job, Node, instance type, zone and NodePool, as far as they are known.
fn place(start: &ColdStart) -> String {
    let named = [
        ("Job ", &start.job),
        ("Node ", &start.node),
        ("", &start.instance_type),
        ("", &start.zone),
        ("NodePool ", &start.node_pool),
    ];
    let known = named.into_iter().filter_map(|(kind, name)| Some(format!("{kind}{}", name.as_ref()?.0)));
    let known: Vec<String> = known.collect();
    if known.is_empty() { "no Node yet".to_owned() } else { known.join(" · ") }
}

fn line(text: &mut String, start: &ColdStart, phase: &Phase) {
    let begin = start.phases.first().map_or(phase.start.0, |first| first.start.0);
    let from = cells(phase.start.0.seconds_since(begin), start.total_seconds);
    let width = cells(phase.seconds, start.total_seconds).max(usize::from(phase.seconds > 0)).min(AXIS - from);
    let bar = format!("{}{}", " ".repeat(from), "█".repeat(width));
    let open = if phase.end.is_none() { " …" } else { "" };
    let _ = writeln!(text, "  {:<18} {:>8}  {bar}{open}", word(&phase.name), length(phase.seconds));
}

/// A time on the axis, in cells; its last one at most.
fn cells(seconds: i64, total_seconds: i64) -> usize {
    let cells = i64::try_from(AXIS).unwrap_or(0).saturating_mul(seconds.max(0)) / total_seconds.max(1);
    usize::try_from(cells).unwrap_or(0).min(AXIS - 1)
}

fn image_words(image: &Image) -> String {
    let mut words = Vec::new();
    match image.cached {
        Some(true) => words.push("was on the Node".to_owned()),
        Some(false) => words.push(image.pull_seconds.map_or_else(
            || "being pulled".to_owned(),
            |pull| format!("pulled in {}", duration::format_compact(whole(pull.0))),
        )),
        None => words.push("not known how it came to the Node".to_owned()),
    }
    let waited = image.wait_seconds.map(|wait| whole(wait.0)).filter(|seconds| *seconds > 0);
    words.extend(waited.map(|seconds| format!("waited {} for other pulls", duration::format_compact(seconds))));
    words.extend(image.bytes.map(|bytes| format!("{} MB", bytes / 1_000_000)));
    if image.failures > 0 {
        let error = image.error.as_ref().map_or("", |error| &error.0);
        words.push(format!("{} failed: {error}", image.failures));
    }
    words.join(", ")
}

fn whole(millis: u64) -> i64 {
    i64::try_from(millis / 1_000).unwrap_or(i64::MAX)
}

fn length(seconds: i64) -> String {
    duration::format_compact(seconds)
}

/// As the JSON writes it.
fn word(word: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(word).unwrap_or_default();
    value.as_str().unwrap_or("?").to_owned()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn demo() -> App {
        let cli = Cli::try_parse_from(["batchtop", "--demo", "starts"]).expect("parses");
        snapshot::read(&cli, std::time::Duration::from_mins(1)).ok().flatten().expect("the demo")
    }

    #[test]
    fn starts_that_go_on_come_first_and_each_has_a_line_for_every_step() {
        let report = report(&demo(), None).expect("starts");
        let starts = &report.cold_starts;
        assert!(starts.len() > 10 && starts.is_sorted_by_key(|start| start.open_phase.is_none()), "{}", starts.len());
        for start in starts {
            let text = waterfall(start);
            let steps = text
                .lines()
                .filter(|line| start.phases.iter().any(|step| line.trim_start().starts_with(&word(&step.name))));
            assert_eq!(steps.count(), start.phases.len(), "{text}");
            assert_eq!(start.phases.iter().map(|step| step.seconds).sum::<i64>(), start.total_seconds, "{text}");
            assert_eq!(text.contains("failed since"), !start.launch_failures.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_pod_and_a_job_are_found_by_name_and_an_unknown_one_is_answered_with_the_nearest() {
        let app = demo();
        let all = report(&app, None).expect("starts").cold_starts;
        let of_job = all.iter().find(|start| start.job.is_some()).expect("a pod of a Job");
        let (pod, job) = (&*of_job.pod.0, &*of_job.job.as_ref().expect("a Job").0);
        let named =
            |name: &str| report(&app, Some(name)).map(|report| report.cold_starts).map_err(|failure| failure.message);
        assert_eq!(named(pod).map(|starts| starts.len()), Ok(1));
        assert_eq!(named(&format!("{}/{pod}", of_job.namespace.0)).map(|starts| starts.len()), Ok(1));
        let want = all.iter().filter(|start| start.job == of_job.job).count();
        assert_eq!(named(job).map(|starts| starts.len()), Ok(want));
        let failure = report(&app, Some(&format!("{pod}x"))).expect_err("no such pod");
        assert!(failure.message.contains(pod) && failure.hint.contains(pod), "{failure}");
        assert_eq!(failure.hint.matches(pod).count(), 1, "{failure}");
        assert!(named(&format!("elsewhere/{pod}")).is_err());
    }
}
