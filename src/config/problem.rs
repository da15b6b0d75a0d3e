//! Mistakes in a user's files.

use std::fmt;

/// Where something stands.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Place {
    /// The file as the user knows it.
    pub file: String,
    /// Line, from 1; 0 where the file as a whole is meant.
    pub line: usize,
    /// Column in characters, from 1; 0 where the line as a whole is meant.
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

/// One mistake: where, at which key, what is wrong and what is allowed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// The key, with the tables it is in: `styles."text.dim"`; empty where there is none.
    pub key: String,
    /// What is wrong and what is allowed, as one sentence without a final period.
    pub message: String,
}

impl Problem {
    /// Of a file as a whole.
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

/// `no such WHAT: "TYPED"`, with the nearest allowed name where there is one, and all of them.
pub(super) fn no_such(what: &str, typed: &str, allowed: &[&str]) -> String {
    let mut text = format!("no such {what}: \"{typed}\"; ");
    if let Some(near) = nearest(typed, allowed) {
        text.push_str("did you mean \"");
        text.push_str(near);
        text.push_str("\"? ");
    }
    text.push_str("allowed: ");
    text.push_str(&allowed.join(", "));
    text
}

/// The names that are spelled most like a text, the nearest first; those that have it in them come before all others.
pub fn nearest_names<'a>(typed: &str, names: &[&'a str], most: usize) -> Vec<&'a str> {
    let rank = |name: &&'a str| (!name.contains(typed), edits(typed, name), *name);
    let mut ranked: Vec<_> = names.iter().map(rank).collect();
    ranked.sort_unstable();
    ranked.into_iter().take(most).map(|(.., name)| name).collect()
}

/// The allowed name that is at most two edits away.
fn nearest<'a>(typed: &str, allowed: &[&'a str]) -> Option<&'a str> {
    let ranked = allowed.iter().map(|name| (edits(typed, name), *name));
    ranked.filter(|(distance, name)| *distance <= 2 && *distance < name.len()).min().map(|(_, name)| name)
}

/// Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{edits, no_such};

    #[test]
    fn the_nearest_name_is_offered_only_when_it_is_near() {
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(
            no_such("role", "wran", &["ok", "warn"]),
            "no such role: \"wran\"; did you mean \"warn\"? allowed: ok, warn"
        );
        assert_eq!(no_such("role", "purple", &["ok", "warn"]), "no such role: \"purple\"; allowed: ok, warn");
    }
}
