//! Objects as real clusters write them, and what becomes of them.

use super::*;
use crate::fleet::{
    ContainerRole, ControllerRow, CronJobRow, DeviceClassRow, DeviceKind, DisruptedPods, DisruptionBudgetRow,
    EventClass, EventRow, EventType, Fleet, GangRow, Gates, GpuFraction, GpuPart, ImageSetup, JobRow, NamespaceRow,
    NodeClaimRow, NodeClassRow, NodeOverlayRow, NodePoolRow, NodeRow, PodPhase, PodRow, ReplicaSetRow,
    ResourceClaimRow, ResourceSliceRow, Status, Sym, Uid, WorkloadRow,
};
use crate::units::{Lifetime, Second, Time};

macro_rules! decoders {
    ($($name:ident: $projection:ty => $row:ty;)+) => {
        $(fn $name(json: &[u8], interner: &mut Interner) -> Result<$row, DecodeError> {
            in_both_encodings::<$projection>(json, interner)
        })+
    };
}

/// The row of an object, which is the same where it comes in protobuf.
fn in_both_encodings<P: Project>(json: &[u8], interner: &mut Interner) -> Result<P::Row, DecodeError>
where
    P::Row: PartialEq + std::fmt::Debug,
{
    let row = object::<P>(json, interner)?;
    if let Some(message) = protobuf::message(P::KIND) {
        assert_eq!(protobuf::tests::row_by_way_of_protobuf::<P>(message, json), row);
    }
    Ok(row)
}

decoders! {
    node: kinds::Nodes => NodeRow;
    pod: kinds::Pods => PodRow;
    job: kinds::Jobs => JobRow;
    cron_job: kinds::CronJobs => CronJobRow;
    node_claim: kinds::NodeClaims => NodeClaimRow;
    node_pool: kinds::NodePools => NodePoolRow;
    disruption_budget: kinds::DisruptionBudgets => DisruptionBudgetRow;
    event: kinds::Events => EventRow;
    replica_set: kinds::ReplicaSets => ReplicaSetRow;
    namespace: kinds::Namespaces => NamespaceRow;
    node_overlay: kinds::NodeOverlays => NodeOverlayRow;
    node_class: kinds::Ec2NodeClasses => NodeClassRow;
    controller: kinds::Controllers => ControllerRow;
    workload: kinds::Workloads => WorkloadRow;
    pod_group: kinds::PodGroups => GangRow;
    volcano_pod_group: kinds::VolcanoPodGroups => GangRow;
    job_set: kinds::JobSets => GangRow;
    resource_slice: kinds::ResourceSlices => ResourceSliceRow;
    resource_claim: kinds::ResourceClaims => ResourceClaimRow;
    device_class: kinds::DeviceClasses => DeviceClassRow;
}

/// Metadata around which the tests put what they are about.
fn meta(more: &str) -> String {
    format!(
        r#""metadata":{{"name":"x","namespace":"ml","uid":"0a1b2c3d-0000-4fff-8123-00000000000f","resourceVersion":"7",
        "creationTimestamp":"2026-11-21T10:00:00Z","managedFields":[{{"manager":"k","fieldsV1":{{"f:a":{{}}}}}}]{more}}}"#
    )
}

fn read_pod(more_meta: &str, spec: &str, status: &str) -> PodRow {
    let json = format!(r#"{{{},"spec":{spec},"status":{status}}}"#, meta(more_meta));
    pod(json.as_bytes(), &mut Interner::default()).unwrap()
}

const ONE: &str = r#"{"nodeName":"n1","containers":[{"name":"c","image":"i"}]}"#;

#[test]
fn a_pod_row_keeps_metadata_owner_requests_and_status() {
    let row = read_pod(
        r#","labels":{"b":"2","a":"1"},"annotations":{"other":"{\"big\":1}","karpenter.sh/do-not-disrupt":"4h"},
        "deletionTimestamp":"2026-11-21T10:05:00Z","deletionGracePeriodSeconds":60,
        "ownerReferences":[{"apiVersion":"v1","kind":"A","name":"a","uid":"u1"},
        {"apiVersion":"batch/v1","kind":"Job","name":"j","uid":"u2","controller":true}]"#,
        r#"{"nodeName":"n1","terminationGracePeriodSeconds":60,"containers":[{"name":"c","env":[{"name":"A"}],
        "resources":{"requests":{"cpu":"250m","memory":"1Gi","ephemeral-storage":"1Gi"},"limits":{"nvidia.com/gpu":"2"}}}]}"#,
        r#"{"phase":"Running","startTime":"2026-11-21T10:00:01Z","containerStatuses":[{"name":"c","ready":true,
        "restartCount":3,"state":{"running":{"startedAt":"2026-11-21T10:00:02Z"}}}]}"#,
    );
    assert_eq!(row.meta.key, ObjectKey::new("ml", "x"));
    assert!(matches!(row.meta.uid, Uid::Uuid(_)));
    assert_eq!(row.meta.deleting_since(), Time::parse("2026-11-21T10:04:00Z"));
    assert_eq!(row.labels.get("a").map(crate::fleet::Sym::as_str), Some("1"));
    assert_eq!(row.owner.map(|owner| owner.name.to_string()).as_deref(), Some("j"));
    assert_eq!(row.node.as_deref(), Some("n1"));
    assert_eq!((row.phase, row.status.as_str()), (PodPhase::Running, "Terminating"));
    assert_eq!((row.requests.cpu_millis, row.requests.memory_bytes), (250, 1 << 30));
    assert_eq!(row.requests.gpu("nvidia.com/gpu"), 2);
    assert_eq!((row.restarts, row.containers_ready, row.containers), (3, 1, 1));
    assert_eq!(row.termination_grace_seconds, 60);
    assert_eq!(row.do_not_disrupt.as_deref(), Some("4h"));
    assert_eq!(row.started, Time::parse("2026-11-21T10:00:01Z"));
}

#[test]
fn an_empty_annotation_is_a_value_and_a_missing_one_is_none() {
    let empty = read_pod(r#","annotations":{"karpenter.sh/do-not-disrupt":""}"#, ONE, r#"{"phase":"Running"}"#);
    assert_eq!(empty.do_not_disrupt.as_deref(), Some(""));
    let absent = read_pod(r#","annotations":null,"labels":null"#, ONE, r#"{"phase":"Running"}"#);
    assert_eq!(absent.do_not_disrupt, None);
    assert_eq!(absent.termination_grace_seconds, 30);
}

#[test]
fn unknown_fields_and_phases_are_accepted() {
    let row =
        read_pod("", r#"{"containers":null,"new":[1]}"#, r#"{"phase":"Hibernating","conditions":[{"type":"X"}]}"#);
    assert_eq!((row.phase, row.status.as_str()), (PodPhase::Unknown, "Hibernating"));
}

#[test]
fn a_pod_without_required_metadata_or_with_an_invalid_quantity_is_an_error() {
    for (json, words) in [
        (r#"{"metadata":{"name":"x","uid":"u"}}"#, "metadata.creationTimestamp is missing"),
        (r#"{"metadata":{"uid":"u","creationTimestamp":"2026-11-21T10:00:00Z"}}"#, "metadata.name is missing"),
        (r#"{"metadata":{"name":"x","uid":"u","creationTimestamp":"noon"}}"#, "metadata.creationTimestamp is \"noon\""),
    ] {
        let error = pod(json.as_bytes(), &mut Interner::default()).unwrap_err();
        assert_eq!(error.to_string(), words);
    }
    let quantity =
        format!(r#"{{{},"spec":{{"containers":[{{"resources":{{"requests":{{"cpu":"lots"}}}}}}]}}}}"#, meta(""));
    assert!(pod(quantity.as_bytes(), &mut Interner::default()).is_err());
}

/// (spec, status) and kubectl's STATUS, READY, RESTARTS.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn pod_status_is_computed_as_by_kubectl() {
    const INIT2: &str = r#"{"initContainers":[{"name":"a"},{"name":"b"}],"containers":[{"name":"c"}]}"#;
    const SIDECAR: &str =
        r#"{"initContainers":[{"name":"s","restartPolicy":"Always"},{"name":"b"}],"containers":[{"name":"c"}]}"#;
    const TWO: &str = r#"{"containers":[{"name":"c"},{"name":"d"}]}"#;
    let table = [
        (ONE, r#"{"phase":"Pending"}"#, "Pending", 0, 1, 0),
        (
            ONE,
            r#"{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"SchedulingGated"}]}"#,
            "SchedulingGated",
            0,
            1,
            0,
        ),
        (
            ONE,
            r#"{"phase":"Pending","containerStatuses":[{"name":"c","state":{"waiting":{"reason":"ContainerCreating"}}}]}"#,
            "ContainerCreating",
            0,
            1,
            0,
        ),
        (
            ONE,
            r#"{"phase":"Running","containerStatuses":[{"name":"c","restartCount":4,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}"#,
            "CrashLoopBackOff",
            0,
            1,
            4,
        ),
        (
            ONE,
            r#"{"phase":"Succeeded","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":0,"reason":"Completed"}}}]}"#,
            "Completed",
            0,
            1,
            0,
        ),
        (
            ONE,
            r#"{"phase":"Failed","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":137,"reason":"OOMKilled"}}}]}"#,
            "OOMKilled",
            0,
            1,
            0,
        ),
        (
            ONE,
            r#"{"phase":"Failed","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":3}}}]}"#,
            "ExitCode:3",
            0,
            1,
            0,
        ),
        (
            ONE,
            r#"{"phase":"Failed","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":0,"signal":9}}}]}"#,
            "Signal:9",
            0,
            1,
            0,
        ),
        (ONE, r#"{"phase":"Failed","reason":"Evicted"}"#, "Evicted", 0, 1, 0),
        (ONE, r#"{"phase":"Failed","reason":"OutOfnvidia.com/gpu"}"#, "OutOfnvidia.com/gpu", 0, 1, 0),
        (
            TWO,
            r#"{"phase":"Running","conditions":[{"type":"Ready","status":"False"}],"containerStatuses":[
            {"name":"c","ready":true,"state":{"running":{}}},
            {"name":"d","state":{"terminated":{"exitCode":0,"reason":"Completed"}}}]}"#,
            "NotReady",
            1,
            2,
            0,
        ),
        (
            TWO,
            r#"{"phase":"Running","conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[
            {"name":"c","ready":true,"state":{"running":{}}},
            {"name":"d","state":{"terminated":{"exitCode":0,"reason":"Completed"}}}]}"#,
            "Running",
            1,
            2,
            0,
        ),
        (
            INIT2,
            r#"{"phase":"Pending","initContainerStatuses":[
            {"name":"a","restartCount":1,"state":{"terminated":{"exitCode":0,"reason":"Completed"}}},
            {"name":"b","state":{"running":{}}}],
            "containerStatuses":[{"name":"c","state":{"waiting":{"reason":"PodInitializing"}}}]}"#,
            "Init:1/2",
            0,
            1,
            1,
        ),
        (
            INIT2,
            r#"{"phase":"Pending","initContainerStatuses":[{"name":"a","restartCount":2,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}"#,
            "Init:CrashLoopBackOff",
            0,
            1,
            2,
        ),
        (
            INIT2,
            r#"{"phase":"Failed","initContainerStatuses":[{"name":"a","state":{"terminated":{"exitCode":1,"reason":"Error"}}}]}"#,
            "Init:Error",
            0,
            1,
            0,
        ),
        (
            INIT2,
            r#"{"phase":"Failed","initContainerStatuses":[{"name":"a","state":{"terminated":{"exitCode":7}}}]}"#,
            "Init:ExitCode:7",
            0,
            1,
            0,
        ),
        (
            INIT2,
            r#"{"phase":"Pending","initContainerStatuses":[{"name":"a","state":{"waiting":{"reason":"PodInitializing"}}}]}"#,
            "Init:0/2",
            0,
            1,
            0,
        ),
        (
            SIDECAR,
            r#"{"phase":"Running","conditions":[{"type":"Initialized","status":"True"}],"initContainerStatuses":[
            {"name":"s","ready":true,"started":true,"restartCount":2,"state":{"running":{}}},
            {"name":"b","restartCount":5,"state":{"terminated":{"exitCode":0}}}],
            "containerStatuses":[{"name":"c","ready":true,"restartCount":1,"state":{"running":{}}}]}"#,
            "Running",
            2,
            2,
            3,
        ),
    ];
    for (spec, status, words, ready, total, restarts) in table {
        let row = read_pod("", spec, status);
        let seen = (row.status.as_str(), row.containers_ready, row.containers, row.restarts);
        assert_eq!(seen, (words, ready, total, restarts), "{status}");
    }
}

#[test]
fn a_deleted_pod_is_terminating_unless_it_ended_or_its_node_is_lost() {
    let deleted = r#","deletionTimestamp":"2026-11-21T10:05:00Z""#;
    for (status, words) in [
        (r#"{"phase":"Running"}"#, "Terminating"),
        (r#"{"phase":"Succeeded"}"#, "Succeeded"),
        (r#"{"phase":"Running","reason":"NodeLost"}"#, "Unknown"),
    ] {
        assert_eq!(read_pod(deleted, ONE, status).status.as_str(), words);
    }
}

fn cpu_of(spec: &str, status: &str) -> i64 {
    read_pod("", spec, status).requests.cpu_millis
}

fn cpu(name: &str, cores: u32, more: &str) -> String {
    format!(r#"{{"name":"{name}","resources":{{"requests":{{"cpu":"{cores}"}}}}{more}}}"#)
}

#[test]
fn effective_requests_follow_the_scheduler() {
    let always = r#","restartPolicy":"Always""#;
    let spec = |init: &[String], main: &[String], more: &str| {
        format!(r#"{{"initContainers":[{}],"containers":[{}]{more}}}"#, init.join(","), main.join(","))
    };
    let table = [
        (spec(&[], &[cpu("a", 1, ""), cpu("b", 2, "")], ""), 3000, "main containers add up"),
        (spec(&[cpu("i", 5, "")], &[cpu("a", 1, "")], ""), 5000, "the largest init container counts where it is more"),
        (spec(&[cpu("s", 2, always)], &[cpu("a", 1, "")], ""), 3000, "a sidecar runs beside the main containers"),
        (spec(&[cpu("s", 2, always), cpu("i", 4, "")], &[cpu("a", 1, "")], ""), 6000, "init beside earlier sidecars"),
        (spec(&[cpu("i", 4, ""), cpu("s", 2, always)], &[cpu("a", 1, "")], ""), 4000, "not beside later sidecars"),
        (spec(&[], &[cpu("a", 1, "")], r#","overhead":{"cpu":"250m"}"#), 1250, "overhead is added"),
        (
            spec(&[], &[cpu("a", 1, "")], r#","resources":{"requests":{"cpu":"8"}},"overhead":{"cpu":"1"}"#),
            9000,
            "the pod's own request replaces the sum",
        ),
    ];
    for (spec, millis, why) in table {
        assert_eq!(cpu_of(&spec, r#"{"phase":"Running"}"#), millis, "{why}");
    }
}

#[test]
fn a_pod_resize_counts_the_larger_size_unless_it_is_infeasible() {
    let spec = format!(r#"{{"containers":[{}]}}"#, cpu("a", 4, ""));
    let status = |condition: &str| {
        format!(
            r#"{{"phase":"Running","conditions":[{condition}],"containerStatuses":[{{"name":"a",
            "allocatedResources":{{"cpu":"1"}},"resources":{{"requests":{{"cpu":"2"}}}}}}]}}"#
        )
    };
    assert_eq!(cpu_of(&spec, &status("")), 4000);
    let infeasible = r#"{"type":"PodResizePending","status":"True","reason":"Infeasible"}"#;
    assert_eq!(cpu_of(&spec, &status(infeasible)), 2000);
}

fn gpu(name: &str, lists: &str, more: &str) -> String {
    format!(r#"{{"name":"{name}","resources":{{{lists}}}{more}}}"#)
}

/// Requests and limits alike, as for every extended resource.
fn gpus(name: &str, resource: &str, count: &str, more: &str) -> String {
    let list = format!(r#"{{"{resource}":{count}}}"#);
    gpu(name, &format!(r#""requests":{list},"limits":{list}"#), more)
}

#[test]
fn accelerators_are_requested_as_the_scheduler_counts_them() {
    const ALWAYS: &str = r#","restartPolicy":"Always""#;
    let spec = |init: &[String], main: &[String], more: &str| {
        format!(r#"{{"initContainers":[{}],"containers":[{}]{more}}}"#, init.join(","), main.join(","))
    };
    for resource in [
        "nvidia.com/gpu",
        "nvidia.com/gpu.shared",
        "nvidia.com/gpu-a100",
        "nvidia.com/mig-1g.10gb",
        "nvidia.com/mig-1g.5gb.me",
        "amd.com/gpu",
        "aws.amazon.com/neuron",
        "aws.amazon.com/neuroncore",
        "aws.amazon.com/neurondevice",
        "google.com/tpu",
        "habana.ai/gaudi",
        "gpu.intel.com/i915",
        "gpu.intel.com/xe",
        "deviceclass.resource.kubernetes.io/gpu.nvidia.com",
    ] {
        let of = |name: &str, count: &str, more: &str| gpus(name, resource, count, more);
        let only_limits = gpu("a", &format!(r#""limits":{{"{resource}":"4"}}"#), "");
        let table = [
            (spec(&[], &[of("a", "\"1\"", ""), of("b", "2", "")], ""), 3, "main containers add up"),
            (spec(&[], &[of("a", "\"1k\"", "")], ""), 1_000, "a suffix"),
            (spec(&[], &[of("a", "\"1e3\"", "")], ""), 1_000, "an exponent"),
            (spec(&[], &[only_limits], ""), 4, "a limit without a request"),
            (spec(&[of("i", "8", "")], &[of("a", "2", "")], ""), 8, "the largest init container"),
            (spec(&[of("i", "1", ""), of("j", "2", "")], &[of("a", "2", "")], ""), 2, "init containers take turns"),
            (spec(&[of("s", "1", ALWAYS)], &[of("a", "2", "")], ""), 3, "a sidecar beside the main containers"),
            (spec(&[of("s", "1", ALWAYS), of("i", "4", "")], &[of("a", "2", "")], ""), 5, "and beside later inits"),
            (spec(&[of("i", "4", ""), of("s", "1", ALWAYS)], &[of("a", "2", "")], ""), 4, "not beside earlier ones"),
            (spec(&[of("s", "1", ALWAYS), of("t", "2", ALWAYS)], &[of("a", "1", "")], ""), 4, "two sidecars"),
            (
                spec(
                    &[],
                    &[of("a", "2", "")],
                    &format!(r#","resources":{{"requests":{{"cpu":"8","{resource}":"1"}}}}"#),
                ),
                2,
                "none is requested for a whole pod",
            ),
        ];
        for (spec, count, why) in table {
            let requests = read_pod("", &spec, r#"{"phase":"Running"}"#).requests;
            assert_eq!((requests.gpu(resource), requests.gpu_total()), (count, count), "{resource}: {why}");
        }
    }
}

#[test]
fn accelerators_of_a_pod_that_is_resized_count_as_the_larger_size() {
    let main = r#"{"name":"a","resources":{"requests":{"cpu":"4","nvidia.com/gpu":"1"}}}"#;
    let spec = format!(
        r#"{{"initContainers":[{}],"containers":[{main}]}}"#,
        gpus("s", "amd.com/gpu", "1", r#","restartPolicy":"Always""#)
    );
    let status = |condition: &str| {
        format!(
            r#"{{"phase":"Running","conditions":[{condition}],"initContainerStatuses":[{{"name":"s",
            "resources":{{"requests":{{"amd.com/gpu":"2"}}}}}}],"containerStatuses":[{{"name":"a",
            "allocatedResources":{{"cpu":"1","nvidia.com/gpu":"1"}},"resources":{{"requests":{{"cpu":"2"}}}}}}]}}"#
        )
    };
    let infeasible = r#"{"type":"PodResizePending","status":"True","reason":"Infeasible"}"#;
    for condition in ["", infeasible] {
        let requests = read_pod("", &spec, &status(condition)).requests;
        assert_eq!((requests.gpu("nvidia.com/gpu"), requests.gpu("amd.com/gpu")), (1, 2), "{condition}");
    }
}

#[test]
fn what_a_resource_claim_serves_is_not_requested_as_an_extended_resource() {
    let lists = r#""limits":{"nvidia.com/gpu":"2","amd.com/gpu":"1",
        "deviceclass.resource.kubernetes.io/gpu.nvidia.com":"1"}"#;
    let spec = format!(r#"{{"containers":[{}]}}"#, gpu("a", lists, ""));
    let mapping =
        |resource: &str| format!(r#"{{"containerName":"a","resourceName":"{resource}","requestName":"container-0"}}"#);
    let status = |mappings: &[String]| {
        format!(
            r#"{{"phase":"Running","extendedResourceClaimStatus":{{"resourceClaimName":"x","requestMappings":[{}]}}}}"#,
            mappings.join(",")
        )
    };
    let total = |status: &str| read_pod("", &spec, status).requests.gpu_total();
    assert_eq!(total(r#"{"phase":"Pending"}"#), 4);
    let served = [mapping("nvidia.com/gpu"), mapping("deviceclass.resource.kubernetes.io/gpu.nvidia.com")];
    assert_eq!([total(&status(&served[..1])), total(&status(&served)), total(&status(&[]))], [2, 1, 4]);
}

#[test]
fn the_part_of_a_gpu_that_kai_shares_is_read_from_annotations() {
    let of = |annotations: &str| {
        let meta = format!(r#","annotations":{{{annotations}}}"#);
        read_pod(&meta, ONE, r#"{"phase":"Running"}"#).requests.fraction.as_deref().cloned()
    };
    let fraction = |part, devices| Some(GpuFraction { part, devices });
    for (annotations, want) in [
        (r#""gpu-fraction":"0.5""#, fraction(GpuPart::Thousandths(500), 1)),
        (r#""gpu-fraction":"0.25","gpu-fraction-num-devices":"2""#, fraction(GpuPart::Thousandths(250), 2)),
        (r#""gpu-memory":"2000""#, fraction(GpuPart::MemoryMib(2_000), 1)),
        (r#""gpu-memory":"2000","gpu-fraction-num-devices":"3""#, fraction(GpuPart::MemoryMib(2_000), 3)),
        (r#""gpu-fraction":"half""#, None),
        (r#""gpu-fraction-num-devices":"2""#, None),
        (r#""other":"0.5""#, None),
    ] {
        assert_eq!(of(annotations), want, "{annotations}");
    }
}

fn read_slice(spec: &str) -> Result<ResourceSliceRow, DecodeError> {
    resource_slice(format!(r#"{{{},"spec":{spec}}}"#, meta("")).as_bytes(), &mut Interner::default())
}

#[test]
fn a_resource_slice_is_read_in_all_versions() {
    let device = |name: &str, body: &str| format!(r#"{{"name":"{name}",{body}}}"#);
    let basic = |name: &str, body: &str| format!(r#"{{"name":"{name}","basic":{{{body}}}}}"#);
    let board = r#""attributes":{"type":{"string":"gpu"},"uuid":{"string":"GPU-1"},"index":{"int":0},
        "productName":{"string":"NVIDIA H100"},"driverVersion":{"version":"570.1.0"}},
        "capacity":{"memory":{"value":"80Gi"}},"nodeName":"n2",
        "taints":[{"key":"k","effect":"None"},{"key":"xid","effect":"NoExecute","timeAdded":"2026-11-21T10:00:00Z"}]"#;
    let part = r#""attributes":{"type":{"string":"mig"},"uuid":{"string":"MIG-1"},"parentUUID":{"string":"GPU-1"},
        "profile":{"string":"1g.10gb"},"resource.kubernetes.io/pciBusID":{"string":"0000:19:00.0"}},
        "consumesCounters":[{"counterSet":"c","counters":{"memory":{"value":"10Gi"}}}]"#;
    for of in [device, basic] {
        let spec = format!(
            r#"{{"driver":"gpu.nvidia.com","pool":{{"name":"n1","generation":3,"resourceSliceCount":2}},"nodeName":"n1",
            "sharedCounters":[{{"name":"c","counters":{{}}}}],"devices":[{},{}]}}"#,
            of("gpu-0", board),
            of("gpu-0-mig-1", part),
        );
        let row = read_slice(&spec).unwrap();
        assert_eq!((row.pool.driver.as_str(), row.pool.pool.as_str()), ("gpu.nvidia.com", "n1"));
        assert_eq!((row.generation, row.slice_count, row.node.as_deref()), (3, 2, Some("n1")));
        assert!(row.has_shared_counters);
        let [whole, split] = &row.devices[..] else { panic!("{:?}", row.devices) };
        assert_eq!((whole.name.as_str(), whole.kind, whole.is_tainted), ("gpu-0", DeviceKind::Board, true));
        assert_eq!((whole.board.as_deref(), whole.profile.as_deref()), (Some("GPU-1"), None));
        assert_eq!((whole.model.as_deref(), whole.node.as_deref()), (Some("NVIDIA H100"), Some("n2")));
        assert_eq!((split.kind, split.board.as_deref(), split.is_tainted), (DeviceKind::Part, Some("GPU-1"), false));
        assert_eq!(split.profile.as_deref(), Some("1g.10gb"));
    }
}

#[test]
fn of_other_drivers_only_devices_that_say_so_are_kept() {
    let spec = |driver: &str| {
        format!(
            r#"{{"driver":"{driver}","pool":{{"name":"n1","generation":1,"resourceSliceCount":1}},"allNodes":true,
            "devices":[{{"name":"a","attributes":{{"type":{{"string":"gpu"}}}}}},{{"name":"b","attributes":null}},
            {{"name":"c","attributes":{{"type":{{"string":"nic"}}}}}}]}}"#
        )
    };
    let names = |driver: &str| -> Vec<String> {
        read_slice(&spec(driver)).unwrap().devices.iter().map(|device| device.name.to_string()).collect()
    };
    assert_eq!(names("dra.net"), ["a"]);
    assert_eq!(names("gpu.amd.com"), ["a", "b", "c"]);
    for empty in ["{}", "null", r#"{"devices":null,"sharedCounters":null,"pool":null}"#] {
        assert!(read_slice(empty).unwrap().devices.is_empty(), "{empty}");
    }
    assert!(read_slice(r#"{"devices":{}}"#).is_err());
}

fn read_claim(body: &str) -> ResourceClaimRow {
    let owner = r#","ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"p","uid":"up","controller":true}]"#;
    resource_claim(format!("{{{},{body}}}", meta(owner)).as_bytes(), &mut Interner::default()).unwrap()
}

#[test]
fn a_resource_claim_keeps_what_it_has_else_what_it_wants() {
    let flat = r#""deviceClassName":"gpu.nvidia.com","allocationMode":"ExactCount","count":2"#;
    let exactly = format!(r#""exactly":{{{flat}}}"#);
    let first = format!(r#""firstAvailable":[{{"name":"x",{flat}}},{{"name":"y","deviceClassName":"other"}}]"#);
    let wants = |request: &str| {
        let row = read_claim(&format!(r#""spec":{{"devices":{{"requests":[{{"name":"r",{request}}}]}}}}"#));
        assert!(row.devices.is_empty());
        row.requests.iter().map(|one| (one.class.to_string(), one.count)).collect::<Vec<_>>()
    };
    let two = || vec![("gpu.nvidia.com".to_owned(), 2)];
    assert_eq!([wants(&exactly), wants(flat), wants(&first)], [two(), two(), two()]);
    assert_eq!(wants(r#""exactly":{"deviceClassName":"c","allocationMode":"All"}"#), [("c".to_owned(), 0)]);
    assert_eq!(wants(r#""exactly":{"deviceClassName":"c"}"#), [("c".to_owned(), 1)]);
    assert_eq!(wants(r#""exactly":{"deviceClassName":"c","adminAccess":true}"#), []);

    let result = |device: &str, more: &str| {
        format!(r#"{{"request":"r","driver":"gpu.nvidia.com","pool":"n1","device":"{device}"{more}}}"#)
    };
    let row = read_claim(&format!(
        r#""spec":{{"devices":{{"requests":[{{"name":"r",{exactly}}}]}}}},"status":{{"allocation":{{"devices":{{"results":[
        {},{},{}]}},"nodeSelector":{{}}}},"reservedFor":[{{"resource":"pods","name":"p","uid":"up"}},
        {{"apiGroup":"scheduling.k8s.io","resource":"podgroups","name":"g","uid":"ug"}}],"devices":[{{"driver":"d"}}]}}"#,
        result("gpu-0", ""),
        result("gpu-1", r#","shareID":"s1""#),
        result("gpu-2", r#","adminAccess":true"#),
    ));
    assert!(row.requests.is_empty());
    let has: Vec<_> = row.devices.iter().map(|one| (one.device.as_str(), one.share.as_deref())).collect();
    assert_eq!(has, [("gpu-0", None), ("gpu-1", Some("s1"))]);
    assert_eq!((row.devices[0].pool.driver.as_str(), row.devices[0].pool.pool.as_str()), ("gpu.nvidia.com", "n1"));
    let pods: Vec<_> = row.consumers().map(|(name, uid)| (name.as_str(), uid.clone())).collect();
    assert_eq!(pods, [("p", Uid::parse("up"))]);
    let made_for = read_claim(r#""spec":null,"status":null"#);
    assert_eq!(made_for.consumers().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["p"], "its owner");
}

#[test]
fn a_device_class_says_whether_its_devices_are_accelerators() {
    let of = |spec: &str| {
        let json = format!(r#"{{{},"spec":{spec}}}"#, meta(""));
        device_class(json.as_bytes(), &mut Interner::default()).unwrap().is_accelerator
    };
    assert!(of(r#"{"extendedResourceName":"nvidia.com/gpu"}"#));
    assert!(of(r#"{"selectors":[{"cel":{"expression":"device.driver == 'gpu.nvidia.com'"}}]}"#));
    assert!(!of(r#"{"selectors":[{"cel":{"expression":"device.driver == 'dra.net'"}}],"config":[]}"#));
    assert!(!of("{}") && !of("null"));
}

#[test]
fn a_node_row_keeps_labels_taints_conditions_and_resources() {
    let json = format!(
        r#"{{{},"spec":{{"providerID":"aws:///us-east-1a/i-1","unschedulable":true,
        "taints":[{{"key":"karpenter.sh/disrupted","effect":"NoSchedule"}}]}},
        "status":{{"capacity":{{"cpu":"8","memory":"32986548Ki","pods":"58","nvidia.com/gpu":"1"}},
        "allocatable":{{"cpu":"7910m","memory":"31482Mi","pods":"58","nvidia.com/gpu":"0"}},
        "conditions":[{{"type":"Ready","status":"True","reason":"KubeletReady","message":"ok",
        "lastHeartbeatTime":"2026-11-21T10:09:00Z","lastTransitionTime":"2026-11-21T10:01:00Z"}}],
        "nodeInfo":{{"kubeletVersion":"v1.35.1"}},"images":[{{"names":["a"],"sizeBytes":1}}]}}}}"#,
        meta(r#","labels":{"karpenter.sh/nodepool":"gpu","node.kubernetes.io/instance-type":"g5.2xlarge"}"#)
    );
    let row = node(json.as_bytes(), &mut Interner::default()).unwrap();
    assert_eq!(row.node_pool().map(crate::fleet::Sym::as_str), Some("gpu"));
    assert!(row.cordoned && row.has_disrupted_taint() && row.is_ready());
    assert_eq!((row.capacity.pods, row.capacity.gpu("nvidia.com/gpu")), (58, 1));
    assert_eq!((row.allocatable.cpu_millis, row.allocatable.gpus.len()), (7910, 1));
    assert_eq!(row.allocatable.gpu("nvidia.com/gpu"), 0);
    assert_eq!(row.kubelet_version.as_str(), "v1.35.1");
}

#[test]
fn the_first_rule_about_disruption_says_what_a_job_makes_of_evicted_pods() {
    let said = |rules: &str| {
        let json = format!(r#"{{{},"spec":{{"podFailurePolicy":{{"rules":[{rules}]}}}}}}"#, meta(""));
        job(json.as_bytes(), &mut Interner::default()).unwrap().disrupted_pods
    };
    let rule = |action: &str, kind: &str, status: &str| {
        format!(r#"{{"action":"{action}","onPodConditions":[{{"type":"{kind}","status":"{status}"}}]}}"#)
    };
    let ignore = rule("Ignore", "DisruptionTarget", "True");
    for (rules, wanted) in [
        (String::new(), DisruptedPods::Counted),
        (ignore.clone(), DisruptedPods::Ignored),
        (rule("Ignore", "DisruptionTarget", "False"), DisruptedPods::Counted),
        (rule("Ignore", "ConfigIssue", "True"), DisruptedPods::Counted),
        (rule("FailIndex", "DisruptionTarget", "True"), DisruptedPods::FailIndex),
        (rule("Count", "DisruptionTarget", "True") + "," + &ignore, DisruptedPods::Counted),
        (rule("FailJob", "DisruptionTarget", "True") + "," + &ignore, DisruptedPods::FailJob),
        (
            r#"{"action":"FailJob","onExitCodes":{"operator":"In","values":[42]},"onPodConditions":null},"#.to_owned()
                + &ignore,
            DisruptedPods::Ignored,
        ),
    ] {
        assert_eq!(said(&rules), wanted, "{rules}");
    }
}

#[test]
fn a_job_template_without_requests_counts_its_limits() {
    let json = format!(
        r#"{{{},"spec":{{"parallelism":4,"completions":8,"suspend":true,"template":{{
        "metadata":{{"annotations":{{"karpenter.sh/do-not-disrupt":"true"}}}},
        "spec":{{"containers":[{{"resources":{{"limits":{{"cpu":"2","nvidia.com/gpu":1}}}}}}]}}}}}},
        "status":{{"active":2,"succeeded":1,"uncountedTerminatedPods":{{}},"startTime":null}}}}"#,
        meta("")
    );
    let row = job(json.as_bytes(), &mut Interner::default()).unwrap();
    assert_eq!((row.parallelism, row.completions, row.backoff_limit), (4, Some(8), 6));
    assert!(row.suspended && row.started.is_none());
    assert_eq!((row.requests.cpu_millis, row.requests.gpu_total()), (2000, 1));
    assert_eq!(row.template_do_not_disrupt.as_deref(), Some("true"));
    assert_eq!(row.do_not_disrupt, None);
}

#[test]
fn a_cron_job_counts_its_active_jobs() {
    let json = format!(
        r#"{{{},"spec":{{"schedule":"*/5 * * * *","timeZone":"Etc/UTC"}},
        "status":{{"active":[{{"name":"a"}},{{"name":"b"}}],"lastScheduleTime":"2026-11-21T10:05:00Z"}}}}"#,
        meta("")
    );
    let row = cron_job(json.as_bytes(), &mut Interner::default()).unwrap();
    assert_eq!((row.active, row.schedule.as_str(), row.time_zone.as_deref()), (2, "*/5 * * * *", Some("Etc/UTC")));
    assert_eq!(row.last_schedule, Time::parse("2026-11-21T10:05:00Z"));
}

#[test]
fn both_versions_of_a_nodepool_are_read() {
    let v1 = format!(
        r#"{{{},"spec":{{"weight":10,"replicas":3,"limits":{{"nvidia.com/gpu":8,"cpu":"1k"}},
        "disruption":{{"consolidationPolicy":"Balanced","consolidateAfter":"Never","budgets":[
        {{"nodes":"10%"}},{{"nodes":"0","reasons":["Drifted"],"schedule":"0 9 * * *","duration":"8h"}},{{"nodes":"1","reasons":[]}}]}},
        "template":{{"spec":{{"expireAfter":"720h","terminationGracePeriod":"1h30m",
        "nodeClassRef":{{"group":"karpenter.k8s.aws","kind":"EC2NodeClass","name":"default"}}}}}}}},
        "status":{{"resources":{{"nodes":"2","cpu":"16"}}}}}}"#,
        meta("")
    );
    let row = node_pool(v1.as_bytes(), &mut Interner::default()).unwrap();
    assert_eq!((row.weight, row.replicas, row.termination_grace_seconds), (10, Some(3), Some(5400)));
    assert_eq!((row.consolidate_after, row.expire_after), (Lifetime::Never, Lifetime::Seconds(720 * 3600)));
    let budgets = row.budgets.unwrap();
    assert_eq!((budgets[0].reasons.as_deref(), budgets[2].reasons.as_deref()), (None, Some(&[][..])));
    assert_eq!(budgets[1].schedule.as_deref(), Some("0 9 * * *"));
    let limits: Vec<_> = row.limits.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(limits, ["cpu=1k", "nvidia.com/gpu=8"]);

    let v1beta1 = format!(
        r#"{{{},"spec":{{"disruption":{{"consolidationPolicy":"WhenUnderutilized","expireAfter":"Never"}},
        "template":{{"spec":{{"nodeClassRef":{{"apiVersion":"karpenter.k8s.aws/v1beta1","kind":"EC2NodeClass","name":"d"}}}}}}}}}}"#,
        meta("")
    );
    let row = node_pool(v1beta1.as_bytes(), &mut Interner::default()).unwrap();
    assert_eq!((row.expire_after, row.budgets), (Lifetime::Never, None));
    assert_eq!(row.node_class.map(|class| class.group.to_string()).as_deref(), Some("karpenter.k8s.aws"));
}

#[test]
fn a_provisioner_is_read_as_the_nodepool_that_karpenter_makes_of_it() {
    let provisioner = |spec: &str| {
        let json = format!(
            r#"{{"apiVersion":"karpenter.sh/v1alpha5","kind":"Provisioner",{},"spec":{spec},
            "status":{{"resources":{{"cpu":"16"}},"conditions":[{{"type":"Active","status":"True"}}]}}}}"#,
            meta("")
        );
        node_pool(json.as_bytes(), &mut Interner::default()).unwrap()
    };
    let row = provisioner(
        r#"{"consolidation":{"enabled":true},"limits":{"resources":{"cpu":"1k","memory":"1Ti"}},"weight":10,
        "labels":{"team":"ml"},"taints":[{"key":"gpu","value":"true","effect":"NoSchedule"}],
        "requirements":[{"key":"karpenter.sh/capacity-type","operator":"In","values":["spot"]}],
        "providerRef":{"apiVersion":"karpenter.k8s.aws/v1alpha1","kind":"AWSNodeTemplate","name":"default"},
        "ttlSecondsUntilExpired":2592000}"#,
    );
    assert_eq!((row.consolidation_policy.as_str(), row.consolidate_after), ("WhenUnderutilized", Lifetime::Never));
    assert_eq!((row.expire_after, row.weight, row.is_ready()), (Lifetime::Seconds(2_592_000), 10, true));
    let limits: Vec<_> = row.limits.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(limits, ["cpu=1k", "memory=1Ti"]);
    let class = row.node_class.unwrap();
    assert_eq!((class.group.as_str(), class.kind.as_str()), ("karpenter.k8s.aws", "AWSNodeTemplate"));
    let template = row.template;
    assert_eq!((template.labels.len(), template.taints.len(), template.requirements.len()), (1, 1, 1));
    let row = provisioner(r#"{"ttlSecondsAfterEmpty":30,"limits":null}"#);
    assert_eq!((row.consolidation_policy.as_str(), row.consolidate_after), ("WhenEmpty", Lifetime::Seconds(30)));
    assert_eq!((row.limits.len(), row.expire_after, row.node_class), (0, Lifetime::Never, None));
}

#[test]
fn a_machine_is_read_as_a_node_claim() {
    let json = format!(
        r#"{{"apiVersion":"karpenter.sh/v1alpha5","kind":"Machine",{},"spec":{{"machineTemplateRef":
        {{"apiVersion":"karpenter.k8s.aws/v1alpha1","kind":"AWSNodeTemplate","name":"default"}}}},
        "status":{{"providerID":"aws:///a/i-1","nodeName":"n1","conditions":[
        {{"type":"MachineLaunched","status":"True"}},{{"type":"MachineRegistered","status":"True"}},
        {{"type":"MachineInitialized","status":"True"}},{{"type":"Ready","status":"True"}}]}}}}"#,
        meta(r#","labels":{"karpenter.sh/provisioner-name":"default"}"#)
    );
    let row = node_claim(json.as_bytes(), &mut Interner::default()).unwrap();
    assert_eq!(row.node_pool().map(crate::fleet::Sym::as_str), Some("default"));
    assert!(["Launched", "Registered", "Initialized", "Ready"].into_iter().all(|condition| row.is_true(condition)));
    assert_eq!(row.node_class.map(|class| class.kind.to_string()).as_deref(), Some("AWSNodeTemplate"));
}

#[test]
fn a_node_claim_keeps_its_conditions_expiry_and_termination_time() {
    let json = format!(
        r#"{{{},"spec":{{"expireAfter":"336h0m0s","resources":{{"requests":{{"cpu":"2","nvidia.com/gpu":"1"}}}}}},
        "status":{{"nodeName":"n1","providerID":"aws:///a/i-1","capacity":{{"cpu":"8"}},"conditions":[
        {{"type":"Launched","status":"True","reason":"Launched","lastTransitionTime":"2026-11-21T10:00:03Z"}},
        {{"type":"Initialized","status":"Unknown","reason":"ResourceNotRegistered","message":"Resource \"nvidia.com/gpu\" was requested but not registered"}}]}}}}"#,
        meta(r#","annotations":{"karpenter.sh/nodeclaim-termination-timestamp":"2026-11-22T10:00:00Z"}"#)
    );
    let row = node_claim(json.as_bytes(), &mut Interner::default()).unwrap();
    assert_eq!(row.expires_at(), Time::parse("2026-12-05T10:00:00Z"));
    assert_eq!(row.true_since("Launched"), Time::parse("2026-11-21T10:00:03Z"));
    assert_eq!(row.true_since("Initialized"), None);
    assert_eq!(row.conditions[1].message.as_str(), "Resource \"nvidia.com/gpu\" was requested but not registered");
    assert_eq!(row.termination_at, Time::parse("2026-11-22T10:00:00Z"));
    assert_eq!((row.capacity.cpu_millis, row.requests.gpu_total()), (8000, 1));
}

#[test]
fn the_start_of_a_pod_is_read_from_its_conditions_and_containers() {
    let second = |text: &str| Some(Second::from(Time::parse(&format!("2026-11-21T10:{text}Z")).unwrap()));
    let spec = r#"{"nodeName":"n","initContainers":[{"name":"get","image":"get:1"},{"name":"log","image":"log:1",
        "restartPolicy":"Always"}],"containers":[{"name":"main","image":"main:1"},{"name":"side","image":"side:1"}]}"#;
    let status = r#"{"phase":"Running","conditions":[
        {"type":"PodScheduled","status":"True","lastTransitionTime":"2026-11-21T10:01:00Z"},
        {"type":"PodReadyToStartContainers","status":"True","lastTransitionTime":"2026-11-21T10:01:04Z"},
        {"type":"Ready","status":"False","reason":"ContainersNotReady","lastTransitionTime":"2026-11-21T10:01:00Z"}],
        "initContainerStatuses":[{"name":"get","restartCount":0,"state":{"terminated":{"exitCode":0,
            "startedAt":"2026-11-21T10:01:09Z","finishedAt":"2026-11-21T10:01:19Z"}}},
            {"name":"log","restartCount":0,"started":true,"state":{"running":{"startedAt":"2026-11-21T10:01:20Z"}}}],
        "containerStatuses":[{"name":"main","restartCount":1,"state":{"running":{"startedAt":"2026-11-21T10:09:00Z"}},
            "lastState":{"terminated":{"exitCode":1,"startedAt":"2026-11-21T10:02:00Z",
                "finishedAt":"2026-11-21T10:08:00Z"}}},
            {"name":"side","restartCount":0,"state":{"waiting":{"reason":"ErrImagePull","message":"not found"}}}]}"#;
    let start = read_pod("", spec, status).start.unwrap();
    assert_eq!((start.scheduled, start.sandbox, start.ready), (second("01:00"), second("01:04"), None));
    assert!(!start.is_over() && start.is_ready_when_started && start.gates == Gates::None);
    let parts: Vec<_> = start.containers.iter().map(|one| (one.name.as_str(), one.role)).collect();
    let roles = [ContainerRole::Init, ContainerRole::Sidecar, ContainerRole::Main, ContainerRole::Main];
    assert_eq!(parts, ["get", "log", "main", "side"].into_iter().zip(roles).collect::<Vec<_>>());
    let [get, log, main, side] = &start.containers[..] else { panic!("four containers") };
    assert_eq!((get.first_start(), get.finished, get.image.as_str()), (second("01:09"), second("01:19"), "get:1"));
    assert_eq!((log.first_start(), log.finished), (second("01:20"), None));
    assert_eq!((main.first_start(), main.is_first_start, main.restarts), (second("02:00"), true, 1));
    let waiting = side.waiting.as_ref().unwrap();
    assert_eq!((side.first_start(), &*waiting.reason, &*waiting.message), (None, "ErrImagePull", "not found"));
}

#[test]
fn a_retry_of_an_init_container_does_not_hide_when_a_pod_was_ready() {
    let ready = |init_policy: &str, restarts: (u32, u32)| {
        let spec = format!(
            r#"{{"nodeName":"n","initContainers":[{{"name":"i","image":"i:1"{init_policy}}}],
            "containers":[{{"name":"c","image":"c:1"}}]}}"#
        );
        let run = |from: &str, to: &str, code: i64| {
            format!(
                r#"{{"terminated":{{"exitCode":{code},"startedAt":"2026-11-21T10:{from}Z","finishedAt":"2026-11-21T10:{to}Z"}}}}"#
            )
        };
        let status = format!(
            r#"{{"phase":"Running","conditions":[{{"type":"Ready","status":"True",
            "lastTransitionTime":"2026-11-21T10:03:00Z"}}],
            "initContainerStatuses":[{{"name":"i","restartCount":{},"lastState":{},"state":{}}}],
            "containerStatuses":[{{"name":"c","restartCount":{},"state":{{"running":{{"startedAt":"2026-11-21T10:02:00Z"}}}}}}]}}"#,
            restarts.0,
            run("01:00", "01:05", 1),
            run("01:10", "01:20", 0),
            restarts.1
        );
        let start = read_pod("", &spec, &status).start.unwrap();
        (start.ready.is_some(), start.containers[0].finished, start.containers[0].first_start())
    };
    let second = |text: &str| Some(Second::from(Time::parse(&format!("2026-11-21T10:{text}Z")).unwrap()));
    assert_eq!(ready("", (1, 0)), (true, second("01:20"), second("01:00")));
    assert!(!ready("", (1, 1)).0, "a main container has been started again");
    assert!(!ready(r#","restartPolicy":"Always""#, (1, 0)).0, "one beside the main containers has");
}

#[test]
fn an_init_container_first_ended_well_before_its_node_was_rebooted() {
    let spec =
        r#"{"nodeName":"n","initContainers":[{"name":"i","image":"i:1"}],"containers":[{"name":"c","image":"c:1"}]}"#;
    let status = r#"{"phase":"Running","initContainerStatuses":[{"name":"i","restartCount":1,
        "lastState":{"terminated":{"exitCode":0,"startedAt":"2026-11-21T10:01:00Z","finishedAt":"2026-11-21T10:01:05Z"}},
        "state":{"terminated":{"exitCode":0,"startedAt":"2026-11-21T12:00:00Z","finishedAt":"2026-11-21T12:00:09Z"}}}]}"#;
    let start = read_pod("", spec, status).start.unwrap();
    assert_eq!(start.containers[0].finished, Time::parse("2026-11-21T10:01:05Z").map(Second::from));
}

#[test]
fn whether_a_pod_was_ready_before_is_told_by_its_condition() {
    let spec = r#"{"nodeName":"n","containers":[{"name":"c","image":"c:1"}]}"#;
    let status = |phase: &str, ready: &str, since: &str, restarts: u32| {
        format!(
            r#"{{"phase":"{phase}","conditions":[{{"type":"Ready","status":"{ready}",
            "lastTransitionTime":"2026-11-21T10:{since}Z"}}],"containerStatuses":[{{"name":"c","restartCount":{restarts},
            "state":{{"running":{{"startedAt":"2026-11-21T10:02:00Z"}}}}}}]}}"#
        )
    };
    for (phase, ready, since, restarts, want) in [
        ("Running", "False", "01:00", 0, (false, false)),
        ("Running", "False", "30:00", 0, (false, true)),
        ("Running", "True", "02:01", 0, (true, true)),
        ("Running", "True", "30:00", 3, (false, true)),
        ("Succeeded", "False", "30:00", 0, (false, true)),
    ] {
        let start = read_pod("", spec, &status(phase, ready, since, restarts)).start.unwrap();
        assert_eq!((start.ready.is_some(), start.is_over()), want, "{phase} {ready} {since} {restarts}");
    }
}

#[test]
fn gates_and_probes_of_a_pod_are_read_and_pods_of_daemon_sets_have_no_start() {
    let start = |more: &str, spec: &str| read_pod(more, spec, "{}").start;
    let plain = start("", r#"{"containers":[{"name":"c","image":"c"}]}"#).unwrap();
    assert_eq!((plain.containers.len(), plain.is_ready_when_started), (1, true));
    let gated = start("", r#"{"schedulingGates":[{"name":"kueue.x-k8s.io/admission"}]}"#).unwrap();
    assert_eq!(gated.gates, Gates::Closed);
    for spec in [
        r#"{"containers":[{"name":"c","readinessProbe":{"httpGet":{"port":80}}}]}"#,
        r#"{"containers":[{"name":"c","startupProbe":{"exec":{"command":["x"]}}}]}"#,
        r#"{"initContainers":[{"name":"s","restartPolicy":"Always","startupProbe":{}}]}"#,
        r#"{"readinessGates":[{"conditionType":"x"}]}"#,
    ] {
        assert!(!start("", spec).unwrap().is_ready_when_started, "{spec}");
    }
    for (api, kind) in [("apps/v1", "DaemonSet"), ("v1", "Node")] {
        let owner = format!(r#","ownerReferences":[{{"apiVersion":"{api}","kind":"{kind}","name":"o","uid":"u"}}]"#);
        assert_eq!(start(&owner, "{}"), None);
    }
}

#[test]
fn events_of_both_recorder_apis_are_read() {
    let old = format!(
        r#"{{{},"involvedObject":{{"kind":"Node","name":"n1"}},"reason":"DisruptionBlocked","type":"Normal","count":7,
        "message":"Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=ml/p)","source":{{"component":"karpenter"}},
        "firstTimestamp":"2026-11-21T10:00:00Z","lastTimestamp":"2026-11-21T10:20:00Z","eventTime":null,"series":null}}"#,
        meta("")
    );
    let row = event(old.as_bytes(), &mut Interner::default()).unwrap();
    assert_eq!((row.at, row.count), (Time::parse("2026-11-21T10:20:00Z").unwrap(), 7));
    assert_eq!((row.kind, row.class), (EventType::Normal, EventClass::Blocked));
    assert_eq!(row.object.key, ObjectKey::cluster("n1"));

    let new = format!(
        r#"{{{},"involvedObject":{{"kind":"Pod","namespace":"ml","name":"p"}},"reason":"FailedScheduling","type":"Warning",
        "reportingComponent":"default-scheduler","source":{{}},"firstTimestamp":null,"lastTimestamp":null,
        "eventTime":"2026-11-21T10:00:00.123456Z","series":{{"count":3,"lastObservedTime":"2026-11-21T10:09:00.000001Z"}}}}"#,
        meta("")
    );
    let row = event(new.as_bytes(), &mut Interner::default()).unwrap();
    assert_eq!((row.at, row.count), (Time::parse("2026-11-21T10:09:00.000001Z").unwrap(), 3));
    assert_eq!((row.source.as_str(), row.class), ("default-scheduler", EventClass::Scheduling));

    let bare = format!(r#"{{{},"reason":"Odd"}}"#, meta(""));
    let row = event(bare.as_bytes(), &mut Interner::default()).unwrap();
    assert_eq!((row.at, row.count, row.class), (row.meta.created, 1, EventClass::Other));
}

#[test]
fn pdbs_deployments_replica_sets_namespaces_and_node_classes_are_read() {
    let mut interner = Interner::default();
    let budget = format!(
        r#"{{{},"status":{{"disruptionsAllowed":0,"currentHealthy":2,"desiredHealthy":2,"expectedPods":2}}}}"#,
        meta("")
    );
    let row = disruption_budget(budget.as_bytes(), &mut interner).unwrap();
    assert_eq!((row.disruptions_allowed, row.expected_pods), (0, 2));
    let deployment = format!(
        r#"{{{},"spec":{{"template":{{"spec":{{"containers":[{{"name":"istio","image":"i"}},{{"name":"controller","image":"public.ecr.aws/karpenter/controller:1.14.1"}}]}}}}}}}}"#,
        meta("")
    );
    let row = controller(deployment.as_bytes(), &mut interner).unwrap();
    assert!(row.image.ends_with(":1.14.1") && row.replicas == 1);
    let stopped = deployment.replace(r#""spec":{"template""#, r#""spec":{"replicas":0,"template""#);
    assert_eq!(controller(stopped.as_bytes(), &mut interner).unwrap().replicas, 0);
    let bare = format!("{{{}}}", meta(""));
    assert!(replica_set(bare.as_bytes(), &mut interner).unwrap().owner.is_none());
    assert!(namespace(bare.as_bytes(), &mut interner).is_ok());
    assert!(node_overlay(bare.as_bytes(), &mut interner).is_ok());
    assert!(node_class(bare.as_bytes(), &mut interner).unwrap().conditions.is_empty());
}

fn pod_json(name: &str, phase: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"{name}","namespace":"ml","uid":"u-{name}","creationTimestamp":"2026-11-21T10:00:00Z"}},"status":{{"phase":{phase}}}}}"#
    )
}

#[test]
fn an_undecodable_object_does_not_fail_its_page() {
    let page_json = format!(
        r#"{{"kind":"PodList","metadata":{{"resourceVersion":"12","continue":"abc","remainingItemCount":9}},"items":[{},{},{}]}}"#,
        pod_json("a", "\"Running\""),
        pod_json("b", "{}"),
        pod_json("c", "\"Pending\"")
    );
    let mut undecodable = Undecodable::default();
    let page = page(Kind::Pod, page_json.as_bytes(), &mut Interner::default(), &mut undecodable).unwrap();
    assert_eq!((page.objects, undecodable.count()), (3, 1));
    undecodable.remove(&ObjectKey::new("ml", "b"));
    assert_eq!(undecodable.count(), 0, "it is known by its key");
    assert_eq!((page.resource_version.as_str(), page.continue_token.as_str()), ("12", "abc"));
    let [Delta::Pods(changes)] = &page.deltas[..] else { panic!("not pods") };
    assert_eq!(changes.len(), 2);
    assert!(matches!(page_of(Kind::Pod, r#"{"items":["#), Err(NoPage::Json(_))));
}

fn page_of(kind: Kind, json: &str) -> Result<Page, NoPage> {
    page(kind, json.as_bytes(), &mut Interner::default(), &mut Undecodable::default())
}

#[test]
fn only_a_list_of_the_requested_kind_is_accepted() {
    let is_empty_list = |kind: Kind, list_kind: &str, api_version: &str, rest: &str| {
        let json = format!(r#"{{"metadata":{{}},"apiVersion":"{api_version}"{rest},"kind":"{list_kind}"}}"#);
        page_of(kind, &json).is_ok_and(|page| page.objects == 0)
    };
    let items = r#","items":[]"#;
    assert!(is_empty_list(Kind::Pod, "PodList", "v1", items));
    assert!(is_empty_list(Kind::Pod, "PodList", "v1", r#","items":null"#), "a slice that Go never made");
    assert!(is_empty_list(Kind::Job, "JobList", "batch/v1", items));
    assert!(is_empty_list(Kind::ReplicaSet, "PartialObjectMetadataList", "meta.k8s.io/v1", items));
    assert!(is_empty_list(Kind::ReplicaSet, "ReplicaSetList", "apps/v1", items), "where metadata alone is not served");
    assert!(is_empty_list(Kind::NodePool, "NodePoolList", "karpenter.sh/v1beta1", items));
    assert!(is_empty_list(Kind::NodePool, "PoolsList", "karpenter.sh/v1", items), "a listKind of its own");
    for (kind, list_kind, api_version, rest) in [
        (Kind::Pod, "PodList", "v1", ""),
        (Kind::Pod, "PodList", "v1", r#","items":{}"#),
        (Kind::Pod, "PodList", "example.com/v1", items),
        (Kind::Pod, "ConfigMapList", "v1", items),
        (Kind::Pod, "PartialObjectMetadataList", "meta.k8s.io/v1", items),
        (Kind::Pod, "Pod", "v1", items),
        (Kind::Pod, "List", "v1", items),
        (Kind::Pod, "", "v1", items),
        (Kind::Pod, "Status", "v1", items),
        (Kind::NodePool, "NodePool", "karpenter.sh/v1", items),
        (Kind::NodePool, "ConfigMapList", "v1", items),
    ] {
        assert!(!is_empty_list(kind, list_kind, api_version, rest), "{list_kind} of {api_version} {rest}");
    }
    let positions = r#"["PodList","v1",{},[]]"#;
    for body in ["", "[]", " []", positions, "null", "\"PodList\"", "{}", r#"{"items":[]}"#, r#"{"error":"no"}"#] {
        assert!(page_of(Kind::Pod, body).is_err(), "{body}");
    }
    let status = r#"{"kind":"Status","apiVersion":"v1","code":410,"reason":"Expired","message":"too old"}"#;
    assert!(matches!(page_of(Kind::Pod, status), Err(NoPage::Status(status)) if status.code == 410));
}

#[test]
fn a_batch_keeps_its_order_and_removes_objects_that_became_undecodable() {
    let (good, bad) = (pod_json("a", "\"Running\""), pod_json("b", "{}"));
    let raw = [
        RawChange::Begin,
        RawChange::Upsert(good.as_bytes()),
        RawChange::Upsert(bad.as_bytes()),
        RawChange::Upsert(b"[]"),
        RawChange::Commit,
        RawChange::Remove(ObjectKey::new("ml", "a")),
    ];
    let (delta, undecodable) = delta(Kind::Pod, &raw, &mut Interner::default());
    let Delta::Pods(changes) = delta else { panic!("not pods") };
    assert_eq!(undecodable, 2);
    assert!(matches!(
        &changes[..],
        [Change::Begin, Change::Upsert(a), Change::Remove(b), Change::Commit, Change::Remove(c)]
            if &*a.meta.key.name == "a" && &*b.name == "b" && &*c.name == "a"
    ));
}

#[test]
fn watch_events_are_read_by_their_type() {
    let mut interner = Interner::default();
    let mut read = |kind: &str, object: &str| {
        let line = format!(r#"{{"type":"{kind}","object":{object}}}"#);
        format!("{:?}", watch_event(Kind::ReplicaSet, &line, &mut interner).unwrap())
    };
    let object = r#"{"kind":"PartialObjectMetadata","metadata":{"name":"x","namespace":"ml","resourceVersion":"9"}}"#;
    assert!(read("ADDED", object).contains("Upsert"));
    assert!(read("MODIFIED", object).contains("Upsert"));
    assert!(read("DELETED", object).contains("Remove(ml/x)"));
    assert!(read("BOOKMARK", r#"{"kind":"ReplicaSet","metadata":{"resourceVersion":"10"}}"#).contains("10"));
    let expired = r#"{"kind":"Status","code":410,"reason":"Expired","message":"too old resource version"}"#;
    assert!(read("ERROR", expired).contains("410"));
}

#[test]
fn a_pod_row_keeps_the_owners_priority_and_cost_that_eviction_depends_on() {
    let owned = |api: &str, kind: &str| {
        format!(
            r#","ownerReferences":[{{"apiVersion":"v1","kind":"X","name":"a","uid":"u","controller":true}},
        {{"apiVersion":"{api}","kind":"{kind}","name":"b","uid":"v"}}]"#
        )
    };
    let of = |api: &str, kind: &str| {
        let eviction = read_pod(&owned(api, kind), ONE, "{}").eviction;
        (eviction.of_daemon_set, eviction.of_stateful_set, eviction.of_node)
    };
    assert_eq!(of("apps/v1", "DaemonSet"), (true, false, false), "an owner need not be the controller");
    assert_eq!(of("apps/v1", "StatefulSet"), (false, true, false));
    assert_eq!(of("v1", "Node"), (false, false, true));
    assert_eq!(of("apps.kruise.io/v1alpha1", "DaemonSet"), (false, false, false));
    let cost = r#","annotations":{"controller.kubernetes.io/pod-deletion-cost":"-5"}"#;
    let row =
        read_pod(cost, r#"{"priority":-7,"containers":[]}"#, r#"{"conditions":[{"type":"Ready","status":"False"}]}"#);
    assert_eq!((row.eviction.priority, row.eviction.deletion_cost.as_deref()), (-7, Some("-5")));
    assert!(row.eviction.unready);
    let unknown = read_pod("", ONE, r#"{"conditions":[{"type":"Ready","status":"Unknown"}]}"#);
    assert_eq!(*unknown.eviction, crate::fleet::Eviction::default());
}

/// What a pod demands of a node, of the JSON of its spec and status.
fn placement_of(metadata: &str, spec: &str, status: &str) -> crate::fleet::Placement {
    (*read_pod(metadata, spec, status).placement).clone()
}

#[test]
fn what_a_pod_demands_of_a_node_is_kept() {
    use crate::fleet::{HostPort, NodeOperator, NodeRequirement, Placement, Toleration};
    let sym = crate::fleet::Sym::new;
    let spec = r#"{"nodeSelector":{"b":"2","a":"1"},
        "affinity":{"podAffinity":{},"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[],
            "requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[
                {"matchExpressions":[{"key":"k","operator":"NotIn","values":["v","w"]},{"key":"l","operator":"Gt","values":["3"]}]},
                {"matchFields":[{"key":"metadata.name","operator":"In","values":["n"]}]}]}}},
        "tolerations":[{"key":"t","operator":"Exists","effect":"NoSchedule"}],
        "volumes":[{"name":"a","emptyDir":{}},{"name":"b","persistentVolumeClaim":{"claimName":"c"}}],
        "initContainers":[{"name":"i","ports":[{"hostPort":70}]}],
        "containers":[{"name":"c","ports":[{"containerPort":80},{"containerPort":81,"hostPort":81,"hostIP":"10.0.0.1"}]}]}"#;
    let required = |key: &str, operator, values: &[&str]| NodeRequirement {
        key: sym(key),
        operator,
        values: values.iter().map(|value| sym(value)).collect(),
    };
    let toleration = Toleration { key: sym("t"), operator: sym("Exists"), value: sym(""), effect: sym("NoSchedule") };
    let of_its_node = Placement {
        host_ports: vec![HostPort { port: 81, protocol: sym("TCP"), address: sym("10.0.0.1") }],
        claims_volumes: true,
        ..Placement::default()
    };
    let whole = Placement {
        tolerations: vec![toleration],
        node_selector: vec![(sym("a"), sym("1")), (sym("b"), sym("2"))],
        node_affinity: vec![
            vec![required("k", NodeOperator::NotIn, &["v", "w"]), required("l", NodeOperator::Other, &["3"])],
            Vec::new(),
        ],
        ..of_its_node.clone()
    };
    assert_eq!(placement_of("", spec, "{}"), whole);
    let of_daemon_set = r#","ownerReferences":[{"apiVersion":"apps/v1","kind":"DaemonSet","name":"d","uid":"u"}]"#;
    assert_eq!(placement_of(of_daemon_set, spec, "{}"), of_its_node, "it belongs to its node");
    assert_eq!(placement_of("", ONE, "{}"), Placement::default());
    let ephemeral = r#"{"containers":[],"volumes":[{"name":"e","ephemeral":{"volumeClaimTemplate":{}}}]}"#;
    assert!(placement_of("", ephemeral, "{}").claims_volumes);
}

#[test]
fn what_a_pod_wishes_of_capacity_types_is_told() {
    let of = |spec: &str| placement_of("", &format!("{{{spec},\"containers\":[]}}"), "{}").steers_capacity_type;
    let affinity = |kind: &str, rule: &str, terms: &str| {
        format!(r#""affinity":{{"{kind}":{{"{rule}DuringSchedulingIgnoredDuringExecution":[{terms}]}}}}"#)
    };
    let (key, other) = ("karpenter.sh/capacity-type", "topology.kubernetes.io/zone");
    for (key, want) in [(key, true), (other, false)] {
        let node =
            format!(r#"{{"weight":1,"preference":{{"matchExpressions":[{{"key":"{key}","operator":"Exists"}}]}}}}"#);
        let pods = format!(r#"{{"topologyKey":"{key}"}}"#);
        let weighted = format!(r#"{{"weight":1,"podAffinityTerm":{pods}}}"#);
        assert_eq!(of(&affinity("nodeAffinity", "preferred", &node)), want, "{key}");
        for kind in ["podAffinity", "podAntiAffinity"] {
            assert_eq!(of(&affinity(kind, "required", &pods)), want, "{kind} {key}");
            assert_eq!(of(&affinity(kind, "preferred", &weighted)), want, "{kind} {key}");
        }
        assert_eq!(of(&format!(r#""topologySpreadConstraints":[{pods}]"#)), want, "{key}");
    }
    let required = r#""affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[
        {"matchExpressions":[{"key":"karpenter.sh/capacity-type","operator":"In","values":["spot"]}]}]}}}"#;
    assert!(!of(required), "what is required is kept by itself");
}

#[test]
fn requests_about_which_versions_differ_are_doubtful() {
    let spec = r#"{"containers":[{"name":"c","resources":{"requests":{"cpu":"1"}}}]}"#;
    let status =
        |cpu: &str| format!(r#"{{"containerStatuses":[{{"name":"c","resources":{{"requests":{{"cpu":"{cpu}"}}}}}}]}}"#);
    assert!(!placement_of("", spec, &status("1")).has_doubtful_requests);
    assert!(!placement_of("", spec, &status("1000m")).has_doubtful_requests);
    assert!(placement_of("", spec, &status("2")).has_doubtful_requests, "it is being made smaller");
    assert!(placement_of("", spec, &status("500m")).has_doubtful_requests, "it is being made larger");
    let whole = r#"{"resources":{"requests":{"memory":"1Gi"}},"containers":[]}"#;
    assert!(placement_of("", whole, "{}").has_doubtful_requests, "for the whole pod");
}

#[test]
fn tolerations_of_the_disrupted_taint_are_recognised() {
    for (toleration, want) in [
        (r#"{"operator":"Exists"}"#, true),
        (r#"{"operator":"Exists","effect":"NoSchedule"}"#, true),
        (r#"{"operator":"Exists","effect":"NoExecute"}"#, false),
        (r#"{"key":"karpenter.sh/disrupted","operator":"Exists"}"#, true),
        (r#"{"key":"karpenter.sh/disrupted"}"#, true),
        (r#"{"key":"karpenter.sh/disrupted","value":"x"}"#, false),
        (r#"{"key":"other","operator":"Exists"}"#, false),
        (r#"{"key":"karpenter.sh/disrupted","operator":"Lt","value":"1"}"#, false),
    ] {
        let row = read_pod("", &format!(r#"{{"tolerations":[{toleration}],"containers":[]}}"#), "{}");
        assert_eq!(row.eviction.tolerates_disrupted, want, "{toleration}");
    }
}

fn read_budget(spec: &str) -> crate::fleet::DisruptionBudgetRow {
    let json = format!(r#"{{{},"spec":{spec},"status":{{"disruptionsAllowed":1}}}}"#, meta(""));
    disruption_budget(json.as_bytes(), &mut Interner::default()).unwrap()
}

#[test]
fn a_pdb_that_lets_no_pod_go_ever_is_told_from_one_that_lets_none_go_now() {
    for (spec, want) in [
        ("{}", false),
        (r#"{"maxUnavailable":0}"#, true),
        (r#"{"maxUnavailable":"0%"}"#, true),
        (r#"{"maxUnavailable":1}"#, false),
        (r#"{"maxUnavailable":"10%"}"#, false),
        (r#"{"minAvailable":"100%"}"#, true),
        (r#"{"minAvailable":"99%"}"#, false),
        (r#"{"minAvailable":100}"#, false),
        (r#"{"minAvailable":0}"#, false),
        (r#"{"minAvailable":null,"maxUnavailable":null}"#, false),
    ] {
        assert_eq!(read_budget(spec).blocks_fully, want, "{spec}");
    }
}

#[test]
fn a_pdb_selector_matches_as_in_kubernetes() {
    let labels = |pairs: &[(&str, &str)]| {
        crate::fleet::Labels::new(pairs.iter().map(|(key, value)| (Sym::new(key), Sym::new(value))).collect())
    };
    let api = labels(&[("app", "api"), ("tier", "")]);
    for (spec, want) in [
        ("{}", false),
        (r#"{"selector":{}}"#, true),
        (r#"{"selector":{"matchLabels":{"app":"api","tier":""}}}"#, true),
        (r#"{"selector":{"matchLabels":{"app":"web"}}}"#, false),
        (r#"{"selector":{"matchExpressions":[{"key":"app","operator":"In","values":["web","api"]}]}}"#, true),
        (r#"{"selector":{"matchExpressions":[{"key":"app","operator":"NotIn","values":["api"]}]}}"#, false),
        (r#"{"selector":{"matchExpressions":[{"key":"gone","operator":"DoesNotExist"}]}}"#, true),
        (r#"{"selector":{"matchExpressions":[{"key":"app","operator":"Like","values":["a"]}]}}"#, false),
    ] {
        assert_eq!(read_budget(spec).selector.matches(&api), want, "{spec}");
    }
    let broken = read_budget(r#"{"selector":{"matchExpressions":[{"key":"app","operator":"In"}]}}"#);
    let crate::fleet::PodSelector::Invalid(why) = broken.selector else { panic!("{broken:?}") };
    assert_eq!(why, "selector \"app In ()\": needs at least one value");
    assert!(read_budget(r#"{"unhealthyPodEvictionPolicy":"AlwaysAllow"}"#).always_allows_unhealthy);
}

#[test]
fn what_an_ec2_node_class_says_of_images_is_read() {
    let read = |spec: &str| {
        let json = format!(r#"{{{},"spec":{spec}}}"#, meta(""));
        kinds::Ec2NodeClasses::row(&serde_json::from_str(&json).unwrap(), &mut Interner::default()).unwrap().images
    };
    let found = read(
        r#"{"amiSelectorTerms":[{"alias":"bottlerocket@v1.44.0"}],"instanceStorePolicy":"RAID0","blockDeviceMappings":[
        {"deviceName":"/dev/xvda","ebs":{"volumeSize":"4Gi"}},{"deviceName":"/dev/xvdb","ebs":{"snapshotID":"snap-1",
        "volumeInitializationRate":300,"iops":4000,"throughput":500}}]}"#,
    );
    assert!(found.is_bottlerocket && found.uses_instance_store && found.snapshotter.is_none(), "{found:?}");
    assert_eq!(found.volumes.len(), 2);
    assert_eq!(found.volumes[0].snapshot, None);
    let data = &found.volumes[1];
    assert_eq!((&*data.device, data.snapshot.as_deref()), ("/dev/xvdb", Some("snap-1")));
    let rates = (data.initialization_mib_per_second, data.iops, data.throughput_mib_per_second);
    assert_eq!(rates, (Some(300), Some(4_000), Some(500)));
    assert!(read(r#"{"amiFamily":"Bottlerocket"}"#).is_bottlerocket);
    assert_eq!(read("null"), ImageSetup::default());
    assert_eq!(read(r#"{"amiSelectorTerms":[{"id":"ami-1"}],"userData":null}"#), ImageSetup::default());
}

#[test]
fn the_snapshotter_that_user_data_sets_up_is_known_by_the_words_of_its_documents() {
    use crate::fleet::Snapshotter::{Nydus, Soci, Stargz};
    let read = |user_data: &str| {
        let json = format!(r#"{{{},"spec":{{"userData":{}}}}}"#, meta(""), serde_json::json!(user_data));
        let row = kinds::Ec2NodeClasses::row(&serde_json::from_str(&json).unwrap(), &mut Interner::default());
        row.unwrap().images.snapshotter
    };
    let long = format!("{}\n    FastImagePull: true\n", "# filler\n".repeat(1_000));
    for (user_data, found) in [
        ("apiVersion: node.eks.aws/v1alpha1\nspec:\n  featureGates:\n    FastImagePull: true\n", Some(Soci)),
        (&long, Some(Soci)),
        ("    FastImagePull: false\n", None),
        ("# FastImagePull: true\n", None),
        ("[settings.container-runtime]\nsnapshotter = \"soci\"\n", Some(Soci)),
        ("[proxy_plugins.soci]\n  type = \"snapshot\"", Some(Soci)),
        ("systemctl enable --now soci-snapshotter-grpc", Some(Soci)),
        ("[proxy_plugins]\n[proxy_plugins.stargz]", Some(Stargz)),
        ("snapshotter = 'nydus'", Some(Nydus)),
        ("echo hello", None),
        ("", None),
    ] {
        assert_eq!(read(user_data), found, "{user_data}");
    }
}

#[test]
fn capacity_block_ends_and_feature_gates_are_read() {
    let json = format!(
        r#"{{{},"status":{{"capacityReservations":[{{"id":"cr-1","reservationType":"capacity-block",
        "endTime":"2026-12-01T11:30:00Z"}},{{"id":"cr-2","reservationType":"default"}}]}}}}"#,
        meta("")
    );
    let class = kinds::Ec2NodeClasses::row(&serde_json::from_str(&json).unwrap(), &mut Interner::default()).unwrap();
    let ends: Vec<_> =
        class.reservations.iter().map(|one| (one.id.as_str(), one.is_capacity_block, one.ends_at)).collect();
    assert_eq!(ends, [("cr-1", true, Time::parse("2026-12-01T11:30:00Z").unwrap())]);
    let json = format!(
        r#"{{{},"spec":{{"template":{{"spec":{{"containers":[{{"name":"mesh","image":"m"}},{{"name":"controller",
        "image":"k:1.14.1","env":[{{"name":"FEATURE_GATES","value":"NodeRepair=true"}}]}}]}}}}}}}}"#,
        meta("")
    );
    let row = kinds::Controllers::row(&serde_json::from_str(&json).unwrap(), &mut Interner::default()).unwrap();
    assert_eq!((row.image.as_str(), row.feature_gates.as_deref()), ("k:1.14.1", Some("NodeRepair=true")));
}

#[test]
fn feature_gates_may_be_set_where_they_are_not_seen() {
    let hides = |container: &str| {
        let json = format!(
            r#"{{{},"spec":{{"template":{{"spec":{{"containers":[{{"name":"controller","image":"k"{container}}}]}}}}}}}}"#,
            meta("")
        );
        controller(json.as_bytes(), &mut Interner::default()).unwrap().hides_feature_gates
    };
    for (container, want) in [
        ("", false),
        (r#","env":[{"name":"FEATURE_GATES","value":""}]"#, false),
        (r#","env":[{"name":"FEATURE_GATES","valueFrom":{"configMapKeyRef":{"name":"g"}}}]"#, true),
        (r#","envFrom":[{"configMapRef":{"name":"g"}}]"#, true),
        // What is set by name goes first.
        (r#","envFrom":[{"configMapRef":{"name":"g"}}],"env":[{"name":"FEATURE_GATES","value":"A=true"}]"#, false),
        (r#","envFrom":[],"args":["--log-level=debug"]"#, false),
        (r#","args":["--feature-gates=SpotToSpotConsolidation=true"]"#, true),
        (r#","command":["/karpenter","-feature-gates","A=true"]"#, true),
    ] {
        assert_eq!(hides(container), want, "{container}");
    }
}

#[test]
fn an_interruption_queue_is_a_flag_or_an_environment_variable_with_a_value() {
    let controller = |container: &str| {
        let json = format!(
            r#"{{{},"spec":{{"template":{{"spec":{{"containers":[{{"name":"mesh","args":["--interruption-queue=q"]}},
            {{"name":"controller","image":"k:1.14.1"{container}}}]}}}}}}}}"#,
            meta("")
        );
        in_both_encodings::<kinds::Controllers>(json.as_bytes(), &mut Interner::default()).unwrap()
    };
    for (container, wanted) in [
        ("", false),
        (r#","env":[{"name":"INTERRUPTION_QUEUE","value":"prod"}]"#, true),
        (r#","env":[{"name":"INTERRUPTION_QUEUE","value":""}]"#, false),
        (r#","env":[{"name":"INTERRUPTION_QUEUE"}]"#, false),
        (r#","env":[{"name":"INTERRUPTION_QUEUE","valueFrom":{"configMapKeyRef":{"name":"c","key":"k"}}}]"#, true),
        (r#","args":["--interruption-queue=prod"]"#, true),
        (r#","args":["--interruption-queue="]"#, false),
        (r#","args":["--log-level","debug","--interruption-queue","prod"]"#, true),
        (r#","command":["/karpenter","--interruption-queue=prod"]"#, true),
        (r#","args":["--interruption-queue-name=prod"]"#, false),
    ] {
        assert_eq!(controller(container).has_interruption_queue, wanted, "{container}");
    }
}

#[test]
fn groups_of_pods_need_the_members_that_they_declare() {
    let read = |decode: fn(&[u8], &mut Interner) -> Result<GangRow, DecodeError>, body: &str| {
        decode(format!("{{{},{body}}}", meta("")).as_bytes(), &mut Interner::default()).unwrap().min_member
    };
    assert_eq!(
        read(pod_group, r#""spec":{"minMember":8,"scheduleTimeoutSeconds":60},"status":{"phase":"Running"}"#),
        8
    );
    assert_eq!(read(volcano_pod_group, r#""spec":{"minMember":4,"queue":"default","minTaskMember":{"w":3}}"#), 4);
    assert_eq!(read(pod_group, r#""spec":null"#), 0);
    let job_sets = r#""spec":{"replicatedJobs":[
        {"name":"driver","template":{"spec":{"template":{}}}},
        {"name":"workers","replicas":2,"template":{"spec":{"parallelism":4,"completions":4}}}]}"#;
    assert_eq!((read(job_set, job_sets), read(job_set, r#""spec":{"suspend":true}"#)), (9, 0));
}

#[test]
fn annotations_with_a_time_are_kept_but_those_of_kubernetes() {
    let annotations = r#","annotations":{"example.com/last-checkpoint":"2026-11-21T10:00:00Z","a":"2026-11-21",
        "kubectl.kubernetes.io/restartedAt":"2026-11-21T10:00:00Z","saved":"2026-11-21T12:00:00.5+01:00","b":"\u0041",
        "scheduling.k8s.io/group-name":"podgroup-1"}"#;
    let row = read_pod(annotations, "{}", "{}");
    let stamps: Vec<String> = row.stamps().iter().map(|(key, at)| format!("{key} {at}")).collect();
    assert_eq!(stamps, ["example.com/last-checkpoint 2026-11-21T10:00:00Z", "saved 2026-11-21T11:00:00.5Z"]);
    assert_eq!(row.volcano_group().map(Sym::as_str), Some("podgroup-1"));
    assert_eq!(read_pod("", "{}", "{}").rare, None);
    let many: Vec<String> = (0..9).map(|n| format!(r#""k{n}":"2026-11-21T10:00:00Z""#)).collect();
    assert_eq!(read_pod(&format!(r#","annotations":{{{}}}"#, many.join(",")), "{}", "{}").stamps().len(), 4);
}

fn read_workload(body: &str) -> Result<WorkloadRow, DecodeError> {
    let owners = r#","ownerReferences":[{"apiVersion":"batch/v1","kind":"Job","name":"train","uid":"u2",
        "controller":true,"blockOwnerDeletion":true}]"#;
    workload(format!("{{{},{body}}}", meta(owners)).as_bytes(), &mut Interner::default())
}

#[test]
fn both_versions_of_a_kueue_workload_are_read() {
    let message = "couldn't assign flavors to pod set main: insufficient unused quota for nvidia.com/gpu in flavor \
                   h100, 8 more needed";
    let v1beta2 = format!(
        r#""spec":{{"queueName":"research","priority":100,"priorityClassRef":{{"group":"kueue.x-k8s.io",
        "kind":"WorkloadPriorityClass","name":"high"}},"active":true,"podSets":[{{"name":"main","count":2,"template":
        {{"spec":{{"containers":[{{"name":"c","resources":{{"requests":{{"nvidia.com/gpu":"4"}}}}}}]}}}}}}]}},
        "status":{{"conditions":[{{"type":"QuotaReserved","status":"False","reason":"WaitingForQuota",
        "message":"{message}","observedGeneration":1,"lastTransitionTime":"2026-11-21T10:00:01Z"}}],
        "resourceRequests":[{{"name":"main","resources":{{"nvidia.com/gpu":"8"}}}}]}}"#
    );
    let row = read_workload(&v1beta2).unwrap();
    assert_eq!(row.meta.key, ObjectKey::new("ml", "x"));
    assert_eq!(row.owner.map(|owner| (owner.is_batch_job(), owner.uid.clone())), Some((true, Uid::parse("u2"))));
    assert_eq!((row.queue.as_deref(), row.is_active), (Some("research"), true));
    let [condition] = &row.conditions[..] else { panic!("{:?}", row.conditions) };
    assert_eq!((condition.status, condition.reason.as_str()), (Status::False, "WaitingForQuota"));
    assert_eq!(condition.message.as_str(), message);

    let v1beta1 = r#""spec":{"queueName":"research","priorityClassName":"high","priorityClassSource":
        "kueue.x-k8s.io/workloadpriorityclass","active":false,"podSets":[]},"status":{"admission":null,"conditions":[
        {"type":"QuotaReserved","status":"False","reason":"Pending","message":"The workload is deactivated",
        "lastTransitionTime":"2026-11-21T10:00:01Z"}]}"#;
    let row = read_workload(v1beta1).unwrap();
    assert_eq!((row.queue.as_deref(), row.is_active), (Some("research"), false));
    assert_eq!(row.conditions[0].message.as_str(), "The workload is deactivated");
}

#[test]
fn an_empty_kueue_workload_is_active_and_a_mistyped_one_is_an_error() {
    for body in [
        r#""spec":{}"#,
        r#""spec":null,"status":null"#,
        r#""spec":{"queueName":"","active":null},"status":{"conditions":null}"#,
    ] {
        let row = read_workload(body).unwrap();
        assert_eq!((row.queue, row.is_active, row.conditions), (None, true, Vec::new()), "{body}");
    }
    for body in [
        r#""spec":{"active":"yes"}"#,
        r#""spec":{"queueName":["research"]}"#,
        r#""status":{"conditions":{}}"#,
        r#""status":{"conditions":[{"type":"QuotaReserved","lastTransitionTime":"noon"}]}"#,
    ] {
        assert!(read_workload(body).is_err(), "{body}");
    }
}

/// What [`object`] of a kind says of the least an object of that kind may have.
struct Least<'a>(&'a [u8]);

impl ForKind for Least<'_> {
    type Out = (Kind, Result<Delta, DecodeError>);

    fn run<P: Project>(self) -> Self::Out {
        let row = object::<P>(self.0, &mut Interner::default());
        (P::KIND, row.map(|row| P::delta(vec![Change::Upsert(row)])))
    }
}

#[test]
fn every_kind_is_decoded_into_its_own_fleet_table() {
    for wanted in Kind::ALL {
        let json = format!(r#"{{"kind":"{}",{}}}"#, wanted.name(), meta(""));
        let (kind, decoded) = dispatch(wanted, Least(json.as_bytes()));
        assert_eq!(kind, wanted);
        let mut fleet = Fleet::default();
        let changed = fleet.apply(decoded.unwrap_or_else(|error| panic!("{wanted:?}: {error}")));
        assert!(changed.kinds.iter().eq([&wanted]), "{:?}", changed.kinds);
        let kind = list_kind(wanted);
        let list = format!(r#"{{"kind":"{kind}","metadata":{{"resourceVersion":"8"}},"items":[{json},{json}]}}"#);
        let mut undecodable = Undecodable::default();
        let page = page(wanted, list.as_bytes(), &mut Interner::default(), &mut undecodable).unwrap();
        assert_eq!((page.objects, undecodable.count(), page.deltas.len()), (2, 0, 1), "{wanted:?}");
        assert!(dispatch(wanted, Least(b"{}")).1.is_err(), "{wanted:?} without metadata is no object");
    }
}

/// An object of each kind with a text in every place where one is read.
fn full(kind: Kind) -> serde_json::Value {
    let condition = serde_json::json!([{"type": "Ready", "status": "False", "reason": "r", "message": "m",
        "lastTransitionTime": "2026-11-21T10:00:00Z"}, {"type": "PodScheduled", "status": "False", "message": "m"}]);
    let container = serde_json::json!([{"name": "controller", "image": "i", "restartPolicy": "Always",
        "env": [{"name": "FEATURE_GATES", "value": "v"}], "ports": [{"hostPort": 80, "protocol": "p", "hostIP": "h"}],
        "resources": {"requests": {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "1"}, "limits": {"cpu": "1"}}}]);
    let status = serde_json::json!([{"name": "c", "state": {"waiting": {"reason": "r", "message": "m"}},
        "lastState": {"terminated": {"reason": "r", "exitCode": 1}}}]);
    let metadata = serde_json::json!({"name": "x", "namespace": "ml", "uid": "u", "resourceVersion": "7",
        "creationTimestamp": "2026-11-21T10:00:00Z", "labels": {"a": "b"},
        "annotations": {"karpenter.sh/do-not-disrupt": "true", "CapacityProvisioned": "1vCPU",
            "controller.kubernetes.io/pod-deletion-cost": "1"},
        "ownerReferences": [{"apiVersion": "v1", "kind": "Job", "name": "j", "uid": "u", "controller": true}]});
    let pod_spec = serde_json::json!({"nodeName": "n", "containers": container, "initContainers": container,
        "nodeSelector": {"k": "v"}, "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
            {"nodeSelectorTerms": [{"matchExpressions": [{"key": "k", "operator": "In", "values": ["v"]}]}]}}},
        "tolerations": [{"key": "k", "operator": "o", "value": "v", "effect": "e"}]});
    let class = serde_json::json!({"group": "g", "kind": "k", "name": "n"});
    let expressions = serde_json::json!([{"key": "k", "operator": "In", "values": ["v"]}]);
    serde_json::json!({
        "kind": kind.name(), "metadata": metadata,
        "involvedObject": {"kind": "k", "namespace": "ns", "name": "n"}, "reason": "r", "message": "m", "type": "Normal",
        "source": {"component": "c", "host": "h"}, "reportingComponent": "p",
        "spec": match kind {
            Kind::Pod => pod_spec.clone(),
            Kind::Node => serde_json::json!({"providerID": "p", "taints": [{"key": "k", "value": "v", "effect": "e"}]}),
            Kind::Job | Kind::KarpenterDeployment => serde_json::json!({"template": {"metadata": metadata, "spec": pod_spec}}),
            Kind::CronJob => serde_json::json!({"schedule": "s", "timeZone": "z"}),
            Kind::NodeClaim => serde_json::json!({"nodeClassRef": class, "expireAfter": "1h"}),
            Kind::NodePool => serde_json::json!({"template": {"metadata": {"labels": {"k": "v"}},
                "spec": {"nodeClassRef": class, "expireAfter": "1h", "taints": [{"key": "k", "value": "v", "effect": "e"}],
                    "requirements": [{"key": "k", "operator": "In", "values": ["v"]}]}},
                "disruption": {"consolidationPolicy": "p", "consolidateAfter": "1m",
                    "budgets": [{"nodes": "1", "reasons": ["r"], "schedule": "s", "duration": "d"}]}, "limits": {"cpu": "1"}}),
            Kind::NodeOverlay => serde_json::json!({"requirements": expressions, "price": "1"}),
            _ => serde_json::json!({"selector": {"matchLabels": {"a": "b"}, "matchExpressions": expressions}}),
        },
        "status": {"phase": "Running", "reason": "r", "message": "m", "conditions": condition, "nodeName": "n",
            "providerID": "p", "nodeInfo": {"kubeletVersion": "v"}, "capacity": {"cpu": "1", "nvidia.com/gpu": "1"},
            "resources": {"cpu": "1"}, "containerStatuses": status, "initContainerStatuses": status,
            "capacityReservations": [{"id": "i", "reservationType": "t", "endTime": "2026-11-21T10:00:00Z"}]},
    })
}

/// The pointers to every text of a value.
fn texts(value: &serde_json::Value, at: &str, found: &mut Vec<String>) {
    match value {
        serde_json::Value::String(_) => found.push(at.to_owned()),
        serde_json::Value::Array(all) => {
            all.iter().enumerate().for_each(|(number, one)| texts(one, &format!("{at}/{number}"), found));
        }
        serde_json::Value::Object(all) => all
            .iter()
            .for_each(|(key, one)| texts(one, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found)),
        _ => {}
    }
}

/// The bytes of the longest run of a character.
fn longest_run(text: &str, wanted: char) -> usize {
    text.split(|c| c != wanted).map(str::len).max().unwrap_or(0)
}

/// Decodes an object in which the text at `pointer` is replaced; what came of it, in debug form.
fn decoded_with(kind: Kind, pointer: &str, text: &str) -> String {
    let mut object = full(kind);
    *object.pointer_mut(pointer).unwrap() = text.into();
    let (_, row) = dispatch(kind, Least(object.to_string().as_bytes()));
    row.map_or_else(|error| format!("{error}"), |delta| format!("{delta:?}"))
}

#[test]
fn every_text_field_of_every_kind_is_cut_at_a_limit() {
    for kind in Kind::ALL {
        let mut pointers = Vec::new();
        texts(&full(kind), "", &mut pointers);
        assert!(pointers.len() > 40, "{kind:?}");
        for pointer in pointers.iter().filter(|pointer| *pointer != "/kind") {
            let said = decoded_with(kind, pointer, &"é".repeat(20_000));
            assert!(longest_run(&said, 'é') <= text::VALUE_BYTES, "{kind:?} {pointer}: {}", longest_run(&said, 'é'));
        }
    }
}

#[test]
fn long_names_and_values_are_cut_with_an_ellipsis_at_their_own_limits() {
    let longest = |kind, pointer: &str| longest_run(&decoded_with(kind, pointer, &"x".repeat(10_000)), 'x');
    let name = text::NAME_BYTES - '…'.len_utf8();
    for pointer in ["/involvedObject/name", "/involvedObject/kind", "/source/component", "/source/host", "/reason"] {
        assert_eq!(longest(Kind::Event, pointer), name, "{pointer}");
    }
    for field in ["apiVersion", "kind", "name", "uid"] {
        assert_eq!(longest(Kind::Pod, &format!("/metadata/ownerReferences/0/{field}")), name, "{field}");
    }
    let annotation = "/metadata/annotations/karpenter.sh~1do-not-disrupt";
    assert_eq!(longest(Kind::Pod, annotation), text::VALUE_BYTES - '…'.len_utf8());
    assert!(decoded_with(Kind::Pod, annotation, &"x".repeat(10_000)).contains("xxx…"));
}

#[test]
fn an_object_with_an_overlong_identity_is_rejected_and_not_cut() {
    for field in ["name", "namespace", "uid", "resourceVersion"] {
        let with = |length: usize| decoded_with(Kind::Pod, &format!("/metadata/{field}"), &"x".repeat(length));
        assert_eq!(with(10_000), format!("metadata.{field} is too long"));
        assert_eq!(with(text::NAME_BYTES + 1), format!("metadata.{field} is too long"));
        assert!(with(text::NAME_BYTES).contains("Upsert"));
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn any_overlong_text_field_is_cut_at_the_limit(
        kind in proptest::sample::select(Kind::ALL.to_vec()),
        place in proptest::prelude::any::<proptest::sample::Index>(),
        start in "\\PC{0,5}",
        length in 0_usize..40_000,
        fill in proptest::sample::select(vec!['x', 'é', '…', '🦀']),
    ) {
        let mut pointers = Vec::new();
        texts(&full(kind), "", &mut pointers);
        pointers.retain(|pointer| pointer != "/kind");
        let text = start + &fill.to_string().repeat(length);
        let said = decoded_with(kind, &pointers[place.index(pointers.len())], &text);
        proptest::prop_assert!(longest_run(&said, fill) <= text::VALUE_BYTES);
    }
}
