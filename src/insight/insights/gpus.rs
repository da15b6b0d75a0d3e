//! What the accelerators of all Nodes do, kept up to date in slices, and which exporters are to be read.

use std::collections::BTreeSet;

use foldhash::fast::RandomState;
use indexmap::IndexSet;

use super::Inputs;
use super::gpu_seconds::{GpuAccounts, GpuSeconds};
use crate::fleet::{Exporter, Fleet, GpuDemand, Kind, PodRow, Sym, Uid, Utilization};
use crate::insight::gpu::{self, ByClass, GpuClass, PodActivity};
use crate::insight::picture::{self, GpuSettings, GpuState, GpuStates, Picture};
use crate::units::Time;

/// Sums over all Nodes with accelerators.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GpuSums {
    /// Physical devices by class; those of stranded Nodes that no pod requests are [`GpuClass::Stranded`].
    by_class: ByClass,
    /// Nodes of which it is not known how many devices they have.
    uncounted: u64,
    /// What is paid for idle and parked devices, in micro-dollars per hour.
    idle_rate: i64,
    /// Nodes of which that is known.
    known: u64,
    /// All Nodes with accelerators.
    nodes: u64,
}

impl GpuSums {
    /// Physical devices of a class; `None` where not all devices are counted.
    pub fn devices(&self, class: GpuClass) -> Option<i64> {
        (self.uncounted == 0).then(|| self.by_class.get(class))
    }

    /// What is paid for idle and parked devices, in micro-dollars per hour, over the Nodes of which it is known; `None` where
    /// it is known of none of them.
    pub fn idle_rate(&self) -> Option<i64> {
        (self.known > 0 || self.nodes == 0).then_some(self.idle_rate)
    }

    fn set(&mut self, old: Option<&GpuState>, new: Option<&GpuState>) {
        if let Some(old) = old {
            self.step(old, -1);
        }
        if let Some(new) = new {
            self.step(new, 1);
        }
    }

    fn step(&mut self, state: &GpuState, by: i64) {
        let count = |counter: &mut u64, is_counted: bool| {
            if is_counted {
                *counter = counter.saturating_add_signed(by);
            }
        };
        count(&mut self.nodes, true);
        count(&mut self.known, state.idle_rate.is_some());
        count(&mut self.uncounted, state.activity.by_class.is_none());
        self.idle_rate += by * state.idle_rate.unwrap_or(0);
        if let Some(by_class) = state.activity.counted_by_class() {
            self.by_class.add_all(&by_class, by);
        }
    }
}

/// What the accelerators of all Nodes do, each as of its last evaluation.
#[derive(Default)]
pub struct Gpus {
    states: GpuStates,
    sums: GpuSums,
    /// Nodes to evaluate now.
    due: IndexSet<Sym, RandomState>,
    /// Nodes that changed, and whose turn comes in the next second.
    touched: IndexSet<Sym, RandomState>,
    accounts: GpuAccounts,
    /// Nodes that are on screen.
    visible: BTreeSet<Sym>,
    /// What the Source was last asked for.
    asked: GpuDemand,
    asked_at: Option<Time>,
}

/// How many Nodes are evaluated at a time: about a millisecond.
const NODES_PER_SLICE: usize = 64;

/// Nodes come one by one; their exporters are asked for together.
const ASK_EVERY_SECONDS: i64 = 5;

/// How many Nodes are read before others because something about them is odd.
const MAX_FIRST: usize = 256;

impl Gpus {
    /// Of one Node; `None` where it has no accelerators, or before its first evaluation.
    pub fn of_node(&self, name: &str) -> Option<&GpuState> {
        self.states.get(name)
    }

    /// What a pod makes of its devices; `None` where it requests none, or has no Node with devices.
    pub fn of_pod(&self, fleet: &Fleet, pod: &PodRow) -> Option<PodActivity> {
        let state = self.of_node(pod.node.as_ref().filter(|_| pod.holds_resources())?)?;
        picture::activity_of_pod(fleet, &state.activity, pod)
    }

    /// The mean over the devices of a Job's pods, each pod weighing as much as it requests; `None` where no exporter tells.
    pub fn utilization_of_job(&self, fleet: &Fleet, uid: &Uid) -> Option<Utilization> {
        let of_pod = |pod: &PodRow| {
            let utilization = self.of_pod(fleet, pod)?.utilization?;
            Some((utilization, gpu::requested_by(fleet, pod).0.unsigned_abs()))
        };
        Utilization::mean(fleet.pods_of_job(uid).filter_map(of_pod))
    }

    /// Of each Node, by its name.
    pub const fn of_nodes(&self) -> &GpuStates {
        &self.states
    }

    /// The sums over all Nodes.
    pub const fn sums(&self) -> &GpuSums {
        &self.sums
    }

    /// All that were evaluated, without what they remember of before.
    #[cfg(test)]
    pub(super) fn states(&self) -> std::collections::BTreeMap<Sym, GpuState> {
        let forgetful = |state: &GpuState| GpuState { activity: state.activity.clone().without_history(), ..*state };
        self.states.iter().map(|(name, state)| (name.clone(), forgetful(state))).collect()
    }

    /// The demand that was sent last.
    pub(super) const fn asked(&self) -> &GpuDemand {
        &self.asked
    }

    /// These Nodes changed, or what an exporter tells of them.
    pub(super) fn touch<'a>(&mut self, picture: &Picture, names: impl Iterator<Item = &'a Sym>) {
        for name in names {
            let is_known = self.states.contains_key(name);
            if picture.node(name).is_some_and(|said| said.gpu.is_some()) || is_known {
                self.touched.insert(name.clone());
            }
        }
    }

    /// How long the pods of a Job have held accelerators since batchtop started; `None` where none has been seen with any.
    pub fn seconds_of_job(&self, uid: &Uid) -> Option<&GpuSeconds> {
        self.accounts.of_job(uid)
    }

    /// A minute has passed: what is kept of Jobs that are gone is forgotten.
    pub(super) fn begin_minute(&mut self, fleet: &Fleet) {
        self.accounts.prune(fleet);
    }

    /// Something changed that concerns all.
    pub(super) fn touch_all(&mut self) {
        self.touched.extend(self.states.keys().cloned());
    }

    /// What comes next is found as if for the first time: of one look nobody can tell since when a class holds.
    pub fn begin_anew(&mut self) {
        self.sums = GpuSums::default();
        self.touched.extend(std::mem::take(&mut self.states).into_keys());
    }

    /// A second has passed.
    pub(super) fn begin_second(&mut self) {
        self.due.extend(self.touched.drain(..));
    }

    /// Whether a slice waits to be evaluated now.
    pub(super) fn has_work(&self) -> bool {
        !self.due.is_empty()
    }

    /// Evaluates the next slice. Says what changed.
    pub(super) fn evaluate_slice(&mut self, inputs: &Inputs<'_>, picture: &Picture) -> GpuChange {
        let slice = self.due.split_off(self.due.len().saturating_sub(NODES_PER_SLICE));
        let (mut change, mut is_one_more_unread, mut is_other_asked) = (GpuChange::default(), false, false);
        let settings = GpuSettings {
            are_pods_known: inputs.known().all(Kind::Pod),
            are_claims_known: inputs.known().all(Kind::ResourceClaim),
            thresholds: inputs.gpu_thresholds,
            now: inputs.now,
        };
        for name in slice {
            let new = GpuState::of(inputs.fleet, picture, &name, settings, self.states.get(&name));
            let old = self.states.remove(&name);
            change.note(&name, old.as_ref(), new.as_ref());
            match &new {
                Some(new) => self.accounts.count(inputs, &name, new),
                None => self.accounts.forget(&name),
            }
            is_one_more_unread |= !is_unread(old.as_ref()) && is_unread(new.as_ref());
            is_other_asked |= is_other(self.asked.exporters.get(&name), new.as_ref());
            self.sums.set(old.as_ref(), new.as_ref());
            self.states.extend(new.map(|new| (name, new)));
        }
        if is_one_more_unread || is_other_asked {
            self.hurry();
        }
        change
    }

    /// These Nodes are on screen: they are read before others, and more often.
    pub fn look_at(&mut self, nodes: BTreeSet<Sym>) {
        self.visible = nodes;
    }

    /// What is wanted is asked for without delay: completeness changed, or an exporter cannot be read.
    pub(super) const fn hurry(&mut self) {
        self.asked_at = None;
    }

    /// Whether it is time to look which exporters are to be read: only where all Nodes and pods are known.
    pub(super) fn is_due(&self, inputs: &Inputs<'_>) -> bool {
        let is_due = self.asked_at.is_none_or(|at| !(0..ASK_EVERY_SECONDS).contains(&inputs.now.seconds_since(at)));
        let known = inputs.known();
        is_due && known.all(Kind::Node) && known.all(Kind::Pod) && self.touched.is_empty() && self.due.is_empty()
    }

    /// Which exporters are to be read from now on, where that changed.
    pub(super) fn ask(&mut self, inputs: &Inputs<'_>) -> Option<GpuDemand> {
        self.asked_at = Some(inputs.now);
        let demand = self.demand();
        (demand != self.asked).then(|| {
            self.asked = demand.clone();
            demand
        })
    }

    fn demand(&self) -> GpuDemand {
        let mut demand = GpuDemand { first: self.first(), ..GpuDemand::default() };
        for (name, state) in &self.states {
            let exporter = &state.activity.exporter;
            demand.exporters.extend(exporter.running.clone().map(|running| (name.clone(), running)));
            demand.prometheus.extend(exporter.is_unread.then(|| (name.clone(), exporter.pod.clone())));
        }
        demand
    }

    /// Nodes on screen; then those whose requested devices do nothing, or whose devices are used by something that requests
    /// none.
    fn first(&self) -> BTreeSet<Sym> {
        let is_read =
            |name: &&Sym| self.states.get(*name).is_some_and(|state| state.activity.exporter.running.is_some());
        let is_odd = |state: &GpuState| {
            matches!(state.activity.class, GpuClass::Idle | GpuClass::Parked | GpuClass::Rogue)
                && state.activity.exporter.running.is_some()
        };
        let mut odd: Vec<&Sym> = self.states.iter().filter(|(_, state)| is_odd(state)).map(|(name, _)| name).collect();
        odd.sort_unstable();
        odd.truncate(MAX_FIRST);
        self.visible.iter().filter(is_read).chain(odd).cloned().collect()
    }

    /// Whether every exporter that was asked for has answered, be it that it cannot be read, and whether it is known what a
    /// Prometheus server has of the Nodes for which one is asked, be it that there is none.
    pub fn have_answered(&self, inputs: &Inputs<'_>) -> bool {
        let told = |node: &Sym| inputs.fleet.gpus.of_node(node);
        let of_exporter =
            |(node, exporter): (&Sym, &Exporter)| told(node).exporter.is_some_and(|known| known.exporter == *exporter);
        self.asked.exporters.iter().all(of_exporter)
            && self.asked.prometheus.keys().all(|node| told(node).prometheus.is_some())
    }
}

/// What an evaluation has changed.
#[derive(Default)]
pub(super) struct GpuChange {
    /// Whether anything is another.
    pub(super) has_changed: bool,
    /// The Nodes whose devices by class are others.
    pub(super) of_other_classes: Vec<Sym>,
}

impl GpuChange {
    fn note(&mut self, name: &Sym, old: Option<&GpuState>, new: Option<&GpuState>) {
        let classes = |state: Option<&GpuState>| state.and_then(|state| state.activity.counted_by_class());
        self.has_changed |= old != new;
        if classes(old) != classes(new) {
            self.of_other_classes.push(name.clone());
        }
    }
}

/// Whether another exporter of the Node is to be asked than the one that was asked for.
fn is_other(asked: Option<&Exporter>, state: Option<&GpuState>) -> bool {
    let running = state.and_then(|state| state.activity.exporter.running.as_ref());
    asked.zip(running).is_some_and(|(asked, running)| asked != running)
}

/// Whether a Prometheus server is to be asked of the Node.
fn is_unread(state: Option<&GpuState>) -> bool {
    state.is_some_and(|state| state.activity.exporter.is_unread)
}
