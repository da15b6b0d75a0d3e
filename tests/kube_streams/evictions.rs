//! Evictions and rights on an API server that misbehaves.

use batchtop::fleet::{HealthState, Key, Kind, ObjectChange, ObjectKey, PodEviction, Right, Rights, Uid, WriteOutcome};
use batchtop::source::kube::write;

use crate::Desk;
use crate::fake_api::{FakeApi, Fault, pod};
use crate::screen::{PODS, Screen, plain, quick};

const EVICTION: &str = "POST /api/v1/namespaces/ml/pods/p/eviction";
const READ: &str = "GET /api/v1/namespaces/ml/pods/p ";

/// The 429 of a PodDisruptionBudget, as the API server writes it.
const OVER_BUDGET: &str = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Cannot evict pod as it would violate the pod's disruption budget.","reason":"TooManyRequests","details":{"causes":[{"reason":"DisruptionBudget","message":"The disruption budget web needs 2 healthy pods and has 2 currently"}]},"code":429}"#;

const SEVERAL: &str =
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";

async fn evict(desk: &Desk) -> WriteOutcome {
    let key = Key::new(Kind::Pod, ObjectKey::new("ml", "p"));
    let change = ObjectChange::Eviction(PodEviction { key, uid: Uid::parse("uid-p") });
    let client = desk.screen.access.client().await.expect("a client");
    write(&client, &change, desk.screen.access.timing()).await
}

#[tokio::test]
async fn a_pod_is_evicted_and_its_row_follows_the_watch() {
    let mut desk = Desk::with(Some("true")).await;
    assert_eq!(evict(&desk).await, WriteOutcome::Done);
    assert_eq!(desk.api.requests(EVICTION), 1);
    assert_eq!(desk.api.requests("PATCH"), 0);
    let key = ObjectKey::new("ml", "p");
    let is_going = |screen: &Screen| screen.fleet.pods.get(&key).is_some_and(|row| row.meta.deletion.is_some());
    desk.screen.until("a terminating pod", is_going).await;
}

#[tokio::test]
async fn a_pod_made_anew_under_the_same_name_is_not_evicted() {
    let desk = Desk::with(None).await;
    desk.api.state().put(PODS, "ml/p", &pod("p", "ml", None).replace("uid-p", "uid-q"));
    assert_eq!(evict(&desk).await, WriteOutcome::Recreated);
    assert!(!desk.api.state().collections[PODS]["ml/p"].contains("deletionTimestamp"));
}

#[tokio::test]
async fn a_budget_refuses_in_its_own_words_and_is_asked_once() {
    let desk = Desk::with(None).await;
    desk.api.state().plan(EVICTION, Fault::AnswerWith(429, OVER_BUDGET), 1);
    let message = "Cannot evict pod as it would violate the pod's disruption budget. \
                   The disruption budget web needs 2 healthy pods and has 2 currently";
    assert_eq!(evict(&desk).await, WriteOutcome::Refused { code: 429, message: message.to_owned() });
    assert_eq!(desk.api.requests(EVICTION), 1);
}

#[tokio::test]
async fn every_refused_eviction_has_its_outcome() {
    let desk = Desk::with(None).await;
    let refused = |code, words: &str| WriteOutcome::Refused { code, message: words.to_owned() };
    let forbidden = "pods p is forbidden: User jane cannot create resource pods/eviction in API group";
    for (code, words) in [(403, forbidden), (400, "bad"), (500, SEVERAL), (504, "gateway"), (409, "try again")] {
        desk.api.state().plan(EVICTION, Fault::Status(code, words), 1);
        assert_eq!(evict(&desk).await, refused(code, words));
    }
    desk.api.state().plan(EVICTION, Fault::Status(404, "no such path"), 1);
    assert_eq!(evict(&desk).await, refused(404, "no such path"), "the pod is there");
    desk.api.state().delete(PODS, "ml/p");
    assert_eq!(evict(&desk).await, WriteOutcome::Gone);
}

#[tokio::test]
async fn an_eviction_without_an_answer_is_not_made_again() {
    let desk = Desk::with(None).await;
    desk.api.state().plan(EVICTION, Fault::Hang, 1);
    let unanswered = |outcome: &WriteOutcome| matches!(outcome, WriteOutcome::Unanswered { .. });
    let outcome = evict(&desk).await;
    assert!(unanswered(&outcome), "{outcome:?}");
    assert_eq!(desk.api.requests(EVICTION), 1);
    for code in [500, 503, 504] {
        desk.api.state().plan(EVICTION, Fault::Status(code, "cannot say"), 1);
        desk.api.state().plan(READ, Fault::Status(503, "down"), 1);
        let outcome = evict(&desk).await;
        assert_eq!(outcome, WriteOutcome::Unanswered { message: "cannot say".to_owned() });
    }
    assert_eq!(desk.api.requests(EVICTION), 4);
}

#[tokio::test]
async fn an_eviction_carried_out_despite_an_error_or_silence_counts_as_done() {
    for fault in [Fault::DoneBut(500, "timeout"), Fault::DoneBut(504, "gateway"), Fault::DoneInSilence] {
        let desk = Desk::with(None).await;
        desk.api.state().plan(EVICTION, fault.clone(), 1);
        assert_eq!(evict(&desk).await, WriteOutcome::Done, "{fault:?}");
        assert_eq!(desk.api.requests(EVICTION), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_success_of_something_else_than_the_api_server_is_no_eviction() {
    for (code, body) in [(200, "<html>sign in</html>"), (201, ""), (200, r#"{"kind":"Status","status":"Failure"}"#)] {
        let desk = Desk::with(None).await;
        desk.api.state().plan(EVICTION, Fault::AnswerWith(code, body), 1);
        let message = format!("the answer was {code}, but the pod is not evicted");
        assert_eq!(evict(&desk).await, WriteOutcome::Refused { code, message }, "{body}");
    }
    let desk = Desk::with(None).await;
    desk.api.state().plan(EVICTION, Fault::AnswerWith(202, ""), 1);
    assert!(matches!(evict(&desk).await, WriteOutcome::Unanswered { .. }));
}

/// A screen on a server that denies these rights.
async fn denying(rights: &[&str]) -> Rights {
    let api = FakeApi::start().await;
    api.state().put(PODS, "ml/p", &pod("p", "ml", None));
    api.state().denied = rights.iter().map(ToString::to_string).collect();
    let mut screen = Screen::with(&plain(&api), vec!["ml".to_owned()], &quick());
    screen.until("pods", |screen| screen.is(Kind::Pod, HealthState::Live)).await;
    screen.until("rights", |screen| screen.facts.rights != Rights::default()).await;
    screen.facts.rights.clone()
}

#[tokio::test]
async fn rights_are_asked_in_the_cluster_and_then_in_the_namespaces() {
    let all = denying(&[]).await;
    assert!(all.are_complete());
    let here = denying(&["create pods/eviction"]).await;
    assert!(!here.is_missing(Right::EvictPods, "ml"), "a Role of the namespace gives it");
    let none = denying(&["create pods/eviction", "create pods/eviction in ml", "patch nodes"]).await;
    assert!(none.is_missing_everywhere(Right::EvictPods));
    assert!(none.is_missing(Right::PatchNodes, ""));
    assert!(!none.is_missing(Right::PatchPods, "ml"));
}
