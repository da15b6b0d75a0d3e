//! Accelerators that are there and cannot be used.

use super::super::NodePicture;
use super::{Occurrence, Rule, RuleInput, Severity};
use crate::fleet::{Kind, NodeRow};
use crate::insight::gpu::{DevicePlugin, NodeGpu};
use crate::insight::sentence::{Sentence, sentence};

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
               unhealthy.",
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
            let lost = gpu.advertised - gpu.allocatable;
            on(node, sentence![lost, " of ", gpu.advertised, " ", gpu.resource.to_string(), " cannot be allocated"])
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
