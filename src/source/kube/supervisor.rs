//! Starts everything that speaks to one cluster, keeps its credentials fresh, and ends it.

use std::any::Any;
use std::convert::Infallible;
use std::time::Duration;

use kube::config::Kubeconfig;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::access::{Access, Current, Keeper, access};
use super::backoff::Backoff;
use super::bodies::BodyLimits;
use super::connect::{Connection, Plan, Validity, blocking, plan};
use super::discovery::{self, Discovered};
use super::facts::{Fact, Facts, collect, facts};
use super::failure::EXIT_INTERNAL;
use super::kubeconfig::{Env, config_error, load, names};
use super::sink::{Closed, Sink};
use super::stream::{Stream, StreamContext};
use super::token::TokenFile;
use super::watches::Watches;
use super::{
    Clock, ConnectOptions, HistoryServer, PrometheusChoice, Timing, crd, gpu_exporters, identity, karpenter_metrics,
    node_metrics, prometheus, rights,
};
use crate::files;
use crate::fleet::{ClusterFacts, ConnectionError, Epoch, GpuDemand, Kind, PriceDemand, Report, ServiceAddress};

/// One cluster as a Source.
pub struct KubeSource {
    options: ConnectOptions,
    namespaces: Vec<String>,
    timing: Timing,
    clock: Clock,
    access: Access,
    keeper: Keeper,
    demands: Demands,
}

/// What is wanted besides the kinds; `None` of what is never read.
#[derive(Default)]
struct Demands {
    prices: Option<watch::Receiver<PriceDemand>>,
    gpus: Option<GpuSources>,
}

/// How accelerators are measured.
struct GpuSources {
    demand: watch::Receiver<GpuDemand>,
    choice: PrometheusChoice,
    /// The Prometheus server that is asked, once one is known.
    server: watch::Sender<Option<ServiceAddress>>,
}

/// Apart from the kinds' own seeds, which are small.
const SEED: u64 = 2000;

impl KubeSource {
    /// `namespaces` are those the user named, in which pods are looked for where the whole cluster is not readable.
    pub fn new(options: ConnectOptions, namespaces: Vec<String>, timing: Timing, clock: Clock) -> Self {
        let timing = timing.limited(options.request_timeout);
        let (access, keeper) = access(&timing, BodyLimits::default());
        Self { options, namespaces, timing, clock, access, keeper, demands: Demands::default() }
    }

    /// With other limits for the answers of the API server.
    #[must_use]
    pub fn limiting_bodies(self, limits: BodyLimits) -> Self {
        let (access, keeper) = access(&self.timing, limits);
        Self { access, keeper, ..self }
    }

    /// Reads Karpenter's metrics, too, while they are wanted.
    #[must_use]
    pub fn pricing(mut self, demand: watch::Receiver<PriceDemand>) -> Self {
        self.demands.prices = Some(demand);
        self
    }

    /// Reads metrics, too: those of accelerators while they are wanted, from their exporters, or from a Prometheus server where
    /// these cannot be read; and what Nodes use.
    #[must_use]
    pub fn measuring(mut self, demand: watch::Receiver<GpuDemand>, prometheus: PrometheusChoice) -> Self {
        let (server, _) = watch::channel(prometheus.named());
        self.demands.gpus = Some(GpuSources { demand, choice: prometheus, server });
        self
    }

    /// The Prometheus server that is asked of the past; `None` where accelerators are not measured.
    pub fn history(&self) -> Option<HistoryServer> {
        Some(HistoryServer::new(self.demands.gpus.as_ref()?.server.subscribe()))
    }

    /// What [`write`](fn@super::write) and [`fetch`](fn@super::fetch) need.
    pub fn access(&self) -> Access {
        self.access.clone()
    }

    /// Reports into `sink` until cancelled, or until nobody listens.
    pub async fn run(self, sink: mpsc::Sender<(Epoch, Report)>, epoch: Epoch, cancel: CancellationToken) {
        let sink = Sink { reports: sink, epoch };
        // Whether it was cancelled or nobody listens makes no difference any more.
        let _ = cancel.run_until_cancelled(Box::pin(self.run_uncancelled(sink))).await;
    }

    async fn run_uncancelled(self, sink: Sink) -> Closed {
        let (facts, found) = facts();
        let mut tasks = JoinSet::new();
        tasks.spawn(collect(found, sink.clone()));
        let mut renewal = Renewal {
            options: self.options,
            timing: self.timing,
            clock: self.clock,
            access: self.access.clone(),
            keeper: self.keeper,
            sink: sink.clone(),
            facts: facts.clone(),
            backoff: Backoff::new(&self.timing, SEED),
            generation: 0,
            read: None,
            from_pipe: None,
        };
        let Ok(first) = renewal.first().await else { return Closed };
        let (publish, discovered) = watch::channel(Discovered::default());
        let context = StreamContext {
            access: self.access,
            sink,
            timing: self.timing,
            clock: self.clock,
            facts,
            discovered,
            watches: Watches::new(),
            namespaces: fallback(self.namespaces, &first.place.default_namespace),
        };
        tasks.spawn(discovery::run(context.clone(), publish));
        start(&mut tasks, &context, self.demands);
        tasks.spawn(renewal.keep(first));
        let Some(Err(ended)) = tasks.join_next().await else { return Closed };
        // What still runs would say that it lives, and so take the sentence away again.
        tasks.shutdown().await;
        // Whether anybody still listens makes no difference any more.
        let _ = context.sink.send(Report::Down(broken(ended))).await;
        Closed
    }
}

/// A task ended by a mistake in batchtop itself; without a word the last rows would look live for ever.
fn broken(ended: JoinError) -> ConnectionError {
    let why = ended.try_into_panic().map_or_else(|ended| ended.to_string(), |panic| panic_words(panic.as_ref()));
    ConnectionError {
        message: format!("reading the cluster ended by a mistake in batchtop: {why}"),
        hint: "Choose the context again, or restart batchtop; and please report this.".to_owned(),
        exit_code: EXIT_INTERNAL,
    }
}

fn panic_words(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().map(ToString::to_string);
    words.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panicked".to_owned())
}

fn fallback(named: Vec<String>, of_context: &str) -> Vec<String> {
    if named.is_empty() && !of_context.is_empty() { vec![of_context.to_owned()] } else { named }
}

/// Kinds that paint the first screen start now; the others wait until these have been listed once.
fn start(tasks: &mut JoinSet<Closed>, context: &StreamContext, demands: Demands) {
    // Nothing is ever sent: the channel closes when every holder of the sending end has dropped it.
    let (attempt, mut attempts) = mpsc::channel::<Infallible>(1);
    let (now, later) = (CancellationToken::new(), CancellationToken::new());
    now.cancel();
    for kind in Kind::ALL {
        let is_first = kind.spec().starts_first();
        let turn = if is_first { &now } else { &later };
        let stream = Stream::new(kind, context.clone(), is_first.then(|| attempt.clone()));
        tasks.spawn(stream.run(turn.clone()));
    }
    drop(attempt);
    tasks.spawn(crd::run(context.clone(), later.clone()));
    if let Some(demand) = demands.prices {
        tasks.spawn(karpenter_metrics::run(context.clone(), later.clone(), demand));
    }
    if let Some(GpuSources { demand, choice, server }) = demands.gpus {
        tasks.spawn(gpu_exporters::run(context.clone(), later.clone(), demand.clone()));
        tasks.spawn(prometheus::run(context.clone(), later.clone(), demand, choice, server));
        tasks.spawn(node_metrics::run(context.clone(), later.clone()));
    }
    tasks.spawn(ask_identity(context.clone()));
    tasks.spawn(after(later.clone(), rights::run(context.clone())));
    let wait = context.timing.first_tier_wait;
    tasks.spawn(async move {
        // Whichever comes first: all have been listed, or enough has been waited.
        let _ = timeout(wait, attempts.recv()).await;
        later.cancel();
        std::future::pending().await
    });
}

/// Runs a task from its turn on.
async fn after(turn: CancellationToken, task: impl Future<Output = Closed>) -> Closed {
    turn.cancelled().await;
    task.await
}

async fn ask_identity(mut context: StreamContext) -> Closed {
    if let Some(client) = context.access.wait().await
        && let Some(user) = identity::user(&client, &context.timing).await
    {
        // If nobody listens, the streams end this task too.
        let _ = context.facts.tell(Fact::Identity(user)).await;
    }
    std::future::pending().await
}

/// The kubeconfig now leads to another cluster than the one that is on screen.
fn moved(place: &ClusterFacts, read: &str) -> ConnectionError {
    let what = match place.context.as_str() {
        "" => "the configuration now leads to".to_owned(),
        context => format!("the kubeconfig now points context {context} at"),
    };
    config_error(
        format!("{what} server {}; this session reads {read}", place.server),
        "Restart batchtop or choose the context again to read the new server.",
    )
}

/// Waits until the file of the token has another one; for ever without such a file.
async fn another_token(file: Option<&TokenFile>, interval: Duration) {
    let Some(file) = file else { return std::future::pending().await };
    loop {
        sleep(interval).await;
        let file = file.clone();
        if tokio::task::spawn_blocking(move || file.has_another()).await.unwrap_or(false) {
            return;
        }
    }
}

/// Makes clients: the first, and new ones when credentials expire or are refused.
struct Renewal {
    options: ConnectOptions,
    timing: Timing,
    clock: Clock,
    access: Access,
    keeper: Keeper,
    sink: Sink,
    facts: Facts,
    backoff: Backoff,
    generation: u64,
    /// The server that this session reads, once it has answered.
    read: Option<String>,
    /// The kubeconfig that came through a pipe, which gives it only once.
    from_pipe: Option<Kubeconfig>,
}

/// A kubeconfig, where there is one.
type Loaded = Result<Option<Kubeconfig>, ConnectionError>;

const ENV: Env<'static> = &|name| std::env::var(name).ok();

impl Renewal {
    /// Tries until a server answers.
    async fn first(&mut self) -> Result<Connection, Closed> {
        loop {
            let config = self.load().await;
            if let Ok(config) = &config {
                self.facts.tell(Fact::Configured(Box::new(self.place(config.as_ref())))).await?;
            }
            match self.try_first(config).await {
                Ok((connection, version)) => {
                    self.publish(&connection).await?;
                    if let Some(version) = version {
                        self.facts.tell(Fact::Version(version)).await?;
                    }
                    return Ok(connection);
                }
                Err(error) => {
                    self.sink.send(Report::Down(error)).await?;
                    sleep(self.backoff.next()).await;
                }
            }
        }
    }

    async fn load(&mut self) -> Loaded {
        if let Some(known) = &self.from_pipe {
            return Ok(Some(known.clone()));
        }
        let options = self.options.clone();
        let is_pipe = options.kubeconfig.as_deref().is_some_and(files::is_pipe);
        let loaded = blocking(move || load(&options, ENV)).await?;
        self.from_pipe = loaded.clone().filter(|_| is_pipe);
        Ok(loaded)
    }

    async fn try_first(&mut self, config: Loaded) -> Result<(Connection, Option<String>), ConnectionError> {
        let connection = self.plan(config?.as_ref())?.connect(&self.timing, ENV).await?;
        let answer = identity::version(&connection.client, &self.timing, self.access.body()).await;
        let version = answer.map_err(|failure| failure.connection_error(&connection.place.server))?;
        self.pin(&connection.place);
        Ok((connection, version))
    }

    fn plan(&self, config: Option<&Kubeconfig>) -> Result<Plan, ConnectionError> {
        plan(config, &self.options, &self.timing)
    }

    /// What is known without any server; where the choice itself is wrong, at least what there is to choose from.
    fn place(&self, config: Option<&Kubeconfig>) -> ClusterFacts {
        let choices = || ClusterFacts {
            context: self.options.context.clone().unwrap_or_default(),
            contexts: config.map(names).unwrap_or_default(),
            ..ClusterFacts::default()
        };
        self.plan(config).map_or_else(|_| choices(), |plan| plan.place)
    }

    /// From now on neither `kubectl config use-context` nor an edited kubeconfig moves this session to another cluster: its
    /// rows, and what the user is about to write, are of this one.
    fn pin(&mut self, place: &ClusterFacts) {
        self.read = Some(place.server.clone());
        if !place.context.is_empty() {
            self.options.context = Some(place.context.clone());
        }
    }

    /// Connects anew to the same server; checked before a credential plugin is run for another one.
    async fn reconnect(&mut self) -> Result<Connection, ConnectionError> {
        let config = self.load().await?;
        let plan = self.plan(config.as_ref())?;
        match &self.read {
            Some(read) if *read != plan.place.server => Err(moved(&plan.place, read)),
            _ => plan.connect(&self.timing, ENV).await,
        }
    }

    async fn publish(&mut self, connection: &Connection) -> Result<(), Closed> {
        self.generation += 1;
        let current = Current {
            client: connection.client.clone(),
            config: connection.config.clone(),
            generation: self.generation,
        };
        self.keeper.current.send_replace(Some(current));
        self.facts.tell(Fact::Connected(Box::new(connection.place.clone()))).await
    }

    /// Renews the client before its credentials expire, and when a stream reports that they were refused: certificates and
    /// tokens in the kubeconfig rotate, and plugins give new ones.
    async fn keep(mut self, first: Connection) -> Closed {
        let mut validity = first.validity.clone();
        drop(first);
        loop {
            let renewed = Instant::now();
            let due = self.until_renewal(validity.expires);
            tokio::select! {
                () = sleep(due) => {}
                () = another_token(validity.token_file.as_ref(), self.timing.token_file) => {}
                () = self.suspicion() => {}
            }
            if renewed.elapsed() > self.timing.backoff_max {
                self.backoff.reset();
            }
            match self.renew().await {
                Ok(renewed) => validity = renewed,
                Err(closed) => return closed,
            }
        }
    }

    async fn renew(&mut self) -> Result<Validity, Closed> {
        loop {
            sleep(self.backoff.next()).await;
            match self.reconnect().await {
                Ok(connection) => {
                    self.publish(&connection).await?;
                    return Ok(connection.validity);
                }
                Err(error) => self.sink.send(Report::Down(error)).await?,
            }
        }
    }

    fn until_renewal(&self, expires: Option<crate::units::Time>) -> Duration {
        /// Longer than any session.
        const NEVER: Duration = Duration::from_hours(24 * 365);
        let Some(expires) = expires else { return NEVER };
        let left = u64::try_from(expires.seconds_since((self.clock)())).unwrap_or(0);
        Duration::from_secs(left).saturating_sub(self.timing.renew_before)
    }

    /// Waits until a stream suspects the client that is in use now.
    async fn suspicion(&mut self) {
        while let Some(generation) = self.keeper.suspects.recv().await {
            if generation == self.generation {
                return;
            }
        }
        std::future::pending::<()>().await;
    }
}
