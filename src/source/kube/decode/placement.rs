//! What pods and NodePools say about labels, taints and ports of nodes.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::meta::Pairs;
use super::pod_spec::{PodSpec, Toleration};
use super::text::{Text, bounded_name, or_default};
use crate::fleet::{self, HostPort, Interner, NodeOperator, NodeRequirement, Placement, Sym, Taint};

/// `affinity` of a pod, as far as it decides where a pod can be placed at all.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_field_names, reason = "named as in Kubernetes")]
pub(super) struct Affinity<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    node_affinity: NodeAffinity<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pod_affinity: PodAffinity<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pod_anti_affinity: PodAffinity<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct NodeAffinity<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    required_during_scheduling_ignored_during_execution: NodeSelector<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    preferred_during_scheduling_ignored_during_execution: Vec<Preference<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Preference<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    preference: Term<'a>,
}

/// Affinity to other pods, or the opposite, required or preferred.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct PodAffinity<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    required_during_scheduling_ignored_during_execution: Vec<TopologyTerm<'a>>,
    #[serde(borrow, deserialize_with = "or_default")]
    preferred_during_scheduling_ignored_during_execution: Vec<WeightedTerm<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WeightedTerm<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    pod_affinity_term: TopologyTerm<'a>,
}

/// What names the label by which pods are brought together or spread.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TopologyTerm<'a> {
    #[serde(borrow)]
    topology_key: Text<'a>,
}

/// The label that tells spot capacity from other.
const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";

impl Affinity<'_> {
    fn steers_capacity_type(&self) -> bool {
        let preferences = self.node_affinity.preferred_during_scheduling_ignored_during_execution.iter();
        let mut keys = preferences.flat_map(|one| &one.preference.match_expressions).map(|one| &*one.key);
        keys.any(|key| key == CAPACITY_TYPE)
            || self.pod_affinity.steers_capacity_type()
            || self.pod_anti_affinity.steers_capacity_type()
    }
}

impl PodAffinity<'_> {
    fn steers_capacity_type(&self) -> bool {
        let preferred = self.preferred_during_scheduling_ignored_during_execution.iter();
        let preferred = preferred.map(|one| &one.pod_affinity_term);
        let mut all = self.required_during_scheduling_ignored_during_execution.iter().chain(preferred);
        all.any(TopologyTerm::is_of_capacity_type)
    }
}

impl TopologyTerm<'_> {
    fn is_of_capacity_type(&self) -> bool {
        &*self.topology_key == CAPACITY_TYPE
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct NodeSelector<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    node_selector_terms: Vec<Term<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Term<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    match_expressions: Vec<SlimRequirement<'a>>,
}

/// A demand on a label, of a node or of a pod.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct SlimRequirement<'a> {
    #[serde(borrow)]
    key: Text<'a>,
    #[serde(borrow)]
    operator: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    values: Vec<Text<'a>>,
}

/// A taint of a Node or of a NodePool's template.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct SlimTaint<'a> {
    #[serde(borrow)]
    key: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
    #[serde(borrow)]
    effect: Text<'a>,
}

/// One port of a container.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ContainerPort<'a> {
    #[serde(deserialize_with = "or_default")]
    host_port: i32,
    #[serde(borrow)]
    protocol: Text<'a>,
    #[serde(borrow, rename = "hostIP")]
    host_ip: Text<'a>,
}

/// One volume: whether it is of a PersistentVolumeClaim.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Volume {
    persistent_volume_claim: Option<IgnoredAny>,
    ephemeral: Option<IgnoredAny>,
    /// Protobuf has the sources in a message of their own.
    #[serde(rename = "volumeSource", deserialize_with = "or_default")]
    source: VolumeSource,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct VolumeSource {
    persistent_volume_claim: Option<IgnoredAny>,
    ephemeral: Option<IgnoredAny>,
}

impl Volume {
    const fn is_claimed(&self) -> bool {
        self.persistent_volume_claim.is_some()
            || self.ephemeral.is_some()
            || self.source.persistent_volume_claim.is_some()
            || self.source.ephemeral.is_some()
    }
}

impl SlimTaint<'_> {
    pub(super) fn taint(&self, interner: &mut Interner) -> Taint {
        Taint {
            key: interner.sym(&bounded_name(&self.key)),
            value: interner.sym(&bounded_name(&self.value)),
            effect: interner.sym(&bounded_name(&self.effect)),
        }
    }
}

impl SlimRequirement<'_> {
    /// Key, operator, values.
    pub(super) fn parts(&self) -> (&str, &str, Vec<&str>) {
        (&self.key, &self.operator, self.values.iter().map(|value| &**value).collect())
    }

    pub(super) fn requirement(&self, interner: &mut Interner) -> NodeRequirement {
        NodeRequirement {
            key: interner.sym(&bounded_name(&self.key)),
            operator: NodeOperator::parse(&self.operator),
            values: self.values.iter().map(|value| interner.sym(&bounded_name(value))).collect(),
        }
    }
}

/// Whether a pod can move to another node, which is what its demands on nodes are kept for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mobility {
    /// It would run elsewhere.
    Movable,
    /// It belongs to its node: a DaemonSet's, or a mirror pod.
    OfItsNode,
}

/// What a pod demands of a node, besides what it requests.
pub(super) fn placement(spec: &PodSpec<'_>, mobility: Mobility, interner: &mut Interner) -> Placement {
    let ports = spec.containers.iter().flat_map(|container| &container.ports);
    let host_ports = ports.filter(|port| port.host_port != 0).map(|port| host_port(port, interner)).collect();
    let claims_volumes = spec.volumes.iter().any(Volume::is_claimed);
    let of_its_node = Placement { host_ports, claims_volumes, ..Placement::default() };
    if mobility == Mobility::OfItsNode {
        return of_its_node;
    }
    let terms = &spec.affinity.node_affinity.required_during_scheduling_ignored_during_execution.node_selector_terms;
    Placement {
        tolerations: spec.tolerations.iter().map(|one| toleration(one, interner)).collect(),
        node_selector: pairs(&spec.node_selector, interner),
        steers_capacity_type: spec.affinity.steers_capacity_type()
            || spec.topology_spread_constraints.iter().any(TopologyTerm::is_of_capacity_type),
        node_affinity: terms.iter().map(|term| requirements(&term.match_expressions, interner)).collect(),
        ..of_its_node
    }
}

/// Demands on labels, in their order.
pub(super) fn requirements(slim: &[SlimRequirement<'_>], interner: &mut Interner) -> Vec<NodeRequirement> {
    slim.iter().map(|one| one.requirement(interner)).collect()
}

/// Labels by key.
pub(super) fn pairs(slim: &Pairs<'_>, interner: &mut Interner) -> Vec<(Sym, Sym)> {
    let sym = |text: &str, interner: &mut Interner| interner.sym(&bounded_name(text));
    let mut pairs: Vec<(Sym, Sym)> =
        slim.0.iter().map(|(key, value)| (sym(key, interner), sym(value, interner))).collect();
    pairs.sort();
    pairs
}

fn toleration(slim: &Toleration<'_>, interner: &mut Interner) -> fleet::Toleration {
    fleet::Toleration {
        key: interner.sym(&bounded_name(&slim.key)),
        operator: interner.sym(&bounded_name(&slim.operator)),
        value: interner.sym(&bounded_name(&slim.value)),
        effect: interner.sym(&bounded_name(&slim.effect)),
    }
}

fn host_port(slim: &ContainerPort<'_>, interner: &mut Interner) -> HostPort {
    HostPort {
        port: slim.host_port,
        protocol: interner.sym(&bounded_name(slim.protocol.some().map_or("TCP", |protocol| protocol))),
        address: interner.sym(&bounded_name(&slim.host_ip)),
    }
}
