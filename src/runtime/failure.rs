//! Why a command failed: a sentence, a hint and an exit code.

use std::fmt;

use super::crash::Attachments;
use crate::fleet::ConnectionError;
use crate::units::text::printable;

/// An internal failure, or `--strict` and something incomplete.
pub const EXIT_FAILED: u8 = 1;
/// Usage, configuration, malformed kubeconfig, unknown context.
pub const EXIT_USAGE: u8 = 2;
/// The cluster cannot be reached or read.
pub const EXIT_CLUSTER: u8 = 3;
/// Interrupted, as shells count SIGINT.
pub const EXIT_INTERRUPTED: u8 = 130;

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What failed, with the value, and why.
    pub message: String,
    /// What to do; may be empty.
    pub hint: String,
    /// The exit code.
    pub code: u8,
}

impl Failure {
    /// A mistake in how batchtop was called or configured.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into(), code: EXIT_USAGE }
    }

    /// Something in batchtop itself that cannot fail unless it is wrong.
    pub fn bug(message: impl Into<String>) -> Self {
        Self { hint: Attachments.to_string(), ..Self::internal(message) }
    }

    /// Something that should have worked.
    pub fn internal(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: String::new(), code: EXIT_FAILED }
    }
}

impl From<ConnectionError> for Failure {
    fn from(error: ConnectionError) -> Self {
        Self { message: error.message, hint: error.hint, code: error.exit_code }
    }
}

/// `error: …`, and the hint behind a blank line. The message may hold a server's words, and goes to a terminal.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", printable(&self.message))?;
        if !self.hint.is_empty() {
            write!(f, "\n\nhint: {}", self.hint)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Failure;

    #[test]
    fn a_servers_words_do_not_steer_the_terminal() {
        let failure = Failure::usage("403: \u{1b}[31mno\u{7}", "ask");
        assert_eq!(failure.to_string(), "error: 403: \u{fffd}[31mno\u{fffd}\n\nhint: ask");
    }
}
