//! What a person would see of a fake API server, by way of the streams.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use batchtop::fleet::{
    Change, ClusterFacts, ConnectionError, Delta, Epoch, Fleet, GpuDemand, Health, HealthState, Kind, ObjectKey,
    PriceDemand, Report, SourceId,
};
use batchtop::source::kube::{
    Access, BodyLimits, Clock, ConnectOptions, HistoryServer, KubeSource, PrometheusChoice, Timing,
};
use batchtop::units::Time;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::fake_api::{FakeApi, pod};

pub const PODS: &str = "/api/v1/pods";
pub const NODES: &str = "/api/v1/nodes";
pub const CLAIMS: &str = "/apis/karpenter.sh/v1/nodeclaims";

/// Longer than anything here takes, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub fn clock() -> Time {
    Time::from_seconds(1_795_000_000)
}

pub fn quick() -> Timing {
    Timing {
        connect: Duration::from_millis(500),
        request: Duration::from_millis(400),
        stall: Duration::from_millis(300),
        watch: Duration::from_secs(20),
        watch_slack: Duration::from_millis(200),
        backoff_first: Duration::from_millis(20),
        backoff_max: Duration::from_millis(80),
        forbidden_first: Duration::from_millis(20),
        forbidden_retry: Duration::from_millis(60),
        forbidden_patience: Duration::from_millis(250),
        absent_retry: Duration::from_millis(60),
        relist: Duration::from_millis(100),
        crd_interval: Duration::from_millis(100),
        batch_window: Duration::from_millis(5),
        first_tier_wait: Duration::from_millis(500),
        exec: Duration::from_secs(5),
        renew_before: Duration::from_mins(1),
        token_file: Duration::from_mins(1),
        health: Duration::ZERO,
        exporter: Duration::from_millis(300),
        exporter_first: Duration::from_millis(40),
        exporter_others: Duration::from_millis(80),
        prometheus: Duration::from_millis(80),
        prometheus_again: Duration::from_millis(10),
        node_metrics: Duration::from_millis(80),
        quiet_log: Duration::from_millis(300),
        log_window: Duration::from_millis(5),
    }
}

/// What a person would see.
pub struct Screen {
    pub fleet: Fleet,
    pub sources: BTreeMap<SourceId, Health>,
    pub facts: ClusterFacts,
    pub down: Vec<ConnectionError>,
    /// Every report, in order.
    pub reported: Vec<Report>,
    /// Every state of pods, in order, without repetitions.
    pub pod_states: Vec<HealthState>,
    /// The fewest pods in sight since `watch_for_gaps`.
    pub fewest_pods: usize,
    pub removals: usize,
    pub reports: mpsc::Receiver<(Epoch, Report)>,
    pub access: Access,
    /// The Prometheus server that is asked of the past; `None` where accelerators are not measured.
    pub history: Option<HistoryServer>,
    pub _running: DropGuard,
    pub folder: TempDir,
}

pub fn kubeconfig(folder: &TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("config");
    std::fs::write(&path, text).expect("a file");
    path
}

pub fn plain(api: &FakeApi) -> String {
    format!(
        "current-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}, {{name: d, context: {{cluster: c}}}}]\n\
         clusters: [{{name: c, cluster: {{server: '{}'}}}}]\nusers: [{{name: u, user: {{}}}}]\n",
        api.url()
    )
}

impl Screen {
    pub fn of(api: &FakeApi) -> Self {
        Self::with(&plain(api), Vec::new(), &quick())
    }

    pub fn with(config: &str, namespaces: Vec<String>, timing: &Timing) -> Self {
        Self::at(clock, config, namespaces, timing)
    }

    pub fn at(clock: Clock, config: &str, namespaces: Vec<String>, timing: &Timing) -> Self {
        Self::started(clock, config, namespaces, timing, None)
    }

    pub fn started(
        clock: Clock,
        config: &str,
        namespaces: Vec<String>,
        timing: &Timing,
        request_timeout: Option<Duration>,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let kubeconfig = Some(kubeconfig(&folder, config));
        let options = ConnectOptions { kubeconfig, request_timeout, ..ConnectOptions::default() };
        Self::running(KubeSource::new(options, namespaces, *timing, clock), folder)
    }

    pub fn limited(api: &FakeApi, timing: &Timing, limits: BodyLimits) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let kubeconfig = Some(kubeconfig(&folder, &plain(api)));
        let options = ConnectOptions { kubeconfig, ..ConnectOptions::default() };
        Self::running(KubeSource::new(options, Vec::new(), *timing, clock).limiting_bodies(limits), folder)
    }

    pub fn measuring(
        api: &FakeApi,
        timing: &Timing,
        demand: watch::Receiver<GpuDemand>,
        prometheus: PrometheusChoice,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let kubeconfig = Some(kubeconfig(&folder, &plain(api)));
        let options = ConnectOptions { kubeconfig, ..ConnectOptions::default() };
        Self::running(KubeSource::new(options, Vec::new(), *timing, clock).measuring(demand, prometheus), folder)
    }

    pub fn pricing(api: &FakeApi, timing: &Timing, demand: watch::Receiver<PriceDemand>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let kubeconfig = Some(kubeconfig(&folder, &plain(api)));
        let options = ConnectOptions { kubeconfig, ..ConnectOptions::default() };
        Self::running(KubeSource::new(options, Vec::new(), *timing, clock).pricing(demand), folder)
    }

    fn running(source: KubeSource, folder: TempDir) -> Self {
        let (access, history) = (source.access(), source.history());
        // Large enough that a test which looks at the server need not read reports meanwhile.
        let (sink, reports) = mpsc::channel(10_000);
        let cancel = CancellationToken::new();
        tokio::spawn(source.run(sink, Epoch(1), cancel.clone()));
        Self {
            fleet: Fleet::default(),
            sources: BTreeMap::new(),
            facts: ClusterFacts::default(),
            down: Vec::new(),
            reported: Vec::new(),
            pod_states: Vec::new(),
            fewest_pods: 0,
            removals: 0,
            reports,
            access,
            history,
            _running: cancel.drop_guard(),
            folder,
        }
    }

    pub fn take(&mut self, report: Report) {
        self.reported.push(report.clone());
        match report {
            Report::Delta(delta) => {
                if let Delta::Pods(changes) = &delta {
                    assert!(changes.len() <= 125, "a batch of {}", changes.len());
                    self.removals += changes.iter().filter(|change| matches!(change, Change::Remove(_))).count();
                }
                self.fleet.apply(delta);
                self.fewest_pods = self.fewest_pods.min(self.fleet.pods.len());
            }
            Report::Health(source, health) => {
                if source == SourceId::Kind(Kind::Pod) && self.pod_states.last() != Some(&health.state) {
                    self.pod_states.push(health.state);
                }
                self.sources.insert(source, health);
            }
            Report::Cluster(facts) => self.facts = *facts,
            Report::Down(error) => self.down.push(error),
        }
    }

    /// Takes reports until `done`.
    pub async fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let ended = timeout(PATIENCE, async {
            while !done(self) {
                let (epoch, report) = self.reports.recv().await.expect("the source runs");
                assert_eq!(epoch, Epoch(1));
                self.take(report);
            }
        });
        let seen = ended.await.is_ok();
        let (pods, health) = (self.fleet.pods.len(), self.health(Kind::Pod));
        assert!(seen, "never: {what}; pods {pods}, {health:?}, {:?}", self.down);
    }

    pub fn health(&self, kind: Kind) -> Health {
        self.sources.get(&SourceId::Kind(kind)).cloned().unwrap_or_default()
    }

    pub fn is(&self, kind: Kind, state: HealthState) -> bool {
        self.health(kind).state == state
    }

    pub fn has_pod(&self, name: &str) -> bool {
        self.fleet.pods.get(&ObjectKey::new("ml", name)).is_some()
    }

    pub async fn live_with(&mut self, pods: usize) {
        self.until("live pods", |screen| screen.is(Kind::Pod, HealthState::Live) && screen.fleet.pods.len() == pods)
            .await;
    }

    pub fn watch_for_gaps(&mut self) {
        self.fewest_pods = self.fleet.pods.len();
        self.removals = 0;
        self.pod_states.clear();
    }
}

pub async fn with_pods(count: usize) -> FakeApi {
    let api = FakeApi::start().await;
    put_pods(&api, 0..count);
    api
}

pub fn put_pods(api: &FakeApi, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let name = format!("p{number:04}");
        api.state().put(PODS, &format!("ml/{name}"), &pod(&name, "ml", None));
    }
}

/// Waits until the server sees what it is asked about.
pub async fn server_sees(what: &str, done: impl Fn() -> bool) {
    let seen = timeout(PATIENCE, async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    assert!(seen.await.is_ok(), "never: {what}");
}
