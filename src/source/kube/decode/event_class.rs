//! What an Event is about, told by its reason, its type, its source and, where a reason has two meanings, its message.

use crate::fleet::{EventClass, EventType, is_karpenter};

/// How Karpenter's status controller begins the Event of a condition that changed, whose reason is the condition's type
/// (operatorpkg status/controller.go). The AWS provider's interruption Warning `InstanceTerminating` has the same reason
/// as such a transition.
const TRANSITION: &str = "Status condition transitioned";

/// The class of an Event.
pub(super) fn classify(reason: &str, kind: EventType, source: &str, message: &str) -> EventClass {
    if message.starts_with(TRANSITION) {
        return transition(reason);
    }
    match reason {
        "" if is_karpenter(source) => EventClass::Provisioning,
        "Failed" | "BackOff" => image_or_other(message),
        "FailedScheduling" | "Scheduled" => EventClass::Scheduling,
        _ => by_reason(reason, kind),
    }
}

fn transition(condition: &str) -> EventClass {
    match condition {
        "Consolidatable" | "Drifted" | "DisruptionReason" | "Drained" | "VolumesDetached" | "InstanceTerminating" => {
            EventClass::Disrupting
        }
        "Launched" | "Registered" | "Initialized" | "Ready" => EventClass::Provisioning,
        _ => EventClass::Other,
    }
}

/// The kubelet says `Failed` and `BackOff` of images and of containers alike (kubernetes pkg/kubelet/events/event.go).
fn image_or_other(message: &str) -> EventClass {
    const OF_IMAGES: [&str; 6] = [
        "Failed to pull image",
        "Back-off pulling image",
        "Error: ErrImage",
        "Error: ImagePull",
        "image pull",
        "image",
    ];
    if OF_IMAGES.iter().any(|start| message.starts_with(start)) { EventClass::Image } else { EventClass::Other }
}

/// Reasons that have one meaning, whoever writes them. Karpenter's are those of pkg/events/reason.go and of the AWS
/// provider's interruption/events, the former names of v1alpha5 included; those of AWS's Node Termination Handler are
/// in its pkg/observability/k8s-events.go.
fn by_reason(reason: &str, kind: EventType) -> EventClass {
    match reason {
        "DisruptionBlocked"
        | "DeprovisioningBlocked"
        | "Unconsolidatable"
        | "ConsolidationRejected"
        | "NodeRepairBlocked"
        | "NodePoolBlocked"
        | "InvalidDoNotDisruptAnnotation"
        | "DoNotDisruptUntil"
        | "DoNotDisruptGracePeriodElapsed" => EventClass::Blocked,
        "DisruptionTerminating"
        | "DisruptionLaunching"
        | "DisruptionWaitingReadiness"
        | "DisruptionWaitingDeletion"
        | "DeprovisioningTerminating"
        | "DeprovisioningLaunching"
        | "DeprovisioningWaitingReadiness"
        | "DeprovisioningWaitingDeletion"
        | "ConsolidationCandidate"
        | "ConsolidationApproved" => EventClass::Disrupting,
        "SpotInterrupted"
        | "CapacityReservationInstanceInterrupted"
        | "SpotRebalanceRecommendation"
        | "InstanceStopping"
        | "InstanceUnhealthy"
        | "TerminatingOnInterruption"
        | "RebalanceRecommendation"
        | "SpotInterruption"
        | "ScheduledEvent"
        | "ASGLifecycle"
        | "StateChange"
        | "SQSTermination"
        | "UnknownInterruption"
        | "PreemptScheduled" => EventClass::Interruption,
        "InstanceTerminating" if kind == EventType::Warning => EventClass::Interruption,
        "Evicted"
        | "Disrupted"
        | "Preempted"
        | "TaintManagerEviction"
        | "TerminationGracePeriodExpiring"
        | "FailedDraining"
        | "AwaitingVolumeDetachment"
        | "FailedTermination"
        | "Killing"
        | "NodeShutdown"
        | "Shutdown"
        | "Drain"
        | "CordonAndDrain"
        | "DeletingNode"
        | "RemovingNode"
        | "Preempting"
        | "Preempt"
        | "ExceededGracePeriod"
        | "EvictionThresholdMet" => EventClass::Eviction,
        "Nominated"
        | "Launched"
        | "Registered"
        | "Initialized"
        | "InsufficientCapacityError"
        | "NoCompatibleInstanceTypes"
        | "UnregisteredTaintMissing"
        | "FailedConsistencyCheck"
        | "NodeClassNotReady"
        | "ZonalShiftActive"
        | "ZonalShiftCleared"
        | "RegisteredNode"
        | "NodeReady"
        | "Starting"
        | "TriggeredScaleUp"
        | "NotTriggerScaleUp" => EventClass::Provisioning,
        "Pulling" | "Pulled" | "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "InspectFailed" => {
            EventClass::Image
        }
        "SchedulingGated" | "WaitingForGates" | "Unschedulable" => EventClass::Scheduling,
        _ => EventClass::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ambiguous_event_reasons_are_classified_by_type_and_message() {
        let table = [
            ("InstanceTerminating", EventType::Warning, "Instance is terminating", EventClass::Interruption),
            (
                "InstanceTerminating",
                EventType::Normal,
                "Status condition transitioned, Type: InstanceTerminating, Status: Unknown -> True, Reason: x",
                EventClass::Disrupting,
            ),
            ("BackOff", EventType::Normal, "Back-off pulling image \"x\"", EventClass::Image),
            ("BackOff", EventType::Warning, "Back-off restarting failed container c in pod p", EventClass::Other),
            ("Failed", EventType::Warning, "Error: ImagePullBackOff", EventClass::Image),
            ("Failed", EventType::Warning, "Error: failed to create containerd task", EventClass::Other),
            ("", EventType::Warning, "Failed resolving NodeClass", EventClass::Provisioning),
        ];
        for (reason, kind, message, class) in table {
            assert_eq!(classify(reason, kind, "karpenter", message), class, "{reason}: {message}");
        }
        assert_eq!(classify("", EventType::Normal, "somebody", "hello"), EventClass::Other);
    }

    #[test]
    fn event_reasons_are_classified() {
        let table = [
            ("DisruptionBlocked", EventClass::Blocked),
            ("DisruptionTerminating", EventClass::Disrupting),
            ("SpotInterrupted", EventClass::Interruption),
            ("SQSTermination", EventClass::Interruption),
            ("UnknownInterruption", EventClass::Interruption),
            ("TaintManagerEviction", EventClass::Eviction),
            ("Nominated", EventClass::Provisioning),
            ("Pulled", EventClass::Image),
            ("FailedScheduling", EventClass::Scheduling),
            ("SuccessfulCreate", EventClass::Other),
        ];
        for (reason, class) in table {
            assert_eq!(classify(reason, EventType::Normal, "", ""), class, "{reason}");
        }
    }
}
