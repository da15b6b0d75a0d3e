//! The real program in a pseudo-terminal, on an API server in this process.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::commands;
use crate::fake_api::{FakeApi, Fault, bare, pod};
use crate::pty::Session;

const PODS: &str = "/api/v1/pods";

/// Longer than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

fn kubeconfig(home: &Path, url: &str) -> String {
    let path = home.join("kubeconfig");
    let text = format!(
        "current-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: '{url}'}}}}]\nusers: [{{name: u, user: {{}}}}]\n"
    );
    std::fs::write(&path, text).expect("a kubeconfig");
    path.display().to_string()
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn journal(home: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(home.join(".local/state/batchtop/journal.jsonl")).expect("a journal");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// Writes to a pod with the keys of a write, ends the program while the answer is missing, and returns the journal.
fn journal_after_a_signal((key, dialog): (&str, &str), request: &str, fault: Fault) -> Vec<Value> {
    let home = tempfile::tempdir().expect("a home");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let api = runtime.block_on(FakeApi::start());
    api.state().put(PODS, "ml/train-0", &pod("train-0", "ml", None));
    api.state().plan(request, fault, 1);
    let config = kubeconfig(home.path(), &api.url());
    let args = ["--kubeconfig", &config, "--no-aws"];
    let mut session = Session::start(env!("CARGO_BIN_EXE_batchtop"), &args, &[], home.path(), (120, 40));
    session.wait_for("pods 1");
    session.send("3");
    session.wait_for("train-0");
    session.send(key);
    session.wait_for(dialog);
    session.send("\r");
    wait_until("the write", || api.requests(request) == 1);
    session.signal("TERM");
    assert_eq!(session.wait().0.exit_code(), 143);
    journal(home.path())
}

#[test]
fn a_signal_leaves_no_write_without_a_result_in_the_journal() {
    let protect = ("p", "until finished");
    let late = journal_after_a_signal(protect, "PATCH", Fault::Drip(Duration::from_millis(100)));
    assert_eq!((late.len(), &late[1]["outcome"]), (2, &"done".into()), "{late:?}");
    let never = journal_after_a_signal(protect, "PATCH", Fault::DoneInSilence);
    assert_eq!((never.len(), &never[1]["outcome"]), (2, &"unanswered".into()), "{never:?}");
    assert_eq!(never[1]["message"], "batchtop ended before the answer came");
    let evict = ("X", "an eviction cannot be undone");
    let never = journal_after_a_signal(evict, "POST /api/v1/namespaces/ml/pods/train-0/eviction", Fault::DoneInSilence);
    assert_eq!((&never[0]["verb"], &never[1]["outcome"]), (&"evict".into(), &"unanswered".into()), "{never:?}");
}

#[test]
fn no_control_character_of_a_cluster_is_in_a_snapshot_and_none_is_lost() {
    let home = tempfile::tempdir().expect("a home");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let api = runtime.block_on(FakeApi::start());
    let value = "\u{9b}31m\u{7f}red";
    api.state().put(PODS, "ml/train-0", &pod("train-0", "ml", Some(value)));
    let config = kubeconfig(home.path(), &api.url());
    let output = commands::run(home.path(), &["snapshot", "--kubeconfig", &config, "--no-aws"]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text}");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(document["pods"][0]["protection"]["value"], value, "{}", document["pods"][0]);
}

/// A Node with a GPU that pod ml/train-0 has, and the exporter that says so.
fn put_a_gpu_node(api: &FakeApi) {
    let node = r#"{"metadata":{"name":"n0","uid":"n0","resourceVersion":"1","creationTimestamp":"2026-01-01T00:00:00Z"},
        "status":{"capacity":{"nvidia.com/gpu":"1"},"allocatable":{"nvidia.com/gpu":"1"}}}"#;
    let bound = |name: &str, namespace: &str, labels: &str, more: &str| {
        format!(
            r#"{{"metadata":{{"name":"{name}","namespace":"{namespace}","uid":"{name}","resourceVersion":"1",
            "creationTimestamp":"2026-01-01T00:00:00Z","labels":{{{labels}}}}},"spec":{{"nodeName":"n0","containers":[{{"name":"c"{more}}}]}},
            "status":{{"phase":"Running","startTime":"2026-01-01T00:00:00Z"}}}}"#
        )
    };
    let requests = r#","resources":{"requests":{"nvidia.com/gpu":"1"}}"#;
    let mut state = api.state();
    state.put("/api/v1/nodes", "n0", node);
    state.put(PODS, "ml/train-0", &bound("train-0", "ml", "", requests));
    state.put(PODS, "gpu/dcgm", &bound("dcgm", "gpu", r#""app":"dcgm-exporter""#, ""));
    let page = "DCGM_FI_DEV_GPU_UTIL{gpu=\"0\",UUID=\"GPU-1\",pod=\"train-0\",namespace=\"ml\"} 91\n";
    let path = "/api/v1/namespaces/gpu/pods/dcgm:9400/proxy/metrics";
    state.pages.insert(path.to_owned(), page.to_owned());
}

#[test]
fn a_kind_that_cannot_be_read_holds_up_no_exporter_and_one_look_knows_no_since() {
    let home = tempfile::tempdir().expect("a home");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let api = runtime.block_on(FakeApi::start());
    put_a_gpu_node(&api);
    api.state().plan("/apis/batch/v1/cronjobs", Fault::Status(500, "broken"), usize::MAX);
    let config = kubeconfig(home.path(), &api.url());
    let args = ["snapshot", "--kubeconfig", &config, "--no-aws", "--no-state", "--timeout", "8s"];
    let output = commands::run(home.path(), &args);
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let cron_jobs = document["sources"].as_array().expect("sources").iter().find(|one| one["name"] == "cronjobs");
    assert_eq!(cron_jobs.expect("CronJobs")["state"], "Failed");
    let gpu = &document["nodes"][0]["gpu"];
    assert_eq!((&gpu["class"], &gpu["exporter"]["state"]), (&"Busy".into(), &"Live".into()), "{gpu}");
    assert_eq!(gpu["classSince"], Value::Null);
}

/// What a shell is offered for the last of some words.
fn completed(home: &Path, words: &[&str]) -> Vec<String> {
    let mut command = commands::command(home, &[&["--", "batchtop"], words].concat());
    command.env("BATCHTOP_COMPLETE", "bash").env("_CLAP_IFS", "\n");
    command.env("_CLAP_COMPLETE_INDEX", words.len().to_string()).env("_CLAP_COMPLETE_COMP_TYPE", "9");
    let output = command.output().expect("it runs");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn contexts_of_the_kubeconfig_and_namespaces_of_the_cluster_are_completed() {
    let home = tempfile::tempdir().expect("a home");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let api = runtime.block_on(FakeApi::start());
    for name in ["ml", "ml-dev", "vision"] {
        api.state().put("/api/v1/namespaces", name, &bare(name));
    }
    let config = kubeconfig(home.path(), &api.url());
    assert_eq!(completed(home.path(), &["--kubeconfig", &config, "--context", ""]), ["c"]);
    assert_eq!(completed(home.path(), &["--kubeconfig", &config, "--context", "x"]), [""; 0]);
    assert_eq!(completed(home.path(), &["--kubeconfig", &config, "-n", "ml"]), ["ml", "ml-dev"]);
    assert_eq!(completed(home.path(), &["--kubeconfig", &config, "--namespace", "ml,vi"]), ["ml,vision"]);
    assert_eq!(completed(home.path(), &["--keymap", "v"]), ["vim"]);
    api.state().plan("GET /api/v1/namespaces", Fault::Hang, 9);
    let began = Instant::now();
    assert_eq!(completed(home.path(), &["--kubeconfig", &config, "-n", "m"]), [""; 0]);
    assert!(began.elapsed() < Duration::from_secs(30), "a cluster that does not answer is not waited for");
}
