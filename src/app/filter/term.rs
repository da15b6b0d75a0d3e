//! The terms of a filter.

use memchr::memmem::Finder;

use crate::app::field::Field;

/// What one alternative of a term asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Test {
    Text(Part),
    Contains(Field, Part),
    Is(Field, bool),
    /// What accelerators do.
    Uses(GpuUse),
    Compare(Field, Comparison, i64),
}

/// What accelerators of a row do, as a filter asks for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum GpuUse {
    /// Nothing, whether a pod requests them or not.
    Idle,
    /// Something.
    Busy,
}

/// How a number is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Comparison {
    More,
    Less,
    AtLeast,
    AtMost,
}

impl Comparison {
    /// Whether a number is so.
    pub(super) const fn holds(self, number: i64, than: i64) -> bool {
        match self {
            Self::More => number > than,
            Self::Less => number < than,
            Self::AtLeast => number >= than,
            Self::AtMost => number <= than,
        }
    }
}

/// A part of a text in lower case, ready to be looked for in very many texts.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) text: String,
    finder: Finder<'static>,
}

impl Part {
    /// Of a text in any case.
    pub(super) fn new(text: &str) -> Self {
        let text = text.to_lowercase();
        Self { finder: Finder::new(&text).into_owned(), text }
    }

    /// Whether a text contains it in any case; names in Kubernetes are ASCII, almost always in lower case.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let may_have_upper_case = || text.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii());
        self.finder.find(text.as_bytes()).is_some()
            || (may_have_upper_case() && text.to_lowercase().contains(&self.text))
    }
}

impl Part {
    /// In which words it is looked for besides names: those for protection, and counts of accelerators.
    pub(super) fn reach(&self) -> (bool, bool) {
        (self.text.len() >= SHORTEST_WORD, self.is_of_counts())
    }

    /// Whether it may be a part of `0/8`.
    pub(super) fn is_of_counts(&self) -> bool {
        self.text.contains('/') && self.text.bytes().all(|byte| byte == b'/' || byte.is_ascii_digit())
    }
}

/// The shortest text that is looked for in the words for protection: what is shorter is in too many of them.
const SHORTEST_WORD: usize = 3;

impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Part {}

/// A condition that a row has to meet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Term {
    pub(super) wanted: bool,
    /// One of these has to be met; there is at least one.
    pub(super) any: Vec<Test>,
}

impl Term {
    /// Whether every row that meets it also meets `other`: a part of a text is in it wherever the whole is.
    pub(super) fn implies(&self, other: &Self) -> bool {
        let (new, old) = match (self.any.as_slice(), other.any.as_slice()) {
            // What is looked for in more words than the text before may be found where that was not.
            ([Test::Text(new)], [Test::Text(old)]) if new.reach() == old.reach() => (new, old),
            ([Test::Contains(field, new)], [Test::Contains(same, old)]) if field == same => (new, old),
            _ => return self == other,
        };
        match (self.wanted, other.wanted) {
            (true, true) => new.text.contains(&old.text),
            (false, false) => old.text.contains(&new.text),
            _ => false,
        }
    }
}
