//! Tells how alive a Source is, whenever that changes, and now and then that it still is.

use std::time::Duration;

use tokio::time::Instant;

use super::Clock;
use super::decode::{Undecodable, bounded};
use super::sink::{Closed, Sink};
use crate::fleet::{Health, HealthState, Report, SourceId, Sym};

/// Tells the health of one Source.
pub(super) struct HealthReporter {
    source: SourceId,
    sink: Sink,
    clock: Clock,
    interval: Duration,
    told: Instant,
    /// When what has been heard since is to be told.
    owed: Option<Instant>,
    health: Health,
    undecodable: Undecodable,
    /// What holds as long as it lives: a legacy API, a choice of namespaces.
    note: Option<Sym>,
    /// How often it is listed, where it is not watched.
    relist_interval: Option<Duration>,
    /// Whether its table has ever been complete since it was last emptied.
    was_complete: bool,
}

impl HealthReporter {
    pub(super) fn new(source: SourceId, sink: Sink, clock: Clock, interval: Duration) -> Self {
        let health = Health::default();
        Self {
            source,
            sink,
            clock,
            interval,
            told: Instant::now(),
            owed: None,
            health,
            undecodable: Undecodable::default(),
            note: None,
            relist_interval: None,
            was_complete: false,
        }
    }

    /// What to say as long as it lives.
    pub(super) fn set_note(&mut self, note: Option<&str>) {
        self.note = note.map(Sym::new);
    }

    /// How often it is listed, where it is not watched.
    pub(super) fn set_relist_interval(&mut self, interval: Option<Duration>) {
        self.relist_interval = interval;
    }

    /// What to say while it lives: what holds for it, and that it is not watched.
    fn words(&self) -> Option<String> {
        let relisted = self
            .relist_interval
            .map(|interval| format!("listed every {} s: all connections for watches are in use", interval.as_secs()));
        let words: Vec<String> = self.note.iter().map(Sym::to_string).chain(relisted).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }

    pub(super) async fn connecting(&mut self) -> Result<(), Closed> {
        self.tell(HealthState::Connecting, None, None).await
    }

    /// A list begins. One that replaces a complete table leaves it in sight as stale.
    pub(super) async fn list_begins(&mut self) -> Result<(), Closed> {
        self.undecodable.clear();
        if self.was_complete {
            return self.tell(HealthState::Stale, Some("reading everything again"), None).await;
        }
        self.health.objects = 0;
        if self.health.state == HealthState::Forbidden {
            // Most likely it still is; the first page will tell.
            return Ok(());
        }
        self.tell(HealthState::Syncing, None, None).await
    }

    /// Whether its table is complete, possibly as of a moment ago.
    pub(super) fn is_complete(&self) -> bool {
        self.was_complete
    }

    /// What is not watched is listed again, as often as it is: that is no reason to call it stale.
    pub(super) fn relist_begins(&mut self) {
        self.undecodable.clear();
    }

    /// So many objects of the list have been read.
    pub(super) async fn listed(&mut self, objects: u64) -> Result<(), Closed> {
        if self.was_complete {
            return Ok(());
        }
        self.health.objects = objects;
        if self.health.state == HealthState::Forbidden {
            return self.tell(HealthState::Syncing, None, None).await;
        }
        self.send().await
    }

    /// The list is complete.
    pub(super) async fn list_complete(&mut self, objects: u64) -> Result<(), Closed> {
        self.list_complete_in(None, objects).await
    }

    /// The list of these namespaces, or (`None`) of the whole cluster, is complete.
    pub(super) async fn list_complete_in(
        &mut self,
        namespaces: Option<Vec<String>>,
        objects: u64,
    ) -> Result<(), Closed> {
        self.was_complete = true;
        self.health.namespaces = namespaces.map(|names| names.iter().map(|name| Sym::new(name)).collect());
        self.health.objects = objects;
        self.live().await
    }

    /// It is complete and was just heard of.
    pub(super) async fn live(&mut self) -> Result<(), Closed> {
        self.health.as_of = Some((self.clock)());
        let words = self.words();
        self.tell(HealthState::Live, words.as_deref(), None).await
    }

    /// When [`Self::tell_owed`] is to be called, so that the counts after a burst do not stand wrong until the next event.
    pub(super) fn due(&self) -> Option<Instant> {
        self.owed
    }

    /// Tells what has been heard since it was last told.
    pub(super) async fn tell_owed(&mut self) -> Result<(), Closed> {
        self.send().await
    }

    /// The objects that cannot be decoded; how many they are is told with the next report.
    pub(super) fn undecodable(&mut self) -> &mut Undecodable {
        &mut self.undecodable
    }

    /// By so many objects its table has grown, which is told with the next report.
    pub(super) fn grew(&mut self, growth: i64) {
        self.health.objects = self.health.objects.saturating_add_signed(growth);
    }

    /// Events came; said at most once per interval.
    pub(super) async fn heard(&mut self) -> Result<(), Closed> {
        self.health.as_of = Some((self.clock)());
        if self.health.state != HealthState::Live || self.told.elapsed() >= self.interval {
            return self.live().await;
        }
        self.owed = Some(self.told + self.interval);
        Ok(())
    }

    /// It failed, and is tried again after `wait`.
    pub(super) async fn failed(&mut self, words: &str, wait: Duration) -> Result<(), Closed> {
        let state = if self.was_complete { HealthState::Stale } else { HealthState::Failed };
        self.tell(state, Some(words), Some(wait)).await
    }

    /// The API server does not allow it.
    pub(super) async fn forbidden(&mut self, words: &str, wait: Duration) -> Result<(), Closed> {
        self.empty();
        self.tell(HealthState::Forbidden, Some(words), Some(wait)).await
    }

    /// There is no such API.
    pub(super) async fn absent(&mut self, words: &str, wait: Duration) -> Result<(), Closed> {
        self.empty();
        self.tell(HealthState::Absent, Some(words), Some(wait)).await
    }

    /// Nothing is asked of it, for the reason that `health` has.
    pub(super) async fn idle(&mut self, health: Health, wait: Option<Duration>) -> Result<(), Closed> {
        self.empty();
        self.tell(health.state, health.message.as_deref(), wait).await
    }

    fn empty(&mut self) {
        self.was_complete = false;
        self.health.namespaces = None;
        self.health.objects = 0;
        self.undecodable.clear();
        self.health.as_of = Some((self.clock)());
    }

    async fn tell(&mut self, state: HealthState, words: Option<&str>, wait: Option<Duration>) -> Result<(), Closed> {
        self.health.state = state;
        self.health.message = words.map(|words| Sym::new(&bounded(words)));
        self.health.next_try =
            wait.map(|wait| (self.clock)().plus_micros(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX)));
        self.send().await
    }

    async fn send(&mut self) -> Result<(), Closed> {
        self.told = Instant::now();
        self.owed = None;
        self.health.undecodable = self.undecodable.count();
        self.sink.send(Report::Health(self.source, self.health.clone())).await
    }
}
