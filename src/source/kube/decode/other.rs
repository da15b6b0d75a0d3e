//! Kinds of which little is kept.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::condition::{SlimCondition, conditions};
use super::meta::{Pairs, SlimMeta, SlimTime, time};
use super::placement::SlimRequirement;
use super::text::{Text, or_default};
use super::{DecodeError, Project};
use crate::fleet::kinds::{
    Controllers, DisruptionBudgets, Ec2NodeClasses, EksNodeClasses, JobSets, Namespaces, NodeOverlays, PodGroups,
    ReplicaSets, VolcanoPodGroups, Workloads,
};
use crate::fleet::{
    Adjustment, ControllerRow, DisruptionBudgetRow, GangRow, ImageSetup, Interner, NamespaceRow, NodeClassRow,
    NodeOverlayRow, OverlayPrice, PodSelector, ReplicaSetRow, Requirement, Reservation, Snapshotter, Sym, Volume,
    WorkloadRow,
};
use crate::units::{Selector, money};

/// An object of which only the identity is read.
#[derive(Deserialize)]
pub(super) struct SlimObject<'a> {
    #[serde(borrow)]
    metadata: SlimMeta<'a>,
}

impl<'a> SlimObject<'a> {
    pub(super) fn metadata(&self) -> &SlimMeta<'a> {
        &self.metadata
    }
}

/// One policy/v1 PodDisruptionBudget, as far as it is read.
#[derive(Deserialize)]
pub(super) struct SlimDisruptionBudget<'a> {
    #[serde(borrow)]
    metadata: SlimMeta<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    spec: BudgetSpec<'a>,
    #[serde(default, deserialize_with = "or_default")]
    status: BudgetStatus,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct BudgetSpec<'a> {
    #[serde(borrow)]
    selector: Option<LabelSelector<'a>>,
    #[serde(borrow)]
    unhealthy_pod_eviction_policy: Text<'a>,
    #[serde(borrow)]
    max_unavailable: Text<'a>,
    #[serde(borrow)]
    min_available: Text<'a>,
}

impl BudgetSpec<'_> {
    fn blocks_fully(&self) -> bool {
        matches!(&*self.max_unavailable, "0" | "0%") || &*self.min_available == "100%"
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct LabelSelector<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    match_labels: Pairs<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    match_expressions: Vec<SlimRequirement<'a>>,
}

impl LabelSelector<'_> {
    fn selector(&self) -> PodSelector {
        let labels: Vec<(&str, &str)> = self.match_labels.0.iter().map(|(key, value)| (&**key, &**value)).collect();
        let expressions: Vec<_> = self.match_expressions.iter().map(SlimRequirement::parts).collect();
        match Selector::of_label_selector(&labels, &expressions) {
            Ok(selector) => PodSelector::Matching(selector),
            Err(error) => PodSelector::Invalid(Sym::new(&error.to_string())),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct BudgetStatus {
    disruptions_allowed: i64,
    current_healthy: i64,
    desired_healthy: i64,
    expected_pods: i64,
}

impl Project for DisruptionBudgets {
    type Slim<'a> = SlimDisruptionBudget<'a>;

    fn row(slim: &SlimDisruptionBudget<'_>, interner: &mut Interner) -> Result<DisruptionBudgetRow, DecodeError> {
        Ok(DisruptionBudgetRow {
            meta: slim.metadata.meta(interner)?,
            selector: slim.spec.selector.as_ref().map_or(PodSelector::Nothing, LabelSelector::selector),
            always_allows_unhealthy: &*slim.spec.unhealthy_pod_eviction_policy == "AlwaysAllow",
            blocks_fully: slim.spec.blocks_fully(),
            disruptions_allowed: slim.status.disruptions_allowed,
            current_healthy: slim.status.current_healthy,
            desired_healthy: slim.status.desired_healthy,
            expected_pods: slim.status.expected_pods,
        })
    }
}

impl Project for ReplicaSets {
    type Slim<'a> = SlimObject<'a>;

    fn row(slim: &SlimObject<'_>, interner: &mut Interner) -> Result<ReplicaSetRow, DecodeError> {
        Ok(ReplicaSetRow {
            meta: slim.metadata.meta(interner)?,
            owner: slim.metadata.owner(interner),
            do_not_disrupt: slim.metadata.do_not_disrupt(interner),
        })
    }
}

impl Project for Namespaces {
    type Slim<'a> = SlimObject<'a>;

    fn row(slim: &SlimObject<'_>, interner: &mut Interner) -> Result<NamespaceRow, DecodeError> {
        Ok(NamespaceRow { meta: slim.metadata.meta(interner)? })
    }
}

/// One karpenter.sh NodeOverlay, as far as it is read.
#[derive(Deserialize)]
pub(super) struct SlimNodeOverlay<'a> {
    #[serde(borrow)]
    metadata: SlimMeta<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    spec: OverlaySpec<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    status: OverlayStatus<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct OverlaySpec<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    requirements: Vec<SlimRequirement<'a>>,
    weight: i64,
    #[serde(borrow)]
    price: Option<Text<'a>>,
    #[serde(borrow)]
    price_adjustment: Option<Text<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OverlayStatus<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    conditions: Vec<SlimCondition<'a>>,
}

impl OverlaySpec<'_> {
    fn price(&self) -> Option<OverlayPrice> {
        let invalid = |text: &str| OverlayPrice::Invalid(Sym::new(text));
        let absolute = self
            .price
            .as_ref()
            .map(|text| money::parse_usd(text).map_or_else(|| invalid(text), OverlayPrice::Absolute));
        let adjustment = || {
            let text = self.price_adjustment.as_ref()?;
            Some(Adjustment::parse(text).map_or_else(|| invalid(text), OverlayPrice::Adjust))
        };
        absolute.or_else(adjustment)
    }
}

fn requirement(expression: &SlimRequirement<'_>, interner: &mut Interner) -> Requirement {
    let (key, operator, values) = expression.parts();
    Requirement {
        key: interner.sym(key),
        operator: interner.sym(operator),
        values: values.into_iter().map(|value| interner.sym(value)).collect(),
    }
}

impl Project for NodeOverlays {
    type Slim<'a> = SlimNodeOverlay<'a>;

    fn row(slim: &SlimNodeOverlay<'_>, interner: &mut Interner) -> Result<NodeOverlayRow, DecodeError> {
        Ok(NodeOverlayRow {
            meta: slim.metadata.meta(interner)?,
            requirements: slim.spec.requirements.iter().map(|one| requirement(one, interner)).collect(),
            weight: slim.spec.weight,
            price: slim.spec.price(),
            conditions: conditions(&slim.status.conditions, interner)?,
        })
    }
}

/// One NodeClass of either API, as far as it is read.
#[derive(Deserialize)]
pub(super) struct SlimNodeClass<'a> {
    #[serde(borrow)]
    metadata: SlimMeta<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    spec: ClassSpec<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    status: ClassStatus<'a>,
}

/// What decides how images get to machines, of an EC2NodeClass; of it the NodeClass of EKS Auto Mode has its volume only.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ClassSpec<'a> {
    #[serde(borrow)]
    ami_family: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    ami_selector_terms: Vec<ImageTerm<'a>>,
    #[serde(borrow, deserialize_with = "or_default")]
    block_device_mappings: Vec<DeviceMapping<'a>>,
    #[serde(borrow)]
    instance_store_policy: Text<'a>,
    /// Longer than a `Text` may be: EC2 takes 16 KiB.
    user_data: Option<String>,
    /// Of a NodeClass of EKS Auto Mode: its only volume.
    #[serde(borrow)]
    ephemeral_storage: Option<BlockDevice<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ImageTerm<'a> {
    #[serde(borrow)]
    alias: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct DeviceMapping<'a> {
    #[serde(borrow)]
    device_name: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    ebs: BlockDevice<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct BlockDevice<'a> {
    #[serde(borrow, rename = "snapshotID")]
    snapshot_id: Text<'a>,
    volume_initialization_rate: Option<i64>,
    throughput: Option<i64>,
    iops: Option<i64>,
}

impl BlockDevice<'_> {
    fn volume(&self, device: &str, interner: &mut Interner) -> Volume {
        Volume {
            device: interner.sym(device),
            snapshot: self.snapshot_id.some().map(|id| interner.sym(id)),
            initialization_mib_per_second: self.volume_initialization_rate,
            throughput_mib_per_second: self.throughput,
            iops: self.iops,
        }
    }
}

impl ClassSpec<'_> {
    fn volumes(&self, interner: &mut Interner) -> Vec<Volume> {
        let ephemeral = self.ephemeral_storage.as_ref().map(|one| one.volume("ephemeralStorage", interner));
        let mapped = self.block_device_mappings.iter().map(|one| one.ebs.volume(&one.device_name, interner));
        mapped.chain(ephemeral).collect()
    }

    /// `amiFamily` is v1beta1's, and v1's where no alias names one (aws pkg/apis/v1/ec2nodeclass.go).
    fn images(&self, interner: &mut Interner) -> ImageSetup {
        let is_alias_of_bottlerocket = |term: &ImageTerm<'_>| term.alias.starts_with("bottlerocket@");
        ImageSetup {
            is_bottlerocket: &*self.ami_family == "Bottlerocket"
                || self.ami_selector_terms.iter().any(is_alias_of_bottlerocket),
            volumes: self.volumes(interner),
            uses_instance_store: &*self.instance_store_policy == "RAID0",
            snapshotter: self.user_data.as_deref().and_then(snapshotter),
        }
    }
}

/// The snapshotter that user data sets up, by what the documents of each say to write there; spaces and quotes do not matter.
/// `FastImagePull` is the feature gate of nodeadm that brings SOCI (amazon-eks-ami nodeadm/api/v1alpha1/nodeconfig_types.go).
fn snapshotter(user_data: &str) -> Option<Snapshotter> {
    const MARKS: [(&str, Snapshotter); 8] = [
        ("fastimagepull:true", Snapshotter::Soci),
        ("snapshotter=soci", Snapshotter::Soci),
        ("proxy_plugins.soci", Snapshotter::Soci),
        ("soci-snapshotter-grpc", Snapshotter::Soci),
        ("snapshotter=stargz", Snapshotter::Stargz),
        ("proxy_plugins.stargz", Snapshotter::Stargz),
        ("snapshotter=nydus", Snapshotter::Nydus),
        ("proxy_plugins.nydus", Snapshotter::Nydus),
    ];
    let is_said = |letter: &char| !letter.is_whitespace() && !matches!(letter, '"' | '\'' | ']' | '[');
    let set = user_data.lines().filter(|line| !line.trim_start().starts_with('#'));
    let lines = set.map(|line| line.chars().filter(is_said).collect::<String>().to_lowercase());
    let marks = lines.filter_map(|line| MARKS.iter().find(|(mark, _)| line.contains(mark)).map(|(_, found)| *found));
    marks.min()
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ClassStatus<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    conditions: Vec<SlimCondition<'a>>,
    #[serde(borrow, rename = "capacityReservations", deserialize_with = "or_default")]
    reservations: Vec<SlimReservation<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct SlimReservation<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    reservation_type: Text<'a>,
    #[serde(borrow)]
    end_time: SlimTime<'a>,
}

impl SlimReservation<'_> {
    /// `None` for one that has no end.
    fn reservation(&self, interner: &mut Interner) -> Result<Option<Reservation>, DecodeError> {
        let ends_at = time("status.capacityReservations[].endTime", &self.end_time)?;
        Ok(ends_at.map(|ends_at| Reservation {
            id: interner.sym(&self.id),
            is_capacity_block: &*self.reservation_type == "capacity-block",
            ends_at,
        }))
    }
}

fn node_class(slim: &SlimNodeClass<'_>, interner: &mut Interner) -> Result<NodeClassRow, DecodeError> {
    let reservations: Result<_, DecodeError> =
        slim.status.reservations.iter().filter_map(|one| one.reservation(interner).transpose()).collect();
    Ok(NodeClassRow {
        reservations: reservations?,
        images: slim.spec.images(interner),
        meta: slim.metadata.meta(interner)?,
        conditions: conditions(&slim.status.conditions, interner)?,
    })
}

impl Project for Ec2NodeClasses {
    type Slim<'a> = SlimNodeClass<'a>;

    fn row(slim: &SlimNodeClass<'_>, interner: &mut Interner) -> Result<NodeClassRow, DecodeError> {
        node_class(slim, interner)
    }
}

impl Project for EksNodeClasses {
    type Slim<'a> = SlimNodeClass<'a>;

    fn row(slim: &SlimNodeClass<'_>, interner: &mut Interner) -> Result<NodeClassRow, DecodeError> {
        node_class(slim, interner)
    }
}

/// One apps/v1 Deployment, as far as it is read.
#[derive(Deserialize)]
pub(super) struct SlimDeployment<'a> {
    #[serde(borrow)]
    metadata: SlimMeta<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    spec: DeploymentSpec<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct DeploymentSpec<'a> {
    replicas: Option<i64>,
    #[serde(borrow, deserialize_with = "or_default")]
    template: Template<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Template<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    spec: ControllerSpec<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ControllerSpec<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    containers: Vec<ControllerContainer<'a>>,
}

/// A container with what is set of it by command line and environment.
#[derive(Deserialize, Default)]
#[serde(default)]
struct ControllerContainer<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    image: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    command: Vec<Text<'a>>,
    #[serde(borrow, deserialize_with = "or_default")]
    args: Vec<Text<'a>>,
    #[serde(borrow, deserialize_with = "or_default")]
    env: Vec<Setting<'a>>,
    #[serde(rename = "envFrom", deserialize_with = "or_default")]
    env_from: Vec<IgnoredAny>,
}

/// An environment variable: its plain value, and whether it has one from elsewhere.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Setting<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
    value_from: Option<IgnoredAny>,
}

impl ControllerContainer<'_> {
    fn feature_gates(&self) -> Option<&Setting<'_>> {
        self.env.iter().find(|one| &*one.name == "FEATURE_GATES")
    }

    /// A flag goes before the variable, and a variable before those that come from elsewhere
    /// (karpenter pkg/operator/options/options.go).
    fn hides_feature_gates(&self) -> bool {
        let is_flag = |word: &Text<'_>| word.trim_start_matches('-').starts_with("feature-gates");
        let is_elsewhere = match self.feature_gates() {
            Some(gates) => gates.value_from.is_some(),
            None => !self.env_from.is_empty(),
        };
        is_elsewhere || self.command.iter().chain(&self.args).any(is_flag)
    }
}

impl Project for Controllers {
    type Slim<'a> = SlimDeployment<'a>;

    /// The container is called `controller` in Karpenter's chart; meshes inject others beside it.
    fn row(slim: &SlimDeployment<'_>, interner: &mut Interner) -> Result<ControllerRow, DecodeError> {
        let containers = &slim.spec.template.spec.containers;
        let controller = containers.iter().find(|container| &*container.name == "controller");
        let controller = controller.or_else(|| containers.first());
        let gates = controller.and_then(ControllerContainer::feature_gates);
        Ok(ControllerRow {
            meta: slim.metadata.meta(interner)?,
            image: interner.sym(controller.map_or("", |container| &container.image)),
            feature_gates: gates.map(|gates| interner.sym(&gates.value)),
            hides_feature_gates: controller.is_none_or(ControllerContainer::hides_feature_gates),
            // The API's default.
            replicas: slim.spec.replicas.unwrap_or(1),
            has_interruption_queue: controller.is_some_and(has_interruption_queue),
        })
    }
}

/// By flag or environment variable, one that takes its value from a ConfigMap or Secret included
/// (aws pkg/operator/options/options.go).
fn has_interruption_queue(controller: &ControllerContainer<'_>) -> bool {
    const FLAG: &str = "--interruption-queue";
    let words = || controller.command.iter().chain(&controller.args).map(|word| &**word);
    let with_value = |word: &str| {
        word.strip_prefix(FLAG).and_then(|rest| rest.strip_prefix('=')).is_some_and(|name| !name.is_empty())
    };
    let by_flag =
        words().any(with_value) || words().zip(words().skip(1)).any(|(flag, name)| flag == FLAG && !name.is_empty());
    let is_set =
        |one: &Setting<'_>| &*one.name == "INTERRUPTION_QUEUE" && (!one.value.is_empty() || one.value_from.is_some());
    by_flag || controller.env.iter().any(is_set)
}

/// One kueue.x-k8s.io Workload, as far as it is read: what v1beta2 renamed of v1beta1 is not.
#[derive(Deserialize)]
pub(super) struct SlimWorkload<'a> {
    #[serde(borrow)]
    metadata: SlimMeta<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    spec: WorkloadSpec<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    status: WorkloadStatus<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WorkloadSpec<'a> {
    #[serde(borrow)]
    queue_name: Text<'a>,
    active: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WorkloadStatus<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    conditions: Vec<SlimCondition<'a>>,
}

impl Project for Workloads {
    type Slim<'a> = SlimWorkload<'a>;

    /// `spec.active` is true unless it says otherwise (kueue apis/kueue/v1beta2/workload_types.go).
    fn row(slim: &SlimWorkload<'_>, interner: &mut Interner) -> Result<WorkloadRow, DecodeError> {
        Ok(WorkloadRow {
            meta: slim.metadata.meta(interner)?,
            owner: slim.metadata.owner(interner),
            queue: slim.spec.queue_name.some().map(|name| interner.sym(name)),
            is_active: slim.spec.active.unwrap_or(true),
            conditions: conditions(&slim.status.conditions, interner)?,
        })
    }
}

/// One PodGroup of either API, as far as it is read.
#[derive(Deserialize)]
pub(super) struct SlimPodGroup<'a> {
    #[serde(borrow)]
    metadata: SlimMeta<'a>,
    #[serde(default, deserialize_with = "or_default")]
    spec: PodGroupSpec,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct PodGroupSpec {
    min_member: i64,
}

fn pod_group(slim: &SlimPodGroup<'_>, interner: &mut Interner) -> Result<GangRow, DecodeError> {
    Ok(GangRow { meta: slim.metadata.meta(interner)?, min_member: slim.spec.min_member })
}

impl Project for PodGroups {
    type Slim<'a> = SlimPodGroup<'a>;

    fn row(slim: &SlimPodGroup<'_>, interner: &mut Interner) -> Result<GangRow, DecodeError> {
        pod_group(slim, interner)
    }
}

impl Project for VolcanoPodGroups {
    type Slim<'a> = SlimPodGroup<'a>;

    fn row(slim: &SlimPodGroup<'_>, interner: &mut Interner) -> Result<GangRow, DecodeError> {
        pod_group(slim, interner)
    }
}

/// One jobset.x-k8s.io JobSet, as far as it is read.
#[derive(Deserialize)]
pub(super) struct SlimJobSet<'a> {
    #[serde(borrow)]
    metadata: SlimMeta<'a>,
    #[serde(default, deserialize_with = "or_default")]
    spec: JobSetSpec,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct JobSetSpec {
    #[serde(deserialize_with = "or_default")]
    replicated_jobs: Vec<ReplicatedJob>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ReplicatedJob {
    replicas: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    template: ReplicatedTemplate,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ReplicatedTemplate {
    #[serde(deserialize_with = "or_default")]
    spec: ReplicatedSpec,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ReplicatedSpec {
    parallelism: Option<i64>,
}

impl ReplicatedJob {
    /// All its pods; one of each where it does not say (jobset api/jobset/v1alpha2/jobset_types.go, and the default of a Job).
    fn pods(&self) -> i64 {
        self.replicas.unwrap_or(1).saturating_mul(self.template.spec.parallelism.unwrap_or(1))
    }
}

impl Project for JobSets {
    type Slim<'a> = SlimJobSet<'a>;

    /// Its members are all pods that its Jobs run at a time.
    fn row(slim: &SlimJobSet<'_>, interner: &mut Interner) -> Result<GangRow, DecodeError> {
        let pods = slim.spec.replicated_jobs.iter().map(ReplicatedJob::pods);
        Ok(GangRow { meta: slim.metadata.meta(interner)?, min_member: pods.fold(0, i64::saturating_add) })
    }
}
