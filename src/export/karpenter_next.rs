//! `karpenterNext[]`: from which nodes Karpenter's next commands come.

use schemars::JsonSchema;
use serde::Serialize;

use super::value::{Stamp, Text, text};
use super::words::{Command, DisruptionReason};
use crate::app::App;
use crate::insight::disruption::NextCommand;

/// Karpenter's next command of one reason, as long as nothing but the time changes. Commands of consolidation are not told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KarpenterNext {
    /// The reason.
    pub reason: DisruptionReason,
    /// The Nodes from which it comes, those first that Karpenter tries first.
    pub nodes: Vec<Text>,
    /// Not before this.
    pub from: Stamp,
    /// Not after this; null where that cannot be told.
    pub to: Option<Stamp>,
    /// What it does; null where Karpenter's simulation decides that.
    pub command: Option<Command>,
    /// What it rests on.
    pub basis: Basis,
    /// What is known, in one sentence.
    pub message: String,
}

/// What is known of a command rests on this.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub enum Basis {
    /// The order in which Karpenter goes through its candidates.
    Exact,
}

/// All that can be told; nothing where not everything is known that decides about Nodes.
pub(super) fn of(app: &App) -> Vec<KarpenterNext> {
    app.insights.next_commands(&app.inputs()).iter().flatten().map(written).collect()
}

fn written(found: &NextCommand) -> KarpenterNext {
    KarpenterNext {
        reason: found.reason.into(),
        nodes: found.nodes.iter().map(text).collect(),
        from: Stamp(found.from),
        to: found.to.map(Stamp),
        command: found.command.map(Into::into),
        basis: Basis::Exact,
        message: found.message.machine_text(),
    }
}
