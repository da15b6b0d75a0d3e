//! The steps of a start, one behind the other.

use super::capacity::{self, Machine};
use super::containers::{self, ImageStart};
use super::first_run::FirstRun;
use super::{ColdStart, Evidence, Phase, PhaseName, cause, queue};
use crate::fleet::{CLOCK_SKEW_SECONDS, Condition, ContainerStart, Fleet, Gates, PodRow, PodStart};
use crate::insight::relation;
use crate::units::{Second, Time};

/// Pods that come later than this after their Job was let go are retries, or replace others: they did not wait with it.
const FIRST_PODS_WITHIN_SECONDS: i64 = 60;

/// How soon a container runs in a sandbox that was made for it again: its image is there.
const RUNS_WITHIN_SECONDS: i64 = 60;

pub(super) fn of(fleet: &Fleet, pod: &PodRow) -> Option<ColdStart> {
    let start = pod.start.as_deref()?;
    let has_run = || start.containers.iter().any(|container| container.started.is_some());
    let is_told = pod.is_active() || (pod.phase.is_finished() && has_run());
    if !is_told {
        return None;
    }
    let machine = Machine::of(fleet, pod);
    let launch_failures = capacity::launch_failures(fleet, start);
    let mut steps = Steps::of(fleet, pod, start, machine);
    steps.walk();
    let sandbox = steps.first_sandbox();
    let Steps { phases, is_complete, runs, .. } = steps;
    let billed_since = if machine.is_new_for(pod) { machine.launched() } else { start.bound_at().map(Second::time) };
    let cause = phases
        .last()
        .filter(|phase| phase.is_open())
        .and_then(|phase| cause::of(pod, start, &runs, machine, phase, &launch_failures));
    Some(ColdStart {
        pod: pod.meta.key.clone(),
        uid: pod.meta.uid.clone(),
        created: pod.meta.created,
        job: relation::job_name(pod).cloned(),
        node: pod.node.clone().or_else(|| machine.node.map(|node| node.meta.key.name.clone())),
        claim: machine.claim.map(|claim| claim.meta.key.name.clone()),
        pool: machine.pool().cloned(),
        instance_type: machine.instance_type().cloned(),
        zone: machine.zone().cloned(),
        is_node_new: machine.is_new_for(pod),
        images: runs.iter().map(|run| ImageStart::of(run, sandbox)).collect(),
        phases,
        is_restarted: start.containers.iter().any(ContainerStart::is_restarted),
        is_complete,
        cause,
        launch_failures,
        billed_since: billed_since.filter(|_| machine.node.is_some() || machine.claim.is_some()),
    })
}

/// The steps so far. Each begins where the one before ended: what nobody observed falls to the next one.
struct Steps<'a> {
    fleet: &'a Fleet,
    pod: &'a PodRow,
    start: &'a PodStart,
    machine: Machine<'a>,
    runs: Vec<FirstRun<'a>>,
    phases: Vec<Phase>,
    /// Where the last step ended.
    at: Time,
    is_complete: bool,
}

/// Whether steps come after this one.
#[derive(PartialEq, Eq)]
enum Walk {
    On,
    Ends,
}

impl<'a> Steps<'a> {
    fn of(fleet: &'a Fleet, pod: &'a PodRow, start: &'a PodStart, machine: Machine<'a>) -> Self {
        let (runs, at) = (FirstRun::all(start), pod.meta.created);
        Self { fleet, pod, start, machine, runs, phases: Vec::new(), at, is_complete: true }
    }

    fn walk(&mut self) {
        self.wait_with_job();
        let steps = [Self::gates, Self::place, Self::sandbox, Self::containers, Self::readiness];
        for step in steps {
            if step(self) == Walk::Ends {
                return;
            }
        }
    }

    /// Ends a step. Kubernetes counts in seconds and by several clocks: an end before the begin is the begin.
    fn close(&mut self, name: PhaseName, end: Time, source: Evidence) {
        let end = Time::from_seconds(end.seconds());
        let (end, source) = if end < self.at { (self.at, Evidence::Derived) } else { (end, source) };
        self.phases.push(Phase::over(name, (self.at, end), end.seconds_since(self.at), source));
        self.at = end;
    }

    /// The step that goes on is the last.
    fn open(&mut self, name: PhaseName, source: Evidence) -> Walk {
        self.phases.push(Phase::open(name, self.at, self.at, 0, source));
        Walk::Ends
    }

    /// The evidence of a step is gone, or its object does not tell.
    const fn miss(&mut self) {
        self.is_complete = false;
    }

    /// What was waited for before the pod was made.
    fn wait_with_job(&mut self) {
        let Some(held) = queue::before(self.fleet, self.pod) else { return };
        let created = self.pod.meta.created;
        let delay_seconds = created.seconds_since(held.until);
        let is_first = (-CLOCK_SKEW_SECONDS..=FIRST_PODS_WITHIN_SECONDS).contains(&delay_seconds);
        if is_first && held.until > held.since {
            self.at = held.since;
            self.close(held.name, held.until.min(created), Evidence::Condition);
        }
    }

    fn gates(&mut self) -> Walk {
        if self.start.gates == Gates::Closed && self.pod.is_active() {
            return self.open(PhaseName::Gated, Evidence::Status);
        }
        let admitted = queue::ungated(self.fleet, self.pod);
        if self.start.gates == Gates::None && admitted.is_none() {
            return Walk::On;
        }
        // Nobody tells when the last gate went; the scheduler looks at the pod at once.
        let tried = self.start.first_tried.map(|at| (at.time(), Evidence::Derived));
        let admitted = admitted.map(|at| (at, Evidence::Condition));
        let bound = [self.start.bound, self.start.scheduled].into_iter().flatten().min();
        let bound = bound.map(|at| (at.time(), Evidence::Derived));
        match tried.or(admitted).or(bound) {
            Some((at, source)) => {
                let at = bound.map_or(at, |(bound, _)| at.min(bound));
                self.close(PhaseName::Gated, at, source);
            }
            None => self.miss(),
        }
        Walk::On
    }

    /// From a pod that may be scheduled to one that is bound.
    fn place(&mut self) -> Walk {
        let source = if self.start.scheduled.is_some() { Evidence::Condition } else { Evidence::Event };
        let bound = self.start.bound_at().map(|at| (at, source));
        if self.pod.node.is_none() {
            return self.wait_for_place();
        }
        if self.machine.node.is_none() {
            self.miss();
        }
        if self.machine.is_new_for(self.pod) {
            self.wait_for_machine(bound.map(|(at, _)| at.time()));
        }
        match bound {
            Some((at, source)) => self.close(PhaseName::Schedule, at.time(), source),
            None => self.miss(),
        }
        Walk::On
    }

    /// A pod that is bound was so when its Node could take it, whatever was noted of the Node later.
    fn wait_for_machine(&mut self, bound: Option<Time>) {
        if self.machine.claim.is_none() {
            self.miss();
        }
        for (name, end, source) in self.machine.edges() {
            match (end, bound) {
                (Some(end), Some(bound)) if bound < end => self.close(name, bound, Evidence::Derived),
                (Some(end), _) => self.close(name, end, source),
                // A step that is not over although the pod is bound was over for the pod.
                (None, Some(bound)) if self.is_to_come(name) => self.close(name, bound, Evidence::Derived),
                (None, _) => self.miss(),
            }
        }
    }

    /// Whether the end of a machine's step, which nobody has told, is still to come: its condition is there.
    fn is_to_come(&self, name: PhaseName) -> bool {
        let condition = match name {
            PhaseName::Launch => "Launched",
            PhaseName::Register => "Registered",
            PhaseName::Initialize => "Initialized",
            _ => return false,
        };
        self.machine.claim.is_some_and(|claim| Condition::find(&claim.conditions, condition).is_some())
    }

    fn wait_for_place(&mut self) -> Walk {
        if self.machine.is_new_for(self.pod) {
            for (name, end, source) in self.machine.edges() {
                let Some(end) = end else { return self.open(name, Evidence::Condition) };
                self.close(name, end, source);
            }
            return self.open(PhaseName::Schedule, Evidence::Condition);
        }
        if self.machine.node.is_some() {
            return self.open(PhaseName::Schedule, Evidence::Condition);
        }
        let was_refused = self.start.unscheduled.is_some() || self.start.first_tried.is_some();
        let name = if was_refused { PhaseName::WaitingForCapacity } else { PhaseName::Schedule };
        self.open(name, Evidence::Condition)
    }

    fn sandbox(&mut self) -> Walk {
        let image = self.runs.iter().filter_map(FirstRun::first_image_event).min();
        // A kubelet may tell of the condition only with its next status, after the first images: what follows a sandbox
        // proves it.
        let end = match (self.first_sandbox(), image) {
            (Some(made), Some(image)) if image < made => Some((image, Evidence::Event)),
            (Some(made), _) => Some((made, Evidence::Condition)),
            (None, image) => image.map(|image| (image, Evidence::Event)),
        };
        let is_past = self
            .runs
            .iter()
            .any(|run| run.earliest_start().is_some() || run.container.is_restarted() || run.is_waiting_for_image());
        match end {
            Some((end, source)) => self.close(PhaseName::Sandbox, end, source),
            None if is_past => self.miss(),
            None if self.pod.is_active() => return self.open(PhaseName::Sandbox, Evidence::Condition),
            None => self.miss(),
        }
        Walk::On
    }

    /// When the sandbox of the first start was made; `None` where the condition tells of a later one, as after a reboot of
    /// the Node, or where that cannot be told.
    fn first_sandbox(&self) -> Option<Time> {
        let made = self.start.sandbox?.time();
        let first = self.runs.iter().filter_map(|run| run.started).min();
        if let Some(first) = first {
            return (made.seconds_since(first) <= CLOCK_SKEW_SECONDS).then_some(made.min(first));
        }
        // The containers run again soon after a later sandbox was made.
        let is_of_first = |run: &FirstRun<'_>| {
            run.is_known() || run.earliest_start().is_some_and(|later| later.seconds_since(made) > RUNS_WITHIN_SECONDS)
        };
        self.runs.iter().all(is_of_first).then_some(made)
    }

    fn containers(&mut self) -> Walk {
        let started = self.start.started().map(Second::time);
        if !self.runs.iter().all(|run| !run.is_main() || run.is_known()) {
            self.miss();
            return if self.start.is_over() || !self.pod.is_active() { Walk::Ends } else { Walk::On };
        }
        if started.is_none() && (self.start.is_over() || !self.pod.is_active()) {
            self.miss();
            return Walk::Ends;
        }
        // What an init container did in its first attempts takes a part of Init.
        if !self.runs.iter().all(|run| !run.is_init() || run.is_known()) {
            self.miss();
        }
        // While an image is not known to be there, it is known what is waited for; later nobody tells.
        if started.is_some() && !self.runs.iter().all(FirstRun::is_image_there) {
            self.miss();
        }
        self.phases.extend(containers::phases(&self.runs, self.at, started));
        if let Some(started) = started {
            self.at = self.at.max(started);
            return Walk::On;
        }
        Walk::Ends
    }

    fn readiness(&mut self) -> Walk {
        match self.start.became_ready() {
            Some(ready) if Some(ready) == self.start.ready => {
                self.close(PhaseName::Ready, ready.time(), Evidence::Condition);
            }
            Some(ready) => self.close(PhaseName::Ready, ready.time(), Evidence::Derived),
            None if self.start.is_over() || !self.pod.is_active() => self.miss(),
            None => return self.open(PhaseName::Ready, Evidence::Condition),
        }
        Walk::On
    }
}
