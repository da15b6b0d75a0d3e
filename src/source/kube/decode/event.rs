//! core/v1 Event, as the old and the new recorder of client-go write it.

use serde::Deserialize;

use super::event_class::classify;
use super::meta::{SlimMeta, SlimTime, time};
use super::text::{Text, bounded, bounded_name, or_default};
use super::{DecodeError, Project};
use crate::fleet::kinds::Events;
use crate::fleet::{EventObject, EventRow, EventType, Interner, ObjectKey, Sym, Uid};

/// One Event, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SlimEvent<'a> {
    #[serde(borrow)]
    metadata: SlimMeta<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    involved_object: SlimObject<'a>,
    #[serde(borrow, default)]
    reason: Text<'a>,
    #[serde(borrow, default)]
    message: Text<'a>,
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    source: SlimSource<'a>,
    #[serde(borrow, default)]
    reporting_component: Text<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    series: Series<'a>,
    #[serde(borrow, default)]
    first_timestamp: SlimTime<'a>,
    #[serde(borrow, default)]
    last_timestamp: SlimTime<'a>,
    #[serde(borrow, default)]
    event_time: SlimTime<'a>,
    #[serde(default, deserialize_with = "or_default")]
    count: u32,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct SlimObject<'a> {
    #[serde(borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    namespace: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    uid: Text<'a>,
    #[serde(borrow)]
    field_path: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SlimSource<'a> {
    #[serde(borrow)]
    component: Text<'a>,
    #[serde(borrow)]
    host: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Series<'a> {
    #[serde(deserialize_with = "or_default")]
    count: u32,
    #[serde(borrow)]
    last_observed_time: SlimTime<'a>,
}

impl Project for Events {
    type Slim<'a> = SlimEvent<'a>;

    fn row(slim: &SlimEvent<'_>, interner: &mut Interner) -> Result<EventRow, DecodeError> {
        let meta = slim.metadata.meta(interner)?;
        let kind = if &*slim.kind == "Normal" { EventType::Normal } else { EventType::Warning };
        let source = slim.source.component.some().unwrap_or(&slim.reporting_component);
        let event_time = time("eventTime", &slim.event_time)?;
        let last_seen = time("series.lastObservedTime", &slim.series.last_observed_time)?
            .or(time("lastTimestamp", &slim.last_timestamp)?)
            .or(event_time);
        let first_seen = time("firstTimestamp", &slim.first_timestamp)?.or(event_time);
        Ok(EventRow {
            at: last_seen.unwrap_or(meta.created),
            first: first_seen.unwrap_or(meta.created),
            count: [slim.series.count, slim.count].into_iter().find(|&count| count > 0).unwrap_or(1),
            kind,
            reason: interner.sym(&bounded_name(&slim.reason)),
            object: object(&slim.involved_object, interner),
            object_uid: slim.involved_object.uid.some().map(|uid| Uid::parse(&bounded_name(uid))),
            container: container(&slim.involved_object.field_path).map(|name| interner.sym(&bounded_name(name))),
            message: interner.sym(&bounded(&slim.message)),
            source: interner.sym(&bounded_name(source)),
            host: slim.source.host.some().map(|host| interner.sym(&bounded_name(host))),
            class: classify(&slim.reason, kind, source, &slim.message),
            meta,
        })
    }
}

/// The container of `spec.containers{name}` or `spec.initContainers{name}`
/// (kubernetes pkg/kubelet/container/ref.go).
fn container(field_path: &str) -> Option<&str> {
    let rest = field_path.strip_prefix("spec.containers").or_else(|| field_path.strip_prefix("spec.initContainers"))?;
    rest.strip_prefix('{')?.strip_suffix('}')
}

fn object(slim: &SlimObject<'_>, interner: &mut Interner) -> EventObject {
    let key = ObjectKey {
        namespace: interner.sym(&bounded_name(&slim.namespace)),
        name: Sym::new(&bounded_name(&slim.name)),
    };
    EventObject { kind: interner.sym(&bounded_name(&slim.kind)), key }
}
