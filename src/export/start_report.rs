//! The document of `batchtop starts`: the starts of pods, in the words of the snapshot.

use std::cmp::Reverse;

use schemars::JsonSchema;
use serde::Serialize;

use super::cold_starts::{self, ColdStart};
use super::document::ApiVersion;
use super::metadata::{self, Metadata};
use super::sources::{self, Source};
use super::start_statistics::{self, ColdStartStats};
use crate::app::App;
use crate::fleet::PodRow;

/// The kind of the document.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub enum Kind {
    /// The only one.
    StartReport,
}

/// Where the time of starts went.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartReport {
    /// Version of this format.
    pub api_version: ApiVersion,
    /// Always `StartReport`.
    pub kind: Kind,
    /// Of what, when, and how it was made.
    pub metadata: Metadata,
    /// How complete each source is.
    pub sources: Vec<Source>,
    /// The starts: those that go on first, then by dollars and by time.
    pub cold_starts: Vec<ColdStart>,
    /// Statistics over pulls and new machines, of earlier sessions, too.
    pub cold_start_stats: ColdStartStats,
}

/// The report on the pods that are wanted.
pub fn start_report(app: &App, is_wanted: impl Fn(&PodRow) -> bool) -> StartReport {
    let mut cold_starts = cold_starts::of(app, is_wanted);
    cold_starts.sort_by_key(worst_first);
    StartReport {
        api_version: ApiVersion::V1,
        kind: Kind::StartReport,
        metadata: metadata::of(app),
        sources: sources::of(app),
        cold_starts,
        cold_start_stats: start_statistics::of(app),
    }
}

fn worst_first(start: &ColdStart) -> (bool, Reverse<i64>, Reverse<i64>) {
    (start.open_phase.is_none(), Reverse(start.usd_waiting.map_or(0, |usd| usd.0)), Reverse(start.total_seconds))
}
