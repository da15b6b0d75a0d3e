use proptest::prelude::*;

use super::*;
use crate::fleet::{
    Change, ClaimedDevice, ClassRequest, Delta, DeviceClassRow, DeviceKind, GpuFraction, GpuPart, Labels, NodeRow,
    PodPhase, PodRow, PoolKey, ResourceClaimRow, ResourceSliceRow, Resources, SliceDevice, Status, WorkloadRow,
};
use crate::insight::insights::ProtectedPods;
use crate::insight::testing::{
    CREATED, NOW, claim, condition, fleet, job, labels, met, meta, node, owner, pod, pool, resource_claim, resources,
    slice_device, sym, upserts, workload,
};

const GPU: &str = "nvidia.com/gpu";

/// Makes an object another one under the same name.
fn recreated(mut meta: crate::fleet::Meta, generation: u8) -> crate::fleet::Meta {
    meta.uid = Uid::parse(&format!("{}-{generation}", meta.uid));
    meta.created = meta.created.plus_seconds(i64::from(generation));
    meta
}

pub(super) fn any_change<R: Row + Clone + std::fmt::Debug + 'static>(
    row: impl Strategy<Value = R> + 'static,
) -> impl Strategy<Value = Change<R>> {
    (0..10_u8, row).prop_map(|(what, row)| match what {
        0 => Change::Begin,
        1 => Change::Commit,
        2 | 3 => Change::Remove(row.meta().key.clone()),
        _ => Change::Upsert(row),
    })
}

fn any_node() -> impl Strategy<Value = NodeRow> {
    (0..4_u8, 0..5_u8, 0..3_u8, 0..3_u8, any::<bool>(), 0..9_i64).prop_map(
        |(name, id, pool, generation, ready, gpus)| {
            let mut row = node(&format!("n{name}"));
            row.meta = recreated(row.meta, generation);
            row.provider_id = (id > 0).then(|| sym(&format!("p{id}")));
            row.labels = match pool {
                0 => Labels::default(),
                pool => {
                    labels(&[("karpenter.sh/nodepool", &format!("pool{pool}")), ("karpenter.sh/initialized", "true")])
                }
            };
            row.conditions = vec![condition("Ready", if ready { Status::True } else { Status::False }, "")];
            row.capacity = resources(4000, 1 << 34, &[(GPU, gpus)]);
            row.allocatable = row.capacity.clone();
            row
        },
    )
}

fn any_claim() -> impl Strategy<Value = NodeClaimRow> {
    (0..4_u8, 0..5_u8, 0..5_u8, 0..3_u8, 0..4_usize).prop_map(|(name, id, node, generation, met_until)| {
        let mut row = claim(&format!("c{name}"));
        row.meta = recreated(row.meta, generation);
        row.provider_id = (id > 0).then(|| sym(&format!("p{id}")));
        row.node_name = (node > 0).then(|| sym(&format!("n{}", node - 1)));
        row.conditions = met(&["Launched", "Registered", "Initialized"][..met_until]);
        row
    })
}

fn any_pod() -> impl Strategy<Value = PodRow> {
    (0..8_u8, 0..5_u8, 0..4_u8, 0..3_u8, 0..4_i64, any::<bool>()).prop_map(
        |(name, node, job, phase, gpus, annotated)| {
            let mut row = pod("ml", &format!("p{name}"), (node > 0).then(|| format!("n{}", node - 1)).as_deref());
            row.phase = [PodPhase::Pending, PodPhase::Running, PodPhase::Succeeded][usize::from(phase)];
            row.requests = resources(100 * gpus, 1 << 20, &[(GPU, gpus)]).into();
            row.owner = (job > 0).then(|| owner("Job", "j", &Uid::parse(&format!("uid-ml/j{job}-{gpus}"))));
            row.do_not_disrupt = annotated.then(|| sym("true"));
            row
        },
    )
}

fn any_job() -> impl Strategy<Value = JobRow> {
    (1..4_u8, 0..4_u8, 0..2_i64, any::<bool>()).prop_map(|(name, generation, ready, suspended)| {
        let mut row = JobRow { suspended, ready, ..job("ml", &format!("j{name}")) };
        row.meta = recreated(row.meta, generation);
        row
    })
}

fn any_workload() -> impl Strategy<Value = WorkloadRow> {
    (0..3_u8, 0..3_u8, any_job(), any::<bool>()).prop_map(|(name, generation, job, is_active)| {
        let conditions = vec![condition("QuotaReserved", Status::False, &format!("{generation}"))];
        let mut row = WorkloadRow { is_active, conditions, ..workload(&format!("w{name}"), &job) };
        row.meta = recreated(row.meta, generation);
        row
    })
}

/// Of the pools of two drivers on four Nodes: in several slices, generations and states.
fn any_slice() -> impl Strategy<Value = ResourceSliceRow> {
    (0..6_u8, 0..5_u8, 0..3_u8, (1..3_i64, 1..3_i64), proptest::collection::vec(any_device(), 0..5)).prop_map(
        |(name, node, pool, (generation, slice_count), devices)| ResourceSliceRow {
            meta: meta("", &format!("s{name}")),
            pool: any_pool(pool),
            generation,
            slice_count,
            node: (node > 0).then(|| sym(&format!("n{}", node - 1))),
            has_shared_counters: name == 5,
            devices: devices.into(),
        },
    )
}

fn any_pool(number: u8) -> PoolKey {
    let driver = if number == 2 { "accelerators.example.com" } else { "gpu.nvidia.com" };
    PoolKey { driver: sym(driver), pool: sym(&format!("pool{number}")) }
}

fn any_device() -> impl Strategy<Value = SliceDevice> {
    (0..4_u8, 0..4_u8, any::<bool>(), 0..6_u8).prop_map(|(name, kind, is_tainted, node)| SliceDevice {
        kind: [DeviceKind::Board, DeviceKind::Board, DeviceKind::Part, DeviceKind::Passthrough][usize::from(kind)],
        profile: (name > 0).then(|| sym("1g.10gb")),
        node: (node < 4).then(|| sym(&format!("n{node}"))),
        is_tainted,
        ..slice_device(&format!("gpu-{name}"))
    })
}

fn any_resource_claim() -> impl Strategy<Value = ResourceClaimRow> {
    let device = (0..3_u8, 0..5_u8, 0..3_u8).prop_map(|(pool, device, share)| ClaimedDevice {
        pool: any_pool(pool),
        device: sym(&format!("gpu-{device}")),
        share: (share > 0).then(|| sym(&format!("share-{share}"))),
    });
    let devices = proptest::collection::vec(device, 0..4);
    (0..4_u8, devices, proptest::collection::vec(0..8_u8, 0..3), 0..3_i64).prop_map(|(name, devices, pods, count)| {
        let pods: Vec<PodRow> = pods.iter().map(|pod| self::pod("ml", &format!("p{pod}"), None)).collect();
        let wanted = ClassRequest { class: sym(&format!("class{}", count % 2)), count };
        ResourceClaimRow {
            requests: if devices.is_empty() { [wanted].into() } else { Box::default() },
            devices: devices.into(),
            ..resource_claim(&format!("c{name}"), "", &[], &pods.iter().collect::<Vec<_>>())
        }
    })
}

/// What changes the devices of Dynamic Resource Allocation, and who has them.
pub(super) fn any_dra_delta() -> impl Strategy<Value = Delta> {
    use proptest::collection::vec;
    let class = (0..2_u8, any::<bool>())
        .prop_map(|(name, is_accelerator)| DeviceClassRow { meta: meta("", &format!("class{name}")), is_accelerator });
    prop_oneof![
        3 => vec(any_change(any_slice()), 1..6).prop_map(Delta::ResourceSlices),
        3 => vec(any_change(any_resource_claim()), 1..6).prop_map(Delta::ResourceClaims),
        1 => vec(any_change(class), 1..3).prop_map(Delta::DeviceClasses),
    ]
}

/// Nodes that tell the memory of their GPUs, and pods that take parts of these.
fn any_fraction_delta() -> impl Strategy<Value = Delta> {
    let node = (any_node(), 0..3_u8).prop_map(|(row, memory)| {
        let memory = (memory * 40).to_string();
        NodeRow { labels: labels(&[("nvidia.com/gpu.memory", &memory)]), ..row }
    });
    let pod = (any_pod(), any::<bool>(), 0..3_i64).prop_map(|(mut row, by_memory, devices)| {
        let part = if by_memory { GpuPart::MemoryMib(20) } else { GpuPart::Thousandths(250) };
        let fraction = Some(Box::new(GpuFraction { part, devices }));
        row.requests = Resources { fraction, ..resources(100, 1 << 20, &[]) }.into();
        row
    });
    prop_oneof![
        proptest::collection::vec(any_change(node), 1..4).prop_map(Delta::Nodes),
        proptest::collection::vec(any_change(pod), 1..6).prop_map(Delta::Pods),
    ]
}

fn any_delta() -> impl Strategy<Value = Delta> {
    use proptest::collection::vec;
    prop_oneof![
        vec(any_change(any_node()), 1..6).prop_map(Delta::Nodes),
        vec(any_change(any_claim()), 1..6).prop_map(Delta::NodeClaims),
        vec(any_change(any_pod()), 1..12).prop_map(Delta::Pods),
        vec(any_change(any_job()), 1..6).prop_map(Delta::Jobs),
        vec(any_change(any_workload()), 1..6).prop_map(Delta::Workloads),
        vec(any_change((0..3_u8).prop_map(|name| pool(&format!("pool{name}")))), 1..3).prop_map(Delta::NodePools),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn an_incrementally_updated_picture_equals_a_full_one(
        deltas in proptest::collection::vec(prop_oneof![2 => any_delta(), 2 => any_dra_delta(), 1 => any_fraction_delta()], 1..30),
    ) {
        let (mut fleet, mut picture) = (Fleet::default(), Picture::default());
        for delta in deltas {
            let changed = fleet.apply(delta);
            picture.update(&fleet, &changed);
            prop_assert_eq!(&picture, &Picture::full(&fleet));
        }
    }

    #[test]
    fn totals_equal_the_sums_over_nodes_pods_and_pools(deltas in proptest::collection::vec(any_delta(), 1..30)) {
        let mut fleet = Fleet::default();
        for delta in deltas {
            fleet.apply(delta);
        }
        let picture = Picture::full(&fleet);
        let protected = ProtectedPods::full(&fleet, NOW, &KarpenterVersion::default());
        let sum = picture.totals(&fleet, protected.count(NOW));
        let on_nodes = |pod: &&PodRow| pod.holds_resources() && pod.node.as_deref().is_some_and(|name| fleet.node(name).is_some());
        let requested: i64 = fleet.pods.iter().filter(on_nodes).map(|pod| pod.requests.gpu_total()).sum();
        prop_assert_eq!(sum.gpu.requested, requested);
        let advertised: i64 = fleet.nodes.iter().map(|node| node.capacity.gpu_total()).sum();
        prop_assert_eq!(sum.gpu.advertised, advertised);
        let without_pool = fleet.nodes.iter().filter(|node| node.node_pool().is_none()).count();
        let in_pools: u64 = picture.pools.values().map(|pool| pool.nodes).sum();
        prop_assert_eq!(sum.nodes, in_pools + u64::try_from(without_pool).unwrap());
        let protected = fleet.pods.iter().filter(|pod| pod.do_not_disrupt.is_some() && pod.is_active()).count();
        prop_assert_eq!(sum.pods_protected, u64::try_from(protected).unwrap());
    }
}

#[test]
fn a_node_claim_is_counted_as_its_node_once_the_node_exists() {
    let mut launched = claim("c1");
    launched.provider_id = Some(sym("aws:///i-1"));
    launched.conditions = met(&["Launched"]);
    let mut fleet = fleet(vec![Delta::NodeClaims(upserts(vec![launched]))]);
    let mut picture = Picture::full(&fleet);
    let seen = |fleet: &Fleet, picture: &Picture| {
        let sum = picture.totals(fleet, 0);
        (sum.nodes, sum.nodes_starting, sum.node_claims, picture.claims_without_node(fleet).count())
    };
    assert_eq!(seen(&fleet, &picture), (0, 1, 1, 1));
    let mut row = node("a");
    row.provider_id = Some(sym("aws:///i-1"));
    let changed = fleet.apply(Delta::Nodes(upserts(vec![row])));
    picture.update(&fleet, &changed);
    assert_eq!(seen(&fleet, &picture), (1, 0, 1, 0));
    assert_eq!(picture.node("a").and_then(|node| node.claim.clone()), Some(ObjectKey::cluster("c1")));
}

#[test]
fn a_reused_node_name_belongs_to_the_newer_node_claim() {
    let (mut old, mut new, mut row) = (claim("old"), claim("new"), node("ip-10-0-0-1"));
    for (claim, id, age) in [(&mut old, "i-1", 0), (&mut new, "i-2", 60)] {
        claim.provider_id = Some(sym(id));
        claim.node_name = Some(sym("ip-10-0-0-1"));
        claim.meta.created = CREATED.plus_seconds(age);
    }
    row.provider_id = Some(sym("i-2"));
    let fleet =
        fleet(vec![Delta::NodeClaims(upserts(vec![new.clone(), old.clone()])), Delta::Nodes(upserts(vec![row]))]);
    let picture = Picture::full(&fleet);
    assert_eq!(picture.node("ip-10-0-0-1").and_then(|node| node.claim.clone()), Some(new.meta.key.clone()));
    assert_eq!(picture.claim(&old).and_then(|claim| claim.node.clone()), None);
    assert_eq!(picture.claim(&new).and_then(|claim| claim.node.clone()), Some(sym("ip-10-0-0-1")));
}

#[test]
fn a_node_carries_the_requests_of_its_active_pods() {
    let mut done = pod("ml", "done", Some("a"));
    done.phase = PodPhase::Succeeded;
    let mut ending = pod("ml", "ending", Some("a"));
    ending.meta.deletion = Some(NOW);
    let pods = upserts(vec![done, ending, pod("ml", "on", Some("a")), pod("ml", "waiting", None)]);
    let fleet = fleet(vec![Delta::Nodes(upserts(vec![node("a")])), Delta::Pods(pods)]);
    let picture = Picture::full(&fleet);
    let seen = picture.node("a").unwrap();
    assert_eq!((seen.pod_count, seen.cpu_requested_millis, seen.memory_requested_bytes), (1, 1000, 2 << 30));
}

#[test]
fn protected_pods_of_a_job_are_those_whose_annotation_still_holds() {
    let row = job("ml", "train");
    let member = |name: &str, value: &str| {
        let mut pod = pod("ml", name, None);
        pod.owner = Some(owner("Job", "train", &row.meta.uid));
        pod.do_not_disrupt = Some(sym(value));
        pod.requests = resources(1, 1, &[(GPU, 4)]).into();
        pod
    };
    let pods = upserts(vec![member("a", "true"), member("b", "30m"), member("c", "1h30m"), member("d", "soon")]);
    let fleet = fleet(vec![Delta::Jobs(upserts(vec![row.clone()])), Delta::Pods(pods)]);
    assert_eq!(protected_pods_of(&fleet, &row, NOW, &KarpenterVersion::default()), 2);
    assert_eq!(Picture::full(&fleet).job(&row).map(|job| job.gpu_requested), Some(Thousandths(16_000)));
}
