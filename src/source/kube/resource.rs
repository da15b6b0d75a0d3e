//! Where each kind lives in the API.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::fleet::Kind;

/// An API group and the versions of it that batchtop can read, the best first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Group {
    /// The name, empty for the core group.
    pub(super) name: &'static str,
    pub(super) versions: &'static [&'static str],
}

/// Whether objects of a kind live in namespaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scope {
    Cluster,
    Namespaced,
}

const CORE: Group = Group { name: "", versions: &["v1"] };
const BATCH: Group = Group { name: "batch", versions: &["v1"] };
const APPS: Group = Group { name: "apps", versions: &["v1"] };
const POLICY: Group = Group { name: "policy", versions: &["v1"] };

/// The group of a kind.
pub(super) const fn group(kind: Kind) -> Group {
    match kind {
        Kind::Node | Kind::Pod | Kind::Event | Kind::Namespace => CORE,
        Kind::Job | Kind::CronJob => BATCH,
        Kind::ReplicaSet | Kind::KarpenterDeployment => APPS,
        Kind::PodDisruptionBudget => POLICY,
        Kind::NodeClaim | Kind::NodePool => Group { name: "karpenter.sh", versions: &["v1", "v1beta1"] },
        // Served beside the v1 of the other kinds.
        Kind::NodeOverlay => Group { name: "karpenter.sh", versions: &["v1alpha1"] },
        Kind::Ec2NodeClass => Group { name: "karpenter.k8s.aws", versions: &["v1", "v1beta1"] },
        Kind::EksNodeClass => Group { name: "eks.amazonaws.com", versions: &["v1"] },
    }
}

/// Whether the group is always there; otherwise the server is asked for it first.
pub(super) const fn is_built_in(kind: Kind) -> bool {
    matches!(group(kind).name.as_bytes(), b"" | b"batch" | b"apps" | b"policy")
}

/// The scope of a kind.
pub(super) const fn scope(kind: Kind) -> Scope {
    match kind {
        Kind::Pod
        | Kind::Job
        | Kind::CronJob
        | Kind::PodDisruptionBudget
        | Kind::Event
        | Kind::ReplicaSet
        | Kind::KarpenterDeployment => Scope::Namespaced,
        Kind::Node
        | Kind::NodeClaim
        | Kind::NodePool
        | Kind::Namespace
        | Kind::NodeOverlay
        | Kind::Ec2NodeClass
        | Kind::EksNodeClass => Scope::Cluster,
    }
}

/// The collection's path, in one namespace or (where it is `None`) in the whole cluster.
pub(super) fn path(kind: Kind, version: &str, namespace: Option<&str>) -> String {
    let group = group(kind).name;
    let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    match namespace {
        Some(namespace) if scope(kind) == Scope::Namespaced => {
            format!("{root}/namespaces/{}/{}", escape(namespace), kind.resource())
        }
        _ => format!("{root}/{}", kind.resource()),
    }
}

/// The path of one object.
pub(super) fn object_path(kind: Kind, version: &str, namespace: &str, name: &str) -> String {
    format!("{}/{}", path(kind, version, Some(namespace).filter(|text| !text.is_empty())), escape(name))
}

/// The media type to ask for: of ReplicaSets only the metadata.
pub(super) const fn accept(kind: Kind) -> &'static str {
    match kind {
        Kind::ReplicaSet => "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
        _ => "application/json",
    }
}

/// The same for a watch.
pub(super) const fn watch_accept(kind: Kind) -> &'static str {
    match kind {
        Kind::ReplicaSet => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
        _ => "application/json",
    }
}

/// What narrows a collection at the server.
pub(super) const fn selector(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::KarpenterDeployment => Some("labelSelector=app.kubernetes.io%2Fname%3Dkarpenter"),
        _ => None,
    }
}

/// What is reserved in a URL: all but the unreserved characters of RFC 3986 §2.3.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes what is reserved in a URL.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, &RESERVED).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_api() {
        assert_eq!(path(Kind::Pod, "v1", None), "/api/v1/pods");
        assert_eq!(path(Kind::Pod, "v1", Some("ml")), "/api/v1/namespaces/ml/pods");
        assert_eq!(path(Kind::NodePool, "v1beta1", None), "/apis/karpenter.sh/v1beta1/nodepools");
        assert_eq!(path(Kind::Node, "v1", Some("ml")), "/api/v1/nodes");
        assert_eq!(object_path(Kind::Node, "v1", "", "n1"), "/api/v1/nodes/n1");
        assert_eq!(object_path(Kind::Job, "v1", "ml", "j"), "/apis/batch/v1/namespaces/ml/jobs/j");
        assert_eq!(escape("a/b c%"), "a%2Fb%20c%25");
        assert_eq!(escape("A-z.0_~é=+"), "A-z.0_~%C3%A9%3D%2B");
    }
}
