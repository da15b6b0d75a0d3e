//! The spot price in the details of a pool: now, in the last seven days, and where the same costs less.

use super::super::context::FrameContext;
use super::super::{Line, format, money, score};
use super::Page;
use crate::config::Role;
use crate::fleet::{HealthState, SourceId};
use crate::insight::interruption::SpotKind;
use crate::insight::picture::{Cheaper, CheaperPlace, PoolPrice};
use crate::insight::spot::SpotPool;

/// A smaller difference from the mean is none: spot prices change in small steps.
const LEAST_TREND_MILLIONTHS: i64 = 10_000;

/// So many cheaper places are told, the cheapest.
const MOST_PLACES: usize = 4;

/// The section. Nothing for capacity of other clouds, which tell no prices.
pub(super) fn section(frame: &FrameContext<'_>, pool: &SpotPool, page: &mut Page) {
    if pool.kind != SpotKind::AwsSpot {
        return;
    }
    page.section("SPOT PRICE");
    let Some(price) = PoolPrice::of(&frame.app.fleet, &frame.app.insights.picture, pool) else {
        page.item(Line::of(Role::Unknown, format!("{} {}", format::UNKNOWN, unknown(frame))));
        return;
    };
    page.fact("now", now(frame, &price));
    page.fact("7 days", week(&price));
    page.fact("trend", trend(&price));
    let cheaper = Cheaper::than(&frame.app.fleet, pool, price.now);
    page.fact(
        "zones",
        places(&cheaper.zones, "no zone of the region is cheaper", |found| found.place.zone.to_string()),
    );
    let named = |found: &CheaperPlace| format!("{} in {}", found.place.instance_type, found.place.zone);
    page.fact("types", places(&cheaper.types, "no other spot type of this shape in the cluster is cheaper", named));
}

/// Why nothing is known of the price.
fn unknown(frame: &FrameContext<'_>) -> String {
    let health = frame.app.sources.get(&SourceId::AwsSpotHistory);
    match health.map(|health| (health.state, health.message.as_deref())) {
        Some((HealthState::Live, _)) => "AWS has told no spot price of this pool".to_owned(),
        Some((_, Some(message))) => message.to_owned(),
        _ => "AWS has not answered yet".to_owned(),
    }
}

fn now(frame: &FrameContext<'_>, price: &PoolPrice<'_>) -> Line {
    let ratio = price.ratio.map_or_else(|| "the on-demand price is not known".to_owned(), score::ratio);
    let ratio = format!(", {ratio}");
    let asked = format!("  asked {}", format::relative(frame.app.now, price.as_of));
    Line::plain(format!("{} for a node", money::rate(price.now))).and(Role::Text, ratio).and(Role::TextDim, asked)
}

/// The curve between the lowest and the highest price, and both.
fn week(price: &PoolPrice<'_>) -> Line {
    let height = price.highest - price.lowest;
    // Of a price that does not change the curve is flat and low.
    let column = |price_then: &i64| format::step(Some(*price_then - price.lowest), height.max(1));
    let curve: String = price.history.course.iter().map(column).collect();
    let range = format!("  {} to {}", money::rate(price.lowest), money::rate(price.highest));
    Line::of(Role::Info, curve).and(Role::TextDim, range)
}

fn trend(price: &PoolPrice<'_>) -> Line {
    let day = difference(price.above_day_mean_millionths(), "a day");
    let week = difference(price.above_week_mean_millionths(), "seven days");
    Line::plain(format!("{day}, {week}"))
}

/// `▲ 3.1 % above the mean of a day`.
fn difference(millionths: i64, period: &str) -> String {
    if millionths.abs() < LEAST_TREND_MILLIONTHS {
        return format!("at the mean of {period}");
    }
    let percent = crate::units::money::decimal(millionths.abs() / 1_000 * 100_000, 1);
    let (arrow, word) = if millionths > 0 { ("▲", "above") } else { ("▼", "below") };
    format!("{arrow} {percent} % {word} the mean of {period}")
}

fn places(cheaper: &[CheaperPlace], none: &str, name: impl Fn(&CheaperPlace) -> String) -> Line {
    if cheaper.is_empty() {
        return Line::of(Role::TextDim, none);
    }
    let told = |found: &CheaperPlace| {
        let percent = (found.less_millionths + 5_000) / 10_000;
        format!("{} {} ({percent} % less)", name(found), money::rate(found.now))
    };
    let words: Vec<String> = cheaper.iter().take(MOST_PLACES).map(told).collect();
    Line::plain(format!("cheaper: {}", words.join(", ")))
}
