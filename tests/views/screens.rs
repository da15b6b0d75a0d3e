//! Every screen at every size, its details, and every face of health.

use batchtop::app::App;
use batchtop::fleet::*;

use crate::fixture::{
    after, ago, cost_after_an_hour, empty, fleet, fleet_after, health, pod, press, report, resources, set_health,
    upsert, workload_of_paused,
};
use crate::paint::{body, body_with_roles, snapshot, text};

/// The smallest terminal, the usual one, a wide one and a large one.
pub const SIZES: [(u16, u16); 4] = [(40, 10), (80, 24), (120, 40), (200, 60)];

fn at_all_sizes(name: &str, make: impl Fn((u16, u16)) -> App) {
    for size in SIZES {
        snapshot!(format!("{name}_{}x{}", size.0, size.1), body_with_roles(&make(size)));
    }
}

#[test]
fn fleet_screen() {
    at_all_sizes("fleet", fleet);
}

#[test]
fn jobs_screen() {
    at_all_sizes("jobs", |size| fleet_after(size, "2"));
}

#[test]
fn pods_screen() {
    at_all_sizes("pods", |size| fleet_after(size, "3 j space"));
}

#[test]
fn pools_screen() {
    at_all_sizes("pools", |size| fleet_after(size, "4"));
}

#[test]
fn events_screen() {
    at_all_sizes("events", |size| fleet_after(size, "5 V"));
    at_all_sizes("incidents", |size| fleet_after(size, "5"));
}

#[test]
fn cost_screen() {
    at_all_sizes("cost", |size| cost_after_an_hour(size, ""));
    for (dimension, keys) in [("namespace", "d"), ("job", "d d"), ("owner", "d d d"), ("node", "D")] {
        for size in [(80, 24), (200, 60)] {
            let app = cost_after_an_hour(size, keys);
            snapshot!(format!("cost_by_{dimension}_{}x{}", size.0, size.1), body(&app));
        }
    }
}

/// Cost while nothing is known.
pub fn cost_without_rates() -> App {
    let mut app = empty((80, 24));
    press(&mut app, "6");
    app
}

#[test]
fn cost_before_rates_are_known() {
    snapshot!("face_cost", body(&cost_without_rates()));
}

#[test]
fn details() {
    for (name, keys) in [("node", "1"), ("job", "2"), ("pod", "3"), ("pool", "4"), ("claim", "4 j"), ("event", "5 V")] {
        for size in [(80, 24), (200, 60)] {
            let app = fleet_after(size, &format!("{keys} enter"));
            snapshot!(format!("detail_{name}_{}x{}", size.0, size.1), body(&app));
        }
    }
}

#[test]
fn drilled_down() {
    snapshot!("drill_pool_to_nodes", body(&fleet_after((120, 24), "4 l")));
    snapshot!("drill_job_to_pods", body(&fleet_after((120, 24), "2 l")));
}

#[test]
fn fleet_before_anything_is_known() {
    snapshot!("face_connecting", body_with_roles(&empty((80, 24))));
}

/// All of the fleet, one kind of it not live.
pub fn fleet_with(kind: Kind, state: HealthState) -> App {
    let mut app = fleet((120, 24));
    set_health(&mut app, kind, state);
    app
}

/// Nodes are there, pods are still being read: what depends on pods is not a number.
#[test]
fn pods_not_known_yet() {
    let app = fleet_with(Kind::Pod, HealthState::Syncing);
    let shown = text(&app);
    assert!(shown.contains("pods …"), "{shown}");
    assert!(!shown.contains("requested\n") || shown.contains(": … requested"), "{shown}");
    snapshot!("face_pods_syncing", body_with_roles(&app));
}

#[test]
fn stale_numbers_are_marked_as_stale() {
    let app = fleet_with(Kind::Node, HealthState::Stale);
    let shown = text(&app);
    assert!(shown.contains("nodes 6 (stale)") && shown.contains("stale for 42s, next try in 8s"), "{shown}");
    snapshot!("face_stale", body_with_roles(&app));
}

/// The states of nodes in which there are none to show.
pub const WITHOUT_NODES: [HealthState; 5] =
    [HealthState::Syncing, HealthState::Forbidden, HealthState::Absent, HealthState::Failed, HealthState::Live];

/// Nothing but the state of the stream of nodes.
pub fn no_nodes(state: HealthState) -> App {
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
    app
}

#[test]
fn an_empty_table_names_its_reason_in_every_source_state() {
    for state in WITHOUT_NODES {
        snapshot!(format!("face_{}", state.name().to_lowercase()), body(&no_nodes(state)));
    }
}

/// Pools of a cluster that has no Karpenter.
pub fn without_karpenter() -> App {
    let mut app = empty((80, 24));
    let facts =
        ClusterFacts { karpenter_api: KarpenterApi::Absent, karpenter_crd_version: None, ..app.cluster.clone() };
    report(&mut app, Report::Cluster(Box::new(facts)));
    for kind in [Kind::NodeClaim, Kind::NodePool] {
        set_health(&mut app, kind, HealthState::Absent);
    }
    set_health(&mut app, Kind::Node, HealthState::Live);
    press(&mut app, "4");
    app
}

#[test]
fn no_karpenter() {
    snapshot!("face_no_karpenter", body(&without_karpenter()));
}

/// No connection, and nothing known from before.
pub fn down() -> App {
    let mut app = empty((80, 24));
    let error = ConnectionError {
        message: "cannot reach https://k8s.example:6443: connection refused".to_owned(),
        hint: "is the VPN up? batchtop tries again in 8 s".to_owned(),
        exit_code: 3,
    };
    report(&mut app, Report::Down(error));
    app
}

#[test]
fn connection_down() {
    snapshot!("face_down", body(&down()));
}

#[test]
fn a_filter_that_matches_no_row() {
    let app = fleet_after((80, 24), "/ n o s u c h enter");
    snapshot!("face_filtered", body(&app));
}

#[test]
fn a_terminal_below_the_smallest_size_gets_a_message() {
    assert_eq!(text(&fleet((39, 10))).trim(), "too small: 39×10, batchtop needs 40×10");
    assert_eq!(text(&fleet((1, 1))), "…");
}

/// A selected row stays visible whatever the offset says.
#[test]
fn the_selected_row_is_visible() {
    let mut app = fleet_after((80, 24), "3 G");
    app.ui.level.offset = 0;
    app.ui.size = (80, 12);
    let shown = text(&app);
    assert!(shown.lines().any(|line| line.starts_with('▸')), "{shown}");
}

#[test]
fn a_deleted_object_is_shown_as_gone() {
    let mut app = fleet((80, 24));
    let gone = app.ui.listing.rows[0].object().cloned().expect("an object");
    app.fleet.apply(Delta::Nodes(vec![Change::Remove(gone.object.clone())]));
    assert!(text(&app).contains("(gone)") || text(&app).contains("is gone"), "{}", text(&app));
    assert!(ago(1) < ago(0));
}

/// A cluster in which only one namespace is readable, after these keys.
pub fn only_namespace(namespace: &str, keys: &str) -> App {
    let mut app = fleet((120, 70));
    let facts = ClusterFacts { namespaces: Some(vec![namespace.to_owned()]), ..app.cluster.clone() };
    report(&mut app, Report::Cluster(Box::new(facts)));
    for kind in [Kind::Pod, Kind::Job] {
        let health =
            Health { namespaces: Some(vec![Sym::new(namespace)]), next_try: None, ..health(HealthState::Live) };
        report(&mut app, Report::Health(SourceId::Kind(kind), health));
    }
    press(&mut app, keys);
    app
}

/// Of a cluster in which only some namespaces are readable, what depends on all pods or Jobs is no number.
#[test]
fn numbers_over_some_namespaces_are_not_shown() {
    let partial = |keys: &str| text(&only_namespace("ml", keys));
    let shown = partial("1");
    assert!(shown.contains("pods ?   jobs ?") && shown.contains(": ? requested"), "{shown}");
    assert!(shown.contains("nodes 6") && !shown.contains('%') && !shown.contains("▣ 1 pod"), "{shown}");
    snapshot!("partial_fleet", body(&only_namespace("ml", "1")));
    let node = partial("1 enter");
    assert!(
        node.contains("only those of the namespaces that are readable") && node.contains("? of 7.9 cpu\n"),
        "{node}"
    );
    snapshot!("partial_node", body(&only_namespace("ml", "1 enter")));
    assert!(partial("2").contains('▣'), "pods of a Job are in its namespace, and known");
    let other = text(&only_namespace("web", "2 enter"));
    assert!(!other.contains('▣') && other.contains("? pods are not known: not all namespaces are readable"), "{other}");
}

/// Not because of namespaces: all are read.
#[test]
fn a_verdict_that_lacks_what_could_not_be_decoded_says_so() {
    let mut app = fleet((120, 70));
    let unreadable = Health { undecodable: 3, next_try: None, ..health(HealthState::Live) };
    report(&mut app, Report::Health(SourceId::Kind(Kind::Pod), unreadable));
    press(&mut app, "1 enter");
    let node = text(&app);
    let why = "pods incomplete: 3 could not be decoded";
    assert!(node.contains(&format!("? whether a pod protects it is not known: {why}")), "{node}");
    assert!(node.contains(&format!("→ wait, or update batchtop: {why}")), "{node}");
    assert!(!node.contains("some namespaces"), "{node}");
}

#[test]
fn active_selectors_are_shown() {
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
        let shown = narrowed(140, keys);
        assert!(shown.contains("--node-selector karpenter.sh/nodepool=gpu"), "{shown}");
        let shown = narrowed(80, keys);
        assert!(shown.contains("karpenter.sh/nod") && shown.contains("1/"), "{shown}");
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

/// A part of a device is no request for an extended resource, and counts all the same.
#[test]
fn a_part_of_a_device_is_shown_as_what_the_pod_requests() {
    let mut app = fleet((200, 66));
    let fraction = Some(Box::new(GpuFraction { part: GpuPart::Thousandths(500), devices: 1 }));
    let requests = Resources { fraction, ..resources(2_000, 8, 0) };
    let sharing = pod("notebook-0", None, Some("ip-10-0-12-80.ec2.internal"), 60, requests);
    report(&mut app, Report::Delta(Delta::Pods(upsert(sharing))));
    press(&mut app, ": p o d s enter / n o t e b o o k enter");
    let row = body(&app).lines().find(|line| line.contains("notebook-0")).map(str::to_owned);
    assert!(row.as_ref().is_some_and(|row| row.contains(" 0.5 ")), "{row:?}");
    press(&mut app, "esc : f l e e t enter / 1 2 - 8 0 enter enter");
    let shown = text(&app);
    assert!(shown.contains("ml/notebook-0  2 cpu, 8 GiB, 0.5 GPU"), "{shown}");
}

#[test]
fn node_cost_details_name_the_price_sources_and_the_payers() {
    for (name, node) in [("priced", "12-80"), ("prepaid", "31-9"), ("unpriced", "0-5"), ("fee_unknown", "12-91")] {
        snapshot!(format!("cost_of_node_{name}"), cost_section(node));
    }
    snapshot!("cost_of_claim", cost_section("n3w"));
}

#[test]
fn a_price_is_pending_until_every_source_of_prices_has_answered_once() {
    let rate = |state| {
        let mut app = fleet((90, 120));
        report(&mut app, Report::Health(SourceId::AwsSpotPrices, health(state)));
        press(&mut app, "/ 0 - 5 enter enter");
        let shown = text(&app);
        shown.lines().map(str::trim).find(|line| line.starts_with("rate ")).unwrap_or_default().to_owned()
    };
    for state in [HealthState::Connecting, HealthState::Syncing] {
        assert_eq!(rate(state), "rate          … no source has its price yet", "{state:?}");
    }
    for state in [HealthState::Live, HealthState::Stale, HealthState::Failed, HealthState::NotNeeded] {
        assert_eq!(rate(state), "rate          ? no source has its price", "{state:?}");
    }
}

#[test]
fn a_job_held_by_kueue_shows_kueues_reason() {
    const SHORT: &str = "couldn't assign flavors to pod set main: insufficient unused quota for nvidia.com/gpu in \
                         flavor h100, 8 more needed";
    let mut app = fleet_after((160, 40), "2 / p a u s e d enter");
    assert!(text(&app).contains("‖ Job ml/paused is suspended"), "{}", text(&app));
    report(&mut app, Report::Delta(Delta::Workloads(upsert(workload_of_paused(SHORT)))));
    let shown = text(&app);
    assert!(shown.contains(&format!("≡ Job ml/paused is queued: {SHORT}")) && shown.contains("≡ Queued"), "{shown}");
    press(&mut app, "enter");
    let shown = text(&app);
    assert!(shown.contains("≡ Queued   WaitingForQuota"), "{shown}");
    assert!(shown.contains("│   couldn't assign flavors to pod set main: insufficient unused quota"), "{shown}");
    assert!(shown.contains("queue         research"), "{shown}");
    press(&mut app, "esc");
    let held = WorkloadRow { is_active: false, ..workload_of_paused("The workload is deactivated") };
    report(&mut app, Report::Delta(Delta::Workloads(upsert(held))));
    let shown = text(&app);
    assert!(shown.contains("‖ Job ml/paused is suspended: The workload is deactivated"), "{shown}");
    report(&mut app, Report::Delta(Delta::Workloads(upsert(workload_of_paused("")))));
    let shown = text(&app);
    assert!(shown.contains("≡ Job ml/paused is suspended until its queue admits it"), "{shown}");
}

/// Columns of names and sentences, which are as long as somebody likes.
const NAMES_AND_SENTENCES: [&str; 14] = [
    "",
    "NODE",
    "NS",
    "WHY",
    "OWNER",
    "WHAT",
    "WHAT TO DO",
    "OBJECT",
    "MESSAGE",
    "PODS HIT",
    "JOB",
    "POOL",
    "WAITS FOR",
    "LIMITS",
];

#[test]
fn no_number_time_or_holder_is_cut_at_80_columns() {
    let mut tables = 0;
    for keys in ["1", "1 v", "1 v v v", "2", "3", "3 v", "4", "5", "5 V", "6", "7", "F"] {
        let mut app = fleet((80, 24));
        press(&mut app, keys);
        let batchtop::view::Body::Table(table) = batchtop::view::derive(&app).body else { continue };
        tables += 1;
        for (at, column) in table.columns.iter().enumerate() {
            let title = column.title.text();
            let title = title.trim_end_matches(['↓', '↑']);
            let is_name = column.sorts_by.is_some_and(|column| column.importance == 0);
            if is_name || NAMES_AND_SENTENCES.contains(&title) {
                continue;
            }
            for cell in table.rows.iter().map(|row| row.cells[at].text()) {
                let tells = title == "KARPENTER" || cell.contains(|c: char| c.is_ascii_digit());
                assert!(!(cell.ends_with('…') && tells), "{keys}: {title}: {cell}");
            }
        }
    }
    assert!(tables > 8, "{tables}");
}
