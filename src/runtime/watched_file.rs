//! Watches a file of the user, and publishes what it holds to every connection.
//!
//! The file belongs to the program, not to a connection: each new connection gets what it holds first of all.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::app::{Msg, Notice, Severity};
use crate::config::Problem;
use crate::fleet::{Delta, Epoch, Health, HealthState, Report, SourceId, Sym};
use crate::units::Time;

/// What a file of the user holds.
pub trait Watched: Clone + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// The Source that tells it.
    const SOURCE: SourceId;
    /// Words for its absence: `no price file`.
    const ABSENT: &'static str;
    /// Words for what it holds, in the plural: `prices`.
    const CONTENT: &'static str;

    /// Reads the file from the one of these paths that exists; `None` if none does.
    ///
    /// # Errors
    /// When it cannot be read or has mistakes.
    fn read(places: &[PathBuf]) -> Result<Option<Self>, Vec<Problem>>;

    /// The file, as it is called on screen.
    fn file(&self) -> &str;

    /// When it was right.
    fn as_of(&self) -> Time;

    /// How many entries it has.
    fn entries(&self) -> usize;

    /// The change that tells of it; of `None` that there is no file.
    fn delta(content: Option<Box<Self>>) -> Delta;

    /// What every connection is told before it.
    fn first() -> Option<Delta> {
        None
    }
}

/// Interval between two checks of the file. A change is read once two checks in a row find the same stamps, so that a
/// file that is being written or replaced is not read half-way.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// Stamp of the file at each of its possible paths; a change means that the file has to be read again.
pub type FileStamps = Vec<Result<Stamp, io::ErrorKind>>;

/// Size, time and identity of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    /// Differs after the file has been replaced by another.
    inode: u64,
}

/// The file as read at the start.
#[derive(Clone, Debug)]
pub struct WatchedFile<T> {
    places: Vec<PathBuf>,
    stamps: FileStamps,
    parsed: ParseResult<T>,
}

type ParseResult<T> = Result<Option<Box<T>>, Vec<Problem>>;

impl<T: Watched> WatchedFile<T> {
    /// Reads the file from the one of these paths that exists.
    pub fn read(places: Vec<PathBuf>) -> Self {
        // Before reading, so that a change meanwhile is noticed by the next check.
        let stamps = stamps_of(&places);
        let parsed = read(&places);
        Self { places, stamps, parsed }
    }

    /// Of no file: what was read of something else.
    pub fn of_text(parsed: Result<T, Problem>) -> Self {
        let parsed = parsed.map(|content| Some(Box::new(content))).map_err(|problem| vec![problem]);
        Self { places: Vec::new(), stamps: FileStamps::new(), parsed }
    }

    /// Paths at which the file may be.
    pub fn places(&self) -> &[PathBuf] {
        &self.places
    }

    /// Name of the file that is used; `None` without one.
    pub fn file(&self) -> Option<&str> {
        self.parsed.as_ref().ok()?.as_ref().map(|content| content.file())
    }

    /// Mistakes in the file.
    pub fn problems(&self) -> &[Problem] {
        self.parsed.as_ref().err().map_or(&[], Vec::as_slice)
    }

    /// Whether no file exists.
    pub fn is_absent(&self) -> bool {
        matches!(self.parsed, Ok(None))
    }
}

fn read<T: Watched>(places: &[PathBuf]) -> ParseResult<T> {
    T::read(places).map(|content| content.map(Box::new))
}

/// The stamps of files now.
pub fn stamps_of(places: &[PathBuf]) -> FileStamps {
    let stamp = |path: &PathBuf| {
        let file = fs::metadata(path).map_err(|error| error.kind())?;
        // A pipe can be read only once, so its changes are ignored.
        let modified = file.modified().ok().filter(|_| file.is_file());
        Ok(Stamp { bytes: file.len(), modified, inode: file.ino() })
    };
    places.iter().map(stamp).collect()
}

/// Content and health as published to connections.
#[derive(Clone, PartialEq, Debug)]
struct Published<T> {
    content: Option<Box<T>>,
    health: Health,
}

impl<T: Watched> Published<T> {
    /// From a parse result; if it failed, `kept`, what was published before, stays in use.
    fn from_parsed(parsed: &ParseResult<T>, kept: Option<Box<T>>) -> Self {
        match parsed {
            Ok(content) => Self { content: content.clone(), health: live_or_absent(content.as_deref()) },
            Err(problems) => {
                let state = if kept.is_some() { HealthState::Stale } else { HealthState::Failed };
                let as_of = kept.as_ref().map(|content| content.as_of());
                let message = problem_summary(problems).map(|text| Sym::new(&text));
                Self { content: kept, health: Health { state, as_of, message, ..Health::default() } }
            }
        }
    }

    fn reports(self) -> [Report; 2] {
        [Report::Delta(T::delta(self.content)), Report::Health(T::SOURCE, self.health)]
    }
}

fn live_or_absent<T: Watched>(content: Option<&T>) -> Health {
    match content {
        Some(content) => Health {
            state: HealthState::Live,
            objects: content.entries() as u64,
            as_of: Some(content.as_of()),
            message: Some(Sym::new(content.file())),
            ..Health::default()
        },
        None => Health { state: HealthState::Absent, message: Some(Sym::new(T::ABSENT)), ..Health::default() },
    }
}

/// The mistakes in one sentence; `None` without any.
fn problem_summary(problems: &[Problem]) -> Option<String> {
    let first = problems.first()?;
    Some(match problems.len() {
        1 => first.to_string(),
        count => format!("{first} ({count} mistakes)"),
    })
}

/// Watches the file and publishes what it holds to connections.
pub struct FileWatcher<T> {
    file: WatchedFile<T>,
    published: watch::Sender<Published<T>>,
}

impl<T: Watched> FileWatcher<T> {
    /// A watcher that has published nothing yet.
    pub fn new(file: WatchedFile<T>) -> Self {
        let published = watch::Sender::new(Published::from_parsed(&file.parsed, None));
        Self { file, published }
    }

    /// Paths at which the file may be.
    pub fn places(&self) -> &[PathBuf] {
        self.file.places()
    }

    /// Publishes to one connection until it ends, now and whenever the file changes.
    pub fn publish(
        &self,
        sink: mpsc::Sender<(Epoch, Report)>,
        epoch: Epoch,
        cancel: CancellationToken,
    ) -> impl Future<Output = ()> + Send + use<T> {
        let published = self.published.subscribe();
        async move {
            tokio::select! {
                () = cancel.cancelled() => {}
                _ = publish(sink, epoch, published) => {}
            }
        }
    }

    /// Checks the file periodically until the receiver of the notices is dropped.
    pub fn follow(&self, notices: mpsc::Sender<Msg>) -> impl Future<Output = ()> + Send + use<T> {
        let (mut checker, published) = (FileChecker::new(&self.file), self.published.clone());
        async move {
            let mut clock = tokio::time::interval(CHECK_INTERVAL);
            clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                clock.tick().await;
                // A file on a network drive may block.
                let checked = tokio::task::spawn_blocking(move || {
                    let change = checker.check();
                    (checker, change)
                });
                let Ok((back, change)) = checked.await else { return };
                checker = back;
                let Some((change, notice)) = change else { continue };
                published.send_replace(change);
                if notices.send(Msg::Notice(notice)).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Publishes until the watcher ends, or with an error when the receiver is dropped.
async fn publish<T: Watched>(
    sink: mpsc::Sender<(Epoch, Report)>,
    epoch: Epoch,
    mut published: watch::Receiver<Published<T>>,
) -> Result<(), mpsc::error::SendError<(Epoch, Report)>> {
    if let Some(first) = T::first() {
        sink.send((epoch, Report::Delta(first))).await?;
    }
    loop {
        let reports = published.borrow_and_update().clone().reports();
        for report in reports {
            sink.send((epoch, report)).await?;
        }
        if published.changed().await.is_err() {
            return Ok(());
        }
    }
}

/// Detects and reads changes of the file.
struct FileChecker<T> {
    places: Vec<PathBuf>,
    /// Stamps when the file was last read.
    last_read: FileStamps,
    /// Stamps at the last check.
    last_check: FileStamps,
    published: Published<T>,
}

impl<T: Watched> FileChecker<T> {
    fn new(file: &WatchedFile<T>) -> Self {
        let published = Published::from_parsed(&file.parsed, None);
        Self { places: file.places.clone(), last_read: file.stamps.clone(), last_check: file.stamps.clone(), published }
    }

    /// New content and the notice for the user; `None` if nothing changed, or the file is still changing.
    fn check(&mut self) -> Option<(Published<T>, Notice)> {
        let now = stamps_of(&self.places);
        let is_settled = now == self.last_check;
        self.last_check = now;
        if !is_settled || self.last_check == self.last_read {
            return None;
        }
        let parsed = read(&self.places);
        if stamps_of(&self.places) != self.last_check {
            // It changed while it was read; the next check notices that.
            return None;
        }
        self.last_read.clone_from(&self.last_check);
        let before = self.published.clone();
        self.published = Published::from_parsed(&parsed, before.content.clone());
        (self.published != before).then(|| (self.published.clone(), notice(&before, &self.published)))
    }
}

fn notice<T: Watched>(before: &Published<T>, now: &Published<T>) -> Notice {
    let is_bad = matches!(now.health.state, HealthState::Stale | HealthState::Failed);
    let message = now.health.message.as_deref().unwrap_or_default();
    match (&before.content, &now.content) {
        (Some(_), Some(_)) if is_bad => {
            Notice { severity: Severity::Error, text: format!("{message}; the previous {} stay in use", T::CONTENT) }
        }
        _ if is_bad => Notice { severity: Severity::Error, text: message.to_string() },
        (Some(old), None) => Notice {
            severity: Severity::Warning,
            text: format!("{} has been removed; its {} are no longer used", old.file(), T::CONTENT),
        },
        (_, Some(new)) => {
            Notice { severity: Severity::Info, text: format!("{} are read from {}", T::CONTENT, new.file()) }
        }
        (None, None) => Notice { severity: Severity::Info, text: format!("there is {}", T::ABSENT) },
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tempfile::TempDir;

    use super::*;
    use crate::config;
    use crate::fleet::{PriceChange, UserPrices};
    use crate::runtime::prices::PriceFile;

    struct Fixture {
        folder: TempDir,
        checker: FileChecker<UserPrices>,
    }

    impl Fixture {
        /// A folder with these files, and a checker that has read them.
        fn with(files: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            for (name, text) in files {
                fs::write(folder.path().join(name), text).expect("written");
            }
            let checker = FileChecker::new(&PriceFile::read(config::price_places(folder.path())));
            Self { folder, checker }
        }

        fn path(&self) -> &Path {
            self.folder.path()
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.path().join(name), text).expect("written");
        }

        /// The result of two checks: the first notices the change, the second that it is complete.
        fn check(&mut self) -> Option<(Published<UserPrices>, Notice)> {
            assert_eq!(self.checker.check(), None, "a change is left alone until it is over");
            self.checker.check()
        }

        fn state(&self) -> (HealthState, Option<i64>) {
            let published = &self.checker.published;
            (
                published.health.state,
                published.content.as_ref().map(|user| user.nodes["a"].micro_usd_per_hour / 1_000_000),
            )
        }
    }

    fn toml(dollars: u32) -> String {
        format!("version = 1\nas_of = 2026-11-01\n[[node]]\nname = \"a\"\nper_hour = {dollars}\n")
    }

    #[test]
    fn a_changed_price_file_is_reported_once_with_a_notice() {
        let mut fixture = Fixture::with(&[("prices.toml", &toml(1))]);
        assert_eq!(fixture.state(), (HealthState::Live, Some(1)));
        assert_eq!(fixture.check(), None, "nothing changed");
        fixture.write("prices.toml", &toml(22));
        let (published, notice) = fixture.check().expect("a change");
        assert_eq!(fixture.state(), (HealthState::Live, Some(22)));
        assert_eq!(published.health.as_of, published.content.map(|user| user.as_of));
        assert_eq!(notice.severity, Severity::Info);
        assert_eq!(fixture.check(), None);
    }

    #[test]
    fn an_invalid_price_file_keeps_the_earlier_prices_and_is_reported_once() {
        let mut fixture = Fixture::with(&[("prices.toml", &toml(1))]);
        fixture.write("prices.toml", "version = 1\n[[node]]\nname = \"a\"");
        let (published, notice) = fixture.check().expect("a change");
        assert_eq!(fixture.state(), (HealthState::Stale, Some(1)));
        assert_eq!(notice.severity, Severity::Error);
        assert!(notice.text.contains("prices.toml") && notice.text.contains("stay in use"), "{}", notice.text);
        assert!(published.health.message.is_some_and(|message| message.contains("as_of")));
        assert_eq!(fixture.check(), None);
        fixture.write("prices.toml", &toml(3));
        assert!(fixture.check().is_some());
        assert_eq!(fixture.state(), (HealthState::Live, Some(3)));
    }

    #[test]
    fn an_invalid_price_file_at_startup_is_failed_until_fixed() {
        let mut fixture = Fixture::with(&[("prices.toml", "version = 2")]);
        assert_eq!(fixture.state(), (HealthState::Failed, None));
        fixture.write("prices.toml", &toml(1));
        assert!(fixture.check().is_some());
        assert_eq!(fixture.state(), (HealthState::Live, Some(1)));
    }

    #[test]
    fn a_price_file_may_be_created_and_removed() {
        let mut fixture = Fixture::with(&[]);
        assert_eq!(fixture.state(), (HealthState::Absent, None));
        assert_eq!(fixture.checker.published.health.message.as_deref(), Some("no price file"));
        fixture.write("prices.toml", &toml(1));
        assert!(fixture.check().is_some());
        assert_eq!(fixture.state(), (HealthState::Live, Some(1)));
        fs::remove_file(fixture.path().join("prices.toml")).expect("removed");
        let (_, notice) = fixture.check().expect("a change");
        assert_eq!((fixture.state(), notice.severity), ((HealthState::Absent, None), Severity::Warning));
    }

    #[test]
    fn a_replaced_or_partly_written_price_file_is_read_only_when_complete() {
        let mut fixture = Fixture::with(&[("prices.toml", &toml(1))]);
        // As editors save: aside, then by its name; for a moment there is none.
        fs::remove_file(fixture.path().join("prices.toml")).expect("removed");
        assert_eq!(fixture.checker.check(), None);
        fixture.write("new", &toml(2));
        fs::rename(fixture.path().join("new"), fixture.path().join("prices.toml")).expect("renamed");
        assert!(fixture.check().is_some());
        assert_eq!(fixture.state(), (HealthState::Live, Some(2)));
        // Bit by bit, each half a file that could be read.
        for text in ["", "version = 1\nas_of = 2026-11-01\n", "version = 1\nas_of = 2026-11-01\n[[node]]\n"] {
            fixture.write("prices.toml", text);
            assert_eq!(fixture.checker.check(), None);
        }
        fixture.write("prices.toml", &toml(33));
        assert!(fixture.check().is_some());
        assert_eq!(fixture.state(), (HealthState::Live, Some(33)));
    }

    #[test]
    fn two_price_files_are_an_error_that_names_both() {
        let mut fixture = Fixture::with(&[("prices.toml", &toml(1))]);
        fixture.write("prices.csv", "");
        let (_, notice) = fixture.check().expect("a change");
        assert!(notice.text.contains("prices.toml") && notice.text.contains("prices.csv"), "{}", notice.text);
        assert_eq!(fixture.state(), (HealthState::Stale, Some(1)));
    }

    #[tokio::test]
    async fn every_connection_receives_all_prices() {
        let fixture = Fixture::with(&[("prices.toml", &toml(1))]);
        let fixture = FileWatcher::new(PriceFile::read(config::price_places(fixture.path())));
        for epoch in [Epoch(0), Epoch(1)] {
            let (sink, mut reports) = mpsc::channel(1);
            let cancel = CancellationToken::new();
            let publishing = tokio::spawn(fixture.publish(sink, epoch, cancel.clone()));
            let mut next = async || reports.recv().await.expect("a report");
            assert!(
                matches!(next().await, (of, Report::Delta(Delta::Prices(all))) if of == epoch && all.len() > 2_000)
            );
            let (_, user) = next().await;
            assert!(
                matches!(user, Report::Delta(Delta::Prices(one)) if matches!(one[..], [PriceChange::User(Some(_))]))
            );
            assert!(matches!(next().await, (_, Report::Health(SourceId::PriceFile, _))));
            cancel.cancel();
            publishing.await.expect("it ends");
        }
    }
}
