//! One line of a watch.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::list::identity;
use super::text::Text;
use super::{DecodeError, RawChange};
use crate::fleet::Interner;

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
    /// The server ends the watch.
    Failed(Status),
}

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
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// Reads one line.
pub(crate) fn watch_event<'a>(line: &'a str, interner: &mut Interner) -> Result<WatchEvent<'a>, DecodeError> {
    let line: Line<'a> = serde_json::from_str(line)?;
    let json = line.object.get();
    if &*line.kind == "ERROR" {
        return Ok(WatchEvent::Failed(serde_json::from_str(json)?));
    }
    let object = identity(json)?;
    let resource_version = object.metadata().resource_version().to_owned();
    let (change, growth) = match &*line.kind {
        "BOOKMARK" => return Ok(WatchEvent::Bookmark { resource_version }),
        "DELETED" => (RawChange::Remove(object.metadata().key(interner)?), -1),
        "ADDED" => (RawChange::Upsert(json.as_bytes()), 1),
        _ => (RawChange::Upsert(json.as_bytes()), 0),
    };
    Ok(WatchEvent::Change { change, resource_version, growth })
}
