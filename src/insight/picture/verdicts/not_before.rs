//! Before when Karpenter does not take a node.

use super::world::{QUIET, World, budget, budget_at, budget_for, busy, drifted, empty, since, train};
use crate::fleet::Kind;
use crate::insight::testing::{CREATED, claim, met, sym};
use crate::units::Lifetime;

/// As empty, as drifted, as underutilized; in seconds since creation.
fn not_before(world: &World) -> [String; 3] {
    let found = world.not_before();
    [found.empty, found.drifted, found.underutilized].map(since)
}

fn check(rows: Vec<(&str, World, [&str; 3])>) {
    for (name, world, want) in rows {
        assert_eq!(not_before(&world), want, "{name}");
    }
}

const NOTHING: [&str; 3] = ["-", "-", "-"];

/// It is 3600, and 15:13:20; this closes until 16:00, which is 6400.
fn closed_until_6400(w: &mut World) {
    w.pool().budgets = Some(vec![budget_at("0", "0 15 * * *", "1h")]);
}

fn quiet_at_9000(w: &mut World) {
    w.pool().consolidate_after = Lifetime::Seconds(9000);
    w.claim().conditions = met(&["Initialized"]);
}

fn protected(world: fn(fn(&mut World)) -> World, value: &'static str, change: fn(&mut World)) -> World {
    let mut world = world(change);
    world.pods = vec![train(value)];
    world
}

#[test]
fn the_last_end_of_what_stops_a_reason_counts() {
    check(vec![
        ("nothing stops it", empty(|_| ()), NOTHING),
        ("a duration", protected(busy, "6000s", |_| ()), ["-", "-", "6000"]),
        ("drifted, too", protected(drifted, "6000s", |_| ()), ["-", "6000", "6000"]),
        ("an annotation without end", protected(busy, "true", |_| ()), NOTHING),
        ("a closed window, and then it is watched", empty(closed_until_6400), ["6415", "-", "-"]),
        ("not quiet yet", empty(quiet_at_9000), ["9015", "-", "-"]),
        ("drift does not wait for quiet", protected(drifted, "6000s", closed_until_6400), ["-", "6400", "6400"]),
        ("the later of two", protected(busy, "7000s", closed_until_6400), ["-", "-", "7000"]),
        ("one of two has no end", protected(busy, "6000s", |w| w.node.do_not_disrupt = Some(sym("true"))), NOTHING),
        (
            "of the reasons one has no end",
            protected(drifted, "6000s", |w| w.pool().budgets = Some(vec![budget_for("0", &["Underutilized"])])),
            ["-", "6000", "-"],
        ),
        ("pods are not known", protected(busy, "6000s", |w| w.hidden = vec![Kind::Pod]), NOTHING),
    ]);
}

#[test]
fn an_empty_node_is_watched_from_the_moment_on_at_which_it_is_quiet() {
    let quiet = |since: i64| {
        move |w: &mut World| {
            let mut conditions = met(&QUIET);
            let quiet = conditions.iter_mut().find(|found| found.kind == "Consolidatable").unwrap();
            quiet.last_transition = Some(CREATED.plus_seconds(since));
            w.claim().conditions = conditions;
        }
    };
    check(vec![
        ("just now", empty(quiet(3600)), ["3615", "-", "-"]),
        ("ten seconds ago", empty(quiet(3590)), ["3605", "-", "-"]),
        ("it was watched for long enough", empty(quiet(3585)), NOTHING),
        ("it is not empty", busy(quiet(3600)), NOTHING),
        (
            "its budget is closed for longer",
            empty(|w| {
                quiet(3600)(w);
                closed_until_6400(w);
            }),
            ["6415", "-", "-"],
        ),
    ]);
}

#[test]
fn what_may_end_at_any_time_puts_nothing_off() {
    let launching = |w: &mut World| w.other_claims = vec![claim("new")];
    let used_up = |w: &mut World| {
        w.pool().budgets = Some(vec![budget("1")]);
        w.add_nodes(1, |node, _| node.conditions.clear());
    };
    check(vec![
        ("a launch", busy(launching), NOTHING),
        ("a launch and a duration", protected(busy, "6000s", launching), ["-", "-", "6000"]),
        ("other nodes use up the budget", busy(used_up), NOTHING),
        ("and a duration", protected(busy, "6000s", used_up), ["-", "-", "6000"]),
    ]);
}
