//! Glyph, word and role of the states that several screens show: each reads without colour.

use super::{Line, format};
use crate::app::{ObservedKey, RowKey, shield_word};
use crate::config::Role;
use crate::fleet::{CapacityType, PodPhase, PodRow};
use crate::insight::batch::JobStatus;
use crate::insight::disruption::{Outlook, ProtectionState, Standing};
use crate::insight::gpu::{ExporterState, GpuClass, NodeActivity, Sharing};
use crate::insight::phase::{ClaimPhase, NodePhase};
use crate::units::Time;

/// A state as it is shown: one glyph, one word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct State {
    /// Glyph, one column wide.
    pub(super) glyph: &'static str,
    /// As Kubernetes, Karpenter or the JSON write it.
    pub(super) word: &'static str,
    /// Meaning of glyph and word, for the theme.
    pub(super) role: Role,
}

impl State {
    const fn new(glyph: &'static str, word: &'static str, role: Role) -> Self {
        Self { glyph, word, role }
    }

    /// Glyph and word as a line.
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
        let standings = Standing::ALL.map(standing);
        vec![nodes.to_vec(), claims.to_vec(), jobs.to_vec(), standings.to_vec()]
    }
}

/// Glyph and word for the phase of a Node.
pub(super) const fn node(phase: NodePhase) -> State {
    match phase {
        NodePhase::Starting => State::new("◌", "Starting", Role::Pending),
        NodePhase::Running => State::new("●", "Running", Role::Running),
        NodePhase::Disrupting => State::new("↓", "Disrupting", Role::Terminating),
        NodePhase::Terminating => State::new("✗", "Terminating", Role::Terminating),
        NodePhase::NotReady => State::new("!", "NotReady", Role::Bad),
    }
}

/// Glyph and word for the standing of a Node, as Karpenter sees it.
pub(super) const fn standing(standing: Standing) -> State {
    match standing {
        Standing::Interrupted => State::new("!", "interrupted", Role::Bad),
        Standing::WillNotHold => State::new(WILL_NOT_HOLD, "will not hold", Role::Warn),
        Standing::Terminating => State::new("✗", "terminating", Role::Terminating),
        Standing::Disrupting => State::new("↓", "being disrupted", Role::Terminating),
        Standing::Starting => State::new("◌", "starting", Role::Pending),
        Standing::Held => State::new("▣", "held", Role::Protected),
        Standing::Protected => State::new("▢", "protected", Role::Protected),
        Standing::Candidate => State::new("○", "may be taken", Role::Info),
        Standing::Unknown => State::new("?", "not known", Role::Unknown),
        Standing::Kept => State::new("◇", "kept", Role::TextDim),
        Standing::NotManaged => State::new("·", "not managed", Role::TextDim),
    }
}

/// How near the end of what is protected has to be to be an alarm.
const SOON_SECONDS: i64 = 24 * 3600;

/// Glyph and role for what will not hold: an alarm where it breaks within a day, or at any time.
pub(super) fn will_not_hold(now: Time, at: Option<Time>) -> (&'static str, Role) {
    let is_far = at.is_some_and(|at| at.seconds_since(now) > SOON_SECONDS);
    if is_far { (WILL_NOT_HOLD_LATER, Role::Protected) } else { (WILL_NOT_HOLD, Role::Warn) }
}

/// Of what ends within a day.
pub(super) const WILL_NOT_HOLD: &str = "▲";

/// Of what ends later.
pub(super) const WILL_NOT_HOLD_LATER: &str = "△";

/// Glyph and word for the phase of a NodeClaim.
pub(super) const fn claim(phase: ClaimPhase) -> State {
    match phase {
        ClaimPhase::Launching => State::new("◌", "Launching", Role::Pending),
        ClaimPhase::Registering => State::new("◌", "Registering", Role::Pending),
        ClaimPhase::Initializing => State::new("◌", "Initializing", Role::Pending),
        ClaimPhase::Ready => State::new("●", "Ready", Role::Running),
        ClaimPhase::Terminating => State::new("✗", "Terminating", Role::Terminating),
    }
}

/// Glyph and word for the status of a Job.
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

/// Of a pod's protection: a shield that holds, one that holds until its end, one that does not, one that is ignored; or
/// one of which that is not known.
pub(super) fn shield(outlook: &Outlook, now: Time) -> Line {
    shield_with(outlook, now, |at| format::clock(now, at))
}

/// The same in a column: of a time on another day only the date.
pub(super) fn shield_in_column(outlook: &Outlook, now: Time) -> Line {
    shield_with(outlook, now, |at| {
        let text = format::day_or_clock(now, at);
        text.split_once(' ').map_or_else(|| text.clone(), |(date, _)| date.to_owned())
    })
}

/// What breaks a protection within a day is an alarm, and has a glyph of its own.
fn shield_with(outlook: &Outlook, now: Time, clock: impl Fn(Time) -> String) -> Line {
    let Some(word) = shield_word(outlook) else { return Line::new() };
    let found = &outlook.protection;
    let (glyph, at, role) = match (found.state, outlook.holds) {
        (ProtectionState::None, _) => return Line::new(),
        (ProtectionState::Permanent | ProtectionState::Until, Some(false)) => {
            let (glyph, role) = will_not_hold(now, outlook.fails_at);
            (glyph, outlook.fails_at, role)
        }
        (ProtectionState::Permanent | ProtectionState::Until, None) => ("?", None, Role::Unknown),
        (ProtectionState::Permanent, Some(true)) => ("▣", None, Role::Protected),
        (ProtectionState::Until, Some(true)) => ("◧", found.until, Role::Protected),
        (ProtectionState::Elapsed, _) => ("□", found.until, Role::Warn),
        (ProtectionState::Invalid, _) => ("□", None, Role::Warn),
        (ProtectionState::Ineffective, _) => ("□", None, Role::TextDim),
    };
    let at = at.map_or_else(String::new, |at| format!(" {}", clock(at)));
    Line::of(role, glyph).and(role, format!(" {word}{at}"))
}

/// The name of a row, for one that is gone.
pub(super) fn row(key: &RowKey) -> String {
    match key {
        RowKey::Object(key) => key.object.to_string(),
        RowKey::CostKey(payer) => payer.1.words(payer.0),
        RowKey::DeviceGroup(group) => group.1.words(group.0),
        RowKey::SpotPool(pool) => pool.to_string(),
        RowKey::SpotZone(zone) => zone.to_string(),
        RowKey::Matter(matter) => format!("{} {}", matter.kind, matter.object),
        RowKey::Observed(observed) => match &**observed {
            ObservedKey::Image { image, .. } => image.to_string(),
            ObservedKey::NodePool(name) => name.to_string(),
        },
        RowKey::Incident(incident) => incident.name.to_string(),
        RowKey::Device(device) => match &device.id {
            Some(id) => format!("{} of {}", id.uuid, device.node),
            None => format!("devices of {}", device.node),
        },
    }
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

/// From this width of the terminal on names stand in full.
const FULL_NAMES_FROM: u16 = 240;

/// The name of a Node as far as it tells one from another: what AWS puts behind the address is the same for all.
pub(super) fn node_name(name: &str, width: u16) -> &str {
    let is_default = name.starts_with("ip-") && name.ends_with(".internal");
    match name.split_once('.') {
        Some((address, _)) if is_default && width < FULL_NAMES_FROM => address,
        _ => name,
    }
}

/// A number of devices, which may not be known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Count {
    /// The number, where everything is known that it counts.
    Known(i64),
    /// Not known; with what stands in place of the number.
    Unknown(&'static str),
}

/// How devices are shared.
pub(super) const fn sharing(sharing: Sharing) -> &'static str {
    match sharing {
        Sharing::None => "not shared",
        Sharing::TimeSlicing => "time-slicing",
        Sharing::Mps => "MPS",
        Sharing::Mig => "MIG",
        Sharing::Dra => "DRA",
    }
}

/// Before how busy the accelerators of a Node are, where Karpenter sees the Node otherwise.
pub(super) const DISAGREES: &str = "≠";

/// How busy the accelerators of a Node are; what nobody has requested is only worth a number where something uses it.
pub(super) fn busy(activity: &NodeActivity) -> Line {
    let is_pending = activity.exporter.state == ExporterState::Pending;
    match (activity.class, activity.utilization) {
        (GpuClass::Stranded | GpuClass::Unallocated, _) => Line::of(Role::TextDim, format::NONE),
        // A device plugin that has not come up leaves nothing to be requested.
        (GpuClass::Unknown, _) if !activity.is_any_held() && !activity.devices.is_empty() => {
            Line::of(Role::TextDim, format::NONE)
        }
        (_, None) if is_pending => Line::of(Role::Unknown, format::NOT_YET),
        (_, None) => Line::of(Role::Unknown, format::UNKNOWN),
        (GpuClass::Rogue, Some(utilization)) => Line::of(Role::Bad, format!("!{}", format::utilization(utilization))),
        (class, Some(utilization)) => {
            let role = match class {
                _ if activity.exporter.state == ExporterState::Stale => Role::Stale,
                GpuClass::Busy => Role::Gpu,
                GpuClass::Unknown => Role::TextDim,
                _ => Role::Warn,
            };
            Line::of(role, format::utilization(utilization))
        }
    }
}

/// What accelerators do, in one word.
pub(super) fn gpu_class(class: GpuClass) -> Line {
    Line::of(gpu_class_role(class), class.name().to_lowercase())
}

/// In which role it is written.
pub(super) const fn gpu_class_role(class: GpuClass) -> Role {
    match class {
        GpuClass::Busy => Role::Ok,
        GpuClass::Rogue => Role::Bad,
        GpuClass::Unknown => Role::Unknown,
        GpuClass::Idle | GpuClass::Parked | GpuClass::Stranded | GpuClass::Unallocated => Role::Warn,
    }
}

/// Devices requested of those there are, as a bar and in numbers.
pub(super) fn gpus(requested: Count, there: i64) -> Line {
    gpus_within(LONGEST_BAR, requested, there)
}

/// The same with a shorter bar, for narrow terminals.
pub(super) fn gpus_short(requested: Count, there: i64) -> Line {
    gpus_within(SHORT_BAR, requested, there)
}

fn gpus_within(longest: usize, requested: Count, there: i64) -> Line {
    match (requested, there) {
        (Count::Known(0) | Count::Unknown(_), 0) => Line::new(),
        (Count::Known(requested), there) => {
            let (full, free) = format::bar(requested, there, longest);
            let numbers = format!(" {requested}/{there}");
            let (rest, counts) =
                if requested == 0 && there > 0 { (Role::Warn, Role::Warn) } else { (Role::BarEmpty, Role::Gpu) };
            Line::of(Role::BarFill, full).and(rest, free).and(counts, numbers)
        }
        (Count::Unknown(placeholder), there) => {
            let bar = "·".repeat(usize::try_from(there).unwrap_or(0).min(longest));
            Line::of(Role::BarEmpty, bar).and(Role::Unknown, format!(" {placeholder}/{there}"))
        }
    }
}

/// Marks of the longest bar; larger machines are drawn to scale.
const LONGEST_BAR: usize = 8;

/// The same where there is little room.
const SHORT_BAR: usize = 4;

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn states_of_one_kind_have_distinct_words_without_colour() {
        for states in State::all() {
            let mut seen: Vec<&str> = states.iter().map(|state| state.word).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), states.len());
        }
    }
}
