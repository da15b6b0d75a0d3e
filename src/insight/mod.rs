//! Insights: pure functions over the Fleet.
//!
//! The rooms do not know one another; [`picture`] brings them together. What several rooms and the picture need
//! ([`karpenter`], [`interruption`], [`phase`], [`relation`], [`known`], [`newest`], [`scope`], [`sentence`]) stands beside them.
//! [`insights`] keeps every derived value up to date.

pub mod batch;
pub mod cold_start;
pub mod cost;
pub mod disruption;
pub mod gpu;
pub mod incidents;
pub mod insights;
pub mod interruption;
pub mod karpenter;
pub mod known;
pub mod newest;
pub mod phase;
pub mod picture;
pub mod relation;
pub mod scope;
pub mod sentence;
pub mod spot;

#[cfg(test)]
pub(crate) mod testing;

pub use insights::Insights;
pub use karpenter::KarpenterVersion;
pub use known::Completeness;
pub use picture::Picture;
pub use scope::Scope;
pub use sentence::Sentence;
