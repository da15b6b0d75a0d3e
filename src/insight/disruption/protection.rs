//! `karpenter.sh/do-not-disrupt` on pods and Nodes, as Karpenter reads it.

use crate::fleet::{NodeRow, PodRow, Sym};
use crate::insight::KarpenterVersion;
use crate::units::{Time, duration};

/// The state of a pod's annotation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ProtectionState {
    /// There is none.
    None,
    /// `"true"`: until the pod ends.
    Permanent,
    /// A duration that has not passed yet.
    Until,
    /// A duration that has passed.
    Elapsed,
    /// A value that this Karpenter does not understand and therefore ignores.
    Invalid,
    /// On a pod that has finished or is being deleted, which protects nothing.
    Ineffective,
}

impl ProtectionState {
    /// As the JSON writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Permanent => "Permanent",
            Self::Until => "Until",
            Self::Elapsed => "Elapsed",
            Self::Invalid => "Invalid",
            Self::Ineffective => "Ineffective",
        }
    }

    /// Whether Karpenter leaves the pod's node alone because of it.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Permanent | Self::Until)
    }
}

/// The protection of one pod.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Protection {
    /// Its state.
    pub state: ProtectionState,
    /// The annotation, verbatim.
    pub value: Option<Sym>,
    /// When a duration ends or has ended; `None` also while the pod has no start time, from which it would count.
    pub until: Option<Time>,
    /// Why the value is invalid.
    pub problem: Option<String>,
}

/// What the value of a pod's annotation says.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Meaning {
    Always,
    /// For this many microseconds from the pod's start, rounded up.
    For(i64),
    Nothing(String),
}

/// The protection of a pod (karpenter pkg/utils/pod/scheduling.go: IsActive, IsDoNotDisruptActive).
///
/// Durations count from `status.startTime` and only for a Karpenter that understands them; one without a start holds.
pub fn of_pod(pod: &PodRow, now: Time, karpenter: &KarpenterVersion) -> Protection {
    let Some(value) = &pod.do_not_disrupt else {
        return Protection { state: ProtectionState::None, value: None, until: None, problem: None };
    };
    let value = Some(value.clone());
    match meaning(value.as_deref().unwrap_or_default(), karpenter) {
        _ if !pod.is_active() => Protection { state: ProtectionState::Ineffective, value, until: None, problem: None },
        Meaning::Always => Protection { state: ProtectionState::Permanent, value, until: None, problem: None },
        Meaning::Nothing(problem) => {
            Protection { state: ProtectionState::Invalid, value, until: None, problem: Some(problem) }
        }
        Meaning::For(micros) => {
            let until = pod.started.map(|started| started.plus_micros(micros));
            let has_passed = until.is_some_and(|until| until <= now);
            let state = if has_passed { ProtectionState::Elapsed } else { ProtectionState::Until };
            Protection { state, value, until, problem: None }
        }
    }
}

/// Whether Karpenter leaves the pod's node alone because of this pod's annotation; as [`of_pod`], without the details.
pub fn is_protected(pod: &PodRow, now: Time, karpenter: &KarpenterVersion) -> bool {
    pod.do_not_disrupt.is_some() && of_pod(pod, now, karpenter).state.is_active()
}

fn meaning(value: &str, karpenter: &KarpenterVersion) -> Meaning {
    if value == "true" {
        return Meaning::Always;
    }
    if !karpenter.durations_understood() {
        let version = karpenter.version.as_deref().unwrap_or("this version");
        return Meaning::Nothing(format!("Karpenter {version} reads only \"true\"; durations came with 1.12"));
    }
    match duration::parse_go(value) {
        Err(error) => Meaning::Nothing(error.to_string()),
        Ok(nanos) if nanos <= 0 => Meaning::Nothing(format!("duration \"{value}\" is not positive")),
        Ok(nanos) => Meaning::For((nanos - 1) / 1000 + 1),
    }
}

/// The annotation of a Node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NodeAnnotation {
    /// There is none.
    Absent,
    /// `"true"`: Karpenter leaves the Node and all its pods alone.
    Protects,
    /// Any other value, durations included, which Karpenter ignores on Nodes.
    Ignored,
}

/// The annotation of a Node: only exactly `"true"` counts (karpenter pkg/controllers/state/statenode.go,
/// ValidateNodeDisruptable).
pub fn of_node(node: &NodeRow) -> NodeAnnotation {
    match node.do_not_disrupt.as_deref() {
        None => NodeAnnotation::Absent,
        Some("true") => NodeAnnotation::Protects,
        Some(_) => NodeAnnotation::Ignored,
    }
}
