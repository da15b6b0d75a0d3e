//! batchtop: a terminal dashboard for batch jobs and GPU fleets on Kubernetes with Karpenter.
//!
//! ```text
//! source ──▶ Report ──▶ update(&mut App, Msg) ──▶ Effect ──▶ runtime
//!                            │
//!              view::derive(&App) ──▶ ui::draw          export::snapshot
//! ```
//!
//! * [`units`]: value types with their grammar.
//! * [`fleet`]: what exists.
//! * [`insight`]: what it means.
//! * [`app`]: what the user is looking at, and the one function that changes it. [`input`]: keys and what they mean.
//! * [`view`]: the screen as plain data. [`ui`]: that data on a terminal.
//! * [`export`]: the JSON snapshot.
//! * [`source`]: the outside, turned into reports. [`config`]: the user's files. [`cli`]: the command line.
//! * [`files`]: reads of files with a limit. [`runtime`]: the loop, the effects, the terminal, the journal.
//!
//! Rooms further up never use rooms further down but for the directions that `tests/architecture.rs` lists; `units`,
//! `fleet`, `insight`, `app`, `input` and `view` know neither clock nor network, terminal nor file.

pub mod app;
pub mod cli;
pub mod config;
pub mod export;
pub mod files;
pub mod fleet;
pub mod input;
pub mod insight;
pub mod runtime;
pub mod source;
pub mod ui;
pub mod units;
pub mod view;

// The rows of the tests name the library as the integration tests do.
#[cfg(test)]
extern crate self as batchtop;
#[cfg(test)]
#[path = "../tests/rows/mod.rs"]
mod rows;
