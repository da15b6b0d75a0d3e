//! Identities.

use std::fmt;

use uuid::Uuid;

use super::Sym;
use crate::units::Time;

/// The kinds that batchtop watches.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// core/v1 Node.
    Node,
    /// core/v1 Pod.
    Pod,
    /// batch/v1 Job.
    Job,
    /// batch/v1 CronJob.
    CronJob,
    /// karpenter.sh NodeClaim.
    NodeClaim,
    /// karpenter.sh NodePool.
    NodePool,
    /// policy/v1 PodDisruptionBudget.
    PodDisruptionBudget,
    /// core/v1 Event.
    Event,
    /// apps/v1 ReplicaSet (metadata only).
    ReplicaSet,
    /// core/v1 Namespace.
    Namespace,
    /// karpenter.sh NodeOverlay.
    NodeOverlay,
    /// karpenter.k8s.aws EC2NodeClass.
    Ec2NodeClass,
    /// eks.amazonaws.com NodeClass.
    EksNodeClass,
    /// The Karpenter controller's apps/v1 Deployment.
    KarpenterDeployment,
}

impl Kind {
    /// Every kind, in the order in which streams are started: what paints the first screen comes first.
    pub const ALL: [Self; 14] = [
        Self::Node,
        Self::NodeClaim,
        Self::NodePool,
        Self::Pod,
        Self::Job,
        Self::PodDisruptionBudget,
        Self::Event,
        Self::Namespace,
        Self::CronJob,
        Self::ReplicaSet,
        Self::NodeOverlay,
        Self::Ec2NodeClass,
        Self::EksNodeClass,
        Self::KarpenterDeployment,
    ];

    /// The kind as Kubernetes writes it in `kind:`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node => "Node",
            Self::Pod => "Pod",
            Self::Job => "Job",
            Self::CronJob => "CronJob",
            Self::NodeClaim => "NodeClaim",
            Self::NodePool => "NodePool",
            Self::PodDisruptionBudget => "PodDisruptionBudget",
            Self::Event => "Event",
            Self::ReplicaSet => "ReplicaSet",
            Self::Namespace => "Namespace",
            Self::NodeOverlay => "NodeOverlay",
            Self::Ec2NodeClass => "EC2NodeClass",
            Self::EksNodeClass => "NodeClass",
            Self::KarpenterDeployment => "Deployment",
        }
    }

    /// The resource as `kubectl get` takes it, which is also the name of its Source.
    pub const fn resource(self) -> &'static str {
        match self {
            Self::Node => "nodes",
            Self::Pod => "pods",
            Self::Job => "jobs",
            Self::CronJob => "cronjobs",
            Self::NodeClaim => "nodeclaims",
            Self::NodePool => "nodepools",
            Self::PodDisruptionBudget => "poddisruptionbudgets",
            Self::Event => "events",
            Self::ReplicaSet => "replicasets",
            Self::Namespace => "namespaces",
            Self::NodeOverlay => "nodeoverlays",
            Self::Ec2NodeClass => "ec2nodeclasses",
            Self::EksNodeClass => "nodeclasses",
            Self::KarpenterDeployment => "deployments",
        }
    }
}

/// Name and namespace of an object; the namespace of a cluster-scoped object is empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// The namespace, empty for cluster-scoped objects.
    pub namespace: Sym,
    /// The name.
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

/// The identity of one object among all kinds.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace and name.
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

/// What every row keeps of `metadata`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Meta {
    /// Namespace and name.
    pub key: ObjectKey,
    /// `metadata.uid`.
    pub uid: Uid,
    /// `metadata.resourceVersion` as last read; opaque.
    pub resource_version: compact_str::CompactString,
    /// `metadata.creationTimestamp`.
    pub created: Time,
    /// `metadata.deletionTimestamp`, which the API server sets to the end of the grace period.
    pub deletion: Option<Time>,
    /// `metadata.deletionGracePeriodSeconds`.
    pub deletion_grace_seconds: Option<i64>,
}

impl Meta {
    /// Since when the object is being deleted: the deletion time less the grace period it was given.
    pub fn deleting_since(&self) -> Option<Time> {
        Some(self.deletion?.plus_seconds(-self.deletion_grace_seconds.unwrap_or(0)))
    }
}

/// The owner reference that has `controller: true`, else the first one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Owner {
    /// `apiVersion`, for example `batch/v1`.
    pub api_version: Sym,
    /// `kind`, for example `Job`.
    pub kind: Sym,
    /// `name`.
    pub name: Sym,
    /// `uid`.
    pub uid: Uid,
}

impl Owner {
    /// Whether it is a Job of Kubernetes itself: Volcano has a kind of this name, too, in `batch.volcano.sh`.
    pub fn is_batch_job(&self) -> bool {
        self.kind == "Job" && self.api_version.starts_with("batch/")
    }
}

#[cfg(test)]
mod tests {
    use super::Uid;

    #[test]
    fn a_uid_takes_three_words() {
        assert!(size_of::<Uid>() <= 24, "{}", size_of::<Uid>());
    }

    #[test]
    fn a_uid_prints_as_it_was_read() {
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
