//! The inputs of the gates: one Node with everything that decides about it.

use super::balance;
use super::budgets::PoolBudgets;
use super::pods::NodePods;
use super::protection;
use super::reason::{Reason, Reasons};
use crate::fleet::{
    DisruptionBudgetRow, EventRow, KarpenterApi, Kind, NodeClaimRow, NodePoolRow, NodeRow, ObjectKey, PodRow, Sym,
    Table,
};
use crate::insight::KarpenterVersion;
use crate::insight::karpenter::{EmptyRule, Support, is_of_auto_mode};
use crate::units::{Lifetime, Time};

/// Which tables hold all there is. A gate that looks into one that does not can close, but it cannot open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each says one thing of one table")]
pub struct Complete {
    /// Whether the table of Nodes holds all there is.
    pub nodes: bool,
    /// Whether the table of NodeClaims holds all there is.
    pub claims: bool,
    /// Whether the table of NodePools holds all there is.
    pub pools: bool,
    /// Pods of all namespaces.
    pub pods: bool,
    /// PodDisruptionBudgets of all namespaces.
    pub budgets: bool,
}

impl Complete {
    /// Everything is known.
    pub const ALL: Self = Self { nodes: true, claims: true, pools: true, pods: true, budgets: true };
}

/// Why Karpenter disrupts nothing of its own accord at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pause<'a> {
    /// A NodeClaim has no providerID yet.
    Launching(&'a NodeClaimRow),
    /// The selector of a PodDisruptionBudget cannot be read.
    Unreadable(&'a DisruptionBudgetRow),
}

/// How many Nodes of a NodePool have a condition for which Karpenter replaces nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BrokenNodes {
    /// Those that have one.
    pub broken: u64,
    /// All of them.
    pub all: u64,
}

impl BrokenNodes {
    /// Counts one more Node.
    pub fn add(&mut self, is_broken: bool) {
        self.broken += u64::from(is_broken);
        self.all += 1;
    }

    /// Whether they are more than a fifth, rounded up: then Karpenter replaces none of them (karpenter
    /// pkg/controllers/node/health/controller.go).
    pub const fn are_too_many(&self) -> bool {
        self.broken > self.all.div_ceil(5)
    }
}

/// What is known of the NodePool whose name the node carries.
#[derive(Clone, Copy, Debug)]
pub struct PoolInputs<'a> {
    /// The NodePool object.
    pub row: &'a NodePoolRow,
    /// The disruption budgets of the NodePool, with the nodes that use them up.
    pub budgets: &'a PoolBudgets,
    /// Its NodeClaims, which count where it keeps a fixed number of nodes.
    pub claims: ClaimCounts,
    /// What policy `Balanced` weighs.
    pub balance: balance::Sums,
    /// The reasons for which Karpenter's Events say that the budgets allow nothing.
    pub budget_events: Reasons,
    /// Whether its EC2NodeClass selects no subnets, without which it offers no instance types.
    pub lacks_subnets: bool,
}

/// The NodeClaims of a NodePool, as Karpenter counts them where its size is fixed (karpenter
/// pkg/controllers/state/statenodepool.go).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ClaimCounts {
    /// Those that stay: neither being deleted nor chosen to be. A chosen one counts as deleting as soon as its replacement
    /// is requested (pkg/controllers/disruption/queue.go, StartCommand).
    pub staying: u64,
    /// All, those included that are being deleted: they count against the limit of nodes.
    pub all: u64,
}

impl PoolInputs<'_> {
    /// How many nodes it has where those are more than its replicas.
    pub fn scales_down(&self) -> Option<i64> {
        let staying = i64::try_from(self.claims.staying).unwrap_or(i64::MAX);
        self.row.replicas.filter(|replicas| staying > *replicas).map(|_| staying)
    }
}

/// One Node with everything that decides whether Karpenter may take it.
#[derive(Clone)]
pub struct NodeInputs<'a> {
    /// The Node to judge.
    pub node: &'a NodeRow,
    /// The NodeClaim behind it.
    pub claim: Option<&'a NodeClaimRow>,
    /// Its NodePool, where there is one of that name.
    pub pool: Option<PoolInputs<'a>>,
    /// What the pods on the Node mean for its disruption.
    pub pods: &'a NodePods,
    /// Its active pods that carry `karpenter.sh/do-not-disrupt`.
    pub annotated: Vec<&'a PodRow>,
    /// Every PodDisruptionBudget of the cluster.
    pub budgets: &'a Table<DisruptionBudgetRow>,
    /// Why nothing is disrupted, where that is so.
    pub pause: Option<Pause<'a>>,
    /// For how many seconds a pass of the disruption loop may act that began before it was paused.
    pub pass_seconds: i64,
    /// Whether pods that would have to move could be placed on a new node of any NodePool of this Karpenter.
    pub has_ready_pool: bool,
    /// Karpenter's Events on the Node and its NodeClaim about disruption and interruption, the newest first.
    pub events: Vec<&'a EventRow>,
    /// When the capacity block that the node runs in ends.
    pub block_ends: Option<Time>,
    /// Whether something that is not read may end the node: the NodeClass of its reservation, or the controller that may
    /// have been told to replace broken nodes.
    pub end_is_hidden: bool,
    /// What Karpenter takes its price to be, where that is known.
    pub micro_usd_per_hour: Option<i64>,
    /// Whether Karpenter replaces broken nodes: always in EKS Auto Mode, elsewhere by feature gate NodeRepair.
    pub repairs: bool,
    /// The broken Nodes of its NodePool, where they are too many for any of them to be replaced.
    pub repairs_pause: Option<BrokenNodes>,
    /// The Karpenter that manages it.
    pub karpenter: &'a KarpenterVersion,
    /// The tables that hold all there is.
    pub complete: Complete,
    /// The time of the judgement.
    pub now: Time,
}

impl<'a> NodeInputs<'a> {
    /// A label as Karpenter reads it: of the NodeClaim until the Node is registered
    /// (karpenter pkg/controllers/state/statenode.go, Labels).
    pub fn label(&self, key: &str) -> Option<&'a Sym> {
        match self.claim {
            Some(claim) if !self.node.is_registered() => claim.labels.get(key),
            _ => self.node.labels.get(key),
        }
    }

    /// `karpenter.sh/do-not-disrupt` of the node, read likewise.
    pub fn node_annotation(&self) -> Option<&'a Sym> {
        match self.claim {
            Some(claim) if !self.node.is_registered() => claim.do_not_disrupt.as_ref(),
            _ => self.node.do_not_disrupt.as_ref(),
        }
    }

    /// Whether a condition of the NodeClaim is `True`.
    pub fn claim_is(&self, condition: &str) -> bool {
        self.claim.is_some_and(|claim| claim.is_true(condition))
    }

    /// Whether the NodeClaim is drifted.
    pub fn is_drifted(&self) -> bool {
        self.claim.is_some_and(NodeClaimRow::is_drifted)
    }

    /// Whether Karpenter passes over pods that may not be evicted when it takes the node for drift: the NodeClaim has
    /// a terminationGracePeriod (karpenter pkg/controllers/disruption/types.go, NewCandidate).
    pub fn drift_overrides_pods(&self) -> bool {
        self.claim.is_some_and(|claim| claim.termination_grace_seconds.is_some())
    }

    /// The reasons that pods which may not be evicted stop.
    pub fn stopped_by_pods(&self) -> Reasons {
        if self.drift_overrides_pods() { Reasons::GRACEFUL } else { Reasons::ALL }
    }

    /// Whether the node is empty; `None` where a pod that is not known could make it not empty, or where versions of Karpenter
    /// differ about it.
    pub fn is_empty(&self) -> Option<bool> {
        let empty = self.pods.is_empty(self.karpenter.empty_rule());
        ((self.complete.pods || !empty) && !self.doubts_emptiness()).then_some(empty)
    }

    /// Whether the node is empty to some of the versions of Karpenter that may manage it, and not to others.
    pub fn doubts_emptiness(&self) -> bool {
        let is_empty = |rule| self.pods.is_empty(rule);
        self.doubts(self.karpenter.empty_by_cost())
            && is_empty(EmptyRule::NoEvictionCost) != is_empty(EmptyRule::NoPodToMove)
    }

    /// Whether the Karpenter of this node may be one without a rule, for its version is not known. EKS Auto Mode is kept
    /// current.
    pub fn doubts(&self, support: Support) -> bool {
        support == Support::Assumed && !self.is_of_auto_mode()
    }

    /// Whether EKS Auto Mode manages the node.
    pub fn is_of_auto_mode(&self) -> bool {
        self.claim.is_some_and(is_of_auto_mode)
    }

    /// Whether the annotation of a protected pod may be nothing to the Karpenter of this node: one before 1.12 reads no
    /// durations.
    pub fn doubts_protection_of(&self, pod: &PodRow) -> bool {
        pod.do_not_disrupt.as_deref() != Some("true") && self.doubts(self.karpenter.durations())
    }

    /// Whether the node's own state is one for which Karpenter disrupts: drifted, empty or not empty.
    pub fn applies(&self, reason: Reason) -> Option<bool> {
        if self.is_legacy() || (self.claim.is_none() && !self.complete.claims) {
            return None;
        }
        match reason {
            Reason::Drifted => self.goes_as_drifted(),
            Reason::Empty => self.is_empty(),
            Reason::Underutilized => self.is_empty().map(|empty| !empty),
        }
    }

    /// Whether it is drifted, and not one that Karpenter leaves to go as an empty node; where minor versions of Karpenter may
    /// differ about it, as the newest has it. `None` where patch releases do.
    fn goes_as_drifted(&self) -> Option<bool> {
        (!self.doubts_drift()).then(|| self.is_drifted())
    }

    /// Whether it is drifted to some patch releases of its Karpenter, and not to others.
    pub fn doubts_drift(&self) -> bool {
        self.is_drifted() && self.pods.reschedulable == 0 && self.karpenter.drift_may_leave_empty_nodes()
    }

    /// Its active pods whose annotation protects them now.
    pub fn protected(&self) -> impl Iterator<Item = &'a PodRow> {
        self.annotated.iter().copied().filter(|pod| self.is_protected(pod))
    }

    /// Whether the annotation of a pod protects it now.
    pub fn is_protected(&self, pod: &PodRow) -> bool {
        protection::is_protected(pod, self.now, self.karpenter)
    }

    /// Whether one of its annotated pods is protected now.
    pub fn is_protected_key(&self, pod: &ObjectKey) -> bool {
        self.protected().any(|row| row.meta.key == *pod)
    }

    /// Whether the node is governed by an API of Karpenter's whose rules batchtop does not judge.
    pub fn is_legacy(&self) -> bool {
        matches!(self.karpenter.api, KarpenterApi::V1Alpha5 | KarpenterApi::V1Beta1)
            && (self.claim.is_some() || self.node.node_pool().is_some())
    }

    /// When the node has been quiet for its NodePool's consolidateAfter: from the last pod event on, else from
    /// initialization on (karpenter pkg/controllers/nodeclaim/disruption/consolidation.go).
    pub fn quiet_at(&self) -> Option<Time> {
        let Lifetime::Seconds(seconds) = self.pool?.row.consolidate_after else { return None };
        let claim = self.claim?;
        let initialized = claim.true_since("Initialized")?;
        Some(claim.last_pod_event.unwrap_or(initialized).plus_seconds(seconds))
    }

    /// Whether all objects of a kind are known.
    pub const fn knows(&self, kind: Kind) -> bool {
        match kind {
            Kind::Node => self.complete.nodes,
            Kind::NodeClaim => self.complete.claims,
            Kind::NodePool => self.complete.pools,
            Kind::Pod => self.complete.pods,
            Kind::PodDisruptionBudget => self.complete.budgets,
            _ => false,
        }
    }
}
