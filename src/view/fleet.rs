//! Cells and sentence of the screen Fleet: Nodes, and NodeClaims that have no Node yet.

use super::columns::Shown;
use super::context::FrameContext;
use super::table::table;
use super::verdict::NodeDisruptionText;
use super::words::Count;
use super::{Line, TableView, format, money, spot, words};
use crate::app::screens::fleet as columns;
use crate::app::{self, Scope};
use crate::config::Role;
use crate::fleet::{CapacityType, HealthState, Key, Kind, NodeClaimRow, NodeRow, Sym, Usage};
use crate::insight::Completeness;
use crate::insight::disruption::{NodeAnnotation, protection};
use crate::insight::gpu::GpuClass;
use crate::insight::phase::{ClaimPhase, NodePhase};
use crate::insight::picture::{GpuState, NodePicture};
use crate::units::Time;

/// From this width of the terminal on bars are as long as devices are many, unless details stand beside the table.
const ROOMY_FROM: u16 = 100;

/// Look of the screen Fleet.
pub(super) const VIEW: TableView = TableView {
    table: |frame, area| table(frame, area, &columns(frame), |key| row(frame, key.object()?)),
    sentence: |frame, key| row(frame, key.object()?).map(|row| row.sentence()),
    columns: || cells().iter().map(|shown| shown.column).collect(),
};

/// What a row is.
#[derive(Clone, Copy)]
pub(super) enum Machine<'a> {
    Node(&'a NodeRow),
    Claim(&'a NodeClaimRow),
}

/// A row of Fleet, from which its cells are written.
pub(super) struct Row<'a> {
    frame: &'a FrameContext<'a>,
    machine: Machine<'a>,
    /// Verdict and protection of a Node; `None` for a NodeClaim.
    said: Option<NodeDisruptionText<'a>>,
}

/// The row of a key.
pub(super) fn row<'a>(frame: &'a FrameContext<'a>, key: &Key) -> Option<Row<'a>> {
    let machine = match key.kind {
        Kind::Node => Machine::Node(frame.app.fleet.nodes.get(&key.object)?),
        Kind::NodeClaim => Machine::Claim(frame.app.fleet.node_claims.get(&key.object)?),
        _ => return None,
    };
    let said = match machine {
        Machine::Node(node) => Some(NodeDisruptionText::of(frame, node)),
        Machine::Claim(_) => None,
    };
    Some(Row { frame, machine, said })
}

/// The columns. Inside a NodePool its name would only repeat, and without GPUs in the cluster there is no GPU column.
fn columns<'a>(frame: &FrameContext<'_>) -> Vec<Shown<Row<'a>>> {
    let inside_pool = matches!(frame.app.ui.level.scope, Some(Scope::NodePool(_)));
    let no_gpus = frame.totals.gpu.advertised == 0;
    let of_gpus = [&columns::GPU, &columns::BUSY, &columns::CLASS];
    let not_measured = frame.app.fleet.node_usage.is_empty();
    let of_usage = [&columns::CPU_USED, &columns::MEMORY_USED];
    let has_spot = frame.app.insights.spot.totals().nodes > 0;
    let is_narrow = frame.app.ui.size.0 < ROOMY_FROM;
    // Where rows are ordered by risk there is nothing but spot capacity.
    let is_about_spot = frame.app.ui.level.view.order == Some(&columns::RISK);
    let is_left_out = |column: &app::Column| {
        (!has_spot && *column == columns::RISK)
            || (is_about_spot && *column == columns::CAPACITY)
            || (is_about_spot && is_narrow && *column == columns::BUSY)
            || (inside_pool && *column == columns::NODE_POOL)
            || (no_gpus && of_gpus.contains(&column))
            || (not_measured && of_usage.contains(&column))
    };
    let essential = |shown: Shown<Row<'a>>| {
        if is_about_spot && *shown.column == columns::RISK { shown.essential() } else { shown }
    };
    cells().into_iter().filter(|shown| !is_left_out(shown.column)).map(essential).collect()
}

/// All columns in the order in which they stand.
fn cells<'a>() -> Vec<Shown<Row<'a>>> {
    vec![
        Shown::new(&columns::MARK, Row::glyph),
        Shown::new(&columns::NAME, Row::name),
        Shown::new(&columns::NODE_POOL, Row::pool),
        Shown::new(&columns::INSTANCE_TYPE, Row::instance_type),
        Shown::new(&columns::CAPACITY, Row::capacity),
        Shown::new(&columns::ZONE, Row::zone),
        Shown::new(&columns::RISK, Row::risk),
        Shown::new(&columns::AGE, Row::age),
        Shown::new(&columns::PODS, Row::pods),
        Shown::new(&columns::CPU, Row::cpu),
        Shown::new(&columns::MEMORY, Row::memory),
        Shown::new(&columns::CPU_USED, Row::cpu_used),
        Shown::new(&columns::MEMORY_USED, Row::memory_used),
        Shown::new(&columns::GPU, Row::gpu),
        Shown::new(&columns::BUSY, Row::busy),
        Shown::new(&columns::CLASS, Row::class),
        Shown::new(&columns::VERDICT, Row::karpenter).or_shorter(Row::karpenter_shorter),
        Shown::new(&columns::UNTIL, Row::until),
        Shown::new(&columns::COST, Row::cost).or_shorter(Row::cost_shorter),
        Shown::new(&columns::STATUS, Row::status),
        Shown::new(&columns::PROTECTION, Row::protected),
        Shown::new(&columns::UNREQUESTED, Row::unrequested),
        Shown::new(&columns::VERSION, Row::version),
    ]
}

impl Row<'_> {
    /// Where it stands, in one glyph; a node that is not ready says so before anything else.
    fn glyph(&self) -> Line {
        match (self.machine, &self.said) {
            (Machine::Node(node), Some(said)) if self.phase(node) != NodePhase::NotReady => said.glyph(),
            (Machine::Node(node), _) => {
                let state = words::node(self.phase(node));
                Line::of(state.role, state.glyph)
            }
            (Machine::Claim(claim), _) => {
                let state = words::claim(app::claim_phase(claim, self.frame.app));
                Line::of(state.role, state.glyph)
            }
        }
    }

    /// What Karpenter may do with it, or what stops it.
    fn karpenter(&self) -> Line {
        let Machine::Node(node) = self.machine else { return self.status_of_claim() };
        let Some(said) = &self.said else { return Line::new() };
        match self.phase(node) {
            NodePhase::NotReady => Line::of(Role::Bad, "not ready, ").then(said.short()),
            _ => said.short(),
        }
    }

    /// The same without what the glyph has said.
    fn karpenter_shorter(&self) -> Line {
        let Machine::Node(node) = self.machine else {
            let line = self.status_of_claim();
            let role = line.spans().first().map_or(Role::Text, super::Span::role);
            let text = line.text();
            return Line::of(role, text.strip_prefix("starting: ").unwrap_or(&text));
        };
        let Some(said) = &self.said else { return Line::new() };
        match self.phase(node) {
            NodePhase::NotReady => Line::of(Role::Bad, "not ready"),
            _ => said.shortest(),
        }
    }

    fn status_of_claim(&self) -> Line {
        let Machine::Claim(claim) = self.machine else { return Line::new() };
        let (phase, state) =
            (app::claim_phase(claim, self.frame.app), words::claim(app::claim_phase(claim, self.frame.app)));
        let what = match phase {
            ClaimPhase::Launching => "starting: no instance yet",
            ClaimPhase::Registering => "starting: no Node yet",
            ClaimPhase::Initializing => "starting",
            ClaimPhase::Ready => self.missing_node(),
            ClaimPhase::Terminating => "terminating",
        };
        Line::of(state.role, what)
    }

    /// Why a ready NodeClaim has no Node here: only a complete list of Nodes tells that it is gone.
    fn missing_node(&self) -> &'static str {
        if Completeness::new(&self.frame.app.sources).without_gap(Kind::Node) {
            return "its Node is gone";
        }
        match self.frame.state(Kind::Node) {
            HealthState::Connecting | HealthState::Syncing => "",
            HealthState::Live | HealthState::Stale => "not all Nodes are readable",
            _ => "Nodes are not readable",
        }
    }

    fn until(&self) -> Line {
        self.said.as_ref().map_or_else(|| Line::of(Role::TextDim, format::NONE), NodeDisruptionText::until)
    }

    fn name(&self) -> Line {
        match self.machine {
            Machine::Node(node) => {
                Line::of(Role::TextStrong, words::node_name(&node.meta.key.name, self.frame.app.ui.size.0))
            }
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

    /// How likely the cloud takes it back; nothing of what is no spot capacity.
    fn risk(&self) -> Line {
        let Machine::Node(node) = self.machine else { return Line::new() };
        let spot = &self.frame.app.insights.spot;
        let risk = spot.score_of(&node.meta.key.name).map(|score| spot::risk(score, &self.frame.app.settings.spot));
        risk.unwrap_or_default()
    }

    fn created(&self) -> Time {
        match self.machine {
            Machine::Node(node) => node.meta.created,
            Machine::Claim(claim) => claim.meta.created,
        }
    }

    fn age(&self) -> Line {
        Line::plain(format::age(self.frame.app.now.seconds_since(self.created())))
    }

    fn status(&self) -> Line {
        match self.machine {
            Machine::Claim(claim) => words::claim(app::claim_phase(claim, self.frame.app)).line(),
            Machine::Node(node) => {
                let line = words::node(self.phase(node)).line();
                if node.cordoned { line.and(Role::Warn, ", cordoned") } else { line }
            }
        }
    }

    fn phase(&self, node: &NodeRow) -> NodePhase {
        app::node_phase(node, self.frame.app)
    }

    /// A number that comes from pods: only of Nodes, and only when all pods are known.
    fn if_pods_known(&self, text: impl Fn(&NodePicture, &NodeRow) -> Line) -> Line {
        let Machine::Node(node) = self.machine else { return Line::of(Role::TextDim, format::NONE) };
        match self.frame.node(node).filter(|_| self.frame.all(Kind::Pod)) {
            Some(picture) if self.frame.state(Kind::Pod) == HealthState::Stale => text(picture, node).all(Role::Stale),
            Some(picture) => text(picture, node),
            None => Line::of(Role::Unknown, self.frame.unknown(Kind::Pod)),
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

    fn cpu_used(&self) -> Line {
        self.if_measured(|usage, node| share(usage.cpu_millis, node.allocatable.cpu_millis))
    }

    fn memory_used(&self) -> Line {
        self.if_measured(|usage, node| share(usage.memory_bytes, node.allocatable.memory_bytes))
    }

    /// What is said of a Node whose usage is measured; a Node that has come since the last time is not among them.
    fn if_measured(&self, say: fn(&Usage, &NodeRow) -> Line) -> Line {
        let Machine::Node(node) = self.machine else { return Line::new() };
        let usage = self.frame.app.fleet.node_usage.get(&node.meta.key.name);
        usage.map_or_else(|| Line::of(Role::Unknown, format::UNKNOWN), |usage| say(usage, node))
    }

    fn gpu(&self) -> Line {
        match self.machine {
            Machine::Claim(claim) => self.gpus(Count::Known(0), claim.capacity.gpu_total()),
            Machine::Node(node) => {
                let Some(gpu) = self.frame.node(node).and_then(|picture| picture.gpu.as_ref()) else {
                    return Line::new();
                };
                self.gpus(self.frame.gpus_requested(gpu), gpu.advertised)
            }
        }
    }

    fn gpus(&self, requested: Count, there: i64) -> Line {
        let is_narrow = self.frame.app.ui.size.0 < ROOMY_FROM || self.frame.app.ui.level.detail.is_some();
        if is_narrow { words::gpus_short(requested, there) } else { words::gpus(requested, there) }
    }

    /// How busy the requested accelerators are, marked where Karpenter sees the Node otherwise.
    fn busy(&self) -> Line {
        let Some(state) = self.gpu_state() else { return Line::new() };
        let line = words::busy(&state.activity);
        if self.disagrees() { Line::of(Role::Warn, words::DISAGREES).then(line) } else { line }
    }

    fn class(&self) -> Line {
        self.gpu_state().map_or_else(Line::new, |state| words::gpu_class(state.activity.class))
    }

    fn gpu_state(&self) -> Option<&GpuState> {
        let Machine::Node(node) = self.machine else { return None };
        self.frame.app.insights.gpus.of_node(&node.meta.key.name)
    }

    fn disagrees(&self) -> bool {
        matches!(self.machine, Machine::Node(node) if app::disagrees(app::RowRef::Node(node), self.frame.app) == Some(true))
    }

    /// The same where there is little room.
    fn cost_shorter(&self) -> Line {
        money::shorter(&self.cost())
    }

    fn cost(&self) -> Line {
        match self.machine {
            Machine::Node(node) => money::of_node(self.frame, node),
            Machine::Claim(claim) => money::of_claim(self.frame, claim),
        }
    }

    /// What of the rate no pod requests.
    fn unrequested(&self) -> Line {
        self.if_pods_known(|picture, _| match picture.cost.rate() {
            None => money::unknown(self.frame),
            Some(_) => Line::plain(money::bare(picture.spend.unrequested)),
        })
    }

    fn protected(&self) -> Line {
        let Machine::Node(node) = self.machine else { return Line::new() };
        match (protection::of_node(node), self.frame.protected_on(node)) {
            (NodeAnnotation::Protects, _) => Line::of(Role::Protected, "▣ node"),
            (NodeAnnotation::Ignored, _) => Line::of(Role::Warn, "△ invalid"),
            (NodeAnnotation::Absent, Some(0)) => Line::new(),
            (NodeAnnotation::Absent, Some(pods)) => {
                Line::of(Role::Protected, format!("▣ {}", format::plural(pods, "pod")))
            }
            (NodeAnnotation::Absent, None) => Line::of(Role::Unknown, self.frame.unknown(Kind::Pod)),
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
        let name = words::node_name(&node.meta.key.name, self.frame.app.ui.size.0);
        let line = self.glyph().and(Role::Text, " ").and(Role::TextStrong, name);
        line.and(Role::Text, format!("  {}", self.what_about(node)))
    }

    /// What is wrong with it, then what Karpenter makes of it, then what runs there.
    fn what_about(&self, node: &NodeRow) -> String {
        let said = self.said.as_ref().map(NodeDisruptionText::sentence).unwrap_or_default();
        let state = match self.phase(node) {
            NodePhase::Running | NodePhase::Disrupting => None,
            NodePhase::Starting => {
                Some(format!("starting for {}", format::age(self.frame.app.now.seconds_since(node.meta.created))))
            }
            NodePhase::Terminating => Some(self.leaving(node)),
            NodePhase::NotReady => Some(not_ready(node, self.frame.app.now)),
        };
        let said = match (state, self.phase(node)) {
            (Some(state), NodePhase::Terminating) => state,
            (Some(state), _) => format!("{state}; {said}"),
            (None, _) => said,
        };
        let cordoned = if node.cordoned { "; cordoned" } else { "" };
        let gpus = self.gpu_words(node).map_or_else(String::new, |words| format!("; {words}"));
        format!("{said}{cordoned}{gpus}; {}", self.pods_there(node))
    }

    /// What is odd about its accelerators.
    fn gpu_words(&self, node: &NodeRow) -> Option<String> {
        let state = self.gpu_state()?;
        let picture = self.frame.node(node)?;
        let is_told = state.activity.class.is_waste() || state.activity.class == GpuClass::Rogue || self.disagrees();
        let gpu = picture.gpu.as_ref().filter(|_| is_told)?;
        let reason = format::sentence(self.frame.app.now, &state.activity.reason);
        Some(format!("GPUs {}/{}: {reason}{}", gpu.requested, gpu.advertised, self.wasted_so_far(node)))
    }

    /// `, for 8d, ≈ $4,216 so far`; nothing where that is not known.
    fn wasted_so_far(&self, node: &NodeRow) -> String {
        let now = self.frame.app.now;
        let Some(waste) = self.frame.app.ui.desk.waste_of(&node.meta.key) else { return String::new() };
        let since = waste.since.map(|since| format!(", for {}", format::age(now.seconds_since(since))));
        let paid = waste.paid_micro_usd(now).filter(|paid| *paid > 0);
        let paid = paid.map(|paid| format!(", ≈ {} so far", money::sum(paid)));
        [since, paid].into_iter().flatten().collect()
    }

    fn pods_there(&self, node: &NodeRow) -> String {
        let count = self.frame.node(node).map_or(0, |picture| picture.pod_count);
        match self.frame.protected_on(node) {
            None => format!("its {}", self.frame.pods_unknown()),
            Some(0) => format::plural(count, "pod"),
            Some(protected) => format!("{}, {protected} protected", format::plural(count, "pod")),
        }
    }

    /// Since when it is being deleted, and what that waits for.
    fn leaving(&self, node: &NodeRow) -> String {
        let claim = self.frame.app.fleet.claim_of(node);
        let since = node.meta.deleting_since().or_else(|| claim.and_then(|claim| claim.meta.deleting_since()));
        let killed = claim.and_then(|claim| claim.termination_at);
        let what = leaving(since, self.frame.app.now);
        match (killed, self.frame.protected_on(node)) {
            (Some(at), _) => {
                format!("{what}, what is left is killed {}", format::clock_seconds(self.frame.app.now, at))
            }
            (None, Some(protected)) if protected > 0 => {
                format!("{what}, and waits for {}", format::plural(protected, "protected pod"))
            }
            (None, _) => what,
        }
    }

    fn claim_sentence(&self, claim: &NodeClaimRow) -> Line {
        let phase = app::claim_phase(claim, self.frame.app);
        let state = words::claim(phase);
        let waited = format::age(self.frame.app.now.seconds_since(claim.meta.created));
        let what = match phase {
            ClaimPhase::Launching => format!("waits for an instance since {waited}"),
            ClaimPhase::Registering => format!("has an instance, but no Node yet, {waited} after the request"),
            ClaimPhase::Initializing => format!("its Node is not initialized yet, {waited} after the request"),
            ClaimPhase::Ready => "is initialized".to_owned(),
            ClaimPhase::Terminating => leaving(claim.meta.deleting_since(), self.frame.app.now),
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
