//! What the README shows is what the program does. `UPDATE_README=1` writes the generated parts anew.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use batchtop::cli::Cli;
use batchtop::config::{self, PriceFormat};
use batchtop::input::{Action, Context, Keymap};
use clap::Parser;

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

fn readme() -> String {
    std::fs::read_to_string(path()).expect("a README")
}

/// The text of the code blocks in a language.
fn blocks(language: &str) -> Vec<String> {
    let text = readme();
    let opened = text.split("```").skip(1).step_by(2);
    opened.filter_map(|block| block.strip_prefix(&format!("{language}\n"))).map(str::to_owned).collect()
}

fn default_keymap() -> Keymap {
    let (loaded, problems) = config::keymap(&config::Library::embedded(), "default");
    assert!(problems.is_empty(), "{problems:?}");
    loaded.keymap
}

/// One row per action: all its keys, and what it does.
fn keys_table(keymap: &Keymap) -> String {
    let mut keys: BTreeMap<Action, Vec<String>> = BTreeMap::new();
    for binding in keymap.bindings().iter().filter(|binding| binding.context != Context::Dialog) {
        let chords: Vec<String> = binding.chords.iter().map(ToString::to_string).collect();
        let known = keys.entry(binding.action).or_default();
        let shown = format!("`{}`", chords.join(" "));
        if !known.contains(&shown) {
            known.push(shown);
        }
    }
    let mut table = String::from("| keys | what they do |\n|---|---|\n");
    for (action, chords) in keys {
        let _ = writeln!(table, "| {} | {} |", chords.join(" "), action.description());
    }
    table
}

#[test]
fn the_keys_are_those_of_the_default_keymap() {
    let (begin, end) = ("<!-- keys: begin -->\n", "<!-- keys: end -->");
    let text = readme();
    let (before, rest) = text.split_once(begin).expect("the beginning of the keys");
    let (shown, after) = rest.split_once(end).expect("the end of the keys");
    let table = keys_table(&default_keymap());
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(path(), format!("{before}{begin}{table}{end}{after}")).expect("written");
        return;
    }
    assert_eq!(shown, table, "UPDATE_README=1 cargo test --test readme writes them anew");
}

#[test]
fn every_command_line_is_one_that_the_program_takes() {
    let mut lines = 0;
    for line in blocks("console").iter().flat_map(|block| block.lines()) {
        let command = line.split(['|', '#']).next().unwrap_or_default().trim();
        let Some(arguments) = command.strip_prefix("batchtop") else { continue };
        let words = std::iter::once("batchtop").chain(arguments.split_whitespace());
        assert!(Cli::try_parse_from(words).is_ok(), "{command}");
        lines += 1;
    }
    assert!(lines >= 5, "only {lines} command lines were found");
}

#[test]
fn every_configuration_example_is_without_mistakes() {
    let examples = blocks("toml");
    assert!(!examples.is_empty());
    for example in examples {
        let problems = if is_of_prices(&example) {
            config::parse_prices(PriceFormat::Toml, "prices.toml", &example).err().unwrap_or_default()
        } else {
            config::parse_settings("config.toml", &example).1
        };
        assert!(problems.is_empty(), "{problems:?}");
    }
}

/// Which file an example is of is said in its first line.
fn is_of_prices(example: &str) -> bool {
    example.lines().next().is_some_and(|line| line.ends_with("prices.toml"))
}

#[test]
fn the_price_files_say_what_they_seem_to_say() {
    let toml = blocks("toml").into_iter().find(|example| is_of_prices(example)).expect("a price file");
    let toml = config::parse_prices(PriceFormat::Toml, "prices.toml", &toml).expect("prices");
    let csv = blocks("csv").pop().expect("a price file out of a spreadsheet");
    let csv = config::parse_prices(PriceFormat::Csv, "prices.csv", &csv).expect("prices");
    assert_eq!((toml.rules.len(), toml.nodes.len(), csv.rules.len()), (4, 1, 2));
    assert_eq!(toml.as_of, csv.as_of);
    for (one, other) in toml.rules.iter().zip(&csv.rules) {
        assert_eq!((&one.matches, one.rate, &one.note), (&other.matches, other.rate, &other.note));
    }
}
