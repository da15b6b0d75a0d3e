//! Answers of 403 to what was read before: the first ones may come from a server that does not know its roles yet.

use std::time::Duration;

use batchtop::fleet::{HealthState, Kind, SourceId};
use batchtop::source::kube::Timing;

use crate::fake_api::{FakeApi, Fault};
use crate::screen::{PODS, Screen, plain, put_pods, quick, server_sees, with_pods};

const CRD: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/nodepools.karpenter.sh";

/// Live pods whose watch has ended, so that it is asked for again.
async fn interrupted(api: &FakeApi) -> Screen {
    let mut screen = Screen::of(api);
    screen.live_with(5).await;
    server_sees("the watch", || api.state().watches(PODS) == 1).await;
    // A watch that ends right away is not opened again at once.
    tokio::time::sleep(Duration::from_millis(40)).await;
    screen.watch_for_gaps();
    screen
}

#[tokio::test]
async fn one_403_answer_keeps_the_rows_as_stale_and_is_retried_soon() {
    for request in ["GET /api/v1/pods?watch", "GET /api/v1/pods?limit"] {
        let api = with_pods(5).await;
        let mut screen = interrupted(&api).await;
        api.state().plan(request, Fault::Status(403, "clusterrole not found"), 1);
        api.state().expire(PODS);
        screen
            .until("stale", |screen| {
                let health = screen.health(Kind::Pod);
                let said = "may not list and watch pods: clusterrole not found";
                health.message.as_deref() == Some(said)
                    && health.next_try.is_some()
                    && health.state == HealthState::Stale
            })
            .await;
        put_pods(&api, 5..6);
        screen.live_with(6).await;
        assert_eq!(screen.fewest_pods, 5, "{request}: no row was forgotten");
        assert!(!screen.pod_states.contains(&HealthState::Forbidden), "{request}: {:?}", screen.pod_states);
    }
}

#[tokio::test]
async fn rows_of_a_kind_that_stays_forbidden_are_dropped_after_a_while() {
    let api = with_pods(5).await;
    let mut screen = interrupted(&api).await;
    api.state().forbidden.insert(PODS.to_owned());
    let began = std::time::Instant::now();
    api.state().end(PODS);
    screen.until("forbidden", |screen| screen.is(Kind::Pod, HealthState::Forbidden)).await;
    assert!(began.elapsed() >= quick().forbidden_patience);
    assert!(screen.pod_states.ends_with(&[HealthState::Stale, HealthState::Forbidden]), "{:?}", screen.pod_states);
    assert_eq!(screen.fleet.pods.len(), 0);
    api.state().forbidden.clear();
    screen.live_with(5).await;
}

#[tokio::test]
async fn a_kind_forbidden_from_the_start_is_reported_forbidden_throughout() {
    let api = with_pods(5).await;
    api.state().forbidden.insert(PODS.to_owned());
    let timing = Timing { forbidden_patience: Duration::from_hours(1), ..quick() };
    let mut screen = Screen::with(&plain(&api), Vec::new(), &timing);
    screen.until("forbidden", |screen| screen.is(Kind::Pod, HealthState::Forbidden)).await;
    let words = screen.health(Kind::Pod).message.expect("words");
    assert!(words.starts_with("may not list and watch pods: pods is forbidden"), "{words}");
    screen.watch_for_gaps();
    server_sees("more tries", || api.requests("GET /api/v1/pods?limit") > 3).await;
    api.state().forbidden.clear();
    screen.live_with(5).await;
    let states = [HealthState::Forbidden, HealthState::Syncing, HealthState::Live];
    assert_eq!(screen.pod_states, states, "a try that is refused again changes nothing in sight");
}

#[tokio::test]
async fn waits_between_retries_of_a_forbidden_kind_grow() {
    let api = with_pods(1).await;
    api.state().forbidden.insert(PODS.to_owned());
    let timing = Timing { forbidden_retry: Duration::from_hours(1), ..quick() };
    let _screen = Screen::with(&plain(&api), Vec::new(), &timing);
    server_sees("a first try", || api.requests("GET /api/v1/pods?limit") > 0).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let tries = api.requests("GET /api/v1/pods?limit");
    assert!((3..=7).contains(&tries), "after 20, 40, 80, 160, 320 ms, each up to a quarter less; not {tries}");
}

#[tokio::test]
async fn one_403_answer_keeps_the_known_karpenter_version() {
    let api = FakeApi::start().await;
    let crd = r#"{"spec":{"versions":[{"name":"v1"}]}}"#;
    api.state().plan(&format!("GET {CRD}"), Fault::Answer(crd.to_owned()), 1);
    api.state().plan(&format!("GET {CRD}"), Fault::Status(403, "clusterrole not found"), 1);
    api.state().plan(&format!("GET {CRD}"), Fault::Answer(crd.to_owned()), usize::MAX);
    let state = |screen: &Screen| screen.sources.get(&SourceId::KarpenterCrds).map(|health| health.state);
    let mut screen = Screen::of(&api);
    screen.until("stale", |screen| state(screen) == Some(HealthState::Stale)).await;
    assert_eq!(screen.facts.karpenter_crd_version.as_deref(), Some("1.0"));
    screen.until("live", |screen| state(screen) == Some(HealthState::Live)).await;
}
