//! Failure of a command: message, hint and exit code.

use std::fmt;

use super::crash::Attachments;
use crate::fleet::ConnectionError;
use crate::units::spelling;
use crate::units::text::{printable, printable_lines};

/// An internal failure, or `--strict` and something incomplete.
pub const EXIT_FAILED: u8 = 1;
/// Usage, configuration, malformed kubeconfig, unknown context.
pub const EXIT_USAGE: u8 = 2;
/// The cluster cannot be reached or read.
pub const EXIT_CLUSTER: u8 = 3;
/// Interrupted: 128 + SIGINT, as in shells.
pub const EXIT_INTERRUPTED: u8 = 130;

/// As many names are offered in place of one that nobody has.
const NAMES_OFFERED: usize = 3;

/// Failure of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Error message: what failed, with the value, and why.
    pub message: String,
    /// What the user can do; may be empty.
    pub hint: String,
    /// The exit code.
    pub code: u8,
}

impl Failure {
    /// A mistake in command line or configuration; exit code 2.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into(), code: EXIT_USAGE }
    }

    /// A name that nobody has, with the nearest that are there, else what is to be said where there is none; exit code 2.
    pub fn unknown_name(message: impl Into<String>, name: &str, names: &[&str], none: &str) -> Self {
        let near = spelling::nearest(name, names, NAMES_OFFERED);
        let hint = if near.is_empty() { none.to_owned() } else { format!("the nearest: {}", near.join(", ")) };
        Self::usage(message, hint)
    }

    /// A bug of batchtop; exit code 1.
    pub fn bug(message: impl Into<String>) -> Self {
        Self { hint: Attachments.to_string(), ..Self::internal(message) }
    }

    /// An error of the environment, such as a failed write; exit code 1.
    pub fn internal(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: String::new(), code: EXIT_FAILED }
    }
}

impl From<ConnectionError> for Failure {
    fn from(error: ConnectionError) -> Self {
        Self { message: error.message, hint: error.hint, code: error.exit_code }
    }
}

/// `error: …`, and the hint after a blank line. Control characters are replaced, because both may quote a server or a
/// file. A message is one line; a hint may have several.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", printable(&self.message))?;
        if !self.hint.is_empty() {
            write!(f, "\n\nhint: {}", printable_lines(&self.hint))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Failure;

    #[test]
    fn a_failure_message_cannot_send_terminal_control_characters() {
        let failure = Failure::usage("403: \u{1b}[31mno\u{7}", "its contexts: \u{1b}[2Ja,\nb\u{9b}H");
        let shown = "error: 403: \u{fffd}[31mno\u{fffd}\n\nhint: its contexts: \u{fffd}[2Ja,\nb\u{fffd}H";
        assert_eq!(failure.to_string(), shown);
    }
}
