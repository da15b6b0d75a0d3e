//! AWS: spot prices and their courses, on-demand prices, fees of EKS Auto Mode, Fargate rates and descriptions of instance types.
//!
//! Makes no request and looks for no credentials before a [`PriceDemand`] needs it. Four Sources run concurrently,
//! each with its own schedule. The AWS SDK is hidden behind the trait of `api`; which requests are made, when, and what
//! the responses mean is decided without it.

#[cfg(any(feature = "aws", test))]
mod account;
#[cfg(any(feature = "aws", test))]
mod agenda;
#[cfg(any(feature = "aws", test))]
mod api;
#[cfg(any(feature = "aws", test))]
mod cache;
#[cfg(any(feature = "aws", test))]
mod failure;
#[cfg(any(feature = "aws", test))]
mod fetch;
#[cfg(any(feature = "aws", test))]
mod hardware;
#[cfg(any(feature = "aws", test))]
mod products;
#[cfg(any(feature = "aws", test))]
mod query;
#[cfg(any(feature = "aws", test))]
mod request;
#[cfg(feature = "aws")]
mod sdk;
#[cfg(any(feature = "aws", test))]
mod sources;
#[cfg(any(feature = "aws", test))]
mod spot;
#[cfg(any(feature = "aws", test))]
mod token_bucket;
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

/// The Sources that read from AWS.
pub const SOURCES: [SourceId; 4] =
    [SourceId::AwsSpotPrices, SourceId::AwsOnDemandPrices, SourceId::AwsInstanceTypes, SourceId::AwsSpotHistory];

/// Returns the current time; an argument, so that tests can set it.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// Returns the kubeconfig's names of the cluster, one of which may be its ARN; may read files.
pub type ClusterNames = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

/// Writes a file atomically, readable by the user alone, and creates its folder if that is missing.
pub type Write = fn(&Path, &[u8]) -> io::Result<()>;

/// Whether AWS may be asked, and with what.
#[derive(Clone)]
pub enum Settings {
    /// The user has turned AWS off.
    Off {
        /// The flag or setting that did: `--no-aws`.
        by: &'static str,
    },
    /// AWS is asked once a demand needs it.
    On {
        /// Folder of the cache files and the function that writes them; `None` caches nothing on disk.
        cache: Option<(PathBuf, Write)>,
        /// Names of the cluster; the account in its ARN is compared with that of the credentials.
        cluster: ClusterNames,
    },
}

/// Channels and clock of [`run`].
#[derive(Clone)]
pub struct RunContext {
    /// Prices that are wanted now; those no longer in it are not asked for again.
    pub demand: watch::Receiver<PriceDemand>,
    /// The demand that each Source has answered.
    pub answered: watch::Sender<AnsweredDemands>,
    /// Receives the reports.
    pub sink: mpsc::Sender<(Epoch, Report)>,
    /// Connection that the reports belong to.
    pub epoch: Epoch,
    /// The clock, which tests replace.
    pub clock: Clock,
}

/// The demand that each Source has answered last. It is updated after the reports of the answer have been sent, so a
/// reader that sees a demand covered finds those reports in the channel, or has already received them.
#[derive(Clone, Debug, Default)]
pub struct AnsweredDemands {
    is_off: bool,
    by_source: BTreeMap<SourceId, PriceDemand>,
}

impl AnsweredDemands {
    /// Whether every Source has answered this demand, or has failed and waits to retry.
    pub fn covers(&self, demand: &PriceDemand) -> bool {
        self.is_off || SOURCES.iter().all(|source| self.by_source.get(source) == Some(demand))
    }

    #[cfg(any(feature = "aws", test))]
    fn note(&mut self, source: SourceId, demand: &PriceDemand) {
        self.by_source.insert(source, demand.clone());
    }
}

/// Asks AWS for the wanted prices until cancelled or until the receiver of the reports is dropped.
pub async fn run(settings: Settings, context: RunContext, cancel: CancellationToken) {
    // `None` means that it was cancelled; either way there is nothing left to do.
    let _ = cancel.run_until_cancelled(work(settings, context)).await;
}

#[cfg(feature = "aws")]
async fn work(settings: Settings, context: RunContext) {
    match settings {
        Settings::Off { by } => absent(context, &turned_off(by)).await,
        Settings::On { cache, cluster } => sources::run(sdk::Sdk::default(), cache, cluster, context).await,
    }
}

#[cfg(not(feature = "aws"))]
async fn work(settings: Settings, context: RunContext) {
    match settings {
        Settings::Off { by } => absent(context, &turned_off(by)).await,
        Settings::On { .. } => absent(context, "this build of batchtop has no AWS support").await,
    }
}

fn turned_off(by: &str) -> String {
    format!("turned off by {by}")
}

/// Reports each Source as absent, with the reason.
async fn absent(context: RunContext, why: &str) {
    for source in SOURCES {
        let health = Health { state: HealthState::Absent, message: Some(Sym::new(why)), ..Health::default() };
        if context.sink.send((context.epoch, Report::Health(source, health))).await.is_err() {
            return;
        }
    }
    context.answered.send_replace(AnsweredDemands { is_off: true, by_source: BTreeMap::new() });
}
