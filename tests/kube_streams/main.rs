//! The Kubernetes streams against an API server that misbehaves on demand.

#![allow(clippy::expect_used, clippy::panic, reason = "what a test needs and does not get fails it")]

mod answers;
mod bodies;
mod evictions;
#[path = "../fake_api/mod.rs"]
mod fake_api;
mod gpu_exporters;
mod karpenter_metrics;
mod legacy;
mod logs;
mod node_metrics;
mod prometheus;
mod refusals;
mod screen;
mod storms;

use std::time::Duration;

use batchtop::fleet::{
    ChangedValue, Epoch, HealthState, KarpenterApi, Key, Kind, ObjectChange, ObjectKey, Sym, Uid, ValueChange,
    WriteOutcome,
};
use batchtop::source::kube::{ConnectOptions, KubeSource, Timing, fetch, write};
use fake_api::{FakeApi, Fault, bare, pod, serve_every_kind};
use screen::{
    CLAIMS, NODES, PATIENCE, PODS, Screen, clock, kubeconfig, plain, put_pods, quick, server_sees, with_pods,
};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn list_pages_are_joined_and_watched_from_the_listed_version() {
    let api = with_pods(25).await;
    api.state().page_cap = Some(10);
    let mut screen = Screen::of(&api);
    screen.live_with(25).await;
    assert_eq!(api.requests("GET /api/v1/pods?limit"), 3);
    assert_eq!(screen.health(Kind::Pod).objects, 25);
    api.state().put(PODS, "ml/new", &pod("new", "ml", Some("true")));
    api.state().delete(PODS, "ml/p0003");
    screen.until("the change", |screen| screen.has_pod("new") && !screen.has_pod("p0003")).await;
    screen.until("the count", |screen| screen.health(Kind::Pod).objects == 25).await;
    let row = screen.fleet.pods.get(&ObjectKey::new("ml", "new")).expect("the pod");
    assert_eq!(row.do_not_disrupt.as_deref(), Some("true"));
    assert_eq!(api.requests("GET /api/v1/pods?limit"), 3, "nothing was listed again");
    screen.until("facts", |screen| screen.facts.identity.is_some() && screen.facts.kubernetes_version.is_some()).await;
    assert_eq!((screen.facts.context.as_str(), screen.facts.contexts.len()), ("c", 2));
    assert_eq!(screen.facts.server, api.url());
}

#[tokio::test]
async fn nodes_are_listed_before_pods() {
    let api = with_pods(3).await;
    api.state().put(NODES, "n1", &bare("n1"));
    let mut screen = Screen::of(&api);
    screen.live_with(3).await;
    let log = api.state().log.clone();
    let at = |text: &str| log.iter().position(|line| line.contains(text)).expect("a request");
    assert!(at("/api/v1/nodes?limit") < at("/api/v1/pods?limit"));
    assert_eq!(screen.fleet.nodes.len(), 1);
}

#[tokio::test]
async fn a_bookmark_moves_the_resource_version_from_which_a_watch_resumes() {
    let api = with_pods(1).await;
    let mut screen = Screen::of(&api);
    screen.live_with(1).await;
    server_sees("the watch", || api.state().watches(PODS) == 1).await;
    // Only other kinds change, then the history is forgotten: without the bookmark the next watch would be told 410.
    api.state().put(NODES, "n1", &bare("n1"));
    api.state().bookmark(PODS);
    tokio::time::sleep(Duration::from_millis(50)).await;
    api.state().compact();
    let version = api.state().version();
    api.state().end(PODS);
    server_sees("the next watch", || {
        api.requests(&format!("pods?watch=1&allowWatchBookmarks=true&timeoutSeconds=20&resourceVersion={version}")) == 1
    })
    .await;
    put_pods(&api, 1..2);
    screen.live_with(2).await;
    assert_eq!(api.requests("GET /api/v1/pods?limit"), 1);
}

#[tokio::test]
async fn an_expired_watch_is_listed_again_without_a_gap() {
    let api = with_pods(30).await;
    let mut screen = Screen::of(&api);
    screen.live_with(30).await;
    screen.watch_for_gaps();
    server_sees("the watch", || api.state().watches(PODS) == 1).await;
    api.state().end(PODS);
    api.state().compact();
    api.state().delete(PODS, "ml/p0000");
    put_pods(&api, 30..32);
    api.state().compact();
    screen.until("31 pods", |screen| screen.fleet.pods.len() == 31 && screen.is(Kind::Pod, HealthState::Live)).await;
    assert!(screen.fewest_pods >= 30, "the screen showed only {}", screen.fewest_pods);
    assert_eq!(screen.removals, 0, "a relist does not remove one by one");
    assert!(!screen.has_pod("p0000"));
    assert!(!screen.pod_states.contains(&HealthState::Syncing), "{:?}", screen.pod_states);
    // The same, told in the middle of a watch.
    server_sees("the watch", || api.state().watches(PODS) == 1).await;
    api.state().expire(PODS);
    put_pods(&api, 32..33);
    screen.until("32 pods", |screen| screen.fleet.pods.len() == 32 && screen.is(Kind::Pod, HealthState::Live)).await;
    assert!(screen.fewest_pods >= 30 && screen.removals == 0);
    assert_eq!(api.requests("GET /api/v1/pods?limit"), 3);
}

#[tokio::test]
async fn an_expired_page_starts_the_list_over_and_then_takes_larger_pages() {
    let api = with_pods(20).await;
    api.state().page_cap = Some(8);
    api.state().plan("pods?limit=500&continue", Fault::Status(410, "the provided continue parameter is too old"), 2);
    let mut screen = Screen::of(&api);
    screen.live_with(20).await;
    assert_eq!(api.requests("pods?limit=1000"), 3);
    assert_eq!(screen.health(Kind::Pod).objects, 20);
}

#[tokio::test]
async fn a_forbidden_kind_is_reported_and_read_once_permitted() {
    let api = with_pods(2).await;
    api.state().forbidden.insert("/apis/batch/v1/jobs".to_owned());
    let mut screen = Screen::of(&api);
    screen.until("forbidden jobs", |screen| screen.is(Kind::Job, HealthState::Forbidden)).await;
    let health = screen.health(Kind::Job);
    let words = health.message.expect("words");
    assert!(words.contains("may not list and watch jobs") && words.contains("jane"), "{words}");
    assert!(health.next_try.is_some());
    screen.live_with(2).await;
    api.state().forbidden.clear();
    screen.until("live jobs", |screen| screen.is(Kind::Job, HealthState::Live)).await;
}

#[tokio::test]
async fn the_named_namespaces_are_read_where_the_cluster_scope_is_forbidden() {
    let api = with_pods(2).await;
    api.state().put(PODS, "web/w", &pod("w", "web", None));
    api.state().put(PODS, "secret/s", &pod("s", "secret", None));
    api.state().forbidden.insert(PODS.to_owned());
    let mut screen = Screen::with(&plain(&api), vec!["ml".to_owned(), "web".to_owned()], &quick());
    screen.live_with(3).await;
    screen.until("facts", |screen| screen.facts.namespaces.is_some()).await;
    assert_eq!(screen.facts.namespaces.as_deref(), Some(&["ml".to_owned(), "web".to_owned()][..]));
    assert!(screen.health(Kind::Pod).message.is_some_and(|words| words.contains("only namespace ml, web")));
    put_pods(&api, 2..3);
    api.state().delete(PODS, "web/w");
    screen.until("both watches", |screen| screen.has_pod("p0002") && screen.fleet.pods.len() == 3).await;
}

#[tokio::test]
async fn an_absent_api_is_read_once_served_and_dropped_once_removed() {
    let api = FakeApi::start().await;
    let mut screen = Screen::of(&api);
    screen.until("absent claims", |screen| screen.is(Kind::NodeClaim, HealthState::Absent)).await;
    screen.until("no Karpenter", |screen| screen.facts.karpenter_api == KarpenterApi::Absent).await;
    assert!(screen.health(Kind::NodeClaim).message.is_some_and(|words| words.contains("karpenter.sh")));
    api.state().groups.insert("karpenter.sh".to_owned(), vec!["v1".to_owned()]);
    api.state().put(CLAIMS, "c1", &bare("c1"));
    screen.until("the claim", |screen| screen.fleet.node_claims.len() == 1).await;
    screen.until("Karpenter", |screen| screen.facts.karpenter_api == KarpenterApi::V1).await;
    screen.until("live", |screen| screen.is(Kind::NodeClaim, HealthState::Live)).await;
    server_sees("the watch", || api.state().watches(CLAIMS) == 1).await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    api.state().groups.clear();
    api.state().end(CLAIMS);
    screen.until("it is gone", |screen| screen.fleet.node_claims.is_empty()).await;
    screen.until("absent again", |screen| screen.is(Kind::NodeClaim, HealthState::Absent)).await;
}

#[tokio::test]
async fn a_legacy_karpenter_api_is_read_and_reported() {
    let api = FakeApi::start().await;
    api.state().groups.insert("karpenter.sh".to_owned(), vec!["v1beta1".to_owned()]);
    api.state().put("/apis/karpenter.sh/v1beta1/nodepools", "np", &bare("np"));
    let mut screen = Screen::of(&api);
    screen.until("the pool", |screen| screen.is(Kind::NodePool, HealthState::Live)).await;
    screen.until("the fact", |screen| screen.facts.karpenter_api == KarpenterApi::V1Beta1).await;
    assert_eq!(screen.fleet.node_pools.len(), 1);
    assert_eq!(screen.health(Kind::NodePool).message.as_deref(), Some("legacy API v1beta1"));
    screen.until("no overlay", |screen| screen.is(Kind::NodeOverlay, HealthState::Absent)).await;
    api.state().groups.insert("karpenter.sh".to_owned(), vec!["v1".to_owned(), "v1alpha1".to_owned()]);
    api.state().put("/apis/karpenter.sh/v1alpha1/nodeoverlays", "o", &bare("o"));
    screen.until("the overlay", |screen| screen.fleet.node_overlays.len() == 1).await;
}

#[tokio::test]
async fn eks_auto_mode_is_recognised() {
    let api = FakeApi::start().await;
    api.state().groups.insert("eks.amazonaws.com".to_owned(), vec!["v1".to_owned()]);
    api.state().put("/apis/eks.amazonaws.com/v1/nodeclasses", "default", &bare("default"));
    let mut screen = Screen::of(&api);
    screen.until("Auto Mode", |screen| screen.facts.auto_mode && screen.fleet.eks_node_classes.len() == 1).await;
}

// --- what the cluster serves ---

fn serve(api: &FakeApi, group: &str, versions: &[&str]) {
    api.state().groups.insert(group.to_owned(), versions.iter().map(ToString::to_string).collect());
}

/// How many requests for all groups have come.
fn discoveries(api: &FakeApi) -> usize {
    api.state().log.iter().filter(|line| *line == "GET /apis").count()
}

#[tokio::test]
async fn one_discovery_request_tells_which_optional_kinds_are_served() {
    let api = with_pods(1).await;
    serve(&api, "karpenter.sh", &["v1", "v1alpha1"]);
    api.state().missing.insert("nodeoverlays".to_owned());
    let mut screen = Screen::of(&api);
    screen.until("claims", |screen| screen.is(Kind::NodeClaim, HealthState::Live)).await;
    for kind in [Kind::NodeOverlay, Kind::Ec2NodeClass, Kind::EksNodeClass] {
        screen.until("absent", |screen| screen.is(kind, HealthState::Absent)).await;
        assert!(screen.health(kind).next_try.is_some());
    }
    let words = screen.health(Kind::NodeOverlay).message.expect("words");
    assert_eq!(words.as_str(), "the API server has no nodeoverlays in karpenter.sh/v1alpha1");
    server_sees("more of them", || discoveries(&api) > 3).await;
    for group in ["/apis/karpenter.k8s.aws", "/apis/eks.amazonaws.com", "/v1alpha1"] {
        assert_eq!(api.requests(group), 0, "nobody asks for {group}");
    }
    // The kind is defined later.
    api.state().missing.clear();
    api.state().put("/apis/karpenter.sh/v1alpha1/nodeoverlays", "o", &bare("o"));
    screen.until("the overlay", |screen| screen.fleet.node_overlays.len() == 1).await;
    screen.until("live", |screen| screen.is(Kind::NodeOverlay, HealthState::Live)).await;
    assert_eq!(api.requests("GET /apis/karpenter.sh/v1alpha1/nodeoverlays?limit"), 1);
}

#[tokio::test]
async fn kueue_workloads_are_read_in_the_best_served_version_once_installed() {
    let workload = |name: &str| bare(name).replace("\"metadata\":{", "\"metadata\":{\"namespace\":\"ml\",");
    let api = with_pods(1).await;
    let mut screen = Screen::of(&api);
    screen.until("no Kueue", |screen| screen.is(Kind::Workload, HealthState::Absent)).await;
    server_sees("more of them", || discoveries(&api) > 3).await;
    assert_eq!(api.requests("kueue.x-k8s.io"), 0, "nobody asks for what is not served");
    api.state().put("/apis/kueue.x-k8s.io/v1beta1/workloads", "ml/old", &workload("old"));
    serve(&api, "kueue.x-k8s.io", &["v1beta1"]);
    let has = |screen: &Screen, name: &str| screen.fleet.workloads.get(&ObjectKey::new("ml", name)).is_some();
    screen.until("the Workload", |screen| has(screen, "old") && screen.is(Kind::Workload, HealthState::Live)).await;
    // Kueue goes, and a newer one comes.
    api.state().groups.clear();
    api.state().end("/apis/kueue.x-k8s.io/v1beta1/workloads");
    screen.until("it is gone", |screen| screen.fleet.workloads.is_empty()).await;
    screen.until("no Kueue", |screen| screen.is(Kind::Workload, HealthState::Absent)).await;
    api.state().put("/apis/kueue.x-k8s.io/v1beta2/workloads", "ml/new", &workload("new"));
    serve(&api, "kueue.x-k8s.io", &["v1beta1", "v1beta2"]);
    screen.until("the other Workload", |screen| has(screen, "new") && !has(screen, "old")).await;
}

#[tokio::test]
async fn a_server_without_aggregated_discovery_is_asked_for_needed_groups_only() {
    let api = FakeApi::start().await;
    api.state().plain_discovery = true;
    serve(&api, "karpenter.sh", &["v1", "v1alpha1"]);
    serve(&api, "example.com", &["v1"]);
    api.state().missing.insert("nodeoverlays".to_owned());
    let mut screen = Screen::of(&api);
    screen.until("claims", |screen| screen.is(Kind::NodeClaim, HealthState::Live)).await;
    screen.until("no overlay", |screen| screen.is(Kind::NodeOverlay, HealthState::Absent)).await;
    assert_eq!((api.requests("nodeoverlays"), api.requests("example.com")), (0, 0));
    api.state().missing.clear();
    screen.until("overlays", |screen| screen.is(Kind::NodeOverlay, HealthState::Live)).await;
}

#[tokio::test]
async fn the_best_api_version_is_tried_where_discovery_is_forbidden() {
    let api = FakeApi::start().await;
    api.state().forbidden.insert("/apis".to_owned());
    serve(&api, "karpenter.sh", &["v1"]);
    let mut screen = Screen::of(&api);
    screen.until("claims", |screen| screen.is(Kind::NodeClaim, HealthState::Live)).await;
    screen.until("no overlay", |screen| screen.is(Kind::NodeOverlay, HealthState::Absent)).await;
    assert_eq!(screen.facts.karpenter_api, KarpenterApi::V1);
}

#[tokio::test]
async fn served_apis_are_unknown_until_discovery_succeeds() {
    let api = with_pods(1).await;
    serve(&api, "karpenter.sh", &["v1"]);
    api.state().plan("GET /apis ", Fault::Status(503, "not yet"), 2);
    let mut screen = Screen::of(&api);
    screen.until("failed claims", |screen| screen.is(Kind::NodeClaim, HealthState::Failed)).await;
    let health = screen.health(Kind::NodeClaim);
    assert!(health.next_try.is_some() && health.message.as_deref() == Some("not yet"), "{health:?}");
    assert_eq!(screen.facts.karpenter_api, KarpenterApi::Unknown);
    screen.until("claims", |screen| screen.is(Kind::NodeClaim, HealthState::Live)).await;
    // What has been said stays true while nothing newer is said.
    api.state().plan("GET /apis ", Fault::Status(503, "not now"), usize::MAX);
    let asked = discoveries(&api);
    server_sees("more failures", || discoveries(&api) > asked + 2).await;
    put_pods(&api, 1..2);
    screen.live_with(2).await;
    assert!(screen.is(Kind::NodeClaim, HealthState::Live) && screen.is(Kind::EksNodeClass, HealthState::Absent));
}

// --- connections ---

/// Everything that any kind of the table needs, in as many namespaces as there are, each of which is read by itself.
#[tokio::test]
async fn every_kind_and_namespace_is_read_over_at_most_fifteen_connections() {
    let api = FakeApi::start().await;
    let namespaces: Vec<String> = (0..6).map(|number| format!("team{number}")).collect();
    serve_every_kind(&api);
    for (path, namespace) in
        [PODS, "/apis/batch/v1/jobs"].into_iter().flat_map(|path| namespaces.iter().map(move |it| (path, it)))
    {
        api.state().forbidden.insert(path.to_owned());
        api.state().put(path, &format!("{namespace}/a"), &pod("a", namespace, None));
    }
    let mut screen = Screen::with(&plain(&api), namespaces.clone(), &quick());
    screen.live_with(6).await;
    for kind in Kind::ALL {
        screen.until("every kind", |screen| screen.is(kind, HealthState::Live)).await;
    }
    let is_said = |words: &Sym| words.starts_with("only namespace team0, ") && words.contains("; listed every 0 s: ");
    screen.until("it is said", |screen| screen.health(Kind::Pod).message.as_ref().is_some_and(is_said)).await;
    screen.watch_for_gaps();
    for (number, namespace) in namespaces.iter().enumerate() {
        api.state().put(PODS, &format!("{namespace}/b{number}"), &pod(&format!("b{number}"), namespace, None));
    }
    screen.live_with(12).await;
    api.state().delete(PODS, "team5/a");
    screen.live_with(11).await;
    assert_eq!(screen.pod_states, [HealthState::Live], "a list of what is not watched makes nothing stale");
    let pods_of = |name: &String| format!("/api/v1/namespaces/{name}/pods");
    let watched = || namespaces.iter().map(|name| api.state().watches(&pods_of(name))).sum::<usize>();
    server_sees("a watch of the first namespace", || watched() > 0).await;
    assert!(watched() < 6, "{} of 6 namespaces are watched", watched());
    let most = api.state().most_connections;
    assert!((13..=15).contains(&most), "{most} connections at the same time");
}

#[tokio::test]
async fn a_busy_server_is_retried_only_after_its_retry_after_time() {
    let api = with_pods(2).await;
    api.state().plan("GET /api/v1/pods?limit", Fault::Busy(1), 1);
    let mut screen = Screen::of(&api);
    screen.until("failed", |screen| screen.is(Kind::Pod, HealthState::Failed)).await;
    let next = screen.health(Kind::Pod).next_try.expect("a next try");
    assert_eq!(next.seconds_since(clock()), 1);
    screen.live_with(2).await;
    assert_eq!(api.requests("GET /api/v1/pods?limit"), 2);
}

#[tokio::test]
async fn a_rotated_token_is_read_again() {
    let api = with_pods(2).await;
    api.state().token = Some("old".to_owned());
    let (old, new) =
        (plain(&api).replace("user: {}", "user: {token: old}"), plain(&api).replace("user: {}", "user: {token: new}"));
    let mut screen = Screen::with(&old, Vec::new(), &quick());
    screen.live_with(2).await;
    std::fs::write(screen.folder.path().join("config"), new).expect("a file");
    api.state().token = Some("new".to_owned());
    api.state().end_all();
    screen.until("stale", |screen| screen.pod_states.contains(&HealthState::Stale)).await;
    put_pods(&api, 2..3);
    screen.live_with(3).await;
    assert_eq!(api.requests("GET /api/v1/pods?limit"), 1, "the watch goes on where it was");
}

#[tokio::test]
async fn a_token_file_is_trimmed_and_read_again_before_the_old_token_is_refused() {
    let api = with_pods(2).await;
    api.state().token = Some("old".to_owned());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "old\n").expect("a file");
    let config = plain(&api).replace("user: {}", &format!("user: {{tokenFile: {}}}", file.display()));
    let mut screen = Screen::with(&config, Vec::new(), &Timing { token_file: Duration::from_millis(20), ..quick() });
    screen.live_with(2).await;
    std::fs::write(&file, "new\n").expect("a file");
    // Both are good for a while, as tokens of service accounts are.
    api.state().token = None;
    tokio::time::sleep(Duration::from_millis(400)).await;
    api.state().token = Some("new".to_owned());
    api.state().end_all();
    put_pods(&api, 2..3);
    screen.live_with(3).await;
    assert!(!screen.pod_states.contains(&HealthState::Stale), "{:?}", screen.pod_states);
}

#[tokio::test]
async fn invalid_credentials_at_startup_are_one_clear_error() {
    let api = with_pods(1).await;
    api.state().token = Some("right".to_owned());
    let mut screen = Screen::of(&api);
    screen.until("down", |screen| !screen.down.is_empty()).await;
    let error = &screen.down[0];
    assert!(error.message.contains("401") && error.message.contains("Unauthorized"), "{error:?}");
    assert_eq!(error.exit_code, 3);
    api.state().token = None;
    screen.live_with(1).await;
}

#[tokio::test]
async fn an_unreachable_server_is_one_clear_error() {
    let mut api = FakeApi::start().await;
    api.stop();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let mut screen = Screen::of(&api);
    screen.until("down", |screen| !screen.down.is_empty()).await;
    let error = &screen.down[0];
    assert!(error.message.contains("cannot be reached") && error.hint.contains("Nothing listens"), "{error:?}");
    assert_eq!((screen.facts.context.as_str(), screen.facts.contexts.len()), ("c", 2), "there is another to choose");
    assert_eq!(screen.facts.server, api.url());
    api.start_again().await;
    screen.until("nodes", |screen| screen.is(Kind::Node, HealthState::Live)).await;
}

#[tokio::test]
async fn a_credential_plugin_is_run_once_and_its_failure_is_reported() {
    let api = with_pods(1).await;
    api.state().token = Some("t1".to_owned());
    let folder = tempfile::tempdir().expect("a folder");
    let count = folder.path().join("count");
    let user = |script: &str| {
        let exec = format!(
            "user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, args: ['-c', '{script}']}}}}"
        );
        plain(&api).replace("user: {}", &exec)
    };
    let script = format!("echo x >> {}; echo \"{{status: {{token: t1}}}}\"", count.display());
    let mut screen = Screen::with(&user(&script), Vec::new(), &quick());
    screen.live_with(1).await;
    assert_eq!(std::fs::read_to_string(&count).expect("a count").lines().count(), 1);
    let mut broken = Screen::with(&user("echo sso session has expired >&2; exit 255"), Vec::new(), &quick());
    broken.until("down", |screen| !screen.down.is_empty()).await;
    assert!(broken.down[0].message.contains("sso session has expired"), "{:?}", broken.down[0]);
}

#[tokio::test]
async fn a_dead_watch_connection_is_replaced_without_losing_changes() {
    let api = with_pods(1).await;
    api.state().plan("pods?watch", Fault::HalfOpen, 1);
    let timing = Timing { watch: Duration::from_millis(150), watch_slack: Duration::from_millis(50), ..quick() };
    let mut screen = Screen::with(&plain(&api), Vec::new(), &timing);
    screen.live_with(1).await;
    put_pods(&api, 1..2);
    screen.live_with(2).await;
    assert_eq!(api.requests("GET /api/v1/pods?limit"), 1, "found by the next watch, not by a list");
}

#[tokio::test]
async fn a_request_that_is_never_answered_fails_and_is_tried_again() {
    let api = with_pods(1).await;
    api.state().plan("pods?limit", Fault::Hang, 1);
    let mut screen = Screen::of(&api);
    screen.until("failed", |screen| screen.is(Kind::Pod, HealthState::Failed)).await;
    assert!(screen.health(Kind::Pod).message.is_some_and(|words| words.contains("no answer in time")));
    screen.live_with(1).await;
}

#[tokio::test]
async fn a_list_or_watch_cut_within_a_chunk_is_resumed() {
    let api = with_pods(2).await;
    api.state().plan("pods?limit", Fault::Cut, 1);
    let mut screen = Screen::of(&api);
    screen.live_with(2).await;
    server_sees("the watch", || api.state().watches(PODS) == 1).await;
    tokio::time::sleep(Duration::from_millis(40)).await;
    screen.watch_for_gaps();
    api.state().cut(PODS);
    put_pods(&api, 2..3);
    screen.live_with(3).await;
    assert!(!screen.pod_states.contains(&HealthState::Failed));
    assert_eq!(screen.health(Kind::Pod).undecodable, 0);
}

#[tokio::test]
async fn a_slow_but_steady_list_does_not_time_out() {
    let api = with_pods(20).await;
    // Longer in all than any single wait may be, and each pause much shorter than that, also on a busy machine.
    let wait = Duration::from_secs(1);
    api.state().plan("pods?limit", Fault::Drip(Duration::from_millis(60)), 1);
    let began = std::time::Instant::now();
    let mut screen = Screen::with(&plain(&api), Vec::new(), &Timing { request: wait, stall: wait, ..quick() });
    screen.live_with(20).await;
    assert!(began.elapsed() > wait, "the list was not slow: {:?}", began.elapsed());
    assert_eq!(api.requests("pods?limit"), 1);
}

#[tokio::test]
async fn an_undecodable_object_is_counted_and_the_rest_is_shown() {
    let api = with_pods(2).await;
    let bad = pod("bad", "ml", None).replace("\"Running\"", "{}");
    api.state().put(PODS, "ml/bad", &bad);
    let mut screen = Screen::of(&api);
    screen.live_with(2).await;
    assert_eq!(screen.health(Kind::Pod).undecodable, 1);
    let turned = pod("p0000", "ml", None).replace("\"Running\"", "{}");
    api.state().put(PODS, "ml/p0000", &turned);
    screen.until("counted", |screen| screen.health(Kind::Pod).undecodable == 2).await;
    assert!(!screen.has_pod("p0000"), "its old row would be a lie");
    api.state().put(PODS, "ml/p0000", &pod("p0000", "ml", None));
    screen.until("back", |screen| screen.has_pod("p0000")).await;
}

#[tokio::test]
async fn an_object_that_is_gone_or_can_be_decoded_again_is_no_longer_counted_as_undecodable() {
    let api = with_pods(3).await;
    let bad = |name: &str| pod(name, "ml", None).replace("\"Running\"", "{}");
    for name in ["bad", "worse"] {
        api.state().put(PODS, &format!("ml/{name}"), &bad(name));
    }
    let mut screen = Screen::of(&api);
    screen.live_with(3).await;
    for _ in 0..2 {
        api.state().put(PODS, "ml/p0000", &bad("p0000"));
    }
    let counted = |screen: &Screen| screen.health(Kind::Pod).undecodable;
    screen.until("three of them", |screen| counted(screen) == 3 && !screen.has_pod("p0000")).await;
    api.state().put(PODS, "ml/p0000", &pod("p0000", "ml", None));
    screen.until("one can be decoded", |screen| counted(screen) == 2 && screen.has_pod("p0000")).await;
    api.state().put(PODS, "ml/bad", &pod("bad", "ml", None));
    api.state().delete(PODS, "ml/worse");
    screen.until("none is left", |screen| counted(screen) == 0 && screen.has_pod("bad")).await;
    assert_eq!(api.requests("GET /api/v1/pods?limit"), 1, "nothing was listed again");
}

#[tokio::test]
async fn what_comes_right_before_a_watch_fails_is_counted() {
    let api = with_pods(2).await;
    let mut screen = Screen::of(&api);
    screen.live_with(2).await;
    server_sees("the watch", || api.state().watches(PODS) == 1).await;
    let failure = r#"{"type":"ERROR","object":{"kind":"Status","code":500,"message":"etcd is away"}}"#;
    {
        // In one moment, so that both are read together.
        let mut state = api.state();
        state.put(PODS, "ml/new", &pod("new", "ml", None));
        state.send(PODS, &format!("{failure}\n"));
        state.end(PODS);
    }
    screen.until("it is said", |screen| screen.health(Kind::Pod).message.as_deref() == Some("etcd is away")).await;
    assert!(screen.has_pod("new"));
    assert_eq!(screen.health(Kind::Pod).objects, 3);
    assert_eq!(api.requests("GET /api/v1/pods?limit"), 1, "nothing was listed again");
}

#[tokio::test]
async fn a_restarted_server_is_stale_and_then_live_with_the_same_fleet() {
    let mut api = with_pods(40).await;
    let mut screen = Screen::of(&api);
    screen.live_with(40).await;
    screen.until("nodes", |screen| screen.is(Kind::Node, HealthState::Live)).await;
    screen.watch_for_gaps();
    api.stop();
    screen.until("stale", |screen| screen.is(Kind::Pod, HealthState::Stale)).await;
    let health = screen.health(Kind::Pod);
    assert!(health.next_try.is_some() && health.as_of.is_some() && health.message.is_some());
    api.state().delete(PODS, "ml/p0001");
    put_pods(&api, 40..45);
    api.state().compact();
    api.start_again().await;
    screen.until("44 pods", |screen| screen.fleet.pods.len() == 44 && screen.is(Kind::Pod, HealthState::Live)).await;
    assert!(screen.fewest_pods >= 40, "the screen showed only {}", screen.fewest_pods);
    let mut fresh = Screen::of(&api);
    fresh.live_with(44).await;
    let rows = |screen: &Screen| {
        let mut rows: Vec<String> = screen.fleet.pods.iter().map(|row| format!("{row:?}")).collect();
        rows.sort();
        rows
    };
    assert_eq!(rows(&screen), rows(&fresh));
}

#[tokio::test]
async fn the_source_ends_when_cancelled() {
    let api = with_pods(1).await;
    let folder = tempfile::tempdir().expect("a folder");
    let options = ConnectOptions { kubeconfig: Some(kubeconfig(&folder, &plain(&api))), ..ConnectOptions::default() };
    let source = KubeSource::new(options, Vec::new(), quick(), clock);
    let (sink, mut reports) = mpsc::channel(8);
    let cancel = CancellationToken::new();
    let running = tokio::spawn(source.run(sink, Epoch(1), cancel.clone()));
    assert!(reports.recv().await.is_some());
    cancel.cancel();
    timeout(PATIENCE, running).await.expect("it ends").expect("without a panic");
}

// --- the one write, and details ---

struct Desk {
    api: FakeApi,
    screen: Screen,
}

impl Desk {
    async fn with(annotation: Option<&str>) -> Self {
        let api = FakeApi::start().await;
        api.state().put(PODS, "ml/p", &pod("p", "ml", annotation));
        let mut screen = Screen::of(&api);
        screen.live_with(1).await;
        Self { api, screen }
    }

    fn change(&self, from: Option<&str>, to: Option<&str>) -> ValueChange {
        let row = self.screen.fleet.pods.get(&ObjectKey::new("ml", "p")).expect("the pod");
        ValueChange {
            key: Key::new(Kind::Pod, row.meta.key.clone()),
            value: ChangedValue::DoNotDisrupt,
            uid: row.meta.uid.clone(),
            resource_version: row.meta.resource_version.to_string(),
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
        }
    }

    async fn write(&self, change: &ValueChange) -> WriteOutcome {
        let client = self.screen.access.client().await.expect("a client");
        write(&client, &ObjectChange::Value(change.clone()), self.screen.access.timing()).await
    }
}

#[tokio::test]
async fn an_annotation_is_set_and_removed() {
    let mut desk = Desk::with(None).await;
    assert_eq!(desk.write(&desk.change(None, Some("4h"))).await, WriteOutcome::Done);
    assert_eq!(desk.api.requests("PATCH /api/v1/namespaces/ml/pods/p?fieldManager=batchtop"), 1);
    let key = ObjectKey::new("ml", "p");
    desk.screen
        .until("4h", |screen| {
            screen.fleet.pods.get(&key).is_some_and(|row| row.do_not_disrupt.as_deref() == Some("4h"))
        })
        .await;
    assert_eq!(desk.write(&desk.change(Some("4h"), None)).await, WriteOutcome::Done);
    desk.screen
        .until("none", |screen| screen.fleet.pods.get(&key).is_some_and(|row| row.do_not_disrupt.is_none()))
        .await;
}

#[tokio::test]
async fn a_conflict_is_read_again_and_only_the_same_value_is_overwritten() {
    let desk = Desk::with(None).await;
    let change = desk.change(None, Some("true"));
    // Something else about the pod changed.
    desk.api.state().put(PODS, "ml/p", &pod("p", "ml", None));
    assert_eq!(desk.write(&change).await, WriteOutcome::Done);
    // Somebody wrote another value.
    desk.api.state().put(PODS, "ml/p", &pod("p", "ml", Some("1h")));
    let outcome = desk.write(&change).await;
    assert_eq!(outcome, WriteOutcome::ChangedBySomebody { now: Some("1h".to_owned()) });
}

#[tokio::test]
async fn a_recreated_object_is_not_touched() {
    let desk = Desk::with(None).await;
    let change = desk.change(None, Some("true"));
    desk.api.state().put(PODS, "ml/p", &pod("p", "ml", None).replace("uid-p", "uid-q"));
    assert_eq!(desk.write(&change).await, WriteOutcome::Recreated);
    let mut without_version = change.clone();
    without_version.resource_version.clear();
    assert_eq!(desk.write(&without_version).await, WriteOutcome::Recreated);
    assert_eq!(without_version.uid, Uid::parse("uid-p"));
}

#[tokio::test]
async fn every_refused_write_has_its_outcome() {
    let desk = Desk::with(None).await;
    let change = desk.change(None, Some("true"));
    let refused = |code, words: &str| WriteOutcome::Refused { code, message: words.to_owned() };
    for (code, words) in [(403, "pods p is forbidden"), (422, "admission says no"), (500, "failed calling webhook x")] {
        desk.api.state().plan("PATCH", Fault::Status(code, words), 1);
        assert_eq!(desk.write(&change).await, refused(code, words));
    }
    for code in [500, 502, 504] {
        desk.api.state().plan("PATCH", Fault::Status(code, "cannot say"), 1);
        desk.api.state().plan("GET /api/v1/namespaces/ml/pods/p", Fault::Status(503, "down"), 1);
        assert!(matches!(desk.write(&change).await, WriteOutcome::Unanswered { message } if message == "cannot say"));
    }
    desk.api.state().plan("PATCH", Fault::Status(504, "gateway timeout"), 1);
    assert_eq!(desk.write(&change).await, refused(504, "gateway timeout"), "read again, and not written");
    desk.api.state().plan("PATCH", Fault::Hang, 1);
    assert!(matches!(desk.write(&change).await, WriteOutcome::Unanswered { .. }));
    desk.api.state().plan("PATCH", Fault::Status(409, "again"), 1);
    assert!(matches!(desk.write(&change).await, WriteOutcome::Refused { code: 409, .. }));
    desk.api.state().delete(PODS, "ml/p");
    assert_eq!(desk.write(&change).await, WriteOutcome::Gone);
}

#[tokio::test]
async fn a_write_stored_despite_an_error_answer_counts_as_done() {
    for fault in [Fault::DoneBut(500, "timeout"), Fault::DoneBut(504, "gateway"), Fault::DoneInSilence] {
        let desk = Desk::with(None).await;
        desk.api.state().plan("PATCH", fault.clone(), 1);
        assert_eq!(desk.write(&desk.change(None, Some("4h"))).await, WriteOutcome::Done, "{fault:?}");
    }
    let desk = Desk::with(None).await;
    let change = desk.change(None, Some("4h"));
    desk.api.state().put(PODS, "ml/p", &pod("p", "ml", Some("1h")));
    desk.api.state().plan("PATCH", Fault::Status(500, "oops"), 2);
    let now = Some("1h".to_owned());
    assert_eq!(desk.write(&change).await, WriteOutcome::ChangedBySomebody { now });
    desk.api.state().put(PODS, "ml/p", &pod("p", "ml", Some("4h")).replace("uid-p", "uid-q"));
    assert_eq!(desk.write(&change).await, WriteOutcome::Recreated, "that another one has the value is no success");
}

/// Answers of success to a PATCH, none of which shows the pod with the annotation `4h`.
fn unconfirmed() -> [(u16, &'static str); 7] {
    [
        (
            200,
            r#"{"metadata":{"name":"q","namespace":"ml","uid":"uid-p","resourceVersion":"9","annotations":{"karpenter.sh/do-not-disrupt":"4h"}}}"#,
        ),
        (
            200,
            r#"{"metadata":{"name":"p","namespace":"ml","uid":"uid-q","resourceVersion":"9","annotations":{"karpenter.sh/do-not-disrupt":"4h"}}}"#,
        ),
        (200, r#"{"metadata":{"name":"p","namespace":"ml","uid":"uid-p","resourceVersion":"9"}}"#),
        (200, r#"{"kind":"Status","status":"Success"}"#),
        (200, "<html>sign in</html>"),
        (201, ""),
        (204, ""),
    ]
}

#[tokio::test]
async fn a_success_answer_without_the_change_is_read_back() {
    for (code, body) in unconfirmed() {
        let desk = Desk::with(None).await;
        desk.api.state().plan("PATCH", Fault::AnswerWith(code, body), 1);
        let message = format!("the answer was {code}, but the annotation is not stored");
        assert_eq!(desk.write(&desk.change(None, Some("4h"))).await, WriteOutcome::Refused { code, message }, "{body}");
        assert_eq!(desk.api.requests("GET /api/v1/namespaces/ml/pods/p"), 1);
    }
    let desk = Desk::with(None).await;
    desk.api.state().plan("PATCH", Fault::AnswerWith(202, ""), 1);
    let message = "the change was accepted (202), and is not stored yet".to_owned();
    assert_eq!(desk.write(&desk.change(None, Some("4h"))).await, WriteOutcome::Unanswered { message });
}

#[tokio::test]
async fn a_success_answer_without_the_change_is_done_if_the_change_is_stored() {
    for (code, body) in unconfirmed() {
        let desk = Desk::with(None).await;
        let change = desk.change(None, Some("4h"));
        desk.api.state().put(PODS, "ml/p", &pod("p", "ml", Some("4h")));
        desk.api.state().plan("PATCH", Fault::AnswerWith(code, body), 1);
        assert_eq!(desk.write(&change).await, WriteOutcome::Done, "{code} {body}");
        desk.api.state().put(PODS, "ml/p", &pod("p", "ml", Some("1h")));
        desk.api.state().plan("PATCH", Fault::AnswerWith(code, body), 1);
        let now = Some("1h".to_owned());
        assert_eq!(desk.write(&change).await, WriteOutcome::ChangedBySomebody { now }, "{code} {body}");
    }
}

#[tokio::test]
async fn reading_back_another_object_does_not_confirm_a_write() {
    let desk = Desk::with(None).await;
    let (_, another) = unconfirmed()[0];
    desk.api.state().plan("PATCH", Fault::AnswerWith(200, ""), 1);
    desk.api.state().plan("GET /api/v1/namespaces/ml/pods/p", Fault::AnswerWith(200, another), 1);
    assert!(matches!(desk.write(&desk.change(None, Some("4h"))).await, WriteOutcome::Unanswered { .. }));
}

#[tokio::test]
async fn a_refused_write_is_done_if_the_change_is_stored() {
    for code in [400, 403, 404, 429] {
        let desk = Desk::with(None).await;
        desk.api.state().plan("PATCH", Fault::DoneBut(code, "no"), 1);
        assert_eq!(desk.write(&desk.change(None, Some("4h"))).await, WriteOutcome::Done, "{code}");
        let desk = Desk::with(None).await;
        desk.api.state().plan("PATCH", Fault::Status(code, "no"), 1);
        desk.api.state().plan("GET /api/v1/namespaces/ml/pods/p", Fault::Status(403, "may not get"), 1);
        let written = desk.write(&desk.change(None, Some("4h"))).await;
        assert!(matches!(written, WriteOutcome::Refused { .. } | WriteOutcome::Gone), "{code}: {written:?}");
    }
}

#[tokio::test]
async fn annotations_and_yaml_of_an_object_are_fetched() {
    let desk = Desk::with(Some("4h")).await;
    let key = Key::new(Kind::Pod, ObjectKey::new("ml", "p"));
    let client = desk.screen.access.client().await.expect("a client");
    let fetched = fetch(&client, &key, &quick()).await.expect("the pod");
    assert_eq!(fetched.annotations, [("karpenter.sh/do-not-disrupt".to_owned(), "4h".to_owned())]);
    assert!(fetched.yaml.contains("nodeName: n1"), "{}", fetched.yaml);
    let gone = Key::new(Kind::NodePool, ObjectKey::cluster("np"));
    assert!(fetch(&client, &gone, &quick()).await.is_err());
}

// --- one session, one cluster ---

/// Two contexts with a token each, of which `current` is the current one.
fn two_clusters(current: &str, c: &str, d: &str, token: &str) -> String {
    format!(
        "current-context: {current}\n\
         contexts: [{{name: c, context: {{cluster: c, user: u}}}}, {{name: d, context: {{cluster: d, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: '{c}'}}}}, {{name: d, cluster: {{server: '{d}'}}}}]\n\
         users: [{{name: u, user: {{token: {token}}}}}]\n"
    )
}

#[tokio::test]
async fn a_credential_renewal_stays_in_the_context_chosen_at_startup() {
    let (api, other) = (with_pods(1).await, with_pods(5).await);
    api.state().token = Some("old".to_owned());
    let mut screen = Screen::with(&two_clusters("c", &api.url(), &other.url(), "old"), Vec::new(), &quick());
    screen.live_with(1).await;
    // `kubectl config use-context d`, and a token that is renewed at the same time.
    kubeconfig(&screen.folder, &two_clusters("d", &api.url(), &other.url(), "new"));
    api.state().token = Some("new".to_owned());
    api.state().end_all();
    put_pods(&api, 1..2);
    screen.live_with(2).await;
    assert_eq!((screen.facts.context.as_str(), other.requests("GET")), ("c", 0));
}

#[tokio::test]
async fn a_context_that_now_points_at_another_server_is_refused_and_reported() {
    let (api, other) = (with_pods(1).await, with_pods(5).await);
    api.state().token = Some("old".to_owned());
    let mut screen = Screen::with(&two_clusters("c", &api.url(), &other.url(), "old"), Vec::new(), &quick());
    screen.live_with(1).await;
    kubeconfig(&screen.folder, &two_clusters("c", &other.url(), &other.url(), "new"));
    api.state().token = Some("new".to_owned());
    api.state().end_all();
    screen.until("down", |screen| !screen.down.is_empty()).await;
    let words =
        format!("the kubeconfig now points context c at server {}; this session reads {}", other.url(), api.url());
    assert_eq!(screen.down[0].message, words);
    assert!(screen.down[0].hint.contains("choose the context again"), "{:?}", screen.down[0]);
    // It is tried again until the kubeconfig leads back.
    kubeconfig(&screen.folder, &two_clusters("c", &api.url(), &other.url(), "new"));
    put_pods(&api, 1..2);
    screen.live_with(2).await;
    assert_eq!(other.requests("GET"), 0);
}

#[tokio::test]
async fn contexts_are_listed_even_if_the_chosen_one_or_its_plugin_fails() {
    let api = with_pods(1).await;
    let wrong = plain(&api).replace("current-context: c", "current-context: gone");
    let exec = "user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/false}}";
    for config in [wrong, plain(&api).replace("user: {}", exec)] {
        let mut screen = Screen::with(&config, Vec::new(), &quick());
        screen.until("down", |screen| !screen.down.is_empty()).await;
        assert_eq!(screen.facts.contexts, ["c", "d"]);
    }
}

#[tokio::test]
async fn a_panic_in_one_stream_is_reported_and_ends_all_streams() {
    let api = with_pods(1).await;
    let mut screen = Screen::at(|| panic!("a broken clock"), &plain(&api), Vec::new(), &quick());
    screen.until("down", |screen| !screen.down.is_empty()).await;
    assert!(screen.down[0].message.ends_with("a mistake in batchtop: a broken clock"), "{:?}", screen.down[0]);
    let after = timeout(PATIENCE, screen.reports.recv()).await.expect("it ends");
    assert_eq!(after, None, "nothing takes the sentence away");
}

#[tokio::test]
async fn the_users_request_timeout_applies_to_writes_and_details_and_zero_is_none() {
    let api = with_pods(1).await;
    let limit = |limit| Screen::started(clock, &plain(&api), Vec::new(), &quick(), Some(limit)).access.timing().request;
    assert_eq!(limit(Duration::from_secs(7)), Duration::from_secs(7));
    assert!(limit(Duration::ZERO) > Duration::from_hours(24 * 365));
    let mut screen = Screen::started(clock, &plain(&api), Vec::new(), &quick(), Some(Duration::ZERO));
    screen.live_with(1).await;
}

#[tokio::test]
async fn the_object_count_after_a_burst_is_reported_without_a_further_event() {
    let api = with_pods(1).await;
    let timing = Timing { health: Duration::from_millis(150), ..quick() };
    let mut screen = Screen::with(&plain(&api), Vec::new(), &timing);
    screen.live_with(1).await;
    server_sees("the watch", || api.state().watches(PODS) == 1).await;
    put_pods(&api, 1..9);
    screen.until("the count", |screen| screen.health(Kind::Pod).objects == 9).await;
}

// --- rights in some namespaces only ---

const IN_WEB: &str = "/api/v1/namespaces/web/pods";
const IN_ML: &str = "/api/v1/namespaces/ml/pods";

/// Two pods in ml, one in web and one elsewhere; the whole cluster and web may not be read.
async fn rights_in_ml_only() -> (FakeApi, Screen) {
    let api = with_pods(2).await;
    api.state().put(PODS, "web/w", &pod("w", "web", None));
    api.state().put(PODS, "secret/s", &pod("s", "secret", None));
    api.state().forbidden.extend([PODS.to_owned(), IN_WEB.to_owned()]);
    let screen = Screen::with(&plain(&api), vec!["ml".to_owned(), "web".to_owned()], &quick());
    (api, screen)
}

#[tokio::test]
async fn a_forbidden_namespace_does_not_stop_reading_the_others() {
    let (api, mut screen) = rights_in_ml_only().await;
    screen.live_with(2).await;
    let words = screen.health(Kind::Pod).message.expect("words");
    assert!(words.contains("only namespace ml: ") && words.contains("not namespace web: "), "{words}");
    assert_eq!(screen.facts.namespaces.as_deref(), Some(&["ml".to_owned()][..]));
    assert_eq!(screen.health(Kind::Pod).namespaces, Some(vec![Sym::new("ml")]));
    screen.until("jobs", |screen| screen.is(Kind::Job, HealthState::Live)).await;
    assert_eq!(screen.health(Kind::Job).namespaces, None, "Jobs may be read everywhere");
    put_pods(&api, 2..3);
    screen.live_with(3).await;
    assert!(!screen.pod_states.contains(&HealthState::Forbidden), "{:?}", screen.pod_states);
    // Granted later.
    api.state().forbidden.remove(IN_WEB);
    screen.live_with(4).await;
    let words = screen.health(Kind::Pod).message.expect("words");
    assert!(words.contains("only namespace ml, web: ") && !words.contains("not namespace"), "{words}");
}

/// Live pods, two in ml and one in web, each namespace with a watch of its own that has ended by now.
async fn interrupted_namespaces(api: &FakeApi) -> Screen {
    api.state().put(PODS, "web/w", &pod("w", "web", None));
    api.state().forbidden.insert(PODS.to_owned());
    let timing = Timing { forbidden_patience: Duration::from_hours(1), ..quick() };
    let mut screen = Screen::with(&plain(api), vec!["ml".to_owned(), "web".to_owned()], &timing);
    screen.live_with(3).await;
    server_sees("the watches", || [IN_ML, IN_WEB].iter().all(|path| api.state().watches(path) == 1)).await;
    // A watch that ends right away is not opened again at once.
    tokio::time::sleep(Duration::from_millis(40)).await;
    screen.watch_for_gaps();
    screen
}

#[tokio::test]
async fn a_namespace_that_may_no_longer_be_read_leaves_the_others_live() {
    let api = with_pods(2).await;
    let mut screen = interrupted_namespaces(&api).await;
    api.state().forbidden.insert(IN_WEB.to_owned());
    api.state().end(IN_WEB);
    screen.live_with(2).await;
    screen.until("it is said", |screen| screen.health(Kind::Pod).namespaces == Some(vec![Sym::new("ml")])).await;
    let words = screen.health(Kind::Pod).message.expect("words");
    assert!(words.contains("only namespace ml: ") && words.contains("not namespace web: pods is forbidden"), "{words}");
    put_pods(&api, 2..3);
    screen.live_with(3).await;
    assert_eq!(screen.pod_states, [HealthState::Live]);
    api.state().forbidden.remove(IN_WEB);
    screen.live_with(4).await;
}

#[tokio::test]
async fn namespaces_that_are_all_refused_at_once_keep_their_rows_for_a_while() {
    let api = with_pods(2).await;
    let mut screen = interrupted_namespaces(&api).await;
    api.state().forbidden.extend([IN_ML.to_owned(), IN_WEB.to_owned()]);
    api.state().end_all();
    screen.until("stale", |screen| screen.is(Kind::Pod, HealthState::Stale)).await;
    let tries = || api.requests(&format!("GET {IN_WEB}?limit=1"));
    server_sees("more tries", || tries() > 2).await;
    api.state().forbidden = [PODS.to_owned()].into();
    screen.live_with(3).await;
    assert_eq!((screen.fewest_pods, screen.pod_states.contains(&HealthState::Forbidden)), (3, false));
}

#[tokio::test]
async fn the_whole_cluster_is_read_once_permitted() {
    let (api, mut screen) = rights_in_ml_only().await;
    screen.live_with(2).await;
    api.state().forbidden.clear();
    screen.live_with(4).await;
    screen.until("no note", |screen| screen.health(Kind::Pod).message.is_none()).await;
    assert_eq!((screen.facts.namespaces.as_ref(), screen.health(Kind::Pod).namespaces), (None, None));
}

#[tokio::test]
async fn rows_of_an_incomplete_first_list_are_dropped_when_it_becomes_forbidden() {
    let api = with_pods(20).await;
    api.state().page_cap = Some(8);
    api.state().plan("pods?limit=500&continue", Fault::Status(403, "no more"), 1);
    let mut screen = Screen::of(&api);
    screen.until("forbidden", |screen| screen.is(Kind::Pod, HealthState::Forbidden)).await;
    assert_eq!(screen.fleet.pods.len(), 0);
    screen.live_with(20).await;
}

#[tokio::test]
async fn a_namespace_that_may_be_listed_but_not_watched_is_left_out_after_one_list() {
    let (api, mut screen) = rights_in_ml_only().await;
    api.state().forbidden.remove(IN_WEB);
    api.state().plan(&format!("GET {IN_WEB}?watch"), Fault::Status(403, "may not watch"), usize::MAX);
    screen.live_with(2).await;
    screen
        .until("said", |screen| screen.health(Kind::Pod).message.is_some_and(|it| it.contains("may not watch")))
        .await;
    server_sees("three more tries", || api.requests(&format!("GET {IN_WEB}?watch")) > 3).await;
    assert_eq!(api.requests(&format!("GET {IN_ML}?limit")), 2, "with web, and without");
    assert_eq!(api.requests(&format!("GET {IN_WEB}?limit")), 1);
}
