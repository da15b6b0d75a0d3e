//! The kinds, and what is known of each before any cluster is asked.

use super::kind_table::kind_table;

/// The entry of one kind in the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KindSpec {
    /// The kind as Kubernetes writes it in `kind:`.
    pub name: &'static str,
    /// The resource as `kubectl get` takes it.
    pub resource: &'static str,
    /// The name of its Source, where that is not the resource.
    pub source: Option<&'static str>,
    /// The API group, empty for the core group.
    pub group: &'static str,
    /// The versions of the group that can be decoded, the best first; never empty.
    pub versions: &'static [&'static str],
    /// Whether its objects live in namespaces.
    pub scope: Scope,
    /// Whether it is in every cluster.
    pub need: Need,
    /// When its stream starts.
    pub start: Start,
    /// The part of its objects that is read.
    pub content: Content,
    /// Which of its objects are read, as a label selector; `None` for all.
    pub label_selector: Option<&'static str>,
    /// How it was called in an old version of its API.
    pub former: Option<Former>,
}

/// The name that a kind had in an old version of its API.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Former {
    /// The version.
    pub version: &'static str,
    /// The kind as `kind:` had it.
    pub name: &'static str,
    /// The resource.
    pub resource: &'static str,
}

/// Whether objects of a kind live in namespaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Objects without namespace.
    Cluster,
    /// Objects in namespaces.
    Namespaced,
}

/// Whether a kind is in every cluster.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// In every cluster, and batchtop is of no use without it.
    Essential,
    /// In every cluster.
    Standard,
    /// Defined by a CustomResourceDefinition, or by newer versions of Kubernetes only: read while the cluster serves it.
    Optional,
}

/// When the stream of a kind starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// At once: it is what the first screen shows.
    First,
    /// When the first ones have been listed.
    Later,
}

/// What is read of the objects of a kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    /// The whole object.
    Object,
    /// The `metadata` of the object alone.
    Metadata,
}

impl KindSpec {
    /// For the fields that few kinds need.
    const DEFAULT: Self = Self {
        name: "",
        resource: "",
        source: None,
        group: "",
        versions: &[],
        scope: Scope::Namespaced,
        need: Need::Optional,
        start: Start::Later,
        content: Content::Object,
        label_selector: None,
        former: None,
    };

    /// The version to use where the server does not tell which ones it has.
    pub const fn best_version(&self) -> &'static str {
        self.versions[0]
    }

    /// The resource as it is called in a version of its API.
    pub fn resource_in(&self, version: &str) -> &'static str {
        self.former.filter(|former| former.version == version).map_or(self.resource, |former| former.resource)
    }

    /// Every resource that it is or was called.
    pub fn resources(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.resource).chain(self.former.map(|former| former.resource))
    }

    /// Whether it is read only where the cluster serves it.
    pub const fn is_optional(&self) -> bool {
        matches!(self.need, Need::Optional)
    }

    /// Whether its stream is among the first.
    pub const fn starts_first(&self) -> bool {
        matches!(self.start, Start::First)
    }
}

macro_rules! define_kinds {
    ($($(#[$doc:meta])* $kind:ident => $rows:ident($row:ident) in $table:ident: $store:ident, by $apply:ident {
        $($spec:tt)*
    })+) => {
        /// The kinds that batchtop watches, in the order of `sources`.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Kind {
            $($(#[$doc])* $kind,)+
        }

        /// Every kind, in the order of the table.
        const KINDS: &[Kind] = &[$(Kind::$kind),+];

        impl Kind {
            /// The entry of the kind in the table.
            pub const fn spec(self) -> &'static KindSpec {
                match self {
                    $(Self::$kind => {
                        const SPEC: KindSpec = KindSpec { $($spec)* ..KindSpec::DEFAULT };
                        &SPEC
                    })+
                }
            }
        }
    };
}

kind_table!(define_kinds);

impl Kind {
    /// Every kind, in the order in which streams are started: what paints the first screen comes first.
    pub const ALL: [Self; KINDS.len()] = in_start_order();

    /// The kind as Kubernetes writes it in `kind:`.
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    /// The resource as `kubectl get` takes it.
    pub const fn resource(self) -> &'static str {
        self.spec().resource
    }

    /// The name of its Source.
    pub const fn source(self) -> &'static str {
        match self.spec().source {
            Some(name) => name,
            None => self.resource(),
        }
    }

    /// Whether batchtop is of no use without it.
    pub const fn is_essential(self) -> bool {
        matches!(self.spec().need, Need::Essential)
    }
}

const fn in_start_order() -> [Kind; KINDS.len()] {
    let mut order = [KINDS[0]; KINDS.len()];
    let filled = fill(&mut order, 0, Start::First);
    fill(&mut order, filled, Start::Later);
    order
}

/// Appends the kinds that start then, and says how many kinds there are now.
const fn fill(order: &mut [Kind; KINDS.len()], mut filled: usize, start: Start) -> usize {
    let mut at = 0;
    while at < KINDS.len() {
        if KINDS[at].spec().start as u8 == start as u8 {
            order[filled] = KINDS[at];
            filled += 1;
        }
        at += 1;
    }
    filled
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_is_listed_once_and_kinds_that_start_first_lead() {
        let all = BTreeSet::from(Kind::ALL);
        assert_eq!(all.len(), KINDS.len());
        assert!(all.iter().eq(KINDS), "the order of the table is the order of the enum");
        assert_eq!(Kind::ALL[..3], [Kind::Node, Kind::NodeClaim, Kind::NodePool]);
        assert!(Kind::ALL.is_sorted_by_key(|kind| !kind.spec().starts_first()));
    }

    #[test]
    fn every_entry_of_the_kind_table_is_complete_with_a_unique_source_name() {
        for kind in Kind::ALL {
            let spec = kind.spec();
            assert!(!spec.name.is_empty() && !spec.versions.is_empty(), "{kind:?}");
            let is_resource = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            assert!(!spec.resource.is_empty() && spec.resource.chars().all(is_resource), "{kind:?}");
            assert!(spec.is_optional() || !spec.group.contains('.'), "{kind:?} is not in every cluster");
        }
        let sources: BTreeSet<&str> = Kind::ALL.into_iter().map(Kind::source).collect();
        assert_eq!(sources.len(), KINDS.len());
    }
}
