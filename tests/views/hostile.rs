//! Whatever a cluster says and however small the terminal is: nothing breaks, and no control character gets through.

use batchtop::app::{App, Level, Msg, Screen, update};
use batchtop::fleet::{Delta, Key, Kind, ObjectKey, Report};
use batchtop::view::Body;
use proptest::prelude::*;

use crate::fixture::{
    clock, fleet, hostile_devices, hostile_event, hostile_job, hostile_node, hostile_pod, now, press, report, upsert,
};
use crate::paint::{buffer, theme};

fn infested(text: &str) -> App {
    let mut app = fleet((80, 24));
    for delta in [
        Delta::Nodes(upsert(hostile_node(text))),
        Delta::Pods(upsert(hostile_pod(text))),
        Delta::Jobs(upsert(hostile_job(text))),
        Delta::Events(upsert(hostile_event(text))),
        Delta::Gpus(hostile_devices(text)),
    ] {
        report(&mut app, Report::Delta(delta));
    }
    // What accelerators do is found out once a second.
    clock(&mut app, now().plus_seconds(1));
    clock(&mut app, now().plus_seconds(2));
    app
}

fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn assert_clean(app: &App) {
    for cell in buffer(app, &theme("dark")).content() {
        assert!(!cell.symbol().chars().any(is_hostile), "{:?}", cell.symbol());
    }
    let mut screen = batchtop::view::derive(app);
    // The identities of rows are not drawn.
    if let Body::Table(table) = &mut screen.body {
        table.rows.iter_mut().for_each(|row| row.key = Key::new(Kind::Node, ObjectKey::cluster("")).into());
    }
    let screen = format!("{screen:?}");
    assert!(!screen.contains("\\u{1b}") && !screen.contains("\\u{202e}"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_control_character_reaches_the_buffer(text in "(\\PC|\\pC|\u{1b}\\[2J|\u{202e}|\u{200b}|漢|\n){0,40}") {
        let mut app = infested(&text);
        for keys in ["1", "d", "d", "d d", "d", "d", "d l", "esc", "1 enter", "esc 2", "G enter", "esc 3", "g g enter", "esc 5", "enter", "esc ?"] {
            press(&mut app, keys);
            assert_clean(&app);
        }
    }

    #[test]
    fn every_size_can_be_drawn(width in 1_u16..220, height in 1_u16..70, keys in 0_usize..19) {
        let keys =
            ["d", "D", "d enter", "1", "2", "3", "4", "5", "7", "7 v", "7 v v", "7 v v v", "?", "H", "2 p", "3 enter", "4 enter", "/ a b", "c"][keys];
        let mut app = fleet((80, 24));
        press(&mut app, keys);
        update(&mut app, Msg::Resize { width, height });
        update(&mut app, Msg::Frame);
        buffer(&app, &theme("dark"));
    }

    #[test]
    fn any_selection_and_offset_can_be_drawn(offset in any::<usize>(), cursor in any::<usize>(), scroll in any::<usize>()) {
        let mut app = fleet((80, 24));
        app.ui.level.offset = offset;
        app.ui.listing.cursor = cursor;
        buffer(&app, &theme("dark"));
        press(&mut app, "g g enter");
        if let Some(detail) = &mut app.ui.level.detail {
            detail.scroll.line = scroll;
        }
        buffer(&app, &theme("dark"));
    }
}

/// An empty fleet, every screen, the smallest terminals.
#[test]
fn an_empty_fleet_can_be_drawn_on_every_screen_and_size() {
    for screen in Screen::ALL {
        for size in [(1, 1), (1, 60), (200, 1), (40, 10), (139, 15), (140, 16)] {
            let mut app = crate::fixture::empty(size);
            app.ui.level = Level::of(screen, None);
            buffer(&app, &theme("monochrome"));
        }
    }
}
