//! What everything costs, followed as the cluster changes, and paid for as time passes.

use super::{App, Effect, listing, verdicts};
use crate::fleet::{Changed, Health, HealthState, Kind, NOT_NEEDED, PriceDemand, RegionDemand, SourceId};
use crate::insight::cost::{Burn, Ledger};
use crate::insight::{Known, picture};
use crate::units::Time;

/// What everything costs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Burning {
    /// Rates as of a moment ago; `None` while not all Nodes and NodeClaims are known.
    pub rates: Option<Burn>,
    /// What was paid since batchtop looks on.
    pub ledger: Ledger,
    /// What was last asked of AWS and of Karpenter.
    demand: PriceDemand,
    /// Whether something changed on which rates depend.
    rates_behind: bool,
    /// Whether something changed on which it depends who has to be asked for prices.
    demand_behind: bool,
    paid_at: Option<Time>,
    asked_at: Option<Time>,
}

/// The counter moves no more often while rates stay as they are, so that an idle screen is not drawn.
const PAY_EVERY_SECONDS: i64 = 10;

/// The clock ticks each second, and is paid by it each ten: a longer time between two looks is one in which a laptop slept.
const LONGEST_SECONDS: i64 = 30;

/// The demo's clock may run a thousand times as fast.
const LONGEST_SECONDS_OF_DEMO: i64 = 30_000;

/// From then on a stale Source tells of the past.
const UNSEEN_FROM_SECONDS: i64 = 60;

/// Nodes come one by one; they are asked for together.
const ASK_EVERY_SECONDS: i64 = 5;

impl Burning {
    /// Notes what a Delta changed.
    pub fn note(&mut self, changed: &Changed) {
        let has_machines = !(changed.nodes.is_empty() && changed.claims.is_empty());
        let has_owners = [Kind::Job, Kind::ReplicaSet].iter().any(|kind| changed.kinds.contains(kind));
        self.rates_behind |= has_machines || has_owners || changed.prices || changed.kinds.contains(&Kind::NodeOverlay);
        let of_machines = [Kind::Node, Kind::NodeClaim, Kind::NodeOverlay, Kind::KarpenterDeployment];
        self.demand_behind |= changed.prices || of_machines.iter().any(|kind| changed.kinds.contains(kind));
    }

    /// Notes that what is known of the cluster has changed, or how completely.
    pub const fn note_all(&mut self) {
        self.rates_behind = true;
        self.demand_behind = true;
        self.asked_at = None;
    }
}

/// A second has passed.
pub fn tick(app: &mut App) -> Option<Effect> {
    if Known::new(&app.sources).decides_nodes() && app.ui.listing.verdicts.is_due(app.now) {
        verdicts::refresh(app);
        app.burning.rates_behind = true;
    }
    let burning = &app.burning;
    let is_due = burning.paid_at.is_none_or(|at| app.now.seconds_since(at) >= PAY_EVERY_SECONDS);
    if burning.rates_behind {
        let rates = rates(app);
        let is_other = rates != app.burning.rates;
        if is_due || is_other {
            pay(app);
        }
        app.burning.rates = rates;
        app.burning.rates_behind = false;
        if is_other {
            listing::note_rates(app);
        }
    } else if is_due {
        pay(app);
    }
    ask(app)
}

/// Pays at the rates that held until now; what nobody has seen for a while is not paid for.
fn pay(app: &mut App) {
    let (now, is_seen) = (app.now, is_seen(app));
    let longest = if app.settings.demo { LONGEST_SECONDS_OF_DEMO } else { LONGEST_SECONDS };
    let burning = &mut app.burning;
    burning.ledger.look(now, burning.rates.as_ref().filter(|_| is_seen), longest);
    burning.paid_at = Some(now);
    listing::note_paid(app);
}

/// Whether the API server has told of machines lately; reading everything again takes a moment.
fn is_seen(app: &App) -> bool {
    [Kind::Node, Kind::NodeClaim].into_iter().all(|kind| {
        app.sources.get(&SourceId::Kind(kind)).is_none_or(|health| {
            let age = health.as_of.map_or(0, |as_of| app.now.seconds_since(as_of));
            health.state != HealthState::Stale || age < UNSEEN_FROM_SECONDS
        })
    })
}

fn rates(app: &App) -> Option<Burn> {
    let known = Known::new(&app.sources);
    let is_decided = known.decides_nodes();
    let fixed = picture::cluster_fixed(&app.fleet, &app.cluster);
    picture::burn(&app.fleet, &app.picture, &known, fixed, |node| {
        let judged = app.ui.listing.verdicts.of(node).filter(|_| is_decided)?;
        Some(judged.is_held)
    })
}

/// Who knows prices is asked as soon as all Nodes are known, and again when others are wanted.
fn ask(app: &mut App) -> Option<Effect> {
    let burning = &mut app.burning;
    let is_due = burning.asked_at.is_none_or(|at| app.now.seconds_since(at) >= ASK_EVERY_SECONDS);
    if !burning.demand_behind || !is_due || !Known::new(&app.sources).all(Kind::Node) {
        return None;
    }
    burning.demand_behind = false;
    burning.asked_at = Some(app.now);
    let mut demand = app.picture.price_demand(&app.fleet);
    if !has_aws_answered(app, &demand) {
        demand.karpenter.clear();
    }
    let is_nothing = demand.regions.is_empty() && demand.karpenter.is_empty();
    if demand == app.burning.demand || (is_nothing && app.burning.demand == PriceDemand::default()) {
        return None;
    }
    let wanted = wanted(&app.burning.demand, &demand);
    wanted.into_iter().for_each(|source| expect(app, source));
    app.burning.demand = demand.clone();
    Some(Effect::WantPrices(demand))
}

/// Whether AWS has said what it can: only what it leaves open is asked of Karpenter.
fn has_aws_answered(app: &App, demand: &PriceDemand) -> bool {
    let is_wanted = |source: SourceId| wanted(&PriceDemand::default(), demand).contains(&source);
    [SourceId::AwsSpotPrices, SourceId::AwsOnDemandPrices].into_iter().filter(|source| is_wanted(*source)).all(
        |source| {
            let waits = |health: &Health| {
                is_idle(health) || matches!(health.state, HealthState::Connecting | HealthState::Syncing)
            };
            app.sources.get(&source).is_none_or(|health| !waits(health))
        },
    )
}

/// The Sources of which more is wanted than before.
fn wanted(before: &PriceDemand, now: &PriceDemand) -> Vec<SourceId> {
    let nothing = RegionDemand::default();
    let mut wanted = Vec::new();
    let mut note = |source, is_wanted: bool| {
        if is_wanted && !wanted.contains(&source) {
            wanted.push(source);
        }
    };
    for (region, now) in &now.regions {
        let before = before.regions.get(region).unwrap_or(&nothing);
        note(SourceId::AwsSpotPrices, !now.spot.is_subset(&before.spot));
        note(
            SourceId::AwsOnDemandPrices,
            !now.on_demand.is_subset(&before.on_demand)
                || !now.auto_mode.is_subset(&before.auto_mode)
                || (now.fargate && !before.fargate),
        );
        note(SourceId::AwsInstanceTypes, !now.hardware.is_subset(&before.hardware));
    }
    note(SourceId::KarpenterMetrics, !now.karpenter.is_subset(&before.karpenter));
    wanted
}

/// A Source that was not needed is now being asked, which it will say itself a moment later.
fn expect(app: &mut App, source: SourceId) {
    if app.sources.get(&source).is_none_or(is_idle) {
        app.sources.insert(source, Health::default());
    }
}

/// Whether it is absent only because nothing was asked of it.
fn is_idle(health: &Health) -> bool {
    health.state == HealthState::Absent && health.message.as_deref() == Some(NOT_NEEDED)
}
