//! The cost of an object: its rate and the source of it, the sources that were asked before, who pays.

use super::super::context::FrameContext;
use super::super::{Line, format, money};
use super::Page;
use crate::config::Role;
use crate::fleet::{JobRow, Kind, NodeClaimRow, NodePoolRow, NodeRow, PodRow, PriceKey, PriceList};
use crate::insight::cost::chain::{Step, Why};
use crate::insight::cost::{Account, Cost, CostGroup, CostKey, CostSource, Fee, GroupBy, PriceQuery, Quote, explain};
use crate::insight::picture::{self, NodePicture};
use crate::units::Reading;

/// `$1.98/h (AWS spot, 4m old)`, or that no source has the price, or none has it yet.
pub(super) fn headline(frame: &FrameContext<'_>, cost: &Cost) -> Line {
    let line = money::cost_with_unit(frame, cost);
    match money::reading(frame, cost.instance.as_ref()) {
        // The amount says it already.
        Reading::Known { source: CostSource::Prepaid, .. } if cost.line.is_none() => line,
        Reading::Known { source, .. } => line.and(Role::TextDim, format!(" ({})", told(frame, cost, *source))),
        Reading::Pending => line.and(Role::Unknown, " no source has its price yet"),
        Reading::Unknown(_) => line.and(Role::Unknown, " no source has its price"),
    }
}

/// `AWS spot, 4m old`.
fn told(frame: &FrameContext<'_>, cost: &Cost, source: CostSource) -> String {
    let words = cost.line.map_or_else(|| money::source(source).to_owned(), |line| format!("price file, line {line}"));
    match money::old(cost.instance.age_seconds(frame.app.now)) {
        Some(old) => format!("{words}, {old}"),
        None => words,
    }
}

/// The section of a Node.
pub(super) fn of_node(frame: &FrameContext<'_>, node: &NodeRow, page: &mut Page) {
    let Some(said) = frame.node(node) else { return };
    page.section("COST");
    rate(frame, &said.cost, page);
    payers(frame, node, said, page);
    asked(frame, &picture::price_query(&frame.app.fleet, &frame.app.insights.picture, node), page);
}

/// The section of a NodeClaim without Node.
pub(super) fn of_claim(frame: &FrameContext<'_>, claim: &NodeClaimRow, page: &mut Page) {
    let Some(cost) = frame.app.insights.picture.claim(claim).and_then(|said| said.cost.as_ref()) else { return };
    page.section("COST");
    rate(frame, cost, page);
    asked(frame, &picture::claim_price_query(&frame.app.fleet, claim), page);
}

fn rate(frame: &FrameContext<'_>, cost: &Cost, page: &mut Page) {
    let month = cost.rate().filter(|rate| *rate > 0);
    let month = month.map_or_else(Line::new, |rate| Line::of(Role::TextDim, format!("  {}", money::month(rate))));
    page.fact("rate", headline(frame, cost).then(month));
    if cost.fee == Fee::None {
        return;
    }
    let instance = money::reading(frame, cost.instance.as_ref());
    page.fact("instance", money::cell(instance.map(|rate| Line::plain(money::rate(*rate)))));
    page.fact("EKS Auto Mode", fee(cost.fee));
}

fn fee(fee: Fee) -> Line {
    match fee {
        Fee::None => Line::new(),
        Fee::Listed(rate) => Line::plain(money::rate(rate)).and(Role::TextDim, " fee"),
        Fee::Assumed(rate) => Line::plain(format!("~{}", money::rate(rate)))
            .and(Role::TextDim, " fee, assumed by the ratio of the price file"),
        Fee::Unknown => Line::of(Role::Warn, "△ fee?").and(Role::TextDim, " no source has it; it comes on top"),
    }
}

/// More than these do not matter; the Pods screen, narrowed to the Node, has them all.
const MOST_PAYERS: usize = 20;

/// The pods that pay, the largest share first, then what no pod requests.
fn payers(frame: &FrameContext<'_>, node: &NodeRow, said: &NodePicture, page: &mut Page) {
    let Some(whole) = said.cost.rate().filter(|rate| *rate > 0) else { return };
    if !frame.all(Kind::Pod) {
        page.fact(
            "who pays",
            Line::of(Role::Unknown, format!("{} {}", frame.unknown(Kind::Pod), frame.pods_unknown())),
        );
        return;
    }
    let mut rates = frame.app.insights.picture.rates_on(&frame.app.fleet, node);
    rates.retain(|(_, rate)| *rate > 0);
    rates.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.meta.key.cmp(&b.0.meta.key)));
    let mut label = "who pays";
    for (pod, rate) in rates.iter().take(MOST_PAYERS) {
        page.fact(std::mem::take(&mut label), part(*rate, whole, &pod.meta.key.to_string()));
    }
    if rates.len() > MOST_PAYERS {
        let rest: i64 = rates.iter().skip(MOST_PAYERS).map(|(_, rate)| rate).sum();
        page.fact("", part(rest, whole, &format!("{} more pods", rates.len() - MOST_PAYERS)));
    }
    page.fact("unrequested", part(said.spend.unrequested, whole, "no pod requests it"));
    if said.spend.unallocated_gpu > 0 {
        page.fact("", part(said.spend.unallocated_gpu, whole, "for accelerators that no pod requests"));
    }
}

/// `$0.992/h  50%  ml/train-7-b8d1q`.
fn part(rate: i64, whole: i64, what: &str) -> Line {
    let percent = format::percent(rate, whole).unwrap_or_default();
    Line::plain(money::rate(rate)).and(Role::TextDim, format!("  {percent:>4}  ")).and(Role::Text, what)
}

/// The price sources that were asked, and the answer of each.
fn asked(frame: &FrameContext<'_>, query: &PriceQuery<'_>, page: &mut Page) {
    let mut label = "asked";
    for step in explain(query) {
        page.fact(std::mem::take(&mut label), step_line(frame, &step));
    }
}

fn step_line(frame: &FrameContext<'_>, step: &Step) -> Line {
    match &step.answer {
        Ok(quote) => Line::of(Role::Ok, "✓ ")
            .and(Role::TextStrong, step.asked)
            .and(Role::Text, format!(": {}", quote_words(frame, quote))),
        Err(pass) => Line::of(Role::TextDim, format!("· {}: {pass}", step.asked)),
    }
}

fn quote_words(frame: &FrameContext<'_>, quote: &Quote) -> String {
    let age_seconds = quote.as_of.map(|as_of| frame.app.now.seconds_since(as_of));
    let old = money::old(age_seconds).map_or_else(String::new, |old| format!(", {old}"));
    format!("{}, {}{old}", money::rate(quote.micro_usd_per_hour), why(frame, &quote.why))
}

fn why(frame: &FrameContext<'_>, why: &Why) -> String {
    match why {
        Why::Node(line) => format!("named in line {line}"),
        Why::Rule(line) => format!("the rule in line {line}"),
        Why::RuleAdjusts(line, by, base) => {
            format!("{} by the rule in line {line} on {}", money::adjustment(*by), quote_words(frame, base))
        }
        Why::Label => "as its label says".to_owned(),
        Why::Overlay(name) => format!("as {name} says"),
        Why::OverlayAdjusts(name, by, base) => {
            format!("{} by {name} on {}", money::adjustment(*by), quote_words(frame, base))
        }
        Why::CapacityBlock => "a capacity block is paid for at its beginning".to_owned(),
        Why::Listed(list, key) => listed(*list, key),
        Why::Discounted(list, key, price) => {
            format!("{} less the discount of the price file, {}", money::rate(*price), listed(*list, key))
        }
        Why::Fargate(vcpu, gb) => format!("Fargate, {} vCPU and {} GB", format::cores(*vcpu), format::cores(*gb)),
    }
}

fn listed(list: PriceList, key: &PriceKey) -> String {
    let list = match list {
        PriceList::AwsSpot => "AWS spot",
        PriceList::AwsOnDemand => "AWS on-demand",
        PriceList::AutoModeFee => "fee of EKS Auto Mode",
        PriceList::Karpenter => "Karpenter's metrics",
        PriceList::Embedded => "table of batchtop",
    };
    format!("{list} of {} in {}", key.instance_type, key.place)
}

// ---- One line in the details of others ----

/// Of a pod: its share, and what its owner has paid.
pub(super) fn of_pod(frame: &FrameContext<'_>, pod: &PodRow, page: &mut Page) {
    let node = pod.node.as_ref().and_then(|name| frame.app.insights.picture.node(name));
    let whole = node.and_then(|said| said.cost.rate());
    let whole = whole.map_or_else(String::new, |rate| format!(" of {}", money::rate(rate)));
    page.fact("cost", money::of_pod_with_unit(frame, pod).and(Role::TextDim, whole));
    let owner = picture::payer_of_pod(&frame.app.fleet, pod, GroupBy::Owner);
    let name = owner.words(GroupBy::Owner);
    let account = frame.app.insights.ledger.paid_by(&(GroupBy::Owner, owner));
    if account.observed_seconds > 0 {
        page.fact("", paid(frame, account).and(Role::TextDim, format!(" by {name}")));
    }
}

/// Line about what a Job pays now and has paid.
pub(super) fn of_job(frame: &FrameContext<'_>, job: &JobRow, page: &mut Page) {
    let payer = (GroupBy::Job, CostGroup::Job(job.meta.key.clone()));
    page.fact("cost", with_paid(frame, money::of_job_with_unit(frame, job), &payer));
}

/// Line about what a NodePool pays now and has paid.
pub(super) fn of_pool(frame: &FrameContext<'_>, pool: &NodePoolRow, page: &mut Page) {
    let payer = (GroupBy::NodePool, CostGroup::Named(pool.meta.key.name.clone()));
    let rate = money::of_payer_with_unit(frame, &payer);
    let monthly = frame.app.insights.rates().and_then(|rates| rates.rate_of(&payer));
    let month = monthly.map_or_else(String::new, |rate| format!("  {}", money::month(rate)));
    page.fact("cost", with_paid(frame, rate.and(Role::TextDim, month), &payer));
}

fn with_paid(frame: &FrameContext<'_>, rate: Line, payer: &CostKey) -> Line {
    match frame.app.insights.ledger.paid_by(payer) {
        account if account.observed_seconds == 0 => rate,
        account => rate.and(Role::Text, "   ").then(paid(frame, account)),
    }
}

/// `$12.20 paid since 12:04`.
fn paid(frame: &FrameContext<'_>, account: Account) -> Line {
    let since = frame.app.insights.ledger.since().map_or_else(String::new, |since| format::clock(frame.app.now, since));
    Line::plain(money::sum(account.micro_usd())).and(Role::TextDim, format!(" paid since {since}"))
}
