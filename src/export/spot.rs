//! Spot capacity: the document of `batchtop spot explain`.

use schemars::JsonSchema;
use serde::Serialize;

use super::value::{Billionths, Hundredths, Millionths};
use super::words::{HazardPrior, ScoreInput, SpotEvidence};
use crate::insight::spot::{Hazard, Score};

/// The terms of a score.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpotExplanation {
    /// Interruptions per node and hour.
    pub per_hour: Billionths,
    /// Chance that a given node is taken back within 24 hours.
    pub p24: Millionths,
    /// Where the estimate of both began.
    pub prior: HazardPrior,
    /// 0 to 100; null where too little is known.
    pub risk: Option<u8>,
    /// Known part of all evidence, 0 to 1.
    pub coverage: Hundredths,
    /// What is known.
    pub evidence: Vec<SpotEvidence>,
    /// What the risk is the weighted mean of.
    pub terms: Vec<ScoreTerm>,
}

/// An input of a score.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScoreTerm {
    /// The input.
    pub input: ScoreInput,
    /// Its value, 0 to 1.
    pub x: Millionths,
    /// Its weight, 0 to 1.
    pub weight: Hundredths,
}

/// How a score comes about.
pub fn explain_spot(hazard: &Hazard, score: &Score) -> SpotExplanation {
    let terms = score.terms.iter().map(|term| ScoreTerm {
        input: term.input.into(),
        x: Millionths(term.x_millionths.into()),
        weight: Hundredths(term.input.weight_percent()),
    });
    SpotExplanation {
        per_hour: Billionths(hazard.per_hour_billionths),
        p24: Millionths(hazard.p24_millionths.into()),
        prior: hazard.prior.into(),
        risk: score.risk,
        coverage: Hundredths(score.coverage_percent),
        evidence: score.evidence.iter().copied().map(Into::into).collect(),
        terms: terms.collect(),
    }
}
