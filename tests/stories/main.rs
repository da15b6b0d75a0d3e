//! Stories told in keys: a fleet, what somebody presses, and what they notice.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a story that goes wrong ends")]

mod cost;
mod desk;
mod devices;
mod dsl;
mod evicting;
mod fixture;
mod incidents;
mod karpenter;
mod keymaps;
mod keys;
mod lists;
mod logs;
mod moving;
mod properties;
#[path = "../rows/mod.rs"]
mod rows;
mod saving;
mod setting;
mod sorting;
mod spot;
mod starts;
mod tasks;
mod views;
mod writing;
