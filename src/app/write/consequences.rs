//! The consequences of a write, shown before it is confirmed.
//!
//! The Nodes concerned are judged twice ([`copies`]): as everything is, and as it would be. Nothing is guessed from the
//! annotations themselves, so another pod that protects, a PodDisruptionBudget or a budget counts as it does for Karpenter.

use std::collections::BTreeMap;

use super::super::{App, Consequence, Severity, Target, Verb, WriteDialog};
use super::copies::{self, Change};
use super::evicted;
use super::sentences::{Told, each, info, may, name, named, told, unknown, warning};
use super::values::clock;
use crate::fleet::{ChangedValue, ObjectKey, PodRow, Sym, ValueChange};
use crate::insight::disruption::hazards::HazardKind;
use crate::insight::disruption::{Blocker, BlockerKind, Broken, Disruption, Verdict, protection, standing, words};
use crate::insight::relation;
use crate::insight::sentence::{plural, sentence};
use crate::units::{Time, duration};

/// What would come of a dialog as it stands.
pub fn of(app: &App, dialog: &WriteDialog) -> Vec<Consequence> {
    if dialog.verb == Verb::Evict {
        return evicted::of(app, dialog);
    }
    let cordons = scheduling(app, dialog);
    if !cordons.is_empty() {
        return cordons;
    }
    let changes = copies::managed(app, &dialog.targets);
    let mut all: Vec<Consequence> = unknown(app, &changes).into_iter().collect();
    all.extend(freed(&changes));
    all.extend(held(&changes));
    all.extend(each(&changes, |change| stays(app, change)));
    all.extend(each(&changes, |change| not_stopped(app, change)));
    if dialog.verb != Verb::Unprotect {
        all.extend(deadlines(app, dialog));
    }
    all
}

/// What becomes of pods where Nodes are cordoned or uncordoned.
fn scheduling(app: &App, dialog: &WriteDialog) -> Vec<Consequence> {
    let of_nodes = dialog.targets.iter().filter_map(|target| target.change.value());
    let of_nodes: Vec<&ValueChange> = of_nodes.filter(|change| change.value == ChangedValue::Unschedulable).collect();
    let (closed, open): (Vec<&ValueChange>, Vec<&ValueChange>) =
        of_nodes.iter().partition(|change| change.to.is_some());
    let names =
        |changes: &[&ValueChange]| changes.iter().map(|change| change.key.object.name.clone()).collect::<Vec<_>>();
    let mut all = Vec::new();
    if !closed.is_empty() {
        let nodes = names(&closed);
        let staying =
            nodes.iter().flat_map(|node| app.fleet.pods_on(node)).filter(|pod| relation::keeps_node(pod)).count();
        let nodes: Vec<&str> = nodes.iter().map(Sym::as_str).collect();
        all.push(info(format!("no new pod is scheduled on {}", named(&nodes))));
        all.push(info(sentence![
            plural(staying, "pod"),
            " there go on: cordoning evicts nothing, and Karpenter may still take it"
        ]));
    }
    if !open.is_empty() {
        let nodes = names(&open);
        let nodes: Vec<&str> = nodes.iter().map(Sym::as_str).collect();
        all.push(info(format!("new pods may be scheduled on {} again", named(&nodes))));
    }
    all
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
    let change = target.change.value()?;
    let row = app.fleet.pods.get(&change.key.object)?;
    let changed = PodRow { do_not_disrupt: change.to.as_deref().map(Sym::new), ..row.clone() };
    protection::of_pod(&changed, app.now, &app.insights.karpenter).until
}
