//! What answers for simulated pods, which have addresses and no processes.
//!
//! The API server's way to pods and Services (its proxy) ends here: an egress selector
//! makes it send `CONNECT address:port` to a Unix socket in the bed's folder, and what
//! a test has put down for that address answers. Nothing leaves the machine.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::failure::{Context, Result};

/// A whole answer over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// HTTP status.
    pub status: u16,
    /// Value of `Content-Type`.
    pub content_type: String,
    /// The body.
    pub body: Bytes,
    /// How long it takes until the answer begins.
    pub delay: Duration,
}

/// How an address behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It sends a page.
    Page(Page),
    /// It takes the request, and says nothing while the connection lasts.
    Hang,
    /// It takes the connection, and closes it at once.
    Close,
}

impl Page {
    /// Metrics in Prometheus' text format.
    pub fn metrics(body: impl Into<Bytes>) -> Self {
        let content_type = "text/plain; version=0.0.4; charset=utf-8".to_owned();
        Self { status: 200, content_type, body: body.into(), delay: Duration::ZERO }
    }

    /// A page for people.
    pub fn html(body: impl Into<Bytes>) -> Self {
        Self { content_type: "text/html; charset=utf-8".to_owned(), ..Self::metrics(body) }
    }

    /// The same with this status.
    pub fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same, beginning this much later.
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    fn response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Ok(kind) = HeaderValue::from_str(&self.content_type) {
            response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
        }
        response
    }
}

impl From<Page> for Answer {
    fn from(page: Page) -> Self {
        Self::Page(page)
    }
}

/// The socket of a bed and what answers behind it. Dropping it ends the listening; open
/// connections end with the API server.
pub struct Exporters {
    known: Arc<Mutex<Known>>,
    listener: JoinHandle<()>,
}

#[derive(Default)]
struct Known {
    answers: BTreeMap<SocketAddr, Answer>,
    /// Paths that were asked for, in the order in which they came.
    asked: BTreeMap<SocketAddr, Vec<String>>,
    open: usize,
    most_open: usize,
}

impl Exporters {
    /// Listens on a new socket at this path.
    pub fn listen(socket: &Path, runtime: &Runtime) -> Result<Self> {
        let _guard = runtime.enter();
        let listener = UnixListener::bind(socket).context(socket.display())?;
        let known = Arc::new(Mutex::new(Known::default()));
        let listener = runtime.spawn(accept(listener, Arc::clone(&known)));
        Ok(Self { known, listener })
    }

    /// From now on this answers at an address.
    pub fn answer(&self, address: SocketAddr, answer: impl Into<Answer>) {
        lock(&self.known).answers.insert(address, answer.into());
    }

    /// From now on nobody answers there.
    pub fn forget(&self, address: SocketAddr) {
        lock(&self.known).answers.remove(&address);
    }

    /// The paths that were asked for at an address, oldest first.
    pub fn asked(&self, address: SocketAddr) -> Vec<String> {
        lock(&self.known).asked.get(&address).cloned().unwrap_or_default()
    }

    /// How many requests were open at a time, at most.
    pub fn most_open(&self) -> usize {
        lock(&self.known).most_open
    }
}

impl Drop for Exporters {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// The file that tells the API server of the socket.
pub fn egress_selector(socket: &Path) -> Value {
    let transport = json!({"uds": {"udsName": socket}});
    json!({
        "apiVersion": "apiserver.k8s.io/v1beta1",
        "kind": "EgressSelectorConfiguration",
        "egressSelections": [
            {"name": "cluster", "connection": {"proxyProtocol": "HTTPConnect", "transport": transport}},
        ],
    })
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: UnixListener, known: Arc<Mutex<Known>>) {
    while let Ok((stream, _)) = listener.accept().await {
        // An error here is one that the API server sees too, and tells.
        tokio::spawn(serve(stream, Arc::clone(&known)));
    }
}

async fn serve(stream: UnixStream, known: Arc<Mutex<Known>>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let target = target(&mut stream).await?;
    let answer = target.and_then(|address| Some((address, lock(&known).answers.get(&address).cloned()?)));
    let Some((address, answer)) = answer else {
        return stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
    };
    stream.write_all(b"HTTP/1.1 200 Connection Established\r\n\r\n").await?;
    if answer == Answer::Close {
        return Ok(());
    }
    let service = service_fn(|request: Request<Incoming>| {
        let open = Open::new(&known, address, request.uri().to_string());
        let answer = answer.clone();
        async move {
            let _open = open;
            Ok::<_, Infallible>(respond(answer).await)
        }
    });
    // One request per connection: the next one gets what is put down then.
    let connection = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service);
    connection.await.map_err(io::Error::other)
}

async fn respond(answer: Answer) -> Response<Full<Bytes>> {
    match answer {
        Answer::Page(page) => {
            tokio::time::sleep(page.delay).await;
            page.response()
        }
        Answer::Hang | Answer::Close => std::future::pending().await,
    }
}

/// Longest head of a request that is read; the API server's has two lines.
const HEAD_LIMIT_BYTES: u64 = 8192;

/// Where `CONNECT address:port HTTP/1.1` wants to go; `None` for anything else.
async fn target(stream: &mut BufReader<UnixStream>) -> io::Result<Option<SocketAddr>> {
    let mut head = stream.take(HEAD_LIMIT_BYTES);
    let (mut first, mut line) = (String::new(), String::new());
    head.read_line(&mut first).await?;
    while head.read_line(&mut line).await? > 2 {
        line.clear();
    }
    let address = first.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()?.parse().ok());
    Ok(address)
}

/// A request that has come and is not answered yet.
struct Open {
    known: Arc<Mutex<Known>>,
}

impl Open {
    fn new(known: &Arc<Mutex<Known>>, address: SocketAddr, path: String) -> Self {
        let mut now = lock(known);
        now.asked.entry(address).or_default().push(path);
        now.open += 1;
        now.most_open = now.most_open.max(now.open);
        Self { known: Arc::clone(known) }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.known).open -= 1;
    }
}
