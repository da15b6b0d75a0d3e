//! Makes text of other sources safe to print on a terminal.

use unicode_width::UnicodeWidthChar;

/// Replacement for a control character.
const REPLACEMENT: char = '\u{fffd}';

/// Text that a terminal can be given, whoever wrote it. Line breaks and tabs become spaces, other control characters a
/// visible mark; what has no width of its own (directional overrides, joiners, combining marks) is dropped, because
/// terminals disagree about it.
pub fn printable(text: &str) -> String {
    if text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return text.to_owned();
    }
    text.chars().filter_map(character).collect()
}

/// [`printable`] text of several lines, which stay lines.
pub fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

fn character(c: char) -> Option<char> {
    match c {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' | '\u{85}' => Some(' '),
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => None,
        _ if c.is_control() => Some(REPLACEMENT),
        _ => c.width().is_some_and(|width| width > 0).then_some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::{printable, printable_lines};

    #[test]
    fn control_and_invisible_characters_are_replaced_or_removed() {
        assert_eq!(printable("\u{1b}]0;title\u{7}red\u{1b}[31m\r\n"), "\u{fffd}]0;title\u{fffd}red\u{fffd}[31m  ");
        assert_eq!(printable("a\u{202e}b\u{200b}c"), "abc");
        assert_eq!(printable("späte Läufe ▣"), "späte Läufe ▣");
        assert_eq!(printable_lines("a\u{1b}[2J\r\nb\rc\n"), "a\u{fffd}[2J\nb c");
    }
}
