//! The course of a run: fill the server, read it all a few times, then stay and watch.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use vt100::Screen;

use crate::bed::{self, Bed, BedOptions, Component, Context, Failure, Result, State, load};
use crate::discard::{self, Discarded};
use crate::process::{self, Memory};
use crate::relay::Relay;
use crate::terminal::{Terminal, row_of};
use crate::{Size, say};

const PROGRAM: &str = env!("CARGO_BIN_EXE_batchtop");

/// The fleet is the same in every run.
const SEED: u64 = 1;

/// How long the API server may recover from the load before anything is measured.
const SETTLE: Duration = Duration::from_secs(8);

const IDLE: Duration = Duration::from_secs(30);
const CHURN: Duration = Duration::from_secs(20);

/// Updates each second, asked for.
const RATES: [u32; 2] = [100, 200];

/// Presses of each key.
const PRESSES: usize = 100;

const PAGE_DOWN: &str = "\x1b[6~";

/// Rows of the screen, from 0.
const TITLE: usize = 0;
const TOTALS: usize = 1;
const POSITION: usize = 2;

const HELP_RUNS: usize = 20;

/// Everything measured.
pub struct Figures {
    /// Size as requested on the command line.
    pub size: Size,
    /// Objects on the server.
    pub kubernetes: String,
    /// One pod as the server returns it, bytes.
    pub pod_bytes: usize,
    /// Load averages before anything began.
    pub load_before: String,
    /// The discarding client, once each round.
    pub discarded: Vec<Discarded>,
    /// batchtop, once each round.
    pub syncs: Vec<Sync>,
    /// Runs of `--help`, wall time.
    pub help: Vec<Duration>,
    /// Key presses while nothing changes.
    pub idle_keys: Vec<Duration>,
    /// Key presses under the highest rate.
    pub churn_keys: Vec<Duration>,
    /// Updates each second while these keys were pressed.
    pub churn_keys_rate: f64,
    /// Share of one core while nothing changes.
    pub idle_share: f64,
    /// Cost of updates at each rate.
    pub churns: Vec<Churn>,
    /// At the very end.
    pub memory: Memory,
}

/// From the start of batchtop until everything is on its screen.
pub struct Sync {
    /// Until the first frame.
    pub first_paint: Duration,
    /// Until all Nodes were listed on the screen.
    pub nodes: Duration,
    /// Until all was.
    pub complete: Duration,
    /// batchtop's processor time until then.
    pub processor: Duration,
    /// The API server's processor time until then.
    pub server: Duration,
    /// Bytes received until then, TLS and all.
    pub received: u64,
    /// Memory then.
    pub memory: Memory,
}

/// Cost of updates.
pub struct Churn {
    /// Updates each second that were asked for.
    pub asked: u32,
    /// Updates each second that the server took.
    pub delivered: f64,
    /// Share of one core.
    pub share: f64,
}

/// Measures everything.
pub fn all(size: Size) -> Result<Figures> {
    let load_before = process::load();
    say(&format!("load {load_before}; starting an API server"));
    let bench = Bench::new(size)?;
    bench.run(load_before)
}

/// Shared state of all measurements.
struct Bench {
    size: Size,
    bed: Bed,
    fleet: load::Fleet,
    relay: Relay,
    /// The server through the relay.
    kubeconfig: PathBuf,
    home: TempDir,
}

impl Bench {
    fn new(size: Size) -> Result<Self> {
        let bed = Bed::start(&BedOptions::api_only())?;
        let relay = Relay::to(bed.ports().api_server)?;
        let kubeconfig = through(&relay, &bed)?;
        say(&format!("writing {} nodes and {} pods", size.nodes, size.pods));
        let fleet = load::fleet(&bed, size.nodes, size.pods, SEED)?;
        let home = tempfile::tempdir().context("a home")?;
        Ok(Self { size, bed, fleet, relay, kubeconfig, home })
    }

    fn run(&self, load_before: String) -> Result<Figures> {
        let help = (0..HELP_RUNS).map(|_| self.help()).collect::<Result<_>>()?;
        thread::sleep(SETTLE);
        // The first to list everything pays for what the server then remembers.
        discard::run(&self.kubeconfig)?;
        let (mut discarded, mut syncs, mut last) = (Vec::new(), Vec::new(), None);
        for round in 1..=self.size.rounds.max(1) {
            say(&format!("reading everything, round {round}"));
            drop(last.take());
            discarded.push(discard::run(&self.kubeconfig)?);
            let (sync, terminal) = self.sync()?;
            syncs.push(sync);
            last = Some(terminal);
        }
        let mut terminal = last.context("no rounds")?;
        self.show_pods(&mut terminal)?;
        say("pressing keys");
        let idle_keys = press_keys(&mut terminal)?;
        let churns = RATES.iter().map(|rate| self.churn(&terminal, *rate)).collect::<Result<_>>()?;
        let (churn_keys, churn_keys_rate) = self.keys_under_churn(&mut terminal)?;
        thread::sleep(SETTLE);
        say("watching it do nothing");
        let idle_share = share(&terminal, || {
            thread::sleep(IDLE);
            Ok(())
        })?;
        Ok(Figures {
            size: self.size,
            kubernetes: self.kubernetes()?,
            pod_bytes: self.fleet.pod_bytes,
            load_before,
            discarded,
            syncs,
            help,
            idle_keys,
            churn_keys,
            churn_keys_rate,
            idle_share: idle_share.1,
            churns,
            memory: process::memory(terminal.id()?)?,
        })
    }

    fn kubernetes(&self) -> Result<String> {
        let version = self.bed.api().get("/version")?;
        Ok(version["gitVersion"].as_str().context("no gitVersion")?.to_owned())
    }

    fn help(&self) -> Result<Duration> {
        let began = Instant::now();
        let mut command = Command::new(PROGRAM);
        let status = command.arg("--help").env("HOME", self.home.path()).stdout(Stdio::null()).status();
        let elapsed = began.elapsed();
        if status.context(PROGRAM)?.success() { Ok(elapsed) } else { Err(Failure::new("--help failed")) }
    }

    /// Starts batchtop and follows it until everything is on its screen.
    fn sync(&self) -> Result<(Sync, Terminal)> {
        let server_before = self.server_processor()?;
        self.relay.take_received();
        let kubeconfig = self.kubeconfig.display().to_string();
        let terminal = Terminal::start(PROGRAM, &["--kubeconfig", &kubeconfig], self.home.path())?;
        let since = |moment: Instant| moment.duration_since(terminal.began());
        let first_paint = since(terminal.wait("the first frame", |screen| has(screen, TITLE, "batchtop"))?);
        let (nodes, pods) =
            (format!("nodes {}", grouped(self.size.nodes)), format!("pods {}", grouped(self.size.pods)));
        let nodes = since(terminal.wait("all Nodes", |screen| has(screen, TOTALS, &nodes))?);
        let complete = |screen: &Screen| has(screen, TOTALS, &pods) && has(screen, TITLE, "● live");
        let complete = since(terminal.wait("all pods, live", complete)?);
        let sync = Sync {
            first_paint,
            nodes,
            complete,
            processor: process::processor(terminal.id()?)?,
            server: self.server_processor()?.saturating_sub(server_before),
            received: self.relay.take_received(),
            memory: process::memory(terminal.id()?)?,
        };
        Ok((sync, terminal))
    }

    /// From here on all pods are listed: nothing else has so many rows, or rows that change so often.
    fn show_pods(&self, terminal: &mut Terminal) -> Result<()> {
        let position = format!("1/{}", grouped(self.size.pods));
        terminal.send("3")?;
        terminal.wait("the Pods screen", |screen| row_of(screen, POSITION).trim_end().ends_with(&position)).map(drop)
    }

    fn server_processor(&self) -> Result<Duration> {
        match self.bed.state(Component::ApiServer)? {
            State::Running(id) => process::processor(id),
            other => Err(Failure::new(format!("the API server: {other:?}"))),
        }
    }

    fn churn(&self, terminal: &Terminal, asked: u32) -> Result<Churn> {
        say(&format!("{asked} updates each second"));
        let (churn, share) = share(terminal, || load::churn(&self.bed, &self.fleet, asked, CHURN))?;
        Ok(Churn { asked, delivered: delivered(&churn), share })
    }

    /// Presses keys while updates come at the highest rate.
    fn keys_under_churn(&self, terminal: &mut Terminal) -> Result<(Vec<Duration>, f64)> {
        say("pressing keys under updates");
        let rate = RATES.into_iter().max().context("no rates")?;
        thread::scope(|scope| {
            let churn = scope.spawn(|| load::churn(&self.bed, &self.fleet, rate, CHURN));
            let keys = press_keys(terminal)?;
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

/// Which share of one core the program uses while something is done.
fn share<T>(terminal: &Terminal, work: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let id = terminal.id()?;
    let (began, before) = (Instant::now(), process::processor(id)?);
    let done = work()?;
    let used = process::processor(id)?.saturating_sub(before);
    Ok((done, used.as_secs_f64() / began.elapsed().as_secs_f64()))
}

fn delivered(churn: &bed::load::Churn) -> f64 {
    churn.accepted as f64 / churn.elapsed.as_secs_f64()
}

/// How long each press takes until the position on the screen has changed: `j` and page down in turn.
///
/// The pauses differ, so that presses do not fall in step with the frames that data causes.
fn press_keys(terminal: &mut Terminal) -> Result<Vec<Duration>> {
    let mut presses = Vec::with_capacity(2 * PRESSES);
    for number in 0..PRESSES {
        for (key, name) in [("j", "j"), (PAGE_DOWN, "PgDn")] {
            let before = terminal.row(POSITION);
            let pressed = Instant::now();
            terminal.send(key)?;
            let seen = terminal.wait(name, |screen| row_of(screen, POSITION) != before)?;
            presses.push(seen.duration_since(pressed));
            thread::sleep(Duration::from_millis(30 + (number as u64 * 37) % 41));
        }
    }
    Ok(presses)
}

fn has(screen: &Screen, row: usize, text: &str) -> bool {
    row_of(screen, row).contains(text)
}

/// A number as batchtop writes it: `10,000`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    String::from_utf8_lossy(&groups.join(&b","[..])).into_owned()
}
