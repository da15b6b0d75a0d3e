//! Words for spot capacity: where it stands, and its risk.

use super::{Line, format, score};
use crate::config::Role;
use crate::insight::spot::{Score, SpotState};
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

/// From this risk on a number is written as a warning, and from the second as an alarm.
const WARN_FROM: u8 = 40;
const BAD_FROM: u8 = 70;

/// The risk with the letters of what it rests on: `80 HP`, `? P` where that is too little for a number.
pub(super) fn risk(of: &Score) -> Line {
    let letters = score::letters(of);
    let line = match of.risk {
        None => Line::of(Role::Unknown, format!("{:>3}", format::UNKNOWN)),
        Some(risk) => {
            let role = match risk {
                BAD_FROM.. => Role::Bad,
                WARN_FROM.. => Role::Warn,
                _ => Role::Text,
            };
            Line::of(role, format!("{risk:>3}"))
        }
    };
    if letters.is_empty() { line } else { line.and(Role::TextDim, format!(" {letters}")) }
}
