//! Statistics over what was observed of pulls and machines, and what they say of a start that goes on.

use std::collections::BTreeMap;

use super::history::{FailureKind, MachineRecord, PullOutcome, PullRecord, StartHistory};
use super::{Expectations, PhaseName};
use crate::fleet::Sym;

/// How often something took how long: a count for less than a second, one for each doubling from there, and one for all that
/// took longer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Histogram([u32; Self::BINS]);

impl Histogram {
    /// The last one is of 1,024 seconds and more.
    pub const BINS: usize = 12;

    fn of(millis: impl Iterator<Item = u64>) -> Self {
        let mut counts = [0_u32; Self::BINS];
        for one in millis {
            let bits = u64::BITS - (one / MILLIS_PER_SECOND).leading_zeros();
            let bin = usize::try_from(bits).unwrap_or(Self::BINS).min(Self::BINS - 1);
            counts[bin] = counts[bin].saturating_add(1);
        }
        Self(counts)
    }

    /// The counts, those of the shortest times first.
    pub const fn counts(&self) -> &[u32; Self::BINS] {
        &self.0
    }

    /// The time in seconds with which a count begins.
    pub const fn from_seconds(bin: usize) -> u64 {
        if bin == 0 { 0 } else { 1 << (bin - 1) }
    }
}

const MILLIS_PER_SECOND: u64 = 1_000;

/// What was observed, in sums.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StartStatistics {
    /// By image, instance type and NodePool.
    pub images: Vec<ImageStatistics>,
    /// By name of the NodePool.
    pub pools: Vec<PoolStatistics>,
}

/// How an image comes to Nodes of one instance type and NodePool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImageStatistics {
    /// The image, as specs name it.
    pub image: Sym,
    /// The instance type.
    pub instance_type: Option<Sym>,
    /// The NodePool.
    pub pool: Option<Sym>,
    /// Pulls that succeeded.
    pub pulls: u64,
    /// Starts that found it on the Node.
    pub cached: u64,
    /// Pulls that failed.
    pub failed: u64,
    /// The median of how long a pull takes, in milliseconds.
    pub p50_millis: Option<u64>,
    /// What 95 of 100 do not exceed, in milliseconds.
    pub p95_millis: Option<u64>,
    /// Its size, as the newest pull told.
    pub bytes: Option<u64>,
    /// How fast it is pulled: over all pulls of which size and time are known.
    pub bytes_per_second: Option<u64>,
    /// How many pulls took how long.
    pub histogram: Histogram,
}

/// How the machines of a NodePool come to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PoolStatistics {
    /// The NodePool.
    pub pool: Sym,
    /// Machines that were observed.
    pub machines: u64,
    /// Median and 95th percentile of each step, in seconds.
    pub phases: Vec<(PhaseName, u64, u64)>,
    /// How many machines took how long from their NodeClaim to their initialization.
    pub histogram: Histogram,
    /// How many launches failed, by why.
    pub failures: BTreeMap<FailureKind, u64>,
}

/// The value that so many of a hundred do not exceed (nearest rank); `None` where there is none.
pub fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.max(1) - 1).copied()
}

impl StartHistory {
    /// The statistics over everything that was observed.
    pub fn statistics(&self) -> StartStatistics {
        StartStatistics { images: self.images(), pools: self.pools() }
    }

    fn images(&self) -> Vec<ImageStatistics> {
        let mut groups: BTreeMap<_, Vec<&PullRecord>> = BTreeMap::new();
        for record in self.pulls.values() {
            let key = (&record.image, &record.place.instance_type, &record.place.pool);
            groups.entry(key).or_default().push(record);
        }
        let statistics = |((image, instance_type, pool), records): ((&Sym, &Option<Sym>, &Option<Sym>), Vec<_>)| {
            of_image(image.clone(), instance_type.clone(), pool.clone(), &records)
        };
        groups.into_iter().map(statistics).collect()
    }

    pub(super) fn pools(&self) -> Vec<PoolStatistics> {
        let mut machines: BTreeMap<&Sym, Vec<&MachineRecord>> = BTreeMap::new();
        self.machines.values().for_each(|record| machines.entry(&record.pool).or_default().push(record));
        let mut failures: BTreeMap<&Sym, BTreeMap<FailureKind, u64>> = BTreeMap::new();
        for record in self.failures.values() {
            *failures.entry(&record.pool).or_default().entry(record.kind).or_default() += 1;
            machines.entry(&record.pool).or_default();
        }
        machines
            .into_iter()
            .map(|(pool, records)| PoolStatistics {
                pool: pool.clone(),
                machines: records.len() as u64,
                phases: phases(&records),
                histogram: Histogram::of(records.iter().map(|record| record.all_seconds() * MILLIS_PER_SECOND)),
                failures: failures.remove(pool).unwrap_or_default(),
            })
            .collect()
    }

    /// How long pulls and machines take as a rule.
    pub fn expectations(&self) -> Expectations {
        Expectations::of(self)
    }
}

impl PullRecord {
    /// How long the pull took; `None` where there was none or it failed.
    pub(super) fn millis(&self) -> Option<u64> {
        match self.outcome {
            Some(PullOutcome::Pulled { millis, .. }) => Some(millis),
            Some(PullOutcome::Cached) | None => None,
        }
    }

    fn bytes(&self) -> Option<u64> {
        match self.outcome {
            Some(PullOutcome::Pulled { bytes, .. }) => bytes,
            Some(PullOutcome::Cached) | None => None,
        }
    }
}

fn of_image(image: Sym, instance_type: Option<Sym>, pool: Option<Sym>, records: &[&PullRecord]) -> ImageStatistics {
    let mut millis: Vec<u64> = records.iter().filter_map(|record| record.millis()).collect();
    millis.sort_unstable();
    let measured = records.iter().filter_map(|record| Some((record.bytes()?, record.millis()?)));
    let (bytes, took) = measured.fold((0_u64, 0_u64), |sum, one| (sum.0.saturating_add(one.0), sum.1 + one.1));
    let newest = records.iter().filter(|record| record.bytes().is_some()).max_by_key(|record| record.at);
    let is_cached = |record: &&&PullRecord| record.outcome == Some(PullOutcome::Cached);
    ImageStatistics {
        image,
        instance_type,
        pool,
        pulls: millis.len() as u64,
        cached: records.iter().filter(is_cached).count() as u64,
        failed: records.iter().map(|record| u64::from(record.failures)).sum(),
        p50_millis: percentile(&millis, 50),
        p95_millis: percentile(&millis, 95),
        bytes: newest.and_then(|record| record.bytes()),
        bytes_per_second: bytes.saturating_mul(MILLIS_PER_SECOND).checked_div(took),
        histogram: Histogram::of(millis.iter().copied()),
    }
}

impl MachineRecord {
    /// The steps of a machine.
    pub(super) const STEPS: [PhaseName; 4] =
        [PhaseName::Launch, PhaseName::Boot, PhaseName::Register, PhaseName::Initialize];

    /// How long all steps took.
    fn all_seconds(&self) -> u64 {
        Self::STEPS.into_iter().map(|step| u64::from(self.seconds(step))).sum()
    }

    /// How long a step took; zero for one that is not of a machine.
    const fn seconds(&self, step: PhaseName) -> u32 {
        match step {
            PhaseName::Launch => self.launch_seconds,
            PhaseName::Boot => self.boot_seconds,
            PhaseName::Register => self.register_seconds,
            PhaseName::Initialize => self.initialize_seconds,
            _ => 0,
        }
    }
}

fn phases(records: &[&MachineRecord]) -> Vec<(PhaseName, u64, u64)> {
    let percentiles = MachineRecord::STEPS.into_iter().filter_map(|step| {
        let mut seconds: Vec<u64> = records.iter().map(|record| u64::from(record.seconds(step))).collect();
        seconds.sort_unstable();
        Some((step, percentile(&seconds, 50)?, percentile(&seconds, 95)?))
    });
    percentiles.collect()
}
