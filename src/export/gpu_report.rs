//! The document of `batchtop gpus`: the Nodes with accelerators and the sums, in the words of the snapshot.

use std::cmp::Reverse;

use schemars::JsonSchema;
use serde::Serialize;

use super::document::ApiVersion;
use super::gpus::GpuDetail;
use super::metadata::{self, Metadata};
use super::nodes::{self, Node};
use super::sources::{self, Source};
use super::totals::{self, Totals};
use crate::app::App;
use crate::insight::Completeness;

/// The kind of the document.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub enum Kind {
    /// The only one.
    GpuReport,
}

/// What the accelerators of a cluster do at one moment.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GpuReport {
    /// Version of this format.
    pub api_version: ApiVersion,
    /// Always `GpuReport`.
    pub kind: Kind,
    /// Of what, when, and how it was made.
    pub metadata: Metadata,
    /// How complete each source is.
    pub sources: Vec<Source>,
    /// Sums over the whole cluster.
    pub totals: Totals,
    /// Nodes with accelerators, each device listed, the most dollars for devices that do nothing first.
    pub nodes: Vec<Node>,
}

/// The report of everything that the App knows now.
pub fn gpu_report(app: &App) -> GpuReport {
    let known = Completeness::new(&app.sources);
    let evaluator = app.evaluator();
    let places = app.insights.drift_places(&app.inputs());
    let rows = app.fleet.nodes.iter().filter(|row| app.scope.has_node(row));
    let with_gpus = rows.filter(|row| app.insights.gpus.of_node(&row.meta.key.name).is_some());
    let mut nodes: Vec<Node> =
        with_gpus.map(|row| nodes::of(app, &known, &evaluator, GpuDetail::Devices, &places, row)).collect();
    nodes.sort_by(|a, b| worst_first(a).cmp(&worst_first(b)).then_with(|| a.name.cmp(&b.name)));
    GpuReport {
        api_version: ApiVersion::V1,
        kind: Kind::GpuReport,
        metadata: metadata::of(app),
        sources: sources::of(app),
        totals: totals::of(app, &known),
        nodes,
    }
}

/// By dollars for devices that do nothing, then those where Karpenter disagrees, then by dollars.
fn worst_first(node: &Node) -> (Reverse<i64>, Reverse<bool>, Reverse<i64>) {
    let gpu = node.gpu.as_ref();
    let disagrees = gpu.and_then(|gpu| gpu.disagrees).unwrap_or(false);
    let rate = node.cost.usd_per_hour.map_or(0, |usd| usd.0);
    (Reverse(node.wasted_on_gpus().unwrap_or(0)), Reverse(disagrees), Reverse(rate))
}

impl Node {
    /// What is paid for accelerators that nobody requests or that do nothing, in micro-dollars per hour; `None` while neither
    /// is known.
    pub fn wasted_on_gpus(&self) -> Option<i64> {
        let gpu = self.gpu.as_ref()?;
        let parts = [gpu.idle_usd_per_hour, gpu.unallocated_usd_per_hour];
        parts.into_iter().flatten().map(|usd| usd.0).reduce(i64::saturating_add)
    }
}
