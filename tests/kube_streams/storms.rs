//! Answers that a careless client would ask for again and again.

use std::time::Duration;

use batchtop::fleet::{HealthState, Kind};
use batchtop::source::kube::Timing;

use crate::fake_api::{FakeApi, Fault, pod};
use crate::screen::{PODS, Screen, plain, put_pods, quick, server_sees, with_pods};

/// Waits of 20, 40, 80 … ms without an end, each up to a quarter shorter.
fn growing() -> Timing {
    Timing { backoff_max: Duration::from_hours(1), ..quick() }
}

/// What fits into 600 ms of such waits, and one more for a slow machine.
const MOST_TRIES: usize = 7;

const LISTS: &str = "GET /api/v1/pods?limit";
const WATCHES: &str = "GET /api/v1/pods?watch";

/// Three pods, once they have been listed and then 600 ms have passed.
async fn after_a_while(api: &FakeApi, timing: &Timing) -> Screen {
    let mut screen = Screen::with(&plain(api), Vec::new(), timing);
    screen.until("pods", |screen| screen.fleet.pods.len() == 3).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    screen
}

#[tokio::test]
async fn a_watch_that_expires_after_each_list_waits_before_the_next_list() {
    let gone = r#"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}"#;
    let bookmark = r#"{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"7"}}}"#;
    let after_a_bookmark = Fault::Answer(format!("{bookmark}\n{gone}\n"));
    for fault in [after_a_bookmark, Fault::Answer(format!("{gone}\n")), Fault::Status(410, "too old")] {
        let api = with_pods(3).await;
        api.state().plan(WATCHES, fault.clone(), usize::MAX);
        let mut screen = after_a_while(&api, &growing()).await;
        let lists = api.requests(LISTS);
        assert!((2..=MOST_TRIES).contains(&lists), "{fault:?}: {lists} lists");
        screen
            .until("it is said", |screen| {
                screen.is(Kind::Pod, HealthState::Stale)
                    && screen.health(Kind::Pod).message.is_some_and(|words| words.contains("(410)"))
            })
            .await;
    }
}

#[tokio::test]
async fn a_refused_watch_is_retried_and_the_rows_are_kept() {
    for code in [400, 405, 406, 409, 415, 422] {
        let api = with_pods(3).await;
        api.state().plan(WATCHES, Fault::Status(code, "no watch today"), usize::MAX);
        let mut screen = after_a_while(&api, &growing()).await;
        let (lists, watches) = (api.requests(LISTS), api.requests(WATCHES));
        assert!(lists == 1 && (3..=MOST_TRIES).contains(&watches), "{code}: {lists} lists, {watches} watches");
        screen.until("stale", |screen| screen.is(Kind::Pod, HealthState::Stale)).await;
        assert_eq!(screen.health(Kind::Pod).message.as_deref(), Some("no watch today"));
        assert_eq!(screen.fleet.pods.len(), 3);
    }
}

#[tokio::test]
async fn a_watch_that_stays_refused_is_listed_again_at_the_longest_wait() {
    let api = with_pods(3).await;
    api.state().plan(WATCHES, Fault::Status(400, "invalid resource version"), 6);
    let mut screen = Screen::of(&api);
    server_sees("another list", || api.requests(LISTS) > 1).await;
    screen.live_with(3).await;
    server_sees("the watch", || api.state().watches(PODS) == 1).await;
}

#[tokio::test]
async fn a_long_lived_watch_that_expires_is_listed_again_at_once() {
    let api = with_pods(3).await;
    let timing =
        Timing { backoff_first: Duration::from_millis(100), backoff_max: Duration::from_millis(100), ..quick() };
    let mut screen = Screen::with(&plain(&api), Vec::new(), &timing);
    screen.live_with(3).await;
    server_sees("the watch", || api.state().watches(PODS) == 1).await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    screen.watch_for_gaps();
    api.state().expire(PODS);
    server_sees("the list", || api.requests(LISTS) == 2).await;
    screen.until("again", |screen| screen.pod_states.contains(&HealthState::Stale)).await;
    let words = screen.health(Kind::Pod).message;
    assert!(words.as_deref().is_none_or(|words| words == "reading everything again"), "{words:?}");
    screen.live_with(3).await;
}

fn page(token: &str, version: &str) -> Fault {
    Fault::Answer(format!(
        r#"{{"kind":"PodList","metadata":{{"resourceVersion":"{version}","continue":"{token}"}},"items":[]}}"#
    ))
}

#[tokio::test]
async fn a_list_with_a_repeated_continue_token_is_a_failure() {
    let api = with_pods(20).await;
    api.state().plan("pods?limit=500 ", page("a", "7"), 1);
    api.state().plan("&continue=a ", page("b", "7"), 1);
    api.state().plan("&continue=b ", page("a", "7"), 1);
    let mut screen = Screen::of(&api);
    screen.until("failed", |screen| screen.is(Kind::Pod, HealthState::Failed)).await;
    let words = "the list of GET /api/v1/pods does not end: the same continue token came twice";
    assert_eq!(screen.health(Kind::Pod).message.as_deref(), Some(words));
    assert_eq!(api.requests("&continue="), 2);
    screen.live_with(20).await;
}

#[tokio::test]
async fn health_messages_are_cut_at_a_limit() {
    let long: &'static str = Box::leak("x".repeat(1 << 20).into_boxed_str());
    for (request, fault) in [
        (LISTS, page(long, "7")),
        (LISTS, page("", long)),
        (LISTS, Fault::Status(500, long)),
        (LISTS, Fault::Answer(format!(r#"{{"kind":"{long}","items":[]}}"#))),
        (LISTS, Fault::Answer(format!(r#"{{"kind":"Status","code":500,"message":"{long}"}}"#))),
        (WATCHES, Fault::Answer(format!("{{\"type\":\"{long}\",\"object\":{{}}}}\n"))),
    ] {
        let api = with_pods(1).await;
        api.state().plan(request, fault, usize::MAX);
        let mut screen = Screen::of(&api);
        let has_words = |screen: &Screen| screen.health(Kind::Pod).message;
        screen.until("words", |screen| has_words(screen).is_some_and(|words| words.len() > 30)).await;
        let words = has_words(&screen).expect("words");
        assert!(words.len() <= 2048, "{} bytes", words.len());
    }
}

#[tokio::test]
async fn an_endless_watch_line_ends_the_watch_and_is_reported() {
    let api = with_pods(3).await;
    let timing = Timing { backoff_first: Duration::from_millis(1), ..quick() };
    api.state().plan(WATCHES, Fault::Endless, 2);
    let mut screen = Screen::with(&plain(&api), Vec::new(), &timing);
    screen
        .until("it is said", |screen| {
            screen.is(Kind::Pod, HealthState::Stale)
                && screen.health(Kind::Pod).message.as_deref() == Some("the watch sent a line of more than 8 MiB")
        })
        .await;
    assert_eq!(screen.fleet.pods.len(), 3);
    server_sees("a watch", || api.state().watches(PODS) == 1).await;
    screen.live_with(3).await;
}

#[tokio::test]
async fn a_watch_that_ends_within_a_line_goes_on_behind_the_last_whole_one() {
    let ends: [fn(&FakeApi); 2] = [|api| api.state().end(PODS), |api| api.state().cut(PODS)];
    for end in ends {
        let api = with_pods(1).await;
        let mut screen = Screen::of(&api);
        screen.live_with(1).await;
        server_sees("the watch", || api.state().watches(PODS) == 1).await;
        // A watch that ends right away is not opened again at once.
        tokio::time::sleep(Duration::from_millis(40)).await;
        screen.watch_for_gaps();
        put_pods(&api, 1..2);
        let version = api.state().version();
        let next = pod("p0002", "ml", None).replace("@RV@", &(version + 1).to_string());
        let line = format!("{{\"type\":\"ADDED\",\"object\":{next}}}");
        api.state().send(PODS, &line[..line.len() / 2]);
        screen.live_with(2).await;
        end(&api);
        put_pods(&api, 2..3);
        screen.live_with(3).await;
        let from_there = format!("timeoutSeconds=20&resourceVersion={version}");
        assert_eq!((api.requests(LISTS), api.requests(WATCHES), api.requests(&from_there)), (1, 2, 1));
        assert_eq!((screen.health(Kind::Pod).undecodable, screen.pod_states), (0, vec![HealthState::Live]));
    }
}
