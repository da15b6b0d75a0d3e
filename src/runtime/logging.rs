//! The log file, in the user's state folder. Nothing is ever logged to the terminal.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Mutex;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;

/// Log files that are kept, one a day.
const MAX_FILES: usize = 5;

/// What one run may write; a fault that repeats for days must not fill a disk.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// kube logs whole response bodies when it cannot decode one; those hold environment variables and stay out of files.
const FILTER: &str = "batchtop=info,warn,kube_client=error,hyper=off";

/// The log of this run, while there is one: the report of a panic names its folder and finishes it from any thread.
static LOG: Mutex<Option<Log>> = Mutex::new(None);

struct Log {
    folder: PathBuf,
    /// Writes what is still queued when it is dropped, for at most a second.
    _worker: WorkerGuard,
}

/// Finishes the log when it is dropped.
#[must_use]
pub struct FinishLog(());

impl Drop for FinishLog {
    fn drop(&mut self) {
        finish();
    }
}

/// Writes what is still queued; what is logged later is lost.
pub fn finish() {
    // Whoever holds the lock is finishing it already.
    drop(LOG.try_lock().ok().and_then(|mut log| log.take()));
}

/// The folder of the log, while there is one.
pub fn folder() -> Option<PathBuf> {
    LOG.try_lock().ok()?.as_ref().map(|log| log.folder.clone())
}

/// Starts logging to a folder. `BATCHTOP_LOG` overrides the filter. Without a writable folder there is no log.
pub fn start(folder: PathBuf, filter: Option<&str>) -> Option<FinishLog> {
    // The appender looks for old files first, and tells the terminal when there is no folder yet.
    std::fs::create_dir_all(&folder).ok()?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("batchtop")
        .filename_suffix("log")
        .max_log_files(MAX_FILES)
        .build(&folder)
        .ok()?;
    let (writer, worker) = tracing_appender::non_blocking(Bounded { file, left: MAX_BYTES });
    let filter = EnvFilter::try_new(filter.unwrap_or(FILTER)).unwrap_or_else(|_| EnvFilter::new(FILTER));
    tracing_subscriber::fmt().with_writer(writer).with_ansi(false).with_env_filter(filter).try_init().ok()?;
    *LOG.lock().ok()? = Some(Log { folder, _worker: worker });
    Some(FinishLog(()))
}

/// Writes to a file until its budget is used up, and then nothing.
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
    fn a_used_up_budget_takes_nothing_more() {
        let mut log = Bounded { file: Vec::new(), left: 5 };
        assert_eq!(log.write(b"1234").ok(), Some(4));
        assert_eq!(log.write(b"56").ok(), Some(2));
        assert_eq!(log.file, b"1234");
    }
}
