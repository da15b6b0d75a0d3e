//! Shares: how a Node's rate is divided between its pods.

use crate::fleet::{Resources, Uid};
use crate::units::money;

/// A pod that shares in the rate of its Node.
#[derive(Clone, Copy, Debug)]
pub struct Claimant<'a> {
    /// Its uid, which decides between equals.
    pub uid: &'a Uid,
    /// Effective requests of the pod.
    pub requests: &'a Resources,
    /// How many of the accelerators by which the Node is shared it requests, in thousandths of one.
    pub gpu_thousandths: i64,
}

/// The Node that is shared.
#[derive(Clone, Copy, Debug)]
pub struct Whole<'a> {
    /// Micro-dollars per hour.
    pub micro_usd_per_hour: i64,
    /// `status.allocatable` of the Node.
    pub allocatable: &'a Resources,
    /// The accelerators that it advertises, in thousandths of one.
    pub gpu_thousandths: i64,
}

/// The parts of a rate; together they are the rate exactly.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Shares {
    /// What each pod pays, in the order in which they were given, in micro-dollars per hour.
    pub pods: Vec<i64>,
    /// Micro-dollars per hour that no pod requests.
    pub unrequested: i64,
}

/// Shares a rate between pods: by accelerators where any of them requests some (the others then pay nothing), else by the
/// larger of the parts of CPU and memory that each requests. Pods that request more than there is share it all.
///
/// Parts are rounded to the micro-dollar by largest remainder; ties go by uid.
pub fn shares(whole: Whole<'_>, pods: &[Claimant<'_>]) -> Shares {
    let (weights, all) = weights(&whole, pods);
    let requested: i128 = weights.iter().sum();
    let mut order: Vec<usize> = (0..pods.len()).collect();
    order.sort_unstable_by_key(|at| pods[*at].uid);
    let mut sorted: Vec<i128> = order.iter().map(|at| weights[*at]).collect();
    // The rest is one more claimant, the last.
    sorted.push(if requested == 0 { 1 } else { (all - requested).max(0) });
    let mut parts = money::split(whole.micro_usd_per_hour, &sorted);
    let unrequested = parts.pop().unwrap_or_default();
    let mut shares = Shares { pods: vec![0; pods.len()], unrequested };
    for (at, part) in order.into_iter().zip(parts) {
        shares.pods[at] = part;
    }
    shares
}

/// The weight of each pod, and that of everything that can be requested.
fn weights(whole: &Whole<'_>, pods: &[Claimant<'_>]) -> (Vec<i128>, i128) {
    if pods.iter().any(|pod| pod.gpu_thousandths > 0) {
        let weights = pods.iter().map(|pod| i128::from(pod.gpu_thousandths.max(0))).collect();
        return (weights, i128::from(whole.gpu_thousandths.max(0)));
    }
    let there = Amounts::of(whole.allocatable);
    let weights = pods.iter().map(|pod| Amounts::of(pod.requests).larger_part_of(there)).collect();
    (weights, there.cpu.max(1) * there.memory.max(1))
}

/// CPU in thousandths and memory in bytes, within bounds in which products with a rate stay exact.
#[derive(Clone, Copy)]
struct Amounts {
    cpu: i128,
    memory: i128,
}

/// No machine has more: 131,072 cores, and 256 TiB of memory.
const MOST_CPU_MILLIS: i64 = 1 << 27;
const MOST_MEMORY_BYTES: i64 = 1 << 48;

impl Amounts {
    fn of(resources: &Resources) -> Self {
        Self {
            cpu: i128::from(resources.cpu_millis.clamp(0, MOST_CPU_MILLIS)),
            memory: i128::from(resources.memory_bytes.clamp(0, MOST_MEMORY_BYTES)),
        }
    }

    /// The larger of the two parts of `there`, times both of its amounts, so that it stays a whole number. What is not
    /// there at all has no parts.
    fn larger_part_of(self, there: Self) -> i128 {
        let cpu = if there.cpu > 0 { self.cpu * there.memory.max(1) } else { 0 };
        let memory = if there.memory > 0 { self.memory * there.cpu.max(1) } else { 0 };
        cpu.max(memory)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::insight::testing::resources;

    /// Shares 1 $/h of a node with 4 cores, 16 GiB and so many accelerators.
    fn shared(gpus: i64, pods: &[(&str, i64, i64, i64)]) -> (Vec<i64>, i64) {
        let uids: Vec<Uid> = pods.iter().map(|pod| Uid::parse(pod.0)).collect();
        let requests: Vec<Resources> = pods.iter().map(|pod| resources(pod.1, pod.2 << 30, &[])).collect();
        let claimants: Vec<Claimant<'_>> = (0..pods.len())
            .map(|at| Claimant { uid: &uids[at], requests: &requests[at], gpu_thousandths: pods[at].3 })
            .collect();
        let allocatable = resources(4000, 16 << 30, &[]);
        let found = shares(
            Whole { micro_usd_per_hour: 1_000_000, allocatable: &allocatable, gpu_thousandths: gpus },
            &claimants,
        );
        (found.pods, found.unrequested)
    }

    #[test]
    fn a_pod_pays_by_the_larger_of_its_cpu_and_memory_shares() {
        assert_eq!(shared(0, &[("a", 1000, 2, 0), ("b", 500, 8, 0)]), (vec![250_000, 500_000], 250_000));
        assert_eq!(shared(0, &[]), (vec![], 1_000_000));
        assert_eq!(shared(0, &[("a", 0, 0, 0)]), (vec![0], 1_000_000));
    }

    #[test]
    fn pods_without_accelerators_pay_nothing_beside_pods_with_accelerators() {
        assert_eq!(shared(8, &[("a", 100, 1, 6), ("b", 3900, 15, 0)]), (vec![750_000, 0], 250_000));
        assert_eq!(shared(0, &[("a", 100, 1, 1), ("b", 100, 1, 3)]), (vec![250_000, 750_000], 0), "plugin gone");
        assert_eq!(shared(8, &[("a", 2000, 1, 0)]), (vec![500_000], 500_000), "none requested");
    }

    #[test]
    fn overcommitted_pods_share_the_whole_rate_and_remainders_go_by_uid() {
        assert_eq!(shared(0, &[("b", 4000, 1, 0), ("a", 4000, 1, 0)]), (vec![500_000, 500_000], 0));
        assert_eq!(
            shared(0, &[("c", 4000, 1, 0), ("a", 4000, 1, 0), ("b", 4000, 1, 0)]),
            (vec![333_333, 333_334, 333_333], 0)
        );
    }

    proptest! {
        #[test]
        fn shares_and_the_unrequested_part_add_up_to_the_rate(
            rate in 0..200_000_000_i64,
            there in (0..i64::MAX, 0..i64::MAX, 0..16_i64),
            pods in prop::collection::vec((any::<u32>(), any::<i64>(), any::<i64>(), -1..9_i64), 0..30),
        ) {
            let uids: Vec<Uid> = pods.iter().map(|pod| Uid::parse(&pod.0.to_string())).collect();
            let requests: Vec<Resources> = pods.iter().map(|pod| resources(pod.1, pod.2, &[])).collect();
            let claimants: Vec<Claimant<'_>> = (0..pods.len())
                .map(|at| Claimant { uid: &uids[at], requests: &requests[at], gpu_thousandths: pods[at].3 })
                .collect();
            let allocatable = resources(there.0, there.1, &[]);
            let found = shares(Whole { micro_usd_per_hour: rate, allocatable: &allocatable, gpu_thousandths: there.2 }, &claimants);
            prop_assert_eq!(found.pods.iter().sum::<i64>() + found.unrequested, rate);
            prop_assert!(found.pods.iter().all(|part| (0..=rate).contains(part)) && found.unrequested >= 0);
        }
    }
}
