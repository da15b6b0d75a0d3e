//! Single requests: bounded in time and size, with every failure told apart.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use tokio::time::timeout;

use super::decode::{self, bounded};
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
    let retry_after = retry_after(response.headers());
    let words = beginning(response.into_body(), timing).await.map(|body| server_words(&body, code));
    Failure::Api { code: code.as_u16(), message: words.unwrap_or_default(), retry_after }
}

/// How long the server wants to be left alone (RFC 9110 §10.2.3): a number of seconds, or until a time by its own clock,
/// which `Date` tells. The clock on this side may be wrong.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::trim);
    let wish = text(header::RETRY_AFTER)?;
    let time = |text| httpdate::parse_http_date(text).ok();
    let wait = match wish.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        // A time that has passed is no wait.
        Err(_) => time(wish)?.duration_since(time(text(header::DATE)?)?).unwrap_or_default(),
    };
    Some(wait.min(MAX_RETRY_AFTER))
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
    if let Some(status) = decode::status(body)
        && !status.message.is_empty()
    {
        return bounded(&status.words()).into_owned();
    }
    let text = String::from_utf8_lossy(body);
    let line: String = text.lines().next().unwrap_or_default().chars().take(QUOTED_BYTES).collect();
    let reason = code.canonical_reason().unwrap_or_default();
    if line.trim().is_empty() { reason.to_owned() } else { format!("{reason}: {}", line.trim()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Sat, 28 Nov 2026 23:59:50 GMT";

    /// The seconds of these two headers.
    fn seconds(wish: &str, date: &str) -> Option<u64> {
        let headers = [(header::RETRY_AFTER, wish), (header::DATE, date)];
        let headers = headers.into_iter().filter(|(_, value)| !value.is_empty());
        let headers = headers.map(|(name, value)| (name, HeaderValue::from_str(value).unwrap())).collect();
        retry_after(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_server_is_left_alone_for_seconds_or_until_a_time_and_never_for_long() {
        for (wish, wanted) in [
            ("", None),
            ("0", Some(0)),
            ("7", Some(7)),
            (" 7 ", Some(7)),
            ("86400", Some(60)),
            ("18446744073709551615", Some(60)),
            ("18446744073709551616", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("Sun, 29 Nov 2026 00:00:05 GMT", Some(15)),
            ("Sunday, 29-Nov-26 00:00:05 GMT", Some(15)),
            ("Sun Nov 29 00:00:05 2026", Some(15)),
            ("Sun, 29 Nov 2026 12:00:00 GMT", Some(60)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(60)),
            (DATE, Some(0)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Sun, 29 Nov 2026 00:00:05", None),
            ("Sun, 99 Nov 2026 00:00:05 GMT", None),
        ] {
            assert_eq!(seconds(wish, DATE), wanted, "{wish}");
        }
    }

    #[test]
    fn a_time_by_a_clock_that_is_not_told_is_no_wish() {
        assert_eq!(seconds("Sun, 29 Nov 2026 00:00:05 GMT", ""), None);
        assert_eq!(seconds("Sun, 29 Nov 2026 00:00:05 GMT", "today"), None);
        assert_eq!(seconds("7", ""), Some(7));
    }
}
