//! The log file, in the user's state folder. Nothing is ever logged to the terminal.

use std::io::{self, Write};
use std::path::Path;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;

/// Log files that are kept, one a day.
const MAX_FILES: usize = 5;

/// What one run may write; a fault that repeats for days must not fill a disk.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// kube logs whole response bodies when it cannot decode one; those hold environment variables and stay out of files.
const FILTER: &str = "batchtop=info,warn,kube_client=error,hyper=off";

/// Starts logging to a folder. `BATCHTOP_LOG` overrides the filter. Without a writable folder there is no log.
pub fn start(folder: &Path, filter: Option<&str>) -> Option<WorkerGuard> {
    // The appender looks for old files first, and tells the terminal when there is no folder yet.
    std::fs::create_dir_all(folder).ok()?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("batchtop")
        .filename_suffix("log")
        .max_log_files(MAX_FILES)
        .build(folder)
        .ok()?;
    let (writer, guard) = tracing_appender::non_blocking(Bounded { file, left: MAX_BYTES });
    let filter = EnvFilter::try_new(filter.unwrap_or(FILTER)).unwrap_or_else(|_| EnvFilter::new(FILTER));
    tracing_subscriber::fmt().with_writer(writer).with_ansi(false).with_env_filter(filter).try_init().ok()?;
    Some(guard)
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
