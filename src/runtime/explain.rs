//! `batchtop prices explain NODE`: who was asked for the price of a node, and what they said.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::failure::{EXIT_INTERRUPTED, Failure};
use super::{commands, snapshot};
use crate::app::App;
use crate::cli::Cli;
use crate::fleet::{Kind, NodeRow, SourceGroup, SourceId, UserPrices};
use crate::insight::cost::chain::Why;
use crate::insight::cost::{self, Fee, PriceQuery, Quote, Step};
use crate::insight::picture;
use crate::units::{Time, money};

/// Wide enough for everybody who is asked.
const WHO_WIDTH: usize = 40;

/// Runs the command.
pub fn run(cli: &Cli, name: &str) -> Result<ExitCode, Failure> {
    let Some(app) = snapshot::read(cli, snapshot::PATIENCE)? else { return Ok(ExitCode::from(EXIT_INTERRUPTED)) };
    // Labels and notes are other people's words.
    commands::print_lines(&printed(&app, name)?)
}

fn printed(app: &App, name: &str) -> Result<String, Failure> {
    if let Some(node) = app.fleet.node(name) {
        return Ok(text(app, node));
    }
    snapshot::require(app, &[Kind::Node], "batchtop rbac viewer")?;
    let names: Vec<&str> = app.fleet.nodes.iter().map(|node| &*node.meta.key.name).collect();
    Err(Failure::unknown_name(format!("no such node: {name}"), name, &names, "there are no nodes"))
}

fn text(app: &App, node: &NodeRow) -> String {
    let query = picture::price_query(&app.fleet, &app.insights.picture, node);
    let mut text = format!("{}\n\n", facts(&query));
    let steps = cost::explain(&query);
    for step in &steps {
        let said = match &step.answer {
            Ok(quote) => format!("{} per hour", money::exact_usd(quote.micro_usd_per_hour)),
            Err(pass) => format!("- {pass}"),
        };
        let _ = writeln!(text, "{:<WHO_WIDTH$}{said}", step.asked);
    }
    text.push('\n');
    verdict(&mut text, app, &query, &steps);
    sources(&mut text, app);
    text
}

/// What decides a price.
fn facts(query: &PriceQuery<'_>) -> String {
    let machine = &query.machine;
    let mut facts = vec![machine.name.to_string()];
    let known = [machine.instance_type(), machine.zone(), machine.node_pool()];
    facts.extend(known.into_iter().flatten().map(ToString::to_string));
    facts.extend(machine.capacity_type.map(|capacity| capacity.name().to_string()));
    facts.join("  ")
}

fn verdict(text: &mut String, app: &App, query: &PriceQuery<'_>, steps: &[Step]) {
    let cost = cost::of_machine(query);
    let Some(Ok(quote)) = steps.last().map(|step| &step.answer) else {
        text.push_str("price     unknown: it is in no sum, and is counted as unknown\n");
        return;
    };
    let _ = writeln!(
        text,
        "price     {} per hour, source {}",
        money::exact_usd(quote.micro_usd_per_hour),
        quote.source.name()
    );
    let user = query.prices.user.as_deref();
    for sentence in cost::explain_quote(quote, user) {
        let _ = writeln!(text, "          {}", sentence.machine_text());
    }
    if let Some(as_of) = quote.as_of {
        let _ =
            writeln!(text, "as of     {as_of}, {} days ago{}", app.now.days_since(as_of), doubt(app.now, user, quote));
    }
    let fee = match cost.fee {
        Fee::None => None,
        Fee::Listed(fee) => Some(format!("{} per hour, as AWS lists it", money::exact_usd(fee))),
        Fee::Assumed(fee) => {
            Some(format!("{} per hour, assumed by the ratio of the price file", money::exact_usd(fee)))
        }
        Fee::Unknown => Some("unknown, and not in the sum".to_string()),
    };
    if let Some(fee) = fee {
        let _ = writeln!(text, "fee       EKS Auto Mode: {fee}");
    }
    if let Some(rate) = cost.rate() {
        let month = rate.saturating_mul(money::HOURS_PER_MONTH);
        let _ = writeln!(
            text,
            "together  {} per hour, {} in a month of 730 h",
            money::exact_usd(rate),
            money::exact_usd(month)
        );
    }
}

/// The user's prices are doubtful from an age on that the file says.
fn doubt(now: Time, user: Option<&UserPrices>, quote: &Quote) -> &'static str {
    let is_users = matches!(quote.why, Why::Node(_) | Why::Rule(_));
    if is_users && user.is_some_and(|user| user.is_outdated(now)) { ", older than max_age_days" } else { "" }
}

/// The Sources of prices that do not answer at the moment, with the reason.
fn sources(text: &mut String, app: &App) {
    let silent = SourceId::of_group(SourceGroup::Prices).filter(|id| !snapshot::is_live(app, *id));
    let lines: Vec<String> = silent.map(|id| snapshot::sentence(app, id)).collect();
    if !lines.is_empty() {
        let _ = write!(text, "\nnot asked, or without an answer:\n  {}\n", lines.join("\n  "));
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::options::Options;
    use super::super::setup;
    use super::*;
    use crate::app::{Msg, update};
    use crate::config;
    use crate::fleet::Sym;
    use crate::source::demo;

    /// The demo, all read, with these prices of the user.
    fn demo_with(prices: &str) -> App {
        let cli = Cli::try_parse_from(["batchtop", "--demo"]).expect("a command line");
        let options = Options::load(&cli).expect("options");
        let mut app = setup::prepare(&cli, &options).expect("prepared").app;
        let epoch = app.epoch;
        let user = config::parse_prices(config::PriceFormat::Toml, "prices.toml", prices).ok().map(Box::new);
        let told = crate::fleet::Delta::Prices(vec![crate::fleet::PriceChange::User(user)]);
        let reports = demo::once(7, app.now).into_iter().chain([crate::fleet::Report::Delta(told)]);
        reports.for_each(|report| drop(update(&mut app, Msg::Source(epoch, report))));
        app
    }

    fn on_demand(app: &App) -> Sym {
        let wanted =
            |node: &&NodeRow| node.labels.get("karpenter.sh/capacity-type").is_some_and(|of| &**of == "on-demand");
        app.fleet.nodes.iter().find(wanted).expect("a node").meta.key.name.clone()
    }

    #[test]
    fn an_explanation_names_each_source_up_to_the_one_with_the_price() {
        let app = demo_with("");
        let text = printed(&app, &on_demand(&app)).expect("known");
        for line in
            ["- there is none", "- it has none", "AWS  ", "source AwsOnDemand", "AWS's on-demand price of", "730 h"]
        {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("Karpenter's metrics   "), "{text}");
    }

    #[test]
    fn an_explanation_names_a_price_rule_by_line_with_its_base_and_discount() {
        let app = demo_with(
            "version = 1\nas_of = 2026-11-01\n[discount]\non_demand = 0.18\n[[rule]]\nmatch = {}\nadjust = \"-15%\"\nnote = \"EDP\"\n",
        );
        let text = printed(&app, &on_demand(&app)).expect("known");
        for line in
            ["prices.toml:5: a rule changes it by -15 % (EDP)", "less 18 %: discount.on_demand", "source Override"]
        {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn an_unknown_node_is_a_usage_error_with_the_nearest_names() {
        let app = demo_with("");
        let name = on_demand(&app);
        let failure = printed(&app, &format!("{}x", &*name)).expect_err("unknown");
        assert_eq!(failure.code, super::super::failure::EXIT_USAGE);
        assert!(failure.hint.contains(&*name), "{}", failure.hint);
    }
}
