//! How the risk of spot capacity is written, term by term: on screen and by `batchtop spot explain` in the same words.

use super::{Line, format};
use crate::config::Role;
use crate::fleet::{ADVISOR_MAX_AGE_DAYS, Advisor, AdvisorRange};
use crate::insight::spot::{
    Evidence, Hazard, Observed, PriceRatio, Prior, Score, ScoreInput, ScoreInputs, SpotThresholds,
};
use crate::units::{Time, money};

/// Every input, in the order in which they are told.
pub(crate) const INPUTS: [ScoreInput; 3] = [ScoreInput::Hazard, ScoreInput::Placement, ScoreInput::Price];

/// What is known of an input.
pub(crate) fn words(input: ScoreInput, inputs: &ScoreInputs) -> String {
    let unknown = || "unknown".to_owned();
    match input {
        ScoreInput::Hazard if !inputs.hazard.is_evidence() => unknown(),
        ScoreInput::Hazard => hazard(&inputs.hazard),
        ScoreInput::Placement => inputs.placement.map_or_else(unknown, |score| format!("score {} of 10", score.get())),
        ScoreInput::Price => inputs.price.map_or_else(unknown, ratio),
    }
}

/// To a tenth of a percent.
pub(super) fn ratio(ratio: PriceRatio) -> String {
    let percent = money::decimal((i64::from(ratio.0) + 500) / 1_000 * 100_000, 0);
    format!("{percent} % of the on-demand price")
}

fn hazard(hazard: &Hazard) -> String {
    let Observed { interruption_millionths, node_seconds } = hazard.observed;
    let rounded = |number: u64, to: u64| (number.saturating_add(to / 2) / to).saturating_mul(to);
    let decimal = |millionths: u64| money::decimal(i64::try_from(millionths).unwrap_or(i64::MAX), 0);
    // Both fade with time: an interruption of this hour still counts as one.
    let interruptions = decimal(rounded(interruption_millionths, HUNDREDTH));
    let hours = decimal(rounded(node_seconds.saturating_mul(1_000) / 3_600 * 1_000, 10 * HUNDREDTH));
    let watched = format!("{interruptions} interrupted in {hours} node-hours");
    match hazard.prior {
        Prior::Advisor(range) => format!("{watched}, advisor {}", AdvisorRange::name(range)),
        Prior::Assumed => watched,
    }
}

/// In millionths.
const HUNDREDTH: u64 = 10_000;

/// Its value between no risk and the highest; `-` where it is not known.
pub(crate) fn value(input: ScoreInput, score: &Score) -> String {
    let term = score.terms.iter().find(|term| term.input == input);
    let hundredths = |millionths: u32| (i64::from(millionths) + 5_000) / 10_000;
    term.map_or_else(|| "-".to_owned(), |term| money::decimal(hundredths(term.x_millionths) * 10_000, 2))
}

/// Its part of the score.
pub(crate) fn weight(input: ScoreInput) -> String {
    money::decimal(i64::from(input.weight_percent()) * 10_000, 2)
}

/// The risk, and the fact that sets it.
pub(crate) fn risk(score: &Score, thresholds: &SpotThresholds) -> String {
    let unknown = || format!("unknown: it takes a coverage of {} %", thresholds.least_coverage_percent);
    let risk = score.risk.map_or_else(unknown, |risk| format!("{risk} of 100"));
    match score.floor {
        None => risk,
        Some(floor) => format!("{risk}, at least {} for {}", floor.millionths / 10_000, floor.reason.name()),
    }
}

/// Which file of the Spot Instance Advisor counts, and of when it is; why it does not.
pub(super) fn advisor(advisor: &Advisor, prior: Prior, now: Time) -> Line {
    let of = format!("{}, written {}", advisor.file, format::relative(now, advisor.as_of));
    match prior {
        _ if advisor.is_outdated(now) => {
            let words = format!("△ {of}: it does not count, for it is older than {ADVISOR_MAX_AGE_DAYS} days");
            Line::of(Role::Warn, words)
        }
        Prior::Advisor(range) => Line::plain(range.name()).and(Role::TextDim, format!("  {of}")),
        Prior::Assumed => Line::of(Role::TextDim, format!("nothing of this type in its region: {of}")),
    }
}

/// How often a node is taken back.
pub(crate) fn rate(hazard: &Hazard) -> String {
    let per_hour = hazard.per_hour_billionths as f64 / 1e9;
    let p24 = f64::from(hazard.p24_millionths) / 1e4;
    let basis = if hazard.is_evidence() { "" } else { ", assumed for want of evidence" };
    format!("{per_hour:.1e} interruptions per node-hour{basis}: {p24:.1} % of nodes within 24 hours")
}

/// One letter for each kind of evidence that there is: hazard watched here, advisor, placement score, price.
pub(crate) fn letters(score: &Score) -> String {
    let letter = |evidence: &Evidence| match evidence {
        Evidence::Hazard => 'H',
        Evidence::Advisor => 'A',
        Evidence::Placement => 'S',
        Evidence::Price => 'P',
    };
    score.evidence.iter().map(letter).collect()
}
