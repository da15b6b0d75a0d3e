//! Kubernetes objects, projected to fleet rows.
//!
//! Only what is shown is decoded, into structs that borrow from the response: a pod of 10 KB costs 9 µs and 3 KB of
//! short-lived memory instead of 67 µs and 96 KB for the full type. Values that a newer server may write are kept as text or
//! mapped to "unknown"; they never fail.

mod amounts;
mod claim;
mod condition;
mod dra;
mod error;
mod event;
mod event_class;
mod job;
mod karpenter;
mod list;
mod meta;
mod node;
mod other;
mod placement;
mod pod;
mod pod_spec;
mod pod_start;
mod pod_status;
mod pool;
mod protobuf;
#[cfg(test)]
mod tests;
mod text;
mod undecodable;
mod watch_event;

pub use error::DecodeError;
pub(crate) use list::{BATCH_ROWS, NoPage, Page, list_kind, page};
pub(crate) use protobuf::MEDIA_TYPE as PROTOBUF;
pub(crate) use text::bounded;
pub(crate) use undecodable::Undecodable;
pub(crate) use watch_event::{NoEvent, Status, WatchEvent, status, watch_event};

use crate::fleet::{Change, Delta, Interner, Kind, KindRows, ObjectKey, Row, kind_table, kinds};

/// Whether the API server encodes the objects of a kind in protobuf, too, and what is read of them is known.
pub(crate) fn is_in_protobuf(kind: Kind) -> bool {
    protobuf::message(kind).is_some()
}

/// A change whose object is still JSON.
#[derive(Clone, Debug)]
pub enum RawChange<'a> {
    /// A relist begins.
    Begin,
    /// An object came or changed; its JSON.
    Upsert(&'a [u8]),
    /// An object was deleted.
    Remove(ObjectKey),
    /// The relist is complete.
    Commit,
}

/// Decodes a batch of changes of one kind, in order. The number tells how many objects could not be decoded.
pub fn delta(kind: Kind, raw: &[RawChange<'_>], interner: &mut Interner) -> (Delta, u64) {
    let mut undecodable = Undecodable::default();
    let delta = changes(kind, raw, interner, &mut undecodable);
    (delta, undecodable.count())
}

/// Decodes a batch of changes of one kind, in order, and keeps account of what cannot be decoded.
pub(crate) fn changes(
    kind: Kind,
    raw: &[RawChange<'_>],
    interner: &mut Interner,
    undecodable: &mut Undecodable,
) -> Delta {
    dispatch(kind, Batch { raw, interner, undecodable })
}

/// Decodes a list, in JSON or in protobuf. The number tells how many objects could not be decoded.
///
/// # Errors
/// What the body is instead of a list of this kind.
pub fn list(kind: Kind, body: &[u8]) -> Result<(Vec<Delta>, u64), String> {
    let mut undecodable = Undecodable::default();
    let page = page(kind, body, &mut Interner::default(), &mut undecodable).map_err(|why| format!("{why:?}"))?;
    Ok((page.deltas, undecodable.count()))
}

/// Decodes the objects of one kind. It is implemented for each type in [`kinds`], beside the decoder.
trait Project: KindRows {
    /// What is read of an object.
    type Slim<'a>: serde::Deserialize<'a>;
    /// Makes the row of it.
    fn row(slim: &Self::Slim<'_>, interner: &mut Interner) -> Result<Self::Row, DecodeError>;
}

/// Says that a relist begins, or that it is complete.
pub(crate) fn marker(kind: Kind, raw: RawChange<'_>) -> Delta {
    delta(kind, &[raw], &mut Interner::default()).0
}

/// Something to be done in the same way for every kind.
trait ForKind {
    /// What it results in, the same type for every kind.
    type Out;
    /// Does it for one kind.
    fn run<P: Project>(self) -> Self::Out;
}

macro_rules! define_dispatch {
    ($($(#[$doc:meta])* $kind:ident => $rows:ident($row:ident) in $table:ident: $store:ident, by $apply:ident {
        $($spec:tt)*
    })+) => {
        /// Does `what` for `kind`: the one place that pairs kinds with their decoders.
        fn dispatch<W: ForKind>(kind: Kind, what: W) -> W::Out {
            match kind {
                $(Kind::$kind => what.run::<kinds::$rows>(),)+
            }
        }
    };
}

kind_table!(define_dispatch);

struct Batch<'b, 'a> {
    raw: &'b [RawChange<'a>],
    interner: &'b mut Interner,
    undecodable: &'b mut Undecodable,
}

impl ForKind for Batch<'_, '_> {
    type Out = Delta;

    fn run<P: Project>(self) -> Self::Out {
        let mut changes = Vec::with_capacity(self.raw.len());
        for raw in self.raw {
            match raw {
                RawChange::Begin => changes.push(Change::Begin),
                RawChange::Commit => changes.push(Change::Commit),
                RawChange::Remove(key) => {
                    self.undecodable.remove(key);
                    changes.push(Change::Remove(key.clone()));
                }
                RawChange::Upsert(json) => {
                    if let Ok(row) = object::<P>(json, self.interner) {
                        self.undecodable.remove(&row.meta().key);
                        changes.push(Change::Upsert(row));
                    } else {
                        // It leaves: its old row would be a lie, and a relist would not find it either.
                        let key = key_of(json, self.interner);
                        self.undecodable.add(key.clone());
                        changes.extend(key.map(Change::Remove));
                    }
                }
            }
        }
        P::delta(changes)
    }
}

/// The key of an object that cannot be decoded as a whole.
fn key_of(json: &[u8], interner: &mut Interner) -> Option<ObjectKey> {
    let object: other::SlimObject<'_> = serde_json::from_slice(json).ok()?;
    object.metadata().key(interner).ok()
}

fn object<P: Project>(json: &[u8], interner: &mut Interner) -> Result<P::Row, DecodeError> {
    P::row(&serde_json::from_slice(json)?, interner)
}
