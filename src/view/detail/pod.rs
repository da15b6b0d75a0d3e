//! A pod: its state, its protection, its Node and its owners.

use super::super::context::FrameContext;
use super::super::verdict::NodeDisruptionText;
use super::super::{Line, format, life_line, words};
use super::{Page, cost, starts};
use crate::app::{job_state, node_phase};
use crate::config::Role;
use crate::fleet::{ObjectKey, PodRow};
use crate::insight::disruption::{NodeAnnotation, Outlook, Protection, ProtectionState, protection};
use crate::insight::relation;
use crate::units::duration;

/// Details of a pod; `None` where it is gone.
pub(super) fn page(frame: &FrameContext<'_>, key: &ObjectKey) -> Option<Page> {
    let pod = frame.app.fleet.pods.get(key)?;
    let mut page = Page::new("Pod", &key.to_string());
    let age = format::span(frame.app.now.seconds_since(pod.meta.created));
    page.line(words::pod(pod).and(Role::Text, format!("   {age} old")));
    if !pod.unschedulable.is_empty() {
        page.line(Line::of(Role::Warn, format!("△ cannot be scheduled: {}", pod.unschedulable)));
    }
    // While it starts nothing is asked more often than why it does not.
    if is_starting(frame, pod) {
        starts::of_pod(frame, pod, &mut page);
    }
    protected(frame, pod, &mut page);
    relations(frame, pod, &mut page);
    if !is_starting(frame, pod) {
        starts::of_pod(frame, pod, &mut page);
    }
    facts(frame, pod, &mut page);
    Some(page)
}

fn is_starting(frame: &FrameContext<'_>, pod: &PodRow) -> bool {
    frame.app.insights.starts.of_pod(&pod.meta.key).is_some_and(|start| start.open_phase().is_some())
}

fn protected<'a>(frame: &FrameContext<'a>, pod: &'a PodRow, page: &mut Page) {
    page.section("PROTECTION");
    let outlook = frame.evaluator().pod(pod);
    let found = &outlook.protection;
    let value = found.value.as_ref().map_or("", |value| value.as_str());
    match found.state {
        ProtectionState::None => page.item(Line::of(Role::TextDim, "none of its own")),
        _ => page.item(
            words::shield(&outlook, frame.app.now)
                .and(Role::TextDim, format!("  karpenter.sh/do-not-disrupt: \"{value}\"{}", since(frame, pod, found))),
        ),
    }
    page.items_of_outlook(frame, &outlook);
    if found.state.is_active() {
        page.lines.extend(life_line(frame, pod, &outlook));
    }
    let node = pod.node.as_ref().and_then(|node| frame.app.fleet.node(node));
    if node.is_some_and(|node| protection::of_node(node) == NodeAnnotation::Protects) {
        page.item(Line::of(Role::Protected, "▣ its Node is protected as a whole"));
    }
}

/// What ends its Node, when the pod is killed, and when its protection ends.
fn life_line(frame: &FrameContext<'_>, pod: &PodRow, outlook: &Outlook) -> Option<Line> {
    let node = pod.node.as_ref().and_then(|name| frame.app.fleet.node(name))?;
    let mut marks = life_line::of_hazards(&NodeDisruptionText::of(frame, node).hazards);
    marks.extend(life_line::of_outlook(outlook));
    life_line::line(frame.app.now, marks, frame.detail_width()).map(|line| Line::plain("  ").then(line))
}

/// From when a duration counts, and until when.
fn since(frame: &FrameContext<'_>, pod: &PodRow, found: &Protection) -> String {
    match (pod.started, found.until) {
        (Some(started), Some(until)) => {
            format!(" since {}, ends {}", format::clock(frame.app.now, started), format::clock(frame.app.now, until))
        }
        _ => String::new(),
    }
}

fn relations(frame: &FrameContext<'_>, pod: &PodRow, page: &mut Page) {
    page.section("BELONGS TO");
    page.fact("Node", node_line(frame, pod));
    if let Some(job) = relation::job_of(&frame.app.fleet, pod) {
        let state = words::job(job_state(job, frame.app).status).line();
        page.fact("Job", Line::plain(&job.meta.key.name).and(Role::Text, "  ").then(state));
    }
    if let Some(owner) = &pod.owner {
        page.fact("owner", Line::plain(format!("{} {}", owner.kind, owner.name)));
    }
    if let Some(top) = relation::top_owner(&frame.app.fleet, pod).filter(|top| Some(*top) != pod.owner.as_deref()) {
        page.fact("made by", Line::plain(format!("{} {}", top.kind, top.name)));
    }
}

fn node_line(frame: &FrameContext<'_>, pod: &PodRow) -> Line {
    let Some(name) = &pod.node else { return Line::of(Role::TextDim, "not bound yet") };
    let Some(node) = frame.app.fleet.node(name) else { return Line::plain(name).and(Role::Warn, "  △ is not known") };
    let phase = node_phase(node, frame.app);
    let line = Line::plain(name).and(Role::Text, "  ").then(words::node(phase).line());
    match node.instance_type() {
        Some(name) => line.and(Role::TextDim, format!("  {name}")),
        None => line,
    }
}

fn facts(frame: &FrameContext<'_>, pod: &PodRow, page: &mut Page) {
    page.section("REQUESTS AND CONTAINERS");
    cost::of_pod(frame, pod, page);
    page.fact("cpu", Line::plain(format::cores(pod.requests.cpu_millis)));
    page.fact("memory", Line::plain(format::bytes(pod.requests.memory_bytes)));
    for gpu in pod.requests.gpus.iter().filter(|gpu| gpu.count > 0) {
        page.fact(&gpu.resource, Line::of(Role::Gpu, format::count(gpu.count)));
    }
    let restarts = format::plural(pod.restarts, "restart");
    page.fact("containers", Line::plain(format!("{} of {} ready, {restarts}", pod.containers_ready, pod.containers)));
    let started = pod.started.map_or_else(|| format::NONE.to_owned(), |at| format::clock(frame.app.now, at));
    page.fact("started", Line::plain(started));
    page.fact("grace period", Line::plain(duration::format_compact(pod.termination_grace_seconds)));
    if let Some(since) = pod.meta.deleting_since() {
        page.fact("deleted", Line::of(Role::Terminating, format::relative(frame.app.now, since)));
    }
}
