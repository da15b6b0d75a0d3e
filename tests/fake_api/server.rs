//! HTTP around the state.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use batchtop::fleet::Kind;
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::faults::Fault;
use super::state::{Push, State, kind_at};

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// A server on a free port of the loopback, until it is dropped.
pub struct FakeApi {
    state: Arc<Mutex<State>>,
    address: SocketAddr,
    running: Option<DropGuard>,
}

impl FakeApi {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State::default()));
        let running = Some(serve(listener, state.clone()));
        Self { state, address, running }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panicked here")
    }

    /// Breaks every connection and refuses new ones.
    pub fn stop(&mut self) {
        self.running = None;
        self.state().end_all();
    }

    /// Listens again on the same port.
    pub async fn start_again(&mut self) {
        for _ in 0..100 {
            if let Ok(listener) = TcpListener::bind(self.address).await {
                self.running = Some(serve(listener, self.state.clone()));
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the port was taken");
    }

    /// How many requests whose method, path and query contain `text` have come.
    pub fn requests(&self, text: &str) -> usize {
        self.state().log.iter().filter(|line| line.contains(text)).count()
    }
}

fn serve(listener: TcpListener, state: Arc<Mutex<State>>) -> DropGuard {
    let cancel = CancellationToken::new();
    let ended = cancel.clone();
    tokio::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = ended.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            let Ok((socket, _)) = accepted else { break };
            let state = state.clone();
            let open = Open::new(state.clone());
            connections.spawn(async move {
                let _open = open;
                let service = service_fn(move |request| answer(request, state.clone()));
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    cancel.drop_guard()
}

/// Counts a connection until it is closed.
struct Open(Arc<Mutex<State>>);

impl Open {
    fn new(state: Arc<Mutex<State>>) -> Self {
        state.lock().expect("no test panicked here").connected();
        Self(state)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Ok(mut state) = self.0.lock() {
            state.connections -= 1;
        }
    }
}

async fn answer(request: Request<Incoming>, state: Arc<Mutex<State>>) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let line = format!("{} {}", parts.method, parts.uri);
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let fault = {
        let mut state = state.lock().expect("no test panicked here");
        state.log.push(line.clone());
        let token = parts.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if state.token.as_ref().is_some_and(|wanted| token != format!("Bearer {wanted}")) {
            return Ok(status(401, "Unauthorized"));
        }
        state.fault_for(&line)
    };
    let query = query(parts.uri.query().unwrap_or_default());
    let path = parts.uri.path();
    if path == "/apis" && fault.is_none() && !state.lock().expect("no test panicked here").forbidden.contains(path) {
        return Ok(discovery(&parts.headers, &state.lock().expect("no test panicked here")));
    }
    match fault {
        Some(Fault::Answer(body)) => Ok(json(body)),
        Some(Fault::AnswerWith(code, body)) => {
            let mut response = json(body.to_owned());
            *response.status_mut() = code.try_into().expect("a status");
            Ok(response)
        }
        Some(Fault::Zipped(pieces)) => {
            let slow = futures::stream::iter(pieces).then(|piece| async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Ok(Frame::data(piece))
            });
            let mut response = stream(slow.boxed());
            response.headers_mut().insert("content-encoding", "gzip".parse().expect("a header"));
            Ok(response)
        }
        Some(Fault::Status(code, words)) => Ok(status(code, words)),
        Some(Fault::DoneBut(code, words)) => {
            respond(&parts.method, path, &query, &body, &state);
            Ok(status(code, words))
        }
        Some(Fault::DoneInSilence) => {
            respond(&parts.method, path, &query, &body, &state);
            std::future::pending().await
        }
        Some(Fault::Busy(seconds)) => {
            let mut response = status(429, "too many requests");
            response.headers_mut().insert("retry-after", seconds.into());
            Ok(response)
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::HalfOpen) => Ok(stream(futures::stream::pending().boxed())),
        Some(Fault::Endless) => {
            let piece = Bytes::from(vec![b'x'; 1 << 20]);
            Ok(stream(futures::stream::repeat_with(move || Ok(Frame::data(piece.clone()))).boxed()))
        }
        Some(Fault::Cut) => {
            let pieces =
                [Ok(Frame::data(Bytes::from_static(b"{\"type\":\"ADDED\",\"obj"))), Err(std::io::Error::other("cut"))];
            Ok(stream(futures::stream::iter(pieces).boxed()))
        }
        Some(Fault::Drip(pause)) => {
            let whole = respond(&parts.method, path, &query, &body, &state).collect_body().await;
            let pieces: Vec<Bytes> = whole.chunks(200).map(Bytes::copy_from_slice).collect();
            let dripping = futures::stream::iter(pieces).then(move |piece| async move {
                tokio::time::sleep(pause).await;
                Ok(Frame::data(piece))
            });
            Ok(stream(dripping.boxed()))
        }
        None => Ok(respond(&parts.method, path, &query, &body, &state)),
    }
}

trait CollectBody {
    async fn collect_body(self) -> Bytes;
}

impl CollectBody for Response<Body> {
    async fn collect_body(self) -> Bytes {
        self.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default()
    }
}

type Query = BTreeMap<String, String>;

fn query(text: &str) -> Query {
    text.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

/// A value of a query as it was before it was put into an address.
fn decoded(value: &str) -> String {
    percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned()
}

fn respond(method: &Method, path: &str, query: &Query, body: &[u8], state: &Arc<Mutex<State>>) -> Response<Body> {
    let mut state = state.lock().expect("no test panicked here");
    if path == "/version" {
        return json(r#"{"major":"1","minor":"35","gitVersion":"v1.35.1"}"#.to_owned());
    }
    if path.ends_with("/selfsubjectreviews") {
        return json(r#"{"status":{"userInfo":{"username":"jane"}}}"#.to_owned());
    }
    if path.ends_with("/selfsubjectaccessreviews") {
        return json(review(body, &state));
    }
    if let Some(refusal) = refused(path, &state) {
        return refusal;
    }
    if let Some(pod) = path.strip_suffix("/eviction") {
        return evict(pod, body, &mut state);
    }
    if method == Method::PATCH {
        return patch(path, body, &mut state);
    }
    if path.contains("/proxy/") {
        let missing = || {
            if path.contains("/services/") {
                status(404, "services not found")
            } else {
                status(503, "error trying to reach service: connection refused")
            }
        };
        let of_query = query.get("query").and_then(|query| state.pages.get(&format!("{path}?{}", decoded(query))));
        return of_query.or_else(|| state.pages.get(path)).cloned().map_or_else(missing, json);
    }
    if let Some(group) = path.strip_prefix("/apis/").filter(|rest| !rest.contains('/')) {
        return match state.groups.get(group) {
            Some(versions) => {
                let versions: Vec<String> = versions.iter().map(|v| format!(r#"{{"version":"{v}"}}"#)).collect();
                json(format!(r#"{{"kind":"APIGroup","versions":[{}]}}"#, versions.join(",")))
            }
            None => status(404, "the server could not find the requested resource"),
        };
    }
    if let Some((group, version)) = group_version(path) {
        let served = resources(group, version, &state);
        let named: Vec<String> = served.iter().map(|name| format!(r#"{{"name":"{name}"}}"#)).collect();
        return json(format!(r#"{{"kind":"APIResourceList","resources":[{}]}}"#, named.join(",")));
    }
    if query.contains_key("watch") {
        return watch(path, query, &mut state);
    }
    if let Some((collection, key)) = object_of(path, &state) {
        return json(state.collections[&collection][&key].clone());
    }
    list(path, query, &state)
}

/// `/apis/karpenter.sh/v1` → (`karpenter.sh`, `v1`).
fn group_version(path: &str) -> Option<(&str, &str)> {
    let (group, version) = path.strip_prefix("/apis/")?.split_once('/')?;
    (!version.contains('/')).then_some((group, version))
}

/// The resources of a version: those of the kinds that batchtop reads in it.
fn resources(group: &str, version: &str, state: &State) -> Vec<&'static str> {
    let specs = Kind::ALL.into_iter().map(Kind::spec);
    let of_version = specs.filter(|spec| spec.group == group && spec.versions.contains(&version));
    of_version.map(|spec| spec.resource_in(version)).filter(|name| !state.missing.contains(*name)).collect()
}

/// What there is, in the form that the client takes: resources included, unless the server is an old one.
fn discovery(headers: &HeaderMap, state: &State) -> Response<Body> {
    let accepts = headers.get("accept").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if state.plain_discovery || !accepts.starts_with("application/json;g=apidiscovery.k8s.io;v=v2;") {
        return json(group_list(state));
    }
    let body = discovery_list(state);
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    let tag = format!("\"{:X}\"", hasher.finish());
    let is_known = headers.get("if-none-match").is_some_and(|known| *known == *tag);
    let mut response = json(if is_known { String::new() } else { body });
    if is_known {
        *response.status_mut() = http::StatusCode::NOT_MODIFIED;
    }
    response.headers_mut().insert("etag", tag.parse().expect("a header"));
    response
}

fn group_list(state: &State) -> String {
    let version = |version: &String| format!(r#"{{"version":"{version}"}}"#);
    let group = |(group, versions): (&String, &Vec<String>)| {
        let versions: Vec<String> = versions.iter().map(version).collect();
        format!(r#"{{"name":"{group}","versions":[{}]}}"#, versions.join(","))
    };
    let groups: Vec<String> = state.groups.iter().map(group).collect();
    format!(r#"{{"kind":"APIGroupList","groups":[{}]}}"#, groups.join(","))
}

fn discovery_list(state: &State) -> String {
    let resource = |name: &str| format!(r#"{{"resource":"{name}","scope":"Cluster"}}"#);
    let version = |group: &str, version: &str| {
        let names: Vec<String> = resources(group, version, state).into_iter().map(resource).collect();
        format!(r#"{{"version":"{version}","freshness":"Current","resources":[{}]}}"#, names.join(","))
    };
    let group = |(group, versions): (&String, &Vec<String>)| {
        let versions: Vec<String> = versions.iter().map(|one| version(group, one)).collect();
        format!(r#"{{"metadata":{{"name":"{group}"}},"versions":[{}]}}"#, versions.join(","))
    };
    let groups: Vec<String> = state.groups.iter().map(group).collect();
    format!(r#"{{"kind":"APIGroupDiscoveryList","items":[{}]}}"#, groups.join(","))
}

fn refused(path: &str, state: &State) -> Option<Response<Body>> {
    if state.forbidden.iter().any(|prefix| path == prefix) {
        let resource = path.rsplit('/').next().unwrap_or_default();
        return Some(status(403, &format!("{resource} is forbidden: User \\\"jane\\\" cannot list resource")));
    }
    let is_custom = path.starts_with("/apis/") && path.matches('/').count() >= 4;
    let group = path.split('/').nth(2).unwrap_or_default();
    let version = path.split('/').nth(3).unwrap_or_default();
    let is_built_in = matches!(group, "batch" | "apps" | "policy");
    let is_served = state.groups.get(group).is_some_and(|versions| versions.iter().any(|one| one == version));
    (is_custom && !is_built_in && !is_served).then(|| status(404, "the server could not find the requested resource"))
}

/// `/api/v1/namespaces/ml/pods/a` → (`/api/v1/pods`, `ml/a`).
fn object_of(path: &str, state: &State) -> Option<(String, String)> {
    let (collection, name) = path.rsplit_once('/')?;
    let (collection, key) = match collection.split_once("/namespaces/") {
        Some((root, rest)) => {
            let (namespace, resource) = rest.split_once('/')?;
            (format!("{root}/{resource}"), format!("{namespace}/{name}"))
        }
        None => (collection.to_owned(), name.to_owned()),
    };
    state.collections.get(&collection)?.contains_key(&key).then_some((collection, key))
}

fn list(path: &str, query: &Query, state: &State) -> Response<Body> {
    let wanted: usize = query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
    let limit = state.page_cap.unwrap_or(usize::MAX).min(wanted);
    let from: usize = query.get("continue").and_then(|token| token.parse().ok()).unwrap_or(0);
    let objects = state.objects(path);
    let page: Vec<&str> = objects.iter().skip(from).take(limit).map(|json| json.as_str()).collect();
    let token = if from + page.len() < objects.len() { (from + page.len()).to_string() } else { String::new() };
    json(format!(
        r#"{{"kind":"{}List","metadata":{{"resourceVersion":"{}","continue":"{token}"}},"items":[{}]}}"#,
        kind_at(path),
        state.version(),
        page.join(",")
    ))
}

fn watch(path: &str, query: &Query, state: &mut State) -> Response<Body> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let version = query.get("resourceVersion").and_then(|version| version.parse().ok()).unwrap_or(0);
    state.watch(path, version, sender);
    let pushes = futures::stream::unfold(receiver, |mut receiver| async move {
        let frame = match receiver.recv().await? {
            Push::Line(line) => Ok(Frame::data(Bytes::from(line))),
            Push::Cut => Err(std::io::Error::other("cut")),
        };
        Some((frame, receiver))
    });
    stream(pushes.boxed())
}

/// Whether the user has a right; those that nothing denies there are.
fn review(body: &[u8], state: &State) -> String {
    let review: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    let text = |name: &str| review["spec"]["resourceAttributes"][name].as_str().unwrap_or_default();
    let subresource = if text("subresource").is_empty() { String::new() } else { format!("/{}", text("subresource")) };
    let namespace = if text("namespace").is_empty() { String::new() } else { format!(" in {}", text("namespace")) };
    let right = format!("{} {}{subresource}{namespace}", text("verb"), text("resource"));
    format!(r#"{{"kind":"SelfSubjectAccessReview","status":{{"allowed":{}}}}}"#, !state.denied.contains(&right))
}

/// An eviction with the uid as precondition: the pod begins to terminate.
fn evict(path: &str, body: &[u8], state: &mut State) -> Response<Body> {
    let Some((collection, key)) = object_of(path, state) else { return status(404, "pods not found") };
    let eviction: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    assert_eq!((&eviction["apiVersion"], &eviction["kind"]), (&"policy/v1".into(), &"Eviction".into()));
    let mut pod: serde_json::Value = serde_json::from_str(&state.collections[&collection][&key]).expect("JSON");
    let wanted = &eviction["deleteOptions"]["preconditions"]["uid"];
    if pod["metadata"]["uid"] != *wanted || pod["metadata"]["name"] != eviction["metadata"]["name"] {
        return status(409, "the UID in the precondition does not match the UID in record");
    }
    pod["metadata"]["deletionTimestamp"] = "2026-11-21T12:00:00Z".into();
    pod["metadata"]["resourceVersion"] = "@RV@".into();
    state.put(&collection, &key, &pod.to_string());
    let mut response =
        json(r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201}"#.to_owned());
    *response.status_mut() = http::StatusCode::CREATED;
    response
}

/// A merge patch of annotations with uid and resourceVersion as preconditions.
fn patch(path: &str, body: &[u8], state: &mut State) -> Response<Body> {
    let Some((collection, key)) = object_of(path, state) else { return status(404, "not found") };
    let mut object: serde_json::Value = serde_json::from_str(&state.collections[&collection][&key]).expect("JSON");
    let patch: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    let (now, asked) = (&object["metadata"], &patch["metadata"]);
    if !asked["resourceVersion"].is_null() && now["resourceVersion"] != asked["resourceVersion"] {
        return status(409, "the object has been modified");
    }
    if now["uid"] != asked["uid"] {
        return status(422, "metadata.uid: Invalid value: field is immutable");
    }
    for (name, value) in asked["annotations"].as_object().expect("annotations") {
        if value.is_null() {
            if let Some(all) = object["metadata"]["annotations"].as_object_mut() {
                all.remove(name);
            }
        } else {
            object["metadata"]["annotations"][name] = value.clone();
        }
    }
    object["metadata"]["resourceVersion"] = "@RV@".into();
    state.put(&collection, &key, &object.to_string());
    json(state.collections[&collection][&key].clone())
}

fn json(text: String) -> Response<Body> {
    let body = Full::new(Bytes::from(text)).map_err(|never: Infallible| match never {}).boxed_unsync();
    Response::builder().header("content-type", "application/json").body(body).expect("a response")
}

fn status(code: u16, message: &str) -> Response<Body> {
    let mut response = json(format!(r#"{{"kind":"Status","code":{code},"message":"{message}"}}"#));
    *response.status_mut() = code.try_into().expect("a status");
    response
}

fn stream(frames: futures::stream::BoxStream<'static, Result<Frame<Bytes>, std::io::Error>>) -> Response<Body> {
    let body = StreamBody::new(frames).boxed_unsync();
    Response::builder().header("content-type", "application/json").body(body).expect("a response")
}
