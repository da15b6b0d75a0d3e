//! One Source of AWS: asks what is wanted, when it is due, and tells what it hears.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::agenda::{Agenda, Known};
use super::api::Api;
use super::ask::{Ask, asks, pricing_endpoint};
use super::cache::Cache;
use super::failure::Failure;
use super::fetch::{Found, fetch};
use super::gate::Gate;
use super::wants::{Answer, Want, changes, wants};
use super::{Answered, ClusterNames, Wiring, Write, account};
use crate::fleet::{Delta, Health, PriceChange, PriceDemand, Report, SourceId, Sym};
use crate::units::Time;

/// Nobody listens any more.
pub(super) struct Closed;

/// A Source and what is special about it.
pub(super) struct Special {
    pub(super) source: SourceId,
    /// How long an answer is good, in seconds.
    pub(super) period: i64,
    pub(super) gate: Gate,
    /// Where answers are kept, and how they are written.
    pub(super) file: Option<(PathBuf, Write)>,
    /// The cluster, where its account matters.
    pub(super) cluster: Option<ClusterNames>,
}

/// One Source at work.
pub(super) struct Watcher<A> {
    source: SourceId,
    api: A,
    gate: Gate,
    agenda: Agenda,
    file: Option<(PathBuf, Write)>,
    /// Once it is known which endpoints its answers come from.
    cache: Option<Cache>,
    /// As long as its account has not been looked at.
    cluster: Option<ClusterNames>,
    demand: watch::Receiver<PriceDemand>,
    answered: watch::Sender<Answered>,
    wiring: Wiring,
    told: Option<Health>,
}

/// The clock is looked at this often at least: it goes on while a laptop sleeps, and timers do not.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

impl<A: Api> Watcher<A> {
    pub(super) fn new(api: A, special: Special, wiring: Wiring) -> Self {
        Self {
            source: special.source,
            api,
            gate: special.gate,
            agenda: Agenda::new(special.period),
            file: special.file,
            cache: None,
            cluster: special.cluster,
            demand: wiring.demand.clone(),
            answered: wiring.answered.clone(),
            wiring,
            told: None,
        }
    }

    /// Works until nobody listens.
    pub(super) async fn run(mut self) -> Closed {
        loop {
            if let Err(closed) = self.turn().await {
                return closed;
            }
        }
    }

    async fn turn(&mut self) -> Result<(), Closed> {
        let demand = self.demand.borrow_and_update().clone();
        self.adopt(&demand).await?;
        let (now, next) = (self.now(), self.agenda.next_round());
        if next.is_some_and(|at| at <= now) {
            self.round(now).await?;
        }
        self.tell().await?;
        let now = self.now();
        if self.agenda.is_settled(now) {
            self.answered.send_modify(|answered| answered.note(self.source, &demand));
        }
        self.rest(now).await
    }

    /// Until the next round is due, or something else is wanted.
    async fn rest(&mut self, now: Time) -> Result<(), Closed> {
        let next = self.agenda.next_round();
        let wait = async {
            match next {
                Some(at) => sleep(until(now, at).min(LONGEST_SLEEP)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = self.demand.changed() => {
                // Whoever wants something else expects a word on it, even if it is the same as before.
                self.told = None;
                changed.map_err(|_| Closed)
            }
            () = wait => Ok(()),
        }
    }

    fn now(&self) -> Time {
        (self.wiring.clock)()
    }

    /// From now on this is wanted; what is known of it is told at once.
    async fn adopt(&mut self, demand: &PriceDemand) -> Result<(), Closed> {
        let (wanted, unavailable) = self.offered(wants(self.source, demand));
        if let Some(region) = wanted.first().map(|want| want.region.clone()) {
            self.recall(&region).await;
        }
        let new = self.agenda.want(wanted, unavailable);
        let known = new.iter().filter_map(|want| Some((want, self.agenda.known(want)?)));
        let prices = known.flat_map(|(want, known)| changes(want, &known.answer, known.as_of)).collect();
        self.tell_prices(prices).await
    }

    /// What is wanted and AWS has an endpoint for, and why not the rest.
    fn offered(&self, wanted: BTreeSet<Want>) -> (BTreeSet<Want>, BTreeMap<Sym, String>) {
        if self.source != SourceId::AwsOnDemandPrices {
            return (wanted, BTreeMap::new());
        }
        let (offered, not): (BTreeSet<Want>, BTreeSet<Want>) =
            wanted.into_iter().partition(|want| pricing_endpoint(&want.region).is_some());
        let why = |region: &Sym| format!("not available: AWS has no price list for {region} (GovCloud)");
        (offered, not.into_iter().map(|want| (want.region.clone(), why(&want.region))).collect())
    }

    /// Reads what was kept, once.
    async fn recall(&mut self, region: &Sym) {
        let Some((path, write)) = self.file.take() else { return };
        let cache = Cache { path, write, endpoints: self.api.endpoints(region).await };
        let (reading, now) = (cache.clone(), self.now());
        let kept = tokio::task::spawn_blocking(move || reading.load(now)).await.unwrap_or_default();
        kept.into_iter().for_each(|(want, known)| self.agenda.learn(want, known));
        self.cache = Some(cache);
    }

    async fn round(&mut self, now: Time) -> Result<(), Closed> {
        let due = self.agenda.begin_round(now);
        self.tell().await?;
        let outcome = self.ask_all(asks(due)).await?;
        let is_well = outcome.is_ok();
        let now = self.now();
        self.agenda.end_round(outcome, now);
        self.keep(now).await;
        if is_well {
            self.check_account().await;
        }
        Ok(())
    }

    /// A region that fails is left alone until the next round; the others get their turn.
    async fn ask_all(&mut self, asks: Vec<Ask>) -> Result<Result<(), Failure>, Closed> {
        let mut failed = BTreeMap::new();
        for ask in asks {
            if failed.contains_key(&ask.region) || failed.values().any(Failure::is_about_credentials) {
                continue;
            }
            let now = self.now();
            match fetch(&self.api, &mut self.gate, &ask, now).await {
                Ok(found) => self.learn(&ask, found).await?,
                Err(failure) => drop(failed.insert(ask.region.clone(), failure)),
            }
        }
        Ok(failed.into_values().next().map_or(Ok(()), Err))
    }

    async fn learn(&mut self, ask: &Ask, found: Found) -> Result<(), Closed> {
        let as_of = self.now();
        self.agenda.count_unreadable(&ask.region, found.unreadable);
        if found.is_cut_short {
            self.agenda.note_cut_short(&ask.region);
        }
        let mut answers: BTreeMap<Want, Answer> =
            ask.answers.iter().map(|want| (want.clone(), Answer::Nothing)).collect();
        let of_region = |what| Want { region: ask.region.clone(), what };
        answers.extend(found.answers.into_iter().map(|(what, answer)| (of_region(what), answer)));
        let wanted = answers.iter().filter(|(want, _)| self.agenda.is_wanted(want));
        let prices = wanted.flat_map(|(want, answer)| changes(want, answer, as_of)).collect();
        answers.into_iter().for_each(|(want, answer)| self.agenda.learn(want, Known { answer, as_of }));
        self.tell_prices(prices).await
    }

    /// Losing it costs nothing but requests of the next session, so a failure only leaves a trace in the log.
    async fn keep(&self, now: Time) {
        let Some(cache) = self.cache.clone() else { return };
        let answers: Vec<(Want, Known)> =
            self.agenda.all_known().map(|(want, known)| (want.clone(), known.clone())).collect();
        let saved = tokio::task::spawn_blocking(move || {
            cache.save(&answers, now).map_err(|error| (cache.path.display().to_string(), error))
        });
        if let Ok(Err((path, error))) = saved.await {
            tracing::warn!(path, %error, "what AWS told is not kept");
        }
    }

    /// Once: whether the credentials are of the cluster's account. Not knowing is not worth a word.
    async fn check_account(&mut self) {
        let Some(cluster) = self.cluster.take() else { return };
        let names = tokio::task::spawn_blocking(move || cluster()).await.unwrap_or_default();
        let of_cluster = names.iter().find_map(|name| account::of_cluster(name));
        let (Some(of_cluster), Some(region)) = (of_cluster, self.agenda.any_region()) else { return };
        if let Ok(of_credentials) = self.api.account(&region).await
            && let Some(warning) = account::warning(of_cluster, &of_credentials)
        {
            self.agenda.set_note(warning);
        }
    }

    async fn tell_prices(&self, prices: Vec<PriceChange>) -> Result<(), Closed> {
        if prices.is_empty() {
            return Ok(());
        }
        self.send(Report::Delta(Delta::Prices(prices))).await
    }

    /// Tells how alive it is, when that changed.
    async fn tell(&mut self) -> Result<(), Closed> {
        let health = self.agenda.health(self.now());
        if self.told.as_ref() == Some(&health) {
            return Ok(());
        }
        self.send(Report::Health(self.source, health.clone())).await?;
        self.told = Some(health);
        Ok(())
    }

    async fn send(&self, report: Report) -> Result<(), Closed> {
        self.wiring.sink.send((self.wiring.epoch, report)).await.map_err(|_| Closed)
    }
}

fn until(now: Time, at: Time) -> Duration {
    Duration::from_micros(u64::try_from(at.micros().saturating_sub(now.micros())).unwrap_or(0))
}
