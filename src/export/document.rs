//! The document as a whole.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::claims::{self, NodeClaim};
use super::cold_starts::{self, ColdStart};
use super::cost::PodRates;
use super::events::{self, Event};
use super::findings::{self, Finding};
use super::gpus::GpuDetail;
use super::jobs::{self, Job};
use super::karpenter_next::{self, KarpenterNext};
use super::metadata::{self, Metadata};
use super::nodes::{self, Node};
use super::pods::{self, Pod};
use super::pools::{self, NodePool};
use super::sources::{self, Source};
use super::spot::{self, SpotPool};
use super::start_statistics::{self, ColdStartStats};
use super::totals::{self, Totals};
use crate::app::App;
use crate::fleet::Row;
use crate::insight::Completeness;

/// The version of the document's format.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub enum ApiVersion {
    /// The first one.
    #[serde(rename = "batchtop.io/v1")]
    V1,
}

/// The kind of the document.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub enum Kind {
    /// The only one.
    FleetSnapshot,
}

/// What batchtop knows of a cluster at one moment. Null means: not known now.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Version of this format.
    pub api_version: ApiVersion,
    /// Always `FleetSnapshot`.
    pub kind: Kind,
    /// Of what, when, and how it was made.
    pub metadata: Metadata,
    /// How complete each source is.
    pub sources: Vec<Source>,
    /// Sums over the whole cluster, whatever the lists are narrowed to.
    pub totals: Totals,
    /// Node objects, by name.
    pub nodes: Vec<Node>,
    /// NodeClaim objects, by name, with and without a Node.
    pub node_claims: Vec<NodeClaim>,
    /// Karpenter's next commands, as far as they can be told.
    pub karpenter_next: Vec<KarpenterNext>,
    /// NodePool objects, by name.
    pub node_pools: Vec<NodePool>,
    /// Pools of spot capacity, by instance type and zone.
    pub spot_pools: Vec<SpotPool>,
    /// Pod objects, by namespace and name.
    pub pods: Vec<Pod>,
    /// Job objects, by namespace and name.
    pub jobs: Vec<Job>,
    /// Events, the oldest first.
    pub events: Vec<Event>,
    /// Starts of pods that are neither of a DaemonSet nor mirror pods, by namespace and name: those that go on, and those of
    /// the newest pods, 2,000 in all.
    pub cold_starts: Vec<ColdStart>,
    /// Statistics over pulls and new machines, of earlier sessions, too; over the whole cluster whatever the lists are
    /// narrowed to.
    pub cold_start_stats: ColdStartStats,
    /// Mistakes and wastes, over the whole cluster whatever the lists are narrowed to, the gravest first.
    pub findings: Vec<Finding>,
}

/// The document of everything that the App knows now.
pub fn snapshot(app: &App, detail: GpuDetail) -> Snapshot {
    let (fleet, scope, known) = (&app.fleet, &app.scope, Completeness::new(&app.sources));
    let evaluator = app.evaluator();
    let rates = PodRates::new(app, &known);
    let places = app.insights.drift_places(&app.inputs());
    Snapshot {
        api_version: ApiVersion::V1,
        kind: Kind::FleetSnapshot,
        metadata: metadata::of(app),
        sources: sources::of(app),
        totals: totals::of(app, &known),
        nodes: list(fleet.nodes.iter().filter(|row| scope.has_node(row)), |row| {
            nodes::of(app, &known, &evaluator, detail, &places, row)
        }),
        node_claims: list(fleet.node_claims.iter().filter(|row| scope.has_claim(fleet, row)), |row| {
            claims::of(app, row)
        }),
        karpenter_next: karpenter_next::of(app),
        node_pools: list(scope.pools(fleet).into_iter(), |row| pools::of(app, &known, &evaluator, row)),
        spot_pools: spot::pools(app, &known),
        pods: list(fleet.pods.iter().filter(|row| scope.has_pod(row)), |row| {
            pods::of(app, &known, &evaluator, &rates, row)
        }),
        jobs: list(fleet.jobs.iter().filter(|row| scope.has_job(row)), |row| jobs::of(app, &known, &rates, row)),
        events: events::of(app),
        cold_starts: cold_starts::of(app, |_| true),
        cold_start_stats: start_statistics::of(app),
        findings: findings::of(app, &evaluator),
    }
}

/// Rows by namespace and name, each as it is written.
fn list<'a, R: Row + 'a, T>(rows: impl Iterator<Item = &'a R>, write: impl Fn(&R) -> T) -> Vec<T> {
    let mut rows: Vec<&R> = rows.collect();
    rows.sort_unstable_by_key(|row| &row.meta().key);
    rows.into_iter().map(write).collect()
}

/// The JSON schema of [`Snapshot`], as it is written: every field is there, further ones may come.
pub fn schema() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Snapshot>()
}
