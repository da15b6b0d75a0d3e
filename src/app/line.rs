//! Editing one line of text.

use tui_input::{Input, InputRequest};

use crate::input::{Chord, KeyCode};

/// The longest line that is taken; a pasted file is no filter.
const LONGEST: usize = 1024;

/// Edits the line with this key; says whether the key does anything in a line.
pub fn edit(input: &mut Input, chord: Chord) -> bool {
    let Some(request) = request(chord) else { return false };
    if !matches!(request, InputRequest::InsertChar(_)) || input.value().len() < LONGEST {
        input.handle(request);
    }
    true
}

/// As [`edit`], but leaves the keys that move to whoever else wants them.
pub fn type_into(input: &mut Input, chord: Chord) -> bool {
    let types = chord.typed().is_some() || matches!(chord.key, KeyCode::Backspace | KeyCode::Delete) || chord.ctrl;
    types && edit(input, chord)
}

/// Inserts pasted text; line ends become spaces and other control characters are left out.
pub fn paste(input: &mut Input, text: &str) {
    let spaced = text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c });
    let room = LONGEST.saturating_sub(input.value().len());
    for c in spaced.filter(|c| !c.is_control()).take(room) {
        input.handle(InputRequest::InsertChar(c));
    }
}

/// Keys as readline has them.
fn request(chord: Chord) -> Option<InputRequest> {
    if let Some(c) = chord.typed() {
        return Some(InputRequest::InsertChar(c));
    }
    Some(match (chord.key, chord.ctrl) {
        (KeyCode::Backspace, false) | (KeyCode::Char('h'), true) => InputRequest::DeletePrevChar,
        (KeyCode::Delete, false) => InputRequest::DeleteNextChar,
        (KeyCode::Backspace | KeyCode::Char('w'), true) => InputRequest::DeletePrevWord,
        (KeyCode::Char('u'), true) => InputRequest::DeleteLine,
        (KeyCode::Char('k'), true) => InputRequest::DeleteTillEnd,
        (KeyCode::Char('a'), true) | (KeyCode::Home, _) => InputRequest::GoToStart,
        (KeyCode::Char('e'), true) | (KeyCode::End, _) => InputRequest::GoToEnd,
        (KeyCode::Left, false) => InputRequest::GoToPrevChar,
        (KeyCode::Right, false) => InputRequest::GoToNextChar,
        (KeyCode::Left, true) => InputRequest::GoToPrevWord,
        (KeyCode::Right, true) => InputRequest::GoToNextWord,
        _ => return None,
    })
}
