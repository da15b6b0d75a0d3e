//! Where a pod surely cannot be placed, by conditions that the simulation of every Karpenter since 1.0 asks. Each function
//! errs on one side: what is not certain to fail counts as possible.
//!
//! Sources: karpenter pkg/controllers/provisioning/scheduling (existingnode.go, nodeclaim.go: CanAdd), pkg/scheduling
//! (requirements.go: Compatible, taints.go: ToleratesPod) and pkg/utils/resources (Fits).

use crate::fleet::{
    DEVICE_CLASS_RESOURCE, GpuCount, NodeOperator, NodePoolRow, NodeRequirement, Placement, PodRow, Resources, Sym,
    Taint,
};
use crate::insight::sentence::{Fragment, Sentence, sentence};

/// What a pod demands of the node that it is moved to.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// What it requests.
    pub requests: &'a Resources,
    /// What it demands besides.
    pub placement: &'a Placement,
}

impl<'a> Demand<'a> {
    /// What this pod demands; `None` where that is not known for certain.
    pub fn of(pod: &'a PodRow) -> Option<Self> {
        let is_certain = !pod.placement.claims_volumes && !pod.placement.has_doubtful_requests;
        is_certain.then_some(Self { requests: &pod.requests, placement: &pod.placement })
    }

    /// Each resource that it takes, with the amount, accelerators first: there are the fewest of these.
    pub fn amounts(&self) -> Vec<(Resource, i64)> {
        let is_plain = |gpu: &&GpuCount| !gpu.resource.starts_with(DEVICE_CLASS_RESOURCE);
        let gpus = self.requests.gpus.iter().filter(is_plain);
        let gpus = gpus.map(|gpu| (Resource::Gpu(gpu.resource.clone()), gpu.count));
        let others = [
            (Resource::Memory, self.requests.memory_bytes),
            (Resource::Cpu, self.requests.cpu_millis),
            (Resource::Pods, 1),
        ];
        gpus.chain(others).filter(|(_, amount)| *amount > 0).collect()
    }

    /// Whether a node may have the labels that it demands.
    pub fn may_select<'n>(&self, label: impl Fn(&str) -> Option<&'n Sym> + Copy) -> bool {
        let selector = &self.placement.node_selector;
        // A node that lacks the newer name of a label may have the older one.
        let is_hidden = |key: &Sym| !self.is_clear(key) || (has_older_names(key) && label(key).is_none());
        let has = |(key, value): &(Sym, Sym)| is_hidden(key) || label(key) == Some(value);
        let meets = |one: &NodeRequirement| is_hidden(&one.key) || may_meet(one, label(&one.key));
        let affinity = &self.placement.node_affinity;
        selector.iter().all(has) && (affinity.is_empty() || affinity.iter().any(|term| term.iter().all(meets)))
    }

    /// Whether it may tolerate all taints of a node. Karpenter takes away the taint of its own disruption, and may take no notice
    /// of `PreferNoSchedule`.
    pub fn may_tolerate(&self, taints: &[Taint]) -> bool {
        taints.iter().all(|taint| self.may_tolerate_one(taint))
    }

    fn may_tolerate_one(&self, taint: &Taint) -> bool {
        let is_hard = matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute");
        let is_of_karpenter = taint.key.starts_with("karpenter.sh/");
        !is_hard || is_of_karpenter || self.placement.tolerations.iter().any(|one| one.tolerates(taint))
    }

    /// Whether what a key means is certain: Karpenter knows some labels by several names, those of its cloud provider too
    /// (pkg/apis/v1/labels.go, NormalizedLabels), and works out what several demands on one label have in common.
    fn is_clear(&self, key: &Sym) -> bool {
        let in_selector = self.placement.node_selector.iter().filter(|(known, _)| known == key).count();
        let in_term = |term: &Vec<NodeRequirement>| term.iter().filter(|one| one.key == *key).count();
        let in_terms = self.placement.node_affinity.iter().map(in_term).max().unwrap_or(0);
        in_selector + in_terms == 1 && (has_one_name(key) || (has_older_names(key) && !self.names_by_other_names()))
    }

    /// Whether it demands a label by one of several names, which may stand for another one.
    fn names_by_other_names(&self) -> bool {
        let selector = self.placement.node_selector.iter().map(|(key, _)| key);
        let affinity = self.placement.node_affinity.iter().flatten().map(|one| &one.key);
        selector.chain(affinity).any(|key| is_other_name(key))
    }

    /// Why no node that a NodePool launches can take the pod; `None` where one may.
    pub fn refusal(&self, pool: &NodePoolRow) -> Option<Sentence> {
        let name = &pool.meta.key.name;
        if let Some(taint) = pool.template.taints.iter().find(|taint| !self.may_tolerate_one(taint)) {
            return Some(sentence!["it does not tolerate taint ", taint_text(taint), " of NodePool ", name]);
        }
        self.missing_label(pool).map(|label| sentence!["NodePool ", name, " launches none with ", label])
    }

    /// The label that no node of a NodePool has, though the pod demands it.
    fn missing_label(&self, pool: &NodePoolRow) -> Option<String> {
        let by_selector = self
            .placement
            .node_selector
            .iter()
            .find(|(key, value)| self.is_clear(key) && !may_launch(pool, key, std::slice::from_ref(value)));
        if let Some((key, value)) = by_selector {
            return Some(format!("{key}={value}"));
        }
        let is_missing = |one: &&NodeRequirement| {
            one.operator == NodeOperator::In && self.is_clear(&one.key) && !may_launch(pool, &one.key, &one.values)
        };
        let mut missing = self.placement.node_affinity.iter().map(|term| term.iter().find(is_missing));
        let first = missing.next()??;
        missing.all(|one| one.is_some()).then(|| requirement_text(first))
    }

    /// The labels that it demands, as kubectl writes them.
    pub fn labels_text(&self) -> String {
        let selector = self.placement.node_selector.iter().map(|(key, value)| format!("{key}={value}"));
        let term = |term: &Vec<NodeRequirement>| term.iter().map(requirement_text).collect::<Vec<String>>().join(",");
        let terms: Vec<String> = self.placement.node_affinity.iter().map(term).collect();
        selector.chain(Some(terms.join(" or ")).filter(|terms| !terms.is_empty())).collect::<Vec<String>>().join(",")
    }
}

fn requirement_text(one: &NodeRequirement) -> String {
    let values: Vec<&str> = one.values.iter().map(Sym::as_str).collect();
    match one.operator {
        NodeOperator::In if values.len() == 1 => format!("{}={}", one.key, values.concat()),
        NodeOperator::In => format!("{} in ({})", one.key, values.join(",")),
        NodeOperator::NotIn => format!("{} not in ({})", one.key, values.join(",")),
        NodeOperator::Exists => one.key.to_string(),
        NodeOperator::DoesNotExist => format!("!{}", one.key),
        NodeOperator::Other => format!("{} ? {}", one.key, values.join(",")),
    }
}

fn taint_text(taint: &Taint) -> String {
    let value = if taint.value.is_empty() { String::new() } else { format!("={}", taint.value) };
    format!("{}{value}:{}", taint.key, taint.effect)
}

/// Whether a label is one that Karpenter knows by other names too, and this is the name that it takes.
fn has_older_names(key: &str) -> bool {
    matches!(
        key,
        "topology.kubernetes.io/zone"
            | "topology.kubernetes.io/region"
            | "node.kubernetes.io/instance-type"
            | "kubernetes.io/arch"
            | "kubernetes.io/os"
    )
}

/// Whether a label may be another name of one that Karpenter knows; of storage drivers it knows those of zones.
fn is_other_name(key: &str) -> bool {
    let is_of_driver = ["topology.", "csi."].iter().any(|start| key.starts_with(start)) || key.contains(".csi.");
    !has_older_names(key) && (is_of_driver || key.contains("beta.kubernetes.io/") || key.contains("failure-domain"))
}

/// Whether Karpenter knows a label by this name alone.
fn has_one_name(key: &str) -> bool {
    !has_older_names(key) && !is_other_name(key)
}

/// Whether a node with this value of the label, if it has one, may meet a demand.
fn may_meet(one: &NodeRequirement, value: Option<&Sym>) -> bool {
    match (one.operator, value) {
        (NodeOperator::In, value) => value.is_some_and(|value| one.values.contains(value)),
        (NodeOperator::NotIn, value) => value.is_none_or(|value| !one.values.contains(value)),
        (NodeOperator::Exists, value) => value.is_some(),
        (NodeOperator::DoesNotExist, value) => value.is_none(),
        (NodeOperator::Other, _) => true,
    }
}

/// The label of which no new node has a value that is known before (nodeclaim.go, NewNodeClaim).
const HOSTNAME: &str = "kubernetes.io/hostname";

/// Whether a NodePool may launch a node on which a label has one of these values. Of a label that it says nothing about it
/// may, unless that has no prefix: those that a provider knows by itself all have one.
fn may_launch(pool: &NodePoolRow, key: &Sym, values: &[Sym]) -> bool {
    if key == HOSTNAME {
        return false;
    }
    if key == "karpenter.sh/nodepool" {
        return values.contains(&pool.meta.key.name);
    }
    let template = &pool.template;
    if has_older_names(key) && template.requirements.iter().any(|one| is_other_name(&one.key)) {
        return true;
    }
    let labels = || template.labels.iter().filter(|(known, _)| known == key).map(|(_, value)| value);
    let requirements = || template.requirements.iter().filter(|one| one.key == *key);
    let is_offered =
        |value: &Sym| labels().all(|known| known == value) && requirements().all(|one| may_meet(one, Some(value)));
    let is_named = labels().next().is_some() || requirements().next().is_some();
    (is_named || key.contains('/')) && values.iter().any(is_offered)
}

/// A resource of a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Resource {
    /// CPU, in thousandths of a core.
    Cpu,
    /// Memory, in bytes.
    Memory,
    /// Room for one pod more.
    Pods,
    /// An accelerator resource, in its own units.
    Gpu(Sym),
}

/// Fractions of bytes are rounded up where they are read, in each container.
const ROUNDING_BYTES: i64 = 1 << 20;

impl Resource {
    /// How much of it stands in `amounts`; `None` where nothing is said of it.
    pub fn of(&self, amounts: &Resources) -> Option<i64> {
        let said = |amount: i64| (amount > 0).then_some(amount);
        match self {
            Self::Cpu => said(amounts.cpu_millis),
            Self::Memory => said(amounts.memory_bytes),
            Self::Pods => said(amounts.pods),
            Self::Gpu(name) => Some(amounts.gpu(name)),
        }
    }

    /// Whether so much of it is surely more than there is.
    pub const fn exceeds(&self, wanted: i64, there_is: i64) -> bool {
        match self {
            Self::Memory => wanted.saturating_sub(ROUNDING_BYTES) > there_is,
            _ => wanted > there_is,
        }
    }

    /// An amount as manifests write it; none below zero.
    pub fn amount(&self, amount: i64) -> String {
        let amount = amount.max(0);
        match self {
            Self::Cpu if amount % 1000 == 0 => (amount / 1000).to_string(),
            Self::Cpu => format!("{amount}m"),
            Self::Memory if amount % (1 << 30) == 0 => format!("{}Gi", amount >> 30),
            Self::Memory => format!("{}Mi", amount >> 20),
            Self::Pods | Self::Gpu(_) => amount.to_string(),
        }
    }
}

impl Fragment for &Resource {
    fn append_to(self, sentence: &mut Sentence) {
        match self {
            Resource::Cpu => "cpu".append_to(sentence),
            Resource::Memory => "memory".append_to(sentence),
            Resource::Pods => "pods".append_to(sentence),
            Resource::Gpu(name) => name.append_to(sentence),
        }
    }
}
