//! Maps key presses to actions.

use std::str::FromStr;

use super::chord::spell;
use super::{Action, Chord};

/// Part of the user interface in which a binding applies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Context {
    /// Everywhere except while a line is typed.
    Global,
    /// A table of rows.
    Table,
    /// The details of one object, help, and other text.
    Text,
    /// A dialog or a picker.
    Dialog,
    /// The log of a container; keys that it does not know mean what they mean in text.
    Log,
}

impl Context {
    /// Every context.
    pub const ALL: [Self; 5] = [Self::Global, Self::Table, Self::Text, Self::Dialog, Self::Log];

    /// Name in keymap files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Table => "table",
            Self::Text => "text",
            Self::Dialog => "dialog",
            Self::Log => "log",
        }
    }
}

impl FromStr for Context {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|context| context.name() == text);
        found.ok_or_else(|| format!("no such context: \"{text}\"; there are global, table, text, dialog and log"))
    }
}

/// One binding: in this context these chords, one after another, mean this action.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Binding {
    /// Context in which it applies.
    pub context: Context,
    /// Keys, pressed one after another.
    pub chords: Vec<Chord>,
    /// Action of the keys.
    pub action: Action,
}

/// Result of looking up a sequence of key presses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lookup {
    /// The sequence is bound to this action.
    Action(Action),
    /// The sequence is a prefix of a longer binding.
    Pending,
    /// No binding.
    Nothing,
}

/// All bindings.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

impl Keymap {
    /// From bindings; of two with equal context and chords the later one counts.
    pub fn new(bindings: Vec<Binding>) -> Self {
        let mut keymap = Self::default();
        bindings.into_iter().for_each(|binding| keymap.bind(binding));
        keymap
    }

    /// Adds a binding in place of the one with the same context and chords.
    pub fn bind(&mut self, binding: Binding) {
        self.unbind(binding.context, &binding.chords);
        self.bindings.push(binding);
    }

    /// Removes the binding of these chords.
    pub fn unbind(&mut self, context: Context, chords: &[Chord]) {
        self.bindings.retain(|known| known.context != context || known.chords != chords);
    }

    /// Removes every binding of an action.
    pub fn without(mut self, remove: impl Fn(Action) -> bool) -> Self {
        self.bindings.retain(|binding| !remove(binding.action));
        self
    }

    /// All bindings in their order.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// What the keys pressed so far mean in a context; its own bindings come before the global ones.
    pub fn lookup(&self, context: Context, pressed: &[Chord]) -> Lookup {
        let mut pending = false;
        for wanted in [context, Context::Global] {
            for binding in self.bindings.iter().filter(|binding| binding.context == wanted) {
                if binding.chords == pressed {
                    return Lookup::Action(binding.action);
                }
                pending |= binding.chords.starts_with(pressed);
            }
        }
        if pending { Lookup::Pending } else { Lookup::Nothing }
    }

    /// The keys that may follow those pressed so far in a context, each with what they lead to, in the order of the keymap.
    pub fn continuations(&self, context: Context, pressed: &[Chord]) -> Vec<(&[Chord], Action)> {
        let wanted = [context, Context::Global];
        let bindings =
            wanted.iter().flat_map(|wanted| self.bindings.iter().filter(move |known| known.context == *wanted));
        let rest = |binding: &'_ Binding| binding.chords.len() > pressed.len() && binding.chords.starts_with(pressed);
        let mut found: Vec<(&[Chord], Action)> = Vec::new();
        for binding in bindings.filter(|binding| rest(binding)) {
            let (rest, action) = (&binding.chords[pressed.len()..], binding.action);
            if !found.iter().any(|(known, _)| *known == rest) {
                found.push((rest, action));
            }
        }
        found
    }

    /// The first keys of an action in a context or globally, as text: `g g`.
    pub fn keys_of(&self, context: Context, action: Action) -> Option<String> {
        let binding = self
            .bindings
            .iter()
            .find(|known| known.action == action && (known.context == context || known.context == Context::Global))?;
        Some(spell(&binding.chords))
    }
}
