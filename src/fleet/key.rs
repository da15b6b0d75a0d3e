//! The identity of an object: kind, namespace, name; and its uid.

use std::fmt;
use std::hash::{Hash, Hasher};

use uuid::Uuid;

use super::{Kind, Sym};
use crate::units::Time;

/// Name and namespace of an object; the namespace of a cluster-scoped object is empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// The namespace, empty for cluster-scoped objects.
    pub namespace: Sym,
    /// `metadata.name`.
    pub name: Sym,
}

impl ObjectKey {
    /// Of an object in a namespace.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: Sym::new(namespace), name: Sym::new(name) }
    }

    /// Of a cluster-scoped object.
    pub fn cluster(name: &str) -> Self {
        Self::new("", name)
    }
}

/// `namespace/name`, or the name alone for cluster-scoped objects.
impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            return f.write_str(&self.name);
        }
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Annotations whose values are times, by their keys: which of them tells of a checkpoint, the user says.
pub type Stamps = Box<[(Sym, Time)]>;

/// The identity of one object among all kinds.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key {
    /// Kind of the object.
    pub kind: Kind,
    /// Namespace and name of the object; the namespace is empty for cluster-scoped objects.
    pub object: ObjectKey,
}

impl Key {
    /// Puts kind and object together.
    pub const fn new(kind: Kind, object: ObjectKey) -> Self {
        Self { kind, object }
    }
}

/// `metadata.uid`. The API server writes UUIDs; anything else is kept as it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Uid {
    /// A UUID in its canonical form.
    Uuid(Uuid),
    /// Any other text.
    Text(Sym),
}

impl Uid {
    /// From the text of `metadata.uid`.
    pub fn parse(text: &str) -> Self {
        canonical_uuid(text).map_or_else(|| Self::Text(Sym::new(text)), Self::Uuid)
    }
}

/// Only the hyphenated lower-case form, so that what is printed is what was read.
fn canonical_uuid(text: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok()?;
    let mut buffer = Uuid::encode_buffer();
    (uuid.hyphenated().encode_lower(&mut buffer) == text).then_some(uuid)
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Uuid(uuid) => fmt::Display::fmt(&uuid.hyphenated(), f),
        }
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `metadata.resourceVersion`. It is opaque, but API servers write a number, which takes less room.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ResourceVersion {
    /// A number as it is usually written: digits without a leading zero.
    Number(u64),
    /// Any other text.
    Text(Sym),
}

impl ResourceVersion {
    /// From the text of `metadata.resourceVersion`.
    pub fn parse(text: &str) -> Self {
        // Only the form that is printed again as it was read.
        let is_canonical = text == "0" || text.starts_with(|first: char| matches!(first, '1'..='9'));
        let number = text.parse().ok().filter(|_| is_canonical);
        number.map_or_else(|| Self::Text(Sym::new(text)), Self::Number)
    }
}

impl fmt::Display for ResourceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => fmt::Display::fmt(number, f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// What every row keeps of `metadata`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Meta {
    /// Namespace and name.
    pub key: ObjectKey,
    /// `metadata.uid`.
    pub uid: Uid,
    /// `metadata.resourceVersion` as last read.
    pub resource_version: ResourceVersion,
    /// `metadata.creationTimestamp`.
    pub created: Time,
    /// `metadata.deletionTimestamp`, which the API server sets to the end of the grace period.
    pub deletion: Option<Time>,
    /// `metadata.deletionGracePeriodSeconds`; zero where absent.
    pub deletion_grace_seconds: i64,
}

impl Meta {
    /// Since when the object is being deleted: the deletion time less the grace period it was given.
    pub fn deleting_since(&self) -> Option<Time> {
        Some(self.deletion?.plus_seconds(self.deletion_grace_seconds.saturating_neg()))
    }
}

/// The owner reference that has `controller: true`, else the first one.
///
/// The order is that of the uids, which differ from owner to owner.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Owner {
    /// `uid`.
    pub uid: Uid,
    /// `apiVersion`, for example `batch/v1`.
    pub api_version: Sym,
    /// `kind`, for example `Job`.
    pub kind: Sym,
    /// `name`.
    pub name: Sym,
}

/// Equal owners have equal uids, and other owners hardly ever have the same.
impl Hash for Owner {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uid.hash(state);
    }
}

impl Owner {
    /// Whether it is a Job of Kubernetes itself: Volcano has a kind of this name, too, in `batch.volcano.sh`.
    pub fn is_batch_job(&self) -> bool {
        self.kind == "Job" && self.api_version.starts_with("batch/")
    }
}

#[cfg(test)]
mod tests {
    use super::{ResourceVersion, Uid};

    #[test]
    fn uids_and_resource_versions_take_few_bytes() {
        assert!(size_of::<Uid>() <= 24, "{}", size_of::<Uid>());
        assert!(size_of::<ResourceVersion>() <= 16, "{}", size_of::<ResourceVersion>());
    }

    #[test]
    fn a_resource_version_is_written_as_it_was_parsed() {
        for text in ["", "0", "7", "18446744073709551615", "18446744073709551616", "007", "+7", "-1", "1a"] {
            assert_eq!(ResourceVersion::parse(text).to_string(), text);
        }
        assert_eq!(ResourceVersion::parse("7"), ResourceVersion::Number(7));
    }

    #[test]
    fn a_uid_is_written_as_it_was_parsed() {
        for text in [
            "0a1b2c3d-0000-4fff-8123-00000000000f",
            "not-a-uuid",
            "0A1B2C3D-0000-4FFF-8123-00000000000F",
            "0a1b2c3d00004fff812300000000000f",
            "{0a1b2c3d-0000-4fff-8123-00000000000f}",
            "urn:uuid:0a1b2c3d-0000-4fff-8123-00000000000f",
            "",
        ] {
            assert_eq!(Uid::parse(text).to_string(), text);
        }
        assert!(matches!(Uid::parse("0a1b2c3d-0000-4fff-8123-00000000000f"), Uid::Uuid(_)));
    }
}
