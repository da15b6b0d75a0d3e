//! Accelerators that cannot be used, that do nothing, or of which nothing tells what they do.

use super::super::NodePicture;
use super::{Occurrence, Rule, RuleInput, Severity};
use crate::fleet::{Kind, NodeRow};
use crate::insight::gpu::{DevicePlugin, ExporterState, GpuClass, NodeActivity, NodeGpu, Vendor};
use crate::insight::phase::NodePhase;
use crate::insight::sentence::{Part, Sentence, sentence};

/// The rules of this family.
pub const RULES: &[Rule] = &[
    Rule {
        id: "DevicePluginMissing",
        severity: Severity::Warning,
        help: "The machine has accelerators, and the Node advertises none: its device plugin has not come up, or has \
               gone. It is billed, and no pod that requests one can run there.",
        hint: "look at the device plugin's pod on the node: kubectl get pods -A --field-selector spec.nodeName=NODE",
        check: nodes_without_plugin,
    },
    Rule {
        id: "GpuUnhealthy",
        severity: Severity::Warning,
        help: "The Node advertises more accelerators than can be allocated: its device plugin has found some of them \
               unhealthy, or a taint keeps pods off them.",
        hint: "look for XID errors in the kernel log of the node; draining it and replacing the machine is the usual way",
        check: nodes_with_unhealthy_devices,
    },
    Rule {
        id: "MigInvalid",
        severity: Severity::Warning,
        help: "NVIDIA's discovery says that the layout of the MIG instances is not one that its strategy allows: the \
               Node advertises no GPU.",
        hint: "make all instances alike (strategy single), or use the strategy mixed; label nvidia.com/mig.config",
        check: nodes_with_invalid_mig,
    },
    Rule {
        id: "GpuRogue",
        severity: Severity::Warning,
        help: "Something uses an accelerator that no pod has requested: a container with NVIDIA_VISIBLE_DEVICES=all, or a \
               process beside Kubernetes. The scheduler takes the device for free.",
        hint: "look for the process on the node (nvidia-smi), and for pods that set NVIDIA_VISIBLE_DEVICES",
        check: |input| of_class(input, GpuClass::Rogue),
    },
    Rule {
        id: "GpuIdle",
        severity: Severity::Warning,
        help: "The accelerators of the Node are requested, and do nothing.",
        hint: "ask the owner whether the pods need them; O on the node (:owners) has the command that ends them",
        check: |input| of_class(input, GpuClass::Idle),
    },
    Rule {
        id: "GpuParked",
        severity: Severity::Warning,
        help: "The accelerators of the Node are requested, have memory in use, and compute nothing: a model that nobody \
               asks, or a notebook that was left open.",
        hint: "ask the owner whether the pods need them; O on the node (:owners) has the command that ends them",
        check: |input| of_class(input, GpuClass::Parked),
    },
    Rule {
        id: "GpuStranded",
        severity: Severity::Warning,
        help: "No pod requests the accelerators of the Node, and pods that need none keep it.",
        hint: "keep such pods off by a taint on the NodePool, and move them: X on the node (:evict)",
        check: |input| of_class(input, GpuClass::Stranded),
    },
    Rule {
        id: "GpuUnallocated",
        severity: Severity::Info,
        help: "No pod requests the accelerators of the Node, and no other pod keeps it.",
        hint: "see why Karpenter does not take the node: its details say",
        check: |input| of_class(input, GpuClass::Unallocated),
    },
    Rule {
        id: "ExporterMissing",
        severity: Severity::Info,
        help: "No exporter of metrics runs on a Node with accelerators, so nothing tells whether they work.",
        hint: "let the DaemonSet of dcgm-exporter, device-metrics-exporter or neuron-monitor tolerate the node's taints",
        check: nodes_without_exporter,
    },
    Rule {
        id: "ExporterWithoutPodLabels",
        severity: Severity::Info,
        help: "The exporter does not say which pod has which accelerator, so batchtop takes the busiest for the requested \
               ones.",
        hint: "set DCGM_EXPORTER_KUBERNETES=true for dcgm-exporter, and mount the kubelet's pod-resources socket",
        check: nodes_without_pod_labels,
    },
];

/// A plugin needs minutes on a new Node; until then its absence is good to know, and no mistake.
const PLUGIN_GRACE_SECONDS: i64 = 600;

fn nodes_without_plugin(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let now = input.evaluator.now();
    let missing = with_plugin(input, DevicePlugin::NotRegistered);
    missing
        .map(|(node, gpu)| {
            let devices = match gpu.physical {
                Some(1) => Sentence::of("its device is"),
                count => sentence!["its ", count.unwrap_or_default(), " devices are"],
            };
            let message = sentence![devices, " not advertised as ", gpu.resource.to_string()];
            let found = on(node, message);
            let is_new = now.seconds_since(node.meta.created) < PLUGIN_GRACE_SECONDS;
            if is_new { found.with_severity(Severity::Info) } else { found }
        })
        .collect()
}

fn nodes_with_unhealthy_devices(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let unhealthy = with_plugin(input, DevicePlugin::Unhealthy);
    unhealthy
        .map(|(node, gpu)| {
            let resource = gpu.resource.to_string();
            match gpu.advertised - gpu.allocatable {
                0 => on(node, sentence!["a part of a device of ", resource, " cannot be allocated"]),
                lost => on(node, sentence![lost, " of ", gpu.advertised, " ", resource, " cannot be allocated"]),
            }
        })
        .collect()
}

/// How the discovery names a product whose MIG instances are not as they should be.
const INVALID: &str = "-MIG-INVALID";

fn nodes_with_invalid_mig(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let product = |node: &NodeRow| node.labels.get("nvidia.com/gpu.product").map(ToString::to_string);
    let invalid = input.fleet.nodes.iter().filter_map(|node| Some((node, product(node)?)));
    let invalid = invalid.filter(|(_, product)| product.ends_with(INVALID));
    invalid.map(|(node, product)| on(node, sentence!["its label nvidia.com/gpu.product is ", product])).collect()
}

/// The Nodes of a class, with why and what that costs. A Node that is starting has had no time to be put to use.
fn of_class(input: &RuleInput<'_>, class: GpuClass) -> Vec<Occurrence> {
    let of_class = with_activity(input).filter(|(.., activity)| activity.class == class);
    let in_use = of_class.filter(|(_, said, _)| said.phase != NodePhase::Starting);
    in_use
        .map(|(node, said, activity)| {
            let rate = said.cost.rate().filter(|_| class.is_waste());
            let costs = rate.map(|rate| sentence!["; the node costs ", Part::MicroUsd(rate), "/h"]);
            on(node, sentence![&activity.reason, costs])
        })
        .collect()
}

fn nodes_without_exporter(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let is_missing = |gpu: &NodeGpu, activity: &NodeActivity| {
        let has_exporters = matches!(gpu.vendor, Vendor::Nvidia | Vendor::Amd | Vendor::Aws);
        has_exporters
            && gpu.device_plugin != DevicePlugin::NotRegistered
            && activity.exporter.state == ExporterState::None
    };
    let missing = with_activity(input)
        .filter(|(_, said, activity)| said.gpu.as_ref().is_some_and(|gpu| is_missing(gpu, activity)));
    missing.map(|(node, ..)| on(node, Sentence::of("no exporter of GPU metrics runs on it"))).collect()
}

fn nodes_without_pod_labels(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let without = with_activity(input).filter(|(.., activity)| activity.exporter.state == ExporterState::NoPodLabels);
    without
        .map(|(node, _, activity)| {
            let exporter = activity.exporter.exporter.as_ref().map(|exporter| Part::Object(exporter.pod.clone()));
            on(node, sentence!["its exporter ", exporter, " names no pod"])
        })
        .collect()
}

/// The Nodes of whose accelerators it is known what they do.
fn with_activity<'a>(
    input: &'a RuleInput<'_>,
) -> impl Iterator<Item = (&'a NodeRow, &'a NodePicture, &'a NodeActivity)> {
    input.fleet.nodes.iter().filter_map(move |node| {
        let name = &node.meta.key.name;
        Some((node, input.evaluator.picture().node(name)?, &input.gpus.get(name)?.activity))
    })
}

/// The Nodes whose device plugin is in this state, with their accelerators.
fn with_plugin<'a>(input: &'a RuleInput<'_>, state: DevicePlugin) -> impl Iterator<Item = (&'a NodeRow, &'a NodeGpu)> {
    let gpu = |said: &'a NodePicture| said.gpu.as_ref();
    let known = input
        .fleet
        .nodes
        .iter()
        .filter_map(move |node| Some((node, input.evaluator.picture().node(&node.meta.key.name).and_then(gpu)?)));
    known.filter(move |(_, gpu)| gpu.device_plugin == state)
}

fn on(node: &NodeRow, message: Sentence) -> Occurrence {
    Occurrence::new(Kind::Node.name(), &node.meta.key, message)
}
