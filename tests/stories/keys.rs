//! The keys that batchtop comes with.

use batchtop::config::{Library, keymap};
use batchtop::input::Keymap;

pub fn default() -> Keymap {
    let (loaded, problems) = keymap(&Library::embedded(), "default");
    assert!(problems.is_empty(), "{problems:?}");
    loaded.keymap
}
