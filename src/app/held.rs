//! What batchtop itself sees of nodes that are held, once a minute.

use super::{App, Effect};
use crate::insight::Known;
use crate::insight::disruption;

/// Looks at every node; what is to be written down of them, if anything is new.
pub fn observe(app: &mut App) -> Option<Effect> {
    if !Known::new(&app.sources).decides_nodes() {
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
