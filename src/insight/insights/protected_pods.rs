//! How many pods are protected by their own annotation, counted without looking at all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::RandomState;

use crate::fleet::{Fleet, ObjectKey, PodRow};
use crate::insight::KarpenterVersion;
use crate::insight::disruption::ProtectionState;
use crate::insight::disruption::protection;
use crate::units::Time;

/// The protected pods.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProtectedPods {
    /// Until when each is protected; `None` for as long as the pod is as it is.
    ends: HashMap<ObjectKey, Option<Time>, RandomState>,
    /// How many protections end at each of these times.
    by_end: BTreeMap<Time, u64>,
}

impl ProtectedPods {
    /// The count computed from all pods of the Fleet.
    pub fn full(fleet: &Fleet, now: Time, karpenter: &KarpenterVersion) -> Self {
        let mut pods = Self::default();
        fleet.annotated_pods().for_each(|pod| pods.insert(pod, now, karpenter));
        pods
    }

    /// Follows the pods that came, went or changed.
    pub fn follow(&mut self, fleet: &Fleet, changed: &BTreeSet<ObjectKey>, now: Time, karpenter: &KarpenterVersion) {
        for key in changed {
            self.remove(key);
            if let Some(pod) = fleet.pods.get(key).filter(|pod| pod.do_not_disrupt.is_some()) {
                self.insert(pod, now, karpenter);
            }
        }
    }

    /// Number of pods that are protected at `now`.
    pub fn count(&self, now: Time) -> u64 {
        let ended: u64 = self.by_end.range(..=now).map(|(_, pods)| pods).sum();
        u64::try_from(self.ends.len()).unwrap_or(u64::MAX).saturating_sub(ended)
    }

    fn insert(&mut self, pod: &PodRow, now: Time, karpenter: &KarpenterVersion) {
        let found = protection::of_pod(pod, now, karpenter);
        let end = match found.state {
            ProtectionState::Permanent => None,
            ProtectionState::Until | ProtectionState::Elapsed => found.until,
            ProtectionState::None | ProtectionState::Ineffective | ProtectionState::Invalid => return,
        };
        if let Some(end) = end {
            *self.by_end.entry(end).or_default() += 1;
        }
        self.ends.insert(pod.meta.key.clone(), end);
    }

    fn remove(&mut self, key: &ObjectKey) {
        let Some(Some(end)) = self.ends.remove(key) else { return };
        if let Some(pods) = self.by_end.get_mut(&end) {
            *pods -= 1;
            if *pods == 0 {
                self.by_end.remove(&end);
            }
        }
    }
}
