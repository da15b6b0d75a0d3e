//! batchtop without a terminal: the streams of one cluster, and the App that they feed.

use std::iter::Cycle;
use std::path::Path;
use std::slice::Iter;
use std::time::Duration;

use batchtop::app::{App, Msg, Settings, update};
use batchtop::config::{Library, keymap};
use batchtop::fleet::{Epoch, HealthState, Report, SourceId};
use batchtop::source::kube::{ConnectOptions, KubeSource, Timing};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::check::Reports;
use super::clock;

/// As many as batchtop's own channel of reports holds.
const REPORTS: usize = 8;

/// How long a request, or a pause in its answer, may last.
pub const PATIENCE: Duration = Duration::from_millis(2_500);

fn timing() -> Timing {
    Timing {
        connect: PATIENCE,
        request: PATIENCE,
        stall: PATIENCE,
        watch: Duration::from_secs(2),
        watch_slack: Duration::from_secs(2),
        backoff_first: Duration::from_millis(30),
        backoff_max: Duration::from_millis(300),
        forbidden_first: Duration::from_millis(30),
        forbidden_retry: Duration::from_millis(100),
        forbidden_patience: Duration::from_millis(400),
        absent_retry: Duration::from_millis(300),
        relist: Duration::from_millis(400),
        crd_interval: Duration::from_millis(200),
        batch_window: Duration::from_millis(5),
        first_tier_wait: Duration::from_millis(500),
        health: Duration::from_millis(50),
        ..Timing::default()
    }
}

/// How often a frame is drawn, each of another screen.
const FRAMES: Duration = Duration::from_millis(250);

/// The keys of the screens whose rows follow from the Fleet alone; those of Cost also follow from what was paid.
pub const SCREENS: [&str; 5] = ["1", "2", "3", "4", "5"];

/// Before anything is known.
pub fn new_app() -> App {
    let keymap = keymap(&Library::embedded(), "default").0.keymap;
    let mut app = App::new(Settings { keymap, ..Settings::default() }, clock());
    update(&mut app, Msg::Resize { width: 200, height: 60 });
    app
}

/// Shows a screen, and puts its rows in order as for a frame.
pub fn show(app: &mut App, key: &str) {
    update(app, Msg::Key(key.parse().expect("a chord")));
    update(app, Msg::Frame);
}

/// The streams, and the App that they feed.
pub struct Client {
    pub app: App,
    pub seen: Reports,
    reports: mpsc::Receiver<(Epoch, Report)>,
    source: JoinHandle<()>,
    cancel: CancellationToken,
    ticks: Interval,
    /// Which screen is shown next.
    screens: Cycle<Iter<'static, &'static str>>,
    _folder: TempDir,
}

impl Client {
    pub fn start(server: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let kubeconfig = Some(folder.path().join("config"));
        write_kubeconfig(&folder.path().join("config"), server);
        let options = ConnectOptions { kubeconfig, ..ConnectOptions::default() };
        let source = KubeSource::new(options, Vec::new(), timing(), clock);
        let (sink, reports) = mpsc::channel(REPORTS);
        let cancel = CancellationToken::new();
        let app = new_app();
        let source = tokio::spawn(source.run(sink, app.epoch, cancel.clone()));
        let mut ticks = interval(FRAMES);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            app,
            seen: Reports::default(),
            reports,
            source,
            cancel,
            ticks,
            screens: SCREENS.iter().cycle(),
            _folder: folder,
        }
    }

    /// Takes reports, and does what the event loop does, for so long.
    pub async fn run_for(&mut self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            tokio::select! {
                biased;
                () = sleep_until(end) => return,
                _ = self.ticks.tick() => {
                    update(&mut self.app, Msg::Clock(clock()));
                    self.screens.next().into_iter().for_each(|key| show(&mut self.app, key));
                }
                report = self.reports.recv() => {
                    let (epoch, report) = report.expect("the source runs");
                    self.take(epoch, report);
                }
                () = tokio::task::yield_now(), if self.app.insights.has_work() => {
                    update(&mut self.app, Msg::Work);
                }
            }
        }
    }

    fn take(&mut self, epoch: Epoch, report: Report) {
        if let Report::Health(source, health) = &report {
            self.seen.note(*source, health);
        }
        update(&mut self.app, Msg::Source(epoch, report));
    }

    /// The Sources of the cluster that are not live.
    pub fn not_live(&self) -> Vec<SourceId> {
        let state = |source: &SourceId| self.app.sources.get(source).map(|health| health.state);
        SourceId::of_cluster().filter(|source| state(source) != Some(HealthState::Live)).collect()
    }

    /// Stops the streams, and waits until the Source has ended.
    pub async fn stop(self) -> App {
        self.cancel.cancel();
        drop(self.reports);
        self.source.await.expect("the source ends by itself");
        self.app
    }
}

fn write_kubeconfig(path: &Path, server: &str) {
    let text = format!(
        "current-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: '{server}'}}}}]\nusers: [{{name: u, user: {{}}}}]\n"
    );
    std::fs::write(path, text).expect("a file");
}
