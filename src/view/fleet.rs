//! Fleet: Nodes, and NodeClaims that have no Node yet.

use super::columns::{Size, Spec};
use super::facts::Seen;
use super::{Line, format, words};
use crate::app::{self, Column, Scope};
use crate::config::Role;
use crate::fleet::{CapacityType, HealthState, Key, Kind, NodeClaimRow, NodeRow, Sym};
use crate::insight::disruption::{NodeAnnotation, protection};
use crate::insight::phase::{ClaimPhase, NodePhase};
use crate::insight::picture::NodePicture;
use crate::units::Time;

/// What a row is.
#[derive(Clone, Copy)]
pub(super) enum Machine<'a> {
    Node(&'a NodeRow),
    Claim(&'a NodeClaimRow),
}

/// One row.
pub(super) struct Row<'a> {
    app: &'a Seen<'a>,
    machine: Machine<'a>,
}

/// The row of a key.
pub(super) fn row<'a>(app: &'a Seen<'a>, key: &Key) -> Option<Row<'a>> {
    let machine = match key.kind {
        Kind::Node => Machine::Node(app.fleet.nodes.get(&key.object)?),
        Kind::NodeClaim => Machine::Claim(app.fleet.node_claims.get(&key.object)?),
        _ => return None,
    };
    Some(Row { app, machine })
}

/// The columns. Inside a NodePool its name would only repeat, and without GPUs in the cluster there is no GPU column.
pub(super) fn columns<'a>(app: &Seen<'_>) -> Vec<Spec<Row<'a>>> {
    let mut columns = vec![
        Spec::left("NODE", 0, Size(16, 18, 60), Row::name).by(Column::Name),
        Spec::left("POOL", 5, Size(6, 14, 24), Row::pool).by(Column::NodePool),
        Spec::left("TYPE", 2, Size(8, 16, 20), Row::instance_type).by(Column::InstanceType),
        Spec::left("CAP", 6, Size(4, 4, 4), Row::capacity).by(Column::Capacity),
        Spec::left("ZONE", 8, Size(8, 16, 16), Row::zone).by(Column::Zone),
        Spec::right("AGE", 4, Size(5, 6, 6), Row::age).by(Column::Age),
        Spec::left("STATUS", 1, Size(13, 16, 26), Row::status).by(Column::Status),
        Spec::right("PODS", 7, Size(4, 6, 6), Row::pods).by(Column::Pods),
        Spec::right("CPU", 4, Size(4, 6, 6), Row::cpu).by(Column::Cpu),
        Spec::right("MEM", 7, Size(4, 6, 6), Row::memory).by(Column::Memory),
        Spec::left("GPU", 3, Size(12, 14, 16), Row::gpu).by(Column::Gpu),
        Spec::left("PROTECTED", 6, Size(9, 16, 18), Row::protected).by(Column::Protection),
        Spec::left("VERSION", 9, Size(8, 20, 24), Row::version).by(Column::Version),
    ];
    let inside_pool = matches!(app.ui.level.scope, Some(Scope::NodePool(_)));
    let no_gpus = app.totals.gpu.advertised == 0;
    columns.retain(|column| match column.sort {
        Some(Column::NodePool) => !inside_pool,
        Some(Column::Gpu) => !no_gpus,
        _ => true,
    });
    columns
}

impl Row<'_> {
    fn name(&self) -> Line {
        match self.machine {
            Machine::Node(node) => Line::of(Role::TextStrong, &node.meta.key.name),
            Machine::Claim(claim) => Line::of(Role::TextDim, &claim.meta.key.name),
        }
    }

    fn pool_name(&self) -> Option<&Sym> {
        match self.machine {
            Machine::Node(node) => node.node_pool(),
            Machine::Claim(claim) => claim.node_pool(),
        }
    }

    fn pool(&self) -> Line {
        words::or_none(self.pool_name())
    }

    fn type_name(&self) -> Option<&Sym> {
        match self.machine {
            Machine::Node(node) => node.instance_type(),
            Machine::Claim(claim) => claim.instance_type(),
        }
    }

    fn instance_type(&self) -> Line {
        words::or_none(self.type_name())
    }

    fn capacity_type(&self) -> Option<CapacityType> {
        match self.machine {
            Machine::Node(node) => node.capacity_type(),
            Machine::Claim(claim) => claim.capacity_type(),
        }
    }

    fn capacity(&self) -> Line {
        words::capacity(self.capacity_type())
    }

    fn zone(&self) -> Line {
        match self.machine {
            Machine::Node(node) => words::or_none(node.zone()),
            Machine::Claim(claim) => words::or_none(claim.zone()),
        }
    }

    fn created(&self) -> Time {
        match self.machine {
            Machine::Node(node) => node.meta.created,
            Machine::Claim(claim) => claim.meta.created,
        }
    }

    fn age(&self) -> Line {
        Line::plain(format::age(self.app.now.seconds_since(self.created())))
    }

    fn status(&self) -> Line {
        match self.machine {
            Machine::Claim(claim) => words::claim(app::claim_phase(claim, self.app)).line(),
            Machine::Node(node) => {
                let line = words::node(self.phase(node)).line();
                if node.cordoned { line.and(Role::Warn, ", cordoned") } else { line }
            }
        }
    }

    fn phase(&self, node: &NodeRow) -> NodePhase {
        app::node_phase(node, self.app)
    }

    /// A number that comes from pods: only of Nodes, and only when all pods are known.
    fn if_pods_known(&self, text: impl Fn(&NodePicture, &NodeRow) -> Line) -> Line {
        let Machine::Node(node) = self.machine else { return Line::of(Role::TextDim, format::NONE) };
        match self.app.node(node).filter(|_| self.app.all(Kind::Pod)) {
            Some(picture) if self.app.state(Kind::Pod) == HealthState::Stale => text(picture, node).all(Role::Stale),
            Some(picture) => text(picture, node),
            None => Line::of(Role::Unknown, self.app.unknown(Kind::Pod)),
        }
    }

    fn pods(&self) -> Line {
        self.if_pods_known(|picture, _| Line::plain(format::count(picture.pod_count)))
    }

    fn cpu(&self) -> Line {
        self.if_pods_known(|picture, node| share(picture.cpu_requested_millis, node.allocatable.cpu_millis))
    }

    fn memory(&self) -> Line {
        self.if_pods_known(|picture, node| share(picture.memory_requested_bytes, node.allocatable.memory_bytes))
    }

    fn gpu(&self) -> Line {
        match self.machine {
            Machine::Claim(claim) => words::gpus(Ok(0), claim.capacity.gpu_total()),
            Machine::Node(node) => {
                let Some(gpu) = self.app.node(node).and_then(|picture| picture.gpu.as_ref()) else {
                    return Line::new();
                };
                words::gpus(self.app.gpus_requested(gpu), gpu.advertised)
            }
        }
    }

    fn protected(&self) -> Line {
        let Machine::Node(node) = self.machine else { return Line::new() };
        match (protection::of_node(node), self.app.protected_on(node)) {
            (NodeAnnotation::Protects, _) => Line::of(Role::Protected, "▣ node"),
            (NodeAnnotation::Ignored, _) => Line::of(Role::Warn, "△ invalid"),
            (NodeAnnotation::Absent, Some(0)) => Line::new(),
            (NodeAnnotation::Absent, Some(pods)) => {
                Line::of(Role::Protected, format!("▣ {}", format::plural(pods, "pod")))
            }
            (NodeAnnotation::Absent, None) => Line::of(Role::Unknown, self.app.unknown(Kind::Pod)),
        }
    }

    fn version(&self) -> Line {
        match self.machine {
            Machine::Node(node) => words::or_none(Some(node.kubelet_version.as_str())),
            Machine::Claim(_) => Line::of(Role::TextDim, format::NONE),
        }
    }

    /// What a colleague would say about it.
    pub(super) fn sentence(&self) -> Line {
        match self.machine {
            Machine::Node(node) => self.node_sentence(node),
            Machine::Claim(claim) => self.claim_sentence(claim),
        }
    }

    fn node_sentence(&self, node: &NodeRow) -> Line {
        let phase = self.phase(node);
        let state = words::node(phase);
        let line = Line::of(state.role, state.glyph).and(Role::Text, " ").and(Role::TextStrong, &node.meta.key.name);
        line.and(Role::Text, format!("  {}", self.what_about(node, phase)))
    }

    fn what_about(&self, node: &NodeRow, phase: NodePhase) -> String {
        let count = self.app.node(node).map_or(0, |picture| picture.pod_count);
        let pods = match self.app.protected_on(node) {
            None => format!("its {}", self.app.pods_unknown()),
            Some(0) => format::plural(count, "pod"),
            Some(protected) => format!("{}, {protected} protected", format::plural(count, "pod")),
        };
        let managed = match node.node_pool() {
            Some(pool) => format!("of NodePool {pool}"),
            None => "not managed by Karpenter".to_owned(),
        };
        let state = match phase {
            NodePhase::Running => "runs".to_owned(),
            NodePhase::Starting => {
                format!("starting for {}", format::age(self.app.now.seconds_since(node.meta.created)))
            }
            NodePhase::Disrupting => "Karpenter is disrupting it".to_owned(),
            NodePhase::Terminating => leaving(node.meta.deleting_since(), self.app.now),
            NodePhase::NotReady => not_ready(node, self.app.now),
        };
        let cordoned = if node.cordoned { ", cordoned" } else { "" };
        format!("{managed}: {state}{cordoned}, {pods}{}", self.expiry(node))
    }

    fn expiry(&self, node: &NodeRow) -> String {
        let expires = self.app.fleet.claim_of(node).and_then(NodeClaimRow::expires_at);
        expires.map_or_else(String::new, |at| format!(", expires {}", format::relative(self.app.now, at)))
    }

    fn claim_sentence(&self, claim: &NodeClaimRow) -> Line {
        let phase = app::claim_phase(claim, self.app);
        let state = words::claim(phase);
        let waited = format::age(self.app.now.seconds_since(claim.meta.created));
        let what = match phase {
            ClaimPhase::Launching => format!("waits for an instance since {waited}"),
            ClaimPhase::Registering => format!("has an instance, but no Node yet, {waited} after the request"),
            ClaimPhase::Initializing => format!("its Node is not initialized yet, {waited} after the request"),
            ClaimPhase::Ready => "is initialized".to_owned(),
            ClaimPhase::Terminating => leaving(claim.meta.deleting_since(), self.app.now),
        };
        let pool = claim.node_pool().map_or_else(String::new, |pool| format!(" of NodePool {pool}"));
        let line = Line::of(state.role, state.glyph).and(Role::Text, " NodeClaim ");
        line.and(Role::TextStrong, &claim.meta.key.name).and(Role::Text, format!("{pool} {what}"))
    }
}

fn leaving(since: Option<Time>, now: Time) -> String {
    match since {
        Some(since) => format!("being deleted for {}", format::age(now.seconds_since(since))),
        None => "being deleted".to_owned(),
    }
}

fn not_ready(node: &NodeRow, now: Time) -> String {
    let ready = crate::fleet::Condition::find(&node.conditions, "Ready");
    let since = ready
        .and_then(|ready| ready.last_transition)
        .map(|since| format!(" for {}", format::age(now.seconds_since(since))));
    let why = ready.filter(|ready| !ready.message.is_empty()).map(|ready| format!(" ({})", ready.message));
    format!("not ready{}{}", since.unwrap_or_default(), why.unwrap_or_default())
}

fn share(part: i64, whole: i64) -> Line {
    match format::percent(part, whole) {
        Some(percent) if part > whole => Line::of(Role::Warn, percent),
        Some(percent) => Line::plain(percent),
        None => Line::of(Role::Unknown, format::UNKNOWN),
    }
}
