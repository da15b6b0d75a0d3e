//! Completeness of the tables: a sum over a table that is not complete is not known.

use crate::fleet::{Health, Kind, SourceId, Sources};

/// Which kinds are known completely, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Completeness<'a> {
    sources: &'a Sources,
}

impl<'a> Completeness<'a> {
    /// From the health of the Sources.
    pub const fn new(sources: &'a Sources) -> Self {
        Self { sources }
    }

    /// Whether all objects of the kind are known, in all namespaces; an API that does not exist has none.
    pub fn all(&self, kind: Kind) -> bool {
        self.complete(kind).is_some_and(|health| health.namespaces.is_none())
    }

    /// Whether all objects of the kind are known in one namespace.
    pub fn in_namespace(&self, kind: Kind, namespace: &str) -> bool {
        self.complete(kind).is_some_and(|health| {
            health.namespaces.as_ref().is_none_or(|read| read.iter().any(|name| name == namespace))
        })
    }

    /// Whether all objects of the kind are known in the namespaces that are watched.
    pub fn readable(&self, kind: Kind) -> bool {
        self.complete(kind).is_some()
    }

    /// Whether all objects of the kind are known and none of them could not be read: enough to say of a thing that it is not
    /// there.
    pub fn without_gap(&self, kind: Kind) -> bool {
        self.all(kind) && self.complete(kind).is_some_and(|health| health.undecodable == 0)
    }

    /// Whether everything is known that may hold a Node or free it.
    pub fn decides_nodes(&self) -> bool {
        const NEEDED: [Kind; 5] = [Kind::Node, Kind::NodeClaim, Kind::NodePool, Kind::Pod, Kind::PodDisruptionBudget];
        NEEDED.into_iter().all(|kind| self.without_gap(kind))
    }

    fn complete(&self, kind: Kind) -> Option<&'a Health> {
        let health = self.sources.get(&SourceId::Kind(kind))?;
        (health.state.is_complete() || health.state.has_nothing()).then_some(health)
    }

    /// `value` where all objects of all these kinds are known.
    pub fn only<T>(&self, kinds: &[Kind], value: T) -> Option<T> {
        kinds.iter().all(|kind| self.all(*kind)).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{HealthState, Sym};

    #[test]
    fn a_syncing_kind_is_not_known_but_a_stale_or_absent_one_is() {
        let health = |state| Health { state, ..Health::default() };
        let sources = Sources::from([
            (SourceId::Kind(Kind::Node), health(HealthState::Live)),
            (SourceId::Kind(Kind::Pod), health(HealthState::Stale)),
            (SourceId::Kind(Kind::Job), health(HealthState::Syncing)),
            (SourceId::Kind(Kind::NodeClaim), health(HealthState::Absent)),
        ]);
        let known = Completeness::new(&sources);
        assert_eq!(known.only(&[Kind::Node, Kind::Pod, Kind::NodeClaim], 1), Some(1));
        assert_eq!(known.only(&[Kind::Node, Kind::Job], 1), None);
        assert!(!known.all(Kind::NodePool));
    }

    #[test]
    fn a_kind_read_in_some_namespaces_is_known_only_in_those() {
        let in_ml = Health { namespaces: Some(vec![Sym::new("ml")]), state: HealthState::Live, ..Health::default() };
        let everywhere = Health { namespaces: None, ..in_ml.clone() };
        let sources = Sources::from([(SourceId::Kind(Kind::Pod), in_ml), (SourceId::Kind(Kind::Job), everywhere)]);
        let known = Completeness::new(&sources);
        assert!(known.all(Kind::Job) && known.in_namespace(Kind::Job, "web"));
        assert!(!known.all(Kind::Pod) && known.readable(Kind::Pod));
        assert!(known.in_namespace(Kind::Pod, "ml") && !known.in_namespace(Kind::Pod, "web"));
        assert!(!known.in_namespace(Kind::PodDisruptionBudget, "ml"));
    }
}
