//! One page of a list.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::other::SlimObject;
use super::protobuf::{self, Envelope, Message, ProtobufError};
use super::text::{Text, bounded};
use super::{DecodeError, ForKind, Project, Status, Undecodable, dispatch, key_of};
use crate::fleet::{Change, Content, Delta, Interner, Kind, ObjectKey};

/// How many rows a Delta holds at most, so that applying one never keeps a key press waiting: 2 ms at 100,000 pods.
pub(crate) const BATCH_ROWS: usize = 125;

/// How many objects a page has at most, whatever was asked for, which is 1,500 at most.
const MAX_OBJECTS: u32 = 20_000;

fn too_many<E: Error>() -> E {
    E::custom(format_args!("a page of more than {MAX_OBJECTS} objects"))
}

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
    /// Not the protobuf of an object.
    Protobuf(ProtobufError),
}

/// Decodes a page. One object that cannot be decoded is added to `undecodable`, and does not fail the page.
pub(crate) fn page(
    kind: Kind,
    body: &[u8],
    interner: &mut Interner,
    undecodable: &mut Undecodable,
) -> Result<Page, NoPage> {
    match Envelope::of(body) {
        Some(envelope) => protobuf_page(kind, &envelope.map_err(NoPage::Protobuf)?, interner, undecodable),
        None => json_page(kind, body, interner, undecodable),
    }
}

fn protobuf_page(
    kind: Kind,
    list: &Envelope<'_>,
    interner: &mut Interner,
    undecodable: &mut Undecodable,
) -> Result<Page, NoPage> {
    if let Some(status) = list.status() {
        return Err(status.map_or_else(NoPage::Protobuf, NoPage::Status));
    }
    let message = protobuf::message(kind).filter(|_| is_list_of(kind, &list.of.kind, &list.of.api_version));
    let message = message.ok_or_else(|| NoPage::Other(named(&list.of.kind, &list.of.api_version)))?;
    dispatch(kind, ReadProtobuf { message, list: list.object, interner, undecodable })
}

fn json_page(kind: Kind, json: &[u8], interner: &mut Interner, undecodable: &mut Undecodable) -> Result<Page, NoPage> {
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
pub(super) struct ListMeta<'a> {
    #[serde(borrow)]
    resource_version: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "continue")]
    continue_token: Option<Cow<'a, str>>,
}

/// What a list says besides its objects.
#[derive(Default)]
struct Head<'a> {
    kind: Text<'a>,
    api_version: Text<'a>,
    metadata: ListMeta<'a>,
    /// Whether there are items, even if none; `null` is how Go writes a list without a slice.
    has_items: bool,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    Kind,
    ApiVersion,
    Metadata,
    Items,
    #[serde(other)]
    Other,
}

impl Head<'_> {
    /// Whether it is that of a list of `kind`'s objects; an error says what it is instead.
    fn check(&self, kind: Kind, json: &[u8]) -> Result<(), NoPage> {
        if &*self.kind == "Status" {
            return Err(serde_json::from_slice(json).map_or_else(NoPage::Json, NoPage::Status));
        }
        if !is_list_of(kind, &self.kind, &self.api_version) {
            return Err(NoPage::Other(named(&self.kind, &self.api_version)));
        }
        if self.has_items {
            return Ok(());
        }
        Err(NoPage::Other(format!("{} without items", named(&self.kind, ""))))
    }
}

/// Reads a list. Each object is taken before the next one is read: an object of three bytes becomes a thousand before it is
/// a row, and a page may have millions of them.
fn read_list<'de, T: Deserialize<'de>>(json: &'de [u8], take: impl FnMut(T)) -> serde_json::Result<Head<'de>> {
    let mut json = serde_json::Deserializer::from_slice(json);
    let head = json.deserialize_map(ListVisitor { take, object: PhantomData })?;
    json.end()?;
    Ok(head)
}

struct ListVisitor<T, F> {
    take: F,
    object: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for ListVisitor<T, F> {
    type Value = Head<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut head = Head::default();
        while let Some(field) = map.next_key()? {
            match field {
                Field::Kind => head.kind = map.next_value()?,
                Field::ApiVersion => head.api_version = map.next_value()?,
                Field::Metadata => head.metadata = map.next_value::<Option<_>>()?.unwrap_or_default(),
                Field::Items if head.has_items => return Err(A::Error::duplicate_field("items")),
                Field::Items => {
                    map.next_value_seed(Items { take: &mut self.take, object: PhantomData })?;
                    head.has_items = true;
                }
                Field::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(head)
    }
}

struct Items<'f, T, F> {
    take: &'f mut F,
    object: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> DeserializeSeed<'de> for Items<'_, T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Items<'_, T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut count = 0;
        while let Some(object) = items.next_element()? {
            if count == MAX_OBJECTS {
                return Err(too_many());
            }
            count += 1;
            (self.take)(object);
        }
        Ok(())
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

impl<'b> ForKind for ReadPage<'b> {
    type Out = Result<Page, NoPage>;

    /// Almost always every object is well-formed, so the page is decoded in one go; only when that fails is each object
    /// found first and decoded by itself.
    fn run<P: Project>(self) -> Self::Out {
        let Self { kind, json, interner, undecodable } = self;
        let (mut rows, mut is_whole) = (Rows::<P>::new(), true);
        let head = read_list::<P::Slim<'b>>(json, |slim| match P::row(&slim, interner) {
            Ok(row) => rows.push(row),
            Err(_) => is_whole = false,
        });
        if let Ok(head) = head
            && is_whole
        {
            head.check(kind, json)?;
            return Ok(rows.page(&head.metadata));
        }
        let mut rows = Rows::<P>::new();
        let head = read_list::<&RawValue>(json, |raw| {
            let json = raw.get().as_bytes();
            if let Ok(row) = super::object::<P>(json, interner) {
                rows.push(row);
            } else {
                rows.objects += 1;
                undecodable.add(key_of(json, interner));
            }
        });
        let head = head.map_err(NoPage::Json)?;
        head.check(kind, json)?;
        Ok(rows.page(&head.metadata))
    }
}

struct ReadProtobuf<'b> {
    message: &'static Message,
    list: &'b [u8],
    interner: &'b mut Interner,
    undecodable: &'b mut Undecodable,
}

impl ForKind for ReadProtobuf<'_> {
    type Out = Result<Page, NoPage>;

    fn run<P: Project>(self) -> Self::Out {
        let Self { message, list, interner, undecodable } = self;
        let mut rows = Rows::<P>::new();
        let metadata = protobuf::read_list(list, |bytes| {
            if rows.objects == u64::from(MAX_OBJECTS) {
                return Err(too_many());
            }
            if let Ok(row) = protobuf_row::<P>(message, bytes, interner) {
                rows.push(row);
            } else {
                rows.objects += 1;
                undecodable.add(protobuf_key(message, bytes, interner));
            }
            Ok(())
        });
        let metadata = metadata.map_err(NoPage::Protobuf)?;
        let metadata = metadata.ok_or_else(|| NoPage::Other("a list without metadata".to_owned()))?;
        Ok(rows.page(&metadata))
    }
}

pub(super) fn protobuf_row<P: Project>(
    message: &'static Message,
    bytes: &[u8],
    interner: &mut Interner,
) -> Result<P::Row, DecodeError> {
    P::row(&P::Slim::deserialize(protobuf::object(message, bytes))?, interner)
}

/// The key of an object that cannot be decoded as a whole.
fn protobuf_key(message: &'static Message, bytes: &[u8], interner: &mut Interner) -> Option<ObjectKey> {
    let object = SlimObject::deserialize(protobuf::object(message, bytes)).ok()?;
    object.metadata().key(interner).ok()
}

/// The objects of a page, as rows.
struct Rows<P: Project> {
    deltas: Vec<Delta>,
    changes: Vec<Change<P::Row>>,
    /// Those that cannot be decoded included.
    objects: u64,
}

impl<P: Project> Rows<P> {
    const fn new() -> Self {
        Self { deltas: Vec::new(), changes: Vec::new(), objects: 0 }
    }

    fn push(&mut self, row: P::Row) {
        self.objects += 1;
        self.changes.push(Change::Upsert(row));
        if self.changes.len() == BATCH_ROWS {
            self.deltas.push(P::delta(std::mem::take(&mut self.changes)));
        }
    }

    fn page(mut self, meta: &ListMeta<'_>) -> Page {
        if !self.changes.is_empty() {
            self.deltas.push(P::delta(self.changes));
        }
        Page {
            deltas: self.deltas,
            objects: self.objects,
            resource_version: meta.resource_version.as_deref().unwrap_or_default().to_owned(),
            continue_token: meta.continue_token.as_deref().unwrap_or_default().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static HELD: Cell<usize> = const { Cell::new(0) };
    }

    /// Counts itself.
    struct Counted;

    impl<'de> Deserialize<'de> for Counted {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            HELD.set(HELD.get() + 1);
            IgnoredAny::deserialize(deserializer).map(|_| Self)
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            HELD.set(HELD.get() - 1);
        }
    }

    fn list_of(objects: u32) -> String {
        let objects = vec!["{}"; objects as usize].join(",");
        format!(r#"{{"items":[{objects}],"metadata":{{"continue":"c"}},"more":[1],"kind":"PodList"}}"#)
    }

    #[test]
    fn no_more_than_one_object_of_a_page_is_held_before_it_is_a_row() {
        let mut taken = 0;
        let json = list_of(100);
        let head = read_list::<Counted>(json.as_bytes(), |_| {
            assert_eq!(HELD.get(), 1);
            taken += 1;
        });
        let head = head.unwrap();
        assert_eq!((taken, &*head.kind, head.metadata.continue_token.as_deref()), (100, "PodList", Some("c")));
    }

    #[test]
    fn a_page_has_a_limit_of_objects() {
        assert!(read_list::<IgnoredAny>(list_of(MAX_OBJECTS).as_bytes(), |_| ()).is_ok());
        let json = list_of(MAX_OBJECTS + 1);
        let page = page(Kind::Pod, json.as_bytes(), &mut Interner::default(), &mut Undecodable::default());
        assert!(
            matches!(page, Err(NoPage::Json(error)) if error.to_string().starts_with("a page of more than 20000 objects"))
        );
    }

    #[test]
    fn items_that_come_twice_or_are_no_array_are_none_and_null_is_an_empty_list() {
        let head = |json: &'static str| read_list::<IgnoredAny>(json.as_bytes(), |_| ());
        for json in [r#"{"items":[],"items":[]}"#, r#"{"items":{}}"#, r#"{"items":"x"}"#, r#"{"items":[]} {}"#] {
            assert!(head(json).is_err(), "{json}");
        }
        assert!(head(r#"{"items":null,"metadata":null,"kind":null}"#).unwrap().has_items);
        assert!(!head("{}").unwrap().has_items);
    }
}
