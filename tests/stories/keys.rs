//! The keys that batchtop comes with.

use batchtop::config::{Library, keymap};
use batchtop::input::Keymap;

pub fn default() -> Keymap {
    named("default")
}

pub fn named(name: &str) -> Keymap {
    let (loaded, problems) = keymap(&Library::embedded(), name);
    assert!(problems.is_empty(), "{problems:?}");
    loaded.keymap
}
