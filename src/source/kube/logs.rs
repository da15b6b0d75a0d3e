//! The log of one container: read in a stream of its own while somebody looks at it, and opened again where it breaks.

use std::time::Duration;

use kube::client::Body;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::access::{Access, PooledClient};
use super::backoff::Backoff;
use super::failure::Failure;
use super::lines::next_piece;
use super::log_lines::LogLines;
use super::resource::{self, escape};
use super::{api, containers};
use crate::fleet::{ContainerState, Kind, LOG_TAIL_LINES, LogQuestion, LogReport, LogRun, PodContainer};

/// After so many lines the rest of a window is waited for before more are read: a log that is written faster than a person
/// reads must not take the time of the screen.
const LINES_OF_A_WINDOW: usize = 1_000;

/// Apart from the seeds of others.
const SEED: u64 = 6_000;

/// Nobody listens any more.
struct Closed;

/// Why a log is read no further for now.
enum Broken {
    Closed,
    Failure(Failure),
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Closed> for Broken {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

/// How a body ended.
enum End {
    /// The server has closed it.
    Closed,
    /// Nothing came for too long.
    Quiet,
}

/// What is to be done next.
enum Next {
    /// The log is asked for again after this time.
    Again(Duration),
    /// Nothing more will come.
    Over,
}

struct Follower {
    access: Access,
    question: LogQuestion,
    tell: mpsc::Sender<LogReport>,
    lines: LogLines,
    waits: Backoff,
    /// How often the container had been restarted when it was last looked at.
    restarts: u32,
    generation: u64,
}

/// Tells the newest lines of a log, and then each line that is written, until it ends or nobody listens.
pub async fn follow(access: Access, question: LogQuestion, tell: mpsc::Sender<LogReport>) {
    let waits = Backoff::new(access.timing(), SEED);
    let restarts = question.restarts;
    let lines = LogLines::default();
    let mut follower = Follower { access, question, tell, lines, waits, restarts, generation: 0 };
    // Closed: nobody listens, so there is nothing to say.
    let _ = follower.run().await;
}

impl Follower {
    async fn run(&mut self) -> Result<(), Closed> {
        loop {
            let next = match self.read().await {
                Ok(End::Quiet) => Next::Again(Duration::ZERO),
                Ok(End::Closed) => self.after_end().await?,
                Err(Broken::Failure(failure)) => self.after_failure(&failure).await?,
                Err(Broken::Closed) => return Err(Closed),
            };
            match next {
                Next::Over => return Ok(()),
                Next::Again(wait) => sleep(wait).await,
            }
        }
    }

    async fn tell(&self, report: LogReport) -> Result<(), Closed> {
        self.tell.send(report).await.map_err(|_| Closed)
    }

    /// Opens the log and tells its lines until its body ends.
    async fn read(&mut self) -> Result<End, Broken> {
        let Some(client) = self.access.wait_for_log().await else { return std::future::pending().await };
        self.generation = client.generation();
        self.lines.reopen();
        let timing = *self.access.timing();
        let response = api::open(&client, api::get(&self.path(), "*/*")?, &timing).await?;
        self.tell(LogReport::Live).await?;
        self.read_body(&client, response.into_body(), timing.quiet_log, timing.log_window).await
    }

    async fn read_body(
        &mut self,
        _client: &PooledClient,
        mut body: Body,
        quiet: Duration,
        window: Duration,
    ) -> Result<End, Broken> {
        loop {
            let Ok(piece) = timeout(quiet, next_piece(&mut body)).await else { return Ok(End::Quiet) };
            let Some(piece) = piece? else { return Ok(End::Closed) };
            let until = Instant::now() + window;
            self.lines.push(&piece);
            while self.lines.waiting() < LINES_OF_A_WINDOW {
                let Ok(piece) = timeout_at(until, next_piece(&mut body)).await else { break };
                // What has come before an end or a failure is told.
                let Ok(Some(piece)) = piece else {
                    self.flush().await?;
                    return piece.map(|_| End::Closed).map_err(Broken::Failure);
                };
                self.lines.push(&piece);
            }
            self.flush().await?;
            sleep_until(until).await;
        }
    }

    async fn flush(&mut self) -> Result<(), Closed> {
        let lines = self.lines.take();
        if lines.is_empty() {
            return Ok(());
        }
        self.waits.reset();
        self.tell(LogReport::Lines(lines)).await
    }

    /// The subresource, with times, so that a log that is opened again goes on where it was.
    fn path(&self) -> String {
        let LogQuestion { pod, container, run, .. } = &self.question;
        let object = resource::object_path(Kind::Pod, Kind::Pod.spec().best_version(), &pod.namespace, &pod.name);
        let run = match run {
            LogRun::Present => "follow=true",
            LogRun::Previous => "previous=true",
        };
        let from = match self.lines.resume().since() {
            Some(since) => format!("sinceTime={}", escape(&since.to_string())),
            None => format!("tailLines={LOG_TAIL_LINES}"),
        };
        format!("{object}/log?container={}&timestamps=true&{run}&{from}", escape(container))
    }

    /// The body has ended: because the container has, or because of something on the way.
    async fn after_end(&mut self) -> Result<Next, Closed> {
        if self.question.run == LogRun::Previous {
            self.lines.finish_last();
            self.flush().await?;
            self.tell(LogReport::Ended("end of the previous run".to_owned())).await?;
            return Ok(Next::Over);
        }
        match self.look().await {
            Ok(container) => self.after_look(container).await,
            Err(failure) => self.after_failure(&failure).await,
        }
    }

    async fn after_look(&mut self, container: Option<PodContainer>) -> Result<Next, Closed> {
        let state = container.map_or(ContainerState::Unknown, |container| container.state);
        match state {
            ContainerState::Running(_) | ContainerState::Unknown => Ok(Next::Again(self.waits.next())),
            ContainerState::Ended { words, restarts: false } => {
                self.lines.finish_last();
                self.flush().await?;
                self.tell(LogReport::Ended(words)).await?;
                Ok(Next::Over)
            }
            ContainerState::Ended { words, restarts: true } => {
                self.tell(LogReport::Waiting(format!("{words}; it will be restarted"))).await?;
                self.until_running().await
            }
            ContainerState::Waiting(words) => {
                self.tell(LogReport::Waiting(words)).await?;
                self.until_running().await
            }
        }
    }

    /// Looks at the container again and again until it runs, or will never run again.
    async fn until_running(&mut self) -> Result<Next, Closed> {
        loop {
            sleep(self.waits.next()).await;
            // The log itself will say what is wrong.
            let Ok(container) = self.look().await else { return Ok(Next::Again(Duration::ZERO)) };
            match container.map(|container| container.state) {
                Some(ContainerState::Running(_)) => return Ok(Next::Again(Duration::ZERO)),
                Some(ContainerState::Waiting(words)) => self.tell(LogReport::Waiting(words)).await?,
                Some(ContainerState::Ended { words, restarts: false }) => {
                    // It may have run and ended since: what it wrote then is still to be read.
                    self.tell(LogReport::Waiting(words)).await?;
                    return Ok(Next::Again(Duration::ZERO));
                }
                Some(ContainerState::Ended { restarts: true, .. } | ContainerState::Unknown) | None => {}
            }
        }
    }

    /// The container as it is now; tells where it has been restarted.
    async fn look(&mut self) -> Result<Option<PodContainer>, Failure> {
        let Some(client) = self.access.client().await else { return Ok(None) };
        let all = containers::fetch(&client, &self.question.pod, self.access.timing()).await?;
        let found = all.into_iter().find(|container| container.name == self.question.container);
        if let Some(container) = found.as_ref().filter(|container| container.restarts > self.restarts) {
            self.restarts = container.restarts;
            // Whoever no longer listens is found out with the next report.
            let _ = self.tell.send(LogReport::Restarted).await;
        }
        Ok(found)
    }

    async fn after_failure(&mut self, failure: &Failure) -> Result<Next, Closed> {
        let words = failure.sentence();
        match failure {
            Failure::Api { code: 403, .. } => {
                self.tell(LogReport::Forbidden(words)).await?;
                Ok(Next::Again(self.access.timing().forbidden_retry))
            }
            Failure::Api { code: 404, .. } => {
                self.tell(LogReport::Gone(format!("there is no such pod any more: {words}"))).await?;
                Ok(Next::Over)
            }
            Failure::Api { code: 400, .. } => self.after_bad_request(words).await,
            Failure::Api { retry_after: Some(wait), .. } => self.failed(words, *wait).await,
            failure => {
                if failure.is_about_identity() {
                    self.access.suspect(self.generation);
                }
                let wait = self.waits.next();
                self.failed(words, wait).await
            }
        }
    }

    /// The server answers 400 where the container has not started, and where there is no such run of it.
    async fn after_bad_request(&mut self, words: String) -> Result<Next, Closed> {
        if self.question.run == LogRun::Previous {
            self.tell(LogReport::Gone(words)).await?;
            return Ok(Next::Over);
        }
        match self.look().await {
            Ok(Some(PodContainer { state: ContainerState::Waiting(reason), .. })) => {
                self.tell(LogReport::Waiting(reason)).await?;
                self.until_running().await
            }
            Ok(_) => {
                let wait = self.waits.next();
                self.failed(words, wait).await
            }
            Err(failure) if matches!(failure, Failure::Api { code: 404, .. }) => {
                self.tell(LogReport::Gone(failure.sentence())).await?;
                Ok(Next::Over)
            }
            Err(failure) => {
                let wait = self.waits.next();
                self.failed(failure.sentence(), wait).await
            }
        }
    }

    async fn failed(&mut self, message: String, wait: Duration) -> Result<Next, Closed> {
        self.tell(LogReport::Failed { message, next_try_seconds: wait.as_secs() }).await?;
        Ok(Next::Again(wait))
    }
}
