//! Pods: which are protected, until when.

use super::columns::{Size, Spec};
use super::facts::Seen;
use super::{Line, format, money, words};
use crate::app::{Column, Scope};
use crate::config::Role;
use crate::fleet::{Key, Kind, PodRow};
use crate::insight::disruption::{Outlook, ProtectionState};
use crate::insight::relation;

/// One row.
pub(super) struct Row<'a> {
    app: &'a Seen<'a>,
    pod: &'a PodRow,
    outlook: Outlook,
}

/// The row of a key.
pub(super) fn row<'a>(app: &'a Seen<'a>, key: &Key) -> Option<Row<'a>> {
    let pod = app.app().fleet.pods.get(&key.object).filter(|_| key.kind == Kind::Pod)?;
    Some(Row { app, pod, outlook: app.judge().pod(pod) })
}

/// The columns; on a Node its name would only repeat.
pub(super) fn columns<'a>(app: &Seen<'_>) -> Vec<Spec<Row<'a>>> {
    let mut columns = vec![
        Spec::left("NAME", 0, Size(18, 24, 64), Row::name).by(Column::Name),
        Spec::left("NS", 3, Size(8, 14, 24), Row::namespace).by(Column::Namespace),
        Spec::left("STATUS", 1, Size(11, 18, 26), Row::status).by(Column::Status),
        Spec::right("READY", 7, Size(5, 6, 6), Row::ready),
        Spec::right("RESTARTS", 8, Size(8, 8, 8), Row::restarts).by(Column::Restarts),
        Spec::left("NODE", 5, Size(16, 20, 60), Row::node).by(Column::Node),
        Spec::right("GPU", 4, Size(3, 4, 4), Row::gpu).by(Column::Gpu),
        Spec::right("CPU", 7, Size(5, 6, 6), Row::cpu).by(Column::Cpu),
        Spec::right("MEM", 8, Size(7, 8, 8), Row::memory).by(Column::Memory),
        Spec::right("$/H", 4, Size(9, 9, 16), Row::cost).by(Column::Cost),
        Spec::left("PROTECTION", 2, Size(15, 18, 22), Row::protection).by(Column::Protection),
        Spec::left("GAP", 6, Size(16, 30, 70), Row::gap),
        Spec::left("OWNER", 9, Size(8, 20, 40), Row::owner).by(Column::Owner),
        Spec::right("AGE", 4, Size(5, 6, 6), Row::age).by(Column::Age),
    ];
    if matches!(app.ui.level.scope, Some(Scope::Node(_))) {
        columns.retain(|column| column.sort != Some(Column::Node));
    }
    columns
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

    fn node(&self) -> Line {
        words::or_none(self.pod.node.as_deref().map(|node| words::node_name(node, self.app.ui.size.0)))
    }

    fn gpu(&self) -> Line {
        match self.pod.requests.gpu_total() {
            0 => Line::new(),
            gpus => Line::of(Role::Gpu, format::count(gpus)),
        }
    }

    fn cpu(&self) -> Line {
        Line::plain(format::cores(self.pod.requests.cpu_millis))
    }

    fn memory(&self) -> Line {
        Line::plain(format::bytes(self.pod.requests.memory_bytes))
    }

    /// Its share of its Node's rate.
    fn cost(&self) -> Line {
        money::of_pod(self.app, self.pod)
    }

    fn protection(&self) -> Line {
        words::shield(&self.outlook, self.app.now)
    }

    /// The gravest thing that it does not protect from.
    fn gap(&self) -> Line {
        let role = if self.outlook.holds == Some(false) { Role::Warn } else { Role::TextDim };
        self.first_gap().map_or_else(Line::new, |gap| Line::of(role, gap))
    }

    fn first_gap(&self) -> Option<String> {
        self.outlook.gaps.first().map(|gap| format::sentence(self.app.now, gap))
    }

    fn owner(&self) -> Line {
        let owner = relation::top_owner(&self.app.app().fleet, self.pod);
        words::or_none(owner.map(|owner| format!("{} {}", owner.kind, owner.name)))
    }

    fn age(&self) -> Line {
        Line::plain(format::age(self.app.now.seconds_since(self.pod.meta.created)))
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
                Some(until) => format!(", protected until {} (\"{value}\")", format::clock(self.app.now, until)),
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
