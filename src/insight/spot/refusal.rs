//! Requests for capacity that the cloud refused.

use super::node::SpotPoolKey;
use crate::fleet::{EventRow, INSUFFICIENT_CAPACITY, Sym};
use crate::units::Time;

/// How many are kept, the newest.
pub const REFUSAL_CAPACITY: usize = 256;

/// A request for capacity that was refused, as Karpenter's Event tells it with the words of the cloud.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The message of the Event.
    pub message: Sym,
    /// When it was refused.
    pub at: Time,
}

impl Refusal {
    /// The newest of these Events that tell of a refusal.
    pub fn newest<'a>(events: impl Iterator<Item = &'a EventRow>) -> Vec<Self> {
        let refused = events.filter(|event| event.reason == INSUFFICIENT_CAPACITY);
        let mut refusals: Vec<Self> =
            refused.map(|event| Self { message: event.message.clone(), at: event.at }).collect();
        refusals.sort_unstable_by(|a, b| b.at.cmp(&a.at).then_with(|| a.message.cmp(&b.message)));
        refusals.truncate(REFUSAL_CAPACITY);
        refusals
    }

    /// Whether it speaks of spot capacity of this pool: it names type and zone, and not on-demand capacity.
    pub fn is_of(&self, pool: &SpotPoolKey) -> bool {
        let words = || self.message.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.' | '_'));
        let names = |name: &Option<Sym>| {
            name.as_ref().is_some_and(|name| words().any(|word| word.trim_end_matches('.') == name.as_str()))
        };
        names(&pool.instance_type) && names(&pool.zone) && !words().any(|word| word == "on-demand")
    }
}
