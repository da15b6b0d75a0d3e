//! Everything that lies over the table.

use batchtop::app::{App, Msg, Notice, Severity, update};
use batchtop::fleet::*;

use crate::fixture::{fleet, fleet_after, hostile_pod, press, report, set_health};
use crate::paint::{beside_overlay, body, body_with_roles, snapshot, text};

#[test]
fn help_is_generated_from_the_keymap() {
    snapshot!("help_80x24", body(&fleet_after((80, 24), "?")));
    let help = fleet_after((120, 90), "?");
    let full = text(&help);
    let bound = |action| help.settings.keymap.bindings().iter().any(|binding| binding.action == action);
    for action in batchtop::input::Action::ALL.iter().copied() {
        let words = if bound(action) { action.description() } else { action.name() };
        assert!(full.contains(words), "{}: {full}", action.name());
    }
    snapshot!("help_120x90", body(&help));
}

/// Every state that a source can be in, and the list of sources.
pub fn sources_in_every_state() -> App {
    let mut app = fleet((100, 40));
    set_health(&mut app, Kind::Pod, HealthState::Syncing);
    set_health(&mut app, Kind::Job, HealthState::Stale);
    set_health(&mut app, Kind::Event, HealthState::Failed);
    set_health(&mut app, Kind::NodeOverlay, HealthState::Absent);
    set_health(&mut app, Kind::ReplicaSet, HealthState::Forbidden);
    set_health(&mut app, Kind::Namespace, HealthState::Connecting);
    press(&mut app, "H");
    app
}

#[test]
fn sources_overlay() {
    let mut app = sources_in_every_state();
    snapshot!("sources", body_with_roles(&app));
    press(&mut app, "esc");
    snapshot!("sources_closed", body_with_roles(&app));
}

#[test]
fn protect_dialog() {
    for (name, size) in [("protect_40x10", (40, 10)), ("protect_80x24", (80, 24)), ("protect_200x60", (200, 60))] {
        snapshot!(name, body_with_roles(&fleet_after(size, "2 j j j p")));
    }
}

#[test]
fn unprotect_dialog() {
    snapshot!("unprotect_80x24", body(&fleet_after((80, 24), "2 j j j u")));
}

#[test]
fn evict_dialog() {
    for (name, size) in [("evict_80x24", (80, 24)), ("evict_120x40", (120, 40))] {
        snapshot!(name, body_with_roles(&fleet_after(size, "/ 1 2 - 8 0 enter X")));
    }
}

#[test]
fn owners() {
    snapshot!("owners_100x24", body_with_roles(&fleet_after((100, 24), "/ 1 2 - 8 0 enter O")));
}

#[test]
fn pickers() {
    snapshot!("contexts_80x24", body_with_roles(&fleet_after((80, 24), "c")));
    snapshot!("namespaces_80x24", body(&fleet_after((80, 24), "n m")));
}

#[test]
fn prompts() {
    snapshot!("filter_80x24", body(&fleet_after((80, 24), "3 / t r a i n")));
    snapshot!("command_80x24", body(&fleet_after((80, 24), ": p o d s")));
}

/// A write of which nothing is known yet, and the list of results.
pub fn results_of_a_write() -> App {
    fleet_after((100, 24), "3 j j p enter esc : r e s u l t s enter")
}

#[test]
fn results() {
    snapshot!("results_100x24", body(&results_of_a_write()));
}

#[test]
fn a_notice_replaces_the_sentence_line() {
    let mut app = fleet((80, 24));
    let notice = Notice { severity: Severity::Error, text: "refused (403): pods \"x\" is forbidden".to_owned() };
    update(&mut app, Msg::Notice(notice));
    assert!(text(&app).contains("✗ refused (403): pods \"x\" is forbidden"), "{}", text(&app));
}

/// Keys that mean nothing are not offered.
#[test]
fn readonly_offers_no_writing_key() {
    let mut app = fleet((200, 60));
    assert!(text(&app).contains("p protect"));
    app.settings.keymap = app.settings.keymap.clone().without(batchtop::input::Action::writes);
    app.settings.readonly = true;
    let shown = text(&app);
    assert!(!shown.contains("p protect") && shown.contains("read-only"), "{shown}");
    press(&mut app, "?");
    assert!(!text(&app).contains("protect or unprotect"));
}

/// All pods marked, among them twenty on nodes of their own.
pub fn twenty_marked(size: (u16, u16)) -> App {
    let mut app = fleet(size);
    let pods = (0..20).map(|n| {
        let mut pod = hostile_pod(&format!("n{n:02}"));
        pod.meta.key = ObjectKey::new("w", &format!("w{n:02}"));
        pod.do_not_disrupt = None;
        pod.owner = None;
        Change::Upsert(pod)
    });
    report(&mut app, Report::Delta(Delta::Pods(pods.collect())));
    press(&mut app, "3 / w / enter ctrl-a p");
    app
}

#[test]
fn every_object_of_a_dialog_can_be_seen_with_its_node() {
    for (size, key) in [((80, 24), "pgdn"), ((80, 24), "down"), ((40, 10), "pgdn"), ((40, 10), "down")] {
        let mut app = twenty_marked(size);
        let mut seen = text(&app);
        assert!(seen.contains("pgdn more"), "{seen}");
        for _ in 0..120 {
            press(&mut app, key);
            seen.push_str(&text(&app));
        }
        for n in 0..20 {
            assert!(seen.contains(&format!("w/w{n:02}")), "{size:?} {key}: w{n:02} is never seen\n{seen}");
            assert!(seen.contains(&format!("on n{n:02}")), "{size:?} {key}: n{n:02} is never seen\n{seen}");
        }
    }
}

#[test]
fn many_objects_in_a_dialog() {
    let mut app = twenty_marked((80, 24));
    snapshot!("protect_many_80x24", body(&app));
    press(&mut app, "esc");
    snapshot!("protect_many_80x24_closed", body_with_roles(&app));
    let mut app = twenty_marked((40, 10));
    snapshot!("protect_many_40x10", body(&app));
    press(&mut app, "pgdn");
    snapshot!("protect_many_40x10_scrolled", body(&app));
}

#[test]
fn an_overlay_does_not_change_the_screen_beside_it() {
    for size in [(40, 10), (80, 24), (200, 60)] {
        for keys in ["?", "H", "c", "n m", "2 j j j p", "3 enter ?"] {
            assert_eq!(beside_overlay(&fleet_after(size, keys)), None, "{size:?} {keys}");
        }
    }
}

/// Where there is no context the server is the only name of what is written to.
#[test]
fn a_dialog_without_context_names_the_server() {
    for size in [(80, 24), (40, 10)] {
        let mut app = fleet(size);
        let facts = ClusterFacts { context: String::new(), ..app.cluster.clone() };
        report(&mut app, Report::Cluster(Box::new(facts)));
        press(&mut app, "2 j j j p");
        let shown = text(&app);
        assert!(shown.contains("https://k8s.example:6443") && !shown.contains("context"), "{shown}");
    }
    let shown = text(&fleet_after((80, 24), "2 j j j p"));
    assert!(shown.contains("context prod-ml  server https://k8s.example:6443"), "{shown}");
}

/// The longest address of a managed cluster on the smallest terminal.
#[test]
fn typed_text_is_visible_beside_a_long_server_address() {
    let mut app = fleet((40, 10));
    let server = format!("https://{}.gr7.us-gov-east-1.eks.amazonaws.com", "0123456789ABCDEF".repeat(2));
    let facts = ClusterFacts { server, ..app.cluster.clone() };
    report(&mut app, Report::Cluster(Box::new(facts)));
    let pods = (0..21).map(|n| {
        let mut pod = hostile_pod(&format!("n{n:02}"));
        (pod.meta.key, pod.owner) = (ObjectKey::new("w", &format!("w{n:02}")), None);
        Change::Upsert(pod)
    });
    report(&mut app, Report::Delta(Delta::Pods(pods.collect())));
    press(&mut app, "3 / w / enter ctrl-a p 2");
    let shown = text(&app);
    assert!(shown.contains("type 21 to confirm: 2"), "{shown}");
    assert!(batchtop::view::derive(&app).cursor.is_some());
}
