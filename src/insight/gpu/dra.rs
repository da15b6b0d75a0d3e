//! Devices of Dynamic Resource Allocation: what a Node has of them, and what its pods have been given.

use std::collections::{BTreeMap, BTreeSet};

use super::partition::{Boards, Thousandths};
use super::shared;
use crate::fleet::{
    ClaimedDevice, DEVICE_CLASS_RESOURCE, DeviceKind, Fleet, PodRow, PoolKey, ResourceClaimRow, ResourceSliceRow,
    SliceDevice, Sym, is_accelerator_driver,
};

/// The accelerators that drivers of Dynamic Resource Allocation advertise on a Node.
#[derive(Clone, Debug)]
pub struct DraDevices {
    /// Of each driver, by its name.
    pub(super) drivers: Vec<DriverDevices>,
    /// The boards of the devices; `None` where a device does not say which is its.
    pub(super) boards: Option<i64>,
    /// The model, where a device tells it.
    pub(super) model: Option<Sym>,
    /// Whether any of the devices is tainted.
    pub(super) is_any_tainted: bool,
}

/// The devices of one driver.
#[derive(Clone, Debug)]
pub(super) struct DriverDevices {
    pub(super) driver: Sym,
    /// Devices of pools that are complete; of a pool whose devices overlap its boards.
    pub(super) advertised: i64,
    /// Those of them that no taint keeps pods off.
    pub(super) allocatable: i64,
    /// Devices that have been allocated, shares of one each by itself.
    pub(super) requested: i64,
    /// The same in boards; `None` where nothing tells what a device is of a board.
    pub(super) physical_requested: Option<Boards>,
}

impl DraDevices {
    /// Of a Node, by its name; `None` where no driver has accelerators there.
    pub fn of(fleet: &Fleet, node: &str) -> Option<Self> {
        if fleet.resource_slices.is_empty() && fleet.resource_claims.is_empty() {
            return None;
        }
        let keys: BTreeSet<&PoolKey> = fleet.slices_on(node).map(|slice| &slice.pool).collect();
        let pools: Vec<Pool<'_>> = keys.into_iter().map(|key| Pool::of(fleet, key, node)).collect();
        let claimed = claimed_on(fleet, node, &pools);
        let mut drivers: BTreeMap<&Sym, DriverDevices> = BTreeMap::new();
        for pool in pools.iter().filter(|pool| !pool.devices.is_empty()) {
            let (advertised, allocatable) = pool.counts();
            let driver = entry(&mut drivers, &pool.key.driver);
            driver.advertised += advertised;
            driver.allocatable += allocatable;
        }
        for (name, devices) in &claimed {
            let driver = entry(&mut drivers, name);
            driver.requested = devices.count();
            driver.physical_requested = devices.boards(fleet);
        }
        let advertised = || pools.iter().filter(|pool| pool.is_complete).flat_map(|pool| &pool.devices);
        (!drivers.is_empty()).then(|| Self {
            boards: boards(&pools),
            model: advertised().filter_map(|device| device.model.as_ref()).min().cloned(),
            is_any_tainted: advertised().any(|device| device.is_tainted),
            drivers: drivers.into_values().collect(),
        })
    }
}

fn entry<'m, 'a>(drivers: &'m mut BTreeMap<&'a Sym, DriverDevices>, name: &'a Sym) -> &'m mut DriverDevices {
    drivers.entry(name).or_insert_with(|| DriverDevices {
        driver: name.clone(),
        advertised: 0,
        allocatable: 0,
        requested: 0,
        physical_requested: Some(Boards::NONE),
    })
}

/// What one pool has on a Node.
struct Pool<'a> {
    key: &'a PoolKey,
    /// Whether all slices of the newest generation are there; until then nothing is allocated from it.
    is_complete: bool,
    /// Whether its devices overlap: what is allocated of one makes others impossible.
    overlaps: bool,
    /// The devices of the newest generation on this Node, those for virtual machines left out.
    devices: Vec<&'a SliceDevice>,
}

impl<'a> Pool<'a> {
    fn of(fleet: &'a Fleet, key: &'a PoolKey, node: &str) -> Self {
        let newest = fleet.slices_of_pool(key).map(|slice| slice.generation).max();
        let slices: Vec<&ResourceSliceRow> =
            fleet.slices_of_pool(key).filter(|slice| Some(slice.generation) == newest).collect();
        let on_node = |slice: &'a ResourceSliceRow| {
            let devices = slice.devices.iter().filter(|device| device.kind != DeviceKind::Passthrough);
            devices.filter(move |device| slice.node_of(device).is_some_and(|name| name == node))
        };
        Self {
            key,
            is_complete: slices.first().is_some_and(|slice| usize::try_from(slice.slice_count) == Ok(slices.len())),
            overlaps: slices.iter().any(|slice| slice.has_shared_counters),
            devices: slices.iter().copied().flat_map(on_node).collect(),
        }
    }

    /// How many devices it advertises, and how many of them can be allocated.
    fn counts(&self) -> (i64, i64) {
        if !self.is_complete {
            return (0, 0);
        }
        let usable = || self.devices.iter().copied().filter(|device| !device.is_tainted);
        if self.overlaps {
            let all: BTreeSet<&Sym> = self.devices.iter().copied().map(board).collect();
            return (count(all.len()), count(usable().map(board).collect::<BTreeSet<&Sym>>().len()));
        }
        (count(self.devices.len()), count(usable().count()))
    }
}

fn count(devices: usize) -> i64 {
    i64::try_from(devices).unwrap_or(i64::MAX)
}

/// What tells the board of a device from others; the device itself where nothing does.
fn board(device: &SliceDevice) -> &Sym {
    device.board.as_ref().unwrap_or(&device.name)
}

/// The boards of everything that is advertised; `None` where nothing is, or where a part does not say which is its board.
fn boards(pools: &[Pool<'_>]) -> Option<i64> {
    let complete = || pools.iter().filter(|pool| pool.is_complete && !pool.devices.is_empty());
    let devices = || complete().flat_map(|pool| pool.devices.iter().map(|device| (&pool.key.driver, *device)));
    let is_lost = |device: &SliceDevice| device.kind == DeviceKind::Part && device.board.is_none();
    if devices().next().is_none() || devices().any(|(_, device)| is_lost(device)) {
        return None;
    }
    let all: BTreeSet<(&Sym, &Sym)> = devices().map(|(driver, device)| (driver, board(device))).collect();
    Some(count(all.len()))
}

/// The devices of one driver that claims have on a Node.
#[derive(Default)]
struct Claimed<'a>(BTreeSet<&'a ClaimedDevice>);

impl Claimed<'_> {
    fn count(&self) -> i64 {
        count(self.0.len())
    }

    /// In boards; several shares of a device are one.
    fn boards(&self, fleet: &Fleet) -> Option<Boards> {
        let devices: BTreeSet<(&PoolKey, &Sym)> = self.0.iter().map(|one| (&one.pool, &one.device)).collect();
        devices.into_iter().try_fold(Boards::NONE, |sum, (pool, name)| {
            let one = match listed(fleet, pool, name) {
                Some(device) if device.kind == DeviceKind::Part => {
                    Boards::of_instance(device.profile.as_deref()?, device.model.as_deref())?
                }
                _ => Boards::ONE,
            };
            Some(sum.plus(one))
        })
    }
}

/// A device as the newest slices of its pool list it.
fn listed<'a>(fleet: &'a Fleet, pool: &PoolKey, name: &Sym) -> Option<&'a SliceDevice> {
    let slices = fleet.slices_of_pool(pool);
    let found =
        slices.filter_map(|slice| Some((slice.generation, slice.devices.iter().find(|device| device.name == *name)?)));
    found.max_by_key(|(generation, _)| *generation).map(|(_, device)| device)
}

/// Whether a claimed device is an accelerator: of some drivers all are, of others those that say so.
fn is_accelerator(fleet: &Fleet, claimed: &ClaimedDevice) -> bool {
    is_accelerator_driver(&claimed.pool.driver) || listed(fleet, &claimed.pool, &claimed.device).is_some()
}

/// The accelerators on a Node that claims have, by driver.
fn claimed_on<'a>(fleet: &'a Fleet, node: &str, pools: &[Pool<'a>]) -> BTreeMap<&'a Sym, Claimed<'a>> {
    let of_pools = pools.iter().flat_map(|pool| fleet.resource_claims_of_pool(pool.key));
    let of_pods = fleet.pods_on(node).flat_map(|pod| fleet.resource_claims_of_pod(pod));
    let mut claimed: BTreeMap<&Sym, Claimed<'_>> = BTreeMap::new();
    for claim in of_pools.chain(of_pods) {
        let is_here = |one: &&ClaimedDevice| fleet.node_of_device(claim, one).is_some_and(|name| name == node);
        for one in claim.devices.iter().filter(is_here).filter(|one| is_accelerator(fleet, one)) {
            claimed.entry(&one.pool.driver).or_default().0.insert(one);
        }
    }
    claimed
}

/// The accelerators that have been allocated to the claims of a pod. What several pods claim together is divided between them,
/// to a thousandth.
fn claimed_by(fleet: &Fleet, pod: &PodRow) -> Thousandths {
    share_of_claims(fleet, pod, |claim| {
        let has: BTreeSet<&ClaimedDevice> = claim.devices.iter().filter(|one| is_accelerator(fleet, one)).collect();
        count(has.len())
    })
}

/// The accelerators that claims of a pod wait for.
fn wanted_by(fleet: &Fleet, pod: &PodRow) -> Thousandths {
    let is_wanted = |class: &str| fleet.device_class(class).is_some_and(|class| class.is_accelerator);
    share_of_claims(fleet, pod, |claim| {
        let wanted = claim.requests.iter().filter(|request| is_wanted(&request.class));
        wanted.fold(0, |sum, request| sum.saturating_add(request.count.max(0)))
    })
}

fn share_of_claims(fleet: &Fleet, pod: &PodRow, devices: impl Fn(&ResourceClaimRow) -> i64) -> Thousandths {
    let share = |claim: &ResourceClaimRow| {
        let whole = Thousandths::units(devices(claim)).0;
        let consumers = count(claim.consumers().count()).max(1);
        let place = claim.consumers().position(|(_, uid)| *uid == pod.meta.uid).map_or(consumers, count);
        // What cannot be divided goes to the first.
        Thousandths(whole / consumers + i64::from(place < whole % consumers))
    };
    fleet.resource_claims_of_pod(pod).fold(Thousandths(0), |sum, claim| sum.plus(share(claim)))
}

/// The accelerators that a pod requests: units of extended resources, devices that its claims have or wait for, and parts of
/// devices that KAI's scheduler shares; nothing for a pod that reserves a device for those who share it.
pub fn requested_by(fleet: &Fleet, pod: &PodRow) -> Thousandths {
    held_by(fleet, pod, |resource| is_of_accelerators(fleet, resource)).plus(wanted_by(fleet, pod))
}

/// Whether a pod asks for devices of which it has whole units: extended resources, or what has been allocated to its claims.
pub fn is_asking(fleet: &Fleet, pod: &PodRow) -> bool {
    pod.requests.gpu_total() > 0 || claimed_by(fleet, pod).0 > 0
}

/// What a pod requests without what its claims wait for, and of extended resources only those that count.
pub fn held_by(fleet: &Fleet, pod: &PodRow, is_counted: impl Fn(&str) -> bool) -> Thousandths {
    if shared::is_reservation(pod) {
        return Thousandths(0);
    }
    let units = pod.requests.gpus.iter().filter(|one| is_counted(&one.resource));
    let units = units.fold(0_i64, |sum, one| sum.saturating_add(one.count));
    Thousandths::units(units).plus(claimed_by(fleet, pod)).plus(shared::part_of(fleet, pod))
}

/// Whether a resource that a pod requests stands for accelerators: one that stands for a DeviceClass does not where the class
/// is known for others.
fn is_of_accelerators(fleet: &Fleet, resource: &str) -> bool {
    let class = resource.strip_prefix(DEVICE_CLASS_RESOURCE).and_then(|class| fleet.device_class(class));
    class.is_none_or(|class| class.is_accelerator)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{ClassRequest, Delta, DeviceClassRow, GpuFraction, GpuPart, Meta, NodeRow, Resources, Uid};
    use crate::insight::gpu::{DevicePlugin, NodeGpu, NodeHardware, Sharing, Vendor};
    use crate::insight::testing::{
        fleet, labels, meta, node, owner, pod, pool_key, resource_claim, resources, slice, slice_device, sym, upserts,
    };

    fn boards(count: usize) -> Vec<SliceDevice> {
        (0..count).map(|number| slice_device(&format!("gpu-{number}"))).collect()
    }

    /// A part of the board of `gpu-0`.
    fn part(name: &str, profile: &str) -> SliceDevice {
        let (board, profile) = (Some(sym("GPU-gpu-0")), Some(sym(profile)));
        SliceDevice { kind: DeviceKind::Part, board, profile, ..slice_device(name) }
    }

    fn world(slices: Vec<ResourceSliceRow>, claims: Vec<ResourceClaimRow>) -> Fleet {
        fleet(vec![
            Delta::ResourceSlices(upserts(slices)),
            Delta::ResourceClaims(upserts(claims)),
            Delta::Pods(upserts(vec![pod("ml", "p", Some("a")), pod("ml", "q", Some("b"))])),
        ])
    }

    fn gpu(fleet: &Fleet, with: &[(&str, &str)], units: &[(&str, i64)], requested: &[(&str, i64)]) -> NodeGpu {
        let capacity = resources(0, 0, units);
        let node = NodeRow { allocatable: capacity.clone(), capacity, labels: labels(with), ..node("a") };
        let requested = resources(0, 0, requested);
        let dra = DraDevices::of(fleet, "a");
        let known =
            NodeHardware { node: &node, requested: &requested, promised: None, accelerator: None, dra: dra.as_ref() };
        NodeGpu::of(known).expect("accelerators")
    }

    /// Advertised, allocatable, requested, devices requested in thousandths, physical.
    type Counts = (i64, i64, i64, Option<i64>, Option<i64>);

    fn counts(slices: Vec<ResourceSliceRow>, claims: Vec<ResourceClaimRow>) -> Counts {
        let found = gpu(&world(slices, claims), &[], &[], &[]);
        let requested = found.physical_requested.map(|devices| devices.0);
        (found.advertised, found.allocatable, found.requested, requested, found.physical)
    }

    fn claim(name: &str, devices: &[&str]) -> ResourceClaimRow {
        resource_claim(name, "a", devices, &[&pod("ml", "p", None)])
    }

    fn shared(name: &str, device: &str, share: &str) -> ResourceClaimRow {
        let mut row = claim(name, &[device]);
        row.devices.iter_mut().for_each(|one| one.share = Some(sym(share)));
        row
    }

    #[test]
    fn devices_of_a_node_are_those_of_the_newest_complete_generation() {
        let of = |name: &str, generation: i64, slice_count: i64, devices: usize| ResourceSliceRow {
            meta: meta("", name),
            generation,
            slice_count,
            ..slice("a", boards(devices))
        };
        for (slices, want, why) in [
            (vec![of("x", 1, 1, 8)], (8, Some(8)), "one slice"),
            (vec![of("x", 1, 1, 8), of("y", 2, 1, 4)], (4, Some(4)), "an older generation is outdated"),
            (vec![of("x", 1, 1, 8), of("y", 2, 2, 4)], (0, None), "the newest is not complete"),
            (vec![of("x", 2, 1, 8), of("y", 2, 1, 4)], (0, None), "there are more slices than there should be"),
        ] {
            let (advertised, _, _, _, physical) = counts(slices, Vec::new());
            assert_eq!((advertised, physical), want, "{why}");
        }
        let mut other = of("y", 1, 2, 0);
        other.devices = [slice_device("gpu-8"), slice_device("gpu-9")].into();
        assert_eq!(counts(vec![of("x", 1, 2, 8), other], Vec::new()).0, 10, "two slices of one pool");
    }

    #[test]
    fn devices_of_overlapping_pools_are_counted_in_boards() {
        let whole = slice_device("gpu-0");
        let parts = ["0", "1", "2"].map(|at| part(&format!("gpu-0-mig-1g10gb-19-{at}"), "1g.10gb"));
        let devices: Vec<SliceDevice> = [vec![whole], parts.to_vec(), boards(2)[1..].to_vec()].concat();
        let overlapping = ResourceSliceRow { has_shared_counters: true, ..slice("a", devices.clone()) };
        let one = claim("one", &["gpu-0-mig-1g10gb-19-0"]);
        assert_eq!(counts(vec![overlapping], vec![one]), (2, 2, 1, Some(143), Some(2)));
        let counters = ResourceSliceRow {
            meta: meta("", "counters"),
            slice_count: 2,
            has_shared_counters: true,
            ..slice("a", Vec::new())
        };
        let separate = ResourceSliceRow { slice_count: 2, ..slice("a", devices.clone()) };
        let seven = claim("all", &["gpu-0", "gpu-1"]);
        assert_eq!(counts(vec![counters, separate], vec![seven]), (2, 2, 2, Some(2_000), Some(2)), "as since 1.35");
        assert_eq!(counts(vec![slice("a", devices)], Vec::new()), (5, 5, 0, Some(0), Some(2)), "none overlaps");
    }

    #[test]
    fn claimed_devices_are_counted_in_boards_by_what_they_are() {
        let a30 = SliceDevice { model: Some(sym("NVIDIA A30")), ..part("a30", "1g.6gb") };
        let odd = SliceDevice { profile: None, ..part("odd", "") };
        let names = ["m0", "m1", "m2", "m3", "m4", "m5", "m6"];
        let split = names.map(|name| part(name, "1g.10gb"));
        let devices = [boards(2), split.to_vec(), vec![part("large", "3g.40gb"), a30, odd]].concat();
        let of = |claims: Vec<ResourceClaimRow>| {
            let (_, _, requested, physical, _) = counts(vec![slice("a", devices.clone())], claims);
            (requested, physical)
        };
        for (claims, want, why) in [
            (vec![claim("c", &["gpu-0", "gpu-1"])], (2, Some(2_000)), "whole boards"),
            (vec![claim("c", &["m0", "large"])], (2, Some(571)), "four of seven slices"),
            (vec![claim("c", &names)], (7, Some(1_000)), "seven slices are a board"),
            (vec![claim("c", &["a30", "gpu-0"])], (2, Some(1_250)), "an A30 has four slices"),
            (vec![claim("c", &["odd"])], (1, None), "a part of unknown size"),
            (vec![claim("c", &["gpu-0"]), claim("d", &["gpu-0"])], (1, Some(1_000)), "a device counts once"),
            (vec![shared("c", "gpu-0", "1"), shared("d", "gpu-0", "2")], (2, Some(1_000)), "shares of one device"),
            (vec![claim("c", &["gone"])], (1, Some(1_000)), "a device that is no longer listed"),
            (vec![claim("c", &[])], (0, Some(0)), "for administration only"),
        ] {
            assert_eq!(of(claims), want, "{why}");
        }
    }

    #[test]
    fn a_tainted_device_is_advertised_and_cannot_be_allocated() {
        let mut devices = boards(8);
        devices[3].is_tainted = true;
        let world = world(vec![slice("a", devices)], Vec::new());
        let found = gpu(&world, &[], &[], &[]);
        assert_eq!((found.advertised, found.allocatable, found.device_plugin), (8, 7, DevicePlugin::Unhealthy));
        let split = [part("m0", "1g.10gb"), SliceDevice { is_tainted: true, ..part("m1", "1g.10gb") }];
        let overlapping = ResourceSliceRow { has_shared_counters: true, ..slice("a", split.to_vec()) };
        let found = gpu(&self::world(vec![overlapping], Vec::new()), &[], &[], &[]);
        assert_eq!((found.advertised, found.allocatable, found.device_plugin), (1, 1, DevicePlugin::Unhealthy));
    }

    #[test]
    fn a_claim_counts_on_the_node_of_its_devices_else_on_that_of_its_pod() {
        let requested = |slices: Vec<ResourceSliceRow>, claim: ResourceClaimRow| {
            let world = world(slices, vec![claim]);
            ["a", "b"].map(|node| {
                DraDevices::of(&world, node).map_or(0, |found| found.drivers.iter().map(|one| one.requested).sum())
            })
        };
        let (p, q) = (pod("ml", "p", None), pod("ml", "q", None));
        let on_b = |pods: &[&PodRow]| resource_claim("c", "b", &["gpu-0"], pods);
        assert_eq!(requested(vec![slice("b", boards(1))], on_b(&[&p])), [0, 1], "the Node of the slice");
        assert_eq!(requested(vec![slice("b", Vec::new())], on_b(&[])), [0, 1], "that of its pool, reserved or not");
        assert_eq!(requested(Vec::new(), on_b(&[&p])), [1, 0], "that of its pod");
        assert_eq!(requested(Vec::new(), on_b(&[])), [0, 0]);
        let mut attached = slice("b", boards(1));
        attached.node = None;
        assert_eq!(requested(vec![attached.clone()], on_b(&[&q, &p])), [0, 1], "of several pods the first");
        attached.devices[0].node = Some(sym("a"));
        assert_eq!(requested(vec![attached], on_b(&[&q])), [1, 0], "a device with a Node of its own");
        let other = PodRow { meta: Meta { uid: Uid::parse("u"), ..p.meta.clone() }, ..p };
        assert_eq!(requested(Vec::new(), on_b(&[&other])), [0, 0], "another pod of the same name");
    }

    #[test]
    fn other_drivers_count_by_what_their_devices_say_they_are() {
        let of = |driver: &str, devices: Vec<SliceDevice>| {
            let pool = PoolKey { driver: sym(driver), ..pool_key("a") };
            let mut claim = claim("c", &["gpu-0"]);
            claim.devices[0].pool = pool.clone();
            let slice = ResourceSliceRow { pool, ..slice("a", devices) };
            DraDevices::of(&world(vec![slice], vec![claim]), "a")
                .map(|found| found.drivers.iter().map(|one| (one.advertised, one.requested)).collect::<Vec<_>>())
        };
        assert_eq!(of("dra.net", Vec::new()), None, "its devices are not kept");
        assert_eq!(of("accelerators.example.com", boards(2)), Some(vec![(2, 1)]));
        assert_eq!(of("gpu.amd.com", boards(2)), Some(vec![(2, 1)]));
        assert_eq!(of("gpu.nvidia.com", Vec::new()), Some(vec![(0, 1)]));
        let passthrough = SliceDevice { kind: DeviceKind::Passthrough, ..slice_device("gpu-vfio-0") };
        assert_eq!(of("gpu.nvidia.com", vec![boards(1)[0].clone(), passthrough]), Some(vec![(1, 1)]));
    }

    #[test]
    fn a_driver_gives_the_node_its_name_its_vendor_and_its_way_of_sharing() {
        let model = |mut devices: Vec<SliceDevice>| {
            devices[0].model = Some(sym("NVIDIA H100 80GB HBM3"));
            devices
        };
        let world = world(vec![slice("a", model(boards(4)))], vec![claim("c", &["gpu-0"])]);
        let found = gpu(&world, &[("nvidia.com/gpu.replicas", "4")], &[], &[]);
        assert_eq!((&*found.resource, found.vendor, found.sharing), ("gpu.nvidia.com", Vendor::Nvidia, Sharing::Dra));
        assert_eq!((found.model.as_deref(), found.physical), (Some("NVIDIA H100 80GB HBM3"), Some(4)));
        let labelled = gpu(&world, &[("karpenter.k8s.aws/instance-gpu-count", "8")], &[], &[]);
        assert_eq!(labelled.physical, Some(8), "the cloud knows better");
        let units = |units, requested| {
            let found = gpu(&world, &[], units, requested);
            (found.advertised, found.requested, found.resources.len(), found.resource.to_string())
        };
        let driver = "gpu.nvidia.com".to_owned();
        assert_eq!(units(&[("nvidia.com/gpu", 4)], &[]), (4, 1, 1, driver.clone()), "the same devices");
        assert_eq!(units(&[("nvidia.com/gpu", 9)], &[("nvidia.com/gpu", 2)]), (13, 3, 2, driver.clone()), "in use");
        assert_eq!(units(&[("amd.com/gpu", 9)], &[]), (13, 1, 2, driver), "of another vendor");
    }

    fn shares(claims: Vec<ResourceClaimRow>) -> Vec<i64> {
        let pods: Vec<PodRow> = ["p", "q", "r"].iter().map(|name| pod("ml", name, Some("a"))).collect();
        let class = |name: &str, is_accelerator| DeviceClassRow { meta: meta("", name), is_accelerator };
        let world = fleet(vec![
            Delta::ResourceSlices(upserts(vec![slice("a", boards(8))])),
            Delta::ResourceClaims(upserts(claims)),
            Delta::DeviceClasses(upserts(vec![class("gpus", true), class("nics", false)])),
            Delta::Pods(upserts(pods.clone())),
        ]);
        pods.iter().map(|pod| requested_by(&world, pod).0).collect()
    }

    #[test]
    fn a_pod_requests_its_share_of_what_it_claims() {
        let pods = ["p", "q", "r"].map(|name| pod("ml", name, Some("a")));
        let [p, q, r] = &pods;
        let wants = |class: &str, count: i64, owner_name: &str| ResourceClaimRow {
            owner: Some(owner("Pod", owner_name, &pod("ml", owner_name, None).meta.uid)),
            requests: [ClassRequest { class: sym(class), count }].into(),
            ..resource_claim("w", "a", &[], &[])
        };
        for (claims, want, why) in [
            (vec![resource_claim("c", "a", &["gpu-0", "gpu-1"], &[p])], [2_000, 0, 0], "of its own"),
            (vec![resource_claim("c", "a", &["gpu-0"], &[p, q])], [500, 500, 0], "together with another"),
            (vec![resource_claim("c", "a", &["gpu-0"], &[p, q, r])], [334, 333, 333], "together with two"),
            (vec![wants("gpus", 4, "p")], [4_000, 0, 0], "not allocated yet"),
            (vec![wants("nics", 4, "p"), wants("other", 4, "p")], [0, 0, 0], "no accelerators"),
        ] {
            assert_eq!(shares(claims), want, "{why}");
        }
    }

    #[test]
    fn a_resource_that_stands_for_a_class_counts_unless_the_class_is_known_for_others() {
        let row = DeviceClassRow { meta: meta("", "nics"), is_accelerator: false };
        let world = fleet(vec![Delta::DeviceClasses(upserts(vec![row]))]);
        let of = |class: &str| {
            let resource = format!("{DEVICE_CLASS_RESOURCE}{class}");
            let requests = resources(100, 1, &[(&resource, 2)]);
            requested_by(&world, &PodRow { requests: requests.into(), ..pod("ml", "p", None) }).0
        };
        assert_eq!([of("nics"), of("gpus")], [0, 2_000]);
    }

    #[test]
    fn a_pod_with_a_part_of_a_device_requests_that_part_and_a_reservation_nothing() {
        let of = |part: GpuPart, devices: i64, node_labels: &[(&str, &str)]| {
            let node = NodeRow { labels: labels(node_labels), ..node("a") };
            let world = fleet(vec![Delta::Nodes(upserts(vec![node]))]);
            let fraction = Some(Box::new(GpuFraction { part, devices }));
            let requests = Resources { fraction, ..Resources::default() };
            requested_by(&world, &PodRow { requests: requests.into(), ..pod("ml", "p", Some("a")) }).0
        };
        let memory = [("nvidia.com/gpu.memory", "81559")];
        for (part, devices, with, want) in [
            (GpuPart::Thousandths(500), 1, &[][..], 500),
            (GpuPart::Thousandths(250), 2, &[], 500),
            (GpuPart::Thousandths(5_000), 1, &[], 1_000),
            (GpuPart::MemoryMib(20_000), 1, &memory, 245),
            (GpuPart::MemoryMib(20_000), 1, &[], 0),
        ] {
            assert_eq!(of(part, devices, with), want, "{part:?} of {devices}");
        }
        let reserves = |namespace: &str, name: &str, with: &[(&str, &str)]| {
            let requests = resources(100, 1, &[("nvidia.com/gpu", 1)]);
            let row = PodRow { requests: requests.into(), labels: labels(with), ..pod(namespace, name, Some("a")) };
            requested_by(&Fleet::default(), &row).0 == 0
        };
        assert!(reserves("kai-resource-reservation", "gpu-reservation-node1-x7k2p", &[]));
        assert!(reserves("runai-reservation", "gpu-reservation-node1-x7k2p", &[("runai-gpu-group", "g")]));
        assert!(
            !reserves("ml", "gpu-reservation-node1-x7k2p", &[]) && !reserves("ml", "p", &[("runai-gpu-group", "g")])
        );
    }
}
