//! The keymaps beside the default one, and what is shown of keys that wait for others.

use batchtop::app::{Msg, Screen};
use batchtop::fleet::{Delta, HealthState, Kind, Report};

use crate::dsl::{Story, story};
use crate::fixture::{facts, health, node, upserts};
use crate::keys;

fn fleet() -> Vec<Report> {
    let nodes = vec![node("a", "gpu"), node("b", "gpu"), node("c", "gpu")];
    vec![
        Report::Cluster(Box::new(facts())),
        Report::Delta(Delta::Nodes(upserts(nodes))),
        health(Kind::Node, HealthState::Live),
    ]
}

fn with_keymap(name: &str) -> Story {
    let mut story = story(fleet());
    story.app.settings.keymap = keys::named(name);
    story
}

/// Lines of the panel over the table; none while there is none.
fn popup(story: &mut Story) -> Vec<String> {
    let lines = story.draw().overlay.map(|panel| panel.lines).unwrap_or_default();
    lines.iter().map(batchtop::view::Line::text).collect()
}

#[test]
fn keys_of_vim_move_undo_and_quit() {
    let story = with_keymap("vim").keys("G").selected("Node c").keys("g g").selected("Node a");
    let story = story.keys("g t").screen(Screen::Jobs).keys("g T").screen(Screen::Fleet).keys("ctrl-o");
    story.screen(Screen::Jobs).keys("Z Z").asks(&["quit"]);
}

#[test]
fn keys_of_emacs_move_and_leave_and_those_of_vi_do_nothing() {
    let story = with_keymap("emacs").keys("alt->").selected("Node c").keys("ctrl-p").selected("Node b").keys("alt-<");
    let story = story.selected("Node a").keys("j").selected("Node a").keys("ctrl-x o").screen(Screen::Jobs);
    let story = story.keys("ctrl-x left").screen(Screen::Fleet).keys("ctrl-space").marks(&["Node a"]);
    story.keys("ctrl-x ctrl-c").asks(&["quit"]);
}

#[test]
fn what_follows_a_key_is_listed_when_it_has_waited_and_goes_with_the_next_key() {
    let mut story = with_keymap("emacs").keys("ctrl-x");
    assert_eq!(popup(&mut story), Vec::<String>::new(), "whoever knows the keys is not disturbed");
    let mut story = story.seconds(1);
    let lines = popup(&mut story);
    for line in ["o       Next screen", "u       Undo the last protect", "ctrl-c  Leave batchtop"] {
        assert!(lines.iter().any(|shown| shown.starts_with(line)), "{line}: {lines:?}");
    }
    let mut story = story.keys("o").screen(Screen::Jobs);
    assert_eq!(popup(&mut story), Vec::<String>::new());
    let mut story = story.keys("ctrl-x").seconds(1).keys("esc").seconds(1);
    assert_eq!(popup(&mut story), Vec::<String>::new(), "esc ends the wait");
}

/// The letters that may follow are all there, whatever else is on screen, and none of those that may not.
#[test]
fn the_list_of_keys_that_may_follow_equals_what_the_keymap_binds() {
    for (keymap, prefix, keys) in
        [("default", "g", &["g"][..]), ("vim", "g", &["T", "V", "d", "g", "t", "y"]), ("vim", "Z", &["Q", "Z"])]
    {
        let mut story = with_keymap(keymap).keys(prefix).seconds(2);
        let mut listed: Vec<String> =
            popup(&mut story).iter().filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect();
        listed.sort_unstable();
        assert_eq!(listed, keys, "{keymap} {prefix}");
    }
}

#[test]
fn the_list_of_keys_fits_the_smallest_terminal() {
    for size in [(40, 10), (80, 24), (200, 60)] {
        let mut story = with_keymap("emacs");
        story.send(Msg::Resize { width: size.0, height: size.1 });
        let mut story = story.keys("ctrl-x").seconds(1);
        let area = story.draw().overlay.expect("a list").area;
        assert!(area.x + area.width <= size.0 && area.y + area.height <= size.1, "{size:?}: {area:?}");
    }
}

#[test]
fn actions_that_write_are_in_no_list_of_a_readonly_keymap() {
    let mut story = story(fleet());
    story.app.settings.keymap = keys::named("emacs").without(batchtop::input::Action::writes);
    let mut story = story.keys("ctrl-x").seconds(1);
    assert!(popup(&mut story).iter().all(|line| !line.contains("Undo")));
}
