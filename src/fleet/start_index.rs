//! Which pods have their start kept in their row, and what became of the NodeClaims that pods waited for.

use std::collections::{BTreeSet, HashMap, VecDeque};

use foldhash::fast::RandomState;

use super::start_event::ClaimEvent;
use super::{EventRow, NodeClaimRow, ObjectKey, PodRow, Slot, Status, Sym, Table};
use crate::units::{Second, Time};

/// How many closed starts are kept: those of the newest pods.
pub const CLOSED_STARTS: usize = 2_000;

/// How many NodeClaims are remembered whose launch failed, or that are gone.
const LAUNCHES: usize = 1_024;

/// The rows whose start is over and still known.
#[derive(Default)]
pub struct StartIndex {
    /// By creation of the pod, the oldest first.
    closed: BTreeSet<(Time, Slot)>,
}

impl StartIndex {
    /// The rows, those of the newest pods first.
    pub fn closed(&self) -> impl Iterator<Item = Slot> {
        self.closed.iter().rev().map(|(_, slot)| *slot)
    }

    /// Takes out the row that was in this slot.
    pub fn remove(&mut self, slot: Slot, old: &PodRow) {
        self.closed.remove(&(old.meta.created, slot));
    }

    /// Puts in the row that is in this slot now.
    pub fn insert(&mut self, slot: Slot, new: &PodRow) {
        if new.start.is_some() && !new.is_starting() {
            self.closed.insert((new.meta.created, slot));
        }
    }

    /// Forgets the start of the oldest pod where more are kept than may be; which one.
    pub fn shrink(&mut self, pods: &mut Table<PodRow>) -> Option<ObjectKey> {
        if self.closed.len() <= CLOSED_STARTS {
            return None;
        }
        let (_, slot) = self.closed.pop_first()?;
        let pod = pods.at_mut(slot)?;
        pod.start = None;
        Some(pod.meta.key.clone())
    }
}

/// What is remembered of the launch of a NodeClaim.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Launch {
    /// When the cloud had no machine for it, and its words.
    pub insufficient: Option<(Second, Sym)>,
    /// Whether it has been launched.
    pub is_launched: bool,
    /// Whether it was seen to go before it was launched.
    pub went_before_launch: bool,
    /// When Karpenter gave it up because it took too long to launch; `true` where it was launched and did not register.
    pub timed_out: Option<(Second, bool)>,
    /// Its NodePool, where the NodeClaim was known.
    pub pool: Option<Sym>,
}

/// The launches of NodeClaims that failed or are gone, the newest [`LAUNCHES`].
#[derive(Default)]
pub struct Launches {
    /// Whether Karpenter tells of the conditions of NodeClaims, which an option switches off.
    are_told: bool,
    by_claim: HashMap<Sym, Launch, RandomState>,
    order: VecDeque<Sym>,
}

impl Launches {
    /// What is remembered of a NodeClaim.
    pub fn get(&self, claim: &str) -> Option<&Launch> {
        self.by_claim.get(claim)
    }

    /// Whether a NodeClaim that is gone was launched before: Karpenter told so, or would have told; `None` where nobody knows.
    pub fn was_launched(&self, claim: &str) -> Option<bool> {
        let launch = self.get(claim);
        if launch.is_some_and(|launch| launch.is_launched) {
            return Some(true);
        }
        let has_failed =
            |launch: &Launch| launch.went_before_launch || launch.timed_out.is_some_and(|(_, launched)| !launched);
        (self.are_told || launch.is_some_and(has_failed)).then_some(false)
    }

    /// Whether Karpenter tells of the launches of NodeClaims.
    pub const fn are_told(&self) -> bool {
        self.are_told
    }

    /// Takes in what an Event about a NodeClaim tells. Says whether that is of its launch.
    pub fn note(&mut self, event: &EventRow) -> bool {
        let name = &event.object.key.name;
        match ClaimEvent::of(event) {
            Some(ClaimEvent::InsufficientCapacity { error }) => {
                let new = Some((event.first.into(), Sym::new(error)));
                let known = &mut self.entry(name).insufficient;
                *known = known.take().into_iter().chain(new).min();
                true
            }
            Some(ClaimEvent::Transition(change)) if change.condition == "Launched" && change.to == Status::True => {
                self.are_told = true;
                self.entry(name).is_launched = true;
                true
            }
            _ => false,
        }
    }

    /// The NodeClaim is gone.
    pub fn note_gone(&mut self, claim: &NodeClaimRow) {
        let timed_out = timed_out(claim);
        let launch = self.entry(&claim.meta.key.name);
        launch.is_launched |= claim.is_launched();
        launch.went_before_launch = !launch.is_launched;
        launch.timed_out = timed_out;
        launch.pool = claim.node_pool().cloned();
    }

    fn entry(&mut self, name: &Sym) -> &mut Launch {
        if !self.by_claim.contains_key(name) {
            self.order.push_back(name.clone());
            if self.order.len() > LAUNCHES
                && let Some(oldest) = self.order.pop_front()
            {
                self.by_claim.remove(&oldest);
            }
        }
        self.by_claim.entry(name.clone()).or_default()
    }
}

/// How long Karpenter lets a NodeClaim take to launch, from its creation on (karpenter pkg/controllers/nodeclaim/lifecycle/
/// liveness.go, since 1.7).
pub const LAUNCH_TIMEOUT_SECONDS: i64 = 300;

/// How long it lets a NodeClaim take to register, from its creation on.
pub const REGISTRATION_TIMEOUT_SECONDS: i64 = 900;

/// When a NodeClaim was given up because it took too long, and whether it had been launched.
fn timed_out(claim: &NodeClaimRow) -> Option<(Second, bool)> {
    let given_up = claim.meta.deleting_since()?;
    let age_seconds = given_up.seconds_since(claim.meta.created);
    let is_launched = claim.is_launched();
    let limit_seconds = if is_launched { REGISTRATION_TIMEOUT_SECONDS } else { LAUNCH_TIMEOUT_SECONDS };
    let is_late = age_seconds >= limit_seconds && claim.true_since("Registered").is_none();
    is_late.then(|| (given_up.into(), is_launched))
}
