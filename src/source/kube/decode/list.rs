//! One page of a list.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::other::SlimObject;
use super::text::{Text, or_default};
use super::{DecodeError, ForKind, Project, dispatch};
use crate::fleet::{Change, Delta, Interner, Kind};

/// How many rows a Delta holds at most, so that applying one never keeps a key press waiting.
pub(crate) const BATCH_ROWS: usize = 500;

/// A page of a list, decoded.
#[derive(Debug)]
pub(crate) struct Page {
    /// An upsert for each object, in batches of at most [`BATCH_ROWS`].
    pub(crate) deltas: Vec<Delta>,
    /// How many objects the page has, undecodable ones included.
    pub(crate) objects: u64,
    /// How many of them could not be decoded.
    pub(crate) undecodable: u64,
    /// `metadata.resourceVersion` of the list.
    pub(crate) resource_version: String,
    /// `metadata.continue`; empty on the last page.
    pub(crate) continue_token: String,
}

/// Decodes a page. One object that cannot be decoded is counted, and does not fail the page.
pub(crate) fn page(kind: Kind, json: &[u8], interner: &mut Interner) -> Result<Page, DecodeError> {
    dispatch(kind, ReadPage { json, interner })
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ListMeta<'a> {
    #[serde(borrow)]
    resource_version: Text<'a>,
    #[serde(borrow, rename = "continue")]
    continue_token: Text<'a>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>, 'de: 'a"))]
struct List<'a, T> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    metadata: ListMeta<'a>,
    #[serde(default = "Vec::new", deserialize_with = "or_default")]
    items: Vec<T>,
}

struct ReadPage<'b> {
    json: &'b [u8],
    interner: &'b mut Interner,
}

impl ForKind for ReadPage<'_> {
    type Out = Result<Page, DecodeError>;

    /// Almost always every object is well-formed, so the page is decoded in one go; only when that fails is each object
    /// found first and decoded by itself.
    fn run<P: Project>(self) -> Self::Out {
        match serde_json::from_slice::<List<'_, P::Slim<'_>>>(self.json) {
            Ok(list) => {
                let rows = list.items.iter().map(|slim| P::row(slim, self.interner));
                Ok(assemble::<P>(&list.metadata, rows))
            }
            Err(_) => item_by_item::<P>(self.json, self.interner),
        }
    }
}

fn item_by_item<P: Project>(json: &[u8], interner: &mut Interner) -> Result<Page, DecodeError> {
    let list: List<'_, &RawValue> = serde_json::from_slice(json)?;
    let rows = list.items.iter().map(|raw| super::object::<P>(raw.get().as_bytes(), interner));
    Ok(assemble::<P>(&list.metadata, rows))
}

fn assemble<P: Project>(meta: &ListMeta<'_>, rows: impl Iterator<Item = Result<P::Row, DecodeError>>) -> Page {
    let (mut deltas, mut changes) = (Vec::new(), Vec::new());
    let (mut objects, mut undecodable) = (0, 0);
    for row in rows {
        objects += 1;
        match row {
            Ok(row) => changes.push(Change::Upsert(row)),
            Err(_) => undecodable += 1,
        }
        if changes.len() == BATCH_ROWS {
            deltas.push(P::delta(std::mem::take(&mut changes)));
        }
    }
    if !changes.is_empty() {
        deltas.push(P::delta(changes));
    }
    Page {
        deltas,
        objects,
        undecodable,
        resource_version: meta.resource_version.to_string(),
        continue_token: meta.continue_token.to_string(),
    }
}

/// The key of an object that may otherwise be undecodable.
pub(super) fn identity(json: &str) -> Result<SlimObject<'_>, DecodeError> {
    Ok(serde_json::from_str(json)?)
}
