//! The course of a run: fill the server, read it all a few times, then stay and watch.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use vt100::Screen;

use crate::bed::{Bed, BedOptions, Component, Context, Failure, Result, State, load};
use crate::discard;
use crate::figures::{Churn, Complete, Discarding, Figures, Growth, Latency};
use crate::relay::Relay;
use crate::report::grouped;
use crate::terminal::{Terminal, row_of};
use crate::{Options, keys, process, rivals, say};

const PROGRAM: &str = env!("CARGO_BIN_EXE_batchtop");

/// The fleet is the same in every run.
const SEED: u64 = 1;

/// How long the API server may recover from the load before anything is measured.
const SETTLE: Duration = Duration::from_secs(8);

const IDLE: Duration = Duration::from_mins(1);
const CHURN: Duration = Duration::from_secs(20);

/// Updates each second, asked for.
const RATES: [u32; 2] = [100, 200];

/// Rows of the screen, from 0.
const TITLE: usize = 0;
const TOTALS: usize = 1;

const HELP_RUNS: usize = 20;

/// Measures everything.
pub fn all(options: &Options) -> Result<Figures> {
    let load_before = process::load();
    say(&format!("load {load_before}; starting an API server"));
    let mut bench = Bench::new(options.nodes)?;
    let mut growth = Vec::new();
    if !options.no_growth {
        for part in [100, 10] {
            growth.push(bench.growth(options.pods / part)?);
        }
    }
    bench.grow(options.pods)?;
    let mut figures = bench.figures(options, load_before)?;
    figures.rivals = rivals::run(&bench.kubeconfig, bench.home.path(), options.nodes, options.pods);
    if !options.no_growth {
        growth.push(Growth::of(options.pods, figures.complete));
        if bench.has_room_to_double()? {
            growth.push(bench.growth(2 * options.pods)?);
        }
    }
    Ok(Figures { growth, ..figures })
}

impl Growth {
    fn of(pods: usize, complete: Complete) -> Self {
        let Complete { seconds, processor_seconds, resident_mib, .. } = complete;
        Self { pods, seconds, processor_seconds, resident_mib }
    }
}

/// Shared state of all measurements.
struct Bench {
    bed: Bed,
    fleet: load::Fleet,
    relay: Relay,
    /// The server through the relay.
    kubeconfig: PathBuf,
    home: TempDir,
}

/// From the start of batchtop until everything is on its screen.
struct Sync {
    complete: Complete,
    /// It runs on.
    terminal: Terminal,
}

/// What is measured once everything is on the screen.
struct Steady {
    idle_percent: f64,
    churns: Vec<Churn>,
    keys_idle: Latency,
    keys_churn: Latency,
    keys_churn_rate: f64,
    filter: Latency,
}

impl Bench {
    /// An API server with Nodes and no pods.
    fn new(nodes: usize) -> Result<Self> {
        // Go gives memory back only when it must: half of the machine is for the others.
        let limit = format!("{}MiB", process::total_mib() / 2);
        let bed = Bed::start(&BedOptions::api_only().variable(Component::ApiServer, "GOMEMLIMIT", &limit))?;
        let relay = Relay::to(bed.ports().api_server)?;
        let kubeconfig = through(&relay, &bed)?;
        say(&format!("writing {nodes} Nodes"));
        let fleet = load::fleet(&bed, nodes, 0, SEED)?;
        let home = tempfile::tempdir().context("a home")?;
        Ok(Self { bed, fleet, relay, kubeconfig, home })
    }

    /// Writes more pods, and lets the API server recover.
    fn grow(&mut self, pods: usize) -> Result<()> {
        say(&format!("writing pods up to {}", grouped(pods)));
        load::grow(&self.bed, &mut self.fleet, pods)?;
        thread::sleep(SETTLE);
        // The first to list everything pays for what the server then remembers.
        discard::run(&self.kubeconfig).map(drop)
    }

    /// One sync at this number of pods.
    fn growth(&mut self, pods: usize) -> Result<Growth> {
        self.grow(pods)?;
        Ok(Growth::of(pods, self.sync()?.complete))
    }

    /// Whether the machine has memory for as many pods again: as much as the API server uses now, and then some.
    fn has_room_to_double(&self) -> Result<bool> {
        let server = mib(process::memory(self.api_server()?)?.resident_kib);
        let has_room = process::available_mib() > 1.2 * server;
        if !has_room {
            say(&format!("no memory for twice as many pods: the API server has {server:.0} MiB now"));
        }
        Ok(has_room)
    }

    /// Everything but growth and rivals.
    fn figures(&self, options: &Options, load_before: String) -> Result<Figures> {
        let help = (0..HELP_RUNS).map(|_| self.help()).collect::<Result<Vec<f64>>>()?;
        let (mut discarding, mut syncs, mut last) = (Vec::new(), Vec::new(), None);
        for round in 1..=options.rounds.max(1) {
            say(&format!("reading everything, round {round}"));
            drop(last.take());
            discarding.push(discard::run(&self.kubeconfig)?);
            let sync = self.sync()?;
            syncs.push(sync.complete);
            last = Some(sync.terminal);
        }
        let mut terminal = last.context("no rounds")?;
        let steady = self.steady(&mut terminal)?;
        let memory = process::memory(terminal.id()?)?;
        Ok(Figures {
            batchtop_version: env!("CARGO_PKG_VERSION").to_owned(),
            kubernetes_version: self.kubernetes()?,
            machine: process::machine(),
            load_before,
            nodes: options.nodes,
            pods: options.pods,
            pod_bytes: self.fleet.pod_bytes,
            rounds: syncs.len(),
            help_ms: median(&help, |ms| *ms),
            discarding: Discarding {
                seconds: median(&discarding, |client| client.seconds),
                processor_seconds: median(&discarding, |client| client.processor_seconds),
            },
            complete: medians(&syncs),
            idle_percent: steady.idle_percent,
            churns: steady.churns,
            keys_idle: steady.keys_idle,
            keys_churn: steady.keys_churn,
            keys_churn_rate: steady.keys_churn_rate,
            filter: steady.filter,
            resident_at_end_mib: mib(memory.resident_kib),
            peak_mib: mib(memory.peak_kib),
            growth: Vec::new(),
            rivals: Vec::new(),
        })
    }

    /// Keys, filters, updates and rest, with the pods on the screen.
    fn steady(&self, terminal: &mut Terminal) -> Result<Steady> {
        keys::show_pods(terminal, self.fleet.pods)?;
        say("pressing keys");
        let keys_idle = keys::press(terminal)?;
        let filter = keys::filter(terminal, &self.fleet)?;
        let churns = RATES.iter().map(|rate| self.churn(terminal, *rate)).collect::<Result<_>>()?;
        let (keys_churn, keys_churn_rate) = self.keys_under_churn(terminal)?;
        thread::sleep(SETTLE);
        say("watching it do nothing");
        let ((), idle_percent) = share(terminal, || {
            thread::sleep(IDLE);
            Ok(())
        })?;
        Ok(Steady { idle_percent, churns, keys_idle, keys_churn, keys_churn_rate, filter })
    }

    fn kubernetes(&self) -> Result<String> {
        let version = self.bed.api().get("/version")?;
        Ok(version["gitVersion"].as_str().context("no gitVersion")?.to_owned())
    }

    /// Milliseconds of `batchtop --help`.
    fn help(&self) -> Result<f64> {
        let began = Instant::now();
        let mut command = Command::new(PROGRAM);
        let status = command.arg("--help").env("HOME", self.home.path()).stdout(Stdio::null()).status();
        let elapsed = began.elapsed().as_secs_f64() * 1000.0;
        if status.context(PROGRAM)?.success() { Ok(elapsed) } else { Err(Failure::new("--help failed")) }
    }

    /// Starts batchtop and follows it until everything is on its screen.
    fn sync(&self) -> Result<Sync> {
        let server = self.api_server()?;
        let server_before = process::processor(server)?;
        self.relay.take_received();
        let kubeconfig = self.kubeconfig.display().to_string();
        // Nothing but the bed is talked to.
        let variables = [("BATCHTOP_NO_AWS", "1")];
        let terminal = Terminal::start(PROGRAM, &["--kubeconfig", &kubeconfig], self.home.path(), &variables)?;
        let since = |moment: Instant| moment.duration_since(terminal.began()).as_secs_f64();
        let first_paint = since(terminal.wait("the first frame", |screen| has(screen, TITLE, "batchtop"))?);
        let (nodes, pods) =
            (format!("nodes {}", grouped(self.fleet.nodes)), format!("pods {}", grouped(self.fleet.pods)));
        let nodes = since(terminal.wait("all Nodes", |screen| has(screen, TOTALS, &nodes))?);
        let is_complete = |screen: &Screen| has(screen, TOTALS, &pods) && has(screen, TITLE, "● live");
        let seconds = since(terminal.wait("all pods, live", is_complete)?);
        let complete = Complete {
            first_paint_ms: first_paint * 1000.0,
            nodes_seconds: nodes,
            seconds,
            processor_seconds: process::processor(terminal.id()?)?.as_secs_f64(),
            server_processor_seconds: process::processor(server)?.saturating_sub(server_before).as_secs_f64(),
            received_megabytes: self.relay.take_received() as f64 / 1e6,
            resident_mib: mib(process::memory(terminal.id()?)?.resident_kib),
        };
        Ok(Sync { complete, terminal })
    }

    /// Process id of the API server.
    fn api_server(&self) -> Result<u32> {
        match self.bed.state(Component::ApiServer)? {
            State::Running(id) => Ok(id),
            other => Err(Failure::new(format!("the API server: {other:?}"))),
        }
    }

    fn churn(&self, terminal: &Terminal, asked: u32) -> Result<Churn> {
        say(&format!("{asked} updates each second"));
        let (churn, processor_percent) = share(terminal, || load::churn(&self.bed, &self.fleet, asked, CHURN))?;
        Ok(Churn { asked, delivered: delivered(&churn), processor_percent })
    }

    /// Presses keys while updates come at the highest rate.
    fn keys_under_churn(&self, terminal: &mut Terminal) -> Result<(Latency, f64)> {
        say("pressing keys under updates");
        let rate = RATES.into_iter().max().context("no rates")?;
        thread::scope(|scope| {
            let churn = scope.spawn(|| load::churn(&self.bed, &self.fleet, rate, CHURN));
            let keys = keys::press(terminal)?;
            let churn = churn.join().map_err(|_| Failure::new("the churn panicked"))??;
            Ok((keys, delivered(&churn)))
        })
    }
}

/// A kubeconfig like the administrator's, but for the relay in between.
fn through(relay: &Relay, bed: &Bed) -> Result<PathBuf> {
    let text = fs::read_to_string(bed.admin_kubeconfig()).context("the administrator's kubeconfig")?;
    let relayed = text.replace(&bed.server(), &format!("https://127.0.0.1:{}", relay.port()));
    let path = bed.file("relay.kubeconfig");
    write(&path, &relayed)?;
    Ok(path)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).context(path.display())
}

/// How many percent of one core the program uses while something is done.
pub fn share<T>(terminal: &Terminal, work: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let id = terminal.id()?;
    let (began, before) = (Instant::now(), process::processor(id)?);
    let done = work()?;
    let used = process::processor(id)?.saturating_sub(before);
    Ok((done, 100.0 * used.as_secs_f64() / began.elapsed().as_secs_f64()))
}

/// MiB of KiB.
pub fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn delivered(churn: &load::Churn) -> f64 {
    churn.accepted as f64 / churn.elapsed.as_secs_f64()
}

/// The median of each figure by itself.
fn medians(syncs: &[Complete]) -> Complete {
    Complete {
        first_paint_ms: median(syncs, |sync| sync.first_paint_ms),
        nodes_seconds: median(syncs, |sync| sync.nodes_seconds),
        seconds: median(syncs, |sync| sync.seconds),
        processor_seconds: median(syncs, |sync| sync.processor_seconds),
        server_processor_seconds: median(syncs, |sync| sync.server_processor_seconds),
        received_megabytes: median(syncs, |sync| sync.received_megabytes),
        resident_mib: median(syncs, |sync| sync.resident_mib),
    }
}

fn median<T>(values: &[T], figure: impl Fn(&T) -> f64) -> f64 {
    let mut sorted: Vec<f64> = values.iter().map(figure).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn has(screen: &Screen, row: usize, text: &str) -> bool {
    row_of(screen, row).contains(text)
}
