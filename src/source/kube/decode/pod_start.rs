//! What the status of a pod tells of its start.

use super::DecodeError;
use super::condition::SlimCondition;
use super::meta::time;
use super::pod::SlimPod;
use super::pod_spec::{Container, PodSpec};
use super::pod_status::{ContainerStatus, State};
use super::text::{bounded, bounded_name};
use crate::fleet::{CLOCK_SKEW_SECONDS, ContainerRole, ContainerStart, Gates, Interner, PodStart, Waiting};
use crate::units::Second;

/// The start of a pod; `None` for those of DaemonSets and for mirror pods, which start with their Node.
pub(super) fn start(slim: &SlimPod<'_>, interner: &mut Interner) -> Result<Option<Box<PodStart>>, DecodeError> {
    let meta = &slim.metadata;
    if meta.is_owned_by("apps/v1", "DaemonSet") || meta.is_owned_by("v1", "Node") {
        return Ok(None);
    }
    let since = |kind: &str, status: &str| {
        let found = slim.status.conditions.iter().find(|condition| condition.is(kind, status));
        found.map_or(Ok(None), transition)
    };
    let mut start = PodStart {
        scheduled: since("PodScheduled", "True")?,
        unscheduled: since("PodScheduled", "False")?,
        sandbox: since("PodReadyToStartContainers", "True")?,
        gates: if slim.spec.scheduling_gates.is_empty() { Gates::None } else { Gates::Closed },
        is_ready_when_started: is_ready_when_started(&slim.spec),
        containers: containers(slim, interner)?,
        ..PodStart::default()
    };
    // An init container is tried again before the pod is ready; what is beside the main containers makes it unready.
    let is_first_run =
        start.containers.iter().all(|container| container.role == ContainerRole::Init || !container.is_restarted());
    let ready = since("Ready", "True")?;
    start.was_ready = ready.is_some() || has_been_ready(slim, &start, since("Ready", "False")?);
    // After a restart the condition tells of the last time.
    start.ready = ready.filter(|_| is_first_run);
    Ok(Some(Box::new(start)))
}

fn transition(condition: &SlimCondition<'_>) -> Result<Option<Second>, DecodeError> {
    Ok(time("lastTransitionTime", &condition.last_transition_time)?.map(Second::from))
}

/// Whether a pod that is not ready has been so before: its condition changed after all of its containers had run; or it has
/// ended.
fn has_been_ready(slim: &SlimPod<'_>, start: &PodStart, unready: Option<Second>) -> bool {
    let changed_later =
        |(unready, started): (Second, Second)| unready.time().seconds_since(started.time()) > CLOCK_SKEW_SECONDS;
    let has_ended = matches!(&*slim.status.phase, "Succeeded" | "Failed");
    start.started().is_some() && (has_ended || unready.zip(start.started()).is_some_and(changed_later))
}

fn is_ready_when_started(spec: &PodSpec<'_>) -> bool {
    let is_probed =
        |container: &Container<'_>| container.readiness_probe.is_some() || container.startup_probe.is_some();
    let sidecars = spec.init_containers.iter().filter(|container| container.is_sidecar());
    spec.readiness_gates.is_empty() && !spec.containers.iter().chain(sidecars).any(is_probed)
}

fn containers(slim: &SlimPod<'_>, interner: &mut Interner) -> Result<Box<[ContainerStart]>, DecodeError> {
    let (spec, status) = (&slim.spec, &slim.status);
    let role = |container: &Container<'_>| {
        if container.is_sidecar() { ContainerRole::Sidecar } else { ContainerRole::Init }
    };
    let init = spec.init_containers.iter().map(|one| (one, role(one), &status.init_container_statuses));
    let main = spec.containers.iter().map(|one| (one, ContainerRole::Main, &status.container_statuses));
    init.chain(main)
        .map(|(container, role, statuses)| {
            let status = statuses.iter().find(|status| *status.name == *container.name);
            container_start(container, role, status, interner)
        })
        .collect()
}

fn container_start(
    container: &Container<'_>,
    role: ContainerRole,
    status: Option<&ContainerStatus<'_>>,
    interner: &mut Interner,
) -> Result<ContainerStart, DecodeError> {
    let name = interner.sym(&bounded_name(&container.name));
    let image = interner.sym(&bounded_name(&container.image));
    let mut start = ContainerStart::new(name, image, role);
    start.asks_registry = &*container.image_pull_policy == "Always";
    let Some(status) = status else { return Ok(start) };
    let (now, before) = (started(&status.state)?, started(&status.last_state)?);
    start.started = before.or(now);
    start.restarts = status.restart_count;
    // The state before the present one is that of the first run only after the first restart.
    start.is_first_start = match status.restart_count {
        0 => now.is_some(),
        1 => before.is_some(),
        _ => false,
    };
    // Init containers run again, for example after a reboot of their Node.
    let ends = [&status.last_state, &status.state].map(|state| state.terminated.as_ref());
    let ended = ends.into_iter().flatten().find(|ended| ended.exit_code == 0);
    start.finished = ended.map_or(Ok(None), |ended| time("finishedAt", &ended.finished_at))?.map(Second::from);
    start.waiting = status.state.waiting.as_ref().filter(|waiting| is_telling(&waiting.reason)).map(|waiting| {
        let reason = interner.sym(&bounded_name(&waiting.reason));
        Box::new(Waiting { reason, message: interner.sym(&bounded(&waiting.message)) })
    });
    Ok(start)
}

/// Whether a reason says more than that the container does not run yet.
fn is_telling(reason: &str) -> bool {
    !matches!(reason, "" | "ContainerCreating" | "PodInitializing")
}

fn started(state: &State<'_>) -> Result<Option<Second>, DecodeError> {
    let running = state.running.as_ref().map(|running| &running.started_at);
    let started = running.or(state.terminated.as_ref().map(|ended| &ended.started_at));
    Ok(started.map_or(Ok(None), |at| time("startedAt", at))?.map(Second::from))
}
