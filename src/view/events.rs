//! Cells and sentence of the screen Events: what happened, on one time line.

use std::cmp::Reverse;

use super::columns::Shown;
use super::context::FrameContext;
use super::table::table;
use super::{Line, TableView, format, money, words};
use crate::app::screens::events as columns;
use crate::config::Role;
use crate::fleet::{EventClass, EventRow, EventType, Key, Kind, PodRow};
use crate::insight::disruption::{BlockerKind, evidence, pods};
use crate::insight::gpu;
use crate::insight::relation;

/// Look of the screen Events.
pub(super) const VIEW: TableView = TableView {
    table: |frame, area| table(frame, area, &cells(), |key| row(frame, key.object()?)),
    sentence: |frame, key| row(frame, key.object()?).map(|row| row.sentence()),
    columns: || cells().iter().map(|shown| shown.column).collect(),
};

/// A row of Events, from which its cells are written.
pub(super) struct Row<'a> {
    frame: &'a FrameContext<'a>,
    event: &'a EventRow,
}

/// The row of a key.
pub(super) fn row<'a>(frame: &'a FrameContext<'a>, key: &Key) -> Option<Row<'a>> {
    let event = frame.app.fleet.events.get(&key.object).filter(|_| key.kind == Kind::Event)?;
    Some(Row { frame, event })
}

/// All columns in the order in which they stand.
fn cells<'a>() -> Vec<Shown<Row<'a>>> {
    vec![
        Shown::new(&columns::LAST, Row::last),
        Shown::new(&columns::TYPE, Row::kind),
        Shown::new(&columns::REASON, Row::reason),
        Shown::new(&columns::OBJECT, Row::object),
        Shown::new(&columns::NODE, Row::node),
        Shown::new(&columns::COST, Row::cost),
        Shown::new(&columns::PODS_HIT, Row::pods_hit),
        Shown::new(&columns::COUNT, Row::count),
        Shown::new(&columns::MESSAGE, Row::message),
    ]
}

/// Glyph and role of what an Event is about.
pub(super) const fn class(class: EventClass) -> (&'static str, Role) {
    match class {
        EventClass::Blocked => ("▣", Role::Protected),
        EventClass::Disrupting => ("↓", Role::Terminating),
        EventClass::Interruption => ("!", Role::Bad),
        EventClass::Eviction => ("✗", Role::Warn),
        EventClass::Provisioning => ("+", Role::Info),
        EventClass::Image => ("▾", Role::TextDim),
        EventClass::Scheduling => ("→", Role::TextDim),
        EventClass::Other => ("·", Role::TextDim),
    }
}

/// `Pod ml/train-0`.
pub(super) fn object(event: &EventRow) -> String {
    format!("{} {}", event.object.kind, event.object.key)
}

/// The pods that a disruption, an interruption or an eviction concerns: protected ones first, then those that hold
/// devices. Pods of DaemonSets come back wherever the node goes and are not told.
pub(super) fn pods_hit<'a>(frame: &FrameContext<'a>, event: &EventRow) -> Vec<&'a PodRow> {
    use EventClass::{Blocked, Disrupting, Eviction, Interruption};
    let fleet = &frame.app.fleet;
    if !matches!(event.class, Blocked | Disrupting | Eviction | Interruption) {
        return Vec::new();
    }
    if event.object.kind == "Pod" {
        return fleet.pods.get(&event.object.key).into_iter().collect();
    }
    let said = evidence::said(event).filter(|said| said.kind == BlockerKind::PodAnnotation);
    if let Some(said) = said {
        return said.objects.iter().filter_map(|name| fleet.pods.get(&evidence::key(name)?)).collect();
    }
    let Some(node) = relation::node_of_event(fleet, event) else { return Vec::new() };
    let moves = |pod: &&PodRow| pods::is_reschedulable(pod);
    let mut hit: Vec<&PodRow> = fleet.pods_on(&node).filter(moves).collect();
    let rank = |pod: &PodRow| (!frame.protection(pod).state.is_active(), Reverse(gpu::requested_by(fleet, pod)));
    hit.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.meta.key.cmp(&b.meta.key)));
    hit
}

impl Row<'_> {
    fn last(&self) -> Line {
        Line::plain(format::age(self.frame.app.now.seconds_since(self.event.at)))
    }

    fn kind(&self) -> Line {
        match self.event.kind {
            EventType::Normal => Line::of(Role::TextDim, "Normal"),
            EventType::Warning => Line::of(Role::Warn, "Warning"),
        }
    }

    fn reason(&self) -> Line {
        let (glyph, role) = class(self.event.class);
        let reason = if self.event.reason.is_empty() { format::NONE } else { &self.event.reason };
        Line::of(role, format!("{glyph} ")).and(role, reason)
    }

    fn object(&self) -> Line {
        if self.event.object.kind == "Node" {
            let name = words::node_name(&self.event.object.key.name, self.frame.app.ui.size.0);
            return Line::plain(format!("Node {name}"));
        }
        Line::plain(object(self.event))
    }

    fn node(&self) -> Line {
        match relation::node_of_event(&self.frame.app.fleet, self.event) {
            Some(node) if self.event.object.kind == "Node" && self.event.object.key.name == node => {
                Line::of(Role::TextDim, "itself")
            }
            node => words::or_none(node.as_deref().map(|node| words::node_name(node, self.frame.app.ui.size.0))),
        }
    }

    /// What the Node costs of which it speaks.
    fn cost(&self) -> Line {
        let fleet = &self.frame.app.fleet;
        let node = relation::node_of_event(fleet, self.event).and_then(|name| fleet.node(&name));
        node.map_or_else(Line::new, |node| money::of_node(self.frame, node))
    }

    /// The pods that a disruption concerns: the one that Karpenter names, the one it is about, else those on the node.
    fn pods_hit(&self) -> Line {
        let pods = pods_hit(self.frame, self.event);
        let Some(first) = pods.first() else { return Line::new() };
        let more = pods.len() - 1;
        let protected = pods.iter().filter(|pod| self.frame.protection(pod).state.is_active()).count();
        let mark = match protected {
            0 => Line::new(),
            1 if more == 0 => Line::of(Role::Protected, "▣ "),
            many => Line::of(Role::Protected, format!("▣{} ", format::count(many))),
        };
        let all = if more == 0 { String::new() } else { format!("{} pods: ", format::count(pods.len())) };
        mark.and(Role::TextDim, all).and(Role::Text, &first.meta.key.name)
    }

    fn count(&self) -> Line {
        let role = if self.event.count > 1 { Role::Text } else { Role::TextDim };
        Line::of(role, format::count(self.event.count))
    }

    fn message(&self) -> Line {
        Line::plain(self.event.message.trim())
    }

    /// Where it happens and whom it hits, for which narrow tables have no columns; then the message, as far as it fits.
    pub(super) fn sentence(&self) -> Line {
        let (glyph, role) = class(self.event.class);
        let line = Line::of(role, glyph)
            .and(Role::TextDim, format!(" {} ", format::clock_seconds(self.frame.app.now, self.event.at)));
        let about = [self.place(), self.victims()].into_iter().fold(Line::new(), |about, part| match part {
            Some(part) => about.spaced(", ").then(part),
            None => about,
        });
        let about = if about.is_empty() { about } else { Line::plain(" ").then(about) };
        line.and(Role::TextStrong, self.object().text())
            .then(about)
            .and(Role::Text, format!(": {}", self.event.message.trim()))
    }

    /// `→ ip-10-0-3-7`, unless the Event speaks of the Node anyway.
    fn place(&self) -> Option<Line> {
        let node = relation::node_of_event(&self.frame.app.fleet, self.event)?;
        let is_itself = self.event.object.kind == "Node" && self.event.object.key.name == node;
        let name = words::node_name(&node, self.frame.app.ui.size.0);
        (!is_itself).then(|| Line::of(Role::TextDim, "→ ").and(Role::Text, name))
    }

    /// `▣ train-0 +2`, unless the Event speaks of the pod anyway.
    fn victims(&self) -> Option<Line> {
        let pods = pods_hit(self.frame, self.event);
        let first = pods.first().filter(|_| self.event.object.kind != "Pod")?;
        let is_protected = self.frame.protection(first).state.is_active();
        let shield = Line::of(Role::Protected, if is_protected { "▣ " } else { "" });
        let more = pods.len() - 1;
        let more = if more == 0 { String::new() } else { format!(" +{}", format::count(more)) };
        Some(shield.and(Role::Text, &first.meta.key.name).and(Role::TextDim, more))
    }
}
