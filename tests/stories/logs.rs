//! Looking at the logs of containers.

use batchtop::app::{LogPosition, LogState, LogView, Msg, Screen, Settings};
use batchtop::fleet::{
    ClusterFacts, ContainerRole, ContainerState, LogLine, LogReport, ObjectKey, PodContainer, Report, Right, Rights,
};
use batchtop::view;

use crate::dsl::{Story, story, story_with};
use crate::fixture::{facts, small};

pub fn container(name: &str, role: Option<ContainerRole>) -> PodContainer {
    PodContainer { name: name.to_owned(), role, state: ContainerState::Running(None), restarts: 0 }
}

fn main_only() -> Vec<PodContainer> {
    vec![container("main", Some(ContainerRole::Main))]
}

/// The containers of a pod are told.
fn told_of(mut told: Story, pod: &str, containers: Vec<PodContainer>) -> Story {
    let (epoch, pod) = (told.app.epoch, ObjectKey::new("ml", pod));
    told.send(Msg::Containers { epoch, pod, result: Ok(containers) });
    told
}

fn reported(mut told: Story, report: LogReport) -> Story {
    let number = log(&told).number.unwrap();
    told.send(Msg::Log { number, report });
    told
}

fn lines(told: Story, texts: &[&str]) -> Story {
    let line = |text: &&str| LogLine { text: (*text).to_owned(), ..LogLine::default() };
    reported(told, LogReport::Lines(texts.iter().map(line).collect()))
}

fn numbered(told: Story, from: usize, to: usize) -> Story {
    let texts: Vec<String> = (from..to).map(|number| format!("step {number}")).collect();
    lines(told, &texts.iter().map(String::as_str).collect::<Vec<_>>())
}

fn log(told: &Story) -> &LogView {
    told.app.ui.log.as_ref().unwrap()
}

/// The log of `ml/train-0`, with so many lines.
fn open(count: usize) -> Story {
    let told = story(small()).keys("3 / 'train-0' enter L").asks(&["ask the containers of ml/train-0"]);
    let told = told_of(told, "train-0", main_only()).asks(&["follow ml/train-0 main Present"]);
    numbered(reported(told, LogReport::Live), 0, count)
}

/// The lines of the log that are on screen.
fn seen(told: &Story) -> Vec<String> {
    let panel = view::derive(&told.app).detail.unwrap();
    panel.lines.iter().map(view::Line::text).collect()
}

/// The line above the footer.
fn status(told: &Story) -> String {
    let screen = view::derive(&told.app);
    screen.lines.iter().find(|placed| placed.area.y == screen.size.1 - 2).unwrap().line.text()
}

#[test]
fn a_log_is_followed_with_one_key_and_left_with_another() {
    let told = open(40);
    let page = seen(&told);
    assert_eq!(page.last().map(String::as_str), Some("step 39"));
    assert!(status(&told).contains("● live"), "{}", status(&told));
    let told = numbered(told, 40, 50);
    assert_eq!(seen(&told).last().map(String::as_str), Some("step 49"), "it follows");
    let told = told.keys("esc").asks(&["leave the log"]).screen(Screen::Pods);
    assert!(told.app.ui.log.is_none());
}

#[test]
fn scrolling_stays_with_its_lines_and_the_end_is_followed_again() {
    let told = open(100).keys("k k");
    let before = seen(&told);
    assert!(status(&told).contains("not following"), "{}", status(&told));
    let told = numbered(told, 100, 150);
    assert_eq!(seen(&told), before, "what comes later moves nothing");
    let told = told.keys("G");
    assert_eq!(log(&told).position, LogPosition::End);
    assert_eq!(seen(&told).last().map(String::as_str), Some("step 149"));
    let told = told.keys("g g");
    assert_eq!(seen(&told).first().map(String::as_str), Some("step 0"));
    let page = seen(&told).len();
    let told = told.keys("pgdn");
    assert_eq!(seen(&told).first(), Some(&format!("step {page}")), "no line is left out");
    let told = told.keys("pgup");
    assert_eq!(seen(&told).first().map(String::as_str), Some("step 0"));
    let told = told.keys("pgdn pgdn pgdn pgdn pgdn pgdn pgdn pgdn pgdn pgdn");
    assert_eq!(log(&told).position, LogPosition::End, "at the end it follows");
}

#[test]
fn a_text_is_found_from_the_newest_line_on_and_around_the_ends() {
    let told = open(100).keys("/ 'STEP' space '1' enter");
    assert_eq!(log(&told).buffer.search().map(|search| search.matches.len()), Some(11));
    assert_eq!(log(&told).buffer.search().and_then(|search| search.at), Some(19));
    assert!(seen(&told).contains(&"step 19".to_owned()));
    assert!(status(&told).contains("11 of 11"), "{}", status(&told));
    let at = |told: &Story| log(told).buffer.search().and_then(|search| search.at);
    let told = told.keys("N");
    assert_eq!(at(&told), Some(18));
    let told = told.keys("n n");
    assert_eq!(at(&told), Some(1), "around the end");
    assert!(seen(&told).contains(&"step 1".to_owned()));
    let told = told.keys("esc");
    assert!(log(&told).buffer.search().is_none(), "the search first");
    let told = told.keys("/ 'nowhere' enter").says("no line contains \"nowhere\"");
    assert!(told.keys("esc esc").app.ui.log.is_none());
}

#[test]
fn long_lines_go_on_below_or_are_cut_and_move_sideways() {
    let long = format!("begin {} end", "word ".repeat(60));
    let told = lines(open(3), &[&long]);
    let wrapped = seen(&told).len();
    assert!(wrapped > 4);
    let told = told.keys("w");
    assert_eq!(seen(&told).len(), 4);
    assert!(seen(&told)[3].ends_with('…'));
    let told = told.keys(&"right ".repeat(13));
    assert!(seen(&told)[3].ends_with("end"), "{:?}", seen(&told));
    assert_eq!(seen(&told.keys("w")).len(), wrapped);
}

#[test]
fn times_are_shown_when_they_are_wanted() {
    let at = batchtop::units::Time::parse("2026-11-21T11:59:58.25Z");
    let line = LogLine { at, text: "hello".to_owned(), cut_bytes: 0 };
    let told = reported(open(0), LogReport::Lines(vec![line]));
    assert_eq!(seen(&told), ["hello"]);
    assert_eq!(seen(&told.keys("t")), ["11:59:58 hello"]);
}

#[test]
fn the_run_before_is_one_key_away_and_lines_of_another_are_not_mixed_in() {
    let told = open(3);
    let old = log(&told).number.unwrap();
    let mut told = told.keys("p").asks(&["follow ml/train-0 main Previous"]);
    assert!(log(&told).buffer.is_empty());
    told.send(Msg::Log { number: old, report: LogReport::Lines(vec![LogLine::default()]) });
    assert!(log(&told).buffer.is_empty(), "an answer to the question before");
    let told = reported(told, LogReport::Gone("previous terminated container \"main\" not found".to_owned()));
    assert!(seen(&told)[0].contains("previous terminated container"), "{:?}", seen(&told));
    told.keys("p").asks(&["follow ml/train-0 main Present"]);
}

#[test]
fn of_several_containers_the_user_chooses() {
    let several = vec![
        container("main", Some(ContainerRole::Main)),
        container("proxy", Some(ContainerRole::Sidecar)),
        container("fetch", Some(ContainerRole::Init)),
        container("debugger", None),
    ];
    let chooser = || told_of(story(small()).keys("3 / 'train-0' enter L"), "train-0", several.clone()).asks(&[]);
    let told = chooser();
    let overlay = view::derive(&told.app).overlay.unwrap();
    let texts: Vec<String> = overlay.lines.iter().map(view::Line::text).collect();
    for part in ["▸ main ● running", "proxy sidecar ● running", "fetch init", "debugger ephemeral"] {
        assert!(texts.iter().any(|text| text.contains(part)), "{part}: {texts:?}");
    }
    let told = told.keys("down enter").asks(&["follow ml/train-0 proxy Present"]);
    let told = told.keys("c 'fetch' enter").asks(&["follow ml/train-0 fetch Present"]);
    assert!(told.keys("c esc").app.ui.log.is_some(), "the one before stays");
    assert!(chooser().keys("esc").app.ui.log.is_none(), "nothing was chosen");
}

#[test]
fn a_job_asks_which_of_its_pods() {
    let told = story(small()).keys("2 / 'train' enter L").asks(&[]);
    let overlay = view::derive(&told.app).overlay.unwrap();
    assert!(overlay.title.text().contains("log of which pod"));
    told.keys("down enter").asks(&["ask the containers of ml/train-1"]);
    story(small()).keys("2 / 'done' enter L").asks(&["ask the containers of ml/done-0"]);
    story(small()).keys("4 L").asks(&[]).says("no pod is known here");
    let opened = story(small()).keys("3 / 'train-0' enter enter").keys("L");
    opened.asks(&["ask the containers of ml/train-0"]);
}

#[test]
fn without_the_right_the_key_says_which_one_is_missing() {
    let mut rights = Rights::default();
    rights.tell(Right::ReadLogs, false);
    rights.tell_of_namespace(Right::ReadLogs, "ml", false);
    let facts = ClusterFacts { rights, ..facts() };
    let told = story(small()).told(vec![Report::Cluster(Box::new(facts))]).keys("3 / 'train-0' enter L").asks(&[]);
    let told =
        told.says("you may not get pods/log in namespace ml; batchtop rbac viewer --with-logs prints the rights");
    assert!(told.app.ui.log.is_none());
}

#[test]
fn every_state_of_a_log_is_said_and_lines_stay() {
    for (report, words) in [
        (LogReport::Ended("Completed".to_owned()), "■ Completed"),
        (LogReport::Waiting("CrashLoopBackOff: back-off 5m0s".to_owned()), "◌ the container waits: CrashLoopBackOff"),
        (LogReport::Forbidden("pods is forbidden".to_owned()), "⊘ you may not get pods/log: pods is forbidden"),
        (LogReport::Gone("there is no such pod any more".to_owned()), "✗ there is no such pod any more"),
        (
            LogReport::Failed { message: "no connection".to_owned(), next_try_seconds: 8 },
            "✗ no connection; next try in 8s",
        ),
    ] {
        let told = reported(open(3), report.clone());
        assert!(status(&told).contains(words), "{words}: {}", status(&told));
        assert_eq!(seen(&told).last().map(String::as_str), Some("step 2"));
        let told = reported(open(0), report);
        assert!(seen(&told)[0].contains(words), "{words}: {:?}", seen(&told));
    }
    let told = reported(open(2), LogReport::Restarted);
    assert!(seen(&told)[2].contains("restarted"));
}

#[test]
fn a_log_is_left_for_a_screen_and_for_another_context() {
    let told = open(3).keys("1").asks(&["leave the log"]).screen(Screen::Fleet);
    assert!(told.app.ui.log.is_none());
    let told = open(3).keys(": 'node' space 'cpu-a' enter");
    assert!(told.app.ui.log.is_none());
    let told = open(3).keys(": 'ctx' space 'lab' enter");
    assert!(told.app.ui.log.is_none());
}

#[test]
fn a_log_that_cannot_be_opened_says_why() {
    let mut told = story_with(small(), Settings::default()).keys("3 / 'train-0' enter L");
    let (epoch, pod) = (told.app.epoch, ObjectKey::new("ml", "train-0"));
    told.send(Msg::Containers { epoch, pod, result: Err("it is gone".to_owned()) });
    assert_eq!(log(&told).state, LogState::Failed { message: "it is gone".to_owned(), next_try: None });
    assert!(seen(&told)[0].contains("✗ it is gone"));
}
