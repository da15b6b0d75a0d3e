//! The closed sets of words in the document.
//!
//! Each mirrors an enum of the Fleet or of the insights, which thereby stay free of JSON; a new variant there does not
//! compile until it has its word here. `or` is the word for none of them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::fleet::{self, HealthState, KarpenterApi};
use crate::insight::{batch, cold_start, cost, disruption, gpu, interruption, karpenter, phase, picture, spot};

macro_rules! words {
    ($(
        $(#[$doc:meta])*
        $name:ident of $source:path $(, or $missing:ident = $missing_text:literal)? {
            $($variant:ident = $text:literal),+ $(,)?
        }
    )+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
        #[allow(missing_docs, reason = "the words are documented where they come from")]
        pub enum $name {
            $(#[serde(rename = $text)] $variant,)+
            $(#[serde(rename = $missing_text)] $missing,)?
        }

        impl From<$source> for $name {
            fn from(value: $source) -> Self {
                type Source = $source;
                match value {
                    $(Source::$variant => Self::$variant),+
                }
            }
        }

        $(impl From<Option<$source>> for $name {
            fn from(value: Option<$source>) -> Self {
                value.map_or(Self::$missing, Into::into)
            }
        })?
    )+};
}

words! {
    /// What a command of Karpenter does.
    Command of disruption::Command {
        Delete = "Delete", Replace = "Replace",
    }

    /// Where a price comes from.
    CostSource of cost::CostSource, or Unknown = "Unknown" {
        Override = "Override", Label = "Label", NodeOverlay = "NodeOverlay", AwsSpot = "AwsSpot",
        AwsOnDemand = "AwsOnDemand", KarpenterMetrics = "KarpenterMetrics", Embedded = "Embedded", Prepaid = "Prepaid",
    }

    /// The kind of spot or preemptible capacity.
    SpotKind of interruption::SpotKind {
        AwsSpot = "AwsSpot", GcpSpot = "GcpSpot", GcpPreemptible = "GcpPreemptible", AzureSpot = "AzureSpot",
        Other = "Other",
    }

    /// Where a spot Node or pool stands.
    SpotState of spot::SpotState {
        Reclaiming = "Reclaiming", Rebalance = "Rebalance", Calm = "Calm", Blind = "Blind",
    }

    /// The fact that sets the least risk.
    FloorReason of spot::FloorReason {
        Reclaiming = "Reclaiming", Rebalance = "Rebalance", SiblingReclaimed = "SiblingReclaimed",
        InsufficientCapacity = "InsufficientCapacity", PreemptibleDeadline = "PreemptibleDeadline",
    }

    /// What the risk of spot capacity rests on.
    SpotEvidence of spot::Evidence {
        Hazard = "Hazard", Advisor = "Advisor", Placement = "Placement", Price = "Price",
    }

    /// An input of the score of spot capacity.
    ScoreInput of spot::ScoreInput { Hazard = "Hazard", Placement = "Placement", Price = "Price" }

    /// How the capacity is bought.
    CapacityType of fleet::CapacityType { Spot = "spot", OnDemand = "on-demand", Reserved = "reserved" }

    /// Where a Node stands.
    NodePhase of phase::NodePhase {
        Starting = "Starting", Running = "Running", Disrupting = "Disrupting", Terminating = "Terminating",
        NotReady = "NotReady",
    }

    /// Where a NodeClaim stands.
    ClaimPhase of phase::ClaimPhase {
        Launching = "Launching", Registering = "Registering", Initializing = "Initializing", Ready = "Ready",
        Terminating = "Terminating",
    }

    /// `status.phase` of a pod.
    PodPhase of fleet::PodPhase {
        Pending = "Pending", Running = "Running", Succeeded = "Succeeded", Failed = "Failed", Unknown = "Unknown",
    }

    /// What a pod's own `karpenter.sh/do-not-disrupt` amounts to.
    ProtectionState of disruption::ProtectionState {
        None = "None", Permanent = "Permanent", Until = "Until", Elapsed = "Elapsed", Invalid = "Invalid",
        Ineffective = "Ineffective",
    }

    /// May Karpenter take a Node?
    Verdict of disruption::Verdict {
        NotManaged = "NotManaged", Unknown = "Unknown", Terminating = "Terminating", BeingDisrupted = "BeingDisrupted",
        SpotInterrupted = "SpotInterrupted", NotInitialized = "NotInitialized", ProtectedByNode = "ProtectedByNode",
        NodePoolMissing = "NodePoolMissing", ProtectedByPod = "ProtectedByPod", BlockedByPdb = "BlockedByPdb",
        BlockedByBudget = "BlockedByBudget", Static = "Static", ConsolidationDisabled = "ConsolidationDisabled",
        ConsolidateAfterPending = "ConsolidateAfterPending", BlockedByPolicy = "BlockedByPolicy",
        MissingLabels = "MissingLabels", LoopPaused = "LoopPaused", Unconsolidatable = "Unconsolidatable",
        EmptyCandidate = "EmptyCandidate", DriftCandidate = "DriftCandidate",
        ConsolidationCandidate = "ConsolidationCandidate",
    }

    /// What kind of thing stops Karpenter.
    BlockerKind of disruption::BlockerKind {
        PodAnnotation = "PodAnnotation", NodeAnnotation = "NodeAnnotation", Pdb = "Pdb", MultiplePdbs = "MultiplePdbs",
        Budget = "Budget", Policy = "Policy", ConsolidateAfter = "ConsolidateAfter",
        ConsolidationDisabled = "ConsolidationDisabled", NotInitialized = "NotInitialized", NotManaged = "NotManaged",
        Deleting = "Deleting", NodePoolMissing = "NodePoolMissing", MissingLabels = "MissingLabels", Static = "Static",
        LoopPaused = "LoopPaused", InputMissing = "InputMissing", Nominated = "Nominated", Balance = "Balance",
        Simulation = "Simulation",
    }

    /// The evidence of a blocker.
    Evidence of disruption::Evidence { Computed = "computed", Event = "event", Both = "both" }

    /// A reason for which Karpenter disrupts.
    DisruptionReason of disruption::Reason { Empty = "Empty", Drifted = "Drifted", Underutilized = "Underutilized" }

    /// What kind of thing ends a Node or a pod in spite of protection.
    HazardKind of disruption::HazardKind {
        Expiration = "Expiration", SpotInterruption = "SpotInterruption",
        RebalanceRecommendation = "RebalanceRecommendation", DriftOverridesProtection = "DriftOverridesProtection",
        CapacityBlockEnd = "CapacityBlockEnd", HardwareRepair = "HardwareRepair", MaxLifetime = "MaxLifetime",
        StaticScaleDown = "StaticScaleDown",
    }

    /// The severity of a finding.
    Severity of picture::Severity { Info = "Info", Warning = "Warning", Critical = "Critical" }

    /// Where a Job stands.
    JobStatus of batch::JobStatus {
        Suspended = "Suspended", Queued = "Queued", Pending = "Pending", Running = "Running", Complete = "Complete",
        Failed = "Failed",
    }

    /// How the accelerators of a Node are shared.
    Sharing of gpu::Sharing { None = "None", TimeSlicing = "TimeSlicing", Mps = "Mps", Mig = "Mig", Dra = "Dra" }

    /// Whether the device plugin of a Node has come up.
    DevicePlugin of gpu::DevicePlugin {
        Ready = "Ready", NotRegistered = "NotRegistered", Unhealthy = "Unhealthy",
    }

    /// What the accelerators of a Node do, or one of them.
    GpuClass of gpu::GpuClass {
        Busy = "Busy", Idle = "Idle", Parked = "Parked", Rogue = "Rogue", Stranded = "Stranded",
        Unallocated = "Unallocated", Unknown = "Unknown",
    }

    /// The format of the metrics of accelerators.
    ExporterKind of fleet::ExporterKind { Dcgm = "Dcgm", Amd = "Amd", Neuron = "Neuron", Prometheus = "Prometheus" }

    /// The vendor of an accelerator.
    Vendor of gpu::Vendor {
        Nvidia = "nvidia", Amd = "amd", Aws = "aws", Google = "google", Intel = "intel", Habana = "habana",
        Other = "other",
    }

    /// A step of a start.
    PhaseName of cold_start::PhaseName {
        Queued = "Queued", Suspended = "Suspended", Gated = "Gated", WaitingForCapacity = "WaitingForCapacity",
        Launch = "Launch", Boot = "Boot", Register = "Register", Initialize = "Initialize", Schedule = "Schedule",
        Sandbox = "Sandbox", Pull = "Pull", Init = "Init", Start = "Start", Ready = "Ready",
    }

    /// What tells when a step of a start ended.
    PhaseSource of cold_start::Evidence {
        Event = "Event", Condition = "Condition", Status = "Status", Derived = "Derived",
    }

    /// What kind of thing a start waits for.
    CauseReason of cold_start::CauseReason {
        InsufficientCapacity = "InsufficientCapacity", NodeClassNotReady = "NodeClassNotReady",
        ResourceNotRegistered = "ResourceNotRegistered", StartupTaintsExist = "StartupTaintsExist",
        NodeNotReady = "NodeNotReady", NodeNotFound = "NodeNotFound", Unschedulable = "Unschedulable",
        ImagePull = "ImagePull", ImagePullFailed = "ImagePullFailed", InitContainer = "InitContainer",
        Volume = "Volume", Network = "Network", Unknown = "Unknown",
    }

    /// Why a NodeClaim did not become a machine.
    LaunchFailureReason of cold_start::LaunchFailureReason {
        InsufficientCapacity = "InsufficientCapacityError", Deleted = "NodeClaimDeleted",
    }

    /// The status of a condition.
    ConditionStatus of fleet::Status { True = "True", False = "False", Unknown = "Unknown" }

    /// `type` of an Event.
    EventType of fleet::EventType { Normal = "Normal", Warning = "Warning" }

    /// The subject of an Event.
    EventClass of fleet::EventClass {
        Blocked = "Blocked", Disrupting = "Disrupting", Interruption = "Interruption", Eviction = "Eviction",
        Provisioning = "Provisioning", Image = "Image", Scheduling = "Scheduling", Other = "Other",
    }

    /// How Karpenter's version came to be known.
    Provenance of karpenter::Provenance {
        Flag = "Flag", Image = "Image", CrdSchema = "CrdSchema", Assumed = "Assumed",
    }
}

/// The state of a source, by its name in the Fleet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SourceState(pub HealthState);

impl Serialize for SourceState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

impl JsonSchema for SourceState {
    fn schema_name() -> Cow<'static, str> {
        "SourceState".into()
    }

    /// Two states may have one name.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut names = HealthState::ALL.map(HealthState::name).to_vec();
        names.dedup();
        json_schema!({ "description": "The state of a source.", "type": "string", "enum": names })
    }
}

impl GpuClass {
    /// Whether something computes on the accelerators.
    pub const fn is_working(self) -> bool {
        matches!(self, Self::Busy | Self::Rogue)
    }
}

/// Whether the exporter of a Node's accelerators can be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub enum ExporterState {
    /// It tells of devices and of the pods that have them.
    Live,
    /// It tells of devices, of none which pod has it, although pods have requested some.
    NoPodLabels,
    /// No exporter runs on the Node.
    None,
    /// The API server does not let batchtop read it.
    Forbidden,
    /// It did not answer, or with nothing that can be read.
    Failed,
    /// What it told is of a while ago.
    Stale,
}

impl From<gpu::ExporterState> for ExporterState {
    /// Who has not answered by the time of the document has failed to.
    fn from(state: gpu::ExporterState) -> Self {
        match state {
            gpu::ExporterState::Live => Self::Live,
            gpu::ExporterState::NoPodLabels => Self::NoPodLabels,
            gpu::ExporterState::None => Self::None,
            gpu::ExporterState::Forbidden => Self::Forbidden,
            gpu::ExporterState::Pending | gpu::ExporterState::Failed => Self::Failed,
            gpu::ExporterState::Stale => Self::Stale,
        }
    }
}

/// The Karpenter API that the cluster serves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// `karpenter.sh/v1`.
    V1,
    /// `karpenter.sh/v1beta1`.
    V1Beta1,
    /// `karpenter.sh/v1alpha5`.
    V1Alpha5,
    /// The cluster serves no API of Karpenter.
    Absent,
}

impl Api {
    /// `None` where it is not known yet.
    pub(super) const fn of(api: KarpenterApi) -> Option<Self> {
        match api {
            KarpenterApi::Unknown => None,
            KarpenterApi::Absent => Some(Self::Absent),
            KarpenterApi::V1Alpha5 => Some(Self::V1Alpha5),
            KarpenterApi::V1Beta1 => Some(Self::V1Beta1),
            KarpenterApi::V1 => Some(Self::V1),
        }
    }
}

/// Where an estimate of interruptions begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub enum HazardPrior {
    /// At the range of the Spot Instance Advisor.
    Advisor,
    /// At a middle range, for want of an entry.
    Assumed,
}

impl From<spot::Prior> for HazardPrior {
    fn from(prior: spot::Prior) -> Self {
        match prior {
            spot::Prior::Advisor(_) => Self::Advisor,
            spot::Prior::Assumed => Self::Assumed,
        }
    }
}
