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
    /// State of the annotation.
    pub state: ProtectionState,
    /// The annotation, verbatim.
    pub value: Option<Sym>,
    /// When a duration ends or has ended; `None` also while the pod has no start time, from which it would count.
    pub until: Option<Time>,
    /// Why the value is invalid, in the words of Karpenter's own Event.
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
        Err(error) => Meaning::Nothing(format!("failed to parse \"{value}\" as a duration: {error}")),
        Ok(nanos) if nanos <= 0 => Meaning::Nothing(format!("duration \"{value}\" must be positive")),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::PodPhase;
    use crate::insight::karpenter::Provenance;
    use crate::insight::testing::{CREATED, node, pod, sym};

    fn protected(value: &str) -> PodRow {
        PodRow { do_not_disrupt: Some(sym(value)), ..pod("ml", "train-0", Some("a")) }
    }

    fn at(pod: &PodRow, seconds: i64) -> (ProtectionState, Option<i64>) {
        let found = of_pod(pod, CREATED.plus_seconds(seconds), &KarpenterVersion::default());
        (found.state, found.until.map(|until| until.seconds_since(CREATED)))
    }

    #[test]
    fn do_not_disrupt_values_are_read_as_karpenter_reads_them() {
        for (value, want) in [
            ("true", (ProtectionState::Permanent, None)),
            ("30m", (ProtectionState::Until, Some(1800))),
            ("1h30m", (ProtectionState::Until, Some(5400))),
            ("1.5h", (ProtectionState::Until, Some(5400))),
            ("59s", (ProtectionState::Elapsed, Some(59))),
            ("60s", (ProtectionState::Elapsed, Some(60))),
            ("61s", (ProtectionState::Until, Some(61))),
            ("1d", (ProtectionState::Invalid, None)),
            ("1", (ProtectionState::Invalid, None)),
            ("True", (ProtectionState::Invalid, None)),
            ("false", (ProtectionState::Invalid, None)),
            ("0", (ProtectionState::Invalid, None)),
            ("-1h", (ProtectionState::Invalid, None)),
            ("", (ProtectionState::Invalid, None)),
        ] {
            assert_eq!(at(&protected(value), 60), want, "{value}");
        }
        assert_eq!(at(&pod("ml", "train-0", None), 60), (ProtectionState::None, None));
    }

    #[test]
    fn an_invalid_value_is_explained_in_karpenter_s_words() {
        let problem = |value| of_pod(&protected(value), CREATED, &KarpenterVersion::default()).problem;
        let unit = "failed to parse \"1d\" as a duration: time: unknown unit \"d\" in duration \"1d\"";
        assert_eq!(problem("1d").as_deref(), Some(unit));
        assert_eq!(problem("-1h").as_deref(), Some("duration \"-1h\" must be positive"));
        assert_eq!(problem("true"), None);
    }

    #[test]
    fn protection_has_elapsed_exactly_at_its_end() {
        let row = protected("1m");
        let state = |micros| of_pod(&row, CREATED.plus_micros(micros), &KarpenterVersion::default()).state;
        assert_eq!(state(59_999_999), ProtectionState::Until);
        assert_eq!(state(60_000_000), ProtectionState::Elapsed);
    }

    #[test]
    fn a_duration_protects_a_pod_that_has_not_started() {
        let waiting = PodRow { started: None, phase: PodPhase::Pending, ..protected("5s") };
        assert_eq!(at(&waiting, 3600), (ProtectionState::Until, None));
    }

    #[test]
    fn a_finished_or_terminating_pod_is_not_protected() {
        let mut row = PodRow { phase: PodPhase::Succeeded, ..protected("true") };
        assert_eq!(at(&row, 0).0, ProtectionState::Ineffective);
        row.phase = PodPhase::Running;
        row.meta.deletion = Some(CREATED);
        assert_eq!(at(&row, 0).0, ProtectionState::Ineffective);
        assert!(!is_protected(&row, CREATED, &KarpenterVersion::default()));
    }

    #[test]
    fn durations_need_karpenter_1_12() {
        let old = KarpenterVersion { version: Some("1.11.2".to_owned()), how: Provenance::Image, ..Default::default() };
        let found = of_pod(&protected("1h"), CREATED, &old);
        assert_eq!(found.state, ProtectionState::Invalid);
        let problem = "Karpenter 1.11.2 reads only \"true\"; durations came with 1.12";
        assert_eq!(found.problem.as_deref(), Some(problem));
        assert_eq!(of_pod(&protected("true"), CREATED, &old).state, ProtectionState::Permanent);
        let new = KarpenterVersion { version: Some("1.12.0".to_owned()), ..old };
        assert_eq!(of_pod(&protected("1h"), CREATED, &new).state, ProtectionState::Until);
    }

    #[test]
    fn only_the_value_true_protects_a_node() {
        for (value, want) in [
            (None, NodeAnnotation::Absent),
            (Some("true"), NodeAnnotation::Protects),
            (Some("1h"), NodeAnnotation::Ignored),
            (Some("True"), NodeAnnotation::Ignored),
        ] {
            assert_eq!(of_node(&NodeRow { do_not_disrupt: value.map(sym), ..node("a") }), want);
        }
    }
}
