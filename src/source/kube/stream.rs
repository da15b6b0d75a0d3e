//! The stream of one kind: find its API, list, watch, and come back from whatever goes wrong.

use std::collections::HashSet;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{BoxStream, SelectAll};
use futures::{FutureExt, StreamExt};
use http::header;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::access::{Access, PooledClient};
use super::backoff::Backoff;
use super::batch::{Batch, Outcome};
use super::bodies::Body;
use super::decode::{self, NoPage, RawChange, bounded, list_kind};
use super::discovery::{Discovered, NotFound, not_in_version};
use super::facts::{Fact, Facts};
use super::failure::Failure;
use super::health_reporter::HealthReporter;
use super::lines::{Piece, pieces};
use super::page_size::PageSize;
use super::refusals::Refusals;
use super::resource;
use super::sink::{Closed, Sink};
use super::watches::{WatchPermit, Watches};
use super::{Clock, Timing, api};
use crate::fleet::{Delta, Interner, Kind, Scope, SourceId};

/// How many pages a list has at most: five million objects in pages of the usual size.
const MAX_PAGES: usize = 10_000;

/// How long a continue token is at most. Real ones have a few hundred bytes, and all of it becomes part of a path.
const MAX_TOKEN_BYTES: usize = 8 << 10;

/// What every task that reads the cluster shares with the others: clients, clock, and where to report to.
#[derive(Clone)]
pub(super) struct StreamContext {
    pub(super) access: Access,
    pub(super) sink: Sink,
    pub(super) timing: Timing,
    pub(super) clock: Clock,
    pub(super) facts: Facts,
    /// Which optional kinds the cluster serves.
    pub(super) discovered: watch::Receiver<Discovered>,
    /// The watches that may still be opened.
    pub(super) watches: Watches,
    /// The namespaces to fall back to where the whole cluster is not readable.
    pub(super) namespaces: Vec<String>,
}

/// What is listed and watched by itself: the collection of the whole cluster, or of one namespace.
struct WatchScope {
    /// The namespace; `None` for the whole cluster.
    namespace: Option<String>,
    /// From where its watch goes on.
    resource_version: String,
    /// Whether it has been listed and, unless it is only listed now and then, watched.
    was_read: bool,
}

impl WatchScope {
    fn of(namespace: Option<String>) -> Self {
        Self { namespace, resource_version: String::new(), was_read: false }
    }
}

/// The one scope that makes up the whole cluster.
fn whole_cluster() -> Vec<WatchScope> {
    vec![WatchScope::of(None)]
}

/// A scope that may not be read.
#[derive(Clone)]
struct Refused {
    /// The namespace; `None` for the whole cluster.
    namespace: Option<String>,
    /// A request that shows whether it still is so.
    probe: String,
    /// The server's words.
    words: String,
}

fn one_namespace(name: String) -> WatchScope {
    WatchScope::of(Some(name))
}

/// Why listing or watching ended.
enum Stop {
    /// Nobody listens any more.
    Closed,
    /// The server no longer knows where the watch would go on from.
    Expired,
    /// The cluster does not serve the kind, in words.
    Absent(String),
    /// Which kinds the cluster serves is not known yet; when it is asked again.
    Undiscovered(Failure, Duration),
    /// What is not watched is to be listed again.
    Relist,
    /// The API group is there, and the resource is not in it.
    Missing,
    /// The scope of this number may not be listed, or not be watched: what shows it, and the server's words.
    Refused(usize, String, String),
    /// This namespace, or (`None`) the whole cluster, may be read after all.
    Granted(Option<String>),
    /// A request failed.
    Failed(Failure),
}

impl Stop {
    /// For a request about one scope.
    fn of_scope(at: usize, probe: String, failure: Failure) -> Self {
        match failure {
            Failure::Api { code: 403, message, .. } => Self::Refused(at, probe, message),
            other => other.into(),
        }
    }
}

impl From<Closed> for Stop {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl From<NotFound> for Stop {
    fn from(why: NotFound) -> Self {
        match why {
            NotFound::Absent(words) => Self::Absent(words),
            NotFound::Unknown(failure, wait) => Self::Undiscovered(failure, wait),
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Api { code: 410, .. } => Self::Expired,
            Failure::Api { code: 404, .. } => Self::Missing,
            other => Self::Failed(other),
        }
    }
}

/// A piece of a watch, with the number of its scope and of when the watch began.
type Tagged = (usize, Opened, Piece);

/// The moment at which the watch was opened.
type Opened = Instant;

/// Keeps the rows of one kind up to date.
pub(super) struct Stream {
    kind: Kind,
    context: StreamContext,
    health: HealthReporter,
    backoff: Backoff,
    refusals: Refusals,
    interner: Interner,
    /// The API version in use.
    version: &'static str,
    /// The answer of discovery in use.
    round: u64,
    /// The last answer of discovery that has turned out not to help.
    outdated: u64,
    scopes: Vec<WatchScope>,
    /// Wider or further scopes that would be read if they might.
    refused: Vec<Refused>,
    /// When to look for the next time whether what was refused may be read.
    probe_at: Instant,
    /// Whether the next list only brings what is not watched up to date.
    is_relist: bool,
    /// Whether rows have been sent since it was last forgotten.
    holds_rows: bool,
    /// Whether the scopes' resourceVersions are good to watch from.
    listed: bool,
    page_size: PageSize,
    /// When all watches were opened, while they last.
    watching_since: Option<Instant>,
    /// Dropped after the first list, successful or not.
    first_attempt: Option<mpsc::Sender<Infallible>>,
    /// The client of the request under way.
    generation: u64,
}

impl Stream {
    pub(super) fn new(kind: Kind, context: StreamContext, first_attempt: Option<mpsc::Sender<Infallible>>) -> Self {
        let timing = context.timing;
        Self {
            kind,
            health: HealthReporter::new(SourceId::Kind(kind), context.sink.clone(), context.clock, timing.health),
            backoff: Backoff::new(&timing, kind as u64),
            refusals: Refusals::new(&timing, kind as u64),
            context,
            interner: Interner::default(),
            version: kind.spec().best_version(),
            round: 0,
            outdated: 0,
            scopes: whole_cluster(),
            refused: Vec::new(),
            probe_at: Instant::now(),
            is_relist: false,
            holds_rows: false,
            listed: false,
            page_size: PageSize::default(),
            watching_since: None,
            first_attempt,
            generation: 0,
        }
    }

    /// Runs until nobody listens; what waits for its turn is seen to be connecting.
    pub(super) async fn run(mut self, turn: CancellationToken) -> Closed {
        if self.health.connecting().await.is_err() {
            return Closed;
        }
        turn.cancelled().await;
        loop {
            let Err(stop) = self.session().await;
            self.first_attempt = None;
            if self.recover(stop).await.is_err() {
                return Closed;
            }
        }
    }

    async fn session(&mut self) -> Result<Infallible, Stop> {
        if !self.listed {
            self.find_api().await?;
            self.list().await?;
            self.first_attempt = None;
        }
        self.watch().await
    }

    async fn client(&mut self) -> Result<PooledClient, Stop> {
        let client = self.context.access.wait().await.ok_or(Stop::Closed)?;
        self.generation = client.generation();
        Ok(client)
    }

    // --- finding the API ---

    async fn find_api(&mut self) -> Result<(), Stop> {
        if !self.kind.spec().is_optional() {
            return Ok(());
        }
        let found = self.discovered().await?;
        self.round = found.round;
        self.version = found.version(self.kind)?;
        self.note_legacy();
        Ok(())
    }

    /// The newest answer of discovery, once there is one that is not outdated.
    async fn discovered(&mut self) -> Result<Discovered, Stop> {
        let outdated = self.outdated;
        let found = self.context.discovered.wait_for(|found| found.round > outdated).await;
        found.map(|found| found.clone()).map_err(|_| Stop::Closed)
    }

    fn note_legacy(&mut self) {
        let note = match self.version {
            "v1beta1" => Some("legacy API v1beta1".to_owned()),
            "v1alpha5" => Some(format!("legacy API v1alpha5: {}", self.kind.spec().resource_in(self.version))),
            _ => None,
        };
        let is_of_karpenter = matches!(self.kind, Kind::NodeClaim | Kind::NodePool);
        self.health.set_note(note.filter(|_| is_of_karpenter).as_deref());
    }

    async fn tell(&self, fact: Fact) -> Result<(), Closed> {
        self.context.facts.tell(fact).await
    }

    // --- listing ---

    async fn list(&mut self) -> Result<(), Stop> {
        if self.kind.spec().scope == Scope::Namespaced {
            self.health.set_note(self.narrowing().as_deref());
        }
        if std::mem::take(&mut self.is_relist) {
            self.health.relist_begins();
        } else {
            self.health.list_begins().await?;
        }
        self.send_marker(RawChange::Begin).await?;
        let mut objects = 0;
        for at in 0..self.scopes.len() {
            self.list_scope(at, &mut objects).await?;
        }
        self.send_marker(RawChange::Commit).await?;
        self.listed = true;
        self.page_size.complete();
        match self.kind {
            Kind::EksNodeClass => self.tell(Fact::AutoMode(true)).await?,
            Kind::Pod => self.tell(Fact::Namespaces(self.namespaces())).await?,
            _ => {}
        }
        Ok(self.health.list_complete_in(self.namespaces(), objects).await?)
    }

    async fn send_marker(&self, marker: RawChange<'_>) -> Result<(), Closed> {
        self.context.sink.delta(decode::marker(self.kind, marker)).await
    }

    async fn send_rows(&mut self, delta: Delta) -> Result<(), Closed> {
        self.holds_rows = true;
        self.context.sink.delta(delta).await
    }

    async fn list_scope(&mut self, at: usize, objects: &mut u64) -> Result<(), Stop> {
        // Reused from page to page, and given back whatever becomes of the list.
        let mut body = self.context.access.body();
        let mut token = String::new();
        let mut tokens = Tokens::default();
        loop {
            let page = self.page(at, &token, &mut body).await?;
            for delta in page.deltas {
                self.send_rows(delta).await?;
            }
            *objects += page.objects;
            self.health.listed(*objects).await?;
            if page.continue_token.is_empty() {
                self.set_version(at, page.resource_version);
                return Ok(());
            }
            token = page.continue_token;
            tokens.take(&token).map_err(|words| {
                Failure::WrongAnswer(format!("the list of GET {} does not end: {words}", self.scope_path(at)))
            })?;
        }
    }

    /// The next page of a list, as a smaller one where it is too large.
    async fn page(&mut self, at: usize, token: &str, body: &mut Body) -> Result<decode::Page, Stop> {
        let one_object = format!("{}?limit=1", self.scope_path(at));
        loop {
            let request = api::get(&self.list_path(at, token), &resource::accept(self.kind))?;
            let client = self.client().await?;
            let fetched = api::fetch(&client, request, &self.context.timing, body).await;
            drop(client);
            let page = match fetched {
                Err(Failure::TooLarge { .. }) if self.page_size.too_large() => continue,
                Err(failure @ Failure::TooLarge { .. }) => {
                    Err(Failure::WrongAnswer(format!("GET {one_object}: {}", failure.sentence())))
                }
                Err(failure) => Err(failure),
                Ok(()) => {
                    self.page_size.fitted(body.len(), body.limit_bytes());
                    self.decode_page(at, body)
                }
            };
            // Rows may have to wait until somebody takes them; what others need is not held meanwhile.
            body.clear();
            return page.map_err(|failure| Stop::of_scope(at, one_object, failure));
        }
    }

    fn decode_page(&mut self, at: usize, body: &[u8]) -> Result<decode::Page, Failure> {
        let page = decode::page(self.kind, body, &mut self.interner, self.health.undecodable());
        page.map_err(|why| no_page(why, self.kind, &self.scope_path(at)))
    }

    fn list_path(&self, at: usize, token: &str) -> String {
        let mut path = format!("{}?limit={}", self.scope_path(at), self.page_size.objects());
        if !token.is_empty() {
            path.push_str("&continue=");
            path.push_str(&resource::escape(token));
        }
        self.narrowed(path)
    }

    fn scope_path(&self, at: usize) -> String {
        let namespace = self.scopes.get(at).and_then(|scope| scope.namespace.as_deref());
        resource::path(self.kind, self.version, namespace)
    }

    fn narrowed(&self, mut path: String) -> String {
        if let Some(selector) = resource::selector(self.kind) {
            path.push('&');
            path.push_str(&selector);
        }
        path
    }

    fn set_version(&mut self, at: usize, version: String) {
        if let Some(scope) = self.scopes.get_mut(at).filter(|_| !version.is_empty()) {
            scope.resource_version = version;
        }
    }

    // --- watching ---

    async fn watch(&mut self) -> Result<Infallible, Stop> {
        let mut watches: SelectAll<BoxStream<'static, Tagged>> = SelectAll::new();
        let permits = self.watch_permits();
        for (at, _) in &permits {
            watches.push(self.open_watch(*at).await?);
        }
        let mut relist = self.relist(self.scopes.len() - permits.len());
        for scope in &mut self.scopes {
            scope.was_read = true;
        }
        self.refusals.reset();
        self.watching_since = Some(Instant::now());
        self.health.live().await?;
        let mut batch = Batch::default();
        let mut granted = self.granted();
        loop {
            let due = earliest(batch.due(), self.health.due());
            let next = tokio::select! {
                next = next_until(due, &mut watches), if !watches.is_empty() => next,
                () = &mut relist => {
                    self.flush(&mut batch).await?;
                    return Err(Stop::Relist);
                }
                namespace = &mut granted => return Err(Stop::Granted(namespace)),
            };
            match next {
                Some(Some((at, _, Piece::Line(line)))) => {
                    batch.push(at, line, &self.context.timing);
                    if batch.is_full() {
                        self.flush(&mut batch).await?;
                    }
                }
                Some(Some((_, opened, Piece::Broken(failure)))) => {
                    self.flush(&mut batch).await?;
                    self.tolerate(opened, failure)?;
                }
                Some(Some((at, opened, Piece::End))) => {
                    self.flush(&mut batch).await?;
                    self.tolerate(opened, Failure::Network("the watch ended at once".to_owned()))?;
                    watches.push(self.open_watch(at).await?);
                    self.health.live().await?;
                }
                Some(None) => return Err(Failure::Network("every watch ended".to_owned()).into()),
                None => self.catch_up(&mut batch).await?,
            }
        }
    }

    /// Permits for the scopes that may be watched, with their numbers; held as long as these are.
    fn watch_permits(&self) -> Vec<(usize, WatchPermit)> {
        let permit = |at| Some((at, self.context.watches.take(self.kind, at)?));
        (0..self.scopes.len()).filter_map(permit).collect()
    }

    /// Waits until the scopes that are not watched are to be listed again.
    fn relist(&mut self, unwatched: usize) -> BoxFuture<'static, ()> {
        let interval = (unwatched > 0).then_some(self.context.timing.relist);
        self.health.set_relist_interval(interval);
        interval.map_or_else(|| std::future::pending().boxed(), |interval| sleep(interval).boxed())
    }

    /// Does what is due now.
    async fn catch_up(&mut self, batch: &mut Batch) -> Result<(), Stop> {
        let now = Instant::now();
        if batch.due().is_some_and(|due| due <= now) {
            self.flush(batch).await?;
        }
        if self.health.due().is_some_and(|due| due <= now) {
            self.health.tell_owed().await?;
        }
        Ok(())
    }

    /// A watch that breaks or ends after a while is opened again at once and nobody need know; one that does so right away
    /// would be opened again and again. Only one that lived for long is taken for the end of all trouble.
    fn tolerate(&mut self, opened: Opened, failure: Failure) -> Result<(), Stop> {
        // The same watch would send the same again.
        let is_wrong = matches!(failure, Failure::WrongAnswer(_));
        if is_wrong || opened.elapsed() < self.context.timing.backoff_first {
            return Err(failure.into());
        }
        if opened.elapsed() > self.context.timing.backoff_max {
            self.backoff.reset();
        }
        Ok(())
    }

    async fn open_watch(&mut self, at: usize) -> Result<BoxStream<'static, Tagged>, Stop> {
        let accept = resource::watch_accept(self.kind);
        // Since Kubernetes 1.37 events are zipped one by one, of which kube's client unzips only the first.
        let headers = [(header::ACCEPT, accept), (header::ACCEPT_ENCODING, "identity")];
        let path = self.watch_path(at);
        let request = api::request(http::Method::GET, &path, &headers, Vec::new())?;
        let client = self.client().await?;
        let response = api::open(&client, request, &self.context.timing).await;
        let response = response.map_err(|failure| Stop::of_scope(at, path, failure))?;
        let opened = Instant::now();
        let limit = self.context.timing.watch + self.context.timing.watch_slack;
        let patience = self.context.timing.stall;
        Ok(pieces(client, response.into_body(), limit, patience).map(move |piece| (at, opened, piece)).boxed())
    }

    /// Waits until something that was refused may be read: a namespace, or (`None`) the whole cluster.
    fn granted(&self) -> BoxFuture<'static, Option<String>> {
        let (kind, context, refused, first) = (self.kind, self.context.clone(), self.refused.clone(), self.probe_at);
        if refused.is_empty() {
            return std::future::pending().boxed();
        }
        async move {
            sleep_until(first).await;
            loop {
                for one in &refused {
                    if may_read(kind, &one.probe, &context).await {
                        return one.namespace.clone();
                    }
                }
                sleep(context.timing.forbidden_retry).await;
            }
        }
        .boxed()
    }

    fn watch_path(&self, at: usize) -> String {
        let seconds = self.context.timing.watch.as_secs().max(1);
        let version = self.scopes.get(at).map_or("", |scope| scope.resource_version.as_str());
        self.narrowed(format!(
            "{}?watch=1&allowWatchBookmarks=true&timeoutSeconds={seconds}&resourceVersion={}",
            self.scope_path(at),
            resource::escape(version)
        ))
    }

    async fn flush(&mut self, batch: &mut Batch) -> Result<(), Stop> {
        if batch.due().is_none() {
            return Ok(());
        }
        let outcome = batch.decode(self.kind, &mut self.interner, self.health.undecodable());
        let Outcome { delta, growth, versions, ended } = outcome;
        if let Some(delta) = delta {
            self.send_rows(delta).await?;
        }
        for (at, version) in versions {
            self.set_version(at, version);
        }
        // Also where the watch ends with it: not after every end everything is read again.
        self.health.grew(growth);
        match ended {
            Some(failure) => Err(failure.into()),
            None => Ok(self.health.heard().await?),
        }
    }

    // --- recovering ---

    async fn recover(&mut self, stop: Stop) -> Result<(), Closed> {
        self.is_relist = matches!(stop, Stop::Relist);
        let watched = self.watching_since.take().map(|since| since.elapsed());
        let has_lived = watched.is_some_and(|watched| watched > self.context.timing.backoff_max);
        if has_lived {
            self.backoff.reset();
        }
        match stop {
            Stop::Closed => Err(Closed),
            Stop::Expired if has_lived => {
                self.relist_now();
                Ok(())
            }
            Stop::Expired => self.relist_later().await,
            Stop::Absent(words) => self.absent(&words).await,
            Stop::Missing if self.kind.spec().is_optional() => {
                self.absent(&not_in_version(self.kind.spec(), self.version)).await
            }
            // Every cluster serves it: where it is not found, something in between answers.
            Stop::Missing => {
                let words = not_in_version(self.kind.spec(), self.version);
                self.failed(Failure::Api { code: 404, message: words, retry_after: None }).await
            }
            Stop::Undiscovered(failure, wait) => self.undiscovered(&failure, wait).await,
            Stop::Relist => {
                self.relist_now();
                Ok(())
            }
            Stop::Refused(at, probe, words) => {
                if self.is_doubted(at) && !self.is_the_only_one(at, &probe).await {
                    return self.refused_for_now(&words).await;
                }
                self.refused(at, probe, words).await
            }
            Stop::Granted(namespace) => {
                self.widen(namespace);
                Ok(())
            }
            Stop::Failed(Failure::Api { code: 403, message, .. }) if !self.listed => self.forbidden(&message).await,
            Stop::Failed(failure) => self.failed(failure).await,
        }
    }

    /// With growing waits, or a server that always answers 410 would be listed without end.
    async fn relist_later(&mut self) -> Result<(), Closed> {
        let words = if std::mem::take(&mut self.listed) {
            "the server no longer knows what the watch would go on from (410)"
        } else {
            self.page_size.expired();
            "the server forgets where the list began before it is complete (410)"
        };
        let wait = self.backoff.next();
        self.health.failed(words, wait).await?;
        sleep(wait).await;
        Ok(())
    }

    async fn absent(&mut self, words: &str) -> Result<(), Closed> {
        self.forget().await?;
        if self.kind == Kind::EksNodeClass {
            self.tell(Fact::AutoMode(false)).await?;
        }
        let wait = self.context.timing.absent_retry;
        self.health.absent(words, wait).await?;
        self.outdated = self.round;
        // An optional kind waits for what discovery says next, without a request of its own.
        if !self.kind.spec().is_optional() {
            sleep(wait).await;
        }
        Ok(())
    }

    async fn undiscovered(&mut self, failure: &Failure, wait: Duration) -> Result<(), Closed> {
        self.outdated = self.round;
        self.health.failed(&failure.sentence(), wait).await
    }

    fn relist_now(&mut self) {
        self.listed = false;
        let now = Instant::now();
        if self.probe_at <= now {
            self.probe_at = now + self.context.timing.forbidden_retry;
        }
    }

    /// Whether a refusal of what was read before may be one of a server that does not know its roles yet.
    fn is_doubted(&mut self, at: usize) -> bool {
        self.scopes.get(at).is_some_and(|scope| scope.was_read) && !self.refusals.are_lasting()
    }

    /// Whether a namespace still is refused while another one is not. A server that answers so knows its roles.
    async fn is_the_only_one(&self, at: usize, probe: &str) -> bool {
        for other in (0..self.scopes.len()).filter(|other| *other != at) {
            if may_read(self.kind, &format!("{}?limit=1", self.scope_path(other)), &self.context).await {
                return !may_read(self.kind, probe, &self.context).await;
            }
        }
        false
    }

    /// Keeps the rows, and tries again soon.
    async fn refused_for_now(&mut self, words: &str) -> Result<(), Closed> {
        let wait = self.refusals.next();
        self.health.failed(&self.forbidden_sentence(words), wait).await?;
        sleep(wait).await;
        Ok(())
    }

    /// Goes on with what is left: where the whole cluster is not readable, the namespaces that were named may be, and
    /// where one of these is not, the others are.
    async fn refused(&mut self, at: usize, probe: String, words: String) -> Result<(), Closed> {
        self.listed = false;
        let WatchScope { namespace, was_read, .. } = self.scopes.remove(at);
        if namespace.is_none() {
            self.scopes = self.named_scopes();
        } else {
            // The rows of the other namespaces are as good as before, and the list takes the rest away.
            self.is_relist = was_read;
        }
        let timing = self.context.timing;
        self.probe_at = Instant::now() + if was_read { timing.forbidden_first } else { timing.forbidden_retry };
        self.refused.push(Refused { namespace, probe, words: words.clone() });
        if self.scopes.is_empty() { self.forbidden(&words).await } else { Ok(()) }
    }

    fn named_scopes(&self) -> Vec<WatchScope> {
        if self.kind.spec().scope == Scope::Cluster {
            return Vec::new();
        }
        self.context.namespaces.iter().cloned().map(one_namespace).collect()
    }

    /// Reads what has been granted as well.
    fn widen(&mut self, granted: Option<String>) {
        self.listed = false;
        let Some(namespace) = granted else {
            self.scopes = whole_cluster();
            return self.refused.clear();
        };
        self.refused.retain(|refused| refused.namespace.as_ref() != Some(&namespace));
        self.scopes.push(one_namespace(namespace));
    }

    async fn forbidden(&mut self, words: &str) -> Result<(), Closed> {
        self.forget().await?;
        let wait = self.refusals.next();
        self.health.forbidden(&self.forbidden_sentence(words), wait).await?;
        sleep(wait).await;
        self.widen(None);
        Ok(())
    }

    fn forbidden_sentence(&self, words: &str) -> String {
        format!("may not list and watch {}: {words}", self.kind.spec().resource_in(self.version))
    }

    /// What is read instead of the whole cluster, what is not, and why; `None` where the whole cluster is.
    fn narrowing(&self) -> Option<String> {
        let namespaces = self.namespaces()?.join(", ");
        let words = |refused: &Refused| match &refused.namespace {
            None => refused.words.clone(),
            Some(namespace) => format!("not namespace {namespace}: {}", refused.words),
        };
        let refused: Vec<String> = self.refused.iter().map(words).collect();
        Some(format!("only namespace {namespaces}: {}", refused.join("; ")))
    }

    fn namespaces(&self) -> Option<Vec<String>> {
        self.scopes.iter().map(|scope| scope.namespace.clone()).collect()
    }

    /// What is no longer readable is not kept in sight as if it were.
    async fn forget(&mut self) -> Result<(), Closed> {
        self.listed = false;
        if std::mem::take(&mut self.holds_rows) {
            self.send_marker(RawChange::Begin).await?;
            self.send_marker(RawChange::Commit).await?;
        }
        Ok(())
    }

    async fn failed(&mut self, failure: Failure) -> Result<(), Closed> {
        // Anything but a lost connection may be about the resourceVersion; a list heals that.
        let is_lost = matches!(failure, Failure::Network(_) | Failure::Silence(_) | Failure::Tls(_));
        let is_busy = matches!(failure, Failure::Api { code: 401 | 429 | 500..=599, .. });
        // The rest of 4xx hardly ever is, and a list for each try would be many.
        let is_refused = matches!(failure, Failure::Api { code: 400..=499, .. }) && !self.backoff.is_longest();
        self.listed &= is_lost || is_busy || is_refused;
        let wait = self.backoff.next().max(asked_for(&failure));
        self.health.failed(&failure.sentence(), wait).await?;
        if failure.is_about_identity() {
            self.context.access.suspect(self.generation);
        }
        tokio::select! {
            () = sleep(wait) => {}
            () = self.context.access.newer_than(self.generation) => {}
        }
        Ok(())
    }
}

/// The next piece; `None` when `due` comes before it.
async fn next_until<S: futures::Stream + Unpin>(due: Option<Instant>, stream: &mut S) -> Option<Option<S::Item>> {
    match due {
        Some(due) => timeout_at(due, stream.next()).await.ok(),
        None => Some(stream.next().await),
    }
}

/// Whether a request that was refused no longer is; an expired watch is one that may be opened.
async fn may_read(kind: Kind, path: &str, context: &StreamContext) -> bool {
    let mut access = context.access.clone();
    let Some(client) = access.wait().await else { return false };
    let Ok(request) = api::get(path, &resource::accept(kind)) else { return false };
    let answer = api::open(&client, request, &context.timing).await;
    matches!(answer, Ok(_) | Err(Failure::Api { code: 410, .. }))
}

fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    a.into_iter().chain(b).min()
}

fn asked_for(failure: &Failure) -> Duration {
    match failure {
        Failure::Api { retry_after: Some(wait), .. } => *wait,
        _ => Duration::ZERO,
    }
}

/// The continue tokens of one list.
#[derive(Default)]
struct Tokens(HashSet<u64>);

impl Tokens {
    /// Takes one more; an error says why the list is not followed any further.
    fn take(&mut self, token: &str) -> Result<(), String> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(format!("its continue token has {} bytes", token.len()));
        }
        let mut hasher = DefaultHasher::new();
        token.hash(&mut hasher);
        if !self.0.insert(hasher.finish()) {
            return Err("the same continue token came twice".to_owned());
        }
        if self.0.len() >= MAX_PAGES { Err(format!("it has more than {MAX_PAGES} pages")) } else { Ok(()) }
    }
}

/// The failure of a list that was answered with success, and without a list.
fn no_page(why: NoPage, kind: Kind, path: &str) -> Failure {
    let answer = |what: &str| format!("the answer to GET {path} is {what}, not a {}", list_kind(kind));
    match why {
        NoPage::Status(status) => {
            let sentence = format!("{}: {}", answer("a Status"), bounded(&status.message));
            match Failure::of_status(status) {
                Failure::Api { code: code @ 400.., retry_after, .. } => {
                    Failure::Api { code, message: sentence, retry_after }
                }
                _ => Failure::WrongAnswer(sentence),
            }
        }
        NoPage::Other(what) => Failure::WrongAnswer(answer(&what)),
        NoPage::Json(error) => Failure::Unreadable(error.to_string()),
        NoPage::Protobuf(error) => Failure::Unreadable(format!("protobuf: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_with_a_repeated_or_overlong_continue_token_or_too_many_pages_fails() {
        let mut tokens = Tokens::default();
        assert_eq!(tokens.take("a"), Ok(()));
        assert_eq!(tokens.take("b"), Ok(()));
        assert_eq!(tokens.take("a"), Err("the same continue token came twice".to_owned()));
        let long = "t".repeat(MAX_TOKEN_BYTES + 1);
        assert_eq!(tokens.take(&long), Err(format!("its continue token has {} bytes", MAX_TOKEN_BYTES + 1)));
        let ended = (0..MAX_PAGES).find_map(|number| tokens.take(&number.to_string()).err());
        assert_eq!(ended, Some(format!("it has more than {MAX_PAGES} pages")));
    }
}
