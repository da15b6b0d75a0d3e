//! Logs of containers: what is asked for, and what is told of them. They are no part of the Fleet: they are read while they
//! are shown, and never kept longer.

use super::{ContainerRole, ObjectKey};
use crate::units::Time;

/// Which run of a container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogRun {
    /// The present or the newest one.
    Present,
    /// The one before the newest restart.
    Previous,
}

/// The log that is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogQuestion {
    /// Namespace and name of the pod.
    pub pod: ObjectKey,
    /// Name of the container.
    pub container: String,
    /// Which of its runs.
    pub run: LogRun,
    /// How often the container had been restarted when its log was asked for.
    pub restarts: u32,
}

/// How many of the newest lines are read when a log is opened.
pub const LOG_TAIL_LINES: usize = 2_000;

/// The most bytes of one line that are kept.
pub const LOG_LINE_BYTES: usize = 16 << 10;

/// One line of a log.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogLine {
    /// When the container runtime took it; `None` where the line does not say so.
    pub at: Option<Time>,
    /// Its text without the end of line, at most [`LOG_LINE_BYTES`].
    pub text: String,
    /// How many bytes of it were left out.
    pub cut_bytes: usize,
}

/// What is told of a log, in its order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogReport {
    /// The log is open; lines come as they are written.
    Live,
    /// More lines.
    Lines(Vec<LogLine>),
    /// Another run of the container begins.
    Restarted,
    /// Nothing more comes: the container has ended, with these words about how.
    Ended(String),
    /// The container has not started; the words say why, and it is looked again.
    Waiting(String),
    /// The API server does not allow to read it, in its words; it is asked again after a while.
    Forbidden(String),
    /// There is no such pod, or no such run of the container; nothing more comes.
    Gone(String),
    /// It cannot be read, and is asked for again after so many seconds.
    Failed {
        /// Why, in one sentence.
        message: String,
        /// When it is asked for again.
        next_try_seconds: u64,
    },
}

/// In which state a container is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum ContainerState {
    /// The status says nothing of it.
    #[default]
    Unknown,
    /// It has not started, or not again: reason and message.
    Waiting(String),
    /// It runs, since then.
    Running(Option<Time>),
    /// It has ended.
    Ended {
        /// How: `Completed`, `Error, exit code 1`.
        words: String,
        /// Whether the kubelet starts it again.
        restarts: bool,
    },
}

/// A container of a pod.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PodContainer {
    /// Name of the container.
    pub name: String,
    /// Its part in the life of the pod; `None` for an ephemeral container.
    pub role: Option<ContainerRole>,
    /// In which state it is.
    pub state: ContainerState,
    /// How often it was restarted.
    pub restarts: u32,
}
