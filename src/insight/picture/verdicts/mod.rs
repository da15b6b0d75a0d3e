//! What Karpenter's own tests and code say of a node, asked of the whole engine: from rows through the join to the answer.

mod any;
mod drain;
mod evidence;
mod gates;
mod not_before;
mod properties;
mod simulation;
mod versions;
mod world;
