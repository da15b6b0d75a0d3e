//! What it takes to read what 40,000 accelerators of 5,000 Nodes do, through a fake API server of a process of its own: from
//! the exporters of the Nodes, and from a Prometheus server.
//!
//! ```console
//! cargo bench --bench gpus
//! ```
//!
//! Prints tables in Markdown: how fast a page is read, how long one round over all Nodes takes, how much processor time it
//! costs, and how many bytes the readings take on the heap.

#[path = "../../tests/fake_api/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    unused_qualifications,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "it is of the tests, which use more of it"
)]
mod fake_api;

use std::alloc::System;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write, stdin, stdout};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use batchtop::app::{App, Effect, Msg, Settings, settle, update};
use batchtop::fleet::{Epoch, ExporterKind, GpuDemand, Report};
use batchtop::source::exporters::{self, Division};
use batchtop::source::kube::{ConnectOptions, KubeSource, PrometheusChoice, Timing};
use batchtop::units::Time;
use cap::Cap;
use fake_api::FakeApi;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

const NODES: usize = 5_000;
const DEVICES_PER_NODE: usize = 8;

/// In place of any other argument: be the server. The next argument says who tells of accelerators.
const SERVE: &str = "serve";

/// Who tells of accelerators.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Teller {
    /// The exporter of each Node.
    Exporters,
    /// One Prometheus server.
    Prometheus,
}

impl Teller {
    const ALL: [Self; 2] = [Self::Exporters, Self::Prometheus];

    const fn name(self) -> &'static str {
        match self {
            Self::Exporters => "exporters",
            Self::Prometheus => "Prometheus",
        }
    }
}

/// Bytes of one.
const MIB: f64 = 1_048_576.0;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [serve, name] = arguments.as_slice()
        && serve == SERVE
    {
        let teller = Teller::ALL.into_iter().find(|teller| teller.name() == name).ok_or("no teller of this name")?;
        return runtime.block_on(self::serve(teller));
    }
    say("| what | figure |\n|---|---:|");
    parse()?;
    Teller::ALL.into_iter().try_for_each(|teller| round(&runtime, teller))
}

/// One round over all Nodes.
fn round(runtime: &tokio::runtime::Runtime, teller: Teller) -> Outcome<()> {
    let mut command = Command::new(std::env::current_exe()?);
    let mut server = command.args([SERVE, teller.name()]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut url = String::new();
    BufReader::new(server.stdout.take().ok_or("no output")?).read_line(&mut url)?;
    say(&format!("\n| {} | figure |\n|---|---:|", teller.name()));
    let measured = runtime.block_on(measure(url.trim(), teller));
    // Its standard input closes with it, which ends the server.
    drop(server.stdin.take());
    server.wait()?;
    measured
}

/// The page of one Node, as dcgm-exporter writes it with its usual counters.
fn page(node: usize) -> String {
    const METRICS: [&str; 20] = [
        "DCGM_FI_DEV_SM_CLOCK",
        "DCGM_FI_DEV_MEM_CLOCK",
        "DCGM_FI_DEV_MEMORY_TEMP",
        "DCGM_FI_DEV_GPU_TEMP",
        "DCGM_FI_DEV_POWER_USAGE",
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
        "DCGM_FI_DEV_PCIE_REPLAY_COUNTER",
        "DCGM_FI_DEV_GPU_UTIL",
        "DCGM_FI_DEV_MEM_COPY_UTIL",
        "DCGM_FI_DEV_ENC_UTIL",
        "DCGM_FI_DEV_DEC_UTIL",
        "DCGM_FI_DEV_XID_ERRORS",
        "DCGM_FI_DEV_FB_FREE",
        "DCGM_FI_DEV_FB_USED",
        "DCGM_FI_DEV_FB_RESERVED",
        "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL",
        "DCGM_FI_DEV_VGPU_LICENSE_STATUS",
        "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
        "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE",
        "DCGM_FI_PROF_DRAM_ACTIVE",
    ];
    let mut text = String::new();
    for metric in METRICS {
        let _ = writeln!(text, "# HELP {metric} Some words about it.\n# TYPE {metric} gauge");
        for device in 0..DEVICES_PER_NODE {
            let value = if metric.starts_with("DCGM_FI_PROF") { "0.914" } else { "41" };
            let _ = writeln!(
                text,
                "{metric}{{gpu=\"{device}\",UUID=\"GPU-{:08x}-0000-4000-8000-{device:012x}\",\
                 pci_bus_id=\"00000000:{device:02X}:00.0\",device=\"nvidia{device}\",modelName=\"NVIDIA H100 80GB HBM3\",\
                 Hostname=\"node-{node}\",DCGM_FI_DRIVER_VERSION=\"580.126.09\",container=\"trainer\",namespace=\"ml\",\
                 pod=\"train-{node}\"}} {value}",
                scattered(node * DEVICES_PER_NODE + device),
            );
        }
    }
    text
}

/// A number whose first digits are as random as those of a UUID.
fn scattered(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(0).wrapping_mul(0x9E37_79B1)
}

/// The answers of a Prometheus server that has scraped all pages, by query: the whole, which is too large, and the parts.
fn answers() -> BTreeMap<String, String> {
    let mut parts: BTreeMap<char, Vec<String>> = BTreeMap::new();
    for node in 0..NODES {
        for line in page(node).lines().filter(|line| !line.starts_with('#')) {
            let Some(series) = scraped(node, line) else { continue };
            let digit = line.split_once("UUID=\"GPU-").and_then(|(_, rest)| rest.chars().next()).unwrap_or('-');
            parts.entry(digit).or_default().push(series);
        }
    }
    let answer = |series: &[String]| {
        let series = series.join(",");
        format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#)
    };
    let query_of = |digit: char| {
        let is_of = |query: &String| query.contains(&format!("?{digit}.*"));
        exporters::queries(Division::ByUuid).into_iter().find(is_of)
    };
    let mut answers: BTreeMap<String, String> =
        parts.iter().filter_map(|(digit, series)| Some((query_of(*digit)?, answer(series)))).collect();
    for query in exporters::queries(Division::ByUuid) {
        answers.entry(query).or_insert_with(|| answer(&[]));
    }
    let whole: Vec<String> = parts.into_values().flatten().collect();
    answers.extend(exporters::queries(Division::Whole).into_iter().map(|query| (query, answer(&whole))));
    answers
}

/// A line of a page as a Prometheus server answers it, with the labels that its operator adds; `None` where its metric is
/// not asked for.
fn scraped(node: usize, line: &str) -> Option<String> {
    let (name, rest) = line.split_once('{').filter(|(name, _)| is_asked_for(name))?;
    let (labels, value) = rest.rsplit_once("} ")?;
    let pairs = labels.split("\",").map(|pair| pair.trim_end_matches('"').split_once("=\""));
    let of_pod = ["container", "namespace", "pod"];
    let label = |(key, value): (&str, &str)| {
        let exported = if of_pod.contains(&key) { "exported_" } else { "" };
        format!(r#""{exported}{key}":"{value}""#)
    };
    let labels: Vec<String> = pairs.flatten().map(label).collect();
    Some(format!(
        r#"{{"metric":{{"__name__":"{name}",{},"container":"nvidia-dcgm-exporter","endpoint":"gpu-metrics","instance":"10.0.{}.{}:9400","job":"nvidia-dcgm-exporter","namespace":"gpu-operator","node":"node-{node}","pod":"nvidia-dcgm-exporter-{node:05}","service":"nvidia-dcgm-exporter"}},"value":[1795000000.123,"{value}"]}}"#,
        labels.join(","),
        node >> 8,
        node & 255,
    ))
}

fn is_asked_for(metric: &str) -> bool {
    let names = exporters::queries(Division::Whole).concat();
    names.split(['"', '|']).any(|known| known == metric)
}

fn object(name: &str, namespace: Option<&str>, labels: &str, rest: &str) -> String {
    let namespace = namespace.map_or_else(String::new, |namespace| format!(r#","namespace":"{namespace}""#));
    format!(
        r#"{{"metadata":{{"name":"{name}"{namespace},"uid":"uid-{name}","resourceVersion":"@RV@","labels":{{{labels}}},"creationTimestamp":"2026-11-21T10:00:00Z"}},{rest}}}"#
    )
}

/// A server with all Nodes, a pod on each that holds its devices, and who tells of these, until standard input ends.
async fn serve(teller: Teller) -> Outcome<()> {
    let api = FakeApi::start().await;
    {
        let mut state = api.state();
        for node in 0..NODES {
            let capacity = format!(r#"{{"cpu":"192","memory":"2Ti","nvidia.com/gpu":"{DEVICES_PER_NODE}"}}"#);
            let status = format!(r#""spec":{{}},"status":{{"capacity":{capacity},"allocatable":{capacity}}}"#);
            state.put("/api/v1/nodes", &format!("node-{node}"), &object(&format!("node-{node}"), None, "", &status));
            let exporter = format!(
                r#""spec":{{"nodeName":"node-{node}","containers":[{{"name":"c"}}]}},"status":{{"phase":"Running","startTime":"2026-11-21T10:00:00Z"}}"#
            );
            if teller == Teller::Exporters {
                let name = format!("dcgm-{node:05}");
                let labels = r#""app":"nvidia-dcgm-exporter""#;
                state.put("/api/v1/pods", &format!("gpu/{name}"), &object(&name, Some("gpu"), labels, &exporter));
                let path = format!("/api/v1/namespaces/gpu/pods/dcgm-{node:05}:9400/proxy/metrics");
                state.pages.insert(path, page(node));
            }
            let requests = format!(r#"{{"requests":{{"nvidia.com/gpu":"{DEVICES_PER_NODE}"}}}}"#);
            let train = exporter.replace(r#""name":"c""#, &format!(r#""name":"trainer","resources":{requests}"#));
            let name = format!("train-{node}");
            state.put("/api/v1/pods", &format!("ml/{name}"), &object(&name, Some("ml"), "", &train));
        }
        if teller == Teller::Prometheus {
            let path = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query";
            let answers = answers().into_iter().map(|(query, answer)| (format!("{path}?{query}"), answer));
            state.pages.extend(answers);
        }
    }
    say(&api.url());
    tokio::task::spawn_blocking(|| drop(stdin().read_to_end(&mut Vec::new()))).await?;
    Ok(())
}

/// How fast pages are read, without any network.
fn parse() -> Outcome<()> {
    const ROUNDS: usize = 500;
    let page = page(7);
    let begin = Instant::now();
    for _ in 0..ROUNDS {
        let read = exporters::read(ExporterKind::Dcgm, page.as_bytes())?;
        assert_eq!(read.devices.len(), DEVICES_PER_NODE, "every device is read");
    }
    let seconds = begin.elapsed().as_secs_f64();
    let megabytes = (page.len() * ROUNDS) as f64 / 1e6;
    row("pages read, MB/s", &format!("{:.0}", megabytes / seconds));
    row("a page of 8 devices, KiB", &(page.len() >> 10).to_string());
    Ok(())
}

async fn measure(url: &str, teller: Teller) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let kubeconfig = folder.path().join("config");
    let text = format!(
        "current-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: '{url}'}}}}]\nusers: [{{name: u, user: {{}}}}]\n"
    );
    fs::write(&kubeconfig, text)?;
    let options = ConnectOptions { kubeconfig: Some(kubeconfig), ..ConnectOptions::default() };
    let (demand, wanted) = watch::channel(GpuDemand::default());
    let prometheus = match teller {
        Teller::Exporters => PrometheusChoice::Off { by: "the benchmark" },
        Teller::Prometheus => PrometheusChoice::Named("monitoring/prometheus:9090".parse().map_err(|()| "no Service")?),
    };
    let source = KubeSource::new(options, Vec::new(), Timing::default(), now).measuring(wanted, prometheus);
    let (sink, mut reports) = mpsc::channel(64);
    let cancel = CancellationToken::new();
    let running = tokio::spawn(source.run(sink, Epoch(0), cancel.clone()));
    let mut app = App::new(Settings::default(), now());
    let mut follower = Follower { app: &mut app, demand, round: None };
    let measured = follower.until_answered(&mut reports).await;
    cancel.cancel();
    running.await?;
    measured
}

/// The App, fed with what the Source tells, and the Source, told what the App wants.
struct Follower<'a> {
    app: &'a mut App,
    demand: watch::Sender<GpuDemand>,
    round: Option<Begin>,
}

/// What was the case when the first exporter was asked for.
struct Begin {
    at: Instant,
    processor: Duration,
    heap: usize,
}

impl Follower<'_> {
    async fn until_answered(&mut self, reports: &mut mpsc::Receiver<(Epoch, Report)>) -> Outcome<()> {
        let mut clock = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                Some((epoch, report)) = reports.recv() => self.tell(Msg::Source(epoch, report))?,
                _ = clock.tick() => self.tell(Msg::Clock(now()))?,
            }
            let Some(begin) = &self.round else { continue };
            if self.app.insights.gpus.have_answered(&self.app.inputs()) {
                let (seconds, used) = (begin.at.elapsed().as_secs_f64(), processor()?.saturating_sub(begin.processor));
                self.tell(Msg::Clock(now()))?;
                let begin = self.round.as_ref().map_or(0, |begin| begin.heap);
                row("one round over 5,000 Nodes, s", &format!("{seconds:.1}"));
                row("processor of it, s", &format!("{:.2}", used.as_secs_f64()));
                row("heap on top, MiB", &format!("{:.1}", HEAP.allocated().saturating_sub(begin) as f64 / MIB));
                let (heap, again) = (HEAP.allocated(), Instant::now());
                self.tell(Msg::Clock(now().plus_seconds(60)))?;
                row("all classes anew, ms", &format!("{:.1}", again.elapsed().as_secs_f64() * 1e3));
                row("heap after that, MiB more", &format!("{:.1}", HEAP.allocated().saturating_sub(heap) as f64 / MIB));
                return Ok(());
            }
        }
    }

    fn tell(&mut self, msg: Msg) -> Outcome<()> {
        let effects = update(self.app, msg);
        for effect in effects.into_iter().chain(settle(self.app)) {
            let Effect::Demand(demand) = effect else { continue };
            let Some(gpus) = demand.gpus else { continue };
            if self.round.is_none() && gpus.exporters.len().max(gpus.prometheus.len()) == NODES {
                self.round = Some(Begin { at: Instant::now(), processor: processor()?, heap: HEAP.allocated() });
            }
            self.demand.send_replace(gpus);
        }
        Ok(())
    }
}

fn now() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Time::from_seconds(i64::try_from(since.as_secs()).unwrap_or(0))
}

/// Processor time of this process so far.
fn processor() -> Outcome<Duration> {
    const TICKS_PER_SECOND: u32 = 100;
    let text = fs::read_to_string("/proc/self/stat")?;
    let (_, rest) = text.rsplit_once(')').ok_or("/proc/self/stat")?;
    let ticks: u32 = rest.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
    Ok(Duration::from_secs(1) * ticks / TICKS_PER_SECOND)
}

fn row(what: &str, figure: &str) {
    say(&format!("| {what} | {figure} |"));
}

fn say(line: &str) {
    // A closed pipe ends the report early; nothing else can fail.
    drop(writeln!(stdout(), "{line}"));
}
