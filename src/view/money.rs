//! Every amount of money that reaches the screen is written here: US dollars, without a locale, never rounded to nothing.

use super::context::FrameContext;
use super::header::Fact;
use super::{Line, Span, format};
use crate::config::Role;
use crate::fleet::{Adjustment, HealthState, JobRow, Kind, NodeClaimRow, NodeRow, PodRow, SourceGroup, SourceId};
use crate::insight::cost::{Cost, CostGroup, CostKey, CostPart, CostRates, CostSource, Fee, GroupBy};
use crate::units::Reading;
use crate::units::money::{HOURS_PER_MONTH, MICROS};

/// Micro-dollars in a cent.
const CENT: i64 = MICROS / 100;

/// From here on cents say nothing.
const WHOLE_DOLLARS_FROM: i64 = 10_000 * MICROS;

/// Significant digits of a rate below a dollar.
const SIGNIFICANT: u32 = 3;

/// A rate with its unit, from micro-dollars per hour: `$412.87/h`, `$0.0425/h`.
pub(crate) fn rate(micro_usd_per_hour: i64) -> String {
    format!("{}/h", dollars(micro_usd_per_hour))
}

/// A rate in a column whose title has the unit: `412.87`.
pub(crate) fn bare(micro_usd_per_hour: i64) -> String {
    let (sign, number) = number(micro_usd_per_hour);
    format!("{sign}{number}")
}

/// A sum, from micro-dollars: `$37.12`, `<$0.01` of something that is not nothing.
pub(crate) fn sum(micro_usd: i64) -> String {
    match micro_usd {
        1..CENT => "<$0.01".to_owned(),
        WHOLE_DOLLARS_FROM.. => format!("${}", format::count(micro_usd / MICROS)),
        // Rounded down: what is shown has been paid.
        0.. => {
            let cents = micro_usd / CENT;
            format!("${}.{:02}", format::count(cents / 100), cents % 100)
        }
        _ => format!("-{}", sum(micro_usd.saturating_neg())),
    }
}

/// What a rate comes to in a month of 730 hours, in three digits: `$301k/mo`, `$70.1/mo`.
pub(super) fn month(micro_usd_per_hour: i64) -> String {
    let micros = i128::from(micro_usd_per_hour) * i128::from(HOURS_PER_MONTH);
    let sign = if micros < 0 { "-" } else { "" };
    format!("{sign}{}/mo", three_digits(micros.unsigned_abs()))
}

/// With the unit of the number in front and its magnitude behind.
fn three_digits(micros: u128) -> String {
    const CENT_OF_A_DOLLAR: u128 = 10_000;
    if micros > 0 && micros < CENT_OF_A_DOLLAR {
        return "<$0.01".to_owned();
    }
    let mut unit: u128 = 1_000_000;
    for magnitude in ["", "k", "M"] {
        for (decimals, digits) in [(2_usize, 100_u128), (1, 10), (0, 1)] {
            // Rounded half up in the digits that are shown; what then has too many goes into the next form.
            let rounded = (micros * digits * 2 + unit) / (unit * 2);
            if rounded < 1_000 {
                let (whole, part) = (rounded / digits, rounded % digits);
                let fraction = if decimals == 0 { String::new() } else { format!(".{part:0decimals$}") };
                return format!("${whole}{fraction}{magnitude}");
            }
        }
        unit *= 1_000;
    }
    format!("${}M", format::count(micros / 1_000_000_000_000))
}

/// An amount without a unit of time, from micro-dollars: `$412.87`, `$0.0425`.
pub(super) fn dollars(micros: i64) -> String {
    let (sign, number) = number(micros);
    format!("{sign}${number}")
}

/// Sign and digits: cents from a dollar on, below it three digits that count.
fn number(micros: i64) -> (&'static str, String) {
    let sign = if micros < 0 { "-" } else { "" };
    let micros = i64::try_from(micros.unsigned_abs()).unwrap_or(i64::MAX);
    let digits = match micros {
        WHOLE_DOLLARS_FROM.. => return (sign, format::count(micros.saturating_add(MICROS / 2) / MICROS)),
        0 | MICROS.. => 2,
        below => below_a_dollar(below),
    };
    (sign, with_decimals(micros, digits))
}

/// How many decimals show three digits that count: at least cents, at most micro-dollars.
fn below_a_dollar(micros: i64) -> u32 {
    let leading_zeros = 5 - micros.ilog10();
    (leading_zeros + SIGNIFICANT).clamp(2, 6)
}

/// Rounded half up; zeros behind the cents are left out.
fn with_decimals(micros: i64, decimals: u32) -> String {
    let unit = 10_i64.pow(6 - decimals);
    let rounded = micros.saturating_add(unit / 2) / unit * unit;
    let (whole, part) = (rounded / MICROS, rounded % MICROS);
    let fraction = format!("{part:06}");
    let kept = fraction.trim_end_matches('0').len().max(2);
    format!("{}.{}", format::count(whole), &fraction[..kept])
}

/// How a price is changed: `-15%`, `+$0.20/h`.
pub(super) fn adjustment(by: Adjustment) -> String {
    match by {
        Adjustment::MicroUsdPerHour(by) if by >= 0 => format!("+{}", rate(by)),
        Adjustment::MicroUsdPerHour(by) => rate(by),
        Adjustment::Millionths(by) => {
            let sign = if by < 0 { "-" } else { "+" };
            let hundredths = by.unsigned_abs() / 100;
            let (whole, part) = (hundredths / 100, hundredths % 100);
            let part = format!(".{part:02}");
            format!("{sign}{whole}{}%", part.trim_end_matches('0').trim_end_matches('.'))
        }
    }
}

/// A price at the moment of the frame. The insights do not know which Sources have answered: to them a price that nobody
/// has told is unknown. While a Source of prices has not answered for the first time, it is pending.
pub(super) fn reading<T, S, R>(frame: &FrameContext<'_>, price: Reading<T, S, R>) -> Reading<T, S, R> {
    let is_asked = |source: &SourceId| {
        let state = frame.app.sources.get(source).map(|health| health.state);
        matches!(state, Some(HealthState::Connecting | HealthState::Syncing))
    };
    match price {
        Reading::Unknown(_) if SourceId::of_group(SourceGroup::Prices).any(|source| is_asked(&source)) => {
            Reading::Pending
        }
        told => told,
    }
}

/// The text of a price, or the sign that says whether it is not known yet, or not known.
pub(super) fn cell<S, R>(text: Reading<Line, S, R>) -> Line {
    match text {
        Reading::Known { value, .. } => value,
        Reading::Pending => Line::of(Role::Unknown, format::NOT_YET),
        Reading::Unknown(_) => Line::of(Role::Unknown, format::UNKNOWN),
    }
}

/// The sign of a sum for which a price is missing.
pub(super) fn unknown(frame: &FrameContext<'_>) -> Line {
    cell(reading(frame, Reading::<Line, (), ()>::Unknown(())))
}

/// Behind an amount to which a fee comes that no source has.
const FEE: &str = "+fee?";

/// The same amount for a column that has no room for the word: `1.98+?`.
pub(super) fn shorter(amount: &Line) -> Line {
    let shorter = |line: Line, span: &Span| {
        let text = span.text();
        line.and(span.role(), if text == FEE { "+?" } else { text })
    };
    amount.spans().iter().fold(Line::new(), shorter)
}

/// What a machine costs, in a column whose title has the unit: `55.04`, `1.98+fee?`, `~2.10`, `prepaid`, `?`.
pub(super) fn cost(frame: &FrameContext<'_>, cost: &Cost) -> Line {
    written(frame, cost, bare)
}

/// The same in a sentence: `$55.04/h`.
pub(super) fn cost_with_unit(frame: &FrameContext<'_>, cost: &Cost) -> Line {
    written(frame, cost, rate)
}

fn written(frame: &FrameContext<'_>, cost: &Cost, write: fn(i64) -> String) -> Line {
    cell(reading(frame, cost.reading()).map(|rate| amount(cost, rate, write)))
}

fn amount(cost: &Cost, rate: i64, write: fn(i64) -> String) -> Line {
    let amount = match (cost.source(), rate, cost.fee) {
        (Some(CostSource::Prepaid), 0, _) => Line::of(Role::TextDim, "prepaid"),
        (_, _, Fee::Assumed(_)) => Line::plain(format!("~{}", write(rate))),
        _ => Line::plain(write(rate)),
    };
    if cost.lacks_fee() { amount.and(Role::Warn, FEE) } else { amount }
}

// ---- What the rows of tables cost ----

/// Rate of a Node.
pub(super) fn of_node(frame: &FrameContext<'_>, node: &NodeRow) -> Line {
    frame.node(node).map_or_else(|| unknown(frame), |said| cost(frame, &said.cost))
}

/// A part of what a machine costs; `None` where no part of it is known.
pub(super) fn part_of(frame: &FrameContext<'_>, cost: &Cost, part: Option<i64>) -> Line {
    match (cost.reading(), part) {
        (Reading::Known { .. }, Some(part)) => amount(cost, part, bare),
        (told, _) => cell(reading(frame, told).map(|_| Line::of(Role::Unknown, format::UNKNOWN))),
    }
}

/// Rate of a NodeClaim: that of its Node where it has one, and nothing before the cloud has launched it.
pub(super) fn of_claim(frame: &FrameContext<'_>, claim: &NodeClaimRow) -> Line {
    if let Some(node) = frame.app.fleet.node_of(claim) {
        return of_node(frame, node);
    }
    let said = frame.app.insights.picture.claim(claim).and_then(|said| said.cost.as_ref());
    said.map_or_else(none, |said| cost(frame, said))
}

/// Rate of a pod: its share of its Node.
pub(super) fn of_pod(frame: &FrameContext<'_>, pod: &PodRow) -> Line {
    share(frame, pod, bare)
}

/// The same in a sentence: `$0.99/h`.
pub(super) fn of_pod_with_unit(frame: &FrameContext<'_>, pod: &PodRow) -> Line {
    share(frame, pod, rate)
}

fn share(frame: &FrameContext<'_>, pod: &PodRow, write: fn(i64) -> String) -> Line {
    let Some(name) = pod.node.as_ref().filter(|_| pod.holds_resources()) else { return none() };
    if !frame.all(Kind::Pod) {
        return Line::of(Role::Unknown, frame.unknown(Kind::Pod));
    }
    let (said, share) =
        (frame.app.insights.picture.node(name), frame.app.insights.picture.pod_rate(&frame.app.fleet, pod));
    match (said, share) {
        // A share is a part of the rate, so that what is said of the rate holds for it, too.
        (Some(said), Some(share)) => {
            let instance = said.cost.instance.clone().map(|_| share);
            written(frame, &Cost { instance, fee: fee_of_share(said.cost.fee), line: said.cost.line }, write)
        }
        _ => unknown(frame),
    }
}

/// The known fee is in the share already.
const fn fee_of_share(fee: Fee) -> Fee {
    match fee {
        Fee::Listed(_) => Fee::Listed(0),
        Fee::Assumed(_) => Fee::Assumed(0),
        Fee::None | Fee::Unknown => fee,
    }
}

/// Rate of the pods of a Job together.
pub(super) fn of_job(frame: &FrameContext<'_>, job: &JobRow) -> Line {
    sum_of_job(frame, job, bare)
}

/// The same in a sentence: `$49.15/h`.
pub(super) fn of_job_with_unit(frame: &FrameContext<'_>, job: &JobRow) -> Line {
    sum_of_job(frame, job, rate)
}

fn sum_of_job(frame: &FrameContext<'_>, job: &JobRow, write: fn(i64) -> String) -> Line {
    if !frame.app.fleet.pods_of_job(&job.meta.uid).any(|pod| pod.holds_resources() && pod.node.is_some()) {
        return if frame.pods_known_of(job) { none() } else { Line::of(Role::Unknown, frame.unknown(Kind::Pod)) };
    }
    if !frame.all(Kind::Pod) {
        return Line::of(Role::Unknown, frame.unknown(Kind::Pod));
    }
    frame
        .app
        .insights
        .picture
        .job_rate(&frame.app.fleet, &job.meta.uid)
        .map_or_else(|| unknown(frame), |rate| Line::plain(write(rate)))
}

/// What the pods of a Job have paid since batchtop looks on.
pub(super) fn paid_by_job(frame: &FrameContext<'_>, job: &JobRow) -> Line {
    paid(frame, &(GroupBy::Job, CostGroup::Job(job.meta.key.clone())))
}

/// What somebody has paid since batchtop looks on.
pub(super) fn paid(frame: &FrameContext<'_>, payer: &CostKey) -> Line {
    match frame.app.insights.ledger.paid_by(payer) {
        account if account.observed_seconds == 0 => none(),
        account => Line::plain(sum(account.micro_usd())),
    }
}

/// What somebody pays: `≥` where machines are not priced.
pub(super) fn of_payer(frame: &FrameContext<'_>, payer: &CostKey) -> Line {
    sum_of_payer(frame, payer, bare)
}

/// The same in a sentence: `≥ $114.05/h`.
pub(super) fn of_payer_with_unit(frame: &FrameContext<'_>, payer: &CostKey) -> Line {
    sum_of_payer(frame, payer, rate)
}

fn sum_of_payer(frame: &FrameContext<'_>, payer: &CostKey, write: fn(i64) -> String) -> Line {
    let Some(rates) = frame.app.insights.rates() else { return Line::of(Role::Unknown, not_known(frame)) };
    let machines = rates.machines_of(payer);
    match (rates.rate_of(payer), machines.unpriced) {
        (Some(rate), 0) => Line::plain(write(rate)),
        (Some(rate), _) => Line::of(Role::Warn, "≥ ").and(Role::Text, write(rate)),
        (None, 0) if machines.count > 0 => Line::of(Role::TextDim, "prepaid"),
        (None, 0) => none(),
        (None, _) => unknown(frame),
    }
}

fn none() -> Line {
    Line::of(Role::TextDim, format::NONE)
}

// ---- The header ----

/// What everything costs per hour, and what it has cost since batchtop looks on: `≥ $412.87/h`, `+$37.12 since 12:04`.
pub(super) fn counter(frame: &FrameContext<'_>) -> [Line; 2] {
    let Some(rates) = frame.app.insights.rates() else {
        return [Line::of(Role::Unknown, format!("${}/h", not_known(frame))), Line::new()];
    };
    let ledger = &frame.app.insights.ledger;
    let since = ledger.since().map_or_else(Line::new, |since| {
        let paid = sum(ledger.total().micro_usd());
        // For a while something was not priced: that would come on top.
        let at_least = if ledger.total().incomplete_seconds > 0 { "≥ " } else { "" };
        Line::of(Role::Text, format!("{at_least}+{paid}"))
            .and(Role::TextDim, format!(" since {}", format::clock(frame.app.now, since)))
    });
    let is_stale = [Kind::Node, Kind::NodeClaim].iter().any(|kind| frame.state(*kind) == HealthState::Stale);
    let total = total(rates);
    [if is_stale { total.all(Role::Stale).and(Role::Stale, " (stale)") } else { total }, since]
}

/// `≥` where something is not priced: that would come on top.
pub(super) fn total(rates: &CostRates) -> Line {
    match rates.known_total() {
        None => Line::of(Role::Unknown, format!("${}/h", format::UNKNOWN)),
        Some(total) if rates.is_incomplete() => Line::of(Role::Warn, "≥ ").and(Role::TextStrong, rate(total)),
        Some(total) => Line::of(Role::TextStrong, rate(total)),
    }
}

/// The sign for rates that are not known because not all machines are.
fn not_known(frame: &FrameContext<'_>) -> &'static str {
    let missing = [Kind::Node, Kind::NodeClaim].into_iter().find(|kind| !frame.all(*kind));
    missing.map_or(format::NOT_YET, |kind| frame.unknown(kind))
}

/// What is paid for protected Nodes, where there is room and they are more than the held ones.
pub(super) fn protected(frame: &FrameContext<'_>) -> Fact {
    let part = |part| frame.app.insights.rates().and_then(|rates| rates.parts.get(part));
    let long = match (part(CostPart::Protected), part(CostPart::Held)) {
        (Some(protected), Some(held)) if protected > held => {
            Line::of(Role::TextDim, "protected ").and(Role::Protected, rate(protected))
        }
        _ => Line::new(),
    };
    Fact { short: Line::new(), long }
}

/// What is paid for held Nodes, and what of it no pod requests.
pub(super) fn held(frame: &FrameContext<'_>) -> Fact {
    let label = Line::of(Role::TextDim, "held ");
    let Some(rates) = frame.app.insights.rates() else { return Fact { short: Line::new(), long: Line::new() } };
    let known = (rates.parts.get(CostPart::Held), rates.parts.get(CostPart::HeldUnrequested));
    let (Some(held), Some(unrequested)) = known else {
        let line = label.and(Role::Unknown, format!("${}/h", frame.unknown(Kind::Pod)));
        return Fact { short: line.clone(), long: line };
    };
    let short = label.and(Role::Protected, rate(held));
    if held == 0 {
        return Fact { long: short.clone(), short };
    }
    let part = Line::of(Role::TextDim, format!(" (unrequested {})", dollars(unrequested)));
    Fact { long: short.clone().then(part), short }
}

/// Machines whose price nobody tells: what is shown is not the whole.
pub(super) fn unpriced(frame: &FrameContext<'_>) -> Fact {
    let counts = frame.app.insights.rates().map_or((0, 0), |rates| (rates.unpriced, rates.without_fee));
    let words = match counts {
        (0, 0) => String::new(),
        (0, fees) => format!("△ {} without fee", format::count(fees)),
        (unpriced, _) => format!("△ {} unpriced", format::count(unpriced)),
    };
    let line = Line::of(Role::Warn, words);
    Fact { short: line.clone(), long: line }
}

/// The source of a price, in words.
pub(super) const fn source(source: CostSource) -> &'static str {
    match source {
        CostSource::Override => "price file",
        CostSource::Label => "label eks-node-viewer/instance-price",
        CostSource::NodeOverlay => "NodeOverlay",
        CostSource::AwsSpot => "AWS spot",
        CostSource::AwsOnDemand => "AWS on-demand",
        CostSource::KarpenterMetrics => "Karpenter's metrics",
        CostSource::Embedded => "table of batchtop",
        CostSource::Prepaid => "prepaid",
    }
}

/// `4m old`, of the age of a price; nothing where that is not known. No seconds: an idle screen does not change with them.
pub(super) fn old(age_seconds: Option<i64>) -> Option<String> {
    let age = match age_seconds? {
        ..60 => "<1m".to_owned(),
        60..120 => "1m".to_owned(),
        seconds => format::age(seconds),
    };
    Some(format!("{age} old"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_rounded_by_their_size() {
        for (micros, text) in [
            (412_870_000, "$412.87/h"),
            (55_040_000, "$55.04/h"),
            (21_957_642, "$21.96/h"),
            (1_000_000, "$1.00/h"),
            (999_999, "$1.00/h"),
            (999_400, "$0.999/h"),
            (526_000, "$0.526/h"),
            (140_000, "$0.14/h"),
            (100_000, "$0.10/h"),
            (99_960, "$0.10/h"),
            (42_500, "$0.0425/h"),
            (5_000, "$0.005/h"),
            (1_234, "$0.00123/h"),
            (12, "$0.000012/h"),
            (1, "$0.000001/h"),
            (0, "$0.00/h"),
            (1_234_560_000, "$1,234.56/h"),
            (9_999_990_000, "$9,999.99/h"),
            (9_999_999_999, "$10,000.00/h"),
            (12_345_500_000, "$12,346/h"),
            (-500_000, "-$0.50/h"),
            (i64::MAX, "$9,223,372,036,854/h"),
            (i64::MIN, "-$9,223,372,036,854/h"),
        ] {
            assert_eq!(rate(micros), text);
            assert_eq!(bare(micros), text.replace('$', "").replace("/h", ""));
        }
    }

    #[test]
    fn sums_are_rounded_down_and_a_small_sum_is_never_shown_as_zero() {
        for (micros, text) in [
            (0, "$0.00"),
            (1, "<$0.01"),
            (9_999, "<$0.01"),
            (10_000, "$0.01"),
            (37_129_999, "$37.12"),
            (1_234_500_000, "$1,234.50"),
            (12_345_999_999, "$12,345"),
            (-37_120_000, "-$37.12"),
            (-1, "-<$0.01"),
        ] {
            assert_eq!(sum(micros), text);
        }
    }

    #[test]
    fn monthly_rates_are_shortened_with_k_and_m() {
        for (micros, text) in [
            (0, "$0.00/mo"),
            (1, "<$0.01/mo"),
            (14, "$0.01/mo"),
            (5_000, "$3.65/mo"),
            (96_000, "$70.1/mo"),
            (1_000_000, "$730/mo"),
            (1_369_800, "$1.00k/mo"),
            (412_870_000, "$301k/mo"),
            (1_369_863_000, "$1.00M/mo"),
            (5_000_000_000_000, "$3,650M/mo"),
            (-500_000, "-$365/mo"),
        ] {
            assert_eq!(month(micros), text, "{micros}");
        }
        assert!(month(i64::MAX).ends_with("M/mo"));
    }

    #[test]
    fn adjustments_are_shown_as_percentages_or_dollars_per_hour() {
        for (by, text) in [
            (Adjustment::Millionths(-150_000), "-15%"),
            (Adjustment::Millionths(25_000), "+2.5%"),
            (Adjustment::Millionths(-1_000_000), "-100%"),
            (Adjustment::Millionths(0), "+0%"),
            (Adjustment::MicroUsdPerHour(200_000), "+$0.20/h"),
            (Adjustment::MicroUsdPerHour(-500_000), "-$0.50/h"),
        ] {
            assert_eq!(adjustment(by), text);
        }
    }
}
