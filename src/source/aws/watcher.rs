//! The loop of one AWS Source: makes the requests that are due, and reports prices and health.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::agenda::{Agenda, CachedAnswer};
use super::api::Api;
use super::cache::Cache;
use super::failure::Failure;
use super::fetch::{QueryResult, fetch};
use super::query::{ApiCall, api_calls, pricing_endpoint};
use super::request::{Answer, PriceRequest, changes, requests};
use super::token_bucket::TokenBucket;
use super::{AnsweredDemands, ClusterNames, RunContext, Write, account};
use crate::fleet::{Delta, Health, PriceChange, PriceDemand, Report, SourceId, Sym};
use crate::units::Time;

/// The receiver of the reports, or the sender of the demand, has been dropped.
pub(super) struct Closed;

/// Parameters in which the AWS Sources differ.
pub(super) struct SourceSpec {
    pub(super) source: SourceId,
    /// Seconds after which an answer is asked for again.
    pub(super) period: i64,
    pub(super) bucket: TokenBucket,
    /// Cache file and the function that writes it; `None` caches nothing on disk.
    pub(super) file: Option<(PathBuf, Write)>,
    /// Names of the cluster, if its account has to be checked.
    pub(super) cluster: Option<ClusterNames>,
}

/// State of one running Source.
pub(super) struct Watcher<A> {
    source: SourceId,
    api: A,
    bucket: TokenBucket,
    agenda: Agenda,
    file: Option<(PathBuf, Write)>,
    /// Set once the endpoints of the answers are known.
    cache: Option<Cache>,
    /// Set until the account has been checked.
    cluster: Option<ClusterNames>,
    demand: watch::Receiver<PriceDemand>,
    answered: watch::Sender<AnsweredDemands>,
    context: RunContext,
    /// The health that was reported last.
    published_health: Option<Health>,
}

/// Longest sleep of the loop: timers stop while a laptop sleeps, so the wall clock has to be read now and then.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

impl<A: Api> Watcher<A> {
    pub(super) fn new(api: A, spec: SourceSpec, context: RunContext) -> Self {
        Self {
            source: spec.source,
            api,
            bucket: spec.bucket,
            agenda: Agenda::new(spec.period),
            file: spec.file,
            cache: None,
            cluster: spec.cluster,
            demand: context.demand.clone(),
            answered: context.answered.clone(),
            context,
            published_health: None,
        }
    }

    /// Runs until the receiver of the reports is dropped.
    pub(super) async fn run(mut self) -> Closed {
        loop {
            if let Err(closed) = self.step().await {
                return closed;
            }
        }
    }

    async fn step(&mut self) -> Result<(), Closed> {
        let demand = self.demand.borrow_and_update().clone();
        self.apply_demand(&demand).await?;
        let (now, next) = (self.now(), self.agenda.next_round());
        if next.is_some_and(|at| at <= now) {
            self.round(now).await?;
        }
        self.publish_health().await?;
        let now = self.now();
        if self.agenda.is_settled(now) {
            self.answered.send_modify(|answered| answered.note(self.source, &demand));
        }
        self.wait_for_work(now).await
    }

    /// Sleeps until the next round is due or the demand changes.
    async fn wait_for_work(&mut self, now: Time) -> Result<(), Closed> {
        let next = self.agenda.next_round();
        let wait = async {
            match next {
                Some(at) => sleep(until(now, at).min(LONGEST_SLEEP)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = self.demand.changed() => {
                // After a change of the demand the health is reported even if it is the same as before.
                self.published_health = None;
                changed.map_err(|_| Closed)
            }
            () = wait => Ok(()),
        }
    }

    fn now(&self) -> Time {
        (self.context.clock)()
    }

    /// Replaces the demand; reports the answers that are already cached.
    async fn apply_demand(&mut self, demand: &PriceDemand) -> Result<(), Closed> {
        let (wanted, unavailable) = self.split_by_price_list(requests(self.source, demand));
        if let Some(region) = wanted.first().map(|request| request.region.clone()) {
            self.load_cache(&region).await;
        }
        let new = self.agenda.set_requests(wanted, unavailable);
        let cached = new.iter().filter_map(|request| Some((request, self.agenda.cached(request)?)));
        let prices = cached.flat_map(|(request, cached)| changes(request, &cached.answer, cached.as_of)).collect();
        self.publish_prices(prices).await
    }

    /// Splits off the requests for regions without a price list; returns the rest, and the reason for each such region.
    fn split_by_price_list(&self, wanted: BTreeSet<PriceRequest>) -> (BTreeSet<PriceRequest>, BTreeMap<Sym, String>) {
        if self.source != SourceId::AwsOnDemandPrices {
            return (wanted, BTreeMap::new());
        }
        let (offered, not_offered): (BTreeSet<PriceRequest>, BTreeSet<PriceRequest>) =
            wanted.into_iter().partition(|request| pricing_endpoint(&request.region).is_some());
        let why = |region: &Sym| format!("not available: AWS has no Price List endpoint for {region} (GovCloud)");
        (offered, not_offered.into_iter().map(|request| (request.region.clone(), why(&request.region))).collect())
    }

    /// Loads the cache file, once.
    async fn load_cache(&mut self, region: &Sym) {
        let Some((path, write)) = self.file.take() else { return };
        let cache = Cache { path, write, endpoints: self.api.endpoints(region).await };
        let (loading, now) = (cache.clone(), self.now());
        let loaded = tokio::task::spawn_blocking(move || loading.load(now)).await.unwrap_or_default();
        loaded.into_iter().for_each(|(request, cached)| self.agenda.insert_answer(request, cached));
        self.cache = Some(cache);
    }

    async fn round(&mut self, now: Time) -> Result<(), Closed> {
        let due = self.agenda.begin_round(now);
        self.publish_health().await?;
        let outcome = self.run_calls(api_calls(due)).await?;
        let is_well = outcome.is_ok();
        let now = self.now();
        self.agenda.end_round(outcome, now);
        self.save_cache(now).await;
        if is_well {
            self.check_account().await;
        }
        Ok(())
    }

    /// Makes all calls. After a failure the other calls to that region are skipped; other regions are still asked.
    async fn run_calls(&mut self, api_calls: Vec<ApiCall>) -> Result<Result<(), Failure>, Closed> {
        let mut failed = BTreeMap::new();
        for call in api_calls {
            if failed.contains_key(&call.region) || failed.values().any(Failure::is_about_credentials) {
                continue;
            }
            let now = self.now();
            match fetch(&self.api, &mut self.bucket, &call, now).await {
                Ok(found) => self.accept_result(&call, found).await?,
                Err(failure) => drop(failed.insert(call.region.clone(), failure)),
            }
        }
        Ok(failed.into_values().next().map_or(Ok(()), Err))
    }

    async fn accept_result(&mut self, call: &ApiCall, found: QueryResult) -> Result<(), Closed> {
        let as_of = self.now();
        self.agenda.count_unreadable(&call.region, found.unreadable);
        if found.is_truncated {
            self.agenda.note_truncated(&call.region);
        }
        let mut answers: BTreeMap<PriceRequest, Answer> =
            call.answers.iter().map(|request| (request.clone(), Answer::Nothing)).collect();
        let of_region = |item| PriceRequest { region: call.region.clone(), item };
        answers.extend(found.answers.into_iter().map(|(item, answer)| (of_region(item), answer)));
        let wanted = answers.iter().filter(|(request, _)| self.agenda.is_wanted(request));
        let prices = wanted.flat_map(|(request, answer)| changes(request, answer, as_of)).collect();
        answers
            .into_iter()
            .for_each(|(request, answer)| self.agenda.insert_answer(request, CachedAnswer { answer, as_of }));
        self.publish_prices(prices).await
    }

    /// Saves the cache file. Without it the next session only has to ask again, so an error is logged and ignored.
    async fn save_cache(&self, now: Time) {
        let Some(cache) = self.cache.clone() else { return };
        let answers: Vec<(PriceRequest, CachedAnswer)> =
            self.agenda.all_cached().map(|(request, cached)| (request.clone(), cached.clone())).collect();
        let saved = tokio::task::spawn_blocking(move || {
            cache.save(&answers, now).map_err(|error| (cache.path.display().to_string(), error))
        });
        if let Ok(Err((path, error))) = saved.await {
            tracing::warn!(path, %error, "the cache of AWS answers cannot be saved");
        }
    }

    /// Checks once whether the credentials belong to the cluster's account; silent if that cannot be determined.
    async fn check_account(&mut self) {
        let Some(cluster) = self.cluster.take() else { return };
        let names = tokio::task::spawn_blocking(move || cluster()).await.unwrap_or_default();
        let cluster_account = names.iter().find_map(|name| account::cluster_account(name));
        let (Some(cluster_account), Some(region)) = (cluster_account, self.agenda.any_region()) else { return };
        if let Ok(credentials_account) = self.api.account(&region).await
            && let Some(warning) = account::warning(cluster_account, &credentials_account)
        {
            self.agenda.set_note(warning);
        }
    }

    async fn publish_prices(&self, prices: Vec<PriceChange>) -> Result<(), Closed> {
        if prices.is_empty() {
            return Ok(());
        }
        self.send(Report::Delta(Delta::Prices(prices))).await
    }

    /// Reports the health if it has changed.
    async fn publish_health(&mut self) -> Result<(), Closed> {
        let health = self.agenda.health(self.now());
        if self.published_health.as_ref() == Some(&health) {
            return Ok(());
        }
        self.send(Report::Health(self.source, health.clone())).await?;
        self.published_health = Some(health);
        Ok(())
    }

    async fn send(&self, report: Report) -> Result<(), Closed> {
        self.context.sink.send((self.context.epoch, report)).await.map_err(|_| Closed)
    }
}

fn until(now: Time, at: Time) -> Duration {
    Duration::from_micros(u64::try_from(at.micros().saturating_sub(now.micros())).unwrap_or(0))
}
