//! Glyph, word and role of the states that several screens show: each reads without colour.

use super::{Line, format};
use crate::config::Role;
use crate::fleet::{CapacityType, PodPhase, PodRow};
use crate::insight::batch::JobStatus;
use crate::insight::disruption::{Protection, ProtectionState};
use crate::insight::phase::{ClaimPhase, NodePhase};
use crate::units::Time;

/// A state as it is shown: one glyph, one word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct State {
    /// One column wide.
    pub(super) glyph: &'static str,
    /// As Kubernetes, Karpenter or the JSON write it.
    pub(super) word: &'static str,
    /// What it means.
    pub(super) role: Role,
}

impl State {
    const fn new(glyph: &'static str, word: &'static str, role: Role) -> Self {
        Self { glyph, word, role }
    }

    /// Glyph and word.
    pub(super) fn line(self) -> Line {
        Line::of(self.role, self.glyph).and(self.role, " ").and(self.role, self.word)
    }

    /// Every state of every kind, for the legend and for the test that no two look alike.
    #[cfg(test)]
    pub(super) fn all() -> Vec<Vec<Self>> {
        use NodePhase as N;
        let nodes = [N::Starting, N::Running, N::Disrupting, N::Terminating, N::NotReady].map(node);
        let claims = [
            ClaimPhase::Launching,
            ClaimPhase::Registering,
            ClaimPhase::Initializing,
            ClaimPhase::Ready,
            ClaimPhase::Terminating,
        ]
        .map(claim);
        let jobs = [
            JobStatus::Suspended,
            JobStatus::Queued,
            JobStatus::Pending,
            JobStatus::Running,
            JobStatus::Complete,
            JobStatus::Failed,
        ]
        .map(job);
        vec![nodes.to_vec(), claims.to_vec(), jobs.to_vec()]
    }
}

/// Of a Node.
pub(super) const fn node(phase: NodePhase) -> State {
    match phase {
        NodePhase::Starting => State::new("◌", "Starting", Role::Pending),
        NodePhase::Running => State::new("●", "Running", Role::Running),
        NodePhase::Disrupting => State::new("↓", "Disrupting", Role::Terminating),
        NodePhase::Terminating => State::new("✗", "Terminating", Role::Terminating),
        NodePhase::NotReady => State::new("!", "NotReady", Role::Bad),
    }
}

/// Of a NodeClaim.
pub(super) const fn claim(phase: ClaimPhase) -> State {
    match phase {
        ClaimPhase::Launching => State::new("◌", "Launching", Role::Pending),
        ClaimPhase::Registering => State::new("◌", "Registering", Role::Pending),
        ClaimPhase::Initializing => State::new("◌", "Initializing", Role::Pending),
        ClaimPhase::Ready => State::new("●", "Ready", Role::Running),
        ClaimPhase::Terminating => State::new("✗", "Terminating", Role::Terminating),
    }
}

/// Of a Job.
pub(super) const fn job(status: JobStatus) -> State {
    match status {
        JobStatus::Suspended => State::new("‖", "Suspended", Role::Pending),
        JobStatus::Queued => State::new("≡", "Queued", Role::Pending),
        JobStatus::Pending => State::new("◌", "Pending", Role::Pending),
        JobStatus::Running => State::new("●", "Running", Role::Running),
        JobStatus::Complete => State::new("✓", "Complete", Role::Finished),
        JobStatus::Failed => State::new("✗", "Failed", Role::Bad),
    }
}

/// Of a pod, with the reason that kubectl would show.
pub(super) fn pod(pod: &PodRow) -> Line {
    let (glyph, role) = match pod.phase {
        _ if pod.meta.deletion.is_some() => ("↓", Role::Terminating),
        PodPhase::Pending => ("◌", Role::Pending),
        PodPhase::Running if pod.containers_ready < pod.containers => ("◐", Role::Warn),
        PodPhase::Running => ("●", Role::Running),
        PodPhase::Succeeded => ("✓", Role::Finished),
        PodPhase::Failed => ("✗", Role::Bad),
        PodPhase::Unknown => ("?", Role::Unknown),
    };
    let word = if pod.status.is_empty() { pod.phase.name() } else { &pod.status };
    Line::of(role, glyph).and(role, " ").and(role, word)
}

/// Of a pod's protection: `▣ until 15:02`.
pub(super) fn protection(protection: &Protection, now: Time) -> Line {
    let clock = protection.until.map(|until| format::clock(now, until));
    let (glyph, word, role) = match (protection.state, clock) {
        (ProtectionState::None, _) => return Line::new(),
        (ProtectionState::Permanent, _) => ("▣", "until finished".to_owned(), Role::Protected),
        (ProtectionState::Until, Some(end)) => ("▣", format!("until {end}"), Role::Protected),
        (ProtectionState::Until, None) => ("▣", "from its start".to_owned(), Role::Protected),
        (ProtectionState::Elapsed, Some(end)) => ("□", format!("elapsed {end}"), Role::Warn),
        (ProtectionState::Elapsed, None) => ("□", "elapsed".to_owned(), Role::Warn),
        (ProtectionState::Invalid, _) => ("△", "invalid".to_owned(), Role::Warn),
        (ProtectionState::Ineffective, _) => ("□", "over".to_owned(), Role::TextDim),
    };
    Line::of(role, glyph).and(role, " ").and(role, word)
}

/// `spot`, `od`, `resv`.
pub(super) fn capacity(capacity: Option<CapacityType>) -> Line {
    match capacity {
        Some(CapacityType::Spot) => Line::of(Role::Spot, "spot"),
        Some(CapacityType::OnDemand) => Line::of(Role::OnDemand, "od"),
        Some(CapacityType::Reserved) => Line::of(Role::Reserved, "resv"),
        None => Line::of(Role::Unknown, format::NONE),
    }
}

/// A text, or the mark for what does not exist.
pub(super) fn or_none(text: Option<impl AsRef<str>>) -> Line {
    match text {
        Some(text) if !text.as_ref().is_empty() => Line::plain(text),
        _ => Line::of(Role::TextDim, format::NONE),
    }
}

/// Devices requested of those there are, as a bar and in numbers; or what stands for a number that is not known.
pub(super) fn gpus(requested: Result<i64, &str>, there: i64) -> Line {
    if there == 0 && requested.unwrap_or(0) == 0 {
        return Line::new();
    }
    let numbers = |requested: &str| format!("{requested}/{there}");
    let requested = match requested {
        Ok(requested) => requested,
        Err(unknown) => {
            let bar = Line::of(Role::BarEmpty, "·".repeat(bar_length(there)));
            return bar.and(Role::Unknown, format!(" {}", numbers(unknown)));
        }
    };
    let (full, free) = format::bar(requested, there, LONGEST_BAR);
    Line::of(Role::BarFill, full)
        .and(Role::BarEmpty, free)
        .and(Role::Gpu, format!(" {}", numbers(&requested.to_string())))
}

/// Marks of the longest bar; larger machines are drawn to scale.
const LONGEST_BAR: usize = 8;

fn bar_length(there: i64) -> usize {
    usize::try_from(there).unwrap_or(0).min(LONGEST_BAR)
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn no_two_states_of_a_kind_read_alike_without_colour() {
        for states in State::all() {
            let mut seen: Vec<&str> = states.iter().map(|state| state.word).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), states.len());
        }
    }
}
