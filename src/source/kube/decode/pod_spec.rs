//! What batchtop reads of a pod's spec and of a pod template's, and the requests that follow from it.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::DecodeError;
use super::amounts::{ResourceList, add, raise};
use super::meta::Pairs;
use super::placement::{Affinity, ContainerPort, TopologyTerm, Volume};
use super::text::{Text, or_default};
use crate::fleet::{Interner, Resources};

/// `spec` of a pod or of a pod template.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodSpec<'a> {
    #[serde(borrow)]
    pub(super) node_name: Text<'a>,
    pub(super) termination_grace_period_seconds: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    pub(super) priority: i32,
    #[serde(borrow, deserialize_with = "or_default")]
    pub(super) node_selector: Pairs<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub(super) affinity: Affinity<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub(super) topology_spread_constraints: Vec<TopologyTerm<'a>>,
    #[serde(deserialize_with = "or_default")]
    pub(super) volumes: Vec<Volume>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub(super) tolerations: Vec<Toleration<'a>>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub(super) containers: Vec<Container<'a>>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub(super) init_containers: Vec<Container<'a>>,
    #[serde(deserialize_with = "or_default")]
    pub(super) scheduling_gates: Vec<IgnoredAny>,
    #[serde(deserialize_with = "or_default")]
    pub(super) readiness_gates: Vec<IgnoredAny>,
    #[serde(borrow, deserialize_with = "or_default")]
    overhead: ResourceList<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    resources: Requirements<'a>,
}

impl PodSpec<'_> {
    /// Whether CPU or memory is requested for the pod as a whole (KEP-2837).
    pub(super) fn has_pod_level_requests(&self) -> bool {
        self.resources.requests.states_cpu_or_memory()
    }
}

/// One toleration of a pod's spec.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Toleration<'a> {
    #[serde(borrow)]
    pub(super) key: Text<'a>,
    #[serde(borrow)]
    pub(super) operator: Text<'a>,
    #[serde(borrow)]
    pub(super) value: Text<'a>,
    #[serde(borrow)]
    pub(super) effect: Text<'a>,
}

impl Toleration<'_> {
    /// Whether it tolerates `karpenter.sh/disrupted:NoSchedule`, whose value is empty
    /// (kubernetes staging/src/k8s.io/component-helpers/scheduling/corev1, `ToleratesTaint`).
    pub(super) fn tolerates_disrupted(&self) -> bool {
        let effect = matches!(&*self.effect, "" | "NoSchedule");
        let key = matches!(&*self.key, "" | "karpenter.sh/disrupted");
        let value = match &*self.operator {
            "" | "Equal" => self.value.is_empty(),
            "Exists" => true,
            _ => false,
        };
        effect && key && value
    }
}

/// One container of the spec.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Container<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) image: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub(super) ports: Vec<ContainerPort<'a>>,
    #[serde(borrow)]
    pub(super) image_pull_policy: Text<'a>,
    #[serde(borrow)]
    restart_policy: Text<'a>,
    pub(super) readiness_probe: Option<IgnoredAny>,
    pub(super) startup_probe: Option<IgnoredAny>,
    #[serde(borrow, deserialize_with = "or_default")]
    resources: Requirements<'a>,
}

impl Container<'_> {
    /// Whether an init container keeps running beside the main containers (a sidecar, KEP-753).
    pub(super) fn is_sidecar(&self) -> bool {
        &*self.restart_policy == "Always"
    }
}

/// `resources` of a container, of a pod, or of a container's status.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(super) struct Requirements<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    pub(super) requests: ResourceList<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    limits: ResourceList<'a>,
}

impl Requirements<'_> {
    fn effective(&self, interner: &mut Interner) -> Result<Resources, DecodeError> {
        self.requests.clone().or_limits(&self.limits).resources(interner)
    }
}

/// Tells what a container really holds where that is not what its spec says: during an in-place resize.
pub(super) type Held<'f> = &'f dyn Fn(&str, Resources, &mut Interner) -> Result<Resources, DecodeError>;

/// What the scheduler counts for one pod (k8s.io/component-helpers resource/helpers.go, `PodRequests`, "the computation
/// is part of the API"): main containers and sidecars together, or the largest init container with the sidecars started
/// before it, whichever is more; then what is stated for the whole pod; then the overhead.
pub(super) fn effective_requests(
    spec: &PodSpec<'_>,
    held: Held<'_>,
    interner: &mut Interner,
) -> Result<Resources, DecodeError> {
    let mut total = Resources::default();
    for container in &spec.containers {
        let requests = container.resources.effective(interner)?;
        add(&mut total, &held(&container.name, requests, interner)?);
    }
    let mut sidecars = Resources::default();
    let mut init_peak = Resources::default();
    for container in &spec.init_containers {
        let mut requests = container.resources.effective(interner)?;
        if container.is_sidecar() {
            requests = held(&container.name, requests, interner)?;
            add(&mut total, &requests);
            add(&mut sidecars, &requests);
            raise(&mut init_peak, &sidecars);
        } else {
            add(&mut requests, &sidecars);
            raise(&mut init_peak, &requests);
        }
    }
    raise(&mut total, &init_peak);
    spec.resources.requests.replace_pod_level(&mut total)?;
    add(&mut total, &spec.overhead.resources(interner)?);
    total.gpus.sort_by(|a, b| a.resource.cmp(&b.resource));
    Ok(total)
}

/// What one pod of a template would hold.
pub(super) fn template_requests(spec: &PodSpec<'_>, interner: &mut Interner) -> Result<Resources, DecodeError> {
    effective_requests(spec, &|_, requests, _| Ok(requests), interner)
}
