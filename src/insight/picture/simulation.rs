//! Proofs that Karpenter's simulation cannot move the pods of a Node, from conditions that are necessary for it: a pod that fits
//! on no other Node keeps its Node from being deleted; one that fits on no new one either keeps it from everything.
//!
//! Karpenter simulates what would become of the pods of a node that it takes (pkg/controllers/disruption/helpers.go,
//! SimulateScheduling): they go to other nodes, else to one new node. What is said here stays true of more room than there is
//! (no DaemonSet, spread or volume counts), so a pod that does not fit here does not fit there. What is not known keeps silent.
//!
//! Demands are those of few templates, so each is looked for once among all Nodes, and only when it is asked for.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use foldhash::fast::RandomState;

use super::Evaluator;
use super::evaluator::group_of;
use super::node::NodeLoad;
use crate::fleet::{
    DisruptionBudgetRow, Fleet, HostPort, Key, Kind, NodeClaimRow, NodeOperator, NodePoolRow, NodeRequirement, NodeRow,
    ObjectKey, PodRow, Resources, Sym,
};
use crate::insight::disruption::placement::{Demand, Resource};
use crate::insight::disruption::pods::{is_evictable, is_reschedulable};
use crate::insight::disruption::{Blocker, BlockerKind, NodeInputs, Reason, Reasons, budgets};
use crate::insight::karpenter::Support;
use crate::insight::phase;
use crate::insight::sentence::{Sentence, plural, sentence};
use crate::units::{Lifetime, quantity};

/// The reasons for which Karpenter simulates.
const SIMULATED: Reasons = Reasons::only(Reason::Drifted).or(Reasons::only(Reason::Underutilized));

/// Where pods of each demand were looked for; by the addresses of what they share, which live as long as the Fleet is borrowed.
#[derive(Default)]
pub(super) struct Surveys {
    found: RefCell<HashMap<(usize, usize), Rc<Survey>, RandomState>>,
    stranded: OnceCell<Vec<ObjectKey>>,
    /// What of the limit of a NodePool its Nodes use up, by its name, the limited resource and the reason.
    used: RefCell<HashMap<(Sym, Sym, Reason), i64, RandomState>>,
    one_karpenter: OnceCell<bool>,
    spot_stays: OnceCell<bool>,
}

/// Something on which a pod could be placed: a Node, or a NodeClaim that has none yet.
struct Place<'a> {
    name: &'a Sym,
    /// Its labels and taints; `None` where they may still change.
    node: Option<&'a NodeRow>,
    /// What can be allocated there at most.
    allocatable: [Option<&'a Resources>; 2],
    requested: Requested<'a>,
}

/// What pods have requested of a place.
#[derive(Default)]
struct Requested<'a> {
    cpu_millis: i64,
    memory_bytes: i64,
    load: Option<&'a NodeLoad>,
}

/// How much is free where there is most, and where that is: of two places one is not the Node that is asked about.
#[derive(Default)]
struct Most([Option<(i64, Sym)>; 2]);

/// What was found of one demand among all places.
#[derive(Default)]
struct Survey {
    /// Two places on which it may fit.
    homes: Vec<Sym>,
    /// Two places with the labels that it demands.
    labelled: Vec<Sym>,
    /// Two places on which it may run, if there is room.
    allowed: Vec<Sym>,
    /// Two places of any kind.
    places: Vec<Sym>,
    /// Each resource that it requests, how much of it, and how much is free, in all places and in those where it may run.
    amounts: Vec<(Resource, i64, Most, Most)>,
}

/// Whether a pod is proven to have no place, and for which reasons.
struct Proof<'a> {
    pod: &'a PodRow,
    reasons: Reasons,
    message: Sentence,
}

impl Most {
    fn note(&mut self, free: i64, name: &Sym) {
        let [first, second] = &mut self.0;
        let is_more = |known: &Option<(i64, Sym)>| known.as_ref().is_none_or(|(most, _)| free > *most);
        if is_more(first) {
            *second = first.replace((free, name.clone()));
        } else if is_more(second) {
            *second = Some((free, name.clone()));
        }
    }

    fn besides(&self, node: &Sym) -> Option<(i64, &Sym)> {
        self.0.iter().flatten().find(|(_, name)| name != node).map(|(free, name)| (*free, name))
    }
}

impl Place<'_> {
    /// How much of a resource is free at most; `None` where that is not known.
    fn free(&self, resource: &Resource) -> Option<i64> {
        if self.allocatable.iter().flatten().all(|amounts| amounts.cpu_millis == 0) {
            return None;
        }
        let most = self.allocatable.iter().flatten().map(|amounts| resource.of(amounts)).max()??;
        let Some(load) = self.requested.load else { return Some(most) };
        if load.has_doubtful_requests {
            return None;
        }
        let requested = match resource {
            Resource::Cpu => self.requested.cpu_millis,
            Resource::Memory => self.requested.memory_bytes,
            Resource::Pods => i64::try_from(load.pods).unwrap_or(i64::MAX),
            Resource::Gpu(name) => load.gpus.iter().find(|gpu| gpu.resource == *name).map_or(0, |gpu| gpu.count),
        };
        Some(most.saturating_sub(requested))
    }
}

impl Survey {
    /// Whether a pod surely fits on no other place than this Node. Where there is no other, nothing has to be explained.
    fn is_nowhere_besides(&self, node: &Sym) -> bool {
        has_other(&self.places, node) && !has_other(&self.homes, node)
    }

    fn add(&mut self, fleet: &Fleet, demand: &Demand<'_>, place: &Place<'_>) {
        let is_labelled = place.node.is_none_or(|node| may_select(demand, node));
        let is_allowed = is_labelled && place.node.is_none_or(|node| demand.may_tolerate(&node.taints));
        let mut fits = is_allowed;
        for (resource, wanted, anywhere, where_allowed) in &mut self.amounts {
            let known = place.free(resource);
            let free = known.unwrap_or(i64::MAX);
            anywhere.note(free, place.name);
            if is_allowed {
                where_allowed.note(free, place.name);
            }
            fits &= known.is_none_or(|free| !resource.exceeds(*wanted, free));
        }
        fits = fits && !has_port_conflict(fleet, &demand.placement.host_ports, place);
        let marks = [
            (true, &mut self.places),
            (is_labelled, &mut self.labelled),
            (is_allowed, &mut self.allowed),
            (fits, &mut self.homes),
        ];
        for (is, names) in marks {
            if is && names.len() < 2 {
                names.push(place.name.clone());
            }
        }
    }

    /// Why it fits on no other place than this Node.
    fn why(&self, demand: &Demand<'_>, node: &Sym) -> Sentence {
        if !has_other(&self.labelled, node) {
            return sentence!["none has ", demand.labels_text()];
        }
        if !has_other(&self.allowed, node) {
            return Sentence::of("it does not tolerate their taints");
        }
        let short = self.amounts.iter().find_map(|(resource, wanted, anywhere, where_allowed)| {
            let (free, name) = where_allowed.besides(node)?;
            let is_most = anywhere.besides(node).is_some_and(|(most, _)| most == free);
            resource.exceeds(*wanted, free).then_some((resource, *wanted, free, name, is_most))
        });
        let Some((resource, wanted, free, name, is_most)) = short else {
            return self.not_together(demand);
        };
        if *resource == Resource::Pods {
            return Sentence::of("none where it may run has room for one pod more");
        }
        let whither = if is_most { "elsewhere" } else { "where it may run" };
        let needs = sentence!["needs ", resource.amount(wanted), " ", resource, ", the most free ", whither];
        sentence![needs, " is ", resource.amount(free), " (", name, ")"]
    }

    /// That everything is free somewhere, but nowhere all of it.
    fn not_together(&self, demand: &Demand<'_>) -> Sentence {
        let amounts = self.amounts.iter().filter(|(resource, ..)| *resource != Resource::Pods);
        let amounts = amounts.map(|(resource, wanted, ..)| sentence![resource.amount(*wanted), " ", resource]);
        let ports = demand.placement.host_ports.iter().map(|port| sentence!["host port ", i64::from(port.port)]);
        sentence!["none where it may run has ", Sentence::joined(amounts.chain(ports), ", "), " free together"]
    }
}

fn has_other(names: &[Sym], node: &Sym) -> bool {
    names.iter().any(|name| name != node)
}

/// Whether a Node may have the labels. Where its hostname is not labelled it is its name
/// (karpenter pkg/controllers/state/statenode.go, HostName).
fn may_select(demand: &Demand<'_>, node: &NodeRow) -> bool {
    let name = |key: &str| (key == "kubernetes.io/hostname").then_some(&node.meta.key.name);
    demand.may_select(|key| node.labels.get(key).filter(|value| !value.is_empty()).or_else(|| name(key)))
}

fn has_port_conflict(fleet: &Fleet, ports: &[HostPort], place: &Place<'_>) -> bool {
    if ports.is_empty() {
        return false;
    }
    let taken = fleet.pods_on(place.name).filter(|pod| pod.holds_resources());
    let mut taken = taken.flat_map(|pod| &pod.placement.host_ports);
    taken.any(|port| ports.iter().any(|wanted| wanted.conflicts_with(port)))
}

impl<'a> Evaluator<'a> {
    /// Advisory blockers of what Karpenter's simulation is proven not to find for a Node that every gate would let go.
    pub(super) fn proofs(&self, case: &NodeInputs<'_>, may: Reasons) -> Vec<Blocker> {
        let drift = if simulates_drift(case) { Reasons::NONE } else { Reasons::only(Reason::Drifted) };
        let asked = may.and(SIMULATED).without(drift);
        let complete = case.complete;
        let is_known = complete.nodes && complete.claims && complete.pools && complete.pods && complete.budgets;
        if asked.is_empty() || !is_known || case.claim.is_none() {
            return Vec::new();
        }
        let own = self.proof_of_pods(case, asked);
        let proven = own.as_ref().map_or(Reasons::NONE, |proof| proof.reasons);
        let stranded = self.proof_of_stranded(case, asked.without(proven));
        own.into_iter().chain(stranded).map(Proof::blocker).collect()
    }

    /// The proof that says most of the pods on the Node.
    fn proof_of_pods(&self, case: &NodeInputs<'_>, asked: Reasons) -> Option<Proof<'a>> {
        let mut pods: Vec<&'a PodRow> =
            self.fleet().pods_on(&case.node.meta.key.name).filter(|pod| self.is_moved(pod)).collect();
        pods.sort_unstable_by_key(|pod| (std::cmp::Reverse(pod.requests.gpu_total()), &pod.meta.key));
        let mut best: Option<Proof<'a>> = None;
        for proof in pods.into_iter().filter_map(|pod| self.proof_of_pod(case, pod, asked)) {
            if best.as_ref().is_none_or(|best| proof.reasons.iter().count() > best.reasons.iter().count()) {
                best = Some(proof);
            }
        }
        // That a node is not deleted says nothing of drift, which replaces it.
        best.filter(|proof| !proof.reasons.is_empty() || asked.contains(Reason::Underutilized))
    }

    fn proof_of_pod(&self, case: &NodeInputs<'_>, pod: &'a PodRow, asked: Reasons) -> Option<Proof<'a>> {
        let demand = Demand::of(pod)?;
        let survey = self.survey(&demand);
        let name = &case.node.meta.key.name;
        if !survey.is_nowhere_besides(name) {
            return None;
        }
        let (refused, refusal) = self.refused(case, &demand, asked);
        let open = asked.without(refused).and(Reasons::only(Reason::Underutilized));
        let is_kept = !open.is_empty() && self.is_spot_kept(case, &demand);
        let fits = sentence![&pod.meta.key, " fits on no other node: ", survey.why(&demand, name)];
        let message = match refusal {
            Some(refusal) if refused == asked => sentence![fits, "; nor on a new one: ", refusal],
            Some(refusal) => {
                let kept = is_kept.then(|| Sentence::of(SPOT_IS_KEPT));
                sentence![fits, "; nor, for ", names(refused), ", on a new one: ", refusal, kept]
            }
            None if is_kept => sentence![fits, SPOT_IS_KEPT],
            None => sentence![fits, "; consolidation would have to launch a cheaper node"],
        };
        Some(Proof { pod, reasons: if is_kept { refused.or(open) } else { refused }, message })
    }

    /// A pod of a node that is being deleted has to find a place in every simulation; where it finds none, none succeeds
    /// (pkg/controllers/provisioning/scheduling/scheduler.go, AllNonPendingPodsScheduled).
    fn proof_of_stranded(&self, case: &NodeInputs<'_>, asked: Reasons) -> Option<Proof<'a>> {
        if asked.is_empty() {
            return None;
        }
        let name = &case.node.meta.key.name;
        let proofs = self.stranded().iter().filter_map(|key| self.fleet().pods.get(key)).filter_map(|pod| {
            let from = pod.node.as_ref()?;
            let behind = self.fleet().claim_of(self.fleet().node(from)?)?;
            let demand = Demand::of(pod).filter(|_| group_of(Some(behind)) == group_of(case.claim))?;
            let survey = self.survey(&demand);
            let (reasons, refusal) = self.refused(case, &demand, asked);
            if !survey.is_nowhere_besides(name) || reasons.is_empty() {
                return None;
            }
            let fits = sentence!["pod ", &pod.meta.key, " of ", from, ", which is being deleted, fits on no node: "];
            let message = sentence![fits, survey.why(&demand, name), "; nor on a new one: ", refusal?];
            Some(Proof {
                pod,
                reasons,
                message: sentence![message, "; until it is gone nothing is taken for ", names(reasons)],
            })
        });
        proofs.max_by_key(|proof| proof.reasons.iter().count())
    }

    /// Pods of Nodes that the Karpenter of their NodeClaims is deleting: it asks these, not the Nodes (pkg/controllers/state/
    /// statenode.go, MarkedForDeletion).
    fn stranded(&self) -> &[ObjectKey] {
        self.surveys().stranded.get_or_init(|| {
            let fleet = self.fleet();
            let going = fleet.nodes.iter().filter(|node| fleet.claim_of(node).is_some_and(phase::is_terminating));
            going
                .flat_map(|node| fleet.pods_on(&node.meta.key.name))
                .filter(|pod| self.is_moved(pod))
                .map(|pod| pod.meta.key.clone())
                .collect()
        })
    }

    /// The reasons for which no NodePool can launch a node for a demand, and why the first of them cannot.
    fn refused(&self, case: &NodeInputs<'_>, demand: &Demand<'_>, asked: Reasons) -> (Reasons, Option<Sentence>) {
        let mut pools: Vec<&NodePoolRow> = self.offered_pools().collect();
        // That of the node says most.
        let own = case.pool.map(|pool| &pool.row.meta.key);
        pools.sort_unstable_by_key(|pool| (Some(&pool.meta.key) != own, &pool.meta.key));
        let mut reasons = if pools.is_empty() { Reasons::NONE } else { asked };
        for pool in &pools {
            let refuses = |reason: &Reason| self.refusal(case, demand, pool, *reason).is_some();
            reasons = reasons.iter().filter(refuses).collect();
        }
        let Some(reason) = reasons.iter().last() else { return (Reasons::NONE, None) };
        let refusals = pools.iter().filter_map(|pool| self.refusal(case, demand, pool, reason));
        (reasons, Some(listed(refusals.collect())))
    }

    /// Those on which Karpenter may look for a place for a pod.
    fn offered_pools(&self) -> impl Iterator<Item = &'a NodePoolRow> {
        let is_offered = |pool: &&NodePoolRow| pool.replicas.is_none() && pool.meta.deletion.is_none();
        self.fleet().node_pools.iter().filter(is_offered)
    }

    /// Why a NodePool launches no node for a demand when Karpenter takes a Node for a reason; `None` where it may. One that is not
    /// Ready it leaves out (pkg/controllers/provisioning/provisioner.go, NewScheduler).
    fn refusal(
        &self,
        case: &NodeInputs<'_>,
        demand: &Demand<'_>,
        pool: &NodePoolRow,
        reason: Reason,
    ) -> Option<Sentence> {
        let unready = || (!pool.is_ready()).then(|| sentence!["NodePool ", &pool.meta.key.name, " is not Ready"]);
        demand.refusal(pool).or_else(unready).or_else(|| self.exhausted(case, demand, pool, reason))
    }

    /// Why the limits of a NodePool leave no room for a node for this demand, without the Node that is taken
    /// (scheduler.go, filterByRemainingResources: all that the new node has counts).
    fn exhausted(
        &self,
        case: &NodeInputs<'_>,
        demand: &Demand<'_>,
        pool: &NodePoolRow,
        reason: Reason,
    ) -> Option<Sentence> {
        let name = &pool.meta.key.name;
        let amounts = demand.amounts();
        pool.limits.iter().find_map(|(limited, limit)| {
            if limited == "nodes" {
                if case.karpenter.limits_of_nodes() != Support::Yes {
                    return None;
                }
                let is_reached = self.used(case, (name, limited, reason), |_| 1) >= quantity::units(limit)?;
                return is_reached.then(|| sentence!["NodePool ", name, " is at its limit of ", limit, " nodes"]);
            }
            let resource = resource(limited);
            let (_, wanted) = amounts.iter().find(|(one, _)| *one == resource)?;
            let limit = if resource == Resource::Cpu { quantity::millis(limit)? } else { quantity::units(limit)? };
            let used = self.used(case, (name, limited, reason), |node| resource.of(&node.capacity).unwrap_or(0));
            let left = limit.saturating_sub(used);
            let leaves =
                || sentence!["the limits of NodePool ", name, " leave ", resource.amount(left), " ", &resource];
            resource.exceeds(*wanted, left).then(leaves)
        })
    }

    /// Whether something keeps a Node from consolidation that does not end by itself. Consolidation may take several nodes at once,
    /// whose capacity the limits of NodePools then leave to the new one: these it leaves alone. Drift takes one at a time.
    fn is_kept(&self, node: &NodeRow) -> bool {
        let fleet = self.fleet();
        let is_annotated = |value: Option<&Sym>| value.is_some_and(|value| value == "true");
        let pool = node.node_pool().and_then(|name| fleet.node_pools.get(&ObjectKey::cluster(name)));
        let is_never = |pool: &NodePoolRow| {
            pool.replicas.is_some()
                || pool.consolidation_policy == "WhenEmpty"
                || !matches!(pool.consolidate_after, Lifetime::Seconds(_))
        };
        let annotated = self.picture().node(&node.meta.key.name).map_or(&[][..], |picture| &picture.pods.annotated);
        let mut annotated = annotated.iter().filter_map(|key| fleet.pods.get(key));
        (node.is_registered() && is_annotated(node.do_not_disrupt.as_ref()))
            || pool.is_some_and(is_never)
            || annotated.any(|pod| is_annotated(pod.do_not_disrupt.as_ref()) && pod.is_active())
    }

    /// Whether consolidation cannot put a new node in the place of a spot node, though a NodePool would launch one for the pod: the
    /// new node could only be a spot node too (pkg/controllers/disruption/consolidation.go, computeSpotToSpotConsolidation).
    fn is_spot_kept(&self, case: &NodeInputs<'_>, demand: &Demand<'_>) -> bool {
        let mut pools = self.offered_pools().filter(|pool| demand.refusal(pool).is_none()).peekable();
        case.label(CAPACITY_TYPE).is_some_and(|kind| kind == SPOT)
            && !case.is_of_auto_mode()
            && pools.peek().is_some()
            && pools.all(launches_spot_nodes)
            && *self.surveys().spot_stays.get_or_init(|| self.gate_keeps_spot() && self.is_all_spot())
    }

    /// Whether the one Karpenter here surely replaces no spot node by another: feature gate SpotToSpotConsolidation is off unless
    /// something turns it on.
    fn gate_keeps_spot(&self) -> bool {
        self.has_one_karpenter() && self.gate_is_off("SpotToSpotConsolidation")
    }

    /// Whether all nodes that consolidation may take together with others are spot nodes, and no pod for which it may look for a
    /// place asks for other capacity: the new node would have to be of that.
    fn is_all_spot(&self) -> bool {
        let fleet = self.fleet();
        let is_well = |node: &NodeRow| {
            let Some(claim) = fleet.claim_of(node) else { return true };
            let is_going = phase::is_terminating(claim) || budgets::is_chosen_node(node, Some(claim));
            let is_spot = node.labels.get(CAPACITY_TYPE).is_some_and(|kind| kind == SPOT);
            (!is_going && self.is_kept(node))
                || ((is_going || is_spot) && !fleet.pods_on(&node.meta.key.name).any(may_leave_spot))
        };
        fleet.nodes.iter().all(is_well) && !fleet.pods.iter().any(|pod| pod.node.is_none() && may_leave_spot(pod))
    }

    /// What the Nodes of a NodePool use up of a limit while Karpenter takes the Node in question for a reason. The sum over all
    /// is kept: it is asked for of many Nodes, each of which leaves out itself.
    fn used(
        &self,
        case: &NodeInputs<'_>,
        (pool, limited, reason): (&Sym, &Sym, Reason),
        amount: impl Fn(&NodeRow) -> i64,
    ) -> i64 {
        let counts =
            |node: &&NodeRow| self.uses_limits(node, pool) && (reason != Reason::Underutilized || self.is_kept(node));
        let sum =
            |nodes: &mut dyn Iterator<Item = &NodeRow>| nodes.filter(counts).map(&amount).fold(0, i64::saturating_add);
        let key = (pool.clone(), limited.clone(), reason);
        let known = self.surveys().used.borrow().get(&key).copied();
        let all = known.unwrap_or_else(|| {
            let all = sum(&mut self.fleet().nodes.iter());
            self.surveys().used.borrow_mut().insert(key, all);
            all
        });
        all.saturating_sub(sum(&mut std::iter::once(case.node)))
    }

    /// Whether a Node surely counts against the limits of a NodePool while it is not taken.
    fn uses_limits(&self, node: &NodeRow, pool: &Sym) -> bool {
        let claim = self.fleet().claim_of(node);
        node.node_pool() == Some(pool)
            && node.is_initialized()
            && node.meta.deletion.is_none()
            && !claim.is_some_and(phase::is_terminating)
            && !budgets::is_chosen_node(node, claim)
    }

    /// Whether Karpenter surely looks for another place for a pod of a node that goes (pkg/utils/pdb/pdb.go,
    /// IsCurrentlyReschedulable). What an annotation may hold is left out, and what a PodDisruptionBudget holds for ever: one that
    /// holds it now does not count, for the pod goes one day.
    fn is_moved(&self, pod: &PodRow) -> bool {
        is_reschedulable(pod) && pod.do_not_disrupt.is_none() && !(is_evictable(pod) && self.may_be_held_for_ever(pod))
    }

    /// Whether PodDisruptionBudgets may hold a pod for ever. What several of them mean, versions of Karpenter differ about.
    fn may_be_held_for_ever(&self, pod: &PodRow) -> bool {
        let Some(keys) = self.picture().budgets.selecting(pod) else { return false };
        let lets_go =
            |row: &DisruptionBudgetRow| !row.blocks_fully || (row.always_allows_unhealthy && pod.eviction.unready);
        let budget = |key| self.fleet().disruption_budgets.get(key);
        keys.len() > 1 || !keys.iter().all(|key| budget(key).is_some_and(lets_go))
    }

    fn survey(&self, demand: &Demand<'_>) -> Rc<Survey> {
        let address = (std::ptr::from_ref(demand.requests).addr(), std::ptr::from_ref(demand.placement).addr());
        if let Some(found) = self.surveys().found.borrow().get(&address) {
            return Rc::clone(found);
        }
        let survey = Rc::new(self.look_around(demand));
        self.surveys().found.borrow_mut().insert(address, Rc::clone(&survey));
        survey
    }

    fn look_around(&self, demand: &Demand<'_>) -> Survey {
        let with_none = |(resource, wanted)| (resource, wanted, Most::default(), Most::default());
        let mut survey = Survey { amounts: demand.amounts().into_iter().map(with_none).collect(), ..Survey::default() };
        let nodes = self.fleet().nodes.iter().filter_map(|node| self.place(node));
        for place in nodes.chain(self.places_to_come()) {
            survey.add(self.fleet(), demand, &place);
            if survey.homes.len() == 2 {
                break;
            }
        }
        survey
    }

    /// Whether every Karpenter counts a Node as being deleted: to one that does not manage its NodeClaim the Node decides.
    fn is_going(&self, node: &NodeRow, claim: Option<&NodeClaimRow>) -> bool {
        let is_deleted = node.meta.deletion.is_some();
        claim.map_or(is_deleted, |claim| phase::is_terminating(claim) && (is_deleted || self.has_one_karpenter()))
    }

    /// Whether all NodeClaims are managed by the same Karpenter.
    fn has_one_karpenter(&self) -> bool {
        *self.surveys().one_karpenter.get_or_init(|| {
            let mut groups = self.fleet().node_claims.iter().map(|claim| group_of(Some(claim)));
            let first = groups.next();
            groups.all(|group| Some(group) == first)
        })
    }

    /// A Node as a place for pods; `None` where it surely is going. One that is not initialized may still get what its NodeClaim
    /// promises, and lose taints.
    fn place(&self, node: &'a NodeRow) -> Option<Place<'a>> {
        let picture = self.picture().node(&node.meta.key.name);
        let claim = self.fleet().claim_of(node);
        let is_going = self.is_going(node, claim);
        let is_settled = claim.is_none() || (node.is_initialized() && node.is_registered());
        let requested = picture.map(|picture| Requested {
            cpu_millis: picture.cpu_requested_millis,
            memory_bytes: picture.memory_requested_bytes,
            load: Some(&picture.load),
        });
        let promised = claim.filter(|_| !is_settled).map(|claim| &claim.allocatable);
        (!is_going).then(|| Place {
            name: &node.meta.key.name,
            node: is_settled.then_some(node),
            allocatable: [Some(&node.allocatable), promised],
            requested: requested.unwrap_or_default(),
        })
    }

    /// NodeClaims whose Node is still to come.
    fn places_to_come(&self) -> impl Iterator<Item = Place<'a>> {
        let rows = self.picture().claims_without_node.iter().filter_map(|key| self.fleet().node_claims.get(key));
        rows.filter(|claim| !phase::is_terminating(claim)).map(|claim| Place {
            name: &claim.meta.key.name,
            node: None,
            allocatable: [Some(&claim.allocatable), None],
            requested: Requested::default(),
        })
    }
}

impl Proof<'_> {
    fn blocker(self) -> Blocker {
        Blocker::new(BlockerKind::Simulation, self.reasons, self.message)
            .about(Key::new(Kind::Pod, self.pod.meta.key.clone()))
    }
}

/// The label that tells spot capacity from other, and its value for spot.
const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";
const SPOT: &str = "spot";

/// What is said of a spot node that only another spot node could replace.
const SPOT_IS_KEPT: &str = "; consolidation would have to launch a spot node in its place, and feature gate \
                            SpotToSpotConsolidation is off";

/// Whether a NodePool surely launches spot nodes for pods that ask for nothing else, and none in reserved capacity, which goes
/// before (pkg/controllers/provisioning/scheduling/nodeclaim.go, FinalizeScheduling).
fn launches_spot_nodes(pool: &NodePoolRow) -> bool {
    let mut asked = pool.template.requirements.iter().filter(|one| one.key == CAPACITY_TYPE).peekable();
    let is_asked = asked.peek().is_some();
    let values = |one: &NodeRequirement| {
        one.operator == NodeOperator::In
            && one.values.iter().any(|value| value == SPOT)
            && one.values.iter().all(|value| value != "reserved")
    };
    is_asked && asked.all(values) && pool.template.labels.iter().all(|(key, _)| key != CAPACITY_TYPE)
}

/// Whether a pod, where Karpenter looks for a place for it, may ask for a node that is none of spot capacity.
fn may_leave_spot(pod: &PodRow) -> bool {
    let placement = &pod.placement;
    let by_selector = placement.node_selector.iter().any(|(key, value)| key == CAPACITY_TYPE && value != SPOT);
    let asks = |one: &NodeRequirement| {
        let has_spot = one.values.iter().any(|value| value == SPOT);
        one.key == CAPACITY_TYPE && !(one.operator == NodeOperator::In && has_spot)
    };
    let by_affinity = placement.node_affinity.iter().flatten().any(asks);
    let is_moved = pod.holds_resources() && !pod.eviction.of_daemon_set && !pod.eviction.of_node;
    is_moved && (placement.steers_capacity_type || by_selector || by_affinity)
}

/// Whether drift of a node is surely simulated: not in NodePools of fixed size, and without pods to move not before 1.7
/// (pkg/controllers/disruption/staticdrift.go, drift.go).
fn simulates_drift(case: &NodeInputs<'_>) -> bool {
    let is_static = case.pool.is_some_and(|pool| pool.row.replicas.is_some());
    !is_static && (case.pods.reschedulable > 0 || case.karpenter.drifts_one_by_one() == Support::Yes)
}

/// Of more NodePools only the first are named.
const MOST_REFUSALS: usize = 2;

fn listed(mut refusals: Vec<Sentence>) -> Sentence {
    let more = refusals.len().saturating_sub(MOST_REFUSALS);
    refusals.truncate(MOST_REFUSALS);
    let first = Sentence::joined(refusals, ", ");
    if more == 0 { first } else { sentence![first, ", and so for ", plural(more, "other NodePool")] }
}

fn resource(name: &Sym) -> Resource {
    match name.as_str() {
        "cpu" => Resource::Cpu,
        "memory" => Resource::Memory,
        "pods" => Resource::Pods,
        _ => Resource::Gpu(name.clone()),
    }
}

fn names(reasons: Reasons) -> String {
    reasons.iter().map(Reason::name).collect::<Vec<&str>>().join(" and ")
}
