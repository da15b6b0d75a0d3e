//! Logs of containers from an API server that misbehaves.

use std::io::Write;
use std::time::Duration;

use batchtop::fleet::{ContainerState, LOG_LINE_BYTES, LogQuestion, LogReport, LogRun, ObjectKey};
use batchtop::source::kube::{containers, follow_log};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::fake_api::{FakeApi, Fault, pod};
use crate::screen::{PATIENCE, PODS, Screen, server_sees};

const LOG: &str = "GET /api/v1/namespaces/ml/pods/p/log";

fn line(fraction: u32, text: &str) -> String {
    format!("2026-11-21T12:00:00.{fraction:09}Z {text}\n")
}

fn with_state(state: &str, restarts: u32) -> String {
    let statuses =
        format!(r#""containerStatuses":[{{"name":"c","restartCount":{restarts},"state":{state}}}],"phase":"Running""#);
    pod("p", "ml", None).replace(r#""phase":"Running""#, &statuses)
}

const RUNNING: &str = r#"{"running":{"startedAt":"2026-11-21T11:00:00Z"}}"#;
const WAITING: &str = r#"{"waiting":{"reason":"ContainerCreating"}}"#;
const ENDED: &str = r#"{"terminated":{"reason":"Error","exitCode":3}}"#;

/// A log that is followed.
struct Followed {
    api: FakeApi,
    reports: mpsc::Receiver<LogReport>,
    task: JoinHandle<()>,
    screen: Screen,
}

/// A pod in this state, and what is planned for its log, in this order.
async fn follow(pod: String, run: LogRun, faults: Vec<Fault>) -> Followed {
    let api = FakeApi::start().await;
    api.state().put(PODS, "ml/p", &pod);
    for fault in faults {
        api.state().plan(LOG, fault, 1);
    }
    // What is not planned says nothing.
    api.state().plan(LOG, Fault::HalfOpen, usize::MAX);
    let mut screen = Screen::of(&api);
    screen.live_with(1).await;
    let (tell, reports) = mpsc::channel(4);
    let question = LogQuestion { pod: ObjectKey::new("ml", "p"), container: "c".to_owned(), run, restarts: 0 };
    let task = tokio::spawn(follow_log(screen.access.clone(), question, tell));
    Followed { api, reports, task, screen }
}

impl Followed {
    async fn next(&mut self) -> LogReport {
        timeout(PATIENCE, self.reports.recv()).await.expect("a report in time").expect("a report")
    }

    /// The texts of the next so many lines, whatever else is told meanwhile.
    async fn lines(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.len() < count {
            if let LogReport::Lines(lines) = self.next().await {
                texts.extend(lines.into_iter().map(|line| line.text));
            }
        }
        texts
    }

    /// Goes on until this is told.
    async fn until(&mut self, wanted: impl Fn(&LogReport) -> bool) -> LogReport {
        loop {
            let report = self.next().await;
            if wanted(&report) {
                return report;
            }
        }
    }
}

#[tokio::test]
async fn a_log_that_is_closed_is_opened_again_where_it_was() {
    let first = Fault::Answer(line(100, "a") + &line(200, "b") + "2026-11-21T12:00:00.3Z unfin");
    let second = Fault::Answer(line(200, "b") + &line(200, "b too") + &line(300, "unfinished"));
    let mut log = follow(with_state(RUNNING, 0), LogRun::Present, vec![first, second]).await;
    assert_eq!(log.next().await, LogReport::Live);
    assert_eq!(log.lines(4).await, ["a", "b", "b too", "unfinished"]);
    let asked: Vec<String> = log.api.state().log.iter().filter(|line| line.starts_with(LOG)).cloned().collect();
    assert!(asked[0].ends_with("?container=c&timestamps=true&follow=true&tailLines=2000"), "{asked:?}");
    assert!(asked[1].ends_with("&sinceTime=2026-11-21T12%3A00%3A00Z"), "{asked:?}");
}

#[tokio::test]
async fn a_quiet_log_is_asked_for_again_and_is_no_failure() {
    let mut log = follow(with_state(RUNNING, 0), LogRun::Present, vec![Fault::HalfOpen, Fault::HalfOpen]).await;
    server_sees("a second request", || log.api.requests(LOG) >= 3).await;
    for _ in 0..2 {
        assert_eq!(log.next().await, LogReport::Live);
    }
}

#[tokio::test]
async fn a_log_without_right_says_so_and_is_read_once_it_is_given() {
    let forbidden = Fault::Status(403, "pods p is forbidden: User jane cannot get resource pods/log");
    let mut log =
        follow(with_state(RUNNING, 0), LogRun::Present, vec![forbidden, Fault::Answer(line(1, "hello"))]).await;
    assert!(matches!(log.next().await, LogReport::Forbidden(words) if words.contains("pods/log")));
    assert_eq!(log.next().await, LogReport::Live);
    assert_eq!(log.lines(1).await, ["hello"]);
}

#[tokio::test]
async fn a_failing_server_is_asked_again_and_the_wait_is_told() {
    let faults = vec![Fault::Status(500, "etcd is slow"), Fault::Hang, Fault::Cut, Fault::Answer(line(1, "hello"))];
    let mut log = follow(with_state(RUNNING, 0), LogRun::Present, faults).await;
    for part in ["etcd is slow", "no answer in time", "no connection"] {
        let told = log.until(|report| matches!(report, LogReport::Failed { .. })).await;
        assert!(matches!(&told, LogReport::Failed { message, .. } if message.contains(part)), "{part}: {told:?}");
    }
    assert_eq!(log.lines(1).await, ["hello"]);
}

#[tokio::test]
async fn a_pod_that_is_gone_ends_the_log() {
    let mut log = follow(with_state(RUNNING, 0), LogRun::Present, vec![Fault::Status(404, "pods p not found")]).await;
    assert!(matches!(log.next().await, LogReport::Gone(words) if words.contains("pods p not found")));
    assert!(log.reports.recv().await.is_none());
    let deleted = Fault::Answer(line(1, "last"));
    let mut log = follow(with_state(RUNNING, 0), LogRun::Present, vec![deleted]).await;
    log.api.state().delete(PODS, "ml/p");
    log.api.state().plan("GET /api/v1/namespaces/ml/pods/p ", Fault::Status(404, "pods p not found"), usize::MAX);
    let told = log.until(|report| matches!(report, LogReport::Gone(_) | LogReport::Lines(_))).await;
    assert!(matches!(told, LogReport::Lines(_)), "what was written before is told");
    log.until(|report| matches!(report, LogReport::Gone(_))).await;
}

#[tokio::test]
async fn a_container_that_has_not_started_waits_with_its_reason() {
    let not_yet = || Fault::Status(400, "container c in pod p is waiting to start: ContainerCreating");
    let faults = vec![not_yet(), Fault::Answer(line(1, "hello"))];
    let mut log = follow(with_state(WAITING, 0), LogRun::Present, faults).await;
    assert_eq!(log.next().await, LogReport::Waiting("ContainerCreating".to_owned()));
    log.api.state().put(PODS, "ml/p", &with_state(RUNNING, 0));
    assert_eq!(log.lines(1).await, ["hello"]);
}

#[tokio::test]
async fn a_container_that_ends_tells_how_and_its_last_line() {
    let never = with_state(ENDED, 0).replace(r#""nodeName""#, r#""restartPolicy":"Never","nodeName""#);
    let body = line(1, "one") + "2026-11-21T12:00:01Z without end";
    let mut log = follow(never, LogRun::Present, vec![Fault::Answer(body)]).await;
    assert_eq!(log.lines(2).await, ["one", "without end"]);
    assert_eq!(log.next().await, LogReport::Ended("Error, exit code 3".to_owned()));
    assert!(log.reports.recv().await.is_none());
}

#[tokio::test]
async fn a_restarted_container_is_followed_on() {
    let faults = vec![Fault::Answer(line(1, "before")), Fault::Answer(line(2, "after"))];
    let mut log = follow(with_state(ENDED, 0), LogRun::Present, faults).await;
    assert_eq!(log.lines(1).await, ["before"]);
    assert!(matches!(log.next().await, LogReport::Waiting(words) if words.contains("it will be restarted")));
    log.api.state().put(PODS, "ml/p", &with_state(RUNNING, 1));
    assert_eq!(log.until(|report| *report == LogReport::Restarted).await, LogReport::Restarted);
    assert_eq!(log.lines(1).await, ["after"]);
}

#[tokio::test]
async fn the_run_before_is_read_to_its_end_or_said_not_to_be_there() {
    let mut log =
        follow(with_state(RUNNING, 1), LogRun::Previous, vec![Fault::Answer(line(1, "then") + "no stamp")]).await;
    assert_eq!(log.lines(2).await, ["then", "no stamp"]);
    assert!(matches!(log.next().await, LogReport::Ended(_)));
    assert_eq!(log.api.requests("previous=true"), 1);
    let none = Fault::Status(400, "previous terminated container c in pod p not found");
    let mut log = follow(with_state(RUNNING, 0), LogRun::Previous, vec![none]).await;
    assert!(matches!(log.next().await, LogReport::Gone(words) if words.contains("previous terminated")));
}

fn zipped(bytes: &[u8]) -> Fault {
    let mut zip = GzEncoder::new(Vec::new(), Compression::best());
    zip.write_all(bytes).expect("in memory");
    Fault::Zipped(vec![Bytes::from(zip.finish().expect("in memory"))])
}

#[tokio::test]
async fn huge_lines_are_cut_and_bytes_that_are_no_text_are_marked() {
    let huge = [b"2026-11-21T12:00:00Z ".as_slice(), &vec![b'x'; 3 << 20], b"\n\xff\xfe ok\n"].concat();
    let mut log = follow(with_state(RUNNING, 0), LogRun::Present, vec![zipped(&huge)]).await;
    let told = log.until(|report| matches!(report, LogReport::Lines(_))).await;
    let LogReport::Lines(mut lines) = told else { return };
    while lines.len() < 2 {
        if let LogReport::Lines(more) = log.next().await {
            lines.extend(more);
        }
    }
    assert_eq!((lines[0].text.len(), lines[0].text.len() + lines[0].cut_bytes), (LOG_LINE_BYTES, 3 << 20));
    assert_eq!(lines[1].text, "\u{fffd}\u{fffd} ok");
}

#[tokio::test]
async fn a_line_without_end_takes_no_memory_and_a_log_that_is_left_ends_its_connection() {
    let mut log = follow(with_state(RUNNING, 0), LogRun::Present, vec![Fault::Endless]).await;
    assert_eq!(log.next().await, LogReport::Live);
    assert!(timeout(Duration::from_millis(100), log.reports.recv()).await.is_err(), "no line has ended");
    let open = log.api.state().connections;
    log.task.abort();
    let api = &log.api;
    server_sees("the end of the connection", || api.state().connections < open).await;
}

#[tokio::test]
async fn nobody_who_listens_ends_the_stream() {
    let log = follow(with_state(RUNNING, 0), LogRun::Present, vec![Fault::Answer(line(1, "a"))]).await;
    drop(log.reports);
    timeout(PATIENCE, log.task).await.expect("an end in time").expect("no panic");
}

#[tokio::test]
async fn the_containers_of_a_pod_are_read_with_their_states() {
    let log = follow(with_state(WAITING, 2), LogRun::Present, Vec::new()).await;
    let client = log.screen.access.client().await.expect("a client");
    let pod = ObjectKey::new("ml", "p");
    let told = containers(&client, &pod, log.screen.access.timing()).await.expect("containers");
    assert_eq!(told[0].state, ContainerState::Waiting("ContainerCreating".to_owned()));
    assert_eq!((told[0].name.as_str(), told[0].restarts), ("c", 2));
}
