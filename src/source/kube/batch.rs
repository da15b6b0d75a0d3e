//! Lines of watches, gathered for a moment and decoded together.

use tokio::time::Instant;

use super::Timing;
use super::decode::{self, BATCH_ROWS, NoEvent, Undecodable, WatchEvent, watch_event};
use super::failure::Failure;
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
    /// For scopes that were heard of, the resourceVersion from which their watch goes on.
    pub(super) versions: Vec<(usize, String)>,
    /// Why a watch cannot be followed any further: the server ended it, or sent what says nothing about its objects.
    pub(super) ended: Option<Failure>,
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

    /// Decodes what has gathered, up to the first line after which a watch cannot be followed; what cannot be decoded is
    /// added to `undecodable`, what no longer is so is taken out.
    pub(super) fn decode(&mut self, kind: Kind, interner: &mut Interner, undecodable: &mut Undecodable) -> Outcome {
        let lines = std::mem::take(self).lines;
        let mut outcome = Outcome { delta: None, growth: 0, versions: Vec::new(), ended: None };
        let mut raw = Vec::with_capacity(lines.len());
        for (scope, line) in &lines {
            match watch_event(kind, line, interner) {
                Ok(WatchEvent::Change { change, resource_version, growth }) => {
                    raw.push(change);
                    outcome.growth += growth;
                    outcome.versions.push((*scope, resource_version));
                }
                Ok(WatchEvent::Bookmark { resource_version }) => outcome.versions.push((*scope, resource_version)),
                Ok(WatchEvent::Undecodable) => undecodable.add(None),
                Ok(WatchEvent::Failed(status)) => {
                    outcome.ended = Some(Failure::of_status(status));
                    break;
                }
                Err(NoEvent(words)) => {
                    outcome.ended =
                        Some(Failure::WrongAnswer(format!("the watch of {} sent {words}", kind.resource())));
                    break;
                }
            }
        }
        if !raw.is_empty() {
            outcome.delta = Some(decode::changes(kind, &raw, interner, undecodable));
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDED: &str = r#"{"type":"ADDED","object":{"kind":"Node","metadata":{"name":"a","uid":"u","resourceVersion":"5","creationTimestamp":"2026-11-21T10:00:00Z"}}}"#;

    #[test]
    fn an_error_ends_the_batch() {
        let mut batch = Batch::default();
        let timing = Timing::default();
        let mut push = |line: &str| batch.push(0, line.to_owned(), &timing);
        push(ADDED);
        push(r#"{"type":"MODIFIED","object":{"kind":"Node","metadata":{"name":[]}}}"#);
        push(r#"{"type":"BOOKMARK","object":{"kind":"Node","metadata":{"resourceVersion":"9"}}}"#);
        push(r#"{"type":"ERROR","object":{"code":410,"message":"too old"}}"#);
        push(r#"{"type":"ADDED","object":{}}"#);
        let mut undecodable = Undecodable::default();
        let outcome = batch.decode(Kind::Node, &mut Interner::default(), &mut undecodable);
        assert_eq!((outcome.growth, undecodable.count()), (1, 1));
        assert_eq!(outcome.versions.last(), Some(&(0, "9".to_owned())));
        assert!(matches!(outcome.ended, Some(Failure::Api { code: 410, .. })));
        assert!(matches!(outcome.delta, Some(Delta::Nodes(rows)) if rows.len() == 1));
        assert!(batch.due().is_none());
    }

    /// What the watch of Nodes is said to have sent.
    fn ended_by(line: &str) -> String {
        let mut batch = Batch::default();
        batch.push(0, line.to_owned(), &Timing::default());
        batch.push(0, ADDED.to_owned(), &Timing::default());
        let outcome = batch.decode(Kind::Node, &mut Interner::default(), &mut Undecodable::default());
        assert!(outcome.delta.is_none() && outcome.versions.is_empty(), "what comes after {line} is not followed");
        outcome.ended.map(|failure| failure.sentence()).unwrap_or_default()
    }

    #[test]
    fn a_watch_line_without_an_object_of_the_kind_ends_the_watch() {
        let object = r#"{"kind":"Node","metadata":{"name":"a","resourceVersion":"5"}}"#;
        let sent = |words: &str| format!("the watch of nodes sent {words}");
        let of = |kind: &str, object: &str| ended_by(&format!(r#"{{"type":"{kind}","object":{object}}}"#));
        assert_eq!(of("RENAMED", object), sent("an event of type \"RENAMED\""));
        assert_eq!(ended_by(&format!(r#"{{"object":{object}}}"#)), sent("an event of type \"\""));
        assert_eq!(ended_by(r#"{"type":"ADDED"}"#), sent("an event without object"));
        assert_eq!(of("ADDED", "null"), sent("an event without object"));
        let status = r#"{"kind":"Status","code":500,"message":"the proxy has no server"}"#;
        assert_eq!(ended_by(status), "the proxy has no server");
        assert_eq!(of("ADDED", "{}"), sent("an object without kind, not a Node"));
        assert_eq!(of("DELETED", &object.replace("Node", "ConfigMap")), sent("a ConfigMap, not a Node"));
        assert_eq!(of("BOOKMARK", r#"{"kind":"Status","code":410}"#), sent("a Status, not a Node"));
        assert_eq!(of("ERROR", "[[]]"), sent("an ERROR that is no Status"));
        for line in ["<html>", "", r#"{"type":"MODIFIED","object":{"kind":"Node","metadata":{"#] {
            assert!(ended_by(line).starts_with(&sent("a line that cannot be read: ")), "{line}");
        }
    }
}
