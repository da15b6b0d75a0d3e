//! File of what was observed of pulls and new machines, so that yesterday's pulls tell how long today's take.
//!
//! JSON in `$XDG_STATE_HOME/batchtop/starts.json`, readable by the user alone. A file of another version or one that cannot
//! be read counts as empty. Every observation has an identity, so several instances may write: each adds its own to what is
//! there, and what the slower of two takes away with it is written again with its next save.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::state_file::StateFile;
use crate::fleet::{Interner, Sym, Uid};
use crate::insight::cold_start::history::{
    FailureKind, FailureRecord, MOST_FAILURES, MOST_MACHINES, MOST_PULLS, MachineRecord, Place, PullOutcome, PullRecord,
};
use crate::insight::cold_start::{ClusterHistory, StartHistory};
use crate::insight::newest::keep_newest;
use crate::units::{Second, Time};

/// The version of the file's format.
const VERSION: u32 = 1;

/// How many clusters are kept: those of the newest observations.
const MOST_CLUSTERS: usize = 8;

/// Larger files are ignored: so many bytes for each observation that may be kept.
const MAX_BYTES: u64 = 512 * (MOST_CLUSTERS * (MOST_PULLS + MOST_MACHINES + MOST_FAILURES)) as u64;

/// The file.
#[derive(Clone, Debug)]
pub struct StartFile(StateFile);

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    clusters: BTreeMap<String, Cluster>,
}

#[derive(Serialize, Deserialize)]
struct Cluster {
    pulls: Vec<Pull>,
    machines: Vec<Machine>,
    failures: Vec<Failure>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pull {
    pod: String,
    container: String,
    at: i64,
    image: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_pool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    millis: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    cached: bool,
    failures: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Machine {
    uid: String,
    at: i64,
    node_pool: String,
    launch_seconds: u32,
    boot_seconds: u32,
    register_seconds: u32,
    initialize_seconds: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    node_claim: String,
    at: i64,
    node_pool: String,
    kind: Kind,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
enum Kind {
    InsufficientCapacity,
    LaunchTimeout,
    RegistrationTimeout,
}

impl StartFile {
    /// The file in a state folder; created with the first save.
    pub fn in_folder(state: &Path) -> Self {
        Self(StateFile::in_folder(state, "starts.json", MAX_BYTES))
    }

    /// What was observed in earlier sessions, by cluster; empty if the file cannot be read.
    pub fn load(&self) -> BTreeMap<String, StartHistory> {
        let document: Option<Document> = self.0.read();
        let clusters = document.filter(|document| document.version == VERSION).map(|document| document.clusters);
        clusters.into_iter().flatten().map(|(name, cluster)| (name, history(cluster))).collect()
    }

    /// Saves the observations of a cluster beside those that are there.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, observed: ClusterHistory) -> io::Result<()> {
        let ClusterHistory { cluster, mut history } = observed;
        let mut all = self.load();
        history.load(all.remove(&cluster).unwrap_or_default());
        all.insert(cluster, history);
        keep_newest(&mut all, MOST_CLUSTERS, newest);
        self.0.write(&document(&all))
    }
}

fn newest(history: &StartHistory) -> Option<Second> {
    let pulls = history.pulls.values().map(|record| record.at);
    let machines = history.machines.values().map(|record| record.at);
    pulls.chain(machines).chain(history.failures.values().map(|record| record.at)).max()
}

fn document(clusters: &BTreeMap<String, StartHistory>) -> Document {
    let clusters = clusters.iter().map(|(name, history)| (name.clone(), cluster(history))).collect();
    Document { version: VERSION, clusters }
}

fn cluster(history: &StartHistory) -> Cluster {
    Cluster {
        pulls: history.pulls.iter().map(|((pod, container), record)| pull(pod, container, record)).collect(),
        machines: history.machines.iter().map(|(uid, record)| machine(uid, record)).collect(),
        failures: history.failures.iter().map(|(claim, record)| failure(claim, record)).collect(),
    }
}

fn pull(pod: &Uid, container: &Sym, record: &PullRecord) -> Pull {
    let written = |name: &Option<Sym>| name.as_ref().map(ToString::to_string);
    let (millis, bytes) = match record.outcome {
        Some(PullOutcome::Pulled { millis, bytes }) => (Some(millis), bytes),
        Some(PullOutcome::Cached) | None => (None, None),
    };
    Pull {
        pod: pod.to_string(),
        container: container.to_string(),
        at: record.at.time().seconds(),
        image: record.image.to_string(),
        instance_type: written(&record.place.instance_type),
        node_pool: written(&record.place.pool),
        zone: written(&record.place.zone),
        millis,
        bytes,
        cached: record.outcome == Some(PullOutcome::Cached),
        failures: record.failures,
    }
}

fn machine(uid: &Uid, record: &MachineRecord) -> Machine {
    Machine {
        uid: uid.to_string(),
        at: record.at.time().seconds(),
        node_pool: record.pool.to_string(),
        launch_seconds: record.launch_seconds,
        boot_seconds: record.boot_seconds,
        register_seconds: record.register_seconds,
        initialize_seconds: record.initialize_seconds,
    }
}

fn failure(claim: &Sym, record: &FailureRecord) -> Failure {
    let kind = match record.kind {
        FailureKind::InsufficientCapacity => Kind::InsufficientCapacity,
        FailureKind::LaunchTimeout => Kind::LaunchTimeout,
        FailureKind::RegistrationTimeout => Kind::RegistrationTimeout,
    };
    let (node_claim, node_pool) = (claim.to_string(), record.pool.to_string());
    Failure { node_claim, at: record.at.time().seconds(), node_pool, kind }
}

/// Names repeat, so they are interned.
fn history(cluster: Cluster) -> StartHistory {
    let (mut interner, mut history) = (Interner::default(), StartHistory::default());
    for pull in cluster.pulls {
        let mut sym = |name: Option<String>| name.map(|name| interner.sym(&name));
        let place = Place { instance_type: sym(pull.instance_type), pool: sym(pull.node_pool), zone: sym(pull.zone) };
        let pulled = pull.millis.map(|millis| PullOutcome::Pulled { millis, bytes: pull.bytes });
        let outcome = pulled.or(pull.cached.then_some(PullOutcome::Cached));
        let (image, container) = (interner.sym(&pull.image), interner.sym(&pull.container));
        let record = PullRecord { at: second(pull.at), image, place, outcome, failures: pull.failures };
        history.pulls.insert((Uid::parse(&pull.pod), container), record);
    }
    for machine in cluster.machines {
        let record = MachineRecord {
            at: second(machine.at),
            pool: interner.sym(&machine.node_pool),
            launch_seconds: machine.launch_seconds,
            boot_seconds: machine.boot_seconds,
            register_seconds: machine.register_seconds,
            initialize_seconds: machine.initialize_seconds,
        };
        history.machines.insert(Uid::parse(&machine.uid), record);
    }
    for failure in cluster.failures {
        let kind = match failure.kind {
            Kind::InsufficientCapacity => FailureKind::InsufficientCapacity,
            Kind::LaunchTimeout => FailureKind::LaunchTimeout,
            Kind::RegistrationTimeout => FailureKind::RegistrationTimeout,
        };
        let record = FailureRecord { at: second(failure.at), pool: interner.sym(&failure.node_pool), kind };
        history.failures.insert(Sym::new(&failure.node_claim), record);
    }
    history.shrink();
    history
}

fn second(seconds: i64) -> Second {
    Time::from_seconds(seconds).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulled(at: i64, millis: u64) -> PullRecord {
        PullRecord {
            at: second(at),
            image: Sym::new("train:1"),
            place: Place { zone: Some(Sym::new("us-east-1a")), ..Place::default() },
            outcome: Some(PullOutcome::Pulled { millis, bytes: Some(7) }),
            failures: 2,
        }
    }

    fn of_pod(name: &str, record: PullRecord) -> StartHistory {
        let pulls = [((Uid::parse(name), Sym::new("main")), record)].into();
        StartHistory { pulls, ..StartHistory::default() }
    }

    fn everything() -> StartHistory {
        let machine = MachineRecord {
            at: second(5),
            pool: Sym::new("gpu"),
            launch_seconds: 1,
            boot_seconds: 2,
            register_seconds: 3,
            initialize_seconds: 4,
        };
        let failure = |kind| FailureRecord { at: second(6), pool: Sym::new("gpu"), kind };
        let mut history = of_pod("a", pulled(1, 9_000));
        let cached = PullRecord { outcome: Some(PullOutcome::Cached), ..pulled(2, 0) };
        history.pulls.insert((Uid::parse("b"), Sym::new("main")), cached);
        history.pulls.insert((Uid::parse("c"), Sym::new("main")), PullRecord { outcome: None, ..pulled(3, 0) });
        history.machines = [(Uid::parse("0a1b2c3d-0000-4fff-8123-00000000000f"), machine)].into();
        history.failures = [
            (Sym::new("x"), failure(FailureKind::InsufficientCapacity)),
            (Sym::new("y"), failure(FailureKind::LaunchTimeout)),
            (Sym::new("z"), failure(FailureKind::RegistrationTimeout)),
        ]
        .into();
        history
    }

    fn of(cluster: &str, history: StartHistory) -> ClusterHistory {
        ClusterHistory { cluster: cluster.to_owned(), history }
    }

    #[test]
    fn observations_are_loaded_as_they_were_saved_and_another_file_is_empty() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = StartFile::in_folder(&folder.path().join("batchtop"));
        assert_eq!(file.load(), BTreeMap::new());
        file.save(of("one", everything())).expect("saved");
        file.save(of("other", of_pod("a", pulled(1, 9_000)))).expect("saved");
        let want = [("one".to_owned(), everything()), ("other".to_owned(), of_pod("a", pulled(1, 9_000)))];
        assert_eq!(file.load(), want.into());
        let text = std::fs::read_to_string(file.0.path()).expect("the file");
        std::fs::write(file.0.path(), text.replace("\"version\":1", "\"version\":2")).expect("a later version");
        assert_eq!(file.load(), BTreeMap::new());
        std::fs::write(file.0.path(), "{").expect("rubbish");
        assert_eq!(file.load(), BTreeMap::new());
    }

    #[test]
    fn two_instances_add_to_one_file_and_the_newest_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = StartFile::in_folder(folder.path());
        file.save(of("one", of_pod("a", pulled(1, 9_000)))).expect("saved");
        file.save(of("one", of_pod("b", pulled(2, 8_000)))).expect("saved");
        file.save(of("one", of_pod("a", pulled(1, 9_500)))).expect("saved");
        let kept = || file.load().remove("one").expect("the cluster").pulls;
        let millis: Vec<_> = kept().into_values().map(|record| record.outcome).collect();
        let took = |millis| Some(PullOutcome::Pulled { millis, bytes: Some(7) });
        assert_eq!(millis, [took(9_500), took(8_000)], "what is observed now is newer than what was written");
        let mut many = StartHistory::default();
        for number in 0..MOST_PULLS + 10 {
            let at = i64::try_from(number).expect("few") + 10;
            many.pulls.insert((Uid::parse(&format!("p{number}")), Sym::new("main")), pulled(at, 1));
        }
        file.save(of("one", many)).expect("saved");
        assert_eq!(kept().len(), MOST_PULLS);
        assert!(!kept().contains_key(&(Uid::parse("a"), Sym::new("main"))), "the oldest has left");
        for number in 0..MOST_CLUSTERS {
            let at = i64::try_from(number).expect("few") + 1_000_000;
            file.save(of(&format!("c{number}"), of_pod("a", pulled(at, 1)))).expect("saved");
        }
        let clusters: Vec<String> = file.load().into_keys().collect();
        assert_eq!(clusters.len(), MOST_CLUSTERS);
        assert!(!clusters.contains(&"one".to_owned()), "the one of the oldest observations has left");
    }
}
