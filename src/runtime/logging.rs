//! The log file, in the user's state folder. Nothing is ever logged to the terminal.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

use super::atomic::create_private_folder;
use super::clock;

/// Number of log files that are kept, one per day on which batchtop was started.
const MAX_FILES: usize = 5;

/// How the names of log files begin and end; the date of the start is between them.
const NAME: (&str, &str) = ("batchtop.", ".log");

/// Characters of the date in a time as RFC 3339 has it.
const DATE_CHARS: usize = "2026-11-29".len();

/// Most bytes that one run writes, so that an error that repeats for days does not fill the disk.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Filter. kube logs response bodies that it cannot decode; they may hold environment variables and are filtered out.
const FILTER: &str = "batchtop=info,warn,kube_client=error,hyper=off";

/// The log of this run. Global, because the panic hook names its folder and flushes it from any thread.
static LOG: Mutex<Option<Log>> = Mutex::new(None);

struct Log {
    folder: PathBuf,
    /// Flushes queued lines when dropped, for at most a second.
    _worker: WorkerGuard,
}

/// Flushes and closes the log when dropped.
#[must_use]
pub struct FinishLog(());

impl Drop for FinishLog {
    fn drop(&mut self) {
        finish();
    }
}

/// Flushes and closes the log; later lines are lost.
pub fn finish() {
    // If the lock is held, another thread is closing the log already.
    drop(LOG.try_lock().ok().and_then(|mut log| log.take()));
}

/// Folder of the log; `None` if nothing is logged.
pub fn folder() -> Option<PathBuf> {
    LOG.try_lock().ok()?.as_ref().map(|log| log.folder.clone())
}

/// Starts logging to a folder. `BATCHTOP_LOG` overrides the filter. Without a writable folder there is no log.
pub fn start(folder: PathBuf, filter: Option<&str>) -> Option<FinishLog> {
    let today: String = clock::now().to_string().chars().take(DATE_CHARS).collect();
    let file = open(&folder, &today).ok()?;
    let (writer, worker) = tracing_appender::non_blocking(Bounded { file, left: MAX_BYTES });
    let filter = EnvFilter::try_new(filter.unwrap_or(FILTER)).unwrap_or_else(|_| EnvFilter::new(FILTER));
    tracing_subscriber::fmt().with_writer(writer).with_ansi(false).with_env_filter(filter).try_init().ok()?;
    *LOG.lock().ok()? = Some(Log { folder, _worker: worker });
    Some(FinishLog(()))
}

/// Opens the file of a day, which only the user can read, and removes the oldest ones. Not the appender of
/// `tracing_appender`, whose files have the mode that the umask gives.
fn open(folder: &Path, day: &str) -> io::Result<File> {
    create_private_folder(folder)?;
    let path = folder.join(format!("{}{day}{}", NAME.0, NAME.1));
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
    // Files of older versions could be read by others.
    file.set_permissions(Permissions::from_mode(0o600))?;
    let entries = folder.read_dir()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = entries.filter(|name| name.starts_with(NAME.0) && name.ends_with(NAME.1)).collect();
    names.sort();
    for oldest in names.iter().rev().skip(MAX_FILES) {
        // One that another instance has just removed is gone as well.
        let _ = std::fs::remove_file(folder.join(oldest));
    }
    Ok(file)
}

/// Writer that discards everything after its byte budget is used up.
struct Bounded<W> {
    file: W,
    left: usize,
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(left) = self.left.checked_sub(bytes.len()) {
            self.left = left;
            self.file.write_all(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_files_are_private_and_only_the_newest_five_are_kept() {
        let state = tempfile::tempdir().expect("a folder");
        let folder = state.path().join("batchtop/log");
        for day in 10..=16 {
            open(&folder, &format!("2026-11-{day}")).and_then(|mut file| file.write_all(b"a line\n")).expect("a log");
        }
        let today = folder.join("batchtop.2026-11-16.log");
        std::fs::set_permissions(&today, Permissions::from_mode(0o644)).expect("an older mode");
        open(&folder, "2026-11-16").and_then(|mut file| file.write_all(b"a line\n")).expect("the same log");
        assert_eq!(std::fs::read_to_string(&today).expect("the log").lines().count(), 2);
        let mode = |path: &Path| std::fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&state.path().join("batchtop"))), (0o700, 0o700));
        let names: Vec<_> =
            folder.read_dir().expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
        assert_eq!(names.len(), MAX_FILES);
        assert!(names.iter().all(|path| mode(path) == 0o600) && !folder.join("batchtop.2026-11-11.log").exists());
    }

    #[test]
    fn a_full_log_discards_further_writes() {
        let mut log = Bounded { file: Vec::new(), left: 5 };
        assert_eq!(log.write(b"1234").ok(), Some(4));
        assert_eq!(log.write(b"56").ok(), Some(2));
        assert_eq!(log.file, b"1234");
    }
}
