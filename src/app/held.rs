//! What batchtop itself sees of nodes that are held, once a minute.

use super::{App, Effect};
use crate::fleet::Kind;
use crate::insight::Known;
use crate::insight::disruption;

/// Whether everything is known that may hold a node or free it.
pub fn knows_what_decides(app: &App) -> bool {
    const NEEDED: [Kind; 5] = [Kind::Node, Kind::NodeClaim, Kind::NodePool, Kind::Pod, Kind::PodDisruptionBudget];
    let known = Known::new(&app.sources);
    NEEDED.into_iter().all(|kind| known.without_gap(kind))
}

/// Looks at every node; what is to be written down of them, if anything is new.
pub fn observe(app: &mut App) -> Option<Effect> {
    if !knows_what_decides(app) {
        return None;
    }
    let mut memory = std::mem::take(&mut app.held);
    let judge = app.judge();
    for node in app.fleet.nodes.iter() {
        let case = judge.case(node);
        memory.observe(&case, &disruption::judge(&case));
    }
    app.held = memory;
    app.held.to_write(app.now).map(Effect::Remember)
}
