//! The `batchtop` program.

use std::process::ExitCode;

use batchtop::{cli, runtime};

fn main() -> ExitCode {
    // rustls asks for a provider by name once more than one could be meant; say it before anything connects.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    runtime::run(&cli::Cli::read())
}
