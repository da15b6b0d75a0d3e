//! A Prometheus server behind the API server's proxy: how it is found, and how it misbehaves.

use std::time::Duration;

use batchtop::fleet::{
    DeviceSeconds, Exporter, ExporterKind, GpuDemand, GpuFailure, Health, HealthState, HistoryAnswer, HistoryPeriod,
    HistoryQuestion, HistoryTold, NodeDevices, ObjectKey, ServiceAddress, SourceId, Sym, Utilization,
};
use batchtop::source::exporters::{self, Division};
use batchtop::source::kube::{PrometheusChoice, Timing};
use batchtop::units::Time;
use tokio::sync::watch;

use crate::fake_api::{FakeApi, Fault, bare};
use crate::screen::{NODES, Screen, quick, server_sees};

const SERVICES: &str = "/api/v1/services";

/// A label that the Services of servers have.
const LABEL: &str = r#""operated-prometheus":"true""#;

/// The series of Nodes `n0`, whose exporter is known, and `n1`, which is named by a label.
const ANSWER: &str = r#"{"status":"success","data":{"resultType":"vector","result":[
    {"metric":{"__name__":"DCGM_FI_DEV_GPU_UTIL","gpu":"0","UUID":"GPU-0","namespace":"gpu","pod":"dcgm-0","Hostname":"x",
     "exported_namespace":"ml","exported_pod":"train-0"},"value":[1795000000,"91"]},
    {"metric":{"__name__":"DCGM_FI_DEV_GPU_UTIL","gpu":"0","UUID":"GPU-1","namespace":"gpu","pod":"other","Hostname":"n1"},
     "value":[1795000000,"5"]}]}}"#;

/// The answer of a server that has scraped no exporter.
const NOTHING: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;

/// The path to a Service's port, as the server logs it.
fn proxy(namespace: &str, name_and_port: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/services/{name_and_port}/proxy/api/v1/query")
}

/// Nodes `n0` to `n2`, and nothing that answers.
async fn with_nodes() -> FakeApi {
    let api = FakeApi::start().await;
    for node in ["n0", "n1", "n2"] {
        api.state().put(NODES, node, &bare(node));
    }
    api
}

/// A Service with a label, behind which a server answers this at port 9090.
fn serve(api: &FakeApi, namespace: &str, answer: &str) {
    let service = format!(
        r#"{{"kind":"Service","metadata":{{"namespace":"{namespace}","name":"prom","labels":{{{LABEL}}}}},
        "spec":{{"ports":[{{"name":"web","port":9090}}]}}}}"#
    );
    api.state().put(SERVICES, &format!("{namespace}/prom"), &service);
    api.state().pages.insert(proxy(namespace, "prom:9090"), answer.to_owned());
}

/// These Nodes, the exporter of `n0` with its pod.
fn demand(nodes: &[&str]) -> GpuDemand {
    let pod = |node| (node == "n0").then(|| ObjectKey::new("gpu", "dcgm-0"));
    let prometheus = nodes.iter().map(|node| (Sym::new(node), pod(*node))).collect();
    GpuDemand { prometheus, ..GpuDemand::default() }
}

struct Bed {
    demand: watch::Sender<GpuDemand>,
    screen: Screen,
}

impl Bed {
    fn of(api: &FakeApi, timing: &Timing, choice: PrometheusChoice, nodes: &[&str]) -> Self {
        let (demand, wanted) = watch::channel(demand(nodes));
        Self { screen: Screen::measuring(api, timing, wanted, choice), demand }
    }

    fn finding(api: &FakeApi, nodes: &[&str]) -> Self {
        Self::of(api, &quick(), PrometheusChoice::Find, nodes)
    }

    fn naming(api: &FakeApi, timing: &Timing, address: &str) -> Self {
        Self::of(api, timing, PrometheusChoice::Named(named(address)), &["n0"])
    }

    async fn until_state(&mut self, state: HealthState) -> Health {
        self.screen.until(state.name(), |screen| health(screen).state == state).await;
        health(&self.screen)
    }

    async fn until_told(&mut self, node: &str) {
        self.screen.until("answers", |screen| known(screen, node).is_some()).await;
    }

    /// Why nothing is told of a Node, once that is so.
    async fn failure(&mut self, node: &str) -> String {
        let failed = |screen: &Screen| known(screen, node)?.failure.clone();
        self.screen.until("a failure", |screen| failed(screen).is_some()).await;
        match failed(&self.screen).expect("a failure") {
            (_, GpuFailure::Failed(words)) => words.to_string(),
            (_, GpuFailure::Forbidden(words)) => format!("forbidden: {words}"),
        }
    }
}

fn named(address: &str) -> ServiceAddress {
    address.parse().expect("an address")
}

fn health(screen: &Screen) -> Health {
    screen.sources.get(&SourceId::Prometheus).cloned().unwrap_or_default()
}

fn known<'a>(screen: &'a Screen, node: &str) -> Option<&'a NodeDevices> {
    screen.fleet.gpus.of_node(node).prometheus
}

fn message(health: &Health) -> &str {
    health.message.as_deref().unwrap_or_default()
}

#[tokio::test]
async fn a_server_is_found_by_its_labels_and_asked_for_all_nodes_again_and_again() {
    let api = with_nodes().await;
    serve(&api, "watching", ANSWER);
    let mut bed = Bed::finding(&api, &["n0", "n1", "n2"]);
    let live = bed.until_state(HealthState::Live).await;
    assert_eq!((live.objects, message(&live)), (2, "watching/prom:9090 has no metrics of 1 of 3 nodes"));
    let first = known(&bed.screen, "n0").expect("devices");
    let exporter = |namespace, name| Exporter { kind: ExporterKind::Prometheus, pod: ObjectKey::new(namespace, name) };
    assert_eq!((&first.exporter, first.devices.len()), (&exporter("gpu", "dcgm-0"), 1));
    assert_eq!(first.devices[0].holders[0].pod, ObjectKey::new("ml", "train-0"));
    assert_eq!(known(&bed.screen, "n1").map(|known| &known.exporter), Some(&exporter("watching", "prom")));
    assert_eq!(bed.failure("n2").await, "watching/prom:9090 has no metrics of its accelerators");
    server_sees("more queries", || api.requests("/proxy/") > 3).await;
    assert_eq!(api.requests("/proxy/"), api.requests(&proxy("watching", "prom:9090")));
    assert_eq!(api.requests("GET /api/v1/services?"), 2, "it is looked for once");
}

/// An answer about one device of this Node.
fn answer_about(node: &str, uuid: &str) -> String {
    format!(
        r#"{{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{{"__name__":"DCGM_FI_DEV_GPU_UTIL",
        "gpu":"0","UUID":"{uuid}","Hostname":"{node}"}},"value":[1795000000,"91"]}}]}}}}"#
    )
}

#[tokio::test]
async fn what_is_too_large_for_one_answer_is_asked_for_in_parts() {
    let api = with_nodes().await;
    let too_large = format!("{}{ANSWER}", " ".repeat(33 << 20));
    serve(&api, "watching", &too_large);
    let path = proxy("watching", "prom:9090");
    for query in exporters::queries(Division::ByUuid) {
        let (is_of, is_rest) = (|digit| query.contains(&format!("?{digit}.*")), query.contains("!~"));
        let answer = match (is_of('0'), is_of('f'), is_rest) {
            (true, _, _) => answer_about("n0", "GPU-0a"),
            (_, true, _) => answer_about("n1", "GPU-fe"),
            (_, _, true) => answer_about("n2", ""),
            _ => NOTHING.to_owned(),
        };
        api.state().pages.insert(format!("{path}?{query}"), answer);
    }
    let mut bed = Bed::finding(&api, &["n0", "n1", "n2"]);
    let live = bed.until_state(HealthState::Live).await;
    assert_eq!((live.objects, message(&live)), (3, "watching/prom:9090"));
    for node in ["n0", "n1", "n2"] {
        assert_eq!(known(&bed.screen, node).map(|known| known.devices.len()), Some(1), "{node}");
    }
    server_sees("another round in parts", || api.requests("UUID") >= 2 * 17).await;
    let whole = api.requests(&path) - api.requests("UUID");
    assert_eq!(whole, 1, "the whole is not asked for again");
}

#[tokio::test]
async fn a_server_is_found_by_its_name_where_services_may_not_be_listed() {
    let api = with_nodes().await;
    api.state().forbidden.insert(SERVICES.to_owned());
    api.state().pages.insert(proxy("gpu", "prometheus-server:80"), ANSWER.to_owned());
    let mut bed = Bed::finding(&api, &["n0"]);
    let live = bed.until_state(HealthState::Live).await;
    assert_eq!((live.objects, message(&live)), (1, "gpu/prometheus-server:80"), "the namespace of the exporter");
}

#[tokio::test]
async fn of_several_servers_the_one_that_has_the_metrics_is_kept() {
    let api = with_nodes().await;
    serve(&api, "monitoring", NOTHING);
    serve(&api, "watching", ANSWER);
    let mut bed = Bed::finding(&api, &["n0"]);
    assert_eq!(message(&bed.until_state(HealthState::Live).await), "watching/prom:9090");
    let asked = api.requests(&proxy("watching", "prom:9090"));
    server_sees("more queries", || api.requests(&proxy("watching", "prom:9090")) > asked + 2).await;
    assert_eq!(api.requests(&proxy("monitoring", "prom:9090")), 1);
}

#[tokio::test]
async fn a_server_without_metrics_is_told_and_another_one_looked_for() {
    let api = with_nodes().await;
    serve(&api, "monitoring", NOTHING);
    let mut bed = Bed::finding(&api, &["n0"]);
    let live = bed.until_state(HealthState::Live).await;
    assert_eq!((live.objects, message(&live)), (0, "monitoring/prom:9090 has no metrics of 1 of 1 nodes"));
    assert_eq!(bed.failure("n0").await, "monitoring/prom:9090 has no metrics of its accelerators");
    serve(&api, "watching", ANSWER);
    bed.screen.until("the other one", |screen| health(screen).objects == 1).await;
}

#[tokio::test]
async fn a_named_server_is_asked_and_no_other() {
    let api = with_nodes().await;
    serve(&api, "monitoring", ANSWER);
    let path = "/api/v1/namespaces/vm/services/https:select:web/proxy/select/0/prometheus/api/v1/query";
    api.state().pages.insert(path.to_owned(), ANSWER.to_owned());
    let mut bed = Bed::naming(&api, &quick(), "https:vm/select:web/select/0/prometheus");
    assert_eq!(bed.until_state(HealthState::Live).await.objects, 1);
    assert_eq!((api.requests("/proxy/"), api.requests("/services?")), (api.requests(path), 0));
    api.state().pages.clear();
    let stale = bed.until_state(HealthState::Stale).await;
    let words = "https:vm/select:web/select/0/prometheus: services not found";
    assert_eq!(message(&stale), words);
    assert_eq!(bed.failure("n0").await, words);
    assert_eq!(known(&bed.screen, "n0").map(|known| known.devices.len()), Some(1), "what it told before");
    assert_eq!((api.requests("/proxy/"), api.requests("/services?")), (api.requests(path), 0));
}

#[tokio::test]
async fn nothing_is_asked_without_a_demand_or_where_it_is_turned_off() {
    let api = with_nodes().await;
    serve(&api, "monitoring", ANSWER);
    let mut bed = Bed::finding(&api, &[]);
    assert!(message(&bed.until_state(HealthState::NotNeeded).await).starts_with("not needed"));
    assert_eq!(api.requests("/services"), 0);
    bed.demand.send_replace(demand(&["n0"]));
    bed.until_state(HealthState::Live).await;
    bed.demand.send_replace(GpuDemand::default());
    bed.until_state(HealthState::NotNeeded).await;

    let api = with_nodes().await;
    serve(&api, "monitoring", ANSWER);
    let mut bed = Bed::of(&api, &quick(), PrometheusChoice::Off { by: "a test" }, &["n0"]);
    assert_eq!(message(&bed.until_state(HealthState::Absent).await), "turned off by a test");
    assert_eq!(bed.failure("n0").await, "it is not asked: turned off by a test");
    bed.demand.send_replace(demand(&["n0", "n1"]));
    bed.until_told("n1").await;
    assert_eq!(api.requests("/services"), 0);
}

#[tokio::test]
async fn a_refusal_is_told_of_every_node_and_ends_when_it_is_permitted() {
    let api = with_nodes().await;
    serve(&api, "watching", ANSWER);
    let words = "services \\\"prom\\\" is forbidden: User \\\"jane\\\" cannot get resource \\\"services/proxy\\\"";
    api.state().plan("/proxy/", Fault::Status(403, words), 9);
    let mut bed = Bed::finding(&api, &["n0", "n1"]);
    let forbidden = bed.until_state(HealthState::Forbidden).await;
    let said = "may not get services/proxy in namespace watching: services \"prom\" is forbidden: User \"jane\" cannot";
    assert!(message(&forbidden).starts_with(said) && forbidden.next_try.is_some(), "{forbidden:?}");
    for node in ["n0", "n1"] {
        assert!(bed.failure(node).await.starts_with(&format!("forbidden: {said}")));
    }
    // One for each namespace: that of the Service, the usual ones and that of the exporter.
    server_sees("a second search", || api.requests("/proxy/") > 7).await;
    assert_eq!(bed.until_state(HealthState::Live).await.objects, 2);
}

#[tokio::test]
async fn where_there_is_none_it_is_said_at_once_and_looked_for_less_and_less() {
    let api = with_nodes().await;
    let timing = Timing { prometheus: Duration::from_millis(400), ..quick() };
    let mut bed = Bed::of(&api, &timing, PrometheusChoice::Find, &["n0"]);
    let absent = bed.until_state(HealthState::Absent).await;
    let words = "no Prometheus server was found by the labels and names that its Service usually has; prometheus.service in \
                 config.toml names one";
    assert_eq!(message(&absent), words);
    assert_eq!(bed.failure("n0").await, words);
    let asked = api.requests("/proxy/");
    // Another Node that comes meanwhile is told the same, without another search.
    bed.demand.send_replace(demand(&["n0", "n1"]));
    bed.until_told("n1").await;
    assert_eq!(api.requests("/proxy/"), asked);
    serve(&api, "monitoring", ANSWER);
    assert_eq!(bed.until_state(HealthState::Live).await.objects, 2);
}

#[tokio::test]
async fn a_node_that_comes_later_is_asked_for_soon() {
    let api = with_nodes().await;
    serve(&api, "monitoring", ANSWER);
    let timing = Timing { prometheus: Duration::from_hours(1), ..quick() };
    let mut bed = Bed::of(&api, &timing, PrometheusChoice::Find, &["n0"]);
    bed.until_state(HealthState::Live).await;
    bed.demand.send_replace(demand(&["n0", "n1"]));
    bed.until_told("n1").await;
    assert_eq!((known(&bed.screen, "n1").map(|known| known.devices.len()), api.requests("/proxy/")), (Some(1), 2));
}

#[tokio::test]
async fn what_is_no_answer_is_told_in_words() {
    const LIMIT: usize = 32 << 20;
    let no_answer = "it is not the answer of a Prometheus server to a query";
    let error = r#"{"status":"error","errorType":"execution","error":"too many samples"}"#;
    let large = || format!("{}{}", ANSWER, " ".repeat(LIMIT));
    for (fault, words) in [
        (Fault::Answer("<html><body>Sign in</body></html>".to_owned()), no_answer),
        (Fault::Answer(String::new()), no_answer),
        (Fault::Answer(NOTHING.replace("vector", "matrix")), no_answer),
        (Fault::Answer(r#"{"data":{"resultType":"vector","result":[{"metric":{},"value":1}]}}"#.to_owned()), no_answer),
        (Fault::Answer(error.to_owned()), "the Prometheus server answered with an error: too many samples"),
        (Fault::AnswerWith(422, error), &format!("Unprocessable Entity: {error}")),
        (
            Fault::Status(503, "no endpoints available for service \\\"prom\\\""),
            "no endpoints available for service \"prom\"",
        ),
        // The whole, and then the first part.
        (Fault::Answer(large()), "the answer is larger than 32 MiB, the limit for one answer"),
    ] {
        let times = if matches!(&fault, Fault::Answer(body) if body.len() > LIMIT) { 2 } else { 1 };
        let api = with_nodes().await;
        api.state().plan("/proxy/", fault, times);
        serve(&api, "monitoring", ANSWER);
        let longer = Duration::from_secs(8);
        let timing = Timing { exporter: longer, request: longer, stall: longer, ..quick() };
        let mut bed = Bed::naming(&api, &timing, "monitoring/prom:9090");
        let said = format!("monitoring/prom:9090: {words}");
        assert_eq!(bed.failure("n0").await, said);
        assert_eq!(message(&bed.until_state(HealthState::Failed).await), said);
        assert_eq!(bed.until_state(HealthState::Live).await.objects, 1);
    }
}

#[tokio::test]
async fn a_server_that_hangs_fails_in_time_and_holds_up_no_search_for_long() {
    let api = with_nodes().await;
    serve(&api, "monitoring", ANSWER);
    api.state().plan("/proxy/", Fault::Hang, usize::MAX);
    let timing = Timing { request: Duration::from_mins(1), prometheus: Duration::from_secs(5), ..quick() };
    let mut bed = Bed::of(&api, &timing, PrometheusChoice::Find, &["n0"]);
    assert_eq!(bed.failure("n0").await, "monitoring/prom:9090: no answer within 300ms");
    bed.until_state(HealthState::Failed).await;
    assert_eq!(api.requests("/proxy/"), 2, "a second one may be silent, and no third one is asked");
}

/// Values of a device of `n0`, out of order and not all of them numbers.
const PAST: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[
    {"metric":{"__name__":"DCGM_FI_PROF_GR_ENGINE_ACTIVE","gpu":"0","UUID":"GPU-0","namespace":"gpu","pod":"dcgm-0"},
     "values":[[1060,"0.5"],[1030,"0.25"],[1090,"NaN"]]}]}}"#;

/// Means over two steps.
const PAST_OF_JOB: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[
    {"metric":{"batchtop":"busy"},"values":[[1060,"1.5"],[1120,"1.5"]]},
    {"metric":{"batchtop":"held"},"values":[[1060,"2"],[1120,"2"]]}]}}"#;

fn period() -> HistoryPeriod {
    HistoryPeriod { from: Time::from_seconds(1_000), to: Time::from_seconds(1_900), step_seconds: 60 }
}

fn past_of_node() -> HistoryQuestion {
    let exporter = Some(ObjectKey::new("gpu", "dcgm-0"));
    HistoryQuestion::Node { node: Sym::new("n0"), exporter, period: period() }
}

fn past_of_job() -> HistoryQuestion {
    HistoryQuestion::Job { job: ObjectKey::new("ml", "train"), period: period() }
}

impl Bed {
    async fn past(&self, question: HistoryQuestion) -> Result<Option<HistoryAnswer>, String> {
        let history = self.screen.history.as_ref().expect("accelerators are measured");
        history.ask(&self.screen.access, question).await
    }
}

/// How many requests of the past the server has seen.
fn asked_of_past(api: &FakeApi) -> usize {
    api.requests("/query_range")
}

#[tokio::test]
async fn the_past_is_asked_of_the_server_that_was_found_and_only_when_it_is_wanted() {
    let api = with_nodes().await;
    serve(&api, "watching", ANSWER);
    api.state().pages.insert(proxy("watching", "prom:9090") + "_range", PAST.to_owned());
    let mut bed = Bed::finding(&api, &[]);
    bed.until_state(HealthState::NotNeeded).await;
    assert_eq!((bed.past(past_of_node()).await, api.requests("/proxy/")), (Ok(None), 0), "no server is known");
    bed.demand.send_replace(demand(&["n0"]));
    bed.until_state(HealthState::Live).await;
    assert_eq!(asked_of_past(&api), 0);
    let answer = bed.past(past_of_node()).await.expect("an answer").expect("a server");
    assert_eq!((answer.server.to_string().as_str(), asked_of_past(&api)), ("watching/prom:9090", 1));
    let HistoryTold::Node(samples) = answer.told else { panic!("the devices of a Node") };
    let percent = |at: usize| samples[at].1[0].utilization.map(Utilization::whole_percent);
    let times: Vec<i64> = samples.iter().map(|(at, _)| at.seconds()).collect();
    assert_eq!((times, [percent(0), percent(1), percent(2)]), (vec![1_030, 1_060, 1_090], [Some(25), Some(50), None]));
}

#[tokio::test]
async fn a_named_server_is_asked_of_the_past_of_a_job() {
    let api = with_nodes().await;
    serve(&api, "monitoring", ANSWER);
    api.state().pages.insert(proxy("monitoring", "prom:9090") + "_range", PAST_OF_JOB.to_owned());
    let bed = Bed::naming(&api, &quick(), "monitoring/prom:9090");
    let answer = bed.past(past_of_job()).await.expect("an answer").expect("a server");
    assert_eq!(answer.told, HistoryTold::Job(DeviceSeconds { held: 240, busy: 180 }));
    assert_eq!(api.requests("start=1000&end=1900&step=60"), 1);
    let off = Bed::of(&api, &quick(), PrometheusChoice::Off { by: "a test" }, &["n0"]);
    assert_eq!((off.past(past_of_job()).await, asked_of_past(&api)), (Ok(None), 1));
}

#[tokio::test]
async fn why_nothing_is_told_of_the_past_is_said_in_words() {
    const LIMIT: usize = 2 << 20;
    let no_answer = "monitoring/prom:9090: it is not the answer of a Prometheus server to a query";
    let forbidden = "services \\\"prom\\\" is forbidden: User \\\"jane\\\" cannot get resource \\\"services/proxy\\\"";
    for (fault, words) in [
        (Fault::Answer("<html>".to_owned()), no_answer),
        (Fault::Answer(NOTHING.to_owned()), no_answer),
        (Fault::Hang, "monitoring/prom:9090: no answer within 300ms"),
        (
            Fault::Answer(format!("{PAST}{}", " ".repeat(10 << 20))),
            &format!("monitoring/prom:9090: the answer is larger than {} MiB, the limit for one answer", LIMIT >> 20),
        ),
        (
            Fault::Status(403, forbidden),
            "may not get services/proxy in namespace monitoring: services \"prom\" is forbidden: User \"jane\" cannot get \
             resource \"services/proxy\"",
        ),
    ] {
        let api = with_nodes().await;
        serve(&api, "monitoring", ANSWER);
        api.state().plan("/query_range", fault, 1);
        let bed = Bed::naming(&api, &quick(), "monitoring/prom:9090");
        let said = bed.past(past_of_node()).await.expect_err("no answer");
        assert!(said.starts_with(words), "{said}");
    }
}
