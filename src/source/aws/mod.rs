//! AWS: spot prices and their courses, placement scores, on-demand prices, fees of EKS Auto Mode, Fargate rates and descriptions
//! of instance types.
//!
//! Makes no request and looks for no credentials before a [`PriceDemand`] needs it. Five Sources run concurrently,
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
mod placement;
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

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::fleet::{Epoch, Health, HealthState, PriceDemand, Report, SourceId, Sym};
use crate::units::Time;

/// The Sources that read from AWS.
pub const SOURCES: [SourceId; 5] = [
    SourceId::AwsSpotPrices,
    SourceId::AwsOnDemandPrices,
    SourceId::AwsInstanceTypes,
    SourceId::AwsSpotHistory,
    SourceId::AwsPlacementScores,
];

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
        /// Whether placement scores are asked for.
        placement: PlacementScores,
    },
}

/// Whether placement scores are asked for: AWS limits them, and others of the account may want them.
#[derive(Clone, Debug)]
pub enum PlacementScores {
    /// They are not.
    Off {
        /// Why, in words for the list of Sources.
        why: &'static str,
    },
    /// They are, and no more than `most_new` new configurations within 24 hours, over all sessions.
    On {
        /// Folder of the file in which is kept what was asked for, and the function that writes it.
        state: (PathBuf, Write),
        /// At least one.
        most_new: usize,
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
    /// Sources that are turned off.
    off: BTreeSet<SourceId>,
    by_source: BTreeMap<SourceId, PriceDemand>,
}

impl AnsweredDemands {
    /// Whether every Source has answered this demand, or has failed and waits to retry.
    pub fn covers(&self, demand: &PriceDemand) -> bool {
        let is_answered = |source: &SourceId| self.off.contains(source) || self.by_source.get(source) == Some(demand);
        SOURCES.iter().all(is_answered)
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
        Settings::Off { by } => absent(&context, &SOURCES, &turned_off(by)).await,
        Settings::On { cache, cluster, placement } => {
            let settings = sources::SourceSettings { cache, cluster, placement };
            sources::run(sdk::Sdk::default(), settings, context).await;
        }
    }
}

#[cfg(not(feature = "aws"))]
async fn work(settings: Settings, context: RunContext) {
    match settings {
        Settings::Off { by } => absent(&context, &SOURCES, &turned_off(by)).await,
        Settings::On { .. } => absent(&context, &SOURCES, "this build of batchtop has no AWS support").await,
    }
}

fn turned_off(by: &str) -> String {
    format!("turned off by {by}")
}

/// Reports these Sources as absent, with the reason.
async fn absent(context: &RunContext, sources: &[SourceId], why: &str) {
    for source in sources.iter().copied() {
        let health = Health { state: HealthState::Absent, message: Some(Sym::new(why)), ..Health::default() };
        if context.sink.send((context.epoch, Report::Health(source, health))).await.is_err() {
            return;
        }
    }
    context.answered.send_modify(|answered| answered.off.extend(sources));
}
