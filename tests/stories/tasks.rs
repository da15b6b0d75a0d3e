//! What people come for, each with the most keys that it may take.

use batchtop::app::Screen;
use batchtop::fleet::ObjectKey;
use batchtop::view;

use crate::desk::{seen, told};
use crate::dsl::{Story, chords, story};
use crate::fixture::{event, pod_of, small, upsert_event, upsert_pod};

/// The story after at most so many keys.
fn within(most: usize, told: Story, keys: &str) -> Story {
    let count = chords(keys).len();
    assert!(count <= most, "{keys} are {count} keys");
    told.keys(keys)
}

fn says(told: &Story, part: &str) {
    let seen = seen(told);
    assert!(seen.iter().any(|line| line.contains(part)), "{part:?} is not in {seen:?}");
}

/// What a row of the table says.
fn row(told: &Story, at: usize) -> String {
    let view::Body::Table(table) = view::derive(&told.app).body else { return String::new() };
    let text = |line: &view::Line| line.spans().iter().map(view::Span::text).collect::<String>();
    table.rows.get(at).map(|row| row.cells.iter().map(text).collect::<Vec<_>>().join(" ")).unwrap_or_default()
}

#[test]
fn the_worst_waste_and_its_reason_take_two_keys() {
    let told = within(2, told(), "F j").selected("waste Node wasted");
    says(&told, "u removes the node's annotation");
    assert!(row(&told, 1).contains("0 of 8 GPUs requested"), "{}", row(&told, 1));
    says(&told, "≈ $");
    let told = within(2, crate::desk::told(), "v").selected("Node wasted");
    let said = row(&told, 0);
    assert!(said.contains("0/8") && said.contains("held: node"), "{said}");
}

#[test]
fn who_holds_a_node_and_giving_it_back_take_three_keys() {
    let told = within(3, told(), "v u enter");
    told.asks(&["unprotect Node wasted: Some(\"true\") -> None"]);
}

#[test]
fn protected_pods_that_die_within_a_day_take_two_keys() {
    let told = within(2, told(), "F").selected("dies Pod ml/doomed");
    says(&told, "14:09:30");
}

#[test]
fn nodes_with_idle_gpus_take_two_keys() {
    let told = within(2, told(), "F j").selected("waste Node wasted");
    assert!(row(&told, 1).contains("0 of 8 GPUs requested"), "{}", row(&told, 1));
}

#[test]
fn dollars_of_a_namespace_lead_to_its_jobs_by_dollars_in_three_keys() {
    let pods = (3..7).map(|number| upsert_pod(pod_of("train", &format!("train-{number}"), "wasted")));
    let busy = told().told(pods.collect()).seconds(2);
    let told = within(3, busy, "6 d enter").screen(Screen::Jobs).rows(&["ml/train"]);
    assert_eq!(told.app.ui.level.sort.column.name, "cost");
}

#[test]
fn sorting_by_cost_takes_two_keys() {
    for keys in ["$", "2 $", "3 $", "6 $"] {
        let told = within(2, story(small()), keys);
        assert_eq!((told.app.ui.level.sort.column.name, told.app.ui.level.sort.reversed), ("cost", false), "{keys}");
    }
}

#[test]
fn what_disrupted_a_node_takes_its_name_and_three_keys() {
    let happened = event("e9", 5, "DisruptionTerminating", "Node", &ObjectKey::cluster("gpu-gone"));
    let told = story(small()).told(vec![upsert_event(happened)]);
    let name = "gpu-gone";
    within(name.len() + 3, told, "5 / 'gpu-gone' enter").screen(Screen::Events).rows(&["disruption gpu-gone"]);
}
