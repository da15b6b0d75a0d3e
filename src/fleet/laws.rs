//! The store against the simplest thing that could be right: a map, and a scan for every question.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::testing::pool_key;
use super::*;
use crate::rows;
use crate::units::Time;

/// One kind's table as a map, with what a relist has mentioned so far.
struct Model<R> {
    rows: BTreeMap<ObjectKey, R>,
    mentioned: BTreeSet<ObjectKey>,
}

impl<R> Default for Model<R> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), mentioned: BTreeSet::new() }
    }
}

impl<R: Row> Model<R> {
    fn apply(&mut self, change: Change<R>) {
        match change {
            Change::Begin => self.mentioned.clear(),
            Change::Upsert(row) => {
                self.mentioned.insert(row.meta().key.clone());
                self.rows.insert(row.meta().key.clone(), row);
            }
            Change::Remove(key) => {
                self.rows.remove(&key);
            }
            Change::Commit => self.rows.retain(|key, _| self.mentioned.contains(key)),
        }
    }

    fn keys(&self, wanted: impl Fn(&R) -> bool) -> BTreeSet<ObjectKey> {
        self.rows.values().filter(|row| wanted(row)).map(|row| row.meta().key.clone()).collect()
    }
}

fn pod() -> impl Strategy<Value = PodRow> {
    (0..6_u8, 0..4_u8, 0..3_u8, any::<bool>(), 0..3_u8).prop_map(|(name, node, job, protected, generation)| {
        let meta = rows::meta("ml", &format!("pod-{name}"), Time::from_seconds(0));
        let job_uid = Uid::parse(&format!("job-{job}"));
        PodRow {
            owner: (job > 0).then(|| rows::owning_job("train", &job_uid).into()),
            node: (node > 0).then(|| Sym::new(&format!("node-{node}"))),
            do_not_disrupt: protected.then(|| Sym::new("true")),
            ..rows::pod(Meta { uid: Uid::parse(&format!("{name}-{generation}")), ..meta })
        }
    })
}

/// Of one of two Jobs, of a JobSet with the uid of the first, or of nobody.
fn workload() -> impl Strategy<Value = WorkloadRow> {
    (0..5_u8, 0..4_u8, 0..3_i64, any::<bool>()).prop_map(|(name, owner, age, is_active)| {
        let meta = rows::meta("ml", &format!("workload-{name}"), Time::from_seconds(age));
        let row = rows::workload(meta, &job(if owner == 2 { "two" } else { "one" }));
        let owner = row.owner.clone().filter(|_| owner != 0).map(|it| match owner {
            3 => {
                let (api_version, kind) = (Sym::new("jobset.x-k8s.io/v1alpha2"), Sym::new("JobSet"));
                Arc::new(Owner { api_version, kind, ..Owner::clone(&it) })
            }
            _ => it,
        });
        WorkloadRow { owner, is_active, ..row }
    })
}

fn job(name: &str) -> JobRow {
    rows::job(rows::meta("ml", name, Time::from_seconds(0)))
}

fn change<R: Row + Clone + std::fmt::Debug>(row: impl Strategy<Value = R>) -> impl Strategy<Value = Change<R>> {
    (0..10_u8, row).prop_map(|(what, row)| match what {
        0 => Change::Begin,
        1 => Change::Commit,
        2 | 3 => Change::Remove(row.meta().key.clone()),
        _ => Change::Upsert(row),
    })
}

fn meta(namespace: &str, name: &str) -> Meta {
    rows::meta(namespace, name, Time::from_seconds(0))
}

/// Of a pool on one of three Nodes, with devices that have Nodes of their own.
fn slice() -> impl Strategy<Value = ResourceSliceRow> {
    let device = (0..3_u8).prop_map(|node| SliceDevice {
        name: Sym::new("d"),
        kind: DeviceKind::Board,
        board: None,
        profile: None,
        model: None,
        node: Some(Sym::new(&format!("n{node}"))),
        is_tainted: false,
    });
    (0..5_u8, 0..3_u8, 0..4_u8, prop::collection::vec(device, 0..3)).prop_map(|(name, pool, node, devices)| {
        ResourceSliceRow {
            meta: meta("", &format!("s{name}")),
            pool: pool_key(&format!("n{pool}")),
            generation: 1,
            slice_count: 1,
            node: (node > 0).then(|| Sym::new(&format!("n{}", node - 1))),
            has_shared_counters: false,
            devices: devices.into(),
        }
    })
}

/// With devices of several pools, for several pods or for the one that owns it.
fn resource_claim() -> impl Strategy<Value = ResourceClaimRow> {
    let some = || prop::collection::vec(0..3_u8, 0..4);
    (0..5_u8, some(), some(), any::<bool>()).prop_map(|(name, pools, pods, is_owned)| {
        let consumer = |pod: &u8| {
            let meta = meta("ml", &format!("n{pod}"));
            Consumer { name: meta.key.name, uid: meta.uid }
        };
        let device =
            |pool: &u8| ClaimedDevice { pool: pool_key(&format!("n{pool}")), device: Sym::new("d"), share: None };
        let owner = Owner { kind: Sym::new("Pod"), ..rows::owning_job("n0", &meta("ml", "n0").uid) };
        ResourceClaimRow {
            meta: meta("ml", &format!("c{name}")),
            owner: is_owned.then(|| Arc::new(owner)),
            requests: Box::default(),
            devices: pools.iter().map(device).collect(),
            reserved_for: pods.iter().map(consumer).collect(),
        }
    })
}

fn object_keys<'a, R: Row + 'a>(rows: impl Iterator<Item = &'a R>) -> BTreeSet<ObjectKey> {
    rows.map(|row| row.meta().key.clone()).collect()
}

fn keys<'a>(rows: impl Iterator<Item = &'a PodRow>) -> BTreeSet<ObjectKey> {
    rows.map(|row| row.meta.key.clone()).collect()
}

proptest! {
    #[test]
    fn tables_and_indices_equal_a_scanned_map(changes in prop::collection::vec(change(pod()), 0..60)) {
        // Before the first Begin nothing is marked, in the store as in the model.
        let (mut fleet, mut model) = (Fleet::default(), Model::default());
        for change in changes {
            model.apply(change.clone());
            fleet.apply(Delta::Pods(vec![change]));
            prop_assert_eq!(keys(fleet.pods.iter()), model.keys(|_| true));
            for node in ["node-1", "node-2", "node-3"] {
                let wanted = model.keys(|row| row.node.as_ref().is_some_and(|name| name == node));
                prop_assert_eq!(keys(fleet.pods_on(node)), wanted);
            }
            for job in [1, 2].map(|job| Uid::parse(&format!("job-{job}"))) {
                let wanted = model.keys(|row| row.owner.as_ref().is_some_and(|owner| owner.uid == job));
                prop_assert_eq!(keys(fleet.pods_of_job(&job)), wanted);
            }
            prop_assert_eq!(keys(fleet.annotated_pods()), model.keys(|row| row.do_not_disrupt.is_some()));
        }
    }

    #[test]
    fn the_workload_of_a_job_is_the_newest_that_it_owns(
        changes in prop::collection::vec(change(workload()), 0..60),
    ) {
        let (mut fleet, mut model) = (Fleet::default(), Model::default());
        for change in changes {
            let jobs = [job("one"), job("two")];
            let newest = |model: &Model<WorkloadRow>, job: &JobRow| {
                let is_owned = |row: &&WorkloadRow| {
                    row.owner.as_ref().is_some_and(|owner| owner.kind == "Job" && owner.uid == job.meta.uid)
                };
                model.rows.values().filter(is_owned).max_by_key(|row| row.meta.created).cloned()
            };
            let before = jobs.each_ref().map(|job| newest(&model, job));
            model.apply(change.clone());
            let said = fleet.apply(Delta::Workloads(vec![change]));
            for (job, before) in jobs.iter().zip(before) {
                let now = newest(&model, job);
                prop_assert_eq!(fleet.workload_of(job), now.as_ref());
                prop_assert!(before == now || said.jobs.contains(&job.meta.uid), "{said:?}");
            }
        }
    }

    #[test]
    fn claims_and_slices_are_found_by_pool_node_and_pod(
        slices in prop::collection::vec(change(slice()), 0..40),
        claims in prop::collection::vec(change(resource_claim()), 0..40),
    ) {
        let (mut fleet, mut of_slices, mut of_claims) = (Fleet::default(), Model::default(), Model::default());
        for change in slices {
            of_slices.apply(change.clone());
            fleet.apply(Delta::ResourceSlices(vec![change]));
        }
        for change in claims {
            of_claims.apply(change.clone());
            fleet.apply(Delta::ResourceClaims(vec![change]));
        }
        for name in ["n0", "n1", "n2"] {
            let of_node = |row: &ResourceSliceRow| row.nodes().any(|node| node == name);
            prop_assert_eq!(object_keys(fleet.slices_on(name)), of_slices.keys(of_node));
            let pool = pool_key(name);
            prop_assert_eq!(object_keys(fleet.slices_of_pool(&pool)), of_slices.keys(|row| row.pool == pool));
            let has = |row: &ResourceClaimRow| row.devices.iter().any(|device| device.pool == pool);
            prop_assert_eq!(object_keys(fleet.resource_claims_of_pool(&pool)), of_claims.keys(has));
            let pod = rows::pod(meta("ml", name));
            let is_for = |row: &ResourceClaimRow| row.consumers().any(|(_, uid)| *uid == pod.meta.uid);
            prop_assert_eq!(object_keys(fleet.resource_claims_of_pod(&pod)), of_claims.keys(is_for));
        }
    }

    #[test]
    fn a_relist_never_empties_the_table_before_it_commits(
        before in prop::collection::vec(pod(), 1..8),
        during in prop::collection::vec(pod(), 0..8),
    ) {
        let mut fleet = Fleet::default();
        let upserts = |rows: Vec<PodRow>| Delta::Pods(rows.into_iter().map(Change::Upsert).collect());
        fleet.apply(upserts(before));
        let there = keys(fleet.pods.iter());
        fleet.apply(Delta::Pods(vec![Change::Begin]));
        fleet.apply(upserts(during.clone()));
        prop_assert!(keys(fleet.pods.iter()).is_superset(&there));
        fleet.apply(Delta::Pods(vec![Change::Commit]));
        prop_assert_eq!(keys(fleet.pods.iter()), keys(during.iter()));
    }

    #[test]
    fn applying_a_delta_reports_every_changed_node(changes in prop::collection::vec(change(pod()), 0..40)) {
        let mut fleet = Fleet::default();
        for change in changes {
            let before: BTreeMap<ObjectKey, PodRow> =
                fleet.pods.iter().map(|row| (row.meta.key.clone(), row.clone())).collect();
            let said = fleet.apply(Delta::Pods(vec![change]));
            let touched = |key: &ObjectKey| before.get(key) != fleet.pods.get(key);
            for key in before.keys().chain(keys(fleet.pods.iter()).iter()).filter(|key| touched(key)) {
                let rows = [before.get(key), fleet.pods.get(key)];
                let nodes = rows.into_iter().flatten().filter_map(|row| row.node.as_ref());
                prop_assert!(nodes.into_iter().all(|node| said.nodes.contains(node)), "{key:?}: {said:?}");
            }
        }
    }
}
