//! What the screens look like: snapshots of text and roles, and properties that hold for whatever a cluster says.

#![allow(missing_docs, clippy::wildcard_imports, clippy::expect_used, reason = "tests")]

mod chrome;
mod devices;
mod dialogs;
mod fixture;
mod hostile;
mod karpenter;
mod paint;
#[path = "../rows/mod.rs"]
mod rows;
mod screens;
mod spot;
mod starts;
mod themes;
