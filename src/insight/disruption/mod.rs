//! May Karpenter take a node, and what holds it.

pub mod balance;
pub mod blocker;
pub mod budgets;
pub mod eviction;
pub mod evidence;
pub mod facts;
pub mod gates;
pub mod hazards;
pub mod held;
pub mod next_command;
pub mod node_inputs;
pub mod not_before;
pub mod placement;
pub mod pods;
pub mod protection;
pub mod reason;
pub mod standing;
pub mod turn;
pub mod verdict;
pub mod words;

pub use blocker::{Blocker, BlockerKind, Evidence};
pub use budgets::{BudgetState, BudgetWindow, PoolBudgets};
pub use facts::{Drift, Facts};
pub use gates::{Doubt, Gate, GateResult, Undecided};
pub use hazards::{Hazard, HazardKind, Outlook};
pub use held::{HeldMemory, Remembered};
pub use next_command::{Command, NextCommand, next_commands};
pub use node_inputs::{BrokenNodes, ClaimCounts, Complete, NodeInputs, Pause, PoolInputs};
pub use not_before::NotBefore;
pub use pods::{BudgetIndex, NodePods};
pub use protection::{NodeAnnotation, Protection, ProtectionState};
pub use reason::{May, Reason, Reasons};
pub use standing::{Broken, Standing};
pub use turn::{Chance, Turn};
pub use verdict::{Disruption, Verdict, judge};
