//! The listed rows as the snapshot has them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{GpuDetail, snapshot};
use crate::app::{App, RowKey, Screen};
use crate::fleet::{Key, Kind};

/// The listed rows that are objects of the snapshot, in the order in which they are listed.
pub fn rows(app: &App) -> Vec<Value> {
    let document = serde_json::to_value(snapshot(app, GpuDetail::Sums)).unwrap_or_default();
    let mut indices: BTreeMap<&'static str, BTreeMap<String, &Value>> = BTreeMap::new();
    let keys = app.ui.listing.rows.iter().filter_map(RowKey::object);
    keys.filter_map(|key| {
        let place = Place::of(app, key)?;
        let index = indices.entry(place.array).or_insert_with(|| index(&document, &place));
        index.get(&place.name).map(|value| (*value).clone())
    })
    .collect()
}

/// Where a row is in the document.
struct Place {
    array: &'static str,
    /// The fields that tell its entries apart.
    fields: [&'static str; 2],
    /// The values of these fields, joined.
    name: String,
}

impl Place {
    fn of(app: &App, key: &Key) -> Option<Self> {
        let named = |array, fields: [&'static str; 2]| {
            Some(Self { array, fields, name: format!("{}/{}", key.object.namespace, key.object.name) })
        };
        match key.kind {
            Kind::Node => named("nodes", ["", "name"]),
            Kind::NodeClaim => named("nodeClaims", ["", "name"]),
            Kind::NodePool => named("nodePools", ["", "name"]),
            Kind::Pod if app.ui.level.screen == Screen::Starts => named("coldStarts", ["namespace", "pod"]),
            Kind::Pod => named("pods", ["namespace", "name"]),
            Kind::Job => named("jobs", ["namespace", "name"]),
            Kind::Event => {
                let uid = app.fleet.events.get(&key.object)?.meta.uid.to_string();
                Some(Self { array: "events", fields: ["", "uid"], name: format!("/{uid}") })
            }
            _ => None,
        }
    }
}

fn index<'d>(document: &'d Value, place: &Place) -> BTreeMap<String, &'d Value> {
    let text = |entry: &Value, field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let [namespace, name] = place.fields;
    let entries = document.get(place.array).and_then(Value::as_array);
    let named = |entry: &'d Value| (format!("{}/{}", text(entry, namespace), text(entry, name)), entry);
    entries.into_iter().flatten().map(named).collect()
}
