//! Changes, as Sources tell them.

use super::{
    ControllerRow, CronJobRow, DisruptionBudgetRow, EventRow, JobRow, NamespaceRow, NodeClaimRow, NodeClassRow,
    NodeOverlayRow, NodePoolRow, NodeRow, ObjectKey, PodRow, PriceChange, ReplicaSetRow, SourceGroup,
};

/// Generation of a connection. What carries an older one is dropped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Epoch(pub u64);

/// A change to the table of one kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change<R> {
    /// A relist begins: what it does not mention before `Commit` is gone.
    Begin,
    /// A row came or changed.
    Upsert(R),
    /// An object was deleted.
    Remove(ObjectKey),
    /// The relist is complete.
    Commit,
}

/// A batch of changes of one kind, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "each variant is named after its kind")]
pub enum Delta {
    Nodes(Vec<Change<NodeRow>>),
    Pods(Vec<Change<PodRow>>),
    Jobs(Vec<Change<JobRow>>),
    CronJobs(Vec<Change<CronJobRow>>),
    NodeClaims(Vec<Change<NodeClaimRow>>),
    NodePools(Vec<Change<NodePoolRow>>),
    DisruptionBudgets(Vec<Change<DisruptionBudgetRow>>),
    Events(Vec<Change<EventRow>>),
    ReplicaSets(Vec<Change<ReplicaSetRow>>),
    Namespaces(Vec<Change<NamespaceRow>>),
    NodeOverlays(Vec<Change<NodeOverlayRow>>),
    Ec2NodeClasses(Vec<Change<NodeClassRow>>),
    EksNodeClasses(Vec<Change<NodeClassRow>>),
    Controllers(Vec<Change<ControllerRow>>),
    Prices(Vec<PriceChange>),
}

impl Delta {
    /// The Sources that tell such changes.
    pub const fn source_group(&self) -> SourceGroup {
        match self {
            Self::Prices(_) => SourceGroup::Prices,
            _ => SourceGroup::Cluster,
        }
    }
}
