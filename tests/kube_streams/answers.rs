//! Answers that are none: success, and something else than what was asked for.

use batchtop::app::{App, Msg, Settings, settle, update};
use batchtop::export;
use batchtop::fleet::{HealthState, Kind};

use crate::fake_api::{FakeApi, Fault, bare, pod};
use crate::screen::{CLAIMS, NODES, PODS, Screen, clock, plain, put_pods, quick, server_sees, with_pods};

const POOLS: &str = "/apis/karpenter.sh/v1/nodepools";

/// A Node that Karpenter would take at once if it were empty, and a protected pod on it.
async fn protected_node() -> FakeApi {
    let api = FakeApi::start().await;
    let condition = |kind: &str| {
        format!(
            r#"{{"type":"{kind}","status":"True","lastTransitionTime":"2026-11-21T10:00:00Z","reason":"","message":""}}"#
        )
    };
    let conditions: Vec<String> =
        ["Launched", "Registered", "Initialized", "Consolidatable", "Ready"].into_iter().map(condition).collect();
    let conditions = conditions.join(",");
    let labels = r#""labels":{"karpenter.sh/nodepool":"np","karpenter.sh/registered":"true","karpenter.sh/initialized":"true","karpenter.sh/capacity-type":"spot","topology.kubernetes.io/zone":"z","node.kubernetes.io/instance-type":"m5.large"}"#;
    let with =
        |name: &str, rest: &str| bare(name).replace(r#""name""#, &format!("{labels},\"name\"")).replace("}}", rest);
    let mut state = api.state();
    state.groups.insert("karpenter.sh".to_owned(), vec!["v1".to_owned()]);
    state.put(
        NODES,
        "n1",
        &with("n1", &format!(r#"}},"spec":{{"providerID":"aws:///n1"}},"status":{{"conditions":[{conditions}]}}}}"#)),
    );
    state.put(
        CLAIMS,
        "c1",
        &with(
            "c1",
            &format!(r#"}},"status":{{"nodeName":"n1","providerID":"aws:///n1","conditions":[{conditions}]}}}}"#),
        ),
    );
    let spec = r#"},"spec":{"disruption":{"consolidationPolicy":"WhenEmptyOrUnderutilized","consolidateAfter":"0s","budgets":[{"nodes":"100%"}]}},"status":{"conditions":["#;
    state.put(POOLS, "np", &bare("np").replace("}}", &format!("{spec}{conditions}]}}}}")));
    state.put(PODS, "ml/p", &pod("p", "ml", Some("true")));
    drop(state);
    api
}

/// The verdict on n1 in the JSON document.
fn verdict(screen: &Screen) -> String {
    let mut app = App::new(Settings::default(), clock());
    for report in &screen.reported {
        let epoch = app.epoch;
        update(&mut app, Msg::Source(epoch, report.clone()));
    }
    settle(&mut app);
    let document = serde_json::to_value(export::snapshot(&app, export::GpuDetail::Sums)).expect("JSON");
    document["nodes"][0]["disruption"]["verdict"].as_str().unwrap_or_default().to_owned()
}

async fn settled(screen: &mut Screen, pods: HealthState) {
    screen
        .until("all but pods", |screen| {
            Kind::ALL.into_iter().all(|kind| {
                let state = screen.health(kind).state;
                if kind == Kind::Pod { state == pods } else { state.is_settled() }
            })
        })
        .await;
}

/// Bodies that are no list of pods, and what is said of each.
const NO_LISTS: [(&str, &str); 9] = [
    ("{}", "is an object without kind, not a PodList"),
    ("[]", "is not a JSON object, not a PodList"),
    (r#"{"error":"upstream"}"#, "is an object without kind, not a PodList"),
    (r#"{"kind":"Status","code":410,"message":"too old"}"#, "(410)"),
    (r#"{"kind":"Status","code":401,"message":"who?"}"#, "is a Status, not a PodList: who?"),
    (r#"{"kind":"Status","status":"Success"}"#, "is a Status, not a PodList"),
    (
        r#"{"kind":"ConfigMapList","apiVersion":"v1","metadata":{},"items":[]}"#,
        "is a ConfigMapList of v1, not a PodList",
    ),
    (r#"{"kind":"PodList","apiVersion":"v1","metadata":{}}"#, "is a PodList without items, not a PodList"),
    (r#"{"kind":"PodList","items":[{"#, "the answer cannot be read"),
];

#[tokio::test]
async fn a_success_answer_without_a_list_is_a_failure_and_not_an_empty_list() {
    for (body, words) in NO_LISTS {
        let api = protected_node().await;
        // One answer of 410 is no failure yet: the list is asked for again.
        let times = if body.contains("410") { 2 } else { 1 };
        api.state().plan("GET /api/v1/pods?limit", Fault::Answer(body.to_owned()), times);
        let mut screen = Screen::of(&api);
        screen.until("failed pods", |screen| screen.is(Kind::Pod, HealthState::Failed)).await;
        let said = screen.health(Kind::Pod).message.expect("words");
        assert!(said.contains(words), "{body}: {said}");
        settled(&mut screen, HealthState::Live).await;
        assert_eq!(verdict(&screen), "ProtectedByPod", "{body}: healed");
        assert!(screen.pod_states.iter().filter(|state| **state == HealthState::Live).count() == 1);
    }
}

#[tokio::test]
async fn a_verdict_is_unknown_while_the_pod_list_is_invalid() {
    for body in ["{}", "[]", r#"{"kind":"ConfigMapList","items":[]}"#, r#"{"kind":"Status","code":404}"#] {
        let api = protected_node().await;
        api.state().plan("GET /api/v1/pods?limit", Fault::Answer(body.to_owned()), usize::MAX);
        let mut screen = Screen::of(&api);
        settled(&mut screen, HealthState::Failed).await;
        assert_eq!(verdict(&screen), "Unknown", "{body}");
    }
}

#[tokio::test]
async fn a_list_of_pods_that_is_not_found_is_a_failure_and_not_an_absent_api() {
    let api = protected_node().await;
    api.state().plan("GET /api/v1/pods?limit", Fault::Status(404, "no route"), usize::MAX);
    let mut screen = Screen::of(&api);
    settled(&mut screen, HealthState::Failed).await;
    assert_eq!(screen.health(Kind::Pod).message.as_deref(), Some("the API server has no pods in v1"));
    assert_eq!(verdict(&screen), "Unknown");
}

#[tokio::test]
async fn a_403_status_in_a_success_answer_is_forbidden() {
    let api = with_pods(2).await;
    let body = r#"{"kind":"Status","code":403,"reason":"Forbidden","message":"pods is forbidden"}"#;
    api.state().plan("GET /api/v1/pods?limit", Fault::Answer(body.to_owned()), 1);
    let mut screen = Screen::of(&api);
    screen.until("forbidden", |screen| screen.is(Kind::Pod, HealthState::Forbidden)).await;
    screen.live_with(2).await;
}

#[tokio::test]
async fn an_invalid_later_page_keeps_the_earlier_rows() {
    let api = with_pods(20).await;
    api.state().page_cap = Some(8);
    let mut screen = Screen::of(&api);
    screen.live_with(20).await;
    server_sees("the watch", || api.state().watches(PODS) == 1).await;
    for body in ["{}", "[]", r#"{"kind":"ConfigMapList","items":[]}"#] {
        screen.watch_for_gaps();
        api.state().plan("&continue=8", Fault::Answer(body.to_owned()), 1);
        api.state().expire(PODS);
        screen
            .until("stale", |screen| {
                screen.health(Kind::Pod).message.is_some_and(|words| words.contains("not a PodList"))
            })
            .await;
        assert!(screen.is(Kind::Pod, HealthState::Stale));
        screen.live_with(20).await;
        assert_eq!(screen.fewest_pods, 20, "{body}");
        server_sees("the watch", || api.state().watches(PODS) == 1).await;
    }
}

#[tokio::test]
async fn an_invalid_watch_line_makes_pods_stale_until_they_are_listed_again() {
    let api = with_pods(3).await;
    let mut screen = Screen::of(&api);
    screen.live_with(3).await;
    for line in [
        r#"{"type":"ADDED","object":{"kind":"ConfigMap","metadata":{"name":"x","uid":"u","creationTimestamp":"2026-11-21T10:00:00Z"}}}"#,
        r#"{"type":"RENAMED","object":{"kind":"Pod","metadata":{"name":"x"}}}"#,
        r#"{"type":"ADDED"}"#,
        "{}",
        "<html>",
        r#"{"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"x","#,
    ] {
        server_sees("the watch", || api.state().watches(PODS) == 1).await;
        screen.watch_for_gaps();
        let lists = api.requests("GET /api/v1/pods?limit");
        api.state().send(PODS, &format!("{line}\n"));
        screen
            .until("stale", |screen| {
                screen.health(Kind::Pod).message.is_some_and(|words| words.starts_with("the watch of pods sent "))
            })
            .await;
        assert!(screen.is(Kind::Pod, HealthState::Stale));
        api.state().end(PODS);
        screen.live_with(3).await;
        assert_eq!(api.requests("GET /api/v1/pods?limit"), lists + 1, "{line}");
    }
    put_pods(&api, 3..4);
    screen.live_with(4).await;
    assert_eq!(screen.health(Kind::Pod).undecodable, 0);
}

#[tokio::test]
async fn an_invalid_discovery_answer_is_not_a_cluster_without_karpenter() {
    let api = protected_node().await;
    api.state().plan("GET /apis ", Fault::Answer("{}".to_owned()), 2);
    let mut screen = Screen::with(&plain(&api), Vec::new(), &quick());
    screen.until("failed claims", |screen| screen.is(Kind::NodeClaim, HealthState::Failed)).await;
    settled(&mut screen, HealthState::Live).await;
    screen.until("claims", |screen| screen.is(Kind::NodeClaim, HealthState::Live)).await;
    assert_eq!(verdict(&screen), "ProtectedByPod");
}
