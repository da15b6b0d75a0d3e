//! Brings together what decides about a Node at one moment. Made anew for each frame and each snapshot; asks nothing of a
//! Node before it is asked about that Node.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use super::simulation::Surveys;
use super::{NodePicture, Picture};
use crate::fleet::{
    Condition, ControllerRow, EventRow, Fleet, KarpenterApi, Kind, NodeClaimRow, NodePoolRow, NodeRow, ObjectKey,
    PodRow, PodSelector, Row, Status, Sym,
};
use crate::insight::disruption::balance;
use crate::insight::disruption::hazards::{self, Hazard, Outlook};
use crate::insight::disruption::{
    BrokenNodes, ClaimCounts, Complete, Disruption, Gate, GateResult, NodeInputs, NodePods, Pause, PoolBudgets,
    PoolInputs, Reasons, evidence, gates, protection, verdict,
};
use crate::insight::karpenter::{KarpenterVersion, is_of_auto_mode};
use crate::insight::known::Completeness;
use crate::units::Time;

type Map<K, V> = HashMap<K, V, RandomState>;

/// What a NodePool says to its nodes now.
struct PoolNow<'a> {
    row: &'a NodePoolRow,
    budgets: PoolBudgets,
    claims: ClaimCounts,
    balance: balance::Sums,
    budget_events: Reasons,
    lacks_subnets: bool,
}

/// The assessment of a Node and of its annotated pods.
pub struct NodeAssessment<'a> {
    /// The Node that was judged.
    pub node: &'a NodeRow,
    /// May Karpenter take it.
    pub disruption: Disruption,
    /// Hazards that end the Node in spite of protection.
    pub hazards: Vec<Hazard>,
    /// Its active annotated pods, and whether their protection holds.
    pub pods: Vec<(&'a PodRow, Outlook)>,
    /// How many of its pods would have to run elsewhere.
    pub reschedulable: u32,
}

/// Answers whether Karpenter may take nodes, as of one moment.
pub struct Evaluator<'a> {
    fleet: &'a Fleet,
    picture: &'a Picture,
    karpenter: &'a KarpenterVersion,
    /// A Karpenter of which the one that is known says nothing.
    unseen: KarpenterVersion,
    complete: Complete,
    repairs: bool,
    knows_classes: bool,
    knows_controllers: bool,
    pools: Map<&'a Sym, PoolNow<'a>>,
    pauses: Map<&'a str, Pause<'a>>,
    /// The NodeClass groups of which a NodePool could take pods that have to move.
    ready_groups: HashSet<&'a str, RandomState>,
    /// By NodePool, counted when it is asked for first.
    broken: OnceCell<Map<Sym, BrokenNodes>>,
    block_ends: Map<&'a Sym, Time>,
    surveys: Surveys,
    now: Time,
    nothing: NodePods,
}

impl<'a> Evaluator<'a> {
    /// Of everything known at `now`.
    pub fn new(
        fleet: &'a Fleet,
        picture: &'a Picture,
        known: &Completeness<'_>,
        karpenter: &'a KarpenterVersion,
        now: Time,
    ) -> Self {
        Self {
            fleet,
            picture,
            karpenter,
            unseen: karpenter.unseen(),
            complete: complete(known, karpenter),
            repairs: gate_is_on(fleet, "NodeRepair"),
            knows_classes: known.without_gap(Kind::Ec2NodeClass),
            knows_controllers: known.without_gap(Kind::KarpenterDeployment),
            pools: fleet
                .node_pools
                .iter()
                .map(|row| (&row.meta.key.name, pool_now(fleet, picture, row, now)))
                .collect(),
            pauses: pauses(fleet, picture),
            ready_groups: ready_groups(fleet),
            broken: OnceCell::new(),
            block_ends: block_ends(fleet),
            surveys: Surveys::default(),
            now,
            nothing: NodePods::default(),
        }
    }

    /// The picture from which Nodes are evaluated.
    pub(super) const fn picture(&self) -> &'a Picture {
        self.picture
    }

    /// The Fleet from which Nodes are evaluated.
    pub(super) const fn fleet(&self) -> &'a Fleet {
        self.fleet
    }

    /// Where pods were looked for that would have to move.
    pub(super) const fn surveys(&self) -> &Surveys {
        &self.surveys
    }

    /// The time for which Nodes are evaluated.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// The budgets of a NodePool with the nodes that count for them; none of Provisioners, which know no budgets.
    pub fn budgets(&self, pool: &str) -> Option<&PoolBudgets> {
        let knows_budgets = self.karpenter.api != KarpenterApi::V1Alpha5;
        self.pools.get(&Sym::new(pool)).filter(|_| knows_budgets).map(|pool| &pool.budgets)
    }

    /// Whether the counts that budgets are taken of are those of all nodes.
    pub const fn counts_are_known(&self) -> bool {
        self.complete.nodes && self.complete.claims
    }

    /// Whether a feature gate that is off by default is surely off: all controllers are known, one runs, and all that may turn it
    /// on is seen.
    pub(super) fn gate_is_off(&self, gate: &str) -> bool {
        let mut controllers = self.fleet.controllers.iter().peekable();
        let is_off = |row: &ControllerRow| {
            let is_on = row.feature_gates.as_deref().is_some_and(|gates| turns_on(gates, gate));
            row.replicas > 0 && !row.hides_feature_gates && !is_on
        };
        self.knows_controllers && controllers.peek().is_some() && controllers.all(is_off)
    }

    /// Why the disruption loop is paused, for each NodeClass group.
    pub fn pauses(&self) -> impl Iterator<Item = Pause<'a>> {
        self.pauses.values().copied()
    }

    /// The Karpenter that manages a NodeClaim.
    pub fn karpenter_of(&self, claim: &NodeClaimRow) -> &KarpenterVersion {
        if self.karpenter.speaks_for(group_of(Some(claim))) { self.karpenter } else { &self.unseen }
    }

    /// Everything that decides about a Node.
    pub fn case(&self, node: &'a NodeRow) -> NodeInputs<'_> {
        let said = self.picture.node(&node.meta.key.name);
        let claim = said.and_then(|said| said.claim.as_ref()).and_then(|key| self.fleet.node_claims.get(key));
        let group = group_of(claim);
        let mut case = NodeInputs {
            node,
            claim,
            pool: self.pool_case(node, claim),
            pods: said.map_or(&self.nothing, |said| &said.pods),
            annotated: self.annotated(said),
            budgets: &self.fleet.disruption_budgets,
            pause: self.pauses.get(group).or_else(|| self.pauses.get(ANY_GROUP)).copied(),
            pass_seconds: gates::pass_seconds(self.fleet.nodes.len()),
            has_ready_pool: self.ready_groups.contains(group) || self.ready_groups.contains(""),
            repairs_pause: None,
            events: events_about(self.fleet, node, claim),
            block_ends: self.block_ends(node),
            micro_usd_per_hour: said.and_then(|said| said.karpenter_price),
            repairs: claim.is_some_and(is_of_auto_mode) || self.repairs,
            end_is_hidden: false,
            karpenter: claim.map_or(self.karpenter, |claim| self.karpenter_of(claim)),
            complete: self.complete,
            now: self.now,
        };
        case.end_is_hidden = self.hides_an_end(&case);
        case.repairs_pause = self.repairs_pause(&case);
        case
    }

    /// Whether what would tell when a node ends is not read.
    fn hides_an_end(&self, case: &NodeInputs<'_>) -> bool {
        let is_reserved = case.node.labels.get(RESERVATION_LABEL).is_some();
        let of_reservation = is_reserved && case.block_ends.is_none() && !self.knows_classes;
        let of_repair = !case.repairs && !self.knows_controllers && hazards::is_broken(case);
        of_reservation || of_repair
    }

    /// How many Nodes of its NodePool are broken, where a broken one is not replaced because they are too many.
    fn repairs_pause(&self, case: &NodeInputs<'_>) -> Option<BrokenNodes> {
        if !case.repairs || !hazards::is_broken(case) {
            return None;
        }
        let broken = self.broken.get_or_init(|| self.broken_nodes());
        broken.get(case.node.node_pool_label()?).copied().filter(BrokenNodes::are_too_many)
    }

    fn broken_nodes(&self) -> Map<Sym, BrokenNodes> {
        let mut broken: Map<Sym, BrokenNodes> = Map::default();
        for node in self.fleet.nodes.iter() {
            let Some(pool) = node.node_pool_label() else { continue };
            let class = self.pools.get(pool).and_then(|pool| pool.row.node_class.as_ref());
            broken.entry(pool.clone()).or_default().add(hazards::is_broken_node(node, class));
        }
        broken
    }

    /// Whether Karpenter may take a Node, what stops it, and why it would stay.
    pub fn node(&self, node: &'a NodeRow) -> Disruption {
        self.judge(&self.case(node))
    }

    /// The same, of everything that decides about the Node.
    pub fn judge(&self, case: &NodeInputs<'_>) -> Disruption {
        self.with_proofs(case, verdict::judge(case))
    }

    /// The same, with the Node's hazards.
    pub fn with_hazards(&self, node: &'a NodeRow) -> (Disruption, Vec<Hazard>) {
        let case = self.case(node);
        let (disruption, hazards) = hazards::judged(&case);
        (self.with_proofs(&case, disruption), hazards)
    }

    fn with_proofs(&self, case: &NodeInputs<'_>, mut disruption: Disruption) -> Disruption {
        disruption.blockers.extend(self.proofs(case, disruption.may.yes));
        disruption
    }

    /// The assessment of a Node and of its annotated pods; cheaper than evaluating each of them.
    pub fn assess(&self, node: &'a NodeRow) -> NodeAssessment<'_> {
        let case = self.case(node);
        let (disruption, hazards) = hazards::judged(&case);
        let pods = case.annotated.iter().map(|pod| (*pod, hazards::of_pod(&case, &hazards, pod))).collect();
        NodeAssessment { node, disruption, pods, reschedulable: case.pods.reschedulable, hazards }
    }

    /// What each gate says of a Node, in Karpenter's order.
    pub fn explain(&self, node: &'a NodeRow) -> [(Gate, GateResult); Gate::ALL.len()] {
        verdict::explain(&self.case(node))
    }

    /// Whether the annotation of a pod will hold.
    pub fn pod(&self, pod: &'a PodRow) -> Outlook {
        let node = pod.node.as_ref().and_then(|name| self.fleet.node(name));
        let Some(node) = node.filter(|_| pod.do_not_disrupt.is_some()) else {
            return self.unplaced(pod);
        };
        let case = self.case(node);
        let (_, hazards) = hazards::judged(&case);
        hazards::of_pod(&case, &hazards, pod)
    }

    /// A pod that is bound to no Node waits for one, where its annotation will hold; of a Node that is not known nothing
    /// is said.
    fn unplaced(&self, pod: &PodRow) -> Outlook {
        let found = protection::of_pod(pod, self.now, self.karpenter);
        let holds = (found.state.is_active() && pod.node.is_none()).then_some(true);
        let outlook = hazards::of_annotation(found);
        Outlook { holds: outlook.holds.or(holds), ..outlook }
    }

    fn pool_case(&self, node: &NodeRow, claim: Option<&NodeClaimRow>) -> Option<PoolInputs<'_>> {
        let of_claim = || claim.and_then(NodeClaimRow::node_pool);
        let own = || node.node_pool_label();
        let name = if node.is_registered() { own() } else { of_claim().or_else(own) };
        let pool = self.pools.get(name?)?;
        let (budgets, claims) = (&pool.budgets, pool.claims);
        let PoolNow { row, balance, budget_events, lacks_subnets, .. } = *pool;
        Some(PoolInputs { row, budgets, claims, balance, budget_events, lacks_subnets })
    }

    fn annotated(&self, said: Option<&NodePicture>) -> Vec<&'a PodRow> {
        let keys = said.map_or(&[][..], |said| &said.pods.annotated);
        keys.iter().filter_map(|key| self.fleet.pods.get(key)).collect()
    }

    fn block_ends(&self, node: &NodeRow) -> Option<Time> {
        let id = node.labels.get(RESERVATION_LABEL)?;
        self.block_ends.get(id).copied()
    }
}

/// The Events about the disruption of a Node and of its NodeClaim, the newest first.
pub(super) fn events_about<'a>(fleet: &'a Fleet, node: &NodeRow, claim: Option<&NodeClaimRow>) -> Vec<&'a EventRow> {
    let mut events = fleet.events.disruptions_of(Kind::Node, &node.meta.key.name);
    events.extend(claim.iter().flat_map(|claim| fleet.events.disruptions_of(Kind::NodeClaim, &claim.meta.key.name)));
    events.sort_unstable_by_key(|event| (std::cmp::Reverse(event.at), &event.meta.key));
    events
}

/// The reservation in which a node runs (aws pkg/apis/v1/labels.go).
const RESERVATION_LABEL: &str = "karpenter.k8s.aws/capacity-reservation-id";

/// A pause that is not tied to one Karpenter.
const ANY_GROUP: &str = "*";

fn complete(known: &Completeness<'_>, karpenter: &KarpenterVersion) -> Complete {
    let is_known = karpenter.api != KarpenterApi::Unknown;
    Complete {
        nodes: known.without_gap(Kind::Node),
        claims: is_known && known.without_gap(Kind::NodeClaim),
        pools: is_known && known.without_gap(Kind::NodePool),
        pods: known.without_gap(Kind::Pod),
        budgets: known.without_gap(Kind::PodDisruptionBudget),
    }
}

/// Which Karpenter manages a NodeClaim: the group of its NodeClass, empty where it has none.
pub(super) fn group_of(claim: Option<&NodeClaimRow>) -> &str {
    claim.and_then(|claim| claim.node_class.as_ref()).map_or("", |class| class.group.as_str())
}

/// Karpenter counts a NodeClaim that is being deleted, too, until it is gone (pkg/controllers/state/cluster.go).
fn pauses<'a>(fleet: &'a Fleet, picture: &'a Picture) -> Map<&'a str, Pause<'a>> {
    let mut pauses = Map::default();
    for claim in picture.claims_without_machine(fleet) {
        let known = pauses.entry(group_of(Some(claim))).or_insert(Pause::Launching(claim));
        if let Pause::Launching(other) = known
            && (claim.meta.created, &claim.meta.key) < (other.meta.created, &other.meta.key)
        {
            *known = Pause::Launching(claim);
        }
    }
    let unreadable = fleet.disruption_budgets.iter().filter(|row| matches!(row.selector, PodSelector::Invalid(_)));
    if let Some(row) = unreadable.min_by_key(|row| &row.meta().key) {
        pauses.insert(ANY_GROUP, Pause::Unreadable(row));
    }
    pauses
}

fn block_ends(fleet: &Fleet) -> Map<&Sym, Time> {
    let reservations = fleet.ec2_node_classes.iter().flat_map(|class| &class.reservations);
    reservations.filter(|one| one.is_capacity_block).map(|one| (&one.id, one.ends_at)).collect()
}

/// Whether a feature gate is on in a controller that can be seen (karpenter pkg/operator/options/options.go); all that
/// batchtop asks of are off by default. The last of several settings counts, in the words of Go's `strconv.ParseBool`.
fn gate_is_on(fleet: &Fleet, gate: &str) -> bool {
    fleet.controllers.iter().filter_map(|row| row.feature_gates.as_deref()).any(|gates| turns_on(gates, gate))
}

fn turns_on(gates: &str, gate: &str) -> bool {
    let pairs = gates.split(',').filter_map(|pair| pair.split_once('='));
    let last = pairs.rev().find(|(name, _)| name.trim() == gate);
    last.is_some_and(|(_, value)| matches!(value.trim(), "1" | "t" | "T" | "true" | "TRUE" | "True"))
}

fn pool_now<'a>(fleet: &'a Fleet, picture: &Picture, row: &'a NodePoolRow, now: Time) -> PoolNow<'a> {
    let sums = picture.pool(&row.meta.key.name);
    let events = fleet.events.disruptions_of(Kind::NodePool, &row.meta.key.name);
    PoolNow {
        row,
        budgets: PoolBudgets::new(row, sums.counted, sums.disrupting),
        claims: sums.claims,
        balance: sums.balance,
        budget_events: evidence::exhausted_reasons(events.into_iter(), now),
        lacks_subnets: lacks_subnets(fleet, row),
    }
}

/// Whether the EC2NodeClass of a NodePool says that it selects none.
fn lacks_subnets(fleet: &Fleet, pool: &NodePoolRow) -> bool {
    let class = pool.node_class.as_ref().filter(|class| class.group == "karpenter.k8s.aws");
    let class = class.and_then(|class| fleet.ec2_node_classes.get(&ObjectKey::cluster(&class.name)));
    let ready = class.and_then(|class| Condition::find(&class.conditions, "SubnetsReady"));
    ready.is_some_and(|found| found.status == Status::False)
}

/// Of NodePools that are Ready, not static and not being deleted (pkg/controllers/provisioning/provisioner.go, NewScheduler).
fn ready_groups(fleet: &Fleet) -> HashSet<&str, RandomState> {
    let is_offered = |row: &&NodePoolRow| row.replicas.is_none() && row.is_ready() && row.meta.deletion.is_none();
    let offered = fleet.node_pools.iter().filter(is_offered);
    offered.map(|row| row.node_class.as_ref().map_or("", |class| class.group.as_str())).collect()
}
