//! What may be counted: a number over a table that is not complete is no number.

use crate::fleet::{ClusterFacts, Health, HealthState, Kind, SourceId, Sources};

/// Which kinds are known completely, in all namespaces.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Known<'a> {
    sources: &'a Sources,
    whole_cluster: bool,
}

impl<'a> Known<'a> {
    /// From the health of the Sources and what may be read.
    pub fn new(sources: &'a Sources, facts: &ClusterFacts) -> Self {
        Self { sources, whole_cluster: facts.namespaces.is_none() }
    }

    /// Whether all objects of the kind are known; an API that does not exist has none.
    pub fn all(&self, kind: Kind) -> bool {
        self.readable(kind) && (self.whole_cluster || is_cluster_scoped(kind))
    }

    /// Whether all objects of the kind are known in the namespaces that are watched.
    pub fn readable(&self, kind: Kind) -> bool {
        let state =
            self.sources.get(&SourceId::Kind(kind)).map_or(HealthState::Connecting, |health: &Health| health.state);
        state.is_complete() || state == HealthState::Absent
    }

    /// `value` where all objects of all these kinds are known.
    pub fn only<T>(&self, kinds: &[Kind], value: T) -> Option<T> {
        kinds.iter().all(|kind| self.all(*kind)).then_some(value)
    }
}

const fn is_cluster_scoped(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Node
            | Kind::NodeClaim
            | Kind::NodePool
            | Kind::Namespace
            | Kind::NodeOverlay
            | Kind::Ec2NodeClass
            | Kind::EksNodeClass
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_complete_is_not_known() {
        let health = |state| Health { state, ..Health::default() };
        let sources = Sources::from([
            (SourceId::Kind(Kind::Node), health(HealthState::Live)),
            (SourceId::Kind(Kind::Pod), health(HealthState::Stale)),
            (SourceId::Kind(Kind::Job), health(HealthState::Syncing)),
            (SourceId::Kind(Kind::NodeClaim), health(HealthState::Absent)),
        ]);
        let whole = ClusterFacts::default();
        let part = ClusterFacts { namespaces: Some(vec!["ml".to_owned()]), ..ClusterFacts::default() };
        let known = Known::new(&sources, &whole);
        assert_eq!(known.only(&[Kind::Node, Kind::Pod, Kind::NodeClaim], 1), Some(1));
        assert_eq!(known.only(&[Kind::Node, Kind::Job], 1), None);
        assert!(!known.all(Kind::NodePool));
        let known = Known::new(&sources, &part);
        assert!(known.all(Kind::Node) && !known.all(Kind::Pod) && known.readable(Kind::Pod));
    }
}
