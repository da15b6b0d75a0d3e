//! One page of a list.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::text::{Text, bounded, or_default};
use super::{ForKind, Project, Status, Undecodable, dispatch, key_of};
use crate::fleet::{Change, Content, Delta, Interner, Kind};

/// How many rows a Delta holds at most, so that applying one never keeps a key press waiting: 2 ms at 100,000 pods.
pub(crate) const BATCH_ROWS: usize = 125;

/// A page of a list, decoded.
#[derive(Debug)]
pub(crate) struct Page {
    /// An upsert for each object, in batches of at most [`BATCH_ROWS`].
    pub(crate) deltas: Vec<Delta>,
    /// How many objects the page has, undecodable ones included.
    pub(crate) objects: u64,
    /// `metadata.resourceVersion` of the list.
    pub(crate) resource_version: String,
    /// `metadata.continue`; empty on the last page.
    pub(crate) continue_token: String,
}

/// Why an answer is no page of the list that was asked for. To take it for an empty page would be to say that there are no
/// objects: of a list that goes wrong that is the one thing that must not be said.
#[derive(Debug)]
pub(crate) enum NoPage {
    /// A `Status`: the API server says why there is no list.
    Status(Status),
    /// Something else, in words that follow "the answer is".
    Other(String),
    /// Not the JSON of an object.
    Json(serde_json::Error),
}

/// Decodes a page. One object that cannot be decoded is added to `undecodable`, and does not fail the page.
pub(crate) fn page(
    kind: Kind,
    json: &[u8],
    interner: &mut Interner,
    undecodable: &mut Undecodable,
) -> Result<Page, NoPage> {
    if json.trim_ascii_start().first() != Some(&b'{') {
        // Where an object is expected, serde takes an array for its fields in order.
        return Err(NoPage::Other("not a JSON object".to_owned()));
    }
    dispatch(kind, ReadPage { kind, json, interner, undecodable })
}

/// `kind` of the list of a kind.
pub(crate) fn list_kind(kind: Kind) -> String {
    format!("{}List", kind.spec().name)
}

/// Whether a list of this `kind` and `apiVersion` is one of `kind`'s objects.
///
/// Go clients look the two up in a table of types, and refuse what is of another one. A CustomResourceDefinition may name
/// its list otherwise (`spec.names.listKind`), so of these any `kind` will do that ends in `List`. The group of
/// `apiVersion` is always that of the resource (kubernetes apiextensions-apiserver pkg/apiserver/customresource_handler.go).
fn is_list_of(kind: Kind, list_kind_found: &str, api_version: &str) -> bool {
    let spec = kind.spec();
    if spec.content == Content::Metadata && list_kind_found == "PartialObjectMetadataList" {
        return true;
    }
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let is_group = api_version.is_empty() || group == spec.group;
    let is_kind =
        if spec.is_optional() { list_kind_found.ends_with("List") } else { list_kind_found == list_kind(kind) };
    is_group && is_kind
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ListMeta<'a> {
    #[serde(borrow)]
    resource_version: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "continue")]
    continue_token: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>, 'de: 'a"))]
struct List<'a, T> {
    #[serde(borrow, default)]
    kind: Text<'a>,
    #[serde(borrow, default, rename = "apiVersion")]
    api_version: Text<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    metadata: ListMeta<'a>,
    /// `None` where the field is absent; `null` is how Go writes a list without a slice.
    #[serde(default = "absent", deserialize_with = "or_empty")]
    items: Option<Vec<T>>,
}

fn absent<T>() -> Option<T> {
    None
}

fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Vec<T>>, D::Error> {
    or_default(deserializer).map(Some)
}

impl<T> List<'_, T> {
    /// Its objects, if it is a list of `kind`'s.
    fn items_of(&self, kind: Kind, json: &[u8]) -> Result<&[T], NoPage> {
        if &*self.kind == "Status" {
            return Err(serde_json::from_slice(json).map_or_else(NoPage::Json, NoPage::Status));
        }
        if !is_list_of(kind, &self.kind, &self.api_version) {
            return Err(NoPage::Other(named(&self.kind, &self.api_version)));
        }
        let items = self.items.as_deref();
        items.ok_or_else(|| NoPage::Other(format!("{} without items", named(&self.kind, ""))))
    }
}

/// An object of another kind, as a noun.
fn named(kind: &str, api_version: &str) -> String {
    let (kind, api_version) = (bounded(kind), bounded(api_version));
    match (&*kind, &*api_version) {
        ("", _) => "an object without kind".to_owned(),
        (kind, "") => format!("a {kind}"),
        (kind, api_version) => format!("a {kind} of {api_version}"),
    }
}

struct ReadPage<'b> {
    kind: Kind,
    json: &'b [u8],
    interner: &'b mut Interner,
    undecodable: &'b mut Undecodable,
}

impl ForKind for ReadPage<'_> {
    type Out = Result<Page, NoPage>;

    /// Almost always every object is well-formed, so the page is decoded in one go; only when that fails is each object
    /// found first and decoded by itself.
    fn run<P: Project>(self) -> Self::Out {
        let Ok(list) = serde_json::from_slice::<List<'_, P::Slim<'_>>>(self.json) else {
            return self.item_by_item::<P>();
        };
        let items = list.items_of(self.kind, self.json)?;
        let objects = items.len();
        let rows: Result<Vec<P::Row>, _> = items.iter().map(|slim| P::row(slim, self.interner)).collect();
        match rows {
            Ok(rows) => Ok(assemble::<P>(&list.metadata, rows, objects)),
            Err(_) => self.item_by_item::<P>(),
        }
    }
}

impl ReadPage<'_> {
    fn item_by_item<P: Project>(self) -> Result<Page, NoPage> {
        let list: List<'_, &RawValue> = serde_json::from_slice(self.json).map_err(NoPage::Json)?;
        let items = list.items_of(self.kind, self.json)?;
        let mut rows = Vec::with_capacity(items.len());
        for raw in items {
            let json = raw.get().as_bytes();
            match super::object::<P>(json, self.interner) {
                Ok(row) => rows.push(row),
                Err(_) => self.undecodable.add(key_of(json, self.interner)),
            }
        }
        Ok(assemble::<P>(&list.metadata, rows, items.len()))
    }
}

fn assemble<P: Project>(meta: &ListMeta<'_>, rows: Vec<P::Row>, objects: usize) -> Page {
    let mut deltas = Vec::with_capacity(rows.len().div_ceil(BATCH_ROWS));
    let mut changes = Vec::with_capacity(rows.len().min(BATCH_ROWS));
    for row in rows {
        changes.push(Change::Upsert(row));
        if changes.len() == BATCH_ROWS {
            deltas.push(P::delta(std::mem::take(&mut changes)));
        }
    }
    if !changes.is_empty() {
        deltas.push(P::delta(changes));
    }
    Page {
        deltas,
        objects: u64::try_from(objects).unwrap_or(u64::MAX),
        resource_version: meta.resource_version.as_deref().unwrap_or_default().to_owned(),
        continue_token: meta.continue_token.as_deref().unwrap_or_default().to_owned(),
    }
}
