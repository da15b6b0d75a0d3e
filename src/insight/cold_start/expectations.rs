//! What of a start that goes on is still to come, as pulls and machines took before.

use std::collections::BTreeMap;

use super::history::{MachineRecord, StartHistory};
use super::{CauseReason, ColdStart, ImageStart, PhaseName, percentile};
use crate::fleet::Sym;
use crate::units::Time;

const MILLIS_PER_SECOND: u64 = 1_000;

/// How long pulls and machines take as a rule: the medians of a history, found once for all starts that go on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Expectations {
    /// Milliseconds of a pull, by image, instance type and zone.
    by_zone: BTreeMap<(Sym, Option<Sym>, Option<Sym>), u64>,
    /// The same in all zones.
    by_type: BTreeMap<(Sym, Option<Sym>), u64>,
    /// Seconds of each step of a machine, by NodePool.
    machines: BTreeMap<Sym, Vec<(PhaseName, u64)>>,
}

impl Expectations {
    /// Of what was observed.
    pub(super) fn of(history: &StartHistory) -> Self {
        let (mut by_zone, mut by_type) = (BTreeMap::new(), BTreeMap::new());
        for record in history.pulls.values() {
            let Some(millis) = record.millis() else { continue };
            let (image, kind, zone) = (&record.image, &record.place.instance_type, &record.place.zone);
            by_zone.entry((image.clone(), kind.clone(), zone.clone())).or_insert_with(Vec::new).push(millis);
            by_type.entry((image.clone(), kind.clone())).or_insert_with(Vec::new).push(millis);
        }
        let medians = |(pool, phases): (Sym, Vec<(PhaseName, u64, u64)>)| {
            (pool, phases.into_iter().map(|(name, median, _)| (name, median)).collect())
        };
        let pools = history.pools().into_iter().map(|pool| (pool.pool, pool.phases));
        Self { by_zone: medians_of(by_zone), by_type: medians_of(by_type), machines: pools.map(medians).collect() }
    }

    /// How many seconds a start still takes until its images are there, as those before took that had the same images on the
    /// same instance type, as a rule in the same zone; `None` where none of them is known, or no machine is in sight.
    pub fn eta_seconds(&self, start: &ColdStart, now: Time) -> Option<i64> {
        let open = start.open_phase()?;
        // Nobody knows how long it takes to mend that.
        if start.cause.as_ref().is_some_and(|cause| is_for_somebody(cause.reason)) {
            return None;
        }
        let pulls = || self.pulls_seconds(start, now);
        match open.name {
            PhaseName::Schedule if start.node.is_none() && start.claim.is_none() => None,
            PhaseName::Schedule | PhaseName::Sandbox | PhaseName::Pull => pulls(),
            name if MachineRecord::STEPS.contains(&name) => {
                let machine = self.machines.get(start.pool.as_ref()?)?;
                let step = |name| machine.iter().find(|(known, _)| *known == name).map(|(_, median)| *median);
                let later = MachineRecord::STEPS.into_iter().filter(|step| *step > name).map(step);
                let later: i64 = later.sum::<Option<u64>>()?.try_into().ok()?;
                let left = (i64::try_from(step(name)?).ok()? - open.seconds(now)).max(0);
                Some(left + later + pulls().unwrap_or(0))
            }
            _ => None,
        }
    }

    /// The longest of the images that are not there yet: the kubelet pulls several at a time.
    fn pulls_seconds(&self, start: &ColdStart, now: Time) -> Option<i64> {
        let is_missing = |image: &&ImageStart| image.is_cached != Some(true) && image.pull_millis.is_none();
        let left = |image: &ImageStart| {
            let median = self.median_millis(start, &image.image)?.div_ceil(MILLIS_PER_SECOND);
            let since = image.pulling_since.map_or(0, |since| now.seconds_since(since).max(0));
            Some((i64::try_from(median).ok()? - since).max(0))
        };
        start.images.iter().filter(is_missing).map(left).collect::<Option<Vec<i64>>>()?.into_iter().max()
    }

    /// Of the pulls of an image the nearest to this start: of its zone, else of its instance type.
    fn median_millis(&self, start: &ColdStart, image: &Sym) -> Option<u64> {
        let kind = start.instance_type.clone();
        let in_zone = self.by_zone.get(&(image.clone(), kind.clone(), start.zone.clone()));
        in_zone.or_else(|| self.by_type.get(&(image.clone(), kind))).copied()
    }
}

/// Whether somebody has to do something before a start goes on.
const fn is_for_somebody(reason: CauseReason) -> bool {
    matches!(reason, CauseReason::ImagePullFailed | CauseReason::Volume | CauseReason::Network)
}

fn medians_of<K: Ord>(groups: BTreeMap<K, Vec<u64>>) -> BTreeMap<K, u64> {
    let median = |(key, mut values): (K, Vec<u64>)| {
        values.sort_unstable();
        Some((key, percentile(&values, 50)?))
    };
    groups.into_iter().filter_map(median).collect()
}
