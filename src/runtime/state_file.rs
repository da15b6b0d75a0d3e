//! One file of the state folder: a JSON document that only the user can read.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::atomic::write_private;
use crate::files;

/// A JSON file that batchtop keeps between sessions.
#[derive(Clone, Debug)]
pub struct StateFile {
    path: PathBuf,
    max_bytes: u64,
}

impl StateFile {
    /// The file of a name in a state folder; created with the first write. A larger one is not read.
    pub fn in_folder(state: &Path, name: &str, max_bytes: u64) -> Self {
        Self { path: state.join(name), max_bytes }
    }

    /// Path of the file.
    #[cfg(test)]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The document; `None` where there is none, or one that cannot be read.
    pub fn read<D: DeserializeOwned>(&self) -> Option<D> {
        serde_json::from_str(&files::read_text(&self.path, self.max_bytes).ok()?).ok()
    }

    /// Replaces the document.
    ///
    /// # Errors
    /// When the file cannot be written, with its path.
    pub fn write(&self, document: &impl Serialize) -> io::Result<()> {
        write_private(&self.path, &serde_json::to_vec(document)?)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", self.path.display())))
    }
}
