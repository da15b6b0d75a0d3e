//! What the v1 and v1beta1 kinds of karpenter.sh share.

use serde::Deserialize;

use super::text::{Text, bounded_name};
use crate::fleet::{Interner, NodeClassRef};
use crate::units::Lifetime;

/// `nodeClassRef`: `group` in v1, `apiVersion` in v1beta1.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SlimClassRef<'a> {
    #[serde(borrow)]
    group: Text<'a>,
    #[serde(borrow)]
    api_version: Text<'a>,
    #[serde(borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
}

impl SlimClassRef<'_> {
    /// The reference, unless it is empty.
    pub(super) fn class(&self, interner: &mut Interner) -> Option<NodeClassRef> {
        let name = self.name.some()?;
        let group = self.group.some().or_else(|| self.api_version.split_once('/').map(|(group, _)| group));
        Some(NodeClassRef {
            group: interner.sym(&bounded_name(group.unwrap_or_default())),
            kind: interner.sym(&bounded_name(&self.kind)),
            name: interner.sym(&bounded_name(name)),
        })
    }
}

/// A duration that may be absent or `Never`.
pub(super) fn lifetime(text: &Text<'_>) -> Lifetime {
    text.some().map_or(Lifetime::Unset, Lifetime::parse)
}

/// Whole seconds of a duration that may be absent.
pub(super) fn seconds(text: &Text<'_>) -> Option<i64> {
    match lifetime(text) {
        Lifetime::Seconds(seconds) => Some(seconds),
        Lifetime::Never | Lifetime::Unset | Lifetime::Invalid => None,
    }
}
