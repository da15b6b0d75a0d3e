//! The user's price file while the program runs: read at the start, looked at again, told to every connection.
//!
//! It belongs to the program: a connection forgets it, and is told again. What comes with batchtop is told first.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::app::{Msg, Notice, Severity};
use crate::config::{self, Problem};
use crate::fleet::{Delta, Epoch, Health, HealthState, PriceChange, Report, SourceId, Sym, UserPrices};
use crate::source::prices::embedded;

/// How often is looked whether it changed. A change counts once it looks the same twice, so that a file that is being
/// written, or replaced, is left alone until that is done.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What the file is known by without reading it, in each of its places.
type Look = Vec<Result<Stamp, io::ErrorKind>>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    /// Differs where another file took its place.
    inode: u64,
}

/// The price file as it was last read.
#[derive(Clone, Debug)]
pub struct PriceFile {
    places: Vec<PathBuf>,
    look: Look,
    reading: Reading,
}

type Reading = Result<Option<Box<UserPrices>>, Vec<Problem>>;

impl PriceFile {
    /// Reads it from the one of these places in which it is.
    pub fn read(places: Vec<PathBuf>) -> Self {
        // Before it is read, so that a change meanwhile is seen later.
        let look = look_at(&places);
        let reading = read(&places);
        Self { places, look, reading }
    }

    /// Where it is looked for.
    pub fn places(&self) -> &[PathBuf] {
        &self.places
    }

    /// The file that counts.
    pub fn file(&self) -> Option<&str> {
        self.reading.as_ref().ok()?.as_ref().map(|prices| prices.file.as_str())
    }

    /// What is wrong with it.
    pub fn problems(&self) -> &[Problem] {
        self.reading.as_ref().err().map_or(&[], Vec::as_slice)
    }

    /// Whether there is none.
    pub fn is_absent(&self) -> bool {
        matches!(self.reading, Ok(None))
    }
}

fn read(places: &[PathBuf]) -> Reading {
    config::read_prices(places).map(|prices| prices.map(Box::new))
}

fn look_at(places: &[PathBuf]) -> Look {
    let stamp = |path: &PathBuf| {
        let file = fs::metadata(path).map_err(|error| error.kind())?;
        // A pipe can be read once only.
        let modified = file.modified().ok().filter(|_| file.is_file());
        Ok(Stamp { bytes: file.len(), modified, inode: file.ino() })
    };
    places.iter().map(stamp).collect()
}

/// What connections are told.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Told {
    user: Option<Box<UserPrices>>,
    health: Health,
}

impl Told {
    /// After a reading; where that failed, what was told before still counts.
    fn after(reading: &Reading, kept: Option<Box<UserPrices>>) -> Self {
        match reading {
            Ok(user) => Self { user: user.clone(), health: health_of(user.as_deref()) },
            Err(problems) => {
                let state = if kept.is_some() { HealthState::Stale } else { HealthState::Failed };
                let as_of = kept.as_ref().map(|prices| prices.as_of);
                let message = mistakes(problems).map(|text| Sym::new(&text));
                Self { user: kept, health: Health { state, as_of, message, ..Health::default() } }
            }
        }
    }

    fn reports(self) -> [Report; 2] {
        let prices = Delta::Prices(vec![PriceChange::User(self.user)]);
        [Report::Delta(prices), Report::Health(SourceId::PriceFile, self.health)]
    }
}

fn health_of(user: Option<&UserPrices>) -> Health {
    match user {
        Some(prices) => Health {
            state: HealthState::Live,
            objects: (prices.rules.len() + prices.nodes.len()) as u64,
            as_of: Some(prices.as_of),
            message: Some(Sym::new(&prices.file)),
            ..Health::default()
        },
        None => Health { state: HealthState::Absent, message: Some(Sym::new("no price file")), ..Health::default() },
    }
}

/// What is wrong, in one sentence.
fn mistakes(problems: &[Problem]) -> Option<String> {
    let first = problems.first()?;
    Some(match problems.len() {
        1 => first.to_string(),
        count => format!("{first} ({count} mistakes)"),
    })
}

/// Tells connections of the price file.
pub struct PriceDesk {
    file: PriceFile,
    told: watch::Sender<Told>,
}

impl PriceDesk {
    /// Nothing is told yet.
    pub fn new(file: PriceFile) -> Self {
        let told = watch::Sender::new(Told::after(&file.reading, None));
        Self { file, told }
    }

    /// Tells one connection, until it ends: first what comes with batchtop, then the user's prices whenever they change.
    pub fn tell(
        &self,
        sink: mpsc::Sender<(Epoch, Report)>,
        epoch: Epoch,
        cancel: CancellationToken,
    ) -> impl Future<Output = ()> + Send + use<> {
        let told = self.told.subscribe();
        async move {
            tokio::select! {
                () = cancel.cancelled() => {}
                _ = tell(sink, epoch, told) => {}
            }
        }
    }

    /// Looks at the file for as long as somebody takes notices.
    pub fn follow(&self, notices: mpsc::Sender<Msg>) -> impl Future<Output = ()> + Send + use<> {
        let (mut follower, told) = (Follower::new(&self.file), self.told.clone());
        async move {
            let mut clock = tokio::time::interval(LOOK_EVERY);
            clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                clock.tick().await;
                // A file on a network may take its time.
                let looked = tokio::task::spawn_blocking(move || {
                    let news = follower.look();
                    (follower, news)
                });
                let Ok((back, news)) = looked.await else { return };
                follower = back;
                let Some((news, notice)) = news else { continue };
                told.send_replace(news);
                if notices.send(Msg::Notice(notice)).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Ends with an error where nobody listens any more.
async fn tell(
    sink: mpsc::Sender<(Epoch, Report)>,
    epoch: Epoch,
    mut told: watch::Receiver<Told>,
) -> Result<(), mpsc::error::SendError<(Epoch, Report)>> {
    sink.send((epoch, Report::Delta(Delta::Prices(embedded())))).await?;
    loop {
        let reports = told.borrow_and_update().clone().reports();
        for report in reports {
            sink.send((epoch, report)).await?;
        }
        if told.changed().await.is_err() {
            return Ok(());
        }
    }
}

/// Looks at the file from time to time.
struct Follower {
    places: Vec<PathBuf>,
    /// When it was last read.
    read: Look,
    /// When it was last looked at.
    seen: Look,
    told: Told,
}

impl Follower {
    fn new(file: &PriceFile) -> Self {
        let told = Told::after(&file.reading, None);
        Self { places: file.places.clone(), read: file.look.clone(), seen: file.look.clone(), told }
    }

    /// What is to be told anew, and the notice of it; `None` where nothing changed, or is still changing.
    fn look(&mut self) -> Option<(Told, Notice)> {
        let now = look_at(&self.places);
        let is_settled = now == self.seen;
        self.seen = now;
        if !is_settled || self.seen == self.read {
            return None;
        }
        let reading = read(&self.places);
        if look_at(&self.places) != self.seen {
            // It changed while it was read; the next look sees that.
            return None;
        }
        self.read.clone_from(&self.seen);
        let before = self.told.clone();
        self.told = Told::after(&reading, before.user.clone());
        (self.told != before).then(|| (self.told.clone(), notice(&before, &self.told)))
    }
}

fn notice(before: &Told, now: &Told) -> Notice {
    let is_bad = matches!(now.health.state, HealthState::Stale | HealthState::Failed);
    let message = now.health.message.as_deref().unwrap_or_default();
    match (&before.user, &now.user) {
        (Some(_), Some(_)) if is_bad => {
            Notice { severity: Severity::Error, text: format!("{message}; the prices of before still count") }
        }
        _ if is_bad => Notice { severity: Severity::Error, text: message.to_string() },
        (Some(old), None) => {
            Notice { severity: Severity::Warning, text: format!("{} is gone; its prices count no more", old.file) }
        }
        (_, Some(new)) => Notice { severity: Severity::Info, text: format!("prices are read from {}", new.file) },
        (None, None) => Notice { severity: Severity::Info, text: "there is no price file".to_string() },
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tempfile::TempDir;

    use super::*;

    struct Desk {
        folder: TempDir,
        follower: Follower,
    }

    impl Desk {
        /// With these files at the start.
        fn with(files: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            for (name, text) in files {
                fs::write(folder.path().join(name), text).expect("written");
            }
            let follower = Follower::new(&PriceFile::read(config::price_places(folder.path())));
            Self { folder, follower }
        }

        fn path(&self) -> &Path {
            self.folder.path()
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.path().join(name), text).expect("written");
        }

        /// What two looks bring: the first sees the change, the second that it is over.
        fn look(&mut self) -> Option<(Told, Notice)> {
            assert_eq!(self.follower.look(), None, "a change is left alone until it is over");
            self.follower.look()
        }

        fn state(&self) -> (HealthState, Option<i64>) {
            let told = &self.follower.told;
            (told.health.state, told.user.as_ref().map(|user| user.nodes["a"].micro_usd_per_hour / 1_000_000))
        }
    }

    fn toml(dollars: u32) -> String {
        format!("version = 1\nas_of = 2026-11-01\n[[node]]\nname = \"a\"\nper_hour = {dollars}\n")
    }

    #[test]
    fn a_change_is_told_once_with_a_notice() {
        let mut desk = Desk::with(&[("prices.toml", &toml(1))]);
        assert_eq!(desk.state(), (HealthState::Live, Some(1)));
        assert_eq!(desk.look(), None, "nothing changed");
        desk.write("prices.toml", &toml(22));
        let (told, notice) = desk.look().expect("news");
        assert_eq!(desk.state(), (HealthState::Live, Some(22)));
        assert_eq!(told.health.as_of, told.user.map(|user| user.as_of));
        assert_eq!(notice.severity, Severity::Info);
        assert_eq!(desk.look(), None);
    }

    #[test]
    fn a_mistake_keeps_what_was_known_and_is_told_once() {
        let mut desk = Desk::with(&[("prices.toml", &toml(1))]);
        desk.write("prices.toml", "version = 1\n[[node]]\nname = \"a\"");
        let (told, notice) = desk.look().expect("news");
        assert_eq!(desk.state(), (HealthState::Stale, Some(1)));
        assert_eq!(notice.severity, Severity::Error);
        assert!(notice.text.contains("prices.toml") && notice.text.contains("still count"), "{}", notice.text);
        assert!(told.health.message.is_some_and(|message| message.contains("as_of")));
        assert_eq!(desk.look(), None);
        desk.write("prices.toml", &toml(3));
        assert!(desk.look().is_some());
        assert_eq!(desk.state(), (HealthState::Live, Some(3)));
    }

    #[test]
    fn a_bad_file_at_the_start_has_failed_until_it_is_mended() {
        let mut desk = Desk::with(&[("prices.toml", "version = 2")]);
        assert_eq!(desk.state(), (HealthState::Failed, None));
        desk.write("prices.toml", &toml(1));
        assert!(desk.look().is_some());
        assert_eq!(desk.state(), (HealthState::Live, Some(1)));
    }

    #[test]
    fn a_file_may_come_and_go() {
        let mut desk = Desk::with(&[]);
        assert_eq!(desk.state(), (HealthState::Absent, None));
        assert_eq!(desk.follower.told.health.message.as_deref(), Some("no price file"));
        desk.write("prices.toml", &toml(1));
        assert!(desk.look().is_some());
        assert_eq!(desk.state(), (HealthState::Live, Some(1)));
        fs::remove_file(desk.path().join("prices.toml")).expect("removed");
        let (_, notice) = desk.look().expect("news");
        assert_eq!((desk.state(), notice.severity), ((HealthState::Absent, None), Severity::Warning));
    }

    #[test]
    fn a_file_that_is_replaced_or_half_written_is_never_seen_half() {
        let mut desk = Desk::with(&[("prices.toml", &toml(1))]);
        // As editors save: aside, then by its name; for a moment there is none.
        fs::remove_file(desk.path().join("prices.toml")).expect("removed");
        assert_eq!(desk.follower.look(), None);
        desk.write("new", &toml(2));
        fs::rename(desk.path().join("new"), desk.path().join("prices.toml")).expect("renamed");
        assert!(desk.look().is_some());
        assert_eq!(desk.state(), (HealthState::Live, Some(2)));
        // Bit by bit, each half a file that could be read.
        for text in ["", "version = 1\nas_of = 2026-11-01\n", "version = 1\nas_of = 2026-11-01\n[[node]]\n"] {
            desk.write("prices.toml", text);
            assert_eq!(desk.follower.look(), None);
        }
        desk.write("prices.toml", &toml(33));
        assert!(desk.look().is_some());
        assert_eq!(desk.state(), (HealthState::Live, Some(33)));
    }

    #[test]
    fn two_files_are_a_mistake_that_names_both() {
        let mut desk = Desk::with(&[("prices.toml", &toml(1))]);
        desk.write("prices.csv", "");
        let (_, notice) = desk.look().expect("news");
        assert!(notice.text.contains("prices.toml") && notice.text.contains("prices.csv"), "{}", notice.text);
        assert_eq!(desk.state(), (HealthState::Stale, Some(1)));
    }

    #[tokio::test]
    async fn every_connection_is_told_everything() {
        let desk = Desk::with(&[("prices.toml", &toml(1))]);
        let desk = PriceDesk::new(PriceFile::read(config::price_places(desk.path())));
        for epoch in [Epoch(0), Epoch(1)] {
            let (sink, mut reports) = mpsc::channel(1);
            let cancel = CancellationToken::new();
            let telling = tokio::spawn(desk.tell(sink, epoch, cancel.clone()));
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
            telling.await.expect("it ends");
        }
    }
}
