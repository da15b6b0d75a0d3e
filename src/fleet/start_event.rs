//! What Events tell of the start of a pod, by their reason and their message.
//!
//! Kubelets up to three minor versions older than the API server may report to it, so a message is read by its form and not
//! by a version. Sources: kubernetes pkg/kubelet/images/image_manager.go and pkg/kubelet/events/event.go, karpenter
//! pkg/controllers/provisioning/scheduling/events.go, operatorpkg status/controller.go, cluster-autoscaler
//! processors/status/eventing_scale_up_processor.go.

use super::{EventRow, INSUFFICIENT_CAPACITY, Status};
use crate::units::duration;

/// What an Event about a pod tells of its start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StartEvent<'a> {
    /// The kubelet begins to pull the image of a container.
    Pulling {
        /// The image, as the kubelet names it.
        image: &'a str,
    },
    /// It has pulled it.
    Pulled {
        /// The image.
        image: &'a str,
        /// How long it took; `None` where the kubelet does not tell, or in a form that is not known.
        pull: Option<Pull>,
    },
    /// The image was on the Node.
    Present {
        /// The image.
        image: &'a str,
    },
    /// A pull failed.
    PullFailed {
        /// The image, where it is named apart.
        image: Option<&'a str>,
        /// The runtime's words.
        error: &'a str,
    },
    /// The kubelet waits before it pulls again.
    BackOff {
        /// The image.
        image: &'a str,
        /// Why the last pull failed, where the kubelet says that here too.
        error: Option<&'a str>,
    },
    /// A container runs.
    Started {
        /// Its name; kubelets from 1.35 on name it only in the reference to the object.
        container: Option<&'a str>,
    },
    /// The sandbox of the pod, with its network, cannot be made.
    SandboxFailed,
    /// A volume cannot be attached or mounted.
    VolumeFailed,
    /// The scheduler has bound the pod.
    Scheduled,
    /// No Node takes the pod.
    Unschedulable,
    /// Karpenter has capacity in mind for the pod.
    Nominated {
        /// The NodeClaim.
        claim: Option<&'a str>,
        /// Its Node, where there is one.
        node: Option<&'a str>,
    },
    /// The cluster autoscaler makes a node group larger for the pod.
    ScaleUp,
    /// Karpenter or the cluster autoscaler can make no Node for the pod.
    NoCapacity,
}

/// What the kubelet tells of a pull that succeeded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pull {
    /// How long the pull itself took, in milliseconds.
    pub pull_millis: u64,
    /// The same with the time in the kubelet's queue; `None` where an old kubelet does not tell.
    pub total_millis: Option<u64>,
    /// The size of the image as the runtime keeps it, as a rule compressed; `None` where the kubelet does not know it.
    pub bytes: Option<u64>,
}

/// What an Event about a NodeClaim tells of its launch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ClaimEvent<'a> {
    /// The cloud has none of the machines that would do.
    InsufficientCapacity {
        /// The cloud's words.
        error: &'a str,
    },
    /// A condition has got another status.
    Transition(Transition<'a>),
}

/// The change of a condition, as Karpenter's status controller tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transition<'a> {
    /// Type of the condition.
    pub condition: &'a str,
    /// Its status now.
    pub to: Status,
    /// Its reason now.
    pub reason: &'a str,
    /// Its message now, empty where it has none.
    pub message: &'a str,
}

/// What client-go puts before the message of an Event that stands for several similar ones.
const COMBINED: &str = "(combined from similar events): ";

impl<'a> StartEvent<'a> {
    /// Of an Event about a pod; `None` where it tells nothing of its start.
    pub fn of(event: &'a EventRow) -> Option<Self> {
        Self::parse(&event.reason, &event.source, &event.message)
    }

    /// Of the parts of an Event.
    pub fn parse(reason: &str, source: &str, message: &'a str) -> Option<Self> {
        let message = message.strip_prefix(COMBINED).unwrap_or(message);
        match reason {
            "Pulling" => Some(Self::Pulling { image: quoted(message.strip_prefix("Pulling image ")?)?.0 }),
            "Pulled" => pulled(message),
            "Failed" | "ErrImageNeverPull" | "InspectFailed" => pull_failed(reason, message),
            "BackOff" => back_off(message).map(|(image, error)| Self::BackOff { image, error }),
            "Started" => Some(Self::Started { container: message.strip_prefix("Started container ") }),
            "FailedCreatePodSandBox" => Some(Self::SandboxFailed),
            "FailedMount" | "FailedAttachVolume" | "FailedMapVolume" => Some(Self::VolumeFailed),
            "Scheduled" => Some(Self::Scheduled),
            "FailedScheduling" if is_karpenter(source) => Some(Self::NoCapacity),
            "FailedScheduling" => Some(Self::Unschedulable),
            "NotTriggerScaleUp" => Some(Self::NoCapacity),
            "TriggeredScaleUp" => Some(Self::ScaleUp),
            "Nominated" => nominated(message),
            _ => None,
        }
    }
}

/// Sources that are Karpenter: itself, and EKS Auto Mode since September 2025.
pub fn is_karpenter(source: &str) -> bool {
    matches!(source, "karpenter" | "eks-auto-mode/compute")
}

fn pulled(message: &str) -> Option<StartEvent<'_>> {
    if let Some(rest) = message.strip_prefix("Successfully pulled image ") {
        let (image, rest) = quoted(rest)?;
        return Some(StartEvent::Pulled { image, pull: rest.strip_prefix(" in ").and_then(pull) });
    }
    let (image, rest) = quoted(message.strip_prefix("Container image ")?)?;
    rest.starts_with(" already present on machine").then_some(StartEvent::Present { image })
}

/// `4.2s (5m12s including waiting). Image size: 64753325 bytes.`, of which old kubelets leave out the end.
fn pull(text: &str) -> Option<Pull> {
    let (took, size) = match text.split_once(". Image size: ") {
        Some((took, size)) => (took, Some(size.strip_suffix(" bytes.")?)),
        None => (text, None),
    };
    let (pull, total) = match took.split_once('(') {
        Some((pull, total)) => (pull.trim_end(), Some(total.strip_suffix(" including waiting)")?)),
        None => (took, None),
    };
    Some(Pull {
        pull_millis: millis(pull)?,
        total_millis: total.map(millis).map_or(Some(None), |total| total.map(Some))?,
        // The kubelet says zero where the runtime does not tell.
        bytes: size.and_then(|size| size.parse().ok()).filter(|bytes| *bytes > 0),
    })
}

fn millis(text: &str) -> Option<u64> {
    const NANOS_PER_MILLI: u64 = 1_000_000;
    u64::try_from(duration::parse_go(text).ok()?).ok().map(|nanos| nanos / NANOS_PER_MILLI)
}

/// A text that Go has quoted, as it stands between the quotes, and what follows.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('"')?;
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

/// What stands before a quoted image in words that tell of a failure as a whole.
const BEFORE_IMAGE: [&str; 2] = ["Container image ", "Failed to inspect image "];

/// `Failed` is also said of containers that cannot be created, and `Error: ErrImagePull` beside every pull that failed.
fn pull_failed<'a>(reason: &str, message: &'a str) -> Option<StartEvent<'a>> {
    if let Some(rest) = message.strip_prefix("Failed to pull image ") {
        let (image, rest) = quoted(rest)?;
        return Some(StartEvent::PullFailed { image: Some(image), error: rest.strip_prefix(": ").unwrap_or(rest) });
    }
    if let Some(rest) = message.strip_prefix("Failed to record image pull intent for container image ") {
        let image = quoted(rest).map(|(image, _)| image);
        return Some(StartEvent::PullFailed { image, error: message });
    }
    let is_of_image = reason != "Failed" || message.starts_with("image pull failed for ");
    let image = BEFORE_IMAGE.iter().find_map(|start| quoted(message.strip_prefix(start)?)).map(|(image, _)| image);
    let bare = || Some(message.strip_prefix("image pull failed for ")?.split_once(" because ")?.0);
    let image = image.or_else(bare);
    is_of_image.then_some(StartEvent::PullFailed { image, error: message })
}

/// `Back-off pulling image "x": ErrImagePull: rpc error: …`, of an Event or of `state.waiting`: the image, and why the last
/// pull failed, which old kubelets leave out. `None` for other texts, such as that of a container that is restarted late.
pub fn back_off(message: &str) -> Option<(&str, Option<&str>)> {
    let (image, rest) = quoted(message.strip_prefix("Back-off pulling image ")?)?;
    let error = rest.strip_prefix(": ").map(|error| error.strip_prefix("ErrImagePull: ").unwrap_or(error));
    Some((image, error.filter(|error| !error.is_empty())))
}

/// `Pod should schedule on: nodeclaim/x, node/y`, each part where it is known.
fn nominated(message: &str) -> Option<StartEvent<'_>> {
    let targets = message.strip_prefix("Pod should schedule on: ")?;
    let named = |kind: &str| targets.split(", ").find_map(|target| target.strip_prefix(kind));
    let (claim, node) = (named("nodeclaim/"), named("node/"));
    (claim.is_some() || node.is_some()).then_some(StartEvent::Nominated { claim, node })
}

impl<'a> ClaimEvent<'a> {
    /// Of an Event about a NodeClaim; `None` where it tells nothing of its launch.
    pub fn of(event: &'a EventRow) -> Option<Self> {
        Self::parse(&event.reason, &event.message)
    }

    /// Of the parts of an Event.
    pub fn parse(reason: &str, message: &'a str) -> Option<Self> {
        let message = message.strip_prefix(COMBINED).unwrap_or(message);
        if reason == INSUFFICIENT_CAPACITY {
            // `NodeClaim x event: insufficient capacity, …`
            let error = message.split_once(" event: ").map_or(message, |(_, error)| error);
            return Some(Self::InsufficientCapacity { error });
        }
        transition(message).map(Self::Transition)
    }
}

/// `Status condition transitioned, Type: Launched, Status: Unknown -> True, Reason: Launched, Message: …`
fn transition(message: &str) -> Option<Transition<'_>> {
    let rest = message.strip_prefix("Status condition transitioned, Type: ")?;
    let (condition, rest) = rest.split_once(", Status: ")?;
    let (status, rest) = rest.split_once(", Reason: ")?;
    let (_, to) = status.split_once(" -> ")?;
    let (reason, message) = rest.split_once(", Message: ").unwrap_or((rest, ""));
    Some(Transition { condition, to: Status::parse(to), reason, message })
}

/// Why Nodes, or NodePools, do not take a pod.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Refusal<'a> {
    /// How many Nodes there are; `None` where the message does not say.
    pub nodes: Option<u64>,
    /// Why they do not take it, as they are named.
    pub causes: Vec<RefusalCause<'a>>,
}

/// One reason for which Nodes do not take a pod.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefusalCause<'a> {
    /// For how many Nodes it holds; `None` where it is one of the pod itself.
    pub nodes: Option<u64>,
    /// The reason, in the words of who refuses.
    pub reason: &'a str,
}

impl<'a> Refusal<'a> {
    /// Of the message of `FailedScheduling` or of condition `PodScheduled`, of `NotTriggerScaleUp`, and of Karpenter's
    /// `FailedScheduling`.
    pub fn parse(message: &'a str) -> Self {
        let message = message.strip_prefix(COMBINED).unwrap_or(message);
        if let Some((count, rest)) = message.split_once(" nodes are available: ") {
            let nodes = count.rsplit_once('/').and_then(|(_, all)| all.parse().ok());
            return Self { nodes, causes: causes(of_first_pass(rest)) };
        }
        if let Some(rest) = message.strip_prefix("pod didn't trigger scale-up") {
            let (_, rest) = rest.split_once(": ").unwrap_or(("", rest));
            return Self { nodes: None, causes: causes(rest) };
        }
        let by_pool = message.strip_prefix("Failed to schedule pod, ").unwrap_or(message).split("; ");
        let whole = |reason| RefusalCause { nodes: None, reason };
        Self { nodes: None, causes: by_pool.filter(|reason| !reason.is_empty()).map(whole).collect() }
    }
}

/// Without what the scheduler says of preemption, which is another answer to another question.
fn of_first_pass(causes: &str) -> &str {
    let ends = [". preemption: ", ". no new claims to deallocate", " preemption: "];
    let end = ends.iter().filter_map(|end| causes.find(end)).min().unwrap_or(causes.len());
    causes.get(..end).unwrap_or(causes).trim_end_matches(['.', ' ', ','])
}

/// `3 Insufficient nvidia.com/gpu, 2 node(s) had untolerated taint {a: b}`: a reason may have commas in it, but a number
/// begins the next one.
fn causes(text: &str) -> Vec<RefusalCause<'_>> {
    let (mut causes, mut rest) = (Vec::new(), text.trim());
    while !rest.is_empty() {
        let end = rest.match_indices(", ").map(|(at, _)| at).find(|at| starts_with_count(&rest[at + 2..]));
        let (cause, next) = end.map_or((rest, ""), |at| (&rest[..at], &rest[at + 2..]));
        causes.push(of_count(cause));
        rest = next;
    }
    causes
}

fn starts_with_count(text: &str) -> bool {
    of_count(text).nodes.is_some()
}

fn of_count(cause: &str) -> RefusalCause<'_> {
    let counted = cause.split_once(' ').and_then(|(count, reason)| Some((count.parse().ok()?, reason)));
    counted.map_or(RefusalCause { nodes: None, reason: cause }, |(nodes, reason)| RefusalCause {
        nodes: Some(nodes),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kubelet(reason: &str, message: &'static str) -> Option<StartEvent<'static>> {
        StartEvent::parse(reason, "kubelet", message)
    }

    fn took(pull_millis: u64, total_millis: Option<u64>, bytes: Option<u64>) -> Pull {
        Pull { pull_millis, total_millis, bytes }
    }

    #[test]
    fn pulls_of_every_version_of_the_kubelet_are_read() {
        for (message, want) in [
            ("Successfully pulled image \"nginx:1.25\" in 49.18401355s", Some(took(49_184, None, None))),
            (
                "Successfully pulled image \"nvcr.io/nvidia/pytorch:24.05-py3\" in 1m21.284220239s (1m21.284231s including \
                 waiting)",
                Some(took(81_284, Some(81_284), None)),
            ),
            (
                "Successfully pulled image \"x\" in 370.157088ms (370.172701ms including waiting)",
                Some(took(370, Some(370), None)),
            ),
            (
                "Successfully pulled image \"a/b@sha256:00\" in 685ms (685ms including waiting)",
                Some(took(685, Some(685), None)),
            ),
            (
                "Successfully pulled image \"x\" in 4.2s (5m12s including waiting). Image size: 64753325 bytes.",
                Some(took(4_200, Some(312_000), Some(64_753_325))),
            ),
            (
                "Successfully pulled image \"x\" in 0s (0s including waiting). Image size: 0 bytes.",
                Some(took(0, Some(0), None)),
            ),
            (
                "Successfully pulled image \"g1g1/py-kube\" in 15.981s (15.981s including waiting). Image size: 129338587 \
                 bytes.",
                Some(took(15_981, Some(15_981), Some(129_338_587))),
            ),
            (
                "Successfully pulled image \"x\" in 1h0m0.5s (1h0m0.5s including waiting)",
                Some(took(3_600_500, Some(3_600_500), None)),
            ),
            ("Successfully pulled image \"x\" in 370.157µs", Some(took(0, None, None))),
            ("Successfully pulled image \"odd\\\"name\" in 2s", Some(took(2_000, None, None))),
            ("Successfully pulled image \"x\" in a while", None),
            ("Successfully pulled image \"x\" in -3s", None),
            ("Successfully pulled image \"x\"", None),
        ] {
            let image = message.split('"').nth(1).filter(|image| !image.ends_with('\\')).unwrap_or("odd\\\"name");
            assert_eq!(kubelet("Pulled", message), Some(StartEvent::Pulled { image, pull: want }), "{message}");
        }
        assert_eq!(kubelet("Pulled", "Successfully pulled image \"x in 3s"), None);
        for message in [
            "Container image \"x\" already present on machine",
            "Container image \"x\" already present on machine and can be accessed by the pod",
        ] {
            assert_eq!(kubelet("Pulled", message), Some(StartEvent::Present { image: "x" }), "{message}");
        }
    }

    #[test]
    fn failed_pulls_are_told_from_failed_containers() {
        let failed = |image, error| Some(StartEvent::PullFailed { image, error });
        let never = "Container image \"x\" is not present with pull policy of Never";
        let backs_off = |error| Some(StartEvent::BackOff { image: "x", error });
        let invalid_signature = "image pull failed for x because the signature validation failed: no key";
        let intent = "Failed to record image pull intent for container image \"x:1\": no space left on device";
        let no_tag = "Failed to apply default image tag \"x:\": couldn't parse image name";
        let not_inspected = "Failed to inspect image \"x:1\": rpc error: code = Unavailable";
        let unavailable = "image pull failed for x because the registry is unavailable: EOF";
        for (reason, message, want) in [
            (
                "Failed",
                "Failed to pull image \"x:1\": rpc error: not found",
                failed(Some("x:1"), "rpc error: not found"),
            ),
            (
                "Failed",
                "(combined from similar events): Failed to pull image \"x\": unauthorized",
                failed(Some("x"), "unauthorized"),
            ),
            ("Failed", unavailable, failed(Some("x"), unavailable)),
            ("ErrImageNeverPull", never, failed(Some("x"), never)),
            ("Failed", invalid_signature, failed(Some("x"), invalid_signature)),
            ("Failed", intent, failed(Some("x:1"), intent)),
            ("InspectFailed", no_tag, failed(None, no_tag)),
            ("InspectFailed", not_inspected, failed(Some("x:1"), not_inspected)),
            ("Failed", "Error: ErrImagePull", None),
            ("Failed", "Error: ImagePullBackOff", None),
            ("Failed", "Error: failed to create containerd task", None),
            ("BackOff", "Back-off pulling image \"x\"", backs_off(None)),
            (
                "BackOff",
                "Back-off pulling image \"x\": ErrImagePull: rpc error: code = NotFound",
                backs_off(Some("rpc error: code = NotFound")),
            ),
            ("BackOff", "Back-off pulling image \"x\": denied", backs_off(Some("denied"))),
            ("BackOff", "Back-off restarting failed container c in pod p_ns(uid)", None),
            ("Pulling", "Pulling image \"x\"", Some(StartEvent::Pulling { image: "x" })),
            ("Started", "Container started", Some(StartEvent::Started { container: None })),
            ("Started", "Started container c", Some(StartEvent::Started { container: Some("c") })),
            ("Created", "Created container: c", None),
            ("FailedCreatePodSandBox", "Failed to create pod sandbox: x", Some(StartEvent::SandboxFailed)),
            ("FailedCreatePodSandBox", "Failed create pod sandbox: x", Some(StartEvent::SandboxFailed)),
            ("FailedMount", "MountVolume.SetUp failed for volume \"x\"", Some(StartEvent::VolumeFailed)),
            (
                "FailedAttachVolume",
                "Multi-Attach error for volume \"pvc-1\" Volume is already used by pod(s) p-0",
                Some(StartEvent::VolumeFailed),
            ),
            ("Killing", "Stopping container c", None),
        ] {
            assert_eq!(kubelet(reason, message), want, "{reason} {message}");
        }
    }

    #[test]
    fn events_of_capacity_are_read_by_reason_and_source() {
        let nominated = |claim, node| Some(StartEvent::Nominated { claim, node });
        for (reason, source, message, want) in [
            ("Nominated", "karpenter", "Pod should schedule on: nodeclaim/gpu-x1", nominated(Some("gpu-x1"), None)),
            (
                "Nominated",
                "eks-auto-mode/compute",
                "Pod should schedule on: nodeclaim/gpu-x1, node/i-0a",
                nominated(Some("gpu-x1"), Some("i-0a")),
            ),
            ("Nominated", "karpenter", "Pod should schedule on: node/n1", nominated(None, Some("n1"))),
            ("Nominated", "karpenter", "Pod should rest", None),
            ("FailedScheduling", "default-scheduler", "0/1 nodes are available", Some(StartEvent::Unschedulable)),
            ("FailedScheduling", "karpenter", "Failed to schedule pod, x", Some(StartEvent::NoCapacity)),
            (
                "TriggeredScaleUp",
                "cluster-autoscaler",
                "pod triggered scale-up: [{a 0->1 (max: 3)}]",
                Some(StartEvent::ScaleUp),
            ),
            ("NotTriggerScaleUp", "cluster-autoscaler", "pod didn't trigger scale-up: x", Some(StartEvent::NoCapacity)),
            ("Scheduled", "default-scheduler", "Successfully assigned ml/p to n1", Some(StartEvent::Scheduled)),
            (
                "Scheduled",
                "kai-scheduler",
                "Successfully assigned pod ml/p to node n1 at node-pool default",
                Some(StartEvent::Scheduled),
            ),
        ] {
            assert_eq!(StartEvent::parse(reason, source, message), want, "{reason} {message}");
        }
    }

    #[test]
    fn events_of_node_claims_tell_what_failed_and_what_changed() {
        let insufficient =
            "NodeClaim gpu-x1 event: insufficient capacity, all requested instance types were unavailable";
        assert_eq!(
            ClaimEvent::parse("InsufficientCapacityError", insufficient),
            Some(ClaimEvent::InsufficientCapacity {
                error: "insufficient capacity, all requested instance types were unavailable"
            })
        );
        let late = "Status condition transitioned, Type: Initialized, Status: Unknown -> Unknown, Reason: \
                    ResourceNotRegistered, Message: Resource \"nvidia.com/gpu\" was requested but not registered";
        let want = Transition {
            condition: "Initialized",
            to: Status::Unknown,
            reason: "ResourceNotRegistered",
            message: "Resource \"nvidia.com/gpu\" was requested but not registered",
        };
        assert_eq!(ClaimEvent::parse("Initialized", late), Some(ClaimEvent::Transition(want)));
        let launched = "Status condition transitioned, Type: Launched, Status: Unknown -> True, Reason: Launched";
        let want = Transition { condition: "Launched", to: Status::True, reason: "Launched", message: "" };
        assert_eq!(ClaimEvent::parse("Launched", launched), Some(ClaimEvent::Transition(want)));
        assert_eq!(ClaimEvent::parse("Finalized", "Finalized karpenter.sh/termination"), None);
    }

    #[test]
    fn a_refusal_of_the_scheduler_is_decoded_into_counted_causes() {
        let of = |counts: &[(Option<u64>, &'static str)]| -> Vec<RefusalCause<'static>> {
            counts.iter().map(|(nodes, reason)| RefusalCause { nodes: *nodes, reason }).collect()
        };
        for (message, nodes, causes) in [
            (
                "0/5 nodes are available: 3 Insufficient nvidia.com/gpu, 2 node(s) had untolerated taint {k: v}. \
                 preemption: 0/5 nodes are available: 5 Preemption is not helpful for scheduling.",
                Some(5),
                of(&[(Some(3), "Insufficient nvidia.com/gpu"), (Some(2), "node(s) had untolerated taint {k: v}")]),
            ),
            ("0/3 nodes are available: 3 Insufficient cpu.", Some(3), of(&[(Some(3), "Insufficient cpu")])),
            (
                "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are \
                 available: 1 No preemption victims found for incoming pod.",
                Some(1),
                of(&[(Some(1), "Insufficient cpu")]),
            ),
            (
                "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/2 nodes are \
                 available: 2 Preemption is not helpful for scheduling.",
                Some(2),
                of(&[(None, "pod has unbound immediate PersistentVolumeClaims")]),
            ),
            (
                "0/4 nodes are available: 1 node(s) had untolerated taint {a: x, 2}, 3 node(s) were unschedulable.",
                Some(4),
                of(&[(Some(1), "node(s) had untolerated taint {a: x, 2}"), (Some(3), "node(s) were unschedulable")]),
            ),
            (
                "pod didn't trigger scale-up: 1 max node group size reached, 2 Insufficient nvidia.com/gpu",
                None,
                of(&[(Some(1), "max node group size reached"), (Some(2), "Insufficient nvidia.com/gpu")]),
            ),
            (
                "pod didn't trigger scale-up (it wouldn't fit if a new node is added): 1 Insufficient cpu",
                None,
                of(&[(Some(1), "Insufficient cpu")]),
            ),
            (
                "Failed to schedule pod, incompatible with nodepool \"cpu\", no instance type; did not tolerate a=b",
                None,
                of(&[(None, "incompatible with nodepool \"cpu\", no instance type"), (None, "did not tolerate a=b")]),
            ),
            ("running PreBind plugin \"x\": timed out", None, of(&[(None, "running PreBind plugin \"x\": timed out")])),
        ] {
            assert_eq!(Refusal::parse(message), Refusal { nodes, causes }, "{message}");
        }
    }

    proptest! {
        #[test]
        fn no_message_makes_a_parser_panic(
            start in prop::sample::select(vec![
                "", "Successfully pulled image ", "Container image ", "Failed to pull image ", "0/3 nodes are available: ",
                "Pod should schedule on: ", "Status condition transitioned, Type: ", "pod didn't trigger scale-up",
                "Successfully pulled image \"x\" in ", COMBINED,
            ]),
            rest in "[\"\\\\ .,:;()0-9smhµé{}/-]{0,40}|.*",
            reason in prop::sample::select(vec!["Pulled", "Failed", "BackOff", "Nominated", "InsufficientCapacityError"]),
        ) {
            let message = format!("{start}{rest}");
            let _ = StartEvent::parse(reason, "", &message);
            let _ = ClaimEvent::parse(reason, &message);
            let causes = Refusal::parse(&message).causes;
            prop_assert!(causes.iter().all(|cause| message.contains(cause.reason)));
        }
    }
}
