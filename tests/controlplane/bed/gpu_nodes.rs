//! Nodes with accelerators that a test makes by hand: shapes that Karpenter's simulated
//! cloud does not sell, because device plugins make them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::failure::Result;
use super::instance_types::{self, Machine, ZONES};

/// Keeps pods away that do not name the Node themselves.
const TAINT: &str = "nvidia.com/gpu";

/// A Node of a machine with NVIDIA devices, Ready from the start, with the labels that
/// Karpenter and NVIDIA's discovery put on it.
#[derive(Debug, Clone)]
pub struct GpuNodeSpec {
    name: String,
    machine: Machine,
    /// Units in capacity, and how many of them can be allocated, by resource.
    units: BTreeMap<String, (u32, u32)>,
    labels: Map<String, Value>,
}

impl GpuNodeSpec {
    /// A machine of this instance type: each device is one unit of `nvidia.com/gpu`.
    pub fn new(name: &str, instance_type: &str) -> Result<Self> {
        let machine = instance_types::machine(instance_type)?;
        let product = format!("NVIDIA-{}", machine.model.replace(' ', "-"));
        let devices = machine.devices;
        let spec = Self { name: name.to_owned(), machine, units: BTreeMap::new(), labels: Map::new() };
        let spec = spec.units("nvidia.com/gpu", devices).label("nvidia.com/gpu.present", "true");
        Ok(spec
            .label("nvidia.com/gpu.product", &product)
            .label("nvidia.com/gpu.count", &devices.to_string())
            .label("nvidia.com/gpu.replicas", "1")
            .label("nvidia.com/gpu.sharing-strategy", "none")
            .label("nvidia.com/mig.strategy", "none"))
    }

    /// So many pods take turns on each device.
    pub fn time_sliced(self, replicas: u32) -> Self {
        let units = self.machine.devices * replicas;
        let product = format!("{}-SHARED", self.product());
        self.units("nvidia.com/gpu", units)
            .label("nvidia.com/gpu.product", &product)
            .label("nvidia.com/gpu.replicas", &replicas.to_string())
            .label("nvidia.com/gpu.sharing-strategy", "time-slicing")
    }

    /// MIG with the strategy `mixed`: so many devices are split, each into these
    /// instances, for example `("1g.10gb", 7)`. The others stay whole, and only they are
    /// counted by the discovery.
    pub fn mig_mixed(self, split: u32, instances: &[(&str, u32)]) -> Self {
        let whole = self.machine.devices.saturating_sub(split);
        let product = self.product();
        let mut spec = self
            .units("nvidia.com/gpu", whole)
            .label("nvidia.com/mig.strategy", "mixed")
            .label("nvidia.com/gpu.count", &whole.to_string());
        for (profile, of_each) in instances {
            let (resource, count) = (format!("nvidia.com/mig-{profile}"), split * of_each);
            spec = spec
                .units(&resource, count)
                .label(&format!("{resource}.count"), &count.to_string())
                .label(&format!("{resource}.replicas"), "1")
                .label(&format!("{resource}.product"), &format!("{product}-MIG-{profile}"));
        }
        spec
    }

    /// The device plugin has not come up: nothing is advertised, and the discovery, which
    /// comes with it, has not labelled the Node. See [`super::Bed::advertise`].
    pub fn without_device_plugin(mut self) -> Self {
        self.units.clear();
        self.labels.clear();
        self
    }

    /// The device plugin found so many devices unhealthy: they are in capacity, and cannot
    /// be allocated.
    pub fn unhealthy(mut self, devices: u32) -> Self {
        for (units, allocatable) in self.units.values_mut() {
            *allocatable = units.saturating_sub(devices);
        }
        self
    }

    /// One label more.
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.insert(key.to_owned(), json!(value));
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The object, with its status.
    pub fn build(&self) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": self.name,
                "labels": self.all_labels(),
                // KWOK renews its Lease and runs its pods.
                "annotations": {"kwok.x-k8s.io/node": "fake"},
            },
            "spec": {
                "providerID": format!("aws:///{}/{}", ZONES[0], self.name),
                "taints": [{"key": TAINT, "value": "present", "effect": "NoSchedule"}],
            },
            "status": self.status(),
        })
    }

    fn units(mut self, resource: &str, count: u32) -> Self {
        self.units.insert(resource.to_owned(), (count, count));
        self
    }

    fn product(&self) -> String {
        self.labels.get("nvidia.com/gpu.product").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn all_labels(&self) -> Map<String, Value> {
        let mut labels = self.machine.labels.clone();
        labels.insert("kubernetes.io/hostname".to_owned(), json!(self.name));
        labels.extend(self.labels.clone());
        labels
    }

    fn status(&self) -> Value {
        let (mut capacity, mut allocatable) = (self.machine.resources.clone(), self.machine.resources.clone());
        for (resource, (units, free)) in &self.units {
            capacity[resource] = json!(units.to_string());
            allocatable[resource] = json!(free.to_string());
        }
        json!({
            "capacity": capacity,
            "allocatable": allocatable,
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status",
            }],
            "addresses": [
                {"type": "InternalIP", "address": "10.9.0.1"},
                {"type": "Hostname", "address": self.name},
            ],
            "nodeInfo": {
                "architecture": "amd64", "bootID": "", "containerRuntimeVersion": "containerd://2.1.5",
                "kernelVersion": "6.12.58", "kubeProxyVersion": "", "kubeletVersion": "v1.36.3", "machineID": "",
                "operatingSystem": "linux", "osImage": "Simulated by KWOK", "systemUUID": "",
            },
        })
    }
}
