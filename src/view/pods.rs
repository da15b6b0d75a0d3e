//! Cells and sentence of the screen Pods: which are protected, until when.

use super::columns::Shown;
use super::context::FrameContext;
use super::table::table;
use super::{Line, TableView, format, money, start_words, words};
use crate::app::Scope;
use crate::app::screens::pods as columns;
use crate::config::Role;
use crate::fleet::{Key, Kind, PodRow};
use crate::insight::disruption::{Outlook, ProtectionState};
use crate::insight::gpu::{self, GpuClass, Thousandths};
use crate::insight::relation;

/// Look of the screen Pods.
pub(super) const VIEW: TableView = TableView {
    table: |frame, area| table(frame, area, &columns(frame), |key| row(frame, key.object()?)),
    sentence: |frame, key| row(frame, key.object()?).map(|row| row.sentence()),
    columns: || cells().iter().map(|shown| shown.column).collect(),
};

/// A row of Pods, from which its cells are written.
pub(super) struct Row<'a> {
    frame: &'a FrameContext<'a>,
    pod: &'a PodRow,
    outlook: Outlook,
}

/// The row of a key.
pub(super) fn row<'a>(frame: &'a FrameContext<'a>, key: &Key) -> Option<Row<'a>> {
    let pod = frame.app.fleet.pods.get(&key.object).filter(|_| key.kind == Kind::Pod)?;
    Some(Row { frame, pod, outlook: frame.evaluator().pod(pod) })
}

/// The columns; on a Node its name would only repeat.
fn columns<'a>(frame: &FrameContext<'_>) -> Vec<Shown<Row<'a>>> {
    let on_node = matches!(frame.app.ui.level.scope, Some(Scope::Node(_)));
    cells().into_iter().filter(|shown| !on_node || *shown.column != columns::NODE).collect()
}

/// All columns in the order in which they stand.
fn cells<'a>() -> Vec<Shown<Row<'a>>> {
    vec![
        Shown::new(&columns::NAME, Row::name),
        Shown::new(&columns::NAMESPACE, Row::namespace),
        Shown::new(&columns::STATUS, Row::status),
        Shown::new(&columns::READY, Row::ready),
        Shown::new(&columns::RESTARTS, Row::restarts),
        Shown::new(&columns::START, Row::start),
        Shown::new(&columns::NODE, Row::node),
        Shown::new(&columns::GPU, Row::gpu),
        Shown::new(&columns::BUSY, Row::busy),
        Shown::new(&columns::CPU, Row::cpu),
        Shown::new(&columns::MEMORY, Row::memory),
        Shown::new(&columns::COST, Row::cost).or_shorter(Row::cost_shorter),
        Shown::new(&columns::PROTECTION, Row::protection),
        Shown::new(&columns::GAP, Row::gap),
        Shown::new(&columns::OWNER, Row::owner),
        Shown::new(&columns::AGE, Row::age),
    ]
}

impl Row<'_> {
    fn name(&self) -> Line {
        Line::of(Role::TextStrong, &self.pod.meta.key.name)
    }

    fn namespace(&self) -> Line {
        Line::plain(&self.pod.meta.key.namespace)
    }

    fn status(&self) -> Line {
        words::pod(self.pod)
    }

    fn ready(&self) -> Line {
        Line::plain(format!("{}/{}", self.pod.containers_ready, self.pod.containers))
    }

    fn restarts(&self) -> Line {
        let role = if self.pod.restarts > 0 { Role::Warn } else { Role::TextDim };
        Line::of(role, format::count(self.pod.restarts))
    }

    /// How long its start took, or the step that goes on.
    fn start(&self) -> Line {
        let Some(start) = self.frame.app.insights.starts.of_pod(&self.pod.meta.key) else { return Line::new() };
        match start.open_phase() {
            Some(open) => Line::of(Role::Pending, open.name.name()),
            None => Line::plain(start_words::total(start, self.frame.app.now)),
        }
    }

    fn node(&self) -> Line {
        words::or_none(self.pod.node.as_deref().map(|node| words::node_name(node, self.frame.app.ui.size.0)))
    }

    fn gpu(&self) -> Line {
        match gpu::requested_by(&self.frame.app.fleet, self.pod) {
            Thousandths(0) => Line::new(),
            gpus => Line::of(Role::Gpu, format::thousandths(gpus)),
        }
    }

    /// How busy its accelerators are; where it shares one with others, that of the device.
    fn busy(&self) -> Line {
        let Some(activity) = self.frame.app.insights.gpus.of_pod(&self.frame.app.fleet, self.pod) else {
            return Line::new();
        };
        let Some(utilization) = activity.utilization else { return Line::of(Role::Unknown, format::UNKNOWN) };
        let role = match activity.class {
            Some(GpuClass::Idle | GpuClass::Parked) => Role::Warn,
            Some(GpuClass::Unknown) => Role::TextDim,
            _ => Role::Gpu,
        };
        let shared = if activity.is_shared { "~" } else { "" };
        Line::of(role, format!("{shared}{}", format::utilization(utilization)))
    }

    fn cpu(&self) -> Line {
        Line::plain(format::cores(self.pod.requests.cpu_millis))
    }

    fn memory(&self) -> Line {
        Line::plain(format::bytes(self.pod.requests.memory_bytes))
    }

    /// The same where there is little room.
    fn cost_shorter(&self) -> Line {
        money::shorter(&self.cost())
    }

    /// Its share of its Node's rate.
    fn cost(&self) -> Line {
        money::of_pod(self.frame, self.pod)
    }

    fn protection(&self) -> Line {
        words::shield_in_column(&self.outlook, self.frame.app.now)
    }

    /// The gravest thing that it does not protect from.
    fn gap(&self) -> Line {
        let role = if self.outlook.holds == Some(false) { Role::Warn } else { Role::TextDim };
        self.first_gap().map_or_else(Line::new, |gap| Line::of(role, gap))
    }

    fn first_gap(&self) -> Option<String> {
        self.outlook.gaps.first().map(|gap| format::sentence(self.frame.app.now, gap))
    }

    fn owner(&self) -> Line {
        let owner = relation::top_owner(&self.frame.app.fleet, self.pod);
        words::or_none(owner.map(|owner| format!("{} {}", owner.kind, owner.name)))
    }

    fn age(&self) -> Line {
        Line::plain(format::age(self.frame.app.now.seconds_since(self.pod.meta.created)))
    }

    /// What a colleague would say about it.
    pub(super) fn sentence(&self) -> Line {
        let state = words::pod(self.pod);
        let glyph = state.spans().first().map_or("", |span| span.text()).to_owned();
        let role = state.spans().first().map_or(Role::Text, super::Span::role);
        let line = Line::of(role, glyph).and(Role::Text, " ").and(Role::TextStrong, self.pod.meta.key.to_string());
        line.and(Role::Text, format!(" {}{}", self.place(), self.protection_sentence()))
    }

    fn place(&self) -> String {
        match &self.pod.node {
            Some(node) => format!("is {} on {node}", self.pod.status),
            None if self.pod.unschedulable.is_empty() => "is not bound to a Node yet".to_owned(),
            None => format!("cannot be scheduled: {}", self.pod.unschedulable),
        }
    }

    fn protection_sentence(&self) -> String {
        let found = &self.outlook.protection;
        let value = found.value.as_ref().map_or("", |value| value.as_str());
        let protected = match found.state {
            ProtectionState::None | ProtectionState::Ineffective => return String::new(),
            ProtectionState::Permanent => ", protected until it finishes".to_owned(),
            ProtectionState::Until => match found.until {
                Some(until) => format!(", protected until {} (\"{value}\")", format::clock(self.frame.app.now, until)),
                None => format!(", protected for \"{value}\" from its start on"),
            },
            ProtectionState::Elapsed => return format!(", no longer protected: \"{value}\" is over"),
            ProtectionState::Invalid => {
                let problem = found.problem.as_deref().unwrap_or_default();
                return format!(", not protected: \"{value}\" is invalid ({problem})");
            }
        };
        match (self.outlook.holds, self.first_gap()) {
            (Some(false), Some(gap)) => format!("{protected}, which will not hold: {gap}"),
            (_, Some(gap)) => format!("{protected}; {gap}"),
            (_, None) => protected,
        }
    }
}
