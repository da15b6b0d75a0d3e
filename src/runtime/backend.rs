//! The connection to a cluster, real or simulated.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::advisor::AdvisorFile;
use super::atomic::write_private;
use super::clock::{self, Clock};
use super::journal::Journal;
use super::prices::PriceFile;
use super::watched_file::FileWatcher;
use crate::app::{Fetched, Msg};
use crate::fleet::{
    Advisor, Demand, Epoch, GpuDemand, HistoryAnswer, HistoryQuestion, Key, Kind, LogQuestion, LogReport, ObjectChange,
    ObjectKey, PodContainer, PriceDemand, Report, UserPrices, WriteOutcome,
};
use crate::source::{aws, demo, kube};
use crate::units::Time;

/// The cluster to connect to.
pub enum Choice {
    /// A real cluster.
    Kube {
        /// Connection options, as of kubectl.
        options: Box<kube::ConnectOptions>,
        /// Namespaces to read where RBAC does not allow reading the whole cluster.
        namespaces: Vec<String>,
        /// Which Prometheus server is asked for the metrics of accelerators.
        prometheus: kube::PrometheusChoice,
        /// Whether AWS is asked for prices.
        aws: Aws,
        /// Journal of writes; `None` if the state folder is unknown.
        journal: Option<Journal>,
    },
    /// The demo: its seed, and the simulated time at which it starts.
    Demo(u64, Time),
}

/// What a connection goes by, besides whom it is to.
pub struct ConnectionSettings {
    /// Namespaces to read where RBAC does not allow reading the whole cluster.
    pub namespaces: Vec<String>,
    /// Which Prometheus server is asked for the metrics of accelerators.
    pub prometheus: kube::PrometheusChoice,
    /// Whether AWS is asked for prices.
    pub aws: Aws,
}

/// Whether AWS is asked for prices.
pub enum Aws {
    /// AWS is asked once a price is needed.
    On {
        /// Folder of the cached answers; `None` if it is unknown.
        cache: Option<PathBuf>,
        /// Whether placement scores are asked for.
        placement: aws::PlacementScores,
    },
    /// AWS is never asked.
    Off {
        /// The flag or setting that turned it off.
        by: &'static str,
    },
}

/// Files of the user that are watched while batchtop runs.
#[derive(Clone, Debug)]
pub struct UserFiles {
    /// The price file.
    pub prices: PriceFile,
    /// The file of the Spot Instance Advisor.
    pub advisor: AdvisorFile,
}

/// The chosen cluster and the current connection to it.
pub struct Backend {
    choice: Choice,
    prices: FileWatcher<UserPrices>,
    advisor: FileWatcher<Advisor>,
    runtime: Handle,
    connection: Option<Connection>,
    /// What watches the user's files.
    following: Vec<AbortHandle>,
}

struct Connection {
    cancel: CancellationToken,
    requests: Requests,
    /// Prices that are wanted of the price Sources.
    demand: watch::Sender<PriceDemand>,
    /// Exporters of accelerators that are wanted to be read.
    gpus: watch::Sender<GpuDemand>,
    /// The demand that AWS has answered; `None` in the demo.
    answered: Option<watch::Receiver<aws::AnsweredDemands>>,
}

/// Handle for single requests to the cluster of one connection; cheap to clone.
#[derive(Clone)]
pub enum Requests {
    /// To a real cluster.
    Kube(Box<kube::Access>, Option<kube::HistoryServer>, Option<Journal>),
    /// To the demo, which is not journaled.
    Demo(mpsc::Sender<demo::Request>),
}

/// Capacity of the channel of requests to the demo; senders wait when it is full.
const DEMO_REQUESTS: usize = 8;

impl Drop for Connection {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Backend {
    /// Not connected yet.
    pub fn new(choice: Choice, files: UserFiles, runtime: Handle) -> Self {
        let (prices, advisor) = (FileWatcher::new(files.prices), FileWatcher::new(files.advisor));
        Self { choice, prices, advisor, runtime, connection: None, following: Vec::new() }
    }

    /// Ends the previous connection and starts a new one, to the context of the flags if none is given.
    pub fn connect(
        &mut self,
        epoch: Epoch,
        context: Option<String>,
        sink: mpsc::Sender<(Epoch, Report)>,
        clock: Clock,
    ) {
        let cancel = CancellationToken::new();
        self.runtime.spawn(self.prices.publish(sink.clone(), epoch, cancel.clone()));
        self.runtime.spawn(self.advisor.publish(sink.clone(), epoch, cancel.clone()));
        let (demand, wanted) = watch::channel(PriceDemand::default());
        let (gpus, wanted_gpus) = watch::channel(GpuDemand::default());
        let (requests, answered) = match &self.choice {
            Choice::Kube { options, namespaces, prometheus, aws, journal } => {
                let options = match context {
                    Some(context) => options_for_context(options, context),
                    None => (**options).clone(),
                };
                let settings = aws_settings(aws, &options);
                let source = kube::KubeSource::new(options, namespaces.clone(), kube::Timing::default(), clock::now);
                let source = source.pricing(wanted.clone()).measuring(wanted_gpus, prometheus.clone());
                let requests = Requests::Kube(Box::new(source.access()), source.history(), journal.clone());
                self.runtime.spawn(source.run(sink.clone(), epoch, cancel.clone()));
                let (answers, answered) = watch::channel(aws::AnsweredDemands::default());
                let context = aws::RunContext { demand: wanted, answered: answers, sink, epoch, clock };
                self.runtime.spawn(aws::run(settings, context, cancel.clone()));
                (requests, Some(answered))
            }
            Choice::Demo(seed, start) => {
                let (ask, asked) = mpsc::channel(DEMO_REQUESTS);
                let settings = demo::Settings { seed: *seed, start: *start, epoch };
                self.runtime.spawn(demo::run(settings, move || clock(), asked, sink, cancel.clone()));
                (Requests::Demo(ask), None)
            }
        };
        self.connection = Some(Connection { cancel, requests, demand, gpus, answered });
    }

    /// What connections that begin from now on go by. The demo has nothing of it but its files, which are its own.
    pub fn configure(&mut self, settings: ConnectionSettings, files: &UserFiles) {
        let Choice::Kube { namespaces, prometheus, aws, .. } = &mut self.choice else { return };
        (*namespaces, *prometheus, *aws) = (settings.namespaces, settings.prometheus, settings.aws);
        if files.prices.places() != self.prices.places() {
            self.prices = FileWatcher::new(files.prices.clone());
        }
        if files.advisor.places() != self.advisor.places() {
            self.advisor = FileWatcher::new(files.advisor.clone());
        }
    }

    /// Hands a new demand to the Sources outside of the watches. The demo ignores it and reports all that it has.
    pub fn demand(&self, demand: Demand) {
        if let Some(connection) = &self.connection {
            demand.prices.map(|prices| connection.demand.send_replace(prices));
            demand.gpus.map(|gpus| connection.gpus.send_replace(gpus));
        }
    }

    /// Whether AWS has answered the last demand, or has failed and waits to retry. Its reports are then in the channel,
    /// or have been received already.
    pub fn has_aws_answered(&self) -> bool {
        let Some(Connection { demand, answered: Some(answered), .. }) = &self.connection else { return true };
        answered.borrow().covers(&demand.borrow())
    }

    /// Changes whenever [`Self::has_aws_answered`] may have changed; `None` if AWS is not asked.
    pub fn aws_news(&self) -> Option<watch::Receiver<aws::AnsweredDemands>> {
        self.connection.as_ref()?.answered.clone()
    }

    /// Starts to watch the user's files, in place of those that were watched before: what is new goes to every connection,
    /// notices for the user to `notices`.
    pub fn follow_files(&mut self, notices: mpsc::Sender<Msg>) {
        let prices = self.runtime.spawn(self.prices.follow(notices.clone()));
        let advisor = self.runtime.spawn(self.advisor.follow(notices));
        let before = std::mem::replace(&mut self.following, vec![prices.abort_handle(), advisor.abort_handle()]);
        before.iter().for_each(AbortHandle::abort);
    }

    /// Handle for requests; `None` before [`Self::connect`].
    pub fn requests(&self) -> Option<Requests> {
        self.connection.as_ref().map(|connection| connection.requests.clone())
    }
}

fn aws_settings(aws: &Aws, options: &kube::ConnectOptions) -> aws::Settings {
    match aws {
        Aws::Off { by } => aws::Settings::Off { by },
        Aws::On { cache, placement } => {
            let (options, write) = (options.clone(), write_private as aws::Write);
            let cluster: aws::ClusterNames = Arc::new(move || kube::names_of_cluster(&options));
            let cache = cache.clone().map(|folder| (folder, write));
            aws::Settings::On { cache, cluster, placement: placement.clone() }
        }
    }
}

/// Options for a context that the user picked: flags that name another cluster or user are dropped.
fn options_for_context(flags: &kube::ConnectOptions, context: String) -> kube::ConnectOptions {
    kube::ConnectOptions {
        context: Some(context),
        kubeconfig: flags.kubeconfig.clone(),
        impersonate: flags.impersonate.clone(),
        impersonate_groups: flags.impersonate_groups.clone(),
        impersonate_uid: flags.impersonate_uid.clone(),
        request_timeout: flags.request_timeout,
        plugin_launcher: flags.plugin_launcher.clone(),
        ..kube::ConnectOptions::default()
    }
}

impl Requests {
    /// The journal of writes; `None` in the demo.
    ///
    /// # Errors
    /// When the state folder is unknown, so that a write could not be recorded.
    pub fn journal(&self) -> Result<Option<&Journal>, String> {
        match self {
            Self::Kube(_, _, Some(journal)) => Ok(Some(journal)),
            Self::Kube(_, _, None) => Err("no state folder is known; set $HOME or $XDG_STATE_HOME".into()),
            Self::Demo(_) => Ok(None),
        }
    }

    /// Makes one change.
    pub async fn write(&self, change: &ObjectChange) -> WriteOutcome {
        match self {
            Self::Demo(ask) => ask_demo(ask, |reply| demo::Request::Write(change.clone(), reply)).await,
            Self::Kube(access, ..) => match access.client().await {
                Some(client) => Ok(kube::write(&client, change, access.timing()).await),
                None => Err(NOT_CONNECTED.to_string()),
            },
        }
        .unwrap_or_else(|message| WriteOutcome::Unanswered { message })
    }

    /// Reads one object.
    pub async fn fetch(&self, key: &Key) -> Result<Fetched, String> {
        let fetched = match self {
            Self::Demo(ask) => {
                let object = ask_demo(ask, |reply| demo::Request::Fetch(key.clone(), reply)).await?;
                kube::read(object.ok_or("it is gone")?.to_string().as_bytes())
            }
            Self::Kube(access, ..) => {
                let client = access.client().await.ok_or(NOT_CONNECTED)?;
                kube::fetch(&client, key, access.timing()).await
            }
        };
        let object = fetched.map_err(|error| error.to_string())?;
        Ok(Fetched { annotations: object.annotations, yaml: object.yaml })
    }
}

impl Requests {
    /// Reads the containers of a pod.
    pub async fn containers(&self, pod: &ObjectKey) -> Result<Vec<PodContainer>, String> {
        let containers = match self {
            Self::Demo(ask) => {
                let key = Key::new(Kind::Pod, pod.clone());
                let object = ask_demo(ask, |reply| demo::Request::Fetch(key, reply)).await?;
                kube::read_containers(object.ok_or("it is gone")?.to_string().as_bytes())
            }
            Self::Kube(access, ..) => {
                let client = access.client().await.ok_or(NOT_CONNECTED)?;
                kube::containers(&client, pod, access.timing()).await
            }
        };
        containers.map_err(|error| error.to_string())
    }

    /// Tells the lines of a log until it ends or nobody listens.
    pub async fn follow_log(&self, question: LogQuestion, tell: mpsc::Sender<LogReport>) {
        match self {
            Self::Kube(access, ..) => kube::follow_log((**access).clone(), question, tell).await,
            // A demo that has ended has nothing to tell.
            Self::Demo(ask) => drop(ask.send(demo::Request::Log(question, tell)).await),
        }
    }

    /// Asks a Prometheus server of the past of accelerators; `None` where none is known. The demo has none.
    pub async fn history(&self, question: HistoryQuestion) -> Result<Option<HistoryAnswer>, String> {
        match self {
            Self::Kube(access, Some(history), _) => history.ask(access, question).await,
            Self::Kube(_, None, _) | Self::Demo(_) => Ok(None),
        }
    }
}

const NOT_CONNECTED: &str = "not connected to the cluster yet";

async fn ask_demo<T>(
    ask: &mpsc::Sender<demo::Request>,
    request: impl FnOnce(oneshot::Sender<T>) -> demo::Request,
) -> Result<T, String> {
    let (reply, answer) = oneshot::channel();
    let ended = || "the demo has ended".to_string();
    ask.send(request(reply)).await.map_err(|_| ended())?;
    answer.await.map_err(|_| ended())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picked_context_is_not_mixed_with_flags_for_another_cluster() {
        let flags = kube::ConnectOptions {
            server: Some("https://a".into()),
            token: Some("secret".into()),
            user: Some("a".into()),
            cluster: Some("a".into()),
            certificate_authority: Some("a.crt".into()),
            insecure_skip_tls_verify: true,
            impersonate: Some("me".into()),
            plugin_launcher: vec!["own".into()],
            ..kube::ConnectOptions::default()
        };
        let picked = options_for_context(&flags, "b".into());
        assert_eq!((picked.context.as_deref(), picked.impersonate.as_deref()), (Some("b"), Some("me")));
        assert_eq!(picked.plugin_launcher, ["own"]);
        assert!(picked.server.is_none() && picked.token.is_none() && picked.user.is_none());
        assert!(picked.cluster.is_none() && picked.certificate_authority.is_none() && !picked.insecure_skip_tls_verify);
    }
}
