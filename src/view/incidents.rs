//! Cells and sentence of incidents: what happened to Nodes, each in one row.

use super::columns::Shown;
use super::context::FrameContext;
use super::table::table;
use super::{Line, TableView, format, money, start_words, words};
use crate::app::screens::incidents as columns;
use crate::app::{RowKey, find_incident, incident_rate};
use crate::config::Role;
use crate::fleet::{Kind, ObjectKey};
use crate::insight::incidents::{HitPod, Incident, IncidentKind, IncidentState};
use crate::units::Time;

/// Look of incidents.
pub(super) const VIEW: TableView = TableView {
    table: |frame, area| table(frame, area, &cells(), |key| row(frame, key)),
    sentence: |frame, key| row(frame, key).map(|row| row.sentence()),
    columns: || cells().iter().map(|shown| shown.column).collect(),
};

/// A row of incidents, from which its cells are written.
pub(super) struct Row<'a> {
    frame: &'a FrameContext<'a>,
    pub(super) incident: &'a Incident,
}

fn row<'a>(frame: &'a FrameContext<'a>, key: &RowKey) -> Option<Row<'a>> {
    Some(Row::of(frame, find_incident(frame.app, key.incident()?)?))
}

/// All columns in the order in which they stand.
fn cells<'a>() -> Vec<Shown<Row<'a>>> {
    vec![
        Shown::new(&columns::WHEN, Row::when),
        Shown::new(&columns::WHAT, Row::what),
        Shown::new(&columns::OBJECT, Row::object),
        Shown::new(&columns::STATE, Row::state),
        Shown::new(&columns::PODS, Row::pods),
        Shown::new(&columns::COST, Row::cost),
        Shown::new(&columns::CLAIM, Row::claim),
        Shown::new(&columns::MESSAGE, Row::message),
    ]
}

/// Glyph and role of an incident.
pub(super) const fn look(kind: IncidentKind) -> (&'static str, Role) {
    match kind {
        IncidentKind::Disruption => ("↓", Role::Terminating),
        IncidentKind::Interruption => ("!", Role::Bad),
        IncidentKind::NotReady => ("△", Role::Bad),
        IncidentKind::Eviction => ("✗", Role::Warn),
        IncidentKind::NoCapacity => ("⊘", Role::Warn),
    }
}

impl<'a> Row<'a> {
    pub(super) const fn of(frame: &'a FrameContext<'a>, incident: &'a Incident) -> Self {
        Self { frame, incident }
    }

    fn now(&self) -> Time {
        self.frame.app.now
    }

    fn when(&self) -> Line {
        Line::plain(format::clock(self.now(), self.incident.key.since))
    }

    /// `↓ Empty`, `⊘ no p5.48xlarge us-east-1b`.
    pub(super) fn what(&self) -> Line {
        let (glyph, role) = look(self.incident.key.kind);
        Line::of(role, format!("{glyph} {}", self.reason()))
    }

    fn reason(&self) -> String {
        match self.incident.key.kind {
            IncidentKind::NoCapacity => match start_words::scarce(&self.incident.message) {
                Some(what) => format!("no {what}"),
                None => "no capacity".to_owned(),
            },
            _ => self.incident.reason.to_string(),
        }
    }

    fn object(&self) -> Line {
        let Incident { key, node, .. } = self.incident;
        let width = self.frame.app.ui.size.0;
        match (key.kind, node) {
            (IncidentKind::NoCapacity, _) => Line::of(Role::TextDim, "NodePool ").and(Role::TextStrong, &key.name),
            (_, Some(node)) => Line::of(Role::TextStrong, words::node_name(node, width)),
            (_, None) => Line::of(Role::TextStrong, &key.name),
        }
    }

    /// `drained 1m12s`, `goes on 4m`, `gone`, `×9`.
    pub(super) fn state(&self) -> Line {
        let Incident { key, drained, state, .. } = self.incident;
        let after = |at: Time| format::span(at.seconds_since(key.since).max(0));
        let so_far = format::age(self.now().seconds_since(key.since).max(0));
        match (key.kind, drained, state) {
            (IncidentKind::NoCapacity, ..) => {
                let last = format::age(self.now().seconds_since(self.incident.last).max(0));
                let times = format!("×{}", format::count(self.incident.count));
                Line::of(Role::Warn, times).and(Role::TextDim, format!(", {last} ago"))
            }
            (IncidentKind::Eviction, ..) => Line::of(Role::TextDim, format::NONE),
            (IncidentKind::NotReady, _, IncidentState::Over(Some(at))) => {
                Line::plain(format!("back after {}", after(*at)))
            }
            (IncidentKind::NotReady, _, IncidentState::Over(None)) => Line::of(Role::TextDim, "over"),
            (IncidentKind::NotReady, ..) => Line::of(Role::Bad, format!("for {so_far}")),
            (_, Some(at), IncidentState::Over(_)) => Line::plain(format!("drained {}", after(*at))),
            (_, None, IncidentState::Over(Some(at))) => Line::plain(format!("gone after {}", after(*at))),
            (_, None, IncidentState::Over(None)) => Line::of(Role::TextDim, "gone"),
            (_, Some(at), _) => Line::of(Role::Terminating, format!("drained {}", after(*at))),
            (_, None, _) => Line::of(Role::Terminating, format!("draining {so_far}")),
        }
    }

    /// `3 pods: train-0 +2`, protected ones marked.
    fn pods(&self) -> Line {
        let pods = &self.incident.pods;
        if self.incident.key.kind == IncidentKind::NoCapacity {
            return Line::of(Role::TextDim, format::NONE);
        }
        let Some(first) = pods.first() else { return Line::of(Role::TextDim, "0 pods") };
        let protected = pods.iter().filter(|pod| self.is_protected(pod)).count();
        let shield = if protected > 0 { format!("▣{} ", format::count(protected)) } else { String::new() };
        let more = if pods.len() > 1 { format!(" +{}", format::count(pods.len() - 1)) } else { String::new() };
        Line::plain(format!("{} ", format::plural(pods.len(), "pod")))
            .and(Role::Protected, shield)
            .and(Role::TextDim, &first.key.name)
            .and(Role::TextDim, more)
    }

    /// Whether the pod is there and carries a protection that is active.
    pub(super) fn is_protected(&self, hit: &HitPod) -> bool {
        let pod = self.frame.app.fleet.pods.get(&hit.key);
        pod.is_some_and(|pod| self.frame.protection(pod).state.is_active())
    }

    /// `−0.28` once the Node is gone.
    fn cost(&self) -> Line {
        let node = self.incident.node.as_ref().and_then(|name| self.frame.app.fleet.node(name));
        if let Some(node) = node {
            return money::of_node(self.frame, node);
        }
        let Some(rate) = incident_rate(self.frame.app, self.incident) else {
            let is_of_node = self.incident.node.is_some();
            return if is_of_node {
                Line::of(Role::Unknown, format::UNKNOWN)
            } else {
                Line::of(Role::TextDim, format::NONE)
            };
        };
        if self.is_gone() {
            Line::of(Role::Ok, format!("−{}", money::bare(rate)))
        } else {
            Line::plain(money::bare(rate))
        }
    }

    fn is_gone(&self) -> bool {
        let Incident { node, state, .. } = self.incident;
        let is_there = node.as_ref().is_some_and(|name| self.frame.app.fleet.node(name).is_some());
        matches!(state, IncidentState::Over(_)) && !is_there
    }

    fn claim(&self) -> Line {
        words::or_none(self.incident.claim.as_ref())
    }

    fn message(&self) -> Line {
        Line::plain(self.incident.message.trim())
    }

    /// What a colleague would say about it: `↓ 21:38 ip-10-0-2-51 Empty · drained 1m12s · 0 pods · −$0.28/h`.
    pub(super) fn sentence(&self) -> Line {
        let (glyph, role) = look(self.incident.key.kind);
        let began = format::clock(self.now(), self.incident.key.since);
        let gap = || Line::of(Role::TextDim, " · ");
        let line = Line::of(role, format!("{glyph} "))
            .and(Role::TextDim, format!("{began} "))
            .then(self.object())
            .and(Role::Text, format!(" {}", self.reason()))
            .then(gap())
            .then(self.state());
        let line =
            if self.incident.key.kind == IncidentKind::NoCapacity { line } else { line.then(gap()).then(self.pods()) };
        let line = match incident_rate(self.frame.app, self.incident) {
            Some(rate) if self.is_gone() => line.then(gap()).and(Role::Ok, format!("−{}", money::rate(rate))),
            Some(rate) => line.then(gap()).and(Role::Text, money::rate(rate)),
            None => line,
        };
        if self.incident.message.is_empty() {
            line
        } else {
            line.and(Role::TextDim, format!(" · {}", self.incident.message.trim()))
        }
    }

    /// What became of a pod.
    pub(super) fn pod_line(&self, hit: &HitPod) -> Line {
        let now = self.now();
        let there = self.frame.app.fleet.pods.get(&hit.key);
        let mark = if self.is_protected(hit) { "▣ " } else { "" };
        let evicted = match hit.evicted {
            Some(at) => format!("  evicted {}", format::clock_seconds(now, at)),
            None => "  on the node".to_owned(),
        };
        let after = match (hit.evicted, there.and_then(|pod| pod.node.as_ref())) {
            (Some(_), Some(node)) if Some(node) != self.incident.node.as_ref() => {
                format!(", a pod of its name is on {}", words::node_name(node, self.frame.app.ui.size.0))
            }
            (Some(_), None) if there.is_some() => ", a pod of its name waits".to_owned(),
            _ => String::new(),
        };
        Line::of(Role::Protected, mark)
            .and(Role::TextStrong, hit.key.to_string())
            .and(Role::TextDim, format!("{evicted}{after}"))
    }

    /// Whether its Node is one that batchtop knows.
    pub(super) fn node_key(&self) -> Option<ObjectKey> {
        let name = self.incident.node.as_ref()?;
        self.frame.app.fleet.node(name).map(|node| node.meta.key.clone()).filter(|_| self.frame.readable(Kind::Node))
    }
}
