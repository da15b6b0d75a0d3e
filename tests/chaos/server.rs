//! The API server: HTTP around the world, with faults.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use batchtop::fleet::Kind;
use batchtop::source::kube::first_page;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use super::fault::{Asked, Fate, Fault, Schedule, Target, marker};
use super::log::Log;
use super::world::{Page, World};

type Body = UnsyncBoxBody<Bytes, io::Error>;
type Answer = Result<Response<Body>, io::Error>;
type Query = BTreeMap<String, String>;

/// Objects per page at most, so that lists have several.
fn page_cap(kind: Kind) -> usize {
    if kind == Kind::Pod { 400 } else { 40 }
}

/// How often a watch is told that nothing changed.
const BOOKMARKS: Duration = Duration::from_millis(300);

const CRD: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/nodepools.karpenter.sh";

/// What the connections share.
pub struct Shared {
    world: Mutex<World>,
    schedule: Mutex<Schedule>,
    log: Mutex<Log>,
    /// The version of the world.
    version: watch::Sender<u64>,
    connections: AtomicUsize,
    /// Whether the API groups have been told once: before that, a fault of discovery would be one of many kinds.
    is_discovered: AtomicBool,
}

impl Shared {
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("nothing panicked here")
    }

    pub fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().expect("nothing panicked here")
    }

    pub fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().expect("nothing panicked here")
    }

    /// Connections that are open now.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Changes the world and wakes the watches.
    pub fn change(&self, change: impl FnOnce(&mut World)) {
        let mut world = self.world();
        change(&mut world);
        self.version.send_replace(world.version());
    }

    fn wrong(&self, target: Target, asked: Asked, fault: Fault) -> usize {
        self.log().wrong(target, asked, fault)
    }
}

/// A server on a free port of the loopback, until it is stopped.
pub struct Server {
    pub shared: Arc<Shared>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let world = World::new(seed);
        let shared = Arc::new(Shared {
            version: watch::Sender::new(world.version()),
            world: Mutex::new(world),
            schedule: Mutex::new(Schedule::new(seed)),
            log: Mutex::default(),
            connections: AtomicUsize::new(0),
            is_discovered: AtomicBool::new(false),
        });
        let task = tokio::spawn(serve(listener, shared.clone()));
        Self { shared, address, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub async fn stop(self) {
        self.task.abort();
        // It was aborted, which is no news.
        let _ = self.task.await;
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let socket = tokio::select! {
            accepted = listener.accept() => accepted.expect("a connection").0,
            Some(_) = connections.join_next() => continue,
        };
        let open = Open::new(shared.clone());
        connections.spawn(async move {
            let service = service_fn(|request| answer(request, open.0.clone()));
            // A connection that breaks is what this is for.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
        });
    }
}

/// Counts a connection until it is closed.
struct Open(Arc<Shared>);

impl Open {
    fn new(shared: Arc<Shared>) -> Self {
        shared.connections.fetch_add(1, Ordering::SeqCst);
        Self(shared)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What a request asks for.
struct Ask {
    target: Target,
    asked: Asked,
    query: Query,
    /// The right answer, where a list is asked for.
    page: Option<Page>,
}

fn ask(request: &Request<Incoming>) -> Option<Ask> {
    let path = request.uri().path();
    let pairs = request.uri().query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let query: Query = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let target = match path {
        "/apis" => Target::Discovery,
        CRD => Target::Crds,
        _ => Target::Kind(Kind::ALL.into_iter().find(|kind| first_page(*kind).0.split('?').next() == Some(path))?),
    };
    let asked = match target {
        Target::Kind(_) if query.contains_key("watch") => Asked::Watch,
        Target::Kind(_) if query.contains_key("continue") => Asked::NextPage,
        Target::Kind(_) => Asked::List,
        Target::Crds | Target::Discovery => Asked::Object,
    };
    Some(Ask { target, asked, query, page: None })
}

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Answer {
    let Some(mut ask) = ask(&request) else { return Ok(aside(request.uri().path())) };
    let Ask { target, asked, .. } = ask;
    shared.log().came(target, asked);
    if let Target::Kind(kind) = target
        && asked != Asked::Watch
    {
        ask.page = page(kind, &ask.query, &shared);
        if ask.page.is_none() {
            shared.wrong(target, asked, Fault::Expired);
            return Ok(status(410, "The provided continue parameter is too old"));
        }
    }
    let is_spared = target == Target::Discovery && !shared.is_discovered.swap(true, Ordering::SeqCst);
    let fault = if is_spared { None } else { shared.schedule().next(target, asked) };
    match fault {
        None => Ok(good(&ask, &shared)),
        Some(fault) => {
            let number = shared.wrong(target, asked, fault);
            wrong(fault, number, &ask, &shared).await
        }
    }
}

/// What no Source is about.
fn aside(path: &str) -> Response<Body> {
    match path {
        "/version" => json(r#"{"major":"1","minor":"35","gitVersion":"v1.35.1"}"#.to_owned()),
        _ => json(r#"{"status":{"userInfo":{"username":"jane"}}}"#.to_owned()),
    }
}

async fn wrong(fault: Fault, number: usize, ask: &Ask, shared: &Arc<Shared>) -> Answer {
    let words = marker(number);
    Ok(match fault {
        Fault::InternalError => status(500, &words),
        Fault::Unavailable => coded(503, text("text/plain", format!("no server is ready {words}\n"))),
        Fault::TooManyRequests => {
            let mut response = status(429, &words);
            response.headers_mut().insert("retry-after", 1.into());
            response
        }
        Fault::Forbidden => status(403, &words),
        Fault::Unauthorized => status(401, &words),
        Fault::NotFound => status(404, &words),
        Fault::Gone => status(410, &words),
        Fault::HtmlPage => text("text/html", format!("<html><body>Please sign in. {words}</body></html>\n")),
        Fault::EmptyObject => json("{}\n".to_owned()),
        Fault::StatusAsSuccess => coded(200, status(500, &words)),
        Fault::ClosedBeforeHead => return Err(io::Error::other("closed")),
        Fault::Silence => std::future::pending().await,
        Fault::CutInBody => stream(started(ask, shared).await.chain(failing())),
        Fault::SilenceInBody | Fault::HalfOpen => {
            let begin =
                if fault == Fault::HalfOpen { futures::stream::iter([]).boxed() } else { started(ask, shared).await };
            stream(begin.chain(futures::stream::pending()))
        }
        Fault::TruncatedGzip => truncated_gzip(),
        Fault::SlowDrip => drip(&whole(good(ask, shared)).await),
        Fault::TokenTwice => token_twice(ask, shared),
        Fault::EndsAtOnce => json(String::new()),
        Fault::Replay => watching(ask, shared, Begin::Before),
        Fault::CutInLine | Fault::ErrorGone | Fault::ErrorInternal | Fault::UnknownEvent | Fault::Expired => {
            unreachable!("this fault comes later")
        }
    })
}

// --- what is right ---

fn good(ask: &Ask, shared: &Arc<Shared>) -> Response<Body> {
    match (ask.target, ask.asked) {
        (Target::Discovery, _) => json(groups()),
        (Target::Crds, _) => {
            json(r#"{"kind":"CustomResourceDefinition","spec":{"versions":[{"name":"v1"}]}}"#.to_owned())
        }
        (Target::Kind(_), Asked::Watch) => watching(ask, shared, Begin::Asked),
        (Target::Kind(kind), _) => written(kind, ask.page.as_ref().expect("a page")),
    }
}

/// All groups of the table, in the best version of each kind.
fn groups() -> String {
    let mut groups: BTreeMap<&str, BTreeMap<&str, Vec<String>>> = BTreeMap::new();
    for spec in Kind::ALL.into_iter().map(Kind::spec).filter(|spec| spec.is_optional()) {
        let resource = format!(r#"{{"resource":"{}","scope":"Cluster"}}"#, spec.resource);
        groups.entry(spec.group).or_default().entry(spec.best_version()).or_default().push(resource);
    }
    let version = |(name, resources): (&&str, &Vec<String>)| {
        format!(r#"{{"version":"{name}","freshness":"Current","resources":[{}]}}"#, resources.join(","))
    };
    let group = |(name, versions): (&&str, &BTreeMap<&str, Vec<String>>)| {
        let versions: Vec<String> = versions.iter().map(version).collect();
        format!(r#"{{"metadata":{{"name":"{name}"}},"versions":[{}]}}"#, versions.join(","))
    };
    let groups: Vec<String> = groups.iter().map(group).collect();
    format!(r#"{{"kind":"APIGroupDiscoveryList","items":[{}]}}"#, groups.join(","))
}

/// `None` where the list is no longer known.
fn page(kind: Kind, query: &Query, shared: &Shared) -> Option<Page> {
    let limit: usize = query.get("limit").and_then(|limit| limit.parse().ok()).expect("a limit");
    let limit = limit.min(page_cap(kind));
    let mut world = shared.world();
    match query.get("continue") {
        None => Some(world.first_page(kind, limit)),
        Some(token) => world.next_page(kind, token, limit).ok(),
    }
}

fn written(kind: Kind, page: &Page) -> Response<Body> {
    let mut body = format!(
        r#"{{"kind":"{}List","metadata":{{"resourceVersion":"{}","continue":"{}"}},"items":["#,
        kind.spec().name,
        page.version,
        page.token
    )
    .into_bytes();
    for (at, object) in page.objects.iter().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        body.extend_from_slice(object);
    }
    body.extend_from_slice(b"]}");
    json(body)
}

// --- watches ---

/// Where a watch begins.
#[derive(Clone, Copy)]
enum Begin {
    /// Where it was asked to.
    Asked,
    /// Earlier, so that it tells again what was told.
    Before,
}

/// An open watch.
struct Watching {
    kind: Kind,
    shared: Arc<Shared>,
    /// The version of the last line.
    sent: u64,
    changed: watch::Receiver<u64>,
    ends: Instant,
    bookmark: Instant,
    fate: Option<(Instant, Fault)>,
    /// What is sent before the watch ends.
    last: Vec<Result<Bytes, io::Error>>,
    is_over: bool,
}

fn watching(ask: &Ask, shared: &Arc<Shared>, begin: Begin) -> Response<Body> {
    let Target::Kind(kind) = ask.target else { unreachable!("only kinds are watched") };
    let number = |name: &str| ask.query.get(name).and_then(|text| text.parse::<u64>().ok()).expect("a number");
    let (from, seconds) = (number("resourceVersion"), number("timeoutSeconds"));
    let sent = match begin {
        Begin::Asked => from,
        Begin::Before => shared.world().replayed(kind, from),
    };
    let now = Instant::now();
    let fate = shared.schedule().fate(ask.target, seconds * 1_000);
    let fate = fate.map(|Fate { fault, after_millis }| (now + Duration::from_millis(after_millis), fault));
    let watching = Watching {
        kind,
        shared: shared.clone(),
        sent,
        changed: shared.version.subscribe(),
        ends: now + Duration::from_secs(seconds),
        bookmark: now + BOOKMARKS,
        fate,
        last: Vec::new(),
        is_over: false,
    };
    let frames = futures::stream::unfold(watching, |mut watching| async move {
        let frame = watching.next().await?;
        Some((frame, watching))
    });
    stream(frames)
}

impl Watching {
    /// What is sent next; `None` at the end.
    async fn next(&mut self) -> Option<Result<Bytes, io::Error>> {
        loop {
            if let Some(frame) = self.last.pop() {
                if frame.is_err() {
                    // What came before it has to be on its way.
                    sleep(Duration::from_millis(5)).await;
                }
                return Some(frame);
            }
            if self.is_over {
                return None;
            }
            let now = Instant::now();
            if self.fate.is_some_and(|(at, _)| at <= now) {
                self.meet_fate();
                continue;
            }
            if self.ends <= now {
                return None;
            }
            self.changed.mark_unchanged();
            if let Some(lines) = self.lines() {
                return Some(Ok(lines));
            }
            if self.is_over {
                continue;
            }
            let fate = self.fate.map_or(self.ends, |(at, _)| at);
            tokio::select! {
                () = sleep_until(self.ends.min(fate)) => {}
                () = sleep_until(self.bookmark) => return Some(Ok(self.bookmark())),
                // The sending end lives as long as this one.
                _ = self.changed.changed() => {}
            }
        }
    }

    /// The lines of what has changed.
    fn lines(&mut self) -> Option<Bytes> {
        let found = self.shared.world().lines_after(self.kind, self.sent);
        let Ok((lines, sent)) = found else {
            self.do_wrong(Fault::Expired);
            return None;
        };
        self.sent = sent;
        (!lines.is_empty()).then(|| lines.concat().into())
    }

    fn bookmark(&mut self) -> Bytes {
        self.bookmark = Instant::now() + BOOKMARKS;
        format!(
            "{{\"type\":\"BOOKMARK\",\"object\":{{\"kind\":\"{}\",\"metadata\":{{\"resourceVersion\":\"{}\"}}}}}}\n",
            self.kind.spec().name,
            self.sent
        )
        .into()
    }

    fn meet_fate(&mut self) {
        if let Some((_, fault)) = self.fate.take() {
            self.do_wrong(fault);
        }
    }

    fn do_wrong(&mut self, fault: Fault) {
        let number = self.shared.wrong(Target::Kind(self.kind), Asked::Watch, fault);
        let words = marker(number);
        let error = |code: u16, reason: &str| {
            format!(
                "{{\"type\":\"ERROR\",\"object\":{{\"kind\":\"Status\",\"code\":{code},\"reason\":\"{reason}\",\"message\":\"{words}\"}}}}\n"
            )
        };
        self.is_over = true;
        // The last one first.
        self.last = match fault {
            Fault::CutInLine => {
                vec![Err(io::Error::other("cut")), Ok(Bytes::from_static(b"{\"type\":\"MODIFIED\",\"obj"))]
            }
            Fault::ErrorInternal => vec![Ok(error(500, "InternalError").into())],
            Fault::UnknownEvent => vec![Ok(Bytes::from_static(b"{\"type\":\"CHAOS\",\"object\":{}}\n"))],
            _ => vec![Ok(error(410, "Expired").into())],
        };
    }
}

// --- what is wrong ---

async fn whole(response: Response<Body>) -> Bytes {
    response.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default()
}

/// The first half of the right answer.
async fn started(ask: &Ask, shared: &Arc<Shared>) -> Pin<Box<dyn Stream<Item = Result<Bytes, io::Error>> + Send>> {
    let whole = whole(good(ask, shared)).await;
    futures::stream::iter([Ok(whole.slice(..whole.len() / 2))]).boxed()
}

fn failing() -> impl Stream<Item = Result<Bytes, io::Error>> {
    futures::stream::once(async {
        sleep(Duration::from_millis(5)).await;
        Err(io::Error::other("cut"))
    })
}

/// A page that names itself as the next one.
fn token_twice(ask: &Ask, shared: &Shared) -> Response<Body> {
    let Target::Kind(kind) = ask.target else { unreachable!("only kinds have pages") };
    let token = ask.query.get("continue").cloned().unwrap_or_default();
    written(kind, &Page { version: shared.world().version(), objects: Vec::new(), token })
}

/// RFC 1952 and 1951: a header, and a stored block of 100 bytes of which only some come.
fn truncated_gzip() -> Response<Body> {
    let mut body = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    body.extend([1, 100, 0, !100, 255]);
    body.extend(br#"{"kind":"PodList","items":["#);
    let mut response = json(body);
    response.headers_mut().insert("content-encoding", http::HeaderValue::from_static("gzip"));
    response
}

fn drip(whole: &Bytes) -> Response<Body> {
    let size = (whole.len() / 20).max(1);
    let pieces: Vec<Bytes> = whole.chunks(size).map(Bytes::copy_from_slice).collect();
    stream(futures::stream::iter(pieces).then(|piece| async move {
        sleep(Duration::from_millis(20)).await;
        Ok(piece)
    }))
}

// --- responses ---

fn json(text: impl Into<Bytes>) -> Response<Body> {
    text_of("application/json", text.into())
}

fn text(content_type: &'static str, text: String) -> Response<Body> {
    text_of(content_type, text.into())
}

fn text_of(content_type: &'static str, bytes: Bytes) -> Response<Body> {
    let body = Full::new(bytes).map_err(|never| match never {}).boxed_unsync();
    Response::builder().header("content-type", content_type).body(body).expect("a response")
}

fn coded(code: u16, mut response: Response<Body>) -> Response<Body> {
    *response.status_mut() = code.try_into().expect("a status");
    response
}

fn status(code: u16, message: &str) -> Response<Body> {
    coded(code, json(format!(r#"{{"kind":"Status","code":{code},"message":"{message}"}}"#)))
}

fn stream(frames: impl Stream<Item = Result<Bytes, io::Error>> + Send + 'static) -> Response<Body> {
    let body = StreamBody::new(frames.map(|frame| frame.map(Frame::data))).boxed_unsync();
    Response::builder().header("content-type", "application/json").body(body).expect("a response")
}
