//! The application: its state, what comes in, what goes out. Pure and synchronous.

mod actions;
mod chosen_columns;
mod clock;
mod command;
mod completion;
mod cost_groups;
mod depends;
mod desk;
mod desk_key;
mod desk_rows;
mod detail;
mod device_map;
mod device_rows;
mod devices;
mod effects;
mod event_density;
mod field;
mod filter;
mod gangs;
mod goto;
mod gpu_history;
mod history;
mod incident_rows;
mod incidents;
mod keys;
mod line;
mod listing;
mod log_buffer;
mod log_keys;
mod log_view;
mod logs;
mod machines;
mod model;
mod mouse;
mod msg;
mod navigate;
mod notice;
mod object_names;
mod observed;
mod observed_rows;
mod owners;
mod patch;
mod payers;
mod picker;
mod prompt;
mod rank;
mod rights;
mod rows;
mod save;
pub mod screens;
mod scroll;
mod selection;
mod set;
mod sort_picker;
mod sorting;
mod source;
mod spot_pools;
mod spot_zones;
mod status;
mod texts;
mod ui;
mod update;
mod views;
mod work;
mod write;

pub use chosen_columns::{ChosenColumns, MOST_LABELS, column_names, mistake_in_columns, mistakes_in_columns};
pub use completion::candidates_of as candidates;
pub use desk::Desk;
pub use device_map::{DeviceMap, MapNode};
pub use device_rows::DeviceGroups;
pub use devices::{
    DeviceGroup, DeviceGroupBy, DeviceGroupKey, DeviceId, DeviceKey, DeviceRow, DeviceSums, Devices,
    find as find_device, of_node as devices_of_node,
};
pub use event_density::{EventDensity, EventMinute};
pub use filter::{error as filter_error, words as filter_words};
pub use gangs::starts_of as gang_starts;
pub use incidents::{find as find_incident, rate as incident_rate};
pub use keys::continuations;
pub use log_buffer::{LogBuffer, LogEntry, LogSearch, MOST_LOG_BYTES, MOST_LOG_LINES};
pub use log_view::{LineTimes, LogGeometry, LogPosition, LogState, LogView, LongLines};
pub use model::{App, Settings};
pub use msg::{Effect, Fetched, Mouse, Msg};
pub use observed::{ObservedKey, find_image, find_pool};
pub use owners::{Owners, ScaledOwner};
pub use payers::{Costs, Paying, Sourced, Unpriced, paying};
pub use rights::is_offered;
pub use rows::{RowKey, RowRef};
pub use save::{ExistingFile, SaveDialog, SaveFailure, SaveFormat};
pub use screens::{
    Align, Column, Grouping, Narrowing, Observations, Rows, Screen, ScreenSpec, TableSpec, UseOfRows, View, WidthRange,
};
pub use scroll::{Geometry, Scroll, first_visible_row};
pub use selection::is_marked;
pub use set::FileNames;
pub use sort_picker::{SortChoice, SortPicker};
pub use status::{claim_phase, disagrees, job_state, node_phase, shield_word};
pub use ui::{
    Consequence, Detail, DetailText, DurationChoice, GpuPast, Level, Listed, Listing, Notice, Opened, Overlay,
    PastTold, Picker, PickerKind, Place, Prompt, PromptKind, RateOfRows, Scope, Severity, Skipped, Sort, Target, Ui,
    Verb, Write, WriteDialog, WriteItem,
};
pub use update::update;
pub use work::{settle, settle_completely};
