//! kube-scheduler: binds pods to nodes, and says why it cannot.

use std::collections::BTreeMap;

use super::cast::POOLS;
use super::catalog::MIG_PROFILES;
use super::clock::{PodStep, SimEvent};
use super::events::{EventText, Recorder};
use super::model::{Machine, MachineId, Place, Pod, PodId, Template};
use super::world::{Item, World};

/// Why a pod does not fit on a node, in the order of the scheduler's plugins.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Refusal {
    Taint(&'static str),
    Selector,
    Room(&'static str),
}

impl Refusal {
    fn words(&self) -> String {
        match self {
            Self::Taint(taint) => format!("node(s) had untolerated taint {{{taint}}}"),
            Self::Selector => "node(s) didn't match Pod's node affinity/selector".to_owned(),
            Self::Room(resource) => format!("Insufficient {resource}"),
        }
    }

    /// Whether preemption could not help.
    const fn is_final(&self) -> bool {
        !matches!(self, Self::Room(_))
    }
}

/// The first taint of a machine's node that a template does not tolerate.
fn untolerated(machine: &Machine, template: &Template) -> Option<&'static str> {
    let node = machine.node.as_ref()?;
    if node.ready.is_none() {
        return Some("node.kubernetes.io/not-ready: ");
    }
    if node.disrupted {
        return Some("karpenter.sh/disrupted: ");
    }
    if node.cordoned {
        return Some("node.kubernetes.io/unschedulable: ");
    }
    match &machine.claim {
        None if template.place != Place::System => Some("CriticalAddonsOnly: true"),
        Some(claim) if claim.registered.is_none() => Some("karpenter.sh/unregistered: "),
        Some(claim) if POOLS[claim.pool].gpu && !template.on_gpu_nodes => Some("nvidia.com/gpu: true"),
        _ => None,
    }
}

/// Whether a machine has the labels that a template's node selector wants.
pub(super) fn selects(machine: &Machine, place: Place) -> bool {
    let pool = machine.claim.as_ref().map(|claim| claim.pool);
    match place {
        Place::Anywhere => true,
        Place::System => pool.is_none(),
        Place::Pool(wanted) => pool == Some(wanted),
        Place::Type(kind) => machine.kind.name == kind && pool.is_some(),
        Place::OnDemand => machine.capacity == super::model::Capacity::OnDemand && pool.is_some(),
    }
}

impl World {
    /// Asks for a pass of the scheduler within a second.
    pub(super) fn wake_scheduler(&mut self) {
        self.once_after(1, SimEvent::Schedule);
    }

    /// One pass over all pods that are not bound.
    pub(super) fn schedule_pods(&mut self) {
        let waiting: Vec<PodId> =
            self.pods.iter().filter(|(_, pod)| pod.machine.is_none() && pod.is_active()).map(|(id, _)| *id).collect();
        for id in waiting {
            self.schedule_pod(id);
        }
    }

    fn schedule_pod(&mut self, id: PodId) {
        let Some(pod) = self.pods.get(&id) else { return };
        let mut best: Option<(i64, MachineId)> = None;
        let mut refusals = Refusals::default();
        for machine in self.machines.values().filter(|machine| machine.node.is_some()) {
            match self.fit(machine, pod) {
                // The node with the most room wins, as with the default profile (LeastAllocated).
                Ok(room) if best.is_none_or(|(most, _)| room > most) => best = Some((room, machine.id)),
                Ok(_) => {}
                Err(reasons) => refusals.add(reasons),
            }
        }
        match best {
            Some((_, machine)) => self.bind(id, machine),
            None => self.refuse(id, &refusals),
        }
    }

    /// Percentage of resources left if the pod is placed there; the refusals if it does not fit.
    fn fit(&self, machine: &Machine, pod: &Pod) -> Result<i64, Vec<Refusal>> {
        if let Some(taint) = untolerated(machine, pod.template) {
            return Err(vec![Refusal::Taint(taint)]);
        }
        if !selects(machine, pod.template.place) {
            return Err(vec![Refusal::Selector]);
        }
        let (used, pods) = self.used_on(machine.id);
        let left = machine.allocatable_now().minus(used).minus(pod.template.requests);
        let checks = [
            ("cpu", left.cpu),
            ("memory", left.memory),
            ("nvidia.com/gpu", left.gpu),
            ("vpc.amazonaws.com/efa", left.efa),
            ("pods", machine.kind.pods - pods - 1),
        ];
        let instances = MIG_PROFILES.iter().zip(left.mig).map(|(profile, left)| (profile.resource, left));
        let lacking: Vec<Refusal> = checks
            .into_iter()
            .chain(instances)
            .filter(|(_, left)| *left < 0)
            .map(|(resource, _)| Refusal::Room(resource))
            .collect();
        if lacking.is_empty() { Ok(left.cpu * 100 / machine.kind.capacity().cpu.max(1)) } else { Err(lacking) }
    }

    /// Binds a pod and lets its kubelet know.
    pub(super) fn bind(&mut self, id: PodId, machine: MachineId) {
        let (Some(subject), Some(node)) = (self.pod_subject(id), self.machines.get(&machine).map(|m| m.name.clone()))
        else {
            return;
        };
        let now = self.now;
        self.put(id, machine);
        if let Some(pod) = self.pods.get_mut(&id) {
            pod.scheduled = Some(now);
            pod.refused = None;
            pod.nominated = None;
        }
        let words = format!("Successfully assigned {}/{} to {node}", subject.namespace, subject.name);
        self.record(Recorder::Scheduler, subject, EventText::normal("Scheduled", words));
        self.touch(Item::Pod(id));
        self.note_pod_event(id);
        self.after_some((0, 1), SimEvent::Pod(id, PodStep::Accept));
    }

    fn refuse(&mut self, id: PodId, refusals: &Refusals) {
        let words = refusals.words();
        let now = self.now;
        let Some(pod) = self.pods.get_mut(&id) else { return };
        let first = pod.refused.is_none();
        if pod.refused.as_ref().is_some_and(|(_, old)| *old == words) {
            return;
        }
        let since = pod.refused.as_ref().map_or(now, |(since, _)| *since);
        pod.refused = Some((since, words.clone()));
        self.touch(Item::Pod(id));
        if first && let Some(subject) = self.pod_subject(id) {
            self.record(Recorder::Scheduler, subject, EventText::warning("FailedScheduling", words));
        }
        self.once_after(3, SimEvent::Provision);
    }
}

/// Refusals of all nodes.
#[derive(Default)]
struct Refusals {
    /// How many nodes gave each reason; a node may lack several resources.
    reasons: BTreeMap<Refusal, usize>,
    nodes: usize,
    /// Nodes where evicting others would not help.
    helpless: usize,
}

impl Refusals {
    fn add(&mut self, reasons: Vec<Refusal>) {
        self.nodes += 1;
        self.helpless += usize::from(reasons.iter().any(Refusal::is_final));
        for reason in reasons {
            *self.reasons.entry(reason).or_default() += 1;
        }
    }

    /// The scheduler's sentence: counts with reasons, sorted as text, then what preemption could do.
    fn words(&self) -> String {
        let nodes = self.nodes;
        let mut reasons: Vec<String> =
            self.reasons.iter().map(|(refusal, count)| format!("{count} {}", refusal.words())).collect();
        reasons.sort();
        let mut preemption = Vec::new();
        if nodes > self.helpless {
            preemption.push(format!("{} No preemption victims found for incoming pod", nodes - self.helpless));
        }
        if self.helpless > 0 {
            preemption.push(format!("{} Preemption is not helpful for scheduling", self.helpless));
        }
        format!(
            "0/{nodes} nodes are available: {}. preemption: 0/{nodes} nodes are available: {}.",
            reasons.join(", "),
            preemption.join(", ")
        )
    }
}
