//! Completions in a shell, which asks batchtop itself: contexts are those of the kubeconfig, namespaces those of the cluster.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Command, CommandFactory, ValueEnum};
use clap_complete::Shell;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};

use super::options::names_of;
use super::session;
use crate::cli::Cli;
use crate::config::{self, Library};
use crate::source::kube::{self, ConnectOptions};
use crate::units::text::printable;

/// The variable by which the scripts of shells tell that a line is to be completed, and for which shell.
const VARIABLE: &str = "BATCHTOP_COMPLETE";

const PROGRAM: &str = "batchtop";

/// How long the cluster may take to tell its namespaces: somebody waits with a finger on the tabulator.
const PATIENCE: Duration = Duration::from_secs(2);

/// Completes a line and ends the program, where a shell asks for that.
pub fn complete_if_asked() {
    CompleteEnv::with_factory(command).var(VARIABLE).bin(PROGRAM).complete();
}

/// The script that makes a shell ask.
///
/// # Errors
/// When there is none for this shell.
pub fn script(shell: Shell) -> io::Result<String> {
    let name = shell.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let shells = Shells::builtins();
    let completer = shells.completer(&name).ok_or(io::ErrorKind::Unsupported)?;
    let mut text = Vec::new();
    completer.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut text)?;
    String::from_utf8(text).map_err(io::Error::other)
}

/// The command line, with those who know the values of some flags.
fn command() -> Command {
    Cli::command()
        .mut_arg("context", |arg| arg.add(ArgValueCompleter::new(contexts)))
        .mut_arg("namespaces", |arg| arg.add(ArgValueCompleter::new(namespaces)))
        .mut_arg("theme", |arg| arg.add(ArgValueCompleter::new(themes)))
        .mut_arg("keymap", |arg| arg.add(ArgValueCompleter::new(keymaps)))
}

fn contexts(typed: &OsStr) -> Vec<CompletionCandidate> {
    candidates(typed, kube::contexts(&options()))
}

/// Several are separated by commas: the last one is completed.
fn namespaces(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let (before, last) = typed.rfind(',').map_or(("", &*typed), |comma| typed.split_at(comma + 1));
    let names = in_time(kube::namespaces(&options()));
    candidates(OsStr::new(last), names).into_iter().map(|candidate| candidate.add_prefix(before)).collect()
}

fn themes(typed: &OsStr) -> Vec<CompletionCandidate> {
    candidates(typed, names_of(&library().themes).into_iter().map(str::to_owned))
}

fn keymaps(typed: &OsStr) -> Vec<CompletionCandidate> {
    candidates(typed, names_of(&library().keymaps).into_iter().map(str::to_owned))
}

fn library() -> Library {
    config::directory().map(|folder| config::read(&folder).library).unwrap_or_default()
}

/// Names that begin with what is typed; one that would steer the terminal is left out.
fn candidates(typed: &OsStr, names: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let fits = |name: &String| name.starts_with(&*typed) && printable(name) == *name;
    names.into_iter().filter(fits).map(CompletionCandidate::new).collect()
}

/// What is answered within [`PATIENCE`].
fn in_time(answer: impl Future<Output = Vec<String>>) -> Vec<String> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
    let answered = runtime.block_on(async { tokio::time::timeout(PATIENCE, answer).await });
    // What still runs is abandoned.
    runtime.shutdown_background();
    answered.unwrap_or_default()
}

/// How the cluster is reached, as the line says so far and the environment.
fn options() -> ConnectOptions {
    let words: Vec<OsString> = std::env::args_os().skip_while(|word| word != "--").skip(1).collect();
    let value = |flag: &str| value_of(&words, flag).or_else(|| std::env::var(variable(flag)).ok());
    ConnectOptions {
        kubeconfig: value("--kubeconfig").map(PathBuf::from),
        context: value("--context"),
        plugin_launcher: session::launcher(),
        ..ConnectOptions::default()
    }
}

/// `BATCHTOP_CONTEXT` for `--context`.
fn variable(flag: &str) -> String {
    format!("BATCHTOP_{}", flag.trim_start_matches('-').replace('-', "_").to_uppercase())
}

/// The value of a flag on the line: `--context x` or `--context=x`.
fn value_of(words: &[OsString], flag: &str) -> Option<String> {
    let texts: Vec<&str> = words.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    let joined = texts.iter().find_map(|word| word.strip_prefix(flag)?.strip_prefix('='));
    let apart = || texts.windows(2).find(|pair| pair[0] == flag).map(|pair| pair[1]);
    joined.or_else(apart).filter(|value| !value.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_with_completions_is_valid() {
        command().debug_assert();
    }

    #[test]
    fn every_shell_has_a_script_that_asks_batchtop() {
        for shell in Shell::value_variants() {
            let script = script(*shell).expect("a script");
            assert!(script.contains(VARIABLE) && script.contains(PROGRAM), "{shell}: {script}");
        }
    }

    #[test]
    fn the_flags_of_the_connection_are_read_from_the_line() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        let line = words("batchtop --context prod --kubeconfig=/k -n m");
        assert_eq!(value_of(&line, "--context").as_deref(), Some("prod"));
        assert_eq!(value_of(&line, "--kubeconfig").as_deref(), Some("/k"));
        assert_eq!(value_of(&words("batchtop --context"), "--context"), None);
        assert_eq!(variable("--context"), "BATCHTOP_CONTEXT");
    }

    #[test]
    fn a_name_that_would_steer_the_terminal_is_not_offered() {
        let names = ["prod".to_owned(), "pro\u{1b}[2J".to_owned(), "dev".to_owned()];
        let offered = candidates(OsStr::new("pro"), names);
        assert_eq!(offered.iter().map(|it| it.get_value().to_owned()).collect::<Vec<_>>(), ["prod"]);
    }
}
