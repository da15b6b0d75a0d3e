//! What Nodes use, from an API that may be absent, refused, or out of order.

use batchtop::fleet::{GpuDemand, Health, HealthState, SourceId};
use batchtop::source::kube::PrometheusChoice;
use tokio::sync::watch;

use crate::fake_api::{FakeApi, Fault};
use crate::screen::{Screen, quick};

const LIST: &str = "GET /apis/metrics.k8s.io/v1beta1/nodes ";

fn answer(cpu: &str) -> Fault {
    let item = format!(
        r#"{{"metadata":{{"name":"n0"}},"timestamp":"2026-09-21T14:13:20Z","window":"20s","usage":{{"cpu":"{cpu}","memory":"1Gi"}}}}"#
    );
    Fault::Answer(format!(
        r#"{{"kind":"NodeMetricsList","apiVersion":"metrics.k8s.io/v1beta1","metadata":{{}},"items":[{item}]}}"#
    ))
}

/// What a person would see, and whoever would want accelerators read, without whom the Sources of metrics end.
fn screen(api: &FakeApi) -> (Screen, watch::Sender<GpuDemand>) {
    let (wants, demand) = watch::channel(GpuDemand::default());
    (Screen::measuring(api, &quick(), demand, PrometheusChoice::Find), wants)
}

fn health(screen: &Screen) -> Health {
    screen.sources.get(&SourceId::NodeMetrics).cloned().unwrap_or_default()
}

async fn until(screen: &mut Screen, state: HealthState) -> Option<String> {
    screen.until(state.name(), |screen| health(screen).state == state).await;
    health(screen).message.map(|message| message.to_string())
}

fn cpu_millis(screen: &Screen) -> Option<i64> {
    screen.fleet.node_usage.get("n0").map(|usage| usage.cpu_millis)
}

#[tokio::test]
async fn the_usage_of_nodes_is_listed_again_and_again() {
    let api = FakeApi::start().await;
    api.state().plan(LIST, answer("250m"), 2);
    api.state().plan(LIST, answer("1500m"), usize::MAX);
    let (mut screen, _wants) = screen(&api);
    screen.until("the first answer", |screen| cpu_millis(screen) == Some(250)).await;
    screen.until("a later one", |screen| cpu_millis(screen) == Some(1_500)).await;
    assert_eq!(health(&screen).objects, 1);
}

#[tokio::test]
async fn usage_is_unknown_where_no_api_serves_it_or_it_is_forbidden() {
    let api = FakeApi::start().await;
    let (mut screen, _wants) = screen(&api);
    let words = until(&mut screen, HealthState::Absent).await;
    assert_eq!(words.as_deref(), Some("the cluster serves no metrics.k8s.io: metrics-server is not installed"));
    api.state().plan(LIST, answer("250m"), 1);
    api.state().plan(LIST, Fault::Status(403, "nodes.metrics.k8s.io is forbidden"), usize::MAX);
    screen.until("an answer", |screen| cpu_millis(screen) == Some(250)).await;
    let words = until(&mut screen, HealthState::Forbidden).await;
    assert_eq!(words.as_deref(), Some("may not list nodes.metrics.k8s.io: nodes.metrics.k8s.io is forbidden"));
    assert_eq!(cpu_millis(&screen), None);
}

#[tokio::test]
async fn usage_stays_in_sight_as_stale_while_metrics_server_does_not_answer() {
    let api = FakeApi::start().await;
    api.state().plan(LIST, answer("250m"), 1);
    api.state().plan(LIST, Fault::Status(503, "the server is currently unable to handle the request"), 3);
    api.state().plan(LIST, Fault::Answer("{}".to_owned()), 1);
    api.state().plan(LIST, answer("750m"), usize::MAX);
    let (mut screen, _wants) = screen(&api);
    until(&mut screen, HealthState::Stale).await;
    assert_eq!(cpu_millis(&screen), Some(250));
    screen.until("the next answer", |screen| cpu_millis(screen) == Some(750)).await;
    until(&mut screen, HealthState::Live).await;
}
