//! batchtop on a real API server with a large fleet, beside a client that only downloads and discards.
//!
//! ```console
//! cargo bench --bench scale -- --nodes 500 --pods 10000
//! ```
//!
//! Prints a table in Markdown: time, processor time, memory and bytes until everything is on the screen, then the cost
//! of keeping it up to date, and how long a key press takes to be seen. Nothing it starts outlives it.

#[path = "../../tests/controlplane/bed/mod.rs"]
mod bed;
mod discard;
mod measure;
mod process;
mod relay;
mod report;
mod terminal;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

/// Size of the fleet.
#[derive(Parser, Clone, Copy)]
pub struct Size {
    /// Nodes, each with its NodeClaim.
    #[arg(long, default_value_t = 500)]
    nodes: usize,
    /// Pods.
    #[arg(long, default_value_t = 10_000)]
    pods: usize,
    /// How often everything is read, by batchtop and by the discarding client in turn; medians are reported.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// What `cargo bench` passes.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    if let Some(code) = bed::run_if_asked().or_else(discard::run_if_asked) {
        return code;
    }
    match measure::all(Size::parse()) {
        Ok(figures) => {
            let _ = write!(std::io::stdout(), "{}", report::table(&figures));
            ExitCode::SUCCESS
        }
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Prints progress on standard error; errors are ignored.
pub fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}
