//! The one home of everything that is derived from the Fleet and changes with it or with time.
//!
//! Each [`Part`] declares in one place on what it depends ([`Part::dependencies`]). A change of the outside
//! ([`Insights::note`], [`Insights::note_health`], [`Insights::note_cluster`], [`Insights::tick`]) marks the parts that
//! depend on it. What takes time is done in slices ([`Insights::work`]), so that no key waits for it.

mod command_watch;
mod demand;
mod dependency;
mod gpu_history;
mod gpu_seconds;
mod gpus;
mod payments;
mod protected_pods;
mod rates;
mod reclaims;
mod spot;
mod starts;
#[cfg(test)]
mod tests;
mod verdicts;

use std::collections::BTreeSet;

pub use dependency::{Dependency, Part};
pub use gpu_history::GpuHistories;
pub use gpu_seconds::GpuSeconds;
pub use gpus::{GpuSums, Gpus};
pub use protected_pods::ProtectedPods;
use rates::{NodeSources, Rates};
pub use reclaims::{Reclaiming, Replacements};
pub use spot::{Spot, SpotRecord};
pub use starts::Starts;
pub use verdicts::{DriftPlaces, VerdictSummary, Verdicts};

use super::cold_start::ClusterHistory;
use super::cost::{CostRates, Ledger};
use super::disruption::{HeldMemory, NextCommand, Remembered};
use super::gpu::GpuThresholds;
use super::picture::{self, Evaluator, Matter, NodeStates, Picture, Totals, Touched};
use super::spot::SpotThresholds;
use super::{Completeness, KarpenterVersion};
use crate::fleet::{Changed, ClusterFacts, Demand, Fleet, Health, Kind, SourceId, Sources, Sym};
use crate::units::Time;
use command_watch::CommandWatch;
use demand::PriceWatch;
use payments::Payments;
use verdicts::InputState;

/// What the Insights are derived from.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// Rows of all kinds and prices.
    pub fleet: &'a Fleet,
    /// How alive each Source is.
    pub sources: &'a Sources,
    /// What is known of the cluster besides its objects.
    pub cluster: &'a ClusterFacts,
    /// Karpenter's version as the user gives it.
    pub karpenter_version: Option<&'a str>,
    /// Where one class of accelerators ends and the next begins.
    pub gpu_thresholds: &'a GpuThresholds,
    /// What counts of an estimate of the risk of spot capacity, and as how much.
    pub spot_thresholds: &'a SpotThresholds,
    /// The annotation that tells of the last checkpoint.
    pub checkpoint_annotation: &'a str,
    /// The time that the answers are for.
    pub now: Time,
    /// The longest time between two ticks that is still paid for; a longer one is that of a suspended machine.
    pub longest_tick_seconds: i64,
}

impl<'a> Inputs<'a> {
    /// The kinds that are known completely.
    pub const fn known(&self) -> Completeness<'a> {
        Completeness::new(self.sources)
    }
}

/// What [`Insights::work`] asks of the outside.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Requests {
    /// What the Sources outside the cluster are wanted to tell from now on, where that changed.
    pub demand: Option<Demand>,
    /// Since when which nodes are held, to be written down in place of what was written before.
    pub remember: Option<Vec<Remembered>>,
    /// What was observed of pulls and machines, to be written down besides what other instances observed.
    pub starts: Option<ClusterHistory>,
    /// What has been seen of the spot pools of a cluster, to be written down in place of what was written of it before.
    pub remember_spot: Option<SpotRecord>,
}

/// Every derived value, kept up to date.
#[derive(Default)]
pub struct Insights {
    /// The join of what does not depend on time; always that of the Fleet.
    pub picture: Picture,
    /// Which Karpenter runs in the cluster, as far as it is known.
    pub karpenter: KarpenterVersion,
    /// The verdicts of all Nodes, as of at most a few seconds ago.
    pub verdicts: Verdicts,
    /// What has been paid since the first rates were known.
    pub ledger: Ledger,
    /// Since when which nodes are held, as far as batchtop saw it itself.
    pub held: HeldMemory,
    /// What the accelerators of Nodes do, as of at most a second ago.
    pub gpus: Gpus,
    /// How busy these were in the last fifteen minutes, as far as it was told while batchtop ran.
    pub gpu_history: GpuHistories,
    /// The starts of pods; always those of the Fleet.
    pub starts: Starts,
    /// Spot Nodes and their pools, as of at most a second ago.
    pub spot: Spot,
    protected_pods: ProtectedPods,
    command_watch: CommandWatch,
    rates: Rates,
    payments: Payments,
    price_watch: PriceWatch,
    /// The parts on which something changed and that have not followed yet.
    dirty: BTreeSet<Part>,
    /// The parts that changed since [`Insights::take_changed`] was last called.
    changed: BTreeSet<Part>,
    /// What is left to do of this second, once no verdict is due.
    due: BTreeSet<Task>,
}

/// What is done once a second or once a minute, in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Task {
    /// What was observed of starts is summed up.
    Starts,
    /// What has accrued at the present rates is paid, before they change.
    Payment,
    /// A slice of the rates follows, until none is left.
    Rates,
    /// Since when which Nodes are held, and what was observed of starts and of spot pools, is written down.
    Remember,
    /// The Sources of prices are asked.
    PriceDemand,
    /// The exporters of accelerators are asked.
    GpuDemand,
    /// Karpenter's next commands are looked for.
    NextCommands,
}

const SECONDS_PER_MINUTE: i64 = 60;

const PODS: Dependency = Dependency::Kind(Kind::Pod);
const EVENTS: Dependency = Dependency::Kind(Kind::Event);

impl Insights {
    /// Before anything is known.
    pub fn new(inputs: &Inputs<'_>) -> Self {
        let mut insights = Self::default();
        insights.detect_karpenter(inputs);
        insights
    }

    /// What decides about Nodes now; cheap to make, to be made once for each frame.
    pub fn evaluator<'a>(&'a self, inputs: &Inputs<'a>) -> Evaluator<'a> {
        Evaluator::new(inputs.fleet, &self.picture, &inputs.known(), &self.karpenter, inputs.now)
    }

    /// Follows what a Delta changed in the Fleet; the Fleet is the one after it.
    pub fn note(&mut self, inputs: &Inputs<'_>, changed: &Changed) {
        let causes = Dependency::of_delta(changed);
        let mut touched = Touched::default();
        if Part::Picture.depends_on_any(&causes) {
            touched = self.picture.update(inputs.fleet, changed);
            self.changed.insert(Part::Picture);
        }
        if Part::Starts.depends_on_any(&causes) && self.starts.follow(inputs.fleet, changed) {
            self.changed.insert(Part::Starts);
        }
        let waiting = self.starts.take_billed_changed();
        if Part::Rates.depends_on_any(&[Dependency::Part(Part::Starts)]) {
            self.rates.touch_nodes(waiting);
        }
        if Part::Spot.depends_on_any(&[Dependency::Part(Part::Picture)]) {
            self.spot.touch(&touched.nodes);
        }
        if Part::Spot.depends_on_any(&[PODS]) {
            self.spot.note_pods(inputs.fleet, &changed.pods);
        }
        if Part::Spot.depends_on_any(&[EVENTS]) && causes.contains(&EVENTS) {
            self.spot.note_events(inputs.fleet);
        }
        if Part::ProtectedPods.depends_on_any(&causes) {
            self.protected_pods.follow(inputs.fleet, &changed.pods, inputs.now, &self.karpenter);
        }
        if Part::Rates.depends_on_any(&causes) {
            self.rates.touch(touched);
            if changed.kinds.contains(&Kind::Job) || changed.kinds.contains(&Kind::ReplicaSet) {
                self.rates.touch_owners();
            }
        }
        if Part::Gpus.depends_on_any(&causes) {
            self.gpus.touch(&self.picture, changed.nodes.iter().chain(&changed.gpus));
        }
        if Part::GpuHistory.depends_on_any(&causes) {
            self.gpu_history.follow(inputs.fleet, changed);
        }
        self.verdicts.note_nodes(inputs.fleet, &changed.nodes);
        if Part::Verdicts.depends_on_any(&[PODS]) && causes.contains(&PODS) {
            self.verdicts.note_pods_of(&changed.nodes);
        }
        self.mark(inputs, &causes);
    }

    /// What would wait for a later second is done by the next calls of [`Self::work`]: for a document that is written once.
    pub fn hurry(&mut self, inputs: &Inputs<'_>) {
        self.starts.recognize(inputs);
        self.verdicts.hurry();
        if self.dirty.remove(&Part::Verdicts) {
            self.verdicts.begin_round();
            self.verdicts.hurry();
        }
        self.follow_gpus();
        self.follow_spot(inputs);
        self.due.extend([Task::Starts, Task::Payment, Task::Rates]);
    }

    /// What is known of Nodes besides their assessments.
    pub const fn node_states(&self) -> NodeStates<'_> {
        let images = self.starts.statistics().images.as_slice();
        NodeStates { gpus: self.gpus.of_nodes(), spot: self.spot.nodes(), images }
    }

    /// What needs somebody now, in the whole cluster; `None` where not everything is known that decides about Nodes. Looks at
    /// all Nodes, and so takes milliseconds in a large cluster.
    pub fn matters(&self, inputs: &Inputs<'_>) -> Option<Vec<Matter>> {
        let evaluator = self.evaluator(inputs);
        let look = || picture::matters(inputs.fleet, &evaluator, self.node_states(), &self.held, self.starts.all());
        inputs.known().decides_nodes().then(look)
    }

    /// Karpenter's next command of each reason, by the last evaluations; `None` where not everything is known that decides about
    /// Nodes. Looks at all Nodes, and proves of some that they stay.
    pub fn next_commands(&self, inputs: &Inputs<'_>) -> Option<Vec<NextCommand>> {
        let evaluator = self.evaluator(inputs);
        let places = |name: &Sym, reason| Verdicts::places(&evaluator, inputs.fleet, name, reason);
        inputs.known().decides_nodes().then(|| self.verdicts.next_commands(inputs.now, places))
    }

    /// The same as of at most a few seconds ago, for what is looked at all the time; nothing where it is not known.
    pub fn last_next_commands(&self) -> &[NextCommand] {
        self.command_watch.found()
    }

    /// Where drifted nodes stand among those that Karpenter tries, by the last evaluations; none where not everything is known that
    /// decides about Nodes. Looks at all Nodes.
    pub fn drift_places(&self, inputs: &Inputs<'_>) -> DriftPlaces {
        if inputs.known().decides_nodes() { self.verdicts.drift_places() } else { DriftPlaces::default() }
    }

    /// Sums over the whole cluster, whatever lists are narrowed to.
    pub fn totals(&self, inputs: &Inputs<'_>) -> Totals {
        self.picture.totals(inputs.fleet, self.protected_pods.count(inputs.now))
    }

    /// What everything costs per hour; `None` while not all Nodes and NodeClaims are known.
    pub fn rates(&self) -> Option<&CostRates> {
        self.rates.known()
    }

    /// The health of a Source was `before`: what is not complete can be neither decided nor summed up.
    pub fn note_health(&mut self, inputs: &Inputs<'_>, source: SourceId, before: Option<&Health>) {
        if before.map(Health::completeness) != inputs.sources.get(&source).map(Health::completeness) {
            self.price_watch.hurry();
            self.gpus.hurry();
            self.mark(inputs, &[Dependency::Completeness]);
        }
    }

    /// What is known of the cluster besides its objects changed.
    pub fn note_cluster(&mut self, inputs: &Inputs<'_>) {
        self.price_watch.hurry();
        self.mark(inputs, &[Dependency::Cluster]);
    }

    /// The user's settings changed: thresholds, and what was said of Karpenter's version.
    pub fn note_settings(&mut self, inputs: &Inputs<'_>) {
        self.mark(inputs, &[Dependency::Cluster]);
        self.dirty.extend([Part::Gpus, Part::Spot]);
    }

    /// It is `inputs.now`, a second after `before`. Everything that takes time is left for [`Insights::work`].
    pub fn tick(&mut self, inputs: &Inputs<'_>, before: Time) {
        let minute = |time: Time| time.seconds().div_euclid(SECONDS_PER_MINUTE);
        if minute(inputs.now) != minute(before) {
            self.mark(inputs, &[Dependency::Minute]);
            self.due.insert(Task::Remember);
            self.gpus.begin_minute(inputs.fleet);
        }
        if self.dirty.contains(&Part::Verdicts) && self.verdicts.begin_round() {
            self.dirty.remove(&Part::Verdicts);
        }
        self.starts.recognize(inputs);
        self.verdicts.begin_second();
        self.rates.begin_second();
        self.follow_gpus();
        self.follow_spot(inputs);
        let tasks = [Task::Starts, Task::Payment, Task::Rates, Task::PriceDemand, Task::GpuDemand, Task::NextCommands];
        self.due.extend(tasks);
    }

    /// Whether [`Insights::work`] has something to do now.
    pub fn has_work(&self) -> bool {
        self.verdicts.has_work() || self.gpus.has_work() || self.spot.has_work() || !self.due.is_empty()
    }

    /// Does one slice of what is expensive.
    pub fn work(&mut self, inputs: &Inputs<'_>) -> Requests {
        let mut requests = Requests::default();
        if self.verdicts.has_work() {
            self.evaluate_verdicts(inputs);
            return requests;
        }
        if self.gpus.has_work() {
            let found = self.gpus.evaluate_slice(inputs, &self.picture);
            if found.has_changed {
                let cause = [Dependency::Part(Part::Gpus)];
                if Part::Rates.depends_on_any(&cause) {
                    self.rates.touch_nodes(found.of_other_classes);
                }
                self.changed.insert(Part::Gpus);
                self.mark(inputs, &cause);
            }
            return requests;
        }
        if self.spot.has_work() {
            if self.spot.evaluate_slice(inputs, &self.picture, &self.karpenter) {
                self.changed.insert(Part::Spot);
            }
            return requests;
        }
        match self.due.pop_first() {
            Some(Task::Starts) => self.sum_up_starts(),
            Some(Task::Payment) => self.pay(inputs),
            Some(Task::Rates) => self.follow_rates(inputs),
            Some(Task::Remember) => {
                requests.remember = self.held.to_write(inputs.now);
                requests.starts = self.starts.take_record();
                requests.remember_spot = self.spot.take_record(inputs.now);
            }
            Some(Task::PriceDemand) => requests.demand = self.price_demand(inputs),
            Some(Task::GpuDemand) => requests.demand = self.gpu_demand(inputs),
            Some(Task::NextCommands) => self.follow_next_commands(inputs),
            None => {}
        }
        requests
    }

    /// The parts that changed since this was last asked.
    pub fn take_changed(&mut self) -> BTreeSet<Part> {
        std::mem::take(&mut self.changed)
    }

    /// Forgets the cluster, before another one is read; since when Nodes are held is kept, for no two clusters share a
    /// uid, and so is what was observed of starts and of spot pools, which is kept apart by cluster.
    pub fn forget(&mut self, inputs: &Inputs<'_>) {
        let before = std::mem::take(self);
        let (starts, spot) = (before.starts.without_cluster(), before.spot.without_cluster());
        *self = Self { held: before.held, starts, spot, ..Self::new(inputs) };
    }

    /// Marks the parts that depend on what changed; they follow in [`Insights::tick`] and [`Insights::work`].
    fn mark(&mut self, inputs: &Inputs<'_>, causes: &[Dependency]) {
        let mut causes = causes.to_vec();
        for part in Part::ALL {
            if !part.depends_on_any(&causes) {
                continue;
            }
            let has_changed = match part {
                Part::Karpenter => self.detect_karpenter(inputs),
                Part::ProtectedPods if causes.contains(&Dependency::Part(Part::Karpenter)) => {
                    self.protected_pods = ProtectedPods::full(inputs.fleet, inputs.now, &self.karpenter);
                    true
                }
                Part::Picture | Part::ProtectedPods | Part::Starts | Part::GpuHistory => true,
                // The ledger is paid before rates change; what depends on verdicts follows when they have changed.
                Part::Verdicts | Part::Gpus | Part::Spot if !part.concerns_all(&causes) => false,
                Part::Verdicts | Part::Rates | Part::Ledger | Part::PriceDemand | Part::Gpus | Part::Spot => {
                    self.dirty.insert(part);
                    part == Part::Rates
                }
            };
            causes.extend(has_changed.then_some(Dependency::Part(part)));
        }
    }

    /// Looks again which Karpenter runs in the cluster. Says whether that changed.
    fn detect_karpenter(&mut self, inputs: &Inputs<'_>) -> bool {
        let found = KarpenterVersion::detect(inputs.karpenter_version, inputs.fleet, inputs.cluster);
        let is_other = found != self.karpenter;
        if is_other {
            self.karpenter = found;
            self.changed.insert(Part::Karpenter);
        }
        is_other
    }

    fn evaluate_verdicts(&mut self, inputs: &Inputs<'_>) {
        let evaluator = Evaluator::new(inputs.fleet, &self.picture, &inputs.known(), &self.karpenter, inputs.now);
        let is_complete = inputs.known().decides_nodes();
        let completeness = if is_complete { InputState::Complete } else { InputState::Incomplete };
        let changed = self.verdicts.evaluate_slice(&evaluator, inputs.fleet, completeness, &mut self.held);
        if !changed.is_empty() {
            let cause = [Dependency::Part(Part::Verdicts)];
            if Part::Rates.depends_on_any(&cause) {
                self.rates.touch_nodes(changed);
            }
            self.changed.insert(Part::Verdicts);
            self.mark(inputs, &cause);
        }
    }

    /// Pays what has accrued at the present rates.
    fn pay(&mut self, inputs: &Inputs<'_>) {
        if self.dirty.remove(&Part::Ledger) || self.payments.are_due(inputs.now) {
            self.pay_at_present_rates(inputs);
        }
    }

    fn pay_at_present_rates(&mut self, inputs: &Inputs<'_>) {
        self.payments.pay(inputs, &mut self.ledger, self.rates.known());
        self.changed.insert(Part::Ledger);
    }

    fn follow_rates(&mut self, inputs: &Inputs<'_>) {
        if !self.dirty.contains(&Part::Rates) {
            return;
        }
        let facts = NodeSources { verdicts: &self.verdicts, gpus: &self.gpus, starts: &self.starts };
        let has_followed = self.rates.follow(inputs, &self.picture, facts);
        if has_followed {
            self.changed.insert(Part::Rates);
        }
        if !self.rates.is_settled() {
            self.due.insert(Task::Rates);
            return;
        }
        self.dirty.remove(&Part::Rates);
        let were_known = self.rates.known().is_some();
        if self.rates.publish(inputs, self.gpus.sums().idle_rate()) {
            self.changed.insert(Part::Rates);
        }
        if !were_known && self.rates.known().is_some() {
            // From now on they are paid: the next payment would come too late to say since when.
            self.pay_at_present_rates(inputs);
        }
    }

    fn sum_up_starts(&mut self) {
        if self.starts.sum_up() {
            self.changed.insert(Part::Starts);
        }
    }

    fn follow_next_commands(&mut self, inputs: &Inputs<'_>) {
        if !self.command_watch.has_work(inputs) {
            return;
        }
        let evaluator = Evaluator::new(inputs.fleet, &self.picture, &inputs.known(), &self.karpenter, inputs.now);
        if self.command_watch.follow(inputs, &self.verdicts, &evaluator) {
            self.due.insert(Task::NextCommands);
        }
    }

    /// The Nodes whose devices changed in any way are evaluated; all of them where something changed that concerns all.
    fn follow_gpus(&mut self) {
        if self.dirty.remove(&Part::Gpus) {
            self.gpus.touch_all();
        }
        self.gpus.begin_second();
    }

    /// The Nodes that changed in any way are evaluated; all spot Nodes where something changed that concerns all.
    fn follow_spot(&mut self, inputs: &Inputs<'_>) {
        if self.dirty.remove(&Part::Spot) {
            self.spot.follow_cluster(inputs);
        }
        self.spot.begin_second(inputs);
    }

    fn gpu_demand(&mut self, inputs: &Inputs<'_>) -> Option<Demand> {
        let was_idle = self.gpus.asked().exporters.is_empty();
        let gpus = Some(self.gpus.is_due(inputs)).filter(|is_due| *is_due).and_then(|_| self.gpus.ask(inputs))?;
        // A Source that was idle says so until it has begun.
        let begins = was_idle && !gpus.exporters.is_empty();
        let sources = begins.then_some(SourceId::GpuExporters).into_iter().collect();
        Some(Demand { gpus: Some(gpus), sources, ..Demand::default() })
    }

    fn price_demand(&mut self, inputs: &Inputs<'_>) -> Option<Demand> {
        let is_wanted = self.dirty.contains(&Part::PriceDemand) && self.price_watch.is_due(inputs);
        if !is_wanted {
            return None;
        }
        self.dirty.remove(&Part::PriceDemand);
        self.price_watch.ask(inputs, &self.picture)
    }
}
