//! One run: cycles of faults and calm, and what is left over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::HEAP;
use super::check::{Reports, Tallies, check};
use super::client::{Client, PATIENCE};
use super::fault::Target;
use super::log::Entry;
use super::server::{Server, Shared};
use super::truth;
use super::world::World;

/// Longer than anything here takes, also on a busy machine.
const BOUND: Duration = Duration::from_mins(1);

/// Changes of the world in each turn, and how long a turn is: 300 in a second, and 1,000 in a soak.
const CHANGES: usize = 3;
const SOAK_CHANGES: usize = 10;
const TURN: Duration = Duration::from_millis(10);

/// How often one kind's history is forgotten.
const TURNS_TO_COMPACTION: usize = 100;

/// How many bytes the heap may have more after a cycle than after an equal one before it.
const HEAP_ALLOWANCE: usize = 2 << 20;

/// Cycles of a run; the first one shows how much memory what is known takes.
const CYCLES: usize = 2;

/// Faults for so long, then calm, several times; then the end of the streams.
pub async fn run(server: Server, faults: Duration, tallies: &mut Tallies) -> Result<(), String> {
    let shared = server.shared.clone();
    let before = Left::now(&shared);
    let mut client = Client::start(&server.url());
    shared.change(World::swell);
    become_equal(&mut client, &shared).await?;
    shared.change(World::restore);
    become_equal(&mut client, &shared).await?;
    let mut heap = vec![least_heap(&mut client, &shared).await];
    for cycle in 1..=CYCLES {
        chaos(&mut client, &shared, faults).await;
        calm(&mut client, &shared).await.map_err(|why| format!("cycle {cycle}: {why}"))?;
        compare_health(&mut client, &shared, tallies)?;
        heap.push(least_heap(&mut client, &shared).await);
    }
    println!("bytes on the heap before the first cycle, and after each: {heap:?}");
    let app = Box::pin(client.stop()).await;
    is_left(&before, &shared).await?;
    drop(app);
    server.stop().await;
    match heap.windows(2).find(|pair| pair[1] > pair[0] + HEAP_ALLOWANCE) {
        Some(pair) => Err(format!("the heap grew from {} to {} bytes over an equal cycle", pair[0], pair[1])),
        None => Ok(()),
    }
}

/// Equal parts of a soak; the memory after the first is what it stays.
const SOAK_PARTS: u32 = 6;

/// How much the heap may be larger after a soak than after its first sixth, in percent; and the bytes by which that of a
/// running App differs from one moment to the next.
const SOAK_GROWTH_PERCENT: usize = 5;
const SOAK_NOISE: usize = 1 << 20;

/// Many changes and no faults for so long: in the end all is equal to the truth, and no larger than after the first sixth.
pub async fn soak(server: Server, length: Duration) -> Result<(), String> {
    let shared = server.shared.clone();
    let mut client = Client::start(&server.url());
    become_equal(&mut client, &shared).await?;
    let mut heap = Vec::new();
    for part in [1, SOAK_PARTS - 1].map(|parts| length / SOAK_PARTS * parts) {
        let (begin, changes) = (Instant::now(), shared.world().changes);
        change_for(&mut client, &shared, part, SOAK_CHANGES).await;
        let rate = (shared.world().changes - changes) as f64 / begin.elapsed().as_secs_f64();
        calm(&mut client, &shared).await?;
        heap.push(least_heap(&mut client, &shared).await);
        println!("{rate:.0} changes a second for {} s; bytes on the heap then: {heap:?}", part.as_secs());
    }
    Box::pin(client.stop()).await;
    server.stop().await;
    let is_larger = heap[1] > heap[0] + heap[0] * SOAK_GROWTH_PERCENT / 100 + SOAK_NOISE;
    if is_larger { Err(format!("the heap grew from {} to {} bytes", heap[0], heap[1])) } else { Ok(()) }
}

async fn chaos(client: &mut Client, shared: &Arc<Shared>, faults: Duration) {
    shared.schedule().switch(true);
    change_for(client, shared, faults, CHANGES).await;
    shared.schedule().switch(false);
}

async fn change_for(client: &mut Client, shared: &Arc<Shared>, length: Duration, changes: usize) {
    let changing = change_the_world(shared.clone(), changes);
    client.run_for(length).await;
    changing.abort();
    // It was aborted, which is no news.
    let _ = changing.await;
}

fn change_the_world(shared: Arc<Shared>, changes: usize) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut turns = interval(TURN);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for turn in 1_usize.. {
            turns.tick().await;
            shared.change(|world| {
                (0..changes).for_each(|_| world.change());
                if turn % TURNS_TO_COMPACTION == 0 {
                    world.compact_one();
                }
            });
        }
    })
}

/// Without faults and changes, everything becomes equal to the truth: first as it is, then as it was in the beginning, so that
/// the end of each cycle is the same.
async fn calm(client: &mut Client, shared: &Arc<Shared>) -> Result<(), String> {
    become_equal(client, shared).await?;
    shared.change(World::restore);
    become_equal(client, shared).await?;
    let behind = truth::behind(&mut client.app, &shared.world());
    if behind.is_empty() { Ok(()) } else { Err(format!("the insights are behind:\n{}", first(&behind))) }
}

async fn become_equal(client: &mut Client, shared: &Arc<Shared>) -> Result<(), String> {
    let wanted = truth::fleet(&shared.world());
    let begin = Instant::now();
    loop {
        client.run_for(Duration::from_millis(300)).await;
        let mut wrong = truth::differences(&client.app.fleet, &wanted);
        wrong.extend(truth::miscounted(&client.app, &shared.world(), &shared.log().replayed));
        wrong.extend(client.not_live().into_iter().map(|source| format!("{source:?} is not live")));
        wrong.extend(client.app.down.iter().map(|down| format!("down: {}", down.message)));
        wrong.extend(unanswered(shared).into_iter().map(|target| format!("{target:?} has not asked again")));
        if wrong.is_empty() {
            return Ok(());
        }
        if begin.elapsed() > BOUND {
            return Err(format!("not equal to the truth, {} differences:\n{}", wrong.len(), first(&wrong)));
        }
    }
}

/// Those that have not asked again since the last fault.
fn unanswered(shared: &Shared) -> Vec<Target> {
    let log = shared.log();
    let has_asked = |entries: &[Entry]| matches!(entries.last(), Some(Entry::Came { .. }) | None);
    log.entries.iter().filter(|(_, entries)| !has_asked(entries)).map(|(target, _)| *target).collect()
}

fn first(lines: &[String]) -> String {
    lines.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n")
}

fn compare_health(client: &mut Client, shared: &Shared, tallies: &mut Tallies) -> Result<(), String> {
    let seen = std::mem::take(&mut client.seen);
    let log = shared.log().take();
    for (target, entries) in &log {
        let of_source = target.source().and_then(|source| seen.0.get(&source));
        check(*target, entries, of_source.map_or(&[], Vec::as_slice), PATIENCE, tallies)?;
    }
    Ok(())
}

/// Bytes on the heap while nothing happens.
async fn least_heap(client: &mut Client, shared: &Shared) -> usize {
    client.run_for(Duration::from_millis(700)).await;
    shared.world().compact_all();
    client.seen = Reports::default();
    shared.log().take();
    let mut least = usize::MAX;
    for _ in 0..30 {
        client.run_for(Duration::from_millis(20)).await;
        least = least.min(HEAP.allocated());
    }
    least
}

/// What the end of the streams leaves.
#[derive(PartialEq, Eq, Debug)]
struct Left {
    tasks: usize,
    files: usize,
    connections: usize,
}

impl Left {
    fn now(shared: &Shared) -> Self {
        Self {
            tasks: Handle::current().metrics().num_alive_tasks(),
            files: open_files(),
            connections: shared.connections(),
        }
    }
}

/// Nothing more than before, at the latest after a minute: the server takes a moment to see that connections are closed.
async fn is_left(before: &Left, shared: &Shared) -> Result<(), String> {
    let begin = Instant::now();
    loop {
        let now = Left::now(shared);
        if now == *before {
            return Ok(());
        }
        if begin.elapsed() > BOUND {
            return Err(format!("left over: {now:?}, before: {before:?}"));
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// File descriptors of this process, where the system tells.
pub fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
