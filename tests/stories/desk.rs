//! The front desk: what needs somebody, in which order, and what keys do there.

use batchtop::app::Screen;
use batchtop::fleet::{Delta, HealthState, Kind, NodeClaimRow, NodeRow, PodRow, PodStart, Report, Status, Sym};
use batchtop::units::Lifetime;
use batchtop::view;

use crate::dsl::{Story, story};
use crate::fixture::{
    claim, facts, health, hours_ago, job, labels, node, noon, pending, pod, pod_of, pool, protected, upsert_pod,
    upserts,
};
use crate::rows::condition;

const READ: [Kind; 7] =
    [Kind::Node, Kind::NodeClaim, Kind::NodePool, Kind::Pod, Kind::PodDisruptionBudget, Kind::Event, Kind::Job];

/// A Node with a price in dollars per hour.
fn priced(name: &str, pool: &str, kind: &str, price: &str) -> NodeRow {
    let mut row = node(name, pool);
    row.labels = labels(&[
        ("karpenter.sh/nodepool", pool),
        ("karpenter.sh/registered", "true"),
        ("karpenter.sh/initialized", "true"),
        ("node.kubernetes.io/instance-type", kind),
        ("eks-node-viewer/instance-price", price),
    ]);
    row
}

/// A NodeClaim whose node was quiet for long enough.
fn quiet(name: &str, pool: &str, node: &str) -> NodeClaimRow {
    let mut row = claim(name, pool, Some(node));
    if pool != "gpu" {
        (row.capacity, row.allocatable, row.requests) = Default::default();
    }
    row.conditions.push(condition("Consolidatable", Status::True, hours_ago(8)));
    row
}

/// A pod that has found no Node for so many minutes.
fn waits(name: &str, minutes: i64) -> PodRow {
    let mut row = pending(pod_of("train", name, ""));
    row.meta.created = noon().plus_seconds(-60 * minutes);
    row.unschedulable = Sym::new("0/3 nodes are available");
    row.start = Some(Box::new(PodStart { unscheduled: Some(row.meta.created.into()), ..PodStart::default() }));
    row
}

/// A Node that burns dollars for nothing, a pod that dies in two hours, one that waits, and an annotation with a mistake.
fn world() -> Vec<Report> {
    let mut held = priced("wasted", "gpu", "p4d.24xlarge", "21.96");
    held.do_not_disrupt = Some(Sym::new("true"));
    let mut expiring = quiet("c-expiring", "cpu", "expiring");
    expiring.expire_after = Lifetime::Seconds(26 * 3600);
    expiring.termination_grace_seconds = Some(600);
    let mut reports = vec![
        Report::Cluster(Box::new(facts())),
        Report::Delta(Delta::Nodes(upserts(vec![
            held,
            priced("expiring", "cpu", "m7i.2xlarge", "0.40"),
            priced("fine", "cpu", "m7i.2xlarge", "0.40"),
        ]))),
        Report::Delta(Delta::NodeClaims(upserts(vec![
            quiet("c-wasted", "gpu", "wasted"),
            expiring,
            quiet("c-fine", "cpu", "fine"),
        ]))),
        Report::Delta(Delta::NodePools(upserts(vec![pool("gpu"), pool("cpu")]))),
        Report::Delta(Delta::Jobs(upserts(vec![job("ml", "train")]))),
        Report::Delta(Delta::Pods(upserts(vec![
            protected(pod("ml", "doomed", "expiring"), "true"),
            protected(pod("ml", "typo", "fine"), "1d"),
            waits("train-0", 21),
            waits("train-1", 20),
        ]))),
    ];
    reports.extend(READ.map(|kind| health(kind, HealthState::Live)));
    reports
}

pub fn told() -> Story {
    story(world()).seconds(2)
}

/// What stands on screen, line by line.
pub fn seen(told: &Story) -> Vec<String> {
    let text = |line: &view::Line| line.spans().iter().map(view::Span::text).collect::<String>();
    view::derive(&told.app).lines.iter().map(|placed| text(&placed.line)).collect()
}

const ROWS: [&str; 4] = ["dies ml/doomed", "waste wasted", "waits ml/train", "finding ml/typo"];

#[test]
fn what_has_a_deadline_comes_first_then_what_costs_most() {
    told().keys("F").rows(&ROWS).selected("dies Pod ml/doomed");
}

#[test]
fn f_comes_back_to_where_one_was() {
    told().keys("3 F F").screen(Screen::Pods);
    told().keys("3 F esc").screen(Screen::Pods);
    let told = told().keys("2 F enter F").rows(&ROWS);
    assert!(told.app.ui.level.detail.is_none());
    told.keys("l F").rows(&ROWS).keys("q").screen(Screen::Jobs);
}

#[test]
fn enter_opens_the_object_and_keys_act_on_it() {
    told().keys("F enter").asks(&["fetch Pod ml/doomed"]);
    told().keys("F j enter").asks(&["fetch Node wasted", "ask the past of Node wasted"]);
    told().keys("F j u").asks_to("unprotect node wasted in prod-ml");
    told().keys("F j j enter").asks(&["fetch Job ml/train", "ask the past of Job ml/train"]);
    told().keys("F j Y").asks(&["copy wasted"]);
    told().keys("F j l").screen(Screen::Pods);
}

#[test]
fn rows_of_the_front_desk_are_marked_filtered_and_sorted() {
    told().keys("F j space").marks(&["Node wasted"]).keys("u").asks_to("unprotect node wasted in prod-ml");
    told().keys("F / 'kind:pod' enter").rows(&["dies ml/doomed", "finding ml/typo"]);
    told().keys("F / 'annotation' enter esc").rows(&ROWS);
    told().keys("F : 'sort' space 'cost' enter").rows(&[
        "waste wasted",
        "dies ml/doomed",
        "waits ml/train",
        "finding ml/typo",
    ]);
}

#[test]
fn the_header_counts_what_needs_somebody_and_its_dollars_on_every_screen() {
    for screen in Screen::ALL {
        let told = told().keys(&screen.number().to_string());
        assert!(seen(&told).iter().any(|line| line.contains("F 4 · $21.96/h")), "{screen:?} {:?}", seen(&told));
    }
}

#[test]
fn what_is_settled_leaves_the_front_desk() {
    let told = told().keys("F j").selected("waste Node wasted");
    let told = told.told(vec![upsert_pod(protected(pod("ml", "typo", "fine"), "4h"))]).seconds(1).told(Vec::new());
    told.rows(&ROWS[..3]).selected("waste Node wasted");
}

#[test]
fn the_front_desk_says_of_protection_and_findings_what_the_json_says() {
    let told = told().keys("F");
    let json = batchtop::export::snapshot(&told.app, batchtop::export::GpuDetail::Sums);
    let json = serde_json::to_value(json).unwrap();
    let in_json: Vec<(String, String)> = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["rule"].as_str().unwrap().to_owned(), one["message"].as_str().unwrap().to_owned()))
        .collect();
    let matters = told.app.ui.desk.matters().unwrap();
    let said = matters.iter().filter(|one| !one.key.rule.is_empty());
    let all_told = in_json.iter().all(|(rule, _)| matters.iter().any(|one| one.key.rule == rule));
    assert!(all_told, "{in_json:?} {matters:?}");
    for one in said.filter(|one| one.rate.is_none()) {
        assert!(in_json.contains(&(one.key.rule.to_owned(), one.message.machine_text())), "{one:?} {in_json:?}");
    }
    let pods = json["pods"].as_array().unwrap();
    let doomed = pods.iter().find(|pod| pod["name"] == "doomed").unwrap().to_string();
    assert!(doomed.contains(&matters[0].deadline.unwrap().to_string()), "{doomed} {:?}", matters[0]);
}

#[test]
fn nothing_is_said_before_everything_is_read() {
    let told = told().told(vec![health(Kind::Pod, HealthState::Syncing)]).keys("F").rows(&[]);
    assert_eq!(told.app.ui.desk.matters(), None);
    assert!(seen(&told).iter().any(|line| line.contains("F …")), "{:?}", seen(&told));
}
