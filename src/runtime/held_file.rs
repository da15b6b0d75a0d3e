//! File of the held nodes and since when they are held, kept between sessions.
//!
//! JSON in `$XDG_STATE_HOME/batchtop/held.json`, readable by the user alone. An unreadable file counts as
//! empty: the times are then derived from the objects and may be later.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::state_file::StateFile;
use crate::fleet::Uid;
use crate::insight::disruption::Remembered;
use crate::insight::disruption::held::CAPACITY;
use crate::units::Time;

/// Larger files are ignored.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// The file of the held nodes.
#[derive(Clone, Debug)]
pub struct HeldFile(StateFile);

#[derive(Serialize, Deserialize)]
struct Document {
    nodes: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    uid: String,
    since: String,
    seen: String,
}

impl HeldFile {
    /// The file in a state folder; created with the first save.
    pub fn in_folder(state: &Path) -> Self {
        Self(StateFile::in_folder(state, "held.json", MAX_BYTES))
    }

    /// The held nodes of earlier sessions; empty if the file cannot be read.
    pub fn load(&self) -> Vec<Remembered> {
        let document: Option<Document> = self.0.read();
        document.map_or_else(Vec::new, |document| document.nodes.iter().filter_map(remembered).collect())
    }

    /// Saves the held ones of these nodes. Entries of other nodes, which another session may see, are kept.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, nodes: &[Remembered]) -> io::Result<()> {
        let seen: HashSet<&Uid> = nodes.iter().map(|node| &node.uid).collect();
        let mut kept = self.load();
        kept.retain(|node| !seen.contains(&node.uid));
        kept.extend(nodes.iter().filter(|node| node.since.is_some()).cloned());
        kept.sort_by_key(|node| std::cmp::Reverse(node.seen));
        kept.truncate(CAPACITY);
        self.0.write(&Document { nodes: kept.iter().filter_map(entry).collect() })
    }
}

fn entry(node: &Remembered) -> Option<Entry> {
    Some(Entry { uid: node.uid.to_string(), since: node.since?.to_string(), seen: node.seen.to_string() })
}

fn remembered(entry: &Entry) -> Option<Remembered> {
    let (since, seen) = (Time::parse(&entry.since)?, Time::parse(&entry.seen)?);
    Some(Remembered { uid: Uid::parse(&entry.uid), since: Some(since), seen })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembered_nodes_are_saved_and_loaded_and_an_invalid_file_is_empty() {
        let folder = tempfile::tempdir().expect("a folder");
        let memory = HeldFile::in_folder(&folder.path().join("batchtop"));
        assert_eq!(memory.load(), []);
        let time = |text: &str| Time::parse(text).expect("a time");
        let node = |uid: &str, since: Option<&str>| Remembered {
            uid: Uid::parse(uid),
            since: since.map(time),
            seen: time("2026-11-21T12:00:00Z"),
        };
        let (one, other) = ("0a1b2c3d-0000-4fff-8123-00000000000f", "0a1b2c3d-0000-4fff-8123-00000000000e");
        let held = |uid| node(uid, Some("2026-11-21T10:00:00Z"));
        memory.save(&[held(one)]).expect("kept");
        assert_eq!(memory.load(), [held(one)]);
        memory.save(&[held(other)]).expect("kept");
        assert_eq!(memory.load(), [held(one), held(other)], "what another session sees is kept");
        memory.save(&[node(one, None)]).expect("kept");
        assert_eq!(memory.load(), [held(other)], "a node that was seen free is not");
        std::fs::write(memory.0.path(), "{\"nodes\":[{\"uid\":1}]}").expect("rubbish");
        assert_eq!(memory.load(), []);
    }
}
