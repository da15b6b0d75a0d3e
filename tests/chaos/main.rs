//! The Kubernetes streams against an API server that does wrong at random.
//!
//! A world of 2,000 pods changes all the time, and a schedule of faults follows from a seed ([`fault`]). Each cycle of faults
//! ends with calm, in which the App becomes equal to the truth ([`truth`]), and every fault has been told of in Health
//! ([`check`]). In the end no task, file, connection or memory is left over ([`run`]).
//!
//! `CHAOS_SEED=7` runs one seed, `CHAOS_SECONDS=600` is how long the faults of each cycle last. `SOAK_SECONDS=1800` makes a
//! thousand changes a second for so long instead, without faults. This is the only test of its binary, because it counts what
//! the whole process has.

#![expect(clippy::expect_used, clippy::panic, reason = "what a test needs and does not get fails it")]
#![expect(clippy::print_stdout, reason = "shown when the test fails, or with --nocapture")]

mod check;
mod client;
mod fault;
mod log;
mod objects;
mod random;
mod run;
mod server;
mod truth;
mod world;

use std::alloc::System;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use batchtop::units::Time;
use cap::Cap;

use check::Tallies;
use fault::Fault;
use server::{Server, Shared};

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// The seeds of a run without `CHAOS_SEED`.
const SEEDS: [u64; 2] = [1, 2];

/// How long the faults of each of the two cycles of a seed last: with the calm after them, two minutes for all seeds.
const SECONDS: u64 = 24;

/// How many bytes the heap may have more after a run than after the one before it.
const HEAP_ALLOWANCE: usize = 256 << 10;

/// How many faults are shown when a run fails.
const SHOWN: usize = 20;

/// The time of the machine's clock.
fn clock() -> Time {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

#[test]
fn random_faults_end_equal_to_the_truth_are_told_in_health_and_leave_nothing_over() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    if let Some(seconds) = number("SOAK_SECONDS") {
        soak(Duration::from_secs(seconds));
        return;
    }
    let seconds = number("CHAOS_SECONDS").unwrap_or(SECONDS);
    let seeds = number("CHAOS_SEED").map_or_else(|| SEEDS.to_vec(), |seed| vec![seed]);
    let mut tallies = Tallies::new();
    let (mut bytes, mut files) = (vec![HEAP.allocated()], Vec::new());
    for seed in seeds {
        run_seed(seed, Duration::from_secs(seconds), &mut tallies);
        bytes.push(HEAP.allocated());
        files.push(run::open_files());
    }
    for ((fault, asked), tally) in &tallies {
        println!("{fault:?} of {asked:?}: {tally:?}");
    }
    println!("bytes before the first run and after each: {bytes:?}; files after each: {files:?}");
    assert!(bytes.windows(2).all(|pair| pair[1] <= pair[0] + HEAP_ALLOWANCE), "a run leaves memory: {bytes:?}");
    assert!(files.windows(2).all(|pair| pair[1] <= pair[0]), "a run leaves files: {files:?}");
    if seconds >= SECONDS {
        let never: Vec<Fault> =
            Fault::planned().filter(|fault| tallies.keys().all(|(done, _)| done != fault)).collect();
        assert!(never.is_empty(), "faults that never were: {never:?}");
    }
}

fn soak(length: Duration) {
    runtime().block_on(async {
        let server = Server::start(SEEDS[0]).await;
        if let Err(why) = Box::pin(run::soak(server, length)).await {
            panic!("soak: {why}");
        }
    });
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("a runtime")
}

fn run_seed(seed: u64, faults: Duration, tallies: &mut Tallies) {
    println!("CHAOS_SEED={seed} CHAOS_SECONDS={}", faults.as_secs());
    runtime().block_on(async {
        let server = Server::start(seed).await;
        let shared = server.shared.clone();
        let _shown = LastFaults(shared.clone());
        if let Err(why) = Box::pin(run::run(server, faults, tallies)).await {
            panic!("seed {seed}: {why}");
        }
        println!("{} changes, {} faults", shared.world().changes, shared.log().faults);
    });
}

/// Shows the last faults when a run fails.
struct LastFaults(Arc<Shared>);

impl Drop for LastFaults {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.0.log();
            let mut faults: Vec<_> =
                log.entries.iter().flat_map(|(target, all)| all.iter().map(move |one| (target, one))).collect();
            faults.retain(|(_, entry)| matches!(entry, log::Entry::Wrong(_)));
            faults.sort_by_key(|(_, entry)| match entry {
                log::Entry::Wrong(wrong) => wrong.number,
                log::Entry::Came { .. } => 0,
            });
            faults.iter().rev().take(SHOWN).for_each(|(target, fault)| println!("{target:?}: {fault:?}"));
        }
    }
}
