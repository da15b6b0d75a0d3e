//! The panic report: short, redacted, and printed after the terminal has been restored.

use std::backtrace::Backtrace;
use std::fmt;
use std::io::{self, Write as _};
use std::panic::PanicHookInfo;
use std::process;

use color_eyre::config::{HookBuilder, PanicHook, Theme};
use color_eyre::section::PanicMessage;

use super::failure::EXIT_FAILED;
use super::logging;
use super::redact::Redactor;
use super::terminal;
use crate::cli::Cli;
use crate::units::text::printable;

/// Longest message of a panic in the report; longer ones, which may quote whole documents, are cut.
const MAX_MESSAGE_CHARS: usize = 1000;

/// Redactor with the secrets of this run.
pub fn redactor(cli: &Cli) -> Redactor {
    let home = etcetera::home_dir().ok().map(|home| home.display().to_string());
    Redactor::new(home, cli.connection.token.clone())
}

/// Installs the panic hook: a panic of any thread restores the terminal, prints a report and ends the program. A
/// program that went on without one of its tasks would show outdated data as live.
pub fn install(redactor: Redactor) {
    let builder = HookBuilder::blank()
        .theme(Theme::new())
        .add_default_filters()
        .display_env_section(false)
        .panic_message(Message)
        .panic_section(Attachments);
    // Fails only if a hook is installed already; that one reports then.
    let Ok((hook, _)) = builder.try_into_hooks() else { return };
    std::panic::set_hook(Box::new(move |panic| report(&hook, panic, &redactor)));
}

fn report(hook: &PanicHook, panic: &PanicHookInfo<'_>, redactor: &Redactor) {
    // Locks out other threads that draw or print until the program has ended.
    let _screen = io::stdout().lock();
    terminal::restore();
    let text = safe(redactor, &hook.panic_report(panic).to_string());
    tracing::error!("{text}\n{}", safe(redactor, &Backtrace::force_capture().to_string()));
    // If standard error is closed, the report cannot be delivered.
    let _ = writeln!(io::stderr(), "{text}");
    logging::finish();
    #[expect(clippy::exit, reason = "there is nothing left to unwind to")]
    process::exit(i32::from(EXIT_FAILED));
}

/// The text without secrets and without terminal control characters.
fn safe(redactor: &Redactor, text: &str) -> String {
    let text = redactor.redact(text);
    text.lines().map(|line| printable(line).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Formats the panic message and its location.
struct Message;

impl PanicMessage for Message {
    fn display(&self, panic: &PanicHookInfo<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payload = panic.payload_as_str().unwrap_or("no message");
        let message: String = payload.chars().take(MAX_MESSAGE_CHARS).collect();
        write!(f, "error: batchtop stopped because of a bug in it (panic): {message}")?;
        match panic.location() {
            Some(location) => write!(f, "\nat {location}"),
            None => Ok(()),
        }
    }
}

/// Formats the list of what to attach to a bug report.
pub struct Attachments;

impl fmt::Display for Attachments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = env!("CARGO_PKG_VERSION");
        let (os, processor) = (std::env::consts::OS, std::env::consts::ARCH);
        f.write_str("To report this bug, attach this message, what you did before it, and:\n")?;
        writeln!(f, "  version  batchtop {version} ({os} {processor})")?;
        match logging::folder() {
            Some(folder) => writeln!(f, "  log      the newest file in {}", folder.display())?,
            None => f.write_str("  log      none was written\n")?,
        }
        f.write_str("Tokens and the name of your home folder have been removed. Check the report before you send it.")
    }
}

#[cfg(test)]
#[path = "../../tests/terminal/pty.rs"]
mod pty;

#[cfg(test)]
mod tests {
    use std::env;
    use std::thread;
    use std::time::Duration;

    use clap::Parser;

    use super::super::options::state_folder;
    use super::super::terminal::{MouseUse, Terminal};
    use super::pty::Session;
    use super::*;

    /// Set in the process that panics; this test runs it in a terminal of its own.
    const PANICS: &str = "BATCHTOP_TEST_PANICS";
    const TEST: &str = "runtime::crash::tests::a_panic_gives_the_terminal_back_and_says_what_to_attach";

    /// Takes the terminal, and panics in one thread while another draws.
    fn panic_while_drawing() {
        let cli = Cli::try_parse_from(["batchtop", "--token", "swordfish-17"]).expect("a command line");
        let log = logging::start(state_folder().expect("a state folder").join("log"), None);
        install(redactor(&cli));
        let mut terminal = Terminal::take(MouseUse::On).expect("a terminal");
        let home = env::var("HOME").expect("a home");
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(200));
            let (sent, key) = ("Authorization: Bearer swordfish-18", "client-key-data: swordfish-19");
            panic!("{home}/.kube/config: swordfish-17, {sent}, {key}\u{1b}[2J");
        });
        for number in 0_u32.. {
            let draw = |buffer: &mut ratatui::buffer::Buffer| {
                let style = ratatui::style::Style::default();
                buffer.set_string(0, 0, format!("frame {number}"), style);
                None
            };
            terminal.draw(draw).expect("it draws");
        }
        drop(log);
    }

    #[test]
    fn a_panic_gives_the_terminal_back_and_says_what_to_attach() {
        if env::var_os(PANICS).is_some() {
            return panic_while_drawing();
        }
        let home = tempfile::tempdir().expect("a home");
        let program = env::current_exe().expect("this test").display().to_string();
        let session =
            Session::start(&program, &["--exact", "--nocapture", TEST], &[(PANICS, "1")], home.path(), (100, 30));
        let (status, written) = session.wait();
        assert_eq!(status.exit_code(), u32::from(EXIT_FAILED), "{written}");
        let (drawn, report) = written.rsplit_once("\u{1b}[?1049l").expect("the alternate screen is left");
        assert!(drawn.contains("frame"), "{written:?}");
        let report = report.trim_start_matches("\u{1b}[?25h");
        assert!(!report.contains('\u{1b}'), "nothing is drawn after the terminal was given back: {report:?}");
        for wanted in [
            "error: batchtop stopped because of a bug in it (panic): ~/.kube/config: [redacted], ",
            "src/runtime/crash.rs:",
            concat!("batchtop ", env!("CARGO_PKG_VERSION"), " ("),
            "the newest file in ~/.local/state/batchtop/log",
        ] {
            assert!(report.contains(wanted), "{wanted:?} is not in {report}");
        }
        let folder = home.path().join(".local/state/batchtop/log");
        let file = std::fs::read_dir(folder).expect("the log").next().expect("a file").expect("a file").path();
        let log = std::fs::read_to_string(file).expect("the log");
        assert!(log.contains("panic_while_drawing"), "the log says by which way: {log}");
        for text in [report, log.as_str()] {
            let private = ["swordfish", home.path().to_str().expect("a path")];
            assert!(!private.iter().any(|private| text.contains(private)), "{text}");
        }
    }
}
