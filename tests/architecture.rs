//! Holds the map in `src/lib.rs`: which room may use which, and that the middle stays pure.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms, and the rooms each may use besides itself.
const ALLOWED: &[(&str, &[&str])] = &[
    ("units", &[]),
    ("fleet", &["units"]),
    ("insight", &["units", "fleet"]),
    ("input", &[]),
    ("config", &["input", "units", "fleet"]),
    ("app", &["units", "fleet", "insight", "input", "config"]),
    ("view", &["units", "fleet", "insight", "input", "config", "app"]),
    ("ui", &["config", "view", "app", "input"]),
    ("export", &["units", "fleet", "insight", "app"]),
    ("source", &["units", "fleet"]),
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
const INSIGHT_ROOMS: &[&str] = &["batch", "cold_start", "cost", "disruption", "gpu"];

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
fn rooms_use_only_the_rooms_they_may() {
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
fn the_middle_is_pure() {
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
fn the_rooms_of_insight_meet_only_in_the_picture() {
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
