//! Objects that tests create, with the fields that tests vary. Everything is JSON,
//! which is YAML too.

use serde_json::{Map, Value, json};

/// Annotations that steer the simulated kubelet, in a Job's pod template or later on.
pub mod annotation {
    /// On a pod: it succeeds now.
    pub const COMPLETE: &str = "test.batchtop.io/complete";
    /// On a pod: it succeeds after running this long, for example `5s`.
    pub const RUN_FOR: &str = "test.batchtop.io/run-for";
    /// On a pod: it fails now with this exit code; 137 reads OOMKilled.
    pub const FAIL: &str = "test.batchtop.io/fail";
    /// On a pod: bound, but Pending in ContainerCreating while it exists.
    pub const HOLD: &str = "test.batchtop.io/hold";
    /// On a pod: runs unready. On a Node: KWOK does not make it Ready again.
    pub const NOT_READY: &str = "test.batchtop.io/not-ready";
    /// On a NodePool's template, and so on its Nodes: what device plugins advertise is not
    /// there when the Node is Ready. See [`super::super::Bed::advertise`].
    pub const LATE_DEVICES: &str = "test.batchtop.io/late-devices";
    /// On a pod: stays Terminating while it exists.
    pub const HOLD_TERMINATING: &str = "test.batchtop.io/hold-terminating";
    /// On a pod: time until the first kubelet event, with one of the following.
    pub const SANDBOX: &str = "test.batchtop.io/sandbox";
    /// On a pod: pulls its image this long, with kubelet's events.
    pub const PULL: &str = "test.batchtop.io/pull";
    /// On a pod: the pull and its wait in the queue together.
    pub const PULL_TOTAL: &str = "test.batchtop.io/pull-total";
    /// On a pod: size of the image in bytes.
    pub const PULL_SIZE: &str = "test.batchtop.io/pull-size";
    /// On a pod: the image is on the node, and an event says so.
    pub const IMAGE_PRESENT: &str = "test.batchtop.io/image-present";
    /// On a pod: the pull fails with this text.
    pub const PULL_ERROR: &str = "test.batchtop.io/pull-error";
}

/// What a pod is made of; also the template of a Job.
#[derive(Debug, Clone)]
pub struct PodSpec {
    cpu: String,
    memory: String,
    accelerator: Option<(String, u32)>,
    annotations: Map<String, Value>,
    labels: Map<String, Value>,
    node_selector: Map<String, Value>,
    /// Merged over the rest of the spec.
    fields: Map<String, Value>,
}

impl Default for PodSpec {
    fn default() -> Self {
        Self::new()
    }
}

impl PodSpec {
    /// One container that asks for 1 CPU and 1 GiB.
    pub fn new() -> Self {
        Self {
            cpu: "1".into(),
            memory: "1Gi".into(),
            accelerator: None,
            annotations: Map::new(),
            labels: Map::new(),
            node_selector: Map::new(),
            fields: Map::new(),
        }
    }

    /// CPU request, a Kubernetes quantity.
    pub fn cpu(mut self, quantity: &str) -> Self {
        quantity.clone_into(&mut self.cpu);
        self
    }

    /// Memory request, a Kubernetes quantity.
    pub fn memory(mut self, quantity: &str) -> Self {
        quantity.clone_into(&mut self.memory);
        self
    }

    /// Requests this many `nvidia.com/gpu`.
    pub fn gpus(self, count: u32) -> Self {
        self.accelerator("nvidia.com/gpu", count)
    }

    /// Requests this many devices of a resource such as `aws.amazon.com/neuron`.
    pub fn accelerator(mut self, resource: &str, count: u32) -> Self {
        self.accelerator = Some((resource.to_owned(), count));
        self
    }

    /// One annotation more.
    pub fn annotation(mut self, key: &str, value: &str) -> Self {
        self.annotations.insert(key.to_owned(), json!(value));
        self
    }

    /// One label more.
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.insert(key.to_owned(), json!(value));
        self
    }

    /// Only on nodes of this NodePool.
    pub fn on_pool(self, pool: &str) -> Self {
        self.on_nodes_with("karpenter.sh/nodepool", pool)
    }

    /// Only on nodes with this label.
    pub fn on_nodes_with(mut self, key: &str, value: &str) -> Self {
        self.node_selector.insert(key.to_owned(), json!(value));
        self
    }

    /// Sets any other field of the pod's spec: `field("priorityClassName", json!("high"))`.
    pub fn field(mut self, name: &str, value: Value) -> Self {
        self.fields.insert(name.to_owned(), value);
        self
    }

    /// A bare Pod.
    pub fn build(&self, namespace: &str, name: &str) -> Value {
        let mut pod = self.template();
        pod["apiVersion"] = json!("v1");
        pod["kind"] = json!("Pod");
        pod["metadata"]["namespace"] = json!(namespace);
        pod["metadata"]["name"] = json!(name);
        pod
    }

    fn template(&self) -> Value {
        let mut resources = json!({
            "requests": {"cpu": self.cpu, "memory": self.memory},
            "limits": {"memory": self.memory},
        });
        if let Some((resource, count)) = &self.accelerator {
            for side in ["requests", "limits"] {
                resources[side][resource] = json!(count.to_string());
            }
        }
        let mut spec = json!({
            "restartPolicy": "Never",
            "nodeSelector": self.node_selector,
            "containers": [{"name": "main", "image": "registry.example/work:1", "resources": resources}],
        });
        for (name, value) in &self.fields {
            spec[name] = value.clone();
        }
        json!({"metadata": {"labels": self.labels, "annotations": self.annotations}, "spec": spec})
    }
}

/// A Job.
#[derive(Debug, Clone)]
pub struct JobSpec {
    namespace: String,
    name: String,
    pod: PodSpec,
    fields: Map<String, Value>,
}

impl JobSpec {
    /// A Job with one pod that does not retry.
    pub fn new(namespace: &str, name: &str, pod: PodSpec) -> Self {
        let fields = Map::from_iter([("backoffLimit".to_owned(), json!(0))]);
        Self { namespace: namespace.to_owned(), name: name.to_owned(), pod, fields }
    }

    /// This many pods, all at once.
    pub fn pods(self, count: u32) -> Self {
        self.field("parallelism", json!(count)).field("completions", json!(count))
    }

    /// Sets any other field of the Job's spec.
    pub fn field(mut self, name: &str, value: Value) -> Self {
        self.fields.insert(name.to_owned(), value);
        self
    }

    /// The object.
    pub fn build(&self) -> Value {
        let mut spec = Value::Object(self.fields.clone());
        spec["template"] = self.pod.template();
        json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"namespace": self.namespace, "name": self.name},
            "spec": spec,
        })
    }
}

/// The label of the pods of [`dcgm_exporter`].
pub const DCGM_EXPORTER: (&str, &str) = ("app", "nvidia-dcgm-exporter");

/// dcgm-exporter as NVIDIA's operator deploys it, on the Nodes with this label.
pub fn dcgm_exporter(namespace: &str, (label, value): (&str, &str)) -> Value {
    let (app, name) = DCGM_EXPORTER;
    json!({
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"namespace": namespace, "name": name, "labels": {app: name}},
        "spec": {
            "selector": {"matchLabels": {app: name}},
            "template": {
                "metadata": {"labels": {app: name}},
                "spec": {
                    "nodeSelector": {label: value},
                    "tolerations": [{"operator": "Exists"}],
                    "containers": [{
                        "name": name,
                        "image": "nvcr.io/nvidia/k8s/dcgm-exporter:4.5.3-4.8.2-distroless",
                        "ports": [{"name": "metrics", "containerPort": 9400}],
                    }],
                },
            },
        },
    })
}

/// A NodePool of the simulated cloud.
#[derive(Debug, Clone)]
pub struct NodePoolSpec {
    name: String,
    requirements: Vec<Value>,
    labels: Map<String, Value>,
    annotations: Map<String, Value>,
    budgets: Vec<Value>,
    disruption: Map<String, Value>,
    template: Map<String, Value>,
    fields: Map<String, Value>,
}

impl NodePoolSpec {
    /// On-demand nodes of any type in the first zone, which Karpenter must not touch
    /// (budget 0) until [`Self::budget`] says otherwise: Karpenter's own default, 10 %,
    /// is one node in a small pool, which then goes while a test prepares it.
    pub fn new(name: &str) -> Self {
        let pool = Self {
            name: name.to_owned(),
            requirements: Vec::new(),
            labels: Map::new(),
            annotations: Map::new(),
            budgets: Vec::new(),
            disruption: Map::new(),
            template: Map::new(),
            fields: Map::new(),
        };
        pool.capacity_types(&["on-demand"])
            .zones(&[super::instance_types::ZONES[0]])
            .consolidate_after("0s")
            .disruption("consolidationPolicy", json!("WhenEmptyOrUnderutilized"))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Only these instance types.
    pub fn instance_types(self, names: &[&str]) -> Self {
        self.requirement("node.kubernetes.io/instance-type", names)
    }

    /// Only these zones.
    pub fn zones(self, names: &[&str]) -> Self {
        self.requirement("topology.kubernetes.io/zone", names)
    }

    /// Only these of `on-demand` and `spot`.
    pub fn capacity_types(self, names: &[&str]) -> Self {
        self.requirement("karpenter.sh/capacity-type", names)
    }

    /// Requires a label to have one of these values; replaces an earlier requirement on it.
    pub fn requirement(mut self, key: &str, values: &[&str]) -> Self {
        self.requirements.retain(|requirement| requirement["key"] != key);
        self.requirements.push(json!({"key": key, "operator": "In", "values": values}));
        self
    }

    /// One label more for its nodes.
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.insert(key.to_owned(), json!(value));
        self
    }

    /// One annotation more for its nodes.
    pub fn annotation(mut self, key: &str, value: &str) -> Self {
        self.annotations.insert(key.to_owned(), json!(value));
        self
    }

    /// One disruption budget more, such as `{"nodes": "1", "reasons": ["Empty"]}`.
    pub fn budget(mut self, budget: Value) -> Self {
        self.budgets.push(budget);
        self
    }

    /// No disruption budgets but those that follow; none means that no node may be disrupted.
    pub fn no_budgets(mut self) -> Self {
        self.budgets.clear();
        self
    }

    /// `consolidateAfter`: a duration or `Never`.
    pub fn consolidate_after(self, duration: &str) -> Self {
        self.disruption("consolidateAfter", json!(duration))
    }

    /// `consolidationPolicy`.
    pub fn policy(self, policy: &str) -> Self {
        self.disruption("consolidationPolicy", json!(policy))
    }

    /// `expireAfter`: a duration or `Never` (the default here).
    pub fn expire_after(self, duration: &str) -> Self {
        self.template("expireAfter", json!(duration))
    }

    /// `terminationGracePeriod`, a duration.
    pub fn termination_grace_period(self, duration: &str) -> Self {
        self.template("terminationGracePeriod", json!(duration))
    }

    /// Sets any field of `spec.disruption`.
    pub fn disruption(mut self, name: &str, value: Value) -> Self {
        self.disruption.insert(name.to_owned(), value);
        self
    }

    /// Sets any field of `spec.template.spec`: taints, startupTaints.
    pub fn template(mut self, name: &str, value: Value) -> Self {
        self.template.insert(name.to_owned(), value);
        self
    }

    /// Sets any field of `spec`: replicas, weight, limits.
    pub fn field(mut self, name: &str, value: Value) -> Self {
        self.fields.insert(name.to_owned(), value);
        self
    }

    /// The object.
    pub fn build(&self) -> Value {
        let mut template = json!({
            "expireAfter": "Never",
            "requirements": self.requirements,
            "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"},
        });
        for (name, value) in &self.template {
            template[name] = value.clone();
        }
        let mut disruption = Value::Object(self.disruption.clone());
        disruption["budgets"] = if self.budgets.is_empty() { json!([{"nodes": "0"}]) } else { json!(self.budgets) };
        let mut spec = Value::Object(self.fields.clone());
        spec["disruption"] = disruption;
        let metadata = json!({"labels": self.labels, "annotations": self.annotations});
        spec["template"] = json!({"metadata": metadata, "spec": template});
        json!({
            "apiVersion": "karpenter.sh/v1",
            "kind": "NodePool",
            "metadata": {"name": self.name},
            "spec": spec,
        })
    }
}
