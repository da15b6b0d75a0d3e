//! Carries out what `update` asks for. Each request is a task of its own; answers come back as messages.

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::backend::{Backend, Requests};
use super::clock::Clock;
use super::journal::Request;
use super::memory::Memory;
use crate::app::{Effect, Msg};
use crate::fleet::{AnnotationChange, AnnotationOutcome, ClusterFacts, Epoch, Key, Report};
use crate::insight::disruption::Remembered;

/// Performs effects.
pub struct Executor {
    backend: Backend,
    sink: mpsc::Sender<(Epoch, Report)>,
    answers: mpsc::Sender<Msg>,
    clock: Clock,
    /// Where is written down which nodes are held; nowhere in the demo.
    memory: Option<Memory>,
    /// The fetch under way; another one takes its place.
    fetch: Option<AbortHandle>,
}

/// One change to write, with what the journal says of it.
struct Errand {
    write: u64,
    item: usize,
    verb: &'static str,
    change: AnnotationChange,
    context: String,
    server: String,
}

impl Executor {
    /// Reports go to `sink`, answers of requests to `answers`.
    pub fn new(
        backend: Backend,
        sink: mpsc::Sender<(Epoch, Report)>,
        answers: mpsc::Sender<Msg>,
        clock: Clock,
        memory: Option<Memory>,
    ) -> Self {
        Self { backend, sink, answers, clock, memory, fetch: None }
    }

    /// Connects to a context, or to the one that flags and kubeconfig name; an older connection ends.
    pub fn connect(&mut self, epoch: Epoch, context: Option<String>) {
        self.backend.connect(epoch, context, self.sink.clone(), self.clock.clone());
    }

    /// Notices from now on when the user's prices change.
    pub fn follow_prices(&self) {
        self.backend.follow_prices(self.answers.clone());
    }

    /// Starts to carry out one effect. What concerns the terminal is the loop's own business.
    pub fn perform(&mut self, effect: Effect, cluster: &ClusterFacts) {
        match effect {
            Effect::Connect { context, epoch } => self.connect(epoch, Some(context)),
            Effect::Write { write, item, verb, change } => {
                let (context, server) = (cluster.context.clone(), cluster.server.clone());
                self.write(Errand { write, item, verb, change, context, server });
            }
            Effect::Fetch { epoch, key } => self.fetch(epoch, key),
            Effect::Remember(held) => self.remember(held),
            Effect::Demand(demand) => self.backend.demand(demand),
            Effect::Quit | Effect::Suspend | Effect::Redraw | Effect::Copy(_) => {}
        }
    }

    /// Losing it costs nothing but the memory of earlier sessions, so a failure only leaves a trace in the log.
    fn remember(&self, held: Vec<Remembered>) {
        let Some(memory) = self.memory.clone() else { return };
        tokio::task::spawn_blocking(move || {
            if let Err(error) = memory.save(&held) {
                tracing::warn!(path = %memory.path().display(), %error, "what was seen of held nodes is not kept");
            }
        });
    }

    fn write(&self, errand: Errand) {
        let (requests, answers, clock) = (self.backend.requests(), self.answers.clone(), self.clock.clone());
        tokio::spawn(async move {
            let outcome = match &requests {
                Some(requests) => carry_out(requests, &errand, &clock).await,
                None => AnnotationOutcome::Unanswered { message: NOT_CONNECTED.into() },
            };
            let _ = answers.send(Msg::Written { write: errand.write, item: errand.item, outcome }).await;
        });
    }

    fn fetch(&mut self, epoch: Epoch, key: Key) {
        let (requests, answers) = (self.backend.requests(), self.answers.clone());
        let task = tokio::spawn(async move {
            let result = match requests {
                Some(requests) => requests.fetch(&key).await,
                None => Err(NOT_CONNECTED.into()),
            };
            let _ = answers.send(Msg::Fetched { epoch, key, result }).await;
        });
        if let Some(older) = self.fetch.replace(task.abort_handle()) {
            older.abort();
        }
    }
}

const NOT_CONNECTED: &str = "there is no connection to a cluster";

/// Journals the intent, makes the request, journals its result. Without a journal there is no request.
async fn carry_out(requests: &Requests, errand: &Errand, clock: &Clock) -> AnnotationOutcome {
    if let Err(message) = intent(requests, errand, clock) {
        return AnnotationOutcome::NotJournaled { message };
    }
    let outcome = requests.annotate(&errand.change).await;
    note_result(requests, errand, &outcome, clock);
    outcome
}

fn request(errand: &Errand) -> Request<'_> {
    Request { verb: errand.verb, context: &errand.context, server: &errand.server, change: &errand.change }
}

fn intent(requests: &Requests, errand: &Errand, clock: &Clock) -> Result<(), String> {
    let Some(journal) = requests.journal()? else { return Ok(()) };
    journal.intent(clock(), request(errand)).map_err(|error| format!("{}: {error}", journal.path().display()))
}

/// The request has been made; a journal that cannot take its result only leaves a trace in the log.
fn note_result(requests: &Requests, errand: &Errand, outcome: &AnnotationOutcome, clock: &Clock) {
    let Ok(Some(journal)) = requests.journal() else { return };
    if let Err(error) = journal.result(clock(), request(errand), outcome) {
        tracing::error!(path = %journal.path().display(), %error, "the journal does not take the result");
    }
}
