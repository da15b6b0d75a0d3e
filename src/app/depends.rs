//! Changes on which orders and filters depend.

use crate::fleet::Kind;
use crate::insight::insights::{Dependency, Part};

/// What orders and filters by verdicts depend on.
pub const VERDICTS: Dependency = Dependency::Part(Part::Verdicts);

/// What orders and filters by starts of pods depend on.
pub const STARTS: &[Dependency] = &[Dependency::Part(Part::Starts)];

/// What orders by how long starts take depend on.
pub const STARTS_BY_TIME: &[Dependency] = &[Dependency::Part(Part::Starts), Dependency::Minute];

/// What orders by the dollars of starts depend on. What of a Node concerns its pods changes their starts, too.
pub const START_COSTS: &[Dependency] =
    &[Dependency::Part(Part::Starts), Dependency::Minute, Dependency::Kind(Kind::NodeOverlay), Dependency::Prices];

/// What orders and filters by what accelerators do depend on.
pub const GPUS: Dependency = Dependency::Part(Part::Gpus);

/// What orders and filters by where spot capacity stands depend on.
pub const SPOT: Dependency = Dependency::Part(Part::Spot);

const SLICES: Dependency = Dependency::Kind(Kind::ResourceSlice);
const CLAIMS: Dependency = Dependency::Kind(Kind::ResourceClaim);
const CLASSES: Dependency = Dependency::Kind(Kind::DeviceClass);

/// What orders by how many accelerators there are on machines depend on, besides the machines: of two names of the same
/// devices those count that pods request.
pub const GPUS_THERE: &[Dependency] = &[SLICES, Dependency::Kind(Kind::Pod)];

/// What orders by how many accelerators a pod requests depend on, besides the pod: a part of the memory of a
/// device is one of the devices of its Node.
pub const GPUS_OF_POD: &[Dependency] = &[SLICES, CLAIMS, CLASSES, Dependency::Kind(Kind::Node)];

/// What orders and filters by accelerators depend on where pods are counted together.
pub const GPUS_OF_PODS: &[Dependency] = &[Dependency::Kind(Kind::Pod), SLICES, CLAIMS, CLASSES];

/// What orders and filters by prices of machines depend on.
pub const PRICES: &[Dependency] =
    &[Dependency::Prices, Dependency::Kind(Kind::NodeOverlay), Dependency::Part(Part::Rates)];

/// What filters by dollars of machines, pods and Jobs depend on.
pub const DOLLARS: &[Dependency] = &[
    Dependency::Prices,
    Dependency::Kind(Kind::NodeOverlay),
    Dependency::Kind(Kind::Node),
    Dependency::Kind(Kind::Pod),
    Dependency::Part(Part::Rates),
];
