//! Text that borrows from the response where it can.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A string of the response, borrowed unless it contains an escape; absent and `null` are the empty string.
///
/// One of more than [`VALUE_BYTES`] is cut and marked: Kubernetes lets everybody who may create an object write a megabyte
/// into an annotation, an owner reference or the source of an Event, and no text that means something is that long.
///
/// Numbers are taken as their text: quantities, percentages and limits of custom resources are declared
/// `x-kubernetes-int-or-string` and come in either form.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    /// The text, unless it is absent or empty.
    pub(super) fn some(&self) -> Option<&str> {
        Some(&*self.0).filter(|text| !text.is_empty())
    }
}

impl Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a number")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(cut_to(VALUE_BYTES, text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(cut_to(VALUE_BYTES, text).into_owned()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(number.to_string()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(number.to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(""))
    }
}

/// Reads `null` as the type's default: Go writes nil slices, maps and pointers so.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// How long any text is at most.
pub(super) const VALUE_BYTES: usize = 4096;

/// How long a name is at most. Those of objects have up to 253 bytes, label keys 317.
pub(super) const NAME_BYTES: usize = 512;

/// A name of something else than the object itself, or its first part. No name of an object has the mark in it, so a name
/// that was cut never becomes that of another object.
pub(super) fn bounded_name(name: &str) -> Cow<'_, str> {
    cut_to(NAME_BYTES, name)
}

/// How much of a message is kept. Longer ones occur (conditions allow 32 KiB) and say nothing more to a person.
const MESSAGE_BYTES: usize = 2048;

/// What stands at the end of a text that was cut.
const CUT: char = '…';

/// A message, or its first part.
pub(crate) fn bounded(message: &str) -> Cow<'_, str> {
    cut_to(MESSAGE_BYTES, message)
}

/// A text, or its first part with a mark, which together have at most so many bytes.
fn cut_to(bytes: usize, text: &str) -> Cow<'_, str> {
    if text.len() <= bytes {
        return Cow::Borrowed(text);
    }
    let most = bytes.saturating_sub(CUT.len_utf8());
    let end = (0..=most).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let mut cut = text.get(..end).unwrap_or_default().to_owned();
    cut.push(CUT);
    Cow::Owned(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_text_is_borrowed_unless_escaped_and_accepts_numbers() {
        let read = |json: &'static str| serde_json::from_str::<Text<'_>>(json).unwrap();
        assert!(matches!(read("\"plain\"").0, Cow::Borrowed("plain")));
        assert_eq!(&*read("\"a\\nb\""), "a\nb");
        assert_eq!((&*read("1000"), &*read("-3"), &*read("1.5"), &*read("null")), ("1000", "-3", "1.5", ""));
        assert!(serde_json::from_str::<Text<'_>>("[]").is_err());
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let long = "é".repeat(MESSAGE_BYTES);
        assert_eq!(bounded(&long).len(), MESSAGE_BYTES - 1);
        assert_eq!(bounded(&format!("x{long}")).len(), MESSAGE_BYTES);
        assert!(bounded(&long).ends_with("éé…"));
        assert_eq!(bounded("short"), "short");
    }
}
