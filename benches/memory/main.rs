//! What 5,000 Nodes and 100,000 pods take of memory: bytes on the heap after each kind of objects.
//!
//! ```console
//! cargo bench --bench memory
//! ```
//!
//! Counts what is allocated, not what the process holds of the system: `--bench scale` measures that. Prints a table in
//! Markdown.

#[path = "../../tests/controlplane/bed/mod.rs"]
mod bed;
#[path = "../world/mod.rs"]
mod world;

use std::alloc::System;
use std::io::{Write, stdout};

use batchtop::app::{App, Msg, settle, update};
use cap::Cap;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

fn main() {
    let mut report = Report { before: HEAP.allocated() };
    print("| what | how many | KiB | bytes each |\n|---|---:|---:|---:|");
    let mut app = world::app(|name, count| report.stage(name, count));
    settle(&mut app);
    report.stage("verdicts, rates", world::NODES);
    for (key, screen) in [("1", "row of Fleet"), ("3", "row of Pods"), ("2", "row of Jobs")] {
        let Ok(chord) = key.parse() else { continue };
        update(&mut app, Msg::Key(chord));
        update(&mut app, Msg::Frame);
        report.stage(screen, app.ui.listing.rows.len());
    }
    print_line("all", 0, HEAP.allocated());
    starts(&mut app);
}

/// What 10,000 starts within an hour take: what is kept of them in the rows of their pods, and all that is made of them.
fn starts(app: &mut App) {
    world::busy_hour(app);
    let before = HEAP.allocated();
    let of_pods = app.fleet.pods.iter().filter_map(|pod| pod.start.clone());
    let kept: Vec<_> = of_pods.collect();
    print_line("start of a pod, in its row", kept.len(), HEAP.allocated().saturating_sub(before));
    let (known, pulls) = (app.insights.starts.count(), app.insights.starts.history().pulls.len());
    let before = HEAP.allocated();
    drop(std::mem::take(&mut app.insights.starts));
    let freed = before.saturating_sub(HEAP.allocated());
    print_line(&format!("waterfalls, with {pulls} observed pulls and their statistics"), known, freed);
}

/// How the heap grows.
struct Report {
    /// Bytes before the next stage.
    before: usize,
}

impl Report {
    fn stage(&mut self, name: &str, count: usize) {
        let now = HEAP.allocated();
        print_line(name, count, now.saturating_sub(self.before));
        self.before = now;
    }
}

fn print_line(name: &str, count: usize, bytes: usize) {
    let each = bytes.checked_div(count).map_or_else(String::new, |each| each.to_string());
    print(&format!("| {name} | {count} | {} | {each} |", bytes / 1024));
}

fn print(line: &str) {
    // A closed pipe ends the report early; nothing else can fail.
    drop(writeln!(stdout(), "{line}"));
}
