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

/// Columns from one stop of the tabulator to the next.
const TAB_COLUMNS: usize = 8;

/// A line of a program's output as a terminal would leave it: without escape sequences (ECMA-48 §5.3 to §5.6), of what a
/// carriage return has overwritten only the last text, and tabs as spaces. What is no complete sequence stays, for
/// [`printable`] to mark.
pub fn plain_line(line: &str) -> String {
    let line = line.trim_end_matches('\r');
    let line = line.rsplit('\r').next().unwrap_or(line);
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    let mut column = 0;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = after_escape(rest) {
            rest = after;
            continue;
        }
        if c == '\t' {
            let spaces = TAB_COLUMNS - column % TAB_COLUMNS;
            plain.extend(std::iter::repeat_n(' ', spaces));
            column += spaces;
        } else {
            plain.push(c);
            column += c.width().unwrap_or(0);
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    plain
}

/// What follows the escape sequence with which a text begins; `None` where it begins with none, or with one that does not
/// end.
fn after_escape(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('\u{9b}') {
        return after_control_sequence(rest);
    }
    let rest = text.strip_prefix('\u{1b}')?;
    let kind = rest.chars().next()?;
    let after = rest.get(kind.len_utf8()..)?;
    match kind {
        '[' => after_control_sequence(after),
        ']' | 'P' | 'X' | '^' | '_' => after_string(after),
        ' '..='/' => {
            let end = after.find(|c: char| !(' '..='/').contains(&c))?;
            after.get(end..)?.strip_prefix(|c: char| ('0'..='~').contains(&c))
        }
        '0'..='~' => Some(after),
        _ => None,
    }
}

/// Parameters and intermediate characters, then the final one.
fn after_control_sequence(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !(' '..='?').contains(&c))?;
    text.get(end..)?.strip_prefix(|c: char| ('@'..='~').contains(&c))
}

/// A string for the terminal ends with BEL or ST.
fn after_string(text: &str) -> Option<&str> {
    let end = text.find(['\u{7}', '\u{1b}', '\u{9c}'])?;
    let rest = text.get(end..)?;
    rest.strip_prefix(['\u{7}', '\u{9c}']).or_else(|| rest.strip_prefix("\u{1b}\\"))
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
    use super::{plain_line, printable, printable_lines};

    #[test]
    fn a_line_of_output_is_what_a_terminal_would_leave_of_it() {
        for (line, plain) in [
            ("plain", "plain"),
            ("\u{1b}[1;32mINFO\u{1b}[0m ready", "INFO ready"),
            ("\u{1b}]0;title\u{7}x\u{1b}]8;;http://a\u{1b}\\link\u{1b}]8;;\u{1b}\\", "xlink"),
            ("\u{9b}31mred", "red"),
            ("\u{1b}(Bascii\u{1b}7", "ascii"),
            (" 10%|#   |\r 50%|##  |\r100%|####|\r", "100%|####|"),
            ("a\tb\t\tc", "a       b               c"),
            ("dos\r", "dos"),
            ("cut \u{1b}[31", "cut \u{1b}[31"),
            ("\u{1b}]0;never ends", "\u{1b}]0;never ends"),
            ("\u{1b}", "\u{1b}"),
            ("", ""),
        ] {
            assert_eq!(plain_line(line), plain, "{line:?}");
        }
    }

    #[test]
    fn control_and_invisible_characters_are_replaced_or_removed() {
        assert_eq!(printable("\u{1b}]0;title\u{7}red\u{1b}[31m\r\n"), "\u{fffd}]0;title\u{fffd}red\u{fffd}[31m  ");
        assert_eq!(printable("a\u{202e}b\u{200b}c"), "abc");
        assert_eq!(printable("späte Läufe ▣"), "späte Läufe ▣");
        assert_eq!(printable_lines("a\u{1b}[2J\r\nb\rc\n"), "a\u{fffd}[2J\nb c");
    }
}
