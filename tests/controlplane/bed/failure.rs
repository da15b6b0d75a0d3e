//! The one error type of the bed: a sentence for the person who reads the test's output.

use std::fmt;

/// What went wrong, in words, with the context added on the way up.
#[derive(Debug, Clone)]
pub struct Failure(String);

/// Result of everything the bed does.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A failure with this sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// Whether the text says that a port was taken between finding and using it.
    pub fn is_port_clash(&self) -> bool {
        self.0.contains("address already in use")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// Puts what was being done in front of an error.
pub trait Context<T> {
    /// `doing: the error`
    fn context(self, doing: impl fmt::Display) -> Result<T>;
}

impl<T, E: fmt::Display> Context<T> for std::result::Result<T, E> {
    fn context(self, doing: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Failure(format!("{doing}: {error}")))
    }
}

impl<T> Context<T> for Option<T> {
    fn context(self, doing: impl fmt::Display) -> Result<T> {
        self.ok_or_else(|| Failure(doing.to_string()))
    }
}
