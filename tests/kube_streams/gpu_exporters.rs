//! Exporters of accelerators' metrics behind the API server's proxy, and how they misbehave.

use std::time::Duration;

use batchtop::fleet::{
    Exporter, ExporterKind, GpuDemand, GpuFailure, Health, HealthState, Key, Kind, NodeDevices, ObjectKey, SourceId,
    Sym,
};
use batchtop::source::kube::{PrometheusChoice, Timing, fetch};
use tokio::sync::watch;

use crate::fake_api::{FakeApi, Fault, bare, pod, serve_every_kind};
use crate::screen::{NODES, PODS, Screen, quick, server_sees};

const PAGE: &str = "DCGM_FI_DEV_GPU_UTIL{gpu=\"0\",UUID=\"GPU-1\",pod=\"train-0\",namespace=\"ml\"} 91\n";

/// The request for the page of one exporter, as the server logs it.
fn proxy(node: usize) -> String {
    format!("/api/v1/namespaces/gpu/pods/dcgm-0000{node}:9400/proxy/metrics")
}

fn exporter(node: usize) -> Exporter {
    Exporter { kind: ExporterKind::Dcgm, pod: ObjectKey::new("gpu", &format!("dcgm-0000{node}")) }
}

/// Exporters may take as long as this, and requests as long as they want.
fn patient(exporter: Duration) -> Timing {
    let longer = Duration::from_mins(5);
    Timing { exporter, request: longer, stall: longer, ..quick() }
}

/// The exporters of these Nodes; they are wanted first, too.
fn demand(nodes: impl IntoIterator<Item = usize>) -> GpuDemand {
    let exporters = nodes.into_iter().map(|node| (Sym::new(&format!("n{node}")), exporter(node)));
    let demand = GpuDemand { exporters: exporters.collect(), ..GpuDemand::default() };
    GpuDemand { first: demand.exporters.keys().cloned().collect(), ..demand }
}

/// Nodes with an exporter of one DaemonSet each, which all answer; its port has a name and another number.
async fn with_exporters(count: usize, port: u16) -> FakeApi {
    let api = FakeApi::start().await;
    for node in 0..count {
        api.state().put(NODES, &format!("n{node}"), &bare(&format!("n{node}")));
        let name = format!("dcgm-0000{node}");
        let ports = format!(
            r#""name":"c","ports":[{{"name":"health","containerPort":1}},{{"name":"metrics","containerPort":{port}}}],"#
        );
        let object = pod(&name, "gpu", None)
            .replace(r#""name":"c","#, &ports)
            .replace(r#""uid""#, r#""generateName":"dcgm-","uid""#);
        api.state().put(PODS, &format!("gpu/{name}"), &object);
        api.state().pages.insert(proxy(node).replace("9400", &port.to_string()), PAGE.to_owned());
    }
    api
}

/// The bed of a test: who wants what, and what a person would see.
struct Bed {
    demand: watch::Sender<GpuDemand>,
    screen: Screen,
}

impl Bed {
    fn of(api: &FakeApi, timing: &Timing, wanted: GpuDemand) -> Self {
        let (demand, wanted) = watch::channel(wanted);
        Self { screen: Screen::measuring(api, timing, wanted, PrometheusChoice::Find), demand }
    }

    async fn until(&mut self, what: &str, done: impl Fn(&Screen) -> bool) {
        self.screen.until(what, done).await;
    }

    async fn until_state(&mut self, state: HealthState) -> Health {
        self.until(state.name(), |screen| health(screen).state == state).await;
        health(&self.screen)
    }

    /// Until every exporter of these Nodes has been read, or could not be.
    async fn until_answered(&mut self, nodes: usize) {
        self.until("answers", |screen| (0..nodes).all(|node| devices(screen, node).is_some())).await;
    }
}

fn health(screen: &Screen) -> Health {
    screen.sources.get(&SourceId::GpuExporters).cloned().unwrap_or_default()
}

fn devices(screen: &Screen, node: usize) -> Option<&NodeDevices> {
    screen.fleet.gpus.of_node(&format!("n{node}")).exporter
}

/// Why the exporter of a Node cannot be read, if so.
fn failure(screen: &Screen, node: usize) -> Option<String> {
    match devices(screen, node)?.failure.as_ref()? {
        (_, GpuFailure::Failed(words)) => Some(words.to_string()),
        (_, GpuFailure::Forbidden(words)) => Some(format!("forbidden: {words}")),
    }
}

#[tokio::test]
async fn exporters_are_read_by_the_port_of_their_template_again_and_again() {
    let api = with_exporters(6, 19_400).await;
    let mut bed = Bed::of(&api, &quick(), demand(0..6));
    let live = bed.until_state(HealthState::Live).await;
    assert_eq!((live.objects, live.message), (6, None));
    let known = devices(&bed.screen, 5).expect("devices");
    assert_eq!((known.devices.len(), &known.exporter, known.failure.is_some()), (1, &exporter(5), false));
    assert_eq!(known.devices[0].holders[0].pod, ObjectKey::new("ml", "train-0"));
    server_sees("a second round", || (0..6).all(|node| api.requests(&proxy(node).replace("9400", "19400")) > 1)).await;
    assert_eq!(api.requests("GET /api/v1/namespaces/gpu/pods/dcgm-"), 1 + api.requests("/proxy/"), "one pod for all");
    assert_eq!(api.requests(":9400/proxy"), 0);
}

#[tokio::test]
async fn nothing_is_asked_for_without_a_demand_or_of_nodes_that_left_it() {
    let api = with_exporters(2, 9400).await;
    let mut bed = Bed::of(&api, &quick(), GpuDemand::default());
    let idle = bed.until_state(HealthState::NotNeeded).await;
    assert!(idle.message.is_some_and(|words| words.starts_with("not needed")) && idle.next_try.is_none());
    bed.demand.send_replace(demand(0..2));
    assert_eq!(bed.until_state(HealthState::Live).await.objects, 2);
    bed.demand.send_replace(demand(0..1));
    bed.until("one", |screen| health(screen).objects == 1).await;
    // What was under way then has ended.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (kept, left) = (api.requests(&proxy(0)), api.requests(&proxy(1)));
    server_sees("more of the first", || api.requests(&proxy(0)) > kept + 2).await;
    assert_eq!(api.requests(&proxy(1)), left);
    bed.demand.send_replace(GpuDemand::default());
    bed.until_state(HealthState::NotNeeded).await;
}

#[tokio::test]
async fn a_refusal_is_told_of_every_exporter_of_its_namespace_and_not_repeated_at_once() {
    let api = with_exporters(9, 9400).await;
    let words = "pods \\\"x\\\" is forbidden: User \\\"jane\\\" cannot get resource \\\"pods/proxy\\\"";
    api.state().plan("/proxy/", Fault::Status(403, words), usize::MAX);
    let timing = Timing { forbidden_retry: Duration::from_hours(1), ..quick() };
    let mut bed = Bed::of(&api, &timing, demand(0..9));
    let forbidden = bed.until_state(HealthState::Forbidden).await;
    let said = "may not get pods/proxy in namespace gpu: pods \"x\" is forbidden: User \"jane\" cannot get";
    assert!(forbidden.message.is_some_and(|words| words.starts_with(said)) && forbidden.next_try.is_some());
    bed.until_answered(9).await;
    assert!((0..9).all(|node| failure(&bed.screen, node).is_some_and(|words| words.starts_with("forbidden: pods"))));
    let asked = api.requests("/proxy/");
    assert!(asked <= 4, "{asked} requests");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(api.requests("/proxy/"), asked);
}

#[tokio::test]
async fn an_exporter_that_refuses_by_itself_says_nothing_of_the_others() {
    let api = with_exporters(3, 9400).await;
    api.state().plan(&proxy(1), Fault::Status(403, "RBAC: access denied"), usize::MAX);
    let mut bed = Bed::of(&api, &quick(), demand(0..3));
    let live = bed.until_state(HealthState::Live).await;
    assert_eq!(live.objects, 2, "{live:?}");
    assert_eq!(failure(&bed.screen, 1).as_deref(), Some("RBAC: access denied"));
    assert!([0, 2].iter().all(|node| failure(&bed.screen, *node).is_none()));
}

#[tokio::test]
async fn exporters_are_read_once_permitted() {
    let api = with_exporters(2, 9400).await;
    let words = "pods \\\"x\\\" is forbidden: User \\\"jane\\\" cannot get resource \\\"pods/proxy\\\"";
    api.state().plan("/proxy/", Fault::Status(403, words), 2);
    let mut bed = Bed::of(&api, &quick(), demand(0..2));
    bed.until_state(HealthState::Forbidden).await;
    assert_eq!(bed.until_state(HealthState::Live).await.objects, 2);
}

#[tokio::test]
async fn an_exporter_that_hangs_fails_and_holds_up_no_other() {
    let api = with_exporters(3, 9400).await;
    api.state().plan(&proxy(1), Fault::Hang, usize::MAX);
    let timing = patient(Duration::from_secs(2));
    let mut bed = Bed::of(&api, &timing, demand(0..3));
    server_sees("more of the others while it hangs", || api.requests(&proxy(0)) > 3 && api.requests(&proxy(2)) > 3)
        .await;
    assert_eq!(api.requests(&proxy(1)), 1);
    bed.until("it is said", |screen| failure(screen, 1).is_some()).await;
    assert_eq!(failure(&bed.screen, 1).as_deref(), Some("no answer within 2s"));
    let live = bed.until_state(HealthState::Live).await;
    let note = "1 of 3 exporters could not be read; the first: gpu/dcgm-00001: no answer within 2s";
    assert_eq!((live.objects, live.message.as_deref()), (2, Some(note)));
}

#[tokio::test]
async fn exporters_that_hang_hold_up_no_request_of_others() {
    let api = with_exporters(9, 9400).await;
    serve_every_kind(&api);
    api.state().plan("/proxy/", Fault::Hang, usize::MAX);
    let timing = patient(Duration::from_mins(1));
    let mut bed = Bed::of(&api, &timing, demand(0..9));
    server_sees("four at a time", || api.requests("/proxy/") == 4).await;
    for kind in Kind::ALL {
        bed.until("every kind", |screen| screen.is(kind, HealthState::Live)).await;
    }
    for _ in 0..5 {
        let client = bed.screen.access.client().await.expect("a client");
        let key = Key::new(Kind::Pod, ObjectKey::new("gpu", "dcgm-00000"));
        let fetched = tokio::time::timeout(Duration::from_secs(5), fetch(&client, &key, &timing)).await;
        assert!(fetched.is_ok_and(|fetched| fetched.is_ok()));
    }
    assert_eq!((api.requests("/proxy/"), health(&bed.screen).state), (4, HealthState::Syncing));
    let most = api.state().most_connections;
    assert!((17..=19).contains(&most), "{most} connections at the same time");
}

#[tokio::test]
async fn a_busy_server_is_left_alone_as_long_as_it_wants() {
    let api = with_exporters(9, 9400).await;
    api.state().plan("/proxy/", Fault::Busy(1), 4);
    let mut bed = Bed::of(&api, &quick(), demand(0..9));
    bed.until("it is said", |screen| (0..4).all(|node| failure(screen, node).is_some())).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(api.requests("/proxy/"), 4);
    bed.until("all of them", |screen| health(screen).objects == 9).await;
}

#[tokio::test]
async fn what_is_no_page_of_metrics_is_told_in_words() {
    const LIMIT: usize = 10 << 20;
    let api = with_exporters(7, 9400).await;
    api.state().plan(&proxy(0), Fault::Answer("<html><body>Sign in</body></html>".to_owned()), usize::MAX);
    api.state().plan(&proxy(1), Fault::Answer(format!("{PAGE}{}", "#".repeat(LIMIT))), usize::MAX);
    api.state().plan(&proxy(2), Fault::AnswerWith(404, "404 page not found"), usize::MAX);
    api.state().plan(&proxy(3), Fault::Status(502, "proxy error from 10.0.0.1: bad gateway"), usize::MAX);
    api.state().plan(&proxy(4), Fault::Answer(String::new()), usize::MAX);
    api.state().plan(&proxy(5), Fault::Answer(format!("{PAGE}{}", "#".repeat(LIMIT - PAGE.len()))), usize::MAX);
    let timing = patient(Duration::from_secs(8));
    let mut bed = Bed::of(&api, &timing, demand(0..7));
    bed.until_answered(7).await;
    let said: Vec<Option<String>> = (0..7).map(|node| failure(&bed.screen, node)).collect();
    let words = [
        Some("it answered with a page of HTML"),
        Some("the answer is larger than 10 MiB, the limit for one answer"),
        Some("Not Found: 404 page not found"),
        Some("proxy error from 10.0.0.1: bad gateway"),
        Some("it answered with an empty page"),
        None,
        None,
    ];
    assert_eq!(said.iter().map(Option::as_deref).collect::<Vec<_>>(), words);
    let live = bed.until_state(HealthState::Live).await;
    let note = "5 of 7 exporters could not be read; the first: gpu/dcgm-00000: it answered with a page of HTML";
    assert_eq!((live.objects, live.message.as_deref()), (2, Some(note)));
}

#[tokio::test]
async fn the_source_fails_where_no_exporter_answers_and_recovers() {
    let api = with_exporters(2, 9400).await;
    let pages = std::mem::take(&mut api.state().pages);
    let mut bed = Bed::of(&api, &quick(), demand(0..2));
    let failed = bed.until_state(HealthState::Failed).await;
    let words = "none of 2 exporters could be read; the first: gpu/dcgm-00000: error trying to reach service: \
                 connection refused";
    assert_eq!(failed.message.as_deref(), Some(words));
    assert!(failed.next_try.is_some());
    api.state().pages = pages;
    assert_eq!(bed.until_state(HealthState::Live).await.objects, 2);
    // What was read stays in sight, with the reason why there is nothing newer.
    api.state().pages.clear();
    bed.until_state(HealthState::Stale).await;
    let known = devices(&bed.screen, 0).expect("devices");
    assert!(known.devices.len() == 1 && known.as_of.is_some() && known.failure.is_some());
}

#[tokio::test]
async fn the_usual_port_is_tried_where_the_named_one_does_not_answer_and_then_kept() {
    let api = with_exporters(2, 9400).await;
    for node in 0..2 {
        let key = format!("gpu/dcgm-0000{node}");
        let object = api.state().collections[PODS][&key].replace("9400", "1234");
        api.state().put(PODS, &key, &object);
    }
    let mut bed = Bed::of(&api, &quick(), demand(0..2));
    assert_eq!(bed.until_state(HealthState::Live).await.objects, 2);
    server_sees("more rounds", || api.requests(&proxy(0)) > 4 && api.requests(&proxy(1)) > 4).await;
    assert!(api.requests(":1234/proxy") <= 2, "{}", api.requests(":1234/proxy"));
}

#[tokio::test]
async fn an_exporter_that_speaks_tls_without_saying_so_is_read_over_tls_from_then_on() {
    let api = with_exporters(1, 19400).await;
    let plain = proxy(0).replace("9400", "19400");
    let over_tls = plain.replace("/pods/", "/pods/https:");
    api.state().plan(&plain, Fault::AnswerWith(400, "Client sent an HTTP request to an HTTPS server.\n"), usize::MAX);
    api.state().pages.insert(over_tls.clone(), PAGE.to_owned());
    let mut bed = Bed::of(&api, &quick(), demand(0..1));
    assert_eq!(bed.until_state(HealthState::Live).await.objects, 1);
    server_sees("more rounds", || api.requests(&over_tls) > 2).await;
    assert_eq!((api.requests(&plain), api.requests(&proxy(0))), (1, 0));
}

#[tokio::test]
async fn an_exporter_is_read_at_its_usual_port_where_pods_may_not_be_read() {
    let api = with_exporters(1, 9400).await;
    let words = "pods \\\"x\\\" is forbidden: User \\\"jane\\\" cannot get resource \\\"pods\\\"";
    api.state().plan("GET /api/v1/namespaces/gpu/pods/dcgm-00000 ", Fault::Status(403, words), usize::MAX);
    let mut bed = Bed::of(&api, &quick(), demand(0..1));
    assert_eq!(bed.until_state(HealthState::Live).await.objects, 1);
}

#[tokio::test]
async fn a_pod_that_is_gone_does_not_speak_for_the_others_of_its_template() {
    let api = with_exporters(2, 9400).await;
    api.state().plan("GET /api/v1/namespaces/gpu/pods/dcgm-00000 ", Fault::Status(404, "pods not found"), usize::MAX);
    let mut bed = Bed::of(&api, &quick(), demand(0..2));
    let live = bed.until_state(HealthState::Live).await;
    let note = "1 of 2 exporters could not be read; the first: gpu/dcgm-00000: pods not found";
    assert_eq!((live.objects, live.message.as_deref()), (1, Some(note)));
}
