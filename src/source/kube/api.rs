//! Single requests: bounded in time and size, with every failure told apart.

use std::time::Duration;

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use tokio::time::timeout;

use super::Timing;
use super::decode::{Status, bounded};
use super::failure::Failure;

/// How large an answer may be: 500 objects at etcd's own limit of 1.5 MiB would be 750 MB, which no real page comes near.
const MAX_BODY_BYTES: usize = 256 << 20;

/// How much of an answer that is no JSON is quoted.
const QUOTED_BYTES: usize = 200;

/// How long a server's wish to be left alone is respected.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(1);

/// A GET of `path`, with the media type that is asked for.
pub(super) fn get(path: &str, accept: &str) -> Result<Request<Body>, Failure> {
    request(Method::GET, path, &[(header::ACCEPT, accept)], Vec::new())
}

/// A request with any method, headers and body; an error where the path is no URI.
pub(super) fn request(
    method: Method,
    path: &str,
    headers: &[(header::HeaderName, &str)],
    body: Vec<u8>,
) -> Result<Request<Body>, Failure> {
    let mut builder = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        builder = builder.header(name, *value);
    }
    builder.body(Body::from(body)).map_err(|error| Failure::Unreadable(format!("{}: {error}", bounded(path))))
}

/// Sends a request and waits for the head of a successful response.
pub(super) async fn open(client: &Client, request: Request<Body>, timing: &Timing) -> Result<Response<Body>, Failure> {
    let sent = timeout(timing.request, client.send(request)).await;
    let response = sent.map_err(|_| Failure::Silence("the request"))?.map_err(|error| Failure::of(&error))?;
    if response.status().is_success() {
        return Ok(response);
    }
    Err(refusal(response, timing).await)
}

/// Sends a request and reads the whole response into `buffer`.
pub(super) async fn fetch(
    client: &Client,
    request: Request<Body>,
    timing: &Timing,
    buffer: &mut Vec<u8>,
) -> Result<(), Failure> {
    let response = open(client, request, timing).await?;
    read(response.into_body(), timing, buffer).await
}

/// Reads the rest of a response into `buffer`.
pub(super) async fn read(mut body: Body, timing: &Timing, buffer: &mut Vec<u8>) -> Result<(), Failure> {
    buffer.clear();
    loop {
        let frame =
            timeout(timing.stall, body.frame()).await.map_err(|_| Failure::Silence("the rest of the answer"))?;
        let Some(frame) = frame else { return Ok(()) };
        let Ok(data) = frame.map_err(|error| Failure::of(&error))?.into_data() else { continue };
        if buffer.len() + data.len() > MAX_BODY_BYTES {
            return Err(Failure::Unreadable(format!("more than {MAX_BODY_BYTES} bytes")));
        }
        buffer.extend_from_slice(&data);
    }
}

async fn refusal(response: Response<Body>, timing: &Timing) -> Failure {
    let code = response.status();
    let seconds = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let retry_after = seconds.map(|seconds| Duration::from_secs(seconds).min(MAX_RETRY_AFTER));
    let mut body = Vec::new();
    let words = match read(response.into_body(), timing, &mut body).await {
        Ok(()) => server_words(&body, code),
        Err(_) => String::new(),
    };
    Failure::Api { code: code.as_u16(), message: words, retry_after }
}

/// The message of a `Status`; proxies and old servers answer in plain text.
fn server_words(body: &[u8], code: StatusCode) -> String {
    if let Ok(status) = serde_json::from_slice::<Status>(body)
        && !status.message.is_empty()
    {
        return bounded(&status.message).into_owned();
    }
    let text = String::from_utf8_lossy(body);
    let line: String = text.lines().next().unwrap_or_default().chars().take(QUOTED_BYTES).collect();
    let reason = code.canonical_reason().unwrap_or_default();
    if line.trim().is_empty() { reason.to_owned() } else { format!("{reason}: {}", line.trim()) }
}
