//! What orders and filters ask of the verdicts of all Nodes.
//!
//! A verdict follows pods, PodDisruptionBudgets, NodePools, NodeClaims, Events and the time; judging thousands of Nodes for
//! each of them would be all that batchtop does. So they are judged in turn, a slice each second, for rows that are ordered
//! or filtered by it and for the dollars that are held. What is seen of a row is judged anew for each frame.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::App;
use crate::fleet::{Changed, Health, Kind, NodeRow, Sym};
use crate::insight::disruption::{Disruption, Hazard, Standing, Verdict, standing};
use crate::insight::picture::Judge;
use crate::units::Time;

/// What orders and filters ask of the verdict of one Node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judged {
    /// The headline.
    pub verdict: Verdict,
    /// Where it stands.
    pub standing: Standing,
    /// When that ends: what holds it, or sooner what breaks that.
    pub ends_at: Option<Time>,
    /// The object that the headline speaks of.
    pub by: Option<String>,
    /// Whether Karpenter would take it but for annotations and PodDisruptionBudgets.
    pub is_held: bool,
}

impl Judged {
    fn of(disruption: &Disruption, hazards: &[Hazard]) -> Self {
        let broken = standing::broken_by(disruption, hazards);
        let object = disruption.main_blocker().and_then(|blocker| blocker.object.as_ref());
        Self {
            verdict: disruption.verdict,
            standing: Standing::of(disruption, hazards),
            ends_at: broken.map_or_else(|| disruption.until(), |broken| broken.begins()),
            is_held: disruption.is_held(),
            by: object.map(|key| format!("{}/{}", key.kind.name().to_lowercase(), key.object)),
        }
    }
}

/// The verdicts of all Nodes as of a moment ago.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verdicts {
    judged: HashMap<Sym, Judged, RandomState>,
    /// When some were last judged; `None` for never.
    at: Option<Time>,
    /// Those whose turn comes when the next second has passed.
    waiting: Vec<Sym>,
    /// Whether something changed since then on which they depend.
    behind: bool,
}

/// The kinds that decide about Nodes.
const KINDS: [Kind; 8] = [
    Kind::Node,
    Kind::NodeClaim,
    Kind::NodePool,
    Kind::Pod,
    Kind::PodDisruptionBudget,
    Kind::Event,
    Kind::Ec2NodeClass,
    Kind::KarpenterDeployment,
];

impl Verdicts {
    /// Of a Node; `None` where it was not judged yet.
    pub fn of(&self, node: &NodeRow) -> Option<&Judged> {
        self.judged.get(&node.meta.key.name)
    }

    /// Whether some have to be judged anew.
    pub const fn is_behind(&self) -> bool {
        self.behind || !self.waiting.is_empty()
    }

    /// Whether it is time to judge some: others than a moment ago, or those that changed since.
    pub fn is_due(&self, now: Time) -> bool {
        self.at.is_none() || (self.is_behind() && self.at != Some(now))
    }

    /// Notes that something changed on which they depend.
    pub const fn note(&mut self) {
        self.behind = true;
    }

    /// Notes what a Delta changed.
    pub fn note_kinds(&mut self, changed: &Changed) {
        self.behind |= changed.kinds.iter().any(|kind| KINDS.contains(kind));
    }

    /// When something changed since the last turn of all, another begins; those that are gone are forgotten.
    fn begin(&mut self, app: &App) {
        if self.behind && self.waiting.is_empty() {
            self.judged.retain(|name, _| app.fleet.node(name).is_some());
            self.waiting = self.judged.keys().cloned().collect();
            self.behind = false;
        }
    }

    /// Notes that a Source is as it was, or not: what is not complete cannot be decided.
    pub fn note_health(&mut self, before: Option<&Health>, now: &Health) {
        let known = |health: &Health| (health.state, health.namespaces.clone(), health.undecodable == 0);
        self.behind |= before.map(known) != Some(known(now));
    }
}

/// How many Nodes are judged at a time: 1,000 take about five milliseconds, so that a key press is not felt to wait.
const SLICE: usize = 1_000;

/// Brings them up to date: all at first, then at most a slice for each second. Nodes that are new are judged at once.
pub fn refresh(app: &mut App) {
    let mut verdicts = std::mem::take(&mut app.ui.listing.verdicts);
    let judge = app.judge();
    if verdicts.at.is_some() && verdicts.at != Some(app.now) {
        verdicts.begin(app);
        let slice = verdicts.waiting.len().saturating_sub(SLICE);
        let turn = verdicts.waiting.split_off(slice);
        let nodes = turn.iter().filter_map(|name| app.fleet.node(name));
        verdicts.judged.extend(nodes.map(|node| judged(&judge, node)));
    }
    let new: Vec<&NodeRow> = app.fleet.nodes.iter().filter(|node| verdicts.of(node).is_none()).collect();
    verdicts.judged.extend(new.into_iter().map(|node| judged(&judge, node)));
    verdicts.at = Some(app.now);
    drop(judge);
    app.ui.listing.verdicts = verdicts;
}

fn judged<'a>(judge: &Judge<'a>, node: &'a NodeRow) -> (Sym, Judged) {
    let (disruption, hazards) = judge.with_hazards(node);
    (node.meta.key.name.clone(), Judged::of(&disruption, &hazards))
}
