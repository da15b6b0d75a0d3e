//! The client that only downloads JSON and discards it: the least that a usual client on `kube` can do.
//!
//! The same [`Client`] and the same requests as batchtop's, but for JSON in place of protobuf: pages of 500, zipped, one after
//! the other within a kind, Nodes and claims before the rest. Bodies are unzipped and their JSON is skipped. It is a process
//! of its own, so that its processor time is its own.

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use batchtop::fleet::Kind;
use batchtop::source::kube::first_page;
use futures::future::try_join_all;
use http::{Request, header};
use http_body_util::BodyExt;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::bed::{Context, Failure, Result};
use crate::figures::Discarding;
use crate::process;

const ARGUMENT: &str = "--discard";

/// As many as batchtop has.
const WORKER_THREADS: usize = 2;

const CONNECT: Duration = Duration::from_secs(10);

/// Runs the client against the server of a kubeconfig.
pub fn run(kubeconfig: &Path) -> Result<Discarding> {
    let program = std::env::current_exe().context("finding this executable")?;
    let began = Instant::now();
    let output = Command::new(program)
        .arg(ARGUMENT)
        .arg(kubeconfig)
        .stderr(Stdio::inherit())
        .output()
        .context("starting the discarding client")?;
    let seconds = began.elapsed().as_secs_f64();
    let processor = String::from_utf8_lossy(&output.stdout).trim().parse();
    Ok(Discarding { seconds, processor_seconds: processor.context("the discarding client failed")? })
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
            let _ = writeln!(std::io::stdout(), "{}", processor.as_secs_f64());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            crate::say(&failure.to_string());
            ExitCode::FAILURE
        }
    })
}

/// Lists everything; returns the processor time that this process has used.
fn client(kubeconfig: &Path) -> Result<Duration> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(WORKER_THREADS).enable_all().build().context("starting a runtime")?;
    runtime.block_on(async {
        let client = connect(kubeconfig).await?;
        let (first, later): (Vec<Kind>, Vec<Kind>) = Kind::ALL.into_iter().partition(|kind| kind.spec().starts_first());
        for kinds in [first, later] {
            let lists = kinds.into_iter().map(|kind| tokio::spawn(list(client.clone(), kind)));
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

async fn list(client: Client, kind: Kind) -> Result<()> {
    let (path, accept) = first_page(kind);
    let (mut body, mut token) = (Vec::new(), String::new());
    loop {
        let page = if token.is_empty() { path.clone() } else { format!("{path}&continue={token}") };
        if !fetch(&client, &page, accept, &mut body).await? {
            return Ok(());
        }
        let page: Page = serde_json::from_slice(&body).context(&path)?;
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
