//! The decision chain, source by source.

use super::chain::{Why, of_karpenter};
use super::*;
use crate::fleet::{
    Adjustment, CapacityType, Condition, Delta, Discount, FargateRates, Fleet, Labels, NodeOverlayRow, NodeRate,
    OverlayPrice, PartRates, Price, PriceChange, PriceKey, PriceList, PriceRule, Requirement, Resources, RuleMatch,
    RuleRate, Status, Sym, UserPrices,
};
use crate::insight::testing::{CREATED, NOW, condition, labels, meta, resources, sym, upserts};

const BASE: [(&str, &str); 5] = [
    ("karpenter.sh/nodepool", "gpu"),
    ("topology.kubernetes.io/region", "us-east-1"),
    ("topology.kubernetes.io/zone", "us-east-1a"),
    ("node.kubernetes.io/instance-type", "p5.48xlarge"),
    ("karpenter.sh/capacity-type", "on-demand"),
];

struct World {
    fleet: Fleet,
    labels: Labels,
    name: Sym,
    provider: Sym,
    capacity: Resources,
}

impl World {
    /// An on-demand p5.48xlarge in us-east-1a, and what changes its labels.
    fn with(more: &[(&str, &str)]) -> Self {
        let kept = BASE.iter().filter(|(key, _)| !more.iter().any(|(other, _)| other == key));
        let pairs: Vec<(&str, &str)> = kept.chain(more).copied().filter(|(_, value)| *value != "-").collect();
        Self {
            fleet: Fleet::default(),
            labels: labels(&pairs),
            name: sym("n1"),
            provider: sym("aws:///us-east-1a/i-1"),
            capacity: resources(192_000, 2_048 << 30, &[("nvidia.com/gpu", 8)]),
        }
    }

    fn told(mut self, change: PriceChange) -> Self {
        self.fleet.apply(Delta::Prices(vec![change]));
        self
    }

    fn listed(self, list: PriceList, place: &str, capacity_type: CapacityType, price: i64) -> Self {
        let key = PriceKey { place: sym(place), instance_type: sym("p5.48xlarge"), capacity_type };
        self.told(PriceChange::Listed(list, key, Price { micro_usd_per_hour: price, as_of: NOW }))
    }

    /// With every list that could have a price of it.
    fn everywhere(self) -> Self {
        use CapacityType::{OnDemand, Spot};
        self.listed(PriceList::AwsSpot, "us-east-1a", Spot, 20_000_000)
            .listed(PriceList::AwsOnDemand, "us-east-1", OnDemand, 55_000_000)
            .listed(PriceList::Karpenter, "us-east-1a", Spot, 21_000_000)
            .listed(PriceList::Karpenter, "us-east-1a", OnDemand, 56_000_000)
            .listed(PriceList::Embedded, "us-east-1", OnDemand, 57_000_000)
    }

    fn user(self, change: impl FnOnce(&mut UserPrices)) -> Self {
        let mut user = UserPrices { as_of: CREATED, ..UserPrices::default() };
        change(&mut user);
        self.told(PriceChange::User(Some(Box::new(user))))
    }

    fn overlay(mut self, name: &str, weight: i64, change: impl FnOnce(&mut NodeOverlayRow)) -> Self {
        let mut row = NodeOverlayRow {
            meta: meta("", name),
            requirements: Vec::new(),
            weight,
            price: Some(OverlayPrice::Absolute(weight * 1_000_000)),
            conditions: Vec::new(),
        };
        change(&mut row);
        self.fleet.apply(Delta::NodeOverlays(upserts(vec![row])));
        self
    }

    fn price_query(&self) -> PriceQuery<'_> {
        let capacity_type = self.labels.get("karpenter.sh/capacity-type").and_then(|text| CapacityType::parse(text));
        let machine = Machine {
            name: &self.name,
            provider_id: Some(&self.provider),
            labels: &self.labels,
            capacity_type,
            capacity: &self.capacity,
            gpus: 8,
            fargate: None,
        };
        PriceQuery { machine, prices: &self.fleet.prices, overlays: &self.fleet.node_overlays }
    }

    fn cost(&self) -> Cost {
        of_machine(&self.price_query())
    }

    /// Price and source.
    fn found(&self) -> (Option<i64>, &'static str) {
        let cost = self.cost();
        (cost.instance.as_ref().value().copied(), cost.source().map_or("Unknown", CostSource::name))
    }
}

fn rule(rate: RuleRate) -> PriceRule {
    PriceRule { matches: RuleMatch::default(), rate, note: None, line: 9 }
}

#[test]
fn the_first_price_source_that_knows_a_price_decides() {
    let spot = ("karpenter.sh/capacity-type", "spot");
    assert_eq!(World::with(&[]).found(), (None, "Unknown"));
    assert_eq!(World::with(&[]).everywhere().found(), (Some(55_000_000), "AwsOnDemand"));
    assert_eq!(World::with(&[spot]).everywhere().found(), (Some(20_000_000), "AwsSpot"));
    let without_aws = |capacity, more: &[(&str, &str)]| {
        World::with(more)
            .listed(PriceList::Karpenter, "us-east-1a", capacity, 21_000_000)
            .listed(PriceList::Embedded, "us-east-1", CapacityType::OnDemand, 57_000_000)
            .found()
    };
    assert_eq!(without_aws(CapacityType::Spot, &[spot]), (Some(21_000_000), "KarpenterMetrics"));
    assert_eq!(without_aws(CapacityType::Spot, &[]), (Some(57_000_000), "Embedded"));
    let table = World::with(&[spot]).listed(PriceList::Embedded, "us-east-1", CapacityType::OnDemand, 57_000_000);
    assert_eq!(table.found(), (None, "Unknown"), "a spot price is never made up from the on-demand price");
    let labelled = World::with(&[(chain::PRICE_LABEL, "54.5")]).everywhere();
    assert_eq!(labelled.found(), (Some(54_500_000), "Label"));
    let overlaid = World::with(&[]).everywhere().overlay("deal", 7, |_| ());
    assert_eq!(overlaid.found(), (Some(7_000_000), "NodeOverlay"));
    let ruled = World::with(&[(chain::PRICE_LABEL, "54.5")])
        .user(|user| user.rules = vec![rule(RuleRate::PerHour(31_500_000))]);
    assert_eq!((ruled.found(), ruled.cost().line), ((Some(31_500_000), "Override"), Some(9)));
    let named = ruled.user(|user| {
        user.rules = vec![rule(RuleRate::PerHour(31_500_000))];
        user.nodes = [(sym("n1"), NodeRate { micro_usd_per_hour: 1, note: None, line: 2 })].into();
    });
    assert_eq!(named.found(), (Some(1), "Override"));
}

#[test]
fn a_price_applies_only_to_its_region_type_capacity_type_system_and_cloud() {
    let unknown = |more: &[(&str, &str)]| World::with(more).everywhere().found();
    for more in [
        ("topology.kubernetes.io/region", "eu-west-1"),
        ("node.kubernetes.io/instance-type", "p5e.48xlarge"),
        ("karpenter.sh/capacity-type", "-"),
        ("kubernetes.io/os", "windows"),
    ] {
        let priced = unknown(&[more, ("topology.kubernetes.io/zone", "eu-west-1a")]);
        assert_eq!(priced, (None, "Unknown"), "{more:?}");
    }
    let mut elsewhere = World::with(&[]).everywhere();
    elsewhere.provider = sym("gce://project/us-east1-b/n1");
    assert_eq!(elsewhere.found(), (None, "Unknown"));
    assert_eq!(unknown(&[(chain::PRICE_LABEL, "free")]), (Some(55_000_000), "AwsOnDemand"), "an unreadable label");
}

#[test]
fn reservations_are_billed_by_the_hour_and_capacity_blocks_in_advance() {
    let reserved = ("karpenter.sh/capacity-type", "reserved");
    assert_eq!(World::with(&[reserved]).everywhere().found(), (Some(55_000_000), "AwsOnDemand"));
    let block = ("karpenter.k8s.aws/capacity-reservation-type", "capacity-block");
    assert_eq!(World::with(&[reserved, block]).everywhere().found(), (Some(0), "Prepaid"));
    let rated = World::with(&[reserved, block]).user(|user| user.rules = vec![rule(RuleRate::PerHour(31_500_000))]);
    assert_eq!(rated.found(), (Some(31_500_000), "Override"));
}

#[test]
fn a_zero_price_in_a_label_or_a_rule_is_prepaid() {
    assert_eq!(World::with(&[(chain::PRICE_LABEL, "0.0")]).found(), (Some(0), "Prepaid"));
    let ruled = World::with(&[]).user(|user| user.rules = vec![rule(RuleRate::PerHour(0))]);
    assert_eq!(ruled.found(), (Some(0), "Prepaid"));
}

#[test]
fn discounts_apply_to_list_prices_only() {
    let discount = |user: &mut UserPrices| {
        user.discount =
            Discount { on_demand_millionths: 180_000, spot_millionths: 500_000, auto_mode_fee_millionths: 0 };
    };
    let list = World::with(&[]).everywhere().user(discount);
    assert_eq!(list.found(), (Some(45_100_000), "AwsOnDemand"));
    assert_eq!(list.cost().instance.as_of(), Some(NOW), "of the list");
    assert_eq!(
        World::with(&[("karpenter.sh/capacity-type", "spot")]).everywhere().user(discount).found().0,
        Some(10_000_000)
    );
    assert_eq!(World::with(&[(chain::PRICE_LABEL, "54.5")]).user(discount).found().0, Some(54_500_000));
    let fixed = World::with(&[]).everywhere().user(|user| {
        discount(user);
        user.rules = vec![rule(RuleRate::PerHour(31_500_000))];
    });
    assert_eq!(fixed.found().0, Some(31_500_000));
    let overlaid = World::with(&[]).everywhere().user(discount).overlay("deal", 1, |row| {
        row.price = Some(OverlayPrice::Adjust(Adjustment::Millionths(-100_000)));
    });
    assert_eq!(
        overlaid.found(),
        (Some(49_500_000), "NodeOverlay"),
        "it knows what is paid; a discount would count twice"
    );
}

#[test]
fn an_adjusting_rule_changes_the_price_of_the_next_source() {
    let adjust = |by| move |user: &mut UserPrices| user.rules = vec![rule(RuleRate::Adjust(by))];
    let world = World::with(&[]).everywhere().user(adjust(Adjustment::Millionths(-150_000)));
    assert_eq!((world.found(), world.cost().instance.as_of()), ((Some(46_750_000), "Override"), Some(NOW)));
    let Some(Ok(quote)) = explain(&world.price_query()).pop().map(|step| step.answer) else { panic!("priced") };
    assert!(matches!(quote.why, Why::RuleAdjusts(9, _, base) if base.source == CostSource::AwsOnDemand));
    let nothing = World::with(&[]).user(adjust(Adjustment::MicroUsdPerHour(200_000)));
    assert_eq!(nothing.found(), (None, "Unknown"), "nothing to change");
}

#[test]
fn the_part_rates_of_a_rule_add_up() {
    let rates = PartRates { node: 0, gpu: 1_100_000, vcpu: 10_000, gib: 2_000 };
    let world = World::with(&[]).user(|user| user.rules = vec![rule(RuleRate::Parts(rates))]);
    assert_eq!(world.found().0, Some(8 * 1_100_000 + 192 * 10_000 + 2_048 * 2_000));
}

#[test]
fn the_matching_node_overlay_with_the_largest_weight_counts() {
    let requirement = |key: &str, operator: &str, values: &[&str]| Requirement {
        key: sym(key),
        operator: sym(operator),
        values: values.iter().map(|value| sym(value)).collect(),
    };
    let world = |operator: &'static str, values: &'static [&'static str]| {
        World::with(&[("karpenter.k8s.aws/instance-gpu-count", "8")])
            .overlay("light", 1, |_| ())
            .overlay("heavy", 9, |row| {
                row.requirements = vec![requirement("karpenter.k8s.aws/instance-gpu-count", operator, values)];
            })
            .found()
            .0
    };
    for (operator, values) in [
        ("In", &["4", "8"][..]),
        ("NotIn", &["4"]),
        ("Exists", &[]),
        ("Gt", &["7"]),
        ("Gte", &["8"]),
        ("Lt", &["9"]),
        ("Lte", &["8"]),
    ] {
        assert_eq!(world(operator, values), Some(9_000_000), "{operator} {values:?}");
    }
    for (operator, values) in
        [("In", &["4"][..]), ("NotIn", &["8"]), ("DoesNotExist", &[]), ("Gt", &["8"]), ("Lt", &["x"]), ("Near", &["8"])]
    {
        assert_eq!(world(operator, values), Some(1_000_000), "{operator} {values:?}");
    }
    let ties =
        World::with(&[])
            .overlay("a", 5, |row| row.price = Some(OverlayPrice::Absolute(1)))
            .overlay("b", 5, |row| row.price = Some(OverlayPrice::Absolute(2)));
    assert_eq!(ties.found().0, Some(2), "the last by name");
    let faulty = World::with(&[]).overlay("light", 1, |_| ()).overlay("heavy", 9, |row| {
        row.conditions = vec![Condition { ..condition("ValidationSucceeded", Status::False, "Conflict") }];
    });
    assert_eq!(faulty.found().0, Some(1_000_000));
}

#[test]
fn the_auto_mode_fee_is_added_to_the_instance_price() {
    let auto = ("eks.amazonaws.com/compute-type", "auto");
    let spot = ("karpenter.sh/capacity-type", "spot");
    let world = || World::with(&[auto, spot]).everywhere();
    assert_eq!((world().cost().fee, world().cost().rate()), (Fee::Unknown, Some(20_000_000)));
    let listed = world().listed(PriceList::AutoModeFee, "us-east-1", CapacityType::OnDemand, 6_600_000);
    assert_eq!((listed.cost().fee, listed.cost().rate()), (Fee::Listed(6_600_000), Some(26_600_000)));
    let assumed = world().user(|user| user.auto_mode_fee_millionths = Some(120_000));
    assert_eq!(assumed.cost().fee, Fee::Assumed(6_600_000), "of the on-demand price, on spot, too");
    assert_eq!(World::with(&[]).everywhere().cost().fee, Fee::None);
}

#[test]
fn fargate_is_priced_by_the_size_of_the_pod() {
    let mut world =
        World::with(&[("eks.amazonaws.com/compute-type", "fargate"), ("karpenter.sh/capacity-type", "-")]).everywhere();
    let price = |micros| Price { micro_usd_per_hour: micros, as_of: NOW };
    world = world.told(PriceChange::Fargate(sym("us-east-1"), FargateRates { vcpu: price(40_480), gb: price(4_445) }));
    let size = FargateSize::parse("0.25vCPU 0.5GB");
    assert_eq!(size, Some(FargateSize { vcpu_millis: 250, gb_millis: 500 }));
    assert_eq!(world.found(), (None, "Unknown"), "without the size of the pod");
    let mut query = world.price_query();
    query.machine.fargate = size;
    assert_eq!(of_machine(&query).rate(), Some(12_342));
    for rubbish in ["", "0.25vCPU", "xvCPU 1GB", "1vCPU 1GiB"] {
        assert_eq!(FargateSize::parse(rubbish), None, "{rubbish}");
    }
}

#[test]
fn an_unknown_price_has_the_reason_of_the_last_source_that_was_asked() {
    let (place, instance_type) = (sym("us-east-1"), sym("p5.48xlarge"));
    let on_demand = PriceKey { place, instance_type, capacity_type: CapacityType::OnDemand };
    for (labels, reason) in [
        (&[][..], NoPrice::NotListed(on_demand)),
        (&[("karpenter.sh/capacity-type", "spot")], NoPrice::NotOfThisCapacity(CapacityType::Spot)),
        (&[("karpenter.sh/capacity-type", "-")], NoPrice::NoFact("karpenter.sh/capacity-type")),
        (&[("kubernetes.io/os", "windows")], NoPrice::NotLinux),
    ] {
        let world = World::with(labels);
        assert_eq!(world.cost().instance, Reading::Unknown(reason.clone()), "{labels:?}");
        let last = explain(&world.price_query()).pop().and_then(|step| step.answer.err());
        assert_eq!(last, Some(reason), "{labels:?}");
    }
}

/// There is one for each Node.
#[test]
fn a_cost_takes_no_more_than_nine_words_of_memory() {
    assert!(size_of::<Cost>() <= 72, "{}", size_of::<Cost>());
}

#[test]
fn the_explanation_lists_each_price_source_and_its_answer() {
    let steps = explain(&World::with(&[]).everywhere().price_query());
    let said: Vec<String> = steps
        .iter()
        .map(|step| match &step.answer {
            Ok(quote) => format!("{}: {}", step.asked, quote.micro_usd_per_hour),
            Err(pass) => format!("{}: {pass}", step.asked),
        })
        .collect();
    assert_eq!(
        said,
        [
            "price file, nodes: there is none",
            "price file, rules: there is none",
            "label eks-node-viewer/instance-price: it has none",
            "NodeOverlay: none with a price fits it",
            "capacity block: it runs in none",
            "AWS: 55000000",
        ]
    );
}

#[test]
fn karpenters_price_ignores_the_users_price_file() {
    let world = World::with(&[]).everywhere().user(|user| user.rules = vec![rule(RuleRate::PerHour(1))]);
    assert_eq!(of_karpenter(&world.price_query()), Some(56_000_000));
    let discounted = World::with(&[])
        .listed(PriceList::AwsOnDemand, "us-east-1", CapacityType::OnDemand, 55_000_000)
        .user(|user| user.discount.on_demand_millionths = 500_000);
    assert_eq!(of_karpenter(&discounted.price_query()), Some(55_000_000));
}

#[test]
fn a_price_known_by_label_or_rule_is_not_demanded() {
    use crate::fleet::PriceDemand;
    use crate::insight::cost::demand::{Devices, note};
    let wanted = |world: &World, devices| {
        let mut demand = PriceDemand::default();
        note(&mut demand, &world.price_query(), devices);
        demand
    };
    let nothing = PriceDemand::default();
    assert_eq!(wanted(&World::with(&[(chain::PRICE_LABEL, "1")]), Devices::Counted), nothing);
    assert_eq!(
        wanted(&World::with(&[]).user(|user| user.rules = vec![rule(RuleRate::PerHour(1))]), Devices::Counted),
        nothing
    );
    let asked = wanted(&World::with(&[]), Devices::Uncounted);
    let region = asked.regions.get("us-east-1").expect("asked");
    assert!(
        region.on_demand.contains("p5.48xlarge") && region.hardware.contains("p5.48xlarge") && region.spot.is_empty()
    );
    assert!(asked.karpenter.contains("p5.48xlarge"));
    let priced = wanted(&World::with(&[("karpenter.sh/capacity-type", "spot")]).everywhere(), Devices::Counted);
    assert!(priced.regions["us-east-1"].spot.contains("p5.48xlarge"), "a spot price is asked for again");
    assert!(priced.karpenter.is_empty(), "AWS tells it");
    let adjusted = World::with(&[]).everywhere().user(|user| {
        user.rules = vec![rule(RuleRate::Adjust(Adjustment::Millionths(1)))];
    });
    assert!(!wanted(&adjusted, Devices::Counted).regions.is_empty(), "made from a list");
}

#[test]
fn a_rule_without_a_result_leaves_the_price_to_the_next_rule_or_source() {
    let world = World::with(&[]).user(|user| {
        let gib = PartRates { gib: 0, node: 0, gpu: 0, vcpu: 0 };
        user.rules = vec![
            rule(RuleRate::Adjust(Adjustment::Millionths(-150_000))),
            rule(RuleRate::Parts(gib)),
            rule(RuleRate::PerHour(1_000_000)),
        ];
    });
    assert_eq!(world.found(), (Some(1_000_000), "Override"));
    let mut without_gpus = World::with(&[]).everywhere().user(|user| {
        user.rules = vec![rule(RuleRate::Parts(PartRates { gpu: 2_000_000, ..PartRates::default() }))];
    });
    without_gpus.capacity = resources(4_000, 1 << 34, &[]);
    let mut query = without_gpus.price_query();
    query.machine.gpus = 0;
    assert_eq!(
        of_machine(&query).source(),
        Some(CostSource::AwsOnDemand),
        "no part of it is priced: that is not prepaid"
    );
}

#[test]
fn prices_do_not_apply_to_china_regions_or_local_zones() {
    let in_china = [("topology.kubernetes.io/region", "cn-north-1"), ("topology.kubernetes.io/zone", "cn-north-1a")];
    let world = World::with(&in_china).listed(PriceList::AwsOnDemand, "cn-north-1", CapacityType::OnDemand, 1).listed(
        PriceList::Karpenter,
        "cn-north-1a",
        CapacityType::OnDemand,
        1,
    );
    assert_eq!(world.found(), (None, "Unknown"));
    let local = World::with(&[("topology.kubernetes.io/zone", "us-east-1-bos-1a")]).everywhere();
    assert_eq!(local.found(), (None, "Unknown"));
}

#[test]
fn a_node_overlay_does_not_price_a_node_without_a_node_pool() {
    let unmanaged = World::with(&[("karpenter.sh/nodepool", "-")]).everywhere().overlay("deal", 7, |_| ());
    assert_eq!(unmanaged.found(), (Some(55_000_000), "AwsOnDemand"));
}
