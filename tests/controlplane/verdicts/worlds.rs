//! Worlds made at random, in which Karpenter's commands are compared with those that batchtop said would be the next.
//!
//! `NEXT_COMMAND_WORLDS=60` plays so many with the newest Karpenter, and a few with others, several at a time: nearly all of the
//! time is that of waiting. Each bed plays one world after another. `NEXT_COMMAND_FIGURES` names a file for what was measured,
//! from which `UPDATE_README=1 cargo test --test readme` makes the table of the README.

use std::fs;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};

use super::place::{Place, closing_window};
use super::run;
use super::scenario::{Scenario, WORK};
use super::score::Score;
use crate::bed::{Bed, BedOptions, Context, Failure, Karpenter, PodSpec, Result};

/// The variable with the number of worlds.
const WORLDS: &str = "NEXT_COMMAND_WORLDS";

/// The variable with the name of the file for the figures.
const FIGURES: &str = "NEXT_COMMAND_FIGURES";

/// How many beds play at a time.
const BEDS: usize = 6;

/// Of so many worlds one more is played with each of the others.
const PART_OF_OTHERS: u64 = 15;

/// Karpenters that go through nodes in another order than the newest one.
const OTHERS: [Karpenter; 2] = [Karpenter::V1_4, Karpenter::V1_8];

/// The part of the commands that has to come from where it was said, in percent.
const LEAST_PERCENT: usize = 80;

/// How many worlds are asked for.
pub fn asked() -> u64 {
    std::env::var(WORLDS).ok().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// What is to be played, and what came of it.
#[derive(Default)]
struct Plays {
    /// Karpenters and seeds, the next one last.
    due: Vec<(Karpenter, u64)>,
    scores: Vec<(Karpenter, u64, Score)>,
    failures: Vec<String>,
}

/// Plays all of them.
pub fn play() -> Result<()> {
    let of_others = OTHERS.into_iter().flat_map(|it| (0..asked() / PART_OF_OTHERS).map(move |seed| (it, seed)));
    let of_newest = (0..asked()).rev().map(|seed| (Karpenter::V1_14, seed));
    let plays = Mutex::new(Plays { due: of_others.chain(of_newest).collect(), ..Plays::default() });
    thread::scope(|threads| {
        for _ in 0..BEDS {
            threads.spawn(|| play_some(&plays));
        }
    });
    let plays = plays.into_inner().unwrap_or_else(PoisonError::into_inner);
    plays.write_figures()?;
    plays.into_result()
}

/// Plays what is due, all worlds of one Karpenter on one bed as long as nothing fails there.
fn play_some(plays: &Mutex<Plays>) {
    let plays = || plays.lock().unwrap_or_else(PoisonError::into_inner);
    let mut kept: Option<(Karpenter, Bed)> = None;
    while let Some((karpenter, seed)) = { plays().due.pop() } {
        let title = format!("Karpenter {} world {seed}", karpenter.version());
        let bed = match kept.take() {
            Some((of, bed)) if of == karpenter => Ok(bed),
            _ => start(karpenter),
        };
        let outcome = bed.and_then(|bed| run::follow(&bed, &title, &world(seed)).map(|score| (bed, score)));
        let told = match outcome {
            Ok((bed, score)) => {
                let told = format!("{title}: {score}\n{}", score.mistakes().join("\n"));
                kept = Some((karpenter, bed));
                plays().scores.push((karpenter, seed, score));
                told
            }
            Err(failure) => {
                plays().failures.push(format!("{title}: {failure}"));
                format!("{title} failed: {failure}")
            }
        };
        let _ = writeln!(std::io::stderr(), "{}", told.trim_end());
    }
}

fn start(karpenter: Karpenter) -> Result<Bed> {
    let bed = Bed::start(&BedOptions::full().karpenter(karpenter))?;
    if karpenter != Karpenter::V1_14 {
        bed.announce_karpenter()?;
    }
    Ok(bed)
}

impl Plays {
    fn write_figures(&self) -> Result<()> {
        let Some(file) = std::env::var_os(FIGURES) else { return Ok(()) };
        let mut figures: Vec<(Karpenter, usize, Score)> = Vec::new();
        for (karpenter, _, score) in &self.scores {
            match figures.iter_mut().find(|(of, ..)| of == karpenter) {
                Some((_, worlds, sum)) => {
                    *worlds += 1;
                    sum.add(score.clone());
                }
                None => figures.push((*karpenter, 1, score.clone())),
            }
        }
        figures.sort_by_key(|(karpenter, ..)| std::cmp::Reverse(*karpenter));
        let of_one = |(karpenter, worlds, score): &(Karpenter, usize, Score)| json!({"karpenter": karpenter.version(), "worlds": worlds, "reasons": score.figures()});
        let text = serde_json::to_string_pretty(&figures.iter().map(of_one).collect::<Vec<Value>>()).context("JSON")?;
        fs::write(&file, text + "\n").context(file.display())
    }

    /// A failure tells everything that was wrong.
    fn into_result(self) -> Result<()> {
        let mut all = Score::default();
        self.scores.into_iter().for_each(|(.., score)| all.add(score));
        let _ = writeln!(std::io::stderr(), "all worlds: {all}");
        let hits: usize = all.reasons.iter().map(|tally| tally.hits).sum();
        let misses: usize = all.reasons.iter().map(|tally| tally.misses.len()).sum();
        if hits == 0 || hits * 100 < (hits + misses) * LEAST_PERCENT || !self.failures.is_empty() {
            return Err(Failure::new(format!("{all}\n{}\n{}", all.mistakes().join("\n"), self.failures.join("\n"))));
        }
        Ok(())
    }
}

/// Numbers of SplitMix64, the same for each seed.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or(0)
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// Letters of NodePools; an order by name says nothing about what they are.
const LETTERS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Names of pods, one for each node.
const PODS: [&str; 3] = ["work-0", "work-1", "work-2"];

/// Three to six NodePools with up to three nodes each. Worlds of one bed share no names.
fn world(seed: u64) -> Vec<Scenario> {
    let mut chance = Chance(seed);
    let pools = 3 + chance.below(4);
    LETTERS.iter().take(pools).map(|letter| pool(format!("world-{seed}-{letter}").leak(), &mut chance)).collect()
}

fn pool(name: &'static str, chance: &mut Chance) -> Scenario {
    let nodes = &PODS[..=chance.below(PODS.len())];
    let busy = || Scenario::busy_nodes(name, nodes);
    let protected = || Scenario::busy_with(name, PodSpec::new().annotation(super::place::DO_NOT_DISRUPT, "true"));
    let scenario = match chance.below(12) {
        0 => emptied(busy(), nodes),
        1 => emptied(busy(), nodes).prepare(quiet_in(20 + chance.below(30))).not_quiet(),
        2 => emptied(busy().with_pool(|pool| pool.consolidate_after("Never")), nodes).drifted().not_quiet(),
        3 => protected().drifted(),
        4 => Scenario::of_static_pool(name).drifted(),
        5 => emptied(busy(), nodes).drifted(),
        6 => protected().drifted().with_grace(),
        7 => protected_for(20 + chance.below(30), Scenario::busy(name)).drifted(),
        8 => Scenario::busy(name).prepare(|place| place.pin_pod("pinned")).drifted(),
        9 => return emptied(busy(), nodes).while_stopped(|place| place.set_budgets(&closing_window())),
        _ => busy().drifted(),
    };
    scenario.budgets(budgets(chance))
}

/// All pods go: the nodes are empty.
fn emptied(scenario: Scenario, nodes: &'static [&'static str]) -> Scenario {
    scenario.prepare(|place| nodes.iter().try_for_each(|pod| place.remove_pod(pod)))
}

fn quiet_in(seconds: usize) -> impl Fn(&Place<'_>) -> Result<()> + Send + 'static {
    move |place| place.quiet_in(i64::try_from(seconds).unwrap_or(0))
}

/// Its pod is protected for a time that ends so long after Karpenter was stopped.
fn protected_for(seconds: usize, scenario: Scenario) -> Scenario {
    let seconds = i64::try_from(seconds).unwrap_or(0);
    scenario
        .prepare(|place| place.bed.annotate(&place.pod(WORK), super::place::DO_NOT_DISRUPT, Some("1h")))
        .while_stopped(move |place| place.protect_pod_for(seconds))
}

/// Consolidation, which is not told, is left out; the others are limited in some NodePools.
fn budgets(chance: &mut Chance) -> Value {
    let all = chance.one_of(&["1", "2", "50%", "100%"]);
    let mut budgets = vec![json!({"nodes": all}), json!({"nodes": "0", "reasons": ["Underutilized"]})];
    match chance.below(6) {
        0 => budgets.push(json!({"nodes": "0", "reasons": ["Empty"]})),
        1 => budgets.push(json!({"nodes": "0", "reasons": ["Drifted"]})),
        _ => {}
    }
    Value::Array(budgets)
}
