//! Text on its way to the screen: cleaned, measured, cut.
//!
//! [`Span::new`] is the one gate: whatever a cluster puts into a name or a message, only printable characters of known
//! width come out of it. A `Span` cannot be made otherwise, so nothing behind the gate has to think of it again.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

use crate::config::Role;
use crate::units::text::printable;

/// Printable text with a meaning.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Span {
    text: Cow<'static, str>,
    role: Role,
}

impl Span {
    /// A text, cleaned of control characters and of characters without width.
    pub fn new(role: Role, text: impl AsRef<str>) -> Self {
        Self { text: Cow::Owned(printable(text.as_ref())), role }
    }

    /// The text, free of control characters and of characters without width.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Meaning of the text, for the theme.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Columns of the terminal that the text takes.
    pub fn width(&self) -> usize {
        width(&self.text)
    }
}

/// Columns of clean text.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

fn columns(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// One line of spans.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Line {
    spans: Vec<Span>,
}

impl Line {
    /// A line without text.
    pub const fn new() -> Self {
        Self { spans: Vec::new() }
    }

    /// A line of one span.
    pub fn of(role: Role, text: impl AsRef<str>) -> Self {
        Self::new().and(role, text)
    }

    /// A line of one span in the role of usual text.
    pub fn plain(text: impl AsRef<str>) -> Self {
        Self::of(Role::Text, text)
    }

    /// The line with another span at its end.
    pub fn and(mut self, role: Role, text: impl AsRef<str>) -> Self {
        self.push(role, text);
        self
    }

    /// The line with `gap` at its end; an empty line stays empty.
    pub fn spaced(self, gap: &str) -> Self {
        if self.is_empty() { self } else { self.and(Role::Text, gap) }
    }

    /// Adds a span at the end; an empty text adds none.
    pub fn push(&mut self, role: Role, text: impl AsRef<str>) {
        if !text.as_ref().is_empty() {
            self.spans.push(Span::new(role, text));
        }
    }

    /// The line with another line at its end.
    pub fn then(mut self, other: Self) -> Self {
        self.spans.extend(other.spans);
        self
    }

    /// Spans from left to right.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Columns of the terminal that the text takes.
    pub fn width(&self) -> usize {
        self.spans.iter().map(Span::width).sum()
    }

    /// Whether it shows nothing.
    pub fn is_empty(&self) -> bool {
        self.spans.iter().all(|span| span.text.is_empty())
    }

    /// Text of all spans, without roles.
    pub fn text(&self) -> String {
        self.spans.iter().map(Span::text).collect()
    }

    /// The line with every span in one role, for what is stale as a whole.
    pub fn all(mut self, role: Role) -> Self {
        self.spans.iter_mut().for_each(|span| span.role = role);
        self
    }

    /// At most `limit` columns; what does not fit ends in `…`.
    pub fn cut(self, limit: usize) -> Self {
        if self.width() <= limit {
            return self;
        }
        let mut left = limit.saturating_sub(1);
        let mut kept = Self::new();
        for span in self.spans {
            let role = span.role;
            if span.width() <= left {
                left -= span.width();
                kept.spans.push(span);
                continue;
            }
            kept.push(role, format!("{}…", head(&span.text, left)));
            break;
        }
        if limit == 0 { Self::new() } else { kept }
    }

    /// Broken at spaces into lines of at most `limit` columns, the second and later ones indented.
    pub fn wrap(self, limit: usize, indent: usize) -> Vec<Self> {
        if self.width() <= limit {
            return vec![self];
        }
        let mut wrapped =
            Wrap { limit: limit.max(1), indent: indent.min(limit / 2), lines: vec![Self::new()], used: 0 };
        for span in &self.spans {
            for word in span.text.split_inclusive(' ') {
                wrapped.word(span.role, word);
            }
        }
        wrapped.lines.into_iter().map(Self::trimmed).collect()
    }

    /// Without spaces at the end: behind a word that fills its line they would be a column too many.
    fn trimmed(mut self) -> Self {
        while let Some(last) = self.spans.last_mut() {
            let kept = last.text.trim_end_matches(' ').len();
            last.text.to_mut().truncate(kept);
            if kept > 0 {
                break;
            }
            self.spans.pop();
        }
        self
    }
}

/// The beginning of `text` that fits into `limit` columns.
fn head(text: &str, limit: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += columns(c);
        if used > limit {
            return &text[..at];
        }
    }
    text
}

/// What is left of a text behind its first columns.
pub(super) fn without_head(text: &str, columns: usize) -> &str {
    text.get(head(text, columns).len()..).unwrap_or_default()
}

/// A paragraph that is being broken.
struct Wrap {
    limit: usize,
    indent: usize,
    lines: Vec<Line>,
    used: usize,
}

impl Wrap {
    fn word(&mut self, role: Role, word: &str) {
        let text = word.trim_end();
        // A space behind a full line is no reason for another.
        if self.used >= self.limit && text.is_empty() {
            return;
        }
        // Columns that are still to be put, measured once: a text without spaces may be long.
        let mut left = width(text);
        if self.used + left > self.limit && self.used > self.start() {
            self.break_line();
        }
        let mut rest = word;
        while self.used + left > self.limit {
            let fits = head(rest, self.limit.saturating_sub(self.used).max(1));
            let fits = if fits.is_empty() { head(rest, 2) } else { fits };
            left = left.saturating_sub(width(fits));
            self.put(role, fits);
            rest = &rest[fits.len()..];
            self.break_line();
        }
        self.put(role, rest);
    }

    /// The column at which the line that is being filled begins.
    fn start(&self) -> usize {
        if self.lines.len() > 1 { self.indent } else { 0 }
    }

    fn break_line(&mut self) {
        self.lines.push(Line::plain(" ".repeat(self.indent)));
        self.used = self.indent;
    }

    fn put(&mut self, role: Role, text: &str) {
        self.used += width(text);
        let Some(line) = self.lines.last_mut() else { return };
        match line.spans.last_mut() {
            Some(last) if last.role == role => last.text.to_mut().push_str(text),
            _ => line.push(role, text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Span};
    use crate::config::Role;

    #[test]
    fn only_printable_characters_pass() {
        let hostile = "a\u{1b}[31mb\u{202e}c\u{200b}d\te\nf\u{7f}g\u{9b}h\u{ad}i\u{301}";
        assert_eq!(Span::new(Role::Text, hostile).text(), "a\u{fffd}[31mbcd e f\u{fffd}g\u{fffd}hi");
    }

    #[test]
    fn cutting_respects_wide_characters() {
        let line = Line::plain("ab").and(Role::Ok, "漢字漢字");
        assert_eq!(line.width(), 10);
        assert_eq!(line.clone().cut(10).text(), "ab漢字漢字");
        assert_eq!(line.clone().cut(8).text(), "ab漢字…");
        assert_eq!(line.clone().cut(7).text(), "ab漢字…");
        assert_eq!(line.clone().cut(6).text(), "ab漢…");
        assert_eq!(line.clone().cut(1).text(), "…");
        assert_eq!(line.cut(0).text(), "");
    }

    #[test]
    fn text_without_spaces_is_wrapped_in_linear_time() {
        // Measuring what is left again for each line would read 5 × 10^10 characters here.
        let lines = Line::plain("é".repeat(1_000_000)).wrap(10, 0);
        assert_eq!(lines.len(), 100_000);
        assert!(lines.iter().all(|line| line.width() == 10));
    }

    #[test]
    fn wrapping_breaks_at_spaces_and_long_words_anywhere() {
        let texts = |line: Line, limit, indent| -> Vec<String> {
            let lines = line.wrap(limit, indent);
            assert!(lines.iter().all(|line| line.width() <= limit.max(2)), "{limit}: {lines:?}");
            lines.iter().map(Line::text).collect()
        };
        assert_eq!(texts(Line::plain("one two three"), 8, 0), ["one two", "three"]);
        assert_eq!(texts(Line::plain("one two three"), 7, 0), ["one two", "three"]);
        assert_eq!(texts(Line::plain("one two three"), 9, 2), ["one two", "  three"]);
        assert_eq!(
            texts(Line::plain("one ").and(Role::Ok, "two ").and(Role::Ok, " three"), 7, 0),
            ["one two", "three"]
        );
        assert_eq!(texts(Line::plain("one two   "), 7, 0), ["one two"]);
        assert_eq!(texts(Line::plain("abcdefghij"), 4, 0), ["abcd", "efgh", "ij"]);
        assert_eq!(texts(Line::plain("漢字"), 1, 0).concat(), "漢字");
    }
}
