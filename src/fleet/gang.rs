//! Gangs: pods that run together or not at all, as a scheduler's group or their owner declares them.

use super::table::rows;
use super::{Fleet, Meta, ObjectKey, PodRow, Sym};

/// Who declares a gang.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum GangSystem {
    /// A PodGroup of the plugin coscheduling of scheduler-plugins.
    Coscheduling,
    /// A PodGroup of Volcano.
    Volcano,
    /// A JobSet, whose pods all belong together.
    JobSet,
}

/// The identity of a gang.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GangKey {
    /// Who declares it.
    pub system: GangSystem,
    /// Namespace and name of the object that declares it.
    pub object: ObjectKey,
}

/// An object that declares a gang: a PodGroup of either API, or a JobSet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GangRow {
    /// Key, uid and times, from `metadata`.
    pub meta: Meta,
    /// How many members have to run: `spec.minMember`; of a JobSet all pods that it declares.
    pub min_member: i64,
}

rows!(GangRow);

/// The label of a member of a PodGroup (scheduler-plugins apis/scheduling/v1alpha1/types.go).
const COSCHEDULING_GROUP: &str = "scheduling.x-k8s.io/pod-group";

/// The label of every pod of a JobSet (jobset api/jobset/v1alpha2/jobset_types.go).
const JOB_SET: &str = "jobset.sigs.k8s.io/jobset-name";

impl PodRow {
    /// The gang of which it is a member. The group of a scheduler comes before the owner: of pods with both it is the
    /// scheduler that decides.
    pub fn gang(&self) -> Option<GangKey> {
        let of = |system, name: &str| GangKey {
            system,
            object: ObjectKey { namespace: self.meta.key.namespace.clone(), name: Sym::new(name) },
        };
        let label = |key: &str| self.labels.get(key).filter(|name| !name.is_empty());
        if let Some(name) = label(COSCHEDULING_GROUP) {
            return Some(of(GangSystem::Coscheduling, name));
        }
        let of_volcano = self.volcano_group().map(|name| of(GangSystem::Volcano, name));
        of_volcano.or_else(|| label(JOB_SET).map(|name| of(GangSystem::JobSet, name)))
    }
}

impl Fleet {
    /// How many members a gang needs; `None` where the object that declares it is not known.
    pub fn min_member(&self, gang: &GangKey) -> Option<i64> {
        let table = match gang.system {
            GangSystem::Coscheduling => &self.pod_groups,
            GangSystem::Volcano => &self.volcano_pod_groups,
            GangSystem::JobSet => &self.job_sets,
        };
        table.get(&gang.object).map(|row| row.min_member)
    }
}
