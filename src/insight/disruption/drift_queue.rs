//! The order in which Karpenter tries drifted nodes.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::next_command::{goes_as_empty, place};
use super::turn::{Chance, Turn};
use crate::fleet::Sym;

/// Where a drifted node stands among those that Karpenter tries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DriftPlace {
    /// Counted from one. Nodes of which it is not told whom Karpenter tries first share a place.
    pub place: usize,
    /// How many drifted nodes it tries.
    pub of: usize,
}

/// The place of each drifted node that Karpenter may take now. None of a Karpenter of which it is not known of a node whether it is
/// among them.
pub fn drift_places<'a>(turns: impl Iterator<Item = (&'a Sym, &'a Turn)>) -> HashMap<Sym, DriftPlace, RandomState> {
    let (auto_mode, others): (Vec<_>, Vec<_>) = turns.partition(|(_, turn)| turn.is_of_auto_mode);
    [auto_mode, others].iter().flat_map(|turns| of_one(turns)).collect()
}

/// Those of one Karpenter.
fn of_one(turns: &[(&Sym, &Turn)]) -> Vec<(Sym, DriftPlace)> {
    if turns.iter().any(|(_, turn)| turn.drifted == Chance::Unknown) {
        return Vec::new();
    }
    let is_tried = |turn: &Turn| turn.drifted == Chance::Now && !goes_as_empty(turn);
    let mut queue: Vec<_> =
        turns.iter().filter(|(_, turn)| is_tried(turn)).map(|(name, turn)| (place(turn), *name)).collect();
    queue.sort_unstable();
    let of = queue.len();
    let before = |own| queue.partition_point(|(other, _)| *other < own);
    queue.iter().map(|(own, name)| ((*name).clone(), DriftPlace { place: before(*own) + 1, of })).collect()
}

#[cfg(test)]
mod tests {
    use super::super::turn::Order;
    use super::*;
    use crate::units::Time;

    fn drifted(since: i64) -> Turn {
        Turn {
            empty: Chance::Never,
            drifted: Chance::Now,
            may_be_consolidated: false,
            is_of_auto_mode: false,
            is_static: false,
            moves_pods: true,
            drifted_since: Some(Time::from_seconds(since)),
            may_be_passed_over: false,
            order: Order { emptiness_first: true, drifts_one_by_one: true },
        }
    }

    /// `place/of` of each, `-` where there is none.
    fn places(turns: &[Turn]) -> String {
        let names: Vec<Sym> = (0..turns.len()).map(|number| Sym::new(&format!("n{number}"))).collect();
        let found = drift_places(names.iter().zip(turns));
        let text = |name| found.get(name).map_or_else(|| "-".to_owned(), |at| format!("{}/{}", at.place, at.of));
        names.iter().map(text).collect::<Vec<String>>().join(" ")
    }

    #[test]
    fn drifted_nodes_stand_in_the_order_of_karpenter() {
        let of_auto_mode = Turn { is_of_auto_mode: true, ..drifted(1) };
        let unknown = Turn { drifted: Chance::Unknown, ..drifted(1) };
        for (turns, want) in [
            (vec![], ""),
            (vec![drifted(7)], "1/1"),
            (vec![drifted(9), drifted(7), drifted(8)], "3/3 1/3 2/3"),
            (vec![drifted(9), drifted(7), drifted(7)], "3/3 1/3 1/3"),
            (vec![drifted(7), Turn { moves_pods: false, ..drifted(9) }], "2/2 1/2"),
            (vec![drifted(7), Turn { is_static: true, ..drifted(9) }], "2/2 1/2"),
            (vec![drifted(7), Turn { empty: Chance::Now, ..drifted(9) }], "1/1 -"),
            (vec![drifted(7), Turn { drifted: Chance::Never, ..drifted(1) }], "1/1 -"),
            (vec![drifted(7), Turn { drifted: Chance::From(Time::from_seconds(99)), ..drifted(1) }], "1/1 -"),
            (vec![drifted(7), of_auto_mode.clone()], "1/1 1/1"),
            (vec![drifted(7), unknown.clone()], "- -"),
            (vec![of_auto_mode, unknown], "1/1 -"),
        ] {
            assert_eq!(places(&turns), want, "{turns:?}");
        }
    }
}
