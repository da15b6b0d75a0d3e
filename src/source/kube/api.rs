//! Single requests: bounded in time and size, with every failure told apart.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use tokio::time::timeout;

use super::decode::{Status, bounded};
use super::failure::Failure;
use super::{Timing, bodies};

/// How much of the answer is read that comes with an error: words for people. Little enough not to be counted.
const MAX_REFUSAL_BYTES: usize = 64 << 10;

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

/// Sends a request and reads the whole response into `answer`.
pub(super) async fn fetch(
    client: &Client,
    request: Request<Body>,
    timing: &Timing,
    answer: &mut bodies::Body,
) -> Result<(), Failure> {
    let response = open(client, request, timing).await?;
    read(response.into_body(), timing, answer).await
}

/// Reads the rest of a response into `answer`, which is empty and has no memory after a failure.
pub(super) async fn read(body: Body, timing: &Timing, answer: &mut bodies::Body) -> Result<(), Failure> {
    answer.clear();
    let read = read_pieces(body, timing, answer).await;
    if read.is_err() {
        answer.release();
    }
    read
}

async fn read_pieces(mut body: Body, timing: &Timing, answer: &mut bodies::Body) -> Result<(), Failure> {
    while let Some(piece) = next_piece(&mut body, timing).await? {
        answer.push(&piece, timing.stall).await?;
    }
    Ok(())
}

/// The next piece of a response, of a few KiB where it comes zipped; `None` at its end.
async fn next_piece(body: &mut Body, timing: &Timing) -> Result<Option<Bytes>, Failure> {
    loop {
        let frame =
            timeout(timing.stall, body.frame()).await.map_err(|_| Failure::Silence("the rest of the answer"))?;
        let Some(frame) = frame else { return Ok(None) };
        if let Ok(piece) = frame.map_err(|error| Failure::of(&error))?.into_data() {
            return Ok(Some(piece));
        }
    }
}

async fn refusal(response: Response<Body>, timing: &Timing) -> Failure {
    let code = response.status();
    let seconds = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let retry_after = seconds.map(|seconds| Duration::from_secs(seconds).min(MAX_RETRY_AFTER));
    let words = beginning(response.into_body(), timing).await.map(|body| server_words(&body, code));
    Failure::Api { code: code.as_u16(), message: words.unwrap_or_default(), retry_after }
}

/// As much of a response as is read of one that says what went wrong.
async fn beginning(mut body: Body, timing: &Timing) -> Result<Vec<u8>, Failure> {
    let mut beginning = Vec::new();
    while beginning.len() < MAX_REFUSAL_BYTES
        && let Some(piece) = next_piece(&mut body, timing).await?
    {
        beginning.extend(piece.into_iter().take(MAX_REFUSAL_BYTES - beginning.len()));
    }
    Ok(beginning)
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
