//! `batchtop snapshot`: reads everything once, prints one JSON document, ends.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::atomic::write_atomically;
use super::backend::Backend;
use super::failure::{EXIT_CLUSTER, EXIT_FAILED, EXIT_INTERRUPTED, Failure};
use super::options::Options;
use super::{REPORTS_BOUND, commands, setup};
use crate::app::{App, Effect, Msg, settle, update};
use crate::cli::{Cli, Snapshot};
use crate::export;
use crate::fleet::{Health, HealthState, SourceGroup, SourceId};
use crate::source::aws::AnsweredDemands;
use crate::units::text::printable;

/// Runs the command.
pub fn run(cli: &Cli, args: &Snapshot) -> Result<ExitCode, Failure> {
    let timeout = humantime::parse_duration(&args.timeout).map_err(|error| {
        Failure::usage(format!("--timeout {:?}: {error}", args.timeout), "a duration is written like 60s or 2m")
    })?;
    let Some(app) = read(cli, timeout)? else { return Ok(ExitCode::from(EXIT_INTERRUPTED)) };
    if SourceId::of_cluster().any(|id| id.is_essential() && is_complete(&app, id)) {
        write_document(&app, args)?;
    }
    verdict(&app, args)
}

/// Everything, read once; `None` where the user did not want to wait.
pub fn read(cli: &Cli, timeout: Duration) -> Result<Option<App>, Failure> {
    let options = Options::load(cli)?;
    if let Some(problem) = options.settings_problem() {
        return Err(Failure::usage(problem.to_string(), "batchtop config check lists every mistake"));
    }
    let start = setup::prepare(cli, &options)?;
    let runtime = setup::tokio_runtime()?;
    let mut app = start.app;
    let backend = Backend::new(start.backend, start.prices, runtime.handle().clone());
    let collected = runtime.block_on(collect(&mut app, backend, start.clock, timeout));
    runtime.shutdown_timeout(setup::SHUTDOWN);
    Ok((collected? == Collected::Everything).then_some(app))
}

/// How reading everything ended.
#[derive(PartialEq, Eq)]
enum Collected {
    /// Complete, or as far as it came in time.
    Everything,
    /// The user did not want to wait.
    Interrupted,
}

/// Feeds reports to the app until every Source is complete, or known not to come, or time is up.
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
    loop {
        tokio::select! {
            report = reports.recv() => match report {
                Some((epoch, report)) => feed(app, &backend, Msg::Source(epoch, report)),
                None => break,
            },
            () = &mut deadline => break,
            _ = tokio::signal::ctrl_c() => return Ok(Collected::Interrupted),
            () = aws_news(news.as_mut()) => {}
        }
        if let Some(error) = app.down.clone() {
            return Err(error.into());
        }
        if is_settled(app) {
            // Now that all nodes are known it is known, too, whose prices are wanted.
            feed(app, &backend, Msg::Clock(clock()));
            if are_prices_settled(app) && backend.has_aws_answered() && reports.is_empty() {
                break;
            }
        }
    }
    update(app, Msg::Clock(clock()));
    settle(app);
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

/// Waits for news of how far AWS has answered; for ever where it is not asked.
async fn aws_news(news: Option<&mut watch::Receiver<AnsweredDemands>>) {
    let Some(news) = news else { return std::future::pending().await };
    if news.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Whether the cluster has said all it will, and the price file, before which the table of batchtop is told.
fn is_settled(app: &App) -> bool {
    let mut sources = SourceId::of_cluster().chain([SourceId::PriceFile]);
    sources.all(|id| app.sources.get(&id).is_some_and(|health| health.state.is_settled()))
}

/// Whether those who tell prices have said all they will; who fails at first is not waited for.
fn are_prices_settled(app: &App) -> bool {
    let has_answered = |health: &Health| health.state.is_settled() || health.state == HealthState::Failed;
    SourceId::OF_PRICES.into_iter().all(|id| app.sources.get(&id).is_none_or(has_answered))
}

fn write_document(app: &App, args: &Snapshot) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(&export::snapshot(app))
        .map_err(|error| Failure::bug(format!("the document cannot be written as JSON: {error}")))?;
    text.push('\n');
    match &args.output_file {
        None => commands::print(&text).map(|_| ()),
        Some(path) => write_atomically(path, text.as_bytes())
            .map_err(|error| Failure::internal(format!("cannot write {}: {error}", path.display()))),
    }
}

/// The exit code; what was not complete is said on standard error, and stands in `sources`.
fn verdict(app: &App, args: &Snapshot) -> Result<ExitCode, Failure> {
    let is_asked = |id: &SourceId| id.group() == SourceGroup::Cluster || app.sources.contains_key(id);
    let incomplete: Vec<SourceId> = SourceId::all().filter(is_asked).filter(|id| !is_complete(app, *id)).collect();
    for id in &incomplete {
        let _ = writeln!(io::stderr(), "warning: {}", sentence(app, *id));
    }
    let essential = incomplete.iter().find(|id| id.is_essential());
    if let Some(id) = essential {
        let message = sentence(app, *id);
        let hint = "batchtop rbac viewer prints the permissions it needs; --timeout gives it more time";
        return Err(Failure { message, hint: hint.into(), code: EXIT_CLUSTER });
    }
    let all_of_it = |health: &Health| health.undecodable == 0 && health.namespaces.is_none();
    if args.strict && !(incomplete.is_empty() && app.sources.values().all(all_of_it)) {
        return Err(Failure { message: "not complete, and --strict".into(), hint: String::new(), code: EXIT_FAILED });
    }
    Ok(ExitCode::SUCCESS)
}

/// An API that the cluster does not have is complete with nothing in it.
pub fn is_complete(app: &App, id: SourceId) -> bool {
    app.sources.get(&id).is_some_and(|health| health.state.is_complete() || health.state.has_nothing())
}

/// Whether a Source has answered, and lately.
pub fn is_live(app: &App, id: SourceId) -> bool {
    app.sources.get(&id).is_some_and(|health| health.state == HealthState::Live)
}

/// What is known of a Source, for people.
pub fn sentence(app: &App, id: SourceId) -> String {
    let health = app.sources.get(&id).cloned().unwrap_or_default();
    let why = health.message.map_or_else(|| health.state.name().to_string(), |message| message.to_string());
    printable(&format!("{}: {why}", id.name()))
}
