//! The consequences of evictions: for the pods and those that made them, for budgets, and for the Nodes afterwards.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{App, Consequence, Severity, WriteDialog};
use super::copies::{self, Change};
use super::sentences::{Told, each, info, may, named, told, unknown, warning};
use crate::fleet::{DisruptedPods, JobRow, Kind, NodeRow, ObjectKey, PodRow, Sym};
use crate::insight::disruption::eviction::{BudgetOutlook, outlook};
use crate::insight::disruption::{Reason, Verdict, protection, words};
use crate::insight::sentence::{Part, Sentence, plural, sentence};
use crate::insight::{Completeness, relation};
use crate::units::{Lifetime, duration};

/// More pods are only counted.
const MOST_NAMED: usize = 3;

/// The limit of failures that a Job has where each index has a limit of its own (kubernetes pkg/apis/batch/v1/defaults.go).
const NO_BACKOFF_LIMIT: i64 = i32::MAX as i64;

/// What would come of the evictions of a dialog.
pub(super) fn of(app: &App, dialog: &WriteDialog) -> Vec<Consequence> {
    let keys = dialog.targets.iter().map(|target| &target.change.key().object);
    let pods: Vec<&PodRow> = keys.filter_map(|key| app.fleet.pods.get(key)).collect();
    let changes = copies::managed(app, &dialog.targets);
    let mut all = vec![warning("an eviction cannot be undone")];
    all.extend(of_makers(app, &pods));
    all.extend(of_protected(app, &pods));
    all.extend(of_budgets(app, &pods));
    all.extend(costs(app, &pods));
    all.extend(unknown(app, &changes));
    all.extend(each(&changes, afterwards));
    all.extend(come_back(app, &pods));
    all
}

/// What makes a pod anew once it is evicted.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Maker<'a> {
    /// Nothing: the pod has no owner.
    Nobody,
    /// A Job that is known.
    Job(&'a ObjectKey),
    /// Another owner: its kind, and its key.
    Owner(&'a Sym, ObjectKey),
}

fn maker<'a>(app: &'a App, pod: &'a PodRow) -> Maker<'a> {
    if let Some(job) = relation::job_of(&app.fleet, pod) {
        return Maker::Job(&job.meta.key);
    }
    match relation::top_owner(&app.fleet, pod) {
        None => Maker::Nobody,
        Some(owner) => {
            let key = ObjectKey { namespace: pod.meta.key.namespace.clone(), name: owner.name.clone() };
            Maker::Owner(&owner.kind, key)
        }
    }
}

/// Whether the work of the pods goes on, by what has made them. What is lost comes first.
fn of_makers(app: &App, pods: &[&PodRow]) -> Vec<Consequence> {
    let mut makers: BTreeMap<Maker<'_>, Vec<&PodRow>> = BTreeMap::new();
    for pod in pods {
        makers.entry(maker(app, pod)).or_default().push(pod);
    }
    let mut all: Vec<Consequence> = makers.iter().filter_map(|(maker, pods)| of_maker(app, maker, pods)).collect();
    all.sort_by_key(|consequence| consequence.severity == Severity::Info);
    all
}

fn of_maker(app: &App, maker: &Maker<'_>, pods: &[&PodRow]) -> Option<Consequence> {
    Some(match maker {
        Maker::Nobody => of_nobody(pods),
        Maker::Job(key) => of_job(app.fleet.jobs.get(key)?, pods.len()),
        Maker::Owner(kind, key) if makes_anew(kind) => {
            info(sentence![*kind, " ", key, " makes ", plural(pods.len(), "pod"), " anew"])
        }
        Maker::Owner(kind, key) => {
            let pods = plural(pods.len(), "pod");
            info(sentence![*kind, " ", key, " decides whether it makes its ", pods, " anew"])
        }
    })
}

/// The kinds of Kubernetes itself that keep a number of pods.
fn makes_anew(kind: &Sym) -> bool {
    matches!(kind.as_str(), "Deployment" | "ReplicaSet" | "StatefulSet" | "ReplicationController")
}

fn of_nobody(pods: &[&PodRow]) -> Consequence {
    match pods {
        [pod] => warning(sentence!["nothing makes ", &pod.meta.key, " anew: it has no owner, and its work is lost"]),
        many => {
            let names = some(many.iter().map(|pod| &pod.meta.key));
            let pods = plural(many.len(), "pod");
            warning(sentence![
                "nothing makes ",
                pods,
                " anew (",
                names,
                "): they have no owner, and their work is lost"
            ])
        }
    }
}

/// The first few names.
fn some<'a>(keys: impl Iterator<Item = &'a ObjectKey> + Clone) -> Sentence {
    let more = keys.clone().count().saturating_sub(MOST_NAMED);
    let names = Sentence::joined(keys.take(MOST_NAMED), ", ");
    sentence![names, (more > 0).then(|| sentence![" and ", more, " more"])]
}

/// A Job replaces an evicted pod, and counts it as failed unless its podFailurePolicy says otherwise (kubernetes
/// pkg/controller/job/job_controller.go, isPodFailed).
fn of_job(job: &JobRow, evicted: usize) -> Consequence {
    let (key, pods) = (&job.meta.key, plural(evicted, "pod"));
    let anew = sentence!["Job ", key, " makes ", pods, " anew, from the start"];
    match job.disrupted_pods {
        DisruptedPods::Ignored => info(sentence![anew, "; its podFailurePolicy does not count them as failures"]),
        DisruptedPods::FailJob => {
            warning(sentence!["Job ", key, " fails as a whole: its podFailurePolicy says so of disrupted pods"])
        }
        DisruptedPods::FailIndex => warning(sentence![
            "Job ",
            key,
            " gives up the indexes of ",
            plural(evicted, "pod"),
            ": its podFailurePolicy says so"
        ]),
        DisruptedPods::Counted => {
            let failures = job.failed.saturating_add(i64::try_from(evicted).unwrap_or(i64::MAX));
            of_counted(job, anew, failures)
        }
    }
}

fn of_counted(job: &JobRow, anew: Sentence, failures: i64) -> Consequence {
    let limit = job.backoff_limit;
    if failures > limit {
        let key = &job.meta.key;
        return warning(sentence![
            "Job ",
            key,
            " fails: that makes ",
            plural(failures, "failure"),
            ", its backoffLimit is ",
            limit
        ]);
    }
    let most = (limit < NO_BACKOFF_LIMIT).then(|| sentence![": ", failures, " of at most ", limit]);
    info(sentence![anew, "; each counts as a failure", most])
}

const fn are(count: usize) -> &'static str {
    if count == 1 { " is" } else { " are" }
}

/// The annotation stops Karpenter, and nobody else.
fn of_protected(app: &App, pods: &[&PodRow]) -> Option<Consequence> {
    let is_protected = |pod: &&&PodRow| protection::is_protected(pod, app.now, &app.insights.karpenter);
    let protected: Vec<&ObjectKey> = pods.iter().filter(is_protected).map(|pod| &pod.meta.key).collect();
    if protected.is_empty() {
        return None;
    }
    let names = some(protected.iter().copied());
    Some(warning(sentence![names, are(protected.len()), " protected: that stops Karpenter, and not this eviction"]))
}

/// PodDisruptionBudgets that are going to refuse.
fn of_budgets(app: &App, pods: &[&PodRow]) -> Vec<Consequence> {
    let known = Completeness::new(&app.sources);
    let is_known = |pod: &&PodRow| known.in_namespace(Kind::PodDisruptionBudget, &pod.meta.key.namespace);
    if !pods.iter().all(is_known) {
        return vec![warning("not all PodDisruptionBudgets are known: one of them may refuse")];
    }
    let said = outlook(pods.iter().copied(), app.insights.picture.budget_index(), &app.fleet.disruption_budgets);
    let several = (!said.under_several.is_empty()).then(|| {
        warning(sentence![
            some(said.under_several.iter()),
            are(said.under_several.len()),
            " under several PodDisruptionBudgets: that is refused always"
        ])
    });
    said.refusing.iter().map(of_budget).chain(several).collect()
}

fn of_budget(said: &BudgetOutlook) -> Consequence {
    let allowed = match said.allowed {
        0 => Sentence::of("nothing"),
        some => plural(some, "eviction"),
    };
    let refused = sentence![said.refused(), " of ", said.pods, are(said.refused())];
    warning(sentence!["pdb ", &said.budget, " allows ", allowed, " now: ", refused, " going to be refused"])
}

/// The dollars of the Nodes on which the pods are.
fn costs(app: &App, pods: &[&PodRow]) -> Option<Consequence> {
    let names: BTreeSet<&Sym> = pods.iter().filter_map(|pod| pod.node.as_ref()).collect();
    let nodes: Vec<&NodeRow> = names.into_iter().filter_map(|name| app.fleet.node(name)).collect();
    let rate = |node: &&NodeRow| app.insights.picture.node(&node.meta.key.name)?.cost.rate();
    let rates: Vec<i64> = nodes.iter().filter_map(rate).collect();
    let unpriced = nodes.len() - rates.len();
    let names: Vec<&str> = nodes.iter().map(|node| node.meta.key.name.as_str()).collect();
    let costs = if nodes.len() == 1 { " costs " } else { " cost " };
    match (nodes.len(), rates.len()) {
        (0, _) => None,
        (_, 0) => Some(info(sentence![named(&names), costs, "an amount that is not known"])),
        _ => {
            let sum = Part::MicroUsd(rates.iter().sum());
            let rest = (unpriced > 0).then(|| sentence![", and ", unpriced, " of them an amount that is not known"]);
            Some(info(sentence![named(&names), costs, sum, "/h", rest]))
        }
    }
}

/// What Karpenter may do with a Node then, unless new pods are bound to it.
fn afterwards(change: &Change<'_>) -> Option<Told> {
    if !change.is_known {
        return None;
    }
    let is_empty = change.after.applies.contains(Reason::Empty);
    let state = if is_empty { "is empty then" } else { "keeps other pods" };
    let rest = match change.after.verdict {
        _ if may(&change.before) => "is one that Karpenter may take already".to_owned(),
        _ if may(&change.after) => format!("{state}: Karpenter may take it ({})", words::list(change.after.may.yes)),
        Verdict::ConsolidateAfterPending => match change.consolidate_after {
            Some(Lifetime::Seconds(seconds)) => {
                let wait = duration::format_compact(seconds);
                format!("{state}: Karpenter may take it {wait} after the last pod has gone (consolidateAfter)")
            }
            _ => format!("{state}: Karpenter may take it once it has been quiet for consolidateAfter"),
        },
        _ => format!("{state}, and stays: {}", words::headline(&change.after).machine_text()),
    };
    Some(told(Severity::Info, rest))
}

/// That nothing keeps the pods that are made anew off the Nodes. `kubectl drain` cordons a node first for that reason.
fn come_back(app: &App, pods: &[&PodRow]) -> Option<Consequence> {
    let made_anew = pods.iter().filter(|pod| pod.owner.is_some());
    let names: BTreeSet<&Sym> = made_anew.filter_map(|pod| pod.node.as_ref()).collect();
    let open = names.into_iter().filter(|name| app.fleet.node(name).is_some_and(|node| !node.cordoned));
    let open: Vec<&str> = open.map(Sym::as_str).collect();
    Some(warning(match open.as_slice() {
        [] => return None,
        [one] => format!("pods made anew may come back to node {one}, unless kubectl cordon {one} keeps them off"),
        many => {
            format!("pods made anew may come back to these {} nodes, unless kubectl cordon keeps them off", many.len())
        }
    }))
}
