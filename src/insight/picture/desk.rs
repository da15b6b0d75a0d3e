//! The front desk: what needs somebody now, in the whole cluster.
//!
//! It adds nothing to what the [findings](super::findings()), the hazards of protected pods, the dollars of Nodes and the starts
//! of pods say; it brings them into one order: what has a deadline first, then what costs most.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use foldhash::fast::RandomState;

use super::findings::{PROTECTION_WILL_NOT_HOLD, of_assessments};
use super::{Evaluator, Finding, NodeAssessment, NodePicture, NodeStates, Severity};
use crate::fleet::{Fleet, Key, Kind, NodeRow, ObjectKey, PodRow, Sym};
use crate::insight::cold_start::{Cause, CauseReason, ColdStart, PhaseName};
use crate::insight::disruption::{Blocker, BlockerKind, Disruption, HeldMemory, words::headline};
use crate::insight::gpu::{self, Thousandths};
use crate::insight::phase::NodePhase;
use crate::insight::relation;
use crate::insight::sentence::{Sentence, plural, sentence};
use crate::units::Time;
use crate::units::money::SECONDS_PER_HOUR;

/// Why something needs somebody. Of matters that are alike in all else, those of an earlier one come first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Concern {
    /// A protected pod ends within a day all the same.
    Dies,
    /// Dollars are paid for what nobody uses.
    Waste,
    /// Pods wait for capacity.
    Waits,
    /// Another finding.
    Finding,
}

impl Concern {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dies => "dies",
            Self::Waste => "waste",
            Self::Waits => "waits",
            Self::Finding => "finding",
        }
    }
}

/// The identity of a matter: it stays the same while its sentence and its dollars change.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MatterKey {
    /// Why it needs somebody.
    pub concern: Concern,
    /// The id of the rule that found it; empty where none did.
    pub rule: &'static str,
    /// The kind of the object, which need not be one that batchtop reads.
    pub kind: Sym,
    /// Namespace and name of the object.
    pub object: ObjectKey,
    /// Tells several findings of one rule about one object apart.
    pub number: usize,
}

/// Something that needs somebody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Matter {
    /// What tells it from all others.
    pub key: MatterKey,
    /// The object by which it can be looked at and acted on; `None` where batchtop does not read its kind.
    pub about: Option<Key>,
    /// How grave it is.
    pub severity: Severity,
    /// When it is too late.
    pub deadline: Option<Time>,
    /// Since when it has been so.
    pub since: Option<Time>,
    /// What is paid for nothing, in micro-dollars per hour; `None` where nothing is, or where it is not known.
    pub rate: Option<i64>,
    /// Whether something is paid for nothing and nobody knows how much.
    pub is_unpriced: bool,
    /// What is the matter, in one sentence.
    pub message: Sentence,
    /// What the user can do about it.
    pub hint: Sentence,
}

impl Matter {
    /// Whether it needs somebody now, and is not only good to know.
    pub fn needs_somebody(&self) -> bool {
        self.severity > Severity::Info
    }

    /// What its rate comes to since it has been so, in micro-dollars.
    pub fn paid_micro_usd(&self, now: Time) -> Option<i64> {
        let seconds = now.seconds_since(self.since?).max(0);
        i64::try_from(i128::from(self.rate?) * i128::from(seconds) / i128::from(SECONDS_PER_HOUR)).ok()
    }

    /// What has a deadline comes first, the soonest in front; then what stops everything; then the most dollars.
    fn rank(&self) -> impl Ord + use<> {
        let group = match (self.deadline, self.severity) {
            (Some(_), _) => 0,
            (None, Severity::Critical) => 1,
            (None, _) => 2,
        };
        let dollars = Reverse(self.rate.unwrap_or(0));
        (group, self.deadline, dollars, self.key.concern, Reverse(self.severity), self.since, self.key.clone())
    }
}

impl NodePicture {
    /// Micro-dollars per hour for accelerators that nobody requests, and for those that are requested and do nothing
    /// (`idle_rate`); `None` where the Node has no price.
    pub fn wasted_on_gpus(&self, idle_rate: Option<i64>) -> Option<i64> {
        self.cost.rate().map(|_| self.spend.unallocated_gpu.saturating_add(idle_rate.unwrap_or(0)))
    }
}

/// Everything that needs somebody, what is most urgent in front. All is to be known that decides about Nodes.
pub fn matters<'a>(
    fleet: &'a Fleet,
    evaluator: &'a Evaluator<'a>,
    states: NodeStates<'_>,
    held: &HeldMemory,
    starts: impl Iterator<Item = &'a ColdStart>,
) -> Vec<Matter> {
    let assessments: Vec<NodeAssessment<'_>> = fleet.nodes.iter().map(|node| evaluator.assess(node)).collect();
    let found = of_assessments(fleet, evaluator, &assessments, states);
    let facts = NodeFacts { evaluator, states, held };
    let of_waste: OfWaste<'_> = found.iter().filter(|one| is_of_waste(one)).map(|one| (&one.object, one)).collect();
    let mut matters: Vec<Matter> = assessments.iter().filter_map(|one| facts.waste(one, &of_waste)).collect();
    let told: HashSet<&str, RandomState> = matters.iter().map(|matter| matter.key.object.name.as_str()).collect();
    let is_told = |one: &Finding| is_of_waste(one) && told.contains(one.object.name.as_str());
    let others: Vec<&Finding> = found.iter().filter(|one| !is_told(one)).collect();
    let ends = ends(&assessments);
    let mut numbers: HashMap<(&str, &ObjectKey), usize, RandomState> = HashMap::default();
    for one in others {
        let number = numbers.entry((one.rule.id, &one.object)).or_default();
        matters.push(of_finding(one, *number, &ends));
        *number += 1;
    }
    matters.extend(waiting(fleet, starts, evaluator.now()));
    matters.sort_by_cached_key(Matter::rank);
    matters
}

/// The findings about Nodes whose accelerators do nothing, by the Node.
type OfWaste<'a> = HashMap<&'a ObjectKey, &'a Finding, RandomState>;

/// When each protected pod ends in spite of its protection.
type Ends<'a> = HashMap<&'a ObjectKey, Time, RandomState>;

fn ends<'a>(assessments: &'a [NodeAssessment<'_>]) -> Ends<'a> {
    let pods = assessments.iter().flat_map(|one| &one.pods);
    pods.filter_map(|(pod, outlook)| Some((&pod.meta.key, outlook.fails_at?))).collect()
}

fn of_finding(found: &Finding, number: usize, ends: &Ends<'_>) -> Matter {
    let dies = found.rule.id == PROTECTION_WILL_NOT_HOLD;
    Matter {
        key: MatterKey {
            concern: if dies { Concern::Dies } else { Concern::Finding },
            rule: found.rule.id,
            kind: Sym::new(found.kind),
            object: found.object.clone(),
            number,
        },
        about: about(found.kind, &found.object),
        severity: found.severity,
        deadline: ends.get(&found.object).copied().filter(|_| dies),
        since: None,
        rate: None,
        is_unpriced: false,
        message: found.message.clone(),
        hint: Sentence::of(found.hint),
    }
}

fn about(kind: &str, object: &ObjectKey) -> Option<Key> {
    let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
    Some(Key::new(kind, object.clone()))
}

/// The rules that find a Node whose accelerators do nothing.
const WASTE: [&str; 4] = ["GpuIdle", "GpuParked", "GpuStranded", "GpuUnallocated"];

fn is_of_waste(found: &Finding) -> bool {
    WASTE.contains(&found.rule.id)
}

/// A held Node without accelerators is worth a look from this rate on, in micro-dollars per hour.
const LEAST_WASTE: i64 = 500_000;

/// What decides about the waste of Nodes.
struct NodeFacts<'a, 's> {
    evaluator: &'a Evaluator<'a>,
    states: NodeStates<'s>,
    held: &'s HeldMemory,
}

/// What is paid for nothing on a Node.
struct Waste {
    what: Sentence,
    since: Option<Time>,
    rate: Option<i64>,
}

impl NodeFacts<'_, '_> {
    /// A Node that is paid for and not used.
    fn waste(&self, one: &NodeAssessment<'_>, found: &OfWaste<'_>) -> Option<Matter> {
        let (node, key) = (one.node, &one.node.meta.key);
        let said = self.evaluator.picture().node(&key.name).filter(|said| said.phase != NodePhase::Starting)?;
        let waste = match &said.gpu {
            Some(gpu) => self.of_gpus(node, said, gpu),
            None => of_held(said, &one.disruption),
        }?;
        let held_since = self.held.since(&self.evaluator.case(node), &one.disruption);
        let finding = found.get(key).copied();
        let machine = node.instance_type().map(|kind| sentence![kind, ": "]);
        Some(Matter {
            key: MatterKey {
                concern: Concern::Waste,
                rule: finding.map_or("", |found| found.rule.id),
                kind: Sym::new(Kind::Node.name()),
                object: key.clone(),
                number: 0,
            },
            about: Some(Key::new(Kind::Node, key.clone())),
            severity: Severity::Warning,
            deadline: None,
            since: held_since.or(waste.since),
            rate: waste.rate,
            is_unpriced: waste.rate.is_none(),
            message: sentence![machine, waste.what, "; ", headline(&one.disruption)],
            hint: how_to_free(&one.disruption, finding),
        })
    }

    /// Accelerators that nobody requests, or that do nothing.
    fn of_gpus(&self, node: &NodeRow, said: &NodePicture, gpu: &gpu::NodeGpu) -> Option<Waste> {
        let state = self.states.gpus.get(&node.meta.key.name);
        let activity = state.map(|state| &state.activity);
        let does_nothing = activity.is_some_and(|activity| activity.class.is_waste());
        let rate = said.wasted_on_gpus(state.and_then(|state| state.idle_rate));
        if !does_nothing && rate.unwrap_or(0) == 0 {
            return None;
        }
        let what = match activity {
            Some(activity) if gpu.requested >= gpu.advertised => activity.reason.clone(),
            _ => sentence![gpu.requested, " of ", plural(gpu.advertised, "GPU"), " requested"],
        };
        Some(Waste { what, since: activity.filter(|_| does_nothing).and_then(|activity| activity.since), rate })
    }
}

/// What nobody requests of a Node without accelerators that only protection keeps.
fn of_held(said: &NodePicture, disruption: &Disruption) -> Option<Waste> {
    let rate = said.cost.rate().map(|_| said.spend.unrequested)?;
    let is_worth_a_look = disruption.is_held() && rate >= LEAST_WASTE;
    is_worth_a_look.then(|| Waste {
        what: Sentence::of("held, and mostly not requested"),
        since: None,
        rate: Some(rate),
    })
}

/// What gives a Node back to Karpenter, by what keeps it.
fn how_to_free(disruption: &Disruption, finding: Option<&Finding>) -> Sentence {
    let protection = disruption.firm().find(|blocker| blocker.kind.is_protection());
    match protection {
        Some(Blocker { kind: BlockerKind::NodeAnnotation, .. }) => {
            Sentence::of("u removes the node's annotation, so that Karpenter can take it")
        }
        Some(Blocker { kind: BlockerKind::PodAnnotation, .. }) => {
            Sentence::of("u removes the annotation of the pods that keep it, once their work is saved")
        }
        Some(Blocker { kind: BlockerKind::Pdb, object: Some(key), .. }) => {
            sentence![
                "let PodDisruptionBudget ",
                &key.object,
                " allow an eviction, or scale its pods down: O has the command"
            ]
        }
        _ => Sentence::of(finding.map_or("see why Karpenter does not take the node: enter shows it", |one| one.hint)),
    }
}

/// Pods that wait for capacity for less long than this may get it without anybody.
const WAITING_SECONDS: i64 = 120;

/// Pods of one owner that wait for capacity.
struct Waiting<'a> {
    pods: usize,
    gpus: Thousandths,
    since: Time,
    cause: &'a Cause,
    first: &'a PodRow,
}

/// The pods that have waited for capacity for a while, by what made them.
fn waiting<'a>(fleet: &'a Fleet, starts: impl Iterator<Item = &'a ColdStart>, now: Time) -> Vec<Matter> {
    let mut groups: BTreeMap<(Sym, ObjectKey), Waiting<'a>> = BTreeMap::new();
    for start in starts {
        let Some(open) = start.open_phase().filter(|open| open.name == PhaseName::WaitingForCapacity) else { continue };
        let Some((cause, pod)) = start.cause.as_ref().zip(fleet.pods.get(&start.pod)) else { continue };
        if now.seconds_since(open.start()) < WAITING_SECONDS {
            continue;
        }
        let gpus = gpu::requested_by(fleet, pod);
        let group = groups.entry(made_by(fleet, pod)).or_insert_with(|| Waiting {
            pods: 0,
            gpus: Thousandths(0),
            since: open.start(),
            cause,
            first: pod,
        });
        group.pods += 1;
        group.gpus = group.gpus.plus(gpus);
        if open.start() < group.since {
            (group.since, group.cause) = (open.start(), cause);
        }
    }
    groups.into_iter().map(|(key, group)| of_waiting(fleet, key, &group)).collect()
}

fn made_by(fleet: &Fleet, pod: &PodRow) -> (Sym, ObjectKey) {
    if let Some(job) = relation::job_of(fleet, pod) {
        return (Sym::new(Kind::Job.name()), job.meta.key.clone());
    }
    let key = &pod.meta.key;
    match relation::top_owner(fleet, pod) {
        Some(owner) => (owner.kind.clone(), ObjectKey { namespace: key.namespace.clone(), name: owner.name.clone() }),
        None => (Sym::new(Kind::Pod.name()), key.clone()),
    }
}

fn of_waiting(fleet: &Fleet, (kind, object): (Sym, ObjectKey), group: &Waiting<'_>) -> Matter {
    let is_job = kind == Kind::Job.name() && fleet.jobs.get(&object).is_some();
    let first = Key::new(Kind::Pod, group.first.meta.key.clone());
    let who = match group.gpus.ceil() {
        0 => sentence![plural(group.pods, "pod"), if group.pods == 1 { " waits" } else { " wait" }],
        gpus => sentence![plural(gpus, "GPU"), if gpus == 1 { " waits" } else { " wait" }],
    };
    let (what, hint) = capacity(group.cause.reason);
    Matter {
        about: Some(if is_job { Key::new(Kind::Job, object.clone()) } else { first }),
        key: MatterKey { concern: Concern::Waits, rule: "", kind, object, number: 0 },
        severity: Severity::Warning,
        deadline: None,
        since: Some(group.since),
        rate: None,
        is_unpriced: false,
        message: sentence![who, ": ", what, " (", &group.cause.message, ")"],
        hint: Sentence::of(hint),
    }
}

/// What is lacking, and what helps.
const fn capacity(reason: CauseReason) -> (&'static str, &'static str) {
    match reason {
        CauseReason::InsufficientCapacity => (
            "the cloud has no such capacity",
            "let its NodePool use more instance types, zones or capacity types, or reserve capacity",
        ),
        CauseReason::NodeClassNotReady => ("the NodeClass is not ready", "mend the NodeClass: its conditions say why"),
        _ => (
            "no Node takes it and Karpenter makes none",
            "compare what it requests and tolerates with the NodePools and their limits",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matter(concern: Concern, deadline: Option<i64>, rate: Option<i64>, severity: Severity) -> Matter {
        let object = ObjectKey::cluster(&format!("{concern:?} {deadline:?} {rate:?}"));
        let key = MatterKey { concern, rule: "", kind: Sym::new("Node"), object, number: 0 };
        Matter {
            key,
            about: None,
            severity,
            deadline: deadline.map(Time::from_seconds),
            since: Some(Time::from_seconds(0)),
            rate,
            is_unpriced: false,
            message: Sentence::default(),
            hint: Sentence::default(),
        }
    }

    #[test]
    fn deadlines_come_before_dollars_and_dollars_before_the_rest() {
        let wanted = [
            matter(Concern::Dies, Some(10), None, Severity::Critical),
            matter(Concern::Dies, Some(20), None, Severity::Critical),
            matter(Concern::Finding, None, None, Severity::Critical),
            matter(Concern::Waste, None, Some(2_000_000), Severity::Warning),
            matter(Concern::Waste, None, Some(1_000_000), Severity::Warning),
            matter(Concern::Waits, None, None, Severity::Warning),
            matter(Concern::Finding, None, None, Severity::Warning),
            matter(Concern::Finding, None, None, Severity::Info),
        ];
        let mut sorted: Vec<Matter> = wanted.iter().rev().cloned().collect();
        sorted.sort_by_cached_key(Matter::rank);
        assert_eq!(sorted, wanted);
    }

    #[test]
    fn what_was_paid_follows_the_rate_and_the_time() {
        let waste = matter(Concern::Waste, None, Some(21_960_000), Severity::Warning);
        assert_eq!(waste.paid_micro_usd(Time::from_seconds(2 * 3600)), Some(43_920_000));
        assert_eq!(matter(Concern::Waits, None, None, Severity::Warning).paid_micro_usd(Time::from_seconds(9)), None);
    }

    #[test]
    fn the_rules_that_are_told_otherwise_exist() {
        let ids: Vec<&str> = super::super::rules().map(|rule| rule.id).collect();
        assert!(WASTE.iter().chain([&PROTECTION_WILL_NOT_HOLD]).all(|id| ids.contains(id)), "{ids:?}");
    }
}
