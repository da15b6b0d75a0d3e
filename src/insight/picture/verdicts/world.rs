//! A cluster of one node that matters, and short words for what is said of it.

use crate::fleet::{
    Budget, ControllerRow, Delta, DisruptionBudgetRow, EventClass, EventObject, EventRow, Eviction, Fleet, Health,
    HealthState, KarpenterApi, Kind, NodeClaimRow, NodeClassRef, NodeClassRow, NodePoolRow, NodeRow, ObjectKey, PodRow,
    PodSelector, SourceId, Sources,
};
use crate::insight::disruption::{Disruption, Hazard, NotBefore, Outlook, Reason, Reasons, judge};
use crate::insight::karpenter::Provenance;
use crate::insight::picture::Evaluator;
use crate::insight::testing::{
    CREATED, MANAGED_LABELS, NOW, claim, eviction_of, fleet, labels, met, meta, node, pod, pool, sym, upserts,
};
use crate::insight::{Completeness, KarpenterVersion, Picture, Sentence};
use crate::rows;
use crate::units::{Selector, Time};

/// Conditions of a NodeClaim whose node is quiet.
pub(super) const QUIET: [&str; 4] = ["Launched", "Registered", "Initialized", "Consolidatable"];

/// Conditions of a NodeClaim whose node is quiet and drifted.
pub(super) const DRIFTED: [&str; 5] = ["Launched", "Registered", "Initialized", "Consolidatable", "Drifted"];

/// Node `a` with NodeClaim `c` of NodePool `gpu`, and whatever else a test needs.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub node: NodeRow,
    pub claim: Option<NodeClaimRow>,
    pub pool: Option<NodePoolRow>,
    pub pods: Vec<PodRow>,
    pub guards: Vec<DisruptionBudgetRow>,
    pub events: Vec<EventRow>,
    pub other_nodes: Vec<NodeRow>,
    pub other_claims: Vec<NodeClaimRow>,
    pub other_pools: Vec<NodePoolRow>,
    pub classes: Vec<NodeClassRow>,
    pub controllers: Vec<ControllerRow>,
    pub karpenter: KarpenterVersion,
    /// Kinds of which not all objects are known.
    pub hidden: Vec<Kind>,
    pub now: Time,
}

/// The Karpenter whose image has this tag.
pub(super) fn karpenter(version: &str) -> KarpenterVersion {
    KarpenterVersion {
        version: Some(version.to_owned()),
        how: Provenance::Image,
        api: KarpenterApi::V1,
        auto_mode: false,
    }
}

/// A quiet node without pods that Karpenter may take as empty, an hour after its creation.
pub(super) fn empty(change: impl FnOnce(&mut World)) -> World {
    let mut world = World {
        node: NodeRow { labels: labels(&MANAGED_LABELS), provider_id: Some(sym("i-a")), ..node("a") },
        claim: Some(NodeClaimRow {
            provider_id: Some(sym("i-a")),
            node_name: Some(sym("a")),
            conditions: met(&QUIET),
            ..claim("c")
        }),
        pool: Some(pool("gpu")),
        pods: Vec::new(),
        guards: Vec::new(),
        events: Vec::new(),
        other_nodes: Vec::new(),
        other_claims: Vec::new(),
        other_pools: Vec::new(),
        classes: Vec::new(),
        controllers: Vec::new(),
        karpenter: karpenter("1.14.1"),
        hidden: Vec::new(),
        now: NOW,
    };
    change(&mut world);
    world
}

/// The same with one pod that nothing protects.
pub(super) fn busy(change: impl FnOnce(&mut World)) -> World {
    let mut world = empty(|world| world.pods.push(pod("ml", "web", Some("a"))));
    change(&mut world);
    world
}

/// A drifted node with a pod that nothing protects.
pub(super) fn drifted(change: impl FnOnce(&mut World)) -> World {
    let mut world = busy(|world| world.claim().conditions = met(&DRIFTED));
    change(&mut world);
    world
}

/// A pod with `karpenter.sh/do-not-disrupt`.
pub(super) fn train(value: &str) -> PodRow {
    PodRow { do_not_disrupt: Some(sym(value)), ..pod("ml", "train-0", Some("a")) }
}

/// A pod that differs in what decides about its eviction.
pub(super) fn evicted(name: &str, change: impl FnOnce(&mut Eviction)) -> PodRow {
    let mut row = pod("ml", name, Some("a"));
    change(eviction_of(&mut row));
    row
}

/// A PodDisruptionBudget of all pods of namespace `ml`.
pub(super) fn guard(name: &str, allowed: i64) -> DisruptionBudgetRow {
    let all = PodSelector::Matching(Selector::parse("").unwrap());
    DisruptionBudgetRow { disruptions_allowed: allowed, ..rows::disruption_budget(meta("ml", name), all) }
}

/// A budget of a NodePool for all reasons and times.
pub(super) fn budget(nodes: &str) -> Budget {
    Budget { nodes: sym(nodes), reasons: None, schedule: None, duration: None }
}

/// The same for some reasons.
pub(super) fn budget_for(nodes: &str, reasons: &[&str]) -> Budget {
    Budget { reasons: Some(reasons.iter().map(|reason| sym(reason)).collect()), ..budget(nodes) }
}

/// The same at some times.
pub(super) fn budget_at(nodes: &str, schedule: &str, duration: &str) -> Budget {
    Budget { schedule: Some(sym(schedule)), duration: Some(sym(duration)), ..budget(nodes) }
}

/// An Event on Node `a`, so many seconds ago.
pub(super) fn event(reason: &str, message: &str, age_seconds: i64) -> EventRow {
    let class = if reason.contains("Interrupt") || reason.contains("Rebalance") {
        EventClass::Interruption
    } else {
        EventClass::Blocked
    };
    let meta = meta("default", &format!("{reason}-{age_seconds}"));
    let object = EventObject { kind: sym("Node"), key: ObjectKey::cluster("a") };
    let at = NOW.plus_seconds(-age_seconds);
    EventRow { message: sym(message), ..rows::event(meta, at, class, reason, object) }
}

/// A NodeClass by group.
pub(super) fn class_ref(group: &str) -> NodeClassRef {
    NodeClassRef { group: sym(group), kind: sym("NodeClass"), name: sym("default") }
}

impl World {
    /// The NodeClaim, to be changed.
    pub fn claim(&mut self) -> &mut NodeClaimRow {
        self.claim.as_mut().unwrap()
    }

    /// The NodePool, to be changed.
    pub fn pool(&mut self) -> &mut NodePoolRow {
        self.pool.as_mut().unwrap()
    }

    /// Takes a label off the Node.
    pub fn unlabel(&mut self, key: &str) {
        let kept: Vec<(&str, &str)> = MANAGED_LABELS.into_iter().filter(|(name, _)| *name != key).collect();
        self.node.labels = labels(&kept);
    }

    /// Puts more nodes with their NodeClaims into the NodePool.
    pub fn add_nodes(&mut self, count: usize, change: impl Fn(&mut NodeRow, &mut NodeClaimRow)) {
        for n in 0..count {
            let id = Some(sym(&format!("i-{n}")));
            let mut row =
                NodeRow { labels: labels(&MANAGED_LABELS), provider_id: id.clone(), ..node(&format!("n{n}")) };
            let mut behind = NodeClaimRow { provider_id: id, conditions: met(&QUIET), ..claim(&format!("c{n}")) };
            change(&mut row, &mut behind);
            self.other_nodes.push(row);
            self.other_claims.push(behind);
        }
    }

    /// The other nodes whose NodeClaims, in the same order, are not being deleted.
    pub fn staying_nodes(&self) -> impl Iterator<Item = &NodeRow> {
        let pairs = self.other_nodes.iter().zip(&self.other_claims);
        pairs.filter(|(_, behind)| behind.meta.deletion.is_none()).map(|(row, _)| row)
    }

    /// All its objects.
    pub fn deltas(&self) -> Vec<Delta> {
        let nodes = std::iter::once(&self.node).chain(&self.other_nodes).cloned().collect();
        let claims = self.claim.iter().chain(&self.other_claims).cloned().collect();
        vec![
            Delta::Nodes(upserts(nodes)),
            Delta::NodeClaims(upserts(claims)),
            Delta::NodePools(upserts(self.pool.iter().chain(&self.other_pools).cloned().collect())),
            Delta::Pods(upserts(self.pods.clone())),
            Delta::DisruptionBudgets(upserts(self.guards.clone())),
            Delta::Events(upserts(self.events.clone())),
            Delta::Ec2NodeClasses(upserts(self.classes.clone())),
            Delta::Controllers(upserts(self.controllers.clone())),
        ]
    }

    /// Which Sources are complete.
    pub fn sources(&self) -> Sources {
        let state = |source| match source {
            SourceId::Kind(kind) if self.hidden.contains(&kind) => HealthState::Syncing,
            _ => HealthState::Live,
        };
        SourceId::all().map(|source| (source, Health { state: state(source), ..Health::default() })).collect()
    }

    /// Asks a judge who has just come in.
    pub fn ask<T>(&self, question: impl FnOnce(&Evaluator<'_>, &Fleet) -> T) -> T {
        self.ask_with(|_| (), question)
    }

    /// The same with Sources that are changed first.
    pub fn ask_with<T>(
        &self,
        change: impl FnOnce(&mut Sources),
        question: impl FnOnce(&Evaluator<'_>, &Fleet) -> T,
    ) -> T {
        let fleet = fleet(self.deltas());
        let (picture, mut sources) = (Picture::full(&fleet), self.sources());
        change(&mut sources);
        question(&Evaluator::new(&fleet, &picture, &Completeness::new(&sources), &self.karpenter, self.now), &fleet)
    }

    /// What is said of the Node.
    pub fn disruption(&self) -> Disruption {
        self.ask(|evaluator, fleet| evaluator.node(fleet.node("a").unwrap()))
    }

    /// Before when Karpenter does not take the Node.
    pub fn not_before(&self) -> NotBefore {
        self.ask(|evaluator, fleet| {
            let case = evaluator.case(fleet.node("a").unwrap());
            NotBefore::of(&case, &judge(&case))
        })
    }

    /// What ends it all the same.
    pub fn hazards(&self) -> Vec<Hazard> {
        self.ask(|evaluator, fleet| evaluator.with_hazards(fleet.node("a").unwrap()).1)
    }

    /// Whether the protection of pod `train-0` will hold.
    pub fn outlook(&self) -> Outlook {
        self.ask(|evaluator, fleet| evaluator.pod(fleet.pods.get(&ObjectKey::new("ml", "train-0")).unwrap()))
    }

    /// Why its protection will not hold, and what it does not protect from.
    pub fn gaps(&self) -> Vec<String> {
        self.outlook().gaps.iter().map(Sentence::machine_text).collect()
    }

    /// The headline, the reasons for which Karpenter may take the Node, and what firmly blocks it.
    pub fn said(&self) -> Answer {
        let found = self.disruption();
        let blockers = found.firm().map(|blocker| (blocker.reasons, blocker.message.machine_text()));
        Answer {
            verdict: found.verdict.name(),
            open: found.may.yes,
            unknown: found.may.unknown(),
            blockers: blockers.collect(),
        }
    }
}

/// What the engine answers about a Node, as far as a case compares it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Answer {
    /// The headline.
    pub verdict: &'static str,
    /// The reasons for which Karpenter may take it.
    pub open: Reasons,
    /// Those for which that is not known; it may not be taken for all others.
    pub unknown: Reasons,
    /// Of each blocker that is certain: the reasons it stops, and Karpenter's message. In the order of the gates.
    pub blockers: Vec<(Reasons, String)>,
}

/// A blocker that a test expects.
#[derive(Clone, Copy)]
pub(super) struct Blocked {
    reasons: Reasons,
    message: &'static str,
}

impl Blocked {
    /// Stops these reasons.
    pub const fn new(reasons: Reasons, message: &'static str) -> Self {
        Self { reasons, message }
    }
}

/// Stops every reason.
pub(super) const fn for_all(message: &'static str) -> Blocked {
    Blocked { reasons: Reasons::ALL, message }
}

/// Stops Empty and Underutilized, but not Drifted.
pub(super) const fn for_consolidation(message: &'static str) -> Blocked {
    Blocked { reasons: Reasons::GRACEFUL, message }
}

/// Stops one reason.
pub(super) const fn for_only(reason: Reason, message: &'static str) -> Blocked {
    Blocked { reasons: Reasons::only(reason), message }
}

/// A world under a name, and what is to be said of its Node.
pub(super) struct NodeInputs {
    name: &'static str,
    world: World,
    want: Answer,
}

/// A world under a name; see [`NodeInputs::is`].
pub(super) fn case(name: &'static str, world: World) -> NodeInputs {
    let want = Answer { verdict: "", open: Reasons::NONE, unknown: Reasons::NONE, blockers: Vec::new() };
    NodeInputs { name, world, want }
}

impl NodeInputs {
    /// The headline. Unless more is said the node may be taken for no reason, and no blocker is named.
    pub fn is(mut self, verdict: &'static str) -> Self {
        self.want.verdict = verdict;
        self
    }

    /// Karpenter may take the node for these reasons.
    pub fn open_for(mut self, reasons: impl IntoIterator<Item = Reason>) -> Self {
        self.want.open = reasons.into_iter().collect();
        self
    }

    /// Whether Karpenter may take it for these reasons is not known.
    pub fn unknown_for(mut self, reasons: impl IntoIterator<Item = Reason>) -> Self {
        self.want.unknown = reasons.into_iter().collect();
        self
    }

    /// These blockers are named, in this order.
    pub fn blocked_by(mut self, blockers: impl IntoIterator<Item = Blocked>) -> Self {
        let blockers = blockers.into_iter().map(|blocker| (blocker.reasons, blocker.message.to_owned()));
        self.want.blockers = blockers.collect();
        self
    }
}

/// Compares what is said of each case's Node with what was to be said.
pub(super) fn check(cases: Vec<NodeInputs>) {
    for case in cases {
        assert_eq!(case.world.said(), case.want, "{}", case.name);
    }
}

/// Seconds since the creation of everything, `-` for none.
pub(super) fn since(at: Option<Time>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| at.seconds_since(CREATED).to_string())
}
