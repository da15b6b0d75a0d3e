//! What the user may do besides watching, as far as the API server has said so.

use std::collections::BTreeMap;

/// A right that a key needs besides those of the watches.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Right {
    /// To annotate pods.
    PatchPods,
    /// To annotate Nodes.
    PatchNodes,
    /// To evict pods.
    EvictPods,
    /// To read logs of containers.
    ReadLogs,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::PatchPods, Self::PatchNodes, Self::EvictPods, Self::ReadLogs];

    /// The verb of the right, as a ClusterRole has it.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::PatchPods | Self::PatchNodes => "patch",
            Self::EvictPods => "create",
            Self::ReadLogs => "get",
        }
    }

    /// The resource of the core API group.
    pub const fn resource(self) -> &'static str {
        match self {
            Self::PatchPods | Self::EvictPods | Self::ReadLogs => "pods",
            Self::PatchNodes => "nodes",
        }
    }

    /// The subresource, where the right is about one.
    pub const fn subresource(self) -> Option<&'static str> {
        match self {
            Self::EvictPods => Some("eviction"),
            Self::ReadLogs => Some("log"),
            Self::PatchPods | Self::PatchNodes => None,
        }
    }

    /// The command that prints a ClusterRole with the right.
    pub const fn manifest(self) -> &'static str {
        match self {
            Self::PatchPods | Self::PatchNodes | Self::EvictPods => "batchtop rbac operator",
            Self::ReadLogs => "batchtop rbac viewer --with-logs",
        }
    }

    /// Whether it can be given for one namespace alone.
    pub const fn is_namespaced(self) -> bool {
        !matches!(self, Self::PatchNodes)
    }

    /// In words that follow *you may not*: `create pods/eviction`.
    pub fn words(self) -> String {
        let subresource = self.subresource().map(|name| format!("/{name}")).unwrap_or_default();
        format!("{} {}{subresource}", self.verb(), self.resource())
    }
}

/// What the API server said of rights. A right of which it said nothing is not known, and is tried.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rights {
    /// Whether the user has a right in the whole cluster.
    everywhere: BTreeMap<Right, bool>,
    /// Whether the user has it in a namespace, where that was asked.
    namespaces: BTreeMap<(Right, String), bool>,
}

impl Rights {
    /// Takes the answer for the whole cluster.
    pub fn tell(&mut self, right: Right, is_allowed: bool) {
        self.everywhere.insert(right, is_allowed);
    }

    /// Takes the answer for one namespace.
    pub fn tell_of_namespace(&mut self, right: Right, namespace: &str, is_allowed: bool) {
        self.namespaces.insert((right, namespace.to_owned()), is_allowed);
    }

    /// Whether the user has all of them in the whole cluster.
    pub fn are_complete(&self) -> bool {
        Right::ALL.iter().all(|right| self.everywhere.get(right) == Some(&true))
    }

    /// Whether the user is known to lack a right for an object of this namespace; empty for an object of the cluster. Who
    /// lacks it in the whole cluster may still have it in the namespace.
    pub fn is_missing(&self, right: Right, namespace: &str) -> bool {
        if self.everywhere.get(&right) != Some(&false) {
            return false;
        }
        !right.is_namespaced() || self.namespaces.get(&(right, namespace.to_owned())) == Some(&false)
    }

    /// Whether the user lacks a right in the whole cluster, and in every namespace that was asked about; at least one was.
    pub fn is_missing_everywhere(&self, right: Right) -> bool {
        if self.everywhere.get(&right) != Some(&false) {
            return false;
        }
        let mut asked = self.namespaces.iter().filter(|((of, _), _)| *of == right).peekable();
        !right.is_namespaced() || (asked.peek().is_some() && asked.all(|(_, is_allowed)| !is_allowed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_missing_only_where_the_server_said_so() {
        let mut rights = Rights::default();
        let missing = |rights: &Rights| {
            (rights.is_missing(Right::EvictPods, "ml"), rights.is_missing_everywhere(Right::EvictPods))
        };
        assert_eq!(missing(&rights), (false, false), "nothing was said");
        rights.tell(Right::EvictPods, false);
        assert_eq!(missing(&rights), (false, false), "a Role in the namespace may give it");
        rights.tell_of_namespace(Right::EvictPods, "ml", false);
        assert_eq!(missing(&rights), (true, true));
        rights.tell_of_namespace(Right::EvictPods, "web", true);
        assert_eq!(missing(&rights), (true, false));
        assert!(!rights.is_missing(Right::EvictPods, "web"));
        rights.tell(Right::EvictPods, true);
        assert_eq!(missing(&rights), (false, false));
        rights.tell(Right::PatchNodes, false);
        assert!(rights.is_missing(Right::PatchNodes, "") && rights.is_missing_everywhere(Right::PatchNodes));
    }
}
