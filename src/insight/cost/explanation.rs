//! How the price of a machine came about, in sentences.

use super::Quote;
use super::chain::Why;
use crate::fleet::{Adjustment, PartRates, PriceKey, PriceList, RuleRate, Sym, UserPrices};
use crate::insight::sentence::{Part, Sentence, sentence};
use crate::units::money;

/// How a quote came about: what decided, then what that was made from. `user` is the price file to whose lines it refers.
pub fn explain_quote(quote: &Quote, user: Option<&UserPrices>) -> Vec<Sentence> {
    because(&quote.why, user)
}

fn because(why: &Why, user: Option<&UserPrices>) -> Vec<Sentence> {
    match why {
        Why::Node(line) => vec![sentence![place(user, *line), " gives it to this node", note_of_node(user, *line)]],
        Why::Rule(line) => because_of_rule(user, *line),
        Why::RuleAdjusts(line, by, base) => {
            let note = note_of_rule(user, *line);
            from_base(sentence![place(user, *line), ": a rule changes it by ", change(*by), note], base, user)
        }
        Why::Label => vec![Sentence::of("the label says it")],
        Why::Overlay(name) => vec![sentence!["NodeOverlay ", name, " gives it"]],
        Why::OverlayAdjusts(name, by, base) => {
            from_base(sentence!["NodeOverlay ", name, " changes it by ", change(*by)], base, user)
        }
        Why::CapacityBlock => vec![Sentence::of("a capacity block is paid for at the beginning")],
        Why::Listed(list, key) => vec![listed(*list, key)],
        Why::Discounted(list, key, price) => {
            vec![sentence![listed(*list, key), ": ", Part::MicroUsd(*price)], sentence!["less ", discount(*list, user)]]
        }
        Why::Fargate(vcpu, gb) => {
            vec![sentence!["Fargate's rates for ", thousandths(*vcpu), " vCPU and ", thousandths(*gb), " GB"]]
        }
    }
}

/// `prices.toml:7`.
fn place(user: Option<&UserPrices>, line: usize) -> Sentence {
    let file = user.map_or_else(|| "the price file".to_owned(), |user| user.file.clone());
    sentence![file, ":", line]
}

fn because_of_rule(user: Option<&UserPrices>, line: usize) -> Vec<Sentence> {
    let rule = sentence![place(user, line), ": a rule gives it", note_of_rule(user, line)];
    [rule].into_iter().chain(parts(user, line)).collect()
}

fn from_base(first: Sentence, base: &Quote, user: Option<&UserPrices>) -> Vec<Sentence> {
    let price = Part::MicroUsd(base.micro_usd_per_hour);
    let mut sentences = vec![first, sentence!["from ", price, ", source ", base.source.name()]];
    sentences.extend(explain_quote(base, user));
    sentences
}

fn listed(list: PriceList, key: &PriceKey) -> Sentence {
    let who = match list {
        PriceList::AwsSpot => "EC2's spot price",
        PriceList::AwsOnDemand => "AWS's on-demand price",
        PriceList::AutoModeFee => "AWS's fee of EKS Auto Mode",
        PriceList::Karpenter => "Karpenter's price",
        PriceList::Embedded => "the on-demand price that comes with batchtop",
    };
    sentence![who, " of ", &key.instance_type, " in ", &key.place]
}

fn discount(list: PriceList, user: Option<&UserPrices>) -> Sentence {
    let discount = user.map(|user| user.discount).unwrap_or_default();
    let (name, millionths) = match list {
        PriceList::AwsSpot => ("spot", discount.spot_millionths),
        PriceList::AutoModeFee => ("auto_mode_fee", discount.auto_mode_fee_millionths),
        PriceList::AwsOnDemand | PriceList::Karpenter | PriceList::Embedded => {
            ("on_demand", discount.on_demand_millionths)
        }
    };
    sentence![percent(millionths), " %: discount.", name, " of the price file"]
}

fn note_of_node(user: Option<&UserPrices>, line: usize) -> Option<Sentence> {
    note(user?.nodes.values().find(|rate| rate.line == line)?.note.as_ref())
}

fn note_of_rule(user: Option<&UserPrices>, line: usize) -> Option<Sentence> {
    note(user?.rules.iter().find(|rule| rule.line == line)?.note.as_ref())
}

fn note(note: Option<&Sym>) -> Option<Sentence> {
    note.map(|note| sentence![" (", note, ")"])
}

/// The rates of a rule that adds up parts.
fn parts(user: Option<&UserPrices>, line: usize) -> Option<Sentence> {
    let rule = user?.rules.iter().find(|rule| rule.line == line)?;
    let RuleRate::Parts(PartRates { node, gpu, vcpu, gib }) = rule.rate else { return None };
    let named = [(node, "the node"), (gpu, "each accelerator"), (vcpu, "each vCPU"), (gib, "each GiB")];
    let named = named.into_iter().filter(|(rate, _)| *rate > 0);
    Some(Sentence::joined(named.map(|(rate, part)| sentence![Part::MicroUsd(rate), " for ", part]), ", "))
}

fn change(by: Adjustment) -> Sentence {
    let sign = |amount: i64| if amount < 0 { "-" } else { "+" };
    match by {
        Adjustment::Millionths(millionths) => sentence![sign(millionths), percent(millionths.saturating_abs()), " %"],
        Adjustment::MicroUsdPerHour(micros) => sentence![sign(micros), Part::MicroUsd(micros.saturating_abs())],
    }
}

fn percent(millionths: i64) -> String {
    money::decimal(millionths.saturating_mul(100), 0)
}

fn thousandths(count: i64) -> String {
    money::decimal(count.saturating_mul(1_000), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjustments_and_thousandths_are_written_exactly() {
        assert_eq!(change(Adjustment::Millionths(-25_000)).machine_text(), "-2.5 %");
        assert_eq!(change(Adjustment::MicroUsdPerHour(200_000)).machine_text(), "+$0.20");
        assert_eq!([thousandths(250), thousandths(4_000)], ["0.25", "4"]);
    }
}
