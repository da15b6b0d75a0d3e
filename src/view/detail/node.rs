//! A Node: what runs on it, what it is made of, where it came from.

use std::cmp::Reverse;

use super::super::context::FrameContext;
use super::super::{Line, format, pools, words};
use super::{Page, cost, gpus, spot_node, starts, verdict};
use crate::app::{claim_phase, node_phase};
use crate::config::Role;
use crate::fleet::{HealthState, Kind, NodeClaimRow, NodeRow, ObjectKey, PodRow, SourceId};
use crate::insight::disruption::{NodeAnnotation, protection};
use crate::insight::gpu::{self, Thousandths};

/// Details of a Node; `None` where it is gone.
pub(super) fn page(frame: &FrameContext<'_>, key: &ObjectKey) -> Option<Page> {
    let node = frame.app.fleet.nodes.get(key)?;
    let mut page = Page::new("Node", &key.name);
    page.line(summary(frame, node));
    page.lines.extend(protection_line(node));
    spot_node::alarm(frame, node, &mut page);
    verdict::sections(frame, node, &mut page);
    resources(frame, node, &mut page);
    gpus::section(frame, node, &mut page);
    pods(frame, node, &mut page);
    starts::of_node(frame, node, &mut page);
    cost::of_node(frame, node, &mut page);
    spot_node::section(frame, node, &mut page);
    relations(frame, node, &mut page);
    taints(node, &mut page);
    page.conditions(frame, &node.conditions);
    Some(page)
}

fn summary(frame: &FrameContext<'_>, node: &NodeRow) -> Line {
    let phase = node_phase(node, frame.app);
    let parts = [
        node.instance_type().map(ToString::to_string),
        node.capacity_type().map(|capacity| capacity.name().to_owned()),
        node.zone().map(ToString::to_string),
        Some(match node.node_pool() {
            Some(pool) => format!("pool {pool}"),
            None => "not managed by Karpenter".to_owned(),
        }),
        Some(format!("{} old", format::span(frame.app.now.seconds_since(node.meta.created)))),
        node.cordoned.then(|| "cordoned".to_owned()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let line = words::node(phase).line().and(Role::Text, format!("   {}", parts.join(" · ")));
    match frame.node(node) {
        Some(said) => line.and(Role::Text, " · ").then(cost::headline(frame, &said.cost)),
        None => line,
    }
}

/// Of its own annotation, where it has one.
fn protection_line(node: &NodeRow) -> Option<Line> {
    let value = node.do_not_disrupt.as_ref().map_or("", |value| value.as_str());
    match protection::of_node(node) {
        NodeAnnotation::Absent => None,
        NodeAnnotation::Protects => Some(Line::of(
            Role::Protected,
            "▣ protected: Karpenter leaves it and all its pods alone until the annotation is removed",
        )),
        NodeAnnotation::Ignored => {
            let words = format!("△ not protected: on a Node only \"true\" counts, not \"{value}\"");
            Some(Line::of(Role::Warn, words))
        }
    }
}

fn resources(frame: &FrameContext<'_>, node: &NodeRow, page: &mut Page) {
    page.section("RESOURCES");
    let picture = frame.node(node).filter(|_| frame.all(Kind::Pod));
    let amount = |requested: Option<i64>, whole: i64, write: fn(i64) -> String| {
        let Some(requested) = requested else {
            return Line::of(Role::Unknown, frame.unknown(Kind::Pod)).and(Role::Text, format!(" of {}", write(whole)));
        };
        let percent = format::percent(requested, whole).unwrap_or_else(|| format::UNKNOWN.to_owned());
        Line::plain(format!("{} of {} requested ({percent})", write(requested), write(whole)))
    };
    page.fact("cpu", amount(picture.map(|p| p.cpu_requested_millis), node.allocatable.cpu_millis, cpu));
    page.fact(
        "memory",
        amount(picture.map(|p| p.memory_requested_bytes), node.allocatable.memory_bytes, format::bytes),
    );
    page.fact("in use", usage(frame, node));
    page.fact_if("kubelet", Some(&node.kubelet_version));
}

/// What is in use of its CPU and memory, and how long ago that was measured; or why nobody tells.
fn usage(frame: &FrameContext<'_>, node: &NodeRow) -> Line {
    let Some(usage) = frame.app.fleet.node_usage.get(&node.meta.key.name) else { return not_measured(frame) };
    let share = |used, whole, write: fn(i64) -> String| match format::percent(used, whole) {
        Some(percent) => format!("{} ({percent})", write(used)),
        None => write(used),
    };
    let words = format!(
        "{}, {}",
        share(usage.cpu_millis, node.allocatable.cpu_millis, cpu),
        share(usage.memory_bytes, node.allocatable.memory_bytes, format::bytes)
    );
    let age = format::age(frame.app.now.seconds_since(usage.at));
    Line::plain(words).and(Role::TextDim, format!("  measured {age} ago"))
}

fn not_measured(frame: &FrameContext<'_>) -> Line {
    let health = frame.app.sources.get(&SourceId::NodeMetrics);
    let words = match health.map(|health| (health.state, health.message.as_ref())) {
        None | Some((HealthState::Connecting | HealthState::Syncing, _)) => format::NOT_YET.to_owned(),
        Some((state, Some(message))) if !state.is_complete() => format!("{} {message}", format::UNKNOWN),
        Some(_) => format!("{} not measured yet", format::UNKNOWN),
    };
    Line::of(Role::Unknown, words)
}

fn cpu(millis: i64) -> String {
    format::cores(millis) + " cpu"
}

fn pods(frame: &FrameContext<'_>, node: &NodeRow, page: &mut Page) {
    page.section("PODS");
    if !frame.readable(Kind::Pod) {
        page.item(Line::of(Role::Unknown, format!("{} pods are not known yet", format::NOT_YET)));
        return;
    }
    let mut pods: Vec<&PodRow> = frame.app.fleet.pods_on(&node.meta.key.name).collect();
    let gpus = |pod: &PodRow| Reverse(gpu::requested_by(&frame.app.fleet, pod));
    pods.sort_by_key(|pod| (!frame.protection(pod).state.is_active(), gpus(pod), pod.meta.key.clone()));
    if !frame.all(Kind::Pod) {
        let words = format!("{} only those of the namespaces that are readable", format::UNKNOWN);
        page.item(Line::of(Role::Unknown, words));
    } else if pods.is_empty() {
        page.item(Line::of(Role::TextDim, "none"));
    }
    pods.into_iter().for_each(|pod| page.item(pod_line(frame, pod)));
}

/// A pod in one line: state, name, what it asks for, its protection.
pub(super) fn pod_line<'a>(frame: &FrameContext<'a>, pod: &'a PodRow) -> Line {
    let gpus = match gpu::requested_by(&frame.app.fleet, pod) {
        Thousandths(0) => String::new(),
        gpus => format!(", {} GPU", format::thousandths(gpus)),
    };
    let requests =
        format!("  {} cpu, {}{gpus}", format::cores(pod.requests.cpu_millis), format::bytes(pod.requests.memory_bytes));
    let line = words::pod(pod).and(Role::Text, "  ").and(Role::TextStrong, pod.meta.key.to_string());
    let protection = words::shield(&frame.evaluator().pod(pod), frame.app.now);
    let line = line.and(Role::TextDim, requests);
    if protection.is_empty() { line } else { line.and(Role::Text, "  ").then(protection) }
}

fn relations(frame: &FrameContext<'_>, node: &NodeRow, page: &mut Page) {
    page.section("WHERE IT CAME FROM");
    match frame.app.fleet.claim_of(node) {
        Some(claim) => page.fact("NodeClaim", claim_line(frame, claim)),
        None => page.fact("NodeClaim", Line::of(Role::TextDim, "none: Karpenter did not make this Node")),
    }
    if let Some(name) = node.node_pool() {
        let pool = frame.app.fleet.node_pools.get(&ObjectKey::cluster(name));
        let line = match pool {
            Some(pool) => {
                Line::plain(name).and(Role::TextDim, "  budgets now: ").then(pools::active_budgets(pool, frame))
            }
            None => Line::plain(name).and(Role::Warn, "  △ does not exist (any more)"),
        };
        page.fact("NodePool", line);
    }
    page.fact_if("provider id", node.provider_id.as_ref());
}

fn claim_line(frame: &FrameContext<'_>, claim: &NodeClaimRow) -> Line {
    let line = Line::plain(&claim.meta.key.name)
        .and(Role::Text, "  ")
        .then(words::claim(claim_phase(claim, frame.app)).line());
    match claim.expires_at() {
        Some(at) => {
            let relative = format::relative(frame.app.now, at);
            line.and(Role::TextDim, format!("  expires {} ({relative})", format::clock(frame.app.now, at)))
        }
        None => line,
    }
}

fn taints(node: &NodeRow, page: &mut Page) {
    if node.taints.is_empty() {
        return;
    }
    page.section("TAINTS");
    for taint in &node.taints {
        let value = if taint.value.is_empty() { String::new() } else { format!("={}", taint.value) };
        page.item(Line::plain(format!("{}{value}:{}", taint.key, taint.effect)));
    }
}
