//! Cost of insights, listings and frames at 5,000 nodes and 100,000 pods.
//!
//! ```console
//! cargo bench --bench picture
//! ```
//!
//! Budgets: everything anew 30 ms, one changed pod 0.1 ms, a step of the loop 4 ms.

#[path = "../../tests/controlplane/bed/mod.rs"]
mod bed;
#[path = "../world/mod.rs"]
mod world;

use std::cell::Cell;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use batchtop::app::{App, Msg, settle, update};
use batchtop::fleet::{Change, Delta, Interner, Kind, PodRow, Report, Sym};
use batchtop::insight::picture::{Evaluator, NodeAssessment, of_assessments};
use batchtop::insight::{Completeness, Picture};
use batchtop::view;
use divan::Bencher;
use world::{PAGE, PODS, app, decode_page, pod};

fn main() {
    divan::main();
}

/// Made once: it takes longer than everything that is measured. Benchmarks run one after the other.
static APP: LazyLock<Mutex<App>> = LazyLock::new(|| Mutex::new(app(|_, _| ())));

/// The App with this screen shown and its rows in order.
fn on_screen(key: &str) -> MutexGuard<'static, App> {
    show(APP.lock().unwrap_or_else(PoisonError::into_inner), key)
}

fn show(mut app: MutexGuard<'static, App>, key: &str) -> MutexGuard<'static, App> {
    if let Ok(chord) = key.parse() {
        update(&mut app, Msg::Key(chord));
    }
    update(&mut app, Msg::Frame);
    app
}

/// The same after an hour in which 10,000 pods started.
static BUSY: LazyLock<Mutex<App>> = LazyLock::new(|| {
    let mut app = app(|_, _| ());
    world::busy_hour(&mut app);
    Mutex::new(app)
});

/// The App after such an hour, with this screen shown and its rows in order.
fn busy(key: &str) -> MutexGuard<'static, App> {
    show(BUSY.lock().unwrap_or_else(PoisonError::into_inner), key)
}

/// Pods that a watch or a page hands to the loop at a time.
const BATCH: usize = 125;

/// The longest step of the loop while pods are read: a batch of them is applied and noted everywhere.
#[divan::bench]
fn step_of_the_loop(bencher: Bencher<'_, '_>) {
    let mut app = on_screen("3");
    let mut turn = 0;
    let deltas: Vec<Delta> = (0..2).map(|_| changed_pods(&app, BATCH, &mut turn)).collect();
    let mut next = deltas.iter().cycle();
    bencher.with_inputs(|| next.next().cloned()).bench_local_values(|delta| {
        let Some(delta) = delta else { return };
        let epoch = app.epoch;
        divan::black_box(update(&mut app, Msg::Source(epoch, Report::Delta(delta))));
    });
}

/// Some pods, changed in what the picture and the order of rows depend on. Each call changes them anew.
fn changed_pods(app: &App, count: usize, turn: &mut u32) -> Delta {
    *turn += 1;
    let step = PODS / count / 2;
    // Any that stand on a Node and belong to a Job will do, as long as each turn takes the same.
    let is_joined = |pod: &&PodRow| pod.node.is_some() && pod.owner.as_ref().is_some_and(|owner| owner.kind == "Job");
    let pods = app.fleet.pods.iter().filter(is_joined).step_by(step).take(count);
    let is_even = turn.is_multiple_of(2);
    let change = |pod: &PodRow| PodRow {
        restarts: *turn,
        status: Sym::new(if is_even { "CrashLoopBackOff" } else { "Running" }),
        do_not_disrupt: is_even.then(|| Sym::new("true")),
        ..pod.clone()
    };
    Delta::Pods(pods.map(change).map(Change::Upsert).collect())
}

/// Every insight anew: what does not depend on the time, and then the answer and the hazards of every node, the outlook
/// of every protected pod, and the findings.
#[divan::bench]
fn everything(bencher: Bencher<'_, '_>) {
    let app = on_screen("1");
    bencher.bench_local(|| {
        let picture = Picture::full(&app.fleet);
        let evaluator =
            Evaluator::new(&app.fleet, &picture, &Completeness::new(&app.sources), &app.insights.karpenter, app.now);
        let assessments: Vec<NodeAssessment<'_>> = app.fleet.nodes.iter().map(|node| evaluator.assess(node)).collect();
        let states = app.insights.node_states();
        of_assessments(&app.fleet, &evaluator, &assessments, states).len()
    });
}

/// The picture alone, which does not depend on the time.
#[divan::bench]
fn picture_full(bencher: Bencher<'_, '_>) {
    let app = on_screen("1");
    bencher.bench_local(|| Picture::full(&app.fleet));
}

/// May Karpenter take them: every node.
#[divan::bench]
fn judge_nodes(bencher: Bencher<'_, '_>) {
    let app = on_screen("1");
    bencher.bench_local(|| {
        let evaluator = app.evaluator();
        app.fleet.nodes.iter().filter(|node| evaluator.node(node).is_held()).count()
    });
}

/// Pods that changed go into the Fleet and the picture.
#[divan::bench(args = [1, BATCH, PAGE])]
fn picture_changed_pods(bencher: Bencher<'_, '_>, count: usize) {
    let app = &mut *on_screen("1");
    let mut turn = 0;
    let deltas: Vec<Delta> = (0..2).map(|_| changed_pods(app, count, &mut turn)).collect();
    let mut next = deltas.iter().cycle();
    bencher.with_inputs(|| next.next().cloned()).bench_local_values(|delta| {
        let Some(delta) = delta else { return };
        let changed = app.fleet.apply(delta);
        app.insights.picture.update(&app.fleet, &changed);
    });
}

/// An Event about the start of a pod: it goes into the Fleet, the pod, its waterfall and the statistics.
#[divan::bench]
fn one_event_of_a_start(bencher: Bencher<'_, '_>) {
    let app = &mut *busy("1");
    let pods: Vec<PodRow> = app.fleet.closed_starts().take(PAGE).cloned().collect();
    let mut turn = 0;
    let mut next = pods.iter().cycle();
    let told = || {
        turn += 1;
        next.next().map(|pod| world::pulled(pod, turn))
    };
    bencher.with_inputs(told).bench_local_values(|event| {
        let (epoch, delta) = (app.epoch, Delta::Events(event.map(Change::Upsert).into_iter().collect()));
        divan::black_box(update(app, Msg::Source(epoch, Report::Delta(delta))));
    });
    assert!(!app.insights.starts.history().pulls.is_empty(), "what Events tell is observed");
}

/// The sums of the header.
#[divan::bench]
fn sums(bencher: Bencher<'_, '_>) {
    let app = on_screen("1");
    bencher.bench_local(|| app.insights.totals(&app.inputs()));
}

/// A filter is typed at once, and its rows are listed; then it is left, and all rows are listed again.
#[divan::bench(args = ["filter", "all again"])]
fn listing_filter(bencher: Bencher<'_, '_>, measured: &str) {
    let app = Mutex::new(on_screen("3"));
    let press = |keys: &[&str]| {
        let mut app = app.lock().unwrap_or_else(PoisonError::into_inner);
        for chord in keys.iter().filter_map(|key| key.parse().ok()) {
            update(&mut app, Msg::Key(chord));
        }
        update(&mut app, Msg::KeyFrame);
    };
    let filter =
        || press(&["/", "t", "r", "a", "i", "n", "-", "r", "e", "s", "n", "e", "t", "-", "0", "0", "0", "enter"]);
    let leave = || press(&["esc"]);
    match measured {
        "filter" => bencher.with_inputs(leave).bench_local_values(|()| filter()),
        _ => bencher.with_inputs(filter).bench_local_values(|()| leave()),
    }
}

/// Deriving the Screen from the App.
#[divan::bench(args = ["1 Fleet", "2 Jobs", "3 Pods", "7 Starts"])]
fn view_derive(bencher: Bencher<'_, '_>, screen: &str) {
    let app = if screen.ends_with("Starts") { busy("7") } else { on_screen(&screen[..1]) };
    bencher.bench_local(|| view::derive(&app));
}

/// What `measured` costs after so many pods changed; applying the change is not counted.
fn after_changed_pods(bencher: Bencher<'_, '_>, app: &mut App, count: usize, measured: impl Fn(&mut App)) {
    let mut turn = 0;
    let deltas: Vec<Delta> = (0..2).map(|_| changed_pods(app, count, &mut turn)).collect();
    let mut next = deltas.iter().cycle();
    let app = Mutex::new(app);
    let apply = || {
        let mut app = app.lock().unwrap_or_else(PoisonError::into_inner);
        let epoch = app.epoch;
        if let Some(delta) = next.next() {
            update(&mut app, Msg::Source(epoch, Report::Delta(delta.clone())));
        }
    };
    let measured = |()| measured(&mut app.lock().unwrap_or_else(PoisonError::into_inner));
    bencher.with_inputs(apply).bench_local_values(measured);
}

/// The rows of the Pods screen are put in order after so many pods changed.
#[divan::bench(args = [1, 50, PAGE])]
fn listing_changed_pods(bencher: Bencher<'_, '_>, count: usize) {
    let app = &mut *on_screen("3");
    after_changed_pods(bencher, app, count, |app| {
        update(app, Msg::Frame);
    });
}

/// The rows of the Starts screen are put in order after so many starts were told anew, and its frame is derived.
#[divan::bench(args = [1, 50])]
fn starts_screen(bencher: Bencher<'_, '_>, count: usize) {
    let app = &mut *busy("7");
    let pods: Vec<PodRow> = app.fleet.closed_starts().take(PAGE).cloned().collect();
    let turn = Cell::new(0);
    let app = Mutex::new(app);
    let tell = || {
        turn.set(turn.get() + 1);
        let events = pods.iter().take(count).map(|pod| Change::Upsert(world::pulled(pod, turn.get())));
        let mut app = app.lock().unwrap_or_else(PoisonError::into_inner);
        let (epoch, delta) = (app.epoch, Delta::Events(events.collect()));
        update(&mut app, Msg::Source(epoch, Report::Delta(delta)));
    };
    bencher.with_inputs(tell).bench_local_values(|()| {
        let mut app = app.lock().unwrap_or_else(PoisonError::into_inner);
        update(&mut app, Msg::Frame);
        divan::black_box(view::derive(&app))
    });
}

/// A second after something changed the rows of the Fleet screen, which are ordered by what is said of every node, are
/// put in order.
#[divan::bench]
fn listing_verdicts(bencher: Bencher<'_, '_>) {
    let app = &mut *on_screen("1");
    after_changed_pods(bencher, app, 50, |app| {
        let now = app.now.plus_seconds(1);
        update(app, Msg::Clock(now));
        settle(app);
        update(app, Msg::Frame);
    });
}

/// All that passes with a second in which so many pods have changed: verdicts, rates, the ledger.
#[divan::bench(args = [1, PAGE])]
fn a_second(bencher: Bencher<'_, '_>, count: usize) {
    let mut app = on_screen("1");
    after_changed_pods(bencher, &mut app, count, |app| {
        let now = app.now.plus_seconds(1);
        divan::black_box(update(app, Msg::Clock(now)));
        divan::black_box(settle(app));
    });
    assert!(app.insights.rates().is_some_and(|rates| rates.unpriced == 0 && rates.total > 0), "all is priced");
}

/// A page of pods is decoded.
#[divan::bench]
fn decode_500_pods(bencher: Bencher<'_, '_>) {
    let page: Vec<String> = (0..PAGE).map(|index| pod(index).to_string()).collect();
    let bytes: usize = page.iter().map(String::len).sum();
    bencher
        .with_inputs(Interner::default)
        .counter(divan::counter::BytesCount::new(bytes))
        .bench_local_refs(|interner| decode_page(Kind::Pod, &page, interner));
}
