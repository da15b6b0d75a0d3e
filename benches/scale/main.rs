//! batchtop on a real API server with a large fleet, beside a client that only downloads and discards.
//!
//! ```console
//! cargo bench --bench scale -- --nodes 500 --pods 10000
//! ```
//!
//! Prints tables in Markdown: time, processor time, memory and bytes until everything is on the screen, then the cost of
//! keeping it up to date, how long a key press takes to be seen, and how all that grows with the number of pods. Other
//! programs that are found on PATH are measured beside it. `--json FILE` writes the figures. Nothing it starts outlives it.
//!
//! 5,000 Nodes and 100,000 pods take half an hour and 24 GiB of memory, most of it for the API server.

#[path = "../../tests/controlplane/bed/mod.rs"]
mod bed;
mod discard;
mod figures;
mod keys;
mod measure;
mod process;
mod relay;
mod report;
mod rivals;
mod terminal;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::bed::{Context, Result};

/// What is measured.
#[derive(Parser, Clone)]
pub struct Options {
    /// Nodes, each with its NodeClaim.
    #[arg(long, default_value_t = 500)]
    nodes: usize,
    /// Pods.
    #[arg(long, default_value_t = 10_000)]
    pods: usize,
    /// How often everything is read, by batchtop and by the discarding client in turn; medians are reported.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Leave out the fleets of a hundredth, a tenth and twice as many pods.
    #[arg(long)]
    no_growth: bool,
    /// Write the figures to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// What `cargo bench` passes.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    if let Some(code) = bed::run_if_asked().or_else(discard::run_if_asked) {
        return code;
    }
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let figures = measure::all(options)?;
    if let Some(path) = &options.json {
        let json = serde_json::to_string_pretty(&figures).context("figures as JSON")?;
        std::fs::write(path, json + "\n").context(path.display())?;
    }
    write!(std::io::stdout(), "{}", report::tables(&figures)).context("standard output")
}

/// Prints progress on standard error; errors are ignored.
pub fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}
