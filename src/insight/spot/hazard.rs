//! How often a node of a pool is taken back: what was watched, drawn towards what AWS publishes.

use crate::fleet::AdvisorRange;
use crate::units::money::HOURS_PER_MONTH;

/// The middle of a range of the advisor; of the one that is open above, a quarter.
const fn share_per_month(range: AdvisorRange) -> f64 {
    match range {
        AdvisorRange::Below5 => 0.025,
        AdvisorRange::Below10 => 0.075,
        AdvisorRange::Below15 => 0.125,
        AdvisorRange::Below20 => 0.175,
        AdvisorRange::Above20 => 0.25,
    }
}

/// Where the estimate stands before anything was watched.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Prior {
    /// At the range that the Spot Instance Advisor publishes.
    Advisor(AdvisorRange),
    /// At the middle range, for want of an entry. It is no evidence.
    Assumed,
}

impl Prior {
    /// From an entry of the advisor, where there is one.
    pub fn of(entry: Option<AdvisorRange>) -> Self {
        entry.map_or(Self::Assumed, Self::Advisor)
    }

    fn per_hour(self) -> f64 {
        let range = match self {
            Self::Advisor(range) => range,
            Self::Assumed => AdvisorRange::Below15,
        };
        -(1.0 - share_per_month(range)).ln() / HOURS_PER_MONTH as f64
    }
}

/// What was watched of a pool, both parts faded alike with time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Observed {
    /// Interruptions that were watched, in millionths.
    pub interruption_millionths: u64,
    /// For how long nodes were watched while something would have told of an interruption, added up, in seconds.
    pub node_seconds: u64,
}

/// So many watched node-hours say something even where nothing was taken back.
const ENOUGH_NODE_SECONDS: u64 = 24 * 3_600;

impl Observed {
    /// Whether it says anything about the pool.
    pub const fn is_evidence(&self) -> bool {
        self.interruption_millionths > 0 || self.node_seconds >= ENOUGH_NODE_SECONDS
    }
}

/// An estimate of how often a node of a pool is taken back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hazard {
    /// What was watched.
    pub observed: Observed,
    /// Where the estimate began.
    pub prior: Prior,
    /// Interruptions per node and hour, in billionths, rounded to the nearest.
    pub per_hour_billionths: u64,
    /// Chance that a given node is taken back within 24 hours, in millionths, rounded to the nearest.
    pub p24_millionths: u32,
}

/// The prior weighs as much as so many watched node-hours.
const PRIOR_NODE_HOURS: f64 = 200.0;

const SECONDS_PER_HOUR: f64 = 3_600.0;
const HOURS_PER_DAY: f64 = 24.0;
const MILLION: f64 = 1e6;
const BILLION: f64 = 1e9;

/// The rate that counts as calm: the lowest range of the advisor.
const CALM_PER_HOUR: f64 = 3.47e-5;
/// The rate that counts as the highest: once a day.
const HIGHEST_PER_HOUR: f64 = 0.0417;

impl Hazard {
    /// The mean of a gamma distribution around the prior, after what was watched of a Poisson process.
    pub fn new(observed: Observed, prior: Prior) -> Self {
        let interruptions = observed.interruption_millionths as f64 / MILLION;
        let node_hours = observed.node_seconds as f64 / SECONDS_PER_HOUR;
        let expected = prior.per_hour() * PRIOR_NODE_HOURS;
        let per_hour = (interruptions + expected) / (node_hours + PRIOR_NODE_HOURS);
        let p24 = -(-HOURS_PER_DAY * per_hour).exp_m1();
        Self { observed, prior, per_hour_billionths: rounded(per_hour * BILLION), p24_millionths: millionths(p24) }
    }

    /// Whether it rests on anything but an assumption.
    pub fn is_evidence(&self) -> bool {
        self.observed.is_evidence() || self.prior != Prior::Assumed
    }

    /// Its place between calm (0) and the highest rate (a million) on a logarithmic scale.
    pub(super) fn position_millionths(&self) -> u32 {
        let per_hour = self.per_hour_billionths as f64 / BILLION;
        millionths((per_hour / CALM_PER_HOUR).log10() / (HIGHEST_PER_HOUR / CALM_PER_HOUR).log10())
    }

    /// Interruptions that so many nodes have to expect in a day, in millionths.
    pub const fn per_day_millionths(&self, nodes: u64) -> u64 {
        self.per_hour_billionths.saturating_mul(nodes).saturating_mul(24) / 1_000
    }
}

/// A share in millionths; below zero and above one it ends.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between zero and a million")]
fn millionths(share: f64) -> u32 {
    (share.clamp(0.0, 1.0) * MILLION).round() as u32
}

/// To the nearest whole number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "never negative, and the cast saturates")]
fn rounded(number: f64) -> u64 {
    number.round() as u64
}
