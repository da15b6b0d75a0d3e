//! The body of a watch, cut into lines.

use std::time::Duration;

use futures::stream::{BoxStream, StreamExt, once};
use http_body_util::BodyExt;
use kube::client::Body;
use tokio::time::Instant;
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};
use tokio_util::io::StreamReader;

use super::access::PooledClient;
use super::failure::Failure;

/// How long one line may be; the API server takes no object of more than 3 MiB (kubernetes staging/src/k8s.io/apiserver
/// pkg/server/config.go, `MaxRequestBodyBytes`), and etcd of 1.5 MiB.
const MAX_LINE_BYTES: usize = 8 << 20;

/// What comes out of a watch.
#[derive(Debug)]
pub(super) enum Piece {
    /// One line of the body, without its end.
    Line(String),
    /// The connection broke, or the body cannot be read on.
    Broken(Failure),
    /// It is over: closed by the server, broken before, or past its deadline.
    End,
}

fn broken(error: &LinesCodecError) -> Failure {
    match error {
        LinesCodecError::MaxLineLengthExceeded => {
            Failure::WrongAnswer(format!("the watch sent a line of more than {} MiB", MAX_LINE_BYTES >> 20))
        }
        LinesCodecError::Io(_) => Failure::of(error),
    }
}

/// The pieces of one watch, ending with [`Piece::End`] at the latest when `limit` is over: a server that is alive ends a
/// watch by itself before that. The client is given back when nothing more is read from it.
pub(super) fn pieces(client: PooledClient, body: Body, limit: Duration) -> BoxStream<'static, Piece> {
    let bytes = body.into_data_stream().map(|data| data.map_err(std::io::Error::other));
    let lines = FramedRead::new(StreamReader::new(bytes), LinesCodec::new_with_max_length(MAX_LINE_BYTES));
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
