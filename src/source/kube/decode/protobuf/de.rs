//! Messages as serde sees objects of JSON, so that one set of decoders reads both encodings.

use std::borrow::Cow;

use serde::de::value::{BorrowedStrDeserializer, Error as DeError};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::schema::{Field, Message, Value};
use super::wire::{Broken, Fields, Wire};

/// What goes wrong, in words.
pub(in super::super) type ProtobufError = DeError;

impl From<Broken> for ProtobufError {
    fn from(_: Broken) -> Self {
        Self::custom("a message that is cut off, or none")
    }
}

/// The first and the last second that RFC 3339 can write, to which times in JSON are confined.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_207_199;

/// A message whose fields are those of an object.
pub(in super::super) fn object<'de>(
    message: &'static Message,
    bytes: &'de [u8],
) -> impl Deserializer<'de, Error = DeError> {
    Encoded { value: Value::Object(message), wire: Wire::Bytes(bytes) }
}

/// A value of a field, not yet decoded.
#[derive(Clone, Copy)]
struct Encoded<'de> {
    value: Value,
    wire: Wire<'de>,
}

impl<'de> Encoded<'de> {
    fn bytes(self) -> Result<&'de [u8], DeError> {
        match self.wire {
            Wire::Bytes(bytes) => Ok(bytes),
            Wire::Varint(_) | Wire::Fixed => Err(DeError::custom("a number in place of a text or an object")),
        }
    }

    fn number(self) -> Result<u64, DeError> {
        match self.wire {
            Wire::Varint(number) => Ok(number),
            Wire::Bytes(_) | Wire::Fixed => Err(DeError::custom("no whole number where one is expected")),
        }
    }

    /// What is not UTF-8, as a message that a kubelet has cut in mid-character, reads as the server writes it in JSON.
    fn text(self) -> Result<Cow<'de, str>, DeError> {
        Ok(String::from_utf8_lossy(self.bytes()?))
    }

    /// The text of a `Quantity`, its only field.
    fn quantity(self) -> Result<Cow<'de, str>, DeError> {
        let mut fields = Fields::new(self.bytes()?);
        while let Some((number, wire)) = fields.next()? {
            if number == 1 {
                return Self { value: Value::Text, wire }.text();
            }
        }
        Ok(Cow::Borrowed(""))
    }

    /// The number of an `IntOrString`, or its text where its type (1) says that it has one (k8s.io/apimachinery pkg/util/intstr).
    fn visit_int_or_text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let (mut fields, mut is_text, mut number, mut text) = (Fields::new(self.bytes()?), false, 0, Cow::Borrowed(""));
        while let Some((field, wire)) = fields.next()? {
            match (field, wire) {
                (1, Wire::Varint(value)) => is_text = value != 0,
                (2, Wire::Varint(value)) => number = value.cast_signed(),
                (3, wire) => text = Self { value: Value::Text, wire }.text()?,
                _ => {}
            }
        }
        if is_text { visit_text(text, visitor) } else { visitor.visit_i64(number) }
    }

    /// Microseconds since 1970; `None` for the zero time, which has no fields.
    fn micros(self) -> Result<Option<i64>, DeError> {
        let bytes = self.bytes()?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let (mut fields, mut seconds, mut nanos) = (Fields::new(bytes), 0_i64, 0_i64);
        while let Some((number, wire)) = fields.next()? {
            match (number, wire) {
                (1, Wire::Varint(value)) => seconds = value.cast_signed(),
                (2, Wire::Varint(value)) => nanos = value.cast_signed(),
                _ => {}
            }
        }
        let is_time = SECONDS.contains(&seconds) && (0..1_000_000_000).contains(&nanos);
        is_time.then(|| seconds * 1_000_000 + nanos / 1_000).map(Some).ok_or_else(|| DeError::custom("no time"))
    }
}

fn visit_text<'de, V: Visitor<'de>>(text: Cow<'de, str>, visitor: V) -> Result<V::Value, DeError> {
    match text {
        Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
        Cow::Owned(text) => visitor.visit_string(text),
    }
}

impl<'de> Deserializer<'de> for Encoded<'de> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.value {
            Value::Text => visit_text(self.text()?, visitor),
            Value::Quantity => visit_text(self.quantity()?, visitor),
            Value::IntOrText => self.visit_int_or_text(visitor),
            Value::Bool => visitor.visit_bool(self.number()? != 0),
            Value::Int => visitor.visit_i64(self.number()?.cast_signed()),
            Value::Time => match self.micros()? {
                Some(micros) => visitor.visit_i64(micros),
                None => visitor.visit_unit(),
            },
            Value::Object(message) => visitor.visit_map(ObjectFields::new(message, self.bytes()?)),
            // A list or a map begins with an element, of which it is told apart in `ObjectFields`.
            Value::List(_) | Value::Map(_) => Err(DeError::custom("an element in place of a list")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_some(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier
    }
}

/// The fields of an object that are read.
struct ObjectFields<'de> {
    message: &'static Message,
    fields: Fields<'de>,
    /// The value that comes next.
    next: Option<NextValue<'de>>,
}

/// The value of a field.
enum NextValue<'de> {
    One(Encoded<'de>),
    Elements(Elements<'de>),
    Entries(Entries<'de>),
}

impl<'de> ObjectFields<'de> {
    const fn new(message: &'static Message, bytes: &'de [u8]) -> Self {
        Self { message, fields: Fields::new(bytes), next: None }
    }

    /// The next field that is read, with its value; elements of a list or a map are one value together.
    fn next_field(&mut self) -> Result<Option<(&'static Field, NextValue<'de>)>, DeError> {
        loop {
            let before = self.fields;
            let Some((number, wire)) = self.fields.next()? else { return Ok(None) };
            let Some(field) = self.message.field(number) else { continue };
            let value = match field.value {
                Value::List(element) => {
                    self.fields = before;
                    NextValue::Elements(Elements { element: *element, run: Run::new(self.fields.run(number)?) })
                }
                Value::Map(value) => {
                    self.fields = before;
                    NextValue::Entries(Entries { value: *value, run: Run::new(self.fields.run(number)?), next: None })
                }
                value => NextValue::One(Encoded { value, wire }),
            };
            return Ok(Some((field, value)));
        }
    }
}

impl<'de> MapAccess<'de> for ObjectFields<'de> {
    type Error = DeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DeError> {
        let Some((field, value)) = self.next_field()? else { return Ok(None) };
        self.next = Some(value);
        seed.deserialize(BorrowedStrDeserializer::new(field.name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DeError> {
        match self.next.take() {
            Some(NextValue::One(value)) => seed.deserialize(value),
            Some(NextValue::Elements(elements)) => seed.deserialize(elements),
            Some(NextValue::Entries(entries)) => seed.deserialize(entries),
            None => Err(DeError::custom("a value without a field")),
        }
    }
}

/// How many elements a list or a map of one object has at most. One of two bytes becomes a hundred when it is decoded, and etcd
/// takes no object of more than 1.5 MB.
const MAX_ELEMENTS: usize = 10_000;

/// The fields that are the elements of a list or of a map.
struct Run<'de> {
    fields: Fields<'de>,
    taken: usize,
}

impl<'de> Run<'de> {
    const fn new(fields: Fields<'de>) -> Self {
        Self { fields, taken: 0 }
    }

    fn next(&mut self) -> Result<Option<Wire<'de>>, DeError> {
        let Some((_, wire)) = self.fields.next()? else { return Ok(None) };
        self.taken += 1;
        if self.taken > MAX_ELEMENTS {
            return Err(DeError::custom(format_args!("more than {MAX_ELEMENTS} elements")));
        }
        Ok(Some(wire))
    }
}

/// The elements of a list.
struct Elements<'de> {
    element: Value,
    run: Run<'de>,
}

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = DeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DeError> {
        let Some(wire) = self.run.next()? else { return Ok(None) };
        seed.deserialize(Encoded { value: self.element, wire }).map(Some)
    }
}

/// The entries of a map, each a message of its key (1) and its value (2).
struct Entries<'de> {
    value: Value,
    run: Run<'de>,
    next: Option<Wire<'de>>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = DeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DeError> {
        let Some(wire) = self.run.next()? else { return Ok(None) };
        let mut entry = Fields::new(Encoded { value: Value::Text, wire }.bytes()?);
        let (mut key, mut value) = (Wire::Bytes(&[]), Wire::Bytes(&[]));
        while let Some((number, wire)) = entry.next()? {
            match number {
                1 => key = wire,
                2 => value = wire,
                _ => {}
            }
        }
        self.next = Some(value);
        seed.deserialize(Encoded { value: Value::Text, wire: key }).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DeError> {
        let wire = self.next.take().ok_or_else(|| DeError::custom("a value without a key"))?;
        seed.deserialize(Encoded { value: self.value, wire })
    }
}

/// Lists and maps where their type is not asked for by name: `null` is none, so they are there.
macro_rules! deserialize_as {
    ($type:ident by $visit:ident) => {
        impl<'de> Deserializer<'de> for $type<'de> {
            type Error = DeError;

            fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
                visitor.$visit(self)
            }

            fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
                visitor.visit_some(self)
            }

            forward_to_deserialize_any! {
                bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
                newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
            }
        }
    };
}

deserialize_as!(Elements by visit_seq);
deserialize_as!(Entries by visit_map);
