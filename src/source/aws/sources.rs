//! The three Sources, their schedules, and how fast each may ask.

use std::path::PathBuf;
use std::time::Duration;

use super::api::Api;
use super::gate::Gate;
use super::watcher::{Special, Watcher};
use super::{ClusterNames, SOURCES, Wiring, Write};
use crate::fleet::SourceId;
use crate::units::Time;

/// Spot prices change slowly, but they are what is paid now.
const SPOT_PERIOD_SECONDS: i64 = 5 * 60;
/// As often as Karpenter and eks-node-viewer ask.
const ON_DEMAND_PERIOD_SECONDS: i64 = 12 * 60 * 60;
/// What an instance type has does not change; what EC2 says of it is sometimes put right.
const HARDWARE_PERIOD_SECONDS: i64 = 30 * 24 * 60 * 60;
/// A period is shortened by up to this part of it, so that many who started together do not come back together.
const JITTER_PART: i64 = 12;

/// Runs all three until one of them finds that nobody listens.
pub(super) async fn run<A: Api>(api: A, cache: Option<(PathBuf, Write)>, cluster: ClusterNames, wiring: Wiring) {
    let start = (wiring.clock)();
    let [spot, on_demand, hardware] = SOURCES.map(|source| {
        let special = Special {
            source,
            period: period(source, start),
            gate: gate(source),
            file: cache.as_ref().and_then(|(folder, write)| Some((folder.join(file(source)?), *write))),
            cluster: (source == SourceId::AwsSpotPrices).then(|| cluster.clone()),
        };
        Box::pin(Watcher::new(api.clone(), special, wiring.clone()).run())
    });
    tokio::select! {
        _ = spot => {}
        _ = on_demand => {}
        _ = hardware => {}
    }
}

/// How long an answer is good, in seconds; a session that starts at another moment gets another jitter.
fn period(source: SourceId, start: Time) -> i64 {
    match source {
        SourceId::AwsSpotPrices => SPOT_PERIOD_SECONDS,
        SourceId::AwsInstanceTypes => HARDWARE_PERIOD_SECONDS,
        _ => ON_DEMAND_PERIOD_SECONDS - start.micros().rem_euclid(ON_DEMAND_PERIOD_SECONDS / JITTER_PART),
    }
}

/// One request a second in the long run: of EC2, two Sources share it.
fn gate(source: SourceId) -> Gate {
    match source {
        SourceId::AwsOnDemandPrices => Gate::new(Duration::from_secs(1), 10),
        _ => Gate::new(Duration::from_secs(2), 5),
    }
}

/// Spot prices are not kept: those of five minutes ago are no use.
fn file(source: SourceId) -> Option<&'static str> {
    match source {
        SourceId::AwsOnDemandPrices => Some("aws-prices.json"),
        SourceId::AwsInstanceTypes => Some("aws-instance-types.json"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
