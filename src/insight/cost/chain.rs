//! The chain of price sources for a machine, in order; the first that has a price decides.
//!
//! The user's file, the label, NodeOverlays, AWS, Karpenter's metrics, the table that comes with batchtop. List prices
//! are those of Linux. Nothing is ever taken from another region, zone or capacity type.

use std::fmt;

use super::machine::Machine;
use super::{Cost, CostSource, Fee, PriceReading, overlay, rules};
use crate::fleet::{
    Adjustment, CapacityType, Discount, NodeOverlayRow, OverlayPrice, Price, PriceKey, PriceList, PriceRule, Prices,
    RuleRate, Sym, Table, UserPrices,
};
use crate::units::{Reading, Time, money};

/// Everything that is asked, and what about.
#[derive(Clone, Copy)]
pub struct PriceQuery<'a> {
    /// The Node or NodeClaim to price.
    pub machine: Machine<'a>,
    /// All prices that are known.
    pub prices: &'a Prices,
    /// Every NodeOverlay of the cluster.
    pub overlays: &'a Table<NodeOverlayRow>,
}

/// The price of an instance, as somebody tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quote {
    /// Micro-dollars per hour.
    pub micro_usd_per_hour: i64,
    /// The source of the price.
    pub source: CostSource,
    /// When it was known to hold.
    pub as_of: Option<Time>,
    /// How it came about.
    pub why: Why,
}

/// How a price came about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Why {
    /// The user gives it to this Node, on this line.
    Node(usize),
    /// A rule of the user on this line gives it.
    Rule(usize),
    /// A rule of the user on this line changes what another source says.
    RuleAdjusts(usize, Adjustment, Box<Quote>),
    /// The label says it.
    Label,
    /// This NodeOverlay gives it.
    Overlay(Sym),
    /// This NodeOverlay changes what another source says.
    OverlayAdjusts(Sym, Adjustment, Box<Quote>),
    /// A capacity block is paid for at the beginning.
    CapacityBlock,
    /// A list has the price.
    Listed(PriceList, PriceKey),
    /// It is listed at this price in micro-dollars per hour, from which the user's discount is taken.
    Discounted(PriceList, PriceKey, i64),
    /// So many thousandths of a vCPU and of a GB, at Fargate's rates.
    Fargate(i64, i64),
}

/// Why somebody does not know the price of a machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoPrice {
    /// There is no price file.
    NoFile,
    /// The price file does not name this Node.
    NotNamed,
    /// No rule of the price file means it.
    NoRule,
    /// A rule on this line prices parts that it does not have.
    NoParts(usize),
    /// A rule on this line would change a price that nobody tells.
    NothingToAdjust(usize),
    /// The machine has no such label.
    NoLabel,
    /// The value of the label is no price, verbatim.
    LabelUnreadable(Sym),
    /// No NodeOverlay with a price means it.
    NoOverlay,
    /// The price of this NodeOverlay cannot be read.
    OverlayUnreadable(Sym),
    /// This NodeOverlay would change a price that nobody tells.
    OverlayHasNoBase(Sym),
    /// The machine is not one of AWS.
    NotAws,
    /// Lists are for Linux.
    NotLinux,
    /// Its region is billed in another currency.
    NotDollars,
    /// It is in a Local Zone, of which the lists do not speak.
    LocalZone,
    /// A label that is needed to look it up is missing.
    NoFact(&'static str),
    /// The list has no prices for capacity that is bought like this.
    NotOfThisCapacity(CapacityType),
    /// It does not run in a capacity block.
    NoBlock,
    /// The list does not have it.
    NotListed(PriceKey),
    /// Nobody told Fargate's rates for the region.
    NoFargateRates(Sym),
    /// The pod does not say what it was given.
    NoFargateSize,
    /// Machines of Fargate are billed by the pod.
    IsFargate,
}

/// One step of the decision: who was asked, and the answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Name of the source that was asked.
    pub asked: &'static str,
    /// The price, or why the source has none.
    pub answer: Result<Quote, NoPrice>,
}

type PriceSourceFn = fn(&PriceQuery<'_>) -> Result<Quote, NoPrice>;

/// The sources with their names, in the order in which they are asked.
const CHAIN: [(&str, PriceSourceFn); 8] = [
    ("price file, nodes", user_node),
    ("price file, rules", user_rule),
    ("label eks-node-viewer/instance-price", label),
    ("NodeOverlay", node_overlay),
    ("capacity block", capacity_block),
    ("AWS", aws),
    ("Karpenter's metrics", karpenter),
    ("table of batchtop", embedded),
];

/// Where rules that change a price begin to look for one: whoever comes after the file.
const AFTER_FILE: usize = 2;

/// Where NodeOverlays that change a price begin: at the lists.
const LISTS: usize = 5;

/// The label that eks-node-viewer and Karpenter's KWOK provider use.
pub const PRICE_LABEL: &str = "eks-node-viewer/instance-price";

/// What a machine costs.
pub fn of_machine(query: &PriceQuery<'_>) -> Cost {
    let answer = first_from(0, query);
    Cost { fee: fee(query), line: answer.as_ref().ok().and_then(Quote::line), instance: reading(answer) }
}

/// The sources that were asked for the price of a machine, up to the first that had one.
pub fn explain(query: &PriceQuery<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    for (asked, ask) in CHAIN {
        let answer = ask(query);
        let is_known = answer.is_ok();
        steps.push(Step { asked, answer });
        if is_known {
            break;
        }
    }
    steps
}

/// The price by which Karpenter compares, as far as that is known: without the user's file and its discounts.
pub fn of_karpenter(query: &PriceQuery<'_>) -> Option<i64> {
    let own = karpenter(query).or_else(|_| label(query));
    let quote = own.or_else(|_| node_overlay(query)).or_else(|_| listed_without_discount(query));
    quote.ok().map(|quote| quote.micro_usd_per_hour)
}

/// What an instance costs on demand, in micro-dollars per hour: by the user's rules for it, else by the lists. What
/// somebody set for this very machine is left out, for it is the price of the capacity that it has.
pub fn on_demand(query: &PriceQuery<'_>) -> Option<i64> {
    let machine = Machine { capacity_type: Some(CapacityType::OnDemand), ..query.machine };
    let query = PriceQuery { machine, ..*query };
    let quote = user_rule(&query).or_else(|_| first_from(LISTS, &query));
    quote.ok().map(|quote| quote.micro_usd_per_hour)
}

/// Whether AWS itself tells the price.
pub(super) fn is_told_by_aws(query: &PriceQuery<'_>) -> bool {
    aws(query).is_ok()
}

/// The first price from here on in the chain, or what the last one said.
fn first_from(start: usize, query: &PriceQuery<'_>) -> Result<Quote, NoPrice> {
    let mut answer = Err(NoPrice::NoFile);
    for (_, ask) in CHAIN.iter().skip(start) {
        answer = ask(query);
        if answer.is_ok() {
            break;
        }
    }
    answer
}

fn reading(answer: Result<Quote, NoPrice>) -> PriceReading {
    match answer {
        Ok(Quote { micro_usd_per_hour, source, as_of, .. }) => {
            Reading::Known { value: micro_usd_per_hour, source, as_of }
        }
        Err(why) => Reading::Unknown(why),
    }
}

impl Quote {
    /// The line of the user's file that decided.
    fn line(&self) -> Option<usize> {
        match self.why {
            Why::Node(line) | Why::Rule(line) | Why::RuleAdjusts(line, ..) => Some(line),
            _ => None,
        }
    }

    /// A price that somebody set for this machine: zero means that it is paid for.
    fn set(micro_usd_per_hour: i64, source: CostSource, as_of: Option<Time>, why: Why) -> Self {
        let source = if micro_usd_per_hour == 0 { CostSource::Prepaid } else { source };
        Self { micro_usd_per_hour, source, as_of, why }
    }
}

// ---- Each of them ----

fn user<'a>(query: &PriceQuery<'a>) -> Result<&'a UserPrices, NoPrice> {
    query.prices.user.as_deref().ok_or(NoPrice::NoFile)
}

fn user_node(query: &PriceQuery<'_>) -> Result<Quote, NoPrice> {
    let user = user(query)?;
    let rate = user.nodes.get(query.machine.name).ok_or(NoPrice::NotNamed)?;
    Ok(Quote::set(rate.micro_usd_per_hour, CostSource::Override, Some(user.as_of), Why::Node(rate.line)))
}

fn user_rule(query: &PriceQuery<'_>) -> Result<Quote, NoPrice> {
    let user = user(query)?;
    // A rule that fits and can say nothing leaves it to the next that fits.
    let mut pass = NoPrice::NoRule;
    for rule in rules::fitting(&user.rules, &query.machine) {
        match by_rule(query, user, rule) {
            Err(why) => pass = why,
            quote => return quote,
        }
    }
    Err(pass)
}

fn by_rule(query: &PriceQuery<'_>, user: &UserPrices, rule: &PriceRule) -> Result<Quote, NoPrice> {
    let set = |price| Quote::set(price, CostSource::Override, Some(user.as_of), Why::Rule(rule.line));
    match rule.rate {
        RuleRate::PerHour(price) => Ok(set(price)),
        // Only a rate that is written as zero means prepaid; parts that a machine does not have say nothing of it.
        RuleRate::Parts(rates) => match rules::sum(rates, &query.machine) {
            0 => Err(NoPrice::NoParts(rule.line)),
            price => Ok(set(price)),
        },
        RuleRate::Adjust(by) => adjusted_by_rule(query, rule, by),
    }
}

fn adjusted_by_rule(query: &PriceQuery<'_>, rule: &PriceRule, by: Adjustment) -> Result<Quote, NoPrice> {
    let base = first_from(AFTER_FILE, query).map_err(|_| NoPrice::NothingToAdjust(rule.line))?;
    let (price, as_of) = (by.apply_to(base.micro_usd_per_hour), base.as_of);
    Ok(Quote::set(price, CostSource::Override, as_of, Why::RuleAdjusts(rule.line, by, Box::new(base))))
}

fn label(query: &PriceQuery<'_>) -> Result<Quote, NoPrice> {
    let text = query.machine.labels.get(PRICE_LABEL).ok_or(NoPrice::NoLabel)?;
    let price = money::parse_usd(text).ok_or_else(|| NoPrice::LabelUnreadable(text.clone()))?;
    Ok(Quote::set(price, CostSource::Label, None, Why::Label))
}

fn node_overlay(query: &PriceQuery<'_>) -> Result<Quote, NoPrice> {
    let (name, price) = overlay::first(query.overlays, &query.machine).ok_or(NoPrice::NoOverlay)?;
    match price {
        OverlayPrice::Invalid(_) => Err(NoPrice::OverlayUnreadable(name.clone())),
        OverlayPrice::Absolute(price) => {
            Ok(Quote::set(*price, CostSource::NodeOverlay, None, Why::Overlay(name.clone())))
        }
        OverlayPrice::Adjust(by) => {
            let base = listed_without_discount(query).map_err(|_| NoPrice::OverlayHasNoBase(name.clone()))?;
            Ok(Quote {
                micro_usd_per_hour: by.apply_to(base.micro_usd_per_hour),
                source: CostSource::NodeOverlay,
                as_of: base.as_of,
                why: Why::OverlayAdjusts(name.clone(), *by, Box::new(base)),
            })
        }
    }
}

/// A NodeOverlay says what somebody pays compared with the list; a discount of the file would count twice.
fn listed_without_discount(query: &PriceQuery<'_>) -> Result<Quote, NoPrice> {
    let listed = first_from(LISTS, query)?;
    Ok(match listed.why {
        Why::Discounted(list, key, price) => Quote { micro_usd_per_hour: price, why: Why::Listed(list, key), ..listed },
        _ => listed,
    })
}

fn capacity_block(query: &PriceQuery<'_>) -> Result<Quote, NoPrice> {
    if query.machine.is_capacity_block() {
        return Ok(Quote::set(0, CostSource::Prepaid, None, Why::CapacityBlock));
    }
    Err(NoPrice::NoBlock)
}

fn aws(query: &PriceQuery<'_>) -> Result<Quote, NoPrice> {
    if query.machine.is_fargate() {
        return fargate(query);
    }
    match capacity_type(&query.machine)? {
        CapacityType::Spot => listed(query, PriceList::AwsSpot),
        CapacityType::OnDemand | CapacityType::Reserved => listed(query, PriceList::AwsOnDemand),
    }
}

/// Karpenter writes next to nothing as the price of reserved capacity, so that it is taken first.
fn karpenter(query: &PriceQuery<'_>) -> Result<Quote, NoPrice> {
    match capacity_type(&query.machine)? {
        CapacityType::Reserved => Err(NoPrice::NotOfThisCapacity(CapacityType::Reserved)),
        CapacityType::Spot | CapacityType::OnDemand => listed(query, PriceList::Karpenter),
    }
}

fn embedded(query: &PriceQuery<'_>) -> Result<Quote, NoPrice> {
    match capacity_type(&query.machine)? {
        CapacityType::Spot => Err(NoPrice::NotOfThisCapacity(CapacityType::Spot)),
        CapacityType::OnDemand | CapacityType::Reserved => listed(query, PriceList::Embedded),
    }
}

fn capacity_type(machine: &Machine<'_>) -> Result<CapacityType, NoPrice> {
    match machine.cloud() {
        _ if machine.is_fargate() => Err(NoPrice::IsFargate),
        Some("aws") => machine.capacity_type.ok_or(NoPrice::NoFact("karpenter.sh/capacity-type")),
        _ => Err(NoPrice::NotAws),
    }
}

fn fargate(query: &PriceQuery<'_>) -> Result<Quote, NoPrice> {
    let region = query.machine.region().ok_or(NoPrice::NoFact(REGION))?;
    let rates = query.prices.fargate(region).ok_or_else(|| NoPrice::NoFargateRates(region.clone()))?;
    let size = query.machine.fargate.ok_or(NoPrice::NoFargateSize)?;
    let vcpu = i128::from(rates.vcpu.micro_usd_per_hour) * i128::from(size.vcpu_millis);
    let gb = i128::from(rates.gb.micro_usd_per_hour) * i128::from(size.gb_millis);
    Ok(Quote {
        micro_usd_per_hour: i64::try_from((vcpu + gb) / 1_000).unwrap_or(i64::MAX),
        source: CostSource::AwsOnDemand,
        as_of: Some(rates.vcpu.as_of.min(rates.gb.as_of)),
        why: Why::Fargate(size.vcpu_millis, size.gb_millis),
    })
}

const REGION: &str = "topology.kubernetes.io/region";
const ZONE: &str = "topology.kubernetes.io/zone";
const INSTANCE_TYPE: &str = "node.kubernetes.io/instance-type";

/// What a list says of a machine, after the user's discount.
fn listed(query: &PriceQuery<'_>, list: PriceList) -> Result<Quote, NoPrice> {
    let key = key(&query.machine, list)?;
    let Some(price) = query.prices.listed(list, &key) else { return Err(NoPrice::NotListed(key)) };
    let source = source_of(list);
    Ok(match off(query.prices.user.as_deref().map(|user| user.discount), list) {
        0 => quote(price.micro_usd_per_hour, source, price, Why::Listed(list, key)),
        off => {
            let paid = Adjustment::Millionths(-off).apply_to(price.micro_usd_per_hour);
            quote(paid, source, price, Why::Discounted(list, key, price.micro_usd_per_hour))
        }
    })
}

fn quote(micro_usd_per_hour: i64, source: CostSource, price: Price, why: Why) -> Quote {
    Quote { micro_usd_per_hour, source, as_of: Some(price.as_of), why }
}

/// Regions in which AWS bills in yuan.
pub(super) const CHINA: &str = "cn-";

/// Whether a zone is a Local Zone or a Wavelength Zone, which have prices of their own: other zones are called as their
/// region and a letter.
fn is_local(zone: &str, region: &str) -> bool {
    zone.strip_prefix(region).is_some_and(|rest| rest.len() > 1)
}

/// The key of a machine in a list.
pub(super) fn key(machine: &Machine<'_>, list: PriceList) -> Result<PriceKey, NoPrice> {
    if !machine.is_linux() {
        return Err(NoPrice::NotLinux);
    }
    if machine.region().is_some_and(|region| region.starts_with(CHINA)) {
        return Err(NoPrice::NotDollars);
    }
    if machine.zone().zip(machine.region()).is_some_and(|(zone, region)| is_local(zone, region)) {
        return Err(NoPrice::LocalZone);
    }
    let by_zone = matches!(list, PriceList::AwsSpot | PriceList::Karpenter);
    let place = if by_zone {
        machine.zone().ok_or(NoPrice::NoFact(ZONE))
    } else {
        machine.region().ok_or(NoPrice::NoFact(REGION))
    };
    let capacity_type = match list {
        PriceList::AwsSpot => CapacityType::Spot,
        PriceList::Karpenter => machine.capacity_type.unwrap_or(CapacityType::OnDemand),
        PriceList::AwsOnDemand | PriceList::AutoModeFee | PriceList::Embedded => CapacityType::OnDemand,
    };
    let instance_type = machine.instance_type().ok_or(NoPrice::NoFact(INSTANCE_TYPE))?.clone();
    Ok(PriceKey { place: place?.clone(), instance_type, capacity_type })
}

const fn source_of(list: PriceList) -> CostSource {
    match list {
        PriceList::AwsSpot => CostSource::AwsSpot,
        PriceList::AwsOnDemand | PriceList::AutoModeFee => CostSource::AwsOnDemand,
        PriceList::Karpenter => CostSource::KarpenterMetrics,
        PriceList::Embedded => CostSource::Embedded,
    }
}

/// What the user's discount takes off a list, in millionths. Karpenter's prices may be somebody's own already.
fn off(discount: Option<Discount>, list: PriceList) -> i64 {
    let discount = discount.unwrap_or_default();
    match list {
        PriceList::AwsSpot => discount.spot_millionths,
        PriceList::AwsOnDemand | PriceList::Embedded => discount.on_demand_millionths,
        PriceList::AutoModeFee => discount.auto_mode_fee_millionths,
        PriceList::Karpenter => 0,
    }
}

// ---- The fee of EKS Auto Mode ----

/// It depends on instance type and region alone: spot capacity pays it, too, and so does what is prepaid.
fn fee(query: &PriceQuery<'_>) -> Fee {
    if !query.machine.is_auto_mode() {
        return Fee::None;
    }
    match listed(query, PriceList::AutoModeFee) {
        Ok(quote) => Fee::Listed(quote.micro_usd_per_hour),
        Err(_) => assumed_fee(query).map_or(Fee::Unknown, Fee::Assumed),
    }
}

fn assumed_fee(query: &PriceQuery<'_>) -> Option<i64> {
    let ratio = query.prices.user.as_deref()?.auto_mode_fee_millionths?;
    let list = |list| query.prices.listed(list, &key(&query.machine, list).ok()?);
    let price = list(PriceList::AwsOnDemand).or_else(|| list(PriceList::Embedded))?;
    // The ratio of a price is that price less all that is above the ratio.
    Some(Adjustment::Millionths(ratio - 1_000_000).apply_to(price.micro_usd_per_hour))
}

impl fmt::Display for NoPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFile => f.write_str("there is none"),
            Self::NotNamed => f.write_str("does not name it"),
            Self::NoRule => f.write_str("no rule fits it"),
            Self::NoParts(line) => write!(f, "line {line} prices parts that it does not have"),
            Self::NothingToAdjust(line) => write!(f, "line {line} adjusts a price that is not known"),
            Self::NoLabel => f.write_str("it has none"),
            Self::LabelUnreadable(text) => write!(f, "{text:?} is no price"),
            Self::NoOverlay => f.write_str("none with a price fits it"),
            Self::OverlayUnreadable(name) => write!(f, "the price of {name} cannot be read"),
            Self::OverlayHasNoBase(name) => write!(f, "{name} adjusts a price that is not known"),
            Self::NotAws => f.write_str("it is no machine of AWS"),
            Self::NotLinux => f.write_str("it does not run Linux, of which the lists speak"),
            Self::NotDollars => f.write_str("its region is not billed in dollars"),
            Self::LocalZone => f.write_str("it is in a Local Zone, which has prices of its own"),
            Self::NoFact(label) => write!(f, "label {label} is missing"),
            Self::NotOfThisCapacity(capacity) => write!(f, "not for {} capacity", capacity.name()),
            Self::NoBlock => f.write_str("it runs in none"),
            Self::NotListed(key) => write!(f, "no price of {} in {} is known", key.instance_type, key.place),
            Self::NoFargateRates(region) => write!(f, "no rates of Fargate in {region} are known"),
            Self::NoFargateSize => f.write_str("its pod does not say what Fargate gave it"),
            Self::IsFargate => f.write_str("Fargate is billed by the pod"),
        }
    }
}
