//! A spot pool: where it stands, what goes with it, how its risk comes about, what was seen of it.

use super::super::context::FrameContext;
use super::super::spot_pools::{cost, cut_short, gangs, losing, loss, protected};
use super::super::{Line, format, money, score, spot, words};
use super::{Page, spot_price};
use crate::config::Role;
use crate::fleet::{Kind, Sym};
use crate::insight::interruption::SpotKind;
use crate::insight::picture::{GangStake, JobStake};
use crate::insight::spot::{LIMITS, Score, SpotNode, SpotPool, SpotPoolKey, SpotZoneKey};
use crate::units::Time;

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
    zone(frame, pool, &mut page);
    risk(frame, pool, &mut page);
    spot_price::section(frame, pool, &mut page);
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
    page.fact("goes", Line::plain(loss(frame, pool.nodes, &pool.stake)));
    page.fact("$/h", cost(frame, &pool.stake).and(Role::TextDim, " now").then(savings(pool)));
    if let Some(saved) = frame.app.insights.spot.saved(&pool.key).filter(|saved| *saved > 0) {
        let words = format!("{} less than on demand since batchtop started", money::sum(saved));
        page.fact("saved", Line::of(Role::TextDim, words));
    }
    let grace = format::age(pool.kind.grace_seconds());
    if let Some(words) = cut_short(frame, &pool.stake) {
        let words = format!("△ {words}: a notice leaves them {grace}");
        page.fact("no time", Line::of(Role::Warn, words));
    } else if frame.all(Kind::Pod) {
        page.fact("no time", Line::of(Role::TextDim, "no pod needs longer to end than it gets"));
    }
    let reason = "protection stops Karpenter, not the cloud";
    quorum(frame, &losing(frame, pool), page);
    match protected(frame, &pool.stake) {
        Some(words) => page.fact("no help", Line::of(Role::Warn, format!("△ {words}: {reason}"))),
        None => page.fact("no help", Line::of(Role::TextDim, reason)),
    }
}

/// Which gangs cannot run any more, and how many members each is short of.
fn quorum(frame: &FrameContext<'_>, losing: &[GangStake], page: &mut Page) {
    let Some(words) = gangs(frame, losing) else { return };
    page.fact("gangs", Line::of(Role::Warn, format!("△ {words}")));
    for one in losing.iter().take(MOST_JOBS) {
        let GangStake { gang, min_member, ready, staying } = one;
        let words = format!("{staying} of {ready} ready pods stay, it needs {min_member}");
        page.fact("", Line::of(Role::TextStrong, gang.object.to_string()).and(Role::TextDim, format!("  {words}")));
    }
}

/// All spot capacity of the zone of a pool, where the zone has other pools.
fn zone(frame: &FrameContext<'_>, pool: &SpotPool, page: &mut Page) {
    let Some(name) = &pool.key.zone else { return };
    let Some(zone) = frame.app.insights.spot.zone(&SpotZoneKey(Some(name.clone()))) else { return };
    page.section(&format!("IF ALL SPOT CAPACITY OF {name} GOES NOW"));
    if zone.pools == 1 {
        page.item(Line::of(Role::TextDim, "the same: this is the only spot pool of the zone"));
        return;
    }
    let nodes = zone.members.len() as u64;
    page.fact(
        "goes",
        Line::plain(format!("{}, {}", format::plural(zone.pools, "pool"), loss(frame, nodes, &zone.stake))),
    );
    page.fact("$/h", cost(frame, &zone.stake).and(Role::TextDim, " now"));
    if frame.all(Kind::Pod) {
        page.fact("Jobs", Line::plain(format::count(zone.stake.jobs.len())));
    }
    let goes = |node: &Sym| zone.members.contains(node);
    quorum(frame, &GangStake::losing(&frame.app.fleet, &zone.stake, goes), page);
    if let Some(words) = protected(frame, &zone.stake) {
        page.fact("no help", Line::of(Role::Warn, format!("△ {words}")));
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
fn risk(frame: &FrameContext<'_>, pool: &SpotPool, page: &mut Page) {
    page.section("RISK");
    page.fact("risk", Line::plain(score::risk(&pool.score, &frame.app.settings.spot)));
    page.fact("coverage", coverage(&pool.score));
    for input in score::INPUTS {
        let figures = format!("{:>4} × {}  ", score::value(input, &pool.score), score::weight(input));
        let words = score::words(input, &pool.inputs);
        page.fact(input.name(), Line::of(Role::TextDim, figures).and(Role::Text, words));
    }
    page.fact("expected", Line::plain(score::rate(&pool.inputs.hazard)));
    if let Some(advisor) = frame.app.fleet.spot_market.advisor.as_ref().filter(|_| pool.kind == SpotKind::AwsSpot) {
        page.fact("advisor", score::advisor(advisor, pool.inputs.hazard.prior, frame.app.now));
    }
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
            .then(spot::risk(score, &frame.app.settings.spot))
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
    let mut jobs = JobStake::of_all(&frame.app.fleet, &pool.stake, frame.app.work_settings());
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
    Line::of(Role::TextStrong, stake.job.to_string()).then(spot::job_loss(stake))
}

/// Nodes of the pool that were taken back, the last first.
fn interruptions(frame: &FrameContext<'_>, key: &SpotPoolKey, page: &mut Page) {
    page.section("INTERRUPTIONS SEEN IN 24 H");
    let mut times: Vec<_> = frame.app.insights.spot.memory().interruptions_of(key).map(|(_, at)| at).collect();
    times.sort_unstable_by(|a, b| b.cmp(a));
    if times.is_empty() {
        page.item(Line::of(Role::TextDim, "none that batchtop has seen"));
    }
    if !times.is_empty() {
        let line = Line::of(Role::TextDim, "24 h ago ").and(Role::Warn, hours(&times, frame.app.now));
        page.item(line.and(Role::TextDim, " now, by the hour"));
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

/// How many interruptions there were in each of the last 24 hours: a digit, a dot for none, a plus for more than nine.
fn hours(times: &[Time], now: Time) -> String {
    let in_hour = |hour: i64| times.iter().filter(|at| now.seconds_since(**at).div_euclid(3_600) == hour).count();
    let mark = |count: usize| match u32::try_from(count).ok().and_then(|count| char::from_digit(count, 10)) {
        Some('0') => '·',
        Some(digit) => digit,
        None => '+',
    };
    (0..24).rev().map(|hour| mark(in_hour(hour))).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interruptions_stand_at_their_hour_the_last_at_the_end() {
        let now = Time::from_seconds(1_790_000_000);
        let ago = |minutes: i64| now.plus_seconds(-60 * minutes);
        assert_eq!(hours(&[ago(0), ago(59), ago(61), ago(1_439), ago(1_441)], now), format!("1{}12", "·".repeat(21)));
        assert_eq!(hours(&[ago(5); 10], now), format!("{}+", "·".repeat(23)));
    }
}
