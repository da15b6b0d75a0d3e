//! Since when a node is held: since when Karpenter would have taken it but for somebody's protection.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::blocker::{Blocker, BlockerKind};
use super::node_inputs::NodeInputs;
use super::reason::Reason;
use super::verdict::Disruption;
use crate::fleet::Uid;
use crate::units::Time;

/// How many nodes are remembered; those seen longest ago are forgotten first.
pub const CAPACITY: usize = 20_000;

/// After which a node that was not seen again is forgotten: of other clusters nothing is heard for a while.
const FORGOTTEN_SECONDS: i64 = 7 * 86_400;

/// How old the mark that a node was seen may get before it is worth writing down again.
const SEEN_SECONDS: i64 = 86_400;

/// One node, as it was last seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remembered {
    /// The Node's uid, which no two clusters share.
    pub uid: Uid,
    /// Since when it is held; `None` where it was seen free.
    pub since: Option<Time>,
    /// When it was last seen to be so.
    pub seen: Time,
}

/// Which nodes are held since when, as far as batchtop saw it itself. Conditions alone do not tell: `Consolidatable` comes
/// and goes with every pod, and an annotation does not say when it was written.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HeldMemory {
    nodes: HashMap<Uid, Seen, RandomState>,
}

/// The last observation of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Seen {
    /// Since when it is held; `None` for a free one.
    since: Option<Time>,
    /// Time of the observation.
    at: Time,
    /// Whether this stands on disk, or need not.
    written: bool,
}

/// Since when the objects say that a node is held: since it drifted or was quiet, and since the first of the protected
/// pods came; `None` where it is not held. The soonest of its reasons counts.
pub fn since(case: &NodeInputs<'_>, disruption: &Disruption) -> Option<Time> {
    if !disruption.is_held() {
        return None;
    }
    let from = |reason: Reason| {
        let condition = if reason == Reason::Drifted { "Drifted" } else { "Consolidatable" };
        let ready = case.claim?.true_since(condition)?;
        let stops = disruption.firm().filter(|blocker| blocker.reasons.contains(reason));
        let came = stops.map(|blocker| came_at(case, blocker)).min()?;
        Some(ready.max(came))
    };
    disruption.held_for().iter().filter_map(from).min()
}

/// The earliest time at which a blocker can have been there.
fn came_at(case: &NodeInputs<'_>, blocker: &Blocker) -> Time {
    let pod = blocker.object.as_ref().filter(|_| blocker.kind == BlockerKind::PodAnnotation);
    let row = pod.and_then(|key| case.annotated.iter().find(|pod| pod.meta.key == key.object));
    row.map_or(case.node.meta.created, |pod| pod.started.unwrap_or(pod.meta.created))
}

impl HeldMemory {
    /// From what was written down. What lies in the future was written by a wrong clock, or by hand: it is not believed.
    pub fn load(&mut self, remembered: Vec<Remembered>, now: Time) {
        let is_past = |one: &Remembered| one.seen <= now && one.since.is_none_or(|since| since <= now);
        for one in remembered.into_iter().filter(is_past) {
            self.nodes.insert(one.uid, Seen { since: one.since, at: one.seen, written: true });
        }
    }

    /// Since when a node is held, by what was seen and, where nothing was, by the objects; not before the first of what
    /// holds it now was there, in case it was free while nobody looked.
    pub fn since(&self, case: &NodeInputs<'_>, disruption: &Disruption) -> Option<Time> {
        let computed = since(case, disruption)?;
        let seen = self.nodes.get(&case.node.meta.uid).and_then(|seen| seen.since);
        let came = disruption.firm().filter(|blocker| blocker.kind.is_protection()).map(|one| came_at(case, one)).min();
        Some(seen.map_or(computed, |seen| came.map_or(seen, |came| seen.max(came))))
    }

    /// Whether a node was last seen held; `None` where it was never seen.
    #[cfg(test)]
    pub fn is_seen(&self, uid: &Uid) -> Option<bool> {
        self.nodes.get(uid).map(|seen| seen.since.is_some())
    }

    /// Takes note of a node. One that was seen free before is held from now on, whatever the objects say.
    pub fn observe(&mut self, case: &NodeInputs<'_>, disruption: &Disruption) {
        let (uid, now) = (&case.node.meta.uid, case.now);
        let old = self.nodes.get(uid).copied();
        let since = since(case, disruption).map(|computed| match old {
            None => computed,
            Some(seen) => seen.since.unwrap_or(now),
        });
        let is_news = |seen: Seen| seen.since != since || now.seconds_since(seen.at) >= SEEN_SECONDS;
        if old.is_none_or(is_news) {
            let was_held = old.is_some_and(|seen| seen.since.is_some());
            let written = since.is_none() && !was_held;
            self.nodes.insert(uid.clone(), Seen { since, at: now, written });
        }
    }

    /// What is to be written down, if anything changed since it last was: every node that was seen, so that the memory of
    /// another session, which sees other nodes, can be kept beside it.
    pub fn to_write(&mut self, now: Time) -> Option<Vec<Remembered>> {
        self.forget(now);
        if self.nodes.values().all(|seen| seen.written) {
            return None;
        }
        self.nodes.values_mut().for_each(|seen| seen.written = true);
        let node = |(uid, seen): (&Uid, &Seen)| Remembered { uid: uid.clone(), since: seen.since, seen: seen.at };
        let mut remembered: Vec<Remembered> = self.nodes.iter().map(node).collect();
        remembered.sort_unstable_by(|a, b| a.uid.cmp(&b.uid));
        Some(remembered)
    }

    fn forget(&mut self, now: Time) {
        self.nodes.retain(|_, seen| now.seconds_since(seen.at) < FORGOTTEN_SECONDS);
        let mut times: Vec<Time> = self.nodes.values().map(|seen| seen.at).collect();
        if times.len() > CAPACITY {
            times.sort_unstable_by(|a, b| b.cmp(a));
            let oldest = times.get(CAPACITY).copied().unwrap_or(now);
            self.nodes.retain(|_, seen| seen.at > oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{NodeClaimRow, PodRow, Table};
    use crate::insight::KarpenterVersion;
    use crate::insight::disruption::balance::Sums;
    use crate::insight::disruption::node_inputs::ClaimCounts;
    use crate::insight::disruption::pods::{BudgetIndex, NodePods};
    use crate::insight::disruption::{Complete, PoolBudgets, PoolInputs, Reasons, judge};
    use crate::insight::testing::{CREATED, MANAGED_LABELS, claim, labels, met, node, pod, pool, sym};

    /// A consolidatable node with one pod, whose annotation is `value`, an hour after its creation and then some.
    fn seen<T>(value: Option<&str>, seconds: i64, ask: impl FnOnce(&NodeInputs<'_>, &Disruption) -> T) -> T {
        let mut row = node("a");
        row.labels = labels(&MANAGED_LABELS);
        let behind = NodeClaimRow { conditions: met(&["Initialized", "Consolidatable"]), ..claim("c") };
        let started = Some(CREATED.plus_seconds(60));
        let work = PodRow { do_not_disrupt: value.map(sym), started, ..pod("ml", "p", Some("a")) };
        let mut pods = NodePods::default();
        pods.add(&work, &BudgetIndex::default());
        let (pool, karpenter, table) = (pool("gpu"), KarpenterVersion::default(), Table::default());
        let budgets = PoolBudgets::new(&pool, 1, 0);
        let case = NodeInputs {
            node: &row,
            claim: Some(&behind),
            pool: Some(PoolInputs {
                row: &pool,
                budgets: &budgets,
                claims: ClaimCounts::default(),
                balance: Sums::default(),
                budget_events: Reasons::NONE,
                lacks_subnets: false,
            }),
            pods: &pods,
            annotated: if value.is_some() { vec![&work] } else { Vec::new() },
            budgets: &table,
            pause: None,
            pass_seconds: 46,
            has_ready_pool: true,
            events: Vec::new(),
            block_ends: None,
            micro_usd_per_hour: None,
            repairs: false,
            repairs_pause: None,
            end_is_hidden: false,
            karpenter: &karpenter,
            complete: Complete::ALL,
            now: CREATED.plus_seconds(3600 + seconds),
        };
        ask(&case, &judge(&case))
    }

    #[test]
    fn without_observations_a_node_is_held_since_its_protected_pod_started() {
        assert_eq!(seen(Some("true"), 0, since), Some(CREATED.plus_seconds(60)));
        assert_eq!(seen(None, 0, since), None, "free");
    }

    #[test]
    fn a_node_that_was_seen_free_is_held_since_it_was_seen_protected() {
        let mut memory = HeldMemory::default();
        seen(None, 0, |case, disruption| memory.observe(case, disruption));
        seen(Some("true"), 30, |case, disruption| memory.observe(case, disruption));
        let held = seen(Some("true"), 90, |case, disruption| memory.since(case, disruption));
        assert_eq!(held, Some(CREATED.plus_seconds(3630)));
    }

    #[test]
    fn observations_of_the_future_are_not_believed() {
        let now = CREATED.plus_seconds(3600);
        for (since, seen_at) in [(now.plus_seconds(1), now), (now, now.plus_seconds(1))] {
            let mut memory = HeldMemory::default();
            let uid = node("a").meta.uid;
            memory.load(vec![Remembered { uid, since: Some(since), seen: seen_at }], now);
            let held = seen(Some("true"), 0, |case, disruption| memory.since(case, disruption));
            assert_eq!(held, Some(CREATED.plus_seconds(60)), "derived from the objects");
        }
    }

    #[test]
    fn held_observations_survive_a_restart_and_are_saved_only_after_a_change() {
        let (mut memory, now) = (HeldMemory::default(), CREATED.plus_seconds(3600));
        seen(Some("true"), 0, |case, disruption| memory.observe(case, disruption));
        let written = memory.to_write(now).unwrap();
        assert_eq!(written.len(), 1);
        assert_eq!(memory.to_write(now), None);
        let mut restarted = HeldMemory::default();
        restarted.load(written, now);
        let held = seen(Some("true"), 90, |case, disruption| restarted.since(case, disruption));
        assert_eq!(held, Some(CREATED.plus_seconds(60)));
        seen(Some("true"), 90, |case, disruption| restarted.observe(case, disruption));
        assert_eq!(restarted.to_write(now), None, "nothing is new");
        seen(None, 120, |case, disruption| restarted.observe(case, disruption));
        let free = restarted.to_write(now).map(|all| all.into_iter().map(|one| one.since).collect::<Vec<_>>());
        assert_eq!(free, Some(vec![None]), "it is free now");
        assert_eq!(restarted.to_write(now.plus_seconds(8 * 86_400)), None, "and forgotten");
    }
}
