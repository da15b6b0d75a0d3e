//! The risk of a pool: a weighted mean over the inputs that are known, and how much of all evidence they are.

use super::floor::Floor;
use super::hazard::{Hazard, Prior};
use super::thresholds::SpotThresholds;

/// What AWS answers to a request for placement scores, 1 to 10: the higher, the likelier is a request for the
/// NodePool's instance types to succeed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PlacementScore(u8);

impl PlacementScore {
    /// The best score, which adds nothing to the risk.
    const BEST: u8 = 10;

    /// `None` for a number that AWS does not give.
    pub const fn new(score: u8) -> Option<Self> {
        match score {
            1..=Self::BEST => Some(Self(score)),
            _ => None,
        }
    }

    /// 1 to 10.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Rounded to the nearest millionth.
    const fn position_millionths(self) -> u32 {
        let steps = (Self::BEST - 1) as u32;
        ((Self::BEST - self.0) as u32 * MILLION + steps / 2) / steps
    }
}

/// Spot price ÷ on-demand price, in millionths.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PriceRatio(pub u32);

impl PriceRatio {
    /// Below half of the on-demand price the ratio says nothing of risk.
    const CALM_MILLIONTHS: u32 = 500_000;

    /// Of two rates in micro-dollars per hour, rounded to the nearest millionth; `None` where the on-demand price is no
    /// price.
    pub fn of(spot: i64, on_demand: i64) -> Option<Self> {
        let on_demand = i128::from(Some(on_demand).filter(|price| *price > 0)?);
        let ratio = (i128::from(spot) * i128::from(MILLION) + on_demand / 2) / on_demand;
        u32::try_from(ratio).ok().map(Self)
    }

    fn position_millionths(self) -> u32 {
        let above = self.0.saturating_sub(Self::CALM_MILLIONTHS).min(MILLION - Self::CALM_MILLIONTHS);
        above * (MILLION / (MILLION - Self::CALM_MILLIONTHS))
    }
}

/// What the score is a mean of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ScoreInput {
    /// How often a node of the pool is taken back.
    Hazard,
    /// How hard it is to get capacity.
    Placement,
    /// How near the spot price is to the on-demand price.
    Price,
}

impl ScoreInput {
    /// As the JSON writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hazard => "Hazard",
            Self::Placement => "Placement",
            Self::Price => "Price",
        }
    }

    /// Its part of the score, and of the coverage, in percent.
    pub const fn weight_percent(self) -> u8 {
        match self {
            Self::Hazard => 55,
            Self::Placement => 35,
            Self::Price => 10,
        }
    }
}

/// What a score rests on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Evidence {
    /// What batchtop has watched of the pool itself.
    Hazard,
    /// An entry of the Spot Instance Advisor.
    Advisor,
    /// A placement score.
    Placement,
    /// The prices of spot and on-demand capacity.
    Price,
}

/// One known input in the mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Term {
    /// The input.
    pub input: ScoreInput,
    /// Its value between no risk and the highest, in millionths.
    pub x_millionths: u32,
}

/// Everything that decides a score.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScoreInputs {
    /// How often a node is taken back. It counts only where it is evidence.
    pub hazard: Hazard,
    /// The placement score of the NodePool in this zone, not older than an hour; at least three types were asked for.
    pub placement: Option<PlacementScore>,
    /// How the prices compare, where both are known.
    pub price: Option<PriceRatio>,
    /// The strongest fact, where there is one.
    pub floor: Option<Floor>,
}

/// The risk of a pool or a node, and what it rests on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Score {
    /// 0 to 100, rounded half up; `None` where too little is known for a number and no fact sets one.
    pub risk: Option<u8>,
    /// How much of all evidence is known, by weight, in percent.
    pub coverage_percent: u8,
    /// What is known.
    pub evidence: Vec<Evidence>,
    /// The inputs that are known.
    pub terms: Vec<Term>,
    /// The fact below which the risk is not.
    pub floor: Option<Floor>,
}

const MILLION: u32 = 1_000_000;

impl Score {
    /// Of these inputs; below the coverage that the thresholds demand there is no number.
    pub fn of(inputs: &ScoreInputs, thresholds: &SpotThresholds) -> Self {
        let terms = terms(inputs);
        let coverage_percent = terms.iter().map(|term| term.input.weight_percent()).sum();
        let base = mean(&terms).filter(|_| coverage_percent >= thresholds.least_coverage_percent);
        let risk = base.max(inputs.floor.map(|floor| floor.millionths)).map(percent);
        Self { risk, coverage_percent, evidence: evidence(inputs), terms, floor: inputs.floor }
    }
}

fn terms(inputs: &ScoreInputs) -> Vec<Term> {
    let hazard = inputs.hazard.is_evidence().then(|| inputs.hazard.position_millionths());
    let known = [
        (ScoreInput::Hazard, hazard),
        (ScoreInput::Placement, inputs.placement.map(PlacementScore::position_millionths)),
        (ScoreInput::Price, inputs.price.map(PriceRatio::position_millionths)),
    ];
    known.into_iter().filter_map(|(input, x)| x.map(|x_millionths| Term { input, x_millionths })).collect()
}

fn evidence(inputs: &ScoreInputs) -> Vec<Evidence> {
    let known = [
        (inputs.hazard.observed.is_evidence(), Evidence::Hazard),
        (inputs.hazard.prior != Prior::Assumed, Evidence::Advisor),
        (inputs.placement.is_some(), Evidence::Placement),
        (inputs.price.is_some(), Evidence::Price),
    ];
    known.into_iter().filter(|(is_known, _)| *is_known).map(|(_, evidence)| evidence).collect()
}

/// In millionths, each term by its weight; `None` without any.
fn mean(terms: &[Term]) -> Option<u32> {
    let weight = |term: &Term| u32::from(term.input.weight_percent());
    let sum: u32 = terms.iter().map(|term| weight(term) * term.x_millionths).sum();
    sum.checked_div(terms.iter().map(weight).sum())
}

/// Rounded half up.
fn percent(millionths: u32) -> u8 {
    const PER_PERCENT: u32 = MILLION / 100;
    u8::try_from((millionths + PER_PERCENT / 2) / PER_PERCENT).unwrap_or(100)
}
