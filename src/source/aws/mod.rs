//! AWS: spot prices, on-demand prices, fees of EKS Auto Mode, Fargate's rates, and what EC2 says of instance types.
//!
//! Nothing is asked before a [`PriceDemand`] names it, and no credentials are looked for. Three Sources work side by
//! side, each with its own schedule; the library that carries the requests stands behind `api`, apart from everything
//! that decides what is asked, when, and what the answers mean.

#[cfg(any(feature = "aws", test))]
mod account;
#[cfg(any(feature = "aws", test))]
mod agenda;
#[cfg(any(feature = "aws", test))]
mod api;
#[cfg(any(feature = "aws", test))]
mod ask;
#[cfg(any(feature = "aws", test))]
mod cache;
#[cfg(any(feature = "aws", test))]
mod failure;
#[cfg(any(feature = "aws", test))]
mod fetch;
#[cfg(any(feature = "aws", test))]
mod gate;
#[cfg(any(feature = "aws", test))]
mod hardware;
#[cfg(any(feature = "aws", test))]
mod products;
#[cfg(feature = "aws")]
mod sdk;
#[cfg(any(feature = "aws", test))]
mod sources;
#[cfg(any(feature = "aws", test))]
mod spot;
#[cfg(any(feature = "aws", test))]
mod wants;
#[cfg(any(feature = "aws", test))]
mod watcher;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::fleet::{Epoch, Health, HealthState, PriceDemand, Report, SourceId, Sym};
use crate::units::Time;

/// The Sources that AWS is behind.
pub const SOURCES: [SourceId; 3] = [SourceId::AwsSpotPrices, SourceId::AwsOnDemandPrices, SourceId::AwsInstanceTypes];

/// Tells the time; given from outside, so that tests decide what it is.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// Finds the names that the kubeconfig has for the cluster, of which one may be its ARN; may read files.
pub type ClusterNames = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

/// Writes a file so that it is never half-written, readable by the user alone.
pub type Write = fn(&Path, &[u8]) -> io::Result<()>;

/// Whether AWS is asked at all.
#[derive(Clone)]
pub enum Settings {
    /// The user does not want it.
    Off {
        /// How that was said: `--no-aws`.
        by: &'static str,
    },
    /// It is, once something is wanted of it.
    On {
        /// The folder in which answers are kept, and how files in it are written; `None` keeps nothing.
        cache: Option<(PathBuf, Write)>,
        /// The cluster, whose account is compared with that of the credentials.
        cluster: ClusterNames,
    },
}

/// What [`run`] works with.
#[derive(Clone)]
pub struct Wiring {
    /// What is wanted. Of what is wanted no more, nothing is asked any more.
    pub demand: watch::Receiver<PriceDemand>,
    /// Which demand has been answered.
    pub answered: watch::Sender<Answered>,
    /// Where reports go.
    pub sink: mpsc::Sender<(Epoch, Report)>,
    /// The connection they belong to.
    pub epoch: Epoch,
    /// The clock.
    pub clock: Clock,
}

/// How far a demand has been answered: whoever sees that it has finds the last report of each Source in the channel, or
/// has taken it out already.
#[derive(Clone, Debug, Default)]
pub struct Answered {
    is_off: bool,
    by_source: BTreeMap<SourceId, PriceDemand>,
}

impl Answered {
    /// Whether no answer to this demand is to be expected any more, but for one after a failure's wait.
    pub fn covers(&self, demand: &PriceDemand) -> bool {
        self.is_off || SOURCES.iter().all(|source| self.by_source.get(source) == Some(demand))
    }

    #[cfg(any(feature = "aws", test))]
    fn note(&mut self, source: SourceId, demand: &PriceDemand) {
        self.by_source.insert(source, demand.clone());
    }
}

/// Asks AWS for what is wanted, until cancelled or until nobody listens.
pub async fn run(settings: Settings, wiring: Wiring, cancel: CancellationToken) {
    // Whether it was cancelled or nobody listens makes no difference any more.
    let _ = cancel.run_until_cancelled(work(settings, wiring)).await;
}

#[cfg(feature = "aws")]
async fn work(settings: Settings, wiring: Wiring) {
    match settings {
        Settings::Off { by } => absent(wiring, &left_out(by)).await,
        Settings::On { cache, cluster } => sources::run(sdk::Sdk::default(), cache, cluster, wiring).await,
    }
}

#[cfg(not(feature = "aws"))]
async fn work(settings: Settings, wiring: Wiring) {
    match settings {
        Settings::Off { by } => absent(wiring, &left_out(by)).await,
        Settings::On { .. } => absent(wiring, "this build has no AWS").await,
    }
}

fn left_out(by: &str) -> String {
    format!("left out: {by}")
}

/// Says why, and nothing more.
async fn absent(wiring: Wiring, why: &str) {
    for source in SOURCES {
        let health = Health { state: HealthState::Absent, message: Some(Sym::new(why)), ..Health::default() };
        if wiring.sink.send((wiring.epoch, Report::Health(source, health))).await.is_err() {
            return;
        }
    }
    wiring.answered.send_replace(Answered { is_off: true, by_source: BTreeMap::new() });
}
