//! Compares what batchtop knows with the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use batchtop::app::{App, Msg, settle_completely, update};
use batchtop::export::{GpuDetail, snapshot};
use batchtop::fleet::{Fleet, Interner, Kind, ObjectKey, PodRow, Report, Row, SourceId};
use batchtop::source::kube::decode::{self, RawChange};
use serde_json::Value;

use super::client::{SCREENS, new_app, show};
use super::clock;
use super::fault::Target;
use super::world::World;

/// The Fleet that is decoded from the truth in one go.
pub fn fleet(world: &World) -> Fleet {
    let mut fleet = Fleet::default();
    deltas(world).into_iter().for_each(|delta| {
        fleet.apply(delta);
    });
    fleet
}

fn deltas(world: &World) -> Vec<batchtop::fleet::Delta> {
    let mut interner = Interner::default();
    let of_kind = |kind: Kind| {
        let raw: Vec<RawChange<'_>> = world.objects(kind).map(|json| RawChange::Upsert(json)).collect();
        let (delta, undecodable) = decode::delta(kind, &raw, &mut interner);
        assert_eq!(undecodable, world.broken(kind) as u64, "{kind:?} that cannot be decoded");
        delta
    };
    Kind::ALL.into_iter().map(of_kind).collect()
}

macro_rules! differences {
    ($found:ident, $wanted:ident, $differences:ident: $($table:ident)+) => {
        $(rows(
            stringify!($table),
            $found.$table.iter().map(|row| &row.meta().key).chain($wanted.$table.iter().map(|row| &row.meta().key)).collect(),
            |key| ($found.$table.get(key), $wanted.$table.get(key)),
            &mut $differences,
        );)+
    };
}

/// Where two Fleets differ, object by object.
pub fn differences(found: &Fleet, wanted: &Fleet) -> Vec<String> {
    let mut differences = Vec::new();
    assert_eq!(Kind::ALL.len(), 21, "a new kind is to be compared here");
    differences!(
        found, wanted, differences:
        nodes jobs cron_jobs node_claims node_pools disruption_budgets events replica_sets namespaces node_overlays
        ec2_node_classes eks_node_classes controllers workloads resource_slices resource_claims device_classes
        pod_groups volcano_pod_groups job_sets
    );
    let (found, wanted) = (pods(found), pods(wanted));
    let keys = found.keys().chain(wanted.keys()).collect();
    rows("pods", keys, |key| (found.get(key), wanted.get(key)), &mut differences);
    differences
}

/// All pods, without what is kept of their start: of a bounded number, and not forgotten with the Events that told it.
fn pods(fleet: &Fleet) -> BTreeMap<ObjectKey, PodRow> {
    let bare = |row: &PodRow| (row.meta.key.clone(), PodRow { start: None, ..row.clone() });
    fleet.pods.iter().map(bare).collect()
}

fn rows<'a, R: PartialEq + Debug + 'a>(
    table: &str,
    keys: BTreeSet<&ObjectKey>,
    both: impl Fn(&ObjectKey) -> (Option<&'a R>, Option<&'a R>),
    differences: &mut Vec<String>,
) {
    for key in keys {
        let (found, wanted) = both(key);
        if found != wanted {
            differences.push(format!("{table} {key}: found {found:?}, wanted {wanted:?}"));
        }
    }
}

/// Where what follows from the Fleet differs from what is computed from nothing.
pub fn behind(app: &mut App, world: &World) -> Vec<String> {
    let now = clock();
    let mut fresh = new_app();
    let epoch = fresh.epoch;
    update(&mut fresh, Msg::Clock(now));
    update(app, Msg::Clock(now));
    settle_completely(app);
    let mut tell = |report| {
        update(&mut fresh, Msg::Source(epoch, report));
    };
    tell(Report::Cluster(Box::new(app.cluster.clone())));
    deltas(world).into_iter().for_each(|delta| tell(Report::Delta(delta)));
    app.sources.iter().for_each(|(source, health)| tell(Report::Health(*source, health.clone())));
    settle_completely(&mut fresh);
    let document = |app: &App| serde_json::to_value(snapshot(app, GpuDetail::Devices)).expect("a document");
    let mut behind = Vec::new();
    compare("", &document(app), &document(&fresh), &mut behind);
    for key in SCREENS {
        show(app, key);
        show(&mut fresh, key);
        if app.ui.listing.rows != fresh.ui.listing.rows {
            behind.push(format!("the rows of screen {key}"));
        }
    }
    behind
}

/// Since when a Node is held, or its accelerators do what they do, and for how long, is history, and cannot be computed from
/// nothing; nor can whether a pod was ever ready, what Events told of its start that have left, and for how long spot pools
/// were watched.
const HISTORY: [&str; 8] = [
    "heldSince",
    "classSince",
    "busyGpuSeconds",
    "heldGpuSeconds",
    "coldStarts",
    "coldStartStats",
    "waitingUsdPerHour",
    "hazard",
];

/// Where two documents differ.
fn compare(path: &str, found: &Value, wanted: &Value, differences: &mut Vec<String>) {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            let names: BTreeSet<&String> = found.keys().chain(wanted.keys()).collect();
            let null = Value::Null;
            for name in names.into_iter().filter(|name| !HISTORY.contains(&name.as_str())) {
                let both = (found.get(name).unwrap_or(&null), wanted.get(name).unwrap_or(&null));
                compare(&format!("{path}.{name}"), both.0, both.1, differences);
            }
        }
        (Value::Array(found), Value::Array(wanted)) if found.len() == wanted.len() => {
            found.iter().zip(wanted).enumerate().for_each(|(at, (found, wanted))| {
                compare(&format!("{path}[{at}]"), found, wanted, differences);
            });
        }
        _ if found == wanted => {}
        _ => differences.push(format!("{path}: found {found}, wanted {wanted}")),
    }
}

/// Where Health counts other objects than there are; of kinds in `replayed` it does not know.
pub fn miscounted(app: &App, world: &World, replayed: &BTreeSet<Target>) -> Vec<String> {
    let of_kind = |kind: Kind| {
        let health = app.sources.get(&SourceId::Kind(kind))?;
        let (objects, broken) = (world.objects(kind).count() as u64, world.broken(kind) as u64);
        let is_counted = health.objects == objects || replayed.contains(&Target::Kind(kind));
        let is_right = is_counted && health.undecodable == broken;
        (!is_right).then(|| {
            format!(
                "{kind:?}: {} objects, {} undecodable; wanted {objects}, {broken}",
                health.objects, health.undecodable
            )
        })
    };
    Kind::ALL.into_iter().filter_map(of_kind).collect()
}
