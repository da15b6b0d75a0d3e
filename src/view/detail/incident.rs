//! An incident: what it is, how far, the pods that it hit, its Events one after the other.

use super::super::context::FrameContext;
use super::super::incidents::Row;
use super::super::verdict::NodeDisruptionText;
use super::super::{Line, format, money};
use super::{Page, event_line};
use crate::app::{find_incident, incident_rate};
use crate::config::Role;
use crate::fleet::EventRow;
use crate::insight::incidents::{Incident, IncidentKey};

/// Details of an incident; of one whose Events are gone, that they are.
pub(super) fn page(frame: &FrameContext<'_>, key: &IncidentKey) -> Page {
    let mut page = Page::new(key.kind.name(), &key.name);
    let Some(incident) = find_incident(frame.app, key) else {
        page.line(Line::of(Role::Warn, "✗ the server keeps no Events of it any more"));
        return page;
    };
    let row = Row::of(frame, incident);
    page.line(row.what().and(Role::Text, "  ").then(row.state()));
    facts(frame, incident, &mut page);
    if let Some(node) = row.node_key().and_then(|key| frame.app.fleet.nodes.get(&key)) {
        let said = NodeDisruptionText::of(frame, node);
        page.section("ITS NODE NOW");
        page.item(said.glyph().and(Role::Text, " ").and(Role::TextStrong, &node.meta.key.name));
        page.item(Line::plain(said.sentence()));
    }
    page.section("PODS IT HIT");
    if incident.pods.is_empty() {
        page.item(Line::of(Role::TextDim, "none that Events tell of"));
    }
    incident.pods.iter().take(MOST_PODS).for_each(|pod| page.item(row.pod_line(pod)));
    let more = incident.pods.len().saturating_sub(MOST_PODS);
    if more > 0 {
        page.item(Line::of(Role::TextDim, format!("and {}", format::plural(more, "other pod"))));
    }
    page.section("ITS EVENTS");
    let mut events: Vec<&EventRow> = incident.events.iter().filter_map(|key| frame.app.fleet.events.get(key)).collect();
    events.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.meta.key.cmp(&b.meta.key)));
    if events.is_empty() {
        page.item(Line::of(Role::TextDim, "none: the node itself tells of it"));
    }
    events.into_iter().for_each(|event| page.item(event_line(frame, event)));
    page
}

fn facts(frame: &FrameContext<'_>, incident: &Incident, page: &mut Page) {
    let now = frame.app.now;
    page.section("WHAT AND WHEN");
    page.fact_if("Node", incident.node.as_ref());
    page.fact_if("NodeClaim", incident.claim.as_ref());
    let at = |at| format!("{} ({})", format::clock_seconds(now, at), format::relative(now, at));
    page.fact("began", Line::plain(at(incident.key.since)));
    page.fact_if("drained", incident.drained.map(at));
    page.fact("last told", Line::plain(at(incident.last)));
    page.fact_if("cost", incident_rate(frame.app, incident).map(money::rate));
}

/// More pods of one incident are only counted.
const MOST_PODS: usize = 50;
