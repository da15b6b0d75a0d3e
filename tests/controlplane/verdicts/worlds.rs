//! Worlds made at random, in which Karpenter's commands are compared with those that batchtop said would be the next.

use std::io::Write as _;

use serde_json::{Value, json};

use super::run;
use super::scenario::Scenario;
use super::score::Score;
use crate::bed::{Failure, Karpenter, PodSpec, Result};

/// How many worlds the environment variable `NEXT_COMMAND_WORLDS` asks for.
pub fn asked() -> u64 {
    std::env::var("NEXT_COMMAND_WORLDS").ok().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The part of the commands that has to come from where it was said, in percent.
const LEAST_PERCENT: usize = 80;

/// Plays them one after another.
pub fn play() -> Result<()> {
    let mut all = Score::default();
    for seed in 0..asked() {
        let score = run::follow(&format!("world {seed}"), Karpenter::V1_14, &world(seed))?;
        let _ = writeln!(std::io::stderr(), "world {seed}: {score}");
        all.add(score);
    }
    let _ = writeln!(std::io::stderr(), "all worlds: {all}");
    if all.hits * 100 < (all.hits + all.misses.len()) * LEAST_PERCENT || all.hits == 0 {
        return Err(Failure::new(format!("{all}\n{}", all.misses.join("\n"))));
    }
    Ok(())
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

/// Names of NodePools; an order by name says nothing about what they are.
const NAMES: [&str; 6] = ["next-a", "next-b", "next-c", "next-d", "next-e", "next-f"];

/// Names of pods, one for each node.
const PODS: [&str; 3] = ["work-0", "work-1", "work-2"];

/// Three to six NodePools with up to three nodes each.
fn world(seed: u64) -> Vec<Scenario> {
    let mut chance = Chance(seed);
    let pools = 3 + chance.below(4);
    NAMES.iter().take(pools).map(|name| pool(name, &mut chance)).collect()
}

fn pool(name: &'static str, chance: &mut Chance) -> Scenario {
    let nodes = &PODS[..=chance.below(PODS.len())];
    let scenario = match chance.below(6) {
        0 => emptied(Scenario::busy_nodes(name, nodes), nodes),
        1 => emptied(Scenario::busy_nodes(name, nodes), nodes).prepare(quiet_in(20 + chance.below(40))).not_quiet(),
        2 => {
            let scenario = Scenario::busy_nodes(name, nodes).with_pool(|pool| pool.consolidate_after("Never"));
            emptied(scenario, nodes).drifted().not_quiet()
        }
        3 => Scenario::busy_with(name, PodSpec::new().annotation(super::place::DO_NOT_DISRUPT, "true")).drifted(),
        4 => Scenario::of_static_pool(name).drifted(),
        _ => Scenario::busy_nodes(name, nodes).drifted(),
    };
    scenario.budgets(budgets(chance))
}

/// All pods go: the nodes are empty.
fn emptied(scenario: Scenario, nodes: &'static [&'static str]) -> Scenario {
    scenario.prepare(|place| nodes.iter().try_for_each(|pod| place.remove_pod(pod)))
}

fn quiet_in(seconds: usize) -> impl Fn(&super::place::Place<'_>) -> Result<()> + Send + 'static {
    move |place| place.quiet_in(i64::try_from(seconds).unwrap_or(0))
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
