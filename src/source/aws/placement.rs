//! The book of placement scores: which configurations EC2 was asked for, so that no more are new within a day than it takes,
//! and what it answered.
//!
//! EC2 limits the new configurations of an account within 24 hours, and does not say to how many; one that was used within the
//! last 24 hours may be asked for again (`MaxConfigLimitExceeded`). The limit outlives a session, so the book is a file in the
//! state folder that all sessions share.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Write;
use super::agenda::CachedAnswer;
use super::request::Answer;
use crate::files;
use crate::fleet::{PlacementConfiguration, Sym};
use crate::units::Time;

/// How long a configuration counts, and how long EC2 is not asked for new ones after it has refused one.
const WINDOW_SECONDS: i64 = 24 * 60 * 60;

/// Most configurations that are remembered; those asked for longest ago are forgotten first.
const MOST_ENTRIES: usize = 64;

/// Larger files are ignored: so many entries, each with the longest list of instance types, fit in less.
const MAX_BYTES: u64 = 2 * 1024 * 1024;

/// Version of the file format; files of another version are ignored.
const VERSION: u32 = 1;

/// A time further in the future than this was written by a wrong clock, or by hand: it counts as now.
const CLOCK_SLACK_SECONDS: i64 = 300;

/// A configuration in the region in which it is scored.
pub(super) type Place = (Sym, PlacementConfiguration);

/// What is known of one configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Entry {
    /// When it was new.
    new_at: Time,
    /// When EC2 was last asked for it.
    asked_at: Time,
    /// What EC2 answered last, and when.
    scores: Option<(BTreeMap<Sym, u8>, Time)>,
}

/// Which configurations were asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Book {
    entries: BTreeMap<Place, Entry>,
    /// When EC2 refused a configuration for being one too many.
    refused_at: Option<Time>,
}

impl Book {
    /// Whether EC2 may be asked for this now, when at most so many configurations are new within 24 hours; else from when on it
    /// may be.
    pub(super) fn admit(&self, place: &Place, most_new: usize, now: Time) -> Result<(), Time> {
        let ends = |at: Time| at.plus_seconds(WINDOW_SECONDS);
        if self.entries.get(place).is_some_and(|entry| ends(entry.asked_at) > now) {
            return Ok(());
        }
        let mut new: Vec<Time> =
            self.entries.values().map(|entry| ends(entry.new_at)).filter(|end| *end > now).collect();
        new.sort_unstable();
        // As many have to leave the window as are too many in it.
        let by_number = new.len().checked_sub(most_new).and_then(|over| new.get(over).copied());
        let by_refusal = self.refused_at.map(ends).filter(|end| *end > now);
        by_number.max(by_refusal).map_or(Ok(()), Err)
    }

    /// Notes that EC2 is asked for this now.
    pub(super) fn note_asked(&mut self, place: Place, now: Time) {
        let is_new = self.entries.get(&place).is_none_or(|entry| entry.asked_at.plus_seconds(WINDOW_SECONDS) <= now);
        let entry = self.entries.entry(place).or_insert(Entry { new_at: now, asked_at: now, scores: None });
        entry.asked_at = now;
        if is_new {
            entry.new_at = now;
        }
        self.forget(now);
    }

    /// Notes that EC2 refused this for being one too many: it is none that EC2 knows.
    pub(super) fn note_refused(&mut self, place: &Place, now: Time) {
        self.entries.remove(place);
        self.refused_at = Some(now);
    }

    /// Notes what EC2 answered.
    pub(super) fn note_scores(&mut self, place: &Place, scores: BTreeMap<Sym, u8>, now: Time) {
        if let Some(entry) = self.entries.get_mut(place) {
            entry.scores = Some((scores, now));
        }
    }

    /// What EC2 answered last for a configuration.
    pub(super) fn answer(&self, place: &Place) -> Option<CachedAnswer> {
        let (scores, as_of) = self.entries.get(place)?.scores.clone()?;
        Some(CachedAnswer { answer: Answer::Placement(scores), as_of })
    }

    /// What no longer counts is left out, and what is too much.
    fn forget(&mut self, now: Time) {
        self.entries.retain(|_, entry| entry.asked_at.plus_seconds(WINDOW_SECONDS) > now);
        while self.entries.len() > MOST_ENTRIES {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.asked_at).map(|(place, _)| place.clone());
            oldest.and_then(|place| self.entries.remove(&place));
        }
    }
}

/// The file of the book.
#[derive(Clone, Debug)]
pub(super) struct BookFile {
    pub(super) path: PathBuf,
    pub(super) write: Write,
    /// Endpoints that answers come from, empty for AWS's own. Those of other endpoints (a test's) are ignored; that they were
    /// asked for counts all the same, for they may lead to the same account.
    pub(super) endpoints: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    version: u32,
    endpoints: String,
    refused_at: Option<String>,
    configurations: Vec<Configuration>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    region: String,
    instance_types: BTreeSet<String>,
    instances: u32,
    new_at: String,
    asked_at: String,
    scores: Option<Scores>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Scores {
    as_of: String,
    zones: BTreeMap<String, u8>,
}

impl BookFile {
    /// The book as all sessions have left it; empty where there is none yet.
    ///
    /// # Errors
    /// When there is a file that cannot be read: what it would forbid is not known.
    pub(super) fn load(&self, now: Time) -> io::Result<Book> {
        let text = match files::read_text(&self.path, MAX_BYTES) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Book::default()),
            Err(error) => return Err(error),
        };
        let document: Document = serde_json::from_str(&text)?;
        if document.version != VERSION {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("version {}", document.version)));
        }
        let time = |text: &str| Time::parse(text).map(|at| not_after(at, now));
        let entries = document.configurations.iter().take(MOST_ENTRIES).filter_map(|one| entry(one, time));
        let is_own = document.endpoints == self.endpoints;
        let entries = entries.map(|(place, entry)| (place, Entry { scores: entry.scores.filter(|_| is_own), ..entry }));
        Ok(Book { entries: entries.collect(), refused_at: document.refused_at.as_deref().and_then(time) })
    }

    /// Replaces the file.
    ///
    /// # Errors
    /// When the folder cannot be created or the file cannot be written.
    pub(super) fn save(&self, book: &Book) -> io::Result<()> {
        let configurations = book.entries.iter().map(|(place, entry)| configuration(place, entry)).collect();
        let refused_at = book.refused_at.map(|at| at.to_string());
        let document = Document { version: VERSION, endpoints: self.endpoints.clone(), refused_at, configurations };
        (self.write)(&self.path, &serde_json::to_vec(&document)?)
    }
}

fn not_after(at: Time, now: Time) -> Time {
    if at > now.plus_seconds(CLOCK_SLACK_SECONDS) { now } else { at }
}

fn entry(of: &Configuration, time: impl Fn(&str) -> Option<Time>) -> Option<(Place, Entry)> {
    let instance_types = of.instance_types.iter().map(|name| Sym::new(name)).collect();
    let configuration = PlacementConfiguration::new(instance_types, of.instances)?;
    let scores = |scores: &Scores| {
        let zones = scores.zones.iter().map(|(zone, score)| (Sym::new(zone), *score)).collect();
        Some((zones, time(&scores.as_of)?))
    };
    let entry =
        Entry { new_at: time(&of.new_at)?, asked_at: time(&of.asked_at)?, scores: of.scores.as_ref().and_then(scores) };
    Some(((Sym::new(&of.region), configuration), entry))
}

fn configuration((region, of): &Place, entry: &Entry) -> Configuration {
    let scores = |(zones, as_of): &(BTreeMap<Sym, u8>, Time)| Scores {
        as_of: as_of.to_string(),
        zones: zones.iter().map(|(zone, score)| (zone.to_string(), *score)).collect(),
    };
    Configuration {
        region: region.to_string(),
        instance_types: of.instance_types.iter().map(ToString::to_string).collect(),
        instances: of.instances,
        new_at: entry.new_at.to_string(),
        asked_at: entry.asked_at.to_string(),
        scores: entry.scores.as_ref().map(scores),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const HOUR: i64 = 3_600;

    fn at(seconds: i64) -> Time {
        Time::from_seconds(1_795_000_000 + seconds)
    }

    fn place(number: u32) -> Place {
        let types = ["a", "b", "c"].map(|letter| Sym::new(&format!("{letter}{number}.large")));
        (Sym::new("us-east-1"), PlacementConfiguration::new(types.into(), 4).expect("three types"))
    }

    fn asked(numbers: std::ops::Range<u32>, now: Time) -> Book {
        let mut book = Book::default();
        numbers.for_each(|number| book.note_asked(place(number), now));
        book
    }

    #[test]
    fn no_more_configurations_are_new_within_a_day_than_are_allowed() {
        let mut book = Book::default();
        for number in 0..3 {
            let now = at(i64::from(number) * HOUR);
            assert_eq!(book.admit(&place(number), 3, now), Ok(()));
            book.note_asked(place(number), now);
        }
        assert_eq!(book.admit(&place(9), 3, at(3 * HOUR)), Err(at(24 * HOUR)), "when the first has left the window");
        assert_eq!(book.admit(&place(9), 3, at(24 * HOUR)), Ok(()));
        assert_eq!(book.admit(&place(0), 3, at(3 * HOUR)), Ok(()), "a known one is always allowed");
        assert_eq!(book.admit(&place(9), 1, at(3 * HOUR)), Err(at(26 * HOUR)), "a lower limit takes more of them");
    }

    #[test]
    fn a_configuration_stays_known_while_it_is_asked_for_and_counts_on_the_day_on_which_it_was_new() {
        let mut book = asked(0..1, at(0));
        for hours in (1..=40).step_by(13) {
            assert_eq!(book.admit(&place(0), 1, at(hours * HOUR)), Ok(()), "{hours} h");
            book.note_asked(place(0), at(hours * HOUR));
        }
        assert_eq!(book.admit(&place(1), 1, at(41 * HOUR)), Ok(()), "the other was new two days ago");
        assert_eq!(book.admit(&place(0), 1, at((40 + 24) * HOUR)), Ok(()));
        book.note_asked(place(0), at((40 + 24) * HOUR));
        assert_eq!(
            book.admit(&place(1), 1, at(65 * HOUR)),
            Err(at((40 + 48) * HOUR)),
            "it was forgotten and new again"
        );
    }

    #[test]
    fn after_a_refusal_nothing_new_is_asked_for_a_day_and_what_is_known_is() {
        let mut book = asked(0..2, at(0));
        book.note_refused(&place(1), at(HOUR));
        for number in [1, 2] {
            assert_eq!(book.admit(&place(number), 8, at(2 * HOUR)), Err(at(25 * HOUR)));
        }
        assert_eq!(book.admit(&place(0), 8, at(2 * HOUR)), Ok(()));
        assert_eq!(book.admit(&place(1), 8, at(25 * HOUR)), Ok(()));
    }

    #[test]
    fn a_region_or_another_number_of_instances_is_another_configuration() {
        let book = asked(0..1, at(0));
        let (region, known) = place(0);
        let more = PlacementConfiguration { instances: 8, ..known.clone() };
        for other in [(Sym::new("eu-west-1"), known), (region, more)] {
            assert_eq!(book.admit(&other, 1, at(0)), Err(at(24 * HOUR)), "{other:?}");
        }
    }

    #[test]
    fn what_is_remembered_is_limited() {
        let book = asked(0..100, at(0));
        assert_eq!(book.entries.len(), MOST_ENTRIES);
    }

    fn file(folder: &Path) -> BookFile {
        let write: Write = |path, bytes| std::fs::write(path, bytes);
        BookFile { path: folder.join("placement-scores.json"), write, endpoints: String::new() }
    }

    #[test]
    fn the_book_is_the_same_in_the_next_session() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = file(folder.path());
        assert_eq!(file.load(at(0)).expect("none yet"), Book::default());
        let mut book = asked(0..2, at(0));
        book.note_scores(&place(0), [(Sym::new("use1-az2"), 3)].into(), at(10));
        book.note_refused(&place(1), at(20));
        file.save(&book).expect("saved");
        let loaded = file.load(at(30)).expect("a book");
        assert_eq!(loaded, book);
        let answer = Answer::Placement([(Sym::new("use1-az2"), 3)].into());
        assert_eq!(loaded.answer(&place(0)), Some(CachedAnswer { answer, as_of: at(10) }));
        assert_eq!(loaded.answer(&place(1)), None);
    }

    #[test]
    fn a_book_of_a_wrong_clock_forbids_no_longer_than_a_day() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = file(folder.path());
        file.save(&asked(0..1, at(100 * HOUR))).expect("saved");
        let book = file.load(at(0)).expect("a book");
        assert_eq!(book.admit(&place(1), 1, at(0)), Err(at(24 * HOUR)));
    }

    #[test]
    fn a_book_that_cannot_be_read_is_no_empty_one_and_scores_of_other_endpoints_are_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = file(folder.path());
        let mut book = asked(0..1, at(0));
        book.note_scores(&place(0), [(Sym::new("use1-az2"), 3)].into(), at(0));
        file.save(&book).expect("saved");
        let other = BookFile { endpoints: "http://127.0.0.1:5555".to_owned(), ..file.clone() };
        assert_eq!(other.load(at(0)).expect("a book"), asked(0..1, at(0)));
        let text = std::fs::read_to_string(&file.path).expect("the file");
        for rubbish in [text.replace("\"version\":1", "\"version\":2"), text[..text.len() / 2].to_owned()] {
            std::fs::write(&file.path, rubbish).expect("written");
            assert!(file.load(at(0)).is_err());
        }
    }
}
