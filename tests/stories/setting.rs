//! Settings for as long as batchtop runs, and columns that the user chose.

use std::collections::BTreeSet;

use batchtop::app::{ChosenColumns, FileNames, Msg, Settings, Severity};
use batchtop::config::{Effective, SETTINGS, SettingKind, SettingOrigin, SettingValue, parse_settings, setting};
use batchtop::fleet::PodRow;
use batchtop::view;

use crate::dsl::{Story, story_with};
use crate::fixture::{labels, pod, small, upsert_pod};
use crate::keys;

/// As with this `config.toml`.
fn settings(text: &str) -> Settings {
    let (settings, problems) = parse_settings("config.toml", text);
    assert!(problems.is_empty(), "{problems:?}");
    let values = Effective::of(&settings, "");
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let files = FileNames { themes: names(&["dark", "light", "mine"]), keymaps: names(&["default", "vim"]) };
    let columns = ChosenColumns::in_force(&values);
    Settings { columns, values, files, keymap: keys::default(), ..Settings::default() }
}

fn told(text: &str) -> Story {
    story_with(small(), settings(text))
}

fn command(line: &str) -> String {
    let words: Vec<String> = line.split(' ').map(|word| format!("'{word}'")).collect();
    format!(": {} enter", words.join(" space "))
}

/// What stands in the line that is typed.
fn typed(told: &Story) -> String {
    match &told.app.ui.overlay {
        Some(batchtop::app::Overlay::Prompt(prompt)) => prompt.input.value().to_owned(),
        other => panic!("no line but {other:?}"),
    }
}

fn titles(told: &Story) -> Vec<String> {
    let view::Body::Table(table) = view::derive(&told.app).body else { return Vec::new() };
    table.columns.iter().map(|column| column.title.text()).collect()
}

fn cells(told: &Story, title: &str) -> Vec<String> {
    let view::Body::Table(table) = view::derive(&told.app).body else { return Vec::new() };
    let at = table.columns.iter().position(|column| column.title.text().starts_with(title));
    let at = at.unwrap_or_else(|| panic!("no column {title}"));
    table.rows.iter().map(|row| row.cells[at].text()).collect()
}

#[test]
fn set_puts_a_value_in_force_and_says_for_how_long() {
    let told = told("").keys(&command("set theme light")).asks(&["set theme = \"light\""]);
    let told = told.says("theme = \"light\" while batchtop runs; to keep it, write it into config.toml");
    let told = told.keys(&command("theme mine")).asks(&["set theme = \"mine\""]);
    let told = told.keys(&command("keymap vim")).asks(&["set keymap = \"vim\""]);
    let told = told.keys(&command("set gpu.grace=5m")).asks(&["set gpu.grace = \"5m\""]);
    let told = told.keys(&command("set mouse off")).asks(&["set mouse = false"]);
    let told = told.keys(&command("set namespaces ml,vision")).asks(&["set namespaces = [\"ml\", \"vision\"]"]);
    let told = told.keys(&command("set aws no")).asks(&["set aws = false"]);
    told.says("aws = false from the next connection on (:ctx) while batchtop runs");
}

/// One value that is right for each.
#[test]
fn every_setting_can_be_set() {
    for setting in SETTINGS {
        let value = match setting.kind {
            SettingKind::Theme => "light",
            SettingKind::Keymap => "vim",
            SettingKind::Namespaces => "ml vision",
            SettingKind::Switch => "true",
            SettingKind::Percent => "12%",
            SettingKind::Count(_) => "1",
            SettingKind::Duration { .. } => "90m",
            SettingKind::Annotation => "example.com/saved",
            SettingKind::Version => "1.14",
            SettingKind::Service => "monitoring/prometheus:9090",
            SettingKind::Columns => batchtop::app::column_names(setting.key).names[0],
            SettingKind::File => "prices.toml",
        };
        let told = told("").keys(&command(&format!("set {} {value}", setting.key)));
        assert_eq!(told.effects.len(), 1, "{setting:?}: {:?}", told.app.ui.notice);
        told.severity(Severity::Info);
    }
}

#[test]
fn set_refuses_what_does_not_exist_and_says_what_does() {
    for (line, words) in [
        ("set theem light", "no setting \"theem\"; did you mean theme?"),
        ("set", "set which? theme, keymap, "),
        ("theme lihgt", "no theme \"lihgt\"; did you mean light?; there are dark, light, mine"),
        ("set mouse maybe", "mouse: "),
        ("set gpu.busyPercent 0", "gpu.busyPercent: must be a whole number from 1 to 100"),
        ("set spot.halfLife 1m", "spot.halfLife: must be from \"1h\" to \"8760h\""),
        ("set columns.jobs kost", "columns.jobs: no such column: \"kost\"; did you mean \"cost\"? allowed: name, "),
        ("set columns.cost label:team", "its rows have no labels; fleet, jobs and pods do"),
    ] {
        told("").keys(&command(line)).asks(&[]).severity(Severity::Error).says(words);
    }
}

#[test]
fn a_flag_that_forbids_writing_is_not_overruled() {
    let mut flagged = settings("");
    flagged.values.put(&setting::READONLY, SettingValue::Switch(true), SettingOrigin::Flag("--readonly"));
    let refused = story_with(small(), flagged).keys(&command("set readonly false"));
    refused.asks(&[]).severity(Severity::Error).says("--readonly keeps batchtop from writing");
    told("readonly = true").keys(&command("set readonly false")).asks(&["set readonly = false"]);
}

#[test]
fn set_without_a_value_says_which_is_in_force_and_where_it_comes_from() {
    let mut told = told("\ntheme = \"light\"");
    for (line, words) in [
        ("set theme", "theme = \"light\" (config.toml:2)"),
        ("theme", "theme = \"light\" (config.toml:2)"),
        ("set mouse", "mouse = true (default)"),
        ("set prices", "prices is not set: prices.toml or prices.csv in the configuration folder"),
    ] {
        told = told.keys(&command(line)).asks(&[]).severity(Severity::Info).says(words);
    }
}

#[test]
fn names_and_values_of_settings_are_completed() {
    for (line, completed) in [
        ("'se'", "se"),
        ("'set' space 'key'", "set keymap "),
        ("'set' space 'gpu.g'", "set gpu.grace "),
        ("'set' space 'theme' space 'l'", "set theme light"),
        ("'theme' space 'm'", "theme mine"),
        ("'keymap' space 'v'", "keymap vim"),
        ("'set' space 'readonly' space 't'", "set readonly true"),
        ("'set' space 'columns.pods' space 'name' space 'prot'", "set columns.pods name protection"),
        ("'set' space 'namespaces' space 'vis'", "set namespaces vision"),
    ] {
        let told = told("").keys(&format!(": {line} tab"));
        assert!(typed(&told).starts_with(completed), "{line}: {}", typed(&told));
    }
}

/// Other settings come while something is on screen.
#[test]
fn other_settings_are_followed_at_once() {
    let mut told = told("").keys("3 p");
    told.dialog();
    let mut readonly = settings("namespaces = [\"vision\"]\n[gpu]\nbusyPercent = 50");
    readonly.readonly = true;
    readonly.scope.namespaces = Some(BTreeSet::from(["vision".to_owned()]));
    readonly.gpu.busy = batchtop::fleet::Utilization::percent(50);
    told.send(Msg::Configured(Box::new(readonly)));
    told.send(Msg::Frame);
    let told = told.nothing_open().says("read-only from now on").rows(&["vision/crash", "vision/leaving"]);
    told.keys("p").nothing_open().says("readonly");
}

/// Namespaces that somebody picked stay when something else changes.
#[test]
fn a_picked_namespace_stays_while_others_are_not_set() {
    let mut told = told("").keys("3").keys(&command("ns vision"));
    told.send(Msg::Configured(Box::new(settings("theme = \"light\""))));
    told.send(Msg::Frame);
    told.rows(&["vision/crash", "vision/leaving"]);
}

#[test]
fn chosen_columns_are_shown_in_their_order_and_no_others() {
    let mut told = told("[columns]\npods = [\"age\", \"label:team\", \"name\", \"status\"]").keys("3");
    told.send(Msg::Resize { width: 200, height: 40 });
    assert_eq!(titles(&told), ["AGE", "TEAM", "NAME", "STATUS"]);
    let told = told.keys("1");
    assert!(titles(&told).len() > 8, "other screens keep theirs: {:?}", titles(&told));
    let told = told.keys("3").keys(&command("sort restarts"));
    assert_eq!(titles(&told), ["RESTARTS↓", "AGE", "TEAM", "NAME", "STATUS"], "the order is always seen");
}

#[test]
fn what_a_row_is_called_is_shown_even_if_nobody_chose_it() {
    let told = told("[columns]\njobs = [\"status\"]").keys("2");
    assert_eq!(titles(&told), ["NAME", "STATUS"]);
}

#[test]
fn labels_are_shown_and_sorted_by() {
    let team = |name: &str, team: &str| {
        upsert_pod(PodRow { labels: labels(&[("example.com/team", team)]), ..pod("ml", name, "gpu-a") })
    };
    let mut told = told("[columns]\npods = [\"name\", \"label:example.com/team\"]")
        .told(vec![team("b", "blue"), team("a", "red"), team("c", "")])
        .keys("3 / 'ns:ml' enter")
        .keys(&command("sort label:example.com/team"))
        .says("sorted by label:example.com/team");
    told.send(Msg::Resize { width: 120, height: 40 });
    assert_eq!(titles(&told), ["NAME", "TEAM↓"]);
    let teams = cells(&told, "TEAM");
    assert_eq!(teams[..2], ["blue", "red"]);
    assert!(teams[2..].iter().all(|team| team == "–"), "{teams:?}");
    let told = told.keys(": 'sort' space 'lab' tab");
    assert_eq!(typed(&told), "sort label:example.com/team");
    let mut told = told.keys("esc");
    told.send(Msg::Configured(Box::new(settings(""))));
    told.send(Msg::Frame);
    assert_eq!(told.app.ui.level.sort.column.name, "attention", "the label has no column any more");
}

#[test]
fn every_screen_has_a_setting_for_its_columns() {
    let of_columns: BTreeSet<&str> =
        SETTINGS.iter().filter(|setting| setting.kind == SettingKind::Columns).map(|setting| setting.key).collect();
    let screens = batchtop::app::Screen::ALL.iter().map(|screen| format!("columns.{}", screen.spec().aliases[0]));
    assert_eq!(of_columns, screens.collect::<Vec<_>>().iter().map(String::as_str).collect());
    for key in of_columns {
        let known = batchtop::app::column_names(key);
        assert!(known.names.contains(&"mark") || known.names.len() > 3, "{key}: {known:?}");
    }
}
