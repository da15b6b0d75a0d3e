//! `batchtop spot explain`: how the risk of spot capacity comes about.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::failure::{EXIT_INTERRUPTED, Failure};
use super::options::Options;
use super::{commands, snapshot};
use crate::app::App;
use crate::cli::{Cli, SpotExplain, SpotFormat};
use crate::export;
use crate::fleet::{AdvisorRange, Kind};
use crate::insight::spot::{
    Hazard, LIMITS, Observed, PlacementScore, PriceRatio, Prior, Score, ScoreInputs, SpotThresholds,
};
use crate::view::score as words;

/// Runs `spot explain`.
pub fn explain(cli: &Cli, args: &SpotExplain) -> Result<ExitCode, Failure> {
    let Some(name) = &args.pool else { return print(args, &given(args), &Options::load(cli)?.spot) };
    let Some(app) = snapshot::read(cli, snapshot::PATIENCE)? else { return Ok(ExitCode::from(EXIT_INTERRUPTED)) };
    print(args, &inputs_of(&app, name)?, &app.settings.spot)
}

/// What decides the score of a pool.
fn inputs_of(app: &App, name: &str) -> Result<ScoreInputs, Failure> {
    let pools: Vec<(String, &ScoreInputs)> =
        app.insights.spot.pools().map(|pool| (pool.key.to_string(), &pool.inputs)).collect();
    if let Some((_, inputs)) = pools.iter().find(|(key, _)| key == name) {
        return Ok(**inputs);
    }
    snapshot::require(app, &[Kind::Node], "batchtop rbac viewer")?;
    let names: Vec<&str> = pools.iter().map(|(key, _)| key.as_str()).collect();
    Err(Failure::unknown_name(format!("no such spot pool: {name}"), name, &names, "there are no spot nodes"))
}

fn print(args: &SpotExplain, inputs: &ScoreInputs, thresholds: &SpotThresholds) -> Result<ExitCode, Failure> {
    let score = Score::of(inputs, thresholds);
    match args.output {
        Some(SpotFormat::Json) => {
            commands::print(&(snapshot::json(&export::explain_spot(&inputs.hazard, &score))? + "\n"))
        }
        None => commands::print_lines(&text(inputs, &score, thresholds)),
    }
}

/// What the flags say; clap has checked their ranges.
fn given(args: &SpotExplain) -> ScoreInputs {
    const SECONDS_PER_HOUR: u64 = 3_600;
    let observed = Observed {
        interruption_millionths: args.interruptions.unwrap_or(0),
        node_seconds: args.node_hours.unwrap_or(0).saturating_mul(SECONDS_PER_HOUR) / 1_000_000,
    };
    let ratio = args.price_ratio.map(|millionths| u32::try_from(millionths).unwrap_or(u32::MAX));
    ScoreInputs {
        hazard: Hazard::new(observed, Prior::of(args.advisor_range.and_then(AdvisorRange::of_index))),
        placement: args.placement_score.and_then(PlacementScore::new),
        price: ratio.map(PriceRatio),
        floor: None,
    }
}

/// Wide enough for what every line begins with.
const LABEL_WIDTH: usize = 10;
/// Wide enough for every input in words.
const WORDS_WIDTH: usize = 52;

fn text(inputs: &ScoreInputs, score: &Score, thresholds: &SpotThresholds) -> String {
    let mut text = format!("{:<LABEL_WIDTH$}  {:<WORDS_WIDTH$}  {:>8}  {:>6}\n", "INPUT", "", "X", "WEIGHT");
    for input in words::INPUTS {
        let (known, x, weight) = (words::words(input, inputs), words::value(input, score), words::weight(input));
        let _ = writeln!(text, "{:<LABEL_WIDTH$}  {known:<WORDS_WIDTH$}  {x:>8}  {weight:>6}", input.name());
    }
    let (risk, coverage) = (words::risk(score, thresholds), score.coverage_percent);
    let _ = write!(text, "\n{:<LABEL_WIDTH$}  {risk}\n{:<LABEL_WIDTH$}  {coverage} %\n", "RISK", "COVERAGE");
    let _ = write!(text, "\n{}\n\n{LIMITS}\n", words::rate(&inputs.hazard));
    text
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command, Spot};

    const DEFAULT: SpotThresholds = SpotThresholds::DEFAULT;

    fn parsed(flags: &[&str]) -> SpotExplain {
        let cli = Cli::try_parse_from([&["batchtop", "spot", "explain"], flags].concat()).expect("parses");
        let Some(Command::Spot { action: Spot::Explain(args) }) = cli.command else { panic!("another command") };
        args
    }

    fn document(flags: &[&str]) -> serde_json::Value {
        let inputs = given(&parsed(flags));
        serde_json::to_value(export::explain_spot(&inputs.hazard, &Score::of(&inputs, &DEFAULT))).expect("a document")
    }

    #[test]
    fn flags_become_the_terms_of_a_score() {
        let all =
            ["--advisor-range=4", "--interruptions=6", "--node-hours=480", "--placement-score=3", "--price-ratio=.45"];
        let found = document(&all);
        assert_eq!((&found["risk"], &found["coverage"]), (&70.into(), &1.0.into()), "{found}");
        let terms: Vec<&str> =
            found["terms"].as_array().expect("terms").iter().filter_map(|term| term["input"].as_str()).collect();
        assert_eq!(terms, ["Hazard", "Placement", "Price"]);
        assert_eq!(found["terms"][0]["weight"], 0.55);
        let [per_hour, p24] = ["perHour", "p24"].map(|name| found[name].as_f64().expect("a number"));
        assert!((0.0088..0.0090).contains(&per_hour) && (0.19..0.20).contains(&p24), "{found}");
    }

    #[test]
    fn without_evidence_the_risk_is_unknown() {
        let found = document(&["--interruptions", "0", "--node-hours", "23.9"]);
        assert_eq!((&found["risk"], &found["coverage"]), (&serde_json::Value::Null, &0.0.into()), "{found}");
        assert_eq!((&found["prior"], &found["terms"]), (&"Assumed".into(), &serde_json::json!([])), "{found}");
    }

    #[test]
    fn the_text_tells_each_input_and_what_the_score_cannot_tell() {
        let inputs = given(&parsed(&["--advisor-range", "2", "--node-hours", "1.5", "--price-ratio", "0.75"]));
        let text = text(&inputs, &Score::of(&inputs, &DEFAULT), &DEFAULT);
        for part in [
            "0 interrupted in 1.5 node-hours, advisor 10-15%",
            "75 % of the on-demand price",
            "Placement   unknown",
            "27 of 100",
            "65 %",
            "are judgement",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn a_pool_of_the_demo_is_explained_and_an_unknown_one_is_a_usage_error_with_the_nearest() {
        let cli = Cli::try_parse_from(["batchtop", "--demo", "spot", "explain", "x"]).expect("parses");
        let app = snapshot::read(&cli, snapshot::PATIENCE).ok().flatten().expect("the demo");
        let name = app.insights.spot.pools().next().expect("a pool").key.to_string();
        let inputs = inputs_of(&app, &name).expect("known");
        assert!(
            text(&inputs, &Score::of(&inputs, &DEFAULT), &DEFAULT).contains(" % of the on-demand price"),
            "{inputs:?}"
        );
        let failure = inputs_of(&app, &format!("{name}x")).expect_err("unknown");
        assert!(failure.hint.contains(&name), "{}", failure.hint);
    }

    #[test]
    fn a_flag_out_of_its_range_is_refused() {
        for wrong in ["--advisor-range=5", "--placement-score=0", "--price-ratio=-1", "--interruptions=x"] {
            assert!(Cli::try_parse_from(["batchtop", "spot", "explain", wrong]).is_err(), "{wrong}");
        }
    }
}
