//! Builds the start state of dashboard and snapshot from command line and configuration.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::atomic::write_private;
use super::backend::{Aws, Choice, ConnectionSettings, UserFiles};
use super::clock::{self, Clock};
use super::demo_spot;
use super::failure::Failure;
use super::journal::Journal;
use super::options::{DEMO_SEED, Options, cache_folder, names_of, state_folder};
use super::session;
use super::state::StateFiles;
use crate::app::{App, FileNames, Settings};
use crate::cli::{Cli, Command, Connection};
use crate::insight::Scope;
use crate::source::aws::PlacementScores;
use crate::source::{demo, kube};
use crate::units::Selector;

/// Time for running tasks to end when the program quits.
pub const SHUTDOWN: Duration = Duration::from_millis(500);
/// Worker threads. One decodes while the event loop handles keys on the main thread; more would cost memory.
const WORKER_THREADS: usize = 1;

/// Start state of dashboard and snapshot.
pub struct Start {
    /// The application, without data.
    pub app: App,
    /// The cluster to connect to.
    pub backend: Choice,
    /// Clock of that cluster.
    pub clock: Clock,
    /// Files of the user that are watched.
    pub files: UserFiles,
    /// What is kept between sessions; `None` in the demo, and where nothing is to be kept.
    pub state: Option<StateFiles>,
}

/// Checks the flags and builds the start state; does not connect.
pub fn prepare(cli: &Cli, options: &Options) -> Result<Start, Failure> {
    let clock = if cli.demo.demo { demo_clock(speed(cli)?) } else { clock::wall() };
    let mut app = App::new(settings(cli, options)?, clock());
    let state = state_folder().filter(|_| keeps_state(cli)).map(|folder| StateFiles::in_folder(&folder));
    if let Some(state) = &state {
        app.insights.held.load(state.held.load(), app.now);
        app.insights.starts.load(state.starts.load());
        app.insights.spot.load(state.spot.load(app.now));
    }
    let backend = if cli.demo.demo {
        let seed = cli.demo.seed.unwrap_or(DEMO_SEED);
        app.insights.spot.load(demo_spot::seen(seed, app.now));
        Choice::Demo(seed, app.now)
    } else {
        let ConnectionSettings { namespaces, prometheus, aws } = connection_settings(cli, options);
        Choice::Kube {
            options: Box::new(connect_options(&cli.connection)?),
            namespaces,
            prometheus,
            aws,
            journal: state_folder().map(|folder| Journal::in_folder(&folder)),
        }
    };
    let mut files = options.files.clone();
    if cli.demo.demo {
        files.advisor = demo_spot::advisor(app.now);
    }
    Ok(Start { app, backend, clock, files, state })
}

/// Whether AWS is asked, and for what.
fn aws(cli: &Cli, options: &Options) -> Aws {
    if let Some(by) = options.without_aws {
        return Aws::Off { by };
    }
    let state = state_folder().filter(|_| keeps_state(cli));
    let placement = match (options.placement, state) {
        (None, _) => {
            PlacementScores::Off { why: "not asked for: placementScores is not true in [spot] of config.toml" }
        }
        (Some(_), None) => PlacementScores::Off { why: "not asked for: without a state folder they cannot be limited" },
        (Some(most_new), Some(folder)) => {
            PlacementScores::On { state: (folder, write_private), most_new: most_new as usize }
        }
    };
    Aws::On { cache: cache_folder(), placement }
}

/// What the application knows of the settings.
///
/// # Errors
/// When a selector cannot be read.
pub fn settings(cli: &Cli, options: &Options) -> Result<Settings, Failure> {
    let names = |texts| names_of(texts).into_iter().map(str::to_owned).collect();
    Ok(Settings {
        readonly: options.readonly,
        demo: cli.demo.demo,
        karpenter_version: options.karpenter_version.clone(),
        gpu: options.gpu,
        spot: options.spot,
        checkpoint_annotation: options.checkpoint_annotation.clone(),
        version: env!("CARGO_PKG_VERSION").to_string(),
        scope: scope(cli, options)?,
        keymap: options.keymap.clone(),
        columns: options.columns.clone(),
        values: options.settings.clone(),
        files: FileNames { themes: names(&options.library.themes), keymaps: names(&options.library.keymaps) },
    })
}

/// What the next connection goes by.
pub fn connection_settings(cli: &Cli, options: &Options) -> ConnectionSettings {
    ConnectionSettings {
        namespaces: options.namespaces.clone().unwrap_or_default(),
        prometheus: options.prometheus.clone(),
        aws: aws(cli, options),
    }
}

/// Whether what earlier sessions observed is read, and what this one does is kept.
fn keeps_state(cli: &Cli) -> bool {
    let is_refused = matches!(&cli.command, Some(Command::Snapshot(args)) if args.no_state);
    !cli.demo.demo && !is_refused
}

/// The tokio runtime.
pub fn tokio_runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .enable_all()
        .build()
        .map_err(|error| Failure::internal(format!("cannot start threads: {error}")))
}

fn demo_clock(speed: f64) -> Clock {
    let clock = demo::DemoClock::new(clock::now(), speed);
    Arc::new(move || clock.now())
}

fn speed(cli: &Cli) -> Result<f64, Failure> {
    let speed = cli.demo.speed.unwrap_or(1.0);
    if demo::DemoClock::SPEEDS.contains(&speed) {
        return Ok(speed);
    }
    let (slowest, fastest) = (demo::DemoClock::SPEEDS.start(), demo::DemoClock::SPEEDS.end());
    Err(Failure::usage(format!("--demo-speed {speed}"), format!("a speed is a number from {slowest} to {fastest}")))
}

fn scope(cli: &Cli, options: &Options) -> Result<Scope, Failure> {
    Ok(Scope {
        namespaces: options.namespaces.clone().map(BTreeSet::from_iter),
        selector: selector("--selector", cli.rows.selector.as_deref())?,
        node_selector: selector("--node-selector", cli.rows.node_selector.as_deref())?,
    })
}

fn selector(flag: &str, text: Option<&str>) -> Result<Option<Selector>, Failure> {
    let parse = |text: &str| {
        Selector::parse(text).map_err(|error| {
            let hint = "write a selector like team=ml,tier!=test,zone in (a,b),gpu,!spot";
            Failure::usage(format!("{flag} {text:?}: {error}"), hint)
        })
    };
    text.map(parse).transpose()
}

/// What the flags say of the connection.
///
/// # Errors
/// When one of them cannot be read.
pub fn connect_options(flags: &Connection) -> Result<kube::ConnectOptions, Failure> {
    let flags = flags.clone();
    Ok(kube::ConnectOptions {
        kubeconfig: flags.kubeconfig,
        context: flags.context,
        cluster: flags.cluster,
        user: flags.user,
        impersonate: flags.impersonate,
        impersonate_groups: flags.impersonate_groups,
        impersonate_uid: flags.impersonate_uid,
        request_timeout: flags.request_timeout.as_deref().map(request_timeout).transpose()?,
        token: flags.token,
        server: flags.server,
        certificate_authority: flags.certificate_authority,
        insecure_skip_tls_verify: flags.insecure_skip_tls_verify,
        plugin_launcher: session::launcher(),
    })
}

/// Parses `--request-timeout` as kubectl does: a Go duration, or a number of seconds.
fn request_timeout(text: &str) -> Result<Duration, Failure> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    match crate::units::duration::parse_go(text).map(u64::try_from) {
        Ok(Ok(nanos)) => Ok(Duration::from_nanos(nanos)),
        _ => Err(Failure::usage(
            format!("--request-timeout {text:?} is not a duration"),
            "write it like 30s or 1m30s, or as a number of seconds",
        )),
    }
}
