//! Why an object could not be decoded.

use super::protobuf::ProtobufError;
use super::text::bounded;

/// One object that could not be decoded. It is counted and left out; it never fails its page.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not the JSON that was expected.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// Not the protobuf that was expected.
    #[error("{0}")]
    Protobuf(#[from] ProtobufError),
    /// A field without which there is no row.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A field that tells objects apart, and is longer than any that Kubernetes makes; cut, it could be that of another one.
    #[error("{0} is too long")]
    TooLong(&'static str),
    /// A field whose text is not of its grammar.
    #[error("{field} is {value:?}")]
    Malformed {
        /// The path of the field within the object.
        field: &'static str,
        /// The text that the field has.
        value: String,
    },
}

impl DecodeError {
    /// A field whose text is not of its grammar.
    pub(super) fn malformed(field: &'static str, value: &str) -> Self {
        Self::Malformed { field, value: bounded(value).into_owned() }
    }
}
