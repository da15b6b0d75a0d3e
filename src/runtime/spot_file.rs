//! File of what batchtop has seen of spot pools, kept between sessions.
//!
//! JSON in `$XDG_STATE_HOME/batchtop/spot.json`, readable by the user alone. A file that cannot be read, or is of
//! another version, counts as empty: the estimates then begin anew.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::state_file::StateFile;
use crate::fleet::{Sym, Uid};
use crate::insight::insights::SpotRecord;
use crate::insight::newest::keep_newest;
use crate::insight::spot::memory::{INTERRUPTION_CAPACITY, Interruption, POOL_CAPACITY, WatchedPool};
use crate::insight::spot::{Observed, SpotMemory, SpotPoolKey};
use crate::units::Time;

/// How many clusters are kept; those of which was heard longest ago are dropped.
const MOST_CLUSTERS: usize = 8;

/// Larger files are ignored: so many bytes for each pool and each interruption that may be kept.
const MAX_BYTES: u64 = 256 * (MOST_CLUSTERS * (POOL_CAPACITY + INTERRUPTION_CAPACITY)) as u64;

const VERSION: u32 = 1;

/// The file of spot pools.
#[derive(Clone, Debug)]
pub struct SpotFile(StateFile);

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    clusters: Vec<Cluster>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cluster {
    server: String,
    told_at: Option<String>,
    pools: Vec<Pool>,
    interruptions: Vec<Reclaimed>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pool {
    instance_type: Option<String>,
    zone: Option<String>,
    interruption_millionths: u64,
    node_seconds: u64,
    as_of: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reclaimed {
    uid: String,
    instance_type: Option<String>,
    zone: Option<String>,
    at: String,
}

impl SpotFile {
    /// The file in a state folder; created with the first save.
    pub fn in_folder(state: &Path) -> Self {
        Self(StateFile::in_folder(state, "spot.json", MAX_BYTES))
    }

    /// What was seen in earlier sessions, by the address of the API server; empty if the file cannot be read. What lies
    /// in the future was written by a wrong clock, or by hand: it is not believed.
    pub fn load(&self, now: Time) -> BTreeMap<String, SpotMemory> {
        let mut clusters = self.read();
        for memory in clusters.values_mut() {
            memory.pools.retain(|_, pool| pool.as_of <= now);
            memory.interruptions.retain(|_, one| one.at <= now);
            memory.told_at = memory.told_at.filter(|at| *at <= now);
        }
        clusters
    }

    fn read(&self) -> BTreeMap<String, SpotMemory> {
        let document: Option<Document> = self.0.read();
        let clusters = document.filter(|document| document.version == VERSION).map(|document| document.clusters);
        clusters.unwrap_or_default().iter().map(|cluster| (cluster.server.clone(), memory(cluster))).collect()
    }

    /// Saves what was seen of one cluster; what was seen of others is kept.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, record: &SpotRecord) -> io::Result<()> {
        let mut clusters = self.read();
        clusters.insert(record.server.clone(), record.memory.clone());
        keep_newest(&mut clusters, MOST_CLUSTERS, last_heard);
        let clusters = clusters.iter().map(|(server, memory)| cluster(server, memory)).collect();
        self.0.write(&Document { version: VERSION, clusters })
    }
}

fn last_heard(memory: &SpotMemory) -> Option<Time> {
    let times = memory.pools.values().map(|pool| pool.as_of).chain(memory.interruptions.values().map(|one| one.at));
    times.chain(memory.told_at).max()
}

fn cluster(server: &str, memory: &SpotMemory) -> Cluster {
    let text = |sym: &Option<Sym>| sym.as_ref().map(ToString::to_string);
    let pool = |(key, watched): (&SpotPoolKey, &WatchedPool)| Pool {
        instance_type: text(&key.instance_type),
        zone: text(&key.zone),
        interruption_millionths: watched.observed.interruption_millionths,
        node_seconds: watched.observed.node_seconds,
        as_of: watched.as_of.to_string(),
    };
    let interruption = |(uid, one): (&Uid, &Interruption)| Reclaimed {
        uid: uid.to_string(),
        instance_type: text(&one.pool.instance_type),
        zone: text(&one.pool.zone),
        at: one.at.to_string(),
    };
    Cluster {
        server: server.to_owned(),
        told_at: memory.told_at.map(|at| at.to_string()),
        pools: memory.pools.iter().map(pool).collect(),
        interruptions: memory.interruptions.iter().map(interruption).collect(),
    }
}

fn memory(cluster: &Cluster) -> SpotMemory {
    let key = |instance_type: &Option<String>, zone: &Option<String>| SpotPoolKey {
        instance_type: instance_type.as_deref().map(Sym::new),
        zone: zone.as_deref().map(Sym::new),
    };
    let pool = |pool: &Pool| {
        let observed =
            Observed { interruption_millionths: pool.interruption_millionths, node_seconds: pool.node_seconds };
        Some((key(&pool.instance_type, &pool.zone), WatchedPool { observed, as_of: Time::parse(&pool.as_of)? }))
    };
    let interruption = |one: &Reclaimed| {
        let pool = key(&one.instance_type, &one.zone);
        Some((Uid::parse(&one.uid), Interruption { pool, at: Time::parse(&one.at)? }))
    };
    SpotMemory {
        pools: cluster.pools.iter().take(POOL_CAPACITY).filter_map(pool).collect(),
        interruptions: cluster.interruptions.iter().take(INTERRUPTION_CAPACITY).filter_map(interruption).collect(),
        told_at: cluster.told_at.as_deref().and_then(Time::parse),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_seconds(1_790_000_000);

    fn record(server: &str, hours: u64) -> SpotRecord {
        let key = SpotPoolKey { instance_type: Some(Sym::new("g5.xlarge")), zone: None };
        let observed = Observed { interruption_millionths: 1_500_000, node_seconds: hours * 3_600 };
        let interruption = Interruption { pool: key.clone(), at: NOW.plus_seconds(-60) };
        let memory = SpotMemory {
            pools: [(key, WatchedPool { observed, as_of: NOW })].into(),
            interruptions: [(Uid::parse("0a1b2c3d-0000-4fff-8123-00000000000f"), interruption)].into(),
            told_at: Some(NOW.plus_seconds(-60)),
        };
        SpotRecord { server: server.to_owned(), memory }
    }

    #[test]
    fn what_was_seen_of_each_cluster_is_saved_beside_that_of_others_and_loaded() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = SpotFile::in_folder(&folder.path().join("batchtop"));
        assert_eq!(file.load(NOW), BTreeMap::new());
        let (one, other, newer) = (record("https://a", 1), record("https://b", 2), record("https://a", 3));
        for record in [&one, &other, &newer] {
            file.save(record).expect("saved");
        }
        let wanted = [("https://a".to_owned(), newer.memory), ("https://b".to_owned(), other.memory)].into();
        assert_eq!(file.load(NOW), wanted);
        let earlier = file.load(NOW.plus_seconds(-3_600));
        assert!(earlier.values().all(|memory| *memory == SpotMemory::default()), "the future is not believed");
    }

    #[test]
    fn a_file_that_cannot_be_read_or_is_of_another_version_is_empty() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = SpotFile::in_folder(folder.path());
        file.save(&record("https://a", 1)).expect("saved");
        let text = std::fs::read_to_string(file.0.path()).expect("the file");
        for other in [text.replace("\"version\":1", "\"version\":2"), "{".to_owned()] {
            std::fs::write(file.0.path(), other).expect("written");
            assert_eq!(file.load(NOW), BTreeMap::new());
        }
    }
}
