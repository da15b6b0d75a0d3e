//! The owners of pods, and for each the command that scales it to nothing: batchtop does not do that itself.

use std::collections::{BTreeMap, BTreeSet};

use super::effects::Effects;
use super::rows::RowRef;
use super::{App, Effect, Overlay, notice, scroll, selection};
use crate::fleet::{JobRow, Key, NodeRow, ObjectKey, Owner, PodRow};
use crate::input::Action;
use crate::insight::gpu::{self, Thousandths};
use crate::insight::relation;

/// More owners are not listed.
const MOST_OWNERS: usize = 100;

/// A list of owners, one of them selected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Owners {
    /// The title's words for the rows: `pods with GPUs on node gpu-a`.
    pub subject: String,
    /// The owners, those of the most accelerators first.
    pub items: Vec<ScaledOwner>,
    /// Index of the selected one.
    pub selected: usize,
}

/// One owner of pods.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScaledOwner {
    /// `Deployment`; `Pod` for a pod that nothing owns.
    pub kind: String,
    /// Namespace and name.
    pub object: ObjectKey,
    /// How many of the pods are its.
    pub pods: usize,
    /// Accelerators that they request.
    pub gpus: Thousandths,
    /// The command that ends its pods; `None` where none is known for its kind.
    pub command: Option<String>,
    /// What else is to be known, in one sentence.
    pub note: Option<String>,
}

/// Opens the owners of the pods of the opened, marked or selected rows.
pub fn open(app: &mut App) {
    let keys = selection::chosen(app);
    let (subject, pods) = pods_of(app, &keys);
    let items = owners_of(app, &pods);
    if items.is_empty() {
        return notice::info(app, "no pod is known here that has an owner to scale");
    }
    app.ui.overlay = Some(Overlay::Owners(Owners { subject, items, selected: 0 }));
}

/// An action while the owners are shown.
pub fn act(app: &mut App, action: Action, effects: &mut Effects) {
    let page = app.ui.page_rows;
    let Some(Overlay::Owners(owners)) = &mut app.ui.overlay else { return };
    match action {
        Action::Copy => copy(app, effects),
        Action::Back | Action::Quit | Action::Owners => app.ui.overlay = None,
        action => {
            let last = owners.items.len().saturating_sub(1);
            owners.selected = scroll::moved(owners.selected, action, last, page);
        }
    }
}

fn copy(app: &mut App, effects: &mut Effects) {
    let Some(Overlay::Owners(owners)) = &app.ui.overlay else { return };
    let Some(owner) = owners.items.get(owners.selected) else { return };
    let Some(command) = owner.command.clone() else {
        let text = format!("no command is known that scales a {}", owner.kind);
        return notice::warning(app, text);
    };
    notice::info(app, format!("copied {command}"));
    effects.push(Effect::Copy(command));
}

/// Copies the command that drains the Node of the opened or selected row: batchtop does not do that itself.
pub fn copy_drain(app: &mut App, effects: &mut Effects) {
    let key = selection::subject(app);
    let row = key.as_ref().and_then(|key| RowRef::find(app, key));
    let node = match row {
        Some(RowRef::Claim(claim)) => app.fleet.node_of(claim).map(|node| node.meta.key.name.clone()),
        Some(row) => row.node().cloned(),
        None => None,
    };
    let Some(node) = node.filter(|node| is_plain(node)) else {
        return notice::info(app, "there is no node here to drain");
    };
    let command = format!("kubectl {}drain {node} --ignore-daemonsets --delete-emptydir-data", of_context(app));
    notice::info(app, format!("copied {command}"));
    effects.push(Effect::Copy(command));
}

/// The words by which kubectl finds the cluster.
fn of_context(app: &App) -> String {
    match app.cluster.context.as_str() {
        "" => String::new(),
        context => format!("--context {} ", quoted(context)),
    }
}

/// The pods that the rows are about, and words for them.
fn pods_of<'a>(app: &'a App, keys: &BTreeSet<Key>) -> (String, Vec<&'a PodRow>) {
    let mut pods: BTreeMap<&ObjectKey, &PodRow> = BTreeMap::new();
    for key in keys {
        let of_row = pods_of_row(app, key);
        pods.extend(of_row.into_iter().map(|pod| (&pod.meta.key, pod)));
    }
    let subject = match keys.iter().next() {
        Some(key) if keys.len() == 1 => format!("{} {}", key.kind.name(), key.object),
        _ => format!("{} rows", keys.len()),
    };
    (subject, pods.into_values().collect())
}

fn pods_of_row<'a>(app: &'a App, key: &Key) -> Vec<&'a PodRow> {
    match RowRef::find(app, key) {
        Some(RowRef::Pod(pod)) => vec![pod],
        Some(RowRef::Node(node)) => pods_of_node(app, node),
        Some(RowRef::Claim(claim)) => app.fleet.node_of(claim).map(|node| pods_of_node(app, node)).unwrap_or_default(),
        Some(RowRef::Job(job)) => app.fleet.pods_of_job(&job.meta.uid).filter(|pod| pod.is_active()).collect(),
        Some(RowRef::Pool(_) | RowRef::Event(_)) | None => Vec::new(),
    }
}

/// The pods that have accelerators of a Node; where none has, those that keep it.
fn pods_of_node<'a>(app: &'a App, node: &NodeRow) -> Vec<&'a PodRow> {
    let keeping: Vec<&PodRow> =
        app.fleet.pods_on(&node.meta.key.name).filter(|pod| relation::keeps_node(pod)).collect();
    let has_gpus = |pod: &&PodRow| gpu::requested_by(&app.fleet, pod) > Thousandths(0);
    let with_gpus: Vec<&PodRow> = keeping.iter().copied().filter(has_gpus).collect();
    if with_gpus.is_empty() { keeping } else { with_gpus }
}

/// By owner, those of the most accelerators first.
fn owners_of(app: &App, pods: &[&PodRow]) -> Vec<ScaledOwner> {
    let mut owners: BTreeMap<(String, ObjectKey), ScaledOwner> = BTreeMap::new();
    for pod in pods {
        for owner in owners_of_pod(app, pod) {
            let known = owners.entry((owner.kind.clone(), owner.object.clone())).or_insert(owner);
            known.pods += 1;
            known.gpus = known.gpus.plus(gpu::requested_by(&app.fleet, pod));
        }
    }
    let mut owners: Vec<ScaledOwner> = owners.into_values().collect();
    owners.sort_by_key(|owner| std::cmp::Reverse(owner.gpus));
    owners.truncate(MOST_OWNERS);
    owners
}

/// The owner of a pod that is scaled; of a Job of a CronJob both.
fn owners_of_pod(app: &App, pod: &PodRow) -> Vec<ScaledOwner> {
    let Some(top) = relation::top_owner(&app.fleet, pod) else { return vec![unowned(app, pod)] };
    let job = relation::job_of(&app.fleet, pod);
    match job {
        Some(job) if top.kind == "CronJob" => vec![of_job(app, job), of_owner(app, pod, top)],
        Some(job) if top.is_batch_job() => vec![of_job(app, job)],
        _ => vec![of_owner(app, pod, top)],
    }
}

fn unowned(app: &App, pod: &PodRow) -> ScaledOwner {
    let key = &pod.meta.key;
    let arguments = target("pod", &key.name).map(|target| format!("delete {target}"));
    let note = "nothing owns this pod, and nothing makes it anew".to_owned();
    owner(app, "Pod", key, arguments, Some(note))
}

/// Kueue starts a Job again that somebody else has suspended, so it is told itself (kueue
/// pkg/controller/jobframework/reconciler.go).
fn of_job(app: &App, job: &JobRow) -> ScaledOwner {
    let key = &job.meta.key;
    match app.fleet.workload_of(job) {
        Some(workload) => {
            let arguments = merge_patch("workload", &workload.meta.key.name, r#"{"spec":{"active":false}}"#);
            let note = "Kueue has admitted this Job, and would start it again if it were suspended itself".to_owned();
            owner(app, "Job", key, arguments, Some(note))
        }
        None => owner(app, "Job", key, strategic_patch("job", &key.name), None),
    }
}

const SUSPENDED: &str = r#"{"spec":{"suspend":true}}"#;

const RUN_SUSPENDED: &str = r#"{"spec":{"runPolicy":{"suspend":true}}}"#;

fn of_owner(app: &App, pod: &PodRow, top: &Owner) -> ScaledOwner {
    let key = ObjectKey { namespace: pod.meta.key.namespace.clone(), name: top.name.clone() };
    let note = (top.kind == "CronJob").then(|| "it makes new Jobs until it is suspended".to_owned());
    owner(app, &top.kind, &key, arguments(top), note)
}

/// What is behind `kubectl -n NAMESPACE` to end the pods of an owner.
fn arguments(owner: &Owner) -> Option<String> {
    let (kind, name) = (owner.kind.as_str(), &owner.name);
    let group = owner.api_version.split_once('/').map_or("", |(group, _)| group);
    let resource = kind.to_lowercase();
    match (group, kind) {
        ("apps", "Deployment" | "StatefulSet" | "ReplicaSet") | ("", "ReplicationController") => {
            target(&resource, name).map(|target| format!("scale {target} --replicas=0"))
        }
        ("batch", "Job" | "CronJob") => strategic_patch(&resource, name),
        ("jobset.x-k8s.io", "JobSet") | ("trainer.kubeflow.org", "TrainJob") | ("ray.io", "RayJob" | "RayCluster") => {
            merge_patch(&resource, name, SUSPENDED)
        }
        ("kubeflow.org", "MPIJob" | "PyTorchJob" | "TFJob" | "XGBoostJob" | "PaddleJob" | "JAXJob") => {
            merge_patch(&resource, name, RUN_SUSPENDED)
        }
        _ => None,
    }
}

/// kubectl's own choice of a patch.
fn strategic_patch(resource: &str, name: &str) -> Option<String> {
    Some(format!("patch {} -p '{SUSPENDED}'", target(resource, name)?))
}

/// Custom resources know no strategic merge patch.
fn merge_patch(resource: &str, name: &str, patch: &str) -> Option<String> {
    Some(format!("patch {} --type=merge -p '{patch}'", target(resource, name)?))
}

/// An object for kubectl. The API server does not check the names in owner references: `None` for one that a shell might
/// read as more than a word.
fn target(resource: &str, name: &str) -> Option<String> {
    is_plain(name).then(|| format!("{resource}/{name}"))
}

fn owner(app: &App, kind: &str, object: &ObjectKey, arguments: Option<String>, note: Option<String>) -> ScaledOwner {
    let command = arguments.filter(|_| is_plain(&object.namespace)).map(|arguments| {
        let context = of_context(app);
        format!("kubectl {context}-n {} {arguments}", object.namespace)
    });
    let (kind, object) = (kind.to_owned(), object.clone());
    ScaledOwner { kind, object, pods: 0, gpus: Thousandths(0), command, note }
}

/// Whether a shell reads the text as one word of just these characters.
fn is_plain(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:@".contains(c))
}

/// A word for a shell. That of a context, from the user's own file, may be any text.
fn quoted(word: &str) -> String {
    if is_plain(word) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Sym, Uid};

    fn said(api_version: &str, kind: &str) -> Option<String> {
        said_of(api_version, kind, "x")
    }

    fn said_of(api_version: &str, kind: &str, name: &str) -> Option<String> {
        let (api_version, kind, name) = (Sym::new(api_version), Sym::new(kind), Sym::new(name));
        arguments(&Owner { uid: Uid::parse("u"), api_version, kind, name })
    }

    #[test]
    fn a_name_that_is_more_than_a_word_gets_no_command() {
        for (api_version, kind) in
            [("apps/v1", "Deployment"), ("batch/v1", "Job"), ("ray.io/v1", "RayJob"), ("kubeflow.org/v1", "MPIJob")]
        {
            assert!(said_of(api_version, kind, "train-1").is_some(), "{kind}");
            for name in ["x; rm -rf ~", "$(id)", "x\ny", "`id`", "x y", "x'", "x\u{1b}[A"] {
                assert_eq!(said_of(api_version, kind, name), None, "{kind} {name:?}");
            }
        }
    }

    #[test]
    fn every_kind_of_owner_has_its_own_command() {
        let merged = |resource: &str, patch: &str| Some(format!("patch {resource}/x --type=merge -p '{patch}'"));
        assert_eq!(said("apps/v1", "Deployment").as_deref(), Some("scale deployment/x --replicas=0"));
        assert_eq!(said("apps/v1", "StatefulSet").as_deref(), Some("scale statefulset/x --replicas=0"));
        assert_eq!(said("v1", "ReplicationController").as_deref(), Some("scale replicationcontroller/x --replicas=0"));
        assert_eq!(said("batch/v1", "CronJob").as_deref(), Some(r#"patch cronjob/x -p '{"spec":{"suspend":true}}'"#));
        assert_eq!(said("jobset.x-k8s.io/v1alpha2", "JobSet"), merged("jobset", SUSPENDED));
        assert_eq!(said("ray.io/v1", "RayCluster"), merged("raycluster", SUSPENDED));
        assert_eq!(said("kubeflow.org/v1", "PyTorchJob"), merged("pytorchjob", RUN_SUSPENDED));
        for (api_version, kind) in
            [("batch.volcano.sh/v1alpha1", "Job"), ("example.org/v1", "Deployment"), ("v1", "Node")]
        {
            assert_eq!(said(api_version, kind), None, "{api_version} {kind}");
        }
    }

    #[test]
    fn a_context_is_one_word_for_the_shell() {
        let arn = "arn:aws:eks:eu-west-1:123456789012:cluster/ml";
        assert_eq!(quoted(arn), arn);
        assert_eq!(quoted("my cluster"), "'my cluster'");
        assert_eq!(quoted("it's; rm -rf ~"), r"'it'\''s; rm -rf ~'");
    }
}
