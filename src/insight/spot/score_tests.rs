//! The numbers of the score, and what holds for all of them.

use proptest::prelude::*;

use super::*;
use crate::fleet::AdvisorRange;

const HOUR: u64 = 3_600;

/// Advisor range, interruptions and node-hours, placement score, price ratio.
type Given = (Option<u8>, u64, u64, Option<u8>, Option<u32>);

fn inputs((range, interruptions, node_hours, placement, price): Given) -> ScoreInputs {
    let observed = Observed { interruption_millionths: interruptions * 1_000_000, node_seconds: node_hours * HOUR };
    ScoreInputs {
        hazard: Hazard::new(observed, Prior::of(range.and_then(AdvisorRange::of_index))),
        placement: placement.and_then(PlacementScore::new),
        price: price.map(PriceRatio),
        floor: None,
    }
}

fn score(given: Given) -> Score {
    Score::of(&inputs(given), &SpotThresholds::DEFAULT)
}

#[test]
fn the_check_values_of_the_score_are_met() {
    // Two significant digits of the rate, and a tenth of a percent of the chance.
    for (given, per_hour_e6, p24_permille, risk, coverage) in [
        ((Some(0), 0, 0, None, None), 34.5..35.5, 0.5..1.5, 0, 55),
        ((Some(4), 0, 0, None, None), 385.0..395.0, 8.5..9.5, 34, 55),
        ((Some(4), 0, 2_000, Some(7), Some(400_000)), 35.5..36.5, 0.5..1.5, 12, 100),
        ((Some(4), 6, 480, Some(3), Some(450_000)), 8_850.0..8_950.0, 185.0..195.0, 70, 100),
        ((Some(0), 5, 300, Some(2), Some(430_000)), 9_950.0..10_500.0, 205.0..215.0, 75, 100),
        ((Some(1), 0, 500, Some(9), Some(350_000)), 30.5..31.5, 0.5..1.5, 4, 100),
    ] {
        let (hazard, score) = (inputs(given).hazard, score(given));
        let (per_hour, p24) = (hazard.per_hour_billionths as f64 / 1e3, f64::from(hazard.p24_millionths) / 1e3);
        assert!(per_hour_e6.contains(&per_hour), "{given:?}: {per_hour}");
        assert!(p24_permille.contains(&p24), "{given:?}: {p24}");
        assert_eq!((score.risk, score.coverage_percent), (Some(risk), coverage), "{given:?}");
    }
}

#[test]
fn prices_are_compared_to_the_nearest_millionth() {
    let ratio = |spot, on_demand| PriceRatio::of(spot, on_demand).map(|ratio| ratio.0);
    assert_eq!((ratio(402_100, 1_006_000), ratio(2, 3), ratio(1, 0)), (Some(399_702), Some(666_667), None));
}

#[test]
fn a_risk_is_known_from_a_coverage_of_35_percent() {
    for (given, risk, coverage, evidence) in [
        ((None, 0, 0, None, None), None, 0, &[][..]),
        ((None, 0, 23, None, Some(900_000)), None, 10, &[Evidence::Price]),
        ((None, 0, 0, Some(1), None), Some(100), 35, &[Evidence::Placement]),
        ((None, 0, 24, None, None), Some(22), 55, &[Evidence::Hazard]),
        ((None, 1, 0, None, None), Some(71), 55, &[Evidence::Hazard]),
        ((Some(2), 0, 0, None, Some(750_000)), Some(28), 65, &[Evidence::Advisor, Evidence::Price]),
    ] {
        let score = score(given);
        assert_eq!((score.risk, score.coverage_percent, &*score.evidence), (risk, coverage, evidence), "{given:?}");
    }
}

#[test]
fn a_fact_sets_the_risk_where_nothing_else_is_known_and_coverage_stays() {
    let unknown = inputs((None, 0, 0, None, Some(990_000)));
    let floored = Score::of(&ScoreInputs { floor: Floor::sibling_reclaimed(60), ..unknown }, &SpotThresholds::DEFAULT);
    assert_eq!((floored.risk, floored.coverage_percent), (Some(70), 10));
    let known = inputs((Some(4), 6, 480, Some(1), Some(990_000)));
    let floored = Score::of(&ScoreInputs { floor: Floor::insufficient_capacity(0), ..known }, &SpotThresholds::DEFAULT);
    assert_eq!(floored.risk, Score::of(&known, &SpotThresholds::DEFAULT).risk, "a lower fact does not lower a risk");
    let floored = Score::of(&ScoreInputs { floor: Some(Floor::RECLAIMING), ..known }, &SpotThresholds::DEFAULT);
    assert_eq!(floored.risk, Some(100));
}

#[test]
fn facts_fade_or_grow_with_time() {
    const MINUTE: i64 = 60;
    let value = |floor: Option<Floor>| floor.map(|floor| floor.millionths);
    for (minutes, wanted) in [(-1, Some(700_000)), (10, Some(700_000)), (35, Some(350_000)), (60, None), (600, None)] {
        assert_eq!(value(Floor::sibling_reclaimed(minutes * MINUTE)), wanted, "{minutes} min");
    }
    for (minutes, wanted) in [(-1, Some(600_000)), (10, Some(600_000)), (11, None)] {
        assert_eq!(value(Floor::insufficient_capacity(minutes * MINUTE)), wanted, "{minutes} min");
    }
    for (hours, wanted) in [(0, None), (22, None), (23, Some(450_000)), (24, Some(900_000)), (30, Some(900_000))] {
        assert_eq!(value(Floor::preemptible_deadline(hours * 60 * MINUTE)), wanted, "{hours} h");
    }
}

#[test]
fn the_strongest_fact_counts() {
    let facts = [Floor::sibling_reclaimed(0), Some(Floor::REBALANCE), Floor::insufficient_capacity(0)];
    assert_eq!(facts.into_iter().flatten().max(), Some(Floor::REBALANCE));
    assert_eq!([Some(Floor::RECLAIMING), Some(Floor::REBALANCE)].into_iter().flatten().max(), Some(Floor::RECLAIMING));
}

#[test]
fn a_pool_has_to_expect_the_rate_of_one_node_times_its_nodes() {
    let hazard = inputs((None, 1, 0, None, None)).hazard;
    let one = hazard.per_day_millionths(1);
    assert_eq!(one, hazard.per_hour_billionths * 24 / 1_000);
    assert!((hazard.per_day_millionths(10) - 10 * one) < 10, "{one}");
}

fn any_given() -> impl Strategy<Value = Given> {
    let placement = proptest::option::of(1..=10_u8);
    (proptest::option::of(0..5_u8), 0..50_u64, 0..10_000_u64, placement, proptest::option::of(0..2_000_000_u32))
}

proptest! {
    #[test]
    fn the_risk_never_falls_with_an_input_that_speaks_for_more(given in any_given()) {
        let (range, interruptions, node_hours, placement, price) = given;
        let base = score(given).risk;
        let more = |given: Given| score(given).risk >= base;
        // An input that is new changes of what the score is a mean.
        let is_watched = inputs(given).hazard.is_evidence();
        prop_assert!(more((range, interruptions + 1, node_hours, placement, price)) || !is_watched);
        prop_assert!(more((range.map(|r| (r + 1).min(4)), interruptions, node_hours, placement, price)));
        prop_assert!(more((range, interruptions, node_hours, placement.map(|s| (s - 1).max(1)), price)));
        prop_assert!(more((range, interruptions, node_hours, placement, price.map(|p| p + 10_000))));
        let longer = score((range, interruptions, node_hours + 100, placement, price)).risk;
        prop_assert!(longer <= base || !is_watched);
    }

    #[test]
    fn a_risk_is_at_most_100_and_is_unknown_exactly_below_the_limit(given in any_given()) {
        let score = score(given);
        prop_assert_eq!(score.risk.is_some(), score.coverage_percent >= 35);
        prop_assert!(score.risk.is_none_or(|risk| risk <= 100));
        let weights: u8 = score.terms.iter().map(|term| term.input.weight_percent()).sum();
        prop_assert_eq!(weights, score.coverage_percent);
    }

    #[test]
    fn a_higher_limit_of_coverage_hides_numbers_and_changes_none(given in any_given(), least in 1..=100_u8) {
        let of = |least_coverage_percent| {
            let thresholds = SpotThresholds { least_coverage_percent, ..SpotThresholds::DEFAULT };
            Score::of(&inputs(given), &thresholds)
        };
        let (all, some) = (of(1), of(least));
        prop_assert_eq!(some.risk, all.risk.filter(|_| all.coverage_percent >= least));
        prop_assert_eq!((some.coverage_percent, some.terms), (all.coverage_percent, all.terms));
    }

    #[test]
    fn the_advisor_alone_never_shows_more_than_34(range in 0..5_u8) {
        prop_assert!(score((Some(range), 0, 0, None, None)).risk.is_some_and(|risk| risk <= 34));
    }

    #[test]
    fn a_fact_never_lowers_a_risk(given in any_given(), seconds in 0..7_200_i64) {
        let floor = Floor::sibling_reclaimed(seconds);
        let floored = Score::of(&ScoreInputs { floor, ..inputs(given) }, &SpotThresholds::DEFAULT);
        prop_assert!(floored.risk >= score(given).risk);
        prop_assert!(floor.is_none() || floored.risk.is_some());
    }
}
