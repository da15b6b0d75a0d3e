//! Resource lists: quantities of CPU, memory, pods and accelerators; everything else is skipped.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::DecodeError;
use super::text::{Text, bounded_name};
use crate::fleet::{GpuCount, Interner, Resources, is_gpu_resource};
use crate::units::quantity;

/// A `ResourceList`: quantities by resource name.
#[derive(Clone, Default)]
pub(super) struct ResourceList<'a> {
    cpu: Option<Text<'a>>,
    memory: Option<Text<'a>>,
    pods: Option<Text<'a>>,
    gpus: Vec<(Text<'a>, Text<'a>)>,
}

impl<'de: 'a, 'a> Deserialize<'de> for ResourceList<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ListVisitor)
    }
}

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = ResourceList<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of quantities")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut list = ResourceList::default();
        while let Some(name) = map.next_key::<Text<'de>>()? {
            match &*name {
                "cpu" => list.cpu = Some(map.next_value()?),
                "memory" => list.memory = Some(map.next_value()?),
                "pods" => list.pods = Some(map.next_value()?),
                other if is_gpu_resource(other) => list.gpus.push((name, map.next_value()?)),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(list)
    }
}

impl ResourceList<'_> {
    /// Fills in from `limits` what is not requested, as the API server defaults pods (and as nothing defaults the pod
    /// template of a Job).
    pub(super) fn or_limits(mut self, limits: &Self) -> Self {
        self.cpu = self.cpu.or_else(|| limits.cpu.clone());
        self.memory = self.memory.or_else(|| limits.memory.clone());
        for (name, count) in &limits.gpus {
            if !self.gpus.iter().any(|(requested, _)| requested == name) {
                self.gpus.push((name.clone(), count.clone()));
            }
        }
        self
    }

    /// The amounts, in numbers.
    pub(super) fn resources(&self, interner: &mut Interner) -> Result<Resources, DecodeError> {
        let mut gpus = Vec::with_capacity(self.gpus.len());
        for (name, count) in &self.gpus {
            gpus.push(GpuCount { resource: interner.sym(&bounded_name(name)), count: units("accelerators", count)? });
        }
        gpus.sort_by(|a, b| a.resource.cmp(&b.resource));
        Ok(Resources {
            cpu_millis: self.cpu.as_ref().map_or(Ok(0), |text| millis("cpu", text))?,
            memory_bytes: self.memory.as_ref().map_or(Ok(0), |text| units("memory", text))?,
            pods: self.pods.as_ref().map_or(Ok(0), |text| units("pods", text))?,
            gpus,
            fraction: None,
        })
    }

    /// Whether this list states an amount of CPU or memory.
    pub(super) const fn states_cpu_or_memory(&self) -> bool {
        self.cpu.is_some() || self.memory.is_some()
    }

    /// Replaces in `amounts` what this list states of CPU and memory: requests of a whole pod (KEP-2837) cover these two
    /// and hugepages only.
    pub(super) fn replace_pod_level(&self, amounts: &mut Resources) -> Result<(), DecodeError> {
        if let Some(cpu) = &self.cpu {
            amounts.cpu_millis = millis("cpu", cpu)?;
        }
        if let Some(memory) = &self.memory {
            amounts.memory_bytes = units("memory", memory)?;
        }
        Ok(())
    }
}

fn millis(field: &'static str, text: &str) -> Result<i64, DecodeError> {
    quantity::millis(text).ok_or_else(|| DecodeError::malformed(field, text))
}

fn units(field: &'static str, text: &str) -> Result<i64, DecodeError> {
    quantity::units(text).ok_or_else(|| DecodeError::malformed(field, text))
}

/// Adds `more` to `sum`, resource by resource.
pub(super) fn add(sum: &mut Resources, more: &Resources) {
    combine(sum, more, i64::saturating_add);
}

/// Raises `sum` to `other` where that is larger, resource by resource.
pub(super) fn raise(sum: &mut Resources, other: &Resources) {
    combine(sum, other, i64::max);
}

fn combine(into: &mut Resources, other: &Resources, op: fn(i64, i64) -> i64) {
    into.cpu_millis = op(into.cpu_millis, other.cpu_millis);
    into.memory_bytes = op(into.memory_bytes, other.memory_bytes);
    into.pods = op(into.pods, other.pods);
    for gpu in &other.gpus {
        match into.gpus.iter_mut().find(|known| known.resource == gpu.resource) {
            Some(known) => known.count = op(known.count, gpu.count),
            None => into.gpus.push(gpu.clone()),
        }
    }
}
