//! A NodePool: what it allows to be disrupted now and next, its limits, its nodes.

use super::super::context::FrameContext;
use super::super::timeline::{self, Timeline};
use super::super::{Line, format, pools, words};
use super::{Page, cost, images};
use crate::app::node_phase;
use crate::config::Role;
use crate::fleet::{Budget, Kind, NodePoolRow, NodeRow, ObjectKey, Sym};
use crate::insight::disruption::{BudgetWindow, PoolBudgets, Reason};
use crate::units::{Time, duration};

/// Details of a NodePool; `None` where it is gone.
pub(super) fn page(frame: &FrameContext<'_>, key: &ObjectKey) -> Option<Page> {
    let pool = frame.app.fleet.node_pools.get(key)?;
    let mut page = Page::new("NodePool", &key.name);
    page.line(pools::readiness(pool));
    budgets(frame, pool, &mut page);
    disruption(pool, &mut page);
    limits(pool, &mut page);
    images::of_pool(frame, pool, &mut page);
    nodes(frame, pool, &mut page);
    page.conditions(frame, &pool.conditions);
    Some(page)
}

fn disruption(pool: &NodePoolRow, page: &mut Page) {
    page.section("DISRUPTION");
    if let Some(replicas) = pool.replicas {
        page.fact("static", Line::plain(format!("{replicas} replicas, never consolidated")));
    } else {
        page.fact_if("policy", Some(&pool.consolidation_policy));
        page.fact("after", Line::plain(pools::lifetime(pool.consolidate_after)));
    }
    page.fact(
        "expireAfter",
        Line::plain(pools::lifetime(pool.expire_after)).and(Role::TextDim, "  of NodeClaims to come"),
    );
    page.fact_if("grace period", pool.termination_grace_seconds.map(duration::format_compact));
    page.fact("weight", Line::plain(format::count(pool.weight)));
    page.fact_if("NodeClass", pool.node_class.as_ref().map(|class| format!("{} {}", class.kind, class.name)));
}

fn budgets(frame: &FrameContext<'_>, pool: &NodePoolRow, page: &mut Page) {
    page.section("BUDGETS");
    let Some(budgets) = frame.evaluator().budgets(&pool.meta.key.name) else {
        page.item(Line::of(Role::TextDim, "none: a Provisioner has no budgets"));
        return;
    };
    match &pool.budgets {
        None => page.item(Line::plain("10% of the nodes, for every reason: Karpenter's default")),
        Some(written) => written.iter().for_each(|budget| page.item(budget_line(frame, budget))),
    }
    page.section("ALLOWED NOW");
    if frame.evaluator().counts_are_known() {
        Reason::ALL.into_iter().for_each(|reason| page.fact(reason.name(), allowed_line(frame, budgets, reason)));
        users(frame, pool, budgets, page);
    } else {
        page.item(Line::of(
            Role::Unknown,
            format!("{} not known: not all nodes and NodeClaims are read", format::UNKNOWN),
        ));
    }
    let next = match budgets.next_change(frame.app.now) {
        Some(at) => format!("{} UTC ({})", format::clock(frame.app.now, at), format::relative(frame.app.now, at)),
        None => "never".to_owned(),
    };
    page.fact("next change", Line::plain(next));
    next_day(frame, budgets, page);
}

/// `2 more of 15: 3 allowed, 1 in use`, and when it opens where nothing is allowed.
fn allowed_line(frame: &FrameContext<'_>, budgets: &PoolBudgets, reason: Reason) -> Line {
    let (allowed, left) = (budgets.allowed(reason, frame.app.now), budgets.remaining(reason, frame.app.now));
    if timeline::is_any(allowed) {
        return Line::plain("any number: no budget limits it now");
    }
    let of = format::plural(budgets.counted, "node");
    let text = format!(
        "{} more of {of} ({} allowed, {} in use)",
        format::count(left),
        timeline::allowed(allowed),
        budgets.disrupting
    );
    if left > 0 {
        return Line::plain(text);
    }
    let opens = match budgets.opens_at(reason, frame.app.now) {
        Some(at) => {
            format!(", opens {} UTC ({})", format::clock(frame.app.now, at), format::relative(frame.app.now, at))
        }
        None if allowed > 0 => ", until one of those is back".to_owned(),
        None => ", and no window opens it".to_owned(),
    };
    Line::of(Role::Warn, text).and(Role::Warn, opens)
}

/// The nodes that use up what is allowed.
fn users(frame: &FrameContext<'_>, pool: &NodePoolRow, budgets: &PoolBudgets, page: &mut Page) {
    if budgets.disrupting == 0 {
        return;
    }
    let uses = |node: &&NodeRow| frame.node(node).is_some_and(|picture| picture.uses_budget);
    let of_pool = frame.app.fleet.nodes.iter().filter(|node| node.node_pool() == Some(&pool.meta.key.name));
    let mut nodes: Vec<&NodeRow> = of_pool.filter(uses).collect();
    nodes.sort_by(|a, b| a.meta.key.cmp(&b.meta.key));
    for node in nodes.iter().take(MOST_USERS) {
        let line = words::node(node_phase(node, frame.app)).line();
        page.fact("in use by", Line::of(Role::TextStrong, &node.meta.key.name).and(Role::Text, "  ").then(line));
    }
    let more = nodes.len().saturating_sub(MOST_USERS);
    if more > 0 {
        page.fact("", Line::of(Role::TextDim, format!("and {}", format::plural(more, "other node"))));
    }
}

/// More nodes that use up a budget are only counted.
const MOST_USERS: usize = 5;

/// The next 24 hours: one bar for each reason.
fn next_day(frame: &FrameContext<'_>, budgets: &PoolBudgets, page: &mut Page) {
    page.section("NEXT 24 H (UTC)");
    let slots = if frame.app.ui.size.0 < NARROW_BELOW { 24 } else { 48 };
    let line = Timeline::new(budgets, frame.app.now, slots);
    page.fact("", Line::of(Role::TextDim, line.scale()));
    for reason in Reason::ALL {
        let bar = Line::of(Role::BarFill, line.of(reason));
        page.fact(reason.name(), bar.and(Role::TextDim, edge_words(frame, line.edge(reason))));
    }
    page.fact("", Line::of(Role::TextDim, timeline::LEGEND));
}

/// `  closes 18:15`, `  opens 02:15: 1`.
fn edge_words(frame: &FrameContext<'_>, edge: Option<(Time, i64)>) -> String {
    match edge {
        None => String::new(),
        Some((at, 0)) => format!("  closes {}", format::clock(frame.app.now, at)),
        Some((at, nodes)) => format!("  opens {}: {}", format::clock(frame.app.now, at), timeline::allowed(nodes)),
    }
}

/// Below this width a slot of the time line is an hour.
const NARROW_BELOW: u16 = 70;

fn budget_line(frame: &FrameContext<'_>, budget: &Budget) -> Line {
    let window = BudgetWindow::of(budget);
    let state = window.at(frame.app.now);
    let (glyph, role) = if state.active_now { ("●", Role::Text) } else { ("○", Role::TextDim) };
    let reasons = match &budget.reasons {
        None => "every reason".to_owned(),
        Some(reasons) if reasons.is_empty() => "no reason".to_owned(),
        Some(reasons) => reasons.iter().map(Sym::as_str).collect::<Vec<_>>().join(", "),
    };
    let line = Line::of(role, format!("{glyph} {} for {reasons}", budget.nodes));
    if let BudgetWindow::Broken(problem) = &window {
        return line.and(Role::Bad, format!("  △ allows nothing: {problem}"));
    }
    line.and(Role::TextDim, schedule(frame, budget, &state))
}

fn schedule(frame: &FrameContext<'_>, budget: &Budget, state: &crate::insight::disruption::BudgetState) -> String {
    let Some(schedule) = &budget.schedule else { return "  always".to_owned() };
    let duration = budget.duration.as_ref().map_or_else(String::new, |duration| format!(" for {duration}"));
    let next = match (state.active_now, state.next_change) {
        (true, Some(at)) => format!(", until {}", format::clock(frame.app.now, at)),
        (false, Some(at)) => format!(", next at {}", format::clock(frame.app.now, at)),
        (_, None) => String::new(),
    };
    format!("  \"{schedule}\"{duration}{next}")
}

fn limits(pool: &NodePoolRow, page: &mut Page) {
    page.section("LIMITS AND USE");
    let limited = pools::limits(pool);
    if limited.is_empty() {
        page.item(Line::of(Role::TextDim, "no limits"));
    }
    limited.iter().for_each(|text| page.item(Line::plain(text)));
    let free = pool.usage.iter().filter(|(name, _)| !pool.limits.iter().any(|(limited, _)| limited == name));
    free.for_each(|(name, amount)| page.item(Line::of(Role::TextDim, format!("{name} {amount}"))));
}

fn nodes(frame: &FrameContext<'_>, pool: &NodePoolRow, page: &mut Page) {
    page.section("NODES");
    cost::of_pool(frame, pool, page);
    let name = &pool.meta.key.name;
    let mut nodes: Vec<&NodeRow> = frame.app.fleet.nodes.iter().filter(|node| node.node_pool() == Some(name)).collect();
    nodes.sort_by(|a, b| a.meta.key.cmp(&b.meta.key));
    if nodes.is_empty() {
        let (role, text) =
            if frame.readable(Kind::Node) { (Role::TextDim, "none") } else { (Role::Unknown, format::NOT_YET) };
        page.item(Line::of(role, text));
    }
    for node in nodes.into_iter().take(MOST_NODES) {
        let phase = node_phase(node, frame.app);
        let kind = node.instance_type().map_or("", |kind| kind.as_str());
        let age = format::age(frame.app.now.seconds_since(node.meta.created));
        let line = words::node(phase).line().and(Role::TextStrong, format!("  {}", node.meta.key.name));
        page.item(line.and(Role::TextDim, format!("  {kind}  {age}")));
    }
}

/// The Fleet screen, narrowed to the NodePool, has them all.
const MOST_NODES: usize = 100;
