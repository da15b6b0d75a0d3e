//! `sources[]`.

use schemars::JsonSchema;
use serde::Serialize;

use super::value::{Stamp, Text, maybe_text};
use super::words::SourceState;
use crate::app::App;
use crate::fleet::{Health, Kind, SourceId};

/// How complete one source is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// The resource it reads, for example `nodes`.
    pub name: String,
    /// State of the source.
    pub state: SourceState,
    /// Objects it holds, or has read so far.
    pub objects: u64,
    /// When it was last known to be right.
    pub as_of: Option<Stamp>,
    /// What is wrong, or what was left out on purpose.
    pub message: Option<Text>,
    /// Objects that are missing here: not decodable, or forgotten because there were too many.
    pub dropped: u64,
}

pub(super) fn of(app: &App) -> Vec<Source> {
    let mut sources: Vec<Source> = app.sources.iter().map(|(id, health)| source(app, *id, health)).collect();
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    sources
}

fn source(app: &App, id: SourceId, health: &Health) -> Source {
    let forgotten = if id == SourceId::Kind(Kind::Event) { app.fleet.events.dropped() } else { 0 };
    Source {
        name: id.name().to_owned(),
        state: SourceState(health.state),
        objects: health.objects,
        as_of: health.as_of.map(Stamp),
        message: maybe_text(health.message.as_ref()),
        dropped: health.undecodable.saturating_add(forgotten),
    }
}
