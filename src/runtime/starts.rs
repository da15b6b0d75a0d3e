//! `batchtop starts [POD|JOB]`: where the time of starts went, once.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::ExitCode;

use super::failure::{EXIT_INTERRUPTED, Failure};
use super::{commands, snapshot};
use crate::app::App;
use crate::cli::{Cli, StartFormat, Starts};
use crate::export::{self, StartReport};
use crate::fleet::{Kind, ObjectKey, PodRow};
use crate::insight::cold_start::ColdStart;
use crate::insight::relation;
use crate::view;

/// Width of the time axis, in cells.
const AXIS: usize = 40;

/// Runs the command.
pub fn run(cli: &Cli, args: &Starts) -> Result<ExitCode, Failure> {
    let timeout = snapshot::parse_timeout(&args.timeout)?;
    let Some(app) = snapshot::read(cli, timeout)? else { return Ok(ExitCode::from(EXIT_INTERRUPTED)) };
    snapshot::require(&app, &[Kind::Pod], "batchtop rbac viewer")?;
    let report = report(&app, args.name.as_deref())?;
    match args.output {
        Some(StartFormat::Json) => commands::print(&(snapshot::json(&report)? + "\n")),
        None => commands::print_lines([text(&app, &report), gang(&app, &report)].concat().trim_end()),
    }
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
    let none = "the starts of finished pods are known while the pods exist, those of DaemonSets are not told";
    Failure::unknown_name(format!("no start is known of a pod or Job {name:?}"), name, &names, none)
}

fn text(app: &App, report: &StartReport) -> String {
    if report.cold_starts.is_empty() {
        return "no starts are known".to_owned();
    }
    told(app, report).into_iter().map(|start| waterfall(app, start)).collect::<Vec<String>>().join("\n")
}

/// The starts of a report, in its order.
fn told<'a>(app: &'a App, report: &StartReport) -> Vec<&'a ColdStart> {
    let key = |start: &export::ColdStart| ObjectKey::new(&start.namespace.0, &start.pod.0);
    report.cold_starts.iter().filter_map(|start| app.insights.starts.of_pod(&key(start))).collect()
}

/// What the pods of one Job make together, where there are several; nothing where the report is on others, too.
fn gang(app: &App, report: &StartReport) -> String {
    let starts = told(app, report);
    let Some(job) = starts.first().and_then(|start| start.job.as_ref()) else { return String::new() };
    let is_of_job =
        |start: &&ColdStart| start.job.as_ref() == Some(job) && start.pod.namespace == starts[0].pod.namespace;
    if starts.len() < 2 || !starts.iter().all(is_of_job) {
        return String::new();
    }
    let lines = view::start_lines::of_gang(app, &starts);
    format!("\nJob {job}\n{}", indented(&lines))
}

/// One start: its name, then the lines that the details show, too.
fn waterfall(app: &App, start: &ColdStart) -> String {
    let named = [("Job ", &start.job), ("Node ", &start.node)];
    let of = named.into_iter().filter_map(|(kind, name)| Some(format!("  {kind}{}", name.as_ref()?)));
    let of: String = of.collect();
    format!("{}{of}\n{}", start.pod, indented(&view::start_lines::of(app, start, AXIS)))
}

fn indented(lines: &[view::Line]) -> String {
    lines.iter().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "  {}", line.text().trim_end());
        text
    })
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
        let app = demo();
        let report = report(&app, None).expect("starts");
        let starts = &report.cold_starts;
        assert!(starts.len() > 10 && starts.is_sorted_by_key(|start| start.open_phase.is_none()), "{}", starts.len());
        for (start, told) in starts.iter().zip(told(&app, &report)) {
            let text = waterfall(&app, told);
            let steps = text
                .lines()
                .filter(|line| told.phases.iter().any(|step| line.trim_start().starts_with(step.name.name())));
            assert_eq!((steps.count(), told.phases.len()), (start.phases.len(), start.phases.len()), "{text}");
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
