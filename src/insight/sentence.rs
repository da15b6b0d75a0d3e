//! Sentences with typed holes: what an insight has to say before anyone has decided how a time or an amount looks.
//!
//! An insight names the parts (`sentence![…]`); whoever shows the sentence formats them, once: `view` for the eye, and
//! [`Sentence::machine_text`] for the JSON and for printed text. So no text is ever searched for a time, and a sentence
//! that nobody reads costs one small allocation and no formatting.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use crate::fleet::{ObjectKey, Sym};
use crate::units::{Time, duration, money};

/// One part of a sentence: words, or a hole that its reader fills in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    /// Words, the same for every reader; also what Kubernetes and Karpenter said, verbatim.
    Text(Cow<'static, str>),
    /// A name, or other people's words, as the Fleet has them.
    Name(Sym),
    /// An object: `namespace/name`, or the name alone.
    Object(ObjectKey),
    /// A number in plain digits.
    Number(i64),
    /// A moment, which readers write in their own time zone and relative to today.
    Time(Time),
    /// How long: whole seconds, in Go's grammar (`1h30m`), which is what annotations and NodePools are written in.
    Seconds(i64),
    /// US dollars, in micro-dollars, without a unit of time.
    MicroUsd(i64),
    /// A size in bytes.
    Bytes(i64),
}

/// What an insight has to say, in parts.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Sentence(Vec<Part>);

/// Anything that can stand in a sentence.
pub trait Fragment {
    /// Puts it at the end of a sentence.
    fn append_to(self, sentence: &mut Sentence);
}

/// A [`Sentence`] of fragments in their order: `sentence!["expires ", at, " (after ", Part::Seconds(after), ")"]`. An
/// `Option` that is `None` adds nothing.
macro_rules! sentence {
    ($($fragment:expr),+ $(,)?) => {{
        let mut sentence = $crate::insight::sentence::Sentence::with_capacity([$(stringify!($fragment)),+].len());
        $($crate::insight::sentence::Fragment::append_to($fragment, &mut sentence);)+
        sentence
    }};
}
pub(crate) use sentence;

impl Sentence {
    /// An empty sentence with room for so many parts.
    pub fn with_capacity(parts: usize) -> Self {
        Self(Vec::with_capacity(parts))
    }

    /// Of one fragment.
    pub fn of(fragment: impl Fragment) -> Self {
        let mut sentence = Self::default();
        fragment.append_to(&mut sentence);
        sentence
    }

    /// The parts in their order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// All of these with a separator between them.
    pub fn joined<F: Fragment>(fragments: impl IntoIterator<Item = F>, separator: &'static str) -> Self {
        let mut sentence = Self::default();
        for (at, fragment) in fragments.into_iter().enumerate() {
            if at > 0 {
                separator.append_to(&mut sentence);
            }
            fragment.append_to(&mut sentence);
        }
        sentence
    }

    fn push(&mut self, part: Part) {
        if self.0.capacity() == 0 {
            self.0.reserve_exact(1);
        }
        self.0.push(part);
    }

    /// For programs, and for text that is printed and not shown: times in RFC 3339 (UTC), dollars to the micro-dollar.
    pub fn machine_text(&self) -> String {
        let mut text = String::new();
        for part in &self.0 {
            // Writing to a String cannot fail.
            let _ = part.write_for_machines(&mut text);
        }
        text
    }
}

impl Part {
    fn write_for_machines(&self, text: &mut String) -> fmt::Result {
        match self {
            Self::Text(words) => text.write_str(words),
            Self::Name(name) => text.write_str(name),
            Self::Object(key) => write!(text, "{key}"),
            Self::Number(number) => write!(text, "{number}"),
            Self::Time(at) => write!(text, "{at}"),
            Self::Seconds(seconds) => text.write_str(&duration::format_compact(*seconds)),
            Self::MicroUsd(micros) => text.write_str(&money::exact_usd(*micros)),
            Self::Bytes(bytes) => write!(text, "{bytes} bytes"),
        }
    }
}

/// `1 node`, `2 nodes`. Saturates beyond what 64 bits with a sign hold.
pub fn plural(count: impl TryInto<i64>, noun: &'static str) -> Sentence {
    let count = count.try_into().unwrap_or(i64::MAX);
    sentence![count, " ", noun, (count != 1).then_some("s")]
}

/// As machines read it: what tests compare.
impl fmt::Debug for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.machine_text(), f)
    }
}

impl Fragment for Part {
    fn append_to(self, sentence: &mut Sentence) {
        sentence.push(self);
    }
}

impl Fragment for &'static str {
    fn append_to(self, sentence: &mut Sentence) {
        if !self.is_empty() {
            sentence.push(Part::Text(Cow::Borrowed(self)));
        }
    }
}

impl Fragment for String {
    fn append_to(self, sentence: &mut Sentence) {
        if !self.is_empty() {
            sentence.push(Part::Text(Cow::Owned(self)));
        }
    }
}

impl Fragment for &Sym {
    fn append_to(self, sentence: &mut Sentence) {
        if !self.is_empty() {
            sentence.push(Part::Name(self.clone()));
        }
    }
}

impl Fragment for &ObjectKey {
    fn append_to(self, sentence: &mut Sentence) {
        sentence.push(Part::Object(self.clone()));
    }
}

impl Fragment for Time {
    fn append_to(self, sentence: &mut Sentence) {
        sentence.push(Part::Time(self));
    }
}

impl Fragment for i64 {
    fn append_to(self, sentence: &mut Sentence) {
        sentence.push(Part::Number(self));
    }
}

/// Saturates beyond what 64 bits with a sign hold.
impl Fragment for u64 {
    fn append_to(self, sentence: &mut Sentence) {
        i64::try_from(self).unwrap_or(i64::MAX).append_to(sentence);
    }
}

impl Fragment for usize {
    fn append_to(self, sentence: &mut Sentence) {
        i64::try_from(self).unwrap_or(i64::MAX).append_to(sentence);
    }
}

impl Fragment for Sentence {
    fn append_to(self, sentence: &mut Sentence) {
        if sentence.0.capacity() == 0 {
            *sentence = self;
        } else {
            sentence.0.extend(self.0);
        }
    }
}

impl Fragment for &Sentence {
    fn append_to(self, sentence: &mut Sentence) {
        sentence.0.extend(self.0.iter().cloned());
    }
}

impl<F: Fragment> Fragment for Option<F> {
    fn append_to(self, sentence: &mut Sentence) {
        if let Some(fragment) = self {
            fragment.append_to(sentence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_text_writes_every_kind_of_part() {
        let at = Time::from_seconds(1_000_000_000);
        let key = ObjectKey::new("ml", "train-0");
        let all = sentence![
            "pod ",
            &key,
            " (",
            &Sym::new("gpu"),
            ") goes at ",
            at,
            " after ",
            Part::Seconds(5400),
            " and costs ",
            Part::MicroUsd(1_250_000),
            " for ",
            3_u64,
            String::from(" nodes with "),
            Part::Bytes(5_000),
        ];
        let text =
            "pod ml/train-0 (gpu) goes at 2001-09-09T01:46:40Z after 1h30m and costs $1.25 for 3 nodes with 5000 bytes";
        assert_eq!(all.machine_text(), text);
    }

    #[test]
    fn sentences_can_contain_and_join_other_sentences() {
        let tail = sentence!["; the next window opens ", Time::from_seconds(0)];
        let nothing: Option<Sentence> = None;
        let whole = sentence!["closed", Some(tail), nothing];
        assert_eq!(whole.machine_text(), "closed; the next window opens 1970-01-01T00:00:00Z");
        assert_eq!(Sentence::joined(["a", "b", "c"], ", ").machine_text(), "a, b, c");
        assert_eq!(Sentence::joined([""; 0], ", "), Sentence::default());
        assert_eq!(
            [plural(1_u64, "node"), plural(2_usize, "node")].map(|one| one.machine_text()),
            ["1 node", "2 nodes"]
        );
    }
}
