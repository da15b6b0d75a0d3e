//! The log file, in the user's state folder. Nothing is ever logged to the terminal.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Mutex;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;

/// Number of log files that are kept, one per day.
const MAX_FILES: usize = 5;

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
    // The appender prints to the terminal if the folder is missing, so create it first.
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
    fn a_used_up_budget_takes_nothing_more() {
        let mut log = Bounded { file: Vec::new(), left: 5 };
        assert_eq!(log.write(b"1234").ok(), Some(4));
        assert_eq!(log.write(b"56").ok(), Some(2));
        assert_eq!(log.file, b"1234");
    }
}
