//! `coldStartStats`.

use schemars::JsonSchema;
use serde::Serialize;

use super::value::{Seconds, Text, maybe_text, text};
use super::words::PhaseName;
use crate::app::App;
use crate::insight::cold_start::history::FailureKind;
use crate::insight::cold_start::{ImageStatistics, PoolStatistics};

/// What was observed of pulls and of new machines, now and in earlier sessions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ColdStartStats {
    /// By image, instance type and NodePool.
    pub images: Vec<ImageStats>,
    /// By name of the NodePool.
    pub node_pools: Vec<NodePoolStats>,
}

/// How an image comes to Nodes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageStats {
    /// The image, as specs name it.
    pub image: Text,
    /// The instance type of the Nodes.
    pub instance_type: Option<Text>,
    /// Their NodePool.
    pub node_pool: Option<Text>,
    /// Pulls that succeeded.
    pub pulls: u64,
    /// Starts that found it on their Node; they count in no percentile.
    pub cached: u64,
    /// Pulls that failed.
    pub failed: u64,
    /// The median of how long a pull takes (nearest rank).
    pub p50_pull_seconds: Option<Seconds>,
    /// What 95 of 100 pulls do not exceed.
    pub p95_pull_seconds: Option<Seconds>,
    /// Size as the newest pull told.
    pub bytes: Option<u64>,
    /// Over all pulls of which size and time are known.
    pub bytes_per_second: Option<u64>,
}

/// How the machines of a NodePool come to be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodePoolStats {
    /// The NodePool.
    pub node_pool: Text,
    /// Machines that were observed from request to initialized.
    pub nodes: u64,
    /// Their steps.
    pub phases: Vec<PhaseStats>,
    /// NodeClaims that became no machines.
    pub failures: LaunchFailures,
}

/// How long a step takes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PhaseStats {
    /// The step.
    pub name: PhaseName,
    /// The median (nearest rank).
    pub p50_seconds: u64,
    /// What 95 of 100 do not exceed.
    pub p95_seconds: u64,
}

/// How many NodeClaims became no machines, by why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct LaunchFailures {
    /// The cloud had none.
    pub insufficient_capacity: u64,
    /// Karpenter gave up before they were launched.
    pub launch_timeout: u64,
    /// Karpenter gave up before they had registered.
    pub registration_timeout: u64,
}

pub(super) fn of(app: &App) -> ColdStartStats {
    let statistics = app.insights.starts.history().statistics();
    ColdStartStats {
        images: statistics.images.iter().map(image).collect(),
        node_pools: statistics.pools.iter().map(pool).collect(),
    }
}

fn image(image: &ImageStatistics) -> ImageStats {
    ImageStats {
        image: text(&image.image),
        instance_type: maybe_text(image.instance_type.as_ref()),
        node_pool: maybe_text(image.pool.as_ref()),
        pulls: image.pulls,
        cached: image.cached,
        failed: image.failed,
        p50_pull_seconds: image.p50_millis.map(Seconds),
        p95_pull_seconds: image.p95_millis.map(Seconds),
        bytes: image.bytes,
        bytes_per_second: image.bytes_per_second,
    }
}

fn pool(pool: &PoolStatistics) -> NodePoolStats {
    let failed = |kind| pool.failures.get(&kind).copied().unwrap_or(0);
    let phase = |(name, p50_seconds, p95_seconds): &(_, u64, u64)| PhaseStats {
        name: PhaseName::from(*name),
        p50_seconds: *p50_seconds,
        p95_seconds: *p95_seconds,
    };
    NodePoolStats {
        node_pool: text(&pool.pool),
        nodes: pool.machines,
        phases: pool.phases.iter().map(phase).collect(),
        failures: LaunchFailures {
            insufficient_capacity: failed(FailureKind::InsufficientCapacity),
            launch_timeout: failed(FailureKind::LaunchTimeout),
            registration_timeout: failed(FailureKind::RegistrationTimeout),
        },
    }
}
