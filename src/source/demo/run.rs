//! The demo as a Source: the simulation's objects, decoded like a real cluster's, and its answers to writes.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::simulation::{Change, Simulation};
use super::{catalog, exporter, prices, usage};
use crate::fleet::{
    ClusterFacts, Delta, Epoch, Health, HealthState, Interner, KarpenterApi, Key, Kind, LogQuestion, LogReport,
    ObjectChange, Report, SourceId, WriteOutcome,
};
use crate::source::kube::decode::{RawChange, delta};
use crate::units::Time;

/// Interval between two advances of the simulation, in real time.
const TICK: Duration = Duration::from_millis(250);
/// Interval at which health is reported again, in simulated seconds, so that its `as_of` stays recent.
const PULSE_SECONDS: i64 = 10;

/// The demo's clock: real time multiplied by a speed. The only part of the demo that reads the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct DemoClock {
    start: Time,
    began: Instant,
    /// Thousandths of the speed of real time.
    speed_millis: i64,
}

impl DemoClock {
    /// Slowest and fastest speed: a hundredth to a thousandfold.
    pub const SPEEDS: RangeInclusive<f64> = 0.01..=1000.0;

    /// A clock that reads `start` now and then runs `speed` times as fast as real time; other values are clamped
    /// to [`Self::SPEEDS`].
    pub fn new(start: Time, speed: f64) -> Self {
        let speed = if speed.is_nan() { 1.0 } else { speed.clamp(*Self::SPEEDS.start(), *Self::SPEEDS.end()) };
        #[expect(clippy::cast_possible_truncation, reason = "between 10 and 1,000,000")]
        let speed_millis = (speed * 1000.0).round() as i64;
        Self { start, began: Instant::now(), speed_millis }
    }

    /// Current simulated time.
    pub fn now(&self) -> Time {
        let micros = i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.start.plus_micros(micros.saturating_mul(self.speed_millis) / 1000)
    }
}

/// Requests to a running demo.
#[derive(Debug)]
pub enum Request {
    /// Make one change.
    Write(ObjectChange, oneshot::Sender<WriteOutcome>),
    /// Read one object with all its fields; `None` if there is none.
    Fetch(Key, oneshot::Sender<Option<Value>>),
    /// Tell the lines of a log for as long as somebody listens.
    Log(LogQuestion, mpsc::Sender<LogReport>),
}

/// The name of the demo's context.
pub const CONTEXT: &str = "demo";

/// Facts of the demo's cluster.
pub fn facts(seed: u64) -> ClusterFacts {
    ClusterFacts {
        context: CONTEXT.to_owned(),
        server: format!("demo://seed-{seed}"),
        identity: Some("demo".to_owned()),
        kubernetes_version: Some(catalog::KUBERNETES_VERSION.to_owned()),
        karpenter_api: KarpenterApi::V1,
        karpenter_crd_version: Some("1.14".to_owned()),
        contexts: vec![CONTEXT.to_owned()],
        default_namespace: "default".to_owned(),
        ..ClusterFacts::default()
    }
}

/// All reports of the demo when it starts at `at`: for `snapshot --demo`, tests and screenshots.
pub fn once(seed: u64, at: Time) -> Vec<Report> {
    first_reports(seed, &Simulation::new(seed, at), &mut Interner::default())
}

/// The first reports: facts, then each kind's list and its health.
pub fn first_reports(seed: u64, simulation: &Simulation, interner: &mut Interner) -> Vec<Report> {
    let mut reports = vec![Report::Cluster(Box::new(facts(seed)))];
    reports.extend(prices::first(simulation.now()));
    let mut lists = simulation.objects();
    for kind in Kind::ALL {
        let changes = lists.remove(&kind).unwrap_or_default();
        if is_served(kind) {
            reports.push(Report::Delta(list(kind, &changes, interner)));
        }
        reports.push(Report::Health(SourceId::Kind(kind), health(kind, changes.len(), simulation.now())));
    }
    let crds = health_of(HealthState::Live, 3, simulation.now());
    reports.push(Report::Health(SourceId::KarpenterCrds, crds));
    reports.extend(exporter::reports(simulation));
    reports.extend(usage::reports(simulation));
    reports
}

/// The demo's cluster serves what every cluster does, and of the rest only Karpenter's own, its EC2NodeClasses and the PodGroups
/// of coscheduling.
const fn is_served(kind: Kind) -> bool {
    !kind.spec().is_optional() || matches!(kind, Kind::NodeClaim | Kind::NodePool | Kind::Ec2NodeClass | Kind::PodGroup)
}

fn health(kind: Kind, objects: usize, now: Time) -> Health {
    let state = if is_served(kind) { HealthState::Live } else { HealthState::Absent };
    health_of(state, objects as u64, now)
}

fn health_of(state: HealthState, objects: u64, now: Time) -> Health {
    Health { state, objects, as_of: Some(now), ..Health::default() }
}

fn list(kind: Kind, changes: &[Change], interner: &mut Interner) -> Delta {
    let mut raw = vec![RawChange::Begin];
    raw.extend(changes.iter().map(raw_change));
    raw.push(RawChange::Commit);
    delta(kind, &raw, interner).0
}

fn raw_change(change: &Change) -> RawChange<'_> {
    match change {
        Change::Upsert { json, .. } => RawChange::Upsert(json),
        Change::Remove { object, .. } => RawChange::Remove(object.clone()),
    }
}

/// Changes as Deltas, one per kind, in the order of [`Kind::ALL`].
pub fn deltas(changes: &[Change], interner: &mut Interner) -> Vec<Delta> {
    let of_kind = |wanted: Kind| {
        changes.iter().filter(move |change| match change {
            Change::Upsert { kind, .. } | Change::Remove { kind, .. } => *kind == wanted,
        })
    };
    Kind::ALL
        .into_iter()
        .filter(|kind| of_kind(*kind).next().is_some())
        .map(|kind| {
            let raw: Vec<RawChange<'_>> = of_kind(kind).map(raw_change).collect();
            delta(kind, &raw, interner).0
        })
        .collect()
}

/// Settings of the demo.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Seed of the simulation.
    pub seed: u64,
    /// Simulated time at the start.
    pub start: Time,
    /// Connection that the reports belong to.
    pub epoch: Epoch,
}

/// Runs the demo until it is cancelled or the receiver is dropped: the whole state first, then what changes as `clock`
/// goes on, and answers to requests. `clock` reads simulated time; the same clock should be the program's.
pub async fn run(
    settings: Settings,
    clock: impl Fn() -> Time + Send,
    mut requests: mpsc::Receiver<Request>,
    sink: mpsc::Sender<(Epoch, Report)>,
    cancel: CancellationToken,
) {
    let mut demo = Running::new(&settings, sink);
    if demo.begin().await.is_none() {
        return;
    }
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut open = true;
    loop {
        let sent = tokio::select! {
            () = cancel.cancelled() => return,
            _ = ticks.tick() => demo.advance(clock()).await,
            request = requests.recv(), if open => {
                open = request.is_some();
                demo.answer(request, clock()).await
            }
        };
        if sent.is_none() {
            return;
        }
    }
}

/// State of a running demo. Its methods return `None` when the receiver is dropped.
struct Running {
    seed: u64,
    epoch: Epoch,
    simulation: Simulation,
    interner: Interner,
    sink: mpsc::Sender<(Epoch, Report)>,
    told_health: Time,
    told_prices: Time,
    told_gpus: Time,
    told_usage: Time,
    log: Option<FollowedLog>,
}

/// The log that somebody looks at; another one takes its place.
struct FollowedLog {
    question: LogQuestion,
    tell: mpsc::Sender<LogReport>,
    /// Up to when its lines have been told.
    told: Time,
}

impl Running {
    fn new(settings: &Settings, sink: mpsc::Sender<(Epoch, Report)>) -> Self {
        Self {
            seed: settings.seed,
            epoch: settings.epoch,
            simulation: Simulation::new(settings.seed, settings.start),
            interner: Interner::default(),
            sink,
            told_health: settings.start,
            told_prices: settings.start,
            told_gpus: settings.start,
            told_usage: settings.start,
            log: None,
        }
    }

    async fn send(&self, reports: Vec<Report>) -> Option<()> {
        for report in reports {
            self.sink.send((self.epoch, report)).await.ok()?;
        }
        Some(())
    }

    async fn begin(&mut self) -> Option<()> {
        let reports = first_reports(self.seed, &self.simulation, &mut self.interner);
        self.send(reports).await
    }

    async fn advance(&mut self, now: Time) -> Option<()> {
        let changes = self.simulation.advance(now);
        let mut reports: Vec<Report> = deltas(&changes, &mut self.interner).into_iter().map(Report::Delta).collect();
        if now.seconds_since(self.told_health) >= PULSE_SECONDS {
            self.told_health = now;
            reports.extend(self.pulse());
        }
        if now.seconds_since(self.told_prices) >= prices::SPOT_SECONDS {
            self.told_prices = now;
            reports.extend(prices::spot(now));
        }
        if now.seconds_since(self.told_gpus) >= exporter::SECONDS {
            self.told_gpus = now;
            reports.extend(exporter::reports(&self.simulation));
        }
        if now.seconds_since(self.told_usage) >= usage::SECONDS {
            self.told_usage = now;
            reports.extend(usage::reports(&self.simulation));
        }
        self.send(reports).await?;
        self.tell_log(now).await;
        Some(())
    }

    /// Tells what has been written since to the log that somebody looks at.
    async fn tell_log(&mut self, now: Time) {
        let Some(log) = &mut self.log else { return };
        let told = self.simulation.log(&log.question, log.told, now);
        log.told = now;
        for report in told.reports {
            if log.tell.send(report).await.is_err() {
                self.log = None;
                return;
            }
        }
        if told.is_over {
            self.log = None;
        }
    }

    /// The health of all Sources, again.
    fn pulse(&self) -> Vec<Report> {
        let counts = self.simulation.counts();
        let of_kind = |kind| {
            let objects = counts.get(&kind).copied().unwrap_or(0);
            Report::Health(SourceId::Kind(kind), health(kind, objects, self.simulation.now()))
        };
        Kind::ALL.into_iter().map(of_kind).collect()
    }

    /// Answers a request; there is none when all who could ask are gone.
    async fn answer(&mut self, request: Option<Request>, now: Time) -> Option<()> {
        // Time first: what the user saw may have changed since.
        self.advance(now).await?;
        let Some(request) = request else { return Some(()) };
        match request {
            Request::Write(change, reply) => {
                let outcome = self.simulation.write(&change);
                // The write comes back through the watch before its answer, or right after it, as from a real server.
                self.advance(now).await?;
                let _ = reply.send(outcome);
            }
            Request::Fetch(key, reply) => {
                let _ = reply.send(self.simulation.object(&key));
            }
            Request::Log(question, tell) => {
                self.log = Some(FollowedLog { question, tell, told: Time::default() });
                self.tell_log(now).await;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{ChangedValue, Fleet, ObjectKey, Uid, ValueChange};

    fn start() -> Time {
        Time::parse("2026-11-20T12:00:00Z").unwrap_or_default()
    }

    fn apply(fleet: &mut Fleet, report: Report) {
        if let Report::Delta(delta) = report {
            fleet.apply(delta);
        }
    }

    #[test]
    fn a_single_snapshot_reports_every_source_as_settled() {
        let mut fleet = Fleet::default();
        let mut states = Vec::new();
        for report in once(1, start()) {
            if let Report::Health(_, health) = &report {
                states.push(health.state);
            }
            apply(&mut fleet, report);
        }
        // All Sources but the two files of the user, which are not of the cluster.
        assert_eq!(states.len(), SourceId::all().count() - 2);
        assert!(states.iter().all(|state| state.is_settled()));
        assert!(fleet.nodes.iter().count() > 20 && fleet.pods.iter().count() > 200);
    }

    #[tokio::test]
    async fn a_running_demo_reports_changes_and_answers_requests() {
        let (sink, mut reports) = mpsc::channel(10_000);
        let (ask, requests) = mpsc::channel(8);
        let cancel = CancellationToken::new();
        let clock = DemoClock::new(start(), 100.0);
        let settings = Settings { seed: 1, start: start(), epoch: Epoch(3) };
        let task = tokio::spawn(run(settings, move || clock.now(), requests, sink, cancel.clone()));
        let mut fleet = Fleet::default();
        let mut deltas = 0;
        // The first lists are twelve; the rest is what happens.
        while deltas < 30 {
            let Some((epoch, report)) = reports.recv().await else { break };
            assert_eq!(epoch, Epoch(3));
            deltas += usize::from(matches!(report, Report::Delta(_)));
            apply(&mut fleet, report);
        }
        let key = ObjectKey::new("research", "jupyter-mkowalski");
        let pod = fleet.pods.get(&key).cloned();
        let (reply, answer) = oneshot::channel();
        let change = ValueChange {
            key: Key::new(Kind::Pod, key.clone()),
            value: ChangedValue::DoNotDisrupt,
            uid: pod.map_or(Uid::parse(""), |pod| pod.meta.uid),
            resource_version: String::new(),
            from: Some("true".to_owned()),
            to: None,
        };
        assert!(ask.send(Request::Write(ObjectChange::Value(change.clone()), reply)).await.is_ok());
        assert_eq!(answer.await, Ok(WriteOutcome::Done));
        let (reply, answer) = oneshot::channel();
        assert!(ask.send(Request::Fetch(change.key, reply)).await.is_ok());
        let fetched = answer.await.unwrap_or_default().unwrap_or_default();
        assert!(fetched["metadata"]["annotations"].is_null());
        while let Ok((_, report)) = reports.try_recv() {
            apply(&mut fleet, report);
        }
        assert_eq!(fleet.pods.get(&key).map(|pod| pod.do_not_disrupt.clone()), Some(None));
        cancel.cancel();
        assert!(task.await.is_ok());
    }

    #[test]
    fn an_invalid_demo_speed_is_clamped() {
        for speed in [f64::NAN, -1.0, 0.0, f64::INFINITY] {
            let clock = DemoClock::new(start(), speed);
            assert!((10..=1_000_000).contains(&clock.speed_millis));
        }
    }
}
