//! Tests of the bed itself: what every other test here relies on.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bed::{
    Bed, BedOptions, Component, Context, Ending, Failure, JobSpec, NodePoolSpec, PodSpec, Result, State, annotation,
    load,
};
use crate::shared::{api_only, full, trial};

/// Long enough for a loaded machine; nothing waits longer than it must.
const PATIENCE: Duration = Duration::from_mins(2);

/// All tests of this module.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("bed::every_component_is_healthy", every_component_is_healthy),
        trial("bed::gpu_job_gets_a_node_and_gives_it_back", gpu_job_gets_a_node_and_gives_it_back),
        trial("bed::image_pull_leaves_kubelets_events", image_pull_leaves_kubelets_events),
        trial("bed::pods_obey_their_annotations", pods_obey_their_annotations),
        trial("bed::karpenter_tells_why_it_keeps_a_node", karpenter_tells_why_it_keeps_a_node),
        trial("bed::a_node_can_be_held_not_ready", a_node_can_be_held_not_ready),
        trial("bed::version_1_certificate_is_valid_for_go_only", version_1_certificate_is_valid_for_go_only),
        trial("bed::a_user_has_only_granted_rights", a_user_has_only_granted_rights),
        trial("bed::bad_certificates_are_refused", bad_certificates_are_refused),
        trial("bed::loader_makes_a_believable_fleet", loader_makes_a_believable_fleet),
        trial("bed::api_server_survives_being_killed", api_server_survives_being_killed),
        trial("bed::nothing_outlives_a_killed_test", nothing_outlives_a_killed_test),
        #[cfg(target_os = "linux")]
        trial("bed::nothing_outlives_a_killed_supervisor", nothing_outlives_a_killed_supervisor),
    ]
}

fn every_component_is_healthy() -> Result<()> {
    let bed = full()?;
    for component in Component::ALL {
        let state = bed.state(component)?;
        ensure(matches!(state, State::Running(_)), || format!("{component:?}: {state:?}"))?;
    }
    let version = bed.kubectl_json(&["version", "-o", "json"])?;
    equal(&version["serverVersion"]["gitVersion"], &json!("v1.36.3"))?;
    let kinds = bed.kubectl(&["api-resources", "--api-group=karpenter.sh", "-o", "name"])?;
    ensure(kinds.contains("nodeclaims.karpenter.sh"), || format!("kinds: {kinds}"))
}

fn gpu_job_gets_a_node_and_gives_it_back() -> Result<()> {
    let bed = full()?;
    let spec = NodePoolSpec::new(&bed.unique("gpu")).instance_types(&["g5.xlarge"]);
    let pool = bed.node_pool(spec.budget(json!({"nodes": "100%"})))?;
    let namespace = bed.namespace("gpu")?;
    let pod = PodSpec::new().gpus(1).on_pool(&pool);
    bed.apply(&JobSpec::new(&namespace, "train", pod).build())?;

    let pod = wait_for_phase(&bed, &namespace, "train", "Running")?;
    // Karpenter frees the Node for pods before it writes down its name.
    let claims = bed.wait_for("initialized claim", PATIENCE, || {
        let claims = pool.claims()?;
        let initialized = condition(&claims[0]["status"]["conditions"], "Initialized");
        Ok(initialized.filter(|status| status == "True").map(|_| claims))
    })?;
    let nodes = pool.nodes()?;
    equal(&claims.len(), &1)?;
    equal(&nodes.len(), &1)?;
    equal(&claims[0]["status"]["nodeName"], &nodes[0]["metadata"]["name"])?;
    equal(&pod["spec"]["nodeName"], &nodes[0]["metadata"]["name"])?;
    check_gpu_node(&nodes[0])?;

    bed.annotate_pods_of_job(&namespace, "train", annotation::COMPLETE, "now")?;
    bed.wait_for("complete Job", PATIENCE, || {
        let job = bed.api().get(&namespace.batch("jobs/train"))?;
        Ok((job["status"]["succeeded"] == 1).then_some(()))
    })?;
    bed.wait_for("removal of the empty node", PATIENCE, || {
        Ok((pool.nodes()?.is_empty() && pool.claims()?.is_empty()).then_some(()))
    })
}

/// A g5.xlarge as a real one would look to a client.
fn check_gpu_node(node: &Value) -> Result<()> {
    let labels = &node["metadata"]["labels"];
    equal(&labels["node.kubernetes.io/instance-type"], &json!("g5.xlarge"))?;
    equal(&labels["topology.kubernetes.io/zone"], &json!("us-east-1a"))?;
    equal(&labels["karpenter.sh/capacity-type"], &json!("on-demand"))?;
    equal(&labels["karpenter.k8s.aws/instance-gpu-name"], &json!("a10g"))?;
    let status = &node["status"];
    equal(&status["capacity"]["nvidia.com/gpu"], &json!("1"))?;
    equal(&status["allocatable"]["nvidia.com/gpu"], &json!("1"))?;
    equal(&status["capacity"]["cpu"], &json!("4"))?;
    equal(&status["allocatable"]["cpu"], &json!("3900m"))
}

fn image_pull_leaves_kubelets_events() -> Result<()> {
    let bed = full()?;
    let pool = bed.node_pool(NodePoolSpec::new(&bed.unique("pull")).instance_types(&["m7i.large"]))?;
    let namespace = bed.namespace("pull")?;
    let pod = PodSpec::new()
        .on_pool(&pool)
        .annotation(annotation::SANDBOX, "1s")
        .annotation(annotation::PULL, "3s")
        .annotation(annotation::PULL_TOTAL, "4s")
        .annotation(annotation::PULL_SIZE, "987654321");
    bed.apply(&JobSpec::new(&namespace, "cold", pod).build())?;
    let pod = wait_for_phase(&bed, &namespace, "cold", "Running")?;

    let name = pod["metadata"]["name"].as_str().context("pod without name")?;
    let mut events = bed.events_about("Pod", name)?;
    events.retain(|event| event["source"]["component"] == "kubelet");
    let reasons: Vec<&str> = events.iter().filter_map(|event| event["reason"].as_str()).collect();
    for reason in ["Pulling", "Pulled", "Created", "Started"] {
        ensure(reasons.contains(&reason), || format!("no {reason} among {reasons:?}"))?;
    }
    for event in &events {
        equal(&event["source"]["component"], &json!("kubelet"))?;
        equal(&event["source"]["host"], &pod["spec"]["nodeName"])?;
        equal(&event["involvedObject"]["fieldPath"], &json!("spec.containers{main}"))?;
        equal(&event["involvedObject"]["uid"], &pod["metadata"]["uid"])?;
        equal(&event["eventTime"], &Value::Null)?;
    }
    let pulled = events.iter().find(|event| event["reason"] == "Pulled").context("no Pulled")?;
    let message = "Successfully pulled image \"registry.example/work:1\" in 3s (4s including waiting). \
                   Image size: 987654321 bytes.";
    equal(&pulled["message"], &json!(message))
}

fn pods_obey_their_annotations() -> Result<()> {
    let bed = full()?;
    let pool = bed.node_pool(NodePoolSpec::new(&bed.unique("obey")).instance_types(&["m7i.2xlarge"]))?;
    let namespace = bed.namespace("obey")?;
    let pod = || PodSpec::new().cpu("100m").memory("64Mi").on_pool(&pool);
    let pods = [
        ("held", pod().annotation(annotation::HOLD, "")),
        ("unready", pod().annotation(annotation::NOT_READY, "")),
        ("timed", pod().annotation(annotation::RUN_FOR, "1s")),
        ("killed", pod().annotation(annotation::FAIL, "137")),
        ("cached", pod().annotation(annotation::IMAGE_PRESENT, "")),
        ("broken", pod().annotation(annotation::PULL_ERROR, "not found")),
    ];
    for (name, pod) in &pods {
        bed.api().create(&namespace.core("pods"), &pod.build(&namespace, name))?;
    }
    let status = |name: &str| Ok(bed.api().get(&namespace.core(&format!("pods/{name}")))?["status"].take());
    let first = "/containerStatuses/0/state";
    let wanted = [
        ("held", format!("{first}/waiting/reason"), "ContainerCreating"),
        ("unready", "/phase".into(), "Running"),
        ("timed", "/phase".into(), "Succeeded"),
        ("killed", format!("{first}/terminated/reason"), "OOMKilled"),
        ("cached", "/phase".into(), "Running"),
        ("broken", format!("{first}/waiting/reason"), "ImagePullBackOff"),
    ];
    for (name, pointer, value) in &wanted {
        bed.wait_for(&format!("pod {name} with {pointer} {value}"), PATIENCE, || {
            let status: Value = status(name)?;
            Ok((status.pointer(pointer) == Some(&json!(value))).then_some(()))
        })?;
    }
    equal(&ready(&status("unready")?), &json!("False"))?;
    equal(&ready(&status("cached")?), &json!("True"))?;
    bed.annotate(&namespace.core("pods/unready"), annotation::NOT_READY, None)?;
    bed.annotate(&namespace.core("pods/held"), annotation::HOLD, None)?;
    for name in ["unready", "held"] {
        bed.wait_for(&format!("readiness of pod {name}"), PATIENCE, || {
            Ok((ready(&status(name)?) == json!("True")).then_some(()))
        })?;
    }
    Ok(())
}

/// Status of the Ready condition of a pod or node.
fn ready(status: &Value) -> Value {
    condition(&status["conditions"], "Ready").map_or(Value::Null, Value::from)
}

/// Status of one of an object's conditions.
fn condition(conditions: &Value, kind: &str) -> Option<String> {
    let found = conditions.as_array()?.iter().find(|condition| condition["type"] == kind)?;
    found["status"].as_str().map(str::to_owned)
}

fn a_user_has_only_granted_rights() -> Result<()> {
    let bed = api_only()?;
    let namespace = bed.namespace("rights")?;
    let user = bed.unique("user");
    let api = bed.api_as(&bed.kubeconfig_for(&user, Some("team"))?)?;
    let pods = namespace.core("pods");
    equal(&api.try_get(&pods).err().map(|refusal| refusal.code), &Some(403))?;
    // The built-in `view` stays empty here: the controller manager would fill it.
    let in_namespace = format!("--namespace={namespace}");
    bed.kubectl(&["create", "role", "see", "--verb=list", "--resource=pods", &in_namespace])?;
    bed.kubectl(&["create", "rolebinding", "see", "--role=see", "--group=team", &in_namespace])?;
    // The authorizer sees the new binding a moment later.
    bed.wait_for("granted right", PATIENCE, || Ok(api.try_get(&pods).is_ok().then_some(())))?;
    equal(&api.try_get("/api/v1/nodes").err().map(|refusal| refusal.code), &Some(403))
}

fn bad_certificates_are_refused() -> Result<()> {
    let bed = api_only()?;
    let code = |kubeconfig: PathBuf| -> Result<Option<u16>> {
        Ok(bed.api_as(&kubeconfig)?.try_get("/api/v1/nodes").err().map(|refusal| refusal.code))
    };
    equal(&code(bed.kubeconfig_expired()?)?, &Some(401))?;
    equal(&code(bed.kubeconfig_of_stranger()?)?, &Some(401))?;
    // No answer at all: the client hangs up.
    equal(&code(bed.kubeconfig_distrusting()?)?, &Some(0))
}

fn version_1_certificate_is_valid_for_go_only() -> Result<()> {
    let bed = api_only()?;
    let kubeconfig = bed.kubeconfig_x509_v1()?;
    let output = bed.kubectl_as(&kubeconfig, &["auth", "whoami"], "")?;
    let words = String::from_utf8_lossy(&output.stdout);
    ensure(words.contains("system:masters"), || format!("kubectl: {output:?}"))?;
    let refused = bed.api_as(&kubeconfig).and_then(|api| api.get("/api/v1/nodes"));
    ensure(refused.is_err(), || "rustls took it".to_owned())
}

/// Karpenter repeats an event on one object after minutes only, and may have told before
/// that the Node was not initialized yet: a restart makes it tell what holds now.
fn karpenter_tells_why_it_keeps_a_node() -> Result<()> {
    let bed = Bed::start(&BedOptions::full())?;
    let spec = NodePoolSpec::new("kept").instance_types(&["m7i.large"]);
    let mut pool = bed.node_pool(spec)?;
    let namespace = bed.namespace("kept")?;
    let pod = PodSpec::new().cpu("100m").on_pool(&pool).annotation("karpenter.sh/do-not-disrupt", "true");
    bed.apply(&JobSpec::new(&namespace, "work", pod).build())?;
    let pod = wait_for_phase(&bed, &namespace, "work", "Running")?;
    let node = pod["spec"]["nodeName"].as_str().context("not bound")?;
    bed.wait_for("consolidatable claim", PATIENCE, || {
        let claims = pool.claims()?;
        Ok(condition(&claims[0]["status"]["conditions"], "Consolidatable").filter(|status| status == "True"))
    })?;

    bed.stop_karpenter()?;
    pool.update(|spec| spec.budget(json!({"nodes": "100%"})))?;
    let before: Vec<Value> = bed.events_about("Node", node)?.iter().map(uid).collect();
    bed.start_karpenter()?;
    let event = bed.wait_for("new event DisruptionBlocked", PATIENCE, || {
        let events = bed.events_about("Node", node)?;
        Ok(events.into_iter().find(|event| event["reason"] == "DisruptionBlocked" && !before.contains(&uid(event))))
    })?;
    let message = event["message"].as_str().unwrap_or_default();
    ensure(message.contains("do-not-disrupt"), || message.to_owned())
}

fn uid(object: &Value) -> Value {
    object["metadata"]["uid"].clone()
}

fn a_node_can_be_held_not_ready() -> Result<()> {
    let bed = full()?;
    let pool = bed.node_pool(NodePoolSpec::new(&bed.unique("sick")).instance_types(&["m7i.large"]))?;
    let namespace = bed.namespace("sick")?;
    let pod = PodSpec::new().cpu("100m").on_pool(&pool);
    bed.apply(&JobSpec::new(&namespace, "work", pod).build())?;
    let pod = wait_for_phase(&bed, &namespace, "work", "Running")?;
    let node = format!("/api/v1/nodes/{}", pod["spec"]["nodeName"].as_str().context("not bound")?);
    bed.annotate(&node, annotation::NOT_READY, Some(""))?;
    let mut status = bed.api().get(&node)?["status"].take();
    let conditions = status["conditions"].as_array_mut().context("no conditions")?;
    for condition in conditions.iter_mut().filter(|condition| condition["type"] == "Ready") {
        condition["status"] = json!("False");
    }
    let change = json!({"status": {"conditions": conditions}});
    bed.api().patch(&format!("{node}/status"), &change)?;
    bed.wait_for("not-ready taint", PATIENCE, || {
        Ok(bed.api().get(&node)?["spec"]["taints"].to_string().contains("not-ready").then_some(()))
    })?;
    equal(&ready(&bed.api().get(&node)?["status"]), &json!("False"))?;
    bed.annotate(&node, annotation::NOT_READY, None)?;
    bed.wait_for(
        "ready node",
        PATIENCE,
        || Ok((ready(&bed.api().get(&node)?["status"]) == json!("True")).then_some(())),
    )
}

fn api_server_survives_being_killed() -> Result<()> {
    let bed = Bed::start(&BedOptions::api_only())?;
    let namespace = bed.namespace("kept")?;
    bed.stop(Component::ApiServer, Ending::Kill)?;
    equal(&bed.state(Component::ApiServer)?, &State::Absent)?;
    ensure(bed.api().get("/version").is_err(), || "a killed server answers".to_owned())?;
    bed.resume(Component::ApiServer)?;
    bed.api().get(&format!("/api/v1/namespaces/{namespace}")).map(drop)
}

fn loader_makes_a_believable_fleet() -> Result<()> {
    let bed = Bed::start(&BedOptions::api_only())?;
    let mut fleet = load::fleet(&bed, 20, 130, 1)?;
    load::grow(&bed, &mut fleet, 400)?;
    let pods = bed.api().list("/api/v1/pods")?;
    let nodes = bed.api().list("/api/v1/nodes")?;
    equal(&pods.len(), &400)?;
    equal(&nodes.len(), &20)?;
    equal(&bed.api().list("/apis/karpenter.sh/v1/nodeclaims")?.len(), &20)?;
    equal(&count(&pods, |pod| pod["status"]["phase"] == "Running"), &fleet.running.len())?;
    ensure((9_500..11_000).contains(&fleet.pod_bytes), || format!("{} bytes", fleet.pod_bytes))?;
    for node in &nodes {
        let name = &node["metadata"]["name"];
        let free = &node["status"]["allocatable"]["nvidia.com/gpu"];
        let offered = free.as_str().and_then(|number| number.parse().ok()).unwrap_or(0);
        let taken = count(&pods, |pod| &pod["spec"]["nodeName"] == name && requests_gpu(pod));
        ensure(taken <= offered, || format!("{name}: {taken} of {offered} GPUs"))?;
    }
    ensure(count(&pods, requests_gpu) > 10, || "hardly any GPU is used".to_owned())?;
    let churn = load::churn(&bed, &fleet, 100, Duration::from_secs(2))?;
    equal(&churn.failed, &0)?;
    // How many there are in two seconds is the machine's business.
    ensure(churn.accepted > 0, || format!("{churn:?}"))
}

fn requests_gpu(pod: &Value) -> bool {
    let requests = &pod["spec"]["containers"][0]["resources"]["requests"];
    requests.get("nvidia.com/gpu").is_some()
}

fn count(objects: &[Value], condition: impl Fn(&Value) -> bool) -> usize {
    objects.iter().filter(|object| condition(object)).count()
}

/// What a victim tells of the bed it started, as one line of JSON.
#[derive(Serialize, Deserialize)]
struct Remains {
    supervisor: u32,
    processes: Vec<u32>,
    port: u16,
    folder: PathBuf,
}

const VICTIM: &str = "--bed-victim";

/// If this process is to be a victim: starts a bed, tells of it, and waits for its end.
pub fn run_if_asked() -> Option<ExitCode> {
    (std::env::args().nth(1).as_deref() == Some(VICTIM)).then(|| match be_victim() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "{failure}");
            ExitCode::FAILURE
        }
    })
}

fn be_victim() -> Result<()> {
    let bed = Bed::start(&BedOptions::full())?;
    let mut processes = Vec::new();
    for component in Component::ALL {
        if let State::Running(id) = bed.state(component)? {
            processes.push(id);
        }
    }
    let remains =
        Remains { supervisor: bed.supervisor_id(), processes, port: bed.ports().api_server, folder: bed.file("") };
    let line = serde_json::to_string(&remains).context("writing")?;
    writeln!(std::io::stdout(), "{line}").context("writing")?;
    thread::sleep(PATIENCE);
    Ok(())
}

fn start_victim() -> Result<(Child, Remains)> {
    let mut victim = Command::new(std::env::current_exe().context("this executable")?)
        .arg(VICTIM)
        .stdout(Stdio::piped())
        .spawn()
        .context("starting a victim")?;
    let mut line = String::new();
    let output = victim.stdout.take().context("victim without output")?;
    BufReader::new(output).read_line(&mut line).context("reading from the victim")?;
    let remains: Remains = serde_json::from_str(&line).context("the victim's bed did not start")?;
    equal(&remains.processes.len(), &Component::ALL.len())?;
    ensure(remains.processes.iter().all(|id| alive(*id)), || "not all run".to_owned())?;
    Ok((victim, remains))
}

fn nothing_outlives_a_killed_test() -> Result<()> {
    let (mut victim, remains) = start_victim()?;
    victim.kill().context("killing the victim")?;
    victim.wait().context("waiting for the victim")?;
    gone("components, port and folder", || {
        !remains.processes.iter().any(|id| alive(*id))
            && !listens(remains.port)
            && !remains.folder.exists()
            && !alive(remains.supervisor)
    })
}

/// Here the kernel ends the components; only the folder is left to the test.
#[cfg(target_os = "linux")]
fn nothing_outlives_a_killed_supervisor() -> Result<()> {
    let (mut victim, remains) = start_victim()?;
    let supervisor = i32::try_from(remains.supervisor).ok().and_then(Pid::from_raw);
    kill_process(supervisor.context("process id")?, Signal::KILL).context("killing")?;
    let outcome =
        gone("components and port", || !remains.processes.iter().any(|id| alive(*id)) && !listens(remains.port));
    victim.kill().context("killing the victim")?;
    victim.wait().context("waiting for the victim")?;
    std::fs::remove_dir_all(&remains.folder).context("removing the folder")?;
    outcome
}

fn gone(what: &str, is_gone: impl Fn() -> bool) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(10) {
        if is_gone() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Err(Failure::new(format!("{what} not gone")))
}

/// Whether a process exists and is more than an entry that its parent has yet to collect.
fn alive(id: u32) -> bool {
    let process = i32::try_from(id).ok().and_then(Pid::from_raw);
    process.is_some_and(|process| test_kill_process(process).is_ok()) && !is_zombie(id)
}

fn is_zombie(id: u32) -> bool {
    let path = Path::new("/proc").join(id.to_string()).join("stat");
    let stat = std::fs::read_to_string(path).unwrap_or_default();
    // The name in parentheses may hold anything; the state follows it.
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
}

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The only pod of a Job, once it is in this phase.
fn wait_for_phase(bed: &Bed, namespace: &str, job: &str, phase: &str) -> Result<Value> {
    bed.wait_for(&format!("{phase} pod of Job {job}"), PATIENCE, || {
        let pods = bed.pods_of_job(namespace, job)?;
        Ok(pods.into_iter().find(|pod| pod["status"]["phase"] == phase))
    })
}

pub fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(Failure::new(otherwise())) }
}

#[track_caller]
pub fn equal<T: PartialEq + std::fmt::Debug>(found: &T, wanted: &T) -> Result<()> {
    let place = std::panic::Location::caller();
    ensure(found == wanted, || format!("{place}: found {found:?}, wanted {wanted:?}"))
}
