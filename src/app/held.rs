//! What batchtop itself sees of nodes that are held, once a minute.

use super::{App, Effect, notice};
use crate::fleet::Kind;
use crate::insight::Known;
use crate::insight::disruption::HeldMemory;
use crate::units::Time;

const SECONDS_PER_MINUTE: i64 = 60;

/// It is `now`; each minute every node is looked at.
pub fn clock(app: &mut App, now: Time) -> Vec<Effect> {
    let minute = |time: Time| time.seconds().div_euclid(SECONDS_PER_MINUTE);
    let has_passed = minute(now) != minute(app.now);
    let mut effects = notice::clock(app, now);
    if has_passed {
        effects.extend(observe(app));
    }
    effects
}

/// Whether everything is known that may hold a node or free it.
pub fn knows_what_decides(app: &App) -> bool {
    const NEEDED: [Kind; 5] = [Kind::Node, Kind::NodeClaim, Kind::NodePool, Kind::Pod, Kind::PodDisruptionBudget];
    let known = Known::new(&app.sources);
    NEEDED.into_iter().all(|kind| known.without_gap(kind))
}

fn observe(app: &mut App) -> Option<Effect> {
    if !knows_what_decides(app) {
        return None;
    }
    let mut memory: HeldMemory = std::mem::take(&mut app.held);
    let judge = app.judge();
    app.fleet.nodes.iter().for_each(|node| memory.observe(&judge.case(node), &judge.node(node)));
    app.held = memory;
    app.held.to_write(app.now).map(Effect::Remember)
}
