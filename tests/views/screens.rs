//! Every screen at every size, its details, and every face of health.

use batchtop::app::App;
use batchtop::fleet::*;

use crate::fixture::{after, ago, empty, fleet, health, press, report, set_health};
use crate::paint::{text, with_roles};

const SIZES: [(u16, u16); 4] = [(40, 10), (80, 24), (120, 40), (200, 60)];

fn snapshot(name: &str, content: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, content);
    });
}

fn at_all_sizes(name: &str, make: impl Fn((u16, u16)) -> App) {
    for size in SIZES {
        snapshot(&format!("{name}_{}x{}", size.0, size.1), &with_roles(&make(size)));
    }
}

#[test]
fn fleet_screen() {
    at_all_sizes("fleet", fleet);
}

#[test]
fn jobs_screen() {
    at_all_sizes("jobs", |size| with_keys(size, "2"));
}

#[test]
fn pods_screen() {
    at_all_sizes("pods", |size| with_keys(size, "3 j space"));
}

#[test]
fn claims_screen() {
    at_all_sizes("claims", |size| with_keys(size, "4"));
}

#[test]
fn events_screen() {
    at_all_sizes("events", |size| with_keys(size, "5"));
}

fn with_keys(size: (u16, u16), keys: &str) -> App {
    let mut app = fleet(size);
    press(&mut app, keys);
    app
}

/// Cost after an hour, in a dimension.
fn cost_after_an_hour(size: (u16, u16), keys: &str) -> App {
    let mut app = fleet(size);
    press(&mut app, &format!("6 {keys}"));
    after(&mut app, 3_600);
    app
}

#[test]
fn cost_screen() {
    at_all_sizes("cost", |size| cost_after_an_hour(size, ""));
    for (dimension, keys) in [("namespace", "d"), ("job", "d d"), ("owner", "d d d"), ("node", "D")] {
        for size in [(80, 24), (200, 60)] {
            let app = cost_after_an_hour(size, keys);
            snapshot(&format!("cost_by_{dimension}_{}x{}", size.0, size.1), &text(&app));
        }
    }
}

#[test]
fn cost_before_rates_are_known() {
    let mut app = empty((80, 24));
    press(&mut app, "6");
    snapshot("face_cost", &text(&app));
}

#[test]
fn details() {
    for (name, keys) in [("node", "1"), ("job", "2"), ("pod", "3"), ("pool", "4"), ("claim", "4 j"), ("event", "5")] {
        for size in [(80, 24), (200, 60)] {
            let app = with_keys(size, &format!("{keys} enter"));
            snapshot(&format!("detail_{name}_{}x{}", size.0, size.1), &text(&app));
        }
    }
}

#[test]
fn drilled_down() {
    snapshot("drill_pool_to_nodes", &text(&with_keys((120, 24), "4 l")));
    snapshot("drill_job_to_pods", &text(&with_keys((120, 24), "2 l")));
}

#[test]
fn nothing_known_yet() {
    snapshot("face_connecting", &with_roles(&empty((80, 24))));
}

/// Nodes are there, pods are still being read: what depends on pods is not a number.
#[test]
fn pods_not_known_yet() {
    let mut app = fleet((120, 24));
    set_health(&mut app, Kind::Pod, HealthState::Syncing);
    let shown = text(&app);
    assert!(shown.contains("pods …"), "{shown}");
    assert!(!shown.contains("requested\n") || shown.contains(": … requested"), "{shown}");
    snapshot("face_pods_syncing", &with_roles(&app));
}

#[test]
fn stale_numbers_say_so() {
    let mut app = fleet((120, 24));
    set_health(&mut app, Kind::Node, HealthState::Stale);
    let shown = text(&app);
    assert!(shown.contains("nodes 6 (stale)") && shown.contains("stale for 42s, next try in 8s"), "{shown}");
    snapshot("face_stale", &with_roles(&app));
}

#[test]
fn faces_of_an_empty_table() {
    for state in
        [HealthState::Syncing, HealthState::Forbidden, HealthState::Absent, HealthState::Failed, HealthState::Live]
    {
        let mut app = empty((80, 24));
        let message = match state {
            HealthState::Forbidden => {
                Some("nodes is forbidden: User \"jo\" cannot list resource \"nodes\" at the cluster scope")
            }
            HealthState::Failed => Some("the server is currently unable to handle the request"),
            _ => None,
        };
        let health = Health { message: message.map(Sym::new), ..health(state) };
        report(&mut app, Report::Health(SourceId::Kind(Kind::Node), health));
        snapshot(&format!("face_{}", state.name().to_lowercase()), &text(&app));
    }
}

#[test]
fn no_karpenter() {
    let mut app = empty((80, 24));
    let facts =
        ClusterFacts { karpenter_api: KarpenterApi::Absent, karpenter_crd_version: None, ..app.cluster.clone() };
    report(&mut app, Report::Cluster(Box::new(facts)));
    for kind in [Kind::NodeClaim, Kind::NodePool] {
        set_health(&mut app, kind, HealthState::Absent);
    }
    set_health(&mut app, Kind::Node, HealthState::Live);
    press(&mut app, "4");
    snapshot("face_no_karpenter", &text(&app));
}

#[test]
fn connection_down() {
    let mut app = empty((80, 24));
    let error = ConnectionError {
        message: "cannot reach https://k8s.example:6443: connection refused".to_owned(),
        hint: "is the VPN up? batchtop tries again in 8 s".to_owned(),
        exit_code: 3,
    };
    report(&mut app, Report::Down(error));
    snapshot("face_down", &text(&app));
}

#[test]
fn a_filter_that_meets_nothing() {
    let app = with_keys((80, 24), "/ n o s u c h enter");
    snapshot("face_filtered", &text(&app));
}

#[test]
fn too_small() {
    assert_eq!(text(&fleet((39, 10))).trim(), "too small: 39×10, batchtop needs 40×10");
    assert_eq!(text(&fleet((1, 1))), "…");
}

/// A selected row stays visible whatever the offset says.
#[test]
fn the_selected_row_is_visible() {
    let mut app = with_keys((80, 24), "3 G");
    app.ui.level.offset = 0;
    app.ui.size = (80, 12);
    let shown = text(&app);
    assert!(shown.lines().any(|line| line.starts_with('▸')), "{shown}");
}

#[test]
fn an_object_that_went_keeps_its_line() {
    let mut app = fleet((80, 24));
    let gone = app.ui.listing.rows[0].object().cloned().expect("an object");
    app.fleet.apply(Delta::Nodes(vec![Change::Remove(gone.object.clone())]));
    assert!(text(&app).contains("(gone)") || text(&app).contains("is gone"), "{}", text(&app));
    assert!(ago(1) < ago(0));
}

/// Of a cluster in which only some namespaces are readable, what depends on all pods or Jobs is no number.
#[test]
fn numbers_over_some_namespaces_are_not_shown() {
    let partial_in = |namespace: &str, keys: &str| {
        let mut app = fleet((120, 70));
        let facts = ClusterFacts { namespaces: Some(vec![namespace.to_owned()]), ..app.cluster.clone() };
        report(&mut app, Report::Cluster(Box::new(facts)));
        for kind in [Kind::Pod, Kind::Job] {
            let health =
                Health { namespaces: Some(vec![Sym::new(namespace)]), next_try: None, ..health(HealthState::Live) };
            report(&mut app, Report::Health(SourceId::Kind(kind), health));
        }
        press(&mut app, keys);
        text(&app)
    };
    let partial = |keys: &str| partial_in("ml", keys);
    let shown = partial("1");
    assert!(shown.contains("pods ?   jobs ?") && shown.contains(": ? requested"), "{shown}");
    assert!(shown.contains("nodes 6") && !shown.contains('%') && !shown.contains("▣ 1 pod"), "{shown}");
    snapshot("partial_fleet", &shown);
    let node = partial("1 enter");
    assert!(
        node.contains("only those of the namespaces that are readable") && node.contains("? of 7.9 cpu\n"),
        "{node}"
    );
    snapshot("partial_node", &node);
    assert!(partial("2").contains('▣'), "pods of a Job are in its namespace, and known");
    let other = partial_in("web", "2 enter");
    assert!(!other.contains('▣') && other.contains("? pods are not known: not all namespaces are readable"), "{other}");
}

#[test]
fn what_narrows_the_rows_is_said() {
    let narrowed = |width: u16, keys: &str| {
        let mut app = fleet((width, 24));
        app.scope.selector = batchtop::units::Selector::parse("app=train").ok();
        app.scope.node_selector = batchtop::units::Selector::parse("karpenter.sh/nodepool=gpu").ok();
        press(&mut app, keys);
        text(&app)
    };
    for keys in ["2", "3", "5"] {
        assert!(narrowed(120, keys).contains("-l app=train"), "{}", narrowed(120, keys));
    }
    for keys in ["1", "4"] {
        let shown = narrowed(120, keys);
        assert!(shown.contains("--node-selector karpenter.sh/nodepool=gpu"), "{shown}");
        let shown = narrowed(80, keys);
        assert!(shown.contains("karpenter.sh/nod") && shown.contains("1/"), "{shown}");
    }
}

/// What is paid, and what batchtop has seen being paid, at the widths at which the header has to choose.
#[test]
fn the_counter_and_what_is_held() {
    for size in [(60, 24), (80, 24), (120, 24), (200, 24)] {
        let mut app = fleet(size);
        after(&mut app, 3_600);
        let shown: Vec<String> = text(&app).lines().take(2).map(str::to_owned).collect();
        snapshot(&format!("counter_{}", size.0), &shown.join("\n"));
    }
}

/// The section of one Node, whichever row it is on.
fn cost_section(node: &str) -> String {
    let mut app = fleet((90, 120));
    after(&mut app, 3_600);
    let typed: Vec<String> = node.chars().map(String::from).collect();
    press(&mut app, &format!("/ {} enter enter", typed.join(" ")));
    let shown = text(&app);
    let lines = shown.lines().map(str::trim_end).skip_while(|line| line.trim() != "COST");
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_cost_of_a_node_says_who_was_asked_and_who_pays() {
    for (name, node) in [("priced", "12-80"), ("prepaid", "31-9"), ("unpriced", "0-5"), ("fee_unknown", "12-91")] {
        snapshot(&format!("cost_of_node_{name}"), &cost_section(node));
    }
    snapshot("cost_of_claim", &cost_section("n3w"));
}
