//! Maps crossterm's events to messages.

use crossterm::event::{
    Event, KeyCode as Code, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use crate::app::{Mouse, Msg};
use crate::input::{Chord, KeyCode};

/// A terminal event, translated for the event loop.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// A message for `update`.
    Msg(Msg),
    /// A click at this column and row.
    Click(u16, u16),
    /// The terminal has another size, which is asked of the terminal itself.
    Resize,
}

/// Translates a terminal event; `None` for events that batchtop does not use.
pub fn input(event: Event) -> Option<Input> {
    match event {
        Event::Key(key) => chord(key).map(|chord| Input::Msg(Msg::Key(chord))),
        Event::Paste(text) => Some(Input::Msg(Msg::Paste(text))),
        Event::Resize(..) => Some(Input::Resize),
        Event::Mouse(mouse) => mouse_input(mouse),
        Event::FocusGained | Event::FocusLost => None,
    }
}

fn mouse_input(mouse: MouseEvent) -> Option<Input> {
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => Some(Input::Click(mouse.column, mouse.row)),
        MouseEventKind::ScrollUp => Some(Input::Msg(Msg::Mouse(Mouse::WheelUp))),
        MouseEventKind::ScrollDown => Some(Input::Msg(Msg::Mouse(Mouse::WheelDown))),
        _ => None,
    }
}

fn chord(event: KeyEvent) -> Option<Chord> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let key = key_code(event.code)?;
    let held = |modifier| event.modifiers.contains(modifier);
    let character = matches!(key, KeyCode::Char(_));
    Some(Chord {
        key,
        ctrl: held(KeyModifiers::CONTROL),
        alt: held(KeyModifiers::ALT),
        shift: held(KeyModifiers::SHIFT) && !character && key != KeyCode::BackTab,
    })
}

fn key_code(code: Code) -> Option<KeyCode> {
    Some(match code {
        Code::Char(c) => KeyCode::Char(c),
        Code::F(n) => KeyCode::Function(n),
        Code::Enter => KeyCode::Enter,
        Code::Esc => KeyCode::Escape,
        Code::Tab => KeyCode::Tab,
        Code::BackTab => KeyCode::BackTab,
        Code::Backspace => KeyCode::Backspace,
        Code::Delete => KeyCode::Delete,
        Code::Insert => KeyCode::Insert,
        Code::Up => KeyCode::Up,
        Code::Down => KeyCode::Down,
        Code::Left => KeyCode::Left,
        Code::Right => KeyCode::Right,
        Code::PageUp => KeyCode::PageUp,
        Code::PageDown => KeyCode::PageDown,
        Code::Home => KeyCode::Home,
        Code::End => KeyCode::End,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(code: Code, modifiers: KeyModifiers) -> Option<String> {
        match input(Event::Key(KeyEvent::new(code, modifiers))) {
            Some(Input::Msg(Msg::Key(chord))) => Some(chord.to_string()),
            _ => None,
        }
    }

    #[test]
    fn keys_get_the_names_that_keymap_files_use() {
        assert_eq!(press(Code::Char('G'), KeyModifiers::SHIFT).as_deref(), Some("G"));
        assert_eq!(press(Code::Char('c'), KeyModifiers::CONTROL).as_deref(), Some("ctrl-c"));
        assert_eq!(press(Code::BackTab, KeyModifiers::SHIFT).as_deref(), Some("backtab"));
        assert_eq!(press(Code::Up, KeyModifiers::SHIFT).as_deref(), Some("shift-up"));
        assert_eq!(press(Code::CapsLock, KeyModifiers::NONE), None);
    }
}
