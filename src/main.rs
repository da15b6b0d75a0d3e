//! The `batchtop` program.

use std::process::ExitCode;

use batchtop::{cli, runtime};

fn main() -> ExitCode {
    if let Some(code) = runtime::run_if_asked(std::env::args_os()) {
        return code;
    }
    // rustls has to be told which crypto provider to use if several are compiled in.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    runtime::complete_if_asked();
    runtime::run(&cli::Cli::read())
}
