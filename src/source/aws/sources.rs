//! The five AWS Sources with their renewal periods and rate limits.

use std::path::PathBuf;
use std::time::Duration;

use super::api::Api;
use super::token_bucket::TokenBucket;
use super::watcher::{Closed, PlacementLimit, SourceSpec, Watcher};
use super::{ClusterNames, PlacementScores, RunContext, SOURCES, Write, absent};
use crate::fleet::SourceId;
use crate::units::Time;

/// Spot prices change slowly; a change applies to running instances, too.
const SPOT_PERIOD_SECONDS: i64 = 5 * 60;
/// The course of a week changes little in an hour.
const SPOT_HISTORY_PERIOD_SECONDS: i64 = 60 * 60;
/// A score is of its moment; EC2's own examples ask as often.
const PLACEMENT_PERIOD_SECONDS: i64 = 15 * 60;
/// The period of Karpenter and eks-node-viewer.
const ON_DEMAND_PERIOD_SECONDS: i64 = 12 * 60 * 60;
/// Hardware of an instance type does not change, but EC2 sometimes corrects its description.
const HARDWARE_PERIOD_SECONDS: i64 = 30 * 24 * 60 * 60;
/// The period is shortened by up to 1/12, so that sessions that started together do not renew together.
const JITTER_PART: i64 = 12;

/// What the Sources may ask and keep.
pub(super) struct SourceSettings {
    /// Folder of the cache files and the function that writes them; `None` caches nothing on disk.
    pub(super) cache: Option<(PathBuf, Write)>,
    /// Names of the cluster.
    pub(super) cluster: ClusterNames,
    /// Whether placement scores are asked for.
    pub(super) placement: PlacementScores,
}

/// Runs all five until the receiver of the reports is dropped.
pub(super) async fn run<A: Api>(api: A, settings: SourceSettings, context: RunContext) {
    let start = (context.clock)();
    let SourceSettings { cache, cluster, placement } = settings;
    let [spot, on_demand, hardware, history, placement] = SOURCES.map(|source| {
        let special = SourceSpec {
            source,
            period: period(source, start),
            bucket: token_bucket(source),
            file: cache.as_ref().and_then(|(folder, write)| Some((folder.join(file(source)?), *write))),
            cluster: (source == SourceId::AwsSpotPrices).then(|| cluster.clone()),
            placement: limit(source, &placement),
        };
        let (api, context, why) = (api.clone(), context.clone(), why_off(source, &placement));
        Box::pin(async move {
            match why {
                Some(why) => {
                    absent(&context, &[source], why).await;
                    context.sink.closed().await;
                }
                None => {
                    let Closed = Watcher::new(api, special, context).run().await;
                }
            }
        })
    });
    tokio::select! {
        () = spot => {}
        () = on_demand => {}
        () = hardware => {}
        () = history => {}
        () = placement => {}
    }
}

/// Why a Source asks nothing.
fn why_off(source: SourceId, placement: &PlacementScores) -> Option<&'static str> {
    match placement {
        PlacementScores::Off { why } if source == SourceId::AwsPlacementScores => Some(why),
        _ => None,
    }
}

/// What limits new configurations.
fn limit(source: SourceId, placement: &PlacementScores) -> Option<PlacementLimit> {
    match placement {
        PlacementScores::On { state: (folder, write), most_new } if source == SourceId::AwsPlacementScores => {
            Some(PlacementLimit { path: folder.join(PLACEMENT_FILE), write: *write, most_new: *most_new })
        }
        _ => None,
    }
}

/// Name of the file in the state folder.
const PLACEMENT_FILE: &str = "placement-scores.json";

/// Seconds between renewals; the jitter depends on the start of the session.
fn period(source: SourceId, start: Time) -> i64 {
    match source {
        SourceId::AwsSpotPrices => SPOT_PERIOD_SECONDS,
        SourceId::AwsSpotHistory => SPOT_HISTORY_PERIOD_SECONDS,
        SourceId::AwsPlacementScores => PLACEMENT_PERIOD_SECONDS,
        SourceId::AwsInstanceTypes => HARDWARE_PERIOD_SECONDS,
        _ => ON_DEMAND_PERIOD_SECONDS - start.micros().rem_euclid(ON_DEMAND_PERIOD_SECONDS / JITTER_PART),
    }
}

/// One request a second per service in the long run; four Sources share EC2's.
fn token_bucket(source: SourceId) -> TokenBucket {
    match source {
        SourceId::AwsOnDemandPrices => TokenBucket::new(Duration::from_secs(1), 10),
        // The last to be waited for, and asked for once an hour.
        SourceId::AwsSpotHistory => TokenBucket::new(Duration::from_secs(4), 3),
        _ => TokenBucket::new(Duration::from_secs(2), 5),
    }
}

/// Name of the cache file; spot prices are outdated after five minutes and not cached.
fn file(source: SourceId) -> Option<&'static str> {
    match source {
        SourceId::AwsOnDemandPrices => Some("aws-prices.json"),
        SourceId::AwsInstanceTypes => Some("aws-instance-types.json"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
