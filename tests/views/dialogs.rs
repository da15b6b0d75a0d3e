//! Everything that lies over the table.

use batchtop::app::{Msg, Notice, Severity, update};
use batchtop::fleet::*;

use crate::fixture::{fleet, press, set_health};
use crate::paint::{text, with_roles};

fn snapshot(name: &str, content: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, content);
    });
}

fn after(size: (u16, u16), keys: &str) -> batchtop::app::App {
    let mut app = fleet(size);
    press(&mut app, keys);
    app
}

#[test]
fn help_is_generated_from_the_keymap() {
    snapshot("help_80x24", &text(&after((80, 24), "?")));
    let full = text(&after((120, 70), "?"));
    for action in batchtop::input::Action::ALL {
        assert!(full.contains(action.description()), "{}: {full}", action.name());
    }
    snapshot("help_120x70", &full);
}

#[test]
fn sources() {
    let mut app = fleet((100, 40));
    set_health(&mut app, Kind::Pod, HealthState::Syncing);
    set_health(&mut app, Kind::Job, HealthState::Stale);
    set_health(&mut app, Kind::Event, HealthState::Failed);
    set_health(&mut app, Kind::NodeOverlay, HealthState::Absent);
    set_health(&mut app, Kind::ReplicaSet, HealthState::Forbidden);
    set_health(&mut app, Kind::Namespace, HealthState::Connecting);
    press(&mut app, "H");
    snapshot("sources", &with_roles(&app));
}

#[test]
fn protect_dialog() {
    for (name, size) in [("protect_40x10", (40, 10)), ("protect_80x24", (80, 24)), ("protect_200x60", (200, 60))] {
        snapshot(name, &with_roles(&after(size, "2 j j j p")));
    }
}

#[test]
fn unprotect_dialog() {
    snapshot("unprotect_80x24", &text(&after((80, 24), "2 j j j u")));
}

#[test]
fn pickers() {
    snapshot("contexts_80x24", &with_roles(&after((80, 24), "c")));
    snapshot("namespaces_80x24", &text(&after((80, 24), "n m")));
}

#[test]
fn prompts() {
    snapshot("filter_80x24", &text(&after((80, 24), "3 / t r a i n")));
    snapshot("command_80x24", &text(&after((80, 24), ": p o d s")));
}

#[test]
fn results() {
    let mut app = after((100, 24), "3 j j p enter");
    press(&mut app, "esc : r e s u l t s enter");
    snapshot("results_100x24", &text(&app));
}

#[test]
fn a_notice_takes_the_place_of_the_sentence() {
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
