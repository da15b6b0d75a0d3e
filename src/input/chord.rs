//! One key press, and its text in keymap files.

use std::fmt;
use std::str::FromStr;

/// The key of a [`Chord`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "each variant is the key of that name")]
pub enum KeyCode {
    Char(char),
    Function(u8),
    Enter,
    Escape,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Insert,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,
}

/// A key with its modifiers. Shift is part of the character (`G`), and a modifier only of other keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Chord {
    /// The key.
    pub key: KeyCode,
    /// Control held.
    pub ctrl: bool,
    /// Alt held.
    pub alt: bool,
    /// Shift held, for keys that are no characters.
    pub shift: bool,
}

impl Chord {
    /// A key alone.
    pub const fn plain(key: KeyCode) -> Self {
        Self { key, ctrl: false, alt: false, shift: false }
    }

    /// A character alone.
    pub const fn char(c: char) -> Self {
        Self::plain(KeyCode::Char(c))
    }

    /// The character this types into a line, where it types one.
    pub const fn typed(self) -> Option<char> {
        match self.key {
            KeyCode::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }
}

/// Keys one after another as keymap files write them: `g g`.
pub fn spell(chords: &[Chord]) -> String {
    chords.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// Keys that have a name, with it.
const NAMED: [(&str, KeyCode); 16] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Escape),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("del", KeyCode::Delete),
    ("ins", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("space", KeyCode::Char(' ')),
];

/// As keymap files write it: `ctrl-c`, `G`, `space`, `f5`, `shift-up`.
impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, prefix) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if held {
                f.write_str(prefix)?;
            }
        }
        match NAMED.iter().find(|(_, key)| *key == self.key) {
            Some((name, _)) => f.write_str(name),
            None => match self.key {
                KeyCode::Function(n) => write!(f, "f{n}"),
                KeyCode::Char(c) => write!(f, "{c}"),
                _ => Ok(()),
            },
        }
    }
}

impl FromStr for Chord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut chord = Self::plain(KeyCode::Escape);
        let mut rest = text;
        loop {
            let (flag, prefix) = match rest {
                r if r.len() > 5 && r.starts_with("ctrl-") => (&mut chord.ctrl, 5),
                r if r.len() > 4 && r.starts_with("alt-") => (&mut chord.alt, 4),
                r if r.len() > 6 && r.starts_with("shift-") => (&mut chord.shift, 6),
                _ => break,
            };
            *flag = true;
            rest = &rest[prefix..];
        }
        chord.key = parse_key(rest).ok_or_else(|| format!("no such key: \"{text}\""))?;
        if chord.shift && matches!(chord.key, KeyCode::Char(_)) {
            return Err(format!("write the shifted character itself instead of \"{text}\""));
        }
        Ok(chord)
    }
}

fn parse_key(text: &str) -> Option<KeyCode> {
    if let Some((_, key)) = NAMED.iter().find(|(name, _)| *name == text) {
        return Some(*key);
    }
    let mut chars = text.chars();
    match (chars.next()?, chars.next()) {
        (c, None) if !c.is_control() && c != ' ' => Some(KeyCode::Char(c)),
        ('f', Some(_)) => text[1..].parse().ok().filter(|n| (1..=24).contains(n)).map(KeyCode::Function),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_chord_is_written_as_it_is_parsed() {
        for text in ["ctrl-c", "G", "g", "space", "f5", "shift-up", "ctrl-alt-x", "-", "ctrl--", "?", "esc", "pgdn"] {
            assert_eq!(text.parse::<Chord>().map(|c| c.to_string()).as_deref(), Ok(text));
        }
        for bad in ["", "ctrl-", "shift-a", "f25", "foo", " "] {
            assert!(bad.parse::<Chord>().is_err(), "{bad:?}");
        }
    }
}
