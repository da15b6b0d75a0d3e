//! The Nodes of the shown level with their GPUs by class, for the map of GPUs.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{App, machines};
use crate::fleet::Sym;
use crate::insight::gpu::{ByClass, GpuClass};

/// The worst first: what somebody has to look at, then what costs and does nothing.
const WORST_FIRST: [GpuClass; GpuClass::ALL.len()] = [
    GpuClass::Rogue,
    GpuClass::Idle,
    GpuClass::Parked,
    GpuClass::Stranded,
    GpuClass::Unallocated,
    GpuClass::Unknown,
    GpuClass::Busy,
];

/// All Nodes with GPUs of the shown level. Made with the rows, because a frame must not look at all Nodes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeviceMap {
    /// Those whose GPUs are counted, the worst first.
    pub nodes: Vec<MapNode>,
    /// How many there are whose GPUs cannot be counted.
    pub uncounted: usize,
    /// The GPUs of all counted Nodes.
    pub sum: ByClass,
    /// The NodePools of the counted Nodes; `None` for Nodes without.
    pub pools: BTreeSet<Option<Sym>>,
}

/// A Node with its GPUs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapNode {
    /// Name of the Node.
    pub name: Sym,
    /// Its NodePool, if it has one.
    pub pool: Option<Sym>,
    /// Its GPUs.
    pub by_class: ByClass,
}

impl MapNode {
    /// How many GPUs it has.
    pub fn gpus(&self) -> usize {
        usize::try_from(self.by_class.total()).unwrap_or(0)
    }

    /// Those with the worst class first, and of these those with the most of it.
    fn rank(&self) -> (usize, Reverse<i64>, &Option<Sym>, &Sym) {
        let worst = WORST_FIRST.iter().position(|class| self.by_class.get(*class) > 0).unwrap_or(WORST_FIRST.len());
        let count = WORST_FIRST.get(worst).map_or(0, |class| self.by_class.get(*class));
        (worst, Reverse(count), &self.pool, &self.name)
    }
}

impl DeviceMap {
    /// Of the Nodes of the shown level.
    pub fn of(app: &App) -> Self {
        let (mut nodes, mut uncounted) = (Vec::new(), 0);
        for node in machines::listed_nodes(app) {
            let name = &node.meta.key.name;
            let Some(state) = app.insights.gpus.of_node(name) else { continue };
            match state.activity.counted_by_class() {
                Some(by_class) => {
                    nodes.push(MapNode { name: name.clone(), pool: node.node_pool().cloned(), by_class });
                }
                None => uncounted += 1,
            }
        }
        Self::of_nodes(nodes, uncounted)
    }

    /// Of these Nodes and so many whose GPUs cannot be counted.
    pub fn of_nodes(mut nodes: Vec<MapNode>, uncounted: usize) -> Self {
        nodes.retain(|node| node.gpus() > 0);
        nodes.sort_unstable_by(|one, other| one.rank().cmp(&other.rank()));
        let mut sum = ByClass::default();
        nodes.iter().for_each(|node| sum.add_all(&node.by_class, 1));
        let pools = nodes.iter().map(|node| node.pool.clone()).collect();
        Self { nodes, uncounted, sum, pools }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_rank() {
        assert_eq!(WORST_FIRST.into_iter().collect::<BTreeSet<_>>().len(), GpuClass::ALL.len());
    }

    #[test]
    fn the_worst_nodes_come_first_and_nodes_without_gpus_not_at_all() {
        let node = |name: &str, counts: &[(GpuClass, i64)]| {
            let mut by_class = ByClass::default();
            counts.iter().for_each(|(class, count)| by_class.add(*class, *count));
            MapNode { name: Sym::new(name), pool: Some(Sym::new("gpu")), by_class }
        };
        let map = DeviceMap::of_nodes(
            vec![
                node("busy", &[(GpuClass::Busy, 8)]),
                node("none", &[]),
                node("one-idle", &[(GpuClass::Busy, 7), (GpuClass::Idle, 1)]),
                node("two-idle", &[(GpuClass::Busy, 2), (GpuClass::Idle, 2)]),
                node("rogue", &[(GpuClass::Rogue, 1)]),
            ],
            1,
        );
        let names: Vec<&str> = map.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["rogue", "two-idle", "one-idle", "busy"]);
        assert_eq!((map.sum.total(), map.sum.get(GpuClass::Idle), map.uncounted), (21, 3, 1));
    }
}
