//! What the documents show is what the program does. `UPDATE_README=1` writes the generated parts anew.
//!
//! Generated are the table of keys, the tables of performance, and the excerpts of screens: a comment
//! `<!-- demo WIDTHxHEIGHT | KEYS | WORDS, WORDS -->` in front of a `text` block says which keys are pressed on the
//! demo, and that the block holds the lines of the screen with any of these words in them. The tables of performance come
//! from the figures that the benchmark `scale` wrote: `<!-- scale: FILE -->` … `<!-- scale: end -->`. So does the table of
//! Karpenter's next commands, from those of the random worlds: `<!-- next-commands: FILE -->` … `<!-- next-commands: end -->`.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../benches/scale/figures.rs"]
mod figures;
#[path = "../benches/scale/report.rs"]
mod report;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use batchtop::app::{App, Msg, Settings, settle, update};
use batchtop::cli::Cli;
use batchtop::config::{self, Library, Origin, PriceFormat, Problem, Text, Theme};
use batchtop::fleet::Epoch;
use batchtop::input::{Action, Chord, Context, Keymap};
use batchtop::source::demo;
use batchtop::units::Time;
use batchtop::{ui, view};
use clap::Parser;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde::Deserialize;

/// The same moment and the same simulated cluster as in the screenshots.
const NOW: &str = "2026-03-04T14:05:00Z";
const SEED: u64 = 7;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn path(document: &str) -> PathBuf {
    root().join(document)
}

fn text(document: &str) -> String {
    std::fs::read_to_string(path(document)).expect("a document")
}

/// Every document for people, the README first, by its path from the top.
fn documents() -> Vec<String> {
    let names = |folder: &str| {
        let entries = std::fs::read_dir(path(folder)).expect("a folder of documents");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| Path::new(name).extension().is_some_and(|extension| extension == "md"));
        names.sort_by_key(|name| (name != "README.md", name.clone()));
        names
    };
    names("").into_iter().chain(names("docs").into_iter().map(|name| format!("docs/{name}"))).collect()
}

/// The text of a document's code blocks in a language.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let text = text(document);
    let opened = text.split("```").skip(1).step_by(2);
    opened.filter_map(|block| block.strip_prefix(&format!("{language}\n"))).map(str::to_owned).collect()
}

fn all_blocks(language: &str) -> Vec<String> {
    documents().iter().flat_map(|document| blocks(document, language)).collect()
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

fn is_update() -> bool {
    std::env::var_os("UPDATE_README").is_some()
}

#[test]
fn the_documented_keys_equal_the_default_keymap() {
    const DOCUMENT: &str = "docs/keys.md";
    let (begin, end) = ("<!-- keys: begin -->\n", "<!-- keys: end -->");
    let text = text(DOCUMENT);
    let (before, rest) = text.split_once(begin).expect("the beginning of the keys");
    let (shown, after) = rest.split_once(end).expect("the end of the keys");
    let table = keys_table(&default_keymap());
    if is_update() {
        std::fs::write(path(DOCUMENT), format!("{before}{begin}{table}{end}{after}")).expect("written");
        return;
    }
    assert_eq!(shown, table, "UPDATE_README=1 cargo test --test readme writes them anew");
}

#[test]
fn every_documented_command_line_is_accepted() {
    for document in documents() {
        let mut lines = 0;
        for line in blocks(&document, "console").iter().flat_map(|block| block.lines()) {
            let command = line.split(['|', '#']).next().unwrap_or_default().trim();
            let Some(arguments) = arguments(command) else { continue };
            let words = std::iter::once("batchtop").chain(arguments.split_whitespace());
            assert!(Cli::try_parse_from(words).is_ok(), "{document}: {command}");
            lines += 1;
        }
        assert!(document != "README.md" || lines >= 5, "only {lines} command lines were found");
    }
}

/// What follows `batchtop`, or `cargo run … --`.
fn arguments(command: &str) -> Option<&str> {
    command.strip_prefix("batchtop").or_else(|| command.strip_prefix("cargo run")?.split_once(" -- ").map(|it| it.1))
}

#[test]
fn every_configuration_example_is_without_mistakes() {
    let examples = all_blocks("toml");
    assert!(!examples.is_empty());
    for example in examples {
        let problems = problems(&example);
        assert!(problems.is_empty(), "{problems:?}");
    }
}

/// The first line of an example says which file it is of.
fn problems(example: &str) -> Vec<Problem> {
    let mut library = Library::embedded();
    let text = |name: &str| Text {
        name: name.to_owned(),
        file: format!("{name}.toml"),
        text: example.to_owned(),
        origin: Origin::User,
    };
    let first = example.lines().next().unwrap_or_default();
    if is_of_prices(example) {
        config::parse_prices(PriceFormat::Toml, "prices.toml", example).err().unwrap_or_default()
    } else if first.contains("/keymaps/") {
        library.keymaps.push(text("default"));
        config::keymap(&library, "default").1
    } else if first.contains("/themes/") {
        library.themes.push(text("mine"));
        Theme::load(&library, "mine").1
    } else {
        config::parse_settings("config.toml", example).1
    }
}

fn is_of_prices(example: &str) -> bool {
    example.lines().next().is_some_and(|line| line.ends_with("prices.toml"))
}

#[test]
fn the_toml_and_csv_price_examples_are_equivalent() {
    let toml = blocks("docs/prices.md", "toml").into_iter().find(|example| is_of_prices(example));
    let toml = config::parse_prices(PriceFormat::Toml, "prices.toml", &toml.expect("a price file")).expect("prices");
    let csv = blocks("docs/prices.md", "csv").pop().expect("a price file out of a spreadsheet");
    let csv = config::parse_prices(PriceFormat::Csv, "prices.csv", &csv).expect("prices");
    assert_eq!((toml.rules.len(), toml.nodes.len(), csv.rules.len()), (4, 1, 2));
    assert_eq!(toml.as_of, csv.as_of);
    for (one, other) in toml.rules.iter().zip(&csv.rules) {
        assert_eq!((&one.matches, one.rate, &one.note), (&other.matches, other.rate, &other.note));
    }
}

#[test]
fn every_json_example_is_valid() {
    let examples = all_blocks("json");
    assert!(!examples.is_empty());
    for example in examples {
        assert!(serde_json::from_str::<serde_json::Value>(&example).is_ok(), "{example}");
    }
}

#[test]
fn every_relative_link_has_a_target() {
    for document in documents() {
        let text = text(&document);
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://")) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let linked = match file {
                "" => path(&document),
                file => path(&document).parent().expect("a folder").join(file),
            };
            assert!(linked.exists(), "{document}: {target}");
            let is_there = |text: String| text.lines().filter_map(anchor).any(|known| known == heading);
            let linked = || std::fs::read_to_string(&linked).expect("a document");
            assert!(heading.is_empty() || is_there(linked()), "{document}: {target}");
        }
    }
}

/// The name by which a heading is linked: lower case, hyphens for spaces, no punctuation.
fn anchor(line: &str) -> Option<String> {
    let heading = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?;
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    Some(kept.collect::<String>().to_lowercase().replace(' ', "-"))
}

#[test]
fn the_documented_screen_excerpts_equal_the_demo() {
    for document in documents() {
        let text = text(&document);
        let mut parts = text.split("<!-- demo ");
        let mut renewed = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (marker, rest) = part.split_once(" -->\n```text\n").expect("a marker in front of a text block");
            let (shown, after) = rest.split_once("```").expect("the end of a text block");
            let excerpt = excerpt(marker);
            let hint = "UPDATE_README=1 cargo test --test readme writes it anew";
            assert!(is_update() || shown == excerpt, "{document}: {marker}\n{excerpt}\n{hint}");
            let _ = write!(renewed, "<!-- demo {marker} -->\n```text\n{excerpt}```{after}");
        }
        if is_update() && renewed != text {
            std::fs::write(path(&document), renewed).expect("written");
        }
    }
}

#[test]
fn the_tables_of_performance_are_what_the_benchmark_wrote() {
    const DOCUMENT: &str = "README.md";
    const END: &str = "<!-- scale: end -->";
    let before = text(DOCUMENT);
    let mut parts = before.split("<!-- scale: docs/");
    let mut renewed = parts.next().unwrap_or_default().to_owned();
    let mut tables = 0;
    for part in parts {
        let (file, rest) = part.split_once(" -->\n").expect("a file with figures");
        let (_, after) = rest.split_once(END).expect("the end of the tables");
        let figures = serde_json::from_str(&text(&format!("docs/{file}"))).expect("figures of the benchmark");
        let _ = write!(renewed, "<!-- scale: docs/{file} -->\n{}{END}{after}", report::tables(&figures));
        tables += 1;
    }
    assert!(tables > 0, "{DOCUMENT} has no tables of performance");
    if is_update() {
        std::fs::write(path(DOCUMENT), renewed).expect("written");
        return;
    }
    assert_eq!(before, renewed, "UPDATE_README=1 cargo test --test readme writes them anew");
}

/// What was measured with one Karpenter.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfKarpenter {
    karpenter: String,
    worlds: usize,
    reasons: Vec<OfReason>,
}

/// Of its commands of one reason.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfReason {
    reason: String,
    hits: usize,
    misses: usize,
    silences: usize,
    in_time: usize,
    out_of_time: usize,
}

fn table_of_commands(figures: &[OfKarpenter]) -> String {
    let mut table = String::from(
        "| Karpenter | random worlds | reason | commands from the nodes that were said | from others | of which nothing \
         was said | in the time that was said |\n|---|---|---|---|---|---|---|\n",
    );
    for one in figures {
        for of in one.reasons.iter().filter(|of| of.hits + of.misses + of.silences > 0) {
            let OfReason { reason, hits, misses, silences, in_time, out_of_time } = of;
            let (karpenter, worlds, timed) = (&one.karpenter, one.worlds, in_time + out_of_time);
            let _ = writeln!(
                table,
                "| {karpenter} | {worlds} | {reason} | {hits} | {misses} | {silences} | {in_time} of {timed} |"
            );
        }
    }
    table
}

#[test]
fn the_table_of_next_commands_is_what_the_random_worlds_told() {
    const DOCUMENT: &str = "README.md";
    let (begin, end) = ("<!-- next-commands: ", "<!-- next-commands: end -->");
    let before = text(DOCUMENT);
    let (first, rest) = before.split_once(begin).expect("the beginning of the table");
    let (file, rest) = rest.split_once(" -->\n").expect("a file with figures");
    let (_, after) = rest.split_once(end).expect("the end of the table");
    let figures: Vec<OfKarpenter> = serde_json::from_str(&text(file)).expect("figures of the random worlds");
    let renewed = format!("{first}{begin}{file} -->\n{}{end}{after}", table_of_commands(&figures));
    if is_update() {
        std::fs::write(path(DOCUMENT), renewed).expect("written");
        return;
    }
    assert_eq!(before, renewed, "UPDATE_README=1 cargo test --test readme writes it anew");
}

/// The lines of the demo's screen that a marker asks for.
fn excerpt(marker: &str) -> String {
    let parts: Vec<&str> = marker.split(" | ").collect();
    assert_eq!(parts.len(), 3, "size, keys and words are wanted: {marker}");
    let (size, keys, words): (&str, &str, Vec<&str>) = (parts[0], parts[1], parts[2].split(", ").collect());
    let (width, height) = size.split_once('x').expect("a size");
    let screen = screen((width.parse().expect("a width"), height.parse().expect("a height")), keys);
    for word in &words {
        let is_shown = screen.iter().any(|line| line.contains(word));
        assert!(is_shown, "{marker}: {word:?} is not on the screen\n{}", screen.join("\n"));
    }
    let is_wanted = |line: &&String| words.iter().any(|word| line.contains(word));
    screen.iter().filter(is_wanted).fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// The demo's screen after some keys, line by line.
fn screen(size: (u16, u16), keys: &str) -> Vec<String> {
    let now = Time::parse(NOW).expect("a time");
    let settings = Settings { keymap: default_keymap(), demo: true, version: "0.0.0".into(), ..Settings::default() };
    let mut app = App::new(settings, now);
    for report in demo::once(SEED, now) {
        update(&mut app, Msg::Source(Epoch::default(), report));
    }
    update(&mut app, Msg::Resize { width: size.0, height: size.1 });
    update(&mut app, Msg::Clock(now));
    settle(&mut app);
    update(&mut app, Msg::Frame);
    for key in keys.split_whitespace() {
        update(&mut app, Msg::Key(key.parse::<Chord>().expect("a chord")));
        settle(&mut app);
        update(&mut app, Msg::Frame);
    }
    let (theme, _) = Theme::load(&Library::embedded(), "monochrome");
    let mut buffer = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    ui::draw(&view::derive(&app), &theme, &mut buffer);
    let row = |y| (0..size.0).map(|x| buffer[(x, y)].symbol()).collect();
    (0..size.1).map(row).collect()
}
