//! The log file, in the user's state folder. Nothing is ever logged to the terminal.

use std::path::Path;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;

/// Log files that are kept, one a day.
const MAX_FILES: usize = 5;

/// kube logs whole response bodies when it cannot decode one; those hold environment variables and stay out of files.
const FILTER: &str = "batchtop=info,warn,kube_client=error,hyper=off";

/// Starts logging to a folder. `BATCHTOP_LOG` overrides the filter. Without a writable folder there is no log.
pub fn start(folder: &Path, filter: Option<&str>) -> Option<WorkerGuard> {
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("batchtop")
        .filename_suffix("log")
        .max_log_files(MAX_FILES)
        .build(folder)
        .ok()?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    let filter = EnvFilter::try_new(filter.unwrap_or(FILTER)).unwrap_or_else(|_| EnvFilter::new(FILTER));
    tracing_subscriber::fmt().with_writer(writer).with_ansi(false).with_env_filter(filter).try_init().ok()?;
    Some(guard)
}
