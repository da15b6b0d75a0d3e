//! Answers that are too large, of one kind and of all at the same time.

use std::io::Write;
use std::time::Duration;

use batchtop::fleet::{HealthState, Kind, Sym};
use batchtop::source::kube::{BodyLimits, Timing};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::fake_api::{FakeApi, Fault, pod, serve_every_kind};
use crate::screen::{PODS, Screen, quick, server_sees, with_pods};

const LIMITS: BodyLimits = BodyLimits { one_bytes: 1 << 20, shared_bytes: 1 << 20 };

/// Few KiB that unzip to eight times what one answer may have: at first half of what it may have, and after a while, in
/// which the others have come as far, the rest.
fn bomb() -> Fault {
    let mut zip = GzEncoder::new(Vec::new(), Compression::best());
    zip.write_all(br#"{"kind":"PodList","items":["#).expect("in memory");
    zip.write_all(&vec![b' '; LIMITS.one_bytes / 2]).expect("in memory");
    zip.flush().expect("in memory");
    let half = std::mem::take(zip.get_mut());
    zip.write_all(&vec![b' '; 8 * LIMITS.one_bytes]).expect("in memory");
    Fault::Zipped(vec![Bytes::from(half), Bytes::from(zip.finish().expect("in memory"))])
}

/// Long waits for a turn, and for everything else short ones.
fn patient() -> Timing {
    Timing { stall: Duration::from_secs(10), request: Duration::from_secs(10), ..quick() }
}

/// Pods of 300 KB.
fn put_large_pods(api: &FakeApi, count: usize) {
    for number in 0..count {
        let name = format!("large{number}");
        let json = pod(&name, "ml", None).replace(r#""spec""#, &format!(r#""x":"{}","spec""#, "x".repeat(300_000)));
        api.state().put(PODS, &format!("ml/{name}"), &json);
    }
}

fn is_too_large(screen: &Screen, kind: Kind) -> bool {
    let health = screen.health(kind);
    let is_said = |words: &Sym| {
        words.contains("?limit=1") && words.ends_with(": the answer is larger than 1 MiB, the limit for one answer")
    };
    health.state == HealthState::Failed && health.message.is_some_and(|words| is_said(&words))
}

#[tokio::test]
async fn bombs_on_all_lists_at_once_stay_within_one_limit_are_said_and_then_forgotten() {
    let api = with_pods(20).await;
    serve_every_kind(&api);
    api.state().plan("?limit=", bomb(), usize::MAX);
    // Nothing is tried a second time, so that what is left after a failure is seen.
    let once = Timing { backoff_first: Duration::from_hours(1), backoff_max: Duration::from_hours(1), ..patient() };
    let mut screen = Screen::limited(&api, &once, LIMITS);
    for kind in Kind::ALL {
        screen.until("it is said", |screen| is_too_large(screen, kind)).await;
    }
    let most = screen.access.body_use().most_bytes;
    assert!((LIMITS.one_bytes..=LIMITS.all_bytes()).contains(&most), "{most} bytes at the same time");
    server_sees("the memory is given back", || screen.access.body_use().bytes == 0).await;

    let mut screen = Screen::limited(&api, &patient(), LIMITS);
    let tries = || api.requests("GET /api/v1/pods?limit=1");
    server_sees("more tries", || tries() > 4).await;
    api.state().heal();
    screen.live_with(20).await;
    for kind in Kind::ALL {
        screen.until("everything is read", |screen| screen.is(kind, HealthState::Live)).await;
    }
    let most = screen.access.body_use().most_bytes;
    assert!(most <= LIMITS.all_bytes(), "{most} bytes at the same time");
    server_sees("the memory is given back", || screen.access.body_use().bytes == 0).await;
}

#[tokio::test]
async fn a_page_that_is_too_large_is_read_in_smaller_ones() {
    let api = FakeApi::start().await;
    put_large_pods(&api, 12);
    let mut screen = Screen::limited(&api, &patient(), LIMITS);
    screen.live_with(12).await;
    let asked = |limit: u32| api.requests(&format!("GET /api/v1/pods?limit={limit}"));
    assert_eq!((asked(500), asked(62), asked(7)), (1, 1, 1), "too large each");
    assert_eq!(api.requests("GET /api/v1/pods?limit=1&continue="), 11, "and one by one from the first on");
    assert!(!screen.pod_states.contains(&HealthState::Failed), "{:?}", screen.pod_states);
    assert!(screen.access.body_use().most_bytes <= LIMITS.all_bytes());
}
