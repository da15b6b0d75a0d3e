//! The reducer.

use super::{App, Effect, Msg};

/// Applies one message and says what is wanted of the outside.
pub fn update(app: &mut App, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Clock(now) => {
            app.now = now;
            Vec::new()
        }
        _ => Vec::new(),
    }
}
