//! Performs the effects of `update`. Each request runs as a task of its own, and its answer comes back as a message.

use std::io;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backend::{Backend, ConnectionSettings, Requests, UserFiles};
use super::clock::Clock;
use super::journal::Request;
use super::save;
use super::state::StateFiles;
use crate::app::{Effect, ExistingFile, Msg, SaveFailure, SaveFormat};
use crate::fleet::{
    ClusterFacts, Epoch, HistoryQuestion, Key, LogQuestion, ObjectChange, ObjectKey, Report, WriteOutcome,
};

/// Performs effects.
pub struct Executor {
    backend: Backend,
    sink: mpsc::Sender<(Epoch, Report)>,
    answers: mpsc::Sender<Msg>,
    clock: Clock,
    /// Files of what was seen; `None` in the demo.
    state: Option<StateFiles>,
    /// The running fetch; a new one cancels it.
    fetch: Option<AbortHandle>,
    /// The running question about the past; a new one cancels it.
    history: Option<AbortHandle>,
    /// The log that is being read; another one ends it.
    log: Option<AbortHandle>,
    /// The running writes.
    writes: TaskTracker,
    /// Cancelled when running writes are no longer waited for.
    ended: CancellationToken,
}

/// How long a program that ends waits for the answers to its writes.
const ANSWER_PATIENCE: Duration = Duration::from_secs(2);

/// How long it then waits for the journal.
const JOURNAL_PATIENCE: Duration = Duration::from_secs(1);

/// A change that is to be written, with what the journal records of it.
struct PendingWrite {
    write: u64,
    item: usize,
    verb: &'static str,
    change: ObjectChange,
    context: String,
    server: String,
}

impl Executor {
    /// An executor that sends reports to `sink` and answers to `answers`.
    pub fn new(
        backend: Backend,
        sink: mpsc::Sender<(Epoch, Report)>,
        answers: mpsc::Sender<Msg>,
        clock: Clock,
        state: Option<StateFiles>,
    ) -> Self {
        let (writes, ended) = (TaskTracker::new(), CancellationToken::new());
        Self { backend, sink, answers, clock, state, fetch: None, history: None, log: None, writes, ended }
    }

    /// Connects to a context, or to that of flags and kubeconfig; ends the previous connection.
    pub fn connect(&mut self, epoch: Epoch, context: Option<String>) {
        self.backend.connect(epoch, context, self.sink.clone(), self.clock.clone());
    }

    /// Starts to watch the user's files.
    pub fn follow_files(&mut self) {
        self.backend.follow_files(self.answers.clone());
    }

    /// What connections that begin from now on go by.
    pub fn configure(&mut self, settings: ConnectionSettings, files: &UserFiles) {
        self.backend.configure(settings, files);
    }

    /// Starts one effect. Effects on the terminal, and what is saved of it, are left to the event loop.
    pub fn perform(&mut self, effect: Effect, cluster: &ClusterFacts) {
        match effect {
            Effect::Connect { context, epoch } => {
                self.connect(epoch, Some(context));
                // Its settings may name other files.
                self.follow_files();
            }
            Effect::Write { write, item, verb, change } => {
                let (context, server) = (cluster.context.clone(), cluster.server.clone());
                self.write(PendingWrite { write, item, verb, change, context, server });
            }
            Effect::Fetch { epoch, key } => self.fetch(epoch, key),
            Effect::AskContainers { epoch, pod } => self.ask_containers(epoch, pod),
            Effect::FollowLog { number, question } => self.follow_log(number, question),
            Effect::LeaveLog => self.leave_log(),
            Effect::AskHistory { epoch, key, question } => self.ask_history(epoch, key, question),
            Effect::Remember(held) => self.remember(move |state| state.held.save(&held)),
            Effect::RememberStarts(observed) => self.remember(move |state| state.starts.save(*observed)),
            Effect::RememberSpot(record) => self.remember(move |state| state.spot.save(&record)),
            Effect::Demand(demand) => self.backend.demand(demand),
            Effect::Quit
            | Effect::Set { .. }
            | Effect::Suspend
            | Effect::Redraw
            | Effect::Copy(_)
            | Effect::Save { .. }
            | Effect::Edit { .. } => {}
        }
    }

    /// Saves to one of the state files. What is lost without it is only what earlier sessions knew, so an error is only
    /// logged.
    fn remember(&self, save: impl FnOnce(&StateFiles) -> io::Result<()> + Send + 'static) {
        let Some(state) = self.state.clone() else { return };
        tokio::task::spawn_blocking(move || {
            if let Err(error) = save(&state) {
                tracing::warn!(%error, "a state file cannot be written");
            }
        });
    }

    /// Waits, before the program ends, until the result of each write is in the journal; for answers that do not come, this
    /// says so.
    pub async fn finish_writes(&self) {
        self.writes.close();
        if timeout(ANSWER_PATIENCE, self.writes.wait()).await.is_err() {
            self.ended.cancel();
            // A disk that does not answer must not keep the program.
            let _ = timeout(JOURNAL_PATIENCE, self.writes.wait()).await;
        }
    }

    fn write(&self, pending: PendingWrite) {
        let (requests, answers, clock) = (self.backend.requests(), self.answers.clone(), self.clock.clone());
        let ended = self.ended.clone();
        self.writes.spawn(async move {
            let outcome = match &requests {
                Some(requests) => carry_out(requests, &pending, &clock, &ended).await,
                None => WriteOutcome::Unanswered { message: NOT_CONNECTED.into() },
            };
            let _ = answers.send(Msg::Written { write: pending.write, item: pending.item, outcome }).await;
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

impl Executor {
    fn ask_history(&mut self, epoch: Epoch, key: Key, question: HistoryQuestion) {
        let (requests, answers) = (self.backend.requests(), self.answers.clone());
        let task = tokio::spawn(async move {
            let result = match requests {
                Some(requests) => requests.history(question).await,
                None => Ok(None),
            };
            let _ = answers.send(Msg::History { epoch, key, result }).await;
        });
        if let Some(older) = self.history.replace(task.abort_handle()) {
            older.abort();
        }
    }
}

/// How many reports of a log may wait; its stream waits when they do.
const LOG_REPORTS: usize = 4;

impl Executor {
    fn ask_containers(&self, epoch: Epoch, pod: ObjectKey) {
        let (requests, answers) = (self.backend.requests(), self.answers.clone());
        tokio::spawn(async move {
            let result = match requests {
                Some(requests) => requests.containers(&pod).await,
                None => Err(NOT_CONNECTED.into()),
            };
            let _ = answers.send(Msg::Containers { epoch, pod, result }).await;
        });
    }

    fn follow_log(&mut self, number: u64, question: LogQuestion) {
        self.leave_log();
        let (Some(requests), answers) = (self.backend.requests(), self.answers.clone()) else { return };
        let (tell, mut told) = mpsc::channel(LOG_REPORTS);
        let task = tokio::spawn(async move {
            let pass_on = async {
                while let Some(report) = told.recv().await {
                    if answers.send(Msg::Log { number, report }).await.is_err() {
                        return;
                    }
                }
            };
            tokio::join!(requests.follow_log(question, tell), pass_on);
        });
        self.log = Some(task.abort_handle());
    }

    /// Writes what was made of the screen to a file.
    pub fn save(&self, format: SaveFormat, path: String, content: Result<Vec<u8>, String>, existing: ExistingFile) {
        let answers = self.answers.clone();
        tokio::task::spawn_blocking(move || {
            let result = content.map_err(SaveFailure::Failed).and_then(|bytes| save::write(&path, &bytes, existing));
            // Nobody listens to a program that ends.
            let _ = answers.blocking_send(Msg::Saved { format, path, result });
        });
    }

    fn leave_log(&mut self) {
        if let Some(log) = self.log.take() {
            log.abort();
        }
    }
}

const ENDED: &str = "batchtop ended before the answer came";

const NOT_CONNECTED: &str = "not connected to a cluster";

/// Records the intent in the journal, makes the request, and records the result. Makes no request if the intent cannot
/// be recorded.
async fn carry_out(
    requests: &Requests,
    pending: &PendingWrite,
    clock: &Clock,
    ended: &CancellationToken,
) -> WriteOutcome {
    if let Err(message) = intent(requests, pending, clock).await {
        return WriteOutcome::NotJournaled { message };
    }
    let answer = ended.run_until_cancelled(requests.write(&pending.change)).await;
    let outcome = answer.unwrap_or_else(|| WriteOutcome::Unanswered { message: ENDED.into() });
    note_result(requests, pending, &outcome, clock).await;
    outcome
}

fn request(pending: &PendingWrite) -> Request<'_> {
    Request { verb: pending.verb, context: &pending.context, server: &pending.server, change: &pending.change }
}

async fn intent(requests: &Requests, pending: &PendingWrite, clock: &Clock) -> Result<(), String> {
    let Some(journal) = requests.journal()? else { return Ok(()) };
    let written = journal.intent(clock(), request(pending)).await;
    written.map_err(|error| format!("{}: {error}", journal.path().display()))
}

/// Records the result in the journal. The request has been made already, so an error is only logged.
async fn note_result(requests: &Requests, pending: &PendingWrite, outcome: &WriteOutcome, clock: &Clock) {
    let Ok(Some(journal)) = requests.journal() else { return };
    if let Err(error) = journal.result(clock(), request(pending), outcome).await {
        tracing::error!(path = %journal.path().display(), %error, "the result cannot be written to the journal");
    }
}
