//! The four AWS Sources with their renewal periods and rate limits.

use std::path::PathBuf;
use std::time::Duration;

use super::api::Api;
use super::token_bucket::TokenBucket;
use super::watcher::{SourceSpec, Watcher};
use super::{ClusterNames, RunContext, SOURCES, Write};
use crate::fleet::SourceId;
use crate::units::Time;

/// Spot prices change slowly; a change applies to running instances, too.
const SPOT_PERIOD_SECONDS: i64 = 5 * 60;
/// The course of a week changes little in an hour.
const SPOT_HISTORY_PERIOD_SECONDS: i64 = 60 * 60;
/// The period of Karpenter and eks-node-viewer.
const ON_DEMAND_PERIOD_SECONDS: i64 = 12 * 60 * 60;
/// Hardware of an instance type does not change, but EC2 sometimes corrects its description.
const HARDWARE_PERIOD_SECONDS: i64 = 30 * 24 * 60 * 60;
/// The period is shortened by up to 1/12, so that sessions that started together do not renew together.
const JITTER_PART: i64 = 12;

/// Runs all four until the receiver of the reports is dropped.
pub(super) async fn run<A: Api>(api: A, cache: Option<(PathBuf, Write)>, cluster: ClusterNames, context: RunContext) {
    let start = (context.clock)();
    let [spot, on_demand, hardware, history] = SOURCES.map(|source| {
        let special = SourceSpec {
            source,
            period: period(source, start),
            bucket: token_bucket(source),
            file: cache.as_ref().and_then(|(folder, write)| Some((folder.join(file(source)?), *write))),
            cluster: (source == SourceId::AwsSpotPrices).then(|| cluster.clone()),
        };
        Box::pin(Watcher::new(api.clone(), special, context.clone()).run())
    });
    tokio::select! {
        _ = spot => {}
        _ = on_demand => {}
        _ = hardware => {}
        _ = history => {}
    }
}

/// Seconds between renewals; the jitter depends on the start of the session.
fn period(source: SourceId, start: Time) -> i64 {
    match source {
        SourceId::AwsSpotPrices => SPOT_PERIOD_SECONDS,
        SourceId::AwsSpotHistory => SPOT_HISTORY_PERIOD_SECONDS,
        SourceId::AwsInstanceTypes => HARDWARE_PERIOD_SECONDS,
        _ => ON_DEMAND_PERIOD_SECONDS - start.micros().rem_euclid(ON_DEMAND_PERIOD_SECONDS / JITTER_PART),
    }
}

/// One request a second per service in the long run; three Sources share EC2's.
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
