//! Notices that the files of the configuration changed, and reads them anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

use super::failure::Failure;
use super::options::{Given, Options};
use super::watched_file::{FileStamps, stamps_of};
use crate::config::{self, MAX_FILES};

/// Interval between two looks at the files. A change is read once two looks in a row find the same, so that a file that is
/// being written or replaced is not read half-way.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// How many readings may wait; the watch waits when they do.
pub const READINGS_BOUND: usize = 1;

/// The files as they were read after a change.
pub type Reading = Result<Box<Options>, Failure>;

/// Paths and stamps of all files; a change means that they have to be read again.
type Look = Vec<(PathBuf, FileStamps)>;

/// Looks at the files periodically until the receiver is dropped, and sends what is in them whenever they have changed.
pub async fn follow(given: watch::Receiver<Given>, readings: mpsc::Sender<Reading>) {
    let mut clock = tokio::time::interval(CHECK_INTERVAL);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let Some(mut last_read) = look(&given).await else { return };
    let mut last_look = last_read.clone();
    loop {
        clock.tick().await;
        let Some(now) = look(&given).await else { return };
        let is_settled = now == last_look;
        last_look = now;
        if !is_settled || last_look == last_read {
            continue;
        }
        last_read.clone_from(&last_look);
        let asked = given.borrow().clone();
        // A file on a network drive may block.
        let read = tokio::task::spawn_blocking(move || Options::with(&asked).map(Box::new));
        let Ok(reading) = read.await else { return };
        if readings.send(reading).await.is_err() {
            return;
        }
    }
}

async fn look(given: &watch::Receiver<Given>) -> Option<Look> {
    let file = given.borrow().cli.common.config.clone();
    tokio::task::spawn_blocking(move || look_at(config::directory().as_deref(), file)).await.ok()
}

/// `config.toml` and the files of themes and keymaps.
fn look_at(folder: Option<&Path>, file: Option<PathBuf>) -> Look {
    let settings = file.or_else(|| folder.map(|folder| folder.join("config.toml")));
    let others = folder.iter().flat_map(|folder| ["themes", "keymaps"].map(|name| files_of(&folder.join(name))));
    let paths = settings.into_iter().chain(others.flatten());
    paths.map(|path| (path.clone(), stamps_of(&[path]))).collect()
}

/// The files of a folder that are read, sorted.
fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths.truncate(MAX_FILES);
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_tells_that_a_file_changed_came_or_went() {
        let folder = tempfile::tempdir().expect("a folder");
        let look = || look_at(Some(folder.path()), None);
        let mut before = look();
        let mut has_changed = |what: &str| {
            let now = look();
            assert_ne!(now, before, "{what}");
            assert_eq!(now, look(), "nothing happened since");
            before = now;
        };
        fs::write(folder.path().join("config.toml"), "theme = \"light\"").expect("written");
        has_changed("config.toml came");
        fs::create_dir(folder.path().join("themes")).expect("made");
        fs::write(folder.path().join("themes/mine.toml"), "").expect("written");
        has_changed("a theme came");
        fs::write(folder.path().join("themes/mine.toml"), "inherits = \"light\"").expect("written");
        has_changed("a theme changed");
        fs::remove_file(folder.path().join("themes/mine.toml")).expect("removed");
        has_changed("a theme went");
        let before = look();
        fs::write(folder.path().join("themes/notes.txt"), "").expect("written");
        assert_eq!(look(), before, "it is no theme");
    }
}
