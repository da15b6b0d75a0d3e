//! Which requests answer what is wanted.

use std::collections::{BTreeMap, BTreeSet};

use super::wants::{Want, What};
use crate::fleet::Sym;

/// From so many instance types on, all of a region are asked for: that is some 14 pages, and less than one request each.
const SWEEP_FROM: usize = 14;

/// `DescribeInstanceTypes` takes up to 200 values of a filter; a page has up to 100 instance types.
const HARDWARE_BATCH: usize = 100;

/// Spot prices of so many instance types in one request; a request is a form in a POST, so this is no limit of AWS's.
const SPOT_BATCH: usize = 200;

/// One request, in one or more pages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ask {
    /// The region that is asked about.
    pub(super) region: Sym,
    pub(super) of: Of,
    /// What it answers; what it finds besides is kept, too.
    pub(super) answers: BTreeSet<Want>,
}

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Of {
    /// The newest spot prices of these instance types.
    Spot(Vec<Sym>),
    /// The on-demand price of one instance type.
    OnDemand(Machine, Sym),
    /// The on-demand prices of all.
    AllOnDemand(Machine),
    /// The fees of EKS Auto Mode for all instance types.
    Fees,
    /// Everything of EKS: fees and Fargate's rates.
    Eks,
    /// What there is to know of these instance types.
    Hardware(Vec<Sym>),
}

/// The two products under which EC2 sells instances.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Machine {
    /// `Compute Instance`.
    Virtual,
    /// `Compute Instance (bare metal)`.
    BareMetal,
}

impl Machine {
    /// By the size: `metal`, `metal-24xl`, `metal-48xl`.
    pub(super) fn of(instance_type: &str) -> Self {
        let size = instance_type.split_once('.').map_or("", |(_, size)| size);
        if size.starts_with("metal") { Self::BareMetal } else { Self::Virtual }
    }
}

/// The requests that answer all of this.
pub(super) fn asks(due: BTreeSet<Want>) -> Vec<Ask> {
    let mut regions: BTreeMap<Sym, BTreeSet<Want>> = BTreeMap::new();
    for want in due {
        regions.entry(want.region.clone()).or_default().insert(want);
    }
    regions.iter().flat_map(|(region, due)| of_region(region, due)).collect()
}

fn of_region(region: &Sym, due: &BTreeSet<Want>) -> Vec<Ask> {
    let some = |keep: fn(&Want) -> bool| due.iter().filter(|want| keep(want)).cloned().collect::<BTreeSet<Want>>();
    let ask = |of, answers| Ask { region: region.clone(), of, answers };
    let mut asks = Vec::new();
    asks.extend(batches(&some(|want| matches!(want.what, What::Spot(_))), SPOT_BATCH, Of::Spot, &ask));
    asks.extend(on_demand(some(|want| matches!(want.what, What::OnDemand(_))), &ask));
    asks.extend(eks(some(|want| matches!(want.what, What::Fee(_) | What::Fargate)), &ask));
    asks.extend(batches(&some(|want| matches!(want.what, What::Hardware(_))), HARDWARE_BATCH, Of::Hardware, &ask));
    asks
}

type Make<'m> = dyn Fn(Of, BTreeSet<Want>) -> Ask + 'm;

fn batches(wants: &BTreeSet<Want>, size: usize, of: fn(Vec<Sym>) -> Of, ask: &Make<'_>) -> Vec<Ask> {
    let all: Vec<&Want> = wants.iter().collect();
    let batch = |some: &[&Want]| {
        let names = some.iter().map(|want| Sym::new(want.what.name())).collect();
        ask(of(names), some.iter().map(|want| (*want).clone()).collect())
    };
    all.chunks(size).map(batch).collect()
}

fn on_demand(wants: BTreeSet<Want>, ask: &Make<'_>) -> Vec<Ask> {
    if wants.len() < SWEEP_FROM {
        let one = |want: Want| {
            let name = Sym::new(want.what.name());
            ask(Of::OnDemand(Machine::of(&name), name), BTreeSet::from([want]))
        };
        return wants.into_iter().map(one).collect();
    }
    let mut machines: BTreeMap<Machine, BTreeSet<Want>> = BTreeMap::new();
    for want in wants {
        machines.entry(Machine::of(want.what.name())).or_default().insert(want);
    }
    machines.into_iter().map(|(machine, wants)| ask(Of::AllOnDemand(machine), wants)).collect()
}

/// The fees are always asked for together: the price list spells the attribute of their instance type in two ways, so a
/// filter by it could find nothing.
fn eks(wants: BTreeSet<Want>, ask: &Make<'_>) -> Option<Ask> {
    let of = if wants.iter().any(|want| want.what == What::Fargate) { Of::Eks } else { Of::Fees };
    (!wants.is_empty()).then(|| ask(of, wants))
}

/// The region whose endpoint tells the prices of a region, which is unrelated to it but for the partition; `None` where
/// there is none.
///
/// Source: endpoints of `pricing`, and karpenter-provider-aws pkg/providers/pricing/pricing.go.
pub(super) fn pricing_endpoint(region: &str) -> Option<&'static str> {
    match region.split('-').next().unwrap_or_default() {
        "us" if region.starts_with("us-gov-") => None,
        "ap" => Some("ap-south-1"),
        "cn" => Some("cn-northwest-1"),
        "eu" => Some("eu-central-1"),
        // A partition of its own, and an endpoint of its own.
        "eusc" => Some("eusc-de-east-1"),
        _ => Some("us-east-1"),
    }
}

/// The service code and the filters of a request for prices, all of which must match exactly.
///
/// Source: karpenter-provider-aws pkg/providers/pricing/pricing.go; awslabs/eks-node-viewer pkg/aws/pricing.go.
pub(super) fn filters(region: &str, of: &Of) -> (&'static str, Vec<(&'static str, String)>) {
    let mut filters = vec![("regionCode", region.to_owned())];
    match of {
        Of::Fees => filters.push(("operation", "EKSAutoUsage".to_owned())),
        Of::OnDemand(machine, name) => {
            filters.extend(of_machine(*machine));
            filters.push(("instanceType", name.to_string()));
        }
        Of::AllOnDemand(machine) => filters.extend(of_machine(*machine)),
        Of::Eks | Of::Spot(_) | Of::Hardware(_) => {}
    }
    let is_eks = matches!(of, Of::Fees | Of::Eks);
    (if is_eks { "AmazonEKS" } else { "AmazonEC2" }, filters)
}

fn of_machine(machine: Machine) -> impl Iterator<Item = (&'static str, String)> {
    let (tenancy, family) = match machine {
        Machine::Virtual => ("Shared", "Compute Instance"),
        Machine::BareMetal => ("Dedicated", "Compute Instance (bare metal)"),
    };
    let filters = [
        ("serviceCode", "AmazonEC2"),
        ("preInstalledSw", "NA"),
        ("operatingSystem", "Linux"),
        ("capacitystatus", "Used"),
        ("marketoption", "OnDemand"),
        ("tenancy", tenancy),
        ("productFamily", family),
    ];
    filters.into_iter().map(|(field, value)| (field, value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want(what: What) -> Want {
        Want { region: Sym::new("us-east-1"), what }
    }

    fn on_demand_of(names: impl IntoIterator<Item = String>) -> BTreeSet<Want> {
        names.into_iter().map(|name| want(What::OnDemand(Sym::new(&name)))).collect()
    }

    #[test]
    fn few_types_are_asked_for_one_by_one_and_many_in_two_sweeps() {
        let few = asks(on_demand_of((1..14).map(|n| format!("m{n}.large"))));
        assert_eq!(few.len(), 13);
        assert_eq!(few[0].of, Of::OnDemand(Machine::Virtual, Sym::new("m1.large")));
        let many = asks(on_demand_of((1..14).map(|n| format!("m{n}.large")).chain(["m7i.metal-24xl".to_owned()])));
        let of: Vec<&Of> = many.iter().map(|ask| &ask.of).collect();
        assert_eq!(of, [&Of::AllOnDemand(Machine::Virtual), &Of::AllOnDemand(Machine::BareMetal)]);
        assert_eq!(many.iter().map(|ask| ask.answers.len()).collect::<Vec<_>>(), [13, 1]);
    }

    #[test]
    fn bare_metal_is_another_product() {
        let find = |of: &Of, field: &str| {
            let (service, filters) = filters("eu-west-1", of);
            assert_eq!(service, "AmazonEC2");
            filters.into_iter().find(|(name, _)| *name == field).map(|(_, value)| value)
        };
        for (name, tenancy, family) in [
            ("g5.xlarge", "Shared", "Compute Instance"),
            ("g4dn.metal", "Dedicated", "Compute Instance (bare metal)"),
            ("m7i.metal-24xl", "Dedicated", "Compute Instance (bare metal)"),
        ] {
            let of = Of::OnDemand(Machine::of(name), Sym::new(name));
            assert_eq!(find(&of, "tenancy").as_deref(), Some(tenancy));
            assert_eq!(find(&of, "productFamily").as_deref(), Some(family));
            assert_eq!(find(&of, "instanceType").as_deref(), Some(name));
            assert_eq!(find(&of, "regionCode").as_deref(), Some("eu-west-1"));
        }
        assert_eq!(find(&Of::AllOnDemand(Machine::Virtual), "instanceType"), None);
    }

    #[test]
    fn spot_prices_and_hardware_are_asked_for_together_and_in_bounds() {
        let spot = asks((0..150).map(|n| want(What::Spot(Sym::new(&format!("m{n}.large"))))).collect());
        assert_eq!(spot.len(), 1);
        let hardware = asks((0..150).map(|n| want(What::Hardware(Sym::new(&format!("g{n}.large"))))).collect());
        assert_eq!(hardware.iter().map(|ask| ask.answers.len()).collect::<Vec<_>>(), [100, 50]);
    }

    #[test]
    fn fees_and_fargate_are_one_request() {
        let fee = want(What::Fee(Sym::new("m5.large")));
        let only = asks(BTreeSet::from([fee.clone()]));
        assert_eq!(only[0].of, Of::Fees);
        assert_eq!(filters("us-west-1", &Of::Fees).1.len(), 2);
        let both = asks(BTreeSet::from([fee, want(What::Fargate)]));
        assert_eq!((both.len(), &both[0].of), (1, &Of::Eks));
        assert_eq!(filters("us-west-1", &Of::Eks), ("AmazonEKS", vec![("regionCode", "us-west-1".to_owned())]));
    }

    #[test]
    fn regions_are_asked_about_one_by_one() {
        let of = |region| Want { region: Sym::new(region), what: What::Spot(Sym::new("m5.large")) };
        assert_eq!(asks(BTreeSet::from([of("us-east-1"), of("eu-west-1")])).len(), 2);
    }

    #[test]
    fn price_lists_have_few_endpoints() {
        for (region, endpoint) in [
            ("us-east-1", Some("us-east-1")),
            ("us-west-2", Some("us-east-1")),
            ("sa-east-1", Some("us-east-1")),
            ("ap-northeast-3", Some("ap-south-1")),
            ("eu-west-1", Some("eu-central-1")),
            ("eusc-de-east-1", Some("eusc-de-east-1")),
            ("cn-north-1", Some("cn-northwest-1")),
            ("us-gov-west-1", None),
        ] {
            assert_eq!(pricing_endpoint(region), endpoint, "{region}");
        }
    }
}
