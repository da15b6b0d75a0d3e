//! An Event: its whole message, and what it belongs to.

use super::super::facts::Seen;
use super::super::{Line, events, format};
use super::Page;
use crate::config::Role;
use crate::fleet::{EventType, ObjectKey};
use crate::insight::relation;

/// The whole text.
pub(super) fn page(app: &Seen<'_>, key: &ObjectKey) -> Option<Page> {
    let event = app.app().fleet.events.get(key)?;
    let mut page = Page::new("Event", if event.reason.is_empty() { &key.name } else { &event.reason });
    page.line(Line::plain(event.message.trim()));
    page.section("WHAT AND WHEN");
    page.fact("object", Line::of(Role::TextStrong, events::object(event)));
    page.fact_if("Node", relation::node_of_event(&app.app().fleet, event));
    let last = format!("{} ({})", format::clock_seconds(app.now, event.at), format::relative(app.now, event.at));
    page.fact("last", Line::plain(last));
    let count = format::count(event.count);
    page.fact("seen", Line::plain(format!("{count}×, since {}", format::clock_seconds(app.now, event.meta.created))));
    let (kind, role) = match event.kind {
        EventType::Normal => ("Normal", Role::Text),
        EventType::Warning => ("Warning", Role::Warn),
    };
    page.fact("type", Line::of(role, kind));
    page.fact_if("from", Some(&event.source));
    Some(page)
}
