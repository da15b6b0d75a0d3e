//! batchtop's verdicts against Karpenter's decisions.
//!
//! A *scenario* ([`scenario`]) is a NodePool with a node or two, what batchtop must say of
//! it before Karpenter acts, and what Karpenter must then do. Scenarios stand in families,
//! and share a bed with those that do not disturb them: a node that is taken costs
//! Karpenter one decision, which for consolidation takes a quarter of a minute, and while
//! there are empty nodes it decides nothing else. [`run`] plays a bed, [`watch`] sees what
//! happens there, [`compare`] tells the disagreements.
//!
//! Two rules hold for every node of every bed, whether a scenario asks about it or not:
//! Karpenter never takes a node for a reason that batchtop's last answer excluded, and
//! a node that batchtop says may be taken stays only if Karpenter's scheduling simulation
//! found no place for its pods. The simulation is Karpenter's; batchtop does not repeat it.

mod annotations;
mod budgets;
mod compare;
mod consolidation;
mod drift;
mod emptiness;
mod lifecycle;
mod over_time;
mod pdbs;
mod place;
mod policies;
mod proofs;
mod run;
mod scenario;
mod score;
mod versions;
mod watch;
mod world;
mod worlds;

use std::sync::{Condvar, Mutex, PoisonError};

use libtest_mimic::Trial;

use self::scenario::Scenario;
use crate::bed::{Karpenter, Result};
use crate::shared::trial;

/// Beds that are played at a time: more of them than processors wait for each other.
const AT_A_TIME: usize = 2;

/// One trial for each bed.
pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("verdicts::underutilized", || play("underutilized", vec![consolidation::scenarios()])),
        trial("verdicts::proven", || play("proven", vec![proofs::scenarios()])),
        trial("verdicts::drifted", || play("drifted", vec![drift::taken(), drift::held()])),
        trial("verdicts::held", || {
            play("held", vec![annotations::held(), pdbs::held(), budgets::held(), policies::held(), lifecycle::held()])
        }),
        trial("verdicts::over_time", || play("over time", vec![over_time::scenarios()])),
        trial("verdicts::paused_and_expiring", || play("paused and expiring", vec![lifecycle::paused()])),
        trial("verdicts::empty", || play("empty", vec![emptiness::taken(), budgets::open()])),
        trial("verdicts::of_1_4", || play_with(Karpenter::V1_4)),
        trial("verdicts::of_1_8", || play_with(Karpenter::V1_8)),
        trial("verdicts::of_1_11", || play_with(Karpenter::V1_11)),
        trial("verdicts::of_1_12", || play_with(Karpenter::V1_12)),
        trial("verdicts::of_1_13", || play_with(Karpenter::V1_13)),
    ];
    // They take minutes each: they are played where somebody asks for a number of them.
    if worlds::asked() > 0 {
        trials.push(trial("verdicts::next_commands", worlds::play));
    }
    trials
}

fn play(title: &str, families: Vec<Vec<Scenario>>) -> Result<()> {
    let scenarios: Vec<Scenario> = families.into_iter().flatten().collect();
    let _turn = Turn::take();
    run::play(title, Karpenter::V1_14, &scenarios)
}

/// What differs between versions, and a core that does not, with a Karpenter of another version.
fn play_with(karpenter: Karpenter) -> Result<()> {
    let _turn = Turn::take();
    run::play(&format!("Karpenter {}", karpenter.version()), karpenter, &versions::scenarios(karpenter))
}

static PLAYING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

/// The right to play a bed.
struct Turn;

impl Turn {
    fn take() -> Self {
        let playing = PLAYING.lock().unwrap_or_else(PoisonError::into_inner);
        let playing = ENDED.wait_while(playing, |playing| *playing >= AT_A_TIME);
        *playing.unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *PLAYING.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        ENDED.notify_one();
    }
}
