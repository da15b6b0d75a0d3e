//! A spot pool: where it stands, what goes with it, how its risk comes about, what was seen of it.

use super::super::context::FrameContext;
use super::super::spot_pools::{cost, cut_short, loss, protected};
use super::super::{Line, format, money, score, spot, words};
use super::Page;
use crate::config::Role;
use crate::fleet::{Kind, Sym};
use crate::insight::interruption::SpotKind;
use crate::insight::picture::JobStake;
use crate::insight::spot::{LIMITS, Score, SpotNode, SpotPool, SpotPoolKey};

/// Details of a spot pool; of one without Nodes that they are gone.
pub(super) fn page(frame: &FrameContext<'_>, key: &SpotPoolKey) -> Page {
    let mut page = Page::new("spot pool", &key.to_string());
    let Some(pool) = frame.app.insights.spot.pool(key) else {
        page.line(Line::of(Role::Warn, "✗ it has no nodes any more"));
        interruptions(frame, key, &mut page);
        return page;
    };
    page.line(summary(frame, pool));
    page.line(Line::of(Role::TextDim, spot::meaning(pool.state)));
    stake(frame, pool, &mut page);
    risk(pool, &mut page);
    nodes(frame, pool, &mut page);
    jobs(frame, pool, &mut page);
    interruptions(frame, key, &mut page);
    limits(&mut page);
    page
}

fn summary(frame: &FrameContext<'_>, pool: &SpotPool) -> Line {
    let node_pools: Vec<&str> = pool.node_pools.iter().map(Sym::as_str).collect();
    let parts = [
        Some(kind(pool.kind).to_owned()),
        (!node_pools.is_empty()).then(|| format!("NodePools {}", node_pools.join(", "))),
        Some(format::plural(pool.nodes, "node")),
        Some(share(frame, pool)),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let state = spot::state(pool.state, pool.ends_at, frame.app.now);
    state.and(Role::Text, format!("   {}", parts.join(" · ")))
}

fn share(frame: &FrameContext<'_>, pool: &SpotPool) -> String {
    format!("{}% of all spot nodes", pool.share_millionths(frame.app.insights.spot.totals()) / 10_000)
}

const fn kind(kind: SpotKind) -> &'static str {
    match kind {
        SpotKind::AwsSpot => "AWS spot",
        SpotKind::GcpSpot => "Google spot",
        SpotKind::GcpPreemptible => "Google preemptible",
        SpotKind::AzureSpot => "Azure spot",
        SpotKind::Other => "spot",
    }
}

/// What goes with it, what that costs, and what does not help.
fn stake(frame: &FrameContext<'_>, pool: &SpotPool, page: &mut Page) {
    page.section("IF THIS POOL GOES NOW");
    page.fact("goes", Line::plain(loss(frame, pool)));
    page.fact("$/h", cost(frame, &pool.stake).and(Role::TextDim, " now").then(savings(pool)));
    let grace = format::age(pool.kind.grace_seconds());
    if let Some(words) = cut_short(frame, &pool.stake) {
        let words = format!("△ {words}: a notice leaves them {grace}");
        page.fact("no time", Line::of(Role::Warn, words));
    } else if frame.all(Kind::Pod) {
        page.fact("no time", Line::of(Role::TextDim, "no pod needs longer to end than it gets"));
    }
    let reason = "protection stops Karpenter, not the cloud";
    match protected(frame, &pool.stake) {
        Some(words) => page.fact("no help", Line::of(Role::Warn, format!("△ {words}: {reason}"))),
        None => page.fact("no help", Line::of(Role::TextDim, reason)),
    }
}

fn savings(pool: &SpotPool) -> Line {
    match (pool.stake.savings, pool.savings_millionths()) {
        (Some(saved), Some(share)) if saved >= 0 => {
            let words = format!(", {} ({}%) less than on demand", money::rate(saved), share / 10_000);
            Line::of(Role::TextDim, words)
        }
        (Some(_), _) => Line::of(Role::Warn, ", more than on demand"),
        (None, _) => Line::of(Role::Unknown, ", savings are not known"),
    }
}

/// The terms of the score, as `batchtop spot explain` prints them.
fn risk(pool: &SpotPool, page: &mut Page) {
    page.section("RISK");
    page.fact("risk", Line::plain(score::risk(&pool.score)));
    page.fact("coverage", coverage(&pool.score));
    for input in score::INPUTS {
        let figures = format!("{:>4} × {}  ", score::value(input, &pool.score), score::weight(input));
        let words = score::words(input, &pool.inputs);
        page.fact(input.name(), Line::of(Role::TextDim, figures).and(Role::Text, words));
    }
    page.fact("expected", Line::plain(score::rate(&pool.inputs.hazard)));
}

fn coverage(of: &Score) -> Line {
    let letters = score::letters(of);
    let line = Line::plain(format!("{} % of all evidence", of.coverage_percent));
    if letters.is_empty() { line } else { line.and(Role::TextDim, format!(" ({letters})")) }
}

/// The worst first.
fn nodes(frame: &FrameContext<'_>, pool: &SpotPool, page: &mut Page) {
    page.section("NODES");
    let spot = &frame.app.insights.spot;
    let mut nodes: Vec<(&Sym, &Score, &SpotNode)> =
        pool.members.iter().filter_map(|(name, score)| Some((name, score, spot.node(name)?))).collect();
    nodes.sort_by_key(|(name, score, node)| (std::cmp::Reverse((node.state, score.risk)), (*name).clone()));
    let more = nodes.len().saturating_sub(MOST_NODES);
    for (name, score, node) in nodes.into_iter().take(MOST_NODES) {
        let line = spot::state(node.state, node.ends_at, frame.app.now)
            .and(Role::Text, "  ")
            .and(Role::TextStrong, words::node_name(name, frame.app.ui.size.0))
            .and(Role::TextDim, "  risk ")
            .then(spot::risk(score))
            .then(signal(frame, node))
            .and(Role::TextDim, format!("  {}", on_node(frame, node)));
        page.item(line);
    }
    if more > 0 {
        page.item(Line::of(Role::TextDim, format!("and {}", format::plural(more, "other node"))));
    }
}

/// Fleet, narrowed to the pool, has them all.
const MOST_NODES: usize = 50;

fn signal(frame: &FrameContext<'_>, node: &SpotNode) -> Line {
    let Some(signal) = &node.signal else { return Line::new() };
    let at = signal.at.map_or_else(String::new, |at| format!(" {}", format::relative(frame.app.now, at)));
    Line::of(Role::Text, format!("  {}{at}", signal.reason))
}

fn on_node(frame: &FrameContext<'_>, node: &SpotNode) -> String {
    if !frame.all(Kind::Pod) {
        return frame.pods_unknown().to_owned();
    }
    let stake = &node.stake;
    let some = |count: u64, words: &str| (count > 0).then(|| format!("{} {words}", format::count(count)));
    let parts = [
        Some(format::plural(stake.pods, "pod")),
        some(stake.pods_protected, "protected"),
        some(stake.pods_cut_short, "without time to end"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What each Job has that stays, and what it loses.
fn jobs(frame: &FrameContext<'_>, pool: &SpotPool, page: &mut Page) {
    page.section("JOBS");
    if !frame.all(Kind::Pod) {
        page.item(Line::of(Role::Unknown, format!("{} {}", format::UNKNOWN, frame.pods_unknown())));
        return;
    }
    let mut jobs = frame.app.insights.spot.jobs_of(&frame.app.fleet, pool, frame.app.now);
    if jobs.is_empty() {
        page.item(Line::of(Role::TextDim, "none"));
    }
    jobs.sort_by(|a, b| b.lost_seconds.cmp(&a.lost_seconds).then_with(|| a.job.cmp(&b.job)));
    let more = jobs.len().saturating_sub(MOST_JOBS);
    jobs.iter().take(MOST_JOBS).for_each(|stake| page.item(job_line(stake)));
    if more > 0 {
        page.item(Line::of(Role::TextDim, format!("and {}", format::plural(more, "other Job"))));
    }
}

/// Those that lose most come first; more nobody reads.
const MOST_JOBS: usize = 50;

fn job_line(stake: &JobStake) -> Line {
    let lost = match stake.lost_seconds {
        None => "no pod of it there has started".to_owned(),
        Some(seconds) => format!("loses up to {}", format::span(seconds)),
    };
    let complete = match stake.completed_millionths {
        None => "completions are not counted".to_owned(),
        Some(0) => "nothing of it is complete yet".to_owned(),
        Some(share) => format!("{}% is complete and stays", share / 10_000),
    };
    Line::of(Role::TextStrong, stake.job.to_string())
        .and(Role::Text, format!("  {lost}"))
        .and(Role::TextDim, format!("  {complete}"))
}

/// Nodes of the pool that were taken back, the last first.
fn interruptions(frame: &FrameContext<'_>, key: &SpotPoolKey, page: &mut Page) {
    page.section("INTERRUPTIONS SEEN IN 24 H");
    let mut times: Vec<_> = frame.app.insights.spot.memory().interruptions_of(key).map(|(_, at)| at).collect();
    times.sort_unstable_by(|a, b| b.cmp(a));
    if times.is_empty() {
        page.item(Line::of(Role::TextDim, "none that batchtop has seen"));
    }
    let more = times.len().saturating_sub(MOST_INTERRUPTIONS);
    for at in times.into_iter().take(MOST_INTERRUPTIONS) {
        let now = frame.app.now;
        let words = format!("{} UTC ({})", format::clock(now, at), format::relative(now, at));
        page.item(Line::plain(words).and(Role::TextDim, "  notice for a node"));
    }
    if more > 0 {
        page.item(Line::of(Role::TextDim, format!("and {} before", format::count(more))));
    }
}

/// More are only counted.
const MOST_INTERRUPTIONS: usize = 10;

/// A paragraph of the text is one line here; the page breaks it to its own width.
fn limits(page: &mut Page) {
    page.section("WHAT THE RISK CANNOT TELL");
    let text = LIMITS.split_once('\n').map_or("", |(_, rest)| rest);
    for limit in text.split("- ").map(|one| one.split_whitespace().collect::<Vec<_>>().join(" ")) {
        if !limit.is_empty() {
            page.item(Line::of(Role::TextDim, format!("· {limit}")));
        }
    }
}
