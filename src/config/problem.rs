//! Mistakes in a user's files.

use std::fmt;

use crate::units::spelling::suggestions;

/// Place in a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Place {
    /// File name or path, as the user gave it.
    pub file: String,
    /// Line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// Column in characters, from 1; 0 for the line as a whole.
    pub column: usize,
}

/// `file:line:column`, or as much of it as there is.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for number in [self.line, self.column].into_iter().take_while(|number| *number > 0) {
            write!(f, ":{number}")?;
        }
        Ok(())
    }
}

/// A mistake in a user's file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Problem {
    /// Place in the file.
    pub place: Place,
    /// The key, with the tables it is in: `styles."text.dim"`; empty if the mistake is not about a key.
    pub key: String,
    /// What is wrong and what is allowed, as one sentence without a final period.
    pub message: String,
}

impl Problem {
    /// A mistake of a file as a whole.
    pub fn of_file(file: impl Into<String>, message: impl Into<String>) -> Self {
        let place = Place { file: file.into(), line: 0, column: 0 };
        Self { place, key: String::new(), message: message.into() }
    }
}

/// `file:line:column: key: message`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// `no such WHAT: "TYPED"`, with the most similar allowed name, if any, and all allowed names.
pub fn no_such(what: &str, typed: &str, allowed: &[&str]) -> String {
    let mut text = format!("no such {what}: \"{typed}\"; ");
    if let Some(near) = suggestions(typed, allowed.iter().copied()).first() {
        text.push_str("did you mean \"");
        text.push_str(near);
        text.push_str("\"? ");
    }
    text.push_str("allowed: ");
    text.push_str(&allowed.join(", "));
    text
}

#[cfg(test)]
mod tests {
    use super::no_such;

    #[test]
    fn only_a_similar_name_is_suggested() {
        assert_eq!(
            no_such("role", "wran", &["ok", "warn"]),
            "no such role: \"wran\"; did you mean \"warn\"? allowed: ok, warn"
        );
        assert_eq!(no_such("role", "purple", &["ok", "warn"]), "no such role: \"purple\"; allowed: ok, warn");
    }
}
