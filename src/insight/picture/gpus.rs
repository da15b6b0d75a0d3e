//! Accelerators beside dollars and beside Karpenter's verdict.

use super::Picture;
use crate::fleet::{Fleet, NodeDevices, NodeRow};
use crate::insight::disruption::{Disruption, Verdict, words::headline};
use crate::insight::gpu::{DevicePlugin, GpuClass, NodeActivity, NodeGpu};
use crate::insight::sentence::{Sentence, sentence};

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
        if disruption.verdict == Verdict::Unknown || activity.class == GpuClass::Unknown {
            return Self::Unknown;
        }
        let is_contrary = if is_candidate(disruption) {
            activity.class.is_working()
        } else {
            disruption.is_held() && activity.class.is_waste()
        };
        if !is_contrary {
            return Self::None;
        }
        let verdict = sentence!["Karpenter: ", karpenter(disruption, cpu)];
        Self::Because(sentence![verdict, " · GPUs: ", gpus(gpu, activity)])
    }
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

fn karpenter(disruption: &Disruption, cpu: CpuShare) -> Sentence {
    if !is_candidate(disruption) {
        return headline(disruption);
    }
    let percent = 100_i64.saturating_mul(cpu.requested_millis).checked_div(cpu.allocatable_millis);
    let requests = percent.map(|percent| sentence![" (CPU requests ", percent, " %)"]);
    sentence!["candidate", requests]
}

fn gpus(gpu: &NodeGpu, activity: &NodeActivity) -> Sentence {
    let busy = activity.utilization.map(|utilization| {
        let percent = i64::from(utilization.millionths() + 5_000) / 10_000;
        sentence![", ", percent, " % busy"]
    });
    sentence![gpu.requested, "/", gpu.advertised, " requested", busy]
}

impl Picture {
    /// What is paid for accelerators that pods request and that do nothing, in micro-dollars per hour; `None` where the
    /// price is not known, or what they do.
    pub fn idle_rate(
        &self,
        fleet: &Fleet,
        node: &NodeRow,
        devices: Option<&NodeDevices>,
        activity: &NodeActivity,
    ) -> Option<i64> {
        let said = self.node(&node.meta.key.name)?;
        let is_known = activity.class != GpuClass::Unknown
            && said.gpu.as_ref().is_some_and(|gpu| gpu.device_plugin != DevicePlugin::NotRegistered);
        said.cost.rate().filter(|_| is_known)?;
        let (idle, held) = activity.idle_share();
        if idle == 0 {
            return Some(0);
        }
        let rates = self.rates_on(fleet, node);
        let of_gpus = rates.iter().filter(|(pod, _)| pod.requests.gpu_total() > 0);
        if !activity.names_pods() {
            let rate: i128 = of_gpus.map(|(_, rate)| i128::from(*rate)).sum();
            let share = |count: usize| i128::try_from(count).unwrap_or(i128::MAX);
            return i64::try_from(rate * share(idle) / share(held.max(1))).ok();
        }
        let is_idle = |class: Option<GpuClass>| matches!(class, Some(GpuClass::Idle | GpuClass::Parked));
        let idle = rates.iter().filter(|(pod, _)| is_idle(activity.of_pod(devices, &pod.meta.key).class));
        Some(idle.map(|(_, rate)| rate).sum())
    }
}
