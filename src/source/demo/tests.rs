//! Invariants of a real cluster, checked over several seeds and simulated hours.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::exporter;
use super::simulation::{Change, Simulation};
use crate::fleet::{
    CapacityType, ChangedValue, Fleet, Interner, Key, Kind, NodeRow, ObjectChange, ObjectKey, PodEviction, PodPhase,
    PodRow, Report, ValueChange, WriteOutcome,
};
use crate::source::kube::decode::{RawChange, delta};
use crate::units::Time;

fn start() -> Time {
    Time::parse("2026-11-20T12:00:00Z").unwrap_or_default()
}

/// The objects of a simulation as a client of its changes holds them.
#[derive(Default)]
struct Mirror {
    objects: BTreeMap<(Kind, ObjectKey), Vec<u8>>,
}

impl Mirror {
    fn new(simulation: &Simulation) -> Self {
        let mut mirror = Self::default();
        simulation.objects().into_values().for_each(|list| mirror.apply(list));
        mirror
    }

    fn apply(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Upsert { kind, object, json } => self.objects.insert((kind, object), json),
                Change::Remove { kind, object } => self.objects.remove(&(kind, object)),
            };
        }
    }

    fn list(&self, kind: Kind) -> Vec<Value> {
        let of_kind = self.objects.iter().filter(|((of, _), _)| *of == kind);
        of_kind.map(|(_, json)| serde_json::from_slice(json).expect("JSON")).collect()
    }

    /// The objects, decoded into a Fleet.
    fn fleet(&self) -> Fleet {
        let mut fleet = Fleet::default();
        let mut interner = Interner::default();
        for kind in Kind::ALL {
            let mut raw = vec![RawChange::Begin];
            raw.extend(self.objects.iter().filter(|((of, _), _)| *of == kind).map(|(_, json)| RawChange::Upsert(json)));
            raw.push(RawChange::Commit);
            let (changes, undecodable) = delta(kind, &raw, &mut interner);
            assert_eq!(undecodable, 0, "{kind:?}");
            fleet.apply(changes);
        }
        fleet
    }
}

#[test]
fn equal_clock_readings_give_equal_objects_however_many_steps_led_there() {
    for seed in [7] {
        let mut steps = Simulation::new(seed, start());
        let mut leap = Simulation::new(seed, start());
        let (mut stepped, mut leapt) = (Mirror::new(&steps), Mirror::new(&leap));
        let mut at = start();
        for (number, seconds) in [1, 1, 2, 59, 7, 300, 13, 1, 600, 90, 3, 1500].into_iter().enumerate() {
            at = at.plus_seconds(seconds);
            for second in 0..seconds {
                if (second + i64::try_from(number).unwrap_or(0)) % 3 == 0 {
                    stepped.apply(steps.advance(at.plus_seconds(second - seconds).plus_micros(400)));
                }
            }
            stepped.apply(steps.advance(at));
            leapt.apply(leap.advance(at));
            for (key, json) in &stepped.objects {
                let other = leapt.objects.get(key).map(|json| String::from_utf8_lossy(json));
                assert_eq!(other.as_deref(), Some(&*String::from_utf8_lossy(json)), "seed {seed} at {at}: {key:?}");
            }
            assert_eq!(stepped.objects.len(), leapt.objects.len());
            assert_eq!(leapt.objects, Mirror::new(&leap).objects, "all changes are reported");
        }
    }
}

#[test]
fn different_seeds_or_start_times_make_different_clusters() {
    let names = |seed, start| -> BTreeSet<String> {
        let lists = Simulation::new(seed, start).objects();
        lists[&Kind::Node].iter().map(|change| format!("{change:?}")).collect()
    };
    let first = names(1, start());
    assert_ne!(first, names(2, start()));
    assert_ne!(first, names(1, start().plus_seconds(60)));
}

#[test]
fn cluster_invariants_hold_over_simulated_hours() {
    for seed in [2, 42] {
        let mut simulation = Simulation::new(seed, start());
        let mut mirror = Mirror::new(&simulation);
        check(&mirror, seed, start());
        for step in 1..=24 {
            let at = start().plus_seconds(step * 397);
            mirror.apply(simulation.advance(at));
            check(&mirror, seed, at);
        }
    }
}

#[test]
fn the_cluster_does_not_grow_over_a_simulated_day() {
    let mut simulation = Simulation::new(5, start());
    let mut mirror = Mirror::new(&simulation);
    for hour in [1, 2, 5, 9, 14, 19, 24] {
        let at = start().plus_seconds(hour * 3600 + hour * 7);
        mirror.apply(simulation.advance(at));
        check(&mirror, 5, at);
        let count = |kind| mirror.list(kind).len();
        assert!((16..48).contains(&count(Kind::Node)), "{} nodes after {hour} h", count(Kind::Node));
        assert!((150..560).contains(&count(Kind::Pod)), "{} pods after {hour} h", count(Kind::Pod));
        assert!((8..45).contains(&count(Kind::Job)), "{} jobs after {hour} h", count(Kind::Job));
        assert!(count(Kind::Event) < 4000, "{} events after {hour} h", count(Kind::Event));
        assert!(simulation.world().agenda.len() < 2000);
    }
}

/// Everything that must be true of a cluster at any whole second.
fn check(mirror: &Mirror, seed: u64, at: Time) {
    let place = format!("seed {seed} at {at}");
    let fleet = mirror.fleet();
    assert_eq!(fleet.pods.iter().count(), mirror.objects.keys().filter(|(kind, _)| *kind == Kind::Pod).count());
    for pod in fleet.pods.iter() {
        check_pod(&fleet, pod, &place);
    }
    for node in fleet.nodes.iter() {
        check_node(&fleet, node, &place);
    }
    check_jobs(mirror, &fleet, &place);
    check_claims(mirror, &fleet, &place);
    check_disruption_budgets(&fleet, &place);
    check_times(mirror, at, &place);
}

fn check_pod(fleet: &Fleet, pod: &PodRow, place: &str) {
    let name = &pod.meta.key;
    if let Some(node) = &pod.node {
        let bound = fleet.nodes.get(&ObjectKey::cluster(node));
        assert!(
            bound.is_some_and(|node| node.meta.created <= pod.started.unwrap_or(node.meta.created)),
            "{place}: {name} on {node}"
        );
    }
    assert!(pod.node.is_some() || pod.phase == PodPhase::Pending, "{place}: {name} runs nowhere");
    assert!(pod.meta.deletion.is_none() || pod.node.is_some(), "{place}: {name} deleted but never bound stays");
    if let Some(owner) = pod.owner.as_ref().filter(|owner| owner.kind == "Job") {
        let job = fleet.jobs.get(&ObjectKey::new(&name.namespace, &owner.name));
        assert!(job.is_some_and(|job| job.meta.uid == owner.uid), "{place}: {name} of a Job that is not");
    }
    if let Some(owner) = pod.owner.as_ref().filter(|owner| owner.kind == "ReplicaSet") {
        assert!(fleet.replica_sets.get(&ObjectKey::new(&name.namespace, &owner.name)).is_some(), "{place}: {name}");
    }
}

fn check_node(fleet: &Fleet, node: &NodeRow, place: &str) {
    let name = &node.meta.key.name;
    let mut left = node.allocatable.clone();
    let mut pods = 0;
    for pod in holding(fleet, name) {
        left.cpu_millis -= pod.requests.cpu_millis;
        left.memory_bytes -= pod.requests.memory_bytes;
        pods += 1;
    }
    assert!(left.cpu_millis >= 0 && left.memory_bytes >= 0, "{place}: {name} overcommitted {left:?}");
    for gpu in &node.allocatable.gpus {
        let requested: i64 = holding(fleet, name).map(|pod| pod.requests.gpu(&gpu.resource)).sum();
        assert!(requested <= gpu.count, "{place}: {name} {} overcommitted", gpu.resource);
    }
    assert!(pods <= node.allocatable.pods, "{place}: {name} has {pods} pods");
    let Some(pool) = node.node_pool() else {
        assert_eq!(node.labels.get("eks.amazonaws.com/nodegroup").map(|group| &**group), Some("system"));
        return;
    };
    let owner = node.owner.as_ref().expect("a NodeClaim owns it");
    let claim = fleet.node_claims.get(&ObjectKey::cluster(&owner.name));
    let claim = claim.unwrap_or_else(|| panic!("{place}: {name} without NodeClaim"));
    assert_eq!((claim.meta.uid.clone(), claim.node_pool()), (owner.uid.clone(), Some(pool)), "{place}: {name}");
    assert_eq!(claim.provider_id, node.provider_id, "{place}: {name}");
    assert_eq!(claim.instance_type(), node.instance_type(), "{place}: {name}");
    assert_eq!(claim.capacity_type(), node.capacity_type(), "{place}: {name}");
    assert_eq!(node.is_initialized(), claim.true_since("Initialized").is_some(), "{place}: {name}");
    assert_eq!(node.meta.deletion.is_some(), claim.meta.deletion.is_some(), "{place}: {name}");
    assert!(node.meta.deletion.is_none() || node.has_disrupted_taint(), "{place}: {name} is deleted without taint");
    check_device_labels(node, place);
    if pool == "gpu-reserved" {
        assert_eq!(node.capacity_type(), Some(CapacityType::Reserved));
    }
}

fn holding<'a>(fleet: &'a Fleet, node: &str) -> impl Iterator<Item = &'a PodRow> {
    fleet.pods.iter().filter(move |pod| pod.node.as_deref() == Some(node) && pod.holds_resources())
}

/// A Node offers its boards times their replicas, or the instances that its labels count.
fn check_device_labels(node: &NodeRow, place: &str) {
    let name = &node.meta.key.name;
    let label = |key: &str| node.labels.get(key).map_or(0, |value| value.parse().unwrap_or(-1));
    let units = label("nvidia.com/gpu.count") * label("nvidia.com/gpu.replicas");
    assert_eq!(units, node.allocatable.gpu("nvidia.com/gpu"), "{place}: {name} GPU labels");
    for gpu in node.allocatable.gpus.iter().filter(|gpu| gpu.resource.contains("/mig-")) {
        assert_eq!(label(&format!("{}.count", gpu.resource)), gpu.count, "{place}: {name} MIG labels");
    }
}

fn check_jobs(mirror: &Mirror, fleet: &Fleet, place: &str) {
    for job in mirror.list(Kind::Job) {
        let name = job["metadata"]["name"].as_str().unwrap_or_default();
        let uid = job["metadata"]["uid"].as_str().unwrap_or_default();
        let pods: Vec<&PodRow> = fleet
            .pods
            .iter()
            .filter(|pod| pod.owner.as_ref().is_some_and(|owner| owner.uid.to_string() == uid))
            .collect();
        let status = |field: &str| job["status"][field].as_i64().unwrap_or(0);
        let active = pods.iter().filter(|pod| pod.is_active()).count();
        let terminating = pods.iter().filter(|pod| pod.meta.deletion.is_some() && !pod.phase.is_finished()).count();
        assert_eq!(status("active"), i64::try_from(active).unwrap_or(-1), "{place}: {name} active");
        assert_eq!(status("terminating"), i64::try_from(terminating).unwrap_or(-1), "{place}: {name} terminating");
        let ready = pods.iter().filter(|pod| pod.is_active() && pod.containers_ready > 0).count();
        assert_eq!(status("ready"), i64::try_from(ready).unwrap_or(-1), "{place}: {name} ready");
        assert!(status("active") <= job["spec"]["parallelism"].as_i64().unwrap_or(1), "{place}: {name}");
        // Finished pods may be gone with their node, never the other way round.
        let succeeded = pods.iter().filter(|pod| pod.phase == PodPhase::Succeeded).count();
        assert!(status("succeeded") >= i64::try_from(succeeded).unwrap_or(-1), "{place}: {name} succeeded");
        assert!(status("succeeded") <= job["spec"]["completions"].as_i64().unwrap_or(1), "{place}: {name}");
        let suspended = job["spec"]["suspend"] == Value::Bool(true);
        assert_eq!(suspended, job["status"]["startTime"].is_null(), "{place}: {name}");
    }
}

/// Conditions become true in order, and a NodeClaim's facts appear with them.
fn check_claims(mirror: &Mirror, fleet: &Fleet, place: &str) {
    for claim in fleet.node_claims.iter() {
        let name = &claim.meta.key.name;
        let steps: Vec<Option<Time>> =
            ["Launched", "Registered", "Initialized", "Ready"].map(|kind| claim.true_since(kind)).to_vec();
        assert!(
            steps.windows(2).all(|pair| pair[1].is_none() || pair[0] <= pair[1] && pair[0].is_some()),
            "{place}: {name} {steps:?}"
        );
        assert!(steps[0].is_none_or(|launched| launched > claim.meta.created), "{place}: {name}");
        assert_eq!(claim.provider_id.is_some(), steps[0].is_some(), "{place}: {name}");
        let node = claim.node_name.as_ref().map(|node| fleet.nodes.get(&ObjectKey::cluster(node)).is_some());
        assert!(node != Some(false), "{place}: {name} names a Node that is not");
        assert!(steps[1].is_none() || node == Some(true), "{place}: {name} registered without Node");
        for late in ["Drained", "VolumesDetached", "InstanceTerminating"] {
            assert!(claim.true_since(late).is_none() || claim.meta.deletion.is_some(), "{place}: {name} {late}");
        }
    }
    for object in mirror.list(Kind::NodeClaim).iter().chain(&mirror.list(Kind::Node)) {
        let deleting = object["metadata"]["deletionTimestamp"].is_string();
        assert!(!deleting || object["metadata"]["finalizers"].is_array(), "{place}: {object}");
    }
}

fn check_disruption_budgets(fleet: &Fleet, place: &str) {
    for pdb in fleet.disruption_budgets.iter() {
        let name = &pdb.meta.key;
        assert_eq!(pdb.disruptions_allowed, (pdb.current_healthy - pdb.desired_healthy).max(0), "{place}: {name}");
        assert!(pdb.current_healthy <= pdb.expected_pods, "{place}: {name}");
    }
}

/// Nothing but a grace period lies in the future; Events live at most an hour, and in the right namespace.
fn check_times(mirror: &Mirror, at: Time, place: &str) {
    for ((kind, key), json) in &mirror.objects {
        let object: Value = serde_json::from_slice(json).expect("JSON");
        let created = object["metadata"]["creationTimestamp"].as_str().and_then(Time::parse).expect("a time");
        assert!(created <= at, "{place}: {key} is from the future");
        assert_eq!(object["kind"], kind.name(), "{place}: {key}");
        if *kind == Kind::Event {
            let last = object["lastTimestamp"].as_str().or(object["eventTime"].as_str()).and_then(Time::parse);
            assert!(last.is_some_and(|last| at.seconds_since(last) <= 3660), "{place}: {key} is stale");
            let home = object["involvedObject"]["namespace"].as_str().unwrap_or("default");
            assert_eq!(home, &*key.namespace, "{place}: {key}");
        }
        let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let kinds: BTreeSet<&str> = conditions.iter().filter_map(|condition| condition["type"].as_str()).collect();
        assert_eq!(kinds.len(), conditions.len(), "{place}: {key} repeats a condition");
        for condition in &conditions {
            let changed = condition["lastTransitionTime"].as_str().and_then(Time::parse).expect("a time");
            assert!(changed <= at && changed >= created, "{place}: {key} {condition}");
        }
    }
}

#[test]
fn the_initial_demo_cluster_contains_every_staged_event_and_object() {
    for seed in [1, 3, 42] {
        let mirror = Mirror::new(&Simulation::new(seed, start()));
        let fleet = mirror.fleet();
        let count = |kind| mirror.list(kind).len();
        assert!((28..40).contains(&count(Kind::Node)), "seed {seed}: {} nodes", count(Kind::Node));
        assert!((250..420).contains(&count(Kind::Pod)), "seed {seed}: {} pods", count(Kind::Pod));
        let events: BTreeSet<(String, String)> = mirror
            .list(Kind::Event)
            .iter()
            .map(|event| (event["involvedObject"]["kind"].to_string(), event["reason"].to_string()))
            .collect();
        let heard = |kind: &str, reason: &str| {
            assert!(events.contains(&(format!("\"{kind}\""), format!("\"{reason}\""))), "seed {seed}: {kind} {reason}");
        };
        for kind in ["Node", "NodeClaim"] {
            for reason in [
                "DisruptionBlocked",
                "Unconsolidatable",
                "SpotInterrupted",
                "TerminatingOnInterruption",
                "DisruptionTerminating",
            ] {
                heard(kind, reason);
            }
        }
        heard("NodePool", "DisruptionBlocked");
        heard("NodeClaim", "InsufficientCapacityError");
        heard("Pod", "InvalidDoNotDisruptAnnotation");
        heard("Pod", "DoNotDisruptUntil");
        heard("Pod", "DoNotDisruptGracePeriodElapsed");
        heard("Pod", "Evicted");
        heard("Pod", "Nominated");
        heard("Pod", "FailedScheduling");
        heard("Job", "BackoffLimitExceeded");
        let late = mirror.list(Kind::NodeClaim).iter().any(|claim| claim.to_string().contains("ResourceNotRegistered"));
        assert!(late, "seed {seed}: a device plugin that is late");
        assert!(fleet.nodes.iter().any(NodeRow::has_disrupted_taint), "seed {seed}: a node that leaves");
        let pulls = fleet.pods.iter().filter(|pod| pod.meta.key.name.starts_with("diffusion-ft") && pod.node.is_some());
        assert_eq!(pulls.filter(|pod| pod.phase == PodPhase::Pending).count(), 2, "seed {seed}: a slow pull");
        assert!(fleet.jobs.iter().any(|job| job.suspended));
    }
}

#[test]
fn gpus_that_are_split_or_shared_or_have_no_exporter_are_in_the_demo() {
    let simulation = Simulation::new(1, start());
    let mut fleet = Mirror::new(&simulation).fleet();
    for report in exporter::reports(&simulation) {
        if let Report::Delta(delta) = report {
            fleet.apply(delta);
        }
    }
    let node = |pool: &str| {
        let mut of_pool = fleet.nodes.iter().filter(|node| node.node_pool().is_some_and(|name| &**name == pool));
        of_pool.next().unwrap_or_else(|| panic!("a Node of {pool}"))
    };
    let told = |pool: &str| fleet.gpus.of_node(&node(pool).meta.key.name).exporter.map(|told| told.devices.clone());
    let requesting = |pool: &str| {
        let name = &node(pool).meta.key.name;
        fleet.pods_on(name).filter(|pod| !pod.requests.gpus.is_empty()).count()
    };
    let instances: Vec<(String, usize)> = told("gpu-mig")
        .expect("an exporter")
        .iter()
        .map(|device| (device.mig.as_ref().map_or("", |mig| &mig.profile).to_owned(), device.holders.len()))
        .collect();
    let expected = [("3g.40gb", 0), ("2g.20gb", 1), ("1g.10gb", 1), ("1g.10gb", 1)];
    assert_eq!(instances, expected.map(|(profile, holders)| (profile.to_owned(), holders)));
    assert_eq!(requesting("gpu-mig"), 3);
    let shared = told("notebooks").expect("an exporter");
    assert_eq!(shared.iter().map(|device| device.holders.len()).collect::<Vec<_>>(), [1], "it names one of the pods");
    assert_eq!(requesting("notebooks"), 3);
    assert_eq!((told("ocr"), requesting("ocr")), (None, 1));
}

#[test]
fn spot_nodes_of_one_pool_that_stand_in_one_zone_are_in_the_demo() {
    for seed in [1, 7] {
        let fleet = Mirror::new(&Simulation::new(seed, start())).fleet();
        let of_pool = fleet.nodes.iter().filter(|node| node.node_pool().is_some_and(|name| &**name == "render"));
        let nodes: Vec<&NodeRow> = of_pool.collect();
        let places: BTreeSet<_> = nodes.iter().map(|node| (node.instance_type(), node.zone())).collect();
        assert_eq!((nodes.len(), places.len()), (4, 1), "seed {seed}");
        let asks = |node: &&NodeRow| fleet.pods_on(&node.meta.key.name).any(|pod| pod.termination_grace_seconds > 120);
        assert!(nodes.iter().all(asks), "seed {seed}: each has a pod that needs longer than a notice leaves");
    }
}

fn change(object: &Value, kind: Kind, from: Option<&str>, to: Option<&str>) -> ValueChange {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
    ValueChange {
        key: Key::new(kind, ObjectKey::new(text("namespace"), text("name"))),
        value: ChangedValue::DoNotDisrupt,
        uid: crate::fleet::Uid::parse(text("uid")),
        resource_version: text("resourceVersion").to_owned(),
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
    }
}

fn annotate(simulation: &mut Simulation, change: &ValueChange) -> WriteOutcome {
    simulation.write(&ObjectChange::Value(change.clone()))
}

#[test]
fn a_user_annotation_is_followed_by_a_karpenter_event() {
    let mut simulation = Simulation::new(1, start());
    let mirror = Mirror::new(&simulation);
    let pods = mirror.list(Kind::Pod);
    let pod = pods
        .iter()
        .find(|pod| pod["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("vector-db")))
        .expect("a pod");
    let protect = change(pod, Kind::Pod, None, Some("true"));
    assert_eq!(annotate(&mut simulation, &protect), WriteOutcome::Done);
    assert_eq!(annotate(&mut simulation, &protect), WriteOutcome::ChangedBySomebody { now: Some("true".to_owned()) });
    let fresh = simulation.object(&protect.key).expect("it exists");
    assert_eq!(fresh["metadata"]["annotations"]["karpenter.sh/do-not-disrupt"], "true");
    assert_ne!(fresh["metadata"]["resourceVersion"], pod["metadata"]["resourceVersion"]);
    let messages: String = simulation
        .advance(start().plus_seconds(130))
        .into_iter()
        .filter_map(|change| match change {
            Change::Upsert { kind: Kind::Event, json, .. } => String::from_utf8(json).ok(),
            _ => None,
        })
        .collect();
    assert!(messages.contains(&format!("annotation (Pod={})", protect.key.object)), "Karpenter names it");
    let other = ValueChange { uid: crate::fleet::Uid::parse("x"), ..protect.clone() };
    assert_eq!(annotate(&mut simulation, &other), WriteOutcome::Recreated);
    let nobody = ValueChange { key: Key::new(Kind::Pod, ObjectKey::new("ml", "nobody")), ..protect };
    assert_eq!(annotate(&mut simulation, &nobody), WriteOutcome::Gone);
}

fn eviction(pod: &Value) -> PodEviction {
    let ValueChange { key, uid, .. } = change(pod, Kind::Pod, None, None);
    PodEviction { key, uid }
}

fn evict(simulation: &mut Simulation, eviction: &PodEviction) -> WriteOutcome {
    simulation.write(&ObjectChange::Eviction(eviction.clone()))
}

/// The pods whose names begin like this.
fn pods_named(mirror: &Mirror, prefix: &str) -> Vec<Value> {
    let is_named = |pod: &Value| pod["metadata"]["name"].as_str().is_some_and(|name| name.starts_with(prefix));
    mirror.list(Kind::Pod).into_iter().filter(is_named).collect()
}

#[test]
fn evicted_pods_come_back_elsewhere_and_karpenter_takes_the_empty_node() {
    let mut simulation = Simulation::new(7, start());
    let mut mirror = Mirror::new(&simulation);
    let pods = pods_named(&mirror, "vector-db");
    let node = pods[0]["spec"]["nodeName"].clone();
    assert!(pods.len() > 1 && pods.iter().all(|pod| pod["spec"]["nodeName"] == node), "they strand one node");
    for pod in &pods {
        assert_eq!(evict(&mut simulation, &eviction(pod)), WriteOutcome::Done);
    }
    let key = eviction(&pods[0]).key;
    let going = simulation.object(&key).expect("it stops first");
    assert!(going["metadata"]["deletionTimestamp"].is_string());
    mirror.apply(simulation.advance(start().plus_seconds(120)));
    assert_eq!(evict(&mut simulation, &eviction(&pods[0])), WriteOutcome::Gone);
    let others = pods_named(&mirror, "vector-db");
    assert_eq!(others.len(), pods.len());
    assert!(others.iter().all(|pod| pod["spec"]["nodeName"] != node), "{node}");
    mirror.apply(simulation.advance(start().plus_seconds(1_200)));
    assert!(mirror.list(Kind::Node).iter().all(|one| one["metadata"]["name"] != node), "Karpenter took it");
}

#[test]
fn a_budget_of_the_demo_refuses_an_eviction_in_the_words_of_the_api_server() {
    let mut simulation = Simulation::new(7, start());
    let mirror = Mirror::new(&simulation);
    let pod = pods_named(&mirror, "ingress-nginx-controller").remove(0);
    let message = "Cannot evict pod as it would violate the pod's disruption budget. \
                   The disruption budget ingress-nginx needs 3 healthy pods and has 3 currently";
    let refused = WriteOutcome::Refused { code: 429, message: message.to_owned() };
    assert_eq!(evict(&mut simulation, &eviction(&pod)), refused);
    let other = PodEviction { uid: crate::fleet::Uid::parse("x"), ..eviction(&pod) };
    assert_eq!(evict(&mut simulation, &other), WriteOutcome::Recreated);
}
