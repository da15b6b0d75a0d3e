//! `batchtop snapshot`: reads everything once, prints one JSON document, ends.

use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{mpsc, watch};

use super::atomic::write_output;
use super::backend::Backend;
use super::failure::{EXIT_CLUSTER, EXIT_FAILED, EXIT_INTERRUPTED, Failure};
use super::options::Options;
use super::state::StateFiles;
use super::{REPORTS_BOUND, commands, setup};
use crate::app::{App, Effect, Msg, settle, settle_completely, update};
use crate::cli::{Cli, Snapshot};
use crate::export::{self, GpuDetail};
use crate::fleet::{Health, HealthState, Kind, SourceGroup, SourceId};
use crate::insight::cold_start::StartHistory;
use crate::source::aws::AnsweredDemands;
use crate::units::text::printable;

/// `--output-file` with this value is standard output, as usual.
const STANDARD_OUTPUT: &str = "-";

/// Runs the command.
pub fn run(cli: &Cli, args: &Snapshot) -> Result<ExitCode, Failure> {
    let timeout = parse_timeout(&args.timeout)?;
    let Some(app) = read(cli, timeout)? else { return Ok(ExitCode::from(EXIT_INTERRUPTED)) };
    if SourceId::of_cluster().any(|id| id.is_essential() && is_complete(&app, id)) {
        write_document(&app, args)?;
    }
    exit_code(&app, args)
}

/// The value of `--timeout`.
pub fn parse_timeout(text: &str) -> Result<Duration, Failure> {
    let hint = "write a duration like 60s or 2m";
    humantime::parse_duration(text).map_err(|error| Failure::usage(format!("--timeout {text:?}: {error}"), hint))
}

/// Reads everything once; `None` if the user interrupted it.
pub fn read(cli: &Cli, timeout: Duration) -> Result<Option<App>, Failure> {
    let options = Options::load(cli)?;
    if let Some(problem) = options.settings_problem() {
        return Err(Failure::usage(problem.to_string(), "batchtop config check lists all mistakes"));
    }
    let start = setup::prepare(cli, &options)?;
    let runtime = setup::tokio_runtime()?;
    let (mut app, state) = (start.app, start.state);
    let backend = Backend::new(start.backend, start.files, runtime.handle().clone());
    let collected = runtime.block_on(collect(&mut app, backend, start.clock, timeout));
    runtime.shutdown_timeout(setup::SHUTDOWN);
    if collected? != Collected::Everything {
        return Ok(None);
    }
    if let Some(state) = state {
        remember(&app, &state);
    }
    Ok(Some(app))
}

/// Keeps what was seen here and the cluster forgets: what starts took, and which spot nodes are being taken back, for once they
/// are gone, only this tells to which pools they belonged. Without it later estimates are poorer, so that it cannot be kept is
/// only a warning.
fn remember(app: &App, state: &StateFiles) {
    let observed = app.insights.starts.record().filter(|record| record.history != StartHistory::default());
    let starts = observed.map(|record| state.starts.save(record));
    let record = app.insights.spot.record();
    let spot = (!record.memory.interruptions.is_empty()).then(|| state.spot.save(&record));
    for saved in [starts, spot].into_iter().flatten() {
        if let Err(error) = saved {
            commands::complain(&format!("warning: cannot write {error}"));
        }
    }
}

/// How long the cluster and those who tell prices may take, for commands without a flag for it.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Outcome of reading everything.
#[derive(PartialEq, Eq)]
enum Collected {
    /// Complete, or what was read before the timeout.
    Everything,
    /// Interrupted by the user.
    Interrupted,
}

/// Feeds reports to the app until every Source is complete or has failed for good, or until the timeout.
async fn collect(
    app: &mut App,
    mut backend: Backend,
    clock: super::clock::Clock,
    timeout: Duration,
) -> Result<Collected, Failure> {
    let (sink, mut reports) = mpsc::channel(REPORTS_BOUND);
    backend.connect(app.epoch, None, sink, clock.clone());
    let deadline = tokio::time::sleep(timeout);
    tokio::pin!(deadline);
    let mut news = backend.aws_news();
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            report = reports.recv() => match report {
                Some((epoch, report)) => feed(app, &backend, Msg::Source(epoch, report)),
                None => break,
            },
            () = &mut deadline => break,
            _ = tokio::signal::ctrl_c() => return Ok(Collected::Interrupted),
            () = aws_news(news.as_mut()) => {}
            // One Source that fails or hangs holds up what can be asked without it.
            _ = seconds.tick() => if knows_what_to_ask(app) {
                feed(app, &backend, Msg::Clock(clock()));
            },
        }
        if let Some(error) = app.down.clone() {
            return Err(error.into());
        }
        if is_settled(app) {
            // The demand for prices and exporters is final only now that all nodes are known.
            feed(app, &backend, Msg::Clock(clock()));
            // Of each Node, and then of the Sources as a whole, what is said a moment later.
            let has_metrics =
                app.insights.gpus.have_answered(&app.inputs()) && have_answered(app, SourceGroup::Metrics);
            let has_prices = have_answered(app, SourceGroup::Prices) && backend.has_aws_answered();
            if has_prices && has_metrics && reports.is_empty() {
                break;
            }
        }
    }
    update(app, Msg::Clock(clock()));
    app.insights.gpus.begin_anew();
    settle_completely(app);
    update(app, Msg::Frame);
    Ok(Collected::Everything)
}

fn feed(app: &mut App, backend: &Backend, msg: Msg) {
    let effects = update(app, msg);
    for effect in effects.into_iter().chain(settle(app)) {
        if let Effect::Demand(demand) = effect {
            backend.demand(demand);
        }
    }
}

/// Waits until AWS has answered a demand; forever if AWS is not asked.
async fn aws_news(news: Option<&mut watch::Receiver<AnsweredDemands>>) {
    let Some(news) = news else { return std::future::pending().await };
    if news.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Whether the Nodes and pods are known, by which exporters are found.
fn knows_what_to_ask(app: &App) -> bool {
    let (inputs, kinds) = (app.inputs(), [Kind::Node, Kind::Pod]);
    kinds.into_iter().all(|kind| inputs.known().all(kind))
}

/// Whether the cluster's Sources and the files of the user have reported; the embedded prices are published before the price file.
fn is_settled(app: &App) -> bool {
    let mut sources = SourceId::of_cluster().chain([SourceId::PriceFile, SourceId::SpotAdvisor]);
    sources.all(|id| app.sources.get(&id).is_some_and(|health| health.state.is_settled()))
}

/// Whether all Sources of a group that say anything at all have answered; one whose first attempt failed is not waited for.
fn have_answered(app: &App, group: SourceGroup) -> bool {
    let has_answered = |health: &Health| health.state.is_settled() || health.state == HealthState::Failed;
    SourceId::of_group(group).all(|id| app.sources.get(&id).is_none_or(has_answered))
}

fn write_document(app: &App, args: &Snapshot) -> Result<(), Failure> {
    let detail = if args.gpu_detail { GpuDetail::Devices } else { GpuDetail::Sums };
    let text = json(&export::snapshot(app, detail))? + "\n";
    match &args.output_file {
        None => commands::print(&text).map(|_| ()),
        Some(path) if path.as_os_str() == STANDARD_OUTPUT => commands::print(&text).map(|_| ()),
        Some(path) => write_output(path, text.as_bytes())
            .map_err(|error| Failure::internal(format!("cannot write {}: {error}", path.display()))),
    }
}

/// A document as JSON for a terminal or a file.
pub fn json(document: &impl Serialize) -> Result<String, Failure> {
    let bug = |error| Failure::bug(format!("the document cannot be written as JSON: {error}"));
    serde_json::to_string_pretty(document).map(escaped).map_err(bug)
}

/// JSON with those control characters escaped, too, that JSON does not demand to be: DEL and C1, of which some terminals take
/// `U+009B` for the beginning of an escape sequence. They are only in strings, for all else is ASCII.
fn escaped(json: String) -> String {
    const LAST: char = '\u{9f}';
    // The first byte of every C1 character, and of others.
    const LEAD: u8 = 0xc2;
    let mut text = String::new();
    let mut done = 0;
    for at in memchr::memchr2_iter(0x7f, LEAD, json.as_bytes()) {
        let Some(c) = json.get(at..).and_then(|rest| rest.chars().next()).filter(|c| *c <= LAST) else { continue };
        text.push_str(json.get(done..at).unwrap_or_default());
        text.extend(format!("\\u{:04x}", u32::from(c)).chars());
        done = at + c.len_utf8();
    }
    if done == 0 {
        return json;
    }
    text.push_str(json.get(done..).unwrap_or_default());
    text
}

/// The exit code. Incomplete Sources are listed on standard error, and in `sources` of the document.
fn exit_code(app: &App, args: &Snapshot) -> Result<ExitCode, Failure> {
    let is_asked = |id: &SourceId| id.group() == SourceGroup::Cluster || app.sources.contains_key(id);
    let incomplete: Vec<SourceId> = SourceId::all().filter(is_asked).filter(|id| !is_complete(app, *id)).collect();
    let odd = app.cluster.warning.iter().cloned();
    for words in odd.chain(incomplete.iter().map(|id| sentence(app, *id))) {
        commands::complain(&format!("warning: {}", printable(&words)));
    }
    let essential = incomplete.iter().find(|id| id.is_essential());
    if let Some(id) = essential {
        let message = sentence(app, *id);
        let hint = "batchtop rbac viewer prints the permissions that it needs; --timeout sets how long it waits";
        return Err(Failure { message, hint: hint.into(), code: EXIT_CLUSTER });
    }
    let is_whole = |health: &Health| health.undecodable == 0 && health.namespaces.is_none();
    if args.strict && !(incomplete.is_empty() && app.sources.values().all(is_whole)) {
        return Err(Failure {
            message: "some sources are incomplete, and --strict is set".into(),
            hint: String::new(),
            code: EXIT_FAILED,
        });
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a Source has been read completely. One whose API the cluster does not serve counts as complete and empty.
pub fn is_complete(app: &App, id: SourceId) -> bool {
    app.sources.get(&id).is_some_and(|health| health.state.is_complete() || health.state.has_nothing())
}

/// An error with the words of the first of these kinds that has not been read completely; `manifest` is the command that
/// prints the permissions for them.
pub fn require(app: &App, kinds: &[Kind], manifest: &str) -> Result<(), Failure> {
    let missing = kinds.iter().copied().map(SourceId::Kind).find(|id| !is_complete(app, *id));
    let Some(missing) = missing else { return Ok(()) };
    let hint = format!("{manifest} prints the permissions that it needs");
    Err(Failure { message: sentence(app, missing), hint, code: EXIT_CLUSTER })
}

/// Whether a Source is live.
pub fn is_live(app: &App, id: SourceId) -> bool {
    app.sources.get(&id).is_some_and(|health| health.state == HealthState::Live)
}

/// Name and state of a Source in one line for the user.
pub fn sentence(app: &App, id: SourceId) -> String {
    let health = app.sources.get(&id).cloned().unwrap_or_default();
    let why = health.message.map_or_else(|| health.state.name().to_string(), |message| message.to_string());
    printable(&format!("{}: {why}", id.name()))
}
