//! Tests of the bed: pods and Services answer through the API server's proxy what a test put down.

use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use serde_json::json;

use crate::bed::{
    Answer, Bed, BedOptions, Context, DCGM_EXPORTER, DcgmDevice, GpuNode, GpuNodeSpec, Namespace, Page, Refusal,
    Result, dcgm_exporter, dcgm_page, request,
};
use crate::shared::{api_only, full, trial};
use crate::tests_bed::{ensure, equal};

/// Long enough for a loaded machine; nothing waits longer than it must.
const PATIENCE: Duration = Duration::from_mins(2);

/// All tests of this module.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("bed::an_exporter_answers_through_pod_and_service", an_exporter_answers_through_pod_and_service),
        trial("bed::an_exporter_misbehaves_on_request", an_exporter_misbehaves_on_request),
        trial("bed::a_pod_without_kubelet_answers_too", a_pod_without_kubelet_answers_too),
        trial("bed::exporters_live_as_long_as_the_bed", exporters_live_as_long_as_the_bed),
    ]
}

/// A Node with an exporter's pod on it.
fn exporter<'a>(bed: &'a Bed, namespace: &Namespace<'_>) -> Result<(GpuNode<'a>, String)> {
    let node = bed.gpu_node(&GpuNodeSpec::new(&bed.unique("proxied"), "g5.12xlarge")?)?;
    bed.apply(&dcgm_exporter(namespace, ("kubernetes.io/hostname", &node)))?;
    let pod = bed.pod_on(namespace, &node, DCGM_EXPORTER)?;
    Ok((node, pod))
}

fn an_exporter_answers_through_pod_and_service() -> Result<()> {
    let bed = full()?;
    let namespace = bed.namespace("proxy")?;
    let (node, pod) = exporter(&bed, &namespace)?;
    let devices = [DcgmDevice::new(0, 1).busy(97).memory(20_000).held_by("ml", "train-0"), DcgmDevice::new(1, 1)];
    let page = dcgm_page(&node, &devices);
    let address = bed.answer(&namespace, &pod, 9400, Page::metrics(page.clone()))?;

    let path = namespace.core(&format!("pods/{pod}:9400/proxy/metrics"));
    equal(&bed.api().text(&path)?, &page)?;
    equal(&bed.exporters().asked(address), &vec!["/metrics".to_owned()])?;
    bed.answer(&namespace, &pod, 9400, Page::metrics("up 1\n"))?;
    equal(&bed.api().text(&path)?, &"up 1\n".to_owned())?;

    let (label, value) = DCGM_EXPORTER;
    bed.apply(&json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": &*namespace, "name": "exporter"},
        "spec": {"selector": {label: value}, "ports": [{"name": "gpu-metrics", "port": 9400}]},
    }))?;
    let service = namespace.core("services/exporter:gpu-metrics/proxy/metrics");
    let text = bed.wait_for("endpoints of the Service", PATIENCE, || Ok(bed.api().try_text(&service).ok()))?;
    equal(&text, &"up 1\n".to_owned())
}

fn code<T>(answer: Result<T, Refusal>) -> Option<u16> {
    answer.err().map(|refusal| refusal.code)
}

fn an_exporter_misbehaves_on_request() -> Result<()> {
    let bed = full()?;
    let namespace = bed.namespace("proxy")?;
    let (_node, pod) = exporter(&bed, &namespace)?;
    let path = namespace.core(&format!("pods/{pod}:9400/proxy/metrics"));
    let ask = || bed.api().try_text(&path);
    let answer = |answer: Answer| bed.answer(&namespace, &pod, 9400, answer);

    equal(&code(ask()), &Some(503)).context("nobody answers there yet")?;
    let elsewhere = namespace.core(&format!("pods/{pod}:9401/proxy/metrics"));
    let address = answer(Page::html("<html>sign in</html>").into())?;
    equal(&ask().ok().as_deref(), &Some("<html>sign in</html>"))?;
    equal(&code(bed.api().try_text(&elsewhere)), &Some(503)).context("another port")?;
    let nowhere = namespace.core("pods/nobody:9400/proxy/metrics");
    equal(&code(bed.api().try_text(&nowhere)), &Some(404)).context("no such pod")?;

    answer(Page::metrics("broken").status(500).into())?;
    equal(&code(ask()), &Some(500))?;
    answer(Page::metrics(vec![b'#'; 10 << 20]).into())?;
    equal(&ask().map(|text| text.len()).ok(), &Some(10 << 20))?;
    answer(Answer::Close)?;
    ensure(ask().is_err(), || "a closed connection gave an answer".to_owned())?;
    answer(Page::metrics("late 1\n").after(Duration::from_secs(1)).into())?;
    let start = Instant::now();
    equal(&ask().ok().as_deref(), &Some("late 1\n"))?;
    ensure(start.elapsed() >= Duration::from_secs(1), || "too early".to_owned())?;
    answer(Answer::Hang)?;
    hangs(&bed, &path, address)?;
    bed.exporters().forget(address);
    equal(&code(ask()), &Some(503)).context("forgotten")
}

/// A request that gets nothing, and whose end the exporter notices.
fn hangs(bed: &Bed, path: &str, address: SocketAddr) -> Result<()> {
    let before = bed.exporters().asked(address).len();
    thread::scope(|threads| {
        let waiting = threads.spawn(|| {
            let limit = Duration::from_secs(2);
            let api = bed.api();
            let request = request(http::Method::GET, path, None).context(path)?;
            let asking = api.client().request_text(request);
            api.runtime().block_on(async { Ok(tokio::time::timeout(limit, asking).await.is_err()) })
        });
        bed.wait_for("request that hangs", PATIENCE, || {
            Ok((bed.exporters().asked(address).len() > before).then_some(()))
        })?;
        let gave_up = waiting.join().map_err(|_| "the client panicked").context("asking")??;
        ensure(gave_up, || "something was answered".to_owned())
    })
}

/// A pod that nobody runs: without controllers a test writes down itself where it is and which address it has.
fn bare_pod(bed: &Bed, namespace: &Namespace<'_>) -> Result<String> {
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "exporter"},
        "spec": {"nodeName": "nowhere", "containers": [{"name": "main", "image": "registry.example/work:1"}]},
    });
    bed.api().create(&namespace.core("pods"), &pod)?;
    let status = json!({"status": {"phase": "Running", "podIP": "10.8.1.7", "podIPs": [{"ip": "10.8.1.7"}]}});
    bed.api().patch(&namespace.core("pods/exporter/status"), &status)?;
    bed.answer(namespace, "exporter", 9400, Page::metrics("up 1\n"))?;
    Ok(namespace.core("pods/exporter:9400/proxy/metrics"))
}

fn a_pod_without_kubelet_answers_too() -> Result<()> {
    let bed = api_only()?;
    let namespace = bed.namespace("bare")?;
    let path = bare_pod(&bed, &namespace)?;
    equal(&bed.api().text(&path)?, &"up 1\n".to_owned())
}

fn exporters_live_as_long_as_the_bed() -> Result<()> {
    let bed = Bed::start(&BedOptions::api_only())?;
    let namespace = bed.namespace("bare")?;
    let path = bare_pod(&bed, &namespace)?;
    bed.restart_apiserver()?;
    equal(&bed.api().text(&path)?, &"up 1\n".to_owned())?;
    let socket = bed.egress_socket();
    ensure(UnixStream::connect(&socket).is_ok(), || "nobody listens".to_owned())?;
    drop(namespace);
    drop(bed);
    ensure(UnixStream::connect(&socket).is_err() && !socket.exists(), || "the socket is still there".to_owned())
}
