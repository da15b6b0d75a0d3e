//! Dispatches the command of the command line.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::CommandFactory;

use super::configuration::{self, Shown};
use super::failure::{EXIT_FAILED, EXIT_USAGE, Failure};
use super::options::{Options, state_folder};
use super::rbac::{self, Extra};
use super::{completion, crash, dashboard, explain, gpus, snapshot, spot, starts, themes};
use crate::cli::{Cli, Command, Config, Prices, Spot};
use crate::config;
use crate::export;
use crate::input::{Context, spell};
use crate::insight::picture;
use crate::units::text::printable_lines;

/// Runs what the command line asks for.
pub fn run(cli: &Cli) -> ExitCode {
    crash::install(crash::redactor(cli));
    match perform(cli) {
        Ok(code) => code,
        Err(failure) => {
            complain(&text(cli, &failure));
            ExitCode::from(failure.code)
        }
    }
}

/// The error message. Internal errors end up in bug reports and are redacted; others are shown as they are.
fn text(cli: &Cli, failure: &Failure) -> String {
    match failure.code {
        EXIT_FAILED => crash::redactor(cli).redact(&failure.to_string()),
        _ => failure.to_string(),
    }
}

fn perform(cli: &Cli) -> Result<ExitCode, Failure> {
    match &cli.command {
        None => dashboard::run(cli),
        Some(Command::Snapshot(args)) if args.schema => print(&schema()?),
        Some(Command::Snapshot(args)) => snapshot::run(cli, args),
        Some(Command::Gpus(args)) => gpus::run(cli, args),
        Some(Command::Starts(args)) => starts::run(cli, args),
        Some(Command::Rbac { role, with_gpu_metrics, with_logs }) => {
            let asked = [(*with_gpu_metrics, Extra::GpuMetrics), (*with_logs, Extra::Logs)];
            let extras: Vec<Extra> =
                asked.into_iter().filter(|(is_asked, _)| *is_asked).map(|(_, extra)| extra).collect();
            print(&rbac::manifest(*role, &extras))
        }
        Some(Command::Completions { shell }) => {
            let script = completion::script(*shell);
            print(&script.map_err(|error| Failure::bug(format!("there are no completions for {shell}: {error}")))?)
        }
        Some(Command::Man) => print(&man()?),
        Some(Command::Themes) => print(&themes::list(&Options::load(cli)?)),
        Some(Command::Keys) => print_lines(&keys(&Options::load(cli)?)),
        Some(Command::Prices { action: Prices::Explain { node } }) => explain::run(cli, node),
        Some(Command::Spot { action: Spot::Explain(args) }) => spot::explain(cli, args),
        Some(Command::Config { action: Config::Path }) => print_lines(&paths(cli)),
        Some(Command::Config { action: Config::Print { defaults: true, .. } }) => print(&configuration::defaults()),
        Some(Command::Config { action: Config::Print { origin, .. } }) => {
            let shown = if *origin { Shown::WithOrigin } else { Shown::Values };
            print_lines(configuration::in_force(&Options::load(cli)?, shown).trim_end())
        }
        Some(Command::Config { action: Config::Schema }) => print(&configuration::schema()?),
        Some(Command::Config { action: Config::Check }) => check(&Options::load(cli)?),
    }
}

fn schema() -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(&export::schema());
    text.map(|text| text + "\n").map_err(|error| Failure::bug(format!("the schema cannot be written: {error}")))
}

/// Writes to standard output. A closed pipe (`| head`) is not an error.
pub fn print(text: &str) -> Result<ExitCode, Failure> {
    let mut out = io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::internal(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Writes sentences that quote files or servers to standard output, without what would steer a terminal.
pub fn print_lines(text: &str) -> Result<ExitCode, Failure> {
    print(&(printable_lines(text) + "\n"))
}

/// Writes sentences to standard error, without what would steer a terminal.
pub fn complain(text: &str) {
    // If standard error is closed, they cannot be delivered.
    let _ = writeln!(io::stderr(), "{}", printable_lines(text));
}

fn man() -> Result<String, Failure> {
    let mut text = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut text)
        .map_err(|error| Failure::bug(format!("cannot render the manual page: {error}")))?;
    Ok(String::from_utf8_lossy(&text).into_owned() + &manual_of_findings())
}

/// The section of the manual page on what batchtop finds by itself.
fn manual_of_findings() -> String {
    let mut text = String::from(".SH FINDINGS\n");
    for rule in picture::rules() {
        let (id, severity) = (roff(rule.id), roff(rule.severity.name()));
        let _ = write!(text, ".TP\n\\fB{id}\\fR ({severity})\n{} To do: {}.\n", roff(rule.help), roff(rule.hint));
    }
    text
}

/// Text for a manual page; no rule begins with a dot or a quote, which alone would be special there.
fn roff(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

/// All bindings of the current keymap, by context.
fn keys(options: &Options) -> String {
    let mut text = String::new();
    for context in Context::ALL {
        let _ = writeln!(text, "{}", context.name());
        for binding in options.keymap.bindings().iter().filter(|binding| binding.context == context) {
            let _ = writeln!(text, "  {:<12} {}", spell(&binding.chords), binding.action.description());
        }
    }
    text
}

fn paths(cli: &Cli) -> String {
    let shown = |path: Option<std::path::PathBuf>| {
        path.map_or_else(|| "unknown: the home folder is not known".to_string(), |path| path.display().to_string())
    };
    let folder = config::directory();
    let file = cli.common.config.clone().or_else(|| folder.clone().map(|folder| folder.join("config.toml")));
    let in_folder = |name: &str| shown(folder.clone().map(|folder| folder.join(name)));
    let in_state = |name: &str| shown(state_folder().map(|folder| folder.join(name)));
    let files = Options::load(cli).ok().map(|options| options.files);
    let or = |places: Option<&[std::path::PathBuf]>| {
        let places: Vec<String> = places.unwrap_or_default().iter().map(|place| place.display().to_string()).collect();
        if places.is_empty() { "nowhere".to_string() } else { places.join(" or ") }
    };
    let prices = or(files.as_ref().map(|files| files.prices.places()));
    let advisor = or(files.as_ref().map(|files| files.advisor.places()));
    format!(
        "config   {}\nprices   {prices}\nadvisor  {advisor}\nthemes   {}\nkeymaps  {}\njournal  {}\nlog      {}\n",
        shown(file),
        in_folder("themes"),
        in_folder("keymaps"),
        in_state("journal.jsonl"),
        in_state("log"),
    )
}

fn check(options: &Options) -> Result<ExitCode, Failure> {
    if options.problems.is_empty() {
        return print("no mistakes\n");
    }
    let lines: Vec<String> = options.problems.iter().map(ToString::to_string).collect();
    print_lines(&lines.join("\n"))?;
    Ok(ExitCode::from(EXIT_USAGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_explains_every_finding() {
        let text = man().expect("a manual page");
        for rule in picture::rules() {
            assert!(text.contains(&format!("\\fB{}\\fR", rule.id)), "{rule:?}");
        }
        let findings = manual_of_findings();
        let mut requests = findings.lines().filter(|line| line.starts_with(['.', '\'']));
        assert!(requests.all(|line| matches!(line, ".SH FINDINGS" | ".TP")), "{findings}");
    }
}
