//! Which nodes are held since when, kept from one session to the next.
//!
//! JSON in `$XDG_STATE_HOME/batchtop/held.json`, readable by the user alone. What cannot be read is as if it were not
//! there: the objects still say a time, only a later one perhaps.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::atomic::write_atomically;
use crate::fleet::Uid;
use crate::insight::disruption::Remembered;
use crate::units::Time;

/// No file of so many nodes is larger.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// The file.
#[derive(Clone, Debug)]
pub struct Memory {
    path: PathBuf,
}

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

impl Memory {
    /// In a state folder; nothing is touched before something is to be kept.
    pub fn in_folder(state: &Path) -> Self {
        Self { path: state.join("held.json") }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was kept, as far as it can be read.
    pub fn load(&self) -> Vec<Remembered> {
        let is_sane = std::fs::metadata(&self.path).is_ok_and(|file| file.len() <= MAX_BYTES);
        let text = is_sane.then(|| std::fs::read_to_string(&self.path).ok()).flatten().unwrap_or_default();
        let document: Option<Document> = serde_json::from_str(&text).ok();
        document.map_or_else(Vec::new, |document| document.nodes.iter().filter_map(remembered).collect())
    }

    /// Keeps this instead of what was kept before.
    pub fn save(&self, held: &[Remembered]) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let text = serde_json::to_vec(&Document { nodes: held.iter().map(entry).collect() })?;
        write_atomically(&self.path, &text)
    }
}

fn entry(held: &Remembered) -> Entry {
    Entry { uid: held.uid.to_string(), since: held.since.to_string(), seen: held.seen.to_string() }
}

fn remembered(entry: &Entry) -> Option<Remembered> {
    let (since, seen) = (Time::parse(&entry.since)?, Time::parse(&entry.seen)?);
    Some(Remembered { uid: Uid::parse(&entry.uid), since, seen })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_rubbish_is_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let memory = Memory::in_folder(&folder.path().join("batchtop"));
        assert_eq!(memory.load(), []);
        let time = |text: &str| Time::parse(text).expect("a time");
        let held = vec![Remembered {
            uid: Uid::parse("0a1b2c3d-0000-4fff-8123-00000000000f"),
            since: time("2026-11-21T10:00:00Z"),
            seen: time("2026-11-21T12:00:00Z"),
        }];
        memory.save(&held).expect("kept");
        assert_eq!(memory.load(), held);
        std::fs::write(memory.path(), "{\"nodes\":[{\"uid\":1}]}").expect("rubbish");
        assert_eq!(memory.load(), []);
    }
}
