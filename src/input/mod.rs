//! Keys, actions and keymaps, independent of the terminal crate.

mod action;
mod chord;
mod keymap;

pub use action::Action;
pub use chord::{Chord, KeyCode, spell};
pub use keymap::{Binding, Context, Keymap, Lookup};
