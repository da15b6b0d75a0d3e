//! The application: its state, what comes in, what goes out. Pure and synchronous.

mod model;
mod msg;
mod ui;
mod update;

pub use model::{App, Settings};
pub use msg::{Effect, Fetched, Mouse, Msg};
pub use ui::{
    Column, Detail, DetailText, DurationChoice, Level, Listing, Notice, Overlay, Picker, PickerKind, Prompt,
    PromptKind, Scope, Screen, Severity, Skipped, Sort, Target, Ui, Verb, Write, WriteDialog, WriteItem,
};
pub use update::update;
