//! The selected row, and what keys act on.

use std::collections::BTreeSet;

use super::{App, Detail, DeviceKey, ObservedKey, Opened, RowKey, Ui, devices, incidents};
use crate::fleet::{Key, Kind, ObjectKey};

/// The row at the cursor; `None` while there are no rows.
pub fn current(ui: &Ui) -> Option<&RowKey> {
    ui.listing.rows.get(ui.listing.cursor)
}

/// Selects the row of this index, or the last one.
pub fn select(ui: &mut Ui, index: usize) {
    let index = index.min(ui.listing.rows.len().saturating_sub(1));
    if let Some(key) = ui.listing.rows.get(index) {
        ui.level.selected = Some(key.clone());
        ui.listing.cursor = index;
    }
}

/// The object an action is about: that of the details where they are open, else the selected row. Of a device it is its
/// Node, of what was observed of machines their NodePool.
pub fn subject(app: &App) -> Option<Key> {
    opened(app).or_else(|| match current(&app.ui)? {
        RowKey::Object(key) => Some(key.clone()),
        RowKey::Device(device) => Some(Key::new(Kind::Node, ObjectKey::cluster(&device.node))),
        RowKey::Observed(observed) => match &**observed {
            ObservedKey::NodePool(name) => Some(Key::new(Kind::NodePool, ObjectKey::cluster(name))),
            ObservedKey::Image { .. } => None,
        },
        RowKey::Matter(matter) => app.ui.desk.find(matter)?.about.clone(),
        RowKey::Incident(incident) => incidents::node_of(app, incident),
        RowKey::CostKey(_) | RowKey::DeviceGroup(_) | RowKey::SpotPool(_) | RowKey::SpotZone(_) => None,
    })
}

/// The object that a mark on a row marks: the row itself, or what it is about.
pub fn marked<'a>(ui: &'a Ui, row: &'a RowKey) -> Option<&'a Key> {
    match row {
        RowKey::Matter(matter) => ui.desk.find(matter)?.about.as_ref(),
        row => row.object(),
    }
}

/// Whether a row is marked, or what it is about.
pub fn is_marked(app: &App, row: &RowKey) -> bool {
    !app.ui.marks.is_empty() && marked(&app.ui, row).is_some_and(|key| app.ui.marks.contains(key))
}

/// Of what opening the selected row shows the details.
pub fn to_open(app: &App) -> Option<Opened> {
    match current(&app.ui)? {
        RowKey::SpotPool(pool) => Some(Opened::SpotPool((**pool).clone())),
        RowKey::Incident(incident) => Some(Opened::Incident((**incident).clone())),
        RowKey::Observed(observed) if matches!(**observed, ObservedKey::Image { .. }) => {
            Some(Opened::Observed((**observed).clone()))
        }
        _ => subject(app).map(Opened::Object),
    }
}

/// The objects that a write is about; those of a device are the pods that have it.
pub fn subjects(app: &App) -> BTreeSet<Key> {
    let device = current(&app.ui).and_then(RowKey::device).filter(|_| opened(app).is_none());
    match device {
        Some(device) => pods_of(app, device),
        None => subject(app).into_iter().collect(),
    }
}

/// The objects that an action on several is about: the opened one, else the marked ones, else [`subjects`].
pub fn chosen(app: &App) -> BTreeSet<Key> {
    if opened(app).is_none() && !app.ui.marks.is_empty() { app.ui.marks.clone() } else { subjects(app) }
}

/// Whether a write is about the pods of a device.
pub fn is_of_device(app: &App) -> bool {
    opened(app).is_none() && current(&app.ui).and_then(RowKey::device).is_some()
}

fn pods_of(app: &App, device: &DeviceKey) -> BTreeSet<Key> {
    let holders = devices::find(app, device).map_or_else(Vec::new, |row| row.holders());
    holders.into_iter().map(|pod| Key::new(Kind::Pod, pod.clone())).collect()
}

/// The name of the opened or selected object; of a device its identity, of a spot pool its type and zone.
pub fn name(app: &App) -> Option<String> {
    let device = current(&app.ui).and_then(RowKey::device).filter(|_| opened(app).is_none());
    let uuid = device.and_then(|device| device.id.as_ref()).map(|id| id.uuid.to_string());
    let pool = current(&app.ui).and_then(RowKey::spot_pool).map(ToString::to_string);
    uuid.or(pool).or_else(|| Some(subject(app)?.object.name.to_string()))
}

fn opened(app: &App) -> Option<Key> {
    app.ui.level.detail.as_ref().and_then(Detail::object).cloned()
}

/// The entry before or after, around the ends; the first one for an entry that is not there.
pub fn neighbour_in<T: Copy + PartialEq>(all: &[T], entry: T, by: isize) -> T {
    let Some(at) = all.iter().position(|other| *other == entry) else { return all.first().copied().unwrap_or(entry) };
    let next = (at.cast_signed() + by).rem_euclid(all.len().cast_signed());
    all.get(next.cast_unsigned()).copied().unwrap_or(entry)
}
