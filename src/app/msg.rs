//! The two vocabularies of [`super::App`].

use crate::config::{Setting, SettingValue};
use crate::fleet::{
    Demand, Epoch, HistoryAnswer, HistoryQuestion, Key, LogQuestion, LogReport, ObjectChange, ObjectKey, PodContainer,
    Report, WriteOutcome,
};
use crate::input::Chord;
use crate::insight::cold_start::ClusterHistory;
use crate::insight::disruption::Remembered;
use crate::insight::insights::SpotRecord;
use crate::units::Time;

/// What the mouse did. Where it did it is resolved against the Screen that was drawn last, which only the runtime has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mouse {
    /// The left button went down on this row of the table.
    Row(super::RowKey),
    /// The left button went down on this screen's title.
    Title(super::Screen),
    /// The left button went down on the title of this column.
    Column(&'static super::Column),
    /// The wheel turned up.
    WheelUp,
    /// The wheel turned down.
    WheelDown,
}

/// What the detail pane fetched of one object.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fetched {
    /// All annotations, by key.
    pub annotations: Vec<(String, String)>,
    /// The object as YAML, without managedFields.
    pub yaml: String,
}

/// Input to [`super::update()`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(Chord),
    /// Text was pasted (a bracketed paste of the terminal).
    Paste(String),
    /// The mouse was clicked or its wheel turned.
    Mouse(Mouse),
    /// The terminal has this size now.
    Resize {
        /// Columns of the terminal.
        width: u16,
        /// Rows of the terminal.
        height: u16,
    },
    /// The time, once a second.
    Clock(Time),
    /// A Source of the connection of this number reports.
    Source(Epoch, Report),
    /// One change of a write has been answered.
    Written {
        /// Number of the [`super::Write`].
        write: u64,
        /// Index among the items of the write.
        item: usize,
        /// Answer of the API server, or why there is none.
        outcome: WriteOutcome,
    },
    /// An object was fetched for the detail pane.
    Fetched {
        /// Number of the connection on which the object was asked for.
        epoch: Epoch,
        /// The object.
        key: Key,
        /// Annotations and YAML of the object, or a sentence why they could not be fetched.
        result: Result<Fetched, String>,
    },
    /// A Prometheus server was asked of the past of accelerators.
    History {
        /// Number of the connection on which it was asked.
        epoch: Epoch,
        /// The object whose details are open.
        key: Key,
        /// What it told; `None` where no server is known; or a sentence why it told nothing.
        result: Result<Option<HistoryAnswer>, String>,
    },
    /// The containers of a pod whose log is opened.
    Containers {
        /// Number of the connection on which the pod was asked for.
        epoch: Epoch,
        /// The pod.
        pod: ObjectKey,
        /// Its containers, or a sentence why they are not known.
        result: Result<Vec<PodContainer>, String>,
    },
    /// A log tells something.
    Log {
        /// Number of the question.
        number: u64,
        /// What it tells.
        report: LogReport,
    },
    /// A file was to be saved.
    Saved {
        /// In which form.
        format: super::SaveFormat,
        /// The path as it was typed.
        path: String,
        /// The whole path, or why it was not saved.
        result: Result<String, super::SaveFailure>,
    },
    /// Other settings are in force from now on.
    Configured(Box<super::Settings>),
    /// Something the outside wants to tell the user.
    Notice(super::Notice),
    /// Nothing else is to be done: a slice of the insights' work may be.
    Work,
    /// A frame is about to be drawn: listings that changed are put in order.
    Frame,
    /// A frame is about to be drawn because of a key: rows follow the filter that is typed, and keep their order otherwise.
    KeyFrame,
    /// A frame was laid out with these sizes; sent for every frame.
    Geometry(super::Geometry),
}

/// A request to the outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Leave batchtop.
    Quit,
    /// Put a setting in force for as long as batchtop runs, and answer with `Msg::Configured`.
    Set {
        /// Which one.
        setting: &'static Setting,
        /// Its value.
        value: SettingValue,
    },
    /// Connect to another context; what the old connection still says carries an older epoch.
    Connect {
        /// Name of the context in the kubeconfig.
        context: String,
        /// Number of the new connection.
        epoch: Epoch,
    },
    /// Write one change: journal the intent, send the request, journal the result, answer with `Msg::Written`.
    Write {
        /// Number of the [`super::Write`].
        write: u64,
        /// Index among the items of the write.
        item: usize,
        /// `protect`, `unprotect`, `undo` or `evict`, for the journal.
        verb: &'static str,
        /// The change, with the preconditions of the request.
        change: ObjectChange,
    },
    /// Fetch an object for the detail pane, answer with `Msg::Fetched`.
    Fetch {
        /// Number of the connection, for the answer.
        epoch: Epoch,
        /// The object.
        key: Key,
    },
    /// Ask a Prometheus server of the past of accelerators, where one is known, and answer with `Msg::History`.
    AskHistory {
        /// Number of the connection, for the answer.
        epoch: Epoch,
        /// The object whose details are open.
        key: Key,
        /// What is asked.
        question: HistoryQuestion,
    },
    /// Ask for the containers of a pod, and answer with `Msg::Containers`.
    AskContainers {
        /// Number of the connection, for the answer.
        epoch: Epoch,
        /// The pod.
        pod: ObjectKey,
    },
    /// Read a log, in place of the one that was read before, and tell it with `Msg::Log`.
    FollowLog {
        /// Number of the question, for what is told.
        number: u64,
        /// Which log.
        question: LogQuestion,
    },
    /// Read no log any more.
    LeaveLog,
    /// Save what is shown to a file, and answer with `Msg::Saved`.
    Save {
        /// In which form.
        format: super::SaveFormat,
        /// The path as it was typed.
        path: String,
        /// What becomes of a file that is there already.
        existing: super::ExistingFile,
    },
    /// What the Sources outside the cluster's watches are wanted to tell from now on, in place of what was wanted before.
    Demand(Demand),
    /// Write down which nodes are held since when, in place of what was written before.
    Remember(Vec<Remembered>),
    /// Write down what was observed of pulls and machines.
    RememberStarts(Box<ClusterHistory>),
    /// Write down what has been seen of spot pools.
    RememberSpot(SpotRecord),
    /// Show a text in the user's editor, in place of batchtop.
    Edit {
        /// What it is of, for the name of the file.
        name: String,
        /// The text.
        text: String,
    },
    /// Put text on the clipboard.
    Copy(String),
    /// Stop the process as ctrl-z does.
    Suspend,
    /// Forget what the terminal shows and draw it all.
    Redraw,
}
