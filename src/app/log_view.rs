//! The log of a container, as it is looked at.

use super::LogBuffer;
use crate::fleet::{LogRun, ObjectKey, PodContainer};
use crate::units::Time;

/// What is known of the way to a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogState {
    /// The containers of the pod, or the log, are asked for.
    Connecting,
    /// Lines come as they are written.
    Live,
    /// Nothing more comes, with words about how the container ended.
    Ended(String),
    /// The container has not started, with the reason.
    Waiting(String),
    /// The API server does not allow it, in its words.
    Forbidden(String),
    /// There is no such pod, or no such run of the container.
    Gone(String),
    /// It cannot be read for now.
    Failed {
        /// Why, in one sentence.
        message: String,
        /// When it is asked for again; `None` where it is not.
        next_try: Option<Time>,
    },
}

/// Which lines of a log are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogPosition {
    /// The newest ones, whatever comes.
    End,
    /// Those from this number on.
    From(u64),
}

/// How lines are shown that are longer than the screen is wide.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LongLines {
    /// They go on below.
    Wrapped,
    /// They are cut; this is the first column that is shown.
    Cut {
        /// Columns that are left out at the left.
        from_column: usize,
    },
}

/// Whether the time of each line is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineTimes {
    /// It is.
    Shown,
    /// It is not.
    Hidden,
}

/// The log that is looked at.
#[derive(Clone, Debug)]
pub struct LogView {
    /// Number of the question that is answered now; `None` until a container is chosen. Answers to others are dropped.
    pub number: Option<u64>,
    /// Namespace and name of the pod.
    pub pod: ObjectKey,
    /// Its containers, as they were when the log was opened; empty until they are known.
    pub containers: Vec<PodContainer>,
    /// Name of the chosen container; empty until one is chosen.
    pub container: String,
    /// Which of its runs.
    pub run: LogRun,
    /// What is known of the way to it.
    pub state: LogState,
    /// The lines that are kept.
    pub buffer: LogBuffer,
    /// Which of them are shown.
    pub position: LogPosition,
    /// How long lines are shown.
    pub long_lines: LongLines,
    /// Whether times are shown.
    pub times: LineTimes,
    /// What the last frame showed; `None` before the first one.
    pub geometry: Option<LogGeometry>,
}

/// Lines of a log that the last frame showed, by their numbers. Keys go by them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogGeometry {
    /// The first line on screen.
    pub first: u64,
    /// The first line of the page above.
    pub above: u64,
    /// The first line of the page below.
    pub below: u64,
    /// The first line on screen where the newest are shown.
    pub end: u64,
}

impl LogView {
    /// The log of a pod whose containers are not known yet.
    pub fn of(pod: ObjectKey) -> Self {
        Self {
            number: None,
            pod,
            containers: Vec::new(),
            container: String::new(),
            run: LogRun::Present,
            state: LogState::Connecting,
            buffer: LogBuffer::default(),
            position: LogPosition::End,
            long_lines: LongLines::Wrapped,
            times: LineTimes::Hidden,
            geometry: None,
        }
    }

    /// The number of the first line on screen, as far as a frame has said so.
    pub fn first_shown(&self) -> u64 {
        match (self.position, self.geometry) {
            (LogPosition::From(first), _) => first.max(self.buffer.first()),
            (LogPosition::End, Some(geometry)) => geometry.end,
            (LogPosition::End, None) => self.buffer.first(),
        }
    }
}
