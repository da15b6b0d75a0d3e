//! What a start says in words: how far it is, what it waits for, what it took.

use super::{Line, format, money};
use crate::app::App;
use crate::config::Role;
use crate::fleet::JobRow;
use crate::insight::cold_start::{
    Cause, CauseReason, ColdStart, GangStart, ImageStart, LaunchFailure, Phase, PhaseName, starts_together,
};
use crate::insight::relation;
use crate::units::{Time, duration};

/// In one word: the step that goes on, or that it is over. `?` behind one that was not observed completely.
pub(super) fn state(start: &ColdStart) -> Line {
    if let Some(open) = start.open_phase() {
        let is_stuck = start.cause.as_ref().is_some_and(|cause| is_trouble(cause.reason));
        let (glyph, role) = if is_stuck { ("△", Role::Warn) } else { ("◌", Role::Pending) };
        return Line::of(role, format!("{glyph} {}", open.name));
    }
    let (glyph, word) = if start.ready().is_some() { ("●", "ready") } else { ("○", "started") };
    let line = Line::of(Role::Running, format!("{glyph} {word}"));
    if start.is_complete { line } else { line.and(Role::Unknown, format!(" {}", format::UNKNOWN)) }
}

/// Whether it does not pass by itself as a rule.
const fn is_trouble(reason: CauseReason) -> bool {
    match reason {
        CauseReason::InsufficientCapacity
        | CauseReason::NodeClassNotReady
        | CauseReason::Unschedulable
        | CauseReason::ImagePullFailed
        | CauseReason::Volume
        | CauseReason::Network => true,
        CauseReason::ResourceNotRegistered
        | CauseReason::StartupTaintsExist
        | CauseReason::NodeNotReady
        | CauseReason::NodeNotFound
        | CauseReason::ImagePull
        | CauseReason::InitContainer
        | CauseReason::Unknown => false,
    }
}

/// How long all steps took; of one that goes on coarser, so that it does not change every second.
pub(super) fn total(start: &ColdStart, now: Time) -> String {
    let seconds = start.total_seconds(now);
    if start.open_phase().is_some() { format::age(seconds) } else { format::span(seconds) }
}

/// `~3m` in one unit; `late` where it takes longer than starts before it did.
pub(super) fn eta(seconds: i64) -> String {
    match seconds {
        ..=0 => "late".to_owned(),
        1..60 => format!("~{seconds}s"),
        60..120 => "~1m".to_owned(),
        _ => format!("~{}", format::age(seconds)),
    }
}

/// The same in a sentence.
fn eta_words(seconds: i64) -> String {
    match seconds {
        1.. => format!("images there in about {}", format::age(seconds)),
        _ => "it takes longer than starts before it".to_owned(),
    }
}

/// What has been paid without use; `–` before there is a machine, `…` before there is a Node that tells its price, `?` where
/// nobody tells it.
pub(super) fn waiting_cost(app: &App, start: &ColdStart) -> Line {
    match app.insights.picture.start_cost(&app.fleet, start, app.now) {
        Some(micros) if micros > 0 => {
            let role = if start.open_phase().is_some() { Role::Warn } else { Role::Text };
            Line::of(role, money::sum(micros))
        }
        Some(_) => Line::of(Role::TextDim, money::sum(0)),
        None if start.billed_since.is_none() => Line::of(Role::TextDim, format::NONE),
        None if start.open_phase().is_some_and(|open| open.name <= PhaseName::Boot) => {
            Line::of(Role::Unknown, format::NOT_YET)
        }
        None => Line::of(Role::Unknown, format::UNKNOWN),
    }
}

/// What the open step waits for and since when, in one sentence; `None` where none goes on.
pub(super) fn waits_for(start: &ColdStart, now: Time) -> Option<String> {
    let open = start.open_phase()?;
    Some(match &start.cause {
        Some(cause) => of_cause(start, open, cause, now),
        None => format!("{} {}", doing(open.name), elapsed(open.start(), now)),
    })
}

fn elapsed(since: Time, now: Time) -> String {
    format!("for {}", format::age(now.seconds_since(since)))
}

/// What happens in a step.
const fn doing(step: PhaseName) -> &'static str {
    match step {
        PhaseName::Queued => "queued",
        PhaseName::Suspended => "suspended",
        PhaseName::Gated => "held by its scheduling gates",
        PhaseName::WaitingForCapacity => "waiting for capacity",
        PhaseName::Launch => "its machine is launched",
        PhaseName::Boot => "its machine boots",
        PhaseName::Register => "its Node registers",
        PhaseName::Initialize => "its Node initializes",
        PhaseName::Schedule => "waiting for the scheduler",
        PhaseName::Sandbox => "making volumes and network",
        PhaseName::Pull => "pulling images",
        PhaseName::Init => "running init containers",
        PhaseName::Start => "starting containers",
        PhaseName::Ready => "running, not ready",
    }
}

fn of_cause(start: &ColdStart, open: &Phase, cause: &Cause, now: Time) -> String {
    let since = cause.since.unwrap_or_else(|| open.start());
    let (since, age) = (elapsed(since, now), format::age(now.seconds_since(since)));
    let message = cause.message.trim();
    match cause.reason {
        CauseReason::InsufficientCapacity => {
            format!("waiting {age} for capacity: {}{}", insufficient(message), count_of_failures(start))
        }
        CauseReason::ResourceNotRegistered => match resource(message) {
            Some(resource) => format!("device plugin: {resource} not registered {age}"),
            None => format!("devices not registered {age}: {message}"),
        },
        CauseReason::Unschedulable if open.name == PhaseName::WaitingForCapacity => {
            format!("waiting {age} for capacity: {message}")
        }
        CauseReason::ImagePull => match pulled_image(start) {
            Some(image) => format!("pulling {image} {since}"),
            None => format!("{message} {since}"),
        },
        CauseReason::ImagePullFailed => format!("image not pulled {since}: {message}"),
        CauseReason::Volume => format!("volume not mounted {since}: {message}"),
        CauseReason::Network => format!("no network {since}: {message}"),
        // Karpenter's words for a machine that boots.
        CauseReason::NodeNotFound => format!("{} {since}", doing(open.name)),
        CauseReason::NodeClassNotReady
        | CauseReason::StartupTaintsExist
        | CauseReason::NodeNotReady
        | CauseReason::Unschedulable
        | CauseReason::InitContainer
        | CauseReason::Unknown => format!("{} {since}: {message}", doing(open.name)),
    }
}

/// `InsufficientCapacityError p5.48xlarge us-east-1b`; AWS's words where they tell no type.
fn insufficient(message: &str) -> String {
    match scarce(message) {
        Some(what) => format!("InsufficientCapacityError {what}"),
        None => format!("InsufficientCapacityError: {message}"),
    }
}

/// `p5.48xlarge us-east-1b`: what AWS has none of; `None` where its words tell no type.
pub(super) fn scarce(message: &str) -> Option<String> {
    // "sufficient p5.48xlarge capacity in the Availability Zone you requested (us-east-1b)" (EC2 CreateFleet)
    let instance_type = message.split_once("have sufficient ").and_then(|(_, rest)| rest.split_once(" capacity"));
    let instance_type = instance_type.map(|(name, _)| name).filter(|name| !name.contains(' '));
    let zone = message.split_once("you requested (").and_then(|(_, rest)| rest.split_once(')'));
    let zone = zone.map_or_else(String::new, |(zone, _)| format!(" {zone}"));
    instance_type.map(|instance_type| format!("{instance_type}{zone}"))
}

fn count_of_failures(start: &ColdStart) -> String {
    match start.launch_failures.len() {
        0 | 1 => String::new(),
        count => format!(", {count} launches failed"),
    }
}

/// Of Karpenter's `Resource "nvidia.com/gpu" was requested but not registered`.
fn resource(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("Resource \"")?;
    rest.split_once('"').map(|(name, _)| name)
}

/// The image that is being pulled, by the end of its name.
fn pulled_image(start: &ColdStart) -> Option<&str> {
    let is_pulled = |image: &&ImageStart| image.is_cached == Some(false) && image.pull_millis.is_none();
    start.images.iter().find(is_pulled).map(|image| short_image(&image.image))
}

/// The end of an image's name: `pytorch-train:2.8-cuda12`.
pub(super) fn short_image(image: &str) -> &str {
    image.rsplit_once('/').map_or(image, |(_, name)| name)
}

/// What took longest: `Pull took 7m21s of it`.
fn longest(start: &ColdStart, now: Time) -> Option<String> {
    let longest = start.phases.iter().max_by_key(|phase| phase.seconds(now))?;
    let is_worth_telling = start.phases.len() > 1 && longest.seconds(now) > 0;
    // The time of steps that nobody observed is in those that follow.
    let with = if start.is_complete { "" } else { " with what was not observed" };
    is_worth_telling.then(|| format!("{}{with} took {} of it", longest.name, format::span(longest.seconds(now))))
}

/// What a colleague would say about a start, behind the name of the pod.
pub(super) fn sentence(app: &App, start: &ColdStart) -> String {
    let mut parts = Vec::new();
    if let Some(waits) = waits_for(start, app.now) {
        parts.push(waits);
        parts.extend(app.insights.starts.eta_seconds(start, app.now).map(eta_words));
    } else {
        let word = if start.ready().is_some() { "ready" } else { "started" };
        parts.push(format!("was {word} after {}", total(start, app.now)));
        parts.extend(longest(start, app.now));
    }
    parts.extend(cost_words(app, start));
    parts.extend(reservations(start).into_iter().map(str::to_owned));
    parts.join("; ")
}

/// `$9.71 paid before it was ready`.
pub(super) fn cost_words(app: &App, start: &ColdStart) -> Option<String> {
    let micros = app.insights.picture.start_cost(&app.fleet, start, app.now)?;
    let until = if start.open_phase().is_some() { "so far" } else { "before it was ready" };
    Some(format!("{} paid {until}", money::sum(micros)))
}

/// What is wanting in what is known.
fn reservations(start: &ColdStart) -> Vec<&'static str> {
    let notes = [
        (!start.is_complete, "incomplete: not every step was observed"),
        (start.is_restarted, "containers have been started again since"),
    ];
    notes.into_iter().filter(|(is_so, _)| *is_so).map(|(_, words)| words).collect()
}

/// The first line about a start: how long, what it costs, what is to come, what is wanting.
pub(super) fn headline(app: &App, start: &ColdStart) -> Line {
    let so_far = if start.open_phase().is_some() { " so far" } else { "" };
    let mut parts = vec![format!("{}{so_far}", format::span(start.total_seconds(app.now)))];
    parts.extend(cost_words(app, start));
    parts.extend(app.insights.starts.eta_seconds(start, app.now).map(eta_words));
    parts.extend(reservations(start).into_iter().map(str::to_owned));
    state(start).and(Role::Text, format!("   {}", parts.join(" · ")))
}

/// Instance type, zone and NodePool, as far as they are known.
pub(super) fn place(start: &ColdStart) -> Option<String> {
    let pool = start.pool.as_ref().map(|pool| format!("NodePool {pool}"));
    let named = [start.instance_type.as_ref(), start.zone.as_ref()];
    let known: Vec<String> = named.into_iter().flatten().map(ToString::to_string).chain(pool).collect();
    let age = if start.is_node_new { "a Node made for it" } else { "a Node that was there" };
    (!known.is_empty()).then(|| format!("{} · {age}", known.join(" · ")))
}

/// `pulled in 7m21s, waited 12s for other pulls, 10 GiB, 24 MiB/s`, or how else it came to the Node.
pub(super) fn image(start: &ColdStart, image: &ImageStart) -> Line {
    let mut words = Vec::new();
    match (image.is_cached, image.pull_millis) {
        (Some(true), _) => words.push("was on the Node".to_owned()),
        (Some(false), Some(millis)) => {
            words.push(format!("pulled in {}", duration::format_compact(whole_seconds(millis))));
        }
        (Some(false), None) => words.push("being pulled".to_owned()),
        (None, _) if start.open_phase().is_some_and(|open| open.name <= PhaseName::Pull) => {
            words.push("not pulled yet".to_owned());
        }
        (None, _) if image.seems_cached => words.push("seems to have been on the Node, so soon did it run".to_owned()),
        (None, _) => words.push("nobody told how it came to the Node".to_owned()),
    }
    let waited = image.wait_millis.map(whole_seconds).filter(|seconds| *seconds > 0);
    words.extend(waited.map(|seconds| format!("waited {} for other pulls", duration::format_compact(seconds))));
    words.extend(image.bytes.and_then(|bytes| i64::try_from(bytes).ok()).map(format::bytes));
    words.extend(bytes_per_second(image).map(speed));
    let line = Line::plain(words.join(", "));
    if image.failures == 0 {
        return line;
    }
    let error = image.error.as_ref().map_or(String::new(), |error| format!(": {error}"));
    line.and(Role::Warn, format!(", {} failed{error}", format::plural(image.failures, "pull")))
}

/// `7m10s`.
pub(super) fn length(seconds: u64) -> String {
    format::span(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// Whole seconds of milliseconds.
pub(super) fn whole_seconds(millis: u64) -> i64 {
    i64::try_from(millis / 1_000).unwrap_or(i64::MAX)
}

fn bytes_per_second(image: &ImageStart) -> Option<u64> {
    let (bytes, millis) = (image.bytes?, image.pull_millis?);
    bytes.saturating_mul(1_000).checked_div(millis)
}

/// `24 MiB/s`.
pub(super) fn speed(bytes_per_second: u64) -> String {
    format!("{}/s", format::bytes(i64::try_from(bytes_per_second).unwrap_or(i64::MAX)))
}

/// How many launches failed, and how the last one did: all words of the cloud are in the JSON.
pub(super) fn launch_failures(start: &ColdStart, now: Time) -> Option<String> {
    let (first, last) = (start.launch_failures.first()?, start.launch_failures.last()?);
    let launches = match start.launch_failures.len() {
        1 => "1 launch".to_owned(),
        count => format!("{count} launches"),
    };
    let LaunchFailure { claim, reason, .. } = last;
    let since = format::clock_seconds(now, first.at);
    Some(format!("{launches} failed since {since}, the last of NodeClaim {claim}: {}", reason.name()))
}

/// The Job of these starts, where they are of one.
fn job_of<'a>(app: &'a App, starts: &[&ColdStart]) -> Option<&'a JobRow> {
    relation::job_of(&app.fleet, app.fleet.pods.get(&starts.first()?.pod)?)
}

/// What the pods of a Job make together: how many, the slowest, how far apart, what it cost. Of those that take turns the last
/// one was waited for by nobody.
pub(super) fn gang(app: &App, starts: &[&ColdStart], gang: &GangStart) -> String {
    if let Some(job) = job_of(app, starts).filter(|job| !starts_together(job)) {
        let open = if gang.open > 0 { format!(", {} still starting", format::count(gang.open)) } else { String::new() };
        let pods = format::plural(gang.pods, "pod");
        return format!("{pods}, at most {} at a time{open}", format::count(job.parallelism));
    }
    let mut parts = vec![format!("{}, the slowest {}", format::plural(gang.pods, "pod"), gang.slowest.name)];
    if gang.open > 0 {
        parts.push(format!("{} still starting", format::count(gang.open)));
    }
    parts.extend(gang.skew_seconds.map(|skew| format!("ready within {}", format::span(skew))));
    let until = if gang.open > 0 { "so far" } else { "before the last was ready" };
    let paid = app.insights.picture.gang_start_cost(&app.fleet, starts, app.now);
    parts.extend(paid.map(|micros| format!("{} paid {until}", money::sum(micros))));
    parts.join(", ")
}

/// When the first and the last of them were ready; `None` where none is.
pub(super) fn first_and_last_ready(starts: &[&ColdStart], now: Time) -> Option<String> {
    let ready = || starts.iter().filter_map(|start| start.ready());
    let (first, last) = (ready().min()?, ready().max()?);
    let (first, last) = (format::clock_seconds(now, first), format::clock_seconds(now, last));
    Some(match ready().count() {
        count if count == starts.len() => format!("the first {first}, the last {last}"),
        count => format!("the first {first}; {count} of {} by now", starts.len()),
    })
}
