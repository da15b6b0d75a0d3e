//! Lines of watches, gathered for a moment and decoded together.

use tokio::time::Instant;

use super::Timing;
use super::decode::{self, BATCH_ROWS, DecodeError, Status, WatchEvent, watch_event};
use crate::fleet::{Delta, Interner, Kind};

/// How many bytes of lines are gathered at most.
const MAX_BYTES: usize = 4 << 20;

/// Lines that wait, each with the number of the scope it came from.
#[derive(Default)]
pub(super) struct Batch {
    lines: Vec<(usize, String)>,
    bytes: usize,
    due: Option<Instant>,
}

/// What a batch says.
pub(super) struct Outcome {
    /// The changes, where there are any.
    pub(super) delta: Option<Delta>,
    /// By how many objects the collection has grown.
    pub(super) growth: i64,
    pub(super) undecodable: u64,
    /// For scopes that were heard of, the resourceVersion from which their watch goes on.
    pub(super) versions: Vec<(usize, String)>,
    /// What the server ended a watch with.
    pub(super) ended: Option<Status>,
}

impl Batch {
    pub(super) fn push(&mut self, scope: usize, line: String, timing: &Timing) {
        self.bytes += line.len();
        self.lines.push((scope, line));
        self.due.get_or_insert_with(|| Instant::now() + timing.batch_window);
    }

    /// When it is to be decoded; `None` while it is empty.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    pub(super) fn is_full(&self) -> bool {
        self.lines.len() >= BATCH_ROWS || self.bytes >= MAX_BYTES
    }

    /// Decodes what has gathered, up to the first line by which the server ends a watch.
    pub(super) fn decode(&mut self, kind: Kind, interner: &mut Interner) -> Outcome {
        let lines = std::mem::take(self).lines;
        let mut outcome = Outcome { delta: None, growth: 0, undecodable: 0, versions: Vec::new(), ended: None };
        let mut raw = Vec::with_capacity(lines.len());
        for (scope, line) in &lines {
            match watch_event(line, interner) {
                Ok(WatchEvent::Change { change, resource_version, growth }) => {
                    raw.push(change);
                    outcome.growth += growth;
                    outcome.versions.push((*scope, resource_version));
                }
                Ok(WatchEvent::Bookmark { resource_version }) => outcome.versions.push((*scope, resource_version)),
                Ok(WatchEvent::Failed(status)) => {
                    outcome.ended = Some(status);
                    break;
                }
                // The connection broke within a line; the next watch brings the event again.
                Err(DecodeError::Json(error)) if error.is_eof() => {}
                Err(_) => outcome.undecodable += 1,
            }
        }
        if !raw.is_empty() {
            let (delta, undecodable) = decode::delta(kind, &raw, interner);
            outcome.delta = Some(delta);
            outcome.undecodable += undecodable;
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_ends_the_batch_and_a_cut_line_is_not_counted() {
        let mut batch = Batch::default();
        let timing = Timing::default();
        let mut push = |line: &str| batch.push(0, line.to_owned(), &timing);
        push(
            r#"{"type":"ADDED","object":{"metadata":{"name":"a","uid":"u","resourceVersion":"5","creationTimestamp":"2026-11-21T10:00:00Z"}}}"#,
        );
        push(r#"{"type":"MODIFIED","object":{"metadata":{"#);
        push("nonsense");
        push(r#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}"#);
        push(r#"{"type":"ERROR","object":{"code":410,"message":"too old"}}"#);
        push(r#"{"type":"ADDED","object":{}}"#);
        let outcome = batch.decode(Kind::Node, &mut Interner::default());
        assert_eq!((outcome.growth, outcome.undecodable), (1, 1));
        assert_eq!(outcome.versions.last(), Some(&(0, "9".to_owned())));
        assert_eq!(outcome.ended.map(|status| status.code), Some(410));
        assert!(matches!(outcome.delta, Some(Delta::Nodes(rows)) if rows.len() == 1));
        assert!(batch.due().is_none());
    }
}
