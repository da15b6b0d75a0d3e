//! How busy the devices of all Nodes were lately, from what was told of them while batchtop ran.
//!
//! It is history and follows no later change: what a reading told then is kept until its time is over, or its Node is gone.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::fleet::{Changed, Fleet, NodeAnswers, NodeDevices, Sym};
use crate::insight::gpu::history::NodeHistory;
use crate::units::Time;

/// The histories of all Nodes of whose devices anything was told.
#[derive(Default)]
pub struct GpuHistories {
    nodes: HashMap<Sym, NodeHistory, RandomState>,
}

impl GpuHistories {
    /// Of one Node; `None` where nothing has been told of its devices.
    pub fn of_node(&self, name: &str) -> Option<&NodeHistory> {
        self.nodes.get(name)
    }

    /// Takes over what was told of the devices of Nodes, and forgets the Nodes that are gone.
    pub(super) fn follow(&mut self, fleet: &Fleet, changed: &Changed) {
        for name in &changed.nodes {
            let uid = fleet.node(name).map(|node| &node.meta.uid);
            if self.of_node(name).is_some_and(|history| !uid.is_some_and(|uid| history.is_of(uid))) {
                self.nodes.remove(name);
            }
        }
        for name in &changed.gpus {
            if let (Some(node), Some((at, told))) = (fleet.node(name), newest(fleet.gpus.of_node(name))) {
                let new = || NodeHistory::new(node.meta.uid.clone());
                self.nodes.entry(name.clone()).or_insert_with(new).record(at, &told.devices);
            }
        }
    }

    /// The Nodes that are remembered.
    #[cfg(test)]
    pub(super) fn names(&self) -> impl Iterator<Item = &Sym> {
        self.nodes.keys()
    }
}

/// What was told last, whoever told it, and when.
pub(super) fn newest(told: NodeAnswers<'_>) -> Option<(Time, &NodeDevices)> {
    let each = [told.prometheus, told.exporter].into_iter().flatten();
    each.filter_map(|devices| Some((devices.as_of?, devices))).max_by_key(|(at, _)| *at)
}
