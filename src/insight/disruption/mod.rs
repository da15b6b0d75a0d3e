//! May Karpenter take a node, and what holds it.

pub mod budgets;
pub mod protection;

pub use budgets::{BudgetState, BudgetWindow};
pub use protection::{NodeAnnotation, Protection, ProtectionState};
