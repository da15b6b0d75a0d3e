//! The outbox of one message.

use super::Effect;

/// Requests to the outside that one message has caused so far, in the order in which they are to be carried out. Only
/// functions that may ask for something take it; nobody can take back what another has asked for.
#[derive(Default)]
pub struct Effects(Vec<Effect>);

impl Effects {
    /// Asks for one thing more.
    pub fn push(&mut self, effect: Effect) {
        self.0.push(effect);
    }

    /// All that was asked for.
    pub fn into_vec(self) -> Vec<Effect> {
        self.0
    }
}
