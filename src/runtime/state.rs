//! The files that are kept between sessions.

use std::path::Path;

use super::held_file::HeldFile;
use super::spot_file::SpotFile;
use super::start_file::StartFile;

/// All of them.
#[derive(Clone, Debug)]
pub struct StateFiles {
    /// Since when which nodes are held.
    pub held: HeldFile,
    /// What was observed of pulls and machines.
    pub starts: StartFile,
    /// What was seen of spot pools.
    pub spot: SpotFile,
}

impl StateFiles {
    /// Those in a state folder; each is created with the first save.
    pub fn in_folder(state: &Path) -> Self {
        Self { held: HeldFile::in_folder(state), starts: StartFile::in_folder(state), spot: SpotFile::in_folder(state) }
    }
}
