//! The client that only downloads and discards: the least that any client on `kube` can do.
//!
//! The same [`Client`] and the same requests as batchtop's: pages of 500, zipped, one after the other within a kind,
//! Nodes and claims before the rest. Bodies are unzipped and their JSON is skipped. It is a process of its own, so that
//! its processor time is its own.

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use http::{Request, header};
use http_body_util::BodyExt;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::bed::{Context, Failure, Result};
use crate::process;

const ARGUMENT: &str = "--discard";

/// As many as batchtop has.
const WORKER_THREADS: usize = 2;

const CONNECT: Duration = Duration::from_secs(10);

const JSON: &str = "application/json";
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

/// What batchtop lists first, and what it lists then.
const TIERS: [&[(&str, &str)]; 2] = [
    &[
        ("/api/v1/nodes?limit=500", JSON),
        ("/apis/karpenter.sh/v1/nodeclaims?limit=500", JSON),
        ("/apis/karpenter.sh/v1/nodepools?limit=500", JSON),
    ],
    &[
        ("/api/v1/pods?limit=500", JSON),
        ("/apis/batch/v1/jobs?limit=500", JSON),
        ("/apis/policy/v1/poddisruptionbudgets?limit=500", JSON),
        ("/api/v1/events?limit=500", JSON),
        ("/apis/batch/v1/cronjobs?limit=500", JSON),
        ("/apis/apps/v1/replicasets?limit=500", METADATA),
        ("/api/v1/namespaces?limit=500", JSON),
        ("/apis/karpenter.sh/v1alpha1/nodeoverlays?limit=500", JSON),
        ("/apis/karpenter.k8s.aws/v1/ec2nodeclasses?limit=500", JSON),
        ("/apis/eks.amazonaws.com/v1/nodeclasses?limit=500", JSON),
        ("/apis/apps/v1/deployments?limit=500&labelSelector=app.kubernetes.io%2Fname%3Dkarpenter", JSON),
    ],
];

/// What it took.
#[derive(Clone, Copy)]
pub struct Discarded {
    /// From starting the process to its end.
    pub wall: Duration,
    /// Of the process.
    pub processor: Duration,
}

/// Runs the client against the server of a kubeconfig.
pub fn run(kubeconfig: &Path) -> Result<Discarded> {
    let program = std::env::current_exe().context("finding this executable")?;
    let began = Instant::now();
    let output = Command::new(program)
        .arg(ARGUMENT)
        .arg(kubeconfig)
        .stderr(Stdio::inherit())
        .output()
        .context("starting the discarding client")?;
    let wall = began.elapsed();
    let millis = String::from_utf8_lossy(&output.stdout).trim().parse().context("the discarding client failed")?;
    Ok(Discarded { wall, processor: Duration::from_millis(millis) })
}

/// `Some`: this process was started to be the client, and has done so.
pub fn run_if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    let kubeconfig = arguments.next()?;
    Some(match client(Path::new(&kubeconfig)) {
        Ok(processor) => {
            let _ = writeln!(std::io::stdout(), "{}", processor.as_millis());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            crate::say(&failure.to_string());
            ExitCode::FAILURE
        }
    })
}

/// Lists everything and says how much processor time this process has used.
fn client(kubeconfig: &Path) -> Result<Duration> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(WORKER_THREADS).enable_all().build().context("starting a runtime")?;
    runtime.block_on(async {
        let client = connect(kubeconfig).await?;
        for tier in TIERS {
            let lists = tier.iter().map(|(path, accept)| tokio::spawn(list(client.clone(), path, accept)));
            for listed in try_join_all(lists).await.context("listing")? {
                listed?;
            }
        }
        process::processor(std::process::id())
    })
}

async fn connect(kubeconfig: &Path) -> Result<Client> {
    let file = Kubeconfig::read_from(kubeconfig).context(kubeconfig.display())?;
    let mut config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.context("kubeconfig")?;
    config.proxy_url = None;
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = None;
    Client::try_from(config).context("client")
}

#[derive(Deserialize)]
struct Page {
    metadata: ListMeta,
    #[serde(rename = "items")]
    _items: IgnoredAny,
}

#[derive(Deserialize)]
struct ListMeta {
    #[serde(default, rename = "continue")]
    next: String,
}

async fn list(client: Client, path: &str, accept: &str) -> Result<()> {
    let (mut body, mut token) = (Vec::new(), String::new());
    loop {
        let page = if token.is_empty() { path.to_owned() } else { format!("{path}&continue={token}") };
        if !fetch(&client, &page, accept, &mut body).await? {
            return Ok(());
        }
        let page: Page = serde_json::from_slice(&body).context(path)?;
        if page.metadata.next.is_empty() {
            return Ok(());
        }
        token = page.metadata.next;
    }
}

/// Reads a page; `false` where there is no such API.
async fn fetch(client: &Client, path: &str, accept: &str, buffer: &mut Vec<u8>) -> Result<bool> {
    let request = Request::get(path).header(header::ACCEPT, accept).body(Body::empty()).context(path)?;
    let response = client.send(request).await.context(path)?;
    if response.status() == http::StatusCode::NOT_FOUND {
        return Ok(false);
    }
    if !response.status().is_success() {
        return Err(Failure::new(format!("{path}: {}", response.status())));
    }
    buffer.clear();
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.context(path)?.into_data() {
            buffer.extend_from_slice(&data);
        }
    }
    Ok(true)
}
