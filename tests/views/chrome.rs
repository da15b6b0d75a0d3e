//! What is around the body: header, tabs, rules, sentence and footer, in one snapshot for each of these parts.
//!
//! Every scene is drawn; scenes of one size that show a part alike share an entry. A figure that is added to the header
//! thus changes `chrome_header` and nothing else.

use batchtop::app::App;
use batchtop::fleet::{HealthState, Kind};

use crate::dialogs::{results_of_a_write, sources_in_every_state, twenty_marked};
use crate::fixture::{after, cost_after_an_hour, empty, fleet, fleet_after};
use crate::karpenter::{DETAILED, zoo, zoo_after, zoo_detail, zoo_row};
use crate::paint::{Chrome, chrome_with_roles, snapshot};
use crate::screens::{
    SIZES, WITHOUT_NODES, cost_without_rates, down, fleet_with, no_nodes, only_namespace, without_karpenter,
};

/// An App under the name of what it shows.
struct Scene {
    name: String,
    app: App,
}

fn scene(name: impl Into<String>, app: App) -> Scene {
    Scene { name: name.into(), app }
}

/// A name and the keys that lead there.
type Way = (&'static str, &'static str);

const SCREENS: [Way; 7] = [
    ("fleet", "1"),
    ("jobs", "2"),
    ("pods, one marked", "3 j space"),
    ("pools", "4"),
    ("incidents", "5"),
    ("events", "5 V"),
    ("starts, none", "7"),
];
const DIMENSIONS: [Way; 5] = [
    ("cost by NodePool", ""),
    ("cost by namespace", "d"),
    ("cost by Job", "d d"),
    ("cost by owner", "d d d"),
    ("cost by node", "D"),
];
const DETAILS: [Way; 7] = [
    ("details of a node", "1 enter"),
    ("details of a Job", "2 enter"),
    ("details of a pod", "3 enter"),
    ("details of a NodePool", "4 enter"),
    ("details of a NodeClaim", "4 j enter"),
    ("details of an incident", "5 enter"),
    ("details of an Event", "5 V enter"),
];
const DRILLS: [Way; 2] = [("nodes of a NodePool", "4 l"), ("pods of a Job", "2 l")];
const OVERLAYS: [Way; 8] = [
    ("help", "?"),
    ("dialog to protect a Job", "2 j j j p"),
    ("dialog to unprotect a Job", "2 j j j u"),
    ("picker of contexts", "c"),
    ("picker of namespaces", "n m"),
    ("line of a filter", "3 / t r a i n"),
    ("line of a command", ": p o d s"),
    ("filter that nothing meets", "/ n o s u c h enter"),
];
const LARGE: [(u16, u16); 2] = [(80, 24), (200, 60)];

fn reached(ways: &[Way], sizes: &[(u16, u16)], make: impl Fn((u16, u16), &str) -> App) -> Vec<Scene> {
    let at = |size| ways.iter().map(move |(name, keys)| (name, keys, size));
    sizes.iter().copied().flat_map(at).map(|(name, keys, size)| scene(*name, make(size, keys))).collect()
}

/// Every screen at every size, and what can be opened from it.
fn of_a_live_fleet() -> Vec<Scene> {
    let mut scenes = reached(&SCREENS, &SIZES, fleet_after);
    scenes.extend(reached(&DIMENSIONS[..1], &SIZES, cost_after_an_hour));
    scenes.extend(reached(&DIMENSIONS[1..], &LARGE, cost_after_an_hour));
    scenes.extend(reached(&DETAILS, &LARGE, fleet_after));
    scenes.extend(reached(&DRILLS, &[(120, 24)], fleet_after));
    scenes.extend(reached(&OVERLAYS, &[(80, 24)], fleet_after));
    scenes.extend(reached(&OVERLAYS[..1], &[(120, 90)], fleet_after));
    scenes.extend(reached(&OVERLAYS[1..2], &[(40, 10), (200, 60)], fleet_after));
    scenes.extend([(80, 24), (40, 10)].map(|size| scene("dialog to protect twenty pods", twenty_marked(size))));
    scenes.push(scene("results of a write", results_of_a_write()));
    scenes
}

/// Every health that the header and the rule tell.
fn of_a_fleet_in_trouble() -> Vec<Scene> {
    let mut scenes = vec![
        scene("connecting", empty((80, 24))),
        scene("connecting, cost", cost_without_rates()),
        scene("connection down", down()),
        scene("no Karpenter", without_karpenter()),
        scene("pods syncing", fleet_with(Kind::Pod, HealthState::Syncing)),
        scene("nodes stale", fleet_with(Kind::Node, HealthState::Stale)),
        scene("every state of a source", sources_in_every_state()),
        scene("one namespace readable", only_namespace("ml", "1")),
        scene("one namespace readable, details of a node", only_namespace("ml", "1 enter")),
    ];
    scenes.extend(WITHOUT_NODES.map(|state| scene(format!("nodes {}", state.name().to_lowercase()), no_nodes(state))));
    scenes
}

/// The counter, after an hour of looking on, at the widths at which the header has to choose.
fn of_the_counter() -> Vec<Scene> {
    let counted = |size| {
        let mut app = fleet(size);
        after(&mut app, 3_600);
        scene("after an hour", app)
    };
    [(60, 24), (80, 24), (120, 24), (200, 24)].map(counted).into()
}

/// The fleet with one node for each verdict: disruption is paused.
fn of_every_verdict() -> Vec<Scene> {
    let mut scenes: Vec<Scene> = [(160, 50), (80, 36)].map(|size| scene("every verdict", zoo(size))).into();
    scenes.push(scene("every shield", zoo_after((160, 50), "3")));
    scenes.extend([(120, 40), (200, 40)].map(|size| scene("every budget", zoo_after(size, "4"))));
    scenes.push(scene("details of a NodePool with a budget", zoo_row((100, 60), "4", "none", "enter")));
    scenes.push(scene("findings", zoo_after((80, 24), "F")));
    scenes.push(scene("dialog to protect a pod that will not live", zoo_row((80, 24), "3", "p-doomed", "p")));
    let detail = |name: &str, size| scene(format!("details of {name}"), zoo_detail(name, size));
    scenes.extend(DETAILED.map(|name| detail(name, (120, 60))));
    scenes.push(detail("doomed", (80, 24)));
    scenes
}

fn scenes() -> Vec<Scene> {
    [of_a_live_fleet(), of_the_counter(), of_a_fleet_in_trouble(), of_every_verdict()].into_iter().flatten().collect()
}

/// A part of all scenes: an entry for each size and content, under the names of the scenes that show it.
fn entries(scenes: &[Scene], part: Chrome) -> String {
    let mut entries: Vec<((u16, u16), String, Vec<&str>)> = Vec::new();
    for Scene { name, app } in scenes {
        let (size, shown) = (app.ui.size, chrome_with_roles(app, part));
        match entries.iter_mut().find(|(other, text, _)| *other == size && *text == shown) {
            Some((_, _, names)) => names.push(name),
            None => entries.push((size, shown, vec![name])),
        }
    }
    let written = entries.iter().map(|((width, height), shown, names)| {
        let names: Vec<String> = names.iter().map(|name| format!("== {width}x{height} {name}")).collect();
        format!("{}\n{shown}", names.join("\n"))
    });
    written.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_header_shows_the_context_the_connection_and_the_rate() {
    snapshot!("chrome_header", entries(&scenes(), Chrome::Header));
}

#[test]
fn tabs_and_rules_name_the_listed_rows() {
    let scenes = scenes();
    let (tabs, rules) = (entries(&scenes, Chrome::Tabs), entries(&scenes, Chrome::Rules));
    snapshot!("chrome_tabs", format!("TABS\n\n{tabs}\nRULES\n\n{rules}"));
}

#[test]
fn the_footer_shows_the_available_keys() {
    snapshot!("chrome_footer", entries(&scenes(), Chrome::Footer));
}
