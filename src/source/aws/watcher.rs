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
use super::placement::{Book, BookFile, Place};
use super::query::{ApiCall, Query, api_calls, pricing_endpoint};
use super::request::{Answer, PriceItem, PriceRequest, changes, market_change, requests};
use super::token_bucket::TokenBucket;
use super::{AnsweredDemands, ClusterNames, RunContext, Write, account};
use crate::fleet::{Delta, Health, PriceChange, PriceDemand, Report, SourceId, SpotMarketChange, Sym};
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
    /// What limits new configurations of placement scores.
    pub(super) placement: Option<PlacementLimit>,
}

/// How many configurations of placement scores may be new within 24 hours, and where is kept what was asked for.
pub(super) struct PlacementLimit {
    pub(super) path: PathBuf,
    pub(super) write: Write,
    pub(super) most_new: usize,
}

/// The book of placement scores, opened.
struct OpenBook {
    file: BookFile,
    most_new: usize,
    book: Book,
    /// When something that is wanted may be asked for that may not be now.
    admits_at: Option<Time>,
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
    /// Set until the book has been opened.
    placement: Option<PlacementLimit>,
    book: Option<OpenBook>,
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
            placement: spec.placement,
            book: None,
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
            if self.book.is_some() {
                // What was refused is not asked for again.
                self.apply_demand(&demand).await?;
            }
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
        let admits_at = self.book.as_ref().and_then(|open| open.admits_at);
        let next = [self.agenda.next_round(), admits_at].into_iter().flatten().min();
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
        let (mut wanted, mut unavailable) = self.split_by_price_list(requests(self.source, demand));
        if let Some(region) = wanted.first().map(|request| request.region.clone()) {
            self.load_cache(&region).await;
            self.open_book(&region).await;
            (wanted, unavailable) = self.split_by_book(wanted, unavailable);
        }
        let new = self.agenda.set_requests(wanted, unavailable);
        let cached = new.iter().filter_map(|request| Some((request, self.agenda.cached(request)?)));
        let known: Vec<(PriceRequest, CachedAnswer)> =
            cached.map(|(request, cached)| (request.clone(), cached.clone())).collect();
        self.publish(known.iter().map(|(request, cached)| (request, &cached.answer, cached.as_of))).await
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

    /// Opens the book of placement scores, once; what it has of answers is cached. A book that cannot be read is told when
    /// something is asked.
    async fn open_book(&mut self, region: &Sym) {
        let Some(PlacementLimit { path, write, most_new }) = self.placement.take() else { return };
        let file = BookFile { path, write, endpoints: self.api.endpoints(region).await };
        let (loading, now) = (file.clone(), self.now());
        let loaded = tokio::task::spawn_blocking(move || loading.load(now).unwrap_or_default()).await;
        self.book = Some(OpenBook { file, most_new, book: loaded.unwrap_or_default(), admits_at: None });
    }

    /// Splits off the placement scores that may not be asked for now; returns the rest, and the reason for each NodePool.
    fn split_by_book(
        &mut self,
        wanted: BTreeSet<PriceRequest>,
        mut unavailable: BTreeMap<Sym, String>,
    ) -> (BTreeSet<PriceRequest>, BTreeMap<Sym, String>) {
        let now = self.now();
        let Some(open) = &mut self.book else { return (wanted, unavailable) };
        open.admits_at = None;
        // Each takes its place from those behind it.
        let (mut book, mut admitted) = (open.book.clone(), BTreeSet::new());
        for request in wanted {
            let Some(place) = place(&request) else { continue };
            match book.admit(&place, open.most_new, now) {
                Ok(()) => {
                    book.note_asked(place.clone(), now);
                    if let Some(cached) = open.book.answer(&place).filter(|_| self.agenda.cached(&request).is_none()) {
                        self.agenda.insert_answer(request.clone(), cached);
                    }
                    admitted.insert(request);
                }
                Err(at) => {
                    open.admits_at = Some(open.admits_at.map_or(at, |first| first.min(at)));
                    let why = format!("NodePool {} is not scored before {at}: {NO_MORE_TODAY}", request.item.name());
                    unavailable.insert(Sym::new(request.item.name()), why);
                }
            }
        }
        (admitted, unavailable)
    }

    /// Notes in the book, which other sessions write too, that a configuration is asked for now. `Ok(false)` where it may not be.
    async fn reserve(&mut self, place: &Place, now: Time) -> Result<bool, Failure> {
        let Some(open) = &mut self.book else { return Ok(true) };
        let (file, place, most_new) = (open.file.clone(), place.clone(), open.most_new);
        let reserved = tokio::task::spawn_blocking(move || -> std::io::Result<(Book, bool)> {
            let mut book = file.load(now)?;
            let is_admitted = book.admit(&place, most_new, now).is_ok();
            if is_admitted {
                book.note_asked(place, now);
                file.save(&book)?;
            }
            Ok((book, is_admitted))
        });
        let unusable = |error: String| Failure::NoBook(format!("{}: {error}", open.file.path.display()));
        let (book, is_admitted) = match reserved.await {
            Ok(Ok(reserved)) => reserved,
            Ok(Err(error)) => return Err(unusable(error.to_string())),
            Err(error) => return Err(unusable(error.to_string())),
        };
        open.book = book;
        Ok(is_admitted)
    }

    /// Changes the book, as other sessions have left it. Where that cannot be written, the next reservation says so.
    async fn note_in_book(&mut self, now: Time, note: impl FnOnce(&mut Book) + Send + 'static) {
        let Some(open) = &mut self.book else { return };
        let (file, before) = (open.file.clone(), open.book.clone());
        let noted = tokio::task::spawn_blocking(move || {
            let mut book = file.load(now).unwrap_or(before);
            note(&mut book);
            if let Err(error) = file.save(&book) {
                tracing::warn!(path = %file.path.display(), %error, "the book of placement scores cannot be saved");
            }
            book
        });
        if let Ok(book) = noted.await {
            open.book = book;
        }
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
            match self.run_call(&call).await {
                Ok(Some(found)) => self.accept_result(&call, found).await?,
                Ok(None) => {}
                Err(failure) => drop(failed.insert(call.region.clone(), failure)),
            }
        }
        Ok(failed.into_values().next().map_or(Ok(()), Err))
    }

    /// Makes one call; `None` where the limit of new configurations is reached, which the next demand is split by.
    async fn run_call(&mut self, call: &ApiCall) -> Result<Option<QueryResult>, Failure> {
        let now = self.now();
        let Query::Placement(configuration) = &call.query else {
            return fetch(&self.api, &mut self.bucket, call, now).await.map(Some);
        };
        let place = (call.region.clone(), configuration.clone());
        if !self.reserve(&place, now).await? {
            return Ok(None);
        }
        match fetch(&self.api, &mut self.bucket, call, now).await {
            Err(Failure::TooManyConfigurations(_)) => {
                self.note_in_book(now, move |book| book.note_refused(&place, now)).await;
                Ok(None)
            }
            Ok(found) => {
                if let Some((_, Answer::Placement(scores))) = found.answers.first() {
                    let scores = scores.clone();
                    self.note_in_book(now, move |book| book.note_scores(&place, scores, now)).await;
                }
                Ok(Some(found))
            }
            Err(failure) => Err(failure),
        }
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
        self.publish(wanted.map(|(request, answer)| (request, answer, as_of))).await?;
        answers
            .into_iter()
            .for_each(|(request, answer)| self.agenda.insert_answer(request, CachedAnswer { answer, as_of }));
        Ok(())
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

    /// Reports what answers say.
    async fn publish<'a>(
        &self,
        answers: impl Iterator<Item = (&'a PriceRequest, &'a Answer, Time)>,
    ) -> Result<(), Closed> {
        let (mut prices, mut market): (Vec<PriceChange>, Vec<SpotMarketChange>) = Default::default();
        for (request, answer, as_of) in answers {
            prices.extend(changes(request, answer, as_of));
            market.extend(market_change(request, answer, as_of));
        }
        if !prices.is_empty() {
            self.send(Report::Delta(Delta::Prices(prices))).await?;
        }
        for change in market {
            self.send(Report::Delta(Delta::SpotMarket(change))).await?;
        }
        Ok(())
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

/// Why a NodePool is not scored.
const NO_MORE_TODAY: &str = "AWS limits the new configurations within 24 hours";

/// What of a request is scored.
fn place(request: &PriceRequest) -> Option<Place> {
    match &request.item {
        PriceItem::Placement(_, configuration) => Some((request.region.clone(), configuration.clone())),
        _ => None,
    }
}

fn until(now: Time, at: Time) -> Duration {
    Duration::from_micros(u64::try_from(at.micros().saturating_sub(now.micros())).unwrap_or(0))
}
