//! The JSON snapshot (`batchtop.io/v1`, `FleetSnapshot`) and its schema.
//!
//! One file per part of the document: the types as they are written, and how they come from Fleet and Picture. A field
//! enters in the change that fills it; adding is always allowed, renaming never. Null means: not known now.

mod claims;
mod cold_starts;
mod cost;
mod disruption;
mod document;
mod events;
mod findings;
mod gpu_report;
mod gpus;
mod jobs;
mod karpenter_next;
mod metadata;
mod nodes;
mod object;
mod pods;
mod pools;
mod rows;
mod sources;
mod spot;
mod start_report;
mod start_statistics;
#[cfg(test)]
mod tests;
mod totals;
mod value;
mod words;

pub use cold_starts::{ColdStart, Image, Phase};
pub use cost::Usd;
pub use document::{Snapshot, schema, snapshot};
pub use gpu_report::{GpuReport, gpu_report};
pub use gpus::{Gpu, GpuDetail};
pub use nodes::Node;
pub use rows::rows;
pub use spot::{SpotExplanation, explain_spot};
pub use start_report::{StartReport, start_report};
