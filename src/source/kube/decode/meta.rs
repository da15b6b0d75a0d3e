//! `metadata`, without what nothing reads: managedFields and most annotations are skipped unseen.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::DecodeError;
use super::text::{NAME_BYTES, Text, bounded_name, or_default};
use crate::fleet::{
    DO_NOT_DISRUPT, GpuFraction, GpuPart, Interner, Labels, Meta, ObjectKey, Owner, ResourceVersion, Stamps, Sym, Uid,
};
use crate::units::{Time, quantity};

/// When the pods of a NodeClaim are killed whatever protects them (karpenter pkg/apis/v1/labels.go).
const TERMINATION_TIMESTAMP: &str = "karpenter.sh/nodeclaim-termination-timestamp";

/// What AWS Fargate gives a pod (EKS writes it on every pod that runs there).
const CAPACITY_PROVISIONED: &str = "CapacityProvisioned";

/// What a ReplicaSet's controller deletes last, and what Karpenter adds to a pod's eviction cost
/// (kubernetes staging/src/k8s.io/api/core/v1/annotation_key_constants.go).
const POD_DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// How much of a GPU a pod takes by KAI's scheduler, or how much of its memory, and of how many (kai pkg/common/constants).
const GPU_FRACTION: &str = "gpu-fraction";
const GPU_MEMORY: &str = "gpu-memory";
const GPU_FRACTION_DEVICES: &str = "gpu-fraction-num-devices";

/// The PodGroup of a pod, as Volcano writes it on every pod that it schedules
/// (volcano-apis pkg/apis/scheduling/v1beta1/labels.go).
const VOLCANO_GROUP: &str = "scheduling.k8s.io/group-name";

/// How many annotations of an object with a time are kept.
const MOST_STAMPS: usize = 4;

/// `metadata` of any kind.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SlimMeta<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    namespace: Text<'a>,
    #[serde(borrow)]
    uid: Text<'a>,
    #[serde(borrow)]
    resource_version: Text<'a>,
    #[serde(borrow)]
    creation_timestamp: SlimTime<'a>,
    #[serde(borrow)]
    deletion_timestamp: SlimTime<'a>,
    deletion_grace_period_seconds: Option<i64>,
    #[serde(borrow, deserialize_with = "or_default")]
    labels: Pairs<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    annotations: Annotations<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    owner_references: Vec<SlimOwner<'a>>,
}

impl SlimMeta<'_> {
    /// Key, uid, resourceVersion and times: what the row of every kind begins with.
    pub(super) fn meta(&self, interner: &mut Interner) -> Result<Meta, DecodeError> {
        Ok(Meta {
            key: self.key(interner)?,
            uid: Uid::parse(identifying("metadata.uid", self.uid.some().ok_or(DecodeError::Missing("metadata.uid"))?)?),
            resource_version: ResourceVersion::parse(identifying("metadata.resourceVersion", &self.resource_version)?),
            created: time("metadata.creationTimestamp", &self.creation_timestamp)?
                .ok_or(DecodeError::Missing("metadata.creationTimestamp"))?,
            deletion: time("metadata.deletionTimestamp", &self.deletion_timestamp)?,
            deletion_grace_seconds: self.deletion_grace_period_seconds.unwrap_or(0),
        })
    }

    /// Namespace and name. Names hardly repeat, so they are not interned.
    pub(super) fn key(&self, interner: &mut Interner) -> Result<ObjectKey, DecodeError> {
        let name = self.name.some().ok_or(DecodeError::Missing("metadata.name"))?;
        let namespace = identifying("metadata.namespace", &self.namespace)?;
        Ok(ObjectKey { namespace: interner.sym(namespace), name: Sym::new(identifying("metadata.name", name)?) })
    }

    /// `resourceVersion`, where a watch goes on from.
    pub(super) fn resource_version(&self) -> Result<&str, DecodeError> {
        identifying("metadata.resourceVersion", &self.resource_version)
    }

    /// All labels of the object, interned.
    pub(super) fn labels(&self, interner: &mut Interner) -> Labels {
        interner.labels(self.labels.0.iter().map(|(key, value)| (bounded_name(key), &**value)).collect())
    }

    /// The owner that controls the object, else the first one.
    pub(super) fn owner(&self, interner: &mut Interner) -> Option<Arc<Owner>> {
        let owners = &self.owner_references;
        let owner = owners.iter().find(|owner| owner.controller).or_else(|| owners.first())?;
        let owner = Owner {
            api_version: interner.sym(&bounded_name(&owner.api_version)),
            kind: interner.sym(&bounded_name(&owner.kind)),
            name: interner.sym(&bounded_name(&owner.name)),
            uid: Uid::parse(&bounded_name(&owner.uid)),
        };
        Some(interner.owner(owner))
    }

    /// Annotation `karpenter.sh/do-not-disrupt`, verbatim; the empty string is a value.
    pub(super) fn do_not_disrupt(&self, interner: &mut Interner) -> Option<Sym> {
        self.annotations.do_not_disrupt.as_ref().map(|value| interner.sym(value))
    }

    /// Annotation `controller.kubernetes.io/pod-deletion-cost`, verbatim.
    pub(super) fn deletion_cost(&self, interner: &mut Interner) -> Option<Sym> {
        self.annotations.deletion_cost.as_ref().map(|value| interner.sym(value))
    }

    /// Annotation `CapacityProvisioned` of a pod on Fargate, verbatim.
    pub(super) fn capacity_provisioned(&self, interner: &mut Interner) -> Option<Sym> {
        self.annotations.capacity_provisioned.as_ref().map(|value| interner.sym(value))
    }

    /// What KAI's annotations say of shared GPUs (kai pkg/common/resources/gpu_sharing.go); `None` where there are none that
    /// can be read.
    pub(super) fn gpu_fraction(&self) -> Option<GpuFraction> {
        let annotations = &self.annotations;
        let part = match (&annotations.gpu_fraction, &annotations.gpu_memory) {
            (Some(fraction), _) => GpuPart::Thousandths(quantity::millis(fraction)?),
            (None, Some(memory)) => GpuPart::MemoryMib(memory.parse().ok()?),
            (None, None) => return None,
        };
        let devices = annotations.gpu_fraction_devices.as_ref().map_or(Some(1), |count| count.parse().ok())?;
        Some(GpuFraction { part, devices })
    }

    /// Annotation `scheduling.k8s.io/group-name`.
    pub(super) fn volcano_group(&self, interner: &mut Interner) -> Option<Sym> {
        let name = self.annotations.volcano_group.as_ref().and_then(Text::some);
        name.map(|name| interner.sym(&bounded_name(name)))
    }

    /// Annotations that hold a time, Kubernetes' own aside: the first few.
    pub(super) fn stamps(&self, interner: &mut Interner) -> Stamps {
        self.annotations.stamps.iter().map(|(key, at)| (interner.sym(&bounded_name(key)), *at)).collect()
    }

    /// Whether any owner, controlling or not, is of this apiVersion and kind.
    pub(super) fn is_owned_by(&self, api_version: &str, kind: &str) -> bool {
        self.owner_references.iter().any(|owner| &*owner.api_version == api_version && &*owner.kind == kind)
    }

    /// Annotation `karpenter.sh/nodeclaim-termination-timestamp`; `None` where it is absent or not a time.
    pub(super) fn termination_at(&self) -> Option<Time> {
        self.annotations.termination_at.as_ref().and_then(|value| Time::parse(value))
    }
}

/// A text that tells objects apart, if it is not too long.
fn identifying<'t>(field: &'static str, text: &'t str) -> Result<&'t str, DecodeError> {
    if text.len() > NAME_BYTES { Err(DecodeError::TooLong(field)) } else { Ok(text) }
}

/// A time as it is encoded: text in JSON, a number in protobuf. Absent, `null` and the zero time are the empty text.
pub(super) enum SlimTime<'a> {
    /// As RFC 3339 writes it, or what stands in its place.
    Text(Text<'a>),
    /// Microseconds since 1970.
    Micros(i64),
}

impl Default for SlimTime<'_> {
    fn default() -> Self {
        Self::Text(Text::default())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for SlimTime<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // JSON hands the visitor the value itself, so that a number there is the text that it is.
        deserializer.deserialize_newtype_struct("SlimTime", TimeVisitor)
    }
}

struct TimeVisitor;

impl<'de> Visitor<'de> for TimeVisitor {
    type Value = SlimTime<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        Text::deserialize(deserializer).map(SlimTime::Text)
    }

    fn visit_i64<E: serde::de::Error>(self, micros: i64) -> Result<Self::Value, E> {
        Ok(SlimTime::Micros(micros))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(SlimTime::default())
    }
}

/// A time that may be absent.
pub(super) fn time(field: &'static str, time: &SlimTime<'_>) -> Result<Option<Time>, DecodeError> {
    let read = |value| Time::parse(value).ok_or_else(|| DecodeError::malformed(field, value));
    match time {
        SlimTime::Text(text) => text.some().map(read).transpose(),
        SlimTime::Micros(micros) => Ok(Some(Time::from_micros(*micros))),
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct SlimOwner<'a> {
    #[serde(borrow)]
    api_version: Text<'a>,
    #[serde(borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    uid: Text<'a>,
    #[serde(deserialize_with = "or_default")]
    controller: bool,
}

/// A map of text to text, in the order of the response.
#[derive(Default)]
pub(super) struct Pairs<'a>(pub(super) Vec<(Text<'a>, Text<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

/// The annotations that batchtop reads.
#[derive(Default)]
struct Annotations<'a> {
    do_not_disrupt: Option<Text<'a>>,
    deletion_cost: Option<Text<'a>>,
    termination_at: Option<Text<'a>>,
    capacity_provisioned: Option<Text<'a>>,
    gpu_fraction: Option<Text<'a>>,
    gpu_memory: Option<Text<'a>>,
    gpu_fraction_devices: Option<Text<'a>>,
    volcano_group: Option<Text<'a>>,
    stamps: Vec<(Text<'a>, Time)>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Annotations<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AnnotationsVisitor)
    }
}

struct AnnotationsVisitor;

impl<'de> Visitor<'de> for AnnotationsVisitor {
    type Value = Annotations<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut kept = Annotations::default();
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match &*key {
                DO_NOT_DISRUPT => kept.do_not_disrupt = Some(map.next_value()?),
                POD_DELETION_COST => kept.deletion_cost = Some(map.next_value()?),
                TERMINATION_TIMESTAMP => kept.termination_at = Some(map.next_value()?),
                CAPACITY_PROVISIONED => kept.capacity_provisioned = Some(map.next_value()?),
                GPU_FRACTION => kept.gpu_fraction = Some(map.next_value()?),
                GPU_MEMORY => kept.gpu_memory = Some(map.next_value()?),
                GPU_FRACTION_DEVICES => kept.gpu_fraction_devices = Some(map.next_value()?),
                VOLCANO_GROUP => kept.volcano_group = Some(map.next_value()?),
                other if kept.stamps.len() < MOST_STAMPS && !is_of_kubernetes(other) => {
                    let MaybeTime(time) = map.next_value()?;
                    kept.stamps.extend(time.map(|at| (key, at)));
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(kept)
    }
}

/// Whether Kubernetes or one of its projects writes the annotation, by the domain of its key.
fn is_of_kubernetes(key: &str) -> bool {
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    domain.ends_with("kubernetes.io") || domain.ends_with("k8s.io")
}

/// A value that may be a time; anything else is passed over without a copy of it.
struct MaybeTime(Option<Time>);

impl<'de> Deserialize<'de> for MaybeTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MaybeTimeVisitor).map(Self)
    }
}

struct MaybeTimeVisitor;

impl<'de> Visitor<'de> for MaybeTimeVisitor {
    type Value = Option<Time>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        // What RFC 3339 may write; most other texts differ here.
        let may_be_time = (20..=35).contains(&text.len()) && matches!(text.as_bytes().get(10), Some(b'T' | b't'));
        Ok(may_be_time.then(|| Time::parse(text)).flatten())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_that_is_no_text_is_passed_over() {
        let json = r#"{"a":null,"b":5,"c":-5,"d":0.5,"e":true,"f":[1,[2]],"g":{"h":{}},"i":"2026-11-21T10:00:00Z"}"#;
        let found: Annotations<'_> = serde_json::from_str(json).expect("read");
        let keys: Vec<&str> = found.stamps.iter().map(|(key, _)| &**key).collect();
        assert_eq!(keys, ["i"]);
    }
}
