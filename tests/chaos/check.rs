//! Compares what the server did wrong with what Health told.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use batchtop::fleet::{Health, HealthState, SourceId};

use super::fault::{AGAIN, Asked, Expected, Fault, SILENT, Target};
use super::log::{Entry, Wrong};

/// One report of a Source's Health.
pub struct Seen {
    pub received: Instant,
    pub health: Health,
}

/// How many entries and reports are shown around a mismatch.
const SHOWN: usize = 8;

/// What became of the faults of one kind.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tally {
    /// How many there were.
    pub done: usize,
    /// How many a report of Health was about.
    pub told: usize,
    /// Watches that were opened again at once, so that nobody need know.
    pub opened_again: usize,
    /// Silent watches, during which Health did not say that anything was heard.
    pub quiet: usize,
    /// Faults behind which a request lasted too long, which is what Health told. A busy machine has them.
    pub late: usize,
}

/// Of each fault, by the kind of request.
pub type Tallies = BTreeMap<(Fault, Asked), Tally>;

impl PartialOrd for Asked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Asked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (*self as u8).cmp(&(*other as u8))
    }
}

/// What became of one fault.
#[derive(Clone, Copy)]
enum Became {
    Told,
    Late,
    OpenedAgain,
    Quiet,
    Nothing,
}

/// The reports of one Source that say that something is wrong, in order.
fn bad(seen: &[Seen]) -> Vec<&Seen> {
    let mut reports = Vec::new();
    // Each comparison begins when the Source is live, or with its first report of all.
    let mut was_live = true;
    for one in seen {
        let is_live = one.health.state == HealthState::Live;
        let is_bad = !is_live && !matches!(one.health.state, HealthState::Connecting | HealthState::Syncing);
        // Behind another report it only says that the next list begins.
        let is_about_the_list = words(one) == AGAIN && !was_live;
        if is_bad && !is_about_the_list {
            reports.push(one);
        }
        was_live = is_live;
    }
    reports
}

fn words(seen: &Seen) -> &str {
    seen.health.message.as_deref().unwrap_or_default()
}

/// Whether a request lasted too long, which a busy machine explains without any fault.
fn is_silent(seen: &Seen) -> bool {
    words(seen).contains(SILENT)
}

/// One target's faults, and the reports of its Source that something is wrong.
struct Comparison<'a> {
    target: Target,
    entries: &'a [Entry],
    seen: &'a [Seen],
    bad: Vec<&'a Seen>,
    /// How long a request may last.
    patience: Duration,
}

/// Compares the log of one target with the reports of its Source, both in order: each fault has a report of its own, and each
/// report that something is wrong has a fault. `patience` is how long a request may last.
pub fn check(
    target: Target,
    entries: &[Entry],
    seen: &[Seen],
    patience: Duration,
    tallies: &mut Tallies,
) -> Result<(), String> {
    let comparison = Comparison { target, entries, seen, bad: bad(seen), patience };
    let wrong = entries.iter().filter_map(|entry| match entry {
        Entry::Wrong(wrong) => Some(wrong),
        Entry::Came { .. } => None,
    });
    for (wrong, became) in wrong.zip(comparison.all()?) {
        let tally = tallies.entry((wrong.fault, wrong.asked)).or_default();
        tally.done += 1;
        match became {
            Became::Told => tally.told += 1,
            Became::Late => tally.late += 1,
            Became::OpenedAgain => tally.opened_again += 1,
            Became::Quiet => tally.quiet += 1,
            Became::Nothing => {}
        }
    }
    Ok(())
}

impl Comparison<'_> {
    /// What became of every fault. Where a fault need not be told, the next report may be about it or about the next fault, so
    /// every way to read the reports is followed: by how many of them are used up.
    fn all(&self) -> Result<Vec<Became>, String> {
        let mut ways = BTreeMap::from([(0, Vec::new())]);
        for (at, entry) in self.entries.iter().enumerate() {
            let Entry::Wrong(wrong) = entry else { continue };
            let rest = self.entries.get(at + 1..).unwrap_or_default();
            let mut next = BTreeMap::new();
            for (used, way) in &ways {
                for (became, used) in self.readings(wrong, rest, *used) {
                    next.entry(used).or_insert_with(|| [&way[..], &[became]].concat());
                }
            }
            if next.is_empty() {
                return Err(self.context("Health does not tell of this fault", at, &ways));
            }
            ways = next;
        }
        let is_explained = |used: &usize| self.bad.iter().skip(*used).all(|seen| is_silent(seen));
        let way = ways.iter().find(|(used, _)| is_explained(used)).map(|(_, way)| way.clone());
        way.ok_or_else(|| self.context("Health tells of a fault that never was", self.entries.len(), &ways))
    }

    /// What may have become of a fault when `used` reports are about earlier ones, and how many are used up then.
    fn readings(&self, wrong: &Wrong, rest: &[Entry], used: usize) -> Vec<(Became, usize)> {
        let silent = self.bad.iter().skip(used).take_while(|seen| is_silent(seen)).count();
        let expected = wrong.fault.expected(self.target, wrong.asked, wrong.number);
        (used..=used + silent).flat_map(|used| self.readings_at(wrong, rest, used, &expected)).collect()
    }

    fn readings_at(&self, wrong: &Wrong, rest: &[Entry], used: usize, expected: &Expected) -> Vec<(Became, usize)> {
        let next = self.bad.get(used).filter(|seen| seen.received >= wrong.at);
        let is_late =
            next.is_some_and(|seen| is_silent(seen) && seen.received.duration_since(wrong.at) >= self.patience);
        let has = |found: bool, became, used| found.then_some((became, used));
        let found = match expected {
            Expected::Nothing => [Some((Became::Nothing, used)), None],
            Expected::Quiet => [has(is_quiet(wrong, rest, self.seen), Became::Quiet, used), None],
            Expected::Told(states, about) => {
                let is_told = next.is_some_and(|seen| {
                    let has_words = about.is_empty() || about.iter().any(|one| words(seen).contains(one.as_str()));
                    states.contains(&seen.health.state) && has_words
                });
                [has(is_told, Became::Told, used + 1), has(is_late && !is_told, Became::Late, used + 1)]
            }
            Expected::ToldOrOpenedAgain(about) => {
                let is_told = next.is_some_and(|seen| words(seen).contains(about));
                let is_opened = matches!(next_request(rest), Some(Entry::Came { asked: Asked::Watch, .. }));
                [has(is_told, Became::Told, used + 1), has(is_opened, Became::OpenedAgain, used)]
            }
        };
        found.into_iter().flatten().collect()
    }

    /// The entries and reports around a mismatch.
    fn context(&self, why: &str, at: usize, ways: &BTreeMap<usize, Vec<Became>>) -> String {
        let used = ways.keys().last().copied().unwrap_or_default();
        let mut text = format!("{why}: {:?}, entry {at}\n", self.target);
        for (number, entry) in self.entries.iter().enumerate().skip(at.saturating_sub(SHOWN)).take(2 * SHOWN) {
            let _ = writeln!(text, "  {} {entry:?}", if number == at { ">" } else { " " });
        }
        text.push_str("reports:\n");
        for (number, seen) in self.bad.iter().enumerate().skip(used.saturating_sub(SHOWN)).take(2 * SHOWN) {
            let Health { state, message, .. } = &seen.health;
            let mark = if number == used { ">" } else { " " };
            let _ = writeln!(text, "  {mark} {:?} {state:?} {message:?}", seen.received);
        }
        text
    }
}

fn next_request(rest: &[Entry]) -> Option<&Entry> {
    rest.iter().find(|entry| matches!(entry, Entry::Came { .. }))
}

/// Whether nothing more was heard than that the watch was opened, until the next request.
fn is_quiet(wrong: &Wrong, rest: &[Entry], seen: &[Seen]) -> bool {
    let Some(Entry::Came { clock: end, .. }) = next_request(rest) else { return false };
    let mut heard: Vec<_> = seen.iter().filter_map(|one| one.health.as_of).collect();
    heard.retain(|as_of| wrong.clock < *as_of && as_of < end);
    heard.dedup();
    heard.len() <= 1
}

/// The reports of each Source.
#[derive(Default)]
pub struct Reports(pub BTreeMap<SourceId, Vec<Seen>>);

impl Reports {
    pub fn note(&mut self, source: SourceId, health: &Health) {
        let seen = Seen { received: Instant::now(), health: health.clone() };
        self.0.entry(source).or_default().push(seen);
    }
}
