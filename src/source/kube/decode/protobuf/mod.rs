//! Lists in protobuf, as the API server encodes all but custom resources: a third of the bytes of JSON, which take the
//! server a third of the time to write, and what is not read of them is passed over without a look.

mod de;
mod schema;
#[cfg(test)]
pub(super) mod tests;
mod wire;

pub(super) use de::{ProtobufError, object};
pub(super) use schema::{Message, message};
use serde::Deserialize;
use serde::de::Error;
use wire::{Fields, Wire};

use super::list::ListMeta;
use super::text::Text;
use super::watch_event::Status;

/// What the body begins with (kubernetes staging/src/k8s.io/apimachinery/pkg/runtime/serializer/protobuf/protobuf.go).
const MAGIC: &[u8] = b"k8s\0";

/// The media type.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

/// What every answer in protobuf has around its object: `runtime.Unknown`.
#[derive(Default)]
pub(super) struct Envelope<'a> {
    pub(super) of: TypeMeta<'a>,
    /// The message of that kind.
    pub(super) object: &'a [u8],
}

/// What kind of object there is.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TypeMeta<'a> {
    #[serde(borrow)]
    pub(super) api_version: Text<'a>,
    #[serde(borrow)]
    pub(super) kind: Text<'a>,
}

impl<'a> Envelope<'a> {
    /// Of a body; `None` where it is not in protobuf.
    pub(super) fn of(body: &'a [u8]) -> Option<Result<Self, ProtobufError>> {
        body.strip_prefix(MAGIC).map(Self::read)
    }

    fn read(message: &'a [u8]) -> Result<Self, ProtobufError> {
        let mut envelope = Self::default();
        let mut fields = Fields::new(message);
        while let Some((number, wire)) = fields.next()? {
            match (number, wire) {
                (1, Wire::Bytes(bytes)) => envelope.of = TypeMeta::deserialize(object(&schema::TYPE_META, bytes))?,
                (2, Wire::Bytes(bytes)) => envelope.object = bytes,
                // How the object is zipped or otherwise encoded, which the server leaves empty.
                (3 | 4, Wire::Bytes([])) => {}
                _ => return Err(ProtobufError::custom("an encoding that is not known")),
            }
        }
        Ok(envelope)
    }

    /// The object as a `Status`; `None` where it is none.
    pub(super) fn status(&self) -> Option<Result<Status, ProtobufError>> {
        (&*self.of.kind == "Status").then(|| Status::deserialize(object(&schema::STATUS, self.object)))
    }
}

/// Reads a list: each of its objects is handed to `take`, as a message of its own. `None` where it has no metadata, as every
/// list has.
pub(super) fn read_list<'a>(
    list: &'a [u8],
    mut take: impl FnMut(&'a [u8]) -> Result<(), ProtobufError>,
) -> Result<Option<ListMeta<'a>>, ProtobufError> {
    let (mut fields, mut metadata) = (Fields::new(list), None);
    while let Some((number, wire)) = fields.next()? {
        match (number, wire) {
            (1, Wire::Bytes(bytes)) => metadata = Some(ListMeta::deserialize(object(&schema::LIST_META, bytes))?),
            (2, Wire::Bytes(bytes)) => take(bytes)?,
            (1 | 2, _) => return Err(ProtobufError::custom("a number in place of an object")),
            _ => {}
        }
    }
    Ok(metadata)
}
