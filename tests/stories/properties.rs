//! What holds whatever happens, in whichever order.

use batchtop::app::{App, Effect, Level, Mouse, Msg, Overlay, RowKey, Screen, Settings, settle, update};
use batchtop::fleet::{
    Change, ClusterFacts, Delta, Epoch, HealthState, Key, Kind, NodeRow, ObjectKey, PodPhase, PodRow, Report,
    WriteOutcome,
};
use batchtop::view::Body;
use proptest::prelude::*;

use crate::dsl::{chords, draw};
use crate::fixture::{
    claim, event, facts, finished, health, job, node, noon, pending, pod, pod_of, pool, protected, small, upsert_claim,
    upsert_node, upsert_pod, wide,
};
use crate::keys;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Keys(&'static str),
    Report(Report),
    OldReport(Report),
    Minutes(i64),
    Frame,
    Resize(u16, u16),
    Answer(u64, usize, WriteOutcome),
    Mouse(Mouse),
    Paste(&'static str),
}

const KEYS: [&str; 70] = [
    "d",
    "D",
    "v",
    "V",
    "b",
    "/ 'held:no' enter",
    ": 'sort' space 'verdict' enter",
    ": 'sort' space 'until' enter",
    "j",
    "k",
    "G",
    "g g",
    "pgdn",
    "pgup",
    "enter",
    "esc",
    "esc esc esc",
    "l",
    "h",
    "space",
    "ctrl-a",
    "p",
    "u",
    "U",
    "p enter",
    "u enter",
    "U enter",
    "p right enter",
    "p left '7h' enter",
    "/ 'train' enter",
    "/ '!a'",
    "/ 'pool:gpu' enter",
    "/ 'protected:yes' enter",
    "/ 'ns:' enter",
    "s",
    "S",
    "r",
    "1",
    "2",
    "3",
    "4",
    "5",
    "tab",
    "backtab",
    "y",
    "Y",
    "?",
    "H",
    "n",
    "c",
    "n down enter",
    ": 'ctx' space 'lab' enter",
    ": 'po' enter",
    ": 'xyz' enter",
    ": 'ns' space 'ml' enter",
    ": 'sort' space 'name' enter",
    ": 'nodep' tab",
    "backspace",
    "left",
    "right",
    "up",
    "down",
    "'4'",
    "ctrl-u",
    "ctrl-w",
    "2 p '40' enter",
    "q",
    "ctrl-z",
    ": 'results' enter",
    "g",
];

fn report() -> impl Strategy<Value = Report> {
    let namespace = prop::sample::select(vec!["ml", "vision", "a"]);
    let name = prop::sample::select(vec!["train-0", "train-1", "alone", "crash", "x", "é"]);
    let node_name = prop::sample::select(vec!["gpu-a", "cpu-a", "gpu-new", ""]);
    let shape = 0..6_u8;
    let pods = (namespace, name.clone(), node_name.clone(), shape).prop_map(|(ns, name, node, shape)| {
        let key = ObjectKey::new(ns, name);
        match shape {
            0 => Report::Delta(Delta::Pods(vec![Change::Remove(key)])),
            1 => upsert_pod(PodRow { meta: pod(ns, name, "").meta, ..pod_of("train", name, node) }),
            2 => upsert_pod(pending(pod(ns, name, ""))),
            3 => upsert_pod(finished(pod(ns, name, node), PodPhase::Failed)),
            4 => upsert_pod(protected(pod(ns, name, node), "6h5m")),
            _ => upsert_pod(pod(ns, name, node)),
        }
    });
    let nodes =
        (node_name.clone(), prop::sample::select(vec!["gpu", "cpu", ""]), 0..4_u8).prop_map(|(name, of, shape)| {
            match shape {
                0 => Report::Delta(Delta::Nodes(vec![Change::Remove(ObjectKey::cluster(name))])),
                1 => upsert_node(NodeRow { conditions: Vec::new(), ..node(name, of) }),
                2 => upsert_claim(claim(&format!("{name}-claim"), of, Some(name).filter(|name| !name.is_empty()))),
                _ => upsert_node(node(name, of)),
            }
        });
    let jobs = (name, 0..3_i64).prop_map(|(name, active)| match active {
        0 => Report::Delta(Delta::Jobs(vec![Change::Remove(ObjectKey::new("ml", name))])),
        _ => Report::Delta(Delta::Jobs(vec![Change::Upsert(batchtop::fleet::JobRow {
            active,
            ready: active - 1,
            ..job("ml", name)
        })])),
    });
    let others = prop::sample::select(vec![
        Report::Delta(Delta::Pods(vec![Change::Begin])),
        Report::Delta(Delta::Pods(vec![Change::Commit])),
        Report::Delta(Delta::Nodes(vec![Change::Begin, Change::Commit])),
        Report::Delta(Delta::NodePools(vec![Change::Upsert(pool("zoo"))])),
        Report::Delta(Delta::NodePools(vec![Change::Remove(ObjectKey::cluster("gpu"))])),
        Report::Delta(Delta::Events(vec![Change::Upsert(event(
            "e9",
            0,
            "Evicted",
            "Pod",
            &ObjectKey::new("ml", "train-0"),
        ))])),
        Report::Delta(Delta::Events(vec![Change::Remove(ObjectKey::new("ml", "e2"))])),
        health(Kind::Pod, HealthState::Syncing),
        health(Kind::Pod, HealthState::Live),
        Report::Cluster(Box::new(facts())),
        Report::Cluster(Box::new(ClusterFacts { contexts: Vec::new(), ..facts() })),
    ]);
    prop_oneof![4 => pods, 2 => nodes, 1 => jobs, 1 => others]
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop::sample::select(vec![
        WriteOutcome::Done,
        WriteOutcome::Gone,
        WriteOutcome::Refused { code: 409, message: "conflict".to_owned() },
    ]);
    let row = Key::new(Kind::Pod, ObjectKey::new("ml", "train-0"));
    prop_oneof![
        12 => prop::sample::select(KEYS.to_vec()).prop_map(Step::Keys),
        6 => report().prop_map(Step::Report),
        1 => report().prop_map(Step::OldReport),
        1 => (0..200_i64).prop_map(Step::Minutes),
        4 => Just(Step::Frame),
        1 => (0..200_u16, 0..60_u16).prop_map(|(width, height)| Step::Resize(width, height)),
        3 => (0..4_u64, 0..12_usize, outcome).prop_map(|(write, item, outcome)| Step::Answer(write, item, outcome)),
        1 => prop::sample::select(vec![Mouse::WheelUp, Mouse::WheelDown, Mouse::Row(row.into()), Mouse::Title(Screen::Jobs)]).prop_map(Step::Mouse),
        1 => prop::sample::select(vec!["ml", "\u{1b}[31m\n", "!!:::"]).prop_map(Step::Paste),
    ]
}

fn messages(app: &App, step: &Step) -> Vec<Msg> {
    match step.clone() {
        Step::Keys(keys) => chords(keys).into_iter().map(Msg::Key).collect(),
        Step::Report(report) => vec![Msg::Source(app.epoch, report)],
        Step::OldReport(report) => vec![Msg::Source(Epoch(999), report)],
        Step::Minutes(minutes) => vec![Msg::Clock(app.now.plus_seconds(60 * minutes))],
        // Orders by verdict follow at most once a second.
        Step::Frame => vec![Msg::Clock(app.now.plus_seconds(1)), Msg::Frame],
        Step::Resize(width, height) => vec![Msg::Resize { width, height }],
        Step::Answer(write, item, outcome) => vec![Msg::Written { write, item, outcome }],
        Step::Mouse(mouse) => vec![Msg::Mouse(mouse)],
        Step::Paste(text) => vec![Msg::Paste(text.to_owned())],
    }
}

/// A frame is drawn; where it has a table, the selected row is in it.
fn the_selection_is_drawn(app: &mut App) {
    if let Body::Table(table) = draw(app).body {
        let selected = app.ui.listing.rows.get(app.ui.listing.cursor);
        assert!(table.rows.iter().any(|row| Some(&row.key) == selected), "{selected:?} is not among the rows drawn");
    }
}

fn the_selection_is_listed(app: &App) {
    let (rows, cursor) = (&app.ui.listing.rows, app.ui.listing.cursor);
    if rows.is_empty() {
        assert_eq!(cursor, 0);
        return;
    }
    assert!(cursor < rows.len());
    match &app.ui.level.selected {
        Some(selected) => assert_eq!(*selected, rows[cursor]),
        None => assert_eq!(cursor, 0),
    }
    let offset = app.ui.level.offset;
    assert!((offset..offset + app.ui.page_rows).contains(&cursor), "{cursor} is not on the page from {offset}");
}

/// What an App lists that has been told everything and has never drawn anything before.
fn from_nothing(app: &App, past: &[Report]) -> Vec<RowKey> {
    listed_anew(app, app.ui.level.clone(), past)
}

/// The same without the filter.
fn unfiltered(app: &App, past: &[Report]) -> Vec<RowKey> {
    listed_anew(app, Level { filter: String::new(), ..app.ui.level.clone() }, past)
}

fn listed_anew(app: &App, level: Level, past: &[Report]) -> Vec<RowKey> {
    let mut fresh = App::new(Settings::default(), app.now);
    for report in past {
        update(&mut fresh, Msg::Source(Epoch(0), report.clone()));
    }
    fresh.ui.level = level;
    fresh.scope = app.scope.clone();
    // What accelerators do is found out once a second.
    update(&mut fresh, Msg::Clock(app.now));
    settle(&mut fresh);
    update(&mut fresh, Msg::Frame);
    fresh.ui.listing.rows
}

/// No request without a confirmed dialog, none on what the dialog did not name.
fn writes_were_confirmed(app: &App, before: Option<&Overlay>, effects: &[Effect]) {
    for effect in effects {
        let Effect::Write { write, item, change, .. } = effect else { continue };
        let known = app.ui.writes.iter().find(|known| known.id == *write).map(|known| &known.items[*item]);
        assert_eq!(known.map(|known| &known.change), Some(change));
        let is_confirmed = match before {
            Some(Overlay::Write(dialog)) => dialog.targets.iter().any(|target| target.change.key() == change.key()),
            _ => *item >= 8,
        };
        assert!(is_confirmed || *item >= 8, "{effect:?} out of {before:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn rows_equal_a_new_listing_and_the_selection_is_drawn_after_any_sequence_of_steps(
        begin in prop::sample::select(vec![0_u8, 1, 2]),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let settings = Settings { keymap: keys::default(), ..Settings::default() };
        let mut app = App::new(settings, noon());
        let mut past = Vec::new();
        let reports = match begin { 0 => Vec::new(), 1 => small(), _ => wide(30) };
        for report in reports {
            past.push(report.clone());
            update(&mut app, Msg::Source(Epoch(0), report));
        }
        for step in &steps {
            for msg in messages(&app, step) {
                let (before, epoch) = (app.ui.overlay.clone(), app.epoch);
                let mut effects = update(&mut app, msg);
                effects.extend(settle(&mut app));
                writes_were_confirmed(&app, before.as_ref(), &effects);
                the_selection_is_drawn(&mut app);
                the_selection_is_listed(&app);
                if app.epoch != epoch {
                    past.clear();
                }
            }
            if let Step::Report(report) = step {
                past.push(report.clone());
            }
            if matches!(step, Step::Frame) {
                prop_assert_eq!(&app.ui.listing.rows, &from_nothing(&app, &past));
                prop_assert!(app.ui.marks.iter().all(|key| batchtop::app::RowRef::find(&app, key).is_some()));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Places are mended pod by pod on this screen; every order is tried.
    #[test]
    fn changed_pods_are_placed_as_in_a_new_listing(
        sorts in 0..13_usize,
        keys in prop::sample::select(vec![
            "3", "3 r", "3 : 'ns' space 'ml' enter", "3 / 'ml' enter", "3 / 'gpu' enter", "3 / '!status:running' enter", "3 / 'tra'",
        ]),
        batches in prop::collection::vec(prop::collection::vec(report(), 1..8), 1..12),
    ) {
        let mut told = crate::dsl::story(small()).keys(keys);
        for _ in 0..sorts {
            told = told.keys("S");
        }
        let mut past = small();
        for batch in batches {
            past.extend(batch.clone());
            told = told.told(batch);
            prop_assert_eq!(&told.app.ui.listing.rows, &from_nothing(&told.app, &past));
            prop_assert_eq!(told.app.ui.listing.unfiltered, unfiltered(&told.app, &past).len());
            the_selection_is_listed(&told.app);
        }
        told = told.keys("esc");
        prop_assert_eq!(&told.app.ui.listing.rows, &from_nothing(&told.app, &past));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// A longer word only looks at the rows that are listed; every way of editing a filter is tried.
    #[test]
    fn an_edited_filter_lists_the_same_rows_as_a_new_listing(
        screen in prop::sample::select(vec!["1", "2", "3", "3 s s r", "4", "5"]),
        edits in prop::collection::vec(
            prop::sample::select(vec!["a", "t", "r", "-", "/", ":", "!", "space", "backspace", "left", "n", "s", "gpu", "ns"]),
            1..16,
        ),
    ) {
        let mut told = crate::dsl::story(small()).keys(screen).keys("/ 'a'");
        for edit in edits {
            told = if edit.len() < 4 { told.keys(&format!("'{edit}'")) } else { told.keys(edit) };
            prop_assert_eq!(&told.app.ui.listing.rows, &from_nothing(&told.app, &small()), "{:?}", told.app.ui.level.filter);
        }
    }
}
