//! Groups the wanted price requests into as few AWS API calls as possible.

use std::collections::{BTreeMap, BTreeSet};

use super::request::{PriceItem, PriceRequest};
use crate::fleet::{PlacementConfiguration, Sym};

/// Number of instance types from which the whole price list of a region is read instead of one call per type: the list
/// has some 14 pages.
const SWEEP_FROM_TYPES: usize = 14;

/// `DescribeInstanceTypes` takes up to 200 values of a filter; a page has up to 100 instance types.
const HARDWARE_BATCH: usize = 100;

/// Instance types in one request for spot prices. AWS sets no limit: the request is a form in a POST.
const SPOT_BATCH: usize = 200;

/// Instance types in one request for the courses of spot prices. Of each there are some hundred rows for a week.
const SPOT_HISTORY_BATCH: usize = 50;

/// One call of the AWS API, answered in one or more pages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ApiCall {
    /// Region whose prices are asked for.
    pub(super) region: Sym,
    pub(super) query: Query,
    /// Requests that this call answers. Other prices that it returns are cached, too.
    pub(super) answers: BTreeSet<PriceRequest>,
}

/// The query of an [`ApiCall`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Query {
    /// Current spot prices of these instance types.
    Spot(Vec<Sym>),
    /// Spot prices of these instance types over the last seven days.
    SpotHistory(Vec<Sym>),
    /// Placement scores of spot capacity in the zones of the region.
    Placement(PlacementConfiguration),
    /// The on-demand price of one instance type.
    OnDemand(ProductFamily, Sym),
    /// On-demand prices of all instance types of a product family.
    AllOnDemand(ProductFamily),
    /// Fees of EKS Auto Mode for all instance types.
    Fees,
    /// The whole EKS price list: Auto Mode fees and Fargate rates.
    Eks,
    /// `DescribeInstanceTypes` of these instance types.
    Hardware(Vec<Sym>),
}

/// `productFamily` under which the price list has an EC2 instance type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum ProductFamily {
    /// `Compute Instance`.
    Virtual,
    /// `Compute Instance (bare metal)`.
    BareMetal,
}

impl ProductFamily {
    /// By the size in the name: `metal`, `metal-24xl`, `metal-48xl`.
    pub(super) fn from_instance_type(instance_type: &str) -> Self {
        let size = instance_type.split_once('.').map_or("", |(_, size)| size);
        if size.starts_with("metal") { Self::BareMetal } else { Self::Virtual }
    }
}

/// API calls that answer all due requests.
pub(super) fn api_calls(due: BTreeSet<PriceRequest>) -> Vec<ApiCall> {
    let mut regions: BTreeMap<Sym, BTreeSet<PriceRequest>> = BTreeMap::new();
    for request in due {
        regions.entry(request.region.clone()).or_default().insert(request);
    }
    regions.iter().flat_map(|(region, due)| region_calls(region, due)).collect()
}

fn region_calls(region: &Sym, due: &BTreeSet<PriceRequest>) -> Vec<ApiCall> {
    let some = |keep: fn(&PriceRequest) -> bool| {
        due.iter().filter(|request| keep(request)).cloned().collect::<BTreeSet<PriceRequest>>()
    };
    let call = |query, answers| ApiCall { region: region.clone(), query, answers };
    let mut api_calls = Vec::new();
    api_calls.extend(batches(
        &some(|request| matches!(request.item, PriceItem::Spot(_))),
        SPOT_BATCH,
        Query::Spot,
        &call,
    ));
    api_calls.extend(batches(
        &some(|request| matches!(request.item, PriceItem::SpotHistory(_))),
        SPOT_HISTORY_BATCH,
        Query::SpotHistory,
        &call,
    ));
    api_calls.extend(placements(&some(|request| matches!(request.item, PriceItem::Placement(..))), &call));
    api_calls.extend(on_demand(some(|request| matches!(request.item, PriceItem::OnDemand(_))), &call));
    api_calls.extend(eks(some(|request| matches!(request.item, PriceItem::Fee(_) | PriceItem::Fargate)), &call));
    api_calls.extend(batches(
        &some(|request| matches!(request.item, PriceItem::Hardware(_))),
        HARDWARE_BATCH,
        Query::Hardware,
        &call,
    ));
    api_calls
}

type MakeCall<'m> = dyn Fn(Query, BTreeSet<PriceRequest>) -> ApiCall + 'm;

fn batches(
    requests: &BTreeSet<PriceRequest>,
    size: usize,
    query: fn(Vec<Sym>) -> Query,
    call: &MakeCall<'_>,
) -> Vec<ApiCall> {
    let all: Vec<&PriceRequest> = requests.iter().collect();
    let batch = |some: &[&PriceRequest]| {
        let names = some.iter().map(|request| Sym::new(request.item.name())).collect();
        call(query(names), some.iter().map(|request| (*request).clone()).collect())
    };
    all.chunks(size).map(batch).collect()
}

/// NodePools that want the same are answered by one call.
fn placements(requests: &BTreeSet<PriceRequest>, call: &MakeCall<'_>) -> Vec<ApiCall> {
    let mut all: BTreeMap<&PlacementConfiguration, BTreeSet<PriceRequest>> = BTreeMap::new();
    for request in requests {
        if let PriceItem::Placement(_, configuration) = &request.item {
            all.entry(configuration).or_default().insert(request.clone());
        }
    }
    all.into_iter().map(|(configuration, answers)| call(Query::Placement(configuration.clone()), answers)).collect()
}

fn on_demand(requests: BTreeSet<PriceRequest>, call: &MakeCall<'_>) -> Vec<ApiCall> {
    if requests.len() < SWEEP_FROM_TYPES {
        let one = |request: PriceRequest| {
            let name = Sym::new(request.item.name());
            call(Query::OnDemand(ProductFamily::from_instance_type(&name), name), BTreeSet::from([request]))
        };
        return requests.into_iter().map(one).collect();
    }
    let mut by_family: BTreeMap<ProductFamily, BTreeSet<PriceRequest>> = BTreeMap::new();
    for request in requests {
        by_family.entry(ProductFamily::from_instance_type(request.item.name())).or_default().insert(request);
    }
    by_family.into_iter().map(|(family, requests)| call(Query::AllOnDemand(family), requests)).collect()
}

/// Fees are read for all instance types in one call: the price list spells the attribute of the instance type in two
/// ways (`instanceType`, `instancetype`), so that a filter by it may match nothing.
fn eks(requests: BTreeSet<PriceRequest>, call: &MakeCall<'_>) -> Option<ApiCall> {
    let query =
        if requests.iter().any(|request| request.item == PriceItem::Fargate) { Query::Eks } else { Query::Fees };
    (!requests.is_empty()).then(|| call(query, requests))
}

/// Region of the Price List endpoint to use for a region; it has to be of the same partition. `None` if the partition
/// has no such endpoint (GovCloud).
///
/// Source: endpoints of `pricing`, and karpenter-provider-aws pkg/providers/pricing/pricing.go.
pub(super) fn pricing_endpoint(region: &str) -> Option<&'static str> {
    match region.split('-').next().unwrap_or_default() {
        "us" if region.starts_with("us-gov-") => None,
        "ap" => Some("ap-south-1"),
        "cn" => Some("cn-northwest-1"),
        "eu" => Some("eu-central-1"),
        // The European Sovereign Cloud is a partition with an endpoint of its own.
        "eusc" => Some("eusc-de-east-1"),
        _ => Some("us-east-1"),
    }
}

/// Service code and filters (attribute, value; exact matches) of a query of the price list.
///
/// Source: karpenter-provider-aws pkg/providers/pricing/pricing.go; awslabs/eks-node-viewer pkg/aws/pricing.go.
pub(super) fn filters(region: &str, query: &Query) -> (&'static str, Vec<(&'static str, String)>) {
    let mut filters = vec![("regionCode", region.to_owned())];
    match query {
        Query::Fees => filters.push(("operation", "EKSAutoUsage".to_owned())),
        Query::OnDemand(family, name) => {
            filters.extend(family_filters(*family));
            filters.push(("instanceType", name.to_string()));
        }
        Query::AllOnDemand(family) => filters.extend(family_filters(*family)),
        Query::Eks | Query::Spot(_) | Query::SpotHistory(_) | Query::Placement(_) | Query::Hardware(_) => {}
    }
    let is_eks = matches!(query, Query::Fees | Query::Eks);
    (if is_eks { "AmazonEKS" } else { "AmazonEC2" }, filters)
}

fn family_filters(family: ProductFamily) -> impl Iterator<Item = (&'static str, String)> {
    let (tenancy, family) = match family {
        ProductFamily::Virtual => ("Shared", "Compute Instance"),
        ProductFamily::BareMetal => ("Dedicated", "Compute Instance (bare metal)"),
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

    fn request(item: PriceItem) -> PriceRequest {
        PriceRequest { region: Sym::new("us-east-1"), item }
    }

    fn on_demand_of(names: impl IntoIterator<Item = String>) -> BTreeSet<PriceRequest> {
        names.into_iter().map(|name| request(PriceItem::OnDemand(Sym::new(&name)))).collect()
    }

    #[test]
    fn few_types_are_queried_one_by_one_and_many_by_whole_product_families() {
        let few = api_calls(on_demand_of((1..14).map(|n| format!("m{n}.large"))));
        assert_eq!(few.len(), 13);
        assert_eq!(few[0].query, Query::OnDemand(ProductFamily::Virtual, Sym::new("m1.large")));
        let many = api_calls(on_demand_of((1..14).map(|n| format!("m{n}.large")).chain(["m7i.metal-24xl".to_owned()])));
        let query: Vec<&Query> = many.iter().map(|call| &call.query).collect();
        assert_eq!(query, [&Query::AllOnDemand(ProductFamily::Virtual), &Query::AllOnDemand(ProductFamily::BareMetal)]);
        assert_eq!(many.iter().map(|call| call.answers.len()).collect::<Vec<_>>(), [13, 1]);
    }

    #[test]
    fn bare_metal_is_queried_by_its_own_tenancy_and_product_family() {
        let find = |query: &Query, field: &str| {
            let (service, filters) = filters("eu-west-1", query);
            assert_eq!(service, "AmazonEC2");
            filters.into_iter().find(|(name, _)| *name == field).map(|(_, value)| value)
        };
        for (name, tenancy, family) in [
            ("g5.xlarge", "Shared", "Compute Instance"),
            ("g4dn.metal", "Dedicated", "Compute Instance (bare metal)"),
            ("m7i.metal-24xl", "Dedicated", "Compute Instance (bare metal)"),
        ] {
            let query = Query::OnDemand(ProductFamily::from_instance_type(name), Sym::new(name));
            assert_eq!(find(&query, "tenancy").as_deref(), Some(tenancy));
            assert_eq!(find(&query, "productFamily").as_deref(), Some(family));
            assert_eq!(find(&query, "instanceType").as_deref(), Some(name));
            assert_eq!(find(&query, "regionCode").as_deref(), Some("eu-west-1"));
        }
        assert_eq!(find(&Query::AllOnDemand(ProductFamily::Virtual), "instanceType"), None);
    }

    #[test]
    fn spot_prices_share_one_call_and_hardware_is_split_into_calls_of_100_types() {
        let spot = api_calls((0..150).map(|n| request(PriceItem::Spot(Sym::new(&format!("m{n}.large"))))).collect());
        assert_eq!(spot.len(), 1);
        let hardware =
            api_calls((0..150).map(|n| request(PriceItem::Hardware(Sym::new(&format!("g{n}.large"))))).collect());
        assert_eq!(hardware.iter().map(|call| call.answers.len()).collect::<Vec<_>>(), [100, 50]);
    }

    #[test]
    fn node_pools_of_the_same_configuration_share_one_call() {
        let of = |node_pool: &str, instances| {
            let types = ["a.large", "b.large", "c.large"].map(Sym::new);
            let configuration = PlacementConfiguration::new(types.into(), instances).expect("three types");
            request(PriceItem::Placement(Sym::new(node_pool), configuration))
        };
        let calls = api_calls([of("gpu", 3), of("train", 4), of("web", 9)].into());
        assert_eq!(calls.iter().map(|call| call.answers.len()).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn auto_mode_fees_and_fargate_rates_share_one_query() {
        let fee = request(PriceItem::Fee(Sym::new("m5.large")));
        let only = api_calls(BTreeSet::from([fee.clone()]));
        assert_eq!(only[0].query, Query::Fees);
        assert_eq!(filters("us-west-1", &Query::Fees).1.len(), 2);
        let both = api_calls(BTreeSet::from([fee, request(PriceItem::Fargate)]));
        assert_eq!((both.len(), &both[0].query), (1, &Query::Eks));
        assert_eq!(filters("us-west-1", &Query::Eks), ("AmazonEKS", vec![("regionCode", "us-west-1".to_owned())]));
    }

    #[test]
    fn each_region_has_its_own_query() {
        let spot_in = |region| PriceRequest { region: Sym::new(region), item: PriceItem::Spot(Sym::new("m5.large")) };
        assert_eq!(api_calls(BTreeSet::from([spot_in("us-east-1"), spot_in("eu-west-1")])).len(), 2);
    }

    #[test]
    fn each_region_is_assigned_a_price_list_endpoint_or_none() {
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
