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

#[test]
fn text_from_files_and_servers_cannot_send_terminal_control_characters() {
    let home = super::home();
    let folder = home.path().join(".config/batchtop");
    std::fs::create_dir_all(folder.join("themes")).expect("a folder");
    std::fs::write(folder.join("themes/red\u{1b}[31m.toml"), "").expect("a theme");
    std::fs::write(folder.join("config.toml"), "\"\\u001b[2J\" = 1\ntheme = \"\\u009b31m\"\n").expect("settings");
    let kubeconfig = home.path().join("kubeconfig");
    std::fs::write(&kubeconfig, "contexts: [{name: \"c\\e[2J\", context: {cluster: c}}]\n").expect("a kubeconfig");
    let kubeconfig = kubeconfig.display().to_string();
    for args in [
        ["themes"].as_slice(),
        &["keys"],
        &["config", "check"],
        &["config", "print"],
        &["config", "path"],
        &["themes", "--theme", "none"],
        &["snapshot", "--config", "/dev/null", "--context", "x", "--kubeconfig", &kubeconfig],
    ] {
        let output = run(home.path(), args);
        for bytes in [&output.stdout, &output.stderr] {
            let text = String::from_utf8_lossy(bytes);
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{args:?}: {text:?}");
        }
        assert!(output.stdout.len() + output.stderr.len() > 0, "{args:?}");
    }
}

#[test]
fn a_password_in_the_address_of_a_server_is_shown_nowhere() {
    let home = super::home();
    let args = ["snapshot", "--no-aws", "--server", "https://user:swordfish@127.0.0.1:1"];
    let output = run(home.path(), &args);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains("https://127.0.0.1:1") && !words.contains("swordfish"), "{words}");
    assert!(output.stdout.is_empty());
}
