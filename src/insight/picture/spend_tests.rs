//! Dollars are conserved, whatever happens in whatever order.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::tests::{any_change, any_dra_delta};
use super::*;
use crate::fleet::{
    Accelerator, Adjustment, CapacityType, ClusterFacts, Delta, Discount, EventClass, EventObject, EventRow,
    GpuFraction, GpuPart, Health, HealthState, InstanceType, Labels, NodeClaimRow, NodeOverlayRow, NodeRate, NodeRow,
    Nomination, OverlayPrice, PodPhase, PodRow, PodStart, Price, PriceChange, PriceKey, PriceList, PriceRule,
    Resources, RuleMatch, RuleRate, SourceId, Sources, UserPrices,
};
use crate::insight::Completeness;
use crate::insight::cold_start::ColdStart;
use crate::insight::cost::{Cost, CostPart, CostRates, CostSource, GroupBy, Ledger};
use crate::insight::testing::{
    NOW, claim, fleet, labels, met, meta, node, owner, pod, resource_claim, resources, slice, slice_device, sym,
    upserts,
};
use crate::rows;

const TYPES: [&str; 3] = ["m7i.large", "p5.48xlarge", "g5.xlarge"];
const ZONES: [&str; 2] = ["us-east-1a", "us-east-1b"];
const CAPACITIES: [&str; 4] = ["spot", "on-demand", "reserved", "unheard-of"];
const FIXED: i64 = 100_000;

fn any_labels() -> impl Strategy<Value = Labels> {
    (0..4_usize, 0..3_usize, 0..5_usize, 0..3_u8, 0..6_u8).prop_map(|(kind, zone, capacity, pool, extra)| {
        let mut pairs = vec![("topology.kubernetes.io/region", "us-east-1")];
        pairs.extend(TYPES.get(kind).map(|kind| ("node.kubernetes.io/instance-type", *kind)));
        pairs.extend(ZONES.get(zone).map(|zone| ("topology.kubernetes.io/zone", *zone)));
        pairs.extend(CAPACITIES.get(capacity).map(|capacity| ("karpenter.sh/capacity-type", *capacity)));
        pairs.extend([("karpenter.sh/nodepool", "gpu"), ("karpenter.sh/nodepool", "cpu")].get(usize::from(pool)));
        pairs.extend(match extra {
            0 => Some(("eks-node-viewer/instance-price", "0.123457")),
            1 => Some(("eks.amazonaws.com/compute-type", "auto")),
            2 => Some(("karpenter.k8s.aws/capacity-reservation-type", "capacity-block")),
            _ => None,
        });
        labels(&pairs)
    })
}

fn any_node() -> impl Strategy<Value = NodeRow> {
    (0..4_u8, any_labels(), 0..9_i64, any::<bool>()).prop_map(|(name, labels, gpus, ready)| {
        let mut row = node(&format!("n{name}"));
        row.provider_id = Some(sym(&format!("aws:///us-east-1a/i-{name}")));
        row.labels = labels;
        row.conditions = if ready { met(&["Ready"]) } else { Vec::new() };
        row.capacity = resources(4000, 16 << 30, &[("nvidia.com/gpu", gpus)]);
        row.allocatable = resources(3900, 15 << 30, &[("nvidia.com/gpu", gpus)]);
        row
    })
}

fn any_claim() -> impl Strategy<Value = NodeClaimRow> {
    (0..6_u8, any_labels(), any::<bool>()).prop_map(|(name, labels, launched)| {
        let mut row = claim(&format!("c{name}"));
        row.provider_id = launched.then(|| sym(&format!("aws:///us-east-1a/i-{name}")));
        row.labels = labels;
        row
    })
}

fn any_pod() -> impl Strategy<Value = PodRow> {
    (0..9_u8, 0..6_u8, 0..5_u8, 0..4_u8, (0..5_000_i64, 0..20_i64, 0..6_i64)).prop_map(
        |(name, node, owned, phase, (cpu, gib, gpus))| {
            let namespace = if name % 2 == 0 { "ml" } else { "web" };
            let mut row = pod(namespace, &format!("p{name}"), (node > 0).then(|| format!("n{}", node - 1)).as_deref());
            row.phase = [PodPhase::Pending, PodPhase::Running, PodPhase::Running, PodPhase::Failed][usize::from(phase)];
            row.requests = resources(cpu, gib << 30, if gpus > 3 { &[("nvidia.com/gpu", 2)] } else { &[] }).into();
            row.owner = match owned {
                0 => None,
                1 => Some(owner("ReplicaSet", "api-5d", &Uid::parse("set"))),
                job => Some(owner("Job", &format!("j{job}"), &Uid::parse(&format!("job-{job}")))),
            };
            row
        },
    )
}

fn any_price() -> impl Strategy<Value = PriceChange> {
    let lists =
        [PriceList::AwsSpot, PriceList::AwsOnDemand, PriceList::AutoModeFee, PriceList::Karpenter, PriceList::Embedded];
    (0..lists.len(), 0..TYPES.len(), 0..ZONES.len(), any::<bool>(), 0..60_000_000_i64).prop_map(
        move |(list, kind, zone, spot, price)| {
            let by_zone = matches!(lists[list], PriceList::AwsSpot | PriceList::Karpenter);
            let is_spot = lists[list] == PriceList::AwsSpot || (lists[list] == PriceList::Karpenter && spot);
            let key = PriceKey {
                place: sym(if by_zone { ZONES[zone] } else { "us-east-1" }),
                instance_type: sym(TYPES[kind]),
                capacity_type: if is_spot { CapacityType::Spot } else { CapacityType::OnDemand },
            };
            PriceChange::Listed(lists[list], key, Price { micro_usd_per_hour: price, as_of: NOW })
        },
    )
}

fn any_hardware() -> impl Strategy<Value = PriceChange> {
    (0..TYPES.len(), 0..9_u32).prop_map(|(kind, count)| {
        let accelerator = Accelerator { name: sym("H100"), count, memory_mib: None };
        let accelerator = (count > 0).then_some(accelerator);
        PriceChange::InstanceType(InstanceType { name: sym(TYPES[kind]), vcpus: None, memory_mib: None, accelerator })
    })
}

fn any_user() -> impl Strategy<Value = PriceChange> {
    (any::<bool>(), 0..3_u8, 0..1_000_000_i64, 0..5_000_000_i64).prop_map(|(is_there, what, part, price)| {
        let rate = match what {
            0 => RuleRate::PerHour(price),
            1 => RuleRate::Adjust(Adjustment::Millionths(-part)),
            _ => RuleRate::Adjust(Adjustment::MicroUsdPerHour(part)),
        };
        let matches = RuleMatch { instance: Some(sym("p5.*")), ..RuleMatch::default() };
        let user = UserPrices {
            as_of: NOW,
            discount: Discount { on_demand_millionths: part, ..Discount::default() },
            auto_mode_fee_millionths: (part > 500_000).then_some(120_000),
            nodes: BTreeMap::from([(sym("n1"), NodeRate { micro_usd_per_hour: price, note: None, line: 3 })]),
            rules: vec![PriceRule { matches, rate, note: None, line: 7 }],
            ..UserPrices::default()
        };
        PriceChange::User(is_there.then(|| Box::new(user)))
    })
}

fn any_overlay() -> impl Strategy<Value = NodeOverlayRow> {
    (0..2_u8, 0..3_i64, 0..4_u8).prop_map(|(name, weight, price)| NodeOverlayRow {
        meta: meta("", &format!("o{name}")),
        requirements: Vec::new(),
        weight,
        price: match price {
            0 => None,
            1 => Some(OverlayPrice::Absolute(5_000_000)),
            2 => Some(OverlayPrice::Adjust(Adjustment::Millionths(-100_000))),
            _ => Some(OverlayPrice::Invalid(sym("cheap"))),
        },
        conditions: Vec::new(),
    })
}

fn any_delta() -> impl Strategy<Value = Delta> {
    prop_oneof![
        3 => vec(any_change(any_node()), 1..6).prop_map(Delta::Nodes),
        2 => vec(any_change(any_claim()), 1..6).prop_map(Delta::NodeClaims),
        3 => vec(any_change(any_pod()), 1..9).prop_map(Delta::Pods),
        3 => vec(prop_oneof![6 => any_price(), 1 => any_user(), 1 => any_hardware()], 1..9).prop_map(Delta::Prices),
        1 => vec(any_change(any_overlay()), 1..3).prop_map(Delta::NodeOverlays),
        1 => any_dra_delta(),
    ]
}

fn everything() -> Sources {
    let live = || Health { state: HealthState::Live, ..Health::default() };
    SourceId::all().map(|source| (source, live())).collect()
}

fn burning(fleet: &Fleet, picture: &Picture) -> CostRates {
    let is = |name: &Sym| Some(name == "n1");
    let starts: Vec<ColdStart> = fleet.open_starts().filter_map(|pod| ColdStart::of(fleet, pod)).collect();
    let waiting = |name: &Sym| {
        let is_paid = |start: &&ColdStart| start.billed_since.is_some() && start.node.as_ref() == Some(name);
        picture.waiting_rate(fleet, name, starts.iter().filter(is_paid))
    };
    let protection = |name: &Sym| NodeProtection { is_protected: is(name), is_held: is(name) };
    let facts = |name: &Sym| NodeFacts::new(protection(name), None, waiting(name));
    let mut sums = RateSums::full(fleet, picture, facts);
    let (are_known, _) = sums.publish(&Completeness::new(&everything()), Some(FIXED), Some(0));
    assert!(are_known);
    sums.rates().clone()
}

fn of_dimension(burn: &CostRates, wanted: GroupBy) -> i64 {
    burn.by_group().filter(|((dimension, _), _)| *dimension == wanted).map(|(_, rate)| rate).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, ..ProptestConfig::default() })]

    #[test]
    fn an_incrementally_updated_picture_equals_a_full_one(deltas in vec(any_delta(), 1..25)) {
        let (mut fleet, mut picture) = (Fleet::default(), Picture::default());
        for delta in deltas {
            let changed = fleet.apply(delta);
            picture.update(&fleet, &changed);
            prop_assert_eq!(&picture, &Picture::full(&fleet));
        }
    }

    #[test]
    fn payers_and_parts_add_up_to_the_rate_of_all_machines(deltas in vec(any_delta(), 1..25)) {
        let fleet = fleet(deltas);
        let picture = Picture::full(&fleet);
        let burn = burning(&fleet, &picture);
        let nodes: Vec<_> = fleet.nodes.iter().filter_map(|row| picture.node(&row.meta.key.name)).collect();
        let claims: Vec<_> = picture.claims_without_node(&fleet).filter_map(|row| picture.claim(row)?.cost.as_ref()).collect();
        let machines: i64 = nodes.iter().map(|said| &said.cost).chain(claims.iter().copied()).filter_map(Cost::rate).sum();
        prop_assert_eq!(burn.total, machines + FIXED);
        for dimension in GroupBy::ALL {
            prop_assert_eq!(of_dimension(&burn, dimension), machines, "{:?}", dimension);
        }
        for row in fleet.nodes.iter() {
            let said = picture.node(&row.meta.key.name).unwrap();
            let pods: i64 = picture.rates_on(&fleet, row).iter().map(|(_, rate)| rate).sum();
            prop_assert_eq!(pods + said.spend.unrequested, said.cost.rate().unwrap_or(0));
            prop_assert!(said.spend.unallocated_gpu <= said.cost.rate().unwrap_or(0));
        }
        let part = |part| burn.parts.get(part);
        for whole in [part(CostPart::Held), part(CostPart::Unrequested)] {
            prop_assert!(part(CostPart::HeldUnrequested).zip(whole).is_none_or(|(part, whole)| part <= whole));
        }
        prop_assert!(part(CostPart::Held).zip(part(CostPart::Protected)).is_none_or(|(held, whole)| held <= whole));
        let is_part = |rate: Option<i64>| rate.map_or(burn.unpriced > 0, |rate| (0..=machines).contains(&rate));
        prop_assert!(CostPart::ALL.into_iter().map(part).all(is_part));
    }

    #[test]
    fn machines_without_a_price_are_counted_and_prepaid_ones_cost_zero(deltas in vec(any_delta(), 1..25)) {
        let fleet = fleet(deltas);
        let picture = Picture::full(&fleet);
        let said = fleet.nodes.iter().filter_map(|row| picture.node(&row.meta.key.name));
        let mut unpriced = 0;
        for cost in said.map(|said| &said.cost) {
            prop_assert_eq!(cost.rate().is_none(), cost.instance.reason().is_some(), "unknown has a reason, never pending");
            prop_assert!(cost.source() != Some(CostSource::Prepaid) || cost.instance.as_ref().value() == Some(&0));
            unpriced += u64::from(cost.rate().is_none());
        }
        let claims = picture.claims_without_node(&fleet).filter_map(|row| picture.claim(row)?.cost.as_ref());
        let claims = claims.filter(|cost| cost.rate().is_none()).count();
        prop_assert_eq!(burning(&fleet, &picture).unpriced, unpriced + u64::try_from(claims).unwrap());
    }

    #[test]
    fn ledgers_add_up_and_never_decrease(steps in vec((any_delta(), 0..700_i64), 1..20)) {
        let (mut fleet, mut picture, mut ledger, mut now) = (Fleet::default(), Picture::default(), Ledger::default(), NOW);
        let mut before = 0;
        for (delta, seconds) in steps {
            let changed = fleet.apply(delta);
            picture.update(&fleet, &changed);
            let burn = burning(&fleet, &picture);
            ledger.look(now, Some(&burn), 600);
            now = now.plus_seconds(seconds);
            ledger.look(now, Some(&burn), 600);
            let total = ledger.total().exact();
            prop_assert!(total >= before);
            let machines = total - i128::from(FIXED) * i128::from(ledger.total().observed_seconds);
            for dimension in GroupBy::ALL {
                let paid: i128 = ledger.payers(dimension).map(|(_, account)| account.exact()).sum();
                prop_assert_eq!(paid, machines, "{:?}", dimension);
            }
            let stopped = ledger.clone();
            ledger.look(now, Some(&burn), 600);
            prop_assert_eq!(&ledger, &stopped, "a clock that stands still");
            before = total;
        }
    }
}

#[test]
fn jobs_pay_by_the_accelerators_they_request() {
    let mut machine = node("a");
    machine.labels = labels(&[("eks-node-viewer/instance-price", "8")]);
    machine.capacity = resources(4000, 16 << 30, &[("nvidia.com/gpu", 8)]);
    machine.allocatable = machine.capacity.clone();
    let member = |name: &str, gpus: i64, job: &str| {
        let mut row = pod("ml", name, Some("a"));
        row.requests = resources(100, 1 << 20, &[("nvidia.com/gpu", gpus)]).into();
        row.owner = Some(owner("Job", job, &Uid::parse(job)));
        row
    };
    let pods = vec![
        member("x", 2, "train"),
        member("y", 1, "train"),
        member("z", 1, "eval"),
        pod("kube-system", "d", Some("a")),
    ];
    let fleet = fleet(vec![Delta::Nodes(upserts(vec![machine])), Delta::Pods(upserts(pods))]);
    let picture = Picture::full(&fleet);
    assert_eq!(picture.job_rate(&fleet, &Uid::parse("train")), Some(3_000_000));
    assert_eq!(picture.job_rate(&fleet, &Uid::parse("eval")), Some(1_000_000));
    let burn = burning(&fleet, &picture);
    assert_eq!(
        (burn.parts.get(CostPart::Unrequested), burn.parts.get(CostPart::UnallocatedGpu)),
        (Some(4_000_000), Some(4_000_000))
    );
}

#[test]
fn pods_pay_by_the_devices_that_they_claim() {
    let machine = NodeRow { labels: labels(&[("eks-node-viewer/instance-price", "8")]), ..node("a") };
    let devices = (0..8).map(|number| slice_device(&format!("gpu-{number}"))).collect();
    let pods = ["x", "y", "z"].map(|name| pod("ml", name, Some("a")));
    let claims = vec![
        resource_claim("two", "a", &["gpu-0", "gpu-1"], &[&pods[0]]),
        resource_claim("together", "a", &["gpu-2"], &[&pods[0], &pods[1]]),
    ];
    let fleet = fleet(vec![
        Delta::Nodes(upserts(vec![machine])),
        Delta::Pods(upserts(pods.to_vec())),
        Delta::ResourceSlices(upserts(vec![slice("a", devices)])),
        Delta::ResourceClaims(upserts(claims)),
    ]);
    let picture = Picture::full(&fleet);
    let rate = |pod: &PodRow| picture.pod_rate(&fleet, pod);
    assert_eq!(pods.each_ref().map(rate), [Some(2_500_000), Some(500_000), Some(0)]);
    let spend = &picture.node("a").unwrap().spend;
    assert_eq!((spend.unrequested, spend.unallocated_gpu), (5_000_000, 5_000_000));
}

#[test]
fn pods_that_share_a_device_pay_for_their_parts_of_it_and_its_reservation_for_nothing() {
    let mut machine = node("a");
    machine.labels = labels(&[("eks-node-viewer/instance-price", "4")]);
    machine.capacity = resources(4000, 16 << 30, &[("nvidia.com/gpu", 4)]);
    machine.allocatable = machine.capacity.clone();
    let member = |name: &str, part: i64| {
        let fraction = Some(Box::new(GpuFraction { part: GpuPart::Thousandths(part), devices: 1 }));
        PodRow { requests: Resources { fraction, ..resources(100, 1 << 20, &[]) }.into(), ..pod("ml", name, Some("a")) }
    };
    let reservation = PodRow {
        requests: resources(100, 1 << 20, &[("nvidia.com/gpu", 1)]).into(),
        ..pod("kai-resource-reservation", "gpu-reservation-a-x7k2p", Some("a"))
    };
    let pods = vec![member("half", 500), member("quarter", 250), reservation];
    let fleet = fleet(vec![Delta::Nodes(upserts(vec![machine])), Delta::Pods(upserts(pods.clone()))]);
    let picture = Picture::full(&fleet);
    let rates: Vec<Option<i64>> = pods.iter().map(|pod| picture.pod_rate(&fleet, pod)).collect();
    assert_eq!(rates, [Some(500_000), Some(250_000), Some(0)]);
    let said = picture.node("a").unwrap();
    assert_eq!(
        said.gpu.as_ref().map(|gpu| (gpu.requested, gpu.physical_requested)),
        Some((1, Some(Thousandths(1_000))))
    );
    assert_eq!(said.spend.unallocated_gpu, 3_000_000);
}

/// What is paid for pods that do not run yet, of two machines whose devices are late.
fn waiting_of(change: impl FnOnce(&mut PodRow)) -> Option<i64> {
    let priced = || labels(&[("eks-node-viewer/instance-price", "0.8064"), ("karpenter.sh/nodepool", "gpu")]);
    let machine = |name: &str| NodeRow {
        labels: priced(),
        allocatable: resources(16_000, 64 << 30, &[]),
        provider_id: Some(sym(&format!("aws:///us-east-1a/i-{name}"))),
        ..node(name)
    };
    let behind = |name: &str| NodeClaimRow {
        labels: priced(),
        provider_id: Some(sym(&format!("aws:///us-east-1a/i-{name}"))),
        conditions: met(&["Launched", "Registered"]),
        ..claim(&format!("claim-{name}"))
    };
    let nomination = Nomination { at: NOW.into(), claim: Some(sym("claim-a")), node: None };
    let start = PodStart { nominations: vec![nomination], ..PodStart::default() };
    let mut row = PodRow { requests: resources(4_000, 1 << 30, &[]).into(), ..pod("ml", "x", None) };
    (row.phase, row.start) = (PodPhase::Pending, Some(Box::new(start)));
    row.meta.created = NOW.plus_seconds(-10_000_000);
    change(&mut row);
    let fleet = fleet(vec![
        Delta::Nodes(upserts(vec![machine("a"), machine("b")])),
        Delta::NodeClaims(upserts(vec![behind("a"), behind("b")])),
        Delta::Pods(upserts(vec![row, PodRow { start: None, ..pod("ml", "ready", Some("a")) }])),
    ]);
    burning(&fleet, &Picture::full(&fleet)).parts.get(CostPart::Waiting)
}

#[test]
fn what_is_paid_for_pods_that_do_not_run_yet_is_their_part_of_their_node() {
    let bound = |row: &mut PodRow| {
        row.node = Some(sym("a"));
        row.start.as_mut().unwrap().scheduled = Some(NOW.into());
    };
    assert_eq!(waiting_of(|_| ()), Some(201_600), "a quarter of the machine that is meant for it, not of both");
    assert_eq!(waiting_of(bound), Some(201_600));
    let running = |row: &mut PodRow| {
        bound(row);
        row.phase = PodPhase::Running;
    };
    assert_eq!(waiting_of(running), Some(201_600), "it runs and is not ready");
    let ready = |row: &mut PodRow| {
        bound(row);
        row.start.as_mut().unwrap().was_ready = true;
    };
    assert_eq!(waiting_of(ready), Some(0));
    assert_eq!(waiting_of(|row| row.phase = PodPhase::Succeeded), Some(0));
    assert_eq!(waiting_of(|row| row.start = None), Some(0), "of a DaemonSet: nothing waits but what belongs there");
    let gone = |row: &mut PodRow| row.start.as_mut().unwrap().nominations[0].claim = Some(sym("gone"));
    assert_eq!(waiting_of(gone), Some(0), "no machine is paid for it");
}

#[test]
fn the_control_plane_price_is_the_users_or_that_of_eks() {
    let mut fleet = Fleet::default();
    let at = |server: &str, version: &str| ClusterFacts {
        server: server.to_owned(),
        kubernetes_version: Some(version.to_owned()),
        ..ClusterFacts::default()
    };
    let eks = at("https://0A1B.gr7.us-east-1.eks.amazonaws.com", "");
    let behind_a_proxy = at("https://proxy.example", "v1.34.6-eks-4f2c9d1");
    let other = at("https://127.0.0.1:6443", "v1.36.3");
    let fixed = |fleet: &Fleet| [&eks, &behind_a_proxy, &other].map(|cluster| cluster_fixed(fleet, cluster));
    assert_eq!(fixed(&fleet), [Some(100_000), None, None], "EKS Anywhere tells the same version");
    let mut machine = node("a");
    machine.provider_id = Some(sym("aws:///us-east-1a/i-1"));
    fleet.apply(Delta::Nodes(upserts(vec![machine])));
    assert_eq!(fixed(&fleet), [Some(100_000), Some(100_000), None]);
    let user = UserPrices { control_plane_micro_usd_per_hour: Some(600_000), ..UserPrices::default() };
    fleet.apply(Delta::Prices(vec![PriceChange::User(Some(Box::new(user)))]));
    assert_eq!(fixed(&fleet), [Some(600_000); 3]);
}

#[test]
fn a_node_that_is_not_registered_is_priced_by_its_claim() {
    let mut behind = claim("c1");
    behind.provider_id = Some(sym("aws:///us-east-1a/i-1"));
    behind.labels = labels(&[
        ("karpenter.sh/capacity-type", "spot"),
        ("node.kubernetes.io/instance-type", "g5.xlarge"),
        ("topology.kubernetes.io/zone", "us-east-1a"),
    ]);
    let mut joined = node("a");
    joined.provider_id = behind.provider_id.clone();
    joined.labels = labels(&[("node.kubernetes.io/instance-type", "g5.xlarge")]);
    let key = PriceKey { place: sym("us-east-1a"), instance_type: sym("g5.xlarge"), capacity_type: CapacityType::Spot };
    let price = Price { micro_usd_per_hour: 400_000, as_of: NOW };
    let fleet = fleet(vec![
        Delta::NodeClaims(upserts(vec![behind])),
        Delta::Nodes(upserts(vec![joined])),
        Delta::Prices(vec![PriceChange::Listed(PriceList::AwsSpot, key, price)]),
    ]);
    let picture = Picture::full(&fleet);
    let cost = picture.node("a").map(|said| (said.cost.rate(), said.cost.source()));
    assert_eq!(cost, Some((Some(400_000), Some(CostSource::AwsSpot))));
}

#[test]
fn a_fargate_node_is_paid_wholly_by_its_pod() {
    let mut machine = node("a");
    machine.labels = labels(&[("eks.amazonaws.com/compute-type", "fargate"), ("eks-node-viewer/instance-price", "1")]);
    let fleet =
        fleet(vec![Delta::Nodes(upserts(vec![machine])), Delta::Pods(upserts(vec![pod("ml", "small", Some("a"))]))]);
    let said = Picture::full(&fleet);
    let spend = &said.node("a").unwrap().spend;
    assert_eq!((spend.unrequested, spend.owners.iter().map(|(_, rate)| rate).sum::<i64>()), (0, 1_000_000));
}

#[test]
fn a_claim_without_a_node_does_not_count_as_waiting() {
    let waiting = |deletion| {
        let mut row = claim("c1");
        row.provider_id = Some(sym("aws:///us-east-1a/i-1"));
        row.labels = labels(&[("eks-node-viewer/instance-price", "1")]);
        row.meta.deletion = deletion;
        let fleet = fleet(vec![Delta::NodeClaims(upserts(vec![row]))]);
        let burn = burning(&fleet, &Picture::full(&fleet));
        (burn.total - FIXED, burn.parts.get(CostPart::Waiting))
    };
    // The part of a pod is not known before there is a Node.
    assert_eq!([None, Some(NOW)].map(waiting), [(1_000_000, Some(0)); 2]);
}

#[test]
fn totals_with_an_unpriced_node_are_unknown_and_not_zero() {
    let fleet = fleet(vec![Delta::Nodes(upserts(vec![node("n1")]))]);
    let burn = burning(&fleet, &Picture::full(&fleet));
    assert_eq!((burn.known_total(), burn.unpriced), (None, 1));
    assert_eq!(
        [CostPart::Held, CostPart::Unrequested, CostPart::Waiting].map(|part| burn.parts.get(part)),
        [None, None, Some(0)]
    );
}

#[test]
fn consolidation_savings_count_a_multi_node_move_once_and_exclude_rejected_nodes() {
    let told = |name: &str, reason: &str, message: &str, seconds: i64| {
        let meta = meta("default", &format!("{name}.{reason}"));
        let object = EventObject { kind: sym("Node"), key: ObjectKey::cluster(name) };
        let at = NOW.plus_seconds(seconds);
        EventRow { message: sym(message), ..rows::event(meta, at, EventClass::Disrupting, reason, object) }
    };
    let of = |name: &str| {
        format!("Consolidation candidate: replace: [{name}] (part of 2-node consolidation) (savings: $5.00)")
    };
    let candidates = ["a", "b"].map(|name| told(name, "ConsolidationCandidate", &of(name), 0));
    let events = |more: Vec<EventRow>| fleet(vec![Delta::Events(upserts([candidates.to_vec(), more].concat()))]);
    let found = |fleet: &Fleet| -> Vec<(String, u64, Option<i64>)> {
        consolidation_savings(fleet)
            .into_iter()
            .map(|one| (one.outcome.words(), one.nodes, one.micro_usd_per_hour))
            .collect()
    };
    assert_eq!(found(&events(vec![])), [("candidate".to_owned(), 2, Some(5_000_000))]);
    let words = "Consolidation rejected: replace: [a], reason: budget (savings: $3.00)";
    let rejected = events(vec![told("a", "ConsolidationRejected", words, 9)]);
    assert_eq!(
        found(&rejected),
        [("candidate".to_owned(), 1, Some(2_500_000)), ("rejected: budget".to_owned(), 1, Some(3_000_000))]
    );
}
