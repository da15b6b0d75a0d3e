//! The real program without a terminal: files it reads and writes, and what it says on standard error.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A command whose home is `home`, with an otherwise empty environment.
pub fn command(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_batchtop"));
    command.env_clear().env("HOME", home).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.current_dir(home).args(args).stdin(Stdio::null());
    command
}

pub fn run(home: &Path, args: &[&str]) -> Output {
    command(home, args).output().expect("it runs")
}

#[test]
fn a_dash_as_output_file_is_standard_output() {
    let home = super::home();
    let output = run(home.path(), &["snapshot", "--demo", "--output-file", "-"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the document");
    assert_eq!(document["kind"], "FleetSnapshot");
    assert!(!home.path().join("-").exists());
}
