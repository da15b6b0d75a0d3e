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
use std::time::Duration;

use jiff::SignedDuration;
use libtest_mimic::Trial;

use self::run::Setup;
use self::scenario::Scenario;
use crate::bed::{Karpenter, Result};
use crate::shared::trial;

/// Beds that are played at a time: more of them than processors wait for each other.
const AT_A_TIME: usize = 2;

/// One trial for each bed.
pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("verdicts::underutilized", || play("underutilized", vec![consolidation::scenarios()])),
        trial("verdicts::proven", || play_proofs("proven", &proofs::consolidation())),
        trial("verdicts::proven_of_drift", || play_proofs("proven of drift", &proofs::drift())),
        trial("verdicts::proven_of_stranded_and_spot", || {
            play_proofs("proven of stranded and spot", &proofs::stranded_and_spot())
        }),
        trial("verdicts::drifted", || play("drifted", vec![drift::taken(), drift::held()])),
        trial("verdicts::held", || {
            play("held", vec![annotations::held(), pdbs::held(), budgets::held(), policies::held(), lifecycle::held()])
        }),
        trial("verdicts::over_time", || play("over time", vec![over_time::scenarios()])),
        trial("verdicts::paused_and_expiring", || play("paused and expiring", vec![lifecycle::paused()])),
        trial("verdicts::pausing", || play("pausing", vec![lifecycle::pausing()])),
        trial("verdicts::without_ready_pool", play_without_ready_pool),
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
    run::play(title, Setup::of(Karpenter::V1_14), &scenarios)
}

/// A simulation that fails ends the pass.
fn play_without_ready_pool() -> Result<()> {
    let _turn = Turn::take();
    let setup = Setup { window: Duration::from_secs(75), ..Setup::of(Karpenter::V1_14) };
    run::play("without ready pool", setup, &lifecycle::without_ready_pool())
}

/// For how long a node stays of which batchtop proves that it does.
const PROVEN_FOR: SignedDuration = SignedDuration::from_secs(90);

/// How long Karpenter may take for the nodes that it takes: consolidation takes one in a quarter of a minute.
const PROVEN_WITHIN: Duration = Duration::from_mins(10);

/// What is proven of the simulation, with a Karpenter that replaces no spot node by another.
fn play_proofs(title: &str, scenarios: &[Scenario]) -> Result<()> {
    let _turn = Turn::take();
    let usual = Setup::of(Karpenter::V1_14);
    let setup = Setup { gates: Some(proofs::GATES), stays_for: PROVEN_FOR, window: PROVEN_WITHIN, ..usual };
    run::play(title, setup, scenarios)
}

/// What differs between versions, and a core that does not, with a Karpenter of another version.
fn play_with(karpenter: Karpenter) -> Result<()> {
    let _turn = Turn::take();
    let title = format!("Karpenter {}", karpenter.version());
    run::play(&title, Setup::of(karpenter), &versions::scenarios(karpenter))
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
