//! Holds the map in `src/lib.rs`: which room may use which, and that the middle stays pure.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms, and the rooms each may use besides itself.
const ALLOWED: &[(&str, &[&str])] = &[
    ("units", &[]),
    ("fleet", &["units"]),
    ("insight", &["units", "fleet"]),
    ("input", &[]),
    ("files", &[]),
    ("config", &["input", "units", "fleet", "files"]),
    ("app", &["units", "fleet", "insight", "input", "config"]),
    ("view", &["units", "fleet", "insight", "input", "config", "app"]),
    ("ui", &["config", "view", "app", "input"]),
    ("export", &["units", "fleet", "insight", "app"]),
    ("source", &["units", "fleet", "files"]),
];

/// What the pure rooms must not name.
const IMPURE: &[&str] = &[
    "tokio::",
    "kube::",
    "k8s_openapi::",
    "aws_",
    "ratatui::",
    "crossterm::",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "SystemTime",
    "Instant",
    "Timestamp::now",
    "Zoned::now",
];

/// The rooms that must not name it.
const PURE: &[&str] = &["units", "fleet", "insight", "app", "input", "view"];

/// The rooms of insight, which only `picture` brings together.
const INSIGHT_ROOMS: &[&str] = &["batch", "cold_start", "cost", "disruption", "gpu", "spot"];

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the sources").map(|entry| entry.expect("an entry")) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn room_files(room: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = if root.join(room).is_dir() { files(&root.join(room)) } else { Vec::new() };
    paths.extend(Some(root.join(format!("{room}.rs"))).filter(|path| path.exists()));
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).expect("a source file"))).collect()
}

/// The code without comments and without the unit tests at the end.
fn code(text: &str) -> String {
    let body = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or(text);
    body.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Every `crate::room` that the code names, `use crate::{a, b}` included.
fn rooms_named(code: &str) -> Vec<String> {
    let mut named = Vec::new();
    for after in code.split("crate::").skip(1) {
        let list = match after.strip_prefix('{') {
            Some(rest) => rest.split("};").next().unwrap_or(rest),
            None => after.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(after),
        };
        named.extend(list.split(',').map(|part| {
            part.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default().to_string()
        }));
    }
    named
}

#[test]
fn each_room_uses_only_its_allowed_rooms() {
    let rooms: Vec<&str> = ALLOWED.iter().map(|(room, _)| *room).chain(["runtime", "cli"]).collect();
    let mut wrong = Vec::new();
    for (room, allowed) in ALLOWED {
        for (path, text) in room_files(room) {
            let bad = rooms_named(&code(&text))
                .into_iter()
                .filter(|named| rooms.contains(&named.as_str()) && named != room && !allowed.contains(&named.as_str()));
            wrong.extend(bad.map(|named| format!("{} uses {named}", path.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_rooms_do_no_input_or_output() {
    let mut wrong = Vec::new();
    for (path, text) in PURE.iter().flat_map(|room| room_files(room)) {
        let code = code(&text);
        let names = |word: &&&str| {
            code.match_indices(**word).any(|(at, _)| {
                let before = code[..at].chars().next_back();
                before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':')
            })
        };
        wrong.extend(IMPURE.iter().filter(names).map(|word| format!("{} names {word}", path.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rooms_of_insight_do_not_use_each_other_or_the_picture() {
    let mut wrong = Vec::new();
    for room in INSIGHT_ROOMS {
        for (path, text) in room_files(&format!("insight/{room}")) {
            let code = code(&text);
            let others = INSIGHT_ROOMS.iter().chain(&["picture"]).filter(|other| *other != room);
            let used = others.filter(|other| {
                code.contains(&format!("insight::{other}")) || code.contains(&format!("super::super::{other}"))
            });
            wrong.extend(used.map(|other| format!("{} uses {other}", path.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_program_and_the_runtime_use_the_runtime() {
    for (room, _) in ALLOWED {
        for (path, text) in room_files(room) {
            assert!(!rooms_named(&code(&text)).iter().any(|named| named == "runtime"), "{}", path.display());
        }
    }
}

/// The modules of `app` but its own `mod.rs`, as `keys` or `write/dialog`, with their code. A `mod.rs` has the name of
/// its folder.
fn app_modules() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app");
    let name = |path: &Path| {
        let inner = path.strip_prefix(&root).expect("a file of app").with_extension("");
        let inner = if inner.ends_with("mod") { inner.parent().expect("its folder") } else { &inner };
        inner.to_string_lossy().replace('\\', "/")
    };
    let modules = room_files("app").into_iter().map(|(path, text)| (name(&path), code(&text)));
    modules.filter(|(name, _)| !name.is_empty()).collect()
}

/// The parts of `a, b::{c, d}` at its outermost commas.
fn parts(list: &str) -> Vec<&str> {
    let (mut depth, mut from, mut parts) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&list[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[from..]);
    parts
}

/// The single paths of a text that begins with a path, `super::{a, b::{c, d}}` written out.
fn paths(text: &str) -> Vec<String> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(text.len());
    let Some(list) = text[end..].strip_prefix('{').filter(|_| text[..end].ends_with("::")) else {
        return vec![text[..end].to_owned()];
    };
    let mut depth = 1;
    let close = list.find(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth == 0
    });
    let parts = parts(&list[..close.unwrap_or(list.len())]);
    parts.into_iter().flat_map(|part| paths(&format!("{}{}", &text[..end], part.trim()))).collect()
}

/// The modules that the code of a module names by paths from `super` or `crate::app`.
fn modules_named(module: &str, code: &str, all: &BTreeSet<&str>) -> BTreeSet<String> {
    let begins = ["super::", "crate::app::"].into_iter().flat_map(|start| code.match_indices(start));
    let is_first = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    let found = begins.filter(|(at, _)| is_first(*at)).flat_map(|(at, _)| paths(&code[at..]));
    found.filter_map(|path| module_of(&path, module, all)).filter(|named| named != module).collect()
}

/// The module that a path names, alone or with something in it; `None` for what `app/mod.rs` re-exports.
fn module_of(path: &str, from: &str, all: &BTreeSet<&str>) -> Option<String> {
    let mut place: Vec<&str> = from.split('/').collect();
    for part in path.split("::") {
        match part {
            "crate" => place.clear(),
            "app" if place.is_empty() => {}
            "super" => drop(place.pop()),
            part => place.push(part),
        }
    }
    let places = (1..=place.len()).rev().map(|length| place[..length].join("/"));
    places.into_iter().find(|place| all.contains(place.as_str()))
}

/// The first circle that is found from a module on: its modules, the first one again at the end.
fn circle<'a>(
    graph: &'a BTreeMap<String, BTreeSet<String>>,
    module: &'a str,
    path: &mut Vec<&'a str>,
    seen: &mut BTreeSet<&'a str>,
) -> Option<Vec<&'a str>> {
    if let Some(at) = path.iter().position(|other| *other == module) {
        return Some([&path[at..], &[module]].concat());
    }
    if !seen.insert(module) {
        return None;
    }
    path.push(module);
    let found = graph.get(module)?.iter().find_map(|named| circle(graph, named, path, seen));
    path.pop();
    found
}

/// The modules of `app`, one file each, use one another without a circle, so that each can be understood with what is
/// below it.
///
/// A module uses what its paths from `super` or `crate::app` name, and a `mod.rs` every module that it declares: those
/// use one another directly, and not by what the `mod.rs` re-exports. What `app/mod.rs` itself re-exports is left out.
/// These are the types of the state, which do form a circle: the App contains a level, the level a column, and the
/// column orders rows by the App.
#[test]
fn modules_of_app_have_no_dependency_cycle() {
    let modules = app_modules();
    let all: BTreeSet<&str> = modules.keys().map(String::as_str).collect();
    let mut graph: BTreeMap<String, BTreeSet<String>> =
        modules.iter().map(|(module, code)| (module.clone(), modules_named(module, code, &all))).collect();
    for module in &all {
        if let Some((parent, _)) = module.rsplit_once('/') {
            graph.entry(parent.to_owned()).or_default().insert((*module).to_owned());
        }
    }
    let mut seen = BTreeSet::new();
    let found = graph.keys().find_map(|module| circle(&graph, module, &mut Vec::new(), &mut seen));
    assert_eq!(found.map(|circle| circle.join(" → ")), None);
}

#[test]
fn modules_named_in_use_lists_and_in_expressions_are_found() {
    let all =
        BTreeSet::from(["detail", "status", "write", "write/dialog", "write/targets", "screens", "screens/fleet"]);
    let code = "use super::super::{App, detail, screens::{self, fleet::{NAME, AGE}}};\nuse super::targets::{self, \
                Chosen};\nfn f() -> crate::app::Effect { crate::app::status::word(super::Write) }";
    let named = modules_named("write/dialog", code, &all);
    assert_eq!(
        named.into_iter().collect::<Vec<_>>(),
        ["detail", "screens", "screens/fleet", "status", "write", "write/targets"]
    );
}
