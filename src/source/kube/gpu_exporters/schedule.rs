//! Which exporter is read next, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::fleet::{Exporter, GpuDemand, GpuFailure, Sym};
use crate::source::kube::Timing;
use crate::source::kube::access::EXPORTER_CONNECTIONS;

/// Requests that are under way at the same time.
pub(super) const MOST_AT_A_TIME: usize = EXPORTER_CONNECTIONS;

/// How much of the API server the task takes on average, once every exporter has been read: half a request. One that took
/// a second is paid for two seconds after it began, and before that no other begins. With 500 Nodes whose exporters answer
/// within 50 ms, all of them are read every 60 s and the share is never reached.
const SECONDS_FOR_EACH: u32 = 2;

/// How many times as long the wait is at most for an exporter that keeps failing. One that hangs takes ten seconds of the
/// share each time.
const MOST_PATIENCE: u32 = 8;

/// How long nothing is asked for at most, however long a server that is busy wants. It may be an exporter that says so, and
/// not the API server.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The exporters that are wanted, and when each was read.
pub(super) struct Schedule {
    timing: Timing,
    entries: BTreeMap<Sym, Entry>,
    first: BTreeSet<Sym>,
    /// Until when nothing is asked for in a namespace, and the server's words.
    refused: BTreeMap<Sym, (Instant, Sym)>,
    /// When the requests so far are paid for.
    paid_at: Option<Instant>,
    /// Until when nothing at all is asked for, because the API server is busy.
    quiet_until: Option<Instant>,
}

struct Entry {
    exporter: Exporter,
    begun_at: Option<Instant>,
    read: Option<Read>,
}

/// How the last request ended.
struct Read {
    at: Instant,
    failure: Option<GpuFailure>,
    /// Failures in a row, other than refusals.
    failures: u32,
}

/// What to do now.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// Read the exporter of this Node.
    Read(Sym, Exporter),
    /// Say of this Node's exporter, without a request, that its namespace is refused, in these words.
    Refuse(Sym, Exporter, Sym),
    /// Nothing, at most until then.
    Wait(Option<Instant>),
}

/// How many exporters there are, by how the last request ended.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Summary {
    pub(super) wanted: usize,
    pub(super) live: usize,
    pub(super) forbidden: usize,
    pub(super) failed: usize,
    /// The first one that could not be read, by name of the Node, and why.
    pub(super) first: Option<(Exporter, GpuFailure)>,
}

impl Schedule {
    pub(super) fn new(timing: &Timing) -> Self {
        Self {
            timing: *timing,
            entries: BTreeMap::new(),
            first: BTreeSet::new(),
            refused: BTreeMap::new(),
            paid_at: None,
            quiet_until: None,
        }
    }

    /// Forgets what is not wanted any more. Another exporter of the same Node is one that was never read.
    pub(super) fn want(&mut self, demand: &GpuDemand) {
        self.entries.retain(|node, entry| demand.exporters.get(node) == Some(&entry.exporter));
        for (node, exporter) in &demand.exporters {
            let new = || Entry { exporter: exporter.clone(), begun_at: None, read: None };
            self.entries.entry(node.clone()).or_insert_with(new);
        }
        self.first.clone_from(&demand.first);
        self.refused.retain(|namespace, _| demand.exporters.values().any(|one| one.pod.namespace == *namespace));
    }

    /// What to do now, while so many requests are under way. What is to be read counts as begun.
    pub(super) fn next(&mut self, now: Instant, under_way: usize) -> Next {
        let is_free = under_way < MOST_AT_A_TIME;
        if let Some(until) = self.quiet_until.filter(|until| *until > now) {
            return Next::Wait(Some(until));
        }
        if let Some(node) = self.unread() {
            return match self.refusal(&node, now) {
                Some(words) => self.refuse(node, now, words),
                None if is_free => self.begin(node, now),
                None => Next::Wait(None),
            };
        }
        match self.next_due() {
            Some((due, node)) if due <= now && is_free => self.begin(node, now),
            Some((due, _)) if is_free => Next::Wait(Some(due)),
            _ => Next::Wait(None),
        }
    }

    /// One that was never read, of those that are wanted first if there is any.
    fn unread(&self) -> Option<Sym> {
        let unread = || self.entries.iter().filter(|(_, entry)| entry.read.is_none() && entry.begun_at.is_none());
        let first = unread().find(|(node, _)| self.first.contains(*node));
        first.or_else(|| unread().next()).map(|(node, _)| node.clone())
    }

    fn refusal(&self, node: &Sym, now: Instant) -> Option<Sym> {
        let (until, words) = self.refused.get(&self.entries.get(node)?.exporter.pod.namespace)?;
        (*until > now).then(|| words.clone())
    }

    fn begin(&mut self, node: Sym, now: Instant) -> Next {
        let Some(entry) = self.entries.get_mut(&node) else { return Next::Wait(None) };
        entry.begun_at = Some(now);
        Next::Read(node, entry.exporter.clone())
    }

    fn refuse(&mut self, node: Sym, now: Instant, words: Sym) -> Next {
        let Some(entry) = self.entries.get_mut(&node) else { return Next::Wait(None) };
        entry.read = Some(Read { at: now, failure: Some(GpuFailure::Forbidden(words.clone())), failures: 0 });
        Next::Refuse(node, entry.exporter.clone(), words)
    }

    /// The one that is to be read again before the others, and when.
    fn next_due(&self) -> Option<(Instant, Sym)> {
        let waiting = self.entries.iter().filter(|(_, entry)| entry.begun_at.is_none());
        let due = waiting.filter_map(|(node, entry)| Some((self.due(node, entry)?, node)));
        let (due, node) = due.min()?;
        Some((self.paid_at.map_or(due, |paid_at| paid_at.max(due)), node.clone()))
    }

    fn due(&self, node: &Sym, entry: &Entry) -> Option<Instant> {
        let read = entry.read.as_ref()?;
        let is_first = self.first.contains(node);
        let interval = if is_first { self.timing.exporter_first } else { self.timing.exporter_others };
        let patience = 1 << read.failures.saturating_sub(1).min(MOST_PATIENCE.ilog2());
        let due = read.at + interval * patience;
        let refused = self.refused.get(&entry.exporter.pod.namespace).map(|(until, _)| *until);
        Some(refused.map_or(due, |until| until.max(due)))
    }

    /// Asks for nothing for a while.
    pub(super) fn pause(&mut self, now: Instant, wait: Duration) {
        self.quiet_until = Some(now + wait.min(LONGEST_PAUSE));
    }

    /// Takes over how a request ended; false if it is not wanted any more.
    pub(super) fn end(&mut self, node: &Sym, exporter: &Exporter, now: Instant, failure: Option<&GpuFailure>) -> bool {
        let Some(entry) = self.entries.get_mut(node).filter(|entry| entry.exporter == *exporter) else { return false };
        let begun_at = entry.begun_at.take().unwrap_or(now);
        let failures = match failure {
            Some(GpuFailure::Failed(_)) => entry.read.as_ref().map_or(0, |read| read.failures).saturating_add(1),
            Some(GpuFailure::Forbidden(_)) | None => 0,
        };
        let is_again = entry.read.replace(Read { at: now, failure: failure.cloned(), failures }).is_some();
        if is_again {
            self.pay(begun_at, now.saturating_duration_since(begun_at));
        }
        if let Some(GpuFailure::Forbidden(words)) = failure {
            let until = now + self.timing.forbidden_retry;
            self.refused.insert(exporter.pod.namespace.clone(), (until, words.clone()));
        }
        true
    }

    fn pay(&mut self, begun_at: Instant, took: Duration) {
        let from = self.paid_at.map_or(begun_at, |paid_at| paid_at.max(begun_at));
        self.paid_at = Some(from + took * SECONDS_FOR_EACH);
    }

    /// When the next one is read again; `None` while there is none, or all are under way.
    pub(super) fn next_try(&self) -> Option<Instant> {
        self.next_due().map(|(due, _)| due)
    }

    pub(super) fn summary(&self) -> Summary {
        let mut summary = Summary { wanted: self.entries.len(), ..Summary::default() };
        for entry in self.entries.values() {
            let Some(read) = &entry.read else { continue };
            match &read.failure {
                None => summary.live += 1,
                Some(GpuFailure::Forbidden(_)) => summary.forbidden += 1,
                Some(GpuFailure::Failed(_)) => summary.failed += 1,
            }
            if let Some(failure) = read.failure.clone() {
                summary.first.get_or_insert_with(|| (entry.exporter.clone(), failure));
            }
        }
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{ExporterKind, ObjectKey};

    const SECOND: Duration = Duration::from_secs(1);

    fn exporter(namespace: &str, node: &str) -> Exporter {
        Exporter { kind: ExporterKind::Dcgm, pod: ObjectKey::new(namespace, &format!("dcgm-{node}")) }
    }

    fn demand(nodes: &[&str], first: &[&str]) -> GpuDemand {
        GpuDemand {
            exporters: nodes.iter().map(|node| (Sym::new(node), exporter("gpu", node))).collect(),
            first: first.iter().map(|node| Sym::new(node)).collect(),
            ..GpuDemand::default()
        }
    }

    /// A schedule with a clock of its own.
    struct Bed {
        schedule: Schedule,
        now: Instant,
        under_way: Vec<(Sym, Exporter)>,
    }

    impl Bed {
        fn wanting(nodes: &[&str], first: &[&str]) -> Self {
            let mut schedule = Schedule::new(&Timing::default());
            schedule.want(&demand(nodes, first));
            Self { schedule, now: Instant::now(), under_way: Vec::new() }
        }

        /// The names of the Nodes whose requests begin now.
        fn begun(&mut self) -> Vec<String> {
            let mut begun = Vec::new();
            while let Next::Read(node, exporter) = self.schedule.next(self.now, self.under_way.len()) {
                begun.push(node.to_string());
                self.under_way.push((node, exporter));
            }
            begun
        }

        fn end(&mut self, node: &str, failure: Option<&GpuFailure>) {
            let at = self.under_way.iter().position(|(name, _)| name == node).expect("a request for it");
            let (node, exporter) = self.under_way.remove(at);
            assert!(self.schedule.end(&node, &exporter, self.now, failure));
        }

        fn end_all(&mut self, failure: Option<&GpuFailure>) {
            for (node, _) in self.under_way.clone() {
                self.end(&node, failure);
            }
        }

        /// In how many seconds something is to be done again.
        fn wait_seconds(&mut self) -> u64 {
            match self.schedule.next(self.now, self.under_way.len()) {
                Next::Wait(Some(due)) => (due - self.now).as_secs(),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_was_never_read_is_read_at_once_four_at_a_time_and_what_is_wanted_first_before() {
        let mut bed = Bed::wanting(&["a", "b", "c", "d", "e", "f"], &["c", "f"]);
        assert_eq!(bed.begun(), ["c", "f", "a", "b"]);
        assert_eq!(bed.schedule.next(bed.now, 4), Next::Wait(None));
        bed.end("a", None);
        assert_eq!(bed.begun(), ["d"]);
        bed.end("b", None);
        assert_eq!(bed.begun(), ["e"]);
    }

    #[test]
    fn what_is_wanted_first_is_read_more_often_than_the_rest() {
        let mut bed = Bed::wanting(&["a", "b"], &["b"]);
        bed.begun();
        bed.end_all(None);
        assert_eq!(bed.wait_seconds(), 15);
        bed.now += 15 * SECOND;
        assert_eq!(bed.begun(), ["b"]);
        bed.end_all(None);
        bed.schedule.want(&demand(&["a", "b"], &["a"]));
        assert_eq!(bed.begun(), ["a"], "it is on screen now, and was read long enough ago");
        bed.end_all(None);
        bed.schedule.want(&demand(&["a", "b"], &[]));
        assert_eq!(bed.wait_seconds(), 60);
    }

    #[test]
    fn on_average_at_most_half_a_request_is_under_way() {
        let nodes: Vec<String> = (0..200).map(|number| format!("n{number:03}")).collect();
        let names: Vec<&str> = nodes.iter().map(String::as_str).collect();
        let mut bed = Bed::wanting(&names, &names);
        while !bed.begun().is_empty() {
            bed.end_all(None);
        }
        bed.now += 20 * SECOND;
        let (start, mut busy, mut most) = (bed.now, Duration::ZERO, 0);
        // Each request takes a second.
        while bed.now < start + 1000 * SECOND {
            bed.begun();
            most = most.max(bed.under_way.len());
            busy += SECOND * u32::try_from(bed.under_way.len()).expect("a few");
            bed.now += SECOND;
            bed.end_all(None);
        }
        assert!(busy <= 510 * SECOND && busy >= 450 * SECOND && most <= MOST_AT_A_TIME, "{busy:?}, {most}");
    }

    #[test]
    fn an_exporter_that_hangs_does_not_hold_up_others_while_it_does() {
        let mut bed = Bed::wanting(&["a", "b", "c"], &["a", "b", "c"]);
        bed.begun();
        bed.end_all(None);
        bed.now += 15 * SECOND;
        assert_eq!(bed.begun(), ["a", "b", "c"]);
        bed.end("b", None);
        bed.end("c", None);
        bed.now += 5 * SECOND;
        assert_eq!(bed.wait_seconds(), 10, "a is still under way");
    }

    #[test]
    fn what_keeps_failing_is_tried_less_and_less() {
        let failure = GpuFailure::Failed(Sym::new("it hangs"));
        let mut bed = Bed::wanting(&["a"], &[]);
        for seconds in [60_u32, 120, 240, 480, 480] {
            assert_eq!(bed.begun(), ["a"]);
            bed.end("a", Some(&failure));
            assert_eq!(bed.wait_seconds(), u64::from(seconds));
            bed.now += SECOND * seconds;
        }
        bed.begun();
        bed.end("a", None);
        assert_eq!(bed.wait_seconds(), 60);
    }

    #[test]
    fn after_a_refusal_nothing_is_asked_for_in_its_namespace_for_a_while() {
        let refusal = GpuFailure::Forbidden(Sym::new("no"));
        let mut bed = Bed::wanting(&["a", "b", "c", "d", "e"], &[]);
        assert_eq!(bed.begun(), ["a", "b", "c", "d"]);
        bed.end("a", Some(&refusal));
        let refused = Next::Refuse(Sym::new("e"), exporter("gpu", "e"), Sym::new("no"));
        assert_eq!(bed.schedule.next(bed.now, 3), refused);
        bed.end_all(Some(&refusal));
        assert_eq!(bed.wait_seconds(), 60);
        let mut wanted = demand(&["a"], &["a"]);
        wanted.exporters.insert(Sym::new("z"), exporter("other", "z"));
        bed.schedule.want(&wanted);
        assert_eq!(bed.begun(), ["z"], "another namespace");
        bed.now += 60 * SECOND;
        assert_eq!(bed.begun(), ["a"]);
    }

    #[test]
    fn a_busy_server_is_left_alone_for_a_while_and_never_for_long() {
        let mut bed = Bed::wanting(&["a", "b"], &[]);
        bed.schedule.pause(bed.now, 2 * SECOND);
        assert_eq!(bed.wait_seconds(), 2);
        bed.schedule.pause(bed.now, 60 * SECOND);
        assert_eq!(bed.wait_seconds(), 5);
        bed.now += 5 * SECOND;
        assert_eq!(bed.begun(), ["a", "b"]);
    }

    #[test]
    fn what_is_not_wanted_any_more_is_forgotten() {
        let mut bed = Bed::wanting(&["a", "b"], &[]);
        bed.begun();
        bed.end("a", None);
        bed.schedule.want(&demand(&["a"], &[]));
        assert!(!bed.schedule.end(&Sym::new("b"), &exporter("gpu", "b"), bed.now, None));
        assert_eq!((bed.schedule.summary().wanted, bed.schedule.summary().live), (1, 1));
        let mut moved = demand(&["a"], &[]);
        moved.exporters.insert(Sym::new("a"), exporter("gpu", "other"));
        bed.schedule.want(&moved);
        bed.under_way.clear();
        assert_eq!(bed.begun(), ["a"], "another exporter was never read");
    }
}
