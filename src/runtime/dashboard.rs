//! The terminal dashboard.

use std::process::ExitCode;

use signal_hook::consts::SIGHUP;

use super::backend::Backend;
use super::event_loop::{Ended, EventLoop};
use super::failure::Failure;
use super::in_force::InForce;
use super::options::{Given, Options, state_folder};
use super::terminal::{self, MouseUse, Terminal};
use super::{background, logging, setup};
use crate::app::{Msg, Notice, Severity, update};
use crate::cli::Cli;
use crate::config::{ColourDepth, Problem};

/// Runs the dashboard until the user quits.
pub fn run(cli: &Cli) -> Result<ExitCode, Failure> {
    if !terminal::is_interactive() {
        return Err(Failure::usage("standard input and output are not a terminal", SNAPSHOT_HINT));
    }
    let term = environment("TERM");
    if term == "dumb" {
        return Err(Failure::usage("the terminal cannot place text: TERM is dumb", SNAPSHOT_HINT));
    }
    let options = Options::load(cli)?;
    let log_filter = std::env::var("BATCHTOP_LOG").ok();
    let log = state_folder().filter(|_| !cli.demo.demo);
    let _log = log.and_then(|folder| logging::start(folder.join("log"), log_filter.as_deref()));
    let start = setup::prepare(cli, &options)?;
    let mut app = start.app;
    if let Some(text) = problem_summary(&options.problems) {
        update(&mut app, Msg::Notice(Notice { severity: Severity::Error, text }));
    }
    let mouse = if options.mouse { MouseUse::On } else { MouseUse::Off };
    let runtime = setup::tokio_runtime()?;
    let backend = Backend::new(start.backend, start.files, runtime.handle().clone());
    let depth = ColourDepth::of(&environment("COLORTERM"), &term);
    let in_force = InForce::new(Given::of(cli), options, depth);
    let ended = runtime.block_on(async {
        let terminal = Terminal::take(mouse).map_err(|error| terminal_failed(&error))?;
        let mut event_loop = EventLoop::new(app, in_force, terminal, start.clock, backend, start.state);
        if background::is_askable(&term) && depth != ColourDepth::Sixteen {
            event_loop.ask_background().map_err(|error| terminal_failed(&error))?;
        }
        // The whole App is in it.
        let ended = Box::pin(event_loop.run()).await;
        ended.or_else(|error| if terminal::is_gone(&error) { Ok(Ended::HungUp) } else { Err(terminal_failed(&error)) })
    });
    terminal::restore();
    // Exec plugins and requests that are still running are abandoned.
    runtime.shutdown_timeout(setup::SHUTDOWN);
    Ok(match ended? {
        Ended::Left => ExitCode::SUCCESS,
        Ended::HungUp => exit_code_of(SIGHUP),
        Ended::Signal(signal) => exit_code_of(signal),
    })
}

const SNAPSHOT_HINT: &str = "batchtop snapshot prints the same as JSON, without a terminal";

/// A variable of the environment; empty where it is not set.
fn environment(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// As shells tell the signal that ended a program.
fn exit_code_of(signal: i32) -> ExitCode {
    ExitCode::from(128 + u8::try_from(signal).unwrap_or(0))
}

/// The mistakes in the user's files in one sentence; `None` without any.
pub fn problem_summary(problems: &[Problem]) -> Option<String> {
    let first = problems.first()?;
    Some(match problems.len() {
        1 => first.to_string(),
        count => format!("{count} mistakes (batchtop config check lists them), the first: {first}"),
    })
}

fn terminal_failed(error: &std::io::Error) -> Failure {
    Failure::internal(format!("cannot use the terminal: {error}"))
}
