//! The body of a watch, cut into lines.

use std::io::BufRead;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt, once, unfold};
use http_body_util::BodyExt;
use kube::client::Body;
use serde::de::IgnoredAny;
use tokio::time::Instant;

use super::access::PooledClient;
use super::bodies;
use super::failure::Failure;

/// How long one line may be; the API server takes no object of more than 3 MiB (kubernetes staging/src/k8s.io/apiserver
/// pkg/server/config.go, `MaxRequestBodyBytes`), and etcd of 1.5 MiB.
const MAX_LINE_BYTES: usize = 8 << 20;

/// What comes out of a watch.
#[derive(Debug)]
pub(super) enum Piece {
    /// One line of the body, without its end. A line that the end of the body cuts is none.
    Line(String),
    /// The connection broke, or the body cannot be read on.
    Broken(Failure),
    /// It is over: closed by the server, broken before, or past its deadline.
    End,
}

/// What a watch has sent and is not a line yet.
struct Rest {
    bytes: bodies::Body,
    /// Where the next line begins.
    start: usize,
    /// Up to where there is no end of line.
    searched: usize,
}

impl Rest {
    const fn new(bytes: bodies::Body) -> Self {
        Self { bytes, start: 0, searched: 0 }
    }

    /// The next line, where its end has come.
    fn line(&mut self) -> Result<Option<String>, Failure> {
        let mut unread = self.bytes.get(self.searched..).unwrap_or_default();
        // Reading from memory does not fail.
        self.searched += unread.skip_until(b'\n').unwrap_or_default();
        let found = self.bytes.get(self.start..self.searched).and_then(|bytes| bytes.strip_suffix(b"\n"));
        let Some(line) = found else { return Ok(None) };
        let line = str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)).map(str::to_owned);
        self.start = self.searched;
        line.map(Some).map_err(|_| Failure::WrongAnswer("the watch sent a line that is no text in UTF-8".to_owned()))
    }

    /// What stands behind the last end of line when nothing more comes: a line, unless it is the beginning of one. The API
    /// server ends every line; a proxy that answers in its place may not.
    fn last(&mut self) -> Option<String> {
        let rest = self.bytes.get(std::mem::replace(&mut self.start, self.bytes.len())..).unwrap_or_default();
        let line = str::from_utf8(rest).ok()?;
        let is_cut = serde_json::from_str::<IgnoredAny>(line).is_err_and(|error| error.is_eof());
        (!is_cut).then(|| line.to_owned())
    }

    /// Adds what comes next to an unfinished line.
    async fn push(&mut self, piece: &[u8], patience: Duration) -> Result<(), Failure> {
        self.bytes.consume(std::mem::take(&mut self.start));
        self.searched = self.bytes.len();
        if self.searched > MAX_LINE_BYTES {
            let words = format!("the watch sent a line of more than {} MiB", MAX_LINE_BYTES >> 20);
            return Err(Failure::WrongAnswer(words));
        }
        self.bytes.push(piece, patience).await
    }
}

/// A watch that is being read.
struct Watch {
    /// Given back when nothing more is read.
    _client: PooledClient,
    body: Body,
    rest: Rest,
    /// How long there may be no memory for what comes.
    patience: Duration,
}

impl Watch {
    /// The next line; `None` at the end. Of an event that is cut there the next watch tells again.
    async fn line(&mut self) -> Result<Option<String>, Failure> {
        loop {
            if let Some(line) = self.rest.line()? {
                return Ok(Some(line));
            }
            let Some(piece) = next_piece(&mut self.body).await? else { return Ok(self.rest.last()) };
            self.rest.push(&piece, self.patience).await?;
        }
    }
}

/// The next piece of a body, however long it takes; `None` at its end.
pub(super) async fn next_piece(body: &mut Body) -> Result<Option<Bytes>, Failure> {
    while let Some(frame) = body.frame().await {
        if let Ok(piece) = frame.map_err(|error| Failure::of(&error))?.into_data() {
            return Ok(Some(piece));
        }
    }
    Ok(None)
}

/// The pieces of one watch, ending with [`Piece::End`] at the latest when `limit` is over: a server that is alive ends a
/// watch by itself before that. The client is given back when nothing more is read from it.
pub(super) fn pieces(
    client: PooledClient,
    body: Body,
    limit: Duration,
    patience: Duration,
) -> BoxStream<'static, Piece> {
    let rest = Rest::new(client.body());
    let deadline = tokio::time::sleep_until(Instant::now() + limit);
    unfold(Some(Watch { _client: client, body, rest, patience }), next)
        .take_until(deadline)
        .chain(once(std::future::ready(Piece::End)))
        .boxed()
}

/// The next piece, and the watch, unless that cannot be read on.
async fn next(watch: Option<Watch>) -> Option<(Piece, Option<Watch>)> {
    let mut watch = watch?;
    match watch.line().await {
        Ok(line) => Some((Piece::Line(line?), Some(watch))),
        Err(failure) => Some((Piece::Broken(failure), None)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::bodies::{BodyLimits, BodyMemory};
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(20);

    /// The lines of what comes in pieces of so many bytes.
    async fn in_pieces(bytes: &[u8], size: usize, memory: &BodyMemory) -> Vec<Result<String, Failure>> {
        let mut rest = Rest::new(memory.body());
        let mut lines = Vec::new();
        for piece in bytes.chunks(size) {
            if let Err(failure) = rest.push(piece, PATIENCE).await {
                lines.push(Err(failure));
                return lines;
            }
            while let Some(line) = rest.line().transpose() {
                let is_last = line.is_err();
                lines.push(line);
                if is_last {
                    return lines;
                }
            }
        }
        lines.extend(rest.last().map(Ok));
        assert_eq!(rest.last(), None);
        lines
    }

    async fn lines(bytes: &[u8]) -> Vec<Result<String, Failure>> {
        let memory = BodyMemory::new(BodyLimits::default());
        let whole = in_pieces(bytes, usize::MAX, &memory).await;
        for size in 1..9 {
            assert_eq!(in_pieces(bytes, size, &memory).await, whole, "in pieces of {size}");
        }
        assert_eq!(memory.usage().bytes, 0);
        whole
    }

    #[tokio::test]
    async fn an_unfinished_line_has_its_limit_and_little_memory_is_kept_behind_a_long_one() {
        let memory = BodyMemory::new(BodyLimits::default());
        let endless = in_pieces(&vec![b'x'; MAX_LINE_BYTES + 10_000], 5_000, &memory).await;
        let words = "the watch sent a line of more than 8 MiB".to_owned();
        assert_eq!(endless, [Err(Failure::WrongAnswer(words))]);
        let mut rest = Rest::new(memory.body());
        rest.push(&[vec![b'x'; MAX_LINE_BYTES], b"\nrest".to_vec()].concat(), PATIENCE).await.unwrap();
        assert_eq!(rest.line().unwrap().map(|line| line.len()), Some(MAX_LINE_BYTES));
        assert!(memory.usage().bytes > MAX_LINE_BYTES);
        rest.push(b"!\n", PATIENCE).await.unwrap();
        assert_eq!(rest.line(), Ok(Some("rest!".to_owned())));
        assert!(memory.usage().bytes < MAX_LINE_BYTES / 10, "{:?}", memory.usage());
    }

    #[tokio::test]
    async fn a_line_that_the_end_cuts_is_none_and_a_whole_one_needs_no_end_of_line() {
        let whole = || vec![Ok("{}".to_owned()), Ok("é".to_owned())];
        for rest in ["", "{\"type\":\"ADDED\",\"obj", "{\"a\":tr", "\r"] {
            assert_eq!(lines(format!("{{}}\né\n{rest}").as_bytes()).await, whole(), "{rest}");
        }
        for rest in ["{}", "<html>"] {
            let with_it = [whole(), vec![Ok(rest.to_owned())]].concat();
            assert_eq!(lines(format!("{{}}\né\n{rest}").as_bytes()).await, with_it, "{rest}");
        }
        assert_eq!(lines(b"{}\n\xc3\xa9\n\xc3").await, whole(), "cut within a character");
        assert_eq!(lines(b"").await, []);
    }

    #[tokio::test]
    async fn a_line_that_is_no_text_is_a_wrong_answer() {
        let sentence = "the watch sent a line that is no text in UTF-8".to_owned();
        assert_eq!(lines(b"{}\n\xff\n{}\n").await, [Ok("{}".to_owned()), Err(Failure::WrongAnswer(sentence))]);
    }
}
