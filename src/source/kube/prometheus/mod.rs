//! The metrics of accelerators that a Prometheus server has scraped, through the API server.
//!
//! Asked for Nodes whose own exporter is not there or cannot be read: one query for all of them, and some where one answer
//! would be too large.
//!
//! * [`services`]: where such a server may be. [`search`]: asking one, and finding one. [`history`]: asking one of the past.

mod history;
mod search;
mod services;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::health_reporter::HealthReporter;
use super::sink::Closed;
use super::stream::StreamContext;
use crate::fleet::{
    Delta, Exporter, ExporterKind, GpuAnswer, GpuDemand, GpuFailure, Health, HealthState, ObjectKey, ServiceAddress,
    SourceId, Sym,
};
use crate::source::exporters::Division;
pub use history::HistoryServer;
use search::{Missed, Told, Wanted};

/// Apart from the seeds of others.
const SEED: u64 = 4000;

/// How many times as long as usual the wait is at most where no server tells anything.
const MOST_PATIENCE: u32 = 8;

/// Longer than any session.
const NEVER: Duration = Duration::from_hours(24 * 365);

/// Which Prometheus server is asked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum PrometheusChoice {
    /// One that is found by the labels or the name of its Service.
    #[default]
    Find,
    /// This one.
    Named(ServiceAddress),
    /// None.
    Off {
        /// The setting that turned it off.
        by: &'static str,
    },
}

impl PrometheusChoice {
    /// The server that the user has named.
    pub(super) fn named(&self) -> Option<ServiceAddress> {
        match self {
            Self::Named(server) => Some(server.clone()),
            Self::Find | Self::Off { .. } => None,
        }
    }
}

/// Asks the server again and again while it is wanted; `known` is told which one it is.
pub(super) async fn run(
    context: StreamContext,
    turn: CancellationToken,
    demand: watch::Receiver<GpuDemand>,
    choice: PrometheusChoice,
    known: watch::Sender<Option<ServiceAddress>>,
) -> Closed {
    let mut asker = Asker::new(context, demand, choice, known);
    if asker.health.connecting().await.is_err() {
        return Closed;
    }
    turn.cancelled().await;
    let Err(closed) = asker.ask_while_wanted().await;
    closed
}

struct Asker {
    context: StreamContext,
    demand: watch::Receiver<GpuDemand>,
    choice: PrometheusChoice,
    health: HealthReporter,
    backoff: Backoff,
    /// The server that is asked; `None` until one has been found that tells of something.
    server: Option<ServiceAddress>,
    /// In how many answers it tells all.
    division: Division,
    /// Who else wants to know it.
    known: watch::Sender<Option<ServiceAddress>>,
    /// The last time that it was asked; `None` while nothing is wanted.
    round: Option<Round>,
    /// What was said last of why nothing is asked.
    idle: Option<Health>,
}

/// One query, and what came of it.
struct Round {
    ended_at: Instant,
    next_at: Instant,
    /// The Nodes of which something has been said.
    nodes: BTreeSet<Sym>,
    /// What is said of all Nodes, where no server told anything.
    failure: Option<GpuFailure>,
}

impl Asker {
    fn new(
        context: StreamContext,
        demand: watch::Receiver<GpuDemand>,
        choice: PrometheusChoice,
        known: watch::Sender<Option<ServiceAddress>>,
    ) -> Self {
        let timing = context.timing;
        let server = choice.named();
        Self {
            health: HealthReporter::new(SourceId::Prometheus, context.sink.clone(), context.clock, timing.health),
            backoff: Backoff::between(timing.prometheus, timing.prometheus * MOST_PATIENCE, SEED),
            context,
            demand,
            choice,
            server,
            division: Division::Whole,
            known,
            round: None,
            idle: None,
        }
    }

    async fn ask_while_wanted(&mut self) -> Result<Infallible, Closed> {
        loop {
            let due = self.prepare().await?.unwrap_or_else(|| Instant::now() + NEVER);
            tokio::select! {
                changed = self.demand.changed() => changed.map_err(|_| Closed)?,
                () = sleep_until(due) => self.ask().await?,
            }
        }
    }

    /// Takes over what is wanted; when the server is to be asked, if at all.
    async fn prepare(&mut self) -> Result<Option<Instant>, Closed> {
        let wanted = self.demand.borrow_and_update().prometheus.clone();
        if wanted.is_empty() {
            self.round = None;
            self.idle(Health::prometheus_not_needed()).await?;
            return Ok(None);
        }
        if let Some(round) = &mut self.round {
            round.nodes.retain(|node| wanted.contains_key(node));
        }
        if let PrometheusChoice::Off { by } = self.choice {
            let words = format!("it is not asked: turned off by {by}");
            self.refuse(&wanted, &GpuFailure::Failed(Sym::new(&words))).await?;
            self.idle(turned_off(by)).await?;
            return Ok(None);
        }
        self.idle = None;
        self.due(&wanted).await.map(Some)
    }

    async fn due(&mut self, wanted: &Wanted) -> Result<Instant, Closed> {
        let Some(round) = &self.round else { return Ok(Instant::now()) };
        let has_more = wanted.len() > round.nodes.len();
        let (next_at, again_at) = (round.next_at, round.ended_at + self.context.timing.prometheus_again);
        match round.failure.clone() {
            Some(failure) => {
                self.refuse(wanted, &failure).await?;
                Ok(next_at)
            }
            None if has_more => Ok(next_at.min(again_at)),
            None => Ok(next_at),
        }
    }

    /// Says of the Nodes that have come to be wanted why nothing is told of them.
    async fn refuse(&mut self, wanted: &Wanted, failure: &GpuFailure) -> Result<(), Closed> {
        let now = Instant::now();
        let round = self.round.get_or_insert_with(|| Round {
            ended_at: now,
            next_at: now + NEVER,
            nodes: BTreeSet::new(),
            failure: Some(failure.clone()),
        });
        let more: Wanted = wanted
            .iter()
            .filter(|(node, _)| round.nodes.insert(Sym::clone(node)))
            .map(|(node, pod)| (node.clone(), pod.clone()))
            .collect();
        self.tell(more, |_| Err(failure.clone())).await
    }

    async fn ask(&mut self) -> Result<(), Closed> {
        if self.round.is_none() {
            self.health.list_begins().await?;
        }
        let begun_at = Instant::now();
        let told = match &self.server {
            Some(server) => search::ask(&self.context, &self.demand, server, self.division).await,
            None => search::search(&self.context, &self.demand).await,
        };
        match told {
            Ok(told) => self.answered(told, begun_at).await,
            Err(missed) => self.missed(&missed).await,
        }
    }

    async fn answered(&mut self, told: Told, begun_at: Instant) -> Result<(), Closed> {
        let Told { server, wanted, mut devices, division } = told;
        self.division = division;
        let (live, all) = (devices.len(), wanted.len());
        // One that tells of nothing is not kept: another one may.
        self.keep(Some(server.clone()).filter(|_| live > 0));
        let next_at = if live > 0 {
            self.backoff.reset();
            begun_at + self.context.timing.prometheus
        } else {
            Instant::now() + self.backoff.next()
        };
        let nodes = wanted.keys().cloned().collect();
        self.round = Some(Round { ended_at: Instant::now(), next_at, nodes, failure: None });
        let silent = GpuFailure::Failed(Sym::new(&format!("{server} has no metrics of its accelerators")));
        let wanted = with_service(wanted, &server.service);
        self.tell(wanted, |node| devices.remove(node).ok_or_else(|| silent.clone())).await?;
        let note = match all - live {
            0 => server.to_string(),
            missing => format!("{server} has no metrics of {missing} of {all} nodes"),
        };
        self.health.set_note(Some(&note));
        self.health.list_complete(live as u64).await
    }

    async fn missed(&mut self, missed: &Missed) -> Result<(), Closed> {
        self.keep(None);
        self.division = Division::Whole;
        let (wait, now) = (self.backoff.next(), Instant::now());
        let failure = missed.failure();
        let wanted = self.demand.borrow().prometheus.clone();
        let nodes = BTreeSet::new();
        self.round = Some(Round { ended_at: now, next_at: now + wait, nodes, failure: Some(failure.clone()) });
        self.refuse(&wanted, &failure).await?;
        match missed {
            Missed::Forbidden(words) => self.health.forbidden(words, wait).await,
            Missed::Absent => self.health.absent(missed.words(), wait).await,
            Missed::Failed(words) => self.health.failed(words, wait).await,
        }
    }

    /// Remembers which server to ask, unless the user has said it.
    fn keep(&mut self, server: Option<ServiceAddress>) {
        if self.choice == PrometheusChoice::Find {
            self.known.send_replace(server.clone());
            self.server = server;
        }
    }

    async fn idle(&mut self, health: Health) -> Result<(), Closed> {
        if self.idle.replace(health.clone()).as_ref() == Some(&health) {
            return Ok(());
        }
        self.health.idle(health, None).await
    }

    /// Tells something of each of these Nodes.
    async fn tell(
        &self,
        nodes: Wanted,
        mut devices: impl FnMut(&Sym) -> Result<Vec<crate::fleet::DeviceReading>, GpuFailure>,
    ) -> Result<(), Closed> {
        let at = (self.context.clock)();
        let answer = |(node, pod): (Sym, Option<ObjectKey>)| {
            let exporter = Exporter { kind: ExporterKind::Prometheus, pod: pod.unwrap_or_else(unknown_server) };
            GpuAnswer { devices: devices(&node).map(Into::into), node, exporter, at }
        };
        let answers: Vec<GpuAnswer> = nodes.into_iter().map(answer).collect();
        if answers.is_empty() { Ok(()) } else { self.context.sink.delta(Delta::Gpus(answers)).await }
    }
}

/// Of a Node whose exporter is not known, the Service stands in its place.
fn with_service(wanted: Wanted, service: &ObjectKey) -> Wanted {
    wanted.into_iter().map(|(node, pod)| (node, pod.or_else(|| Some(service.clone())))).collect()
}

/// What stands in the place of a server that has not been found. It has told of no device, and so it is never shown.
fn unknown_server() -> ObjectKey {
    ObjectKey::cluster("prometheus")
}

fn turned_off(by: &str) -> Health {
    let message = Some(Sym::new(&format!("turned off by {by}")));
    Health { state: HealthState::Absent, message, ..Health::default() }
}
