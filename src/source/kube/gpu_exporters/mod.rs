//! The metrics of accelerators, from the exporters on their Nodes, through the API server.
//!
//! * [`schedule`]: which exporter is read next, and when. [`place`]: where its page is. [`request`]: reading one.
//! * [`told`]: the health of the Source, from what the exporters answered.
//!
//! An exporter is asked by its pod and not by its Service, which would lead to that of any Node.

mod place;
mod request;
mod schedule;
mod told;

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::health_reporter::HealthReporter;
use super::sink::Closed;
use super::stream::StreamContext;
use crate::fleet::{Delta, Exporter, GpuAnswer, GpuDemand, GpuFailure, Health, SourceId, Sym};
use request::{Done, Found, Learned, Template};
use schedule::{Next, Schedule};
use told::Told;

/// Longer than any session.
const NEVER: Duration = Duration::from_hours(24 * 365);

/// Reads the exporters that are wanted, again and again.
pub(super) async fn run(context: StreamContext, turn: CancellationToken, demand: watch::Receiver<GpuDemand>) -> Closed {
    let mut reader = Reader::new(context, demand);
    if reader.health.connecting().await.is_err() {
        return Closed;
    }
    turn.cancelled().await;
    let Err(closed) = reader.read().await;
    closed
}

struct Reader {
    context: StreamContext,
    demand: watch::Receiver<GpuDemand>,
    schedule: Schedule,
    /// Where the pages of pods of one template are, by what is being read or has been read of one of them.
    places: HashMap<Template, Found>,
    under_way: FuturesUnordered<BoxFuture<'static, Done>>,
    /// Answers that are about to be sent, and when.
    answers: Vec<GpuAnswer>,
    due: Option<Instant>,
    health: HealthReporter,
    told: Option<Told>,
}

impl Reader {
    fn new(context: StreamContext, demand: watch::Receiver<GpuDemand>) -> Self {
        let timing = context.timing;
        Self {
            schedule: Schedule::new(&timing),
            health: HealthReporter::new(SourceId::GpuExporters, context.sink.clone(), context.clock, timing.health),
            context,
            demand,
            places: HashMap::new(),
            under_way: FuturesUnordered::new(),
            answers: Vec::new(),
            due: None,
            told: None,
        }
    }

    async fn read(&mut self) -> Result<Infallible, Closed> {
        self.take_demand().await?;
        loop {
            let due = self.begin();
            tokio::select! {
                changed = self.demand.changed() => {
                    changed.map_err(|_| Closed)?;
                    self.take_demand().await?;
                }
                Some(done) = self.under_way.next() => self.end(done),
                () = sleep_until(due) => {}
            }
            self.send_due().await?;
        }
    }

    async fn take_demand(&mut self) -> Result<(), Closed> {
        let demand = self.demand.borrow_and_update().clone();
        self.schedule.want(&demand);
        self.places.retain(|template, _| demand.exporters.values().any(|exporter| template.is_of(exporter)));
        self.answers.retain(|answer| demand.exporters.get(&answer.node) == Some(&answer.exporter));
        self.tell().await
    }

    /// Begins what is to be read now; returns when there is something to do again.
    fn begin(&mut self) -> Instant {
        let now = Instant::now();
        let wait = loop {
            match self.schedule.next(now, self.under_way.len()) {
                Next::Read(node, exporter) => self.ask(node, exporter),
                Next::Refuse(node, exporter, words) => {
                    self.answered(node, exporter, Err(GpuFailure::Forbidden(words)));
                }
                Next::Wait(due) => break due,
            }
        };
        [wait, self.due, self.health.due()].into_iter().flatten().min().unwrap_or(now + NEVER)
    }

    fn ask(&mut self, node: Sym, exporter: Exporter) {
        let begin = || request::find(self.context.clone(), exporter.clone());
        let found = self.places.entry(Template::of(&exporter)).or_insert_with(begin).clone();
        self.under_way.push(Box::pin(request::read(self.context.clone(), node, exporter, found)));
    }

    fn end(&mut self, done: Done) {
        let Done { node, exporter, devices, learned, busy } = done;
        match learned {
            Learned::Nothing => {}
            Learned::Elsewhere(found) => drop(self.places.insert(Template::of(&exporter), found)),
            Learned::Outdated => drop(self.places.remove(&Template::of(&exporter))),
        }
        let now = Instant::now();
        busy.into_iter().for_each(|wait| self.schedule.pause(now, wait));
        if self.schedule.end(&node, &exporter, now, devices.as_ref().err()) {
            self.answered(node, exporter, devices);
        }
    }

    fn answered(&mut self, node: Sym, exporter: Exporter, devices: request::Devices) {
        let due = Instant::now() + self.context.timing.batch_window;
        self.due.get_or_insert(due);
        self.answers.push(GpuAnswer { node, exporter, at: (self.context.clock)(), devices });
    }

    /// Sends the answers that have been gathered for a moment, and then what that makes of the health.
    async fn send_due(&mut self) -> Result<(), Closed> {
        let now = Instant::now();
        if self.due.is_some_and(|due| due <= now) {
            self.due = None;
            let answers = std::mem::take(&mut self.answers);
            if !answers.is_empty() {
                self.context.sink.delta(Delta::Gpus(answers)).await?;
            }
            self.tell().await?;
        }
        if self.health.due().is_some_and(|due| due <= now) {
            self.health.tell_owed().await?;
        }
        Ok(())
    }

    async fn tell(&mut self) -> Result<(), Closed> {
        let told = Told::of(&self.schedule.summary(), self.told.as_ref());
        let is_same = self.told.replace(told.clone()).is_some_and(|before| before == told);
        let wait = self.schedule.next_try().map(|at| at.saturating_duration_since(Instant::now())).unwrap_or_default();
        match told {
            Told::NotNeeded | Told::Reading { .. } if is_same => Ok(()),
            Told::NotNeeded => self.health.idle(Health::metrics_not_needed(), None).await,
            Told::Reading { answered: 0 } => self.health.list_begins().await,
            Told::Reading { answered } => self.health.listed(answered).await,
            Told::Live { .. } if is_same => self.health.heard().await,
            Told::Live { live, note } => {
                self.health.set_note(note.as_deref());
                self.health.list_complete(live).await
            }
            Told::Forbidden(words) => self.health.forbidden(&words, wait).await,
            Told::Failed(words) => self.health.failed(&words, wait).await,
        }
    }
}
