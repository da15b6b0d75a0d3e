//! Words for spot capacity: where it stands, and its risk.

use super::{Line, format, score};
use crate::config::Role;
use crate::insight::picture::JobStake;
use crate::insight::spot::{Score, SpotState, SpotThresholds};
use crate::units::Time;

/// Where a Node or a pool stands, with what is left until its end.
pub(super) fn state(state: SpotState, ends_at: Option<Time>, now: Time) -> Line {
    let (glyph, role) = look(state);
    let word = match (state, ends_at) {
        (SpotState::Reclaiming, Some(end)) => format!("reclaiming {}", format::countdown(end.seconds_since(now))),
        (SpotState::Calm, Some(end)) => format!("calm, ends {}", format::relative(now, end)),
        _ => word(state).to_owned(),
    };
    Line::of(role, format!("{glyph} {word}"))
}

fn look(state: SpotState) -> (&'static str, Role) {
    match state {
        SpotState::Reclaiming => ("!", Role::Bad),
        SpotState::Rebalance => ("△", Role::Warn),
        SpotState::Blind => ("?", Role::Unknown),
        SpotState::Calm => ("●", Role::Ok),
    }
}

const fn word(state: SpotState) -> &'static str {
    match state {
        SpotState::Reclaiming => "reclaiming",
        SpotState::Rebalance => "rebalance",
        SpotState::Blind => "blind",
        SpotState::Calm => "calm",
    }
}

/// What the word means, as a sentence.
pub(super) const fn meaning(state: SpotState) -> &'static str {
    match state {
        SpotState::Reclaiming => "the cloud has given notice: nothing keeps the instance",
        SpotState::Rebalance => "AWS recommends to replace instances of it; a notice may follow",
        SpotState::Blind => "nothing in the cluster would tell of a reclaim: no event source is detected",
        SpotState::Calm => "nothing tells of a reclaim, and something would",
    }
}

/// What a Job loses, and what of it stays.
pub(super) fn job_loss(stake: &JobStake) -> Line {
    let lost = match (stake.lost_seconds, stake.has_checkpoint) {
        (None, _) => "no pod of it there has started".to_owned(),
        (Some(seconds), false) => format!("loses up to {}", format::span(seconds)),
        (Some(seconds), true) => format!("loses up to {} since its last checkpoint", format::span(seconds)),
    };
    let complete = match stake.completed_millionths {
        None => "completions are not counted".to_owned(),
        Some(0) => "nothing of it is complete yet".to_owned(),
        Some(share) => format!("{}% is complete and stays", share / 10_000),
    };
    Line::of(Role::Text, format!("  {lost}")).and(Role::TextDim, format!("  {complete}"))
}

/// From this risk on a number is written as a warning, until it is high.
const WARN_FROM: u8 = 40;

/// The risk with the letters of what it rests on: `80 HP`, `? P` where that is too little for a number.
pub(super) fn risk(of: &Score, thresholds: &SpotThresholds) -> Line {
    let letters = score::letters(of);
    let line = match of.risk {
        None => Line::of(Role::Unknown, format!("{:>3}", format::UNKNOWN)),
        Some(risk) => {
            let role = match risk {
                _ if risk >= thresholds.high_risk => Role::Bad,
                WARN_FROM.. => Role::Warn,
                _ => Role::Text,
            };
            Line::of(role, format!("{risk:>3}"))
        }
    };
    if letters.is_empty() { line } else { line.and(Role::TextDim, format!(" {letters}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::spot::Floor;

    #[test]
    fn a_risk_is_an_alarm_from_the_threshold_of_the_user_on() {
        let look = |risk, high_risk| {
            let score = Score {
                risk,
                coverage_percent: 0,
                evidence: Vec::new(),
                terms: Vec::new(),
                floor: Some(Floor::REBALANCE),
            };
            super::risk(&score, &SpotThresholds { high_risk, ..SpotThresholds::DEFAULT })
        };
        for (risk, high, role) in [
            (Some(39), 70, Role::Text),
            (Some(40), 70, Role::Warn),
            (Some(69), 70, Role::Warn),
            (Some(70), 70, Role::Bad),
            (Some(20), 20, Role::Bad),
            (Some(90), 95, Role::Warn),
            (None, 1, Role::Unknown),
        ] {
            let text = risk.map_or_else(|| "  ?".to_owned(), |risk: u8| format!("{risk:>3}"));
            assert_eq!(look(risk, high), Line::of(role, text), "{risk:?} of {high}");
        }
    }
}
