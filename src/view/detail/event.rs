//! An Event: its whole message, and what it belongs to.

use super::super::context::FrameContext;
use super::super::verdict::NodeDisruptionText;
use super::super::{Line, events, format};
use super::{Page, node};
use crate::config::Role;
use crate::fleet::{EventRow, EventType, ObjectKey};
use crate::insight::relation;

/// Details of an Event; `None` where it is gone.
pub(super) fn page(frame: &FrameContext<'_>, key: &ObjectKey) -> Option<Page> {
    let event = frame.app.fleet.events.get(key)?;
    let mut page = Page::new("Event", if event.reason.is_empty() { &key.name } else { &event.reason });
    page.line(Line::plain(event.message.trim()));
    page.section("WHAT AND WHEN");
    page.fact("object", Line::of(Role::TextStrong, events::object(event)));
    page.fact_if("Node", relation::node_of_event(&frame.app.fleet, event));
    let last =
        format!("{} ({})", format::clock_seconds(frame.app.now, event.at), format::relative(frame.app.now, event.at));
    page.fact("last", Line::plain(last));
    let count = format::count(event.count);
    page.fact(
        "seen",
        Line::plain(format!("{count}×, since {}", format::clock_seconds(frame.app.now, event.meta.created))),
    );
    let (kind, role) = match event.kind {
        EventType::Normal => ("Normal", Role::Text),
        EventType::Warning => ("Warning", Role::Warn),
    };
    page.fact("type", Line::of(role, kind));
    page.fact_if("from", Some(&event.source));
    joined(frame, event, &mut page);
    Some(page)
}

/// What became of its Node, and the pods that it concerns.
fn joined(frame: &FrameContext<'_>, event: &EventRow, page: &mut Page) {
    let name = relation::node_of_event(&frame.app.fleet, event);
    if let Some(node) = name.as_ref().and_then(|name| frame.app.fleet.node(name)) {
        let said = NodeDisruptionText::of(frame, node);
        page.section("ITS NODE NOW");
        page.item(said.glyph().and(Role::Text, " ").and(Role::TextStrong, &node.meta.key.name));
        page.item(Line::plain(said.sentence()));
    }
    let pods = events::pods_hit(frame, event);
    if pods.is_empty() {
        return;
    }
    page.section("PODS IT HITS");
    pods.iter().take(MOST_PODS).for_each(|pod| page.item(node::pod_line(frame, pod)));
    let more = pods.len().saturating_sub(MOST_PODS);
    if more > 0 {
        page.item(Line::of(Role::TextDim, format!("and {}", format::plural(more, "other pod"))));
    }
}

/// The Pods screen of the Node has them all.
const MOST_PODS: usize = 20;
