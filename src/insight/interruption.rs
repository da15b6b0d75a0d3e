//! What tells that the cloud takes an instance back, or may soon, and which clouds sell such instances.
//!
//! batchtop runs outside of the nodes: it learns of a notice only through Events, taints and conditions. Whoever drains
//! the node (Karpenter, the Node Termination Handler of AWS, GKE, the kubelet) leaves one of these.

use crate::fleet::{Condition, EventClass, EventRow, NodeClaimRow, NodeRow, Status, Sym, Taint};
use crate::insight::karpenter::{is_of_auto_mode, is_of_aws};
use crate::units::Time;

/// What kind of spot or preemptible instance a Node is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SpotKind {
    /// An EC2 Spot Instance.
    AwsSpot,
    /// A Spot VM of Google Cloud.
    GcpSpot,
    /// A preemptible VM of Google Cloud, which lives 24 hours at most.
    GcpPreemptible,
    /// An Azure Spot VM.
    AzureSpot,
    /// Of another provider.
    Other,
}

/// How long a preemptible VM of Google Cloud may live.
pub const PREEMPTIBLE_SECONDS: i64 = 24 * 3_600;

impl SpotKind {
    /// Of a Node; `None` where its capacity is no spot capacity. Before Karpenter has labelled a Node, its NodeClaim
    /// tells.
    pub fn of(node: &NodeRow, claim: Option<&NodeClaimRow>) -> Option<Self> {
        let is = |label: &str, value: &str| node.labels.get(label).is_some_and(|found| found == value);
        if is("cloud.google.com/gke-preemptible", "true") || is("cloud.google.com/gke-provisioning", "preemptible") {
            return Some(Self::GcpPreemptible);
        }
        let capacity = node.capacity_type().or_else(|| claim.and_then(NodeClaimRow::capacity_type));
        (capacity? == crate::fleet::CapacityType::Spot).then(|| Self::of_cloud(node, claim))
    }

    fn of_cloud(node: &NodeRow, claim: Option<&NodeClaimRow>) -> Self {
        let provider = node.provider().or_else(|| claim.and_then(NodeClaimRow::provider));
        let scheme = provider.and_then(|id| id.split_once("://")).map(|(scheme, _)| scheme);
        let group = claim.and_then(|claim| claim.node_class.as_ref()).map(|class| class.group.as_str());
        let has = |prefix: &str| node.labels.iter().any(|(key, _)| key.starts_with(prefix));
        match scheme {
            Some("aws") => Self::AwsSpot,
            Some("gce") => Self::GcpSpot,
            Some("azure") => Self::AzureSpot,
            _ if group.is_some_and(is_of_aws) || has("eks.amazonaws.com/") || has("karpenter.k8s.aws/") => {
                Self::AwsSpot
            }
            _ if has("cloud.google.com/") => Self::GcpSpot,
            _ if has("kubernetes.azure.com/") || has("karpenter.azure.com/") => Self::AzureSpot,
            _ => Self::Other,
        }
    }

    /// How long after the notice the instance goes, at most. Of another provider no longer than with AWS is assumed.
    pub const fn notice_seconds(self) -> i64 {
        match self {
            Self::AwsSpot | Self::Other => 120,
            Self::GcpSpot | Self::GcpPreemptible | Self::AzureSpot => 30,
        }
    }

    /// How much of that a pod gets to end: GKE keeps half of it for the pods of the system.
    pub const fn grace_seconds(self) -> i64 {
        match self {
            Self::AwsSpot | Self::Other => 120,
            Self::GcpSpot | Self::GcpPreemptible => 15,
            Self::AzureSpot => 30,
        }
    }

    /// Whether its cloud tells of a reclaim on the Node itself, whatever runs in the cluster.
    pub const fn tells_by_itself(self) -> bool {
        matches!(self, Self::GcpSpot | Self::GcpPreemptible | Self::AzureSpot)
    }
}

/// What a signal means for the instance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SignalKind {
    /// It may be taken back: AWS recommends to replace it.
    Rebalance,
    /// It is being taken back, stopped or terminated.
    Reclaim,
}

/// What a signal follows from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cause {
    /// The cloud has given notice.
    Notice,
    /// The instance is going, be it because somebody has deleted it.
    Shutdown,
}

/// A sign that an instance is, or may be, taken back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signal {
    /// What it means.
    pub kind: SignalKind,
    /// What it follows from.
    pub cause: Cause,
    /// The reason of the Event, the key of the taint, or the reason of the condition.
    pub reason: Sym,
    /// Who wrote it: the component of the Event; `taint` or `condition`.
    pub source: Sym,
    /// When it was given; `None` for a taint, which does not say.
    pub at: Option<Time>,
}

/// A node that is still there so long after a notice was not taken.
const RECLAIM_SECONDS: i64 = 600;

/// For how long a recommendation counts.
const REBALANCE_SECONDS: i64 = 3_600;

/// By how much the clocks of a cluster may differ.
pub const CLOCKS_DIFFER_SECONDS: i64 = 60;

/// The signal that decides about a Node, of these Events about it and its NodeClaim: of reclaims the first that tells
/// its time, which is the notice; of recommendations the last.
pub fn of_node(node: &NodeRow, events: &[&EventRow], now: Time) -> Option<Signal> {
    let since = node.meta.created.plus_seconds(-CLOCKS_DIFFER_SECONDS);
    let is_of_this_node = |event: &&&EventRow| event.at >= since;
    let told: Vec<Signal> = events
        .iter()
        .filter(is_of_this_node)
        .filter_map(|event| of_event(event))
        .filter(|signal| is_current(signal, now))
        .collect();
    let shown: Vec<Signal> = node.taints.iter().filter_map(of_taint).chain(of_condition(node)).collect();
    let all = || told.iter().chain(&shown);
    let of_kind = |kind: SignalKind| all().filter(move |signal| signal.kind == kind);
    let notice = of_kind(SignalKind::Reclaim).min_by_key(|signal| (signal.at.is_none(), signal.at));
    notice.or_else(|| of_kind(SignalKind::Rebalance).max_by_key(|signal| signal.at)).cloned()
}

/// Whether an Event can be a signal, now or when it was written.
pub fn is_signal(event: &EventRow) -> bool {
    of_event(event).is_some()
}

/// Whether an Event told that the instance is taken back, or goes.
pub fn is_reclaim(event: &EventRow) -> bool {
    of_event(event).is_some_and(|signal| signal.kind == SignalKind::Reclaim)
}

fn is_current(signal: &Signal, now: Time) -> bool {
    let longest = match signal.kind {
        SignalKind::Reclaim => RECLAIM_SECONDS,
        SignalKind::Rebalance => REBALANCE_SECONDS,
    };
    let age = signal.at.map_or(0, |at| now.seconds_since(at));
    (-CLOCKS_DIFFER_SECONDS..=longest).contains(&age)
}

/// Reasons of Karpenter (aws pkg/controllers/interruption/events), of the Node Termination Handler
/// (aws-node-termination-handler pkg/observability/k8s-events.go), and of the node problem detector of AKS.
fn of_event(event: &EventRow) -> Option<Signal> {
    if event.class != EventClass::Interruption {
        return None;
    }
    let says = |words: &str| event.message.to_ascii_lowercase().contains(words);
    let (kind, cause) = match event.reason.as_str() {
        "SpotInterrupted" | "CapacityReservationInstanceInterrupted" | "SpotInterruption" | "PreemptScheduled" => {
            (SignalKind::Reclaim, Cause::Notice)
        }
        // In one of its formats the handler writes this of everything that comes through its queue.
        "SQSTermination" if says("rebalance") => (SignalKind::Rebalance, Cause::Notice),
        "SQSTermination" if says("spot") => (SignalKind::Reclaim, Cause::Notice),
        "InstanceStopping" | "InstanceTerminating" | "StateChange" => (SignalKind::Reclaim, Cause::Shutdown),
        "SQSTermination" if says("state change") => (SignalKind::Reclaim, Cause::Shutdown),
        "SpotRebalanceRecommendation" | "RebalanceRecommendation" => (SignalKind::Rebalance, Cause::Notice),
        _ => return None,
    };
    Some(Signal { kind, cause, reason: event.reason.clone(), source: event.source.clone(), at: Some(event.at) })
}

fn of_taint(taint: &Taint) -> Option<Signal> {
    let kind = match taint.key.as_str() {
        "aws-node-termination-handler/spot-itn" | "cloud.google.com/impending-node-termination" => SignalKind::Reclaim,
        "aws-node-termination-handler/rebalance-recommendation" => SignalKind::Rebalance,
        _ => return None,
    };
    Some(Signal { kind, cause: Cause::Notice, reason: taint.key.clone(), source: Sym::new("taint"), at: None })
}

/// The kubelet says so while it shuts the node down gracefully (kubernetes pkg/kubelet/nodeshutdown).
fn of_condition(node: &NodeRow) -> Option<Signal> {
    let ready = Condition::find(&node.conditions, "Ready")?;
    let is_shutting_down = ready.status == Status::False && ready.message.contains("node is shutting down");
    is_shutting_down.then(|| Signal {
        kind: SignalKind::Reclaim,
        cause: Cause::Shutdown,
        reason: ready.reason.clone(),
        source: Sym::new("condition"),
        at: ready.last_transition,
    })
}

/// Whether whoever manages the Node handles notices itself: EKS Auto Mode and EKS managed node groups.
pub fn is_managed_by_eks(node: &NodeRow, claim: Option<&NodeClaimRow>) -> bool {
    let is_auto = node.labels.get("eks.amazonaws.com/compute-type").is_some_and(|value| value == "auto");
    is_auto || claim.is_some_and(is_of_auto_mode) || node.labels.get("eks.amazonaws.com/nodegroup").is_some()
}

/// Whether a pod with these labels is one of the Node Termination Handler of AWS.
pub fn is_termination_handler(labels: &crate::fleet::Labels) -> bool {
    let is = |key: &str| labels.get(key).is_some_and(|value| value == "aws-node-termination-handler");
    is("app.kubernetes.io/name") || is("k8s-app")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{EventObject, ObjectKey};
    use crate::insight::testing::{CREATED, NOW, claim, condition, labels, meta, node, sym};
    use crate::rows;

    const KARPENTER: &str = "karpenter";
    const HANDLER: &str = "aws-node-termination-handler";

    /// An Event about the Node, so many seconds ago.
    fn event(source: &str, reason: &str, message: &str, seconds_ago: i64) -> EventRow {
        let object = EventObject { kind: sym("Node"), key: ObjectKey::cluster("a") };
        let at = NOW.plus_seconds(-seconds_ago);
        let class = EventClass::Interruption;
        let row = rows::event(meta("default", &format!("{reason}-{seconds_ago}")), at, class, reason, object);
        EventRow { source: sym(source), message: sym(message), ..row }
    }

    fn tainted(keys: &[&str]) -> NodeRow {
        let taint = |key: &&str| Taint { key: sym(key), value: sym(""), effect: sym("NoSchedule") };
        NodeRow { taints: keys.iter().map(taint).collect(), ..node("a") }
    }

    fn found(node: &NodeRow, events: &[EventRow]) -> Option<(SignalKind, String, Option<i64>)> {
        let events: Vec<&EventRow> = events.iter().collect();
        let signal = of_node(node, &events, NOW)?;
        Some((signal.kind, signal.reason.to_string(), signal.at.map(|at| NOW.seconds_since(at))))
    }

    #[test]
    fn every_event_that_tells_of_a_reclaim_or_a_recommendation_is_understood() {
        use SignalKind::{Rebalance, Reclaim};
        let sqs =
            |what: &str| format!("{what} event received. Instance i-0a1b will be interrupted at 2026-11-30 10:00");
        let table = [
            (KARPENTER, "SpotInterrupted", "Spot interruption warning was triggered".to_owned(), Some(Reclaim)),
            (
                KARPENTER,
                "CapacityReservationInstanceInterrupted",
                "Capacity Reservation interruption warning was triggered".to_owned(),
                Some(Reclaim),
            ),
            (KARPENTER, "InstanceStopping", "Instance is stopping".to_owned(), Some(Reclaim)),
            (KARPENTER, "InstanceTerminating", "Instance is terminating".to_owned(), Some(Reclaim)),
            (
                "eks-auto-mode/compute",
                "SpotRebalanceRecommendation",
                "Spot rebalance recommendation was triggered".to_owned(),
                Some(Rebalance),
            ),
            (HANDLER, "SpotInterruption", sqs("Spot Interruption"), Some(Reclaim)),
            (HANDLER, "RebalanceRecommendation", sqs("Rebalance recommendation"), Some(Rebalance)),
            (HANDLER, "SQSTermination", sqs("Spot Interruption"), Some(Reclaim)),
            (HANDLER, "SQSTermination", sqs("Rebalance recommendation"), Some(Rebalance)),
            (HANDLER, "SQSTermination", sqs("EC2 State Change"), Some(Reclaim)),
            (HANDLER, "StateChange", sqs("EC2 State Change"), Some(Reclaim)),
            ("azure", "PreemptScheduled", "the spot VM is being preempted".to_owned(), Some(Reclaim)),
            (KARPENTER, "InstanceUnhealthy", "An unhealthy warning was triggered for the instance".to_owned(), None),
            (KARPENTER, "TerminatingOnInterruption", "Interruption triggered termination".to_owned(), None),
            (HANDLER, "ScheduledEvent", sqs("Scheduled"), None),
            (HANDLER, "ASGLifecycle", sqs("ASG Lifecycle Termination"), None),
            (HANDLER, "UnknownInterruption", String::new(), None),
        ];
        for (source, reason, message, kind) in table {
            let told = found(&node("a"), &[event(source, reason, &message, 5)]);
            assert_eq!(told, kind.map(|kind| (kind, reason.to_owned(), Some(5))), "{reason}: {message}");
        }
        let transition = EventRow { class: EventClass::Disrupting, ..event(KARPENTER, "InstanceTerminating", "", 5) };
        assert_eq!(found(&node("a"), &[transition]), None, "a condition of a NodeClaim that changed");
    }

    #[test]
    fn taints_and_the_kubelets_condition_tell_what_events_do_not() {
        let untimed = |kind, key: &str| Some((kind, key.to_owned(), None));
        for (key, kind) in [
            ("aws-node-termination-handler/spot-itn", Some(SignalKind::Reclaim)),
            ("aws-node-termination-handler/rebalance-recommendation", Some(SignalKind::Rebalance)),
            ("aws-node-termination-handler/scheduled-maintenance", None),
            ("aws-node-termination-handler/asg-lifecycle-termination", None),
            ("cloud.google.com/impending-node-termination", Some(SignalKind::Reclaim)),
            ("karpenter.sh/disrupted", None),
            ("kubernetes.azure.com/scalesetpriority", None),
        ] {
            assert_eq!(found(&tainted(&[key]), &[]), kind.and_then(|kind| untimed(kind, key)), "{key}");
        }
        let mut ready = condition("Ready", Status::False, "KubeletNotReady");
        ready.message = sym("node is shutting down");
        let shutting_down = |more: NodeRow| NodeRow { conditions: vec![ready.clone()], ..more };
        let told = Some((SignalKind::Reclaim, "KubeletNotReady".to_owned(), Some(NOW.seconds_since(CREATED))));
        assert_eq!(found(&shutting_down(node("a")), &[]), told);
        assert_eq!(
            found(&shutting_down(tainted(&["cloud.google.com/impending-node-termination"])), &[]),
            told,
            "it has a time"
        );
        let mut other = ready.clone();
        other.message = sym("container runtime is down");
        assert_eq!(found(&NodeRow { conditions: vec![other], ..node("a") }, &[]), None);
    }

    #[test]
    fn the_notice_decides_not_what_follows_it() {
        let notice = |ago| event(KARPENTER, "SpotInterrupted", "", ago);
        let terminating = |ago| event(KARPENTER, "InstanceTerminating", "", ago);
        let rebalance = |ago| event(KARPENTER, "SpotRebalanceRecommendation", "", ago);
        let first = found(&node("a"), &[terminating(5), notice(125), rebalance(300)]);
        assert_eq!(first, Some((SignalKind::Reclaim, "SpotInterrupted".to_owned(), Some(125))));
        let tainted = tainted(&["aws-node-termination-handler/spot-itn"]);
        let timed = found(&tainted, &[event(HANDLER, "SpotInterruption", "", 20)]);
        assert_eq!(timed, Some((SignalKind::Reclaim, "SpotInterruption".to_owned(), Some(20))));
        let last = found(&node("a"), &[rebalance(900), rebalance(300)]);
        assert_eq!(last, Some((SignalKind::Rebalance, "SpotRebalanceRecommendation".to_owned(), Some(300))));
    }

    #[test]
    fn an_event_counts_for_a_while_and_only_for_the_node_of_its_time() {
        let seen = |reason: &str, ago| found(&node("a"), &[event(KARPENTER, reason, "", ago)]).is_some();
        assert!(seen("SpotInterrupted", 600) && !seen("SpotInterrupted", 601));
        assert!(seen("SpotRebalanceRecommendation", 3_600) && !seen("SpotRebalanceRecommendation", 3_601));
        assert!(seen("SpotInterrupted", -60) && !seen("SpotInterrupted", -61), "clocks differ, but not by much");
        let mut young = node("a");
        young.meta.created = NOW.plus_seconds(-30);
        let of_before = [event(KARPENTER, "SpotInterrupted", "", 95)];
        assert_eq!(found(&young, &of_before), None, "another node had the name");
    }

    #[test]
    fn the_kind_of_spot_capacity_follows_from_labels_and_provider() {
        let karpenter = ("karpenter.sh/capacity-type", "spot");
        for (provider, pairs, kind) in [
            ("aws:///us-east-1a/i-1", &[karpenter][..], Some(SpotKind::AwsSpot)),
            ("aws:///us-east-1a/i-1", &[("eks.amazonaws.com/capacityType", "SPOT")], Some(SpotKind::AwsSpot)),
            ("", &[("eks.amazonaws.com/capacityType", "SPOT")], Some(SpotKind::AwsSpot)),
            ("", &[karpenter, ("karpenter.k8s.aws/instance-family", "g5")], Some(SpotKind::AwsSpot)),
            ("gce://p/z/n", &[("cloud.google.com/gke-spot", "true")], Some(SpotKind::GcpSpot)),
            ("", &[("cloud.google.com/gke-provisioning", "spot")], Some(SpotKind::GcpSpot)),
            ("gce://p/z/n", &[("cloud.google.com/gke-preemptible", "true")], Some(SpotKind::GcpPreemptible)),
            ("azure:///s/1", &[("kubernetes.azure.com/scalesetpriority", "spot")], Some(SpotKind::AzureSpot)),
            ("azure:///s/1", &[karpenter], Some(SpotKind::AzureSpot)),
            ("kwok://n", &[karpenter], Some(SpotKind::Other)),
            ("gce://p/z/n", &[("cloud.google.com/gke-spot", "false")], None),
            ("aws:///us-east-1a/i-1", &[("karpenter.sh/capacity-type", "on-demand")], None),
            ("azure:///s/1", &[("kubernetes.azure.com/scalesetpriority", "regular")], None),
        ] {
            let provider_id = (!provider.is_empty()).then(|| sym(provider));
            let row = NodeRow { labels: labels(pairs), provider_id, ..node("a") };
            assert_eq!(SpotKind::of(&row, None), kind, "{provider} {pairs:?}");
            let capacity = kind.map(|_| crate::fleet::CapacityType::Spot);
            assert_eq!(row.capacity_type().filter(|of| *of == crate::fleet::CapacityType::Spot), capacity, "{pairs:?}");
        }
        let behind = NodeClaimRow { labels: labels(&[karpenter]), ..claim("c") };
        let bare = NodeRow { labels: labels(&[]), provider_id: Some(sym("aws:///z/i")), ..node("a") };
        assert_eq!(SpotKind::of(&bare, Some(&behind)), Some(SpotKind::AwsSpot), "before Karpenter labels it");
    }
}
