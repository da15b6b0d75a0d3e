//! What must be true of every answer.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::any::{any_budget, any_world};
use super::world::{World, budget, guard};
use crate::fleet::{Change, Delta, KarpenterApi, Kind, NodeClaimRow, NodePoolRow, Row};
use crate::insight::disruption::{
    Blocker, BlockerKind, Disruption, Outlook, Pause, PoolBudgets, Reason, Reasons, Verdict, gates,
};
use crate::insight::picture::Evaluator;
use crate::insight::testing::{MANAGED_LABELS, NOW, claim, fleet, labels, met, pool, sym};
use crate::insight::{Completeness, Picture};
use crate::units::{Lifetime, Time};

/// Something that holds a node, where it can be done to this one; whether the answer may not change at all.
#[derive(Clone, Copy, Debug)]
enum Hold {
    Pod,
    Node,
    Pdb,
    Budget,
    Replicas,
    Never,
    WhenEmpty,
    Launching,
    Cordon,
}

const HOLDS: [Hold; 9] = [
    Hold::Pod,
    Hold::Node,
    Hold::Pdb,
    Hold::Budget,
    Hold::Replicas,
    Hold::Never,
    Hold::WhenEmpty,
    Hold::Launching,
    Hold::Cordon,
];

impl Hold {
    fn put_on(self, world: &mut World) {
        match self {
            Self::Pod => world.pods.iter_mut().take(1).for_each(|pod| pod.do_not_disrupt = Some(sym("true"))),
            Self::Node => world.node.do_not_disrupt = Some(sym("true")),
            Self::Pdb => {
                let namespace = world.pods.first().map(|pod| pod.meta.key.namespace.clone());
                let mut row = guard("added", 0);
                row.meta.key.namespace = namespace.unwrap_or_else(|| sym("ml"));
                world.guards.push(row);
            }
            Self::Budget => {
                if let Some(pool) = &mut world.pool {
                    pool.budgets.get_or_insert_default().push(budget("0"));
                }
            }
            Self::Replicas => world.pool.iter_mut().for_each(|pool| pool.replicas = pool.replicas.or(Some(1))),
            Self::Never => world.pool.iter_mut().for_each(|pool| pool.consolidate_after = Lifetime::Never),
            Self::WhenEmpty => world.pool.iter_mut().for_each(|pool| pool.consolidation_policy = sym("WhenEmpty")),
            Self::Launching => {
                let node_class = world.claim.as_ref().and_then(|claim| claim.node_class.clone());
                world.other_claims.push(NodeClaimRow { node_class, ..claim("added") });
            }
            Self::Cordon => world.node.cordoned = true,
        }
    }
}

/// Takes away what a blocker speaks of.
fn lift(world: &mut World, blocker: &Blocker) {
    let is_named = |name: &crate::fleet::ObjectKey| blocker.object.as_ref().is_some_and(|key| key.object == *name);
    match blocker.kind {
        BlockerKind::PodAnnotation => {
            world.pods.iter_mut().filter(|pod| is_named(&pod.meta.key)).for_each(|pod| pod.do_not_disrupt = None);
        }
        BlockerKind::NodeAnnotation => {
            world.node.do_not_disrupt = None;
            world.claim.iter_mut().for_each(|claim| claim.do_not_disrupt = None);
        }
        BlockerKind::Pdb => {
            world.guards.iter_mut().filter(|row| is_named(&row.meta.key)).for_each(|row| row.disruptions_allowed = 1);
        }
        BlockerKind::MultiplePdbs => world.guards.clear(),
        BlockerKind::Budget => world.pool().budgets = Some(Vec::new()),
        BlockerKind::Policy => world.pool().consolidation_policy = sym("WhenEmptyOrUnderutilized"),
        BlockerKind::ConsolidateAfter => world.claim().conditions.extend(met(&["Consolidatable"])),
        BlockerKind::ConsolidationDisabled => world.pool().consolidate_after = Lifetime::Seconds(0),
        BlockerKind::NotInitialized | BlockerKind::MissingLabels => world.node.labels = labels(&MANAGED_LABELS),
        BlockerKind::NotManaged => world.claim = super::world::empty(|_| ()).claim,
        BlockerKind::Deleting => {
            world.node.meta.deletion = None;
            world.node.taints.clear();
            world.claim().meta.deletion = None;
            world.claim().conditions.retain(|one| one.kind != "DisruptionReason" && one.kind != "InstanceTerminating");
        }
        BlockerKind::NodePoolMissing => {
            world.node.labels = labels(&MANAGED_LABELS);
            let node_class = world.claim.as_ref().and_then(|claim| claim.node_class.clone());
            world.pool = Some(NodePoolRow { node_class, ..pool("gpu") });
        }
        BlockerKind::Static => world.pool().replicas = None,
        BlockerKind::LoopPaused => world.other_claims.retain(|claim| claim.provider_id.is_some()),
        BlockerKind::InputMissing => match blocker.object.as_ref().map(|key| key.kind) {
            // Versions differ about it.
            Some(Kind::Pod) => {
                world.guards.clear();
                world.pods.iter_mut().filter(|pod| is_named(&pod.meta.key)).for_each(|pod| pod.do_not_disrupt = None);
            }
            Some(Kind::Node) if blocker.reasons == Reasons::only(Reason::Drifted) => {
                world.karpenter.version = Some("1.14.1".to_owned());
            }
            Some(Kind::Node) => {
                world.node.labels = labels(&MANAGED_LABELS);
                world.pods.clear();
            }
            _ => {
                world.hidden.clear();
                world.karpenter.api = KarpenterApi::V1;
            }
        },
        BlockerKind::Nominated | BlockerKind::Balance | BlockerKind::Simulation => (),
    }
}

/// The moments at which an answer says that something may change.
fn announced(world: &World) -> Vec<Time> {
    let of_pool = world.ask(|evaluator, _| evaluator.budgets("gpu").and_then(|budgets| budgets.next_change(world.now)));
    let found = world.disruption();
    let hazards = world.hazards().into_iter().filter_map(|hazard| hazard.at);
    found.blockers.iter().filter_map(|blocker| blocker.until).chain(hazards).chain(of_pool).collect()
}

/// Whether a pass that began before the loop was paused may still act.
fn is_settling(world: &World) -> bool {
    let pass_seconds = gates::pass_seconds(world.other_nodes.len() + 1);
    world.ask(|evaluator, _| {
        evaluator.pauses().any(|pause| match pause {
            Pause::Launching(claim) => world.now.seconds_since(claim.meta.created) < pass_seconds,
            Pause::Unreadable(_) => false,
        })
    })
}

/// What is said without the Events' part in it.
fn without_events(mut world: World) -> World {
    world.events.clear();
    world
}

const HIDEABLE: [Kind; 5] = [Kind::Node, Kind::NodeClaim, Kind::NodePool, Kind::Pod, Kind::PodDisruptionBudget];

/// Hides kinds, and with them every second of their rows or all.
fn hide(world: &mut World, kinds: &[Kind], drop_all: bool) {
    fn thin<T>(rows: &mut Vec<T>, drop_all: bool) {
        let mut keep = true;
        rows.retain(|_| {
            keep = !keep;
            keep && !drop_all
        });
    }
    for kind in kinds {
        match kind {
            Kind::Node => thin(&mut world.other_nodes, drop_all),
            Kind::NodeClaim => {
                thin(&mut world.other_claims, drop_all);
                world.claim = world.claim.take().filter(|_| !drop_all);
            }
            Kind::NodePool => world.pool = world.pool.take().filter(|_| !drop_all),
            Kind::Pod => thin(&mut world.pods, drop_all),
            _ => thin(&mut world.guards, drop_all),
        }
    }
    world.hidden = kinds.to_vec();
}

/// All outlooks on pods, by key.
fn outlooks(evaluator: &Evaluator<'_>, fleet: &crate::fleet::Fleet) -> Vec<(String, Outlook)> {
    let mut all: Vec<_> = Vec::new();
    let mut pods: Vec<_> = fleet.pods.iter().map(|pod| pod.meta().key.clone()).collect();
    pods.sort_unstable();
    for key in pods {
        all.extend(fleet.pods.get(&key).map(|pod| (key.to_string(), evaluator.pod(pod))));
    }
    all
}

fn relist<R>(rows: Vec<Change<R>>) -> Vec<Change<R>> {
    std::iter::once(Change::Begin).chain(rows).chain([Change::Commit]).collect()
}

fn relisted(delta: Delta) -> Delta {
    match delta {
        Delta::Nodes(rows) => Delta::Nodes(relist(rows)),
        Delta::NodeClaims(rows) => Delta::NodeClaims(relist(rows)),
        Delta::NodePools(rows) => Delta::NodePools(relist(rows)),
        Delta::Pods(rows) => Delta::Pods(relist(rows)),
        Delta::DisruptionBudgets(rows) => Delta::DisruptionBudgets(relist(rows)),
        Delta::Events(rows) => Delta::Events(relist(rows)),
        Delta::Ec2NodeClasses(rows) => Delta::Ec2NodeClasses(relist(rows)),
        Delta::Controllers(rows) => Delta::Controllers(relist(rows)),
        other => other,
    }
}

fn answers(evaluator: &Evaluator<'_>, fleet: &crate::fleet::Fleet) -> (Option<Disruption>, Vec<(String, Outlook)>) {
    (fleet.node("a").map(|node| evaluator.node(node)), outlooks(evaluator, fleet))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Whatever holds a node may only take answers away.
    #[test]
    fn an_added_blocker_never_makes_a_node_disruptable(world in any_world(), hold in select(&HOLDS[..]), hidden in subsequence(&HIDEABLE[..], 0..=2)) {
        let before = World { hidden, ..world };
        let mut after = before.clone();
        hold.put_on(&mut after);
        let (was, is) = (before.disruption(), after.disruption());
        for reason in Reason::ALL {
            prop_assert!(
                is.may.get(reason) != Some(true) || was.may.get(reason) == Some(true),
                "{hold:?} {reason:?}: {:?} to {:?}", was.may, is.may
            );
        }
        if matches!(hold, Hold::Cordon) {
            prop_assert_eq!(was, is);
        }
    }

    /// The time alone changes an answer only when the answer said so; a node that a young pause is about to stop aside.
    #[test]
    fn a_verdict_changes_with_time_only_at_an_announced_time(world in any_world(), at in 0_f64..1.0) {
        let (was, settling) = (world.disruption(), is_settling(&world));
        let next = announced(&world).into_iter().filter(|at| *at > NOW).min();
        let span = next.map_or(3 * 86_400_000_000, |next| next.micros() - NOW.micros());
        #[expect(clippy::cast_possible_truncation, reason = "a fraction of a span")]
        let later = NOW.plus_micros((span as f64 * at) as i64);
        let then = World { now: later, ..world.clone() };
        let is = then.disruption();
        if settling {
            prop_assert!(is.may == was.may || is.may.yes.is_empty());
        } else {
            prop_assert_eq!(is.may, was.may, "{} s later", later.seconds_since(NOW));
            let verdict = |world: &World| without_events(world.clone()).disruption().verdict;
            prop_assert_eq!(verdict(&then), verdict(&world));
        }
    }

    /// As long as nothing changes but the time, no reason takes a node before it is said.
    #[test]
    fn a_node_is_taken_for_no_reason_before_it_is_said(world in any_world(), at in 0_f64..1.0) {
        let said = world.not_before();
        for reason in Reason::ALL {
            let Some(end) = said.get(reason).filter(|end| *end > NOW) else { continue };
            #[expect(clippy::cast_possible_truncation, reason = "a fraction of a span")]
            let later = NOW.plus_micros(((end.micros() - NOW.micros() - 1) as f64 * at) as i64);
            let may = World { now: later, ..world.clone() }.disruption().may;
            // An empty node is watched for a while after it may be taken.
            let is_watched = reason == Reason::Empty && end.seconds_since(later) <= 15;
            prop_assert!(is_watched || may.get(reason) != Some(true), "{reason:?} {} s before", end.seconds_since(later));
        }
    }

    /// Events speak of what only Karpenter knows; they never decide.
    #[test]
    fn events_never_change_whether_a_node_may_be_disrupted(world in any_world()) {
        prop_assert_eq!(world.disruption().may, without_events(world).disruption().may);
    }

    /// Taking away everything that is listed gets a candidate.
    #[test]
    fn only_listed_blockers_stop_a_disruption(world in any_world(), hidden in subsequence(&HIDEABLE[..], 0..=2)) {
        let mut world = World { hidden, ..world };
        for _ in 0..8 {
            let found = world.disruption();
            found.firm().for_each(|blocker| lift(&mut world, blocker));
        }
        let found = world.disruption();
        prop_assert_eq!(found.firm().count(), 0, "{:?}", found.blockers);
        prop_assert!(!found.may.yes.is_empty(), "{} {:?}", found.verdict.name(), found.may);
        prop_assert!(found.verdict.is_candidate() || found.verdict == Verdict::Unconsolidatable);
    }

    /// What is not known makes an answer unknown, never wrong.
    #[test]
    fn hidden_kinds_make_answers_unknown_but_never_wrong(
        world in any_world(),
        kinds in subsequence(&HIDEABLE[..], 1..=5),
        drop_all in any::<bool>(),
    ) {
        let mut partial = world.clone();
        hide(&mut partial, &kinds, drop_all);
        let (whole, part) = (world.disruption(), partial.disruption());
        for reason in Reason::ALL {
            let said = part.may.get(reason);
            prop_assert!(said.is_none() || said == whole.may.get(reason), "{reason:?}: {:?} of {:?}", part.may, whole.may);
        }
        let promises = partial.ask(outlooks);
        let truth = world.ask(outlooks);
        for (pod, _) in promises.into_iter().filter(|(_, outlook)| outlook.holds == Some(true)) {
            let real = truth.iter().find(|(key, _)| *key == pod).map(|(_, outlook)| outlook.holds);
            prop_assert_eq!(real, Some(Some(true)), "{}", pod);
        }
    }

    /// A protection that holds is never found not to hold later, as long as nothing changes but the time.
    #[test]
    fn protection_found_to_hold_is_never_found_broken_later(world in any_world(), micros in 0..3 * 86_400_000_000_i64) {
        let then = World { now: NOW.plus_micros(micros), ..world.clone() };
        let later = then.ask(outlooks);
        for (pod, promise) in world.ask(outlooks).into_iter().filter(|(_, outlook)| outlook.holds == Some(true)) {
            let kept = later.iter().find(|(key, _)| *key == pod).map(|(_, outlook)| outlook);
            let still = kept.is_some_and(|outlook| outlook.holds == Some(true) || !outlook.protection.state.is_active());
            prop_assert!(still, "{pod}: {:?} then {:?}", promise, kept);
        }
    }

    /// A headline that sounds held stands only where every reason is decided.
    #[test]
    fn a_verdict_never_hides_an_open_reason(world in any_world(), hidden in subsequence(&HIDEABLE[..], 0..=3)) {
        let found = World { hidden, ..world }.disruption();
        let opens = found.verdict.is_candidate() || found.verdict == Verdict::Unconsolidatable;
        prop_assert_eq!(opens, !found.may.yes.is_empty());
        if found.may.yes.is_empty() && !found.may.unknown().is_empty() {
            prop_assert_eq!(found.verdict, Verdict::Unknown);
        }
        if found.verdict == Verdict::Unknown {
            prop_assert!(!found.may.unknown().is_empty());
        }
    }

    /// A judge on a picture that followed every change says what one on a new picture says.
    #[test]
    fn an_incrementally_updated_picture_gives_the_same_verdicts(worlds in vec(any_world(), 2..4)) {
        let (first, last) = (&worlds[0], &worlds[worlds.len() - 1]);
        let mut known = fleet(first.deltas());
        let mut picture = Picture::full(&known);
        for delta in worlds[1..].iter().flat_map(World::deltas) {
            let changed = known.apply(relisted(delta));
            picture.update(&known, &changed);
        }
        let sources = last.sources();
        let followed = Evaluator::new(&known, &picture, &Completeness::new(&sources), &last.karpenter, last.now);
        prop_assert_eq!(answers(&followed, &known), last.ask(answers));
    }

    /// When a closed budget opens: not before, and then it does.
    #[test]
    fn a_budget_opens_at_its_announced_time(budgets in vec(any_budget(), 1..5), used in 0..3_u64, at in 0_f64..1.0) {
        let row = crate::fleet::NodePoolRow { budgets: Some(budgets), ..pool("gpu") };
        let found = PoolBudgets::new(&row, 5, used);
        for reason in Reason::ALL {
            let opens = found.opens_at(reason, NOW);
            let span = opens.map_or(14 * 86_400_000_000, |opens| opens.micros() - NOW.micros());
            #[expect(clippy::cast_possible_truncation, reason = "a fraction of a span")]
            let before = NOW.plus_micros((span as f64 * at) as i64);
            if let Some(opens) = opens {
                prop_assert!(found.remaining(reason, opens) > 0);
            }
            if opens != Some(before) {
                prop_assert_eq!(found.remaining(reason, before), 0);
            }
        }
    }
}
