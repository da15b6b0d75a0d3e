//! Changes on which orders and filters depend.

use crate::fleet::Kind;
use crate::insight::insights::{Dependency, Part};

/// What orders and filters by verdicts depend on.
pub const VERDICTS: Dependency = Dependency::Part(Part::Verdicts);

/// What orders and filters by what accelerators do depend on.
pub const GPUS: Dependency = Dependency::Part(Part::Gpus);

/// What orders and filters by prices of machines depend on.
pub const PRICES: &[Dependency] =
    &[Dependency::Prices, Dependency::Kind(Kind::NodeOverlay), Dependency::Part(Part::Rates)];
