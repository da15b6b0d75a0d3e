//! The numbers of the fields that are read, by their names in JSON (`generated.proto` in kubernetes
//! staging/src/k8s.io/api and staging/src/k8s.io/apimachinery). Numbers never change; what is not listed is not read.
//!
//! A field that a decoder reads of JSON has to be here, too: a test decodes the same objects in both encodings.

use crate::fleet::{Content, Kind};

/// A message: the fields that are read of it.
#[derive(Debug)]
pub(in super::super) struct Message(&'static [Field]);

impl Message {
    /// The field of this number, where it is read.
    pub(super) fn field(&self, number: u32) -> Option<&'static Field> {
        self.0.iter().find(|field| field.number == number)
    }

    /// The field of this name.
    #[cfg(test)]
    pub(super) fn named(&self, name: &str) -> Option<&'static Field> {
        self.0.iter().find(|field| field.name == name)
    }
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) number: u32,
    /// Its name in JSON.
    pub(super) name: &'static str,
    pub(super) value: Value,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    Text,
    Int,
    Bool,
    /// `metav1.Time` and `metav1.MicroTime`: seconds and nanoseconds.
    Time,
    /// `resource.Quantity`: a message with its text.
    Quantity,
    /// `intstr.IntOrString`: a message that says which of both it holds.
    IntOrText,
    Object(&'static Message),
    List(&'static Value),
    /// Values by text.
    Map(&'static Value),
}

use Value::{Bool, Int, IntOrText, List, Map, Object, Quantity, Text, Time};

const fn field(number: u32, name: &'static str, value: Value) -> Field {
    Field { number, name, value }
}

/// The message of a kind's objects as they come in lists; `None` for custom resources, which only JSON encodes, and for
/// resource.k8s.io, in whose versions fields of the same number are not the same.
pub(in super::super) fn message(kind: Kind) -> Option<&'static Message> {
    Some(match kind {
        _ if kind.spec().content == Content::Metadata => &METADATA_ONLY,
        Kind::Node => &NODE,
        Kind::Pod => &POD,
        Kind::Job => &JOB,
        Kind::CronJob => &CRON_JOB,
        Kind::PodDisruptionBudget => &DISRUPTION_BUDGET,
        Kind::Event => &EVENT,
        Kind::Namespace => &METADATA_ONLY,
        Kind::KarpenterDeployment => &DEPLOYMENT,
        _ => return None,
    })
}

/// `runtime.TypeMeta`.
pub(super) static TYPE_META: Message = Message(&[field(1, "apiVersion", Text), field(2, "kind", Text)]);

/// `metav1.ListMeta`.
pub(super) static LIST_META: Message = Message(&[field(2, "resourceVersion", Text), field(3, "continue", Text)]);

/// `metav1.Status`.
pub(super) static STATUS: Message =
    Message(&[field(3, "message", Text), field(4, "reason", Text), field(6, "code", Int)]);

static METADATA_ONLY: Message = Message(&[field(1, "metadata", Object(&META))]);

static META: Message = Message(&[
    field(1, "name", Text),
    field(3, "namespace", Text),
    field(5, "uid", Text),
    field(6, "resourceVersion", Text),
    field(8, "creationTimestamp", Time),
    field(9, "deletionTimestamp", Time),
    field(10, "deletionGracePeriodSeconds", Int),
    field(11, "labels", Map(&Text)),
    field(12, "annotations", Map(&Text)),
    field(13, "ownerReferences", List(&Object(&OWNER))),
]);

static OWNER: Message = Message(&[
    field(1, "kind", Text),
    field(3, "name", Text),
    field(4, "uid", Text),
    field(5, "apiVersion", Text),
    field(6, "controller", Bool),
]);

/// Of Pods, Nodes and Jobs alike.
static CONDITION: Message = Message(&[
    field(1, "type", Text),
    field(2, "status", Text),
    field(4, "lastTransitionTime", Time),
    field(5, "reason", Text),
    field(6, "message", Text),
]);

static NODE: Message = Message(&[
    field(1, "metadata", Object(&META)),
    field(2, "spec", Object(&NODE_SPEC)),
    field(3, "status", Object(&NODE_STATUS)),
]);

static NODE_SPEC: Message = Message(&[
    field(3, "providerID", Text),
    field(4, "unschedulable", Bool),
    field(5, "taints", List(&Object(&TAINT))),
]);

static TAINT: Message = Message(&[field(1, "key", Text), field(2, "value", Text), field(3, "effect", Text)]);

static NODE_STATUS: Message = Message(&[
    field(1, "capacity", Map(&Quantity)),
    field(2, "allocatable", Map(&Quantity)),
    field(4, "conditions", List(&Object(&CONDITION))),
    field(7, "nodeInfo", Object(&NODE_INFO)),
]);

static NODE_INFO: Message = Message(&[field(7, "kubeletVersion", Text)]);

static POD: Message = Message(&[
    field(1, "metadata", Object(&META)),
    field(2, "spec", Object(&POD_SPEC)),
    field(3, "status", Object(&POD_STATUS)),
]);

static POD_SPEC: Message = Message(&[
    field(1, "volumes", List(&Object(&VOLUME))),
    field(2, "containers", List(&Object(&CONTAINER))),
    field(4, "terminationGracePeriodSeconds", Int),
    field(7, "nodeSelector", Map(&Text)),
    field(10, "nodeName", Text),
    field(18, "affinity", Object(&AFFINITY)),
    field(20, "initContainers", List(&Object(&CONTAINER))),
    field(22, "tolerations", List(&Object(&TOLERATION))),
    field(25, "priority", Int),
    field(28, "readinessGates", List(&Object(&ELEMENT))),
    field(32, "overhead", Map(&Quantity)),
    field(33, "topologySpreadConstraints", List(&Object(&SPREAD_CONSTRAINT))),
    field(38, "schedulingGates", List(&Object(&ELEMENT))),
    field(40, "resources", Object(&REQUIREMENTS)),
]);

static CONTAINER: Message = Message(&[
    field(1, "name", Text),
    field(2, "image", Text),
    field(6, "ports", List(&Object(&CONTAINER_PORT))),
    field(8, "resources", Object(&REQUIREMENTS)),
    field(11, "readinessProbe", Object(&ELEMENT)),
    field(14, "imagePullPolicy", Text),
    field(22, "startupProbe", Object(&ELEMENT)),
    field(24, "restartPolicy", Text),
]);

static CONTAINER_PORT: Message =
    Message(&[field(2, "hostPort", Int), field(4, "protocol", Text), field(5, "hostIP", Text)]);

static VOLUME: Message = Message(&[field(2, "volumeSource", Object(&VOLUME_SOURCE))]);

/// Only that they are there is read.
static VOLUME_SOURCE: Message =
    Message(&[field(10, "persistentVolumeClaim", Object(&ELEMENT)), field(29, "ephemeral", Object(&ELEMENT))]);

static SPREAD_CONSTRAINT: Message = Message(&[field(2, "topologyKey", Text)]);

static AFFINITY: Message = Message(&[
    field(1, "nodeAffinity", Object(&NODE_AFFINITY)),
    field(2, "podAffinity", Object(&POD_AFFINITY)),
    field(3, "podAntiAffinity", Object(&POD_AFFINITY)),
]);

static NODE_AFFINITY: Message = Message(&[
    field(1, "requiredDuringSchedulingIgnoredDuringExecution", Object(&NODE_SELECTOR)),
    field(2, "preferredDuringSchedulingIgnoredDuringExecution", List(&Object(&PREFERRED_NODES))),
]);

static PREFERRED_NODES: Message = Message(&[field(2, "preference", Object(&NODE_SELECTOR_TERM))]);

static POD_AFFINITY: Message = Message(&[
    field(1, "requiredDuringSchedulingIgnoredDuringExecution", List(&Object(&POD_AFFINITY_TERM))),
    field(2, "preferredDuringSchedulingIgnoredDuringExecution", List(&Object(&PREFERRED_PODS))),
]);

static PREFERRED_PODS: Message = Message(&[field(2, "podAffinityTerm", Object(&POD_AFFINITY_TERM))]);

static POD_AFFINITY_TERM: Message = Message(&[field(3, "topologyKey", Text)]);

static NODE_SELECTOR: Message = Message(&[field(1, "nodeSelectorTerms", List(&Object(&NODE_SELECTOR_TERM)))]);

static NODE_SELECTOR_TERM: Message = Message(&[field(1, "matchExpressions", List(&Object(&LABEL_EXPRESSION)))]);

static REQUIREMENTS: Message = Message(&[field(1, "limits", Map(&Quantity)), field(2, "requests", Map(&Quantity))]);

static TOLERATION: Message =
    Message(&[field(1, "key", Text), field(2, "operator", Text), field(3, "value", Text), field(4, "effect", Text)]);

static POD_STATUS: Message = Message(&[
    field(1, "phase", Text),
    field(2, "conditions", List(&Object(&CONDITION))),
    field(4, "reason", Text),
    field(7, "startTime", Time),
    field(8, "containerStatuses", List(&Object(&CONTAINER_STATUS))),
    field(10, "initContainerStatuses", List(&Object(&CONTAINER_STATUS))),
    field(18, "extendedResourceClaimStatus", Object(&EXTENDED_RESOURCE_CLAIM)),
]);

static EXTENDED_RESOURCE_CLAIM: Message = Message(&[field(1, "requestMappings", List(&Object(&REQUEST_MAPPING)))]);

static REQUEST_MAPPING: Message = Message(&[field(2, "resourceName", Text)]);

static CONTAINER_STATUS: Message = Message(&[
    field(1, "name", Text),
    field(2, "state", Object(&CONTAINER_STATE)),
    field(3, "lastState", Object(&CONTAINER_STATE)),
    field(4, "ready", Bool),
    field(5, "restartCount", Int),
    field(9, "started", Bool),
    field(10, "allocatedResources", Map(&Quantity)),
    field(11, "resources", Object(&REQUIREMENTS)),
]);

static CONTAINER_STATE: Message = Message(&[
    field(1, "waiting", Object(&WAITING)),
    field(2, "running", Object(&RUNNING)),
    field(3, "terminated", Object(&TERMINATED)),
]);

static WAITING: Message = Message(&[field(1, "reason", Text), field(2, "message", Text)]);

static RUNNING: Message = Message(&[field(1, "startedAt", Time)]);

static TERMINATED: Message = Message(&[
    field(1, "exitCode", Int),
    field(2, "signal", Int),
    field(3, "reason", Text),
    field(5, "startedAt", Time),
    field(6, "finishedAt", Time),
]);

/// Only that it is there is read.
static ELEMENT: Message = Message(&[]);

static TEMPLATE: Message = Message(&[field(1, "metadata", Object(&META)), field(2, "spec", Object(&POD_SPEC))]);

static JOB: Message = Message(&[
    field(1, "metadata", Object(&META)),
    field(2, "spec", Object(&JOB_SPEC)),
    field(3, "status", Object(&JOB_STATUS)),
]);

static JOB_SPEC: Message = Message(&[
    field(1, "parallelism", Int),
    field(2, "completions", Int),
    field(3, "activeDeadlineSeconds", Int),
    field(6, "template", Object(&TEMPLATE)),
    field(7, "backoffLimit", Int),
    field(10, "suspend", Bool),
    field(11, "podFailurePolicy", Object(&FAILURE_POLICY)),
]);

static FAILURE_POLICY: Message = Message(&[field(1, "rules", List(&Object(&FAILURE_RULE)))]);

static FAILURE_RULE: Message =
    Message(&[field(1, "action", Text), field(3, "onPodConditions", List(&Object(&CONDITION_PATTERN)))]);

static CONDITION_PATTERN: Message = Message(&[field(1, "type", Text), field(2, "status", Text)]);

static JOB_STATUS: Message = Message(&[
    field(1, "conditions", List(&Object(&CONDITION))),
    field(2, "startTime", Time),
    field(3, "completionTime", Time),
    field(4, "active", Int),
    field(5, "succeeded", Int),
    field(6, "failed", Int),
    field(9, "ready", Int),
]);

static CRON_JOB: Message = Message(&[
    field(1, "metadata", Object(&META)),
    field(2, "spec", Object(&CRON_JOB_SPEC)),
    field(3, "status", Object(&CRON_JOB_STATUS)),
]);

static CRON_JOB_SPEC: Message =
    Message(&[field(1, "schedule", Text), field(4, "suspend", Bool), field(8, "timeZone", Text)]);

static CRON_JOB_STATUS: Message = Message(&[
    field(1, "active", List(&Object(&ELEMENT))),
    field(4, "lastScheduleTime", Time),
    field(5, "lastSuccessfulTime", Time),
]);

static DISRUPTION_BUDGET: Message = Message(&[
    field(1, "metadata", Object(&META)),
    field(2, "spec", Object(&DISRUPTION_BUDGET_SPEC)),
    field(3, "status", Object(&DISRUPTION_BUDGET_STATUS)),
]);

static DISRUPTION_BUDGET_SPEC: Message = Message(&[
    field(1, "minAvailable", IntOrText),
    field(2, "selector", Object(&LABEL_SELECTOR)),
    field(3, "maxUnavailable", IntOrText),
    field(4, "unhealthyPodEvictionPolicy", Text),
]);

static DISRUPTION_BUDGET_STATUS: Message = Message(&[
    field(3, "disruptionsAllowed", Int),
    field(4, "currentHealthy", Int),
    field(5, "desiredHealthy", Int),
    field(6, "expectedPods", Int),
]);

static LABEL_SELECTOR: Message =
    Message(&[field(1, "matchLabels", Map(&Text)), field(2, "matchExpressions", List(&Object(&LABEL_EXPRESSION)))]);

static LABEL_EXPRESSION: Message =
    Message(&[field(1, "key", Text), field(2, "operator", Text), field(3, "values", List(&Text))]);

static EVENT: Message = Message(&[
    field(1, "metadata", Object(&META)),
    field(2, "involvedObject", Object(&OBJECT_REFERENCE)),
    field(3, "reason", Text),
    field(4, "message", Text),
    field(5, "source", Object(&EVENT_SOURCE)),
    field(6, "firstTimestamp", Time),
    field(7, "lastTimestamp", Time),
    field(8, "count", Int),
    field(9, "type", Text),
    field(10, "eventTime", Time),
    field(11, "series", Object(&EVENT_SERIES)),
    field(14, "reportingComponent", Text),
]);

static OBJECT_REFERENCE: Message = Message(&[
    field(1, "kind", Text),
    field(2, "namespace", Text),
    field(3, "name", Text),
    field(4, "uid", Text),
    field(7, "fieldPath", Text),
]);

static EVENT_SOURCE: Message = Message(&[field(1, "component", Text), field(2, "host", Text)]);

static EVENT_SERIES: Message = Message(&[field(1, "count", Int), field(2, "lastObservedTime", Time)]);

static DEPLOYMENT: Message =
    Message(&[field(1, "metadata", Object(&META)), field(2, "spec", Object(&DEPLOYMENT_SPEC))]);

static DEPLOYMENT_SPEC: Message =
    Message(&[field(1, "replicas", Int), field(3, "template", Object(&CONTROLLER_TEMPLATE))]);

static CONTROLLER_TEMPLATE: Message = Message(&[field(2, "spec", Object(&CONTROLLER_SPEC))]);

static CONTROLLER_SPEC: Message = Message(&[field(2, "containers", List(&Object(&CONTROLLER_CONTAINER)))]);

static CONTROLLER_CONTAINER: Message = Message(&[
    field(1, "name", Text),
    field(2, "image", Text),
    field(3, "command", List(&Text)),
    field(4, "args", List(&Text)),
    field(7, "env", List(&Object(&SETTING))),
    field(19, "envFrom", List(&Object(&ELEMENT))),
]);

static SETTING: Message =
    Message(&[field(1, "name", Text), field(2, "value", Text), field(3, "valueFrom", Object(&ELEMENT))]);
