//! The consequences of a write for Karpenter, shown before it is confirmed.
//!
//! The Nodes concerned are judged twice: as everything is, and with the annotations as they would be. Nothing is guessed
//! from the annotations themselves, so another pod that protects, a PodDisruptionBudget or a budget counts as it does for
//! Karpenter.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::super::{App, Consequence, Severity, Target, Verb, WriteDialog};
use super::values::clock;
use crate::fleet::{Key, Kind, NodeRow, ObjectKey, PodRow, Sym};
use crate::insight::disruption::hazards::{self, HazardKind};
use crate::insight::disruption::{
    Blocker, BlockerKind, Broken, Disruption, Hazard, NodeInputs, NodePods, Verdict, protection, standing, verdict,
    words,
};
use crate::insight::picture::Evaluator;
use crate::insight::relation;
use crate::units::{Time, duration};

/// More Nodes are only counted.
const MOST_NAMED: usize = 4;

/// What a node would be, and is.
struct Change<'a> {
    node: &'a NodeRow,
    before: Disruption,
    after: Disruption,
    hazards: Vec<Hazard>,
    /// Whether pods and PodDisruptionBudgets are known: without them nothing is freed and nothing is a candidate.
    is_known: bool,
}

/// What would come of a dialog as it stands.
pub fn of(app: &App, dialog: &WriteDialog) -> Vec<Consequence> {
    let copies = Copies::of(app, &dialog.targets);
    let evaluator = app.evaluator();
    let changes = copies.nodes(app).into_iter().map(|node| copies.change(&evaluator, node));
    let changes: Vec<Change<'_>> = changes.filter(|change| change.before.verdict != Verdict::NotManaged).collect();
    let mut all = Vec::new();
    if changes.iter().any(|change| !change.is_known) {
        all.push(warning(unknown(app)));
    }
    all.extend(freed(&changes));
    all.extend(held(&changes));
    all.extend(each(&changes, |change| stays(app, change)));
    all.extend(each(&changes, |change| not_stopped(app, change)));
    if dialog.verb != Verb::Unprotect {
        all.extend(deadlines(app, dialog));
    }
    all
}

fn info(text: String) -> Consequence {
    Consequence { severity: Severity::Info, text }
}

fn warning(text: String) -> Consequence {
    Consequence { severity: Severity::Warning, text }
}

/// A consequence for a Node: `rest` begins with a verb and is the same for all Nodes alike, `detail` is for one alone.
struct Told {
    severity: Severity,
    rest: String,
    detail: String,
}

fn told(severity: Severity, rest: String) -> Told {
    Told { severity, rest, detail: String::new() }
}

/// One sentence for all Nodes of which the same is to be said.
fn each(changes: &[Change<'_>], say: impl Fn(&Change<'_>) -> Option<Told>) -> Vec<Consequence> {
    let mut groups: Vec<(Told, Vec<&str>)> = Vec::new();
    for change in changes {
        let Some(told) = say(change) else { continue };
        match groups.iter_mut().find(|(known, _)| (known.severity, &known.rest) == (told.severity, &told.rest)) {
            Some((_, nodes)) => nodes.push(name(change)),
            None => groups.push((told, vec![name(change)])),
        }
    }
    groups.into_iter().map(|(told, nodes)| sentence(&told, &nodes)).collect()
}

fn sentence(told: &Told, nodes: &[&str]) -> Consequence {
    let text = match nodes {
        [one] => format!("node {one} {}{}", told.rest, told.detail),
        many => format!("{} {}", named(many), of_many(&told.rest)),
    };
    Consequence { severity: told.severity, text }
}

/// The verb in the plural.
fn of_many(rest: &str) -> String {
    let (verb, behind) = rest.split_once(' ').unwrap_or((rest, ""));
    let verb = if verb == "is" { "are" } else { verb.strip_suffix('s').unwrap_or(verb) };
    format!("{verb} {behind}")
}

/// The rows with the annotations as they would be.
struct Copies {
    pods: HashMap<ObjectKey, PodRow>,
    nodes: HashMap<Sym, NodeRow>,
}

impl Copies {
    fn of(app: &App, targets: &[Target]) -> Self {
        let mut copies = Self { pods: HashMap::new(), nodes: HashMap::new() };
        for target in targets {
            let Some(change) = target.change.annotation() else { continue };
            copies.add(app, &change.key, change.to.as_deref().map(Sym::new));
        }
        copies
    }

    fn add(&mut self, app: &App, key: &Key, value: Option<Sym>) {
        match key.kind {
            Kind::Pod => {
                let row = app.fleet.pods.get(&key.object);
                let changed = row.map(|row| PodRow { do_not_disrupt: value, ..row.clone() });
                self.pods.extend(changed.map(|row| (key.object.clone(), row)));
            }
            Kind::Node => {
                let row = app.fleet.nodes.get(&key.object);
                let changed = row.map(|row| NodeRow { do_not_disrupt: value, ..row.clone() });
                self.nodes.extend(changed.map(|row| (key.object.name.clone(), row)));
            }
            _ => {}
        }
    }

    /// The Nodes of which something changes, by name.
    fn nodes<'a>(&self, app: &'a App) -> Vec<&'a NodeRow> {
        let of_pods = self.pods.values().filter_map(|pod| pod.node.as_ref());
        let names: BTreeSet<&Sym> = of_pods.chain(self.nodes.keys()).collect();
        names.into_iter().filter_map(|name| app.fleet.node(name)).collect()
    }

    fn change<'a>(&self, evaluator: &Evaluator<'a>, node: &'a NodeRow) -> Change<'a> {
        let before = evaluator.case(node);
        let pods = without_annotations(before.pods, &self.pods);
        let after = NodeInputs {
            node: self.nodes.get(&node.meta.key.name).unwrap_or(node),
            annotated: self.annotated(&before),
            pods: &pods,
            ..before.clone()
        };
        let disruption = verdict::judge(&after);
        Change {
            node,
            before: verdict::judge(&before),
            hazards: hazards::of_node(&after, &disruption),
            after: disruption,
            is_known: before.complete.pods && before.complete.budgets,
        }
    }

    /// The pods of a Node that would carry the annotation.
    fn annotated<'a>(&'a self, case: &NodeInputs<'a>) -> Vec<&'a PodRow> {
        let untouched = case.annotated.iter().copied().filter(|pod| !self.pods.contains_key(&pod.meta.key));
        let here = |pod: &&PodRow| pod.node.as_ref() == Some(&case.node.meta.key.name);
        let touched = self.pods.values().filter(here).filter(|pod| pod.do_not_disrupt.is_some() && pod.is_active());
        let mut all: Vec<&PodRow> = untouched.chain(touched).collect();
        all.sort_unstable_by(|a, b| a.meta.key.cmp(&b.meta.key));
        all
    }
}

/// A pod that carries no annotation any more is evicted like any other.
fn without_annotations(pods: &NodePods, changed: &HashMap<ObjectKey, PodRow>) -> NodePods {
    let mut pods = pods.clone();
    for budgeted in &mut pods.budgeted {
        budgeted.annotated &= changed.get(&budgeted.pod).is_none_or(|pod| pod.do_not_disrupt.is_some());
    }
    pods
}

fn unknown(app: &App) -> String {
    let known = crate::insight::Completeness::new(&app.sources);
    let missing: Vec<&str> = [Kind::Pod, Kind::PodDisruptionBudget]
        .into_iter()
        .filter(|kind| !known.all(*kind))
        .map(Kind::resource)
        .collect();
    format!("what this means for Karpenter is not known: not all {} are read", missing.join(" and "))
}

/// `node a`, `nodes a, b`, `8 nodes`.
fn named(nodes: &[&str]) -> String {
    match nodes {
        [one] => format!("node {one}"),
        few if few.len() <= MOST_NAMED => format!("{} nodes ({})", few.len(), few.join(", ")),
        many => format!("{} nodes", many.len()),
    }
}

fn may(disruption: &Disruption) -> bool {
    !disruption.may.yes.is_empty()
}

/// Nodes that Karpenter may take then, and may not now.
fn freed(changes: &[Change<'_>]) -> Option<Consequence> {
    let is_freed = |change: &&Change<'_>| change.is_known && !may(&change.before) && may(&change.after);
    let nodes: Vec<&str> = changes.iter().filter(is_freed).map(|change| name(change)).collect();
    (!nodes.is_empty()).then(|| info(format!("frees {} for Karpenter", named(&nodes))))
}

/// Nodes that Karpenter may take now, and may not then.
fn held(changes: &[Change<'_>]) -> Option<Consequence> {
    let is_held = |change: &&Change<'_>| change.is_known && may(&change.before) && !may(&change.after);
    let nodes: Vec<&str> = changes.iter().filter(is_held).map(|change| name(change)).collect();
    (!nodes.is_empty()).then(|| info(format!("holds {} that Karpenter may take now", named(&nodes))))
}

fn name<'a>(change: &Change<'a>) -> &'a str {
    change.node.meta.key.name.as_str()
}

/// What still stops Karpenter where the write takes a protection away.
fn stays(app: &App, change: &Change<'_>) -> Option<Told> {
    let loses = count_protection(&change.after) < count_protection(&change.before);
    if !loses || may(&change.after) || !change.is_known {
        return None;
    }
    let blocker = change.after.main_blocker()?;
    let until = change.after.until().map_or_else(String::new, |at| format!(" until {}", clock(at, app.now)));
    let rest = match (blocker.kind, &blocker.object) {
        (BlockerKind::Pdb, Some(key)) => format!("stays held by pdb/{}", key.object.name),
        (BlockerKind::MultiplePdbs, Some(key)) => format!("stays held: pod {} is under several PDBs", key.object),
        (BlockerKind::PodAnnotation, Some(key)) => format!("stays held by pod {}{until}", key.object),
        (BlockerKind::NodeAnnotation, _) => "stays held by its own annotation".to_owned(),
        (BlockerKind::Budget, Some(key)) => {
            format!("is held no longer, but the budgets of NodePool {} allow nothing now{until}", key.object.name)
        }
        (BlockerKind::ConsolidateAfter, _) => {
            format!("is held no longer, but not quiet for consolidateAfter yet{until}")
        }
        _ => format!("is held no longer, but {}", words::headline(&change.after).machine_text()),
    };
    Some(told(Severity::Info, rest))
}

fn count_protection(disruption: &Disruption) -> usize {
    let protects =
        |blocker: &&Blocker| matches!(blocker.kind, BlockerKind::PodAnnotation | BlockerKind::NodeAnnotation);
    disruption.blockers.iter().filter(protects).count()
}

/// What a protection that is added does not stop.
fn not_stopped(app: &App, change: &Change<'_>) -> Option<Told> {
    if count_protection(&change.after) == 0 {
        return None;
    }
    let rest = match change.after.verdict {
        Verdict::Terminating | Verdict::BeingDisrupted => "is on its way out already: protection comes too late",
        Verdict::SpotInterrupted => "is taken back by the cloud: protection cannot stop that",
        _ => return standing::broken_by(&change.after, &change.hazards).map(|broken| ending(app, &broken)),
    };
    Some(told(Severity::Warning, rest.to_owned()))
}

fn ending(app: &App, broken: &Broken<'_>) -> Told {
    let at = broken.hazard.at.map(|at| format!(" {}", clock(at, app.now))).unwrap_or_default();
    let what = match broken.hazard.kind {
        HazardKind::Expiration => format!("expires{at}"),
        HazardKind::SpotInterruption => format!("is taken back by the cloud{at}"),
        HazardKind::RebalanceRecommendation => "is likely to be taken back by the cloud".to_owned(),
        HazardKind::DriftOverridesProtection => {
            let from = if at.is_empty() { String::new() } else { format!(" from{at} on") };
            format!("is drifted with a terminationGracePeriod, so Karpenter may take it{from}")
        }
        HazardKind::CapacityBlockEnd => format!("is deleted{at}, before its capacity block ends"),
        HazardKind::HardwareRepair => format!("is broken, to be replaced{at}"),
        HazardKind::MaxLifetime => format!("is ended by EKS Auto Mode{at}"),
        HazardKind::StaticScaleDown => "is one of more nodes than its NodePool has replicas".to_owned(),
    };
    let detail = match (broken.pod, broken.at) {
        (Some(pod), Some(at)) if broken.hazard.at != Some(at) => format!(" ({} dies {})", pod.name, clock(at, app.now)),
        _ => String::new(),
    };
    Told { severity: Severity::Warning, rest: format!("{what}: protection cannot stop that"), detail }
}

/// Jobs that may run longer than their pods would be protected.
fn deadlines(app: &App, dialog: &WriteDialog) -> Vec<Consequence> {
    let mut jobs: BTreeMap<&ObjectKey, (Time, Time)> = BTreeMap::new();
    for target in &dialog.targets {
        let pod = app.fleet.pods.get(&target.change.key().object);
        let job = pod.and_then(|pod| relation::job_of(&app.fleet, pod));
        let Some((job, ends)) = job.zip(ends_of(app, target)) else { continue };
        let Some(deadline) = job.started.zip(job.active_deadline_seconds) else { continue };
        let deadline = deadline.0.plus_seconds(deadline.1);
        if ends < deadline {
            let first = jobs.entry(&job.meta.key).or_insert((ends, deadline));
            first.0 = first.0.min(ends);
        }
    }
    jobs.into_iter().map(|(job, (ends, deadline))| warning(before_deadline(app, job, ends, deadline))).collect()
}

fn before_deadline(app: &App, job: &ObjectKey, ends: Time, deadline: Time) -> String {
    let short = duration::format_compact(deadline.seconds_since(ends));
    format!(
        "protection ends {}, {short} before the Job's deadline ({job}, {})",
        clock(ends, app.now),
        clock(deadline, app.now)
    )
}

/// When the protection of a pod would end as the target stands.
fn ends_of(app: &App, target: &Target) -> Option<Time> {
    let change = target.change.annotation()?;
    let row = app.fleet.pods.get(&change.key.object)?;
    let changed = PodRow { do_not_disrupt: change.to.as_deref().map(Sym::new), ..row.clone() };
    protection::of_pod(&changed, app.now, &app.insights.karpenter).until
}
