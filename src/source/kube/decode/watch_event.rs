//! One line of a watch.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::RawChange;
use super::meta::SlimMeta;
use super::protobuf::Envelope;
use super::text::{Text, bounded};
use crate::fleet::{Content, Interner, Kind};

/// What a line of a watch says.
#[derive(Debug)]
pub(crate) enum WatchEvent<'a> {
    /// An object changed.
    Change {
        /// Whether it came, changed or went, and its JSON or its key.
        change: RawChange<'a>,
        /// Its resourceVersion, from which the next watch goes on.
        resource_version: String,
        /// By how many objects the collection has grown.
        growth: i64,
    },
    /// Nothing changed up to this resourceVersion.
    Bookmark {
        /// The resourceVersion from which the next watch can go on.
        resource_version: String,
    },
    /// An object of the kind whose key cannot be read.
    Undecodable,
    /// The server ends the watch.
    Failed(Status),
}

/// Why a line says nothing about the objects that are watched. What it should have said is not known then, so the watch
/// cannot be followed any further.
#[derive(Debug)]
pub(crate) struct NoEvent(
    /// What it says instead, in words that follow "the watch sent".
    pub(crate) String,
);

/// A `metav1.Status`: the API server's words.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug, Default)]
#[serde(default)]
pub(crate) struct Status {
    /// The HTTP status code; zero where none is given.
    pub(crate) code: u16,
    /// What went wrong, in a sentence for people.
    pub(crate) message: String,
    /// One word, for example `Expired`.
    pub(crate) reason: String,
    /// What the message does not say.
    pub(crate) details: Option<StatusDetails>,
}

/// `details` of a `Status`.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug, Default)]
#[serde(default)]
pub(crate) struct StatusDetails {
    /// Single causes.
    pub(crate) causes: Vec<StatusCause>,
}

/// One cause of a `Status`.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug, Default)]
#[serde(default)]
pub(crate) struct StatusCause {
    /// One word, for example `DisruptionBudget`.
    pub(crate) reason: String,
    /// A sentence for people.
    pub(crate) message: String,
}

impl Status {
    /// The message; behind that of an eviction which a PodDisruptionBudget does not allow stands which one, and what it
    /// lacks. The causes of other errors are in their message already.
    pub(crate) fn words(&self) -> String {
        let causes = self.details.iter().flat_map(|details| &details.causes);
        let of_budgets = causes.filter(|cause| cause.reason == "DisruptionBudget").map(|cause| cause.message.as_str());
        std::iter::once(self.message.as_str()).chain(of_budgets).collect::<Vec<_>>().join(" ")
    }
}

/// The `Status` that a body is, in either encoding.
pub(crate) fn status(body: &[u8]) -> Option<Status> {
    match Envelope::of(body) {
        Some(envelope) => envelope.ok()?.status()?.ok(),
        None => serde_json::from_slice(body).ok(),
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    object: Option<&'a RawValue>,
}

/// What is read of a watched object before its row is.
#[derive(Deserialize)]
struct Identity<'a> {
    #[serde(borrow, default)]
    kind: Text<'a>,
    #[serde(borrow)]
    metadata: SlimMeta<'a>,
}

/// What is still read of an object whose metadata cannot be.
#[derive(Deserialize)]
struct KindOnly<'a> {
    #[serde(borrow, default)]
    kind: Text<'a>,
}

/// Reads one line of a watch of `kind`.
pub(crate) fn watch_event<'a>(kind: Kind, text: &'a str, interner: &mut Interner) -> Result<WatchEvent<'a>, NoEvent> {
    let line: Line<'a> = serde_json::from_str(text).map_err(|error| unread(&error))?;
    let Some(json) = line.object.map(RawValue::get) else { return without_object(text) };
    if &*line.kind == "ERROR" {
        let status = serde_json::from_str(json);
        return status.map(WatchEvent::Failed).map_err(|_| NoEvent("an ERROR that is no Status".to_owned()));
    }
    if !matches!(&*line.kind, "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK") {
        return Err(NoEvent(format!("an event of type {:?}", bounded(&line.kind))));
    }
    let Some(metadata) = metadata(kind, json)? else { return Ok(WatchEvent::Undecodable) };
    let Ok(resource_version) = metadata.resource_version().map(str::to_owned) else {
        return Ok(WatchEvent::Undecodable);
    };
    let (change, growth) = match &*line.kind {
        "BOOKMARK" => return Ok(WatchEvent::Bookmark { resource_version }),
        "ADDED" => (RawChange::Upsert(json.as_bytes()), 1),
        "MODIFIED" => (RawChange::Upsert(json.as_bytes()), 0),
        _deleted => match metadata.key(interner) {
            Ok(key) => (RawChange::Remove(key), -1),
            Err(_) => return Ok(WatchEvent::Undecodable),
        },
    };
    Ok(WatchEvent::Change { change, resource_version, growth })
}

/// What is no event may be a `Status` that says why there are none.
fn without_object(text: &str) -> Result<WatchEvent<'_>, NoEvent> {
    let status = serde_json::from_str::<KindOnly<'_>>(text).ok().filter(|found| &*found.kind == "Status");
    let status = status.and_then(|_| serde_json::from_str(text).ok());
    status.map(WatchEvent::Failed).ok_or_else(|| NoEvent("an event without object".to_owned()))
}

/// The metadata of an object of `kind`; `None` where it cannot be decoded.
fn metadata(kind: Kind, json: &str) -> Result<Option<SlimMeta<'_>>, NoEvent> {
    let (found, metadata) = match serde_json::from_str::<Identity<'_>>(json) {
        Ok(object) => (object.kind, Some(object.metadata)),
        Err(_) => (serde_json::from_str::<KindOnly<'_>>(json).map_err(|error| unread(&error))?.kind, None),
    };
    if is_of(kind, &found) { Ok(metadata) } else { Err(NoEvent(another(&found, kind))) }
}

fn unread(error: &serde_json::Error) -> NoEvent {
    NoEvent(format!("a line that cannot be read: {error}"))
}

fn is_of(kind: Kind, found: &str) -> bool {
    let spec = kind.spec();
    found == spec.name || (spec.content == Content::Metadata && found == "PartialObjectMetadata")
}

fn another(found: &str, wanted: Kind) -> String {
    let wanted = wanted.spec().name;
    match &*bounded(found) {
        "" => format!("an object without kind, not a {wanted}"),
        found => format!("a {found}, not a {wanted}"),
    }
}
