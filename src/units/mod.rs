//! Value types with their grammar. Nothing here knows what a pod is.

pub mod duration;
pub mod quantity;
pub mod time;

pub use duration::Lifetime;
pub use time::Time;
