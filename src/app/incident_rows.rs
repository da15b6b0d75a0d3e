//! The rows of incidents: what happened to Nodes, each in one.

use super::App;
use super::field::Field;
use super::filter::Filter;
use super::rank::Rank;
use super::rows::RowKey;
use super::screens::Order;
use crate::insight::incidents::Incident;

/// Those that meet the filter, in order, and how many there are before it.
pub fn build(app: &App) -> (Vec<RowKey>, usize) {
    let level = &app.ui.level;
    let filter = Filter::parse(&level.filter, level.table());
    let all = &app.ui.listing.incidents;
    let rank = |incident| match level.sort.column.order {
        Order::Incidents(rank) => rank(incident, app),
        _ => Rank::LAST,
    };
    let kept = all.iter().filter(|incident| filter.is_empty() || meets(&filter, incident));
    let mut ranked: Vec<(Rank<'_>, &Incident)> = kept.map(|incident| (rank(incident), incident)).collect();
    // A stable sort: equals stay as they are, the newest first.
    ranked.sort_by(|(a, _), (b, _)| a.compare(*b, level.sort));
    let rows = ranked.into_iter().map(|(_, incident)| RowKey::Incident(Box::new(incident.key.clone())));
    (rows.collect(), all.len())
}

fn meets(filter: &Filter, incident: &Incident) -> bool {
    let names = [Some(&incident.key.name), incident.claim.as_ref()];
    let names = names.into_iter().flatten().map(|name| (Field::Name, name.as_str()));
    let node = incident.node.iter().map(|node| (Field::Node, node.as_str()));
    let pods = incident
        .pods
        .iter()
        .flat_map(|pod| [(Field::Pod, pod.key.name.as_str()), (Field::Namespace, pod.key.namespace.as_str())]);
    let words = [
        (Field::Status, incident.key.kind.name()),
        (Field::Reason, incident.reason.as_str()),
        (Field::Message, incident.message.as_str()),
    ];
    let texts: Vec<(Field, &str)> = names.chain(node).chain(pods).chain(words).collect();
    filter.meets_texts(&texts)
}
