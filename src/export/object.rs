//! References to objects.

use schemars::JsonSchema;
use serde::Serialize;

use super::value::{Text, text, unless_empty};
use crate::fleet::{Key, ObjectKey, Sym};

/// A Kubernetes object, by kind, namespace and name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    /// `kind`.
    pub kind: Text,
    /// Its namespace; null for an object of the cluster.
    pub namespace: Option<Text>,
    /// `metadata.name`.
    pub name: Text,
}

impl Object {
    pub(super) fn new(kind: Sym, key: &ObjectKey) -> Self {
        Self { kind: Text(kind), namespace: unless_empty(&key.namespace), name: text(&key.name) }
    }

    pub(super) fn of(key: &Key) -> Self {
        Self::new(Sym::new(key.kind.name()), &key.object)
    }
}
