//! Incidents: what happened to Nodes.

use super::{App, Scope};
use crate::fleet::{Key, Kind, ObjectKey, Sym};
use crate::insight::Completeness;
use crate::insight::cost::{CostGroup, GroupBy};
use crate::insight::incidents::{self, Incident, IncidentKey};

/// All incidents of the shown level, the newest first.
pub fn all(app: &App) -> Vec<Incident> {
    let are_nodes_known = Completeness::new(&app.sources).all(Kind::Node);
    let mut found = incidents::incidents(&app.fleet, are_nodes_known);
    found.retain(|incident| is_in_scope(app, incident));
    found
}

/// Whether namespaces and labels that narrow Events leave something of it, and it is about the object of the level.
fn is_in_scope(app: &App, incident: &Incident) -> bool {
    let of_level = match &app.ui.level.scope {
        Some(Scope::About(object)) => {
            let named = [incident.node.as_ref(), incident.claim.as_ref(), Some(&incident.key.name)];
            let is_pod = object.kind == "Pod" && incident.pods.iter().any(|pod| pod.key == object.key);
            is_pod || named.into_iter().flatten().any(|name| *name == object.key.name)
        }
        _ => true,
    };
    let is_narrowed = app.scope.namespaces.is_some() || app.scope.selector.is_some();
    let mut events = incident.events.iter().filter_map(|key| app.fleet.events.get(key));
    of_level && (!is_narrowed || events.any(|event| app.scope.has_event(&app.fleet, event)))
}

/// The incident of a key, where it is listed.
pub fn find<'a>(app: &'a App, key: &IncidentKey) -> Option<&'a Incident> {
    app.ui.listing.incidents.iter().find(|incident| incident.key == *key)
}

/// The Node of an incident, where it is still there.
pub fn node_of(app: &App, key: &IncidentKey) -> Option<Key> {
    let node = find(app, key)?.node.as_ref().and_then(|name| app.fleet.node(name))?;
    Some(Key::new(Kind::Node, node.meta.key.clone()))
}

/// What the Node of an incident costs, or cost while batchtop looked on, in micro-dollars per hour; `None` where that is not
/// known.
pub fn rate(app: &App, incident: &Incident) -> Option<i64> {
    let node = incident.node.as_ref()?;
    let is_it = |name: &Sym| app.fleet.nodes.get(&ObjectKey::cluster(name)).is_some();
    if is_it(node) {
        return app.insights.picture.node(node)?.cost.rate();
    }
    let paid = app.insights.ledger.paid_by(&(GroupBy::Node, CostGroup::Named(node.clone())));
    let seconds = i128::from(paid.observed_seconds);
    if seconds <= 0 {
        return None;
    }
    i64::try_from(paid.exact() / seconds).ok()
}
