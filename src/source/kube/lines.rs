//! The body of a watch, cut into lines.

use std::io::ErrorKind;
use std::time::Duration;

use bytes::BytesMut;
use futures::stream::{BoxStream, StreamExt, once};
use http_body_util::BodyExt;
use kube::client::Body;
use tokio::time::Instant;
use tokio_util::codec::{Decoder, FramedRead, LinesCodec, LinesCodecError};
use tokio_util::io::StreamReader;

use super::access::PooledClient;
use super::failure::Failure;

/// How long one line may be; the API server takes no object of more than 3 MiB (kubernetes staging/src/k8s.io/apiserver
/// pkg/server/config.go, `MaxRequestBodyBytes`), and etcd of 1.5 MiB.
const MAX_LINE_BYTES: usize = 8 << 20;

/// What comes out of a watch.
#[derive(Debug)]
pub(super) enum Piece {
    /// One line of the body, without its end. The rest behind the last end of line is none.
    Line(String),
    /// The connection broke, or the body cannot be read on.
    Broken(Failure),
    /// It is over: closed by the server, broken before, or past its deadline.
    End,
}

/// Cuts a body into lines. What has no end of line is none: the connection ended within it, and the next watch brings the
/// event again.
struct WholeLines(LinesCodec);

impl Default for WholeLines {
    fn default() -> Self {
        Self(LinesCodec::new_with_max_length(MAX_LINE_BYTES))
    }
}

impl Decoder for WholeLines {
    type Item = String;
    type Error = LinesCodecError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<String>, LinesCodecError> {
        self.0.decode(bytes)
    }

    fn decode_eof(&mut self, bytes: &mut BytesMut) -> Result<Option<String>, LinesCodecError> {
        let line = self.0.decode(bytes)?;
        if line.is_none() {
            bytes.clear();
        }
        Ok(line)
    }
}

fn broken(error: &LinesCodecError) -> Failure {
    match error {
        LinesCodecError::MaxLineLengthExceeded => {
            Failure::WrongAnswer(format!("the watch sent a line of more than {} MiB", MAX_LINE_BYTES >> 20))
        }
        // Of the codec: what comes from the connection has another kind.
        LinesCodecError::Io(error) if error.kind() == ErrorKind::InvalidData => {
            Failure::WrongAnswer("the watch sent a line that is no text in UTF-8".to_owned())
        }
        LinesCodecError::Io(_) => Failure::of(error),
    }
}

/// The pieces of one watch, ending with [`Piece::End`] at the latest when `limit` is over: a server that is alive ends a
/// watch by itself before that. The client is given back when nothing more is read from it.
pub(super) fn pieces(client: PooledClient, body: Body, limit: Duration) -> BoxStream<'static, Piece> {
    let bytes = body.into_data_stream().map(|data| data.map_err(std::io::Error::other));
    let lines = FramedRead::new(StreamReader::new(bytes), WholeLines::default());
    let deadline = tokio::time::sleep_until(Instant::now() + limit);
    lines
        .map(move |line| {
            // Kept in this closure, which ends with the body.
            let _in_use = &client;
            line.map_or_else(|error| Piece::Broken(broken(&error)), Piece::Line)
        })
        .take_until(deadline)
        .chain(once(std::future::ready(Piece::End)))
        .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(bytes: &[u8]) -> Vec<Result<String, Failure>> {
        let lines = FramedRead::new(bytes, WholeLines::default());
        lines.map(|line| line.map_err(|error| broken(&error))).collect().await
    }

    #[tokio::test]
    async fn a_line_without_its_end_is_none() {
        let whole = || vec![Ok("{}".to_owned()), Ok("é".to_owned())];
        for rest in ["", "{\"type\":\"ADDED\",\"obj", "{}", "\r"] {
            assert_eq!(lines(format!("{{}}\né\n{rest}").as_bytes()).await, whole(), "{rest}");
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
