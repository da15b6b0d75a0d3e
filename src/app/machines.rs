//! The machines of the shown level: Nodes, and NodeClaims that have none yet.

use super::devices::{self, DeviceGroup, DeviceGroupKey};
use super::rows::RowRef;
use super::{App, Scope, payers};
use crate::fleet::NodeRow;
use crate::insight::spot::SpotPoolKey;

/// Nodes, and NodeClaims that have none yet, as far as the level goes.
pub fn listed(app: &App) -> Vec<RowRef<'_>> {
    let (fleet, scope) = (&app.fleet, &app.scope);
    let nodes = fleet.nodes.iter().filter(|node| scope.has_node(node)).map(RowRef::Node);
    let waiting = app.insights.picture.claims_without_node(fleet).filter(|claim| scope.has_claim(fleet, claim));
    let rows = nodes.chain(waiting.map(RowRef::Claim));
    match &app.ui.level.scope {
        Some(Scope::NodePool(pool)) => rows.filter(|row| row.node_pool(fleet) == Some(pool)).collect(),
        Some(Scope::CostKey(payer)) => rows.filter(|row| payers::is_machine_of(app, *row, payer)).collect(),
        Some(Scope::SpotPool(pool)) => rows.filter(|row| is_in_pool(app, *row, pool)).collect(),
        Some(Scope::DeviceGroup(group)) => rows.filter(|row| has_devices_of(app, *row, group)).collect(),
        _ => rows.collect(),
    }
}

/// Whether a row is a Node of a spot pool.
fn is_in_pool(app: &App, row: RowRef<'_>, pool: &SpotPoolKey) -> bool {
    let RowRef::Node(node) = row else { return false };
    app.insights.spot.node(&node.meta.key.name).is_some_and(|spot| spot.pool == *pool)
}

/// Whether a row is a Node with devices of a group.
fn has_devices_of(app: &App, row: RowRef<'_>, (by, group): &DeviceGroupKey) -> bool {
    let RowRef::Node(node) = row else { return false };
    devices::of_node(app, node).iter().any(|device| DeviceGroup::of(device, *by, app) == *group)
}

/// The Nodes among them.
pub fn listed_nodes(app: &App) -> impl Iterator<Item = &NodeRow> {
    listed(app).into_iter().filter_map(|row| if let RowRef::Node(node) = row { Some(node) } else { None })
}
