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

/// What a command prints to standard output.
fn printed(home: &Path, env: &[(&str, &str)], args: &[&str]) -> String {
    let output = command(home, args).envs(env.iter().copied()).output().expect("it runs");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Writes `~/.config/batchtop/config.toml`, and returns its path.
fn configured(home: &Path, text: &str) -> String {
    let folder = home.join(".config/batchtop");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("config.toml"), text).expect("settings");
    folder.join("config.toml").display().to_string()
}

#[test]
fn config_print_says_of_each_setting_where_it_comes_from() {
    let home = super::home();
    let text = "theme = \"light\"\nmouse = false\n[context.demo]\nmouse = true\n[context.demo.gpu]\ngrace = \"5m\"\n";
    let file = configured(home.path(), text);
    let env = [("BATCHTOP_KARPENTER_VERSION", "1.14.1"), ("BATCHTOP_READONLY", "false")];
    let printed = printed(home.path(), &env, &["config", "print", "--origin", "--demo", "--keymap", "vim"]);
    for line in [
        &format!("theme = \"light\" # {file}:1"),
        "keymap = \"vim\" # --keymap",
        &format!("mouse = true # {file}:4, context demo"),
        "karpenter_version = \"1.14.1\" # BATCHTOP_KARPENTER_VERSION",
        "readonly = false # default",
        "namespaces = [] # default",
        "# prices is not set: prices.toml or prices.csv in the configuration folder, where there is one",
        &format!("grace = \"5m\" # {file}:6, context demo"),
        "dwell = \"2m\" # default",
        "# pods is not set: all columns for which there is room, the most important first",
    ] {
        assert!(printed.lines().any(|found| found == line), "{line}: {printed}");
    }
}

/// What is printed can be read again, and means the same.
#[test]
fn printed_settings_are_a_configuration_file() {
    let home = super::home();
    let text = "theme = \"light\"\nnamespaces = [\"ml\"]\n[columns]\npods = [\"name\", \"label:a/b\"]\n[spot]\nhighRisk = 60\n";
    configured(home.path(), text);
    let first = printed(home.path(), &[], &["config", "print"]);
    assert!(first.starts_with("#:schema ./config.schema.json\n"), "{first}");
    configured(home.path(), &first);
    assert_eq!(printed(home.path(), &[], &["config", "check"]), "no mistakes\n");
    assert_eq!(printed(home.path(), &[], &["config", "print"]), first);
    for flags in [["config", "print", "--origin"], ["config", "print", "--default"]] {
        configured(home.path(), &printed(home.path(), &[], &flags));
        assert_eq!(printed(home.path(), &[], &["config", "check"]), "no mistakes\n", "{flags:?}");
    }
}

#[test]
fn all_settings_are_printed_with_their_meaning_and_the_schema_is_the_committed_one() {
    let home = super::home();
    let all = printed(home.path(), &[], &["config", "print", "--default"]);
    for setting in batchtop::config::SETTINGS {
        let (_, key) = setting.parts();
        assert!(all.contains(&format!("\n# {}.", setting.help)) && all.contains(&format!("\n#{key} =")), "{setting:?}");
    }
    let schema = printed(home.path(), &[], &["config", "schema"]);
    assert_eq!(schema, include_str!("../../src/config/config.schema.json"));
}

#[test]
fn a_theme_that_does_not_exist_is_reported_with_its_place() {
    let home = super::home();
    let file = configured(home.path(), "\n[context.demo]\ntheme = \"lihgt\"\n");
    let output = run(home.path(), &["config", "check", "--demo"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains(&format!("{file}:3:9: theme: no such theme: \"lihgt\"; did you mean \"light\"?")), "{text}");
}
