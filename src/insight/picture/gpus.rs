//! Accelerators beside dollars and beside Karpenter's verdict.

use super::{Map, NodePicture, Picture};
use crate::fleet::{Fleet, NodeRow, PodRow, Sym};
use crate::insight::disruption::{Disruption, Verdict, words::headline};
use crate::insight::gpu::{
    self, ActivityInput, DevicePlugin, GpuClass, GpuThresholds, NodeActivity, NodeGpu, PodActivity, Sharing,
};
use crate::insight::sentence::{Sentence, sentence};
use crate::units::Time;

/// What the accelerators of one Node do, and what that costs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GpuState {
    /// What they do.
    pub activity: NodeActivity,
    /// What is paid for devices that are requested and idle or parked, in micro-dollars per hour; `None` where that is not
    /// known.
    pub idle_rate: Option<i64>,
}

/// The state of each Node with accelerators, by its name.
pub type GpuStates = Map<Sym, GpuState>;

/// What the state of accelerators follows from besides the Fleet.
#[derive(Clone, Copy)]
pub struct GpuSettings<'a> {
    /// Whether all pods are known.
    pub are_pods_known: bool,
    /// Whether all ResourceClaims are, which matters where Dynamic Resource Allocation hands out devices.
    pub are_claims_known: bool,
    /// Where one class ends and the next begins.
    pub thresholds: &'a GpuThresholds,
    /// The time that the answer is for.
    pub now: Time,
}

impl GpuState {
    /// Of a Node, by its name, with what was found `before`; `None` where it has no accelerators or is gone.
    pub fn of(
        fleet: &Fleet,
        picture: &Picture,
        name: &str,
        settings: GpuSettings<'_>,
        before: Option<&Self>,
    ) -> Option<Self> {
        let node = fleet.node(name)?;
        let gpu = picture.node(name)?.gpu.as_ref()?;
        let pods: Vec<&PodRow> = fleet.pods_on(name).filter(|pod| pod.holds_resources()).collect();
        let requesting: Vec<&PodRow> = pods.iter().filter(|pod| gpu::is_asking(fleet, pod)).copied().collect();
        let told = fleet.gpus.of_node(name);
        let activity = NodeActivity::of(ActivityInput {
            gpu,
            pods: &pods,
            requesting: &requesting,
            are_pods_known: settings.are_pods_known && (settings.are_claims_known || gpu.sharing != Sharing::Dra),
            told,
            thresholds: settings.thresholds,
            before: before.map(|before| &before.activity),
            now: settings.now,
        });
        let idle_rate = picture.idle_rate(fleet, node, &activity);
        Some(Self { activity, idle_rate })
    }
}

/// What a pod makes of its devices, by the activity of those of its Node; `None` where it requests none.
///
/// Of a device that KAI's scheduler shares, exporters name the pod that reserves it.
pub fn activity_of_pod(fleet: &Fleet, activity: &NodeActivity, pod: &PodRow) -> Option<PodActivity> {
    let told = pod.node.as_ref().map(|node| fleet.gpus.of_node(node)).unwrap_or_default();
    if gpu::is_asking(fleet, pod) {
        return Some(activity.of_pod(told, &pod.meta.key));
    }
    let reservation = gpu::reservation_of(fleet, pod)?;
    Some(PodActivity { is_shared: gpu::shares_with_others(fleet, pod), ..activity.of_pod(told, &reservation.meta.key) })
}

/// Whether Karpenter's verdict and the accelerators of a Node tell different stories.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Disagreement {
    /// One of both is not known.
    Unknown,
    /// They agree, or have nothing to do with one another.
    None,
    /// They disagree, as the sentence says.
    Because(Sentence),
}

impl Disagreement {
    /// Of a Node: Karpenter may take it while its accelerators work, or protection holds it while they do nothing.
    pub fn of(disruption: &Disruption, gpu: &NodeGpu, activity: &NodeActivity, cpu: CpuShare) -> Self {
        let may_be_taken = is_candidate(disruption);
        match is_contrary(disruption.verdict, may_be_taken, Some(disruption.is_held()), activity.class) {
            None => Self::Unknown,
            Some(false) => Self::None,
            Some(true) => {
                let verdict = sentence!["Karpenter: ", karpenter(disruption, cpu)];
                Self::Because(sentence![verdict, " · GPUs: ", gpus(gpu, activity)])
            }
        }
    }
}

/// Whether Karpenter may take a Node whose accelerators work, or protection holds one whose accelerators do nothing; `None`
/// while one of both is not known.
pub fn is_contrary(verdict: Verdict, may_be_taken: bool, is_held: Option<bool>, class: GpuClass) -> Option<bool> {
    if verdict == Verdict::Unknown || class == GpuClass::Unknown {
        return None;
    }
    if may_be_taken {
        return Some(class.is_working());
    }
    is_held.map(|is_held| is_held && class.is_waste())
}

/// How much of a Node's CPU its pods request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CpuShare {
    /// In thousandths of a core.
    pub requested_millis: i64,
    /// In thousandths of a core.
    pub allocatable_millis: i64,
}

/// Whether Karpenter may take the Node for any reason.
fn is_candidate(disruption: &Disruption) -> bool {
    !disruption.may.yes.is_empty()
}

impl CpuShare {
    /// Of a Node.
    pub const fn of(node: &NodeRow, picture: &NodePicture) -> Self {
        let (requested_millis, allocatable_millis) = (picture.cpu_requested_millis, node.allocatable.cpu_millis);
        Self { requested_millis, allocatable_millis }
    }
}

fn karpenter(disruption: &Disruption, cpu: CpuShare) -> Sentence {
    if !is_candidate(disruption) {
        return headline(disruption);
    }
    let percent = 100_i64.saturating_mul(cpu.requested_millis).checked_div(cpu.allocatable_millis);
    let requests = percent.map(|percent| sentence![" (CPU requests ", percent, " %)"]);
    sentence!["candidate", requests]
}

fn gpus(gpu: &NodeGpu, activity: &NodeActivity) -> Sentence {
    // Of devices that nobody has requested only their use is worth a word.
    let utilization = activity.utilization.filter(|_| gpu.requested > 0 || activity.class.is_working());
    let busy = utilization.map(|utilization| sentence![", ", i64::from(utilization.whole_percent()), " % busy"]);
    sentence![gpu.requested, "/", gpu.advertised, " requested", busy]
}

impl Picture {
    /// What is paid for accelerators that pods request and that do nothing, in micro-dollars per hour; `None` where the
    /// price is not known, or what they do.
    fn idle_rate(&self, fleet: &Fleet, node: &NodeRow, activity: &NodeActivity) -> Option<i64> {
        let said = self.node(&node.meta.key.name)?;
        let is_known = activity.class != GpuClass::Unknown
            && said.gpu.as_ref().is_some_and(|gpu| gpu.device_plugin != DevicePlugin::NotRegistered);
        said.cost.rate().filter(|_| is_known)?;
        let (idle, held) = activity.idle_share();
        if idle == 0 {
            return Some(0);
        }
        let rates = self.rates_on(fleet, node);
        let of_gpus = rates.iter().filter(|(pod, _)| gpu::requested_by(fleet, pod).0 > 0);
        // Where all do nothing, so do those of pods that share a device and are not named.
        if !activity.names_pods() || activity.is_all_idle() {
            let rate: i128 = of_gpus.map(|(_, rate)| i128::from(*rate)).sum();
            let share = |count: usize| i128::try_from(count).unwrap_or(i128::MAX);
            return i64::try_from(rate * share(idle) / share(held.max(1))).ok();
        }
        let is_idle = |pod: &PodRow| {
            let class = activity_of_pod(fleet, activity, pod).and_then(|found| found.class);
            matches!(class, Some(GpuClass::Idle | GpuClass::Parked))
        };
        Some(rates.iter().filter(|(pod, _)| is_idle(pod)).map(|(_, rate)| rate).sum())
    }
}
