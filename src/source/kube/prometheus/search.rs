//! Asking a Prometheus server, and finding one.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::watch;

use super::services;
use crate::fleet::{DeviceReading, GpuDemand, GpuFailure, ObjectKey, ServiceAddress, Sym};
use crate::source::exporters::{self, Division, Places};
use crate::source::kube::bodies::Body;
use crate::source::kube::proxied::{Miss, fetch};
use crate::source::kube::resource;
use crate::source::kube::stream::StreamContext;

/// How large an answer may be. One of 500 Nodes with eight GPUs each has 20 MB; what is larger is asked for in parts.
const MAX_ANSWER_BYTES: usize = 32 << 20;

/// How large a list of Services may be.
const MAX_LIST_BYTES: usize = 2 << 20;

/// How many Services may say nothing until the search ends: each takes as long as an answer may.
const MOST_SILENT: usize = 2;

/// The Nodes of which it is asked, each with the pod of its exporter.
pub(super) type Wanted = BTreeMap<Sym, Option<ObjectKey>>;

/// What a server told.
pub(super) struct Told {
    pub(super) server: ServiceAddress,
    /// The Nodes of which it was asked: those that were wanted when the answer came.
    pub(super) wanted: Wanted,
    pub(super) devices: BTreeMap<Sym, Vec<DeviceReading>>,
    /// In how many answers it told that.
    pub(super) division: Division,
}

/// Why no server told anything, in one sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Missed {
    /// The API server does not let batchtop ask.
    Forbidden(String),
    /// There is none.
    Absent,
    /// One did not answer, or with nothing that can be read.
    Failed(String),
}

impl Missed {
    /// Of the server that was asked.
    pub(super) fn of(server: &ServiceAddress, miss: &Miss) -> Self {
        let words = miss.words();
        match miss {
            Miss::Forbidden(_) => Self::Forbidden(format!(
                "may not get services/proxy in namespace {}: {words}",
                server.service.namespace
            )),
            Miss::Absent(_) | Miss::Late(_) | Miss::Busy(..) | Miss::Large(_) | Miss::Other(_) => {
                Self::Failed(format!("{server}: {words}"))
            }
        }
    }

    pub(super) fn words(&self) -> &str {
        match self {
            Self::Forbidden(words) | Self::Failed(words) => words,
            Self::Absent => {
                "no Prometheus server was found by the labels and names that its Service usually has; prometheus.service in \
                 config.toml names one"
            }
        }
    }

    pub(super) fn failure(&self) -> GpuFailure {
        let words = Sym::new(self.words());
        match self {
            Self::Forbidden(_) => GpuFailure::Forbidden(words),
            Self::Absent | Self::Failed(_) => GpuFailure::Failed(words),
        }
    }
}

/// Asks one server in so many parts as it was asked before.
pub(super) async fn ask(
    context: &StreamContext,
    demand: &watch::Receiver<GpuDemand>,
    server: &ServiceAddress,
    division: Division,
) -> Result<Told, Missed> {
    query(context, demand, server, division).await.map_err(|miss| Missed::of(server, &miss))
}

/// Asks for the whole, and in parts where that is too large.
async fn query(
    context: &StreamContext,
    demand: &watch::Receiver<GpuDemand>,
    server: &ServiceAddress,
    division: Division,
) -> Result<Told, Miss> {
    match query_parts(context, demand, server, division).await {
        Err(Miss::Large(_)) if division == Division::Whole => {
            query_parts(context, demand, server, Division::ByUuid).await
        }
        told => told,
    }
}

/// One part after the other, so that the answers of no two are held at a time.
async fn query_parts(
    context: &StreamContext,
    demand: &watch::Receiver<GpuDemand>,
    server: &ServiceAddress,
    division: Division,
) -> Result<Told, Miss> {
    let (mut wanted, mut devices) = (Wanted::new(), BTreeMap::new());
    for query in exporters::queries(division) {
        let path = format!("{}/api/v1/query?query={}", server.proxy_path(), resource::escape(&query));
        let body = fetch(context, &path, "application/json", MAX_ANSWER_BYTES).await?;
        // The answer is of all Nodes, also of those that have come to be wanted since it was asked for.
        let wanted_now = demand.borrow().prometheus.clone();
        let more = read(body, places(&wanted_now)).await.map_err(Miss::Other)?;
        exporters::add_answer(&mut devices, more);
        // Of a Node that is wanted only since the second part, too little is known yet.
        if wanted.is_empty() {
            wanted = wanted_now;
        }
    }
    devices.retain(|node, _| wanted.contains_key(node));
    Ok(Told { server: server.clone(), wanted, devices, division })
}

fn places(wanted: &Wanted) -> Places {
    let pods = wanted.iter().filter_map(|(node, pod)| Some((pod.clone()?, node.clone())));
    Places { exporters: pods.collect(), nodes: wanted.keys().cloned().collect() }
}

/// Megabytes take too long for a thread on which others wait.
async fn read(body: Body, places: Places) -> Result<BTreeMap<Sym, Vec<DeviceReading>>, String> {
    let read = tokio::task::spawn_blocking(move || exporters::read_answer(&body, &places)).await;
    read.map_err(|ended| ended.to_string())?.map_err(|unreadable| unreadable.to_string())
}

/// Asks one server after the other that may be there, until one tells of a Node that is wanted. If none does, the first that
/// answered at all.
pub(super) async fn search(context: &StreamContext, demand: &watch::Receiver<GpuDemand>) -> Result<Told, Missed> {
    let mut search = Search::default();
    let mut tried = BTreeSet::new();
    let listed = list(context).await;
    let usual = services::usual(&demand.borrow());
    for server in listed.into_iter().chain(usual) {
        let is_new = tried.insert((server.service.clone(), server.port.clone()));
        if !is_new || search.leaves_out(&server) {
            continue;
        }
        match query(context, demand, &server, Division::Whole).await {
            Ok(told) if !told.devices.is_empty() => return Ok(told),
            Ok(told) => drop(search.silent_of_nodes.get_or_insert(told)),
            Err(miss) => search.note(&server, &miss),
        }
    }
    search.end()
}

/// The Services with usual labels, as far as they may be listed.
async fn list(context: &StreamContext) -> Vec<ServiceAddress> {
    let mut found = Vec::new();
    for path in services::lists() {
        // Who may not list them may still know them by name.
        let Ok(body) = fetch(context, &path, "application/json", MAX_LIST_BYTES).await else { continue };
        found.extend(services::listed(&body).unwrap_or_default());
    }
    found
}

/// What has been found out so far.
#[derive(Default)]
struct Search {
    /// A server that answered, and told of no Node that is wanted.
    silent_of_nodes: Option<Told>,
    refusal: Option<Missed>,
    failure: Option<Missed>,
    /// Namespaces in which nothing may be asked.
    refused: BTreeSet<Sym>,
    late: usize,
}

impl Search {
    /// A refusal most likely holds for all Services of a namespace, and what says nothing takes long.
    fn leaves_out(&self, server: &ServiceAddress) -> bool {
        self.refused.contains(&server.service.namespace) || self.late >= MOST_SILENT
    }

    fn note(&mut self, server: &ServiceAddress, miss: &Miss) {
        match miss {
            Miss::Absent(_) => {}
            Miss::Forbidden(_) => {
                self.refused.insert(server.service.namespace.clone());
                self.refusal.get_or_insert_with(|| Missed::of(server, miss));
            }
            Miss::Late(_) | Miss::Busy(..) | Miss::Large(_) | Miss::Other(_) => {
                self.late += usize::from(matches!(miss, Miss::Late(_)));
                self.failure.get_or_insert_with(|| Missed::of(server, miss));
            }
        }
    }

    fn end(self) -> Result<Told, Missed> {
        self.silent_of_nodes.ok_or_else(|| self.failure.or(self.refusal).unwrap_or(Missed::Absent))
    }
}
