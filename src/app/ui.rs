//! The state of the user interface: levels, listing, overlays, dialogs.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use tui_input::Input;

use super::history::History;
use super::scroll::Scroll;
use super::{
    Column, Costs, Desk, DeviceGroupBy, DeviceGroupKey, DeviceGroups, DeviceMap, EventDensity, Fetched, Grouping,
    LogView, ObservedKey, Owners, RowKey, SaveDialog, Screen, SortPicker, TableSpec, View,
};
use crate::fleet::{DeviceSeconds, EventObject, Key, Kind, ObjectChange, ObjectKey, ServiceAddress, Sym, WriteOutcome};
use crate::input::Chord;
use crate::insight::Sentence;
use crate::insight::cost::{CostKey, GroupBy};
use crate::insight::gpu::history::NodeHistory;
use crate::insight::incidents::{Incident, IncidentKey};
use crate::insight::spot::{SpotPoolKey, Stake};
use crate::units::Time;

/// What a level is narrowed to after drilling down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Nodes and NodeClaims of a NodePool.
    NodePool(Sym),
    /// Pods on a Node.
    Node(Sym),
    /// Pods of a Job.
    Job(ObjectKey),
    /// Events about one object.
    About(EventObject),
    /// The machines or pods of one payer.
    CostKey(CostKey),
    /// Devices of one group, and the machines that have such.
    DeviceGroup(DeviceGroupKey),
    /// Nodes of a spot pool.
    SpotPool(SpotPoolKey),
}

impl Scope {
    /// Events about an object.
    pub fn about(kind: Kind, key: &ObjectKey) -> Self {
        Self::About(EventObject { kind: Sym::new(kind.name()), key: key.clone() })
    }
}

/// The order of a listing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sort {
    /// The column whose ranks order the rows.
    pub column: &'static Column,
    /// Whether the natural order of the column is reversed.
    pub reversed: bool,
}

impl Sort {
    /// An ordering in the natural order of the column, turned around where that is reversed.
    pub const fn directed(self, ordering: Ordering) -> Ordering {
        if self.reversed { ordering.reverse() } else { ordering }
    }
}

/// One level of the drill-down: a table with its own filter, order, selection and details.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Level {
    /// The screen whose rows are listed.
    pub screen: Screen,
    /// The object of the level above to which the rows are narrowed; `None` on an outermost level.
    pub scope: Option<Scope>,
    /// The way of looking at its rows.
    pub view: &'static View,
    /// Text of the filter, in the grammar of [`super::filter`]; empty for none.
    pub filter: String,
    /// Order of the rows.
    pub sort: Sort,
    /// The selected row; survives re-sorting and relists. `None`: the first row, whichever that is, as long as the user
    /// has not moved.
    pub selected: Option<RowKey>,
    /// Index of the first row that the last frame showed; the next one scrolls from there, see
    /// [`super::first_visible_row`].
    pub offset: usize,
    /// Details of one object, while they are open.
    pub detail: Option<Detail>,
    /// Marks that were left there, while another level is shown.
    pub marks: BTreeSet<Key>,
}

/// Where somebody was: a level, and those above it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The level that was shown.
    pub level: Level,
    /// The levels above it, outermost first.
    pub outer: Vec<Level>,
}

/// The rows of the shown level, filtered and in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Listing {
    /// Identities of the rows, in the order in which they are shown.
    pub rows: Vec<RowKey>,
    /// All rows in their order where a filter lists only some of them, so that it can be edited and left without putting all
    /// in order again; `None` where they are not known.
    pub all: Option<Vec<RowKey>>,
    /// Index of [`Level::selected`] among them; zero while there is no row.
    pub cursor: usize,
    /// How many there were before the user's filter; what the view leaves out is not counted.
    pub unfiltered: usize,
    /// What all rows cost together, on screens where that means something.
    pub rate: Option<RateOfRows>,
    /// Whether all rows have to be listed anew.
    pub dirty: bool,
    /// Pods that changed since the rows were put in order, where only their places are in doubt.
    pub touched: BTreeSet<ObjectKey>,
    /// The filter that the rows meet, where another has been typed since.
    pub filter_before: Option<String>,
    /// What Cost says besides its rows.
    pub costs: Costs,
    /// The sums of the groups of devices that are listed.
    pub device_groups: DeviceGroups,
    /// The map above devices that are listed one by one.
    pub device_map: DeviceMap,
    /// The incidents that are known, the newest first, where they are listed.
    pub incidents: Vec<Incident>,
    /// How many Events were told in each minute of the last hour, on Events.
    pub density: EventDensity,
}

/// Rows that are no objects, filtered and in order.
pub struct Listed {
    /// Identities of the rows, in their order.
    pub rows: Vec<RowKey>,
    /// How many there were before the filter.
    pub unfiltered: usize,
    /// What they cost together.
    pub rate: RateOfRows,
}

/// Sum of the rates of rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RateOfRows {
    /// Micro-dollars per hour, as far as that is known.
    pub micro_usd_per_hour: i64,
    /// Number of rows without a known price.
    pub unpriced: usize,
}

impl RateOfRows {
    /// Of rows that stand for spot Nodes.
    pub fn of_stakes<'a>(stakes: impl Iterator<Item = &'a Stake>) -> Self {
        stakes.fold(Self::default(), |sum, stake| Self {
            micro_usd_per_hour: sum.micro_usd_per_hour.saturating_add(stake.rate.unwrap_or(0)),
            unpriced: sum.unpriced + usize::from(stake.unpriced > 0),
        })
    }
}

impl Ui {
    /// The filter that the listed rows meet; another may have been typed since.
    pub fn listed_filter(&self) -> &str {
        self.listing.filter_before.as_deref().unwrap_or(&self.level.filter)
    }
}

impl Listing {
    /// Whether the rows are behind the Fleet; the next [`super::Msg::Frame`] mends that.
    pub fn is_behind(&self) -> bool {
        self.dirty || !self.touched.is_empty() || self.filter_before.is_some()
    }
}

/// Which text of an object is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DetailText {
    /// Readable sentences about the object, from the Fleet.
    #[default]
    Readable,
    /// The object as YAML, as it was fetched.
    Yaml,
}

/// Of what details can be opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Opened {
    /// An object of the cluster.
    Object(Key),
    /// A spot pool, which is no object.
    SpotPool(SpotPoolKey),
    /// What was observed of starts, which is no object.
    Observed(ObservedKey),
    /// An incident, which is no object.
    Incident(IncidentKey),
}

/// The opened details of one object, or of a row that is none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Detail {
    /// What is left alone.
    pub of: Opened,
    /// Which part of the text is visible.
    pub scroll: Scroll,
    /// Text that is shown of the object.
    pub text: DetailText,
    /// What was fetched on opening; `None` while it is under way.
    pub fetched: Option<Result<Fetched, String>>,
    /// What a Prometheus server told of its accelerators on opening, or why it did not; `None` while it is under way, or where
    /// none is known.
    pub gpu_past: Option<Result<Box<GpuPast>, String>>,
}

impl Detail {
    /// The object, where they are of one.
    pub const fn object(&self) -> Option<&Key> {
        match &self.of {
            Opened::Object(key) => Some(key),
            Opened::SpotPool(_) | Opened::Observed(_) | Opened::Incident(_) => None,
        }
    }

    /// Whether they are of this object.
    pub fn is_of(&self, key: &Key) -> bool {
        self.object() == Some(key)
    }
}

/// What a Prometheus server told of the past of accelerators.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GpuPast {
    /// The server.
    pub server: ServiceAddress,
    /// When it told it.
    pub at: Time,
    /// What it told.
    pub told: PastTold,
}

/// What a Prometheus server told of the past of accelerators, by whose they are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PastTold {
    /// How busy the devices of a Node were.
    Node(NodeHistory),
    /// For how long the pods of a Job had devices.
    Job(DeviceSeconds),
}

/// Gravity of a notice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// Calls for nothing.
    Info,
    /// Something was not done, or only in part.
    Warning,
    /// Something failed.
    Error,
}

/// One sentence for the user, shown until it is replaced or a key is pressed after a while.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// How the sentence is marked, and how long it stays.
    pub severity: Severity,
    /// One sentence, with the reason and what to do where there is something.
    pub text: String,
}

/// Use of a line that is typed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PromptKind {
    /// The filter; rows follow while typing.
    Filter,
    /// A command after `:`.
    Command,
    /// A text that is looked for in a log.
    Search,
}

/// A line that is being typed.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// Whether the line is a filter or a command.
    pub kind: PromptKind,
    /// The typed text with its cursor.
    pub input: Input,
    /// The filter as it was, for esc.
    pub before: String,
    /// The selection as it was, for esc.
    pub selected: Option<RowKey>,
    /// Which of the lines that were typed earlier this is; `None` where it is a new one.
    pub recalled: Option<usize>,
}

/// Contents of a list that is picked from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PickerKind {
    /// Namespaces to narrow rows to.
    Namespaces,
    /// A context to connect to.
    Contexts,
    /// A pod whose log is to be shown.
    LogPods,
    /// A container whose log is to be shown.
    LogContainers,
}

/// A list to pick from, narrowed by typing.
#[derive(Clone, Debug)]
pub struct Picker {
    /// What is listed.
    pub kind: PickerKind,
    /// Everything there is; for namespaces the first entry is all namespaces.
    pub items: Vec<String>,
    /// The typed text; items that contain it match, in whichever case.
    pub input: Input,
    /// Index among the items that match.
    pub selected: usize,
}

impl Picker {
    /// The items that contain what was typed.
    pub fn matching(&self) -> Vec<&str> {
        let typed = self.input.value().to_lowercase();
        self.items.iter().map(String::as_str).filter(|item| item.to_lowercase().contains(&typed)).collect()
    }
}

/// What a write does to its objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    /// Set `karpenter.sh/do-not-disrupt`.
    Protect,
    /// Remove `karpenter.sh/do-not-disrupt`.
    Unprotect,
    /// Put back what stood there before the last write.
    Undo,
    /// Evict pods.
    Evict,
    /// Let a Node take no new pods.
    Cordon,
    /// Let a Node take pods again.
    Uncordon,
}

impl Verb {
    /// As the dialog and the journal write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Protect => "protect",
            Self::Unprotect => "unprotect",
            Self::Undo => "undo",
            Self::Evict => "evict",
            Self::Cordon => "cordon",
            Self::Uncordon => "uncordon",
        }
    }
}

/// Time for which to protect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DurationChoice {
    /// The value `"true"`, which has no end.
    UntilFinished,
    /// A fixed number of hours.
    Hours(u8),
    /// The duration that is typed beside the choice.
    Other,
}

/// One object that a dialog would change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// The change. The `to` of an annotation follows what is chosen and the clock, and says what would be written now; it
    /// means nothing while the dialog has an error.
    pub change: ObjectChange,
    /// Name of the Node on which a pod is; of a Node its own.
    pub node: Option<Sym>,
    /// `status.startTime` of a pod, from which Karpenter counts a duration.
    pub started: Option<Time>,
    /// When the protection would end; `None` for `"true"`, and for a pod that has not started.
    pub until: Option<Time>,
}

/// One object that a dialog leaves alone, with the reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skipped {
    /// The object that is left alone.
    pub key: Key,
    /// Reason in words that follow the object's name: `it is gone`.
    pub reason: String,
}

/// One sentence about what a write would change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Consequence {
    /// Gravity: hazards and what is lost are warnings.
    pub severity: Severity,
    /// One sentence, with the reason and what to do where there is something.
    pub text: Sentence,
}

/// The dialog before a write.
#[derive(Clone, Debug)]
pub struct WriteDialog {
    /// What is done to the objects.
    pub verb: Verb,
    /// The context it writes to, empty where there is none (in-cluster, or a server was named).
    pub context: String,
    /// The address of the API server that it writes to.
    pub server: String,
    /// The title's words for the objects: `8 pods of Job ml/train`.
    pub subject: String,
    /// The objects it would change.
    pub targets: Vec<Target>,
    /// The objects it leaves alone.
    pub skipped: Vec<Skipped>,
    /// Durations to choose from, with Protect; a single one where Karpenter understands no durations.
    pub choices: Vec<DurationChoice>,
    /// Index of the choice.
    pub chosen: usize,
    /// The duration typed for [`DurationChoice::Other`].
    pub other: Input,
    /// The number typed to confirm, wanted for more than [`WriteDialog::TYPED_ABOVE`] objects.
    pub typed: Input,
    /// Whether the cursor is in `typed`.
    pub typing_number: bool,
    /// When the protection would end as chosen, in one sentence.
    pub ends: Option<String>,
    /// Sentences about what Karpenter may and may not do afterwards.
    pub consequences: Vec<Consequence>,
    /// Sentences: what is assumed, what it will not do.
    pub notes: Vec<String>,
    /// For Undo: the number of the write that it takes back.
    pub undoes: Option<u64>,
    /// Sentence why the write cannot be done as the dialog stands; `None` where it can.
    pub error: Option<String>,
    /// Which part of the text is visible.
    pub scroll: Scroll,
}

impl WriteDialog {
    /// Above this many objects the number has to be typed.
    pub const TYPED_ABOVE: usize = 20;

    /// Whether the number has to be typed.
    pub fn wants_number(&self) -> bool {
        self.targets.len() > Self::TYPED_ABOVE
    }
}

/// One change of a write, and what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WriteItem {
    /// The change, with the preconditions of the request.
    pub change: ObjectChange,
    /// `None` until the request is answered.
    pub outcome: Option<WriteOutcome>,
    /// Whether a later undo has put back what stood there before.
    pub undone: bool,
}

/// A write that was confirmed in its dialog, with the answers so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Write {
    /// Number of the write, counted from 0 since batchtop started.
    pub id: u64,
    /// What is done to the objects.
    pub verb: Verb,
    /// The title's words for the objects.
    pub subject: String,
    /// One item for each object.
    pub items: Vec<WriteItem>,
    /// How many of them have been requested, in their order; the rest waits for answers.
    pub issued: usize,
    /// For Undo: the number of the write that it takes back.
    pub undoes: Option<u64>,
}

/// Layer over the table.
#[derive(Clone, Debug)]
pub enum Overlay {
    /// Help, scrolled to a line.
    Help {
        /// Which part of the text is visible.
        scroll: Scroll,
    },
    /// All Sources and their health.
    Sources {
        /// Which part of the text is visible.
        scroll: Scroll,
    },
    /// A line that is typed.
    Prompt(Prompt),
    /// A list to pick from.
    Picker(Picker),
    /// The dialog before a write.
    Write(Box<WriteDialog>),
    /// The dialog before something is saved.
    Save(Box<SaveDialog>),
    /// The columns that rows can be sorted by.
    Sort(SortPicker),
    /// Owners of pods, with the commands that scale them to nothing.
    Owners(Owners),
    /// What became of the newest write, object by object.
    Results {
        /// Number of the [`Write`].
        write: u64,
        /// Which part of the text is visible.
        scroll: Scroll,
    },
}

/// Everything about what the user is looking at.
#[derive(Clone, Debug)]
pub struct Ui {
    /// Width and height of the terminal.
    pub size: (u16, u16),
    /// The level that is shown.
    pub level: Level,
    /// The levels above it in the drill-down, outermost first.
    pub outer: Vec<Level>,
    /// The rows of the shown level.
    pub listing: Listing,
    /// What needs somebody now, in the whole cluster.
    pub desk: Desk,
    /// Filters and commands that were typed earlier.
    pub history: History,
    /// Outermost levels as they were left, by screen, so that coming back finds the row again.
    pub remembered: BTreeMap<Screen, Level>,
    /// Where the user was before, the newest last; at most [`Ui::PLACES_KEPT`].
    pub places_before: Vec<Place>,
    /// Where the user was before going back, the newest last.
    pub places_after: Vec<Place>,
    /// Objects whose rows are marked; they need not be listed while a filter hides them.
    pub marks: BTreeSet<Key>,
    /// Keys of a longer chord pressed so far.
    pub pressed: Vec<Chord>,
    /// Whether they have waited so long that what may follow is shown.
    pub is_prefix_explained: bool,
    /// Layer over the table, and over a log.
    pub overlay: Option<Overlay>,
    /// The object that is fetched for the editor.
    pub to_edit: Option<Key>,
    /// The log that is looked at, in place of table and details.
    pub log: Option<Box<LogView>>,
    /// The number of the next question for a log.
    pub next_log: u64,
    /// The number of the log that the outside was asked to read.
    pub followed_log: Option<u64>,
    /// The newest sentence for the user, and since when.
    pub notice: Option<(Notice, Time)>,
    /// Writes, oldest first; at most [`Ui::WRITES_KEPT`].
    pub writes: Vec<Write>,
    /// The number of the next write.
    pub next_write: u64,
    /// Rows of the table that fit into the last frame, at least one; one before the first frame.
    pub page_rows: usize,
}

impl Ui {
    /// How many writes are remembered for undo and results.
    pub const WRITES_KEPT: usize = 50;

    /// How many places are remembered for going back.
    pub const PLACES_KEPT: usize = 50;
}

impl Default for Level {
    fn default() -> Self {
        Self::of(Screen::Fleet, None)
    }
}

impl Level {
    /// A fresh level of a screen.
    ///
    /// Beneath an object all its Events are listed, whatever view Events begins with.
    pub fn of(screen: Screen, scope: Option<Scope>) -> Self {
        let view = match scope {
            Some(Scope::About(_)) => super::screens::events::all_events(),
            _ => screen.spec().first_view(),
        };
        Self::of_view(screen, view, scope)
    }

    /// A fresh level of a screen in a view of it.
    pub fn of_view(screen: Screen, view: &'static View, scope: Option<Scope>) -> Self {
        let sort = screen.spec().first_sort(view);
        Self {
            screen,
            scope,
            view,
            filter: String::new(),
            sort,
            selected: None,
            offset: 0,
            detail: None,
            marks: BTreeSet::new(),
        }
    }

    /// Rows and columns that are shown.
    pub fn table(&self) -> &'static TableSpec {
        self.screen.spec().table_of(self.view)
    }

    /// By what dollars are grouped, on Cost.
    pub fn dimension(&self) -> GroupBy {
        match self.view.grouping {
            Some(Grouping::Dollars(dimension)) => dimension,
            Some(Grouping::Devices(_)) | None => GroupBy::default(),
        }
    }

    /// By what devices are grouped, where they are.
    pub fn device_grouping(&self) -> Option<DeviceGroupBy> {
        match self.view.grouping {
            Some(Grouping::Devices(by)) => Some(by),
            Some(Grouping::Dollars(_)) | None => None,
        }
    }
}

impl Default for Ui {
    fn default() -> Self {
        Self {
            size: (80, 24),
            level: Level::default(),
            outer: Vec::new(),
            listing: Listing { dirty: true, ..Listing::default() },
            desk: Desk::default(),
            history: History::default(),
            remembered: BTreeMap::new(),
            places_before: Vec::new(),
            places_after: Vec::new(),
            marks: BTreeSet::new(),
            pressed: Vec::new(),
            is_prefix_explained: false,
            overlay: None,
            to_edit: None,
            log: None,
            next_log: 0,
            followed_log: None,
            notice: None,
            writes: Vec::new(),
            next_write: 0,
            page_rows: 1,
        }
    }
}
